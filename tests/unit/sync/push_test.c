/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is written at an edge is decided by the root once, in order, and comes back, whatever
 * happens to the connection, to either process, and to the edge's directory; a hostile upstream is
 * left. Method: the two of tests/unit/sync/duo.h. The same story is told with the connection cut
 * after the first message, the second, and so on, and with either side or both crashing then; in
 * the end the root's log holds each accepted event exactly once, and the edge has nothing left to
 * push.
 */
#include "core/engine/internal.h"
#include "tests/unit/sync/duo.h"

/* --- what the root holds --- */

/* Number of events in the root's log, and how many of them have this id. */
static unsigned count_id(duo *d, const uint8_t *id, unsigned *with_id) {
    rv_subscription log;
    rv_event event;
    rv_bytes path;
    unsigned count = 0;
    *with_id = 0;
    rv_subscription_open(&log, d->root.node, NULL, 0, 1);
    rv_status status = RV_OK;
    for (int i = 0; i < DUO_STEPS_MAX && status != RV_END; i++) {
        status = rv_subscription_next(&log, 100, &event, &path, &d->err);
        if (status == RV_OK) {
            count += 1;
            *with_id += memcmp(event.event_id, id, 16) == 0;
        }
        rv_sim_disk_advance(d->root.disk, DUO_STEP_US);
        if (status == RV_PENDING) {
            fixture_poll(d->root.node);
        }
    }
    return count;
}

static bool same_rows(const duo *d) {
    return fixture_hashes_equal(rv_node_state_hash(d->root.node), rv_node_state_hash(d->leaf.node));
}

static unsigned rejections(const duo *d, rv_status *reasons, unsigned cap) {
    unsigned count = 0;
    uint64_t after = 0;
    rv_rejection r;
    while (rv_node_rejection(d->leaf.node, after, &r)) {
        if (count < cap) {
            reasons[count] = r.reason.status;
        }
        count += 1;
        after = r.batch.edge_sequence;
    }
    return count;
}

