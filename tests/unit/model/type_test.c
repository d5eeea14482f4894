/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every spelling of a type is read, written back in its canonical form, and what this version
 * does not have, or what no type is, is refused with the right status. Method: tables.
 */
#include "core/model/type.h"
#include "tests/unit/test.h"

static uint8_t memory[1024];

static const rv_bytes labels[] = {{(const uint8_t *)"free", 4}};
static const rv_enum plan = {{(const uint8_t *)"plan", 4}, labels, 1};
static const rv_enum *const enums[] = {&plan};

static rv_status parse(const char *text, rv_type *type, rv_lexer *lexer, rv_error *err) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    const rv_status status = rv_lexer_start(lexer, rv_bytes_of_string(text), &arena, err);
    return status == RV_OK ? rv_type_parse(lexer, (rv_enum_list){enums, 1}, type, err) : status;
}

static const char *const spellings[][2] = {
    {"SmallInt", "smallint"},
    {"int2", "smallint"},
    {"int", "integer"},
    {"INTEGER", "integer"},
    {"int4", "integer"},
    {"bigint", "bigint"},
    {"real", "real"},
    {"Float4", "real"},
    {"float(1)", "real"},
    {"float(24)", "real"},
    {"double  precision", "double precision"},
    {"float8", "double precision"},
    {"INTERVAL", "interval"},
    {"interval[]", "interval[]"},
    {"float", "double precision"},
    {"float(25)", "double precision"},
    {"float(53)", "double precision"},
    {"int8", "bigint"},
    {"serial", "serial"},
    {"serial4", "serial"},
    {"smallserial", "smallserial"},
    {"bigserial", "bigserial"},
    {"numeric(12,2)", "numeric(12,2)"},
    {"decimal ( 18 )", "numeric(18,0)"},
    {"numeric(4,4)", "numeric(4,4)"},
    {"numeric", "numeric"},
    {"decimal", "numeric"},
    {"numeric(19,2)", "numeric(19,2)"},
    {"numeric(4,5)", "numeric(4,5)"},
    {"numeric(4, - 5)", "numeric(4,-5)"},
    {"numeric(1000,1000)", "numeric(1000,1000)"},
    {"numeric(1,-1000)", "numeric(1,-1000)"},
    {"bool", "boolean"},
    {"char", "char(1)"},
    {"character(3)", "char(3)"},
    {"char varying(3)", "varchar(3)"},
    {"character varying", "varchar"},
    {"varchar(40)", "varchar(40)"},
    {"varchar", "varchar"},
    {"text", "text"},
    {"bytea", "bytea"},
    {"date", "date"},
    {"time", "time"},
    {"time without time zone", "time"},
    {"timestamp", "timestamp"},
    {"timestamp without time zone", "timestamp"},
    {"timestamp with time zone", "timestamptz"},
    {"timestamptz", "timestamptz"},
    {"uuid", "uuid"},
    {"json", "json"},
    {"JSONB", "jsonb"},
    {"plan", "plan"},
    {"\"plan\"", "plan"},
    {"int[]", "integer[]"},
    {"int [ 3 ]", "integer[]"},
    {"integer ARRAY", "integer[]"},
    {"integer array[4]", "integer[]"},
    {"numeric(12,2)[]", "numeric(12,2)[]"},
    {"character varying(3)[]", "varchar(3)[]"},
    {"char[]", "char(1)[]"},
    {"timestamp with time zone[]", "timestamptz[]"},
    {"plan[]", "plan[]"},
};

RV_TEST(spellings_are_read_and_written_canonically) {
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        rv_type type;
        rv_lexer lexer;
        uint8_t text[64];
        rv_writer w = rv_writer_over(text, sizeof text);
        RV_CHECK_STATUS(parse(spellings[i][0], &type, &lexer, NULL), RV_OK);
        RV_CHECK_EQ(lexer.token.kind, RV_TOKEN_END);
        RV_CHECK(rv_type_supported(&type));
        rv_type_write(&type, &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), spellings[i][1]);
    }
}

