/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: where what a node remembers beside events has used up its memory, whoever needs more of it
 * is told and changes nothing; what was promised room (a decision, a refusal, a settled one) has
 * it; and an edge that would have to queue more again than there is room for goes on as it is, and
 * goes back when it is opened with more. Method: the ledger of an edge that has something of each
 * kind, and of a root, filled up to so many bytes, for many numbers of them, before each call that
 * changes it; an edge whose own events, all of them accepted, are lost by its root.
 */
#include "core/engine/lease.h"
#include "tests/unit/core/edge_calls.h"

#define STRANGER 63u /* a kind of entries of a later version */

/* Leaves so many bytes beside what decisions have kept. */
static void fill_ledger(rv_node *node, size_t leave) {
    static const uint8_t zeros[1 << 17];
    const size_t kept = (size_t)RV_OUTBOX_RESERVE * node->outbox.pending;
    for (uint8_t i = 1; i < 100; i += 1) {
        const size_t cost = rv_ledger_cost(1, 0) + leave + kept;
        const size_t used = rv_ledger_used(&node->ledger);
        const size_t room = used + cost < node->ledger.cap ? node->ledger.cap - used - cost : 0;
        const size_t len = room < sizeof zeros ? room : sizeof zeros;
        const rv_ledger_entry entry = {STRANGER, rv_bytes_of(&i, 1), rv_bytes_of(zeros, len)};
        if (len == 0 || !rv_ledger_set(&node->ledger, &entry)) {
            return;
        }
    }
}

/* A refusal that says all that one can say. */
static rv_decision long_refusal(void) {
    rv_decision decision = {.outcome = RV_DECIDED_REFUSED};
    char text[RV_ERROR_DETAIL_MAX];
    memset(text, 'n', sizeof text);
    const rv_bytes detail = rv_bytes_of((const uint8_t *)text, 300);
    (void)rv_error_set(&decision.refusal, RV_CHECK_VIOLATION, "%b", &detail);
    rv_error_fact_text(&decision.refusal, "value", detail);
    return decision;
}

static rv_status refuse_kept(fixture *f) {
    const rv_edge_life life = life_of(EDGE);
    const rv_decision refused = long_refusal();
    return rv_node_relay_decide(f->node, &life, 1, &refused, &f->err);
}

static rv_status refuse_first(fixture *f) {
    const rv_decision refused = long_refusal();
    return rv_node_decided(f->node, 1, &refused, &f->err);
}

/* The root refuses the command, which runs again behind all others. */
static rv_status refuse_command(fixture *f) {
    const rv_decision refused = long_refusal();
    return rv_node_decided(f->node, 3, &refused, &f->err);
}

static const call more_calls[] = {
    {"refuse_kept", refuse_kept, false},
    {"refuse_first", refuse_first, false},
    {"refuse_command", refuse_command, false},
};

/* Those that always have room. */
static bool is_promised(rv_status (*make)(fixture *f)) {
    return make == decide_kept || make == drop_kept || make == settle_decided ||
           make == accept_first || make == fork_edge || make == forget_rejection ||
           make == receive || make == refuse_first || make == refuse_command ||
           make == command_refused || make == command_to_nothing || make == command_wrong;
}

static const size_t leaves[] = {0, 24, 63, 150, 1200};

static void check_call(const call *c, size_t leave, unsigned *refused) {
    pair p = edge_create();
    fill_ledger(p.edge.node, leave);
    const facts before = facts_of(p.edge.node);
    const rv_status status = c->make(&p.edge);
    const facts now = facts_of(p.edge.node);
    if (status != RV_OK && (is_promised(c->make) || status != RV_OUTBOX_FULL)) {
        fprintf(stderr, "%s, %u left: %s\n", c->name, (unsigned)leave, rv_status_code(status));
    }
    RV_CHECK(status == RV_OK || (status == RV_OUTBOX_FULL && !is_promised(c->make)));
    RV_CHECK(status == RV_OK || same(&now, &before));
    *refused += status != RV_OK;
    edge_free(&p);
}

