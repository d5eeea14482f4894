/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a query reads an aggregate: all rows, one by its primary key, or a part of a secondary index.
 * The plan is SQLite's idxNum and idxStr, so EXPLAIN QUERY PLAN shows it:
 *
 *     VIRTUAL TABLE INDEX 0:       all rows
 *     VIRTUAL TABLE INDEX 0:3:=    the same, of which only those count whose column with number 3
 * is as it says, `{` for one of a list: SQLite tests each, but a live query runs again for such
 * rows only VIRTUAL TABLE INDEX 1:       the row with a primary key VIRTUAL TABLE INDEX 2+n:=[ the
 * index with number n, by its columns in turn:
 *
 *         =    equal to an argument     0    NULL     .  IS an argument, which may be NULL
 *         ~    equal to an argument, a numeric with all its digits (also of a primary key: 1:~)
 *         [ (  from an argument on, or behind it: the next column
 *         ] )  up to an argument, or before it: the same column
 *         a    then in its order        d    then in the opposite order: as ORDER BY asks
 *
 * SQLite is spared the test of what a plan follows to the letter (bound.h).
 */
#ifndef RV_SQL_PLAN_H
#define RV_SQL_PLAN_H

#include "core/model/schema.h"
#include "sql/bound.h"

#define RV_SQL_PLAN_SCAN  0
#define RV_SQL_PLAN_KEY   1
#define RV_SQL_PLAN_INDEX 2 /* and from here on, by the index's number */

/* Columns, two ends, an order, NUL. */
#define RV_SQL_PLAN_SIZE (RV_INDEX_COLUMNS_MAX + 4)

/* Chooses for what SQLite asks, of an aggregate with so many rows. SQLite's result code. */
int rv_sql_plan_choose(const rv_aggregate *aggregate, uint64_t rows, sqlite3_index_info *info);

/* The same where only few rows are shown, in no order. */
int rv_sql_plan_narrow(sqlite3_index_info *info);

#endif
