/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what of an edge's outbox waits again when the root was put back is what it should be: what
 * is not shown here as well, a command as it came out in the end and only once, nothing of one that
 * came to nothing; a command that was refused in the lost history runs again at once; what does not
 * fit changes nothing until there is memory; an edge whose base is of the lost history begins anew.
 * Method: the two of restoring.h; each story at every moment between its steps, and counts of what
 * the root has in the end.
 */
#include "core/engine/command.h"
#include "tests/unit/sync/restoring.h"

/* --- what is not shown at the edge --- */

static duo *begin_for(const char *entry) {
    duo *const d = duo_create_for(entry);
    if (duo_append(d, "/accounts/1", "account_opened", "{\"name\":\"a\"}") != RV_OK ||
        duo_append(d, "/accounts/2", "account_opened", "{\"name\":\"b\"}") != RV_OK ||
        !duo_run(d)) {
        duo_fail("begin", &d->err);
    }
    return d;
}

/* Cut when it is undecided, accepted and not passed by W, passed. */
RV_TEST(what_is_blind_comes_back) {
    for (int moment = 0; moment < 3; moment++) {
        duo *const d = begin_for("/accounts/1");
        rv_outcome outcome = {.kind = RV_OUTCOME_WAITING};
        rv_pending batch;
        uint8_t *const backup = copy_disk(d, &d->root);
        RV_CHECK_STATUS(duo_write_one(d, "/accounts/2", "deposited", "{\"amount\":5}"), RV_OK);
        for (int i = 0; i < DUO_STEPS_MAX && moment == 1 && outcome.kind == RV_OUTCOME_WAITING;
             i++) {
            (void)duo_step(d);
            RV_CHECK(rv_node_outcome(d->leaf.node, 1, &outcome));
        }
        RV_CHECK(moment < 2 || duo_run(d));
        const bool waits = rv_node_pending(d->leaf.node, 0, &batch);
        RV_CHECK_EQ(waits, moment < 2);
        RV_CHECK(moment != 1 || batch.state == RV_PENDING_ACCEPTED);
        duo_cut(d);
        for (int i = 0; i < 100; i++) { /* what it has heard is flushed */
            (void)duo_step(d);
        }
        restore_disk(d, &d->root, backup);
        RV_CHECK_EQ(balance_of(d->root.node, 2), 0);
        RV_CHECK(restored(d));
        RV_CHECK(duo_run(d));
        RV_CHECK_EQ(balance_of(d->root.node, 2), 5);
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
        free(backup);
        duo_free(d);
    }
}

/* What stands aside for the schema is not known by its ids, so its caller can give it again. When
 * the schema is there both wait, and it is shown once; it is in the log once, and both are accepted
 * with it. Method: the root does not answer pushes while both wait. */
RV_TEST(what_was_given_again_meanwhile_is_shown_once) {
    static const char schema[] = "CREATE AGGREGATE fee (id bigint PRIMARY KEY);";
    duo *const d = begin();
    rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    rv_written written;
    event.has_event_id = true;
    memset(event.event_id, 7, sizeof event.event_id);
    event.event_id[6] = 0x47;
    event.event_id[8] = 0x87;
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK_STATUS(apply(d, schema), RV_OK);
    RV_CHECK(duo_run(d));
    duo_cut(d);
    RV_CHECK_STATUS(duo_write(d, &event, 1, &written), RV_OK);
    for (int i = 0; i < 100; i++) { /* it is local */
        (void)duo_step(d);
    }
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    for (int i = 0; i < DUO_STEPS_MAX && d->edge->status.state != RV_EDGE_CONNECTED; i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 1);
    RV_CHECK_EQ(balance(d->leaf.node), 0);
    RV_CHECK_STATUS(duo_write(d, &event, 1, &written), RV_OK);
    RV_CHECK_EQ(written.edge_sequence, 2);
    RV_CHECK_EQ(balance(d->leaf.node), 5);
    d->edge->pusher.pushes_max = 0; /* nothing is granted */
    RV_CHECK_STATUS(apply(d, schema), RV_OK);
    for (int i = 0; i < DUO_STEPS_MAX && rv_node_outbox(d->leaf.node).held_back > 0; i++) {
        (void)duo_step(d);
    }
    for (int again = 0; again < 2; again++) { /* also when it is laid anew */
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 2);
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).suspended, 0);
        RV_CHECK_EQ(balance(d->leaf.node), 5);
        for (int i = 0; i < 100; i++) { /* all is flushed */
            d->edge->pusher.pushes_max = 0;
            (void)duo_step(d);
        }
        if (again == 0) {
            duo_crash(d, &d->leaf);
        }
    }
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK_EQ(balance(d->leaf.node), 5);
    RV_CHECK_EQ(balance(d->root.node), 5);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

