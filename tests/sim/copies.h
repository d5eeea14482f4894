/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications that keep a copy of an aggregate's rows by its changes alone, each at its own pace.
 * Their copy outlives the node's process: after a crash one goes on where the rows have the sum
 * that its copy has, as readers over HTTP do, and otherwise begins again. Each change must be true
 * of the copy, and a copy that has been told everything must be the rows.
 */
#ifndef RV_TESTS_SIM_COPIES_H
#define RV_TESTS_SIM_COPIES_H

#include "core/live/row_feed.h"
#include "tests/sim/plan.h"

#define SIM_COPY_ROWS_MAX 640 /* more than a world has rows */

typedef struct sim_copied_row {
    uint64_t key; /* a hash */
    uint64_t row; /* the same, of all columns */
} sim_copied_row;

typedef struct sim_copy {
    bool used;
    uint64_t random;
    uint16_t aggregate;
    bool opened; /* once: `aggregate` is drawn */
    uint32_t count;
    sim_copied_row rows[SIM_COPY_ROWS_MAX];
    uint64_t sum; /* of the rows */
    /* of the process */
    uint32_t process;
    uint64_t sum_untold;
    rv_moments moments;
    rv_row_feed feed;
} sim_copy;

typedef struct sim_copies {
    sim_copy list[SIM_MEMBERS_MAX];
} sim_copies;

struct sim_world;
struct sim_member;

/* Before a run. */
void sim_copies_reset(struct sim_world *world);

/* Takes some of what there is on a member that is up, and compares what was told whole. */
void sim_copies_turn(struct sim_world *world, struct sim_member *member);

#endif
