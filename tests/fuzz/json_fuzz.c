/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the JSON parser accepts or refuses a text once and for all, however it is read. Method: the
 * text is read token by token, again with one level of its values skipped (and passed, which must
 * come to the same end), and again without scratch; all must say the same. Strings that come out
 * are valid UTF-8 and go in again.
 */
#include "core/base/utf8.h"
#include "core/model/json.h"
#include "tests/fuzz/fuzz.h"

#define SCRATCH_LEN ((size_t)1 << 20)
#define INPUT_MAX   ((size_t)16 << 10) /* SCRATCH_LEN holds every string of such a text */

static uint8_t scratch_memory[SCRATCH_LEN];
static uint8_t again_memory[SCRATCH_LEN];
static uint8_t text_memory[SCRATCH_LEN];

/* Written as JSON and read again, a string is the same. */
static void check_string(rv_bytes text) {
    FUZZ_CHECK(rv_utf8_valid(text, NULL));
    rv_writer w = rv_writer_over(text_memory, sizeof text_memory);
    rv_write_json_string(&w, text);
    FUZZ_CHECK(!w.full);
    rv_arena again = rv_arena_over(again_memory, sizeof again_memory);
    rv_json json = rv_json_over(rv_writer_bytes(&w), &again);
    rv_json_token token;
    FUZZ_CHECK(rv_json_next(&json, &token, NULL) == RV_OK);
    FUZZ_CHECK(token.kind == RV_JSON_STRING && rv_bytes_equal(token.text, text));
    FUZZ_CHECK(rv_json_next(&json, &token, NULL) == RV_OK && token.kind == RV_JSON_END);
}

/* A value that was skipped is whole by itself, unless it began deeper than it may alone. */
static void check_whole(rv_bytes whole) {
    rv_json json = rv_json_over(whole, NULL);
    rv_json_token token = {.kind = RV_JSON_NULL};
    rv_status status = RV_OK;
    for (size_t i = 0; i <= 2 * whole.len + 2 && status == RV_OK && token.kind != RV_JSON_END;
         i++) {
        status = rv_json_next(&json, &token, NULL);
    }
    FUZZ_CHECK(status == RV_OK && token.kind == RV_JSON_END);
}

/* Reads all of it, skipping the objects and arrays that begin at depth `skipped` (1 or more). */
static rv_status read_all(rv_bytes input, bool unescape, uint32_t skipped) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_json json = rv_json_over(input, unescape ? &scratch : NULL);
    rv_error err = {.status = RV_OK};
    for (size_t i = 0; i <= 2 * input.len + 2; i++) {
        rv_json_token token;
        rv_status status = rv_json_next(&json, &token, &err);
        if (status != RV_OK) {
            FUZZ_CHECK(err.status == status && status == RV_JSON_INVALID);
            FUZZ_CHECK(rv_json_next(&json, &token, &err) == status);
            return status;
        }
        FUZZ_CHECK(token.offset <= input.len && json.depth <= RV_JSON_DEPTH_MAX);
        if (token.kind == RV_JSON_END) {
            return RV_OK;
        }
        if (unescape && (token.kind == RV_JSON_STRING || token.kind == RV_JSON_KEY)) {
            check_string(token.text);
        }
        const bool begins = token.kind == RV_JSON_OBJECT_BEGIN || token.kind == RV_JSON_ARRAY_BEGIN;
        if (begins && json.depth == skipped) {
            rv_json passing = json;
            rv_bytes whole, passed;
            const rv_status pass = rv_json_pass(&passing, &token, &passed, NULL);
            FUZZ_CHECK(passing.pos <= input.len);
            status = rv_json_skip(&json, &token, &whole, &err);
            if (status != RV_OK) {
                return status;
            }
            FUZZ_CHECK(pass == RV_OK && rv_bytes_equal(passed, whole));
            FUZZ_CHECK(passing.pos == json.pos && passing.depth == json.depth &&
                       passing.state == json.state && passing.object == json.object);
            FUZZ_CHECK(whole.ptr >= input.ptr && whole.len <= input.len);
            check_whole(whole);
        }
    }
    FUZZ_CHECK(false); /* more tokens than a text of this length can have */
    return RV_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size < INPUT_MAX ? size : INPUT_MAX);
    const uint32_t skipped = 1 + fuzz_take_u8(&input) % 4;
    const rv_status status = read_all(input, true, UINT32_MAX);
    FUZZ_CHECK(read_all(input, false, UINT32_MAX) == status);
    FUZZ_CHECK(read_all(input, true, skipped) == status);
    FUZZ_CHECK(read_all(input, true, 1) == status);
    return 0;
}
