/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: columns of type numeric are counted in exactly, in both of their forms: within the declared
 * digits, never beyond them, NaN and infinities as PostgreSQL adds them. Method: random increments
 * and decrements of scaled and wide columns, with fields of other numeric types, against sums that
 * the naive twin of decimals makes digit by digit; then the edges by hand.
 */
#include "core/model/decimal.h"
#include "tests/unit/model/decimal_twin.h"
#include "tests/unit/state/bank.h"

static const char numeric_schema[] =
    "CREATE AGGREGATE sum (id bigint PRIMARY KEY, any numeric NOT NULL DEFAULT 0,"
    "  huge numeric(30,2) NOT NULL DEFAULT 0, small numeric(6,2) NOT NULL DEFAULT 0,"
    "  hundreds numeric(4,-2) DEFAULT 12345, copy numeric(40,5));"
    "CREATE EVENT_TYPE made (id creates sum(id));"
    "CREATE EVENT_TYPE moved (id references sum(id), by numeric increments sum(any),"
    "  on numeric(25,3) decrements sum(huge), cents numeric(7,3) increments sum(small),"
    "  times numeric(9,0) increments sum(any) increments sum(huge) updates sum(copy));"
    "CREATE EVENT_TYPE set (id references sum(id), any updates sum(any), huge updates sum(huge),"
    "  small updates sum(small));";

enum { ANY = 1, HUGE_, SMALL, HUNDREDS, COPY };

static bank_memory schema_memory, state_memory;
static rv_schema *schema;
static rv_state *state;
static uint8_t scratch_memory[64 << 10];
static uint8_t values_memory[64 << 10];
static rv_arena values_arena;
static uint64_t sequence;
static char shown[RV_DECIMAL_TEXT_MAX + 1];

static bool start(void) {
    rv_error err = {0};
    uint32_t number;
    values_arena = rv_arena_over(values_memory, sizeof values_memory);
    if (schema == NULL &&
        (!bank_take(&schema_memory, 4u << 20) ||
         rv_schema_create(&schema, &schema_memory.arena, &err) != RV_OK ||
         rv_schema_apply(schema, rv_bytes_of_string(numeric_schema), &err) != RV_OK)) {
        fprintf(stderr, "%s\n", err.detail);
        return false;
    }
    free(state_memory.memory);
    state = bank_state_make(&state_memory, schema, 1, 4u << 20, 1u << 20);
    sequence = 0;
    return state != NULL &&
           rv_state_stream_add(state, 0, RV_LITERAL("/a/1"), &number, NULL) == RV_OK;
}

/* Folds an event whose fields are these texts; NULL is NULL. */
static rv_status fold(const char *name, const char *const *texts, rv_fold_mode mode) {
    const rv_event_type *const type = rv_schema_event_type_named(schema, rv_bytes_of_string(name));
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_value values[8];
    rv_arena_reset(&values_arena, 0);
    for (uint16_t f = 0; f < type->field_count; f += 1) {
        values[f] = rv_value_null();
        if (texts[f] != NULL &&
            rv_value_from_text(&type->fields[f].type, rv_bytes_of_string(texts[f]), RV_LITERAL("f"),
                               &values_arena, &values[f], NULL) != RV_OK) {
            return RV_VALUE_INVALID;
        }
    }
    sequence += 1;
    const rv_event event = {.stream = 0,
                            .type = type->number,
                            .sequence = sequence,
                            .position = sequence,
                            .version = sequence,
                            .written_at = INT64_C(946684800000007)};
    return rv_state_fold(state, &event, values, mode, &scratch, NULL);
}

