/* SPDX-License-Identifier: Apache-2.0 */
/* What a step of the plan does to the world. */
#include "tests/sim/gates.h"
#include "tests/sim/world.h"

#include "core/base/assert.h"

static rv_sim_crash draw_crash(uint64_t *random) {
    return (rv_sim_crash)(RV_SIM_CRASH_LOSE + rv_random_below(random, 3));
}

static int64_t draw_us(uint64_t *random, int64_t max) {
    RV_ASSERT(max > 0);
    return (int64_t)rv_random_below(random, (uint64_t)max);
}

static void step_process(sim_world *world, sim_member *m, const sim_step *step, uint64_t *random) {
    const int64_t restart_at = world->now + draw_us(random, 8 * SIM_US_OF_SECOND);
    if (m->life == SIM_DOWN) {
        return;
    }
    if (step->kind == SIM_STEP_CLOSE && m->life == SIM_UP) {
        rv_error err;
        sim_link *const link = sim_wires_of_edge(world, m->index);
        (void)rv_error_set(&err, RV_CLOSING, "the node closes");
        if (link != NULL) {
            sim_wires_edge_closed(world, link, &err);
        }
        sim_workload_drop(world, m);
        sim_wires_drop(world, m, false);
        m->edge = NULL;
        m->shared = NULL;
        m->life = SIM_CLOSING;
        m->restart_at = restart_at;
        m->wake_at = world->now;
    } else if (step->kind == SIM_STEP_POWER) {
        sim_world_stop(world, m, draw_crash(random), true, restart_at);
    } else if (step->kind == SIM_STEP_KILL) {
        sim_world_stop(world, m, RV_SIM_CRASH_KEEP, false, restart_at);
    } else if (step->kind == SIM_STEP_POWER_AT && !m->power_due) {
        m->power_due = true;
        m->power_crash = draw_crash(random);
        m->power_restart_us = draw_us(random, 8 * SIM_US_OF_SECOND);
        m->faults.fault = RV_SIM_STOP;
        m->faults.fault_at = rv_sim_disk_operations(m->disk) + 1 + rv_random_below(random, 30);
        m->faults.crash = m->power_crash;
        sim_member_faults_apply(m);
    }
}

static void step_disk(sim_world *world, sim_member *m, const sim_step *step, uint64_t *random) {
    if (step->kind == SIM_STEP_DISK_FULL) {
        m->full_until = world->now + 1 + draw_us(random, 20 * SIM_US_OF_SECOND);
    } else if (step->kind == SIM_STEP_DISK_SLOW) {
        m->slow_until = world->now + 1 + draw_us(random, 20 * SIM_US_OF_SECOND);
    } else if (!m->power_due) {
        m->faults.fault = step->kind == SIM_STEP_DISK_FAIL ? RV_SIM_FAIL : RV_SIM_TEAR;
        m->faults.fault_at = rv_sim_disk_operations(m->disk) + 1 + rv_random_below(random, 30);
        sim_member_faults_apply(m);
    }
    RV_ASSERT(m->disk != NULL);
    m->wake_at = world->now;
}

/* The edge is moved to another upstream: its own or the root, or one that has a copy of that's
 * directory. */
static void move(const sim_world *world, sim_member *m, uint64_t *random) {
    const uint8_t own = m->plan->upstream;
    const uint8_t twin = world->plan->members[own].twin;
    const bool other = twin > 0 && world->members[twin].process > 0;
    RV_ASSERT(own > 0);
    m->upstream = m->upstream == 0 ? own : 0;
    if (other && m->upstream == own && rv_random_chance(random, 50)) {
        m->upstream = twin;
    }
}