/* The same, and what is given again is in the edge's log, by way of the root, before the schema is
 * there: what comes back then is shown once, and waits no more, nor after a crash. */
RV_TEST(what_is_in_the_log_meanwhile_does_not_come_back) {
    static const char schema[] = "CREATE AGGREGATE fee (id bigint PRIMARY KEY);";
    duo *const d = begin();
    rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    rv_written written;
    event.has_event_id = true;
    memset(event.event_id, 7, sizeof event.event_id);
    event.event_id[6] = 0x47;
    event.event_id[8] = 0x87;
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK_STATUS(apply(d, schema), RV_OK);
    RV_CHECK(duo_run(d));
    duo_cut(d);
    RV_CHECK_STATUS(duo_write(d, &event, 1, &written), RV_OK);
    rv_append other = fixture_event("/accounts/1", "deposited", "{\"amount\":7}");
    RV_CHECK_STATUS(duo_write(d, &other, 1, &written), RV_OK);
    for (int i = 0; i < 100; i++) { /* both are local */
        (void)duo_step(d);
    }
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    rv_event result;
    rv_status given = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (given == RV_PENDING || given == RV_BUSY); i++) {
        given = rv_node_append(d->root.node, &event, 1, &result, &d->err);
        (void)duo_step(d);
    }
    RV_CHECK_STATUS(given, RV_OK);
    for (int i = 0; i < DUO_STEPS_MAX &&
                    (rv_node_outbox(d->leaf.node).held_back == 0 || balance(d->leaf.node) == 0);
         i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 2);
    RV_CHECK_EQ(balance(d->leaf.node), 5);
    d->edge->pusher.pushes_max = 0; /* nothing is granted */
    RV_CHECK_STATUS(apply(d, schema), RV_OK);
    for (int i = 0; i < DUO_STEPS_MAX && rv_node_outbox(d->leaf.node).held_back > 0; i++) {
        d->edge->pusher.pushes_max = 0;
        (void)duo_step(d);
    }
    for (int again = 0; again < 2; again++) {
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 0);
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 1); /* the other one */
        RV_CHECK_EQ(balance(d->leaf.node), 12);
        for (int i = 0; i < 100 && again == 0; i++) { /* all is flushed */
            d->edge->pusher.pushes_max = 0;
            (void)duo_step(d);
        }
        if (again == 0) {
            duo_crash(d, &d->leaf);
        }
    }
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK_EQ(balance(d->leaf.node), 12);
    RV_CHECK_EQ(balance(d->root.node), 12);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

/* --- commands --- */

static char made[64];

static rv_append withdrawal(int64_t amount) {
    snprintf(made, sizeof made, "{\"amount\":%lld}", (long long)amount);
    return fixture_event("/accounts/1", "withdrawn", made);
}

/* A command that takes this much. */
static rv_status command(duo *d, int64_t amount) {
    const rv_command take = {RV_LITERAL("take"), RV_LITERAL("{}")};
    const rv_append event = withdrawal(amount);
    const rv_writes writes = {.events = &event, .count = 1, .command = &take};
    rv_event result;
    rv_written written;
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(d->leaf.node, &writes, &result, &written, &d->err);
        rv_sim_disk_advance(d->leaf.disk, DUO_STEP_US);
        fixture_poll(d->leaf.node);
    }
    return status;
}

