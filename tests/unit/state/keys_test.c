/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rows with keys of several columns are made, found, changed, referred to and deleted by the
 * fields that an event has for their columns, and each refusal names the whole key.
 * Method: a story of orders, their lines, and parcels that hold lines, one event at a time, values
 * given as text.
 */
#include "tests/unit/state/folding.h"

static const char orders_schema[] =
    "CREATE AGGREGATE orders (id integer PRIMARY KEY, name text);"
    "CREATE SHARED AGGREGATE line (order_id references orders(id), no smallint, sku text,"
    "  count integer NOT NULL DEFAULT 0 CHECK (count >= 0), label text DEFAULT 'new',"
    "  PRIMARY KEY (order_id, no));"
    "CREATE SHARED AGGREGATE parcel (id text PRIMARY KEY, order_id integer, line_no integer,"
    "  FOREIGN KEY (line_no, order_id) REFERENCES line(no, order_id),"
    "  INDEX (order_id, line_no));"
    "CREATE SHARED AGGREGATE mark (name text, day date, of_name text, of_day date,"
    "  n bigint NOT NULL DEFAULT 0, PRIMARY KEY (name, day),"
    "  FOREIGN KEY (of_name, of_day) REFERENCES mark(name, day));"
    "CREATE EVENT_TYPE ordered (id creates orders(id), name updates orders(name));"
    "CREATE EVENT_TYPE line_added (order_id creates line(order_id), no creates line(no),"
    "  sku updates line(sku), count updates line(count));"
    "CREATE EVENT_TYPE moved (order_id references line(order_id), from_no references line(no),"
    "  to_no references line(no), count integer decrements line(count) VIA from_no"
    "  increments line(count) VIA to_no);"
    "CREATE EVENT_TYPE swapped (a references line(order_id), b references line(no) VIA a,"
    "  c references line(order_id), d references line(no) VIA c,"
    "  x updates line(label) VIA a, y updates line(label) VIA d);"
    "CREATE EVENT_TYPE line_dropped (order_id deletes line(order_id), no deletes line(no));"
    "CREATE EVENT_TYPE order_dropped (id deletes orders(id));"
    "CREATE EVENT_TYPE packed (parcel creates parcel(id), order_id updates parcel(order_id),"
    "  line_no updates parcel(line_no));"
    "CREATE EVENT_TYPE repacked (parcel references parcel(id), order_id updates parcel(order_id),"
    "  line_no updates parcel(line_no));"
    "CREATE EVENT_TYPE unpacked (parcel deletes parcel(id));"
    "CREATE EVENT_TYPE marked (name creates mark(name), day creates mark(day),"
    "  of_name updates mark(of_name), of_day updates mark(of_day));"
    "CREATE SHARED AGGREGATE tag (name varchar(5) PRIMARY KEY, n integer DEFAULT 0);"
    "CREATE SHARED AGGREGATE pair (a varchar(3), b varchar(3), PRIMARY KEY (a, b));"
    "CREATE SHARED AGGREGATE use (id integer PRIMARY KEY, tag text references tag(name),"
    "  a text, b varchar(9), FOREIGN KEY (a, b) REFERENCES pair(a, b));"
    "CREATE EVENT_TYPE tagged (name text creates tag(name));"
    "CREATE EVENT_TYPE counted (name text references tag(name), n increments tag(n));"
    "CREATE EVENT_TYPE untagged (name text deletes tag(name));"
    "CREATE EVENT_TYPE paired (a text creates pair(a), b text creates pair(b));"
    "CREATE EVENT_TYPE used (id creates use(id), tag updates use(tag), a updates use(a),"
    "  b updates use(b));"
    "CREATE EVENT_TYPE unmarked (name deletes mark(name), day deletes mark(day));";

static bool start(void) {
    static const char *const paths[] = {"/a/1", NULL};
    return folding_start(paths, 4u << 20, 1u << 20);
}

/* A cell of the line with this key as text; "-" when there is no row. */
static rv_bytes line(int64_t order_id, int64_t no, uint16_t column) {
    static uint8_t text[64];
    const rv_aggregate *const aggregate = rv_schema_aggregate_named(schema, RV_LITERAL("line"));
    const rv_value key[] = {rv_value_int(order_id), rv_value_int(no)};
    const rv_row row = rv_state_row_find(state, aggregate->number, key);
    rv_value value;
    if (row == RV_ROW_NONE ||
        rv_state_row_cell(state, aggregate->number, row, column, NULL, &value, NULL) != RV_OK) {
        return RV_LITERAL("-");
    }
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_value_to_text(&aggregate->columns[column].type, &value, &w);
    return rv_writer_bytes(&w);
}

#define SKU   2
#define COUNT 3
#define LABEL 4

