/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox as others see it, and what becomes of what waits there: see engine/outbox.h. Every
 * change is one batch of the log; what it does to the overlay is done by laying that anew.
 */
#include "core/engine/cause.h"
#include "core/engine/internal.h"

#include "core/base/assert.h"

/* --- what waits --- */

static bool pending_from(const rv_node *node, rv_ledger_kind kind, uint64_t after,
                         rv_ledger_entry *entry) {
    uint8_t key[RV_PENDING_KEY];
    if (after == UINT64_MAX) {
        return false;
    }
    rv_pending_key(after + 1, key);
    const uint32_t index =
        rv_ledger_seek(&node->ledger, (uint8_t)kind, rv_bytes_of(key, sizeof key));
    RV_ASSERT(index <= rv_ledger_count(&node->ledger));
    if (index == rv_ledger_count(&node->ledger)) {
        return false;
    }
    *entry = rv_ledger_at(&node->ledger, index);
    return entry->kind == kind;
}

/* What was written before the upstream named anybody is whose who was named first. */
static void name_writer(const rv_node *node, rv_pending *pending) {
    RV_ASSERT(pending->count > 0);
    if (pending->principal.len == 0) {
        pending->principal = rv_node_principals(node).first;
    }
}

bool rv_node_pending(const rv_node *node, uint64_t after, rv_pending *pending) {
    rv_ledger_entry entry;
    if (node->outbox.pending == 0 || !pending_from(node, RV_LEDGER_PENDING, after, &entry)) {
        return false;
    }
    const bool good = rv_pending_read(entry.value, pending);
    RV_ASSERT(good);
    name_writer(node, pending);
    pending->edge_sequence = rv_pending_key_read(entry.key);
    pending->durable = pending->edge_sequence <= node->outbox.durable;
    return true;
}

/* The batch with this edge sequence. */
static bool pending_get(const rv_node *node, uint64_t edge_sequence, rv_pending *pending) {
    RV_ASSERT(edge_sequence > 0);
    return rv_node_pending(node, edge_sequence - 1, pending) &&
           pending->edge_sequence == edge_sequence;
}

/* True when the batch is known to be refused. */
static bool is_refused(const rv_node *node, uint64_t edge_sequence) {
    uint8_t key[RV_PENDING_KEY];
    rv_bytes value;
    rv_pending_key(edge_sequence, key);
    RV_ASSERT(edge_sequence > 0);
    return rv_ledger_get(&node->ledger, RV_LEDGER_REFUSED, rv_bytes_of(key, sizeof key), &value);
}

uint32_t rv_node_pending_counted(const rv_node *node, const rv_pending *pending,
                                 uint64_t *sequences, uint32_t cap) {
    rv_cursor c = rv_cursor_over(pending->counted);
    uint64_t sequence = 0;
    uint32_t count = 0;
    if (is_refused(node, pending->edge_sequence) && cap > 0) {
        sequences[0] = pending->edge_sequence;
        return 1;
    }
    for (uint32_t i = 0; i < pending->counted_count; i += 1) {
        sequence = rv_pending_counted_next(&c, sequence);
        RV_ASSERT(sequence > 0);
        rv_pending other;
        const bool waits =
            pending_get(node, sequence, &other) && other.state != RV_PENDING_ACCEPTED;
        if (waits || is_refused(node, sequence)) {
            if (count < cap) {
                sequences[count] = sequence;
            }
            count += 1;
        }
    }
    return count;
}

bool rv_outbox_counts_lost(const rv_node *node, const rv_pending *batch) {
    rv_cursor c = rv_cursor_over(batch->counted);
    uint64_t sequence = 0;
    bool lost = false;
    if (batch->counted_count == 0 || batch->command.name.len > 0) {
        return false; /* a command runs again, and counts anew */
    }
    lost = is_refused(node, batch->edge_sequence);
    for (uint32_t i = 0; i < batch->counted_count && !lost; i += 1) {
        sequence = rv_pending_counted_next(&c, sequence);
        RV_ASSERT(sequence > 0);
        lost = is_refused(node, sequence);
    }
    return lost;
}

