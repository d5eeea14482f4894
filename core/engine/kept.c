/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints that are kept for time travel: see engine/kept.h. */
#include "core/engine/kept.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

#define IDLE_POLLS_MAX 1000u /* without a question: nobody goes on with what is read */
#define PIECE_MAX      ((size_t)256 << 10) /* read at a time: some 100 us with its sums */
#define CHECK_WORK     1024u               /* rows that are checked at a time: likewise, or more */
#define EVENTS_A_PAGE  64u /* are folded in the time that a page takes to be read and checked */

/* --- which are kept --- */

static bool is_kept(const rv_checkpoints *k, const rv_checkpoint_file *file) {
    return file->number != 0 && file->number < k->current && file->number != k->previous &&
           !file->useless;
}

void rv_kept_count(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    uint32_t count = 0;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        count += is_kept(k, &k->files[i]);
    }
    RV_ASSERT(count < RV_CHECKPOINT_FILES);
    k->facts.kept = count;
}

/* Each is taken to be as large as the newest: a state seldom shrinks. */
static uint32_t kept_max(const rv_node *node) {
    const rv_checkpoints *const k = &node->checkpoints;
    if (k->tight || k->facts.bytes == 0) {
        return 0;
    }
    const uint64_t bytes = rv_log_bytes(node->log) / 100 * k->kept_percent;
    const uint64_t count = bytes / k->facts.bytes;
    return count < RV_CHECKPOINTS_KEPT_MAX ? (uint32_t)count : RV_CHECKPOINTS_KEPT_MAX;
}

/* How far its neighbours are apart, beside how long ago it was: the log's beginning is one, too. */
static double worth_of(const rv_checkpoints *k, uint64_t number) {
    uint64_t older = 0;
    uint64_t newer = k->current;
    RV_ASSERT(number > 0 && number < k->current);
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        const uint64_t other = k->files[i].useless ? 0 : k->files[i].number;
        older = other < number && other > older ? other : older;
        newer = other > number && other < newer ? other : newer;
    }
    return (double)(newer - older) / (double)(k->current - number);
}

/* The next that is to go, whether it is open or not. */
static uint32_t choose(const rv_node *node, uint32_t tried) {
    const rv_checkpoints *const k = &node->checkpoints;
    uint32_t least = RV_CHECKPOINT_FILES;
    double worth = 0;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        const rv_checkpoint_file *const file = &k->files[i];
        if (file->number == 0 || file->number == k->current || file->number == k->previous ||
            (tried >> i & 1u) != 0) {
            continue;
        }
        if (!is_kept(k, file)) {
            return i;
        }
        const double own = worth_of(k, file->number);
        if (least == RV_CHECKPOINT_FILES || own < worth) {
            least = i;
            worth = own;
        }
    }
    return k->facts.kept > kept_max(node) ? least : RV_CHECKPOINT_FILES;
}

uint32_t rv_kept_next_to_go(rv_node *node, uint32_t tried) {
    const rv_checkpoints *const k = &node->checkpoints;
    for (;;) { /* each turn tries another file */
        rv_kept_count(node);
        const uint32_t index = choose(node, tried);
        if (index == RV_CHECKPOINT_FILES || k->files[index].number != k->reader.number ||
            rv_kept_let_go(node)) {
            return index;
        }
        tried |= 1u << index; /* it is being read: another time */
    }
}

bool rv_kept_gives_way(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    const uint64_t refused = rv_log_refused(node->log);
    const bool more = refused != k->refused;
    RV_ASSERT(k->saving.phase == RV_SAVING_IDLE);
    k->refused = refused;
    k->tight = k->tight || more;
    return more && k->facts.kept > 0;
}

/* --- what is known of them --- */

/* False: no state of the past can begin from it. */
static bool note_head(rv_checkpoint_file *file, const rv_checkpoint_head *head) {
    rv_log_mark mark;
    if (!rv_log_mark_decode(head->mark, &mark) || mark.next_sequence != head->last_sequence + 1) {
        return false;
    }
    file->known = true;
    file->sequence = head->last_sequence;
    file->position = mark.last < mark.offset ? mark.watermark : UINT64_MAX;
    file->recorded_at = head->recorded_at;
    file->page_count = head->page_count;
    return true;
}

void rv_kept_note(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        if (k->files[i].number == k->saving.number) {
            const bool noted = note_head(&k->files[i], &k->saving.head);
            RV_ASSERT(noted); /* it was made so */
        }
    }
}

static rv_checkpoint_file *file_of(rv_checkpoints *k, uint64_t number) {
    uint32_t index = 0;
    while (index < RV_CHECKPOINT_FILES && k->files[index].number != number) {
        index += 1;
    }
    return index < RV_CHECKPOINT_FILES ? &k->files[index] : NULL;
}

/* It is not used any more, and told; if it is the one to open from, there is another one soon. */
static rv_status give_up(rv_node *node, uint64_t number, const rv_load_fault *fault) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_checkpoint_file *const file = file_of(k, number);
    RV_ASSERT(number > 0 && fault->status != RV_PENDING);
    if (file != NULL) {
        file->useless = true;
    }
    if (number == k->current) {
        k->log_base = 0;
    }
    rv_restore_tell(&k->facts.kept_passed_over, number, fault);
    rv_kept_count(node);
    return RV_DATA_DAMAGED;
}

