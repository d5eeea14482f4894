/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types: what they are called, how they are stored, which fit which. The table of spellings serves
 * both directions: the first entry of a kind is how it is written.
 */
#include "core/model/type.h"

#include "core/base/assert.h"

/* PostgreSQL's bounds: numeric(1000), and 10 MiB for character types. */
#define NUMERIC_PRECISION_MAX 1000u /* the scale's too, on both sides of 0 */
#define CHARACTERS_MAX        10485760u

/* PostgreSQL's float(p): p bits, of which real has 24. */
#define FLOAT_BITS_REAL 24u
#define FLOAT_BITS_MAX  53u

typedef struct spelling {
    const char *name;
    rv_type_kind kind;
    bool serial;
} spelling;

static const spelling spellings[] = {
    {"smallint", RV_TYPE_SMALLINT, false},
    {"integer", RV_TYPE_INTEGER, false},
    {"bigint", RV_TYPE_BIGINT, false},
    {"real", RV_TYPE_REAL, false},
    {"double precision", RV_TYPE_DOUBLE, false},
    {"numeric", RV_TYPE_NUMERIC, false},
    {"boolean", RV_TYPE_BOOLEAN, false},
    {"char", RV_TYPE_CHAR, false},
    {"varchar", RV_TYPE_VARCHAR, false},
    {"text", RV_TYPE_TEXT, false},
    {"bytea", RV_TYPE_BYTEA, false},
    {"date", RV_TYPE_DATE, false},
    {"time", RV_TYPE_TIME, false},
    {"timestamp", RV_TYPE_TIMESTAMP, false},
    {"timestamptz", RV_TYPE_TIMESTAMPTZ, false},
    {"interval", RV_TYPE_INTERVAL, false},
    {"uuid", RV_TYPE_UUID, false},
    {"json", RV_TYPE_JSON, false},
    {"jsonb", RV_TYPE_JSONB, false},
    {"smallserial", RV_TYPE_SMALLINT, true},
    {"serial", RV_TYPE_INTEGER, true},
    {"bigserial", RV_TYPE_BIGINT, true},
    {"int2", RV_TYPE_SMALLINT, false},
    {"int", RV_TYPE_INTEGER, false},
    {"int4", RV_TYPE_INTEGER, false},
    {"int8", RV_TYPE_BIGINT, false},
    {"float4", RV_TYPE_REAL, false},
    {"float8", RV_TYPE_DOUBLE, false},
    {"double", RV_TYPE_DOUBLE, false},
    {"float", RV_TYPE_DOUBLE, false},
    {"decimal", RV_TYPE_NUMERIC, false},
    {"bool", RV_TYPE_BOOLEAN, false},
    {"character", RV_TYPE_CHAR, false},
    {"serial2", RV_TYPE_SMALLINT, true},
    {"serial4", RV_TYPE_INTEGER, true},
    {"serial8", RV_TYPE_BIGINT, true},
};

#define SPELLING_COUNT (sizeof spellings / sizeof spellings[0])

static bool is_text(rv_type_kind kind) {
    return kind == RV_TYPE_CHAR || kind == RV_TYPE_VARCHAR || kind == RV_TYPE_TEXT;
}

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

rv_type rv_type_element(const rv_type *array) {
    RV_ASSERT(array->kind == RV_TYPE_ARRAY && array->element < RV_TYPE_ARRAY);
    rv_type element = *array;
    element.kind = (rv_type_kind)array->element;
    element.element = 0;
    return element;
}

rv_type rv_type_array_of(const rv_type *element) {
    RV_ASSERT(element->kind < RV_TYPE_ARRAY);
    rv_type array = *element;
    array.kind = RV_TYPE_ARRAY;
    array.serial = false;
    array.element = (uint8_t)element->kind;
    return array;
}

