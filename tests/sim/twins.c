/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/twins.h"

#include "tests/sim/world.h"

#include "core/base/assert.h"

#define WORLDS_PERCENT 30
#define COPIES_MAX     3  /* in a world */
#define BACK_PERCENT   25 /* of the later ones: the original becomes a copy of its copy */
#define MOVED_PERCENT  45 /* of what happens to the original it happens to the copy instead */
#define POWER_PERCENT  40 /* the original is stopped by a power failure, else killed */

/* --- plans --- */

/* Some event at the root, behind the step, is this instead. Where it is; the count: nowhere. */
static uint32_t put_step(sim_plan *plan, uint32_t from, uint8_t member) {
    uint32_t at = from;
    while (at < plan->step_count && plan->steps[at].kind != SIM_STEP_APPEND) {
        at += 1;
    }
    if (at < plan->step_count) {
        plan->steps[at].kind = SIM_STEP_TWIN;
        plan->steps[at].member = member;
    }
    RV_ASSERT(member > 0 && plan->members[member].twin > 0);
    return at;
}

void sim_twins_draw(sim_plan *plan, uint32_t features) {
    uint64_t random = sim_plan_stream(plan->seed, "twins");
    const bool known = (features & SIM_TWINS) != 0 &&
                       (!plan->features.rights || (features & SIM_TWIN_RIGHTS) != 0);
    const bool some =
        known && plan->member_count < SIM_MEMBERS_MAX && rv_random_chance(&random, WORLDS_PERCENT);
    const uint8_t copy = plan->member_count;
    if (!some) {
        return;
    }
    const uint8_t original = (uint8_t)(1 + rv_random_below(&random, copy - 1u));
    plan->features.twins = true;
    plan->member_count += 1;
    plan->members[copy] = plan->members[original];
    plan->members[copy].starts_at = INT64_MAX; /* when there is something to copy */
    plan->members[copy].twin = original;
    plan->members[original].twin = copy;
    uint32_t from = plan->step_count / 8 + (uint32_t)rv_random_below(&random, plan->step_count / 2);
    uint32_t at = put_step(plan, from, copy);
    for (uint32_t i = at; i < plan->step_count; i++) {
        sim_step *const step = &plan->steps[i];
        const bool moves = step->member == original && step->kind != SIM_STEP_TWIN;
        step->member = moves && rv_random_chance(&random, MOVED_PERCENT) ? copy : step->member;
    }
    for (uint64_t more = rv_random_below(&random, COPIES_MAX); more > 0 && at < plan->step_count;
         more--) {
        const bool back = rv_random_chance(&random, BACK_PERCENT);
        from = at + (uint32_t)rv_random_below(&random, plan->step_count - at);
        at = put_step(plan, from, back ? original : copy);
    }
    RV_ASSERT(plan->member_count <= SIM_MEMBERS_MAX);
}

/* --- copies --- */

void sim_twins_step(sim_world *world, sim_member *m, uint64_t *random) {
    static sim_directory directory;
    sim_member *const from = &world->members[m->plan->twin];
    const rv_sim_faults calm = {.fault = RV_SIM_NO_FAULT};
    const bool power = rv_random_chance(random, POWER_PERCENT);
    const rv_sim_crash crash =
        power ? (rv_sim_crash)(RV_SIM_CRASH_LOSE + rv_random_below(random, 3)) : RV_SIM_CRASH_KEEP;
    const int64_t first_at = world->now + (int64_t)rv_random_below(random, 3 * SIM_US_OF_SECOND);
    const int64_t second_at = world->now + (int64_t)rv_random_below(random, 3 * SIM_US_OF_SECOND);
    RV_ASSERT(m->plan->twin > 0 && from->plan->twin == m->index);
    if (from->process == 0) {
        return; /* there is nothing yet */
    }
    if (from->life != SIM_DOWN) {
        sim_world_stop(world, from, crash, power, first_at);
    }
    if (m->life != SIM_DOWN) {
        sim_world_stop(world, m, RV_SIM_CRASH_KEEP, false, second_at);
    }
    for (uint32_t i = 0; i < world->operations.count; i++) {
        sim_operation *const o = world->operations.list[i];
        const bool of_them = o->writer == m->index || o->writer == from->index;
        o->both = o->both || (o->kind == SIM_STEP_WRITE && o->edge_sequence > 0 && of_them);
    }
    rv_sim_disk_set_faults(from->disk, &calm);
    sim_directory_take(&directory, rv_sim_disk_interface(from->disk));
    sim_member_faults_apply(from);
    sim_member_disk_replace(m, &directory);
    sim_directory_free(&directory);
    sim_restored_twin(m, from);
    m->helds = from->helds;
    m->selection = from->selection;
    m->memory_next = from->memory_next > m->memory_next ? from->memory_next : m->memory_next;
    m->restored = from->restored = true;
    m->copied_of = SIM_COPIED_NEW;
    sim_feeds_forget(world, m->index);
    m->restart_at = m->wake_at = second_at;
    world->figures.twin_copies += 1;
    sim_note(world, m->index, "is a copy of member %u from now on", (unsigned)from->index);
}

