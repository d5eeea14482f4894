/* SPDX-License-Identifier: Apache-2.0 */
#include "core/live/follower.h"

#include "core/base/assert.h"
#include "core/state/revisions.h"

static rv_state *state_of(const rv_followers *of) {
    RV_ASSERT(of->moments->node != NULL);
    return rv_node_state(of->moments->node);
}

/* The moment of now is the one that changes of what is kept count from. */
static void take_moment(rv_follower *f, const rv_followers *of, uint16_t kept) {
    rv_moment_release(of->moments, f->moment);
    const rv_moment *const now = kept != RV_NONE ? rv_moment_now(of->moments, UINT64_MAX) : NULL;
    f->moment = now == NULL ? 0 : now->serial;
}

void rv_follower_take(rv_follower *f, const rv_followers *of, uint16_t kept) {
    RV_ASSERT(kept == RV_NONE || kept < RV_AGGREGATES_MAX);
    rv_touches_follow(of->touches, state_of(of), &f->reads, of->scratch, &f->touched);
    take_moment(f, of, kept);
}

/* Where nothing that was read has changed, the moment need not grow old: others have newer ones,
 * and what became of rows that were not read is nothing to go by. */
static void renew_moment(rv_follower *f, const rv_followers *of, uint16_t kept) {
    const rv_moment *const moment = rv_moment_find(of->moments, f->moment);
    if (moment != NULL && kept != RV_NONE && moment->revision != rv_state_revision(state_of(of))) {
        take_moment(f, of, kept);
    }
}

bool rv_follower_moved(rv_follower *f, const rv_followers *of, uint16_t kept) {
    RV_ASSERT(kept == RV_NONE || kept < RV_AGGREGATES_MAX);
    if (rv_touches_concern(of->touches, state_of(of), &f->reads, of->scratch, &f->touched)) {
        return true;
    }
    renew_moment(f, of, kept);
    return false;
}

rv_snapshot rv_follower_since(const rv_follower *f, const rv_followers *of) {
    const rv_moment *const moment = rv_moment_find(of->moments, f->moment);
    RV_ASSERT(moment == NULL || f->moment != 0);
    return moment == NULL ? (rv_snapshot){0} : moment->deltas.snapshot;
}

bool rv_follower_moved_of(const rv_follower *f, const rv_followers *of, rv_reads_of aggregates) {
    RV_ASSERT(aggregates.count == 0 || aggregates.aggregates != NULL);
    return rv_touches_concern_of(of->touches, state_of(of), &f->reads, aggregates, of->scratch,
                                 &f->touched);
}

bool rv_follower_rest(rv_follower *f, const rv_followers *of, uint16_t kept, bool *moment) {
    const uint64_t revision = rv_state_revision(state_of(of));
    const rv_moment *const own = kept != RV_NONE ? rv_moment_find(of->moments, f->moment) : NULL;
    if ((f->touched.follows && f->touched.revision != revision) ||
        (own != NULL && own->revision != revision)) {
        return false;
    }
    *moment = own != NULL;
    rv_moment_release(of->moments, f->moment);
    f->moment = 0;
    return true;
}

void rv_follower_resume(rv_follower *f, const rv_followers *of, const rv_touched *touched,
                        uint64_t moment) {
    RV_ASSERT(f->moment == 0);
    f->touched.revision = touched->revision;
    f->touched.place = touched->place;
    f->moment = rv_moment_hold(of->moments, moment) ? moment : 0;
}

void rv_follower_leave(rv_follower *f, const rv_followers *of) {
    rv_moment_release(of->moments, f->moment);
    f->moment = 0;
    rv_touches_leave(of->touches, state_of(of), &f->touched);
    RV_ASSERT(!f->touched.follows);
}