const uint8_t rv_type_classes[RV_TYPE_KIND_COUNT] = {
    [RV_TYPE_SMALLINT] = RV_VALUE_INT,    [RV_TYPE_INTEGER] = RV_VALUE_INT,
    [RV_TYPE_BIGINT] = RV_VALUE_INT,      [RV_TYPE_REAL] = RV_VALUE_FLOAT,
    [RV_TYPE_DOUBLE] = RV_VALUE_FLOAT,    [RV_TYPE_NUMERIC] = RV_VALUE_INT,
    [RV_TYPE_BOOLEAN] = RV_VALUE_INT,     [RV_TYPE_CHAR] = RV_VALUE_BYTES,
    [RV_TYPE_VARCHAR] = RV_VALUE_BYTES,   [RV_TYPE_TEXT] = RV_VALUE_BYTES,
    [RV_TYPE_BYTEA] = RV_VALUE_BYTES,     [RV_TYPE_DATE] = RV_VALUE_INT,
    [RV_TYPE_TIME] = RV_VALUE_INT,        [RV_TYPE_TIMESTAMP] = RV_VALUE_INT,
    [RV_TYPE_TIMESTAMPTZ] = RV_VALUE_INT, [RV_TYPE_INTERVAL] = RV_VALUE_BYTES,
    [RV_TYPE_UUID] = RV_VALUE_BYTES,      [RV_TYPE_JSON] = RV_VALUE_BYTES,
    [RV_TYPE_JSONB] = RV_VALUE_BYTES,     [RV_TYPE_ENUM] = RV_VALUE_INT,
    [RV_TYPE_ARRAY] = RV_VALUE_BYTES,
};

static bool is_supported(rv_type_kind kind, const rv_type *type) {
    RV_ASSERT(kind < RV_TYPE_KIND_COUNT);
    return kind == RV_TYPE_ENUM ? type->labels != NULL : kind != RV_TYPE_ARRAY;
}

bool rv_type_can_be_key(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    switch (type->kind) {
    case RV_TYPE_REAL:
    case RV_TYPE_DOUBLE:
    case RV_TYPE_INTERVAL:
    case RV_TYPE_JSON:
    case RV_TYPE_JSONB:
    case RV_TYPE_ARRAY:
        return false;
    default:
        return !rv_type_is_wide(type);
    }
}

bool rv_type_ordered(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    const bool array = type->kind == RV_TYPE_ARRAY;
    const rv_type_kind kind = array ? (rv_type_kind)type->element : type->kind;
    return kind != RV_TYPE_JSON && kind != RV_TYPE_JSONB;
}

bool rv_type_supported(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    const bool array = type->kind == RV_TYPE_ARRAY;
    return is_supported(array ? (rv_type_kind)type->element : type->kind, type);
}

/* rv_type_fits of types whose kinds these are, or whose elements have these. */
static bool kinds_fit(rv_type_kind from, rv_type_kind to, const rv_type *a, const rv_type *b) {
    RV_ASSERT(from < RV_TYPE_KIND_COUNT && to < RV_TYPE_KIND_COUNT);
    if (from == RV_TYPE_ENUM && to == RV_TYPE_ENUM) {
        RV_ASSERT(a->labels != NULL && b->labels != NULL);
        return a->labels == b->labels || rv_bytes_equal(a->labels->name, b->labels->name);
    }
    return from == to || (is_integer(from) && is_integer(to)) || (is_text(from) && is_text(to));
}

bool rv_type_fits(const rv_type *from, const rv_type *to) {
    const bool array = from->kind == RV_TYPE_ARRAY;
    if (!array || to->kind != RV_TYPE_ARRAY) {
        return kinds_fit(from->kind, to->kind, from, to);
    }
    RV_ASSERT(from->element < RV_TYPE_ARRAY && to->element < RV_TYPE_ARRAY);
    const bool padded = from->element == RV_TYPE_CHAR; /* it compares in a way of its own */
    return padded == (to->element == RV_TYPE_CHAR) &&
           kinds_fit((rv_type_kind)from->element, (rv_type_kind)to->element, from, to);
}

