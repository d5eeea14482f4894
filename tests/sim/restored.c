/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/restored.h"

#include "core/base/assert.h"
#include "core/engine/decide.h"
#include "core/engine/epoch.h"
#include "core/engine/rewind.h"
#include "tests/sim/world.h"

/* --- members --- */

bool sim_restored_beside(const sim_member *member) {
    return member->plan->role == SIM_EDGE && member->floor != SIM_FLOOR_NONE &&
           member->watermark > member->floor;
}

/* Up to where the history of who knows of so many of the restores is the truth. */
static uint64_t floor_of(const sim_restores *restores, uint32_t known) {
    uint64_t floor = SIM_FLOOR_NONE;
    RV_ASSERT(known <= restores->count);
    for (uint32_t i = known; i < restores->count; i++) {
        floor = restores->positions[i] < floor ? restores->positions[i] : floor;
    }
    return floor;
}

/* The edge stands where the truth has been all along, and hears of nothing else from now on. */
static void leave_floor(sim_world *world, sim_member *edge) {
    RV_ASSERT(edge->plan->role == SIM_EDGE && !sim_restored_beside(edge));
    edge->floor = SIM_FLOOR_NONE;
    edge->knows = world->restores.count;
    for (uint8_t i = 1; i < world->plan->member_count;
         i++) { /* as do those that it feeds, in turn */
        sim_member *const other = &world->members[i];
        const sim_link *const link = sim_wires_of_edge(world, i);
        const bool fed = link != NULL && link->state == SIM_LINK_OPEN && link->upstream > 0 &&
                         link->upstream_open &&
                         world->members[link->upstream].floor == SIM_FLOOR_NONE;
        if (fed && !sim_restored_beside(other)) {
            other->floor = SIM_FLOOR_NONE;
            other->knows = edge->knows;
        }
    }
}

/* It takes what a gateway has that knows less than it has heard: it is empty, or in the same epoch
 * and not further than where they agree. */
static bool takes_older(const sim_world *world, const sim_member *edge, const sim_member *gateway) {
    const rv_log_identity *const own = rv_node_identity(edge->node);
    const rv_log_identity *const its = rv_node_identity(gateway->node);
    RV_ASSERT(edge->hears < edge->knows);
    return own == NULL || (its != NULL && own->epoch == its->epoch &&
                           edge->watermark <= floor_of(&world->restores, edge->hears));
}

void sim_restored_connected(sim_world *world, sim_member *edge, const sim_member *upstream) {
    const bool root = upstream->plan->role == SIM_ROOT;
    edge->hears = root ? world->restores.count : upstream->knows;
    RV_ASSERT(edge->node != NULL && edge->hears <= world->restores.count);
    if (edge->hears < edge->knows && takes_older(world, edge, upstream)) {
        edge->knows = edge->hears;
        edge->floor = floor_of(&world->restores, edge->knows);
    }
    if (edge->hears == world->restores.count && !sim_restored_beside(edge)) {
        leave_floor(world, edge);
    }
}

void sim_restored_replaced(const sim_world *world, sim_member *edge, bool copy) {
    RV_ASSERT(edge->plan->role == SIM_EDGE);
    const sim_restores *const restores = &world->restores;
    edge->knows = copy ? edge->copy_knows : restores->count;
    edge->floor = floor_of(restores, edge->knows);
    edge->watermark = copy ? UINT64_MAX : 0; /* until it is opened */
    edge->rewound_epoch = copy ? edge->copy_rewound_epoch : 0;
    edge->rewound_at = copy ? edge->copy_rewound_at : 0;
}

void sim_restored_twin(sim_member *edge, const sim_member *original) {
    RV_ASSERT(edge->plan->role == SIM_EDGE && original->plan->role == SIM_EDGE);
    edge->knows = original->knows;
    edge->hears = original->hears;
    edge->floor = original->floor;
    edge->watermark = UINT64_MAX; /* until it is opened */
    edge->rewound_epoch = original->rewound_epoch;
    edge->rewound_at = original->rewound_at;
}

