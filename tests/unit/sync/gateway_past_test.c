/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a device gets the past of streams from a gateway that holds them with all of their history,
 * as from the root: each event once, from the place on that it selects, and none from before;
 * whether it began so or asks for more later, wherever it is moved in the middle; and is told so
 * where the gateway has not got it.
 *
 * Method: a root, gateways and devices on disks that answer late (net.h). The truth is the root's
 * events, one by one, and its hash over what is selected.
 */
#include "tests/unit/sync/met.h"

static void feed(net *n, uint64_t *random, int count) {
    met_feed(n, random, count, 9);
}

static bool is_filled(const net *n, int device) {
    return rv_node_whole(n->members[device].node) &&
           !rv_node_fill_of(n->members[device].node).active;
}

static bool run(net *n, int device) {
    for (int i = 0; i < NET_STEPS_MAX && !(is_filled(n, device) && net_done(n, device)); i++) {
        (void)net_step(n);
    }
    return is_filled(n, device) && net_run(n);
}

/* The device has what the root has of the pattern, from a position on. */
static void check_past(net *n, int device, const char *pattern, uint64_t since) {
    static uint8_t truth[EVENTS_MAX];
    meet_events(n, 0, pattern);
    memcpy(truth, met, sizeof truth);
    meet_events(n, device, pattern);
    for (uint64_t p = 1; p < EVENTS_MAX; p++) {
        if (met[p] != (p >= since ? truth[p] : 0)) {
            fprintf(stderr, "position %llu: %u times\n", (unsigned long long)p, (unsigned)met[p]);
            RV_CHECK(false);
            return;
        }
    }
    RV_CHECK(net_same(n, device));
}

static void select_at(net *n, int index, const char *entry) {
    const rv_bytes text = rv_bytes_of_string(entry);
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(n->members[index].node, &text, 1, &n->err);
        net_steps(n, 1);
    }
    RV_CHECK_STATUS(status, RV_OK);
    n->members[index].pattern = entry;
}

/* Positions and sequences differ at both gateways: the outer one holds less than the root has, and
 * the schema's changes came before. */
RV_TEST(serves_the_past_since_a_place) {
    static const char *const entries[] = {"/accounts/3 history since 150",
                                          "/accounts/3 history since 2001-01-01",
                                          "/accounts/3 history since 99999"};
    static const uint64_t since[] = {150, 1, EVENTS_MAX};
    net *const n = net_create();
    uint64_t random = 3;
    const int outer = net_add(n, "/accounts/3", 0);
    const int inner = net_add(n, "/accounts/3", outer);
    feed(n, &random, 400);
    RV_CHECK(net_run(n));
    slow_all(n);
    for (size_t i = 0; i < 3; i++) {
        const int device = net_add(n, entries[i], i == 1 ? outer : inner);
        feed(n, &random, 20);
        RV_CHECK(run(n, device));
        meet_events(n, device, "/accounts/3");
        RV_CHECK(i == 2 ? met_count <= 20 : met_count > 25);
        if (since[i] < EVENTS_MAX) {
            check_past(n, device, "/accounts/3", since[i]);
        }
        RV_CHECK_STATUS(n->members[device].edge->fill.refused.status, RV_OK);
    }
    net_free(n);
}

/* More of it later, in many messages, from whoever is the upstream then. */
RV_TEST(fills_in_a_past_wherever_the_device_is) {
    for (int round = 0; round < 8; round++) {
        net *const n = net_create();
        uint64_t random = (uint64_t)round + 20;
        const int outer = net_add(n, "/accounts/*", 0);
        const int inner = net_add(n, "/accounts/*", outer);
        feed(n, &random, 300);
        RV_CHECK(net_run(n));
        const int device = net_add(n, "/accounts/* history none", inner);
        RV_CHECK(run(n, device));
        meet_events(n, device, "/accounts/*");
        RV_CHECK_EQ(met_count, 0);
        feed(n, &random, 20);
        slow_all(n);
        n->members[device].edge->batch_bytes = 300;
        select_at(n, device, round % 2 == 0 ? "/accounts/*" : "/accounts/* history since 100");
        const int tour[] = {outer, inner, 0, inner};
        for (int i = 0; i < round % 5; i++) {
            net_steps(n, 60 + 90 * round);
            feed(n, &random, 5);
            net_move(n, device, tour[i]);
        }
        if (round == 6) {
            net_crash(n, device);
        }
        RV_CHECK(run(n, device));
        check_past(n, device, "/accounts/*", round % 2 == 0 ? 1 : 100);
        net_free(n);
    }
}

/* The device comes to select all of the accounts' past, and has begun to be given it, in small
 * pieces. */
static void begin_past(net *n, int device) {
    n->members[device].edge->batch_bytes = 300;
    select_at(n, device, "/accounts/*");
    for (int i = 0; i < 4000 && !rv_node_fill_of(n->members[device].node).active; i++) {
        (void)net_step(n);
    }
}

/* A device that is ahead of the gateway gets no past before the gateway is there: it would be told
 * that there is no more of it. */
RV_TEST(waits_for_a_gateway_that_is_behind) {
    net *const n = net_create();
    uint64_t random = 5;
    const int gateway = net_add(n, "/accounts/*", 0);
    feed(n, &random, 100);
    RV_CHECK(net_run(n));
    net_move(n, gateway, NET_NONE);
    feed(n, &random, 100);
    const int device = net_add(n, "/accounts/* history none", 0);
    RV_CHECK(run(n, device));
    begin_past(n, device);
    net_move(n, device, gateway);
    net_steps(n, 4000);
    RV_CHECK_EQ(n->members[device].edge->status.state, RV_EDGE_CONNECTED);
    RV_CHECK(rv_node_fill_of(n->members[device].node).active);
    net_move(n, gateway, 0);
    RV_CHECK(run(n, device));
    check_past(n, device, "/accounts/*", 1);
    net_free(n);
}

/* A past that the gateway does not hold is refused, and the device has what it had. */
RV_TEST(refuses_a_past_that_it_does_not_hold) {
    net *const n = net_create();
    uint64_t random = 6;
    const int gateway = net_add(n, "/accounts/3", 0);
    feed(n, &random, 100);
    const int device = net_add(n, "/accounts/* history none", 0);
    RV_CHECK(run(n, device));
    begin_past(n, device);
    RV_CHECK(rv_node_fill_of(n->members[device].node).active);
    net_move(n, device, gateway);
    net_steps(n, 2000);
    RV_CHECK_EQ(n->members[device].edge->status.state, RV_EDGE_ERROR);
    RV_CHECK_STATUS(n->members[device].edge->status.reason.status, RV_SELECTION_INVALID);
    RV_CHECK(rv_node_fill_of(n->members[device].node).active);
    net_move(n, device, 0);
    RV_CHECK(run(n, device));
    check_past(n, device, "/accounts/*", 1);
    net_free(n);
}

int main(void) {
    RV_RUN(serves_the_past_since_a_place);
    RV_RUN(fills_in_a_past_wherever_the_device_is);
    RV_RUN(waits_for_a_gateway_that_is_behind);
    RV_RUN(refuses_a_past_that_it_does_not_hold);
    return rv_test_done();
}
