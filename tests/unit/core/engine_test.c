/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a node keeps its promises to a caller: what it accepts is numbered, folded, durable when it
 * says so, and the same after it is opened again; what it refuses changes nothing and says why.
 * Method: a root and edges on memory hosts; after every refusal the state hash, positions and the
 * next append are what they would have been without it; replicas are fed from a subscription.
 */
#include "tests/unit/node_fixture.h"

RV_TEST(an_append_is_numbered_folded_and_found_again) {
    fixture f = fixture_root(1);
    const rv_append append = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    rv_event result;
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_OK);
    RV_CHECK_EQ(result.position, 2); /* the schema is 1 */
    RV_CHECK_EQ(result.version, 1);
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":70}"), RV_OK);
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_EQ(rv_node_sequence_durable(f.node), 3);
    const rv_hash128 before = rv_node_state_hash(f.node);
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    rv_memory_host_reopen(f.storage);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_OK);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), before));
    RV_CHECK_EQ(rv_node_watermark(f.node), 3);
    const rv_value key = rv_value_int(1);
    const rv_row row = rv_state_row_find(rv_node_state(f.node), 0, &key);
    RV_CHECK(row != RV_ROW_NONE);
    rv_value balance;
    RV_CHECK_STATUS(rv_state_row_cell(rv_node_state(f.node), 0, row, 2, NULL, &balance, NULL),
                    RV_OK);
    RV_CHECK_EQ(balance.as.integer, 70);
    fixture_free(&f);
}

typedef struct refusal {
    const char *path, *type, *data;
    rv_status status;
    const char *fact; /* a part of the facts, or NULL */
} refusal;

static const refusal refusals[] = {
    {"/nothing/1", "deposited", "{\"amount\":1}", RV_UNKNOWN_STREAM, NULL},
    {"/accounts/1/x", "deposited", "{\"amount\":1}", RV_UNKNOWN_STREAM, NULL},
    {"/accounts/1", "vanished", "{}", RV_UNKNOWN_EVENT_TYPE, NULL},
    {"/accounts/1", "deposited", "{\"amount\":1,\"color\":2}", RV_UNKNOWN_FIELD, "color"},
    {"/accounts/1", "deposited", "{\"amount\":\"many\"}", RV_VALUE_INVALID, "amount"},
    {"/accounts/1", "deposited", "{\"amount\":99999999999999999999}", RV_VALUE_OUT_OF_RANGE, NULL},
    {"/accounts/1", "deposited", "{\"amount\":0}", RV_CHECK_VIOLATION, NULL},
    {"/accounts/1", "deposited", "{}", RV_NOT_NULL_VIOLATION, "amount"},
    {"/accounts/1", "deposited", "{\"amount\":1", RV_JSON_INVALID, "offset"},
    {"/accounts/1", "deposited", "{\"amount\":1,\"amount\":2}", RV_JSON_INVALID, NULL},
    {"/accounts/1", "deposited", "{\"id\":2,\"amount\":1}", RV_KEY_MISMATCH, NULL},
    {"/accounts/9", "deposited", "{\"amount\":1}", RV_UNKNOWN_REFERENCE, "account"},
    {"/accounts/1", "withdrawn", "{\"amount\":1000}", RV_CHECK_VIOLATION, NULL},
    {"/accounts/1", "account_opened", "{\"name\":\"twice\"}", RV_ROW_EXISTS, "account"},
    {"accounts", "account_opened", "{\"name\":\"longer than ten\"}", RV_VALUE_TOO_LONG, "name"},
    {"/accounts/2", "noted", "{\"note_id\":7,\"body\":\"again\"}", RV_ROW_EXISTS, "note"},
};

RV_TEST(a_refused_append_changes_nothing) {
    fixture f = fixture_root(2);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}"), RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "noted", "{\"note_id\":7,\"body\":\"x\"}"),
                    RV_OK);
    const rv_hash128 before = rv_node_state_hash(f.node);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const refusal *r = &refusals[i];
        const rv_status status = fixture_append(&f, r->path, r->type, r->data);
        if (status != r->status) {
            fprintf(stderr, "refusal %zu: %s\n", i, f.err.detail);
        }
        RV_CHECK_STATUS(status, r->status);
        RV_CHECK(f.err.detail_len > 10);
        if (r->fact != NULL && strstr(f.err.facts, r->fact) == NULL) {
            fprintf(stderr, "refusal %zu: %s lacks %s\n", i, f.err.facts, r->fact);
            RV_CHECK(false);
        }
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), before));
        RV_CHECK_EQ(rv_node_sequence(f.node), 4);
    }
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    RV_CHECK_EQ(rv_node_sequence(f.node), 5);
    fixture_free(&f);
}

