/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a read of events gives those of the types and of the condition that were asked for, from
 * where it was asked for, in every form, and says what is wrong with what was asked.
 * Method: random events over a root; the truth is the whole list, filtered here by hand.
 */
#include "tests/unit/face/server.h"

#define EVENTS 400u

typedef struct happened {
    bool deposit;
    unsigned amount;
    unsigned account;
} happened;

static happened events[EVENTS];

static void fill(server *s, uint64_t seed) {
    RV_CHECK_EQ(post(s, "/streams/accounts", "account_opened",
                     "[{\"name\":\"ada\"},{\"name\":\"bob\"},{\"name\":\"cyd\"}]"),
                201);
    for (unsigned i = 0; i < EVENTS; i++) {
        char path[64], data[64];
        const uint64_t r = rv_test_random(&seed);
        events[i] =
            (happened){(r & 3) != 0, 1 + (unsigned)(r >> 8 & 31), 1 + (unsigned)(r >> 16) % 3};
        snprintf(path, sizeof path, "/streams/accounts/%u", events[i].account);
        snprintf(data, sizeof data, "{\"amount\":%u}", events[i].amount);
        if (post(s, path, events[i].deposit ? "deposited" : "withdrawn", data) != 201) {
            events[i].amount = 0; /* refused */
        }
    }
}

static size_t count(unsigned from, bool deposits, bool withdrawals, unsigned least,
                    unsigned account) {
    size_t n = 0;
    for (unsigned i = from; i < EVENTS; i++) {
        const happened *const e = &events[i];
        n += e->amount > 0 && (e->deposit ? deposits : withdrawals) && e->amount >= least &&
             (account == 0 || e->account == account);
    }
    return n;
}

/* Events in the answer; 0 when it is none. */
static size_t asked(server *s, const char *target, const char *accept) {
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = rv_bytes_of_string(target),
                                .accept = rv_bytes_of_string(accept)};
    return ask(s, &request) == 200 ? times(s, "\"position\":") : 0;
}

RV_TEST(events_of_types_that_pass_a_condition) {
    static const char *const forms[] = {"application/json", "application/x-ndjson",
                                        "text/event-stream"};
    server s = server_create(1);
    fill(&s, 7);
    RV_CHECK_PASSED();
    for (size_t i = 0; i < 3; i++) {
        RV_CHECK_EQ(asked(&s, "/events?type=deposited", forms[i]), count(0, true, false, 0, 0));
        RV_CHECK_EQ(
            asked(&s, "/events?type=deposited&type=withdrawn&where=amount%20%3E%3D%2020", forms[i]),
            count(0, true, true, 20, 0));
        RV_CHECK_EQ(asked(&s, "/events?path=/accounts/2&type=withdrawn&where=amount%20%3E%3D%205",
                          forms[i]),
                    count(0, false, true, 5, 2));
        RV_CHECK_EQ(
            asked(&s,
                  "/streams/accounts/3?type=deposited&where=deposited.amount>%3D9%20and%20id%3D3",
                  forms[i]),
            count(0, true, false, 9, 3));
        RV_CHECK_EQ(asked(&s, "/events?type=withdrawn&where=amount/0=1", forms[i]), 0);
        RV_CHECK_EQ(asked(&s, "/events?type=deposited&limit=7", forms[i]), 7);
    }
    server_free(&s);
}

RV_TEST(a_read_begins_where_it_is_asked_to) {
    server s = server_create(2);
    fill(&s, 9);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(asked(&s, "/events?from=now", ""), 0);
    RV_CHECK_EQ(s.head.status, 200);
    RV_CHECK_EQ(asked(&s, "/events?from=2001-02-03", ""), 3 + count(0, true, true, 0, 0));
    RV_CHECK_EQ(asked(&s, "/events?from=2999-01-01T00:00:00Z", ""), 0);
    RV_CHECK_EQ(asked(&s, "/events?limit=1&type=deposited", ""), 1);
    /* the time of an event is its beginning */
    char time[64], target[128];
    const char *const at = strstr((const char *)s.body.ptr, "\"recorded_at\":\"");
    RV_CHECK(at != NULL);
    memcpy(time, at + strlen("\"recorded_at\":\""), 40);
    time[strcspn(time, "+\"")] = '\0';
    snprintf(target, sizeof target, "/events?limit=1&from=%sZ&type=deposited", time);
    RV_CHECK_EQ(asked(&s, target, ""), 1);
    RV_CHECK(has(&s, time));
    server_free(&s);
}

RV_TEST(what_comes_is_narrowed_too) {
    server s = server_create(3);
    fill(&s, 11);
    RV_CHECK_PASSED();
    rv_exchange *x = NULL;
    rv_error err;
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target =
                                    RV_LITERAL("/events?from=now&type=deposited&where=amount%3E10"),
                                .accept = RV_LITERAL("text/event-stream")};
    RV_CHECK_STATUS(rv_face_begin(s.face, &request, &x, &err), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(x, &s.head), RV_OK);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":10}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":11}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "withdrawn", "{\"amount\":12}"), 201);
    s.head.feed = true;
    read_body(&s, x, 66000);
    RV_CHECK_EQ(times(&s, "\"position\":"), 1);
    RV_CHECK(has(&s, "\"amount\":11"));
    rv_face_end(x);
    server_free(&s);
}

RV_TEST(what_is_wrong_is_said) {
    server s = server_create(4);
    RV_CHECK_EQ(get(&s, "/events?type=deposit"), rv_status_http(RV_UNKNOWN_EVENT_TYPE));
    RV_CHECK(has(&s, "did you mean `deposited`?"));
    RV_CHECK_EQ(get(&s, "/events?where=amount%3E10"), 400);
    RV_CHECK(has(&s, "name them with `type`"));
    RV_CHECK_EQ(get(&s, "/events?type=deposited&where="), 400);
    RV_CHECK_EQ(get(&s, "/events?type=deposited&type=account_opened&where=amount%3E10"),
                rv_status_http(RV_SELECTION_INVALID));
    RV_CHECK(has(&s, "the filter of `account_opened`"));
    RV_CHECK_EQ(get(&s, "/events?type=deposited&where=amount%20%3E%20now()"),
                rv_status_http(RV_SELECTION_INVALID));
    RV_CHECK_EQ(get(&s, "/events?from=yesterday"), 400);
    RV_CHECK(has(&s, "a position, a time or `now`"));
    server_free(&s);
}

int main(void) {
    RV_RUN(events_of_types_that_pass_a_condition);
    RV_RUN(a_read_begins_where_it_is_asked_to);
    RV_RUN(what_comes_is_narrowed_too);
    RV_RUN(what_is_wrong_is_said);
    return rv_test_done();
}
