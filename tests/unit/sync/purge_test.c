/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what an edge does not select any more leaves its files, while it goes on; nothing of what
 * is selected is lost or shown twice; the log alone makes the same state; what left can come back.
 * Method: a root and an edge (based.h) under a random workload whose events have marks in them, by
 * which the bytes of the edge's segments are searched; the edge is opened again from its log alone,
 * and compared with the root by the hash of the selection, event by event and version by version.
 */
#include "tests/unit/sync/followed.h"

/* True when a segment has these bytes. */
static bool segments_have(const pair *p, const char *text) {
    static rv_file_name names[256];
    static uint8_t bytes[8 << 20];
    const rv_host host = rv_memory_host_interface(p->leaf.storage);
    const size_t len = strlen(text);
    rv_io_result r;
    bool met = false;
    (void)host.ops->list(host.ctx, 1, names, 256, &r);
    const uint64_t count = r.count;
    RV_ASSERT(count < 256);
    for (uint64_t i = 0; i < count && !met; i++) {
        if (strncmp(names[i].text, "log-", 4) != 0) {
            continue;
        }
        (void)host.ops->open(host.ctx, 1, names[i].text, &r);
        const rv_file file = r.file;
        (void)host.ops->read(host.ctx, 1, file, 0, bytes, sizeof bytes, &r);
        host.ops->close(host.ctx, file);
        for (size_t at = 0; at + len <= r.count && !met; at++) {
            met = memcmp(bytes + at, text, len) == 0;
        }
    }
    return met;
}

/* The number of the oldest. */
static uint64_t oldest_checkpoint(const pair *p, bool removed) {
    static rv_file_name names[256];
    const rv_host host = rv_memory_host_interface(p->leaf.storage);
    rv_io_result r;
    (void)host.ops->list(host.ctx, 1, names, 256, &r);
    const uint64_t count = r.count;
    uint64_t oldest = UINT64_MAX;
    for (uint64_t i = 0; i < count; i++) {
        if (strncmp(names[i].text, "ckp-", 4) == 0) {
            const uint64_t number = strtoull(names[i].text + 4, NULL, 16);
            oldest = number < oldest ? number : oldest;
            r.status = RV_OK;
            if (removed) {
                (void)host.ops->remove(host.ctx, 1, names[i].text, &r);
            }
            RV_ASSERT(r.status == RV_OK);
        }
    }
    return oldest;
}

/* Accounts 1 to 20, with names that tell them; then what feed_given does; the edge's log in many
 * segments. */
static bool open_accounts(pair *p) {
    for (int i = 1; i <= 20; i++) {
        char path[32];
        char data[64];
        (void)snprintf(path, sizeof path, "/accounts/%d", i);
        (void)snprintf(data, sizeof data, "{\"name\":\"mark%02d\"}", i);
        if (fixture_append(&p->root, path, "account_opened", data) != RV_OK) {
            return false;
        }
    }
    return fixture_settle(p->root.node);
}

static void feed_segments(pair *p, uint64_t *random, int segments) {
    for (int i = 0; i < segments; i++) {
        RV_CHECK(feed_given(p, random, 40));
        pair_run(p);
        rv_log_roll(rv_node_log(p->leaf.node));
    }
}

static bool is_clean(const pair *p) {
    return !rv_node_purge_of(p->leaf.node).due;
}

/* Until what is wanted is held, filled in, and nothing else is in the files. */
static bool run_clean(pair *p) {
    for (int i = 0; i < 3000 && !(is_clean(p) && is_done(p)); i++) {
        (void)pair_step(p);
        p->now += 1000;
    }
    pair_run(p);
    return is_clean(p) && is_done(p);
}

/* From the log alone. */
static void reopen_by_replay(pair *p) {
    RV_CHECK(fixture_settle(p->leaf.node));
    const rv_hash128 hash = rv_node_state_hash(p->leaf.node);
    pair_cut(p, RV_UPSTREAM_UNREACHABLE);
    (void)oldest_checkpoint(p, true);
    reopen(p, NULL, 0, true);
    RV_CHECK(rv_node_whole(p->leaf.node));
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p->leaf.node), hash));
    RV_CHECK(pair_connect(p));
    pair_run(p);
    check_given(p);
}

