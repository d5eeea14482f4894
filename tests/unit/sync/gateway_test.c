/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that is an upstream itself serves what it holds, and nothing else: whoever follows
 * it has the root's positions and rows, can go on at the root, and come back; what the gateway does
 * not hold it refuses, what it does not hold yet it does not serve.
 *
 * Method: a root, gateways and devices in one process on disks that answer late (net.h). The truth
 * is the root's hash over what is selected.
 */
#include "tests/unit/sync/net.h"

static bool feed(net *n, uint64_t *random, int count) {
    for (int i = 0; i < count; i++) {
        char path[32];
        char data[64];
        const int id = 1 + (int)(rv_test_random(random) % 9);
        uint32_t stream = 0;
        snprintf(path, sizeof path, "/accounts/%d", id);
        const bool known = rv_state_stream_find(rv_node_state(n->members[0].node),
                                                rv_bytes_of_string(path), &stream);
        snprintf(data, sizeof data, known ? "{\"amount\":%d}" : "{\"name\":\"n%d\"}", id);
        if (net_append(n, path, known ? "deposited" : "account_opened", data) != RV_OK) {
            fprintf(stderr, "%s\n", n->err.detail);
            return false;
        }
    }
    return true;
}

static void slow_all(net *n) {
    for (int i = 0; i < n->count; i++) {
        net_slow(n, i, 30);
    }
}

/* Three nodes in a row, and four; selections that narrow on the way; live events, crashes. */
static void serves_what_it_holds(void) {
    net *const n = net_create();
    uint64_t random = 5;
    const int gateway = net_add(n, "/accounts/*", 0);
    const int device = net_add(n, "/accounts/3", gateway);
    const int inner = net_add(n, "/accounts/*", gateway);
    const int last = net_add(n, "/accounts/7", inner);
    RV_CHECK(feed(n, &random, 60));
    RV_CHECK(net_run(n));
    slow_all(n);
    for (int round = 0; round < 6; round++) {
        RV_CHECK(feed(n, &random, 10));
        net_steps(n, 30);
        if (round == 2) {
            net_crash(n, gateway);
        } else if (round == 4) {
            net_crash(n, device);
        }
        RV_CHECK(net_run(n));
        RV_CHECK(net_same(n, gateway));
        RV_CHECK(net_same(n, device));
        RV_CHECK(net_same(n, inner));
        RV_CHECK(net_same(n, last));
    }
    RV_CHECK(rv_node_sequence(n->members[device].node) <
             rv_node_sequence(n->members[gateway].node));
    net_free(n);
}

/* W moves at the gateway without an event there, and so it does behind it. */
RV_TEST(tells_of_w_without_events) {
    net *const n = net_create();
    const int gateway = net_add(n, "/accounts/3", 0);
    const int device = net_add(n, "/accounts/3", gateway);
    for (int id = 3; id < 6; id++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/accounts/%d", id);
        RV_CHECK_STATUS(net_append(n, path, "account_opened", "{\"name\":\"n\"}"), RV_OK);
        RV_CHECK(net_run(n));
        RV_CHECK_EQ(rv_node_watermark(n->members[gateway].node),
                    rv_node_watermark(n->members[0].node));
        RV_CHECK_EQ(rv_node_watermark(n->members[device].node),
                    rv_node_watermark(n->members[0].node));
    }
    RV_CHECK(net_same(n, device));
    net_free(n);
}

/* An edge's cursor serves at the root and at any gateway, ahead of it too. */
static void moves_between_upstreams(void) {
    net *const n = net_create();
    uint64_t random = 6;
    const int first = net_add(n, "/**", 0);
    const int second = net_add(n, "/accounts/*", 0);
    const int device = net_add(n, "/accounts/*", first);
    RV_CHECK(feed(n, &random, 40));
    RV_CHECK(net_run(n));
    slow_all(n);
    const int tour[] = {0, second, first, 0, first, second, 0};
    for (size_t i = 0; i < sizeof tour / sizeof *tour; i++) {
        net_move(n, device, tour[i]);
        RV_CHECK(feed(n, &random, 7));
        RV_CHECK(net_run(n));
        RV_CHECK(net_same(n, device));
    }
    /* the second gateway is behind: it feeds nothing until it is there */
    net_move(n, second, NET_NONE);
    RV_CHECK(feed(n, &random, 7));
    RV_CHECK(net_run(n));
    const uint64_t ahead = rv_node_watermark(n->members[device].node);
    RV_CHECK(ahead > rv_node_watermark(n->members[second].node));
    net_move(n, device, second);
    net_steps(n, 500);
    RV_CHECK_EQ(n->members[device].edge->status.state, RV_EDGE_CONNECTED);
    RV_CHECK_EQ(rv_node_watermark(n->members[device].node), ahead);
    net_move(n, second, 0);
    RV_CHECK(feed(n, &random, 7));
    RV_CHECK(net_run(n));
    RV_CHECK(net_same(n, device));
    net_free(n);
}

