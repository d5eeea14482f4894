/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events of the past an edge's log has, for the engine's files (decision 20).
 *
 * `cover` says which events are there: entries of streams, each with all, or since a time
 * or a position. What a selection takes without history, or since a position further on, is covered
 * since the base that it began with, and before that where it overlaps an entry with all that was
 * given up: its rows were folded from that. When a base has ended, the cover becomes that of the
 * new selection; what it has more than the old one (`have`) is filled in from the upstream, in
 * order of position, up to the base's:
 *
 *     covered --- a base ends ---> filling (after, until] --- all is here ---> covered
 *
 * Filled events have rows and versions already, from the base: they are logged, not folded. What
 * the cover has less is purged (engine/purge.h); as long as the log has some of it (`narrowed`)
 * nothing is filled in, so that nothing is there twice.
 *
 * Who serves others by sequence (sync/upstream_gateway.c) needs to know which events are in order
 * (decision 41): of each entry of the cover `straight` says from which position on all of its
 * events are there, each where its position puts it. Entries that were held from the log's
 * beginning are so from 1 on, those that began with a base behind its position, whether or not
 * their past was filled in. Where a wider entry takes the place of another, that stays at the end
 * of the cover as a narrower one, for it is in order from further back:
 *
 *     held /a/1, straight from 1 --- a base for /a/{x} ends at 9 ---> cover    /a/{x}    /a/1
 *                                                                    straight 10       1
 *
 * What is in order is there, so it is not filled in. That says more than `have` where something is
 * covered since a time: all that came live is there, be it from before, as the time lay ahead. The
 * upstream, which is told `have`, sends that again, and it is passed over.
 */
#ifndef RV_CORE_ENGINE_PAST_H
#define RV_CORE_ENGINE_PAST_H

#include "core/base/arena.h"
#include "core/base/writer.h"
#include "core/model/selection.h"

/* A selection of streams that can tell whether it has an event. */
typedef struct rv_coverage {
    rv_selection selection; /* without aggregates; texts lie in `texts` */
    rv_arena texts;
    rv_path_pattern *patterns; /* of its entries */
} rv_coverage;

typedef struct rv_past {
    rv_coverage cover;
    rv_coverage have;
    uint64_t straight[RV_SELECTION_ENTRIES_MAX]; /* of the cover's entries; 0: from nowhere */
    size_t narrower; /* the cover's last entries, which are within others */
    bool filling;
    uint64_t after; /* all up to there is filled in */
    uint64_t until;
    uint64_t last; /* sequence of the last one that was filled in since the node was opened */
    bool filled;   /* the log has filled events: a stream's are not in its order of sequence */
    bool narrowed; /* it may have events, or rows, of what is not covered */
    uint64_t base; /* narrowed: all rows are from this position on, by a base that took the place
                      of everything */
    bool lost;     /* replay met what was purged, and no such base since: rows are missing */
    bool lost_all; /* and not of streams only that the state knows (rv_state_is_short): there may
                      also be events that are not covered */
} rv_past;

/* An event as coverage looks at it. */
typedef struct rv_past_event {
    rv_bytes path;
    uint64_t position;
    int64_t recorded_at;
} rv_past_event;

/* Takes memory. False: there is not enough. */
RV_MUST_USE bool rv_past_create(rv_past *past, rv_arena *arena);

/* An empty log, whatever there was before: what is selected with all of its history will be there.
 */
void rv_past_start(rv_past *past, const rv_selection *selection);

/* Events at or before the position may be missing: only those behind it are covered, until a base
 * has ended. Then the others are filled in, when what there is of them is purged (`lost_all`). */
void rv_past_forget(rv_past *past, uint64_t position);

/* A base for the selection, whose texts lie elsewhere, has ended at the position, and has taken the
 * place of what `before` says, or is for the same. */
void rv_past_become(rv_past *past, const rv_selection *selection, uint64_t position,
                    const rv_selection *before);

/* At the position, entries of what `before` says were given up, and this selection, whose texts lie
 * elsewhere, is what is left; `based`: it began with a base, or needs none. False: the log will not
 * say what made all rows, as that is too much for a selection. */
RV_MUST_USE bool rv_past_narrow(rv_past *past, const rv_selection *selection, uint64_t position,
                                const rv_selection *before, bool based);

/* True when the upstream sends the event, by what it is told of the past. */
bool rv_past_asks_for(const rv_past *past, const rv_past_event *event);

/* True when the event is one to be filled in. */
bool rv_past_lacks(const rv_past *past, const rv_past_event *event);

/* True when some event of the stream may be one to be filled in. */
bool rv_past_lacks_some(const rv_past *past, rv_bytes path);

/* True when the log is to go on having the event: it is covered, and not one that is yet to be
 * filled in. What has been is no remnant: nothing comes before all of those are gone. */
bool rv_past_keeps(const rv_past *past, const rv_past_event *event);

/* The position from which on all events that the pattern matches are here, and in order of
 * sequence; 0: that is not known of any. */
uint64_t rv_past_straight_from(const rv_past *past, const rv_path_pattern *pattern);

/* All up to `to` is filled in; `over`: and nothing is left. */
void rv_past_advance(rv_past *past, uint64_t to, bool over);

/* True when the selection says all that there is to be said. */
bool rv_past_is_plain(const rv_past *past, const rv_selection *selection);

/* Its bytes, in a record of the selection. Their length depends on the selections only. */
void rv_past_write(const rv_past *past, rv_writer *w);
RV_MUST_USE bool rv_past_read(rv_past *past, rv_bytes bytes);

#endif
