/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/relays.h"

#include "core/base/assert.h"

rv_relayer *rv_relayer_create(rv_node *node, rv_arena *arena) {
    RV_ASSERT(node != NULL && arena != NULL);
    rv_relayer *const r = rv_arena_take(arena, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->node = node;
    r->message = rv_arena_take_raw(arena, RV_RELAY_LEN_MAX);
    r->answers = rv_arena_take_raw(arena, sizeof *r->answers * RV_RELAY_FLIGHTS_MAX);
    r->passing.memory = rv_arena_take_raw(arena, RV_PUSH_LEN_MAX);
    r->deadline = INT64_MAX;
    return r->message != NULL && r->answers != NULL && r->passing.memory != NULL ? r : NULL;
}

static bool same_life(const rv_edge_life *a, const rv_edge_life *b) {
    RV_ASSERT(a != NULL && b != NULL);
    return a->incarnation == b->incarnation &&
           memcmp(a->edge_id, b->edge_id, sizeof a->edge_id) == 0;
}

/* --- the connection --- */

void rv_relayer_hold(rv_relayer *r, const rv_error *why) {
    RV_ASSERT(why->status <= RV_STATUS_COUNT);
    if (why->status != r->held.status ||
        !rv_bytes_equal(rv_error_detail(why), rv_error_detail(&r->held))) {
        r->held = *why;
        r->held_changes += 1;
    }
}

/* Whether something of it waits for the upstream: told `again`, or not answered yet. */
static bool is_waiting(const rv_relayer *r, const rv_edge_life *edge) {
    bool waits = edge == NULL && r->flight_count > 0;
    for (uint32_t i = 0; i < RV_RELAY_DELAYS_MAX && !waits; i++) {
        const rv_edge_life *const delayed = &r->delays[i].edge;
        waits = delayed->incarnation > 0 && (edge == NULL || same_life(delayed, edge));
    }
    for (uint32_t i = 0; i < r->flight_count && !waits; i++) {
        waits = same_life(&r->flights[i].edge, edge);
    }
    RV_ASSERT(r->flight_count <= RV_RELAY_FLIGHTS_MAX);
    return waits;
}

const rv_error *rv_relayer_held(const rv_relayer *r, const rv_edge_life *edge) {
    RV_ASSERT(r->node != NULL);
    return r->held.status != RV_OK && (!r->granted || is_waiting(r, edge)) ? &r->held : NULL;
}

bool rv_relayer_refuses(const rv_relayer *r) {
    RV_ASSERT(r->node != NULL);
    return r->refusals || !r->granted;
}

/* Its token is not enough: what edges push is kept until there is another one. */
static void hold_all(rv_relayer *r, const rv_wire_admitted *admitted) {
    rv_error why = {.status = RV_OK};
    RV_ASSERT(!r->granted && !admitted->relay);
    (void)rv_error_set(&why, RV_FORBIDDEN,
                       "the gateway's token, of `%b`, may not relay: what edges have written waits "
                       "at the gateway",
                       &admitted->principal);
    rv_error_fact_text(&why, "right", RV_LITERAL("relay"));
    rv_error_fact_text(&why, "principal", admitted->principal);
    rv_relayer_hold(r, &why);
}

void rv_relayer_welcome(rv_relayer *r, const rv_wire_welcome *welcome) {
    const rv_error nothing = {.status = RV_OK};
    RV_ASSERT(r->flight_count == 0);
    r->granted = welcome->has_gate && welcome->gate.pushes > 0;
    r->pushes_max =
        welcome->gate.pushes < RV_RELAY_FLIGHTS_MAX ? welcome->gate.pushes : RV_RELAY_FLIGHTS_MAX;
    r->bytes_max = welcome->gate.bytes;
    r->refusals = welcome->refusals;
    rv_relayer_hold(r, &nothing);
    if (!r->granted && welcome->has_admitted && !welcome->admitted.relay) {
        hold_all(r, &welcome->admitted);
    }
    r->idle_at = 0;
    r->deadline = INT64_MAX;
}

/* There is room for another one. */
static void end_passing(rv_relayer *r) {
    RV_ASSERT(r->passing.memory != NULL);
    r->passing = (rv_relay_passing){.memory = r->passing.memory};
}

void rv_relayer_disconnect(rv_relayer *r) {
    const rv_error nothing = {.status = RV_OK};
    RV_ASSERT(r->flight_count <= RV_RELAY_FLIGHTS_MAX);
    rv_relayer_hold(r, &nothing);
    r->granted = false;
    r->flight_count = 0;
    r->bytes = 0;
    end_passing(r);
    memset(r->delays, 0, sizeof r->delays);
    memset(r->vouches, 0, sizeof r->vouches); /* another upstream may be another root */
    for (uint32_t i = 0; i < RV_RELAY_SETTLED_MAX; i++) {
        rv_relay_settled *const s = &r->settled[i];
        s->edge.incarnation = s->told == s->edge_sequence ? 0 : s->edge.incarnation;
        s->told = 0;
    }
    for (uint32_t i = 0; i < RV_RELAY_LEASES_MAX; i++) {
        rv_relay_lease *const l = &r->leases[i];
        l->sent = l->answered; /* asked again: the same request gets the same block */
        l->edge.incarnation = l->orphan ? 0 : l->edge.incarnation;
    }
}

/* --- again --- */

static rv_relay_delay *delay_of(rv_relayer *r, const rv_edge_life *edge) {
    for (uint32_t i = 0; i < RV_RELAY_DELAYS_MAX; i++) {
        if (same_life(&r->delays[i].edge, edge)) {
            return &r->delays[i];
        }
    }
    RV_ASSERT(edge->incarnation > 0);
    return NULL;
}

/* Nothing of this edge for a while. Where there are too many, the one whose time comes first is
 * forgotten: it is only told again. */
static void delay(rv_relayer *r, const rv_edge_life *edge, int64_t now) {
    rv_relay_delay *d = delay_of(r, edge);
    if (d == NULL) {
        d = &r->delays[0];
        for (uint32_t i = 1; i < RV_RELAY_DELAYS_MAX && d->edge.incarnation > 0; i++) {
            rv_relay_delay *const other = &r->delays[i];
            d = other->edge.incarnation == 0 || other->at < d->at ? other : d;
        }
        *d = (rv_relay_delay){.edge = *edge, .again_us = RV_RELAY_AGAIN_MIN_US};
    }
    RV_ASSERT(d->again_us >= RV_RELAY_AGAIN_MIN_US);
    if (now >= d->at) {
        d->at = now + d->again_us;
        d->again_us *= d->again_us < RV_RELAY_AGAIN_MAX_US ? 2 : 1;
    }
}

/* --- answers --- */

static rv_relay_flight *flight_of(rv_relayer *r, const rv_edge_life *edge, uint64_t edge_sequence) {
    for (uint32_t i = 0; i < r->flight_count; i++) {
        rv_relay_flight *const f = &r->flights[i];
        if (f->edge_sequence == edge_sequence && same_life(&f->edge, edge)) {
            return f;
        }
    }
    RV_ASSERT(edge_sequence > 0);
    return NULL;
}

static void land(rv_relayer *r, rv_relay_flight *f) {
    const uint32_t at = (uint32_t)(f - r->flights);
    RV_ASSERT(at < r->flight_count && r->bytes >= f->len);
    r->bytes -= f->len;
    r->flight_count -= 1;
    r->passing.flies = r->passing.flies && !f->passed;
    memmove(f, f + 1, sizeof *f * (r->flight_count - at));
    r->idle_at = 0;
}

/* A place for an answer that none of the flights has. */
static uint32_t free_answer(const rv_relayer *r) {
    uint64_t taken = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < r->flight_count; i++) {
        taken |= r->flights[i].answered ? UINT64_C(1) << r->flights[i].answer : 0;
    }
    while (at + 1 < RV_RELAY_FLIGHTS_MAX && (taken >> at & 1) != 0) {
        at += 1;
    }
    RV_ASSERT((taken >> at & 1) == 0);
    return at;
}

