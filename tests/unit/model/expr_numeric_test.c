/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: arithmetic with numerics is PostgreSQL's: values, display scales, types, errors; it is
 * bounded; and whether it is done in 64 bits or on decimals makes no difference. Method: 800
 * generated expressions with what PostgreSQL 15 answered (tests/vectors/numeric-expressions.txt);
 * each with its columns as scaled numerics and as wide ones of equal digits; what costs too many
 * steps; every scratch that is too small.
 */
#include "core/model/expr.h"
#include "core/model/expr_numeric.h"
#include "core/model/type.h"
#include "core/model/value_numeric.h"
#include "tests/unit/test.h"

#define COLUMNS_MAX 16u

static uint8_t row_memory[1 << 14];
static uint8_t compile_memory[1 << 18];
static uint8_t scratch_memory[1 << 17];
static char shown[8192];
static rv_arena row_arena;
static rv_expr_name names[COLUMNS_MAX];
static rv_value slots[COLUMNS_MAX];
static size_t column_count;

/* A column of the row; `wide`: a numeric without a precision, whatever it says. */
static bool add_column(const char *name, const char *type, const char *value, bool wide) {
    rv_lexer lexer;
    rv_expr_name *const made = &names[column_count];
    *made = (rv_expr_name){.name = rv_arena_copy(&row_arena, rv_bytes_of_string(name)),
                           .slot = (uint32_t)column_count};
    slots[column_count] = rv_value_null();
    if (rv_lexer_start(&lexer, rv_bytes_of_string(type), &row_arena, NULL) != RV_OK ||
        rv_type_parse(&lexer, (rv_enum_list){NULL, 0}, &made->type, NULL) != RV_OK) {
        return false;
    }
    const rv_type any = {.kind = RV_TYPE_NUMERIC};
    rv_value *const slot = &slots[column_count++];
    if (strcmp(value, "null") == 0) {
        return true;
    }
    rv_status status = rv_value_from_text(&made->type, rv_bytes_of_string(value), RV_LITERAL("v"),
                                          &row_arena, slot, NULL);
    if (status == RV_OK && wide && made->type.kind == RV_TYPE_NUMERIC) {
        status = rv_value_coerce(&made->type, &any, RV_LITERAL("v"), &row_arena, slot, NULL);
        made->type = any;
    }
    return status == RV_OK;
}

/* Evaluates with so much scratch; what comes out is in `shown`: a type and a text. */
static rv_status run(const char *text, size_t scratch_size, rv_error *err) {
    rv_arena arena = rv_arena_over(compile_memory, sizeof compile_memory);
    rv_arena scratch = rv_arena_over(scratch_memory, scratch_size);
    const rv_expr_scope scope = {names, column_count, NULL, 0};
    rv_lexer lexer;
    rv_expr expr;
    rv_value value;
    rv_status status = rv_lexer_start(&lexer, rv_bytes_of_string(text), &arena, err);
    if (status == RV_OK) {
        status = rv_expr_compile(&lexer, &scope, NULL, &arena, &expr, err);
    }
    if (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        return RV_SCHEMA_SYNTAX;
    }
    const rv_expr_env env = {slots, 0, &scratch};
    if (status == RV_OK) {
        status = rv_expr_eval(&expr, &env, &value, err);
    }
    if (status != RV_OK) {
        return status;
    }
    rv_type named = expr.type;
    named.size = 0; /* PostgreSQL names no digits of a result */
    rv_writer w = rv_writer_over(shown, sizeof shown - 1);
    rv_type_write(&named, &w);
    rv_write_text(&w, " ");
    if (rv_value_is_null(&value)) {
        rv_write_text(&w, "null");
    } else if (expr.type.kind == RV_TYPE_BOOLEAN) {
        rv_write_text(&w, value.as.integer != 0 ? "true" : "false");
    } else {
        RV_ASSERT(value.class_ == rv_type_class(&expr.type));
        rv_value_to_text(&expr.type, &value, &w);
    }
    RV_ASSERT(!w.full);
    shown[w.len] = 0;
    return RV_OK;
}

