/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that was made of rows and is to be given again when it may be another one: which rows
 * those were (core/state/reads.h), up to when they were compared with what was touched
 * (core/state/touches.h), and, where the answer is kept up by what becomes of the rows of one
 * aggregate, since which moment (moments.h) that is known. For live answers of every interface.
 */
#ifndef RV_LIVE_FOLLOWER_H
#define RV_LIVE_FOLLOWER_H

#include "core/live/moments.h"
#include "core/state/touches.h"

typedef struct rv_follower {
    rv_reads reads;     /* rows that the answer was made of, */
    rv_touched touched; /* and up to when they were compared */
    uint64_t moment;    /* since when it is kept up; 0: it is not */
} rv_follower;

/* What followers of one node share. */
typedef struct rv_followers {
    rv_touches *touches;
    rv_moments *moments;
    rv_arena *scratch; /* its mark is as it was, afterwards */
} rv_followers;

/* The answer is what the rows say now, `reads` what it was made of. `kept`: the aggregate by whose
 * rows it is kept up, or RV_NONE. Between two atomic steps, as all of these. */
void rv_follower_take(rv_follower *follower, const rv_followers *of, uint16_t kept);

/* True when the answer may be another one now. */
RV_MUST_USE bool rv_follower_moved(rv_follower *follower, const rv_followers *of, uint16_t kept);

/* Since when it is known what became of the rows of `kept`; none: it is not. */
rv_snapshot rv_follower_since(const rv_follower *follower, const rv_followers *of);

/* True when rows of these aggregates that the answer was made of may have changed. */
RV_MUST_USE bool rv_follower_moved_of(const rv_follower *follower, const rv_followers *of,
                                      rv_reads_of aggregates);

/*
 * A follower whose answer is the one of now may rest: somebody compares for all that do, with one
 * rv_touched and one moment. _rest: false: it has not compared up to now. `*moment`: it counts from
 * the moment of now, too, which it holds no more. _resume: it has compared up to `touched`, and
 * counts from the moment with this serial, which is held for it from now on (0: from none).
 */
RV_MUST_USE bool rv_follower_rest(rv_follower *follower, const rv_followers *of, uint16_t kept,
                                  bool *moment);
void rv_follower_resume(rv_follower *follower, const rv_followers *of, const rv_touched *touched,
                        uint64_t moment);

/* Never mind any more. */
void rv_follower_leave(rv_follower *follower, const rv_followers *of);

#endif
