/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offline writes: applications write at edges, connected or not, are told what became of it, and
 * take note of what was rejected. What was local must be in the root's log once, or be rejected,
 * whatever happens in between; a lost or restored directory aside, for what it held.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/overlay.h"

#define TRIES_MAX 4000

/* Its ids are in the edge's log: it was accepted, whoever gave it. */
static void known(sim_world *world, const sim_member *member, sim_request *request,
                  const rv_event *results) {
    sim_operation *const o = request->operation;
    RV_ASSERT(o->edge_sequence == 0);
    o->level = SIM_UPSTREAM;
    for (uint8_t i = 0; i < o->count; i++) {
        o->asked[i].covered = true;
        o->asked[i].position = results[i].position;
    }
    if (member->floor != SIM_FLOOR_NONE && o->asked[o->count - 1].position > member->floor) {
        sim_outbox_taken_back(o, true, true); /* by a root before */
    }
    world->figures.retries_known += 1;
    request->state = SIM_REQUEST_FREE;
    sim_note(world, member->index, "op %u: is known, position %llu", o->number,
             (unsigned long long)o->asked[o->count - 1].position);
}

/* It waits in the outbox from now on. */
static void taken(sim_world *world, const sim_member *member, sim_request *request,
                  const rv_event *results, const rv_written *written) {
    sim_operation *const o = request->operation;
    RV_ASSERT(written->edge_sequence > 0);
    o->writer_process = member->process;
    o->written_at = world->now;
    o->voided = sim_restored_beside(member);
    for (uint8_t i = 0; i < o->count; i++) {
        o->asked[i].covered = results[i].version > 0;
    }
    o->edge_sequence = request->edge_sequence = written->edge_sequence;
    o->incarnation = rv_node_outbox(member->node).incarnation;
    o->level = SIM_MEMORY;
    request->state = SIM_REQUEST_WRITTEN;
    sim_note(world, member->index, "op %u: written, edge sequence %llu%s%s", o->number,
             (unsigned long long)o->edge_sequence, written->blind ? ", blind" : "",
             written->unchecked ? ", unchecked" : "");
    sim_keys_written(world, member, o, o->edge_sequence);
    if (o->command != NULL) {
        sim_command_written(world, o, results, written->command_id);
    }
}

bool sim_outbox_ask(sim_world *world, sim_member *member, sim_request *request) {
    sim_operation *const o = request->operation;
    rv_append events[SIM_BATCH_MAX];
    rv_event results[SIM_BATCH_MAX];
    rv_written written;
    rv_error err;
    RV_ASSERT(member->plan->role == SIM_EDGE);
    if (rv_node_in_batch(member->node)) {
        return false; /* what it shows is not yet so */
    }
    if (o->command != NULL &&
        (!sim_commands_ready(world, member) || !sim_command_first(world, member, o))) {
        sim_workload_refused(world, request, RV_COMMAND_REFUSED, 0);
        return true;
    }
    if (request->tries == 0 && o->command == NULL) {
        rv_outbox_lay_due(member->node); /* what it shows is what decisions that came have left */
        sim_expected_ask(member, o);
    }
    for (uint8_t i = 0; i < o->count; i++) {
        events[i] = sim_asked_append(&o->asked[i]);
    }
    char args[24], principal[16] = "somebody";
    sim_command_args(o, args);
    if (world->plan->features.rights) {
        sim_rights_principal(world, member->index, principal);
    }
    const rv_command command = {RV_LITERAL(SIM_COMMAND_NAME), rv_bytes_of_string(args)};
    const rv_writes writes = {.events = events,
                              .count = o->count,
                              .principal = rv_bytes_of_string(principal),
                              .command = o->command != NULL ? &command : NULL};
    o->writer = member->index;
    o->writer_life = member->disk_life;
    o->written_w = sim_member_w(member); /* it may have moved since it was asked */
    const rv_status status = rv_node_write(member->node, &writes, results, &written, &err);
    request->tries += 1;
    if ((status == RV_PENDING || status == RV_BUSY) && request->tries < TRIES_MAX) {
        return false;
    }
    if (request->tries == 1 || o->command != NULL) { /* else it may look otherwise now */
        sim_expected_answered(world, member, o, results, status);
    }
    if (status != RV_OK) {
        sim_workload_refused(world, request, status == RV_PENDING ? RV_BUSY : status, 0);
        return true;
    }
    world->figures.statuses[RV_OK] += 1;
    world->figures.written += 1;
    if (written.edge_sequence == 0) {
        known(world, member, request, results);
        return true;
    }
    taken(world, member, request, results, &written);
    return true;
}

/* It is decided, as far as the edge knows. */
static void decided(sim_world *world, sim_request *request, const rv_outcome *outcome) {
    sim_operation *const o = request->operation;
    RV_ASSERT(outcome->kind != RV_OUTCOME_WAITING);
    const bool nothing =
        outcome->position == 0 && o->command != NULL && (o->command->nothing || o->both);
    if (outcome->kind == RV_OUTCOME_ACCEPTED && !nothing) {
        const sim_member *const m = &world->members[request->member];
        o->level = SIM_UPSTREAM;
        o->asked[o->count - 1].position = outcome->position;
        world->figures.written_accepted += 1;
        if (m->floor != SIM_FLOOR_NONE &&
            (outcome->position == 0 || outcome->position > m->floor)) {
            sim_outbox_taken_back(o, o->asked[o->count - 1].covered, true); /* by a root before */
        }
    }
    sim_note(world, request->member, "op %u: %s, position %llu", o->number,
             outcome->kind == RV_OUTCOME_ACCEPTED ? "accepted" : "rejected",
             (unsigned long long)outcome->position);
    request->state = SIM_REQUEST_FREE;
}

