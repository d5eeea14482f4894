/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: UNIQUE is judged as SEMANTICS 14 has it: at the end of each event, NULLs being distinct,
 * with the row that is in the way; where nothing is judged duplicates are held; indexes are walked
 * by range.
 * Method: a story of people and their seats, one event at a time, values given as text.
 */
#include "tests/unit/state/folding.h"

static const char people_schema[] =
    "CREATE SHARED AGGREGATE person (id integer PRIMARY KEY, email text UNIQUE, team integer,"
    "  seat integer, bio text UNIQUE, day date, tags integer[], UNIQUE (team, seat),"
    "  INDEX (day, email), UNIQUE (tags));"
    "CREATE EVENT_TYPE joined (id creates person(id), email updates person(email),"
    "  team updates person(team), seat updates person(seat), bio updates person(bio),"
    "  day updates person(day));"
    "CREATE EVENT_TYPE moved (id references person(id), email updates person(email),"
    "  seat updates person(seat));"
    "CREATE EVENT_TYPE tagged (id references person(id), tags updates person(tags));"
    "CREATE EVENT_TYPE swapped (a references person(id), b references person(id),"
    "  of_a text updates person(email) VIA a, of_b text updates person(email) VIA b);"
    "CREATE EVENT_TYPE replaced (before deletes person(id), id creates person(id),"
    "  email updates person(email) VIA id);"
    "CREATE EVENT_TYPE left_for_good (id deletes person(id));";

#define TEXT_LEN 6000u

static bool start(void) {
    static const char *const paths[] = {"/p/1", NULL};
    return folding_start(paths, 1u << 20, 1u << 20);
}

#define JOIN(id, email) FOLD("joined", id, email, NULL, NULL, NULL, NULL)

/* The keys of the rows in a range, in its order. */
static rv_bytes list(const rv_index_range *range) {
    static uint8_t text[256];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_index_walk walk;
    for (rv_row row = rv_state_index_first(state, range, &walk); row != RV_ROW_NONE;
         row = rv_state_index_next(state, &walk)) {
        rv_value key = rv_value_null();
        if (rv_state_row_cell(state, 0, row, 0, NULL, &key, NULL) != RV_OK) {
            return RV_LITERAL("?");
        }
        rv_write_text(&w, w.len == 0 ? "" : " ");
        rv_write_int(&w, key.as.integer);
    }
    return rv_writer_bytes(&w);
}

RV_TEST(a_value_that_another_row_has_is_refused) {
    RV_CHECK(start());
    RV_CHECK_STATUS(JOIN("1", "ann@example.com"), RV_OK);
    RV_CHECK_STATUS(JOIN("2", "bob@example.com"), RV_OK);
    RV_CHECK_STATUS(JOIN("3", "ann@example.com"), RV_UNIQUE_VIOLATION);
    RV_CHECK_TEXT(rv_bytes_of(err.facts, err.facts_len),
                  "\"aggregate\":\"person\",\"key\":\"3\",\"existing_key\":\"1\","
                  "\"columns\":\"email\",\"value\":\"ann@example.com\"");
    RV_CHECK_TEXT(rv_error_detail(&err),
                  "`person` with key 3 would have ann@example.com in UNIQUE (email), as the row "
                  "with key 1 has");
    RV_CHECK_STATUS(FOLD("moved", "2", "ann@example.com", NULL), RV_UNIQUE_VIOLATION);
    RV_CHECK_STATUS(FOLD("moved", "2", "bob@example.com", "4"), RV_OK);
    RV_CHECK_STATUS(FOLD("moved", "1", "a@example.com", NULL), RV_OK);
    RV_CHECK_STATUS(JOIN("3", "ann@example.com"), RV_OK);
    RV_CHECK_STATUS(FOLD("left_for_good", "3"), RV_OK);
    RV_CHECK_STATUS(JOIN("4", "ann@example.com"), RV_OK);
}

