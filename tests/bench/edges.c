/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a central node does with many edges (tests/bench/swarm.h). It is another process, started by
 * tests/bench/edges.mjs with the schema that is there.
 *
 *     bench_edges idle PORT PID COUNT      COUNT edges, each with a stream of its own, of which one
 *                                          is appended to: memory of an edge, what the node does
 *                                          while nothing happens, time and work of an append
 *     bench_edges rows PORT PID COUNT      the same with edges that each select rows of an owner
 *     bench_edges same PORT PID COUNT      COUNT edges with the same stream: events delivered
 *     bench_edges live PORT PID FILE       one edge: an append until it is there, beside writing as
 *                                          much to FILE and flushing it; and its bytes on the wire
 *
 *     bench_edges followed PORT EDGE FILE  the same until a subscription tells it at a real edge,
 *                                          which has the port EDGE
 *
 *     bench_edges private 0 PID 0          memory of the process, and nothing else
 *
 * Prints `name value` lines: microseconds, bytes, numbers a second.
 */
#include "tests/bench/process.h"
#include "tests/bench/requests.h"
#include "tests/bench/swarm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPENDS     2000
#define IDLE_TIME   5.0
#define BATCH       100
#define SAME_TIME   3.0
#define PATIENCE    10.0
#define FLUSH_BYTES 128 /* about what an append writes */

static const char one[] = "{\"amount\":1}";

/* Appends one event, and waits until the edge has it. */
static double append_until_seen(swarm *s, const swarm_edge *e, requests *r) {
    const uint64_t before = e->events;
    const double start = now_seconds();
    requests_send(r, "/streams/account_events/1", "deposited", one, sizeof one - 1);
    while (e->events == before && now_seconds() < start + PATIENCE) {
        swarm_turn(s, 100);
    }
    if (e->events == before) {
        bench_fail("an event did not reach the edge");
    }
    const double took = e->seen - start;
    requests_answer(r);
    return took;
}

static void run_idle(int port, int pid, size_t count, swarm_selects selects) {
    static double times[APPENDS];
    requests *const r = requests_open(port);
    const uint64_t before = process_private_bytes(pid);
    swarm *const s = swarm_open(port, count, selects);
    swarm_rest(s, 1.0);
    printf("bytes_an_edge %.0f\n",
           ((double)process_private_bytes(pid) - (double)before) / (double)count);
    const uint64_t schema_changes = s->edges[0].events;
    double cpu = process_cpu_seconds(pid), start = now_seconds();
    swarm_rest(s, IDLE_TIME);
    printf("idle_share %.4f\n", (process_cpu_seconds(pid) - cpu) / (now_seconds() - start));
    for (size_t i = 0; i < APPENDS / 10; i++) { /* warms up */
        (void)append_until_seen(s, &s->edges[1], r);
    }
    cpu = process_cpu_seconds(pid);
    start = now_seconds();
    for (size_t i = 0; i < APPENDS; i++) {
        times[i] = append_until_seen(s, &s->edges[1], r);
    }
    printf("append_cpu %.1f\n", (process_cpu_seconds(pid) - cpu) / APPENDS * 1e6);
    printf("appends %.0f\n", APPENDS / (now_seconds() - start));
    print_times("seen", times, APPENDS);
    for (size_t i = 0; i < count; i++) {
        if (i != 1 && s->edges[i].events > schema_changes) {
            bench_fail("an edge got what it did not select");
        }
    }
    swarm_close(s);
    requests_close(r);
}

static void run_same(int port, int pid, size_t count) {
    static char body[BATCH * 128];
    size_t len = 0;
    uint64_t appended = 0;
    requests *const r = requests_open(port);
    swarm *const s = swarm_open(port, count, (swarm_selects){.pattern = "/accounts/1"});
    for (int i = 0; i < BATCH; i++) {
        len += (size_t)snprintf(body + len, sizeof body - len, "%s%s", i == 0 ? "[" : ",", one);
    }
    body[len++] = ']';
    swarm_rest(s, 0.5); /* they take what is there */
    s->events = 0;
    const double cpu = process_cpu_seconds(pid), start = now_seconds();
    while (now_seconds() < start + SAME_TIME) {
        requests_send(r, "/streams/account_events/1?return=minimal", "deposited", body, len);
        while (!requests_answered(r)) {
            swarm_turn(s, 0);
        }
        requests_answer(r);
        appended += BATCH;
    }
    while (s->events < appended * count && now_seconds() < start + SAME_TIME + PATIENCE) {
        swarm_turn(s, 10);
    }
    const double took = now_seconds() - start;
    if (s->events != appended * count) {
        bench_fail("not every edge got every event");
    }
    printf("delivered %.0f\n", (double)s->events / took);
    printf("appended %.0f\n", (double)appended / took);
    printf("event_cpu %.3f\n", (process_cpu_seconds(pid) - cpu) / (double)s->events * 1e6);
    swarm_close(s);
    requests_close(r);
}