static void step_link(sim_world *world, const sim_step *step, uint64_t *random) {
    sim_network *const network = &world->network;
    sim_member *const m = &world->members[step->member];
    sim_link *const link = sim_wires_of_edge(world, step->member);
    const int64_t until = world->now + draw_us(random, 45 * SIM_US_OF_SECOND);
    const uint8_t upstream = m->upstream;
    const bool to_edge = rv_random_chance(random, 50);
    RV_ASSERT(upstream != step->member);
    if (step->kind == SIM_STEP_PARTITION) {
        sim_network_block(network, step->member, upstream, until);
        sim_network_block(network, upstream, step->member, until);
        return;
    }
    if (step->kind == SIM_STEP_PARTITION_ONE_WAY) {
        sim_network_block(network, to_edge ? upstream : step->member,
                          to_edge ? step->member : upstream, until);
        return;
    }
    if (step->kind == SIM_STEP_CUT && m->plan->upstream != 0 && rv_random_chance(random, 40)) {
        move(world, m, random);
        world->figures.moves += 1;
        sim_note(world, step->member, "connects to member %u from now on", (unsigned)m->upstream);
    }
    if (link == NULL || link->state != SIM_LINK_OPEN) {
        return;
    }
    const uint32_t keep_up = (uint32_t)rv_random_below(random, 4);
    const uint32_t keep_down = (uint32_t)rv_random_below(random, 4);
    if (step->kind == SIM_STEP_SLOW_LINK) {
        link->bytes_per_second = 2000 + draw_us(random, 20000);
        link->jitter_us = draw_us(random, 500000);
    } else if (step->kind == SIM_STEP_CUT) {
        sim_link_break(network, link, SIM_TO_UPSTREAM, keep_up, world->now);
        sim_link_break(network, link, SIM_TO_EDGE, keep_down, world->now);
    } else if (to_edge) {
        sim_link_break(network, link, SIM_TO_EDGE, keep_down, world->now);
        sim_link_lose(network, link, SIM_TO_UPSTREAM, keep_up);
    } else {
        sim_link_break(network, link, SIM_TO_UPSTREAM, keep_up, world->now);
        sim_link_lose(network, link, SIM_TO_EDGE, keep_down);
    }
}

static void step_directory(sim_world *world, sim_member *m, const sim_step *step,
                           uint64_t *random) {
    if (step->kind == SIM_STEP_RESTORE_ROOT) {
        sim_restored_step(world, m, random);
        return;
    }
    if (step->kind == SIM_STEP_TWIN) {
        sim_twins_step(world, m, random);
        return;
    }
    RV_ASSERT(step->kind == SIM_STEP_RESTORE || step->kind == SIM_STEP_WIPE);
    if (step->kind == SIM_STEP_RESTORE && !m->copied) {
        return;
    }
    if (m->life != SIM_DOWN) {
        sim_world_stop(world, m, RV_SIM_CRASH_KEEP, false, 0);
    }
    sim_member_disk_replace(m, step->kind == SIM_STEP_RESTORE ? &m->copy : NULL);
    m->restored = m->restored || step->kind == SIM_STEP_RESTORE;
    m->helds = step->kind == SIM_STEP_RESTORE ? m->copy_helds : (sim_helds){.count = 0};
    sim_restored_replaced(world, m, step->kind == SIM_STEP_RESTORE);
    sim_feeds_forget(world, m->index);
    m->restart_at = world->now + draw_us(random, 3 * SIM_US_OF_SECOND);
    m->wake_at = m->restart_at;
}

/* Its administrator tells it the next of its selections, or starts it again with that. */
static void step_select(sim_world *world, sim_member *m, uint64_t *random) {
    const bool taken = m->plan->takes != NULL && sim_rights_selection(world, m) != m->selection;
    if (m->selection + 1 >= m->plan->change_count || taken) {
        return; /* (what it may not hold is refused, perhaps as a whole) */
    }
    m->selection += 1;
    world->figures.selections += 1;
    const int64_t restart_at = world->now + draw_us(random, 2 * SIM_US_OF_SECOND);
    const bool given = sim_selection_has_given(&m->plan->selections[m->selection]);
    m->selects = m->life == SIM_UP && rv_random_chance(random, 60) &&
                 (!given || world->truth.count > 0) && /* aggregates that are selected must exist */
                 (m->plan->takes == NULL || sim_rights_selection(world, m) == m->selection);
    if (m->selects) {
        m->wake_at = world->now;
        return;
    }
    if (m->life == SIM_UP || m->life == SIM_OPENING) {
        sim_world_stop(world, m, RV_SIM_CRASH_KEEP, false, restart_at);
    }
    RV_ASSERT(m->plan->role == SIM_EDGE);
}

