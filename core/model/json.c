/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON pull parser is a machine of a few states, one step a token. `state` says what may come
 * next; `nesting` has a bit for each open bracket, set for an object:
 *
 *     VALUE         a value must come (start; after a comma in an array; after a key)
 *     FIRST_VALUE   a value or `]`
 *     KEY           a key (after a comma in an object)
 *     FIRST_KEY     a key or `}`
 *     AFTER         `,` or the closing bracket
 *     OVER          only white space
 *     FAILED        nothing any more
 *
 * A key is read together with its colon, a comma together with what follows it. Strings are scanned
 * in blocks of bytes for what ends them or needs care; only strings with escapes are copied.
 */
#include "core/model/json.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"

#if defined(__SSE4_2__) && defined(__x86_64__)
#include <nmmintrin.h>
#endif

enum { VALUE, FIRST_VALUE, KEY, FIRST_KEY, AFTER, OVER, FAILED };

rv_json rv_json_over(rv_bytes input, rv_arena *scratch) {
    RV_ASSERT(input.ptr != NULL || input.len == 0);
    return (rv_json){.input = input, .state = VALUE, .scratch = scratch};
}

/* The byte at `at`; 0, which is never right outside a string, beyond the end. */
static inline uint8_t text_at(rv_bytes text, size_t at) {
    return at < text.len ? text.ptr[at] : 0;
}

static inline uint8_t byte_at(const rv_json *json, size_t at) {
    return text_at(json->input, at);
}

/* Ends the parse with what was met at `at`. */
static rv_status fail(rv_json *json, size_t at, const char *expected, rv_error *err) {
    RV_ASSERT(at <= json->input.len);
    json->state = FAILED;
    json->pos = at;
    if (err == NULL) {
        return RV_JSON_INVALID;
    }
    uint64_t line = 1;
    uint64_t column = 1;
    for (size_t i = 0; i < at; i++) {
        const uint8_t c = json->input.ptr[i];
        line += c == '\n';
        column = c == '\n' ? 1 : column + ((c & 0xc0) != 0x80);
    }
    const rv_bytes rest = rv_bytes_from(json->input, at);
    const size_t len = rv_utf8_char_len(rest);
    const rv_bytes met =
        rest.len == 0 ? RV_LITERAL("end of text") : rv_bytes_of(rest.ptr, len == 0 ? 1 : len);
    (void)rv_error_set(err, RV_JSON_INVALID, "line %u, column %u: met `%b`, expected %s", line,
                       column, &met, expected);
    rv_error_fact_uint(err, "offset", at);
    rv_error_fact_uint(err, "line", line);
    rv_error_fact_uint(err, "column", column);
    return RV_JSON_INVALID;
}

static inline bool is_space(uint8_t c) {
    return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r');
}

/* Goes to the next byte that is no white space, and gives it. */
static inline uint8_t skip_space(rv_json *json) {
    uint8_t c = byte_at(json, json->pos);
    while (is_space(c)) {
        json->pos += 1;
        c = byte_at(json, json->pos);
    }
    return c;
}

/* True when the innermost open bracket is an object's. */
static bool in_object(const rv_json *json) {
    RV_ASSERT(json->depth <= RV_JSON_DEPTH_MAX);
    const uint32_t top = json->depth - 1;
    return json->depth > 0 && (json->nesting[top / 8] >> (top % 8) & 1) != 0;
}

/* The state after a whole value. */
static inline void value_ends(rv_json *json) {
    json->state = json->depth == 0 ? OVER : AFTER;
}

#if defined(__SSE4_2__) && defined(__x86_64__)
/* Goes over plain bytes, sixteen at a time: true at the first that is none, false where fewer are
 * left. */
