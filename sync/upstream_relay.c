/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway relays for its edges, at its upstream, which is the root or a gateway itself. A
 * session keeps nothing of those edges but that an answer is to be told. Each push is answered, in
 * whatever order: decided, `again` or forked. One that follows another that is under way names it,
 * and is decided only if that one was: so the order of an edge holds without a list of edges.
 *
 *   invariant: as many pushes are under way as are waiting or in the list of what is to be told.
 */
#include "core/base/assert.h"
#include "sync/upstream_internal.h"

static rv_status out_of_turn(rv_error *err) {
    return rv_error_set(err, RV_PROTOCOL_ERROR, "the edge relayed what was not granted");
}

static rv_edge_life life_of(const rv_wire_relay *relay) {
    rv_edge_life life = {.incarnation = relay->incarnation};
    RV_ASSERT(relay->incarnation > 0);
    memcpy(life.edge_id, relay->edge_id, sizeof life.edge_id);
    return life;
}

static bool same_life(const rv_edge_life *a, const rv_edge_life *b) {
    RV_ASSERT(a != NULL && b != NULL);
    return a->incarnation == b->incarnation &&
           memcmp(a->edge_id, b->edge_id, sizeof a->edge_id) == 0;
}

/* --- what is to be told --- */

static void told_add(rv_upstream *s, const rv_edge_life *edge, uint64_t edge_sequence,
                     rv_wire_decided end) {
    rv_upstream_shared *const shared = s->shared;
    rv_upstream_relay *const r = &s->relay;
    RV_ASSERT(edge != NULL);
    const uint32_t at = rv_upstream_told_take(shared);
    shared->told[at] = (rv_told){.edge_sequence = edge_sequence,
                                 .made = rv_node_decisions_made(shared->node),
                                 .next = TOLD_NONE,
                                 .end = end,
                                 .edge = *edge};
    if (r->told_count == 0) {
        r->told_first = at;
    } else {
        shared->told[r->told_last].next = at;
    }
    r->told_last = at;
    r->told_count += 1;
}

/* Takes the one behind `before` (TOLD_NONE: the first) out of the list. */
static void told_drop(rv_upstream *s, uint32_t before) {
    rv_upstream_shared *const shared = s->shared;
    rv_upstream_relay *const r = &s->relay;
    const uint32_t at = before == TOLD_NONE ? r->told_first : shared->told[before].next;
    RV_ASSERT(r->told_count > 0 && at < TOLD_MAX);
    if (before == TOLD_NONE) {
        r->told_first = shared->told[at].next;
    } else {
        shared->told[before].next = shared->told[at].next;
    }
    r->told_last = r->told_last == at ? before : r->told_last;
    r->told_count -= 1;
    shared->told[at].next = shared->told_free;
    shared->told_free = at;
}

/* --- pushes --- */

/* True when the push that this one names as the one before it is decided, or kept. */
static bool follows(const rv_upstream_shared *shared, const rv_wire_relay *relay,
                    const rv_edge_life *life) {
    if (relay->previous == 0) {
        return true;
    }
    const rv_relay_state state =
        rv_node_relay_state(shared->node, life, relay->previous, relay->previous_id);
    RV_ASSERT(relay->previous < relay->edge_sequence);
    return state == RV_RELAY_DECIDED || state == RV_RELAY_KEPT;
}

/* Gives it to the node. RV_PENDING; else RV_OK, with what is to be told. `refusal`: of the gateway
 * that it came to first, or status RV_OK; changed. */
