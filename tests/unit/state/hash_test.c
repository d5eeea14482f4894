/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the state hash is the one that docs/format/state-hash.md specifies.
 * Method: the forms are written here by hand from that page, byte by byte, for rows with every
 * class of value, and compared with what the state says; then what must not matter, and what must.
 */
#include "tests/unit/state/bank.h"

static const rv_schema *schema;
static bank_memory schema_memory, state_memory;
static rv_state *state;
static uint64_t sequence;
static uint8_t scratch_memory[64 << 10];
static uint8_t form_memory[1024];
static uint8_t long_text[9000];

static bool start(uint64_t hash_key) {
    free(state_memory.memory);
    state = bank_state_make(&state_memory, schema, hash_key, 4u << 20, 1u << 20);
    sequence = 0;
    uint32_t number;
    return state != NULL &&
           rv_state_stream_add(state, RV_NONE, RV_LITERAL("/rivulet/schema"), &number, NULL) ==
               RV_OK &&
           rv_state_stream_add(state, 0, RV_LITERAL("/a/1"), &number, NULL) == RV_OK &&
           rv_state_stream_add(state, 0, RV_LITERAL("/a/2"), &number, NULL) == RV_OK;
}

static rv_status apply(const char *name, uint32_t stream, const rv_value *values) {
    const rv_event_type *const type = rv_schema_event_type_named(schema, rv_bytes_of_string(name));
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_stream_head head;
    rv_state_stream(state, stream, &head);
    sequence += 1;
    const rv_event event = {.stream = stream,
                            .type = type->number,
                            .sequence = sequence,
                            .position = sequence,
                            .version = head.version + 1,
                            .written_at = INT64_C(946684800000007)};
    return rv_state_fold(state, &event, values, RV_FOLD_APPLY, &scratch, NULL);
}

static rv_value text(const char *t) {
    return rv_value_bytes(rv_bytes_of_string(t));
}

static void write_words(rv_writer *w, rv_hash128 hash) {
    rv_write_u64(w, hash.low);
    rv_write_u64(w, hash.high);
}

static void write_text(rv_writer *w, const char *t) {
    rv_write_u8(w, 3);
    rv_write_varint(w, strlen(t));
    rv_write_text(w, t);
}

static void write_int(rv_writer *w, int64_t v) {
    rv_write_u8(w, 1);
    rv_write_u64(w, (uint64_t)v);
}

static void write_numeric(rv_writer *w, int64_t v, uint8_t scale) {
    write_int(w, v);
    rv_write_u8(w, scale);
}

static rv_hash128 whole(uint64_t watermark, rv_hash128 sum) {
    rv_writer w = rv_writer_over(form_memory, sizeof form_memory);
    write_words(&w, rv_schema_hash(schema));
    rv_write_u64(&w, watermark);
    write_words(&w, sum);
    return rv_hash128_of(3, rv_writer_bytes(&w));
}

static rv_hash128 stream(const char *path, uint64_t version) {
    rv_writer w = rv_writer_over(form_memory, sizeof form_memory);
    rv_write_varint(&w, strlen(path));
    rv_write_text(&w, path);
    rv_write_u64(&w, version);
    return rv_hash128_of(2, rv_writer_bytes(&w));
}

RV_TEST(the_empty_state_is_a_sum_of_zero) {
    RV_CHECK(start(1));
    RV_CHECK(bank_same(rv_state_hash(state, 0), whole(0, (rv_hash128){0, 0})));
    RV_CHECK(bank_same(rv_state_hash(state, 5), whole(5, (rv_hash128){0, 0})));
}

RV_TEST(an_account_is_hashed_by_its_forms) {
    RV_CHECK(start(1));
    const rv_value opened[6] = {rv_value_int(42),
                                text("Ann"),
                                rv_value_int(1),
                                rv_value_int(-3),
                                rv_value_bytes((rv_bytes){long_text, 65}),
                                rv_value_int(1250)};
    RV_CHECK_STATUS(apply("opened", 1, opened), RV_OK);
    uint8_t memory[1024];
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_write_varint(&w, 7);
    rv_write_text(&w, "account");
    write_int(&w, 42);
    write_text(&w, "Ann");
    write_text(&w, "team");
    write_numeric(&w, 125, 1);
    write_int(&w, 5);
    rv_write_u8(&w, 0xfe);
    rv_write_u64(&w, 65);
    write_words(&w, rv_hash128_of(0, (rv_bytes){long_text, 65}));
    write_int(&w, 7); /* opened: now() */
    rv_write_u8(&w, 0);
    write_int(&w, -3);
    const rv_hash128 row = rv_hash128_of(1, rv_writer_bytes(&w));
    const rv_hash128 sum = rv_hash128_add(row, stream("/a/1", 1));
    RV_CHECK(bank_same(rv_state_hash(state, 1), whole(1, sum)));
    RV_CHECK(bank_same(rv_state_hash_selected(state, 1, NULL, 0), whole(1, (rv_hash128){0, 0})));
}

