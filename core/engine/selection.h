/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selection of a node, for the engine's files: taken from the options or from the log, compared
 * with what the log was made for, written into it.
 *
 * `selection` is what the log says is held; `wanted`, what the node was opened with or was told
 * since (engine/select.c), which takes its place when a base for it has ended (SEMANTICS 19). An
 * edge is whole when what it holds at W is all of `selection`. One whose entries all have their
 * whole history is so from the beginning. Others hold, until their first base has come, what the
 * entries with all of their history say, and the schema: these are the patterns that events are fed
 * by.
 */
#ifndef RV_CORE_ENGINE_SELECTION_H
#define RV_CORE_ENGINE_SELECTION_H

#include "core/engine.h"
#include "core/engine/past.h"

typedef enum rv_held_state {
    RV_HELD_NONE, /* no base has come yet */
    RV_HELD_WHOLE,
    RV_HELD_STREAMS /* all streams, but rows of aggregates are older than W */
} rv_held_state;

typedef struct rv_node_held {
    rv_selection selection; /* texts lie in `texts` */
    rv_selection wanted;    /* texts lie in `arena`; count 0: what `selection` says */
    bool given;      /* the node was opened with it: what the log says of it is passed over */
    bool own;        /* the texts of `selection` do lie in `texts`, else in `arena` */
    uint64_t serial; /* of `wanted`: moves when it is another one */
    rv_arena texts;
    rv_arena arena;
    rv_path_pattern *patterns; /* that events are fed by */
    size_t pattern_count;
    rv_held_state state;
    rv_past past;
    bool logged;    /* the log names a selection */
    uint32_t swaps; /* times that it became another one */
} rv_node_held;

/* Takes memory from `arena` and the entries of the options. RV_MEMORY_EXHAUSTED,
 * RV_SELECTION_INVALID, RV_PATH_INVALID. */
RV_MUST_USE rv_status rv_held_create(rv_node_held *held, const rv_node_options *options,
                                     rv_arena *arena, rv_error *err);

/* Forgets the log's selection, as before the log was read. */
void rv_held_take_back(rv_node_held *held);

/* What is to be held stays so, whatever the log will say: it is about to end further ahead. */
void rv_held_insist(rv_node_held *held);

/* What is to be held. */
const rv_selection *rv_held_wanted(const rv_node_held *held);

/* The log was read: if rows are missing because of what was purged, it is not whole. */
void rv_held_opened(rv_node_held *held);

/* `wanted` becomes this, whose texts lie elsewhere; with no entries, what is held. After an error
 * nothing has changed. RV_SELECTION_INVALID: it is too long. */
RV_MUST_USE rv_status rv_held_wish(rv_node_held *held, const rv_selection *selection,
                                   rv_error *err);

/* The same before there is a log: it is what is held, too. */
RV_MUST_USE rv_status rv_held_start_with(rv_node_held *held, const rv_selection *selection,
                                         rv_error *err);

/* Nothing is held yet, of what any root has: what is wanted is what is to be held from the begin.
 * True: that is another selection than it was, and the log does not name it. */
bool rv_held_begin(rv_node_held *held);

/* The body of the record, and its flags; as the log has it when `state` is as given. */
void rv_held_write(const rv_node_held *held, rv_held_state state, uint8_t *flags, rv_writer *w);

/* Takes a recorded selection. RV_DATA_DAMAGED, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_held_meet(rv_node_held *held, uint8_t flags, rv_bytes body, rv_error *err);

/* A base begins: rows of aggregates grow old. */
void rv_held_base_begins(rv_node_held *held);

/* A base for this selection, whose texts lie elsewhere, has ended at the position: it is held, and
 * events are fed by all of its patterns. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_held_become(rv_node_held *held, const rv_selection *selection,
                                     uint64_t position, rv_error *err);

/* At the position, entries are given up, and this, whose texts lie elsewhere, is what is left.
 * False: the log alone will not say what its rows are. */
RV_MUST_USE bool rv_held_narrow(rv_node_held *held, const rv_selection *selection,
                                uint64_t position);

/* Rows are missing, and of which streams is not known: it is not whole before a base has taken the
 * place of everything. */
void rv_held_lose_rows(rv_node_held *held);

/* True when `after` is `before` without some entries of streams: then an edge that holds `before`
 * holds `after` without what only the others had. Not so without an aggregate: its rows may be to
 * be folded from streams, which nothing did while they were given. */
bool rv_selection_narrows(const rv_selection *before, const rv_selection *after);

/* The aggregates among the entries that the schema has, at most RV_SELECTION_ENTRIES_MAX. */
size_t rv_selection_given(const rv_selection *selection, const rv_schema *schema,
                          uint16_t *aggregates);

/* True when there are aggregates among the entries. */
bool rv_selection_has_aggregates(const rv_selection *selection);

static inline bool rv_held_is_whole(const rv_node_held *held) {
    return held->state == RV_HELD_WHOLE;
}

/* The base is not there any more, if there was one. */
void rv_held_lose_base(rv_node_held *held);

/* True when some entry is not had by events alone. */
bool rv_selection_needs_base(const rv_selection *selection);

#endif
