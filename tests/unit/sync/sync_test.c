/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge holds what its selection covers, each event once and in order, whatever happens to
 * the connection; and it says why when it cannot. Method: a root and an edge with memory hosts and
 * a clock of the test (tests/unit/sync/pair.h), compared by state hash and by reading both logs.
 */
#include "core/engine/epoch.h"
#include "sync/edge_internal.h"
#include "sync/upstream_internal.h"
#include "tests/unit/sync/pair.h"

RV_TEST(an_empty_edge_takes_the_whole_history) {
    pair p = pair_create("/**");
    uint64_t random = 1;
    RV_CHECK(pair_feed(&p, &random, 3000, 200, 20));
    RV_CHECK(
        pair_sync(&p)); /* in 4 MiB, an edge takes smaller batches than an upstream begins with */
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
    RV_CHECK(pair_same(&p));
    RV_CHECK_EQ(pair_status(&p).upstream_position, rv_node_watermark(p.root.node));
    RV_CHECK_EQ(pair_status(&p).events_received, rv_node_watermark(p.root.node));
    RV_CHECK(memcmp(rv_node_identity(p.root.node)->log_id, rv_node_identity(p.leaf.node)->log_id,
                    16) == 0);
    pair_free(&p);
}

RV_TEST(live_events_follow_at_once) {
    pair p = pair_create("/**");
    uint64_t random = 2;
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    for (int i = 0; i < 100; i++) {
        RV_CHECK(pair_feed(&p, &random, 1, 20, 3));
        for (int k = 0; k < 4; k++) {
            (void)pair_step(&p); /* no time passes */
        }
        RV_CHECK_EQ(rv_node_watermark(p.leaf.node), rv_node_watermark(p.root.node));
    }
    pair_run(&p);
    RV_CHECK(pair_same(&p));
    rv_upstream_status status;
    rv_upstream_status_of(p.session, &status);
    RV_CHECK_EQ(status.watermark, rv_node_watermark(p.root.node));
    pair_free(&p);
}

/* Every event of the edge's log is the root's, and nothing that is selected is missing. */
static void check_selected(pair *p, const char *path) {
    rv_subscription own;
    rv_subscription root;
    rv_path_pattern pattern;
    RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(path), &pattern, NULL), RV_OK);
    rv_subscription_open(&own, p->leaf.node, NULL, 0, 1);
    rv_subscription_open(&root, p->root.node, &pattern, 1, 1);
    root.system = true;
    for (;;) {
        rv_event a;
        rv_event b;
        rv_bytes a_path;
        rv_bytes b_path;
        const rv_status x = rv_subscription_next(&own, 1000000, &a, &a_path, NULL);
        const rv_status y = rv_subscription_next(&root, 1000000, &b, &b_path, NULL);
        RV_CHECK_STATUS(x, y);
        if (x == RV_END) {
            return;
        }
        RV_CHECK_STATUS(x, RV_OK);
        RV_CHECK_EQ(a.position, b.position);
        RV_CHECK_EQ(a.version, b.version);
        RV_CHECK_EQ(a.type, b.type);
        RV_CHECK_EQ(a.recorded_at, b.recorded_at);
        RV_CHECK_EQ(a.written_at, b.written_at);
        RV_CHECK(memcmp(a.event_id, b.event_id, 16) == 0);
        RV_CHECK(rv_bytes_equal(a.data, b.data) && rv_bytes_equal(a_path, b_path));
        RV_CHECK(rv_bytes_equal(a.metadata, b.metadata));
    }
}

RV_TEST(a_part_has_gaps_in_position_and_none_in_version) {
    pair p = pair_create("/accounts/7");
    uint64_t random = 3;
    RV_CHECK(pair_feed(&p, &random, 2000, 30, 12));
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), rv_node_watermark(p.root.node));
    check_selected(&p, "/accounts/7");
    RV_CHECK_PASSED();
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(p.leaf.node, &count);
    const uint64_t w = rv_node_watermark(p.root.node);
    RV_CHECK(
        fixture_hashes_equal(rv_state_hash_selected(rv_node_state(p.root.node), w, patterns, count),
                             rv_node_state_hash(p.leaf.node)));
    RV_CHECK(rv_node_sequence(p.leaf.node) < w / 10);
    /* W follows what is not selected */
    for (int i = 0; i < 20; i++) {
        RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/8", "deposited", "{\"amount\":1}"),
                        RV_OK);
    }
    RV_CHECK(fixture_settle(p.root.node));
    pair_run(&p);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), w + 20);
    pair_free(&p);
}

