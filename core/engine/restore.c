/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginning from a checkpoint: see engine/checkpoint.h.
 *
 *     LIST -> NEXT -> OPEN -> HEAD -> SUMS -> WORDS -> PAGES -> MARK -> DONE
 *              ^  \------------- none is left ------------------------^
 *              \---------- whatever is wrong with the file -----/
 *
 * Pages are read to where they will lie. All is checked before any of it counts: sums, then the
 * schema that the words make, then the pages as a structure, then the place in the log. What is
 * wrong with the newest one is told; then an older one is tried, and after the oldest the log is
 * replayed from its start.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

#define READ_PAGES 64u /* at a time: as much as a cache holds, to be summed at once */

static const char *file_name(const rv_restore *r, rv_file_name *name) {
    RV_ASSERT(r->number > 0);
    rv_checkpoint_name(r->number, name);
    return name->text;
}

/* The number of a checkpoint's name; 0 when it is none. */
static uint64_t name_parse(const char *text) {
    uint64_t number = 0;
    if (strlen(text) != 24 || memcmp(text, "ckp-", 4) != 0 || strcmp(text + 20, ".bin") != 0) {
        return 0;
    }
    for (unsigned i = 4; i < 20; i += 1) {
        const char c = text[i];
        const bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f')) {
            return 0;
        }
        number = number << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    return number <= RV_CHECKPOINT_NUMBER_MAX ? number : 0;
}

/* The state and what came with it is as it was before. */
static void take_back(rv_node *node) {
    const rv_restore *const r = &node->checkpoints.restore;
    rv_state_reset(node->state);
    rv_opaque_reset(&node->opaque);
    rv_schema_take_back(node->schema, &r->schema);
    rv_held_take_back(&node->held);
}

static void close_file(rv_checkpoints *k) {
    if (k->restore.open) {
        k->ops.host.ops->close(k->ops.host.ctx, k->restore.file);
        k->restore.open = false;
    }
}

/* Goes on with the next older one. `offset` UINT64_MAX: of no place. */
static rv_status pass_over(rv_node *node, rv_status status, uint64_t offset, const char *what) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_error *const told = &k->facts.passed_over;
    rv_file_name name;
    if (told->status == RV_OK && status != RV_OK) {
        const rv_bytes text = rv_bytes_of_string(file_name(&k->restore, &name));
        if (offset == UINT64_MAX) {
            (void)rv_error_set(told, status, "the checkpoint %b was passed over: %s", &text, what);
        } else {
            (void)rv_error_set(told, status, "the checkpoint %b is damaged at offset %u: %s", &text,
                               offset, what);
        }
        rv_error_fact_text(told, "file", text);
        if (offset != UINT64_MAX) {
            rv_error_fact_uint(told, "offset", offset);
        }
    }
    close_file(k);
    k->restore.phase = RV_RESTORE_NEXT;
    return RV_OK;
}

/* --- which there are --- */

/* Keeps the greatest numbers. */
static void file_insert(rv_checkpoints *k, uint64_t number) {
    uint32_t lowest = 0;
    for (uint32_t i = 1; i < RV_CHECKPOINT_FILES; i += 1) {
        lowest = k->files[i] < k->files[lowest] ? i : lowest;
    }
    k->files[lowest] = number > k->files[lowest] ? number : k->files[lowest];
    k->last_number = number > k->last_number ? number : k->last_number;
}

static rv_status step_list(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    rv_file_name *const names = (rv_file_name *)(void *)k->buf;
    const size_t cap = (size_t)k->buf_pages * RV_PAGE_SIZE / sizeof *names;
    uint64_t count = 0;
    const rv_status status = rv_op_list(&k->ops, &k->op, names, cap, &count);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    for (uint64_t i = 0; status == RV_OK && i < count && i < cap; i += 1) {
        const uint64_t number = name_parse(names[i].text);
        if (number > 0) {
            file_insert(k, number);
        }
    }
    r->number = UINT64_MAX;
    r->schema = rv_schema_mark_of(node->schema);
    r->phase = RV_RESTORE_NEXT;
    return RV_OK;
}

/* The greatest number below one; 0 when there is none. */
static uint64_t number_below(const rv_checkpoints *k, uint64_t number) {
    uint64_t found = 0;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        found = k->files[i] < number && k->files[i] > found ? k->files[i] : found;
    }
    RV_ASSERT(found < number);
    return found;
}

