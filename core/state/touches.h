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
 *                 walks, as it was and as it is: index u8 | length u8 | key (sorted_key.h); for
 *                 each column by whose value somebody reads: RV_READS_VALUE u8 | 5 u8 | column u8 |
 *                 hash of the value u32; by between which values it is: RV_READS_COLUMN u8 |
 *                 length u8 | column u8 | key of the value
 *
 * Where differences are not to be had, or are more than there is room for, what is noted is gone,
 * and so is `start`: whoever has not come so far compares by aggregates, as revisions.h has it.
 * Otherwise what only looks like a change of a row (who refers to it, what was taken back) is none,
 * but for one that lies elsewhere by now: who keeps rows by their places (sql/upkeep.h) is told.
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
    uint32_t watched[RV_AGGREGATES_MAX];    /* and parts of these indexes of each, */
    uint64_t valued[RV_AGGREGATES_MAX][RV_COLUMNS_MAX / 64u]; /* and by value of these columns, */
    uint64_t ranged[RV_AGGREGATES_MAX][RV_COLUMNS_MAX / 64u]; /* or by where it is between others */
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

/*
 * What followers read is noted of rows from now on. Who follows need not say so; but what nobody
 * reads any more is noted on while there is a follower: so now and then nothing is to be watched
 * any more, and all who follow say again what they read, before anything is touched.
 */
void rv_touches_watch(rv_touches *touches, const rv_reads *reads);
void rv_touches_unwatch(rv_touches *touches);

/* Never mind any more. */
void rv_touches_leave(rv_touches *touches, rv_state *state, rv_touched *touched);

/* True when what was read may say something else by now; or it has compared up to now. */
bool rv_touches_concern(rv_touches *touches, rv_state *state, const rv_reads *reads,
                        rv_arena *scratch, rv_touched *touched);

/* The same of some aggregates only; it has not compared. */
bool rv_touches_concern_of(rv_touches *touches, rv_state *state, const rv_reads *reads,
                           rv_reads_of of, rv_arena *scratch, const rv_touched *touched);

/* --- for who looks at what is touched once for many (core/live/interests.h) --- */

/* A row that was noted; its bytes lie in the touches until the next call. */
typedef struct rv_touched_row {
    uint16_t aggregate;
    rv_bytes key;   /* its hash */
    rv_bytes parts; /* what is noted of indexes and values */
} rv_touched_row;

/* Notes what there is up to now. False: of what was touched behind `touched` some is not known. */
bool rv_touches_look(rv_touches *touches, rv_state *state, rv_arena *scratch,
                     const rv_touched *touched);

/* The row that was noted at `*place`, which goes on behind it; false: there are no more. */
bool rv_touches_next(const rv_touches *touches, uint64_t *place, rv_touched_row *row);

/* One of its parts, as rv_reads_holds takes it; `*at` is 0 at first. False: there are no more. */
bool rv_touched_row_next(const rv_touched_row *row, size_t *at, uint8_t *index, rv_bytes *key);

/* True when the row lies in what was read. */
bool rv_touched_row_in(const rv_touched_row *row, const rv_reads *reads);

#endif
