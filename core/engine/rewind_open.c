/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from the file `rewind`, at any opening: see engine/rewind.h. docs/format/log.md has
 * its bytes: a header, and records of the ledger, in their order, as they stand in the log.
 *
 *     LOOK -> READ -> SUM -> FLUSH_AGAIN -> RECOVER -> FORGET -> CUT -> STALE -> PUT -> SELECT
 *       \------ there is none, or it is not good ----> OVER <- REMOVE <- WAIT <- LAST <-/
 *
 * Where the log was the edge's own, all of it goes: RECOVER -> DISCARD -> LOOK, with nothing to be
 * recovered. That is so as long as its files are the only ones: a log with the new id was begun
 * since, and only goes on from where it was. It gets what is to be held first, and what the root's
 * log begins with, its schema: SELECT -> MEET -> BACK -> LAST, so that there is no moment at which
 * the edge is open and has neither this schema nor its own.
 *
 * RECOVER is everything that opening a node is otherwise, up to the place where the log is to end.
 * STALE and PUT go over the records in turn, a buffer at a time: entries that are not in the file,
 * or are not as they are there, are removed first, so that there is always room for the others.
 */
#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/engine/internal.h"

static const uint8_t magic[8] = {'R', 'V', 'B', 'A', 'C', 'K', 0x0d, 0x0a};

#define VERSION       1u
#define VERSION_ADOPT 2u /* the log is to be another one */

/* --- the header --- */

void rv_rewind_head_encode(const rv_node *node, uint8_t *to) {
    const rv_rewinding *const r = &node->rewinding;
    rv_writer w = rv_writer_over(to, RV_REWIND_HEAD);
    rv_write(&w, rv_bytes_of(magic, sizeof magic));
    rv_write_u32(&w, r->to.adopts ? VERSION_ADOPT : VERSION);
    rv_write_u32(&w, 0); /* the sum */
    rv_write_u64(&w, r->records_len);
    rv_write(&w, rv_bytes_of(rv_log_identity_of(node->log)->log_id, 16));
    rv_write_u32(&w, r->to.epoch);
    rv_write_u32(&w, r->crc);
    if (r->to.adopts) {
        rv_write(&w, rv_bytes_of(r->to.log_id, sizeof r->to.log_id));
        rv_write_u64(&w, r->to.root_tag);
        rv_write_u64(&w, r->first_len);
    } else {
        rv_write_u64(&w, r->to.watermark);
        rv_write_u64(&w, r->to.chain_hash);
        rv_write_u64(&w, r->place.segment_first);
        rv_write_u64(&w, r->place.offset);
    }
    RV_ASSERT(!w.full && w.len <= RV_REWIND_HEAD);
    memset(to + w.len, 0, RV_REWIND_HEAD - w.len);
    rv_store_u32(to + 12, rv_crc32c(0, rv_bytes_of(to + 16, RV_REWIND_HEAD - 16)));
}

/* False: there is nothing to be done in it. */
static bool head_decode(rv_node *node, const uint8_t *from, size_t len, uint32_t *crc) {
    rv_rewinding *const r = &node->rewinding;
    const uint32_t version = len < RV_REWIND_HEAD ? 0 : rv_load_u32(from + 8);
    if ((version != VERSION && version != VERSION_ADOPT) ||
        memcmp(from, magic, sizeof magic) != 0 ||
        rv_load_u32(from + 12) != rv_crc32c(0, rv_bytes_of(from + 16, RV_REWIND_HEAD - 16))) {
        return false;
    }
    r->records_len = rv_load_u64(from + 16);
    r->first_len = 0;
    memcpy(r->log_id, from + 24, sizeof r->log_id);
    r->to.epoch = rv_load_u32(from + 40);
    *crc = rv_load_u32(from + 44);
    r->to.adopts = version == VERSION_ADOPT;
    if (r->to.adopts) {
        memcpy(r->to.log_id, from + 48, sizeof r->to.log_id);
        r->to.root_tag = rv_load_u64(from + 64);
        r->first_len = rv_load_u64(from + 72);
        r->place = (rv_log_end_place){0, 0};
    } else {
        r->to.watermark = rv_load_u64(from + 48);
        r->to.chain_hash = rv_load_u64(from + 56);
        r->place.segment_first = rv_load_u64(from + 64);
        r->place.offset = rv_load_u64(from + 72);
    }
    RV_ASSERT(crc != NULL);
    return r->to.epoch > 0 && r->to.watermark <= RV_POSITION_MAX &&
           r->to.root_tag >> RV_NODE_TAG_BITS == 0 && r->records_len <= UINT64_MAX / 4 &&
           r->first_len <= UINT64_MAX / 4 &&
           r->size >= RV_REWIND_HEAD + r->records_len + r->first_len;
}

