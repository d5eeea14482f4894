/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer read of the rows, so that it can be told whether a change concerns it: keys that
 * were looked up, those that were not found too; parts of secondary indexes that were walked; rows
 * that have a value in a column, or one between two, gone through without an index; or all rows of
 * an aggregate. As bytes, in a buffer of its own:
 *
 *     size u16 | aggregate u16 | index, or RV_READS_KEY, _VALUE or _COLUMN u8 | open u8 | low |
 * high a key:    its hash, 4 bytes, as `low`; two keys of one hash are taken for one a value:  its
 * column u8 and its hash, 4 bytes, as `low`; the same of values an end:   cut and length u8 | the
 * index's key (sorted_key.h), at most RV_READS_END_MAX bytes of a column: its number u8 | the key
 * in an index of it alone; RV_READS_COLUMN_MAX bytes
 *
 * It errs to one side: what it has is at least what was read. What does not fit is all rows of the
 * aggregate; an end that is cut bounds what begins like it.
 *
 *   invariant: whoever answers from rows outside of what is noted here gets the same answer
 *              whatever these rows are.
 */
#ifndef RV_STATE_READS_H
#define RV_STATE_READS_H

#include "core/state/state.h"

#define RV_READS_KEY    0xffu /* in the place of an index's number */
#define RV_READS_VALUE  0xfeu
#define RV_READS_COLUMN 0xfdu

typedef struct rv_reads {
    uint64_t whole[RV_AGGREGATES_MAX / 64u]; /* bits: of these all rows */
    uint32_t len;
    uint8_t bytes[RV_READS_LEN_MAX]; /* of the others, each once */
} rv_reads;

/* Nothing was read. */
void rv_reads_clear(rv_reads *reads);

/* All rows of the aggregate, or what there is of it: how many. */
void rv_reads_all(rv_reads *reads, uint16_t aggregate);

/* The row with this key (rows.h), whether there is one or not. */
void rv_reads_key(rv_reads *reads, const rv_state *state, uint16_t aggregate, const rv_value *key);

/* The rows with this value, which is not NULL, in a column of a type whose equal values are the
 * same number or bytes (rv_schema_filter_equates). */
void rv_reads_value(rv_reads *reads, const rv_state *state, uint16_t aggregate, uint16_t column,
                    const rv_value *value);

/* The rows of the range, in its order; up to and with `last`, if it is not RV_ROW_NONE. */
void rv_reads_range(rv_reads *reads, const rv_state *state, const rv_index_range *range,
                    rv_row last);

/* The rows with such a value in the column: the range is one of an index of this column alone,
 * which need not be there, and has no number. */
void rv_reads_column(rv_reads *reads, const rv_state *state, const rv_index_range *range,
                     uint16_t column);

static inline bool rv_reads_has_all(const rv_reads *reads, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    return (reads->whole[aggregate / 64u] >> (aggregate % 64u) & 1u) != 0;
}

/* True when nothing was read. */
bool rv_reads_none(const rv_reads *reads);

/* How many keys were looked up in an aggregate of which not all was read, or, with RV_READS_VALUE,
 * values, or with RV_READS_COLUMN, ranges of them, or, with an index's number, how many of its
 * ranges were walked. */
uint32_t rv_reads_count(const rv_reads *reads, uint16_t aggregate, uint8_t index);

/* --- for touches.c --- */

/* One part of what was read; its bytes lie in the reads. */
typedef struct rv_reads_part {
    uint16_t aggregate;
    uint8_t index; /* or RV_READS_KEY, RV_READS_VALUE, RV_READS_COLUMN */
    bool low_open; /* the end itself is not in it */
    bool high_open;
    bool low_cut;
    bool high_cut;
    rv_bytes low;
    rv_bytes high;
} rv_reads_part;

/* The part at `*at`, which goes on behind it; false: there are no more. */
bool rv_reads_next(const rv_reads *reads, uint32_t *at, rv_reads_part *part);

/* True when a row's key in the index, perhaps cut, or the hash of its key, or a column with its
 * value or the hash of it, lies in the part. */
bool rv_reads_holds(const rv_reads_part *part, rv_bytes key);

#define RV_READS_VALUE_LEN 5u

/* A column with the hash of its value in a row: RV_READS_VALUE_LEN bytes. */
void rv_reads_value_write(const rv_state *state, uint16_t column, const rv_value *value,
                          uint8_t *bytes);

/* More of a value tells few rows apart, and so any row fits its notes (touches.c). */
#define RV_READS_COLUMN_MAX 17u

/* A column with its value in a row: at most RV_READS_COLUMN_MAX bytes; how many. */
uint8_t rv_reads_column_write(const rv_aggregate *aggregate, uint16_t column, const rv_value *value,
                              uint8_t *bytes);

/* Of what was read: some aggregates, or all but these. */
typedef struct rv_reads_of {
    const uint16_t *aggregates;
    uint16_t count;
    bool others;
} rv_reads_of;

#endif