/* The text of a cell; `?` when it is unknown. */
static const char *cell(uint16_t column) {
    static uint8_t memory[8192];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    const rv_value key = rv_value_int(1);
    rv_value value;
    bool unknown = false;
    const rv_row row = rv_state_row_find(state, 0, &key);
    if (row == RV_ROW_NONE ||
        rv_state_row_cell(state, 0, row, column, &scratch, &value, &unknown) != RV_OK) {
        return "none";
    }
    rv_writer w = rv_writer_over(shown, sizeof shown - 1);
    rv_value_to_text(&rv_schema_aggregate(schema, 0)->columns[column].type, &value, &w);
    shown[w.len] = 0;
    return unknown ? "?" : shown;
}

#define CHECK_CELL(column, text) RV_CHECK_TEXT(rv_bytes_of_string(cell(column)), text)

static void twin_count(twin *sum, const char *by, int scale, bool down) {
    twin value;
    const twin old = *sum;
    twin_read(&value, by);
    if (scale >= 0) {
        twin_round(&value, scale, false);
    }
    value.minus = value.minus != down && value.count > 0;
    twin_add(&old, &value, sum);
}

static void check_cell(uint16_t column, const twin *expected) {
    char text[TWIN_DIGITS + 8];
    twin_print(expected, text);
    CHECK_CELL(column, text);
}

static void random_decimal(uint64_t *seed, int whole, int part, char *out) {
    *out = '-';
    out += rv_test_random(seed) % 2;
    whole = 1 + (int)(rv_test_random(seed) % (uint64_t)whole);
    part = (int)(rv_test_random(seed) % (uint64_t)(part + 1));
    for (int i = 0; i < whole + part; i += 1) {
        *out = '.';
        out += i == whole;
        *out++ = (char)('0' + rv_test_random(seed) % 10);
    }
    *out = 0;
}

RV_TEST(counting_is_exact) {
    static twin any, huge, small;
    uint64_t seed = 12;
    RV_CHECK(start());
    RV_CHECK_STATUS(fold("made", (const char *[]){"1"}, RV_FOLD_APPLY), RV_OK);
    CHECK_CELL(ANY, "0");
    CHECK_CELL(HUGE_, "0.00");
    CHECK_CELL(HUNDREDS, "12300");
    twin_read(&any, "0");
    twin_read(&huge, "0.00");
    twin_read(&small, "0.00");
    for (int i = 0; i < 3000; i += 1) {
        char by[128];
        char on[64];
        char cents[32];
        char times[32];
        random_decimal(&seed, i % 100 == 0 ? 60 : 20, 12, by);
        random_decimal(&seed, 20, 3, on);
        random_decimal(&seed, 1, 3, cents);
        random_decimal(&seed, 8, 0, times);
        const char *const texts[] = {"1", by, on, cents, times};
        RV_CHECK_STATUS(fold("moved", texts, RV_FOLD_APPLY), RV_OK);
        twin_count(&any, by, -1, false);
        twin_count(&any, times, -1, false);
        twin_count(&huge, on, 2, true);
        twin_count(&huge, times, 2, false);
        twin_count(&small, cents, 2, false);
        check_cell(ANY, &any);
        check_cell(HUGE_, &huge);
        check_cell(SMALL, &small);
        RV_CHECK_PASSED();
    }
}

RV_TEST(the_declared_digits_bound_the_sum) {
    static const char *const full[] = {"1", "9e4095", "9999999999999999999999999999.99", "9999.99"};
    static const char *const one[] = {"1", NULL, NULL, NULL, "1"};
    static const char *const cent[] = {"1", NULL, NULL, "0.005", NULL};
    RV_CHECK(start());
    RV_CHECK_STATUS(fold("made", (const char *[]){"1"}, RV_FOLD_APPLY), RV_OK);
    RV_CHECK_STATUS(fold("set", full, RV_FOLD_APPLY), RV_OK);
    rv_state_begin(state);
    RV_CHECK_STATUS(fold("moved", one, RV_FOLD_JUDGE), RV_VALUE_OUT_OF_RANGE);
    rv_state_rollback(state);
    rv_state_begin(state);
    RV_CHECK_STATUS(fold("moved", cent, RV_FOLD_JUDGE), RV_VALUE_OUT_OF_RANGE);
    rv_state_rollback(state);
    CHECK_CELL(HUGE_, full[2]);
    CHECK_CELL(SMALL, full[3]);
    RV_CHECK_STATUS(fold("moved", one, RV_FOLD_APPLY), RV_OK);
    CHECK_CELL(COPY, "1.00000");
    RV_CHECK_STATUS(fold("moved", cent, RV_FOLD_APPLY), RV_OK);
    CHECK_CELL(HUGE_, "?");
    CHECK_CELL(SMALL, "?");
}

