/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is written at a device behind gateways is decided at the root exactly once, whatever
 * path it takes and whoever stops in the middle; the gateway keeps it durably meanwhile, and says
 * so; nothing of it is left anywhere in the end.
 *
 * Method: a root, gateways and devices in one process on disks that answer late and lose what was
 * not flushed (net.h). The truth is the number of events at the root, its rows, and what each
 * device knows of what it wrote.
 */
#include "tests/unit/sync/net.h"
#include "tests/unit/tokens.h"

static void slow_all(net *n) {
    for (int i = 0; i < n->count; i++) {
        net_slow(n, i, 30);
    }
}

static uint64_t events_at_root(const net *n) {
    return rv_node_sequence(n->members[0].node);
}

/* Batches of the device that the root remembers, and those that a gateway has of anybody. */
static uint32_t unsettled(net *n, int device) {
    const rv_outbox_facts facts = rv_node_outbox(n->members[device].node);
    rv_edge_life life = {.incarnation = facts.incarnation};
    memcpy(life.edge_id, rv_node_id(n->members[device].node), sizeof life.edge_id);
    return facts.incarnation == 0 ? 0 : rv_node_unsettled(n->members[0].node, &life);
}

static uint32_t kept(net *n, int gateway) {
    return rv_node_relay_facts(n->members[gateway].node).pushes;
}

/* Into an account that the root has opened: a note, if this is the beginning, and `count` deposits
 * of 1. */
static bool write_some(net *n, int device, int account, int count, bool begin) {
    char path[32];
    char data[64];
    snprintf(path, sizeof path, "/accounts/%d", account);
    snprintf(data, sizeof data, "{\"note_id\":%d,\"body\":\"d%d\"}", 1000 + account, device);
    bool good = !begin || net_write(n, device, path, "noted", data) == RV_OK;
    for (int i = 0; i < count && good; i++) {
        good = net_write(n, device, path, "deposited", "{\"amount\":1}") == RV_OK;
    }
    if (!good) {
        fprintf(stderr, "write: %s\n", n->err.detail);
    }
    return good;
}

/* A net whose root has opened these accounts. */
static net *with_accounts(int from, int to) {
    net *const n = net_create();
    for (int i = from; i <= to; i++) {
        char path[32];
        snprintf(path, sizeof path, "/accounts/%d", i);
        if (net_append(n, path, "account_opened", "{\"name\":\"x\"}") != RV_OK) {
            fprintf(stderr, "open: %s\n", n->err.detail);
            abort();
        }
    }
    return n;
}

/* Goes on until nothing is left to be told or forgotten. */
static bool settle_all(net *n) {
    bool good = net_run(n);
    for (int i = 0; i < 8 && good; i++) {
        net_steps(n, 500);
    }
    return good;
}

RV_TEST(offline_writes_come_through) {
    net *const n = with_accounts(1, 2);
    const int gateway = net_add(n, "/**", 0);
    const int inner = net_add(n, "/accounts/*", gateway);
    const int near = net_add(n, "/accounts/1", gateway);
    const int far = net_add(n, "/accounts/2", inner);
    RV_CHECK(net_run(n));
    slow_all(n);
    const uint64_t before = events_at_root(n);
    net_move(n, near, NET_NONE);
    net_move(n, far, NET_NONE);
    RV_CHECK(write_some(n, near, 1, 20, true));
    RV_CHECK(write_some(n, far, 2, 20, true));
    net_steps(n, 200);
    RV_CHECK_EQ(events_at_root(n), before);
    net_move(n, near, gateway);
    net_move(n, far, inner);
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(events_at_root(n), before + 42);
    for (int i = 1; i < n->count; i++) {
        RV_CHECK(net_same(n, i));
        RV_CHECK_EQ(kept(n, i), 0);
        RV_CHECK_EQ(unsettled(n, i), 0);
    }
    RV_CHECK(n->members[near].edge->status.gateway);
    RV_CHECK(!n->members[gateway].edge->status.gateway);
    net_free(n);
}

