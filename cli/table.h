/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for people: columns aligned by spaces, numbers to the right, a line under the names. Rows
 * are printed a screenful at a time, so that long tables need no memory and widths still fit. */
#ifndef RV_CLI_TABLE_H
#define RV_CLI_TABLE_H

#include "cli/buffer.h"

typedef struct rv_table_column {
    size_t name_start; /* in `names` */
    size_t name_len;
    size_t width; /* columns of a terminal */
    bool right;
} rv_table_column;

typedef struct rv_table {
    rv_cli_buffer columns; /* of rv_table_column */
    rv_cli_buffer names;
    rv_cli_buffer text; /* of the rows that wait, cell after cell */
    rv_cli_buffer lens; /* of size_t: bytes of each cell */
    size_t cell_count;  /* that wait */
    bool named;         /* the names are printed */
} rv_table;

void rv_table_add_column(rv_table *table, rv_bytes name, bool right);
void rv_table_add_cell(rv_table *table, rv_bytes text);

/* Prints the rows that wait; with `all` false only when there is a screenful. */
void rv_table_flush(rv_table *table, bool all);
void rv_table_free(rv_table *table);

#endif
