/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/push.h"

#include "core/base/assert.h"
#include "core/engine/command.h"
#include "core/engine/principal.h"
#include "core/engine/rewind.h"
#include "sync/timing.h"
#include "sync/wire_relay.h"

RV_STATIC_ASSERT(RV_PUSH_DECISIONS_LEN >= RV_PUSH_FLIGHTS_MAX * (4 + RV_WIRE_DECISION_LEN_MAX),
                 "every decision that can come has room");

bool rv_pusher_create(rv_pusher *p, rv_node *node, rv_arena *arena) {
    RV_ASSERT(node != NULL && arena != NULL);
    memset(p, 0, sizeof *p);
    p->node = node;
    p->message = rv_arena_take_raw(arena, RV_PUSH_LEN_MAX);
    p->counted = rv_arena_take_raw(arena, sizeof(uint64_t) * RV_PUSH_COUNTED_MAX);
    p->decisions = rv_arena_take_raw(arena, RV_PUSH_DECISIONS_LEN);
    p->next_attempt = INT64_MIN;
    p->again_us = RV_PUSH_AGAIN_MIN_US;
    return p->message != NULL && p->counted != NULL && p->decisions != NULL;
}

/* --- the connection --- */

bool rv_pusher_ready(const rv_pusher *p) {
    RV_ASSERT(p->durable_at <= rv_node_decisions_made(p->node));
    return rv_node_decisions_durable(p->node) >= p->durable_at;
}

void rv_pusher_hello(rv_pusher *p, rv_wire_hello *hello) {
    const rv_outbox_facts facts = rv_node_outbox(p->node);
    RV_ASSERT(rv_pusher_ready(p));
    hello->features |= RV_WIRE_FEATURE_PUSH;
    hello->outbox.incarnation = facts.incarnation;
    hello->outbox.next = facts.durable + 1;
    hello->outbox.settled = facts.settled < facts.durable ? facts.settled : facts.durable;
    p->hello_next = hello->outbox.next;
    p->settled = hello->outbox.settled;
}

void rv_pusher_welcome(rv_pusher *p, const rv_wire_welcome *welcome, int64_t now) {
    const rv_outbox_facts facts = rv_node_outbox(p->node);
    RV_ASSERT(p->flight_count == 0 && p->decisions_len == 0);
    p->granted = (welcome->features & RV_WIRE_FEATURE_PUSH) != 0;
    p->gateway = welcome->has_gate && welcome->gate.gateway;
    p->pushes_max = welcome->grant.pushes;
    p->bytes_max = welcome->grant.bytes;
    p->came_back = facts.came_back;
    p->passed = false;
    p->fork = p->granted && facts.incarnation > 0 && welcome->grant.decided >= p->hello_next;
    p->probing = false;
    p->again_at = 0;
    p->cursor = 0;
    p->known = welcome->grant.decided;
    p->caught_up = welcome->position;
    p->next_attempt = INT64_MIN;
    p->again_us = RV_PUSH_AGAIN_MIN_US;
    p->last_settled = now;
}

void rv_pusher_disconnect(rv_pusher *p) {
    p->granted = false;
    p->held = false;
    p->fork = false; /* the next welcome says so again, or the next decision */
    p->flight_count = 0;
    p->decided = 0;
    p->bytes = 0;
    p->decisions_len = 0;
    if (rv_node_rewinding(p->node)) { /* all of it is durable when that is over */
        p->durable_at = 0;
    }
    RV_ASSERT(p->message != NULL);
}

/* --- decisions --- */

/* Nothing that is undecided is under way any more. */
static void fall_back(rv_pusher *p, uint64_t cursor) {
    RV_ASSERT(p->decided <= p->flight_count);
    p->flight_count = p->decided;
    p->bytes = 0;
    p->cursor = cursor;
}

static void keep_decision(rv_pusher *p, rv_bytes body) {
    RV_ASSERT(p->decisions_len + 4 + body.len <= RV_PUSH_DECISIONS_LEN);
    rv_store_u32(p->decisions + p->decisions_len, (uint32_t)body.len);
    memcpy(p->decisions + p->decisions_len + 4, body.ptr, body.len);
    p->decisions_len += 4 + body.len;
}

