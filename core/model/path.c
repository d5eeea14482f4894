/* SPDX-License-Identifier: Apache-2.0 */
// Paths, templates and patterns. One walk over the segments serves all three: `next_segment` gives
// one segment after another and refuses what no path may have, so that a path which ends in `/`, or
// has `//` in it, matches nothing.
//
// Text in templates and patterns is compared with paths byte by byte, so it must be written in the
// canonical form itself: `%2F`, not `%2f`, and no %XX for what needs none.
#include "core/model/path.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"

/* True for the bytes that stand as %XX in a path. */
static bool is_encoded(uint8_t c) {
    return c < 0x20 || c == 0x7f || c == '/' || c == '%' || c == '*' || c == '{' || c == '}' ||
           c == '?' || c == '#';
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Takes `/segment` off `path` at `*at`. False at the end, or where no good segment follows. */
static bool next_segment(rv_bytes path, size_t *at, rv_bytes *segment) {
    RV_ASSERT(*at <= path.len);
    if (*at == path.len || path.ptr[*at] != '/') {
        return false;
    }
    const size_t start = *at + 1;
    const uint8_t *slash =
        start < path.len ? memchr(path.ptr + start, '/', path.len - start) : NULL;
    const size_t end = slash == NULL ? path.len : (size_t)(slash - path.ptr);
    if (end == start) {
        return false;
    }
    *segment = rv_bytes_of(path.ptr + start, end - start);
    *at = end;
    return true;
}

static rv_status refuse(rv_bytes text, size_t offset, const char *why, rv_error *err) {
    rv_bytes shown = text;
    shown.len = shown.len > 120 ? 120 : shown.len;
    (void)rv_error_set(err, RV_PATH_INVALID, "`%b`, at offset %u: %s", &shown, (uint64_t)offset,
                       why);
    rv_error_fact_uint(err, "offset", offset);
    return RV_PATH_INVALID;
}

/* Where literal text stops being canonical; its length when it is. */
static size_t literal_end(rv_bytes literal) {
    size_t at = 0;
    while (at < literal.len) {
        const uint8_t c = literal.ptr[at];
        if (c == '%') {
            const int high = at + 2 < literal.len ? hex_value(literal.ptr[at + 1]) : -1;
            const int low = at + 2 < literal.len ? hex_value(literal.ptr[at + 2]) : -1;
            const bool upper =
                high >= 0 && low >= 0 && literal.ptr[at + 1] < 'a' && literal.ptr[at + 2] < 'a';
            if (!upper || (high == 0 && low == 0) || !is_encoded((uint8_t)(high * 16 + low))) {
                return at;
            }
            at += 3;
        } else if (is_encoded(c)) {
            return at;
        } else {
            at += 1;
        }
    }
    return at;
}

/* Checks what templates and patterns share: length, UTF-8, the slash at the start. */
static rv_status check_whole(rv_bytes text, rv_error *err) {
    if (text.len > RV_PATH_LEN_MAX) {
        return refuse(text, RV_PATH_LEN_MAX, "a path has at most 1024 bytes", err);
    }
    if (!rv_utf8_valid(text, NULL)) {
        return refuse(text, 0, "a path must be UTF-8 without NUL", err);
    }
    if (text.len == 0 || text.ptr[0] != '/') {
        return refuse(text, 0, "a path begins with `/`", err);
    }
    return RV_OK;
}

/* True for `{name}`; `*name` gets what is between the braces, checked. */
static bool is_variable(rv_bytes segment, rv_bytes *name) {
    if (segment.len < 3 || segment.ptr[0] != '{' || segment.ptr[segment.len - 1] != '}') {
        return false;
    }
    *name = rv_bytes_of(segment.ptr + 1, segment.len - 2);
    for (size_t i = 0; i < name->len; i++) {
        const uint8_t c = name->ptr[i];
        const bool digit = c >= '0' && c <= '9';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && c < 0x80 && (!digit || i == 0)) {
            return false;
        }
    }
    return name->len <= RV_NAME_LEN_MAX;
}

