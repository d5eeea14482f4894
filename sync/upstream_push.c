/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What edges push, at the upstream: given to the node in order, or kept until it is ready, and
 * answered when the decision is durable. Nothing of a decision is kept here but that it is to be
 * told, and from when on: the node has it.
 *
 *     PUSHING --> AGAIN: the node cannot decide now, or there is no room to wait. What comes is
 *     |   ^-------'      passed over, until the same comes again, or is settled
 *     '--> FORKED: what comes is passed over, until another incarnation begins
 *
 *   invariant 1: what a session has to tell is in the order of its pushes, the end of them last.
 *   invariant 2: nothing of a session waits for the node behind an end of its pushes. What waits
 *                before it is decided and told first.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

static rv_status broke(rv_error *err, const char *what) {
    RV_ASSERT(what != NULL);
    return rv_error_set(err, RV_PROTOCOL_ERROR, "the edge %s", what);
}

/* --- what is to be told --- */

/* Behind the free ones that were in use before come those that never were, whose memory stays
 * untouched: the list of the former ends with the first of the latter. */
uint32_t rv_upstream_told_take(rv_upstream_shared *shared) {
    const uint32_t at = shared->told_free;
    RV_ASSERT(at <= shared->told_made && at < TOLD_MAX); /* looked for before it was decided */
    if (at < shared->told_made) {
        shared->told_free = shared->told[at].next;
    } else {
        shared->told_made += 1;
        shared->told_free = shared->told_made < TOLD_MAX ? shared->told_made : TOLD_NONE;
    }
    return at;
}

static void told_add(rv_upstream *s, uint64_t edge_sequence) {
    rv_upstream_shared *const shared = s->shared;
    const uint32_t at = rv_upstream_told_take(shared);
    shared->told[at] = (rv_told){.edge_sequence = edge_sequence,
                                 .made = rv_node_decisions_made(shared->node),
                                 .next = TOLD_NONE};
    if (s->push.told_count == 0) {
        s->push.told_first = at;
    } else {
        shared->told[s->push.told_last].next = at;
    }
    s->push.told_last = at;
    s->push.told_count += 1;
}

static void told_drop(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    const uint32_t at = s->push.told_first;
    RV_ASSERT(s->push.told_count > 0 && at < TOLD_MAX);
    s->push.told_first = shared->told[at].next;
    s->push.told_count -= 1;
    shared->told[at].next = shared->told_free;
    shared->told_free = at;
}

/* --- judging --- */

/* Nothing is decided from this one on. What waits was before it, or is dropped by the caller. */
static void end_at(rv_upstream *s, rv_upstream_end end, uint64_t edge_sequence) {
    RV_ASSERT(s->push.end != RV_UPSTREAM_FORKED && !(s->push.end_told && s->push.waiting > 0));
    s->push.end = end;
    s->push.end_at = edge_sequence;
    s->push.end_told = false;
    s->push.last = edge_sequence - 1;
}

void rv_upstream_read_push(rv_upstream_shared *shared, const rv_edge_life *edge, rv_bytes body,
                           rv_push *push) {
    rv_wire_push wire;
    const rv_status status = rv_wire_read_push(body, &wire, NULL);
    RV_ASSERT(status == RV_OK); /* it was checked when it came */
    uint64_t counted = 0;
    for (uint64_t i = 0; i < wire.counted_count; i++) {
        counted = rv_wire_read_counted(&wire.counted, counted);
        shared->counted[i] = counted;
    }
    for (uint64_t i = 0; i < wire.count; i++) {
        const bool good = rv_wire_read_pushed(&wire.events, &shared->appends[i]);
        RV_ASSERT(good);
    }
    *push = (rv_push){.edge = *edge,
                      .edge_sequence = wire.edge_sequence,
                      .principal = wire.principal,
                      .written_at = wire.written_at,
                      .schema_version = wire.schema_version,
                      .events = shared->appends,
                      .count = (size_t)wire.count,
                      .counted = shared->counted,
                      .counted_count = (size_t)wire.counted_count};
}

/* The same at a gateway, which keeps it until the root has decided. */
static rv_status keep_push(rv_upstream *s, const rv_push *push, rv_bytes body) {
    const rv_status status = rv_upstream_gateway_keep(s->shared, push, body);
    RV_ASSERT(rv_upstream_is_gateway(s->shared));
    if (status == RV_PENDING) {
        return status;
    }
    if (status != RV_OK) {
        end_at(s, status == RV_NOT_FOUND ? RV_UPSTREAM_FORKED : RV_UPSTREAM_AGAIN,
               push->edge_sequence);
        rv_upstream_forget_pushes(s);
    } else {
        told_add(s, push->edge_sequence);
    }
    s->unsigned_met = false;
    return RV_OK;
}