/* An edge says that it has this hash there: is it told that its history is another one? */
static bool is_refused(net *n, int upstream, uint64_t watermark, uint64_t chain_hash) {
    static uint8_t bytes[RV_WIRE_MESSAGE_MAX];
    const rv_log_identity identity = *rv_node_identity(n->members[upstream].node);
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_hello hello = {.version_min = 1,
                           .version_max = 1,
                           .has_log = true,
                           .epoch = identity.epoch,
                           .watermark = watermark,
                           .chain_hash = chain_hash,
                           .credit = 1000,
                           .batch_bytes = 65536,
                           .pattern_count = 1,
                           .patterns = {RV_LITERAL("/accounts/*")}};
    memcpy(hello.log_id, identity.log_id, sizeof hello.log_id);
    rv_wire_write_hello(&w, &hello);
    rv_upstream *session = NULL;
    bool refused = rv_upstream_open(n->members[upstream].shared, n->now, &session, NULL) != RV_OK ||
                   rv_upstream_receive(session, rv_writer_bytes(&w), n->now, NULL) != RV_OK;
    for (int i = 0; i < 1000 && !refused && !rv_upstream_finished(session); i++) {
        rv_bytes message;
        net_steps(n, 1);
        if (rv_upstream_send(session, n->now, &message) && message.ptr[0] == RV_WIRE_ERROR) {
            rv_error told;
            refused = rv_wire_read_error(rv_bytes_from(message, 2), &told, NULL) == RV_OK &&
                      told.status == RV_UPSTREAM_DIVERGED;
        }
    }
    rv_upstream_close(session);
    return refused;
}

/* A W that lies between two of the gateway's is not known there, and its upstream is asked. */
RV_TEST(asks_its_upstream_for_what_it_does_not_have) {
    net *const n = net_create();
    uint64_t random = 11;
    const int gateway = net_add(n, "/accounts/*", 0);
    const int inner = net_add(n, "/accounts/*", gateway);
    const int device = net_add(n, "/accounts/*", 0);
    RV_CHECK(feed(n, &random, 10));
    RV_CHECK(net_run(n));
    net_move(n, gateway, NET_NONE);
    for (int i = 0; i < 5; i++) { /* the device takes them one by one, the gateways at once */
        RV_CHECK(feed(n, &random, 1));
        net_steps(n, 300);
    }
    const uint64_t between = rv_node_watermark(n->members[device].node);
    const uint64_t chain = rv_log_chain(rv_node_log(n->members[device].node));
    net_move(n, device, NET_NONE);
    RV_CHECK(feed(n, &random, 5));
    net_move(n, gateway, 0);
    RV_CHECK(net_run(n));
    uint64_t own = 0;
    RV_CHECK_STATUS(rv_log_chain_at(rv_node_log(n->members[inner].node), between, &own, NULL),
                    RV_END);
    RV_CHECK(is_refused(n, gateway, between, chain ^ 1));
    RV_CHECK(is_refused(n, inner, between, chain ^ 2));
    /* nobody can be asked: it keeps what it has until somebody can */
    net_move(n, gateway, NET_NONE);
    net_move(n, device, inner);
    net_steps(n, 500);
    RV_CHECK_EQ(n->members[device].edge->status.state, RV_EDGE_CONNECTED);
    RV_CHECK_EQ(rv_node_watermark(n->members[device].node), between);
    net_move(n, gateway, 0);
    RV_CHECK(net_run(n));
    RV_CHECK(net_same(n, device));
    net_free(n);
}

/* What the gateway does not hold is refused, with the pattern; what it does not hold yet, later. */
static void refuses_what_it_does_not_hold(void) {
    static const char *const wider[] = {"/**", "/*/3", "/accounts/4", "/accounts/3/**", "/*"};
    for (size_t i = 0; i < sizeof wider / sizeof *wider; i++) {
        net *const n = net_create();
        const int gateway = net_add(n, "/accounts/3", 0);
        RV_CHECK_STATUS(net_append(n, "/accounts/3", "account_opened", "{\"name\":\"x\"}"), RV_OK);
        RV_CHECK(net_run(n));
        const int device = net_add(n, wider[i], gateway);
        net_steps(n, 200);
        const rv_edge_status *const status = &n->members[device].edge->status;
        RV_CHECK_EQ(status->state, RV_EDGE_ERROR);
        RV_CHECK_STATUS(status->reason.status, RV_SELECTION_INVALID);
        RV_CHECK(strstr(status->reason.detail, wider[i]) != NULL);
        net_free(n);
    }
    net *const n = net_create();
    const int gateway = net_add(n, "/**", NET_NONE);
    const int device = net_add(n, "/accounts/3", gateway);
    net_steps(n, 200);
    RV_CHECK_EQ(n->members[device].edge->status.state, RV_EDGE_OFFLINE);
    RV_CHECK_STATUS(n->members[device].edge->status.reason.status, RV_BUSY);
    net_move(n, gateway, 0);
    RV_CHECK(net_run(n));
    RV_CHECK(net_same(n, device));
    net_free(n);
}

