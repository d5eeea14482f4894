/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that goes back in its history, since its root was restored from a backup, goes on
 * wanting what it was told to hold, wherever it was told so, and whatever it has purged for it; it
 * comes to hold that again, whole. Method: the two of duo.h; the root is copied, the edge told to
 * hold something else, the copy put back; the edge crashes at every operation of going back.
 */
#include "core/live/subscription.h"
#include "tests/unit/sync/restoring.h"

static bool select_some(duo *d, const char *const *entries, size_t count) {
    rv_bytes texts[3];
    rv_status status = RV_PENDING;
    for (size_t i = 0; i < count; i++) {
        texts[i] = rv_bytes_of_string(entries[i]);
    }
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(d->leaf.node, texts, count, &d->err);
        (void)duo_step(d);
    }
    return status == RV_OK;
}

static bool select_both(duo *d, const char *first, const char *second) {
    const char *const entries[] = {first, second};
    return select_some(d, entries, 2);
}

static bool select_entry(duo *d, const char *entry) {
    return select_some(d, &entry, 1);
}

static bool holds(const rv_selection *selection, const char *entry) {
    uint8_t memory[8192];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_selection one = {.count = 0};
    return rv_selection_add(&one, rv_bytes_of_string(entry), &arena, NULL) == RV_OK &&
           rv_selection_equal(&one, selection);
}

static bool is_filled(const duo *d, const char *entry) {
    return holds(rv_node_selection(d->leaf.node), entry) && !rv_node_fill_of(d->leaf.node).active;
}

/* The edge holds this, as the root has it. */
static void check_held(duo *d, const char *entry) {
    size_t count = 0;
    RV_CHECK(holds(rv_node_selection(d->leaf.node), entry));
    RV_CHECK(holds(rv_node_selection_wanted(d->leaf.node), entry));
    RV_CHECK(rv_node_whole(d->leaf.node));
    const rv_path_pattern *const patterns = rv_node_patterns(d->leaf.node, &count);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash_selected(d->root.node, patterns, count),
                                  rv_node_state_hash(d->leaf.node)));
}

/* Some accounts, and an edge that is opened for what its directory says from now on. */
static duo *begin_accounts(void) {
    duo *const d = duo_create();
    bool good = true;
    d->stored = true;
    for (int i = 0; i < 6 && good; i++) {
        good = duo_append(d, "accounts", "account_opened", "{\"name\":\"a\"}") == RV_OK;
    }
    if (!good || !duo_run(d)) {
        duo_fail("begin", &d->err);
    }
    return d;
}

static bool feed_accounts(duo *d) {
    bool good = true;
    for (int i = 0; i < 6 && good; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/accounts/%d", 1 + i);
        good = duo_append(d, path, "deposited", "{\"amount\":5}") == RV_OK;
    }
    return good && duo_run(d);
}

/* Until there is nothing to be purged. */
static bool purged(duo *d) {
    for (int i = 0; i < 2000 && rv_node_purge_of(d->leaf.node).due; i++) {
        (void)duo_step(d);
    }
    return !rv_node_purge_of(d->leaf.node).due;
}

/* `told`: how far the edge comes with what it is told before the root is put back: it knows it; it
 * holds it; what it held before is purged. */