static rv_status step_next(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    k->restore.number = number_below(k, k->restore.number);
    k->restore.phase = k->restore.number == 0 ? RV_RESTORE_DONE : RV_RESTORE_OPEN;
    return RV_OK;
}

/* --- one of them --- */

static rv_status step_open(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    rv_file_name name;
    const rv_status status = rv_op_open(&k->ops, &k->op, file_name(r, &name), &r->file, &r->size);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (status != RV_OK) {
        return pass_over(node, status, UINT64_MAX, "it could not be opened");
    }
    r->open = true;
    r->phase = RV_RESTORE_HEAD;
    return RV_OK;
}

static rv_status step_head(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    size_t got = 0;
    const rv_status status =
        rv_op_read(&k->ops, &k->op, r->file, 0, k->buf, RV_CHECKPOINT_HEAD_SIZE, &got);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (status != RV_OK) {
        return pass_over(node, status, UINT64_MAX, "it could not be read");
    }
    memset(k->buf + got, 0, RV_CHECKPOINT_HEAD_SIZE - got);
    switch (rv_checkpoint_head_decode(k->buf, &r->head)) {
    case RV_CHECKPOINT_UNFINISHED:
        return pass_over(node, RV_OK, UINT64_MAX, "it was not finished");
    case RV_CHECKPOINT_FOREIGN:
        return pass_over(node, RV_DATA_NEWER, UINT64_MAX, "another version of Rivulet wrote it");
    case RV_CHECKPOINT_DAMAGED:
        return pass_over(node, RV_DATA_DAMAGED, 0, "its header");
    default:
        break;
    }
    if (rv_rewind_cuts(node)) {
        return pass_over(node, RV_OK, UINT64_MAX, "it is of a history that is not kept");
    }
    if (r->head.page_count > rv_state_page_max(node->state) ||
        r->head.words_len > node->results.cap) {
        return pass_over(
            node, RV_MEMORY_EXHAUSTED, UINT64_MAX,
            "it was written with a larger memory budget, and needs more than there is");
    }
    if (r->size < rv_checkpoint_page_at(&r->head, r->head.page_count + 1)) {
        return pass_over(node, RV_DATA_DAMAGED, r->size, "it ends there");
    }
    r->done = 0;
    r->crc = 0;
    r->phase = RV_RESTORE_SUMS;
    return RV_OK;
}

