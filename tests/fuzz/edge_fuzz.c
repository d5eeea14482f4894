/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever an upstream sends, an edge takes it whole or not at all, never goes back, and what
 * it took is there after a crash. Method: steps of tests/fuzz/fuzz_sync.h against an empty edge
 * that selects everything; appends are written to the outbox, which pushes them, and wait for keys.
 * The corpus begins with what a root really sends.
 */
#include "core/engine/keys.h"
#include "core/engine/outbox.h"
#include "tests/fuzz/fuzz_sync.h"

#define EDGE_MEMORY ((size_t)5 << 20)

static fuzz_node the_node;
static fuzz_node image;
static fuzz_node reopened;
static uint8_t edge_memory[EDGE_MEMORY];

static void restore(void) {
    if (image.node == NULL) {
        rv_error err;
        fuzz_node_host(&the_node, 3);
        FUZZ_CHECK(fuzz_node_open(&the_node, RV_ROLE_EDGE, &err) == RV_OK);
        image = the_node;
    }
    the_node = image;
}

/* Goes on until nothing waits: the node writes, the edge folds and answers. */
static rv_status settle(rv_edge *edge, int64_t now) {
    rv_error err = {.status = RV_OK};
    rv_bytes message;
    for (int i = 0; i < FUZZ_MESSAGES_MAX && rv_edge_send(edge, now, &message); i++) {
        FUZZ_CHECK(message.len <= RV_WIRE_MESSAGE_MAX);
    }
    FUZZ_CHECK(rv_node_poll(the_node.node, NULL) == RV_OK);
    const rv_status status = rv_edge_poll(edge, now, &err);
    FUZZ_CHECK(status == RV_OK || err.status == status);
    if (status != RV_OK) {
        rv_edge_closed(edge, &err, now);
    }
    return status;
}

static bool connect(rv_edge *edge, int64_t now) {
    if (!rv_edge_wants_connection(edge, now)) {
        return false;
    }
    rv_edge_opened(edge, now);
    return settle(edge, now) == RV_OK;
}

/* Writes to the outbox, if the schema is there, and the account is, or a key for it. */
static void write_one(rv_edge *edge, int64_t now, const rv_append *append) {
    const rv_writes writes = {.events = append, .count = 1};
    rv_error err = {.status = RV_OK};
    rv_event result;
    rv_written written;
    const uint32_t before = rv_node_outbox(the_node.node).pending;
    const rv_status status = rv_node_write(the_node.node, &writes, &result, &written, &err);
    FUZZ_CHECK(status == RV_OK || status == RV_PENDING || status == err.status);
    FUZZ_CHECK(rv_node_outbox(the_node.node).pending == before + (status == RV_OK));
    if (status == RV_NO_KEYS) {
        (void)rv_edge_awaits_keys(edge, rv_node_keys_missed(the_node.node));
    }
    (void)settle(edge, now);
}

static void write_some(rv_edge *edge, int64_t now) {
    const rv_append paid = {.path = RV_LITERAL("/accounts/1"),
                            .type = RV_LITERAL("paid"),
                            .data = RV_LITERAL("{\"amount\":1}")};
    const rv_append opened = {.path = RV_LITERAL("accounts"),
                              .type = RV_LITERAL("opened"),
                              .data = RV_LITERAL("{\"name\":\"ada\"}")};
    write_one(edge, now, &paid);
    write_one(edge, now, &opened);
}

static void take_step(rv_edge *edge, const fuzz_step *step, int64_t *now, bool *open) {
    rv_error err = {.status = RV_OK};
    *now += step->seconds * 1000000;
    if (!*open) {
        *now += 60000000;
        *open = connect(edge, *now);
    }
    if (step->kind == FUZZ_STEP_MESSAGE && *open) {
        const uint64_t watermark = rv_node_watermark(the_node.node);
        const rv_status status = rv_edge_receive(edge, step->message, *now, &err);
        FUZZ_CHECK(status == err.status || status == RV_OK);
        FUZZ_CHECK(rv_node_watermark(the_node.node) >= watermark);
        if (status != RV_OK) {
            rv_edge_closed(edge, &err, *now);
            *open = false;
        }
    } else if (step->kind == FUZZ_STEP_RECONNECT && *open) {
        (void)rv_error_set(&err, RV_UPSTREAM_UNREACHABLE, "the connection ended");
        rv_edge_closed(edge, &err, *now);
        *open = false;
    } else if (step->kind == FUZZ_STEP_APPEND) {
        write_some(edge, *now);
    }
    if (*open) {
        *open = settle(edge, *now) == RV_OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    restore();
    rv_bytes input = rv_bytes_of(data, size);
    rv_arena arena = rv_arena_over(edge_memory, sizeof edge_memory);
    const rv_edge_options options = {.node = the_node.node, .compression = fuzz_compression()};
    rv_edge *edge = NULL;
    FUZZ_CHECK(rv_edge_create(&edge, &options, &arena, NULL) == RV_OK);
    int64_t now = 0;
    bool open = connect(edge, now);
    for (int i = 0; i < FUZZ_STEPS_MAX && input.len > 0; i++) {
        const fuzz_step step = fuzz_take_step(&input);
        take_step(edge, &step, &now, &open);
    }
    rv_error err;
    (void)rv_error_set(&err, RV_UPSTREAM_UNREACHABLE, "the end");
    rv_edge_closed(edge, &err, now);
    fuzz_check_after_crash(&the_node, &reopened, RV_ROLE_EDGE);
    return 0;
}
