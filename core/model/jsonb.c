/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a jsonb's text from any JSON text, in one pass and without recursion. The text grows from
 * the front of the memory that is left; from its end grows a stack of the members of all open
 * objects, of which each knows where its text lies. When an object closes and its keys were not in
 * order, its members are sorted, its text is copied behind itself, and the members are put together
 * again in their order.
 *
 *     | out: [{"b": 1, "a": [7, 8  …            free            … member b, member a |
 */
#include "core/model/jsonb.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/decimal.h"
#include "core/model/value_text.h"

/* A member of an open object: `"key": value` from `start` to `end` in the text. */
typedef struct member {
    uint32_t start;
    uint32_t end;
    uint32_t key_len; /* of the key as it is written, without quotes */
    uint32_t size;    /* of the key itself, without escapes */
} member;

/* An open object or array. */
typedef struct level {
    uint32_t first; /* of its members on the stack */
    uint32_t start; /* of its text, after the bracket */
    bool some;      /* something is in it */
    bool sorted;
} level;

typedef struct maker {
    rv_json json;
    uint8_t *start;
    size_t room; /* of text and members */
    rv_writer out;
    uint32_t member_count;
    level levels[RV_JSON_VALUE_DEPTH_MAX + 1];
    uint32_t depth;
} maker;

/* The i-th member; the first lies at the end of the memory. */
static member *member_at(const maker *m, uint32_t i) {
    RV_ASSERT(i < m->member_count);
    return (member *)(void *)(m->start + m->room) - 1 - i;
}

/* Keys that are written without escapes can be compared as they are. */
static int compare_keys(const maker *m, const member *a, const member *b) {
    if (a->size != b->size) {
        return a->size < b->size ? -1 : 1;
    }
    const rv_bytes x = rv_bytes_of(m->out.ptr + a->start + 1, a->key_len);
    const rv_bytes y = rv_bytes_of(m->out.ptr + b->start + 1, b->key_len);
    if (a->key_len == a->size && b->key_len == b->size) {
        return rv_bytes_compare(x, y);
    }
    size_t i = 0;
    size_t j = 0;
    while (i < x.len && j < y.len) {
        const uint32_t c = rv_json_char(x, &i); /* UTF-8 sorts as its code points do */
        const uint32_t d = rv_json_char(y, &j);
        if (c != d) {
            return c < d ? -1 : 1;
        }
    }
    RV_ASSERT(i == x.len && j == y.len);
    return 0;
}

/* Keys, then as they were given. */
static bool comes_before(const maker *m, const member *a, const member *b) {
    const int order = compare_keys(m, a, b);
    return order != 0 ? order < 0 : a->start < b->start;
}

/* Lets the member at `root` of the heap of `count` sink to its place. */
static void sift(const maker *m, uint32_t first, uint32_t root, uint32_t count) {
    RV_ASSERT(root < count);
    for (uint32_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count &&
            comes_before(m, member_at(m, first + child), member_at(m, first + child + 1))) {
            child += 1;
        }
        member *const parent = member_at(m, first + root);
        member *const larger = member_at(m, first + child);
        if (!comes_before(m, parent, larger)) {
            return;
        }
        const member kept = *parent;
        *parent = *larger;
        *larger = kept;
        root = child;
    }
}

static void sort_members(const maker *m, uint32_t first) {
    const uint32_t count = m->member_count - first;
    RV_ASSERT(count > 1);
    for (uint32_t i = count / 2; i > 0; i--) {
        sift(m, first, i - 1, count);
    }
    for (uint32_t end = count - 1; end > 0; end--) {
        member *const top = member_at(m, first);
        member *const last = member_at(m, first + end);
        const member kept = *top;
        *top = *last;
        *last = kept;
        sift(m, first, 0, end);
    }
}

/* Puts the text of an object, whose members are in another order than their keys, in order. */
static bool order_object(maker *m, const level *l) {
    const size_t len = m->out.len - l->start;
    sort_members(m, l->first);
    if (rv_writer_room(&m->out) < len) {
        return false;
    }
    const uint8_t *const copy = m->out.ptr + m->out.len;
    memcpy(m->out.ptr + m->out.len, m->out.ptr + l->start, len);
    /* keys are compared before the members are written over: the last of equal ones is kept */
    uint32_t kept = l->first;
    for (uint32_t i = l->first; i < m->member_count; i++) {
        const bool twice =
            i + 1 < m->member_count && compare_keys(m, member_at(m, i), member_at(m, i + 1)) == 0;
        if (!twice) {
            *member_at(m, kept++) = *member_at(m, i);
        }
    }
    size_t at = l->start;
    for (uint32_t i = l->first; i < kept; i++) {
        const member *const from = member_at(m, i);
        if (i > l->first) {
            m->out.ptr[at++] = ',';
            m->out.ptr[at++] = ' ';
        }
        memcpy(m->out.ptr + at, copy + (from->start - l->start), from->end - from->start);
        at += from->end - from->start;
    }
    RV_ASSERT(at <= m->out.len);
    m->out.len = at;
    return true;
}

/* Writes a string from its raw text; returns the length of what it means. */
static size_t write_string(rv_bytes raw, rv_writer *w) {
    size_t size = 0;
    rv_write_u8(w, '"');
    for (size_t at = 0; at < raw.len && !w->full;) {
        size_t end = at;
        while (end < raw.len && raw.ptr[end] != '\\') {
            end++;
        }
        rv_write(w, rv_bytes_of(raw.ptr + at, end - at));
        size += end - at;
        at = end;
        if (at < raw.len) {
            uint8_t bytes[4];
            const size_t len = rv_utf8_encode(rv_json_char(raw, &at), bytes);
            rv_write_json_chars(w, rv_bytes_of(bytes, len));
            size += len;
        }
    }
    rv_write_u8(w, '"');
    return size;
}

/* A number is written as it stands unless it has an exponent, is -0, or is beyond the limits. */
static rv_status write_number(maker *m, rv_bytes text) {
    bool plain = text.len <= RV_DECIMAL_SCALE_MAX;
    bool digits = text.ptr[0] != '-';
    for (size_t i = 0; i < text.len && plain; i++) {
        plain = (text.ptr[i] | 0x20) != 'e';
        digits |= text.ptr[i] >= '1' && text.ptr[i] <= '9';
    }
    if (plain && digits) {
        rv_write(&m->out, text);
        return RV_OK;
    }
    rv_arena free_room = rv_arena_over(m->out.ptr + m->out.len, rv_writer_room(&m->out));
    uint8_t *const printed = rv_arena_take_raw(&free_room, RV_DECIMAL_TEXT_MAX);
    rv_decimal number;
    if (printed == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    const rv_status status = rv_decimal_parse(text, RV_DECIMAL_ANY_SCALE, &free_room, &number);
    if (status != RV_OK) {
        return status;
    }
    rv_writer w = rv_writer_over(printed, RV_DECIMAL_TEXT_MAX);
    rv_decimal_write(&number, &w);
    RV_ASSERT(!w.full && w.len <= rv_writer_room(&m->out));
    memmove(m->out.ptr + m->out.len, printed, w.len);
    m->out.len += w.len;
    return RV_OK;
}

/* What stands before an element of an array, or before a key. */
static void write_comma(maker *m) {
    level *const l = &m->levels[m->depth];
    RV_ASSERT(m->depth <= RV_JSON_VALUE_DEPTH_MAX);
    rv_write_text(&m->out, l->some ? ", " : "");
    l->some = true;
}

static bool add_key(maker *m, rv_bytes raw) {
    level *const l = &m->levels[m->depth];
    write_comma(m);
    const size_t start = m->out.len;
    const size_t size = write_string(raw, &m->out);
    const size_t key_len = m->out.len - start - 2;
    rv_write_text(&m->out, ": ");
    if (m->out.full || rv_writer_room(&m->out) < sizeof(member)) {
        return false;
    }
    m->out.cap -= sizeof(member);
    m->member_count += 1;
    *member_at(m, m->member_count - 1) =
        (member){(uint32_t)start, 0, (uint32_t)key_len, (uint32_t)size};
    if (m->member_count - l->first > 1) {
        l->sorted = l->sorted && compare_keys(m, member_at(m, m->member_count - 2),
                                              member_at(m, m->member_count - 1)) < 0;
    }
    return true;
}

static rv_status open_level(maker *m, bool object) {
    RV_ASSERT(m->depth <= RV_JSON_VALUE_DEPTH_MAX);
    if (m->depth == RV_JSON_VALUE_DEPTH_MAX) {
        return RV_VALUE_TOO_LONG;
    }
    rv_write_u8(&m->out, object ? '{' : '[');
    m->depth += 1;
    m->levels[m->depth] = (level){
        .first = m->member_count, .start = (uint32_t)m->out.len, .some = false, .sorted = true};
    return RV_OK;
}

static bool close_level(maker *m, bool object) {
    const level *const l = &m->levels[m->depth];
    RV_ASSERT(m->depth > 0 && l->first <= m->member_count);
    if (object && !l->sorted && (m->out.full || !order_object(m, l))) {
        return false;
    }
    rv_write_u8(&m->out, object ? '}' : ']');
    m->out.cap += (m->member_count - l->first) * sizeof(member);
    m->member_count = l->first;
    m->depth -= 1;
    return true;
}

/* Takes a token over. RV_VALUE_TOO_LONG: it is nested too deep. */
static rv_status take_token(maker *m, const rv_json_token *token, bool in_array) {
    RV_ASSERT(token->kind != RV_JSON_END);
    const bool closes = token->kind == RV_JSON_OBJECT_END || token->kind == RV_JSON_ARRAY_END;
    if (in_array && !closes) {
        write_comma(m);
    }
    switch (token->kind) {
    case RV_JSON_KEY:
        return add_key(m, token->text) ? RV_OK : RV_MEMORY_EXHAUSTED;
    case RV_JSON_OBJECT_BEGIN:
    case RV_JSON_ARRAY_BEGIN:
        return open_level(m, token->kind == RV_JSON_OBJECT_BEGIN);
    case RV_JSON_OBJECT_END:
    case RV_JSON_ARRAY_END:
        return close_level(m, token->kind == RV_JSON_OBJECT_END) ? RV_OK : RV_MEMORY_EXHAUSTED;
    case RV_JSON_STRING:
        (void)write_string(token->text, &m->out);
        return RV_OK;
    case RV_JSON_NUMBER:
        return write_number(m, token->text);
    default:
        rv_write(&m->out, token->text);
        return RV_OK;
    }
}

/* Reads the whole text. RV_JSON_INVALID: with `err`. */
static rv_status make(maker *m, rv_error *err) {
    for (;;) { /* ends: the parser goes through the text */
        rv_json_token token;
        const bool in_array = m->depth > 0 && !m->json.object;
        rv_status status = rv_json_next(&m->json, &token, err);
        if (status != RV_OK || token.kind == RV_JSON_END) {
            return status;
        }
        status = take_token(m, &token, in_array);
        if (status != RV_OK || m->out.full) {
            return status == RV_OK ? RV_MEMORY_EXHAUSTED : status;
        }
        const bool value_ended = token.kind != RV_JSON_KEY && token.kind != RV_JSON_OBJECT_BEGIN &&
                                 token.kind != RV_JSON_ARRAY_BEGIN;
        if (value_ended && m->depth > 0 && m->json.object) {
            RV_ASSERT(m->member_count > m->levels[m->depth].first);
            member_at(m, m->member_count - 1)->end = (uint32_t)m->out.len;
        }
    }
}

static const char *reason_of(rv_status status, const rv_error *inner) {
    RV_ASSERT(status != RV_OK);
    return status == RV_JSON_INVALID         ? inner->detail
           : status == RV_VALUE_OUT_OF_RANGE ? "a number in it has too many digits"
                                             : "it is nested more than 120 deep";
}

RV_STATIC_ASSERT(RV_JSON_VALUE_DEPTH_MAX == 120, "the error says so");

rv_status rv_jsonb_from_text(const rv_type *type, rv_bytes text, rv_bytes what, rv_arena *scratch,
                             rv_value *value, rv_error *err) {
    maker m;
    rv_error inner = {.detail_len = 0};
    m.start = (uint8_t *)rv_arena_take_raw(scratch, 0);
    if (m.start == NULL || text.len > UINT32_MAX / 16) {
        return rv_value_refuse_memory(err);
    }
    m.json = rv_json_over(text, NULL);
    m.room = (scratch->cap - scratch->len) & ~(size_t)15;
    m.out = rv_writer_over(m.start, m.room);
    m.member_count = 0;
    m.depth = 0;
    const rv_status status = make(&m, &inner);
    if (status == RV_MEMORY_EXHAUSTED) {
        return rv_value_refuse_memory(err);
    }
    if (status != RV_OK) {
        return rv_value_refuse(type, status == RV_VALUE_OUT_OF_RANGE ? status : RV_VALUE_INVALID,
                               text, what, reason_of(status, &inner), err);
    }
    RV_ASSERT(m.depth == 0 && m.member_count == 0);
    scratch->len += m.out.len;
    *value = rv_value_bytes(rv_writer_bytes(&m.out));
    return RV_OK;
}

rv_status rv_json_from_text(const rv_type *type, rv_bytes text, rv_bytes what, rv_value *value,
                            rv_error *err) {
    rv_json json = rv_json_over(text, NULL);
    rv_error inner = {.detail_len = 0};
    rv_json_token token = {.kind = RV_JSON_NULL};
    rv_status status = RV_OK;
    while (status == RV_OK && token.kind != RV_JSON_END) { /* ends: the parser goes on */
        status = rv_json_next(&json, &token, &inner);
        if (status == RV_OK && json.depth > RV_JSON_VALUE_DEPTH_MAX) {
            status = RV_VALUE_TOO_LONG;
        }
    }
    if (status != RV_OK) {
        return rv_value_refuse(type, RV_VALUE_INVALID, text, what, reason_of(status, &inner), err);
    }
    RV_ASSERT(text.len > 0);
    *value = rv_value_bytes(text);
    return RV_OK;
}

void rv_json_write_line(rv_bytes text, rv_writer *w) {
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' || text.ptr[i] == '\r') { /* in no string: there they are escaped */
            rv_write(w, rv_bytes_of(text.ptr + from, i - from));
            rv_write_u8(w, ' ');
            from = i + 1;
        }
    }
    RV_ASSERT(from <= text.len);
    rv_write(w, rv_bytes_from(text, from));
}