static inline bool skip_blocks(rv_bytes input, size_t *at) {
    for (; input.len - *at >= sizeof(__m128i); *at += sizeof(__m128i)) {
        __m128i block;
        memcpy(&block, input.ptr + *at, sizeof block);
        const __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
        const __m128i slashes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
        const __m128i others = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20)); /* signed: not ASCII */
        const __m128i stops = _mm_or_si128(_mm_or_si128(quotes, slashes), others);
        const unsigned found = (unsigned)_mm_movemask_epi8(stops);
        if (found != 0) {
            *at += (unsigned)__builtin_ctz(found);
            return true;
        }
    }
    return false;
}
#else
/* The high bit of each byte of `word` that is zero, for bytes below 0x80; sloppy above the first.
 */
static inline uint64_t zero_bytes(uint64_t word) {
    return (word - UINT64_C(0x0101010101010101)) & UINT64_C(0x8080808080808080);
}

/* Goes over plain bytes, eight at a time: true at the first that is none, false where fewer are
 * left. */
static inline bool skip_blocks(rv_bytes input, size_t *at) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (; input.len - *at >= 8; *at += 8) {
        const uint64_t word = rv_load_u64(input.ptr + *at);
        const uint64_t found = word | zero_bytes(word ^ ones * '"') |
                               zero_bytes(word ^ ones * '\\') | (word - ones * 0x20);
        const uint64_t stops = found & (ones << 7);
        if (stops != 0) {
            /* the first is right, as sums go wrong only above a byte that was found */
            *at += (unsigned)__builtin_ctzll(stops) / 8;
            return true;
        }
    }
    return false;
}
#endif

/* Goes over bytes that are plain in a string: ASCII, no quote, backslash or control character. */
static inline size_t skip_plain(rv_bytes input, size_t at) {
    RV_ASSERT(at <= input.len);
    if (skip_blocks(input, &at)) {
        return at;
    }
    while (at < input.len && input.ptr[at] >= 0x20 && input.ptr[at] < 0x80 &&
           input.ptr[at] != '"' && input.ptr[at] != '\\') {
        at++;
    }
    return at;
}

/* Four hexadecimal digits at `at`, or -1. */
static int32_t read_hex4(rv_bytes text, size_t at) {
    int32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        const uint8_t c = text_at(text, at + i);
        const uint8_t lower = c | 0x20;
        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    RV_ASSERT(value >= 0 && value <= 0xffff);
    return value;
}

/* The escape at `*at` (its backslash): its character, with `*at` after it; 0 when it is none that
 * is allowed. */
