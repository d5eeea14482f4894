/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint becomes a state: see engine/load.h. */
#include "core/engine/load.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

#define FIRST_PAGE 1u

void rv_load_take_back(rv_node *node) {
    rv_state_reset(node->state);
    rv_opaque_reset(&node->opaque);
    rv_schema_take_back(node->schema, &node->checkpoints.load.schema);
    rv_held_take_back(&node->held);
    node->checkpoints.load.phase = RV_LOAD_NONE;
}

/* `offset` UINT64_MAX: of no place. */
static rv_status wrong(rv_node *node, rv_load_fault *fault, rv_status status, uint64_t offset,
                       const char *what) {
    rv_load_take_back(node);
    fault->status = status;
    fault->offset = offset;
    fault->what = what;
    return RV_DATA_DAMAGED;
}

void rv_load_begin(rv_node *node, uint64_t size) {
    RV_ASSERT(rv_state_page_max(node->state) > 0);
    node->checkpoints.load =
        (rv_load){.phase = RV_LOAD_HEAD, .size = size, .schema = rv_schema_mark_of(node->schema)};
}

/* --- which bytes --- */

static uint64_t phase_len(const rv_load *l) {
    RV_ASSERT(l->phase >= RV_LOAD_HEAD && l->phase <= RV_LOAD_PAGES);
    switch (l->phase) {
    case RV_LOAD_HEAD:
        return RV_CHECKPOINT_HEAD_SIZE;
    case RV_LOAD_SUMS:
        return (uint64_t)l->head.page_count * sizeof(uint64_t);
    case RV_LOAD_WORDS:
        return l->head.words_len;
    default:
        return (uint64_t)l->head.page_count * RV_PAGE_SIZE;
    }
}

static uint64_t phase_at(const rv_load *l) {
    RV_ASSERT(l->phase >= RV_LOAD_HEAD && l->phase <= RV_LOAD_PAGES);
    switch (l->phase) {
    case RV_LOAD_HEAD:
        return 0;
    case RV_LOAD_SUMS:
        return RV_CHECKPOINT_HEAD_SIZE;
    case RV_LOAD_WORDS:
        return rv_checkpoint_words_at(&l->head);
    default:
        return rv_checkpoint_page_at(&l->head, FIRST_PAGE);
    }
}

rv_load_piece rv_load_next(const rv_node *node, size_t len_max) {
    const rv_load *const l = &node->checkpoints.load;
    const uint64_t left = phase_len(l) - l->done;
    const size_t max = len_max / RV_PAGE_SIZE * RV_PAGE_SIZE;
    RV_ASSERT(left > 0 && max > 0);
    uint8_t *const memory = l->phase == RV_LOAD_SUMS
                                ? (uint8_t *)node->checkpoints.sums
                                : rv_state_load_pages(node->state, FIRST_PAGE, 1);
    return (rv_load_piece){.offset = phase_at(l) + l->done,
                           .to = memory + (size_t)l->done,
                           .len = left < max ? (size_t)left : max};
}

/* --- what they are --- */

static rv_status take_head(rv_node *node, const rv_load_piece *piece, size_t got,
                           rv_load_fault *fault) {
    rv_load *const l = &node->checkpoints.load;
    memset(piece->to + got, 0, RV_CHECKPOINT_HEAD_SIZE - got);
    switch (rv_checkpoint_head_decode(piece->to, &l->head)) {
    case RV_CHECKPOINT_UNFINISHED:
        return wrong(node, fault, RV_OK, UINT64_MAX, "it was not finished");
    case RV_CHECKPOINT_FOREIGN:
        return wrong(node, fault, RV_DATA_NEWER, UINT64_MAX, "another version of Rivulet wrote it");
    case RV_CHECKPOINT_DAMAGED:
        return wrong(node, fault, RV_DATA_DAMAGED, 0, "its header");
    default:
        break;
    }
    const uint32_t page_max = rv_state_page_max(node->state);
    if (l->head.page_count > page_max || l->head.words_len > (uint64_t)page_max * RV_PAGE_SIZE) {
        return wrong(node, fault, RV_MEMORY_EXHAUSTED, UINT64_MAX,
                     "it was written with a larger memory budget, and needs more than there is");
    }
    if (l->size < rv_checkpoint_page_at(&l->head, l->head.page_count + 1)) {
        return wrong(node, fault, RV_DATA_DAMAGED, l->size, "it ends there");
    }
    return RV_OK;
}

/* They lie where they are wanted, as bytes. */
static void take_sums(rv_node *node, const rv_load_piece *piece) {
    rv_load *const l = &node->checkpoints.load;
    uint64_t *const sums = node->checkpoints.sums + l->done / sizeof(uint64_t);
    RV_ASSERT(piece->len % sizeof(uint64_t) == 0 && (uint8_t *)sums == piece->to);
    l->crc = rv_crc32c(l->crc, rv_bytes_of(piece->to, piece->len));
    for (size_t i = 0; i < piece->len / sizeof(uint64_t); i += 1) {
        sums[i] = rv_load_u64(piece->to + i * sizeof(uint64_t));
    }
}