/* A type that is no array. */
static void write_scalar(const rv_type *type, rv_writer *w) {
    RV_ASSERT(type->kind < RV_TYPE_ARRAY);
    if (type->kind == RV_TYPE_ENUM) {
        RV_ASSERT(type->labels != NULL);
        rv_write(w, type->labels->name);
        return;
    }
    for (size_t i = 0; i < SPELLING_COUNT; i++) {
        if (spellings[i].kind == type->kind && spellings[i].serial == type->serial) {
            rv_write_text(w, spellings[i].name);
            break;
        }
    }
    if (type->size > 0) {
        rv_write_u8(w, '(');
        rv_write_uint(w, type->size);
        if (type->kind == RV_TYPE_NUMERIC) {
            rv_write_u8(w, ',');
            rv_write_int(w, type->scale);
        }
        rv_write_u8(w, ')');
    }
}

void rv_type_write(const rv_type *type, rv_writer *w) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    if (type->kind != RV_TYPE_ARRAY) {
        write_scalar(type, w);
        return;
    }
    const rv_type element = rv_type_element(type);
    write_scalar(&element, w);
    rv_write_text(w, "[]");
}

/* Goes past a keyword when it is there. */
static rv_status accept(rv_lexer *lexer, const char *keyword, bool *there, rv_error *err) {
    RV_ASSERT(keyword != NULL && there != NULL);
    *there = rv_lexer_is(lexer, keyword);
    return *there ? rv_lexer_next(lexer, err) : RV_OK;
}

/* The number in `(n` or `, n`, up to `max`. */
static rv_status parse_size(rv_lexer *lexer, uint32_t max, uint32_t *size, rv_error *err) {
    RV_ASSERT(max < UINT32_MAX / 16);
    const rv_bytes text = lexer->token.text;
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (lexer->token.kind != RV_TOKEN_NUMBER || c < '0' || c > '9') {
            return rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "a size (a number of digits)", err);
        }
        value = value > max ? value : value * 10 + (uint32_t)(c - '0');
    }
    if (text.len == 0) {
        return rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "a size (a number of digits)", err);
    }
    if (value > max) {
        return rv_lexer_error(lexer, RV_SCHEMA_INVALID, "a size within the type's limit", err);
    }
    *size = value;
    return rv_lexer_next(lexer, err);
}

/* `, s` of numeric; the comma is the current token. */
static rv_status parse_scale(rv_lexer *lexer, int32_t *scale, rv_error *err) {
    uint32_t size = 0;
    bool minus = false;
    RV_ASSERT(rv_lexer_is(lexer, ","));
    rv_status status = rv_lexer_next(lexer, err);
    if (status == RV_OK) {
        status = accept(lexer, "-", &minus, err);
    }
    if (status == RV_OK) {
        status = parse_size(lexer, NUMERIC_PRECISION_MAX, &size, err);
    }
    *scale = minus ? -(int32_t)size : (int32_t)size;
    return status;
}

/* `(p [, s])` or `(n)`, whose opening parenthesis is the current token. */
static rv_status parse_modifier(rv_lexer *lexer, rv_type *type, rv_error *err) {
    const bool numeric = type->kind == RV_TYPE_NUMERIC;
    RV_ASSERT(numeric || is_text(type->kind));
    rv_status status = rv_lexer_next(lexer, err);
    if (status == RV_OK) {
        const uint32_t max = numeric ? NUMERIC_PRECISION_MAX : CHARACTERS_MAX;
        status = parse_size(lexer, max, &type->size, err);
    }
    if (status == RV_OK && type->size == 0) {
        status = rv_lexer_error(lexer, RV_SCHEMA_INVALID, "a size of at least 1 before it", err);
    }
    if (status == RV_OK && numeric && rv_lexer_is(lexer, ",")) {
        status = parse_scale(lexer, &type->scale, err);
    }
    if (status == RV_OK && !rv_lexer_is(lexer, ")")) {
        status = rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "`)`", err);
    }
    return status == RV_OK ? rv_lexer_next(lexer, err) : status;
}