RV_TEST(nulls_are_distinct) {
    RV_CHECK(start());
    RV_CHECK_STATUS(JOIN("1", NULL), RV_OK);
    RV_CHECK_STATUS(JOIN("2", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("joined", "3", NULL, "7", "1", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("joined", "4", NULL, "7", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("joined", "5", NULL, "7", NULL, NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("joined", "6", NULL, "7", "1", NULL, NULL), RV_UNIQUE_VIOLATION);
    RV_CHECK_TEXT(rv_bytes_of(err.facts, err.facts_len),
                  "\"aggregate\":\"person\",\"key\":\"6\",\"existing_key\":\"3\","
                  "\"columns\":\"team, seat\",\"value\":\"7, 1\"");
    RV_CHECK_STATUS(FOLD("joined", "6", NULL, "8", "1", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("moved", "4", NULL, "1"), RV_UNIQUE_VIOLATION);
}

RV_TEST(one_event_can_move_a_value) {
    RV_CHECK(start());
    RV_CHECK_STATUS(JOIN("1", "one"), RV_OK);
    RV_CHECK_STATUS(JOIN("2", "two"), RV_OK);
    RV_CHECK_STATUS(FOLD("swapped", "1", "2", "two", "one"), RV_OK);
    RV_CHECK_STATUS(FOLD("swapped", "1", "2", "two", "two"), RV_UNIQUE_VIOLATION);
    RV_CHECK_STATUS(FOLD("swapped", "2", "1", "new", "one"), RV_OK);
    RV_CHECK_STATUS(FOLD("swapped", "1", "1", "new", "last"), RV_OK); /* the last one stays */
    RV_CHECK_STATUS(FOLD("replaced", "1", "3", "last"), RV_OK);
    RV_CHECK_STATUS(FOLD("replaced", "3", "4", "new"), RV_UNIQUE_VIOLATION);
    RV_CHECK_STATUS(FOLD("replaced", "2", "4", "new"), RV_OK);
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 0}), "3 4");
}

RV_TEST(a_batch_sees_its_own_events) {
    RV_CHECK(start());
    RV_CHECK_STATUS(JOIN("1", "one"), RV_OK);
    static const char *const two[] = {"2", "two", NULL, NULL, NULL, NULL};
    static const char *const three[] = {"3", "two", NULL, NULL, NULL, NULL};
    static const char *const again[] = {"3", "one", NULL, NULL, NULL, NULL};
    static const char *const away[] = {"1", "uno", NULL};
    rv_state_begin(state);
    RV_CHECK_STATUS(folding_one("joined", 0, RV_FOLD_JUDGE, two), RV_OK);
    RV_CHECK_STATUS(folding_one("joined", 0, RV_FOLD_JUDGE, three), RV_UNIQUE_VIOLATION);
    rv_state_rollback(state);
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 0}), "1");
    rv_state_begin(state);
    RV_CHECK_STATUS(folding_one("moved", 0, RV_FOLD_JUDGE, away), RV_OK);
    RV_CHECK_STATUS(folding_one("joined", 0, RV_FOLD_JUDGE, again), RV_OK);
    rv_state_commit(state);
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 0}), "3 1");
}

RV_TEST(long_values_are_compared_whole) {
    static char one[TEXT_LEN + 1];
    static char two[TEXT_LEN + 1];
    for (size_t len = 100; len <= TEXT_LEN; len += len == 130 ? 3900 : len < 130 ? 1 : 50) {
        RV_CHECK(start());
        memset(one, 'x', len);
        memset(two, 'x', len);
        one[len] = 0;
        two[len] = 0;
        RV_CHECK_STATUS(FOLD("joined", "1", NULL, NULL, NULL, one, NULL), RV_OK);
        RV_CHECK_STATUS(FOLD("joined", "2", NULL, NULL, NULL, two, NULL), RV_UNIQUE_VIOLATION);
        two[len - 1] = 'y';
        RV_CHECK_STATUS(FOLD("joined", "2", NULL, NULL, NULL, two, NULL), RV_OK);
        two[len - 1] = 'w';
        RV_CHECK_STATUS(FOLD("joined", "3", NULL, NULL, NULL, two, NULL), RV_OK);
        two[len - 1] = 0;
        RV_CHECK_STATUS(FOLD("joined", "4", NULL, NULL, NULL, two, NULL), RV_OK);
        RV_CHECK_TEXT(list(&(rv_index_range){.index = 1}), "4 3 1 2");
        const rv_value value = rv_value_bytes(rv_bytes_of_string(one));
        const rv_index_range from = {.index = 1, .low = {&value, 1, true}};
        RV_CHECK_TEXT(list(&from), "1 2");
        const rv_index_range below = {.index = 1, .high = {&value, 1, false}, .descending = true};
        RV_CHECK_TEXT(list(&below), "3 4");
        RV_CHECK_STATUS(FOLD("left_for_good", "1"), RV_OK);
        RV_CHECK_STATUS(FOLD("joined", "5", NULL, NULL, NULL, one, NULL), RV_OK);
    }
}

RV_TEST(duplicates_are_held_where_nothing_is_judged) {
    RV_CHECK(start());
    for (uint32_t i = 0; i < 3; i += 1) {
        const char id[2] = {(char)('1' + i), 0};
        RV_CHECK_STATUS(APPLY("joined", id, "same", "1", "1", "same", "2024-02-29"), RV_OK);
    }
    RV_CHECK_EQ(list(&(rv_index_range){.index = 0}).len, 5);
    RV_CHECK_STATUS(APPLY("moved", "2", NULL, "2"), RV_OK);
    RV_CHECK_STATUS(APPLY("left_for_good", "1"), RV_OK);
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 0}), "2 3");
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 2}), "3 2");
    RV_CHECK_STATUS(APPLY("left_for_good", "2"), RV_OK);
    RV_CHECK_STATUS(APPLY("left_for_good", "3"), RV_OK);
    RV_CHECK_EQ(list(&(rv_index_range){.index = 0}).len, 0);
}

