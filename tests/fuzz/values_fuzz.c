/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every value that a text or bytes can make survives all its forms. Method: the input is a
 * type, a way in and the text or the bytes. A value goes to text and back, to bytes and back, both
 * equal in order and canonical form; its JSON is JSON; casts and coercion to every other type give
 * a value that again survives, or an error.
 */
#include "core/model/json.h"
#include "core/model/value_cast.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_values.h"

#define BUFFER_LEN ((size_t)256 << 10)
#define INPUT_MAX  ((size_t)8 << 10)

static uint8_t scratch_memory[BUFFER_LEN];
static uint8_t buffers[4][BUFFER_LEN];

static rv_writer buffer(size_t index) {
    return rv_writer_over(buffers[index], BUFFER_LEN);
}

static bool same(const rv_type *type, const rv_value *a, const rv_value *b) {
    rv_writer canonical_a = buffer(2);
    rv_writer canonical_b = buffer(3);
    rv_value_canonical(type, a, &canonical_a);
    rv_value_canonical(type, b, &canonical_b);
    FUZZ_CHECK(!canonical_a.full && !canonical_b.full);
    const bool equal = rv_bytes_equal(rv_writer_bytes(&canonical_a), rv_writer_bytes(&canonical_b));
    FUZZ_CHECK(equal == (rv_value_compare(type, a, b) == 0));
    return equal;
}

static void check_json(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token = {.kind = RV_JSON_NULL};
    for (size_t i = 0; i <= 2 * text.len + 2 && token.kind != RV_JSON_END; i++) {
        FUZZ_CHECK(rv_json_next(&json, &token, NULL) == RV_OK);
    }
    FUZZ_CHECK(token.kind == RV_JSON_END);
}

/* Through text and bytes, and as JSON. */
static void check_forms(const rv_type *type, const rv_value *value, rv_arena *scratch) {
    FUZZ_CHECK(value->class_ == rv_type_class(type) && same(type, value, value));
    rv_value again = rv_value_null();
    rv_writer text = buffer(0);
    rv_value_to_text(type, value, &text);
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_value_from_text(type, rv_writer_bytes(&text), RV_LITERAL("again"),
                                                scratch, &again, &err);
    if (status != RV_OK) {
        fprintf(stderr, "`%.*s`: %s\n", (int)text.len, (const char *)text.ptr, err.detail);
    }
    FUZZ_CHECK(status == RV_OK && same(type, value, &again));

    rv_writer bytes = buffer(1);
    rv_value_encode(type, value, &bytes);
    rv_cursor c = rv_cursor_over(rv_writer_bytes(&bytes));
    rv_value_decode(type, &c, &again);
    FUZZ_CHECK(!bytes.full && rv_cursor_done(&c) && same(type, value, &again));

    rv_writer json = buffer(1);
    rv_value_to_json(type, value, &json);
    FUZZ_CHECK(!json.full);
    check_json(rv_writer_bytes(&json));
}

/* To every other type, by assignment and by explicit cast. */
static void check_casts(const rv_type *from, const rv_value *value, bool cut) {
    for (size_t i = 0; i < fuzz_type_count(); i++) {
        const rv_type to = fuzz_type(i);
        rv_arena scratch = rv_arena_over(scratch_memory + BUFFER_LEN / 2, BUFFER_LEN / 2);
        rv_value coerced = *value;
        rv_status status = rv_value_coerce(from, &to, RV_LITERAL("to"), &scratch, &coerced, NULL);
        if (status == RV_OK) {
            check_forms(&to, &coerced, &scratch);
        }
        if (rv_cast_rule_of(from, &to) == RV_CAST_NONE) {
            continue;
        }
        rv_arena_reset(&scratch, 0);
        rv_value cast = *value;
        status = rv_value_cast(from, &to, cut, RV_LITERAL("to"), &scratch, &cast, NULL);
        if (status == RV_OK) {
            check_forms(&to, &cast, &scratch);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size < INPUT_MAX ? size : INPUT_MAX);
    const rv_type type = fuzz_type(fuzz_take_u8(&input) % fuzz_type_count());
    const uint8_t way = fuzz_take_u8(&input);
    rv_arena scratch = rv_arena_over(scratch_memory, BUFFER_LEN / 2);
    rv_value value = rv_value_null();
    if ((way & 1) == 0) {
        rv_error err = {.status = RV_OK};
        const rv_status status =
            rv_value_from_text(&type, input, RV_LITERAL("input"), &scratch, &value, &err);
        FUZZ_CHECK(status == err.status);
        if (status != RV_OK) {
            return 0;
        }
    } else {
        rv_cursor c = rv_cursor_over(input);
        rv_value_decode(&type, &c, &value);
        if (c.bad) {
            return 0;
        }
    }
    check_forms(&type, &value, &scratch);
    check_casts(&type, &value, (way & 2) != 0);
    return 0;
}
