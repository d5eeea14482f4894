/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases (SEMANTICS 18): what a stream that is taken without its whole history begins with, its rows
 * and its version at one position.
 *
 * A base is a run of items in parts, each of which can be read by itself (docs/format/base.md):
 *
 *     stream:  path, version
 *     owner:   path; the rows that follow are that stream's
 *     row:     aggregate, NULL bits, values; or with bits of what is unknown
 *     given:   the same for a row of a selected aggregate, which belongs to no stream here
 *     gone:    aggregate, key: there is no such row any more (changes, not bases)
 *
 * At the upstream it is written from a snapshot of the pages, piece by piece (base_walk.c). At the
 * edge its parts wait in the heap, last one first, and become rows in one step when all are there:
 *
 *     root page:  top -> | cell of the part before | bytes |  -> … -> none
 *
 * So nobody sees half of a base, and a base that is given up leaves nothing behind. As everything
 * in pages, what waits is in checkpoints too.
 *
 *   invariant: parts that wait were checked against the schema, which does not change while they
 *              wait: when W moves, a base under way is over (rv_state_base_discard).
 */
#ifndef RV_STATE_BASE_H
#define RV_STATE_BASE_H

#include "core/state/changes.h"
#include "core/state/snapshots.h"
#include "core/state/state.h"

typedef enum rv_base_item {
    RV_BASE_STREAM = 1,
    RV_BASE_OWNER = 2,
    RV_BASE_ROW = 3,
    RV_BASE_ROW_UNKNOWN = 4, /* with a second bitmap: of what is unknown */
    RV_BASE_GIVEN = 5,
    RV_BASE_GIVEN_UNKNOWN = 6,
    RV_BASE_GONE = 7
} rv_base_item;

/* A base that is under way. */
typedef struct rv_base_progress {
    bool under_way;
    uint64_t position;
    uint64_t cursor; /* where the upstream goes on */
    uint32_t parts;  /* that wait */
} rv_base_progress;

rv_base_progress rv_state_base_progress(const rv_state *state);

/* The selection that is complete with the base under way, in its binary form, in `scratch` or in
 * the pages until they change. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_state_base_selection(const rv_state *state, rv_arena *scratch,
                                              rv_bytes *selection);

/* Forgets a base under way. Not in a transaction. */
void rv_state_base_discard(rv_state *state);

/* Begins one; none is under way. RV_STATE_FULL, RV_BATCH_TOO_LARGE (in a transaction): to be rolled
 * back. */
RV_MUST_USE rv_status rv_state_base_begin(rv_state *state, uint64_t position, rv_bytes selection,
                                          rv_error *err);

/* The base under way has rows of these aggregates as given ones. Before its parts come. */
void rv_state_base_give(rv_state *state, const uint16_t *aggregates, size_t count);

/* Removes all rows, and makes all streams but the system's such without an event: for a base that
 * takes the place of everything. Not in a transaction. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_state_base_clear(rv_state *state, rv_arena *scratch, rv_error *err);

/* What the stream's rows came of was purged before it was read: they are missing, until it is not
 * held any more, or a base takes the place of everything. Not in a transaction. */
void rv_state_stream_shorten(rv_state *state, uint32_t stream);

/* True when a stream's rows are missing so. */
bool rv_state_is_short(const rv_state *state);

/* Removes the rows of streams that none of the patterns selects, and those that were given of
 * aggregates that are not given any more; makes those streams such without an event. The system's
 * stays. Not in a transaction. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_state_base_narrow(rv_state *state, const rv_path_pattern *patterns,
                                           size_t count, rv_arena *scratch, rv_error *err);

/* Checks the next part of the base under way and lets it wait. RV_DATA_DAMAGED: it is malformed, or
 * does not fit the schema. RV_MEMORY_EXHAUSTED: it does not fit `scratch`. RV_STATE_FULL,
 * RV_BATCH_TOO_LARGE: to be rolled back. */
RV_MUST_USE rv_status rv_state_base_part(rv_state *state, rv_bytes part, uint64_t cursor,
                                         rv_arena *scratch, rv_error *err);

