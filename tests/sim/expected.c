/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expected versions of what is written at an edge (SEMANTICS 8): the caller says what it was shown,
 * the confirmed head and own pending events on it. What became of it is judged by the truth alone:
 *
 *   accepted   what the root's stream had then is the head that was shown, and behind it nothing
 * but own events that were written before refused    the stream was at another version, between the
 * one that was shown as confirmed and the last; at a lower one than was expected only if an own
 * event was refused before; at the expected one only if others than own ones made it that
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"

#include <stdlib.h>

/* The version of a stream as the node shows it; 0: it knows none. */
uint64_t sim_expected_shown(const sim_member *member, const char *path) {
    uint32_t stream = 0;
    rv_stream_head head = {.version = 0};
    const rv_state *const state = rv_node_state(member->node);
    RV_ASSERT(member->plan->role == SIM_EDGE);
    if (rv_state_stream_find(state, rv_bytes_of_string(path), &stream)) {
        rv_state_stream(state, stream, &head);
    }
    return head.version;
}

static bool is_suspended(const sim_member *member, const char *path) {
    rv_pending pending;
    for (uint64_t after = 0; rv_node_pending(member->node, after, &pending);) {
        rv_pending_cursor cursor = {0};
        rv_pending_event event;
        after = pending.edge_sequence;
        while (pending.state == RV_PENDING_SUSPENDED &&
               rv_node_pending_event(member->node, &pending, &cursor, &event)) {
            if (rv_bytes_are(event.path, path)) {
                return true;
            }
        }
    }
    return false;
}

void sim_expected_ask(const sim_member *member, sim_operation *o) {
    for (uint8_t i = 0; i < o->count; i++) {
        sim_asked *const asked = &o->asked[i];
        uint64_t before = 0;
        if (asked->counting == SIM_COUNTS_NOT) {
            continue;
        }
        for (uint8_t k = 0; k < i; k++) {
            before += strcmp(o->asked[k].draft.path, asked->draft.path) == 0;
        }
        const bool wrong = asked->counting == SIM_COUNTS_WRONG;
        asked->expected_version = sim_expected_shown(member, asked->draft.path) + before + wrong;
        asked->expected = asked->expected_version > 0 ? RV_EXPECTED_NUMBER : RV_EXPECTED_NONE;
        asked->beside_suspended = is_suspended(member, asked->draft.path);
    }
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
}

void sim_expected_answered(sim_world *world, const sim_member *member, const sim_operation *o,
                           const rv_event *results, rv_status status) {
    for (uint8_t i = 0; i < o->count; i++) {
        const sim_asked *const asked = &o->asked[i];
        const bool judged = asked->counting != SIM_COUNTS_NOT;
        if (status == RV_OK && judged && results[i].version > 0 &&
            results[i].version != asked->expected_version + 1) {
            sim_fail(world, SIM_CHECK_JUDGEMENT, "op %u expected version %llu and is taken as %llu",
                     o->number, (unsigned long long)asked->expected_version,
                     (unsigned long long)results[i].version);
        }
        if (status == RV_VERSION_CONFLICT && o->count == 1 && asked->counting == SIM_COUNTS) {
            sim_fail(world, SIM_CHECK_JUDGEMENT, "op %u expected what member %u shows, %llu",
                     o->number, (unsigned)member->index,
                     (unsigned long long)asked->expected_version);
        }
    }
    RV_ASSERT(o->count <= SIM_BATCH_MAX);
}

/* A number that the reason tells; 0 and false: it does not. */
static bool fact_of(const rv_error *reason, const char *name, uint64_t *value) {
    char facts[RV_ERROR_FACTS_MAX + 1];
    RV_ASSERT(reason->facts_len <= RV_ERROR_FACTS_MAX);
    memcpy(facts, reason->facts, reason->facts_len);
    facts[reason->facts_len] = '\0';
    const char *const at = strstr(facts, name);
    *value = at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
    return at != NULL;
}

void sim_expected_rejected(sim_operation *o, const rv_error *reason) {
    const bool told = fact_of(reason, "\"actual\":", &o->actual);
    o->conflict = reason->status == RV_VERSION_CONFLICT && told;
    (void)fact_of(reason, "\"judged_at\":", &o->judged_at);
}

