/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: entries of a selection that are given up, by the application or since a right was taken,
 * are gone at once: the edge is whole at its W without them, on- and offline, and needs nothing for
 * it; whatever becomes of the right meanwhile, nothing that it holds has a gap. The log alone says
 * the same. Method: a root and an edge (followed.h) under a random workload, compared by the root's
 * hash of what is selected; the connection is cut where a gap would begin.
 */
#include "core/engine/internal.h"
#include "tests/unit/sync/followed.h"
#include "tests/unit/tokens.h"

static const char *const both[] = {"/accounts/1", "/accounts/2"};

static bool settled(const pair *p) {
    return rv_selection_equal(rv_node_selection(p->leaf.node),
                              rv_node_selection_wanted(p->leaf.node));
}

static size_t held_count(const pair *p) {
    return rv_node_selection(p->leaf.node)->count;
}

static uint64_t bytes_received(const pair *p) {
    rv_edge_status status;
    rv_edge_status_of(p->edge, &status);
    return status.bytes_received;
}

/* An event of an account that is there. */
static bool deposit(pair *p, const char *path) {
    return fixture_append(&p->root, path, "deposited", "{\"amount\":1}") == RV_OK;
}

/* Twenty accounts that the edge selects by these entries, connected. */
static pair begin(const char *const *entries, size_t count) {
    pair p = based_pair(entries, count);
    for (int i = 1; i <= 20; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/accounts/%d", i);
        if (fixture_append(&p.root, path, "account_opened", "{\"name\":\"n\"}") != RV_OK) {
            abort();
        }
    }
    return p;
}

/* Connects again whenever the edge wants to, until it stays. */
static bool join(pair *p) {
    for (int i = 0; i < 12 && p->session == NULL; i++) {
        (void)rv_edge_wants_token(p->edge, p->now);
        if (pair_connect(p)) {
            pair_run(p);
        }
    }
    return p->session != NULL;
}

/* Until nothing that was given up is in the files. */
static bool purge(pair *p) {
    for (int i = 0; i < 2000 && rv_node_purge_of(p->leaf.node).due; i++) {
        (void)pair_step(p);
    }
    return !rv_node_purge_of(p->leaf.node).due;
}

/* Until the edge holds what it is to hold, where the root is; `filled`: and its past. */
static bool catch_up(pair *p, bool filled) {
    bool done = false;
    for (int i = 0; i < 20000 && !done; i++) {
        if (p->session == NULL) {
            (void)pair_connect(p);
        }
        (void)pair_step(p);
        p->now += 1000;
        done = settled(p) && rv_node_whole(p->leaf.node) &&
               rv_node_watermark(p->leaf.node) == rv_node_watermark(p->root.node) &&
               !(filled && rv_node_fill_of(p->leaf.node).active);
    }
    return done;
}

