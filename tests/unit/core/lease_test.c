/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: blocks of keys are granted once, above all that was; the root assigns none of their keys
 * and takes none of them from anybody but their edge; an answer that was lost is given again; and
 * all this holds in the next life. Method: a root is asked by several edges between appends with
 * and without keys, against a twin that knows each key's owner; keys of a smallserial are asked for
 * until there are no more.
 */
#include "core/engine/lease.h"
#include "tests/unit/node_fixture.h"

#define KEYS_MAX 40000 /* that the twin knows */

static rv_lease_request ask_for(uint8_t edge, uint32_t incarnation, uint64_t known, uint64_t done,
                                uint64_t count) {
    rv_lease_request r = {.edge = {.incarnation = incarnation},
                          .aggregate = 0,
                          .known = known,
                          .done = done,
                          .count = count};
    memset(r.edge.edge_id, edge, sizeof r.edge.edge_id);
    return r;
}

static rv_status lease(fixture *f, const rv_lease_request *r, rv_lease *lease) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_lease(f->node, r, lease, &f->err);
        fixture_poll(f->node);
    }
    return status;
}

/* Opens an account: with this key, or 0: with the root's. The key that it got. */
static rv_status create(fixture *f, uint64_t key, uint64_t *got) {
    char path[64] = "accounts";
    if (key != 0) {
        snprintf(path, sizeof path, "/accounts/%llu", (unsigned long long)key);
    }
    const rv_append e = fixture_event(path, "account_opened", "{\"name\":\"a\"}");
    rv_event result;
    const rv_status status = fixture_append_all(f->node, &e, 1, &result, &f->err);
    if (status == RV_OK) {
        rv_stream_head head;
        rv_state_stream(rv_node_state(f->node), result.stream, &head);
        char text[64] = {0};
        memcpy(text, head.path.ptr, head.path.len < 63 ? head.path.len : 63);
        *got = strtoull(text + strlen("/accounts/"), NULL, 10);
    }
    return status;
}

static bool reopen(fixture *f) {
    if (!fixture_settle(f->node)) {
        return false;
    }
    rv_memory_host_reopen(f->storage);
    return fixture_open(f, RV_ROLE_ROOT, NULL) == RV_OK;
}

RV_TEST(a_block_is_its_edges_alone) {
    fixture f = fixture_root(1);
    uint64_t key = 0;
    rv_lease a;
    rv_lease b;
    RV_CHECK_STATUS(create(&f, 0, &key), RV_OK);
    RV_CHECK_EQ(key, 1);
    rv_lease_request r = ask_for(7, 1, 0, 0, 256);
    RV_CHECK_STATUS(lease(&f, &r, &a), RV_OK);
    RV_CHECK_EQ(a.first, 2);
    RV_CHECK_EQ(a.count, 256);
    rv_lease_request other = ask_for(8, 1, 0, 0, 1000);
    RV_CHECK_STATUS(lease(&f, &other, &b), RV_OK);
    RV_CHECK_EQ(b.first, 258);
    RV_CHECK_EQ(b.count, 1000);
    for (int life = 0; life < 2; life++) {
        const rv_lease_sum sum = rv_node_lease_sum(f.node, 0);
        RV_CHECK(sum.blocks == 2 && sum.keys == 1256 && sum.last == 1257);
        /* the answer was lost: the same block again */
        rv_lease again;
        RV_CHECK_STATUS(lease(&f, &r, &again), RV_OK);
        RV_CHECK(again.first == a.first && again.count == a.count);
        RV_CHECK_STATUS(create(&f, 2, &key), RV_KEY_LEASED);
        RV_CHECK(strstr(f.err.facts, "\"key\":2,\"first\":2,\"last\":257") != NULL);
        RV_CHECK_STATUS(create(&f, 257, &key), RV_KEY_LEASED);
        RV_CHECK_STATUS(create(&f, 1257, &key), RV_KEY_LEASED);
        RV_CHECK_STATUS(create(&f, 0, &key), RV_OK);
        RV_CHECK_EQ(key, 1258 + (unsigned)life);
        RV_CHECK_STATUS(rv_node_lease_check(f.node, 0, 2, r.edge.edge_id, NULL), RV_OK);
        RV_CHECK_STATUS(rv_node_lease_check(f.node, 0, 258, r.edge.edge_id, NULL), RV_KEY_LEASED);
        RV_CHECK_STATUS(rv_node_lease_check(f.node, 0, 258, other.edge.edge_id, NULL), RV_OK);
        RV_CHECK(reopen(&f));
    }
    /* what is done with becomes as any other key: given, not assigned */
    r.known = a.first;
    RV_CHECK_STATUS(lease(&f, &r, &b), RV_OK);
    RV_CHECK_EQ(b.first, 1260);
    r.known = b.first;
    r.done = b.first;
    RV_CHECK_STATUS(lease(&f, &r, &b), RV_OK);
    const rv_lease_sum sum = rv_node_lease_sum(f.node, 0); /* the first is done with */
    RV_CHECK(sum.blocks == 3 && sum.last == b.first + b.count - 1);
    RV_CHECK_STATUS(create(&f, 2, &key), RV_OK);
    RV_CHECK_STATUS(create(&f, 258, &key), RV_KEY_LEASED);
    RV_CHECK_STATUS(create(&f, 0, &key), RV_OK);
    RV_CHECK_EQ(key, b.first + b.count);
    fixture_free(&f);
}

