/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that goes back reads its log once more, and whatever is in there: one that never
 * wrote goes back too, what was refused stays so, what is no record that this version knows ends
 * it, and the node shows what it had, read-only, as at any opening. Meanwhile nobody reads or
 * writes. Method: a root whose events are handed to an edge by hand, both on memory hosts, and
 * records put into the edge's log past the node.
 */
#include "core/engine/rewind.h"
#include "tests/unit/core/forging.h"
#include "tests/unit/core/outbox_pair.h"

static rv_rewind place_of(rv_node *node) {
    return (rv_rewind){.epoch = 9,
                       .watermark = rv_node_watermark(node),
                       .chain_hash = rv_log_chain(rv_node_log(node))};
}

/* Goes back. Whoever asks for anything meanwhile is told to wait. */
static rv_status go_back(fixture *f, const rv_rewind *to) {
    rv_status status = rv_node_rewind(f->node, to, &f->err);
    rv_subscription feed;
    rv_subscription_open(&feed, f->node, NULL, 0, 1);
    for (int i = 0; i < FIXTURE_POLLS_MAX && rv_node_rewinding(f->node); i++) {
        const rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
        const rv_writes writes = {.events = &event, .count = 1};
        rv_event result;
        rv_bytes path;
        rv_written written;
        if (rv_subscription_next(&feed, 1, &result, &path, NULL) != RV_PENDING ||
            rv_node_write(f->node, &writes, &result, &written, NULL) != RV_BUSY ||
            rv_node_rewind(f->node, to, NULL) != RV_BUSY ||
            rv_node_failed(f->node, NULL) != RV_OK) {
            status = RV_STATUS_COUNT;
        }
        fixture_poll(f->node);
    }
    return status;
}

static bool deposit_at_root(pair *p) {
    return fixture_append(&p->root, "/accounts/1", "deposited", "{\"amount\":1}") == RV_OK &&
           feed(p);
}

static pair pair_with_account(void) {
    pair p = pair_of(EVERYTHING);
    if (fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"a\"}") != RV_OK ||
        !feed(&p)) {
        abort();
    }
    return p;
}

RV_TEST(an_edge_that_never_wrote_goes_back) {
    pair p = pair_with_account();
    const rv_rewind to = place_of(p.edge.node);
    const rv_hash128 hash = rv_node_state_hash(p.edge.node);
    RV_CHECK(deposit_at_root(&p) && deposit_at_root(&p));
    RV_CHECK_STATUS(go_back(&p.edge, &to), RV_OK);
    RV_CHECK_STATUS(rv_node_failed(p.edge.node, &p.edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_watermark(p.edge.node), to.watermark);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.edge.node), hash));
    rv_rewound rewound;
    RV_CHECK(rv_node_rewound(p.edge.node, &rewound));
    RV_CHECK(rewound.dropped == 2 && rewound.requeued == 0 && rewound.epoch == 9);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).incarnation, 0);
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    RV_CHECK_EQ(rv_node_watermark(p.edge.node), to.watermark);
    pair_free(&p);
}

/* Refused before the place, or behind it; and a batch that waits all the time. */
RV_TEST(what_was_refused_stays_refused) {
    pair p = pair_with_account();
    const rv_decision no = {.outcome = RV_DECIDED_REFUSED,
                            .refusal = {.status = RV_CHECK_VIOLATION}};
    for (int i = 0; i < 4; i++) {
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":7}"), RV_OK);
    }
    RV_CHECK_STATUS(decided(&p.edge, 1, &no), RV_OK);
    const rv_rewind to = place_of(p.edge.node);
    RV_CHECK(deposit_at_root(&p));
    RV_CHECK_STATUS(decided(&p.edge, 2, &no), RV_OK);
    RV_CHECK(fixture_settle(p.edge.node));
    const uint32_t incarnation = rv_node_outbox(p.edge.node).incarnation;
    RV_CHECK_STATUS(go_back(&p.edge, &to), RV_OK);
    const rv_outbox_facts facts = rv_node_outbox(p.edge.node);
    RV_CHECK(facts.pending == 2 && facts.rejections == 2);
    RV_CHECK(facts.incarnation != incarnation && facts.incarnation > 0);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 14);
    pair_free(&p);
}

