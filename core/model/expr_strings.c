/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on text that look at it or give a part of it: nothing is copied. Positions and lengths
 * count characters, as PostgreSQL's do; letters beyond ASCII have no case.
 */
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/expr_call.h"
#include "core/model/value_text.h"

/* How much may be looked at before it is paid for. */
#define UNPAID_MAX 65536u

static size_t characters(rv_bytes text) {
    size_t count = 0;
    const bool valid = rv_utf8_valid(text, &count);
    RV_ASSERT(valid);
    return count;
}

/* The first `count` characters, or all but the last -count. */
static rv_bytes left_of(rv_bytes text, int64_t count) {
    const int64_t all = (int64_t)characters(text);
    const int64_t taken = count >= 0 ? count : all + count;
    RV_ASSERT(all >= 0);
    return taken <= 0 ? rv_bytes_of(text.ptr, 0)
                      : rv_text_prefix(text, (size_t)(taken < all ? taken : all));
}

static rv_bytes right_of(rv_bytes text, int64_t count) {
    const int64_t all = (int64_t)characters(text);
    const int64_t skipped = count >= 0 ? all - count : -count;
    RV_ASSERT(all >= 0);
    const rv_bytes before = left_of(text, skipped < 0 ? 0 : skipped);
    return rv_bytes_from(text, before.len);
}

rv_status rv_call_search(const rv_call_env *env, rv_bytes text, size_t at, rv_bytes part,
                         size_t *found) {
    uint64_t unpaid = 0;
    RV_ASSERT(at <= text.len);
    *found = SIZE_MAX;
    for (; text.len - at >= part.len; at++) {
        const bool begins = part.len == 0 || text.ptr[at] == part.ptr[0];
        unpaid += begins ? 1 + part.len : 1;
        if (begins && (part.len == 0 || memcmp(text.ptr + at, part.ptr, part.len) == 0)) {
            *found = at;
            break;
        }
        if (unpaid > UNPAID_MAX) {
            if (rv_call_charge(env, unpaid) != RV_OK) {
                return RV_EXPRESSION_LIMIT;
            }
            unpaid = 0;
        }
        if (at == text.len) {
            break;
        }
    }
    return rv_call_charge(env, unpaid);
}

/* The place of a part, from 1 in characters; 0 when it is not in the text. */
static rv_status place_of(const rv_call_env *env, rv_bytes text, rv_bytes part, rv_value *value) {
    size_t found = 0;
    const rv_status status = rv_call_search(env, text, 0, part, &found);
    RV_ASSERT(value != NULL);
    if (status == RV_OK) {
        *value = rv_value_int(
            found == SIZE_MAX ? 0 : (int64_t)characters(rv_bytes_of(text.ptr, found)) + 1);
    }
    return status;
}

/* True when `set` has the character at the start of `text`, whose length is `len`. */
static bool is_in(rv_bytes set, const uint8_t *character, size_t len) {
    for (size_t at = 0; at < set.len;) {
        const size_t step = rv_utf8_char_len(rv_bytes_from(set, at));
        RV_ASSERT(step > 0);
        if (step == len && memcmp(set.ptr + at, character, len) == 0) {
            return true;
        }
        at += step;
    }
    return false;
}

static rv_bytes trim_of(rv_bytes text, rv_bytes set, bool start, bool end) {
    while (start && text.len > 0) {
        const size_t len = rv_utf8_char_len(text);
        if (!is_in(set, text.ptr, len)) {
            break;
        }
        text = rv_bytes_from(text, len);
    }
    while (end && text.len > 0) {
        size_t at = text.len - 1;
        while ((text.ptr[at] & 0xc0) == 0x80) {
            RV_ASSERT(at > 0);
            at -= 1;
        }
        if (!is_in(set, text.ptr + at, text.len - at)) {
            break;
        }
        text.len = at;
    }
    return text;
}