RV_TEST(what_is_given_up_is_gone_at_once) {
    for (int connected = 0; connected < 2; connected++) {
        pair p = begin(both, 2);
        uint64_t random = 1;
        uint32_t stream = 0;
        RV_CHECK(feed_given(&p, &random, 200));
        RV_CHECK(pair_sync(&p));
        check_same(&p);
        if (connected == 0) {
            pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        }
        const uint64_t before = bytes_received(&p);
        RV_CHECK_STATUS(select_entries(&p, both + 1, 1), RV_OK);
        RV_CHECK(settled(&p) && rv_node_whole(p.leaf.node));
        check_same(&p);
        RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 1);
        rv_stream_head head;
        RV_CHECK(
            rv_state_stream_find(rv_node_state(p.leaf.node), RV_LITERAL("/accounts/1"), &stream));
        rv_state_stream(rv_node_state(p.leaf.node), stream, &head);
        RV_CHECK_EQ(head.version, 0);
        pair_run(&p);
        RV_CHECK_EQ(p.session == NULL, true); /* the upstream is to know it */
        RV_CHECK(join(&p));
        RV_CHECK(bytes_received(&p) - before < 200); /* a welcome, and no row */
        RV_CHECK(deposit(&p, "/accounts/1") && deposit(&p, "/accounts/2"));
        pair_run(&p);
        check_same(&p);
        RV_CHECK_PASSED();
        /* the log alone says the same */
        RV_CHECK(fixture_settle(p.leaf.node));
        reopen(&p, NULL, 0, true);
        check_same(&p);
        RV_CHECK_PASSED();
        /* and it comes back, with its past when what there was has left the files */
        RV_CHECK(join(&p));
        RV_CHECK_STATUS(select_entries(&p, both, 2), RV_OK);
        for (int i = 0; i < 3000 && (!settled(&p) || rv_node_fill_of(p.leaf.node).active); i++) {
            (void)pair_step(&p);
            p.now += 1000;
        }
        RV_CHECK(settled(&p) && !rv_node_fill_of(p.leaf.node).active);
        pair_run(&p);
        check_same(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* Writes one event at the edge. */
static rv_status write_one(pair *p, const char *path, const char *type, const char *data) {
    const rv_append event = {.path = rv_bytes_of_string(path),
                             .type = rv_bytes_of_string(type),
                             .data = rv_bytes_of_string(data)};
    const rv_writes writes = {.events = &event, .count = 1};
    rv_written written;
    rv_event result;
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && status == RV_PENDING; i++) {
        status = rv_node_write(p->leaf.node, &writes, &result, &written, NULL);
        (void)fixture_settle(p->leaf.node);
    }
    return status;
}

/* What was written there waits, and is shown no more (SEMANTICS 10, 19), in this process and the
 * next; the root has it in the end. */
RV_TEST(what_waits_in_what_is_given_up_is_not_shown) {
    static const char *const entries[] = {"/accounts/30", "/accounts/2"};
    pair p = begin(entries, 2);
    RV_CHECK(pair_sync(&p));
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(write_one(&p, "/accounts/30", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    RV_CHECK_STATUS(write_one(&p, "/accounts/2", "deposited", "{\"amount\":3}"), RV_OK);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 2);
    RV_CHECK_STATUS(select_entries(&p, entries + 1, 1), RV_OK);
    RV_CHECK(settled(&p));
    for (int again = 0; again < 2; again++) {
        uint32_t stream = 0;
        rv_stream_head head = {.version = 0};
        rv_outbox_lay_due(p.leaf.node);
        RV_CHECK_EQ(rv_node_outbox(p.leaf.node).pending, 2);
        RV_CHECK_EQ(rv_node_outbox(p.leaf.node).suspended, 0);
        RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 1);
        if (rv_state_stream_find(rv_node_state(p.leaf.node), RV_LITERAL("/accounts/30"), &stream)) {
            rv_state_stream(rv_node_state(p.leaf.node), stream, &head);
        }
        RV_CHECK_EQ(head.version, 0);
        RV_CHECK(fixture_settle(p.leaf.node));
        reopen(&p, NULL, 0, true);
    }
    RV_CHECK(join(&p));
    for (int i = 0; i < 3000 && rv_node_outbox(p.leaf.node).pending > 0; i++) {
        (void)pair_step(&p);
        p.now += 1000;
    }
    RV_CHECK_EQ(rv_node_outbox(p.leaf.node).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(p.leaf.node).rejections, 0);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.root.node), 0), 21);
    check_same(&p);
    pair_free(&p);
}

static void remove_checkpoints(const pair *p) {
    static rv_file_name names[64];
    const rv_host host = rv_memory_host_interface(p->leaf.storage);
    rv_io_result r;
    (void)host.ops->list(host.ctx, 1, names, 64, &r);
    const uint64_t count = r.count;
    for (uint64_t i = 0; i < count; i++) {
        if (strncmp(names[i].text, "ckp-", 4) == 0) {
            (void)host.ops->remove(host.ctx, 1, names[i].text, &r);
            RV_CHECK_STATUS(r.status, RV_OK);
        }
    }
}

/* With a base before it, and one behind; given up in two steps. */
RV_TEST(the_log_alone_knows_it_when_it_is_purged) {
    static const char *const entries[] = {"/accounts/2", "/accounts/1", "/accounts/3 history none"};
    pair p = begin(entries, 3);
    uint64_t random = 4;
    RV_CHECK(feed_given(&p, &random, 100));
    RV_CHECK(pair_sync(&p));
    RV_CHECK(feed_given(&p, &random, 100));
    RV_CHECK(catch_up(&p, true));
    for (size_t left = 2; left > 0; left--) {
        RV_CHECK_STATUS(select_entries(&p, entries, left), RV_OK);
        for (int i = 0; i < 3; i++) { /* a segment that ends has events */
            RV_CHECK(deposit(&p, "/accounts/2"));
            RV_CHECK(catch_up(&p, true));
        }
        RV_CHECK(purge(&p));
        RV_CHECK(fixture_settle(p.leaf.node));
        const uint64_t w = rv_node_watermark(p.leaf.node);
        remove_checkpoints(&p);
        reopen(&p, NULL, 0, true);
        RV_CHECK_EQ(rv_node_watermark(p.leaf.node), w);
        check_same(&p);
        RV_CHECK_PASSED();
        RV_CHECK(join(&p));
    }
    pair_free(&p);
}

