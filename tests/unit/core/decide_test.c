/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a root decides each batch that an edge pushes once, as it would judge an append, and gives
 * the same decision again until it is settled, in this life and the next; what cannot be decided
 * changes nothing. Method: batches that are encoded here by the root's own schema are pushed in all
 * orders, under several lives of an edge, with hostile bytes, and with a ledger that is full; after
 * each the node is opened again from what it has stored, which must say the same.
 */
#include "core/engine/decide.h"
#include "tests/unit/node_fixture.h"

#define WRITTEN_AT INT64_C(1600000000123456)

/* A push of up to four events, with the space for its data. */
typedef struct pushing {
    rv_push push;
    rv_append events[4];
    uint8_t data[4][256];
    uint64_t counted[4];
} pushing;

static pushing start(uint8_t edge, uint32_t incarnation, uint64_t edge_sequence) {
    pushing p = {.push = {.edge = {.incarnation = incarnation},
                          .edge_sequence = edge_sequence,
                          .written_at = WRITTEN_AT,
                          .schema_version = 1}};
    memset(p.push.edge.edge_id, edge, sizeof p.push.edge.edge_id);
    return p;
}

/* Adds an event, completed and encoded as an edge does it; its id is made of `id`. */
static void add(fixture *f, pushing *p, const char *path, const char *type, const char *json,
                unsigned id) {
    static uint8_t memory[65536];
    static rv_event_draft draft;
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_append *const e = &p->events[p->push.count];
    *e = fixture_event(path, type, json);
    e->has_event_id = true;
    memset(e->event_id, 0x40, sizeof e->event_id);
    memcpy(e->event_id, &id, sizeof id);
    memcpy(draft.event_id, e->event_id, sizeof e->event_id);
    const bool good = rv_event_draft_read(rv_node_schema(f->node), e->path, e->type, e->data,
                                          &scratch, &draft, &f->err) == RV_OK &&
                      rv_event_draft_complete(&draft, 0, &scratch, &f->err) == RV_OK;
    if (!good) {
        fprintf(stderr, "decide: %s\n", f->err.detail);
        abort();
    }
    rv_writer w = rv_writer_over(p->data[p->push.count], sizeof p->data[0]);
    rv_event_draft_encode(&draft, &w);
    e->data = rv_writer_bytes(&w);
    p->push.count += 1;
}

static rv_status decide(fixture *f, pushing *p, rv_decision *decision) {
    static rv_event results[RV_PUSH_EVENTS_MAX];
    rv_status status = RV_PENDING;
    p->push.events = p->events;
    p->push.counted = p->counted;
    for (size_t i = 0; i < p->push.count; i++) { /* the struct may have been copied */
        p->events[i].data.ptr = p->data[i];
    }
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_decide(f->node, &p->push, results, decision, &f->err);
        fixture_poll(f->node);
    }
    return status;
}

/* One event, decided. */
static rv_status one(fixture *f, uint64_t edge_sequence, const char *path, const char *type,
                     const char *json, rv_decision *decision) {
    pushing p = start(7, 1, edge_sequence);
    add(f, &p, path, type, json, (unsigned)edge_sequence);
    return decide(f, &p, decision);
}

/* The next life of the node, from what it has stored. */
static bool reopen(fixture *f) {
    const uint64_t watermark = rv_node_watermark(f->node);
    const rv_hash128 hash = rv_node_state_hash(f->node);
    if (!fixture_settle(f->node)) {
        return false;
    }
    rv_memory_host_reopen(f->storage);
    return fixture_open(f, RV_ROLE_ROOT, NULL) == RV_OK &&
           rv_node_watermark(f->node) == watermark &&
           fixture_hashes_equal(rv_node_state_hash(f->node), hash);
}

