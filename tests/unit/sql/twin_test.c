/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a query over aggregates gives what SQLite gives over its own tables. Method: an ordinary
 * SQLite connection gets tables with the same columns and rows; every statement of a list (filters,
 * joins, groups, windows, recursion, comparisons of mixed types) runs on both, and the rows must be
 * the same in SQLite's own types.
 */
#include "tests/unit/sql/twin.h"

static const char *const tables[] = {
    "CREATE TABLE application (id INTEGER PRIMARY KEY, amount_requested INTEGER, submitted_at TEXT,"
    " state TEXT, state_changes INTEGER, offer_state TEXT, last_resource INTEGER,"
    " last_change_at TEXT)",
    "CREATE TABLE work_item (id TEXT PRIMARY KEY, application_id INTEGER, name TEXT, status TEXT,"
    " steps INTEGER, last_resource INTEGER) WITHOUT ROWID",
    NULL,
};

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
    RV_CHECK(twin_open(tables));
    RV_CHECK(twin_fill(f, "application", "INSERT INTO application VALUES (?,?,?,?,?,?,?,?)"));
    RV_CHECK(twin_fill(f, "work_item", "INSERT INTO work_item VALUES (?,?,?,?,?,?)"));
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        twin_compare(f, statements[i]);
        RV_CHECK_PASSED();
    }
    RV_CHECK(twin_close());
    fixture_close(f);
}

int main(void) {
    RV_RUN(aggregates_answer_like_tables);
    return rv_test_done();
}