static void check(const char *text, const char *expected) {
    rv_error err = {0};
    const rv_status status = run(text, sizeof scratch_memory, &err);
    if (expected[0] == '!') {
        RV_CHECK_TEXT(rv_bytes_of_string(rv_status_code(status)), expected + 1);
        return;
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_TEXT(rv_bytes_of_string(shown), expected);
}

static void check_vectors(bool wide) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/numeric-expressions.txt",
           sizeof "tests/vectors/numeric-expressions.txt");
    FILE *const file = fopen(path, "r");
    RV_CHECK(file != NULL);
    row_arena = rv_arena_over(row_memory, sizeof row_memory);
    column_count = 0;
    char line[2048];
    int count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *fields[4] = {line};
        int field_count = 1;
        line[strcspn(line, "\n")] = 0;
        for (char *tab = strchr(line, '\t'); tab != NULL && field_count < 4;
             tab = strchr(tab + 1, '\t')) {
            *tab = 0;
            fields[field_count++] = tab + 1;
        }
        if (line[0] == '#') {
            continue;
        }
        if (strcmp(fields[0], "column") == 0) {
            RV_CHECK(add_column(fields[1], fields[2], fields[3], wide));
            continue;
        }
        check(fields[0], fields[1]);
        if (rv_test_failed) {
            fprintf(stderr, "  in: %s\n", fields[0]);
            return;
        }
        count++;
    }
    fclose(file);
    RV_CHECK_EQ(count, 800);
}

RV_TEST(answers_are_postgresqls) {
    check_vectors(false);
}

RV_TEST(answers_are_the_same_on_decimals) {
    check_vectors(true);
}

