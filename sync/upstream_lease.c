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
    RV_ASSERT(s->push.life.incarnation == wire.incarnation);
    rv_upstream_lease_begin(s->shared, &s->push.life, &wire, &s->lease);
    return RV_OK;
}

void rv_upstream_lease_begin(const rv_upstream_shared *shared, const rv_edge_life *edge,
                             const rv_wire_lease *wire, rv_upstream_lease *lease) {
    const rv_aggregate *const aggregate =
        rv_schema_aggregate_named(rv_node_schema(shared->node), wire->aggregate);
    RV_ASSERT(!lease->wanted);
    *lease = (rv_upstream_lease){
        .wanted = true,
        .known = aggregate != NULL,
        .request = {.edge = *edge,
                    .aggregate = aggregate != NULL ? aggregate->number : (uint16_t)0,
                    .known = wire->known,
                    .done = wire->done,
                    .count = wire->count}};
}

/* Asks the node. RV_PENDING, RV_BUSY: later. */
static rv_status ask_node(rv_node *node, rv_upstream_lease *l, rv_lease *lease, rv_error *why) {
    RV_ASSERT(l->wanted && l->known);
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

/* Asks the gateway's own upstream: the same request, as the gateway knows the aggregate. */
static rv_status ask_upstream(rv_upstream_shared *shared, const rv_upstream_lease *l,
                              rv_wire_leased *leased) {
    uint8_t bytes[128];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    const rv_wire_lease wire = {
        .incarnation = l->request.edge.incarnation,
        .aggregate = rv_schema_aggregate(rv_node_schema(shared->node), l->request.aggregate)->name,
        .known = l->request.known,
        .done = l->request.done,
        .count = l->request.count};
    rv_wire_write_lease(&w, &wire);
    RV_ASSERT(!w.full);
    if (shared->relayer == NULL) {
        return RV_PENDING;
    }
    return rv_relayer_lease(shared->relayer, &l->request.edge,
                            rv_bytes_from(rv_writer_bytes(&w), RV_WIRE_HEADER_LEN), leased);
}

rv_status rv_upstream_lease_ask(rv_upstream_shared *shared, rv_upstream_lease *l,
                                rv_wire_leased *leased) {
    rv_lease lease = {0, 0};
    *leased = (rv_wire_leased){.granted = false};
    RV_ASSERT(l->wanted);
    if (!l->known) {
        (void)rv_error_set(&leased->refusal, RV_UNKNOWN_AGGREGATE,
                           "no aggregate has the name of the request");
        return RV_OK;
    }
    if (rv_upstream_is_gateway(shared)) {
        return ask_upstream(shared, l, leased) == RV_OK ? RV_OK : RV_PENDING;
    }
    const rv_status status = ask_node(shared->node, l, &lease, &leased->refusal);
    if (status == RV_PENDING || status == RV_BUSY) {
        return status;
    }
    leased->granted = status == RV_OK;
    leased->first = lease.first;
    leased->count = lease.count;
    return RV_OK;
}

bool rv_upstream_lease_answer(rv_upstream *s, rv_bytes *message) {
    rv_wire_leased leased;
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE);
    if (!s->lease.wanted || s->push.superseded ||
        (rv_upstream_token_leases(s) &&
         rv_upstream_lease_ask(s->shared, &s->lease, &leased) != RV_OK)) {
        return false;
    }
    if (!rv_upstream_token_leases(s)) {
        leased = (rv_wire_leased){.granted = false};
        (void)rv_error_set(&leased.refusal, RV_FORBIDDEN,
                           "the token of `%b` may write nothing, so it needs no keys",
                           &(rv_bytes){s->access.principal, s->access.principal_len});
    }
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_leased(&w, &leased);
    RV_ASSERT(!w.full);
    s->lease = (rv_upstream_lease){.wanted = false};
    *message = rv_writer_bytes(&w);
    return true;
}
