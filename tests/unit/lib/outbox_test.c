/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the outbox and commands of the C interface (rivulet/outbox.h) at an edge: what is appended
 * waits and is told, is decided, acknowledged; commands run again on the state before them.
 * Method: an edge's data on a memory host, made by the core and opened by the library; its
 * upstream's events and decisions are handed to the node inside.
 */
#include "rivulet/outbox.h"

#include "core/engine/keys.h"
#include "lib/db.h"
#include "tests/unit/core/outbox_pair.h"

#define DB_MEMORY (RV_DB_MEMORY_WITHOUT_SQL_MIN + ((size_t)1 << 20))

typedef struct station {
    pair p;
    void *memory;
    rv_db *db;
    rv_error err;
} station;

static bool open_db(station *s) {
    const rv_db_options options = {.host = rv_memory_host_interface(s->p.edge.storage),
                                   .memory = s->memory,
                                   .memory_size = DB_MEMORY,
                                   .without_sql = true};
    memset(s->memory, 0xa5, DB_MEMORY);
    rv_status status = rv_db_create(&s->db, &options, &s->err);
    for (int i = 0; i < FIXTURE_POLLS_MAX && (i == 0 || status == RV_PENDING); i++) {
        status = status == RV_OK || status == RV_PENDING ? rv_db_open(s->db, &s->err) : status;
        const rv_status polled = rv_db_poll(s->db, NULL);
        status = polled == RV_OK ? status : polled;
    }
    s->p.edge.node = s->db->node;
    return status == RV_OK;
}

/* Account 1 with 100 at the root, and at the edge that the library has open. */
static station station_create(void) {
    station s = {.p = pair_of(EVERYTHING), .memory = malloc(DB_MEMORY)};
    if (fixture_append(&s.p.root, "/accounts/1", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        fixture_append(&s.p.root, "/accounts/1", "deposited", "{\"amount\":100}") != RV_OK ||
        !feed(&s.p) || fixture_close(s.p.edge.node, &s.err) != RV_END) {
        abort();
    }
    rv_memory_host_reopen(s.p.edge.storage);
    if (!open_db(&s)) {
        fprintf(stderr, "%s\n", s.err.detail);
        abort();
    }
    return s;
}

static void station_free(station *s) {
    pair_free(&s->p);
    free(s->memory);
}

static rv_status append(station *s, const rv_db_command *command, const char *type,
                        const char *data, rv_db_event *event) {
    const rv_append one = fixture_event("/accounts/1", type, data);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = command == NULL ? rv_db_append(s->db, &one, 1, event, &s->err)
                                 : rv_db_command_append(s->db, command, &one, 1, event, &s->err);
        fixture_poll(s->db->node);
    }
    return status;
}

static rv_status refuse(station *s, uint64_t edge_sequence, rv_status why) {
    rv_decision decision = {.outcome = RV_DECIDED_REFUSED};
    (void)rv_error_set(&decision.refusal, why, "no");
    return decided(&s->p.edge, edge_sequence, &decision);
}

static const rv_db_command withdraw = {{(const uint8_t *)"withdraw", 8},
                                       {(const uint8_t *)"[1]", 3}};

