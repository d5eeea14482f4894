/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/commands.h"

#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/command.h"
#include "core/engine/rewind.h"

#include <stdlib.h>

#define LATE_US_MAX (6 * SIM_US_OF_SECOND) /* of functions, behind the start of their process */

#define KINDS 12 /* one run of so many comes to nothing, and one refuses */

static const char feature[] = "commands";

/* --- the function --- */

typedef enum makes { MAKES_EVENTS, MAKES_NOTHING, REFUSES } makes;

/* What it looks at: a number of rows, and the versions of the streams that it may write to. */
static uint32_t look(const sim_member *member, const sim_operation *o) {
    rv_state *const state = rv_node_state(member->node);
    const uint16_t count = rv_schema_aggregate_count(rv_node_schema(member->node));
    uint64_t saw = count == 0 ? 0 : rv_state_row_count(state, (uint16_t)(o->number % count));
    for (uint8_t i = 0; i < o->command->pool_count; i++) {
        const char *const path = o->command->pool[i].draft.path;
        saw = saw * 31 + (path[0] == '/' ? sim_expected_shown(member, path) : 0);
    }
    RV_ASSERT(o->command->pool_count > 0);
    return (uint32_t)(saw % 1000000000);
}

static uint64_t choice(const sim_operation *o, uint32_t saw) {
    uint64_t state = ((uint64_t)o->number << 32) + saw;
    RV_ASSERT(o->command != NULL);
    return rv_random_next(&state);
}

static makes kind(const sim_operation *o, uint32_t saw) {
    const uint64_t of_kinds = choice(o, saw) % KINDS;
    return of_kinds == 0 ? MAKES_NOTHING : of_kinds == 1 ? REFUSES : MAKES_EVENTS;
}

/* What it makes, where it makes events. */
static void make(sim_operation *o, uint32_t saw) {
    const sim_command *const c = o->command;
    const uint64_t chosen = choice(o, saw) / KINDS;
    const uint64_t first = chosen / SIM_BATCH_MAX % c->pool_count;
    o->count = (uint8_t)(1 + chosen % SIM_BATCH_MAX % c->pool_count);
    for (uint8_t i = 0; i < o->count; i++) {
        sim_asked *const asked = &o->asked[i];
        const uint32_t met = asked->met;
        *asked = c->pool[(first + i) % c->pool_count];
        asked->met = met;
        (void)snprintf(asked->metadata, sizeof asked->metadata,
                       "{\"op\":%u,\"event\":%u,\"saw\":%u}", o->number, (unsigned)i, saw);
    }
    RV_ASSERT(o->count <= SIM_BATCH_MAX);
}

/* --- commands --- */

void sim_command_draw(sim_world *world, uint64_t seed, sim_operation *o) {
    uint64_t random = sim_plan_stream(seed, feature);
    if (o->kind != SIM_STEP_WRITE ||
        !rv_random_chance(&random, world->plan->features.command_percent)) {
        return;
    }
    sim_command *const c = calloc(1, sizeof *c);
    RV_ASSERT(c != NULL && o->command == NULL);
    const uint64_t more = rv_random_below(&random, SIM_BATCH_MAX - o->count + 1u);
    for (uint8_t i = 0; i < o->count + more; i++) {
        sim_asked *const asked = &c->pool[i];
        if (i < o->count) {
            *asked = o->asked[i]; /* its text too */
            o->asked[i].bulk = NULL;
        } else {
            sim_workload_draw_event(world, true, &random, asked);
        }
        asked->has_id = false; /* ids are not the caller's */
        asked->counting = asked->counting == SIM_COUNTS_NOT ? SIM_COUNTS_NOT : SIM_COUNTS;
    }
    c->pool_count = (uint8_t)(o->count + more);
    o->command = c;
}

void sim_command_free(sim_operation *o) {
    for (uint8_t i = 0; o->command != NULL && i < o->command->pool_count; i++) {
        free(o->command->pool[i].bulk);
    }
    for (uint8_t i = 0; o->command != NULL && i < SIM_BATCH_MAX; i++) {
        o->asked[i].bulk = NULL; /* the pool's */
    }
    free(o->command);
    o->command = NULL;
}

