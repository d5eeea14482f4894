/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in for SQL in a build without it: rivulet_sql_absent is linked in place of
 * rivulet_sql. There is never an rv_sql here, so nothing but the first two can be called. */
#include "core/base/assert.h"
#include "sql/sql.h"

bool rv_sql_present(void) {
    return false;
}

rv_status rv_sql_create(rv_sql **sql, const rv_sql_options *options, rv_arena *arena,
                        rv_error *err) {
    (void)options;
    (void)arena;
    *sql = NULL;
    return rv_error_set(err, RV_UNSUPPORTED, "this build has no SQL");
}

rv_status rv_sql_prepare(rv_sql *sql, rv_bytes text, rv_bytes parameters, rv_sql_query **query,
                         rv_error *err) {
    (void)sql;
    (void)text;
    (void)parameters;
    (void)query;
    (void)err;
    __builtin_trap();
}

rv_status rv_sql_prepare_live(rv_sql *sql, rv_sql_upkeep *upkeep, rv_bytes text,
                              rv_bytes parameters, rv_sql_query **query, rv_error *err) {
    (void)sql;
    (void)upkeep;
    (void)text;
    (void)parameters;
    (void)query;
    (void)err;
    __builtin_trap();
}

bool rv_sql_kept_up(const rv_sql_query *query) {
    (void)query;
    __builtin_trap();
}

void rv_sql_upkeep_end(rv_sql_upkeep *upkeep) {
    RV_ASSERT(upkeep->sql == NULL);
}

void rv_sql_limit_rows(rv_sql_query *query, uint64_t rows_max) {
    (void)query;
    (void)rows_max;
    __builtin_trap();
}

void rv_sql_note_reads(rv_sql_query *query, rv_reads *reads) {
    (void)query;
    (void)reads;
    __builtin_trap();
}

void rv_sql_columns_to_json(const rv_sql_query *query, rv_writer *w) {
    (void)query;
    (void)w;
    __builtin_trap();
}

rv_status rv_sql_step(rv_sql_query *query, rv_error *err) {
    (void)query;
    (void)err;
    __builtin_trap();
}

bool rv_sql_runnable(const rv_sql *sql) {
    (void)sql;
    __builtin_trap();
}

bool rv_sql_again(rv_sql_query *query) {
    (void)query;
    __builtin_trap();
}

void rv_sql_row_to_json(const rv_sql_query *query, rv_writer *w) {
    (void)query;
    (void)w;
    __builtin_trap();
}

bool rv_sql_uses(const rv_sql_query *query, uint16_t aggregate) {
    (void)query;
    (void)aggregate;
    __builtin_trap();
}

bool rv_sql_uses_system(const rv_sql_query *query) {
    (void)query;
    __builtin_trap();
}

void rv_sql_finish(rv_sql_query *query) {
    (void)query;
    __builtin_trap();
}

void rv_sql_destroy(rv_sql *sql) {
    (void)sql;
    __builtin_trap();
}
