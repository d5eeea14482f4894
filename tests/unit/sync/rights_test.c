/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what tokens at gateways do not allow stops nothing else. A batch that its writer may not
 * write is refused by the root, once, for the gateway's reason, and not if it was accepted before;
 * what a gateway may not pass on waits, with a reason that gateway and device tell, and goes up
 * when it may.
 *
 * Method: a root, gateways with tokens of their own and devices, on disks that answer late and lose
 * what was not flushed (net.h). The truth is the root's events, and what each device knows.
 */
#include "tests/unit/sync/net.h"
#include "tests/unit/tokens.h"

enum { ROOT, OUTER, INNER, DEVICE, OTHER };

static void must(bool good) {
    if (!good) {
        abort();
    }
}

/* root <- outer <- inner <- device, other: gateways that relay, and devices of ada, who may write
 * account 1 only, and of bob. */
static net *start(void) {
    net *const n = net_create();
    for (int i = 0; i < 2; i++) {
        must(net_append(n, i == 0 ? "/accounts/1" : "/accounts/2", "account_opened",
                        "{\"name\":\"x\"}") == RV_OK);
    }
    rv_node *const root = n->members[ROOT].node;
    must(tokens_put(root, "admin", "admin", "", "", "a", 0) == RV_OK);
    must(tokens_put(root, "outer", "outer", "/**", "/**", "r", 0) == RV_OK);
    (void)net_add(n, "/**", ROOT);
    rv_edge_set_token(n->members[OUTER].edge, RV_LITERAL("outer"), n->now);
    net_steps(n, 1000);
    rv_node *const outer = n->members[OUTER].node;
    must(tokens_put(outer, "admin", "admin", "", "", "a", 0) == RV_OK);
    must(tokens_put(outer, "inner", "inner", "/**", "", "r", 0) == RV_OK);
    (void)net_add(n, "/**", OUTER);
    rv_edge_set_token(n->members[INNER].edge, RV_LITERAL("inner"), n->now);
    net_steps(n, 1000);
    rv_node *const inner = n->members[INNER].node;
    must(tokens_put(inner, "admin", "admin", "", "", "a", 0) == RV_OK);
    must(tokens_put(inner, "ada", "ada", "/**", "/accounts/1", "", 0) == RV_OK);
    must(tokens_put(inner, "bob", "bob", "/**", "/accounts/*", "", 0) == RV_OK);
    (void)net_add(n, "/**", INNER);
    (void)net_add(n, "/**", INNER);
    rv_edge_set_token(n->members[DEVICE].edge, RV_LITERAL("ada"), n->now);
    rv_edge_set_token(n->members[OTHER].edge, RV_LITERAL("bob"), n->now);
    must(net_run(n));
    return n;
}

static uint64_t events_at_root(const net *n) {
    return rv_node_sequence(n->members[ROOT].node);
}

/* Of the rejection with this number, from 1: facts. */
static rv_bytes facts_of(const net *n, int device, int number, rv_rejection *rejection) {
    uint64_t after = 0;
    for (int i = 0; i < number; i++) {
        if (!rv_node_rejection(n->members[device].node, after, rejection)) {
            return RV_LITERAL("none");
        }
        after = rejection->batch.edge_sequence;
    }
    return rv_bytes_of(rejection->reason.facts, rejection->reason.facts_len);
}

/* The device's own principal pays 1 in. */
static bool pay(net *n, int device, const char *path) {
    net_member *const m = &n->members[device];
    const rv_append append = fixture_event(path, "deposited", "{\"amount\":1}");
    const rv_writes writes = {.events = &append,
                              .count = 1,
                              .principal = rv_bytes_of_string(device == DEVICE ? "ada" : "bob")};
    rv_event result;
    rv_written written;
    rv_status status = RV_PENDING;
    for (int i = 0; i < NET_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(m->node, &writes, &result, &written, &n->err);
        rv_sim_disk_advance(m->disk, NET_STEP_US);
        fixture_poll(m->node);
    }
    return status == RV_OK;
}