/* While the gateway is offline, devices are told that their writes are kept there; and after they
 * have gone, the gateway passes them on, and is told what became of them. */
RV_TEST(a_gateway_keeps_what_it_cannot_pass_on) {
    net *const n = with_accounts(1, 2);
    const int gateway = net_add(n, "/**", 0);
    const int device = net_add(n, "/accounts/*", gateway);
    RV_CHECK(net_run(n));
    slow_all(n);
    const uint64_t before = events_at_root(n);
    net_move(n, gateway, NET_NONE);
    RV_CHECK(write_some(n, device, 1, 9, true));
    net_steps(n, 1000);
    rv_edge_status status;
    rv_edge_status_of(n->members[device].edge, &status);
    RV_CHECK_EQ(status.relayed, 10);
    RV_CHECK_EQ(kept(n, gateway), 10);
    RV_CHECK_EQ(rv_node_outbox(n->members[device].node).pending, 10);
    net_move(n, device, NET_NONE);
    net_crash(n, gateway);
    RV_CHECK_EQ(kept(n, gateway), 10);
    net_move(n, gateway, 0);
    net_steps(n, 2000);
    RV_CHECK_EQ(events_at_root(n), before + 10);
    RV_CHECK_EQ(kept(n, gateway), 0);
    RV_CHECK_EQ(rv_node_outbox(n->members[device].node).pending, 10);
    net_move(n, device, gateway);
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(events_at_root(n), before + 10);
    RV_CHECK_EQ(unsettled(n, device), 0);
    RV_CHECK(net_same(n, device));
    net_free(n);
}

/* What a device has settled is lost on the way to the root until that decides nothing more: it is
 * told again. */
RV_TEST(what_is_settled_may_be_lost) {
    net *const n = with_accounts(1, 1);
    const int gateway = net_add(n, "/**", 0);
    const int device = net_add(n, "/accounts/*", gateway);
    RV_CHECK(net_run(n));
    const uint64_t before = events_at_root(n);
    n->members[gateway].deaf = true;
    RV_CHECK(write_some(n, device, 1, 300, false));
    net_steps(n, 8000);
    RV_CHECK_EQ(unsettled(n, device), UNSETTLED_MAX);
    RV_CHECK(rv_node_outbox(n->members[device].node).pending > 0);
    n->members[gateway].deaf = false;
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(events_at_root(n), before + 300);
    RV_CHECK_EQ(unsettled(n, device), 0);
    net_free(n);
}

/* A gateway without tokens, which the root knows as `till`, is told by a device that somebody else
 * has written something: the root would believe it. */
RV_TEST(an_open_gateway_lends_nobody_a_name) {
    net *const n = with_accounts(1, 2);
    rv_node *const root = n->members[0].node;
    RV_CHECK_STATUS(tokens_put(root, "admin", "admin", "/**", "/**", "a", 0), RV_OK);
    RV_CHECK_STATUS(tokens_put(root, "till", "secret", "/**", "/accounts/1", "r", 0), RV_OK);
    const int gateway = net_add(n, "/**", 0);
    rv_edge_set_token(n->members[gateway].edge, RV_LITERAL("secret"), n->now);
    net_steps(n, 1000);
    const int device = net_add(n, "/accounts/*", gateway);
    const uint64_t before = events_at_root(n);
    net_steps(n, 1000);
    for (unsigned way = 0; way < 3; way++) {
        static const char *const who[] = {"", "till", "admin"};
        const rv_append append = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
        const rv_writes writes = {
            .events = &append, .count = 1, .principal = rv_bytes_of_string(who[way])};
        rv_event result;
        rv_written written;
        RV_CHECK_STATUS(rv_node_write(n->members[device].node, &writes, &result, &written, &n->err),
                        RV_OK);
        net_steps(n, 2000);
        RV_CHECK_EQ(events_at_root(n), before + (way < 2 ? way + 1u : 2u));
    }
    rv_edge_status status;
    rv_edge_status_of(n->members[device].edge, &status);
    RV_CHECK_STATUS(status.reason.status, RV_FORBIDDEN);
    RV_CHECK_EQ(rv_node_outbox(n->members[device].node).pending, 1);
    net_free(n);
}

