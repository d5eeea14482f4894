/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: at an edge the state as it was is the one that it held there: by events, by a base, by rows
 * that are given; what it did not hold, or has purged since, is said to be gone; changing the
 * selection and going on are no obstacle. So it is where the edge keeps checkpoints of all the
 * time, by time, too; and none of them outlives a purge. Method: an edge beside its root, whose
 * clocks are not the same; its hash is noted at every W, and it is asked for all of them at the
 * end, and for what lies in between, where the root, which keeps none, is asked the same for what
 * the edge had selected. All of it with and without checkpoints at the edge.
 */

#include "core/engine/internal.h"
#include "tests/unit/past_fixture.h"
#include "tests/unit/sync/followed.h"

#define POSITIONS_MAX 2000u
#define TIMES_MAX     200u
#define CLOCK         INT64_C(1700000000000000)
#define AHEAD         INT64_C(90000)

typedef struct noted {
    bool held;
    rv_hash128 hash;
} noted;

static noted at_w[POSITIONS_MAX];
static bool keeping; /* the edge writes checkpoints all the time, and keeps what it may */
static int64_t times[TIMES_MAX]; /* of the root's clock, when something was written */
static size_t time_count;
static unsigned from_kept; /* questions that began from one */
static uint8_t *edge_memory;
static uint8_t *root_memory;

static rv_as_of *as_of_create(rv_node *node, void *memory) {
    return past_create(node, memory, 0);
}

static rv_status reach_place(rv_as_of *as_of, rv_node *node, rv_as_of_place place) {
    rv_error err;
    const rv_status status = past_reach(as_of, node, place, &err);
    from_kept += status == RV_OK && rv_as_of_begun_at(as_of) > 0;
    return status;
}

static rv_status reach(rv_as_of *as_of, rv_node *node, uint64_t position) {
    return reach_place(as_of, node, (rv_as_of_place){position, INT64_MAX});
}

/* The edge's clock is ahead of the root's, and both move on. */
static void set_clocks(pair *p, int64_t ahead) {
    const int64_t now = CLOCK + p->now;
    RV_ASSERT(time_count < TIMES_MAX);
    times[time_count++] = now;
    rv_memory_host_set_clock(p->root.storage, now);
    rv_memory_host_set_clock(p->leaf.storage, now + ahead);
}

