/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing checkpoints: see engine/checkpoint.h. A step is one operation on the host; what it writes
 * is put together in the buffer when it begins, and stays there until it is over.
 *
 * One is due when the log has grown by a share of what a checkpoint costs, so that writing them
 * never takes more than a fraction of the disk's work, and at a clean close when replaying what is
 * behind the last one would take longer than a reader notices.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

#define BUFFER_SHARE     64u /* of the budget */
#define BUFFER_PAGES_MIN 8u  /* a selection fits */
#define BUFFER_PAGES_MAX 16u

#define GROWTH_MIN         (UINT64_C(16) << 20)  /* replayed in 60 ms or so */
#define GROWTH_SHARE       2u                    /* of the pages */
#define GROWTH_CLOSE_MIN   (UINT64_C(128) << 10) /* in half a millisecond */
#define GROWTH_CLOSE_SHARE 64u

#define NUMBER_UNIT (UINT64_C(64) << 10) /* bytes of log for each that numbers go up */

RV_STATIC_ASSERT(RV_CHECKPOINT_MARK_SIZE == RV_LOG_MARK_SIZE, "a header has the log's mark");
RV_STATIC_ASSERT(BUFFER_PAGES_MIN *RV_PAGE_SIZE > RV_PATTERNS_MAX * (RV_PATH_LEN_MAX + 16),
                 "the words before the texts fit the buffer");

/* --- memory --- */

static uint32_t buffer_pages(size_t budget) {
    const size_t share = budget / BUFFER_SHARE / RV_PAGE_SIZE;
    return share < BUFFER_PAGES_MIN   ? BUFFER_PAGES_MIN
           : share > BUFFER_PAGES_MAX ? BUFFER_PAGES_MAX
                                      : (uint32_t)share;
}

size_t rv_checkpoints_memory(size_t budget) {
    RV_ASSERT(budget >= RV_MEMORY_MIN);
    return buffer_pages(budget) * RV_PAGE_SIZE + budget / RV_PAGE_SIZE * sizeof(uint64_t) + 64;
}

void rv_checkpoints_create(rv_node *node, size_t budget, rv_arena *arena) {
    rv_checkpoints *const k = &node->checkpoints;
    RV_ASSERT(node->state != NULL && k->buf == NULL);
    k->ops = (rv_ops){.host = node->host, .tickets = RV_CHECKPOINT_TICKETS};
    k->reader.op.id = 1;
    k->buf_pages = buffer_pages(budget);
    k->buf = rv_arena_take_raw(arena, (size_t)k->buf_pages * RV_PAGE_SIZE);
    k->sums = rv_arena_take_raw(arena, rv_state_page_max(node->state) * sizeof *k->sums);
    RV_ASSERT(k->buf != NULL && k->sums != NULL);
}

bool rv_checkpoints_completed(rv_node *node, const rv_io_completion *completion) {
    if (completion->ticket >> 56 != RV_CHECKPOINT_TICKETS) {
        return false;
    }
    rv_checkpoints *const k = &node->checkpoints;
    const bool awaited =
        rv_op_complete(&k->op, completion) || rv_op_complete(&k->reader.op, completion);
    RV_ASSERT(awaited); /* the host finishes what was started, once */
    return true;
}

void rv_checkpoint_name(uint64_t number, rv_file_name *name) {
    rv_writer w = rv_writer_over((uint8_t *)name->text, sizeof name->text);
    rv_write_text(&w, "ckp-");
    for (unsigned shift = 64; shift > 0; shift -= 4) {
        rv_write_u8(&w, (uint8_t) "0123456789abcdef"[number >> (shift - 4) & 15u]);
    }
    rv_write_text(&w, ".bin");
    rv_write_u8(&w, 0);
    RV_ASSERT(!w.full);
    RV_ASSERT(number > 0 && number <= RV_CHECKPOINT_NUMBER_MAX);
}

/* --- when --- */

