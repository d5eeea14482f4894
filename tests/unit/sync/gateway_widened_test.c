/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a gateway serves what it holds, whatever it held before (SEMANTICS 26, decision 41): events
 * of each entry from the place on at which it has them in order, bases of whatever it has rows of;
 * and says of the rest from where on it has it. After it was opened again the same.
 *
 * Method: a root, a gateway that changes its selection, by a base and by giving entries up, and
 * devices on disks that answer late (net.h). The truth is the root's events, one by one, and its
 * hash over what a device selects.
 */
#include "tests/unit/sync/met.h"

static void feed(net *n, uint64_t *random, int count) {
    met_feed(n, random, count, 5);
}

/* What the member holds, and has, is what it was told. */
static bool is_there(const net *n, int index) {
    rv_node *const node = n->members[index].node;
    return rv_node_whole(node) && !rv_node_fill_of(node).active && !rv_node_purge_of(node).due &&
           rv_selection_equal(rv_node_selection(node), rv_held_wanted(&node->held));
}

static bool run(net *n, int index) {
    for (int i = 0; i < NET_STEPS_MAX && !(is_there(n, index) && net_done(n, index)); i++) {
        (void)net_step(n);
    }
    return is_there(n, index) && net_run(n);
}

static void select_at(net *n, int index, const char *const *entries, size_t count) {
    rv_bytes texts[4];
    rv_status status = RV_PENDING;
    for (size_t i = 0; i < count; i++) {
        texts[i] = rv_bytes_of_string(entries[i]);
    }
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(n->members[index].node, texts, count, &n->err);
        net_steps(n, 1);
    }
    RV_CHECK_STATUS(status, RV_OK);
    n->members[index].pattern = count == 1 ? entries[0] : NULL; /* the log says it */
}

/* The device has what the root has of the pattern behind a position, each once, and its rows. */
static void check(net *n, int device, const char *pattern, uint64_t after) {
    static uint8_t truth[EVENTS_MAX];
    meet_events(n, 0, pattern);
    memcpy(truth, met, sizeof truth);
    meet_events(n, device, pattern);
    for (uint64_t p = 1; p < EVENTS_MAX; p++) {
        if (met[p] != (p > after ? truth[p] : 0)) {
            fprintf(stderr, "%s, position %llu: %u times\n", pattern, (unsigned long long)p,
                    (unsigned)met[p]);
            RV_CHECK(false);
            return;
        }
    }
    RV_CHECK(net_same(n, device));
}

/* The device is refused, and is told of what, and from where on it could have it (0: nowhere). */
static void check_refused(net *n, int device, const char *pattern, uint64_t from) {
    char said[96];
    net_steps(n, 2000);
    const rv_edge_status *const status = &n->members[device].edge->status;
    RV_CHECK_EQ(status->state, RV_EDGE_ERROR);
    RV_CHECK_STATUS(status->reason.status, RV_SELECTION_INVALID);
    RV_CHECK(strstr(status->reason.detail, pattern) != NULL);
    (void)snprintf(said, sizeof said, "only from %llu; begin with `history none`",
                   (unsigned long long)from);
    if (strstr(status->reason.detail, from > 0 ? said : "does not hold all of") == NULL) {
        fprintf(stderr, "%s\n", status->reason.detail);
        RV_CHECK(false);
    }
    net_move(n, device, NET_NONE);
}

static uint64_t straight(const net *n, int index, const char *pattern) {
    rv_path_pattern parsed;
    const rv_status status = rv_path_pattern_parse(rv_bytes_of_string(pattern), &parsed, NULL);
    RV_ASSERT(status == RV_OK);
    return rv_node_straight_from(n->members[index].node, &parsed);
}

/* A gateway for /accounts/3 comes to hold more, all of it with its history. */
static void widen(net *n, int gateway, uint64_t *random, const char *const *entries, size_t count) {
    feed(n, random, 150);
    RV_CHECK(net_run(n));
    select_at(n, gateway, entries, count);
    RV_CHECK(run(n, gateway));
    RV_CHECK(!rv_node_fill_of(n->members[gateway].node).straight);
    RV_CHECK_EQ(straight(n, gateway, "/accounts/3"), 1);
    RV_CHECK(straight(n, gateway, "/accounts/4") > 100);
}

