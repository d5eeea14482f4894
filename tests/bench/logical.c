/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's logical replication, as tests/bench/edges.c measures an edge: one cluster publishes
 * a table of events, another one subscribes to it. tests/bench/upstream.mjs makes both, and says
 * what they are asked.
 *
 *     bench_logical first FOLDER SUBSCRIBE SEEN     runs SUBSCRIBE at the cluster whose socket is
 * in FOLDER, and asks SEEN until it gives a row bench_logical live UPSTREAM FOLDER FILE       an
 * append (a prepared statement `append`) until a trigger at the subscriber tells it (NOTIFY told),
 * which PostgreSQL does when it has flushed it; beside flushing as much to FILE
 *
 * Prints `name value` lines: milliseconds; microseconds.
 */
#include "tests/bench/postgres.h"
#include "tests/bench/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APPENDS     2000
#define FLUSH_BYTES 128 /* as beside an edge */
#define PATIENCE    120.0

static void run_first(const char *folder, const char *subscribe, const char *seen) {
    const struct timespec pause = {.tv_nsec = 1000000};
    char ask[2048];
    postgres *const p = postgres_open(folder);
    snprintf(ask, sizeof ask, "PREPARE seen AS %s", seen);
    (void)postgres_run(p, ask);
    const double start = now_seconds();
    (void)postgres_run(p, subscribe);
    while (postgres_run(p, "EXECUTE seen") == 0) {
        if (now_seconds() > start + PATIENCE) {
            bench_fail("the subscriber has not got all");
        }
        (void)nanosleep(&pause, NULL);
    }
    printf("first_ms %.2f\n", (now_seconds() - start) * 1e3);
    postgres_close(p);
}

static double append_until_told(postgres *upstream, postgres *subscriber) {
    const double start = now_seconds();
    postgres_send(upstream, "EXECUTE append");
    postgres_told(subscriber);
    const double took = now_seconds() - start;
    (void)postgres_done(upstream);
    return took;
}

/* Writes a few bytes behind the others and flushes them. */
static double flush_time(int fd) {
    static const char bytes[FLUSH_BYTES];
    const double start = now_seconds();
    if (write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes || fdatasync(fd) != 0) {
        bench_fail("cannot write beside");
    }
    return now_seconds() - start;
}

static void run_live(const char *from, const char *to, const char *file) {
    static double told[APPENDS], flushed[APPENDS];
    postgres *const upstream = postgres_open(from);
    postgres *const subscriber = postgres_open(to);
    const int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || posix_fallocate(fd, 0, (off_t)APPENDS * FLUSH_BYTES * 2) != 0) {
        bench_fail("cannot write beside");
    }
    (void)postgres_run(upstream,
                       "PREPARE append AS INSERT INTO events (stream, version, type, data) "
                       "VALUES ('/accounts/1', nextval('versions'), 'deposited', "
                       "'{\"amount\":1}')");
    (void)postgres_run(subscriber, "LISTEN told");
    for (size_t i = 0; i < APPENDS / 10; i++) { /* warms up */
        (void)append_until_told(upstream, subscriber);
        (void)flush_time(fd);
    }
    for (size_t i = 0; i < APPENDS; i++) {
        told[i] = append_until_told(upstream, subscriber);
        flushed[i] = flush_time(fd);
    }
    print_times("told", told, APPENDS);
    print_times("flush", flushed, APPENDS);
    close(fd);
    postgres_close(subscriber);
    postgres_close(upstream);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "first") == 0) {
        run_first(argv[2], argv[3], argv[4]);
    } else if (argc == 5 && strcmp(argv[1], "live") == 0) {
        run_live(argv[2], argv[3], argv[4]);
    } else {
        fprintf(stderr, "usage: bench_logical first FOLDER SUBSCRIBE SEEN, or\n"
                        "       live UPSTREAM FOLDER FILE\n");
        return 2;
    }
    return 0;
}
