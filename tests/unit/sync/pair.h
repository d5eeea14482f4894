/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root and an edge in one process, joined by a wire that is a function call, with a clock that
 * moves only when the test says so.
 */
#ifndef RV_TESTS_SYNC_PAIR_H
#define RV_TESTS_SYNC_PAIR_H

#include "sync/edge.h"
#include "sync/upstream.h"
#include "tests/unit/digest.h"
#include "tests/unit/node_fixture.h"

#define PAIR_SYNC_MEMORY ((size_t)8 << 20)
#define PAIR_ROUNDS_MAX  20000

typedef struct pair {
    fixture root;
    fixture leaf;
    uint8_t *up_memory;
    uint8_t *edge_memory;
    rv_upstream_shared *shared;
    rv_upstream *session; /* NULL: not connected */
    rv_edge *edge;
    int64_t now;
    uint64_t to_edge; /* messages delivered */
    uint64_t budget;  /* messages to the edge after which the connection is cut; 0: none */
    rv_error err;     /* of the call that ended the connection */
} pair;

/* Makes what is in sync/ anew, as after a start. */
static inline void pair_start(pair *p) {
    rv_arena up = rv_arena_over(p->up_memory, PAIR_SYNC_MEMORY);
    rv_arena ed = rv_arena_over(p->edge_memory, PAIR_SYNC_MEMORY);
    const rv_upstream_options u = {
        .node = p->root.node, .connections_max = 2, .digest = &test_digest, .guide_near = 4};
    const rv_edge_options e = {.node = p->leaf.node, .seed = 7};
    const bool good = rv_upstream_shared_create(&p->shared, &u, &up, &p->err) == RV_OK &&
                      rv_edge_create(&p->edge, &e, &ed, &p->err) == RV_OK;
    if (!good) {
        fprintf(stderr, "pair: %s\n", p->err.detail);
        abort();
    }
    p->session = NULL;
}

static inline pair pair_create(const char *pattern) {
    pair p = {.root = fixture_root(1), .leaf = fixture_create(2), .now = 1000000};
    p.up_memory = malloc(PAIR_SYNC_MEMORY);
    p.edge_memory = malloc(PAIR_SYNC_MEMORY);
    if (fixture_open(&p.leaf, RV_ROLE_EDGE, pattern) != RV_OK) {
        fprintf(stderr, "pair: %s\n", p.leaf.err.detail);
        abort();
    }
    pair_start(&p);
    return p;
}

static inline void pair_free(pair *p) {
    fixture_free(&p->root);
    fixture_free(&p->leaf);
    free(p->up_memory);
    free(p->edge_memory);
}

static inline void pair_cut(pair *p, rv_status status) {
    if (p->session != NULL) {
        if (p->err.status != status) {
            const rv_status told = rv_error_set(&p->err, status, "the test cut the connection");
            (void)told;
        }
        rv_upstream_close(p->session);
        p->session = NULL;
        rv_edge_closed(p->edge, &p->err, p->now);
    }
}

/* Connects when the edge wants to, waiting for its back-off. */
static inline bool pair_connect(pair *p) {
    const int64_t deadline = rv_edge_deadline(p->edge);
    p->now = deadline != INT64_MAX && deadline > p->now ? deadline : p->now;
    if (!rv_edge_wants_connection(p->edge, p->now)) {
        return false;
    }
    memset(&p->err, 0, sizeof p->err);
    if (rv_upstream_open(p->shared, p->now, &p->session, &p->err) != RV_OK) {
        return false;
    }
    rv_edge_opened(p->edge, p->now);
    return true;
}

