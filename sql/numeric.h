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

/* The number as an integer of 10^-scale, scale from 0 to 6; false: it is none. */
bool rv_sql_numeric_small(sqlite3_value *value, uint32_t scale, int64_t *integer);

/* Gives such an integer as the result that numeric_sum would give; `whole`: no summand was a REAL.
 * False: it would hang on what the summands were. */
bool rv_sql_numeric_show(sqlite3_context *out, int64_t integer, uint32_t scale, bool whole);

#endif
