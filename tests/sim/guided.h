/* SPDX-License-Identifier: Apache-2.0 */
/* What leads edges past what they do not select (core/live/guide.h): how much of it happens, and
 * the canary that it leads too far. */
#ifndef RV_TESTS_SIM_GUIDED_H
#define RV_TESTS_SIM_GUIDED_H

struct sim_world;

/* A world begins: plants its canary, and counts in its figures. */
void sim_guided_reset(struct sim_world *world);

#endif
