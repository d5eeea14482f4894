/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node on a host, for tests: opened by polling until it is open, with one-line appends. The
 * schema is a small bank: accounts own their rows, transfers touch two rows of a shared aggregate.
 */
#ifndef RV_TESTS_NODE_FIXTURE_H
#define RV_TESTS_NODE_FIXTURE_H

#include "core/engine/outbox.h"
#include "core/live/subscription.h"
#include "platform/memory/memory.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define FIXTURE_NODE_MEMORY ((size_t)RV_MEMORY_MIN)
#define FIXTURE_HOST_MEMORY ((size_t)32 << 20)
#define FIXTURE_POLLS_MAX   100000

static const char fixture_schema[] =
    "CREATE AGGREGATE account (id SERIAL PRIMARY KEY, name varchar(10) NOT NULL,"
    " balance bigint NOT NULL DEFAULT 0 CHECK (balance >= 0));"
    "CREATE AGGREGATE note (id bigint PRIMARY KEY, account_id references account(id) NOT NULL,"
    " body text);"
    "CREATE EVENT_TYPE account_opened (id creates account(id), name updates account(name));"
    "CREATE EVENT_TYPE deposited (id references account(id),"
    " amount bigint NOT NULL CHECK (amount > 0) increments account(balance));"
    "CREATE EVENT_TYPE withdrawn (id references account(id),"
    " amount bigint NOT NULL decrements account(balance));"
    "CREATE EVENT_TYPE noted (note_id creates note(id), id references account(id)"
    " updates note(account_id), body updates note(body));"
    "CREATE STREAM accounts (path \"/accounts/{id}\","
    " event_types (account_opened, deposited, withdrawn, noted));";

/* Of every node that is opened here: 0 as a program has it; 1: one checkpoint after the other. */
static uint64_t fixture_checkpoint_growth;

/* Likewise; UINT32_MAX: as many checkpoints are kept as may be, however short the log. */
static uint32_t fixture_kept_percent;

typedef struct fixture {
    uint8_t *host_memory;
    uint8_t *node_memory;
    rv_memory_host *storage;
    rv_node *node;
    rv_error err;
} fixture;

/* Polls where a failure shows in the call that comes next. */
static inline void fixture_poll(rv_node *node) {
    const rv_status status = rv_node_poll(node, NULL);
    (void)status;
}

#define FIXTURE_ENTRIES_MAX 4

/* The entries of a selection, which stand in `text` (NULL: none) with `;` between them. */
static inline size_t fixture_entries(const char *text, rv_bytes entries[FIXTURE_ENTRIES_MAX]) {
    size_t count = 0;
    for (const char *at = text; at != NULL && count < FIXTURE_ENTRIES_MAX; count++) {
        const char *const end = strchr(at, ';');
        entries[count] =
            rv_bytes_of((const uint8_t *)at, end != NULL ? (size_t)(end - at) : strlen(at));
        at = end != NULL ? end + 1 : NULL;
    }
    return count;
}

/* Opens a node on `host` in `memory`; the status that opening ended with. */
static inline rv_status fixture_open_on(rv_host host, void *memory, size_t memory_size,
                                        rv_role role, const char *pattern, rv_node **node,
                                        rv_error *err) {
    rv_bytes entries[FIXTURE_ENTRIES_MAX];
    const rv_node_options options = {
        .host = host,
        .memory = memory,
        .memory_size = memory_size,
        .role = role,
        .patterns = entries,
        .pattern_count = fixture_entries(pattern, entries),
        .checkpoint_growth = fixture_checkpoint_growth,
        .kept_percent = fixture_kept_percent,
    };
    memset(memory, 0xa5, memory_size); /* nothing may rely on what memory held */
    rv_status status = rv_node_create(node, &options, err);
    if (status != RV_OK) {
        return status;
    }
    status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_open(*node, err);
        fixture_poll(*node);
    }
    return status;
}