RV_TEST(a_batch_is_whole_or_not_there) {
    fixture f = fixture_root(3);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    const rv_hash128 before = rv_node_state_hash(f.node);
    rv_append batch[4] = {
        fixture_event("accounts", "account_opened", "{\"name\":\"bob\"}"),
        fixture_event("/accounts/2", "deposited", "{\"amount\":10}"),
        fixture_event("/accounts/2", "withdrawn", "{\"amount\":10}"),
        fixture_event("/accounts/2", "withdrawn", "{\"amount\":1}"),
    };
    rv_event results[4];
    RV_CHECK_STATUS(fixture_append_all(f.node, batch, 4, results, &f.err), RV_CHECK_VIOLATION);
    RV_CHECK(strstr(f.err.facts, "\"index\":3") != NULL);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), before));
    RV_CHECK_STATUS(fixture_append_all(f.node, batch, 3, results, &f.err), RV_OK);
    RV_CHECK_EQ(results[0].position, 3);
    RV_CHECK_EQ(results[2].position, 5);
    RV_CHECK_EQ(results[2].version, 3);
    RV_CHECK(results[2].batch_end && !results[0].batch_end);
    fixture_free(&f);
}

static rv_status append_expecting(fixture *f, const char *path, rv_expected_kind kind,
                                  uint64_t version) {
    rv_append append = fixture_event(path, "deposited", "{\"amount\":1}");
    append.expected = kind;
    append.expected_version = version;
    rv_event result;
    return fixture_append_all(f->node, &append, 1, &result, &f->err);
}

RV_TEST(expected_versions_hold_or_conflict) {
    fixture f = fixture_root(4);
    RV_CHECK_STATUS(append_expecting(&f, "/accounts/1", RV_EXPECTED_EXISTS, 0),
                    RV_VERSION_CONFLICT);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    RV_CHECK_STATUS(append_expecting(&f, "/accounts/1", RV_EXPECTED_NONE, 0), RV_VERSION_CONFLICT);
    RV_CHECK_STATUS(append_expecting(&f, "/accounts/1", RV_EXPECTED_NUMBER, 0),
                    RV_VERSION_CONFLICT);
    RV_CHECK(strstr(f.err.facts, "\"expected\":0,\"actual\":1") != NULL);
    RV_CHECK_STATUS(append_expecting(&f, "/accounts/1", RV_EXPECTED_NUMBER, 1), RV_OK);
    RV_CHECK_STATUS(append_expecting(&f, "/accounts/1", RV_EXPECTED_EXISTS, 0), RV_OK);
    RV_CHECK_STATUS(append_expecting(&f, "/accounts/1", RV_EXPECTED_NUMBER, 3), RV_OK);
    fixture_free(&f);
}

RV_TEST(the_same_id_again_gives_the_first_answer) {
    fixture f = fixture_root(5);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    rv_append append = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    append.has_event_id = true;
    memset(append.event_id, 0x42, sizeof append.event_id);
    rv_event first, again;
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &first, &f.err), RV_OK);
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &again, &f.err), RV_OK);
    RV_CHECK_EQ(again.position, first.position);
    RV_CHECK_EQ(again.version, first.version);
    RV_CHECK_EQ(rv_node_sequence(f.node), 3);
    append.data = RV_LITERAL("{\"amount\":6}");
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &again, &f.err), RV_EVENT_ID_REUSED);
    append.type = RV_LITERAL("withdrawn");
    append.data = RV_LITERAL("{\"amount\":5}");
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &again, &f.err), RV_EVENT_ID_REUSED);
    const rv_append twice[2] = {append, append};
    rv_event results[2];
    RV_CHECK_STATUS(fixture_append_all(f.node, twice, 2, results, &f.err), RV_EVENT_ID_REUSED);
    /* An id that the node made is known without being stored. */
    append = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    append.has_event_id = true;
    rv_event_id_make(rv_node_identity(f.node)->root_tag, 2, first.written_at, append.event_id);
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &again, &f.err), RV_OK);
    RV_CHECK_EQ(again.position, 2);
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    rv_memory_host_reopen(f.storage);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    append = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    append.has_event_id = true;
    memset(append.event_id, 0x42, sizeof append.event_id);
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &again, &f.err), RV_OK);
    RV_CHECK_EQ(again.position, 3);
    fixture_free(&f);
}

