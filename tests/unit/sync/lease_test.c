/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that creates rows while it is offline gives each a key that nobody else has,
 * whatever is cut or crashes; an edge that never writes asks for no keys; a copied directory uses
 * none of the original's once it is known to be one. Method: the two of tests/unit/sync/duo.h, with
 * rows created at both sides without keys; the same story is told with the connection cut after
 * each message, and with either side crashing then, and in the end every row is at the root.
 */
#include "core/engine/internal.h"
#include "tests/unit/sync/duo.h"

#define ACCOUNT 0 /* number of the aggregate */

static rv_status create(duo *d) {
    return duo_write_one(d, "accounts", "account_opened", "{\"name\":\"ada\"}");
}

static rv_status create_at(duo *d, uint64_t key) {
    char path[64];
    snprintf(path, sizeof path, "/accounts/%llu", (unsigned long long)key);
    return duo_write_one(d, path, "account_opened", "{\"name\":\"eve\"}");
}

static rv_status create_at_root(duo *d) {
    return duo_append(d, "accounts", "account_opened", "{\"name\":\"bob\"}");
}

static uint64_t left(const duo *d) {
    return rv_node_keys_left(d->leaf.node, ACCOUNT);
}

/* Until the edge has nothing to ask for. */
static bool run(duo *d) {
    for (int i = 0; i < 50; i++) {
        if (!duo_run(d)) {
            return false;
        }
        if (d->edge->leaser.idle && !d->edge->leaser.asked &&
            d->edge->leaser.revision == rv_node_keys_revision(d->leaf.node)) {
            return true;
        }
        (void)duo_step(d);
    }
    return true;
}

/* What the root has for the edge in its ledger. */
static unsigned blocks(const duo *d) {
    const rv_ledger *const ledger = &d->root.node->ledger;
    const rv_bytes none = {NULL, 0};
    return rv_ledger_seek(ledger, RV_LEDGER_LEASE + 1, none) -
           rv_ledger_seek(ledger, RV_LEDGER_LEASE, none);
}

static bool same_rows(const duo *d) {
    return fixture_hashes_equal(rv_node_state_hash(d->root.node), rv_node_state_hash(d->leaf.node));
}

RV_TEST(rows_are_created_offline) {
    duo *const d = duo_create();
    RV_CHECK_STATUS(create_at_root(d), RV_OK);
    RV_CHECK(run(d));
    RV_CHECK_EQ(blocks(d), 0); /* an edge that never writes asks for nothing */
    duo_cut(d);
    RV_CHECK_STATUS(create(d), RV_NO_KEYS);
    RV_CHECK(strstr(d->err.facts, "\"aggregate\":\"account\"") != NULL);
    RV_CHECK(run(d));
    RV_CHECK_EQ(left(d), RV_LEASE_KEYS_MIN);
    duo_cut(d);
    for (int i = 0; i < 200; i++) {
        RV_CHECK_STATUS(create(d), RV_OK);
        RV_CHECK_STATUS(create_at_root(d), RV_OK);
    }
    RV_CHECK_EQ(left(d), RV_LEASE_KEYS_MIN - 200);
    RV_CHECK(run(d));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->root.node), ACCOUNT), 401);
    RV_CHECK(same_rows(d));
    /* less than a quarter was left: a block of twice the size came */
    RV_CHECK_EQ(left(d), RV_LEASE_KEYS_MIN - 200 + 2 * RV_LEASE_KEYS_MIN);
    /* used to the end, then refused, and that changes nothing */
    duo_cut(d);
    const uint64_t rest = left(d);
    for (uint64_t i = 0; i < rest; i++) {
        RV_CHECK_STATUS(create(d), RV_OK);
    }
    const rv_outbox_facts before = rv_node_outbox(d->leaf.node);
    RV_CHECK_STATUS(create(d), RV_NO_KEYS);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).bytes, before.bytes);
    RV_CHECK(run(d));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->root.node), ACCOUNT), 401 + rest);
    RV_CHECK(left(d) >= 4u * RV_LEASE_KEYS_MIN);
    duo_free(d);
}

