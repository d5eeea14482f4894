/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an event's data is decoded or refused whatever the bytes, and an event that a writer
 * completes decodes to what was completed. Method: by its first byte the input is the data of one
 * of the event types, or a path and a JSON object to append. What decodes is shown as JSON, and
 * that JSON, read by the writer's way, encodes to equal values; what is completed is encoded,
 * decoded, and finds its own stream by its path.
 */
#include "core/model/event.h"
#include "core/model/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_schema.h"

#define BUFFER_LEN ((size_t)2 << 20)
#define INPUT_MAX  ((size_t)8 << 10)
#define NOW_US     INT64_C(820540800000000)

static uint8_t schema_memory[(size_t)1 << 20];
static uint8_t scratch_memory[BUFFER_LEN];
static uint8_t data_memory[BUFFER_LEN];
static uint8_t text_memory[BUFFER_LEN];
static uint8_t path_memory[BUFFER_LEN];

static rv_bytes encode(const rv_event_draft *draft) {
    rv_writer w = rv_writer_over(data_memory, sizeof data_memory);
    rv_event_draft_encode(draft, &w);
    FUZZ_CHECK(!w.full);
    return rv_writer_bytes(&w);
}

static void check_json(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token = {.kind = RV_JSON_NULL};
    for (size_t i = 0; i <= 2 * text.len + 2 && token.kind != RV_JSON_END; i++) {
        FUZZ_CHECK(rv_json_next(&json, &token, NULL) == RV_OK);
    }
    FUZZ_CHECK(token.kind == RV_JSON_END);
}

static void check_equal(const rv_event_type *type, const rv_value *a, const rv_value *b) {
    for (uint16_t f = 0; f < type->field_count; f++) {
        FUZZ_CHECK(rv_value_compare(&type->fields[f].type, &a[f], &b[f]) == 0);
    }
}

/* Completes a draft, then compares it with what its encoding decodes to. */
static bool complete(const rv_schema *schema, rv_event_draft *draft, rv_arena *scratch) {
    for (uint16_t f = 0; f < draft->type->field_count; f++) {
        uint16_t aggregate;
        if (rv_event_draft_wants_serial(schema, draft, f, &aggregate)) {
            draft->values[f] = rv_value_int(7);
        }
    }
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_event_draft_complete(draft, NOW_US, scratch, &err);
    FUZZ_CHECK(status == err.status);
    if (status != RV_OK) {
        return false;
    }
    rv_value values[RV_FIELDS_MAX];
    FUZZ_CHECK(rv_event_data_decode(draft->type, encode(draft), values));
    check_equal(draft->type, draft->values, values);
    rv_writer path = rv_writer_over(path_memory, sizeof path_memory);
    rv_event_draft_path(draft, &path);
    rv_bytes variables[RV_PATH_SEGMENTS_MAX];
    if (path.len <= RV_PATH_LEN_MAX) {
        FUZZ_CHECK(rv_schema_stream_of_path(schema, rv_writer_bytes(&path), variables) ==
                   draft->stream);
    }
    return true;
}

static void check_data(const rv_schema *schema, const rv_event_type *type, rv_bytes data) {
    rv_value values[RV_FIELDS_MAX];
    rv_writer json = rv_writer_over(text_memory, sizeof text_memory);
    const bool good = rv_event_data_decode(type, data, values);
    FUZZ_CHECK(good == rv_event_data_to_json(type, data, &json));
    check_json(rv_writer_bytes(&json));
    FUZZ_CHECK(json.full || text_memory[0] == (good ? '{' : '"'));
    if (!good) {
        return;
    }
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    static rv_event_draft draft;
    for (uint16_t s = 0; s < rv_schema_stream_count(schema); s++) {
        const rv_bytes name = rv_schema_stream(schema, s)->name;
        if (rv_event_draft_read(schema, name, type->name, rv_writer_bytes(&json), &scratch, &draft,
                                NULL) == RV_OK &&
            complete(schema, &draft, &scratch)) {
            for (uint16_t f = 0; f < type->field_count; f++) {
                FUZZ_CHECK(!draft.given[f] || rv_value_compare(&type->fields[f].type, &values[f],
                                                               &draft.values[f]) == 0);
            }
        }
    }
}

static void check_append(const rv_schema *schema, rv_bytes input) {
    const rv_bytes path = fuzz_take_until(&input, 0);
    const rv_bytes type = fuzz_take_until(&input, 0);
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    static rv_event_draft draft;
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_event_draft_read(schema, path, type, input, &scratch, &draft, &err);
    FUZZ_CHECK(status == err.status);
    if (status == RV_OK) {
        (void)complete(schema, &draft, &scratch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size < INPUT_MAX ? size : INPUT_MAX);
    rv_arena arena = rv_arena_over(schema_memory, sizeof schema_memory);
    rv_schema *schema = NULL;
    FUZZ_CHECK(rv_schema_create(&schema, &arena, NULL) == RV_OK);
    FUZZ_CHECK(rv_schema_apply(schema, rv_bytes_of_string(fuzz_schema), NULL) == RV_OK);
    const uint8_t number = fuzz_take_u8(&input);
    if (number < rv_schema_event_type_count(schema)) {
        check_data(schema, rv_schema_event_type(schema, number), input);
    } else {
        check_append(schema, input);
    }
    return 0;
}
