/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that is to hold the past of streams that it held without, or not at all, gets every
 * event of it once, with a new sequence, whatever breaks on the way; rows are whole meanwhile; a
 * stream is read in the order of its versions. Method: a root and an edge (based.h) under a random
 * workload, connections cut and edges opened again; the edge's events are compared with the root's,
 * one by one, and a reader that follows by sequence from the beginning sees each once.
 */
#include "tests/unit/sync/followed.h"

RV_TEST(the_past_of_streams_that_are_added_comes_behind) {
    static const char *const first[] = {"/accounts/3", "/accounts/4 history none"};
    static const char *const second[] = {"/accounts/3", "/accounts/4", "/accounts/5"};
    static const char *const third[] = {"/accounts/*"};
    pair p = based_pair(first, 2);
    uint64_t random = 1;
    memset(seen, 0, sizeof seen);
    RV_CHECK(feed_given(&p, &random, 600));
    RV_CHECK(pair_sync(&p));
    check_given(&p);
    RV_CHECK(feed_given(&p, &random, 100));
    pair_run(&p);
    uint64_t next = 1;
    follow(&p, &next);
    RV_CHECK_STATUS(select_entries(&p, second, 3), RV_OK);
    p.edge->batch_bytes = 400;
    bool was_filling = false;
    for (int i = 0; i < 3000 && !is_done(&p); i++) {
        (void)pair_step(&p);
        p.now += 1000;
        RV_CHECK(rv_node_whole(p.leaf.node));
        const rv_node_fill fill = rv_node_fill_of(p.leaf.node);
        was_filling = was_filling || fill.active;
        RV_CHECK_STATUS(rv_node_past_known(p.leaf.node, RV_LITERAL("/accounts/5"), NULL),
                        fill.active ? RV_HISTORY_AWAITED : RV_OK);
        RV_CHECK_STATUS(rv_node_past_known(p.leaf.node, RV_LITERAL("/accounts/3"), NULL), RV_OK);
        RV_CHECK(i % 9 != 4 || feed_given(&p, &random, 3)); /* it goes on meanwhile */
        if (i % 50 == 0) {
            follow(&p, &next);
        }
    }
    RV_CHECK(is_done(&p) && was_filling);
    pair_run(&p);
    follow(&p, &next);
    check_given(&p);
    for (size_t i = 0; i < 3; i++) {
        check_seen(&p, second[i], 1);
        check_stream(&p, second[i], 1);
    }
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(select_entries(&p, third, 1), RV_OK);
    pair_run(&p);
    /* what was here is not sent again */
    RV_CHECK(is_done(&p));
    follow(&p, &next);
    check_given(&p);
    check_seen(&p, "/accounts/*", 1);
    RV_CHECK_PASSED();
    RV_CHECK(feed_given(&p, &random, 50));
    pair_run(&p);
    for (int i = 1; i <= 20; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/accounts/%d", i);
        check_stream(&p, path, 1);
    }
    /* and all of it once more from the log alone */
    RV_CHECK(fixture_settle(p.leaf.node));
    const rv_hash128 hash = rv_node_state_hash(p.leaf.node);
    reopen(&p, NULL, 0, true);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.leaf.node), hash));
    RV_CHECK(is_done(&p));
    memset(seen, 0, sizeof seen);
    next = 1;
    follow(&p, &next);
    check_seen(&p, "/accounts/*", 1);
    check_stream(&p, "/accounts/7", 1);
    pair_free(&p);
}

/* Who reads a stream that is here whole, and stands in a batch of it when others' past comes. */
RV_TEST(a_reader_of_a_stream_goes_on_when_the_past_comes) {
    static const char *const first[] = {"/accounts/3", "/accounts/4 history none"};
    static const char *const second[] = {"/accounts/3", "/accounts/4"};
    for (uint64_t count = 0; count < 6; count++) {
        uint64_t random = 5;
        uint64_t version = 0;
        rv_path_pattern pattern;
        rv_subscription reader;
        rv_event event;
        rv_bytes path;
        pair p = based_pair(first, 2);
        RV_CHECK(feed_given(&p, &random, 300));
        RV_CHECK(pair_sync(&p));
        RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/accounts/3"), &pattern, NULL), RV_OK);
        rv_subscription_open(&reader, p.leaf.node, &pattern, 1, 1);
        rv_status status = RV_PENDING;
        for (int i = 0; i < 10000 && status != RV_END; i++) {
            if (version == count && rv_node_fill_of(p.leaf.node).straight) {
                RV_CHECK_STATUS(select_entries(&p, second, 2), RV_OK);
                pair_run(&p);
                RV_CHECK(is_done(&p) && !rv_node_fill_of(p.leaf.node).straight);
            }
            status = rv_subscription_next(&reader, 1000, &event, &path, &p.leaf.err);
            RV_CHECK(status == RV_OK || status == RV_END || status == RV_PENDING ||
                     status == RV_BUSY);
            version += status == RV_OK;
            RV_CHECK(status != RV_OK || event.version == version);
            fixture_poll(p.leaf.node);
        }
        RV_CHECK_STATUS(status, RV_END);
        RV_CHECK(version > 6);
        check_stream(&p, "/accounts/3", version + 1);
        pair_free(&p);
    }
}

