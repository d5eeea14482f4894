/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selection of a node, for the engine's files: taken from the options or from the log, compared
 * with what the log was made for, written into it.
 *
 * An edge is `whole` when what it holds at W is all of its selection. One whose entries all have
 * their whole history is so from the beginning. Others hold, until their base has come, what the
 * entries with all of their history say, and the schema: these are the patterns that events are fed
 * by.
 */
#ifndef RV_CORE_ENGINE_SELECTION_H
#define RV_CORE_ENGINE_SELECTION_H

#include "core/engine.h"

typedef enum rv_held_state {
    RV_HELD_NONE, /* no base has come yet */
    RV_HELD_WHOLE,
    RV_HELD_STREAMS /* all streams, but rows of aggregates are older than W */
} rv_held_state;

typedef struct rv_node_held {
    rv_selection selection; /* texts lie in `arena` */
    rv_arena arena;
    rv_path_pattern *patterns; /* that events are fed by */
    size_t pattern_count;
    rv_held_state state;
    bool logged;  /* the log names a selection, */
    bool differs; /* which is not this one */
} rv_node_held;

/* Takes memory from `arena` and the entries of the options. RV_MEMORY_EXHAUSTED,
 * RV_SELECTION_INVALID, RV_PATH_INVALID. */
RV_MUST_USE rv_status rv_held_create(rv_node_held *held, const rv_node_options *options,
                                     rv_arena *arena, rv_error *err);

/* Forgets the log's selection, as before the log was read: `count` entries in `arena_len` bytes
 * came with the options. */
void rv_held_take_back(rv_node_held *held, size_t count, size_t arena_len);

/* The body of the record, and its flags; as the log has it when `state` is as given. */
void rv_held_write(const rv_node_held *held, rv_held_state state, uint8_t *flags, rv_writer *w);

/* Compares a recorded selection with the one the node was opened with, or takes it when it was
 * opened with none. RV_DATA_DAMAGED, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_held_meet(rv_node_held *held, uint8_t flags, rv_bytes body, rv_error *err);

/* A base begins, or is there: then events are fed by all patterns. */
void rv_held_base_begins(rv_node_held *held);
void rv_held_become_whole(rv_node_held *held);

/* The aggregates among the entries that the schema has, at most RV_SELECTION_ENTRIES_MAX. */
size_t rv_held_given(const rv_node_held *held, const rv_schema *schema, uint16_t *aggregates);

static inline bool rv_held_is_whole(const rv_node_held *held) {
    return held->state == RV_HELD_WHOLE;
}

/* The base is not there any more, if there was one. */
void rv_held_lose_base(rv_node_held *held);

/* True when some entry is not had by events alone. */
bool rv_selection_needs_base(const rv_selection *selection);

#endif
