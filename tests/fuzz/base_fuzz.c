/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: bytes that come as a selection, as a part of a base or as changes are refused whole or
 * taken whole; what was taken is a state that goes on, with a hash and a base of its own. Method:
 * the first byte says what the rest is:
 *
 *     0: an entry of a selection, as text    1: a selection, binary
 *     2: parts of a base, each u16 length and bytes, then changes until the end
 */
#include "core/model/selection.h"
#include "core/state/base.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_schema.h"

#define STATE_MEMORY ((size_t)4 << 20)
#define PARTS_MAX    8

static uint8_t schema_memory[1 << 20];
static uint8_t state_memory[2 * STATE_MEMORY];
static uint8_t scratch_memory[1 << 18];
static uint8_t text_memory[1 << 14];
static uint8_t again_memory[1 << 14];
static uint8_t part_memory[1 << 18];

static void check_same(const rv_selection *selection) {
    rv_writer w = rv_writer_over(again_memory, sizeof again_memory);
    rv_selection again;
    rv_selection_encode(selection, &w);
    FUZZ_CHECK(!w.full);
    FUZZ_CHECK(rv_selection_decode(rv_writer_bytes(&w), &again, NULL) == RV_OK);
    FUZZ_CHECK(rv_selection_equal(selection, &again));
}

static void take_text(rv_bytes text) {
    rv_arena arena = rv_arena_over(text_memory, sizeof text_memory);
    rv_selection selection = {0};
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_selection_add(&selection, text, &arena, &err);
    FUZZ_CHECK(status == err.status);
    if (status != RV_OK) {
        FUZZ_CHECK(selection.count == 0 && arena.len == 0);
        return;
    }
    check_same(&selection);
    uint8_t printed[RV_PATH_LEN_MAX + 128];
    rv_writer w = rv_writer_over(printed, sizeof printed);
    rv_select_print(&selection.entries[0], &w);
    rv_selection again = {0};
    FUZZ_CHECK(!w.full);
    FUZZ_CHECK(rv_selection_add(&again, rv_writer_bytes(&w), &arena, NULL) == RV_OK);
    FUZZ_CHECK(rv_selection_equal(&selection, &again));
}

static void take_bytes(rv_bytes bytes) {
    rv_selection selection;
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_selection_decode(bytes, &selection, &err);
    FUZZ_CHECK(status == err.status && (status == RV_OK || status == RV_SELECTION_INVALID));
    if (status == RV_OK) {
        check_same(&selection);
    }
}

static rv_state *make_state(const rv_schema *schema, uint8_t *memory) {
    rv_arena arena = rv_arena_over(memory, STATE_MEMORY);
    const rv_state_options options = {schema, 7, (size_t)2 << 20, (size_t)1 << 19, (size_t)1 << 19};
    rv_state *state = NULL;
    FUZZ_CHECK(rv_state_create(&state, &options, &arena, NULL) == RV_OK);
    return state;
}

static rv_arena scratch_of(void) {
    return rv_arena_over(scratch_memory, sizeof scratch_memory);
}

/* What the state has of streams is a base for another one, which then has the same. */
static void check_base_of(rv_state *state, const rv_schema *schema) {
    rv_path_pattern all;
    FUZZ_CHECK(rv_path_pattern_parse(RV_LITERAL("/**"), &all, NULL) == RV_OK);
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    rv_state *const other = make_state(schema, state_memory + STATE_MEMORY);
    uint64_t cursor = RV_BASE_CURSOR_BEGIN;
    rv_status status = rv_state_base_open(state, &source);
    FUZZ_CHECK(status == RV_OK);
    FUZZ_CHECK(rv_state_base_begin(other, 1, RV_LITERAL("x"), NULL) == RV_OK);
    while (status == RV_OK && cursor != RV_BASE_CURSOR_END) {
        rv_arena scratch = scratch_of();
        rv_writer w = rv_writer_over(part_memory, sizeof part_memory);
        status = rv_state_base_write(state, &source, 1 << 12, 1 << 12, &scratch, &cursor, &w);
        FUZZ_CHECK(status == RV_OK);
        scratch = scratch_of();
        status = rv_state_base_part(other, rv_writer_bytes(&w), cursor, &scratch, NULL);
    }
    FUZZ_CHECK(status == RV_OK || status == RV_MEMORY_EXHAUSTED);
    rv_arena scratch = scratch_of();
    if (status == RV_OK && rv_state_base_apply(other, &scratch, NULL) == RV_OK) {
        const rv_hash128 a = rv_state_hash_selected(state, 1, &all, 1);
        const rv_hash128 b = rv_state_hash(other, 1);
        FUZZ_CHECK(a.low == b.low && a.high == b.high);
    }
}

static void take_base(rv_bytes input) {
    static const uint16_t pot = 2;
    rv_schema *schema = NULL;
    rv_arena arena = rv_arena_over(schema_memory, sizeof schema_memory);
    FUZZ_CHECK(rv_schema_create(&schema, &arena, NULL) == RV_OK);
    FUZZ_CHECK(rv_schema_apply(schema, rv_bytes_of_string(fuzz_schema), NULL) == RV_OK);
    rv_state *const state = make_state(schema, state_memory);
    rv_state_give(state, &pot, 1);
    rv_state_base_give(state, &pot, 1);
    const rv_hash128 empty = rv_state_hash(state, 1);
    FUZZ_CHECK(rv_state_base_begin(state, 1, RV_LITERAL("x"), NULL) == RV_OK);
    for (int i = 0; i < PARTS_MAX && input.len > 0; i++) {
        const rv_bytes part = fuzz_take(&input, fuzz_take_u16(&input));
        rv_arena scratch = scratch_of();
        rv_state_begin(state);
        const rv_status status = rv_state_base_part(state, part, (uint64_t)i, &scratch, NULL);
        if (status == RV_OK) {
            rv_state_commit(state);
        } else {
            FUZZ_CHECK(status == RV_DATA_DAMAGED);
            rv_state_rollback(state);
        }
    }
    const rv_hash128 waiting = rv_state_hash(state, 1);
    FUZZ_CHECK(waiting.low == empty.low && waiting.high == empty.high);
    rv_arena scratch = scratch_of();
    if (rv_state_base_apply(state, &scratch, NULL) != RV_OK) {
        return;
    }
    const rv_hash128 before = rv_state_hash(state, 1);
    rv_state_begin(state);
    scratch = scratch_of();
    if (rv_state_base_change(state, input, &scratch, NULL) == RV_OK) {
        rv_state_commit(state);
    } else {
        rv_state_rollback(state);
        const rv_hash128 after = rv_state_hash(state, 1);
        FUZZ_CHECK(after.low == before.low && after.high == before.high);
    }
    check_base_of(state, schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    switch (fuzz_take_u8(&input) % 3) {
    case 0:
        take_text(input);
        break;
    case 1:
        take_bytes(input);
        break;
    default:
        take_base(input);
        break;
    }
    return 0;
}
