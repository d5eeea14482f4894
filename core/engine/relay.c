/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/relay.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

#define HEAD 24u /* of a value: the note, the first event's id */

/* --- entries --- */

static bool is_relay(const rv_ledger_entry *entry) {
    RV_ASSERT(entry->key.len <= RV_LEDGER_KEY_MAX);
    return entry->kind == RV_LEDGER_RELAY && entry->key.len == RV_DECISION_KEY &&
           entry->value.len > HEAD;
}

static void key_read(rv_bytes key, rv_edge_life *edge, uint64_t *edge_sequence) {
    RV_ASSERT(key.len == RV_DECISION_KEY);
    rv_edge_key_read(key, edge);
    *edge_sequence = rv_pending_key_read(rv_bytes_from(key, RV_EDGE_KEY));
}

/* Notes that the log had when the node was opened mean nothing: all of that is durable. */
static void forget_old_notes(rv_node *node) {
    if (node->relays_known) {
        return;
    }
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_RELAY, (rv_bytes){NULL, 0});
    for (; index < rv_ledger_count(&node->ledger); index += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        if (!is_relay(&entry)) {
            break;
        }
        uint8_t *const notes = rv_ledger_notes(&node->ledger, entry.kind, entry.key);
        RV_ASSERT(notes != NULL);
        rv_store_u64(notes, 0);
    }
    node->relays_known = true;
}

rv_relay_state rv_node_relay_state(const rv_node *node, const rv_edge_life *edge,
                                   uint64_t edge_sequence, const uint8_t *first_id) {
    uint8_t key[RV_DECISION_KEY];
    rv_bytes value;
    const rv_bytes at = rv_decision_key(key, edge, edge_sequence);
    const bool kept = rv_ledger_get(&node->ledger, RV_LEDGER_RELAY, at, &value);
    if (!kept && !rv_ledger_get(&node->ledger, RV_LEDGER_DECISION, at, &value)) {
        return RV_RELAY_UNKNOWN;
    }
    const rv_bytes id = kept ? rv_bytes_from(value, sizeof(uint64_t)) : value;
    RV_ASSERT(edge_sequence > 0);
    if (id.len < 16 || memcmp(id.ptr, first_id, 16) != 0) {
        return RV_RELAY_OTHER;
    }
    return kept ? RV_RELAY_KEPT : RV_RELAY_DECIDED;
}

/* --- keeping --- */

/* What a life has of the ledger. */
static size_t used_by(const rv_node *node, const rv_edge_life *edge) {
    static const uint8_t kinds[] = {RV_LEDGER_RELAY, RV_LEDGER_DECISION};
    uint8_t key[RV_DECISION_KEY];
    size_t used = 0;
    for (size_t k = 0; k < sizeof kinds; k++) {
        uint32_t index = rv_ledger_seek(&node->ledger, kinds[k], rv_decision_key(key, edge, 1));
        const uint32_t end =
            rv_ledger_seek(&node->ledger, kinds[k], rv_decision_key(key, edge, UINT64_MAX));
        RV_ASSERT(index <= end);
        for (; index < end; index += 1) {
            const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
            used += rv_ledger_cost(entry.key.len, entry.value.len);
        }
    }
    return used;
}

/* Is there room for a push of this life? */
static bool has_room(const rv_node *node, const rv_edge_life *edge, size_t cost) {
    const size_t most = node->ledger.cap / 4 * 3;
    const size_t used =
        rv_ledger_used(&node->ledger) + (size_t)RV_OUTBOX_RESERVE * node->outbox.pending + cost;
    RV_ASSERT(cost > 0);
    return used <= most && used_by(node, edge) + cost <= most - used + cost;
}

static void write_body(const rv_relay *push, rv_writer *w) {
    if (push->writer.len == 0) {
        rv_write(w, push->body);
        return;
    }
    RV_ASSERT(push->writer_at < push->body.len && push->writer.len <= RV_TOKEN_NAME_MAX);
    rv_write(w, rv_bytes_of(push->body.ptr, push->writer_at));
    rv_write_blob(w, push->writer); /* its length takes the byte of the one before */
    rv_write(w, rv_bytes_from(push->body, push->writer_at + 1));
}

