/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: commands in an edge's outbox: when they are due, what their functions see, what becomes of
 * what they make, and what is there again after opening.
 * Method: a root whose events are handed to an edge by hand, both on memory hosts, and decisions
 * that the test makes up. Functions are C: one withdraws all that it sees, one a fixed amount.
 */
#include "core/engine/command.h"

#include "core/engine/keys.h"
#include "tests/unit/core/outbox_pair.h"

/* Account 1 with a balance of 100, at the edge too. */
static pair pair_create(void) {
    pair p = {.root = fixture_root(1), .edge = fixture_create(2), .pattern = EVERYTHING};
    if (fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":100}") != RV_OK ||
        fixture_open(&p.edge, RV_ROLE_EDGE, EVERYTHING) != RV_OK || !feed(&p)) {
        fprintf(stderr, "pair: %s\n", p.edge.err.detail);
        abort();
    }
    return p;
}

/* --- functions --- */

static char made[64]; /* the data of the event that a function made last */

/* Withdraws `amount`, or all that there is for 0. */
static rv_append withdraw(fixture *f, int64_t amount) {
    snprintf(made, sizeof made, "{\"amount\":%d}", (int)(amount > 0 ? amount : balance_of(f, 1)));
    return fixture_event("/accounts/1", "withdrawn", made);
}

/* The first run of a command, and its batch. */
static rv_status command(fixture *f, int64_t amount, rv_event *result, rv_written *written) {
    const rv_append event = withdraw(f, amount);
    const rv_command what = {RV_LITERAL("withdraw"), RV_LITERAL("{\"from\":1}")};
    const rv_writes writes = {
        .events = &event, .count = 1, .principal = RV_LITERAL("ada"), .command = &what};
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(f->node, &writes, result, written, &f->err);
        fixture_poll(f->node);
    }
    return status;
}

/* Runs the command that is due first, and says what it saw. -2: none is. */
static int64_t run(fixture *f, int64_t amount, rv_event *result, rv_written *written,
                   rv_status *status) {
    rv_pending due;
    int64_t saw = -2;
    *status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (*status == RV_PENDING || *status == RV_BUSY); i++) {
        if (!rv_node_command_due(f->node, 0, &due)) {
            return -2;
        }
        const uint64_t edge_sequence = due.edge_sequence;
        if (rv_node_command_begin(f->node, edge_sequence, &f->err) != RV_OK) {
            return -3;
        }
        saw = balance_of(f, 1);
        const rv_append event = withdraw(f, amount);
        *status = rv_node_command_done(f->node, edge_sequence, &event, amount != -1, result,
                                       written, &f->err);
        rv_node_command_end(f->node);
        fixture_poll(f->node);
    }
    return saw;
}

static rv_status refuse_batch(fixture *f, uint64_t sequence, rv_status refusal,
                              uint64_t judged_at) {
    rv_decision decision = {.outcome = RV_DECIDED_REFUSED};
    (void)rv_error_set(&decision.refusal, refusal, "no");
    rv_error_fact_uint(&decision.refusal, "expected", 7);
    rv_error_fact_uint(&decision.refusal, "judged_at", judged_at);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_decided(f->node, sequence, &decision, &f->err);
        fixture_poll(f->node);
    }
    return status;
}

static rv_pending first(const fixture *f) {
    rv_pending batch;
    if (!rv_node_pending(f->node, 0, &batch)) {
        abort();
    }
    return batch;
}

static void open_again(fixture *f) {
    RV_CHECK(fixture_settle(f->node));
    RV_CHECK_STATUS(reopen(f), RV_OK);
}

static bool may_leave(fixture *f) {
    bool may = false;
    for (int i = 0; i < 100 && !may; i++) {
        if (!fixture_settle(f->node)) {
            return false;
        }
        const rv_pending batch = first(f);
        may = rv_node_command_may_leave(f->node, &batch);
        if (batch.due) {
            return may;
        }
    }
    return may;
}

/* --- when they run, and what they see --- */

