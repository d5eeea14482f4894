/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever a gateway's edges and its upstream send, it answers or ends the connection, holds
 * what it took and nothing else, and keeps what it said it keeps. Method: steps of
 * tests/fuzz/fuzz_sync.h against an edge that was filled by a root and serves others; the first
 * byte of a message says from where it comes. The corpus begins with what a device and a root
 * really say while pushes are relayed.
 */
#include "core/engine/relay.h"
#include "sync/upstream.h"
#include "tests/fuzz/fuzz_sync.h"

#define SHARED_MEMORY ((size_t)8 << 20)
#define EDGE_MEMORY   ((size_t)5 << 20)

static fuzz_node the_root;
static fuzz_node the_node;
static fuzz_node image;
static fuzz_node reopened;
static uint8_t shared_memory[SHARED_MEMORY];
static uint8_t edge_memory[EDGE_MEMORY];

/* Both sides of the gateway. */
typedef struct gateway {
    rv_edge *edge;
    rv_upstream_shared *shared;
    rv_upstream *session;
    bool open; /* the connection to its upstream */
    int64_t now;
} gateway;

static rv_upstream_shared *serve(rv_node *node, rv_edge *edge, uint8_t *memory, size_t size) {
    rv_arena arena = rv_arena_over(memory, size);
    const rv_upstream_options options = {
        .node = node, .compression = fuzz_compression(), .connections_max = 2, .edge = edge};
    rv_upstream_shared *shared = NULL;
    FUZZ_CHECK(rv_upstream_shared_create(&shared, &options, &arena, NULL) == RV_OK);
    return shared;
}

static rv_edge *follow(rv_node *node) {
    rv_arena arena = rv_arena_over(edge_memory, sizeof edge_memory);
    const rv_edge_options options = {.node = node, .compression = fuzz_compression()};
    rv_edge *edge = NULL;
    FUZZ_CHECK(rv_edge_create(&edge, &options, &arena, NULL) == RV_OK);
    return edge;
}

/* Fills the edge from a root. */
static void fill(void) {
    rv_upstream *session = NULL;
    rv_bytes message;
    rv_error err;
    rv_edge *const edge = follow(the_node.node);
    rv_upstream_shared *const shared =
        serve(the_root.node, NULL, shared_memory, sizeof shared_memory);
    FUZZ_CHECK(rv_edge_wants_connection(edge, 0));
    FUZZ_CHECK(rv_upstream_open(shared, 0, &session, NULL) == RV_OK);
    rv_edge_opened(edge, 0);
    for (int i = 0; i < 1000; i++) {
        FUZZ_CHECK(rv_node_poll(the_root.node, NULL) == RV_OK);
        FUZZ_CHECK(rv_node_poll(the_node.node, NULL) == RV_OK);
        if (rv_edge_send(edge, i * 1000, &message)) {
            FUZZ_CHECK(rv_upstream_receive(session, message, i * 1000, NULL) == RV_OK);
        }
        if (rv_upstream_send(session, i * 1000, &message)) {
            FUZZ_CHECK(rv_edge_receive(edge, message, i * 1000, NULL) == RV_OK);
        }
        FUZZ_CHECK(rv_edge_poll(edge, i * 1000, NULL) == RV_OK);
    }
    (void)rv_error_set(&err, RV_UPSTREAM_UNREACHABLE, "it is filled");
    rv_edge_closed(edge, &err, 1000000);
    rv_upstream_close(session);
    FUZZ_CHECK(fuzz_node_settle(the_node.node));
    FUZZ_CHECK(rv_node_watermark(the_node.node) == rv_node_watermark(the_root.node));
}

static void restore(void) {
    if (image.node == NULL) {
        rv_error err;
        fuzz_node_root(&the_root);
        fuzz_node_host(&the_node, 3);
        FUZZ_CHECK(fuzz_node_open(&the_node, RV_ROLE_EDGE, &err) == RV_OK);
        fill();
        image = the_node;
    }
    the_node = image;
}