static uint64_t growth_wanted(const rv_node *node, bool closing) {
    const rv_checkpoints *const k = &node->checkpoints;
    if (k->log_growth > 0) {
        return k->log_growth;
    }
    const uint64_t pages = (uint64_t)rv_state_usage_of(node->state).pages_used * RV_PAGE_SIZE;
    const uint64_t min = closing ? GROWTH_CLOSE_MIN : GROWTH_MIN;
    const uint64_t share = pages / (closing ? GROWTH_CLOSE_SHARE : GROWTH_SHARE);
    RV_ASSERT(min > 0);
    return share > min ? share : min;
}

/* A log that has nothing durable yet needs none; nor has it a mark. What is stale is for a version
 * that understands it to fold anew, from the last checkpoint before. */
static bool is_due(const rv_node *node, bool closing) {
    const rv_checkpoints *const k = &node->checkpoints;
    if (node->failure.status != RV_OK || node->receiving.active || rv_log_durable(node->log) == 0 ||
        node->opaque.stale > 0) {
        return false;
    }
    const uint64_t bytes = rv_log_bytes(node->log);
    return k->wanted || (bytes >= k->retry_at && bytes >= k->log_base &&
                         bytes - k->log_base >= growth_wanted(node, closing));
}

void rv_checkpoints_want(rv_node *node) {
    RV_ASSERT(node->phase == RV_NODE_OPEN);
    node->checkpoints.wanted = node->opaque.stale == 0 && rv_log_durable(node->log) > 0;
    node->checkpoints.before = node->checkpoints.facts.written;
}

bool rv_checkpoints_older(const rv_node *node) {
    const rv_checkpoints *const k = &node->checkpoints;
    bool older = false;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        older = older || (k->files[i].number != 0 && k->files[i].number != k->current);
    }
    RV_ASSERT(node->phase == RV_NODE_OPEN);
    return older;
}

bool rv_checkpoints_shed(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    RV_ASSERT(!rv_checkpoints_wanted(node));
    k->previous = 0;
    k->current = k->facts.written > k->before ? k->current : 0;
    k->tight = true; /* none is kept, before the next one is written */
    const bool older = rv_checkpoints_older(node);
    if (older) {
        k->saving = (rv_saving){.phase = RV_SAVING_REMOVE};
    }
    return older;
}

bool rv_checkpoints_wanted(const rv_node *node) {
    RV_ASSERT(node->phase == RV_NODE_OPEN);
    return node->checkpoints.wanted || node->checkpoints.saving.phase != RV_SAVING_IDLE;
}

bool rv_checkpoints_busy(const rv_node *node) {
    const rv_checkpoints *const k = &node->checkpoints;
    if (k->op.phase == RV_OP_UNDER_WAY || node->receiving.active) {
        return false;
    }
    if (k->saving.phase == RV_SAVING_IDLE) {
        return is_due(node, false);
    }
    rv_log_mark mark;
    if (k->saving.phase != RV_SAVING_MARK) {
        return true;
    }
    return k->saving.carried ? k->saving.carry_batch <= rv_log_batches_durable(node->log) &&
                                   rv_log_mark_get(node->log, &mark) != RV_PENDING
                             : !rv_log_busy(node->log);
}

/* --- beginning, ending --- */

/* The words before the texts. */
static void write_preamble(const rv_node *node, rv_writer *w) {
    const rv_saving *const s = &node->checkpoints.saving;
    const size_t begin = w->len;
    rv_write_u32(w, 0);
    const size_t place = w->len;
    rv_write_u32(w, 0);
    uint8_t flags = 0;
    if (s->selection_logged) {
        rv_held_write(&node->held, s->selection_state, &flags, w);
        rv_store_u32(w->ptr + begin, 1u + flags);
    }
    RV_ASSERT(!w->full);
    rv_store_u32(w->ptr + place, (uint32_t)(w->len - place - sizeof(uint32_t)));
    rv_write_u32(w, s->text_count);
}

