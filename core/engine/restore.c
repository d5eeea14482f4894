/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginning from a checkpoint: see engine/checkpoint.h.
 *
 *     LIST -> NEXT -> OPEN -> READ -> MARK -> DONE
 *              ^  \------ none is left -------^
 *              \----- whatever is wrong with the file -----/
 *
 * READ is engine/load.h. All is checked before any of it counts, at last the place in the log. What
 * is wrong with the newest one is told; then an older one is tried, and after the oldest the log is
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

uint64_t rv_checkpoint_named(const char *text) {
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

static void close_file(rv_checkpoints *k) {
    if (k->restore.open) {
        k->ops.host.ops->close(k->ops.host.ctx, k->restore.file);
        k->restore.open = false;
    }
}

void rv_restore_tell(rv_error *told, uint64_t number, const rv_load_fault *fault) {
    rv_file_name name;
    if (fault->status == RV_OK) {
        return;
    }
    rv_checkpoint_name(number, &name);
    const rv_bytes text = rv_bytes_of_string(name.text);
    if (fault->offset == UINT64_MAX) {
        (void)rv_error_set(told, fault->status, "the checkpoint %b was passed over: %s", &text,
                           fault->what);
    } else {
        (void)rv_error_set(told, fault->status, "the checkpoint %b is damaged at offset %u: %s",
                           &text, fault->offset, fault->what);
    }
    rv_error_fact_text(told, "file", text);
    if (fault->offset != UINT64_MAX) {
        rv_error_fact_uint(told, "offset", fault->offset);
    }
}

/* Goes on with the next older one. */
static rv_status pass_over(rv_node *node, const rv_load_fault *fault) {
    rv_checkpoints *const k = &node->checkpoints;
    if (k->facts.passed_over.status == RV_OK) {
        rv_restore_tell(&k->facts.passed_over, k->restore.number, fault);
    }
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        rv_checkpoint_file *const file = &k->files[i];
        file->useless = file->useless || file->number == k->restore.number;
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
        lowest = k->files[i].number < k->files[lowest].number ? i : lowest;
    }
    if (number > k->files[lowest].number) {
        k->files[lowest] = (rv_checkpoint_file){.number = number};
    }
    k->last_number = number > k->last_number ? number : k->last_number;
}

/* What is not known of the files is not guessed: a checkpoint that was not seen would be written
 * over, or be left behind where the log is cut. The log is read up to where it was recovered. */
static rv_status list_failed(rv_node *node, rv_status status, rv_error *err) {
    const char *const why = status == RV_OK ? "there are too many" : rv_status_text(status);
    const rv_status told = status == RV_OK ? RV_MEMORY_EXHAUSTED : status;
    RV_ASSERT(told != RV_PENDING);
    (void)rv_error_set(err, told, "listing the files failed: %s", why);
    rv_log_recover_stop(node->log, err);
    return told;
}

static rv_status step_list(rv_node *node, rv_error *err) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    rv_file_name *const names = (rv_file_name *)(void *)k->buf;
    const size_t cap = (size_t)k->buf_pages * RV_PAGE_SIZE / sizeof *names;
    uint64_t count = 0;
    const rv_status status = rv_op_list(&k->ops, &k->op, names, cap, &count);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (status != RV_OK || count > cap) {
        return list_failed(node, status, err);
    }
    for (uint64_t i = 0; i < count; i += 1) {
        const uint64_t number = rv_checkpoint_named(names[i].text);
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
        const uint64_t other = k->files[i].number;
        found = other < number && other > found ? other : found;
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
        return pass_over(node, &(rv_load_fault){.status = status,
                                                .offset = UINT64_MAX,
                                                .what = "it could not be opened"});
    }
    r->open = true;
    rv_load_begin(node, r->size);
    r->phase = RV_RESTORE_READ;
    return RV_OK;
}

static rv_status step_check(rv_node *node) {
    rv_load_fault fault;
    if (rv_load_check(node, UINT32_MAX, &fault) != RV_OK) {
        return pass_over(node, &fault);
    }
    if (node->checkpoints.load.phase == RV_LOAD_OVER) {
        close_file(&node->checkpoints);
        node->checkpoints.restore.phase = RV_RESTORE_MARK;
    }
    return RV_OK;
}

static rv_status step_read(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    if (k->load.phase == RV_LOAD_CHECK) {
        return step_check(node);
    }
    const rv_load_piece piece = rv_load_next(node, (size_t)READ_PAGES * RV_PAGE_SIZE);
    const bool head = k->load.phase == RV_LOAD_HEAD;
    size_t got = 0;
    const rv_status status =
        rv_op_read(&k->ops, &k->op, r->file, piece.offset, piece.to, piece.len, &got);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    rv_load_fault fault;
    if (rv_load_take(node, &piece, status, got, &fault) != RV_OK) {
        return pass_over(node, &fault);
    }
    if (head && rv_rewind_cuts(node)) {
        rv_load_take_back(node);
        return pass_over(node, &(rv_load_fault){.status = RV_OK}); /* its history is not kept */
    }
    return RV_OK;
}

/* Where the log goes on. */
static rv_status step_mark(rv_node *node, rv_error *err) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_restore *const r = &k->restore;
    const rv_checkpoint_head *const head = &k->load.head;
    rv_log_mark mark;
    const bool fits =
        rv_log_mark_decode(head->mark, &mark) && mark.next_sequence == head->last_sequence + 1;
    const rv_status status = fits ? rv_log_recover_from(node->log, &mark, err) : RV_END;
    if (status == RV_END) {
        rv_load_take_back(node);
        return pass_over(node, &(rv_load_fault){.status = RV_DATA_DAMAGED,
                                                .offset = UINT64_MAX,
                                                .what = "it belongs to another log than this"});
    }
    if (status != RV_OK) {
        return status;
    }
    node->recorded_at = head->recorded_at;
    k->current = r->number;
    k->previous = number_below(k, r->number);
    k->log_base = k->facts.passed_over.status == RV_OK ? head->log_bytes : 0; /* soon another */
    k->facts.opened_by = RV_OPENED_BY_CHECKPOINT;
    k->facts.number = r->number;
    k->facts.sequence = head->last_sequence;
    k->facts.position = mark.watermark;
    k->facts.bytes = r->size;
    rv_kept_count(node);
    r->used = true;
    r->phase = RV_RESTORE_DONE;
    return RV_OK;
}

static rv_status step(rv_node *node, rv_error *err) {
    switch (node->checkpoints.restore.phase) {
    case RV_RESTORE_LIST:
        return step_list(node, err);
    case RV_RESTORE_NEXT:
        return step_next(node);
    case RV_RESTORE_OPEN:
        return step_open(node);
    case RV_RESTORE_READ:
        return step_read(node);
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
