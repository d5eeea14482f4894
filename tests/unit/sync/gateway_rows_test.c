/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rows of aggregates that a gateway has, all of them, it gives to who selects them there,
 * with what becomes of them, whether they were given to it or it has folded them; at every W that a
 * device shows it has the root's rows at that W, wherever it comes from and goes to. What the
 * gateway has not all of is refused, with the reason.
 *
 * Method: a root, gateways and devices in one process on disks that answer late (net.h). After each
 * append the root's hash of what each member selects is noted; after each step each member that
 * shows something has the hash of its own W.
 */
#include "tests/unit/sync/net.h"
#include "tests/unit/sync/selected.h"

#define POSITIONS_MAX  1200
#define SELECTIONS_MAX 8

/* What members hold, and at each position from `expected_from` to `expected_to` the hash of it. */
static uint8_t selection_memory[64 << 10];
static rv_arena selection_arena;
static rv_selection selections[SELECTIONS_MAX];
static int selection_count;
static rv_hash128 expected[SELECTIONS_MAX][POSITIONS_MAX];
static uint64_t expected_from;
static uint64_t expected_to;

/* A member may come to hold these entries. */
static void may_hold(const char *entries) {
    rv_bytes texts[FIXTURE_ENTRIES_MAX];
    rv_selection *const selection = &selections[selection_count];
    RV_CHECK(selection_count < SELECTIONS_MAX);
    *selection = (rv_selection){.count = 0};
    const size_t count = fixture_entries(entries, texts);
    for (size_t i = 0; i < count; i++) {
        RV_CHECK_STATUS(rv_selection_add(selection, texts[i], &selection_arena, NULL), RV_OK);
    }
    selection_count += 1;
}

static void note(net *n) {
    const uint64_t w = rv_node_watermark(n->members[0].node);
    RV_CHECK(w < POSITIONS_MAX);
    expected_to = w;
    for (int i = 0; i < selection_count; i++) {
        RV_CHECK(selected_hash(n->members[0].node, &selections[i], &expected[i][w]));
    }
}

/* From now on, for all members that there are. */
static void note_from_here(net *n) {
    selection_arena = rv_arena_over(selection_memory, sizeof selection_memory);
    selection_count = 0;
    for (int i = 1; i < n->count; i++) {
        may_hold(n->members[i].pattern);
    }
    expected_from = rv_node_watermark(n->members[0].node);
    note(n);
}

static void check(net *n, int index) {
    rv_node *const node = n->members[index].node;
    const uint64_t w = rv_node_watermark(node);
    int held = 0;
    if (w < expected_from || rv_node_in_batch(node) || !rv_node_whole(node)) {
        return;
    }
    while (held < selection_count &&
           !rv_selection_equal(&selections[held], rv_node_selection(node))) {
        held += 1;
    }
    RV_CHECK(w <= expected_to && held < selection_count);
    if (!fixture_hashes_equal(rv_node_state_hash(node), expected[held][w])) {
        fprintf(stderr, "member %d at %llu\n", index, (unsigned long long)w);
        RV_CHECK(false);
    }
}

static void run(net *n, int steps) {
    for (int i = 0; i < steps && !rv_test_failed; i++) {
        (void)net_step(n);
        for (int k = 1; k < n->count; k++) {
            check(n, k);
        }
    }
}

/* Accounts come, and their balances move in and out of filters. */
static void feed(net *n, uint64_t *random, int count) {
    for (int i = 0; i < count; i++) {
        char path[32];
        char data[64];
        const uint64_t r = rv_test_random(random);
        const int id = 1 + (int)(r % 20);
        uint32_t stream = 0;
        (void)snprintf(path, sizeof path, "/accounts/%d", id);
        (void)snprintf(data, sizeof data, "{\"amount\":%d}", 1 + (int)(r >> 8) % 400);
        const bool known = rv_state_stream_find(rv_node_state(n->members[0].node),
                                                rv_bytes_of_string(path), &stream);
        const char *const type = !known ? "account_opened" : r % 3 == 0 ? "deposited" : "withdrawn";
        const rv_status status = net_append(n, path, type, known ? data : "{\"name\":\"n\"}");
        RV_CHECK(status == RV_OK || status == RV_CHECK_VIOLATION);
        note(n);
    }
}

/* All are where the root is. */
static void settle(net *n) {
    run(n, 200);
    RV_CHECK(net_run(n));
    for (int i = 1; i < n->count; i++) {
        if (n->members[i].upstream != NET_NONE) {
            RV_CHECK(rv_node_whole(n->members[i].node));
            check(n, i);
        }
    }
}

