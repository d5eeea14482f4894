/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rows with keys of several columns have an address of a segment a column, and answers name
 * the whole key.
 * Method: requests in process, over a schema of orders and their lines.
 */
#include "tests/unit/face/server.h"

static server lines_server(void) {
    server s = server_create(3);
    const rv_request request = {
        .method = RV_LITERAL("POST"),
        .target = RV_LITERAL("/schema"),
        .content_type = RV_LITERAL("text/plain"),
        .body = RV_LITERAL(
            "CREATE AGGREGATE line (sku text, order_id integer, no text,"
            "  PRIMARY KEY (order_id, no));"
            "CREATE EVENT_TYPE line_added (order_id creates line(order_id), no creates line(no),"
            "  sku updates line(sku));"
            "CREATE STREAM lines (path \"/lines/{order_id}/{no}\", event_types (line_added));"),
    };
    (void)ask(&s, &request);
    return s;
}

RV_TEST(a_row_is_at_all_of_its_key) {
    server s = lines_server();
    RV_CHECK_EQ(s.head.status, 201);
    RV_CHECK_EQ(post(&s, "/streams/lines/7/a%2Fb", "line_added", "{\"sku\":\"nut\"}"), 201);
    RV_CHECK_EQ(get(&s, "/aggregates/line/7/a%2Fb"), 200);
    RV_CHECK_TEXT(s.body, "{\"sku\":\"nut\",\"order_id\":7,\"no\":\"a/b\"}\n");
    RV_CHECK_EQ(get(&s, "/aggregates"), 200);
    RV_CHECK(has(&s, "{\"name\":\"line\",\"key\":[\"order_id\",\"no\"],\"shared\":false,"));
    RV_CHECK(has(&s, "{\"name\":\"account\",\"key\":\"id\",\"shared\":false,"));
    RV_CHECK_EQ(get(&s, "/aggregates/line"), 200);
    RV_CHECK_TEXT(s.body, "[{\"sku\":\"nut\",\"order_id\":7,\"no\":\"a/b\"}]\n");
    RV_CHECK_EQ(post(&s, "/streams/lines/7/a%2Fb", "line_added", "{\"sku\":\"nut\"}"), 409);
    RV_CHECK(has(&s, "\"code\":\"row_exists\""));
    RV_CHECK(has(&s, "\"key\":\"(7, a/b)\""));
    server_free(&s);
}

RV_TEST(part_of_a_key_is_no_address) {
    server s = lines_server();
    RV_CHECK_EQ(get(&s, "/aggregates/line/7"), 404);
    RV_CHECK(has(&s, "a row's address is /aggregates/line/{order_id}/{no}"));
    RV_CHECK_EQ(get(&s, "/aggregates/line/7/a/b"), 404);
    RV_CHECK(has(&s, "\"code\":\"not_found\""));
    RV_CHECK_EQ(get(&s, "/aggregates/line/7/a"), 404);
    RV_CHECK(has(&s, "line has no row with the key `(7, a)`"));
    RV_CHECK(has(&s, "\"key\":\"(7, a)\""));
    RV_CHECK_EQ(get(&s, "/aggregates/line/x/a"), 400);
    RV_CHECK(has(&s, "\"field\":\"order_id\""));
    server_free(&s);
}

/* A pattern finds what its keys mean, however they are written. */
RV_TEST(a_pattern_with_a_key_in_another_form) {
    server s = lines_server();
    RV_CHECK_EQ(post(&s, "/streams/lines/7/ab", "line_added", "{\"sku\":\"nut\"}"), 201);
    RV_CHECK_EQ(get(&s, "/events?path=/lines/007/*"), 200);
    RV_CHECK(has(&s, "\"path\":\"/lines/7/ab\""));
    RV_CHECK_EQ(get(&s, "/events?path=/lines/007/**"), 200);
    RV_CHECK(has(&s, "\"path\":\"/lines/7/ab\""));
    RV_CHECK_EQ(get(&s, "/events?path=/lines/*/ab"), 200);
    RV_CHECK(has(&s, "\"path\":\"/lines/7/ab\""));
    RV_CHECK_EQ(get(&s, "/events?path=/lines/8/*"), 200);
    RV_CHECK(!has(&s, "\"path\""));
    RV_CHECK_EQ(get(&s, "/events?path=/lines/**/ab"), 400);
    server_free(&s);
}

int main(void) {
    RV_RUN(a_row_is_at_all_of_its_key);
    RV_RUN(part_of_a_key_is_no_address);
    RV_RUN(a_pattern_with_a_key_in_another_form);
    return rv_test_done();
}