/* It waits at the edge, which may be brought to somebody that takes it. */
static rv_status meet_unsigned(rv_upstream *s, uint64_t edge_sequence) {
    RV_ASSERT(rv_upstream_is_gateway(s->shared) && !s->access.known);
    s->unsigned_met = true;
    end_at(s, RV_UPSTREAM_AGAIN, edge_sequence);
    rv_upstream_forget_pushes(s);
    return RV_OK;
}

rv_status rv_upstream_judge_push(rv_upstream *s, rv_bytes body) {
    rv_upstream_shared *const shared = s->shared;
    rv_push push;
    rv_decision decision;
    rv_upstream_read_push(shared, &s->push.life, body, &push);
    RV_ASSERT(s->push.end == RV_UPSTREAM_PUSHING || push.edge_sequence < s->push.end_at);
    if (shared->told_free == TOLD_NONE ||
        rv_node_unsettled(shared->node, &push.edge) >= UNSETTLED_MAX) {
        end_at(s, RV_UPSTREAM_AGAIN, push.edge_sequence);
        rv_upstream_forget_pushes(s);
        return RV_OK;
    }
    rv_error refusal = {.status = RV_OK};
    const bool gateway = rv_upstream_is_gateway(shared);
    const bool brings = rv_upstream_token_brings(s, &push, &refusal) == RV_OK;
    if (!brings || rv_upstream_token_writes(s, &push, &refusal) != RV_OK) {
        push.refusal = &refusal;
    }
    if (gateway && !brings && !s->access.known) {
        return meet_unsigned(s, push.edge_sequence);
    }
    /* a gateway decides nothing about who has written it; and a token that has just ended says
     * nothing about a batch */
    if (refusal.status == RV_UNAUTHENTICATED ||
        (push.refusal != NULL && gateway && (!brings || !rv_upstream_refuses(shared)))) {
        (void)rv_upstream_fail(s, &refusal);
        return RV_OK;
    }
    push.owner = rv_bytes_of(s->access.principal, s->access.principal_len);
    if (gateway) {
        return keep_push(s, &push, body);
    }
    const rv_status status = rv_node_decide(shared->node, &push, shared->results, &decision, NULL);
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_PENDING;
    }
    if (status != RV_OK || decision.outcome == RV_DECIDED_FORKED) {
        end_at(s, status != RV_OK ? RV_UPSTREAM_AGAIN : RV_UPSTREAM_FORKED, push.edge_sequence);
        rv_upstream_forget_pushes(s);
    } else {
        told_add(s, push.edge_sequence);
        s->urgent = decision.position > s->urgent ? decision.position : s->urgent;
    }
    return RV_OK;
}

/* --- receiving --- */

static rv_status superseded(rv_error *err) {
    return rv_error_set(err, RV_BUSY, "another connection of this edge has taken its place");
}

/* The same edge has connected again. If this session is alive, it is a copy's: it ends with its
 * next push, or now, if some wait, which nobody would decide any more. */
static void supersede(rv_upstream *s) {
    RV_ASSERT(s->used && s->push.agreed);
    s->push.superseded = true;
    if (s->push.waiting > 0) {
        rv_error error;
        (void)superseded(&error);
        (void)rv_upstream_fail(s, &error);
    }
}

void rv_upstream_hello_push(rv_upstream *s, const rv_wire_hello *hello) {
    rv_upstream_shared *const shared = s->shared;
    rv_upstream_push *const p = &s->push;
    RV_ASSERT((hello->features & RV_WIRE_FEATURE_PUSH) != 0);
    p->agreed = true;
    p->life.incarnation = (uint32_t)hello->outbox.incarnation;
    memcpy(p->life.edge_id, hello->node_id, sizeof hello->node_id);
    const bool gateway = rv_upstream_is_gateway(shared);
    /* a gateway does not know, but what is settled there was decided */
    const uint64_t decided =
        gateway ? hello->outbox.settled : rv_node_last_decided(shared->node, &p->life);
    p->settle = hello->outbox.settled < decided ? hello->outbox.settled : decided;
    p->decided = decided;
    if (p->life.incarnation > 0 && hello->outbox.next <= decided) {
        p->end = RV_UPSTREAM_FORKED; /* the welcome says so */
        p->end_told = true;
    }
    for (uint32_t i = 0; i < shared->session_count; i++) {
        rv_upstream *const other = shared->sessions[i];
        if (other->used && other != s && other->push.agreed &&
            other->push.life.incarnation == p->life.incarnation &&
            memcmp(other->push.life.edge_id, p->life.edge_id, sizeof p->life.edge_id) == 0) {
            supersede(other);
        }
    }
}

/* A new one begins where none was, after a fork, or whenever nothing is under way: batches may have
 * come back at the edge that others were pushed past. */
