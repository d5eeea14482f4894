/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of other aggregates that are joined by their keys, when they change: what that means for a
 * result that is kept up (upkeep.h) by the rows of the aggregate that is gone through.
 *
 *     SELECT … FROM work_item w JOIN application a ON a.id = w.application_id …
 *
 * A row of `a` that came, went or changed concerns the rows of `w` that are equal to its key where
 * the statement says so (sql/shape.h). Two ways lead to them:
 *
 * - The result itself, where the row only says something else, and nothing but what is shown hangs
 *   on that: of rows, those that came out are shown again anyway; of groups that have one row of
 *   `a` each (they are by its key, or by what is equal to it), the copies are.
 * - An index of `w` that begins with those columns, or its primary key: the rows that it leads to
 *   are shown as if they had changed. Groups then need `a` as it was, to take from it what was
 *   added: for what is shown as it was, and for copies, rows of `a` are looked up in the moment
 *   before. A copy that leads to a changed row of `a` is replaced by a row that came to its group.
 *
 *     shown          copies     rows as they were     rows as they are
 *     looked up      before     before                now
 *
 * Where neither way is there, the statement runs again.
 */
#ifndef RV_SQL_JOINED_H
#define RV_SQL_JOINED_H

#include "sql/connection.h"

/* True when the result can be kept up by changes of the nth table of FROM, which is not the one
 * that is gone through: at least while its rows neither come nor go. */
bool rv_sql_joined_follows(const rv_sql_query *query, uint32_t nth);

/* Adds to the changes of a run the rows that changed rows of the other tables concern. False: it is
 * not known which, or they are too many. */
bool rv_sql_joined_collect(rv_sql_query *query);

/* Which rows of a table a cursor that begins to read it sees. */
typedef enum rv_sql_seen {
    RV_SQL_SEEN_NOW,
    RV_SQL_SEEN_BEFORE, /* by rv_sql_joined_find */
    RV_SQL_SEEN_LOST    /* KEPT cannot tell: the run is to end */
} rv_sql_seen;

rv_sql_seen rv_sql_joined_seen(rv_sql_query *query, const sqlite3_vtab *table, bool by_key);

/* The row with this key as it was, and the view that it lies in; NULL: there was none, or, `lost`
 * of the run, it cannot be told. */
const uint8_t *rv_sql_joined_find(rv_sql_query *query, const sqlite3_vtab *table,
                                  const rv_value *key, rv_arena *scratch, const rv_view **before);

#endif
