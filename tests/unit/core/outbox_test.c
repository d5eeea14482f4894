/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the outbox of an edge case by case: what writing refuses and answers again, what is blind
 * or unchecked, what uses its room up and what there is always room for, and what is there again
 * after opening, with none, some and thousands of batches that wait.
 * Method: a root whose events are handed to an edge by hand, both on memory hosts; the random lives
 * of tests/sim/outbox_test.c have the rest. Entries of the ledger are read at every length, and
 * with every byte changed.
 */
#include "core/engine/outbox.h"

#include "core/engine/decide.h"
#include "tests/unit/core/outbox_pair.h"

/* --- writing --- */

RV_TEST(what_waits_shows_in_rows_and_nowhere_else) {
    pair p = pair_of(EVERYTHING);
    const rv_hash128 before = rv_node_state_hash(p.edge.node);
    const uint64_t revision = rv_node_revision(p.edge.node);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/7", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/7", "deposited", "{\"amount\":50}"), RV_OK);
    RV_CHECK(rv_node_revision(p.edge.node) > revision);
    RV_CHECK_EQ(balance_of(&p.edge, 7), 50);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.edge.node), before));
    RV_CHECK_EQ(balance_of(&p.edge, 7), 50);
    RV_CHECK_EQ(rv_node_watermark(p.edge.node), 1);
    RV_CHECK(fixture_settle(p.edge.node));
    /* nor does a subscription of its stream, or of all, yield it */
    rv_path_pattern patterns[2];
    rv_error err;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/accounts/7"), &patterns[0], &err), RV_OK);
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/**"), &patterns[1], &err), RV_OK);
    rv_subscription subscriptions[2];
    rv_event event;
    rv_bytes path;
    for (int i = 0; i < 2; i++) {
        rv_subscription_open(&subscriptions[i], p.edge.node, &patterns[i], 1, 1);
        RV_CHECK_STATUS(rv_subscription_next(&subscriptions[i], 100, &event, &path, &err), RV_END);
    }
    /* another stream comes first at the root: the one that waits gets another number */
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/3", "account_opened", "{\"name\":\"bob\"}"),
                    RV_OK);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/7", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK_STATUS(rv_subscription_next(&subscriptions[0], 100, &event, &path, &err), RV_OK);
    RV_CHECK_TEXT(path, "/accounts/7");
    RV_CHECK_EQ(event.version, 1);
    RV_CHECK_STATUS(rv_subscription_next(&subscriptions[0], 100, &event, &path, &err), RV_END);
    RV_CHECK_STATUS(rv_subscription_next(&subscriptions[1], 100, &event, &path, &err), RV_OK);
    RV_CHECK_TEXT(path, "/accounts/3");
    /* what was opened twice is suspended; what was paid in is not */
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 1);
    RV_CHECK_EQ(balance_of(&p.edge, 7), 50);
    rv_pending pending;
    RV_CHECK(rv_node_pending(p.edge.node, 0, &pending));
    RV_CHECK_EQ(pending.state, RV_PENDING_SUSPENDED);
    RV_CHECK_STATUS(pending.reason, RV_ROW_EXISTS);
    RV_CHECK_STATUS(rv_node_pending_reason(p.edge.node, 1, &err), RV_ROW_EXISTS);
    RV_CHECK(strstr(err.facts, "\"aggregate\":\"account\"") != NULL);
    RV_CHECK_STATUS(rv_node_pending_reason(p.edge.node, 2, &err), RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 7), 50);
    pair_free(&p);
}

typedef struct refusal {
    const char *path, *type, *data;
    rv_status status;
} refusal;

static const refusal refusals[] = {
    {"/nothing/1", "deposited", "{\"amount\":1}", RV_UNKNOWN_STREAM},
    {"/accounts/1", "vanished", "{}", RV_UNKNOWN_EVENT_TYPE},
    {"/accounts/1", "deposited", "{\"amount\":\"many\"}", RV_VALUE_INVALID},
    {"/accounts/1", "deposited", "{\"amount\":0}", RV_CHECK_VIOLATION},
    {"/accounts/1", "deposited", "{}", RV_NOT_NULL_VIOLATION},
    {"/accounts/9", "deposited", "{\"amount\":1}", RV_UNKNOWN_REFERENCE},
    {"/accounts/1", "withdrawn", "{\"amount\":1000}", RV_CHECK_VIOLATION},
    {"/accounts/1", "account_opened", "{\"name\":\"twice\"}", RV_ROW_EXISTS},
    {"accounts", "account_opened", "{\"name\":\"no key\"}", RV_NO_KEYS},
};

