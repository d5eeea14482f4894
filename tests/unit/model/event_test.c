/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a caller gives becomes exactly one form of bytes, and comes back as it was; path and
 * data agree; what is missing, unknown or wrong is refused with its reason.
 * Method: the schemas of schema_texts.h; the worked example of docs/format/event.md; data cut at
 * every length, with every byte changed; random drafts through encoding and decoding.
 */
#include "core/model/event.h"

#include "tests/unit/model/schema_texts.h"
#include "tests/unit/test.h"

static uint8_t memory[1 << 20];
static uint8_t scratch_memory[1 << 16];
static uint8_t encoded[1 << 12];
static uint8_t shown[1 << 14];
static rv_arena arena;
static rv_arena scratch;
static rv_error err;
static rv_event_draft draft;
static rv_schema *schema;

/* 2026-01-01 00:00:00 UTC, from 2000. */
static const int64_t now_us = INT64_C(820540800000000);

static bool use(const char *text) {
    arena = rv_arena_over(memory, sizeof memory);
    const bool made = rv_schema_create(&schema, &arena, &err) == RV_OK &&
                      rv_schema_apply(schema, rv_bytes_of_string(text), &err) == RV_OK;
    if (!made) {
        fprintf(stderr, "%s\n", err.detail);
    }
    return made;
}

static rv_status read_event(const char *path, const char *type, const char *data) {
    memset(&draft, 0xee, sizeof draft); /* nothing is taken for granted */
    scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    return rv_event_draft_read(schema, rv_bytes_of_string(path), rv_bytes_of_string(type),
                               rv_bytes_of_string(data), &scratch, &draft, &err);
}

/* Read, serial keys 1, 2, 3 …, complete. */
static rv_status write_event(const char *path, const char *type, const char *data) {
    rv_status status = read_event(path, type, data);
    int64_t key = 0;
    for (uint16_t f = 0; status == RV_OK && f < draft.type->field_count; f++) {
        uint16_t aggregate = 0;
        if (rv_event_draft_wants_serial(schema, &draft, f, &aggregate)) {
            draft.values[f] = rv_value_int(++key);
            draft.given[f] = true;
        }
    }
    return status == RV_OK ? rv_event_draft_complete(&draft, now_us, &scratch, &err) : status;
}

static rv_bytes encode(void) {
    rv_writer w = rv_writer_over(encoded, sizeof encoded);
    rv_event_draft_encode(&draft, &w);
    return w.full ? (rv_bytes){NULL, 0} : rv_writer_bytes(&w);
}

static rv_bytes show(void) {
    rv_writer w = rv_writer_over(shown, sizeof shown);
    rv_event_data_to_json(draft.type, encode(), &w);
    return rv_writer_bytes(&w);
}