/* `(bits)` after `float`, which says whether it is a real or a double precision. */
static rv_status parse_bits(rv_lexer *lexer, rv_type *type, rv_error *err) {
    uint32_t bits = 0;
    RV_ASSERT(type->kind == RV_TYPE_DOUBLE);
    rv_status status = rv_lexer_next(lexer, err);
    if (status == RV_OK) {
        status = parse_size(lexer, FLOAT_BITS_MAX, &bits, err);
    }
    if (status == RV_OK && bits == 0) {
        status = rv_lexer_error(lexer, RV_SCHEMA_INVALID, "a size of at least 1 before it", err);
    }
    if (status == RV_OK && !rv_lexer_is(lexer, ")")) {
        status = rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "`)`", err);
    }
    type->kind = bits <= FLOAT_BITS_REAL ? RV_TYPE_REAL : RV_TYPE_DOUBLE;
    return status == RV_OK ? rv_lexer_next(lexer, err) : status;
}

/* `interval` is followed by neither fields nor a precision. */
static rv_status refuse_fields(rv_lexer *lexer, rv_error *err) {
    static const char *const words[] = {"(", "year", "month", "day", "hour", "minute", "second"};
    RV_ASSERT(lexer != NULL);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (rv_lexer_is(lexer, words[i])) {
            return rv_lexer_error(lexer, RV_UNSUPPORTED, "`interval` without fields or a precision",
                                  err);
        }
    }
    return RV_OK;
}

/* The further words of `double precision`, `character varying`, `timestamp with time zone`. */
static rv_status parse_words(rv_lexer *lexer, rv_bytes name, rv_type *type, rv_error *err) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    const bool time = type->kind == RV_TYPE_TIMESTAMP || type->kind == RV_TYPE_TIMESTAMPTZ ||
                      type->kind == RV_TYPE_TIME;
    bool there = false;
    rv_status status = RV_OK;
    if (time && rv_lexer_is(lexer, "(")) {
        return rv_lexer_error(lexer, RV_UNSUPPORTED,
                              "no precision: times have microseconds, and date_trunc cuts them",
                              err);
    }
    if (rv_bytes_are(name, "double")) {
        status = accept(lexer, "precision", &there, err);
        if (status == RV_OK && !there) {
            status = rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "`precision`", err);
        }
    } else if (type->kind == RV_TYPE_CHAR) {
        status = accept(lexer, "varying", &there, err);
        type->kind = there ? RV_TYPE_VARCHAR : RV_TYPE_CHAR;
        type->size = there ? 0 : 1;
    } else if (type->kind == RV_TYPE_INTERVAL) {
        status = refuse_fields(lexer, err);
    } else if (rv_bytes_are(name, "float") && rv_lexer_is(lexer, "(")) {
        status = parse_bits(lexer, type, err);
    } else if (type->kind == RV_TYPE_TIMESTAMP || type->kind == RV_TYPE_TIME) {
        const bool with = rv_lexer_is(lexer, "with");
        if (!with && !rv_lexer_is(lexer, "without")) {
            return RV_OK;
        }
        if (with && type->kind == RV_TYPE_TIME) {
            return rv_lexer_error(lexer, RV_UNSUPPORTED, "`time` without a time zone", err);
        }
        type->kind = with ? RV_TYPE_TIMESTAMPTZ : type->kind;
        status = rv_lexer_next(lexer, err);
        for (size_t i = 0; i < 2 && status == RV_OK; i++) {
            const char *const word = i == 0 ? "time" : "zone";
            status = accept(lexer, word, &there, err);
            if (status == RV_OK && !there) {
                status = rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "`time zone`", err);
            }
        }
    }
    return status;
}

static bool find_spelling(rv_bytes name, rv_type *type) {
    RV_ASSERT(type != NULL);
    for (size_t i = 0; i < SPELLING_COUNT; i++) {
        if (rv_bytes_are(name, spellings[i].name)) {
            *type = (rv_type){.kind = spellings[i].kind, .serial = spellings[i].serial};
            return true;
        }
    }
    return false;
}

static const rv_enum *find_enum(rv_enum_list enums, rv_bytes name) {
    RV_ASSERT(enums.enums != NULL || enums.count == 0);
    for (size_t i = 0; i < enums.count; i++) {
        if (rv_bytes_equal(enums.enums[i]->name, name)) {
            return enums.enums[i];
        }
    }
    return NULL;
}