/* Delivers one message each way; true when there was one. */
static inline bool pair_step(pair *p) {
    rv_bytes message;
    bool moved = false;
    fixture_poll(p->root.node);
    fixture_poll(p->leaf.node);
    if (p->session != NULL && rv_edge_send(p->edge, p->now, &message)) {
        moved = true;
        /* an error is told by the messages that follow it */
        (void)!rv_upstream_receive(p->session, message, p->now, NULL);
    }
    if (p->session != NULL && rv_upstream_send(p->session, p->now, &message)) {
        moved = true;
        p->to_edge += 1;
        const rv_status status = rv_edge_receive(p->edge, message, p->now, &p->err);
        if (status != RV_OK || (p->budget > 0 && p->to_edge == p->budget)) {
            pair_cut(p, status != RV_OK ? status : RV_UPSTREAM_UNREACHABLE);
        }
    }
    fixture_poll(p->leaf.node);
    const rv_status status = rv_edge_poll(p->edge, p->now, &p->err);
    if (status != RV_OK) {
        pair_cut(p, status);
    }
    if (p->session != NULL && rv_upstream_finished(p->session)) {
        pair_cut(p, RV_UPSTREAM_UNREACHABLE);
    }
    return moved;
}

/* Runs until nothing moves any more, a little past the rate limits of reports. */
static inline void pair_run(pair *p) {
    int quiet = 0;
    for (int i = 0; i < PAIR_ROUNDS_MAX && quiet < 8 && p->session != NULL; i++) {
        quiet = pair_step(p) ? 0 : quiet + 1;
        p->now += quiet > 0 ? 60000 : 100;
    }
}

/* Connects and runs, again when the edge asks for smaller batches. */
static inline bool pair_sync(pair *p) {
    bool connected = pair_connect(p);
    for (int i = 0; i < 8 && connected; i++) {
        pair_run(p);
        if (p->session != NULL) {
            break;
        }
        connected = pair_connect(p);
    }
    return connected && p->session != NULL;
}

static inline bool pair_same(pair *p) {
    return rv_node_watermark(p->root.node) == rv_node_watermark(p->leaf.node) &&
           fixture_hashes_equal(rv_node_state_hash(p->root.node), rv_node_state_hash(p->leaf.node));
}

static inline rv_edge_status pair_status(const pair *p) {
    rv_edge_status status;
    rv_edge_status_of(p->edge, &status);
    return status;
}

/* Appends `count` events at the root, over `accounts` accounts, in batches of 1 to `batch_max`. */
static inline bool pair_feed(pair *p, uint64_t *random, int count, int accounts, int batch_max) {
    static char paths[64][32];
    static char data[64][96];
    rv_append events[64];
    rv_event results[64];
    for (int done = 0; done < count;) {
        const int batch = 1 + (int)(rv_test_random(random) % (uint64_t)batch_max);
        for (int i = 0; i < batch; i++) {
            const int id = 1 + (int)(rv_test_random(random) % (uint64_t)accounts);
            rv_bytes path = rv_bytes_of(
                paths[i], (size_t)snprintf(paths[i], sizeof paths[i], "/accounts/%d", id));
            uint32_t stream = 0;
            bool known = rv_state_stream_find(rv_node_state(p->root.node), path, &stream);
            for (int k = 0; k < i; k++) {
                known = known || rv_bytes_equal(events[k].path, path);
            }
            const char *const type = known ? "deposited" : "account_opened";
            const int amount = 1 + (int)(rv_test_random(random) % 1000);
            const int len = known ? snprintf(data[i], sizeof data[i], "{\"amount\":%d}", amount)
                                  : snprintf(data[i], sizeof data[i], "{\"name\":\"n%d\"}", id);
            events[i] = (rv_append){.path = path,
                                    .type = rv_bytes_of_string(type),
                                    .data = rv_bytes_of(data[i], (size_t)len)};
        }
        const rv_status status =
            fixture_append_all(p->root.node, events, (size_t)batch, results, &p->root.err);
        if (status != RV_OK) {
            fprintf(stderr, "feed: %s\n", p->root.err.detail);
            return false;
        }
        done += batch;
    }
    return fixture_settle(p->root.node);
}

#endif