/* With an entry more, or a wider one in the place of the first. */
RV_TEST(a_gateway_that_was_widened) {
    static const char *const entries[][2] = {{"/accounts/3", "/accounts/4"}, {"/accounts/*", NULL}};
    for (int round = 0; round < 8; round++) {
        net *const n = net_create();
        uint64_t random = (uint64_t)round + 40;
        const int gateway = net_add(n, "/accounts/3", 0);
        widen(n, gateway, &random, entries[round % 2], round % 2 == 0 ? 2 : 1);
        const uint64_t from = straight(n, gateway, "/accounts/4");
        if (round >= 4) {
            net_crash(n, gateway);
        }
        slow_all(n);
        feed(n, &random, 30);
        const uint64_t before = rv_node_watermark(n->members[gateway].node);
        const int old = net_add(n, "/accounts/3", gateway);
        const int none = net_add(n, "/accounts/4 history none", gateway);
        const int root_none = net_add(n, "/accounts/4", 0);
        RV_CHECK(run(n, old) && run(n, none) && run(n, root_none));
        check(n, old, "/accounts/3", 0);
        RV_CHECK(met_in_order);
        net_move(n, root_none, gateway);
        feed(n, &random, 40);
        RV_CHECK(run(n, root_none) && run(n, none) && run(n, old));
        check(n, old, "/accounts/3", 0);
        check(n, root_none, "/accounts/4", 0); /* its W is behind the gateway's base */
        meet_events(n, none, "/accounts/4");
        uint64_t base = before;
        while (met[base + 1] == 0) { /* the first one that it has */
            base += 1;
        }
        check(n, none, "/accounts/4", base);
        const int all = net_add(n, "/accounts/4", gateway);
        check_refused(n, all, "/accounts/4", from);
        net_free(n);
    }
}

/* A device of the old entry that was away while the gateway was widened, and changed. */
RV_TEST(a_device_that_was_away) {
    static const char *const wider[] = {"/accounts/*"};
    static const char *const fewer[] = {"/accounts/3 history none", "/accounts/5"};
    net *const n = net_create();
    uint64_t random = 50;
    const int gateway = net_add(n, "/accounts/3", 0);
    feed(n, &random, 100);
    const int device = net_add(n, "/accounts/3", gateway);
    RV_CHECK(run(n, device));
    net_move(n, device, NET_NONE);
    feed(n, &random, 60);
    RV_CHECK(run(n, gateway));
    select_at(n, gateway, wider, 1);
    RV_CHECK(run(n, gateway));
    feed(n, &random, 60);
    RV_CHECK(run(n, gateway));
    net_move(n, device, gateway);
    RV_CHECK(run(n, device));
    check(n, device, "/accounts/3", 0);
    net_move(n, device, NET_NONE);
    feed(n, &random, 20);
    RV_CHECK(run(n, gateway));
    select_at(n, gateway, fewer, 2); /* what the device has not yet is purged */
    RV_CHECK(run(n, gateway));
    net_move(n, device, gateway);
    check_refused(n, device, "/accounts/3", straight(n, gateway, "/accounts/3"));
    net_move(n, device, 0);
    RV_CHECK(run(n, device));
    net_move(n, device, gateway);
    feed(n, &random, 20);
    RV_CHECK(run(n, device));
    check(n, device, "/accounts/3", 0);
    net_free(n);
}

/* The gateway itself began with a base: it has rows, and what came since. */
RV_TEST(a_gateway_without_history) {
    static const char *const held[] = {"/accounts/* history none", "/accounts/* history since 60"};
    for (int round = 0; round < 4; round++) {
        net *const n = net_create();
        uint64_t random = (uint64_t)round + 60;
        feed(n, &random, 120);
        const int gateway = net_add(n, held[round % 2], 0);
        RV_CHECK(run(n, gateway));
        const uint64_t from = straight(n, gateway, "/accounts/*");
        RV_CHECK(from > 100);
        feed(n, &random, 30);
        if (round >= 2) {
            net_crash(n, gateway);
        }
        slow_all(n);
        const int none = net_add(n, "/accounts/* history none", gateway);
        RV_CHECK(run(n, none));
        const uint64_t base = rv_node_watermark(n->members[none].node);
        feed(n, &random, 30);
        RV_CHECK(run(n, none));
        check(n, none, "/accounts/*", base);
        const int all = net_add(n, "/accounts/3", gateway);
        check_refused(n, all, "/accounts/3", from);
        char late[48];
        (void)snprintf(late, sizeof late, "/accounts/2 history since %llu",
                       (unsigned long long)from + 5);
        const int since = net_add(n, late, gateway);
        RV_CHECK(run(n, since));
        check(n, since, "/accounts/2", from + 4);
        const int early = net_add(n, "/accounts/3 history since 70", gateway);
        check_refused(n, early, "/accounts/3", from);
        net_free(n);
    }
}