RV_TEST(what_is_appended_waits_is_refused_and_acknowledged) {
    station s = station_create();
    rv_db_event event, told;
    rv_db_batch batch;
    rv_db_outbox outbox;
    uint8_t text[512];
    rv_buffer json = {text, sizeof text, 0};
    rv_db_outbox_of(s.db, &outbox);
    RV_CHECK(outbox.pending == 0 && outbox.next == 1 && outbox.bytes_max > 0);
    RV_CHECK_EQ(outbox.keys_left, 0);
    RV_CHECK(!rv_db_pending(s.db, 0, &batch));
    RV_CHECK_STATUS(append(&s, NULL, "deposited", "{\"amount\":7}", &event), RV_OK);
    RV_CHECK(event.position == 0 && event.edge_sequence == 1 && event.version == 3);
    const rv_keys_wish wish = {.incarnation = rv_node_outbox(s.db->node).incarnation};
    const rv_lease lease = {10, 5};
    RV_CHECK_STATUS(rv_node_keys_take(s.db->node, &wish, &lease, &s.err), RV_OK);
    rv_db_outbox_of(s.db, &outbox);
    RV_CHECK(outbox.keys_left == 5 && outbox.forks == 0);
    RV_CHECK(rv_bytes_are(event.path, "/accounts/1"));
    RV_CHECK_EQ(balance_of(&s.p.edge, 1), 107);
    RV_CHECK(rv_db_pending(s.db, 0, &batch));
    RV_CHECK(batch.edge_sequence == 1 && batch.state == RV_DB_BATCH_WAITING && batch.count == 1 &&
             batch.command.len == 0);
    RV_CHECK(rv_db_batch_event(s.db, &batch, 0, &told) &&
             !rv_db_batch_event(s.db, &batch, 1, &told));
    RV_CHECK(memcmp(told.event_id, event.event_id, 16) == 0);
    RV_CHECK_STATUS(rv_db_event_data_json(s.db, &told, &json), RV_OK);
    RV_CHECK(rv_bytes_are(rv_bytes_of(text, json.len), "{\"id\":1,\"amount\":7}"));
    RV_CHECK_EQ(rv_db_outcome_of(s.db, 1, NULL, NULL), RV_DB_OUTCOME_WAITING);
    RV_CHECK_STATUS(rv_db_acknowledge(s.db, 1, &s.err), RV_NOT_FOUND);
    RV_CHECK(!rv_db_rejection(s.db, 0, &batch, NULL));

    RV_CHECK_STATUS(refuse(&s, 1, RV_CHECK_VIOLATION), RV_OK);
    rv_error reason = {.status = RV_OK};
    RV_CHECK_EQ(rv_db_outcome_of(s.db, 1, NULL, &reason), RV_DB_OUTCOME_REJECTED);
    RV_CHECK_STATUS(reason.status, RV_CHECK_VIOLATION);
    RV_CHECK(rv_db_rejection(s.db, 0, &batch, &reason) && batch.edge_sequence == 1);
    RV_CHECK(rv_db_batch_event(s.db, &batch, 0, &told) && rv_bytes_are(told.type, "deposited"));
    rv_db_outbox_of(s.db, &outbox);
    RV_CHECK(outbox.pending == 0 && outbox.rejections == 1);
    RV_CHECK_STATUS(rv_node_fork(s.db->node, &s.err), RV_OK);
    rv_db_outbox_of(s.db, &outbox);
    RV_CHECK(outbox.forks == 1 && outbox.forked_at > 0 && outbox.keys_left == 0);
    RV_CHECK_STATUS(rv_db_acknowledge(s.db, 1, &s.err), RV_OK);
    RV_CHECK(!rv_db_rejection(s.db, 0, &batch, NULL));
    RV_CHECK_EQ(rv_db_outcome_of(s.db, 1, NULL, NULL), RV_DB_OUTCOME_UNKNOWN);
    RV_CHECK_EQ(balance_of(&s.p.edge, 1), 100);
    station_free(&s);
}