RV_TEST(a_refusal_changes_nothing) {
    pair p = pair_of(EVERYTHING);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                    RV_OK);
    RV_CHECK(feed(&p));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
            const refusal *const r = &refusals[i];
            const rv_append events[2] = {
                fixture_event("/accounts/1", "deposited", "{\"amount\":5}"),
                fixture_event(r->path, r->type, r->data),
            };
            rv_event results[2];
            rv_written written;
            const rv_outbox_facts before = rv_node_outbox(p.edge.node);
            const int64_t balance = balance_of(&p.edge, 1);
            RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &written), r->status);
            RV_CHECK(strstr(p.edge.err.facts, "\"index\":1") != NULL);
            RV_CHECK_EQ(balance_of(&p.edge, 1), balance);
            const rv_outbox_facts after = rv_node_outbox(p.edge.node);
            RV_CHECK_EQ(after.bytes, before.bytes);
            RV_CHECK_EQ(after.next_sequence, before.next_sequence);
            RV_CHECK_EQ(rv_state_overlay_laid(rv_node_state(p.edge.node)), before.pending > 0);
        }
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    }
    const rv_writes none = {.events = NULL};
    rv_event result;
    rv_written written;
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &none, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    static rv_append many[RV_PUSH_EVENTS_MAX + 1];
    const rv_writes large = {.events = many, .count = RV_PUSH_EVENTS_MAX + 1};
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &large, &result, &written, &p.edge.err),
                    RV_BATCH_TOO_LARGE);
    RV_CHECK_STATUS(rv_node_receive_begin(p.edge.node, &p.edge.err), RV_OK);
    const rv_append one = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    const rv_writes writes = {.events = &one, .count = 1};
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err), RV_BUSY);
    rv_node_receive_cancel(p.edge.node);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 10);
    pair_free(&p);
}

RV_TEST(an_edge_that_never_met_its_upstream_has_no_schema) {
    fixture f = fixture_create(3);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_EDGE, EVERYTHING), RV_OK);
    RV_CHECK_STATUS(write_one(&f, "/accounts/1", "deposited", "{\"amount\":5}"), RV_NOT_CONNECTED);
    const rv_outbox_facts facts = rv_node_outbox(f.node);
    RV_CHECK_EQ(facts.incarnation, 0);
    RV_CHECK_EQ(facts.next_sequence, 1);
    fixture_free(&f);
}

RV_TEST(the_same_ids_are_answered_again) {
    pair p = pair_of(EVERYTHING);
    rv_append events[2] = {fixture_event("/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                           fixture_event("/accounts/1", "deposited", "{\"amount\":5}")};
    rv_event results[2];
    rv_written first, again;
    for (uint8_t i = 0; i < 2; i++) {
        events[i].has_event_id = true;
        memset(events[i].event_id, 0x11 + i, 16);
    }
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &first), RV_OK);
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &again), RV_OK);
    RV_CHECK_EQ(again.edge_sequence, first.edge_sequence);
    RV_CHECK_EQ(results[1].position, 0);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 5);
    /* not as this batch, and with other content */
    RV_CHECK_STATUS(write_all(&p.edge, events, 1, results, &again), RV_EVENT_ID_REUSED);
    RV_CHECK_STATUS(write_all(&p.edge, events + 1, 1, results, &again), RV_EVENT_ID_REUSED);
    const rv_append swapped[2] = {events[1], events[0]};
    RV_CHECK_STATUS(write_all(&p.edge, swapped, 2, results, &again), RV_EVENT_ID_REUSED);
    rv_append other[2] = {events[0], events[1]};
    other[1].data = RV_LITERAL("{\"amount\":6}");
    RV_CHECK_STATUS(write_all(&p.edge, other, 2, results, &again), RV_EVENT_ID_REUSED);
    other[1] = events[1];
    other[1].path = RV_LITERAL("/accounts/2");
    RV_CHECK_STATUS(write_all(&p.edge, other, 2, results, &again), RV_EVENT_ID_REUSED);
    other[0].has_event_id = false;
    RV_CHECK_STATUS(write_all(&p.edge, other, 2, results, &again), RV_EVENT_ID_REUSED);
    /* twice in one batch */
    memset(other[0].event_id, 0x33, 16);
    other[0].has_event_id = true;
    memset(other[1].event_id, 0x33, 16);
    other[0].path = RV_LITERAL("/accounts/2");
    RV_CHECK_STATUS(write_all(&p.edge, other, 2, results, &again), RV_EVENT_ID_REUSED);
    /* after opening again, and when they are in the log */
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &again), RV_OK);
    RV_CHECK_EQ(again.edge_sequence, first.edge_sequence);
    RV_CHECK_STATUS(fixture_append_all(p.root.node, events, 2, results, &p.root.err), RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 5);
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &again), RV_OK);
    RV_CHECK_EQ(again.edge_sequence, 0);
    RV_CHECK_EQ(results[1].position, 3);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 5);
    pair_free(&p);
}