RV_TEST(it_sees_what_is_before_it_and_nothing_after) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_status status;
    rv_pending due;
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK_STATUS(command(&p.edge, 10, &result, &written), RV_OK);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1000}"), RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 1091);
    RV_CHECK(!rv_node_command_due(p.edge.node, 0, &due)); /* it has just run */
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":100}"), RV_OK);
    RV_CHECK(feed(&p));
    const rv_hash128 confirmed = rv_node_state_hash(p.edge.node);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 1191);
    RV_CHECK(rv_node_command_due(p.edge.node, 0, &due));
    RV_CHECK_EQ(due.edge_sequence, 2);
    RV_CHECK(rv_bytes_are(due.command.name, "withdraw") &&
             rv_bytes_are(due.command.args, "{\"from\":1}") && due.attempt == 0);
    RV_CHECK(!rv_node_command_due(p.edge.node, 2, &due));
    RV_CHECK_EQ(run(&p.edge, 10, &result, &written, &status), 201);
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 1191);
    RV_CHECK(!rv_node_command_due(p.edge.node, 0, &due));
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.edge.node), confirmed));
    RV_CHECK_EQ(balance_of(&p.edge, 1), 1191);
    pair_free(&p);
}

RV_TEST(the_same_events_change_nothing_and_others_take_their_place) {
    pair p = pair_create();
    rv_event result, again;
    rv_written written;
    rv_status status;
    RV_CHECK_STATUS(command(&p.edge, 10, &result, &written), RV_OK);
    uint8_t id[16], command_id[16];
    memcpy(id, result.event_id, 16);
    memcpy(command_id, written.command_id, 16);
    rv_command_event_id(command_id, 0, 0, again.event_id);
    RV_CHECK(memcmp(id, again.event_id, 16) == 0 && id[6] >> 4 == 8 && id[8] >> 6 == 2);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(feed(&p));
    const uint64_t batches = rv_log_batches(rv_node_log(p.edge.node));
    RV_CHECK_EQ(run(&p.edge, 10, &again, &written, &status), 101);
    RV_CHECK(status == RV_OK && !written.changed && memcmp(id, again.event_id, 16) == 0);
    RV_CHECK_EQ(rv_log_batches(rv_node_log(p.edge.node)), batches);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 91);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK_EQ(run(&p.edge, 0, &again, &written, &status), 102);
    RV_CHECK(status == RV_OK && written.changed && memcmp(id, again.event_id, 16) == 0);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 0);
    const rv_pending batch = first(&p.edge);
    RV_CHECK(batch.edge_sequence == 1 && batch.attempt == 0 && !batch.due &&
             memcmp(batch.command_id, command_id, 16) == 0);
    open_again(&p.edge);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 0);
    pair_free(&p);
}

RV_TEST(progress_that_brings_nothing_is_no_reason_to_run) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_pending due;
    RV_CHECK_STATUS(command(&p.edge, 10, &result, &written), RV_OK);
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK_STATUS(rv_node_receive_begin(p.edge.node, &p.edge.err), RV_OK);
    RV_CHECK(!rv_node_command_due(p.edge.node, 0, &due));
    RV_CHECK_STATUS(rv_node_command_begin(p.edge.node, 1, &p.edge.err), RV_BUSY);
    RV_CHECK_STATUS(
        rv_node_receive_commit(p.edge.node, rv_node_watermark(p.edge.node) + 5, 0, &p.edge.err),
        RV_OK);
    RV_CHECK(!rv_node_command_due(p.edge.node, 0, &due));
    RV_CHECK_STATUS(rv_node_command_begin(p.edge.node, 1, &p.edge.err), RV_NOT_FOUND);
    RV_CHECK_STATUS(rv_node_command_done(p.edge.node, 1, NULL, 0, &result, &written, &p.edge.err),
                    RV_NOT_FOUND);
    pair_free(&p);
}

