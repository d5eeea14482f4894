/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers who do not know what became of what they wrote at an edge, and give it again under its
 * ids (SEMANTICS 3): there, at another edge, or at the root, while it waits, when it was refused,
 * when it is in the log. Each such request is an operation of its own, with metadata of its own, so
 * that the log says which of them was taken. What they ask for is there once, none of them is
 * refused of which the event was in the root's log when it was judged, and what counted the one has
 * counted the other.
 *
 * Given again is what a writer does not complete: of a key, or a random value, each would take its
 * own, and it is not the same any more.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"

#include <stdlib.h>

#define AGAIN_PERCENT  25 /* of what is written */
#define RECENT_PERCENT 60 /* of that: one of the last */
#define RECENT         12
#define TRIES          20

static const sim_operation *first_of(const sim_operation *o) {
    RV_ASSERT(o->first == NULL || o->first->first == NULL);
    return o->first != NULL ? o->first : o;
}

/* The caller gives all that the event has. */
static bool is_complete(const sim_world *world, const sim_asked *asked) {
    static rv_event_draft draft;
    static uint8_t memory[1 << 18];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    const rv_append append = sim_asked_append(asked);
    bool complete = asked->has_id && asked->expected == RV_EXPECTED_ANY &&
                    asked->counting == SIM_COUNTS_NOT && asked->draft.path[0] == '/' &&
                    rv_event_draft_read(world->truth.schema, append.path, append.type, append.data,
                                        &scratch, &draft, NULL) == RV_OK;
    for (uint16_t f = 0; complete && f < draft.type->field_count; f++) {
        complete = draft.given[f] || !draft.type->fields[f].has_default;
    }
    return complete;
}

/* One that a caller may give again; NULL: none was met. */
static sim_operation *earlier(const sim_world *world, uint64_t *random) {
    const sim_operations *const all = &world->operations;
    for (uint32_t i = 0; i < TRIES && all->count > 0; i++) {
        const uint32_t span =
            rv_random_chance(random, RECENT_PERCENT) && all->count > RECENT ? RECENT : all->count;
        sim_operation *const o =
            all->list[all->count - 1 - (uint32_t)rv_random_below(random, span)];
        bool fits = o->kind == SIM_STEP_WRITE && o->command == NULL;
        for (uint8_t k = 0; k < o->count && fits; k++) {
            fits = is_complete(world, &o->asked[k]);
        }
        if (fits) {
            return o;
        }
    }
    return NULL;
}

sim_operation *sim_retry_draw(sim_world *world, const sim_step *step) {
    uint64_t random = sim_plan_stream(step->seed, "retry");
    if (!world->plan->features.retries ||
        (step->kind != SIM_STEP_WRITE && step->kind != SIM_STEP_APPEND) ||
        !rv_random_chance(&random, AGAIN_PERCENT)) {
        return NULL;
    }
    sim_operation *const other = earlier(world, &random);
    sim_operation *const o =
        other == NULL ? NULL : sim_operations_add(&world->operations, step->kind, other->count);
    for (uint8_t i = 0; o != NULL && i < o->count; i++) {
        const sim_asked *const from = &other->asked[i];
        sim_asked *const to = &o->asked[i];
        to->draft = from->draft;
        to->has_id = true;
        memcpy(to->id, from->id, sizeof to->id);
        if (from->bulk != NULL) {
            const size_t size = strlen(from->bulk) + 1;
            to->bulk = malloc(size);
            RV_ASSERT(to->bulk != NULL);
            memcpy(to->bulk, from->bulk, size);
        }
    }
    if (o != NULL) {
        o->first = other->first != NULL ? other->first : other;
        world->figures.retried += 1;
        sim_note(world, step->member, "gives op %u again", o->first->number);
    }
    return o;
}

/* The next operation from `*at` on that asks for the same, also the operation itself; NULL: none.
 */
static const sim_operation *next_same(const sim_world *world, const sim_operation *o,
                                      uint32_t *at) {
    const bool alone = !world->plan->features.retries;
    *at = alone && *at < o->number ? o->number : *at;
    while (*at < world->operations.count && !(alone && *at > o->number)) {
        const sim_operation *const other = world->operations.list[(*at)++];
        if (first_of(other) == first_of(o)) {
            return other;
        }
    }
    RV_ASSERT(*at <= world->operations.count);
    return NULL;
}

uint32_t sim_retry_met(const sim_world *world, const sim_operation *o, uint8_t nth) {
    const sim_operation *same = NULL;
    uint32_t at = 0, met = 0;
    RV_ASSERT(nth < SIM_BATCH_MAX);
    while ((same = next_same(world, o, &at)) != NULL) {
        met += same->asked[nth].met;
    }
    return met;
}

bool sim_retry_counts(const sim_world *world, const sim_operation *other, const sim_operation *o) {
    const sim_operation *same = NULL;
    uint32_t at = 0;
    bool counts = false;
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
    while (!counts && (same = next_same(world, other, &at)) != NULL) {
        counts = same->kind == SIM_STEP_WRITE && sim_twins_own(world, same, o) &&
                 same->edge_sequence < o->edge_sequence;
    }
    return counts;
}

bool sim_retry_rejected(const sim_world *world, const sim_operation *o) {
    const sim_operation *same = NULL;
    uint32_t at = 0;
    bool rejected = false;
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
    while (!rejected && (same = next_same(world, o, &at)) != NULL) {
        const bool here = same->writer == o->writer ? same->writer_life == o->writer_life
                                                    : sim_twins_own(world, same, o);
        rejected = same->rejected && here;
    }
    return rejected;
}

/* Where the operation's first event is in the root's log, whoever gave it; 0: it is not, or another
 * one has its id. */
static uint64_t position_of(const sim_world *world, const sim_operation *o) {
    RV_ASSERT(!o->schema);
    for (uint64_t p = 1; p <= world->truth.count && o->asked[0].has_id; p++) {
        const rv_event *const event = &sim_truth_at(&world->truth, p)->event;
        uint32_t index = 0;
        const sim_operation *const by =
            memcmp(event->event_id, o->asked[0].id, sizeof o->asked[0].id) == 0
                ? sim_operations_find(&world->operations, event->metadata, &index)
                : NULL;
        if (by != NULL && first_of(by) == first_of(o)) {
            return p;
        }
    }
    return 0;
}

void sim_retry_check_end(sim_world *world, const sim_operation *o) {
    const bool restored = world->restores.count + world->restores.epochs > 0;
    if (!world->plan->features.retries || o->kind != SIM_STEP_WRITE) {
        return;
    }
    const uint64_t position = position_of(world, o);
    world->figures.retries_met += o->level == SIM_UPSTREAM && o->asked[0].met == 0 &&
                                  o->edge_sequence > 0 && o->command == NULL;
    RV_ASSERT(o->first == NULL || o->command == NULL);
    if (position > 0 && o->rejected && o->judged_at >= position && !restored) {
        sim_fail(world, SIM_CHECK_JUDGEMENT,
                 "op %u was refused at position %llu and is there since position %llu", o->number,
                 (unsigned long long)o->judged_at, (unsigned long long)position);
    }
}
