/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row's history out of a large log: 500,000 streams, whose events come in turn, so that those
 * of one stream lie as far from each other as they can. After a million events and after ten the
 * node is closed and opened with memory that was never touched, and then the histories of some rows
 * are read, the first one with nothing of the log in the node's memory. A wrapper around the host
 * counts what is read. At last the state as it was in the middle of the log is asked for, from the
 * checkpoints that were kept, and, when those are removed, from the log's beginning.
 *
 *     bench_history DIRECTORY [STREAMS [EVENTS]]      prints `name value` lines
 */
#include "core/engine/as_of.h"
#include "core/live/subscription.h"
#include "tests/bench/node.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH       1000
#define MEMORY_SIZE ((size_t)512 << 20)
#define SAMPLES     200

static const char schema[] =
    "CREATE AGGREGATE account (id bigint PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);"
    "CREATE EVENT_TYPE opened (id creates account(id));"
    "CREATE EVENT_TYPE moved (id references account(id),"
    " amount bigint NOT NULL increments account(balance));"
    "CREATE STREAM accounts (path \"/accounts/{id}\", event_types (opened, moved));";

/* The host below, and what was asked of it. */
static struct {
    rv_host host;
    uint64_t reads;
    uint64_t bytes;
    uint64_t opens;
} counted;

static rv_io counted_open(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    counted.opens += 1;
    return counted.host.ops->open(ctx, ticket, name, result);
}

static rv_io counted_read(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, uint8_t *buf,
                          size_t len, rv_io_result *result) {
    counted.reads += 1;
    counted.bytes += len;
    return counted.host.ops->read(ctx, ticket, file, offset, buf, len, result);
}

static double seconds(void) {
    return now_ns() / 1e9;
}

/* Pages of this process that no other has, in MiB. */
static double memory_mib(void) {
    FILE *const file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    unsigned long kib = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Private_Dirty: %lu", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)kib / 1024;
}

typedef struct opened {
    void *memory;
    rv_posix *posix;
    rv_node *node;
} opened;

static opened open_counted(const char *directory) {
    static rv_host_ops ops;
    opened o = {.memory = memory_map(MEMORY_SIZE, 0)};
    rv_error err;
    check(rv_posix_open(directory, NULL, &o.posix, &err), &err);
    counted.host = rv_posix_interface(o.posix);
    ops = *counted.host.ops;
    ops.open = counted_open;
    ops.read = counted_read;
    o.node = open_node_on((rv_host){&ops, counted.host.ctx}, o.memory, MEMORY_SIZE);
    return o;
}

static void close_counted(opened *o) {
    close_node(o->node, o->posix);
    munmap(o->memory, MEMORY_SIZE);
}

/* One event of each stream, in turn. */
static void append_round(rv_node *node, uint32_t streams, bool first) {
    static rv_append batch[BATCH];
    static rv_event results[BATCH];
    static char paths[BATCH][32];
    rv_error err;
    for (uint32_t at = 0; at < streams; at += BATCH) {
        const uint32_t count = streams - at < BATCH ? streams - at : BATCH;
        for (uint32_t i = 0; i < count; i++) {
            snprintf(paths[i], sizeof paths[i], "/accounts/%u", at + i + 1);
            batch[i] = (rv_append){.path = rv_bytes_of_string(paths[i]),
                                   .type = first ? RV_LITERAL("opened") : RV_LITERAL("moved"),
                                   .data = first ? RV_LITERAL("{}") : RV_LITERAL("{\"amount\":1}")};
        }
        rv_status status = rv_node_append(node, batch, count, results, &err);
        while (status == RV_PENDING || status == RV_BUSY) {
            check(rv_node_poll(node, &err), &err);
            status = rv_node_append(node, batch, count, results, &err);
        }
        check(status, &err);
        check(rv_node_poll(node, &err), &err);
    }
    while (rv_node_sequence_durable(node) < rv_node_sequence(node) || rv_node_busy(node)) {
        check(rv_node_poll(node, &err), &err);
    }
}

static uint64_t read_history(rv_node *node, uint32_t stream) {
    char path[32];
    snprintf(path, sizeof path, "/accounts/%u", stream);
    rv_path_pattern pattern;
    rv_error err;
    check(rv_path_pattern_parse(rv_bytes_of_string(path), &pattern, &err), &err);
    rv_subscription s;
    rv_subscription_open(&s, node, &pattern, 1, 1);
    uint64_t count = 0;
    rv_status status = RV_OK;
    while (status != RV_END) {
        rv_event event;
        rv_bytes of;
        status = rv_subscription_next(&s, 4096, &event, &of, &err);
        if (status == RV_PENDING || status == RV_BUSY) {
            check(rv_node_poll(node, &err), &err);
        } else {
            check(status, &err);
            count += status == RV_OK;
        }
    }
    return count;
}

