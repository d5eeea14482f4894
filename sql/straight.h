/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells that go straight from the row to SQLite's machine. A virtual table is asked for each cell:
 * a call, which asks where the cell lies and calls back with the value, which is looked at once
 * more. Most cells are integers, decimals, times and texts in one piece, and how they lie in a row
 * and what is shown of them is the column's, the same for all rows; so it is found out once, and
 * the machine reads them itself (sql/registers.h).
 *
 *     row   | owner, refs | NULL bits | … | customer_id | price | made_at | amount | state | note …
 *     spots                                 INT64         DECIMAL TIME      INT32    TEXT    TEXT
 *
 * What is shown is what rv_sql_cell_show would say. Where a spot says ASK, and where the value is
 * one that the way does not know (a chain of pieces, NaN), the table is asked as any other is.
 */
#ifndef RV_SQL_STRAIGHT_H
#define RV_SQL_STRAIGHT_H

#include "core/state/reader.h"

#include <sqlite3.h>

/* How a cell is read and shown. */
typedef enum rv_sql_way {
    RV_SQL_WAY_ASK,  /* by asking the table */
    RV_SQL_WAY_INT8, /* as it is stored; so the three below, which are told by their width */
    RV_SQL_WAY_INT16,
    RV_SQL_WAY_INT32,
    RV_SQL_WAY_INT64,
    RV_SQL_WAY_DECIMAL, /* 64 bits, the nearest REAL; `detail` is the scale */
    RV_SQL_WAY_DOUBLE,
    RV_SQL_WAY_TIME, /* 64 bits; `detail` is the type's kind */
    RV_SQL_WAY_TEXT, /* a rv_cell */
    RV_SQL_WAY_KEY   /* a rv_key_cell, of text */
} rv_sql_way;

typedef struct rv_sql_spot {
    uint16_t offset; /* in the row */
    uint8_t way;     /* rv_sql_way */
    uint8_t detail;
} rv_sql_spot;

/* What a cursor of rv_sql_table_module begins with. */
typedef struct rv_sql_straight {
    sqlite3_vtab_cursor base; /* SQLite's part, first */
    const uint8_t *row;       /* the row that the cursor stands on, if `count` is not 0 */
    const rv_sql_spot *spots; /* of its columns */
    const rv_pages *pages;    /* where it lies */
    uint16_t count;           /* columns that lie in the row: all, or none */
} rv_sql_straight;

/* Digits of numeric that are exact as the nearest REAL, */
#define RV_SQL_REAL_DIGITS 15u

/* and the powers of ten up to there, which are exact. */
extern const double rv_sql_powers_of_ten[RV_SQL_REAL_DIGITS + 1];

/* The REAL that is nearest to a number times 10^-scale, with scale 1 to 15. */
static inline double rv_sql_decimal_real(int64_t scaled, uint32_t scale) {
    RV_ASSERT(scale > 0 && scale <= RV_SQL_REAL_DIGITS);
    return (double)scaled / rv_sql_powers_of_ten[scale];
}

/* Aggregates as tables. */
extern const sqlite3_module rv_sql_table_module;

#endif