RV_TEST(keys_that_are_given_are_passed) {
    duo *const d = duo_create();
    RV_CHECK_STATUS(create(d), RV_NO_KEYS);
    RV_CHECK(run(d));
    duo_cut(d);
    RV_CHECK_STATUS(create_at(d, 5), RV_OK); /* of the block 1 to 256 */
    RV_CHECK_EQ(left(d), RV_LEASE_KEYS_MIN - 5);
    RV_CHECK_STATUS(create(d), RV_OK);
    RV_CHECK_STATUS(create_at(d, 2), RV_OK);
    RV_CHECK_STATUS(create_at(d, 6), RV_ROW_EXISTS);
    RV_CHECK_EQ(left(d), RV_LEASE_KEYS_MIN - 6);
    RV_CHECK_STATUS(duo_append(d, "/accounts/9", "account_opened", "{\"name\":\"x\"}"),
                    RV_KEY_LEASED);
    RV_CHECK(run(d));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->root.node), ACCOUNT), 3);
    RV_CHECK(same_rows(d));
    duo_free(d);
}

/* Another edge of the same root, which steps with either. */
static duo *another(const duo *d) {
    duo *const other = calloc(1, sizeof *other);
    other->now = d->now;
    other->root = d->root;
    other->shared = d->shared;
    duo_side_create(other, &other->leaf, 3);
    return other;
}

RV_TEST(two_edges_and_a_root) {
    duo *const d = duo_create();
    duo *const other = another(d);
    duo *const edges[] = {d, other};
    for (int i = 0; i < 2; i++) {
        RV_CHECK(run(edges[i]));
        RV_CHECK_STATUS(create(edges[i]), RV_NO_KEYS);
        RV_CHECK(run(edges[i]));
        RV_CHECK_EQ(left(edges[i]), RV_LEASE_KEYS_MIN);
    }
    uint64_t random = 1;
    unsigned created = 0;
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 2; i++) {
            if (rv_test_random(&random) % 2 == 0) {
                duo_cut(edges[i]);
            }
            for (uint64_t n = rv_test_random(&random) % 60; n > 0; n--) {
                RV_CHECK_STATUS(create(edges[i]), RV_OK);
                created += 1;
            }
            RV_CHECK_STATUS(create_at_root(d), RV_OK);
            created += 1;
        }
        for (int i = 0; round % 2 == 1 && i < 2; i++) {
            RV_CHECK(run(edges[i]));
        }
    }
    RV_CHECK(created > 400);
    for (int i = 0; i < 4; i++) { /* each has what the other wrote */
        RV_CHECK(run(edges[i % 2]));
    }
    for (int i = 0; i < 2; i++) {
        RV_CHECK_EQ(rv_node_outbox(edges[i]->leaf.node).rejections, 0);
        RV_CHECK(same_rows(edges[i]));
    }
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->root.node), ACCOUNT), created);
    free(other->leaf.disk_memory);
    free(other->leaf.node_memory);
    free(other->leaf.sync_memory);
    free(other);
    duo_free(d);
}

/* --- cuts and crashes --- */

typedef enum accident { CUT, LEAF_CRASHES, ROOT_CRASHES, BOTH_CRASH } accident;

