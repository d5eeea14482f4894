/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has become of the rows of an aggregate since a moment: the net list of rows that were added,
 * changed or removed, each with what it said and what it says. What folds pays nothing for it:
 * whoever wants to know holds a snapshot (snapshots.h), which keeps a page as it was when it is
 * first written to. Between two moments lies one atomic step or many, rows of the overlay count as
 * they show, and what was taken back, or came out the same, is no difference.
 *
 *     rv_deltas_keep   …steps…   rv_deltas_begin, rv_deltas_next until RV_END   rv_deltas_keep …
 *
 * Only pages that were written to are looked at, old against new: a row that is gone from its
 * place, or is another one there, is looked up by its key in the other state.
 *
 *   invariant: whatever changes, adds, moves or removes a row writes to the page of rows that it
 *              was or is in. So a row in a page that was not written to has no difference, and
 *              the place that a moved row had is in a page that was.
 *
 * When memory ends the snapshot, or everything was replaced, there are no differences to be had:
 * who asks reads afresh.
 */
#ifndef RV_STATE_DELTAS_H
#define RV_STATE_DELTAS_H

#include "core/state/rows.h"
#include "core/state/state.h"
#include "core/state/view.h"

/* The moment since which somebody wants to know. All zero: none. */
typedef struct rv_deltas {
    rv_snapshot snapshot;
} rv_deltas;

/* The moment is now, whatever it was. Between transactions, an overlay laid or not. When there are
 * too many snapshots there is no moment, and rv_deltas_begin will say so. */
void rv_deltas_keep(rv_state *state, rv_deltas *deltas);

/* There is none: nothing is kept for it any more. */
void rv_deltas_drop(rv_state *state, rv_deltas *deltas);

/* A row of which something has become. What was changed has both, others one. */
typedef struct rv_delta {
    const uint8_t *before; /* NULL: there was no row with its key */
    const uint8_t *after;  /* NULL: there is none now */
} rv_delta;

/* How far somebody is. Plain data; all zero begins. */
typedef struct rv_delta_place {
    uint32_t page;
    uint32_t slot;
    bool second; /* the pass over what is there, after that over what was */
} rv_delta_place;

/* Going through them. Valid until the next change of the state. */
typedef struct rv_delta_walk {
    const rv_state *state;
    rv_arena *scratch;
    uint16_t aggregate;
    rv_view before;
    rv_view after;
    rv_delta_place place;  /* of the next slot */
    bool moved;            /* set by who goes through: rows that only lie elsewhere are told, too */
    rv_view_page pages[2]; /* the page as it was, and as it is */
    bool plain;            /* all of a row lies in its slot: the same bytes are the same row */
} rv_delta_walk;

/* Begins. `scratch` is used for keys that are longer than RV_HEAP_SLOT_MAX and given back. False:
 * there is no moment, or what was there then is not known any more. */
bool rv_deltas_begin(const rv_state *state, const rv_deltas *deltas, uint16_t aggregate,
                     rv_arena *scratch, rv_delta_walk *walk);

/* The same of what became of rows from one moment to another, whatever happened since: between two
 * moments it may be gone through bit by bit while the state changes, each time from the place that
 * the last walk had. Without `from` there was no row, so that all rows of `to` are added. */
bool rv_deltas_between(const rv_state *state, const rv_deltas *from, const rv_deltas *to,
                       uint16_t aggregate, rv_delta_place place, rv_arena *scratch,
                       rv_delta_walk *walk);

/* False: what was at the moment is not known any more. */
bool rv_deltas_known(const rv_state *state, const rv_deltas *deltas);

/* The next one, of each key one at most, in no order that means anything. RV_END: there are no
 * more. RV_MEMORY_EXHAUSTED: a key is too long for scratch. Not after either. */
RV_MUST_USE rv_status rv_deltas_next(rv_delta_walk *walk, rv_delta *delta);

/* Where the row that was just told lay, and lies; RV_ROW_NONE: there was, or is, none. Of a walk
 * up to now. */
rv_row rv_delta_row_before(const rv_delta_walk *walk, const rv_delta *delta);
rv_row rv_delta_row_after(const rv_delta_walk *walk, const rv_delta *delta);

/* Goes on from another place of the same walk: one behind, or one that it has come past. */
void rv_deltas_go(rv_delta_walk *walk, rv_delta_place place);

/* A cell of it as it was, or as it is: of a row that is there then. Bytes lie in the state until
 * its next change, or, when they are spread over pages, in `scratch` (RV_MEMORY_EXHAUSTED).
 * `unknown` (may be NULL): SEMANTICS 15. */
RV_MUST_USE rv_status rv_delta_before(const rv_delta_walk *walk, const rv_delta *delta,
                                      uint16_t column, rv_arena *scratch, rv_value *value,
                                      bool *unknown);
RV_MUST_USE rv_status rv_delta_after(const rv_delta_walk *walk, const rv_delta *delta,
                                     uint16_t column, rv_arena *scratch, rv_value *value,
                                     bool *unknown);

#endif
