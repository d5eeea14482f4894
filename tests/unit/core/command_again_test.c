/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what follows for others when a command has run again: for batches whose expected versions
 * count what it had made, and for who is told what became of it.
 * Method: a root whose events are handed to an edge by hand, both on memory hosts, which make
 * nothing durable before a poll. A command withdraws from account 1; behind it waits a deposit that
 * expects its version; then it runs again and makes what the test says.
 */
#include "core/engine/command.h"

#include "tests/unit/core/outbox_pair.h"

#define COMMAND 1u /* edge sequences */
#define DEPOSIT 2u

#define NOTE_LEN 1000 /* more than a deposit takes that is left out */

static rv_event results[4];
static rv_written written;

static rv_status write_command(fixture *f) {
    const rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":1}");
    const rv_command what = {RV_LITERAL("withdraw"), RV_LITERAL("{}")};
    const rv_writes writes = {.events = &event, .count = 1, .command = &what};
    const rv_status status = rv_node_write(f->node, &writes, results, &written, &f->err);
    return fixture_settle(f->node) ? status : RV_STATUS_COUNT;
}

static rv_status write_expecting(fixture *f, uint64_t version) {
    rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":7}");
    event.expected = RV_EXPECTED_NUMBER;
    event.expected_version = version;
    const rv_status status = write_all(f, &event, 1, results, &written);
    return fixture_settle(f->node) ? status : RV_STATUS_COUNT;
}

/* Account 1 at version 2; the command and the deposit make it 4. */
static pair pair_create(void) {
    pair p = {.root = fixture_root(1), .edge = fixture_create(2), .pattern = EVERYTHING};
    if (fixture_append(&p.root, "/accounts/1", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":100}") != RV_OK ||
        fixture_open(&p.edge, RV_ROLE_EDGE, EVERYTHING) != RV_OK || !feed(&p) ||
        write_command(&p.edge) != RV_OK || write_expecting(&p.edge, 3) != RV_OK) {
        fprintf(stderr, "pair: %s\n", p.edge.err.detail);
        abort();
    }
    return p;
}

/* The root takes an event of others, in this stream, and the edge gets it. */
static bool others(pair *p, const char *path, const char *type, const char *data) {
    return fixture_append(&p->root, path, type, data) == RV_OK && feed(p);
}

/* The command runs again. */
static rv_status run(fixture *f, const char *path, const char *type, const char *data) {
    const rv_append event = fixture_event(path, type, data);
    rv_status status = rv_node_command_begin(f->node, COMMAND, &f->err);
    if (status == RV_OK) {
        status = rv_node_command_done(f->node, COMMAND, &event, path[0] != '\0', results, &written,
                                      &f->err);
    }
    rv_node_command_end(f->node);
    return status;
}

static rv_status refuse(fixture *f) {
    rv_error no;
    (void)rv_error_set(&no, RV_COMMAND_REFUSED, "not today");
    rv_status status = rv_node_command_begin(f->node, COMMAND, &f->err);
    status = status == RV_OK ? rv_node_command_refuse(f->node, COMMAND, &no, &f->err) : status;
    rv_node_command_end(f->node);
    return status;
}

/* What the root is told that the deposit counts, if it is only one. */
static uint64_t counted(const fixture *f) {
    rv_pending deposit;
    uint64_t sequences[4];
    return rv_node_pending(f->node, COMMAND, &deposit) && deposit.edge_sequence == DEPOSIT &&
                   rv_node_pending_counted(f->node, &deposit, sequences, 4) == 1
               ? sequences[0]
               : 0;
}

static rv_pending_state state_of(const fixture *f) {
    rv_pending deposit;
    return rv_node_pending(f->node, COMMAND, &deposit) ? deposit.state : RV_PENDING_ACCEPTED;
}

/* --- what is counted --- */