static pair begin_pair(const char *const *entries, size_t count) {
    fixture_checkpoint_growth = keeping ? 400 : 0;
    fixture_kept_percent = keeping ? UINT32_MAX : 0;
    pair p = based_pair(entries, count);
    p.root.node->checkpoints.log_growth = 0; /* which has none but to open from */
    fixture_checkpoint_growth = fixture_kept_percent = 0;
    from_kept = 0;
    time_count = 0;
    return p;
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
        const int64_t ahead = (int64_t)(rv_test_random(random) % 3) * AHEAD - AHEAD;
        for (uint64_t n = rv_test_random(random) % 3; n < 3; n++) {
            p->now += 1000; /* so a batch has events of several times */
            set_clocks(p, ahead);
            RV_CHECK(pair_feed(p, random, 4, 8, 4));
        }
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

/* By time, from the first events on: the root's clock says what had happened. */
static void check_times(pair *p, rv_as_of *as_of) {
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(p->leaf.node, &count);
    rv_as_of *const root = as_of_create(p->root.node, root_memory);
    for (size_t i = 3 * time_count; i > 0; i--) { /* each begins anew */
        const rv_as_of_place place = {UINT64_MAX, times[(i - 1) / 3] + (int64_t)(i - 1) % 3 - 1};
        RV_CHECK_STATUS(reach_place(as_of, p->leaf.node, place), RV_OK);
        RV_CHECK_STATUS(reach(root, p->root.node, rv_node_watermark(p->root.node)), RV_OK);
        RV_CHECK_STATUS(past_reach(root, p->root.node, place, &p->err), RV_OK);
        RV_CHECK(
            fixture_hashes_equal(rv_state_hash(rv_as_of_state(as_of), 0),
                                 rv_state_hash_selected(rv_as_of_state(root), 0, patterns, count)));
        RV_CHECK_PASSED();
    }
}

/* What is asked begins at a checkpoint, or at the beginning: by time, where rows have that of their
 * batch, and by position. `as_of` is asked first: it begins anew for each. */
static void check_beginnings(pair *p) {
    rv_checkpoints *const k = &p->leaf.node->checkpoints;
    const uint64_t w = rv_node_watermark(p->leaf.node);
    for (size_t i = 0; i < 2 * time_count; i++) {
        const bool by_time = i % 2 == 0;
        const rv_as_of_place place = {by_time ? UINT64_MAX : w * i / (2 * time_count),
                                      by_time ? times[i / 2] + (int64_t)i % 4 * AHEAD : INT64_MAX};
        rv_as_of *as_of = as_of_create(p->leaf.node, edge_memory);
        const rv_status status = reach_place(as_of, p->leaf.node, place);
        const rv_hash128 hash = rv_state_hash(rv_as_of_state(as_of), 0);
        const uint64_t position = rv_as_of_position(as_of);
        const uint64_t current = k->current;
        k->current = 0; /* there are none */
        as_of = as_of_create(p->leaf.node, edge_memory);
        RV_CHECK_STATUS(reach_place(as_of, p->leaf.node, place), status);
        RV_CHECK_EQ(rv_as_of_begun_at(as_of), 0);
        RV_CHECK_EQ(rv_as_of_position(as_of), position);
        RV_CHECK(fixture_hashes_equal(rv_state_hash(rv_as_of_state(as_of), 0), hash));
        RV_CHECK(k->current == 0);
        k->current = current;
        RV_CHECK_PASSED();
    }
}

RV_TEST(streams_with_all_of_their_history) {
    static const char *const entries[] = {"/accounts/1", "/accounts/3"};
    uint64_t random = 5;
    pair p = begin_pair(entries, 2);
    memset(at_w, 0, sizeof at_w);
    work(&p, &random, 12);
    rv_as_of *const as_of = as_of_create(p.leaf.node, edge_memory);
    check_noted(&p, as_of, 1);
    check_between(&p, as_of, 1);
    for (uint64_t at = rv_node_watermark(p.leaf.node); at > 1; at--) { /* each begins anew */
        RV_CHECK_STATUS(reach(as_of, p.leaf.node, at), RV_OK);
        RV_CHECK(!at_w[at].held || fixture_hashes_equal(hash_of(as_of), at_w[at].hash));
        RV_CHECK_PASSED();
    }
    check_times(&p, as_of);
    RV_CHECK(keeping ? from_kept > 100 : from_kept == 0);
    pair_free(&p);
}

/* W goes on where the edge has no events: who goes forward with it folds each event once. (Seed
 * 4399 of the simulator: a place that W had passed was never reached.) */
RV_TEST(forward_is_never_from_the_start) {
    static const char *const entries[] = {"/accounts/1"};
    uint64_t random = 6;
    pair p = begin_pair(entries, 1);
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
    pair p = begin_pair(entries, 1);
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

static void write_checkpoint(pair *p) {
    rv_checkpoints_want(p->leaf.node);
    for (int i = 0; i < FIXTURE_POLLS_MAX && rv_checkpoints_wanted(p->leaf.node); i++) {
        fixture_poll(p->leaf.node);
    }
    RV_CHECK(fixture_settle(p->leaf.node));
}

/* A checkpoint that was taken while a base was coming is for opening only. */
RV_TEST(a_base_is_not_begun_from_in_its_middle) {
    static const char *const entries[] = {"/accounts/* history none"};
    uint64_t random = 8;
    pair p = begin_pair(entries, 1);
    memset(at_w, 0, sizeof at_w);
    RV_CHECK(pair_feed(&p, &random, 300, 200, 4));
    p.edge->batch_bytes = 400; /* so it has some parts */
    for (int i = 0; i < PAIR_ROUNDS_MAX && !rv_state_base_progress(p.leaf.node->state).under_way;
         i++) {
        (void)(p.session == NULL && pair_connect(&p));
        (void)pair_step(&p);
    }
    RV_CHECK(rv_state_base_progress(p.leaf.node->state).under_way);
    RV_CHECK(fixture_settle(p.leaf.node));
    write_checkpoint(&p);
    const uint64_t position = rv_node_checkpoint_of(p.leaf.node)->position;
    RV_CHECK(rv_state_base_progress(p.leaf.node->state).under_way && position > 0);
    settle(&p);
    RV_CHECK(at_w[position].held);
    work(&p, &random, 3);
    rv_as_of *const as_of = as_of_create(p.leaf.node, edge_memory);
    check_noted(&p, as_of, position);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, position - 1), RV_HISTORY_GONE);
    check_beginnings(&p);
    pair_free(&p);
}