RV_TEST(nan_and_infinity_are_added) {
    static const char *const steps[][5] = {
        {"1", "Infinity", "NaN", "NaN", NULL},
        {"1", "5", "1", "-1", "7"},
        {"1", "-Infinity", NULL, NULL, NULL},
    };
    static const char *const results[][3] = {
        {"Infinity", "NaN", "NaN"}, {"Infinity", "NaN", "NaN"}, {"NaN", "NaN", "NaN"}};
    RV_CHECK(start());
    RV_CHECK_STATUS(fold("made", (const char *[]){"1"}, RV_FOLD_APPLY), RV_OK);
    for (int i = 0; i < 3; i += 1) {
        RV_CHECK_STATUS(fold("moved", steps[i], RV_FOLD_APPLY), RV_OK);
        CHECK_CELL(ANY, results[i][0]);
        CHECK_CELL(HUGE_, results[i][1]);
        CHECK_CELL(SMALL, results[i][2]);
    }
}

/* Equal numbers of another scale are the same state; others are not. */
RV_TEST(the_state_hash_is_of_the_number) {
    static const char *const texts[] = {"2.5", "2.50", "2.500000", "2.51", "NaN"};
    rv_hash128 first = {0, 0};
    for (int i = 0; i < 5; i += 1) {
        RV_CHECK(start());
        RV_CHECK_STATUS(fold("made", (const char *[]){"1"}, RV_FOLD_APPLY), RV_OK);
        RV_CHECK_STATUS(fold("set", (const char *[]){"1", texts[i], "1", "1"}, RV_FOLD_APPLY),
                        RV_OK);
        const rv_hash128 hash = rv_state_hash(state, 2);
        first = i == 0 ? hash : first;
        RV_CHECK_EQ(bank_same(hash, first), i < 3);
    }
}

/* One that is stored in more than 64 bytes is hashed as it is stored, with its scale. */
RV_TEST(a_long_number_is_hashed_with_its_scale) {
    static char texts[4][256];
    rv_hash128 hashes[4];
    for (int i = 0; i < 4; i += 1) {
        const int digits = i < 2 ? 100 : 140; /* 50 bytes, or 70 */
        memset(texts[i], '7', (size_t)digits);
        strcpy(texts[i] + digits, i % 2 == 0 ? ".5" : ".50");
        RV_CHECK(start());
        RV_CHECK_STATUS(fold("made", (const char *[]){"1"}, RV_FOLD_APPLY), RV_OK);
        RV_CHECK_STATUS(fold("set", (const char *[]){"1", texts[i], "1", "1"}, RV_FOLD_APPLY),
                        RV_OK);
        hashes[i] = rv_state_hash(state, 2);
    }
    RV_CHECK(bank_same(hashes[0], hashes[1]));
    RV_CHECK(!bank_same(hashes[2], hashes[3]));
}

int main(void) {
    if (!start()) {
        return 1;
    }
    RV_RUN(counting_is_exact);
    RV_RUN(the_declared_digits_bound_the_sum);
    RV_RUN(nan_and_infinity_are_added);
    RV_RUN(the_state_hash_is_of_the_number);
    RV_RUN(a_long_number_is_hashed_with_its_scale);
    free(state_memory.memory);
    free(schema_memory.memory);
    return rv_test_done();
}