static rv_relay_lease *lease_of(rv_relayer *r, const rv_edge_life *edge) {
    for (uint32_t i = 0; i < RV_RELAY_LEASES_MAX; i++) {
        if (same_life(&r->leases[i].edge, edge)) {
            return &r->leases[i];
        }
    }
    RV_ASSERT(r->node != NULL);
    return NULL;
}

/* What the edge has settled is told once more: it may have been lost on the way, and the upstream
 * decides nothing more of an edge with too much that is not settled. */
static void settle_again(rv_relayer *r, const rv_edge_life *edge) {
    RV_ASSERT(edge->incarnation > 0);
    for (uint32_t i = 0; i < RV_RELAY_SETTLED_MAX; i++) {
        if (same_life(&r->settled[i].edge, edge)) {
            r->settled[i].told = 0;
        }
    }
}

static rv_status take_decision(rv_relayer *r, const rv_edge_life *edge,
                               const rv_wire_relay_answer *answer, int64_t now, rv_error *err) {
    rv_relay_flight *const f = flight_of(r, edge, answer->decision.edge_sequence);
    if (f == NULL || f->answered) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream decided batch %u of an edge, which is not under way",
                            answer->decision.edge_sequence);
    }
    if (answer->decision.outcome == RV_WIRE_DECIDED_AGAIN) {
        if (f->passed) {
            end_passing(r); /* its edge brings it again */
        }
        delay(r, edge, now);
        settle_again(r, edge);
        land(r, f);
        return RV_OK;
    }
    rv_relay_delay *const d = delay_of(r, edge);
    if (d != NULL) {
        d->edge.incarnation = 0;
    }
    f->answer = free_answer(r);
    f->answered = true;
    r->answers[f->answer] = *answer;
    RV_ASSERT(f->answer < RV_RELAY_FLIGHTS_MAX);
    rv_relayer_poll(r);
    return RV_OK;
}