static void select_at(net *n, int index, const char *entries) {
    rv_bytes texts[FIXTURE_ENTRIES_MAX];
    const size_t count = fixture_entries(entries, texts);
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(n->members[index].node, texts, count, &n->err);
        net_steps(n, 1);
    }
    RV_CHECK_STATUS(status, RV_OK);
}

static void slow_all(net *n) {
    for (int i = 0; i < n->count; i++) {
        net_slow(n, i, 30);
    }
}

/* As the gateway selects them, with streams beside it and without, through another gateway. */
static void live(const char *held, const char *const *wanted, int count) {
    net *const n = net_create();
    uint64_t random = 3;
    feed(n, &random, 40);
    const int gateway = net_add(n, held, 0);
    int devices[3];
    int upstream = gateway;
    for (int i = 0; i < count; i++) {
        devices[i] = net_add(n, wanted[i], upstream);
        upstream = i == 0 ? devices[0] : upstream;
    }
    note_from_here(n);
    settle(n);
    slow_all(n);
    for (int round = 0; round < RV_TEST_ROUNDS(12) && !rv_test_failed; round++) {
        feed(n, &random, 1 + (int)(rv_test_random(&random) % 12));
        run(n, (int)(rv_test_random(&random) % 60));
        if (round == 3 || round == 7) {
            net_crash(n, gateway);
        } else if (round == 5) {
            net_crash(n, devices[count - 1]);
        } else if (round == 9) { /* it comes back with much at once */
            net_move(n, gateway, NET_NONE);
            feed(n, &random, 40);
            run(n, 40);
            net_move(n, gateway, 0);
        }
        settle(n);
    }
    net_free(n);
}

RV_TEST(gives_rows_as_they_were_given) {
    static const char *const plain[] = {"aggregate account where balance > 200",
                                        "aggregate account where balance > 200 and id < 9",
                                        "aggregate account where balance > 200"};
    live("aggregate account where balance > 200", plain, 3);
    static const char *const mixed[] = {
        "aggregate account where (balance > 100 or id = 3) and true;/accounts/4",
        "aggregate account where ( balance>100 OR id=3 ) and true and balance % 2 = 0",
        "/accounts/4"};
    live("aggregate account where balance > 100 or id = 3;/accounts/4", mixed, 3);
    static const char *const all[] = {"aggregate account;/accounts/5;aggregate note",
                                      "aggregate account where balance < 100",
                                      "/accounts/5 history none;aggregate account;aggregate note"};
    live("aggregate account;aggregate note;/accounts/5", all, 3);
}

RV_TEST(gives_rows_that_it_folds) {
    static const char *const devices[] = {"/accounts/*;aggregate account where balance > 200",
                                          "aggregate account where balance > 200 and id < 9",
                                          "/accounts/7;aggregate account"};
    live("/**", devices, 1);
    live("/accounts/*", devices + 2, 1);
    static const char *const chain[] = {"/accounts/*", "aggregate account where balance > 200",
                                        "/accounts/3;aggregate account where id > 4"};
    live("/**", chain, 3);
}

/* Between the root and two gateways, one of them behind; at positions that these never had. */
RV_TEST(goes_on_with_rows_from_elsewhere) {
    static const char *const held[] = {"aggregate account;/accounts/*", "/**"};
    for (int kind = 0; kind < 2; kind++) {
        net *const n = net_create();
        uint64_t random = 6;
        const int first = net_add(n, held[kind], 0);
        const int second = net_add(n, held[1 - kind], 0);
        const int device = net_add(n, "aggregate account where balance > 150", first);
        const int other = net_add(n, "/accounts/3;aggregate account where id > 5", first);
        note_from_here(n);
        feed(n, &random, 60);
        settle(n);
        slow_all(n);
        const int tour[] = {0, second, first, 0, first, second, 0, second};
        for (size_t i = 0; i < sizeof tour / sizeof *tour && !rv_test_failed; i++) {
            if (i % 3 == 1) { /* the next one gets at once what the device has got one by one */
                net_move(n, tour[i], NET_NONE);
                for (int k = 0; k < 5; k++) {
                    feed(n, &random, 1);
                    run(n, 150);
                }
                net_move(n, device, NET_NONE);
                feed(n, &random, 5);
                net_move(n, tour[i], 0);
                net_move(n, device, tour[i]);
            } else if (i % 3 == 2) { /* what the upstream has got one by one comes at once */
                net_move(n, device, NET_NONE);
                net_move(n, other, NET_NONE);
                for (int k = 0; k < 9; k++) {
                    feed(n, &random, 1);
                    run(n, 150);
                }
                net_move(n, device, tour[i]);
                net_move(n, other, tour[i]);
            } else {
                net_move(n, device, tour[i]);
                feed(n, &random, 7);
            }
            settle(n);
        }
        /* it waits for who is behind */
        net_move(n, first, NET_NONE);
        feed(n, &random, 9);
        settle(n);
        net_move(n, device, first);
        run(n, 400);
        net_move(n, first, 0);
        feed(n, &random, 9);
        settle(n);
        net_free(n);
    }
}