/* Bytes of the words, filled up to where pages may begin. False: too many to be read again. */
static bool words_measure(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_saving *const s = &k->saving;
    rv_writer w = rv_writer_over(k->buf, (size_t)k->buf_pages * RV_PAGE_SIZE);
    write_preamble(node, &w);
    uint64_t len = w.len;
    const rv_schema_text *text = NULL;
    rv_bytes bytes;
    for (uint32_t i = 0; i < s->text_count; i += 1) {
        text = rv_schema_text_next(node->schema, text, &bytes);
        RV_ASSERT(text != NULL);
        len += sizeof(uint32_t) + bytes.len;
    }
    const uint64_t begin = rv_checkpoint_words_at(&s->head);
    const uint64_t end =
        (begin + len + RV_CHECKPOINT_ALIGN - 1) / RV_CHECKPOINT_ALIGN * RV_CHECKPOINT_ALIGN;
    if (end - begin > node->results.cap) {
        return false;
    }
    s->head.words_len = (uint32_t)(end - begin);
    s->words_left = s->head.words_len;
    return true;
}

static bool file_note(rv_checkpoints *k, uint64_t number) {
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        if (k->files[i].number == 0) {
            k->files[i] = (rv_checkpoint_file){.number = number};
            return true;
        }
    }
    return false;
}

/* What went wrong is told, and tried again when the log has grown as much again. */
static void note_failure(rv_node *node, rv_status status, const char *what) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_file_name name;
    rv_checkpoint_name(k->saving.number, &name);
    (void)rv_error_set(&k->facts.failure, status, "the checkpoint %s was not written: %s",
                       name.text, what);
    rv_error_fact_text(&k->facts.failure, "file", rv_bytes_of_string(name.text));
    k->retry_at = rv_log_bytes(node->log) + growth_wanted(node, false);
    RV_ASSERT(status != RV_OK);
}

/* Lets go of file and snapshot. */
static void let_go(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    RV_ASSERT(!rv_op_active(&k->op));
    if (k->saving.open) {
        k->ops.host.ops->close(k->ops.host.ctx, k->saving.file);
        k->saving.open = false;
    }
    rv_state_save_end(node->state, k->saving.snapshot);
    k->saving.snapshot = (rv_snapshot){0};
}

/* Of the confirmed state: what is pending is in the ledger. */
static rv_status save_begin(rv_node *node) {
    rv_saving *const s = &node->checkpoints.saving;
    const bool laid = rv_state_overlay_laid(node->state);
    if (laid) {
        rv_outbox_lift(node);
    }
    RV_ASSERT(!node->receiving.active);
    const rv_status status = rv_state_save_begin(node->state, &s->snapshot, &s->head);
    if (laid) {
        rv_outbox_lay(node);
    }
    return status;
}

/* Greater than all, and about the length of the log: by it is told which are kept. */
static uint64_t next_number(const rv_node *node) {
    const uint64_t next = node->checkpoints.last_number + 1;
    const uint64_t length = rv_log_bytes(node->log) / NUMBER_UNIT;
    RV_ASSERT(next <= RV_CHECKPOINT_NUMBER_MAX);
    return next > length ? next : length;
}

static void begin(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_saving *const s = &k->saving;
    RV_ASSERT(s->phase == RV_SAVING_IDLE && !rv_op_active(&k->op) && !node->receiving.active);
    const bool last = k->last_number == RV_CHECKPOINT_NUMBER_MAX;
    k->before = k->wanted ? k->facts.written : k->before;
    k->wanted = false;
    k->last_number = last ? RV_CHECKPOINT_NUMBER_MAX : next_number(node);
    *s = (rv_saving){
        .number = k->last_number,
        .head.recorded_at = node->recorded_at,
        .position = rv_log_watermark(node->log),
        .selection_logged = node->held.logged,
        .selection_state = node->held.state,
        .text_count = rv_schema_version(node->schema),
    };
    const char *what = last ? "there is no greater number; remove the file that has it"
                            : "there are too many snapshots";
    rv_status status = last ? RV_DATA_EXISTS : save_begin(node);
    if (status == RV_OK && !words_measure(node)) {
        status = RV_MEMORY_EXHAUSTED;
        what = "the schema is too large to be read again within the memory budget";
    }
    if (status == RV_OK && !file_note(k, s->number)) {
        status = RV_BUSY;
        what = "there are too many files of them; those that are of no use are removed first";
    }
    if (status != RV_OK) {
        note_failure(node, status, what);
        let_go(node);
        s->phase = status == RV_BUSY ? RV_SAVING_REMOVE : RV_SAVING_IDLE;
        return;
    }
    rv_log_mark_begin(node->log);
    s->phase = RV_SAVING_CREATE;
    k->facts.writing = true;
}