/* --- reading it --- */

static void close_file(rv_rewinding *r) {
    if (r->open) {
        RV_ASSERT(!rv_op_active(&r->op));
        r->ops.host.ops->close(r->ops.host.ctx, r->file);
        r->open = false;
    }
}

/* It cannot be finished: the log is read up to there, and the next opening tries again. */
static rv_status fail(rv_node *node, rv_status status, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    if (err->status != status) {
        (void)rv_error_set(err, status, "going back to position %u failed: %s", r->to.watermark,
                           rv_status_text(status));
    }
    rv_log_recover_stop(node->log, err);
    if (!rv_op_active(&r->op)) {
        close_file(r);
    }
    RV_ASSERT(err->status == status);
    return status;
}

/* Where the records end in the file, and where all does. */
static uint64_t records_end(const rv_rewinding *r) {
    return RV_REWIND_HEAD + r->records_len;
}

static uint64_t all_end(const rv_rewinding *r) {
    RV_ASSERT(r->to.adopts || r->first_len == 0);
    return records_end(r) + r->first_len;
}

/* The next buffer, from `offset` on, up to this end. RV_OK, RV_PENDING, RV_DATA_DAMAGED,
 * RV_STORAGE_…. */
static rv_status read_chunk(rv_node *node, uint64_t end) {
    rv_rewinding *const r = &node->rewinding;
    RV_ASSERT(r->open && r->offset <= end);
    const uint64_t left = end - r->offset;
    const size_t want = left < node->results.cap ? (size_t)left : node->results.cap;
    r->chunk_last = want == left;
    r->chunk_len = want;
    if (want == 0) {
        return RV_OK;
    }
    size_t got = 0;
    const rv_status status =
        rv_op_read(&r->ops, &r->op, r->file, r->offset, node->results.ptr, want, &got);
    return status == RV_OK && got < want ? RV_DATA_DAMAGED : status;
}

static rv_status step_look(rv_rewinding *r) {
    const rv_status status = rv_op_open(&r->ops, &r->op, RV_REWIND_FILE, &r->file, &r->size);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    r->open = status == RV_OK;
    r->chunk_read = false;
    r->step = r->open ? RV_REWIND_READ : RV_REWIND_RECOVER;
    return status == RV_DATA_NOT_FOUND ? RV_OK : status;
}

/* What was read may be in the system's cache only, and the flush that was to cover it may have
 * failed: it is written once more, as it is, where it came from. */
static rv_status write_again(const rv_node *node, rv_rewinding *r, uint64_t offset, size_t len) {
    RV_ASSERT(r->open && r->chunk_read);
    const rv_bytes bytes = rv_bytes_of(node->results.ptr, len);
    const rv_status status =
        len == 0 ? RV_OK : rv_op_write(&r->ops, &r->op, r->file, offset, bytes);
    r->chunk_read = status == RV_PENDING;
    return status;
}

static rv_status step_read(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    size_t got = 0;
    rv_status status = RV_OK;
    if (!r->chunk_read) {
        status = rv_op_read(&r->ops, &r->op, r->file, 0, node->results.ptr, RV_REWIND_HEAD, &got);
        if (status != RV_OK && status != RV_DATA_DAMAGED) {
            return status; /* that it cannot be read says nothing about what is in it */
        }
        r->good = status == RV_OK && head_decode(node, node->results.ptr, got, &r->sum);
        r->chunk_read = true;
    }
    status = r->good ? write_again(node, r, 0, RV_REWIND_HEAD) : RV_OK;
    if (status == RV_OK) {
        r->offset = RV_REWIND_HEAD;
        r->crc = 0;
        r->step = r->good ? RV_REWIND_SUM : RV_REWIND_RECOVER;
    }
    return status;
}