/* The gateway's own upstream has forgotten what changed: the gateway takes a base, and its devices
 * are told nothing meanwhile. */
RV_TEST(waits_for_a_gateway_that_waits_for_rows) {
    net *const n = net_create();
    uint64_t random = 31;
    const int gateway = net_add(n, "aggregate account;/accounts/*", 0);
    const int device = net_add(n, "aggregate account where balance > 200", gateway);
    const int other = net_add(n, "/accounts/*;aggregate account", gateway);
    note_from_here(n);
    n->members[gateway].edge->batch_bytes = 300; /* its base takes a while */
    feed(n, &random, 60);
    settle(n);
    for (int round = 0; round < 6 && !rv_test_failed; round++) {
        net_slow(n, gateway, round % 2 == 0 ? 0 : 50);
        net_move(n, gateway, NET_NONE);
        feed(n, &random, 20);
        run(n, 100);
        RV_CHECK_EQ(rv_node_watermark_durable(n->members[0].node),
                    rv_node_watermark(n->members[0].node));
        net_crash(n, 0);
        net_move(n, gateway, 0);
        for (int k = 0; k < 10; k++) {
            feed(n, &random, 2);
            run(n, 30);
        }
        settle(n);
    }
    check(n, device);
    check(n, other);
    net_free(n);
}

/* Other selections, of the device and of the gateway, while all goes on. */
RV_TEST(takes_other_selections_of_rows) {
    static const char *const wanted[] = {
        "aggregate account where balance > 200;/accounts/3 history none", "aggregate account",
        "/accounts/4 history none;aggregate account where balance > 200",
        "aggregate account;/accounts/3 history none"};
    static const char *const held[] = {"aggregate account;/accounts/*",
                                       "aggregate account;/accounts/*;/none/*"};
    net *const n = net_create();
    uint64_t random = 21;
    const int gateway = net_add(n, held[0], 0);
    const int device = net_add(n, wanted[0], gateway);
    const int other = net_add(n, "aggregate account where id < 9", gateway);
    note_from_here(n);
    may_hold(held[1]);
    for (int i = 1; i < 4; i++) {
        may_hold(wanted[i]);
    }
    note(n);
    n->members[device].edge->batch_bytes = 300;
    feed(n, &random, 60);
    settle(n);
    slow_all(n);
    for (int round = 1; round < RV_TEST_ROUNDS(24) && !rv_test_failed; round++) {
        const bool away = round % 2 == 0;
        if (away) { /* it comes behind, and asks for something else */
            net_move(n, device, NET_NONE);
        }
        for (int k = 0; k < 6; k++) {
            feed(n, &random, 1 + (int)(rv_test_random(&random) % 3));
            run(n, 20);
        }
        if (away && round % 4 == 0) {
            net_move(n, device, gateway);
            run(n, (int)(rv_test_random(&random) % 30));
        }
        select_at(n, device, wanted[round % 4]);
        RV_CHECK_PASSED();
        net_move(n, device, gateway);
        feed(n, &random, 4);
        run(n, (int)(rv_test_random(&random) % 40));
        if (round % 5 == 0) {
            select_at(n, gateway, held[round / 5 % 2]);
            RV_CHECK_PASSED();
        }
        settle(n);
        RV_CHECK(rv_selection_equal(rv_node_selection(n->members[device].node),
                                    rv_node_selection_wanted(n->members[device].node)));
    }
    check(n, other);
    net_free(n);
}

/* A device that has a part of a base does not go on with it at another place, where there is one of
 * the same position. */
