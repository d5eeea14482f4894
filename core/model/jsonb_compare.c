/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of jsonb, PostgreSQL's. The length of an object or array counts before what is in it,
 * but is known only at its end. So both texts are walked side by side up to the first difference;
 * then both are walked on to the ends of what is open there, to count: the outermost open object or
 * array whose lengths differ decides, else the difference that was met.
 */
#include "core/base/assert.h"
#include "core/model/jsonb.h"

/* A text that is walked; `counts` has the values (pairs of an object) in each open one so far. */
typedef struct walk {
    rv_json json;
    rv_json_token token;
    uint32_t counts[RV_JSON_VALUE_DEPTH_MAX + 1];
} walk;

static void walk_start(walk *w, rv_bytes text) {
    w->json = rv_json_over(text, NULL);
    w->token = (rv_json_token){.kind = RV_JSON_NULL};
    w->counts[0] = 0;
}

/* Goes to the next token. */
static void step(walk *w) {
    const uint32_t depth = w->json.depth;
    const bool object = depth > 0 && w->json.object;
    const rv_status status = rv_json_next(&w->json, &w->token, NULL);
    RV_ASSERT(status == RV_OK && w->json.depth <= RV_JSON_VALUE_DEPTH_MAX);
    const bool closes = w->token.kind == RV_JSON_OBJECT_END || w->token.kind == RV_JSON_ARRAY_END;
    w->counts[depth] += !closes && (!object || w->token.kind == RV_JSON_KEY);
    if (w->json.depth > depth) {
        w->counts[w->json.depth] = 0;
    }
}

/* The rank of a token's type; what ends is less than all that could stand there instead, as what it
 * ends is shorter then. */
static int rank_of(rv_json_kind kind) {
    switch (kind) {
    case RV_JSON_OBJECT_BEGIN:
        return 6;
    case RV_JSON_ARRAY_BEGIN:
        return 5;
    case RV_JSON_TRUE:
    case RV_JSON_FALSE:
        return 4;
    case RV_JSON_NUMBER:
        return 3;
    case RV_JSON_STRING:
    case RV_JSON_KEY:
        return 2;
    case RV_JSON_NULL:
        return 1;
    default:
        return 0;
    }
}

typedef struct number {
    bool minus;
    rv_bytes whole;
    rv_bytes fraction; /* without zeros at its end */
} number;

static number number_of(rv_bytes text) {
    number n = {.minus = text.ptr[0] == '-'};
    size_t at = n.minus;
    while (at < text.len && text.ptr[at] != '.') {
        at++;
    }
    n.whole = rv_bytes_of(text.ptr + n.minus, at - n.minus);
    n.fraction = rv_bytes_from(text, at < text.len ? at + 1 : at);
    while (n.fraction.len > 0 && n.fraction.ptr[n.fraction.len - 1] == '0') {
        n.fraction.len -= 1;
    }
    RV_ASSERT(n.whole.len > 0);
    return n;
}

int rv_jsonb_number_compare(rv_bytes a, rv_bytes b) {
    const number x = number_of(a);
    const number y = number_of(b);
    if (x.minus != y.minus) {
        return x.minus ? -1 : 1;
    }
    int order = (x.whole.len > y.whole.len) - (x.whole.len < y.whole.len);
    order = order != 0 ? order : rv_bytes_compare(x.whole, y.whole);
    order = order != 0 ? order : rv_bytes_compare(x.fraction, y.fraction);
    RV_ASSERT(x.whole.len > 0 && y.whole.len > 0);
    return x.minus ? -order : order;
}

/* Strings by what they mean: a byte that is written as an escape is the least or `"` or `\`. */
static int compare_strings(rv_bytes a, rv_bytes b) {
    size_t i = 0;
    size_t j = 0;
    while (i < a.len && j < b.len) {
        const uint32_t c = rv_json_char(a, &i);
        const uint32_t d = rv_json_char(b, &j);
        if (c != d) {
            return c < d ? -1 : 1;
        }
    }
    RV_ASSERT(i <= a.len && j <= b.len);
    return (i < a.len) - (j < b.len);
}

