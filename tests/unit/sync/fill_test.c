/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an upstream that sends an edge something else than its past is told that it broke the
 * protocol, nothing of it is kept, and the past comes all the same. Method: an edge (based.h) that
 * fills in the past of a stream is handed one of the root's events with one thing wrong in it,
 * again and again, between what its own upstream sends.
 */
#include "tests/unit/sync/followed.h"

static uint8_t data[256];

/* The first event of the stream with data to it; false: there is none. */
static bool first_event(pair *p, const char *path_text, rv_event *event) {
    rv_path_pattern parsed;
    rv_subscription all;
    rv_bytes path;
    rv_status status = rv_path_pattern_parse(rv_bytes_of_string(path_text), &parsed, NULL);
    rv_subscription_open(&all, p->root.node, &parsed, 1, 1);
    for (int i = 0; i < 100000 && status != RV_END; i++) {
        status = rv_subscription_next(&all, 1000, event, &path, NULL);
        if (status == RV_OK && event->data.len > 1 && event->data.len < sizeof data) {
            memcpy(data, event->data.ptr, event->data.len);
            event->data.ptr = data;
            return true;
        }
        fixture_poll(p->root.node);
    }
    return false;
}

/* Until the edge is in the middle of filling in, and of no batch. */
static bool run_until_filling(pair *p) {
    for (int i = 0; i < 4000; i++) {
        (void)pair_step(p);
        p->now += 1000;
        const rv_node_fill fill = rv_node_fill_of(p->leaf.node);
        if (fill.active && !rv_node_in_batch(p->leaf.node)) {
            return true;
        }
    }
    return false;
}

/* Hands it over; `to` above 0: and says that all up to there is here. */
static rv_status hand(fixture *f, const rv_event *given, const char *path, uint64_t to) {
    rv_event event = *given;
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_receive_begin(f->node, &f->err);
        fixture_poll(f->node);
    }
    if (status != RV_OK) {
        return status;
    }
    if (path != NULL) {
        status = rv_node_receive_stream(f->node, rv_bytes_of_string(path), &event.stream, &f->err);
    }
    status = status == RV_OK ? rv_node_receive_filled(f->node, &event, &f->err) : status;
    if (status == RV_OK && to > 0) {
        status = rv_node_receive_filled_to(f->node, to, false, &f->err);
    }
    rv_node_receive_cancel(f->node);
    return status;
}

static rv_status hand_end(fixture *f, uint64_t to) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_receive_begin(f->node, &f->err);
        fixture_poll(f->node);
    }
    status = status == RV_OK ? rv_node_receive_filled_to(f->node, to, false, &f->err) : status;
    rv_node_receive_cancel(f->node);
    return status;
}

static void check_events(pair *p, const rv_event *good) {
    fixture *const f = &p->leaf;
    const rv_node_fill fill = rv_node_fill_of(f->node);
    rv_event e = *good;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", e.position), RV_OK);
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", e.position - 1), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(hand(f, &e, "/accounts/3", 0), RV_PROTOCOL_ERROR);  /* is here */
    RV_CHECK_STATUS(hand(f, &e, "/accounts/5", 0), RV_PROTOCOL_ERROR);  /* of another stream */
    RV_CHECK_STATUS(hand(f, &e, "/accounts/99", 0), RV_PROTOCOL_ERROR); /* that is new */
    e.position = fill.after;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e.position = fill.until + 1;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e = *good;
    e.version = 0;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e.version = 100000;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e = *good;
    e.type = 99;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e = *good;
    e.data.len -= 1;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e = *good;
    e.written_at = INT64_MIN;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e = *good;
    e.recorded_at = INT64_MIN;
    RV_CHECK_STATUS(hand(f, &e, "/accounts/4", 0), RV_PROTOCOL_ERROR);
    e = *good;
    e.stream = 0; /* the system's */
    RV_CHECK_STATUS(hand(f, &e, NULL, 0), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(hand_end(f, fill.after - 1), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(hand_end(f, fill.until + 1), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(hand_end(f, fill.until), RV_OK);
}

RV_TEST(what_is_no_past_is_refused_and_leaves_nothing) {
    static const char *const first[] = {"/accounts/3", "/accounts/4 history none"};
    static const char *const second[] = {"/accounts/3", "/accounts/4", "/accounts/5"};
    pair p = based_pair(first, 2);
    uint64_t random = 1, next = 1;
    rv_event good;
    memset(seen, 0, sizeof seen);
    RV_CHECK(feed_given(&p, &random, 400));
    RV_CHECK(pair_sync(&p));
    RV_CHECK_STATUS(hand_end(&p.leaf, 1), RV_PROTOCOL_ERROR); /* nothing is to be filled in */
    RV_CHECK_STATUS(select_entries(&p, second, 3), RV_OK);
    p.edge->batch_bytes = 300;
    RV_CHECK(run_until_filling(&p));
    /* an event that is still to come */
    const uint64_t after = rv_node_fill_of(p.leaf.node).after;
    RV_CHECK(first_event(&p, "/accounts/4", &good));
    good.position = good.position > after ? good.position : after + 1;
    const uint64_t sequence = rv_node_sequence(p.leaf.node);
    check_events(&p, &good);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(rv_node_sequence(p.leaf.node), sequence);
    RV_CHECK_EQ(rv_node_fill_of(p.leaf.node).after, after);
    pair_run(&p);
    RV_CHECK(is_done(&p));
    follow(&p, &next);
    for (size_t i = 0; i < 3; i++) {
        check_seen(&p, second[i], 1);
        check_stream(&p, second[i], 1);
        RV_CHECK_PASSED();
    }
    check_given(&p);
    pair_free(&p);
}

int main(void) {
    RV_RUN(what_is_no_past_is_refused_and_leaves_nothing);
    return rv_test_done();
}