/* Has the edge gone back? */
static void look_back(sim_world *world, sim_member *edge) {
    rv_rewound rewound;
    if (!rv_node_rewound(edge->node, &rewound) ||
        (rewound.epoch == edge->rewound_epoch && rewound.at == edge->rewound_at)) {
        return;
    }
    RV_ASSERT(!rv_node_rewinding(edge->node));
    edge->rewound_epoch = rewound.epoch;
    edge->rewound_at = rewound.at;
    edge->durable = rewound.to < edge->durable ? rewound.to : edge->durable;
    sim_member_goes_back(edge, rewound.to);
    sim_feeds_forget(world, edge->index); /* sequences are given again */
    world->figures.rewinds += 1;
    world->figures.dropped += rewound.dropped;
    world->figures.requeued += rewound.requeued;
    sim_note(world, edge->index, "has gone back from %llu to %llu, %llu dropped, %llu queued again",
             (unsigned long long)rewound.from, (unsigned long long)rewound.to,
             (unsigned long long)rewound.dropped, (unsigned long long)rewound.requeued);
    edge->knows = edge->hears;
    edge->floor = floor_of(&world->restores, edge->knows);
}

/* --- the root --- */

void sim_restored_step(sim_world *world, sim_member *root, uint64_t *random) {
    sim_restores *const restores = &world->restores;
    const bool needless = rv_random_chance(random, 15);
    const bool at_once = rv_random_chance(random, 40);
    const int64_t waits = (int64_t)rv_random_below(random, 20 * SIM_US_OF_SECOND);
    RV_ASSERT(root->plan->role == SIM_ROOT);
    if (restores->replaced || restores->count == SIM_RESTORES_MAX || world->truth.count == 0) {
        return;
    }
    if (!needless && !root->copied) {
        root->copy_wanted = root->life == SIM_UP;
        return;
    }
    if (!needless) {
        if (root->life != SIM_DOWN) {
            sim_world_stop(world, root, RV_SIM_CRASH_KEEP, false, 0);
        }
        sim_member_disk_replace(root, &root->copy);
        root->restart_at = world->now + (int64_t)rv_random_below(random, 3 * SIM_US_OF_SECOND);
        root->wake_at = root->restart_at;
        restores->replaced = true;
        world->figures.restores += 1;
    }
    if (world->canary != SIM_CANARY_EPOCH_UNSAID) {
        restores->says = true;
        restores->said_in = 0;
        restores->say_at = world->now + (at_once ? 0 : waits);
    }
}

/* What was acknowledged behind the end of the truth is not counted on. */
static void take_back(sim_world *world, uint64_t position) {
    for (uint32_t i = 0; i < world->operations.count; i++) {
        sim_operation *const o = world->operations.list[i];
        const bool behind = o->asked[o->count - 1].position > position;
        bool covered = world->plan->members[o->writer].selection_count == 1;
        for (uint8_t k = 0; k < o->count; k++) {
            covered = covered && o->asked[k].covered;
        }
        if (o->kind != SIM_STEP_WRITE) {
            o->level = behind ? SIM_UNANSWERED : o->level;
            continue;
        }
        o->voided = true;
        sim_outbox_taken_back(o, covered, behind);
    }
    RV_ASSERT(world->restores.count > 0);
}

/* The truth ends at the position. */
static void cut(sim_world *world, uint64_t position) {
    uint64_t refused = 0;
    sim_truth *const truth = &world->truth;
    sim_check_unstage(world);
    for (uint64_t p = position + 1; p <= truth->count; p++) {
        uint32_t index = 0;
        const rv_bytes metadata = sim_truth_at(truth, p)->event.metadata;
        sim_operation *const o = sim_operations_find(&world->operations, metadata, &index);
        if (o != NULL && sim_truth_at(truth, p)->event.type != RV_SYSTEM_SCHEMA_TYPE) {
            RV_ASSERT(o->asked[index].met > 0);
            o->asked[index].met -= 1;
        }
    }
    take_back(world, position);
    if (position < truth->count) {
        sim_truth_cut(truth, position);
    }
    for (uint8_t i = 0; i < world->plan->member_count; i++) {
        sim_model_reset(world->models[i]);
        sim_member *const m = &world->members[i];
        m->floor = floor_of(&world->restores, m->knows);
    }
    const rv_status status = sim_model_fold(world->models[0], truth->count, &refused);
    RV_ASSERT(status == RV_OK); /* it has been there before */
    sim_feeds_forget(world, 0);
}