/* Rows that stay were folded from events that an entry brought which is given up: where entries
 * overlap, all of the history wins. What made them stays in the log, as far as it is of streams
 * that are held. As in the simulator's seed 8837. */
RV_TEST(what_made_rows_that_stay_stays) {
    static const char *const overlaps[][2] = {{"/accounts/3 history none", "/accounts/**"},
                                              {"/accounts/* history none", "/accounts/3"},
                                              {"/*/3 history none", "/accounts/*"}};
    for (size_t i = 0; i < sizeof overlaps / sizeof overlaps[0]; i++) {
        pair p = begin(overlaps[i], 2);
        uint64_t random = 6;
        RV_CHECK(feed_given(&p, &random, 100));
        RV_CHECK(catch_up(&p, true));
        RV_CHECK_STATUS(select_entries(&p, overlaps[i], 1), RV_OK);
        RV_CHECK(settled(&p) && rv_node_whole(p.leaf.node));
        for (int k = 0; k < 3; k++) { /* a segment that ends has events */
            RV_CHECK(deposit(&p, "/accounts/3"));
            RV_CHECK(catch_up(&p, true));
        }
        RV_CHECK(purge(&p));
        RV_CHECK(fixture_settle(p.leaf.node));
        remove_checkpoints(&p);
        reopen(&p, NULL, 0, true);
        check_same(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* A root holds everything: a log that says otherwise is damaged, and ends there for readers. */
RV_TEST(a_root_gives_nothing_up) {
    pair p = begin(both, 2);
    rv_writer body;
    const uint64_t w = rv_node_watermark(p.root.node);
    RV_CHECK_STATUS(rv_node_ledger_begin(p.root.node, &body, &p.root.err), RV_OK);
    rv_record_write(&body, RV_RECORD_SELECTION, RV_RECORD_SELECTION_NARROWS,
                    RV_LITERAL("\x0b/accounts/1"), (rv_bytes){NULL, 0});
    rv_node_ledger_commit(p.root.node, &body, NULL);
    RV_CHECK(fixture_settle(p.root.node));
    rv_memory_host_reopen(p.root.storage);
    RV_CHECK_STATUS(fixture_open(&p.root, RV_ROLE_ROOT, NULL), RV_DATA_DAMAGED);
    RV_CHECK_EQ(rv_node_watermark(p.root.node), w);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.root.node), 0), 20);
    pair_free(&p);
}

/* Rows of an aggregate that were given and are to be folded are not there to be kept: that takes a
 * base. They stay as they are when a stream is given up. */
RV_TEST(rows_that_were_given_are_not_folded_at_once) {
    static const char *const given[] = {"/accounts/*", "/notes/*", "aggregate account"};
    static const char *const rows[] = {"/accounts/*", "aggregate account"};
    pair p = begin(given, 3);
    uint64_t random = 2;
    RV_CHECK(feed_given(&p, &random, 100));
    RV_CHECK(pair_sync(&p));
    check_given(&p);
    RV_CHECK_STATUS(select_entries(&p, rows, 2), RV_OK);
    RV_CHECK(settled(&p));
    check_given(&p);
    RV_CHECK(feed_given(&p, &random, 100));
    RV_CHECK(catch_up(&p, true));
    check_given(&p);
    RV_CHECK_STATUS(select_entries(&p, rows, 1), RV_OK);
    RV_CHECK(!settled(&p));
    check_given(&p);
    RV_CHECK(catch_up(&p, true));
    check_same(&p);
    pair_free(&p);
}

/* Both accounts may be read, or the second alone. */
static rv_status may_read(pair *p, bool all) {
    return tokens_put(p->root.node, "ada", "adas", all ? "/accounts/*" : "/accounts/2", "", "", 0);
}