/* Runs what is due: it takes this much, or (0) finds nothing to do. True: something ran. */
static bool run_due(duo *d, int64_t amount) {
    rv_pending due;
    bool ran = false;
    while (rv_node_command_due(d->leaf.node, 0, &due)) {
        const rv_append event = withdrawal(amount);
        rv_event result;
        rv_written written;
        if (rv_node_command_begin(d->leaf.node, due.edge_sequence, &d->err) != RV_OK ||
            rv_node_command_done(d->leaf.node, due.edge_sequence, &event, amount > 0, &result,
                                 &written, &d->err) != RV_OK) {
            break;
        }
        ran = true;
    }
    rv_node_command_end(d->leaf.node);
    return ran;
}

/* Runs until all is done, with the function. */
static bool run_with(duo *d, int64_t amount) {
    for (int i = 0; i < DUO_STEPS_MAX; i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        const bool moved = duo_step(d);
        if (!run_due(d, amount) && !moved && duo_done(d)) {
            return true;
        }
    }
    return false;
}

/* Both have 10; the schema goes on, if it is to; the root takes 8 that nobody knows of, so a
 * command that takes 5 is refused, and takes 1 the next time. */
static duo *begin_refused(uint8_t **backup, const char *schema) {
    duo *const d = begin();
    bool good = deposit(d, "{\"amount\":10}") && duo_run(d);
    *backup = copy_disk(d, &d->root);
    good = good && (schema == NULL || (apply(d, schema) == RV_OK && duo_run(d)));
    good = good && command(d, 5) == RV_OK &&
           duo_append(d, "/accounts/1", "withdrawn", "{\"amount\":8}") == RV_OK;
    if (!good) {
        duo_fail("a refused command", &d->err);
    }
    return d;
}

/* Runs, while no events come, until the root has refused the command. */
static bool until_refused(duo *d, rv_pending *batch) {
    *batch = (rv_pending){.refused = false};
    for (int i = 0; i < DUO_STEPS_MAX && !batch->refused; i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        d->session->credit = 0;
        (void)duo_step(d);
        (void)!rv_node_pending(d->leaf.node, 0, batch);
    }
    return batch->refused;
}

RV_TEST(a_command_comes_back_once) {
    for (int rerun = 0; rerun < 2; rerun++) {
        uint8_t *backup = NULL;
        duo *const d = begin_refused(&backup, NULL);
        rv_pending batch;
        RV_CHECK(until_refused(d, &batch));
        RV_CHECK_EQ(batch.attempt, 1);
        duo_cut(d);
        if (rerun > 0) {
            RV_CHECK(run_with(d, 1));
            RV_CHECK_EQ(balance(d->root.node), 1);
            for (int i = 0; i < 300; i++) {
                (void)duo_step(d);
            }
        }
        restore_disk(d, &d->root, backup);
        RV_CHECK(restored(d));
        RV_CHECK(run_with(d, 1));
        RV_CHECK(same_rows(d));
        RV_CHECK_EQ(balance(d->root.node), 9); /* what the root took is gone, 5 was never taken */
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
        free(backup);
        duo_free(d);
    }
}

