/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays as text, as PostgreSQL 15 reads and writes it, and as JSON.
 *
 *     {1,2,NULL}     {"a b","say \"x\"",c d , "NULL"}
 *
 * White space around an element does not count, inside it does. A backslash takes the next
 * character as it is. An element that has neither quotes nor backslashes and is NULL in any case is
 * NULL. A text is read twice: the first time elements are counted and the syntax is judged, the
 * second time they are made, each unescaped into scratch before its type reads it.
 */
#include "core/model/array.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/value_json.h"
#include "core/model/value_text.h"

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t skip_space(rv_bytes text, size_t at) {
    RV_ASSERT(at <= text.len);
    while (at < text.len && is_space(text.ptr[at])) {
        at++;
    }
    return at;
}

/* An element as it stands in the text. */
typedef struct element_text {
    rv_bytes raw; /* without quotes, and without white space around it */
    bool quoted;  /* in quotes */
    bool escapes; /* has backslashes */
} element_text;

/* The byte at `at`; 0, which no text has, beyond the end. */
static uint8_t byte_at(rv_bytes text, size_t at) {
    return at < text.len ? text.ptr[at] : 0;
}

/* Reads an element in quotes; `*at` is the opening one, and ends after the closing one. */
static const char *read_quoted(rv_bytes text, size_t *at, element_text *element) {
    const size_t start = *at + 1;
    size_t end = start;
    RV_ASSERT(byte_at(text, *at) == '"');
    while (end < text.len && text.ptr[end] != '"') {
        element->escapes |= text.ptr[end] == '\\';
        end += text.ptr[end] == '\\' ? 2 : 1;
    }
    if (end >= text.len) {
        return "an element in quotes has no end";
    }
    element->raw = rv_bytes_of(text.ptr + start, end - start);
    element->quoted = true;
    *at = end + 1;
    return NULL;
}

static const char *read_bare(rv_bytes text, size_t *at, element_text *element) {
    const size_t start = *at;
    size_t end = start; /* after the last character that counts */
    size_t p = start;
    for (; p < text.len && text.ptr[p] != ',' && text.ptr[p] != '}'; p++) {
        const uint8_t c = text.ptr[p];
        if (c == '{') {
            return p == start ? "it has more than one dimension, which this version does not have"
                              : "a brace inside an element must be in quotes";
        }
        if (c == '"') {
            return "a quote inside an element must be escaped";
        }
        element->escapes |= c == '\\';
        p += c == '\\';
        end = is_space(c) ? end : p + 1;
    }
    if (p >= text.len) {
        return "it must end with }";
    }
    RV_ASSERT(end <= p);
    element->raw = rv_bytes_of(text.ptr + start, end - start);
    *at = p;
    return end == start ? "an element is missing; write \"\" for an empty one" : NULL;
}

/* Reads the element at `*at`, which then is its comma or closing brace. NULL, or what is wrong. */
static const char *read_element(rv_bytes text, size_t *at, element_text *element) {
    *element = (element_text){.raw = {NULL, 0}};
    *at = skip_space(text, *at);
    const char *why =
        byte_at(text, *at) == '"' ? read_quoted(text, at, element) : read_bare(text, at, element);
    if (why != NULL) {
        return why;
    }
    *at = skip_space(text, *at);
    const uint8_t c = byte_at(text, *at);
    RV_ASSERT(*at <= text.len);
    return c == ',' || c == '}' ? NULL : "after an element there must be a comma or }";
}

/* Counts the elements of the text whose brace was at `at` - 1. NULL, or what is wrong. */
static const char *count_elements(rv_bytes text, size_t at, uint32_t *count) {
    size_t end = skip_space(text, at);
    *count = 0;
    if (byte_at(text, end) != '}') {
        end = at;
        for (;;) { /* ends: each round goes past an element */
            element_text element;
            const char *why = read_element(text, &end, &element);
            if (why != NULL) {
                return why;
            }
            *count += *count <= RV_ARRAY_ELEMENTS_MAX;
            if (text.ptr[end] == '}') {
                break;
            }
            end += 1;
        }
    }
    RV_ASSERT(byte_at(text, end) == '}');
    return skip_space(text, end + 1) == text.len ? NULL : "after } there must be nothing";
}

