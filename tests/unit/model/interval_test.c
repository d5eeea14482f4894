/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: intervals are read, written, ordered and calculated with as PostgreSQL 15 does. Method:
 * tables of what it answers (tests/oracle compares thousands more); order and canonical form
 * against a span counted in 128 bits; sums and justified intervals against that span; text of every
 * random interval reads back the same; texts cut at every length do no harm.
 */
#include "core/model/interval.h"
#include "tests/unit/test.h"

static uint8_t memory[256];

static rv_bytes written(rv_interval interval) {
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_interval_write(interval, &w);
    return rv_writer_bytes(&w);
}

static const struct {
    const char *text;
    const char *sql; /* NULL: no interval */
} cases[] = {
    {"1 year 2 mons -3 days 04:05:06.789", "1 year 2 mons -3 days +04:05:06.789"},
    {"@ 1 day ago", "-1 days"},
    {"1-2", "1 year 2 mons"},
    {"-1-2 +3 -4:5:6", "-1 years -2 mons +3 days -04:05:06"},
    {"1-", "1 year"},
    {"P1Y2M3DT4H5M6.7S", "1 year 2 mons 3 days 04:05:06.7"},
    {"P0001-02-03T04:05:06", "1 year 2 mons 3 days 04:05:06"},
    {"P00010203T040506", "1 year 2 mons 3 days 04:05:06"},
    {"P-1Y", "-1 years"},
    {"P", NULL},
    {"PT", "00:00:00"},
    {"1.5 years", "1 year 6 mons"},
    {"1.5 months", "1 mon 15 days"},
    {"1.5 weeks", "10 days 12:00:00"},
    {"1.05 days", "1 day 01:12:00"},
    {"1 century 2 decades 1 millennium", "1120 years"},
    {"1:2.5", "00:01:02.5"},
    {"1:", "01:00:00"},
    {"-00:00:01", "-00:00:01"},
    {"1 -02:03", "1 day -02:03:00"},
    {"1y2mon3d4h5m6s", "1 year 2 mons 3 days 04:05:06"},
    {"04:05:06 1.5 days", "1 day 04:05:06"},
    {"1.5 days 04:05:06", "1 day 16:05:06"},
    {"178956970 years 7 mons", "178956970 years 7 mons"},
    {"-178956970 years -8 mons -2147483648 days -2562047788:00:54.775807",
     "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775807"},
    {"-9223372036854775808 us", "-2562047788:00:54.775808"},
    {"0.0000015 s", "00:00:00.000001"},
    {"0", "00:00:00"},
    {"", NULL},
    {"1 day 1 day", NULL},
    {"1 quarter", NULL},
    {"infinity", NULL},
    {"-.5 days", NULL},
    {"1 d\xc3\xa4", NULL},
};

RV_TEST(intervals_are_read_and_written_as_postgresql_does) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_interval interval = {0, 0, 0};
        const char *why = "";
        const rv_bytes text = rv_bytes_of_string(cases[i].text);
        const rv_status status = rv_interval_parse(text, &interval, &why);
        if (cases[i].sql == NULL) {
            RV_CHECK_STATUS(status, RV_VALUE_INVALID);
            continue;
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_TEXT(written(interval), cases[i].sql);
        for (size_t len = 0; len < text.len; len++) { /* whatever it is, it ends */
            uint8_t cut[128];
            memcpy(cut + sizeof cut - len, text.ptr, len);
            const rv_bytes part = rv_bytes_of(cut + sizeof cut - len, len);
            RV_CHECK(rv_interval_parse(part, &interval, &why) != RV_MEMORY_EXHAUSTED);
        }
    }
}

RV_TEST(what_is_out_of_range_is_told_from_what_is_no_interval) {
    static const char *const far[] = {"178956970 years 8 mons",
                                      "2147483648 days",
                                      "9223372036854775808 us",
                                      "2562047788:00:54.775808",
                                      "1:60",
                                      "1:2:61",
                                      "P1E15Y",
                                      "-2147483648 days ago"};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        rv_interval interval;
        const char *why = "";
        RV_CHECK_STATUS(rv_interval_parse(rv_bytes_of_string(far[i]), &interval, &why),
                        RV_VALUE_OUT_OF_RANGE);
        RV_CHECK(strstr(why, "range") != NULL);
    }
}

