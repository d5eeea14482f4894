/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of selections and bases, as bytes: docs/format/wire.md. */
#ifndef RV_SYNC_WIRE_BASE_H
#define RV_SYNC_WIRE_BASE_H

#include "core/model/selection.h"
#include "sync/wire.h"

/* Edge to upstream, once, after the welcome: what it is to hold. What the hello did not name comes
 * as a base; if the selection has changed, everything does. */
typedef struct rv_wire_selection {
    bool whole;        /* the edge holds all of it at its W, rows of aggregates too */
    bool changed;      /* what the edge holds is another selection: everything comes as a base */
    bool shows;        /* rows of aggregates are true at its W, and will not be when W moves */
    bool under_way;    /* the edge holds a part of a base already */
    uint64_t position; /* … of this position, */
    uint64_t cursor;   /* … up to there */
    rv_selection selection;
} rv_wire_selection;

/* Upstream to edge: bases that begin behind this are for that selection; or it is refused, and
 * nothing changes. */
typedef struct rv_wire_selected {
    uint64_t number;
    bool refused;
    rv_error error; /* refused */
} rv_wire_selected;

/* Upstream to edge: a part of a base, at the W that the edge has reached. */
typedef struct rv_wire_base {
    bool first;
    bool last;
    uint64_t position;
    uint64_t cursor;
    rv_bytes items; /* core/state/base.h */
} rv_wire_base;

/* Edge to upstream: the events of the past that it is to have, behind the position `after`, up to
 * `until`: those that `all` has and `have` has not. Selections of streams, in binary form. */
typedef struct rv_wire_past {
    uint64_t after;
    uint64_t until;
    rv_bytes all;
    rv_bytes have;
} rv_wire_past;

/* Upstream to edge: some of them. All up to `to` have been sent. */
typedef struct rv_wire_filled {
    bool over;    /* and there are no more */
    bool refused; /* they cannot be sent: `error` */
    uint64_t to;
    rv_bytes events; /* the body of an events message; empty: none */
    rv_error error;
} rv_wire_filled;

/* Upstream to edge: what becomes of rows of selected aggregates up to the W of the events or
 * progress message that follows: items of core/state/base.h. */
void rv_wire_write_changes(rv_writer *w, rv_bytes items);

void rv_wire_write_selection(rv_writer *w, const rv_wire_selection *m);
void rv_wire_write_base(rv_writer *w, const rv_wire_base *m);

/* Edge to upstream, at any time when the welcome allows it: another selection, in its binary form,
 * which is to follow. Messages are numbered from 1 in a connection. */
void rv_wire_begin_select(rv_writer *w, uint64_t number);
void rv_wire_write_selected(rv_writer *w, const rv_wire_selected *m);
void rv_wire_write_past(rv_writer *w, const rv_wire_past *m);

/* `m->events` are written behind it by who makes them, if `events_follow`. */
void rv_wire_write_filled(rv_writer *w, const rv_wire_filled *m, bool events_follow);

/* Texts stay where they are. RV_PROTOCOL_ERROR; RV_SELECTION_INVALID. */
RV_MUST_USE rv_status rv_wire_read_selection(rv_bytes body, rv_wire_selection *m, rv_error *err);
RV_MUST_USE rv_status rv_wire_read_base(rv_bytes body, rv_wire_base *m, rv_error *err);

/* The selection is left in its binary form (rv_selection_decode): that it is none, or cannot be
 * served, is answered, and does not end the connection. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_wire_read_select(rv_bytes body, uint64_t *number, rv_bytes *selection,
                                          rv_error *err);
RV_MUST_USE rv_status rv_wire_read_selected(rv_bytes body, rv_wire_selected *m, rv_error *err);

/* The selections and the events are read by themselves. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_wire_read_past(rv_bytes body, rv_wire_past *m, rv_error *err);
RV_MUST_USE rv_status rv_wire_read_filled(rv_bytes body, rv_wire_filled *m, rv_error *err);

#endif
