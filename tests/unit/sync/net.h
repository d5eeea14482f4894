/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root, gateways and devices on disks that answer late and forget what was not flushed, joined by
 * wires that are function calls. Every node but the root has one upstream, which can be changed; a
 * wire can be cut, a process can end at any time. One clock, which moves only here.
 */
#ifndef RV_TESTS_SYNC_NET_H
#define RV_TESTS_SYNC_NET_H

#include "core/engine/internal.h"
#include "core/engine/relay.h"
#include "platform/sim/disk.h"
#include "sync/edge_internal.h"
#include "sync/upstream_internal.h"
#include "tests/unit/digest.h"
#include "tests/unit/node_fixture.h"

#define NET_NODES_MAX   6
#define NET_NONE        (-1)
#define NET_DISK_MEMORY ((size_t)16 << 20)
#define NET_SYNC_MEMORY ((size_t)8 << 20)
#define NET_STEPS_MAX   60000
#define NET_STEP_US     500

typedef struct net_member {
    uint8_t *disk_memory;
    uint8_t *node_memory;
    uint8_t *edge_memory;
    uint8_t *shared_memory;
    rv_sim_disk *disk;
    rv_node *node;
    rv_edge *edge; /* NULL: the root */
    rv_upstream_shared *shared;
    const char *pattern; /* an entry of a selection */
    int upstream;        /* member that it connects to; NET_NONE: it stays offline */
    int linked;          /* to which it is connected */
    rv_upstream *session;
    bool deaf;     /* its upstream hears nothing of what others have settled */
    uint64_t asks; /* how often its session was asked for a message */
    rv_error err;  /* of the last connection's end */
} net_member;

typedef struct net {
    int count;
    net_member members[NET_NODES_MAX];
    int64_t now;
    uint64_t messages;
    bool sparing; /* a session is asked when it wants to be, its time has come, or a message */
    rv_error err;
} net;

static inline void net_open(net *n, int index) {
    net_member *const m = &n->members[index];
    const bool root = index == 0;
    if (fixture_open_on(rv_sim_disk_interface(m->disk), m->node_memory, FIXTURE_NODE_MEMORY,
                        root ? RV_ROLE_ROOT : RV_ROLE_EDGE, m->pattern, &m->node,
                        &m->err) != RV_OK) {
        fprintf(stderr, "net: open: %s\n", m->err.detail);
        abort();
    }
    rv_status status = RV_OK;
    if (!root) {
        rv_arena arena = rv_arena_over(m->edge_memory, NET_SYNC_MEMORY);
        const rv_edge_options e = {.node = m->node, .seed = (uint64_t)index};
        status = rv_edge_create(&m->edge, &e, &arena, &m->err);
    }
    if (status == RV_OK) {
        rv_arena arena = rv_arena_over(m->shared_memory, NET_SYNC_MEMORY);
        const rv_upstream_options u = {.node = m->node,
                                       .connections_max = 4,
                                       .edge = m->edge,
                                       .digest = &test_digest,
                                       .guide_near = 4};
        status = rv_upstream_shared_create(&m->shared, &u, &arena, &m->err);
    }
    if (status != RV_OK) {
        fprintf(stderr, "net: sync: %s\n", m->err.detail);
        abort();
    }
}

/* Adds a member; the first is the root. Returns its number. */
static inline int net_add(net *n, const char *pattern, int upstream) {
    const int index = n->count;
    net_member *const m = &n->members[index];
    const rv_sim_disk_options options = {.seed = (uint64_t)index + 1,
                                         .now = INT64_C(1700000000000000)};
    n->count += 1;
    *m = (net_member){.disk_memory = malloc(NET_DISK_MEMORY),
                      .node_memory = malloc(FIXTURE_NODE_MEMORY),
                      .edge_memory = malloc(NET_SYNC_MEMORY),
                      .shared_memory = malloc(NET_SYNC_MEMORY),
                      .pattern = pattern,
                      .upstream = upstream,
                      .linked = NET_NONE};
    m->disk = rv_sim_disk_create(m->disk_memory, NET_DISK_MEMORY, &options);
    net_open(n, index);
    return index;
}

