/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that make text, in scratch memory: each writes as far as there is room, and is told at the
 * end when there was too little. What could be long for little input is paid for before.
 */
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/expr_call.h"
#include "core/model/value_text.h"

static void write_repeated(rv_writer *w, rv_bytes text, uint64_t count) {
    RV_ASSERT(w != NULL);
    for (uint64_t i = 0; i < count && text.len > 0 && !w->full; i++) {
        rv_write(w, text);
    }
}

/* text, length [, fill]: to a length in characters, cut on the right when it is longer. */
static rv_status pad(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    const rv_bytes fill = step->kind > 2 ? values[2].as.bytes : RV_LITERAL(" ");
    const int64_t length = values[1].as.integer < 0 ? 0 : values[1].as.integer;
    size_t has = 0;
    size_t fills = 0;
    const bool valid = rv_utf8_valid(text, &has) && rv_utf8_valid(fill, &fills);
    RV_ASSERT(valid);
    if ((int64_t)has >= length || fills == 0) {
        values[0].as.bytes = rv_text_prefix(text, (size_t)length);
        return RV_OK;
    }
    const uint64_t missing = (uint64_t)length - has;
    rv_status status = rv_call_charge(env, missing * 4);
    if (status != RV_OK) {
        return status;
    }
    rv_writer w = rv_call_writer(env);
    if (step->target == RV_CALL_RPAD) {
        rv_write(&w, text);
    }
    write_repeated(&w, fill, missing / fills);
    rv_write(&w, rv_text_prefix(fill, (size_t)(missing % fills)));
    if (step->target == RV_CALL_LPAD) {
        rv_write(&w, text);
    }
    return rv_call_written(env, &w, &values[0]);
}

static rv_status replace(rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    const rv_bytes from = values[1].as.bytes;
    if (from.len == 0) {
        return RV_OK;
    }
    rv_writer w = rv_call_writer(env);
    size_t at = 0;
    size_t found = 0;
    while (!w.full) { /* ends: each round goes past what was found */
        const rv_status status = rv_call_search(env, text, at, from, &found);
        if (status != RV_OK) {
            return status;
        }
        const size_t end = found == SIZE_MAX ? text.len : found;
        rv_write(&w, rv_bytes_of(text.ptr + at, end - at));
        if (found == SIZE_MAX) {
            break;
        }
        rv_write(&w, values[2].as.bytes);
        at = found + from.len;
    }
    RV_ASSERT(at <= text.len);
    return rv_call_written(env, &w, &values[0]);
}

static rv_status repeat(rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    const uint64_t count = values[1].as.integer < 0 ? 0 : (uint64_t)values[1].as.integer;
    RV_ASSERT(count <= INT32_MAX);
    const rv_status status = rv_call_charge(env, count * text.len);
    if (status != RV_OK) {
        return status;
    }
    rv_writer w = rv_call_writer(env);
    write_repeated(&w, text, count);
    return rv_call_written(env, &w, &values[0]);
}

static rv_status reverse(rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    rv_writer w = rv_call_writer(env);
    for (size_t end = text.len; end > 0;) {
        size_t at = end - 1;
        while ((text.ptr[at] & 0xc0) == 0x80) {
            RV_ASSERT(at > 0);
            at -= 1;
        }
        rv_write(&w, rv_bytes_of(text.ptr + at, end - at));
        end = at;
    }
    return rv_call_written(env, &w, &values[0]);
}

static bool is_letter(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Lower case; with `words` the first letter of each word upper case. */
static rv_status fold(rv_value *values, bool words, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    rv_writer w = rv_call_writer(env);
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        const uint8_t lower = is_letter(c) ? c | 0x20 : c;
        rv_write_u8(&w, words && !inside && is_letter(c) ? lower ^ 0x20 : lower);
        inside = is_letter(c) || (c >= '0' && c <= '9');
    }
    RV_ASSERT(w.full || w.len == text.len);
    return rv_call_written(env, &w, &values[0]);
}

static rv_status chr(rv_value *values, const rv_call_env *env) {
    const int64_t c = values[0].as.integer;
    uint8_t bytes[4];
    if (c <= 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        const rv_status status = c < 0 ? RV_VALUE_INVALID : RV_VALUE_OUT_OF_RANGE;
        return rv_error_set(env->err, status, "there is no character %d", c);
    }
    rv_writer w = rv_call_writer(env);
    rv_write(&w, rv_bytes_of(bytes, rv_utf8_encode((uint32_t)c, bytes)));
    RV_ASSERT(w.len <= 4);
    return rv_call_written(env, &w, &values[0]);
}

/* Each character that is in `from` becomes the one at its place in `to`, or nothing. */
static rv_status translate(rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    const rv_bytes from = values[1].as.bytes;
    const rv_bytes to = values[2].as.bytes;
    const rv_status status = rv_call_charge(env, (uint64_t)text.len * (1 + from.len / 2));
    if (status != RV_OK) {
        return status;
    }
    rv_writer w = rv_call_writer(env);
    for (size_t at = 0; at < text.len;) {
        const size_t len = rv_utf8_char_len(rv_bytes_from(text, at));
        size_t f = 0;
        size_t t = 0;
        RV_ASSERT(len > 0);
        while (f < from.len) {
            const size_t step = rv_utf8_char_len(rv_bytes_from(from, f));
            if (step == len && memcmp(from.ptr + f, text.ptr + at, len) == 0) {
                break;
            }
            f += step;
            t += t < to.len ? rv_utf8_char_len(rv_bytes_from(to, t)) : 0;
        }
        if (f >= from.len) {
            rv_write(&w, rv_bytes_of(text.ptr + at, len));
        } else if (t < to.len) {
            rv_write(&w, rv_bytes_of(to.ptr + t, rv_utf8_char_len(rv_bytes_from(to, t))));
        }
        at += len;
    }
    return rv_call_written(env, &w, &values[0]);
}

