/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: at an edge the state as it was is the one that it held there: by events, by a base, by rows
 * that are given; what it did not hold, or has purged since, is said to be gone; changing the
 * selection and going on are no obstacle. Method: an edge beside its root; its hash is noted at
 * every W, and it is asked for all of them at the end, and for what lies in between, where the root
 * is asked the same for what the edge had selected.
 */

#include "tests/unit/past_fixture.h"
#include "tests/unit/sync/followed.h"

#define POSITIONS_MAX 2000u

typedef struct noted {
    bool held;
    rv_hash128 hash;
} noted;

static noted at_w[POSITIONS_MAX];
static uint8_t *edge_memory;
static uint8_t *root_memory;

static rv_as_of *as_of_create(rv_node *node, void *memory) {
    return past_create(node, memory, 0);
}

static rv_status reach(rv_as_of *as_of, rv_node *node, uint64_t position) {
    rv_error err;
    return past_reach(as_of, node, (rv_as_of_place){position, INT64_MAX}, &err);
}

static rv_hash128 hash_of(const rv_as_of *as_of) {
    return rv_state_hash(rv_as_of_state(as_of), rv_as_of_position(as_of));
}

/* What the edge holds now. */
static void note(pair *p) {
    const uint64_t w = rv_node_watermark(p->leaf.node);
    RV_ASSERT(w < POSITIONS_MAX);
    at_w[w] = (noted){rv_node_whole(p->leaf.node), rv_node_state_hash(p->leaf.node)};
}

/* Until nothing moves any more, noting each W. */
static void settle(pair *p) {
    int quiet = 0;
    for (int i = 0; i < PAIR_ROUNDS_MAX && quiet < 8; i++) {
        const uint64_t w = rv_node_watermark(p->leaf.node);
        (void)(p->session == NULL && pair_connect(p));
        quiet = pair_step(p) ? 0 : quiet + 1;
        p->now += quiet > 0 ? 60000 : 100;
        if (rv_node_watermark(p->leaf.node) != w) {
            note(p);
        }
    }
    note(p);
    RV_CHECK(fixture_settle(p->leaf.node));
}

static void work(pair *p, uint64_t *random, int rounds) {
    for (int i = 0; i < rounds; i++) {
        RV_CHECK(pair_feed(p, random, 12, 8, 4));
        settle(p);
    }
}

/* Every W that was noted from there on. */
static void check_noted(pair *p, rv_as_of *as_of, uint64_t from) {
    for (uint64_t at = from; at <= rv_node_watermark(p->leaf.node); at++) {
        if (at_w[at].held) {
            RV_CHECK_STATUS(reach(as_of, p->leaf.node, at), RV_OK);
            RV_CHECK_EQ(rv_as_of_position(as_of), at);
            RV_CHECK(fixture_hashes_equal(hash_of(as_of), at_w[at].hash));
            RV_CHECK_PASSED();
        }
    }
}

/* Every position from there on, as the root has it. */
static void check_between(pair *p, rv_as_of *as_of, uint64_t from) {
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(p->leaf.node, &count);
    rv_as_of *const root = as_of_create(p->root.node, root_memory);
    for (uint64_t at = from; at <= rv_node_watermark(p->leaf.node); at++) {
        RV_CHECK_STATUS(reach(as_of, p->leaf.node, at), RV_OK);
        RV_CHECK_STATUS(reach(root, p->root.node, at), RV_OK);
        RV_CHECK(fixture_hashes_equal(
            hash_of(as_of), rv_state_hash_selected(rv_as_of_state(root), at, patterns, count)));
        RV_CHECK_PASSED();
    }
}

RV_TEST(streams_with_all_of_their_history) {
    static const char *const entries[] = {"/accounts/1", "/accounts/3"};
    uint64_t random = 5;
    pair p = based_pair(entries, 2);
    memset(at_w, 0, sizeof at_w);
    work(&p, &random, 12);
    rv_as_of *const as_of = as_of_create(p.leaf.node, edge_memory);
    check_noted(&p, as_of, 1);
    check_between(&p, as_of, 1);
    pair_free(&p);
}

/* W goes on where the edge has no events: who goes forward with it folds each event once. (Seed
 * 4399 of the simulator: a place that W had passed was never reached.) */
