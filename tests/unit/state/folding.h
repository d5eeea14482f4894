/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state over a schema that a test brings, and events whose values are given as text: for tests
 * that tell a story, one event at a time.
 */
#ifndef RV_TESTS_STATE_FOLDING_H
#define RV_TESTS_STATE_FOLDING_H

#include "tests/unit/state/bank.h"

#define FOLDING_WRITTEN_AT INT64_C(1700000000000000)

static rv_schema *schema;
static bank_memory schema_memory, state_memory;
static rv_state *state;
static rv_error err;
static uint64_t sequence; /* of the last event */
static uint8_t scratch_memory[64 << 10];

static inline bool folding_schema(const char *text) {
    const bool made = bank_take(&schema_memory, 4u << 20) &&
                      rv_schema_create(&schema, &schema_memory.arena, &err) == RV_OK &&
                      rv_schema_apply(schema, rv_bytes_of_string(text), &err) == RV_OK;
    if (!made) {
        fprintf(stderr, "%s\n", err.detail);
    }
    return made;
}

/* A new, empty state with streams 0, 1 … of these paths, which end with NULL. */
static inline bool folding_start(const char *const *paths, size_t page_memory,
                                 size_t journal_memory) {
    free(state_memory.memory);
    state = bank_state_make(&state_memory, schema, 5, page_memory, journal_memory);
    sequence = 0;
    bool good = state != NULL;
    for (uint32_t i = 0; good && paths[i] != NULL; i += 1) {
        uint32_t number;
        good = rv_state_stream_add(state, 0, rv_bytes_of_string(paths[i]), &number, &err) == RV_OK;
    }
    return good;
}

/* Folds an event into the transaction that is open; `texts[i]` is the i-th field's value, NULL is
 * NULL. RV_STATUS_COUNT: a text is no value. */
static inline rv_status folding_one(const char *type_name, uint32_t stream, rv_fold_mode mode,
                                    const char *const *texts) {
    const rv_event_type *const type =
        rv_schema_event_type_named(schema, rv_bytes_of_string(type_name));
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_value values[16];
    for (uint16_t i = 0; i < type->field_count; i += 1) {
        values[i] = rv_value_null();
        if (texts[i] != NULL &&
            rv_value_from_text(&type->fields[i].type, rv_bytes_of_string(texts[i]),
                               type->fields[i].name, &scratch, &values[i], &err) != RV_OK) {
            return RV_STATUS_COUNT;
        }
    }
    const rv_event event = {.stream = stream,
                            .type = type->number,
                            .sequence = sequence + 1,
                            .position = sequence + 101,
                            .version = sequence + 1,
                            .written_at = FOLDING_WRITTEN_AT};
    err = (rv_error){0};
    return rv_state_fold(state, &event, values, mode, &scratch, &err);
}

/* The same in a transaction of its own: a refused one is taken back. */
static inline rv_status folding(const char *type_name, uint32_t stream, rv_fold_mode mode,
                                const char *const *texts) {
    rv_state_begin(state);
    const rv_status status = folding_one(type_name, stream, mode, texts);
    if (status == RV_OK) {
        rv_state_commit(state);
        sequence += 1;
    } else {
        rv_state_rollback(state);
    }
    return status;
}

#define FOLD_IN(stream, type, ...)                                                                 \
    folding(type, stream, RV_FOLD_JUDGE, (const char *const[]){__VA_ARGS__})
#define APPLY_IN(stream, type, ...)                                                                \
    folding(type, stream, RV_FOLD_APPLY, (const char *const[]){__VA_ARGS__})
#define FOLD(type, ...)       FOLD_IN(0, type, __VA_ARGS__)
#define APPLY(type, ...)      APPLY_IN(0, type, __VA_ARGS__)
#define CHECK_FACTS(expected) RV_CHECK_TEXT(rv_bytes_of(err.facts, err.facts_len), expected)

static inline void folding_end(void) {
    free(state_memory.memory);
    free(schema_memory.memory);
}

#endif
