/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges with less memory than what their root accepts takes (SEMANTICS 15): W stands still before
 * the batch that is too much, nothing is skipped, rows are those at W (checked as everywhere), and
 * the session goes on. An administrator who is told gives such an edge more memory, after a while.
 *
 * Checked beside: there is a reason. Either the next batch that the edge is to get is large, for
 * its memory, or its pages are mostly used.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"

#define HEAR_US    (20 * SIM_US_OF_SECOND) /* until an administrator gives memory, at most */
#define LARGE_PART 64 /* of the memory, a batch: the node's limit is twice that (core/engine.c) */

/* Bytes of the batch of the truth that begins behind the position, as far as the edge is to have
 * them; UINT64_MAX: it is not known yet. */
static uint64_t next_batch(const sim_world *world, uint64_t position) {
    uint64_t bytes = 0;
    for (uint64_t p = position + 1; p <= world->truth.count; p++) {
        const rv_event *const event = &sim_truth_at(&world->truth, p)->event;
        bytes += event->data.len + event->metadata.len;
        if (event->batch_end) {
            return bytes;
        }
    }
    return UINT64_MAX;
}

static bool is_full(const sim_member *m) {
    rv_memory_class class_;
    bool full = false;
    for (uint32_t i = 0; rv_node_memory(m->node, i, &class_); i++) {
        full = full || (class_.bytes > 0 && class_.used > class_.bytes / 2);
    }
    RV_ASSERT(m->node != NULL);
    return full;
}

/* The least that a batch at or behind W comes to, and the most. */
static void check_reason(sim_world *world, const sim_member *m, const rv_error *reason) {
    const uint64_t w = rv_node_watermark(m->node);
    uint64_t most = 0;
    if (sim_restored_beside(m) || !rv_node_whole(m->node)) {
        return;
    }
    for (uint64_t p = w; p <= world->truth.count && most < UINT64_MAX; p++) {
        /* batches of streams that it does not hold are no part of it, so W may stand before them */
        const uint64_t bytes = next_batch(world, p);
        most = bytes > most ? bytes : most;
    }
    if (most < m->memory / LARGE_PART && !is_full(m)) {
        sim_fail(world, SIM_CHECK_STATUS, "member %u stands still at %llu, and has the memory: %s",
                 (unsigned)m->index, (unsigned long long)w, rv_status_code(reason->status));
    }
}

void sim_scant_turn(sim_world *world, sim_member *m) {
    rv_edge_status status;
    if ((!world->plan->features.scant && !world->plan->features.full) ||
        m->plan->role != SIM_EDGE || m->edge == NULL || rv_node_rewinding(m->node)) {
        return;
    }
    rv_edge_status_of(m->edge, &status);
    if (!status.stopped || m->memory_next > m->memory) {
        m->stopped_at = status.stopped ? m->stopped_at : 0;
        return;
    }
    if (m->stopped_at == 0) {
        uint64_t random = sim_plan_stream(world->plan->seed + m->index + m->memory, "scant");
        m->stopped_at = world->now;
        m->give_at = world->now + (int64_t)rv_random_below(&random, HEAR_US);
        world->figures.stopped += 1;
        world->figures.stopped_full += status.reason.status == RV_STATE_FULL;
        sim_note(world, m->index, "stands still at %llu: %s",
                 (unsigned long long)rv_node_watermark(m->node),
                 rv_status_code(status.reason.status));
        check_reason(world, m, &status.reason);
    }
    if (world->now < m->give_at && !world->quiet) {
        m->wake_at = m->give_at < m->wake_at ? m->give_at : m->wake_at;
    } else if (m->memory < SIM_NODE_MEMORY_MAX && world->canary != SIM_CANARY_MEMORY_DENIED) {
        m->memory_next = 2 * m->memory;
        m->wake_at = world->now;
    }
}