/* text, part, from [, count]: the part instead of `count` characters (its own length). */
static rv_status overlay(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_bytes text = values[0].as.bytes;
    const rv_bytes part = values[1].as.bytes;
    const int64_t from = values[2].as.integer;
    size_t count = 0;
    const bool valid = rv_utf8_valid(part, &count);
    RV_ASSERT(valid);
    if (from <= 0) {
        return rv_error_set(env->err, RV_VALUE_INVALID, "overlay begins at 1, not at %d", from);
    }
    const int64_t rest = from + (step->kind > 3 ? values[3].as.integer : (int64_t)count);
    if (rest > INT32_MAX || rest < INT32_MIN) {
        return rv_error_set(env->err, RV_VALUE_OUT_OF_RANGE, "overlay goes beyond all integers");
    }
    rv_writer w = rv_call_writer(env);
    rv_write(&w, rv_text_prefix(text, (size_t)(from - 1)));
    rv_write(&w, part);
    const size_t skipped = rest <= 1 ? 0 : rv_text_prefix(text, (size_t)(rest - 1)).len;
    rv_write(&w, rv_bytes_from(text, skipped));
    return rv_call_written(env, &w, &values[0]);
}

/* A pattern whose escape is another character, or none when it is empty. */
static rv_status like_escape(rv_value *values, const rv_call_env *env) {
    const rv_bytes pattern = values[0].as.bytes;
    const rv_bytes escape = values[1].as.bytes;
    if (escape.len != rv_utf8_char_len(escape)) {
        return rv_error_set(env->err, RV_VALUE_INVALID, "an escape of LIKE is one character");
    }
    rv_writer w = rv_call_writer(env);
    for (size_t at = 0; at < pattern.len;) {
        const size_t len = rv_utf8_char_len(rv_bytes_from(pattern, at));
        const rv_bytes c = rv_bytes_of(pattern.ptr + at, len);
        RV_ASSERT(len > 0);
        at += len;
        if (escape.len > 0 && rv_bytes_equal(c, escape)) {
            if (at == pattern.len) {
                return rv_error_set(env->err, RV_VALUE_INVALID,
                                    "a LIKE pattern must not end with its escape");
            }
            const size_t next = rv_utf8_char_len(rv_bytes_from(pattern, at));
            rv_write_u8(&w, '\\');
            rv_write(&w, rv_bytes_of(pattern.ptr + at, next));
            at += next;
        } else {
            rv_write_text(&w, c.ptr[0] == '\\' ? "\\" : "");
            rv_write(&w, c);
        }
    }
    return rv_call_written(env, &w, &values[0]);
}

static rv_status output(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    rv_writer w = rv_call_writer(env);
    RV_ASSERT(!rv_value_is_null(&values[0]));
    rv_value_to_text(&step->left, &values[0], &w);
    rv_value made = rv_value_null();
    const rv_status status = rv_call_written(env, &w, &made);
    values[0] = status == RV_OK ? made : values[0];
    return status;
}

/* concat, and concat_ws whose first argument stands between the others; NULL is left out. */
static rv_status concat(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const bool separated = step->target == RV_CALL_CONCAT_WS;
    rv_writer w = rv_call_writer(env);
    bool some = false;
    RV_ASSERT(step->kind > separated);
    if (separated && rv_value_is_null(&values[0])) {
        return RV_OK;
    }
    for (uint32_t i = separated; i < step->kind; i++) {
        if (!rv_value_is_null(&values[i])) {
            rv_write(&w, some && separated ? values[0].as.bytes : (rv_bytes){NULL, 0});
            rv_write(&w, values[i].as.bytes);
            some = true;
        }
    }
    const rv_status status = rv_call_charge(env, w.len);
    return status == RV_OK ? rv_call_written(env, &w, &values[0]) : status;
}

rv_status rv_call_text_make(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_call call = (rv_call)step->target;
    RV_ASSERT(call >= RV_CALL_LIKE_ESCAPE && call <= RV_CALL_CONCAT_WS);
    uint64_t len = 0;
    for (uint32_t i = 0; i < step->kind && call < RV_CALL_CONCAT; i++) { /* which pays for all */
        len += values[i].class_ == RV_VALUE_BYTES ? values[i].as.bytes.len : 0;
    }
    const rv_status status = rv_call_charge(env, len);
    if (status != RV_OK) {
        return status;
    }
    switch (call) {
    case RV_CALL_LIKE_ESCAPE:
        return like_escape(values, env);
    case RV_CALL_FOLD:
    case RV_CALL_INITCAP:
        return fold(values, call == RV_CALL_INITCAP, env);
    case RV_CALL_LPAD:
    case RV_CALL_RPAD:
        return pad(step, values, env);
    case RV_CALL_REPLACE:
        return replace(values, env);
    case RV_CALL_REPEAT:
        return repeat(values, env);
    case RV_CALL_REVERSE:
        return reverse(values, env);
    case RV_CALL_CHR:
        return chr(values, env);
    case RV_CALL_TRANSLATE:
        return translate(values, env);
    case RV_CALL_OVERLAY:
        return overlay(step, values, env);
    case RV_CALL_ENCODE:
    case RV_CALL_DECODE:
        return rv_call_binary(step, values, env);
    case RV_CALL_OUTPUT:
        return output(step, values, env);
    default:
        return concat(step, values, env);
    }
}