/* --- reading --- */

/* What an operation that nobody asks for has come to. False: it is under way. */
static bool settle(rv_checkpoints *k) {
    rv_kept_reader *const r = &k->reader;
    if (r->op.phase == RV_OP_UNDER_WAY) {
        return false;
    }
    if (r->op.phase == RV_OP_OVER && r->opening) {
        r->open = rv_op_open(&k->ops, &r->op, r->op.name, &r->file, &r->size) == RV_OK;
    }
    r->op.phase = RV_OP_IDLE;
    r->op.progress = 0;
    r->opening = false;
    return true;
}

bool rv_kept_let_go(rv_node *node) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_kept_reader *const r = &k->reader;
    if (!settle(k)) {
        return false;
    }
    if (r->open) {
        k->ops.host.ops->close(k->ops.host.ctx, r->file);
    }
    if (r->buf != NULL) {
        rv_log_give_back(node->log, r->buf);
    }
    *r = (rv_kept_reader){.op = r->op};
    RV_ASSERT(!rv_op_active(&r->op));
    return true;
}

void rv_kept_poll(rv_node *node) {
    rv_kept_reader *const r = &node->checkpoints.reader;
    r->idle += r->number != 0;
    if (r->idle > IDLE_POLLS_MAX) {
        r->idle = rv_kept_let_go(node) ? 0 : IDLE_POLLS_MAX;
    }
}

static rv_status reader_open(rv_node *node, uint64_t number) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_kept_reader *const r = &k->reader;
    if (r->number != number && !rv_kept_let_go(node)) {
        return RV_PENDING;
    }
    r->number = number;
    r->idle = 0;
    if (r->open) {
        return RV_OK;
    }
    rv_file_name name;
    rv_checkpoint_name(number, &name);
    r->opening = true;
    const rv_status status = rv_op_open(&k->ops, &r->op, name.text, &r->file, &r->size);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    r->opening = false;
    r->open = status == RV_OK;
    r->number = r->open ? number : 0;
    return status;
}

/* Bytes of the open file, in the reader's buffer. */
static rv_status reader_read(rv_node *node, uint64_t offset, size_t len, size_t *got) {
    rv_checkpoints *const k = &node->checkpoints;
    rv_kept_reader *const r = &k->reader;
    RV_ASSERT(r->open && r->buf != NULL && len <= r->cap);
    if (rv_op_active(&r->op) && (r->offset != offset || r->len != len) && !settle(k)) {
        return RV_PENDING; /* somebody else's, who has left */
    }
    r->offset = offset;
    r->len = len;
    return rv_op_read(&k->ops, &r->op, r->file, offset, r->buf, len, got);
}

static rv_status reader_borrow(rv_node *node) {
    rv_kept_reader *const r = &node->checkpoints.reader;
    if (r->buf == NULL) {
        r->buf = rv_log_borrow(node->log, &r->cap);
    }
    RV_ASSERT(r->buf == NULL || r->cap >= RV_PAGE_SIZE);
    return r->buf == NULL ? RV_BUSY : RV_OK;
}

/* --- finding --- */

/* Reads the header. RV_OK: it is known now, or given up. */
static rv_status learn(rv_node *node, rv_checkpoint_file *file) {
    const rv_kept_reader *const r = &node->checkpoints.reader;
    rv_load_fault fault = {.offset = UINT64_MAX, .what = "it could not be read"};
    rv_status status = reader_open(node, file->number);
    status = status == RV_OK ? reader_borrow(node) : status;
    size_t got = 0;
    status = status == RV_OK ? reader_read(node, 0, RV_CHECKPOINT_HEAD_SIZE, &got) : status;
    if (status == RV_PENDING || status == RV_BUSY) {
        return status;
    }
    rv_checkpoint_head head;
    rv_checkpoint_kind kind = RV_CHECKPOINT_DAMAGED;
    if (status == RV_OK) {
        memset(r->buf + got, 0, RV_CHECKPOINT_HEAD_SIZE - got);
        kind = rv_checkpoint_head_decode(r->buf, &head);
        fault.what = kind == RV_CHECKPOINT_FOREIGN ? "another version of Rivulet wrote it"
                                                   : "its header is not one";
    }
    if (kind == RV_CHECKPOINT_USABLE && note_head(file, &head)) {
        return RV_OK;
    }
    fault.status = status != RV_OK                    ? status
                   : kind == RV_CHECKPOINT_UNFINISHED ? RV_OK
                   : kind == RV_CHECKPOINT_FOREIGN    ? RV_DATA_NEWER
                                                      : RV_DATA_DAMAGED;
    (void)give_up(node, file->number, &fault);
    RV_ASSERT(file->useless);
    return RV_OK;
}

static bool is_before(const rv_checkpoint_file *file, const rv_kept_wish *wish) {
    return file->known && !file->useless && file->position <= wish->position &&
           file->position != UINT64_MAX && file->recorded_at <= wish->recorded_at;
}