static rv_status decide(rv_upstream *s, rv_push *push, rv_error *refusal, rv_bytes body,
                        rv_wire_decided *end) {
    rv_upstream_shared *const shared = s->shared;
    const bool gateway = rv_upstream_is_gateway(shared);
    rv_decision decision = {.outcome = RV_DECIDED_ACCEPTED};
    rv_status status = RV_OK;
    RV_ASSERT(push->edge.incarnation > 0);
    if (rv_node_unsettled(shared->node, &push->edge) >= UNSETTLED_MAX) {
        *end = RV_WIRE_DECIDED_AGAIN;
        return RV_OK;
    }
    if (gateway && !s->access.known && rv_upstream_token_brings(s, push, NULL) != RV_OK) {
        s->unsigned_met = true; /* as in rv_upstream_judge_push */
        *end = RV_WIRE_DECIDED_AGAIN;
        return RV_OK;
    }
    if (!gateway && refusal->status == RV_OK &&
        rv_upstream_token_brings(s, push, refusal) == RV_OK) {
        (void)!rv_upstream_token_writes(s, push, refusal);
    }
    if (refusal->status == RV_UNAUTHENTICATED) {
        return rv_upstream_fail(s, refusal);
    }
    push->refusal = refusal->status != RV_OK ? refusal : NULL;
    if (gateway) {
        status = rv_upstream_gateway_keep(shared, push, body);
        decision.outcome = status == RV_NOT_FOUND ? RV_DECIDED_FORKED : RV_DECIDED_ACCEPTED;
        status = status == RV_NOT_FOUND ? RV_OK : status;
    } else {
        status = rv_node_decide(shared->node, push, shared->results, &decision, NULL);
    }
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_PENDING;
    }
    *end = status != RV_OK                         ? RV_WIRE_DECIDED_AGAIN
           : decision.outcome == RV_DECIDED_FORKED ? RV_WIRE_DECIDED_FORKED
                                                   : RV_WIRE_DECIDED_ACCEPTED;
    s->urgent = status == RV_OK && decision.position > s->urgent ? decision.position : s->urgent;
    return RV_OK;
}

rv_status rv_upstream_judge_relay(rv_upstream *s, rv_bytes body) {
    rv_upstream_shared *const shared = s->shared;
    rv_wire_relay relay;
    rv_push push;
    const rv_status read = rv_wire_read_relay(body, &relay, NULL);
    RV_ASSERT(read == RV_OK); /* it was checked when it came */
    const rv_edge_life life = life_of(&relay);
    if (shared->told_free == TOLD_NONE) {
        rv_error error;
        (void)rv_error_set(&error, RV_BUSY, "this node has no memory for more answers");
        (void)rv_upstream_fail(s, &error);
        return RV_OK;
    }
    rv_wire_decided end = RV_WIRE_DECIDED_AGAIN;
    if (follows(shared, &relay, &life)) {
        rv_upstream_read_push(shared, &life, relay.body, &push);
        const rv_status status = decide(s, &push, &relay.refusal, relay.body, &end);
        if (status == RV_PENDING || s->state != RV_UPSTREAM_LIVE) {
            return status == RV_PENDING ? status : RV_OK;
        }
    }
    told_add(s, &life, relay.edge_sequence, end);
    return RV_OK;
}

static rv_status take_push(rv_upstream *s, const rv_wire_relay *relay, rv_bytes body,
                           rv_error *err) {
    const rv_edge_life life = life_of(relay);
    rv_upstream_shared *const shared = s->shared;
    if (s->relay.told_count + s->relay.waiting >= RV_RELAY_FLIGHTS_MAX) {
        return out_of_turn(err);
    }
    rv_upstream_retry(shared);
    if (s->state != RV_UPSTREAM_LIVE) {
        return RV_OK; /* there was no room for an answer */
    }
    if (shared->waiting_count == 0 && rv_upstream_judge_relay(s, body) == RV_OK) {
        return RV_OK;
    }
    if (!rv_upstream_keep(s, body, RV_WAITING_RELAY)) {
        if (shared->told_free == TOLD_NONE) {
            return rv_error_set(err, RV_BUSY, "this node has no memory for more answers");
        }
        told_add(s, &life, relay->edge_sequence, RV_WIRE_DECIDED_AGAIN);
    }
    RV_ASSERT(s->relay.told_count + s->relay.waiting <= RV_RELAY_FLIGHTS_MAX);
    return RV_OK;
}

/* --- the others --- */

/* Decisions that an edge has settled: kept until they are forgotten. Where there is no room, the
 * edge says so again another time. */
static void take_settled(rv_upstream *s, const rv_wire_relay *relay) {
    const rv_edge_life life = life_of(relay);
    uint32_t place = RELAY_SETTLED_MAX;
    for (uint32_t i = 0; i < RELAY_SETTLED_MAX; i++) {
        const bool same = same_life(&s->relay.settled[i].edge, &life);
        place = same || (place == RELAY_SETTLED_MAX && s->relay.settled[i].edge.incarnation == 0)
                    ? i
                    : place;
    }
    RV_ASSERT(relay->edge_sequence > 0);
    if (place < RELAY_SETTLED_MAX) {
        s->relay.settled[place].edge = life;
        s->relay.settled[place].edge_sequence = relay->edge_sequence;
    }
}

