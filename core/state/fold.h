/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event on its way into the state, for the files that fold it:
 *
 *     fold.c        rows are found and created, actions run, rows are deleted
 *     fold_cells.c  what one action does to one cell
 *     fold_keys.c   keys of several columns
 *     fold_refer.c  which rows refer to which, and how often
 *     fold_sorted.c secondary indexes follow, and what must be unique
 *     fold_judge.c  what must hold, and how a refusal is told
 *
 * Each of their functions returns RV_OK, or the status with which the whole fold ends; with
 * RV_FOLD_APPLY that is only RV_STATE_FULL, RV_BATCH_TOO_LARGE or RV_MEMORY_EXHAUSTED (scratch).
 */
#ifndef RV_STATE_FOLD_H
#define RV_STATE_FOLD_H

#include "core/state/inside.h"
#include "core/state/sorted.h"

typedef struct rv_fold {
    rv_pages *pages;
    const rv_schema *schema;
    uint64_t hash_key;
    const rv_event *event;
    const rv_event_type *type;
    const rv_value *values;     /* of the event's fields */
    bool judge;                 /* at the moment: refuse what does not hold */
    bool due;                   /* references are counted where they are due, and nowhere else */
    rv_held *held;              /* of a pending event; else NULL */
    const uint64_t *given;      /* bits: aggregates that no event is folded into; NULL: none */
    struct rv_changes *changes; /* where changes of rows are noted; NULL: nowhere */
    rv_arena *scratch;
    rv_error *err;
    uint32_t rows[RV_TOUCHES_MAX]; /* by touch; RV_SLOT_NONE: not held, or the key is NULL */
    bool made[RV_TOUCHES_MAX];     /* by touch: this event created it */
    bool made_any;
} rv_fold;

/* True when every row that there is of the aggregate is held: always so where events are accepted.
 * If not, something was left unchecked, which is noted. */
static inline bool rv_fold_complete(const rv_fold *f, const rv_aggregate *aggregate) {
    if (__builtin_expect(f->held == NULL, 1)) {
        return true;
    }
    const uint16_t number = aggregate->number;
    const bool complete = (f->held->complete[number / 64u] >> (number % 64u) & 1u) != 0;
    f->held->unchecked = f->held->unchecked || !complete;
    return complete;
}

/* True when a row of the aggregate that is held is what it is everywhere: as above. */
static inline bool rv_fold_whole(const rv_fold *f, const rv_aggregate *aggregate) {
    return !aggregate->shared || rv_fold_complete(f, aggregate);
}

/* Pending events: judges what is done to a row of the aggregate if it is whole. */
static inline void rv_fold_judge_as_held(rv_fold *f, const rv_aggregate *aggregate) {
    if (__builtin_expect(f->held != NULL, 0)) {
        f->judge = rv_fold_whole(f, aggregate);
    }
}

/* A row that is being changed: the bytes are under rv_rows_write. */
typedef struct rv_fold_row {
    const rv_aggregate *aggregate;
    const rv_table *table;
    uint8_t *bytes;
} rv_fold_row;

/* What became of looking for a row: `hash` is the key's if it `fits` (no part is NULL, each is a
 * value of its column's type), `place` is RV_SLOT_NONE if there is no such row. */
typedef struct rv_fold_key {
    rv_value key;            /* of the (first) key column's type */
    const rv_value *all;     /* of a key of several columns, in scratch; else NULL */
    const rv_table *table;   /* NULL before the first row */
    const rv_bucket *bucket; /* of the hash, until the next change of the index */
    uint32_t hash;
    uint32_t place;
    bool fits;
    bool null; /* a part is NULL */
    bool idle; /* of a touch whose row nobody asks for */
} rv_fold_key;

/* True when rows of the aggregate are given, and not folded. */
static inline bool rv_fold_is_given(const rv_fold *f, uint16_t aggregate) {
    return f->given != NULL && (f->given[aggregate / 64u] >> (aggregate % 64u) & 1u) != 0;
}

/* The same for a touch that is passed over then: what a pending one would do is unchecked. */
static inline bool rv_fold_leaves_given(const rv_fold *f, uint16_t aggregate) {
    const bool given = rv_fold_is_given(f, aggregate);
    if (given && f->held != NULL) {
        f->held->unchecked = true;
    }
    return given;
}

/* The values of the key, one for each column of it. */
static inline const rv_value *rv_fold_key_values(const rv_fold_key *key) {
    return key->all == NULL ? &key->key : key->all;
}

/* The key fits and has its hash: asks the processor for its bucket. */
static inline void rv_fold_key_ask(const rv_fold *f, const rv_aggregate *aggregate,
                                   rv_fold_key *key) {
    key->fits = true;
    key->table = rv_table_of(f->pages, aggregate->number);
    if (key->table != NULL) {
        key->bucket = rv_index_bucket(f->pages, &key->table->index, key->hash);
        __builtin_prefetch(key->bucket);
    }
}

/* A key as it comes: for each column of it a value and the value's type. */
typedef struct rv_fold_parts {
    const rv_type *types[RV_INDEX_COLUMNS_MAX];
    rv_value values[RV_INDEX_COLUMNS_MAX];
} rv_fold_parts;

/* Looks for the row of an aggregate whose key has one column by a value of type `from`. */
RV_MUST_USE rv_status rv_fold_find(rv_fold *f, const rv_aggregate *aggregate, const rv_type *from,
                                   const rv_value *value, rv_fold_key *found);

/* --- fold_keys.c --- */

/* True when a value that was brought to a key's type is still the same, so that it names a row: no
 * spaces were cut from its end. If not, `key` is the value again. */