RV_TEST(ranges_are_of_leading_columns) {
    RV_CHECK(start());
    static const char *const rows[][3] = {{"1", "d", "2024-01-01"}, {"2", "b", "2024-01-02"},
                                          {"3", "c", "2024-01-02"}, {"4", NULL, "2024-01-02"},
                                          {"5", "a", NULL},         {"6", "e", "infinity"},
                                          {"7", "f", "-infinity"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i += 1) {
        RV_CHECK_STATUS(FOLD("joined", rows[i][0], rows[i][1], NULL, NULL, NULL, rows[i][2]),
                        RV_OK);
    }
    const uint16_t nth = 3;
    const rv_value second[2] = {rv_value_int(8767), rv_value_bytes(RV_LITERAL("b"))};
    const rv_value null = rv_value_null();
    RV_CHECK_TEXT(list(&(rv_index_range){.index = nth}), "5 7 1 4 2 3 6");
    RV_CHECK_TEXT(list(&(rv_index_range){.index = nth, .descending = true}), "6 3 2 4 1 7 5");
    rv_index_range range = {.index = nth, .low = {second, 1, true}, .high = {second, 1, true}};
    RV_CHECK_TEXT(list(&range), "4 2 3");
    range.low = (rv_index_end){second, 2, false};
    RV_CHECK_TEXT(list(&range), "3");
    range = (rv_index_range){.index = nth, .low = {&null, 1, false}, .high = {second, 1, false}};
    RV_CHECK_TEXT(list(&range), "7 1");
    range = (rv_index_range){.index = nth, .low = {second, 1, false}, .descending = true};
    RV_CHECK_TEXT(list(&range), "6");
    range = (rv_index_range){.index = nth, .low = {second, 1, false}, .high = {second, 1, false}};
    RV_CHECK_TEXT(list(&range), "");
}

RV_TEST(arrays_are_compared_element_by_element) {
    static char many[2 * 5000 + 2];
    RV_CHECK(start());
    static const char *const tags[] = {"{2}", "{1,10}", "{}", "{1,2}", "{1,NULL}", NULL, "{1}"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i += 1) {
        const char id[2] = {(char)('1' + i), 0};
        RV_CHECK_STATUS(JOIN(id, NULL), RV_OK);
        RV_CHECK_STATUS(FOLD("tagged", id, tags[i]), RV_OK);
    }
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 4}), "6 3 7 4 2 5 1");
    RV_CHECK_STATUS(FOLD("tagged", "6", "{1,10}"), RV_UNIQUE_VIOLATION);
    RV_CHECK_STATUS(FOLD("tagged", "6", "{1,11}"), RV_OK);
    many[0] = '{';
    for (size_t i = 0; i < 5000; i += 1) {
        many[1 + 2 * i] = '7';
        many[2 + 2 * i] = i == 4999 ? '}' : ',';
    }
    RV_CHECK_STATUS(FOLD("tagged", "3", many), RV_VALUE_TOO_LONG);
    RV_CHECK_TEXT(rv_bytes_of(err.facts, err.facts_len),
                  "\"aggregate\":\"person\",\"key\":\"3\",\"column\":\"tags\"");
    RV_CHECK_STATUS(APPLY("tagged", "3", many), RV_OK);
    RV_CHECK_STATUS(APPLY("tagged", "4", many), RV_OK);
    RV_CHECK_STATUS(APPLY("tagged", "2", "{3}"), RV_OK);
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 4}), "7 6 5 1 2 3 4");
    RV_CHECK_STATUS(APPLY("left_for_good", "3"), RV_OK);
    RV_CHECK_STATUS(APPLY("left_for_good", "4"), RV_OK);
    RV_CHECK_TEXT(list(&(rv_index_range){.index = 4}), "7 6 5 1 2");
}

int main(void) {
    if (!folding_schema(people_schema)) {
        return 1;
    }
    RV_RUN(a_value_that_another_row_has_is_refused);
    RV_RUN(nulls_are_distinct);
    RV_RUN(one_event_can_move_a_value);
    RV_RUN(a_batch_sees_its_own_events);
    RV_RUN(long_values_are_compared_whole);
    RV_RUN(duplicates_are_held_where_nothing_is_judged);
    RV_RUN(ranges_are_of_leading_columns);
    RV_RUN(arrays_are_compared_element_by_element);
    folding_end();
    return rv_test_done();
}
