/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/decide.h"

#include "core/base/assert.h"
#include "core/engine/append.h"

/* Of the time that the known lives span, how much is forgotten when there is no room. */
#define LIVES_SHARE 16u

/* --- keys --- */

static void store_big(uint8_t *to, uint64_t v, size_t len) {
    RV_ASSERT(len <= 8);
    for (size_t i = 0; i < len; i++) {
        to[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
    }
}

static uint64_t load_big(const uint8_t *from, size_t len) {
    uint64_t v = 0;
    RV_ASSERT(len <= 8);
    for (size_t i = 0; i < len; i++) {
        v = v << 8 | from[i];
    }
    return v;
}

/* The key of an edge, or of its decision. `key` has room for RV_DECISION_KEY bytes. */
static rv_bytes edge_key(uint8_t *key, const rv_edge_life *edge) {
    RV_ASSERT(edge->incarnation > 0);
    memcpy(key, edge->edge_id, sizeof edge->edge_id);
    store_big(key + 16, edge->incarnation, 4);
    return rv_bytes_of(key, RV_EDGE_KEY);
}

rv_bytes rv_decision_key(uint8_t *key, const rv_edge_life *edge, uint64_t edge_sequence) {
    (void)edge_key(key, edge);
    store_big(key + RV_EDGE_KEY, edge_sequence, 8);
    RV_ASSERT(edge_sequence > 0);
    return rv_bytes_of(key, RV_DECISION_KEY);
}

/* --- values --- */

static void write_refusal(rv_writer *w, const rv_error *refusal) {
    RV_ASSERT(refusal->status > RV_END && refusal->status < RV_STATUS_COUNT);
    rv_write_blob(w, rv_bytes_of_string(rv_status_code(refusal->status)));
    rv_write_blob(w, rv_error_detail(refusal));
    rv_write_blob(w, rv_bytes_of(refusal->facts, refusal->facts_len));
}

void rv_decision_write(rv_writer *w, const uint8_t *first_id, const rv_decision *decision) {
    RV_ASSERT(decision->outcome <= RV_DECIDED_REFUSED);
    rv_write(w, rv_bytes_of(first_id, 16));
    rv_write_u8(w, (uint8_t)decision->outcome);
    if (decision->outcome == RV_DECIDED_ACCEPTED) {
        rv_write_varint(w, decision->position);
    } else {
        write_refusal(w, &decision->refusal);
    }
    RV_ASSERT(!w->full);
}

static void read_refusal(rv_cursor *c, rv_error *refusal) {
    const rv_bytes code = rv_read_blob(c);
    const rv_bytes detail = rv_read_blob(c);
    const rv_bytes facts = rv_read_blob(c);
    char name[65] = {0};
    RV_ASSERT(refusal != NULL);
    if (!c->bad && code.len < sizeof name && facts.len < RV_ERROR_FACTS_MAX) {
        memcpy(name, code.ptr, code.len);
        const rv_status status = rv_status_of_code(name);
        const bool known = status > RV_END && status < RV_STATUS_COUNT;
        (void)rv_error_set(refusal, known ? status : RV_UNSUPPORTED, "%b", &detail);
        if (facts.len > 0) {
            memcpy(refusal->facts, facts.ptr, facts.len);
        }
        refusal->facts_len = facts.len;
    } else {
        (void)rv_error_set(refusal, RV_UNSUPPORTED, "refused");
    }
}

/* A value that is not what this version writes reads as a refusal. */
static void read_decision(rv_bytes value, const uint8_t **first_id, rv_decision *decision) {
    static const uint8_t none[16];
    rv_cursor c = rv_cursor_over(value);
    memset(decision, 0, sizeof *decision);
    const rv_bytes id = rv_read(&c, 16);
    const uint8_t outcome = rv_read_u8(&c);
    *first_id = id.len == 16 ? id.ptr : none;
    decision->outcome = outcome == 0 ? RV_DECIDED_ACCEPTED : RV_DECIDED_REFUSED;
    if (decision->outcome == RV_DECIDED_ACCEPTED) {
        decision->position = rv_read_varint(&c);
    } else {
        read_refusal(&c, &decision->refusal);
    }
    if (c.bad || (decision->outcome == RV_DECIDED_ACCEPTED && decision->position == 0)) {
        decision->outcome = RV_DECIDED_REFUSED;
        (void)rv_error_set(&decision->refusal, RV_DATA_DAMAGED, "the decision cannot be read");
    }
    RV_ASSERT(*first_id != NULL);
}

/* --- what is known --- */

static bool find(const rv_node *node, const rv_edge_life *edge, uint64_t edge_sequence,
                 const uint8_t **first_id, rv_decision *decision) {
    uint8_t key[RV_DECISION_KEY];
    rv_bytes value;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_DECISION, rv_decision_key(key, edge, edge_sequence),
                       &value)) {
        return false;
    }
    read_decision(value, first_id, decision);
    return true;
}