RV_TEST(long_bytes_are_hashed_piece_by_piece) {
    static const size_t lens[] = {64, 65, 4000, 4001, 4080, 4081, 8000, 8001, 9000};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i += 1) {
        RV_CHECK(start(i));
        const rv_bytes value = {long_text, lens[i]};
        const rv_value counted[4] = {rv_value_int(9), rv_value_int(0), rv_value_int(1200),
                                     rv_value_bytes(value)};
        RV_CHECK_STATUS(apply("counted", 2, counted), RV_OK);
        uint8_t memory[1024];
        rv_writer w = rv_writer_over(memory, sizeof memory);
        rv_write_varint(&w, 7);
        rv_write_text(&w, "counter");
        write_int(&w, 9);
        write_int(&w, 0);
        write_numeric(&w, 1200, 0);
        if (value.len <= 64) {
            rv_write_u8(&w, 3);
            rv_write_blob(&w, value);
        } else {
            rv_hash128 digest = {0, 0};
            for (size_t at = 0; at < value.len; at += 4000) {
                const size_t left = value.len - at;
                digest = rv_hash128_of(digest.low,
                                       (rv_bytes){value.ptr + at, left < 4000 ? left : 4000});
            }
            rv_write_u8(&w, 0xfe);
            rv_write_u64(&w, value.len);
            write_words(&w, digest);
        }
        const rv_hash128 row = rv_hash128_of(1, rv_writer_bytes(&w));
        const rv_hash128 sum = rv_hash128_add(row, stream("/a/2", 1));
        RV_CHECK(bank_same(rv_state_hash(state, 1), whole(1, sum)));
    }
}

RV_TEST(unknown_is_not_null) {
    RV_CHECK(start(1));
    const rv_value counted[4] = {rv_value_int(9), rv_value_int(INT32_MAX), rv_value_null(),
                                 rv_value_null()};
    RV_CHECK_STATUS(apply("counted", 1, counted), RV_OK);
    const rv_value more[4] = {rv_value_int(9), rv_value_int(1), rv_value_null(), rv_value_null()};
    RV_CHECK_STATUS(apply("counted_on", 1, more), RV_OK);
    uint8_t memory[256];
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_write_varint(&w, 7);
    rv_write_text(&w, "counter");
    write_int(&w, 9);
    rv_write_u8(&w, 0xff);
    rv_write_u8(&w, 0);
    rv_write_u8(&w, 0);
    const rv_hash128 row = rv_hash128_of(1, rv_writer_bytes(&w));
    const rv_hash128 sum = rv_hash128_add(row, stream("/a/1", 2));
    RV_CHECK(bank_same(rv_state_hash(state, 2), whole(2, sum)));
}

/* An edge that holds /a/1 only has the hash that the root gives for that selection. */
RV_TEST(a_selection_is_what_an_edge_would_hold) {
    RV_CHECK(start(1));
    rv_hash128 edge = {0, 0};
    for (int all = 0; all < 2; all += 1) {
        RV_CHECK(start(1 + (uint64_t)all));
        for (int64_t i = 0; i < 500; i += 1) {
            const uint32_t owner = 1 + (uint32_t)(i % 2);
            const rv_value opened[6] = {rv_value_int(i),        text("Ann"),     rv_value_int(1),
                                        rv_value_int(i * 1000), rv_value_null(), rv_value_int(i)};
            if (owner == 1 || all == 1) {
                RV_CHECK_STATUS(apply("opened", owner, opened), RV_OK);
            }
        }
        const rv_event schema_changed = {.type = RV_SYSTEM_SCHEMA_TYPE, .version = 1};
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        RV_CHECK_STATUS(rv_state_fold(state, &schema_changed, NULL, RV_FOLD_APPLY, &scratch, NULL),
                        RV_OK);
        edge = all == 0 ? rv_state_hash(state, 9) : edge;
    }
    rv_path_pattern pattern;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/a/1"), &pattern, NULL), RV_OK);
    RV_CHECK(bank_same(rv_state_hash_selected(state, 9, &pattern, 1), edge));
    RV_CHECK(!bank_same(rv_state_hash(state, 9), edge));
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/a/*"), &pattern, NULL), RV_OK);
    RV_CHECK(bank_same(rv_state_hash_selected(state, 9, &pattern, 1), rv_state_hash(state, 9)));
}

int main(void) {
    schema = bank_schema_make(&schema_memory);
    if (schema == NULL) {
        return 1;
    }
    for (size_t i = 0; i < sizeof long_text; i += 1) {
        long_text[i] = (uint8_t)('a' + (i * 7 + i / 100) % 26);
    }
    RV_RUN(the_empty_state_is_a_sum_of_zero);
    RV_RUN(an_account_is_hashed_by_its_forms);
    RV_RUN(long_bytes_are_hashed_piece_by_piece);
    RV_RUN(unknown_is_not_null);
    RV_RUN(a_selection_is_what_an_edge_would_hold);
    free(state_memory.memory);
    free(schema_memory.memory);
    return rv_test_done();
}
