/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that has not the memory for what comes next, or does not understand its schema,
 * stands still before that batch and says so: connected, readable, and pushing what is written
 * there. With more memory, or with room, it goes on to the same state as the root.
 * Method: a root with much memory beside an edge with as little as there can be; more rows than
 * that holds, a batch that its journal cannot take back, a schema put into the root's log past it.
 */
#include "core/engine/internal.h"
#include "core/engine/outbox.h"
#include "core/state/inside.h"
#include "sync/edge_internal.h"
#include "tests/unit/core/forging.h"
#include "tests/unit/sync/based.h"

#define LARGE ((size_t)64 << 20)

static pair pair_with_a_large_root(void) {
    pair p = {.root = fixture_create(1), .leaf = fixture_create(2), .now = 1000000};
    rv_event event;
    free(p.root.node_memory);
    p.root.node_memory = malloc(LARGE);
    p.up_memory = malloc(PAIR_SYNC_MEMORY);
    p.edge_memory = malloc(PAIR_SYNC_MEMORY);
    if (fixture_open_on(rv_memory_host_interface(p.root.storage), p.root.node_memory, LARGE,
                        RV_ROLE_ROOT, NULL, &p.root.node, &p.root.err) != RV_OK ||
        rv_node_schema_apply(p.root.node, rv_bytes_of_string(fixture_schema), &event,
                             &p.root.err) != RV_OK ||
        fixture_open(&p.leaf, RV_ROLE_EDGE, "/**") != RV_OK) {
        abort();
    }
    pair_start(&p);
    return p;
}

/* The same data with more memory. */
static rv_status open_larger(pair *p) {
    (void)fixture_settle(p->leaf.node);
    pair_cut(p, RV_UPSTREAM_UNREACHABLE);
    free(p->leaf.node_memory);
    p->leaf.node_memory = malloc(LARGE);
    rv_memory_host_reopen(p->leaf.storage);
    const rv_status status =
        fixture_open_on(rv_memory_host_interface(p->leaf.storage), p->leaf.node_memory, LARGE,
                        RV_ROLE_EDGE, NULL, &p->leaf.node, &p->leaf.err);
    pair_start(p);
    return status;
}

/* Creates accounts at the root, in batches of `batch`. */
static bool create(pair *p, unsigned first, unsigned count, unsigned batch) {
    static char paths[4096][32];
    static rv_append events[4096];
    static rv_event results[4096];
    bool good = batch <= 4096;
    for (unsigned done = 0; done < count && good; done += batch) {
        for (unsigned i = 0; i < batch; i++) {
            snprintf(paths[i], sizeof paths[i], "/accounts/%u", first + done + i);
            events[i] = fixture_event(paths[i], "account_opened", "{\"name\":\"n\"}");
        }
        good = fixture_append_all(p->root.node, events, batch, results, &p->root.err) == RV_OK;
    }
    return good && fixture_settle(p->root.node);
}

/* Runs, and connects again where the edge asks for that at once. */
static void go(pair *p) {
    for (int i = 0; i < 12; i++) {
        if (p->session == NULL) {
            RV_CHECK(pair_connect(p));
        }
        pair_run(p);
    }
}

/* A day of heartbeats changes nothing. */
static void check_stays(pair *p, rv_status why) {
    const uint64_t watermark = rv_node_watermark(p->leaf.node);
    for (unsigned i = 0; i < 200; i++) {
        p->now += 5000000;
        (void)pair_step(p);
        (void)pair_step(p);
    }
    const rv_edge_status status = pair_status(p);
    RV_CHECK(p->session != NULL);
    RV_CHECK_EQ(status.state, RV_EDGE_CONNECTED);
    RV_CHECK(status.stopped);
    RV_CHECK_STATUS(status.reason.status, why);
    RV_CHECK(strstr(status.reason.facts, "\"stopped_at\":") != NULL);
    RV_CHECK(strstr(status.reason.facts, "\"memory\":4194304") != NULL);
    RV_CHECK_EQ(rv_node_watermark(p->leaf.node), watermark);
    RV_CHECK(watermark < rv_node_watermark(p->root.node));
    RV_CHECK_STATUS(rv_node_failed(p->leaf.node, NULL), RV_OK);
}

/* What is written there is shown if there is room, pushed, and accepted. */
static void check_writes(pair *p, const char *path) {
    const rv_append append = fixture_event(path, "deposited", "{\"amount\":5}");
    const rv_writes writes = {.events = &append, .count = 1};
    rv_event result;
    rv_written written = {.edge_sequence = 0};
    rv_pending pending;
    rv_status status = RV_BUSY;
    for (unsigned i = 0; i < 100 && (status == RV_BUSY || status == RV_PENDING); i++) {
        status = rv_node_write(p->leaf.node, &writes, &result, &written, &p->err);
        (void)pair_step(p);
    }
    RV_CHECK_STATUS(status, RV_OK);
    pair_run(p);
    RV_CHECK(rv_node_pending(p->leaf.node, written.edge_sequence - 1, &pending));
    RV_CHECK_EQ(pending.state, RV_PENDING_ACCEPTED);
    RV_CHECK_EQ(pending.position, rv_node_watermark(p->root.node));
}