static rv_bytes path_of_draft(void) {
    static uint8_t path[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(path, sizeof path);
    rv_event_draft_path(&draft, &w);
    return rv_writer_bytes(&w);
}

RV_TEST(the_example_of_the_specification_holds) {
    RV_CHECK(use(schema_loans));
    RV_CHECK_STATUS(write_event("/applications/173688", "application_submitted",
                                "{\"amount_requested\":20000,"
                                "\"submitted_at\":\"2011-10-01T00:38:44.546+02:00\"}"),
                    RV_OK);
    static const uint8_t expected[] = {0x08, 0xf0, 0x99, 0x15, 0xc0, 0xb8, 0x02, 0xa0,
                                       0xe7, 0xa4, 0xe7, 0xe1, 0xcb, 0xa8, 0x01};
    const rv_bytes data = encode();
    RV_CHECK(rv_bytes_equal(data, rv_bytes_of(expected, sizeof expected)));
    RV_CHECK_TEXT(show(), "{\"application_id\":173688,\"amount_requested\":20000,"
                          "\"submitted_at\":\"2011-09-30T22:38:44.546+00:00\",\"resource\":null}");
    RV_CHECK_TEXT(path_of_draft(), "/applications/173688");
}

RV_TEST(an_omitted_field_takes_its_default) {
    RV_CHECK(use(schema_accounts));
    RV_CHECK_STATUS(write_event("account_events", "account_created",
                                "{\"name\":\"Zo\\u00eb\",\"billing_first_name\":\"B\","
                                "\"billing_last_name\":\"T\",\"send_notification\":true}"),
                    RV_OK);
    RV_CHECK_TEXT(show(), "{\"id\":1,\"name\":\"Zo\xc3\xab\","
                          "\"created_at\":\"2026-01-01T00:00:00+00:00\",\"billing_id\":2,"
                          "\"billing_first_name\":\"B\",\"billing_last_name\":\"T\","
                          "\"send_notification\":true}");
    RV_CHECK_TEXT(path_of_draft(), "/accounts/1");
    RV_CHECK(!draft.given[2]); /* a default is not given: completing again gives the same */
    RV_CHECK_STATUS(rv_event_draft_complete(&draft, now_us + 1, &scratch, &err), RV_OK);
    RV_CHECK_EQ(draft.values[2].as.integer, now_us + 1);
    RV_CHECK(use(schema_loans));
    RV_CHECK_STATUS(write_event("/applications/7", "application_state_changed", "{}"), RV_OK);
    RV_CHECK_TEXT(show(), "{\"application_id\":7,\"occurred_at\":null,\"state\":\"submitted\","
                          "\"changes\":1,\"resource\":null}");
}

RV_TEST(only_serial_keys_of_created_rows_are_assigned) {
    RV_CHECK(use(schema_accounts));
    uint16_t aggregate = 9;
    RV_CHECK_STATUS(read_event("account_events", "account_created", "{}"), RV_OK);
    RV_CHECK(rv_event_draft_wants_serial(schema, &draft, 0, &aggregate));
    RV_CHECK_EQ(aggregate, 0);
    RV_CHECK(rv_event_draft_wants_serial(schema, &draft, 3, &aggregate));
    RV_CHECK_EQ(aggregate, 1);
    RV_CHECK(!rv_event_draft_wants_serial(schema, &draft, 1, &aggregate));
    RV_CHECK_STATUS(read_event("/accounts/5", "account_created", "{\"billing_id\":null}"), RV_OK);
    RV_CHECK(!rv_event_draft_wants_serial(schema, &draft, 0, &aggregate)); /* the path gave it */
    RV_CHECK(!rv_event_draft_wants_serial(schema, &draft, 3, &aggregate)); /* NULL was given */
    RV_CHECK_STATUS(read_event("account_events", "money_withdrawn", "{}"), RV_OK);
    RV_CHECK(!rv_event_draft_wants_serial(schema, &draft, 0, &aggregate)); /* no row is created */
    RV_CHECK(use(schema_loans));
    RV_CHECK_STATUS(read_event("application_events", "application_submitted", "{}"), RV_OK);
    RV_CHECK(!rv_event_draft_wants_serial(schema, &draft, 0, &aggregate)); /* not a serial */
}

RV_TEST(path_and_data_are_brought_together) {
    RV_CHECK(use(schema_accounts));
    static const char *const agreeing[][2] = {
        {"/accounts/42", "{\"amount\":1}"},
        {"/accounts/42", "{\"amount\":1.00,\"id\":42}"},
        {"/accounts/42", "{\"amount\":\"1\",\"id\":\"42\"}"},
        {"/accounts/%34%32", "{\"amount\":\"1\"}"},
        {"/accounts/042", "{\"amount\":\"1\"}"},
        {"account_events", "{\"id\":42,\"amount\":1}"},
    };
    for (size_t i = 0; i < sizeof agreeing / sizeof agreeing[0]; i++) {
        RV_CHECK_STATUS(write_event(agreeing[i][0], "money_withdrawn", agreeing[i][1]), RV_OK);
        RV_CHECK_TEXT(path_of_draft(), "/accounts/42");
        RV_CHECK_TEXT(show(), "{\"id\":42,\"amount\":1.00}");
    }
    RV_CHECK_STATUS(read_event("/accounts/42", "money_withdrawn", "{\"id\":43,\"amount\":1}"),
                    RV_KEY_MISMATCH);
    RV_CHECK(strstr(err.facts, "\"field\":\"id\",\"path\":\"42\",\"data\":\"43\"") != NULL);
    RV_CHECK_STATUS(read_event("/accounts/42", "money_withdrawn", "{\"id\":null}"),
                    RV_KEY_MISMATCH);
    RV_CHECK(strstr(err.facts, "\"data\":\"null\"") != NULL);
}

RV_TEST(what_an_expression_of_an_event_meets_is_told) {
    RV_CHECK(use("CREATE EVENT_TYPE e (k text, n integer NOT NULL DEFAULT 9 / (extract(year from "
                 "now()) - 2026)::integer,"
                 " m integer DEFAULT null, z integer DEFAULT 1 CHECK (10 / z > 0))\n"
                 "CREATE STREAM s (path \"/s/{k}\" event_types (e))"));
    RV_CHECK_STATUS(write_event("/s/k", "e", "{\"n\":2}"), RV_OK);
    RV_CHECK_TEXT(show(), "{\"k\":\"k\",\"n\":2,\"m\":null,\"z\":1}");
    RV_CHECK_STATUS(write_event("/s/k", "e", "{}"), RV_DIVISION_BY_ZERO);
    RV_CHECK_STATUS(write_event("/s/k", "e", "{\"n\":2,\"z\":0}"), RV_DIVISION_BY_ZERO);
    RV_CHECK_STATUS(write_event("/s/k", "e", "{\"n\":2,\"z\":11}"), RV_CHECK_VIOLATION);
    RV_CHECK_STATUS(write_event("/s/k", "e", "{\"n\":2,\"z\":null}"), RV_OK);
    char data[100];
    (void)snprintf(data, sizeof data, "{\"k\":\"%061d\"}", 0);
    RV_CHECK_STATUS(read_event("/s/k", "e", data), RV_KEY_MISMATCH);
    RV_CHECK(strstr(err.facts, "\"path\":\"k\",\"data\":\"(long)\"") != NULL);
    (void)snprintf(data, sizeof data, "{\"k\":\"%060d\"}", 0);
    RV_CHECK_STATUS(read_event("/s/k", "e", data), RV_KEY_MISMATCH);
    RV_CHECK(strstr(err.facts, "\"path\":\"k\",\"data\":\"0000") != NULL);
}

RV_TEST(keys_are_written_canonically) {
    RV_CHECK(use("CREATE TYPE size AS ENUM ('a/b', 'rivulet');\n"
                 "CREATE EVENT_TYPE e (t text, s size, u uuid, d date)\n"
                 "CREATE STREAM texts (path \"/t/{t}/{d}\" event_types (e))\n"
                 "CREATE STREAM enums (path \"/{s}/{u}\" event_types (e))"));
    RV_CHECK_STATUS(write_event("texts", "e", "{\"t\":\"a/b %*\xc3\xab\",\"d\":\"2026-1-2\"}"),
                    RV_OK);
    RV_CHECK_TEXT(path_of_draft(), "/t/a%2Fb %25%2A\xc3\xab/2026-01-02");
    const rv_event_type *type = draft.type;
    rv_value values[RV_FIELDS_MAX];
    RV_CHECK(rv_event_data_decode(type, encode(), values));
    uint8_t path[100];
    rv_writer w = rv_writer_over(path, sizeof path);
    rv_event_path(draft.stream, type, values, &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "/t/a%2Fb %25%2A\xc3\xab/2026-01-02");
    RV_CHECK_STATUS(write_event("enums", "e",
                                "{\"s\":\"a/b\",\"u\":"
                                "\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"}"),
                    RV_OK);
    RV_CHECK_TEXT(path_of_draft(), "/a%2Fb/a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    RV_CHECK_STATUS(write_event("/t/a%2Fb/2026-01-02", "e", "{}"), RV_OK);
    RV_CHECK_TEXT(show(), "{\"t\":\"a/b\",\"s\":null,\"u\":null,\"d\":\"2026-01-02\"}");
    RV_CHECK_STATUS(write_event("enums", "e",
                                "{\"s\":\"rivulet\",\"u\":"
                                "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"}"),
                    RV_PATH_INVALID);
    RV_CHECK_STATUS(write_event("texts", "e", "{\"t\":\"\",\"d\":\"2026-01-02\"}"),
                    RV_PATH_INVALID);
    RV_CHECK_STATUS(write_event("/t/%zz/2026-01-02", "e", "{}"), RV_PATH_INVALID);
    /* what browsers take out of an address: nobody could read it there */
    RV_CHECK_STATUS(write_event("texts", "e", "{\"t\":\"..\",\"d\":\"2026-01-02\"}"),
                    RV_PATH_INVALID);
    RV_CHECK_STATUS(write_event("/t/./2026-01-02", "e", "{}"), RV_PATH_INVALID);
    RV_CHECK_STATUS(write_event("/t/.../2026-01-02", "e", "{}"), RV_OK);
}

/* What is refused, over the accounts' schema. */
static const struct {
    const char *path;
    const char *type;
    const char *data;
    rv_status status;
    const char *words; /* in the detail or the facts */
} refused[] = {
    {"", "money_withdrawn", "{}", RV_PATH_INVALID, "empty"},
    {"/accounts/", "money_withdrawn", "{}", RV_PATH_INVALID, "malformed"},
    {"/accounts//1", "money_withdrawn", "{}", RV_PATH_INVALID, "malformed"},
    {"/account/1", "money_withdrawn", "{}", RV_UNKNOWN_STREAM, "/account/1"},
    {"/rivulet/schema", "schema_changed", "{}", RV_UNKNOWN_STREAM, "/rivulet/schema"},
    {"accounts_events", "money_withdrawn", "{}", RV_UNKNOWN_STREAM, "mean `account_events`?"},
    {"/accounts/1", "money_withdrew", "{}", RV_UNKNOWN_EVENT_TYPE, "mean `money_withdrawn`?"},
    {"/accounts/1", "loan", "{}", RV_EVENT_TYPE_NOT_ADMITTED, "\"stream\":\"account_events\""},
    {"/accounts/x", "money_withdrawn", "{}", RV_VALUE_INVALID, "\"field\":\"id\""},
    {"/accounts/3000000000", "money_withdrawn", "{}", RV_VALUE_OUT_OF_RANGE, "\"field\":\"id\""},
    {"/accounts/1", "money_withdrawn", "", RV_JSON_INVALID, ""},
    {"/accounts/1", "money_withdrawn", "[]", RV_JSON_INVALID, "JSON object"},
    {"/accounts/1", "money_withdrawn", "{} {}", RV_JSON_INVALID, ""},
    {"/accounts/1", "money_withdrawn", "{\"amount\":1,}", RV_JSON_INVALID, ""},
    {"/accounts/1", "money_withdrawn", "{\"amount\":1", RV_JSON_INVALID, ""},
    {"/accounts/1", "money_withdrawn", "{\"amount\":1,\"amount\":1}", RV_JSON_INVALID, "twice"},
    {"/accounts/1", "money_withdrawn", "{\"amout\":1}", RV_UNKNOWN_FIELD, "mean `amount`?"},
    {"/accounts/1", "money_withdrawn", "{\"account_id\":1}", RV_UNKNOWN_FIELD, "`account_id`"},
    {"/accounts/1", "money_withdrawn", "{\"amount\":true}", RV_VALUE_INVALID, "a boolean"},
    {"/accounts/1", "money_withdrawn", "{\"amount\":[1]}", RV_VALUE_INVALID, "an array"},
    {"/accounts/1", "money_withdrawn", "{\"amount\":{\"x\":1}}", RV_VALUE_INVALID, "an object"},
    {"/accounts/1", "money_withdrawn", "{\"amount\":\"1,5\"}", RV_VALUE_INVALID, "amount"},
    {"/accounts/1", "money_withdrawn", "{\"amount\":99999999999}", RV_VALUE_OUT_OF_RANGE, "amount"},
    {"/accounts/1", "account_created", "{\"name\":5}", RV_VALUE_INVALID, "a number"},
    {"/accounts/1", "account_created", "{\"send_notification\":1}", RV_VALUE_INVALID, "a number"},
    {"/accounts/1", "account_created", "{\"name\":\"12345678901234567890123456789012345678901\"}",
     RV_VALUE_TOO_LONG, "name"},
    {"/accounts/1", "money_withdrawn", "{}", RV_NOT_NULL_VIOLATION, "\"field\":\"amount\""},
    {"/accounts/1", "money_withdrawn", "{\"amount\":null}", RV_NOT_NULL_VIOLATION, "amount"},
    {"account_events", "money_withdrawn", "{\"amount\":1}", RV_NOT_NULL_VIOLATION, "`id`"},
    {"/accounts/1", "money_withdrawn", "{\"amount\":0}", RV_CHECK_VIOLATION,
     "\"check\":\"amount > 0\""},
    {"account_events", "loan", "{\"amount\":1}", RV_EVENT_TYPE_NOT_ADMITTED, "loan"},
    {"loans", "loan", "{\"amount\":1}", RV_NOT_NULL_VIOLATION, "part of the stream's path"},
    {"/loans/1", "loan", "{\"amount\":5}", RV_CHECK_VIOLATION, "\"check\":\"amount <> 5\""},
};

RV_TEST(what_is_wrong_is_refused_with_its_reason) {
    RV_CHECK(use(schema_accounts));
    const rv_bytes more =
        RV_LITERAL("CREATE EVENT_TYPE loan (no integer, amount integer,\n"
                   "  CHECK (amount <> 5))\n"
                   "CREATE STREAM loans (path \"/loans/{no}\" event_types (loan))");
    RV_CHECK_STATUS(rv_schema_apply(schema, more, &err), RV_OK);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const rv_status status = write_event(refused[i].path, refused[i].type, refused[i].data);
        if (status != refused[i].status || (strstr(err.detail, refused[i].words) == NULL &&
                                            strstr(err.facts, refused[i].words) == NULL)) {
            fprintf(stderr, "%s %s %s\n  gave %s: %s\n  facts %s\n", refused[i].path,
                    refused[i].type, refused[i].data, rv_status_code(status), err.detail,
                    err.facts);
            rv_test_failed = true;
        }
    }
    RV_CHECK_STATUS(write_event("/loans/1", "loan", "{}"), RV_OK); /* NULL passes a CHECK */
}

RV_TEST(data_cut_at_any_length_is_malformed) {
    RV_CHECK(use(schema_loans));
    RV_CHECK_STATUS(write_event("/applications/173688", "work_item_opened",
                                "{\"work_item_id\":\"item 7\",\"name\":\"W_Completeren\","
                                "\"status\":\"scheduled\",\"occurred_at\":\"2011-10-01\"}"),
                    RV_OK);
    const rv_bytes data = encode();
    rv_value values[RV_FIELDS_MAX];
    RV_CHECK(rv_event_data_decode(draft.type, data, values));
    for (size_t len = 0; len < data.len; len++) {
        RV_CHECK(!rv_event_data_decode(draft.type, rv_bytes_of(data.ptr, len), values));
    }
    uint8_t more[256];
    memcpy(more, data.ptr, data.len);
    more[data.len] = 0;
    RV_CHECK(!rv_event_data_decode(draft.type, rv_bytes_of(more, data.len + 1), values));
    for (unsigned bit = 6; bit < 8; bit++) { /* beyond the last of six fields */
        more[0] = (uint8_t)(data.ptr[0] | (1u << bit));
        RV_CHECK(!rv_event_data_decode(draft.type, rv_bytes_of(more, data.len), values));
    }
}

/* One event has one form: what decodes, encodes to the same bytes. */
RV_TEST(changed_bytes_are_malformed_or_another_event) {
    RV_CHECK(use(schema_accounts));
    RV_CHECK_STATUS(write_event("/accounts/77", "account_created",
                                "{\"name\":\"Zo\xc3\xab\",\"billing_first_name\":\"B\","
                                "\"billing_last_name\":\"T\",\"send_notification\":true}"),
                    RV_OK);
    uint8_t changed[256];
    const rv_bytes data = encode();
    const size_t len = data.len;
    RV_CHECK(len < sizeof changed);
    memcpy(changed, data.ptr, len);
    size_t decoded = 0;
    for (size_t at = 0; at < len; at++) {
        const uint8_t old = changed[at];
        for (unsigned v = 0; v < 256; v++) {
            changed[at] = (uint8_t)v;
            if (rv_event_data_decode(draft.type, rv_bytes_of(changed, len), draft.values)) {
                decoded++;
                RV_CHECK(rv_bytes_equal(encode(), rv_bytes_of(changed, len)));
            }
        }
        changed[at] = old;
    }
    RV_CHECK(decoded > len);
}

RV_TEST(random_events_come_back) {
    RV_CHECK(use("CREATE TYPE e AS ENUM ('x', 'y', 'z');\n"
                 "CREATE EVENT_TYPE t (a smallint, b integer, c bigint, d numeric(18,3), e e,\n"
                 "  f boolean, g date, h timestamptz, i varchar(5), j text, k uuid, l bytea,\n"
                 "  m timestamp, n time, o char(3), p integer, q integer)\n"
                 "CREATE STREAM s (path \"/s/{b}\" event_types (t))"));
    uint64_t random = 3;
    for (int round = 0; round < 20000; round++) {
        char data[512];
        const uint64_t mask = rv_test_random(&random);
        size_t len = (size_t)snprintf(data, sizeof data, "{\"p\":null");
        static const char *const values[] = {"\"a\":-32768",
                                             "\"c\":-9223372036854775808",
                                             "\"d\":\"123456789012345.678\"",
                                             "\"e\":\"z\"",
                                             "\"f\":false",
                                             "\"g\":\"1999-12-31\"",
                                             "\"h\":\"1970-01-01T00:00:00.000001Z\"",
                                             "\"i\":\"\\u00e9\\ud83d\\ude00\"",
                                             "\"j\":\"\\\"\\n\"",
                                             "\"k\":\"00000000-0000-0000-0000-0000000000ff\"",
                                             "\"l\":\"\\\\x00ff\"",
                                             "\"m\":\"2026-02-28 23:59:59\"",
                                             "\"n\":\"24:00:00\"",
                                             "\"o\":\"ab\"",
                                             "\"q\":2147483647"};
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            if ((mask >> i) & 1) {
                len += (size_t)snprintf(data + len, sizeof data - len, ",%s", values[i]);
            }
        }
        snprintf(data + len, sizeof data - len, "}");
        RV_CHECK_STATUS(write_event("/s/-1", "t", data), RV_OK);
        rv_value met[RV_FIELDS_MAX];
        RV_CHECK(rv_event_data_decode(draft.type, encode(), met));
        for (uint16_t f = 0; f < draft.type->field_count; f++) {
            RV_CHECK_EQ(rv_value_compare(&draft.type->fields[f].type, &met[f], &draft.values[f]),
                        0);
        }
        /* What it shows reads as the same event. */
        char again[1 << 10];
        const rv_bytes json = show();
        memcpy(again, json.ptr, json.len);
        again[json.len] = '\0';
        RV_CHECK_STATUS(write_event("s", "t", again), RV_OK);
        RV_CHECK_TEXT(show(), again);
    }
}