/* The event of somebody else with the same id is not the one that waits. */
RV_TEST(another_event_with_the_id_is_not_an_arrival) {
    pair p = pair_of(EVERYTHING);
    rv_append ours = fixture_event("/accounts/1", "account_opened", "{\"name\":\"a\"}");
    ours.has_event_id = true;
    memset(ours.event_id, 0x44, 16);
    rv_append theirs = ours;
    theirs.data = RV_LITERAL("{\"name\":\"b\"}");
    rv_event result;
    rv_written written;
    RV_CHECK_STATUS(write_all(&p.edge, &ours, 1, &result, &written), RV_OK);
    RV_CHECK_STATUS(fixture_append_all(p.root.node, &theirs, 1, &result, &p.root.err), RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 1);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 1);
    pair_free(&p);
}

RV_TEST(what_is_not_covered_is_blind) {
    pair p = pair_of("/accounts/1");
    const rv_append events[2] = {
        fixture_event("/accounts/1", "account_opened", "{\"name\":\"a\"}"),
        fixture_event("/accounts/2", "deposited", "{\"amount\":5}"),
    };
    rv_event results[2];
    rv_written written;
    RV_CHECK_STATUS(write_all(&p.edge, &events[1], 1, results, &written), RV_OK);
    RV_CHECK(written.blind && written.unchecked);
    RV_CHECK_EQ(results[0].version, 0);
    RV_CHECK_EQ(balance_of(&p.edge, 2), -1);
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &written), RV_OK);
    RV_CHECK(written.blind && written.unchecked);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 0);
    rv_pending pending;
    RV_CHECK(rv_node_pending(p.edge.node, 1, &pending));
    RV_CHECK_EQ(pending.covered, 1);
    RV_CHECK_EQ(pending.count, 2);
    RV_CHECK_TEXT(pending.principal, "ada");
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    RV_CHECK(rv_node_pending_event(p.edge.node, &pending, &cursor, &event) && !event.blind);
    RV_CHECK_TEXT(event.path, "/accounts/1");
    RV_CHECK(rv_node_pending_event(p.edge.node, &pending, &cursor, &event) && event.blind);
    RV_CHECK(!rv_node_pending_event(p.edge.node, &pending, &cursor, &event));
    /* blind ones, too, leave when W has passed them */
    const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = 40};
    RV_CHECK_STATUS(decided(&p.edge, 1, &accepted), RV_OK);
    RV_CHECK_STATUS(decided(&p.edge, 2, &accepted), RV_OK);
    rv_outcome outcome;
    for (uint32_t passed = 0; passed < 2; passed++) {
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, passed > 0 ? 0 : 2);
        for (uint64_t i = 1; i <= 2; i++) {
            RV_CHECK(rv_node_outcome(p.edge.node, i, &outcome));
            RV_CHECK_EQ(outcome.kind, RV_OUTCOME_ACCEPTED);
            RV_CHECK_EQ(outcome.position, 40);
        }
        while (rv_node_watermark(p.root.node) < 40) {
            RV_CHECK_STATUS(
                fixture_append(&p.root, "accounts", "account_opened", "{\"name\":\"x\"}"), RV_OK);
        }
        RV_CHECK(passed > 0 || feed(&p));
    }
    RV_CHECK(!rv_node_outcome(p.edge.node, 3, &outcome));
    RV_CHECK(!rv_node_outcome(p.edge.node, 0, &outcome));
    pair_free(&p);
}

