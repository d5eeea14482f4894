/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the text of a date or time is split as PostgreSQL splits it. Method: texts with their
 * fields, each as the letter of its kind, its sign and its text; what is refused; every prefix of
 * them all. (That the fields are then read as PostgreSQL reads them is compared with a server:
 * tests/oracle.)
 */
#include "core/model/time_fields.h"
#include "tests/unit/test.h"

static const struct {
    const char *text;
    const char *fields; /* NULL: refused */
} splits[] = {
    {"", ""},
    {" \t\n", ""},
    {"2020-01-05", "D2020-01-05"},
    {"2020-01-05 10:00:00.5+02", "D2020-01-05 C10:00:00.5 Z+02"},
    {"2020-01-05T10:00:00Z", "D2020-01-05 WT C10:00:00 WZ"},
    {"20200105T101112", "N20200105 WT N101112"},
    {"Mon, 5 Jan 2020 BC", "WMon N5 WJan N2020 WBC"},
    {"5-Jan-2020", "D5-Jan-2020"},
    {"Jan-5-2020", "DJan-5-2020"},
    {"2020/1/5", "D2020/1/5"},
    {"2020/1-5", "D2020/1 Z-5"},
    {"1.5.2020", "D1.5.2020"},
    {"2020.005", "N2020.005"},
    {".5", "N.5"},
    {"101112.5", "N101112.5"},
    {"- 8", "Z-8"},
    {"+05:30", "Z+05:30"},
    {"-infinity", "S-infinity"},
    {"America/New_York", "DAmerica/New_York"},
    {"EST5EDT", "DEST5EDT"},
    {"utc+2", "Dutc+2"},
    {"y2020m1d5", "Wy N2020 Wm N1 Wd N5"},
    {"J2451187", "WJ N2451187"},
    {"(2020-01-05),10:00", "D2020-01-05 C10:00"},
    {"2020-", "D2020-"},
    {"+", NULL},
    {"- ", NULL},
    {"10:00 \xc3\xa4", NULL},
    {"2020\x01", NULL},
    {"1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5",
     "N1 N2 N3 N4 N5 N6 N7 N8 N9 N0 N1 N2 N3 N4 N5 N6 N7 N8 N9 N0 N1 N2 N3 N4 N5"},
    {"1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6", NULL},
};

static void write_fields(const rv_time_fields *fields, rv_writer *w) {
    for (size_t i = 0; i < fields->count; i++) {
        const rv_time_field *const field = &fields->list[i];
        const bool sign = field->kind >= RV_TIME_FIELD_ZONE;
        rv_write_text(w, i > 0 ? " " : "");
        rv_write_u8(w, (uint8_t) "NCDWZS"[field->kind]);
        rv_write_text(w, !sign ? "" : field->minus ? "-" : "+");
        rv_write(w, field->text);
    }
}

RV_TEST(texts_are_split_as_postgresql_splits_them) {
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        rv_time_fields fields;
        const bool split = rv_time_split(rv_bytes_of_string(splits[i].text), 129, &fields);
        RV_CHECK_EQ(split, splits[i].fields != NULL);
        if (split) {
            uint8_t text[256];
            rv_writer w = rv_writer_over(text, sizeof text);
            write_fields(&fields, &w);
            RV_CHECK_TEXT(rv_writer_bytes(&w), splits[i].fields);
        }
    }
}

RV_TEST(every_prefix_is_split_or_refused) {
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        for (size_t len = 0; len <= strlen(splits[i].text); len++) {
            rv_time_fields fields;
            if (rv_time_split(rv_bytes_of((const uint8_t *)splits[i].text, len), 129, &fields)) {
                RV_CHECK(fields.count <= RV_TIME_FIELDS_MAX);
            }
        }
    }
}

RV_TEST(what_postgresql_has_no_room_for_is_refused) {
    rv_time_fields fields;
    RV_CHECK(rv_time_split(RV_LITERAL("12345678 +2"), 12, &fields));
    RV_CHECK(!rv_time_split(RV_LITERAL("12345678 +2"), 11, &fields));
    RV_CHECK(!rv_time_split(RV_LITERAL("12345678 +23"), 12, &fields));
}

RV_TEST(words_are_known_in_any_case) {
    RV_CHECK_EQ(rv_time_word_of(RV_LITERAL("sEpT")).value, 9);
    RV_CHECK_EQ(rv_time_word_of(RV_LITERAL("sEpT")).kind, RV_TIME_WORD_MONTH);
    RV_CHECK_EQ(rv_time_word_of(RV_LITERAL("Z")).kind, RV_TIME_WORD_UTC);
    RV_CHECK_EQ(rv_time_word_of(RV_LITERAL("janu")).kind, RV_TIME_WORD_NONE);
    RV_CHECK_EQ(rv_time_word_of(RV_LITERAL("ja")).kind, RV_TIME_WORD_NONE);
    RV_CHECK_EQ(rv_time_word_of(RV_LITERAL("")).kind, RV_TIME_WORD_NONE);
}

int main(void) {
    RV_RUN(texts_are_split_as_postgresql_splits_them);
    RV_RUN(every_prefix_is_split_or_refused);
    RV_RUN(what_postgresql_has_no_room_for_is_refused);
    RV_RUN(words_are_known_in_any_case);
    return rv_test_done();
}
