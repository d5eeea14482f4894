/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values from text, as PostgreSQL's input functions read it. Each kind has a reader that gives a
 * status and a reason; the one refusal at the end of rv_value_from_text makes both an error with
 * its facts. Text and varchar are borrowed; bytea, uuid and padded char(n) are made in scratch.
 * Arrays are read by core/model/array_text.c.
 */
#include "core/model/value_text.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/array.h"
#include "core/model/float.h"
#include "core/model/interval.h"
#include "core/model/jsonb.h"
#include "core/model/value_number.h"
#include "core/model/value_numeric.h"
#include "core/model/value_time.h"

/* What an error shows of a long value. */
#define MET_LEN_MAX 100u

rv_status rv_value_refuse(const rv_type *type, rv_status status, rv_bytes met, rv_bytes what,
                          const char *why, rv_error *err) {
    RV_ASSERT(status != RV_OK && why != NULL);
    uint8_t name[RV_NAME_LEN_MAX * 4];
    rv_writer w = rv_writer_over(name, sizeof name);
    rv_type_write(type, &w);
    const rv_bytes type_name = rv_writer_bytes(&w);
    if (met.len > MET_LEN_MAX) {
        met.len = MET_LEN_MAX;
    }
    const char *const verdict = status == RV_VALUE_TOO_LONG       ? "is too long for"
                                : status == RV_VALUE_OUT_OF_RANGE ? "is out of range for"
                                                                  : "is not a value of type";
    if (what.len > 0) {
        (void)rv_error_set(err, status, "%b: `%b` %s %b: %s", &what, &met, verdict, &type_name,
                           why);
        rv_error_fact_text(err, "field", what);
    } else {
        (void)rv_error_set(err, status, "`%b` %s %b: %s", &met, verdict, &type_name, why);
    }
    rv_error_fact_text(err, "value_type", type_name);
    rv_error_fact_text(err, "met", met);
    return status;
}

rv_status rv_value_refuse_memory(rv_error *err) {
    return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the memory budget is too small for this value");
}

int64_t rv_integer_min(rv_type_kind kind) {
    RV_ASSERT(kind <= RV_TYPE_BIGINT);
    return kind == RV_TYPE_SMALLINT ? INT16_MIN : kind == RV_TYPE_INTEGER ? INT32_MIN : INT64_MIN;
}

int64_t rv_integer_max(rv_type_kind kind) {
    RV_ASSERT(kind <= RV_TYPE_BIGINT);
    return -(rv_integer_min(kind) + 1);
}

rv_bytes rv_text_prefix(rv_bytes text, size_t count) {
    size_t at = 0;
    for (; at < text.len; at++) {
        const bool starts = (text.ptr[at] & 0xc0) != 0x80;
        if (starts && count == 0) {
            break;
        }
        count -= starts;
    }
    RV_ASSERT(at <= text.len);
    return rv_bytes_of(text.ptr, at);
}

rv_status rv_text_fit(const rv_type *type, rv_bytes text, size_t code_points, bool cut,
                      rv_bytes what, rv_arena *scratch, rv_value *value, rv_error *err) {
    RV_ASSERT(code_points <= text.len);
    const size_t size = type->size;
    if (size > 0 && code_points > size) {
        const rv_bytes kept = rv_text_prefix(text, size);
        if (!cut && rv_text_trim_end(text).len > kept.len) {
            (void)rv_value_refuse(type, RV_VALUE_TOO_LONG, text, what, "it has more characters",
                                  err);
            rv_error_fact_uint(err, "length", code_points);
            return RV_VALUE_TOO_LONG;
        }
        text = kept;
        code_points = size;
    }
    if (type->kind == RV_TYPE_CHAR && code_points < size) {
        const size_t pad = size - code_points;
        uint8_t *padded = rv_arena_take_raw(scratch, text.len + pad);
        if (padded == NULL) {
            return rv_value_refuse_memory(err);
        }
        if (text.len > 0) {
            memcpy(padded, text.ptr, text.len);
        }
        memset(padded + text.len, ' ', pad);
        text = rv_bytes_of(padded, text.len + pad);
    }
    RV_ASSERT(size == 0 || code_points <= size);
    *value = rv_value_bytes(text);
    return RV_OK;
}

static rv_status read_integer(const rv_type *type, rv_bytes text, int64_t *value,
                              const char **why) {
    RV_ASSERT(type->kind <= RV_TYPE_BIGINT);
    const rv_number_result result = rv_number_parse_int(text, value);
    *why = "it must be a whole number";
    if (result == RV_NUMBER_INVALID) {
        return RV_VALUE_INVALID;
    }
    *why = "the number is too large or too small";
    if (result == RV_NUMBER_TOO_LARGE || *value < rv_integer_min(type->kind) ||
        *value > rv_integer_max(type->kind)) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    return RV_OK;
}