static rv_status step_sum(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    rv_status status = r->chunk_read ? RV_OK : read_chunk(node, all_end(r));
    if (status != RV_OK && status != RV_DATA_DAMAGED) {
        return status;
    }
    r->good = status == RV_OK;
    r->chunk_read = r->good;
    status = r->good ? write_again(node, r, r->offset, r->chunk_len) : RV_OK;
    if (status != RV_OK) {
        return status;
    }
    r->crc = rv_crc32c(r->crc, rv_bytes_of(node->results.ptr, r->chunk_len));
    r->offset += r->chunk_len;
    if (r->good && !r->chunk_last) {
        return RV_OK;
    }
    r->good = r->good && r->crc == r->sum;
    r->step = r->good ? RV_REWIND_FLUSH_AGAIN : RV_REWIND_RECOVER;
    return RV_OK;
}

static rv_status step_flush(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    RV_ASSERT(r->good && r->open);
    const rv_status status = rv_op_flush(&r->ops, &r->op, r->file);
    if (status == RV_OK) {
        if (r->to.adopts) {
            rv_log_recover_anew(node->log);
        } else {
            rv_log_recover_back(node->log, &r->place, r->to.watermark);
        }
        r->step = RV_REWIND_RECOVER;
    }
    return status;
}

rv_status rv_rewind_read(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    r->ops.host = node->host;
    r->ops.tickets = RV_REWIND_TICKETS;
    rv_status status = RV_OK;
    if (r->kept.status != RV_OK && r->step == RV_REWIND_LOOK) {
        rv_log_recover_anew(node->log);
        r->step = RV_REWIND_RECOVER;
    }
    while (status == RV_OK && r->step < RV_REWIND_RECOVER) { /* each turn leads on */
        status = r->step == RV_REWIND_LOOK   ? step_look(r)
                 : r->step == RV_REWIND_READ ? step_read(node)
                 : r->step == RV_REWIND_SUM  ? step_sum(node)
                                             : step_flush(node);
    }
    return status == RV_OK || status == RV_PENDING ? status : fail(node, status, err);
}

bool rv_rewind_cuts(const rv_node *node) {
    const rv_rewinding *const r = &node->rewinding;
    return r->good && r->place.segment_first > 0;
}

/* --- the ledger --- */

/* True when the ledger has this entry, as it is. */
static bool has(const rv_node *node, const rv_ledger_entry *entry) {
    rv_bytes value;
    RV_ASSERT(entry->kind > 0);
    return rv_ledger_get(&node->ledger, entry->kind, entry->key, &value) &&
           rv_bytes_equal(value, entry->value);
}

/* The index of the first entry that was not compared yet. */
static uint32_t compared(const rv_node *node) {
    const rv_ledger_place *const behind = &node->rewinding.behind;
    const rv_bytes key = rv_bytes_of(behind->key, behind->key_len);
    rv_bytes value;
    if (behind->kind == 0) {
        return 0;
    }
    const uint32_t index = rv_ledger_seek(&node->ledger, behind->kind, key);
    return index + (rv_ledger_get(&node->ledger, behind->kind, key, &value) ? 1u : 0u);
}

/* Entries of the ledger that come before this one (NULL: all that are left), and were not compared,
 * are not in the file: writes that they are removed; and this one, if it is there and is another.
 */