rv_status rv_relayer_take(rv_relayer *r, rv_bytes body, int64_t now, rv_error *err) {
    rv_wire_relay_answer answer;
    const rv_status status = rv_wire_read_relay_answer(body, &answer, err);
    if (status != RV_OK) {
        return status;
    }
    rv_edge_life edge = {.incarnation = answer.incarnation};
    memcpy(edge.edge_id, answer.edge_id, sizeof edge.edge_id);
    if (answer.kind == RV_WIRE_DECISION) {
        return take_decision(r, &edge, &answer, now, err);
    }
    rv_relay_lease *const lease = lease_of(r, &edge);
    RV_ASSERT(answer.kind == RV_WIRE_LEASED);
    if (lease == NULL || !lease->sent || lease->answered) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream leased keys that were not asked for");
    }
    lease->answered = true;
    lease->leased = answer.leased;
    if (lease->orphan) {
        lease->edge.incarnation = 0;
    }
    return RV_OK;
}

/* Gives the node a decision. False: another time. */
static bool take_outcome(rv_relayer *r, const rv_relay_flight *f, const rv_decision *decision) {
    RV_ASSERT(f->answered);
    if (!f->passed) {
        return rv_node_relay_decide(r->node, &f->edge, f->edge_sequence, decision, NULL) == RV_OK;
    }
    if (decision->outcome == RV_DECIDED_FORKED) {
        r->passing.forked = true;
        return true;
    }
    const rv_status status = rv_node_relay_note(r->node, &r->passing.push, decision, NULL);
    if (status != RV_OK && status != RV_OUTBOX_FULL) {
        return false;
    }
    end_passing(r); /* where there is no room the root is asked again */
    return true;
}