/* --- room --- */

/* Deposits until the outbox takes no more. */
static uint64_t fill(pair *p) {
    uint64_t count = 0;
    RV_ASSERT(p->edge.node != NULL);
    while (count < 100000 &&
           write_one(&p->edge, "/accounts/1", "deposited", "{\"amount\":1}") == RV_OK) {
        count += 1;
    }
    return count;
}

RV_TEST(a_full_outbox_has_room_for_every_decision) {
    pair p = pair_of(EVERYTHING);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                    RV_OK);
    RV_CHECK(feed(&p));
    const uint64_t count = fill(&p);
    RV_CHECK_STATUS(p.edge.err.status, RV_OUTBOX_FULL);
    RV_CHECK(count > 400);
    RV_CHECK_EQ(balance_of(&p.edge, 1), (int64_t)count);
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, count);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).durable, count);
    RV_CHECK_EQ(balance_of(&p.edge, 1), (int64_t)count);
    /* all refused, with as much to say as there can be */
    rv_decision refused = {.outcome = RV_DECIDED_REFUSED};
    (void)rv_error_set(&refused.refusal, RV_CHECK_VIOLATION, "no");
    memset(refused.refusal.detail, 'x', RV_ERROR_DETAIL_MAX - 1);
    refused.refusal.detail_len = RV_ERROR_DETAIL_MAX - 1;
    for (uint64_t i = count; i > 0; i--) {
        RV_CHECK_STATUS(decided(&p.edge, i, &refused), RV_OK);
    }
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).rejections, count);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 0);
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    uint64_t at = 0, whole = 0;
    rv_rejection r;
    while (rv_node_rejection(p.edge.node, at, &r)) {
        RV_CHECK_EQ(r.batch.edge_sequence, at + 1);
        RV_CHECK_STATUS(r.reason.status, RV_CHECK_VIOLATION);
        whole += r.reason.detail_len == RV_ERROR_DETAIL_MAX - 1;
        at = r.batch.edge_sequence;
    }
    RV_CHECK_EQ(at, count);
    RV_CHECK(whole > 10 && whole < count);
    /* acknowledged, there is room again */
    for (uint64_t i = 0; i < count; i++) {
        RV_CHECK(rv_node_rejection(p.edge.node, 0, &r));
        const uint64_t sequence = r.batch.edge_sequence;
        rv_status status = RV_BUSY;
        for (int n = 0; n < FIXTURE_POLLS_MAX && status != RV_OK; n++) {
            status = rv_node_rejection_forget(p.edge.node, sequence, &p.edge.err);
            fixture_poll(p.edge.node);
        }
    }
    RV_CHECK_STATUS(rv_node_rejection_forget(p.edge.node, 0, &p.edge.err), RV_NOT_FOUND);
    RV_CHECK_STATUS(rv_node_rejection_forget(p.edge.node, 1, &p.edge.err), RV_NOT_FOUND);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    pair_free(&p);
}

