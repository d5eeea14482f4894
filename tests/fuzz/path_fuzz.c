/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: templates, patterns, paths and segments are refused or mean one thing. Method: the input is
 * a text and a path with NUL between them; the text is parsed as a template and as a pattern, and
 * matched against the path; a path that is made of a template's variables matches it and gives them
 * back; a segment that decodes is written and decodes to the same.
 */
#include "core/base/utf8.h"
#include "core/model/path.h"
#include "tests/fuzz/fuzz.h"

#define BUFFER_LEN ((size_t)64 << 10)
#define INPUT_MAX  ((size_t)4 << 10)

static uint8_t scratch_memory[BUFFER_LEN];
static uint8_t segment_memory[BUFFER_LEN];
static uint8_t path_memory[BUFFER_LEN];

static bool lies_in(rv_bytes part, rv_bytes whole) {
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_segment(rv_bytes segment) {
    rv_arena arena = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_bytes text, again;
    if (rv_path_segment_decode(segment, &arena, &text, NULL) != RV_OK) {
        return;
    }
    FUZZ_CHECK(text.len > 0 && rv_utf8_valid(text, NULL));
    rv_writer w = rv_writer_over(segment_memory, sizeof segment_memory);
    rv_path_segment_write(text, &w);
    FUZZ_CHECK(!w.full && memchr(w.ptr, '/', w.len) == NULL);
    FUZZ_CHECK(rv_path_segment_decode(rv_writer_bytes(&w), &arena, &again, NULL) == RV_OK);
    FUZZ_CHECK(rv_bytes_equal(again, text));
}

static void check_template(rv_bytes text, rv_bytes path) {
    rv_path_template t;
    rv_bytes values[RV_PATH_SEGMENTS_MAX];
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_path_template_parse(text, &t, &err);
    FUZZ_CHECK(status == err.status);
    if (status != RV_OK) {
        FUZZ_CHECK(status == RV_PATH_INVALID);
        return;
    }
    FUZZ_CHECK(t.segment_count > 0 && t.segment_count <= RV_PATH_SEGMENTS_MAX);
    if (rv_path_template_match(&t, path, values)) {
        for (uint32_t i = 0; i < t.variable_count; i++) {
            FUZZ_CHECK(lies_in(values[i], path));
            check_segment(values[i]);
        }
    }
    rv_writer w = rv_writer_over(path_memory, sizeof path_memory);
    for (uint32_t i = 0; i < t.segment_count; i++) {
        rv_write_u8(&w, '/');
        if (t.segments[i].variable) {
            rv_path_segment_write(RV_LITERAL("x/y%z"), &w);
        } else {
            rv_write(&w, t.segments[i].text);
        }
    }
    if (w.len > RV_PATH_LEN_MAX) {
        return;
    }
    FUZZ_CHECK(rv_path_template_match(&t, rv_writer_bytes(&w), values));
    for (uint32_t i = 0; i < t.variable_count; i++) {
        FUZZ_CHECK(rv_bytes_are(values[i], "x%2Fy%25z"));
    }
}

static void check_pattern(rv_bytes text, rv_bytes path) {
    rv_path_pattern pattern;
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_path_pattern_parse(text, &pattern, &err);
    FUZZ_CHECK(status == err.status);
    if (status != RV_OK) {
        FUZZ_CHECK(status == RV_PATH_INVALID);
        return;
    }
    FUZZ_CHECK(pattern.segment_count <= RV_PATH_SEGMENTS_MAX);
    (void)rv_path_pattern_match(&pattern, path);
    (void)rv_path_pattern_match(&pattern, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size < INPUT_MAX ? size : INPUT_MAX);
    const rv_bytes text = fuzz_take_until(&input, 0);
    check_template(text, input);
    check_pattern(text, input);
    check_segment(text);
    check_segment(input);
    return 0;
}
