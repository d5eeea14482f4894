/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever an edge sends, an upstream answers or ends the session, and its node holds what it
 * accepted or decided and nothing else. Method: steps of tests/fuzz/fuzz_sync.h against a small
 * root; all that it sends is taken and bounded. The corpus begins with what an edge really sends.
 */
#include "core/engine/decide.h"
#include "tests/fuzz/fuzz_sync.h"

#define SHARED_MEMORY ((size_t)7 << 20)

static fuzz_node the_node;
static fuzz_node image;
static fuzz_node reopened;
static uint8_t shared_memory[SHARED_MEMORY];

static void restore(void) {
    if (image.node == NULL) {
        fuzz_node_root(&the_node);
        image = the_node;
    }
    the_node = image;
}

/* Takes all there is to send; it comes to an end. */
static void settle(rv_upstream *session, int64_t now) {
    for (int round = 0; round < 4; round++) {
        rv_bytes message;
        int sent = 0;
        while (rv_upstream_send(session, now, &message)) {
            FUZZ_CHECK(message.len >= RV_WIRE_HEADER_LEN && message.len <= RV_WIRE_MESSAGE_MAX);
            sent += 1;
            FUZZ_CHECK(sent < FUZZ_MESSAGES_MAX);
        }
        FUZZ_CHECK(rv_node_poll(the_node.node, NULL) == RV_OK);
    }
}

static void take_step(rv_upstream_shared *shared, rv_upstream **session, const fuzz_step *step,
                      int64_t *now) {
    rv_error err = {.status = RV_OK};
    *now += step->seconds * 1000000;
    if (step->kind == FUZZ_STEP_MESSAGE) {
        const rv_status status = rv_upstream_receive(*session, step->message, *now, &err);
        FUZZ_CHECK(status == err.status || status == RV_OK);
    } else if (step->kind == FUZZ_STEP_APPEND) {
        FUZZ_CHECK(fuzz_node_append(the_node.node, "/accounts/1", "paid", "{\"amount\":1}") ==
                   RV_OK);
    }
    settle(*session, *now);
    if (step->kind == FUZZ_STEP_RECONNECT || rv_upstream_finished(*session)) {
        rv_upstream_close(*session);
        FUZZ_CHECK(rv_upstream_open(shared, *now, session, &err) == RV_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    restore();
    rv_bytes input = rv_bytes_of(data, size);
    rv_arena arena = rv_arena_over(shared_memory, sizeof shared_memory);
    const rv_upstream_options options = {
        .node = the_node.node, .compression = fuzz_compression(), .connections_max = 2};
    rv_upstream_shared *shared = NULL;
    rv_error err = {.status = RV_OK};
    FUZZ_CHECK(rv_upstream_shared_create(&shared, &options, &arena, &err) == RV_OK);
    int64_t now = 0;
    rv_upstream *session = NULL;
    FUZZ_CHECK(rv_upstream_open(shared, now, &session, &err) == RV_OK);
    const uint64_t made = rv_node_decisions_made(the_node.node);
    for (int i = 0; i < FUZZ_STEPS_MAX && input.len > 0; i++) {
        const fuzz_step step = fuzz_take_step(&input);
        take_step(shared, &session, &step, &now);
    }
    rv_upstream_close(session);
    if (rv_node_decisions_made(the_node.node) != made) {
        fuzz_check_after_crash(&the_node, &reopened, RV_ROLE_ROOT);
    }
    return 0;
}
