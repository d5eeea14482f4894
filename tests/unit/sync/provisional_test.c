/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that was given a schema works before it has met anybody (SEMANTICS 27): what is
 * written is shown, survives the process, and is decided at the root exactly once, whatever numbers
 * the root's schema has for the event types, and whenever the edge's process ends on the way. What
 * the root's schema does not know is kept, and comes when it does.
 * Method: the two of duo.h, which have not met; the root's schema has the fixture's statements
 * behind others, so that no number is the same; a crash after each number of steps; the root's rows
 * and versions in the end, beside what was written.
 */
#include "core/engine/command.h"
#include "core/engine/internal.h"
#include "core/live/row_feed.h"
#include "tests/unit/sync/restoring.h"

static const char others[] =
    "CREATE AGGREGATE shelf (id bigint PRIMARY KEY, label text);"
    "CREATE EVENT_TYPE shelf_built (shelf_id creates shelf(id), label updates shelf(label));"
    "CREATE EVENT_TYPE shelf_painted (shelf_id references shelf(id), label updates shelf(label));"
    "CREATE STREAM shelves (path \"/shelves/{shelf_id}\","
    " event_types (shelf_built, shelf_painted));";

/* A root whose schema is the texts (NULL: no more), and an edge for the entry (NULL: everything)
 * that has not met it. */
static duo *apart(const char *first, const char *second, const char *entry) {
    duo *const d = calloc(1, sizeof *d);
    d->now = 1000000;
    d->entry = entry;
    duo_side_create(d, &d->root, 1);
    duo_side_create(d, &d->leaf, 2);
    if ((first != NULL && apply(d, first) != RV_OK) ||
        (second != NULL && apply(d, second) != RV_OK)) {
        duo_fail("apart", &d->err);
    }
    duo_slow(&d->root, 50);
    duo_slow(&d->leaf, 50);
    return d;
}

/* Gives the edge a text, and once more while it is busy. */
static rv_status provide(duo *d, const char *text) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_provide(d->leaf.node, rv_bytes_of_string(text), &d->err);
        (void)duo_step(d);
    }
    return status;
}

/* Account 1 with 10, and account 2, at the edge. */
static bool write_three(duo *d) {
    return duo_write_one(d, "/accounts/1", "account_opened", "{\"name\":\"a\"}") == RV_OK &&
           duo_write_one(d, "/accounts/1", "deposited", "{\"amount\":10}") == RV_OK &&
           duo_write_one(d, "/accounts/2", "account_opened", "{\"name\":\"b\"}") == RV_OK;
}

/* Until all that was written is durable at the edge. */
static bool settle(duo *d) {
    for (int i = 0; i < DUO_STEPS_MAX; i++) {
        const rv_outbox_facts facts = rv_node_outbox(d->leaf.node);
        if (facts.durable + 1 == facts.next_sequence) {
            return true;
        }
        (void)duo_step(d);
    }
    return false;
}

/* What account `id` has; -1: there is none. */
static int64_t money(rv_node *node, int64_t id) {
    uint8_t memory[64];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    const rv_aggregate *const account =
        rv_schema_aggregate_named(rv_node_schema(node), RV_LITERAL("account"));
    const rv_value key = rv_value_int(id);
    rv_value value = rv_value_int(-1);
    if (account == NULL) {
        return -1;
    }
    const rv_row row = rv_state_row_find(rv_node_state(node), account->number, &key);
    return row != RV_ROW_NONE && rv_state_row_cell(rv_node_state(node), account->number, row, 2,
                                                   &scratch, &value, NULL) == RV_OK
               ? value.as.integer
               : -1;
}

static uint64_t version_of(rv_node *node, const char *path) {
    uint32_t stream = 0;
    rv_stream_head head = {.version = 0};
    if (rv_state_stream_find(rv_node_state(node), rv_bytes_of_string(path), &stream)) {
        rv_state_stream(rv_node_state(node), stream, &head);
    }
    return head.version;
}

