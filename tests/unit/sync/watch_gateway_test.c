/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: at a gateway, and where it is connected itself, sessions that have all there is are not
 * asked, whatever others append; what concerns one, events or rows, reaches it; and one that is not
 * asked is, when it depends on what the gateway holds, or what the schema is, and that becomes
 * another. Method: a root, a gateway and devices that select different things of it, in one process
 * (net.h), where a session is asked as the daemon does it; rows are compared by hash with the
 * root's.
 */
#include "tests/unit/sync/net.h"
#include "tests/unit/sync/selected.h"

#define GATEWAY 1
#define DEVICES 3
#define STEPS   1500 /* more than W needs to be told everywhere */

static const char *const selects[DEVICES] = {"/accounts/1", "aggregate account where id = 2",
                                             "aggregate note where account_id = 3"};

/* The gateway folds accounts, and is given notes. */
static net *create(void) {
    net *const n = net_create();
    n->sparing = true;
    (void)net_add(n, "/accounts/**;aggregate note", 0);
    for (int i = 0; i < DEVICES; i++) {
        (void)net_add(n, selects[i], GATEWAY);
    }
    return n;
}

static void append(net *n, unsigned account, const char *type, const char *data) {
    char path[32];
    (void)snprintf(path, sizeof path, "/accounts/%u", account);
    RV_CHECK_STATUS(net_append(n, path, type, data), RV_OK);
}

/* Everybody holds what it selects, and is watched. */
static void settle(net *n) {
    static uint8_t memory[16 << 10];
    RV_CHECK(net_run(n));
    net_steps(n, STEPS);
    for (int i = GATEWAY; i < n->count; i++) {
        rv_bytes texts[FIXTURE_ENTRIES_MAX];
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_selection selection = {.count = 0};
        rv_hash128 hash;
        const net_member *const m = &n->members[i];
        const size_t count = fixture_entries(m->pattern, texts);
        for (size_t k = 0; k < count; k++) {
            RV_CHECK_STATUS(rv_selection_add(&selection, texts[k], &arena, NULL), RV_OK);
        }
        RV_CHECK(selected_hash(n->members[0].node, &selection, &hash));
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(m->node), hash));
        RV_CHECK(m->session != NULL && m->session->watched && !m->session->asked);
    }
}

/* What was done concerns this device; the others are asked for W and answers to what they say. */
static void settle_one(net *n, int device) {
    uint64_t asks[NET_NODES_MAX];
    uint64_t received[NET_NODES_MAX];
    for (int i = 0; i < n->count; i++) {
        asks[i] = n->members[i].asks;
        received[i] =
            n->members[i].session != NULL ? n->members[i].session->status.bytes_received : 0;
    }
    settle(n);
    RV_CHECK_PASSED();
    for (int i = GATEWAY + 1; i < n->count; i++) {
        const net_member *const m = &n->members[i];
        const uint64_t heard = m->session->status.bytes_received - received[i];
        if (i != GATEWAY + 1 + device) {
            RV_CHECK(m->asks - asks[i] <= 12 + heard);
        }
    }
}

RV_TEST(only_whom_it_concerns_is_asked_at_a_gateway) {
    net *const n = create();
    for (unsigned i = 1; i <= 4; i++) {
        append(n, i, "account_opened", "{\"name\":\"n\"}");
    }
    settle(n);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < 10; i++) {
        append(n, 1, "deposited", "{\"amount\":5}");
        settle_one(n, 0);
        RV_CHECK_PASSED();
        append(n, 2, "deposited", "{\"amount\":5}");
        settle_one(n, 1);
        RV_CHECK_PASSED();
        char note[64];
        (void)snprintf(note, sizeof note, "{\"note_id\":%u,\"body\":\"b\"}", 10 + i);
        append(n, 3, "noted", note);
        settle_one(n, 2);
        RV_CHECK_PASSED();
        append(n, 4, "deposited", "{\"amount\":5}"); /* nobody's */
        settle_one(n, DEVICES);
        RV_CHECK_PASSED();
    }
    net_free(n);
}

/* What devices write goes up through sessions that were not asked. */
RV_TEST(what_is_written_wakes_who_relays_it) {
    net *const n = create();
    append(n, 1, "account_opened", "{\"name\":\"n\"}");
    settle(n);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < 8; i++) {
        RV_CHECK_STATUS(net_write(n, GATEWAY + 1, "/accounts/1", "deposited", "{\"amount\":5}"),
                        RV_OK);
        settle(n);
        RV_CHECK_PASSED();
    }
    net_free(n);
}