/* The file is good. */
static void adopt(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    const rv_saving *const s = &k->saving;
    k->previous = k->current;
    k->current = s->number;
    k->log_base = s->head.log_bytes;
    k->retry_at = 0;
    k->tight = false;
    rv_kept_note(node);
    k->facts.number = s->number;
    k->facts.sequence = s->head.last_sequence;
    k->facts.position = s->position;
    k->facts.bytes = rv_checkpoint_page_at(&s->head, s->head.page_count + 1);
    k->facts.written += 1;
    k->facts.failure = (rv_error){.status = RV_OK};
    RV_ASSERT(k->current > k->previous);
}

/* --- steps: each is one operation; RV_OK when it is over, RV_PENDING, or what went wrong --- */

static rv_status step_create(rv_checkpoints *k) {
    rv_saving *const s = &k->saving;
    rv_file_name name;
    rv_checkpoint_name(s->number, &name);
    const rv_status status = rv_op_create(&k->ops, &k->op, name.text, &s->file);
    s->open = status == RV_OK;
    s->made = s->open;
    return status;
}

/* The file gets its size first, so a full disk shows before all the work. */
static rv_status step_reserve(rv_checkpoints *k) {
    rv_saving *const s = &k->saving;
    const uint64_t size = rv_checkpoint_page_at(&s->head, s->head.page_count + 1);
    const rv_status status = rv_op_truncate(&k->ops, &k->op, s->file, size);
    s->done = 0;
    return status;
}

static rv_status write_buffer(rv_checkpoints *k) {
    rv_saving *const s = &k->saving;
    RV_ASSERT(s->len > 0 && s->len <= (size_t)k->buf_pages * RV_PAGE_SIZE);
    return rv_op_write(&k->ops, &k->op, s->file, s->offset, rv_bytes_of(k->buf, s->len));
}

static rv_status step_pages(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_saving *const s = &k->saving;
    if (!rv_op_active(&k->op)) {
        const uint32_t left = s->head.page_count - s->done;
        s->under_way = left < k->buf_pages ? left : k->buf_pages;
        const uint32_t first = 1 + s->done;
        const rv_status status =
            rv_state_save_pages(node->state, s->snapshot, first, s->under_way, k->buf, k->sums);
        if (status != RV_OK) {
            return status;
        }
        s->offset = rv_checkpoint_page_at(&s->head, first);
        s->len = (size_t)s->under_way * RV_PAGE_SIZE;
    }
    const rv_status status = write_buffer(k);
    s->done += status == RV_OK ? s->under_way : 0;
    return status;
}

static rv_status step_sums(rv_checkpoints *k) {
    rv_saving *const s = &k->saving;
    if (!rv_op_active(&k->op)) {
        const uint32_t left = s->head.page_count - s->done;
        const uint32_t fit = k->buf_pages * (RV_PAGE_SIZE / sizeof(uint64_t));
        s->under_way = left < fit ? left : fit;
        for (uint32_t i = 0; i < s->under_way; i += 1) {
            rv_store_u64(k->buf + (size_t)i * sizeof(uint64_t), k->sums[s->done + i]);
        }
        s->offset = RV_CHECKPOINT_HEAD_SIZE + (uint64_t)s->done * sizeof(uint64_t);
        s->len = s->under_way * sizeof(uint64_t);
        s->head.front_crc = rv_crc32c(s->head.front_crc, rv_bytes_of(k->buf, s->len));
    }
    const rv_status status = write_buffer(k);
    s->done += status == RV_OK ? s->under_way : 0;
    return status;
}

