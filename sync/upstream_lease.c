/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases of serial keys, at the upstream. A session keeps the one request that is under way; it is
 * given to the node until it is granted, which is the same however often it is asked, and once more
 * when that is durable, for the answer.
 *
 *     none -> wanted -> granted, not durable -> none: answered
 *                `----- refused ----------------^
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

rv_status rv_upstream_take_lease(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_lease wire;
    rv_status status = rv_wire_read_lease(body, &wire, err);
    const bool in_turn = s->push.agreed && s->state == RV_UPSTREAM_LIVE && !s->welcome_owed;
    if (status == RV_OK && (!in_turn || s->lease.wanted)) {
        status = rv_error_set(err, RV_PROTOCOL_ERROR, "the edge asked for keys out of turn");
    }
    if (status == RV_OK && s->push.superseded) {
        status = rv_error_set(err, RV_BUSY, "another connection of this edge has taken its place");
    }
    status = status == RV_OK ? rv_upstream_take_incarnation(s, wire.incarnation, err) : status;
    if (status != RV_OK) {
        return status;
    }
    const rv_aggregate *const aggregate =
        rv_schema_aggregate_named(rv_node_schema(s->shared->node), wire.aggregate);
    RV_ASSERT(s->push.life.incarnation == wire.incarnation);
    s->lease = (rv_upstream_lease){
        .wanted = true,
        .known = aggregate != NULL,
        .request = {.edge = s->push.life,
                    .aggregate = aggregate != NULL ? aggregate->number : (uint16_t)0,
                    .known = wire.known,
                    .done = wire.done,
                    .count = wire.count}};
    return RV_OK;
}

/* Asks the node. RV_PENDING, RV_BUSY: later. */
static rv_status ask(rv_upstream *s, rv_lease *lease, rv_error *why) {
    rv_upstream_lease *const l = &s->lease;
    rv_node *const node = s->shared->node;
    RV_ASSERT(l->wanted);
    if (!l->known) {
        return rv_error_set(why, RV_UNKNOWN_AGGREGATE, "no aggregate has the name of the request");
    }
    if (l->granted && rv_node_decisions_durable(node) < l->made) {
        return RV_PENDING;
    }
    const rv_status status = rv_node_lease(node, &l->request, lease, why);
    if (status == RV_OK && !l->granted) {
        l->granted = true;
        l->made = rv_node_decisions_made(node);
        return rv_node_decisions_durable(node) < l->made ? RV_PENDING : RV_OK;
    }
    return status;
}

bool rv_upstream_lease_answer(rv_upstream *s, rv_bytes *message) {
    rv_wire_leased leased = {.granted = false};
    rv_lease lease = {0, 0};
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE);
    if (!s->lease.wanted || s->push.superseded) {
        return false;
    }
    const rv_status status = ask(s, &lease, &leased.refusal);
    if (status == RV_PENDING || status == RV_BUSY) {
        return false;
    }
    leased.granted = status == RV_OK;
    leased.first = lease.first;
    leased.count = lease.count;
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_leased(&w, &leased);
    RV_ASSERT(!w.full);
    s->lease = (rv_upstream_lease){.wanted = false};
    *message = rv_writer_bytes(&w);
    return true;
}
