/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells between the two worlds: how a value of each type appears in SQL, and which key a value in
 * SQL looks for. docs/sql.md tells users.
 */
#ifndef RV_SQL_CELL_H
#define RV_SQL_CELL_H

#include "core/model/value.h"
#include "sql/sqlite.h"
#include "sql/straight.h"

/* How a type appears in SQL. */
typedef enum rv_sql_form {
    RV_SQL_INTEGER,   /* integers, serials, boolean, numeric(p, 0): as they are stored */
    RV_SQL_REAL,      /* real, double precision */
    RV_SQL_DECIMAL,   /* numeric(p <= 15, s > 0): the nearest REAL */
    RV_SQL_WIDE,      /* numeric of more digits: TEXT that compares as a number */
    RV_SQL_TEXT,      /* char, varchar, text, json, jsonb: the stored bytes */
    RV_SQL_LABEL,     /* enum */
    RV_SQL_FORMATTED, /* dates, times, interval, uuid: TEXT in their JSON form */
    RV_SQL_ARRAY,     /* arrays: TEXT, a JSON array */
    RV_SQL_BLOB       /* bytea */
} rv_sql_form;

rv_sql_form rv_sql_form_of(const rv_type *type);

/* The type name that declares a column: it gives SQLite the right affinity, and says what
 * values do not (sql/declared.h). */
const char *rv_sql_declaration_of(const rv_type *type);

/* The collation that orders a column of the type: "BINARY", RV_SQL_WIDE_COLLATION, or of char
 * "RTRIM", to which the spaces at the end are nothing. */
const char *rv_sql_collation_of(const rv_type *type);

/* True when every SQL value equals at most one key of the form, and rv_sql_cell_key finds it. */
bool rv_sql_form_exact(rv_sql_form form);

/* Gives SQLite the value; `form` is the type's. `lasting`: its bytes stay where they are until the
 * query ends. */
void rv_sql_cell_show(sqlite3_context *out, rv_sql_form form, const rv_type *type,
                      const rv_value *value, bool lasting);

/* The number that a RV_SQL_DECIMAL cell shows as `real`, times 10^scale. False: `real` is none that
 * such a cell shows. */
RV_MUST_USE bool rv_sql_decimal_of(double real, int32_t scale, int64_t *scaled);

typedef enum rv_sql_match {
    RV_SQL_MATCH_NONE, /* no key equals the value */
    RV_SQL_MATCH_KEY,  /* at most the row with `key` does */
    RV_SQL_MATCH_SCAN  /* look at all rows: SQLite compares by rules that no key follows */
} rv_sql_match;

/* Which rows of an aggregate with a key of this type can equal `sought`. `key` lies in `sought` or
 * in `scratch` (64 bytes are enough). */
rv_sql_match rv_sql_cell_key(const rv_type *type, sqlite3_value *sought, rv_arena *scratch,
                             rv_value *key);

/* The same for a RV_SQL_INTEGER under the collation of numerics, which compares all digits: a TEXT
 * has more than the REAL that an integer would meet otherwise. SQLite is to test what is found. */
rv_sql_match rv_sql_cell_key_of_digits(const rv_type *type, sqlite3_value *sought,
                                       rv_arena *scratch, rv_value *key);

#endif
