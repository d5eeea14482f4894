/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: from the first token on a request needs one; each address gives and takes what the token's
 * rights say and nothing else; a feed ends when its token does. Method: the request handler over a
 * root in process, guarded requests as a daemon makes them.
 */
#include "tests/unit/face/server.h"

#include "core/engine/token.h"

static char secret[RV_TOKEN_TEXT_LEN + 1]; /* of the answer that was read last */

static int ask_as(server *s, const char *token, const char *method, const char *target,
                  const char *type, const char *body) {
    char header[128];
    snprintf(header, sizeof header, "Bearer %s", token);
    const rv_request request = {.method = rv_bytes_of_string(method),
                                .target = rv_bytes_of_string(target),
                                .content_type = RV_LITERAL("application/json"),
                                .event_type = rv_bytes_of_string(type),
                                .body = rv_bytes_of_string(body),
                                .authorization = *token == '\0' ? (rv_bytes){NULL, 0}
                                                                : rv_bytes_of_string(header),
                                .guarded = true};
    return ask(s, &request);
}

static int get_as(server *s, const char *token, const char *target) {
    return ask_as(s, token, "GET", target, "", "");
}

/* Makes a token, and keeps its text in `to`. */
static void make(server *s, const char *admin, const char *body, char *to) {
    RV_CHECK_EQ(ask_as(s, admin, "POST", "/tokens", "", body), 201);
    const char *const at = strstr((const char *)s->answer, "\"token\":\"");
    RV_CHECK(at != NULL);
    memcpy(to, at + 9, RV_TOKEN_TEXT_LEN);
    to[RV_TOKEN_TEXT_LEN] = '\0';
}

RV_TEST(from_the_first_token_on_everything_needs_one) {
    server s = server_create(1);
    char root[RV_TOKEN_TEXT_LEN + 1];
    RV_CHECK_EQ(get_as(&s, "", "/status"), 200);
    make(&s, "", "{\"name\":\"root\",\"admin\":true}", root);
    RV_CHECK_EQ(s.body.ptr[s.body.len - 1], '\n');
    static const char *const targets[] = {
        "/status", "/events",     "/schema",      "/aggregates",   "/selection",      "/pending",
        "/tokens", "/rejections", "/streams/a/1", "/aggregates/x", "/changes/account"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        RV_CHECK_EQ(get_as(&s, "", targets[i]), 401);
        RV_CHECK(has(&s, "\"code\":\"unauthenticated\""));
        RV_CHECK_EQ(get_as(&s, "rvt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", targets[i]), 401);
    }
    RV_CHECK_EQ(get_as(&s, "", "/healthz"), 200);
    RV_CHECK_EQ(get_as(&s, root, "/status"), 200);
    RV_CHECK_EQ(get(&s, "/status"), 200); /* from the program itself */
    RV_CHECK_EQ(get_as(&s, root, "/tokens"), 200);
    RV_CHECK(
        has(&s, "[{\"name\":\"root\",\"read\":[],\"write\":[],\"relay\":false,\"admin\":true"));
    RV_CHECK(strstr((const char *)s.body.ptr, "rvt_") == NULL);
    server_free(&s);
}