/* A new edge, with a part of the past. */
RV_TEST(the_past_since_a_position_or_a_time) {
    for (int round = 0; round < 2; round++) {
        char since[96];
        const char *entries[2] = {since, "/accounts/3"};
        uint64_t random = 2;
        const uint64_t first = round == 0 ? 300 : 1;
        memset(seen, 0, sizeof seen);
        (void)snprintf(since, sizeof since, "/accounts/* history since %s",
                       round == 0 ? "300" : "2001-01-01");
        pair p = based_pair(entries, 2);
        RV_CHECK(feed_given(&p, &random, 500));
        RV_CHECK(pair_sync(&p));
        RV_CHECK(is_done(&p));
        RV_CHECK(feed_given(&p, &random, 50));
        pair_run(&p);
        check_given(&p);
        uint64_t next = 1;
        follow(&p, &next);
        check_seen(&p, "/accounts/*", first);
        check_seen(&p, "/accounts/3", 1);
        check_stream(&p, "/accounts/3", 1);
        check_stream(&p, "/accounts/8", round == 0 ? 0 : 1);
        for (uint64_t i = 2; i < 300; i++) { /* but for the other stream, nothing from before */
            RV_CHECK(seen[i] <= 1);
        }
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* What an upstream may not send. */
RV_TEST(a_past_that_was_not_asked_for) {
    static const char *const entries[] = {"/accounts/4 history none"};
    static const char *const others[] = {"/accounts/4"};
    for (int i = 0; i < 6; i++) {
        pair p = based_pair(entries, 1);
        uint64_t random = 7;
        RV_CHECK(feed_given(&p, &random, 100));
        RV_CHECK(pair_sync(&p));
        if (i > 0) {
            RV_CHECK_STATUS(select_entries(&p, others, 1), RV_OK);
            for (int k = 0; k < 2000 && !rv_node_fill_of(p.leaf.node).active; k++) {
                (void)pair_step(&p);
                p.now += 1000;
            }
            for (int k = 0; k < 3 && p.edge->fill.until == 0; k++) {
                rv_bytes message;
                (void)rv_edge_send(p.edge, p.now, &message); /* the request, to nobody */
            }
            RV_CHECK(p.edge->fill.until > 0);
        }
        const uint64_t until = rv_node_fill_of(p.leaf.node).until;
        /* none asked for; beyond the end; no events; then such as are right */
        const rv_wire_filled cases[] = {{.to = 1},
                                        {.to = until + 1},
                                        {.to = until, .events = RV_LITERAL("x")},
                                        {.to = until, .over = true},
                                        {.to = 3},
                                        {.refused = true, .error = p.leaf.err}};
        uint8_t bytes[1024];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_wire_filled m = cases[i];
        if (m.refused) {
            (void)rv_error_set(&m.error, RV_UNSUPPORTED, "no");
        }
        rv_wire_write_filled(&w, &m, m.events.len > 0);
        rv_write(&w, m.events);
        const rv_status status = rv_edge_receive(p.edge, rv_writer_bytes(&w), p.now, &p.err);
        RV_CHECK_STATUS(status, i < 3 ? RV_PROTOCOL_ERROR : RV_OK);
        RV_CHECK_EQ(rv_node_fill_of(p.leaf.node).active, i > 0 && i != 3);
        RV_CHECK_STATUS(pair_status(&p).past_refused.status, i == 5 ? RV_UNSUPPORTED : RV_OK);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* Cut after any number of messages, opened again, told something else. */
RV_TEST(filling_in_goes_on_where_it_stopped) {
    static const char *const steps[][2] = {
        {"/accounts/4 history none", NULL},
        {"/accounts/4", NULL},
        {"/accounts/4", "/accounts/* history since 200"},
        {"/accounts/*", NULL},
    };
    for (uint64_t seed = 1; seed <= 12; seed++) {
        uint64_t random = seed;
        pair p = based_pair(steps[0], 1);
        memset(seen, 0, sizeof seen);
        RV_CHECK(feed_given(&p, &random, 300));
        RV_CHECK(pair_sync(&p));
        uint64_t next = 1;
        follow(&p, &next);
        for (size_t i = 1; i < sizeof steps / sizeof steps[0]; i++) {
            RV_CHECK_STATUS(select_entries(&p, steps[i], steps[i][1] == NULL ? 1 : 2), RV_OK);
            for (int turn = 0; turn < 5; turn++) {
                p.edge->batch_bytes = 400;
                const int moves = (int)(rv_test_random(&random) % 60);
                for (int k = 0; k < moves && p.session != NULL; k++) {
                    (void)pair_step(&p);
                    p.now += 1000;
                }
                RV_CHECK(feed_given(&p, &random, 3));
                const uint64_t chance = rv_test_random(&random) % 4;
                if (chance == 0) {
                    RV_CHECK(fixture_settle(p.leaf.node));
                    follow(&p, &next);
                    reopen(&p, NULL, 0, turn % 2 == 0);
                    RV_CHECK_PASSED();
                    RV_CHECK(pair_connect(&p));
                } else if (chance == 1) {
                    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
                    RV_CHECK(pair_connect(&p));
                }
            }
        }
        if (p.session == NULL) {
            RV_CHECK(pair_connect(&p));
        }
        pair_run(&p);
        RV_CHECK(p.session != NULL && is_done(&p));
        check_given(&p);
        follow(&p, &next);
        check_seen(&p, "/accounts/*", 1);
        for (int i = 1; i <= 20; i++) {
            char path[32];
            (void)snprintf(path, sizeof path, "/accounts/%d", i);
            check_stream(&p, path, 1);
        }
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* All that the edge has to say reaches the upstream before it says something itself. */
static void let_edge_speak(pair *p) {
    rv_bytes message;
    while (rv_edge_send(p->edge, p->now, &message)) {
        (void)!rv_upstream_receive(p->session, message, p->now, NULL);
    }
}

/* The past is asked for at once in a new connection, also by an edge that was away for so long that
 * its rows are too old, of which its upstream tells it only then; that is nobody's fault. The rows
 * come anew, then the past goes on. The same where the request is on its way when the upstream says
 * that changes are gone. */
RV_TEST(a_past_is_asked_for_beside_rows_that_are_too_old) {
    static const char *const steps[][2] = {
        {"aggregate account", "/accounts/4 history none"},
        {"aggregate account", "/accounts/4"},
    };
    for (int round = 0; round < 2; round++) {
        uint64_t random = 5;
        rv_bytes said = {NULL, 0};
        pair p = based_pair(steps[0], 2);
        RV_CHECK(pair_feed(&p, &random, 600, 20, 5));
        RV_CHECK(pair_sync(&p));
        RV_CHECK_STATUS(select_entries(&p, steps[1], 2), RV_OK);
        for (int i = 0; i < 4000 && !rv_node_fill_of(p.leaf.node).active; i++) {
            (void)pair_step(&p);
            p.now += 1000;
        }
        RV_CHECK(rv_node_fill_of(p.leaf.node).active && rv_node_whole(p.leaf.node));
        pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        RV_CHECK(round == 1 || pair_feed(&p, &random, 12000, 20, 20));
        RV_CHECK(pair_connect(&p));
        while (p.edge->status.state != RV_EDGE_CONNECTED) {
            (void)pair_step(&p);
        } /* welcomed: the selection and the request are next */
        if (round == 1) {
            RV_CHECK(rv_edge_send(p.edge, p.now, &said));
            RV_CHECK_STATUS(rv_upstream_receive(p.session, said, p.now, NULL), RV_OK);
            RV_CHECK(pair_feed(&p, &random, 12000, 20, 20));
            for (int i = 0; i < 10 && !p.session->base.notice_owed; i++) {
                RV_CHECK(!rv_upstream_send(p.session, p.now, &said));
                p.now += 1000;
            }
            RV_CHECK(p.session->base.notice_owed);
        }
        RV_CHECK(p.shared->changes.first > 1000);
        let_edge_speak(&p);
        pair_run(&p);
        RV_CHECK(p.session != NULL);
        RV_CHECK(is_done(&p));
        check_given(&p);
        check_stream(&p, "/accounts/4", 1);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* What came live, while the edge held it since a time that lay ahead, is not there twice when all
 * of it is held, or since a time before; nor is it when a purge, or a start, came in between. */
RV_TEST(what_came_before_its_time_is_there_once) {
    static const char *const steps[][4][2] = {
        {{"/accounts/* history since 2100-01-01", NULL}, {"/accounts/*", NULL}},
        {{"/accounts/* history since 2100-01-01", NULL},
         {"/accounts/* history since 2001-01-01", NULL},
         {"/accounts/*", NULL}},
        {{"/accounts/* history since 2100-01-01", NULL},
         {"/accounts/3", "/accounts/* history since 2099-01-01"},
         {"/accounts/3", "/accounts/4"},
         {"/accounts/*", NULL}},
        {{"/accounts/3 history since 2100-01-01", "/accounts/4 history none"},
         {"/accounts/* history since 2100-01-01", NULL},
         {"/accounts/*", NULL}},
    };
    for (size_t i = 0; i < 3 * sizeof steps / sizeof *steps; i++) {
        const char *const(*const of)[2] = steps[i / 3];
        uint64_t random = i + 1;
        pair p = based_pair(of[0], of[0][1] == NULL ? 1 : 2);
        memset(seen, 0, sizeof seen);
        RV_CHECK(feed_given(&p, &random, 200));
        RV_CHECK(pair_sync(&p));
        bool was_filling = false;
        for (size_t k = 1; k < 4 && of[k][0] != NULL; k++) {
            RV_CHECK(feed_given(&p, &random, 200));
            pair_run(&p);
            if (i % 3 > 0) {
                RV_CHECK(fixture_settle(p.leaf.node));
                reopen(&p, NULL, 0, i % 3 == 1);
                RV_CHECK(pair_connect(&p));
            }
            RV_CHECK_STATUS(select_entries(&p, of[k], of[k][1] == NULL ? 1 : 2), RV_OK);
            p.edge->batch_bytes = 400;
            for (int n = 0; n < 3000 && !is_done(&p); n++) {
                (void)pair_step(&p);
                p.now += 1000;
                was_filling = was_filling || rv_node_fill_of(p.leaf.node).active;
            }
            pair_run(&p);
            RV_CHECK(is_done(&p));
        }
        uint64_t next = 1;
        follow(&p, &next);
        check_given(&p);
        check_seen(&p, "/accounts/*", 1);
        check_stream(&p, "/accounts/3", 1);
        check_stream(&p, "/accounts/4", 1);
        check_stream(&p, "/accounts/5", 1);
        RV_CHECK(was_filling);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* While a past is filled in, it is awaited of each stream that lacks some of it, whatever was there
 * of the stream before. */
RV_TEST(a_stream_that_was_held_in_part_is_awaited) {
    static const char *const before[][1] = {{"/accounts/* history none"},
                                            {"/accounts/* history since 150"},
                                            {"/accounts/* history since 2100-01-01"}};
    static const char *const after[] = {"/accounts/*"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        uint64_t random = 9;
        pair p = based_pair(before[i], 1);
        RV_CHECK(feed_given(&p, &random, 200));
        RV_CHECK(pair_sync(&p));
        RV_CHECK(feed_given(&p, &random, 100));
        pair_run(&p);
        RV_CHECK_STATUS(rv_node_past_known(p.leaf.node, RV_LITERAL("/accounts/3"), NULL), RV_OK);
        RV_CHECK_STATUS(select_entries(&p, after, 1), RV_OK);
        p.edge->batch_bytes = 400;
        unsigned awaited = 0;
        for (int n = 0; n < 3000 && !is_done(&p); n++) {
            (void)pair_step(&p);
            p.now += 1000;
            const bool active = rv_node_fill_of(p.leaf.node).active;
            awaited += active;
            RV_CHECK_STATUS(rv_node_past_known(p.leaf.node, RV_LITERAL("/accounts/3"), NULL),
                            active ? RV_HISTORY_AWAITED : RV_OK);
        }
        RV_CHECK(is_done(&p) && awaited > 0);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

int main(void) {
    RV_RUN(the_past_of_streams_that_are_added_comes_behind);
    RV_RUN(a_reader_of_a_stream_goes_on_when_the_past_comes);
    RV_RUN(the_past_since_a_position_or_a_time);
    RV_RUN(a_past_that_was_not_asked_for);
    RV_RUN(filling_in_goes_on_where_it_stopped);
    RV_RUN(a_past_is_asked_for_beside_rows_that_are_too_old);
    RV_RUN(what_came_before_its_time_is_there_once);
    RV_RUN(a_stream_that_was_held_in_part_is_awaited);
    fixture_checkpoint_growth = 1;
    RV_RUN(the_past_of_streams_that_are_added_comes_behind);
    RV_RUN(filling_in_goes_on_where_it_stopped);
    return rv_test_done();
}
