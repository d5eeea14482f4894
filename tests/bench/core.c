/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core does with the loan log, beside tests/bench/baseline.c: durable batches of 1,000
 * from JSON text, then opening what that left: without its checkpoint, which replays every event
 * into aggregates on one core, with it, and with it when ten times the events were written to the
 * same rows; and going through that log once more for the state as it was, at its end. All of it is
 * in memory that the system has given before; replay also in memory as a node gets it, of which the
 * system gives each page when it is first written to: that is what a module of WebAssembly has,
 * too.
 *
 * Batches are flushed one by one, each before it counts, but by another thread, as in the daemon:
 * while one is flushed the next is judged, folded and encoded, and the one after that waits until
 * the first is durable.
 *
 *     bench_core DATA DIRECTORY      prints `name value` lines
 */
#include "core/engine/as_of.h"
#include "native/flusher.h"
#include "tests/bench/loans.h"
#include "tests/bench/node.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH       1000
#define MEMORY_SIZE ((size_t)128 << 20)
#define REPEATS     5

static rv_flusher *flusher;

/* Polls until everything up to `sequence` is durable. */
static void wait_durable(rv_node *node, uint64_t sequence) {
    rv_error err;
    check(rv_node_poll(node, &err), &err);
    while (rv_node_sequence_durable(node) < sequence) {
        rv_flusher_poll(flusher, true);
        check(rv_node_poll(node, &err), &err);
    }
}

static void append_all(rv_node *node, const loans *log) {
    static rv_append batch[BATCH];
    static rv_event results[BATCH];
    rv_error err;
    for (size_t at = 0; at < log->count; at += BATCH) {
        const size_t count = log->count - at < BATCH ? log->count - at : BATCH;
        for (size_t i = 0; i < count; i++) {
            const loan_event *event = &log->events[at + i];
            batch[i] = (rv_append){.path = event->path, .type = event->type, .data = event->data};
        }
        const uint64_t last = rv_node_sequence(node);
        rv_status status = rv_node_append(node, batch, count, results, &err);
        while (status == RV_PENDING || status == RV_BUSY) {
            rv_flusher_poll(flusher, true);
            check(rv_node_poll(node, &err), &err);
            status = rv_node_append(node, batch, count, results, &err);
        }
        check(status, &err);
        wait_durable(node, last);
    }
    wait_durable(node, rv_node_sequence(node));
}

/* Appends what creates no row, `times` over. */
static void append_again(rv_node *node, const loans *log, int times) {
    static rv_append batch[BATCH];
    static rv_event results[BATCH];
    rv_error err;
    size_t count = 0;
    for (int time = 0; time < times; time++) {
        for (size_t i = 0; i < log->count; i++) {
            const loan_event *event = &log->events[i];
            if (event->kind != LOAN_SUBMITTED && event->kind != LOAN_ITEM_OPENED) {
                batch[count++] =
                    (rv_append){.path = event->path, .type = event->type, .data = event->data};
            }
            if (count == BATCH || (i + 1 == log->count && count > 0)) {
                rv_status status = rv_node_append(node, batch, count, results, &err);
                while (status == RV_PENDING || status == RV_BUSY) {
                    check(rv_node_poll(node, &err), &err);
                    status = rv_node_append(node, batch, count, results, &err);
                }
                check(status, &err);
                check(rv_node_poll(node, &err), &err);
                count = 0;
            }
        }
    }
}

static void remove_checkpoints(const char *directory) {
    DIR *const dir = opendir(directory);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, "ckp-", 4) == 0) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

/* The best time to open, in seconds; ends the program when the state is another. `given` NULL: in
 * new memory each time. */
static double time_open(const char *directory, void *given, rv_hash128 hash, rv_opened by) {
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        rv_posix *posix = NULL;
        if (by == RV_OPENED_BY_REPLAY) {
            remove_checkpoints(directory);
        }
        void *const memory = given != NULL ? given : memory_map(MEMORY_SIZE, 0);
        if (given != NULL) {
            memset(memory, 0, MEMORY_SIZE);
        }
        const double start = seconds();
        rv_node *node = open_node(directory, memory, MEMORY_SIZE, &posix);
        const double took = seconds() - start;
        best = took < best ? took : best;
        const rv_hash128 again = rv_node_state_hash(node);
        if (again.low != hash.low || again.high != hash.high ||
            rv_node_checkpoint_of(node)->opened_by != by) {
            fprintf(stderr, "bench: the state after opening differs\n");
            exit(1);
        }
        close_node(node, posix);
        if (given == NULL) {
            (void)munmap(memory, MEMORY_SIZE);
        }
    }
    return best;
}

