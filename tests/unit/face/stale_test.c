/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what reads stale rows says so, nothing else does, and an event that is not understood is
 * shown as bytes. Method: requests over a root whose log has such an event.
 */
#include "tests/unit/core/forging.h"
#include "tests/unit/face/server.h"

static const struct {
    const char *sql;
    uint64_t stale; /* since */
} queries[] = {
    {"select id, balance from account where id = 1", 5},
    {"select count(*) from account", 5},
    {"select count(*) from note", 0},
    {"select 1", 0},
    {"select n.id from note n join account a on a.id = n.account_id", 5},
    {"select id from note where exists (select 1 from account)", 5},
};

RV_TEST(rows_and_queries_say_what_is_stale) {
    fixture f = forge_opaque();
    RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
    server s = server_over(f);
    RV_CHECK_EQ(get(&s, "/status"), 200);
    RV_CHECK(has(&s, "\"opaque_events\":1,\"stale\":[{\"aggregate\":\"account\",\"position\":5}]"));
    RV_CHECK_EQ(get(&s, "/aggregates/account"), 200);
    RV_CHECK_EQ(s.head.stale, 5);
    RV_CHECK_EQ(get(&s, "/aggregates/account/1"), 200);
    RV_CHECK_EQ(s.head.stale, 5);
    RV_CHECK_EQ(get(&s, "/aggregates/note"), 200);
    RV_CHECK_EQ(s.head.stale, 0);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"sql\":\"%s\"}", queries[i].sql);
        RV_CHECK_EQ(post(&s, "/query", "", body), 200);
        RV_CHECK_EQ(s.head.stale, queries[i].stale);
        RV_CHECK_EQ(times(&s, ",\"stale\":[\"account\"]}"), queries[i].stale > 0);
    }
    RV_CHECK_EQ(get(&s, "/events?from=5"), 200);
    RV_CHECK(has(&s, "\"data\":\"\\\\x00020a7f\",\"opaque\":true"));
    RV_CHECK_EQ(get(&s, "/events?from=5&numbers=text"), 200);
    RV_CHECK(has(&s, "\"data\":\"\\\\x00020a7f\",\"opaque\":true"));
    RV_CHECK_EQ(post(&s, "/streams/accounts/2", "deposited", "{\"amount\":5}"), 503);
    RV_CHECK(has(&s, "\"code\":\"read_only\""));
    server_free(&s);
}

RV_TEST(without_any_nothing_is_said) {
    server s = server_create(1);
    RV_CHECK_EQ(get(&s, "/status"), 200);
    RV_CHECK(has(&s, "\"opaque_events\":0,\"stale\":[]"));
    RV_CHECK_EQ(get(&s, "/aggregates/account"), 200);
    RV_CHECK_EQ(s.head.stale, 0);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select * from account\"}"), 200);
    RV_CHECK_EQ(s.head.stale, 0);
    RV_CHECK_EQ(times(&s, "stale"), 0);
    server_free(&s);
}

int main(void) {
    RV_RUN(rows_and_queries_say_what_is_stale);
    RV_RUN(without_any_nothing_is_said);
    return rv_test_done();
}