RV_TEST(each_address_asks_for_its_right) {
    server s = server_create(2);
    char root[RV_TOKEN_TEXT_LEN + 1], ada[RV_TOKEN_TEXT_LEN + 1];
    make(&s, "", "{\"name\":\"root\",\"admin\":true}", root);
    make(
        &s, root,
        "{\"name\":\"ada\",\"read\":[\"/accounts/1\"],\"write\":[\"/accounts/1\",\"/accounts/2\"]}",
        ada);
    for (int i = 1; i <= 3; i++) {
        RV_CHECK_EQ(
            ask_as(&s, root, "POST", "/streams/accounts", "account_opened", "{\"name\":\"x\"}"),
            201);
    }
    RV_CHECK_EQ(get_as(&s, ada, "/events"), 200); /* narrowed: one of three */
    RV_CHECK_EQ(times(&s, "\"path\":\"/accounts/1\""), 1);
    RV_CHECK_EQ(times(&s, "\"path\":"), 1);
    RV_CHECK_EQ(get_as(&s, root, "/events"), 200);
    RV_CHECK_EQ(times(&s, "\"path\":"), 3);
    RV_CHECK_EQ(get_as(&s, ada, "/events?path=/accounts/1"), 200);
    RV_CHECK_EQ(get_as(&s, ada, "/events?path=/accounts/2"), 403);
    RV_CHECK(has(&s, "\"right\":\"read\",\"path\":\"/accounts/2\""));
    RV_CHECK_EQ(get_as(&s, ada, "/events?path=/rivulet/**"), 200);
    RV_CHECK_EQ(times(&s, "\"path\":"), 1);
    RV_CHECK_EQ(get_as(&s, ada, "/streams/accounts/1"), 200);
    RV_CHECK_EQ(get_as(&s, ada, "/streams/accounts/3"), 403);
    RV_CHECK_EQ(get_as(&s, ada, "/aggregates/account"), 403);
    RV_CHECK_EQ(get_as(&s, ada, "/changes/account"), 403);
    RV_CHECK_EQ(get_as(&s, root, "/changes/account"), 400); /* she might, as a feed */
    RV_CHECK_EQ(get_as(&s, ada, "/aggregates"), 200);
    RV_CHECK(has(&s, "[]"));
    RV_CHECK_EQ(get_as(&s, ada, "/status"), 200);
    RV_CHECK(has(&s, "\"aggregates\":{},"));
    RV_CHECK_EQ(get_as(&s, ada, "/status?hash=true"), 403); /* it would tell what rows hold */
    RV_CHECK_EQ(get_as(&s, ada, "/status?select=/accounts/3"), 403);
    RV_CHECK_EQ(get_as(&s, root, "/status?hash=true&select=/accounts/3"), 200);
    RV_CHECK(has(&s, "\"account\":3") && has(&s, "\"selection_hash\""));
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/query", "", "{\"sql\":\"select 1\"}"), 200);
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/query", "", "{\"sql\":\"select * from account\"}"), 403);
    RV_CHECK(has(&s, "\"right\":\"rows\",\"aggregate\":\"account\""));
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/query", "", "{\"sql\":\"select * from rv_events\"}"),
                403);
    RV_CHECK(has(&s, "\"right\":\"log\""));
    RV_CHECK_EQ(ask_as(&s, root, "POST", "/query", "", "{\"sql\":\"select * from rv_events\"}"),
                200);
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/streams/accounts/2", "deposited", "{\"amount\":1}"), 201);
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/streams/accounts/3", "deposited", "{\"amount\":1}"), 403);
    RV_CHECK(has(&s, "\"right\":\"write\",\"path\":\"/accounts/3\""));
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/streams/accounts", "account_opened", "{\"name\":\"x\"}"),
                403); /* a key that is to be assigned may be any */
    /* a batch is refused whole */
    RV_CHECK_EQ(
        ask_as(&s, ada, "POST", "/events", "",
               "[{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":{\"amount\":1}},"
               "{\"path\":\"/accounts/3\",\"type\":\"deposited\",\"data\":{\"amount\":1}}]"),
        403);
    RV_CHECK_EQ(get_as(&s, root, "/streams/accounts/1"), 200);
    RV_CHECK_EQ(times(&s, "\"path\":"), 1);
    /* an administrator's acts */
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/epoch", "", ""), 403);
    RV_CHECK_EQ(ask_as(&s, ada, "PUT", "/selection", "", "[\"/**\"]"), 403);
    RV_CHECK_EQ(
        ask_as(&s, ada, "POST", "/schema", "", "{\"text\":\"CREATE TYPE t AS ENUM ('x');\"}"), 403);
    RV_CHECK_EQ(ask_as(&s, ada, "POST", "/tokens", "", "{\"name\":\"eve\",\"admin\":true}"), 403);
    RV_CHECK_EQ(ask_as(&s, ada, "DELETE", "/tokens/root", "", ""), 403);
    RV_CHECK_EQ(get_as(&s, ada, "/schema"), 200);
    server_free(&s);
}

