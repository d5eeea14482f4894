/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge assigns keys of its blocks alone, each once, passing those that rows have; it takes
 * no block twice and none of another life, forgets those that are done with, and says when there
 * are none. Method: a root and an edge on memory hosts, blocks that the test makes up, and rows
 * that come from the root with keys of them, as when a copy of the edge's directory has used them.
 */
#include "core/engine/keys.h"

#include "tests/unit/core/outbox_pair.h"

static rv_status take(fixture *f, uint64_t first, uint64_t count) {
    const rv_keys_wish wish = {.incarnation = rv_node_outbox(f->node).incarnation};
    const rv_lease lease = {.first = first, .count = count};
    return rv_node_keys_take(f->node, &wish, &lease, &f->err);
}

static pair pair_with_keys(uint64_t first, uint64_t count) {
    pair p = pair_of(EVERYTHING);
    if (rv_node_keys_prepare(p.edge.node, &p.edge.err) != RV_OK ||
        take(&p.edge, first, count) != RV_OK) {
        fprintf(stderr, "keys: %s\n", p.edge.err.detail);
        abort();
    }
    return p;
}

/* Opens so many accounts in one batch; the keys are told by their paths. */
static rv_status open_accounts(fixture *f, size_t count, uint64_t *keys) {
    static rv_append events[32];
    static rv_event results[32];
    rv_written written;
    rv_pending batch;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    for (size_t i = 0; i < count; i += 1) {
        events[i] = fixture_event("accounts", "account_opened", "{\"name\":\"a\"}");
    }
    const rv_status status = write_all(f, events, count, results, &written);
    if (status != RV_OK || !rv_node_pending(f->node, written.edge_sequence - 1, &batch)) {
        return status;
    }
    for (size_t i = 0; rv_node_pending_event(f->node, &batch, &cursor, &event); i += 1) {
        char text[32] = {0};
        memcpy(text, event.path.ptr, event.path.len < 31 ? event.path.len : 31);
        keys[i] = strtoull(text + strlen("/accounts/"), NULL, 10);
    }
    return status;
}

RV_TEST(preparing_says_when_it_cannot) {
    fixture f = fixture_create(3);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_EDGE, EVERYTHING), RV_OK);
    RV_CHECK_STATUS(rv_node_keys_prepare(f.node, &f.err), RV_NOT_CONNECTED);
    fixture_free(&f);
    pair p = pair_of(EVERYTHING);
    rv_keys_wish wish;
    RV_CHECK(!rv_node_keys_wish(p.edge.node, 0, &wish)); /* nothing was written yet */
    RV_CHECK_STATUS(rv_node_keys_prepare(p.edge.node, &p.edge.err), RV_OK);
    const uint32_t incarnation = rv_node_outbox(p.edge.node).incarnation;
    RV_CHECK_STATUS(rv_node_keys_prepare(p.edge.node, &p.edge.err), RV_OK);
    RV_CHECK(incarnation > 0 && rv_node_outbox(p.edge.node).incarnation == incarnation);
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK(rv_node_keys_wish(p.edge.node, 0, &wish) && wish.known == 0);
    RV_CHECK_STATUS(fixture_close(p.edge.node, &p.edge.err), RV_END);
    pair_free(&p);
    p = pair_of(EVERYTHING);
    RV_CHECK_STATUS(fixture_close(p.edge.node, &p.edge.err), RV_END);
    RV_CHECK_STATUS(rv_node_keys_prepare(p.edge.node, &p.edge.err), RV_CLOSING);
    pair_free(&p);
}