void rv_relayer_poll(rv_relayer *r) {
    uint32_t i = 0;
    while (i < r->flight_count && !rv_node_in_batch(r->node)) {
        rv_relay_flight *const f = &r->flights[i];
        if (!f->answered) {
            i += 1;
            continue;
        }
        const rv_wire_decision *const wire = &r->answers[f->answer].decision;
        const rv_decision decision = {
            .outcome = wire->outcome == RV_WIRE_DECIDED_ACCEPTED  ? RV_DECIDED_ACCEPTED
                       : wire->outcome == RV_WIRE_DECIDED_REFUSED ? RV_DECIDED_REFUSED
                                                                  : RV_DECIDED_FORKED,
            .position = wire->position,
            .refusal = wire->refusal};
        if (!take_outcome(r, f, &decision)) {
            return;
        }
        land(r, f);
    }
    RV_ASSERT(i <= RV_RELAY_FLIGHTS_MAX);
}

/* --- what edges have settled --- */

void rv_relayer_settle(rv_relayer *r, const rv_edge_life *edge, uint64_t edge_sequence) {
    rv_relay_settled *place = NULL;
    RV_ASSERT(edge->incarnation > 0);
    for (uint32_t i = 0; i < RV_RELAY_SETTLED_MAX; i++) {
        rv_relay_settled *const s = &r->settled[i];
        if (same_life(&s->edge, edge)) {
            s->edge_sequence = edge_sequence > s->edge_sequence ? edge_sequence : s->edge_sequence;
            return;
        }
        const bool told = s->told == s->edge_sequence;
        place = s->edge.incarnation == 0 || (place == NULL && told) ? s : place;
    }
    if (place != NULL) { /* else it is told with what the edge settles next */
        *place = (rv_relay_settled){*edge, edge_sequence, 0};
    }
}

/* What of this may be told, as some of what is kept counts on it. */
static uint64_t countable(rv_relayer *r, const rv_relay_settled *s) {
    uint64_t least = s->edge_sequence + 1;
    rv_relay push = {.edge_sequence = 0};
    while (rv_node_relay_next(r->node, &s->edge, push.edge_sequence, &push)) { /* a push each */
        rv_wire_push wire;
        uint64_t counted = 0;
        if (rv_wire_read_push(push.body, &wire, NULL) == RV_OK && wire.counted_count > 0) {
            counted = rv_wire_read_counted(&wire.counted, 0);
            least = counted < least ? counted : least;
        }
    }
    RV_ASSERT(least > 0);
    return least - 1;
}

static bool send_settled(rv_relayer *r, rv_writer *w) {
    for (uint32_t i = 0; i < RV_RELAY_SETTLED_MAX; i++) {
        rv_relay_settled *const s = &r->settled[i];
        const bool due = s->edge.incarnation > 0 && s->told < s->edge_sequence;
        const uint64_t up_to = due ? countable(r, s) : 0;
        if (up_to <= s->told) {
            continue;
        }
        s->told = up_to;
        rv_wire_relay relay = {
            .kind = RV_WIRE_SETTLED, .incarnation = s->edge.incarnation, .edge_sequence = up_to};
        memcpy(relay.edge_id, s->edge.edge_id, sizeof relay.edge_id);
        rv_wire_write_relay(w, &relay);
        RV_ASSERT(!w->full);
        return true;
    }
    return false;
}

/* --- keys --- */

rv_status rv_relayer_lease(rv_relayer *r, const rv_edge_life *edge, rv_bytes body,
                           rv_wire_leased *leased) {
    rv_relay_lease *lease = lease_of(r, edge);
    RV_ASSERT(edge->incarnation > 0);
    if (!r->granted) {
        return RV_NOT_CONNECTED;
    }
    if (lease == NULL) {
        for (uint32_t i = 0; i < RV_RELAY_LEASES_MAX && lease == NULL; i++) {
            lease = r->leases[i].edge.incarnation == 0 ? &r->leases[i] : NULL;
        }
        if (lease == NULL || body.len > sizeof lease->body) {
            return RV_BUSY;
        }
        *lease = (rv_relay_lease){.edge = *edge, .len = (uint32_t)body.len};
        memcpy(lease->body, body.ptr, body.len);
    }
    if (!rv_bytes_equal(rv_bytes_of(lease->body, lease->len), body)) {
        return RV_BUSY; /* the answer to another one is still to come */
    }
    lease->orphan = false;
    if (!lease->answered) {
        return RV_PENDING;
    }
    *leased = lease->leased;
    lease->edge.incarnation = 0;
    return RV_OK;
}