static pair begin_with_rights(const char *const *entries, size_t count) {
    pair p = begin(entries, count);
    if (tokens_put(p.root.node, "root", "admin", "", "", "a", 0) != RV_OK ||
        may_read(&p, true) != RV_OK) {
        abort();
    }
    rv_edge_set_token(p.edge, RV_LITERAL("adas"), p.now);
    return p;
}

/* The right to an account is taken; W moves, since there are events of both; the connection is cut
 * before anything else could come, and the right is given back. */
RV_TEST(a_right_that_is_given_back_leaves_no_gap) {
    for (uint64_t messages = 1; messages <= 12; messages++) {
        pair p = begin_with_rights(both, 2);
        RV_CHECK(join(&p));
        check_same(&p);
        RV_CHECK_STATUS(may_read(&p, false), RV_OK);
        pair_run(&p);
        RV_CHECK(deposit(&p, "/accounts/1") && deposit(&p, "/accounts/2"));
        p.budget = p.to_edge + messages;
        for (int i = 0; i < 4 && p.to_edge < p.budget; i++) {
            if (p.session != NULL || pair_connect(&p)) {
                pair_run(&p);
            }
        }
        p.budget = 0;
        pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        RV_CHECK_STATUS(may_read(&p, true), RV_OK);
        RV_CHECK_STATUS(select_entries(&p, both, 2), RV_OK);
        RV_CHECK(deposit(&p, "/accounts/1") && deposit(&p, "/accounts/2"));
        RV_CHECK(join(&p));
        pair_run(&p);
        RV_CHECK(settled(&p) && held_count(&p) == 2);
        check_same(&p);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* What is held is forbidden, all of it, and something else is wanted that is not. */
RV_TEST(nothing_may_be_held_for_a_while) {
    pair p = begin_with_rights(both, 1);
    RV_CHECK(join(&p));
    check_same(&p);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(may_read(&p, false), RV_OK);
    RV_CHECK(deposit(&p, "/accounts/1") && deposit(&p, "/accounts/2"));
    RV_CHECK_STATUS(select_entries(&p, both + 1, 1), RV_OK);
    RV_CHECK(!settled(&p));
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    RV_CHECK(p.session == NULL && rv_edge_wants_connection(p.edge, p.now)); /* it gave it up */
    RV_CHECK_EQ(held_count(&p), 0);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 0);
    RV_CHECK(fixture_settle(p.leaf.node));
    reopen(&p, NULL, 0, true);
    RV_CHECK_EQ(held_count(&p), 0);
    rv_edge_set_token(p.edge, RV_LITERAL("adas"), p.now);
    RV_CHECK(join(&p));
    pair_run(&p);
    RV_CHECK(settled(&p));
    check_same(&p);
    pair_free(&p);
}

/* While a past is filled in nothing else is asked for; a right that is taken counts at once. */
RV_TEST(a_right_is_taken_while_the_past_is_filled_in) {
    for (int taken = 0; taken < 12; taken++) {
        static const char *const third[] = {"/accounts/3"};
        pair p = begin_with_rights(third, 1);
        uint64_t random = 3;
        RV_CHECK(feed_given(&p, &random, 400));
        RV_CHECK(join(&p));
        p.edge->batch_bytes = 300;
        RV_CHECK_STATUS(select_entries(&p, both, 2), RV_OK);
        for (int i = 0; i < 4000 && !rv_node_fill_of(p.leaf.node).active; i++) {
            (void)pair_step(&p);
            p.now += 1000;
        }
        RV_CHECK(rv_node_fill_of(p.leaf.node).active);
        for (int i = 0; i < taken; i++) {
            (void)pair_step(&p);
        }
        RV_CHECK_STATUS(may_read(&p, false), RV_OK);
        RV_CHECK(deposit(&p, "/accounts/1") && deposit(&p, "/accounts/2"));
        pair_run(&p);
        RV_CHECK(join(&p));
        for (int i = 0; i < 4000 && rv_node_fill_of(p.leaf.node).active; i++) {
            (void)pair_step(&p);
            p.now += 1000;
        }
        RV_CHECK(!rv_node_fill_of(p.leaf.node).active && purge(&p));
        pair_run(&p);
        RV_CHECK(settled(&p) && held_count(&p) == 1);
        check_same(&p);
        memset(seen, 0, sizeof seen);
        uint64_t next = 1;
        follow(&p, &next);
        check_seen(&p, "/accounts/2", 1);
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

/* A selection that is wanted again in the moment in which its refusal arrives is asked for again
 * (seeds 3140 and 8471 of the simulator). */
RV_TEST(what_is_wanted_again_is_not_given_up_for_an_old_refusal) {
    pair p = begin_with_rights(both + 1, 1);
    rv_bytes message;
    RV_CHECK_STATUS(may_read(&p, false), RV_OK);
    RV_CHECK(join(&p));
    RV_CHECK_STATUS(select_entries(&p, both, 2), RV_OK);
    RV_CHECK(rv_edge_send(p.edge, p.now, &message));
    RV_CHECK_STATUS(rv_upstream_receive(p.session, message, p.now, NULL), RV_OK);
    RV_CHECK_STATUS(may_read(&p, true), RV_OK); /* the refusal is under way */
    RV_CHECK_STATUS(
        rv_node_select(p.leaf.node,
                       (const rv_bytes[]){RV_LITERAL("/accounts/1"), RV_LITERAL("/accounts/2")}, 2,
                       &p.err),
        RV_OK);
    pair_run(&p);
    RV_CHECK(settled(&p) && held_count(&p) == 2);
    check_same(&p);
    pair_free(&p);
}

/* Entries come and go at random, offline and in the middle of bases and pasts too. */
RV_TEST(entries_come_and_go_at_any_moment) {
    static const char *const entries[] = {"/accounts/1", "/accounts/2 history none", "/accounts/3",
                                          "aggregate note"};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t random = seed;
        pair p = begin(entries, 4);
        RV_CHECK(feed_given(&p, &random, 100));
        RV_CHECK(join(&p));
        for (int turn = 0; turn < 14; turn++) {
            const char *some[4];
            size_t count = 0;
            const uint64_t which = 1 + rv_test_random(&random) % 15;
            for (size_t i = 0; i < 4; i++) {
                if ((which >> i & 1u) != 0) {
                    some[count++] = entries[i];
                }
            }
            RV_CHECK_STATUS(select_entries(&p, some, count), RV_OK);
            p.edge->batch_bytes = 400;
            const int moves = (int)(rv_test_random(&random) % 40);
            for (int k = 0; k < moves; k++) {
                if (p.session == NULL && rv_test_random(&random) % 8 == 0) {
                    RV_CHECK(pair_connect(&p));
                }
                (void)pair_step(&p);
                p.now += 1000;
            }
            RV_CHECK(feed_given(&p, &random, 5));
            const uint64_t chance = rv_test_random(&random) % 8;
            if (chance == 0) {
                RV_CHECK(fixture_settle(p.leaf.node));
                const rv_hash128 hash = rv_node_state_hash(p.leaf.node);
                reopen(&p, NULL, 0, turn % 2 == 0);
                RV_CHECK(!rv_node_whole(p.leaf.node) ||
                         fixture_hashes_equal(rv_node_state_hash(p.leaf.node), hash));
            } else if (chance == 1) {
                pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
            } else if (chance == 2) {
                RV_CHECK(catch_up(&p, false));
                check_given(&p);
            }
            RV_CHECK_PASSED();
        }
        RV_CHECK(catch_up(&p, true));
        check_given(&p);
        if (rv_test_failed) {
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        }
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

int main(void) {
    RV_RUN(what_is_given_up_is_gone_at_once);
    RV_RUN(what_waits_in_what_is_given_up_is_not_shown);
    RV_RUN(the_log_alone_knows_it_when_it_is_purged);
    RV_RUN(what_made_rows_that_stay_stays);
    RV_RUN(a_root_gives_nothing_up);
    RV_RUN(rows_that_were_given_are_not_folded_at_once);
    RV_RUN(a_right_that_is_given_back_leaves_no_gap);
    RV_RUN(nothing_may_be_held_for_a_while);
    RV_RUN(a_right_is_taken_while_the_past_is_filled_in);
    RV_RUN(what_is_wanted_again_is_not_given_up_for_an_old_refusal);
    RV_RUN(entries_come_and_go_at_any_moment);
    return rv_test_done();
}
