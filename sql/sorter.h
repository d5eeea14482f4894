/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows sorted as SQL does it, for when a plan promised an order and its arguments, or what is held,
 * have taken it away (walk.h). That is rare; it takes eight bytes a row of the query's memory.
 * Comparisons count as steps, but what is sorted here is not cut in slices.
 */
#ifndef RV_SQL_SORTER_H
#define RV_SQL_SORTER_H

#include "core/state/state.h"
#include "sql/cell.h"

struct rv_sql;

typedef struct rv_sql_sorter {
    rv_row *rows;
    size_t count;
    size_t at;
    struct rv_sql *sql; /* whose query it is */
    const rv_aggregate *aggregate;
    const uint16_t *columns; /* to sort by */
    uint16_t column_count;
    bool descending;
    uint32_t compared; /* since it was asked whether the query is to end */
    rv_arena cells[2]; /* for cells that are spread over pages */
} rv_sql_sorter;

/* Sorts the rows that the sorter has. SQLITE_OK, SQLITE_NOMEM, SQLITE_INTERRUPT: the query is to
 * end.
 */
int rv_sql_sorter_sort(rv_sql_sorter *sorter);

/* Gives the memory back. */
void rv_sql_sorter_close(rv_sql_sorter *sorter);

/* Doubles the memory for a cell that is spread over pages; its bytes are gone. False: memory is
 * used up, or no cell is so long. */
bool rv_sql_cell_grow(rv_arena *cell);

/* A cell, in `scratch` if it is spread over pages; that grows when it has to, in SQLite's memory.
 * False: memory is used up. */
bool rv_sql_cell_fetch(const rv_state *state, uint16_t aggregate, rv_row row, uint16_t column,
                       rv_arena *scratch, rv_value *value, bool *unknown);

#endif