RV_TEST(a_block_is_taken_once_and_by_the_life_it_is_for) {
    pair p = pair_with_keys(50, 10);
    RV_CHECK_STATUS(take(&p.edge, 55, 10), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(take(&p.edge, 40, 10), RV_PROTOCOL_ERROR);
    const rv_keys_wish other = {.incarnation = rv_node_outbox(p.edge.node).incarnation + 1};
    const rv_lease lease = {.first = 100, .count = 10};
    RV_CHECK_STATUS(rv_node_keys_take(p.edge.node, &other, &lease, &p.edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), 10); /* it was thrown away */
    RV_CHECK_STATUS(take(&p.edge, 60, 10), RV_OK);
    RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), 20);
    /* another life has none, and the next block sweeps theirs away */
    RV_CHECK_STATUS(rv_node_fork(p.edge.node, &p.edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), 0);
    uint64_t keys[4];
    RV_CHECK_STATUS(open_accounts(&p.edge, 1, keys), RV_NO_KEYS);
    RV_CHECK_STATUS(take(&p.edge, 60, 10), RV_OK); /* the same number again */
    const uint32_t entries = rv_ledger_count(&p.edge.node->ledger);
    RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), 10);
    RV_CHECK_STATUS(open_accounts(&p.edge, 1, keys), RV_OK);
    RV_CHECK_EQ(keys[0], 60);
    RV_CHECK(rv_ledger_count(&p.edge.node->ledger) > entries); /* by the batch */
    pair_free(&p);
}

/* Keys that rows have are passed, a whole block of them too. */
RV_TEST(keys_that_rows_have_are_passed) {
    pair p = pair_with_keys(5, 3);
    RV_CHECK_STATUS(take(&p.edge, 20, 4), RV_OK);
    uint64_t keys[4];
    static const char *const paths[] = {"/accounts/5", "/accounts/6", "/accounts/7", "/accounts/20",
                                        "/accounts/22"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i += 1) {
        RV_CHECK_STATUS(fixture_append(&p.root, paths[i], "account_opened", "{\"name\":\"b\"}"),
                        RV_OK);
    }
    RV_CHECK(feed(&p));
    RV_CHECK_STATUS(open_accounts(&p.edge, 2, keys), RV_OK);
    RV_CHECK(keys[0] == 21 && keys[1] == 23);
    RV_CHECK_STATUS(open_accounts(&p.edge, 1, keys), RV_NO_KEYS);
    RV_CHECK(strstr(p.edge.err.facts, "\"aggregate\":\"account\"") != NULL);
    pair_free(&p);
}

/* Keys that callers give are not assigned again, in whatever order they come. */
RV_TEST(keys_that_are_given) {
    pair p = pair_with_keys(50, 10);
    uint64_t keys[4];
    static const char *const paths[] = {"/accounts/54", "/accounts/52", "/accounts/70",
                                        "/accounts/9"};
    rv_append events[4];
    rv_event results[4];
    rv_written written;
    for (size_t i = 0; i < 4; i += 1) {
        events[i] = fixture_event(paths[i], "account_opened", "{\"name\":\"c\"}");
    }
    RV_CHECK_STATUS(write_all(&p.edge, events, 4, results, &written), RV_OK);
    RV_CHECK_STATUS(open_accounts(&p.edge, 2, keys), RV_OK);
    RV_CHECK(keys[0] == 55 && keys[1] == 56);
    RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), 3);
    pair_free(&p);
}

/* A batch takes keys of so many blocks, assigned or given. */
RV_TEST(blocks_of_one_batch) {
    for (int given = 0; given < 2; given += 1) {
        pair p = pair_with_keys(100, 1);
        uint64_t keys[32];
        for (uint64_t i = 1; i <= RV_KEYS_BLOCKS_MAX; i += 1) {
            RV_CHECK_STATUS(take(&p.edge, 100 + i, 1), RV_OK);
        }
        RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), RV_KEYS_BLOCKS_MAX + 1);
        if (given) {
            static rv_append events[RV_KEYS_BLOCKS_MAX + 1];
            static rv_event results[RV_KEYS_BLOCKS_MAX + 1];
            static char paths[RV_KEYS_BLOCKS_MAX + 1][32];
            rv_written written;
            for (unsigned i = 0; i <= RV_KEYS_BLOCKS_MAX; i += 1) {
                snprintf(paths[i], sizeof paths[i], "/accounts/%u", 100 + i);
                events[i] = fixture_event(paths[i], "account_opened", "{\"name\":\"c\"}");
            }
            RV_CHECK_STATUS(write_all(&p.edge, events, RV_KEYS_BLOCKS_MAX + 1, results, &written),
                            RV_BATCH_TOO_LARGE);
        }
        RV_CHECK_STATUS(open_accounts(&p.edge, RV_KEYS_BLOCKS_MAX + 1, keys), RV_BATCH_TOO_LARGE);
        RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), RV_KEYS_BLOCKS_MAX + 1);
        RV_CHECK_STATUS(open_accounts(&p.edge, RV_KEYS_BLOCKS_MAX, keys), RV_OK);
        for (uint64_t i = 0; i < RV_KEYS_BLOCKS_MAX; i += 1) {
            RV_CHECK_EQ(keys[i], 100 + i);
        }
        RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), 1);
        pair_free(&p);
    }
}

