/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a root that was restored begins a new epoch, once and for all lives to come, whose number
 * no other restore of the same backup has; what edges were leased before is void and is met by no
 * key of the root's. Method: roots are asked to begin one, opened again by replay and from
 * checkpoints, with clocks that stand, go back or are far ahead.
 */
#include "core/engine/decide.h"
#include "core/engine/epoch.h"
#include "core/engine/lease.h"
#include "tests/unit/node_fixture.h"

#define SECOND INT64_C(1000000)

static rv_status begin(fixture *f) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_epoch_begin(f->node, &f->err);
        fixture_poll(f->node);
    }
    return status;
}

static bool settle(fixture *f) {
    bool settled = false;
    for (int i = 0; i < FIXTURE_POLLS_MAX && !settled; i++) {
        fixture_poll(f->node);
        settled = rv_node_decisions_durable(f->node) == rv_node_decisions_made(f->node);
    }
    return settled;
}

static rv_status reopen(fixture *f) {
    rv_memory_host_reopen(f->storage);
    return fixture_open(f, RV_ROLE_ROOT, NULL);
}

RV_TEST(an_epoch_is_begun_once_and_for_all) {
    for (int closed = 0; closed < 2; closed++) {
        fixture f = fixture_root(1);
        rv_epoch epoch;
        RV_CHECK(!rv_node_epoch(f.node, &epoch));
        RV_CHECK_EQ(rv_node_identity(f.node)->epoch, 1);
        RV_CHECK_STATUS(begin(&f), RV_OK);
        const uint32_t first = rv_node_identity(f.node)->epoch;
        RV_CHECK_EQ(first, rv_node_now(f.node) / SECOND);
        RV_CHECK(rv_node_epoch(f.node, &epoch));
        RV_CHECK_EQ(epoch.epoch, first);
        RV_CHECK_EQ(epoch.position, 1);
        RV_CHECK_EQ(epoch.chain_hash, rv_log_chain(rv_node_log(f.node)));
        /* in the same second, the next number */
        RV_CHECK_STATUS(begin(&f), RV_OK);
        RV_CHECK_EQ(rv_node_identity(f.node)->epoch, first + 1);
        RV_CHECK_EQ(rv_node_watermark(f.node), 1);
        RV_CHECK(settle(&f));
        if (closed > 0) { /* with a checkpoint, behind whose mark the entry must be again */
            fixture_checkpoint_growth = 1;
            RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                            RV_OK);
            RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
            fixture_checkpoint_growth = 0;
        }
        RV_CHECK_STATUS(reopen(&f), RV_OK);
        RV_CHECK_EQ(rv_node_identity(f.node)->epoch, first + 1);
        RV_CHECK(rv_node_epoch(f.node, &epoch));
        RV_CHECK_EQ(epoch.epoch, first + 1);
        fixture_free(&f);
    }
}

RV_TEST(a_number_is_above_those_that_were_met) {
    fixture f = fixture_root(1);
    rv_node_meet_stranger(f.node, 4000000000, 77);
    RV_CHECK_EQ(rv_node_stranger(f.node).count, 1);
    RV_CHECK_EQ(rv_node_stranger(f.node).position, 77);
    RV_CHECK_STATUS(begin(&f), RV_OK);
    RV_CHECK_EQ(rv_node_identity(f.node)->epoch, 4000000001);
    /* what a hostile edge says, again and again, leaves enough */
    for (int i = 0; i < 20; i++) {
        rv_node_meet_stranger(f.node, UINT64_MAX, 78);
        RV_CHECK_STATUS(begin(&f), RV_OK);
    }
    RV_CHECK(rv_node_identity(f.node)->epoch < UINT32_MAX - 10000000);
    fixture_free(&f);
}

RV_TEST(only_a_root_that_can_write_begins_one) {
    fixture edge = fixture_create(2);
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/**"), RV_OK);
    RV_CHECK_STATUS(begin(&edge), RV_NOT_ROOT);
    fixture_free(&edge);
    fixture f = fixture_root(1);
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    RV_CHECK_STATUS(begin(&f), RV_CLOSING);
    fixture_free(&f);
}

RV_TEST(leases_are_void_and_a_margin_is_passed_over) {
    fixture f = fixture_root(1);
    rv_lease_request r = {.edge = {.incarnation = 1}, .count = 256};
    rv_lease granted[300];
    int64_t key = 0;
    for (unsigned i = 0; i < 300; i++) { /* more than one batch of the log takes back */
        memset(r.edge.edge_id, 0, sizeof r.edge.edge_id);
        rv_store_u32(r.edge.edge_id, i);
        rv_status status = RV_PENDING;
        for (int k = 0; k < FIXTURE_POLLS_MAX && status == RV_PENDING; k++) {
            status = rv_node_lease(f.node, &r, &granted[i], &f.err);
            fixture_poll(f.node);
        }
        RV_CHECK_STATUS(status, RV_OK);
    }
    const uint64_t last = granted[299].first + granted[299].count - 1;
    RV_CHECK_STATUS(rv_node_lease_check(f.node, 0, (int64_t)last, NULL, NULL), RV_KEY_LEASED);
    RV_CHECK_STATUS(begin(&f), RV_OK);
    RV_CHECK(settle(&f));
    for (int life = 0; life < 2; life++) {
        for (unsigned i = 0; i < 300; i++) {
            const int64_t first = (int64_t)granted[i].first;
            RV_CHECK_STATUS(rv_node_lease_check(f.node, 0, first, NULL, NULL), RV_OK);
        }
        RV_CHECK_STATUS(rv_node_serial_next(f.node, 0, &key, NULL), RV_OK);
        RV_CHECK_EQ(key, (int64_t)last + RV_EPOCH_KEYS + 1);
        RV_CHECK_STATUS(reopen(&f), RV_OK);
    }
    fixture_free(&f);
}

int main(void) {
    RV_RUN(an_epoch_is_begun_once_and_for_all);
    RV_RUN(a_number_is_above_those_that_were_met);
    RV_RUN(only_a_root_that_can_write_begins_one);
    RV_RUN(leases_are_void_and_a_margin_is_passed_over);
    return rv_test_done();
}