static rv_append marked(const char *data, const char *metadata) {
    rv_append append = fixture_event("marks", "marked", data);
    append.has_event_id = true;
    memset(append.event_id, 0x17, sizeof append.event_id);
    append.metadata = rv_bytes_of_string(metadata);
    return append;
}

/* What is left out is NULL, unless the writer fills it in. (It was passed over.) Metadata is not
 * content. */
RV_TEST(what_is_left_out_is_content_too) {
    static const char text[] =
        "CREATE AGGREGATE mark (id SERIAL PRIMARY KEY, a integer, b integer, at timestamptz);"
        "CREATE EVENT_TYPE marked (id creates mark(id), a updates mark(a), b integer DEFAULT 3"
        " updates mark(b), at timestamptz DEFAULT now() updates mark(at));"
        "CREATE STREAM marks (path \"/marks/{id}\" event_types (marked));";
    static const struct {
        const char *data;
        const char *metadata;
        rv_status status;
    } cases[] = {
        {"{\"a\":1}", "{\"try\":1}", RV_OK},
        {"{\"id\":1,\"a\":1,\"b\":3}", "{\"try\":2}", RV_OK}, /* the first one's is kept */
        {"{\"a\":1}", "", RV_OK},
        {"{}", "{\"try\":1}", RV_EVENT_ID_REUSED},
        {"{\"a\":null}", "{\"try\":1}", RV_EVENT_ID_REUSED},
        {"{\"a\":1,\"b\":4}", "{\"try\":1}", RV_EVENT_ID_REUSED},
    };
    fixture f = fixture_root(7);
    rv_event event;
    RV_CHECK_STATUS(rv_node_schema_apply(f.node, rv_bytes_of_string(text), &event, &f.err), RV_OK);
    const rv_append first = marked(cases[0].data, cases[0].metadata);
    RV_CHECK_STATUS(fixture_append_all(f.node, &first, 1, &event, &f.err), RV_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rv_append again = marked(cases[i].data, cases[i].metadata);
        rv_event result;
        RV_CHECK_STATUS(fixture_append_all(f.node, &again, 1, &result, &f.err), cases[i].status);
        RV_CHECK(cases[i].status != RV_OK || result.position == event.position);
        RV_CHECK(cases[i].status != RV_OK || rv_bytes_are(result.metadata, "{\"try\":1}"));
    }
    rv_append twice[2] = {marked("{}", ""), marked("{}", "")};
    twice[0].event_id[0] = twice[1].event_id[0] = 0x18;
    rv_event results[2];
    RV_CHECK_STATUS(fixture_append_all(f.node, twice, 2, results, &f.err), RV_EVENT_ID_REUSED);
    RV_CHECK(strstr(f.err.detail, "two events of the batch") != NULL);
    fixture_free(&f);
}

RV_TEST(a_schema_grows_and_a_bad_one_changes_nothing) {
    fixture f = fixture_root(6);
    const rv_hash128 before = rv_node_state_hash(f.node);
    rv_event event;
    RV_CHECK_STATUS(rv_node_schema_apply(f.node, RV_LITERAL("CREATE AGGREGATE account (x text)"),
                                         &event, &f.err),
                    RV_SCHEMA_DUPLICATE);
    RV_CHECK_STATUS(rv_node_schema_apply(f.node, RV_LITERAL("CREATE NONSENSE"), &event, &f.err),
                    RV_SCHEMA_SYNTAX);
    RV_CHECK(strstr(f.err.facts, "\"line\":1") != NULL);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), before));
    RV_CHECK_STATUS(rv_node_schema_apply(f.node,
                                         RV_LITERAL("CREATE AGGREGATE tag (id text PRIMARY KEY);"),
                                         &event, &f.err),
                    RV_OK);
    RV_CHECK_EQ(event.position, 2);
    RV_CHECK_EQ(event.version, 2);
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(f.node)), 2);
    fixture_free(&f);
}

/* --- replicas --- */

