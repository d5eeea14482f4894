/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that run an older version of the program than the root (SEMANTICS 15): there are events
 * whose data it does not understand. It holds them and passes them on as bytes, goes on with all
 * that does not depend on them, and says which aggregates are stale; a while later, at the latest
 * when faults stop, it is started with the version that there is, and is as any other.
 *
 * What an older version does not understand are some of the events of what is declared later
 * (sim_extra_draw). No edge writes such ones in these worlds: an older version cannot. The decoder
 * that nodes call is this folder's, over that of core/model/event.c, and asks who is reading.
 */
#ifndef RV_TESTS_SIM_OLDER_H
#define RV_TESTS_SIM_OLDER_H

#include "core/model/event.h"

struct sim_world;
struct sim_member;

/* Whose node runs from now on; NULL: nobody's. Returns who ran before. */
const struct sim_member *sim_older_runs(const struct sim_world *world,
                                        const struct sim_member *member);

/* As rv_event_data_decode, for checkers: of the version that there is. */
RV_MUST_USE bool sim_event_decode(const rv_event_type *type, rv_bytes data, rv_value *values);

/* Is it time that the member, which is up, is started with that? */
bool sim_older_ends(const struct sim_world *world, const struct sim_member *member);

/* The member was polled: checks that what is told to be stale is what must be. */
void sim_older_turn(struct sim_world *world, struct sim_member *member);

#endif