/*
 * The last part waits: would the rows find room? An estimate, on the careful side, as making them
 * cannot be taken back. RV_OK; RV_STATE_FULL: they would not, or hardly; RV_MEMORY_EXHAUSTED: a
 * part does not fit `scratch`. Changes nothing.
 */
RV_MUST_USE rv_status rv_state_base_room(const rv_state *state, rv_arena *scratch, rv_error *err);

/*
 * All parts are there: makes them rows and stream versions; a row with the same key goes, and so do
 * all rows that given aggregates have. A stream of which a part names rows and has none is short of
 * them: they were purged. Not in a transaction: after an error the state is good for
 * nothing. RV_STATE_FULL, RV_DATA_DAMAGED, RV_MEMORY_EXHAUSTED.
 */
RV_MUST_USE rv_status rv_state_base_apply(rv_state *state, rv_arena *scratch, rv_error *err);

/*
 * Applies items at once: given rows and gone ones, of aggregates that are given. In a transaction.
 * RV_DATA_DAMAGED: malformed, or others; RV_STATE_FULL, RV_BATCH_TOO_LARGE, RV_MEMORY_EXHAUSTED.
 * After an error it is to be rolled back.
 */
RV_MUST_USE rv_status rv_state_base_change(rv_state *state, rv_bytes items, rv_arena *scratch,
                                           rv_error *err);

/* --- at the upstream --- */

/* An aggregate that is selected, and by what; NULL: all its rows. */
typedef struct rv_given {
    uint16_t aggregate;
    const rv_expr *filter;
} rv_given;

/* What a base is made of. */
typedef struct rv_base_source {
    rv_snapshot snapshot;
    uint32_t stream_count;           /* at the snapshot */
    const rv_path_pattern *patterns; /* streams that it has, */
    size_t pattern_count;
    const rv_path_pattern *held; /* but for those that these match */
    size_t held_count;
    const rv_given *given; /* aggregates; their rows come as given ones only */
    size_t given_count;
} rv_base_source;

/* Takes a snapshot of the state as it is. RV_BUSY: there are too many. Not in a transaction. */
RV_MUST_USE rv_status rv_state_base_open(rv_state *state, rv_base_source *source);
bool rv_state_base_alive(const rv_state *state, const rv_base_source *source);
void rv_state_base_close(rv_state *state, const rv_base_source *source);

#define RV_BASE_CURSOR_BEGIN UINT64_C(0)
#define RV_BASE_CURSOR_END   UINT64_MAX

/*
 * Writes items from `*cursor` on until `target` bytes are there, what `work` bounds is done, or all
 * is written (`*cursor` is RV_BASE_CURSOR_END), and moves the cursor. Items that do not fit the
 * writer are left for the next part. RV_OK; RV_SNAPSHOT_EXPIRED; RV_MESSAGE_TOO_LARGE: one row is
 * larger than the writer's room; RV_MEMORY_EXHAUSTED: a value than `scratch`; RV_DATA_DAMAGED: no
 * walk has this cursor.
 */
RV_MUST_USE rv_status rv_state_base_write(const rv_state *state, const rv_base_source *source,
                                          size_t target, uint32_t work, rv_arena *scratch,
                                          uint64_t *cursor, rv_writer *w);

/* The hash of what a node would hold that selects this: rv_state_hash_selected, and rows of given
 * aggregates. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_state_hash_source(rv_state *state, uint64_t watermark,
                                           const rv_base_source *source, rv_arena *scratch,
                                           rv_hash128 *hash);

/*
 * Writes what changes (changes.h) make of the selected aggregates, as items for
 * rv_state_base_change: entries from `*serial` on, of positions up to `until`, until `target` bytes
 * are there. Moves `*serial` behind the last one that was looked at. RV_OK; RV_END: all is written;
 * RV_MESSAGE_TOO_LARGE: one item is larger than the writer's room.
 */
RV_MUST_USE rv_status rv_state_base_changes(const rv_state *state, const rv_base_source *source,
                                            const rv_changes *changes, uint64_t until,
                                            size_t target, rv_arena *scratch, uint64_t *serial,
                                            rv_writer *w);

#endif
