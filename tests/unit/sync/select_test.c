/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what an edge is to hold changes while it is connected, as often as one likes, and unless
 * it is only less, with its connection: what it held is shown, whole and at its W, until the new
 * selection is there, in one
 * step; a selection that the upstream refuses changes nothing; it survives crashes and breaks.
 * Method: a root and an edge (based.h) under a random workload, told to hold something else at any
 * moment, in the middle of bases too; compared by the root's hash of the selection.
 */
#include "tests/unit/sync/based.h"

typedef struct wanted {
    const char *entries[3];
} wanted;

static rv_status select_entries(pair *p, const wanted *w) {
    rv_bytes texts[3];
    size_t count = 0;
    for (; count < 3 && w->entries[count] != NULL; count++) {
        texts[count] = rv_bytes_of_string(w->entries[count]);
    }
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(p->leaf.node, texts, count, &p->leaf.err);
        if (status == RV_PENDING || status == RV_BUSY) {
            (void)pair_step(p);
        }
    }
    return status;
}

static bool settled(const pair *p) {
    return rv_selection_equal(rv_node_selection(p->leaf.node),
                              rv_node_selection_wanted(p->leaf.node));
}

/* What has to leave the files before a past is filled in takes polls, not messages. */
static bool settle(pair *p) {
    pair_run(p);
    for (int i = 0; i < 50 && !settled(p); i++) {
        pair_run(p);
    }
    return settled(p);
}

static const wanted steps[] = {
    {{"/accounts/3", "/accounts/4"}},
    {{"/accounts/3"}},
    {{"/accounts/3", "/accounts/* history none"}},
    {{"/accounts/7 history none"}},
    {{"aggregate account where balance > 200", "/accounts/7 history none"}},
    {{"aggregate account where balance < 200"}},
    {{"aggregate account", "aggregate note"}},
    {{"/accounts/* history none", "aggregate note"}},
    {{"/accounts/* history none"}},
    {{"/accounts/5 history none"}},
};
#define STEPS (sizeof steps / sizeof steps[0])

RV_TEST(a_connected_edge_takes_another_selection) {
    pair p = based_pair(steps[0].entries, 2);
    uint64_t random = 1;
    RV_CHECK(feed_given(&p, &random, 300));
    RV_CHECK(pair_sync(&p));
    check_given(&p);
    RV_CHECK_PASSED();
    for (size_t i = 1; i < STEPS; i++) {
        const rv_upstream *const session = p.session;
        const bool less = i == 1; /* nothing is to come: it is held at once (narrow_test.c) */
        RV_CHECK_STATUS(select_entries(&p, &steps[i]), RV_OK);
        RV_CHECK_EQ(settled(&p), less);
        p.edge->batch_bytes = 400;
        for (int k = 0; k < 300 && !settled(&p); k++) { /* shown whole, all the time */
            (void)pair_step(&p);
            p.now += 1000;
            RV_CHECK(rv_node_whole(p.leaf.node));
            RV_CHECK(k % 7 != 3 || feed_given(&p, &random, 2));
        }
        RV_CHECK(settled(&p));
        pair_run(&p);
        RV_CHECK(!less || pair_sync(&p));
        check_given(&p);
        RV_CHECK_PASSED();
        RV_CHECK(feed_given(&p, &random, 40));
        pair_run(&p);
        check_given(&p);
        RV_CHECK_PASSED();
        RV_CHECK(less || p.session == session);
    }
    /* and all of it once more from the log alone */
    RV_CHECK(fixture_settle(p.leaf.node));
    const rv_hash128 hash = rv_node_state_hash(p.leaf.node);
    reopen(&p, NULL, 0, true);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.leaf.node), hash));
    RV_CHECK(settled(&p) && rv_node_whole(p.leaf.node));
    pair_free(&p);
}

/* Before its first contact a node takes another selection at once; the hello that is under way has
 * told the one before. `steps_before` counts from that hello; 0: its answer has not come yet. */