void rv_relayer_lease_forget(rv_relayer *r, const rv_edge_life *edge) {
    rv_relay_lease *const lease = edge->incarnation > 0 ? lease_of(r, edge) : NULL;
    if (lease != NULL) {
        lease->orphan = lease->sent && !lease->answered;
        lease->edge.incarnation = lease->orphan ? edge->incarnation : 0;
    }
    RV_ASSERT(r->message != NULL);
}

static bool send_lease(rv_relayer *r, rv_writer *w) {
    uint32_t sent = 0;
    for (uint32_t i = 0; i < RV_RELAY_LEASES_MAX; i++) {
        const rv_relay_lease *const l = &r->leases[i];
        sent += l->edge.incarnation > 0 && l->sent && !l->answered;
    }
    for (uint32_t i = 0; i < RV_RELAY_LEASES_MAX; i++) {
        rv_relay_lease *const l = &r->leases[i];
        if (sent >= RV_RELAY_LEASES_SENT || l->edge.incarnation == 0 || l->sent || l->answered) {
            continue;
        }
        rv_wire_relay relay = {.kind = RV_WIRE_LEASE,
                               .incarnation = l->edge.incarnation,
                               .body = rv_bytes_of(l->body, l->len)};
        memcpy(relay.edge_id, l->edge.edge_id, sizeof relay.edge_id);
        rv_wire_write_relay(w, &relay);
        l->sent = true;
        RV_ASSERT(!w->full);
        return true;
    }
    return false;
}

/* --- points --- */

static bool same_point(const rv_wire_point *a, const rv_wire_point *b) {
    RV_ASSERT(b->watermark > 0);
    return a->watermark == b->watermark && a->chain_hash == b->chain_hash;
}

rv_status rv_relayer_vouch(rv_relayer *r, const rv_wire_point *point) {
    rv_relay_vouch *place = NULL;
    for (uint32_t i = 0; i < RV_RELAY_VOUCHES_MAX; i++) {
        rv_relay_vouch *const v = &r->vouches[i];
        if (same_point(&v->point, point)) {
            return !v->answered                      ? RV_PENDING
                   : v->outcome == RV_WIRE_VOUCH_YES ? RV_OK
                                                     : RV_UPSTREAM_DIVERGED;
        }
        const bool free = v->point.watermark == 0 || v->answered;
        place = free && (place == NULL || v->age < place->age) ? v : place;
    }
    RV_ASSERT(point->watermark > 0);
    if (place != NULL) { /* else they are all under way */
        r->vouch_count += 1;
        *place = (rv_relay_vouch){.point = *point, .age = r->vouch_count};
    }
    return RV_PENDING;
}

rv_status rv_relayer_vouched(rv_relayer *r, rv_bytes body, rv_error *err) {
    rv_wire_point point;
    rv_wire_vouch outcome = RV_WIRE_VOUCH_UNKNOWN;
    const rv_status status = rv_wire_read_vouched(body, &point, &outcome, err);
    if (status != RV_OK) {
        return status;
    }
    for (uint32_t i = 0; i < RV_RELAY_VOUCHES_MAX; i++) {
        rv_relay_vouch *const v = &r->vouches[i];
        if (v->sent && !v->answered && same_point(&v->point, &point)) {
            v->answered = outcome != RV_WIRE_VOUCH_UNKNOWN;
            v->outcome = outcome;
            v->point.watermark = v->answered ? point.watermark : 0; /* asked again, when asked */
            return RV_OK;
        }
    }
    RV_ASSERT(r->message != NULL);
    return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream vouched for what it was not asked");
}

