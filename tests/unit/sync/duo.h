/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root and an edge on disks that answer late and forget what was not flushed, joined by a wire
 * that is a function call and can be cut after any message; either side can crash, or be put back
 * to what its disk held before. One clock, which moves only here.
 */
#ifndef RV_TESTS_SYNC_DUO_H
#define RV_TESTS_SYNC_DUO_H

#include "core/engine/decide.h"
#include "platform/sim/disk.h"
#include "sync/edge_internal.h"
#include "sync/upstream_internal.h"
#include "tests/unit/node_fixture.h"

#define DUO_DISK_MEMORY ((size_t)16 << 20)
#define DUO_SYNC_MEMORY ((size_t)8 << 20)
#define DUO_STEPS_MAX   40000
#define DUO_STEP_US     200
#define DUO_SPOIL_WHOLE 1000

typedef struct duo_side {
    uint8_t *disk_memory;
    uint8_t *node_memory;
    uint8_t *sync_memory;
    rv_sim_disk *disk;
    rv_node *node;
    size_t memory; /* of the node; 0: FIXTURE_NODE_MEMORY */
} duo_side;

typedef struct duo {
    duo_side root;
    duo_side leaf;
    rv_upstream_shared *shared;
    rv_upstream *session; /* NULL: not connected */
    rv_edge *edge;
    int64_t now;
    uint64_t messages; /* delivered, both ways */
    uint64_t steps;
    uint64_t cut_at;   /* number of messages after which the connection is cut; 0: never */
    const char *entry; /* that the edge selects; NULL: everything */
    bool stored;       /* it is opened for what its directory says */
    rv_error err;
} duo;

static inline void duo_fail(const char *what, const rv_error *err) {
    fprintf(stderr, "duo: %s: %s\n", what, err->detail);
    abort();
}

static inline void duo_open(duo *d, duo_side *side) {
    const bool root = side == &d->root;
    rv_arena arena = rv_arena_over(side->sync_memory, DUO_SYNC_MEMORY);
    const char *const entry = d->stored ? NULL : d->entry != NULL ? d->entry : "/**";
    const size_t memory = side->memory > 0 ? side->memory : FIXTURE_NODE_MEMORY;
    if (fixture_open_on(rv_sim_disk_interface(side->disk), side->node_memory, memory,
                        root ? RV_ROLE_ROOT : RV_ROLE_EDGE, root ? NULL : entry, &side->node,
                        &d->err) != RV_OK) {
        duo_fail("open", &d->err);
    }
    const rv_upstream_options u = {.node = side->node, .connections_max = 3};
    const rv_edge_options e = {.node = side->node, .seed = 7};
    const rv_status status = root ? rv_upstream_shared_create(&d->shared, &u, &arena, &d->err)
                                  : rv_edge_create(&d->edge, &e, &arena, &d->err);
    if (status != RV_OK) {
        duo_fail("sync", &d->err);
    }
}

static inline void duo_side_create(duo *d, duo_side *side, uint64_t seed) {
    const rv_sim_disk_options options = {.seed = seed, .now = INT64_C(1700000000000000)};
    side->disk_memory = malloc(DUO_DISK_MEMORY);
    side->node_memory = malloc(FIXTURE_NODE_MEMORY);
    side->sync_memory = malloc(DUO_SYNC_MEMORY);
    side->disk = rv_sim_disk_create(side->disk_memory, DUO_DISK_MEMORY, &options);
    duo_open(d, side);
}

static inline void duo_slow(duo_side *side, uint32_t percent) {
    const rv_sim_faults faults = {
        .pending_percent = percent, .latency_us_max = 5 * DUO_STEP_US, .crash = RV_SIM_CRASH_LOSE};
    rv_sim_disk_set_faults(side->disk, &faults);
}

static inline void duo_end(duo *d, const rv_error *reason) {
    if (d->session != NULL) {
        rv_upstream_close(d->session);
        d->session = NULL;
        rv_edge_closed(d->edge, reason, d->now);
    }
}

static inline void duo_cut(duo *d) {
    rv_error reason;
    (void)rv_error_set(&reason, RV_UPSTREAM_UNREACHABLE, "the test cut the connection");
    duo_end(d, &reason);
}

/* The process of a side ends, and what its disk did not flush is gone; it begins again. */
static inline void duo_crash(duo *d, duo_side *side) {
    duo_cut(d);
    rv_sim_disk_crash(side->disk);
    duo_slow(side, 0);
    duo_open(d, side);
    duo_slow(side, 50);
}

/* What holds nothing between two calls may be anything. */
static inline void duo_spoil(duo *d) {
    rv_unused unused = {.count = 0};
    rv_node_unused(d->root.node, &unused);
    rv_node_unused(d->leaf.node, &unused);
    rv_upstream_unused(d->shared, &unused);
    rv_edge_unused(d->edge, &unused);
    d->steps += 1;
    fixture_spoil(&unused, d->steps % DUO_SPOIL_WHOLE == 0);
}

