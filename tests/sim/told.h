/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications that follow what waits and what was refused (SEMANTICS 23, 28): they go through the
 * lists of an edge, are told of each rejection once while their process lives, and acknowledge it
 * a while later, often in another process. Other worlds' applications acknowledge what they see at
 * once (outbox.c).
 *
 *     refused -> told, in each process once -> acknowledged -> gone, for good once that is durable
 *
 * Checked: both lists are in the order of writing and name what the edge's own application wrote,
 * once; no batch is in both; what was told and is durable is told again after a restart until it is
 * acknowledged; what was acknowledged never comes back; what has come past W waits no more.
 */
#ifndef RV_TESTS_SIM_TOLD_H
#define RV_TESTS_SIM_TOLD_H

#include "tests/sim/plan.h"

/* Of an operation that was written at an edge. */
typedef struct sim_telling {
    uint32_t process; /* of the edge, in which its rejection was told last; 0: never */
    uint64_t batch;   /* of its log then: all up to it are durable, so is the rejection */
    int64_t forget_at;
    uint32_t forgotten_in; /* process in which it was acknowledged; 0: in none */
    uint64_t forgotten_batch;
    bool kept;       /* it was told and durable when that process ended, */
    bool forgotten;  /* or it was acknowledged, and that was */
    uint32_t listed; /* the last look that met it */
} sim_telling;

/* Of an edge. */
typedef struct sim_told {
    uint32_t process;
    uint32_t life;
    uint64_t durable; /* batches of its log, as they were seen last in that process */
    uint32_t looks;
} sim_told;

struct sim_world;
struct sim_member;
struct sim_operation;
struct rv_rejection;

/* An edge that is up: is told, acknowledges. True when that moved something. */
bool sim_told_turn(struct sim_world *world, struct sim_member *edge);

/* Goes through all that waits at an edge. */
void sim_told_pending(struct sim_world *world, struct sim_member *edge);

#endif