RV_TEST(what_else_changes_the_node_ends_a_run) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_pending due;
    const rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":5}");
    RV_CHECK_STATUS(command(&p.edge, 10, &result, &written), RV_OK);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK_STATUS(rv_node_command_begin(p.edge.node, 1, &p.edge.err), RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 101);
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 92);
    RV_CHECK_STATUS(rv_node_command_done(p.edge.node, 1, &event, 1, &result, &written, &p.edge.err),
                    RV_NOT_FOUND);
    RV_CHECK_STATUS(rv_node_command_begin(p.edge.node, 1, &p.edge.err), RV_OK);
    (void)rv_node_state_hash(p.edge.node); /* lifts and lays */
    RV_CHECK_EQ(balance_of(&p.edge, 1), 92);
    rv_node_command_end(p.edge.node);
    RV_CHECK(rv_node_command_due(p.edge.node, 0, &due));
    RV_CHECK(!rv_node_command_may_leave(p.edge.node, &due));
    pair_free(&p);
}

/* --- refusals --- */

RV_TEST(a_function_or_the_node_refuses) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_status status;
    rv_rejection rejection;
    RV_CHECK_STATUS(command(&p.edge, 60, &result, &written), RV_OK);
    RV_CHECK_STATUS(command(&p.edge, 20, &result, &written), RV_OK);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "withdrawn", "{\"amount\":50}"), RV_OK);
    RV_CHECK(feed(&p));
    /* the first by the node: a balance is not below 0 */
    RV_CHECK_EQ(run(&p.edge, 60, &result, &written, &status), 50);
    RV_CHECK(status == RV_OK && written.rejected && written.changed);
    RV_CHECK_STATUS(p.edge.err.status, RV_CHECK_VIOLATION);
    RV_CHECK(rv_node_rejection(p.edge.node, 0, &rejection));
    RV_CHECK(rejection.batch.edge_sequence == 1 &&
             rv_bytes_are(rejection.batch.command.name, "withdraw"));
    RV_CHECK_STATUS(rejection.reason.status, RV_CHECK_VIOLATION);
    /* the second by itself */
    rv_error refusal;
    (void)rv_error_set(&refusal, RV_COMMAND_REFUSED, "not today");
    RV_CHECK_STATUS(rv_node_command_refuse(p.edge.node, 2, &refusal, &p.edge.err), RV_NOT_FOUND);
    RV_CHECK_STATUS(rv_node_command_begin(p.edge.node, 2, &p.edge.err), RV_OK);
    status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status != RV_OK; i++) {
        status = rv_node_command_begin(p.edge.node, 2, &p.edge.err);
        status = status == RV_OK ? rv_node_command_refuse(p.edge.node, 2, &refusal, &p.edge.err)
                                 : status;
        fixture_poll(p.edge.node);
    }
    rv_node_command_end(p.edge.node);
    RV_CHECK(rv_node_rejection(p.edge.node, 1, &rejection));
    RV_CHECK_STATUS(rejection.reason.status, RV_COMMAND_REFUSED);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 50);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).rejections, 2);
    open_again(&p.edge);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).rejections, 2);
    pair_free(&p);
}

RV_TEST(nothing_to_do_any_more) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_status status;
    rv_outcome outcome;
    RV_CHECK_STATUS(command(&p.edge, 60, &result, &written), RV_OK);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "withdrawn", "{\"amount\":50}"), RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK_EQ(run(&p.edge, -1, &result, &written, &status), 50);
    RV_CHECK(status == RV_OK && written.changed && !written.rejected);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 50);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
    RV_CHECK(rv_node_outcome(p.edge.node, 1, &outcome));
    RV_CHECK(outcome.kind == RV_OUTCOME_ACCEPTED && outcome.position == 0);
    pair_free(&p);
}

