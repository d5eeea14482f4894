/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what waits is found by its ids and by its streams, and what was refused by its ids,
 * whatever came and went before; also where more waits than the index has room for. Ids that are
 * given again are answered with what became of them. Method: random writes, decisions and
 * acknowledgements on an edge, against a list of what there is; every id that was ever written is
 * looked for, and what an expected version counts is compared with a walk over all that waits.
 */
#include "core/engine/waiting.h"

#include "tests/unit/core/outbox_pair.h"

#define BATCHES_MAX 4000u
#define STREAMS     5u

typedef enum fate { GONE, WAITS, REFUSED } fate;

typedef struct twin {
    pair p;
    uint64_t seed;
    uint32_t count; /* batches written; number n has edge sequence n */
    fate fates[BATCHES_MAX + 1];
    uint8_t events[BATCHES_MAX + 1];
    uint8_t stream[BATCHES_MAX + 1];
    uint32_t counted; /* pairs that were compared */
} twin;

static void id_of(uint32_t batch, uint32_t event, uint8_t *id) {
    memset(id, 0x5a, 16);
    rv_store_u32(id, batch);
    rv_store_u32(id + 4, event);
}

/* What an expected version of the stream counts, in a walk over everything. */
static void check_counted(twin *t, uint32_t batch) {
    rv_pending own;
    uint64_t counted[BATCHES_MAX];
    RV_CHECK(rv_node_pending(t->p.edge.node, batch - 1, &own));
    const uint32_t count = rv_node_pending_counted(t->p.edge.node, &own, counted, BATCHES_MAX);
    uint32_t at = 0;
    for (uint32_t i = 1; i < batch; i++) {
        rv_pending other;
        if (t->fates[i] == WAITS && t->stream[i] == t->stream[batch] &&
            rv_waiting_pending(t->p.edge.node, i, &other) && other.state == RV_PENDING_WAITING) {
            RV_CHECK(at < count && counted[at] == i);
            at += 1;
        }
    }
    RV_CHECK_EQ(at, count);
    t->counted += count;
}

static void write_batch(twin *t) {
    rv_append events[3];
    rv_event results[3];
    rv_written written;
    char path[32];
    const uint32_t batch = t->count + 1;
    const uint32_t stream = (uint32_t)(rv_test_random(&t->seed) % STREAMS) + 1;
    const uint32_t count = (uint32_t)(rv_test_random(&t->seed) % 3) + 1;
    snprintf(path, sizeof path, "/accounts/%u", stream);
    rv_stream_head head = {.version = 0};
    uint32_t number = 0;
    if (rv_state_stream_find(rv_node_state(t->p.edge.node), rv_bytes_of_string(path), &number)) {
        rv_state_stream(rv_node_state(t->p.edge.node), number, &head);
    }
    const bool numbered = rv_test_random(&t->seed) % 8 == 0;
    for (uint32_t i = 0; i < count; i++) {
        events[i] = fixture_event(path, "deposited", "{\"amount\":1}");
        events[i].has_event_id = true;
        id_of(batch, i, events[i].event_id);
    }
    if (numbered) {
        events[0].expected = RV_EXPECTED_NUMBER;
        events[0].expected_version = head.version;
    }
    const rv_status status = write_all(&t->p.edge, events, count, results, &written);
    if (status == RV_OUTBOX_FULL) {
        return;
    }
    RV_CHECK_STATUS(status, RV_OK);
    t->count = batch;
    t->fates[batch] = WAITS;
    t->events[batch] = (uint8_t)count;
    t->stream[batch] = (uint8_t)stream;
    if (numbered) {
        check_counted(t, batch);
    }
}

/* Some batch of this fate; 0: there is none near. */
static uint32_t some(twin *t, fate wanted) {
    uint32_t at = t->count == 0 ? 0 : (uint32_t)(rv_test_random(&t->seed) % t->count) + 1;
    for (uint32_t i = 0; at > 0 && i < 300; i++) {
        if (t->fates[at] == wanted) {
            return at;
        }
        at = at == t->count ? 1 : at + 1;
    }
    return 0;
}

