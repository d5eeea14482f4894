/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time travel: the confirmed state as it was at a position or at a time, for who asks for it
 * (`as_of`). The node's log is folded once more into a state of its own, up to there: from the
 * newest checkpoint before it that was kept (engine/kept.h), or from the beginning; the node's own
 * state is not touched, and what it does meanwhile does not show.
 *
 *     log     | batch | batch | batch | batch | …
 *     node    ------------------------------->  its state, at W
 *     kept            |
 *     as_of           ----------> the state as it was
 *
 * What was folded is kept, and a later place goes on from there, unless a checkpoint is far nearer;
 * an earlier one begins again. It is
 * also begun again when the node has gone back, has another selection, or has purged something, so
 * that nothing is shown that the node's files do not have.
 *
 * At an edge it is the state as that edge held it then: what it held by bases and filled in later
 * begins with the base (SEMANTICS 18). Each event up to the place counts, also in the middle of a
 * batch. Where aggregates are selected, whose rows come with whole batches, it is the state after
 * the last one that is not beyond it, which by time is told by its first event, or by when it came.
 *
 *   invariant: nothing is written, neither to the log nor to the node's state.
 */
#ifndef RV_CORE_ENGINE_AS_OF_H
#define RV_CORE_ENGINE_AS_OF_H

#include "core/engine.h"

#define RV_AS_OF_MEMORY_MIN (RV_MEMORY_MIN + 4096u)

typedef struct rv_as_of rv_as_of;

typedef struct rv_as_of_options {
    rv_node *node; /* whose past it is; it outlives this */
    void *memory;  /* at least RV_AS_OF_MEMORY_MIN bytes; not more is used, and none before the
                      first question. It takes rows as the node's does */
    size_t memory_size;
    uint64_t events_max; /* that one question may fold; 0: any number */
} rv_as_of_options;

/* Takes memory and starts nothing. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_as_of_create(rv_as_of **as_of, const rv_as_of_options *options,
                                      rv_error *err);

/* A place in the past: behind the last event that is beyond neither. */
typedef struct rv_as_of_place {
    uint64_t position;   /* UINT64_MAX: any */
    int64_t recorded_at; /* microseconds from 1970; INT64_MAX: any */
} rv_as_of_place;

/* RV_OK; RV_PARAMETER_INVALID: the node is not at this position yet (facts "position",
 * "watermark"). */
RV_MUST_USE rv_status rv_as_of_judge(const rv_node *node, uint64_t position, rv_error *err);

/*
 * Makes the state what it was there. RV_OK: it is (rv_as_of_state, and so on), until the next call;
 * RV_PENDING, RV_BUSY: poll the node, then call again with the same place: some thousand events are
 * folded each time (rv_as_of_runnable).
 * RV_PARAMETER_INVALID: the node is not there yet (rv_as_of_judge). RV_HISTORY_GONE:
 * an edge did not hold its selection then, or what it held was purged. RV_STATE_FULL: the rows that
 * there were do not fit the memory; RV_MEMORY_EXHAUSTED: nor does the schema, or a selection.
 * RV_SQL_LIMIT: more than `events_max` events; what was folded is kept. RV_DATA_DAMAGED,
 * RV_STORAGE_FAILED; RV_READ_ONLY: the node failed before all up to there was durable.
 */
RV_MUST_USE rv_status rv_as_of_reach(rv_as_of *as_of, const rv_as_of_place *place, rv_error *err);

/* True when it would go on at once, without any completion. */
bool rv_as_of_runnable(const rv_as_of *as_of);

/* The state at the place that was reached, its schema, and the position that it stands at. */
rv_state *rv_as_of_state(const rv_as_of *as_of);
const rv_schema *rv_as_of_schema(const rv_as_of *as_of);
uint64_t rv_as_of_position(const rv_as_of *as_of);

/* The position of the checkpoint that it was folded from; 0: from the beginning of the log. */
uint64_t rv_as_of_begun_at(const rv_as_of *as_of);

/* As rv_node_stale, of the state that was reached. */
RV_MUST_USE bool rv_as_of_stale(const rv_as_of *as_of, uint16_t aggregate, uint64_t *since);

#endif
