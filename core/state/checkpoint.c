/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint as bytes: see checkpoint.h and docs/format/checkpoint.md. */
#include "core/state/checkpoint.h"

#include "core/state/inside.h"
#include "core/state/tree.h"

/*
 * Goes up whenever the same log would make other pages without any size or place below changing:
 * another hash of keys, another order of cells, another meaning of folding.
 */
#define LAYOUT_VERSION 2u

#define HEAD_USED (16u + 8u + RV_CHECKPOINT_MARK_SIZE + 8u * 4u + 4u * 3u)
#define HEAD_CRC  (RV_CHECKPOINT_HEAD_SIZE - 4u)

RV_STATIC_ASSERT(HEAD_USED <= HEAD_CRC, "a header has room");

static const uint8_t magic[8] = {'R', 'V', 'L', 'T', 'C', 'K', 'P', 0};

/* --- the fingerprint --- */

uint64_t rv_checkpoint_fingerprint(void) {
    static const uint32_t sizes[] = {
        LAYOUT_VERSION,
        RV_PAGE_SIZE,
        RV_PAGE_TREE,
        RV_AGGREGATES_MAX,
        RV_COLUMNS_MAX,
        RV_HEAP_CLASSES,
        RV_HEAP_SLOT_MAX,
        RV_HEAP_PIECE,
        RV_CELL_INLINE,
        RV_KEY_INLINE,
        RV_SLOT_BITS,
        RV_SLOT_SIZE_MIN,
        RV_LINE_SIZE,
        RV_DIRECTORIES,
        RV_BUCKET_ENTRIES,
        RV_TREE_NODE_SIZE,
        RV_TREE_KEY_MAX,
        RV_ROW_BITS,
        RV_CELL_KEY,
        sizeof(rv_page_head),
        sizeof(rv_pool),
        sizeof(rv_slots),
        sizeof(rv_lines),
        sizeof(rv_index),
        sizeof(rv_bucket),
        sizeof(rv_cell),
        sizeof(rv_key_cell),
        sizeof(rv_row_head),
        sizeof(rv_stream_line),
        sizeof(rv_cell_layout),
        sizeof(rv_table),
        sizeof(rv_root),
        offsetof(rv_page_head, room_next),
        offsetof(rv_page_head, slot_size),
        offsetof(rv_page_head, slot_free),
        offsetof(rv_slots, size),
        offsetof(rv_lines, directories),
        offsetof(rv_bucket, hashes),
        offsetof(rv_bucket, places),
        offsetof(rv_stream_line, path),
        offsetof(rv_stream_line, declaration),
        offsetof(rv_table, rows),
        offsetof(rv_table, index),
        offsetof(rv_table, row_size),
        offsetof(rv_table, keys),
        offsetof(rv_table, unknown_offset),
        offsetof(rv_table, cells),
        offsetof(rv_table, trees),
        offsetof(rv_root, heap),
        offsetof(rv_root, overflow),
        offsetof(rv_root, tree_nodes),
        offsetof(rv_root, stream_index),
        offsetof(rv_root, streams),
        offsetof(rv_root, tables),
        offsetof(rv_root, base),
        sizeof(rv_base_root),
    };
    /* hashed as they lie in memory: so the order of bytes is in it too */
    const rv_bytes bytes = {(const uint8_t *)sizes, sizeof sizes};
    RV_ASSERT(bytes.len % sizeof(uint32_t) == 0);
    return rv_hash64(RV_CHECKPOINT_FORMAT, bytes);
}

/* --- the header --- */

void rv_checkpoint_head_encode(uint8_t *to, const rv_checkpoint_head *head) {
    RV_ASSERT(head->page_count > 0 && head->page_count <= RV_PAGES_MAX);
    memset(to, 0, RV_CHECKPOINT_HEAD_SIZE);
    memcpy(to, magic, sizeof magic);
    rv_store_u32(to + 8, RV_CHECKPOINT_FORMAT);
    rv_store_u64(to + 16, rv_checkpoint_fingerprint());
    memcpy(to + 24, head->mark, sizeof head->mark);
    uint8_t *const rest = to + 24 + RV_CHECKPOINT_MARK_SIZE;
    rv_store_u64(rest, head->log_bytes);
    rv_store_u64(rest + 8, head->hash_key);
    rv_store_u64(rest + 16, (uint64_t)head->recorded_at);
    rv_store_u32(rest + 24, head->page_count);
    rv_store_u32(rest + 28, head->words_len);
    rv_store_u32(rest + 32, head->front_crc);
    rv_store_u64(rest + 36, head->last_sequence);
    rv_store_u32(to + HEAD_CRC, rv_crc32c(0, rv_bytes_of(to, HEAD_CRC)));
}

