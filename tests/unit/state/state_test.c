/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: each refusal has its status and its facts, and the small promises of state.h hold: streams,
 * ids, serial keys, defaults, large values, events that name what is not there.
 * Method: a story in the bank's schema, one event at a time, values given as text.
 */
#include "core/state/inside.h"
#include "tests/unit/state/folding.h"

static bool start(size_t page_memory, size_t journal_memory) {
    static const char *const paths[] = {"/a/1", "/a/2", NULL};
    return folding_start(paths, page_memory, journal_memory);
}

/* A cell as text; "?" when unknown, "-" when there is no row. */
static rv_bytes cell(const char *aggregate_name, int64_t key, const char *column_name) {
    static uint8_t text[256];
    const rv_aggregate *const aggregate =
        rv_schema_aggregate_named(schema, rv_bytes_of_string(aggregate_name));
    const rv_value value_key = rv_value_int(key);
    const rv_row row = rv_state_row_find(state, aggregate->number, &value_key);
    if (row == RV_ROW_NONE) {
        return RV_LITERAL("-");
    }
    rv_writer w = rv_writer_over(text, sizeof text);
    for (uint16_t c = 0; c < aggregate->column_count; c += 1) {
        if (rv_bytes_are(aggregate->columns[c].name, column_name)) {
            rv_value value;
            bool unknown;
            if (rv_state_row_cell(state, aggregate->number, row, c, NULL, &value, &unknown) !=
                RV_OK) {
                return RV_LITERAL("!");
            }
            if (unknown) {
                return RV_LITERAL("?");
            }
            rv_value_to_text(&aggregate->columns[c].type, &value, &w);
        }
    }
    return rv_writer_bytes(&w);
}

static void open_two(void) {
    RV_CHECK(start(4u << 20, 1u << 20));
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "1", "Ann", "team", "2020-02-02", NULL, "10.50"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(1, "opened", "2", "Bob", "free", NULL, "a note that is long", NULL),
                    RV_OK);
}

RV_TEST(events_set_columns_and_defaults) {
    open_two();
    RV_CHECK_TEXT(cell("account", 1, "name"), "Ann");
    RV_CHECK_TEXT(cell("account", 1, "plan"), "team");
    RV_CHECK_TEXT(cell("account", 1, "balance"), "10.50");
    RV_CHECK_TEXT(cell("account", 1, "level"), "5");
    RV_CHECK_TEXT(cell("account", 1, "opened"), "2023-11-14 22:13:20+00");
    RV_CHECK_TEXT(cell("account", 1, "day"), "2020-02-02");
    RV_CHECK_TEXT(cell("account", 1, "note"), "");
    RV_CHECK_TEXT(cell("account", 2, "balance"), "0.00");
    RV_CHECK_TEXT(cell("account", 2, "note"), "a note that is long");
    RV_CHECK_TEXT(cell("account", 3, "note"), "-");
    RV_CHECK_EQ(rv_state_row_count(state, 0), 2);
    const rv_value key = rv_value_int(2);
    RV_CHECK_EQ(rv_state_row_owner(state, 0, rv_state_row_find(state, 0, &key)), 1);
}

RV_TEST(dates_reach_to_infinity) {
    open_two();
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "3", "Eve", "free", "infinity", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(APPLY_IN(0, "opened", "4", "Eve", "free", "-infinity", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "5", "Eve", "free", "5874897-12-31", NULL, NULL), RV_OK);
    RV_CHECK_TEXT(cell("account", 3, "day"), "infinity");
    RV_CHECK_TEXT(cell("account", 4, "day"), "-infinity");
    RV_CHECK_TEXT(cell("account", 5, "day"), "5874897-12-31");
}