static bool is_null_word(rv_bytes text) {
    static const char word[] = "null";
    bool same = text.len == sizeof word - 1;
    for (size_t i = 0; same && i < text.len; i++) {
        same = (text.ptr[i] | 0x20) == (uint8_t)word[i];
    }
    RV_ASSERT(!same || text.len == 4);
    return same;
}

/* The element's text without backslashes. False: there is no memory. */
static bool unescape(const element_text *element, rv_arena *scratch, rv_bytes *text) {
    *text = element->raw;
    if (!element->escapes) {
        return true;
    }
    uint8_t *out = rv_arena_take_raw(scratch, element->raw.len);
    if (out == NULL) {
        return false;
    }
    size_t len = 0;
    for (size_t i = 0; i < element->raw.len; i++) {
        i += element->raw.ptr[i] == '\\';
        RV_ASSERT(i < element->raw.len);
        out[len++] = element->raw.ptr[i];
    }
    *text = rv_bytes_of(out, len);
    return true;
}

static rv_status refuse_count(const rv_type *type, rv_bytes met, rv_bytes what, rv_error *err) {
    RV_ASSERT(type->kind == RV_TYPE_ARRAY);
    return rv_value_refuse(type, RV_VALUE_TOO_LONG, met, what, "it has more than 65536 elements",
                           err);
}

RV_STATIC_ASSERT(RV_ARRAY_ELEMENTS_MAX == 65536, "the error says so");

static rv_status make_elements(rv_array_maker *maker, rv_bytes text, size_t at, rv_bytes what,
                               rv_error *err) {
    for (uint32_t i = 0; i < maker->count; i++) {
        element_text element;
        const char *const why = read_element(text, &at, &element);
        RV_ASSERT(why == NULL); /* it was counted */
        at += 1;
        rv_value value = rv_value_null();
        if (element.quoted || element.escapes || !is_null_word(element.raw)) {
            rv_bytes bytes;
            if (!unescape(&element, &maker->elements, &bytes)) {
                return rv_value_refuse_memory(err);
            }
            const rv_status status =
                rv_scalar_from_text(&maker->element, bytes, what, &maker->elements, &value, err);
            if (status != RV_OK) {
                return status;
            }
        }
        rv_array_add(maker, &value);
    }
    RV_ASSERT(maker->next == maker->count);
    return RV_OK;
}

rv_status rv_array_from_text(const rv_type *type, rv_bytes text, rv_bytes what, rv_arena *scratch,
                             rv_value *value, rv_error *err) {
    const rv_type element = rv_type_element(type);
    const size_t at = skip_space(text, 0);
    const char *why = NULL;
    uint32_t count = 0;
    if (!rv_utf8_valid(text, NULL)) {
        why = "text must be UTF-8 without NUL";
    } else if (byte_at(text, at) == '[') {
        why = "bounds are not in this version: the first element has number 1";
    } else if (byte_at(text, at) != '{') {
        why = "an array is written {1,2}, with braces around it";
    } else {
        why = count_elements(text, at + 1, &count);
    }
    if (why != NULL) {
        return rv_value_refuse(type, RV_VALUE_INVALID, text, what, why, err);
    }
    if (count > RV_ARRAY_ELEMENTS_MAX) {
        return refuse_count(type, text, what, err);
    }
    rv_array_maker maker;
    if (!rv_array_begin(&maker, &element, count, scratch)) {
        return rv_value_refuse_memory(err);
    }
    const rv_status status = make_elements(&maker, text, at + 1, what, err);
    if (status != RV_OK) {
        return status;
    }
    return rv_array_end(&maker, value) ? RV_OK : rv_value_refuse_memory(err);
}

/* Counts the elements of a JSON array whose opening bracket was read, and goes past its end. */
static rv_status count_json(rv_json json, uint32_t *count, rv_error *err) {
    json.scratch = NULL;
    *count = 0;
    for (;;) { /* ends: the parser goes through the text */
        rv_json_token token;
        rv_bytes whole;
        rv_status status = rv_json_next(&json, &token, err);
        if (status != RV_OK || token.kind == RV_JSON_ARRAY_END) {
            return status;
        }
        status = rv_json_skip(&json, &token, &whole, err);
        if (status != RV_OK) {
            return status;
        }
        *count += *count <= RV_ARRAY_ELEMENTS_MAX;
    }
}

