/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the request handler answers as docs/http.md says, in every shape, and a refused request
 * changes nothing.
 * Method: requests in process against a root on a memory host, with SQL; whole answers are compared
 * as text where they are fixed, by their parts where times and ids are in them. Bodies are taken in
 * pieces of every awkward size.
 */
#include "tests/unit/face/server.h"

RV_TEST(an_append_answers_with_the_completed_event) {
    server s = server_create(1);
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    RV_CHECK(has(&s, "{\"position\":2,\"version\":1,\"path\":\"/accounts/1\","
                     "\"type\":\"account_opened\",\"event_id\":\""));
    RV_CHECK(has(&s, "\"data\":{\"id\":1,\"name\":\"ada\"}}\n"));
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":5}"), 201);
    RV_CHECK(has(&s, "\"version\":2"));
    RV_CHECK_EQ(post(&s, "/streams/accounts/1/", "deposited", "{\"amount\":5}"), 201);
    /* By name and by path are two ways to the same stream, as are `accounts` here. */
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"id\":1,\"amount\":5}"), 201);
    RV_CHECK(has(&s, "\"version\":4"));
    server_free(&s);
}

RV_TEST(batches_come_as_arrays_lines_and_envelopes) {
    server s = server_create(2);
    RV_CHECK_EQ(
        post(&s, "/streams/accounts", "account_opened", "[{\"name\":\"ada\"},{\"name\":\"bob\"}]"),
        201);
    RV_CHECK(has(&s, "{\"events\":[{\"position\":2"));
    RV_CHECK(has(&s, "},{\"position\":3"));
    rv_request request = {
        .method = RV_LITERAL("POST"),
        .target = RV_LITERAL("/events?return=minimal"),
        .content_type = RV_LITERAL("application/x-ndjson"),
        .body =
            RV_LITERAL("{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":{\"amount\":1}}\n"
                       "\n{\"stream\":\"/accounts/2\",\"type\":\"deposited\","
                       "\"data\":{\"amount\":2},\"metadata\":{\"actor\":\"me\"}}\r\n"),
    };
    RV_CHECK_EQ(ask(&s, &request), 201);
    RV_CHECK_TEXT(s.body, "{\"count\":2,\"first_position\":4,\"last_position\":5}\n");
    RV_CHECK_EQ(get(&s, "/events?from=5"), 200);
    RV_CHECK(has(&s, "\"metadata\":{\"actor\":\"me\"}}]\n"));
    /* One bad event, and nothing of the batch is there. */
    request.body =
        RV_LITERAL("{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":{\"amount\":1}}\n"
                   "{\"path\":\"/accounts/9\",\"type\":\"deposited\",\"data\":{\"amount\":2}}");
    RV_CHECK_EQ(ask(&s, &request), 409);
    RV_CHECK(has(&s, "\"code\":\"unknown_reference\""));
    RV_CHECK(has(&s, "\"index\":1"));
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 5);
    RV_CHECK_EQ(post(&s, "/events", "", "[]"), 400);
    RV_CHECK_EQ(post(&s, "/events", "", "{\"path\":\"/accounts/1\",\"kind\":1}"), 400);
    RV_CHECK_EQ(post(&s, "/events", "",
                     "{\"path\":\"/accounts/1\",\"type\":\"deposited\","
                     "\"data\":7}"),
                400);
    server_free(&s);
}

typedef struct wrong {
    const char *method, *target, *type, *body;
    int status;
    const char *code;
} wrong;

static const wrong wrongs[] = {
    {"GET", "/", "", "", 404, "not_found"},
    {"GET", "/nothing", "", "", 404, "not_found"},
    {"DELETE", "/events", "", "", 405, "method_not_allowed"},
    {"POST", "/aggregates", "", "", 405, "method_not_allowed"},
    {"GET", "events", "", "", 400, "path_invalid"},
    {"GET", "/events?path=/a%2", "", "", 400, "path_invalid"},
    {"GET", "/events?path=a", "", "", 400, "path_invalid"},
    {"GET", "/events?limit=x", "", "", 400, "parameter_invalid"},
    {"GET", "/events?until=x", "", "", 400, "a position, a time or `now`"},
    {"GET", "/streams/accounts/1?until=x", "", "", 400, "a version, a time or `now`"},
    {"GET", "/streams/accounts/77", "", "", 404, "stream_not_found"},
    {"GET", "/streams/accounts", "", "", 400, "path_invalid"},
    {"GET", "/streams/strange/1", "", "", 404, "unknown_stream"},
    {"GET", "/aggregates/account/1/1", "", "", 404, "not_found"},
    {"GET", "/streams/accounts/7/7", "", "", 400, "path_invalid"},
    {"GET", "/aggregates/nothing", "", "", 404, "unknown_aggregate"},
    {"GET", "/aggregates/account/77", "", "", 404, "row_not_found"},
    {"GET", "/aggregates/account/x", "", "", 400, "value_invalid"},
    {"GET", "/aggregates/account?as_of=x", "", "", 400, "a position or a time"},
    {"GET", "/aggregates/account?as_of=999", "", "", 400, "parameter_invalid"},
    {"POST", "/streams/accounts", "account_opened", "{\"name\":", 400, "json_invalid"},
    {"POST", "/streams/accounts", "account_opened", "{} {}", 400, "json_invalid"},
    {"POST", "/streams/accounts", "account_opened", "7", 400, "request_invalid"},
    {"POST", "/streams/accounts", "", "{\"data\":{}}", 400, "request_invalid"},
    {"POST", "/streams/accounts", "account_opened", "{\"nam\":\"x\"}", 400, "unknown_field"},
    {"POST", "/streams/accounts", "account_opened", "{}", 422, "not_null_violation"},
    {"POST", "/streams/accounts/1", "deposited", "{\"amount\":\"x\"}", 400, "value_invalid"},
    {"POST", "/streams/accounts/1", "deposited", "{\"amount\":true}", 400, "value_invalid"},
    {"POST", "/streams/strange/1", "account_opened", "{}", 404, "unknown_stream"},
    {"POST", "/events", "",
     "{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":{\"amount\":tru}}", 400,
     "\"offset\":58,"},
    {"POST", "/events", "",
     "{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":{\"amount\":1]}", 400,
     "\"offset\":59,"},
    {"POST", "/query", "", "{\"sql\":\"delete from account\"}", 403, "sql_read_only"},
    {"POST", "/query", "", "{\"sql\":\"select from\"}", 400, "sql_invalid"},
    {"POST", "/query", "", "{\"sql\":7}", 400, "request_invalid"},
    {"POST", "/query", "", "{\"sql\":\"select ?\",\"params\":[]}", 400, "parameter_invalid"},
    {"POST", "/query", "",
     "{\"sql\":\"with recursive t(n) as (select 1 union all select n + 1 from t) "
     "select count(*) from t\"}",
     422, "sql_limit"},
    {"POST", "/schema", "", "{\"text\":\"CREATE TABLE x\"}", 400, "schema_syntax"},
    {"POST", "/schema", "", "{\"txt\":\"\"}", 400, "request_invalid"},
};

RV_TEST(a_wrong_request_gets_a_problem_and_changes_nothing) {
    server s = server_create(3);
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    const rv_hash128 before = rv_node_state_hash(s.f.node);
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        const wrong *r = &wrongs[i];
        const rv_request request = {.method = rv_bytes_of_string(r->method),
                                    .target = rv_bytes_of_string(r->target),
                                    .content_type = RV_LITERAL("application/json"),
                                    .event_type = rv_bytes_of_string(r->type),
                                    .body = rv_bytes_of_string(r->body)};
        const int status = ask(&s, &request);
        if (status != r->status || !has(&s, r->code)) {
            fprintf(stderr, "%s %s: %d %.*s\n", r->method, r->target, status, (int)s.body.len,
                    (const char *)s.body.ptr);
        }
        RV_CHECK_EQ(status, r->status);
        RV_CHECK(has(&s, r->code));
        RV_CHECK(strcmp(s.head.content_type, "application/problem+json") == 0);
        RV_CHECK_EQ(times(&s, "\"type\":"), 1); /* no fact hides the problem's own */
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s.f.node), before));
        RV_CHECK_EQ(rv_node_sequence(s.f.node), 2);
    }
    server_free(&s);
}

