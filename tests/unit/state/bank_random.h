/* SPDX-License-Identifier: Apache-2.0 */
/* Random events over the bank's schema, folded as replay does, into five streams. */
#ifndef RV_TESTS_STATE_BANK_RANDOM_H
#define RV_TESTS_STATE_BANK_RANDOM_H

#include "tests/unit/state/bank.h"

#define STREAMS 5u

static const rv_schema *schema;
static uint8_t scratch_memory[1 << 17];
static uint64_t versions[STREAMS];
static uint64_t sequence;

static inline rv_value random_value(uint64_t *seed, const rv_field *field) {
    static uint8_t text[6000];
    const uint64_t r = rv_test_random(seed);
    if (!field->not_null && r % 6 == 0) {
        return rv_value_null();
    }
    const int64_t v = (int64_t)(r >> 16);
    if (rv_type_class(&field->type) == RV_VALUE_BYTES) {
        static const uint16_t lens[] = {1, 3, 12, 13, 36, 37, 39};
        size_t len = lens[r % 7];
        if (field->type.kind == RV_TYPE_UUID || field->type.kind == RV_TYPE_CHAR) {
            len = field->type.kind == RV_TYPE_UUID ? 16 : field->type.size;
        } else if (field->type.size == 0 && r % 32 == 8) {
            len = (size_t)v % sizeof text;
        }
        for (size_t i = 0; i < len; i += 1) {
            text[i] = (uint8_t)('a' + (v >> (i % 2)) % 26);
        }
        return rv_value_bytes((rv_bytes){text, len});
    }
    switch (field->type.kind) {
    case RV_TYPE_BOOLEAN:
        return rv_value_int(v % 2);
    case RV_TYPE_ENUM:
        return rv_value_int(v % 3);
    default:
        return rv_value_int(v % 40);
    }
}

/* Folds a random event. One field of bytes is enough of them: they share a buffer. */
static inline rv_status fold_random_as(rv_state *state, uint64_t *seed, rv_fold_mode mode) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_value values[RV_FIELDS_MAX];
    const uint64_t r = rv_test_random(seed);
    const uint16_t number = (uint16_t)(r % rv_schema_event_type_count(schema));
    const rv_event_type *const type = rv_schema_event_type(schema, number);
    for (uint16_t i = 0; i < type->field_count; i += 1) {
        values[i] = random_value(seed, &type->fields[i]);
    }
    const uint32_t stream = (uint32_t)(r >> 32) % STREAMS;
    sequence += 1;
    versions[stream] += 1;
    rv_event event = {.sequence = sequence,
                      .position = sequence,
                      .stream = stream,
                      .version = versions[stream],
                      .type = number,
                      .foreign_id = r % 16 == 0};
    memcpy(event.event_id, &sequence, sizeof sequence);
    rv_error err;
    return rv_state_fold(state, &event, values, mode, &scratch, &err);
}

/* As replay does. */
static inline rv_status fold_random(rv_state *state, uint64_t *seed) {
    return fold_random_as(state, seed, RV_FOLD_APPLY);
}

#endif