/* Refusals come back with their reason, and what counted on them is refused with that. */
RV_TEST(refusals_come_back) {
    net *const n = with_accounts(1, 2);
    const int gateway = net_add(n, "/**", 0);
    const int device = net_add(n, "/accounts/*", gateway);
    RV_CHECK(net_run(n));
    RV_CHECK(write_some(n, device, 1, 5, true));
    RV_CHECK(settle_all(n));
    slow_all(n);
    net_move(n, device, NET_NONE);
    /* the device does not know that the money is gone */
    RV_CHECK_STATUS(net_append(n, "/accounts/1", "withdrawn", "{\"amount\":5}"), RV_OK);
    const uint64_t before = events_at_root(n);
    RV_CHECK_STATUS(net_write(n, device, "/accounts/1", "withdrawn", "{\"amount\":2}"), RV_OK);
    RV_CHECK_STATUS(net_write(n, device, "/accounts/1", "deposited", "{\"amount\":2}"), RV_OK);
    net_move(n, device, gateway);
    RV_CHECK(settle_all(n));
    rv_rejection rejection;
    RV_CHECK(rv_node_rejection(n->members[device].node, 0, &rejection));
    RV_CHECK_STATUS(rejection.reason.status, RV_CHECK_VIOLATION);
    RV_CHECK_EQ(events_at_root(n), before + 1);
    RV_CHECK_EQ(unsettled(n, device), 0);
    RV_CHECK(net_same(n, device));
    net_free(n);
}

typedef enum blow { CUT_DEVICE, CUT_GATEWAY, CRASH_GATEWAY, CRASH_DEVICE, CRASH_ROOT, MOVE } blow;

/* The story: two devices behind two gateways write while they are offline, and connect; after so
 * many steps something happens. Everything is decided once. */
static bool survives(blow what, int steps) {
    net *const n = with_accounts(1, 2);
    const int first = net_add(n, "/**", 0);
    const int second = net_add(n, "/accounts/*", 0);
    const int one = net_add(n, "/accounts/*", first);
    const int other = net_add(n, "/accounts/*", first);
    bool good = net_run(n);
    slow_all(n);
    const uint64_t before = events_at_root(n);
    net_move(n, one, NET_NONE);
    net_move(n, other, NET_NONE);
    good = good && write_some(n, one, 1, 6, true) && write_some(n, other, 2, 6, true);
    net_move(n, one, first);
    net_move(n, other, first);
    net_steps(n, steps);
    switch (what) {
    case CUT_DEVICE:
        net_cut(n, one);
        break;
    case CUT_GATEWAY:
        net_cut(n, first);
        break;
    case CRASH_GATEWAY:
        net_crash(n, first);
        break;
    case CRASH_DEVICE:
        net_crash(n, one);
        break;
    case CRASH_ROOT:
        net_crash(n, 0);
        break;
    case MOVE:
        net_move(n, one, second);
        net_move(n, other, 0);
        break;
    }
    good = good && write_some(n, one, 1, 2, false) && settle_all(n);
    good = good && events_at_root(n) == before + 16 && net_same(n, one) && net_same(n, other) &&
           net_same(n, first) && unsettled(n, one) == 0 && unsettled(n, other) == 0 &&
           kept(n, first) == 0 && kept(n, second) == 0 &&
           rv_node_outbox(n->members[one].node).rejections == 0 &&
           fixture_forks(n->members[one].edge->node) == 0 &&
           fixture_forks(n->members[other].edge->node) == 0;
    if (!good) {
        fprintf(stderr, "blow %d after %d steps: %llu events, %u and %u kept, %u %u unsettled\n",
                (int)what, steps, (unsigned long long)(events_at_root(n) - before), kept(n, first),
                kept(n, second), unsettled(n, one), unsettled(n, other));
    }
    net_free(n);
    return good;
}