RV_TEST(a_selection_may_change_at_any_step_of_the_first_contact) {
    for (int steps_before = 0; steps_before < 12; steps_before++) {
        uint64_t random = 1;
        rv_bytes hello;
        pair p = based_pair(steps[0].entries, 2);
        RV_CHECK(feed_given(&p, &random, 100));
        RV_CHECK(pair_connect(&p));
        RV_CHECK(rv_edge_send(p.edge, p.now, &hello));
        RV_CHECK_STATUS(rv_upstream_receive(p.session, hello, p.now, NULL), RV_OK);
        for (int k = 0; k < steps_before; k++) {
            (void)pair_step(&p);
        }
        RV_CHECK_STATUS(select_entries(&p, &steps[9]), RV_OK);
        for (int k = 0; k < 4; k++) {
            RV_CHECK(p.session != NULL || pair_connect(&p));
            pair_run(&p);
        }
        RV_CHECK(settled(&p) && rv_node_whole(p.leaf.node));
        check_given(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* At any moment, before the one before has come too; with breaks and crashes. What has come must
 * always be one of those that were wanted, as the root has it at W. */
RV_TEST(selections_follow_each_other_at_any_moment) {
    for (uint64_t seed = 1; seed <= 24; seed++) {
        uint64_t random = seed;
        pair p = based_pair(steps[0].entries, 2);
        RV_CHECK(feed_given(&p, &random, 200));
        RV_CHECK(pair_sync(&p));
        for (int turn = 0; turn < 12; turn++) {
            const size_t i = (size_t)(rv_test_random(&random) % STEPS);
            RV_CHECK_STATUS(select_entries(&p, &steps[i]), RV_OK);
            p.edge->batch_bytes = 400;
            const int moves = (int)(rv_test_random(&random) % 30);
            for (int k = 0; k < moves && p.session != NULL; k++) {
                (void)pair_step(&p);
                p.now += 1000;
            }
            RV_CHECK(feed_given(&p, &random, 3));
            const uint64_t chance = rv_test_random(&random) % 8;
            if (chance == 0) {
                RV_CHECK(fixture_settle(p.leaf.node));
                const uint64_t w = rv_node_watermark(p.leaf.node);
                reopen(&p, NULL, 0, turn % 2 == 0);
                RV_CHECK_PASSED();
                RV_CHECK_EQ(rv_node_watermark(p.leaf.node), w);
                RV_CHECK(pair_connect(&p));
            } else if (chance < 3) {
                pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
                RV_CHECK(pair_connect(&p));
            } else if (chance == 3) {
                RV_CHECK(settle(&p));
                check_given(&p);
                RV_CHECK_PASSED();
            }
        }
        if (p.session == NULL) {
            RV_CHECK(pair_connect(&p));
        }
        RV_CHECK(settle(&p) && p.session != NULL);
        check_given(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* What the upstream cannot serve: the edge goes on with what it has, in the same connection. */
RV_TEST(a_refused_selection_changes_nothing) {
    static const wanted refused[] = {{{"aggregate nothing"}},
                                     {{"aggregate account where owner > 3"}}};
    pair p = based_pair(steps[0].entries, 2);
    uint64_t random = 3;
    RV_CHECK(feed_given(&p, &random, 100));
    RV_CHECK(pair_sync(&p));
    for (size_t i = 0; i < 2; i++) {
        const rv_upstream *const session = p.session;
        RV_CHECK_STATUS(select_entries(&p, &refused[i]), RV_OK);
        RV_CHECK(!settled(&p));
        pair_run(&p);
        RV_CHECK(settled(&p) && p.session == session);
        RV_CHECK_STATUS(pair_status(&p).selection_refused.status, RV_SELECTION_INVALID);
        RV_CHECK(feed_given(&p, &random, 20));
        pair_run(&p);
        check_given(&p);
        RV_CHECK_PASSED();
    }
    RV_CHECK_STATUS(select_entries(&p, &steps[4]), RV_OK);
    pair_run(&p);
    RV_CHECK(settled(&p));
    RV_CHECK_STATUS(pair_status(&p).selection_refused.status, RV_OK);
    check_given(&p);
    pair_free(&p);
}

/* The connection ends with each message, at last with the refusal; what is wanted then is not what
 * was refused. */
RV_TEST(a_refusal_is_of_what_was_refused) {
    static const wanted nothing = {{"aggregate nothing"}};
    bool met = false;
    for (uint32_t budget = 1; budget < 20 && !met; budget++) {
        pair p = based_pair(steps[0].entries, 2);
        uint64_t random = 5;
        RV_CHECK(feed_given(&p, &random, 100));
        RV_CHECK(pair_sync(&p));
        RV_CHECK_STATUS(select_entries(&p, &nothing), RV_OK);
        p.to_edge = 0;
        p.budget = budget;
        pair_run(&p);
        p.budget = 0;
        met = p.edge->select.back;
        if (p.session != NULL) {
            pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        }
        RV_CHECK_STATUS(select_entries(&p, &steps[4]), RV_OK);
        RV_CHECK(pair_sync(&p));
        RV_CHECK(settled(&p) && rv_node_selection(p.leaf.node)->count == 2);
        RV_CHECK_TEXT(rv_node_selection(p.leaf.node)->entries[0].name, "account");
        check_given(&p);
        pair_free(&p);
    }
    RV_CHECK(met);
}

/* Offline, and before the first contact; an edge that stopped for its selection begins again. */
RV_TEST(selecting_without_a_connection) {
    static const wanted nothing = {{"aggregate nothing"}};
    pair p = based_pair(steps[0].entries, 2);
    uint64_t random = 4;
    RV_CHECK(feed_given(&p, &random, 100));
    RV_CHECK_STATUS(select_entries(&p, &nothing), RV_OK);
    RV_CHECK(settled(&p)); /* there is no log yet: nothing is held */
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_ERROR);
    RV_CHECK_STATUS(select_entries(&p, &steps[3]), RV_OK);
    RV_CHECK(pair_sync(&p));
    RV_CHECK(settled(&p));
    check_given(&p);
    RV_CHECK_PASSED();
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(select_entries(&p, &steps[8]), RV_OK);
    RV_CHECK(fixture_settle(p.leaf.node));
    reopen(&p, NULL, 0, true); /* the log knows what is wanted */
    RV_CHECK(!settled(&p));
    RV_CHECK(pair_sync(&p));
    RV_CHECK(settled(&p));
    check_given(&p);
    RV_CHECK_PASSED();
    /* what the node is opened with goes before what the log says */
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(select_entries(&p, &steps[9]), RV_OK);
    RV_CHECK(fixture_settle(p.leaf.node));
    reopen(&p, steps[3].entries, 1, false);
    RV_CHECK(pair_sync(&p));
    RV_CHECK(settled(&p));
    RV_CHECK_TEXT(rv_node_selection(p.leaf.node)->entries[0].name, "/accounts/7");
    check_given(&p);
    pair_free(&p);
}

RV_TEST(what_is_no_selection) {
    pair p = based_pair(steps[0].entries, 2);
    static const wanted none = {{NULL}};
    static const wanted bad = {{"/accounts/**/x"}};
    static const wanted history = {{"/accounts/*"}};
    RV_CHECK_STATUS(rv_node_select(p.root.node, NULL, 0, NULL), RV_UNSUPPORTED);
    RV_CHECK_STATUS(select_entries(&p, &none), RV_SELECTION_INVALID);
    RV_CHECK_STATUS(select_entries(&p, &bad), RV_PATH_INVALID);
    RV_CHECK(pair_sync(&p));
    RV_CHECK(settled(&p));
    /* what has just been left comes back */
    RV_CHECK_STATUS(select_entries(&p, &steps[3]), RV_OK);
    pair_run(&p);
    RV_CHECK(settled(&p));
    RV_CHECK_STATUS(select_entries(&p, &history), RV_OK);
    pair_run(&p);
    RV_CHECK(settled(&p));
    RV_CHECK(!rv_node_fill_of(p.leaf.node).active);
    pair_free(&p);
}

/* An upstream that takes no select messages is asked in another connection. */
RV_TEST(an_upstream_of_an_older_version) {
    pair p = based_pair(steps[0].entries, 2);
    uint64_t random = 5;
    RV_CHECK(feed_given(&p, &random, 100));
    RV_CHECK(pair_sync(&p));
    p.edge->select.agreed = false;
    RV_CHECK_STATUS(select_entries(&p, &steps[2]), RV_OK);
    pair_run(&p);
    RV_CHECK(p.session == NULL);
    RV_CHECK(pair_sync(&p));
    RV_CHECK(settled(&p));
    check_given(&p);
    pair_free(&p);
}

/* Messages out of turn, and such as are none. */
RV_TEST(answers_and_questions_out_of_turn) {
    pair p = based_pair(steps[0].entries, 2);
    uint8_t bytes[256];
    RV_CHECK(pair_sync(&p));
    const rv_wire_selected answer = {.number = 1};
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_selected(&w, &answer);
    RV_CHECK_STATUS(rv_edge_receive(p.edge, rv_writer_bytes(&w), p.now, &p.err), RV_PROTOCOL_ERROR);
    pair_cut(&p, RV_PROTOCOL_ERROR);
    static const uint64_t numbers[] = {2, 1, 1};
    for (size_t i = 0; i < 3; i++) { /* not the first; then two of which none was answered */
        if (i < 2) {
            pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
            RV_CHECK(pair_connect(&p));
            pair_run(&p);
        }
        rv_selection selection = {.count = 1};
        selection.entries[0] = (rv_select){.kind = RV_SELECT_STREAMS,
                                           .history = RV_HISTORY_NONE,
                                           .name = RV_LITERAL("/accounts/*")};
        uint8_t binary[64];
        rv_writer b = rv_writer_over(binary, sizeof binary);
        rv_selection_encode(&selection, &b);
        w = rv_writer_over(bytes, sizeof bytes);
        rv_wire_begin_select(&w, numbers[i]);
        rv_write(&w, rv_writer_bytes(&b));
        RV_CHECK_STATUS(rv_upstream_receive(p.session, rv_writer_bytes(&w), p.now, NULL),
                        i == 1 ? RV_OK : RV_PROTOCOL_ERROR);
    }
    pair_free(&p);
}

/* Who has no patterns selects an aggregate, and then asks for a past: its list would lie where what
 * the base is for does. */
RV_TEST(no_past_while_another_selection_is_under_way) {
    pair p = based_pair(steps[0].entries, 2);
    rv_upstream *session = NULL;
    rv_bytes message;
    uint8_t bytes[1024];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    const rv_wire_hello hello = {.version_min = 1,
                                 .version_max = 1,
                                 .features = RV_WIRE_FEATURE_SELECTION,
                                 .credit = 1 << 20,
                                 .batch_bytes = 65536};
    rv_wire_write_hello(&w, &hello);
    RV_CHECK_STATUS(rv_upstream_open(p.shared, p.now, &session, NULL), RV_OK);
    RV_CHECK_STATUS(rv_upstream_receive(session, rv_writer_bytes(&w), p.now, NULL), RV_OK);
    for (int k = 0; k < 20 && rv_upstream_send(session, p.now, &message); k++) {
    }
    rv_wire_selection selection = {.selection.count = 1};
    selection.selection.entries[0] = (rv_select){.kind = RV_SELECT_AGGREGATE,
                                                 .name = RV_LITERAL("account"),
                                                 .filter = RV_LITERAL("balance > 10")};
    w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_selection(&w, &selection);
    RV_CHECK_STATUS(rv_upstream_receive(session, rv_writer_bytes(&w), p.now, NULL), RV_OK);
    uint8_t binary[64];
    rv_writer b = rv_writer_over(binary, sizeof binary);
    rv_selection all = {.count = 1};
    all.entries[0] = (rv_select){.kind = RV_SELECT_STREAMS, .name = RV_LITERAL("/accounts/*")};
    rv_selection_encode(&all, &b);
    const rv_wire_past past = {.all = rv_writer_bytes(&b)};
    w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_past(&w, &past);
    RV_CHECK_STATUS(rv_upstream_receive(session, rv_writer_bytes(&w), p.now, NULL),
                    RV_PROTOCOL_ERROR);
    rv_upstream_close(session);
    RV_CHECK(pair_sync(&p));
    check_given(&p);
    pair_free(&p);
}

/* Two edges that give no credit hold both snapshots: another one that waits gets one of them. */
RV_TEST(edges_that_do_not_get_on_give_way) {
    static const char *const entries[] = {"/accounts/* history none"};
    pair p = based_pair(entries, 1);
    uint64_t random = 6;
    RV_CHECK(feed_given(&p, &random, 200));
    rv_arena memory = rv_arena_over(p.up_memory, PAIR_SYNC_MEMORY);
    const rv_upstream_options options = {.node = p.root.node, .connections_max = 4};
    RV_CHECK_STATUS(rv_upstream_shared_create(&p.shared, &options, &memory, NULL), RV_OK);
    rv_upstream *lazy[2];
    for (int i = 0; i < 2; i++) { /* too far apart to share one */
        rv_bytes message;
        uint8_t bytes[512];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_wire_hello hello = {.version_min = 1,
                               .version_max = 1,
                               .features = RV_WIRE_FEATURE_SELECTION,
                               .credit = 100,
                               .batch_bytes = 100};
        rv_wire_write_hello(&w, &hello);
        RV_CHECK_STATUS(rv_upstream_open(p.shared, p.now, &lazy[i], NULL), RV_OK);
        RV_CHECK_STATUS(rv_upstream_receive(lazy[i], rv_writer_bytes(&w), p.now, NULL), RV_OK);
        w = rv_writer_over(bytes, sizeof bytes);
        rv_wire_selection m = {.selection.count = 1};
        m.selection.entries[0] = (rv_select){.kind = RV_SELECT_STREAMS,
                                             .history = RV_HISTORY_NONE,
                                             .name = RV_LITERAL("/accounts/*")};
        rv_wire_write_selection(&w, &m);
        for (int k = 0; k < 20 && rv_upstream_send(lazy[i], p.now, &message); k++) {
        }
        RV_CHECK_STATUS(rv_upstream_receive(lazy[i], rv_writer_bytes(&w), p.now, NULL), RV_OK);
        for (int k = 0; k < 20; k++) {
            (void)rv_upstream_send(lazy[i], p.now, &message);
            fixture_poll(p.root.node);
        }
        RV_CHECK(lazy[i]->base.phase >= RV_BASE_CATCHING);
        p.now += INT64_C(11000000);
        RV_CHECK(feed_given(&p, &random, 3));
    }
    RV_CHECK(lazy[0]->base.snapshot != lazy[1]->base.snapshot);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    check_same(&p);
    RV_CHECK_EQ(lazy[0]->base.phase, RV_BASE_WANTED);
    RV_CHECK(lazy[1]->base.phase >= RV_BASE_CATCHING); /* not for so long */
    pair_free(&p);
}

int main(void) {
    RV_RUN(a_connected_edge_takes_another_selection);
    RV_RUN(a_selection_may_change_at_any_step_of_the_first_contact);
    RV_RUN(selections_follow_each_other_at_any_moment);
    RV_RUN(a_refused_selection_changes_nothing);
    RV_RUN(a_refusal_is_of_what_was_refused);
    RV_RUN(selecting_without_a_connection);
    RV_RUN(what_is_no_selection);
    RV_RUN(an_upstream_of_an_older_version);
    RV_RUN(answers_and_questions_out_of_turn);
    RV_RUN(no_past_while_another_selection_is_under_way);
    RV_RUN(edges_that_do_not_get_on_give_way);
    fixture_checkpoint_growth = 1;
    RV_RUN(a_connected_edge_takes_another_selection);
    RV_RUN(selections_follow_each_other_at_any_moment);
    RV_RUN(a_refusal_is_of_what_was_refused);
    RV_RUN(selecting_without_a_connection);
    return rv_test_done();
}