/* Names in another case are of the same tables, columns read or none. */
RV_TEST(a_table_is_guarded_under_any_name) {
    server s = server_create(2);
    char root[RV_TOKEN_TEXT_LEN + 1], ada[RV_TOKEN_TEXT_LEN + 1];
    make(&s, "", "{\"name\":\"root\",\"admin\":true}", root);
    make(&s, root, "{\"name\":\"ada\",\"read\":[\"/accounts/1\"]}", ada);
    static const char *const rows[] = {"{\"sql\":\"select count(*) from ACCOUNT\"}",
                                       "{\"sql\":\"select id from Account\"}"};
    static const char *const logs[] = {"{\"sql\":\"select count(*) from RV_EVENTS\"}",
                                       "{\"sql\":\"select path from Rv_Streams\"}"};
    for (size_t i = 0; i < 2; i++) {
        RV_CHECK_EQ(ask_as(&s, ada, "POST", "/query", "", rows[i]), 403);
        RV_CHECK(has(&s, "\"right\":\"rows\",\"aggregate\":\"account\""));
        RV_CHECK_EQ(ask_as(&s, ada, "POST", "/query", "", logs[i]), 403);
        RV_CHECK(has(&s, "\"right\":\"log\""));
        RV_CHECK_EQ(ask_as(&s, root, "POST", "/query", "", rows[i]), 200);
        RV_CHECK_EQ(ask_as(&s, root, "POST", "/query", "", logs[i]), 200);
    }
    server_free(&s);
}

RV_TEST(tokens_are_changed_refreshed_and_revoked) {
    server s = server_create(3);
    char root[RV_TOKEN_TEXT_LEN + 1], ada[RV_TOKEN_TEXT_LEN + 1];
    make(&s, "", "{\"name\":\"root\",\"admin\":true}", root);
    make(&s, root, "{\"name\":\"ada\",\"read\":[\"/**\"],\"expires_in\":3600}", ada);
    RV_CHECK_EQ(ask_as(&s, root, "POST", "/tokens", "", "{\"name\":\"ada\",\"admin\":true}"), 409);
    RV_CHECK(has(&s, "token_exists"));
    RV_CHECK_EQ(get_as(&s, ada, "/aggregates/account"), 200);
    RV_CHECK_EQ(ask_as(&s, root, "PUT", "/tokens/ada", "", "{\"read\":[\"/accounts/*\"]}"), 200);
    RV_CHECK(has(&s, "\"expires_at\":\"") && strstr((const char *)s.body.ptr, "rvt_") == NULL);
    RV_CHECK_EQ(get_as(&s, ada, "/aggregates/account"), 403);
    RV_CHECK_EQ(ask_as(&s, root, "POST", "/tokens/ada", "", "{\"grace\":60}"), 200);
    RV_CHECK_EQ(get_as(&s, ada, "/status"), 200); /* for a minute */
    RV_CHECK_EQ(ask_as(&s, root, "POST", "/tokens/ada", "", "{\"grace\":0}"), 200);
    memcpy(secret, strstr((const char *)s.answer, "rvt_"), RV_TOKEN_TEXT_LEN);
    RV_CHECK_EQ(get_as(&s, ada, "/status"), 401);
    RV_CHECK_EQ(get_as(&s, secret, "/status"), 200);
    RV_CHECK_EQ(ask_as(&s, root, "DELETE", "/tokens/ada", "", ""), 200);
    RV_CHECK_EQ(get_as(&s, secret, "/status"), 401);
    RV_CHECK_EQ(ask_as(&s, root, "DELETE", "/tokens/ada", "", ""), 404);
    RV_CHECK_EQ(ask_as(&s, root, "DELETE", "/tokens/root", "", ""), 403); /* the last one */
    RV_CHECK_EQ(ask_as(&s, root, "PATCH", "/tokens/root", "", ""), 405);
    static const char *const bad[] = {"[]",
                                      "{",
                                      "{\"name\":7}",
                                      "{\"name\":\"a\"}",
                                      "{\"name\":\"a\",\"read\":\"/**\"}",
                                      "{\"name\":\"a\",\"read\":[7]}",
                                      "{\"name\":\"a\",\"read\":[\"x\"]}",
                                      "{\"name\":\"a\",\"admin\":1}",
                                      "{\"name\":\"a\",\"admin\":true,\"expires_in\":0}",
                                      "{\"name\":\"a\",\"admin\":true,\"expires_in\":1.5}",
                                      "{\"name\":\"a\",\"admin\":true,\"more\":true}",
                                      "{\"name\":\"a b\",\"admin\":true}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RV_CHECK_EQ(ask_as(&s, root, "POST", "/tokens", "", bad[i]), 400);
    }
    RV_CHECK_EQ(rv_node_token_count(s.f.node), 1);
    server_free(&s);
}