static uint32_t read_escape(rv_bytes text, size_t *at) {
    static const char names[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    RV_ASSERT(text_at(text, *at) == '\\');
    const uint8_t name = text_at(text, *at + 1);
    for (size_t i = 0; i < sizeof names - 1; i++) {
        if (name == (uint8_t)names[i]) {
            *at += 2;
            return (uint8_t)means[i];
        }
    }
    const int32_t unit = name == 'u' ? read_hex4(text, *at + 2) : -1;
    if (unit <= 0) {
        return 0;
    }
    if (unit < 0xd800 || unit > 0xdfff) {
        *at += 6;
        return (uint32_t)unit;
    }
    const bool pair =
        unit < 0xdc00 && text_at(text, *at + 6) == '\\' && text_at(text, *at + 7) == 'u';
    const int32_t low = pair ? read_hex4(text, *at + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *at += 12;
    return 0x10000u + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

uint32_t rv_json_char(rv_bytes raw, size_t *at) {
    RV_ASSERT(*at < raw.len);
    const uint8_t c = raw.ptr[*at];
    if (c == '\\') {
        return read_escape(raw, at);
    }
    const size_t len = c < 0x80 ? 1 : rv_utf8_char_len(rv_bytes_from(raw, *at));
    RV_ASSERT(len > 0);
    uint32_t code_point = len == 1 ? c : c & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        code_point = (code_point << 6) | (raw.ptr[*at + i] & 0x3fu);
    }
    *at += len;
    return code_point;
}

/* Unescapes a string that was checked: `raw` is what is between the quotes. */
static bool unescape(const rv_json *json, rv_bytes raw, rv_bytes *text) {
    const size_t mark = rv_arena_mark(json->scratch);
    uint8_t *out = rv_arena_take_raw(json->scratch, raw.len);
    if (out == NULL) {
        return false;
    }
    size_t len = 0;
    size_t at = (size_t)(raw.ptr - json->input.ptr);
    const size_t end = at + raw.len;
    while (at < end) {
        const uint8_t c = json->input.ptr[at];
        if (c == '\\') {
            len += rv_utf8_encode(read_escape(json->input, &at), out + len);
        } else {
            out[len++] = c;
            at += 1;
        }
    }
    RV_ASSERT(at == end && len < raw.len);
    const size_t unused = raw.len - len;
    RV_ASSERT(json->scratch->len - mark >= unused);
    rv_arena_reset(json->scratch, json->scratch->len - unused);
    *text = rv_bytes_of(out, len);
    return true;
}

/* A string with more in it than plain bytes: they end at `at`. */
static rv_status read_rich_string(rv_json *json, size_t at, rv_bytes *text, rv_error *err) {
    RV_ASSERT(byte_at(json, json->pos) == '"');
    const rv_bytes input = json->input;
    const size_t start = json->pos + 1;
    bool escapes = false;
    for (;;) {
        at = skip_plain(input, at);
        const uint8_t c = byte_at(json, at);
        if (at < input.len && c == '"') {
            break;
        }
        if (at == input.len) {
            return fail(json, at, "the end of the string", err);
        }
        if (c == '\\') {
            escapes = true;
            if (read_escape(json->input, &at) == 0) {
                return fail(json, at, "an escape of a character, no NUL, surrogates in pairs", err);
            }
        } else {
            const size_t len = c < 0x20 ? 0 : rv_utf8_char_len(rv_bytes_from(input, at));
            if (len == 0) {
                return fail(json, at, "valid UTF-8, control characters as escapes", err);
            }
            at += len;
        }
    }
    const rv_bytes raw = rv_bytes_of(input.ptr + start, at - start);
    *text = raw;
    if (escapes && json->scratch != NULL && !unescape(json, raw, text)) {
        json->state = FAILED;
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the memory budget is too small for this JSON text");
    }
    json->pos = at + 1;
    return RV_OK;
}

/* A string whose opening quote is at `pos`. */
static inline rv_status read_string(rv_json *json, rv_bytes *text, rv_error *err) {
    const size_t start = json->pos + 1;
    const size_t end = skip_plain(json->input, start);
    if (byte_at(json, end) != '"') {
        return read_rich_string(json, end, text, err);
    }
    *text = rv_bytes_of(json->input.ptr + start, end - start);
    json->pos = end + 1;
    return RV_OK;
}

static inline size_t skip_digits(const rv_json *json, size_t at) {
    RV_ASSERT(at <= json->input.len);
    const uint8_t *const end = json->input.ptr + json->input.len;
    const uint8_t *p = json->input.ptr + at;
    while (p < end && (unsigned)*p - '0' <= 9) {
        p++;
    }
    return (size_t)(p - json->input.ptr);
}

static rv_status read_number(rv_json *json, rv_json_token *token, rv_error *err) {
    const size_t start = json->pos;
    size_t at = start + (byte_at(json, start) == '-');
    const size_t digits = at;
    at = skip_digits(json, at);
    if (at == digits) {
        return fail(json, at, "a digit", err);
    }
    if (byte_at(json, digits) == '0' && at > digits + 1) {
        return fail(json, digits + 1, "no digit after a leading zero", err);
    }
    if (byte_at(json, at) == '.') {
        const size_t fraction = at + 1;
        at = skip_digits(json, fraction);
        if (at == fraction) {
            return fail(json, at, "a digit after the point", err);
        }
    }
    if ((byte_at(json, at) | 0x20) == 'e') {
        const uint8_t sign = byte_at(json, at + 1);
        const size_t exponent = at + (sign == '+' || sign == '-' ? 2 : 1);
        at = skip_digits(json, exponent > json->input.len ? json->input.len : exponent);
        if (at <= exponent) {
            return fail(json, at, "a digit in the exponent", err);
        }
    }
    RV_ASSERT(at > start);
    token->kind = RV_JSON_NUMBER;
    token->text = rv_bytes_of(json->input.ptr + start, at - start);
    json->pos = at;
    value_ends(json);
    return RV_OK;
}

static rv_status read_word(rv_json *json, rv_json_token *token, rv_error *err) {
    static const struct {
        const char *text;
        rv_json_kind kind;
    } words[] = {{"true", RV_JSON_TRUE}, {"false", RV_JSON_FALSE}, {"null", RV_JSON_NULL}};
    const rv_bytes rest = rv_bytes_from(json->input, json->pos);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t len = strlen(words[i].text);
        if (rest.len >= len && memcmp(rest.ptr, words[i].text, len) == 0) {
            token->kind = words[i].kind;
            token->text = rv_bytes_of(rest.ptr, len);
            json->pos += len;
            value_ends(json);
            return RV_OK;
        }
    }
    RV_ASSERT(json->state == VALUE || json->state == FIRST_VALUE);
    return fail(json, json->pos, json->state == VALUE ? "a value" : "a value or `]`", err);
}

static rv_status open_bracket(rv_json *json, rv_json_token *token, rv_error *err) {
    const bool object = byte_at(json, json->pos) == '{';
    if (json->depth == RV_JSON_DEPTH_MAX) {
        return fail(json, json->pos, "no more than 128 levels of nesting", err);
    }
    const uint8_t bit = (uint8_t)(1u << (json->depth % 8));
    uint8_t *byte = &json->nesting[json->depth / 8];
    *byte = object ? (uint8_t)(*byte | bit) : (uint8_t)(*byte & ~bit);
    json->depth += 1;
    json->object = object;
    json->state = object ? FIRST_KEY : FIRST_VALUE;
    RV_ASSERT(in_object(json) == object);
    token->kind = object ? RV_JSON_OBJECT_BEGIN : RV_JSON_ARRAY_BEGIN;
    token->text = rv_bytes_of(json->input.ptr + json->pos, 1);
    json->pos += 1;
    return RV_OK;
}

static rv_status close_bracket(rv_json *json, rv_json_token *token) {
    RV_ASSERT(json->depth > 0);
    token->kind = json->object ? RV_JSON_OBJECT_END : RV_JSON_ARRAY_END;
    token->text = rv_bytes_of(json->input.ptr + json->pos, 1);
    json->depth -= 1;
    json->object = in_object(json);
    json->pos += 1;
    value_ends(json);
    return RV_OK;
}

/* The value that begins with `c`, at `pos`. */
static rv_status read_value(rv_json *json, uint8_t c, rv_json_token *token, rv_error *err) {
    RV_ASSERT(json->state == VALUE || json->state == FIRST_VALUE);
    if (c == '"') {
        token->kind = RV_JSON_STRING;
        const rv_status status = read_string(json, &token->text, err);
        if (status == RV_OK) {
            value_ends(json);
        }
        return status;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return read_number(json, token, err);
    }
    if (c == '{' || c == '[') {
        return open_bracket(json, token, err);
    }
    if (c == ']' && json->state == FIRST_VALUE) {
        return close_bracket(json, token);
    }
    return read_word(json, token, err);
}

/* The key that begins with `c`, at `pos`, and its colon. */
static rv_status read_key(rv_json *json, uint8_t c, rv_json_token *token, rv_error *err) {
    RV_ASSERT(json->object);
    if (c != '"') {
        return fail(json, json->pos, json->state == FIRST_KEY ? "a key or `}`" : "a key", err);
    }
    token->kind = RV_JSON_KEY;
    const rv_status status = read_string(json, &token->text, err);
    if (status != RV_OK) {
        return status;
    }
    if (skip_space(json) != ':') {
        return fail(json, json->pos, "`:`", err);
    }
    json->pos += 1;
    json->state = VALUE;
    return RV_OK;
}

rv_status rv_json_next(rv_json *json, rv_json_token *token, rv_error *err) {
    uint8_t c = skip_space(json);
    if (json->state == AFTER && c == ',') {
        json->pos += 1;
        json->state = json->object ? KEY : VALUE;
        c = skip_space(json);
    }
    token->offset = json->pos;
    switch (json->state) {
    case VALUE:
    case FIRST_VALUE:
        return read_value(json, c, token, err);
    case KEY:
    case FIRST_KEY:
        if (c == '}' && json->state == FIRST_KEY) {
            return close_bracket(json, token);
        }
        return read_key(json, c, token, err);
    case AFTER:
        if (c == (json->object ? '}' : ']')) {
            return close_bracket(json, token);
        }
        return fail(json, json->pos, json->object ? "`,` or `}`" : "`,` or `]`", err);
    case OVER:
        if (json->pos < json->input.len) {
            return fail(json, json->pos, "the end of the text", err);
        }
        token->kind = RV_JSON_END;
        token->text = (rv_bytes){NULL, 0};
        return RV_OK;
    default:
        RV_ASSERT(json->state == FAILED);
        return rv_error_set(err, RV_JSON_INVALID, "the JSON text failed before");
    }
}

/* The place of the next byte that is no white space, from `at` on. */
static inline size_t behind_space(rv_bytes text, size_t at) {
    while (at < text.len && is_space(text.ptr[at])) {
        at += 1;
    }
    return at;
}

bool rv_json_take_key(rv_json *json, rv_bytes name) {
    const rv_bytes input = json->input;
    RV_ASSERT(name.len > 0);
    size_t at = behind_space(input, json->pos);
    if (json->state == AFTER && json->object && text_at(input, at) == ',') {
        at = behind_space(input, at + 1);
    } else if (json->state != FIRST_KEY) {
        return false;
    }
    if (input.len - at < name.len + 3 || input.ptr[at] != '"' ||
        input.ptr[at + 1 + name.len] != '"' ||
        !rv_names_equal(rv_bytes_of(input.ptr + at + 1, name.len), name)) {
        return false;
    }
    at = behind_space(input, at + name.len + 2);
    if (text_at(input, at) != ':') {
        return false;
    }
    json->pos = at + 1;
    json->state = VALUE;
    return true;
}

bool rv_json_take_int(rv_json *json, int64_t min, uint64_t span, int64_t *value) {
    const rv_bytes input = json->input;
    RV_ASSERT(value != NULL);
    if (json->state != VALUE) {
        return false;
    }
    size_t at = behind_space(input, json->pos);
    const bool minus = text_at(input, at) == '-';
    const size_t first = at + minus;
    int64_t sum = 0;
    for (at = first; at < input.len && (unsigned)input.ptr[at] - '0' <= 9; at += 1) {
        if (at - first == 18) {
            return false;
        }
        sum = sum * 10 + (input.ptr[at] - '0');
    }
    const uint8_t next = text_at(input, at); /* of a fraction or an exponent: it goes on */
    if (at == first || (input.ptr[first] == '0' && at > first + 1) || next == '.' ||
        (next | 0x20) == 'e') {
        return false;
    }
    sum = minus ? -sum : sum;
    if (sum < min || (uint64_t)sum - (uint64_t)min > span) {
        return false;
    }
    *value = sum;
    json->pos = at;
    value_ends(json);
    return true;
}

bool rv_json_take_string(rv_json *json, rv_bytes *text) {
    const rv_bytes input = json->input;
    RV_ASSERT(text != NULL);
    if (json->state != VALUE) {
        return false;
    }
    const size_t at = behind_space(input, json->pos);
    if (text_at(input, at) != '"') {
        return false;
    }
    const size_t end = skip_plain(input, at + 1);
    if (text_at(input, end) != '"') {
        return false;
    }
    *text = rv_bytes_of(input.ptr + at + 1, end - at - 1);
    json->pos = end + 1;
    value_ends(json);
    return true;
}

rv_status rv_json_skip(rv_json *json, const rv_json_token *first, rv_bytes *whole, rv_error *err) {
    RV_ASSERT(first->offset <= json->pos && json->pos <= json->input.len);
    if (first->kind == RV_JSON_OBJECT_BEGIN || first->kind == RV_JSON_ARRAY_BEGIN) {
        rv_arena *scratch = json->scratch;
        const uint32_t depth = json->depth;
        RV_ASSERT(depth > 0);
        json->scratch = NULL; /* nobody sees the strings */
        while (json->depth >= depth) {
            rv_json_token token;
            const rv_status status = rv_json_next(json, &token, err);
            if (status != RV_OK) {
                json->scratch = scratch;
                return status;
            }
        }
        json->scratch = scratch;
    }
    *whole = rv_bytes_of(json->input.ptr + first->offset, json->pos - first->offset);
    return RV_OK;
}

/* Going past a bracketed value: how many brackets are open, and whether a string is. */
typedef struct json_pass {
    uint32_t open;
    bool string;
    bool escaped; /* the byte before was the backslash of an escape */
} json_pass;

/* Takes one byte; true when it closes the value. */
static inline bool pass_byte(json_pass *pass, uint8_t c) {
    if (pass->string) {
        pass->string = pass->escaped || c != '"';
        pass->escaped = !pass->escaped && c == '\\';
        return false;
    }
    const uint8_t bracket = c | 0x20;
    pass->string = c == '"';
    pass->open += bracket == '{';
    pass->open -= bracket == '}';
    return pass->open == 0;
}

#if defined(__SSE4_2__) && defined(__x86_64__)
/* Sixteen bytes at a time, while none of them is a backslash and the value does not end: strings
 * are the runs between quotes, as a running exclusive or of their bits shows. */
static inline size_t pass_blocks(json_pass *pass, rv_bytes input, size_t at) {
    unsigned inside = pass->string ? 0xffffu : 0;
    for (; input.len - at >= sizeof(__m128i) && !pass->escaped; at += sizeof(__m128i)) {
        __m128i block;
        memcpy(&block, input.ptr + at, sizeof block);
        const __m128i lower = _mm_or_si128(block, _mm_set1_epi8(0x20));
        const unsigned begins =
            (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(lower, _mm_set1_epi8('{')));
        const unsigned ends =
            (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(lower, _mm_set1_epi8('}')));
        const unsigned slashes =
            (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
        unsigned quoted = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
        quoted ^= quoted << 1;
        quoted ^= quoted << 2;
        quoted ^= quoted << 4;
        quoted ^= quoted << 8;
        quoted = (quoted ^ inside) & 0xffffu;
        const uint32_t closed = (uint32_t)__builtin_popcount(ends & ~quoted);
        if (slashes != 0 || closed >= pass->open) {
            break; /* byte by byte */
        }
        pass->open += (uint32_t)__builtin_popcount(begins & ~quoted) - closed;
        inside = (quoted & 0x8000u) != 0 ? 0xffffu : 0;
    }
    pass->string = inside != 0;
    return at;
}
#else
static inline size_t pass_blocks(json_pass *pass, rv_bytes input, size_t at) {
    RV_ASSERT(pass->open > 0 && at <= input.len);
    return at;
}
#endif

rv_status rv_json_pass(rv_json *json, const rv_json_token *first, rv_bytes *whole, rv_error *err) {
    RV_ASSERT(first->kind == RV_JSON_OBJECT_BEGIN || first->kind == RV_JSON_ARRAY_BEGIN);
    RV_ASSERT(json->depth > 0 && json->pos == first->offset + 1);
    json_pass pass = {.open = 1};
    size_t at = json->pos;
    bool over = false;
    while (!over && at < json->input.len) {
        at = pass_blocks(&pass, json->input, at);
        const size_t end = at + 16 < json->input.len ? at + 16 : json->input.len;
        while (!over && at < end) {
            over = pass_byte(&pass, json->input.ptr[at]);
            at += 1;
        }
    }
    if (!over) {
        return fail(json, at, pass.string ? "the end of the string" : "a closing bracket", err);
    }
    *whole = rv_bytes_of(json->input.ptr + first->offset, at - first->offset);
    json->depth -= 1;
    json->object = in_object(json);
    json->pos = at;
    value_ends(json);
    return RV_OK;
}
