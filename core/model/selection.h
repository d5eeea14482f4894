/* SPDX-License-Identifier: Apache-2.0 */
// What a node selects of its upstream: streams by path patterns, each with how much history, and
// aggregates, each with an optional filter (SEMANTICS 17 to 20; docs/selections.md).
//
//     /accounts/42/**
//     /orders/** history none
//     /orders/** history since 2026-11-01T00:00:00Z
//     /orders/** history since 120000
//     aggregate account where plan = 'team'
//
// An entry without a clause has all of its history. `none` begins with what there is: rows and
// stream versions at one position, a base. `since` a time or a position is that, and the events
// from there on as history. The last ` history ` begins a clause: a pattern with a literal that
// says so has a `*` in its place.
//
// The binary form is that of log and wire (docs/format/log.md, docs/format/wire.md).
#ifndef RV_MODEL_SELECTION_H
#define RV_MODEL_SELECTION_H

#include "core/model/path.h"

typedef enum rv_select_kind { RV_SELECT_STREAMS = 1, RV_SELECT_AGGREGATE = 2 } rv_select_kind;

typedef enum rv_history {
    RV_HISTORY_ALL,
    RV_HISTORY_NONE,
    RV_HISTORY_SINCE_TIME,    /* recorded at it or later */
    RV_HISTORY_SINCE_POSITION /* that position or later */
} rv_history;

/* One entry. Texts are borrowed from the arena, or the bytes, that it was read into. */
typedef struct rv_select {
    rv_select_kind kind;
    rv_history history; /* of streams; of an aggregate RV_HISTORY_NONE */
    int64_t since;      /* microseconds from 1970, or a position; else 0 */
    rv_bytes name;      /* the pattern, or the aggregate's name */
    rv_bytes filter;    /* an expression over the aggregate's columns; empty: all rows */
} rv_select;

typedef struct rv_selection {
    size_t count;
    rv_select entries[RV_SELECTION_ENTRIES_MAX];
} rv_selection;

/*
 * Adds the entry that `text` says; its texts are copied into `arena`, where reading it needs some
 * memory that is given back. The same entry again changes nothing.
 * RV_PATH_INVALID: a pattern, with fact "offset". RV_SELECTION_INVALID: anything else, with fact
 * "offset" in the text, or a stream selected twice with different history, an aggregate twice, too
 * many entries, too long a one. RV_MEMORY_EXHAUSTED.
 */
RV_MUST_USE rv_status rv_selection_add(rv_selection *selection, rv_bytes text, rv_arena *arena,
                                       rv_error *err);

/* The entry in its canonical form, which rv_selection_add reads to the same entry. */
void rv_select_print(const rv_select *entry, rv_writer *w);

/* The binary form. */
void rv_selection_encode(const rv_selection *selection, rv_writer *w);

/* Reads the binary form to its end; texts stay where they are. RV_SELECTION_INVALID: it is none, or
 * says what rv_selection_add would refuse; fact "entry" is the number of the entry, from 0. */
RV_MUST_USE rv_status rv_selection_decode(rv_bytes bytes, rv_selection *selection, rv_error *err);

/* True when both have the same entries, in whatever order. */
bool rv_selection_equal(const rv_selection *a, const rv_selection *b);

/* The entry of the same streams or aggregate; NULL when there is none. */
const rv_select *rv_selection_find(const rv_selection *selection, const rv_select *like);

/* True when both entries are the same. */
bool rv_select_equal(const rv_select *a, const rv_select *b);

#endif