/* Thousands wait, in a node with more memory; a checkpoint comes, and it is opened by that. */
RV_TEST(thousands_are_there_after_opening) {
    pair p = pair_of(EVERYTHING);
    const size_t size = (size_t)64 << 20;
    free(p.edge.node_memory);
    p.edge.node_memory = malloc(size);
    rv_memory_host_reopen(p.edge.storage);
    RV_CHECK_STATUS(fixture_open_on(rv_memory_host_interface(p.edge.storage), p.edge.node_memory,
                                    size, RV_ROLE_EDGE, NULL, &p.edge.node, &p.edge.err),
                    RV_OK);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    for (int i = 0; i < 5000; i++) {
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    }
    const rv_hash128 hash = rv_node_state_hash(p.edge.node);
    for (int round = 0; round < 2; round++) {
        RV_CHECK(fixture_settle(p.edge.node));
        fixture_checkpoint_growth = round == 1 ? 1 : 0; /* written at once, and at closing */
        RV_CHECK_STATUS(fixture_close(p.edge.node, &p.edge.err), RV_END);
        rv_memory_host_reopen(p.edge.storage);
        RV_CHECK_STATUS(fixture_open_on(rv_memory_host_interface(p.edge.storage),
                                        p.edge.node_memory, size, RV_ROLE_EDGE, NULL, &p.edge.node,
                                        &p.edge.err),
                        RV_OK);
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 5001);
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 0);
        RV_CHECK_EQ(balance_of(&p.edge, 1), 5000);
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.edge.node), hash));
    }
    fixture_checkpoint_growth = 0;
    RV_CHECK_EQ(rv_node_checkpoint_of(p.edge.node)->opened_by, RV_OPENED_BY_CHECKPOINT);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/2", "account_opened", "{\"name\":\"b\"}"),
                    RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK_EQ(balance_of(&p.edge, 1), 5000);
    RV_CHECK_EQ(balance_of(&p.edge, 2), 0);
    pair_free(&p);
}

/* --- entries --- */

RV_TEST(entries_are_read_whole_or_not_at_all) {
    pair p = pair_of("/accounts/1");
    rv_append events[2] = {fixture_event("/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                           fixture_event("/accounts/2", "deposited", "{\"amount\":5}")};
    events[1].metadata = RV_LITERAL("{\"actor\":\"x\"}");
    rv_event results[2];
    rv_written written;
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &written), RV_OK);
    events[0] = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    events[0].expected = RV_EXPECTED_NUMBER;
    events[0].expected_version = 1;
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &written), RV_OK);
    const rv_ledger *const ledger = &p.edge.node->ledger;
    for (uint32_t i = 0; i < rv_ledger_count(ledger); i++) {
        const rv_ledger_entry entry = rv_ledger_at(ledger, i);
        uint8_t bytes[1024];
        rv_ledger_entry changed = entry;
        RV_CHECK(rv_pending_entry_valid(&entry) && entry.value.len < sizeof bytes);
        changed.value.ptr = bytes;
        memcpy(bytes, entry.value.ptr, entry.value.len);
        for (size_t len = 0; len < entry.value.len; len++) {
            changed.value.len = len;
            RV_CHECK(!rv_pending_entry_valid(&changed));
        }
        changed.value.len = entry.value.len + 1;
        bytes[entry.value.len] = 0;
        RV_CHECK(!rv_pending_entry_valid(&changed));
        changed.value.len = entry.value.len;
        for (size_t at = 0; at < entry.value.len; at++) { /* it is read, or it is not */
            for (unsigned bit = 0; bit < 8; bit++) {
                bytes[at] ^= (uint8_t)(1u << bit);
                const bool valid = rv_pending_entry_valid(&changed);
                RV_CHECK(valid || entry.kind != RV_LEDGER_PENDING || at < 2 || at > 3 || bit > 6 ||
                         bytes[at] != entry.value.ptr[at]);
                bytes[at] = entry.value.ptr[at];
            }
        }
    }
    rv_pending pending;
    uint64_t counted[4];
    RV_CHECK(rv_node_pending(p.edge.node, 1, &pending));
    RV_CHECK_EQ(rv_node_pending_counted(p.edge.node, &pending, counted, 4), 1);
    RV_CHECK_EQ(counted[0], 1);
    pair_free(&p);
}

/* --- sizes --- */

#define LARGE_MEMORY ((size_t)16 << 20)

