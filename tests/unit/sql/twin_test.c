/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a query over aggregates gives what SQLite gives over its own tables. Method: an ordinary
 * SQLite connection gets tables with the same columns and rows; every statement of a list (filters,
 * joins, groups, windows, recursion, comparisons of mixed types) runs on both, and the rows must be
 * the same in SQLite's own types.
 */
#include "tests/unit/sql/fixture.h"

static rv_sql_context twin_context;
static sqlite3 *twin;

/* Runs a statement that gives no rows on the twin. */
static bool twin_run(const char *text) {
    sqlite3_stmt *statement = NULL;
    const bool ok = sqlite3_prepare_v3(twin, text, -1, 0, &statement, NULL) == SQLITE_OK &&
                    sqlite3_step(statement) == SQLITE_DONE;
    (void)sqlite3_finalize(statement);
    return ok;
}

static bool twin_open(void) {
    static _Alignas(16) uint8_t memory[8 << 20];
    (void)rv_sql_enter(&twin_context);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    const bool ok =
        rv_sql_heap_open(&twin_context.heap, memory, sizeof memory) &&
        sqlite3_open_v2(":memory:", &twin, flags, NULL) == SQLITE_OK &&
        twin_run("CREATE TABLE application (id INTEGER PRIMARY KEY, amount_requested INTEGER,"
                 " submitted_at TEXT, state TEXT, state_changes INTEGER, offer_state TEXT,"
                 " last_resource INTEGER, last_change_at TEXT)") &&
        twin_run("CREATE TABLE work_item (id TEXT PRIMARY KEY, application_id INTEGER, name TEXT,"
                 " status TEXT, steps INTEGER, last_resource INTEGER) WITHOUT ROWID");
    rv_sql_leave(NULL);
    return ok;
}

/* One row as text with SQLite's types. */
static void write_row(sqlite3_stmt *statement, rv_writer *w) {
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
            rv_write(w, rv_bytes_of(sqlite3_column_blob(statement, c),
                                    (size_t)sqlite3_column_bytes(statement, c)));
        }
    }
}