/* The story, with an accident after so many messages; `*had`: it has so many. */
static void story(accident what, uint64_t after, bool *had) {
    duo *const d = duo_create();
    const uint64_t begin = d->messages;
    d->cut_at = begin + after;
    bool happened = false;
    unsigned created = 0;
    unsigned at_root = 0;
    for (int i = 0; i < 500; i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        (void)duo_step(d);
        if (!happened && d->messages >= begin + after) {
            happened = true;
            duo_cut(d);
            if (what == LEAF_CRASHES || what == BOTH_CRASH) {
                /* what was not durable here was not acknowledged */
                created = (unsigned)rv_node_outbox(d->leaf.node).durable;
                duo_crash(d, &d->leaf);
                RV_CHECK(rv_node_outbox(d->leaf.node).next_sequence > created);
                created = (unsigned)rv_node_outbox(d->leaf.node).next_sequence - 1;
            }
            if (what == ROOT_CRASHES || what == BOTH_CRASH) {
                duo_crash(d, &d->root);
                at_root = UINT32_MAX; /* some may be lost */
            }
        }
        if (i % 5 == 0) {
            const rv_status status = create(d);
            RV_CHECK(status == RV_OK || status == RV_NO_KEYS);
            created += status == RV_OK;
        }
        if (i % 7 == 0 && at_root != UINT32_MAX) {
            RV_CHECK_STATUS(create_at_root(d), RV_OK);
            at_root += 1;
        }
    }
    RV_CHECK(run(d));
    RV_CHECK(happened || d->messages < begin + after);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK(created > 20);
    const uint64_t rows = rv_state_row_count(rv_node_state(d->root.node), ACCOUNT);
    RV_CHECK(at_root == UINT32_MAX ? rows >= created : rows == created + at_root);
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(blocks(d), 2); /* one, and how far: what was lost on the way was told again */
    duo_free(d);
    *had = happened;
}

RV_TEST(cut_and_crashed_after_every_message) {
    for (accident what = CUT; what <= BOTH_CRASH; what++) {
        bool happened = true;
        for (uint64_t after = 1; happened && after <= 24; after++) {
            story(what, after, &happened);
            if (rv_test_failed) {
                fprintf(stderr, "accident %d after %u\n", (int)what, (unsigned)after);
            }
            RV_CHECK_PASSED();
        }
    }
}

/* --- copies --- */

RV_TEST(another_life_uses_none_of_its_keys) {
    duo *const d = duo_create();
    RV_CHECK_STATUS(create(d), RV_NO_KEYS);
    RV_CHECK(run(d));
    duo_cut(d);
    RV_CHECK_STATUS(create(d), RV_OK);
    RV_CHECK_STATUS(rv_node_fork(d->leaf.node, &d->err), RV_OK);
    RV_CHECK_EQ(left(d), 0);
    RV_CHECK_STATUS(create(d), RV_NO_KEYS);
    duo_crash(d, &d->leaf);
    RV_CHECK(run(d));
    RV_CHECK_EQ(left(d), RV_LEASE_KEYS_MIN);
    /* what it had written before with a key of the old block is still its own */
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK_STATUS(create(d), RV_OK);
    RV_CHECK(run(d));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK(same_rows(d));
    duo_free(d);
}

/* --- what is out of turn --- */

static rv_status take(duo *d, uint64_t known, uint64_t first, uint64_t count) {
    const rv_keys_wish wish = {.aggregate = ACCOUNT,
                               .incarnation = rv_node_outbox(d->leaf.node).incarnation,
                               .known = known};
    const rv_lease lease = {first, count};
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && status == RV_PENDING; i++) {
        status = rv_node_keys_take(d->leaf.node, &wish, &lease, &d->err);
        rv_sim_disk_advance(d->leaf.disk, DUO_STEP_US);
        fixture_poll(d->leaf.node);
    }
    return status;
}