rv_status rv_outbox_write_lost(const rv_node *node, rv_ledger_changes *changes,
                               uint64_t edge_sequence) {
    uint8_t key[RV_PENDING_KEY];
    uint8_t next[sizeof(uint64_t)];
    RV_ASSERT(edge_sequence < node->outbox.next_sequence);
    rv_pending_key(edge_sequence, key);
    rv_store_u64(next, node->outbox.next_sequence);
    const rv_ledger_entry entry = {RV_LEDGER_REFUSED, rv_bytes_of(key, sizeof key),
                                   rv_bytes_of(next, sizeof next)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

bool rv_node_pending_event(const rv_node *node, const rv_pending *pending,
                           rv_pending_cursor *cursor, rv_pending_event *event) {
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    return rv_pending_event_next(pending, cursor, event);
}

rv_outbox_facts rv_node_outbox(const rv_node *node) {
    const rv_outbox *const o = &node->outbox;
    RV_ASSERT(o->suspended <= o->pending);
    return (rv_outbox_facts){
        .incarnation = o->incarnation,
        .next_sequence = o->next_sequence,
        .durable = o->durable,
        .settled = o->settled,
        .pending = o->pending,
        .suspended = o->suspended,
        .held_back = o->held_back,
        .unknown = o->unknown,
        .came_back = o->came_back,
        .rejections = o->rejections,
        .bytes = rv_ledger_used(&node->ledger),
        .bytes_max = node->ledger.cap,
    };
}

uint64_t rv_node_revision(const rv_node *node) {
    return node->outbox.revision + rv_log_appended(node->log);
}

/* --- decisions --- */

/* Whether a batch leaves with its decision. */
typedef enum rv_leaving {
    RV_LEAVING_NOT,  /* its events are still to come */
    RV_LEAVING_GONE, /* the outbox */
    RV_LEAVING_MOVED /* its place: a command that is to run again */
} rv_leaving;

/* What was refused need not be remembered once all that was written before is decided. */
static rv_status sweep_refused(const rv_node *node, uint64_t except, rv_ledger_changes *changes) {
    rv_pending first = {.edge_sequence = UINT64_MAX};
    if (rv_node_pending(node, 0, &first) && first.edge_sequence == except &&
        !rv_node_pending(node, except, &first)) {
        first.edge_sequence = UINT64_MAX;
    }
    rv_status status = RV_OK;
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_REFUSED, (rv_bytes){NULL, 0});
    for (; index < rv_ledger_count(&node->ledger) && status == RV_OK; index += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        if (entry.kind != RV_LEDGER_REFUSED) {
            break;
        }
        RV_ASSERT(entry.value.len == sizeof(uint64_t));
        if (rv_load_u64(entry.value.ptr) <= first.edge_sequence) {
            status = rv_ledger_remove(&node->ledger, changes, entry.kind, entry.key);
        }
    }
    return status;
}

/* True when a batch that waits counts this one: then it has an event in a stream of it. */
static bool is_counted(const rv_node *node, uint64_t edge_sequence) {
    rv_pending own, other;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    const bool there = rv_waiting_pending(node, edge_sequence, &own);
    RV_ASSERT(there);
    if (node->outbox.counting == 0) {
        return false;
    }
    while (rv_pending_event_next(&own, &cursor, &event)) {
        rv_waiting_walk walk = rv_waiting_by_path(node, event.path);
        uint64_t sequence = UINT64_MAX;
        while (!event.blind && rv_waiting_next(node, &walk, &sequence) &&
               sequence > edge_sequence) {
            if (rv_waiting_pending(node, sequence, &other) &&
                rv_pending_counts(&other, edge_sequence)) {
                return true;
            }
        }
    }
    return false;
}

/* True when an entry of this size leaves what every batch that still waits has kept. */
static bool leaves_reserve(const rv_node *node, const rv_ledger_changes *changes, size_t cost) {
    const int64_t used = (int64_t)rv_ledger_used(&node->ledger) + changes->cost;
    RV_ASSERT(used >= 0 && node->outbox.pending > 0);
    const size_t reserve = (size_t)RV_OUTBOX_RESERVE * node->outbox.pending;
    return used + (int64_t)(cost + reserve) <= (int64_t)node->ledger.cap;
}

/* The batch becomes a rejection. Where there is no room for all that the root said, the code is
 * kept, for which there is always room. */
static rv_status write_rejection(rv_node *node, rv_bytes key, const rv_error *refusal,
                                 rv_ledger_changes *changes) {
    rv_bytes batch;
    const bool there = rv_ledger_get(&node->ledger, RV_LEDGER_PENDING, key, &batch);
    RV_ASSERT(there && refusal->status != RV_OK);
    const rv_status status = rv_ledger_remove(&node->ledger, changes, RV_LEDGER_PENDING, key);
    if (status != RV_OK) {
        return status;
    }
    rv_arena_reset(&node->results, 0);
    rv_writer w = rv_writer_over(node->results.ptr, node->results.cap);
    rv_rejection_write(&w, refusal, batch);
    RV_ASSERT(!w.full);
    if (!leaves_reserve(node, changes, rv_ledger_cost(key.len, w.len))) {
        const rv_error code = {.status = refusal->status};
        w.len = 0;
        rv_rejection_write(&w, &code, batch);
    }
    const rv_ledger_entry entry = {RV_LEDGER_REJECTION, key, rv_writer_bytes(&w)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

static rv_status write_refused(rv_node *node, uint64_t edge_sequence, rv_bytes key,
                               rv_error *refusal, rv_ledger_changes *changes) {
    rv_outbox_cause(node, edge_sequence, refusal);
    const rv_status status = write_rejection(node, key, refusal, changes);
    RV_ASSERT(status != RV_END);
    return status == RV_OK && is_counted(node, edge_sequence)
               ? rv_outbox_write_lost(node, changes, edge_sequence)
               : status;
}

/* Accepted, and nothing more is to come: of a command that came to nothing, what it had made is no
 * more for those that count it. */
static rv_status write_gone(const rv_node *node, uint64_t edge_sequence, rv_bytes key,
                            uint64_t position, rv_ledger_changes *changes) {
    const rv_status status = rv_ledger_remove(&node->ledger, changes, RV_LEDGER_PENDING, key);
    RV_ASSERT(edge_sequence > 0);
    return status == RV_OK && position == 0 && is_counted(node, edge_sequence)
               ? rv_outbox_write_lost(node, changes, edge_sequence)
               : status;
}

/* Accepted, its events still to come. */
static rv_status write_accepted(rv_node *node, rv_bytes key, uint64_t position,
                                rv_ledger_changes *changes) {
    rv_bytes batch;
    const bool there = rv_ledger_get(&node->ledger, RV_LEDGER_PENDING, key, &batch);
    RV_ASSERT(there && batch.len <= node->results.cap);
    rv_arena_reset(&node->results, 0);
    uint8_t *const value = node->results.ptr;
    memcpy(value, batch.ptr, batch.len);
    value[RV_PENDING_AT_STATE] = RV_PENDING_ACCEPTED; /* the reason stays: it is as much folded */
    rv_store_u64(value + RV_PENDING_AT_POSITION, position);
    const rv_ledger_entry entry = {RV_LEDGER_PENDING, key, rv_bytes_of(value, batch.len)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

/* What running a command again can mend: others came before it, or what it built on is no more. */
static bool is_mendable(rv_status status) {
    RV_ASSERT(status > RV_END);
    return status == RV_VERSION_CONFLICT || status == RV_CHECK_VIOLATION ||
           status == RV_UNIQUE_VIOLATION || status == RV_NOT_NULL_VIOLATION ||
           status == RV_UNKNOWN_REFERENCE || status == RV_ROW_EXISTS || status == RV_KEY_LEASED ||
           status == RV_ROW_REFERENCED || status == RV_DEPENDENCY_REJECTED;
}

/* True when the batch is a command that is to run once more: what notes its refusal for those that
 * count it has room, too. */
static bool runs_again(const rv_node *node, const rv_pending *batch, const rv_decision *decision) {
    const rv_ledger_changes none = {.cost = 0};
    const size_t cost = rv_ledger_cost(RV_PENDING_KEY, sizeof(uint64_t));
    RV_ASSERT(batch->edge_sequence < node->outbox.next_sequence);
    return decision->outcome == RV_DECIDED_REFUSED && batch->command.name.len > 0 &&
           is_mendable(decision->refusal.status) && batch->attempt + 1 < RV_COMMAND_ATTEMPTS_MAX &&
           (!is_counted(node, batch->edge_sequence) || leaves_reserve(node, &none, cost));
}

/* The position at which the root judged, as it says in the facts; 0: it does not say. */
static uint64_t judged_at(const rv_error *refusal) {
    static const char name[] = "\"judged_at\":";
    uint64_t position = 0;
    RV_ASSERT(refusal->facts_len <= sizeof refusal->facts);
    for (size_t at = 0; at + sizeof name - 1 < refusal->facts_len; at += 1) {
        if (memcmp(refusal->facts + at, name, sizeof name - 1) == 0) {
            for (at += sizeof name - 1; at < refusal->facts_len; at += 1) {
                const char c = refusal->facts[at];
                if (c < '0' || c > '9' || position > RV_POSITION_MAX / 16) {
                    break;
                }
                position = position * 10 + (uint64_t)(c - '0');
            }
            break;
        }
    }
    return position;
}

/* A command that was refused goes behind the others, under a new edge sequence. */
static rv_status write_moved(rv_node *node, const rv_pending *batch, rv_bytes key,
                             const rv_error *refusal, rv_ledger_changes *changes) {
    rv_outbox *const o = &node->outbox;
    uint8_t moved[RV_PENDING_KEY];
    rv_bytes value;
    const bool there = rv_ledger_get(&node->ledger, RV_LEDGER_PENDING, key, &value);
    RV_ASSERT(there && value.len <= node->results.cap);
    rv_arena_reset(&node->results, 0);
    memcpy(node->results.ptr, value.ptr, value.len);
    rv_pending_refuse(node->results.ptr, value.len, judged_at(refusal));
    rv_pending_key(o->next_sequence, moved);
    rv_status status = rv_ledger_drop(&node->ledger, changes, RV_LEDGER_PENDING, key);
    const rv_ledger_entry entry = {RV_LEDGER_PENDING, rv_bytes_of(moved, sizeof moved),
                                   rv_bytes_of(node->results.ptr, value.len)};
    status = status == RV_OK ? rv_ledger_put(&node->ledger, changes, &entry) : status;
    status = status == RV_OK
                 ? rv_outbox_write_self(node, changes, o->incarnation, o->next_sequence + 1)
                 : status;
    if (status == RV_OK && is_counted(node, batch->edge_sequence)) {
        status = rv_outbox_write_lost(node, changes, batch->edge_sequence);
    }
    return status;
}

/* It waits there now. */
static void moved(rv_node *node, uint64_t from) {
    rv_outbox *const o = &node->outbox;
    const uint64_t to = o->next_sequence;
    o->next_sequence += 1;
    o->suspended += 1; /* until it has run */
    o->commands_due = true;
    rv_outbox_note_moved(node, from, to);
    rv_outbox_note_written(node, to);
    rv_waiting_add(node, to);
    RV_ASSERT(o->next_sequence > to);
}

/* What follows from a decision that is committed. */
static void decided(rv_node *node, const rv_pending *batch, const rv_decision *decision,
                    rv_leaving left, const rv_ledger_changes *changes) {
    rv_outbox *const o = &node->outbox;
    const bool refused = decision->outcome == RV_DECIDED_REFUSED;
    const bool suspended = batch->state == RV_PENDING_SUSPENDED;
    const bool counting = batch->counted_count > 0;
    /* the overlay loses something; what depended on a refused batch is suspended by now, so a
     * row of refusals does not fold all that waits each time */
    const bool shown = left != RV_LEAVING_NOT && batch->covered > 0 && !suspended;
    const bool later = shown && refused && left == RV_LEAVING_GONE;
    const uint64_t edge_sequence = batch->edge_sequence;
    RV_ASSERT(o->pending > 0 && (left != RV_LEAVING_NOT || !refused));
    if (shown && !later) {
        rv_outbox_lift(node);
    }
    rv_ledger_apply(&node->ledger, changes); /* `batch` is not valid any more */
    o->pending -= left == RV_LEAVING_GONE;
    o->rejections += refused && left == RV_LEAVING_GONE;
    o->suspended -= suspended;
    o->accepted += left == RV_LEAVING_NOT;
    o->counting -= left == RV_LEAVING_GONE && counting;
    if (left == RV_LEAVING_MOVED) {
        moved(node, edge_sequence);
    } else if (left == RV_LEAVING_GONE && !refused) {
        rv_outbox_note_decided(node, edge_sequence, decision->position);
    }
    if (refused) {
        rv_outbox_commands_due(node, edge_sequence);
    }
    o->decided_batch = rv_log_batches(node->log);
    o->settle_due = true;
    if (shown && !later) {
        rv_outbox_lay(node);
    }
    o->lay_due =
        o->lay_due || later || (refused && o->counting > 0); /* who counts it is not shown */
    if (o->pending == 0) {
        rv_outbox_lay_due(node);
        rv_outbox_lift(node);
    }
}

/* What is decided, as changes of the ledger. There is room, which rv_node_write has kept. */
static void write_decided(rv_node *node, const rv_pending *batch, const rv_decision *decision,
                          rv_leaving left, rv_ledger_changes *changes) {
    uint8_t bytes[RV_PENDING_KEY];
    rv_status status = RV_OK;
    rv_pending_key(batch->edge_sequence, bytes);
    const rv_bytes key = rv_bytes_of(bytes, sizeof bytes);
    if (left == RV_LEAVING_GONE) {
        status = sweep_refused(node, batch->edge_sequence, changes);
    }
    if (left == RV_LEAVING_MOVED) {
        status = write_moved(node, batch, key, &decision->refusal, changes);
    } else if (status == RV_OK && decision->outcome == RV_DECIDED_REFUSED) {
        rv_error refusal = decision->refusal;
        status = write_refused(node, batch->edge_sequence, key, &refusal, changes);
    } else if (status == RV_OK) {
        status = left == RV_LEAVING_GONE
                     ? write_gone(node, batch->edge_sequence, key, decision->position, changes)
                     : write_accepted(node, key, decision->position, changes);
    }
    RV_ASSERT(status == RV_OK);
}

/* Decides a batch that waits; `final`: a command is not run again. */
static rv_status decide(rv_node *node, uint64_t edge_sequence, const rv_decision *decision,
                        bool final, rv_error *err) {
    RV_ASSERT(decision->outcome != RV_DECIDED_FORKED);
    rv_pending batch;
    rv_writer body;
    if (edge_sequence == 0 || !pending_get(node, edge_sequence, &batch) ||
        batch.state == RV_PENDING_ACCEPTED) {
        return RV_OK;
    }
    const rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_outbox_whole(node);
    const bool there = pending_get(node, edge_sequence, &batch); /* with what it is now */
    const bool refused = decision->outcome == RV_DECIDED_REFUSED;
    const rv_leaving left = !final && runs_again(node, &batch, decision) ? RV_LEAVING_MOVED
                            : refused || decision->position <= rv_log_watermark(node->log)
                                ? RV_LEAVING_GONE
                                : RV_LEAVING_NOT;
    rv_ledger_changes changes = rv_ledger_begin(&body);
    RV_ASSERT(there);
    write_decided(node, &batch, decision, left, &changes);
    rv_node_ledger_commit(node, &body, NULL);
    decided(node, &batch, decision, left, &changes);
    return RV_OK;
}

rv_status rv_node_decided(rv_node *node, uint64_t edge_sequence, const rv_decision *decision,
                          rv_error *err) {
    RV_ASSERT(decision->outcome <= RV_DECIDED_FORKED);
    return decide(node, edge_sequence, decision, false, err);
}

rv_status rv_outbox_decide(rv_node *node, uint64_t edge_sequence, const rv_decision *decision,
                           rv_error *err) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(decision->outcome <= RV_DECIDED_FORKED);
    const rv_status status = decide(node, edge_sequence, decision, true, err);
    if (status == RV_OK) {
        const bool least = o->own_first == 0 || edge_sequence < o->own_first;
        o->own_first = least ? edge_sequence : o->own_first;
        o->own_batch = rv_log_batches(node->log);
    }
    return status;
}

/* True when what became of the batch is told: what the root decided at once, as it is durable
 * there; what this node decided, of a command, when it is durable here. It would run again after a
 * crash before that, and might be accepted. */
static bool is_told(const rv_node *node, uint64_t edge_sequence) {
    const rv_outbox *const o = &node->outbox;
    RV_ASSERT(edge_sequence > 0);
    return o->own_first == 0 || edge_sequence < o->own_first ||
           o->own_batch <= rv_log_batches_durable(node->log);
}

uint32_t rv_outbox_new_incarnation(rv_node *node, uint32_t old) {
    uint32_t incarnation = old;
    for (unsigned i = 0; i < 8 && (incarnation == old || incarnation == 0); i += 1) {
        node->host.ops->entropy(node->host.ctx, (uint8_t *)&incarnation, sizeof incarnation);
    }
    incarnation += incarnation == old; /* entropy that is not: any other will do */
    incarnation += incarnation == 0;
    RV_ASSERT(incarnation != old);
    return incarnation;
}

bool rv_node_forked(const rv_node *node, rv_forked *forked) {
    rv_bytes value;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_FORKED, (rv_bytes){NULL, 0}, &value) ||
        value.len != RV_FORKED_SIZE) {
        return false;
    }
    *forked = (rv_forked){rv_load_u64(value.ptr), (int64_t)rv_load_u64(value.ptr + 8)};
    RV_ASSERT(value.ptr != NULL);
    return true;
}

/* Once more, and now; not when what waits would not keep its room. As rv_ledger_put. */
static rv_status write_forked(const rv_node *node, rv_ledger_changes *changes) {
    uint8_t bytes[RV_FORKED_SIZE];
    rv_forked forked = {.count = 0};
    const bool known = rv_node_forked(node, &forked);
    const size_t reserve = (size_t)RV_OUTBOX_RESERVE * node->outbox.pending;
    const size_t cost = known ? 0 : rv_ledger_cost(0, sizeof bytes);
    if (rv_ledger_used(&node->ledger) + cost + reserve > node->ledger.cap) {
        return RV_OK;
    }
    rv_store_u64(bytes, forked.count + 1);
    rv_store_u64(bytes + 8, (uint64_t)rv_node_now(node));
    RV_ASSERT(known || forked.count == 0);
    const rv_ledger_entry entry = {RV_LEDGER_FORKED, {NULL, 0}, rv_bytes_of(bytes, sizeof bytes)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

static rv_status take_incarnation(rv_node *node, bool forked, rv_error *err) {
    rv_writer body;
    rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_outbox *const o = &node->outbox;
    const uint32_t incarnation = rv_outbox_new_incarnation(node, o->incarnation);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = rv_outbox_write_self(node, &changes, incarnation, o->next_sequence);
    status = status == RV_OK && forked ? write_forked(node, &changes) : status;
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return status;
    }
    rv_node_ledger_commit(node, &body, &changes);
    o->incarnation = incarnation;
    o->self_batch = rv_log_batches(node->log);
    o->keys_revision += 1; /* the old life's keys are used no more */
    return RV_OK;
}

rv_status rv_node_fork(rv_node *node, rv_error *err) {
    return take_incarnation(node, true, err);
}

rv_status rv_node_renew(rv_node *node, rv_error *err) {
    return take_incarnation(node, false, err);
}

rv_status rv_outbox_write_self(rv_node *node, rv_ledger_changes *changes, uint32_t incarnation,
                               uint64_t next_sequence) {
    uint8_t self[RV_SELF_SIZE];
    RV_ASSERT(incarnation > 0 && next_sequence > 0);
    rv_writer w = rv_writer_over(self, sizeof self);
    rv_write_u32(&w, incarnation);
    rv_write_u64(&w, next_sequence);
    RV_ASSERT(!w.full && w.len == sizeof self);
    const rv_ledger_entry entry = {RV_LEDGER_SELF, {NULL, 0}, rv_writer_bytes(&w)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

/* --- rejections and outcomes --- */

bool rv_node_rejection(const rv_node *node, uint64_t after, rv_rejection *rejection) {
    RV_ASSERT(rejection != NULL);
    return rv_outbox_rejection(node, after, rejection) &&
           is_told(node, rejection->batch.edge_sequence);
}

bool rv_outbox_rejection(const rv_node *node, uint64_t after, rv_rejection *rejection) {
    rv_ledger_entry entry;
    rv_bytes batch;
    if (node->outbox.rejections == 0 || !pending_from(node, RV_LEDGER_REJECTION, after, &entry)) {
        return false;
    }
    const bool good = rv_rejection_read(entry.value, &rejection->reason, &batch) &&
                      rv_pending_read(batch, &rejection->batch);
    RV_ASSERT(good);
    name_writer(node, &rejection->batch);
    rejection->batch.edge_sequence = rv_pending_key_read(entry.key);
    rejection->batch.durable = true;
    return true;
}

bool rv_node_rejection_of(const rv_node *node, const uint8_t *event_id, rv_rejection *rejection) {
    rv_waiting_walk walk = rv_waiting_by_id(node, event_id);
    rv_pending_event event;
    uint64_t sequence = 0, first = UINT64_MAX;
    if (node->outbox.rejections == 0) {
        return false;
    }
    while (rv_waiting_next(node, &walk, &sequence)) {
        const bool sooner = sequence < first && rv_waiting_rejection(node, sequence, rejection) &&
                            rv_outbox_batch_has(&rejection->batch, event_id, &event);
        first = sooner ? sequence : first;
    }
    return first < UINT64_MAX && rv_waiting_rejection(node, first, rejection);
}

rv_status rv_node_rejection_forget(rv_node *node, uint64_t edge_sequence, rv_error *err) {
    rv_rejection rejection;
    if (edge_sequence == 0 || !rv_waiting_rejection(node, edge_sequence, &rejection)) {
        return rv_error_set(err, RV_NOT_FOUND, "batch %u was not refused", edge_sequence);
    }
    rv_writer body;
    rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    uint8_t key[RV_PENDING_KEY];
    rv_pending_key(edge_sequence, key);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = rv_ledger_remove(&node->ledger, &changes, RV_LEDGER_REJECTION,
                              rv_bytes_of(key, sizeof key));
    RV_ASSERT(status == RV_OK && node->outbox.rejections > 0); /* the body is empty */
    rv_node_ledger_commit(node, &body, &changes);
    node->outbox.rejections -= 1;
    return RV_OK;
}

/* Where a batch waits now that was written under this edge sequence. */
static uint64_t moved_to(const rv_node *node, uint64_t edge_sequence) {
    const rv_outbox_decided *const decided = node->outbox.decided;
    for (uint32_t i = 0; i < RV_COMMAND_ATTEMPTS_MAX; i += 1) {
        uint64_t to = 0;
        for (uint32_t d = 0; d < RV_OUTBOX_DECIDED && to == 0; d += 1) {
            to = decided[d].sequence == edge_sequence ? decided[d].moved : 0;
        }
        if (to == 0) {
            break;
        }
        RV_ASSERT(to > edge_sequence);
        edge_sequence = to;
    }
    return edge_sequence;
}

bool rv_node_outcome(const rv_node *node, uint64_t edge_sequence, rv_outcome *outcome) {
    rv_pending batch;
    rv_rejection rejection;
    edge_sequence = moved_to(node, edge_sequence);
    *outcome = (rv_outcome){.kind = RV_OUTCOME_WAITING, .edge_sequence = edge_sequence};
    if (edge_sequence == 0) {
        return false;
    }
    if (pending_get(node, edge_sequence, &batch)) {
        const bool accepted = batch.state == RV_PENDING_ACCEPTED;
        outcome->kind = accepted ? RV_OUTCOME_ACCEPTED : RV_OUTCOME_WAITING;
        outcome->position = accepted ? batch.position : 0;
        return true;
    }
    if (!is_told(node, edge_sequence) && edge_sequence < node->outbox.next_sequence) {
        return true;
    }
    if (rv_node_rejection(node, edge_sequence - 1, &rejection) &&
        rejection.batch.edge_sequence == edge_sequence) {
        outcome->kind = RV_OUTCOME_REJECTED;
        outcome->reason = rejection.reason;
        return true;
    }
    for (uint32_t i = 0; i < RV_OUTBOX_DECIDED; i += 1) {
        if (node->outbox.decided[i].sequence == edge_sequence) {
            outcome->kind = RV_OUTCOME_ACCEPTED;
            outcome->position = node->outbox.decided[i].position;
            return true;
        }
    }
    RV_ASSERT(outcome->kind == RV_OUTCOME_WAITING);
    return false;
}
