/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/told.h"

#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"

#define FORGET_US (15 * SIM_US_OF_SECOND) /* until an application acknowledges, at most */

/* Written at the edge, or at the one whose directory it has a copy of. */
static bool is_of(const sim_member *edge, const sim_operation *o) {
    RV_ASSERT(edge->index > 0);
    return o->writer == edge->index || (o->both && o->writer == edge->plan->twin);
}

/* What it was told of the operation. */
static sim_telling *telling_of(const sim_member *edge, sim_operation *o) {
    RV_ASSERT(is_of(edge, o));
    return &o->tellings[o->writer != edge->index];
}

/* The operation of a batch, whose events must be its own, in order; NULL: it is nobody's. */
static sim_operation *operation_of(sim_world *world, const sim_member *edge,
                                   const rv_pending *batch) {
    rv_pending_cursor cursor = {0};
    rv_pending_event event;
    sim_operation *o = NULL;
    uint32_t index = 0, count = 0;
    while (rv_node_pending_event(edge->node, batch, &cursor, &event)) {
        sim_operation *const of_event =
            sim_operations_find(&world->operations, event.metadata, &index);
        const bool first = count == 0;
        if (of_event == NULL || (!first && of_event != o) || index != count ||
            !is_of(edge, of_event)) {
            return NULL;
        }
        o = of_event;
        count += 1;
    }
    RV_ASSERT(count == batch->count);
    return o != NULL && (o->command != NULL || count == o->count) ? o : NULL;
}

/* Written to the directory that the edge has now. */
static bool is_here(const sim_member *edge, const sim_operation *o) {
    return o->kind == SIM_STEP_WRITE && o->edge_sequence > 0 && o->writer == edge->index &&
           o->writer_life == edge->disk_life;
}

/* --- a process has ended --- */

static void resolve(sim_world *world, const sim_member *edge, const sim_told *told) {
    for (uint32_t i = 0; i < world->operations.count; i++) {
        sim_operation *const o = world->operations.list[i];
        if (!is_here(edge, o)) {
            continue;
        }
        sim_telling *const t = telling_of(edge, o);
        const bool forgot = t->forgotten_in == told->process && t->forgotten_in > 0;
        if (forgot && !t->forgotten) {
            t->forgotten = told->durable >= t->forgotten_batch;
            t->forgotten_in = t->forgotten ? t->forgotten_in : 0; /* else it may come back */
            t->kept = false;
        } else if (t->process == told->process && t->process > 0) {
            t->kept = told->durable >= t->batch;
        }
    }
    RV_ASSERT(told->process != edge->process);
}

static void meet_process(sim_world *world, const sim_member *edge) {
    sim_told *const told = &world->told[edge->index];
    if (told->process != edge->process) {
        if (told->process > 0 && told->life == edge->disk_life) {
            resolve(world, edge, told);
        }
        told->process = edge->process;
        told->life = edge->disk_life;
    }
    told->durable = rv_log_batches_durable(rv_node_log(edge->node));
}

/* --- rejections --- */

static void tell(sim_world *world, sim_member *edge, sim_operation *o,
                 const rv_rejection *rejection) {
    sim_telling *const t = telling_of(edge, o);
    uint64_t random = sim_plan_stream(world->plan->seed + o->number * 7919 + edge->process, "told");
    t->process = edge->process;
    t->batch = rv_log_batches(rv_node_log(edge->node));
    t->forget_at = world->now + (int64_t)rv_random_below(&random, FORGET_US);
    world->figures.told += 1;
    world->figures.told_again += o->rejected;
    sim_outbox_rejected(world, edge, o, &rejection->reason);
    RV_ASSERT(o->rejected);
}

/* One that is listed. */
static void hear(sim_world *world, sim_member *edge, sim_operation *o,
                 const rv_rejection *rejection) {
    sim_telling *const t = telling_of(edge, o);
    const bool here = is_here(edge, o);
    if (here && (t->forgotten || t->forgotten_in == edge->process)) {
        sim_fail(world, SIM_CHECK_TOLD, "op %u was acknowledged at member %u, and comes back",
                 o->number, (unsigned)edge->index);
    }
    if (t->listed == world->told[edge->index].looks) {
        sim_fail(world, SIM_CHECK_TOLD, "op %u is listed twice by member %u", o->number,
                 (unsigned)edge->index);
    }
    t->listed = world->told[edge->index].looks;
    if (t->process != edge->process) {
        tell(world, edge, o, rejection);
    }
}

/* What was told, and durable, and not acknowledged, is listed. */
static void check_kept(sim_world *world, const sim_member *edge) {
    for (uint32_t i = 0; i < world->operations.count; i++) {
        sim_operation *const o = world->operations.list[i];
        const sim_telling *const t = is_here(edge, o) ? telling_of(edge, o) : NULL;
        if (t != NULL && t->kept && t->listed != world->told[edge->index].looks) {
            sim_fail(world, SIM_CHECK_TOLD, "the rejection of op %u is gone from member %u",
                     o->number, (unsigned)edge->index);
        }
    }
    RV_ASSERT(edge->life == SIM_UP);
}

