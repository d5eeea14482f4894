/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in expressions: ||, like, length, lower, upper, trim, substr. Characters are code points;
 * lower and upper know ASCII only (no locale may decide a state). Long texts cost steps, so that a
 * few operations on large values cannot take more time than many on small ones.
 */
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/expr_step.h"
#include "core/model/value_cast.h"
#include "core/model/value_text.h"

/* Bytes that are looked at for the price of one step. */
#define BYTES_A_STEP 512u

static const rv_type text_type = {.kind = RV_TYPE_TEXT};

/* Pays for looking at `len` bytes. */
static rv_status charge(uint32_t *work, uint64_t len, rv_error *err) {
    const uint64_t price = len / BYTES_A_STEP;
    RV_ASSERT(work != NULL);
    if (price > *work) {
        return rv_error_set(err, RV_EXPRESSION_LIMIT,
                            "the expression takes more than %u steps on values of this length",
                            (uint64_t)RV_EXPR_STEPS_MAX);
    }
    *work -= (uint32_t)price;
    RV_ASSERT(*work <= RV_EXPR_STEPS_MAX);
    return RV_OK;
}

/*
 * LIKE, without recursion: on a mismatch only the last % can take one more character, as everything
 * before it matched as early as it could. An escaped character stands for itself.
 */
static rv_status match_like(rv_bytes text, rv_bytes pattern, uint32_t *work, bool *match,
                            rv_error *err) {
    size_t t = 0;
    size_t p = 0;
    size_t after_percent = SIZE_MAX; /* where the pattern goes on after the last % */
    size_t taken_to = 0;             /* what that % has taken ends here */
    uint64_t cost = 0;
    RV_ASSERT(match != NULL);
    for (;;) {
        cost += 1;
        if (cost % BYTES_A_STEP == 0 && charge(work, BYTES_A_STEP, err) != RV_OK) {
            return RV_EXPRESSION_LIMIT;
        }
        const uint8_t c = p < pattern.len ? pattern.ptr[p] : 0;
        const bool escaped = c == '\\';
        if (escaped && p + 1 == pattern.len) {
            return rv_error_set(err, RV_VALUE_INVALID, "a LIKE pattern must not end with `\\`");
        }
        if (c == '%') {
            p += 1;
            after_percent = p;
            taken_to = t;
            continue;
        }
        if (t == text.len && p == pattern.len) {
            *match = true;
            return RV_OK;
        }
        if (t < text.len && c == '_') {
            t += rv_utf8_char_len(rv_bytes_from(text, t));
            p += 1;
        } else if (t < text.len && p < pattern.len && text.ptr[t] == pattern.ptr[p + escaped]) {
            t += 1;
            p += escaped ? 2 : 1;
        } else if (after_percent != SIZE_MAX && taken_to < text.len) {
            taken_to += rv_utf8_char_len(rv_bytes_from(text, taken_to));
            t = taken_to;
            p = after_percent;
        } else {
            *match = false;
            return RV_OK;
        }
        RV_ASSERT(t <= text.len && p <= pattern.len);
    }
}

static rv_status concatenate(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                             rv_error *err) {
    const rv_type *types[2] = {&step->left, &step->right};
    RV_ASSERT(values[0].class_ != RV_VALUE_NULL && values[1].class_ != RV_VALUE_NULL);
    for (size_t i = 0; i < 2 && step->kind != RV_TYPE_BYTEA; i++) {
        const rv_status status = rv_value_cast(types[i], &text_type, false, (rv_bytes){NULL, 0},
                                               scratch, &values[i], err);
        if (status != RV_OK) {
            return status;
        }
    }
    const rv_bytes a = values[0].as.bytes;
    const rv_bytes b = values[1].as.bytes;
    uint8_t *joined = rv_arena_take_raw(scratch, a.len + b.len);
    if (joined == NULL) {
        return rv_value_refuse_memory(err);
    }
    rv_writer w = rv_writer_over(joined, a.len + b.len);
    rv_write(&w, a);
    rv_write(&w, b);
    RV_ASSERT(!w.full);
    values[0].as.bytes = rv_writer_bytes(&w);
    return RV_OK;
}