/* The refusal was judged at a position that the root, put back, will not have for long. */
RV_TEST(a_refused_command_does_not_wait_for_the_lost_position) {
    uint8_t *backup = NULL;
    duo *const d = begin_refused(&backup, NULL);
    for (int i = 0; i < 40; i++) {
        RV_CHECK_STATUS(duo_append(d, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    }
    RV_CHECK_STATUS(duo_append(d, "/accounts/1", "withdrawn", "{\"amount\":42}"), RV_OK);
    rv_pending batch;
    RV_CHECK(until_refused(d, &batch));
    const uint64_t lost = batch.after;
    for (int i = 0; i < 300; i++) { /* that is local */
        d->session->credit = 0;
        (void)duo_step(d);
    }
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    RV_CHECK(lost > rv_node_watermark(d->root.node) + 30);
    RV_CHECK(run_with(d, 1));
    RV_CHECK_EQ(balance(d->root.node), 9);
    RV_CHECK(rv_node_watermark(d->root.node) < lost);
    free(backup);
    duo_free(d);
}

/* It waits for the schema, while a later one is sent, and comes back behind that: it runs as any
 * that was refused, and in the same connection. Seed 3330 of the simulator: it never ran again. */
RV_TEST(a_refused_command_that_waited_for_the_schema_runs) {
    static const char schema[] = "CREATE AGGREGATE fee (id bigint PRIMARY KEY);";
    uint8_t *backup = NULL;
    duo *const d = begin_refused(&backup, schema);
    rv_pending batch;
    RV_CHECK(until_refused(d, &batch));
    for (int i = 0; i < 300; i++) { /* that is local */
        d->session->credit = 0;
        (void)duo_step(d);
    }
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    for (int i = 0; i < DUO_STEPS_MAX && d->edge->status.state != RV_EDGE_CONNECTED; i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 1);
    RV_CHECK_STATUS(command(d, 2), RV_OK);
    for (int i = 0; i < DUO_STEPS_MAX && balance(d->leaf.node) != balance(d->root.node); i++) {
        (void)duo_step(d);
    }
    RV_CHECK(!run_due(d, 2));
    RV_CHECK_EQ(balance(d->root.node), 8); /* it is not settled, as one before it is not decided */
    RV_CHECK_STATUS(apply(d, schema), RV_OK);
    const uint64_t connected_at = d->edge->pusher.caught_up;
    RV_CHECK(run_with(d, 1));
    RV_CHECK_EQ(d->edge->pusher.caught_up, connected_at); /* it was, all the time */
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 0);
    RV_CHECK_EQ(balance(d->root.node), 7);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

RV_TEST(a_command_that_came_to_nothing_stays_away) {
    uint8_t *backup = NULL;
    duo *const d = begin_refused(&backup, NULL);
    /* the news comes, and nothing is pushed meanwhile: its function finds nothing to do */
    bool ran = false;
    for (int i = 0; i < DUO_STEPS_MAX && !ran; i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        d->edge->pusher.granted = false;
        (void)duo_step(d);
        ran = balance(d->leaf.node) < 5 && run_due(d, 0);
    }
    RV_CHECK(ran);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 0);
    for (int i = 0; i < 300; i++) {
        (void)duo_step(d);
    }
    duo_cut(d);
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    RV_CHECK(run_with(d, 5));
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(balance(d->root.node), 10);
    free(backup);
    duo_free(d);
}

/* --- what does not fit --- */

RV_TEST(what_does_not_fit_changes_nothing_until_there_is_memory) {
    enum { BATCHES = 24 };
    static char note[8192];
    duo *const d = begin();
    uint8_t *const backup = copy_disk(d, &d->root);
    for (unsigned i = 0; i < BATCHES; i++) {
        const int head = snprintf(note, sizeof note, "{\"note_id\":%u,\"body\":\"", i + 1);
        memset(note + head, 'x', sizeof note - 100);
        memcpy(note + head + sizeof note - 100, "\"}", 3);
        RV_CHECK_STATUS(duo_write_one(d, "/accounts/1", "noted", note), RV_OK);
        RV_CHECK(duo_run(d));
    }
    const uint64_t ahead = rv_node_watermark(d->leaf.node);
    RV_CHECK((size_t)BATCHES * sizeof note > rv_node_outbox(d->leaf.node).bytes_max);
    for (int i = 0; i < 300; i++) {
        (void)duo_step(d);
    }
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    for (int life = 0; life < 2; life++) {
        for (int i = 0; i < 3000 && d->edge->status.reason.status != RV_OUTBOX_FULL; i++) {
            duo_connect(d);
            (void)duo_step(d);
        }
        RV_CHECK_STATUS(d->edge->status.reason.status, RV_OUTBOX_FULL);
        RV_CHECK(strstr(d->edge->status.reason.detail, "larger memory budget") != NULL);
        RV_CHECK_EQ(rv_node_watermark(d->leaf.node), ahead);
        RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->leaf.node), 1), BATCHES);
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 0);
        duo_crash(d, &d->leaf);
    }
    duo_cut(d);
    free(d->leaf.node_memory);
    d->leaf.memory = (size_t)32 << 20;
    d->leaf.node_memory = malloc(d->leaf.memory);
    duo_crash(d, &d->leaf);
    RV_CHECK(duo_run(d));
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->root.node), 1), BATCHES);
    rv_rewound facts;
    RV_CHECK(rv_node_rewound(d->leaf.node, &facts));
    RV_CHECK_EQ(facts.requeued, BATCHES);
    free(backup);
    duo_free(d);
}

