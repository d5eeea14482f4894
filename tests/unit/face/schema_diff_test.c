/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: POST /schema?diff=true says what a text would add, what is declared otherwise and what only
 * the node has, and changes nothing.
 * Method: texts beside the fixture's schema; what is to be added is then added, and nothing is
 * left.
 */
#include "tests/unit/face/server.h"

static int diff(server *s, const char *text) {
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/schema?diff=true"),
                                .content_type = RV_LITERAL("text/plain"),
                                .body = rv_bytes_of_string(text)};
    return ask(s, &request);
}

RV_TEST(what_is_there_makes_no_difference) {
    server s = server_create(1);
    RV_CHECK_EQ(diff(&s, fixture_schema), 200);
    RV_CHECK_TEXT(s.body, "{\"version\":1,\"add\":\"\",\"changed\":[],\"absent\":[]}\n");
    server_free(&s);
}

RV_TEST(statements_that_build_on_the_node_are_new) {
    server s = server_create(1);
    RV_CHECK_EQ(diff(&s, "CREATE EVENT_TYPE renamed (id references account(id), name updates "
                         "account(name))"),
                200);
    RV_CHECK_TEXT(s.body, "{\"version\":1,\"add\":\"CREATE EVENT_TYPE renamed (\\n    id integer "
                          "NOT NULL references account(id),\\n    name varchar(10) NOT NULL "
                          "updates account(name)\\n);\\n\",\"changed\":[],\"absent\":[]}\n");
    RV_CHECK_EQ(get(&s, "/schema"), 200);
    RV_CHECK(has(&s, "\"version\":1"));
    server_free(&s);
}

RV_TEST(what_is_declared_otherwise_is_named) {
    server s = server_create(1);
    RV_CHECK_EQ(diff(&s, "CREATE TYPE t AS ENUM ('a');\n"
                         "CREATE AGGREGATE account (id SERIAL PRIMARY KEY, name varchar(10));\n"
                         "CREATE AGGREGATE note (id bigint PRIMARY KEY);\n"
                         "CREATE EVENT_TYPE deposited (id references account(id));"),
                200);
    RV_CHECK(has(&s, "\"add\":\"CREATE TYPE t AS ENUM ('a');\\n\","));
    RV_CHECK(has(&s, "\"changed\":[{\"kind\":\"aggregate\",\"name\":\"account\","
                     "\"here\":\"name varchar(10) NOT NULL\",\"there\":\"name varchar(10)\"},"
                     "{\"kind\":\"aggregate\",\"name\":\"note\""));
    RV_CHECK(has(&s, "\"absent\":[{\"kind\":\"event_type\",\"name\":\"account_opened\"},"));
    RV_CHECK(has(&s, "{\"kind\":\"stream\",\"name\":\"accounts\"}]}"));
    server_free(&s);
}

RV_TEST(a_wrong_text_is_refused_at_its_place) {
    server s = server_create(1);
    RV_CHECK_EQ(diff(&s, "CREATE EVENT_TYPE e (id references acount(id))"), 400);
    RV_CHECK(has(&s, "line 1, column 36: there is no aggregate `acount`; did you mean `account`?"));
    RV_CHECK_EQ(diff(&s, "CREATE EVENT_TYPE deposited (id references acount(id))"), 400);
    RV_CHECK(has(&s, "line 1, column 44: there is no aggregate `acount`"));
    RV_CHECK_EQ(diff(&s, "CREATE"), 400);
    RV_CHECK(has(&s, "\"code\":\"schema_syntax\""));
    RV_CHECK_EQ(diff(&s, ""), 400);
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/schema?diff=yes"),
                                .content_type = RV_LITERAL("text/plain"),
                                .body = RV_LITERAL("")};
    RV_CHECK_EQ(ask(&s, &request), 400);
    RV_CHECK(has(&s, "`diff` is true, not `yes`"));
    server_free(&s);
}

int main(void) {
    RV_RUN(what_is_there_makes_no_difference);
    RV_RUN(statements_that_build_on_the_node_are_new);
    RV_RUN(what_is_declared_otherwise_is_named);
    RV_RUN(a_wrong_text_is_refused_at_its_place);
    return rv_test_done();
}
