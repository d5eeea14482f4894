/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events of the past an edge's log has, for the engine's files (decision 20).
 *
 * `cover` says which events are there: entries of streams, each with all, or since a time
 * or a position. What a selection takes without history is covered since the base that it began
 * with. When a base has ended, the cover becomes that of the new selection; what it has more than
 * the old one (`have`) is filled in from the upstream, in order of position, up to the base's:
 *
 *     covered --- a base ends ---> filling (after, until] --- all is here ---> covered
 *
 * Filled events have rows and versions already, from the base: they are logged, not folded. What
 * the cover has less stays in the log (`narrowed`): so that nothing comes twice, no past is filled
 * in from then on.
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
    bool filling;
    uint64_t after; /* all up to there is filled in */
    uint64_t until;
    uint64_t last; /* sequence of the last one that was filled in since the node was opened */
    bool filled;   /* the log has filled events: a stream's are not in its order of sequence */
    bool narrowed; /* it may have events that are not covered */
} rv_past;

/* An event as coverage looks at it. */
typedef struct rv_past_event {
    rv_bytes path;
    uint64_t position;
    int64_t recorded_at;
} rv_past_event;

/* Takes memory. False: there is not enough. */
RV_MUST_USE bool rv_past_create(rv_past *past, rv_arena *arena);

/* An empty log: what is selected with all of its history will be there. */
void rv_past_start(rv_past *past, const rv_selection *selection);

/* A base for the selection, whose texts lie elsewhere, has ended at the position; `same`: it is
 * what was held before. */
void rv_past_become(rv_past *past, const rv_selection *selection, uint64_t position, bool same);

/* True when the event is one to be filled in. */
bool rv_past_lacks(const rv_past *past, const rv_past_event *event);

/* True when some entry has events of the past that are not there. */
bool rv_past_is_short_of(const rv_past *past, const rv_selection *selection);

/* All up to `to` is filled in; `over`: and nothing is left. */
void rv_past_advance(rv_past *past, uint64_t to, bool over);

/* True when the selection says all that there is to be said. */
bool rv_past_is_plain(const rv_past *past, const rv_selection *selection);

/* Its bytes, in a record of the selection. Their length depends on the selections only. */
void rv_past_write(const rv_past *past, rv_writer *w);
RV_MUST_USE bool rv_past_read(rv_past *past, rv_bytes bytes);

#endif