RV_TEST(everything_is_decided_once_whoever_stops) {
    for (int what = CUT_DEVICE; what <= MOVE; what++) {
        for (int steps = 1; steps < 60; steps += 2 * RV_TEST_STRIDE + steps / 4) {
            RV_CHECK(survives((blow)what, steps));
        }
    }
}

/* A device that was put back to an older copy takes a new incarnation behind a gateway, too. */
RV_TEST(a_copy_is_found_out) {
    net *const n = with_accounts(1, 2);
    const int gateway = net_add(n, "/**", 0);
    const int device = net_add(n, "/accounts/*", gateway);
    RV_CHECK(net_run(n));
    RV_CHECK(write_some(n, device, 1, 2, true));
    RV_CHECK(settle_all(n));
    static uint8_t backup[NET_DISK_MEMORY];
    net_move(n, device, NET_NONE);
    net_steps(n, 100);
    memcpy(backup, n->members[device].disk_memory, NET_DISK_MEMORY);
    net_move(n, device, gateway);
    RV_CHECK(write_some(n, device, 1, 3, false));
    RV_CHECK(settle_all(n));
    const uint64_t before = events_at_root(n);
    net_move(n, device, NET_NONE);
    memcpy(n->members[device].disk_memory, backup, NET_DISK_MEMORY);
    net_crash(n, device);
    RV_CHECK(write_some(n, device, 1, 2, false));
    net_move(n, device, gateway);
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(fixture_forks(n->members[device].edge->node), 1);
    RV_CHECK_EQ(events_at_root(n), before + 2);
    RV_CHECK(net_same(n, device));
    RV_CHECK_EQ(kept(n, gateway), 0);
    net_free(n);
}

/* A gateway that is offline for long takes what its bounds allow, of each device some, and tells
 * the others to wait; all of it comes through in the end. */
RV_TEST(bounds_hold_and_are_fair) {
    net *const n = with_accounts(10, 14);
    const int gateway = net_add(n, "/**", 0);
    int devices[4];
    for (int i = 0; i < 4; i++) {
        devices[i] = net_add(n, "/accounts/*", gateway);
    }
    RV_CHECK(net_run(n));
    slow_all(n);
    const uint64_t before = events_at_root(n);
    net_move(n, gateway, NET_NONE);
    char data[2100];
    snprintf(data, sizeof data, "{\"note_id\":1,\"body\":\"%02000d\"}", 7);
    for (int i = 0; i < 4; i++) {
        RV_CHECK(write_some(n, devices[i], 10 + i, 1, true));
        for (int k = 0; k < 10; k++) {
            char path[32];
            snprintf(path, sizeof path, "/accounts/%d", 10 + i);
            snprintf(data, sizeof data, "{\"note_id\":%d,\"body\":\"%02000d\"}", 100 * i + k, 7);
            RV_CHECK_STATUS(net_write(n, devices[i], path, "noted", data), RV_OK);
        }
    }
    net_steps(n, 6000);
    const rv_relay_facts facts = rv_node_relay_facts(n->members[gateway].node);
    RV_CHECK_EQ(facts.edges, 4);
    RV_CHECK(facts.bytes <= n->members[gateway].node->ledger.cap / 4 * 3);
    RV_CHECK(facts.pushes < 48);
    RV_CHECK(write_some(n, gateway, 14, 3, true)); /* its own outbox has room */
    net_move(n, gateway, 0);
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(events_at_root(n), before + 48 + 4);
    for (int i = 0; i < 4; i++) {
        RV_CHECK(net_same(n, devices[i]));
        RV_CHECK_EQ(unsettled(n, devices[i]), 0);
    }
    net_free(n);
}