static void settle(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    for (uint32_t i = 0; i < RELAY_SETTLED_MAX && s->relay.waiting == 0; i++) {
        rv_edge_life *const edge = &s->relay.settled[i].edge;
        const uint64_t up_to = s->relay.settled[i].edge_sequence;
        if (edge->incarnation == 0 || rv_node_settle(shared->node, edge, up_to, NULL) != RV_OK) {
            continue;
        }
        if (shared->relayer != NULL) {
            rv_relayer_settle(shared->relayer, edge, up_to);
        }
        edge->incarnation = 0;
    }
    RV_ASSERT(s->relay.agreed);
}

static rv_status take_lease(rv_upstream *s, const rv_wire_relay *relay, rv_error *err) {
    rv_wire_lease wire;
    const rv_edge_life life = life_of(relay);
    const rv_status status = rv_wire_read_lease(relay->body, &wire, err);
    rv_upstream_lease *place = NULL;
    for (uint32_t i = 0; i < RV_RELAY_LEASES_SENT; i++) {
        rv_upstream_lease *const l = &s->relay.leases[i];
        place = !l->wanted && place == NULL ? l : place;
        if (l->wanted && same_life(&l->request.edge, &life)) {
            return out_of_turn(err);
        }
    }
    if (status != RV_OK || place == NULL) {
        return status != RV_OK ? status : out_of_turn(err);
    }
    RV_ASSERT(wire.incarnation == life.incarnation);
    rv_upstream_lease_begin(s->shared, &life, &wire, place);
    return RV_OK;
}

rv_status rv_upstream_take_relay(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_relay relay;
    const rv_status status = rv_wire_read_relay(body, &relay, err);
    if (status != RV_OK) {
        return status;
    }
    if (!s->relay.agreed || s->state != RV_UPSTREAM_LIVE || s->welcome_owed) {
        return out_of_turn(err);
    }
    switch ((uint32_t)relay.kind) {
    case RV_WIRE_PUSH:
    case RV_WIRE_REFUSED:
        return take_push(s, &relay, body, err);
    case RV_WIRE_SETTLED:
        take_settled(s, &relay);
        return RV_OK;
    default:
        RV_ASSERT(relay.kind == RV_WIRE_LEASE);
        return take_lease(s, &relay, err);
    }
}

rv_status rv_upstream_take_vouch(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_point point;
    const rv_status status = rv_wire_read_vouch(body, &point, err);
    if (status != RV_OK) {
        return status;
    }
    if (!s->relay.agreed || s->state != RV_UPSTREAM_LIVE || s->welcome_owed ||
        s->relay.vouch.watermark > 0) {
        return out_of_turn(err);
    }
    s->relay.vouch = point;
    RV_ASSERT(point.watermark > 0);
    return RV_OK;
}

/* While this node cannot find out it says so: the gateway asks again when it is asked again. */
bool rv_upstream_vouch_answer(rv_upstream *s, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    const rv_wire_point point = s->relay.vouch;
    if (point.watermark == 0) {
        return false;
    }
    const rv_status status = rv_upstream_vouch(shared, &point, NULL);
    if (status == RV_PENDING && (!rv_upstream_is_gateway(shared) || shared->relayer != NULL)) {
        return false;
    }
    rv_writer w = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_vouched(&w, &point,
                          status == RV_OK                  ? RV_WIRE_VOUCH_YES
                          : status == RV_UPSTREAM_DIVERGED ? RV_WIRE_VOUCH_NO
                                                           : RV_WIRE_VOUCH_UNKNOWN);
    RV_ASSERT(!w.full);
    s->relay.vouch.watermark = 0;
    *message = rv_writer_bytes(&w);
    return true;
}

/* --- answers --- */

static void write(const rv_upstream *s, const rv_edge_life *edge, rv_wire_relay_answer *answer,
                  rv_bytes *message) {
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    answer->incarnation = edge->incarnation;
    memcpy(answer->edge_id, edge->edge_id, sizeof answer->edge_id);
    rv_wire_write_relay_answer(&w, answer);
    RV_ASSERT(!w.full);
    *message = rv_writer_bytes(&w);
}

