/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that takes streams without their history has, once it is whole, what the root has
 * for its selection, at every W from then on; before that it shows nothing of them; wherever the
 * connection breaks or the edge stops, it goes on. Method: a root and an edge (pair.h) under a
 * random workload, with connections cut after any message and edges opened again from what was
 * durable; compared by the root's hash of the selection, row by row, and by the events.
 */
#include "platform/sim/disk.h"
#include "tests/unit/sync/based.h"

RV_TEST(streams_without_history_begin_with_their_rows) {
    static const char *const entries[] = {"/accounts/* history none"};
    pair p = based_pair(entries, 1);
    uint64_t random = 1;
    RV_CHECK(pair_feed(&p, &random, 3000, 200, 20));
    RV_CHECK(!rv_node_whole(p.leaf.node));
    RV_CHECK(pair_sync(&p));
    check_same(&p);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 200);
    /* the schema and nothing else came as events */
    RV_CHECK_EQ(rv_node_sequence(p.leaf.node), 1);
    RV_CHECK_EQ(pair_status(&p).events_received, 1);
    for (int i = 0; i < 20; i++) {
        RV_CHECK(pair_feed(&p, &random, 20, 220, 5));
        pair_run(&p);
        check_same(&p);
        RV_CHECK_PASSED();
    }
    RV_CHECK(rv_node_sequence(p.leaf.node) > 100);
    reopen(&p, entries, 1, true);
    RV_CHECK(rv_node_whole(p.leaf.node));
    check_same(&p);
    RV_CHECK(pair_feed(&p, &random, 50, 220, 5));
    RV_CHECK(pair_sync(&p));
    check_same(&p);
    pair_free(&p);
}

RV_TEST(some_with_and_some_without_history) {
    static const char *const entries[] = {"/accounts/3", "/accounts/* history none", "/accounts/7"};
    pair p = based_pair(entries, 3);
    uint64_t random = 2;
    RV_CHECK(pair_feed(&p, &random, 1500, 30, 9));
    RV_CHECK(pair_sync(&p));
    check_same(&p);
    RV_CHECK_PASSED();
    /* those with history have all of their events */
    rv_subscription own;
    rv_path_pattern pattern;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/accounts/7"), &pattern, NULL), RV_OK);
    rv_subscription_open(&own, p.leaf.node, &pattern, 1, 1);
    uint32_t stream = 0;
    RV_CHECK(rv_state_stream_find(rv_node_state(p.leaf.node), pattern.text, &stream));
    rv_stream_head head;
    rv_state_stream(rv_node_state(p.leaf.node), stream, &head);
    uint64_t seen = 0;
    rv_event event;
    rv_bytes path;
    while (rv_subscription_next(&own, 100000, &event, &path, NULL) == RV_OK) {
        seen += 1;
        RV_CHECK_EQ(event.version, seen);
    }
    RV_CHECK_EQ(seen, head.version);
    RV_CHECK(pair_feed(&p, &random, 500, 60, 9));
    pair_run(&p);
    check_same(&p);
    pair_free(&p);
}

RV_TEST(an_empty_root_gives_an_empty_base) {
    static const char *const entries[] = {"/accounts/* history none"};
    pair p = based_pair(entries, 1);
    RV_CHECK(pair_sync(&p));
    check_same(&p);
    uint64_t random = 3;
    RV_CHECK(pair_feed(&p, &random, 100, 30, 9));
    pair_run(&p);
    check_same(&p);
    RV_CHECK_EQ(rv_node_sequence(p.leaf.node), rv_node_sequence(p.root.node));
    pair_free(&p);
}