static void story(int told, bool crashes) {
    static const char entry[] = "/accounts/2";
    duo *const d = begin_accounts();
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK(feed_accounts(d));
    if (told == 0) {
        duo_cut(d);
    }
    RV_CHECK(select_entry(d, entry));
    RV_CHECK(holds(rv_node_selection_wanted(d->leaf.node), entry));
    RV_CHECK(told == 0 || (duo_run(d) && feed_accounts(d)));
    RV_CHECK(told < 2 || purged(d));
    RV_CHECK_EQ(holds(rv_node_selection(d->leaf.node), entry), told > 0);
    for (int i = 0; i < 100; i++) { /* it becomes durable */
        (void)duo_step(d);
    }
    if (crashes) {
        duo_crash(d, &d->leaf);
        RV_CHECK(holds(rv_node_selection_wanted(d->leaf.node), entry));
    }
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 1);
    check_held(d, entry);
    RV_CHECK_PASSED();
    RV_CHECK(feed_accounts(d));
    check_held(d, entry);
    duo_crash(d, &d->leaf);
    RV_CHECK(duo_run(d));
    check_held(d, entry);
    /* and what it left comes back */
    RV_CHECK(select_entry(d, "/**"));
    RV_CHECK(duo_run(d));
    for (int i = 0; i < 20000 && !is_filled(d, "/**"); i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK(is_filled(d, "/**"));
    check_held(d, "/**");
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

RV_TEST(what_is_wanted_outlives_going_back) {
    for (int told = 0; told < 3; told++) {
        for (int crashes = 0; crashes < 2; crashes++) {
            story(told, crashes == 1);
            if (rv_test_failed) {
                fprintf(stderr, "told %d, crashes %d\n", told, crashes);
            }
            RV_CHECK_PASSED();
        }
    }
}

/* Comes to the place where both part, and no further: the connection is cut when it has gone back.
 */
static void go_back(duo *d, const uint8_t *backup) {
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    for (int i = 0; i < DUO_STEPS_MAX &&
                    (rv_node_rewinds(d->leaf.node) == 0 || rv_node_rewinding(d->leaf.node));
         i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 1);
    duo_cut(d);
}

/* It was told what to hold before the place where both part, and has purged for it what lies before
 * that (seeds 2252 and 3584 of the simulator): rows are missing, and it knows, however often it is
 * opened. */
RV_TEST(a_wish_from_before_the_place_does_not_hide_the_purge) {
    static const char entry[] = "/accounts/2";
    duo *const d = begin_accounts();
    duo_cut(d);
    RV_CHECK(select_entry(d, entry));
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK(feed_accounts(d));
    RV_CHECK(purged(d));
    check_held(d, entry);
    go_back(d, backup);
    RV_CHECK(!rv_node_whole(d->leaf.node));
    for (int i = 0; i < 3; i++) {
        duo_crash(d, &d->leaf);
        RV_CHECK(!rv_node_whole(d->leaf.node));
    }
    RV_CHECK(duo_run(d));
    check_held(d, entry);
    free(backup);
    duo_free(d);
}

/* Before the place lies a base of what it held then, beside a stream whose events were purged
 * (seeds 3127, 9540 and 9977): the versions of that are still known, so it can be fed meanwhile. */
RV_TEST(a_base_from_before_the_place_leaves_versions) {
    duo *const d = duo_create();
    d->stored = true;
    RV_CHECK(select_both(d, "/accounts/1", "/accounts/* history none"));
    for (int i = 0; i < 6; i++) {
        RV_CHECK_STATUS(duo_append(d, "accounts", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    }
    RV_CHECK(feed_accounts(d));
    RV_CHECK(rv_node_whole(d->leaf.node));
    RV_CHECK(feed_accounts(d)); /* what is held without its history has some now */
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK(feed_accounts(d));
    RV_CHECK(select_entry(d, "/accounts/2"));
    RV_CHECK(duo_run(d));
    RV_CHECK(purged(d));
    check_held(d, "/accounts/2");
    go_back(d, backup);
    RV_CHECK(!rv_node_whole(d->leaf.node));
    rv_stream_head head;
    uint32_t stream = 0;
    RV_CHECK(rv_state_stream_find(rv_node_state(d->leaf.node), RV_LITERAL("/accounts/1"), &stream));
    rv_state_stream(rv_node_state(d->leaf.node), stream, &head);
    RV_CHECK_EQ(head.version, 3);
    RV_CHECK(feed_accounts(d));
    check_held(d, "/accounts/2");
    duo_crash(d, &d->leaf);
    RV_CHECK(feed_accounts(d));
    check_held(d, "/accounts/2");
    free(backup);
    duo_free(d);
}

/* The events of a stream that a node has. */
static uint32_t events_of(duo *d, rv_node *node, const char *text) {
    rv_path_pattern pattern;
    rv_subscription feed;
    rv_event event;
    rv_bytes path;
    uint32_t count = 0;
    rv_status status = rv_path_pattern_parse(rv_bytes_of_string(text), &pattern, &d->err);
    rv_subscription_open(&feed, node, &pattern, 1, 1);
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_OK || status == RV_PENDING); i++) {
        status = rv_subscription_next(&feed, 100, &event, &path, &d->err);
        count += status == RV_OK;
        if (status != RV_OK) {
            (void)duo_step(d);
        }
    }
    return status == RV_END ? count : 0;
}

/* It goes back to where it held what it is to hold, but has held less, and purged for it, since
 * (seed 399): the base has everything, not what the entries would leave out; and the events that
 * left the files are filled in, though the log says there that it has them (seed 4478). */
RV_TEST(what_is_held_once_more_comes_with_all_its_rows) {
    static const char first[] = "/accounts/1", second[] = "/accounts/* history none";
    duo *const d = duo_create();
    size_t count = 0;
    d->stored = true;
    RV_CHECK(select_both(d, first, second));
    for (int i = 0; i < 6; i++) {
        RV_CHECK_STATUS(duo_append(d, "accounts", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    }
    RV_CHECK(feed_accounts(d));
    RV_CHECK(rv_node_whole(d->leaf.node));
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK(feed_accounts(d));
    RV_CHECK(select_entry(d, "/accounts/2"));
    RV_CHECK(duo_run(d));
    RV_CHECK(purged(d));
    RV_CHECK(select_both(d, first, second));
    RV_CHECK(duo_run(d));
    go_back(d, backup);
    RV_CHECK(!rv_node_whole(d->leaf.node));
    RV_CHECK(feed_accounts(d));
    RV_CHECK(rv_node_whole(d->leaf.node));
    const rv_path_pattern *const patterns = rv_node_patterns(d->leaf.node, &count);
    RV_CHECK_EQ(count, 2);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash_selected(d->root.node, patterns, count),
                                  rv_node_state_hash(d->leaf.node)));
    RV_CHECK(feed_accounts(d)); /* a segment that ends has events */
    RV_CHECK(purged(d));
    for (int i = 0; i < 2000 && rv_node_fill_of(d->leaf.node).active; i++) {
        (void)duo_step(d);
    }
    for (int i = 0; i < 300; i++) { /* all of it is local */
        (void)duo_step(d);
    }
    RV_CHECK_EQ(events_of(d, d->root.node, first), 4);
    RV_CHECK_EQ(events_of(d, d->leaf.node, first), 4);
    free(backup);
    duo_free(d);
}

/* It goes back to before it gave a stream up, or to between that and giving up another one, and has
 * purged both since: rows are missing, and it knows of which streams. */
RV_TEST(what_was_given_up_behind_the_place_is_missing) {
    static const char *const entries[] = {"/accounts/3", "/accounts/2", "/accounts/1"};
    for (size_t place = 0; place < 2; place++) {
        duo *const d = begin_accounts();
        uint8_t *backup = NULL;
        RV_CHECK(select_some(d, entries, 3));
        RV_CHECK(feed_accounts(d));
        for (size_t step = 0; step < 2; step++) {
            if (step == place) { /* (of what goes then there is nothing since) */
                RV_CHECK_STATUS(duo_append(d, "/accounts/3", "deposited", "{\"amount\":5}"), RV_OK);
                RV_CHECK(duo_run(d));
                backup = copy_disk(d, &d->root);
                RV_CHECK(feed_accounts(d));
            }
            const uint32_t swaps = rv_node_selection_swaps(d->leaf.node);
            RV_CHECK(select_some(d, entries, 2 - step));
            RV_CHECK_EQ(rv_node_selection_swaps(d->leaf.node), swaps + 1);
            RV_CHECK_STATUS(duo_append(d, "/accounts/3", "deposited", "{\"amount\":5}"), RV_OK);
            RV_CHECK(duo_run(d));
            RV_CHECK(purged(d));
        }
        go_back(d, backup);
        RV_CHECK(!rv_node_whole(d->leaf.node));
        duo_crash(d, &d->leaf);
        RV_CHECK(!rv_node_whole(d->leaf.node));
        RV_CHECK(feed_accounts(d));
        check_held(d, "/accounts/3");
        RV_CHECK_PASSED();
        free(backup);
        duo_free(d);
    }
}

/* A bit of the edge's first segment, which was written again, and of its checkpoint. */
static bool flip(duo *d, uint64_t offset) {
    return rv_sim_disk_flip(d->leaf.disk, "ckp-0000000000000001.bin", 0, 0) == RV_OK &&
           rv_sim_disk_flip(d->leaf.disk, "log-0001-0000000000000001.seg", offset, 3) == RV_OK;
}

/* The log is damaged before the base for which what lies ahead of it was purged (seed 8000): what
 * can be read is shown, and known to be in part. */
RV_TEST(a_damaged_log_that_was_purged_is_not_whole) {
    duo *const d = begin_accounts();
    RV_CHECK(feed_accounts(d));
    RV_CHECK(select_entry(d, "/accounts/2"));
    RV_CHECK(duo_run(d));
    RV_CHECK(purged(d));
    uint8_t *const before = copy_disk(d, &d->leaf);
    unsigned met = 0;
    duo_cut(d);
    for (uint64_t offset = 4096;; offset += 64) {
        memcpy(d->leaf.disk_memory, before, DUO_DISK_MEMORY);
        rv_sim_disk_crash(d->leaf.disk);
        duo_slow(&d->leaf, 0);
        if (!flip(d, offset)) {
            break; /* it ends there */
        }
        rv_node *node = NULL;
        const rv_status status =
            fixture_open_on(rv_sim_disk_interface(d->leaf.disk), d->leaf.node_memory,
                            FIXTURE_NODE_MEMORY, RV_ROLE_EDGE, NULL, &node, &d->err);
        if (status == RV_DATA_DAMAGED && rv_node_watermark(node) > 1 &&
            !holds(rv_node_selection(node), "/accounts/2")) { /* some was purged, no base yet */
            met += 1;
            RV_CHECK(!rv_node_whole(node));
        }
    }
    RV_CHECK(met > 0);
    duo_crash(d, &d->leaf);
    free(before);
    duo_free(d);
}

int main(void) {
    RV_RUN(what_is_wanted_outlives_going_back);
    RV_RUN(a_wish_from_before_the_place_does_not_hide_the_purge);
    RV_RUN(what_is_held_once_more_comes_with_all_its_rows);
    RV_RUN(a_base_from_before_the_place_leaves_versions);
    RV_RUN(what_was_given_up_behind_the_place_is_missing);
    RV_RUN(a_damaged_log_that_was_purged_is_not_whole);
    return rv_test_done();
}