static void step_look(sim_world *world, sim_member *m) {
    if (m->life != SIM_UP) {
        return;
    }
    RV_ASSERT(m->node != NULL);
    (void)sim_check_rows(world, m);
    sim_check_memory(world, m);
    if (m->edge != NULL) {
        sim_check_hash(world, m);
        rv_edge_status status;
        rv_edge_status_of(m->edge, &status);
        if (status.state == RV_EDGE_ERROR && !sim_restored_beside(m) &&
            !sim_gates_may_refuse(world, m, status.reason.status)) {
            sim_fail(world, SIM_CHECK_STATUS, "member %u has stopped: %s", (unsigned)m->index,
                     rv_status_code(status.reason.status));
        }
    }
}

void sim_world_step(sim_world *world, const sim_step *step) {
    sim_member *const m = &world->members[step->member];
    uint64_t random = step->seed;
    world->figures.steps[step->kind] += 1;
    if (step->kind >= SIM_STEP_CLOSE) {
        sim_note(world, step->member, "%s", sim_step_text(step->kind));
    }
    switch (step->kind) {
    case SIM_STEP_CLOSE:
    case SIM_STEP_KILL:
    case SIM_STEP_POWER:
    case SIM_STEP_POWER_AT:
        step_process(world, m, step, &random);
        return;
    case SIM_STEP_DISK_FAIL:
    case SIM_STEP_DISK_TEAR:
    case SIM_STEP_DISK_FULL:
    case SIM_STEP_DISK_SLOW:
        step_disk(world, m, step, &random);
        return;
    case SIM_STEP_CUT:
    case SIM_STEP_HALF_OPEN:
    case SIM_STEP_PARTITION:
    case SIM_STEP_PARTITION_ONE_WAY:
    case SIM_STEP_SLOW_LINK:
        step_link(world, step, &random);
        return;
    case SIM_STEP_CLOCK:
        m->skew_us += draw_us(&random, 7200 * SIM_US_OF_SECOND) - 3600 * SIM_US_OF_SECOND;
        return;
    case SIM_STEP_SELECT:
        step_select(world, m, &random);
        return;
    case SIM_STEP_BACKUP:
        m->copy_wanted = true;
        return;
    case SIM_STEP_RESTORE:
    case SIM_STEP_RESTORE_ROOT:
    case SIM_STEP_WIPE:
    case SIM_STEP_TWIN:
        step_directory(world, m, step, &random);
        return;
    case SIM_STEP_FEED:
    case SIM_STEP_READ:
        sim_feeds_step(world, step);
        return;
    case SIM_STEP_LOOK:
        step_look(world, m);
        return;
    case SIM_STEP_QUERY:
        sim_query(world, m, &random);
        return;
    case SIM_STEP_DECAY:
        sim_decay(world, m, &random);
        return;
    case SIM_STEP_APPEND:
    case SIM_STEP_BATCH:
    case SIM_STEP_EXPECTED:
    case SIM_STEP_AGAIN:
    case SIM_STEP_REUSED:
    case SIM_STEP_WRONG:
    case SIM_STEP_SCHEMA:
    case SIM_STEP_WRITE:
        sim_workload_step(world, step);
        return;
    case SIM_STEP_KIND_COUNT:
        break;
    }
    RV_ASSERT(false);
}