void sim_command_args(const sim_operation *o, char *args) {
    const int len = snprintf(args, 24, "{\"op\":%u}", o->number);
    RV_ASSERT(len > 0 && len < 24);
}

static sim_operation *named(const sim_world *world, rv_bytes args) {
    char text[24];
    unsigned number = 0;
    RV_ASSERT(args.len < sizeof text);
    memcpy(text, args.ptr, args.len);
    text[args.len] = '\0';
    const bool good = sscanf(text, "{\"op\":%u}", &number) == 1;
    return good && number < world->operations.count ? world->operations.list[number] : NULL;
}

bool sim_command_repeats(const sim_world *world, const sim_operation *o) {
    RV_ASSERT(o->command != NULL && o->writer < world->plan->member_count);
    return o->command->moved && (o->both || o->writer_life != world->members[o->writer].disk_life);
}

bool sim_command_touches(const sim_operation *o, const char *path) {
    bool touches = false;
    for (uint8_t i = 0; o->command != NULL && i < o->command->pool_count && !touches; i++) {
        touches = strcmp(o->command->pool[i].draft.path, path) == 0;
    }
    return touches;
}

bool sim_command_holds(const sim_operation *o, uint32_t process) {
    const sim_command *const c = o->command;
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
    return c == NULL || o->both || c->ran_process == 0 || c->ran_process == process || c->ran_kept;
}

/* What runs have made is durable by now. */
static void note_kept(const sim_world *world, const sim_member *member) {
    const uint64_t durable = rv_log_batches_durable(rv_node_log(member->node));
    RV_ASSERT(member->life == SIM_UP);
    for (uint32_t i = 0; i < world->operations.count; i++) {
        const sim_operation *const o = world->operations.list[i];
        if (o->command != NULL && o->writer == member->index &&
            o->command->ran_process == member->process) {
            o->command->ran_kept = o->command->ran_batch <= durable;
        }
    }
}

/* --- running --- */

void sim_commands_started(const sim_world *world, sim_member *member) {
    uint64_t random = sim_plan_stream(
        world->plan->seed * SIM_MEMBERS_MAX + member->index + member->process * 97, feature);
    const int64_t late = (int64_t)rv_random_below(&random, LATE_US_MAX);
    const uint64_t when = rv_random_below(&random, 10);
    RV_ASSERT(member->life == SIM_UP);
    member->functions_at = when == 0 ? INT64_MAX : world->now + (when < 6 ? 0 : late);
}

bool sim_commands_ready(const sim_world *world, const sim_member *member) {
    RV_ASSERT(member->life == SIM_UP);
    return world->quiet || world->now >= member->functions_at;
}

bool sim_command_first(const sim_world *world, const sim_member *member, sim_operation *o) {
    const uint32_t saw = look(member, o);
    RV_ASSERT(o->edge_sequence == 0 && sim_commands_ready(world, member));
    if (kind(o, saw) != MAKES_EVENTS) {
        return false;
    }
    o->command->saw = saw;
    make(o, saw);
    sim_expected_ask(member, o);
    return true;
}

/* Ids follow from command, attempt and place: they are what they were, and others elsewhere. */
static void check_ids(sim_world *world, const sim_operation *o, uint32_t attempt,
                      const rv_event *results) {
    sim_command *const c = o->command;
    RV_ASSERT(attempt < SIM_ATTEMPTS_MAX);
    for (uint8_t i = 0; i < o->count; i++) {
        const uint8_t *const id = results[i].event_id;
        bool good = memcmp(id, c->id, 6) == 0 && id[6] >> 4 == 8;
        for (uint32_t a = 0; a < SIM_ATTEMPTS_MAX; a++) {
            for (uint32_t k = 0; k < SIM_BATCH_MAX; k++) {
                const bool known = (c->known[a] >> k & 1u) != 0;
                const bool same = memcmp(c->ids[a][k], id, sizeof c->ids[a][k]) == 0;
                good = good && (!known || same == (a == attempt && k == i));
            }
        }
        if (!good) {
            sim_fail(world, SIM_CHECK_COMMAND, "event %u of op %u has not the id of attempt %u",
                     (unsigned)i, o->number, attempt);
        }
        memcpy(c->ids[attempt][i], id, sizeof c->ids[attempt][i]);
        c->known[attempt] |= (uint8_t)(1u << i);
    }
}

