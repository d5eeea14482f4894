/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An edge with a request handler, its root, and what may happen between them, a random step at a
 * time: events written here and there, some refused; messages, broken connections, other
 * selections.
 */
#ifndef RV_TESTS_FACE_EDGE_WORLD_H
#define RV_TESTS_FACE_EDGE_WORLD_H

#include "face/face_internal.h"
#include "tests/unit/face/follower.h"
#include "tests/unit/sync/pair.h"

static pair p;
static server s;
static uint64_t random_state;

static uint32_t below(uint32_t count) {
    return (uint32_t)(rv_test_random(&random_state) % count);
}

/* An event of an account or a note. */
static rv_append random_event(char *path, char *data, size_t cap) {
    static const char *const types[] = {"deposited", "withdrawn", "withdrawn", "noted"};
    const char *const type = types[below(4)];
    snprintf(path, cap, "/accounts/%u", 1 + below(4));
    if (strcmp(type, "noted") == 0) {
        snprintf(data, cap, "{\"note_id\":%u,\"body\":\"b%u\"}", 1 + below(9), below(100));
    } else {
        snprintf(data, cap, "{\"amount\":%u}", 1 + below(4));
    }
    return fixture_event(path, type, data);
}

static void write_here(void) {
    char path[64], data[64];
    const rv_append event = random_event(path, data, sizeof path);
    const rv_writes writes = {.events = &event, .count = 1};
    rv_event result;
    rv_written written;
    rv_status status = rv_node_write(p.leaf.node, &writes, &result, &written, &p.err);
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        fixture_poll(p.leaf.node);
        status = rv_node_write(p.leaf.node, &writes, &result, &written, &p.err);
    }
}

static void write_there(void) {
    char path[64], data[64];
    const rv_append event = random_event(path, data, sizeof path);
    rv_event result;
    /* some are refused */
    (void)!fixture_append_all(p.root.node, &event, 1, &result, &p.root.err);
}

static void select_other(void) {
    static const char *const selections[] = {"[\"/**\"]", "[\"/accounts/1\",\"/accounts/2\"]",
                                             "[\"/accounts/2\"]", "[\"/accounts/*\"]"};
    const rv_request put = {.method = RV_LITERAL("PUT"),
                            .target = RV_LITERAL("/selection"),
                            .content_type = RV_LITERAL("application/json"),
                            .body = rv_bytes_of_string(selections[below(4)])};
    if (rv_node_whole(p.leaf.node) && !rv_node_in_batch(p.leaf.node)) {
        (void)ask(&s, &put);
    }
}

static void some_messages(uint32_t count) {
    while (count > 0 && pair_step(&p)) {
        count -= 1;
    }
}

static void step(void) {
    switch (below(12)) {
    case 0:
        (void)fixture_append(&p.root, "/accounts", "account_opened", "{\"name\":\"eve\"}");
        break;
    case 1:
    case 2:
        write_there();
        break;
    case 3:
    case 4:
    case 5:
        write_here();
        break;
    case 6:
        pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        break;
    case 7:
        if (p.session == NULL) {
            (void)pair_connect(&p);
        }
        break;
    case 8:
        select_other();
        break;
    case 9:
        if (p.session != NULL) {
            pair_run(&p);
        }
        break;
    default:
        some_messages(1 + below(6));
        break;
    }
}

#endif
