/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregate functions that can take a row back: those that sql/shape.h puts in the place of count,
 * sum, total, avg, min, max, numeric_sum and numeric_avg (sql/kinds.h), for statements that are
 * kept up. Each gives to the bit what the one in whose place it is gives, or says that it cannot.
 *
 *     rv_sum(site, x, place …, what is grouped by …)
 *
 * `site` is the number of the call in its statement. The hidden column of the table that is gone
 * through says which row it is, and what is to become of it:
 *
 *     place > 0, 32 bits            a row: added
 *     the same with bit 32          a row as it was: taken away
 *     -1 - n                        the nth group: all that it has come to
 *
 * Integers are added as such, and only as long as no order of adding them could overflow. Floating
 * point depends on the order, so what is no integer is not summed here; numerics are, in two parts,
 * what is before the point and what is after it. How many digits a sum of those shows after the
 * point hangs on which were added, so they are counted by that. A minimum or maximum that is taken
 * away is lost, unless one as good comes with it.
 */
#ifndef RV_SQL_TALLY_H
#define RV_SQL_TALLY_H

#include "sql/numeric.h"
#include "sql/sql.h"
#include "sql/sqlite.h"

#define RV_SQL_PLACE_BEFORE (INT64_C(1) << 32)

/* Bytes of a text that can be a minimum or maximum. */
#define RV_SQL_TALLY_TEXT 24u

typedef enum rv_sql_tally_op {
    RV_SQL_TALLY_COUNT,
    RV_SQL_TALLY_SUM,
    RV_SQL_TALLY_TOTAL,
    RV_SQL_TALLY_AVG,
    RV_SQL_TALLY_MIN,
    RV_SQL_TALLY_MAX,
    RV_SQL_TALLY_NUMERIC_SUM,
    RV_SQL_TALLY_NUMERIC_AVG,
    RV_SQL_TALLY_OPS
} rv_sql_tally_op;

/* What a function is given besides its arguments. */
typedef struct rv_sql_function {
    rv_sql *sql;
    rv_sql_tally_op op;
} rv_sql_function;

/* A value; its type is SQLite's, 0: there is none. */
typedef struct rv_sql_extreme {
    uint8_t type;
    uint8_t len;
    union {
        int64_t integer;
        double real;
        uint8_t text[RV_SQL_TALLY_TEXT];
    } as;
} rv_sql_extreme;

/* What a function has come to. */
typedef struct rv_sql_tally {
    uint32_t row;   /* one of its rows, RV_ROW_NONE or not; */
    uint32_t group; /* 1 + the group it goes on from; 0: none */
    int64_t rows;
    int64_t count;     /* of values that are not NULL, */
    int64_t sum;       /* of integers, or of what numerics have before the point, */
    int64_t magnitude; /* of these without their signs, */
    int64_t fraction;  /* and of what they have after it */
    union {
        rv_sql_extreme best;                       /* of a minimum or maximum */
        uint32_t scales[RV_SQL_NUMERIC_SCALE + 1]; /* numerics, by their digits after the point */
    } of;
} rv_sql_tally;

/* Makes the functions known. SQLite's result code. */
int rv_sql_tally_declare(rv_sql *sql, sqlite3 *db);

#endif