RV_TEST(what_an_upstream_leases_twice_is_not_taken) {
    duo *const d = duo_create();
    duo_cut(d);
    RV_CHECK_STATUS(rv_node_keys_prepare(d->leaf.node, &d->err), RV_OK);
    RV_CHECK_STATUS(take(d, 0, 100, 3), RV_OK);
    RV_CHECK_STATUS(take(d, 100, 100, 3), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(take(d, 100, 102, 3), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(take(d, 100, 1, 3), RV_PROTOCOL_ERROR);
    RV_CHECK_EQ(left(d), 3);
    RV_CHECK_STATUS(take(d, 100, 200, 2), RV_OK);
    RV_CHECK_STATUS(take(d, 200, INT64_MAX, 1), RV_OK); /* not one of the key's type */
    /* a batch that goes over the end of a block, and one that finds too few and takes none */
    rv_append events[5];
    rv_written written;
    for (int i = 0; i < 5; i++) {
        events[i] = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    }
    RV_CHECK_STATUS(duo_write(d, events, 4, &written), RV_OK);
    RV_CHECK_EQ(left(d), 2);
    RV_CHECK_STATUS(duo_write(d, events, 2, &written), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_EQ(left(d), 2);
    RV_CHECK_STATUS(duo_write(d, events, 1, &written), RV_OK);
    const uint64_t keys[] = {100, 101, 102, 200, 201};
    for (int i = 0; i < 5; i++) {
        const rv_value key = rv_value_int((int64_t)keys[i]);
        RV_CHECK(rv_state_row_find(rv_node_state(d->leaf.node), ACCOUNT, &key) != RV_ROW_NONE);
    }
    duo_free(d);
}

/* What is in the ledger is from the disk: a block that says nonsense has no keys. */
RV_TEST(a_block_that_is_nonsense_has_no_keys) {
    static const struct {
        uint64_t last, next;
        size_t len;
        bool good;
    } values[] = {{20, 10, 28, true},  {20, 21, 28, true},         {20, 22, 28, false},
                  {20, 9, 28, false},  {9, 10, 28, false},         {20, 10, 27, false},
                  {20, 10, 29, false}, {UINT64_MAX, 10, 28, false}};
    duo *const d = duo_create();
    rv_node *const node = d->leaf.node;
    RV_CHECK_STATUS(rv_node_keys_prepare(node, &d->err), RV_OK);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t key[RV_LEASE_KEY];
        uint8_t bytes[64] = {0};
        uint8_t body_bytes[256];
        rv_writer body = rv_writer_over(body_bytes, sizeof body_bytes);
        rv_store_u64(bytes, values[i].last);
        rv_store_u64(bytes + 8, values[i].next);
        rv_store_u32(bytes + 16, rv_node_outbox(node).incarnation);
        const rv_ledger_entry entry = {RV_LEDGER_KEYS, rv_lease_key(key, ACCOUNT, 10),
                                       rv_bytes_of(bytes, values[i].len)};
        rv_ledger_changes changes = rv_ledger_begin(&body);
        RV_CHECK_STATUS(rv_ledger_put(&node->ledger, &changes, &entry), RV_OK);
        rv_ledger_apply(&node->ledger, &changes);
        RV_CHECK_EQ(left(d), values[i].good ? values[i].last + 1 - values[i].next : 0);
        rv_keys_wish wish;
        (void)!rv_node_keys_wish(node, 0, &wish);
    }
    duo_free(d);
}

RV_TEST(a_request_too_many_ends_the_session) {
    static const uint8_t lease[] = {RV_WIRE_LEASE, 0,   1,   7,   'a', 'c', 'c',
                                    'o',           'u', 'n', 't', 0,   0,   1};
    for (int twice = 0; twice < 2; twice++) {
        duo *const d = duo_create();
        const rv_bytes message = rv_bytes_of(lease, sizeof lease);
        RV_CHECK_STATUS(rv_upstream_receive(d->session, message, d->now, &d->err), RV_OK);
        if (twice == 1) {
            RV_CHECK_STATUS(rv_upstream_receive(d->session, message, d->now, &d->err),
                            RV_PROTOCOL_ERROR);
        } else { /* the edge has not asked for what is told */
            for (int i = 0; i < 200 && d->session != NULL; i++) {
                (void)duo_step(d);
            }
            RV_CHECK(d->session == NULL);
            RV_CHECK_STATUS(d->err.status, RV_PROTOCOL_ERROR);
        }
        duo_free(d);
    }
}

/* A batch gets as many keys as it needs, in some blocks, and no more. */
RV_TEST(a_batch_that_needs_more_than_is_left_gets_more) {
    static rv_append events[600];
    rv_written written;
    duo *const d = duo_create();
    for (unsigned i = 0; i < 600; i++) {
        events[i] = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    }
    rv_status status = RV_NO_KEYS;
    uint64_t came = 0;
    for (; came < 4 && status == RV_NO_KEYS; came++) {
        RV_CHECK_EQ(rv_node_keys_blocks(d->leaf.node), came);
        status = duo_write(d, events, 600, &written);
        RV_CHECK(status != RV_NO_KEYS || rv_node_keys_missed(d->leaf.node) == ACCOUNT);
        RV_CHECK(run(d));
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_EQ(came, 3); /* 256, 512 */
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->root.node), ACCOUNT), 600);
    duo_free(d);
}

