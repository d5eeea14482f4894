/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two targets of sync share: input as a list of steps, compression that only copies (so
 * that the path of deflated messages is walked), and a crash at the end.
 *
 *     u8 step: message (u16 length, bytes) | time passes (u8 seconds) | the connection ends and
 *              begins again | an append
 */
#ifndef RV_TESTS_FUZZ_SYNC_H
#define RV_TESTS_FUZZ_SYNC_H

#include "sync/upstream.h"
#include "tests/fuzz/fuzz_node.h"

#define FUZZ_STEPS_MAX    64
#define FUZZ_MESSAGES_MAX 1000

typedef enum fuzz_step_kind {
    FUZZ_STEP_MESSAGE,
    FUZZ_STEP_TIME,
    FUZZ_STEP_RECONNECT,
    FUZZ_STEP_APPEND,
    FUZZ_STEP_KIND_COUNT
} fuzz_step_kind;

typedef struct fuzz_step {
    fuzz_step_kind kind;
    int64_t seconds;
    rv_bytes message;
} fuzz_step;

static inline fuzz_step fuzz_take_step(rv_bytes *input) {
    fuzz_step step = {.kind = (fuzz_step_kind)(fuzz_take_u8(input) % FUZZ_STEP_KIND_COUNT)};
    if (step.kind == FUZZ_STEP_MESSAGE) {
        step.message = fuzz_take(input, fuzz_take_u16(input));
    } else if (step.kind == FUZZ_STEP_TIME) {
        step.seconds = fuzz_take_u8(input);
    }
    return step;
}

static inline size_t fuzz_copy(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    (void)ctx;
    if (in.len == 0 || in.len > cap) {
        return 0;
    }
    memcpy(out, in.ptr, in.len);
    return in.len;
}

static inline rv_compression fuzz_compression(void) {
    static const rv_compression_ops ops = {fuzz_copy, fuzz_copy};
    return (rv_compression){&ops, NULL};
}

/* What the node holds at the end it holds again after the end of the process, in `again`. */
static inline void fuzz_check_after_crash(fuzz_node *n, fuzz_node *again, rv_role role) {
    FUZZ_CHECK(fuzz_node_settle(n->node));
    const rv_hash128 hash = rv_node_state_hash(n->node);
    const uint64_t sequence = rv_node_sequence(n->node);
    rv_memory_host_reopen(n->storage);
    again->storage = n->storage;
    rv_error err = {.status = RV_OK};
    const rv_status status = fuzz_node_open(again, role, &err);
    if (status != RV_OK) {
        fprintf(stderr, "%s\n", err.detail);
    }
    FUZZ_CHECK(status == RV_OK && rv_node_sequence(again->node) == sequence);
    FUZZ_CHECK(fuzz_hashes_equal(rv_node_state_hash(again->node), hash));
}

#endif
