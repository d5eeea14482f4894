/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whoever changes a node while nothing can be written is told why, and changes nothing: what
 * waits, what was refused, decided, leased or kept for others is as it was, and where the node can
 * be written again all of it goes on. Method: every call that changes the ledger or the log, of an
 * edge that has something of each kind and of a root that has, in every way in which a node cannot
 * be written: read-only, closed, going back, in the middle of a batch, before a disk that does not
 * answer and has filled the log's buffer.
 */
#include "core/engine_command.h"
#include "core/engine_keys.h"
#include "core/engine_relay.h"
#include "core/engine_rewind.h"
#include "platform/sim/disk.h"
#include "tests/unit/core/outbox_pair.h"

#define DISK_MEMORY ((size_t)32 << 20)
#define EDGE        7 /* somebody else's */

static uint8_t *disk_memory;
static rv_sim_disk *disk;

/* --- the edge --- */

static rv_event results[4];
static rv_written written;
static rv_decision decision;

static rv_edge_life life_of(uint8_t edge) {
    rv_edge_life life = {.incarnation = 3};
    memset(life.edge_id, edge, sizeof life.edge_id);
    return life;
}

static rv_status keep_one(fixture *f, uint64_t edge_sequence) {
    const rv_relay push = {.edge = life_of(EDGE),
                           .edge_sequence = edge_sequence,
                           .first_id = {(uint8_t)edge_sequence},
                           .body = RV_LITERAL("what an edge pushes")};
    return rv_node_relay_keep(f->node, &push, &f->err);
}

static rv_status keep(fixture *f) {
    return keep_one(f, 3);
}

static rv_status decide_kept(fixture *f) {
    const rv_edge_life life = life_of(EDGE);
    const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = 9};
    return rv_node_relay_decide(f->node, &life, 1, &accepted, &f->err);
}

static rv_status drop_kept(fixture *f) {
    const rv_edge_life life = life_of(EDGE);
    return rv_node_relay_drop(f->node, &life, &f->err);
}

static rv_status settle_decided(fixture *f) {
    const rv_edge_life life = life_of(EDGE);
    return rv_node_settle(f->node, &life, 2, &f->err);
}

static rv_status write_deposit(fixture *f) {
    const rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    const rv_writes writes = {.events = &event, .count = 1};
    return rv_node_write(f->node, &writes, results, &written, &f->err);
}

static rv_status accept_first(fixture *f) {
    const rv_decision accepted = {.outcome = RV_DECIDED_ACCEPTED, .position = 100};
    return rv_node_decided(f->node, 1, &accepted, &f->err);
}

static rv_status fork_edge(fixture *f) {
    return rv_node_fork(f->node, &f->err);
}

static rv_status forget_rejection(fixture *f) {
    rv_rejection rejection;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    return rv_node_rejection(f->node, 0, &rejection) &&
                   rv_node_pending_event(f->node, &rejection.batch, &cursor, &event)
               ? rv_node_rejection_forget(f->node, event.event_id, &f->err)
               : RV_STATUS_COUNT;
}

static rv_status take_keys(fixture *f) {
    const rv_keys_wish wish = {.incarnation = rv_node_outbox(f->node).incarnation};
    const rv_lease lease = {.first = 5000, .count = 256};
    return rv_node_keys_take(f->node, &wish, &lease, &f->err);
}

static rv_status select_more(fixture *f) {
    const rv_bytes entries[2] = {RV_LITERAL("/accounts/*"), RV_LITERAL("aggregate note")};
    return rv_node_select(f->node, entries, 2, &f->err);
}