static bool send_vouch(rv_relayer *r, rv_writer *w) {
    rv_relay_vouch *next = NULL;
    for (uint32_t i = 0; i < RV_RELAY_VOUCHES_MAX; i++) {
        rv_relay_vouch *const v = &r->vouches[i];
        if (v->point.watermark == 0 || v->answered) {
            continue;
        }
        if (v->sent) {
            return false; /* one at a time */
        }
        next = next == NULL || v->age < next->age ? v : next;
    }
    if (next == NULL) {
        return false;
    }
    rv_wire_write_vouch(w, &next->point);
    next->sent = true;
    RV_ASSERT(!w->full);
    return true;
}

/* --- pushes --- */

/* The next push of this edge that may leave. False: there is none now. */
static bool next_push(rv_relayer *r, const rv_edge_life *edge, int64_t now, rv_relay *push,
                      rv_wire_relay *relay) {
    uint64_t after = 0;
    const rv_relay_delay *const d = delay_of(r, edge);
    for (uint32_t i = 0; i < r->flight_count; i++) {
        const rv_relay_flight *const f = &r->flights[i];
        if (!same_life(&f->edge, edge)) {
            continue;
        }
        after = f->edge_sequence;
        if (!f->answered) {
            relay->previous = f->edge_sequence;
            memcpy(relay->previous_id, f->first_id, sizeof relay->previous_id);
        }
    }
    if (d != NULL && (now < d->at || after > 0)) {
        r->deadline = d->at > now && d->at < r->deadline ? d->at : r->deadline;
        return false;
    }
    RV_ASSERT(relay->previous <= after);
    return rv_node_relay_next(r->node, edge, after, push) && push->durable;
}

static void fly(rv_relayer *r, const rv_relay *push, rv_wire_relay *relay, rv_writer *w) {
    rv_relay_flight *const f = &r->flights[r->flight_count];
    RV_ASSERT(r->flight_count < RV_RELAY_FLIGHTS_MAX);
    relay->kind = relay->refusal.status == RV_OK ? RV_WIRE_PUSH : RV_WIRE_REFUSED;
    relay->incarnation = push->edge.incarnation;
    relay->edge_sequence = push->edge_sequence;
    relay->body = push->body;
    memcpy(relay->edge_id, push->edge.edge_id, sizeof relay->edge_id);
    rv_wire_write_relay(w, relay);
    RV_ASSERT(!w->full);
    *f = (rv_relay_flight){
        .edge = push->edge, .edge_sequence = push->edge_sequence, .len = (uint32_t)w->len};
    memcpy(f->first_id, push->first_id, sizeof f->first_id);
    r->flight_count += 1;
    r->bytes += w->len;
    r->turn = push->edge;
}

/* --- one that is not kept --- */

rv_status rv_relayer_pass(rv_relayer *r, const rv_relay *push, const rv_error *refusal) {
    rv_relay_passing *const p = &r->passing;
    const bool same = p->push.body.len > 0 && p->push.edge_sequence == push->edge_sequence &&
                      same_life(&p->push.edge, &push->edge);
    RV_ASSERT(push->body.len > 0 && push->body.len <= RV_PUSH_LEN_MAX);
    if (p->forked) {
        end_passing(r); /* told now, or its edge is not here any more */
        return same ? RV_NOT_FOUND : RV_PENDING;
    }
    rv_relay first = {.edge_sequence = UINT64_MAX};
    (void)!rv_node_relay_next(r->node, &push->edge, 0, &first);
    /* who has to wait for others of its edge does not keep the place from somebody else */
    const bool takes = r->granted && (refusal == NULL || r->refusals);
    if (takes && p->push.body.len == 0 && first.edge_sequence > push->edge_sequence) {
        memcpy(p->memory, push->body.ptr, push->body.len);
        p->refusal = refusal != NULL ? *refusal : (rv_error){.status = RV_OK};
        p->push = *push;
        p->push.body = rv_bytes_of(p->memory, push->body.len);
        r->idle_at = 0;
    }
    return RV_PENDING;
}