bool rv_node_decision(const rv_node *node, const rv_edge_life *edge, uint64_t edge_sequence,
                      rv_decision *decision) {
    const uint8_t *first_id = NULL;
    RV_ASSERT(decision != NULL);
    return find(node, edge, edge_sequence, &first_id, decision);
}

/* What an EDGE says: the last edge sequence that was decided, and where W was then. */
typedef struct rv_life {
    uint64_t last;
    uint64_t at;
    rv_bytes owner; /* empty: not known */
} rv_life;

/* What cannot be read of it is as if it were not said. */
static rv_life read_life(rv_bytes value) {
    rv_cursor c = rv_cursor_over(value);
    rv_life life = {.last = rv_read_varint(&c)};
    life.at = rv_cursor_left(&c) > 0 ? rv_read_varint(&c) : 0;
    life.owner = rv_cursor_left(&c) > 0 ? rv_read_blob(&c) : (rv_bytes){NULL, 0};
    RV_ASSERT(life.owner.len == 0 || !c.bad);
    return life;
}

uint64_t rv_node_last_decided(const rv_node *node, const rv_edge_life *edge) {
    uint8_t key[RV_DECISION_KEY];
    rv_bytes value;
    if (edge->incarnation == 0 ||
        !rv_ledger_get(&node->ledger, RV_LEDGER_EDGE, edge_key(key, edge), &value)) {
        return 0;
    }
    return read_life(value).last;
}

bool rv_node_edge_owner(const rv_node *node, const uint8_t *edge_id, rv_bytes *owner) {
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_EDGE, rv_bytes_of(edge_id, 16));
    bool known = false;
    for (; !known && index < rv_ledger_count(&node->ledger); index++) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        if (entry.kind != RV_LEDGER_EDGE || memcmp(entry.key.ptr, edge_id, 16) != 0) {
            break;
        }
        *owner = read_life(entry.value).owner;
        known = owner->len > 0;
    }
    RV_ASSERT(!known || owner->ptr != NULL);
    return known;
}

uint32_t rv_node_unsettled(const rv_node *node, const rv_edge_life *edge) {
    uint8_t key[RV_DECISION_KEY];
    RV_ASSERT(edge->incarnation > 0);
    const uint32_t first =
        rv_ledger_seek(&node->ledger, RV_LEDGER_DECISION, rv_decision_key(key, edge, 1));
    const uint32_t end =
        rv_ledger_seek(&node->ledger, RV_LEDGER_DECISION, rv_decision_key(key, edge, UINT64_MAX));
    RV_ASSERT(first <= end);
    return end - first;
}

uint64_t rv_node_decisions_made(const rv_node *node) {
    return rv_log_batches(node->log);
}

uint64_t rv_node_decisions_durable(const rv_node *node) {
    return rv_log_batches_durable(node->log);
}

/* --- deciding --- */

/* Statuses that say nothing about the batch. */
static bool is_no_decision(rv_status status) {
    return status == RV_PENDING || status == RV_BUSY || status == RV_READ_ONLY ||
           status == RV_STORAGE_FULL || status == RV_STATE_FULL || status == RV_CLOSING ||
           status == RV_OUTBOX_FULL || status == RV_NOT_ROOT || status == RV_DATA_DAMAGED ||
           status == RV_STORAGE_FAILED || status == RV_PANICKED;
}

/* Writes the decision and how far the edge is at the end of an open batch. RV_BUSY,
 * RV_BATCH_TOO_LARGE. */