/* Delivers what both have to say, a message each; false: nothing moved. */
static inline bool duo_step(duo *d) {
    rv_bytes message;
    bool moved = false;
    d->now += DUO_STEP_US;
    duo_spoil(d);
    rv_sim_disk_advance(d->root.disk, DUO_STEP_US);
    rv_sim_disk_advance(d->leaf.disk, DUO_STEP_US);
    fixture_poll(d->root.node);
    fixture_poll(d->leaf.node);
    if (d->session != NULL && rv_edge_send(d->edge, d->now, &message)) {
        moved = true;
        d->messages += 1;
        (void)!rv_upstream_receive(d->session, message, d->now, NULL);
        if (d->messages == d->cut_at) {
            duo_cut(d);
        }
    }
    if (d->session != NULL && rv_upstream_send(d->session, d->now, &message)) {
        moved = true;
        d->messages += 1;
        if (rv_edge_receive(d->edge, message, d->now, &d->err) != RV_OK) {
            duo_end(d, &d->err);
        } else if (d->messages == d->cut_at) {
            duo_cut(d);
        }
    }
    if (rv_edge_poll(d->edge, d->now, &d->err) != RV_OK ||
        (d->session != NULL && rv_upstream_finished(d->session))) {
        duo_cut(d);
    }
    return moved;
}

/* Connects, when the edge's back-off says so. */
static inline void duo_connect(duo *d) {
    const int64_t deadline = rv_edge_deadline(d->edge);
    d->now = d->session == NULL && deadline != INT64_MAX && deadline > d->now ? deadline : d->now;
    if (rv_edge_wants_connection(d->edge, d->now)) {
        if (rv_upstream_open(d->shared, d->now, &d->session, &d->err) != RV_OK) {
            duo_fail("connect", &d->err);
        }
        rv_edge_opened(d->edge, d->now);
    }
}

/* Everything that the edge wrote is decided, settled and back. */
static inline bool duo_done(duo *d) {
    const rv_outbox_facts facts = rv_node_outbox(d->leaf.node);
    rv_edge_life life = {.incarnation = facts.incarnation};
    memcpy(life.edge_id, rv_node_id(d->leaf.node), sizeof life.edge_id);
    return d->edge->status.state == RV_EDGE_CONNECTED && facts.pending == 0 &&
           rv_node_watermark(d->leaf.node) == rv_node_watermark(d->root.node) &&
           (facts.incarnation == 0 || rv_node_unsettled(d->root.node, &life) == 0);
}

/* Runs, and connects again, until all is done; false: it does not come to that. */
static inline bool duo_run(duo *d) {
    for (int i = 0; i < DUO_STEPS_MAX; i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        if (!duo_step(d) && duo_done(d)) {
            return true;
        }
    }
    const rv_outbox_facts facts = rv_node_outbox(d->leaf.node);
    fprintf(stderr, "duo: %u pending, W %llu of %llu, state %d, %s\n", facts.pending,
            (unsigned long long)rv_node_watermark(d->leaf.node),
            (unsigned long long)rv_node_watermark(d->root.node), (int)d->edge->status.state,
            d->err.detail);
    return false;
}

/* A root with the fixture's schema and an edge that has it, and selects this, connected. */
static inline duo *duo_create_for(const char *entry) {
    duo *const d = calloc(1, sizeof *d);
    rv_event event;
    d->now = 1000000;
    d->entry = entry;
    duo_side_create(d, &d->root, 1);
    duo_side_create(d, &d->leaf, 2);
    if (fixture_apply_schema(d->root.node, &event, &d->err) != RV_OK || !duo_run(d)) {
        duo_fail("create", &d->err);
    }
    duo_slow(&d->root, 50);
    duo_slow(&d->leaf, 50);
    return d;
}

static inline duo *duo_create(void) {
    return duo_create_for(NULL);
}

static inline void duo_free(duo *d) {
    duo_side *const sides[] = {&d->root, &d->leaf};
    for (int i = 0; i < 2; i++) {
        free(sides[i]->disk_memory);
        free(sides[i]->node_memory);
        free(sides[i]->sync_memory);
    }
    free(d);
}

/* Appends at the root. */
static inline rv_status duo_append(duo *d, const char *path, const char *type, const char *data) {
    const rv_append append = fixture_event(path, type, data);
    rv_event result;
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_append(d->root.node, &append, 1, &result, &d->err);
        if (status == RV_PENDING || status == RV_BUSY) {
            rv_sim_disk_advance(d->root.disk, DUO_STEP_US);
            fixture_poll(d->root.node);
        }
    }
    return status;
}

/* Writes at the edge. */
static inline rv_status duo_write(duo *d, const rv_append *events, size_t count,
                                  rv_written *written) {
    const rv_writes writes = {.events = events, .count = count, .principal = RV_LITERAL("ada")};
    static rv_event results[RV_PUSH_EVENTS_MAX];
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(d->leaf.node, &writes, results, written, &d->err);
        if (status == RV_PENDING || status == RV_BUSY) {
            rv_sim_disk_advance(d->leaf.disk, DUO_STEP_US);
            fixture_poll(d->leaf.node);
        }
    }
    return status;
}

static inline rv_status duo_write_one(duo *d, const char *path, const char *type,
                                      const char *data) {
    const rv_append append = fixture_event(path, type, data);
    rv_written written;
    return duo_write(d, &append, 1, &written);
}

#endif