RV_TEST(what_is_no_type_is_refused) {
    static const struct {
        const char *text;
        rv_status status;
    } cases[] = {{"", RV_SCHEMA_SYNTAX},
                 {"7", RV_SCHEMA_SYNTAX},
                 {"'text'", RV_SCHEMA_SYNTAX},
                 {"nothing", RV_SCHEMA_UNKNOWN_NAME},
                 {"\"integer\"", RV_SCHEMA_UNKNOWN_NAME},
                 {"varchar(", RV_SCHEMA_SYNTAX},
                 {"varchar()", RV_SCHEMA_SYNTAX},
                 {"varchar(x)", RV_SCHEMA_SYNTAX},
                 {"varchar(1.5)", RV_SCHEMA_SYNTAX},
                 {"varchar(0)", RV_SCHEMA_INVALID},
                 {"varchar(99999999999999999999)", RV_SCHEMA_INVALID},
                 {"varchar(1,2)", RV_SCHEMA_SYNTAX},
                 {"numeric(0)", RV_SCHEMA_INVALID},
                 {"numeric(1001)", RV_SCHEMA_INVALID},
                 {"double", RV_SCHEMA_SYNTAX},
                 {"timestamp with", RV_SCHEMA_SYNTAX},
                 {"timestamp with time", RV_SCHEMA_SYNTAX},
                 {"time with time zone", RV_UNSUPPORTED},
                 {"numeric(5,1001)", RV_SCHEMA_INVALID},
                 {"numeric(5,-1001)", RV_SCHEMA_INVALID},
                 {"numeric(5,--1)", RV_SCHEMA_SYNTAX},
                 {"numeric(-5)", RV_SCHEMA_SYNTAX},
                 {"numeric(5,+1)", RV_SCHEMA_SYNTAX},
                 {"float(0)", RV_SCHEMA_INVALID},
                 {"float(54)", RV_SCHEMA_INVALID},
                 {"float(9", RV_SCHEMA_SYNTAX},
                 {"float(1,2)", RV_SCHEMA_SYNTAX},
                 {"interval(3)", RV_UNSUPPORTED},
                 {"interval year to month", RV_UNSUPPORTED},
                 {"integer[][]", RV_UNSUPPORTED},
                 {"integer[2][2]", RV_UNSUPPORTED},
                 {"integer array[][]", RV_UNSUPPORTED},
                 {"integer[", RV_SCHEMA_SYNTAX},
                 {"integer[x]", RV_SCHEMA_SYNTAX},
                 {"integer[1", RV_SCHEMA_SYNTAX},
                 {"serial[]", RV_SCHEMA_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_type type = {.kind = RV_TYPE_UUID};
        rv_lexer lexer;
        rv_error err;
        RV_CHECK_STATUS(parse(cases[i].text, &type, &lexer, &err), cases[i].status);
        RV_CHECK(type.kind == RV_TYPE_UUID);
        RV_CHECK(strstr(err.facts, "\"line\":1,\"column\":") != NULL);
    }
}

RV_TEST(what_is_not_in_this_version_is_named) {
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {{"time with time zone", "`time` without a time zone"},
                 {"integer[][]", "an array of one dimension"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_type type;
        rv_lexer lexer;
        rv_error err;
        RV_CHECK_STATUS(parse(cases[i].text, &type, &lexer, &err), RV_UNSUPPORTED);
        RV_CHECK(strstr(err.detail, cases[i].words) != NULL);
    }
}

RV_TEST(the_lexer_stands_after_the_type) {
    rv_type type;
    rv_lexer lexer;
    RV_CHECK_STATUS(parse("numeric(12,2) NOT NULL", &type, &lexer, NULL), RV_OK);
    RV_CHECK(rv_lexer_is(&lexer, "not"));
    RV_CHECK_STATUS(parse("timestamp DEFAULT now()", &type, &lexer, NULL), RV_OK);
    RV_CHECK(rv_lexer_is(&lexer, "default"));
}

RV_TEST(types_fit_within_their_family) {
    static const rv_enum other = {{(const uint8_t *)"other", 5}, labels, 1};
    const rv_type small = {.kind = RV_TYPE_SMALLINT};
    const rv_type big = {.kind = RV_TYPE_BIGINT, .serial = true};
    const rv_type text = {.kind = RV_TYPE_TEXT};
    const rv_type sized = {.kind = RV_TYPE_CHAR, .size = 3};
    const rv_type a = {.kind = RV_TYPE_ENUM, .labels = &plan};
    const rv_type b = {.kind = RV_TYPE_ENUM, .labels = &other};
    RV_CHECK(rv_type_fits(&small, &big) && rv_type_fits(&big, &small));
    RV_CHECK(rv_type_fits(&text, &sized) && rv_type_fits(&a, &a));
    const rv_type smalls = rv_type_array_of(&small);
    const rv_type bigs = rv_type_array_of(&big);
    const rv_type texts = rv_type_array_of(&text);
    const rv_type padded = rv_type_array_of(&sized);
    const rv_type as = rv_type_array_of(&a);
    const rv_type bs = rv_type_array_of(&b);
    RV_CHECK(rv_type_fits(&smalls, &bigs) && rv_type_fits(&as, &as) && !bigs.serial);
    RV_CHECK(!rv_type_fits(&as, &bs) && !rv_type_fits(&texts, &padded));
    RV_CHECK(!rv_type_fits(&smalls, &small) && !rv_type_fits(&small, &smalls));
    RV_CHECK(!rv_type_same(&smalls, &bigs) && rv_type_same(&smalls, &smalls));
    RV_CHECK(!rv_type_fits(&a, &b) && !rv_type_fits(&small, &text) && !rv_type_fits(&a, &text));
}

int main(void) {
    RV_RUN(spellings_are_read_and_written_canonically);
    RV_RUN(what_is_no_type_is_refused);
    RV_RUN(what_is_not_in_this_version_is_named);
    RV_RUN(the_lexer_stands_after_the_type);
    RV_RUN(types_fit_within_their_family);
    return rv_test_done();
}
