/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder's file, under another name for its decoder: this one takes the library's place in the
 * simulator's programs.
 */
#define rv_event_data_decode rv_event_data_decode_all
#include "core/model/event.c" /* NOLINT(bugprone-suspicious-include) */
#undef rv_event_data_decode

#include "tests/sim/older.h"

#include "core/engine/rewind.h"
#include "tests/sim/world.h"

#include <string.h>

#define FIELD_N 1u /* of an extra's event */

bool rv_event_data_decode(const rv_event_type *type, rv_bytes data, rv_value *values);

static const sim_member *runs; /* whose node does */
static bool guesses;           /* SIM_CANARY_OLDER_GUESSES */

const sim_member *sim_older_runs(const sim_world *world, const sim_member *member) {
    const sim_member *const before = runs;
    RV_ASSERT(member == NULL || member->index < world->plan->member_count);
    runs = member;
    guesses = world->canary == SIM_CANARY_OLDER_GUESSES;
    return before;
}

/* True when an older version does not understand the event with these values. */
static bool is_later(const rv_event_type *type, const rv_value *values) {
    static const char prefix[] = "extra";
    RV_ASSERT(type->name.len > 0);
    return type->name.len > sizeof prefix - 1 &&
           memcmp(type->name.ptr, prefix, sizeof prefix - 1) == 0 &&
           values[FIELD_N].class_ == RV_VALUE_INT && values[FIELD_N].as.integer % 3 == 0;
}

bool sim_event_decode(const rv_event_type *type, rv_bytes data, rv_value *values) {
    RV_ASSERT(values != NULL);
    return rv_event_data_decode_all(type, data, values);
}

bool rv_event_data_decode(const rv_event_type *type, rv_bytes data, rv_value *values) {
    const bool good = rv_event_data_decode_all(type, data, values);
    RV_ASSERT(type->field_count > 0);
    if (!good || runs == NULL || !runs->older || !is_later(type, values)) {
        return good;
    }
    values[FIELD_N].as.integer += 1;
    return guesses;
}

bool sim_older_ends(const sim_world *world, const sim_member *member) {
    RV_ASSERT(member->life == SIM_UP);
    return member->older && (world->quiet || world->now >= member->plan->older_until);
}

/* --- what is stale --- */

static bool is_opaque(const sim_world *world, const rv_event *event) {
    rv_value values[RV_FIELDS_MAX];
    if (event->type == RV_SYSTEM_SCHEMA_TYPE) {
        return false;
    }
    const rv_event_type *const type = rv_schema_event_type(world->truth.schema, event->type);
    RV_ASSERT(event->position > 0);
    return sim_event_decode(type, event->data, values) && is_later(type, values);
}

/* The aggregate that the event creates a row of. */
static uint16_t touched(const sim_world *world, const rv_event *event) {
    const rv_event_type *const type = rv_schema_event_type(world->truth.schema, event->type);
    RV_ASSERT(type->touch_count > 0);
    return type->touches[0].aggregate;
}

/* Each mark has an event that the member has, and does not understand. */
static void check_marks(sim_world *world, const sim_member *m) {
    const uint16_t count = rv_schema_aggregate_count(rv_node_schema(m->node));
    for (uint16_t a = 0; a < count; a++) {
        uint64_t since = 0;
        if (!rv_node_stale(m->node, a, &since)) {
            continue;
        }
        const rv_event *const event =
            since <= world->truth.count ? &sim_truth_at(&world->truth, since)->event : NULL;
        const bool good =
            m->older && event != NULL && is_opaque(world, event) && touched(world, event) == a &&
            sim_member_has(m, since, world->truth.streams[event->stream].path) != SIM_HAS_NOT;
        world->figures.stale += 1;
        if (!good) {
            sim_fail(world, SIM_CHECK_STALE, "member %u says that aggregate %u is stale since %llu",
                     (unsigned)m->index, (unsigned)a, (unsigned long long)since);
        }
    }
}

/* Each event that the member has and does not understand has a mark, not behind it. What a base has
 * brought has none. */
static void check_events(sim_world *world, const sim_member *m) {
    const uint64_t w = rv_node_watermark(m->node);
    for (uint64_t p = m->helds.base + 1; p <= w && m->older; p++) {
        const rv_event *const event = &sim_truth_at(&world->truth, p)->event;
        uint64_t since = 0;
        if (!is_opaque(world, event) ||
            sim_member_has(m, p, world->truth.streams[event->stream].path) != SIM_HAS) {
            continue;
        }
        const uint16_t a = touched(world, event);
        world->figures.opaque += 1;
        if (!rv_node_stale(m->node, a, &since) || since > p) {
            sim_fail(world, SIM_CHECK_STALE,
                     "member %u does not understand position %llu, and aggregate %u is not stale",
                     (unsigned)m->index, (unsigned long long)p, (unsigned)a);
        }
    }
}

void sim_older_turn(sim_world *world, sim_member *m) {
    RV_ASSERT(m->life == SIM_UP);
    if (!world->plan->features.older || rv_node_in_batch(m->node) || !rv_node_whole(m->node) ||
        sim_restored_beside(m) || rv_node_rewinding(m->node) ||
        rv_node_watermark(m->node) > world->truth.count) {
        return;
    }
    check_marks(world, m);
    check_events(world, m);
}
