/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a log's ledger says that this version would not have written, of leases, decisions,
 * blocks of keys, batches that stand aside and pushes that are kept, stops nobody: the node opens
 * with it, what cannot be read is as if it were used up, refused or not there, and what is done
 * next is done. Method: entries put into the log of a root or an edge past the node, one wrong in
 * each way, and each that is cut at every length.
 */
#include "core/engine/decide.h"
#include "core/engine/epoch.h"
#include "core/engine/keys.h"
#include "core/engine/lease.h"
#include "core/engine/relay.h"
#include "tests/unit/core/forging.h"
#include "tests/unit/core/outbox_pair.h"

static rv_event results[2];

static rv_edge_life life_of(uint8_t edge) {
    rv_edge_life life = {.incarnation = 1};
    memset(life.edge_id, edge, sizeof life.edge_id);
    return life;
}

/* --- leases --- */

/* An entry of the first aggregate. */
typedef struct lease_entry {
    size_t key_len;
    uint64_t first, last;
    size_t value_len;
    rv_status lease;  /* what asking for a block comes to, */
    rv_status append; /* and a row that the root numbers */
} lease_entry;

static const lease_entry leases[] = {
    {RV_LEASE_KEY, 0, 1000, 8, RV_OK, RV_OK},
    {RV_LEASE_KEY, 0, UINT64_MAX, 8, RV_NO_KEYS, RV_VALUE_OUT_OF_RANGE},
    {RV_LEASE_KEY, 0, INT32_MAX, 8, RV_NO_KEYS, RV_VALUE_OUT_OF_RANGE},
    {RV_LEASE_KEY, 0, 1000, 7, RV_OK, RV_OK},
    {RV_LEASE_KEY, 5, 4, 28, RV_OK, RV_OK},
    {RV_LEASE_KEY, 5, UINT64_MAX, 28, RV_OK, RV_OK},
    {RV_LEASE_KEY, 5, 9, 27, RV_OK, RV_OK},
    {RV_LEASE_KEY, 5, 9, 28, RV_OK, RV_OK},
    {RV_LEASE_KEY - 1, 5, 9, 28, RV_OK, RV_OK},
    {RV_LEASE_KEY + 1, 0, 9, 28, RV_OK, RV_OK},
};

static bool forge_lease(fixture *f, const lease_entry *e) {
    uint8_t key[RV_LEDGER_KEY_MAX] = {0};
    uint8_t bytes[64] = {7};
    (void)rv_lease_key(key, 0, e->first);
    rv_store_u32(bytes + 16, 1);
    rv_store_u64(e->value_len == 8 ? bytes : bytes + 20, e->last);
    return forge_entry(f, RV_LEDGER_LEASE, rv_bytes_of(key, e->key_len),
                       rv_bytes_of(bytes, e->value_len));
}

RV_TEST(leases_that_do_not_fit) {
    for (size_t i = 0; i < sizeof leases / sizeof leases[0]; i += 1) {
        fixture f = fixture_root(1);
        const rv_lease_request request = {.edge = life_of(9), .count = 256};
        rv_lease lease;
        RV_CHECK(forge_lease(&f, &leases[i]));
        RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
        RV_CHECK_STATUS(rv_node_lease(f.node, &request, &lease, &f.err), leases[i].lease);
        RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"a\"}"),
                        leases[i].append);
        const rv_status one =
            fixture_append(&f, "/accounts/5", "account_opened", "{\"name\":\"a\"}");
        RV_CHECK(one == RV_OK || one == RV_KEY_LEASED);
        RV_CHECK_STATUS(rv_node_epoch_begin(f.node, &f.err), RV_OK);
        RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
        fixture_free(&f);
    }
}

/* --- decisions --- */

static rv_bytes decision_of(uint8_t *memory, size_t cap, rv_decided outcome, size_t facts_len) {
    static const uint8_t id[16] = {0x55};
    rv_decision decision = {.outcome = outcome, .position = 300};
    rv_writer w = rv_writer_over(memory, cap);
    (void)rv_error_set(&decision.refusal, RV_CHECK_VIOLATION, "no");
    decision.refusal.facts_len = facts_len;
    memset(decision.refusal.facts, 'x', facts_len);
    rv_decision_write(&w, id, &decision);
    return rv_writer_bytes(&w);
}

/* The decision of a push whose first event has the id that the entries have. */
static rv_status ask_again(fixture *f, rv_decision *decision) {
    rv_append event = fixture_event("/accounts/1", "deposited", "");
    event.has_event_id = true;
    event.event_id[0] = 0x55;
    const rv_push push = {.edge = life_of(7),
                          .edge_sequence = 1,
                          .written_at = 1,
                          .schema_version = 1,
                          .events = &event,
                          .count = 1};
    return rv_node_decide(f->node, &push, results, decision, &f->err);
}