rv_status rv_pusher_take(rv_pusher *p, rv_bytes body, int64_t now, rv_error *err) {
    rv_wire_decision decision;
    const rv_status status = rv_wire_read_decision(body, &decision, err);
    if (status != RV_OK) {
        return status;
    }
    if (p->decided == p->flight_count ||
        p->flights[p->decided].edge_sequence != decision.edge_sequence) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream decided batch %u, which is not the next one under way",
                            decision.edge_sequence);
    }
    switch (decision.outcome) {
    case RV_WIRE_DECIDED_ACCEPTED:
    case RV_WIRE_DECIDED_REFUSED:
        RV_ASSERT(p->bytes >= p->flights[p->decided].len);
        p->bytes -= p->flights[p->decided].len;
        p->decided += 1;
        p->known = decision.edge_sequence > p->known ? decision.edge_sequence : p->known;
        p->probing = false;
        p->again_us = RV_PUSH_AGAIN_MIN_US;
        keep_decision(p, body);
        break;
    case RV_WIRE_DECIDED_FORKED:
        p->fork = true;
        fall_back(p, 0);
        break;
    case RV_WIRE_DECIDED_AGAIN:
        fall_back(p, decision.edge_sequence - 1);
        p->probing = true;
        p->again_at = decision.edge_sequence;
        p->next_attempt = now + p->again_us;
        p->again_us *= p->again_us < RV_PUSH_AGAIN_MAX_US ? 2 : 1;
        break;
    }
    rv_pusher_poll(p);
    return RV_OK;
}

rv_status rv_pusher_relayed(rv_pusher *p, rv_bytes body, rv_error *err) {
    uint64_t edge_sequence = 0;
    const rv_status status = rv_wire_read_relayed(body, &edge_sequence, err);
    if (status != RV_OK) {
        return status;
    }
    bool pushed = edge_sequence <= p->known;
    for (uint32_t i = 0; i < p->flight_count && !pushed; i++) {
        pushed = p->flights[i].edge_sequence == edge_sequence;
    }
    if (!pushed && !p->probing && !p->fork) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream keeps what was not pushed");
    }
    p->relayed = pushed && edge_sequence > p->relayed ? edge_sequence : p->relayed;
    RV_ASSERT(p->decided <= p->flight_count);
    return RV_OK;
}

/* The first decision that waits. True: the node has it. */
static bool give_decision(rv_pusher *p) {
    const size_t len = rv_load_u32(p->decisions);
    rv_wire_decision wire;
    RV_ASSERT(4 + len <= p->decisions_len);
    const rv_status read = rv_wire_read_decision(rv_bytes_of(p->decisions + 4, len), &wire, NULL);
    RV_ASSERT(read == RV_OK); /* it was checked when it came */
    const bool accepted = wire.outcome == RV_WIRE_DECIDED_ACCEPTED;
    const rv_decision decision = {.outcome = accepted ? RV_DECIDED_ACCEPTED : RV_DECIDED_REFUSED,
                                  .position = wire.position,
                                  .refusal = wire.refusal};
    if (rv_node_decided(p->node, wire.edge_sequence, &decision, NULL) != RV_OK) {
        return false;
    }
    p->decisions_len -= 4 + len;
    memmove(p->decisions, p->decisions + 4 + len, p->decisions_len);
    return true;
}

/* Whom the upstream has named is noted before anything leaves that has no name of its own: it may
 * be asked again by another session who wrote that. */
static void note_principal(rv_pusher *p) {
    const rv_bytes own = rv_bytes_of(p->principal, p->principal_len);
    if (own.len > 0 && !p->noted && rv_node_principal_note(p->node, own, NULL) == RV_OK) {
        p->noted = true;
        p->durable_at = rv_node_decisions_made(p->node);
    }
    RV_ASSERT(p->principal_len <= sizeof p->principal);
}

void rv_pusher_named(rv_pusher *p, rv_bytes name, bool relays) {
    RV_ASSERT(name.len <= sizeof p->principal);
    p->relays = relays;
    p->noted = p->noted && rv_bytes_equal(name, rv_bytes_of(p->principal, p->principal_len));
    p->principal_len = name.len;
    if (name.len > 0) {
        memcpy(p->principal, name.ptr, name.len);
    }
}