static rv_status refuse_segment(rv_bytes text, rv_bytes segment, rv_error *err) {
    const size_t offset = (size_t)(segment.ptr - text.ptr) + literal_end(segment);
    RV_ASSERT(offset <= text.len);
    return refuse(text, offset,
                  "a segment is text, {name} or a wildcard as a whole; `/ % * { } ? #` and control "
                  "characters in text are written %XX with upper-case digits, nothing else is",
                  err);
}

static bool has_variable(const rv_path_template *t, rv_bytes name) {
    for (uint32_t i = 0; i < t->segment_count; i++) {
        if (t->segments[i].variable && rv_bytes_equal(t->segments[i].text, name)) {
            return true;
        }
    }
    return false;
}

rv_status rv_path_template_parse(rv_bytes text, rv_path_template *out, rv_error *err) {
    RV_ASSERT(out != NULL);
    const rv_status status = check_whole(text, err);
    if (status != RV_OK) {
        return status;
    }
    rv_path_template t = {.text = text};
    size_t at = 0;
    rv_bytes segment;
    while (next_segment(text, &at, &segment)) {
        const size_t offset = (size_t)(segment.ptr - text.ptr);
        if (t.segment_count == RV_PATH_SEGMENTS_MAX) {
            return refuse(text, offset, "a path has at most 16 segments", err);
        }
        rv_bytes name = segment;
        const bool variable = is_variable(segment, &name);
        if (!variable && literal_end(segment) < segment.len) {
            return refuse_segment(text, segment, err);
        }
        if (rv_bytes_are(segment, ".") || rv_bytes_are(segment, "..")) {
            return refuse(text, offset,
                          "a segment is neither `.` nor `..`, which clients take out of addresses",
                          err);
        }
        if (variable && has_variable(&t, name)) {
            return refuse(text, offset, "the variable is there twice", err);
        }
        t.segments[t.segment_count] = (rv_path_segment){variable ? name : segment, variable};
        t.segment_count += 1;
        t.variable_count += variable;
    }
    if (at < text.len) {
        return refuse(text, at + 1, "a segment must not be empty", err);
    }
    RV_ASSERT(t.segment_count > 0);
    *out = t;
    return RV_OK;
}

bool rv_path_template_match(const rv_path_template *t, rv_bytes path, rv_bytes *values) {
    RV_ASSERT(t->segment_count > 0 && t->segment_count <= RV_PATH_SEGMENTS_MAX);
    size_t at = 0;
    uint32_t count = 0;
    rv_bytes segment;
    for (uint32_t i = 0; i < t->segment_count; i++) {
        if (!next_segment(path, &at, &segment)) {
            return false;
        }
        if (t->segments[i].variable) {
            RV_ASSERT(values != NULL);
            values[count++] = segment;
        } else if (!rv_bytes_equal(segment, t->segments[i].text)) {
            return false;
        }
    }
    return at == path.len;
}

rv_status rv_path_segment_decode(rv_bytes segment, rv_arena *arena, rv_bytes *out, rv_error *err) {
    RV_ASSERT(out != NULL);
    if (segment.len == 0) {
        return refuse(segment, 0, "a segment must not be empty", err);
    }
    rv_bytes text = segment;
    if (memchr(segment.ptr, '%', segment.len) != NULL) {
        uint8_t *decoded = rv_arena_take_raw(arena, segment.len);
        if (decoded == NULL) {
            return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                                "the memory budget is too small for this path");
        }
        size_t len = 0;
        for (size_t i = 0; i < segment.len; i++) {
            decoded[len] = segment.ptr[i];
            if (segment.ptr[i] == '%') {
                const int high = i + 2 < segment.len ? hex_value(segment.ptr[i + 1]) : -1;
                const int low = i + 2 < segment.len ? hex_value(segment.ptr[i + 2]) : -1;
                if (high < 0 || low < 0) {
                    return refuse(segment, i, "`%` must be followed by two hexadecimal digits",
                                  err);
                }
                decoded[len] = (uint8_t)(high * 16 + low);
                i += 2;
            }
            len += 1;
        }
        RV_ASSERT(len < segment.len);
        text = rv_bytes_of(decoded, len);
    }
    if (!rv_utf8_valid(text, NULL)) {
        return refuse(segment, 0, "a segment must be UTF-8 without NUL", err);
    }
    *out = text;
    return RV_OK;
}