RV_TEST(decisions_that_are_cut) {
    uint8_t memory[512], bytes[512], key[RV_DECISION_KEY];
    const rv_edge_life life = life_of(7);
    for (int refused = 0; refused < 2; refused += 1) {
        const rv_bytes whole = decision_of(memory, sizeof memory, (rv_decided)refused, 5);
        fixture f = fixture_root(1);
        for (size_t len = 0; len <= whole.len; len += 1) {
            rv_decision decision;
            uint8_t last[2] = {1};
            const size_t life_len = len % 3; /* nothing, without W, or with half of it */
            last[1] = 0x80;
            memcpy(bytes, whole.ptr, len);
            RV_CHECK(forge_entry(&f, RV_LEDGER_EDGE,
                                 rv_bytes_of(rv_decision_key(key, &life, 1).ptr, RV_EDGE_KEY),
                                 rv_bytes_of(last, life_len)));
            RV_CHECK(forge_entry(&f, RV_LEDGER_DECISION, rv_decision_key(key, &life, 1),
                                 rv_bytes_of(bytes, len)));
            RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
            RV_CHECK_EQ(rv_node_last_decided(f.node, &life), life_len > 0);
            RV_CHECK(rv_node_decision(f.node, &life, 1, &decision));
            RV_CHECK_EQ(decision.outcome,
                        len == whole.len ? (rv_decided)refused : RV_DECIDED_REFUSED);
            RV_CHECK(len == whole.len || decision.refusal.status == RV_DATA_DAMAGED);
            RV_CHECK_STATUS(ask_again(&f, &decision), RV_OK);
            RV_CHECK_EQ(decision.outcome == RV_DECIDED_FORKED, len < 16);
        }
        RV_CHECK_STATUS(rv_node_settle(f.node, &life, 1, &f.err), RV_OK);
        fixture_free(&f);
    }
}

/* What is known of an edge, cut, and with an owner that is longer than the value: the next push is
 * decided all the same. */
RV_TEST(lives_that_are_cut) {
    static const uint8_t whole[] = {1, 1, 3, 'a', 'd', 'a'};
    uint8_t key[RV_DECISION_KEY];
    const rv_edge_life life = life_of(7);
    for (size_t len = 1; len <= sizeof whole; len += 1) {
        fixture f = fixture_root(1);
        rv_bytes owner = {NULL, 0};
        RV_CHECK(forge_entry(&f, RV_LEDGER_EDGE,
                             rv_bytes_of(rv_decision_key(key, &life, 1).ptr, RV_EDGE_KEY),
                             rv_bytes_of(whole, len)));
        RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
        RV_CHECK_EQ(rv_node_last_decided(f.node, &life), 1);
        RV_CHECK_EQ(rv_node_edge_owner(f.node, life.edge_id, &owner), len == sizeof whole);
        fixture_free(&f);
    }
}

/* What a later version says: a code that is not known, more facts than there is room for. */
RV_TEST(decisions_that_say_more) {
    static const struct {
        const char *code;
        size_t code_len, facts_len;
        rv_status status;
    } cases[] = {
        {"check_violation", 15, 0, RV_CHECK_VIOLATION},
        {"check_violation", 15, RV_ERROR_FACTS_MAX - 1, RV_CHECK_VIOLATION},
        {"check_violation", 15, RV_ERROR_FACTS_MAX, RV_UNSUPPORTED},
        {"of_a_later_version", 18, 9, RV_UNSUPPORTED},
        {"ok", 2, 9, RV_UNSUPPORTED},
        {"a code that is longer than any code there is, and than 64 bytes of it", 69, 9,
         RV_UNSUPPORTED},
    };
    uint8_t key[RV_DECISION_KEY];
    static uint8_t facts[RV_ERROR_FACTS_MAX];
    const rv_edge_life life = life_of(7);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += 1) {
        fixture f = fixture_root(1);
        uint8_t bytes[1024] = {0x55};
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_decision decision;
        w.len = 16;
        rv_write_u8(&w, RV_DECIDED_REFUSED);
        rv_write_blob(&w, rv_bytes_of((const uint8_t *)cases[i].code, cases[i].code_len));
        rv_write_blob(&w, RV_LITERAL("as it was said"));
        rv_write_blob(&w, rv_bytes_of(facts, cases[i].facts_len));
        RV_CHECK(forge_entry(&f, RV_LEDGER_DECISION, rv_decision_key(key, &life, 1),
                             rv_writer_bytes(&w)));
        RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
        RV_CHECK(rv_node_decision(f.node, &life, 1, &decision));
        RV_CHECK_EQ(decision.outcome, RV_DECIDED_REFUSED);
        RV_CHECK_STATUS(decision.refusal.status, cases[i].status);
        fixture_free(&f);
    }
}