static rv_status write_changes(const rv_node *node, const rv_push *push,
                               const rv_decision *decision, rv_ledger_changes *changes) {
    uint8_t key[RV_DECISION_KEY];
    uint8_t bytes[RV_DECISION_LEN_MAX];
    rv_writer value = rv_writer_over(bytes, sizeof bytes);
    RV_ASSERT(push->edge_sequence > rv_node_last_decided(node, &push->edge));
    rv_decision_write(&value, push->events[0].event_id, decision);
    const rv_ledger_entry entry = {RV_LEDGER_DECISION,
                                   rv_decision_key(key, &push->edge, push->edge_sequence),
                                   rv_writer_bytes(&value)};
    rv_status status = rv_ledger_put(&node->ledger, changes, &entry);
    if (status != RV_OK) {
        return status;
    }
    value = rv_writer_over(bytes, sizeof bytes);
    rv_bytes owner = push->owner;
    rv_write_varint(&value, push->edge_sequence);
    rv_write_varint(&value, rv_log_watermark(node->log));
    if (rv_node_edge_owner(node, push->edge.edge_id, &owner) || owner.len > 0) {
        rv_write_blob(&value, owner);
    }
    const rv_ledger_entry edge = {RV_LEDGER_EDGE, edge_key(key, &push->edge),
                                  rv_writer_bytes(&value)};
    return rv_ledger_put(&node->ledger, changes, &edge);
}

static rv_status no_room(rv_status status, rv_error *err) {
    RV_ASSERT(status == RV_BUSY || status == RV_BATCH_TOO_LARGE);
    return status == RV_BUSY
               ? rv_error_set(err, RV_OUTBOX_FULL,
                              "the memory for decisions that edges have not settled is used up")
               : rv_error_set(err, RV_BATCH_TOO_LARGE,
                              "the batch is larger than this memory budget takes");
}

/* Commits a decision that has no events of its own. */
static rv_status decide_alone(rv_node *node, const rv_push *push, const rv_decision *decision,
                              rv_error *err) {
    rv_writer body;
    rv_status status = rv_node_ledger_begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = write_changes(node, push, decision, &changes);
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return no_room(status, err);
    }
    rv_node_ledger_commit(node, &body, &changes);
    RV_ASSERT(rv_node_last_decided(node, &push->edge) == push->edge_sequence);
    return RV_OK;
}

/* Does what the batch builds on exist? */
static rv_status check_counted(const rv_node *node, const rv_push *push, rv_error *err) {
    for (size_t i = 0; i < push->counted_count; i++) {
        rv_decision other;
        const uint64_t counted = push->counted[i];
        RV_ASSERT(counted > 0 && counted <= push->edge_sequence);
        if (counted == push->edge_sequence) {
            return rv_error_set(err, RV_DEPENDENCY_REJECTED,
                                "an expected version counts what a command of this edge does not "
                                "make any more");
        }
        const bool known = rv_node_decision(node, &push->edge, counted, &other);
        if (known && other.outcome == RV_DECIDED_ACCEPTED) {
            continue;
        }
        (void)rv_error_set(err, RV_DEPENDENCY_REJECTED,
                           "an expected version counts on batch %u of this edge, which was refused",
                           counted);
        rv_error_fact_uint(err, "edge_sequence", counted);
        if (known) {
            rv_error_fact_text(err, "cause",
                               rv_bytes_of_string(rv_status_code(other.refusal.status)));
        }
        return RV_DEPENDENCY_REJECTED;
    }
    return RV_OK;
}

static rv_status check_push(rv_node *node, const rv_push *push, const rv_appends *given,
                            rv_error *err) {
    const uint32_t version = rv_schema_version(node->schema);
    RV_ASSERT(push->refusal == NULL);
    rv_status status = rv_node_append_check(node, given, err);
    if (status == RV_OK && push->schema_version > version) {
        status = rv_error_set(err, RV_SCHEMA_UNKNOWN,
                              "the batch was written under version %u of the schema, and this is "
                              "version %u",
                              push->schema_version, (uint64_t)version);
    }
    return status;
}

/* Who may not write this by now may have written it before: what is in the log stays accepted,
 * however often it comes. RV_END: that is so. */
static rv_status meet_refused(rv_node *node, const rv_push *push, const rv_appends *given,
                              rv_event *results, rv_error *err) {
    size_t index = 0;
    RV_ASSERT(push->refusal->status > RV_END && !is_no_decision(push->refusal->status));
    rv_status status = rv_node_append_check(node, given, err);
    status = status == RV_OK ? rv_node_ids_meet(node, given, results, &index, err) : status;
    if (status == RV_END || status == RV_PENDING || status == RV_BUSY) {
        return status;
    }
    *err = *push->refusal;
    return err->status;
}

/* Judges, and commits what is accepted with its decision. RV_END: accepted, by an earlier append of
 * the same ids, and nothing is committed. */