static void forget(twin *t, uint32_t batch) {
    rv_status status = RV_BUSY;
    for (int n = 0; n < FIXTURE_POLLS_MAX && (status == RV_BUSY || status == RV_PENDING); n++) {
        status = rv_node_rejection_forget(t->p.edge.node, batch, &t->p.edge.err);
        fixture_poll(t->p.edge.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    t->fates[batch] = GONE;
}

/* Looks for one id, given or made up. */
static void look(twin *t, uint32_t batch, uint32_t event) {
    uint8_t id[16];
    rv_pending pending;
    rv_pending_event found;
    rv_rejection rejection;
    id_of(batch, event, id);
    const bool known = batch <= t->count && event < t->events[batch];
    const fate now = known ? t->fates[batch] : GONE;
    RV_CHECK_EQ(rv_outbox_find_id(t->p.edge.node, id, &pending, &found), now == WAITS);
    RV_CHECK(now != WAITS || (pending.edge_sequence == batch &&
                              memcmp(found.event_id, id, sizeof found.event_id) == 0));
    RV_CHECK_EQ(rv_node_rejection_of(t->p.edge.node, id, &rejection), now == REFUSED);
    RV_CHECK(now != REFUSED || rejection.batch.edge_sequence == batch);
}

static void look_for_all(twin *t) {
    for (uint32_t batch = 1; batch <= t->count + 3 && batch <= BATCHES_MAX;
         batch += RV_TEST_STRIDE) {
        look(t, batch, (uint32_t)(rv_test_random(&t->seed) % 3));
    }
}

/* One step; writing more than deciding for a while, then the other way around. */
static void step(twin *t, uint32_t nth) {
    static const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = 1};
    static const rv_decision refused = {.outcome = RV_DECIDED_REFUSED,
                                        .refusal = {.status = RV_CHECK_VIOLATION}};
    const bool fills = nth / 300 % 2 == 0;
    const uint64_t die = rv_test_random(&t->seed) % 10;
    uint32_t batch = 0;
    if (die < (fills ? 8u : 2u)) {
        if (t->count < BATCHES_MAX) {
            write_batch(t);
        }
    } else if (die < 9) {
        batch = some(t, WAITS);
        if (batch > 0) {
            const bool takes = rv_test_random(&t->seed) % 2 == 0;
            RV_CHECK_STATUS(decided(&t->p.edge, batch, takes ? &accepted : &refused), RV_OK);
            t->fates[batch] = takes ? GONE : REFUSED;
        }
    } else {
        batch = some(t, REFUSED);
        if (batch > 0) {
            forget(t, batch);
        }
    }
    look(t, (uint32_t)(rv_test_random(&t->seed) % (t->count + 2)) + 1,
         (uint32_t)(rv_test_random(&t->seed) % 3));
}

static void live(uint64_t seed, uint32_t entries) {
    static twin t;
    memset(&t, 0, sizeof t);
    t.p = pair_of(EVERYTHING);
    t.seed = seed;
    for (unsigned i = 1; i <= STREAMS; i++) {
        char path[32];
        snprintf(path, sizeof path, "/accounts/%u", i);
        RV_CHECK_STATUS(fixture_append(&t.p.root, path, "account_opened", "{\"name\":\"a\"}"),
                        RV_OK);
    }
    RV_CHECK(feed(&t.p));
    rv_waiting_index *const w = &t.p.edge.node->outbox.waiting;
    bool partial = false;
    w->cap = entries == 0 ? w->cap : entries;
    for (uint32_t i = 0; i < 1200; i++) {
        step(&t, i);
        partial = partial || w->partial > 0;
        if (i % 100 == 0) {
            look_for_all(&t);
        }
        if (i == 700) {
            RV_CHECK(fixture_settle(t.p.edge.node));
            RV_CHECK_STATUS(reopen(&t.p.edge), RV_OK);
            w->cap = entries == 0 ? w->cap : entries;
            rv_waiting_make(t.p.edge.node);
        }
    }
    look_for_all(&t);
    RV_CHECK(partial || entries != 64);
    RV_CHECK(t.counted > 500);
    pair_free(&t.p);
}

RV_TEST(what_waits_is_found) {
    live(1, 0);
    live(2, 0);
}

/* Room for far less than what waits, and room that has to be made again and again. */
RV_TEST(what_waits_is_found_without_room) {
    live(3, 64);
    live(4, 1024);
}

/* SEMANTICS 3: a refusal that nobody has taken note of is the first result. */
RV_TEST(ids_that_were_refused_are_refused_again) {
    pair p = pair_of(EVERYTHING);
    rv_append events[2] = {fixture_event("/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                           fixture_event("/accounts/1", "deposited", "{\"amount\":5}")};
    rv_event results[2];
    rv_written written;
    for (uint8_t i = 0; i < 2; i++) {
        events[i].has_event_id = true;
        memset(events[i].event_id, 0x11 + i, 16);
    }
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &written), RV_OK);
    rv_decision refused = {.outcome = RV_DECIDED_REFUSED};
    (void)rv_error_set(&refused.refusal, RV_CHECK_VIOLATION, "not so");
    rv_error_fact_uint(&refused.refusal, "index", 1);
    RV_CHECK_STATUS(decided(&p.edge, 1, &refused), RV_OK);
    for (unsigned round = 0; round < 2; round++) {
        RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &written), RV_CHECK_VIOLATION);
        RV_CHECK(strcmp(p.edge.err.detail, "not so") == 0);
        RV_CHECK(strcmp(p.edge.err.facts, "\"index\":1") == 0);
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).next_sequence, 2);
        /* with other content, or not as this batch */
        RV_CHECK_STATUS(write_all(&p.edge, events + 1, 1, results, &written), RV_EVENT_ID_REUSED);
        rv_append other[2] = {events[0], events[1]};
        other[1].data = RV_LITERAL("{\"amount\":6}");
        RV_CHECK_STATUS(write_all(&p.edge, other, 2, results, &written), RV_EVENT_ID_REUSED);
        RV_CHECK(fixture_settle(p.edge.node));
        RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    }
    rv_status status = RV_BUSY;
    for (int n = 0; n < FIXTURE_POLLS_MAX && status == RV_BUSY; n++) {
        status = rv_node_rejection_forget(p.edge.node, 1, &p.edge.err);
        fixture_poll(p.edge.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_STATUS(write_all(&p.edge, events, 2, results, &written), RV_OK);
    RV_CHECK_EQ(written.edge_sequence, 2);
    pair_free(&p);
}

/* A message that only moves W leaves what waits as it lies. */
RV_TEST(progress_folds_nothing) {
    pair p = pair_of(EVERYTHING);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    RV_CHECK(fixture_settle(p.edge.node));
    const uint64_t revision = rv_node_revision(p.edge.node);
    uint64_t watermark = rv_node_watermark(p.edge.node);
    const uint64_t chain = rv_log_chain(rv_node_log(p.edge.node));
    for (unsigned i = 0; i < 3; i++) {
        watermark += 7;
        RV_CHECK_STATUS(rv_node_receive_begin(p.edge.node, &p.edge.err), RV_OK);
        RV_CHECK(rv_state_overlay_laid(rv_node_state(p.edge.node)));
        if (i == 1) {
            rv_node_receive_cancel(p.edge.node);
            continue;
        }
        RV_CHECK_STATUS(rv_node_receive_commit(p.edge.node, watermark, chain, &p.edge.err), RV_OK);
        RV_CHECK_EQ(rv_node_watermark(p.edge.node), watermark);
        RV_CHECK(fixture_settle(p.edge.node));
    }
    RV_CHECK_EQ(rv_node_revision(p.edge.node), revision);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 5);
    /* what is accepted leaves with W, which folds */
    const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = watermark + 2};
    RV_CHECK_STATUS(decided(&p.edge, 2, &accepted), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_begin(p.edge.node, &p.edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_commit(p.edge.node, watermark + 1, chain, &p.edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 2);
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK_STATUS(rv_node_receive_begin(p.edge.node, &p.edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_commit(p.edge.node, watermark + 2, chain, &p.edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 1);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 0);
    RV_CHECK(rv_node_revision(p.edge.node) > revision);
    pair_free(&p);
}

/* Rows fill all pages: what is written then waits suspended, is pushed, and is there again after
 * opening with more memory. */
RV_TEST(what_finds_no_room_for_its_rows_waits_all_the_same) {
    pair p = pair_of(EVERYTHING);
    char data[64], path[32];
    rv_event result;
    rv_written written;
    unsigned count = 0;
    rv_status status = RV_OK;
    while (status == RV_OK && count < 100000) { /* until a page is missing */
        count += 1;
        snprintf(path, sizeof path, "/accounts/%u", count);
        snprintf(data, sizeof data, "{\"name\":\"n%u\"}", count);
        status = fixture_append(&p.root, path, "account_opened", data);
        if (count % 100 == 0) {
            status = status == RV_OK && !feed(&p) ? RV_END : status;
        }
    }
    rv_node_receive_cancel(p.edge.node);
    RV_CHECK(status == RV_END || status == RV_STATE_FULL);
    /* the root has the same memory: both are nearly full; the edge's overlay has to grow */
    status = RV_OK;
    rv_pending pending = {.state = RV_PENDING_WAITING};
    for (unsigned i = 0; i < 4000 && status == RV_OK && pending.state == RV_PENDING_WAITING; i++) {
        snprintf(path, sizeof path, "/accounts/%u", 200000 + i);
        const rv_append append = fixture_event(path, "account_opened", "{\"name\":\"new\"}");
        status = write_all(&p.edge, &append, 1, &result, &written);
        RV_CHECK(status != RV_OK ||
                 rv_node_pending(p.edge.node, written.edge_sequence - 1, &pending));
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_EQ(pending.state, RV_PENDING_SUSPENDED);
    RV_CHECK_STATUS(pending.reason, RV_STATE_FULL);
    RV_CHECK(written.unchecked && !written.blind);
    RV_CHECK_EQ(result.version, 0);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 1);
    RV_CHECK_STATUS(rv_node_pending_reason(p.edge.node, written.edge_sequence, &p.edge.err),
                    RV_STATE_FULL);
    RV_CHECK(fixture_settle(p.edge.node));
    const size_t size = (size_t)16 << 20;
    free(p.edge.node_memory);
    p.edge.node_memory = malloc(size);
    rv_memory_host_reopen(p.edge.storage);
    RV_CHECK_STATUS(fixture_open_on(rv_memory_host_interface(p.edge.storage), p.edge.node_memory,
                                    size, RV_ROLE_EDGE, NULL, &p.edge.node, &p.edge.err),
                    RV_OK);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, written.edge_sequence);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 0);
    pair_free(&p);
}