rv_status rv_upstream_take_incarnation(rv_upstream *s, uint32_t incarnation, rv_error *err) {
    rv_upstream_push *const p = &s->push;
    RV_ASSERT(incarnation > 0);
    if (incarnation == p->life.incarnation) {
        return RV_OK;
    }
    const bool ended = p->end == RV_UPSTREAM_PUSHING || p->end_told;
    if (!ended || p->told_count > 0 || p->waiting > 0) {
        return broke(err, "changed its incarnation while pushes were under way");
    }
    p->life.incarnation = incarnation;
    p->end = RV_UPSTREAM_PUSHING;
    p->end_told = false;
    p->last = 0;
    p->settle = 0;
    p->decided = rv_node_last_decided(s->shared->node, &p->life);
    return RV_OK;
}

/* Is it its turn? `*pass`: it is to be passed over. */
static rv_status check_order(rv_upstream *s, uint64_t edge_sequence, bool *pass, rv_error *err) {
    rv_upstream_push *const p = &s->push;
    *pass = p->end == RV_UPSTREAM_FORKED;
    if (*pass) {
        return RV_OK;
    }
    if (p->end == RV_UPSTREAM_AGAIN && edge_sequence > p->end_at) {
        *pass = true;
        return RV_OK;
    }
    if (edge_sequence <= p->last || (p->end == RV_UPSTREAM_AGAIN && !p->end_told)) {
        return broke(err, "pushed its batches out of order");
    }
    if (p->told_count + p->waiting >= RV_UPSTREAM_PUSHES) {
        return broke(err, "has more pushes under way than it was granted");
    }
    p->end = RV_UPSTREAM_PUSHING;
    p->end_told = false;
    RV_ASSERT(edge_sequence > p->last);
    return RV_OK;
}

rv_status rv_upstream_take_push(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_push push;
    rv_status status = rv_wire_read_push(body, &push, err);
    if (status == RV_OK && (!s->push.agreed || s->state != RV_UPSTREAM_LIVE || s->welcome_owed)) {
        status = broke(err, "pushed what was not granted");
    }
    if (status == RV_OK && s->push.superseded) {
        status = superseded(err);
    }
    status = status == RV_OK ? rv_upstream_take_incarnation(s, push.incarnation, err) : status;
    bool pass = false;
    status = status == RV_OK ? check_order(s, push.edge_sequence, &pass, err) : status;
    if (status != RV_OK || pass) {
        return status;
    }
    s->push.last = push.edge_sequence;
    rv_upstream_retry(s->shared);
    if (s->push.end != RV_UPSTREAM_PUSHING) {
        return RV_OK; /* one before it was not decided */
    }
    if (s->shared->waiting_count == 0 && rv_upstream_judge_push(s, body) == RV_OK) {
        return RV_OK;
    }
    if (!rv_upstream_keep(s, body, RV_WAITING_PUSH)) {
        end_at(s, RV_UPSTREAM_AGAIN, push.edge_sequence);
    }
    return RV_OK;
}

rv_status rv_upstream_take_settled(rv_upstream *s, rv_bytes body, rv_error *err) {
    uint64_t edge_sequence = 0;
    const rv_status status = rv_wire_read_settled(body, &edge_sequence, err);
    if (status != RV_OK) {
        return status;
    }
    const bool again = s->push.end == RV_UPSTREAM_AGAIN && s->push.end_told;
    if (again && edge_sequence > s->push.decided) { /* it may have come another way */
        const uint64_t decided = rv_node_last_decided(s->shared->node, &s->push.life);
        s->push.decided = decided > s->push.decided ? decided : s->push.decided;
    }
    /* a gateway has not seen all that was decided */
    const bool known = rv_upstream_is_gateway(s->shared) || edge_sequence <= s->push.decided;
    if (!s->push.agreed || s->push.life.incarnation == 0 || edge_sequence > RV_POSITION_MAX ||
        !known) {
        return broke(err, "settled what was not decided");
    }
    s->push.decided = edge_sequence > s->push.decided ? edge_sequence : s->push.decided;
    s->push.settle = edge_sequence > s->push.settle ? edge_sequence : s->push.settle;
    if (again && edge_sequence >= s->push.end_at) { /* what was not decided here is at the edge */
        s->push.end = RV_UPSTREAM_PUSHING;
        s->push.end_told = false;
        s->push.last = edge_sequence;
    }
    RV_ASSERT(s->push.settle <= s->push.decided);
    return RV_OK;
}

/* --- sending --- */

/* Decisions that the edge has settled go, when nothing that counts on them waits. */
static void settle(rv_upstream *s) {
    rv_upstream_push *const p = &s->push;
    if (p->settle > 0 && p->waiting == 0 && p->life.incarnation > 0) {
        const rv_status status = rv_node_settle(s->shared->node, &p->life, p->settle, NULL);
        if (status == RV_OK && s->shared->relayer != NULL) {
            rv_relayer_settle(s->shared->relayer, &p->life, p->settle);
        }
        p->settle = status == RV_OK ? 0 : p->settle;
    }
    RV_ASSERT(p->settle <= p->decided);
}

