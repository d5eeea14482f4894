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
 * SQLite tests again what it asked for, so rows too many are only slow; none may be missing.
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

/* A value that bounds the rows, itself included, that `sought` bounds from below (`low`) or above:
 * all of them, and perhaps some more. Bytes lie in `sought`. False: look at all rows. `sought` is
 * not NULL. */
bool rv_sql_bound_of(const rv_type *type, sqlite3_value *sought, bool low, rv_arena *scratch,
                     rv_value *bound);

#endif