/* Hands every event of `root` that `pattern` selects to `edge`, as the sync engine would. */
RV_TEST(ids_that_were_accepted_apart_are_not_a_batch) {
    fixture f = fixture_root(25);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    rv_append events[3];
    rv_event results[3];
    for (uint8_t i = 0; i < 3; i++) {
        events[i] = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
        events[i].has_event_id = true;
        memset(events[i].event_id, 0x40 + i, sizeof events[i].event_id);
    }
    RV_CHECK_STATUS(fixture_append_all(f.node, events, 1, results, &f.err), RV_OK);
    RV_CHECK_STATUS(fixture_append_all(f.node, events + 1, 2, results, &f.err), RV_OK);
    /* whole, a part of it, or one: the first answers */
    RV_CHECK_STATUS(fixture_append_all(f.node, events + 1, 2, results, &f.err), RV_OK);
    RV_CHECK_EQ(results[0].position, 4);
    RV_CHECK_EQ(results[1].position, 5);
    RV_CHECK_EQ(results[1].data.len, results[0].data.len);
    RV_CHECK_STATUS(fixture_append_all(f.node, events + 2, 1, results, &f.err), RV_OK);
    RV_CHECK_EQ(results[0].position, 5);
    /* of two batches, or in another order: it may take any number of reads, and is refused */
    RV_CHECK_STATUS(fixture_append_all(f.node, events, 3, results, &f.err), RV_EVENT_ID_REUSED);
    const rv_append turned[2] = {events[2], events[1]};
    RV_CHECK_STATUS(fixture_append_all(f.node, turned, 2, results, &f.err), RV_EVENT_ID_REUSED);
    RV_CHECK_EQ(rv_node_sequence(f.node), 5);
    fixture_free(&f);
}

RV_TEST(ids_that_only_look_like_the_nodes_own_are_refused) {
    fixture f = fixture_root(26);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    const uint64_t tag = rv_node_identity(f.node)->root_tag;
    rv_append append = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    append.has_event_id = true;
    rv_event result;
    /* of another time, and of events to come */
    rv_event_id_make(tag, 2, INT64_C(1600000000000000), append.event_id);
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_EVENT_ID_REUSED);
    for (uint64_t number = 3; number < 6; number++) {
        rv_event_id_make(tag, number, rv_node_now(f.node), append.event_id);
        RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err),
                        RV_EVENT_ID_REUSED);
    }
    RV_CHECK_EQ(rv_node_sequence(f.node), 2);
    fixture_free(&f);
}

/* The root's tag with the number 0, which no event has. (It was looked for, and stopped the node.)
 */
RV_TEST(an_id_with_the_nodes_tag_and_no_number_is_refused) {
    fixture f = fixture_root(5);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    rv_append append = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    append.has_event_id = true;
    rv_event_id_make(rv_node_identity(f.node)->root_tag, 0, INT64_C(1700000000000000),
                     append.event_id);
    rv_event result;
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_EVENT_ID_REUSED);
    fixture_free(&f);
}

/* A key that refers in another type than it is kept in, by a text too long for an index: the row
 * that refers is told of or not, and nothing stops. A key of which a part is NULL refers to
 * nothing, whatever its other parts are. */
RV_TEST(keys_of_several_columns_refer_across_types) {
    static const char more[] =
        "CREATE SHARED AGGREGATE k (t text, n numeric(10,2), PRIMARY KEY (t, n));"
        "CREATE SHARED AGGREGATE r (id integer PRIMARY KEY, t text, n numeric(20,2), x bigint,"
        " y bigint, FOREIGN KEY (t, n) REFERENCES k(t, n), FOREIGN KEY (x, y) REFERENCES z(x, y),"
        " INDEX (t, n));"
        "CREATE EVENT_TYPE k_made (s integer, t creates k(t), n creates k(n));"
        "CREATE EVENT_TYPE r_made (s integer, id creates r(id), t updates r(t), n updates r(n),"
        " x updates r(x), y updates r(y));"
        "CREATE EVENT_TYPE k_gone (s integer, t deletes k(t), n deletes k(n));"
        "CREATE STREAM things (path \"/things/{s}\", event_types (k_made, r_made, k_gone));";
    static const char first[] = "CREATE SHARED AGGREGATE z (x smallint, y smallint,"
                                " PRIMARY KEY (x, y));";
    fixture f = fixture_root(6);
    rv_event event;
    RV_CHECK_STATUS(rv_node_schema_apply(f.node, rv_bytes_of_string(first), &event, &f.err), RV_OK);
    RV_CHECK_STATUS(rv_node_schema_apply(f.node, rv_bytes_of_string(more), &event, &f.err), RV_OK);
    char data[300];
    char text[141];
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = 0;
    snprintf(data, sizeof data, "{\"t\":\"%s\",\"n\":\"1.5\"}", text);
    RV_CHECK_STATUS(fixture_append(&f, "/things/1", "k_made", data), RV_OK);
    snprintf(data, sizeof data, "{\"id\":1,\"t\":\"%s\",\"n\":\"1.5\",\"x\":100000}", text);
    RV_CHECK_STATUS(fixture_append(&f, "/things/1", "r_made", data), RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "/things/1", "r_made", "{\"id\":2,\"x\":100000,\"y\":1}"),
                    RV_VALUE_OUT_OF_RANGE);
    snprintf(data, sizeof data, "{\"t\":\"%s\",\"n\":\"1.5\"}", text);
    RV_CHECK_STATUS(fixture_append(&f, "/things/1", "k_gone", data), RV_ROW_REFERENCED);
    fixture_free(&f);
}