/* True when the event is one that the operation's writer wrote before it. */
static bool is_own(const sim_world *world, const sim_operation *o, const rv_event *event) {
    uint32_t index = 0;
    const sim_operation *const other =
        sim_operations_find(&world->operations, event->metadata, &index);
    return other == o || (other != NULL && sim_retry_counts(world, other, o));
}

/* Of the stream, by the truth. */
typedef struct past {
    uint64_t head; /* that was confirmed at the edge when it was written */
    uint64_t last;
    uint32_t others; /* of those that were counted: not own ones */
} past;

static past past_of(const sim_world *world, const sim_operation *o, const sim_asked *asked) {
    past p = {0, 0, 0};
    for (uint64_t position = 1; position <= world->truth.count; position++) {
        const rv_event *const event = &sim_truth_at(&world->truth, position)->event;
        if (!rv_bytes_are(world->truth.streams[event->stream].path, asked->draft.path)) {
            continue;
        }
        p.last = event->version;
        if (position <= o->written_w) {
            p.head = event->version;
        } else if (event->version <= asked->expected_version) {
            p.others += !is_own(world, o, event);
        }
    }
    RV_ASSERT(p.head <= p.last);
    return p;
}

/* True when the writer wrote to the stream before, and that is not in the log. */
static bool own_refused(const sim_world *world, const sim_operation *o, const char *path) {
    bool refused = false;
    for (uint32_t i = 0; i < world->operations.count && !refused; i++) {
        const sim_operation *const other = world->operations.list[i];
        const bool own = sim_twins_own(world, other, o);
        const bool before = other->kind == SIM_STEP_WRITE && own && other->edge_sequence > 0 &&
                            other->edge_sequence < o->edge_sequence;
        for (uint8_t k = 0; k < other->count && before && !refused; k++) {
            refused = (sim_retry_met(world, other, k) == 0 || (other->both && other->rejected)) &&
                      strcmp(other->asked[k].draft.path, path) == 0;
        }
        /* a command came to something else than what was counted, or went behind it */
        refused = refused || (sim_command_touches(other, path) && own &&
                              other->command->sequence_first < o->edge_sequence);
    }
    return refused;
}

static void check_conflict(sim_world *world, const sim_operation *o) {
    const sim_asked *const asked = &o->asked[0];
    const past p = past_of(world, o, asked);
    const bool of_others = p.others > 0 || asked->beside_suspended;
    const uint64_t expected = asked->expected_version;
    const bool right = o->actual == expected ? of_others || own_refused(world, o, asked->draft.path)
                       : o->actual < expected ? own_refused(world, o, asked->draft.path)
                                              : true;
    world->figures.conflicts_judged += 1;
    if (!right || o->actual < p.head || o->actual > p.last) {
        sim_fail(world, SIM_CHECK_JUDGEMENT,
                 "op %u expected version %llu of a head of %llu, and was refused at %llu of %llu",
                 o->number, (unsigned long long)expected, (unsigned long long)p.head,
                 (unsigned long long)o->actual, (unsigned long long)p.last);
    }
}

void sim_expected_check_end(sim_world *world, const sim_operation *o) {
    for (uint8_t i = 0; i < o->count; i++) {
        const sim_asked *const asked = &o->asked[i];
        if (asked->counting == SIM_COUNTS_NOT || !asked->covered || o->voided ||
            asked->expected != RV_EXPECTED_NUMBER) {
            continue;
        }
        if (asked->met > 0) {
            const past p = past_of(world, o, asked);
            world->figures.expected_judged += 1;
            if (p.others > 0 || p.head > asked->expected_version) {
                sim_fail(world, SIM_CHECK_JUDGEMENT,
                         "op %u expected version %llu of a head of %llu, and was accepted behind "
                         "%u events of others",
                         o->number, (unsigned long long)asked->expected_version,
                         (unsigned long long)p.head, p.others);
            }
        } else if (o->conflict && o->count == 1) {
            check_conflict(world, o);
        }
    }
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
}
