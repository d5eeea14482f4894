/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: dates and times are read, kept and written as PostgreSQL 15 does with TimeZone UTC and
 * DateStyle ISO. Method: a table of texts with what a PostgreSQL 15 server printed for them (SQL
 * text and to_json); the calendar against a count day by day; every value printed reads back as
 * itself.
 */
#include "core/model/value.h"
#include "core/model/value_time.h"
#include "tests/unit/test.h"

typedef struct reading {
    rv_type_kind kind;
    const char *text;
    const char *sql;  /* NULL: refused with `status` */
    const char *json; /* NULL: as sql, in quotes */
    rv_status status;
} reading;

#define OK(kind, text, sql)                                                                        \
    { RV_TYPE_##kind, text, sql, NULL, RV_OK }
#define OKJ(kind, text, sql, json)                                                                 \
    { RV_TYPE_##kind, text, sql, json, RV_OK }
#define BAD(kind, text)                                                                            \
    { RV_TYPE_##kind, text, NULL, NULL, RV_VALUE_INVALID }
#define OUT_OF_RANGE(kind, text)                                                                   \
    { RV_TYPE_##kind, text, NULL, NULL, RV_VALUE_OUT_OF_RANGE }

static const reading readings[] = {
    OK(DATE, "099-01-08", "0099-01-08"),
    OK(DATE, "2026-1-5", "2026-01-05"),
    OK(DATE, "20260101", "2026-01-01"),
    OK(DATE, " 2026-01-01  ", "2026-01-01"),
    OK(DATE, "0044-03-15 BC", "0044-03-15 BC"),
    OK(DATE, "4714-11-24 BC", "4714-11-24 BC"),
    OK(DATE, "5874897-12-31", "5874897-12-31"),
    OK(DATE, "12345-1-1", "12345-01-01"),
    OK(DATE, "02026-01-01", "2026-01-01"),
    OK(DATE, "2024-02-29", "2024-02-29"),
    OK(DATE, "2000-02-29", "2000-02-29"),
    OK(DATE, "2026-01-01T10:11:12-08:00", "2026-01-01"),
    OK(DATE, "INFINITY", "infinity"),
    OK(DATE, "-infinity", "-infinity"),
    OK(DATE, "epoch", "1970-01-01"),
    OK(TIME, "10:00", "10:00:00"),
    OK(TIME, "1000", "10:00:00"),
    OK(TIME, "T10:00", "10:00:00"),
    OK(TIME, "T1000", "10:00:00"),
    OK(TIME, "10:00:00+02", "10:00:00"),
    OK(TIME, "24:00:00", "24:00:00"),
    OK(TIME, "23:59:60", "24:00:00"),
    OK(TIME, "2026-01-01 10:00", "10:00:00"),
    OK(TIME, "04:05:06.789", "04:05:06.789"),
    OK(TIME, "040506.789", "04:05:06.789"),
    OKJ(TIMESTAMP, "20260101T101112", "2026-01-01 10:11:12", "\"2026-01-01T10:11:12\""),
    OKJ(TIMESTAMP, "20260101 1011", "2026-01-01 10:11:00", "\"2026-01-01T10:11:00\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:60", "2026-01-01 10:12:00", "\"2026-01-01T10:12:00\""),
    OKJ(TIMESTAMP, "2026-01-01 24:00:00", "2026-01-02 00:00:00", "\"2026-01-02T00:00:00\""),
    OKJ(TIMESTAMP, "2026-01-01 1:2:3", "2026-01-01 01:02:03", "\"2026-01-01T01:02:03\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:12.1234565", "2026-01-01 10:11:12.123456",
        "\"2026-01-01T10:11:12.123456\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:12.0000005", "2026-01-01 10:11:12", "\"2026-01-01T10:11:12\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:12.0000015", "2026-01-01 10:11:12.000002",
        "\"2026-01-01T10:11:12.000002\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:12.9999995", "2026-01-01 10:11:13", "\"2026-01-01T10:11:13\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:12.123456789012345678", "2026-01-01 10:11:12.123457",
        "\"2026-01-01T10:11:12.123457\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:12.", "2026-01-01 10:11:12", "\"2026-01-01T10:11:12\""),
    OKJ(TIMESTAMP, "2026-01-01T10:11:12Z", "2026-01-01 10:11:12", "\"2026-01-01T10:11:12\""),
    OKJ(TIMESTAMP, "294276-12-31 23:59:59.999999", "294276-12-31 23:59:59.999999",
        "\"294276-12-31T23:59:59.999999\""),
    OKJ(TIMESTAMP, "epoch", "1970-01-01 00:00:00", "\"1970-01-01T00:00:00\""),
    OKJ(TIMESTAMP, "1969-12-31 23:59:59.5", "1969-12-31 23:59:59.5", "\"1969-12-31T23:59:59.5\""),
    OKJ(TIMESTAMPTZ, "2026-01-01", "2026-01-01 00:00:00+00", "\"2026-01-01T00:00:00+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01 10:11:12.5+5", "2026-01-01 05:11:12.5+00",
        "\"2026-01-01T05:11:12.5+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01 10:11:12.5+530", "2026-01-01 04:41:12.5+00",
        "\"2026-01-01T04:41:12.5+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01 10:11:12.5 +05:30:15", "2026-01-01 04:40:57.5+00",
        "\"2026-01-01T04:40:57.5+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01T10:11:12Z", "2026-01-01 10:11:12+00",
        "\"2026-01-01T10:11:12+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01 10:11:12 utc", "2026-01-01 10:11:12+00",
        "\"2026-01-01T10:11:12+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01 10:11:12-00", "2026-01-01 10:11:12+00",
        "\"2026-01-01T10:11:12+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01+02", "2025-12-31 22:00:00+00", "\"2025-12-31T22:00:00+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01Z", "2026-01-01 00:00:00+00", "\"2026-01-01T00:00:00+00:00\""),
    OKJ(TIMESTAMPTZ, "2026-01-01 BC 10:00", "2026-01-01 10:00:00+00 BC",
        "\"2026-01-01T10:00:00+00:00 BC\""),
    OKJ(TIMESTAMPTZ, "0044-03-15 10:00 BC", "0044-03-15 10:00:00+00 BC",
        "\"0044-03-15T10:00:00+00:00 BC\""),
    OK(TIMESTAMPTZ, "infinity", "infinity"),
    OK(TIMESTAMPTZ, "-infinity", "-infinity"),
    OUT_OF_RANGE(DATE, "0000-01-01"),
    OUT_OF_RANGE(DATE, "4714-11-23 BC"),
    OUT_OF_RANGE(DATE, "5874898-01-01"),
    OUT_OF_RANGE(DATE, "2026-02-29"),
    OUT_OF_RANGE(DATE, "1900-02-29"),
    OUT_OF_RANGE(DATE, "2026-13-01"),
    OUT_OF_RANGE(DATE, "2026-00-01"),
    OUT_OF_RANGE(DATE, "2026-01-00"),
    OUT_OF_RANGE(DATE, "99999999999999999999-01-01"),
    OUT_OF_RANGE(TIMESTAMP, "294277-01-01"),
    OUT_OF_RANGE(TIMESTAMP, "4714-11-23 23:59:59 BC"),
    OUT_OF_RANGE(TIMESTAMP, "5874897-12-31"),
    OUT_OF_RANGE(TIMESTAMP, "2026-01-01 24:00:01"),
    OUT_OF_RANGE(TIMESTAMP, "2026-01-01 25:00:00"),
    OUT_OF_RANGE(TIMESTAMP, "2026-01-01 10:60:00"),
    OUT_OF_RANGE(TIMESTAMP, "2026-01-01 10:00:61"),
    OUT_OF_RANGE(TIMESTAMPTZ, "2026-01-01 10:11:12+16"),
    OUT_OF_RANGE(TIMESTAMPTZ, "294276-12-31 23:59:59.999999-01"),
    OUT_OF_RANGE(TIME, "24:00:00.000001"),
    BAD(DATE, ""),
    BAD(DATE, " "),
    BAD(DATE, "x"),
    BAD(DATE, "inf"),
    BAD(DATE, "+infinity"),
    BAD(DATE, "2026-01"),
    BAD(DATE, "2026-01-"),
    BAD(DATE, "2026-01-01x"),
    OK(DATE, "01/02/2003", "2003-01-02"),
    OK(DATE, "Jan 5, 2020", "2020-01-05"),
    OK(DATE, "5-jan-2020 BC", "2020-01-05 BC"),
    OK(DATE, "J2451187", "1999-01-08"),
    OK(DATE, "2020-366", "2020-12-31"),
    OK(DATE, "y2020m2d29", "2020-02-29"),
    OK(DATE, "1/5/69", "2069-01-05"),
    OK(DATE, "1/5/70", "1970-01-05"),
    OK(TIME, "12:30 am", "00:30:00"),
    OK(TIME, "12:30:15.5 PM", "12:30:15.5"),
    OKJ(TIMESTAMP, "20200105 251199", "2020-01-06 01:12:39", "\"2020-01-06T01:12:39\""),
    OKJ(TIMESTAMP, "2026-01-01 10:11:", "2026-01-01 10:11:00", "\"2026-01-01T10:11:00\""),
    OUT_OF_RANGE(TIME, "13:00 am"),
    OUT_OF_RANGE(DATE, "13/1/2020"),
    BAD(DATE, "10:00"),
    BAD(TIME, "2026-01-01"),
    BAD(TIME, "infinity"),
    BAD(TIMESTAMP, "2026-01-01T10"),
    BAD(TIMESTAMP, "2026-01-01 10"),
    BAD(TIMESTAMP, "2026-01-01 10:11:12,5"),
    BAD(TIMESTAMP, "2026-01-01 10:11:12 10:11"),
    BAD(TIMESTAMPTZ, "2026-01-01 10:11:12 Europe/Berlin"),
    BAD(TIMESTAMPTZ, "2026-01-01 10:11:12 CET"),
    BAD(TIMESTAMPTZ, "2026-01-01 10:11:12+"),
    OKJ(TIMESTAMPTZ, "2026-01-01 10:11:12+1:", "2026-01-01 09:11:12+00",
        "\"2026-01-01T09:11:12+00:00\""),
    BAD(TIMESTAMPTZ, "2026-01-01 10:11:12Z+01"),
    BAD(TIMESTAMPTZ, "now"),
    BAD(TIMESTAMPTZ, "2026-01-01-08"),
    OKJ(TIMESTAMPTZ, "2026-01-01 -08", "2026-01-01 08:00:00+00", "\"2026-01-01T08:00:00+00:00\""),
};

RV_TEST(texts_are_read_and_written_as_postgresql_does) {
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        const reading *r = &readings[i];
        const rv_type type = {.kind = r->kind};
        rv_value value = rv_value_null();
        rv_error err;
        const rv_status status = rv_value_from_text(&type, rv_bytes_of_string(r->text),
                                                    RV_LITERAL("at"), NULL, &value, &err);
        if (status != r->status) {
            fprintf(stderr, "`%s`\n", r->text);
        }
        RV_CHECK_STATUS(status, r->status);
        if (status != RV_OK) {
            RV_CHECK(rv_value_is_null(&value));
            continue;
        }
        uint8_t text[128];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_value_to_text(&type, &value, &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), r->sql);
        rv_value again = rv_value_null();
        RV_CHECK_STATUS(
            rv_value_from_text(&type, rv_writer_bytes(&w), RV_LITERAL("at"), NULL, &again, &err),
            RV_OK);
        RV_CHECK_EQ(again.as.integer, value.as.integer);
        w = rv_writer_over(text, sizeof text);
        rv_value_to_json(&type, &value, &w);
        if (r->json != NULL) {
            RV_CHECK_TEXT(rv_writer_bytes(&w), r->json);
        } else {
            RV_CHECK_TEXT(rv_bytes_of(text + 1, w.len - 2), r->sql);
        }
    }
}

RV_TEST(the_calendar_counts_every_day) {
    static const uint32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = rv_time_days(-4713, 11, 24);
    RV_CHECK_EQ(days, RV_DATE_MIN);
    RV_CHECK_EQ(rv_time_days(2000, 1, 1), 0);
    RV_CHECK_EQ(rv_time_days(5874897, 12, 31), RV_DATE_MAX);
    RV_CHECK_EQ(rv_time_days(1970, 1, 1) * RV_DAY_US, -RV_EPOCH_DIFFERENCE_US);
    days = rv_time_days(-4712, 1, 1);
    for (int64_t year = -4712; year <= 3000; year++) {
        const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (uint32_t month = 1; month <= 12; month++) {
            const uint32_t length = lengths[month - 1] + (leap && month == 2);
            for (uint32_t day = 1; day <= length; day++) {
                RV_CHECK_EQ(rv_time_days(year, month, day), days);
                days++;
            }
        }
    }
}

RV_TEST(what_is_written_reads_back) {
    static const rv_type_kind kinds[] = {RV_TYPE_DATE, RV_TYPE_TIME, RV_TYPE_TIMESTAMP,
                                         RV_TYPE_TIMESTAMPTZ};
    uint64_t seed = 7;
    for (size_t i = 0; i < 200000; i++) {
        const rv_type type = {.kind = kinds[i % 4]};
        const unsigned shift = (unsigned)(rv_test_random(&seed) % 64);
        const int64_t number = (int64_t)rv_test_random(&seed) >> shift;
        if (!rv_time_in_range(type.kind, number)) {
            continue;
        }
        uint8_t text[64];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_time_write(type.kind, number, i % 8 < 4, &w);
        int64_t again = 0;
        const char *why = NULL;
        RV_CHECK_STATUS(rv_time_parse(type.kind, rv_writer_bytes(&w), &again, &why), RV_OK);
        RV_CHECK_EQ(again, number);
    }
}

RV_TEST(unknown_zones_are_told_what_is_known) {
    const rv_type type = {.kind = RV_TYPE_TIMESTAMPTZ};
    rv_value value;
    rv_error err;
    RV_CHECK_STATUS(rv_value_from_text(&type, RV_LITERAL("2026-01-01 10:00 Europe/Paris"),
                                       RV_LITERAL("at"), NULL, &value, &err),
                    RV_VALUE_INVALID);
    RV_CHECK(strstr(err.detail, "numeric offsets") != NULL);
    RV_CHECK(strstr(err.facts, "\"field\":\"at\",\"value_type\":\"timestamptz\"") != NULL);
}

int main(void) {
    RV_RUN(texts_are_read_and_written_as_postgresql_does);
    RV_RUN(the_calendar_counts_every_day);
    RV_RUN(what_is_written_reads_back);
    RV_RUN(unknown_zones_are_told_what_is_known);
    return rv_test_done();
}