RV_TEST(a_connection_cut_after_any_message_goes_on_where_it_was) {
    for (uint64_t budget = 1; budget < 12; budget++) {
        pair p = pair_create(budget % 2 == 0 ? "/**" : "/accounts/3");
        uint64_t random = budget;
        for (int i = 0; i < 6; i++) {
            RV_CHECK(pair_feed(&p, &random, 40, 9, 6));
            p.to_edge = 0;
            p.budget = budget;
            RV_CHECK(pair_connect(&p));
            pair_run(&p);
            pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
            RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_OFFLINE);
        }
        p.budget = 0;
        RV_CHECK(pair_connect(&p));
        pair_run(&p);
        RV_CHECK_EQ(rv_node_watermark(p.leaf.node), rv_node_watermark(p.root.node));
        check_selected(&p, budget % 2 == 0 ? "/**" : "/accounts/3");
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

RV_TEST(an_edge_that_restarts_goes_on_from_its_durable_cursor) {
    pair p = pair_create("/**");
    uint64_t random = 5;
    for (int i = 0; i < 4; i++) {
        RV_CHECK(pair_feed(&p, &random, 300, 40, 5));
        RV_CHECK(pair_connect(&p));
        pair_run(&p);
        RV_CHECK(pair_same(&p));
        pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        if (i % 2 == 0) {
            RV_CHECK_STATUS(fixture_close(p.leaf.node, &p.err), RV_END);
        }
        rv_memory_host_reopen(p.leaf.storage);
        RV_CHECK_STATUS(fixture_open(&p.leaf, RV_ROLE_EDGE, "/**"), RV_OK);
        pair_start(&p);
    }
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    RV_CHECK(pair_same(&p));
    check_selected(&p, "/**");
    pair_free(&p);
}

RV_TEST(a_batch_larger_than_a_message_arrives_whole) {
    for (uint64_t budget = 0; budget < 40; budget += 3) {
        pair p = pair_create("/accounts/*");
        uint64_t random = 11;
        p.edge->batch_bytes = 200; /* a few events a message, so most batches take several */
        RV_CHECK(pair_feed(&p, &random, 400, 20, 60));
        p.budget = budget;
        p.to_edge = 0;
        RV_CHECK(pair_connect(&p));
        for (int i = 0; i < 400 && p.session != NULL; i++) {
            (void)pair_step(&p);
            /* W stands only where a batch of the root ended */
            uint64_t chain = 0;
            const uint64_t w = rv_node_watermark(p.leaf.node);
            RV_CHECK(w == 0 || rv_log_chain_at(rv_node_log(p.root.node), w, &chain, NULL) == RV_OK);
        }
        p.budget = 0;
        if (p.session == NULL) {
            RV_CHECK(pair_connect(&p));
            pair_run(&p);
        }
        RV_CHECK(pair_same(&p));
        check_selected(&p, "/**");
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

RV_TEST(a_slow_edge_is_sent_no_more_than_its_credit) {
    pair p = pair_create("/**");
    uint64_t random = 12;
    p.edge->batch_bytes = 20000;
    RV_CHECK(pair_feed(&p, &random, 8000, 300, 40));
    RV_CHECK(pair_connect(&p));
    for (int i = 0; i < 5; i++) {
        (void)pair_step(&p);
    }
    const uint64_t before = p.session->status.bytes_sent;
    const uint64_t w = rv_node_watermark(p.leaf.node);
    p.session->credit = 9000;
    p.session->credit_window = 9000;
    p.edge->stalled = true; /* as if the rows' memory were full */
    for (int i = 0; i < 200; i++) {
        (void)pair_step(&p);
    }
    RV_CHECK(rv_edge_waits(p.edge));
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
    RV_CHECK(p.session->status.bytes_sent - before > 3000);
    RV_CHECK(p.session->status.bytes_sent - before <= 9000);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), w);
    p.edge->stalled = false;
    p.session->credit_window = RV_SYNC_CREDIT;
    pair_run(&p);
    RV_CHECK(!rv_edge_waits(p.edge));
    RV_CHECK(pair_same(&p));
    check_selected(&p, "/**");
    pair_free(&p);
}

RV_TEST(another_log_stops_the_edge) {
    pair p = pair_create("/**");
    uint64_t random = 6;
    RV_CHECK(pair_feed(&p, &random, 10, 4, 2));
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    fixture other = fixture_root(99);
    fixture_free(&p.root);
    p.root = other;
    const uint64_t held = rv_node_watermark(p.leaf.node);
    pair_start(&p);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_ERROR);
    RV_CHECK_STATUS(pair_status(&p).reason.status, RV_UPSTREAM_OTHER_LOG);
    RV_CHECK(strstr(pair_status(&p).reason.detail, "new data directory") != NULL);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), held);
    RV_CHECK(!rv_edge_wants_connection(p.edge, INT64_MAX));
    pair_free(&p);
}

