/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a log whose checksums hold but whose events do not fit the node (written by a stranger, or
 * by a version with another mind) is refused at the batch where that begins, with the reason, and
 * the node shows what is before it; whoever reads such events in a node that is open is told, and
 * never waits for ever. Method: events and selections put into the log of a root and of an edge
 * past the node, one wrong in each way; single bytes of data changed at random.
 */
#include "core/engine/decide.h"
#include "tests/unit/core/forging.h"

/* Appends to the log past the node: one event, or without one a record of a selection, or what is
 * said to be an event. */
static bool forge(fixture *f, const rv_event *event, rv_bytes selection) {
    rv_log *const log = rv_node_log(f->node);
    rv_writer body;
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i += 1) {
        status = rv_log_append_begin(log, &body, &f->err);
        fixture_poll(f->node);
    }
    const bool counts = event != NULL || selection.ptr[0] != RV_RECORD_SELECTION;
    rv_batch batch = {.first_sequence = rv_log_appended(log) + 1,
                      .first_position = rv_log_watermark(log) + 1,
                      .watermark = rv_log_watermark(log) + counts};
    rv_record_context context = rv_batch_context(&batch, log);
    if (event != NULL) {
        rv_event numbered = *event;
        numbered.position = batch.first_position;
        rv_record_write_event(&body, &context, &numbered);
    } else {
        rv_write_blob(&body, selection);
    }
    (void)rv_log_append_commit(log, &batch, &body, counts);
    return status == RV_OK && fixture_settle(f->node);
}

/* A root with two accounts, and a good third event of the first of them. */
static fixture world(uint64_t seed, rv_event *good, uint8_t *data) {
    fixture f = fixture_root(seed);
    rv_event made;
    const rv_append append = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    fixture_checkpoint_growth = UINT64_MAX;
    if (fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}") != RV_OK ||
        fixture_append_all(f.node, &append, 1, &made, &f.err) != RV_OK || !fixture_settle(f.node)) {
        abort();
    }
    memcpy(data, made.data.ptr, made.data.len);
    *good = made;
    good->data.ptr = data;
    good->version += 1;
    return f;
}

static rv_status open_again(fixture *f, rv_role role, const char *pattern) {
    if (fixture_close(f->node, &f->err) != RV_END) {
        return RV_STATUS_COUNT;
    }
    rv_memory_host_reopen(f->storage);
    return fixture_open(f, role, pattern);
}

/* --- events --- */

typedef struct wrong {
    rv_status status;
    uint32_t stream;
    uint16_t type;
    uint16_t schema_version;
    bool new_stream;
    uint16_t declaration;
    uint8_t cut; /* bytes of data that are missing */
    int64_t recorded_at;
    const char *text; /* instead of the data */
    bool live;        /* a reader of an open node is told, too */
} wrong;

/* Streams: 0 is the system's, 1 and 2 are accounts. Types: 1 is deposited. */
static const wrong wrongs[] = {
    {RV_OK, 1, 1, 1, false, 0, 0, 0, NULL, false},
    {RV_DATA_DAMAGED, 1, 99, 1, false, 0, 0, 0, NULL, true},
    {RV_DATA_DAMAGED, 3, 1, 1, true, 0, 1, 0, NULL, true}, /* opaque, of a stream without a name */
    {RV_DATA_DAMAGED, 77, 1, 1, false, 0, 0, 0, NULL, true},
    {RV_DATA_DAMAGED, 1, 1, 1, false, 0, 0, INT64_MIN, NULL, false},
    {RV_DATA_DAMAGED, 3, 1, 1, true, 0, 0, 0, NULL, true}, /* the path is there */
    {RV_DATA_DAMAGED, 3, 1, 1, true, 9, 0, 0, NULL, true}, /* no such declaration */
    {RV_DATA_DAMAGED, 3, 1, 1, true, RV_NONE, 0, 0, NULL, true} /* the system's stream */,
    {RV_DATA_DAMAGED, 0, RV_SYSTEM_SCHEMA_TYPE, 5, false, 0, 0, 0,
     "CREATE AGGREGATE t (id text PRIMARY KEY)", false},
    {RV_SCHEMA_UNSUPPORTED, 0, RV_SYSTEM_SCHEMA_TYPE, 2, false, 0, 0, 0, "CREATE NOTHING", false},
    {RV_OK, 0, RV_SYSTEM_SCHEMA_TYPE, 2, false, 0, 0, 0, "CREATE AGGREGATE t (id text PRIMARY KEY)",
     false},
};

