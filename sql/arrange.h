/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows in the order of an index. A statement that goes through an index gives its rows in that
 * order, or breaks ties by it; so what it is kept up with (upkeep.h) has to come in it, too. The
 * rows are sorted by the keys that the index has them by, of which the first eight bytes are at
 * hand; who is equal in these is looked at whole.
 *
 *     by key 80 | row 7     81 03 | row 2     81 03 | row 9     …     descending: from the end
 */
#ifndef RV_SQL_ARRANGE_H
#define RV_SQL_ARRANGE_H

#include "sql/sqlite.h"

#include "core/state/state.h"

/* Which index. */
typedef struct rv_sql_arrange {
    const rv_state *state;
    const rv_aggregate *aggregate;
    uint16_t index;
    bool descending;
} rv_sql_arrange;

/* Sorts the places of rows that are there. It takes 16 bytes of SQLite's memory for each while it
 * does. False: there are no such, or an index has one of the rows by no more than a part of its
 * key. */
bool rv_sql_arrange_rows(const rv_sql_arrange *by, uint32_t *rows, uint32_t count);

#endif
