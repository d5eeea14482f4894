/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of wide numerics: numeric(p, s) with more digits than a REAL holds appears in SQL as
 * TEXT, and this collation compares such texts as the numbers they are, exactly and at any length.
 *
 *     -Infinity < -2 < -1.5 < 0 = -0.00 < 1.5 = 01.50 < 9 < 10 = 1e1 < Infinity < NaN < 'abc'
 */
#ifndef RV_SQL_WIDE_H
#define RV_SQL_WIDE_H

#define RV_SQL_WIDE_COLLATION "rv_wide"

/* Orders texts as decimal numbers where both are; numbers before other texts, those bytewise. The
 * signature is SQLite's. */
int rv_sql_wide_compare(void *unused, int a_len, const void *a, int b_len, const void *b);

#endif