/* Reads all from the start: the status at the end. */
static rv_status read_all(fixture *f, const char *pattern, unsigned *met) {
    rv_path_pattern p;
    rv_subscription s;
    rv_event event;
    rv_bytes path;
    rv_status status = rv_path_pattern_parse(rv_bytes_of_string(pattern), &p, &f->err);
    rv_subscription_open(&s, f->node, &p, 1, 1);
    *met = 0;
    for (unsigned i = 0; i < 1000 && (status == RV_OK || status == RV_PENDING); i += 1) {
        status = rv_subscription_next(&s, 10, &event, &path, &f->err);
        *met += status == RV_OK;
        fixture_poll(f->node);
    }
    return status;
}

RV_TEST(events_that_do_not_fit_are_refused_with_all_that_follows) {
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i += 1) {
        const wrong *const w = &wrongs[i];
        uint8_t data[64];
        unsigned met = 0;
        rv_event event;
        fixture f = world(50 + i, &event, data);
        const rv_hash128 before = rv_node_state_hash(f.node);
        const uint64_t watermark = rv_node_watermark(f.node);
        event.stream = w->stream;
        event.type = w->type;
        event.schema_version = w->schema_version;
        event.new_stream = w->new_stream;
        event.declaration = w->declaration;
        event.data.len -= w->cut;
        event.recorded_at = w->recorded_at != 0 ? w->recorded_at : event.recorded_at;
        event.data = w->text != NULL ? rv_bytes_of_string(w->text) : event.data;
        RV_CHECK(forge(&f, &event, (rv_bytes){NULL, 0}));
        RV_CHECK_STATUS(read_all(&f, "/**", &met), w->live ? RV_DATA_DAMAGED : RV_END);
        const rv_status status = open_again(&f, RV_ROLE_ROOT, NULL);
        if (status != w->status) {
            fprintf(stderr, "case %u: %s\n", (unsigned)i, f.err.detail);
        }
        RV_CHECK_STATUS(status, w->status);
        if (status != RV_OK) {
            RV_CHECK(strstr(f.err.facts, "\"sequence\":5") != NULL);
            RV_CHECK_EQ(rv_node_watermark(f.node), watermark);
            RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), before));
            RV_CHECK_STATUS(read_all(&f, "/**", &met), RV_END);
            RV_CHECK_EQ(met, 3);
        }
        fixture_free(&f);
    }
}

/* A reader of one stream is told of an event there that its node does not know. */
RV_TEST(an_unknown_event_of_a_stream_is_told_and_not_waited_for) {
    uint8_t data[64];
    unsigned met = 0;
    rv_event event;
    fixture f = world(70, &event, data);
    event.type = 99;
    RV_CHECK(forge(&f, &event, (rv_bytes){NULL, 0}));
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_STATUS(read_all(&f, "/accounts/1", &met), RV_DATA_DAMAGED);
    RV_CHECK_STATUS(read_all(&f, "/accounts/2", &met), RV_END);
    RV_CHECK_EQ(met, 1);
    fixture_free(&f);
}