RV_TEST(what_the_root_refuses_runs_again_where_it_judged) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_status status;
    rv_outcome outcome;
    rv_pending due;
    RV_CHECK_STATUS(command(&p.edge, 60, &result, &written), RV_OK);
    uint8_t id[16];
    memcpy(id, result.event_id, 16);
    RV_CHECK(may_leave(&p.edge));
    RV_CHECK_STATUS(write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":7}"), RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 47);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "withdrawn", "{\"amount\":50}"), RV_OK);
    RV_CHECK_STATUS(refuse_batch(&p.edge, 1, RV_CHECK_VIOLATION, rv_node_watermark(p.root.node)),
                    RV_OK);
    /* it waits behind the other, not folded, for what the root knew */
    RV_CHECK_EQ(balance_of(&p.edge, 1), 107);
    RV_CHECK(!rv_node_command_due(p.edge.node, 0, &due));
    RV_CHECK(rv_node_pending(p.edge.node, 2, &due));
    RV_CHECK(due.edge_sequence == 3 && due.attempt == 1 && due.refused && due.due &&
             due.state == RV_PENDING_SUSPENDED && due.after == rv_node_watermark(p.root.node));
    RV_CHECK_STATUS(rv_node_pending_reason(p.edge.node, 3, &p.edge.err), RV_COMMAND_WAITING);
    RV_CHECK(rv_node_outcome(p.edge.node, 1, &outcome));
    RV_CHECK(outcome.kind == RV_OUTCOME_WAITING && outcome.edge_sequence == 3);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 2);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 1);
    RV_CHECK(feed(&p));
    RV_CHECK_EQ(run(&p.edge, 0, &result, &written, &status), 57);
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(memcmp(id, result.event_id, 16) != 0);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 0);
    RV_CHECK(rv_node_pending(p.edge.node, 2, &due));
    RV_CHECK(due.attempt == 1 && !due.refused && !due.due && due.state == RV_PENDING_WAITING);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).suspended, 0);
    pair_free(&p);
}

RV_TEST(some_refusals_are_final_and_all_are_in_the_end) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_status status;
    rv_rejection rejection;
    RV_CHECK_STATUS(command(&p.edge, 1, &result, &written), RV_OK);
    RV_CHECK_STATUS(refuse_batch(&p.edge, 1, RV_EVENT_ID_REUSED, 1), RV_OK);
    RV_CHECK(rv_node_rejection(p.edge.node, 0, &rejection));
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
    RV_CHECK_STATUS(command(&p.edge, 1, &result, &written), RV_OK);
    for (uint64_t i = 0; i < RV_COMMAND_ATTEMPTS_MAX; i++) {
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 1);
        RV_CHECK_STATUS(refuse_batch(&p.edge, 2 + i, RV_VERSION_CONFLICT, 1), RV_OK);
        RV_CHECK_EQ(run(&p.edge, 1, &result, &written, &status),
                    i + 1 < RV_COMMAND_ATTEMPTS_MAX ? 100 : -2);
    }
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
    RV_CHECK(rv_node_rejection(p.edge.node, 1, &rejection));
    RV_CHECK(rejection.batch.attempt == RV_COMMAND_ATTEMPTS_MAX - 1);
    RV_CHECK_STATUS(rejection.reason.status, RV_VERSION_CONFLICT);
    pair_free(&p);
}

/* What a rerun can mend: others came first, or what it was built on is no more. */
static bool is_mended(rv_status status) {
    return status == RV_VERSION_CONFLICT || status == RV_CHECK_VIOLATION ||
           status == RV_UNIQUE_VIOLATION || status == RV_NOT_NULL_VIOLATION ||
           status == RV_UNKNOWN_REFERENCE || status == RV_ROW_EXISTS || status == RV_KEY_LEASED ||
           status == RV_ROW_REFERENCED || status == RV_DEPENDENCY_REJECTED;
}

RV_TEST(of_all_refusals_those_that_a_rerun_can_mend) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    uint32_t rejections = 0;
    for (int status = RV_END + 1; status < RV_STATUS_COUNT; status++) {
        rv_rejection rejection;
        rv_pending batch;
        const bool mended = is_mended((rv_status)status);
        RV_CHECK_STATUS(command(&p.edge, 1, &result, &written), RV_OK);
        RV_CHECK_STATUS(refuse_batch(&p.edge, written.edge_sequence, (rv_status)status, 1), RV_OK);
        RV_CHECK_EQ(rv_node_pending(p.edge.node, written.edge_sequence, &batch), mended);
        RV_CHECK_EQ(rv_node_rejection(p.edge.node, written.edge_sequence - 1, &rejection), !mended);
        if (mended) { /* the application has it no more */
            RV_CHECK_EQ(run(&p.edge, -1, &result, &written, &p.edge.err.status), 100);
        }
        rejections += !mended;
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).pending, 0);
        RV_CHECK_EQ(rv_node_outbox(p.edge.node).rejections, rejections);
    }
    pair_free(&p);
}