RV_TEST(little_scratch_is_told) {
    RV_CHECK(use(schema_loans));
    const char *const data = "{\"application_id\":1,\"work_item_id\":\"\\u00e9\\u00e9\\u00e9\","
                             "\"name\":\"\\n\",\"status\":\"\\t\"}";
    bool enough = false;
    for (size_t cap = 0; cap < 2000 && !enough; cap++) {
        scratch = rv_arena_over(scratch_memory, cap);
        rv_status status = rv_event_draft_read(schema, RV_LITERAL("application_events"),
                                               RV_LITERAL("work_item_opened"),
                                               rv_bytes_of_string(data), &scratch, &draft, &err);
        if (status == RV_OK) {
            status = rv_event_draft_complete(&draft, now_us, &scratch, &err);
        }
        enough = status == RV_OK;
        RV_CHECK(enough || status == RV_MEMORY_EXHAUSTED);
    }
    RV_CHECK(enough);
}

RV_TEST(an_event_is_shown_whole) {
    RV_CHECK(use(schema_accounts));
    RV_CHECK_STATUS(write_event("/accounts/42", "money_withdrawn", "{\"amount\":12.5}"), RV_OK);
    rv_event event = {.position = 7,
                      .version = 3,
                      .type = draft.type->number,
                      .schema_version = 1,
                      .recorded_at = INT64_C(1767225600000000),
                      .data = encode()};
    rv_event_id_make(0x2abcdef12, 42, INT64_C(1767225600000123), event.event_id);
    rv_writer w = rv_writer_over(shown, sizeof shown);
    rv_event_to_json(schema, &event, RV_LITERAL("/accounts/42"), &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "{\"position\":7,\"path\":\"/accounts/42\",\"version\":3,"
                                       "\"type\":\"money_withdrawn\",\"schema_version\":1,"
                                       "\"event_id\":\"019b76da-a800-7aaf-8def-12000000002a\","
                                       "\"recorded_at\":\"2026-01-01T00:00:00+00:00\","
                                       "\"data\":{\"id\":42,\"amount\":12.50},\"metadata\":null}");
    event.position = 0; /* pending */
    event.version = 0;
    event.metadata = RV_LITERAL("{\"actor\":\"ann\"}");
    event.data = RV_LITERAL("\x80");
    w = rv_writer_over(shown, sizeof shown);
    rv_event_to_json(schema, &event, RV_LITERAL("/accounts/42"), &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w),
                  "{\"position\":null,\"path\":\"/accounts/42\",\"version\":null,"
                  "\"type\":\"money_withdrawn\",\"schema_version\":1,"
                  "\"event_id\":\"019b76da-a800-7aaf-8def-12000000002a\","
                  "\"recorded_at\":null,\"data\":\"\\\\x80\",\"opaque\":true,\"metadata\":{"
                  "\"actor\":\"ann\"}}");
}