static int post_with(server *s, rv_bytes expected, rv_bytes key, rv_bytes durability) {
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/streams/accounts/1"),
                                .event_type = RV_LITERAL("deposited"),
                                .expected_version = expected,
                                .idempotency_key = key,
                                .durability = durability,
                                .body = RV_LITERAL("{\"amount\":1}")};
    return ask(s, &request);
}

RV_TEST(headers_say_version_id_and_durability) {
    server s = server_create(4);
    const rv_bytes none = {NULL, 0};
    const rv_bytes key = RV_LITERAL("0193a000-0000-7000-8000-0000000000ff");
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    RV_CHECK_EQ(post_with(&s, RV_LITERAL("7"), none, none), 409);
    RV_CHECK(has(&s, "\"expected\":7,\"actual\":1"));
    RV_CHECK_EQ(post_with(&s, RV_LITERAL("seven"), none, none), 400);
    RV_CHECK_EQ(post_with(&s, RV_LITERAL("1"), key, none), 201);
    RV_CHECK(has(&s, "\"position\":3"));
    RV_CHECK(has(&s, "\"event_id\":\"0193a000-0000-7000-8000-0000000000ff\""));
    RV_CHECK_EQ(post_with(&s, RV_LITERAL("1"), key, none), 201); /* again: the same answer */
    RV_CHECK(has(&s, "\"position\":3"));
    RV_CHECK_EQ(post_with(&s, none, RV_LITERAL("not a uuid"), none), 400);
    RV_CHECK_EQ(post_with(&s, none, none, RV_LITERAL("memory")), 201);
    RV_CHECK_EQ(post_with(&s, none, none, RV_LITERAL("upstream")), 201);
    RV_CHECK_EQ(post_with(&s, none, none, RV_LITERAL("always")), 400);
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 5);
    server_free(&s);
}