RV_TEST(metadata_is_kept_on_one_line) {
    fixture f = fixture_root(27);
    rv_append append = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    append.metadata = RV_LITERAL(" {\n  \"by\" : \"a \\\"b\\\" \",\r\n\t\"n\": [1, 2]\n}\n");
    rv_event result;
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_OK);
    RV_CHECK_TEXT(result.metadata, "{\"by\":\"a \\\"b\\\" \",\"n\":[1,2]}");
    fixture_free(&f);
}

/* A root's log that holds one batch, which says `count` of its one schema change. */
static rv_status open_forged(fixture *f, uint64_t position, uint64_t count, int64_t time) {
    static uint8_t memory[4u << 20];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    const rv_log_options options = {.host = rv_memory_host_interface(f->storage),
                                    .write_buffer_size = (2u << 16) + 4096,
                                    .batch_len_max = 1u << 16,
                                    .read_slot_count = 4,
                                    .segment_size = 8u << 20,
                                    .extent_size = 1u << 20};
    const rv_log_identity identity = {.log_id = {1}, .node_id = {2}, .epoch = 1, .root = true};
    rv_log *log = NULL;
    rv_batch batch;
    rv_writer body;
    if (rv_log_create(&log, &options, &arena, &f->err) != RV_OK ||
        rv_log_recover(log, &batch, &f->err) != RV_END) {
        return RV_STORAGE_FAILED;
    }
    rv_log_set_identity(log, &identity);
    batch = (rv_batch){.first_sequence = 1, .first_position = position, .watermark = 1};
    if (rv_log_append_begin(log, &body, &f->err) != RV_OK) {
        return RV_STORAGE_FAILED;
    }
    rv_record_context context = rv_batch_context(&batch, log);
    const rv_event event = {.position = position,
                            .version = 1,
                            .type = RV_SYSTEM_SCHEMA_TYPE,
                            .schema_version = 1,
                            .written_at = time,
                            .recorded_at = time,
                            .new_stream = true,
                            .declaration = RV_NONE,
                            .data = rv_bytes_of_string(fixture_schema)};
    rv_record_write_event(&body, &context, &event);
    (void)rv_log_append_commit(log, &batch, &body, count);
    if (rv_log_seal(log, &f->err) != RV_END) {
        return RV_STORAGE_FAILED;
    }
    rv_memory_host_reopen(f->storage);
    return fixture_open(f, RV_ROLE_ROOT, NULL);
}

