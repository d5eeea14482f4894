/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a query of many steps runs in slices: others are answered between them, it can be taken
 * back, it ends at its limit, and rows that change meanwhile never mix in its answer.
 * Method: the request handler with slices of 500 steps, exchanges driven by hand.
 */
#include "tests/unit/face/server.h"

static rv_exchange *begin(server *s, const char *sql) {
    static char body[1024];
    rv_exchange *x = NULL;
    rv_error err;
    snprintf(body, sizeof body, "{\"sql\":\"%s\"}", sql);
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/query"),
                                .content_type = RV_LITERAL("application/json"),
                                .body = rv_bytes_of_string(body)};
    return rv_face_begin(s->face, &request, &x, &err) == RV_OK ? x : NULL;
}

/* Asks until there is an answer. */
static void drive(server *s, rv_exchange *x) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_exchange_head(x, &s->head);
        fixture_poll(s->f.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    read_body(s, x, 66000);
    rv_face_end(x);
}

#define ENDLESS                                                                                    \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
#define PAIRS "SELECT sum(a.balance), count(*) FROM account a, account b, account c"

static server server_with_accounts(uint64_t seed) {
    server s = server_create(seed);
    for (int i = 0; i < 12; i++) {
        const int status = post(&s, "/streams/accounts", "account_opened", "{\"name\":\"x\"}");
        if (status != 201) {
            abort();
        }
    }
    return s;
}

RV_TEST(others_are_answered_between_slices) {
    server s = server_with_accounts(1);
    rv_exchange *const x = begin(&s, ENDLESS);
    RV_CHECK(x != NULL);
    RV_CHECK(!rv_face_busy(s.face));
    for (int i = 0; i < 5; i++) {
        rv_response_head head;
        RV_CHECK_STATUS(rv_exchange_head(x, &head), RV_PENDING);
        RV_CHECK(rv_face_busy(s.face));
        RV_CHECK_EQ(get(&s, "/aggregates/account/3"), 200);
        RV_CHECK_EQ(get(&s, "/query?sql=SELECT%20count(*)%20FROM%20account"), 200);
        RV_CHECK(has(&s, "[[12]]"));
        RV_CHECK_EQ(get(&s, "/status"), 200);
        RV_CHECK(has(&s, "\"queries\":1"));
    }
    drive(&s, x);
    RV_CHECK_EQ(s.head.status, 422);
    RV_CHECK(has(&s, "sql_limit"));
    RV_CHECK(!rv_face_busy(s.face));
    server_free(&s);
}

RV_TEST(a_query_can_be_taken_back) {
    server s = server_with_accounts(2);
    for (int i = 0; i < 40; i++) { /* more than can be open at once */
        rv_response_head head;
        rv_exchange *const x = begin(&s, i % 2 == 0 ? ENDLESS : PAIRS);
        RV_CHECK(x != NULL);
        RV_CHECK_STATUS(rv_exchange_head(x, &head), RV_PENDING);
        rv_face_end(x);
        RV_CHECK(!rv_face_busy(s.face));
    }
    RV_CHECK_EQ(get(&s, "/status"), 200);
    RV_CHECK(has(&s, "\"queries\":0"));
    server_free(&s);
}

RV_TEST(rows_that_change_do_not_mix) {
    server s = server_with_accounts(3);
    rv_exchange *const x = begin(&s, PAIRS);
    RV_CHECK(x != NULL);
    rv_status status = RV_PENDING;
    int deposits = 0;
    while (status == RV_PENDING && deposits < 1000) { /* one for each slice */
        status = rv_exchange_head(x, &s.head);
        if (status == RV_PENDING) {
            RV_CHECK_EQ(post(&s, "/streams/accounts/3", "deposited", "{\"amount\":1}"), 201);
            deposits += 1;
        }
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(deposits >= 3 && deposits < 1000); /* at last it runs whole */
    read_body(&s, x, 66000);
    rv_face_end(x);
    RV_CHECK_EQ(s.head.status, 200);
    char expected[64];
    snprintf(expected, sizeof expected, "\"rows\":[[%d,1728]]", 144 * deposits);
    RV_CHECK(has(&s, expected));
    server_free(&s);
}

/* EXPLAIN READS gives no row before its end, so it begins again by itself where rows change, and
 * what it has of groups is left; taken back, too. */
RV_TEST(groups_are_left_between_slices) {
    server s = server_with_accounts(4);
    for (int i = 0; i < 200; i++) {
        RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"y\"}"), 201);
    }
    for (int taken = 0; taken < 2; taken++) {
        rv_exchange *const x =
            begin(&s, "EXPLAIN READS SELECT count(*), sum(balance) FROM account");
        RV_CHECK(x != NULL);
        rv_status status = RV_PENDING;
        int deposits = 0;
        while (status == RV_PENDING && deposits < (taken == 0 ? 1000 : 2)) {
            status = rv_exchange_head(x, &s.head);
            if (status == RV_PENDING) {
                RV_CHECK_EQ(post(&s, "/streams/accounts/3", "deposited", "{\"amount\":1}"), 201);
                deposits += 1;
            }
        }
        RV_CHECK(deposits > 1);
        if (taken == 0) {
            RV_CHECK_STATUS(status, RV_OK);
            read_body(&s, x, 66000);
            RV_CHECK_EQ(s.head.status, 200);
            RV_CHECK(has(&s, "[\"account\",\"all\",null,null,\"keep up\",null]"));
        }
        rv_face_end(x);
    }
    server_free(&s);
}

/* Both ways to ask, with as many rows as there may be, and one less. */
RV_TEST(rows_are_limited_by_who_asks) {
    server s = server_with_accounts(3);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"values (1), (2), (3)\",\"rows\":3}"), 200);
    RV_CHECK(has(&s, "\"rows\":[["));
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"values (1), (2), (3)\",\"rows\":2}"), 422);
    RV_CHECK(has(&s, "\"code\":\"sql_limit\""));
    RV_CHECK(has(&s, "\"limit\":\"rows\",\"rows_max\":2"));
    RV_CHECK_EQ(get(&s, "/query?sql=values(1),(2),(3)&rows=3"), 200);
    RV_CHECK_EQ(get(&s, "/query?sql=values(1),(2),(3)&rows=2"), 422);
    RV_CHECK_EQ(get(&s, "/query?sql=values(1),(2),(3)&rows=0"), 400);
    RV_CHECK_EQ(get(&s, "/query?sql=values(1),(2),(3)&rows=two"), 400);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"rows\":\"2\"}"), 400);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"rows\":1.5}"), 400);
    RV_CHECK_EQ(get(&s, "/status"), 200);
    RV_CHECK(has(&s, "\"queries\":0"));
    server_free(&s);
}

int main(void) {
    server_steps_slice = 500;
    RV_RUN(others_are_answered_between_slices);
    RV_RUN(a_query_can_be_taken_back);
    RV_RUN(rows_are_limited_by_who_asks);
    RV_RUN(rows_that_change_do_not_mix);
    RV_RUN(groups_are_left_between_slices);
    return rv_test_done();
}