/* The best time for the state as it was at the last event, which is the present one, from the
 * start; and for one event more. */
static void time_past(rv_node *node, rv_hash128 hash) {
    double best = 1e9;
    double next = 1e9;
    void *memory = memory_map(MEMORY_SIZE, MAP_POPULATE);
    const uint64_t w = rv_node_watermark(node);
    for (int i = 0; i < REPEATS; i++) {
        const rv_as_of_options options = {
            .node = node, .memory = memory, .memory_size = MEMORY_SIZE};
        rv_as_of *as_of = NULL;
        rv_error err;
        check(rv_as_of_create(&as_of, &options, &err), &err);
        const double start = seconds();
        double before = start;
        for (uint64_t at = w - 1; at <= w; at++) {
            const rv_as_of_place place = {at, INT64_MAX};
            rv_status status = RV_PENDING;
            before = seconds();
            while (status == RV_PENDING || status == RV_BUSY) {
                status = rv_as_of_reach(as_of, &place, &err);
                check(rv_node_poll(node, &err), &err);
            }
            check(status, &err);
        }
        const double end = seconds();
        best = end - start < best ? end - start : best;
        next = end - before < next ? end - before : next;
        const rv_hash128 then = rv_state_hash(rv_as_of_state(as_of), w);
        if (then.low != hash.low || then.high != hash.high) {
            fprintf(stderr, "bench: the state as it was differs\n");
            exit(1);
        }
    }
    printf("past %.0f\npast_next_us %.1f\n", (double)w / best, next * 1e6);
    (void)munmap(memory, MEMORY_SIZE);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench_core DATA DIRECTORY\n");
        return 2;
    }
    const loans log = loans_read(argv[1]);
    void *memory = memory_map(MEMORY_SIZE, MAP_POPULATE);
    rv_posix *posix = NULL;
    rv_error err;
    rv_node *node = open_node(argv[2], memory, MEMORY_SIZE, &posix);
    rv_event event;
    check(rv_node_schema_apply(node, log.schema, &event, &err), &err);
    wait_durable(node, rv_node_sequence(node));
    check(rv_flusher_start(posix, &flusher, &err), &err);
    double start = seconds();
    append_all(node, &log);
    printf("durable_batches %.0f\n", (double)log.count / (seconds() - start));
    rv_flusher_stop(flusher);
    printf("log_bytes %llu\n", (unsigned long long)rv_log_bytes(rv_node_log(node)));
    rv_hash128 hash = rv_node_state_hash(node);
    close_node(node, posix);
    const double replay = time_open(argv[2], memory, hash, RV_OPENED_BY_REPLAY);
    printf("replay %.0f\n", (double)log.count / replay);
    printf("replay_ms %.2f\n", replay * 1000);
    const double anew = time_open(argv[2], NULL, hash, RV_OPENED_BY_REPLAY);
    printf("replay_new_memory %.0f\n", (double)log.count / anew);
    printf("open_ms %.2f\n", time_open(argv[2], memory, hash, RV_OPENED_BY_CHECKPOINT) * 1000);
    node = open_node(argv[2], memory, MEMORY_SIZE, &posix);
    time_past(node, hash);
    append_again(node, &log, 11);
    hash = rv_node_state_hash(node);
    printf("events_10x %llu\n", (unsigned long long)rv_node_sequence(node));
    printf("checkpoint_bytes %llu\n", (unsigned long long)rv_node_checkpoint_of(node)->bytes);
    start = seconds();
    close_node(node, posix);
    printf("close_10x_ms %.2f\n", (seconds() - start) * 1000);
    printf("open_10x_ms %.2f\n", time_open(argv[2], memory, hash, RV_OPENED_BY_CHECKPOINT) * 1000);
    return 0;
}