RV_TEST(what_is_written_offline_is_pushed_and_comes_back) {
    duo *const d = duo_create();
    duo_cut(d);
    RV_CHECK_STATUS(duo_write_one(d, "/accounts/1", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    for (int i = 0; i < 300; i++) {
        RV_CHECK_STATUS(duo_write_one(d, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    }
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 301);
    uint32_t under_way = 0;
    for (int i = 0; i < DUO_STEPS_MAX && !duo_done(d); i++) {
        duo_connect(d);
        (void)duo_step(d);
        const rv_pusher *const p = &d->edge->pusher;
        under_way =
            p->flight_count - p->decided > under_way ? p->flight_count - p->decided : under_way;
        RV_CHECK(p->flight_count <= RV_PUSH_FLIGHTS_MAX);
        RV_CHECK(d->session != NULL); /* never cut */
    }
    RV_CHECK(under_way > 8); /* pipelined */
    RV_CHECK(duo_done(d));
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 302);
    RV_CHECK(same_rows(d));
    /* and while connected, one after the other */
    for (int i = 0; i < 5; i++) {
        RV_CHECK_STATUS(duo_write_one(d, "/accounts/1", "withdrawn", "{\"amount\":1}"), RV_OK);
        RV_CHECK(duo_run(d));
    }
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 307);
    RV_CHECK(same_rows(d));
    duo_free(d);
}

/* --- the story --- */

#define STORY_BATCHES 6

static void id_of(unsigned n, uint8_t *id) {
    memset(id, 0x40, 16);
    id[0] = (uint8_t)n;
}

/* What the edge writes; the root refuses 2, 3 and 6, because of what it did itself meanwhile. */
static bool tell(duo *d) {
    rv_append events[3];
    rv_written written;
    duo_cut(d);
    bool good = duo_append(d, "/accounts/1", "withdrawn", "{\"amount\":8}") == RV_OK;
    for (unsigned n = 1; good && n <= STORY_BATCHES; n++) {
        size_t count = 1;
        switch (n) {
        case 1:
            events[0] = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
            break;
        case 2: /* counts on 1 */
            events[0] = fixture_event("/accounts/1", "withdrawn", "{\"amount\":1}");
            events[0].expected = RV_EXPECTED_NUMBER;
            events[0].expected_version = 3;
            break;
        case 3: /* counts on 1 and 2 */
            events[0] = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
            events[0].expected = RV_EXPECTED_NUMBER;
            events[0].expected_version = 4;
            break;
        case 4:
            events[0] = fixture_event("/accounts/50", "account_opened", "{\"name\":\"eve\"}");
            events[1] = fixture_event("/accounts/50", "deposited", "{\"amount\":3}");
            count = 2;
            break;
        case 5:
            events[0] = fixture_event("/accounts/50", "deposited", "{\"amount\":1}");
            events[0].expected = RV_EXPECTED_NUMBER;
            events[0].expected_version = 2;
            break;
        default:
            events[0] = fixture_event("/accounts/1", "withdrawn", "{\"amount\":14}");
            break;
        }
        for (size_t i = 0; i < count; i++) {
            events[i].has_event_id = true;
            id_of(n + 100 * (unsigned)i, events[i].event_id);
        }
        good = duo_write(d, events, count, &written) == RV_OK && written.edge_sequence == n;
    }
    if (!good) {
        fprintf(stderr, "tell: %s\n", d->err.detail);
    }
    return good;
}

static duo *begin(void) {
    duo *const d = duo_create();
    if (duo_append(d, "/accounts/1", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        duo_append(d, "/accounts/1", "deposited", "{\"amount\":10}") != RV_OK || !duo_run(d)) {
        duo_fail("begin", &d->err);
    }
    return d;
}

/* How the story ends, whatever happened. */
static void check_end(duo *d) {
    static const bool accepted[STORY_BATCHES] = {true, false, false, true, true, false};
    uint8_t id[16];
    unsigned with_id = 0;
    for (unsigned n = 1; n <= STORY_BATCHES; n++) {
        id_of(n, id);
        RV_CHECK_EQ(count_id(d, id, &with_id), 1 + 3 + 4);
        RV_CHECK_EQ(with_id, accepted[n - 1]);
    }
    rv_status reasons[4];
    RV_CHECK_EQ(rejections(d, reasons, 4), 3);
    RV_CHECK_STATUS(reasons[0], RV_VERSION_CONFLICT);
    RV_CHECK_STATUS(reasons[1], RV_DEPENDENCY_REJECTED);
    RV_CHECK_STATUS(reasons[2], RV_CHECK_VIOLATION);
    RV_CHECK_EQ(fixture_forks(d->edge->node), 0);
    RV_CHECK(same_rows(d));
}

RV_TEST(the_story_without_a_cut) {
    duo *const d = begin();
    RV_CHECK(tell(d));
    RV_CHECK(duo_run(d));
    check_end(d);
    RV_CHECK_PASSED();
    /* rejections stay until they are acknowledged, over a restart too */
    duo_crash(d, &d->leaf);
    RV_CHECK(duo_run(d));
    check_end(d);
    RV_CHECK_PASSED();
    uint8_t id[16];
    id_of(2, id);
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        rv_rejection refused;
        RV_CHECK(rv_node_rejection_of(d->leaf.node, id, &refused));
        status = rv_node_rejection_forget(d->leaf.node, refused.batch.edge_sequence, &d->err);
        (void)duo_step(d);
    }
    RV_CHECK_STATUS(status, RV_OK);
    rv_status reasons[4];
    RV_CHECK_EQ(rejections(d, reasons, 4), 2);
    duo_free(d);
}

/* Cut after the nth message for every n; `crash`: bit 0 the edge, bit 1 the root. */
static void cut_everywhere(unsigned crash, unsigned step) {
    for (uint64_t n = 1; n < 1000; n += step) {
        duo *const d = begin();
        RV_CHECK(tell(d));
        if (crash != 0) { /* what was acknowledged as memory may be lost: make it local */
            for (int i = 0; i < 200; i++) {
                (void)duo_step(d);
            }
        }
        d->cut_at = d->messages + n;
        bool done = false;
        for (int i = 0; i < DUO_STEPS_MAX && d->messages < d->cut_at && !done; i++) {
            if (d->session == NULL) {
                duo_connect(d);
            }
            done = !duo_step(d) && duo_done(d);
        }
        if ((crash & 1) != 0) {
            duo_crash(d, &d->leaf);
        }
        if ((crash & 2) != 0) {
            duo_crash(d, &d->root);
        }
        RV_CHECK(duo_run(d));
        check_end(d);
        RV_CHECK_PASSED();
        duo_free(d);
        if (done) {
            RV_CHECK(n > 12);
            return;
        }
    }
    RV_CHECK(false); /* it has an end */
}

RV_TEST(cut_after_every_message) {
    cut_everywhere(0, 1);
}

RV_TEST(the_edge_crashes_after_every_message) {
    cut_everywhere(1, 1);
}

RV_TEST(the_root_crashes_after_every_message) {
    cut_everywhere(2, 1);
}

RV_TEST(both_crash_after_every_message) {
    cut_everywhere(3, 1);
}

/* --- copies --- */

/* All that a side has stored, to be put back later. */
static uint8_t *copy_disk(duo *d, duo_side *side) {
    for (int i = 0; i < 200; i++) {
        (void)duo_step(d);
    }
    uint8_t *const copy = malloc(DUO_DISK_MEMORY);
    memcpy(copy, side->disk_memory, DUO_DISK_MEMORY);
    return copy;
}

static void restore_disk(duo *d, duo_side *side, const uint8_t *copy) {
    duo_cut(d);
    memcpy(side->disk_memory, copy, DUO_DISK_MEMORY);
    duo_crash(d, side);
}

static bool write_many(duo *d, int count, const char *data) {
    bool good = true;
    for (int i = 0; good && i < count; i++) {
        good = duo_write_one(d, "/accounts/1", "deposited", data) == RV_OK;
    }
    return good;
}

RV_TEST(an_edge_restored_from_a_backup_goes_on_as_another) {
    duo *const d = begin();
    RV_CHECK(write_many(d, 2, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    uint8_t *const backup = copy_disk(d, &d->leaf);
    RV_CHECK(write_many(d, 3, "{\"amount\":2}"));
    RV_CHECK(duo_run(d));
    const uint32_t before = rv_node_outbox(d->leaf.node).incarnation;
    restore_disk(d, &d->leaf, backup);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(fixture_forks(d->edge->node), 1);
    RV_CHECK(rv_node_outbox(d->leaf.node).incarnation != before);
    /* that is told in its next life too, and counted on */
    rv_forked forked;
    rv_forked again;
    RV_CHECK(rv_node_forked(d->leaf.node, &forked) && forked.at > 0);
    for (int i = 0; i < 200; i++) { /* durable */
        (void)duo_step(d);
    }
    duo_crash(d, &d->leaf);
    RV_CHECK(rv_node_forked(d->leaf.node, &again));
    RV_CHECK(again.count == forked.count && again.at == forked.at);
    RV_CHECK(write_many(d, 2, "{\"amount\":4}"));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 2 + 3 + 2);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

/* Goal: what is written between a copy's hello and the welcome does not hide that it is one. */
RV_TEST(a_copy_that_writes_while_it_connects_is_told) {
    duo *const d = begin();
    RV_CHECK(write_many(d, 1, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    uint8_t *const backup = copy_disk(d, &d->leaf);
    RV_CHECK(write_many(d, 2, "{\"amount\":2}"));
    RV_CHECK(duo_run(d));
    restore_disk(d, &d->leaf, backup);
    duo_connect(d);
    rv_bytes hello;
    RV_CHECK(rv_edge_send(d->edge, d->now, &hello));
    RV_CHECK_STATUS(rv_upstream_receive(d->session, hello, d->now, &d->err), RV_OK);
    RV_CHECK(write_many(d, 6, "{\"amount\":4}"));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(fixture_forks(d->edge->node), 1);
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 1 + 2 + 6);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

/* Goal: an incarnation is durable before anything is pushed under it. Method: the disk of the edge
 * stands still when it is told that it is a copy. */
RV_TEST(nothing_leaves_under_an_incarnation_that_may_be_lost) {
    duo *const d = begin();
    RV_CHECK(write_many(d, 1, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    uint8_t *const backup = copy_disk(d, &d->leaf);
    RV_CHECK(write_many(d, 2, "{\"amount\":2}"));
    RV_CHECK(duo_run(d));
    restore_disk(d, &d->leaf, backup);
    RV_CHECK(write_many(d, 5, "{\"amount\":4}"));
    for (int i = 0; i < 200; i++) { /* durable */
        (void)duo_step(d);
    }
    const rv_sim_faults slow = {
        .pending_percent = 100, .latency_us_max = (uint64_t)1 << 40, .crash = RV_SIM_CRASH_LOSE};
    rv_sim_disk_set_faults(d->leaf.disk, &slow);
    const uint64_t before = rv_node_watermark(d->root.node);
    for (int i = 0; i < 2000 && fixture_forks(d->edge->node) == 0; i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK_EQ(fixture_forks(d->edge->node), 1);
    for (int i = 0; i < 200; i++) {
        (void)duo_step(d);
    }
    RV_CHECK_EQ(d->edge->pusher.flight_count, 0);
    RV_CHECK_EQ(rv_node_watermark(d->root.node), before);
    duo_crash(d, &d->leaf);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_watermark(d->root.node), before + 5);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

RV_TEST(an_edge_connects_while_it_is_written_to) {
    duo *const d = begin();
    duo_cut(d);
    bool connected = false;
    for (int i = 0; i < 300 && !connected;
         i++) { /* there is always something that is not durable */
        RV_CHECK(write_many(d, 1, "{\"amount\":1}"));
        duo_connect(d);
        (void)duo_step(d);
        connected = d->edge->status.state == RV_EDGE_CONNECTED;
    }
    RV_CHECK(connected);
    RV_CHECK(duo_run(d));
    RV_CHECK(same_rows(d));
    duo_free(d);
}

RV_TEST(what_a_backup_has_pending_is_not_accepted_twice) {
    duo *const d = begin();
    duo_cut(d);
    RV_CHECK(write_many(d, 3, "{\"amount\":1}"));
    uint8_t *const backup = copy_disk(d, &d->leaf);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 3);
    RV_CHECK(write_many(d, 1, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    restore_disk(d, &d->leaf, backup);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 3);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(fixture_forks(d->edge->node), 1);
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 3 + 1);
    RV_CHECK(write_many(d, 2, "{\"amount\":2}"));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 3 + 1 + 2);
    rv_status reasons[1];
    RV_CHECK_EQ(rejections(d, reasons, 1), 0);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

RV_TEST(a_copy_that_wrote_more_is_told_by_the_decision) {
    duo *const d = begin();
    RV_CHECK(write_many(d, 2, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    uint8_t *const other = copy_disk(d, &d->leaf);
    RV_CHECK(write_many(d, 3, "{\"amount\":2}"));
    RV_CHECK(duo_run(d));
    uint8_t *const first = copy_disk(d, &d->leaf);
    restore_disk(d, &d->leaf, other);
    RV_CHECK(write_many(d, 8, "{\"amount\":4}"));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(fixture_forks(d->edge->node), 1);
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 2 + 3 + 8);
    RV_CHECK(same_rows(d));
    /* the first one has not noticed */
    restore_disk(d, &d->leaf, first);
    RV_CHECK(write_many(d, 1, "{\"amount\":8}"));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(fixture_forks(d->edge->node), 0);
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 2 + 3 + 8 + 1);
    RV_CHECK(same_rows(d));
    free(other);
    free(first);
    duo_free(d);
}

/* --- a root that cannot, and an upstream that should not --- */

RV_TEST(an_edge_waits_for_a_root_that_decides_nothing) {
    duo *const d = begin();
    d->root.node->failure.status = RV_STORAGE_FAILED;
    RV_CHECK(write_many(d, 10, "{\"amount\":1}"));
    for (int i = 0; i < 2000; i++) {
        (void)duo_step(d);
    }
    RV_CHECK(d->session != NULL);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 10);
    RV_CHECK(d->edge->pusher.probing);
    RV_CHECK_EQ(d->edge->pusher.flight_count, 0);
    const int64_t deadline = rv_edge_deadline(d->edge);
    RV_CHECK(deadline > d->now && deadline <= d->now + RV_PUSH_AGAIN_MIN_US);
    uint64_t pushed = 0;
    for (int i = 0; i < 40; i++) { /* one push tries, more and more seldom */
        const uint64_t sent = d->edge->status.bytes_sent;
        d->now += 500000;
        (void)duo_step(d);
        (void)duo_step(d);
        pushed += d->edge->status.bytes_sent > sent + 60;
    }
    RV_CHECK(pushed >= 3 && pushed <= 7);
    d->root.node->failure.status = RV_OK;
    d->now += RV_PUSH_AGAIN_MAX_US;
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_watermark(d->root.node), 3 + 10);
    RV_CHECK(same_rows(d));
    duo_free(d);
}

static rv_status give_decision(duo *d, uint64_t edge_sequence, rv_wire_decided outcome) {
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    const rv_wire_decision decision = {
        .edge_sequence = edge_sequence, .outcome = outcome, .position = 9};
    rv_wire_write_decision(&w, &decision);
    return rv_edge_receive(d->edge, rv_writer_bytes(&w), d->now, &d->err);
}

RV_TEST(decisions_of_what_was_not_pushed_end_the_connection) {
    for (unsigned i = 0; i < 6; i++) {
        duo *const d = begin();
        RV_CHECK(write_many(d, 3, "{\"amount\":1}"));
        rv_bytes message;
        for (int k = 0; k < 200; k++) { /* all three are pushed, and nobody answers */
            rv_sim_disk_advance(d->leaf.disk, DUO_STEP_US);
            fixture_poll(d->leaf.node);
            (void)rv_edge_send(d->edge, d->now, &message);
        }
        RV_CHECK_EQ(d->edge->pusher.flight_count, 3);
        rv_status status = RV_OK;
        switch (i) {
        case 0:
            status = give_decision(d, 4, RV_WIRE_DECIDED_ACCEPTED);
            break;
        case 1:
            status = give_decision(d, 2, RV_WIRE_DECIDED_ACCEPTED);
            break;
        case 2:
            RV_CHECK_STATUS(give_decision(d, 1, RV_WIRE_DECIDED_ACCEPTED), RV_OK);
            status = give_decision(d, 1, RV_WIRE_DECIDED_ACCEPTED);
            break;
        case 3:
            RV_CHECK_STATUS(give_decision(d, 1, RV_WIRE_DECIDED_AGAIN), RV_OK);
            status = give_decision(d, 2, RV_WIRE_DECIDED_ACCEPTED);
            break;
        case 4:
            status = give_decision(d, 3, RV_WIRE_DECIDED_FORKED);
            break;
        default:
            status = rv_edge_receive(d->edge, rv_bytes_of("\x0c\x00\x01\x01", 4), d->now, &d->err);
            break;
        }
        RV_CHECK_STATUS(status, RV_PROTOCOL_ERROR);
        duo_cut(d);
        duo_free(d);
    }
}

/* --- states --- */

RV_TEST(an_edge_without_the_right_credentials_says_so_and_tries_seldom) {
    duo *const d = begin();
    rv_error denied;
    (void)rv_error_set(&denied, RV_UPSTREAM_UNAUTHORIZED, "HTTP status 401");
    rv_upstream_close(d->session);
    d->session = NULL;
    rv_edge_closed(d->edge, &denied, d->now);
    RV_CHECK_EQ(d->edge->status.state, RV_EDGE_NEEDS_AUTH);
    RV_CHECK_EQ(rv_edge_deadline(d->edge), d->now + RV_BACKOFF_MAX_US);
    RV_CHECK(!rv_edge_wants_connection(d->edge, d->now + RV_BACKOFF_MAX_US - 1));
    rv_edge_network_up(d->edge, d->now); /* or other credentials */
    RV_CHECK(rv_edge_wants_connection(d->edge, d->now));
    RV_CHECK_EQ(d->edge->status.state, RV_EDGE_CONNECTING);
    rv_edge_closed(d->edge, &denied, d->now);
    RV_CHECK(rv_edge_wants_connection(d->edge, d->now + RV_BACKOFF_MAX_US));
    duo_free(d);
}

RV_TEST(an_edge_connects_at_once_when_the_network_is_up) {
    duo *const d = begin();
    for (int i = 0; i < 6; i++) { /* failures */
        duo_cut(d);
        const int64_t deadline = rv_edge_deadline(d->edge);
        RV_CHECK(deadline > d->now && deadline < INT64_MAX);
        d->now = deadline;
        RV_CHECK(rv_edge_wants_connection(d->edge, d->now));
        rv_edge_closed(d->edge, &d->err, d->now);
    }
    RV_CHECK(!rv_edge_wants_connection(d->edge, d->now));
    rv_edge_network_up(d->edge, d->now);
    duo_connect(d);
    RV_CHECK(d->session != NULL);
    RV_CHECK(duo_run(d));
    /* a connection has to prove that it lives */
    const uint64_t sent = d->edge->status.bytes_sent;
    rv_edge_network_up(d->edge, d->now);
    rv_bytes message;
    RV_CHECK(rv_edge_send(d->edge, d->now, &message));
    RV_CHECK_EQ(message.ptr[0], RV_WIRE_PING);
    RV_CHECK(d->edge->status.bytes_sent > sent);
    duo_free(d);
}

/* A connected pair with nothing to say. */
static duo *idle(void) {
    duo *const d = begin();
    for (int64_t us = 0; us < 3 * RV_SYNC_REPORT_US; us += DUO_STEP_US) {
        (void)duo_step(d);
    }
    if (rv_edge_deadline(d->edge) != d->edge->last_received + RV_SYNC_PING_US) {
        abort();
    }
    return d;
}

/* Goal: who has another network finds out soon that a connection over the old one is dead. */
RV_TEST(a_connection_ends_that_the_new_network_does_not_carry) {
    rv_bytes ping;
    for (int late = 0; late < 2; late++) {
        duo *const d = idle();
        const int64_t up = d->now;
        rv_edge_network_up(d->edge, up);
        RV_CHECK(rv_edge_send(d->edge, up, &ping) && ping.ptr[0] == RV_WIRE_PING);
        RV_CHECK_EQ(rv_edge_deadline(d->edge), up + RV_SYNC_PROOF_US);
        /* once more puts nothing off, nor does what may have lain in a buffer */
        rv_edge_network_up(d->edge, up + RV_SYNC_BUFFERED_US / 2);
        RV_CHECK(!rv_edge_send(d->edge, up + RV_SYNC_BUFFERED_US / 2, &ping));
        const int64_t heard = up + RV_SYNC_BUFFERED_US - (late == 0);
        RV_CHECK_STATUS(rv_edge_receive(d->edge, rv_bytes_of("\x08\x00\x01", 3), heard, &d->err),
                        RV_OK);
        RV_CHECK_STATUS(rv_edge_poll(d->edge, up + RV_SYNC_PROOF_US - 1, &d->err), RV_OK);
        RV_CHECK_STATUS(rv_edge_poll(d->edge, up + RV_SYNC_PROOF_US, &d->err),
                        late == 1 ? RV_OK : RV_UPSTREAM_UNREACHABLE);
        duo_cut(d);
        duo_connect(d); /* another one has nothing to prove */
        RV_CHECK(duo_run(d));
        RV_CHECK_EQ(d->edge->proof_until, INT64_MAX);
        duo_free(d);
    }
}

RV_TEST(a_connection_goes_on_that_the_new_network_carries) {
    duo *const d = idle();
    rv_bytes ping;
    for (int i = 0; i < 2; i++) {
        const int64_t up = d->now;
        rv_edge_network_up(d->edge, up);
        RV_CHECK(rv_edge_send(d->edge, up, &ping) && ping.ptr[0] == RV_WIRE_PING);
        const uint8_t pong[] = {RV_WIRE_PONG, ping.ptr[1], ping.ptr[2]};
        RV_CHECK_STATUS(rv_edge_receive(d->edge, rv_bytes_of(pong, ping.len), up + 1, &d->err),
                        RV_OK);
        RV_CHECK_STATUS(rv_edge_poll(d->edge, up + RV_SYNC_PROOF_US, &d->err), RV_OK);
        RV_CHECK_EQ(rv_edge_deadline(d->edge), up + 1 + RV_SYNC_PING_US);
    }
    duo_free(d);
}

int main(void) {
    RV_RUN(what_is_written_offline_is_pushed_and_comes_back);
    RV_RUN(the_story_without_a_cut);
    RV_RUN(cut_after_every_message);
    RV_RUN(the_edge_crashes_after_every_message);
    RV_RUN(the_root_crashes_after_every_message);
    RV_RUN(both_crash_after_every_message);
    RV_RUN(an_edge_restored_from_a_backup_goes_on_as_another);
    RV_RUN(a_copy_that_writes_while_it_connects_is_told);
    RV_RUN(nothing_leaves_under_an_incarnation_that_may_be_lost);
    RV_RUN(an_edge_connects_while_it_is_written_to);
    RV_RUN(what_a_backup_has_pending_is_not_accepted_twice);
    RV_RUN(a_copy_that_wrote_more_is_told_by_the_decision);
    RV_RUN(an_edge_waits_for_a_root_that_decides_nothing);
    RV_RUN(decisions_of_what_was_not_pushed_end_the_connection);
    RV_RUN(an_edge_without_the_right_credentials_says_so_and_tries_seldom);
    RV_RUN(an_edge_connects_at_once_when_the_network_is_up);
    RV_RUN(a_connection_ends_that_the_new_network_does_not_carry);
    RV_RUN(a_connection_goes_on_that_the_new_network_carries);
    return rv_test_done();
}