static rv_status refuse_unsupported(const rv_token *token, rv_error *err) {
    const rv_bytes name = token->text;
    RV_ASSERT(name.len > 0);
    (void)rv_error_set(err, RV_UNSUPPORTED,
                       "line %u, column %u: the type %b is not in this version",
                       (uint64_t)token->line, (uint64_t)token->column, &name);
    rv_error_fact_uint(err, "line", token->line);
    rv_error_fact_uint(err, "column", token->column);
    rv_error_fact_text(err, "met", name);
    return RV_UNSUPPORTED;
}

/* `[]` or `[n]` at the current token; n is read and does not matter, as in PostgreSQL. */
static rv_status parse_brackets(rv_lexer *lexer, rv_error *err) {
    RV_ASSERT(rv_lexer_is(lexer, "["));
    uint32_t ignored = 0;
    rv_status status = rv_lexer_next(lexer, err);
    if (status == RV_OK && !rv_lexer_is(lexer, "]")) {
        status = parse_size(lexer, CHARACTERS_MAX, &ignored, err);
    }
    if (status == RV_OK && !rv_lexer_is(lexer, "]")) {
        status = rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "`]`", err);
    }
    return status == RV_OK ? rv_lexer_next(lexer, err) : status;
}

/* What makes a type an array of it: `[]`, `[n]`, `array`, `array[n]`. */
static rv_status parse_array(rv_lexer *lexer, rv_type *type, rv_error *err) {
    RV_ASSERT(type->kind < RV_TYPE_ARRAY);
    bool word = false;
    rv_status status = accept(lexer, "array", &word, err);
    const bool brackets = rv_lexer_is(lexer, "[");
    if (status != RV_OK || (!word && !brackets)) {
        return status;
    }
    if (type->serial) {
        return rv_lexer_error(lexer, RV_SCHEMA_INVALID, "no array of a serial type", err);
    }
    if (brackets) {
        status = parse_brackets(lexer, err);
    }
    if (status == RV_OK && rv_lexer_is(lexer, "[")) {
        status = rv_lexer_error(lexer, RV_UNSUPPORTED, "an array of one dimension", err);
    }
    *type = rv_type_array_of(type);
    return status;
}

rv_status rv_type_parse(rv_lexer *lexer, rv_enum_list enums, rv_type *type, rv_error *err) {
    RV_ASSERT(type != NULL);
    const rv_token token = lexer->token;
    const rv_bytes name = token.text;
    rv_type parsed = {.kind = RV_TYPE_ENUM};
    if (token.kind != RV_TOKEN_NAME && token.kind != RV_TOKEN_QUOTED_NAME) {
        return rv_lexer_error(lexer, RV_SCHEMA_SYNTAX, "a type", err);
    }
    const bool known = token.kind == RV_TOKEN_NAME && find_spelling(name, &parsed);
    if (!known) {
        parsed.labels = find_enum(enums, name);
        if (parsed.labels == NULL) {
            return rv_lexer_error(lexer, RV_SCHEMA_UNKNOWN_NAME,
                                  "a type, or the name of an enum declared before", err);
        }
    }
    rv_status status = rv_lexer_next(lexer, err);
    if (status == RV_OK && known) {
        status = parse_words(lexer, name, &parsed, err);
    }
    const bool sized = parsed.kind == RV_TYPE_NUMERIC || parsed.kind == RV_TYPE_CHAR ||
                       parsed.kind == RV_TYPE_VARCHAR;
    if (status == RV_OK && sized && rv_lexer_is(lexer, "(")) {
        status = parse_modifier(lexer, &parsed, err);
    }
    if (status == RV_OK && !rv_type_supported(&parsed)) {
        status = refuse_unsupported(&token, err);
    }
    if (status == RV_OK) {
        status = parse_array(lexer, &parsed, err);
    }
    if (status == RV_OK) {
        *type = parsed;
    }
    return status;
}
