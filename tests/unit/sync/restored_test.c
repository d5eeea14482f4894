/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a root that was put back to an older copy, and says so, and its edge come to hold the same
 * again: what the root had accepted of the edge since comes back, each event once; what others had
 * written since is gone, and kept in files; nothing that the edge wrote and was not refused is
 * lost. Without saying so nothing happens but that both tell of it. Method: the two of
 * tests/unit/sync/duo.h on simulated disks, the root's copied and put back; the edge crashes at
 * every operation of going back, in every way in which a disk can; stories told at random against a
 * count of what was written.
 */
#include "core/engine/keys.h"
#include "tests/unit/sync/restoring.h"

/* --- what is there --- */

static uint32_t files_named(const duo_side *side, const char *prefix) {
    static rv_file_name names[64];
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(side->disk);
    const rv_sim_faults none = {.crash = RV_SIM_CRASH_LOSE};
    rv_sim_disk_set_faults(side->disk, &none);
    uint32_t count = 0;
    if (host.ops->list(host.ctx, (rv_ticket)1 << 60, names, 64, &result) == RV_IO_DONE) {
        for (uint64_t i = 0; i < result.count && i < 64; i++) {
            count += strncmp(names[i].text, prefix, strlen(prefix)) == 0;
        }
    }
    return count;
}

