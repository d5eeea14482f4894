/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node on a memory host that is the same for every input. It is made once; then all of its memory
 * is kept as an image, and copied back before each input. That is allowed because a node is nothing
 * but its memory, and much cheaper than opening one.
 */
#ifndef RV_TESTS_FUZZ_NODE_H
#define RV_TESTS_FUZZ_NODE_H

#include "core/live/subscription.h"
#include "platform/memory/memory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_schema.h"

#define FUZZ_HOST_MEMORY ((size_t)1 << 20)
#define FUZZ_NODE_MEMORY ((size_t)RV_MEMORY_MIN)
#define FUZZ_POLLS_MAX   10000
#define FUZZ_NOW         INT64_C(1700000000000000)

typedef struct fuzz_node {
    uint8_t host_memory[FUZZ_HOST_MEMORY];
    uint8_t memory[FUZZ_NODE_MEMORY];
    rv_memory_host *storage;
    rv_node *node;
} fuzz_node;

/* Opens a node over what the host holds; `n->storage` is there. */
static inline rv_status fuzz_node_open(fuzz_node *n, rv_role role, rv_error *err) {
    const rv_bytes pattern = RV_LITERAL("/**");
    const rv_node_options options = {
        .host = rv_memory_host_interface(n->storage),
        .memory = n->memory,
        .memory_size = sizeof n->memory,
        .role = role,
        .patterns = &pattern,
        .pattern_count = role == RV_ROLE_EDGE ? 1 : 0,
    };
    FUZZ_CHECK(rv_node_create(&n->node, &options, err) == RV_OK);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FUZZ_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_open(n->node, err);
        if (rv_node_poll(n->node, NULL) != RV_OK) {
            break; /* opening said so, or says so when it is asked again */
        }
    }
    return status == RV_PENDING ? rv_node_open(n->node, err) : status;
}

static inline void fuzz_node_host(fuzz_node *n, uint64_t seed) {
    const rv_memory_host_options options = {.files_max = 32, .seed = seed, .now = FUZZ_NOW};
    n->storage = rv_memory_host_create(n->host_memory, sizeof n->host_memory, &options);
    FUZZ_CHECK(n->storage != NULL);
}

/* Polls until all is durable; false when the node failed or does not come to rest. */
static inline bool fuzz_node_settle(rv_node *node) {
    for (int i = 0; i < FUZZ_POLLS_MAX; i++) {
        if (rv_node_poll(node, NULL) != RV_OK) {
            return false;
        }
        if (rv_node_sequence_durable(node) == rv_node_sequence(node) &&
            rv_node_watermark_durable(node) == rv_node_watermark(node) &&
            !rv_log_busy(rv_node_log(node))) {
            return true;
        }
    }
    return false;
}

static inline rv_status fuzz_node_append(rv_node *node, const char *path, const char *type,
                                         const char *data) {
    const rv_append append = {.path = rv_bytes_of_string(path),
                              .type = rv_bytes_of_string(type),
                              .data = rv_bytes_of_string(data)};
    rv_event result;
    rv_status status = RV_PENDING;
    for (int i = 0; i < FUZZ_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_append(node, &append, 1, &result, NULL);
        if (status == RV_PENDING && rv_node_poll(node, NULL) != RV_OK) {
            break;
        }
    }
    return status;
}

/* A root with the schema of tests/fuzz/fuzz_schema.h and a few events of each kind, all durable. */
static inline void fuzz_node_root(fuzz_node *n) {
    static const char *const events[][3] = {
        {"accounts", "opened", "{\"name\":\"one\",\"plan\":\"team\"}"},
        {"accounts", "opened", "{\"name\":\"two\"}"},
        {"/accounts/1", "paid", "{\"amount\":12.5}"},
        {"/accounts/1", "drawn", "{\"amount\":\"0.25\"}"},
        {"/accounts/2", "made", "{\"thing_id\":\"x\",\"a\":1,\"g\":\"\\\\xdead\",\"e\":true}"},
        {"/boxes/red/pots", "pot_made", "{\"pot_id\":1}"},
        {"/boxes/red/pots", "pot_made", "{\"pot_id\":2}"},
        {"/boxes/blue/pots", "moved", "{\"from_id\":1,\"to_id\":2,\"amount\":5}"},
    };
    rv_error err = {.status = RV_OK};
    rv_event result;
    fuzz_node_host(n, 1);
    rv_status status = fuzz_node_open(n, RV_ROLE_ROOT, &err);
    if (status == RV_OK) {
        status = rv_node_schema_apply(n->node, rv_bytes_of_string(fuzz_schema), &result, &err);
    }
    if (status != RV_OK) {
        fprintf(stderr, "%s\n", err.detail);
    }
    FUZZ_CHECK(status == RV_OK);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        FUZZ_CHECK(fuzz_node_append(n->node, events[i][0], events[i][1], events[i][2]) == RV_OK);
        FUZZ_CHECK(fuzz_node_settle(n->node));
    }
}

static inline bool fuzz_hashes_equal(rv_hash128 a, rv_hash128 b) {
    return a.low == b.low && a.high == b.high;
}

#endif
