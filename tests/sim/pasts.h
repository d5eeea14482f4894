/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The past: while a world goes on, the hash of what a member has confirmed is noted now and then;
 * when it has ended, each member is asked for the state as it was at all of these positions, in any
 * order, whatever has happened to it since. Nothing of a run depends on it.
 */
#ifndef RV_TESTS_SIM_PASTS_H
#define RV_TESTS_SIM_PASTS_H

#include "core/base/hash.h"
#include "tests/sim/plan.h"

#define SIM_PAST_NOTES 12

typedef struct sim_past_note {
    uint64_t position; /* 0: none */
    rv_hash128 hash;
    uint32_t disk_life;
    uint32_t epoch;
    uint32_t helds; /* how often what is held had changed */
} sim_past_note;

typedef struct sim_past {
    uint64_t random;
    uint64_t next_at; /* W from which on the next one is made */
    uint32_t process; /* of the member, when it was looked at last, */
    uint32_t swaps;   /* and its node's selection_swaps */
    sim_past_note notes[SIM_PAST_NOTES];
} sim_past;

typedef struct sim_pasts {
    sim_past list[SIM_MEMBERS_MAX];
} sim_pasts;

struct sim_world;
struct sim_member;

/* Before a run. */
void sim_pasts_reset(struct sim_world *world);

/* Looks at a member that is up. */
void sim_pasts_turn(struct sim_world *world, struct sim_member *member);

/* Asks it for what was noted. At the end of a run. */
void sim_pasts_check(struct sim_world *world, struct sim_member *member);

#endif