RV_TEST(a_batch_whose_header_does_not_fit_its_records_is_damage) {
    static const struct {
        uint64_t position;
        uint64_t count;
        int64_t time;
        rv_status status;
    } cases[] = {
        {1, 1, 0, RV_OK},           {1, 0, 0, RV_DATA_DAMAGED},         {1, 2, 0, RV_DATA_DAMAGED},
        {2, 1, 0, RV_DATA_DAMAGED}, {1, 1, INT64_MIN, RV_DATA_DAMAGED}, {1, 1, INT64_MAX, RV_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f = fixture_create(30 + i);
        RV_CHECK_STATUS(open_forged(&f, cases[i].position, cases[i].count, cases[i].time),
                        cases[i].status);
        fixture_free(&f);
    }
}

static bool replicate(fixture *root, rv_node *edge, const char *pattern, uint64_t from,
                      uint64_t *events) {
    rv_path_pattern p;
    rv_subscription s;
    rv_error err;
    const rv_log_identity *identity = rv_node_identity(root->node);
    if (!fixture_settle(root->node) ||
        rv_path_pattern_parse(rv_bytes_of_string(pattern), &p, &err) != RV_OK ||
        rv_node_adopt(edge, identity->log_id, identity->epoch, identity->root_tag, &err) != RV_OK ||
        rv_node_receive_begin(edge, &err) != RV_OK) {
        return false;
    }
    rv_subscription_open(&s, root->node, &p, 1, from);
    s.system = true;
    rv_event event;
    rv_bytes path;
    rv_status status = rv_subscription_next(&s, 10, &event, &path, &err);
    while (status == RV_OK || status == RV_PENDING) {
        if (status == RV_OK) {
            *events += 1;
            status = rv_node_receive_stream(edge, path, &event.stream, &err);
            status = status == RV_OK ? rv_node_receive_event(edge, &event, &err) : status;
            if (status != RV_OK) {
                fprintf(stderr, "replicate: %s\n", err.detail);
                return false;
            }
        }
        status = rv_subscription_next(&s, 10, &event, &path, &err);
    }
    return status == RV_END &&
           rv_node_receive_commit(edge, rv_subscription_watermark(&s), rv_subscription_chain(&s),
                                  &err) == RV_OK &&
           fixture_settle(edge);
}

static void fill(fixture *f, unsigned count) {
    char data[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(data, sizeof data, "{\"name\":\"n%u\"}", i);
        RV_CHECK_STATUS(fixture_append(f, "accounts", "account_opened", data), RV_OK);
    }
    for (unsigned i = 0; i < count * 3; i++) {
        char path[32];
        snprintf(path, sizeof path, "/accounts/%u", 1 + i % count);
        snprintf(data, sizeof data, "{\"amount\":%u}", i + 1);
        RV_CHECK_STATUS(fixture_append(f, path, "deposited", data), RV_OK);
    }
}

RV_TEST(an_edge_that_holds_everything_has_the_roots_state) {
    fixture root = fixture_root(7);
    fixture edge = fixture_create(8);
    fill(&root, 20);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/accounts/**"), RV_OK);
    uint64_t events = 0;
    RV_CHECK(replicate(&root, edge.node, "/accounts/**", 1, &events));
    RV_CHECK_EQ(events, 81);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(edge.node), rv_node_state_hash(root.node)));
    /* What comes later joins on without a seam, also after the edge was opened again. */
    RV_CHECK_STATUS(fixture_close(edge.node, &edge.err), RV_END);
    rv_memory_host_reopen(edge.storage);
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/accounts/**"), RV_OK);
    RV_CHECK_EQ(rv_node_watermark(edge.node), 81);
    RV_CHECK_STATUS(fixture_append(&root, "/accounts/3", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(replicate(&root, edge.node, "/accounts/**", 82, &events));
    RV_CHECK_EQ(events, 82);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(edge.node), rv_node_state_hash(root.node)));
    fixture_free(&root);
    fixture_free(&edge);
}

RV_TEST(an_edge_that_holds_a_part_has_that_part) {
    fixture root = fixture_root(9);
    fixture edge = fixture_create(10);
    fill(&root, 10);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/accounts/4"), RV_OK);
    uint64_t events = 0;
    RV_CHECK(replicate(&root, edge.node, "/accounts/4", 1, &events));
    RV_CHECK_EQ(events, 5);
    RV_CHECK_EQ(rv_node_watermark(edge.node), rv_node_watermark(root.node));
    rv_path_pattern p;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/accounts/4"), &p, NULL), RV_OK);
    RV_CHECK(fixture_hashes_equal(
        rv_node_state_hash(edge.node),
        rv_state_hash_selected(rv_node_state(root.node), rv_node_watermark(root.node), &p, 1)));
    /* Its own log: dense sequences, the root's positions, versions without gaps. */
    rv_subscription s;
    rv_subscription_open(&s, edge.node, NULL, 0, 2);
    rv_event event;
    rv_bytes path;
    uint64_t version = 0, position = 0;
    while (rv_subscription_next(&s, 100, &event, &path, NULL) == RV_OK) {
        RV_CHECK_TEXT(path, "/accounts/4");
        RV_CHECK_EQ(event.version, version + 1);
        RV_CHECK_EQ(event.sequence, version + 2);
        RV_CHECK(event.position > position);
        version = event.version;
        position = event.position;
    }
    RV_CHECK_EQ(version, 4);
    fixture_free(&root);
    fixture_free(&edge);
}

RV_TEST(a_node_is_opened_as_what_it_is) {
    fixture root = fixture_root(11);
    fixture edge = fixture_create(12);
    fill(&root, 3);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/accounts/1"), RV_OK);
    uint64_t events = 0;
    RV_CHECK(replicate(&root, edge.node, "/accounts/1", 1, &events));
    RV_CHECK_STATUS(fixture_append(&edge, "/accounts/1", "deposited", "{\"amount\":1}"),
                    RV_NOT_ROOT);
    RV_CHECK_STATUS(fixture_close(edge.node, &edge.err), RV_END);
    rv_memory_host_reopen(edge.storage);
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/accounts/2"), RV_OK);
    RV_CHECK_TEXT(rv_node_selection(edge.node)->entries[0].name, "/accounts/1");
    RV_CHECK_TEXT(rv_node_selection_wanted(edge.node)->entries[0].name, "/accounts/2");
    rv_memory_host_reopen(edge.storage);
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_ROOT, NULL), RV_NOT_ROOT);
    rv_memory_host_reopen(edge.storage);
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_STORED, NULL), RV_OK);
    size_t count = 0;
    const rv_path_pattern *patterns = rv_node_patterns(edge.node, &count);
    RV_CHECK_EQ(count, 1);
    RV_CHECK_TEXT(patterns[0].text, "/accounts/1");
    const uint8_t other[16] = {1};
    RV_CHECK_STATUS(rv_node_adopt(edge.node, other, 1, 5, &edge.err), RV_UPSTREAM_OTHER_LOG);
    fixture_free(&root);
    fixture_free(&edge);
}