/* Both have what write_three wrote, once, and the edge's log is the root's. */
static void check_arrived(duo *d, int line) {
    const rv_log_identity *const root = rv_node_identity(d->root.node);
    const rv_log_identity *const leaf = rv_node_identity(d->leaf.node);
    RV_CHECK_EQ(money(d->root.node, 1), 10);
    RV_CHECK_EQ(money(d->root.node, 2), 0);
    RV_CHECK_EQ(version_of(d->root.node, "/accounts/1"), 2);
    RV_CHECK_EQ(version_of(d->root.node, "/accounts/2"), 1);
    RV_CHECK(same_rows(d));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 0);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 0);
    RV_CHECK(!rv_provisional_waits(d->leaf.node));
    RV_CHECK(!rv_node_provisional(d->leaf.node));
    if (leaf == NULL || memcmp(root->log_id, leaf->log_id, sizeof root->log_id) != 0) {
        fprintf(stderr, "line %d: the edge has another log\n", line);
        RV_CHECK(false);
    }
}

RV_TEST(what_was_written_before_the_first_contact_arrives_once) {
    duo *const d = apart(others, fixture_schema, NULL);
    RV_CHECK(rv_node_identity(d->leaf.node) == NULL);
    RV_CHECK_STATUS(duo_write_one(d, "/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                    RV_NOT_CONNECTED);
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    RV_CHECK(rv_node_provisional(d->leaf.node));
    RV_CHECK(write_three(d));
    RV_CHECK_EQ(money(d->leaf.node, 1), 10);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 3);
    RV_CHECK(rv_node_identity(d->leaf.node) == NULL); /* invariant 1 */
    RV_CHECK_STATUS(duo_write_one(d, "/accounts/1", "withdrawn", "{\"amount\":11}"),
                    RV_CHECK_VIOLATION);
    RV_CHECK(duo_run(d));
    check_arrived(d, __LINE__);
    RV_CHECK_STATUS(provide(d, others), RV_NOT_ROOT);
    duo_free(d);
}

/* The edge can be used: it has the schema, and shows what account 1 has. While it takes its root's
 * log it answers nobody. */
static bool is_usable(duo *d, int64_t has) {
    rv_node *const node = d->leaf.node;
    return rv_node_rewinding(node) ||
           (rv_schema_aggregate_named(rv_node_schema(node), RV_LITERAL("account")) != NULL &&
            money(node, 1) == has);
}

/* After so many steps the connection is cut, or the process ends, and the edge stays without a
 * network. `*over`: the contact was, or something does not hold. */
static void stays_offline_after(int steps, bool written, bool crash, bool *over) {
    duo *const d = apart(others, fixture_schema, NULL);
    const int64_t had = written ? 10 : -1;
    bool done = false;
    *over = true;
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    RV_CHECK(!written || (write_three(d) && settle(d)));
    for (int i = 0; i < steps && !done; i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        done = !duo_step(d) && duo_done(d);
        RV_CHECK(is_usable(d, had));
    }
    if (crash) {
        duo_crash(d, &d->leaf);
        const rv_status again = provide(d, fixture_schema); /* as its application always does */
        RV_CHECK(again == RV_OK || again == RV_SCHEMA_DUPLICATE || again == RV_NOT_ROOT);
    }
    duo_cut(d);
    RV_CHECK(is_usable(d, had));
    RV_CHECK_STATUS(written ? duo_write_one(d, "/accounts/1", "deposited", "{\"amount\":5}")
                    : write_three(d) ? RV_OK
                                     : RV_BUSY,
                    RV_OK);
    RV_CHECK(is_usable(d, written ? 15 : 10));
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(money(d->root.node, 1), written ? 15 : 10);
    RV_CHECK(same_rows(d));
    duo_free(d);
    *over = done;
}

/* Wherever the first contact breaks, there is no moment without a schema, and what waits is shown:
 * as the edge's own schema has it, or as the root's. */
RV_TEST(there_is_always_a_schema) {
    for (int kind = 0; kind < 4; kind++) {
        bool over = false;
        int steps = 0;
        for (; !over; steps += steps < 80 ? RV_TEST_STRIDE : 20) {
            stays_offline_after(steps, (kind & 1) != 0, (kind & 2) != 0, &over);
        }
        RV_CHECK(steps > 20);
    }
}

/* The process ends after so many steps, and begins again: nothing durable is lost, and nothing
 * comes twice. */
RV_TEST(a_crash_on_the_way_loses_nothing) {
    bool over = false;
    for (int steps = 0; !over; steps += 3) {
        duo *const d = apart(others, fixture_schema, NULL);
        RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
        RV_CHECK(write_three(d) && settle(d));
        for (int i = 0; i < steps && !over; i++) {
            if (d->session == NULL) {
                duo_connect(d);
            }
            over = !duo_step(d) && duo_done(d);
        }
        duo_crash(d, &d->leaf);
        RV_CHECK(!rv_node_provisional(d->leaf.node) || money(d->leaf.node, 1) == 10);
        RV_CHECK(duo_run(d));
        check_arrived(d, __LINE__);
        duo_free(d);
    }
}

/* The edge is opened again before it meets anybody, twice, and its schema has grown meanwhile. */
RV_TEST(it_survives_the_process_and_grows) {
    duo *const d = apart(others, fixture_schema, NULL);
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    RV_CHECK(write_three(d) && settle(d));
    duo_crash(d, &d->leaf);
    RV_CHECK(rv_node_provisional(d->leaf.node));
    RV_CHECK_EQ(money(d->leaf.node, 1), 10);
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_SCHEMA_DUPLICATE);
    RV_CHECK_EQ(money(d->leaf.node, 1), 10);
    RV_CHECK_STATUS(provide(d, others), RV_OK);
    RV_CHECK_EQ(money(d->leaf.node, 1), 10);
    RV_CHECK_STATUS(duo_write_one(d, "/shelves/4", "shelf_built", "{\"label\":\"x\"}"), RV_OK);
    RV_CHECK(settle(d));
    duo_crash(d, &d->leaf);
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(d->leaf.node)), 2);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 4);
    RV_CHECK(duo_run(d));
    check_arrived(d, __LINE__);
    RV_CHECK_EQ(version_of(d->root.node, "/shelves/4"), 1);
    duo_free(d);
}

