/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/losses.h"

#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"

#define LOST_PERCENT 40 /* of the devices of which a gateway has come to have more */

static bool is_here(const sim_member *m, const sim_operation *o) {
    return o->kind == SIM_STEP_WRITE && o->edge_sequence > 0 && o->writer == m->index &&
           o->writer_life == m->disk_life;
}

/* Notes what the device's gateway has come to have, and what was decided. True: there is more. */
static bool look(sim_world *world, const sim_member *m) {
    rv_edge_status status;
    const rv_outbox_facts outbox = rv_node_outbox(m->node);
    bool more = false;
    rv_edge_status_of(m->edge, &status);
    for (uint32_t i = 0; i < world->operations.count; i++) {
        sim_operation *const o = world->operations.list[i];
        RV_ASSERT(!o->relayed || o->relayed_as > 0);
        if (!is_here(m, o) || o->command != NULL) {
            continue;
        }
        if (o->relayed && outbox.settled >= o->relayed_as) {
            o->relayed = false; /* the root may forget it */
        } else if (!o->relayed && o->level == SIM_LOCAL && !o->rejected && !o->voided &&
                   o->edge_sequence <= status.relayed && o->edge_sequence > outbox.settled) {
            o->relayed = more = true;
            o->relayed_as = o->edge_sequence;
            o->life.incarnation = outbox.incarnation;
            memcpy(o->life.edge_id, rv_node_id(m->node), sizeof o->life.edge_id);
            world->figures.relayed += 1;
            sim_note(world, m->index, "op %u: relayed", o->number);
        }
    }
    return more;
}

static void lose(sim_world *world, const sim_member *m) {
    sim_losses *const losses = &world->losses;
    const sim_step step = {
        .kind = SIM_STEP_WIPE, .member = m->index, .seed = rv_random_next(&losses->random)};
    RV_ASSERT(losses->count < SIM_LOSSES_MAX);
    memcpy(losses->ids[losses->count++], rv_node_id(m->node), sizeof losses->ids[0]);
    world->figures.lost += 1;
    sim_world_step(world, &step);
}

void sim_losses_moment(sim_world *world) {
    sim_losses *const losses = &world->losses;
    if (!world->plan->features.losses) {
        return;
    }
    if (losses->random == 0) {
        losses->random = sim_plan_stream(world->plan->seed, "lost");
    }
    for (uint8_t i = 1; i < world->plan->member_count; i++) {
        const sim_member *const m = &world->members[i];
        const bool device = m->plan->upstream != 0 && !m->plan->serves && !m->restored;
        if (device && m->life == SIM_UP && !rv_node_rewinding(m->node) &&
            rv_node_identity(m->node) != NULL && look(world, m) && !world->quiet &&
            losses->count < SIM_LOSSES_MAX && rv_random_chance(&losses->random, LOST_PERCENT)) {
            lose(world, m);
        }
    }
    RV_ASSERT(losses->count <= SIM_LOSSES_MAX);
}

bool sim_losses_is_lost(const sim_world *world, const uint8_t *id) {
    const sim_losses *const losses = &world->losses;
    bool lost = false;
    RV_ASSERT(id != NULL);
    for (uint32_t i = 0; i < losses->count && !lost; i++) {
        lost = memcmp(losses->ids[i], id, sizeof losses->ids[i]) == 0;
    }
    return lost;
}

/* Was a directory of those between the device and the root put back, or lost? */
static bool is_excused(const sim_world *world) {
    bool excused = world->restores.count + world->restores.epochs + world->figures.twin_copies > 0;
    for (uint8_t i = 1; i < world->plan->member_count && !excused; i++) {
        const sim_member *const m = &world->members[i];
        excused = m->restored || (m->plan->serves && m->disk_life > 0);
    }
    return excused;
}

void sim_losses_check_end(sim_world *world) {
    rv_node *const root = world->members[0].node;
    if (!world->plan->features.losses || is_excused(world)) {
        return;
    }
    for (uint32_t i = 0; i < world->operations.count; i++) {
        const sim_operation *const o = world->operations.list[i];
        rv_decision decision = {.outcome = RV_DECIDED_FORKED};
        if (!o->relayed || o->writer_life == world->members[o->writer].disk_life) {
            continue;
        }
        const bool met = sim_retry_met(world, o, 0) > 0;
        const bool decided = rv_node_decision(root, &o->life, o->relayed_as, &decision);
        const bool refused = decided && decision.outcome == RV_DECIDED_REFUSED;
        world->figures.lost_met += met;
        world->figures.lost_refused += refused;
        RV_ASSERT(o->kind == SIM_STEP_WRITE && o->relayed_as > 0);
        if (!met && !refused) {
            sim_fail(world, SIM_CHECK_LOST,
                     "op %u was at the gateway when member %u was lost, and is nowhere", o->number,
                     (unsigned)o->writer);
        }
    }
}
