/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging bytes from disk and wire: is a text the one text of a jsonb? Tokens are pulled, and what
 * stands between two, every escape, every number and the order of keys are compared with what
 * core/model/jsonb.c would have written. No memory but a place for the last key of each open
 * object.
 */
#include "core/base/assert.h"
#include "core/model/decimal.h"
#include "core/model/jsonb.h"

/* A key that was met, without its quotes; none when ptr is NULL. */
typedef struct level {
    rv_bytes key;
    bool some; /* something was in it */
} level;

bool rv_json_check(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token = {.kind = RV_JSON_NULL};
    rv_status status = RV_OK;
    while (status == RV_OK && token.kind != RV_JSON_END) { /* ends: the parser goes on */
        status = rv_json_next(&json, &token, NULL);
        if (json.depth > RV_JSON_VALUE_DEPTH_MAX) {
            return false;
        }
    }
    RV_ASSERT(status != RV_OK || text.len > 0);
    return status == RV_OK;
}

/* True when the string's escapes are the ones that it must have; `*size` gets what it means in
 * bytes. Bytes that need an escape and have none are no JSON. */
static bool check_string(rv_bytes raw, size_t *size) {
    *size = raw.len;
    for (size_t at = 0; at < raw.len;) {
        if (raw.ptr[at] != '\\') {
            at += 1;
            continue;
        }
        const size_t start = at;
        const uint32_t c = rv_json_char(raw, &at);
        const bool control = c > 0 && c < 0x20;
        if (!control && c != '"' && c != '\\') {
            return false;
        }
        const uint8_t byte = (uint8_t)c;
        uint8_t written[8];
        rv_writer w = rv_writer_over(written, sizeof written);
        rv_write_json_chars(&w, rv_bytes_of(&byte, 1));
        if (!rv_bytes_equal(rv_writer_bytes(&w), rv_bytes_of(raw.ptr + start, at - start))) {
            return false;
        }
        *size -= at - start - 1;
    }
    RV_ASSERT(*size <= raw.len);
    return true;
}

/* True when the number, which is JSON, has no exponent, is not -0, and is within the limits. */
static bool check_number(rv_bytes text) {
    const bool minus = text.ptr[0] == '-';
    size_t whole = 0;
    size_t fraction = 0;
    bool point = false;
    bool digits = false;
    RV_ASSERT(text.len > 0);
    for (size_t i = minus; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if ((c | 0x20) == 'e') {
            return false;
        }
        digits |= c >= '1' && c <= '9';
        point |= c == '.';
        whole += !point;
        fraction += point && c != '.';
    }
    return (digits || !minus) && whole <= RV_DECIMAL_WHOLE_MAX && fraction <= RV_DECIMAL_SCALE_MAX;
}

/* True when key `b` of `size` bytes comes after key `a`. */
static bool comes_after(rv_bytes a, rv_bytes b, size_t size) {
    size_t a_size = 0;
    const bool checked = check_string(a, &a_size);
    RV_ASSERT(checked);
    if (a_size != size) {
        return a_size < size;
    }
    size_t i = 0;
    size_t j = 0;
    while (i < a.len && j < b.len) {
        const uint32_t c = rv_json_char(a, &i);
        const uint32_t d = rv_json_char(b, &j);
        if (c != d) {
            return c < d;
        }
    }
    RV_ASSERT(i == a.len && j == b.len);
    return false;
}

/* True when the token is written as it must be; takes note of keys. */
static bool check_token(const rv_json_token *token, level *inner) {
    size_t size = 0;
    switch (token->kind) {
    case RV_JSON_STRING:
        return check_string(token->text, &size);
    case RV_JSON_NUMBER:
        return check_number(token->text);
    case RV_JSON_KEY: {
        const bool first = inner->key.ptr == NULL;
        const bool good = check_string(token->text, &size) &&
                          (first || comes_after(inner->key, token->text, size));
        inner->key = token->text;
        return good;
    }
    default:
        RV_ASSERT(token->text.len > 0 || token->kind == RV_JSON_END);
        return true;
    }
}

bool rv_jsonb_check(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    level levels[RV_JSON_VALUE_DEPTH_MAX + 1];
    size_t end = 0; /* of the token before */
    bool after_key = false;
    levels[0] = (level){.key = {NULL, 0}};
    for (;;) { /* ends: the parser goes through the text */
        rv_json_token token;
        const uint32_t depth = json.depth;
        if (rv_json_next(&json, &token, NULL) != RV_OK || json.depth > RV_JSON_VALUE_DEPTH_MAX) {
            return false;
        }
        const bool opens = json.depth > depth;
        const bool outer = json.depth < depth || token.kind == RV_JSON_END;
        level *const inner = &levels[opens ? depth : json.depth];
        const char *const gap = outer || depth == 0  ? ""
                                : after_key          ? ": "
                                : levels[depth].some ? ", "
                                                     : "";
        if (!rv_bytes_are(rv_bytes_of(text.ptr + end, token.offset - end), gap) ||
            !check_token(&token, inner)) {
            return false;
        }
        if (token.kind == RV_JSON_END) {
            return true;
        }
        levels[outer ? json.depth : depth].some = true;
        if (opens) {
            levels[json.depth] = (level){.key = {NULL, 0}};
        }
        const bool quoted = token.kind == RV_JSON_KEY || token.kind == RV_JSON_STRING;
        after_key = token.kind == RV_JSON_KEY;
        end = token.offset + token.text.len + (quoted ? 2 : 0);
        RV_ASSERT(end <= text.len);
    }
}
