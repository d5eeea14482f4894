/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking things up in a run: blocks through slots, and the way down a tree.
 *
 * On each level the way leads through the last entry that lies before what is looked for; the entry
 * after it is kept in mind, because what is looked for may be the first one below that.
 */
#include "core/log/internal.h"

#include "core/base/hash.h"

/* --- blocks --- */

static rv_block *block_find(rv_log *log, uint32_t serial, uint32_t number) {
    for (uint32_t i = 0; i < log->runs.block_count; i += 1) {
        rv_block *const block = &log->runs.blocks[i];
        RV_ASSERT(block->buf != NULL);
        if (block->phase != RV_BLOCK_FREE && block->serial == serial && block->number == number) {
            return block;
        }
    }
    return NULL;
}

/* A slot that is free, or was not used for longest; NULL: all are loading. */
static rv_block *block_take(rv_log *log) {
    rv_block *best = NULL;
    for (uint32_t i = 0; i < log->runs.block_count; i += 1) {
        rv_block *const block = &log->runs.blocks[i];
        if (block->phase == RV_BLOCK_LOADING) {
            continue;
        }
        if (best == NULL || (block->phase == RV_BLOCK_FREE && best->phase != RV_BLOCK_FREE) ||
            (block->used < best->used && best->phase != RV_BLOCK_FREE)) {
            best = block;
        }
    }
    RV_ASSERT(best == NULL || !rv_op_active(&best->op));
    return best;
}

/* Goes on with a load. */
static void block_advance(rv_log *log, rv_block *block) {
    RV_ASSERT(block->phase == RV_BLOCK_LOADING && block->handle != NULL);
    const rv_status status = rv_op_read(&log->ops, &block->op, block->handle->file, block->offset,
                                        block->buf, RV_RUN_BLOCK_SIZE, &block->got);
    if (status == RV_PENDING) {
        return;
    }
    rv_files_release(log, block->handle);
    block->handle = NULL;
    block->phase = RV_BLOCK_READY;
    block->status = status == RV_OK && block->got < RV_RUN_BLOCK_SIZE ? RV_DATA_DAMAGED : status;
    RV_ASSERT(block->status != RV_PENDING);
}

void rv_blocks_poll(rv_log *log) {
    RV_ASSERT(log->runs.block_count <= RV_BLOCKS_MAX);
    for (uint32_t i = 0; i < log->runs.block_count; i += 1) {
        if (log->runs.blocks[i].phase == RV_BLOCK_LOADING) {
            block_advance(log, &log->runs.blocks[i]);
        }
    }
}

bool rv_blocks_loading(const rv_log *log) {
    RV_ASSERT(log->runs.block_count <= RV_BLOCKS_MAX);
    for (uint32_t i = 0; i < log->runs.block_count; i += 1) {
        if (log->runs.blocks[i].phase == RV_BLOCK_LOADING) {
            return true;
        }
    }
    return false;
}

/* The block, not yet checked: RV_OK, RV_PENDING, or what makes the run unusable. */
static rv_status block_get(rv_log *log, uint32_t serial, uint32_t number, rv_block **found) {
    rv_block *block = block_find(log, serial, number);
    if (block == NULL) {
        rv_handle *handle = NULL;
        rv_status status = rv_files_acquire(log, RV_HANDLE_OF_RUN | serial, 2, &handle);
        if (status != RV_OK) {
            return status == RV_BUSY ? RV_PENDING : status;
        }
        block = block_take(log);
        const bool fits = handle->size >= RV_RUN_BLOCK_SIZE;
        if (block == NULL || !fits) {
            rv_files_release(log, handle);
            return fits ? RV_PENDING : RV_DATA_DAMAGED;
        }
        block->phase = RV_BLOCK_LOADING;
        block->verified = false;
        block->handle = handle;
        block->serial = serial;
        block->number = number;
        block->offset = number == RV_BLOCK_FOOTER ? handle->size - RV_RUN_BLOCK_SIZE
                                                  : (uint64_t)number * RV_RUN_BLOCK_SIZE;
        log->index_reads += 1;
    }
    if (block->phase == RV_BLOCK_LOADING) {
        block_advance(log, block);
    }
    if (block->phase == RV_BLOCK_LOADING) {
        return RV_PENDING;
    }
    const rv_status status = block->status;
    block->used = ++log->clock;
    if (status != RV_OK) {
        block->phase = RV_BLOCK_FREE;
    }
    *found = block;
    return status;
}