void rv_path_segment_write(rv_bytes text, rv_writer *w) {
    RV_ASSERT(w != NULL);
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (is_encoded(c)) {
            const uint8_t code[3] = {'%', (uint8_t) "0123456789ABCDEF"[c >> 4],
                                     (uint8_t) "0123456789ABCDEF"[c & 15]};
            rv_write(w, rv_bytes_of(text.ptr + start, i - start));
            rv_write(w, rv_bytes_of(code, sizeof code));
            start = i + 1;
        }
    }
    if (start < text.len) {
        rv_write(w, rv_bytes_of(text.ptr + start, text.len - start));
    }
}

rv_status rv_path_pattern_parse(rv_bytes text, rv_path_pattern *out, rv_error *err) {
    RV_ASSERT(out != NULL);
    const rv_status status = check_whole(text, err);
    if (status != RV_OK) {
        return status;
    }
    rv_path_pattern p = {.text = text};
    size_t at = 0;
    rv_bytes segment;
    while (next_segment(text, &at, &segment)) {
        const size_t offset = (size_t)(segment.ptr - text.ptr);
        if (p.rest) {
            return refuse(text, offset - 1, "`**` matches the rest and stands last", err);
        }
        if (p.segment_count == RV_PATH_SEGMENTS_MAX) {
            return refuse(text, offset, "a path has at most 16 segments", err);
        }
        rv_bytes name;
        if (rv_bytes_are(segment, "**")) {
            p.rest = true;
        } else if (rv_bytes_are(segment, "*") || is_variable(segment, &name)) {
            p.segments[p.segment_count++] = (rv_bytes){NULL, 0};
        } else if (literal_end(segment) < segment.len) {
            return refuse_segment(text, segment, err);
        } else {
            p.segments[p.segment_count++] = segment;
        }
    }
    if (at < text.len) {
        return refuse(text, at + 1, "a segment must not be empty", err);
    }
    RV_ASSERT(p.segment_count > 0 || p.rest);
    *out = p;
    return RV_OK;
}

bool rv_path_pattern_is_concrete(const rv_path_pattern *pattern) {
    RV_ASSERT(pattern->segment_count <= RV_PATH_SEGMENTS_MAX);
    for (uint32_t i = 0; i < pattern->segment_count; i++) {
        if (pattern->segments[i].len == 0) {
            return false;
        }
    }
    return !pattern->rest;
}

bool rv_path_pattern_match(const rv_path_pattern *pattern, rv_bytes path) {
    RV_ASSERT(pattern->segment_count > 0 || pattern->rest);
    RV_ASSERT(pattern->segment_count <= RV_PATH_SEGMENTS_MAX);
    size_t at = 0;
    rv_bytes segment;
    for (uint32_t i = 0; i < pattern->segment_count; i++) {
        if (!next_segment(path, &at, &segment)) {
            return false;
        }
        const rv_bytes wanted = pattern->segments[i];
        if (wanted.len > 0 ? !rv_bytes_equal(segment, wanted)
                           : i == 0 && rv_bytes_are(segment, "rivulet")) {
            return false;
        }
    }
    if (!pattern->rest) {
        return at == path.len;
    }
    size_t rest_count = 0;
    while (next_segment(path, &at, &segment)) {
        if (rest_count == 0 && pattern->segment_count == 0 && rv_bytes_are(segment, "rivulet")) {
            return false;
        }
        rest_count += 1;
    }
    return rest_count > 0 && at == path.len;
}