static rv_status read_float(const rv_type *type, rv_bytes text, double *value, const char **why) {
    RV_ASSERT(rv_type_class(type) == RV_VALUE_FLOAT);
    const rv_float_result result = rv_float_parse(text, rv_float_width_of(type->kind), value);
    if (result == RV_FLOAT_INVALID) {
        *why = "it must be a number, NaN, Infinity or -Infinity";
        return RV_VALUE_INVALID;
    }
    *why = "the number is too large, or too near to 0";
    return result == RV_FLOAT_OK ? RV_OK : RV_VALUE_OUT_OF_RANGE;
}

/* Any beginning of true, false, yes, no, on, off that is no beginning of another; 1 and 0. */
static rv_status read_boolean(rv_bytes text, int64_t *value, const char **why) {
    static const struct {
        const char *word;
        size_t len_min;
        bool value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    RV_ASSERT(value != NULL);
    text = rv_number_trim(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = 0;
        const size_t word_len = strlen(words[i].word);
        while (len < text.len && len < word_len) {
            const uint8_t c = text.ptr[len];
            const uint8_t lower = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
            if (lower != (uint8_t)words[i].word[len]) {
                break;
            }
            len++;
        }
        if (len == text.len && len >= words[i].len_min) {
            *value = words[i].value;
            return RV_OK;
        }
    }
    *why = "it must be true or false";
    return RV_VALUE_INVALID;
}

static rv_status read_label(const rv_type *type, rv_bytes text, int64_t *value, const char **why) {
    RV_ASSERT(type->labels != NULL);
    for (uint32_t i = 0; i < type->labels->label_count; i++) {
        if (rv_bytes_equal(type->labels->labels[i], text)) {
            *value = i;
            return RV_OK;
        }
    }
    *why = "it must be one of the enum's labels";
    return RV_VALUE_INVALID;
}

static int hex_value(uint8_t c) {
    const uint8_t lower = c | 0x20;
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* 32 digits, a hyphen allowed after each four, braces around it allowed. */
static rv_status read_uuid(rv_bytes text, uint8_t *out, const char **why) {
    RV_ASSERT(out != NULL);
    const bool braces = text.len > 0 && text.ptr[0] == '{';
    size_t at = braces ? 1 : 0;
    *why = "it must have 32 hexadecimal digits, in the form "
           "01234567-89ab-cdef-0123-456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        const int high = at + 1 < text.len ? hex_value(text.ptr[at]) : -1;
        const int low = at + 1 < text.len ? hex_value(text.ptr[at + 1]) : -1;
        if (high < 0 || low < 0) {
            return RV_VALUE_INVALID;
        }
        out[i] = (uint8_t)(high * 16 + low);
        at += 2;
        at += i % 2 == 1 && i < 15 && at < text.len && text.ptr[at] == '-';
    }
    if (braces) {
        if (at == text.len || text.ptr[at] != '}') {
            return RV_VALUE_INVALID;
        }
        at++;
    }
    RV_ASSERT(at <= text.len);
    return at == text.len ? RV_OK : RV_VALUE_INVALID;
}

/* `\x` and pairs of digits, white space between pairs; or PostgreSQL's older form, bytes as they
 * are with `\\` and `\ooo`. `out` has room for text.len bytes. */
static rv_status read_bytea(rv_bytes text, uint8_t *out, size_t *len, const char **why) {
    RV_ASSERT(out != NULL || text.len == 0);
    const bool hex = text.len >= 2 && text.ptr[0] == '\\' && text.ptr[1] == 'x';
    *why = hex ? "after \\x it must have pairs of hexadecimal digits"
               : "a backslash must begin \\x, \\\\ or three octal digits";
    *len = 0;
    for (size_t at = hex ? 2 : 0; at < text.len;) {
        const uint8_t c = text.ptr[at];
        const size_t left = text.len - at;
        if (hex && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            at += 1;
        } else if (hex) {
            const int high = left >= 2 ? hex_value(c) : -1;
            const int low = left >= 2 ? hex_value(text.ptr[at + 1]) : -1;
            if (high < 0 || low < 0) {
                return RV_VALUE_INVALID;
            }
            out[(*len)++] = (uint8_t)(high * 16 + low);
            at += 2;
        } else if (c != '\\') {
            out[(*len)++] = c;
            at += 1;
        } else if (left >= 2 && text.ptr[at + 1] == '\\') {
            out[(*len)++] = '\\';
            at += 2;
        } else {
            const uint8_t *p = text.ptr + at;
            if (left < 4 || p[1] < '0' || p[1] > '3' || p[2] < '0' || p[2] > '7' || p[3] < '0' ||
                p[3] > '7') {
                return RV_VALUE_INVALID;
            }
            out[(*len)++] = (uint8_t)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
            at += 4;
        }
    }
    RV_ASSERT(*len <= text.len);
    return RV_OK;
}

static rv_status read_interval(rv_bytes text, uint8_t *out, const char **why) {
    rv_interval interval = {0, 0, 0};
    RV_ASSERT(out != NULL);
    const rv_status status = rv_interval_parse(text, &interval, why);
    rv_interval_store(interval, out);
    return status;
}

/* What is neither text nor a number. */
static rv_status read_bytes(const rv_type *type, rv_bytes text, rv_arena *scratch, rv_value *value,
                            const char **why) {
    const size_t fixed = rv_type_bytes_len(type->kind);
    RV_ASSERT(fixed > 0 || type->kind == RV_TYPE_BYTEA);
    const size_t mark = rv_arena_mark(scratch);
    uint8_t *out = rv_arena_take_raw(scratch, fixed > 0 ? fixed : text.len);
    if (out == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    size_t len = fixed;
    const rv_status status = type->kind == RV_TYPE_UUID       ? read_uuid(text, out, why)
                             : type->kind == RV_TYPE_INTERVAL ? read_interval(text, out, why)
                                                              : read_bytea(text, out, &len, why);
    if (status != RV_OK) {
        rv_arena_reset(scratch, mark);
        return status;
    }
    RV_ASSERT(len == fixed || len <= text.len);
    *value = rv_value_bytes(rv_bytes_of(out, len));
    return RV_OK;
}

static rv_status read_integral(const rv_type *type, rv_bytes text, int64_t *value,
                               const char **why) {
    RV_ASSERT(rv_type_class(type) == RV_VALUE_INT);
    RV_ASSERT(why != NULL);
    switch (type->kind) {
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
    case RV_TYPE_BIGINT:
        return read_integer(type, text, value, why);
    case RV_TYPE_BOOLEAN:
        return read_boolean(text, value, why);
    case RV_TYPE_ENUM:
        return read_label(type, text, value, why);
    default:
        return rv_time_parse(type->kind, text, value, why);
    }
}

rv_status rv_scalar_from_text(const rv_type *type, rv_bytes text, rv_bytes what, rv_arena *scratch,
                              rv_value *value, rv_error *err) {
    RV_VERIFY(rv_type_supported(type));
    RV_ASSERT(value != NULL);
    rv_status status = RV_OK;
    const char *why = "";
    size_t code_points = 0;
    if (type->kind == RV_TYPE_JSON) {
        return rv_json_from_text(type, text, what, value, err);
    }
    if (type->kind == RV_TYPE_JSONB) {
        return rv_jsonb_from_text(type, text, what, scratch, value, err);
    }
    if (type->kind == RV_TYPE_NUMERIC) {
        status = rv_numeric_from_text(type, text, scratch, value, &why);
        if (status == RV_OK || status == RV_MEMORY_EXHAUSTED) {
            return status == RV_OK ? RV_OK : rv_value_refuse_memory(err);
        }
    } else if (rv_type_class(type) == RV_VALUE_INT) { /* what these read is UTF-8 */
        int64_t integer = 0;
        status = read_integral(type, text, &integer, &why);
        if (status == RV_OK) {
            *value = rv_value_int(integer);
            return RV_OK;
        }
    } else if (rv_type_class(type) == RV_VALUE_FLOAT) {
        double real = 0;
        status = read_float(type, text, &real, &why);
        if (status == RV_OK) {
            *value = rv_value_float(real);
            return RV_OK;
        }
    }
    if (!rv_utf8_valid(text, &code_points)) {
        return rv_value_refuse(type, RV_VALUE_INVALID, text, what, "text must be UTF-8 without NUL",
                               err);
    }
    if (status != RV_OK) {
        return rv_value_refuse(type, status, text, what, why, err);
    }
    if (type->kind != RV_TYPE_BYTEA && rv_type_bytes_len(type->kind) == 0) {
        return rv_text_fit(type, text, code_points, false, what, scratch, value, err);
    }
    status = read_bytes(type, text, scratch, value, &why);
    if (status == RV_MEMORY_EXHAUSTED) {
        return rv_value_refuse_memory(err);
    }
    return status == RV_OK ? RV_OK : rv_value_refuse(type, status, text, what, why, err);
}

rv_status rv_value_from_text(const rv_type *type, rv_bytes text, rv_bytes what, rv_arena *scratch,
                             rv_value *value, rv_error *err) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    return type->kind == RV_TYPE_ARRAY ? rv_array_from_text(type, text, what, scratch, value, err)
                                       : rv_scalar_from_text(type, text, what, scratch, value, err);
}