void sim_command_written(sim_world *world, sim_operation *o, const rv_event *results,
                         const uint8_t *command_id) {
    RV_ASSERT(o->edge_sequence > 0);
    memcpy(o->command->id, command_id, sizeof o->command->id);
    o->command->sequence_first = o->edge_sequence;
    world->figures.commands += 1;
    check_ids(world, o, 0, results);
}

/* What a run came to was taken. */
static void ran(sim_world *world, sim_member *member, sim_operation *o, const rv_pending *due,
                uint32_t saw) {
    sim_command *const c = o->command;
    c->moved = c->moved || due->attempt > 0;
    c->saw = saw;
    o->edge_sequence = o->writer == member->index ? due->edge_sequence : o->edge_sequence;
    o->written_w = sim_member_w(member);
    o->voided = o->voided || sim_restored_beside(member);
    world->figures.command_runs += 1;
    world->figures.command_attempts += due->refused;
    RV_ASSERT(o->edge_sequence > 0);
}

static rv_status refuse(sim_world *world, sim_member *member, const rv_pending *due) {
    rv_error refusal;
    (void)rv_error_set(&refusal, RV_COMMAND_REFUSED, "what there is does not please it");
    const rv_status status =
        rv_node_command_refuse(member->node, due->edge_sequence, &refusal, NULL);
    RV_ASSERT(status != RV_NOT_FOUND);
    world->figures.commands_refused += status == RV_OK;
    return status;
}

/* Hands over what the run made. */
static rv_status done(sim_world *world, sim_member *member, sim_operation *o, const rv_pending *due,
                      uint32_t saw) {
    static sim_operation next;
    rv_append events[SIM_BATCH_MAX];
    rv_event results[SIM_BATCH_MAX];
    rv_written written;
    rv_error err;
    next = *o;
    const bool nothing = kind(o, saw) == MAKES_NOTHING;
    if (!nothing) {
        make(&next, saw);
        sim_expected_ask(member, &next);
    }
    const bool old = world->canary == SIM_CANARY_COMMAND_OLD && due->attempt == 0;
    const sim_operation *const given = old ? o : &next;
    for (uint8_t i = 0; i < given->count; i++) {
        events[i] = sim_asked_append(&given->asked[i]);
    }
    const rv_status status =
        rv_node_command_done(member->node, due->edge_sequence, events, nothing ? 0 : given->count,
                             results, &written, &err);
    if (status != RV_OK) {
        return status;
    }
    if (written.changed) {
        o->command->ran_process = member->process;
        o->command->ran_batch = rv_log_batches(rv_node_log(member->node));
        o->command->ran_kept = false;
    }
    world->figures.command_changes += written.changed;
    world->figures.commands_nothing += nothing;
    if (written.rejected || !nothing) { /* else there are no results */
        sim_expected_answered(world, member, &next, results, written.rejected ? err.status : RV_OK);
    }
    *o = next;
    if (written.rejected) {
        sim_note(world, member->index, "op %u: refused here as it runs again: %s", o->number,
                 rv_status_code(err.status));
        return RV_OK;
    }
    o->command->nothing = nothing;
    for (uint8_t i = 0; i < o->count && !nothing; i++) {
        o->asked[i].covered = results[i].version > 0;
    }
    if (!nothing && !old) {
        sim_keys_written(world, member, o, due->edge_sequence);
    }
    if (!nothing) {
        check_ids(world, o, due->attempt, results);
    }
    return RV_OK;
}

