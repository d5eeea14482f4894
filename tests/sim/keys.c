/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that edges give to rows from what the root has leased to them (SEMANTICS 25): none is given
 * twice, wherever, and none is refused as taken. A directory that was put back may give its keys
 * again: for what such a one has written nothing is said.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"

#include <stdlib.h>

/* The key is the last segment of the path. */
static uint64_t key_of(rv_bytes path) {
    char text[SIM_PATH_LEN];
    RV_ASSERT(path.len > 0 && path.len < sizeof text);
    memcpy(text, path.ptr, path.len);
    text[path.len] = '\0';
    const char *const slash = strrchr(text, '/');
    return slash == NULL ? 0 : strtoull(slash + 1, NULL, 10);
}

/* True when what the operation took is taken for good, seen from the member's process. */
static bool holds(const sim_operation *o, const sim_member *member) {
    const bool here = o->writer == member->index;
    const bool same_process = o->writer_process == member->process;
    const bool made = o->kind != SIM_STEP_WRITE ||
                      sim_command_holds(o, here ? member->process : 0); /* by its last run */
    return made && (o->level > SIM_MEMORY || (here && same_process)) &&
           (!here || o->writer_life == member->disk_life);
}

/* The operation that has the key already; NULL: none. */
static const sim_operation *taken_by(const sim_world *world, const sim_member *member,
                                     const sim_operation *o, uint64_t key) {
    for (uint32_t i = 0; i < world->operations.count; i++) {
        const sim_operation *const other = world->operations.list[i];
        for (uint8_t k = 0; k < other->count && other != o; k++) {
            if (other->asked[k].key == key && holds(other, member) &&
                !sim_twins_share_keys(world, other, o)) {
                return other;
            }
        }
    }
    return NULL;
}

void sim_keys_written(sim_world *world, const sim_member *member, sim_operation *o,
                      uint64_t edge_sequence) {
    rv_pending pending;
    rv_pending_cursor cursor = {0};
    rv_pending_event event;
    if (!rv_node_pending(member->node, edge_sequence - 1, &pending) ||
        pending.edge_sequence != edge_sequence) {
        return;
    }
    for (uint8_t i = 0; i < o->count; i++) {
        const bool there = rv_node_pending_event(member->node, &pending, &cursor, &event);
        RV_ASSERT(there);
        if (o->asked[i].draft.path[0] == '/') {
            continue;
        }
        const uint64_t key = key_of(event.path);
        const sim_operation *const other = taken_by(world, member, o, key);
        o->asked[i].key = key;
        world->figures.keys += 1;
        sim_note(world, member->index, "op %u: takes key %llu", o->number, (unsigned long long)key);
        /* a restored root leases what it did before, until somebody says so */
        if (other != NULL && !o->both && world->restores.count == 0) {
            sim_fail(world, SIM_CHECK_TWICE, "op %u takes key %llu, which op %u has", o->number,
                     (unsigned long long)key, other->number);
        }
    }
}

void sim_keys_check_end(sim_world *world, const sim_operation *o, rv_status rejected_for) {
    const bool taken = rejected_for == RV_ROW_EXISTS || rejected_for == RV_KEY_LEASED;
    RV_ASSERT(o->kind == SIM_STEP_WRITE);
    if (o->count == 1 && o->asked[0].key > 0 && taken && !world->members[o->writer].restored &&
        world->restores.count + world->restores.epochs == 0) { /* else the lease was void */
        sim_fail(world, SIM_CHECK_JUDGEMENT, "op %u was refused for its key %llu, which it leased",
                 o->number, (unsigned long long)o->asked[0].key);
    }
}