/* --- footers --- */

uint64_t rv_index_fingerprint(const rv_log *log, uint64_t first, uint64_t next) {
    RV_ASSERT(first > 0 && first < next && log->has_identity);
    uint64_t hash = rv_hash64(0, rv_bytes_of(log->identity.log_id, 16));
    const rv_place begin = {rv_log_segment_of(log, first), 0};
    for (uint32_t i = begin.segment; i < log->segment_count; i += 1) {
        const rv_segment *const segment = &log->segments[i];
        if (segment->first_sequence >= next) {
            break;
        }
        uint8_t bytes[16];
        rv_store_u64(bytes, segment->first_sequence);
        rv_store_u32(bytes + 8, segment->salt);
        rv_store_u32(bytes + 12, segment->generation);
        hash = rv_hash64(hash, rv_bytes_of(bytes, segment->generation > 0 ? 16 : 12));
    }
    return hash;
}

static bool footer_fits(const rv_log *log, const rv_index_run *run, const rv_run_footer *footer) {
    RV_ASSERT(log->segment_count > 0);
    return memcmp(footer->log_id, log->identity.log_id, sizeof footer->log_id) == 0 &&
           footer->first_sequence == run->span.first && footer->next_sequence == run->span.next &&
           footer->level == run->span.level &&
           footer->next_sequence <= log->durable.next_sequence &&
           footer->fingerprint == rv_index_fingerprint(log, run->span.first, run->span.next);
}

/* Of segments as they were before they were written again. */
static bool is_outdated(const rv_log *log, const rv_index_run *run, const rv_run_footer *footer) {
    rv_run_footer now = *footer;
    bool rewritten = false;
    for (uint32_t i = rv_log_segment_of(log, run->span.first); i < log->segment_count; i += 1) {
        rewritten = rewritten || (log->segments[i].generation > 0 &&
                                  log->segments[i].first_sequence < run->span.next);
    }
    now.fingerprint = rv_index_fingerprint(log, run->span.first, run->span.next);
    RV_ASSERT(!footer_fits(log, run, footer));
    return rewritten && footer_fits(log, run, &now);
}

/* A run that cannot be used: what it covered is read from the log, and indexed again. */
static rv_status run_bad(rv_log *log, uint32_t serial, bool outdated) {
    const uint32_t index = rv_runs_of_serial(&log->runs, serial);
    RV_ASSERT(index < log->runs.count);
    if (outdated) {
        rv_runs_outdate(&log->runs, &log->runs.runs[index].span);
    } else {
        rv_runs_drop(&log->runs, index, true);
    }
    log->indexer.idle = false;
    return RV_DATA_DAMAGED;
}

rv_status rv_index_load(rv_log *log, uint32_t index) {
    rv_index_run *const run = &log->runs.runs[index];
    RV_ASSERT(index < log->runs.count);
    if (run->loaded) {
        return RV_OK;
    }
    rv_block *block = NULL;
    const rv_status status = block_get(log, run->serial, RV_BLOCK_FOOTER, &block);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    rv_run_footer footer;
    if (status != RV_OK || rv_run_footer_decode(block->buf, &footer) != RV_OK) {
        return run_bad(log, run->serial, false);
    }
    if (!footer_fits(log, run, &footer)) {
        return run_bad(log, run->serial, is_outdated(log, run, &footer));
    }
    block->phase = RV_BLOCK_FREE;
    run->footer = footer;
    run->loaded = true;
    return RV_OK;
}

/* --- the way down --- */

/* Where a search stands. */
typedef struct way {
    uint32_t number; /* of the block */
    uint32_t level;
    bool beside; /* if nothing is found, there is this one: */
    uint32_t beside_number;
    uint32_t beside_level;
} way;

static bool lies_before(const rv_seek *seek, rv_run_key key) {
    switch (seek->kind) {
    case RV_SEEK_FROM:
        return rv_run_key_compare(key, seek->key) < 0;
    case RV_SEEK_UP_TO_A:
        return key.a <= seek->key.a;
    default:
        RV_ASSERT(seek->kind == RV_SEEK_BELOW_B);
        return key.b < seek->key.b;
    }
}