void rv_pusher_poll(rv_pusher *p) {
    if (rv_node_in_batch(p->node)) {
        return;
    }
    note_principal(p);
    while (p->decisions_len > 0 && give_decision(p)) { /* each time there is one less */
    }
    if (p->came_back != rv_node_outbox(p->node).came_back) {
        p->came_back = rv_node_outbox(p->node).came_back;
        p->passed = p->granted && p->cursor > 0;
    }
    const bool anew = p->fork || (p->passed && p->decided == p->flight_count);
    if (p->decisions_len == 0 && anew &&
        (p->fork ? rv_node_fork(p->node, NULL) : rv_node_renew(p->node, NULL)) == RV_OK) {
        p->fork = false;
        p->passed = false;
        p->durable_at = rv_node_decisions_made(p->node);
        p->flight_count = 0;
        p->decided = 0;
        p->bytes = 0;
        p->cursor = 0;
        p->again_at = 0;
        p->known = 0;
        p->settled = 0;
        p->relayed = 0;
    }
    RV_ASSERT(p->decided <= p->flight_count);
}

/* --- sending --- */

/* Up to where all is settled, as far as the root knows it to be decided. A gateway does not say
 * what the root knows, and what has arrived may be decided and not be told: but what is under way
 * over it will be. */
static uint64_t settled_now(const rv_pusher *p) {
    const rv_outbox_facts facts = rv_node_outbox(p->node);
    RV_ASSERT(facts.settled < facts.next_sequence);
    const uint64_t under_way =
        p->decided < p->flight_count ? p->flights[p->decided].edge_sequence - 1 : facts.settled;
    const uint64_t known = p->gateway ? under_way : p->known;
    return facts.settled < known ? facts.settled : known;
}

/* Tells what is settled, ten times a second or when it is much. */
static bool send_settled(rv_pusher *p, int64_t now, rv_bytes *message) {
    const uint64_t settled = settled_now(p);
    uint32_t flights = 0;
    if (settled <= p->settled || p->fork) {
        return false;
    }
    while (flights < p->decided && p->flights[flights].edge_sequence <= settled) {
        flights += 1;
    }
    if (flights < RV_PUSH_FLIGHTS_MAX / 4 && now - p->last_settled < RV_SYNC_REPORT_US) {
        return false;
    }
    p->settled = settled;
    p->last_settled = now;
    p->flight_count -= flights;
    p->decided -= flights;
    memmove(p->flights, p->flights + flights, sizeof p->flights[0] * p->flight_count);
    rv_writer w = rv_writer_over(p->message, RV_PUSH_LEN_MAX);
    rv_wire_write_settled(&w, settled);
    RV_ASSERT(!w.full);
    *message = rv_writer_bytes(&w);
    return true;
}

bool rv_pusher_holds(const rv_pusher *p, const rv_pending *batch) {
    const rv_bytes own = rv_bytes_of(p->principal, p->principal_len);
    RV_ASSERT(batch->count > 0);
    return own.len > 0 && !p->relays && batch->principal.len > 0 &&
           !rv_bytes_equal(batch->principal, own);
}

/* The next batch that is not decided, behind `*cursor`, which is moved up to it. */
static bool next_undecided(const rv_pusher *p, uint64_t *cursor, rv_pending *batch) {
    bool found = rv_node_pending(p->node, *cursor, batch);
    while (found && batch->state == RV_PENDING_ACCEPTED) { /* the outbox ends */
        *cursor = batch->edge_sequence;
        found = rv_node_pending(p->node, *cursor, batch);
    }
    RV_ASSERT(!found || batch->edge_sequence > *cursor);
    return found;
}

bool rv_pusher_held(const rv_pusher *p, rv_pending *batch) {
    uint64_t cursor = p->cursor;
    return p->held && next_undecided(p, &cursor, batch) && rv_pusher_holds(p, batch);
}

/* The next batch to push, if it may leave. Those that are decided are passed over for good. */
static bool next_batch(rv_pusher *p, rv_pending *batch) {
    const bool found = next_undecided(p, &p->cursor, batch);
    p->held = found && rv_pusher_holds(p, batch);
    if (!found || p->held || (batch->principal.len == 0 && p->principal_len > 0)) {
        return false; /* it is pushed only under the principal that wrote it, once that is noted */
    }
    /* a command is run on what the upstream has first */
    return batch->durable &&
           (batch->command.name.len == 0 || rv_node_watermark(p->node) >= p->caught_up) &&
           rv_node_command_may_leave(p->node, batch);
}