static rv_status accept(rv_node *node, const rv_push *push, const rv_appends *given,
                        rv_event *results, rv_decision *decision, rv_error *err) {
    size_t index = 0;
    rv_appending appending;
    rv_status status = push->refusal != NULL ? meet_refused(node, push, given, results, err)
                                             : check_push(node, push, given, err);
    if (status != RV_OK && status != RV_END) {
        return status;
    }
    if (status == RV_OK) {
        status = rv_node_ids_meet(node, given, results, &index, err);
    }
    if (status == RV_OK) { /* what is in the log stays accepted, whatever it counted */
        status = check_counted(node, push, err);
    }
    if (status == RV_OK) {
        status = rv_node_append_judge(node, given, &appending, results, &index, err);
    }
    if (status != RV_OK && status != RV_END) {
        if (given->count > 1 && !is_no_decision(status)) {
            rv_error_fact_uint(err, "index", index);
        }
        return status;
    }
    const rv_event *const last = &results[given->count - 1];
    decision->outcome = RV_DECIDED_ACCEPTED;
    decision->position = last->position;
    decision->sequence = last->sequence;
    if (status == RV_END) {
        return RV_END;
    }
    rv_ledger_changes changes = rv_ledger_begin(&appending.body);
    status = write_changes(node, push, decision, &changes);
    if (status != RV_OK) {
        rv_node_append_abandon(node);
        return no_room(status, err);
    }
    rv_node_append_commit(node, &appending, given->count);
    rv_ledger_apply(&node->ledger, &changes);
    return RV_OK;
}

/* --- forgetting --- */

/* Writes that the decisions of a life up to one are gone. RV_OK, RV_BATCH_TOO_LARGE: some are. */
static rv_status write_forgotten(const rv_node *node, const rv_edge_life *edge, uint64_t up_to,
                                 rv_ledger_changes *changes) {
    uint8_t key[RV_DECISION_KEY];
    uint32_t index =
        rv_ledger_seek(&node->ledger, RV_LEDGER_DECISION, rv_decision_key(key, edge, 1));
    const uint32_t end =
        rv_ledger_seek(&node->ledger, RV_LEDGER_DECISION, rv_decision_key(key, edge, up_to + 1));
    rv_status status = RV_OK;
    RV_ASSERT(up_to < UINT64_MAX && index <= end);
    for (; index < end && status == RV_OK; index++) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        RV_ASSERT(load_big(entry.key.ptr + RV_EDGE_KEY, 8) <= up_to);
        status = rv_ledger_remove(&node->ledger, changes, entry.kind, entry.key);
    }
    return status;
}

void rv_edge_key_read(rv_bytes key, rv_edge_life *edge) {
    RV_ASSERT(key.len >= RV_EDGE_KEY);
    memcpy(edge->edge_id, key.ptr, sizeof edge->edge_id);
    edge->incarnation = (uint32_t)load_big(key.ptr + 16, 4);
}

/* The life that an entry is of. */
static rv_edge_life life_of(const rv_ledger_entry *entry) {
    rv_edge_life edge;
    RV_ASSERT(entry->kind == RV_LEDGER_EDGE && entry->key.len == RV_EDGE_KEY);
    rv_edge_key_read(entry->key, &edge);
    return edge;
}

static bool same_life(const rv_edge_life *a, const rv_edge_life *b) {
    RV_ASSERT(b->incarnation > 0);
    return a->incarnation == b->incarnation &&
           memcmp(a->edge_id, b->edge_id, sizeof a->edge_id) == 0;
}

/* Lives whose last decision is not later than where this is of all of them are forgotten. */
static uint64_t lives_until(const rv_node *node, const rv_edge_life *except, uint32_t first,
                            uint32_t end) {
    uint64_t low = UINT64_MAX, high = 0;
    RV_ASSERT(first <= end);
    for (uint32_t i = first; i < end; i++) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, i);
        const rv_edge_life edge = life_of(&entry);
        const uint64_t at = read_life(entry.value).at;
        if (!same_life(&edge, except)) {
            low = at < low ? at : low;
            high = at > high ? at : high;
        }
    }
    return low > high ? 0 : low + (high - low) / LIVES_SHARE;
}

/* The ledger is full: forgets the lives that were silent for longest, so that what edges leave
 * behind that never come back does not stop the others. One that does comes back as if it were new:
 * what was accepted is known by its ids; what was refused is judged again. RV_OUTBOX_FULL: there is
 * no other life. */