RV_TEST(what_is_accepted_is_appended_as_it_was_written) {
    fixture f = fixture_root(1);
    rv_decision d;
    pushing p = start(7, 1, 1);
    add(&f, &p, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", 1);
    add(&f, &p, "/accounts/5", "deposited", "{\"amount\":40}", 2);
    p.events[0].expected = RV_EXPECTED_NONE;
    p.events[1].expected = RV_EXPECTED_NUMBER;
    p.events[1].expected_version = 1;
    p.events[1].metadata = RV_LITERAL("{ \"actor\": \"ada\" }");
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_ACCEPTED);
    RV_CHECK_EQ(d.position, 3);
    RV_CHECK_EQ(d.sequence, 3);
    RV_CHECK_EQ(rv_node_watermark(f.node), 3);
    RV_CHECK_EQ(rv_node_last_decided(f.node, &p.push.edge), 1);
    for (int life = 0; life < 2; life++) {
        RV_CHECK(fixture_settle(f.node));
        RV_CHECK_EQ(rv_node_decisions_durable(f.node), rv_node_decisions_made(f.node));
        rv_subscription log;
        rv_event event;
        rv_bytes path;
        rv_subscription_open(&log, f.node, NULL, 0, 3);
        rv_status status = RV_PENDING;
        for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
            status = rv_subscription_next(&log, 10, &event, &path, &f.err);
            fixture_poll(f.node);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_TEXT(path, "/accounts/5");
        RV_CHECK_EQ(event.version, 2);
        RV_CHECK_EQ(event.written_at, WRITTEN_AT);
        RV_CHECK(event.recorded_at > WRITTEN_AT && event.batch_end && event.foreign_id);
        RV_CHECK(memcmp(event.event_id, p.events[1].event_id, 16) == 0);
        RV_CHECK_TEXT(event.metadata, "{\"actor\":\"ada\"}");
        RV_CHECK(rv_bytes_equal(event.data, p.events[1].data));
        /* and the same again is the same decision */
        RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
        RV_CHECK(d.outcome == RV_DECIDED_ACCEPTED && d.position == 3);
        RV_CHECK_EQ(rv_node_watermark(f.node), 3);
        RV_CHECK(reopen(&f));
    }
    fixture_free(&f);
}

RV_TEST(a_refusal_is_kept_until_it_is_settled) {
    fixture f = fixture_root(1);
    rv_decision d;
    pushing p = start(7, 1, 2);
    RV_CHECK_STATUS(one(&f, 1, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", &d), RV_OK);
    add(&f, &p, "/accounts/5", "deposited", "{\"amount\":40}", 2);
    add(&f, &p, "/accounts/5", "withdrawn", "{\"amount\":41}", 3);
    for (int life = 0; life < 2; life++) {
        RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
        RV_CHECK_EQ(d.outcome, RV_DECIDED_REFUSED);
        RV_CHECK_STATUS(d.refusal.status, RV_CHECK_VIOLATION);
        RV_CHECK(strstr(d.refusal.facts, "\"index\":1") != NULL);
        RV_CHECK_EQ(rv_node_watermark(f.node), 2);
        /* what would make it good comes too late */
        RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}"),
                        RV_OK);
        RV_CHECK_STATUS(rv_node_settle(f.node, &p.push.edge, 0, &f.err), RV_OK);
        RV_CHECK(reopen(&f));
        RV_CHECK_EQ(rv_node_watermark(f.node), 3);
        RV_CHECK(rv_node_decision(f.node, &p.push.edge, 2, &d));
        RV_CHECK_STATUS(d.refusal.status, RV_CHECK_VIOLATION);
        if (life == 0) {
            fixture_free(&f);
            f = fixture_root(1);
            RV_CHECK_STATUS(one(&f, 1, "/accounts/5", "account_opened", "{\"name\":\"a\"}", &d),
                            RV_OK);
        }
    }
    RV_CHECK_EQ(rv_node_unsettled(f.node, &p.push.edge), 2);
    RV_CHECK_STATUS(rv_node_settle(f.node, &p.push.edge, 2, &f.err), RV_OK);
    RV_CHECK(reopen(&f));
    RV_CHECK(!rv_node_decision(f.node, &p.push.edge, 2, &d));
    RV_CHECK_EQ(rv_node_unsettled(f.node, &p.push.edge), 0);
    RV_CHECK_EQ(rv_node_last_decided(f.node, &p.push.edge), 2);
    /* who pushes it after that has an old copy of the directory */
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_FORKED);
    fixture_free(&f);
}