RV_TEST(a_push_brings_keys_of_its_own_block) {
    fixture f = fixture_root(1);
    rv_lease a;
    const rv_lease_request r = ask_for(7, 1, 0, 0, 256);
    RV_CHECK_STATUS(lease(&f, &r, &a), RV_OK);
    static rv_event_draft draft;
    static uint8_t memory[65536];
    static rv_event results[1];
    for (uint8_t edge = 8; edge >= 7; edge--) {
        uint8_t data[256];
        rv_arena scratch = rv_arena_over(memory, sizeof memory);
        rv_writer w = rv_writer_over(data, sizeof data);
        rv_append e = fixture_event("/accounts/5", "account_opened", "{\"name\":\"ada\"}");
        e.has_event_id = true;
        memset(e.event_id, edge, sizeof e.event_id);
        RV_CHECK_STATUS(rv_event_draft_read(rv_node_schema(f.node), e.path, e.type, e.data,
                                            &scratch, &draft, &f.err),
                        RV_OK);
        RV_CHECK_STATUS(rv_event_draft_complete(&draft, 0, &scratch, &f.err), RV_OK);
        rv_event_draft_encode(&draft, &w);
        e.data = rv_writer_bytes(&w);
        /* another life of the edge may, too: what a copy wrote before it was known as one */
        rv_push push = {.edge = {.incarnation = 2},
                        .edge_sequence = 1,
                        .written_at = 1,
                        .schema_version = 1,
                        .events = &e,
                        .count = 1};
        memset(push.edge.edge_id, edge, sizeof push.edge.edge_id);
        rv_decision d;
        rv_status status = RV_PENDING;
        for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
            status = rv_node_decide(f.node, &push, results, &d, &f.err);
            fixture_poll(f.node);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_EQ(d.outcome, edge == 7 ? RV_DECIDED_ACCEPTED : RV_DECIDED_REFUSED);
        RV_CHECK_STATUS(edge == 7 ? RV_KEY_LEASED : d.refusal.status, RV_KEY_LEASED);
    }
    uint64_t key = 0;
    RV_CHECK_STATUS(create(&f, 0, &key), RV_OK);
    RV_CHECK_EQ(key, 257);
    fixture_free(&f);
}

RV_TEST(blocks_are_bounded) {
    fixture f = fixture_root(1);
    rv_lease_request r = ask_for(7, 1, 0, 0, RV_LEASE_KEYS_MAX);
    rv_lease a = {0, 0};
    for (unsigned i = 0; i < RV_LEASES_HELD_MAX; i++) {
        r.known = a.first;
        RV_CHECK_STATUS(lease(&f, &r, &a), RV_OK);
        RV_CHECK_EQ(a.first, 1 + i * RV_LEASE_KEYS_MAX);
    }
    r.known = a.first;
    RV_CHECK_STATUS(lease(&f, &r, &a), RV_NO_KEYS);
    r.done = r.known; /* all but the last are used up */
    RV_CHECK_STATUS(lease(&f, &r, &a), RV_OK);
    uint64_t key = 0;
    RV_CHECK_STATUS(create(&f, 0, &key), RV_OK);
    fixture_free(&f);
}

/* Edges that are never seen again take the ledger neither from the others nor their keys: what was
 * leased first is forgotten, and its edge can use it still. */
RV_TEST(there_is_always_a_block) {
    fixture f = fixture_root(1);
    uint64_t key = 0;
    uint64_t last = 0;
    rv_lease a;
    const rv_lease_request mine = ask_for(7, 1, 0, 0, 5);
    RV_CHECK_STATUS(lease(&f, &mine, &a), RV_OK);
    RV_CHECK_EQ(a.first, 1);
    last = 5;
    RV_CHECK_STATUS(create(&f, 3, &key), RV_KEY_LEASED);
    for (uint32_t i = 1; i < 3000; i++) {
        const rv_lease_request r = ask_for(9, i, 0, 0, 2);
        RV_CHECK_STATUS(lease(&f, &r, &a), RV_OK);
        RV_CHECK_EQ(a.first, last + 1); /* no key twice */
        last = a.first + a.count - 1;
    }
    const rv_outbox_facts facts = rv_node_outbox(f.node);
    RV_CHECK(facts.bytes <= facts.bytes_max / 4 + 100);
    RV_CHECK_STATUS(create(&f, 0, &key), RV_OK);
    RV_CHECK_EQ(key, last + 1);
    RV_CHECK_STATUS(create(&f, last, &key), RV_KEY_LEASED); /* the newest are known */
    RV_CHECK_STATUS(create(&f, 3, &key), RV_OK);
    RV_CHECK(reopen(&f));
    const rv_lease_request late = ask_for(7, 1, 1, 0, 5);
    RV_CHECK_STATUS(lease(&f, &late, &a), RV_OK);
    RV_CHECK_EQ(a.first, last + 2);
    fixture_free(&f);
}

