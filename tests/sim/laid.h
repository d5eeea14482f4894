/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits at an edge, over its rows: whether that is what is shown, and the canaries that it is
 * not.
 */
#ifndef RV_TESTS_SIM_LAID_H
#define RV_TESTS_SIM_LAID_H

struct sim_world;
struct sim_member;

/* A world begins: plants its canary. */
void sim_laid_reset(const struct sim_world *world);

/* Compares, while something waits at the edge and the model can say. */
void sim_check_laid(struct sim_world *world, struct sim_member *m);

#endif
