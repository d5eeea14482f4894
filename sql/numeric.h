/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact arithmetic with numerics, in functions with the names that PostgreSQL has for its own:
 *
 *     numeric_add(a, b)   numeric_sub(a, b)   numeric_mul(a, b)   numeric_mod(a, b)
 *     numeric_div(a, b[, digits])   numeric_cmp(a, b)   numeric_round(a[, digits])
 *     numeric_sum(x) and numeric_avg(x), over groups and windows
 *
 * An argument is any form that a numeric has in SQL: an INTEGER, a REAL, which counts as the
 * shortest decimal that it is the nearest REAL of, or TEXT. A result is an
 * INTEGER if it has no digits after the point and fits, a REAL if that tells all of its digits, at
 * most 15, else TEXT: the forms that columns have. So results go into arguments without loss. Only
 * numeric_div without digits, and numeric_avg, give the nearest REAL. docs/sql.md tells users.
 */
#ifndef RV_SQL_NUMERIC_H
#define RV_SQL_NUMERIC_H

#include "sql/sqlite.h"

/* Another name of the collation RV_SQL_WIDE_COLLATION, for statements. */
#define RV_SQL_NUMERIC_COLLATION "numeric"

/* Makes the functions known, and the collation. SQLite's result code. */
int rv_sql_numeric_declare(sqlite3 *db);

/* Digits after the point of what rv_sql_numeric_parts has. */
#define RV_SQL_NUMERIC_SCALE 9u

/* A number of few digits, or a sum of such: part by part, with the same sign or not. */
typedef struct rv_sql_numeric_parts {
    int64_t whole;
    int64_t fraction; /* times 10^-RV_SQL_NUMERIC_SCALE */
    uint32_t scale;   /* digits after the point that are shown; of a sum, the most of a summand */
} rv_sql_numeric_parts;

/* Takes a number apart; false: it has more digits, or is none. */
bool rv_sql_numeric_split(sqlite3_value *value, rv_sql_numeric_parts *parts);

/* Gives a sum as the result that numeric_sum would give; `count` is not 0: what numeric_avg would
 * of as many. */
void rv_sql_numeric_show(sqlite3_context *out, const rv_sql_numeric_parts *parts, int64_t count);

#endif