static void fill(server *s, unsigned count) {
    char body[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(body, sizeof body, "{\"name\":\"n%u\"}", i);
        RV_CHECK_EQ(post(s, "/streams/accounts", "account_opened", body), 201);
    }
}

RV_TEST(events_are_read_in_three_forms_and_parts) {
    server s = server_create(5);
    fill(&s, 30);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(get(&s, "/events?limit=2"), 200);
    RV_CHECK(has(&s, "[{\"position\":2,"));
    RV_CHECK(has(&s, "},{\"position\":3,"));
    RV_CHECK_EQ(lines(&s), 1);
    RV_CHECK_EQ(get(&s, "/events?path=/none/*"), 200);
    RV_CHECK_TEXT(s.body, "[]\n");
    RV_CHECK_EQ(get(&s, "/events?path=/rivulet/**"), 200);
    RV_CHECK(has(&s, "\"type\":\"schema_changed\""));
    rv_request request = {.method = RV_LITERAL("GET"),
                          .target = RV_LITERAL("/events?path=/accounts/*&from=11"),
                          .accept = RV_LITERAL("application/x-ndjson")};
    RV_CHECK_EQ(ask(&s, &request), 200);
    RV_CHECK_EQ(lines(&s), 21);
    for (int i = 0; i < 3; i++) {
        RV_CHECK_EQ(post(&s, "/streams/accounts/7", "deposited", "{\"amount\":1}"), 201);
    }
    RV_CHECK_EQ(get(&s, "/streams/accounts/7?from_version=2&until=3"), 200);
    RV_CHECK(has(&s, "\"version\":2") && has(&s, "\"version\":3"));
    request.target = RV_LITERAL("/streams/accounts/7?from_version=2&until=3");
    RV_CHECK_EQ(ask(&s, &request), 200);
    RV_CHECK_EQ(lines(&s), 2);
    RV_CHECK_EQ(get(&s, "/events?from=5&until=6"), 200);
    RV_CHECK(has(&s, "[{\"position\":5,") && has(&s, "},{\"position\":6,"));
    RV_CHECK_EQ(times(&s, "\"position\""), 2);
    RV_CHECK_EQ(get(&s, "/events?from=5&until=6&as_of=now"), 200); /* the lesser one */
    RV_CHECK_EQ(times(&s, "\"position\""), 2);
    RV_CHECK_EQ(get(&s, "http://host:1/events?from=5&until=5"), 200);
    RV_CHECK_EQ(times(&s, "\"position\""), 1);
    RV_CHECK_EQ(get(&s, "http://host"), 404);
    RV_CHECK_EQ(get(&s, "/streams/accounts/7?until=2000-01-01"), 200);
    RV_CHECK_TEXT(s.body, "[]\n");
    server_free(&s);
}