/* How often the node was found to be a copy. */
static inline uint64_t fixture_forks(const rv_node *node) {
    rv_forked forked;
    return rv_node_forked(node, &forked) ? forked.count : 0;
}

static inline fixture fixture_create(uint64_t seed) {
    fixture f = {.host_memory = malloc(FIXTURE_HOST_MEMORY),
                 .node_memory = malloc(FIXTURE_NODE_MEMORY)};
    const rv_memory_host_options options = {.seed = seed, .now = INT64_C(1700000000000000)};
    f.storage = rv_memory_host_create(f.host_memory, FIXTURE_HOST_MEMORY, &options);
    return f;
}

static inline rv_status fixture_open(fixture *f, rv_role role, const char *pattern) {
    return fixture_open_on(rv_memory_host_interface(f->storage), f->node_memory,
                           FIXTURE_NODE_MEMORY, role, pattern, &f->node, &f->err);
}

/* A root with the schema, ready. */
static inline fixture fixture_root(uint64_t seed) {
    fixture f = fixture_create(seed);
    rv_event event;
    if (fixture_open(&f, RV_ROLE_ROOT, NULL) != RV_OK ||
        rv_node_schema_apply(f.node, rv_bytes_of_string(fixture_schema), &event, &f.err) != RV_OK) {
        fprintf(stderr, "fixture: %s\n", f.err.detail);
        abort();
    }
    return f;
}

static inline void fixture_free(fixture *f) {
    free(f->host_memory);
    free(f->node_memory);
}

/* Polls until everything is durable; false when the node failed. */
static inline bool fixture_settle(rv_node *node) {
    for (int i = 0; i < FIXTURE_POLLS_MAX; i++) {
        if (rv_node_poll(node, NULL) != RV_OK) {
            return false;
        }
        if (rv_node_watermark_durable(node) == rv_node_watermark(node) &&
            rv_node_sequence_durable(node) == rv_node_sequence(node) &&
            !rv_log_busy(rv_node_log(node))) {
            return true;
        }
    }
    return false;
}

static inline rv_append fixture_event(const char *path, const char *type, const char *data) {
    return (rv_append){.path = rv_bytes_of_string(path),
                       .type = rv_bytes_of_string(type),
                       .data = rv_bytes_of_string(data)};
}

/* Appends, polling while the log is busy. */
static inline rv_status fixture_append_all(rv_node *node, const rv_append *events, size_t count,
                                           rv_event *results, rv_error *err) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_append(node, events, count, results, err);
        if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(node);
        }
    }
    return status;
}

/* Applies the fixture's schema, polling while the log is busy. */
static inline rv_status fixture_apply_schema(rv_node *node, rv_event *result, rv_error *err) {
    const rv_bytes text = rv_bytes_of_string(fixture_schema);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_apply(node, text, result, err);
        if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(node);
        }
    }
    return status;
}

static inline rv_status fixture_append(fixture *f, const char *path, const char *type,
                                       const char *data) {
    const rv_append append = fixture_event(path, type, data);
    rv_event result;
    return fixture_append_all(f->node, &append, 1, &result, &f->err);
}

static inline rv_status fixture_close(rv_node *node, rv_error *err) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_close(node, err);
        fixture_poll(node);
    }
    return status;
}

#define FIXTURE_SPOIL ((size_t)512)

/* Changes memory that is said to hold nothing: the front of each run, or all of it. */
static inline void fixture_spoil(const rv_unused *unused, bool whole) {
    for (size_t i = 0; i < unused->count; i++) {
        const rv_unused_run *const run = &unused->at[i];
        const size_t len = whole || run->len < FIXTURE_SPOIL ? run->len : FIXTURE_SPOIL;
        memset(run->ptr, 0xa5, len);
    }
}

static inline bool fixture_hashes_equal(rv_hash128 a, rv_hash128 b) {
    return a.low == b.low && a.high == b.high;
}

#endif