/* SEMANTICS 23: what refers to a row that a refused batch was to create is told so. */
RV_TEST(a_missing_row_is_traced_to_the_batch_that_was_refused) {
    pair p = pair_of(EVERYTHING);
    const rv_decision not_so = {.outcome = RV_DECIDED_REFUSED,
                                .refusal = {.status = RV_CHECK_VIOLATION}};
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/7", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    for (unsigned i = 0; i < 4; i++) {
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/7", "deposited", "{\"amount\":1}"), RV_OK);
    }
    static const struct {
        const char *aggregate, *key;
        rv_status status, expected;
    } cases[] = {
        {"account", "7", RV_UNKNOWN_REFERENCE, RV_DEPENDENCY_REJECTED},
        {"account", "70", RV_UNKNOWN_REFERENCE, RV_UNKNOWN_REFERENCE},
        {"note", "7", RV_UNKNOWN_REFERENCE, RV_UNKNOWN_REFERENCE},
        {"account", "7", RV_CHECK_VIOLATION, RV_CHECK_VIOLATION},
    };
    RV_CHECK_STATUS(decided(&p.edge, 1, &not_so), RV_OK);
    for (uint64_t i = 0; i < 4; i++) {
        rv_decision decision = {.outcome = RV_DECIDED_REFUSED};
        rv_rejection rejection;
        (void)rv_error_set(&decision.refusal, cases[i].status, "no row");
        rv_error_fact_text(&decision.refusal, "aggregate", rv_bytes_of_string(cases[i].aggregate));
        rv_error_fact_text(&decision.refusal, "key", rv_bytes_of_string(cases[i].key));
        rv_error_fact_uint(&decision.refusal, "index", 0);
        RV_CHECK_STATUS(decided(&p.edge, 2 + i, &decision), RV_OK);
        RV_CHECK(rv_node_rejection(p.edge.node, 1 + i, &rejection));
        RV_CHECK_STATUS(rejection.reason.status, cases[i].expected);
        const bool traced = cases[i].expected == RV_DEPENDENCY_REJECTED;
        RV_CHECK(!traced || strcmp(rejection.reason.facts,
                                   "\"edge_sequence\":1,\"cause\":\"check_violation\","
                                   "\"aggregate\":\"account\",\"key\":\"7\",\"index\":0") == 0);
        RV_CHECK(traced || strcmp(rejection.reason.facts, decision.refusal.facts) == 0);
    }
    pair_free(&p);
}

int main(void) {
    RV_RUN(a_missing_row_is_traced_to_the_batch_that_was_refused);
    RV_RUN(what_waits_is_found);
    RV_RUN(what_waits_is_found_without_room);
    RV_RUN(ids_that_were_refused_are_refused_again);
    RV_RUN(progress_folds_nothing);
    RV_RUN(what_finds_no_room_for_its_rows_waits_all_the_same);
    return rv_test_done();
}