RV_TEST(what_an_upstream_gets_wrong_is_refused_whole) {
    fixture root = fixture_root(13);
    fixture edge = fixture_create(14);
    fill(&root, 2);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/accounts/**"), RV_OK);
    uint64_t events = 0;
    RV_CHECK(replicate(&root, edge.node, "/accounts/**", 1, &events));
    const rv_hash128 before = rv_node_state_hash(edge.node);
    uint32_t stream = 0;
    RV_CHECK_STATUS(rv_node_receive_begin(edge.node, &edge.err), RV_OK);
    RV_CHECK_STATUS(
        rv_node_receive_stream(edge.node, RV_LITERAL("/elsewhere/1"), &stream, &edge.err),
        RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(
        rv_node_receive_stream(edge.node, RV_LITERAL("/accounts/1"), &stream, &edge.err), RV_OK);
    rv_event event = {.position = 4, .stream = stream, .version = 5, .type = 1};
    RV_CHECK_STATUS(rv_node_receive_event(edge.node, &event, &edge.err), RV_PROTOCOL_ERROR);
    event.position = 100;
    event.version = 9;
    RV_CHECK_STATUS(rv_node_receive_event(edge.node, &event, &edge.err), RV_PROTOCOL_ERROR);
    event.version = 5;
    event.type = 77;
    RV_CHECK_STATUS(rv_node_receive_event(edge.node, &event, &edge.err), RV_PROTOCOL_ERROR);
    event.type = 1; /* without any data, it is opaque */
    RV_CHECK_STATUS(rv_node_receive_event(edge.node, &event, &edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_stale_count(edge.node), 1);
    rv_node_receive_cancel(edge.node);
    RV_CHECK_EQ(rv_node_stale_count(edge.node), 0);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(edge.node), before));
    fixture_free(&root);
    fixture_free(&edge);
}

static rv_status receive_schema(rv_node *node, const char *text, rv_error *err) {
    rv_event event = {.position = 1,
                      .version = 1,
                      .type = RV_SYSTEM_SCHEMA_TYPE,
                      .schema_version = 1,
                      .data = rv_bytes_of_string(text)};
    rv_status status = rv_node_receive_begin(node, err);
    status = status == RV_OK ? rv_node_receive_stream(node, RV_LITERAL(RV_SYSTEM_SCHEMA_PATH),
                                                      &event.stream, err)
                             : status;
    return status == RV_OK ? rv_node_receive_event(node, &event, err) : status;
}