/* Cut after each number of messages, with events between: it becomes whole all the same. */
RV_TEST(a_base_that_is_cut_goes_on) {
    static const char *const entries[] = {"/accounts/* history none", "/accounts/5"};
    for (uint64_t budget = 1; budget < 14; budget++) {
        pair p = based_pair(entries, budget % 2 == 0 ? 1 : 2);
        uint64_t random = budget;
        RV_CHECK(pair_feed(&p, &random, 2000, 900, 20));
        bool whole = false;
        for (int i = 0; i < 60 && !whole; i++) {
            p.to_edge = 0;
            p.budget = budget + (uint64_t)i / 4;
            p.edge->batch_bytes = RV_SYNC_BATCH_MIN; /* many parts */
            RV_CHECK(pair_connect(&p));
            pair_run(&p);
            pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
            whole = rv_node_whole(p.leaf.node);
            if (i % 3 == 2) {
                RV_CHECK(pair_feed(&p, &random, 20, 900, 6));
            }
            if (i % 5 == 4) {
                RV_CHECK(fixture_settle(p.leaf.node));
                reopen(&p, entries, budget % 2 == 0 ? 1 : 2, budget % 3 == 0);
                RV_CHECK_PASSED();
            }
        }
        RV_CHECK(whole);
        p.budget = 0;
        RV_CHECK(pair_sync(&p));
        check_same(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* The parts that the edge has are not sent again, while the upstream still has the snapshot. */
RV_TEST(an_interrupted_base_resumes) {
    static const char *const entries[] = {"/accounts/* history none"};
    pair p = based_pair(entries, 1);
    uint64_t random = 9;
    RV_CHECK(pair_feed(&p, &random, 9000, 3000, 20));
    p.edge->batch_bytes = RV_SYNC_BATCH_MIN;
    p.budget = 6;
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    const rv_base_progress before = rv_state_base_progress(rv_node_state(p.leaf.node));
    RV_CHECK(before.under_way && before.parts > 2);
    RV_CHECK(pair_feed(&p, &random, 9, 5, 20)); /* the root goes on meanwhile */
    p.to_edge = 0;
    p.budget = 2; /* the welcome, and one part */
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    rv_base_progress after = rv_state_base_progress(rv_node_state(p.leaf.node));
    RV_CHECK_EQ(after.position, before.position);
    RV_CHECK_EQ(after.parts, before.parts + 1);
    /* after a while it is given up, and the base begins again where the root then is */
    p.now += INT64_C(70000000);
    p.to_edge = 0;
    p.budget = 4;
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    after = rv_state_base_progress(rv_node_state(p.leaf.node));
    RV_CHECK(after.under_way && after.position > before.position);
    RV_CHECK(after.parts < before.parts + 1);
    p.budget = 0;
    RV_CHECK(pair_sync(&p));
    check_same(&p);
    pair_free(&p);
}

/* A part may be larger than an edge takes: it asks for less, as it does for events. */
RV_TEST(a_small_edge_takes_small_parts) {
    static const char *const entries[] = {"/accounts/* history none"};
    pair p = based_pair(entries, 1);
    uint64_t random = 10;
    RV_CHECK(pair_feed(&p, &random, 100, 20, 60));
    static char data[1200];
    static char body[1000];
    memset(body, 'b', sizeof body - 1);
    for (int i = 1; i <= 200; i++) {
        (void)snprintf(data, sizeof data, "{\"note_id\":%d,\"body\":\"%s\"}", i, body);
        RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/7", "noted", data), RV_OK);
    }
    RV_CHECK(fixture_settle(p.root.node));
    RV_CHECK(pair_sync(&p));
    RV_CHECK(p.edge->batch_bytes < RV_SYNC_BATCH_MAX);
    check_same(&p);
    pair_free(&p);
}

/* What an upstream may not send. */
RV_TEST(parts_out_of_turn_are_refused) {
    static const char *const entries[] = {"/accounts/* history none"};
    const struct {
        rv_base_part part;
        rv_status status;
    } cases[] = {
        {{.position = 1, .first = true, .last = true}, RV_PROTOCOL_ERROR}, /* not at W */
        {{.position = 0, .last = true}, RV_PROTOCOL_ERROR},                /* not the first */
        {{.position = 0, .first = true, .items = RV_LITERAL("x")}, RV_PROTOCOL_ERROR},
        {{.position = 0, .first = true}, RV_OK},
        {{.position = 0, .cursor = 7}, RV_OK},
        {{.position = 0, .first = true}, RV_OK},
        {{.position = 0, .last = true}, RV_OK},
        {{.position = 0, .first = true, .last = true}, RV_PROTOCOL_ERROR}, /* it is whole */
    };
    pair p = based_pair(entries, 1);
    const uint8_t id[16] = {1};
    RV_CHECK_STATUS(rv_node_adopt(p.leaf.node, id, 1, 7, NULL), RV_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_status status = RV_PENDING;
        for (int k = 0; k < 1000 && (status == RV_PENDING || status == RV_BUSY); k++) {
            status = rv_node_receive_begin(p.leaf.node, NULL);
            fixture_poll(p.leaf.node);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_STATUS(rv_node_receive_base(p.leaf.node, &cases[i].part, NULL), cases[i].status);
        if (cases[i].status == RV_OK) {
            RV_CHECK_STATUS(rv_node_receive_commit(p.leaf.node, 0, 0, NULL), RV_OK);
        } else {
            rv_node_receive_cancel(p.leaf.node);
        }
        RV_CHECK_PASSED();
    }
    RV_CHECK(rv_node_whole(p.leaf.node));
    RV_CHECK(fixture_settle(p.leaf.node));
    reopen(&p, entries, 1, true);
    RV_CHECK(rv_node_whole(p.leaf.node));
    pair_free(&p);
}

RV_TEST(aggregates_come_as_rows_and_their_changes) {
    static const char *const selections[][3] = {
        {"aggregate account where balance > 300 and id < 15", NULL, NULL},
        {"aggregate account", NULL, NULL},
        {"aggregate account where balance > 300", "/accounts/3", NULL},
        {"aggregate account where balance > 300", "/accounts/* history none", "/accounts/5"},
        {"aggregate note where account_id = 3", "/accounts/4", NULL},
    };
    for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++) {
        const size_t count = selections[i][1] == NULL ? 1 : selections[i][2] == NULL ? 2 : 3;
        pair p = based_pair(selections[i], count);
        uint64_t random = i + 1;
        RV_CHECK(feed_given(&p, &random, 300));
        RV_CHECK_STATUS(
            fixture_append(&p.root, "/accounts/3", "noted", "{\"note_id\":1,\"body\":\"a\"}"),
            RV_OK);
        RV_CHECK(fixture_settle(p.root.node));
        RV_CHECK(pair_sync(&p));
        check_given(&p);
        RV_CHECK_PASSED();
        for (int round = 0; round < 30; round++) {
            RV_CHECK(feed_given(&p, &random, 1 + round * 3));
            for (int k = 0; k < round; k++) { /* the root goes on while messages are under way */
                (void)pair_step(&p);
                RV_CHECK(feed_given(&p, &random, k % 3));
            }
            char note[64];
            (void)snprintf(note, sizeof note, "{\"note_id\":%d,\"body\":\"a\"}", 100 + round);
            RV_CHECK_STATUS(fixture_append(&p.root, round % 2 == 0 ? "/accounts/3" : "/accounts/4",
                                           "noted", note),
                            RV_OK);
            RV_CHECK(fixture_settle(p.root.node));
            pair_run(&p);
            check_given(&p);
            RV_CHECK_PASSED();
            if (round % 7 == 6) { /* a break, after which the changes are still known */
                pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
                RV_CHECK(feed_given(&p, &random, 20));
                RV_CHECK(pair_sync(&p));
                check_given(&p);
                RV_CHECK_PASSED();
            }
        }
        /* edge and upstream begin anew: what changed meanwhile is not known any more */
        reopen(&p, selections[i], count, i % 2 == 0);
        RV_CHECK_PASSED();
        RV_CHECK(rv_node_whole(p.leaf.node));
        RV_CHECK(feed_given(&p, &random, 20));
        RV_CHECK(pair_sync(&p));
        check_given(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* What waits does nothing to rows that are given, so what it creates is not seen by what is written
 * next, which must be left to the root. */
RV_TEST(what_waits_refers_to_what_waits_of_a_selected_aggregate) {
    static const char *const entries[] = {"aggregate account", "/accounts/*"};
    pair p = based_pair(entries, 2);
    uint64_t random = 5;
    RV_CHECK(pair_feed(&p, &random, 50, 20, 5));
    RV_CHECK(pair_sync(&p));
    static const char *const types[] = {"account_opened", "noted"};
    static const char *const data[] = {"{\"name\":\"a\"}", "{\"note_id\":7777}"};
    for (int i = 0; i < 2; i++) {
        const rv_append append = fixture_event("/accounts/900", types[i], data[i]);
        const rv_writes writes = {.events = &append, .count = 1};
        rv_event result;
        rv_written written = {.edge_sequence = 0};
        rv_status status = RV_PENDING;
        for (int n = 0; n < FIXTURE_POLLS_MAX && status == RV_PENDING; n++) {
            status = rv_node_write(p.leaf.node, &writes, &result, &written, &p.leaf.err);
            fixture_poll(p.leaf.node);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK(written.unchecked);
    }
    pair_free(&p);
}

/* What an edge that was whole and is not says of itself, wherever it is cut and stopped. */
RV_TEST(an_edge_that_was_away_too_long_becomes_whole_again) {
    static const char *const entries[] = {"aggregate account where balance > 100",
                                          "/accounts/3 history none", "/accounts/4"};
    for (uint64_t budget = 2; budget < 9; budget++) {
        pair p = based_pair(entries, 3);
        uint64_t random = budget;
        RV_CHECK(feed_given(&p, &random, 200));
        RV_CHECK(pair_sync(&p));
        check_given(&p);
        RV_CHECK_PASSED();
        RV_CHECK(fixture_settle(p.leaf.node));
        reopen(&p, entries, 3, true);
        RV_CHECK(feed_given(&p, &random, 30));
        bool was_not_whole = false;
        for (int i = 0; i < 8; i++) {
            p.to_edge = 0;
            p.budget = budget;
            RV_CHECK(pair_connect(&p));
            pair_run(&p);
            pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
            was_not_whole = was_not_whole || !rv_node_whole(p.leaf.node);
            RV_CHECK(fixture_settle(p.leaf.node));
            if (i % 2 == 0) {
                const bool whole = rv_node_whole(p.leaf.node);
                const uint64_t w = rv_node_watermark(p.leaf.node);
                reopen(&p, entries, 3, i % 4 == 0);
                RV_CHECK_PASSED();
                RV_CHECK_EQ(rv_node_whole(p.leaf.node), whole);
                RV_CHECK_EQ(rv_node_watermark(p.leaf.node), w);
            }
            RV_CHECK(feed_given(&p, &random, 3));
        }
        RV_CHECK(was_not_whole || budget > 3);
        p.budget = 0;
        RV_CHECK(pair_sync(&p));
        check_given(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* So many changes while the edge is away that the first ones are not kept. */
RV_TEST(changes_that_the_upstream_has_forgotten) {
    static const char *const entries[] = {"aggregate account"};
    pair p = based_pair(entries, 1);
    uint64_t random = 5;
    RV_CHECK(pair_feed(&p, &random, 100, 20, 5));
    RV_CHECK(pair_sync(&p));
    check_given(&p);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK(pair_feed(&p, &random, 12000, 20, 20));
    RV_CHECK(p.shared->changes.first > 1000);
    RV_CHECK(pair_sync(&p));
    check_given(&p);
    pair_free(&p);
}

/* The same while the edge is connected, right behind its base: the snapshot of that is young, and
 * of no use, as what changed behind it is gone. */
RV_TEST(a_base_behind_which_changes_are_gone_is_not_sent_again) {
    static const char *const entries[] = {"aggregate account", "/accounts/* history none"};
    pair p = based_pair(entries, 2);
    uint64_t random = 5;
    RV_CHECK(pair_feed(&p, &random, 100, 20, 5));
    RV_CHECK(pair_sync(&p));
    const uint64_t told = p.to_edge;
    RV_CHECK(pair_feed(&p, &random, 6000, 20, 20));
    RV_CHECK(p.shared->changes.first > 100);
    RV_CHECK(rv_state_base_alive(rv_node_state(p.root.node), &p.shared->snapshots[0].source));
    pair_run(&p);
    check_given(&p);
    RV_CHECK_EQ(p.shared->snapshots[0].users + p.shared->snapshots[1].users, 0);
    RV_CHECK(p.to_edge - told < 12);
    pair_free(&p);
}

/* Lets the edge's disk, and its connection, go on for a while. */
static void let_pass(pair *p, rv_sim_disk *disk, uint64_t us) {
    for (uint64_t at = 0; at < us; at += 1000) {
        rv_sim_disk_advance(disk, 1000);
        p->now += 1000;
        (void)pair_step(p);
    }
}

/* The edge's disk is slow, so that W without an event, and then the base, wait inside; they are
 * taken in this order. The base alone would be out of turn. */
RV_TEST(a_base_waits_behind_the_progress_before_it) {
    static const char *const entries[] = {"/accounts/* history none"};
    const rv_sim_disk_options options = {
        .seed = 1,
        .now = INT64_C(1700000000000000),
        .faults = {.pending_percent = 100, .latency_us_max = 1000}};
    const size_t size = (size_t)64 << 20;
    uint8_t *const memory = malloc(size);
    rv_sim_disk *const disk = rv_sim_disk_create(memory, size, &options);
    pair p = based_pair(entries, 1);
    const rv_bytes text = rv_bytes_of_string(entries[0]);
    const rv_node_options edge = {.host = rv_sim_disk_interface(disk),
                                  .memory = p.leaf.node_memory,
                                  .memory_size = FIXTURE_NODE_MEMORY,
                                  .role = RV_ROLE_EDGE,
                                  .patterns = &text,
                                  .pattern_count = 1};
    RV_CHECK_STATUS(rv_node_create(&p.leaf.node, &edge, NULL), RV_OK);
    for (int i = 0; i < 100 && rv_node_open(p.leaf.node, NULL) == RV_PENDING; i++) {
        rv_sim_disk_advance(disk, 1000);
        fixture_poll(p.leaf.node);
    }
    pair_start(&p);
    uint64_t random = 5;
    RV_CHECK(pair_feed(&p, &random, 200, 20, 5));
    RV_CHECK(pair_connect(&p));
    /* the first segment of the edge's log is being made, which does not end */
    for (int i = 0; i < 1000 && p.session != NULL && p.edge->queue_end == 0; i++) {
        p.now += 1000;
        (void)pair_step(&p);
    }
    RV_CHECK(p.edge->queue_end > 0 && p.edge->has_current);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), 0);
    let_pass(&p, disk, 500000);
    RV_CHECK(p.session != NULL);
    check_same(&p);
    pair_free(&p);
    free(memory);
}

/* From one selection to the next, with breaks and crashes on the way: what is shown is the old one,
 * whole, until it is the new one, whole. */
RV_TEST(a_selection_changes_whole) {
    static const char *const steps[][3] = {
        {"/accounts/3", "/accounts/4", NULL},
        {"/accounts/3", NULL, NULL}, /* less */
        {"/accounts/3", "/accounts/* history none", NULL},
        {"/accounts/7 history none", NULL, NULL},
        {"aggregate account where balance > 200", "/accounts/7 history none", NULL},
        {"aggregate account where balance < 200", NULL, NULL},
        {"/accounts/* history none", "aggregate note", NULL}, /* rows of streams again */
        {"/accounts/* history none", NULL, NULL},
    };
    for (uint64_t budget = 0; budget < 9; budget++) {
        pair p = based_pair(steps[0], 2);
        uint64_t random = budget + 1;
        RV_CHECK(feed_given(&p, &random, 300));
        RV_CHECK(pair_sync(&p));
        check_given(&p);
        RV_CHECK_PASSED();
        for (size_t i = 1; i < sizeof steps / sizeof steps[0]; i++) {
            const size_t count = steps[i][1] == NULL ? 1 : 2;
            rv_selection before = *rv_node_selection(p.leaf.node);
            const size_t was = before.count;
            RV_CHECK(fixture_settle(p.leaf.node));
            reopen(&p, steps[i], count, (budget + i) % 2 == 0);
            RV_CHECK_PASSED();
            RV_CHECK_EQ(rv_node_selection(p.leaf.node)->count, was);
            RV_CHECK(rv_node_whole(p.leaf.node));
            for (int k = 0; k < 4 && budget > 1; k++) {
                RV_CHECK(feed_given(&p, &random, 5));
                p.to_edge = 0;
                p.budget = budget;
                RV_CHECK(pair_connect(&p));
                pair_run(&p);
                pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
                RV_CHECK(fixture_settle(p.leaf.node));
                if (k % 2 == 1) {
                    reopen(&p, steps[i], count, k == 1);
                    RV_CHECK_PASSED();
                }
            }
            p.budget = 0;
            RV_CHECK(pair_sync(&p));
            RV_CHECK(rv_selection_equal(rv_node_selection(p.leaf.node),
                                        rv_node_selection_wanted(p.leaf.node)));
            check_given(&p);
            RV_CHECK_PASSED();
            RV_CHECK(feed_given(&p, &random, 20));
            pair_run(&p);
            check_given(&p);
            RV_CHECK_PASSED();
        }
        /* and all of it once more from the log alone */
        RV_CHECK(fixture_settle(p.leaf.node));
        const rv_hash128 hash = rv_node_state_hash(p.leaf.node);
        reopen(&p, NULL, 0, true);
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.leaf.node), hash));
        RV_CHECK(rv_node_whole(p.leaf.node));
        pair_free(&p);
    }
}

/* While nothing of the new selection has come, the old one is there, offline too. */
RV_TEST(the_old_selection_is_shown_until_the_new_one_is_there) {
    static const char *const entries[] = {"/accounts/3", "/accounts/5"};
    static const char *const others[] = {"/accounts/3", "/accounts/* history none"};
    pair p = based_pair(entries, 2);
    uint64_t random = 8;
    RV_CHECK(feed_given(&p, &random, 300));
    RV_CHECK(pair_sync(&p));
    check_given(&p);
    RV_CHECK(fixture_settle(p.leaf.node));
    const rv_hash128 hash = rv_node_state_hash(p.leaf.node);
    reopen(&p, others, 2, true);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.leaf.node), hash));
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 2);
    p.edge->batch_bytes = 400; /* of some ten parts */
    RV_CHECK(pair_connect(&p));
    for (int i = 0; i < 1000 && !rv_state_base_progress(rv_node_state(p.leaf.node)).under_way;
         i++) {
        (void)pair_step(&p);
        p.now += 1000;
    }
    RV_CHECK(rv_state_base_progress(rv_node_state(p.leaf.node)).under_way);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.leaf.node), hash));
    RV_CHECK(rv_node_whole(p.leaf.node));
    pair_run(&p);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 20);
    check_given(&p);
    pair_free(&p);
}