/* Where the root judged is a number among the facts, or it does not say. */
RV_TEST(where_the_root_judged) {
    static const struct {
        const char *facts;
        uint64_t after;
    } cases[] = {
        {"\"judged_at\":12", 12}, {"\"expected\":7,\"judged_at\":3,\"actual\":8", 3},
        {"\"judged_at\":", 0},    {"\"judged_at\":x", 0},
        {"\"judged_at\":/", 0},   {"\"judged_at\":99999999999999999999999999", 0},
        {"\"judged\":12", 0},     {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pair p = pair_create();
        rv_event result;
        rv_written written;
        rv_decision no = {.outcome = RV_DECIDED_REFUSED};
        RV_CHECK_STATUS(command(&p.edge, 1, &result, &written), RV_OK);
        (void)rv_error_set(&no.refusal, RV_VERSION_CONFLICT, "no");
        no.refusal.facts_len = strlen(cases[i].facts);
        memcpy(no.refusal.facts, cases[i].facts, no.refusal.facts_len);
        RV_CHECK_STATUS(decided(&p.edge, 1, &no), RV_OK);
        const rv_pending batch = first(&p.edge);
        RV_CHECK(batch.after <= RV_POSITION_MAX);
        RV_CHECK(cases[i].after == batch.after || (cases[i].after == 0 && i == 5));
        pair_free(&p);
    }
}

/* --- rows that the edge numbers --- */

typedef struct opens {
    const char *path;
    const char *type;
    const char *data;
} opens;

/* Runs what is due with these events. */
static rv_status run_events(fixture *f, const opens *given, size_t count, rv_event *results,
                            rv_written *written) {
    rv_append events[4];
    rv_pending due;
    for (size_t i = 0; i < count; i++) {
        events[i] = fixture_event(given[i].path, given[i].type, given[i].data);
    }
    if (!rv_node_command_due(f->node, 0, &due) ||
        rv_node_command_begin(f->node, due.edge_sequence, &f->err) != RV_OK) {
        return RV_STATUS_COUNT;
    }
    const rv_status status =
        rv_node_command_done(f->node, due.edge_sequence, events, count, results, written, &f->err);
    rv_node_command_end(f->node);
    return status;
}

static int64_t name_len_of(fixture *f, int64_t id) {
    const rv_value key = rv_value_int(id);
    uint8_t memory[64];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    const rv_row row = rv_state_row_find(rv_node_state(f->node), 0, &key);
    rv_value name = rv_value_null();
    return row != RV_ROW_NONE && rv_state_row_cell(rv_node_state(f->node), 0, row, 1, &scratch,
                                                   &name, NULL) == RV_OK
               ? (int64_t)name.as.bytes.len
               : -1;
}

/* The root has something new, so that what was not sent runs again. */
static bool move(pair *p) {
    return fixture_append(&p->root, "/accounts/1", "deposited", "{\"amount\":1}") == RV_OK &&
           feed(p);
}

RV_TEST(a_row_keeps_its_key_from_run_to_run) {
    static const opens one = {"accounts", "account_opened", "{\"name\":\"a\"}"};
    static const opens longer = {"accounts", "account_opened", "{\"name\":\"bbb\"}"};
    static const opens paid = {"/accounts/1", "deposited", "{\"amount\":5}"};
    pair p = pair_create();
    rv_event results[4];
    rv_written written;
    RV_CHECK_STATUS(rv_node_keys_prepare(p.edge.node, &p.edge.err), RV_OK);
    const rv_keys_wish wish = {.incarnation = rv_node_outbox(p.edge.node).incarnation};
    const rv_lease lease = {.first = 50, .count = 16};
    RV_CHECK_STATUS(rv_node_keys_take(p.edge.node, &wish, &lease, &p.edge.err), RV_OK);
    const rv_append event = fixture_event(one.path, one.type, one.data);
    const rv_command what = {RV_LITERAL("open"), {NULL, 0}};
    const rv_writes writes = {.events = &event, .count = 1, .command = &what};
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, results, &written, &p.edge.err), RV_OK);
    RV_CHECK_EQ(name_len_of(&p.edge, 50), 1);
    /* the same is the same, and anything else of the type in that place has the key, too */
    RV_CHECK(move(&p));
    RV_CHECK_STATUS(run_events(&p.edge, &one, 1, results, &written), RV_OK);
    RV_CHECK(!written.changed && name_len_of(&p.edge, 50) == 1);
    RV_CHECK(move(&p));
    RV_CHECK_STATUS(run_events(&p.edge, &longer, 1, results, &written), RV_OK);
    RV_CHECK(written.changed && name_len_of(&p.edge, 50) == 3);
    RV_CHECK_EQ(rv_node_keys_left(p.edge.node, 0), 15);
    /* one more row takes one more key */
    const opens two[2] = {longer, one};
    RV_CHECK(move(&p));
    RV_CHECK_STATUS(run_events(&p.edge, two, 2, results, &written), RV_OK);
    RV_CHECK(written.changed && name_len_of(&p.edge, 50) == 3 && name_len_of(&p.edge, 51) == 1);
    /* in another place it is another row */
    const opens other[2] = {paid, one};
    RV_CHECK(move(&p));
    RV_CHECK_STATUS(run_events(&p.edge, other, 2, results, &written), RV_OK);
    RV_CHECK(name_len_of(&p.edge, 50) == -1 && name_len_of(&p.edge, 51) == 1);
    const opens turned[2] = {one, paid};
    RV_CHECK(move(&p));
    RV_CHECK_STATUS(run_events(&p.edge, turned, 2, results, &written), RV_OK);
    RV_CHECK(name_len_of(&p.edge, 51) == -1 && name_len_of(&p.edge, 52) == 1);
    /* what was refused may have been taken with its key: the next attempt has another */
    RV_CHECK_STATUS(refuse_batch(&p.edge, 1, RV_ROW_EXISTS, 0), RV_OK);
    RV_CHECK_STATUS(run_events(&p.edge, turned, 2, results, &written), RV_OK);
    RV_CHECK(name_len_of(&p.edge, 52) == -1 && name_len_of(&p.edge, 53) == 1);
    open_again(&p.edge);
    RV_CHECK(name_len_of(&p.edge, 53) == 1 && rv_node_keys_left(p.edge.node, 0) == 12);
    pair_free(&p);
}