rv_checkpoint_kind rv_checkpoint_head_decode(const uint8_t *from, rv_checkpoint_head *head) {
    RV_ASSERT(from != NULL);
    bool zero = true;
    for (uint32_t i = 0; i < RV_CHECKPOINT_HEAD_SIZE && zero; i += 1) {
        zero = from[i] == 0;
    }
    if (zero) {
        return RV_CHECKPOINT_UNFINISHED;
    }
    if (rv_load_u32(from + HEAD_CRC) != rv_crc32c(0, rv_bytes_of(from, HEAD_CRC)) ||
        memcmp(from, magic, sizeof magic) != 0) {
        return RV_CHECKPOINT_DAMAGED;
    }
    if (rv_load_u32(from + 8) != RV_CHECKPOINT_FORMAT ||
        rv_load_u64(from + 16) != rv_checkpoint_fingerprint()) {
        return RV_CHECKPOINT_FOREIGN;
    }
    const uint8_t *const rest = from + 24 + RV_CHECKPOINT_MARK_SIZE;
    *head = (rv_checkpoint_head){
        .log_bytes = rv_load_u64(rest),
        .hash_key = rv_load_u64(rest + 8),
        .recorded_at = (int64_t)rv_load_u64(rest + 16),
        .page_count = rv_load_u32(rest + 24),
        .words_len = rv_load_u32(rest + 28),
        .front_crc = rv_load_u32(rest + 32),
        .last_sequence = rv_load_u64(rest + 36),
    };
    memcpy(head->mark, from + 24, sizeof head->mark);
    const bool fits = head->words_len > 0 && head->page_count > 0 &&
                      head->page_count <= RV_PAGES_MAX &&
                      rv_checkpoint_page_at(head, RV_PAGE_FIRST) % RV_CHECKPOINT_ALIGN == 0;
    return fits ? RV_CHECKPOINT_USABLE : RV_CHECKPOINT_DAMAGED;
}

uint64_t rv_checkpoint_words_at(const rv_checkpoint_head *head) {
    RV_ASSERT(head->page_count <= RV_PAGES_MAX);
    return RV_CHECKPOINT_HEAD_SIZE + (uint64_t)head->page_count * sizeof(uint64_t);
}

uint64_t rv_checkpoint_page_at(const rv_checkpoint_head *head, uint32_t page) {
    RV_ASSERT(page >= RV_PAGE_FIRST && page <= head->page_count + 1);
    return rv_checkpoint_words_at(head) + head->words_len +
           (uint64_t)(page - RV_PAGE_FIRST) * RV_PAGE_SIZE;
}

/* --- saving --- */

/* A page's sum counts its number too, so pages cannot be taken for each other. */
static uint64_t page_sum(uint32_t page, const uint8_t *bytes) {
    RV_ASSERT(page >= RV_PAGE_FIRST);
    return rv_hash64(page, rv_bytes_of(bytes, RV_PAGE_SIZE));
}

rv_status rv_state_save_begin(rv_state *state, rv_snapshot *snapshot, rv_checkpoint_head *head) {
    const rv_status status = rv_snapshot_take(&state->pages, true, snapshot);
    if (status == RV_OK) {
        head->page_count = rv_snapshot_end(&state->pages, *snapshot) - RV_PAGE_FIRST;
        head->hash_key = state->hash_key;
        RV_ASSERT(head->page_count > 0);
    }
    return status;
}

rv_status rv_state_save_pages(rv_state *state, rv_snapshot snapshot, uint32_t first, uint32_t count,
                              uint8_t *to, uint64_t *sums) {
    RV_ASSERT(first >= RV_PAGE_FIRST && count > 0);
    for (uint32_t i = 0; i < count; i += 1) {
        const uint8_t *const bytes = rv_snapshot_read(&state->pages, snapshot, first + i);
        if (bytes == NULL) {
            return RV_SNAPSHOT_EXPIRED;
        }
        uint8_t *const copy = to + (size_t)i * RV_PAGE_SIZE;
        memcpy(copy, bytes, RV_PAGE_SIZE);
        sums[first + i - RV_PAGE_FIRST] = page_sum(first + i, copy);
    }
    rv_snapshot_pass(&state->pages, snapshot, first + count);
    return RV_OK;
}

void rv_state_save_end(rv_state *state, rv_snapshot snapshot) {
    rv_snapshot_release(&state->pages, snapshot);
    RV_ASSERT(!rv_snapshot_alive(&state->pages, snapshot));
}

/* --- loading --- */

uint32_t rv_state_page_max(const rv_state *state) {
    RV_ASSERT(state->pages.total >= RV_PAGE_FIRST);
    return state->pages.total;
}

uint8_t *rv_state_load_pages(rv_state *state, uint32_t first, uint32_t count) {
    rv_pages *const pages = &state->pages;
    RV_ASSERT(first >= RV_PAGE_FIRST && count > 0 && count <= pages->total);
    RV_ASSERT(first + count - 1 <= pages->total && pages->snapshots.alive == 0);
    return pages->memory + (size_t)(first - RV_PAGE_FIRST) * RV_PAGE_SIZE;
}

uint32_t rv_state_load_sums(const rv_state *state, uint32_t first, uint32_t count,
                            const uint64_t *sums) {
    RV_ASSERT(first >= RV_PAGE_FIRST && first + count - 1 <= state->pages.total);
    for (uint32_t page = first; page < first + count; page += 1) {
        if (page_sum(page, rv_pages_read(&state->pages, page)) != sums[page - RV_PAGE_FIRST]) {
            return page;
        }
    }
    return 0;
}