rv_status rv_node_relay_keep(rv_node *node, const rv_relay *push, rv_error *err) {
    uint8_t key[RV_DECISION_KEY];
    rv_writer body;
    RV_ASSERT(push->body.len > 0 && push->edge.incarnation > 0);
    forget_old_notes(node);
    const size_t len = HEAD + push->body.len + push->writer.len;
    const size_t cost = rv_ledger_cost(RV_DECISION_KEY, len);
    const rv_edge_life none = {.incarnation = 0};
    rv_edge_life other;
    const bool room = has_room(node, &push->edge, cost);
    if (len > node->results.cap || cost > node->ledger.cap / 4 * 3 ||
        (!room && !rv_node_relay_life(node, &none, &other))) { /* and nothing will make room */
        return rv_error_set(err, RV_BATCH_TOO_LARGE, "the gateway's memory takes no such batch");
    }
    if (!room) {
        return rv_error_set(err, RV_OUTBOX_FULL,
                            "the gateway's memory for what other edges push is used up");
    }
    rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_arena_reset(&node->results, 0);
    rv_writer value = rv_writer_over(node->results.ptr, node->results.cap);
    rv_write_u64(&value, rv_log_batches(node->log) + 1);
    rv_write(&value, rv_bytes_of(push->first_id, sizeof push->first_id));
    write_body(push, &value);
    RV_ASSERT(!value.full && value.len == len);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    const rv_ledger_entry entry = {RV_LEDGER_RELAY,
                                   rv_decision_key(key, &push->edge, push->edge_sequence),
                                   rv_writer_bytes(&value)};
    status = rv_ledger_put(&node->ledger, &changes, &entry);
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, status == RV_BUSY ? RV_OUTBOX_FULL : RV_BATCH_TOO_LARGE,
                            "the gateway's memory takes no such batch");
    }
    rv_node_ledger_commit(node, &body, &changes);
    RV_ASSERT(rv_log_batches(node->log) >= rv_load_u64(node->results.ptr));
    return RV_OK;
}

/* --- what is kept --- */

bool rv_node_relay_next(rv_node *node, const rv_edge_life *edge, uint64_t after, rv_relay *push) {
    uint8_t key[RV_DECISION_KEY];
    forget_old_notes(node);
    if (after == UINT64_MAX) {
        return false;
    }
    const uint32_t index =
        rv_ledger_seek(&node->ledger, RV_LEDGER_RELAY, rv_decision_key(key, edge, after + 1));
    if (index == rv_ledger_count(&node->ledger)) {
        return false;
    }
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
    if (!is_relay(&entry) || memcmp(entry.key.ptr, key, RV_EDGE_KEY) != 0) {
        return false;
    }
    key_read(entry.key, &push->edge, &push->edge_sequence);
    push->durable = rv_load_u64(entry.value.ptr) <= rv_log_batches_durable(node->log);
    memcpy(push->first_id, entry.value.ptr + sizeof(uint64_t), sizeof push->first_id);
    push->body = rv_bytes_from(entry.value, HEAD);
    RV_ASSERT(push->edge_sequence > after);
    return true;
}

static bool life_behind(const rv_node *node, uint8_t kind, const rv_edge_life *after,
                        rv_edge_life *life) {
    uint8_t key[RV_DECISION_KEY];
    uint64_t edge_sequence = 0;
    const bool first = after->incarnation == 0;
    const rv_bytes from = first ? (rv_bytes){NULL, 0} : rv_decision_key(key, after, UINT64_MAX);
    const uint32_t index = rv_ledger_seek(&node->ledger, kind, from);
    RV_ASSERT(index <= rv_ledger_count(&node->ledger));
    if (index == rv_ledger_count(&node->ledger)) {
        return false;
    }
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
    if (entry.kind != kind || entry.key.len != RV_DECISION_KEY) {
        return false;
    }
    key_read(entry.key, life, &edge_sequence);
    return life->incarnation > 0;
}

bool rv_node_relay_life(const rv_node *node, const rv_edge_life *after, rv_edge_life *life) {
    return life_behind(node, RV_LEDGER_RELAY, after, life);
}

bool rv_node_relay_decided_life(const rv_node *node, const rv_edge_life *after,
                                rv_edge_life *life) {
    return life_behind(node, RV_LEDGER_DECISION, after, life);
}

rv_relay_facts rv_node_relay_facts(const rv_node *node) {
    rv_relay_facts facts = {0};
    rv_bytes last = {NULL, 0};
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_RELAY, (rv_bytes){NULL, 0});
    for (; index < rv_ledger_count(&node->ledger); index += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        if (!is_relay(&entry)) {
            break;
        }
        facts.pushes += 1;
        facts.bytes += rv_ledger_cost(entry.key.len, entry.value.len);
        facts.edges += last.len == 0 || memcmp(last.ptr, entry.key.ptr, RV_EDGE_KEY) != 0;
        last = entry.key;
    }
    RV_ASSERT(facts.edges <= facts.pushes);
    return facts;
}

/* --- what becomes of it --- */

