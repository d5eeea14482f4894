/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows were touched lately, for any number of followers who know what they read (reads.h) and
 * want to know whether to read it again. One moment (deltas.h) is held for all of them. When one
 * asks and rows have changed since it, what has become of them is gone through once and noted, as
 * little of it as can be compared with what was read; and the moment is now.
 *
 *     revision:   4          7            9        who has compared up to 7 is asked about
 *     noted:      | a b c    | d e f g    |        the last four only
 *                 start                   end
 *
 *     a row:      size u16 | aggregate u16 | hash of its key u32 | for each index that somebody
 *                 walks, as it was and as it is: index u8 | length u8 | key (sorted_key.h)
 *
 * Where differences are not to be had, or are more than there is room for, what is noted is gone,
 * and so is `start`: whoever has not come so far compares by aggregates, as revisions.h has it.
 * Otherwise what only looks like a change of a row (who refers to it, what was taken back) is none.
 */
#ifndef RV_STATE_TOUCHES_H
#define RV_STATE_TOUCHES_H

#include "core/state/deltas.h"
#include "core/state/reads.h"

typedef struct rv_touches {
    rv_deltas moment;   /* up to which all is noted */
    uint64_t revision;  /* of it */
    uint32_t followers; /* 0: there is no moment, and nothing is noted */
    uint64_t start;     /* of what is noted, in bytes since ever */
    uint32_t len;
    uint64_t read[RV_AGGREGATES_MAX / 64u]; /* bits: these aggregates somebody reads, */
    uint32_t watched[RV_AGGREGATES_MAX];    /* and parts of these indexes of each */
    uint8_t bytes[RV_TOUCHES_LEN];
} rv_touches;

/* How far a follower has compared. */
typedef struct rv_touched {
    uint64_t revision;
    uint64_t place;
    bool follows; /* it is one of those that the moment is held for */
} rv_touched;

/* What was read is what the state has now: from now on it is compared with what is touched. Between
 * transactions, an overlay laid or not, as everything here. `scratch` is given back. */
void rv_touches_follow(rv_touches *touches, rv_state *state, const rv_reads *reads,
                       rv_arena *scratch, rv_touched *touched);

/* Never mind any more. */
void rv_touches_leave(rv_touches *touches, rv_state *state, rv_touched *touched);

/* True when what was read may say something else by now; or it has compared up to now. */
bool rv_touches_concern(rv_touches *touches, rv_state *state, const rv_reads *reads,
                        rv_arena *scratch, rv_touched *touched);

/* The same of all aggregates but one; it has not compared. */
bool rv_touches_concern_others(rv_touches *touches, rv_state *state, const rv_reads *reads,
                               uint16_t aggregate, rv_arena *scratch, const rv_touched *touched);

#endif