RV_TEST(a_feed_goes_on_and_resumes) {
    server s = server_create(6);
    fill(&s, 3);
    RV_CHECK_PASSED();
    rv_request request = {.method = RV_LITERAL("GET"),
                          .target = RV_LITERAL("/events?path=/accounts/**"),
                          .accept = RV_LITERAL("text/event-stream")};
    rv_exchange *feed = NULL;
    rv_response_head head;
    RV_CHECK_STATUS(rv_face_begin(s.face, &request, &feed, NULL), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(feed, &head), RV_OK);
    RV_CHECK(head.feed && !head.length_known);
    s.head = head;
    read_body(&s, feed, 66000);
    RV_CHECK(has(&s, "event: event\ndata: {\"position\":4,"));
    RV_CHECK(memcmp(s.body.ptr, "id: 2-", 6) == 0);
    const rv_bytes cursor = rv_bytes_of(s.body.ptr + 4, 10);
    char last[16];
    snprintf(last, sizeof last, "%.*s", (int)cursor.len, (const char *)cursor.ptr);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    s.head = head;
    read_body(&s, feed, 66000);
    RV_CHECK(has(&s, "data: {\"position\":5,"));
    RV_CHECK_EQ(lines(&s), 4);
    rv_writer w = rv_writer_over(s.answer, 100);
    RV_CHECK_STATUS(rv_exchange_body(feed, 1000000, &w), RV_PENDING);
    RV_CHECK_STATUS(rv_exchange_body(feed, 16000000, &w), RV_OK);
    RV_CHECK_TEXT(rv_writer_bytes(&w), ": idle\n\n");
    rv_face_end(feed);
    /* From a position that is still to come: nothing before it. */
    request.target = RV_LITERAL("/events?from=7");
    RV_CHECK_STATUS(rv_face_begin(s.face, &request, &feed, NULL), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(feed, &head), RV_OK);
    w = rv_writer_over(s.answer, 100);
    RV_CHECK_STATUS(rv_exchange_body(feed, 1000000, &w), RV_OK);
    RV_CHECK_TEXT(rv_writer_bytes(&w), ": idle\n\n");
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    s.head = head;
    read_body(&s, feed, 66000);
    RV_CHECK_EQ(lines(&s), 4);
    RV_CHECK(has(&s, "data: {\"position\":7,"));
    rv_face_end(feed);
    request.target = RV_LITERAL("/events?path=/accounts/**");
    /* From the first event's cursor on: the others. */
    request.last_event_id = rv_bytes_of_string(last);
    RV_CHECK_EQ(ask(&s, &request), 200);
    RV_CHECK_EQ(lines(&s), 20);
    last[0] = '9'; /* of this log, but ahead of it: nothing may be skipped */
    RV_CHECK_EQ(ask(&s, &request), 400);
    RV_CHECK(has(&s, "ahead of this node's log"));
    request.last_event_id = RV_LITERAL("2-00000000");
    RV_CHECK_EQ(ask(&s, &request), 400);
    request.last_event_id = RV_LITERAL("what");
    RV_CHECK_EQ(ask(&s, &request), 400);
    server_free(&s);
}