static inline void net_slow(net *n, int index, uint32_t percent) {
    const rv_sim_faults faults = {
        .pending_percent = percent, .latency_us_max = 3 * NET_STEP_US, .crash = RV_SIM_CRASH_LOSE};
    rv_sim_disk_set_faults(n->members[index].disk, &faults);
}

/* The wire to the member's upstream ends. */
static inline void net_cut(net *n, int index) {
    net_member *const m = &n->members[index];
    if (m->session != NULL) {
        rv_error reason = m->err;
        if (reason.status == RV_OK) {
            (void)rv_error_set(&reason, RV_UPSTREAM_UNREACHABLE, "the test cut the connection");
        }
        rv_upstream_close(m->session);
        m->session = NULL;
        m->linked = NET_NONE;
        rv_edge_closed(m->edge, &reason, n->now);
    }
}

/* Cuts, and connects to another upstream from now on, without waiting for long. */
static inline void net_move(net *n, int index, int upstream) {
    n->members[index].err.status = RV_OK;
    net_cut(n, index);
    n->members[index].upstream = upstream;
    rv_edge_network_up(n->members[index].edge, n->now);
}

/* The process of a member ends, what its disk did not flush is gone, and it begins again. */
static inline void net_crash(net *n, int index) {
    net_member *const m = &n->members[index];
    m->err.status = RV_OK;
    net_cut(n, index);
    for (int i = 0; i < n->count; i++) {
        if (n->members[i].linked == index) {
            n->members[i].err.status = RV_OK;
            net_cut(n, i);
        }
    }
    rv_sim_disk_crash(m->disk);
    net_slow(n, index, 0);
    net_open(n, index);
    net_slow(n, index, 30);
}

static inline void net_connect(net *n, int index) {
    net_member *const m = &n->members[index];
    if (m->session == NULL && m->upstream != NET_NONE &&
        rv_edge_wants_connection(m->edge, n->now)) {
        m->err.status = RV_OK;
        if (rv_upstream_open(n->members[m->upstream].shared, n->now, &m->session, &m->err) !=
            RV_OK) {
            m->session = NULL;
            rv_edge_closed(m->edge, &m->err, n->now);
            return;
        }
        m->linked = m->upstream;
        rv_edge_opened(m->edge, n->now);
    }
}

static inline bool net_is_settled(rv_bytes message) {
    rv_wire_relay relay;
    return message.ptr[0] == RV_WIRE_RELAY &&
           rv_wire_read_relay(rv_bytes_from(message, RV_WIRE_HEADER_LEN), &relay, NULL) == RV_OK &&
           relay.kind == RV_WIRE_SETTLED;
}

/* One message each way over the member's wire. */
static inline bool net_exchange(net *n, int index) {
    net_member *const m = &n->members[index];
    rv_bytes message;
    bool moved = false;
    bool heard = !n->sparing;
    net_connect(n, index);
    if (m->session != NULL && rv_edge_send(m->edge, n->now, &message)) {
        moved = true;
        heard = true;
        if (!m->deaf || !net_is_settled(message)) {
            (void)!rv_upstream_receive(m->session, message, n->now, NULL);
        }
    }
    const bool asked = m->session != NULL &&
                       (heard || m->session->asked || rv_upstream_deadline(m->session) <= n->now);
    m->asks += asked;
    if (asked && rv_upstream_send(m->session, n->now, &message)) {
        moved = true;
        m->err.status = RV_OK;
        if (rv_edge_receive(m->edge, message, n->now, &m->err) != RV_OK) {
            net_cut(n, index);
        }
    }
    rv_error err = {.status = RV_OK};
    if (rv_edge_poll(m->edge, n->now, &err) != RV_OK) {
        m->err = err;
        net_cut(n, index);
    }
    if (m->session != NULL && rv_upstream_finished(m->session)) {
        net_cut(n, index);
    }
    n->messages += moved;
    return moved;
}

static inline bool net_step(net *n) {
    bool moved = false;
    n->now += NET_STEP_US;
    for (int i = 0; i < n->count; i++) {
        rv_sim_disk_advance(n->members[i].disk, NET_STEP_US);
        fixture_poll(n->members[i].node);
    }
    for (int i = 0; i < n->count && n->sparing; i++) {
        (void)rv_upstream_look(n->members[i].shared, n->now);
    }
    for (int i = 1; i < n->count; i++) {
        moved = net_exchange(n, i) || moved;
    }
    return moved;
}