static rv_status write_stale(const rv_node *node, const rv_ledger_entry *entry,
                             rv_ledger_changes *changes) {
    rv_status status = RV_OK;
    for (uint32_t i = compared(node); i < rv_ledger_count(&node->ledger) && status == RV_OK;
         i += 1) {
        const rv_ledger_entry there = rv_ledger_at(&node->ledger, i);
        int order = -1; /* of this entry to the file's */
        if (entry != NULL) {
            order = there.kind != entry->kind ? (int)there.kind - (int)entry->kind
                                              : rv_bytes_compare(there.key, entry->key);
        }
        if (order > 0) {
            break;
        }
        if (order < 0 || !rv_bytes_equal(there.value, entry->value)) {
            status = rv_ledger_drop(&node->ledger, changes, there.kind, there.key);
        }
    }
    return status;
}

/* One entry of the file, as far as this step is concerned. The epoch comes last of all. */
static rv_status write_entry(rv_node *node, const rv_ledger_entry *entry,
                             rv_ledger_changes *changes) {
    if (node->rewinding.step == RV_REWIND_STALE) {
        return write_stale(node, entry, changes);
    }
    RV_ASSERT(node->rewinding.step == RV_REWIND_PUT);
    if (entry->kind == RV_LEDGER_EPOCH || has(node, entry)) {
        return RV_OK;
    }
    const rv_status status = rv_ledger_put(&node->ledger, changes, entry);
    return status == RV_BUSY ? RV_MEMORY_EXHAUSTED : status; /* there is less than there was */
}

static rv_status too_small(const rv_node *node, rv_error *err) {
    RV_ASSERT(node->ledger.cap > 0);
    return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                        "going back to position %u, begun before: what waits does not fit %u "
                        "bytes; open the node with the memory budget that it had then",
                        node->rewinding.to.watermark, (uint64_t)node->ledger.cap);
}

/* Goes over the records of the buffer, as far as the body has room. `*used` bytes are done with. */
static rv_status write_chunk(rv_node *node, rv_ledger_changes *changes, size_t *used) {
    rv_rewinding *const r = &node->rewinding;
    rv_record_context context = {.next_sequence = 1};
    const rv_bytes chunk = rv_bytes_of(node->results.ptr, r->chunk_len);
    rv_cursor c = rv_cursor_over(chunk);
    while (rv_cursor_left(&c) > 0) { /* goes on by a record */
        rv_record record;
        rv_ledger_entry entry;
        if (!rv_record_read(&c, &context, &record) || record.kind != RV_RECORD_LEDGER_PUT ||
            !rv_ledger_record_read(&record, &entry) || !rv_pending_entry_valid(&entry)) {
            return *used > 0 && !r->chunk_last ? RV_OK : RV_DATA_DAMAGED;
        }
        const rv_status status = write_entry(node, &entry, changes);
        if (status != RV_OK) {
            return status;
        }
        *used = chunk.len - rv_cursor_left(&c);
        r->behind.kind = entry.kind;
        r->behind.key_len = (uint8_t)entry.key.len;
        memcpy(r->behind.key, entry.key.ptr, entry.key.len);
    }
    RV_ASSERT(*used <= chunk.len);
    return RV_OK;
}

/* A buffer's worth of STALE or PUT. RV_OK: `*over` tells whether the step is. */
static rv_status write_some(rv_node *node, bool *over, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_writer body;
    size_t used = 0;
    rv_status status = r->chunk_read ? RV_OK : read_chunk(node, records_end(r));
    r->chunk_read = status == RV_OK;
    status = status == RV_OK ? rv_node_ledger_begin(node, &body, err) : status;
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = write_chunk(node, &changes, &used);
    const bool all = status == RV_OK && r->chunk_last && used == r->chunk_len;
    if (all && r->step == RV_REWIND_STALE) {
        status = write_stale(node, NULL, &changes);
    }
    const bool full = status == RV_BATCH_TOO_LARGE && body.len > 0;
    if ((status != RV_OK && !full) || body.len == 0) {
        rv_log_append_cancel(node->log);
    } else {
        rv_node_ledger_commit(node, &body, &changes);
    }
    r->offset += used;
    r->chunk_read = false;
    *over = all && !full;
    return full ? RV_OK : status;
}

