/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is JSON by its type goes into JSON as that, whatever the plan, and everything else as
 * the string that it is (sql/kinds.h). Method: expressions with what they are to give, over an
 * aggregate with JSON of every type, in rows, groups by an index and by sorting, windows, and
 * subqueries that are put by.
 */
#include "tests/unit/sql/fixture.h"

static const char schema[] =
    "CREATE AGGREGATE d (id bigint PRIMARY KEY, j json, b jsonb, t text[], s text, k integer,"
    " INDEX (k));"
    "CREATE EVENT_TYPE made (id creates d(id), j updates d(j), b updates d(b), t updates d(t),"
    " s updates d(s), k updates d(k));"
    "CREATE STREAM ds (path \"/d/{id}\" event_types (made));";

static const char *const rows[] = {
    ("{\"j\":{\"y\": [1.50, \"\\u00e9\"], \"x\": null},\"b\":{\"a\": 1},\"t\":[\"p\",\"q\\\"\"],"
     "\"s\":\"{}\",\"k\":1}"),
    ("{\"j\":\"x\",\"b\":[2, 3],\"t\":[],\"s\":\"z\",\"k\":2}"),
    "{\"b\":7,\"s\":\"w\",\"k\":1}",
};

/* What is asked of d, and what it gives as text; of several rows, one after the other. */
static const char *const cases[][2] = {
    {"json_object('j', j, 'b', b, 't', t, 's', s) FROM d WHERE id = 1",
     "{\"j\":{\"y\":[1.50,\"\\u00e9\"],\"x\":null},\"b\":{\"a\":1},\"t\":[\"p\",\"q\\\"\"],"
     "\"s\":\"{}\"}"},
    {"json_array(j, b, t, k) FROM d WHERE id > 1 ORDER BY id", "[\"x\",[2,3],[],2][null,7,null,1]"},
    {"json_set('{}', '$.x', b, '$.y', s) FROM d WHERE id = 1", "{\"x\":{\"a\":1},\"y\":\"{}\"}"},
    {"json_quote(b) || json_quote(s) FROM d WHERE id = 1", "{\"a\":1}\"{}\""},
    {"json_group_array(b ORDER BY id) FROM d", "[{\"a\":1},[2,3],7]"},
    {"json_group_array(b ORDER BY id) FILTER (WHERE s <> 'z') FROM d", "[{\"a\":1},7]"},
    {"json_group_array(DISTINCT b) FROM d WHERE id = 2", "[[2,3]]"},
    {"json_group_object(s, t) FROM (SELECT * FROM d ORDER BY id)",
     "{\"{}\":[\"p\",\"q\\\"\"],\"z\":[],\"w\":null}"},
    /* groups in the order of an index, and sorted */
    {"json_group_array(b) FROM d GROUP BY k ORDER BY k", "[{\"a\":1},7][[2,3]]"},
    {"json_group_array(b) FROM d GROUP BY k + 0 ORDER BY 1 DESC", "[{\"a\":1},7][[2,3]]"},
    {"json_group_array(b) OVER (ORDER BY id) FROM d", "[{\"a\":1}][{\"a\":1},[2,3]]"
                                                      "[{\"a\":1},[2,3],7]"},
    {"json_array(b, row_number() OVER (ORDER BY id)) FROM d WHERE id < 3",
     "[{\"a\":1},1][[2,3],2]"},
    /* what is one of several */
    {"json_array(coalesce(j, b), iif(k = 1, b, NULL), CASE k WHEN 2 THEN t ELSE b END) FROM d"
     " ORDER BY id",
     "[{\"y\":[1.50,\"\\u00e9\"],\"x\":null},{\"a\":1},{\"a\":1}][\"x\",null,[]][7,7,7]"},
    {"json_array(coalesce(b, '[]'), coalesce(b, s), b || '', ?1) FROM d WHERE id = 2",
     "[\"[2, 3]\",\"[2, 3]\",\"[2, 3]\",\"{}\"]"},
    {"json_array(b -> 'a', b ->> 'a', json(s)) FROM d WHERE id = 1", "[1,1,{}]"},
    /* subqueries */
    {"json_group_array(x) FROM (SELECT b AS x FROM d ORDER BY id DESC LIMIT 2)", "[7,[2,3]]"},
    {"json_group_array(x) FROM (SELECT b AS x FROM d UNION ALL SELECT t FROM d WHERE id = 1)",
     "[{\"a\":1},[2,3],7,[\"p\",\"q\\\"\"]]"},
    {"json_group_array(x) FROM (SELECT b AS x FROM d WHERE id = 1 UNION ALL SELECT s FROM d WHERE"
     " id = 1)",
     "[\"{\\\"a\\\": 1}\",\"{}\"]"},
    {"json_array((SELECT b FROM d WHERE id = 2), (SELECT max(s) FROM d))", "[[2,3],\"{}\"]"},
};

/* The texts of a statement's first column, one after the other, or how it failed. */
static rv_bytes ask(fixture *f, const char *text) {
    rv_sql_query *query = NULL;
    rv_writer out = rv_writer_over(f->text, sizeof f->text);
    rv_status status = rv_sql_prepare(
        f->sql, rv_bytes_of_string(text),
        strstr(text, "?1") != NULL ? RV_LITERAL("[\"{}\"]") : RV_LITERAL(""), &query, &f->err);
    while (status == RV_OK && (status = rv_sql_step(query, &f->err)) == RV_OK) {
        const void *const bytes = sqlite3_column_blob(query->statement, 0);
        rv_write(&out, rv_bytes_of(bytes, (size_t)sqlite3_column_bytes(query->statement, 0)));
    }
    if (query != NULL) {
        rv_sql_finish(query);
    }
    RV_ASSERT(!out.full);
    return status == RV_END ? rv_writer_bytes(&out) : rv_bytes_of_string(f->err.detail);
}

RV_TEST(json_goes_into_json) {
    fixture *f = fixture_open(schema, 1u << 20, 0);
    RV_CHECK(f != NULL);
    for (int i = 0; i < 3; i++) {
        char path[32];
        snprintf(path, sizeof path, "/d/%d", i + 1);
        RV_CHECK_STATUS(fixture_append(f, path, "made", rows[i]), RV_OK);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "SELECT %s", cases[i][0]);
        const rv_bytes met = ask(f, text);
        if (!rv_bytes_are(met, cases[i][1])) {
            RV_FAIL_AT_("%s is\n%.*s, expected\n%s", text, (int)met.len, (const char *)met.ptr,
                        cases[i][1]);
        }
    }
    fixture_close(f);
}

int main(void) {
    RV_RUN(json_goes_into_json);
    return rv_test_done();
}