RV_TEST(refusals_about_rows_have_their_facts) {
    open_two();
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "2", "Eve", "free", NULL, NULL, NULL), RV_ROW_EXISTS);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"2\",\"field\":\"id\"");
    RV_CHECK_STATUS(FOLD_IN(0, "noted", "9", "n", NULL, NULL), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"9\",\"field\":\"id\"");
    RV_CHECK_STATUS(FOLD_IN(0, "noted", "2", "n", NULL, NULL), RV_ROW_OF_OTHER_STREAM);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"2\",\"field\":\"id\"");
    RV_CHECK_STATUS(FOLD_IN(1, "closed", "3"), RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(FOLD_IN(1, "closed", "1"), RV_ROW_OF_OTHER_STREAM);
    /* a pure reference may be to another stream's row, but there must be one */
    RV_CHECK_STATUS(FOLD_IN(1, "contact_added", "c", NULL, NULL, NULL, "1"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(1, "contact_added", "d", NULL, NULL, NULL, "3"), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"3\",\"field\":\"near\"");
    /* a shared row answers to every stream */
    RV_CHECK_STATUS(FOLD_IN(0, "counted", "7", "1", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(1, "counted_on", "7", "2", NULL, "x"), RV_OK);
    RV_CHECK_TEXT(cell("counter", 7, "n"), "3");
    RV_CHECK_STATUS(FOLD_IN(1, "counter_dropped", "7"), RV_OK);
    RV_CHECK_TEXT(cell("counter", 7, "n"), "-");
}

RV_TEST(refusals_about_references_have_their_facts) {
    open_two();
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(FOLD_IN(0, "contact_added", "c", "5", NULL, NULL, "1"), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"5\",\"column\":\"account_id\"");
    RV_CHECK_STATUS(FOLD_IN(0, "contact_added", "c", "2", NULL, NULL, "1"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(1, "closed", "2"), RV_ROW_REFERENCED);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"2\",\"field\":\"id\",\"references\":1,"
                "\"referring_aggregate\":\"contact\",\"referring_columns\":\"account_id\","
                "\"referring_key\":\"c\"");
    RV_CHECK_TEXT(rv_error_detail(&err),
                  "the row of `contact` with key c refers to the row of `account` with key 2 by "
                  "`account_id` (one of 1 references)");
    /* `parent` of contact is in no index as the first column */
    RV_CHECK_STATUS(FOLD_IN(0, "contact_added", "e", NULL, "c", NULL, "1"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "contact_dropped", "c", NULL), RV_ROW_REFERENCED);
    CHECK_FACTS("\"aggregate\":\"contact\",\"key\":\"c\",\"field\":\"contact\",\"references\":1,"
                "\"referring_aggregate\":\"contact\",\"referring_columns\":\"parent\"");
    RV_CHECK_STATUS(FOLD_IN(0, "contact_dropped", "e", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "contact_changed", "c", NULL, "c", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(1, "closed", "2"), RV_OK);
    RV_CHECK_EQ(rv_state_row_count(state, 0), 1);
    /* a row may go although it refers to itself */
    RV_CHECK_STATUS(FOLD_IN(0, "contact_dropped", "c", "c"), RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(FOLD_IN(0, "contact_added", "d", NULL, NULL, NULL, "1"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "contact_dropped", "c", "d"), RV_OK);
    /* a key created again is a new row with a new owner */
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "2", "New", "free", NULL, NULL, NULL), RV_OK);
    RV_CHECK_TEXT(cell("account", 2, "note"), "");
    const rv_value key = rv_value_int(2);
    RV_CHECK_EQ(rv_state_row_owner(state, 0, rv_state_row_find(state, 0, &key)), 0);
    /* rows made together may refer to each other in any order of their making */
    RV_CHECK_STATUS(FOLD_IN(0, "opened_with", "e", "8", "Eve", NULL, NULL), RV_OK);
}

RV_TEST(refusals_about_values_have_their_facts) {
    open_two();
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "3", "Low", "free", NULL, NULL, "-0.01"),
                    RV_CHECK_VIOLATION);
    CHECK_FACTS(
        "\"aggregate\":\"account\",\"key\":\"3\",\"column\":\"balance\",\"value\":\"-0.01\"");
    RV_CHECK_STATUS(FOLD_IN(0, "noted", "1", NULL, "30000", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "noted", "1", NULL, "30000", "false"), RV_CHECK_VIOLATION);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"1\",\"column\":\"id\"");
    RV_CHECK_STATUS(FOLD_IN(0, "noted", "1", NULL, "30000", "true"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "paid", "1", NULL, NULL, "2767"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "paid", "1", NULL, NULL, "1"), RV_VALUE_OUT_OF_RANGE);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"1\",\"column\":\"level\"");
    RV_CHECK_STATUS(FOLD_IN(0, "computed", "1", "0", "n"), RV_DIVISION_BY_ZERO);
    RV_CHECK_STATUS(FOLD_IN(0, "computed", "1", "2", NULL), RV_NOT_NULL_VIOLATION);
    CHECK_FACTS("\"aggregate\":\"account\",\"key\":\"1\",\"column\":\"name\"");
    RV_CHECK_STATUS(
        FOLD_IN(0, "computed", "1", "2", "a name of more than the forty characters there are"),
        RV_VALUE_TOO_LONG);
    RV_CHECK_STATUS(FOLD_IN(0, "computed", "1", "2", "Anna"), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "level"), "16383");
    RV_CHECK_TEXT(cell("account", 1, "note"), "Anna");
}

