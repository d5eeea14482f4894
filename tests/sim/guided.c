/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of edges that are behind, past what they do not select. Whether it was the right one
 * shows by what they then hold, as everything else does; here it is counted, and led too far.
 */
#include "tests/sim/guided.h"

#include "core/base/assert.h"
#include "tests/sim/world.h"

/* As rv_guide_next, by the library's file; this one takes its place in the simulator's programs. */
#define rv_guide_next rv_guide_next_as_is
#include "core/live/guide.c" /* NOLINT(bugprone-suspicious-include) */
#undef rv_guide_next

#define NTH_FAR 3u /* of the ways that are shortened this one is too long */

static sim_world *of;

rv_status rv_guide_next(rv_guide *guide, const rv_subscription *subscription, uint64_t end,
                        uint64_t *next, rv_error *err);

rv_status rv_guide_next(rv_guide *guide, const rv_subscription *subscription, uint64_t end,
                        uint64_t *next, rv_error *err) {
    const rv_status status = rv_guide_next_as_is(guide, subscription, end, next, err);
    RV_ASSERT(status != RV_OK || *next >= subscription->next_sequence);
    if (of != NULL && status == RV_OK && *next > subscription->next_sequence) {
        of->figures.guided += 1;
        of->figures.guided_past += *next - subscription->next_sequence;
        const bool far = of->canary == SIM_CANARY_GUIDED_FAR && of->figures.guided % NTH_FAR == 0;
        *next += far && *next < end;
    }
    return status;
}

void sim_guided_reset(sim_world *world) {
    RV_ASSERT(world->canary < SIM_CANARY_COUNT);
    of = world;
}