/* --- sending, and opening again --- */

RV_TEST(what_may_have_been_sent_is_not_made_anew) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_pending due;
    RV_CHECK_STATUS(command(&p.edge, 1, &result, &written), RV_OK);
    RV_CHECK(may_leave(&p.edge));
    RV_CHECK_STATUS(command(&p.edge, 2, &result, &written), RV_OK);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(feed(&p));
    RV_CHECK(rv_node_command_due(p.edge.node, 0, &due) && due.edge_sequence == 2);
    open_again(&p.edge);
    RV_CHECK(rv_node_command_due(p.edge.node, 0, &due) && due.edge_sequence == 2);
    const rv_pending sent = first(&p.edge);
    RV_CHECK(!sent.due && rv_node_command_may_leave(p.edge.node, &sent));
    /* the second waits for its function */
    RV_CHECK(!rv_node_command_may_leave(p.edge.node, &due));
    RV_CHECK_EQ(balance_of(&p.edge, 1), 98);
    pair_free(&p);
}

RV_TEST(a_refused_command_waits_after_opening_too) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    rv_status status;
    RV_CHECK_STATUS(command(&p.edge, 60, &result, &written), RV_OK);
    RV_CHECK_STATUS(refuse_batch(&p.edge, 1, RV_CHECK_VIOLATION, 1), RV_OK);
    open_again(&p.edge);
    const rv_pending batch = first(&p.edge);
    RV_CHECK(batch.edge_sequence == 2 && batch.refused && batch.due &&
             batch.state == RV_PENDING_SUSPENDED);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 100);
    RV_CHECK_EQ(run(&p.edge, 0, &result, &written, &status), 100);
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 0);
    RV_CHECK(may_leave(&p.edge));
    pair_free(&p);
}