/* The device whose rows the gateway folds is to connect again; nobody tells its session. */
RV_TEST(a_schema_ends_the_session_that_it_may_make_wrong) {
    net *const n = create();
    rv_event event;
    append(n, 2, "account_opened", "{\"name\":\"n\"}");
    settle(n);
    RV_CHECK_PASSED();
    const rv_upstream *const folded = n->members[GATEWAY + 2].session;
    rv_status status = RV_PENDING;
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_apply(n->members[0].node,
                                      RV_LITERAL("CREATE AGGREGATE more (id bigint PRIMARY KEY);"),
                                      &event, &n->err);
        (void)net_step(n);
    }
    RV_CHECK_STATUS(status, RV_OK);
    bool ended = false;
    for (int i = 0; i < STEPS; i++) {
        (void)net_step(n);
        ended = ended || n->members[GATEWAY + 2].session != folded;
    }
    RV_CHECK(ended);
    settle(n);
    append(n, 2, "deposited", "{\"amount\":5}");
    settle(n);
    net_free(n);
}

/* All sessions end when the gateway holds something else, long before they would be heard. */
RV_TEST(another_selection_ends_the_sessions) {
    net *const n = create();
    const rv_bytes wanted[] = {RV_LITERAL("/accounts/**"), RV_LITERAL("aggregate note"),
                               RV_LITERAL("/nothing/**")};
    append(n, 2, "account_opened", "{\"name\":\"n\"}");
    settle(n);
    RV_CHECK_PASSED();
    const uint32_t swaps = rv_node_selection_swaps(n->members[GATEWAY].node);
    rv_status status = RV_PENDING;
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(n->members[GATEWAY].node, wanted, 3, &n->err);
        (void)net_step(n);
    }
    RV_CHECK_STATUS(status, RV_OK);
    n->members[GATEWAY].pattern = "/accounts/**;aggregate note;/nothing/**";
    bool ended[DEVICES] = {false};
    for (int i = 0; i < STEPS; i++) {
        (void)net_step(n);
        for (int k = 0; k < DEVICES; k++) {
            ended[k] = ended[k] || n->members[GATEWAY + 1 + k].session == NULL;
        }
    }
    RV_CHECK(rv_node_selection_swaps(n->members[GATEWAY].node) != swaps);
    for (int k = 0; k < DEVICES; k++) {
        RV_CHECK(ended[k]);
    }
    append(n, 2, "deposited", "{\"amount\":5}");
    settle(n);
    net_free(n);
}

/* What a gateway fills in has new sequences, and W stays: who comes afterwards is watched too. */
RV_TEST(what_is_filled_in_keeps_nobody_from_rest) {
    const rv_bytes wider[] = {RV_LITERAL("/accounts/*")};
    net *const n = net_create();
    n->sparing = true;
    (void)net_add(n, "/accounts/3", 0);
    for (unsigned i = 1; i <= 4; i++) {
        append(n, i, "account_opened", "{\"name\":\"n\"}");
    }
    for (unsigned i = 0; i < 60; i++) {
        append(n, 1 + i % 4, "deposited", "{\"amount\":5}");
    }
    (void)net_add(n, "/accounts/3", GATEWAY);
    settle(n);
    RV_CHECK_PASSED();
    rv_status status = RV_PENDING;
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(n->members[GATEWAY].node, wider, 1, &n->err);
        (void)net_step(n);
    }
    RV_CHECK_STATUS(status, RV_OK);
    n->members[GATEWAY].pattern = "/accounts/*";
    const rv_node *const gateway = n->members[GATEWAY].node;
    bool filled = false;
    for (int i = 0; i < NET_STEPS_MAX && !(filled && !rv_node_fill_of(gateway).active); i++) {
        (void)net_step(n);
        filled = filled || rv_node_fill_of(gateway).active;
    }
    RV_CHECK(filled);
    (void)net_add(n, "/accounts/3", GATEWAY);
    settle(n);
    net_free(n);
}

int main(void) {
    RV_RUN(only_whom_it_concerns_is_asked_at_a_gateway);
    RV_RUN(what_is_written_wakes_who_relays_it);
    RV_RUN(a_schema_ends_the_session_that_it_may_make_wrong);
    RV_RUN(another_selection_ends_the_sessions);
    RV_RUN(what_is_filled_in_keeps_nobody_from_rest);
    return rv_test_done();
}
