/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An edge's first sync, as its upstream sees it: the loan log in batches of ten events, and
 * sessions that select all of it, one stream, some streams, and those below a path of which there
 * are few; and one that was away for the second half. What is timed is the upstream: making
 * messages and polling the node, in one process with nobody at the other end but a counter of
 * events, which gives its credit back at once. The node was closed and opened before, so that
 * nothing of the log is in its memory to begin with; the quickest of some sessions counts, by the
 * processor's time.
 *
 *     bench_first DATA DIRECTORY      prints `name microseconds microseconds events` lines: led by
 *                                     the log's index, and walking
 */
#include "core/log/log.h"
#include "sync/timing.h"
#include "sync/upstream.h"
#include "sync/wire.h"
#include "tests/bench/loans.h"
#include "tests/bench/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       10
#define TOGETHER    1000 /* batches that share a flush */
#define REPEATS     5
#define NODE_MEMORY ((size_t)128 << 20)
#define SYNC_MEMORY ((size_t)8 << 20)

static rv_node *node;
static rv_upstream_shared *led;    /* by the log's index, as is usual */
static rv_upstream_shared *walked; /* all of the log */
static uint64_t sessions;

static void settle(void) {
    rv_error err;
    while (rv_node_sequence_durable(node) < rv_node_sequence(node)) {
        check(rv_node_poll(node, &err), &err);
    }
}

static void append_all(const loans *log) {
    rv_append batch[BATCH];
    rv_event results[BATCH];
    rv_error err;
    for (size_t at = 0; at < log->count; at += BATCH) {
        const size_t count = log->count - at < BATCH ? log->count - at : BATCH;
        for (size_t i = 0; i < count; i++) {
            const loan_event *event = &log->events[at + i];
            batch[i] = (rv_append){.path = event->path, .type = event->type, .data = event->data};
        }
        rv_status status = rv_node_append(node, batch, count, results, &err);
        while (status == RV_PENDING || status == RV_BUSY) {
            check(rv_node_poll(node, &err), &err);
            status = rv_node_append(node, batch, count, results, &err);
        }
        check(status, &err);
        if (at / BATCH % TOGETHER == 0) {
            settle();
        }
    }
    settle();
}

/* What an edge selects, and has already. */
typedef struct selection {
    const char *patterns[8];
    size_t count;
    rv_wire_point from;
} selection;

typedef struct session {
    rv_upstream *upstream;
    rv_wire_point point;
    uint64_t events;
} session;

static void hello(session *s, rv_upstream_shared *shared, const selection *x) {
    static uint8_t bytes[8192];
    const rv_log_identity *const identity = rv_node_identity(node);
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_error err;
    rv_wire_hello h = {.version_min = RV_WIRE_VERSION_MIN,
                       .version_max = RV_WIRE_VERSION_MAX,
                       .node_id = {1},
                       .has_log = x->from.watermark > 0,
                       .epoch = identity->epoch,
                       .watermark = x->from.watermark,
                       .chain_hash = x->from.chain_hash,
                       .schema_version =
                           x->from.watermark > 0 ? rv_schema_version(rv_node_schema(node)) : 0,
                       .schema_hash = rv_schema_hash(rv_node_schema(node)),
                       .credit = RV_SYNC_CREDIT,
                       .batch_bytes = RV_SYNC_BATCH_MAX - sessions++, /* or it is sent the same */
                       .pattern_count = x->count};
    memcpy(h.log_id, identity->log_id, sizeof h.log_id);
    for (size_t i = 0; i < x->count; i++) {
        h.patterns[i] = rv_bytes_of_string(x->patterns[i]);
    }
    rv_wire_write_hello(&w, &h);
    *s = (session){.point = x->from};
    check(rv_upstream_open(shared, 0, &s->upstream, &err), &err);
    check(rv_upstream_receive(s->upstream, rv_writer_bytes(&w), 0, &err), &err);
}