static rv_status forget_lives(rv_node *node, const rv_edge_life *except, rv_error *err) {
    const rv_bytes none = {NULL, 0};
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_EDGE, none);
    const uint32_t end = rv_ledger_seek(&node->ledger, RV_LEDGER_EDGE + 1, none);
    const uint64_t until = lives_until(node, except, first, end);
    rv_writer body;
    rv_status status = rv_node_ledger_begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    for (uint32_t i = first; i < end && status == RV_OK; i++) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, i);
        const rv_edge_life edge = life_of(&entry);
        if (same_life(&edge, except) || edge.incarnation == 0 ||
            read_life(entry.value).at > until) {
            continue;
        }
        status = write_forgotten(node, &edge, RV_POSITION_MAX, &changes);
        status = status == RV_OK ? rv_ledger_remove(&node->ledger, &changes, entry.kind, entry.key)
                                 : status;
    }
    if (body.len == 0) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, RV_OUTBOX_FULL,
                            "the memory for decisions that edges have not settled is used up");
    }
    rv_node_ledger_commit(node, &body, &changes);
    return RV_OK;
}

rv_status rv_node_settle(rv_node *node, const rv_edge_life *edge, uint64_t up_to, rv_error *err) {
    uint8_t key[RV_DECISION_KEY];
    rv_writer body;
    const uint32_t index =
        rv_ledger_seek(&node->ledger, RV_LEDGER_DECISION, rv_decision_key(key, edge, 1));
    RV_ASSERT(up_to < UINT64_MAX);
    if (index ==
        rv_ledger_seek(&node->ledger, RV_LEDGER_DECISION, rv_decision_key(key, edge, up_to + 1))) {
        return RV_OK;
    }
    rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && node->receiving.active) {
        status = rv_error_set(err, RV_BUSY, "a batch of the upstream is being received");
    }
    status = status == RV_OK ? rv_node_ledger_begin(node, &body, err) : status;
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = write_forgotten(node, edge, up_to, &changes);
    RV_ASSERT(status == RV_OK || status == RV_BATCH_TOO_LARGE); /* the others another time */
    rv_node_ledger_commit(node, &body, &changes);
    return RV_OK;
}

/* --- the decision --- */

/* Judges a batch that is not known, and commits what is decided. */
static rv_status judge(rv_node *node, const rv_push *push, rv_event *results, rv_decision *decision,
                       rv_error *err) {
    const rv_appends given = {.events = push->events,
                              .count = push->count,
                              .complete = true,
                              .edge_id = push->edge.edge_id,
                              .written_at = push->written_at,
                              .schema_version = (uint32_t)push->schema_version};
    rv_error why = {.status = RV_OK};
    const rv_status status = accept(node, push, &given, results, decision, &why);
    if (status == RV_OK) {
        return RV_OK;
    }
    if (is_no_decision(status)) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    if (status != RV_END) {
        /* what was known here: an edge that runs a command again waits until it knows it, too */
        rv_error_fact_uint(&why, "judged_at", rv_log_watermark(node->log));
        *decision = (rv_decision){.outcome = RV_DECIDED_REFUSED, .refusal = why};
    }
    RV_ASSERT(status == RV_END || why.status == status);
    return decide_alone(node, push, decision, err);
}

rv_status rv_node_decide(rv_node *node, const rv_push *push, rv_event *results,
                         rv_decision *decision, rv_error *err) {
    const uint8_t *first_id = NULL;
    RV_ASSERT(push->count >= 1 && push->count <= RV_PUSH_EVENTS_MAX && results != NULL);
    RV_ASSERT(push->edge_sequence > 0 && push->edge.incarnation > 0);
    memset(decision, 0, sizeof *decision);
    if (find(node, &push->edge, push->edge_sequence, &first_id, decision)) {
        if (memcmp(first_id, push->events[0].event_id, 16) != 0) {
            *decision = (rv_decision){.outcome = RV_DECIDED_FORKED};
        }
        return RV_OK;
    }
    if (push->edge_sequence <= rv_node_last_decided(node, &push->edge)) {
        decision->outcome = RV_DECIDED_FORKED;
        return RV_OK;
    }
    rv_status status = judge(node, push, results, decision, err);
    if (status == RV_OUTBOX_FULL) {
        status = forget_lives(node, &push->edge, err);
        status = status == RV_OK ? judge(node, push, results, decision, err) : status;
    }
    return status;
}
