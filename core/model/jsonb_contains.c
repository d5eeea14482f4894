/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding one's way in the text of a json or jsonb: children, keys, numbers; and @>. Containment is
 * a search: an array contains an array when for each of its elements there is one that contains it,
 * and which one that is must be tried. What is open is a stack of pairs in scratch memory; every
 * byte that is looked at is paid for, of both sides, so that the search ends.
 */
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/expr_call.h"
#include "core/model/jsonb.h"

/* Bytes that may be looked at before they are paid for. */
#define UNPAID_MAX 4096u

static size_t skip_space(rv_bytes text, size_t at) {
    while (at < text.len &&
           (text.ptr[at] == ' ' || (text.ptr[at] >= '\t' && text.ptr[at] <= '\r'))) {
        at++;
    }
    return at;
}

bool rv_json_child(rv_bytes container, size_t *at, rv_bytes *key, rv_bytes *child) {
    size_t pos = skip_space(container, *at);
    RV_ASSERT(pos < container.len);
    if (*at == 0) {
        if (container.ptr[pos] != '{' && container.ptr[pos] != '[') {
            return false;
        }
        pos = skip_space(container, pos + 1);
    }
    const uint8_t c = container.ptr[pos];
    if (c == '}' || c == ']') {
        return false;
    }
    pos += c == ',';
    /* the rest begins with a value, or with a key, which looks like one */
    const rv_bytes rest = rv_bytes_from(container, pos);
    rv_json json = rv_json_over(rest, NULL);
    rv_json_token token;
    rv_status status = rv_json_next(&json, &token, NULL);
    *key = (rv_bytes){NULL, 0};
    if (status == RV_OK && token.kind == RV_JSON_STRING) {
        const size_t after = skip_space(rest, json.pos);
        if (after < rest.len && rest.ptr[after] == ':') {
            *key = token.text;
            pos += after + 1;
            json = rv_json_over(rv_bytes_from(container, pos), NULL);
            status = rv_json_next(&json, &token, NULL);
        }
    }
    if (status == RV_OK) {
        status = rv_json_skip(&json, &token, child, NULL);
    }
    RV_ASSERT(status == RV_OK); /* the text has been checked */
    *at = pos + json.pos;
    return true;
}

bool rv_json_raw_is(rv_bytes raw, rv_bytes text) {
    size_t at = 0;
    if (raw.len == text.len && rv_bytes_equal(raw, text)) {
        return memchr(raw.ptr == NULL ? (const uint8_t *)"" : raw.ptr, '\\', raw.len) == NULL;
    }
    for (size_t i = 0; i < raw.len;) {
        uint8_t bytes[4];
        const size_t len = rv_utf8_encode(rv_json_char(raw, &i), bytes);
        if (text.len - at < len || memcmp(text.ptr + at, bytes, len) != 0) {
            return false;
        }
        at += len;
    }
    RV_ASSERT(at <= text.len);
    return at == text.len;
}

rv_bytes rv_json_of_key(rv_bytes container, rv_bytes key) {
    rv_bytes found = {NULL, 0};
    rv_bytes raw;
    rv_bytes child;
    size_t at = 0;
    while (rv_json_child(container, &at, &raw, &child)) {
        if (raw.ptr != NULL && rv_json_raw_is(raw, key)) {
            found = child;
        }
    }
    RV_ASSERT(at <= container.len);
    return found;
}

rv_bytes rv_json_of_index(rv_bytes container, int64_t index) {
    rv_bytes raw;
    rv_bytes child;
    size_t at = 0;
    int64_t count = 0;
    while (index < 0 && rv_json_child(container, &at, &raw, &child)) {
        count += 1;
    }
    const int64_t wanted = index < 0 ? index + count : index;
    at = 0;
    for (int64_t i = 0; wanted >= 0 && rv_json_child(container, &at, &raw, &child); i++) {
        if (i == wanted) {
            return raw.ptr == NULL ? child : (rv_bytes){NULL, 0};
        }
    }
    RV_ASSERT(at <= container.len);
    return (rv_bytes){NULL, 0};
}

/* A pair of containers of one kind: does `value` contain `sought`? */
typedef struct pair {
    rv_bytes value;
    rv_bytes sought;
    size_t at;      /* of what is sought: what comes next */
    size_t tried;   /* of the value, in arrays: the element that comes next */
    rv_bytes child; /* that is looked for among the elements; ptr NULL: none */
} pair;

static bool is_container(rv_bytes text) {
    return text.ptr[0] == '{' || text.ptr[0] == '[';
}