/* What the gateway has of the past, in order, it sends; what was filled in there it passes over. */
RV_TEST(the_past_from_a_gateway_that_was_widened) {
    static const char *const entries[] = {"/accounts/*"};
    static const char *const third[] = {"/accounts/3"};
    static const char *const fourth[] = {"/accounts/4"};
    net *const n = net_create();
    uint64_t random = 70;
    const int gateway = net_add(n, "/accounts/3", 0);
    widen(n, gateway, &random, entries, 1);
    const uint64_t from = straight(n, gateway, "/accounts/4");
    feed(n, &random, 30);
    slow_all(n);
    const int device = net_add(n, "/accounts/3 history none", gateway);
    const int other = net_add(n, "/accounts/4 history none", gateway);
    RV_CHECK(run(n, device) && run(n, other));
    select_at(n, device, third, 1);
    RV_CHECK(run(n, device));
    check(n, device, "/accounts/3", 0);
    /* refused, with the place; what is there stays */
    const rv_bytes entry = rv_bytes_of_string(fourth[0]);
    RV_CHECK_STATUS(rv_node_select(n->members[other].node, &entry, 1, &n->err), RV_OK);
    net_steps(n, 2000);
    const rv_error *const refused = &n->members[other].edge->select.refused;
    RV_CHECK_STATUS(refused->status, RV_SELECTION_INVALID);
    char said[48];
    (void)snprintf(said, sizeof said, "only from %llu", (unsigned long long)from);
    RV_CHECK(strstr(refused->detail, said) != NULL);
    RV_CHECK_EQ(n->members[other].edge->status.state, RV_EDGE_CONNECTED);
    feed(n, &random, 10);
    net_steps(n, 4000);
    RV_CHECK(net_done(n, other) && net_same(n, other));
    net_move(n, other, 0);
    select_at(n, other, fourth, 1);
    RV_CHECK(run(n, other));
    check(n, other, "/accounts/4", 0);
    net_free(n);
}

/* A device that is being sent the past by the root, and is moved in the middle: it is fed, and the
 * rest of its past is refused, until it is back; what the gateway has of it, in order, comes. */
RV_TEST(a_device_with_half_of_its_past) {
    static const char *const entries[] = {"/accounts/*"};
    static const char *const all[] = {"/accounts/4", "/accounts/3"};
    for (int round = 0; round < 2; round++) {
        net *const n = net_create();
        uint64_t random = 75;
        const int gateway = net_add(n, "/accounts/3", 0);
        widen(n, gateway, &random, entries, 1);
        const char *const none =
            round == 0 ? "/accounts/4 history none" : "/accounts/3 history none";
        const int device = net_add(n, none, 0);
        feed(n, &random, 30);
        RV_CHECK(run(n, device) && run(n, gateway));
        n->members[device].edge->batch_bytes = 300; /* which its hello says */
        net_move(n, device, 0);
        select_at(n, device, &all[round], 1);
        for (int i = 0; i < 4000 && rv_node_fill_of(n->members[device].node).after == 0; i++) {
            (void)net_step(n);
        }
        RV_CHECK(rv_node_fill_of(n->members[device].node).active);
        net_move(n, device, gateway);
        feed(n, &random, 30);
        net_steps(n, 4000);
        const net_member *const m = &n->members[device];
        RV_CHECK(net_done(n, device) && net_same(n, device));
        RV_CHECK_EQ(rv_node_fill_of(m->node).active, round == 0);
        RV_CHECK_STATUS(m->edge->fill.refused.status, round == 0 ? RV_SELECTION_INVALID : RV_OK);
        if (round == 0) {
            RV_CHECK(strstr(m->edge->fill.refused.detail, "/accounts/4") != NULL);
            net_move(n, device, 0);
        }
        RV_CHECK(run(n, device));
        check(n, device, all[round], 0);
        net_free(n);
    }
}