RV_TEST(what_the_root_lost_of_an_edge_comes_back) {
    duo *const d = begin();
    RV_CHECK(deposit(d, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    uint8_t *const backup = copy_disk(d, &d->root);
    for (int i = 0; i < 5; i++) {
        RV_CHECK(deposit(d, "{\"amount\":10}"));
        RV_CHECK_STATUS(duo_append(d, "/accounts/1", "deposited", "{\"amount\":1000}"), RV_OK);
    }
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(balance(d->leaf.node), 5051);
    const uint64_t ahead = rv_node_watermark(d->leaf.node);
    const uint64_t sequences = rv_node_sequence(d->leaf.node);
    const uint32_t incarnation = rv_node_outbox(d->leaf.node).incarnation;
    rv_subscription feed;
    rv_event event;
    rv_bytes path;
    rv_subscription_open(&feed, d->leaf.node, NULL, 0, 1);
    restore_disk(d, &d->root, backup);
    RV_CHECK(rv_node_watermark(d->root.node) < ahead);
    /* nobody has said so: both tell of it, and nothing changes */
    for (int i = 0; i < 400; i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK_STATUS(d->edge->status.reason.status, RV_UPSTREAM_DIVERGED);
    RV_CHECK(strstr(d->edge->status.reason.detail, "rivulet restored") != NULL);
    RV_CHECK(rv_node_stranger(d->root.node).count > 0);
    RV_CHECK_EQ(rv_node_watermark(d->leaf.node), ahead);
    RV_CHECK_EQ(balance(d->leaf.node), 5051);
    RV_CHECK(restored(d));
    RV_CHECK(duo_run(d));
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(balance(d->root.node), 51);
    RV_CHECK_EQ(balance(d->leaf.node), 51);
    RV_CHECK(rv_node_sequence(d->leaf.node) < sequences);
    RV_CHECK(rv_node_outbox(d->leaf.node).incarnation != incarnation);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    rv_rewound facts;
    RV_CHECK(rv_node_rewound(d->leaf.node, &facts));
    RV_CHECK_EQ(facts.from, ahead);
    RV_CHECK(facts.to >= 1 && facts.to <= ahead - 10);
    RV_CHECK_EQ(facts.dropped, ahead - facts.to);
    RV_CHECK(facts.requeued >= 5 && facts.requeued <= 6);
    RV_CHECK_EQ(facts.epoch, rv_node_identity(d->root.node)->epoch);
    RV_CHECK_EQ(rv_node_identity(d->leaf.node)->epoch, facts.epoch);
    RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 1);
    /* what is read on is told that it is of another history */
    RV_CHECK_STATUS(rv_subscription_next(&feed, 10, &event, &path, &d->err), RV_HISTORY_GONE);
    RV_CHECK_EQ(files_named(&d->leaf, "rewind"), 0);
    RV_CHECK_EQ(files_named(&d->leaf, "cut-"), 1);
    /* all of it in the next lives, too */
    for (int life = 0; life < 2; life++) {
        duo_crash(d, &d->leaf);
        RV_CHECK(duo_run(d));
        RV_CHECK(deposit(d, "{\"amount\":1}"));
        RV_CHECK(duo_run(d));
        RV_CHECK(same_rows(d));
        RV_CHECK_EQ(balance(d->root.node), 52 + life);
        RV_CHECK(rv_node_rewound(d->leaf.node, &facts));
        RV_CHECK_EQ(facts.from, ahead);
        RV_CHECK_EQ(rv_node_identity(d->leaf.node)->epoch, facts.epoch);
    }
    free(backup);
    duo_free(d);
}

RV_TEST(an_edge_that_is_behind_only_follows_the_epoch) {
    duo *const d = begin();
    RV_CHECK(deposit(d, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    duo_cut(d);
    RV_CHECK(deposit(d, "{\"amount\":10}"));
    const uint64_t before = rv_node_watermark(d->leaf.node);
    RV_CHECK(restored(d));
    RV_CHECK(duo_run(d));
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(balance(d->root.node), 11);
    rv_rewound facts;
    RV_CHECK(rv_node_rewound(d->leaf.node, &facts));
    RV_CHECK_EQ(facts.from, before);
    RV_CHECK_EQ(facts.to, before);
    RV_CHECK_EQ(facts.dropped, 0);
    RV_CHECK_EQ(facts.requeued, 0);
    RV_CHECK_EQ(files_named(&d->leaf, "cut-"), 0);
    duo_free(d);
}

/* As in the simulator's seed 3705. */
RV_TEST(an_epoch_may_begin_between_hello_and_welcome) {
    duo *const d = begin();
    duo_cut(d);
    RV_CHECK(deposit(d, "{\"amount\":1}"));
    duo_connect(d);
    rv_bytes hello;
    RV_CHECK(rv_edge_send(d->edge, d->now, &hello));
    RV_CHECK_STATUS(rv_upstream_receive(d->session, hello, d->now, &d->err), RV_OK);
    RV_CHECK(restored(d));
    RV_CHECK(duo_run(d));
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(balance(d->root.node), 1);
    RV_CHECK_EQ(rv_node_identity(d->leaf.node)->epoch, rv_node_identity(d->root.node)->epoch);
    duo_free(d);
}

RV_TEST(a_root_that_went_on_beside_its_edges) {
    duo *const d = begin();
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK(deposit(d, "{\"amount\":10}"));
    RV_CHECK(duo_run(d));
    restore_disk(d, &d->root, backup);
    for (int i = 0; i < 30; i++) { /* it takes events for weeks before anybody says so */
        RV_CHECK_STATUS(duo_append(d, "/accounts/1", "deposited", "{\"amount\":100}"), RV_OK);
    }
    for (int i = 0; i < 400; i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    RV_CHECK_STATUS(d->edge->status.reason.status, RV_UPSTREAM_DIVERGED);
    RV_CHECK(restored(d));
    RV_CHECK(duo_run(d));
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(balance(d->leaf.node), 3010);
    /* and again, from the same backup: the epochs differ */
    const uint32_t epoch = rv_node_identity(d->root.node)->epoch;
    restore_disk(d, &d->root, backup);
    rv_sim_disk_set_clock(d->root.disk, INT64_C(1700000100000000)); /* its clock went on */
    RV_CHECK(restored(d));
    RV_CHECK(rv_node_identity(d->root.node)->epoch != epoch);
    RV_CHECK(duo_run(d));
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(balance(d->leaf.node), 10);
    free(backup);
    duo_free(d);
}

/* The schema changes behind the backup, and is made again, or never is. */
RV_TEST(what_was_written_under_a_lost_schema_waits_for_it) {
    static const char text[] =
        "CREATE AGGREGATE fee (id bigint PRIMARY KEY, amount bigint);"
        "CREATE EVENT_TYPE fee_paid (id creates fee(id), amount updates fee(amount));"
        "CREATE STREAM fees (path \"/fees/{id}\", event_types (fee_paid));";
    for (int again = 0; again < 2; again++) {
        duo *const d = begin();
        RV_CHECK(deposit(d, "{\"amount\":100}"));
        RV_CHECK(duo_run(d));
        uint8_t *const backup = copy_disk(d, &d->root);
        for (int life = 0; life < 1 + again; life++) {
            RV_CHECK_STATUS(apply(d, text), RV_OK);
            if (life > 0) {
                break;
            }
            RV_CHECK(duo_run(d));
            RV_CHECK_STATUS(duo_write_one(d, "/fees/1", "fee_paid", "{\"amount\":7}"), RV_OK);
            RV_CHECK(duo_run(d));
            duo_cut(d);
            RV_CHECK_STATUS(duo_write_one(d, "/fees/2", "fee_paid", "{\"amount\":5}"), RV_OK);
            RV_CHECK(deposit(d, "{\"amount\":1}"));
            for (int i = 0; i < 300; i++) { /* all of it local */
                (void)duo_step(d);
            }
            restore_disk(d, &d->root, backup);
            RV_CHECK(restored(d));
            RV_CHECK(duo_run(d));
            RV_CHECK_EQ(balance(d->root.node), 100);
            RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 3);
            RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 0);
            duo_crash(d, &d->leaf);
            RV_CHECK(duo_run(d));
            RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 3);
        }
        if (again > 0) {
            RV_CHECK(deposit(d, "{\"amount\":1000}")); /* is pushed before those that come back */
            RV_CHECK(duo_run(d));
            for (int i = 0; i < 2000 && rv_node_outbox(d->leaf.node).held_back > 0; i++) {
                duo_connect(d);
                (void)duo_step(d);
            }
            RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 0);
            RV_CHECK(duo_run(d));
            RV_CHECK_EQ(balance(d->root.node), 1101);
            RV_CHECK_EQ(fixture_forks(d->edge->node), 0);
            RV_CHECK_EQ(rv_state_row_count(rv_node_state(d->root.node), 2), 2);
        }
        RV_CHECK(same_rows(d));
        free(backup);
        duo_free(d);
    }
}

/* --- crashes on the way --- */

/* A root that was restored, and has said so, and an edge that is ahead, has written more, and holds
 * a checkpoint of what is no more. */
typedef struct story {
    duo *d;
    uint8_t *root;
    uint8_t *leaf;
} story;

static story story_create(void) {
    fixture_checkpoint_growth = 600;
    story s = {.d = begin()};
    bool good = true;
    for (int i = 0; i < 6; i++) {
        good = good && deposit(s.d, "{\"amount\":1}") && duo_run(s.d);
    }
    uint8_t *const backup = copy_disk(s.d, &s.d->root);
    for (int i = 0; i < 6; i++) {
        good = good && deposit(s.d, "{\"amount\":10}") &&
               duo_append(s.d, "/accounts/1", "deposited", "{\"amount\":1000}") == RV_OK &&
               duo_run(s.d);
    }
    good = good && rv_node_checkpoint_of(s.d->leaf.node)->written > 1;
    duo_cut(s.d);
    good = good && deposit(s.d, "{\"amount\":100}");
    s.leaf = copy_disk(s.d, &s.d->leaf);
    restore_disk(s.d, &s.d->root, backup);
    good = good && restored(s.d);
    s.root = copy_disk(s.d, &s.d->root);
    free(backup);
    if (!good) {
        duo_fail("story", &s.d->err);
    }
    return s;
}

static void story_free(story *s) {
    fixture_checkpoint_growth = 0;
    free(s->root);
    free(s->leaf);
    duo_free(s->d);
}

/* Tells it until the edge's operation `n` since it began to go back, which has this fault, or to
 * the end. True: it was the end. */
static bool story_stop(const story *s, uint64_t n, rv_sim_fault fault, rv_sim_crash crash) {
    duo *const d = s->d;
    restore_disk(d, &d->root, s->root);
    restore_disk(d, &d->leaf, s->leaf);
    for (int i = 0; i < DUO_STEPS_MAX && !rv_node_rewinding(d->leaf.node); i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    const uint64_t stop = rv_sim_disk_operations(d->leaf.disk) + n;
    const rv_sim_faults faults = {.fault = fault,
                                  .fault_at = stop,
                                  .crash = crash,
                                  .pending_percent = fault == RV_SIM_STOP ? 30 : 100,
                                  .latency_us_max = DUO_STEP_US};
    rv_sim_disk_set_faults(d->leaf.disk, &faults);
    for (int i = 0; i < DUO_STEPS_MAX && rv_node_rewinding(d->leaf.node) &&
                    rv_sim_disk_operations(d->leaf.disk) < stop;
         i++) {
        (void)duo_step(d);
    }
    return rv_sim_disk_operations(d->leaf.disk) < stop;
}

/* The same, where the power fails then. */
static bool story_tell(const story *s, uint64_t n, rv_sim_crash crash) {
    const bool over = story_stop(s, n, RV_SIM_STOP, crash);
    duo_crash(s->d, &s->d->leaf);
    return over;
}

RV_TEST(the_power_fails_at_every_operation_of_going_back) {
    story s = story_create();
    duo *const d = s.d;
    static const rv_sim_crash crashes[] = {RV_SIM_CRASH_LOSE, RV_SIM_CRASH_TEAR,
                                           RV_SIM_CRASH_REORDER, RV_SIM_CRASH_KEEP};
    bool over = false;
    uint64_t n = 4;
    for (; n < 1600 && !over; n++) { /* every operation in all four ways */
        over = story_tell(&s, n / 4, crashes[n % 4]);
        if (!duo_run(d) || !same_rows(d) || balance(d->leaf.node) != 166 ||
            rv_node_outbox(d->leaf.node).rejections != 0 || files_named(&d->leaf, "rewind") != 0) {
            fprintf(stderr, "operation %llu, crash %d: balance %lld\n", (unsigned long long)n,
                    (int)crashes[n % 4], (long long)balance(d->leaf.node));
            RV_CHECK(false);
        }
        rv_rewound facts;
        RV_CHECK(rv_node_rewound(d->leaf.node, &facts));
        RV_CHECK(facts.dropped >= 12 && facts.requeued >= 6);
        /* and once more, as after any crash */
        duo_crash(d, &d->leaf);
        RV_CHECK(duo_run(d));
        RV_CHECK(same_rows(d));
        RV_CHECK_EQ(balance(d->leaf.node), 166);
    }
    RV_CHECK(n > 120 && n < 1600);
    story_free(&s);
}

/* --- what storage, selections and copies do to it --- */

/* The edge's operation `n` since it began to go back fails, or it comes to the end. True: the end.
 */
static bool story_fails(const story *s, uint64_t n) {
    duo *const d = s->d;
    restore_disk(d, &d->root, s->root);
    restore_disk(d, &d->leaf, s->leaf);
    for (int i = 0; i < DUO_STEPS_MAX && !rv_node_rewinding(d->leaf.node); i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    const uint64_t at = rv_sim_disk_operations(d->leaf.disk) + n;
    const rv_sim_faults faults = {.fault = n % 3 == 0 ? RV_SIM_TEAR : RV_SIM_FAIL, .fault_at = at};
    rv_sim_disk_set_faults(d->leaf.disk, &faults);
    for (int i = 0; i < DUO_STEPS_MAX && rv_node_rewinding(d->leaf.node); i++) {
        (void)duo_step(d);
    }
    return rv_sim_disk_operations(d->leaf.disk) < at;
}

static bool story_ends_well(const story *s, uint64_t n) {
    duo *const d = s->d;
    const bool well = duo_run(d) && same_rows(d) && balance(d->leaf.node) == 166 &&
                      rv_node_outbox(d->leaf.node).rejections == 0 &&
                      files_named(&d->leaf, "rewind") == 0;
    if (!well) {
        fprintf(stderr, "operation %llu: balance %lld\n", (unsigned long long)n,
                (long long)balance(d->leaf.node));
    }
    return well;
}

/* What failed before anything was written down is tried again, without another opening; and who
 * reads meanwhile goes on. Where the file was there all the same, the node has gone back, and says
 * so. Later failures end the node, and the next one goes on. */
RV_TEST(any_operation_of_going_back_may_fail) {
    story s = story_create();
    duo *const d = s.d;
    bool over = false;
    uint32_t again = 0, ended = 0;
    for (uint64_t n = 1; n < 400 && !over; n += 1) {
        over = story_fails(&s, n);
        const bool failed = rv_node_failed(d->leaf.node, NULL) != RV_OK;
        rv_rewound facts;
        if (!failed && !over && !rv_node_rewound(d->leaf.node, &facts)) {
            RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 0);
            again += 1;
        } else if (!failed && !over) {
            RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 1);
        }
        ended += failed;
        if (failed || files_named(&d->leaf, "rewind") != 0) { /* or it is only not removed */
            duo_crash(d, &d->leaf);
        }
        RV_CHECK(story_ends_well(&s, n));
    }
    RV_CHECK(over && again > 2 && ended > 2);
    story_free(&s);
}

/* The process ends in the operation `n`, or that fails and the node goes on; and in the operation
 * `m` behind it the power fails. True: there was none. */
static bool story_ends_twice(const story *s, uint64_t n, uint64_t m, bool dies, bool *over) {
    duo *const d = s->d;
    *over = story_stop(s, n, dies ? RV_SIM_STOP : RV_SIM_FAIL, RV_SIM_CRASH_KEEP);
    if (dies) {
        duo_cut(d);
        rv_sim_disk_crash(d->leaf.disk);
    }
    const uint64_t stop = rv_sim_disk_operations(d->leaf.disk) + m;
    const rv_sim_faults power = {.fault = RV_SIM_STOP,
                                 .fault_at = stop,
                                 .crash = m % 2 == 0 ? RV_SIM_CRASH_LOSE : RV_SIM_CRASH_REORDER,
                                 .pending_percent = dies ? 0 : 100,
                                 .latency_us_max = DUO_STEP_US};
    rv_sim_disk_set_faults(d->leaf.disk, &power);
    if (dies) {
        (void)fixture_open_on(rv_sim_disk_interface(d->leaf.disk), d->leaf.node_memory,
                              FIXTURE_NODE_MEMORY, RV_ROLE_EDGE, "/**", &d->leaf.node, &d->err);
    }
    for (int i = 0; i < DUO_STEPS_MAX && !dies && rv_node_rewinding(d->leaf.node) &&
                    rv_sim_disk_operations(d->leaf.disk) < stop;
         i++) {
        (void)duo_step(d);
    }
    const bool none = rv_sim_disk_operations(d->leaf.disk) < stop;
    duo_crash(d, &d->leaf);
    return none;
}

/* What is read of the file need not be on the disk: nothing is cut off before it is. */
RV_TEST(the_power_fails_after_the_file_was_read) {
    story s = story_create();
    for (int dies = 0; dies < 2; dies++) {
        bool over = false;
        for (uint64_t n = 1; n < 400 && !over; n += 1) {
            bool none = false;
            for (uint64_t m = 1 + n % 5; m < 400 && !none; m += 4 + RV_TEST_STRIDE) {
                none = story_ends_twice(&s, n, m, dies == 1, &over);
                if (!story_ends_well(&s, n)) {
                    fprintf(stderr, "then %llu, dies %d\n", (unsigned long long)m, dies);
                    RV_CHECK(false);
                }
            }
        }
        RV_CHECK(over);
    }
    story_free(&s);
}

/* The power fails in the midst of it, and then the file cannot be read. */
RV_TEST(a_file_that_cannot_be_read_is_not_passed_over) {
    story s = story_create();
    duo *const d = s.d;
    bool over = false;
    uint32_t failed = 0;
    for (uint64_t n = 1; n < 400 && !over; n += 9) {
        over = story_tell(&s, n, RV_SIM_CRASH_LOSE);
        duo_cut(d);
        rv_sim_disk_crash(d->leaf.disk);
        const rv_sim_faults faults = {
            .fault = RV_SIM_FAIL, .fault_at = rv_sim_disk_operations(d->leaf.disk) + 1 + n / 9 % 7};
        rv_sim_disk_set_faults(d->leaf.disk, &faults);
        failed += fixture_open_on(rv_sim_disk_interface(d->leaf.disk), d->leaf.node_memory,
                                  FIXTURE_NODE_MEMORY, RV_ROLE_EDGE, "/**", &d->leaf.node,
                                  &d->err) != RV_OK;
        duo_crash(d, &d->leaf);
        RV_CHECK(story_ends_well(&s, n));
    }
    RV_CHECK(over && failed > 2);
    story_free(&s);
}

/* The edge is told to hold something else, which its log names behind the end that it goes back
 * to; with and without having it already. */
RV_TEST(what_it_is_to_hold_stays) {
    for (int has = 0; has < 2; has++) {
        duo *const d = begin();
        const rv_bytes entry = RV_LITERAL("/accounts/* history none");
        uint8_t *const backup = copy_disk(d, &d->root);
        RV_CHECK(deposit(d, "{\"amount\":10}"));
        RV_CHECK(duo_run(d));
        if (has == 0) {
            duo_cut(d);
        }
        rv_status status = RV_PENDING;
        for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
            status = rv_node_select(d->leaf.node, &entry, 1, &d->err);
            (void)duo_step(d);
        }
        RV_CHECK_STATUS(status, RV_OK);
        for (int i = 0; i < 2000; i++) {
            (void)duo_step(d);
        }
        RV_CHECK_EQ(rv_node_selection(d->leaf.node)->entries[0].history == RV_HISTORY_NONE, has);
        restore_disk(d, &d->root, backup);
        RV_CHECK(restored(d));
        RV_CHECK(duo_run(d));
        for (int i = 0; i < 2000; i++) {
            duo_connect(d);
            (void)duo_step(d);
        }
        RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 1);
        RV_CHECK_TEXT(rv_node_selection(d->leaf.node)->entries[0].name, "/accounts/*");
        RV_CHECK(rv_node_whole(d->leaf.node));
        RV_CHECK_EQ(balance(d->leaf.node), 10);
        free(backup);
        duo_free(d);
    }
}