/* Writes a batch of `count` notes of `len` bytes. */
static rv_status write_large(net *n, int index, int first, int count, int len) {
    static char data[16][9000];
    rv_append events[16];
    rv_event results[16];
    rv_written written;
    rv_status status = RV_PENDING;
    for (int i = 0; i < count; i++) {
        snprintf(data[i], sizeof data[i], "{\"note_id\":%d,\"body\":\"%0*d\"}", first + i, len, 7);
        events[i] = fixture_event("/accounts/1", "noted", data[i]);
    }
    const rv_writes writes = {.events = events, .count = (size_t)count};
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(n->members[index].node, &writes, results, &written, &n->err);
        rv_sim_disk_advance(n->members[index].disk, NET_STEP_US);
        fixture_poll(n->members[index].node);
    }
    return status;
}

static bool is_passing(const net *n, int index) {
    return n->members[index].shared->relayer->passing.push.body.len > 0;
}

/* What no gateway on the way can keep is passed on, each time whoever crashes, and decided once. */
RV_TEST(what_is_too_large_to_keep_is_passed_on) {
    for (int moment = 0; moment < 5; moment++) {
        net *const n = with_accounts(1, 2);
        const int outer = net_add(n, "/**", 0);
        const int inner = net_add(n, "/accounts/*", outer);
        const int device = net_add(n, "/accounts/1", inner);
        const int other = net_add(n, "/accounts/2", inner);
        RV_CHECK(net_run(n));
        slow_all(n);
        const uint64_t before = events_at_root(n);
        net_move(n, outer, NET_NONE);
        RV_CHECK(write_some(n, device, 1, 2, true));
        RV_CHECK_STATUS(write_large(n, device, 100, 14, 7500), RV_OK);
        RV_CHECK(write_some(n, device, 1, 2, false));
        RV_CHECK(write_some(n, other, 2, 3, true));
        net_steps(n, 1000);
        RV_CHECK(!is_passing(n, outer));
        net_move(n, outer, 0);
        bool passed = false;
        for (int i = 0; i < NET_STEPS_MAX && !passed; i++) {
            (void)net_step(n);
            passed = is_passing(n, outer);
        }
        RV_CHECK(passed);
        net_steps(n, moment);
        if (moment > 0) {
            net_crash(n, moment % 2 == 0 ? outer : inner);
        }
        RV_CHECK(settle_all(n));
        RV_CHECK_EQ(events_at_root(n), before + 3 + 14 + 2 + 4);
        RV_CHECK_EQ(rv_node_outbox(n->members[device].node).rejections, 0);
        RV_CHECK(!is_passing(n, outer) && !is_passing(n, inner));
        for (int i = 1; i < n->count; i++) {
            RV_CHECK(net_same(n, i));
            RV_CHECK_EQ(kept(n, i), 0);
            RV_CHECK_EQ(unsettled(n, i), 0);
        }
        net_free(n);
    }
}

/* A refusal comes back, and that of a copy. */
RV_TEST(what_is_passed_on_may_be_refused_or_a_copys) {
    net *const n = with_accounts(1, 2);
    const int gateway = net_add(n, "/**", 0);
    const int device = net_add(n, "/accounts/*", gateway);
    RV_CHECK(net_run(n));
    RV_CHECK(write_some(n, device, 1, 2, true));
    RV_CHECK(settle_all(n));
    static uint8_t backup[NET_DISK_MEMORY];
    net_move(n, device, NET_NONE);
    net_steps(n, 100);
    memcpy(backup, n->members[device].disk_memory, NET_DISK_MEMORY);
    RV_CHECK_STATUS(net_append(n, "/accounts/1", "noted", "{\"note_id\":205,\"body\":\"x\"}"),
                    RV_OK);
    RV_CHECK_STATUS(write_large(n, device, 200, 14, 7500), RV_OK);
    net_move(n, device, gateway);
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(rv_node_outbox(n->members[device].node).rejections, 1);
    const uint64_t before = events_at_root(n);
    net_move(n, device, NET_NONE);
    memcpy(n->members[device].disk_memory, backup, NET_DISK_MEMORY);
    net_crash(n, device);
    RV_CHECK_STATUS(write_large(n, device, 300, 14, 7500), RV_OK);
    net_move(n, device, gateway);
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(fixture_forks(n->members[device].edge->node), 1);
    RV_CHECK_EQ(events_at_root(n), before + 14);
    RV_CHECK(net_same(n, device));
    RV_CHECK_EQ(kept(n, gateway), 0);
    net_free(n);
}