RV_TEST(transfers_touch_two_rows) {
    RV_CHECK(start(4u << 20, 1u << 20));
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "1", "A", "free", NULL, NULL, "5"), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "2", "B", "free", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "paid", "1", "2", "3.25", NULL), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "balance"), "1.75");
    RV_CHECK_TEXT(cell("account", 2, "balance"), "3.25");
    RV_CHECK_STATUS(FOLD_IN(0, "paid", "1", "1", "1", NULL), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "balance"), "1.75");
    RV_CHECK_STATUS(FOLD_IN(0, "paid", "1", "2", "1.76", NULL), RV_CHECK_VIOLATION);
    RV_CHECK_TEXT(cell("account", 2, "balance"), "3.25");
}

RV_TEST(applying_is_total) {
    open_two();
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(APPLY_IN(1, "opened", "1", "Eve", "free", NULL, NULL, NULL), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "name"), "Ann");
    RV_CHECK_STATUS(APPLY_IN(1, "noted", "77", "x", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(APPLY_IN(1, "closed", "77"), RV_OK);
    RV_CHECK_STATUS(APPLY_IN(0, "computed", "1", "0", "Zoe"), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "level"), "?");
    RV_CHECK_TEXT(cell("account", 1, "name"), "Zoe"); /* does not read what is unknown */
    RV_CHECK_STATUS(APPLY_IN(0, "computed", "1", "1", "Zoe"), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "level"), "?");
    RV_CHECK_STATUS(APPLY_IN(0, "paid", "1", NULL, NULL, "1"), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "level"), "?");
    RV_CHECK_STATUS(APPLY_IN(0, "noted", "1", "x", "9", NULL), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "level"), "9");
    RV_CHECK_STATUS(APPLY_IN(0, "paid", "2", "1", "9999999999.99", "32767"), RV_OK);
    RV_CHECK_TEXT(cell("account", 1, "balance"), "?");
    RV_CHECK_TEXT(cell("account", 2, "balance"), "-9999999999.99");
    RV_CHECK_TEXT(cell("account", 2, "level"), "?");
}

RV_TEST(serial_keys_follow_the_greatest) {
    RV_CHECK(start(4u << 20, 1u << 20));
    int64_t next;
    RV_CHECK_STATUS(rv_state_serial_next(state, 0, &next, &err), RV_OK);
    RV_CHECK_EQ(next, 1);
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "41", "A", "free", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "-3", "B", "free", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(rv_state_serial_next(state, 0, &next, &err), RV_OK);
    RV_CHECK_EQ(next, 42);
    RV_CHECK_STATUS(FOLD_IN(0, "closed", "41"), RV_OK);
    RV_CHECK_STATUS(rv_state_serial_next(state, 0, &next, &err), RV_OK);
    RV_CHECK_EQ(next, 42);
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "2147483647", "A", "free", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(rv_state_serial_next(state, 0, &next, &err), RV_VALUE_OUT_OF_RANGE);
    CHECK_FACTS("\"aggregate\":\"account\",\"column\":\"id\"");
}