RV_TEST(an_event_larger_than_a_piece_is_sent_in_several) {
    server s = server_create(7);
    static char body[30000];
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    memset(body, 'y', sizeof body);
    const int head = snprintf(body, sizeof body, "{\"note_id\":1,\"body\":\"");
    body[head] = 'y';
    memcpy(body + sizeof body - 3, "\"}", 3);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "noted", body), 201);
    RV_CHECK_EQ(get(&s, "/streams/accounts/1"), 200);
    const size_t whole = s.body.len;
    const uint64_t sum = rv_hash64(0, s.body);
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = RV_LITERAL("/streams/accounts/1")};
    for (size_t piece = 1; piece < 40000; piece = piece * 3 + 1) {
        rv_exchange *x = NULL;
        RV_CHECK_STATUS(rv_face_begin(s.face, &request, &x, NULL), RV_OK);
        RV_CHECK_STATUS(rv_exchange_head(x, &s.head), RV_OK);
        read_body(&s, x, piece);
        rv_face_end(x);
        RV_CHECK_EQ(s.body.len, whole);
        RV_CHECK_EQ(rv_hash64(0, s.body), sum);
    }
    server_free(&s);
}

RV_TEST(rows_and_queries_answer) {
    server s = server_create(8);
    fill(&s, 2);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(get(&s, "/aggregates"), 200);
    RV_CHECK(has(&s, "{\"name\":\"account\",\"key\":\"id\",\"shared\":false,\"rows\":2}"));
    RV_CHECK_EQ(get(&s, "/aggregates/account/2"), 200);
    RV_CHECK_TEXT(s.body, "{\"id\":2,\"name\":\"n1\",\"balance\":0}\n");
    RV_CHECK_EQ(get(&s, "/aggregates/account?limit=1"), 200);
    RV_CHECK_TEXT(s.body, "[{\"id\":1,\"name\":\"n0\",\"balance\":0}]\n");
    RV_CHECK_EQ(post(&s, "/query", "",
                     "{\"sql\":\"select name, balance + ? b from account where id = ?\","
                     "\"params\":[7, 2]}"),
                200);
    RV_CHECK(has(&s, "\"rows\":[[\"n1\",7]]}"));
    RV_CHECK_EQ(get(&s, "/query?sql=select%20count(*)+n%20from%20account"), 200);
    RV_CHECK(has(&s, "\"rows\":[[2]]}"));
    RV_CHECK_EQ(get(&s, "/query?sql=select%20zeroblob(100000)"), 422);
    RV_CHECK(has(&s, "sql_limit"));
    server_free(&s);
}

RV_TEST(the_schema_is_shown_checked_and_applied) {
    server s = server_create(9);
    RV_CHECK_EQ(get(&s, "/schema"), 200);
    RV_CHECK(has(&s, "{\"version\":1,\"hash\":\""));
    RV_CHECK(has(&s, "\\n"));
    rv_request request = {.method = RV_LITERAL("POST"),
                          .target = RV_LITERAL("/schema?check=1"),
                          .content_type = RV_LITERAL("text/plain"),
                          .body = RV_LITERAL("CREATE AGGREGATE tag (id text PRIMARY KEY)")};
    RV_CHECK_EQ(ask(&s, &request), 200);
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(s.f.node)), 1);
    request.target = RV_LITERAL("/schema");
    RV_CHECK_EQ(ask(&s, &request), 201);
    RV_CHECK(has(&s, "{\"version\":2,\"position\":2,"));
    RV_CHECK_EQ(ask(&s, &request), 409);
    RV_CHECK(has(&s, "schema_duplicate"));
    RV_CHECK_EQ(get(&s, "/query?sql=select+*+from+tag"), 200);
    server_free(&s);
}