void sim_outbox_taken_back(sim_operation *o, bool covered, bool behind) {
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
    if (!covered) { /* the edge has no copy once it was accepted */
        o->level = o->level > SIM_MEMORY ? SIM_MEMORY : o->level;
    } else if (o->level == SIM_UPSTREAM && (behind || o->asked[o->count - 1].position == 0)) {
        o->level = SIM_LOCAL;
    }
    o->asked[o->count - 1].position = behind ? 0 : o->asked[o->count - 1].position;
}

bool sim_outbox_hear(sim_world *world, sim_member *member, sim_request *request) {
    sim_operation *const o = request->operation;
    rv_pending pending;
    rv_outcome outcome;
    RV_ASSERT(request->edge_sequence > 0);
    if (o->level == SIM_MEMORY &&
        rv_node_pending(member->node, request->edge_sequence - 1, &pending) &&
        pending.edge_sequence == request->edge_sequence && pending.durable) {
        o->level = SIM_LOCAL;
        world->figures.written_local += 1;
        sim_note(world, member->index, "op %u: local", o->number);
        return true;
    }
    if (!rv_node_outcome(member->node, request->edge_sequence, &outcome)) {
        request->state = SIM_REQUEST_FREE; /* decided, and its rejection acknowledged */
        return true;
    }
    if (outcome.kind == RV_OUTCOME_WAITING) {
        o->edge_sequence = request->edge_sequence = outcome.edge_sequence;
        return false;
    }
    decided(world, request, &outcome);
    return true;
}

void sim_outbox_rejected(sim_world *world, const sim_member *member, sim_operation *o,
                         const rv_error *reason) {
    RV_ASSERT(reason->status > RV_END);
    if (o->rejected) {
        return;
    }
    o->rejected = true;
    o->rejected_for = reason->status;
    sim_expected_rejected(o, reason);
    world->figures.written_rejected += 1;
    world->figures.statuses[reason->status] += 1;
    sim_note(world, member->index, "op %u: rejected: %s", o->number,
             rv_status_code(reason->status));
    if (reason->status == RV_FORBIDDEN) {
        sim_rights_forbidden(world, o);
    }
}

/* The application takes note of the first rejection. True when that moved something. */
bool sim_outbox_turn(sim_world *world, sim_member *member) {
    rv_rejection rejection;
    rv_pending_event event;
    rv_pending_cursor cursor = {0};
    uint32_t index = 0;
    if (world->plan->features.tells && member->plan->role == SIM_EDGE) {
        return sim_told_turn(world, member);
    }
    if (member->plan->role != SIM_EDGE || !rv_node_rejection(member->node, 0, &rejection) ||
        !rv_node_pending_event(member->node, &rejection.batch, &cursor, &event)) {
        return false;
    }
    const uint64_t sequence = rejection.batch.edge_sequence;
    sim_operation *const o = sim_operations_find(&world->operations, event.metadata, &index);
    if (o == NULL || index != 0) {
        sim_fail(world, SIM_CHECK_CONTENT, "member %u rejects what nobody wrote",
                 (unsigned)member->index);
        return false;
    }
    sim_outbox_rejected(world, member, o, &rejection.reason);
    const rv_status status = rv_node_rejection_forget(member->node, sequence, NULL);
    RV_ASSERT(status != RV_NOT_FOUND);
    return status == RV_OK;
}

/* Was it refused by a root that was then restored, which remembers nothing of that, and can a
 * gateway hold the push yet, or a copy of the writer's directory (docs/restore.md)? Did that have
 * it? It is judged once more when it comes again. */
static bool is_judged_anew(const sim_world *world, const sim_operation *o) {
    bool gateways = false;
    for (uint8_t i = 1; i < world->plan->member_count && !gateways; i++) {
        gateways = world->plan->members[i].serves;
    }
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
    return o->shared || ((gateways || o->both) && o->voided);
}

void sim_outbox_check_end(sim_world *world) {
    for (uint32_t i = 0; i < world->operations.count; i++) {
        const sim_operation *const o = world->operations.list[i];
        sim_retry_check_end(world, o);
        if (o->kind != SIM_STEP_WRITE || (o->edge_sequence == 0 && o->level != SIM_UPSTREAM)) {
            continue;
        }
        uint32_t met = 0, met_own = 0;
        for (uint8_t k = 0; k < o->count; k++) {
            met += sim_retry_met(world, o, k);
            met_own += o->asked[k].met;
        }
        RV_ASSERT(o->writer < world->plan->member_count);
        /* a copy that is restored pushes again what it holds, which may be judged otherwise then */
        const bool same_life = o->writer_life == world->members[o->writer].disk_life;
        const bool nothing = o->command != NULL && o->command->nothing;
        const bool counts = o->level > SIM_MEMORY && same_life && !nothing;
        if (same_life && !(o->both && o->command != NULL)) { /* else the other ran it, too */
            sim_expected_check_end(world, o);
            sim_keys_check_end(world, o, o->rejected ? o->rejected_for : RV_OK);
        }
        if (met_own > 0 && o->rejected && same_life && !is_judged_anew(world, o)) {
            sim_fail(world, SIM_CHECK_JUDGEMENT, "op %u was rejected and is in the log", o->number);
        } else if (met == 0 && o->level == SIM_UPSTREAM) {
            sim_fail(world, SIM_CHECK_LOST, "op %u was accepted and is not in the log", o->number);
        } else if (met == 0 && !sim_retry_rejected(world, o) && counts) {
            sim_fail(world, SIM_CHECK_LOST, "op %u was local at member %u and is nowhere",
                     o->number, (unsigned)o->writer);
        }
    }
}
