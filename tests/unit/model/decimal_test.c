/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: decimal numbers are PostgreSQL's numeric, digit for digit. Method: 2,500 operations with
 * what PostgreSQL 15 answered (tests/vectors/decimal.txt); random numbers of up to 400 digits
 * against a naive twin that calculates digit by digit; the packed form of each, cut at every
 * length, and random bytes, of which whatever is accepted must be the form of what it says; the
 * limits from both sides; every arena too small by one.
 */
#include "core/model/decimal.h"

#include "tests/unit/model/decimal_twin.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static uint8_t memory[1 << 16];
static char text[8192];
static uint8_t forms[2][RV_DECIMAL_PACKED_MAX];

static rv_arena arena(void) {
    return rv_arena_over(memory, sizeof memory);
}

static const char *show(const rv_decimal *d) {
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    rv_decimal_write(d, &w);
    text[w.len] = 0;
    return text;
}

static rv_status read(const char *from, rv_arena *scratch, rv_decimal *d) {
    return rv_decimal_parse(rv_bytes_of_string(from), RV_DECIMAL_ANY_SCALE, scratch, d);
}

/* --- what PostgreSQL answers --- */

static rv_status operate(const char *op, const rv_decimal *a, const rv_decimal *b,
                         rv_arena *scratch, rv_decimal *result) {
    if (strcmp(op, "+") == 0) {
        return rv_decimal_add(a, b, scratch, result);
    }
    if (strcmp(op, "-") == 0) {
        return rv_decimal_subtract(a, b, scratch, result);
    }
    if (strcmp(op, "*") == 0) {
        return rv_decimal_multiply(a, b, scratch, result);
    }
    if (strcmp(op, "/") == 0) {
        return rv_decimal_divide(a, b, scratch, result);
    }
    return strcmp(op, "%") == 0 ? rv_decimal_modulo(a, b, scratch, result)
                                : rv_decimal_divide_whole(a, b, scratch, result);
}

/* `a` to another number, by way of `op` and what stands in b's place. */
static rv_status change(const char *op, const rv_decimal *a, const char *b, rv_arena *scratch,
                        rv_decimal *result) {
    int first = 0;
    int second = 0;
    int64_t integer = 0;
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    (void)sscanf(b, "%d,%d", &first, &second);
    if (strcmp(op, "round") == 0 || strcmp(op, "trunc") == 0) {
        return rv_decimal_round(a, op[0] == 'r' ? RV_DECIMAL_HALF_AWAY : RV_DECIMAL_TRUNCATE, first,
                                scratch, result);
    }
    if (strcmp(op, "floor") == 0 || strcmp(op, "ceil") == 0) {
        return rv_decimal_round(a, op[0] == 'f' ? RV_DECIMAL_FLOOR : RV_DECIMAL_CEILING, 0, scratch,
                                result);
    }
    if (strcmp(op, "typed") == 0) {
        return rv_decimal_constrain(a, (uint32_t)first, second, scratch, result);
    }
    if (strcmp(op, "int") == 0) {
        const bool good = rv_decimal_to_int(a, 0, &integer);
        const rv_decimal whole = rv_decimal_of_int(integer, 0, room);
        *result = whole;
        result->pairs = rv_arena_copy(scratch, whole.pairs);
        return good ? RV_OK : RV_VALUE_OUT_OF_RANGE;
    }
    if (strcmp(op, "sign") == 0) {
        *result = rv_decimal_of_int(rv_decimal_sign(a), 0, room);
        result->pairs = rv_arena_copy(scratch, result->pairs);
        result->kind = a->kind == RV_DECIMAL_NAN ? RV_DECIMAL_NAN : RV_DECIMAL_FINITE;
        return RV_OK;
    }
    *result = *a;
    return strcmp(op, "text") == 0 ? RV_OK : RV_END;
}