RV_TEST(an_edge_whose_ledger_is_full) {
    unsigned refused = 0;
    for (size_t k = 0; k < sizeof leaves / sizeof leaves[0]; k += RV_TEST_STRIDE) {
        for (size_t i = 0; i + 1 < CALLS; i += 1) { /* all but going back */
            check_call(&calls[i], leaves[k], &refused);
            RV_CHECK_PASSED();
        }
        for (size_t i = 0; i < sizeof more_calls / sizeof more_calls[0]; i += 1) {
            check_call(&more_calls[i], leaves[k], &refused);
            RV_CHECK_PASSED();
        }
    }
    RV_CHECK(refused > 9 / RV_TEST_STRIDE);
}

/* What the root said is kept as far as there is room: its code always is. */
RV_TEST(a_refusal_is_kept_by_its_code) {
    unsigned whole = 0, short_ = 0;
    for (size_t k = 0; k < sizeof leaves / sizeof leaves[0]; k += 1) {
        pair p = edge_create();
        rv_rejection rejection;
        fill_ledger(p.edge.node, leaves[k]);
        RV_CHECK_STATUS(refuse_first(&p.edge), RV_OK);
        RV_CHECK(rv_node_rejection(p.edge.node, 0, &rejection));
        RV_CHECK_STATUS(rejection.reason.status, RV_CHECK_VIOLATION);
        whole += rejection.reason.detail_len == 300;
        short_ += rejection.reason.detail_len == 0;
        edge_free(&p);
    }
    RV_CHECK(whole > 0 && short_ > 0);
}

/* --- a root --- */

static rv_status lease_keys(fixture *f) {
    const rv_lease_request request = {.edge = life_of(EDGE), .count = 256};
    rv_lease lease;
    return rv_node_lease(f->node, &request, &lease, &f->err);
}

static rv_status begin_epoch(fixture *f) {
    return rv_node_epoch_begin(f->node, &f->err);
}

RV_TEST(a_root_whose_ledger_is_full) {
    unsigned refused[2] = {0};
    for (size_t k = 0; k < sizeof leaves / sizeof leaves[0]; k += 1) {
        for (int epoch = 0; epoch < 2; epoch += 1) {
            fixture f = fixture_root(1);
            fill_ledger(f.node, leaves[k]);
            const facts before = facts_of(f.node);
            const rv_status status = epoch == 0 ? lease_keys(&f) : begin_epoch(&f);
            const facts now = facts_of(f.node);
            RV_CHECK(status == RV_OK || same(&now, &before));
            RV_CHECK(status == RV_OK || status == (epoch ? RV_MEMORY_EXHAUSTED : RV_NO_KEYS));
            refused[epoch] += status != RV_OK;
            fixture_free(&f);
        }
    }
    RV_CHECK(refused[0] > 2 && refused[1] > 2);
}

/* --- going back --- */

#define BATCHES     40u
#define MORE_MEMORY ((size_t)4 * FIXTURE_NODE_MEMORY)

/* A note of 4,000 bytes, at the edge and, accepted, at the root. */
static bool write_both(pair *p, unsigned number) {
    static char data[4100];
    rv_event result;
    rv_written w;
    snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"%4000u\"}", number, number);
    rv_append event = fixture_event("/accounts/1", "noted", data);
    event.has_event_id = true;
    rv_store_u32(event.event_id, number);
    return write_all(&p->edge, &event, 1, &result, &w) == RV_OK &&
           fixture_append_all(p->root.node, &event, 1, &result, &p->root.err) == RV_OK && feed(p) &&
           rv_node_outbox(p->edge.node).pending == 0;
}