RV_TEST(streams_are_numbered_and_found) {
    RV_CHECK(start(4u << 20, 1u << 20));
    RV_CHECK_STATUS(FOLD_IN(1, "opened", "1", "A", "free", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(1, "noted", "1", "A", NULL, NULL), RV_OK);
    rv_stream_head head;
    rv_state_stream(state, 1, &head);
    RV_CHECK_TEXT(head.path, "/a/2");
    RV_CHECK_EQ(head.version, 2);
    RV_CHECK_EQ(head.first_sequence, 1);
    RV_CHECK_EQ(head.last_sequence, 2);
    RV_CHECK_EQ(head.last_position, 102);
    uint8_t path[RV_PATH_LEN_MAX + 1];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    uint32_t number;
    RV_CHECK_STATUS(rv_state_stream_add(state, 3, rv_bytes_of(path, sizeof path), &number, &err),
                    RV_PATH_INVALID);
    RV_CHECK_STATUS(
        rv_state_stream_add(state, 3, rv_bytes_of(path, sizeof path - 1), &number, &err), RV_OK);
    RV_CHECK_EQ(number, 2);
    RV_CHECK(rv_state_stream_find(state, rv_bytes_of(path, sizeof path - 1), &number));
    RV_CHECK_EQ(number, 2);
    RV_CHECK(!rv_state_stream_find(state, RV_LITERAL("/a/3"), &number));
    rv_state_stream(state, 2, &head);
    RV_CHECK_EQ(head.declaration, 3);
    RV_CHECK_EQ(head.version + head.first_sequence, 0);
}

RV_TEST(streams_are_refused_whole_when_pages_run_out) {
    RV_CHECK(start(12 * (RV_PAGE_SIZE + 17) + 200, 1u << 20));
    rv_status status = RV_OK;
    uint32_t count = rv_state_stream_count(state);
    rv_hash128 hash = {0};
    for (; status == RV_OK && count < 10000; count += status == RV_OK) {
        uint8_t path[64];
        rv_writer w = rv_writer_over(path, sizeof path);
        rv_write_text(&w, "/a/path/that/does/not/fit/a/cell/");
        rv_write_uint(&w, count);
        hash = rv_state_hash(state, 0);
        uint32_t number;
        status = rv_state_stream_add(state, 0, rv_writer_bytes(&w), &number, &err);
        RV_CHECK(rv_state_stream_find(state, rv_writer_bytes(&w), &number) == (status == RV_OK));
    }
    RV_CHECK_STATUS(status, RV_STATE_FULL);
    RV_CHECK_EQ(rv_state_stream_count(state), count);
    RV_CHECK(bank_same(hash, rv_state_hash(state, 0)));
}

RV_TEST(large_values_come_back_whole) {
    RV_CHECK(start(8u << 20, 2u << 20));
    const size_t len = RV_EVENT_LEN_MAX;
    uint8_t *const text = malloc(len);
    uint8_t *const room = malloc(len + 16); /* an arena aligns */
    const rv_event_type *const type = rv_schema_event_type_named(schema, RV_LITERAL("counted"));
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    for (size_t i = 0; i < len; i += 1) {
        text[i] = (uint8_t)('a' + i % 23);
    }
    const rv_value values[4] = {rv_value_int(1), rv_value_int(0), rv_value_null(),
                                rv_value_bytes((rv_bytes){text, len})};
    const rv_event event = {.type = type->number, .sequence = 1, .version = 1};
    const rv_state_usage before = rv_state_usage_of(state);
    rv_state_begin(state);
    RV_CHECK_STATUS(rv_state_fold(state, &event, values, RV_FOLD_JUDGE, &scratch, &err), RV_OK);
    rv_state_rollback(state);
    RV_CHECK_EQ(rv_state_usage_of(state).pages_used, before.pages_used);
    RV_CHECK_STATUS(rv_state_fold(state, &event, values, RV_FOLD_APPLY, &scratch, &err), RV_OK);
    const rv_row row = rv_state_row_find(state, 2, &values[0]);
    RV_CHECK(row != RV_ROW_NONE);
    rv_value met;
    RV_CHECK_STATUS(rv_state_row_cell(state, 2, row, 3, &scratch, &met, NULL), RV_MEMORY_EXHAUSTED);
    rv_arena large = rv_arena_over(room, len + 16);
    RV_CHECK_STATUS(rv_state_row_cell(state, 2, row, 3, &large, &met, NULL), RV_OK);
    RV_CHECK(rv_bytes_equal(met.as.bytes, values[3].as.bytes));
    RV_CHECK_STATUS(FOLD_IN(0, "counter_dropped", "1"), RV_OK);
    RV_CHECK(rv_state_usage_of(state).pages_used < before.pages_used + 12);
    free(text);
    free(room);
}

RV_TEST(events_that_name_what_is_not_there_are_damage) {
    RV_CHECK(start(4u << 20, 1u << 20));
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_value values[16] = {{RV_VALUE_NULL, {0}}};
    rv_event event = {.stream = 2, .type = 0};
    RV_CHECK_STATUS(rv_state_fold(state, &event, values, RV_FOLD_APPLY, &scratch, &err),
                    RV_DATA_DAMAGED);
    event = (rv_event){.stream = 0, .type = rv_schema_event_type_count(schema)};
    RV_CHECK_STATUS(rv_state_fold(state, &event, values, RV_FOLD_APPLY, &scratch, &err),
                    RV_DATA_DAMAGED);
}

/* Wherever the memory ends, it is told and nothing is taken. */
RV_TEST(a_budget_that_is_too_small_is_told) {
    const size_t size = 12 * RV_PAGE_SIZE;
    const rv_state_options options = {schema, 1, 4 * RV_PAGE_SIZE + 999, 4000, 3 * RV_PAGE_SIZE};
    rv_state *made = NULL;
    uint8_t *const memory = malloc(size);
    RV_CHECK(memory != NULL);
    rv_arena whole = rv_arena_over(memory, size);
    RV_CHECK_STATUS(rv_state_create(&made, &options, &whole, &err), RV_OK);
    for (size_t less = 0; less < whole.len - 64; less += less % 3 == 0 ? 13 : 40) {
        rv_arena arena = rv_arena_over(memory, less);
        RV_CHECK_STATUS(rv_state_create(&made, &options, &arena, &err), RV_MEMORY_EXHAUSTED);
        RV_CHECK_EQ(arena.len, 0);
    }
    const rv_state_options none = {schema, 1, 10, 4000, 0};
    rv_arena arena = rv_arena_over(memory, size);
    RV_CHECK_STATUS(rv_state_create(&made, &none, &arena, &err), RV_MEMORY_EXHAUSTED);
    free(memory);
}

/* A stream is added whole or not at all, however little the journal takes. */
RV_TEST(streams_with_every_journal) {
    char path[600];
    unsigned refused = 0;
    RV_CHECK(start(4u << 20, 1u << 20));
    for (int len = 5; len < 600; len += 197) {
        const uint32_t count = rv_state_stream_count(state);
        const rv_hash128 hash = rv_state_hash(state, 0);
        const size_t cap = state->pages.journal.cap;
        rv_status status = RV_BATCH_TOO_LARGE;
        snprintf(path, sizeof path, "/b/%0*d", len, 1);
        for (size_t room = 0; status == RV_BATCH_TOO_LARGE && room < 20000; room += 60) {
            uint32_t number;
            state->pages.journal.cap = room;
            rv_state_begin(state);
            status = rv_state_stream_add(state, 0, rv_bytes_of_string(path), &number, &err);
            rv_state_rollback(state);
            state->pages.journal.cap = cap;
            refused += status == RV_BATCH_TOO_LARGE;
            RV_CHECK_EQ(rv_state_stream_count(state), count);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK(bank_same(rv_state_hash(state, 0), hash));
    }
    RV_CHECK(refused > 30);
    static char longest[RV_PATH_LEN_MAX + 2];
    uint32_t number;
    memset(longest, '/', RV_PATH_LEN_MAX + 1);
    RV_CHECK_STATUS(rv_state_stream_add(state, 0, rv_bytes_of_string(longest), &number, &err),
                    RV_PATH_INVALID);
    RV_CHECK_STATUS(rv_state_stream_add(state, 0, RV_LITERAL(""), &number, &err), RV_PATH_INVALID);
    const rv_value null = rv_value_null();
    open_two();
    RV_CHECK_PASSED();
    RV_CHECK(rv_state_row_find(state, 0, &null) == RV_ROW_NONE);
}

/* What a fact has no room for is said to be too long. */
RV_TEST(a_key_that_is_too_long_to_show) {
    static char text[3000];
    RV_CHECK(start(4u << 20, 1u << 20));
    memset(text, 'k', sizeof text - 1);
    RV_CHECK_STATUS(FOLD_IN(0, "opened", "1", "Ann", "team", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "contact_added", text, "1", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD_IN(0, "contact_added", text, "1", NULL, NULL, NULL), RV_ROW_EXISTS);
    RV_CHECK(strstr(err.facts, "(too long to show)") != NULL);
}

int main(void) {
    if (!folding_schema(bank_schema)) {
        return 1;
    }
    RV_RUN(events_set_columns_and_defaults);
    RV_RUN(dates_reach_to_infinity);
    RV_RUN(refusals_about_rows_have_their_facts);
    RV_RUN(refusals_about_references_have_their_facts);
    RV_RUN(refusals_about_values_have_their_facts);
    RV_RUN(transfers_touch_two_rows);
    RV_RUN(applying_is_total);
    RV_RUN(serial_keys_follow_the_greatest);
    RV_RUN(streams_are_numbered_and_found);
    RV_RUN(streams_are_refused_whole_when_pages_run_out);
    RV_RUN(large_values_come_back_whole);
    RV_RUN(events_that_name_what_is_not_there_are_damage);
    RV_RUN(streams_with_every_journal);
    RV_RUN(a_key_that_is_too_long_to_show);
    RV_RUN(a_budget_that_is_too_small_is_told);
    folding_end();
    return rv_test_done();
}