RV_TEST(another_batch_under_a_known_number_is_a_fork) {
    fixture f = fixture_root(1);
    rv_decision d;
    pushing p = start(7, 1, 1);
    RV_CHECK_STATUS(one(&f, 1, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", &d), RV_OK);
    add(&f, &p, "/accounts/6", "account_opened", "{\"name\":\"eve\"}", 99);
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_FORKED);
    RV_CHECK_EQ(rv_node_watermark(f.node), 2);
    p.push.edge.incarnation = 2; /* as another life it is new, with holes before it */
    p.push.edge_sequence = 9;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK(d.outcome == RV_DECIDED_ACCEPTED && d.position == 3);
    RV_CHECK_EQ(rv_node_last_decided(f.node, &p.push.edge), 9);
    p.push.edge.incarnation = 3; /* once more, as after a fork before the decision came: known */
    p.push.edge_sequence = 4;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK(d.outcome == RV_DECIDED_ACCEPTED || f.err.status == RV_OK);
    RV_CHECK_EQ(d.position, 3);
    RV_CHECK_EQ(rv_node_watermark(f.node), 3);
    p.push.edge_sequence = 5; /* but not with other content */
    p.data[0][p.events[0].data.len - 1] ^= 1;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_REFUSED);
    RV_CHECK_STATUS(d.refusal.status, RV_EVENT_ID_REUSED);
    RV_CHECK(reopen(&f));
    RV_CHECK_EQ(rv_node_last_decided(f.node, &p.push.edge), 5);
    fixture_free(&f);
}

RV_TEST(what_is_in_the_log_stays_accepted_when_its_writer_may_not_write_any_more) {
    fixture f = fixture_root(1);
    rv_decision d;
    rv_error refusal;
    (void)rv_error_set(&refusal, RV_FORBIDDEN, "no right");
    pushing p = start(7, 1, 1);
    add(&f, &p, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", 1);
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK(d.outcome == RV_DECIDED_ACCEPTED && d.position == 2);
    p.push.edge.incarnation = 2; /* of a copy, or of who has gone back: it comes once more */
    p.push.refusal = &refusal;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_ACCEPTED);
    RV_CHECK_EQ(d.position, 2);
    p.push.edge_sequence = 2; /* what only has its id is refused for the right, and told nothing */
    p.data[0][p.events[0].data.len - 1] ^= 1;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_REFUSED);
    RV_CHECK_STATUS(d.refusal.status, RV_FORBIDDEN);
    pushing other = start(7, 2, 3);
    add(&f, &other, "/accounts/6", "account_opened", "{\"name\":\"eve\"}", 2);
    other.push.refusal = &refusal;
    RV_CHECK_STATUS(decide(&f, &other, &d), RV_OK);
    RV_CHECK_STATUS(d.refusal.status, RV_FORBIDDEN);
    RV_CHECK_EQ(rv_node_watermark(f.node), 2);
    fixture_free(&f);
}

