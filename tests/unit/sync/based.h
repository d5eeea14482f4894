/* SPDX-License-Identifier: Apache-2.0 */
/* A root and an edge (pair.h) that takes its selection from entries, and what they must have in
 * common. */
#ifndef RV_TESTS_SYNC_BASED_H
#define RV_TESTS_SYNC_BASED_H

#include "sync/edge_internal.h"
#include "sync/upstream_internal.h"
#include "tests/unit/sync/pair.h"
#include "tests/unit/sync/selected.h"

/* Opens the edge for these entries. */
static inline bool open_edge(pair *p, const char *const *entries, size_t count) {
    rv_bytes texts[4];
    for (size_t i = 0; i < count; i++) {
        texts[i] = rv_bytes_of_string(entries[i]);
    }
    const rv_node_options options = {.host = rv_memory_host_interface(p->leaf.storage),
                                     .memory = p->leaf.node_memory,
                                     .memory_size = FIXTURE_NODE_MEMORY,
                                     .role = RV_ROLE_EDGE,
                                     .patterns = texts,
                                     .pattern_count = count,
                                     .checkpoint_growth = fixture_checkpoint_growth,
                                     .kept_percent = fixture_kept_percent};
    memset(p->leaf.node_memory, 0xa5, FIXTURE_NODE_MEMORY);
    rv_status status = rv_node_create(&p->leaf.node, &options, &p->leaf.err);
    for (int i = 0; i < FIXTURE_POLLS_MAX && (i == 0 || status == RV_PENDING); i++) {
        status = status == RV_OK || i > 0 ? rv_node_open(p->leaf.node, &p->leaf.err) : status;
        fixture_poll(p->leaf.node);
    }
    return status == RV_OK;
}

static inline pair based_pair(const char *const *entries, size_t count) {
    pair p = {.root = fixture_root(1), .leaf = fixture_create(2), .now = 1000000};
    p.up_memory = malloc(PAIR_SYNC_MEMORY);
    p.edge_memory = malloc(PAIR_SYNC_MEMORY);
    if (!open_edge(&p, entries, count)) {
        fprintf(stderr, "pair: %s\n", p.leaf.err.detail);
        abort();
    }
    pair_start(&p);
    return p;
}

/* The edge at its W against the root at the same. */
static inline void check_same(pair *p) {
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(p->leaf.node, &count);
    const uint64_t w = rv_node_watermark(p->root.node);
    RV_CHECK(rv_node_whole(p->leaf.node));
    RV_CHECK_EQ(rv_node_watermark(p->leaf.node), w);
    RV_CHECK(fixture_hashes_equal(
        rv_state_hash_selected(rv_node_state(p->root.node), w, patterns, count),
        rv_node_state_hash(p->leaf.node)));
}

/* The same for an edge that selects aggregates, by the entries that it was opened with. */
static inline void check_given(pair *p) {
    const uint64_t w = rv_node_watermark(p->root.node);
    rv_hash128 hash;
    RV_CHECK(selected_hash(p->root.node, rv_node_selection(p->leaf.node), &hash));
    RV_CHECK(rv_node_whole(p->leaf.node));
    RV_CHECK_EQ(rv_node_watermark(p->leaf.node), w);
    RV_CHECK(fixture_hashes_equal(hash, rv_node_state_hash(p->leaf.node)));
}

/* Stops the edge's program, keeps what was durable (or all of it), and starts it again. */
static inline void reopen(pair *p, const char *const *entries, size_t count, bool crash) {
    pair_cut(p, RV_UPSTREAM_UNREACHABLE);
    if (!crash) {
        RV_CHECK_STATUS(fixture_close(p->leaf.node, &p->leaf.err), RV_END);
    }
    rv_memory_host_reopen(p->leaf.storage);
    RV_CHECK(open_edge(p, entries, count));
    for (uint32_t i = 0; i < SNAPSHOTS_MAX; i++) { /* of the upstream that goes */
        rv_state_base_close(rv_node_state(p->root.node), &p->shared->snapshots[i].source);
    }
    pair_start(p);
}

/* Deposits and withdrawals move rows into the filter and out of it. */
static inline bool feed_given(pair *p, uint64_t *random, int count) {
    for (int i = 0; i < count; i++) {
        char path[32];
        char data[64];
        const uint64_t r = rv_test_random(random);
        const int id = 1 + (int)(r % 20);
        (void)snprintf(path, sizeof path, "/accounts/%d", id);
        (void)snprintf(data, sizeof data, "{\"amount\":%d}", 1 + (int)(r >> 8) % 400);
        uint32_t stream = 0;
        const bool known =
            rv_state_stream_find(rv_node_state(p->root.node), rv_bytes_of_string(path), &stream);
        const char *const type = !known ? "account_opened" : r % 3 == 0 ? "deposited" : "withdrawn";
        const rv_status status =
            fixture_append(&p->root, path, type, known ? data : "{\"name\":\"n\"}");
        if (status != RV_OK && status != RV_CHECK_VIOLATION) {
            return false;
        }
    }
    return fixture_settle(p->root.node);
}

#endif