/* Nothing was written: the edge is as one that was given nothing. */
RV_TEST(what_was_only_provided_is_forgotten) {
    duo *const d = apart(others, NULL, NULL);
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    const uint32_t rewinds = rv_node_rewinds(d->leaf.node);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(rv_schema_event_type_count(rv_node_schema(d->leaf.node)), 2);
    RV_CHECK_EQ(rv_node_rewinds(d->leaf.node), rewinds + 1); /* compiled queries are old */
    RV_CHECK(same_rows(d));
    rv_rewound rewound;
    RV_CHECK(!rv_node_rewound(d->leaf.node, &rewound));
    duo_free(d);
}

/* Until the edge is at the root's W, and so much stands aside. False: it does not come to that. */
static bool run_with_aside(duo *d, uint32_t held_back) {
    for (int i = 0; i < DUO_STEPS_MAX; i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        const rv_outbox_facts facts = rv_node_outbox(d->leaf.node);
        if (!duo_step(d) && d->edge->status.state == RV_EDGE_CONNECTED && facts.pending == 0 &&
            facts.held_back == held_back &&
            rv_node_watermark(d->leaf.node) == rv_node_watermark(d->root.node)) {
            return true;
        }
    }
    return false;
}

/* The root's schema has none of it, then an event type of the name whose data is another's, then
 * all. The edge's process ends between. */
RV_TEST(what_the_root_does_not_know_waits) {
    static const char also[] =
        "CREATE EVENT_TYPE marked (mark_id creates shelf(id), label updates shelf(label));"
        "CREATE STREAM marks (path \"/marks/{mark_id}\", event_types (marked));";
    static const char otherwise[] =
        "CREATE EVENT_TYPE marked (mark_id creates shelf(id), label text NOT NULL);"
        "CREATE STREAM marks (path \"/marks/{mark_id}\", event_types (marked));";
    duo *const d = apart(others, NULL, NULL);
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    RV_CHECK_STATUS(provide(d, others), RV_OK);
    RV_CHECK_STATUS(provide(d, also), RV_OK);
    RV_CHECK(write_three(d));
    RV_CHECK_STATUS(duo_write_one(d, "/shelves/4", "shelf_built", "{\"label\":\"x\"}"), RV_OK);
    RV_CHECK_STATUS(duo_write_one(d, "/marks/5", "marked", "{\"label\":\"y\"}"), RV_OK);
    RV_CHECK(run_with_aside(d, 4));
    RV_CHECK_EQ(version_of(d->root.node, "/shelves/4"), 1);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).unknown, 4);
    RV_CHECK_STATUS(apply(d, otherwise), RV_OK);
    RV_CHECK(run_with_aside(d, 4));
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).unknown, 4);
    RV_CHECK_STATUS(apply(d, fixture_schema), RV_OK);
    RV_CHECK(settle(d));
    duo_crash(d, &d->leaf);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(money(d->root.node, 1), 10);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).unknown, 1); /* another shape is never taken for it */
    RV_CHECK_EQ(version_of(d->root.node, "/marks/5"), 0);
    RV_CHECK(same_rows(d));
    duo_free(d);
}