/* What was written at the gateway and is not decided is not served. */
static void serves_what_is_confirmed(void) {
    net *const n = net_create();
    uint64_t random = 8;
    const int gateway = net_add(n, "/accounts/*", 0);
    const int device = net_add(n, "/accounts/*", gateway);
    RV_CHECK(feed(n, &random, 30));
    RV_CHECK(net_run(n));
    net_move(n, gateway, NET_NONE);
    RV_CHECK_STATUS(net_write(n, gateway, "/accounts/77", "account_opened", "{\"name\":\"w\"}"),
                    RV_OK);
    net_steps(n, 300);
    uint32_t stream = 0;
    RV_CHECK(!rv_state_stream_find(rv_node_state(n->members[device].node),
                                   RV_LITERAL("/accounts/77"), &stream));
    net_move(n, gateway, 0);
    RV_CHECK(net_run(n));
    RV_CHECK(rv_state_stream_find(rv_node_state(n->members[device].node),
                                  RV_LITERAL("/accounts/77"), &stream));
    RV_CHECK(net_same(n, device));
    net_free(n);
}

/* A device that takes streams without their history begins with a base of what is confirmed at the
 * gateway, and goes on from there, at the gateway or at the root. */
RV_TEST(sends_bases_of_what_is_confirmed) {
    net *const n = net_create();
    uint64_t random = 12;
    const int gateway = net_add(n, "/**", 0);
    RV_CHECK(feed(n, &random, 60));
    RV_CHECK(net_run(n));
    net_slow(n, gateway, 30);
    net_move(n, gateway, NET_NONE);
    RV_CHECK_STATUS(net_write(n, gateway, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    const int device = net_add(n, "/accounts/* history none", gateway);
    const int lean = net_add(n, "/none/* history none", gateway);
    net_steps(n, 3000);
    RV_CHECK(rv_node_whole(n->members[device].node));
    RV_CHECK(rv_node_whole(n->members[lean].node));
    RV_CHECK(net_same(n, device)); /* the root has not got what waits at the gateway */
    RV_CHECK_EQ(rv_node_sequence(n->members[device].node), 1);
    net_move(n, gateway, 0);
    const int tour[] = {gateway, 0, gateway};
    for (size_t i = 0; i < sizeof tour / sizeof *tour; i++) {
        RV_CHECK(feed(n, &random, 8));
        net_move(n, device, tour[i]);
        net_move(n, lean, tour[i]);
        RV_CHECK(net_run(n));
        RV_CHECK(net_same(n, device));
        RV_CHECK(net_same(n, gateway));
    }
    RV_CHECK(rv_node_sequence(n->members[device].node) < 40);
    net_free(n);
}

/* The schema's changes come through, also to who selects nothing else. */
static void passes_schema_changes(void) {
    static const char more[] = "CREATE AGGREGATE extra (id bigint PRIMARY KEY);"
                               "CREATE EVENT_TYPE made (id creates extra(id));"
                               "CREATE STREAM extras (path \"/extras/{id}\", event_types (made));";
    net *const n = net_create();
    uint64_t random = 9;
    rv_event event;
    const int gateway = net_add(n, "/**", 0);
    const int device = net_add(n, "/extras/*", gateway);
    RV_CHECK(feed(n, &random, 20));
    RV_CHECK(net_run(n));
    RV_CHECK_STATUS(
        rv_node_schema_apply(n->members[0].node, rv_bytes_of_string(more), &event, &n->err), RV_OK);
    RV_CHECK_STATUS(net_append(n, "/extras/5", "made", "{}"), RV_OK);
    RV_CHECK(feed(n, &random, 20));
    RV_CHECK(net_run(n));
    RV_CHECK(net_same(n, device));
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(n->members[device].node)), 2);
    RV_CHECK_EQ(rv_node_sequence(n->members[device].node), 3);
    net_free(n);
}

/* An edge with another history than the gateway's is refused. */
RV_TEST(finds_other_histories) {
    net *const n = net_create();
    uint64_t random = 10;
    const int gateway = net_add(n, "/**", 0);
    RV_CHECK(feed(n, &random, 20));
    RV_CHECK(net_run(n));
    const uint64_t chain = rv_log_chain(rv_node_log(n->members[gateway].node));
    RV_CHECK(is_refused(n, gateway, rv_node_watermark(n->members[gateway].node), chain ^ 1));
    RV_CHECK(!is_refused(n, gateway, rv_node_watermark(n->members[gateway].node), chain));
    net_free(n);
}

int main(void) {
    RV_RUN(serves_what_it_holds);
    RV_RUN(moves_between_upstreams);
    RV_RUN(tells_of_w_without_events);
    RV_RUN(asks_its_upstream_for_what_it_does_not_have);
    RV_RUN(refuses_what_it_does_not_hold);
    RV_RUN(serves_what_is_confirmed);
    RV_RUN(sends_bases_of_what_is_confirmed);
    RV_RUN(passes_schema_changes);
    RV_RUN(finds_other_histories);
    return rv_test_done();
}
