/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what an edge cannot show yet, as it has no schema or is not whole, is waited for: by a live
 * feed for ever, by any other answer for some seconds, and not at all where the upstream will not
 * come by itself; then it is told why. Method: the handler over an edge whose connection and clock
 * the test has (tests/unit/sync/based.h).
 */
#include "face/face_internal.h"
#include "tests/unit/face/server.h"
#include "tests/unit/sync/based.h"

#define QUERY "{\"sql\":\"select id, balance from account\"}"

static const char *const bare[] = {"/accounts/* history none"};

typedef struct edge_server {
    pair p;
    server s;
} edge_server;

static edge_server e;

static void start(const char *const *entries) {
    e = (edge_server){.p = based_pair(entries, 1)};
    RV_CHECK_STATUS(fixture_append(&e.p.root, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    RV_CHECK_STATUS(fixture_append(&e.p.root, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    RV_CHECK(fixture_settle(e.p.root.node));
    server_edge = e.p.edge;
    e.s = server_over(e.p.leaf);
}

static void stop(void) {
    rv_face_close(e.s.face);
    rv_sql_destroy(e.s.sql);
    pair_free(&e.p);
    free(e.s.memory);
    free(e.s.past);
    free(e.s.answer);
}

static rv_exchange *begin(const char *method, const char *target, bool live) {
    rv_exchange *x = NULL;
    rv_error err;
    const rv_request request = {.method = rv_bytes_of_string(method),
                                .target = rv_bytes_of_string(target),
                                .accept = rv_bytes_of_string(live ? "text/event-stream" : ""),
                                .body = rv_bytes_of_string(method[0] == 'P' ? QUERY : "")};
    if (rv_face_begin(e.s.face, &request, &x, &err) != RV_OK) {
        abort();
    }
    return x;
}

/* What there is of the answer, if there is one; else its HTTP status is 0. */
static int look(rv_exchange *x) {
    if (rv_exchange_head(x, &e.s.head) != RV_OK) {
        return 0;
    }
    read_body(&e.s, x, 4096);
    return e.s.head.status;
}

/* A request that is answered at once; 0: it waits, and is forgotten. */
static int ask_once(const char *method, const char *target) {
    rv_exchange *const x = begin(method, target, false);
    const int http = look(x);
    rv_face_end(x);
    return http;
}

static void pass(int64_t us) {
    e.p.now += us;
    RV_CHECK_STATUS(rv_edge_poll(e.p.edge, e.p.now, &e.p.err), RV_OK);
}

/* Every answer of the state, and what needs the schema to be understood. */
static const char *const reads[][2] = {{"POST", "/query"},
                                       {"GET", "/query?sql=select%201"},
                                       {"GET", "/aggregates"},
                                       {"GET", "/aggregates/account"},
                                       {"GET", "/aggregates/account/1"},
                                       {"GET", "/events?type=deposited"}};

#define READS (sizeof reads / sizeof *reads)

RV_TEST(without_a_schema_it_is_waited_for_some_seconds) {
    start(bare);
    RV_CHECK_PASSED();
    rv_exchange *const x = begin("POST", "/query", false);
    RV_CHECK_EQ(look(x), 0);
    RV_CHECK(rv_edge_deadline(e.p.edge) <= e.p.now); /* the poll that says until when */
    pass(0);
    RV_CHECK(rv_edge_deadline(e.p.edge) <= e.p.now + RV_EDGE_WAIT_US);
    for (size_t i = 0; i < READS; i++) {
        RV_CHECK_EQ(ask_once(reads[i][0], reads[i][1]), 0);
    }
    pass(RV_EDGE_WAIT_US - 1);
    RV_CHECK_EQ(look(x), 0);
    pass(1);
    RV_CHECK_EQ(look(x), 503);
    RV_CHECK(has(&e.s, "\"code\":\"not_connected\""));
    RV_CHECK(has(&e.s, "has not met its upstream yet, and has no schema\""));
    rv_face_end(x);
    for (size_t i = 0; i < READS; i++) { /* who comes now need not wait as well */
        RV_CHECK_EQ(ask_once(reads[i][0], reads[i][1]), 503);
        RV_CHECK(has(&e.s, "\"code\":\"not_connected\""));
    }
    RV_CHECK_EQ(ask_once("GET", "/selection"), 200);
    RV_CHECK(has(&e.s, "\"whole\":false,\"position\":0"));
    RV_CHECK_EQ(ask_once("GET", "/healthz"), 200);
    RV_CHECK_EQ(ask_once("GET", "/readyz"), 503);
    RV_CHECK(has(&e.s, "\"code\":\"not_connected\""));
    RV_CHECK_EQ(ask_once("GET", "/status"), 200);
    RV_CHECK(has(&e.s, "\"whole\":false"));
    RV_CHECK(pair_sync(&e.p));
    RV_CHECK_EQ(ask_once("GET", "/readyz"), 200);
    RV_CHECK_EQ(ask_once("POST", "/query"), 200);
    RV_CHECK(has(&e.s, "\"rows\":[[1,5]]"));
    RV_CHECK_EQ(ask_once("GET", "/selection"), 200);
    RV_CHECK(has(&e.s, "\"whole\":true"));
    stop();
}

/* The same of an edge that takes events from the first one on, which is whole at position 0. */
RV_TEST(what_waited_is_answered_when_the_upstream_has_come) {
    static const char *const all[] = {"/**"};
    start(all);
    RV_CHECK_PASSED();
    rv_exchange *const query = begin("POST", "/query", false);
    rv_exchange *const row = begin("GET", "/aggregates/account/1", false);
    rv_exchange *const live = begin("POST", "/query", true);
    rv_exchange *const events = begin("GET", "/events?type=deposited", true);
    RV_CHECK(rv_node_whole(e.p.leaf.node));
    RV_CHECK_EQ(look(query) + look(row) + look(live) + look(events), 0);
    RV_CHECK(pair_sync(&e.p));
    RV_CHECK_EQ(look(query), 200);
    RV_CHECK(has(&e.s, "\"rows\":[[1,5]]"));
    rv_face_end(query); /* which has one of two buffers for answers */
    RV_CHECK_EQ(look(row), 200);
    RV_CHECK(has(&e.s, "\"balance\":5"));
    rv_face_end(row);
    RV_CHECK_EQ(look(live), 200);
    RV_CHECK(has(&e.s, "event: result"));
    RV_CHECK(has(&e.s, "\"rows\":[[1,5]]"));
    RV_CHECK_EQ(look(events), 200);
    RV_CHECK(has(&e.s, "\"type\":\"deposited\""));
    rv_face_end(live);
    rv_face_end(events);
    stop();
}

/* A node that has a schema and waits for a base. */
static void start_half(void) {
    start(bare);
    RV_CHECK_PASSED();
    RV_CHECK(pair_connect(&e.p));
    for (int i = 0; i < 1000 && rv_schema_version(rv_node_schema(e.p.leaf.node)) == 0; i++) {
        (void)pair_step(&e.p);
    }
    RV_CHECK(!rv_node_whole(e.p.leaf.node));
    RV_CHECK(rv_schema_version(rv_node_schema(e.p.leaf.node)) > 0);
}

RV_TEST(a_node_that_is_not_whole_says_what_it_waits_for) {
    start_half();
    RV_CHECK_PASSED();
    rv_exchange *const live = begin("POST", "/query", true);
    rv_exchange *const changes = begin("GET", "/changes/account?rows=first", true);
    RV_CHECK_EQ(ask_once("POST", "/query"), 0);
    RV_CHECK_EQ(ask_once("GET", "/readyz"), 503); /* it is asked how it is now */
    RV_CHECK(has(&e.s, "\"code\":\"busy\""));
    pair_cut(&e.p, RV_UPSTREAM_UNREACHABLE);
    rv_exchange *const x = begin("POST", "/query", false);
    RV_CHECK_EQ(look(x), 0);
    pass(0);
    pass(RV_EDGE_WAIT_US);
    RV_CHECK_EQ(look(x), 503);
    RV_CHECK(has(&e.s, "\"code\":\"busy\""));
    RV_CHECK(has(&e.s, "its base is on the way: upstream_unreachable: the test cut"));
    RV_CHECK(has(&e.s, "\"reason\":\"upstream_unreachable\""));
    rv_face_end(x);
    RV_CHECK_EQ(ask_once("GET", "/aggregates/account"), 503);
    RV_CHECK_EQ(look(live) + look(changes), 0);
    /* a connection that begins may bring it: there is something to wait for again */
    RV_CHECK(pair_connect(&e.p));
    RV_CHECK_EQ(ask_once("GET", "/aggregates/account"), 503);
    for (int i = 0; i < 1000 && pair_status(&e.p).state != RV_EDGE_CONNECTED; i++) {
        (void)pair_step(&e.p);
    }
    RV_CHECK(!rv_node_whole(e.p.leaf.node));
    RV_CHECK_EQ(ask_once("GET", "/aggregates/account"), 0);
    pair_run(&e.p);
    RV_CHECK_EQ(ask_once("GET", "/aggregates/account"), 200);
    RV_CHECK_EQ(look(live), 200);
    RV_CHECK(has(&e.s, "\"rows\":[[1,5]]"));
    RV_CHECK_EQ(look(changes), 200);
    RV_CHECK(has(&e.s, "\"row\":{\"id\":1"));
    rv_face_end(live);
    rv_face_end(changes);
    stop();
}

/* Whatever else there is to wait for, a stop that somebody has to mend is told at once. */
RV_TEST(an_upstream_that_will_not_come_is_not_waited_for) {
    static const rv_status stops[] = {RV_SELECTION_INVALID, RV_UNAUTHENTICATED};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        start_half();
        RV_CHECK_PASSED();
        pair_cut(&e.p, stops[i]);
        RV_CHECK_EQ(pair_status(&e.p).state, i == 0 ? RV_EDGE_ERROR : RV_EDGE_NEEDS_AUTH);
        for (size_t r = 0; r < READS - 1; r++) {
            RV_CHECK_EQ(ask_once(reads[r][0], reads[r][1]), 503);
            RV_CHECK(has(&e.s, "\"code\":\"busy\""));
            RV_CHECK(has(&e.s, rv_status_code(stops[i])));
        }
        rv_exchange *const live = begin("POST", "/query", true);
        RV_CHECK_EQ(look(live), 0);
        rv_face_end(live);
        stop();
    }
}

/* A directory that is asked in process has no connection to wait for. */
RV_TEST(without_an_edge_nothing_is_waited_for) {
    start(bare);
    RV_CHECK_PASSED();
    e.s.face->options.edge = NULL;
    RV_CHECK_EQ(ask_once("POST", "/query"), 503);
    RV_CHECK(has(&e.s, "\"code\":\"not_connected\""));
    stop();
}

int main(void) {
    RV_RUN(without_a_schema_it_is_waited_for_some_seconds);
    RV_RUN(what_waited_is_answered_when_the_upstream_has_come);
    RV_RUN(a_node_that_is_not_whole_says_what_it_waits_for);
    RV_RUN(an_upstream_that_will_not_come_is_not_waited_for);
    RV_RUN(without_an_edge_nothing_is_waited_for);
    return rv_test_done();
}