/* What it is to hold was changed before it met anybody, and was in the log that is gone. */
RV_TEST(the_selection_stays) {
    duo *const d = apart(others, fixture_schema, "/accounts/**");
    const rv_bytes entry = RV_LITERAL("/accounts/1");
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    RV_CHECK(write_three(d));
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(d->leaf.node, &entry, 1, &d->err);
        (void)duo_step(d);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(settle(d));
    d->stored = true;
    duo_crash(d, &d->leaf);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(money(d->root.node, 1), 10);
    RV_CHECK_EQ(money(d->root.node, 2), 0);
    RV_CHECK_EQ(rv_node_selection(d->leaf.node)->count, 1);
    RV_CHECK(rv_bytes_equal(rv_node_selection(d->leaf.node)->entries[0].name, entry));
    RV_CHECK_EQ(money(d->leaf.node, 1), 10);
    RV_CHECK_EQ(money(d->leaf.node, 2), -1);
    duo_free(d);
}

/* A command that is refused when it runs again is a rejection, which stands aside like the others.
 */
RV_TEST(a_refused_command_stands_aside) {
    duo *const d = apart(others, fixture_schema, NULL);
    const rv_command pay = {RV_LITERAL("pay"), RV_LITERAL("{}")};
    const rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    const rv_writes writes = {.events = &event, .count = 1, .command = &pay};
    rv_event result;
    rv_written written;
    rv_error no;
    (void)rv_error_set(&no, RV_CHECK_VIOLATION, "no");
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    RV_CHECK(write_three(d) && settle(d));
    RV_CHECK_STATUS(rv_node_write(d->leaf.node, &writes, &result, &written, &d->err), RV_OK);
    RV_CHECK(settle(d));
    duo_crash(d, &d->leaf);
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_command_begin(d->leaf.node, written.edge_sequence, &d->err);
        status = status == RV_OK
                     ? rv_node_command_refuse(d->leaf.node, written.edge_sequence, &no, &d->err)
                     : status;
        (void)duo_step(d);
    }
    rv_node_command_end(d->leaf.node);
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(duo_run(d));
    RV_CHECK_EQ(money(d->root.node, 1), 10);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).rejections, 1);
    RV_CHECK_EQ(rv_node_outbox(d->leaf.node).held_back, 0);
    duo_free(d);
}

/* A text that comes while the first write waits for its log stands behind what was given before. */
RV_TEST(a_text_between_two_tries_of_a_write) {
    for (int steps = 0; steps < 6; steps++) {
        duo *const d = apart(others, fixture_schema, NULL);
        const rv_append event = fixture_event("/accounts/1", "account_opened", "{\"name\":\"a\"}");
        const rv_writes writes = {.events = &event, .count = 1};
        rv_event result;
        rv_written written;
        RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
        duo_slow(&d->leaf, 100);
        RV_CHECK_STATUS(rv_node_write(d->leaf.node, &writes, &result, &written, &d->err),
                        RV_PENDING);
        for (int i = 0; i < steps; i++) {
            (void)duo_step(d);
        }
        RV_CHECK_STATUS(provide(d, others), RV_OK);
        RV_CHECK_STATUS(duo_write(d, &event, 1, &written), RV_OK);
        RV_CHECK(settle(d));
        duo_crash(d, &d->leaf);
        RV_CHECK_STATUS(rv_node_failed(d->leaf.node, NULL), RV_OK);
        RV_CHECK_EQ(rv_schema_version(rv_node_schema(d->leaf.node)), 2);
        RV_CHECK_EQ(rv_node_outbox(d->leaf.node).pending, 1);
        duo_free(d);
    }
}