rv_status rv_kept_find(rv_node *node, const rv_kept_wish *wish, uint64_t *number) {
    rv_checkpoints *const k = &node->checkpoints;
    const rv_checkpoint_file *best = NULL;
    if (node->phase != RV_NODE_OPEN || node->held.past.narrowed) {
        return RV_END; /* the log is the place where what goes is still shown, until it is gone */
    }
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i += 1) {
        rv_checkpoint_file *const file = &k->files[i];
        if (file->number == 0 || file->number > k->current || file->useless) {
            continue;
        }
        const rv_status status = file->known ? RV_OK : learn(node, file);
        if (status != RV_OK) {
            return status;
        }
        best = is_before(file, wish) && (best == NULL || file->number > best->number) ? file : best;
    }
    const bool begins = wish->folded == 0;
    if (best == NULL ||
        (!begins && (best->sequence < wish->folded ||
                     best->sequence - wish->folded < (uint64_t)best->page_count * EVENTS_A_PAGE))) {
        (void)rv_kept_let_go(node); /* or later: rv_kept_poll */
        return RV_END;
    }
    *number = best->number;
    return RV_OK;
}

/* --- loading --- */

/* The log has the batch that this checkpoint was written behind. */
static rv_status find_mark(rv_node *node, const rv_checkpoint_head *head, rv_kept_place *place) {
    rv_log_mark mark;
    rv_error ignored; /* the log is asked, not the checkpoint */
    if (!rv_log_mark_decode(head->mark, &mark) || mark.next_sequence != head->last_sequence + 1) {
        return RV_END;
    }
    *place = (rv_kept_place){.sequence = head->last_sequence,
                             .position = mark.watermark,
                             .recorded_at = head->recorded_at};
    return rv_log_mark_find(node->log, &mark, &place->walk, &ignored);
}

static rv_status load_piece(rv_node *node, rv_node *past, rv_load_fault *fault) {
    const rv_kept_reader *const r = &node->checkpoints.reader;
    if (past->checkpoints.load.phase == RV_LOAD_CHECK) {
        return rv_load_check(past, CHECK_WORK, fault);
    }
    const rv_load_piece piece = rv_load_next(past, r->cap < PIECE_MAX ? r->cap : PIECE_MAX);
    size_t got = 0;
    const rv_status status = reader_read(node, piece.offset, piece.len, &got);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (status == RV_OK) {
        memcpy(piece.to, r->buf, got);
    }
    return rv_load_take(past, &piece, status, got, fault);
}

/* It was taken where an edge did not have all that it held, or while a base had begun: which places
 * it is good for only the log can tell, so it is for opening only. */
static bool is_short(const rv_node *past) {
    return !rv_held_is_whole(&past->held) || past->held.past.lost;
}

/* Goes on with the file, which is open. RV_DATA_DAMAGED: there is something wrong with it. */
static rv_status load_on(rv_node *node, rv_node *past, rv_kept_place *place, rv_load_fault *fault) {
    const rv_load *const load = &past->checkpoints.load;
    rv_status status = RV_OK;
    if (load->phase == RV_LOAD_NONE) {
        rv_load_begin(past, node->checkpoints.reader.size);
    }
    if (load->phase > RV_LOAD_HEAD) {
        status = find_mark(node, &load->head, place);
    }
    if (status == RV_END) {
        fault->status = RV_DATA_DAMAGED;
        fault->what = "it belongs to another log than this";
        return RV_DATA_DAMAGED;
    }
    status = status == RV_OK ? reader_borrow(node) : status;
    return status == RV_OK ? load_piece(node, past, fault) : status;
}

rv_status rv_kept_load(rv_node *node, rv_node *past, uint64_t number, rv_kept_place *place) {
    rv_load_fault fault = {.offset = UINT64_MAX, .what = "it could not be opened"};
    RV_ASSERT(past->folds_only);
    if (node->phase != RV_NODE_OPEN) {
        return RV_CLOSING;
    }
    rv_status status = reader_open(node, number);
    fault.status = status;
    if (status == RV_OK) {
        status = load_on(node, past, place, &fault);
    } else if (status != RV_PENDING) {
        status = RV_DATA_DAMAGED;
    }
    const bool over = status == RV_OK && past->checkpoints.load.phase == RV_LOAD_OVER;
    if (status == RV_PENDING || status == RV_BUSY || (status == RV_OK && !over)) {
        return status;
    }
    (void)rv_kept_let_go(node); /* or later: rv_kept_poll */
    if (status == RV_DATA_DAMAGED && fault.status != RV_MEMORY_EXHAUSTED) {
        return give_up(node, number, &fault);
    }
    if (over && is_short(past)) {
        rv_checkpoint_file *const file = file_of(&node->checkpoints, number);
        if (file != NULL) {
            file->position = UINT64_MAX;
        }
        return RV_DATA_DAMAGED;
    }
    return over ? RV_END : status == RV_DATA_DAMAGED ? RV_MEMORY_EXHAUSTED : status;
}
