/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge whose upstream is led by the log's index holds the same, and is told the same, as
 * one whose upstream walks, in first syncs and after an absence; batches that are larger than a
 * message are finished before anything is passed over.
 * Method: pairs of root and edge (tests/unit/sync/pair.h) with random selections, batches, message
 * sizes and broken connections. After each message that moves W, (W, chain hash) must be the end of
 * a batch of the root, as its log says; at the end both logs are compared event by event.
 */
#include "core/engine/internal.h"
#include "sync/upstream_internal.h"
#include "tests/unit/sync/pair.h"

static const char *const selections[] = {"/accounts/3", "/accounts/17;/accounts/2;/accounts/900",
                                         "/accounts/*", "/accounts/5;/accounts/5"};

/* Every event that is selected is in the edge's log, and nothing else. */
static void check_log(pair *p) {
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(p->leaf.node, &count);
    rv_subscription own;
    rv_subscription root;
    rv_subscription_open(&own, p->leaf.node, NULL, 0, 1);
    rv_subscription_open(&root, p->root.node, patterns, count, 1);
    root.system = true;
    rv_status x = RV_OK;
    while (x == RV_OK && !rv_test_failed) {
        rv_event a;
        rv_event b;
        rv_bytes a_path;
        rv_bytes b_path;
        x = rv_subscription_next(&own, 1000000, &a, &a_path, NULL);
        RV_CHECK_STATUS(rv_subscription_next(&root, 1000000, &b, &b_path, NULL), x);
        if (x == RV_OK) {
            RV_CHECK_EQ(a.position, b.position);
            RV_CHECK_EQ(a.version, b.version);
            RV_CHECK(rv_bytes_equal(a.data, b.data) && rv_bytes_equal(a_path, b_path));
        }
    }
    RV_CHECK_STATUS(x, RV_END);
}

/* The edge's W is the end of a batch, and its chain hash the one there. */
static void check_point(pair *p) {
    const uint64_t w = rv_node_watermark(p->leaf.node);
    uint64_t chain = 0;
    rv_status status = w == 0 ? RV_END : RV_PENDING;
    while (status == RV_PENDING || status == RV_BUSY) {
        status = rv_log_chain_at(rv_node_log(p->root.node), w, &chain, NULL);
        fixture_poll(p->root.node);
    }
    RV_CHECK_STATUS(status, w == 0 ? RV_END : RV_OK);
    RV_CHECK(w == 0 || chain == rv_log_chain(rv_node_log(p->leaf.node)));
}

/* Connects and goes on for some messages, or until nothing moves. */
static void sync_some(pair *p, uint64_t *random, uint64_t messages) {
    uint64_t w = rv_node_watermark(p->leaf.node);
    int quiet = 0;
    p->shared->guiding.near = 1 + (uint32_t)(rv_test_random(random) % 40);
    p->shared->guiding.look = 1 + (uint32_t)(rv_test_random(random) % 60);
    if (p->session == NULL) {
        RV_CHECK(pair_connect(p));
    }
    const size_t bytes = 100 + (size_t)(rv_test_random(random) % 3000);
    for (uint64_t i = 0; i < messages && quiet < 8 && p->session != NULL && !rv_test_failed; i++) {
        p->session->batch_bytes = bytes < p->session->batch_bytes ? bytes : p->session->batch_bytes;
        const uint64_t credit = p->session->credit;
        const uint64_t less = rv_test_random(random) % 3 == 0 ? credit - credit % 300 : 0;
        p->session->credit -= less; /* what is staged then is not sent, and staged again */
        const bool moved = pair_step(p) || less > 0;
        const bool looks = p->session != NULL && p->session->retry_at <= p->now; /* once more */
        quiet = moved || looks ? 0 : quiet + 1;
        if (p->session != NULL) {
            p->session->credit += less;
        }
        p->now += quiet > 0 ? 60000 : 100;
        if (rv_node_watermark(p->leaf.node) != w) {
            w = rv_node_watermark(p->leaf.node);
            check_point(p);
        }
    }
}

static void run(uint64_t seed) {
    uint64_t random = seed;
    pair p = pair_create(selections[seed % (sizeof selections / sizeof selections[0])]);
    for (int i = 0; i < 4 && !rv_test_failed; i++) {
        const int count = 50 + (int)(rv_test_random(&random) % 1500);
        const int accounts = seed % 5 == 0 ? 5 : 5 + (int)(rv_test_random(&random) % 100);
        RV_CHECK(pair_feed(&p, &random, count, accounts, 1 + (int)(rv_test_random(&random) % 60)));
        sync_some(&p, &random, rv_test_random(&random) % 60);
        if (rv_test_random(&random) % 2 == 0) {
            pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        }
    }
    sync_some(&p, &random, PAIR_ROUNDS_MAX);
    RV_CHECK(p.session != NULL);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), rv_node_watermark(p.root.node));
    check_log(&p);
    pair_free(&p);
}

RV_TEST(an_edge_that_is_led_to_what_it_selected_holds_the_same) {
    for (uint64_t seed = 1; seed <= RV_TEST_ROUNDS(200); seed++) {
        run(seed);
        if (rv_test_failed) {
            fprintf(stderr, "seed %u\n", (unsigned)seed);
            return;
        }
    }
}

/* Behind a base events come by more patterns than before it, and what is written while it is sent
 * is far ahead by then: nothing that the streams of before say of the way holds for these. */
RV_TEST(behind_a_base_the_way_is_another) {
    pair p = pair_create("/accounts/3;/accounts/4 history none");
    uint64_t random = 1;
    p.shared->guiding.near = 1;
    RV_CHECK(pair_feed(&p, &random, 3000, 40, 12));
    RV_CHECK(pair_connect(&p));
    for (int i = 0; i < 60; i++) {
        (void)pair_step(&p);
        p.now += 30000;
        if (i < 30) {
            RV_CHECK(pair_feed(&p, &random, 40, 40, 12));
        }
    }
    pair_run(&p);
    RV_CHECK(p.session != NULL);
    size_t count = 0;
    const uint64_t w = rv_node_watermark(p.root.node);
    const rv_path_pattern *const patterns = rv_node_patterns(p.leaf.node, &count);
    RV_CHECK_EQ(count, 2);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), w);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash_selected(p.root.node, patterns, count),
                                  rv_node_state_hash_selected(p.leaf.node, patterns, count)));
    pair_free(&p);
}

int main(void) {
    RV_RUN(behind_a_base_the_way_is_another);
    RV_RUN(an_edge_that_is_led_to_what_it_selected_holds_the_same);
    return rv_test_done();
}