static void check_vector(const char *op, const char *a_text, const char *b_text,
                         const char *expected) {
    rv_arena scratch = arena();
    rv_decimal a;
    rv_decimal b;
    rv_decimal result;
    const bool two = strlen(op) == 1 || strcmp(op, "div") == 0 || strcmp(op, "<=>") == 0;
    RV_CHECK_STATUS(read(a_text, &scratch, &a), RV_OK);
    rv_status status = two ? read(b_text, &scratch, &b) : RV_OK;
    RV_CHECK_STATUS(status, RV_OK);
    if (strcmp(op, "<=>") == 0) {
        const int order = rv_decimal_compare(&a, &b);
        RV_CHECK_EQ((order > 0) - (order < 0), atoi(expected));
        RV_CHECK_EQ(rv_decimal_compare(&b, &a), -order);
        return;
    }
    status =
        two ? operate(op, &a, &b, &scratch, &result) : change(op, &a, b_text, &scratch, &result);
    if (expected[0] == '!') {
        RV_CHECK(status != RV_OK && strcmp(rv_status_code(status), expected + 1) == 0);
        return;
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_TEXT(rv_bytes_of_string(show(&result)), expected);
}

RV_TEST(answers_are_postgresqls) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/decimal.txt", sizeof "tests/vectors/decimal.txt");
    FILE *const file = fopen(path, "r");
    RV_CHECK(file != NULL);
    static char line[4096];
    static char words[4][2048];
    int count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#') {
            continue;
        }
        RV_CHECK_EQ(
            sscanf(line, "%2047s %2047s %2047s %2047s", words[0], words[1], words[2], words[3]), 4);
        check_vector(words[0], words[1], words[2], words[3]);
        if (rv_test_failed) {
            fprintf(stderr, "  in: %.300s", line);
            return;
        }
        count++;
    }
    fclose(file);
    RV_CHECK_EQ(count, 2500);
}

/* --- text --- */

RV_TEST(text_is_taken_as_postgresql_takes_it) {
    static const char *const good[][2] = {{"1e400", NULL},       {".5", "0.5"},
                                          {"5.", "5"},           {" 1 ", "1"},
                                          {"+0012.50", "12.50"}, {"-0.00", "0.00"},
                                          {"1e 5", "100000"},    {"1E+2", "100"},
                                          {"0e-3", "0.000"},     {"1.500e2", "150.0"},
                                          {"1e-5", "0.00001"},   {"12e-1", "1.2"},
                                          {"inf", "Infinity"},   {"-INF", "-Infinity"},
                                          {"nan", "NaN"},        {"+Infinity", "Infinity"},
                                          {"\t-7\n", "-7"},      {"0000000000.1", "0.1"},
                                          {"100e-2", "1.00"},    {"0e400", "0"}};
    static const char *const bad[] = {"",      " ",    ".",     "e5",    "1e",      "1e+",
                                      "+",     "--1",  "1 2",   "1_000", "0x10",    "+nan",
                                      "1.2.3", "1e5x", "1e+-5", "1 e5",  "infinit", "Infinity x"};
    rv_decimal d;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        rv_arena scratch = arena();
        RV_CHECK_STATUS(read(good[i][0], &scratch, &d), RV_OK);
        if (good[i][1] != NULL) {
            RV_CHECK_TEXT(rv_bytes_of_string(show(&d)), good[i][1]);
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_arena scratch = arena();
        RV_CHECK_STATUS(read(bad[i], &scratch, &d), RV_VALUE_INVALID);
    }
}