/* Through a block above the entries. False: it is malformed. */
static bool go_down(const rv_seek *seek, rv_run_reading *r, way *w) {
    bool any = false;
    bool beyond = false;
    rv_run_entry through = {{0, 0}, 0, 0};
    while (!beyond && rv_run_read(r)) { /* as many as a block has */
        beyond = !lies_before(seek, r->entry.key);
        if (beyond && any) {
            w->beside = true;
            w->beside_number = (uint32_t)r->entry.c;
            w->beside_level = w->level - 1;
        } else {
            through = r->entry;
            any = true;
        }
    }
    RV_ASSERT(w->level > 0);
    w->number = (uint32_t)through.c;
    w->level -= 1;
    return any && !r->bad;
}

/* Takes from a block of entries what was looked for. False: it is malformed. */
static bool take_found(const rv_seek *seek, rv_run_reading *r, rv_found *found) {
    found->count = 0;
    while (rv_run_read(r)) { /* as many as a block has */
        const bool before = lies_before(seek, r->entry.key);
        if (seek->kind == RV_SEEK_FROM && !before) {
            if (found->count == found->cap) {
                break;
            }
            found->entries[found->count++] = r->entry;
        } else if (seek->kind != RV_SEEK_FROM) {
            if (!before) {
                break;
            }
            found->entries[0] = r->entry;
            found->count = 1;
        }
    }
    RV_ASSERT(found->count <= found->cap);
    return !r->bad;
}

/* A good block of the run: RV_OK, RV_PENDING, or what makes the run unusable. */
static rv_status good_block(rv_log *log, const rv_index_run *run, const rv_seek *seek, const way *w,
                            const uint8_t **bytes) {
    RV_ASSERT(run->loaded);
    if (w->number >= run->footer.block_count) {
        return RV_DATA_DAMAGED;
    }
    rv_block *block = NULL;
    const rv_status status = block_get(log, run->serial, w->number, &block);
    if (status != RV_OK) {
        return status;
    }
    const rv_run_expected expected = {run->footer.fingerprint, w->number, seek->section, w->level};
    if (!block->verified && !rv_run_block_good(block->buf, &expected)) {
        block->phase = RV_BLOCK_FREE;
        return RV_DATA_DAMAGED;
    }
    block->verified = true;
    *bytes = block->buf;
    const bool same = block->buf[8] == seek->section && block->buf[9] == w->level;
    return same ? RV_OK : RV_DATA_DAMAGED;
}

rv_status rv_index_seek(rv_log *log, uint32_t index, const rv_seek *seek, rv_found *found) {
    RV_ASSERT(index < log->runs.count && found->cap > 0);
    const uint32_t serial = log->runs.runs[index].serial;
    rv_status status = rv_index_load(log, index);
    if (status != RV_OK) {
        return status;
    }
    const rv_index_run *const run = &log->runs.runs[index];
    const rv_run_part *const part = &run->footer.parts[seek->section];
    found->count = 0;
    if (part->count == 0 ||
        (seek->kind == RV_SEEK_FROM && rv_run_key_compare(part->last, seek->key) < 0)) {
        return RV_END;
    }
    way w = {.number = part->root, .level = part->depth};
    for (unsigned i = 0;; i += 1) { /* down once, and once more beside that way */
        RV_ASSERT(i <= 2 * (RV_RUN_DEPTH_MAX + 1));
        const uint8_t *bytes = NULL;
        status = good_block(log, run, seek, &w, &bytes);
        if (status == RV_PENDING) {
            return RV_PENDING;
        }
        if (status != RV_OK) {
            return run_bad(log, serial, false);
        }
        rv_run_reading r = rv_run_read_begin(bytes, run->span.first);
        const bool above = w.level > 0;
        if (above ? !go_down(seek, &r, &w) : !take_found(seek, &r, found)) {
            return run_bad(log, serial, false);
        }
        if (above) {
            continue;
        }
        if (found->count > 0 || seek->kind != RV_SEEK_FROM || !w.beside) {
            return found->count > 0 ? RV_OK : RV_END;
        }
        w = (way){.number = w.beside_number, .level = w.beside_level};
    }
}
