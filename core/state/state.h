/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state: rows of aggregates and stream heads, all in fixed-size pages taken from one run of
 * memory, all rebuilt from the log when a node opens.
 *
 * Judging and folding are one walk (SEMANTICS 12 to 15). At the root an event is folded with
 * RV_FOLD_JUDGE inside a transaction: constraints are checked against the rows as they then are,
 * and a refusal is rolled back. Replay and sync use RV_FOLD_APPLY, which checks nothing and is
 * total.
 */
#ifndef RV_STATE_STATE_H
#define RV_STATE_STATE_H

#include "core/base/unused.h"
#include "core/model/event.h"

typedef struct rv_state rv_state;

typedef struct rv_state_options {
    const rv_schema *schema; /* grows while the state lives */
    uint64_t hash_key;       /* the node's entropy: keys the hash tables, decides no order */
    size_t page_memory;      /* bytes for pages */
    size_t journal_memory;   /* bytes for what a transaction must be able to take back */
    size_t snapshot_memory;  /* bytes for pages that a snapshot keeps as they were; may be 0 */
} rv_state_options;

/* Takes all its memory from `arena`. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_state_create(rv_state **state, const rv_state_options *options,
                                      rv_arena *arena, rv_error *err);

/* What the tables of those who look at the state are keyed with, as its own are. */
uint64_t rv_state_hash_key(const rv_state *state);

/* --- transactions: one at a time; what is changed between begin and rollback is as it was --- */

void rv_state_begin(rv_state *state);
void rv_state_commit(rv_state *state);
void rv_state_rollback(rv_state *state);

/*
 * The overlay (SEMANTICS 21): a transaction that is never committed, and within which the effects
 * of pending events are folded, so that whoever reads sees them. Between lay and lift rv_state_fold
 * is not called, nor are transactions begun; what is folded pending goes between a savepoint and,
 * if it is to be taken back, a rollback to it. Savepoints nest; one is over when an older one was
 * rolled back to. Lifting makes the state what it was: the confirmed one.
 */
typedef struct rv_savepoint {
    size_t journal_len;
} rv_savepoint;

void rv_state_overlay_lay(rv_state *state);
bool rv_state_overlay_laid(const rv_state *state);
rv_savepoint rv_state_savepoint(const rv_state *state);
void rv_state_rollback_to(rv_state *state, rv_savepoint savepoint);
void rv_state_overlay_lift(rv_state *state);

/* --- streams --- */

/* What is known of a stream instance. `path` is borrowed until the next change of the state. */
typedef struct rv_stream_head {
    rv_bytes path;           /* canonical */
    uint16_t declaration;    /* number of the rv_stream; RV_NONE for system streams */
    uint64_t version;        /* of its last event; 0 before the first */
    uint64_t first_sequence; /* of the events that this log holds; 0 for none */
    uint64_t last_sequence;
    uint64_t last_position;
} rv_stream_head;

/* Number of stream instances; they are numbered 0, 1, 2 … in the order of rv_state_stream_add. */
uint32_t rv_state_stream_count(const rv_state *state);

/* By number (in range), in constant time. */
void rv_state_stream(const rv_state *state, uint32_t number, rv_stream_head *head);

bool rv_state_stream_find(const rv_state *state, rv_bytes path, uint32_t *number);

/* Adds a stream instance without events. The path is canonical and not there yet. RV_STATE_FULL. */
RV_MUST_USE rv_status rv_state_stream_add(rv_state *state, uint16_t declaration, rv_bytes path,
                                          uint32_t *number, rv_error *err);

/* --- folding --- */

typedef enum rv_fold_mode {
    RV_FOLD_JUDGE, /* the root accepts it: constraints are checked; must be in a transaction */
    RV_FOLD_APPLY  /* replay and sync: total */
} rv_fold_mode;

/*
 * Folds one event whose data decoded to `values`: rows, the head of its stream (version, sequences,
 * position), its id if foreign, serial counters. Events of RV_SYSTEM_SCHEMA_TYPE (values NULL) only
 * move their stream's head; the schema itself has been applied by the caller.
 *
 * With RV_FOLD_JUDGE: RV_ROW_EXISTS (creates), RV_UNKNOWN_REFERENCE (references, deletes, columns
 * that refer), RV_ROW_OF_OTHER_STREAM (acting on a row that another stream owns, unless SHARED),
 * RV_ROW_REFERENCED (deletes), RV_NOT_NULL_VIOLATION, RV_CHECK_VIOLATION, RV_UNIQUE_VIOLATION
 * (after all actions and deletions; facts "existing_key", "columns" too), RV_VALUE_OUT_OF_RANGE
 * (increments, computed), RV_VALUE_TOO_LONG, errors of expressions: with facts "aggregate", "key",
 * "column", "value", "field" as far as they apply. The caller rolls back.
 * With both: RV_DATA_DAMAGED (a stream or event type that is not there; nothing has changed),
 * RV_MEMORY_EXHAUSTED (scratch: an expression reads more bytes than fit), RV_STATE_FULL (no page
 * left), RV_BATCH_TOO_LARGE (journal full, in a transaction), after which the caller rolls back or,
 * outside a transaction, discards the state.
 */
RV_MUST_USE rv_status rv_state_fold(rv_state *state, const rv_event *event, const rv_value *values,
                                    rv_fold_mode mode, rv_arena *scratch, rv_error *err);