RV_TEST(a_feed_ends_with_its_token) {
    server s = server_create(4);
    static uint8_t piece[70000];
    char root[RV_TOKEN_TEXT_LEN + 1], ada[RV_TOKEN_TEXT_LEN + 1], header[128];
    make(&s, "", "{\"name\":\"root\",\"admin\":true}", root);
    make(&s, root, "{\"name\":\"ada\",\"read\":[\"/**\"]}", ada);
    snprintf(header, sizeof header, "bearer %s", ada);
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = RV_LITERAL("/events"),
                                .accept = RV_LITERAL("text/event-stream"),
                                .authorization = rv_bytes_of_string(header),
                                .guarded = true};
    rv_exchange *x = NULL;
    rv_error err;
    rv_response_head head;
    RV_CHECK_STATUS(rv_face_begin(s.face, &request, &x, &err), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(x, &head), RV_OK);
    RV_CHECK(head.status == 200 && head.feed);
    rv_writer w = rv_writer_over(piece, sizeof piece);
    rv_status status = rv_exchange_body(x, 1, &w); /* (a feed begins with a comment) */
    RV_CHECK(status == RV_OK || status == RV_PENDING);
    RV_CHECK_EQ(ask_as(&s, root, "PUT", "/tokens/ada", "", "{\"read\":[\"/notes/*\"]}"), 200);
    RV_CHECK_EQ(ask_as(&s, root, "POST", "/streams/accounts", "account_opened", "{\"name\":\"x\"}"),
                201);
    w = rv_writer_over(piece, sizeof piece);
    status = rv_exchange_body(x, 2, &w); /* what it may not read any more is left out */
    RV_CHECK(status == RV_OK || status == RV_PENDING);
    RV_CHECK(strstr((const char *)piece, "/accounts/1") == NULL);
    RV_CHECK_EQ(ask_as(&s, root, "DELETE", "/tokens/ada", "", ""), 200);
    w = rv_writer_over(piece, sizeof piece);
    RV_CHECK_STATUS(rv_exchange_body(x, 3, &w), RV_END);
    rv_face_end(x);
    server_free(&s);
}

/* A narrow token expires while its answer is half told: no event may be missing in the rest. */
RV_TEST(an_answer_outlasts_its_token) {
    server s = server_create(6);
    char root[RV_TOKEN_TEXT_LEN + 1], ada[RV_TOKEN_TEXT_LEN + 1], header[128];
    make(&s, "", "{\"name\":\"root\",\"admin\":true}", root);
    make(&s, root, "{\"name\":\"ada\",\"read\":[\"/accounts/*\"],\"expires_in\":60}", ada);
    for (int i = 0; i < 20; i++) {
        RV_CHECK_EQ(
            ask_as(&s, root, "POST", "/streams/accounts", "account_opened", "{\"name\":\"x\"}"),
            201);
    }
    snprintf(header, sizeof header, "Bearer %s", ada);
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = RV_LITERAL("/events"),
                                .authorization = rv_bytes_of_string(header),
                                .guarded = true};
    rv_exchange *x = NULL;
    rv_error err;
    RV_CHECK_STATUS(rv_face_begin(s.face, &request, &x, &err), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(x, &s.head), RV_OK);
    RV_CHECK_EQ(s.head.status, 200);
    size_t len = 0;
    rv_status status = RV_OK;
    for (int piece = 0; piece < 100 && status == RV_OK; piece++) {
        rv_writer w = rv_writer_over(s.answer + len, 1000); /* some events at a time */
        status = rv_exchange_body(x, piece + 1, &w);
        len += w.len;
        if (piece == 1) {
            rv_memory_host_set_clock(s.f.storage, rv_node_now(s.f.node) + 61000000);
        }
    }
    rv_face_end(x);
    RV_CHECK_STATUS(status, RV_END);
    s.body = rv_bytes_of(s.answer, len);
    s.answer[len] = '\0';
    RV_CHECK_EQ(times(&s, "account_opened"), 20);
    RV_CHECK_EQ(get_as(&s, ada, "/events"), 401);
    server_free(&s);
}

