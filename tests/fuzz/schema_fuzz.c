/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever text is applied, a schema is as it was or has grown, and prints as a text that
 * makes the same schema. Method: the input is texts with NUL between them, applied one after the
 * other; each is checked first, and the check must say what applying says and change nothing.
 */
#include "core/model/schema.h"
#include "tests/fuzz/fuzz.h"

#define MEMORY_LEN ((size_t)3 << 20)
#define TEXT_LEN   ((size_t)1 << 20)
#define TEXTS_MAX  8

static uint8_t memory[MEMORY_LEN];
static uint8_t again_memory[MEMORY_LEN];
static uint8_t text_memory[TEXT_LEN];
static uint8_t text_again_memory[TEXT_LEN];

static bool hashes_equal(rv_hash128 a, rv_hash128 b) {
    return a.low == b.low && a.high == b.high;
}

static rv_bytes print(const rv_schema *schema, uint8_t *to) {
    rv_writer w = rv_writer_over(to, TEXT_LEN);
    rv_schema_print(schema, &w);
    FUZZ_CHECK(!w.full);
    return rv_writer_bytes(&w);
}

/* The schema's text makes an equal schema out of an empty one. */
static void check_printed(const rv_schema *schema) {
    const rv_bytes text = print(schema, text_memory);
    rv_arena arena = rv_arena_over(again_memory, sizeof again_memory);
    rv_schema *again = NULL;
    rv_error err = {.status = RV_OK};
    FUZZ_CHECK(rv_schema_create(&again, &arena, &err) == RV_OK);
    const rv_status status = rv_schema_apply(again, text, &err);
    if (status == RV_SCHEMA_TOO_LARGE && text.len > RV_SCHEMA_TEXT_MAX / 2) {
        return; /* several texts together may be more than one can be */
    }
    if (status != RV_OK) {
        fprintf(stderr, "%.*s\n%s\n", (int)text.len, (const char *)text.ptr, err.detail);
    }
    FUZZ_CHECK(status == RV_OK);
    FUZZ_CHECK(hashes_equal(rv_schema_hash(again), rv_schema_hash(schema)));
    FUZZ_CHECK(rv_bytes_equal(print(again, text_again_memory), text));
}

static void apply(rv_schema *schema, rv_bytes text) {
    const rv_hash128 hash = rv_schema_hash(schema);
    const uint32_t version = rv_schema_version(schema);
    rv_error err = {.status = RV_OK};
    const rv_status checked = rv_schema_check(schema, text, &err);
    FUZZ_CHECK(hashes_equal(rv_schema_hash(schema), hash) && rv_schema_version(schema) == version);
    const rv_status status = rv_schema_apply(schema, text, &err);
    FUZZ_CHECK(status == checked);
    if (status != RV_OK) {
        FUZZ_CHECK(err.status == status && err.detail_len > 0);
        FUZZ_CHECK(hashes_equal(rv_schema_hash(schema), hash));
        FUZZ_CHECK(rv_schema_version(schema) == version);
        return;
    }
    FUZZ_CHECK(rv_schema_version(schema) == version + 1);
    FUZZ_CHECK(!hashes_equal(rv_schema_hash(schema), hash));
    check_printed(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_schema *schema = NULL;
    FUZZ_CHECK(rv_schema_create(&schema, &arena, NULL) == RV_OK);
    for (int i = 0; i < TEXTS_MAX && input.len > 0; i++) {
        apply(schema, fuzz_take_until(&input, 0));
    }
    return 0;
}