/* Keys are leased through gateways: each device numbers rows of its own offline. */
RV_TEST(keys_are_leased_through_gateways) {
    net *const n = net_create();
    const int gateway = net_add(n, "/**", 0);
    const int inner = net_add(n, "/**", gateway);
    const int one = net_add(n, "/**", gateway);
    const int other = net_add(n, "/**", inner);
    RV_CHECK(net_run(n));
    slow_all(n);
    const int members[] = {gateway, one, other};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            rv_status status = RV_NO_KEYS;
            for (int k = 0; k < 400 && status == RV_NO_KEYS; k++) {
                status =
                    net_write(n, members[i], "accounts", "account_opened", "{\"name\":\"serial\"}");
                net_steps(n, 50);
            }
            RV_CHECK_STATUS(status, RV_OK);
        }
        net_move(n, gateway, round == 0 ? NET_NONE : 0);
    }
    RV_CHECK(settle_all(n));
    RV_CHECK_EQ(events_at_root(n), 1 + 6);
    for (int i = 1; i < n->count; i++) {
        RV_CHECK(net_same(n, i));
        RV_CHECK_EQ(rv_node_outbox(n->members[i].node).rejections, 0);
    }
    net_free(n);
}

/* Requests for keys of several devices are under way at a time. */
RV_TEST(keys_are_asked_for_side_by_side) {
    net *const n = net_create();
    const int gateway = net_add(n, "/**", 0);
    int devices[4];
    for (int i = 0; i < 4; i++) {
        devices[i] = net_add(n, "/accounts/*", gateway);
    }
    RV_CHECK(net_run(n));
    slow_all(n);
    net_move(n, gateway, NET_NONE);
    for (int i = 0; i < 4; i++) {
        RV_CHECK_STATUS(net_write(n, devices[i], "accounts", "account_opened", "{\"name\":\"x\"}"),
                        RV_NO_KEYS);
    }
    net_steps(n, 400);
    net_move(n, gateway, 0);
    uint32_t most = 0;
    for (int k = 0; k < 4000 && most < 2; k++) {
        uint32_t sent = 0;
        (void)net_step(n);
        for (uint32_t i = 0; i < RV_RELAY_LEASES_MAX; i++) {
            const rv_relay_lease *const l = &n->members[gateway].shared->relayer->leases[i];
            sent += l->edge.incarnation > 0 && l->sent && !l->answered;
        }
        most = sent > most ? sent : most;
    }
    RV_CHECK(most > 1);
    RV_CHECK(settle_all(n));
    for (int i = 0; i < 4; i++) {
        RV_CHECK_EQ(rv_node_keys_left(n->members[devices[i]].node, 0), RV_LEASE_KEYS_MIN);
    }
    net_free(n);
}

int main(void) {
    RV_RUN(offline_writes_come_through);
    RV_RUN(a_gateway_keeps_what_it_cannot_pass_on);
    RV_RUN(what_is_settled_may_be_lost);
    RV_RUN(an_open_gateway_lends_nobody_a_name);
    RV_RUN(refusals_come_back);
    RV_RUN(everything_is_decided_once_whoever_stops);
    RV_RUN(a_copy_is_found_out);
    RV_RUN(bounds_hold_and_are_fair);
    RV_RUN(what_is_too_large_to_keep_is_passed_on);
    RV_RUN(what_is_passed_on_may_be_refused_or_a_copys);
    RV_RUN(keys_are_leased_through_gateways);
    RV_RUN(keys_are_asked_for_side_by_side);
    return rv_test_done();
}