static fixture small_root(void) {
    fixture f = fixture_create(1);
    rv_event event;
    rv_status status = fixture_open(&f, RV_ROLE_ROOT, NULL);
    for (int i = 0; i < FIXTURE_POLLS_MAX && (i == 0 || status == RV_PENDING); i++) {
        status = rv_node_schema_apply(
            f.node,
            RV_LITERAL("create aggregate account (id smallserial primary key, name text);"
                       "create event_type account_opened (id creates account(id), name updates "
                       "account(name));"
                       "create stream accounts (path \"/accounts/{id}\" event_types "
                       "(account_opened));"),
            &event, &f.err);
        fixture_poll(f.node);
    }
    if (status != RV_OK) {
        abort();
    }
    return f;
}

RV_TEST(a_smallserial_is_used_up) {
    fixture f = small_root();
    uint64_t known = 0;
    uint64_t last = 0;
    rv_lease a;
    rv_status status = RV_OK;
    unsigned blocks = 0;
    for (; blocks < 10000 && status == RV_OK; blocks++) {
        const rv_lease_request r = ask_for(7, 1, known, known, RV_LEASE_KEYS_MAX);
        status = lease(&f, &r, &a);
        if (status == RV_OK) {
            RV_CHECK_EQ(a.first, last + 1);
            RV_CHECK_EQ(a.count, (32767 - last) / 64);
            last = a.first + a.count - 1;
            known = a.first;
        }
    }
    RV_CHECK_STATUS(status, RV_NO_KEYS);
    RV_CHECK(32767 - last < 64 && blocks > 64);
    /* the last ones are the root's own */
    uint64_t key = 0;
    for (uint64_t expected = last + 1; expected <= 32767; expected++) {
        RV_CHECK_STATUS(create(&f, 0, &key), RV_OK);
        RV_CHECK_EQ(key, expected);
    }
    RV_CHECK_STATUS(create(&f, 0, &key), RV_VALUE_OUT_OF_RANGE);
    fixture_free(&f);
}

/* --- the twin --- */

typedef struct lease_twin {
    uint8_t owner[KEYS_MAX]; /* edge of each key; 0: none */
    bool row[KEYS_MAX];
    uint64_t top; /* last key that was assigned, given or leased */
    uint64_t known[4];
} lease_twin;

static void twin_lease(fixture *f, lease_twin *t, uint8_t edge, uint64_t count) {
    rv_lease a;
    const bool done = count % 2 == 0;
    const rv_lease_request r = ask_for(edge, 1, t->known[edge], done ? t->known[edge] : 0, count);
    const rv_status status = lease(f, &r, &a);
    if (status != RV_OK) {
        RV_CHECK_STATUS(status, RV_NO_KEYS); /* it holds four */
        return;
    }
    RV_CHECK_EQ(a.first, t->top + 1);
    RV_CHECK_EQ(a.count, count);
    for (uint64_t k = 1; done && k < t->known[edge]; k++) {
        t->owner[k] = t->owner[k] == edge ? 0 : t->owner[k];
    }
    t->top = a.first + a.count - 1;
    RV_CHECK(t->top < KEYS_MAX);
    memset(t->owner + a.first, edge, (size_t)a.count);
    t->known[edge] = a.first;
}

static void twin_create(fixture *f, lease_twin *t, uint64_t key) {
    uint64_t got = 0;
    const rv_status status = create(f, key, &got);
    if (key == 0) {
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_EQ(got, t->top + 1);
        t->top = got;
    } else {
        RV_CHECK_STATUS(status, t->owner[key] != 0 ? RV_KEY_LEASED
                                : t->row[key]      ? RV_ROW_EXISTS
                                                   : RV_OK);
        t->top = status == RV_OK && key > t->top ? key : t->top;
    }
    if (status == RV_OK) {
        t->row[got] = true;
    }
}

RV_TEST(as_a_twin_has_it) {
    static lease_twin t;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        memset(&t, 0, sizeof t);
        fixture f = fixture_root(1);
        uint64_t random = seed;
        for (int i = 0; i < 400; i++) {
            const uint64_t what = rv_test_random(&random) % 100;
            const uint64_t drawn = rv_test_random(&random);
            if (what < 20) {
                twin_lease(&f, &t, (uint8_t)(1 + drawn % 3), 1 + drawn / 3 % 100);
            } else if (what < 97) {
                twin_create(&f, &t, what < 50 ? 0 : 1 + drawn % (t.top + 2));
            } else {
                RV_CHECK(reopen(&f));
            }
            RV_CHECK_PASSED();
        }
        fixture_free(&f);
    }
}

int main(void) {
    RV_RUN(a_block_is_its_edges_alone);
    RV_RUN(a_push_brings_keys_of_its_own_block);
    RV_RUN(blocks_are_bounded);
    RV_RUN(there_is_always_a_block);
    RV_RUN(a_smallserial_is_used_up);
    RV_RUN(as_a_twin_has_it);
    return rv_test_done();
}