/* --- the same ids again --- */

static rv_status write_again(fixture *f, const rv_append *events, size_t count) {
    rv_event results[4];
    rv_written written;
    return write_all(f, events, count, results, &written);
}

/* A batch that is given again is the same, or it is refused, and says of what. */
RV_TEST(the_same_ids_with_something_else) {
    pair p = pair_of(EVERYTHING);
    rv_append events[3] = {fixture_event("/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                           fixture_event("/accounts/1", "deposited", "{\"amount\":5}"),
                           fixture_event("/accounts/1", "withdrawn", "{\"amount\":1}")};
    for (uint8_t i = 0; i < 3; i += 1) {
        events[i].has_event_id = true;
        memset(events[i].event_id, 0x21 + i, sizeof events[i].event_id);
    }
    RV_CHECK_STATUS(write_again(&p.edge, events, 3), RV_OK);
    RV_CHECK_STATUS(write_again(&p.edge, events, 3), RV_OK);
    RV_CHECK_STATUS(write_again(&p.edge, events, 2), RV_EVENT_ID_REUSED);
    RV_CHECK_STATUS(write_again(&p.edge, events + 1, 2), RV_EVENT_ID_REUSED);
    static const struct {
        const char *path, *type, *data;
    } others[] = {
        {"/accounts/1", "withdrawn", "{\"amount\":5}"},
        {"/accounts/2", "deposited", "{\"amount\":5}"},
        {"/accounts/1", "deposited", "{\"amount\":6}"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i += 1) {
        rv_append changed[3] = {events[0], events[1], events[2]};
        changed[1].path = rv_bytes_of_string(others[i].path);
        changed[1].type = rv_bytes_of_string(others[i].type);
        changed[1].data = rv_bytes_of_string(others[i].data);
        RV_CHECK_STATUS(write_again(&p.edge, changed, 3), RV_EVENT_ID_REUSED);
        RV_CHECK(strstr(p.edge.err.facts, "\"index\":1") != NULL);
    }
    rv_append unnamed[3] = {events[0], events[1], events[2]};
    unnamed[2].has_event_id = false;
    RV_CHECK_STATUS(write_again(&p.edge, unnamed, 3), RV_EVENT_ID_REUSED);
    memset(unnamed[2].event_id, 0x77, sizeof unnamed[2].event_id);
    unnamed[2].has_event_id = true;
    RV_CHECK_STATUS(write_again(&p.edge, unnamed, 3), RV_EVENT_ID_REUSED);
    rv_append broken[3] = {events[0], events[1], events[2]};
    broken[1].data = RV_LITERAL("{\"amount\":");
    RV_CHECK_STATUS(write_again(&p.edge, broken, 3), RV_JSON_INVALID);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 1);
    /* and where nobody asks why */
    const rv_decision no = {.outcome = RV_DECIDED_REFUSED,
                            .refusal = {.status = RV_CHECK_VIOLATION}};
    RV_CHECK_STATUS(decided(&p.edge, 1, &no), RV_OK);
    const rv_writes writes = {.events = events, .count = 3};
    rv_event results[3];
    rv_written written;
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, results, &written, NULL),
                    RV_CHECK_VIOLATION);
    pair_free(&p);
}

int main(void) {
    RV_RUN(preparing_says_when_it_cannot);
    RV_RUN(a_block_is_taken_once_and_by_the_life_it_is_for);
    RV_RUN(keys_that_rows_have_are_passed);
    RV_RUN(keys_that_are_given);
    RV_RUN(blocks_of_one_batch);
    RV_RUN(the_same_ids_with_something_else);
    return rv_test_done();
}