/* As much of the texts as there is room for. True: there are no more. */
static bool write_texts(const rv_node *node, rv_saving *s, rv_writer *w) {
    for (;;) { /* each turn begins a text, and fills the room or ends it */
        if (s->text_left.len == 0) {
            if (s->text_count == 0 || w->cap - w->len < sizeof(uint32_t)) {
                return s->text_count == 0;
            }
            s->text = rv_schema_text_next(node->schema, s->text, &s->text_left);
            s->text_count -= 1;
            rv_write_u32(w, (uint32_t)s->text_left.len);
        }
        const size_t room = w->cap - w->len;
        const size_t len = s->text_left.len < room ? s->text_left.len : room;
        rv_write(w, rv_bytes_of(s->text_left.ptr, len));
        s->text_left = rv_bytes_from(s->text_left, len);
        RV_ASSERT(!w->full);
        if (s->text_left.len > 0) {
            return false;
        }
    }
}

static rv_status step_words(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_saving *const s = &k->saving;
    if (!rv_op_active(&k->op)) {
        const size_t room = (size_t)k->buf_pages * RV_PAGE_SIZE;
        const size_t fit = s->words_left < room ? s->words_left : room;
        s->offset = rv_checkpoint_words_at(&s->head) + (s->head.words_len - s->words_left);
        rv_writer w = rv_writer_over(k->buf, fit);
        if (!s->begun) {
            write_preamble(node, &w);
            s->begun = true;
        }
        const bool over = write_texts(node, s, &w);
        memset(k->buf + w.len, 0, over ? fit - w.len : 0);
        s->len = over ? fit : w.len;
        s->head.front_crc = rv_crc32c(s->head.front_crc, rv_bytes_of(k->buf, s->len));
    }
    const rv_status status = write_buffer(k);
    s->words_left -= status == RV_OK ? (uint32_t)s->len : 0;
    return status;
}

static rv_status step_head(rv_checkpoints *k) {
    rv_saving *const s = &k->saving;
    if (!rv_op_active(&k->op)) {
        rv_checkpoint_head_encode(k->buf, &s->head);
        s->offset = 0;
        s->len = RV_CHECKPOINT_HEAD_SIZE;
    }
    return write_buffer(k);
}

/* Removes the next file that is of no use, or not kept any more. Those that cannot be removed stay
 * known. RV_END: there are no more. */
static rv_status step_remove(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_saving *const s = &k->saving;
    if (!rv_op_active(&k->op)) {
        s->going = rv_kept_next_to_go(node, s->tried);
        if (s->going == RV_CHECKPOINT_FILES) {
            return RV_END;
        }
        s->tried |= 1u << s->going;
    }
    rv_checkpoint_file *const file = &k->files[s->going];
    rv_file_name name;
    rv_checkpoint_name(file->number, &name);
    const rv_status status = rv_op_remove(&k->ops, &k->op, name.text);
    if (status == RV_OK || status == RV_DATA_NOT_FOUND) {
        *file = (rv_checkpoint_file){.number = 0};
    }
    return status == RV_PENDING ? RV_PENDING : RV_OK;
}

/* The file that could not be finished goes, if it can; one that was there before is another's, and
 * stays. RV_END; RV_OK: others are to go, too, as there was no room for it. */
static rv_status step_discard(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    const rv_saving *const s = &k->saving;
    rv_file_name name;
    rv_checkpoint_name(s->number, &name);
    const rv_status status = s->made ? rv_op_remove(&k->ops, &k->op, name.text) : RV_OK;
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        const bool gone = status == RV_OK || status == RV_DATA_NOT_FOUND;
        if (gone && k->files[i].number == s->number) {
            k->files[i] = (rv_checkpoint_file){.number = 0};
        }
    }
    const bool full = k->facts.failure.status == RV_STORAGE_FULL;
    k->tight = k->tight || full;
    return full ? RV_OK : RV_END;
}