/* Looks for a scalar among the elements of an array. */
static bool has_scalar(rv_bytes array, rv_bytes scalar) {
    rv_bytes raw;
    rv_bytes child;
    size_t at = 0;
    RV_ASSERT(!is_container(scalar));
    while (rv_json_child(array, &at, &raw, &child)) {
        if (!is_container(child) && rv_jsonb_compare(child, scalar) == 0) {
            return true;
        }
    }
    return false;
}

typedef enum verdict {
    YES,
    NO,
    MORE,  /* so far */
    DEEPER /* `next` has to be answered first */
} verdict;

/* The next element of the value that could contain the child of an array. */
static verdict next_candidate(pair *top, pair *next) {
    rv_bytes raw;
    rv_bytes element;
    RV_ASSERT(top->child.ptr != NULL);
    while (rv_json_child(top->value, &top->tried, &raw, &element)) {
        if (element.ptr[0] == top->child.ptr[0]) {
            *next = (pair){.value = element, .sought = top->child};
            return DEEPER;
        }
    }
    return NO;
}

/* The member of an object that is sought: the value's of the same key must contain it. */
static verdict look_for_member(const pair *top, rv_bytes key, rv_bytes child, pair *next) {
    rv_bytes raw;
    rv_bytes found = {NULL, 0};
    size_t at = 0;
    bool there = false;
    while (!there && rv_json_child(top->value, &at, &raw, &found)) {
        there = rv_bytes_equal(raw, key); /* a jsonb writes equal keys alike */
    }
    RV_ASSERT(child.len > 0);
    if (!there || is_container(found) != is_container(child) ||
        (is_container(child) && found.ptr[0] != child.ptr[0])) {
        return NO;
    }
    if (is_container(child)) {
        *next = (pair){.value = found, .sought = child};
        return DEEPER;
    }
    return rv_jsonb_compare(found, child) == 0 ? MORE : NO;
}

/* Takes the next child of what is sought. */
static verdict advance(pair *top, pair *next) {
    rv_bytes key;
    rv_bytes child;
    RV_ASSERT(top->sought.len > 0);
    if (!rv_json_child(top->sought, &top->at, &key, &child)) {
        return YES;
    }
    if (top->sought.ptr[0] == '{') {
        return look_for_member(top, key, child, next);
    }
    if (is_container(child)) {
        top->child = child;
        top->tried = 0;
        return next_candidate(top, next);
    }
    return has_scalar(top->value, child) ? MORE : NO;
}

/* Answers the pair at the bottom of the stack. */
static rv_status search(pair *pairs, const rv_call_env *env, bool *contains) {
    size_t depth = 0;
    uint64_t unpaid = 0;
    verdict answer = MORE;
    for (;;) { /* ends: each round is paid for */
        pair *const top = &pairs[depth];
        const size_t tried = top->tried;
        const size_t at = top->at;
        unpaid += 64;
        if (answer == NO && top->child.ptr != NULL) {
            answer = next_candidate(top, top + 1);
            unpaid += top->tried - tried;
        } else if (answer != NO) { /* the start, or what was asked for is so */
            top->child = (rv_bytes){NULL, 0};
            answer = advance(top, top + 1);
            unpaid += top->child.ptr != NULL ? top->tried : top->value.len;
            unpaid += top->at - at;
        }
        if (unpaid > UNPAID_MAX) {
            const rv_status status = rv_call_charge(env, unpaid);
            if (status != RV_OK) {
                return status;
            }
            unpaid = 0;
        }
        if (answer == DEEPER) {
            depth += 1;
            RV_ASSERT(depth <= RV_JSON_VALUE_DEPTH_MAX);
            answer = MORE;
        } else if (answer != MORE && depth == 0) {
            *contains = answer == YES;
            return RV_OK;
        } else if (answer != MORE) {
            depth -= 1;
        }
    }
}

rv_status rv_jsonb_contains(rv_bytes value, rv_bytes sought, const rv_call_env *env,
                            bool *contains) {
    const size_t mark = rv_arena_mark(env->scratch);
    pair *const pairs =
        (pair *)rv_arena_take_raw(env->scratch, (RV_JSON_VALUE_DEPTH_MAX + 1) * sizeof(pair));
    if (pairs == NULL) {
        return rv_error_set(env->err, RV_MEMORY_EXHAUSTED,
                            "the memory budget is too small for this value");
    }
    if (!is_container(sought) || value.ptr[0] != sought.ptr[0]) {
        *contains = is_container(sought)  ? false
                    : is_container(value) ? value.ptr[0] == '[' && has_scalar(value, sought)
                                          : rv_jsonb_compare(value, sought) == 0;
        rv_arena_reset(env->scratch, mark);
        return RV_OK;
    }
    pairs[0] = (pair){.value = value, .sought = sought};
    const rv_status status = search(pairs, env, contains);
    rv_arena_reset(env->scratch, mark);
    return status;
}