static void check_all_seen(pair *p, const char *pattern) {
    uint64_t next = 1;
    memset(seen, 0, sizeof seen);
    follow(p, &next);
    check_seen(p, pattern, 1);
}

RV_TEST(what_is_not_selected_leaves_the_files) {
    static const char *const all[] = {"/accounts/*"};
    static const char *const few[] = {"/accounts/3", "/accounts/4"};
    pair p = based_pair(all, 1);
    uint64_t random = 1;
    RV_CHECK(open_accounts(&p));
    RV_CHECK(pair_sync(&p));
    feed_segments(&p, &random, 6);
    RV_CHECK_PASSED();
    RV_CHECK(segments_have(&p, "mark03") && segments_have(&p, "mark07"));
    uint64_t next = 1;
    memset(seen, 0, sizeof seen);
    follow(&p, &next);
    const uint64_t before = rv_node_checkpoint_of(p.leaf.node)->number;
    RV_CHECK_STATUS(select_entries(&p, few, 2), RV_OK);
    for (int i = 0; i < 3000 && !(is_clean(&p) && is_done(&p)); i++) {
        (void)pair_step(&p);
        p.now += 1000;
        RV_CHECK(rv_node_whole(p.leaf.node));
        RV_CHECK(i % 9 != 4 || feed_given(&p, &random, 3)); /* it goes on meanwhile */
        if (i % 5 == 0) {
            follow(&p, &next);
        }
    }
    RV_CHECK(run_clean(&p));
    const rv_node_purge purge = rv_node_purge_of(p.leaf.node);
    RV_CHECK(purge.rewritten >= 6 && purge.freed > 0);
    RV_CHECK_STATUS(purge.failure->status, RV_OK);
    RV_CHECK(segments_have(&p, "mark03") && segments_have(&p, "mark04"));
    RV_CHECK(!segments_have(&p, "mark07") && !segments_have(&p, "mark20"));
    RV_CHECK(oldest_checkpoint(&p, false) > before); /* none that has the rows */
    follow(&p, &next);
    check_given(&p);
    for (size_t i = 0; i < 2; i++) {
        check_seen(&p, few[i], 1);
        check_stream(&p, few[i], 1);
    }
    RV_CHECK_PASSED();
    check_all_seen(&p, few[0]);
    for (uint64_t i = 2; i < 22; i++) { /* who reads from the beginning sees no others */
        RV_CHECK(seen[i] == (i == 4 || i == 5));
    }
    reopen_by_replay(&p);
    check_all_seen(&p, few[1]);
    check_stream(&p, few[0], 1);
    RV_CHECK_PASSED();
    /* and back */
    RV_CHECK_STATUS(select_entries(&p, all, 1), RV_OK);
    RV_CHECK(run_clean(&p));
    check_given(&p);
    check_all_seen(&p, all[0]);
    for (int i = 1; i <= 20; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/accounts/%d", i);
        check_stream(&p, path, 1);
    }
    RV_CHECK_PASSED();
    RV_CHECK(feed_given(&p, &random, 60));
    pair_run(&p);
    reopen_by_replay(&p);
    check_all_seen(&p, all[0]);
    check_stream(&p, "/accounts/7", 1);
    pair_free(&p);
}

/* Rows of bases and of changes, and the events that a shorter history does not have. */
RV_TEST(rows_and_older_events_leave_the_files) {
    static const char *const steps[][2] = {
        {"aggregate account where balance >= 0", "/accounts/5"},
        {"/accounts/* history none", NULL},
        {"/accounts/9 history none", "/accounts/5"},
        {"/accounts/9", "/accounts/5 history none"},
    };
    pair p = based_pair(steps[0], 2);
    uint64_t random = 3;
    RV_CHECK(open_accounts(&p));
    RV_CHECK(pair_sync(&p));
    feed_segments(&p, &random, 3);
    RV_CHECK(segments_have(&p, "mark05") && segments_have(&p, "mark11"));
    for (size_t i = 1; i < 4; i++) {
        RV_CHECK_STATUS(select_entries(&p, steps[i], steps[i][1] == NULL ? 1 : 2), RV_OK);
        for (int k = 0; k < 3 && !is_done(&p); k++) {
            pair_run(&p);
        }
        feed_segments(&p, &random, 2);
        RV_CHECK(run_clean(&p));
        check_given(&p);
        RV_CHECK_EQ(segments_have(&p, "mark11"), i == 1);
        RV_CHECK_EQ(segments_have(&p, "mark05"), true); /* its base's row, or its events */
        reopen_by_replay(&p);
        RV_CHECK_PASSED();
    }
    check_stream(&p, "/accounts/9", 1);
    pair_free(&p);
}

