/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/times.h"

#include "core/base/assert.h"

#define WORLDS_PERCENT  60 /* of those in which the past is filled in */
#define ENTRIES_PERCENT 60 /* of what is not selected with its history */
#define STAYS_PERCENT   40 /* it is the same time in all of an edge's selections */
#define SPREAD_S        7200
#define FAR_S           (40 * 86400)

/* In seconds from where clocks begin: about now, at some time, or when nobody will see it. */
static int32_t draw_time(const sim_plan *plan, uint64_t *random) {
    const int32_t length = (int32_t)(plan->quiet_at / SIM_US_OF_SECOND) + 1;
    const int32_t within = (int32_t)rv_random_below(random, (uint64_t)length);
    const int32_t off = (int32_t)rv_random_below(random, SPREAD_S) - SPREAD_S / 2;
    RV_ASSERT(length > 0);
    switch (rv_random_below(random, 4)) {
    case 0:
        return FAR_S;
    case 1:
        return within;
    default:
        return within + off;
    }
}

/* What has the pattern once more has the time, too. */
static void set_time(sim_selection *selection, const char *pattern, int32_t seconds) {
    for (uint8_t i = 0; i < selection->count; i++) {
        sim_entry *const entry = &selection->entries[i];
        if (entry->pattern == pattern && !entry->history) {
            entry->since = 0;
            entry->timed = true;
            entry->seconds = seconds;
        }
    }
    RV_ASSERT(pattern != NULL);
}

void sim_times_draw(sim_plan *plan, bool known) {
    uint64_t random = sim_plan_stream(plan->seed, "times");
    const bool draws = known && !plan->features.rights && rv_random_chance(&random, WORLDS_PERCENT);
    for (uint8_t i = 1; i < plan->member_count && draws; i++) {
        sim_member_plan *const m = &plan->members[i];
        const bool stays = rv_random_chance(&random, STAYS_PERCENT);
        const int32_t time = draw_time(plan, &random);
        for (uint8_t k = 0; k < m->selection_count && m->fills; k++) {
            sim_selection *const s = &m->selections[k];
            for (uint8_t e = 0; e < s->count; e++) {
                const bool free = s->entries[e].pattern != NULL && !s->entries[e].history;
                const int32_t other = draw_time(plan, &random);
                if (free && rv_random_chance(&random, ENTRIES_PERCENT)) {
                    set_time(s, s->entries[e].pattern, stays ? time : other);
                    plan->features.times = true;
                }
            }
        }
    }
    RV_ASSERT(!plan->members[0].fills);
}
