/* SPDX-License-Identifier: Apache-2.0 */
/* An edge that has something of every kind in its ledger, every call that changes it, and what must
 * not move when one is refused. Its storage is a simulated disk. */
#ifndef RV_TESTS_CORE_EDGE_CALLS_H
#define RV_TESTS_CORE_EDGE_CALLS_H

#include "core/engine/command.h"
#include "core/engine/keys.h"
#include "core/engine/relay.h"
#include "core/engine/rewind.h"
#include "platform/sim/disk.h"
#include "tests/unit/core/outbox_pair.h"

#define DISK_MEMORY ((size_t)32 << 20)
#define EDGE        7 /* somebody else's */

static uint8_t *disk_memory;
static uint8_t node_memory[FIXTURE_NODE_MEMORY];
static rv_sim_disk *disk;

/* --- the edge --- */

static rv_event results[4];
static rv_written written;

static inline rv_edge_life life_of(uint8_t edge) {
    rv_edge_life life = {.incarnation = 3};
    memset(life.edge_id, edge, sizeof life.edge_id);
    return life;
}

static inline rv_status keep_one(fixture *f, uint64_t edge_sequence) {
    const rv_relay push = {.edge = life_of(EDGE),
                           .edge_sequence = edge_sequence,
                           .first_id = {(uint8_t)edge_sequence},
                           .body = RV_LITERAL("what an edge pushes")};
    return rv_node_relay_keep(f->node, &push, &f->err);
}

static inline rv_status keep(fixture *f) {
    return keep_one(f, 3);
}

static inline rv_status decide_kept(fixture *f) {
    const rv_edge_life life = life_of(EDGE);
    const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = 9};
    return rv_node_relay_decide(f->node, &life, 1, &accepted, &f->err);
}

static inline rv_status drop_kept(fixture *f) {
    const rv_edge_life life = life_of(EDGE);
    return rv_node_relay_drop(f->node, &life, &f->err);
}

static inline rv_status settle_decided(fixture *f) {
    const rv_edge_life life = life_of(EDGE);
    return rv_node_settle(f->node, &life, 2, &f->err);
}

static inline rv_status write_deposit(fixture *f) {
    const rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    const rv_writes writes = {.events = &event, .count = 1};
    return rv_node_write(f->node, &writes, results, &written, &f->err);
}

static inline rv_status accept_first(fixture *f) {
    const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = 100};
    return rv_node_decided(f->node, 1, &accepted, &f->err);
}

static inline rv_status fork_edge(fixture *f) {
    return rv_node_fork(f->node, &f->err);
}

static inline rv_status forget_rejection(fixture *f) {
    rv_rejection rejection;
    return rv_node_rejection(f->node, 0, &rejection)
               ? rv_node_rejection_forget(f->node, rejection.batch.edge_sequence, &f->err)
               : RV_STATUS_COUNT;
}

static inline rv_status take_keys(fixture *f) {
    const rv_keys_wish wish = {.incarnation = rv_node_outbox(f->node).incarnation};
    const rv_lease lease = {.first = 5000, .count = 256};
    return rv_node_keys_take(f->node, &wish, &lease, &f->err);
}

static inline rv_status select_more(fixture *f) {
    const rv_bytes entries[2] = {RV_LITERAL("/accounts/*"), RV_LITERAL("aggregate note")};
    return rv_node_select(f->node, entries, 2, &f->err);
}

static inline rv_status select_encoded(fixture *f) {
    uint8_t bytes[64];
    static uint8_t memory[1024];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_selection selection = {.count = 0};
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    const rv_status status =
        rv_selection_add(&selection, RV_LITERAL("aggregate account"), &arena, &f->err);
    rv_selection_encode(&selection, &w);
    return status == RV_OK ? rv_node_select_back(f->node, rv_writer_bytes(&w), &f->err) : status;
}

static inline rv_status receive(fixture *f) {
    const rv_status status = rv_node_receive_begin(f->node, &f->err);
    if (status == RV_OK) {
        rv_node_receive_cancel(f->node);
    }
    return status;
}

static inline rv_status go_back(fixture *f) {
    const rv_rewind to = {.epoch = 9,
                          .watermark = rv_node_watermark(f->node),
                          .chain_hash = rv_log_chain(rv_node_log(f->node))};
    return rv_node_rewind(f->node, &to, &f->err);
}

/* --- commands --- */

static inline rv_status begin_command(fixture *f, rv_pending *due) {
    return rv_node_command_due(f->node, 0, due)
               ? rv_node_command_begin(f->node, due->edge_sequence, &f->err)
               : RV_NOT_FOUND;
}

static inline rv_status run_command(fixture *f, int way) {
    const rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":2}");
    const rv_append wrong = fixture_event("/accounts/1", "withdrawn", "{\"amount\":2000}");
    const rv_error no = {.status = RV_REQUEST_INVALID};
    rv_pending due;
    rv_status status = begin_command(f, &due);
    if (status == RV_OK) {
        const uint64_t at = due.edge_sequence;
        status = way == 0   ? rv_node_command_refuse(f->node, at, &no, &f->err)
                 : way == 1 ? rv_node_command_done(f->node, at, NULL, 0, results, &written, &f->err)
                            : rv_node_command_done(f->node, at, way == 2 ? &event : &wrong, 1,
                                                   results, &written, &f->err);
    }
    return status;
}