/* What is not held here was accepted, and was given again under its id, as nobody knew it here any
 * more. The other root refuses both, and each is acknowledged by itself. */
RV_TEST(what_was_given_again_is_acknowledged_apart) {
    for (uint64_t first = 1; first <= 2; first++) {
        pair p = pair_of("/accounts/1");
        const rv_decision no = {.outcome = RV_DECIDED_REFUSED,
                                .refusal = {.status = RV_ROW_EXISTS}};
        rv_append event = fixture_event("/accounts/2", "account_opened", "{\"name\":\"b\"}");
        rv_event result;
        rv_written written;
        rv_rejection left;
        event.has_event_id = true;
        memset(event.event_id, 0x33, sizeof event.event_id);
        RV_CHECK_STATUS(
            fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"a\"}"), RV_OK);
        RV_CHECK(feed(&p));
        const rv_rewind to = place_of(p.edge.node);
        RV_CHECK(deposit_at_root(&p));
        for (uint64_t i = 1; i <= 2; i++) {
            const rv_decision yes = {.outcome = RV_DECIDED_ACCEPTED,
                                     .position = rv_node_watermark(p.edge.node)};
            RV_CHECK_STATUS(write_all(&p.edge, &event, 1, &result, &written), RV_OK);
            RV_CHECK(written.blind && written.edge_sequence == i);
            RV_CHECK_STATUS(decided(&p.edge, i, &yes), RV_OK);
        }
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
        RV_CHECK(fixture_settle(p.edge.node));
        RV_CHECK_STATUS(go_back(&p.edge, &to), RV_OK);
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 2);
        RV_CHECK_STATUS(decided(&p.edge, 1, &no), RV_OK);
        RV_CHECK_STATUS(decided(&p.edge, 2, &no), RV_OK);
        RV_CHECK(rv_node_rejection_of(p.edge.node, event.event_id, &left));
        RV_CHECK_EQ(left.batch.edge_sequence, 1);
        RV_CHECK_STATUS(rv_node_rejection_forget(p.edge.node, first, &p.edge.err), RV_OK);
        RV_CHECK(rv_node_rejection(p.edge.node, 0, &left));
        RV_CHECK_EQ(left.batch.edge_sequence, 3 - first);
        RV_CHECK(rv_node_rejection_of(p.edge.node, event.event_id, &left));
        RV_CHECK_EQ(left.batch.edge_sequence, 3 - first);
        RV_CHECK_STATUS(rv_node_rejection_forget(p.edge.node, first, &p.edge.err), RV_NOT_FOUND);
        pair_free(&p);
    }
}

/* What the log holds that nobody here has written: the node ends there, as when it is opened. */
RV_TEST(a_log_that_cannot_be_read) {
    static const struct {
        const char *record;
        size_t len;
    } records[] = {
        {"\x7f\xff no record", 12},
        {"\x03\x00\x02\x01\x01\xff", 6}, /* a batch that waits, under no number */
        {"\x03\x00\x02", 3},
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        pair p = pair_with_account();
        const rv_rewind to = place_of(p.edge.node);
        RV_CHECK(deposit_at_root(&p));
        const rv_hash128 hash = rv_node_state_hash(p.edge.node);
        RV_CHECK(
            forge_record(&p.edge, rv_bytes_of((const uint8_t *)records[i].record, records[i].len)));
        RV_CHECK_STATUS(go_back(&p.edge, &to), RV_OK);
        const rv_status failed = rv_node_failed(p.edge.node, &p.edge.err);
        RV_CHECK(failed == RV_DATA_DAMAGED || failed == RV_DATA_NEWER);
        RV_CHECK_EQ(rv_node_watermark(p.edge.node), to.watermark + 1); /* it has not gone back */
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.edge.node), hash));
        RV_CHECK_STATUS(rv_node_rewind(p.edge.node, &to, NULL), RV_READ_ONLY);
        pair_free(&p);
    }
}

int main(void) {
    RV_RUN(an_edge_that_never_wrote_goes_back);
    RV_RUN(what_was_refused_stays_refused);
    RV_RUN(what_was_given_again_is_acknowledged_apart);
    RV_RUN(a_log_that_cannot_be_read);
    return rv_test_done();
}