/* What was lost is said once more, to the byte: when it was recorded tells the two apart. */
RV_TEST(the_same_again_is_another_history) {
    duo *const d = begin();
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK_STATUS(duo_append(d, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    RV_CHECK(duo_run(d));
    const uint64_t before = rv_node_watermark(d->leaf.node);
    restore_disk(d, &d->root, backup);
    rv_sim_disk_set_clock(d->root.disk, INT64_C(1700000100000000));
    RV_CHECK(restored(d));
    RV_CHECK_STATUS(duo_append(d, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    RV_CHECK(duo_run(d));
    rv_rewound facts;
    RV_CHECK(rv_node_rewound(d->leaf.node, &facts));
    RV_CHECK_EQ(facts.to, before - 1);
    RV_CHECK_EQ(facts.dropped, 1);
    RV_CHECK_EQ(rv_node_watermark(d->leaf.node), before);
    RV_CHECK(same_rows(d));
    free(backup);
    duo_free(d);
}

/* A copy notices what it is, takes another life, and goes back: both in one process. */
RV_TEST(a_copy_goes_back) {
    duo *const d = begin();
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK(deposit(d, "{\"amount\":1}"));
    RV_CHECK(duo_run(d));
    uint8_t *const copy = copy_disk(d, &d->leaf);
    RV_CHECK(deposit(d, "{\"amount\":10}"));
    RV_CHECK(duo_run(d));
    restore_disk(d, &d->leaf, copy);
    for (int i = 0; i < 40; i++) { /* batches of its log, before the other life's */
        RV_CHECK(deposit(d, "{\"amount\":100}"));
    }
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(fixture_forks(d->edge->node), 1);
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 1);
    RV_CHECK_EQ(balance(d->root.node), 4001);
    RV_CHECK(same_rows(d));
    free(copy);
    free(backup);
    duo_free(d);
}

/* It has met its upstream, written nothing yet, and is told of another epoch. */
RV_TEST(who_has_nothing_goes_nowhere) {
    duo *const d = begin();
    const rv_sim_disk_options options = {.seed = 3, .now = INT64_C(1700000000000000)};
    duo_cut(d);
    memset(d->leaf.disk_memory, 0, DUO_DISK_MEMORY);
    d->leaf.disk = rv_sim_disk_create(d->leaf.disk_memory, DUO_DISK_MEMORY, &options);
    duo_open(d, &d->leaf);
    for (int i = 0; i < DUO_STEPS_MAX && rv_node_identity(d->leaf.node) == NULL; i++) {
        duo_connect(d);
        (void)duo_step(d);
    }
    duo_cut(d);
    RV_CHECK_EQ(rv_log_batches(rv_node_log(d->leaf.node)), 0);
    RV_CHECK(restored(d));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), 0);
    RV_CHECK_EQ(rv_node_identity(d->leaf.node)->epoch, rv_node_identity(d->root.node)->epoch);
    RV_CHECK(same_rows(d));
    duo_free(d);
}

/* --- a file that somebody has made --- */

/* The edge is about to go back: its disk, with the whole file on it. */
static uint8_t *noted(const story *s, uint8_t *file, size_t cap, size_t *len) {
    restore_disk(s->d, &s->d->root, s->root);
    restore_disk(s->d, &s->d->leaf, s->leaf);
    return noted_disk(s->d, file, cap, len);
}

/* Its sums say nothing about who has made it: whatever is in it is taken, or told to be damaged. */
RV_TEST(a_forged_file_is_refused_or_followed) {
    story s = story_create();
    duo *const d = s.d;
    static uint8_t file[1 << 16];
    size_t len = 0;
    uint8_t *const before = noted(&s, file, sizeof file, &len);
    uint32_t refused = 0, followed = 0;
    RV_CHECK(len > RV_REWIND_HEAD && len < sizeof file);
    for (size_t at = 16; at < len; at += RV_TEST_STRIDE) {
        duo_cut(d);
        memcpy(d->leaf.disk_memory, before, DUO_DISK_MEMORY);
        rv_sim_disk_crash(d->leaf.disk);
        duo_slow(&d->leaf, 0);
        forge(d->leaf.disk, file, len, at, (unsigned)(at % 8));
        RV_CHECK_PASSED();
        const rv_status status =
            fixture_open_on(rv_sim_disk_interface(d->leaf.disk), d->leaf.node_memory,
                            FIXTURE_NODE_MEMORY, RV_ROLE_EDGE, "/**", &d->leaf.node, &d->err);
        RV_CHECK(status == RV_OK || status == RV_DATA_DAMAGED);
        refused += status == RV_DATA_DAMAGED;
        followed += status == RV_OK;
        rv_pending batch;
        for (uint64_t after = 0; status == RV_OK && rv_node_pending(d->leaf.node, after, &batch);) {
            rv_pending_cursor cursor = {0, 0};
            rv_pending_event event;
            after = batch.edge_sequence;
            while (rv_node_pending_event(d->leaf.node, &batch, &cursor, &event)) {
                RV_CHECK_EQ(event.path.ptr[0], '/');
            }
        }
    }
    RV_CHECK(refused > 0 && followed > 0);
    duo_crash(d, &d->root);
    free(before);
    story_free(&s);
}

int main(void) {
    RV_RUN(what_the_root_lost_of_an_edge_comes_back);
    RV_RUN(an_edge_that_is_behind_only_follows_the_epoch);
    RV_RUN(an_epoch_may_begin_between_hello_and_welcome);
    RV_RUN(a_root_that_went_on_beside_its_edges);
    RV_RUN(what_was_written_under_a_lost_schema_waits_for_it);
    RV_RUN(the_power_fails_at_every_operation_of_going_back);
    RV_RUN(any_operation_of_going_back_may_fail);
    RV_RUN(the_power_fails_after_the_file_was_read);
    RV_RUN(a_file_that_cannot_be_read_is_not_passed_over);
    RV_RUN(what_it_is_to_hold_stays);
    RV_RUN(the_same_again_is_another_history);
    RV_RUN(a_copy_goes_back);
    RV_RUN(who_has_nothing_goes_nowhere);
    RV_RUN(a_forged_file_is_refused_or_followed);
    return rv_test_done();
}
