/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A twin of a node's aggregates: an ordinary SQLite connection with ordinary tables, filled from
 * the aggregates, to compare answers with, in SQLite's own types.
 */
#ifndef RV_TESTS_SQL_TWIN_H
#define RV_TESTS_SQL_TWIN_H

#include "sql/wide.h"
#include "tests/unit/sql/fixture.h"

static rv_sql_context twin_context;
static sqlite3 *twin;

/* Runs a statement that gives no rows on the twin. */
static inline bool twin_run(const char *text) {
    sqlite3_stmt *statement = NULL;
    const bool ok = sqlite3_prepare_v3(twin, text, -1, 0, &statement, NULL) == SQLITE_OK &&
                    sqlite3_step(statement) == SQLITE_DONE;
    (void)sqlite3_finalize(statement);
    return ok;
}

/* Opens the twin with tables; `create` ends with NULL. */
static inline bool twin_open(const char *const *create) {
    static _Alignas(16) uint8_t memory[8 << 20];
    (void)rv_sql_enter(&twin_context);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    bool ok = rv_sql_heap_open(&twin_context.heap, memory, sizeof memory) &&
              sqlite3_open_v2(":memory:", &twin, flags, NULL) == SQLITE_OK &&
              sqlite3_create_collation_v2(twin, RV_SQL_WIDE_COLLATION, SQLITE_UTF8, NULL,
                                          rv_sql_wide_compare, NULL) == SQLITE_OK;
    if (ok) {
        rv_sql_forgo_filters(twin);
    }
    for (; ok && *create != NULL; create++) {
        ok = twin_run(*create);
    }
    rv_sql_leave(NULL);
    return ok;
}

/* Closes the twin; false when it did not give all its memory back. */
static inline bool twin_close(void) {
    (void)rv_sql_enter(&twin_context);
    const bool ok = sqlite3_close(twin) == SQLITE_OK;
    rv_sql_leave(NULL);
    return ok && twin_context.heap.used == 0;
}

/* One row as text with SQLite's types. */
static inline void twin_write_row(sqlite3_stmt *statement, rv_writer *w) {
    for (int c = 0; c < sqlite3_column_count(statement); c++) {
        rv_write_text(w, c == 0 ? "\n" : "|");
        rv_write_uint(w, (uint64_t)sqlite3_column_type(statement, c));
        rv_write_u8(w, ':');
        const int type = sqlite3_column_type(statement, c);
        if (type == SQLITE_INTEGER) {
            rv_write_int(w, sqlite3_column_int64(statement, c));
        } else if (type == SQLITE_FLOAT) {
            const double real = sqlite3_column_double(statement, c);
            rv_write_hex(w, rv_bytes_of(&real, sizeof real));
        } else if (type != SQLITE_NULL) {
            const void *const ptr = sqlite3_column_blob(statement, c);
            const rv_bytes bytes = rv_bytes_of(ptr, (size_t)sqlite3_column_bytes(statement, c));
            if (type == SQLITE_BLOB) {
                rv_write_hex(w, bytes);
            } else {
                rv_write(w, bytes);
            }
        }
    }
}

/* Copies an aggregate's rows into the twin's table. */
static inline bool twin_fill(fixture *f, const char *table, const char *insert) {
    char text[64];
    snprintf(text, sizeof text, "SELECT * FROM %s", table);
    rv_sql_query *from = NULL;
    if (rv_sql_prepare(f->sql, rv_bytes_of_string(text), RV_LITERAL(""), &from, &f->err) != RV_OK) {
        return false;
    }
    bool ok = true;
    while (ok && rv_sql_step(from, &f->err) == RV_OK) {
        (void)rv_sql_enter(&twin_context);
        sqlite3_stmt *to = NULL;
        ok = sqlite3_prepare_v3(twin, insert, -1, 0, &to, NULL) == SQLITE_OK;
        for (int c = 0; ok && c < from->column_count; c++) {
            const int type = sqlite3_column_type(from->statement, c);
            if (type == SQLITE_INTEGER) {
                sqlite3_bind_int64(to, c + 1, sqlite3_column_int64(from->statement, c));
            } else if (type == SQLITE_FLOAT) {
                sqlite3_bind_double(to, c + 1, sqlite3_column_double(from->statement, c));
            } else if (type != SQLITE_NULL) { /* a BLOB too: the statement casts it */
                const void *const bytes = sqlite3_column_blob(from->statement, c);
                sqlite3_bind_text64(to, c + 1, bytes == NULL ? "" : bytes,
                                    (sqlite3_uint64)sqlite3_column_bytes(from->statement, c),
                                    SQLITE_TRANSIENT, SQLITE_UTF8);
            }
        }
        ok = ok && sqlite3_step(to) == SQLITE_DONE;
        (void)sqlite3_finalize(to);
        rv_sql_leave(NULL);
    }
    rv_sql_finish(from);
    return ok;
}

/* The rows of a prepared statement of either side. */
static inline bool twin_read_rows(sqlite3_stmt *statement, rv_writer *w) {
    int rc = sqlite3_step(statement);
    while (rc == SQLITE_ROW) {
        twin_write_row(statement, w);
        rc = sqlite3_step(statement);
    }
    return rc == SQLITE_DONE && !w->full;
}

static inline void twin_compare(fixture *f, const char *text) {
    static char ours[1 << 20];
    static char theirs[1 << 20];
    rv_writer our_rows = rv_writer_over(ours, sizeof ours);
    rv_writer their_rows = rv_writer_over(theirs, sizeof theirs);
    rv_sql_query *query = NULL;
    RV_CHECK_STATUS(
        rv_sql_prepare(f->sql, rv_bytes_of_string(text), RV_LITERAL(""), &query, &f->err), RV_OK);
    (void)rv_sql_enter(&f->sql->context);
    const bool our_ok = twin_read_rows(query->statement, &our_rows);
    rv_sql_leave(NULL);
    rv_sql_finish(query);
    (void)rv_sql_enter(&twin_context);
    sqlite3_stmt *statement = NULL;
    bool their_ok = sqlite3_prepare_v3(twin, text, -1, 0, &statement, NULL) == SQLITE_OK;
    their_ok = their_ok && twin_read_rows(statement, &their_rows);
    (void)sqlite3_finalize(statement);
    rv_sql_leave(NULL);
    if (!our_ok || !their_ok ||
        !rv_bytes_equal(rv_writer_bytes(&our_rows), rv_writer_bytes(&their_rows))) {
        RV_FAIL_AT_("differs (%d %d): %s\nours:%.*s\ntheirs:%.*s", our_ok, their_ok, text,
                    (int)(our_rows.len % 1000), ours, (int)(their_rows.len % 1000), theirs);
    }
}

#endif