/* --- an edge --- */

typedef struct block {
    uint64_t first, last, next;
    size_t value_len;
    bool has; /* keys that can be assigned */
} block;

static const block blocks[] = {
    {50, 59, 50, 28, true},          {50, 59, 59, 28, true},  {50, 59, 60, 28, false},
    {50, 59, 61, 28, false},         {50, 59, 49, 28, false}, {50, 49, 50, 28, false},
    {50, UINT64_MAX, 50, 28, false}, {0, 59, 50, 28, false},  {50, 59, 50, 27, false},
    {50, 59, 50, 29, false},         {50, 59, 50, 0, false},
};

RV_TEST(blocks_of_keys_that_do_not_fit) {
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i += 1) {
        pair p = pair_of(EVERYTHING);
        uint8_t key[RV_LEASE_KEY], value[32] = {0};
        RV_CHECK_STATUS(rv_node_keys_prepare(p.edge.node, &p.edge.err), RV_OK);
        rv_store_u64(value, blocks[i].last);
        rv_store_u64(value + 8, blocks[i].next);
        rv_store_u32(value + 16, rv_node_outbox(p.edge.node).incarnation);
        RV_CHECK(fixture_settle(p.edge.node));
        RV_CHECK(forge_entry(&p.edge, RV_LEDGER_KEYS, rv_lease_key(key, 0, blocks[i].first),
                             rv_bytes_of(value, blocks[i].value_len)));
        RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
        RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0) > 0, blocks[i].has);
        RV_CHECK_STATUS(write_one(&p.edge, "accounts", "account_opened", "{\"name\":\"a\"}"),
                        blocks[i].has ? RV_OK : RV_NO_KEYS);
        /* a block that comes now is taken all the same, unless it is above no other */
        const rv_keys_wish wish = {.incarnation = rv_node_outbox(p.edge.node).incarnation};
        const rv_lease lease = {.first = 1000, .count = 256};
        RV_CHECK_STATUS(rv_node_keys_take(p.edge.node, &wish, &lease, &p.edge.err), RV_OK);
        RV_CHECK_STATUS(write_one(&p.edge, "accounts", "account_opened", "{\"name\":\"b\"}"),
                        RV_OK);
        pair_free(&p);
    }
}