/* A reader that stands in the middle of a batch goes on in what is left of it. */
RV_TEST(readers_go_on_in_batches_that_became_shorter) {
    static const char *const all[] = {"/accounts/*"};
    static const char *const few[] = {"/accounts/20"};
    pair p = based_pair(all, 1);
    uint64_t random = 2;
    rv_subscription readers[22];
    rv_event event;
    rv_bytes path;
    RV_CHECK(open_accounts(&p)); /* one batch, at the edge */
    RV_CHECK(pair_sync(&p));
    feed_segments(&p, &random, 1);
    RV_CHECK(pair_connect(&p) || p.session != NULL);
    for (int i = 0; i < 22; i++) { /* each has read so many events */
        rv_subscription_open(&readers[i], p.leaf.node, NULL, 0, 1);
        for (int k = 0; k < i;) {
            const rv_status status =
                rv_subscription_next(&readers[i], 1000, &event, &path, &p.leaf.err);
            k += status == RV_OK;
            RV_CHECK(status == RV_OK || status == RV_PENDING || status == RV_BUSY);
            fixture_poll(p.leaf.node);
        }
    }
    RV_CHECK_STATUS(select_entries(&p, few, 1), RV_OK);
    pair_run(&p);
    RV_CHECK(is_done(&p) && !is_clean(&p)); /* the last segment has no event: it cannot end */
    RV_CHECK_STATUS(fixture_append(&p.root, few[0], "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(fixture_settle(p.root.node));
    RV_CHECK(run_clean(&p));
    for (int i = 0; i < 22; i++) {
        rv_status status = RV_PENDING;
        bool met = i == 21; /* the schema, then 20 accounts */
        for (int k = 0; k < 10000 && status != RV_END; k++) {
            status = rv_subscription_next(&readers[i], 1000, &event, &path, &p.leaf.err);
            RV_CHECK(status == RV_OK || status == RV_END || status == RV_PENDING ||
                     status == RV_BUSY);
            if (status == RV_OK) {
                RV_CHECK(event.position == 1 || rv_bytes_are(path, few[0]));
                met = met || (event.position == 21 && event.version == 1);
            }
            fixture_poll(p.leaf.node);
        }
        RV_CHECK_STATUS(status, RV_END);
        RV_CHECK(met);
        RV_CHECK_PASSED();
    }
    pair_free(&p);
}

/* Told something else at any moment, cut, and opened again. */
/* A file that takes all the room there is. */
static rv_file fill_storage(const pair *p) {
    static const uint8_t block[4096];
    const rv_bytes bytes = {block, sizeof block};
    const rv_host host = rv_memory_host_interface(p->leaf.storage);
    rv_io_result r;
    (void)host.ops->create(host.ctx, 1, "ballast", &r);
    const rv_file file = r.file;
    uint64_t at = 0;
    do {
        (void)host.ops->write(host.ctx, 1, file, at, bytes, &r);
        at += r.count;
    } while (r.status == RV_OK && r.count == sizeof block);
    return file;
}

RV_TEST(what_has_no_room_is_tried_again_after_a_while) {
    static const char *const all[] = {"/accounts/*"};
    static const char *const few[] = {"/accounts/3"};
    pair p = based_pair(all, 1);
    uint64_t random = 1;
    RV_CHECK(open_accounts(&p));
    RV_CHECK(pair_sync(&p));
    feed_segments(&p, &random, 3);
    RV_CHECK(feed_given(&p, &random, 40));
    pair_run(&p);
    RV_CHECK_STATUS(select_entries(&p, few, 1), RV_OK);
    for (int i = 0; i < 3000 && rv_node_purge_of(p.leaf.node).rewritten == 0; i++) {
        (void)pair_step(&p);
        p.now += 1000;
    }
    RV_CHECK_EQ(rv_node_purge_of(p.leaf.node).rewritten, 1);
    const rv_host host = rv_memory_host_interface(p.leaf.storage);
    const rv_file ballast = fill_storage(&p);
    pair_run(&p);
    RV_CHECK_STATUS(rv_node_purge_of(p.leaf.node).failure->status, RV_STORAGE_FULL);
    rv_io_result r;
    host.ops->close(host.ctx, ballast);
    (void)host.ops->remove(host.ctx, 1, "ballast", &r);
    RV_CHECK_STATUS(r.status, RV_OK);
    pair_run(&p);
    RV_CHECK(!is_clean(&p));
    rv_memory_host_set_clock(p.leaf.storage, host.ops->now(host.ctx) + INT64_C(60000000));
    RV_CHECK(run_clean(&p));
    RV_CHECK(is_clean(&p) && !segments_have(&p, "mark07"));
    RV_CHECK_STATUS(rv_node_purge_of(p.leaf.node).failure->status, RV_OK);
    RV_CHECK(segments_have(&p, "mark03"));
    pair_free(&p);
}

RV_TEST(purging_begins_again) {
    static const char *const steps[] = {"/accounts/*", "/accounts/3", "/accounts/4 history none",
                                        "/accounts/* history since 30"};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t random = seed;
        pair p = based_pair(steps, 1);
        RV_CHECK(open_accounts(&p));
        RV_CHECK(pair_sync(&p));
        feed_segments(&p, &random, 3);
        for (int turn = 0; turn < 8; turn++) {
            const char *const *const entry = &steps[rv_test_random(&random) % 4];
            RV_CHECK_STATUS(select_entries(&p, entry, 1), RV_OK);
            p.edge->batch_bytes = 400;
            const int moves = (int)(rv_test_random(&random) % 80);
            for (int k = 0; k < moves && p.session != NULL; k++) {
                (void)pair_step(&p);
                p.now += 1000;
            }
            RV_CHECK(feed_given(&p, &random, 3));
            const uint64_t chance = rv_test_random(&random) % 4;
            if (chance == 0) {
                RV_CHECK(fixture_settle(p.leaf.node));
                reopen(&p, NULL, 0, turn % 2 == 0);
                RV_CHECK_PASSED();
                RV_CHECK(pair_connect(&p));
            } else if (chance == 1) {
                pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
                RV_CHECK(pair_connect(&p));
            }
        }
        if (p.session == NULL) {
            RV_CHECK(pair_connect(&p));
        }
        pair_run(&p);
        RV_CHECK_STATUS(select_entries(&p, steps, 1), RV_OK);
        RV_CHECK(run_clean(&p));
        RV_CHECK(p.session != NULL);
        check_given(&p);
        check_all_seen(&p, steps[0]);
        for (int i = 1; i <= 20; i++) {
            char path[32];
            (void)snprintf(path, sizeof path, "/accounts/%d", i);
            check_stream(&p, path, 1);
        }
        RV_CHECK_PASSED();
        reopen_by_replay(&p);
        check_all_seen(&p, steps[0]);
        if (rv_test_failed) {
            fprintf(stderr, "seed %d\n", (int)seed);
        }
        RV_CHECK_PASSED();
        pair_free(&p);
    }
}

int main(void) {
    RV_RUN(what_is_not_selected_leaves_the_files);
    RV_RUN(rows_and_older_events_leave_the_files);
    RV_RUN(what_has_no_room_is_tried_again_after_a_while);
    RV_RUN(readers_go_on_in_batches_that_became_shorter);
    RV_RUN(purging_begins_again);
    fixture_checkpoint_growth = 6000; /* one before, and none by itself meanwhile */
    RV_RUN(what_is_not_selected_leaves_the_files);
    fixture_checkpoint_growth = 1;
    RV_RUN(what_is_not_selected_leaves_the_files);
    RV_RUN(purging_begins_again);
    return rv_test_done();
}