static rv_status trim(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[step->flag].as.bytes;
    const rv_bytes set = step->kind > 1 ? values[!step->flag].as.bytes : RV_LITERAL(" ");
    RV_ASSERT(step->target >= RV_CALL_LTRIM && step->target <= RV_CALL_BTRIM);
    const rv_status status = rv_call_charge(env, (uint64_t)text.len * (1 + set.len / 4));
    if (status == RV_OK) {
        values[0].as.bytes =
            trim_of(text, set, step->target != RV_CALL_RTRIM, step->target != RV_CALL_LTRIM);
    }
    return status;
}

/* The n-th part between delimiters, from 1; from the end when n is negative. */
static rv_status split_part(rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    const rv_bytes delimiter = values[1].as.bytes;
    int64_t n = values[2].as.integer;
    if (n == 0) {
        return rv_error_set(env->err, RV_VALUE_INVALID, "the parts of split_part begin at 1");
    }
    size_t found = 0;
    rv_status status = RV_OK;
    if (n < 0 && delimiter.len > 0) {
        int64_t parts = 1;
        for (size_t at = 0; status == RV_OK; at = found + delimiter.len) {
            status = rv_call_search(env, text, at, delimiter, &found);
            if (status != RV_OK || found == SIZE_MAX) {
                break;
            }
            parts += 1;
        }
        n = parts + n + 1;
    } else if (delimiter.len == 0) {
        n = n == 1 || n == -1 ? 1 : 0;
    }
    size_t at = 0;
    size_t end = text.len;
    for (int64_t i = 1; status == RV_OK && n > 0 && delimiter.len > 0; i++) {
        status = rv_call_search(env, text, at, delimiter, &found);
        end = found == SIZE_MAX ? text.len : found;
        if (i == n || found == SIZE_MAX) {
            n = i == n ? n : 0;
            break;
        }
        at = found + delimiter.len;
    }
    RV_ASSERT(at <= text.len);
    values[0].as.bytes = n > 0 ? rv_bytes_of(text.ptr + at, end - at) : rv_bytes_of(text.ptr, 0);
    return status;
}

static int64_t code_point_of(rv_bytes text) {
    if (text.len == 0) {
        return 0;
    }
    const size_t len = rv_utf8_char_len(text);
    const uint8_t c = text.ptr[0];
    int64_t code_point = len == 1 ? c : c & (0x7f >> len);
    RV_ASSERT(len > 0);
    for (size_t i = 1; i < len; i++) {
        code_point = code_point * 64 + (text.ptr[i] & 0x3f);
    }
    return code_point;
}

rv_status rv_call_text(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    RV_ASSERT(step->target < RV_CALL_LIKE_ESCAPE);
    rv_status status = rv_call_charge(env, text.len);
    if (status != RV_OK) {
        return status;
    }
    switch ((rv_call)step->target) {
    case RV_CALL_OCTET_LENGTH:
        values[0] = rv_value_int((int64_t)text.len);
        break;
    case RV_CALL_BIT_LENGTH:
        values[0] = rv_value_int((int64_t)text.len * 8);
        break;
    case RV_CALL_LEFT:
        values[0].as.bytes = left_of(text, values[1].as.integer);
        break;
    case RV_CALL_RIGHT:
        values[0].as.bytes = right_of(text, values[1].as.integer);
        break;
    case RV_CALL_STRPOS:
        status = place_of(env, text, values[1].as.bytes, &values[0]);
        break;
    case RV_CALL_POSITION:
        status = place_of(env, values[1].as.bytes, text, &values[0]);
        break;
    case RV_CALL_SPLIT_PART:
        status = split_part(values, env);
        break;
    case RV_CALL_STARTS_WITH: {
        const rv_bytes part = values[1].as.bytes;
        const bool starts =
            part.len <= text.len && rv_bytes_equal(part, rv_bytes_of(text.ptr, part.len));
        values[0] = rv_value_int(starts);
        break;
    }
    case RV_CALL_ASCII:
        values[0] = rv_value_int(code_point_of(text));
        break;
    case RV_CALL_SUBSTRING_FOR:
        if (values[1].as.integer < 0) {
            return rv_error_set(env->err, RV_VALUE_INVALID, "a negative length of substring");
        }
        values[0].as.bytes = left_of(text, values[1].as.integer);
        break;
    default:
        status = trim(step, values, env);
        break;
    }
    return status;
}