static rv_status reason(const net *n, int device) {
    rv_edge_status status;
    rv_edge_status_of(n->members[device].edge, &status);
    return status.reason.status;
}

RV_TEST(what_its_writer_may_not_write_the_root_refuses) {
    net *const n = start();
    const uint64_t before = events_at_root(n);
    for (int i = 0; i < n->count; i++) {
        net_slow(n, i, 30);
    }
    for (int i = 0; i < 3; i++) {
        RV_CHECK(pay(n, DEVICE, "/accounts/1") && pay(n, DEVICE, "/accounts/2"));
        RV_CHECK(pay(n, OTHER, "/accounts/2"));
    }
    RV_CHECK(net_run(n));
    RV_CHECK_EQ(events_at_root(n), before + 6);
    RV_CHECK_EQ(rv_node_outbox(n->members[DEVICE].node).rejections, 3);
    RV_CHECK_EQ(rv_node_outbox(n->members[OTHER].node).rejections, 0);
    rv_rejection rejection;
    const rv_bytes facts = facts_of(n, DEVICE, 1, &rejection);
    static const char told[] =
        "\"right\":\"write\",\"path\":\"/accounts/2\",\"principal\":\"ada\",\"judged_at\":";
    RV_CHECK(facts.len > sizeof told - 1);
    RV_CHECK_TEXT(rv_bytes_of(facts.ptr, sizeof told - 1), told);
    RV_CHECK_STATUS(rejection.reason.status, RV_FORBIDDEN);
    RV_CHECK_STATUS(reason(n, DEVICE), RV_OK);
    for (int i = 1; i < n->count; i++) {
        RV_CHECK(net_same(n, i));
        RV_CHECK_EQ(rv_node_relay_facts(n->members[i].node).pushes, 0);
    }
    net_free(n);
}

/* What the root has accepted from ada herself stays so when it comes by the gateway. */
RV_TEST(what_was_decided_before_stays_so) {
    net *const n = start();
    RV_CHECK_STATUS(tokens_put(n->members[ROOT].node, "ada", "adas", "/**", "/accounts/*", "", 0),
                    RV_OK);
    rv_edge_set_token(n->members[DEVICE].edge, RV_LITERAL("adas"), n->now);
    net_move(n, DEVICE, ROOT);
    net_steps(n, 1000);
    const uint64_t before = events_at_root(n);
    RV_CHECK(pay(n, DEVICE, "/accounts/2"));
    for (int i = 0; i < NET_STEPS_MAX && events_at_root(n) == before; i++) {
        (void)net_step(n);
    }
    rv_edge_set_token(n->members[DEVICE].edge, RV_LITERAL("ada"), n->now);
    net_move(n, DEVICE, INNER); /* before it has the decision */
    RV_CHECK_EQ(rv_node_outbox(n->members[DEVICE].node).pending, 1);
    RV_CHECK(net_run(n));
    RV_CHECK_EQ(events_at_root(n), before + 1);
    RV_CHECK_EQ(rv_node_outbox(n->members[DEVICE].node).rejections, 0);
    RV_CHECK(net_same(n, DEVICE));
    net_free(n);
}