static rv_interval random_interval(uint64_t *state) {
    const uint64_t dice = rv_test_random(state);
    rv_interval i = {(int32_t)rv_test_random(state), (int32_t)rv_test_random(state),
                     (int64_t)rv_test_random(state)};
    if (dice % 3 > 0) {
        i.months %= 100;
        i.days %= 100;
        i.us %= INT64_C(1000000000000);
    }
    if (dice % 3 == 2) {
        i.us -= i.us % INT64_C(3600000000);
    }
    return i;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef __int128 span;

static span span_of(rv_interval i) {
    return ((span)i.months * 30 + i.days) * INT64_C(86400000000) + i.us;
}

RV_TEST(order_and_canonical_form_are_those_of_the_span) {
    uint64_t state = 1;
    for (uint32_t round = 0; round < 200000; round++) {
        const rv_interval a = random_interval(&state);
        rv_interval b = random_interval(&state);
        if (round % 2 == 0) { /* equal, in other parts */
            b = a;
            b.months = a.months % 1000000 - 7;
            b.days = a.days % 1000000 + 210 - 3;
            b.us = a.us / 4 + INT64_C(259200000000);
        }
        uint8_t forms[2][16];
        rv_writer first = rv_writer_over(forms[0], 16);
        rv_writer second = rv_writer_over(forms[1], 16);
        rv_interval_write_canonical(a, &first);
        rv_interval_write_canonical(b, &second);
        const int order = span_of(a) > span_of(b) ? 1 : span_of(a) < span_of(b) ? -1 : 0;
        RV_CHECK_EQ(rv_interval_compare(a, b), order);
        RV_CHECK_EQ(memcmp(forms[0], forms[1], 16) == 0, order == 0);
    }
}

RV_TEST(justified_intervals_have_the_span_and_one_sign) {
    uint64_t state = 2;
    for (uint32_t round = 0; round < 100000; round++) {
        const rv_interval before = random_interval(&state);
        for (int how = RV_JUSTIFY_HOURS; how <= RV_JUSTIFY_INTERVAL; how++) {
            rv_interval i = before;
            if (!rv_interval_justified((rv_interval_justify)how, &i)) {
                RV_CHECK(rv_interval_compare(i, before) == 0);
                continue;
            }
            RV_CHECK(span_of(i) == span_of(before));
            if (how != RV_JUSTIFY_DAYS) {
                RV_CHECK(i.us < INT64_C(86400000000) && i.us > -INT64_C(86400000000));
                RV_CHECK(!(i.days > 0 && i.us < 0) && !(i.days < 0 && i.us > 0));
            }
            if (how != RV_JUSTIFY_HOURS) {
                RV_CHECK(i.days < 30 && i.days > -30);
                RV_CHECK(!(i.months > 0 && i.days < 0) && !(i.months < 0 && i.days > 0));
            }
        }
    }
}
#endif

RV_TEST(what_is_written_reads_back) {
    uint64_t state = 3;
    for (uint32_t round = 0; round < 100000; round++) {
        const rv_interval i = random_interval(&state);
        const rv_bytes text = written(i);
        rv_interval again;
        const char *why = "";
        RV_CHECK(text.len <= RV_INTERVAL_TEXT_MAX);
        RV_CHECK_STATUS(rv_interval_parse(text, &again, &why), RV_OK);
        uint8_t bytes[2][RV_INTERVAL_LEN];
        rv_interval_store(i, bytes[0]);
        rv_interval_store(again, bytes[1]);
        RV_CHECK(memcmp(bytes[0], bytes[1], RV_INTERVAL_LEN) == 0);
        const rv_interval loaded = rv_interval_load(rv_bytes_of(bytes[0], RV_INTERVAL_LEN));
        RV_CHECK(loaded.months == i.months && loaded.days == i.days && loaded.us == i.us);
    }
}

RV_TEST(products_and_quotients_cascade_as_in_postgresql) {
    static const struct {
        const char *text;
        double factor;
        const char *product; /* NULL: out of range */
        const char *quotient;
    } vectors[] = {
        {"1 mon", 0.5, "15 days", "2 mons"},
        {"1 year 2 mons 3 days 4:5:6", 1.5, "1 year 9 mons 4 days 18:07:39",
         "9 mons 12 days 02:43:24"},
        {"1 day", -0.3, "-07:12:00", "-3 days -08:00:00"},
        {"-1 mons 1 day 1:00", 0.1, "-3 days +02:30:00", "-10 mons +10 days 10:00:00"},
        {"2147483647 days", 2, NULL, "1073741823 days 12:00:00"},
        {"00:00:00.000001", 0.5, "00:00:00", "00:00:00.000002"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        rv_interval a;
        rv_interval result;
        const char *why = "";
        RV_CHECK_STATUS(rv_interval_parse(rv_bytes_of_string(vectors[i].text), &a, &why), RV_OK);
        const bool fits = rv_interval_multiply(a, vectors[i].factor, &result);
        RV_CHECK_EQ(fits, vectors[i].product != NULL);
        if (fits) {
            RV_CHECK_TEXT(written(result), vectors[i].product);
        }
        RV_CHECK(rv_interval_divide(a, vectors[i].factor, &result));
        RV_CHECK_TEXT(written(result), vectors[i].quotient);
    }
}

RV_TEST(sums_and_differences_stop_at_the_range) {
    const rv_interval most = {INT32_MAX, INT32_MAX, INT64_MAX};
    const rv_interval least = {INT32_MIN, INT32_MIN, INT64_MIN};
    const rv_interval units[] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    rv_interval result = {7, 7, 7};
    for (size_t i = 0; i < 3; i++) {
        RV_CHECK(!rv_interval_add(most, units[i], &result));
        RV_CHECK(!rv_interval_subtract(least, units[i], &result));
    }
    RV_CHECK(result.months == 7 && result.days == 7 && result.us == 7);
    RV_CHECK(rv_interval_add(most, least, &result));
    RV_CHECK(result.months == -1 && result.days == -1 && result.us == -1);
    const double nan = (double)(__builtin_nanf(""));
    RV_CHECK(!rv_interval_multiply(units[0], nan, &result));
    RV_CHECK(!rv_interval_multiply(units[2], 1e300, &result));
}

int main(void) {
    RV_RUN(intervals_are_read_and_written_as_postgresql_does);
    RV_RUN(what_is_out_of_range_is_told_from_what_is_no_interval);
#ifdef __SIZEOF_INT128__
    RV_RUN(order_and_canonical_form_are_those_of_the_span);
    RV_RUN(justified_intervals_have_the_span_and_one_sign);
#endif
    RV_RUN(what_is_written_reads_back);
    RV_RUN(products_and_quotients_cascade_as_in_postgresql);
    RV_RUN(sums_and_differences_stop_at_the_range);
    return rv_test_done();
}
