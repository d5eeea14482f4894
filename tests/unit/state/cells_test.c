/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: cells and keys that are rare: floating numbers that are counted; uuids that refer; fields
 * wider than the key that they name; values too long to show, or for a check to be read with the
 * memory there is; columns that are not known here. Judged they are refused with the reason,
 * applied they do what can be done. Method: a story, one event at a time, values given as text.
 */
#include "tests/unit/state/folding.h"

static const char rare_schema[] =
    "CREATE SHARED AGGREGATE reading (id text PRIMARY KEY, low real DEFAULT 0,"
    "  high double precision DEFAULT 0, body text CHECK (body <> 'bad'), note text,"
    "  n integer NOT NULL DEFAULT 0 CHECK (n < 100), CHECK (note is null or note <> 'bad'));"
    "CREATE EVENT_TYPE first_read (id creates reading(id), low real increments reading(low),"
    "  high double precision increments reading(high), body updates reading(body),"
    "  note updates reading(note));"
    "CREATE EVENT_TYPE read_on (id references reading(id), low real increments reading(low),"
    "  high double precision decrements reading(high), body updates reading(body),"
    "  n increments reading(n));"
    "CREATE EVENT_TYPE computed (id references reading(id),"
    "  by integer updates reading(note) = (reading.note || reading.n / by));"
    "CREATE SHARED AGGREGATE place (at uuid PRIMARY KEY, n integer DEFAULT 0);"
    "CREATE SHARED AGGREGATE visit (id integer PRIMARY KEY, at references place(at));"
    "CREATE EVENT_TYPE placed (at creates place(at));"
    "CREATE EVENT_TYPE visited (id creates visit(id), at updates visit(at));"
    "CREATE EVENT_TYPE moved (id references visit(id), at updates visit(at));"
    "CREATE EVENT_TYPE left_place (at deletes place(at));"
    "CREATE SHARED AGGREGATE small (id smallint PRIMARY KEY, n integer DEFAULT 0);"
    "CREATE EVENT_TYPE small_made (id creates small(id));"
    "CREATE EVENT_TYPE small_counted (id bigint references small(id), n increments small(n));"
    "CREATE EVENT_TYPE small_gone (id bigint deletes small(id));"
    "CREATE SHARED AGGREGATE grid (x smallint, y smallint, n integer DEFAULT 0,"
    "  PRIMARY KEY (x, y));"
    "CREATE EVENT_TYPE grid_made (x creates grid(x), y creates grid(y));"
    "CREATE EVENT_TYPE grid_counted (x bigint references grid(x), y bigint references grid(y),"
    "  n increments grid(n));";

static bool start(void) {
    static const char *const paths[] = {"/a/1", NULL};
    return folding_start(paths, 4u << 20, 1u << 20);
}

/* A cell of a row that is found by its only key, as text; "?" when it is unknown. */
static rv_bytes cell(const char *aggregate_name, rv_value key, const char *column_name) {
    static uint8_t text[256];
    const rv_aggregate *const aggregate =
        rv_schema_aggregate_named(schema, rv_bytes_of_string(aggregate_name));
    const rv_row row = rv_state_row_find(state, aggregate->number, &key);
    rv_writer w = rv_writer_over(text, sizeof text);
    for (uint16_t c = 0; row != RV_ROW_NONE && c < aggregate->column_count; c += 1) {
        rv_value value;
        bool unknown;
        if (rv_bytes_are(aggregate->columns[c].name, column_name) &&
            rv_state_row_cell(state, aggregate->number, row, c, NULL, &value, &unknown) == RV_OK) {
            if (unknown) {
                return RV_LITERAL("?");
            }
            rv_value_to_text(&aggregate->columns[c].type, &value, &w);
        }
    }
    return rv_writer_bytes(&w);
}

static rv_value text_key(const char *key) {
    return rv_value_bytes(rv_bytes_of_string(key));
}