/* Whoever stops in the middle, and whatever the token may write by then, it is decided once. */
RV_TEST(whoever_stops_it_is_decided_once) {
    for (int round = 0; round < 12; round++) {
        net *const n = start();
        const uint64_t before = events_at_root(n);
        RV_CHECK(pay(n, DEVICE, "/accounts/1") && pay(n, DEVICE, "/accounts/2"));
        RV_CHECK(pay(n, DEVICE, "/accounts/1"));
        for (int i = 0; i < n->count; i++) {
            net_slow(n, i, 30);
        }
        net_steps(n, 20 + 30 * round);
        net_crash(n, INNER + round % 2);
        net_crash(n, OUTER);
        rv_edge_set_token(n->members[OUTER].edge, RV_LITERAL("outer"), n->now);
        rv_edge_set_token(n->members[INNER].edge, RV_LITERAL("inner"), n->now);
        rv_edge_set_token(n->members[DEVICE].edge, RV_LITERAL("ada"), n->now);
        const bool may = round % 3 == 0;
        if (may) {
            net_slow(n, INNER, 0);
            RV_CHECK_STATUS(
                tokens_put(n->members[INNER].node, "ada", "ada", "/**", "/accounts/*", "", 0),
                RV_OK);
        }
        RV_CHECK(net_run(n));
        const uint32_t refused = rv_node_outbox(n->members[DEVICE].node).rejections;
        RV_CHECK(refused == 1 || (may && refused == 0));
        RV_CHECK_EQ(events_at_root(n), before + 3 - refused);
        RV_CHECK(net_same(n, DEVICE));
        net_free(n);
    }
}

/* Behind a root that takes no refusals the session ends with it, as it did before. */
RV_TEST(an_older_root_is_told_nothing) {
    net *const n = start();
    const uint64_t before = events_at_root(n);
    n->members[INNER].shared->relayer->refusals = false;
    RV_CHECK(pay(n, DEVICE, "/accounts/2"));
    net_steps(n, 1000);
    RV_CHECK_STATUS(reason(n, DEVICE), RV_FORBIDDEN);
    RV_CHECK_EQ(rv_node_outbox(n->members[DEVICE].node).pending, 1);
    RV_CHECK_EQ(events_at_root(n), before);
    net_free(n);
}

RV_TEST(a_gateway_that_may_not_relay_says_so) {
    net *const n = start();
    const uint64_t before = events_at_root(n);
    rv_error why;
    RV_CHECK_STATUS(tokens_put(n->members[ROOT].node, "outer", "outer", "/**", "/**", "", 0),
                    RV_OK);
    net_steps(n, 2000);
    net_move(n, OUTER, ROOT);
    net_steps(n, 2000);
    RV_CHECK(pay(n, OTHER, "/accounts/2"));
    net_steps(n, 4000);
    RV_CHECK_EQ(events_at_root(n), before);
    for (int i = OUTER; i <= INNER; i++) {
        RV_CHECK_EQ(n->members[i].edge->status.state, RV_EDGE_CONNECTED);
        RV_CHECK_EQ(rv_node_relay_facts(n->members[i].node).pushes, 1);
        rv_upstream_held(n->members[i].shared, &why);
        RV_CHECK_STATUS(why.status, RV_FORBIDDEN);
    }
    RV_CHECK_STATUS(reason(n, OTHER), RV_FORBIDDEN);
    RV_CHECK_STATUS(reason(n, DEVICE), RV_OK); /* nothing of it waits */
    RV_CHECK(net_append(n, "/accounts/1", "deposited", "{\"amount\":1}") == RV_OK);
    net_steps(n, 2000);
    RV_CHECK(net_same(n, OTHER));
    RV_CHECK_STATUS(tokens_put(n->members[ROOT].node, "outer", "outer", "/**", "/**", "r", 0),
                    RV_OK);
    RV_CHECK(net_run(n)); /* without another connection from anybody's side */
    RV_CHECK_EQ(events_at_root(n), before + 2);
    rv_upstream_held(n->members[OUTER].shared, &why);
    RV_CHECK_STATUS(why.status, RV_OK);
    RV_CHECK_STATUS(reason(n, OTHER), RV_OK);
    net_free(n);
}

int main(void) {
    RV_RUN(what_its_writer_may_not_write_the_root_refuses);
    RV_RUN(what_was_decided_before_stays_so);
    RV_RUN(whoever_stops_it_is_decided_once);
    RV_RUN(an_older_root_is_told_nothing);
    RV_RUN(a_gateway_that_may_not_relay_says_so);
    return rv_test_done();
}