static inline void net_steps(net *n, int count) {
    for (int i = 0; i < count; i++) {
        (void)net_step(n);
    }
}

/* Everything that the member wrote is decided and back, and it is where the root is. */
static inline bool net_done(net *n, int index) {
    net_member *const m = &n->members[index];
    return rv_node_outbox(m->node).pending == 0 &&
           rv_node_watermark(m->node) == rv_node_watermark(n->members[0].node);
}

/* Runs until all members that have an upstream are done; false: it does not come to that. */
static inline bool net_run(net *n) {
    int quiet = 0;
    for (int i = 0; i < NET_STEPS_MAX && quiet < 400; i++) {
        bool done = !net_step(n);
        for (int k = 1; k < n->count && done; k++) {
            done = n->members[k].upstream == NET_NONE || net_done(n, k);
        }
        quiet = done ? quiet + 1 : 0;
    }
    for (int k = 1; k < n->count && quiet < 400; k++) {
        const net_member *const m = &n->members[k];
        fprintf(stderr, "net: member %d: %u pending, W %llu of %llu, state %d, %s\n", k,
                rv_node_outbox(m->node).pending, (unsigned long long)rv_node_watermark(m->node),
                (unsigned long long)rv_node_watermark(n->members[0].node),
                (int)m->edge->status.state, m->err.detail);
    }
    return quiet == 400;
}

/* Appends at the root. */
static inline rv_status net_append(net *n, const char *path, const char *type, const char *data) {
    const rv_append append = fixture_event(path, type, data);
    rv_event result;
    rv_status status = RV_PENDING;
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_append(n->members[0].node, &append, 1, &result, &n->err);
        if (status == RV_PENDING || status == RV_BUSY) {
            rv_sim_disk_advance(n->members[0].disk, NET_STEP_US);
            fixture_poll(n->members[0].node);
        }
    }
    return status;
}

/* Writes at an edge. */
static inline rv_status net_write(net *n, int index, const char *path, const char *type,
                                  const char *data) {
    net_member *const m = &n->members[index];
    const rv_append append = fixture_event(path, type, data);
    const rv_writes writes = {.events = &append, .count = 1, .principal = RV_LITERAL("ada")};
    rv_event result;
    rv_written written;
    rv_status status = RV_PENDING;
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(m->node, &writes, &result, &written, &n->err);
        if (status == RV_PENDING || status == RV_BUSY) {
            rv_sim_disk_advance(m->disk, NET_STEP_US);
            fixture_poll(m->node);
        }
    }
    return status;
}

/* True when the member's rows are the root's of what it selects. */
static inline bool net_same(net *n, int index) {
    rv_path_pattern pattern;
    net_member *const m = &n->members[index];
    const char *const clause = strstr(m->pattern, " history");
    const size_t len = clause != NULL ? (size_t)(clause - m->pattern) : strlen(m->pattern);
    if (rv_path_pattern_parse(rv_bytes_of((const uint8_t *)m->pattern, len), &pattern, NULL) !=
        RV_OK) {
        return false;
    }
    return fixture_hashes_equal(rv_node_state_hash_selected(n->members[0].node, &pattern, 1),
                                rv_node_state_hash_selected(m->node, &pattern, 1));
}

/* A root with the fixture's schema. */
static inline net *net_create(void) {
    net *const n = calloc(1, sizeof *n);
    rv_event event;
    n->now = 1000000;
    (void)net_add(n, NULL, NET_NONE);
    if (fixture_apply_schema(n->members[0].node, &event, &n->err) != RV_OK) {
        fprintf(stderr, "net: %s\n", n->err.detail);
        abort();
    }
    return n;
}

static inline void net_free(net *n) {
    for (int i = 0; i < n->count; i++) {
        free(n->members[i].disk_memory);
        free(n->members[i].node_memory);
        free(n->members[i].edge_memory);
        free(n->members[i].shared_memory);
    }
    free(n);
}

#endif