/* An event whose data is not understood: moves the head of its stream, as folding it would, and
 * nothing else. RV_DATA_DAMAGED: its stream is not there; RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_state_pass(rv_state *state, const rv_event *event, rv_error *err);

/* What a node holds of each aggregate, where it judges pending events. */
typedef struct rv_held {
    uint64_t complete[RV_AGGREGATES_MAX / 64]; /* bit a: every row that there is of aggregate a */
    bool unchecked; /* set when something could be judged only by who holds more */
} rv_held;

/*
 * Folds a pending event into the overlay: as RV_FOLD_JUDGE, but that it refuses only what cannot be
 * otherwise where more is held (SEMANTICS 22), and of the head of its stream only the version
 * moves. A row of an aggregate that is not SHARED is held whole wherever its stream is, so what is
 * wrong about it is refused; what a row that is not held, or one that others may have changed,
 * would say is unchecked, and is done as RV_FOLD_APPLY does it. The stream is one that is held from
 * its first event on. The caller rolls back to its savepoint after an error.
 */
RV_MUST_USE rv_status rv_state_fold_pending(rv_state *state, const rv_event *event,
                                            const rv_value *values, rv_held *held,
                                            rv_arena *scratch, rv_error *err);

/* From now on these aggregates, and no others, are given (SEMANTICS 17): no event is folded into
 * their rows. */
void rv_state_give(rv_state *state, const uint16_t *aggregates, size_t count);

bool rv_state_is_given(const rv_state *state, uint16_t aggregate);

/* The greatest key of a serial type. */
int64_t rv_state_serial_max(const rv_type *type);

/* The serial key that the next created row of the aggregate gets; RV_VALUE_OUT_OF_RANGE when the
 * type's range is used up. */
RV_MUST_USE rv_status rv_state_serial_next(const rv_state *state, uint16_t aggregate,
                                           int64_t *value, rv_error *err);

/* --- rows --- */

/* A row's place. Valid until the next change of the state; 0 is none. */
typedef uint64_t rv_row;
#define RV_ROW_NONE UINT64_C(0)

uint64_t rv_state_row_count(const rv_state *state, uint16_t aggregate);

/* By primary key: a value for each of its columns, in its order, of the class of the column's type.
 */
rv_row rv_state_row_find(const rv_state *state, uint16_t aggregate, const rv_value *key);

/* Goes through all rows in the order of storage: RV_ROW_NONE starts and ends. */
rv_row rv_state_row_next(const rv_state *state, uint16_t aggregate, rv_row previous);

/* A cell. Bytes lie in the state until its next change, or, when they are spread over pages, in
 * `scratch` (RV_MEMORY_EXHAUSTED when that is too small). `unknown` (may be NULL): SEMANTICS 15. */
RV_MUST_USE rv_status rv_state_row_cell(const rv_state *state, uint16_t aggregate, rv_row row,
                                        uint16_t column, rv_arena *scratch, rv_value *value,
                                        bool *unknown);

/* The stream that owns the row. */
uint32_t rv_state_row_owner(const rv_state *state, uint16_t aggregate, rv_row row);

/* --- secondary indexes: rv_aggregate.indexes, by number --- */

/* One end of a range: values of the first `count` columns of the index, each of its column's type
 * or NULL; all rows that hold them are inside if `inclusive`, else outside. Without values the
 * range is open there. */
typedef struct rv_index_end {
    const rv_value *values;
    uint16_t count;
    bool inclusive;
} rv_index_end;

/* Rows between two ends, in the order of the index (rv_value_compare column by column, NULL and
 * unknown first), or in the opposite one. Rows that are equal in all columns come in the order of
 * their places, which may be another one after the node was opened again. */
typedef struct rv_index_range {
    uint16_t aggregate;
    uint16_t index;
    bool descending;
    rv_index_end low;
    rv_index_end high;
} rv_index_range;

/* A walk under way; to be copied at will. Valid until the next change of the state, and as long as
 * the range and its values stay where they are. */
typedef struct rv_index_walk {
    const rv_index_range *range;
    uint32_t node;
    uint32_t nth;
    uint32_t end_nth; /* where it ends in this node, if it does */
    uint8_t end[132]; /* the key at which it ends */
} rv_index_walk;

/* Starts a walk: the first row of the range, RV_ROW_NONE when it is empty. The class of a value is
 * that of its column's type. */
rv_row rv_state_index_first(const rv_state *state, const rv_index_range *range,
                            rv_index_walk *walk);

/* The next row; not after RV_ROW_NONE. */
rv_row rv_state_index_next(const rv_state *state, rv_index_walk *walk);

/* --- the state hash (SEMANTICS 16; docs/format/state-hash.md) --- */

/* Over schema hash, watermark, every row, and every stream's path and version (system streams too).
 * Costs what changed since it was last asked. */
rv_hash128 rv_state_hash(rv_state *state, uint64_t watermark);

/* The hash of what a node would hold that selects these patterns: rows owned by matching streams,
 * and those streams and the system's. Costs a walk over everything. */
rv_hash128 rv_state_hash_selected(rv_state *state, uint64_t watermark,
                                  const rv_path_pattern *patterns, size_t pattern_count);

/* --- memory --- */

typedef struct rv_state_usage {
    uint32_t pages_total;
    uint32_t pages_used;
    uint32_t copies; /* of pages, that snapshots keep; some may lie in pages that are not used */
    uint32_t copies_max;
    size_t journal_max; /* bytes that a transaction needed */
} rv_state_usage;

rv_state_usage rv_state_usage_of(const rv_state *state);

/* Adds what of the journal no transaction uses. */
void rv_state_unused(const rv_state *state, rv_unused *unused);

#endif