/* Bytes under a good checksum that are no record: everybody who comes by is told. */
RV_TEST(records_that_cannot_be_read) {
    uint8_t data[64], id[16] = {0x77};
    unsigned met = 0;
    uint64_t sequence = 0;
    rv_event event;
    fixture f = world(71, &event, data);
    const rv_hash128 before = rv_node_state_hash(f.node);
    RV_CHECK(forge(&f, NULL, RV_LITERAL("\x7f\xff\xff no record")));
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_STATUS(read_all(&f, "/**", &met), RV_DATA_DAMAGED);
    RV_CHECK_EQ(met, 3);
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < 1000 && status == RV_PENDING; i += 1) {
        status = rv_log_find_id(rv_node_log(f.node), id, 1, &sequence, &f.err);
        fixture_poll(f.node);
    }
    RV_CHECK(status == RV_END || status == RV_DATA_DAMAGED);
    RV_CHECK_STATUS(open_again(&f, RV_ROLE_ROOT, NULL), RV_DATA_NEWER);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), before));
    fixture_free(&f);
}

/* Decisions under keys that no root makes: nothing walks over them. */
RV_TEST(decisions_that_do_not_fit) {
    static const uint8_t zeros[40] = {7};
    for (size_t len = 0; len <= 40; len += 1) {
        uint8_t data[64], key[40] = {7};
        rv_event event;
        fixture f = world(74, &event, data);
        rv_edge_life life = {.edge_id = {7}, .incarnation = 1};
        key[19] = 1;
        key[len > 20 ? len - 1 : 20] = len > 20 ? 1 : 0;
        const uint8_t kind = len % 2 == 0 ? RV_LEDGER_EDGE : RV_LEDGER_DECISION;
        const bool good = len == 20; /* 28 bytes are of a decision */
        RV_CHECK(forge_entry(&f, kind, rv_bytes_of(key, len), rv_bytes_of(zeros, sizeof zeros)));
        RV_CHECK_STATUS(open_again(&f, RV_ROLE_ROOT, NULL), good ? RV_OK : RV_DATA_DAMAGED);
        const rv_status status = rv_node_settle(f.node, &life, 300, &f.err);
        RV_CHECK(status == RV_OK || status == RV_READ_ONLY);
        fixture_free(&f);
    }
}

/* An id that stands in the log by an event which nobody here can compare with. */
RV_TEST(ids_of_events_that_do_not_fit) {
    for (unsigned kind = 0; kind < 3; kind += 1) {
        uint8_t data[64];
        rv_event event, result;
        fixture f = world(72 + kind, &event, data);
        event.foreign_id = true;
        memset(event.event_id, 0x55, 16);
        event.type = kind == 0 ? 2 : event.type; /* another type */
        event.data.len -= kind == 1;             /* data that does not decode */
        event.stream = kind == 2 ? 77 : event.stream;
        RV_CHECK(forge(&f, &event, (rv_bytes){NULL, 0}));
        rv_append append = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
        append.has_event_id = true;
        memset(append.event_id, 0x55, 16);
        RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err),
                        RV_EVENT_ID_REUSED);
        append.data = RV_LITERAL("{\"amount\":");
        RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_JSON_INVALID);
        fixture_free(&f);
    }
}

/* Whatever the data says, the node opens with it or stands before it. */
RV_TEST(bytes_of_data_changed_at_random) {
    uint64_t random = 3;
    unsigned refused = 0, opaque = 0, taken = 0;
    for (unsigned i = 0; i < 120; i += 1) {
        uint8_t data[64];
        rv_event event;
        fixture f = world(80 + i, &event, data);
        const rv_hash128 before = rv_node_state_hash(f.node);
        const size_t at = (size_t)(rv_test_random(&random) % event.data.len);
        data[at] = (uint8_t)rv_test_random(&random);
        event.new_stream = i % 2 == 0;
        event.stream = i % 2 == 0 ? 3 + i % 3 : 1;
        event.version = i % 2 == 0 ? 1 : event.version;
        RV_CHECK(forge(&f, &event, (rv_bytes){NULL, 0}));
        const rv_status status = open_again(&f, RV_ROLE_ROOT, NULL);
        RV_CHECK(status == RV_OK || status == RV_DATA_DAMAGED);
        RV_CHECK(status == RV_OK || fixture_hashes_equal(rv_node_state_hash(f.node), before));
        refused += status != RV_OK;
        opaque += rv_node_opaque_events(f.node) > 0;
        taken += status == RV_OK;
        fixture_free(&f);
    }
    RV_CHECK(refused > 10 && opaque > 10 && taken > opaque + 10);
}