int main(void) {
    RV_RUN(streams_without_history_begin_with_their_rows);
    RV_RUN(some_with_and_some_without_history);
    RV_RUN(an_empty_root_gives_an_empty_base);
    RV_RUN(a_base_that_is_cut_goes_on);
    RV_RUN(an_interrupted_base_resumes);
    RV_RUN(a_small_edge_takes_small_parts);
    RV_RUN(parts_out_of_turn_are_refused);
    RV_RUN(aggregates_come_as_rows_and_their_changes);
    RV_RUN(what_waits_refers_to_what_waits_of_a_selected_aggregate);
    RV_RUN(an_edge_that_was_away_too_long_becomes_whole_again);
    RV_RUN(changes_that_the_upstream_has_forgotten);
    RV_RUN(a_base_behind_which_changes_are_gone_is_not_sent_again);
    RV_RUN(a_base_waits_behind_the_progress_before_it);
    RV_RUN(a_selection_changes_whole);
    RV_RUN(the_old_selection_is_shown_until_the_new_one_is_there);
    fixture_checkpoint_growth = 1;
    RV_RUN(streams_without_history_begin_with_their_rows);
    RV_RUN(a_base_that_is_cut_goes_on);
    RV_RUN(aggregates_come_as_rows_and_their_changes);
    RV_RUN(what_waits_refers_to_what_waits_of_a_selected_aggregate);
    RV_RUN(an_edge_that_was_away_too_long_becomes_whole_again);
    RV_RUN(a_selection_changes_whole);
    return rv_test_done();
}