static void write_batch(rv_pusher *p, const rv_pending *batch, uint32_t incarnation, rv_writer *w) {
    const rv_schema *const schema = rv_node_schema(p->node);
    const uint32_t counted =
        rv_node_pending_counted(p->node, batch, p->counted, RV_PUSH_COUNTED_MAX);
    const rv_wire_push push = {.incarnation = incarnation,
                               .edge_sequence = batch->edge_sequence,
                               .written_at = batch->written_at,
                               .schema_version = batch->schema_version,
                               .principal = batch->principal,
                               .counted_count = counted,
                               .count = batch->count};
    rv_pending_cursor cursor = {0};
    rv_pending_event event;
    RV_ASSERT(counted <= RV_PUSH_COUNTED_MAX);
    rv_wire_write_push(w, &push, p->counted);
    while (rv_node_pending_event(p->node, batch, &cursor, &event)) {
        rv_append append = {.path = event.path,
                            .type = rv_schema_event_type(schema, event.type)->name,
                            .data = event.data,
                            .metadata = event.metadata,
                            .expected = event.expected,
                            .expected_version = event.expected_version,
                            .has_event_id = true};
        memcpy(append.event_id, event.event_id, sizeof append.event_id);
        rv_wire_write_pushed(w, &append);
    }
    RV_ASSERT(cursor.index == batch->count);
}

/* The upstream passes over what comes until the batch that was not decided comes again, or is told
 * to be settled: it has come back without a decision. False: what is next has to wait for that. */
static bool is_heard(rv_pusher *p, uint64_t edge_sequence) {
    RV_ASSERT(edge_sequence > 0);
    if (edge_sequence > p->again_at && p->settled < p->again_at) {
        p->known = p->known > p->again_at ? p->known : p->again_at; /* its upstream has sent it */
        return false;
    }
    p->again_at = 0;
    return true;
}

static bool send_push(rv_pusher *p, int64_t now, rv_bytes *message) {
    const uint32_t undecided = p->flight_count - p->decided;
    rv_pending batch;
    p->next_attempt = now < p->next_attempt ? p->next_attempt : INT64_MIN;
    if (p->fork || p->passed || !rv_pusher_ready(p) || now < p->next_attempt ||
        p->flight_count == RV_PUSH_FLIGHTS_MAX || undecided >= p->pushes_max ||
        (p->probing && undecided > 0) || !next_batch(p, &batch) ||
        !is_heard(p, batch.edge_sequence)) {
        return false;
    }
    if (undecided > 0 && p->bytes + batch.events.len > p->bytes_max) {
        return false;
    }
    const rv_outbox_facts facts = rv_node_outbox(p->node);
    rv_writer w = rv_writer_over(p->message, RV_PUSH_LEN_MAX);
    RV_ASSERT(facts.incarnation > 0);
    write_batch(p, &batch, facts.incarnation, &w);
    RV_ASSERT(!w.full); /* the outbox takes no larger ones */
    p->flights[p->flight_count] = (rv_flight){batch.edge_sequence, (uint32_t)w.len};
    p->flight_count += 1;
    p->bytes += w.len;
    p->cursor = batch.edge_sequence;
    *message = rv_writer_bytes(&w);
    return true;
}

bool rv_pusher_send(rv_pusher *p, int64_t now, rv_bytes *message) {
    RV_ASSERT(message != NULL);
    return p->granted && (send_settled(p, now, message) || send_push(p, now, message));
}

int64_t rv_pusher_deadline(const rv_pusher *p) {
    int64_t deadline = INT64_MAX;
    if (!p->granted) {
        return deadline;
    }
    if (!p->fork && settled_now(p) > p->settled) {
        deadline = p->last_settled + RV_SYNC_REPORT_US;
    }
    RV_ASSERT(p->flight_count <= RV_PUSH_FLIGHTS_MAX);
    if (p->next_attempt != INT64_MIN && p->next_attempt < deadline) {
        deadline = p->next_attempt;
    }
    return deadline;
}
