/* SPDX-License-Identifier: Apache-2.0 */
/* Opaque events and stale aggregates: see engine/opaque.h. */
#include "core/engine/opaque.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

void rv_opaque_reset(rv_opaque *opaque) {
    RV_ASSERT(opaque != NULL);
    memset(opaque, 0, sizeof *opaque);
}

void rv_opaque_mark(rv_node *node, const rv_event *event) {
    rv_opaque *const o = &node->opaque;
    const rv_event_type *const type = rv_schema_event_type(node->schema, event->type);
    RV_ASSERT(event->position > 0);
    o->events += 1;
    for (uint16_t t = 0; t < type->touch_count; t += 1) {
        const rv_touch *const touch = &type->touches[t];
        const bool changes = touch->kind != RV_TOUCH_REFERENCES || touch->acted_on;
        const bool given = rv_state_is_given(node->state, touch->aggregate);
        if (changes && !given && o->since[touch->aggregate] == 0) {
            o->since[touch->aggregate] = event->position;
            o->stale += 1;
        }
    }
    RV_ASSERT(o->stale <= RV_AGGREGATES_MAX);
}

void rv_opaque_begin(rv_opaque *opaque) {
    RV_ASSERT(opaque->events >= opaque->events_before);
    opaque->events_before = opaque->events;
}

void rv_opaque_take_back(rv_opaque *opaque, uint64_t watermark) {
    RV_ASSERT(opaque->events >= opaque->events_before);
    for (uint32_t a = 0; a < RV_AGGREGATES_MAX && opaque->events > opaque->events_before; a += 1) {
        if (opaque->since[a] > watermark) {
            opaque->since[a] = 0;
            opaque->stale -= 1;
        }
    }
    opaque->events = opaque->events_before;
}

rv_hash128 rv_opaque_hash(const rv_node *node) {
    rv_hash128 sum = {0, 0};
    RV_ASSERT(node->opaque.stale <= RV_AGGREGATES_MAX);
    for (uint16_t a = 0; node->opaque.stale > 0 && a < rv_schema_aggregate_count(node->schema);
         a += 1) {
        const uint64_t since = node->opaque.since[a];
        if (since > 0) {
            sum = rv_hash128_add(sum,
                                 rv_hash128_of(since, rv_schema_aggregate(node->schema, a)->name));
        }
    }
    return sum;
}

void rv_opaque_uncertain(const rv_opaque *opaque, uint64_t *bits) {
    RV_ASSERT(bits != NULL);
    for (uint32_t a = 0; opaque->stale > 0 && a < RV_AGGREGATES_MAX; a += 1) {
        if (opaque->since[a] > 0) {
            bits[a / 64u] &= ~(UINT64_C(1) << (a % 64u));
        }
    }
}

rv_status rv_opaque_check(const rv_node *node, rv_error *err) {
    RV_ASSERT(node->opaque.stale <= RV_AGGREGATES_MAX);
    if (node->role != RV_ROLE_ROOT || node->opaque.stale == 0) {
        return RV_OK;
    }
    const rv_status status = rv_error_set(
        err, RV_READ_ONLY,
        "this version does not understand %u events that change %u aggregates, so it cannot judge "
        "what is appended; open the data with the version that wrote them",
        node->opaque.events, (uint64_t)node->opaque.stale);
    rv_error_fact_uint(err, "opaque_events", node->opaque.events);
    return status;
}

/* --- facts --- */

bool rv_node_stale(const rv_node *node, uint16_t aggregate, uint64_t *since) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX && since != NULL);
    *since = node->opaque.since[aggregate];
    return *since > 0;
}

uint32_t rv_node_stale_count(const rv_node *node) {
    RV_ASSERT(node->opaque.stale <= RV_AGGREGATES_MAX);
    return node->opaque.stale;
}

uint64_t rv_node_opaque_events(const rv_node *node) {
    return node->opaque.events;
}