/* --- bases --- */

/* The edge's rows began at a position that is no more: it takes another base, and what it wrote
 * itself comes back. */
RV_TEST(a_base_of_the_lost_history_is_taken_anew) {
    for (int crash = 0; crash < 2; crash++) {
        duo *const d = duo_create_for("/accounts/* history none");
        RV_CHECK_STATUS(duo_append(d, "/accounts/1", "account_opened", "{\"name\":\"a\"}"), RV_OK);
        uint8_t *const backup = copy_disk(d, &d->root);
        for (int i = 0; i < 10; i++) {
            RV_CHECK_STATUS(duo_append(d, "/accounts/1", "deposited", "{\"amount\":100}"), RV_OK);
        }
        duo_cut(d);
        memset(d->leaf.disk_memory, 0, DUO_DISK_MEMORY); /* a new edge, behind the backup */
        const rv_sim_disk_options options = {.seed = 9, .now = INT64_C(1700000000000000)};
        d->leaf.disk = rv_sim_disk_create(d->leaf.disk_memory, DUO_DISK_MEMORY, &options);
        duo_open(d, &d->leaf);
        RV_CHECK(duo_run(d));
        RV_CHECK_EQ(balance(d->leaf.node), 1000);
        RV_CHECK(deposit(d, "{\"amount\":7}"));
        RV_CHECK(duo_run(d));
        RV_CHECK_EQ(balance(d->leaf.node), 1007);
        for (int i = 0; i < 300; i++) {
            (void)duo_step(d);
        }
        restore_disk(d, &d->root, backup);
        RV_CHECK(restored(d));
        for (int i = 0; i < DUO_STEPS_MAX && !rv_node_rewinding(d->leaf.node); i++) {
            duo_connect(d);
            (void)duo_step(d);
        }
        if (crash > 0) {
            for (int i = 0; i < 20; i++) {
                (void)duo_step(d);
            }
            duo_crash(d, &d->leaf);
        }
        RV_CHECK(duo_run(d));
        RV_CHECK(rv_node_whole(d->leaf.node));
        RV_CHECK_EQ(balance(d->root.node), 7);
        RV_CHECK_EQ(balance(d->leaf.node), 7);
        rv_rewound facts;
        RV_CHECK(rv_node_rewound(d->leaf.node, &facts));
        RV_CHECK(facts.to <= 2 && facts.from > 11);
        RV_CHECK_EQ(facts.requeued, 1);
        duo_crash(d, &d->leaf);
        RV_CHECK(duo_run(d));
        RV_CHECK_EQ(balance(d->leaf.node), 7);
        free(backup);
        duo_free(d);
    }
}

int main(void) {
    RV_RUN(what_is_blind_comes_back);
    RV_RUN(what_was_given_again_meanwhile_is_shown_once);
    RV_RUN(what_is_in_the_log_meanwhile_does_not_come_back);
    RV_RUN(a_command_comes_back_once);
    RV_RUN(a_refused_command_does_not_wait_for_the_lost_position);
    RV_RUN(a_refused_command_that_waited_for_the_schema_runs);
    RV_RUN(a_command_that_came_to_nothing_stays_away);
    RV_RUN(what_does_not_fit_changes_nothing_until_there_is_memory);
    RV_RUN(a_base_of_the_lost_history_is_taken_anew);
    return rv_test_done();
}