rv_status rv_array_from_json(const rv_type *type, rv_json *json, rv_bytes what, rv_arena *scratch,
                             rv_value *value, rv_error *err) {
    const rv_type element_type = rv_type_element(type);
    rv_arena *const unescaped = json->scratch;
    rv_array_maker maker;
    uint32_t count = 0;
    rv_json_token token;
    rv_status status = count_json(*json, &count, err);
    if (status != RV_OK) {
        return status;
    }
    if (count > RV_ARRAY_ELEMENTS_MAX) {
        return refuse_count(type, RV_LITERAL("[…]"), what, err);
    }
    if (!rv_array_begin(&maker, &element_type, count, scratch)) {
        return rv_value_refuse_memory(err);
    }
    json->scratch = &maker.elements;
    for (uint32_t i = 0; i < count && status == RV_OK; i++) {
        rv_value element = rv_value_null();
        status = rv_json_next(json, &token, err);
        if (status == RV_OK) {
            status = rv_scalar_from_json(&element_type, json, &token, what, &maker.elements,
                                         &element, err);
        }
        if (status == RV_OK) {
            rv_array_add(&maker, &element);
        }
    }
    json->scratch = unescaped;
    if (status != RV_OK) {
        return status;
    }
    status = rv_json_next(json, &token, err);
    RV_ASSERT(status == RV_OK && token.kind == RV_JSON_ARRAY_END); /* it was counted */
    return rv_array_end(&maker, value) ? RV_OK : rv_value_refuse_memory(err);
}

static bool needs_quotes(rv_bytes text) {
    bool quotes = text.len == 0 || is_null_word(text);
    for (size_t i = 0; i < text.len && !quotes; i++) {
        const uint8_t c = text.ptr[i];
        quotes = c == '"' || c == '\\' || c == '{' || c == '}' || c == ',' || is_space(c);
    }
    return quotes;
}

/* Puts quotes around what was written from `start` on, backslashes before what needs them. */
static void quote_written(rv_writer *w, size_t start) {
    size_t extra = 2;
    for (size_t i = start; i < w->len; i++) {
        extra += w->ptr[i] == '"' || w->ptr[i] == '\\';
    }
    if (rv_writer_room(w) < extra) {
        w->full = true;
        return;
    }
    size_t from = w->len;
    w->len += extra;
    size_t to = w->len;
    w->ptr[--to] = '"';
    while (from > start) { /* from the end, so that nothing is written over before it has moved */
        const uint8_t c = w->ptr[--from];
        w->ptr[--to] = c;
        if (c == '"' || c == '\\') {
            w->ptr[--to] = '\\';
        }
    }
    RV_ASSERT(to == start + 1);
    w->ptr[start] = '"';
}

void rv_array_to_text(const rv_type *type, rv_bytes bytes, rv_writer *w) {
    rv_array array = rv_array_over(type, bytes);
    rv_value element;
    rv_write_u8(w, '{');
    while (rv_array_next(&array, &element) && !w->full) {
        rv_write_text(w, array.next > 1 ? "," : "");
        const size_t start = w->len;
        if (rv_value_is_null(&element)) {
            rv_write_text(w, "NULL");
            continue;
        }
        rv_scalar_to_text(&array.element, &element, w);
        if (!w->full && needs_quotes(rv_bytes_of(w->ptr + start, w->len - start))) {
            quote_written(w, start);
        }
    }
    RV_ASSERT(w->full || array.next == array.count);
    rv_write_u8(w, '}');
}

void rv_array_to_json(const rv_type *type, rv_bytes bytes, rv_writer *w) {
    rv_array array = rv_array_over(type, bytes);
    rv_value element;
    rv_write_u8(w, '[');
    while (rv_array_next(&array, &element) && !w->full) {
        rv_write_text(w, array.next > 1 ? "," : "");
        rv_scalar_to_json(&array.element, &element, w);
    }
    RV_ASSERT(w->full || array.next == array.count);
    rv_write_u8(w, ']');
}