/* The gateway's own past comes in the middle of what it feeds, also where it ends there. */
RV_TEST(it_feeds_while_its_past_is_filled_in) {
    static const char *const entries[] = {"/accounts/*"};
    for (unsigned round = 0; round < 6; round++) {
        net *const n = net_create();
        uint64_t random = 80 + round;
        const int gateway = net_add(n, "/accounts/3", 0);
        feed(n, &random, 300);
        const int device = net_add(n, "/accounts/3", gateway);
        const int late = net_add(n, "/accounts/*", 0);
        RV_CHECK(run(n, device) && run(n, late));
        slow_all(n);
        n->members[gateway].edge->batch_bytes = 300; /* which its hello says */
        net_move(n, gateway, 0);
        select_at(n, gateway, entries, 1);
        unsigned filling = 0, crashes = 0;
        for (int i = 0; i < NET_STEPS_MAX && !(filling > 0 && is_there(n, gateway)); i++) {
            const bool active = rv_node_fill_of(n->members[gateway].node).active;
            filling += active;
            if (active && n->members[late].upstream == 0 &&
                straight(n, gateway, "/accounts/*") <=
                    rv_node_watermark(n->members[late].node) + 1) {
                net_move(n, late, gateway); /* all of what is being filled in it has */
            }
            if (active && i % 4 == 0) {
                feed(n, &random, 2);
            }
            if (active && filling % 6 == 5 && crashes < round / 2) {
                net_crash(n, gateway);
                n->members[gateway].edge->batch_bytes = 300;
                crashes += 1;
            }
            (void)net_step(n);
        }
        RV_CHECK(filling > 20 && crashes == round / 2 && run(n, device));
        check(n, device, "/accounts/3", 0);
        RV_CHECK(met_in_order);
        RV_CHECK(n->members[late].upstream == gateway && run(n, late));
        check(n, late, "/accounts/*", 0);
        RV_CHECK(met_in_order);
        const int none = net_add(n, "/accounts/* history none", gateway);
        RV_CHECK(run(n, none));
        RV_CHECK(net_same(n, none));
        net_free(n);
    }
}

/* Entries are given up at once, and what goes is purged under those who are fed. */
RV_TEST(a_gateway_that_was_narrowed) {
    static const char *const less[] = {"/accounts/3"};
    static const char *const more[] = {"/accounts/3", "/accounts/4"};
    net *const n = net_create();
    uint64_t random = 90;
    const int gateway = net_add(n, "/accounts/3", 0);
    widen(n, gateway, &random, more, 2);
    const int third = net_add(n, "/accounts/3", gateway);
    const int fourth = net_add(n, "/accounts/4 history none", gateway);
    RV_CHECK(run(n, third) && run(n, fourth));
    select_at(n, gateway, less, 1);
    check_refused(n, fourth, "/accounts/4", 0);
    feed(n, &random, 30);
    RV_CHECK(run(n, gateway) && run(n, third));
    check(n, third, "/accounts/3", 0);
    select_at(n, gateway, more, 2); /* and again */
    RV_CHECK(run(n, gateway));
    net_move(n, fourth, gateway);
    check_refused(n, fourth, "/accounts/4", straight(n, gateway, "/accounts/4"));
    net_move(n, fourth, 0);
    RV_CHECK(run(n, fourth));
    net_move(n, fourth, gateway);
    feed(n, &random, 30);
    RV_CHECK(run(n, fourth) && run(n, third));
    RV_CHECK(net_same(n, fourth));
    check(n, third, "/accounts/3", 0);
    net_free(n);
}

int main(void) {
    RV_RUN(a_gateway_that_was_widened);
    RV_RUN(a_device_that_was_away);
    RV_RUN(a_gateway_without_history);
    RV_RUN(the_past_from_a_gateway_that_was_widened);
    RV_RUN(a_device_with_half_of_its_past);
    RV_RUN(it_feeds_while_its_past_is_filled_in);
    RV_RUN(a_gateway_that_was_narrowed);
    return rv_test_done();
}
