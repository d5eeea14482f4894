/* SPDX-License-Identifier: Apache-2.0 */
/* How the table of an aggregate (rows.h) comes to be: with its first row, from the schema, for
 * good. */
#ifndef RV_STATE_TABLE_H
#define RV_STATE_TABLE_H

#include "core/state/rows.h"

/* Makes the table, which is not there yet. RV_STATE_FULL, RV_BATCH_TOO_LARGE: nothing has changed.
 */
RV_MUST_USE rv_status rv_table_make(rv_pages *pages, const rv_aggregate *aggregate);

/* Where the cells of the aggregate's rows lie: as many as it has columns, whether it has a table
 * yet or not. */
void rv_table_layout(const rv_aggregate *aggregate, rv_cell_layout *cells);

/* Bytes of a row of the aggregate. */
uint32_t rv_table_row_size(const rv_aggregate *aggregate);

/* True when a table that was stored lays cells out as one that is made now would. */
bool rv_table_fits(const rv_table *table, const rv_aggregate *aggregate);

#endif