/* The number would hold: an event of others is in the place of the command's. */
RV_TEST(what_others_did_is_not_what_the_command_made) {
    pair p = pair_create();
    RV_CHECK(others(&p, "/accounts/1", "deposited", "{\"amount\":1000}"));
    RV_CHECK_STATUS(run(&p.edge, "/accounts/2", "account_opened", "{\"name\":\"b\"}"), RV_OK);
    RV_CHECK_EQ(state_of(&p.edge), RV_PENDING_SUSPENDED);
    RV_CHECK_STATUS(rv_node_pending_reason(p.edge.node, DEPOSIT, &p.edge.err),
                    RV_DEPENDENCY_REJECTED);
    RV_CHECK_EQ(counted(&p.edge), DEPOSIT);
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    RV_CHECK_EQ(counted(&p.edge), DEPOSIT);
    RV_CHECK_EQ(state_of(&p.edge), RV_PENDING_SUSPENDED);
    /* who writes now counts what there is now */
    RV_CHECK_STATUS(write_expecting(&p.edge, 3), RV_OK);
    rv_pending later;
    uint64_t sequences[4];
    RV_CHECK(rv_node_pending(p.edge.node, DEPOSIT, &later));
    RV_CHECK_EQ(rv_node_pending_counted(p.edge.node, &later, sequences, 4), 0);
    RV_CHECK_EQ(later.state, RV_PENDING_WAITING);
    pair_free(&p);
}

RV_TEST(nor_is_it_when_the_command_comes_to_nothing_or_is_refused) {
    for (int way = 0; way < 2; way++) {
        pair p = pair_create();
        RV_CHECK(others(&p, "/accounts/1", "deposited", "{\"amount\":1000}"));
        RV_CHECK_STATUS(way == 0 ? run(&p.edge, "", "", "") : refuse(&p.edge), RV_OK);
        RV_CHECK(fixture_settle(p.edge.node));
        RV_CHECK_EQ(counted(&p.edge), COMMAND); /* of which the root knows nothing */
        (void)rv_node_state_hash(p.edge.node);  /* lays what waits */
        RV_CHECK_EQ(state_of(&p.edge), RV_PENDING_SUSPENDED);
        pair_free(&p);
    }
}

RV_TEST(other_events_of_the_same_stream_are_what_was_counted) {
    pair p = pair_create();
    RV_CHECK(others(&p, "/accounts/9", "account_opened", "{\"name\":\"z\"}"));
    RV_CHECK_STATUS(run(&p.edge, "/accounts/1", "withdrawn", "{\"amount\":50}"), RV_OK);
    RV_CHECK(written.changed);
    RV_CHECK_EQ(counted(&p.edge), COMMAND);
    RV_CHECK_EQ(state_of(&p.edge), RV_PENDING_WAITING);
    RV_CHECK_EQ(balance_of(&p.edge, 1), 57);
    pair_free(&p);
}

/* --- what is told --- */

RV_TEST(what_became_of_it_is_told_when_it_is_durable) {
    for (int way = 0; way < 3; way++) {
        pair p = pair_create();
        rv_rejection rejection;
        rv_outcome outcome;
        RV_CHECK(others(&p, "/accounts/1", "withdrawn", "{\"amount\":100}"));
        const rv_status status = way == 0 ? refuse(&p.edge)
                                 : way == 1
                                     ? run(&p.edge, "/accounts/1", "withdrawn", "{\"amount\":1}")
                                     : run(&p.edge, "", "", "");
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_EQ(written.rejected, way == 1);
        RV_CHECK(!rv_node_rejection(p.edge.node, 0, &rejection));
        RV_CHECK(rv_node_outcome(p.edge.node, COMMAND, &outcome));
        RV_CHECK_EQ(outcome.kind, RV_OUTCOME_WAITING);
        RV_CHECK(!rv_node_outcome(p.edge.node, 9, &outcome)); /* was never written */
        const uint64_t revision = rv_node_revision(p.edge.node);
        RV_CHECK(fixture_settle(p.edge.node));
        RV_CHECK(rv_node_revision(p.edge.node) > revision);
        RV_CHECK_EQ(rv_node_rejection(p.edge.node, 0, &rejection), way < 2);
        RV_CHECK(rv_node_outcome(p.edge.node, COMMAND, &outcome));
        RV_CHECK_EQ(outcome.kind, way < 2 ? RV_OUTCOME_REJECTED : RV_OUTCOME_ACCEPTED);
        pair_free(&p);
    }
}