/* The decision in the place of the push. Where there is no room for all that the root said, the
 * code is kept. */
static rv_status replace(rv_node *node, rv_bytes key, const uint8_t *first_id,
                         const rv_decision *decision, rv_ledger_changes *changes) {
    uint8_t bytes[RV_DECISION_LEN_MAX];
    rv_writer value = rv_writer_over(bytes, sizeof bytes);
    rv_status status = rv_ledger_remove(&node->ledger, changes, RV_LEDGER_RELAY, key);
    if (status != RV_OK) {
        return status;
    }
    rv_decision_write(&value, first_id, decision);
    rv_ledger_entry entry = {RV_LEDGER_DECISION, key, rv_writer_bytes(&value)};
    status = rv_ledger_put(&node->ledger, changes, &entry);
    if (status == RV_BUSY && decision->outcome == RV_DECIDED_REFUSED) {
        const rv_decision code = {.outcome = decision->outcome,
                                  .refusal = {.status = decision->refusal.status}};
        value = rv_writer_over(bytes, sizeof bytes);
        rv_decision_write(&value, first_id, &code);
        entry.value = rv_writer_bytes(&value);
        status = rv_ledger_put(&node->ledger, changes, &entry);
    }
    return status;
}

rv_status rv_node_relay_decide(rv_node *node, const rv_edge_life *edge, uint64_t edge_sequence,
                               const rv_decision *decision, rv_error *err) {
    uint8_t bytes[RV_DECISION_KEY];
    uint8_t first_id[16];
    rv_bytes value;
    rv_writer body;
    const rv_bytes key = rv_decision_key(bytes, edge, edge_sequence);
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_RELAY, key, &value)) {
        return RV_OK;
    }
    RV_ASSERT(value.len > HEAD);
    memcpy(first_id, value.ptr + sizeof(uint64_t), sizeof first_id);
    rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = decision->outcome == RV_DECIDED_FORKED
                 ? rv_ledger_remove(&node->ledger, &changes, RV_LEDGER_RELAY, key)
                 : replace(node, key, first_id, decision, &changes);
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, RV_OUTBOX_FULL, "there is no room for a decision");
    }
    rv_node_ledger_commit(node, &body, &changes);
    return RV_OK;
}

rv_status rv_node_relay_note(rv_node *node, const rv_relay *push, const rv_decision *decision,
                             rv_error *err) {
    uint8_t key[RV_DECISION_KEY];
    uint8_t bytes[RV_DECISION_LEN_MAX];
    rv_writer value = rv_writer_over(bytes, sizeof bytes);
    rv_writer body;
    RV_ASSERT(decision->outcome != RV_DECIDED_FORKED);
    const rv_relay_state state =
        rv_node_relay_state(node, &push->edge, push->edge_sequence, push->first_id);
    if (state != RV_RELAY_UNKNOWN) {
        return state == RV_RELAY_KEPT
                   ? rv_node_relay_decide(node, &push->edge, push->edge_sequence, decision, err)
                   : RV_OK;
    }
    rv_decision_write(&value, push->first_id, decision);
    const rv_ledger_entry entry = {RV_LEDGER_DECISION,
                                   rv_decision_key(key, &push->edge, push->edge_sequence),
                                   rv_writer_bytes(&value)};
    const size_t reserve = (size_t)RV_OUTBOX_RESERVE * node->outbox.pending;
    if (rv_ledger_used(&node->ledger) + rv_ledger_cost(RV_DECISION_KEY, value.len) + reserve >
        node->ledger.cap) {
        return rv_error_set(err, RV_OUTBOX_FULL, "there is no room for a decision");
    }
    rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = rv_ledger_put(&node->ledger, &changes, &entry);
    RV_ASSERT(status == RV_OK); /* it was looked for before, and the body is empty */
    rv_node_ledger_commit(node, &body, &changes);
    return RV_OK;
}

rv_status rv_node_relay_drop(rv_node *node, const rv_edge_life *edge, rv_error *err) {
    uint8_t key[RV_DECISION_KEY];
    rv_writer body;
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_RELAY, rv_decision_key(key, edge, 1));
    const uint32_t end =
        rv_ledger_seek(&node->ledger, RV_LEDGER_RELAY, rv_decision_key(key, edge, UINT64_MAX));
    RV_ASSERT(index <= end);
    if (index == end) {
        return RV_OK;
    }
    rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    for (; index < end && status == RV_OK; index += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        status = rv_ledger_remove(&node->ledger, &changes, entry.kind, entry.key);
    }
    rv_node_ledger_commit(node, &body, &changes);
    return status == RV_OK ? RV_OK : RV_PENDING; /* the others another time */
}