static void order_lines(void) {
    RV_CHECK(start());
    RV_CHECK_STATUS(FOLD("ordered", "7", "Ann"), RV_OK);
    RV_CHECK_STATUS(FOLD("ordered", "8", "Bob"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_added", "7", "1", "nut", "5"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_added", "7", "2", "bolt", "6"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_added", "8", "1", "nail", "7"), RV_OK);
}

RV_TEST(rows_are_found_by_all_columns_of_the_key) {
    order_lines();
    RV_CHECK_TEXT(line(7, 1, SKU), "nut");
    RV_CHECK_TEXT(line(7, 2, SKU), "bolt");
    RV_CHECK_TEXT(line(8, 1, SKU), "nail");
    RV_CHECK_TEXT(line(8, 2, SKU), "-");
    RV_CHECK_TEXT(line(1, 7, SKU), "-");
    RV_CHECK_STATUS(FOLD("line_added", "7", "2", "x", "6"), RV_ROW_EXISTS);
    CHECK_FACTS("\"aggregate\":\"line\",\"key\":\"(7, 2)\",\"field\":\"order_id\"");
    RV_CHECK_STATUS(FOLD("line_added", "7", NULL, "x", "6"), RV_NOT_NULL_VIOLATION);
    CHECK_FACTS("\"aggregate\":\"line\",\"key\":\"(7, null)\",\"field\":\"order_id\"");
    RV_CHECK_STATUS(FOLD("line_added", "9", "1", "x", "6"), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"orders\",\"key\":\"9\",\"column\":\"order_id\"");
    RV_CHECK_STATUS(FOLD("line_added", "7", "3", "x", "-1"), RV_CHECK_VIOLATION);
    CHECK_FACTS("\"aggregate\":\"line\",\"key\":\"(7, 3)\",\"column\":\"count\",\"value\":\"-1\"");
}

RV_TEST(fields_make_several_rows) {
    order_lines();
    RV_CHECK_STATUS(FOLD("moved", "7", "1", "2", "3"), RV_OK);
    RV_CHECK_TEXT(line(7, 1, COUNT), "2");
    RV_CHECK_TEXT(line(7, 2, COUNT), "9");
    RV_CHECK_STATUS(FOLD("moved", "7", "1", "1", "2"), RV_OK);
    RV_CHECK_TEXT(line(7, 1, COUNT), "2");
    RV_CHECK_STATUS(FOLD("moved", "7", "1", "3", "2"), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"line\",\"key\":\"(7, 3)\",\"field\":\"order_id\"");
    RV_CHECK_STATUS(FOLD("moved", "7", "1", "2", "3"), RV_CHECK_VIOLATION);
    RV_CHECK_STATUS(FOLD("swapped", "7", "2", "8", "1", "X", "Y"), RV_OK);
    RV_CHECK_TEXT(line(7, 2, LABEL), "X");
    RV_CHECK_TEXT(line(8, 1, LABEL), "Y");
    RV_CHECK_TEXT(line(7, 1, LABEL), "new");
}

RV_TEST(foreign_keys_are_counted) {
    order_lines();
    RV_CHECK_STATUS(FOLD("packed", "p", "7", "2"), RV_OK);
    RV_CHECK_STATUS(FOLD("packed", "q", "7", NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("packed", "r", "2", "7"), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"line\",\"key\":\"(2, 7)\",\"column\":\"order_id, line_no\"");
    RV_CHECK(strstr(err.detail, "(order_id, line_no) of `parcel` would refer to a row of `line` "
                                "with key (2, 7)") != NULL);
    RV_CHECK_STATUS(FOLD("line_dropped", "7", "2"), RV_ROW_REFERENCED);
    CHECK_FACTS("\"aggregate\":\"line\",\"key\":\"(7, 2)\",\"field\":\"order_id\",\"references\":1,"
                "\"referring_aggregate\":\"parcel\",\"referring_columns\":\"order_id, line_no\","
                "\"referring_key\":\"p\"");
    RV_CHECK_STATUS(FOLD("order_dropped", "7"), RV_ROW_REFERENCED);
    /* neither (8, 2) nor any other row that nobody means is asked for in between */
    RV_CHECK_STATUS(FOLD("repacked", "p", "8", "1"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_dropped", "7", "2"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_dropped", "8", "1"), RV_ROW_REFERENCED);
    RV_CHECK_STATUS(FOLD("repacked", "p", NULL, "1"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_dropped", "8", "1"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_dropped", "8", "1"), RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(FOLD("order_dropped", "8"), RV_OK);
    RV_CHECK_STATUS(FOLD("repacked", "p", "7", "1"), RV_OK);
    RV_CHECK_STATUS(FOLD("unpacked", "p"), RV_OK);
    RV_CHECK_STATUS(FOLD("line_dropped", "7", "1"), RV_OK);
    RV_CHECK_STATUS(FOLD("order_dropped", "7"), RV_OK);
}

RV_TEST(a_row_may_refer_to_its_own_aggregate) {
    RV_CHECK(start());
    RV_CHECK_STATUS(FOLD("marked", "a", "2020-01-01", "a", "2020-01-01"), RV_OK);
    RV_CHECK_STATUS(FOLD("marked", "a", "2020-01-02", "a", "2020-01-01"), RV_OK);
    RV_CHECK_STATUS(FOLD("marked", "a", "2020-01-03", "b", "2020-01-01"), RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(FOLD("unmarked", "a", "2020-01-01"), RV_ROW_REFERENCED);
    RV_CHECK_STATUS(FOLD("unmarked", "a", "2020-01-02"), RV_OK);
    RV_CHECK_STATUS(FOLD("unmarked", "a", "2020-01-01"), RV_OK); /* its own does not count */
}

RV_TEST(applying_asks_nothing) {
    RV_CHECK(start());
    RV_CHECK_STATUS(APPLY("line_added", "7", "1", "nut", "5"), RV_OK);
    RV_CHECK_STATUS(APPLY("line_added", "7", "1", "bolt", "6"), RV_OK);
    RV_CHECK_TEXT(line(7, 1, SKU), "nut");
    RV_CHECK_STATUS(APPLY("line_added", NULL, "1", "bolt", "6"), RV_OK);
    RV_CHECK_STATUS(APPLY("moved", "7", "1", "2", "3"), RV_OK);
    RV_CHECK_TEXT(line(7, 1, COUNT), "2");
    RV_CHECK_STATUS(APPLY("packed", "p", "7", "2"), RV_OK);
    RV_CHECK_STATUS(APPLY("packed", "q", "7", "1"), RV_OK);
    RV_CHECK_STATUS(APPLY("line_dropped", "7", "1"), RV_OK);
    RV_CHECK_STATUS(APPLY("line_dropped", "7", "1"), RV_OK);
    RV_CHECK_TEXT(line(7, 1, COUNT), "-");
    RV_CHECK_STATUS(APPLY("repacked", "q", "7", "2"), RV_OK);
    RV_CHECK_EQ(rv_state_row_count(state, 1), 0);
    RV_CHECK_EQ(rv_state_row_count(state, 2), 2);
}

/* What PostgreSQL 15 does with a text that refers to a varchar(n): spaces count. */
RV_TEST(spaces_at_the_end_of_a_text_that_refers_count) {
    RV_CHECK(start());
    RV_CHECK_STATUS(FOLD("tagged", "abcde  "), RV_OK); /* stored as it fits */
    RV_CHECK_STATUS(FOLD("tagged", "abcde"), RV_ROW_EXISTS);
    RV_CHECK_STATUS(FOLD("tagged", "abcde "), RV_ROW_EXISTS);
    RV_CHECK_STATUS(FOLD("tagged", "ab"), RV_OK);
    RV_CHECK_STATUS(FOLD("counted", "abcde", "1"), RV_OK);
    RV_CHECK_STATUS(FOLD("counted", "abcde ", "1"), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"tag\",\"key\":\"abcde \",\"field\":\"name\"");
    RV_CHECK_STATUS(FOLD("counted", "ab ", "1"), RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(FOLD("used", "1", "abcde", NULL, NULL), RV_OK);
    RV_CHECK_STATUS(FOLD("used", "2", "abcde  ", NULL, NULL), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"tag\",\"key\":\"abcde  \",\"column\":\"tag\"");
    RV_CHECK_STATUS(FOLD("untagged", "abcde "), RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(FOLD("untagged", "abcde"), RV_ROW_REFERENCED);
    RV_CHECK_STATUS(APPLY("used", "3", "abcde  ", NULL, NULL), RV_OK); /* to nothing */
    RV_CHECK_STATUS(FOLD("paired", "abc ", "d"), RV_OK);
    RV_CHECK_STATUS(FOLD("used", "4", NULL, "abc", "d"), RV_OK);
    RV_CHECK_STATUS(FOLD("used", "5", NULL, "abc ", "d"), RV_UNKNOWN_REFERENCE);
    CHECK_FACTS("\"aggregate\":\"pair\",\"key\":\"(abc , d)\",\"column\":\"a, b\"");
    RV_CHECK_STATUS(FOLD("used", "6", NULL, "abc", "d   "), RV_UNKNOWN_REFERENCE);
}

int main(void) {
    if (!folding_schema(orders_schema)) {
        return 1;
    }
    RV_RUN(rows_are_found_by_all_columns_of_the_key);
    RV_RUN(fields_make_several_rows);
    RV_RUN(foreign_keys_are_counted);
    RV_RUN(a_row_may_refer_to_its_own_aggregate);
    RV_RUN(applying_asks_nothing);
    RV_RUN(spaces_at_the_end_of_a_text_that_refers_count);
    folding_end();
    return rv_test_done();
}
