/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node on the simulated disk, for tests of checkpoints: filled with accounts and notes, and the
 * files of its checkpoints, which are listed, cut, removed and made behind its back.
 */
#ifndef RV_TESTS_CORE_STATION_H
#define RV_TESTS_CORE_STATION_H

#include "platform/sim/disk.h"
#include "tests/unit/node_fixture.h"

#define DISK_MEMORY ((size_t)24 << 20)
#define NODE_MEMORY ((size_t)8 << 20)

typedef struct station {
    uint8_t *disk_memory;
    uint8_t *node_memory;
    rv_sim_disk *disk;
    rv_node *node;
    rv_error err;
} station;

static inline station station_create(void) {
    station s = {.disk_memory = malloc(DISK_MEMORY), .node_memory = malloc(NODE_MEMORY)};
    const rv_sim_disk_options options = {.seed = 7, .now = INT64_C(1700000000000000)};
    s.disk = rv_sim_disk_create(s.disk_memory, DISK_MEMORY, &options);
    return s;
}

static inline void station_free(station *s) {
    free(s->disk_memory);
    free(s->node_memory);
}

static inline rv_status station_open(station *s, size_t memory, rv_role role) {
    const rv_status status =
        fixture_open_on(rv_sim_disk_interface(s->disk), s->node_memory, memory, role,
                        role == RV_ROLE_EDGE ? "/**" : NULL, &s->node, &s->err);
    if (status != RV_OK) {
        fprintf(stderr, "%s\n", s->err.detail);
    }
    return status;
}

/* Accounts and notes, some of them long. */
static inline bool station_work(station *s, unsigned from, unsigned count) {
    for (unsigned i = from; i < from + count; i++) {
        char open[64], path[32], note[400];
        rv_event results[2];
        snprintf(open, sizeof open, "{\"name\":\"n%u\"}", i);
        snprintf(path, sizeof path, "/accounts/%u", i);
        snprintf(note, sizeof note, "{\"note_id\":%u,\"body\":\"%0*u\"}", i,
                 1 + (int)(i * 37 % 300), i);
        const rv_append batch[2] = {
            fixture_event("accounts", "account_opened", open),
            fixture_event(path, "noted", note),
        };
        if (fixture_append_all(s->node, batch, 2, results, &s->err) != RV_OK ||
            !fixture_settle(s->node)) {
            fprintf(stderr, "%s\n", s->err.detail);
            return false;
        }
    }
    return true;
}

/* A root with `count` accounts, closed, with two checkpoints that are good. */
static inline bool station_fill(station *s, unsigned count, rv_hash128 *hash) {
    rv_event event;
    fixture_checkpoint_growth = 4000;
    bool good = station_open(s, NODE_MEMORY, RV_ROLE_ROOT) == RV_OK &&
                fixture_apply_schema(s->node, &event, &s->err) == RV_OK &&
                station_work(s, 1, count) && rv_node_checkpoint_of(s->node)->written > 1;
    *hash = rv_node_state_hash(s->node);
    good = good && fixture_close(s->node, &s->err) == RV_END;
    fixture_checkpoint_growth = 1;
    return good && station_open(s, NODE_MEMORY, RV_ROLE_ROOT) == RV_OK &&
           fixture_close(s->node, &s->err) == RV_END;
}

/* Names of the checkpoints, the newest first. */
static inline unsigned names_of(const station *s, rv_file_name *names) {
    rv_file_name all[64];
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(s->disk);
    if (host.ops->list(host.ctx, 1, all, 64, &result) != RV_IO_DONE || result.count > 64) {
        return 0;
    }
    unsigned count = 0;
    for (unsigned i = 0; i < result.count; i++) {
        if (strncmp(all[i].text, "ckp-", 4) == 0) {
            names[count++] = all[i];
        }
    }
    if (count == 2 && strcmp(names[0].text, names[1].text) < 0) {
        const rv_file_name first = names[0];
        names[0] = names[1];
        names[1] = first;
    }
    return count;
}

static inline uint64_t size_of(const station *s, const char *name) {
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(s->disk);
    if (host.ops->open(host.ctx, 2, name, &result) != RV_IO_DONE || result.status != RV_OK) {
        return 0;
    }
    const uint64_t size = result.count;
    host.ops->close(host.ctx, result.file);
    return size;
}

static inline void remove_file(const station *s, const char *name) {
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(s->disk);
    RV_CHECK_EQ(host.ops->remove(host.ctx, 3, name, &result), RV_IO_DONE);
    RV_CHECK_STATUS(result.status, RV_OK);
}

static inline void cut_file(const station *s, const char *name, uint64_t size) {
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(s->disk);
    RV_CHECK_EQ(host.ops->open(host.ctx, 4, name, &result), RV_IO_DONE);
    const rv_file file = result.file;
    RV_CHECK_EQ(host.ops->truncate(host.ctx, 5, file, size, &result), RV_IO_DONE);
    RV_CHECK_EQ(host.ops->flush(host.ctx, 6, file, &result), RV_IO_DONE);
    host.ops->close(host.ctx, file);
}

static inline void make_file(const station *s, const char *name) {
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(s->disk);
    RV_CHECK_EQ(host.ops->create(host.ctx, 4, name, &result), RV_IO_DONE);
    const rv_file file = result.file;
    RV_CHECK_EQ(host.ops->flush(host.ctx, 6, file, &result), RV_IO_DONE);
    host.ops->close(host.ctx, file);
}

#endif
