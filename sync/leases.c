/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/leases.h"

#include "core/base/assert.h"

RV_STATIC_ASSERT(RV_WIRE_HEADER_LEN + 5 + 1 + RV_NAME_LEN_MAX + 10 + 10 + 3 <= 128,
                 "a request fits its buffer");

void rv_leaser_create(rv_leaser *l, rv_node *node) {
    RV_ASSERT(node != NULL);
    *l = (rv_leaser){.node = node,
                     .next_attempt = INT64_MIN,
                     .refused_until = INT64_MAX,
                     .awaited_until = INT64_MAX};
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

static bool is_refused(const rv_leaser *l, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    return (l->refused[aggregate / 64u] >> (aggregate % 64u) & 1) != 0;
}

/* Nothing is under way any more. */
static void finish(rv_leaser *l, bool refused, int64_t now) {
    const uint16_t a = l->wish.aggregate;
    RV_ASSERT(l->asked && a < RV_AGGREGATES_MAX);
    l->asked = false;
    l->answered = false;
    l->awaited = false;
    l->overdue = false;
    l->awaited_until = INT64_MAX;
    if (refused) {
        const int64_t again = now + RV_LEASES_AGAIN_US;
        l->refused[a / 64u] |= UINT64_C(1) << (a % 64u);
        l->refused_until = l->refused_until < again ? l->refused_until : again;
    }
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
        finish(l, true, now);
        return RV_OK;
    }
    l->answered = true;
    l->lease = (rv_lease){leased.first, leased.count};
    rv_leaser_poll(l, now);
    RV_ASSERT(l->asked || !l->answered);
    return RV_OK;
}

/* What comes to pass by time alone. */
static void pass_time(rv_leaser *l, int64_t now) {
    RV_ASSERT(!l->overdue || l->awaited);
    l->polled_at = now;
    if (now >= l->refused_until) {
        memset(l->refused, 0, sizeof l->refused);
        l->refused_until = INT64_MAX;
        l->idle = false;
    }
    l->next_attempt = now >= l->next_attempt ? INT64_MIN : l->next_attempt;
    if (l->awaited && l->awaited_until == INT64_MAX) {
        l->awaited_until = now + RV_LEASES_WAIT_US;
    }
    l->overdue = l->overdue || (l->awaited && now >= l->awaited_until);
}

void rv_leaser_poll(rv_leaser *l, int64_t now) {
    pass_time(l, now);
    if (!l->granted || rv_node_in_batch(l->node)) {
        return;
    }
    if (l->answered) {
        const rv_status status = rv_node_keys_take(l->node, &l->wish, &l->lease, NULL);
        if (status != RV_PENDING && status != RV_BUSY) {
            finish(l, status != RV_OK, now);
        }
    } else if (now >= l->next_attempt && rv_node_keys_unprepared(l->node)) {
        const rv_status status = rv_node_keys_prepare(l->node, NULL);
        if (status != RV_OK && status != RV_PENDING && status != RV_BUSY) {
            l->next_attempt = now + RV_LEASES_AGAIN_US;
        }
    }
    RV_ASSERT(l->asked || !l->answered);
}

/* The next wish that was not refused lately. */
static bool next_wish(rv_leaser *l) {
    uint16_t from = 0;
    bool found = rv_node_keys_wish(l->node, from, &l->wish);
    while (found && is_refused(l, l->wish.aggregate)) {
        RV_ASSERT(l->wish.aggregate >= from);
        from = (uint16_t)(l->wish.aggregate + 1);
        found = rv_node_keys_wish(l->node, from, &l->wish);
    }
    return found;
}

bool rv_leaser_send(rv_leaser *l, int64_t now, rv_bytes *message) {
    RV_ASSERT(message != NULL);
    if (!l->granted || l->asked || now < l->next_attempt ||
        (l->idle && l->revision == rv_node_keys_revision(l->node)) ||
        !rv_node_keys_ready(l->node)) {
        return false;
    }
    if (!next_wish(l)) {
        l->idle = true;
        l->revision = rv_node_keys_revision(l->node);
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

bool rv_leaser_awaits(rv_leaser *l, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    if (!l->granted || l->overdue || l->next_attempt != INT64_MIN || is_refused(l, aggregate)) {
        return false;
    }
    l->awaited = true;
    return true;
}

int64_t rv_leaser_deadline(const rv_leaser *l) {
    RV_ASSERT(l->asked || !l->answered);
    int64_t deadline = INT64_MAX;
    if (l->awaited && !l->overdue) {
        deadline = l->awaited_until == INT64_MAX ? l->polled_at : l->awaited_until;
    }
    if (l->granted && l->next_attempt != INT64_MIN && l->next_attempt < deadline) {
        deadline = l->next_attempt;
    }
    return l->granted && l->refused_until < deadline ? l->refused_until : deadline;
}