RV_TEST(a_full_state_stops_before_the_batch) {
    pair p = pair_with_a_large_root();
    RV_CHECK(create(&p, 1, 30000, 100));
    go(&p);
    check_stays(&p, RV_STATE_FULL);
    const uint64_t rows = rv_state_row_count(rv_node_state(p.leaf.node), 0);
    RV_CHECK(rows > 1000);
    RV_CHECK_EQ(rows, rv_node_watermark(p.leaf.node) - 1);
    RV_CHECK_EQ(rows % 100, 0); /* no batch in part */
    check_writes(&p, "/accounts/7");
    check_stays(&p, RV_STATE_FULL);
    /* what is not known here yet is pushed as well */
    check_writes(&p, "/accounts/7");
    /* the connection breaks, and it stands there again */
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK(!pair_status(&p).stopped);
    go(&p);
    check_stays(&p, RV_STATE_FULL);
    RV_CHECK_STATUS(open_larger(&p), RV_OK);
    RV_CHECK(pair_sync(&p));
    RV_CHECK(pair_same(&p));
    RV_CHECK(!pair_status(&p).stopped);
    RV_CHECK_EQ(rv_node_outbox(p.leaf.node).pending, 0);
    pair_free(&p);
}

RV_TEST(a_batch_that_the_journal_cannot_take_back_stops_too) {
    pair p = pair_with_a_large_root();
    RV_CHECK(create(&p, 1, 10, 1));
    RV_CHECK(create(&p, 100, 3000, 3000));
    RV_CHECK(create(&p, 10000, 5, 1));
    RV_CHECK(pair_sync(&p));
    check_stays(&p, RV_BATCH_TOO_LARGE);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 10);
    check_writes(&p, "/accounts/7");
    RV_CHECK_STATUS(open_larger(&p), RV_OK);
    RV_CHECK(pair_sync(&p));
    RV_CHECK(pair_same(&p));
    pair_free(&p);
}

/* A base whose rows will not fit is not begun with: its last part waits outside, in front of all
 * that is held; never is the node read-only. */
RV_TEST(a_base_that_does_not_fit_stops_before_its_rows) {
    unsigned stopped = 0, whole = 0;
    for (unsigned count = 3000; count <= 15000; count += 1000) {
        pair p = pair_with_a_large_root();
        RV_CHECK(create(&p, 1, count, 100));
        fixture_free(&p.leaf);
        p.leaf = fixture_create(2);
        RV_CHECK_STATUS(fixture_open(&p.leaf, RV_ROLE_EDGE, "/accounts/* history none"), RV_OK);
        pair_start(&p);
        go(&p);
        RV_CHECK_STATUS(rv_node_failed(p.leaf.node, NULL), RV_OK);
        RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
        RV_CHECK_EQ(pair_status(&p).stopped, !rv_node_whole(p.leaf.node));
        stopped += pair_status(&p).stopped;
        whole += rv_node_whole(p.leaf.node);
        if (pair_status(&p).stopped) {
            RV_CHECK_STATUS(pair_status(&p).reason.status, RV_STATE_FULL);
            RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 0);
            RV_CHECK_STATUS(open_larger(&p), RV_OK);
            go(&p);
            RV_CHECK(rv_node_whole(p.leaf.node));
            RV_CHECK(pair_same(&p));
        }
        pair_free(&p);
    }
    RV_CHECK(stopped > 1 && whole > 1);
}

/* Pages come free: it goes on by itself. */
RV_TEST(with_room_it_goes_on_by_itself) {
    pair p = pair_with_a_large_root();
    RV_CHECK(create(&p, 1, 100, 100));
    RV_CHECK(pair_sync(&p));
    RV_CHECK(pair_same(&p));
    /* pages that nobody uses are taken, and given back */
    rv_pages *const pages = &p.leaf.node->state->pages;
    static uint32_t taken[4096];
    uint32_t count = 0;
    rv_status status = RV_OK;
    while (status == RV_OK && count < 4096) {
        status = rv_pages_alloc(pages, RV_PAGE_DIRECTORY, 0, &taken[count]);
        count += status == RV_OK;
    }
    RV_CHECK_STATUS(status, RV_STATE_FULL);
    RV_CHECK(create(&p, 1000, 3000, 100));
    go(&p);
    check_stays(&p, RV_STATE_FULL);
    for (uint32_t i = 0; i < count; i++) {
        rv_pages_free(pages, taken[i]);
    }
    go(&p);
    RV_CHECK(p.session != NULL);
    RV_CHECK(!pair_status(&p).stopped);
    RV_CHECK(pair_same(&p));
    RV_CHECK_EQ(rv_node_outbox(p.leaf.node).pending, 0);
    pair_free(&p);
}

