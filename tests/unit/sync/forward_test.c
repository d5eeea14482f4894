/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: appends that an edge forwards get along with each other: refusals that come together are
 * all told, callers that give up leave no room taken and none double-booked, an answer that has no
 * room is told bare; and an edge speaks only of what is durable. Method: the pair of
 * tests/unit/sync/pair.h, with messages held back on one side.
 */
#include "sync/edge_internal.h"
#include "sync/upstream_internal.h"
#include "tests/unit/sync/pair.h"

static void connected(pair *p, const char *pattern) {
    *p = pair_create(pattern);
    RV_CHECK(pair_connect(p));
    pair_run(p);
    RV_CHECK_EQ(pair_status(p).state, RV_EDGE_CONNECTED);
}

/* Brings what the edge sends to the upstream, which does not get to answer. */
static void deliver_up(pair *p) {
    rv_bytes message;
    while (rv_edge_send(p->edge, p->now, &message)) {
        RV_CHECK_STATUS(rv_upstream_receive(p->session, message, p->now, &p->err), RV_OK);
    }
}

RV_TEST(refusals_that_come_together_are_all_told) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    rv_append wrong = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    wrong.expected = RV_EXPECTED_NUMBER;
    wrong.expected_version = UINT64_MAX;
    uint64_t requests[RV_FORWARDS_MAX];
    for (unsigned i = 0; i < RV_FORWARDS_MAX; i++) {
        RV_CHECK_STATUS(rv_edge_forward(p.edge, &wrong, 1, &requests[i], &p.err), RV_OK);
    }
    deliver_up(&p);
    RV_CHECK_PASSED();
    pair_run(&p);
    RV_CHECK(p.session != NULL);
    for (unsigned i = 0; i < RV_FORWARDS_MAX; i++) {
        rv_forwarded result;
        size_t count = 0;
        RV_CHECK_STATUS(rv_edge_forward_result(p.edge, requests[i], &result, 1, &count, &p.err),
                        RV_VERSION_CONFLICT);
        rv_edge_forward_end(p.edge, requests[i]);
    }
    pair_free(&p);
}

RV_TEST(an_append_whose_caller_gave_up_counts_until_its_answer) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    rv_append event = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    uint64_t request = 0;
    for (unsigned i = 0; i < RV_FORWARDS_MAX; i++) {
        RV_CHECK_STATUS(rv_edge_forward(p.edge, &event, 1, &request, &p.err), RV_OK);
        deliver_up(&p);
        RV_CHECK_PASSED();
        rv_edge_forward_end(p.edge, request);
    }
    RV_CHECK_STATUS(rv_edge_forward(p.edge, &event, 1, &request, &p.err), RV_BUSY);
    pair_run(&p);
    RV_CHECK(p.session != NULL);
    RV_CHECK_STATUS(rv_edge_forward(p.edge, &event, 1, &request, &p.err), RV_OK);
    deliver_up(&p);
    RV_CHECK_PASSED();
    /* and no longer than the connection */
    rv_edge_forward_end(p.edge, request);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    for (unsigned i = 0; i < RV_FORWARDS_MAX; i++) {
        RV_CHECK_STATUS(rv_edge_forward(p.edge, &event, 1, &request, &p.err), RV_OK);
        rv_edge_forward_end(p.edge, request);
    }
    pair_free(&p);
}