/* A crash before that: it runs once more, and nobody was told otherwise. */
RV_TEST(what_is_not_durable_was_not_told) {
    pair p = pair_create();
    rv_rejection rejection;
    RV_CHECK(others(&p, "/accounts/1", "deposited", "{\"amount\":1}"));
    RV_CHECK_STATUS(refuse(&p.edge), RV_OK);
    RV_CHECK(!rv_node_rejection(p.edge.node, 0, &rejection));
    RV_CHECK_STATUS(reopen(&p.edge), RV_OK); /* of what was flushed */
    RV_CHECK(!rv_node_rejection(p.edge.node, 0, &rejection));
    RV_CHECK_STATUS(run(&p.edge, "/accounts/1", "withdrawn", "{\"amount\":2}"), RV_OK);
    RV_CHECK_EQ(rv_node_outbox(p.edge.node).rejections, 0);
    pair_free(&p);
}

/* --- what it waits for --- */

static rv_status reason_of(const fixture *f, rv_error *reason) {
    rv_pending batch;
    *reason = (rv_error){.status = RV_OK};
    return rv_node_pending(f->node, 0, &batch) && batch.due
               ? rv_node_command_reason(f->node, &batch, reason)
               : RV_OK;
}

/* It runs again, and makes an event with much to say. */
static rv_status run_with_note(fixture *f) {
    char note[NOTE_LEN + 16];
    rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":1}");
    const int len = snprintf(note, sizeof note, "{\"note\":\"%0*d\"}", NOTE_LEN, 0);
    event.metadata = rv_bytes_of((const uint8_t *)note, (size_t)len);
    rv_status status = rv_node_command_begin(f->node, COMMAND, &f->err);
    if (status == RV_OK) {
        status = rv_node_command_done(f->node, COMMAND, &event, 1, results, &written, &f->err);
    }
    rv_node_command_end(f->node);
    return status;
}

/* The outbox is full, and now it makes more than it did: that is told until it is taken. */
RV_TEST(what_it_came_to_needs_room) {
    pair p = pair_create();
    rv_error reason;
    RV_CHECK(others(&p, "/accounts/1", "deposited", "{\"amount\":1}"));
    RV_CHECK_STATUS(reason_of(&p.edge, &reason), RV_COMMAND_WAITING);
    rv_status status = RV_OK;
    for (int i = 0; i < 100000 && status == RV_OK; i++) {
        status = write_one(&p.edge, "/accounts/1", "deposited", "{\"amount\":1}");
    }
    RV_CHECK_STATUS(status, RV_OUTBOX_FULL);
    RV_CHECK(fixture_settle(p.edge.node));
    const uint64_t revision = rv_node_revision(p.edge.node);
    RV_CHECK_STATUS(run_with_note(&p.edge), RV_OUTBOX_FULL);
    RV_CHECK_STATUS(reason_of(&p.edge, &reason), RV_OUTBOX_FULL);
    RV_CHECK(strcmp(reason.facts, "\"command\":\"withdraw\"") == 0);
    RV_CHECK(rv_node_revision(p.edge.node) > revision);
    RV_CHECK_STATUS(run(&p.edge, "/accounts/1", "withdrawn", "{\"amount\":2}"), RV_OK);
    RV_CHECK_STATUS(reason_of(&p.edge, &reason), RV_OK);
    /* of another run, which may be taken, nothing is known yet */
    RV_CHECK(fixture_settle(p.edge.node));
    RV_CHECK(others(&p, "/accounts/1", "deposited", "{\"amount\":1}"));
    RV_CHECK_STATUS(reason_of(&p.edge, &reason), RV_COMMAND_WAITING);
    pair_free(&p);
}

int main(void) {
    RV_RUN(what_others_did_is_not_what_the_command_made);
    RV_RUN(nor_is_it_when_the_command_comes_to_nothing_or_is_refused);
    RV_RUN(other_events_of_the_same_stream_are_what_was_counted);
    RV_RUN(what_became_of_it_is_told_when_it_is_durable);
    RV_RUN(what_is_not_durable_was_not_told);
    RV_RUN(what_it_came_to_needs_room);
    return rv_test_done();
}
