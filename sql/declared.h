/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With what the declared types of columns begin whose values do not say what they are: a numeric is
 * a REAL, an INTEGER or a TEXT, JSON is a TEXT. SQLite takes the affinity from what follows.
 * sql/kinds.h, which is compiled with SQLite, looks for them; sql/cell.c writes them.
 *
 *     balance DECIMAL REAL(0,2), tags JSON TEXT(0,5)
 */
#ifndef RV_SQL_DECLARED_H
#define RV_SQL_DECLARED_H

#define RV_SQL_DECLARED_NUMERIC "DECIMAL"
#define RV_SQL_DECLARED_JSON    "JSON"

#endif