RV_TEST(what_a_command_cannot_be) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    char name[RV_COMMAND_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":5}");
    rv_command what = {rv_bytes_of(name, RV_COMMAND_NAME_MAX + 1), RV_LITERAL("1")};
    const rv_writes writes = {.events = &event, .count = 1, .command = &what};
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    what.name.len = 0;
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    what.name.len = RV_COMMAND_NAME_MAX;
    event.has_event_id = true;
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    event.has_event_id = false;
    what.args = RV_LITERAL("{\"a\":");
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    what.args = RV_LITERAL("1 2");
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    static uint8_t long_args[RV_COMMAND_ARGS_MAX + 1];
    memset(long_args, '7', sizeof long_args);
    what.args = rv_bytes_of(long_args, sizeof long_args);
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    const rv_writes nobody = {.events = &event,
                              .count = 1,
                              .principal = rv_bytes_of(long_args, RV_PRINCIPAL_LEN_MAX + 1)};
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &nobody, &result, &written, &p.edge.err),
                    RV_REQUEST_INVALID);
    what.args.len = 0;
    RV_CHECK_STATUS(rv_node_write(p.edge.node, &writes, &result, &written, &p.edge.err), RV_OK);
    pair_free(&p);
}

/* Every byte of an entry is read, or refused; none makes reading go astray. */
RV_TEST(entries_at_every_length_and_with_every_byte_changed) {
    pair p = pair_create();
    rv_event result;
    rv_written written;
    uint8_t value[512];
    RV_CHECK_STATUS(command(&p.edge, 60, &result, &written), RV_OK);
    uint8_t key[RV_PENDING_KEY];
    rv_pending_key(1, key);
    rv_bytes entry;
    RV_CHECK(rv_ledger_get(&p.edge.node->ledger, RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key),
                           &entry));
    RV_CHECK(entry.len < sizeof value);
    rv_pending batch;
    for (size_t len = 0; len < entry.len; len++) {
        RV_CHECK(!rv_pending_read(rv_bytes_of(entry.ptr, len), &batch));
    }
    for (size_t at = 0; at < entry.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(value, entry.ptr, entry.len);
            value[at] ^= (uint8_t)(1u << bit);
            if (rv_pending_read(rv_bytes_of(value, entry.len), &batch) &&
                batch.command.name.len > 0 && batch.attempt < UINT8_MAX) {
                rv_pending_refuse(value, entry.len, 9);
                RV_CHECK(rv_pending_read(rv_bytes_of(value, entry.len), &batch));
                RV_CHECK(batch.refused && batch.after == 9);
            }
        }
    }
    pair_free(&p);
}

int main(void) {
    RV_RUN(it_sees_what_is_before_it_and_nothing_after);
    RV_RUN(the_same_events_change_nothing_and_others_take_their_place);
    RV_RUN(progress_that_brings_nothing_is_no_reason_to_run);
    RV_RUN(what_else_changes_the_node_ends_a_run);
    RV_RUN(a_function_or_the_node_refuses);
    RV_RUN(nothing_to_do_any_more);
    RV_RUN(what_the_root_refuses_runs_again_where_it_judged);
    RV_RUN(some_refusals_are_final_and_all_are_in_the_end);
    RV_RUN(of_all_refusals_those_that_a_rerun_can_mend);
    RV_RUN(where_the_root_judged);
    RV_RUN(a_row_keeps_its_key_from_run_to_run);
    RV_RUN(what_may_have_been_sent_is_not_made_anew);
    RV_RUN(a_refused_command_waits_after_opening_too);
    RV_RUN(what_a_command_cannot_be);
    RV_RUN(entries_at_every_length_and_with_every_byte_changed);
    return rv_test_done();
}
