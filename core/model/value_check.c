/* SPDX-License-Identifier: Apache-2.0 */
/* Is a value one of its type: see value_check.h. */
#include "core/model/value_check.h"

#include "core/model/value_decode.h"

/* Judges by encoding and decoding again: what passes is a value. */
static rv_status check_by_decoding(const rv_type *type, const rv_value *value, rv_arena *scratch) {
    const size_t mark = rv_arena_mark(scratch);
    const size_t cap = value->as.bytes.len + 16;
    uint8_t *const encoded = rv_arena_take_raw(scratch, cap);
    if (encoded == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    rv_writer w = rv_writer_over(encoded, cap);
    rv_value_encode(type, value, &w);
    RV_ASSERT(!w.full);
    rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
    rv_value again;
    rv_value_decode(type, &c, &again);
    rv_arena_reset(scratch, mark);
    return c.bad || rv_cursor_left(&c) > 0 ? RV_VALUE_INVALID : RV_OK;
}

static bool text_fits(const rv_type *type, rv_bytes text) {
    size_t code_points = 0;
    if (!rv_utf8_valid(text, &code_points)) {
        return false;
    }
    RV_ASSERT(code_points <= text.len);
    if (type->kind == RV_TYPE_CHAR) {
        return code_points == type->size;
    }
    return type->size == 0 || code_points <= type->size;
}

static bool int_fits(const rv_type *type, int64_t v) {
    switch (type->kind) {
    case RV_TYPE_BIGINT:
        return true;
    case RV_TYPE_INTEGER:
        return v >= INT32_MIN && v <= INT32_MAX;
    case RV_TYPE_SMALLINT:
        return v >= INT16_MIN && v <= INT16_MAX;
    case RV_TYPE_BOOLEAN:
        return v == 0 || v == 1;
    case RV_TYPE_ENUM:
        return v >= 0 && v < (int64_t)type->labels->label_count;
    case RV_TYPE_NUMERIC: {
        const int64_t limit = rv_number_power(type->size);
        return (v > -limit && v < limit) || v == RV_NUMERIC_NAN;
    }
    default:
        return rv_time_in_range(type->kind, v);
    }
}

rv_status rv_value_check(const rv_type *type, const rv_value *value, rv_arena *scratch) {
    if (rv_value_is_null(value)) {
        return RV_OK;
    }
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    if (value->class_ != rv_type_class(type)) {
        return RV_VALUE_INVALID;
    }
    bool fits = true;
    if (value->class_ == RV_VALUE_INT) {
        fits = int_fits(type, value->as.integer);
    } else if (value->class_ == RV_VALUE_BYTES) {
        switch (type->kind) {
        case RV_TYPE_TEXT:
        case RV_TYPE_VARCHAR:
        case RV_TYPE_CHAR:
            fits = text_fits(type, value->as.bytes);
            break;
        case RV_TYPE_BYTEA:
            break;
        default:
            if (rv_type_bytes_len(type->kind) == 0) {
                return check_by_decoding(type, value, scratch);
            }
            fits = value->as.bytes.len == rv_type_bytes_len(type->kind);
            break;
        }
    }
    return fits ? RV_OK : RV_VALUE_INVALID;
}