static rv_status fold_case(bool upper, rv_value *value, rv_arena *scratch, rv_error *err) {
    const rv_bytes text = value->as.bytes;
    RV_ASSERT(value->class_ == RV_VALUE_BYTES);
    uint8_t *folded = rv_arena_take_raw(scratch, text.len);
    if (folded == NULL) {
        return rv_value_refuse_memory(err);
    }
    const uint8_t first = upper ? 'a' : 'A';
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        folded[i] = c >= first && c < first + 26 ? c ^ 0x20 : c;
    }
    RV_ASSERT(text.len == 0 || folded != text.ptr);
    value->as.bytes = rv_bytes_of(folded, text.len);
    return RV_OK;
}

/* Characters from `from` (1 is the first; before it there is nothing) on, `count` of them. */
static rv_status substring(rv_value *values, bool counted, rv_error *err) {
    const int64_t from = values[1].as.integer;
    int64_t end = INT64_MAX;
    RV_ASSERT(values[0].class_ == RV_VALUE_BYTES && values[1].class_ == RV_VALUE_INT);
    if (counted) {
        if (values[2].as.integer < 0) {
            return rv_error_set(err, RV_VALUE_INVALID, "a negative length of substr");
        }
        end = from + values[2].as.integer; /* two integers of 32 bits */
    }
    const int64_t start = from < 1 ? 1 : from;
    rv_bytes text = values[0].as.bytes;
    text = rv_bytes_from(text, rv_text_prefix(text, (size_t)(start - 1)).len);
    const int64_t count = end > start ? end - start : 0;
    text = rv_text_prefix(text, (uint64_t)count > SIZE_MAX ? SIZE_MAX : (size_t)count);
    RV_ASSERT(text.len <= values[0].as.bytes.len);
    values[0].as.bytes = text;
    return RV_OK;
}

static rv_status length(const rv_expr_step *step, rv_value *value) {
    size_t count = value->as.bytes.len;
    RV_ASSERT(value->class_ == RV_VALUE_BYTES);
    if (step->left.kind != RV_TYPE_BYTEA) {
        const bool valid = rv_utf8_valid(value->as.bytes, &count);
        RV_ASSERT(valid);
    }
    *value = rv_value_int((int64_t)count);
    return RV_OK;
}

rv_status rv_expr_text(const rv_expr_step *step, rv_value *values, uint32_t *work,
                       rv_arena *scratch, rv_error *err) {
    RV_ASSERT(values[0].class_ != RV_VALUE_NULL);
    if (values[0].class_ == RV_VALUE_BYTES && charge(work, values[0].as.bytes.len, err) != RV_OK) {
        return RV_EXPRESSION_LIMIT;
    }
    if (step->left.kind == RV_TYPE_CHAR && step->op < RV_EXPR_AND) {
        values[0].as.bytes = rv_text_trim_end(values[0].as.bytes); /* functions take text */
    }
    switch (step->op) {
    case RV_EXPR_CONCATENATE:
        if (values[1].class_ == RV_VALUE_BYTES &&
            charge(work, values[1].as.bytes.len, err) != RV_OK) {
            return RV_EXPRESSION_LIMIT;
        }
        return concatenate(step, values, scratch, err);
    case RV_EXPR_LIKE: {
        bool match = false;
        const rv_bytes given = values[1].as.bytes; /* a pattern is text */
        const rv_bytes pattern = step->right.kind == RV_TYPE_CHAR ? rv_text_trim_end(given) : given;
        const rv_status status = match_like(values[0].as.bytes, pattern, work, &match, err);
        if (status == RV_OK) {
            values[0] = rv_value_int(match != step->flag);
        }
        return status;
    }
    case RV_EXPR_LENGTH:
        return length(step, &values[0]);
    case RV_EXPR_LOWER:
    case RV_EXPR_UPPER:
        return fold_case(step->op == RV_EXPR_UPPER, &values[0], scratch, err);
    default:
        RV_ASSERT(step->op == RV_EXPR_SUBSTRING || step->op == RV_EXPR_SUBSTRING_COUNT);
        return substring(values, step->op == RV_EXPR_SUBSTRING_COUNT, err);
    }
}
