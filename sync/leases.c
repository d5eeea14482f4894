/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/leases.h"

#include "core/base/assert.h"

RV_STATIC_ASSERT(RV_WIRE_HEADER_LEN + 5 + 1 + RV_NAME_LEN_MAX + 10 + 10 + 3 <= 128,
                 "a request fits its buffer");

void rv_leaser_create(rv_leaser *l, rv_node *node) {
    RV_ASSERT(node != NULL);
    *l = (rv_leaser){.node = node, .next_attempt = INT64_MIN};
}

void rv_leaser_welcome(rv_leaser *l, const rv_wire_welcome *welcome) {
    const uint64_t both = RV_WIRE_FEATURE_PUSH | RV_WIRE_FEATURE_LEASE;
    RV_ASSERT(!l->asked && !l->answered);
    l->granted = (welcome->features & both) == both;
    l->next_attempt = INT64_MIN;
}

void rv_leaser_disconnect(rv_leaser *l) {
    rv_leaser_create(l, l->node);
}

/* Nothing is under way any more. */
static void finish(rv_leaser *l, bool refused) {
    RV_ASSERT(l->asked);
    l->asked = false;
    l->answered = false;
    l->refused = l->refused || refused;
    l->from = refused ? (uint16_t)(l->wish.aggregate + 1) : l->from;
}

rv_status rv_leaser_take(rv_leaser *l, rv_bytes body, int64_t now, rv_error *err) {
    rv_wire_leased leased;
    const rv_status status = rv_wire_read_leased(body, &leased, err);
    if (status != RV_OK) {
        return status;
    }
    if (!l->asked || l->answered) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream leased keys that were not asked "
                            "for");
    }
    if (!leased.granted) {
        finish(l, true);
        return RV_OK;
    }
    l->answered = true;
    l->lease = (rv_lease){leased.first, leased.count};
    rv_leaser_poll(l, now);
    RV_ASSERT(l->asked || !l->answered);
    return RV_OK;
}

void rv_leaser_poll(rv_leaser *l, int64_t now) {
    if (!l->granted || rv_node_in_batch(l->node)) {
        return;
    }
    if (l->answered) {
        const rv_status status = rv_node_keys_take(l->node, &l->wish, &l->lease, NULL);
        if (status != RV_PENDING && status != RV_BUSY) {
            finish(l, status != RV_OK);
        }
    } else if (now >= l->next_attempt && rv_node_keys_unprepared(l->node)) {
        const rv_status status = rv_node_keys_prepare(l->node, NULL);
        if (status != RV_OK && status != RV_PENDING && status != RV_BUSY) {
            l->next_attempt = now + RV_LEASES_AGAIN_US;
        }
    }
    RV_ASSERT(l->asked || !l->answered);
}

/* There is no wish behind those that were refused. */
static void rest(rv_leaser *l, int64_t now) {
    l->idle = !l->refused;
    l->revision = rv_node_keys_revision(l->node);
    l->next_attempt = l->refused ? now + RV_LEASES_AGAIN_US : INT64_MIN;
    l->refused = false;
    l->from = 0;
    RV_ASSERT(!l->asked);
}

bool rv_leaser_send(rv_leaser *l, int64_t now, rv_bytes *message) {
    RV_ASSERT(message != NULL);
    if (!l->granted || l->asked || now < l->next_attempt ||
        (l->idle && l->revision == rv_node_keys_revision(l->node)) ||
        !rv_node_keys_ready(l->node)) {
        return false;
    }
    if (!rv_node_keys_wish(l->node, l->from, &l->wish)) {
        rest(l, now);
        return false;
    }
    const rv_wire_lease lease = {
        .incarnation = l->wish.incarnation,
        .aggregate = rv_schema_aggregate(rv_node_schema(l->node), l->wish.aggregate)->name,
        .known = l->wish.known,
        .done = l->wish.done,
        .count = l->wish.count};
    rv_writer w = rv_writer_over(l->message, sizeof l->message);
    rv_wire_write_lease(&w, &lease);
    RV_ASSERT(!w.full);
    l->asked = true;
    *message = rv_writer_bytes(&w);
    return true;
}

int64_t rv_leaser_deadline(const rv_leaser *l) {
    RV_ASSERT(l->asked || !l->answered);
    return l->granted && !l->asked && l->next_attempt != INT64_MIN ? l->next_attempt : INT64_MAX;
}