/* Copies an aggregate's rows into the twin's table. */
static bool twin_fill(fixture *f, const char *table, const char *insert) {
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
            } else if (type == SQLITE_TEXT) {
                sqlite3_bind_text64(to, c + 1, sqlite3_column_blob(from->statement, c),
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

static const char *const statements[] = {
    "SELECT * FROM application ORDER BY id",
    "SELECT * FROM work_item ORDER BY id",
    "SELECT count(*), min(id), max(id), sum(amount_requested), avg(amount_requested) "
    "FROM application",
    "SELECT state, count(*) n, sum(state_changes) FROM application GROUP BY state ORDER BY n, "
    "state",
    "SELECT state, count(*) n FROM application GROUP BY state HAVING n > 40 ORDER BY state",
    "SELECT DISTINCT last_resource FROM application ORDER BY 1",
    "SELECT id FROM application WHERE state = 'accepted' AND amount_requested > 20000 ORDER BY id",
    "SELECT id FROM application WHERE submitted_at >= '2012-01-20' ORDER BY submitted_at DESC, id",
    "SELECT id FROM application ORDER BY amount_requested DESC LIMIT 7 OFFSET 3",
    "SELECT id FROM application WHERE last_resource IS NULL ORDER BY id",
    "SELECT w.id, a.state FROM work_item w JOIN application a ON a.id = w.application_id "
    "ORDER BY w.id",
    "SELECT a.id, count(w.id) FROM application a LEFT JOIN work_item w ON w.application_id = a.id "
    "GROUP BY a.id ORDER BY a.id",
    "SELECT id FROM application WHERE id IN (SELECT application_id FROM work_item WHERE "
    "status = 'open') ORDER BY id",
    "SELECT id FROM application a WHERE NOT EXISTS (SELECT 1 FROM work_item w WHERE "
    "w.application_id = a.id) ORDER BY id",
    "SELECT id FROM application WHERE id IN (5, 7, 999999, 12, NULL, '9', 11.0, 11.5) ORDER BY id",
    "SELECT id FROM application WHERE id = '7'",
    "SELECT id FROM application WHERE id = ' 7 '",
    "SELECT id FROM application WHERE id = '7x'",
    "SELECT id FROM application WHERE id = 7.0",
    "SELECT id FROM application WHERE id = 7.5",
    "SELECT id FROM application WHERE id = x'37'",
    "SELECT id FROM application WHERE id = NULL",
    "SELECT id FROM application WHERE id IS NULL",
    "SELECT id FROM application WHERE id = 9223372036854775807",
    "SELECT id FROM application WHERE id = 1e300",
    "SELECT id FROM application WHERE id = -1e300",
    "SELECT id FROM application WHERE id = 3 OR id = 4 OR state = 'accepted' ORDER BY id",
    "SELECT id FROM work_item WHERE id = '7-1'",
    "SELECT id FROM work_item WHERE id = '7-1 '",
    "SELECT id FROM work_item WHERE id = 7",
    "SELECT id FROM work_item WHERE id = 'A' COLLATE NOCASE",
    "SELECT id FROM work_item WHERE id = '3-X' COLLATE RTRIM",
    "SELECT id FROM work_item WHERE id COLLATE RTRIM = '3-1   '",
    "SELECT id FROM work_item WHERE id = x'372d31'",
    "SELECT id FROM work_item WHERE id > '5' AND id <= '50-2' ORDER BY id DESC",
    "SELECT a.id, w.id FROM application a JOIN work_item w ON w.id = a.id ORDER BY 1, 2",
    "SELECT a.id, b.id FROM application a, application b WHERE b.id = a.id + 1 AND a.id < 20 "
    "ORDER BY 1, 2",
    "SELECT a.id, b.id FROM application a, application b WHERE b.id = CAST(a.id AS TEXT) "
    "AND a.id < 20 ORDER BY 1, 2",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) "
    "SELECT i, (SELECT state FROM application WHERE id = i) FROM n ORDER BY i",
    "SELECT id, row_number() OVER (PARTITION BY state ORDER BY amount_requested, id) "
    "FROM application ORDER BY id",
    "SELECT state, group_concat(id, ',') FROM (SELECT * FROM application WHERE id < 30 ORDER BY "
    "id) "
    "GROUP BY state ORDER BY state",
    "SELECT id FROM application WHERE state LIKE 'acc%' UNION SELECT application_id FROM work_item "
    "EXCEPT SELECT id FROM application WHERE id % 2 = 0 ORDER BY 1",
    "SELECT strftime('%Y-%m-%d %H', submitted_at), count(*) FROM application GROUP BY 1 ORDER BY 1",
    "SELECT name, json_group_array(application_id) FROM (SELECT * FROM work_item WHERE "
    "application_id < 20 ORDER BY id) GROUP BY name ORDER BY name",
    "SELECT upper(state), length(state), substr(state, 2, 3) FROM application WHERE id = 7",
    "SELECT max(submitted_at), min(state) FROM application",
    "SELECT count(*) FROM application NATURAL JOIN (SELECT id FROM application WHERE id < 9)",
    "SELECT a.id FROM work_item w RIGHT JOIN application a ON a.id = w.application_id "
    "WHERE w.id IS NULL ORDER BY a.id",
};

/* The rows of a prepared statement of either side. */
static bool read_rows(sqlite3_stmt *statement, rv_writer *w) {
    int rc = sqlite3_step(statement);
    while (rc == SQLITE_ROW) {
        write_row(statement, w);
        rc = sqlite3_step(statement);
    }
    return rc == SQLITE_DONE && !w->full;
}

static void compare_one(fixture *f, const char *text) {
    static char ours[1 << 20];
    static char theirs[1 << 20];
    rv_writer our_rows = rv_writer_over(ours, sizeof ours);
    rv_writer their_rows = rv_writer_over(theirs, sizeof theirs);
    rv_sql_query *query = NULL;
    RV_CHECK_STATUS(
        rv_sql_prepare(f->sql, rv_bytes_of_string(text), RV_LITERAL(""), &query, &f->err), RV_OK);
    (void)rv_sql_enter(&f->sql->context);
    const bool our_ok = read_rows(query->statement, &our_rows);
    rv_sql_leave(NULL);
    rv_sql_finish(query);
    (void)rv_sql_enter(&twin_context);
    sqlite3_stmt *statement = NULL;
    bool their_ok = sqlite3_prepare_v3(twin, text, -1, 0, &statement, NULL) == SQLITE_OK;
    their_ok = their_ok && read_rows(statement, &their_rows);
    (void)sqlite3_finalize(statement);
    rv_sql_leave(NULL);
    if (!our_ok || !their_ok ||
        !rv_bytes_equal(rv_writer_bytes(&our_rows), rv_writer_bytes(&their_rows))) {
        RV_FAIL_AT_("differs (%d %d): %s\nours:%.*s\ntheirs:%.*s", our_ok, their_ok, text,
                    (int)our_rows.len, ours, (int)their_rows.len, theirs);
    }
}

RV_TEST(aggregates_answer_like_tables) {
    fixture *f = fixture_open(LOANS_SCHEMA, 4u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_loans(f, 200), RV_OK);
    RV_CHECK_STATUS(fixture_append(f, "/applications/7", "work_item_opened",
                                   "{\"work_item_id\":\"07\",\"name\":\"x\",\"status\":\"open\"}"),
                    RV_OK);
    RV_CHECK_STATUS(fixture_append(f, "/applications/7", "work_item_opened",
                                   "{\"work_item_id\":\"7\",\"name\":\"x\",\"status\":\"open\"}"),
                    RV_OK);
    RV_CHECK_STATUS(fixture_append(f, "/applications/7", "work_item_opened",
                                   "{\"work_item_id\":\"a\",\"name\":\"x\",\"status\":\"open\"}"),
                    RV_OK);
    RV_CHECK(twin_open());
    RV_CHECK(twin_fill(f, "application", "INSERT INTO application VALUES (?,?,?,?,?,?,?,?)"));
    RV_CHECK(twin_fill(f, "work_item", "INSERT INTO work_item VALUES (?,?,?,?,?,?)"));
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        compare_one(f, statements[i]);
        RV_CHECK_PASSED();
    }
    (void)rv_sql_enter(&twin_context);
    RV_CHECK_EQ(sqlite3_close(twin), SQLITE_OK);
    rv_sql_leave(NULL);
    RV_CHECK_EQ(twin_context.heap.used, 0);
    fixture_close(f);
}

int main(void) {
    RV_RUN(aggregates_answer_like_tables);
    return rv_test_done();
}