RV_TEST(a_command_runs_again_and_refuses) {
    station s = station_create();
    rv_db_event event;
    rv_db_batch batch;
    rv_error reason;
    RV_CHECK_STATUS(append(&s, &withdraw, "withdrawn", "{\"amount\":60}", &event), RV_OK);
    RV_CHECK(!rv_db_command_due(s.db, 0, &batch));
    RV_CHECK_STATUS(append(&s, NULL, "deposited", "{\"amount\":5}", &event), RV_OK);
    RV_CHECK_STATUS(fixture_append(&s.p.root, "/accounts/1", "withdrawn", "{\"amount\":30}"),
                    RV_OK);
    RV_CHECK(feed(&s.p));
    RV_CHECK_EQ(balance_of(&s.p.edge, 1), 15);
    RV_CHECK(rv_db_command_due(s.db, 0, &batch));
    RV_CHECK(batch.edge_sequence == 1 && batch.due && rv_bytes_are(batch.command, "withdraw") &&
             rv_bytes_are(batch.args, "[1]"));
    RV_CHECK_STATUS(rv_db_pending_reason(s.db, 1, &reason), RV_COMMAND_WAITING);
    const rv_append half = fixture_event("/accounts/1", "withdrawn", "{\"amount\":35}");
    RV_CHECK_STATUS(rv_db_command_done(s.db, 1, &half, 1, &s.err), RV_NOT_FOUND);
    RV_CHECK_STATUS(rv_db_command_begin(s.db, 1, &s.err), RV_OK);
    RV_CHECK_EQ(balance_of(&s.p.edge, 1), 70);
    RV_CHECK_STATUS(rv_db_command_done(s.db, 1, &half, 1, &s.err), RV_OK);
    rv_db_command_end(s.db);
    RV_CHECK_EQ(balance_of(&s.p.edge, 1), 40);
    RV_CHECK_STATUS(rv_db_pending_reason(s.db, 1, &reason), RV_OK);

    RV_CHECK_STATUS(fixture_append(&s.p.root, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(feed(&s.p));
    RV_CHECK(rv_db_command_due(s.db, 0, &batch));
    RV_CHECK_STATUS(rv_db_command_begin(s.db, 1, &s.err), RV_OK);
    RV_CHECK_STATUS(rv_db_command_refuse(s.db, 1, rv_text("late"), rv_text("too late"), &s.err),
                    RV_OK);
    rv_db_command_end(s.db);
    RV_CHECK(!rv_db_rejection(s.db, 0, &batch, &reason)); /* nor is it kept yet */
    RV_CHECK(fixture_settle(s.db->node));
    RV_CHECK(rv_db_rejection(s.db, 0, &batch, &reason));
    RV_CHECK_STATUS(reason.status, RV_COMMAND_REFUSED);
    RV_CHECK(rv_bytes_are(rv_bytes_of((const uint8_t *)reason.facts, reason.facts_len),
                          "\"refusal\":\"late\""));
    RV_CHECK(rv_bytes_are(batch.command, "withdraw"));
    RV_CHECK_EQ(balance_of(&s.p.edge, 1), 76);
    station_free(&s);
}

RV_TEST(what_the_root_refuses_goes_on_as_the_next_attempt) {
    station s = station_create();
    rv_db_event event;
    rv_db_batch batch;
    RV_CHECK_STATUS(append(&s, &withdraw, "withdrawn", "{\"amount\":60}", &event), RV_OK);
    RV_CHECK_STATUS(refuse(&s, 1, RV_VERSION_CONFLICT), RV_OK);
    RV_CHECK_EQ(rv_db_outcome_of(s.db, 1, NULL, NULL), RV_DB_OUTCOME_WAITING);
    RV_CHECK(rv_db_command_due(s.db, 0, &batch));
    RV_CHECK(batch.edge_sequence == 2 && batch.attempt == 1 &&
             batch.state == RV_DB_BATCH_SUSPENDED);
    RV_CHECK_STATUS(rv_db_command_begin(s.db, 2, &s.err), RV_OK);
    RV_CHECK_STATUS(rv_db_command_done(s.db, 2, NULL, 0, &s.err), RV_OK);
    rv_db_command_end(s.db);
    RV_CHECK(fixture_settle(s.db->node));
    RV_CHECK_EQ(rv_db_outcome_of(s.db, 1, NULL, NULL), RV_DB_OUTCOME_ACCEPTED);
    RV_CHECK(!rv_db_pending(s.db, 0, &batch));
    station_free(&s);
}

int main(void) {
    RV_RUN(what_is_appended_waits_is_refused_and_acknowledged);
    RV_RUN(a_command_runs_again_and_refuses);
    RV_RUN(what_the_root_refuses_goes_on_as_the_next_attempt);
    return rv_test_done();
}