static void take(session *s, rv_bytes message) {
    static const rv_compression none = {0};
    const rv_writer inflated = {0};
    uint8_t bytes[64];
    rv_wire_kind kind = RV_WIRE_HELLO;
    rv_bytes body;
    rv_error err;
    check(rv_wire_open(message, &none, &inflated, &kind, &body, &err), &err);
    rv_cursor c = rv_cursor_over(body);
    rv_wire_progress p;
    rv_wire_events head;
    if (kind == RV_WIRE_EVENTS && rv_wire_read_events(&c, &head)) {
        (void)rv_read_u8(&c); /* its shape */
        s->events += rv_read_varint(&c);
        if (!head.continues) {
            s->point = (rv_wire_point){head.watermark, head.chain_hash};
        }
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_wire_write_credit(&w, message.len + RV_SYNC_MESSAGE_COST);
        check(rv_upstream_receive(s->upstream, rv_writer_bytes(&w), 0, &err), &err);
    } else if (kind == RV_WIRE_PROGRESS && rv_wire_read_progress(body, &p, NULL) == RV_OK) {
        s->point = (rv_wire_point){p.watermark, p.chain_hash};
    } else if (kind != RV_WIRE_WELCOME) {
        fail("session", "the upstream sent what is not expected");
    }
}

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Runs a session until the edge has come to `until`. Nanoseconds of work. */
static double run(session *s, uint64_t until) {
    const double start = cpu_ns();
    rv_error err;
    int64_t now = 0;
    while (s->point.watermark < until) {
        rv_bytes message;
        if (rv_upstream_send(s->upstream, now, &message)) {
            take(s, message);
        } else {
            now += RV_SYNC_REPORT_US;
        }
        check(rv_node_poll(node, &err), &err);
    }
    const double took = cpu_ns() - start;
    rv_upstream_close(s->upstream);
    return took;
}

/* The quickest of some sessions. */
static session best_of(rv_upstream_shared *shared, const selection *x, double *best) {
    session s = {0};
    *best = 1e18;
    for (int i = 0; i < REPEATS; i++) {
        hello(&s, shared, x);
        const double took = run(&s, rv_node_watermark_durable(node));
        *best = took < *best ? took : *best;
    }
    return s;
}

static void measure(const char *name, const selection *x) {
    double by_index = 0;
    double by_walk = 0;
    const session a = best_of(led, x, &by_index);
    const session b = best_of(walked, x, &by_walk);
    if (a.events != b.events || a.point.chain_hash != b.point.chain_hash) {
        fail(name, "the two are not sent the same");
    }
    printf("%s %.1f %.1f %llu\n", name, by_index / 1e3, by_walk / 1e3,
           (unsigned long long)a.events);
}

static rv_upstream_shared *create_shared(uint32_t near) {
    rv_arena arena = rv_arena_over(memory_map(SYNC_MEMORY, MAP_POPULATE), SYNC_MEMORY);
    const rv_upstream_options options = {.node = node, .connections_max = 2, .guide_near = near};
    rv_upstream_shared *shared = NULL;
    rv_error err;
    check(rv_upstream_shared_create(&shared, &options, &arena, &err), &err);
    return shared;
}

/* Where a batch ends in the middle of the log. */
static rv_wire_point middle(uint64_t position) {
    rv_wire_point point = {0};
    rv_status status = RV_PENDING;
    rv_error err;
    while (status == RV_PENDING || status == RV_BUSY) {
        status = rv_log_chain_from(rv_node_log(node), position, &point.watermark, &point.chain_hash,
                                   &err);
        check(rv_node_poll(node, &err), &err);
    }
    check(status, &err);
    return point;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench_first DATA DIRECTORY\n");
        return 2;
    }
    const loans log = loans_read(argv[1]);
    void *const memory = memory_map(NODE_MEMORY, MAP_POPULATE);
    rv_posix *posix = NULL;
    rv_error err;
    rv_event event;
    node = open_node(argv[2], memory, NODE_MEMORY, &posix);
    check(rv_node_schema_apply(node, log.schema, &event, &err), &err);
    append_all(&log);
    close_node(node, posix);
    memset(memory, 0, NODE_MEMORY);
    node = open_node(argv[2], memory, NODE_MEMORY, &posix);
    led = create_shared(0);
    walked = create_shared(UINT32_MAX);
    selection all = {.patterns = {"/**"}, .count = 1};
    selection one = {.count = 1};
    selection eight = {.count = 8};
    selection below = {.patterns = {"/applications/173688/**"}, .count = 1}; /* none are */
    static char paths[8][64];
    for (size_t i = 0; i < 8; i++) { /* streams that begin all over the log */
        const rv_bytes path = log.events[(2 * i + 1) * log.count / 16].path;
        snprintf(paths[i], sizeof paths[i], "%.*s", (int)path.len, (const char *)path.ptr);
        eight.patterns[i] = paths[i];
    }
    one.patterns[0] = paths[3];
    measure("whole", &all);
    measure("one", &one);
    measure("eight", &eight);
    measure("below", &below);
    one.from = middle(log.count / 2);
    eight.from = one.from;
    measure("away_one", &one);
    measure("away_eight", &eight);
    close_node(node, posix);
    return 0;
}