static void root_opened(sim_world *world, sim_member *root) {
    sim_restores *const restores = &world->restores;
    const uint64_t w = rv_node_watermark(root->node);
    if (!restores->replaced) {
        return;
    }
    RV_ASSERT(restores->count < SIM_RESTORES_MAX);
    restores->replaced = false;
    sim_note(world, 0, "is restored: the truth ends at %llu", (unsigned long long)w);
    restores->positions[restores->count++] = w;
    cut(world, w);
    world->root_durable = w;
    world->workload.extras_asked = world->truth.count == 0 ? 0 : world->workload.extras_asked;
}

/* The administrator says that the root was restored, until that is durable. */
static void say(sim_world *world, sim_member *root) {
    sim_restores *const restores = &world->restores;
    if (restores->said_in == root->process) {
        if (rv_node_decisions_durable(root->node) < restores->said_made) {
            return;
        }
        restores->says = false;
        restores->epochs += 1;
        world->figures.epochs += 1;
        return;
    }
    if (world->now < restores->say_at && !world->quiet) {
        root->wake_at = restores->say_at < root->wake_at ? restores->say_at : root->wake_at;
        return;
    }
    const rv_status status = rv_node_epoch_begin(root->node, NULL);
    RV_ASSERT(status != RV_NOT_ROOT && status != RV_MEMORY_EXHAUSTED);
    root->wake_at = world->now;
    if (status == RV_OK) {
        restores->said_in = root->process;
        restores->said_made = rv_node_decisions_made(root->node);
        sim_note(world, 0, "begins epoch %u", rv_node_identity(root->node)->epoch);
    }
}

/* Two restores of one copy may share an epoch, when clocks go wrong: edges of the other one show
 * up, and it is said again. */
static void hear_of_strangers(sim_world *world, const sim_member *root) {
    sim_restores *const restores = &world->restores;
    const uint32_t met = rv_node_stranger(root->node).count;
    if (restores->met_in != root->process) {
        restores->met_in = root->process;
        restores->met = 0;
    }
    RV_ASSERT(met >= restores->met);
    if (met > restores->met && restores->epochs > 0 && !restores->says) {
        restores->says = true;
        restores->said_in = 0;
        restores->say_at = world->now + SIM_US_OF_SECOND;
    }
    restores->met = met;
}

/* --- both --- */

void sim_restored_opened(sim_world *world, sim_member *member) {
    if (member->plan->role == SIM_ROOT) {
        root_opened(world, member);
        return;
    }
    look_back(world, member);
    member->watermark = sim_member_w(member);
    RV_ASSERT(member->life == SIM_UP);
}

void sim_restored_turn(sim_world *world, sim_member *member) {
    RV_ASSERT(member->life == SIM_UP);
    if (member->plan->role == SIM_ROOT) {
        hear_of_strangers(world, member);
        if (world->restores.says) {
            say(world, member);
        }
        return;
    }
    if (!rv_node_rewinding(member->node)) {
        look_back(world, member);
        member->watermark = sim_member_w(member);
    }
}

bool sim_restored_done(const sim_world *world) {
    bool done = !world->restores.says && !world->restores.replaced;
    for (uint8_t i = 0; i < world->plan->member_count && done; i++) {
        done = !sim_restored_beside(&world->members[i]) &&
               (world->members[i].node == NULL || !rv_node_rewinding(world->members[i].node));
    }
    RV_ASSERT(world->restores.count <= SIM_RESTORES_MAX);
    return done;
}