static bool forget(sim_world *world, sim_member *edge, sim_operation *o, uint64_t sequence) {
    sim_telling *const t = telling_of(edge, o);
    const bool kept = world->canary == SIM_CANARY_REJECTION_KEPT;
    const rv_status status = kept ? RV_OK : rv_node_rejection_forget(edge->node, sequence, NULL);
    RV_ASSERT(status != RV_NOT_FOUND); /* it has just been listed */
    if (status == RV_OK) {
        t->forgotten_in = edge->process;
        t->forgotten_batch = rv_log_batches(rv_node_log(edge->node));
        t->kept = false;
        world->figures.told_forgotten += 1;
        sim_note(world, edge->index, "op %u: its rejection is acknowledged", o->number);
    }
    return status == RV_OK;
}

bool sim_told_turn(sim_world *world, sim_member *edge) {
    sim_told *const told = &world->told[edge->index];
    const bool new_process = told->process != edge->process;
    sim_operation *due = NULL;
    uint64_t due_sequence = 0;
    rv_rejection rejection;
    meet_process(world, edge);
    told->looks += 1;
    for (uint64_t after = 0; rv_node_rejection(edge->node, after, &rejection);) {
        sim_operation *const o = operation_of(world, edge, &rejection.batch);
        const uint64_t sequence = rejection.batch.edge_sequence;
        if (o == NULL || sequence <= after) {
            sim_fail(world, SIM_CHECK_TOLD, "member %u rejects what nobody wrote, or out of order",
                     (unsigned)edge->index);
            return false;
        }
        after = sequence;
        hear(world, edge, o, &rejection);
        o->edge_sequence = o->writer == edge->index ? sequence : o->edge_sequence;
        const int64_t at = telling_of(edge, o)->forget_at;
        if (due == NULL && (world->quiet || at <= world->now)) {
            due = o;
            due_sequence = sequence;
        }
        edge->wake_at = at > world->now && at < edge->wake_at ? at : edge->wake_at;
    }
    /* what was written under a schema that a restored root has lost stands aside until it is back
     */
    const bool all = rv_node_outbox(edge->node).held_back == 0;
    if (new_process && all && world->failure.check == SIM_CHECK_NONE) {
        check_kept(world, edge);
    }
    return due != NULL && forget(world, edge, due, due_sequence);
}

/* --- what waits --- */

/* True when all events of the operation are in the truth, up to the position. */
static bool is_past(const sim_world *world, const sim_operation *o, uint64_t position) {
    uint32_t met = 0, index = 0;
    for (uint64_t p = 1; p <= position && p <= world->truth.count && met < o->count; p++) {
        const rv_event *const event = &sim_truth_at(&world->truth, p)->event;
        met += event->type != RV_SYSTEM_SCHEMA_TYPE &&
               sim_operations_find(&world->operations, event->metadata, &index) == o;
    }
    return met == o->count;
}

void sim_told_pending(sim_world *world, sim_member *edge) {
    sim_told *const told = &world->told[edge->index];
    rv_pending batch;
    if (!world->plan->features.tells || edge->plan->role != SIM_EDGE || edge->life != SIM_UP ||
        rv_node_rewinding(edge->node) || rv_node_in_batch(edge->node)) {
        return;
    }
    told->looks += 1;
    const bool again = world->canary == SIM_CANARY_PENDING_TWICE;
    for (uint64_t after = 0; rv_node_pending(edge->node, after, &batch);) {
        sim_operation *const o = operation_of(world, edge, &batch);
        if (o == NULL || batch.edge_sequence <= after) {
            sim_fail(world, SIM_CHECK_TOLD, "at member %u waits what nobody wrote, or out of order",
                     (unsigned)edge->index);
            return;
        }
        sim_telling *const t = telling_of(edge, o);
        const bool rejected = is_here(edge, o) && (t->process == edge->process || t->kept ||
                                                   t->forgotten || t->forgotten_in > 0);
        bool covered = edge->plan->selection_count == 1;
        for (uint8_t i = 0; i < o->count; i++) {
            covered = covered && o->asked[i].covered;
        }
        if (t->listed == told->looks || (rejected && o->command == NULL)) {
            sim_fail(world, SIM_CHECK_TOLD, "op %u waits at member %u, and %s", o->number,
                     (unsigned)edge->index, rejected ? "was rejected" : "is listed twice");
        } else if (covered && !sim_restored_beside(edge) && o->command == NULL && !o->voided &&
                   is_past(world, o, rv_node_watermark(edge->node))) {
            sim_fail(world, SIM_CHECK_TOLD, "op %u waits at member %u, which has come past it",
                     o->number, (unsigned)edge->index);
        }
        t->listed = told->looks;
        world->figures.told_waiting += 1;
        after = batch.edge_sequence - (again && after == 0 && batch.edge_sequence > 1);
    }
}