RV_TEST(a_cancelled_batch_takes_its_schema_change_back) {
    fixture edge = fixture_create(17);
    const uint8_t log_id[16] = {7};
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/a/**"), RV_OK);
    RV_CHECK_STATUS(rv_node_adopt(edge.node, log_id, 1, 99, &edge.err), RV_OK);
    const rv_hash128 before = rv_node_state_hash(edge.node);
    RV_CHECK_STATUS(
        receive_schema(edge.node, "CREATE AGGREGATE a (id text PRIMARY KEY)", &edge.err), RV_OK);
    RV_CHECK(rv_node_in_batch(edge.node));
    rv_node_receive_cancel(edge.node);
    RV_CHECK(!rv_node_in_batch(edge.node));
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(edge.node)), 0);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(edge.node), before));
    RV_CHECK_STATUS(
        receive_schema(edge.node, "CREATE AGGREGATE b (id bigint PRIMARY KEY)", &edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_commit(edge.node, 1, 5, &edge.err), RV_OK);
    RV_CHECK(rv_schema_aggregate_named(rv_node_schema(edge.node), RV_LITERAL("a")) == NULL);
    RV_CHECK(rv_schema_aggregate_named(rv_node_schema(edge.node), RV_LITERAL("b")) != NULL);
    const rv_hash128 after = rv_node_state_hash(edge.node);
    RV_CHECK_STATUS(fixture_close(edge.node, &edge.err), RV_END);
    rv_memory_host_reopen(edge.storage);
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/a/**"), RV_OK);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(edge.node), after));
    fixture_free(&edge);
}

RV_TEST(a_budget_that_is_too_small_is_refused) {
    fixture f = fixture_create(15);
    const rv_node_options options = {.host = rv_memory_host_interface(f.storage),
                                     .memory = f.node_memory,
                                     .memory_size = RV_MEMORY_MIN - 1};
    RV_CHECK_STATUS(rv_node_create(&f.node, &options, &f.err), RV_MEMORY_EXHAUSTED);
    fixture_free(&f);
}

RV_TEST(rows_that_do_not_fit_are_refused_and_the_node_goes_on) {
    fixture f = fixture_root(16);
    static char data[4096];
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    rv_status status = RV_OK;
    unsigned n = 0;
    for (; n < 5000 && status == RV_OK; n++) {
        memset(data, 'x', sizeof data);
        const int head = snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"", n);
        data[head] = 'x';
        memcpy(data + sizeof data - 3, "\"}", 3);
        status = fixture_append(&f, "/accounts/1", "noted", data);
    }
    RV_CHECK_STATUS(status, RV_STATE_FULL);
    RV_CHECK(n > 100);
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    const rv_hash128 before = rv_node_state_hash(f.node);
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    rv_memory_host_reopen(f.storage);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), before));
    fixture_free(&f);
}

int main(void) {
    RV_RUN(an_append_is_numbered_folded_and_found_again);
    RV_RUN(a_refused_append_changes_nothing);
    RV_RUN(a_batch_is_whole_or_not_there);
    RV_RUN(expected_versions_hold_or_conflict);
    RV_RUN(the_same_id_again_gives_the_first_answer);
    RV_RUN(ids_that_were_accepted_apart_are_not_a_batch);
    RV_RUN(ids_that_only_look_like_the_nodes_own_are_refused);
    RV_RUN(an_id_with_the_nodes_tag_and_no_number_is_refused);
    RV_RUN(keys_of_several_columns_refer_across_types);
    RV_RUN(metadata_is_kept_on_one_line);
    RV_RUN(a_batch_whose_header_does_not_fit_its_records_is_damage);
    RV_RUN(what_is_left_out_is_content_too);
    RV_RUN(a_schema_grows_and_a_bad_one_changes_nothing);
    RV_RUN(an_edge_that_holds_everything_has_the_roots_state);
    RV_RUN(an_edge_that_holds_a_part_has_that_part);
    RV_RUN(a_node_is_opened_as_what_it_is);
    RV_RUN(what_an_upstream_gets_wrong_is_refused_whole);
    RV_RUN(a_cancelled_batch_takes_its_schema_change_back);
    RV_RUN(a_budget_that_is_too_small_is_refused);
    RV_RUN(rows_that_do_not_fit_are_refused_and_the_node_goes_on);
    return rv_test_done();
}