RV_TEST(begins_a_base_again_elsewhere) {
    for (int kind = 0; kind < 2; kind++) {
        net *const n = net_create();
        uint64_t random = 5;
        const int gateway = net_add(n, "aggregate account where balance < 150", 0);
        const int from = kind == 0 ? 0 : gateway;
        const int to = kind == 0 ? gateway : 0;
        for (int i = 0; i < 120; i++) { /* rows come there in another order than at the root */
            feed(n, &random, 1);
            net_steps(n, 20);
        }
        RV_CHECK(net_run(n));
        n->now += 11000000; /* nobody joins the snapshots that there are */
        (void)net_add(n, "aggregate account where balance < 150 and id < 4", to);
        RV_CHECK(net_run(n)); /* that stays a while */
        n->now += 11000000;
        const int device = net_add(n, "aggregate account where balance < 150", from);
        note_from_here(n);
        n->members[device].edge->batch_bytes = 1;
        rv_base_progress part = {.under_way = false};
        for (int i = 0; i < 4000 && part.parts < 4; i++) {
            net_steps(n, 1);
            part = rv_state_base_progress(rv_node_state(n->members[device].node));
        }
        RV_CHECK(part.under_way && part.parts == 4);
        net_move(n, device, to);
        settle(n);
        net_free(n);
    }
}