static rv_status step_write(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    bool over = false;
    RV_ASSERT(r->step == RV_REWIND_STALE || r->step == RV_REWIND_PUT);
    const rv_status status = write_some(node, &over, err);
    if (status == RV_DATA_DAMAGED) {
        return rv_error_set(err, status, "the file `" RV_REWIND_FILE "` holds what is no ledger");
    }
    if (status == RV_MEMORY_EXHAUSTED) {
        return too_small(node, err);
    }
    if (status == RV_OK && over) {
        r->step = (rv_rewind_step)(r->step + 1);
        r->offset = RV_REWIND_HEAD;
        r->behind = (rv_ledger_place){0};
    }
    return status;
}

/* What it was told to hold behind the place it is told again, unless it was opened with something
 * else. What was purged for that may be what the log says, at the place, that it has: it is filled
 * in behind a base. True: there is an entry of that, under this key. */
static bool tell_selection(rv_node *node, rv_writer *body, rv_bytes *key) {
    rv_selection selection;
    rv_bytes value;
    const bool swapped = rv_ledger_get(&node->ledger, RV_LEDGER_SELECT, RV_REWIND_SWAPPED, &value);
    *key = swapped ? RV_REWIND_SWAPPED : (rv_bytes){NULL, 0};
    if (!swapped && !rv_ledger_get(&node->ledger, RV_LEDGER_SELECT, *key, &value)) {
        return false;
    }
    const bool good = rv_selection_decode(value, &selection, NULL) == RV_OK; /* it was checked */
    RV_ASSERT(good);
    if (swapped && node->rewinding.gone > 0) {
        rv_past_forget(&node->held.past, node->rewinding.gone);
        rv_held_lose_rows(&node->held);
    }
    rv_node_held *const held = &node->held;
    if (held->given || rv_held_wish(held, &selection, NULL) == RV_OK) {
        rv_node_write_selection(node, false, body);
        node->held.logged = true;
    }
    return true;
}

static rv_status more_than_fits(rv_error *err) {
    return rv_error_set(err, RV_DATA_DAMAGED,
                        "the file `" RV_REWIND_FILE "` holds more than a ledger takes");
}

/* What the file says is held, as what the log begins with was sent for it; what the node was opened
 * with is wanted. */
static rv_status hold(rv_node *node, rv_bytes value, rv_error *err) {
    rv_selection selection;
    rv_arena_reset(&node->scratch, 0);
    uint8_t *const body = rv_arena_take_raw(&node->scratch, 1 + value.len);
    if (body == NULL || rv_selection_decode(value, &selection, NULL) != RV_OK) {
        return more_than_fits(err);
    }
    const bool base = rv_selection_needs_base(&selection);
    RV_ASSERT(!node->held.logged);
    body[0] = (uint8_t)(base ? RV_HELD_NONE : RV_HELD_WHOLE);
    memcpy(body + 1, value.ptr, value.len);
    return rv_held_meet(&node->held, RV_RECORD_SELECTION_FULL, rv_bytes_of(body, 1 + value.len),
                        err);
}

/* Another log begins with what is to be held. */
static rv_status tell_first(rv_node *node, rv_error *err) {
    const rv_bytes key = {NULL, 0};
    rv_bytes value;
    rv_writer body;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_SELECT, key, &value)) {
        return RV_OK;
    }
    rv_status status = rv_node_ledger_begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    if (!node->held.logged) { /* else it was, before a crash */
        status = hold(node, value, err);
        if (status == RV_OK) {
            rv_node_write_selection(node, false, &body);
        }
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    if (status == RV_OK &&
        rv_ledger_remove(&node->ledger, &changes, RV_LEDGER_SELECT, key) != RV_OK) {
        status = more_than_fits(err);
    }
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return status;
    }
    rv_node_ledger_commit(node, &body, &changes);
    return RV_OK;
}

/* What is to be held was named further on in the log, which is cut off. */
static rv_status step_select(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    const rv_node_held *const held = &node->held;
    if (r->to.adopts) {
        const rv_status told = tell_first(node, err);
        r->step = told == RV_OK ? RV_REWIND_MEET : r->step;
        r->offset = records_end(r);
        r->chunk_read = false;
        return told;
    }
    const bool gone = held->given && !rv_selection_equal(&held->wanted, &held->selection);
    const rv_status status = gone ? rv_node_log_selection(node, err) : RV_OK;
    r->step = status == RV_OK ? RV_REWIND_LAST : RV_REWIND_SELECT;
    RV_ASSERT(r->good);
    return status;
}