static void disconnect(gateway *g, rv_error *err) {
    if (g->open) {
        (void)rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "the connection ended");
        rv_edge_closed(g->edge, err, g->now);
        g->open = false;
    }
}

/* Takes all that both sides have to send; it comes to an end. */
static void settle(gateway *g) {
    for (int round = 0; round < 4; round++) {
        rv_bytes message;
        rv_error err = {.status = RV_OK};
        int sent = 0;
        while (rv_upstream_send(g->session, g->now, &message)) {
            FUZZ_CHECK(message.len >= RV_WIRE_HEADER_LEN && message.len <= RV_WIRE_MESSAGE_MAX);
            sent += 1;
            FUZZ_CHECK(sent < FUZZ_MESSAGES_MAX);
        }
        while (g->open && rv_edge_send(g->edge, g->now, &message)) {
            FUZZ_CHECK(message.len <= RV_WIRE_MESSAGE_MAX);
            sent += 1;
            FUZZ_CHECK(sent < FUZZ_MESSAGES_MAX);
        }
        FUZZ_CHECK(rv_node_poll(the_node.node, NULL) == RV_OK);
        if (g->open && rv_edge_poll(g->edge, g->now, &err) != RV_OK) {
            rv_edge_closed(g->edge, &err, g->now);
            g->open = false;
        }
    }
}

static void take_message(gateway *g, rv_bytes message) {
    rv_error err = {.status = RV_OK};
    const bool down = message.len > 0 && message.ptr[0] % 2 == 0;
    const rv_bytes body = message.len > 0 ? rv_bytes_from(message, 1) : message;
    if (down) {
        const rv_status status = rv_upstream_receive(g->session, body, g->now, &err);
        FUZZ_CHECK(status == err.status || status == RV_OK);
    } else if (g->open) {
        const rv_status status = rv_edge_receive(g->edge, body, g->now, &err);
        FUZZ_CHECK(status == err.status || status == RV_OK);
        if (status != RV_OK) {
            rv_edge_closed(g->edge, &err, g->now);
            g->open = false;
        }
    }
}

static void take_step(gateway *g, const fuzz_step *step) {
    rv_error err = {.status = RV_OK};
    g->now += step->seconds * 1000000;
    if (!g->open) {
        g->now += 60000000;
        g->open = rv_edge_wants_connection(g->edge, g->now);
        if (g->open) {
            rv_edge_opened(g->edge, g->now);
        }
        settle(g);
    }
    if (step->kind == FUZZ_STEP_MESSAGE) {
        take_message(g, step->message);
    } else if (step->kind == FUZZ_STEP_RECONNECT) {
        disconnect(g, &err);
    }
    settle(g);
    if (step->kind == FUZZ_STEP_APPEND || rv_upstream_finished(g->session)) {
        rv_upstream_close(g->session);
        FUZZ_CHECK(rv_upstream_open(g->shared, g->now, &g->session, &err) == RV_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    restore();
    rv_bytes input = rv_bytes_of(data, size);
    rv_error err = {.status = RV_OK};
    gateway g = {.edge = follow(the_node.node)};
    g.shared = serve(the_node.node, g.edge, shared_memory, sizeof shared_memory);
    FUZZ_CHECK(rv_upstream_open(g.shared, g.now, &g.session, &err) == RV_OK);
    for (int i = 0; i < FUZZ_STEPS_MAX && input.len > 0; i++) {
        const fuzz_step step = fuzz_take_step(&input);
        take_step(&g, &step);
    }
    rv_upstream_close(g.session);
    disconnect(&g, &err);
    FUZZ_CHECK(fuzz_node_settle(the_node.node));
    const uint32_t kept = rv_node_relay_facts(the_node.node).pushes;
    fuzz_check_after_crash(&the_node, &reopened, RV_ROLE_EDGE);
    FUZZ_CHECK(rv_node_relay_facts(reopened.node).pushes == kept);
    return 0;
}