/* Writes the ledger into the log, behind the mark: replay from there finds all of it. */
static rv_status carry_ledger(rv_node *node) {
    rv_saving *const s = &node->checkpoints.saving;
    RV_ASSERT(s->phase == RV_SAVING_MARK);
    if (node->receiving.active) {
        return RV_PENDING;
    }
    while (!s->carried && rv_ledger_count(&node->ledger) > 0) { /* each turn is a batch */
        rv_writer body;
        rv_error err;
        const rv_status status = rv_node_ledger_begin(node, &body, &err);
        if (status != RV_OK) {
            return status == RV_BUSY ? RV_PENDING : status;
        }
        s->carried = rv_ledger_carry(&node->ledger, &body, &s->carry);
        if (body.len > 0) {
            rv_node_ledger_commit(node, &body, NULL);
            s->carry_batch = rv_log_batches(node->log);
        } else {
            rv_log_append_cancel(node->log);
        }
    }
    s->carried = true;
    return s->carry_batch <= rv_log_batches_durable(node->log) ? RV_OK : RV_PENDING;
}

/* Only when all that the pages show is durable may the header be written. */
static rv_status step_mark(rv_node *node) {
    rv_saving *const s = &node->checkpoints.saving;
    const rv_status carried = carry_ledger(node);
    if (carried != RV_OK) {
        const bool over = carried == RV_PENDING && node->failure.status != RV_OK;
        return over ? RV_READ_ONLY : carried;
    }
    s->head.log_bytes = rv_log_bytes(node->log);
    rv_log_mark mark;
    const rv_status status = rv_log_mark_get(node->log, &mark);
    if (status == RV_OK) {
        rv_log_mark_encode(s->head.mark, &mark);
        s->head.last_sequence = mark.next_sequence - 1;
    }
    const bool never =
        status == RV_PENDING && node->phase == RV_NODE_CLOSING && !rv_log_busy(node->log);
    RV_ASSERT(status != RV_BUSY);
    return status == RV_END || never ? RV_READ_ONLY : status;
}

static rv_status step(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    if (k->saving.overtaken && k->saving.phase <= RV_SAVING_WORDS && !rv_op_active(&k->op)) {
        return RV_SNAPSHOT_EXPIRED;
    }
    switch (k->saving.phase) {
    case RV_SAVING_CREATE:
        return step_create(k);
    case RV_SAVING_RESERVE:
        return step_reserve(k);
    case RV_SAVING_PAGES:
        return step_pages(node);
    case RV_SAVING_SUMS:
        return step_sums(k);
    case RV_SAVING_WORDS:
        return step_words(node);
    case RV_SAVING_MARK:
        return step_mark(node);
    case RV_SAVING_HEAD:
        return step_head(k);
    case RV_SAVING_FLUSH:
        return rv_op_flush(&k->ops, &k->op, k->saving.file);
    case RV_SAVING_REMOVE:
        return step_remove(node);
    default:
        RV_ASSERT(k->saving.phase == RV_SAVING_DISCARD);
        return step_discard(node);
    }
}

/* The phase after a step that succeeded. */
static rv_saving_phase phase_after(const rv_saving *s) {
    switch (s->phase) {
    case RV_SAVING_PAGES:
        return s->done < s->head.page_count ? RV_SAVING_PAGES : RV_SAVING_SUMS;
    case RV_SAVING_SUMS:
        return s->done < s->head.page_count ? RV_SAVING_SUMS : RV_SAVING_WORDS;
    case RV_SAVING_WORDS:
        return s->words_left > 0 ? RV_SAVING_WORDS : RV_SAVING_MARK;
    case RV_SAVING_REMOVE:
    case RV_SAVING_DISCARD:
        return RV_SAVING_REMOVE;
    default:
        RV_ASSERT(s->phase < RV_SAVING_REMOVE);
        return (rv_saving_phase)(s->phase + 1);
    }
}