/* --- selections --- */

static rv_bytes selection_of(const char *const *patterns, unsigned count, size_t cut,
                             uint8_t *memory, size_t cap) {
    rv_writer w = rv_writer_over(memory, cap);
    rv_write_u8(&w, RV_RECORD_SELECTION);
    rv_write_u8(&w, 0);
    for (unsigned i = 0; i < count; i += 1) {
        rv_write_blob(&w, rv_bytes_of_string(patterns[i]));
    }
    const rv_bytes whole = rv_writer_bytes(&w);
    return rv_bytes_of(whole.ptr, whole.len - cut);
}

RV_TEST(selections_that_do_not_fit) {
    static char too_long[RV_PATH_LEN_MAX + 2];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[0] = '/';
    static const struct {
        const char *patterns[2];
        unsigned count, cut;
        rv_status as_edge, as_stored; /* opened for `/a/ *`, or for what is there */
    } cases[] = {
        {{"/a/*", NULL}, 1, 0, RV_OK, RV_OK},
        {{"/b/*", NULL}, 1, 0, RV_OK, RV_OK}, /* it will hold something else */
        {{"/a/*", "/b/*"}, 2, 0, RV_OK, RV_OK} /* it will hold less */,
        {{"/a/*", NULL}, 0, 0, RV_OK, RV_OK},
        {{"/a/*", NULL}, 1, 1, RV_DATA_DAMAGED, RV_DATA_DAMAGED},
        {{"no path", NULL}, 1, 0, RV_DATA_DAMAGED, RV_DATA_DAMAGED},
        {{too_long, NULL}, 1, 0, RV_DATA_DAMAGED, RV_DATA_DAMAGED},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i += 1) {
        const bool edge = i % 2 == 0;
        const rv_status expected = edge ? cases[i / 2].as_edge : cases[i / 2].as_stored;
        uint8_t memory[RV_PATH_LEN_MAX + 64];
        const uint8_t log_id[16] = {9};
        fixture f = fixture_create(20 + i);
        RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_EDGE, "/a/*"), RV_OK);
        RV_CHECK_STATUS(rv_node_adopt(f.node, log_id, 1, 5, &f.err), RV_OK);
        RV_CHECK(forge(&f, NULL,
                       selection_of(cases[i / 2].patterns, cases[i / 2].count, cases[i / 2].cut,
                                    memory, sizeof memory)));
        const rv_status status =
            edge ? open_again(&f, RV_ROLE_EDGE, "/a/*") : open_again(&f, RV_ROLE_STORED, NULL);
        if (status != expected) {
            fprintf(stderr, "case %u: %s\n", (unsigned)i / 2, f.err.detail);
        }
        RV_CHECK_STATUS(status, expected);
        RV_CHECK(status == RV_OK || f.err.detail_len > 10);
        fixture_free(&f);
    }
}

int main(void) {
    RV_RUN(events_that_do_not_fit_are_refused_with_all_that_follows);
    RV_RUN(an_unknown_event_of_a_stream_is_told_and_not_waited_for);
    RV_RUN(records_that_cannot_be_read);
    RV_RUN(ids_of_events_that_do_not_fit);
    RV_RUN(bytes_of_data_changed_at_random);
    RV_RUN(selections_that_do_not_fit);
    RV_RUN(decisions_that_do_not_fit);
    return rv_test_done();
}