/* The order of two tokens, without what follows them. */
static int compare_tokens(const rv_json_token *a, const rv_json_token *b) {
    const int x = rank_of(a->kind);
    const int y = rank_of(b->kind);
    if (x != y) {
        return x < y ? -1 : 1;
    }
    switch (a->kind) {
    case RV_JSON_TRUE:
    case RV_JSON_FALSE:
        return (a->kind == RV_JSON_TRUE) - (b->kind == RV_JSON_TRUE);
    case RV_JSON_NUMBER:
        return rv_jsonb_number_compare(a->text, b->text);
    case RV_JSON_STRING:
    case RV_JSON_KEY:
        return compare_strings(a->text, b->text);
    default:
        RV_ASSERT(a->kind == b->kind);
        return 0;
    }
}

/* Walks on to the end, so that the counts of the `depth` open ones are whole. */
static void finish(walk *w, uint32_t depth) {
    uint32_t whole[RV_JSON_VALUE_DEPTH_MAX + 1] = {0};
    RV_ASSERT(depth <= RV_JSON_VALUE_DEPTH_MAX);
    for (uint32_t left = depth; left > 0; left--) {
        whole[left] = w->counts[left]; /* others of this depth may follow */
        while (w->json.depth >= left) {
            step(w);
            whole[left] = w->json.depth >= left ? w->counts[left] : whole[left];
        }
    }
    memcpy(w->counts, whole, (depth + 1) * sizeof whole[0]);
}

/* An empty array is less than anything else, and a value that is neither object nor array less than
 * any other array, whatever is in it. */
static bool is_empty_array(rv_bytes text) {
    return rv_bytes_are(text, "[]");
}

int rv_jsonb_compare(rv_bytes a, rv_bytes b) {
    walk x;
    walk y;
    if (is_empty_array(a) || is_empty_array(b)) {
        return is_empty_array(b) - is_empty_array(a);
    }
    walk_start(&x, a);
    walk_start(&y, b);
    int order = 0;
    uint32_t depth = 0; /* of what is open on both sides */
    do {
        depth = x.json.depth;
        RV_ASSERT(y.json.depth == depth);
        step(&x);
        step(&y);
        order = compare_tokens(&x.token, &y.token);
    } while (order == 0 && x.token.kind != RV_JSON_END);
    if (order == 0 || depth == 0) {
        return order;
    }
    finish(&x, depth);
    finish(&y, depth);
    for (uint32_t i = 1; i <= depth; i++) {
        if (x.counts[i] != y.counts[i]) {
            return x.counts[i] < y.counts[i] ? -1 : 1;
        }
    }
    return order;
}

static void write_waiting(rv_jsonb_plain *plain, rv_writer *w) {
    RV_ASSERT(plain->fraction);
    if (plain->point) {
        rv_write_u8(w, '.');
    }
    for (uint64_t i = 0; i < plain->zeros; i++) {
        rv_write_u8(w, '0');
    }
    plain->point = false;
    plain->zeros = 0;
}

void rv_jsonb_plain_write(rv_jsonb_plain *plain, rv_bytes piece, rv_writer *w) {
    RV_ASSERT(piece.ptr != NULL || piece.len == 0);
    for (size_t i = 0; i < piece.len; i++) {
        const uint8_t c = piece.ptr[i];
        if (plain->string) {
            plain->string = plain->escape || c != '"';
            plain->escape = !plain->escape && c == '\\';
        } else if (plain->fraction && c == '0') {
            plain->zeros += 1;
            continue;
        } else if (plain->fraction && c >= '1' && c <= '9') {
            write_waiting(plain, w);
        } else {
            plain->left_out += plain->zeros + plain->point;
            plain->string = c == '"';
            plain->fraction = c == '.';
            plain->point = c == '.';
            plain->zeros = 0;
            if (plain->fraction) {
                continue;
            }
        }
        rv_write_u8(w, c);
    }
}

size_t rv_jsonb_plain_len(rv_bytes text) {
    rv_jsonb_plain plain = {0};
    rv_writer none = rv_writer_over(NULL, 0);
    rv_jsonb_plain_write(&plain, text, &none);
    const uint64_t left_out = plain.left_out + plain.zeros + plain.point;
    RV_ASSERT(left_out < text.len);
    return text.len - (size_t)left_out;
}