static rv_status select_encoded(fixture *f) {
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

static rv_status receive(fixture *f) {
    const rv_status status = rv_node_receive_begin(f->node, &f->err);
    if (status == RV_OK) {
        rv_node_receive_cancel(f->node);
    }
    return status;
}

static rv_status go_back(fixture *f) {
    const rv_rewind to = {9, rv_node_watermark(f->node), rv_log_chain(rv_node_log(f->node))};
    return rv_node_rewind(f->node, &to, &f->err);
}

/* --- commands --- */

static rv_status begin_command(fixture *f, rv_pending *due) {
    return rv_node_command_due(f->node, 0, due)
               ? rv_node_command_begin(f->node, due->edge_sequence, &f->err)
               : RV_NOT_FOUND;
}

static rv_status run_command(fixture *f, int way) {
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

static rv_status command_refused(fixture *f) {
    return run_command(f, 0);
}

static rv_status command_to_nothing(fixture *f) {
    return run_command(f, 1);
}

static rv_status command_changed(fixture *f) {
    return run_command(f, 2);
}

static rv_status command_wrong(fixture *f) {
    return run_command(f, 3);
}

static rv_status command_begins(fixture *f) {
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

static facts facts_of(rv_node *node) {
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

static bool same(const facts *a, const facts *b) {
    return fixture_hashes_equal(a->ledger, b->ledger) && a->batches == b->batches &&
           a->sequence == b->sequence && a->watermark == b->watermark &&
           a->selections == b->selections && a->incarnation == b->incarnation &&
           a->pending == b->pending && a->rejections == b->rejections;
}

/* --- ways in which a node cannot be written --- */

typedef enum way { FAILED, CLOSED, GOING_BACK, IN_A_BATCH, NO_ANSWER, WAYS } way;

static rv_status expected(way w, const call *c) {
    switch (w) {
    case FAILED:
        return c->runs ? RV_NOT_FOUND : RV_READ_ONLY;
    case CLOSED:
        return RV_CLOSING;
    case IN_A_BATCH:
        return c->runs ? RV_NOT_FOUND : RV_BUSY;
    default:
        return RV_BUSY;
    }
}

/* Calls that are the caller's part not to make, or that wait for the disk by themselves. */
static bool is_made(way w, const call *c) {
    return !(w == IN_A_BATCH && c->make == receive) && !(w == NO_ANSWER && c->make == go_back);
}

static void set_disk(uint32_t pending_percent) {
    const rv_sim_faults faults = {.pending_percent = pending_percent,
                                  .latency_us_max = UINT64_C(1) << 40};
    rv_sim_disk_set_faults(disk, &faults);
}

/* Writes until the log's buffer has no room. */
static bool fill_buffer(fixture *f) {
    static char body[4096];
    rv_status status = RV_OK;
    memset(body, 'x', sizeof body);
    set_disk(100);
    for (uint64_t i = 0; i < 4000 && status == RV_OK; i += 1) {
        const rv_relay push = {.edge = life_of(EDGE + 1),
                               .edge_sequence = i + 1,
                               .body = rv_bytes_of(body, i % 2 == 0 ? sizeof body : 64)};
        status = rv_node_relay_keep(f->node, &push, &f->err);
        if (status == RV_OUTBOX_FULL) { /* the same again, in less room */
            const rv_edge_life life = life_of(EDGE + 1);
            status = rv_node_relay_drop(f->node, &life, &f->err);
        }
        fixture_poll(f->node);
    }
    return status == RV_BUSY || status == RV_PENDING;
}

static bool bring(fixture *f, way w) {
    const rv_error broken = {.status = RV_STORAGE_FAILED, .detail = "broken", .detail_len = 6};
    switch (w) {
    case FAILED:
        return rv_node_fail(f->node, &broken) == RV_STORAGE_FAILED;
    case CLOSED:
        return fixture_close(f->node, &f->err) == RV_END;
    case GOING_BACK:
        return go_back(f) == RV_OK;
    case IN_A_BATCH:
        return rv_node_receive_begin(f->node, &f->err) == RV_OK;
    default:
        return fill_buffer(f);
    }
}

/* An edge that has something of each kind: batch 1 waits, 2 was refused, 3 is a command that is
 * due; of another's pushes 1 is kept and 2 decided; it has leased keys. */
static pair edge_create(void) {
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
    p.edge.node_memory = malloc(FIXTURE_NODE_MEMORY);
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

static void edge_free(pair *p) {
    fixture_free(&p->root);
    free(p->edge.node_memory);
}

/* True when the call fails with that status, and nothing is other than before. */
static bool is_refused(fixture *f, const char *name, rv_status (*make)(fixture *f),
                       rv_status wanted) {
    const facts before = facts_of(f->node);
    f->err.status = RV_OK;
    const rv_status status = make(f);
    const facts now = facts_of(f->node);
    if (status != wanted || !same(&now, &before)) {
        fprintf(stderr, "%s: %s, %s\n", name, rv_status_code(status), f->err.detail);
        return false;
    }
    return true;
}

RV_TEST(an_edge_that_cannot_be_written_is_as_it_was) {
    for (way w = FAILED; w < WAYS; w++) {
        pair p = edge_create();
        RV_CHECK(bring(&p.edge, w));
        for (size_t i = 0; i < CALLS; i += 1) {
            const call *const c = &calls[i];
            RV_CHECK(!is_made(w, c) || is_refused(&p.edge, c->name, c->make, expected(w, c)));
        }
        RV_CHECK(w != IN_A_BATCH || is_refused(&p.edge, "begin", command_begins, RV_BUSY));
        RV_CHECK(!is_made(w, &calls[CALLS - 1]) || rv_node_outbox(p.edge.node).pending == 2);
        edge_free(&p);
    }
}

/* Where the disk answers again, what was refused is done. */
RV_TEST(an_edge_whose_disk_answers_again_goes_on) {
    for (size_t i = 0; i < CALLS; i += 1) {
        pair p = edge_create();
        RV_CHECK(fill_buffer(&p.edge));
        rv_status status = calls[i].make(&p.edge);
        RV_CHECK_STATUS(status, is_made(NO_ANSWER, &calls[i]) ? RV_BUSY : RV_OK);
        set_disk(0);
        for (int n = 0; n < FIXTURE_POLLS_MAX && status == RV_BUSY; n++) {
            rv_sim_disk_advance(disk, UINT64_C(1) << 41);
            fixture_poll(p.edge.node);
            status = calls[i].make(&p.edge);
        }
        RV_CHECK_STATUS(status, RV_OK);
        edge_free(&p);
    }
}

/* A command that has begun when the node fails: nobody takes what it made. */
RV_TEST(a_command_that_has_begun) {
    for (int refuses = 0; refuses < 2; refuses++) {
        pair p = edge_create();
        rv_pending due;
        const rv_error no = {.status = RV_REQUEST_INVALID};
        const rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":2}");
        RV_CHECK_STATUS(begin_command(&p.edge, &due), RV_OK);
        RV_CHECK(bring(&p.edge, FAILED));
        const facts before = facts_of(p.edge.node);
        RV_CHECK_STATUS(
            refuses ? rv_node_command_refuse(p.edge.node, 3, &no, NULL)
                    : rv_node_command_done(p.edge.node, 3, &event, 1, results, &written, NULL),
            refuses ? RV_READ_ONLY : RV_NOT_FOUND);
        const facts now = facts_of(p.edge.node);
        RV_CHECK(same(&now, &before));
        rv_node_command_end(p.edge.node);
        edge_free(&p);
    }
}

/* A durable command that may be sent says so in the log first, and cannot. */
RV_TEST(a_command_does_not_leave) {
    for (way w = FAILED; w < WAYS; w++) {
        pair p = edge_create();
        rv_pending batch;
        RV_CHECK_STATUS(command_changed(&p.edge), RV_OK);
        rv_node_command_end(p.edge.node);
        RV_CHECK(fixture_settle(p.edge.node) && bring(&p.edge, w));
        RV_CHECK(rv_node_pending(p.edge.node, 2, &batch) && !batch.due && batch.durable);
        const facts before = facts_of(p.edge.node);
        RV_CHECK(!rv_node_command_may_leave(p.edge.node, &batch));
        const facts now = facts_of(p.edge.node);
        RV_CHECK(same(&now, &before));
        edge_free(&p);
    }
}

/* --- the root --- */

static rv_status append_one(fixture *f) {
    const rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    return rv_node_append(f->node, &event, 1, results, &f->err);
}

static rv_status apply_more(fixture *f) {
    return rv_node_schema_apply(f->node, RV_LITERAL("CREATE TYPE t AS ENUM ('a')"), results,
                                &f->err);
}

static rv_status decide_push(fixture *f) {
    rv_append event = fixture_event("/accounts/1", "nothing", "");
    event.has_event_id = true;
    const rv_edge_life life = life_of(EDGE);
    const rv_push push = {.edge = life,
                          .edge_sequence = rv_node_last_decided(f->node, &life) + 1,
                          .written_at = 1,
                          .schema_version = 1,
                          .events = &event,
                          .count = 1};
    return rv_node_decide(f->node, &push, results, &decision, &f->err);
}

static rv_status lease_keys(fixture *f) {
    const rv_lease_request request = {.edge = life_of(EDGE), .count = 256};
    rv_lease lease;
    return rv_node_lease(f->node, &request, &lease, &f->err);
}

static rv_status begin_epoch(fixture *f) {
    return rv_node_epoch_begin(f->node, &f->err);
}

static const call root_calls[] = {
    {"append", append_one, false},     {"apply", apply_more, false}, {"decide", decide_push, false},
    {"settle", settle_decided, false}, {"lease", lease_keys, false}, {"epoch", begin_epoch, false},
};

static fixture root_create(void) {
    fixture f = {.node_memory = malloc(FIXTURE_NODE_MEMORY)};
    const rv_sim_disk_options options = {.seed = 3, .now = INT64_C(1700000000000000)};
    rv_event event;
    disk = rv_sim_disk_create(disk_memory, DISK_MEMORY, &options);
    if (fixture_open_on(rv_sim_disk_interface(disk), f.node_memory, FIXTURE_NODE_MEMORY,
                        RV_ROLE_ROOT, NULL, &f.node, &f.err) != RV_OK ||
        fixture_apply_schema(f.node, &event, &f.err) != RV_OK ||
        fixture_append(&f, "/accounts/1", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        decide_push(&f) != RV_OK || !fixture_settle(f.node)) {
        fprintf(stderr, "root: %s\n", f.err.detail);
        abort();
    }
    return f;
}

/* Appends until the log's buffer has no room. */
static bool fill_root(fixture *f) {
    static char data[6000];
    rv_status status = RV_OK;
    const int len = snprintf(data, sizeof data, "{\"note_id\":1,\"body\":\"%5000d\"}", 1);
    RV_ASSERT(len < (int)sizeof data);
    set_disk(100);
    for (int i = 0; i < 4000 && status == RV_OK; i += 1) {
        snprintf(data, sizeof data, "{\"note_id\":%d,\"body\":\"%*d\"}", i + 1,
                 i % 2 == 0 ? 5000 : 10, 1);
        const rv_append event = fixture_event("/accounts/1", "noted", data);
        status = rv_node_append(f->node, &event, 1, results, &f->err);
        fixture_poll(f->node);
    }
    return status == RV_BUSY || status == RV_PENDING;
}

RV_TEST(a_root_that_cannot_be_written_is_as_it_was) {
    static const way ways[] = {FAILED, CLOSED, NO_ANSWER};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i += 1) {
        fixture f = root_create();
        RV_CHECK(ways[i] == NO_ANSWER ? fill_root(&f) : bring(&f, ways[i]));
        for (size_t k = 0; k < sizeof root_calls / sizeof root_calls[0]; k += 1) {
            const call *const c = &root_calls[k];
            RV_CHECK(is_refused(&f, c->name, c->make, expected(ways[i], c)));
        }
        free(f.node_memory);
    }
    fixture f = root_create();
    for (size_t k = 0; k < sizeof root_calls / sizeof root_calls[0]; k += 1) {
        RV_CHECK_STATUS(root_calls[k].make(&f), RV_OK);
    }
    free(f.node_memory);
}

int main(void) {
    disk_memory = malloc(DISK_MEMORY);
    RV_RUN(an_edge_that_cannot_be_written_is_as_it_was);
    RV_RUN(an_edge_whose_disk_answers_again_goes_on);
    RV_RUN(a_command_that_has_begun);
    RV_RUN(a_command_does_not_leave);
    RV_RUN(a_root_that_cannot_be_written_is_as_it_was);
    free(disk_memory);
    return rv_test_done();
}