RV_TEST(an_answer_without_room_is_told_bare) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(fixture_append(&p.root, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    static char data[2][56000];
    static const size_t len = sizeof data[0] - 1000;
    uint64_t requests[4];
    for (unsigned i = 0; i < 4; i++) {
        rv_append events[2];
        for (unsigned k = 0; k < 2; k++) {
            const int head =
                snprintf(data[k], sizeof data[k], "{\"note_id\":%u,\"body\":\"", 10 * i + k + 100);
            memset(data[k] + head, 'x', len);
            memcpy(data[k] + len, "\"}", 3);
            events[k] = fixture_event("/accounts/1", "noted", data[k]);
        }
        RV_CHECK_STATUS(rv_edge_forward(p.edge, events, 2, &requests[i], &p.err), RV_OK);
    }
    pair_run(&p);
    RV_CHECK(p.session != NULL || pair_sync(&p)); /* the edge may ask for smaller batches */
    unsigned bare = 0;
    for (unsigned i = 0; i < 4; i++) {
        rv_forwarded results[2];
        size_t count = 0;
        RV_CHECK_STATUS(rv_edge_forward_result(p.edge, requests[i], results, 2, &count, &p.err),
                        RV_OK);
        bare += count == 0;
        RV_CHECK(count == 0 || count == 2);
        RV_CHECK_EQ(results[count == 0 ? 0 : 1].position, 4 + 2 * i);
        rv_edge_forward_end(p.edge, requests[i]);
    }
    RV_CHECK(bare > 0);
    pair_free(&p);
}

RV_TEST(an_answer_does_not_wait_for_an_edge_that_is_full) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    rv_append event = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    uint64_t request = 0;
    p.edge->stalled = true; /* as if the rows' memory were full */
    RV_CHECK_STATUS(rv_edge_forward(p.edge, &event, 1, &request, &p.err), RV_OK);
    pair_run(&p);
    rv_forwarded result;
    size_t count = 0;
    RV_CHECK_STATUS(rv_edge_forward_result(p.edge, request, &result, 1, &count, &p.err), RV_OK);
    RV_CHECK_EQ(result.position, rv_node_watermark(p.root.node));
    RV_CHECK(rv_node_watermark(p.leaf.node) < result.position);
    rv_edge_forward_end(p.edge, request);
    pair_free(&p);
}

RV_TEST(a_hello_waits_until_the_edges_position_is_durable) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    uint64_t random = 21;
    RV_CHECK(pair_feed(&p, &random, 50, 9, 6));
    rv_bytes message;
    while (rv_upstream_send(p.session, p.now, &message)) { /* the edge's disk is slow */
        RV_CHECK_STATUS(rv_edge_receive(p.edge, message, p.now, &p.err), RV_OK);
    }
    RV_CHECK(rv_node_watermark(p.leaf.node) > rv_node_watermark_durable(p.leaf.node));
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK(pair_connect(&p));
    RV_CHECK(!rv_edge_send(p.edge, p.now, &message));
    RV_CHECK(fixture_settle(p.leaf.node));
    RV_CHECK(rv_edge_send(p.edge, p.now, &message));
    RV_CHECK_STATUS(rv_upstream_receive(p.session, message, p.now, &p.err), RV_OK);
    pair_run(&p);
    RV_CHECK(p.session != NULL);
    RV_CHECK(pair_same(&p));
    pair_free(&p);
}

RV_TEST(an_edge_whose_storage_is_full_asks_ten_times_a_second) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    rv_bytes message;
    p.edge->status.reason.status = RV_STORAGE_FULL;
    for (int i = 0; i < 10; i++) {
        const int64_t deadline = rv_edge_deadline(p.edge);
        p.now = deadline > p.now ? deadline : p.now;
        (void)rv_edge_send(p.edge, p.now, &message);
        RV_CHECK_EQ(rv_edge_deadline(p.edge), p.now + RV_SYNC_REPORT_US);
    }
    pair_free(&p);
}

int main(void) {
    RV_RUN(refusals_that_come_together_are_all_told);
    RV_RUN(an_append_whose_caller_gave_up_counts_until_its_answer);
    RV_RUN(an_answer_without_room_is_told_bare);
    RV_RUN(an_answer_does_not_wait_for_an_edge_that_is_full);
    RV_RUN(a_hello_waits_until_the_edges_position_is_durable);
    RV_RUN(an_edge_whose_storage_is_full_asks_ten_times_a_second);
    return rv_test_done();
}