/* Writes a few bytes behind the others and flushes them. */
static double flush_time(int fd) {
    static uint8_t bytes[FLUSH_BYTES];
    const double start = now_seconds();
    if (write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes || fdatasync(fd) != 0) {
        bench_fail("cannot write beside");
    }
    return now_seconds() - start;
}

/* As the log's files: their space is there before it is written to. */
static int open_beside(const char *file) {
    const int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || posix_fallocate(fd, 0, APPENDS * FLUSH_BYTES * 2) != 0) {
        bench_fail("cannot write beside");
    }
    return fd;
}

static void run_live(int port, const char *file) {
    static double seen[APPENDS], flushed[APPENDS];
    requests *const r = requests_open(port);
    swarm *const s = swarm_open(port, 1, (swarm_selects){.pattern = "/accounts/**"});
    const int fd = open_beside(file);
    for (size_t i = 0; i < APPENDS / 10; i++) {
        (void)append_until_seen(s, &s->edges[0], r);
        (void)flush_time(fd);
    }
    const uint64_t received = s->edges[0].bytes;
    for (size_t i = 0; i < APPENDS; i++) {
        seen[i] = append_until_seen(s, &s->edges[0], r);
        flushed[i] = flush_time(fd);
    }
    printf("bytes_an_event %.1f\n", (double)(s->edges[0].bytes - received) / APPENDS);
    print_times("seen", seen, APPENDS);
    print_times("flush", flushed, APPENDS);
    close(fd);
    swarm_close(s);
    requests_close(r);
}

/* Appends one event, and waits until the feed tells it. */
static double append_until_told(requests *feed, requests *r) {
    const double start = now_seconds();
    requests_send(r, "/streams/account_events/1", "deposited", one, sizeof one - 1);
    requests_told(feed, "\nevent: event\n");
    const double took = now_seconds() - start;
    requests_answer(r);
    return took;
}

static void run_followed(int port, int edge, const char *file) {
    static double seen[APPENDS], flushed[APPENDS];
    requests *const r = requests_open(port);
    requests *const feed = requests_open(edge);
    const int fd = open_beside(file);
    requests_feed(feed, "/events?path=/accounts/**&from=now");
    for (size_t i = 0; i < APPENDS / 10; i++) {
        (void)append_until_told(feed, r);
        (void)flush_time(fd);
    }
    for (size_t i = 0; i < APPENDS; i++) {
        seen[i] = append_until_told(feed, r);
        flushed[i] = flush_time(fd);
    }
    print_times("seen", seen, APPENDS);
    print_times("flush", flushed, APPENDS);
    close(fd);
    requests_close(feed);
    requests_close(r);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: bench_edges idle|rows|same PORT PID COUNT, live PORT PID FILE, or\n"
                        "       followed PORT EDGE FILE\n");
        return 2;
    }
    const int port = atoi(argv[2]), pid = atoi(argv[3]); /* or the other port */
    const size_t count = (size_t)strtoul(argv[4], NULL, 10);
    if (strcmp(argv[1], "private") == 0) {
        printf("bytes_private %llu\n", (unsigned long long)process_private_bytes(pid));
    } else if (strcmp(argv[1], "live") == 0) {
        run_live(port, argv[4]);
    } else if (strcmp(argv[1], "followed") == 0) {
        run_followed(port, pid, argv[4]);
    } else if (strcmp(argv[1], "same") == 0) {
        run_same(port, pid, count);
    } else if (strcmp(argv[1], "rows") == 0) {
        run_idle(port, pid, count, (swarm_selects){.aggregate = "account", .filter = "owner = %u"});
    } else {
        run_idle(port, pid, count, (swarm_selects){.pattern = "/accounts/%u"});
    }
    return 0;
}
