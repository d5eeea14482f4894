/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the order of a secondary index (rv_value_compare) meets the order of SQL: which columns can
 * be bounded or sorted by an index, and which value of a column a SQL value bounds.
 *
 * | form in SQL          | equal | between | sorted |
 * |----------------------|-------|---------|--------|
 * | INTEGER, DECIMAL     | yes   | yes     | yes    |
 * | REAL                 | yes   | yes     | no: NaN is NULL in SQL          |
 * | TEXT of text, varchar| yes   | yes     | yes    |
 * | TEXT of char         | yes   | no: an index does not see spaces at the end |
 * | BLOB                 | yes   | yes     | yes    |
 * | WIDE                 | yes   | yes     | yes    |
 * | LABEL                | yes   | no: SQL sorts by label, the index by the declared order |
 * | FORMATTED, uuid      | yes   | no      | yes    |
 * | FORMATTED, time      | yes   | yes     | yes    |
 * | FORMATTED, dates     | yes   | yes     | in years 1 to 9999, where text sorts by time |
 * | FORMATTED, interval  | yes   | no      | no     |
 * | ARRAY                | no    | no      | no     |
 *
 * SQLite tests again what it asked for, so rows too many are only slow; none may be missing. Of
 * integers an index follows every comparison to the letter, so that they need not be tested again:
 * what a virtual table is asked for a second time costs more than what is found by it.
 */
#ifndef RV_SQL_BOUND_H
#define RV_SQL_BOUND_H

#include "sql/cell.h"

bool rv_sql_bound_equal(const rv_type *type);
bool rv_sql_bound_range(const rv_type *type);

/* `first`: no other column is sorted by before it. Dates outside of the years that sort can only be
 * looked for there. */
bool rv_sql_bound_sorted(const rv_type *type, bool first);

/* True for dates and timestamps, whose text sorts by time between these values only, and beyond
 * them for the infinities. */
bool rv_sql_bound_window(const rv_type *type, int64_t *first, int64_t *last);

/* True when what is looked for in a column is found and nothing else: equal to a value (the match
 * of rv_sql_cell_key) or bounded by one. */
bool rv_sql_bound_exact(const rv_type *type);

/* An end of a range of values. */
typedef struct rv_sql_bound {
    bool low;    /* the values are above it, else below, */
    bool inside; /* and it is one of them */
    rv_value value;
} rv_sql_bound;

/* Turns an end by `sought`, which is not NULL, into one by a value of the type: of the same rows,
 * and perhaps some more. `low` and `inside` are set, and `inside` may change. Bytes lie in `sought`
 * or in `scratch`. RV_SQL_MATCH_SCAN: no value; all rows but those with NULL are to be looked at.
 */
rv_sql_match rv_sql_bound_of(const rv_type *type, sqlite3_value *sought, rv_arena *scratch,
                             rv_sql_bound *bound);

#endif