/* Receives the next of what the root's log begins with. What this node cannot take, or read with
 * the memory that it has now, the upstream sends again. */
static rv_status step_meet(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_met met;
    RV_ASSERT(r->to.adopts);
    rv_status status = r->chunk_read ? RV_OK : read_chunk(node, all_end(r));
    if (status != RV_OK) {
        return status;
    }
    r->chunk_read = true;
    rv_cursor c = rv_cursor_over(rv_bytes_of(node->results.ptr, r->chunk_len));
    const bool read = rv_met_read(&c, &met);
    status = read ? rv_node_receive_met(node, &met, err) : RV_END;
    if (status == RV_PENDING || status == RV_BUSY || status == RV_STORAGE_FULL ||
        status == RV_READ_ONLY) {
        return status;
    }
    r->offset += read ? r->chunk_len - rv_cursor_left(&c) : 0;
    r->chunk_read = false;
    r->step = status == RV_OK ? RV_REWIND_MEET : RV_REWIND_BACK;
    return RV_OK;
}

static rv_status step_back(rv_node *node, rv_error *err) {
    const rv_status status = rv_outbox_back_write(node, err);
    RV_ASSERT(node->rewinding.to.adopts);
    node->rewinding.step = status == RV_END ? RV_REWIND_LAST : RV_REWIND_BACK;
    return status == RV_END ? RV_OK : status;
}

static rv_status step_last(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_writer body;
    const rv_epoch epoch = {r->to.epoch, r->to.watermark, r->to.chain_hash, rv_node_now(node)};
    rv_status status = rv_node_ledger_begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_bytes key;
    const bool told = tell_selection(node, &body, &key);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = rv_epoch_write(node, &changes, &epoch);
    if (status == RV_OK && told) {
        status = rv_ledger_remove(&node->ledger, &changes, RV_LEDGER_SELECT, key);
    }
    if (status != RV_OK) { /* an edge's ledger has had all of it: the file is another one */
        rv_log_append_cancel(node->log);
        return status == RV_BUSY ? too_small(node, err) : more_than_fits(err);
    }
    rv_node_ledger_commit(node, &body, &changes);
    r->step = RV_REWIND_WAIT;
    return RV_OK;
}

/* --- steps --- */

/* There is no log yet: this is the one that is to be. */
static void adopt(rv_node *node) {
    const rv_rewind *const to = &node->rewinding.to;
    rv_log_identity identity = {.epoch = to->epoch, .root_tag = to->root_tag, .root = false};
    memcpy(identity.log_id, to->log_id, sizeof identity.log_id);
    node->host.ops->entropy(node->host.ctx, identity.node_id, sizeof identity.node_id);
    RV_ASSERT(to->adopts && !rv_log_has_identity(node->log));
    rv_log_set_identity(node->log, &identity);
}

/* True when the log is one with this id. */
static bool is_log(const rv_node *node, const uint8_t *log_id) {
    return rv_log_has_identity(node->log) &&
           memcmp(rv_log_identity_of(node->log)->log_id, log_id, 16) == 0;
}

/* The log was recovered. */
static rv_status step_recovered(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_log_end_place place;
    rv_epoch epoch;
    const bool passed = rv_log_recover_passed(node->log, &place);
    r->offset = RV_REWIND_HEAD;
    r->behind = (rv_ledger_place){0};
    r->chunk_read = false;
    if (!r->good) {
        r->step = RV_REWIND_REMOVE;
        return RV_OK;
    }
    if (r->to.adopts && is_log(node, r->log_id)) {
        r->discards.text[0] = 0;
        r->step = RV_REWIND_DISCARD;
        return RV_OK;
    }
    if (r->to.adopts && !rv_log_has_identity(node->log)) {
        adopt(node);
    }
    if (!is_log(node, r->to.adopts ? r->to.log_id : r->log_id)) {
        return rv_error_set(err, RV_DATA_DAMAGED,
                            "the file `" RV_REWIND_FILE "` belongs to another log; remove it");
    }
    const bool done = rv_node_epoch(node, &epoch) && epoch.epoch >= r->to.epoch;
    r->step = passed ? RV_REWIND_FORGET : done ? RV_REWIND_REMOVE : RV_REWIND_STALE;
    return RV_OK;
}