RV_TEST(floating_numbers_are_counted) {
    RV_CHECK(start());
    RV_CHECK_STATUS(FOLD("first_read", "a", "1.5", "2.25", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("read_on", "a", "0.25", "1e300", NULL, NULL), RV_OK);
    RV_CHECK_TEXT(cell("reading", text_key("a"), "low"), "1.75");
    RV_CHECK_TEXT(cell("reading", text_key("a"), "high"), "-1e+300");
    RV_CHECK_STATUS(FOLD("read_on", "a", "3.4e38", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("read_on", "a", "3.4e38", NULL, NULL, NULL), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK(strstr(err.facts, "\"column\":\"low\"") != NULL);
    RV_CHECK_STATUS(FOLD("read_on", "a", NULL, "1.7e308", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("read_on", "a", NULL, "1.7e308", NULL, NULL), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(APPLY("read_on", "a", "3.4e38", "1.7e308", NULL, NULL), RV_OK);
    RV_CHECK_TEXT(cell("reading", text_key("a"), "low"), "?");
    RV_CHECK_TEXT(cell("reading", text_key("a"), "high"), "?");
}

#define U1 "00000000-0000-0000-0000-000000000001"
#define U2 "00000000-0000-0000-0000-000000000002"
#define U3 "00000000-0000-0000-0000-000000000003"

RV_TEST(uuids_refer) {
    RV_CHECK(start());
    RV_CHECK_STATUS(FOLD("placed", U1), RV_OK);
    RV_CHECK_STATUS(FOLD("placed", U2), RV_OK);
    RV_CHECK_STATUS(FOLD("placed", U1), RV_ROW_EXISTS);
    RV_CHECK_STATUS(FOLD("visited", "7", U1), RV_OK);
    RV_CHECK_STATUS(FOLD("moved", "7", U1), RV_OK); /* to where it is */
    RV_CHECK_STATUS(FOLD("left_place", U1), RV_ROW_REFERENCED);
    RV_CHECK_STATUS(FOLD("moved", "7", U3), RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(FOLD("moved", "7", U2), RV_OK);
    RV_CHECK_STATUS(FOLD("left_place", U1), RV_OK);
    RV_CHECK_STATUS(FOLD("moved", "7", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("moved", "7", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("left_place", U2), RV_OK);
}

/* Judged, a value that the key's type does not have is out of range; applied, nobody is meant. */
RV_TEST(fields_wider_than_the_key) {
    RV_CHECK(start());
    RV_CHECK_STATUS(FOLD("small_made", "7"), RV_OK);
    RV_CHECK_STATUS(FOLD("small_counted", "7", "2"), RV_OK);
    RV_CHECK_TEXT(cell("small", rv_value_int(7), "n"), "2");
    RV_CHECK_STATUS(FOLD("small_counted", "70000", "2"), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(APPLY("small_counted", "70000", "2"), RV_OK);
    RV_CHECK_STATUS(FOLD("small_gone", "70000"), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(APPLY("small_gone", "70000"), RV_OK);
    RV_CHECK_STATUS(APPLY("small_gone", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("small_gone", "7"), RV_OK);
    RV_CHECK_STATUS(FOLD("grid_made", "1", "2"), RV_OK);
    RV_CHECK_STATUS(FOLD("grid_counted", "1", "2", "5"), RV_OK);
    RV_CHECK_STATUS(FOLD("grid_counted", "1", "70000", "5"), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(APPLY("grid_counted", "1", "70000", "5"), RV_OK);
    RV_CHECK_STATUS(APPLY("grid_counted", NULL, "2", "5"), RV_OK);
    const rv_value key[2] = {rv_value_int(1), rv_value_int(2)};
    const uint16_t grid = rv_schema_aggregate_named(schema, RV_LITERAL("grid"))->number;
    rv_value n;
    RV_CHECK_STATUS(
        rv_state_row_cell(state, grid, rv_state_row_find(state, grid, key), 2, NULL, &n, NULL),
        RV_OK);
    RV_CHECK_EQ(n.as.integer, 5);
}

/* Folds a value of so many bytes. */
static rv_status fold_long(size_t len, size_t scratch_size, const char *note) {
    static uint8_t body[200000];
    const rv_event_type *const type = rv_schema_event_type_named(schema, RV_LITERAL("first_read"));
    rv_arena scratch = rv_arena_over(scratch_memory, scratch_size);
    memset(body, 'b', sizeof body);
    const rv_value values[5] = {text_key("long"), rv_value_null(), rv_value_null(),
                                rv_value_bytes(rv_bytes_of(body, len)),
                                note == NULL ? rv_value_null() : text_key(note)};
    const rv_event event = {.type = type->number, .sequence = 1, .position = 1, .version = 1};
    rv_state_begin(state);
    err = (rv_error){0};
    const rv_status status = rv_state_fold(state, &event, values, RV_FOLD_JUDGE, &scratch, &err);
    rv_state_rollback(state);
    return status;
}

RV_TEST(values_that_are_too_long) {
    static char text[3000];
    RV_CHECK(start());
    RV_CHECK_STATUS(fold_long(100, sizeof scratch_memory, NULL), RV_OK);
    RV_CHECK_STATUS(fold_long(40000, sizeof scratch_memory, NULL), RV_OK);
    RV_CHECK_STATUS(fold_long(100000, sizeof scratch_memory, NULL), RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(fold_long(100, sizeof scratch_memory, "bad"), RV_CHECK_VIOLATION);
    memset(text, 'k', sizeof text - 1);
    RV_CHECK_STATUS(FOLD("first_read", text, NULL, NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("first_read", text, NULL, NULL, NULL, NULL), RV_ROW_EXISTS);
    RV_CHECK(strstr(err.facts, "(too long to show)") != NULL);
    RV_CHECK_STATUS(FOLD("read_on", text, NULL, NULL, "bad", NULL), RV_CHECK_VIOLATION);
    RV_CHECK(strstr(err.facts, "(too long to show)") != NULL);
    RV_CHECK_STATUS(FOLD("read_on", text, NULL, NULL, NULL, "100"), RV_CHECK_VIOLATION);
    text[100] = '\0';
    RV_CHECK_STATUS(FOLD("read_on", text, NULL, NULL, NULL, "1"), RV_UNKNOWN_REFERENCE);
}

/* What is computed from what is not known here is not known either; judged it is refused. */
RV_TEST(unknown_cells_spread) {
    RV_CHECK(start());
    RV_CHECK_STATUS(FOLD("first_read", "a", NULL, NULL, NULL, "x"), RV_OK);
    RV_CHECK_STATUS(FOLD("computed", "a", "0"), RV_DIVISION_BY_ZERO);
    RV_CHECK_STATUS(APPLY("computed", "a", "0"), RV_OK);
    RV_CHECK_TEXT(cell("reading", text_key("a"), "note"), "?");
    RV_CHECK_STATUS(FOLD("computed", "a", "1"), RV_VALUE_INVALID);
    RV_CHECK(strstr(err.facts, "\"column\":\"note\"") != NULL);
    RV_CHECK_STATUS(APPLY("computed", "a", "1"), RV_OK);
    RV_CHECK_TEXT(cell("reading", text_key("a"), "note"), "?");
}

int main(void) {
    if (!folding_schema(rare_schema)) {
        return 1;
    }
    RV_RUN(floating_numbers_are_counted);
    RV_RUN(uuids_refer);
    RV_RUN(fields_wider_than_the_key);
    RV_RUN(values_that_are_too_long);
    RV_RUN(unknown_cells_spread);
    folding_end();
    return rv_test_done();
}