/* Who follows the rows of an aggregate follows the one of that name, whatever its number is. */
RV_TEST(a_feed_of_rows_goes_on_by_name) {
    static uint8_t memory[1 << 20];
    for (int written = 0; written < 2; written++) {
        duo *const d = apart(others, fixture_schema, NULL);
        rv_moments moments = {.node = d->leaf.node};
        rv_row_feed feed;
        uint32_t rows = 0;
        RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
        RV_CHECK(written == 0 || write_three(d));
        rv_row_feed_open(&feed, &moments, 0, true);
        RV_CHECK_STATUS(duo_append(d, "/shelves/7", "shelf_built", "{\"label\":\"s\"}"), RV_OK);
        RV_CHECK_STATUS(duo_append(d, "/accounts/9", "account_opened", "{\"name\":\"z\"}"), RV_OK);
        for (int i = 0; i < DUO_STEPS_MAX && !(d->session != NULL && duo_done(d) && i > 2000);
             i++) {
            rv_arena scratch = rv_arena_over(memory, sizeof memory);
            rv_row_look look;
            const rv_row_change *change;
            if (d->session == NULL) {
                duo_connect(d);
            }
            (void)duo_step(d);
            if (rv_row_feed_look(&feed, NULL, &scratch, &look) != RV_OK) {
                continue;
            }
            RV_CHECK(rv_bytes_are(
                rv_schema_aggregate(rv_node_schema(d->leaf.node), feed.aggregate)->name,
                "account"));
            while (rv_row_look_next(&look, &change) == RV_OK) {
                rows = change->kind == RV_ROW_RESET ? 0 : rows;
                rows += change->kind == RV_ROW_IS || change->kind == RV_ROW_INSERT;
                rv_row_look_take(&look);
            }
        }
        RV_CHECK_EQ(rows, written == 0 ? 1 : 3);
        rv_row_feed_close(&feed);
        duo_free(d);
    }
}

/* The outbox is as full as it can be: there is room for what meeting the upstream adds. */
RV_TEST(a_full_outbox_meets_its_upstream) {
    static const int sizes[] = {100, 1000, 3000};
    for (unsigned n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        duo *const d = apart(others, fixture_schema, NULL);
        static char data[4096];
        rv_status status = RV_OK;
        RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
        RV_CHECK_STATUS(duo_write_one(d, "/accounts/1", "account_opened", "{\"name\":\"a\"}"),
                        RV_OK);
        uint32_t count = 0;
        int size = sizes[n];
        while (status == RV_OK || size > 1) { /* ends: with less and less room */
            size = status == RV_OK ? size : 1;
            snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"%0*d\"}", count + 1, size, 7);
            status = duo_write_one(d, "/accounts/1", "noted", data);
            count += status == RV_OK;
        }
        RV_CHECK_STATUS(status, RV_OUTBOX_FULL);
        RV_CHECK(duo_run(d));
        RV_CHECK_EQ(version_of(d->root.node, "/accounts/1"), 1 + count);
        duo_free(d);
    }
}

/* An operation of the storage fails on the way: the node can be read, or says why not, and the next
 * process brings all of it. */
RV_TEST(a_failing_storage_is_told_and_loses_nothing) {
    bool over = false;
    for (uint64_t n = 1; !over; n += 2) {
        duo *const d = apart(others, fixture_schema, NULL);
        uint64_t sequence = 0;
        RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
        RV_CHECK(write_three(d) && settle(d));
        const rv_sim_faults faults = {.fault = RV_SIM_FAIL,
                                      .fault_at = rv_sim_disk_operations(d->leaf.disk) + n,
                                      .pending_percent = 50,
                                      .latency_us_max = 5 * DUO_STEP_US,
                                      .crash = RV_SIM_CRASH_LOSE};
        rv_sim_disk_set_faults(d->leaf.disk, &faults);
        for (int i = 0; i < 1000; i++) {
            if (d->session == NULL) {
                duo_connect(d);
            }
            (void)duo_step(d);
        }
        over = rv_sim_disk_operations(d->leaf.disk) < faults.fault_at;
        (void)!rv_log_find_position(rv_node_log(d->leaf.node), 1, &sequence, NULL);
        duo_crash(d, &d->leaf);
        RV_CHECK(duo_run(d));
        check_arrived(d, __LINE__);
        duo_free(d);
    }
}