/* True when it may leave: what of its edge is before it has. */
static bool may_pass(rv_relayer *r) {
    const rv_relay_passing *const p = &r->passing;
    rv_relay first = {.edge_sequence = UINT64_MAX};
    RV_ASSERT(r->flight_count <= RV_RELAY_FLIGHTS_MAX);
    if (p->push.body.len == 0 || p->flies || p->forked) {
        return false;
    }
    for (uint32_t i = 0; i < r->flight_count; i++) {
        if (same_life(&r->flights[i].edge, &p->push.edge)) {
            return false;
        }
    }
    (void)!rv_node_relay_next(r->node, &p->push.edge, 0, &first);
    if (first.edge_sequence == p->push.edge_sequence) {
        end_passing(r); /* there was room for it after all */
        return false;
    }
    return first.edge_sequence > p->push.edge_sequence;
}

/* What is kept, and durable, is another when this is. */
static uint64_t log_now(const rv_relayer *r) {
    return 1 + rv_node_decisions_made(r->node) + rv_node_decisions_durable(r->node);
}

static bool send_passing(rv_relayer *r, rv_writer *w) {
    rv_wire_relay relay = {.previous = 0, .refusal = r->passing.refusal};
    const rv_edge_life turn = r->turn;
    RV_ASSERT(!r->passing.flies);
    if (r->flight_count > 0 && r->bytes + r->passing.push.body.len > r->bytes_max) {
        return false;
    }
    fly(r, &r->passing.push, &relay, w);
    r->flights[r->flight_count - 1].passed = true;
    r->passing.flies = true;
    r->turn = turn;
    return true;
}

/* Every edge has its turn, from the one behind the last on. */
static bool send_push(rv_relayer *r, int64_t now, rv_writer *w) {
    const bool due = now >= r->deadline;
    if (r->flight_count >= r->pushes_max || (r->idle_at == log_now(r) && !due)) {
        return false;
    }
    rv_edge_life life = r->turn;
    const rv_edge_life first = r->turn;
    bool wrapped = false;
    if (may_pass(r)) { /* the others wait for it, if there is no room beside them */
        return send_passing(r, w);
    }
    r->deadline = INT64_MAX;
    for (;;) { /* once around all lives: they rise, and wrap once */
        if (!rv_node_relay_life(r->node, &life, &life)) {
            if (wrapped) {
                break;
            }
            wrapped = true;
            life = (rv_edge_life){.incarnation = 0};
            continue;
        }
        rv_relay push = {.edge_sequence = 0};
        rv_wire_relay relay = {.previous = 0};
        if (next_push(r, &life, now, &push, &relay)) {
            if (r->flight_count > 0 && r->bytes + push.body.len > r->bytes_max) {
                return false;
            }
            fly(r, &push, &relay, w);
            return true;
        }
        if (wrapped && same_life(&life, &first)) {
            break;
        }
    }
    r->idle_at = log_now(r);
    RV_ASSERT(r->idle_at > 0);
    return false;
}

bool rv_relayer_send(rv_relayer *r, int64_t now, rv_bytes *message) {
    rv_writer w = rv_writer_over(r->message, RV_RELAY_LEN_MAX);
    RV_ASSERT(message != NULL);
    if (!r->granted ||
        !(send_settled(r, &w) || send_lease(r, &w) || send_vouch(r, &w) || send_push(r, now, &w))) {
        return false;
    }
    *message = rv_writer_bytes(&w);
    return true;
}

int64_t rv_relayer_deadline(const rv_relayer *r) {
    RV_ASSERT(r->message != NULL);
    return r->granted ? r->deadline : INT64_MAX;
}