static rv_status rewind_all(fixture *f, const rv_rewind *to) {
    rv_status status = rv_node_rewind(f->node, to, &f->err);
    for (int i = 0; i < FIXTURE_POLLS_MAX && rv_node_rewinding(f->node); i++) {
        rv_log_cursor cursor;
        rv_batch batch;
        memset(&cursor, 0, sizeof cursor);
        /* nothing can be read or written meanwhile */
        RV_ASSERT(rv_node_busy(f->node));
        RV_ASSERT(rv_node_read(f->node, &cursor, &batch, &f->err) == RV_PENDING);
        RV_ASSERT(rv_node_identity(f->node) != NULL);
        fixture_poll(f->node);
    }
    return status;
}

/* A disk that takes nothing more once it is said durably that the node goes back. */
static const rv_host_ops *memory_ops;
static const rv_node *going_back;

static rv_io failing_write(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset,
                           rv_bytes bytes, rv_io_result *result) {
    if (!going_back->rewinding.good) {
        return memory_ops->write(ctx, ticket, file, offset, bytes, result);
    }
    RV_ASSERT(ticket > 0);
    *result = (rv_io_result){.status = RV_STORAGE_FAILED};
    return RV_IO_DONE;
}

/* What there was is forgotten, as when its process ends. */
static rv_status open_with(fixture *f, size_t memory) {
    rv_memory_host_reopen(f->storage);
    return fixture_open_on(rv_memory_host_interface(f->storage), f->node_memory, memory,
                           RV_ROLE_EDGE, NULL, &f->node, &f->err);
}

RV_TEST(what_would_wait_again_does_not_fit) {
    pair p = pair_of(EVERYTHING);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                    RV_OK);
    RV_CHECK(feed(&p));
    const rv_rewind to = {.epoch = 9,
                          .watermark = rv_node_watermark(p.edge.node),
                          .chain_hash = rv_log_chain(rv_node_log(p.edge.node))};
    for (unsigned i = 1; i <= BATCHES; i++) {
        RV_CHECK(write_both(&p, i));
    }
    RV_CHECK(rv_node_outbox(p.edge.node).bytes_max < BATCHES * 4000u);
    const rv_hash128 hash = rv_node_state_hash(p.edge.node);
    const uint64_t sequence = rv_node_sequence(p.edge.node);
    for (int again = 0; again < 2; again++) {
        RV_CHECK_STATUS(rewind_all(&p.edge, &to), again == 0 ? RV_OK : RV_OUTBOX_FULL);
        RV_CHECK_EQ(rv_node_rewinds(p.edge.node), 0); /* it has not gone back: who reads goes on */
        RV_CHECK_EQ(rv_node_watermark(p.edge.node), to.watermark + BATCHES);
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.edge.node), hash));
        RV_CHECK_EQ(rv_node_sequence(p.edge.node), sequence);
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
    }
    RV_CHECK_STATUS(rv_node_rewind(p.edge.node, &to, NULL), RV_OUTBOX_FULL);
    /* with more memory, and in the middle of it, where it ends by all means, with less again */
    RV_CHECK(fixture_settle(p.edge.node));
    free(p.edge.node_memory);
    p.edge.node_memory = malloc(MORE_MEMORY);
    RV_CHECK_STATUS(open_with(&p.edge, MORE_MEMORY), RV_OK);
    memory_ops = p.edge.node->host.ops;
    rv_host_ops failing = *memory_ops;
    failing.write = failing_write;
    p.edge.node->host.ops = &failing;
    going_back = p.edge.node;
    (void)rewind_all(&p.edge, &to);
    RV_CHECK(p.edge.node->rewinding.good);
    RV_CHECK_STATUS(open_with(&p.edge, FIXTURE_NODE_MEMORY), RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(open_with(&p.edge, MORE_MEMORY), RV_OK);
    RV_CHECK_EQ(rv_node_watermark(p.edge.node), to.watermark);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, BATCHES);
    pair_free(&p);
}

int main(void) {
    disk_memory = malloc(DISK_MEMORY);
    RV_RUN(an_edge_whose_ledger_is_full);
    RV_RUN(a_refusal_is_kept_by_its_code);
    RV_RUN(a_root_whose_ledger_is_full);
    RV_RUN(what_would_wait_again_does_not_fit);
    free(disk_memory);
    return rv_test_done();
}