/* What it has not got all of is not served, and said to be so. */
RV_TEST(refuses_rows_that_it_has_not_all_of) {
    static const struct {
        const char *held;
        const char *wanted;
        const char *says;
    } cases[] = {
        {"aggregate account where balance > 100", "aggregate account", "selects less of `account`"},
        {"aggregate account where balance > 100", "aggregate account where balance > 99",
         "selects less of `account`"},
        {"aggregate account where balance > 100",
         "aggregate account where balance > 100 and id > 3 or id = 3", "selects less of `account`"},
        {"aggregate account where balance > 100",
         "aggregate account where ( balance > 100 ) and id > 3 or id = 3",
         "selects less of `account`"},
        {"aggregate account where balance > 1 or id = 3",
         "aggregate account where balance > 1 or id = 3 and id = 4", "selects less of `account`"},
        {"aggregate account where balance > 100", "aggregate note", "all rows of `note`"},
        {"/accounts/3", "aggregate account", "all rows of `account`"},
        {"aggregate account", "aggregate nothing", "there is no aggregate `nothing`"},
        {"aggregate account", "aggregate account where colour = 3", "colour"},
        {"aggregate account;/accounts/*", "/accounts/3 history none",
         "no rows of these streams by themselves, as it selects `account`"},
        {"aggregate account;/accounts/*", "/accounts/3 history none;aggregate note",
         "no rows of these streams by themselves, as it selects `account`"},
        {"/accounts/*", "/notes/3 history since 4", "does not hold all of `/notes/3`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net *const n = net_create();
        const int gateway = net_add(n, cases[i].held, 0);
        RV_CHECK(net_run(n));
        RV_CHECK(rv_node_whole(n->members[gateway].node));
        const int device = net_add(n, cases[i].wanted, gateway);
        net_steps(n, 200);
        const rv_edge_status *const status = &n->members[device].edge->status;
        RV_CHECK_EQ(status->state, RV_EDGE_ERROR);
        RV_CHECK_STATUS(status->reason.status, RV_SELECTION_INVALID);
        if (strstr(status->reason.detail, cases[i].says) == NULL) {
            fprintf(stderr, "%s: %s\n", cases[i].wanted, status->reason.detail);
            RV_CHECK(false);
        }
        net_free(n);
    }
}

/* Another stream that acts on rows which the gateway folds: it has not all of them any more. */
#define more                                                                                       \
    "CREATE EVENT_TYPE gained (id references account(id), amount bigint NOT NULL"                  \
    " increments account(balance));"                                                               \
    "CREATE STREAM gains (path \"/gains/{id}\", event_types (gained));"

RV_TEST(stops_when_rows_may_come_of_streams_that_it_does_not_hold) {
    net *const n = net_create();
    uint64_t random = 8;
    rv_event event;
    const int gateway = net_add(n, "/accounts/*", 0);
    const int device = net_add(n, "aggregate account", gateway);
    note_from_here(n);
    feed(n, &random, 30);
    settle(n);
    const uint64_t before = rv_node_watermark(n->members[device].node);
    rv_status status = RV_PENDING;
    while (status == RV_PENDING || status == RV_BUSY) {
        status = rv_node_schema_apply(n->members[0].node, RV_LITERAL(more), &event, &n->err);
        net_steps(n, 1);
    }
    RV_CHECK_STATUS(status, RV_OK);
    note(n);
    run(n, 400);
    const rv_edge_status *const told = &n->members[device].edge->status;
    RV_CHECK_EQ(rv_node_watermark(n->members[gateway].node), rv_node_watermark(n->members[0].node));
    RV_CHECK_EQ(rv_node_watermark(n->members[device].node), before);
    RV_CHECK_STATUS(told->reason.status, RV_SELECTION_INVALID);
    RV_CHECK(rv_node_whole(n->members[device].node));
    check(n, device);
    net_free(n);
}

/* A gateway gives up what a device holds: that keeps it, says why it gets no more, comes again,
 * ever more seldom, and goes on when the gateway has it again, or at once when it is moved. */
RV_TEST(comes_again_for_what_a_gateway_gives_up) {
    net *const n = net_create();
    uint64_t random = 14;
    const int gateway = net_add(n, "aggregate account;/accounts/4", 0);
    const int device = net_add(n, "aggregate account where balance > 50", gateway);
    const int other = net_add(n, "/accounts/4", gateway);
    const rv_edge *const edge = n->members[device].edge;
    note_from_here(n);
    feed(n, &random, 60);
    settle(n);
    const uint64_t held = rv_node_watermark(n->members[device].node);
    may_hold("/accounts/4");
    may_hold("aggregate account;/accounts/4;aggregate note");
    select_at(n, gateway, "/accounts/4");
    RV_CHECK_PASSED();
    feed(n, &random, 60);
    net_steps(n, 2000);
    int64_t longest = 0;
    int attempts = 0;
    for (int i = 0; i < 20000; i++) { /* ten seconds */
        const int64_t before = edge->next_attempt;
        net_steps(n, 1);
        const int64_t waits = edge->next_attempt - n->now;
        longest = waits > longest ? waits : longest;
        attempts += edge->next_attempt != before;
        RV_CHECK(edge->status.state == RV_EDGE_ERROR || edge->status.state == RV_EDGE_CONNECTING ||
                 edge->status.state == RV_EDGE_CONNECTED);
    }
    RV_CHECK(rv_edge_is_refused(edge) && rv_edge_deadline(edge) <= edge->next_attempt);
    RV_CHECK(strstr(edge->status.reason.detail, "all rows of `account`") != NULL);
    RV_CHECK(attempts >= 2 && attempts < 10);
    RV_CHECK(longest > 4000000 && longest <= RV_BACKOFF_MAX_US);
    RV_CHECK_EQ(rv_node_watermark(n->members[device].node), held);
    RV_CHECK(rv_node_whole(n->members[device].node));
    check(n, device);
    check(n, other);
    RV_CHECK_STATUS(net_write(n, device, "/accounts/3", "deposited", "{\"amount\":3}"), RV_OK);
    select_at(n, gateway, "/accounts/4;aggregate account where balance > 20;aggregate note");
    net_steps(n, 20000);
    RV_CHECK(rv_edge_is_refused(edge)); /* (`balance > 50` is not seen to be within it) */
    select_at(n, gateway, "aggregate account;/accounts/4;aggregate note");
    RV_CHECK_PASSED();
    for (int i = 0; i < 4 && rv_node_watermark(n->members[device].node) == held; i++) {
        net_steps(n, 20000); /* by itself, within half a minute */
    }
    RV_CHECK(net_run(n));
    note(n);
    check(n, device);
    RV_CHECK_EQ(edge->status.state, RV_EDGE_CONNECTED);
    /* and moved */
    select_at(n, gateway, "/accounts/4");
    net_steps(n, 20000);
    RV_CHECK(rv_edge_is_refused(edge));
    feed(n, &random, 10);
    net_move(n, device, 0);
    net_steps(n, 200);
    RV_CHECK(net_run(n));
    check(n, device);
    RV_CHECK_EQ(rv_node_watermark(n->members[device].node), rv_node_watermark(n->members[0].node));
    net_free(n);
}

int main(void) {
    RV_RUN(gives_rows_as_they_were_given);
    RV_RUN(gives_rows_that_it_folds);
    RV_RUN(goes_on_with_rows_from_elsewhere);
    RV_RUN(waits_for_a_gateway_that_waits_for_rows);
    RV_RUN(takes_other_selections_of_rows);
    RV_RUN(begins_a_base_again_elsewhere);
    RV_RUN(refuses_rows_that_it_has_not_all_of);
    RV_RUN(stops_when_rows_may_come_of_streams_that_it_does_not_hold);
    RV_RUN(comes_again_for_what_a_gateway_gives_up);
    return rv_test_done();
}