/* Selection and schema. */
static rv_status read_words(rv_node *node, rv_bytes words, rv_error *err) {
    rv_cursor c = rv_cursor_over(words);
    const uint32_t logged = rv_read_u32(&c);
    const uint32_t selection_len = rv_read_u32(&c);
    const rv_bytes selection = rv_read(&c, selection_len);
    uint32_t texts = rv_read_u32(&c);
    rv_status status = RV_OK;
    if (c.bad || logged > 1u + RV_RECORD_SELECTION_KNOWN) {
        return rv_error_set(err, RV_DATA_DAMAGED, "its words end early");
    }
    if (logged > 0) {
        status = rv_held_meet(&node->held, (uint8_t)(logged - 1), selection, err);
    }
    for (; status == RV_OK && texts > 0; texts -= 1) {
        const uint32_t len = rv_read_u32(&c);
        const rv_bytes text = rv_read(&c, len);
        status = c.bad ? rv_error_set(err, RV_DATA_DAMAGED, "its words end early")
                       : rv_schema_apply(node->schema, text, err);
    }
    rv_node_give(node);
    return status;
}

static rv_status take_words(rv_node *node, const rv_load_piece *piece, rv_load_fault *fault) {
    rv_load *const l = &node->checkpoints.load;
    l->crc = rv_crc32c(l->crc, rv_bytes_of(piece->to, piece->len));
    if (l->done + piece->len < l->head.words_len) {
        return RV_OK;
    }
    if (l->crc != l->head.front_crc) {
        return wrong(node, fault, RV_DATA_DAMAGED, RV_CHECKPOINT_HEAD_SIZE,
                     "what is before its pages");
    }
    const uint8_t *const words = rv_state_load_pages(node->state, FIRST_PAGE, 1);
    const uint64_t offset = rv_checkpoint_words_at(&l->head);
    const rv_status status = read_words(node, rv_bytes_of(words, l->head.words_len), &fault->err);
    return status == RV_OK ? RV_OK : wrong(node, fault, status, offset, fault->err.detail);
}

static rv_status take_pages(rv_node *node, const rv_load_piece *piece, rv_load_fault *fault) {
    const rv_load *const l = &node->checkpoints.load;
    const uint32_t first = FIRST_PAGE + (uint32_t)(l->done / RV_PAGE_SIZE);
    const uint32_t count = (uint32_t)(piece->len / RV_PAGE_SIZE);
    const uint32_t bad = rv_state_load_sums(node->state, first, count, node->checkpoints.sums);
    if (bad != 0) {
        return wrong(node, fault, RV_DATA_DAMAGED, rv_checkpoint_page_at(&l->head, bad), "a page");
    }
    if (l->done + piece->len == phase_len(l)) {
        uint64_t salt = 0;
        node->host.ops->entropy(node->host.ctx, (uint8_t *)&salt, sizeof salt);
        rv_state_load_check_begin(node->state, &l->head, salt, &node->scratch);
    }
    return RV_OK;
}

rv_status rv_load_check(rv_node *node, uint32_t work, rv_load_fault *fault) {
    rv_load *const l = &node->checkpoints.load;
    RV_ASSERT(l->phase == RV_LOAD_CHECK);
    rv_status status = rv_state_load_check(node->state, work, &fault->err);
    if (status == RV_PENDING) {
        return RV_OK;
    }
    status = status == RV_OK ? rv_node_base_restored(node, &fault->err) : status;
    if (status != RV_OK) {
        return wrong(node, fault, status, UINT64_MAX, fault->err.detail);
    }
    l->phase = RV_LOAD_OVER;
    return RV_OK;
}

rv_status rv_load_take(rv_node *node, const rv_load_piece *piece, rv_status read, size_t got,
                       rv_load_fault *fault) {
    rv_load *const l = &node->checkpoints.load;
    RV_ASSERT(read != RV_PENDING && got <= piece->len);
    if (read != RV_OK || (got < piece->len && l->phase != RV_LOAD_HEAD)) {
        return wrong(node, fault, read == RV_OK ? RV_DATA_DAMAGED : read,
                     l->phase == RV_LOAD_HEAD ? UINT64_MAX : piece->offset, "it could not be read");
    }
    rv_status status = RV_OK;
    switch (l->phase) {
    case RV_LOAD_HEAD:
        status = take_head(node, piece, got, fault);
        break;
    case RV_LOAD_SUMS:
        take_sums(node, piece);
        break;
    case RV_LOAD_WORDS:
        status = take_words(node, piece, fault);
        break;
    default:
        status = take_pages(node, piece, fault);
        break;
    }
    if (status == RV_OK) {
        l->done += piece->len;
        const bool more = l->done < phase_len(l);
        l->phase = more ? l->phase : (rv_load_phase)(l->phase + 1);
        l->done = more ? l->done : 0;
    }
    return status;
}