bool rv_path_pattern_covers(const rv_path_pattern *pattern, const rv_path_template *t) {
    RV_ASSERT(t->segment_count > 0 && t->segment_count <= RV_PATH_SEGMENTS_MAX);
    if (pattern->rest ? t->segment_count <= pattern->segment_count
                      : t->segment_count != pattern->segment_count) {
        return false;
    }
    RV_ASSERT(pattern->segment_count <= t->segment_count);
    const rv_path_segment *const first = &t->segments[0];
    const bool any_first = pattern->segment_count == 0 || pattern->segments[0].len == 0;
    bool covers = !(any_first && !first->variable && rv_bytes_are(first->text, "rivulet"));
    for (uint32_t i = 0; i < pattern->segment_count && covers; i++) {
        const rv_bytes wanted = pattern->segments[i];
        const rv_path_segment *const segment = &t->segments[i];
        covers = wanted.len == 0 || (!segment->variable && rv_bytes_equal(segment->text, wanted));
    }
    return covers;
}

bool rv_path_pattern_meets(const rv_path_pattern *pattern, const rv_path_template *t) {
    RV_ASSERT(t->segment_count > 0 && t->segment_count <= RV_PATH_SEGMENTS_MAX);
    if (pattern->rest ? t->segment_count <= pattern->segment_count
                      : t->segment_count != pattern->segment_count) {
        return false;
    }
    const rv_path_segment *const first = &t->segments[0];
    const bool any_first = pattern->segment_count == 0 || pattern->segments[0].len == 0;
    const rv_bytes named = any_first ? first->text : pattern->segments[0];
    /* what is the node's own is named on both sides */
    bool meets = any_first == first->variable || !rv_bytes_are(named, "rivulet");
    for (uint32_t i = 0; i < pattern->segment_count && meets; i++) {
        const rv_bytes wanted = pattern->segments[i];
        const rv_path_segment *const segment = &t->segments[i];
        meets = wanted.len == 0 || segment->variable || rv_bytes_equal(segment->text, wanted);
    }
    return meets;
}

bool rv_path_pattern_within(const rv_path_pattern *inner, const rv_path_pattern *outer) {
    RV_ASSERT(inner->segment_count > 0 || inner->rest);
    RV_ASSERT(outer->segment_count > 0 || outer->rest);
    const uint32_t least = inner->segment_count + inner->rest; /* segments of a path */
    if (outer->rest ? least <= outer->segment_count
                    : inner->rest || inner->segment_count != outer->segment_count) {
        return false;
    }
    const bool any_first = outer->segment_count == 0 || outer->segments[0].len == 0;
    bool within =
        !(any_first && inner->segment_count > 0 && rv_bytes_are(inner->segments[0], "rivulet"));
    for (uint32_t i = 0; i < outer->segment_count && within; i++) {
        const rv_bytes wanted = outer->segments[i];
        within = wanted.len == 0 ||
                 (i < inner->segment_count && rv_bytes_equal(inner->segments[i], wanted));
    }
    return within;
}

/* What both segments match, of which the empty one matches any. False: nothing. */
static bool meet_segment(rv_bytes a, rv_bytes b, bool first, rv_bytes *both) {
    *both = a.len > 0 ? a : b;
    if (a.len > 0 && b.len > 0) {
        return rv_bytes_equal(a, b);
    }
    return !(first && a.len != b.len && rv_bytes_are(*both, "rivulet"));
}

bool rv_path_pattern_intersect(const rv_path_pattern *a, const rv_path_pattern *b, rv_writer *w) {
    const rv_path_pattern *const more = a->segment_count >= b->segment_count ? a : b;
    const rv_path_pattern *const less = more == a ? b : a;
    const uint32_t least = more->segment_count + more->rest; /* segments of a path */
    if (less->rest ? least <= less->segment_count
                   : more->rest || less->segment_count != more->segment_count) {
        return false;
    }
    for (uint32_t i = 0; i < more->segment_count; i++) {
        rv_bytes both;
        const rv_bytes any = {NULL, 0};
        const rv_bytes other = i < less->segment_count ? less->segments[i] : any;
        if (!meet_segment(more->segments[i], other, i == 0, &both)) {
            return false;
        }
        rv_write_u8(w, '/');
        rv_write(w, both.len > 0 ? both : rv_bytes_of_string("*"));
    }
    if (more->rest) {
        rv_write(w, rv_bytes_of_string("/**"));
    }
    return true;
}