RV_TEST(a_schema_change_is_shown_as_its_text) {
    RV_CHECK(use(schema_accounts));
    const rv_event event = {.position = 1,
                            .version = 1,
                            .type = RV_SYSTEM_SCHEMA_TYPE,
                            .schema_version = 1,
                            .recorded_at = INT64_C(1767225600000000),
                            .data = RV_LITERAL("CREATE \"x\"")};
    rv_writer w = rv_writer_over(shown, sizeof shown);
    rv_event_to_json(schema, &event, RV_LITERAL(RV_SYSTEM_SCHEMA_PATH), &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w),
                  "{\"position\":1,\"path\":\"/rivulet/schema\",\"version\":1,"
                  "\"type\":\"schema_changed\",\"schema_version\":1,"
                  "\"event_id\":\"00000000-0000-0000-0000-000000000000\","
                  "\"recorded_at\":\"2026-01-01T00:00:00+00:00\","
                  "\"data\":{\"version\":1,\"text\":\"CREATE \\\"x\\\"\"},\"metadata\":null}");
}

/* Every type that a variable can be of has one form in paths, whatever form it is given in. */
RV_TEST(keys_of_every_type_are_written_canonically) {
    static const char *const keys[][4] = {
        {"boolean", "true", "t", "FALSE"},
        {"numeric(12,2)", "12.5", "12.50", "x"},
        {"numeric(5,0)", "0012", "12", "123456"},
        {"time", "1:02", "01:02:00", "25:00:00"},
        {"timestamp", "2026-1-2 03:04", "2026-01-02 03:04:00", "yesterday"},
        {"timestamptz", "2026-01-02T03:04:05.5%2B01", "2026-01-02 02:04:05.5+00", "2026-13-01"},
        {"date", "Jan 2, 2026", "2026-01-02", "2026-02-30"},
        {"smallint", "007", "7", "70000"},
        {"char(3)", "ab", "ab ", "abcd"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char text[256];
        char path[64];
        snprintf(text, sizeof text,
                 "CREATE EVENT_TYPE e (k %s)\nCREATE STREAM s (path \"/k/{k}\" event_types (e))",
                 keys[i][0]);
        RV_CHECK(use(text));
        snprintf(path, sizeof path, "/k/%s", keys[i][1]);
        RV_CHECK_STATUS(write_event(path, "e", "{}"), RV_OK);
        snprintf(path, sizeof path, "/k/%s", keys[i][2]);
        RV_CHECK_TEXT(path_of_draft(), path);
        RV_CHECK_STATUS(write_event(path, "e", "{}"), RV_OK);
        RV_CHECK_TEXT(path_of_draft(), path);
        snprintf(path, sizeof path, "/k/%s", keys[i][3]);
        const rv_status status = write_event(path, "e", "{}");
        RV_CHECK((status == RV_OK) == (i == 0)); /* FALSE is one, too */
    }
}

RV_TEST(patterns_are_written_as_the_paths_that_they_match) {
    RV_CHECK(use("CREATE TYPE size AS ENUM ('a/b', 'small');\n"
                 "CREATE EVENT_TYPE e (t text, s size, u uuid, d date, n integer)\n"
                 "CREATE STREAM devices (path \"/devices/{u}/days/{d}\" event_types (e))\n"
                 "CREATE STREAM all (path \"/devices/{u}\" event_types (e))\n"
                 "CREATE STREAM mixed (path \"/mixed/{u}/a\" event_types (e))\n"
                 "CREATE STREAM other (path \"/mixed/{t}/b\" event_types (e))\n"
                 "CREATE STREAM any (path \"/{n}/{s}/x\" event_types (e))"));
#define UPPER "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"
#define LOWER "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    static const char *const patterns[][2] = {
        {"/devices/" UPPER "/**", "/devices/" LOWER "/**"},
        {"/devices/" UPPER "/*/2026-1-2", "/devices/" LOWER "/*/2026-01-02"},
        {"/*/" UPPER "/days/{d}", "/*/" LOWER "/days/{d}"},
        {"/devices/" UPPER "/days/no", "/devices/" LOWER "/days/no"},
        {"/mixed/" UPPER "/*", "/mixed/" UPPER "/*"}, /* a text it may be */
        {"/mixed/" UPPER "/a", "/mixed/" LOWER "/a"},
        {"/007/*/x", "/7/*/x"},
        {"/007/**", "/7/**"},
        {"/*/small/*", "/*/small/*"},
        {"/unknown/007/*", "/unknown/007/*"},
        {"/**", "/**"},
        {"/*", "/*"},
        {"/devices/007/**", "/devices/007/**"},
        {"/devices//**", "/devices//**"},
        {"devices/*", "devices/*"},
        {"/a/%2f*", "/a/%2f*"},
    };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        uint8_t text[RV_PATH_LEN_MAX];
        rv_writer w = rv_writer_over(text, sizeof text);
        const rv_bytes given = rv_bytes_of_string(patterns[i][0]);
        rv_arena_reset(&scratch, 0);
        RV_CHECK_STATUS(rv_event_pattern_canonical(schema, given, &scratch, &w), RV_OK);
        RV_CHECK_TEXT(rv_writer_bytes(&w), patterns[i][1]);
    }
    rv_arena little = rv_arena_over(scratch.ptr, 64);
    uint8_t text[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    RV_CHECK_STATUS(
        rv_event_pattern_canonical(schema, RV_LITERAL("/devices/" UPPER "/*"), &little, &w),
        RV_MEMORY_EXHAUSTED);
}

int main(void) {
    RV_RUN(the_example_of_the_specification_holds);
    RV_RUN(an_omitted_field_takes_its_default);
    RV_RUN(only_serial_keys_of_created_rows_are_assigned);
    RV_RUN(path_and_data_are_brought_together);
    RV_RUN(what_an_expression_of_an_event_meets_is_told);
    RV_RUN(keys_are_written_canonically);
    RV_RUN(keys_of_every_type_are_written_canonically);
    RV_RUN(patterns_are_written_as_the_paths_that_they_match);
    RV_RUN(what_is_wrong_is_refused_with_its_reason);
    RV_RUN(data_cut_at_any_length_is_malformed);
    RV_RUN(changed_bytes_are_malformed_or_another_event);
    RV_RUN(random_events_come_back);
    RV_RUN(little_scratch_is_told);
    RV_RUN(an_event_is_shown_whole);
    RV_RUN(a_schema_change_is_shown_as_its_text);
    return rv_test_done();
}