static void copy_selection_hash(const server *s, char hash[34]) {
    const char *const name = "\"selection_hash\":";
    hash[0] = '\0';
    for (size_t i = 0; i + strlen(name) + 34 <= s->body.len; i++) {
        if (memcmp(s->body.ptr + i, name, strlen(name)) == 0) {
            memcpy(hash, s->body.ptr + i + strlen(name) + 1, 33);
            hash[32] = '\0';
        }
    }
    RV_CHECK_EQ(strlen(hash), 32);
}

RV_TEST(status_tells_where_the_node_is) {
    server s = server_create(10);
    fill(&s, 2);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(get(&s, "/status?select=/accounts/**"), 200);
    RV_CHECK(has(&s, "\"role\":\"root\""));
    RV_CHECK(has(&s, "\"position\":3,\"sequence\":3,\"durable_sequence\":3,"));
    RV_CHECK(has(&s, "\"aggregates\":{\"account\":2,\"note\":0}"));
    RV_CHECK(has(&s, "\"read_only\":null"));
    char whole[34];
    char parts[34];
    copy_selection_hash(&s, whole);
    RV_CHECK_EQ(get(&s, "/status?select=/accounts/2&wait=durable&select=/accounts/1"), 200);
    copy_selection_hash(&s, parts);
    RV_CHECK(strcmp(whole, parts) == 0);
    RV_CHECK_EQ(get(&s, "/status?select=/accounts/2"), 200);
    copy_selection_hash(&s, parts);
    RV_CHECK(strcmp(whole, parts) != 0);
    RV_CHECK_EQ(get(&s, "/status?select=/accounts/2&select=bad"), 400);
    RV_CHECK_EQ(get(&s, "/healthz"), 200);
    RV_CHECK_EQ(post_with(&s, (rv_bytes){NULL, 0}, (rv_bytes){NULL, 0}, RV_LITERAL("memory")), 201);
    RV_CHECK_EQ(get(&s, "/status?wait=durable"), 200);
    RV_CHECK(has(&s, "\"durable_sequence\":4,"));
    RV_CHECK_EQ(get(&s, "/status?wait=ever"), 400);
    RV_CHECK(!has(&s, "_hash\":"));
    RV_CHECK_EQ(get(&s, "/status"), 200); /* which costs no hash that nobody asked for */
    RV_CHECK(!has(&s, "\"state_hash\":") && !has(&s, "\"selection_hash\":"));
    RV_CHECK_EQ(get(&s, "/status?hash=true"), 200);
    RV_CHECK(has(&s, "\"state_hash\":\"") && !has(&s, "\"selection_hash\":"));
    RV_CHECK_EQ(get(&s, "/status?hash=1"), 400);
    server_free(&s);
}

RV_TEST(requests_beyond_the_limit_are_told_to_wait) {
    server s = server_create(11);
    rv_exchange *held[4];
    const rv_request request = {.method = RV_LITERAL("GET"), .target = RV_LITERAL("/healthz")};
    for (int i = 0; i < 4; i++) {
        RV_CHECK_STATUS(rv_face_begin(s.face, &request, &held[i], NULL), RV_OK);
    }
    rv_exchange *more = NULL;
    RV_CHECK_STATUS(rv_face_begin(s.face, &request, &more, NULL), RV_BUSY);
    rv_face_end(held[2]);
    RV_CHECK_EQ(get(&s, "/healthz"), 200);
    server_free(&s);
}

int main(void) {
    RV_RUN(an_append_answers_with_the_completed_event);
    RV_RUN(batches_come_as_arrays_lines_and_envelopes);
    RV_RUN(a_wrong_request_gets_a_problem_and_changes_nothing);
    RV_RUN(headers_say_version_id_and_durability);
    RV_RUN(events_are_read_in_three_forms_and_parts);
    RV_RUN(a_feed_goes_on_and_resumes);
    RV_RUN(an_event_larger_than_a_piece_is_sent_in_several);
    RV_RUN(rows_and_queries_answer);
    RV_RUN(the_schema_is_shown_checked_and_applied);
    RV_RUN(status_tells_where_the_node_is);
    RV_RUN(requests_beyond_the_limit_are_told_to_wait);
    return rv_test_done();
}