RV_TEST(a_schema_that_is_not_understood_stops_before_it) {
    pair p = pair_with_a_large_root();
    RV_CHECK(create(&p, 1, 3, 1));
    const rv_event event = {.sequence = rv_node_sequence(p.root.node) + 1,
                            .type = RV_SYSTEM_SCHEMA_TYPE,
                            .schema_version = 2,
                            .version = 2,
                            .declaration = RV_NONE,
                            .written_at = INT64_C(1700000000000000),
                            .recorded_at = INT64_C(1700000000000000),
                            .data = RV_LITERAL("CREATE WONDER w (id serial)"),
                            .batch_end = true};
    RV_CHECK(forge_event(&p.root, &event));
    go(&p);
    check_stays(&p, RV_SCHEMA_UNSUPPORTED);
    RV_CHECK(strstr(pair_status(&p).reason.detail, "WONDER") != NULL);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 3);
    pair_free(&p);
}

/* What an upstream does not understand it passes on as it is, and an edge of the same version keeps
 * it so; what comes behind it is folded. */
RV_TEST(what_is_not_understood_is_passed_on) {
    pair p = {.root = forge_opaque(), .leaf = fixture_create(2), .now = 1000000};
    p.up_memory = malloc(PAIR_SYNC_MEMORY);
    p.edge_memory = malloc(PAIR_SYNC_MEMORY);
    RV_CHECK_STATUS(forge_open_again(&p.root), RV_OK);
    RV_CHECK_STATUS(fixture_open(&p.leaf, RV_ROLE_EDGE, "/accounts/*"), RV_OK);
    pair_start(&p);
    RV_CHECK(pair_sync(&p));
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), 5);
    RV_CHECK_EQ(rv_node_opaque_events(p.leaf.node), 1);
    uint64_t since = 0;
    RV_CHECK(rv_node_stale(p.leaf.node, 0, &since));
    RV_CHECK_EQ(since, 5);
    RV_CHECK(pair_same(&p));
    pair_free(&p);
}

/* Rows that are stale are no base for anybody: who wants one waits for an upstream that understands
 * its own log. What has its history comes meanwhile. */
RV_TEST(no_base_is_made_of_what_is_stale) {
    pair p = {.root = forge_opaque(), .leaf = fixture_create(2), .now = 1000000};
    p.up_memory = malloc(PAIR_SYNC_MEMORY);
    p.edge_memory = malloc(PAIR_SYNC_MEMORY);
    RV_CHECK_STATUS(forge_open_again(&p.root), RV_OK);
    static const char *const entries[] = {"/accounts/2", "/accounts/* history none"};
    RV_CHECK(open_edge(&p, entries, 2));
    pair_start(&p);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), 5);
    RV_CHECK(!rv_node_whole(p.leaf.node));
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 1);
    pair_free(&p);
}

static void connected(pair *p, const char *pattern) {
    *p = pair_create(pattern);
    RV_CHECK(pair_connect(p));
    pair_run(p);
    RV_CHECK_EQ(pair_status(p).state, RV_EDGE_CONNECTED);
}

RV_TEST(a_hello_waits_until_the_edges_position_is_durable) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    uint64_t random = 21;
    RV_CHECK(pair_feed(&p, &random, 50, 9, 6));
    rv_bytes message;
    while (rv_upstream_send(p.session, p.now, &message)) { /* the edge's disk is slow */
        RV_CHECK_STATUS(rv_edge_receive(p.edge, message, p.now, &p.err), RV_OK);
    }
    RV_CHECK(rv_node_watermark(p.leaf.node) > rv_node_watermark_durable(p.leaf.node));
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK(pair_connect(&p));
    RV_CHECK(!rv_edge_send(p.edge, p.now, &message));
    RV_CHECK(fixture_settle(p.leaf.node));
    RV_CHECK(rv_edge_send(p.edge, p.now, &message));
    RV_CHECK_STATUS(rv_upstream_receive(p.session, message, p.now, &p.err), RV_OK);
    pair_run(&p);
    RV_CHECK(p.session != NULL);
    RV_CHECK(pair_same(&p));
    pair_free(&p);
}

RV_TEST(an_edge_whose_storage_is_full_asks_ten_times_a_second) {
    pair p;
    connected(&p, "/**");
    RV_CHECK_PASSED();
    rv_bytes message;
    p.edge->status.reason.status = RV_STORAGE_FULL;
    for (int i = 0; i < 10; i++) {
        const int64_t deadline = rv_edge_deadline(p.edge);
        p.now = deadline > p.now ? deadline : p.now;
        (void)rv_edge_send(p.edge, p.now, &message);
        RV_CHECK_EQ(rv_edge_deadline(p.edge), p.now + RV_SYNC_REPORT_US);
    }
    pair_free(&p);
}

int main(void) {
    RV_RUN(what_is_not_understood_is_passed_on);
    RV_RUN(no_base_is_made_of_what_is_stale);
    RV_RUN(a_full_state_stops_before_the_batch);
    RV_RUN(a_batch_that_the_journal_cannot_take_back_stops_too);
    RV_RUN(a_base_that_does_not_fit_stops_before_its_rows);
    RV_RUN(with_room_it_goes_on_by_itself);
    RV_RUN(a_schema_that_is_not_understood_stops_before_it);
    RV_RUN(a_hello_waits_until_the_edges_position_is_durable);
    RV_RUN(an_edge_whose_storage_is_full_asks_ten_times_a_second);
    return rv_test_done();
}