/* One step, and what follows from how it ended. RV_PENDING: it did not. */
static rv_status go_on(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_saving *const s = &k->saving;
    RV_ASSERT(s->phase != RV_SAVING_IDLE);
    const rv_status status = step(node);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (status == RV_END) {
        s->phase = RV_SAVING_IDLE;
        k->facts.writing = false;
    } else if (status == RV_OK) {
        const rv_saving_phase before = s->phase;
        s->phase = phase_after(s);
        if (before == RV_SAVING_PAGES && s->phase == RV_SAVING_SUMS) {
            s->done = 0;
            rv_state_save_end(node->state, s->snapshot);
        }
        if (before == RV_SAVING_FLUSH) {
            adopt(node);
            let_go(node);
        }
    } else {
        note_failure(node, status,
                     status == RV_SNAPSHOT_EXPIRED ? "too much was written meanwhile"
                                                   : rv_status_text(status));
        let_go(node);
        s->phase = RV_SAVING_DISCARD;
    }
    return RV_OK;
}

/* The node takes nothing any more: nor does this touch the storage. True: it waits for what is
 * under way. */
bool rv_checkpoints_abandon(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    if (k->saving.phase == RV_SAVING_IDLE) {
        return false;
    }
    if (k->op.phase == RV_OP_UNDER_WAY) {
        return true;
    }
    if (k->saving.phase == RV_SAVING_CREATE && rv_op_active(&k->op)) { /* it was created, perhaps */
        k->saving.open = rv_op_create(&k->ops, &k->op, k->op.name, &k->saving.file) == RV_OK;
    }
    k->op.phase = RV_OP_IDLE;
    let_go(node);
    k->saving.phase = RV_SAVING_IDLE;
    k->facts.writing = false;
    return false;
}

rv_status rv_checkpoints_forget(rv_node *node, rv_error *err) {
    rv_checkpoints *const k = &node->checkpoints;
    RV_ASSERT(node->phase == RV_NODE_RECOVERING && k->saving.phase == RV_SAVING_IDLE);
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        if (k->files[i].number <= k->current) {
            continue;
        }
        rv_file_name name;
        rv_checkpoint_name(k->files[i].number, &name);
        const rv_status status = rv_op_remove(&k->ops, &k->op, name.text);
        if (status == RV_PENDING) {
            return RV_PENDING;
        }
        if (status != RV_OK && status != RV_DATA_NOT_FOUND) {
            return rv_error_set(err, status, "the checkpoint %s cannot be removed", name.text);
        }
        k->files[i] = (rv_checkpoint_file){.number = 0};
    }
    return RV_OK;
}

void rv_checkpoints_overtake(rv_node *node) {
    rv_saving *const s = &node->checkpoints.saving;
    s->overtaken = s->phase != RV_SAVING_IDLE && s->phase <= RV_SAVING_WORDS;
    RV_ASSERT(!s->overtaken || s->number > 0);
}

void rv_checkpoints_poll(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    RV_ASSERT(node->phase == RV_NODE_OPEN);
    rv_kept_poll(node);
    if (node->failure.status != RV_OK) {
        (void)rv_checkpoints_abandon(node);
        return;
    }
    if (k->saving.phase == RV_SAVING_IDLE) {
        if (rv_kept_gives_way(node)) {
            k->saving = (rv_saving){.phase = RV_SAVING_REMOVE};
        } else if (is_due(node, false)) {
            begin(node);
        }
        return;
    }
    const rv_status status = go_on(node);
    RV_ASSERT(status == RV_OK || status == RV_PENDING);
}

rv_status rv_checkpoints_close(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    RV_ASSERT(node->phase == RV_NODE_CLOSING);
    for (;;) { /* each turn is a step of at most two checkpoints */
        if (node->failure.status != RV_OK) {
            return rv_checkpoints_abandon(node) ? RV_PENDING : RV_OK;
        }
        if (k->saving.phase != RV_SAVING_IDLE) {
            if (go_on(node) == RV_PENDING) {
                return RV_PENDING;
            }
            continue;
        }
        const bool settled = rv_log_batches_durable(node->log) == rv_log_batches(node->log);
        if (k->last_try || !settled) {
            return !k->last_try && rv_log_busy(node->log) ? RV_PENDING : RV_OK;
        }
        k->last_try = true;
        if (is_due(node, true)) {
            begin(node);
        }
    }
}