RV_TEST(a_live_answer_ends_with_its_token) {
    server s = server_create(5);
    static uint8_t piece[70000];
    char root[RV_TOKEN_TEXT_LEN + 1], ada[RV_TOKEN_TEXT_LEN + 1], header[128];
    make(&s, "", "{\"name\":\"root\",\"admin\":true}", root);
    make(&s, root, "{\"name\":\"ada\",\"read\":[\"aggregate account\"]}", ada);
    snprintf(header, sizeof header, "Bearer %s", ada);
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = RV_LITERAL("/aggregates/account"),
                                .accept = RV_LITERAL("text/event-stream"),
                                .authorization = rv_bytes_of_string(header),
                                .guarded = true};
    rv_exchange *x = NULL;
    rv_error err;
    rv_response_head head;
    for (int turn = 0; turn < 2; turn++) {
        RV_CHECK_STATUS(rv_face_begin(s.face, &request, &x, &err), RV_OK);
        RV_CHECK_STATUS(rv_exchange_head(x, &head), RV_OK);
        RV_CHECK_EQ(head.status, 200);
        memset(header, '#', 64); /* the caller's bytes are its own again */
        rv_writer w = rv_writer_over(piece, sizeof piece);
        RV_CHECK_STATUS(rv_exchange_body(x, 1, &w), RV_OK);
        if (turn == 0) { /* other rights: it is told with the next change */
            RV_CHECK_EQ(ask_as(&s, root, "PUT", "/tokens/ada", "", "{\"read\":[\"/**\"]}"), 200);
            RV_CHECK_EQ(
                ask_as(&s, root, "POST", "/streams/accounts", "account_opened", "{\"name\":\"x\"}"),
                201);
            w = rv_writer_over(piece, sizeof piece);
            RV_CHECK_STATUS(rv_exchange_body(x, 2, &w), RV_OK);
            RV_CHECK(strstr((const char *)piece, "\"name\":\"x\"") != NULL);
        } else {
            RV_CHECK_EQ(ask_as(&s, root, "DELETE", "/tokens/ada", "", ""), 200);
            memset(piece, 0, sizeof piece);
            w = rv_writer_over(piece, sizeof piece);
            RV_CHECK_STATUS(rv_exchange_body(x, 2, &w), RV_OK);
            RV_CHECK(strstr((const char *)piece, "unauthenticated") != NULL);
            w = rv_writer_over(piece, sizeof piece);
            RV_CHECK_STATUS(rv_exchange_body(x, 3, &w), RV_END);
        }
        rv_face_end(x);
        snprintf(header, sizeof header, "Bearer %s", ada);
    }
    server_free(&s);
}

int main(void) {
    RV_RUN(from_the_first_token_on_everything_needs_one);
    RV_RUN(each_address_asks_for_its_right);
    RV_RUN(a_table_is_guarded_under_any_name);
    RV_RUN(tokens_are_changed_refreshed_and_revoked);
    RV_RUN(a_feed_ends_with_its_token);
    RV_RUN(an_answer_outlasts_its_token);
    RV_RUN(a_live_answer_ends_with_its_token);
    return rv_test_done();
}