/* Literals are the narrowest of integer, bigint and numeric; what has a point is numeric. */
RV_TEST(literals_have_postgresqls_types) {
    static const char *const cases[][2] = {
        {"2147483647", "integer 2147483647"},
        {"2147483648", "bigint 2147483648"},
        {"9223372036854775807", "bigint 9223372036854775807"},
        {"9223372036854775808", "numeric 9223372036854775808"},
        {"-9223372036854775808", "bigint -9223372036854775808"},
        {"1.", "numeric 1"},
        {"1e3", "numeric 1000"},
        {"1e30", "numeric 1000000000000000000000000000000"},
        {"0.0000000000000000000000000001", "numeric 0.0000000000000000000000000001"},
        {"1e4096", "!value_out_of_range"},
        {"1e-2049", "!value_out_of_range"},
        {"10 / 4", "integer 2"},
        {"10.0 / 4", "numeric 2.5000000000000000"},
        {"1 / 3.0", "numeric 0.33333333333333333333"},
        {"'2.50' * 1.0", "numeric 2.500"},
        {"coalesce(null, 1, 2.50)", "numeric 1"},
        {"greatest(1, '2.50', 2.5)", "numeric 2.50"},
        {"1.5 in (1, 1.50)", "boolean true"},
        {"1e400 > 1e399", "boolean true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i][0], cases[i][1]);
    }
}

/* What PostgreSQL answers; its precedence: tighter than *, looser than a sign, from the left. */
RV_TEST(powers_are_postgresqls) {
    static const char *const cases[][2] = {
        {"2.0 ^ 3", "numeric 8.0000000000000000"},
        {"2 ^ 3.0 ^ 2", "numeric 64.0000000000000000"},
        {"- 2.0 ^ 2", "numeric 4.0000000000000000"},
        {"3 * 2.0 ^ 2", "numeric 12.0000000000000000"},
        {"2.0 ^ (- 3)", "numeric 0.1250000000000000"},
        {"power(1.1, 100)", "numeric 13780.6123398222701841"},
        {"power(0.5, 200)", "numeric 0.0000000000000000"},
        {"power(7.13, -7)", "numeric 0.0000010675132914"},
        {"0.0 ^ 0", "numeric 1.0000000000000000"},
        {"'NaN'::numeric ^ 0", "numeric 1"},
        {"'-Infinity'::numeric ^ 3", "numeric -Infinity"},
        {"pow(0.5, 'Infinity'::numeric)", "numeric 0"},
        {"10.0 ^ 4096", "!value_out_of_range"},
        {"0.1 ^ (-2100) = 1e2100", "boolean true"},
        {"mod(0.3 ^ (-4000), 1e10)", "numeric 7811922705.2997293382309899"},
        {"round(0.3 ^ (-4000) / 1e2070, 10)", "numeric 3273264657871255862330.9540302554"},
        {"mod(0.0007 ^ (-1000), 1e8)", "numeric 4380370.0089718557935202"},
        {"round((-0.05) ^ (-3001) / 1e3900, 10)", "numeric -24604.6384432223"},
        {"0.1 ^ (-4095) = 1e4095", "boolean true"},
        {"0.1 ^ (-4096)", "!value_out_of_range"},
        {"10.0 ^ 4095 = 1e4095", "boolean true"},
        {"0.1 ^ 2000", "numeric 0.0000000000000000"},
        {"9.9999 ^ 4090", "!expression_limit"},
        {"0.0 ^ (- 1)", "!value_out_of_range"},
        {"2 ^ 3", "double precision 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i][0], cases[i][1]);
        if (rv_test_failed) {
            fprintf(stderr, "  in: %s\n", cases[i][0]);
            return;
        }
    }
}

/* PostgreSQL 15's, by way of logarithms: near 1, near nothing, and with many digits. */
RV_TEST(powers_with_fractions_are_postgresqls) {
    static const char *const cases[][2] = {
        {"2.0 ^ 0.5", "numeric 1.4142135623730950"},
        {"2.0 ^ (-0.5)", "numeric 0.7071067811865475"},
        {"100.0 ^ 0.5", "numeric 10.000000000000000"},
        {"1.0 ^ 12345.678", "numeric 1.0000000000000000"},
        {"0.0 ^ 0.5", "numeric 0.0000000000000000"},
        {"0.000 ^ 1e20", "numeric 0.0000000000000000"},
        {"0.0 ^ (-0.5)", "!value_out_of_range"},
        {"(-8.0) ^ 0.5", "!value_out_of_range"},
        {"(-1.0) ^ 4294967297", "numeric -1.0000000000000000"},
        {"(-1.0) ^ 4294967298", "numeric 1.0000000000000000"},
        {"(-1.0) ^ 1e20", "numeric 1.0000000000000000"},
        {"10.0 ^ 20.5", "numeric 316227766016837933199.9"},
        {"1.0000000001 ^ 98765432109.5", "numeric 19468.308365883229"},
        {"0.99999999 ^ 1234567.89", "numeric 0.9877302162856068"},
        {"0.00000000000000000001 ^ 0.25", "numeric 0.000010000000000000000"},
        {"1234567.891 ^ 12.34",
         "numeric "
         "1476708662886129267698649095726377659829177045594411357662183027182657445172.503"},
        {"2.0 ^ 2147483648", "!value_out_of_range"},
        {"round(1.5 ^ (-2147483649), 3)", "numeric 0.000"},
        {"9.5 ^ 800.5", "!expression_limit"},
        {"2.0 ^ (1e900 + 0.5)", "!expression_limit"},
        {"0.5::numeric ^ 7000.5 = 0", "boolean true"},
        {"length((0.5::numeric ^ 7000.5)::text)", "integer 1002"},
        {"2.0 ^ null", "numeric null"},
        {"'Infinity'::numeric ^ 0.5", "numeric Infinity"},
        {"2::numeric ^ 'NaN'", "numeric NaN"},
        {"power(9, 0.5)", "numeric 3.0000000000000000"},
        {"1.00000000000000000000000000000000000000001 ^ 0.5",
         "numeric 1.00000000000000000000000000000000000000001"},
        {"length((1.0000001 ^ 1234567890.5)::text)", "integer 62"},
        {"(-'Infinity'::numeric) ^ 0.5", "!value_out_of_range"},
        {"(-'Infinity'::numeric) ^ 3e20", "numeric Infinity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i][0], cases[i][1]);
        if (rv_test_failed) {
            fprintf(stderr, "  in: %s\n", cases[i][0]);
            return;
        }
    }
}

/* With any number of steps and any memory it is the same power, or says what there is too little
 * of. */
RV_TEST(powers_with_little_of_everything) {
    static const int64_t numbers[][2] = {{25, 15}, {3, -72}, {123456, 5}, {100, 1}};
    static uint8_t room_memory[1 << 14];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint8_t rooms[2][RV_DECIMAL_INT_PAIRS];
        char texts[2][64] = {{0}};
        const rv_decimal a = rv_decimal_of_int(numbers[i][0], 1, rooms[0]);
        const rv_decimal b = rv_decimal_of_int(numbers[i][1], 1, rooms[1]);
        unsigned limited = 0, short_ = 0;
        for (uint32_t n = 0; n < 900; n += n < 500 ? 1 : 37) {
            const bool of_memory = n % 2 == 1;
            uint32_t work = of_memory ? 10000 : n;
            rv_arena scratch = rv_arena_over(room_memory, of_memory ? 8 * n : sizeof room_memory);
            rv_decimal power;
            rv_error err = {0};
            rv_writer w = rv_writer_over(texts[0], sizeof texts[0]);
            const rv_status status = rv_numeric_exponent(&a, &b, &work, &scratch, &power, &err);
            limited += status == RV_EXPRESSION_LIMIT;
            short_ += status == RV_MEMORY_EXHAUSTED;
            RV_CHECK(status == RV_OK ||
                     status == (of_memory ? RV_MEMORY_EXHAUSTED : RV_EXPRESSION_LIMIT));
            if (status == RV_OK) {
                rv_decimal_write(&power, &w);
                RV_CHECK(!w.full);
                memset(texts[0] + w.len, 0, sizeof texts[0] - w.len);
                RV_CHECK(texts[1][0] == '\0' || strcmp(texts[0], texts[1]) == 0);
                memcpy(texts[1], texts[0], sizeof texts[0]);
            }
        }
        RV_CHECK(limited > 20 && short_ > 5);
    }
}

/* PostgreSQL 15's, of which the last ones are next to a half of the last digit, or to a square. */
RV_TEST(roots_are_postgresqls) {
    static const char *const cases[][2] = {
        {"sqrt(2.0)", "numeric 1.414213562373095"},
        {"sqrt(0.0)", "numeric 0.000000000000000"},
        {"sqrt(4.0)", "numeric 2.000000000000000"},
        {"sqrt(0.0004)", "numeric 0.02000000000000000"},
        {"sqrt(1e-20)", "numeric 0.0000000001000000000000000"},
        {"sqrt(2.00000000000000000000000000000000)", "numeric 1.41421356237309504880168872420970"},
        {"sqrt(123456789012345678901234567890.5)", "numeric 351364182882014.4"},
        {"sqrt(99980001.0)", "numeric 9999.0000000000000"},
        {"sqrt(152415787532388367501905199875019052100.0)", "numeric 12345678901234567890.0"},
        {"sqrt(152415787532388367501905199875019052099.0)", "numeric 12345678901234567890.0"},
        {"sqrt(0.00000000000000000000000000000000000000000000000000000000000017)",
         "numeric 0.00000000000000000000000000000041231056256176605498214098559741"},
        {"sqrt(1e4000) = 1e2000", "boolean true"},
        {"sqrt(1e-2000) = 1e-1000", "boolean true"},
        {"sqrt(1e-2047) = 0", "boolean true"},
        {"sqrt('NaN'::numeric)", "numeric NaN"},
        {"sqrt('Infinity'::numeric)", "numeric Infinity"},
        {"sqrt('-Infinity'::numeric)", "!value_out_of_range"},
        {"sqrt(-0.01)", "!value_out_of_range"},
        {"sqrt(null::numeric)", "numeric null"},
        {"sqrt(4)", "double precision 2"},
        {"sqrt(5e4000)", "!expression_limit"},
        {"sqrt('{1}'::numeric[])", "!expression_type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i][0], cases[i][1]);
        if (rv_test_failed) {
            fprintf(stderr, "  in: %s\n", cases[i][0]);
            return;
        }
    }
}

RV_TEST(work_is_bounded) {
    char text[8192];
    rv_error err = {0};
    /* Ten products of two numbers of 2,000 digits: a sixth of the steps each. */
    const char *const large = "(round(1e1999, 1) + 0.3)";
    for (int products = 1; products <= 12; products += 11) {
        char *out = text;
        for (int i = 0; i < products; i++) {
            out += sprintf(out, "%smod(%s * %s, 7)", i == 0 ? "" : " + ", large, large);
        }
        const rv_status status = run(text, sizeof scratch_memory, &err);
        RV_CHECK_STATUS(status, products == 1 ? RV_OK : RV_EXPRESSION_LIMIT);
    }
    RV_CHECK_STATUS(run("1e2000 * 1e2000 * 1e2000", sizeof scratch_memory, &err),
                    RV_VALUE_OUT_OF_RANGE);
    RV_CHECK_STATUS(run("round(1.5, 3000)", sizeof scratch_memory, &err), RV_VALUE_OUT_OF_RANGE);
}

RV_TEST(too_little_scratch_is_an_error) {
    static const char *const texts[] = {"123456789012345678901234567890.5 / 7",
                                        "sqrt(123456789012345678901234567890.5)",
                                        "1e50 + 1",
                                        "1e50 * 1.1",
                                        "1e50 % 7",
                                        "round(1e50, 20)",
                                        "(1e50)::text || 'x'",
                                        "(1e20 / 3)::numeric(30,2)",
                                        "1.1 ^ 30"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t cap = 0;
        rv_error err = {0};
        rv_status status = RV_MEMORY_EXHAUSTED;
        for (; cap < 4096 && status != RV_OK; cap += 8) {
            status = run(texts[i], cap, &err);
            RV_CHECK(status == RV_OK || status == RV_MEMORY_EXHAUSTED);
        }
        RV_CHECK(status == RV_OK && cap > 8);
    }
}

int main(void) {
    RV_RUN(answers_are_postgresqls);
    RV_RUN(answers_are_the_same_on_decimals);
    RV_RUN(literals_have_postgresqls_types);
    RV_RUN(powers_are_postgresqls);
    RV_RUN(powers_with_fractions_are_postgresqls);
    RV_RUN(powers_with_little_of_everything);
    RV_RUN(roots_are_postgresqls);
    RV_RUN(work_is_bounded);
    RV_RUN(too_little_scratch_is_an_error);
    return rv_test_done();
}