static inline rv_status command_refused(fixture *f) {
    return run_command(f, 0);
}

static inline rv_status command_to_nothing(fixture *f) {
    return run_command(f, 1);
}

static inline rv_status command_changed(fixture *f) {
    return run_command(f, 2);
}

static inline rv_status command_wrong(fixture *f) {
    return run_command(f, 3);
}

static inline rv_status command_begins(fixture *f) {
    return rv_node_command_begin(f->node, 3, &f->err);
}

/* --- every call --- */

typedef struct call {
    const char *name;
    rv_status (*make)(fixture *f);
    bool runs; /* a command, which is not due while nothing can be run */
} call;

static const call calls[] = {
    {"keep", keep, false},
    {"decide_kept", decide_kept, false},
    {"drop_kept", drop_kept, false},
    {"settle", settle_decided, false},
    {"write", write_deposit, false},
    {"decided", accept_first, false},
    {"fork", fork_edge, false},
    {"forget", forget_rejection, false},
    {"keys", take_keys, false},
    {"select", select_more, false},
    {"select_back", select_encoded, false},
    {"command_refuse", command_refused, true},
    {"command_nothing", command_to_nothing, true},
    {"command_done", command_changed, true},
    {"command_wrong", command_wrong, true},
    {"receive", receive, false},
    {"rewind", go_back, false},
};

#define CALLS (sizeof calls / sizeof calls[0])

/* What must not move. */
typedef struct facts {
    rv_hash128 ledger;
    uint64_t batches, sequence, watermark, selections;
    uint32_t incarnation, pending, rejections;
} facts;

static inline facts facts_of(rv_node *node) {
    const rv_outbox_facts outbox = rv_node_outbox(node);
    facts now = {.batches = rv_log_batches(node->log),
                 .sequence = rv_node_sequence(node),
                 .watermark = rv_node_watermark(node),
                 .selections = rv_node_selections(node),
                 .incarnation = outbox.incarnation,
                 .pending = outbox.pending,
                 .rejections = outbox.rejections};
    for (uint32_t i = 0; i < rv_ledger_count(&node->ledger); i += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, i);
        const rv_hash128 key = rv_hash128_of(entry.kind, entry.key);
        const rv_hash128 value = rv_hash128_of(key.low, entry.value);
        now.ledger.low += value.low;
        now.ledger.high += value.high;
    }
    return now;
}

static inline bool same(const facts *a, const facts *b) {
    return fixture_hashes_equal(a->ledger, b->ledger) && a->batches == b->batches &&
           a->sequence == b->sequence && a->watermark == b->watermark &&
           a->selections == b->selections && a->incarnation == b->incarnation &&
           a->pending == b->pending && a->rejections == b->rejections;
}

static inline void set_disk(uint32_t pending_percent) {
    const rv_sim_faults faults = {.pending_percent = pending_percent,
                                  .latency_us_max = UINT64_C(1) << 40};
    rv_sim_disk_set_faults(disk, &faults);
}

/* An edge that has something of each kind: batch 1 waits, 2 was refused, 3 is a command that is
 * due; of another's pushes 1 is kept and 2 decided; it has leased keys. */
static inline pair edge_create(void) {
    pair p = {.root = fixture_root(1), .pattern = EVERYTHING};
    const rv_sim_disk_options options = {.seed = 3, .now = INT64_C(1700000000000000)};
    const rv_command command = {RV_LITERAL("withdraw"), RV_LITERAL("{}")};
    const rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":1}");
    const rv_writes writes = {.events = &event, .count = 1, .command = &command};
    const rv_keys_wish wish = {.known = 0};
    const rv_lease lease = {.first = 1000, .count = 256};
    const rv_edge_life life = life_of(EDGE);
    rv_decision no = {.outcome = RV_DECIDED_REFUSED};
    (void)rv_error_set(&no.refusal, RV_CHECK_VIOLATION, "no");
    p.edge.node_memory = node_memory;
    disk = rv_sim_disk_create(disk_memory, DISK_MEMORY, &options);
    rv_keys_wish mine = wish;
    bool good =
        fixture_open_on(rv_sim_disk_interface(disk), p.edge.node_memory, FIXTURE_NODE_MEMORY,
                        RV_ROLE_EDGE, EVERYTHING, &p.edge.node, &p.edge.err) == RV_OK &&
        fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"ada\"}") == RV_OK &&
        fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":100}") == RV_OK &&
        feed(&p) && write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}") == RV_OK &&
        write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":2}") == RV_OK &&
        decided(&p.edge, 2, &no) == RV_OK &&
        rv_node_write(p.edge.node, &writes, results, &written, &p.edge.err) == RV_OK &&
        keep_one(&p.edge, 1) == RV_OK && keep_one(&p.edge, 2) == RV_OK &&
        rv_node_relay_decide(p.edge.node, &life, 2, &no, &p.edge.err) == RV_OK &&
        fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":1}") == RV_OK && feed(&p);
    mine.incarnation = rv_node_outbox(p.edge.node).incarnation;
    good = good && rv_node_keys_take(p.edge.node, &mine, &lease, &p.edge.err) == RV_OK &&
           fixture_settle(p.edge.node);
    if (!good) {
        fprintf(stderr, "edge: %s\n", p.edge.err.detail);
        abort();
    }
    return p;
}

static inline void edge_free(pair *p) {
    fixture_free(&p->root);
}

#endif
