/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds in which edges take streams since a time: behind the root's clock, at it, and ahead of it,
 * as clocks jump.
 */
#ifndef RV_TESTS_SIM_TIMES_H
#define RV_TESTS_SIM_TIMES_H

#include "tests/sim/plan.h"

/* Of edges whose past is filled in, entries without all of their history may get a time. */
void sim_times_draw(sim_plan *plan, bool known);

#endif