/* What the first pending batch says, decided by a root. */
static rv_status push_first(pair *p, rv_decision *decision) {
    static rv_append events[RV_PUSH_EVENTS_MAX];
    static rv_event results[RV_PUSH_EVENTS_MAX];
    rv_pending batch;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    if (!rv_node_pending(p->edge.node, 0, &batch)) {
        return RV_NOT_FOUND;
    }
    rv_push push = {.edge = {.edge_id = {3}, .incarnation = 1},
                    .edge_sequence = batch.edge_sequence,
                    .written_at = batch.written_at,
                    .schema_version = batch.schema_version,
                    .events = events,
                    .count = batch.count};
    for (size_t i = 0; rv_node_pending_event(p->edge.node, &batch, &cursor, &event); i++) {
        events[i] = (rv_append){
            .path = event.path,
            .type = rv_schema_event_type(rv_node_schema(p->edge.node), event.type)->name,
            .data = event.data,
            .metadata = event.metadata,
            .has_event_id = true,
        };
        memcpy(events[i].event_id, event.event_id, 16);
    }
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_decide(p->root.node, &push, results, decision, &p->root.err);
        fixture_poll(p->root.node);
    }
    return status;
}

/* An edge with little memory, a root with much and another clock; streams with short paths, which
 * take less room in what waits than their events take in the log. */
static pair short_paths(void) {
    static const char schema[] =
        "CREATE AGGREGATE tally (id bigint PRIMARY KEY, n bigint NOT NULL DEFAULT 0);"
        "CREATE EVENT_TYPE began (id creates tally(id));"
        "CREATE EVENT_TYPE counted (id references tally(id), n bigint NOT NULL"
        " increments tally(n));"
        "CREATE STREAM tallies (path \"/{id}\", event_types (began, counted));";
    pair p = {.root = fixture_create(1), .edge = fixture_create(2), .pattern = "/*"};
    rv_event event;
    free(p.root.node_memory);
    p.root.node_memory = malloc(LARGE_MEMORY);
    rv_memory_host_set_clock(p.root.storage, INT64_C(1710000000000000));
    if (fixture_open_on(rv_memory_host_interface(p.root.storage), p.root.node_memory, LARGE_MEMORY,
                        RV_ROLE_ROOT, NULL, &p.root.node, &p.root.err) != RV_OK ||
        rv_node_schema_apply(p.root.node, rv_bytes_of_string(schema), &event, &p.root.err) !=
            RV_OK ||
        fixture_append(&p.root, "/1", "began", "{}") != RV_OK ||
        fixture_open(&p.edge, RV_ROLE_EDGE, p.pattern) != RV_OK || !feed(&p)) {
        abort();
    }
    return p;
}

/* Whatever an edge takes from its own application, it can take from the root. */
RV_TEST(what_was_written_can_be_received) {
    static rv_append events[RV_PUSH_EVENTS_MAX];
    static rv_event results[RV_PUSH_EVENTS_MAX];
    unsigned taken = 0, refused = 0;
    for (size_t pad = 20; pad < 120; pad += 3) {
        pair p = short_paths();
        char metadata[160];
        snprintf(metadata, sizeof metadata, "{\"a\":\"%0*u\"}", (int)pad, 7);
        for (size_t i = 0; i < RV_PUSH_EVENTS_MAX; i++) {
            events[i] = fixture_event("/1", "counted", "{\"n\":1}");
            events[i].metadata = rv_bytes_of_string(metadata);
        }
        rv_written written;
        rv_decision decision;
        const rv_status status = write_all(&p.edge, events, RV_PUSH_EVENTS_MAX, results, &written);
        if (status == RV_OK) {
            RV_CHECK_STATUS(push_first(&p, &decision), RV_OK);
            RV_CHECK_EQ(decision.outcome, RV_DECIDED_ACCEPTED);
            RV_CHECK(feed(&p));
            RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
            taken += 1;
        } else {
            RV_CHECK_STATUS(status, RV_BATCH_TOO_LARGE);
            refused += 1;
        }
        pair_free(&p);
    }
    RV_CHECK(taken > 3 && refused > 3);
}

/* --- refusals in a row --- */