bool rv_fold_key_is(const rv_value *value, const rv_type *type, rv_value *key);

/* Brings the key of several columns that a touch has to the types of the columns and hashes it. */
RV_MUST_USE rv_status rv_fold_key_of_touch(rv_fold *f, const rv_touch *touch, rv_fold_key *key);

/* Looks for the row of an aggregate whose key has several columns. */
RV_MUST_USE rv_status rv_fold_find_all(rv_fold *f, const rv_aggregate *aggregate,
                                       const rv_fold_parts *parts, rv_fold_key *found);

/* Takes a row for changing. */
RV_MUST_USE rv_status rv_fold_open(rv_fold *f, const rv_aggregate *aggregate, uint32_t place,
                                   rv_fold_row *row);

/* --- fold_cells.c --- */

/* What now() is for the event: when it was written, counted from 2000. */
int64_t rv_fold_now(const rv_fold *f);

/* Sets the columns of a created row that no field sets to their defaults, and counts the row that
 * its key refers to. */
RV_MUST_USE rv_status rv_fold_defaults(rv_fold *f, rv_fold_row *row, uint16_t touch);

/* Runs the actions from `*at` on that go through the same touch; `*at` gets the one after. */
RV_MUST_USE rv_status rv_fold_actions(rv_fold *f, rv_fold_row *row, const rv_action **at);

/* --- fold_refer.c: what a row refers to is counted at the row that it refers to --- */

/* Moves the count of a column that refers from the row that its cell names to the one that `value`
 * names, which when judging must be there. */
RV_MUST_USE rv_status rv_fold_refer_instead(rv_fold *f, const rv_fold_row *row, uint16_t column,
                                            const rv_value *value);

/* Counts what the key of a created row refers to, column by column. */
RV_MUST_USE rv_status rv_fold_refer_keys(rv_fold *f, const rv_fold_row *row);

/* Counts the foreign keys of several columns up or down, as the row's cells now are. A fold counts
 * them down before it changes the row and up after, and judges them when all rows are changed. */
RV_MUST_USE rv_status rv_fold_refer_foreign(rv_fold *f, const rv_fold_row *row, bool up);

/* Counts all references of a row down, which is to be deleted, or up, which came as a whole. */
RV_MUST_USE rv_status rv_fold_refer_row(rv_fold *f, const rv_fold_row *row, bool up);

/* Judging: every foreign key of several columns of the row refers to a row that is there, or to
 * nothing. */
RV_MUST_USE rv_status rv_fold_judge_foreign(rv_fold *f, const rv_fold_row *row);

/* True when a column or a foreign key of the aggregate refers to the target. */
bool rv_fold_refers_to(const rv_aggregate *aggregate, const rv_aggregate *target);

/* Pending events: true when the references that are counted at a row of the aggregate are all that
 * there are, and none of them is gone elsewhere. If not, something was left unchecked. */
bool rv_fold_knows_referring(const rv_fold *f, const rv_aggregate *target);

/* --- fold_changes.c: what becomes of the rows that are touched is noted --- */

/* The row at this place as an item of a base, in scratch: empty for RV_SLOT_NONE, without bytes
 * when it is too long. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_fold_row_item(const rv_fold *f, uint16_t aggregate, uint32_t place,
                                       rv_bytes *item);

/* Before anything is changed: notes the rows as they are, by touch, in scratch. */
RV_MUST_USE rv_status rv_fold_changes_before(rv_fold *f, const rv_fold_key *keys, rv_bytes *before);

/* Afterwards: adds what they were and are. */
RV_MUST_USE rv_status rv_fold_changes_after(rv_fold *f, const rv_fold_key *keys,
                                            const rv_bytes *before);

/* --- fold_sorted.c --- */

/* rv_fold_actions through a touch that changes columns with an index. Not inlined: its room on the
 * stack would be everybody's. */
RV_MUST_USE __attribute__((noinline)) rv_status rv_fold_actions_sorted(rv_fold *f, rv_fold_row *row,
                                                                       const rv_action **at);

/* Adds the rows that the event created to the indexes of their aggregates. */
RV_MUST_USE rv_status rv_fold_sort_made(rv_fold *f);

/* What must be unique of the rows that the event acted on and did not delete. */
RV_MUST_USE rv_status rv_fold_judge_unique(rv_fold *f);

/* --- fold_judge.c --- */

/* What must hold for every row that the event acted on: NOT NULL and CHECKs. */
RV_MUST_USE rv_status rv_fold_judge_rows(rv_fold *f);

/* Refusals: set the error with its facts and return its status. `key` has the values of a whole
 * key, which may be NULL. */
rv_status rv_fold_refuse_row(rv_fold *f, rv_status status, const rv_aggregate *aggregate,
                             uint16_t field, const rv_value *key);
rv_status rv_fold_refuse_reference(rv_fold *f, const rv_aggregate *aggregate, uint16_t column,
                                   const rv_value *value);
rv_status rv_fold_refuse_referenced(rv_fold *f, const rv_fold_row *row, uint16_t field,
                                    const rv_value *key, uint32_t place);
rv_status rv_fold_refuse_twin(rv_fold *f, const rv_fold_row *row, uint16_t index, uint32_t twin);
rv_status rv_fold_refuse_foreign(rv_fold *f, const rv_aggregate *aggregate,
                                 const rv_foreign_key *key, const rv_fold_parts *parts);
rv_status rv_fold_refuse_cell(rv_fold *f, rv_status status, const rv_fold_row *row,
                              uint16_t column);

#endif
