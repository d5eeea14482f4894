/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over a part of a secondary index, as a plan (plan.h) says and its arguments are: the rows
 * that SQLite asked for, perhaps some more, in the order that the plan promised.
 *
 * An argument can turn out to be one that no index follows: a number that text is compared with, a
 * time in another form. Then the walk is wider. And dates before the year 1 or after 9999 do not
 * sort by time as text: they are walked beside the others, whatever the bounds are. Where the
 * promised order is lost so, the rows are sorted here (sorter.h).
 *
 *     year  -inf   … -44 | 1 … 9999 | 10000 …   inf        three ranges of one index
 */
#ifndef RV_SQL_WALK_H
#define RV_SQL_WALK_H

#include "core/state/reads.h"
#include "sql/plan.h"
#include "sql/sorter.h"
#include "sql/sql.h"

#define RV_SQL_WALK_RANGES 3u

typedef struct rv_sql_walk {
    struct rv_sql *sql;
    const rv_state *state; /* its */
    const rv_aggregate *aggregate;
    const rv_aggregate_index *index;
    uint16_t index_number;    /* RV_NONE: */
    uint16_t column;          /* it is of this column */
    rv_aggregate_index alone; /* alone, and not there */
    uint16_t equal_count;     /* leading columns that the plan has equal */
    uint16_t prefix;          /* of them, those that the arguments let the index follow */
    bool descending;
    bool promised; /* an order */
    uint8_t range_count;
    uint8_t range_at;
    rv_sql_sorter sorter; /* in use if it has rows */
    rv_arena memory;      /* bytes of the arguments */
    rv_index_walk at;     /* from here on it is set before it is read, */
    rv_index_range ranges[RV_SQL_WALK_RANGES];
    rv_value low[RV_SQL_WALK_RANGES][RV_INDEX_COLUMNS_MAX];
    rv_value high[RV_SQL_WALK_RANGES][RV_INDEX_COLUMNS_MAX];
} rv_sql_walk;

/* Makes it one that has not been used. What is set before it is read stays as it is: it is some
 * thousand bytes, more than a look-up by key needs otherwise. */
static inline void rv_sql_walk_clear(rv_sql_walk *walk) {
    memset(walk, 0, offsetof(rv_sql_walk, at));
}

/* Opens the walk, for the query that runs; `*row` gets the first row or RV_ROW_NONE. The walk,
 * cleared before its first use, may have been used before and stays where it is. SQLite's result
 * code.
 */
int rv_sql_walk_open(rv_sql_walk *walk, struct rv_sql *sql, const rv_aggregate *aggregate,
                     uint16_t index, const char *plan, int argc, sqlite3_value **argv, rv_row *row);

/* The next row or RV_ROW_NONE; not after that. */
rv_row rv_sql_walk_next(rv_sql_walk *walk);

/* True when all rows of the walk have one key of the index, and so come in the order of storage. */
bool rv_sql_walk_is_one(const rv_sql_walk *walk);

/* The order in which its rows come: of one key, and of none, that of storage. Where it is neither
 * that nor the index's (they were sorted), that of storage is said, too. */
rv_sql_order rv_sql_walk_order(const rv_sql_walk *walk);

/* Notes what has been read of the index, by somebody who stands on `row` and goes no further. */
void rv_sql_walk_note(const rv_sql_walk *walk, rv_row row, rv_reads *reads);

/* Notes as read what a walk would be over that had an index of this column alone: rows are gone
 * through without, and only those count that lie in it. The walk stands nowhere afterwards. Where
 * memory is short, all rows. */
void rv_sql_walk_note_column(rv_sql_walk *walk, struct rv_sql *sql, const rv_aggregate *aggregate,
                             uint16_t column, const char *plan, int argc, sqlite3_value **argv,
                             rv_reads *reads);

/* Gives the memory back. */
void rv_sql_walk_close(rv_sql_walk *walk);

#endif