static void write(const rv_upstream *s, const rv_wire_decision *decision, rv_bytes *message) {
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_decision(&w, decision);
    RV_ASSERT(!w.full);
    *message = rv_writer_bytes(&w);
}

rv_told_state rv_upstream_told_state(rv_upstream_shared *shared, const rv_edge_life *edge,
                                     rv_told *told, rv_decision *decision) {
    rv_node *const node = shared->node;
    const bool gateway = rv_upstream_is_gateway(shared);
    RV_ASSERT(told->edge_sequence > 0);
    if (told->made > rv_node_decisions_durable(node)) {
        return RV_TOLD_NOT_YET;
    }
    if (!rv_node_decision(node, edge, told->edge_sequence, decision)) {
        rv_relay push = {.edge_sequence = 0};
        const bool kept = gateway &&
                          rv_node_relay_next(node, edge, told->edge_sequence - 1, &push) &&
                          push.edge_sequence == told->edge_sequence;
        return kept ? RV_TOLD_NOT_YET : RV_TOLD_GONE;
    }
    if (gateway && !told->seen) {
        told->seen = true;
        told->made = rv_node_decisions_made(node);
    }
    return told->made > rv_node_decisions_durable(node) ? RV_TOLD_NOT_YET : RV_TOLD_READY;
}

/* The end of a session's pushes, when it is its turn. */
static bool tell_end(rv_upstream *s, rv_bytes *message) {
    rv_upstream_push *const p = &s->push;
    RV_ASSERT(p->told_count == 0);
    if (p->end == RV_UPSTREAM_PUSHING || p->end_told || p->waiting > 0) {
        return false;
    }
    const rv_wire_decision end = {.edge_sequence = p->end_at,
                                  .outcome = p->end == RV_UPSTREAM_AGAIN ? RV_WIRE_DECIDED_AGAIN
                                                                         : RV_WIRE_DECIDED_FORKED};
    p->end_told = true;
    write(s, &end, message);
    return true;
}

/* What was to be told next is not known any more. At a root another connection of this edge has
 * settled it; a gateway was told by the root that the edge is a copy. */
static bool tell_gone(rv_upstream *s, uint64_t edge_sequence, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    if (!rv_upstream_is_gateway(shared)) {
        rv_error error;
        (void)superseded(&error);
        (void)rv_upstream_fail(s, &error);
        return false;
    }
    if (rv_node_relay_drop(shared->node, &s->push.life, NULL) != RV_OK) {
        return false; /* later */
    }
    while (s->push.told_count > 0) { /* as many as there are */
        told_drop(s);
    }
    rv_upstream_forget_pushes(s);
    s->push.end_told = false;
    if (s->push.end != RV_UPSTREAM_FORKED) {
        end_at(s, RV_UPSTREAM_FORKED, edge_sequence);
    }
    RV_ASSERT(s->push.end == RV_UPSTREAM_FORKED);
    s->push.end_at = edge_sequence;
    return tell_end(s, message);
}

bool rv_upstream_tell(rv_upstream *s, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    rv_upstream_push *const p = &s->push;
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE);
    settle(s);
    if (p->told_count == 0) {
        return tell_end(s, message);
    }
    rv_told *const first = &shared->told[p->told_first];
    rv_wire_decision wire = {.edge_sequence = first->edge_sequence};
    rv_decision decision;
    const rv_told_state state = rv_upstream_told_state(shared, &p->life, first, &decision);
    if (state != RV_TOLD_READY) {
        return state == RV_TOLD_GONE && tell_gone(s, wire.edge_sequence, message);
    }
    s->urgent = decision.position > s->urgent ? decision.position : s->urgent;
    wire.outcome = decision.outcome == RV_DECIDED_ACCEPTED ? RV_WIRE_DECIDED_ACCEPTED
                                                           : RV_WIRE_DECIDED_REFUSED;
    wire.position = decision.position;
    wire.refusal = decision.refusal;
    if (wire.outcome == RV_WIRE_DECIDED_REFUSED) {
        rv_upstream_token_narrow(s, &wire.refusal);
    }
    told_drop(s);
    p->decided = wire.edge_sequence > p->decided ? wire.edge_sequence : p->decided;
    write(s, &wire, message);
    return true;
}

void rv_upstream_close_push(rv_upstream *s) {
    while (s->push.told_count > 0) { /* as many as there are */
        told_drop(s);
    }
    RV_ASSERT(s->push.told_count == 0);
    rv_upstream_forget_pushes(s);
}
