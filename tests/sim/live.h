/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications that follow a query, each at its own pace: they run it again only when the rows that
 * changed lie in what it read, and over what was kept, if it can be kept up. What is not run again
 * is run all the same, here, and must give what it gave; what is kept up is run afresh besides, and
 * must give the same: through crashes of the process, overlays, bases, other selections and epochs.
 */
#ifndef RV_TESTS_SIM_LIVE_H
#define RV_TESTS_SIM_LIVE_H

#include "core/state/touches.h"
#include "sql/sql.h"
#include "tests/sim/plan.h"

typedef struct sim_live_query {
    bool used;
    uint64_t random;
    uint32_t process; /* of the member, in which it was run */
    uint32_t rewinds; /* of its node: later ones may bring another schema */
    char text[160];
    rv_hash128 answer;
    rv_reads reads;
    rv_touched touched;
    rv_touches touches;
    rv_sql *sql; /* of the process; NULL: there was no memory for it */
    rv_sql_upkeep upkeep;
    rv_deltas moment; /* in which that was whole */
} sim_live_query;

typedef struct sim_live_queries {
    sim_live_query list[SIM_MEMBERS_MAX];
} sim_live_queries;

struct sim_world;
struct sim_member;

/* Before a run. */
void sim_live_reset(struct sim_world *world);

/* Looks at what has changed on a member that is up, and asks. */
void sim_live_turn(struct sim_world *world, struct sim_member *member);

#endif