RV_TEST(forward_is_never_from_the_start) {
    static const char *const entries[] = {"/accounts/1"};
    uint64_t random = 6;
    pair p = based_pair(entries, 1);
    work(&p, &random, 30);
    rv_as_of *const as_of = past_create(p.leaf.node, edge_memory, 12);
    RV_CHECK(rv_node_sequence(p.leaf.node) > 24);
    for (uint64_t at = 1; at <= rv_node_watermark(p.leaf.node); at++) {
        RV_CHECK_STATUS(reach(as_of, p.leaf.node, at), RV_OK);
        RV_CHECK_EQ(rv_as_of_position(as_of), at);
        RV_CHECK_PASSED();
    }
    pair_free(&p);
}

RV_TEST(a_base_is_where_it_begins) {
    static const char *const entries[] = {"/accounts/* history none"};
    uint64_t random = 7;
    pair p = based_pair(entries, 1);
    memset(at_w, 0, sizeof at_w);
    RV_CHECK(pair_feed(&p, &random, 100, 8, 4));
    work(&p, &random, 12);
    uint64_t base = 1;
    while (base < POSITIONS_MAX - 1 && !at_w[base].held) {
        base += 1;
    }
    RV_CHECK(base > 20);
    rv_as_of *const as_of = as_of_create(p.leaf.node, edge_memory);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, 20), RV_HISTORY_GONE);
    check_noted(&p, as_of, base);
    check_between(&p, as_of, base);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, 20), RV_HISTORY_GONE);
    check_noted(&p, as_of, base);
    pair_free(&p);
}

RV_TEST(rows_that_are_given) {
    static const char *const entries[] = {"aggregate account where balance > 100", "/accounts/2"};
    uint64_t random = 9;
    pair p = based_pair(entries, 2);
    memset(at_w, 0, sizeof at_w);
    for (int i = 0; i < 20; i++) {
        RV_CHECK(feed_given(&p, &random, 10));
        settle(&p);
    }
    check_given(&p);
    rv_as_of *const as_of = as_of_create(p.leaf.node, edge_memory);
    check_noted(&p, as_of, 1);
    /* between two Ws: what the edge held last */
    for (uint64_t at = rv_node_watermark(p.leaf.node); at > 0 && !rv_test_failed; at--) {
        const rv_status status = reach(as_of, p.leaf.node, at);
        RV_CHECK(status == RV_OK || (status == RV_HISTORY_GONE && at < 30));
        const uint64_t shown = rv_as_of_position(as_of);
        RV_CHECK(shown <= at && (at > shown || at_w[at].held || status != RV_OK));
        RV_CHECK(status != RV_OK || !at_w[shown].held ||
                 fixture_hashes_equal(hash_of(as_of), at_w[shown].hash));
    }
    pair_free(&p);
}

static void change(pair *p, const char *entry) {
    RV_CHECK_STATUS(select_entries(p, &entry, 1), RV_OK);
    settle(p);
}

/* More is selected: what was held before is shown as it was. Less: it is gone, from the files too,
 * and from what was folded of them. */
RV_TEST(another_selection) {
    static const char *const entries[] = {"/accounts/1"};
    uint64_t random = 11;
    pair p = based_pair(entries, 1);
    memset(at_w, 0, sizeof at_w);
    work(&p, &random, 6);
    const uint64_t more = rv_node_watermark(p.leaf.node);
    rv_as_of *const as_of = as_of_create(p.leaf.node, edge_memory);
    change(&p, "/accounts/*");
    at_w[more].held = false; /* two selections were held there */
    work(&p, &random, 6);
    check_noted(&p, as_of, 1);
    check_between(&p, as_of, more + 1);
    const uint64_t less = rv_node_watermark(p.leaf.node);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, less - 3), RV_OK);
    change(&p, "/accounts/2");
    for (int i = 0; i < 20000 && rv_node_purge_of(p.leaf.node).due; i++) {
        (void)pair_step(&p);
    }
    RV_CHECK(!rv_node_purge_of(p.leaf.node).due);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, less - 3), RV_HISTORY_GONE);
    at_w[less].held = false;
    work(&p, &random, 6);
    check_noted(&p, as_of, less + 1);
    check_between(&p, as_of, less + 1);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, more), RV_HISTORY_GONE);
    pair_free(&p);
}

int main(void) {
    edge_memory = malloc(RV_AS_OF_MEMORY_MIN);
    root_memory = malloc(RV_AS_OF_MEMORY_MIN);
    RV_RUN(streams_with_all_of_their_history);
    RV_RUN(forward_is_never_from_the_start);
    RV_RUN(a_base_is_where_it_begins);
    RV_RUN(rows_that_are_given);
    RV_RUN(another_selection);
    free(edge_memory);
    free(root_memory);
    return rv_test_done();
}
