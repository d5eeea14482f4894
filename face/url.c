/* SPDX-License-Identifier: Apache-2.0 */
#include "face/url.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Undoes %XX, and `+` when `plus`. The result is UTF-8 without NUL. */
static rv_status decode(rv_bytes text, bool plus, rv_arena *scratch, rv_bytes *out, rv_error *err) {
    uint8_t *copy = rv_arena_take_raw(scratch, text.len);
    if (copy == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the request's target is too long");
    }
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            const int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            const int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return rv_error_set(err, RV_PATH_INVALID,
                                    "the address has a %% that is not followed by two digits: %b",
                                    &text);
            }
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        copy[len++] = c;
    }
    *out = rv_bytes_of(copy, len);
    return rv_utf8_valid(*out, NULL)
               ? RV_OK
               : rv_error_set(err, RV_PATH_INVALID, "the address is not valid UTF-8: %b", &text);
}

/* The part of `text` before `separator`; `*rest` is what follows it. */
static rv_bytes cut(rv_bytes text, uint8_t separator, rv_bytes *rest) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == separator) {
            *rest = rv_bytes_from(text, i + 1);
            return (rv_bytes){text.ptr, i};
        }
    }
    *rest = (rv_bytes){NULL, 0};
    return text;
}

/* A proxy may send the whole address; its scheme and host say nothing here (RFC 9112, 3.2.2). */
static rv_bytes without_origin(rv_bytes target) {
    static const char scheme[] = "http://";
    const size_t len = sizeof scheme - 1;
    if (target.len < len || memcmp(target.ptr, scheme, len) != 0) {
        return target;
    }
    size_t at = len;
    while (at < target.len && target.ptr[at] != '/' && target.ptr[at] != '?') {
        at += 1;
    }
    return at == target.len ? RV_LITERAL("/") : rv_bytes_from(target, at);
}

rv_status rv_url_parse(rv_bytes target, rv_arena *scratch, rv_url *url, rv_error *err) {
    *url = (rv_url){.segment_count = 0};
    rv_bytes path = cut(without_origin(target), '?', &url->query);
    if (path.len == 0 || path.ptr[0] != '/') {
        return rv_error_set(err, RV_PATH_INVALID, "an address begins with a slash, not with `%b`",
                            &path);
    }
    path = rv_bytes_from(path, 1);
    if (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path.len -= 1;
    }
    const size_t cap = sizeof url->segments / sizeof url->segments[0];
    while (path.len > 0) {
        rv_bytes rest;
        const rv_bytes segment = cut(path, '/', &rest);
        if (url->segment_count == cap) {
            return rv_error_set(err, RV_PATH_INVALID, "the address has more than %u segments",
                                (uint64_t)cap);
        }
        const rv_status status =
            decode(segment, false, scratch, &url->segments[url->segment_count], err);
        if (status != RV_OK) {
            return status;
        }
        url->segment_count += 1;
        path = rest;
    }
    return RV_OK;
}

rv_status rv_url_parameter_next(rv_bytes *left, const char *name, rv_arena *scratch,
                                rv_bytes *value, bool *found, rv_error *err) {
    *found = false;
    *value = (rv_bytes){NULL, 0};
    while (left->len > 0) {
        rv_bytes rest;
        const rv_bytes pair = cut(*left, '&', &rest);
        rv_bytes text;
        const rv_bytes key = cut(pair, '=', &text);
        *left = rest;
        if (rv_bytes_are(key, name)) {
            *found = true;
            return decode(text, true, scratch, value, err);
        }
    }
    return RV_OK;
}

rv_status rv_url_parameter(const rv_url *url, const char *name, rv_arena *scratch, rv_bytes *value,
                           bool *found, rv_error *err) {
    rv_bytes left = url->query;
    return rv_url_parameter_next(&left, name, scratch, value, found, err);
}

bool rv_number_parse(rv_bytes text, uint64_t *value) {
    uint64_t v = 0;
    if (text.len == 0 || text.len > 20) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t digit = (uint8_t)(text.ptr[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10) {
            return false;
        }
        v = v * 10 + digit;
    }
    *value = v;
    return true;
}

rv_status rv_url_number(const rv_url *url, const char *name, rv_arena *scratch, uint64_t *value,
                        rv_error *err) {
    rv_bytes text;
    bool found = false;
    const rv_status status = rv_url_parameter(url, name, scratch, &text, &found, err);
    if (status == RV_OK && found && !rv_number_parse(text, value)) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`%s` is a number, not `%b`", name, &text);
    }
    return status;
}