static bool lease_answer(rv_upstream *s, rv_bytes *message) {
    for (uint32_t i = 0; i < RV_RELAY_LEASES_SENT; i++) {
        rv_upstream_lease *const l = &s->relay.leases[i];
        rv_wire_relay_answer answer = {.kind = RV_WIRE_LEASED};
        if (!l->wanted || rv_upstream_lease_ask(s->shared, l, &answer.leased) != RV_OK) {
            continue;
        }
        write(s, &l->request.edge, &answer, message);
        l->wanted = false;
        RV_ASSERT(message->len > 0);
        return true;
    }
    return false;
}

/* Can this be told, and what? */
static bool is_ready(rv_upstream *s, rv_told *told, rv_wire_decision *wire) {
    rv_decision decision;
    wire->edge_sequence = told->edge_sequence;
    wire->outcome = told->end;
    if (told->end != RV_WIRE_DECIDED_ACCEPTED) {
        return true;
    }
    switch (rv_upstream_told_state(s->shared, &told->edge, told, &decision)) {
    case RV_TOLD_NOT_YET:
        return false;
    case RV_TOLD_GONE: /* the root said that it is a copy's; or its edge has settled it elsewhere */
        wire->outcome =
            rv_upstream_is_gateway(s->shared) ? RV_WIRE_DECIDED_FORKED : RV_WIRE_DECIDED_AGAIN;
        return true;
    default:
        break;
    }
    RV_ASSERT(decision.outcome != RV_DECIDED_FORKED);
    wire->outcome = decision.outcome == RV_DECIDED_ACCEPTED ? RV_WIRE_DECIDED_ACCEPTED
                                                            : RV_WIRE_DECIDED_REFUSED;
    wire->position = decision.position;
    wire->refusal = decision.refusal;
    if (wire->outcome == RV_WIRE_DECIDED_REFUSED) {
        rv_upstream_token_narrow(s, &wire->refusal);
    }
    return true;
}

bool rv_upstream_relay_answer(rv_upstream *s, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    if (!s->relay.agreed) {
        return false;
    }
    settle(s);
    uint32_t before = TOLD_NONE;
    uint32_t at = s->relay.told_first;
    for (uint32_t i = 0; i < s->relay.told_count; i++) {
        rv_told *const told = &shared->told[at];
        rv_wire_relay_answer answer = {.kind = RV_WIRE_DECISION};
        if (is_ready(s, told, &answer.decision)) {
            const rv_edge_life edge = told->edge;
            told_drop(s, before);
            write(s, &edge, &answer, message);
            return true;
        }
        before = at;
        at = told->next;
        RV_ASSERT(at != TOLD_NONE || i + 1 == s->relay.told_count);
    }
    return lease_answer(s, message);
}

bool rv_upstream_relay_is_quiet(const rv_upstream *s) {
    const rv_upstream_relay *const r = &s->relay;
    bool quiet = r->vouch.watermark == 0 && r->waiting == 0 && r->told_count == 0;
    for (uint32_t i = 0; i < RELAY_SETTLED_MAX; i++) {
        quiet = quiet && r->settled[i].edge.incarnation == 0;
    }
    for (uint32_t i = 0; i < RV_RELAY_LEASES_SENT; i++) {
        quiet = quiet && !r->leases[i].wanted;
    }
    RV_ASSERT(r->agreed || r->told_count == 0);
    return quiet;
}

void rv_upstream_close_relay(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    while (s->relay.told_count > 0) { /* as many as there are */
        told_drop(s, TOLD_NONE);
    }
    if (shared->relayer != NULL) {
        if (s->lease.wanted) {
            rv_relayer_lease_forget(shared->relayer, &s->lease.request.edge);
        }
        for (uint32_t i = 0; i < RV_RELAY_LEASES_SENT; i++) {
            if (s->relay.leases[i].wanted) {
                rv_relayer_lease_forget(shared->relayer, &s->relay.leases[i].request.edge);
            }
        }
    }
    RV_ASSERT(s->relay.told_count == 0);
}

bool rv_upstream_knows(const rv_upstream_shared *shared, const rv_edge_life *edge) {
    RV_ASSERT(edge->incarnation > 0);
    for (uint32_t i = 0; i < shared->session_count; i++) {
        const rv_upstream *const s = shared->sessions[i];
        if (!s->used) {
            continue;
        }
        if (s->push.agreed && same_life(&s->push.life, edge)) {
            return true;
        }
        uint32_t at = s->relay.told_first;
        for (uint32_t k = 0; k < s->relay.told_count; k++, at = shared->told[at].next) {
            if (same_life(&shared->told[at].edge, edge)) {
                return true;
            }
        }
    }
    return false;
}