/* --- what the root's log begins with, in the file `rewind` --- */

RV_TEST(a_schema_change_is_read_as_it_was_written) {
    static uint8_t memory[512];
    rv_met read;
    rv_met met = {.event = {.type = RV_SYSTEM_SCHEMA_TYPE,
                            .position = 7,
                            .version = 3,
                            .schema_version = 3,
                            .recorded_at = -5,
                            .written_at = INT64_MIN,
                            .foreign_id = true,
                            .event_id = {1, 2, 3},
                            .metadata = RV_LITERAL("{}"),
                            .data = RV_LITERAL("CREATE")},
                  .watermark = UINT64_MAX,
                  .chain_hash = 9};
    for (int ends = 0; ends < 2; ends++) {
        rv_writer w = rv_writer_over(memory, sizeof memory);
        met.event.batch_end = ends == 1;
        rv_met_write(&w, &met);
        RV_CHECK(!w.full);
        rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
        RV_CHECK(rv_met_read(&c, &read) && rv_cursor_done(&c));
        RV_CHECK_EQ(read.event.position, 7);
        RV_CHECK_EQ(read.event.version, 3);
        RV_CHECK_EQ(read.event.schema_version, 3);
        RV_CHECK(read.event.recorded_at == -5 && read.event.written_at == INT64_MIN);
        RV_CHECK(read.event.foreign_id && read.event.batch_end == (ends == 1));
        RV_CHECK(memcmp(read.event.event_id, met.event.event_id, 16) == 0);
        RV_CHECK(rv_bytes_are(read.event.metadata, "{}"));
        RV_CHECK(rv_bytes_are(read.event.data, "CREATE"));
        RV_CHECK(read.watermark == UINT64_MAX && read.chain_hash == 9);
        for (size_t len = 0; len < w.len; len++) { /* at its end, so that a byte more is seen */
            uint8_t *const part = malloc(len + 1);
            memcpy(part, memory, len);
            c = rv_cursor_over(rv_bytes_of(part, len));
            RV_CHECK(!rv_met_read(&c, &read));
            free(part);
        }
    }
}

/* Its sums say nothing about who has made it: whatever is in it is taken, passed over, or told to
 * be damaged; and the upstream has the last word. */
RV_TEST(a_forged_file_is_refused_or_followed) {
    static uint8_t file[1 << 16];
    duo *const d = apart(others, fixture_schema, NULL);
    size_t len = 0;
    uint32_t followed = 0, shown = 0;
    RV_CHECK_STATUS(provide(d, fixture_schema), RV_OK);
    RV_CHECK(write_three(d) && settle(d));
    uint8_t *const before = noted_disk(d, file, sizeof file, &len);
    RV_CHECK(len > RV_REWIND_HEAD && len < sizeof file);
    RV_CHECK(rv_load_u64(file + 72) > sizeof others + strlen(fixture_schema));
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
        followed += status == RV_OK;
        shown += status == RV_OK && money(d->leaf.node, 1) == 10;
    }
    RV_CHECK(followed > 0 && shown > 0);
    free(before);
    duo_free(d);
}

int main(void) {
    RV_RUN(what_was_written_before_the_first_contact_arrives_once);
    RV_RUN(there_is_always_a_schema);
    RV_RUN(a_crash_on_the_way_loses_nothing);
    RV_RUN(it_survives_the_process_and_grows);
    RV_RUN(what_was_only_provided_is_forgotten);
    RV_RUN(what_the_root_does_not_know_waits);
    RV_RUN(the_selection_stays);
    RV_RUN(a_refused_command_stands_aside);
    RV_RUN(a_text_between_two_tries_of_a_write);
    RV_RUN(a_feed_of_rows_goes_on_by_name);
    RV_RUN(a_full_outbox_meets_its_upstream);
    RV_RUN(a_failing_storage_is_told_and_loses_nothing);
    RV_RUN(a_schema_change_is_read_as_it_was_written);
    RV_RUN(a_forged_file_is_refused_or_followed);
    return rv_test_done();
}