/* Runs one that is due. False: not now. */
static bool run(sim_world *world, sim_member *member, const rv_pending *command) {
    const rv_pending due = *command;
    rv_pending first;
    sim_operation *const o = named(world, due.command.args);
    if (o == NULL || o->command == NULL) {
        sim_fail(world, SIM_CHECK_COMMAND, "member %u is to run what nobody has given",
                 (unsigned)member->index);
        return false;
    }
    const bool is_first =
        rv_node_pending(member->node, 0, &first) && first.edge_sequence == due.edge_sequence;
    if (rv_node_command_begin(member->node, due.edge_sequence, NULL) != RV_OK) {
        return false;
    }
    if (is_first) { /* nothing of what waits is to be seen */
        world->figures.command_states += sim_check_confirmed(world, member);
    }
    const uint32_t saw = look(member, o);
    const bool refuses = kind(o, saw) == REFUSES;
    o->edge_sequence = o->writer == member->index
                           ? due.edge_sequence /* of which the rest is told */
                           : o->edge_sequence;
    const rv_status status =
        refuses ? refuse(world, member, &due) : done(world, member, o, &due, saw);
    if (status == RV_NOT_FOUND) {
        sim_fail(world, SIM_CHECK_STATUS, "op %u has begun to run, and is not to", o->number);
    }
    if (status != RV_OK) { /* who runs it is told when it does not fit (docs/limits.md) */
        const bool more = status == RV_OUTBOX_FULL && world->quiet;
        member->memory_next =
            more && member->memory < SIM_NODE_MEMORY_MAX ? 2 * member->memory : member->memory_next;
        return false;
    }
    o->command->nothing = o->command->nothing || refuses;
    sim_note(world, member->index, "op %u: runs again, edge sequence %llu, attempt %u, saw %u: %u",
             o->number, (unsigned long long)due.edge_sequence, due.attempt, saw,
             refuses ? 0u : o->count);
    ran(world, member, o, &due, saw);
    return true;
}

bool sim_commands_turn(sim_world *world, sim_member *member) {
    rv_pending due;
    bool moved = false;
    if (world->plan->features.command_percent == 0 || member->plan->role != SIM_EDGE ||
        rv_node_rewinding(member->node)) {
        return false;
    }
    note_kept(world, member);
    if (!rv_node_command_due(member->node, 0, &due)) {
        return false;
    }
    if (!sim_commands_ready(world, member)) {
        world->figures.command_waits += 1;
        member->wake_at =
            member->functions_at < member->wake_at ? member->functions_at : member->wake_at;
        return false;
    }
    for (uint64_t after = 0; rv_node_command_due(member->node, after, &due);) {
        after = due.edge_sequence;
        if (!run(world, member, &due)) {
            break;
        }
        moved = true;
    }
    rv_node_command_end(member->node);
    return moved;
}

/* --- in the log --- */

void sim_command_met(sim_world *world, sim_operation *o, uint32_t index, const rv_event *event) {
    sim_command *const c = o->command;
    const sim_member *const writer = &world->members[o->writer];
    char text[40];
    unsigned number = 0, nth = 0, saw = 0;
    RV_ASSERT(event->metadata.len < sizeof text && index < SIM_BATCH_MAX);
    memcpy(text, event->metadata.ptr, event->metadata.len);
    text[event->metadata.len] = '\0';
    const bool read = sscanf(text, "{\"op\":%u,\"event\":%u,\"saw\":%u}", &number, &nth, &saw) == 3;
    /* a copy that was put back runs again what the root has taken, and is told so */
    const bool counts = !o->voided && !o->both && o->writer_life == writer->disk_life;
    const bool last = read && saw == c->saw && !c->nothing;
    bool known = false;
    for (uint32_t a = 0; a < SIM_ATTEMPTS_MAX && !known; a++) {
        known = (c->known[a] >> index & 1u) != 0 &&
                memcmp(c->ids[a][index], event->event_id, sizeof event->event_id) == 0;
    }
    if (!read || !known || (counts && !last)) {
        sim_fail(world, SIM_CHECK_COMMAND,
                 "event %u of op %u, of a run that saw %u, is in the log%s", index, o->number, saw,
                 known ? "; it ran later" : ", under another id");
        return;
    }
    if (saw != c->saw) {
        make(o, saw);
    }
    world->figures.commands_met += index == 0;
}