/* Who has refused one aggregate's keys is asked for another's, and for these after a while. */
RV_TEST(keys_that_are_refused_keep_no_others_back) {
    duo *const d = duo_create();
    rv_leaser *const l = &d->edge->leaser;
    rv_error refusal;
    uint8_t bytes[512];
    RV_CHECK(run(d));
    RV_CHECK(!rv_edge_awaits_keys(d->edge, ACCOUNT) || l->awaited);
    RV_CHECK_STATUS(create(d), RV_NO_KEYS);
    for (int i = 0; i < DUO_STEPS_MAX && !l->asked; i++) {
        rv_bytes message; /* which is lost */
        d->now += DUO_STEP_US;
        rv_sim_disk_advance(d->leaf.disk, DUO_STEP_US);
        fixture_poll(d->leaf.node);
        RV_CHECK_STATUS(rv_edge_poll(d->edge, d->now, &d->err), RV_OK);
        (void)rv_edge_send(d->edge, d->now, &message);
    }
    RV_CHECK(l->asked && rv_edge_awaits_keys(d->edge, ACCOUNT));
    (void)rv_error_set(&refusal, RV_NO_KEYS, "too few remain");
    const rv_wire_leased leased = {.granted = false, .refusal = refusal};
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_leased(&w, &leased);
    RV_CHECK_STATUS(rv_edge_receive(d->edge, rv_writer_bytes(&w), d->now, &d->err), RV_OK);
    RV_CHECK(!rv_edge_awaits_keys(d->edge, ACCOUNT));
    RV_CHECK(rv_edge_awaits_keys(d->edge, ACCOUNT + 1));
    const int64_t again = d->now + RV_LEASES_AGAIN_US;
    RV_CHECK(duo_run(d));
    RV_CHECK(!l->asked && left(d) == 0);
    RV_CHECK(rv_edge_deadline(d->edge) <= again);
    d->now = again;
    RV_CHECK_STATUS(rv_edge_poll(d->edge, d->now, &d->err), RV_OK);
    RV_CHECK(run(d));
    RV_CHECK_EQ(left(d), RV_LEASE_KEYS_MIN);
    duo_cut(d);
    RV_CHECK(!rv_edge_awaits_keys(d->edge, ACCOUNT));
    duo_free(d);
}

int main(void) {
    RV_RUN(rows_are_created_offline);
    RV_RUN(keys_that_are_given_are_passed);
    RV_RUN(two_edges_and_a_root);
    RV_RUN(cut_and_crashed_after_every_message);
    RV_RUN(what_an_upstream_leases_twice_is_not_taken);
    RV_RUN(a_block_that_is_nonsense_has_no_keys);
    RV_RUN(a_request_too_many_ends_the_session);
    RV_RUN(another_life_uses_none_of_its_keys);
    RV_RUN(a_batch_that_needs_more_than_is_left_gets_more);
    RV_RUN(keys_that_are_refused_keep_no_others_back);
    return rv_test_done();
}