RV_TEST(rows_that_are_given) {
    static const char *const entries[] = {"aggregate account where balance > 100", "/accounts/2"};
    uint64_t random = 9;
    pair p = begin_pair(entries, 2);
    memset(at_w, 0, sizeof at_w);
    for (int i = 0; i < 20; i++) {
        set_clocks(&p, i % 3 * AHEAD - AHEAD);
        RV_CHECK(feed_given(&p, &random, 10));
        settle(&p);
    }
    check_given(&p);
    check_beginnings(&p);
    RV_CHECK(keeping ? from_kept > 10 : from_kept == 0);
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
    p->now += 5000;
    set_clocks(p, AHEAD);
    RV_CHECK_STATUS(select_entries(p, &entry, 1), RV_OK);
    settle(p);
}

static unsigned checkpoint_files(const pair *p) {
    const rv_host host = rv_memory_host_interface(p->leaf.storage);
    rv_file_name names[64];
    rv_io_result listed;
    unsigned count = 0;
    const rv_io io = host.ops->list(host.ctx, 1, names, 64, &listed);
    RV_ASSERT(io == RV_IO_DONE && listed.status == RV_OK);
    for (uint64_t i = 0; i < listed.count; i++) {
        count += strncmp(names[i].text, "ckp-", 4) == 0;
    }
    return count;
}

/* More is selected: what was held before is shown as it was. Less: it is gone, from the files too,
 * and from what was folded of them. */
RV_TEST(another_selection) {
    static const char *const entries[] = {"/accounts/1"};
    uint64_t random = 11;
    pair p = begin_pair(entries, 1);
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
    RV_CHECK(!keeping || (from_kept > 0 && rv_node_checkpoint_of(p.leaf.node)->kept == 0));
    RV_CHECK(rv_node_checkpoint_of(p.leaf.node)->written > 0 && checkpoint_files(&p) == 1);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, less - 3), RV_HISTORY_GONE);
    at_w[less].held = false;
    work(&p, &random, 6);
    check_noted(&p, as_of, less + 1);
    check_between(&p, as_of, less + 1);
    RV_CHECK_STATUS(reach(as_of, p.leaf.node, more), RV_HISTORY_GONE);
    check_beginnings(&p);
    pair_free(&p);
}

/* Streams are given up by an edge that reaches nobody, and others again with no event in between,
 * so that there is nothing to be rolled: checkpoints from before are gone all the same. */
RV_TEST(given_up_twice) {
    static const char *const entries[] = {"/accounts/1", "/accounts/2", "/accounts/3"};
    uint64_t random = 12;
    pair p = begin_pair(entries, 3);
    memset(at_w, 0, sizeof at_w);
    work(&p, &random, 6);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    for (size_t left = 2; left > 0; left--) {
        write_checkpoint(&p);
        write_checkpoint(&p);
        const uint64_t before = rv_node_checkpoint_of(p.leaf.node)->number;
        RV_CHECK(checkpoint_files(&p) >= 2);
        p.now += 5000;
        set_clocks(&p, AHEAD);
        RV_CHECK_STATUS(select_entries(&p, entries, left), RV_OK);
        for (int i = 0; i < 2000; i++) {
            fixture_poll(p.leaf.node);
        }
        const rv_node_purge purge = rv_node_purge_of(p.leaf.node);
        RV_CHECK(left == 2 ? !purge.due : purge.segment + 1 == purge.segments);
        RV_CHECK_EQ(checkpoint_files(&p), 1);
        RV_CHECK(rv_node_checkpoint_of(p.leaf.node)->number > before);
        check_beginnings(&p);
        RV_CHECK_PASSED();
    }
    pair_free(&p);
}

int main(void) {
    edge_memory = malloc(RV_AS_OF_MEMORY_MIN);
    root_memory = malloc(RV_AS_OF_MEMORY_MIN);
    for (int i = 0; i < 2; i++) {
        keeping = i > 0;
        RV_RUN(streams_with_all_of_their_history);
        RV_RUN(forward_is_never_from_the_start);
        RV_RUN(a_base_is_where_it_begins);
        RV_RUN(a_base_is_not_begun_from_in_its_middle);
        RV_RUN(rows_that_are_given);
        RV_RUN(another_selection);
        RV_RUN(given_up_twice);
    }
    free(edge_memory);
    free(root_memory);
    return rv_test_done();
}