/* Batch 1 was refused, and is forgotten; batch 2 waits. */
static void gone_and_waiting(fixture *edge) {
    rv_append event = fixture_event("/accounts/7", "account_opened", "{\"name\":\"ada\"}");
    rv_written written;
    rv_decision no = {.outcome = RV_DECIDED_REFUSED};
    (void)rv_error_set(&no.refusal, RV_CHECK_VIOLATION, "no");
    event.has_event_id = true;
    memset(event.event_id, 0x66, sizeof event.event_id);
    RV_CHECK_STATUS(write_all(edge, &event, 1, results, &written), RV_OK);
    RV_CHECK_STATUS(decided(edge, 1, &no), RV_OK);
    RV_CHECK_STATUS(rv_node_rejection_forget(edge->node, 1, &edge->err), RV_OK);
    RV_CHECK_STATUS(write_one(edge, "/accounts/7", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
}

/* What stands aside as something that it cannot be, or under a key that is none, stays there. */
RV_TEST(batches_aside_that_do_not_fit) {
    for (uint8_t kind = 0; kind < 6; kind += 1) {
        pair p = pair_of(EVERYTHING);
        uint8_t key[1 + RV_PENDING_KEY] = {kind};
        uint8_t value[600] = {4, 'c', 'o', 'd', 'e'};
        const size_t key_len = kind == 5 ? 4 : sizeof key;
        rv_bytes batch = {NULL, 0};
        key[8] = 2;
        gone_and_waiting(&p.edge);
        RV_CHECK(rv_ledger_get(&p.edge.node->ledger, RV_LEDGER_PENDING,
                               rv_bytes_of(key + 1, RV_PENDING_KEY), &batch));
        memcpy(value + (kind == RV_LEDGER_REJECTION ? 7 : 0), batch.ptr, batch.len);
        const size_t len = batch.len + (kind == RV_LEDGER_REJECTION ? 7 : 0) - (kind == 4);
        key[0] = kind == 4 ? RV_LEDGER_PENDING : kind;
        key[8] = 1;
        RV_CHECK(fixture_settle(p.edge.node));
        RV_CHECK(forge_entry(&p.edge, RV_LEDGER_BACK, rv_bytes_of(key, key_len),
                             rv_bytes_of(value, len)));
        RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
        for (int i = 0; i < 10; i++) {
            fixture_poll(p.edge.node);
        }
        const bool good = kind == RV_LEDGER_PENDING || kind == RV_LEDGER_REJECTION;
        const rv_outbox_facts facts = rv_node_outbox(p.edge.node);
        RV_CHECK_EQ(facts.held_back, !good);
        RV_CHECK_EQ(facts.pending, 1 + (kind == RV_LEDGER_PENDING));
        RV_CHECK_EQ(facts.rejections, kind == RV_LEDGER_REJECTION);
        RV_CHECK_STATUS(write_one(&p.edge, "/accounts/7", "deposited", "{\"amount\":5}"), RV_OK);
        pair_free(&p);
    }
}

/* At a gateway: a decision without the id of what was pushed, and lives that are none. */
RV_TEST(what_a_gateway_keeps_that_does_not_fit) {
    pair p = pair_of(EVERYTHING);
    uint8_t key[RV_DECISION_KEY];
    static const uint8_t id[16] = {0x55};
    rv_edge_life life = life_of(7), met = {.incarnation = 0};
    rv_relay push;
    RV_CHECK(forge_entry(&p.edge, RV_LEDGER_DECISION, rv_decision_key(key, &life, 1),
                         rv_bytes_of(id, 15)));
    RV_CHECK(forge_entry(&p.edge, RV_LEDGER_DECISION, rv_decision_key(key, &life, 2),
                         rv_bytes_of(id, 16)));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    RV_CHECK_EQ(rv_node_relay_state(p.edge.node, &life, 1, id), RV_RELAY_OTHER);
    RV_CHECK_EQ(rv_node_relay_state(p.edge.node, &life, 2, id), RV_RELAY_DECIDED);
    RV_CHECK_EQ(rv_node_relay_state(p.edge.node, &life, 3, id), RV_RELAY_UNKNOWN);
    RV_CHECK(rv_node_relay_decided_life(p.edge.node, &met, &met));
    RV_CHECK(!rv_node_relay_life(p.edge.node, &(rv_edge_life){.incarnation = 0}, &met));
    RV_CHECK(!rv_node_relay_next(p.edge.node, &life, 0, &push));
    RV_CHECK(!rv_node_relay_next(p.edge.node, &life, UINT64_MAX, &push));
    (void)rv_decision_key(key, &life, 3);
    memset(key, 0, sizeof key);
    key[RV_DECISION_KEY - 1] = 1;
    RV_CHECK(forge_entry(&p.edge, RV_LEDGER_DECISION, rv_bytes_of(key, sizeof key),
                         rv_bytes_of(id, 16)));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    RV_CHECK(!rv_node_relay_decided_life(p.edge.node, &(rv_edge_life){.incarnation = 0}, &met));
    const rv_relay keeps = {.edge = life, .edge_sequence = 4, .body = RV_LITERAL("a push")};
    RV_CHECK_STATUS(rv_node_relay_keep(p.edge.node, &keeps, &p.edge.err), RV_OK);
    RV_CHECK(rv_node_relay_next(p.edge.node, &life, 0, &push) && push.edge_sequence == 4);
    RV_CHECK_EQ(rv_node_relay_facts(p.edge.node).pushes, 1);
    RV_CHECK(forge_entry(&p.edge, 30, rv_bytes_of(key, sizeof key), rv_bytes_of(id, 16)));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK); /* with a kind of a later version behind it */
    RV_CHECK(rv_node_relay_next(p.edge.node, &life, 0, &push) && push.durable);
    RV_CHECK_EQ(rv_node_relay_facts(p.edge.node).pushes, 1);
    RV_CHECK(!rv_node_relay_next(p.edge.node, &life, 4, &push));
    RV_CHECK(!rv_node_relay_life(p.edge.node, &life, &met));
    RV_CHECK_STATUS(rv_node_relay_drop(p.edge.node, &life, &p.edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_relay_drop(p.edge.node, &life, &p.edge.err), RV_OK);
    const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = 9};
    RV_CHECK_STATUS(rv_node_relay_decide(p.edge.node, &life, 4, &accepted, &p.edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_relay_facts(p.edge.node).pushes, 0);
    pair_free(&p);
}

int main(void) {
    RV_RUN(leases_that_do_not_fit);
    RV_RUN(decisions_that_are_cut);
    RV_RUN(lives_that_are_cut);
    RV_RUN(decisions_that_say_more);
    RV_RUN(blocks_of_keys_that_do_not_fit);
    RV_RUN(batches_aside_that_do_not_fit);
    RV_RUN(what_a_gateway_keeps_that_does_not_fit);
    return rv_test_done();
}