/* The edge's own log goes, and the node opens over nothing. */
static rv_status step_discard(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    const rv_status status = rv_provisional_discard(node, err);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    r->kept = (rv_error){.status = RV_OK};
    if (status != RV_OK) { /* it can be read, as far as it is there */
        (void)rv_error_set(&r->kept, status,
                           "the files of this edge's own log cannot be removed: %s",
                           rv_status_text(status));
    }
    close_file(r);
    rv_node_rebuild(node);
    node->phase = RV_NODE_RECOVERING;
    r->good = false;
    r->step = RV_REWIND_LOOK;
    return RV_OK;
}

static rv_status step_cut(rv_node *node, rv_error *err) {
    const rv_status status = rv_log_cut_back(node->log, err);
    RV_ASSERT(status != RV_OK);
    node->rewinding.step = status == RV_END ? RV_REWIND_STALE : RV_REWIND_CUT;
    return status == RV_END ? RV_OK : status;
}

/* If that does not work, it is tried at the next opening. */
static rv_status step_remove(rv_rewinding *r) {
    close_file(r);
    if (rv_op_remove(&r->ops, &r->op, RV_REWIND_FILE) == RV_PENDING) {
        return RV_PENDING;
    }
    r->good = false;
    r->step = RV_REWIND_OVER;
    return RV_OK;
}

static rv_status step(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_status status = RV_OK;
    switch (r->step) {
    case RV_REWIND_RECOVER:
        return step_recovered(node, err);
    case RV_REWIND_DISCARD:
        return step_discard(node, err);
    case RV_REWIND_FORGET:
        status = rv_checkpoints_forget(node, err);
        r->step = status == RV_OK ? RV_REWIND_CUT : r->step;
        return status;
    case RV_REWIND_CUT:
        return step_cut(node, err);
    case RV_REWIND_STALE:
    case RV_REWIND_PUT:
        return step_write(node, err);
    case RV_REWIND_SELECT:
        return step_select(node, err);
    case RV_REWIND_MEET:
        return step_meet(node, err);
    case RV_REWIND_BACK:
        return step_back(node, err);
    case RV_REWIND_LAST:
        return step_last(node, err);
    case RV_REWIND_WAIT:
        status = rv_log_poll(node->log, err);
        if (status == RV_OK && rv_log_batches_durable(node->log) < rv_log_batches(node->log)) {
            return RV_PENDING;
        }
        r->step = status == RV_OK ? RV_REWIND_REMOVE : r->step;
        return status;
    default:
        RV_ASSERT(r->step == RV_REWIND_REMOVE);
        return step_remove(r);
    }
}

rv_status rv_rewind_finish(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_status status = RV_OK;
    if (r->kept.status != RV_OK) {
        *err = r->kept;
        return err->status;
    }
    if (!r->open && r->step == RV_REWIND_RECOVER) {
        r->step = RV_REWIND_OVER; /* there is no such file */
    }
    while (status == RV_OK && node->recovered && r->step != RV_REWIND_OVER) { /* each leads on */
        status = step(node, err);
        const bool waits = status == RV_PENDING || status == RV_BUSY;
        const bool writes = r->step > RV_REWIND_CUT && r->step < RV_REWIND_REMOVE;
        if (writes && (waits || status == RV_READ_ONLY) && rv_log_poll(node->log, err) != RV_OK) {
            status = rv_log_failed(node->log);
        } else if (waits) {
            return RV_PENDING;
        }
    }
    return status == RV_OK ? RV_OK : fail(node, status, err);
}
