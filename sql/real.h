/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REAL numbers of SQL as JSON and back. Both ways are SQLite's own conversions, which calculate
 * with integers only, so every build gives the same digits.
 */
#ifndef RV_SQL_REAL_H
#define RV_SQL_REAL_H

#include "core/base/writer.h"

/*
 * Writes the shortest decimal that reads back as the same number, as PostgreSQL shows a double
 * precision:
 *
 *     2.5   3   0.0001   1e-05   123456789012345   1.2345678901234568e+17   "Infinity"
 */
void rv_sql_real_write(double real, rv_writer *w);

/* Reads a number as JSON writes it; `text` is followed by a NUL. False: beyond the range. */
RV_MUST_USE bool rv_sql_real_read(const char *text, double *real);

#endif
