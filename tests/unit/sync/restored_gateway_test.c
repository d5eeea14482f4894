/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: when the root was put back, gateways follow it and their devices follow them: all come to
 * hold the same, and what devices had written, decided or not, or kept at a gateway, is in the
 * root's log once. Method: a net (net.h) of a root, two gateways in a row and devices at each
 * place; the root's disk copied and put back; whoever is between stops at any moment of going back,
 * and devices move meanwhile. What was written is counted by amounts of which each is another.
 */
#include "core/engine/epoch.h"
#include "core/engine/rewind.h"
#include "tests/unit/sync/net.h"

enum { ROOT, OUTER, INNER, NEAR, FAR };

static int64_t balance_of(net *n, int index, int64_t id) {
    const rv_value key = rv_value_int(id);
    rv_state *const state = rv_node_state(n->members[index].node);
    const rv_row row = rv_state_row_find(state, 0, &key);
    rv_value value = rv_value_int(-1);
    return row != RV_ROW_NONE && rv_state_row_cell(state, 0, row, 2, NULL, &value, NULL) == RV_OK
               ? value.as.integer
               : -1;
}

static net *begin(void) {
    net *const n = net_create();
    bool good = net_append(n, "/accounts/1", "account_opened", "{\"name\":\"a\"}") == RV_OK &&
                net_append(n, "/accounts/2", "account_opened", "{\"name\":\"b\"}") == RV_OK;
    good = good && net_add(n, "/**", ROOT) == OUTER && net_add(n, "/accounts/*", OUTER) == INNER &&
           net_add(n, "/accounts/*", OUTER) == NEAR && net_add(n, "/accounts/2", INNER) == FAR;
    if (!good || !net_run(n)) {
        fprintf(stderr, "net: %s\n", n->err.detail);
        abort();
    }
    for (int i = 0; i < n->count; i++) {
        net_slow(n, i, 30);
    }
    return n;
}

static uint8_t *copy_root(net *n) {
    net_steps(n, 200);
    uint8_t *const copy = malloc(NET_DISK_MEMORY);
    memcpy(copy, n->members[ROOT].disk_memory, NET_DISK_MEMORY);
    return copy;
}

/* The root is what it was, and says so. */
static bool put_back(net *n, const uint8_t *copy) {
    memcpy(n->members[ROOT].disk_memory, copy, NET_DISK_MEMORY);
    net_crash(n, ROOT);
    rv_status status = RV_PENDING;
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_epoch_begin(n->members[ROOT].node, &n->err);
        rv_sim_disk_advance(n->members[ROOT].disk, NET_STEP_US);
        fixture_poll(n->members[ROOT].node);
    }
    return status == RV_OK;
}

static bool pay(net *n, int index, int account, int amount) {
    char path[32];
    char data[64];
    snprintf(path, sizeof path, "/accounts/%d", account);
    snprintf(data, sizeof data, "{\"amount\":%d}", amount);
    return (index == ROOT ? net_append(n, path, "deposited", data)
                          : net_write(n, index, path, "deposited", data)) == RV_OK;
}

static void check_end(net *n, int64_t first, int64_t second) {
    RV_CHECK(net_run(n));
    for (int i = 0; i < n->count; i++) {
        RV_CHECK_EQ(balance_of(n, i, 2), second);
        RV_CHECK_EQ(balance_of(n, i, 1), i == FAR ? -1 : first);
        RV_CHECK_EQ(rv_node_outbox(n->members[i].node).pending, 0);
        RV_CHECK_EQ(rv_node_outbox(n->members[i].node).rejections, 0);
        RV_CHECK_EQ(rv_node_relay_facts(n->members[i].node).pushes, 0);
        RV_CHECK_EQ(rv_node_identity(n->members[i].node)->epoch,
                    rv_node_identity(n->members[ROOT].node)->epoch);
        RV_CHECK(i == ROOT || net_same(n, i));
    }
}

RV_TEST(what_devices_wrote_comes_back_through_gateways) {
    net *const n = begin();
    RV_CHECK(pay(n, NEAR, 1, 1) && pay(n, FAR, 2, 1));
    RV_CHECK(net_run(n));
    uint8_t *const backup = copy_root(n);
    for (int i = 0; i < 4; i++) {
        RV_CHECK(pay(n, NEAR, 1, 10) && pay(n, FAR, 2, 10) && pay(n, ROOT, 1, 1000));
        RV_CHECK(net_run(n));
    }
    check_end(n, 4041, 41);
    RV_CHECK_PASSED();
    /* and some that a gateway keeps, while it is cut off */
    net_move(n, OUTER, NET_NONE);
    RV_CHECK(pay(n, NEAR, 1, 100) && pay(n, FAR, 2, 100));
    net_steps(n, 400);
    RV_CHECK_EQ(rv_node_relay_facts(n->members[OUTER].node).pushes, 2);
    RV_CHECK(put_back(n, backup));
    net_move(n, OUTER, ROOT);
    check_end(n, 141, 141);
    RV_CHECK_PASSED();
    /* and they go on */
    RV_CHECK(pay(n, NEAR, 1, 1) && pay(n, FAR, 2, 1));
    check_end(n, 142, 142);
    free(backup);
    net_free(n);
}

/* A gateway, or a device, stops at some moment; a device finds another upstream. */
RV_TEST(whoever_stops_on_the_way) {
    for (int moment = 0; moment < 12; moment++) {
        net *const n = begin();
        uint8_t *const backup = copy_root(n);
        for (int i = 0; i < 3; i++) {
            RV_CHECK(pay(n, NEAR, 1, 10) && pay(n, FAR, 2, 10) && pay(n, ROOT, 2, 1000));
        }
        RV_CHECK(net_run(n));
        net_steps(n, 300);
        RV_CHECK(put_back(n, backup));
        RV_CHECK(pay(n, FAR, 2, 100));
        for (int i = 0; i < NET_STEPS_MAX && !rv_node_rewinding(n->members[OUTER].node); i++) {
            (void)net_step(n);
        }
        net_steps(n, 7 * moment);
        if (moment % 3 == 0) {
            net_move(n, NEAR, ROOT);
        }
        net_crash(n, moment % 2 == 0 ? OUTER : INNER);
        net_steps(n, 40 * moment);
        net_crash(n, moment % 2 == 0 ? FAR : OUTER);
        if (moment % 4 == 1) {
            net_move(n, FAR, OUTER);
        }
        check_end(n, 30, 130);
        RV_CHECK_PASSED();
        free(backup);
        net_free(n);
    }
}

int main(void) {
    RV_RUN(what_devices_wrote_comes_back_through_gateways);
    RV_RUN(whoever_stops_on_the_way);
    return rv_test_done();
}
