/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that are used twice at the same time (SEMANTICS 5 and 6): a device, or a gateway, is
 * copied while it does not run, and the copy is started beside it, as another member with the same
 * selections, behind the same upstream. Both have one edge id and one incarnation then, and the
 * same that waits, and both write.
 *
 *     original   1 2 3 | 4 5 6 …             both push 4: the later one is told that it is a copy,
 *     copy       1 2 3 | 4' 5' …             takes a new incarnation, and queues again
 *
 * What waited when the copy was made waits at both, is there once in the end, and at each of them
 * it is accepted or refused; at one it may be refused that is accepted from the other, as the root
 * forgets what it refused once that is settled, and judges anew (docs/restore.md). What was written
 * after that is the writer's own, and checked as everywhere.
 */
#ifndef RV_TESTS_SIM_TWINS_H
#define RV_TESTS_SIM_TWINS_H

#include "tests/sim/operations.h"

struct sim_world;
struct sim_member;

/* Adds a member that is to be a copy of another one, and the steps that make it that, by the
 * features (SIM_TWINS, SIM_TWIN_RIGHTS). */
void sim_twins_draw(sim_plan *plan, uint32_t features);

/* The member's directory is replaced by what its twin's holds, which is stopped for that. */
void sim_twins_step(struct sim_world *world, struct sim_member *m, uint64_t *random);

/* The member was opened: if for the first time as a copy, notes what both have. */
void sim_twins_opened(struct sim_world *world, struct sim_member *m);

/* Is `other` of the one who wrote `o`, or was in a directory that became his? */
bool sim_twins_own(const struct sim_world *world, const sim_operation *other,
                   const sim_operation *o);

/* May both have taken one key: by the leases of one life? */
bool sim_twins_share_keys(const struct sim_world *world, const sim_operation *a,
                          const sim_operation *b);

/* When all has converged. */
void sim_twins_check_end(struct sim_world *world);

#endif