static void measure(const char *directory, uint32_t streams, const char *when) {
    const double before = memory_mib();
    double start = seconds();
    opened o = open_counted(directory);
    printf("open_ms_%s %.2f\n", when, (seconds() - start) * 1000);
    printf("memory_mib_%s %.1f\n", when, memory_mib() - before);
    counted.reads = counted.bytes = counted.opens = 0;
    start = seconds();
    const uint64_t events = read_history(o.node, streams / 3);
    printf("history_events_%s %u\n", when, (unsigned)events);
    printf("history_first_reads_%s %u\n", when, (unsigned)counted.reads);
    printf("history_first_opens_%s %u\n", when, (unsigned)counted.opens);
    printf("history_first_kib_%s %u\n", when, (unsigned)(counted.bytes >> 10));
    printf("history_first_ms_%s %.3f\n", when, (seconds() - start) * 1000);
    counted.reads = counted.bytes = counted.opens = 0;
    uint64_t random = 1;
    start = seconds();
    for (unsigned i = 0; i < SAMPLES; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (read_history(o.node, 1 + (uint32_t)((random >> 33) % streams)) != events) {
            fprintf(stderr, "bench: a history has another length\n");
            exit(1);
        }
    }
    printf("history_reads_%s %.1f\n", when, (double)counted.reads / SAMPLES);
    printf("history_ms_%s %.3f\n", when, (seconds() - start) * 1000 / SAMPLES);
    const rv_log_index_facts facts = rv_log_index_facts_of(rv_node_log(o.node));
    printf("index_runs_%s %u\n", when, (unsigned)facts.runs);
    printf("index_bytes_per_event_%s %.2f\n", when,
           (double)facts.bytes / (double)rv_node_sequence(o.node));
    close_counted(&o);
}

/* Files of checkpoints that are older than the newest two: their bytes. */
static uint64_t kept_bytes(const char *directory, bool removes) {
    char names[64][32], path[4096];
    struct dirent *entry;
    unsigned count = 0;
    uint64_t bytes = 0;
    DIR *const dir = opendir(directory);
    while (dir != NULL && count < 64 && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, "ckp-", 4) == 0) {
            snprintf(names[count++], sizeof names[0], "%.31s", entry->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    qsort(names, count, sizeof names[0], (int (*)(const void *, const void *))strcmp);
    for (unsigned i = 0; i + 2 < count; i++) {
        struct stat s;
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        bytes += stat(path, &s) == 0 ? (uint64_t)s.st_size : 0;
        if (removes && unlink(path) != 0) {
            perror(path);
            exit(1);
        }
    }
    return bytes;
}

/* The state in the middle of the log, in milliseconds; the longest call, too. */
static double reach_middle(rv_node *node, uint64_t *begun_at, double *pause, rv_hash128 *hash) {
    void *memory = memory_map(MEMORY_SIZE, MAP_POPULATE);
    const rv_as_of_options options = {.node = node, .memory = memory, .memory_size = MEMORY_SIZE};
    const rv_as_of_place place = {rv_node_watermark(node) / 2, INT64_MAX};
    rv_as_of *as_of = NULL;
    rv_error err;
    check(rv_as_of_create(&as_of, &options, &err), &err);
    const double start = seconds();
    rv_status status = RV_PENDING;
    *pause = 0;
    while (status == RV_PENDING || status == RV_BUSY) {
        const double before = seconds();
        status = rv_as_of_reach(as_of, &place, &err);
        const double took = (seconds() - before) * 1000;
        *pause = took > *pause ? took : *pause;
        check(rv_node_poll(node, &err), &err);
    }
    check(status, &err);
    const double end = seconds();
    *begun_at = rv_as_of_begun_at(as_of);
    *hash = rv_state_hash(rv_as_of_state(as_of), place.position);
    munmap(memory, MEMORY_SIZE);
    return (end - start) * 1000;
}

static void measure_past(const char *directory) {
    uint64_t begun_at = 0;
    double pause = 0;
    rv_hash128 hash, again;
    opened o = open_counted(directory);
    const double log_bytes = (double)rv_log_bytes(rv_node_log(o.node));
    printf("past_kept %u\n", (unsigned)rv_node_checkpoint_of(o.node)->kept);
    printf("past_kept_percent %.1f\n", 100.0 * (double)kept_bytes(directory, false) / log_bytes);
    printf("past_middle_ms %.1f\n", reach_middle(o.node, &begun_at, &pause, &hash));
    printf("past_middle_folded %u\n", (unsigned)(rv_node_watermark(o.node) / 2 - begun_at));
    printf("past_middle_pause_ms %.1f\n", pause);
    close_counted(&o);
    (void)kept_bytes(directory, true);
    o = open_counted(directory);
    printf("past_middle_replayed_ms %.1f\n", reach_middle(o.node, &begun_at, &pause, &again));
    printf("past_middle_replayed_pause_ms %.1f\n", pause);
    if (begun_at != 0 || hash.low != again.low || hash.high != again.high) {
        fprintf(stderr, "bench: the state as it was differs\n");
        exit(1);
    }
    close_counted(&o);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: bench_history DIRECTORY [STREAMS [EVENTS]]\n");
        return 2;
    }
    const uint32_t streams = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 500000;
    const uint32_t rounds = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 20;
    opened o = open_counted(argv[1]);
    rv_event event;
    rv_error err;
    check(rv_node_schema_apply(o.node, rv_bytes_of_string(schema), &event, &err), &err);
    append_round(o.node, streams, true);
    append_round(o.node, streams, false);
    close_counted(&o);
    measure(argv[1], streams, "2");
    o = open_counted(argv[1]);
    const double start = seconds();
    for (uint32_t i = 2; i < rounds; i++) {
        append_round(o.node, streams, false);
    }
    printf("append %.0f\n", (double)(rounds - 2) * streams / (seconds() - start));
    close_counted(&o);
    measure(argv[1], streams, "all");
    measure_past(argv[1]);
    return 0;
}