/* The operation of a batch is in both directories. */
static void share(sim_world *world, const sim_member *m, const rv_pending *batch) {
    rv_pending_cursor cursor = {0};
    rv_pending_event event;
    uint32_t index = 0;
    if (rv_node_pending_event(m->node, batch, &cursor, &event)) {
        sim_operation *const o = sim_operations_find(&world->operations, event.metadata, &index);
        if (o != NULL) {
            o->shared = true;
            world->figures.twin_shared += 1;
        }
    }
    RV_ASSERT(batch->count > 0);
}

void sim_twins_opened(sim_world *world, sim_member *m) {
    rv_pending batch;
    rv_rejection rejection;
    if (m->copied_of != SIM_COPIED_NEW) {
        return;
    }
    m->copied_of = SIM_COPIED;
    for (uint64_t after = 0; rv_node_pending(m->node, after, &batch);) {
        after = batch.edge_sequence;
        share(world, m, &batch);
    }
    for (uint64_t after = 0; rv_node_rejection(m->node, after, &rejection);) {
        after = rejection.batch.edge_sequence;
        share(world, m, &rejection.batch);
    }
    const bool hidden = rv_node_outbox(m->node).held_back > 0; /* and not listed */
    for (uint32_t i = 0; i < world->operations.count && hidden; i++) {
        sim_operation *const o = world->operations.list[i];
        const bool of_them = o->writer == m->index || o->writer == m->plan->twin;
        o->shared = o->shared || (o->both && of_them);
    }
    RV_ASSERT(m->life == SIM_UP);
}

/* --- checks --- */

static bool are_twins(const sim_world *world, uint8_t a, uint8_t b) {
    RV_ASSERT(a < world->plan->member_count && b < world->plan->member_count);
    return a != b && world->plan->members[a].twin == b && b > 0;
}

bool sim_twins_own(const sim_world *world, const sim_operation *other, const sim_operation *o) {
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
    return other->writer == o->writer ||
           (other->both && are_twins(world, other->writer, o->writer));
}

bool sim_twins_share_keys(const sim_world *world, const sim_operation *a, const sim_operation *b) {
    RV_ASSERT(a != b);
    return a->kind == SIM_STEP_WRITE && b->kind == SIM_STEP_WRITE &&
           a->incarnation == b->incarnation && are_twins(world, a->writer, b->writer);
}

void sim_twins_check_end(sim_world *world) {
    for (uint8_t i = 1; i < world->plan->member_count; i++) {
        const sim_member *const m = &world->members[i];
        const sim_member *const other = &world->members[m->plan->twin];
        rv_forked forked = {.count = 0};
        if (m->plan->twin < i) {
            continue; /* it has none, or they were looked at */
        }
        const bool same_id = memcmp(rv_node_id(m->node), rv_node_id(other->node), 16) == 0;
        const bool apart =
            rv_node_outbox(m->node).incarnation != rv_node_outbox(other->node).incarnation;
        const bool told = rv_node_forked(m->node, &forked) || rv_node_forked(other->node, &forked);
        world->figures.twins_apart += same_id && apart && told;
        RV_ASSERT(m->life == SIM_UP && other->life == SIM_UP);
    }
}