RV_TEST(what_counts_on_a_refused_batch_is_refused) {
    fixture f = fixture_root(1);
    rv_decision d;
    RV_CHECK_STATUS(one(&f, 1, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", &d), RV_OK);
    RV_CHECK_STATUS(one(&f, 2, "/accounts/5", "withdrawn", "{\"amount\":1}", &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_REFUSED);
    pushing p = start(7, 1, 3);
    add(&f, &p, "/accounts/5", "deposited", "{\"amount\":1}", 3);
    p.push.counted_count = 1;
    p.counted[0] = 1;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_ACCEPTED);
    p = start(7, 1, 4);
    add(&f, &p, "/accounts/5", "deposited", "{\"amount\":1}", 4);
    p.push.counted_count = 2;
    p.counted[0] = 1;
    p.counted[1] = 2;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_STATUS(d.refusal.status, RV_DEPENDENCY_REJECTED);
    RV_CHECK(strstr(d.refusal.facts, "\"edge_sequence\":2,\"cause\":\"check_violation\"") != NULL);
    /* an edge leaves out what it knows to be accepted: what is settled and counted was not */
    RV_CHECK_STATUS(rv_node_settle(f.node, &p.push.edge, 4, &f.err), RV_OK);
    p = start(7, 1, 6);
    add(&f, &p, "/accounts/5", "deposited", "{\"amount\":1}", 6);
    p.push.counted_count = 1;
    p.counted[0] = 2;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_STATUS(d.refusal.status, RV_DEPENDENCY_REJECTED);
    RV_CHECK_EQ(rv_node_watermark(f.node), 3);
    fixture_free(&f);
}

/* A batch that counts itself counts what is no more. What is in the log stays accepted. */
RV_TEST(a_batch_that_counts_itself) {
    fixture f = fixture_root(1);
    rv_decision d;
    RV_CHECK_STATUS(one(&f, 1, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", &d), RV_OK);
    pushing p = start(7, 1, 2);
    add(&f, &p, "/accounts/5", "deposited", "{\"amount\":1}", 2);
    p.push.counted_count = 1;
    p.counted[0] = 2;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_REFUSED);
    RV_CHECK_STATUS(d.refusal.status, RV_DEPENDENCY_REJECTED);
    p = start(7, 2, 1); /* a copy of the directory */
    add(&f, &p, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", 1);
    p.push.counted_count = 1;
    p.counted[0] = 1;
    RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_ACCEPTED);
    RV_CHECK_EQ(d.position, 2);
    RV_CHECK_EQ(rv_node_watermark(f.node), 2);
    fixture_free(&f);
}

RV_TEST(what_is_wrong_with_a_batch_is_a_refusal) {
    fixture f = fixture_root(1);
    rv_decision d;
    rv_status expected[6] = {RV_SCHEMA_UNKNOWN,     RV_KEY_MISMATCH,  RV_UNKNOWN_STREAM,
                             RV_UNKNOWN_EVENT_TYPE, RV_VALUE_INVALID, RV_VERSION_CONFLICT};
    for (unsigned i = 0; i < 6; i++) {
        pushing p = start(7, 1, i + 1);
        add(&f, &p, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", i + 1);
        p.push.schema_version = i == 0 ? 2 : 1;
        p.events[0].path = i == 1   ? RV_LITERAL("/accounts/6")
                           : i == 2 ? RV_LITERAL("/banks/6")
                                    : p.events[0].path;
        p.events[0].type = i == 3 ? RV_LITERAL("closed") : p.events[0].type;
        p.events[0].data.len -= i == 4;
        p.events[0].expected = i == 5 ? RV_EXPECTED_EXISTS : RV_EXPECTED_ANY;
        RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
        RV_CHECK_EQ(d.outcome, RV_DECIDED_REFUSED);
        RV_CHECK_STATUS(d.refusal.status, expected[i]);
        RV_CHECK_EQ(rv_node_watermark(f.node), 1);
    }
    RV_CHECK(reopen(&f));
    fixture_free(&f);
}

RV_TEST(hostile_data_is_refused_or_right) {
    fixture f = fixture_root(1);
    rv_decision d;
    uint64_t random = 5;
    unsigned accepted = 0;
    for (unsigned i = 1; i <= 400; i++) {
        static const char *const types[] = {"account_opened", "deposited", "noted"};
        static const char *const data[] = {"{\"name\":\"ada\"}", "{\"amount\":40}",
                                           "{\"note_id\":3,\"body\":\"long enough\"}"};
        pushing p = start(7, 1, i);
        add(&f, &p, "/accounts/5", types[i % 3], data[i % 3], i);
        for (unsigned k = 0; k < i % 4; k++) {
            p.data[0][rv_test_random(&random) % p.events[0].data.len] =
                (uint8_t)rv_test_random(&random);
        }
        RV_CHECK_STATUS(decide(&f, &p, &d), RV_OK);
        accepted += d.outcome == RV_DECIDED_ACCEPTED;
        if (i % 50 == 0) {
            RV_CHECK_STATUS(rv_node_settle(f.node, &p.push.edge, i, &f.err), RV_OK);
            RV_CHECK(reopen(&f));
        }
    }
    RV_CHECK(accepted > 30);
    RV_CHECK_EQ(rv_node_watermark(f.node), accepted + 1);
    fixture_free(&f);
}

/* A batch of another edge for each number: every other one is refused. */
static rv_status of_edge(fixture *f, unsigned edge, rv_decision *d) {
    pushing p = start(0, 1, 3);
    memcpy(p.push.edge.edge_id, &edge, sizeof edge);
    add(f, &p, "/accounts/5", edge % 2 == 0 ? "account_opened" : "deposited",
        edge % 2 == 0 ? "{\"name\":\"ada\"}" : "{\"amount\":1}", edge + 1);
    return decide(f, &p, d);
}

static uint64_t last_of_edge(const fixture *f, unsigned edge) {
    rv_edge_life life = {.incarnation = 1};
    memcpy(life.edge_id, &edge, sizeof edge);
    return rv_node_last_decided(f->node, &life);
}

/* Edges that never come back do not stop the others: who was silent for longest is forgotten. */
RV_TEST(lives_that_were_silent_for_longest_make_room) {
    fixture f = fixture_root(1);
    rv_decision d;
    unsigned count = 0, known = 0;
    while (last_of_edge(&f, 0) == 3 || count == 0) {
        RV_CHECK_STATUS(of_edge(&f, count, &d), RV_OK);
        count += 1;
        RV_CHECK(count < 10000);
    }
    RV_CHECK(count > 100);
    for (unsigned i = 0; i < count; i++) {
        const bool there = last_of_edge(&f, i) == 3;
        RV_CHECK(there || known == 0); /* those before it, too */
        known += there;
    }
    RV_CHECK(known > count / 2 && known < count - 4);
    /* one that comes back: accepted as the first time, not twice; refused if it still is wrong */
    const uint64_t watermark = rv_node_watermark(f.node);
    RV_CHECK_STATUS(of_edge(&f, 1, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_ACCEPTED);
    RV_CHECK_EQ(d.position, 3);
    RV_CHECK_STATUS(of_edge(&f, 2, &d), RV_OK);
    RV_CHECK_EQ(d.outcome, RV_DECIDED_REFUSED);
    RV_CHECK_EQ(rv_node_watermark(f.node), watermark);
    for (unsigned i = 0; i < 3000; i++) {
        RV_CHECK_STATUS(of_edge(&f, count + i, &d), RV_OK);
    }
    RV_CHECK(reopen(&f));
    RV_CHECK_EQ(last_of_edge(&f, count + 2999), 3);
    RV_CHECK_EQ(last_of_edge(&f, 1), 0);
    fixture_free(&f);
}

/* One edge that settles nothing fills it alone: nothing more is decided until it does. */
RV_TEST(a_full_ledger_decides_nothing_until_something_is_settled) {
    fixture f = fixture_root(1);
    rv_decision d;
    rv_status status = one(&f, 1, "/accounts/5", "account_opened", "{\"name\":\"ada\"}", &d);
    uint64_t count = 1;
    while (status == RV_OK) {
        status = one(&f, count + 1, "/accounts/5", "deposited", "{\"amount\":1}", &d);
        count += status == RV_OK;
        RV_CHECK(count < 10000);
    }
    RV_CHECK_STATUS(status, RV_OUTBOX_FULL);
    RV_CHECK(count > 100);
    const uint64_t watermark = rv_node_watermark(f.node);
    RV_CHECK(reopen(&f));
    RV_CHECK_STATUS(one(&f, count + 1, "/accounts/5", "deposited", "{\"amount\":1}", &d),
                    RV_OUTBOX_FULL);
    RV_CHECK_EQ(rv_node_watermark(f.node), watermark);
    const pushing p = start(7, 1, 1);
    RV_CHECK_STATUS(rv_node_settle(f.node, &p.push.edge, 3, &f.err), RV_OK);
    RV_CHECK_STATUS(one(&f, count + 1, "/accounts/5", "deposited", "{\"amount\":1}", &d), RV_OK);
    RV_CHECK_EQ(d.position, watermark + 1);
    RV_CHECK(reopen(&f));
    fixture_free(&f);
}

int main(void) {
    RV_RUN(what_is_accepted_is_appended_as_it_was_written);
    RV_RUN(a_refusal_is_kept_until_it_is_settled);
    RV_RUN(another_batch_under_a_known_number_is_a_fork);
    RV_RUN(what_is_in_the_log_stays_accepted_when_its_writer_may_not_write_any_more);
    RV_RUN(what_counts_on_a_refused_batch_is_refused);
    RV_RUN(a_batch_that_counts_itself);
    RV_RUN(what_is_wrong_with_a_batch_is_a_refusal);
    RV_RUN(hostile_data_is_refused_or_right);
    RV_RUN(lives_that_were_silent_for_longest_make_room);
    RV_RUN(a_full_ledger_decides_nothing_until_something_is_settled);
    return rv_test_done();
}