RV_TEST(limits_hold_from_both_sides) {
    static const char *const over[] = {
        "1e4096",       "-1e4096",       "1e-2049",      "0e-2049",
        "1e1073741822", "1e-1073741822", "1e1073741823", "1e99999999999999999999"};
    rv_arena scratch = arena();
    rv_decimal large;
    rv_decimal small;
    rv_decimal d;
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
        RV_CHECK_STATUS(read(over[i], &scratch, &d), RV_VALUE_OUT_OF_RANGE);
    }
    RV_CHECK_STATUS(read("9e4095", &scratch, &large), RV_OK);
    RV_CHECK_STATUS(read("1e-2048", &scratch, &small), RV_OK);
    RV_CHECK_STATUS(rv_decimal_add(&large, &large, &scratch, &d), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(rv_decimal_multiply(&large, &large, &scratch, &d), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(rv_decimal_multiply(&small, &small, &scratch, &d), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(rv_decimal_divide(&large, &small, &scratch, &d), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(rv_decimal_divide_whole(&large, &small, &scratch, &d), RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(rv_decimal_round(&large, RV_DECIMAL_HALF_AWAY, -4095, &scratch, &d), RV_OK);
    RV_CHECK_STATUS(rv_decimal_round(&large, RV_DECIMAL_HALF_AWAY, -4096, &scratch, &d),
                    RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(rv_decimal_round(&small, RV_DECIMAL_TRUNCATE, 2049, &scratch, &d),
                    RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(rv_decimal_modulo(&large, &small, &scratch, &d), RV_OK);
    RV_CHECK(rv_decimal_is_zero(&d) && d.scale == 2048);
    RV_CHECK_STATUS(rv_decimal_subtract(&large, &small, &scratch, &d), RV_OK);
    RV_CHECK_EQ(strlen(show(&d)), 4096 + 1 + 2048);
    rv_arena_reset(&scratch, 0);
    RV_CHECK_STATUS(rv_decimal_parse(rv_bytes_of_string("-1e-99999"), 2, &scratch, &d), RV_OK);
    RV_CHECK_TEXT(rv_bytes_of_string(show(&d)), "0.00");
}

/* --- the packed form --- */

static bool same_number(const rv_decimal *a, const rv_decimal *b) {
    return a->kind == b->kind && a->minus == b->minus && a->scale == b->scale &&
           a->exponent == b->exponent && rv_bytes_equal(a->pairs, b->pairs);
}

/* There and back; cut at every length it is another number or none. */
static void check_packed(const rv_decimal *d) {
    uint8_t space[RV_DECIMAL_PACKED_MAX + 16];
    rv_arena room = rv_arena_over(space, sizeof space);
    const rv_bytes packed = rv_decimal_pack(d, &room);
    rv_decimal again;
    RV_CHECK(packed.ptr != NULL && packed.len <= RV_DECIMAL_PACKED_MAX);
    RV_CHECK(rv_decimal_unpack(packed, &again) && same_number(d, &again));
    for (size_t len = 0; len < packed.len; len++) {
        const bool taken = rv_decimal_unpack(rv_bytes_of(packed.ptr, len), &again);
        RV_CHECK(!taken || !same_number(d, &again));
    }
}

RV_TEST(bytes_are_a_number_or_refused) {
    static const struct {
        const char *text;
        uint8_t len;
        uint8_t bytes[8];
    } vectors[] = {{"0", 1, {0}},
                   {"0.00", 1, {8}},
                   {"1", 3, {0, 2, 1}},
                   {"-1", 3, {1, 2, 1}},
                   {"1234.5", 5, {4, 4, 12, 34, 50}},
                   {"0.007", 3, {12, 1, 70}},
                   {"1e100", 4, {0, 102, 1}},
                   {"NaN", 1, {2}},
                   {"Infinity", 1, {6}},
                   {"-Infinity", 1, {10}}};
    static const struct {
        uint8_t len;
        uint8_t bytes[8];
    } refused[] = {{0, {0}},
                   {1, {1}},
                   {1, {3}},
                   {1, {14}},
                   {2, {2, 0}},
                   {2, {0x80, 0}},
                   {2, {0, 2}},
                   {3, {0, 2, 0}},
                   {4, {0, 4, 1, 0}},
                   {3, {0, 2, 100}},
                   {3, {0, 1, 1}},
                   {3, {4, 0, 11}},
                   {4, {0, 2, 1, 10}},
                   {5, {0, 0x82, 0x40, 1}},
                   {4, {0, 0x80, 0, 1}}};
    uint64_t seed = 4;
    rv_decimal d;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        rv_arena scratch = arena();
        RV_CHECK_STATUS(read(vectors[i].text, &scratch, &d), RV_OK);
        const rv_bytes packed = rv_decimal_pack(&d, &scratch);
        const size_t len = packed.len;
        RV_CHECK(len <= vectors[i].len && memcmp(packed.ptr, vectors[i].bytes, len) == 0);
        check_packed(&d);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        RV_CHECK(!rv_decimal_unpack(rv_bytes_of(refused[i].bytes, refused[i].len), &d));
    }
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[8];
        const size_t len = rv_test_random(&seed) % sizeof bytes;
        for (size_t k = 0; k < len; k++) {
            bytes[k] = (uint8_t)(rv_test_random(&seed) % (k == 0 ? 40 : 102));
        }
        if (rv_decimal_unpack(rv_bytes_of(bytes, len), &d)) {
            rv_arena scratch = arena();
            RV_CHECK(rv_bytes_equal(rv_decimal_pack(&d, &scratch), rv_bytes_of(bytes, len)));
            rv_decimal settled = d;
            RV_CHECK(d.kind != RV_DECIMAL_FINITE ||
                     (rv_decimal_settle(&settled) == RV_OK && same_number(&d, &settled)));
            rv_decimal again;
            RV_CHECK_STATUS(read(show(&d), &scratch, &again), RV_OK);
            RV_CHECK(same_number(&d, &again));
        }
    }
}

/* --- the naive twin --- */

/* Runs of nines and zeros, where carries and estimates go far, among random digits. */
static void random_number(uint64_t *seed, char *out) {
    static const int sizes[] = {1, 2, 4, 9, 20, 60, 200};
    const int whole = 1 + (int)(rv_test_random(seed) % (uint64_t)sizes[rv_test_random(seed) % 7]);
    const int part = (int)(rv_test_random(seed) % (uint64_t)sizes[rv_test_random(seed) % 7]);
    uint64_t run = 0;
    char digit = '0';
    *out = '-';
    out += rv_test_random(seed) % 2;
    for (int i = 0; i < whole + part; i++) {
        if (run == 0) {
            const uint64_t how = rv_test_random(seed) % 8;
            run = how < 2 ? rv_test_random(seed) % 30 : 1;
            digit = how == 0 ? '9' : how == 1 ? '0' : (char)('0' + rv_test_random(seed) % 10);
        }
        run -= run > 0;
        *out++ = '.';
        out -= i != whole;
        *out++ = digit;
    }
    *out = 0;
}

static void check_twin(const rv_decimal *d, const twin *t) {
    char expected[2 * TWIN_DIGITS];
    twin_print(t, expected);
    RV_CHECK_TEXT(rv_bytes_of_string(show(d)), expected);
    check_packed(d);
}

static void check_pair(const char *a_text, const char *b_text, uint64_t *seed) {
    rv_arena scratch = arena();
    rv_decimal a;
    rv_decimal b;
    rv_decimal d;
    static twin x;
    static twin y;
    static twin z;
    static twin rest;
    RV_CHECK(read(a_text, &scratch, &a) == RV_OK && read(b_text, &scratch, &b) == RV_OK);
    twin_read(&x, a_text);
    twin_read(&y, b_text);
    check_twin(&a, &x);
    twin_add(&x, &y, &z);
    RV_CHECK_STATUS(rv_decimal_add(&a, &b, &scratch, &d), RV_OK);
    check_twin(&d, &z);
    twin_multiply(&x, &y, &z);
    RV_CHECK_STATUS(rv_decimal_multiply(&a, &b, &scratch, &d), RV_OK);
    check_twin(&d, &z);
    const int scale = (int)(rv_test_random(seed) % 40);
    z = x;
    twin_round(&z, scale, scale % 2 == 0);
    RV_CHECK_STATUS(rv_decimal_round(&a,
                                     scale % 2 == 0 ? RV_DECIMAL_TRUNCATE : RV_DECIMAL_HALF_AWAY,
                                     scale, &scratch, &d),
                    RV_OK);
    check_twin(&d, &z);
    if (y.count == 0) {
        RV_CHECK_STATUS(rv_decimal_divide(&a, &b, &scratch, &d), RV_DIVISION_BY_ZERO);
        RV_CHECK_STATUS(rv_decimal_modulo(&a, &b, &scratch, &d), RV_DIVISION_BY_ZERO);
        return;
    }
    const int quotient_scale = twin_quotient_scale(&x, &y);
    twin_divide(&x, &y, quotient_scale + 1, &z, &rest);
    twin_round(&z, quotient_scale, false);
    RV_CHECK_STATUS(rv_decimal_divide(&a, &b, &scratch, &d), RV_OK);
    check_twin(&d, &z);
    twin_divide(&x, &y, 0, &z, &rest);
    RV_CHECK_STATUS(rv_decimal_divide_whole(&a, &b, &scratch, &d), RV_OK);
    check_twin(&d, &z);
    RV_CHECK_STATUS(rv_decimal_modulo(&a, &b, &scratch, &d), RV_OK);
    check_twin(&d, &rest);
}

RV_TEST(arithmetic_is_the_twins) {
    char a[1024];
    char b[1024];
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t seed = i;
        random_number(&seed, a);
        random_number(&seed, b);
        check_pair(a, i % 50 == 0 ? a : b, &seed);
        if (rv_test_failed) {
            fprintf(stderr, "  seed %" PRIu64 ": %s and %s\n", i, a, b);
            return;
        }
    }
}

/* The order is the sign of the difference; equal numbers, and only they, have one canonical form.
 */
RV_TEST(order_and_canonical_form_agree) {
    char a_text[1024];
    char b_text[1024];
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t seed = i + 100000;
        rv_arena scratch = arena();
        rv_decimal numbers[2];
        rv_decimal difference;
        random_number(&seed, a_text);
        random_number(&seed, b_text);
        if (i % 3 == 0) {
            memcpy(b_text, a_text, sizeof b_text);
            strcat(b_text, strchr(a_text, '.') != NULL ? "00" : ".0");
        }
        RV_CHECK_STATUS(read(a_text, &scratch, &numbers[0]), RV_OK);
        RV_CHECK_STATUS(read(b_text, &scratch, &numbers[1]), RV_OK);
        RV_CHECK_STATUS(rv_decimal_subtract(&numbers[0], &numbers[1], &scratch, &difference),
                        RV_OK);
        const int order = rv_decimal_compare(&numbers[0], &numbers[1]);
        RV_CHECK_EQ((order > 0) - (order < 0), rv_decimal_sign(&difference));
        rv_writer w[2];
        for (int k = 0; k < 2; k++) {
            w[k] = rv_writer_over(forms[k], sizeof forms[k]);
            rv_decimal_write_canonical(&numbers[k], &w[k]);
        }
        RV_CHECK(rv_bytes_equal(rv_writer_bytes(&w[0]), rv_writer_bytes(&w[1])) == (order == 0));
    }
}

RV_TEST(integers_go_there_and_back) {
    uint64_t seed = 9;
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = rv_test_random(&seed);
        int64_t value = (int64_t)(bits >> (rv_test_random(&seed) % 64));
        value = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : i % 2 == 0 ? -value : value;
        const uint32_t scale = (uint32_t)(rv_test_random(&seed) % 19);
        const rv_decimal d = rv_decimal_of_int(value, scale, room);
        int64_t again = 0;
        RV_CHECK(rv_decimal_to_int(&d, scale, &again) && again == value);
        check_packed(&d);
        RV_CHECK_PASSED();
    }
    rv_arena scratch = arena();
    rv_decimal d;
    int64_t v = 7;
    RV_CHECK_STATUS(read("9223372036854775807.4", &scratch, &d), RV_OK);
    RV_CHECK(rv_decimal_to_int(&d, 0, &v) && v == INT64_MAX && !rv_decimal_to_int(&d, 1, &v));
    RV_CHECK_STATUS(read("9223372036854775807.5", &scratch, &d), RV_OK);
    RV_CHECK(!rv_decimal_to_int(&d, 0, &v));
    RV_CHECK_STATUS(read("-9223372036854775808.4", &scratch, &d), RV_OK);
    RV_CHECK(rv_decimal_to_int(&d, 0, &v) && v == INT64_MIN);
    RV_CHECK_STATUS(read("-9223372036854775808.5", &scratch, &d), RV_OK);
    RV_CHECK(!rv_decimal_to_int(&d, 0, &v));
}

/* With less memory than is needed there is an error, and nothing else. */
RV_TEST(too_little_memory_is_an_error) {
    rv_arena numbers = arena();
    rv_decimal a;
    rv_decimal b;
    RV_CHECK_STATUS(read("123456789012345678901234567890.5", &numbers, &a), RV_OK);
    RV_CHECK_STATUS(read("-98765432109876543210.25", &numbers, &b), RV_OK);
    static const char *const ops[] = {"+", "-", "*", "/", "%", "div", "round"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        size_t enough = 0;
        for (size_t cap = 0; enough == 0; cap += 4) {
            static uint8_t small[1024];
            RV_CHECK(cap < sizeof small);
            rv_arena scratch = rv_arena_over(small, cap);
            rv_decimal d = {.scale = 77};
            const rv_status status = i == 6 ? change("round", &a, "0", &scratch, &d)
                                            : operate(ops[i], &a, &b, &scratch, &d);
            RV_CHECK(status == RV_OK || (status == RV_MEMORY_EXHAUSTED && d.scale == 77));
            enough = status == RV_OK ? cap : 0;
        }
        RV_CHECK(enough > 0);
    }
}

int main(void) {
    RV_RUN(answers_are_postgresqls);
    RV_RUN(text_is_taken_as_postgresql_takes_it);
    RV_RUN(limits_hold_from_both_sides);
    RV_RUN(bytes_are_a_number_or_refused);
    RV_RUN(arithmetic_is_the_twins);
    RV_RUN(order_and_canonical_form_agree);
    RV_RUN(integers_go_there_and_back);
    RV_RUN(too_little_memory_is_an_error);
    return rv_test_done();
}