RV_TEST(a_root_that_went_back_is_told_from_one_that_went_on) {
    /* two roots of one seed have one log id, and share a history as far as it is the same */
    for (int ahead = 0; ahead < 2; ahead++) {
        pair p = pair_create("/**");
        uint64_t random = 7;
        RV_CHECK(pair_feed(&p, &random, 60, 8, 3));
        RV_CHECK(pair_connect(&p));
        pair_run(&p);
        pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        fixture_free(&p.root);
        p.root = fixture_root(1);
        uint64_t other = 8;
        RV_CHECK(pair_feed(&p, &other, ahead == 0 ? 10 : 200, 8, 1));
        pair_start(&p);
        RV_CHECK(pair_connect(&p));
        pair_run(&p);
        /* nobody has said that it was restored: the edge says what it has, and waits */
        RV_CHECK(pair_connect(&p));
        pair_run(&p);
        RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_OFFLINE);
        RV_CHECK_STATUS(pair_status(&p).reason.status, RV_UPSTREAM_DIVERGED);
        RV_CHECK(strstr(pair_status(&p).reason.detail, "rivulet restored") != NULL);
        RV_CHECK(!rv_edge_wants_connection(p.edge, p.now + 20000000));
        RV_CHECK(rv_edge_wants_connection(p.edge, p.now + 30000000));
        RV_CHECK_EQ(rv_node_stranger(p.root.node).count, 2);
        RV_CHECK(rv_node_stranger(p.root.node).position >= 60);
        pair_free(&p);
    }
}

RV_TEST(an_upstream_of_another_version_stops_the_edge) {
    pair p = pair_create("/**");
    rv_bytes message;
    RV_CHECK(rv_edge_wants_connection(p.edge, p.now));
    rv_edge_opened(p.edge, p.now);
    RV_CHECK(rv_edge_send(p.edge, p.now, &message));
    uint8_t text[512];
    rv_writer w = rv_writer_over(text, sizeof text);
    const rv_wire_hello hello = {.version_min = 5, .version_max = 6};
    rv_wire_write_hello(&w, &hello);
    RV_CHECK_STATUS(rv_upstream_open(p.shared, p.now, &p.session, &p.err), RV_OK);
    RV_CHECK_STATUS(rv_upstream_receive(p.session, rv_writer_bytes(&w), p.now, &p.err),
                    RV_UPSTREAM_VERSION);
    RV_CHECK(rv_upstream_send(p.session, p.now, &message));
    RV_CHECK_STATUS(rv_edge_receive(p.edge, message, p.now, &p.err), RV_UPSTREAM_VERSION);
    RV_CHECK(rv_upstream_finished(p.session));
    rv_edge_closed(p.edge, &p.err, p.now);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_ERROR);
    pair_free(&p);
}

RV_TEST(the_back_off_doubles_up_to_half_a_minute) {
    pair p = pair_create("/**");
    rv_error why;
    (void)!rv_error_set(&why, RV_UPSTREAM_UNREACHABLE, "refused");
    int64_t longest = 0;
    for (int i = 0; i < 20; i++) {
        p.now = i == 0 ? p.now : rv_edge_deadline(p.edge);
        RV_CHECK(i == 0 || !rv_edge_wants_connection(p.edge, p.now - 1));
        RV_CHECK(rv_edge_wants_connection(p.edge, p.now));
        rv_edge_closed(p.edge, &why, p.now);
        const int64_t delay = rv_edge_deadline(p.edge) - p.now;
        const int64_t most = i < 7 ? INT64_C(250000) << i : INT64_C(30000000);
        RV_CHECK(delay >= most / 2 && delay <= most);
        longest = delay > longest ? delay : longest;
    }
    RV_CHECK(longest > 20000000);
    pair_free(&p);
}

RV_TEST(silence_is_asked_about_and_then_ends_the_connection) {
    pair p = pair_create("/**");
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    for (int i = 0; i < 10; i++) {
        p.now += 9000000;
        while (pair_step(&p)) {
            p.now += 100;
        }
    }
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
    p.now += 31000000;
    RV_CHECK_STATUS(rv_edge_poll(p.edge, p.now, &p.err), RV_UPSTREAM_UNREACHABLE);
    rv_bytes message;
    (void)rv_upstream_send(p.session, p.now, &message);
    RV_CHECK(rv_upstream_finished(p.session));
    pair_free(&p);
}

int main(void) {
    RV_RUN(an_empty_edge_takes_the_whole_history);
    RV_RUN(live_events_follow_at_once);
    RV_RUN(a_part_has_gaps_in_position_and_none_in_version);
    RV_RUN(a_connection_cut_after_any_message_goes_on_where_it_was);
    RV_RUN(an_edge_that_restarts_goes_on_from_its_durable_cursor);
    RV_RUN(a_batch_larger_than_a_message_arrives_whole);
    RV_RUN(a_slow_edge_is_sent_no_more_than_its_credit);
    RV_RUN(another_log_stops_the_edge);
    RV_RUN(a_root_that_went_back_is_told_from_one_that_went_on);
    RV_RUN(an_upstream_of_another_version_stops_the_edge);
    RV_RUN(the_back_off_doubles_up_to_half_a_minute);
    RV_RUN(silence_is_asked_about_and_then_ends_the_connection);
    return rv_test_done();
}