/* A row of refusals, each because of the one before, folds what waits once. */
RV_TEST(a_refusal_of_what_is_suspended_folds_nothing) {
    pair p = pair_of(EVERYTHING);
    const rv_decision refused = {.outcome = RV_DECIDED_REFUSED,
                                 .refusal = {.status = RV_CHECK_VIOLATION}};
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/9", "account_opened", "{\"name\":\"b\"}"), RV_OK);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    for (int i = 0; i < 5; i++) {
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/9", "deposited", "{\"amount\":1}"), RV_OK);
    }
    RV_CHECK_STATUS(decided(&p.edge, 2, &refused), RV_OK);
    const uint64_t revision = rv_node_revision(p.edge.node);
    for (uint64_t i = 0; i < 5; i++) {
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 5 - i);
        RV_CHECK_STATUS(decided(&p.edge, 3 + 2 * i, &refused), RV_OK);
    }
    RV_CHECK_EQ(rv_node_revision(p.edge.node), revision);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 0);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 6);
    RV_CHECK_EQ(balance_of(&p.edge, 9), 5);
    RV_CHECK_EQ(balance_of(&p.edge, 1), -1);
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 9), 5);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 0);
    pair_free(&p);
}

/* --- entries that do not fit --- */

/* Puts an entry into the log, past the node. */
static bool forge(fixture *f, uint8_t kind, uint64_t sequence, rv_bytes value) {
    uint8_t key[RV_PENDING_KEY];
    rv_writer body;
    rv_pending_key(sequence, key);
    const rv_ledger_entry entry = {kind, {key, kind == RV_LEDGER_SELF ? 0 : sizeof key}, value};
    if (rv_node_ledger_begin(f->node, &body, &f->err) != RV_OK) {
        return false;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    const rv_status status = rv_ledger_put(&f->node->ledger, &changes, &entry);
    rv_node_ledger_commit(f->node, &body, NULL);
    return status == RV_OK && fixture_settle(f->node);
}

/* A batch under a number that was not given out yet, without an incarnation, or of an unknown type:
 * the node says so, and neither pushes nor writes over it. */
RV_TEST(what_waits_and_does_not_fit_is_damage) {
    static const uint8_t self[RV_SELF_SIZE] = {1, 0, 0, 0, 1};
    for (unsigned way = 0; way < 6; way++) {
        pair p = pair_of(EVERYTHING);
        const uint64_t counted = 9;
        uint8_t bytes[256];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        const rv_pending_head head = {INT64_C(1700000000000000), way == 3 ? 0 : 1,
                                      RV_LITERAL("ada"), 1};
        const rv_pending_event event = {.path = way == 4 ? RV_LITERAL("accounts/1")
                                                         : RV_LITERAL("/accounts/1"),
                                        .type = way == 2 ? 99 : 0,
                                        .data = RV_LITERAL("\x01")};
        rv_pending_write_head(&w, &head);
        rv_pending_write_event(&w, &event);
        rv_pending_write_counted(&w, &counted, way == 5);
        rv_pending_write_flags(&w, 0, 1);
        if (way > 0) {
            RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                            RV_OK);
        }
        RV_CHECK(way != 1 || forge(&p.edge, RV_LEDGER_SELF, 1, rv_bytes_of(self, sizeof self)));
        RV_CHECK(way == 1 || forge(&p.edge, RV_LEDGER_PENDING, 1, rv_writer_bytes(&w)));
        RV_CHECK_STATUS(reopen(&p.edge), RV_DATA_DAMAGED);
        RV_CHECK_STATUS(rv_node_failed(p.edge.node, NULL), RV_DATA_DAMAGED);
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}"),
                        RV_READ_ONLY);
        pair_free(&p);
    }
}

int main(void) {
    RV_RUN(what_waits_shows_in_rows_and_nowhere_else);
    RV_RUN(a_refusal_changes_nothing);
    RV_RUN(an_edge_that_never_met_its_upstream_has_no_schema);
    RV_RUN(the_same_ids_are_answered_again);
    RV_RUN(another_event_with_the_id_is_not_an_arrival);
    RV_RUN(what_is_not_covered_is_blind);
    RV_RUN(a_full_outbox_has_room_for_every_decision);
    RV_RUN(thousands_are_there_after_opening);
    RV_RUN(entries_are_read_whole_or_not_at_all);
    RV_RUN(what_was_written_can_be_received);
    RV_RUN(a_refusal_of_what_is_suspended_folds_nothing);
    RV_RUN(what_waits_and_does_not_fit_is_damage);
    return rv_test_done();
}