static rv_status step_sums(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    const uint32_t left = r->head.page_count - r->done;
    const uint32_t fit = k->buf_pages * (RV_PAGE_SIZE / sizeof(uint64_t));
    const uint32_t count = left < fit ? left : fit;
    const uint64_t offset = RV_CHECKPOINT_HEAD_SIZE + (uint64_t)r->done * sizeof(uint64_t);
    const size_t len = count * sizeof(uint64_t);
    size_t got = 0;
    const rv_status status = rv_op_read(&k->ops, &k->op, r->file, offset, k->buf, len, &got);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (status != RV_OK || got < len) {
        return pass_over(node, status == RV_OK ? RV_DATA_DAMAGED : status, offset,
                         "it could not be read");
    }
    for (uint32_t i = 0; i < count; i += 1) {
        k->sums[r->done + i] = rv_load_u64(k->buf + (size_t)i * sizeof(uint64_t));
    }
    r->crc = rv_crc32c(r->crc, rv_bytes_of(k->buf, len));
    r->done += count;
    r->phase = r->done < r->head.page_count ? RV_RESTORE_SUMS : RV_RESTORE_WORDS;
    return RV_OK;
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

static rv_status step_words(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    RV_ASSERT(r->head.words_len <= node->results.cap);
    const uint64_t offset = rv_checkpoint_words_at(&r->head);
    uint8_t *const words = node->results.ptr;
    size_t got = 0;
    const rv_status status =
        rv_op_read(&k->ops, &k->op, r->file, offset, words, r->head.words_len, &got);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    const rv_bytes bytes = rv_bytes_of(words, got);
    if (status != RV_OK || got < r->head.words_len ||
        rv_crc32c(r->crc, bytes) != r->head.front_crc) {
        return pass_over(node, status == RV_OK ? RV_DATA_DAMAGED : status, RV_CHECKPOINT_HEAD_SIZE,
                         "what is before its pages");
    }
    rv_error err;
    const rv_status read = read_words(node, bytes, &err);
    if (read != RV_OK) {
        take_back(node);
        return pass_over(node, read, offset, err.detail);
    }
    r->done = 0;
    r->phase = RV_RESTORE_PAGES;
    return RV_OK;
}

static rv_status pages_are_there(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    uint64_t salt = 0;
    rv_error err;
    node->host.ops->entropy(node->host.ctx, (uint8_t *)&salt, sizeof salt);
    rv_status status = rv_state_load_check(node->state, &r->head, salt, &node->scratch, &err);
    status = status == RV_OK ? rv_node_base_restored(node, &err) : status;
    if (status != RV_OK) {
        take_back(node);
        return pass_over(node, status, UINT64_MAX, err.detail);
    }
    close_file(k);
    r->phase = RV_RESTORE_MARK;
    return RV_OK;
}

static rv_status step_pages(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    const uint32_t left = r->head.page_count - r->done;
    const uint32_t count = left < READ_PAGES ? left : READ_PAGES;
    const uint32_t first = 1 + r->done;
    const size_t len = (size_t)count * RV_PAGE_SIZE;
    const uint64_t offset = rv_checkpoint_page_at(&r->head, first);
    size_t got = 0;
    const rv_status status = rv_op_read(&k->ops, &k->op, r->file, offset,
                                        rv_state_load_pages(node->state, first, count), len, &got);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    const bool read = status == RV_OK && got == len;
    const uint32_t wrong = read ? rv_state_load_sums(node->state, first, count, k->sums) : first;
    if (wrong != 0) {
        take_back(node);
        return pass_over(node, status == RV_OK ? RV_DATA_DAMAGED : status,
                         rv_checkpoint_page_at(&r->head, wrong), "a page");
    }
    r->done += count;
    return r->done < r->head.page_count ? RV_OK : pages_are_there(node);
}

/* Where the log goes on. */
static rv_status step_mark(rv_node *node, rv_error *err) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    rv_log_mark mark;
    const bool fits =
        rv_log_mark_decode(r->head.mark, &mark) && mark.next_sequence == r->head.last_sequence + 1;
    const rv_status status = fits ? rv_log_recover_from(node->log, &mark, err) : RV_END;
    if (status == RV_END) {
        take_back(node);
        return pass_over(node, RV_DATA_DAMAGED, UINT64_MAX, "it belongs to another log than this");
    }
    if (status != RV_OK) {
        return status;
    }
    node->recorded_at = r->head.recorded_at;
    k->current = r->number;
    k->previous = number_below(k, r->number);
    k->log_base = k->facts.passed_over.status == RV_OK ? r->head.log_bytes : 0; /* soon another */
    k->facts.opened_by = RV_OPENED_BY_CHECKPOINT;
    k->facts.number = r->number;
    k->facts.sequence = r->head.last_sequence;
    k->facts.position = mark.watermark;
    k->facts.bytes = r->size;
    r->used = true;
    r->phase = RV_RESTORE_DONE;
    return RV_OK;
}

static rv_status step(rv_node *node, rv_error *err) {
    switch (node->checkpoints.restore.phase) {
    case RV_RESTORE_LIST:
        return step_list(node);
    case RV_RESTORE_NEXT:
        return step_next(node);
    case RV_RESTORE_OPEN:
        return step_open(node);
    case RV_RESTORE_HEAD:
        return step_head(node);
    case RV_RESTORE_SUMS:
        return step_sums(node);
    case RV_RESTORE_WORDS:
        return step_words(node);
    case RV_RESTORE_PAGES:
        return step_pages(node);
    default:
        RV_ASSERT(node->checkpoints.restore.phase == RV_RESTORE_MARK);
        return step_mark(node, err);
    }
}

rv_status rv_checkpoints_restore(rv_node *node, rv_error *err) {
    rv_restore *const r = &node->checkpoints.restore;
    RV_ASSERT(node->phase == RV_NODE_RECOVERING);
    rv_status status = RV_OK;
    while (status == RV_OK && r->phase != RV_RESTORE_DONE) { /* each step goes on with the file */
        status = step(node, err);
    }
    return status;
}
