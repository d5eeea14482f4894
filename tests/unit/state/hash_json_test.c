/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: jsonb, json and arrays enter the state hash as docs/format/state-hash.md says, whatever the
 * heap keeps them in: cells, slots, chains. Method: rows with values of many lengths, whose forms
 * are written here by hand from that page; and pairs of jsonb that are equal and written
 * differently, of which both states must have one hash.
 */
#include "tests/unit/state/bank.h"

static const char documents[] =
    "CREATE AGGREGATE doc (id bigint PRIMARY KEY, body jsonb, raw json, list integer[]);"
    "CREATE EVENT_TYPE put (id creates doc(id), body updates doc(body), raw updates doc(raw),"
    " list updates doc(list));"
    "CREATE STREAM docs (path \"/docs/{id}\", event_types (put));";

static bank_memory schema_memory, state_memory;
static rv_schema *schema;
static rv_state *state;
static uint8_t scratch_memory[1 << 18];
static uint8_t texts[2][1 << 16];
static uint8_t form_memory[1 << 16];

/* The hash of a state with one row, of a body, a raw json and a list; empty ones are NULL. */
static rv_hash128 hash_of(rv_bytes body, rv_bytes raw, rv_bytes list) {
    free(state_memory.memory);
    state = bank_state_make(&state_memory, schema, 1, 4u << 20, 1u << 20);
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_bytes parts[3] = {body, raw, list};
    rv_value values[4] = {rv_value_int(1)};
    for (size_t i = 0; i < 3; i++) {
        values[i + 1] = parts[i].len == 0 ? rv_value_null() : rv_value_bytes(parts[i]);
    }
    uint32_t number;
    const rv_event event = {.stream = 0,
                            .type = rv_schema_event_type_named(schema, RV_LITERAL("put"))->number,
                            .sequence = 1,
                            .position = 1,
                            .version = 1,
                            .written_at = INT64_C(946684800000007)};
    RV_ASSERT(state != NULL);
    rv_status status = rv_state_stream_add(state, 0, RV_LITERAL("/docs/1"), &number, NULL);
    if (status == RV_OK) {
        status = rv_state_fold(state, &event, values, RV_FOLD_APPLY, &scratch, NULL);
    }
    RV_ASSERT(status == RV_OK);
    return rv_state_hash(state, 1);
}

static void write_words(rv_writer *w, rv_hash128 hash) {
    rv_write_u64(w, hash.low);
    rv_write_u64(w, hash.high);
}

/* The form of bytes, which are NULL when there are none. */
static void write_bytes(rv_writer *w, rv_bytes bytes) {
    if (bytes.len == 0) {
        rv_write_u8(w, 0);
    } else if (bytes.len <= 64) {
        rv_write_u8(w, 3);
        rv_write_blob(w, bytes);
    } else {
        rv_hash128 digest = {0, 0};
        rv_write_u8(w, 0xfe);
        rv_write_u64(w, bytes.len);
        for (size_t at = 0; at < bytes.len; at += 4000) {
            const size_t left = bytes.len - at;
            digest =
                rv_hash128_of(digest.low, rv_bytes_of(bytes.ptr + at, left < 4000 ? left : 4000));
        }
        write_words(w, digest);
    }
}

/* What hash_of must give when the jsonb's plain form is `plain`. */
static rv_hash128 expected(rv_bytes plain, rv_bytes raw, rv_bytes list) {
    rv_writer w = rv_writer_over(form_memory, sizeof form_memory);
    rv_write_blob(&w, RV_LITERAL("doc"));
    rv_write_u8(&w, 1);
    rv_write_u64(&w, 1);
    write_bytes(&w, plain);
    write_bytes(&w, raw);
    write_bytes(&w, list);
    const rv_hash128 row = rv_hash128_of(1, rv_writer_bytes(&w));
    w = rv_writer_over(form_memory, sizeof form_memory);
    rv_write_blob(&w, RV_LITERAL("/docs/1"));
    rv_write_u64(&w, 1);
    const rv_hash128 sum = rv_hash128_add(row, rv_hash128_of(2, rv_writer_bytes(&w)));
    w = rv_writer_over(form_memory, sizeof form_memory);
    write_words(&w, rv_schema_hash(schema));
    rv_write_u64(&w, 1);
    write_words(&w, sum);
    return rv_hash128_of(3, rv_writer_bytes(&w));
}

/* An array of `count` numbers, each with `zeros` zeros after its digits; numbers without a fraction
 * that is not zero have none when `plain`. */
static rv_bytes numbers(size_t which, size_t count, size_t zeros, bool plain) {
    rv_writer w = rv_writer_over(texts[which], sizeof texts[which]);
    rv_write_u8(&w, '[');
    for (size_t i = 0; i < count; i++) {
        rv_write_text(&w, i > 0 ? ", " : "");
        rv_write_uint(&w, i);
        rv_write_text(&w, i % 2 == 0 ? ".5" : plain || zeros == 0 ? "" : ".");
        for (size_t z = 0; z < zeros && !plain; z++) {
            rv_write_u8(&w, '0');
        }
    }
    rv_write_u8(&w, ']');
    RV_ASSERT(!w.full);
    return rv_writer_bytes(&w);
}

RV_TEST(equal_jsonb_have_one_form_of_any_length) {
    static const size_t counts[] = {1, 5, 9, 10, 11, 12, 13, 100, 600, 650, 700, 1200, 2000};
    const rv_bytes none = {NULL, 0};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (size_t zeros = 0; zeros < 9; zeros += zeros == 0 ? 1 : 7) {
            const rv_bytes body = numbers(0, counts[i], zeros, false);
            const rv_bytes plain = numbers(1, counts[i], 0, true);
            RV_CHECK(bank_same(hash_of(body, none, none), expected(plain, none, none)));
        }
    }
}

RV_TEST(many_zeros_wait_for_a_digit) {
    const rv_bytes none = {NULL, 0};
    memset(texts[0], '0', 2060);
    texts[0][1] = '.';
    for (size_t last = 0; last < 2; last++) {
        texts[0][2049] = last == 0 ? '0' : '7';
        const rv_bytes body = rv_bytes_of(texts[0], 2050);
        const rv_bytes plain = last == 0 ? RV_LITERAL("0") : body;
        RV_CHECK(bank_same(hash_of(body, none, none), expected(plain, none, none)));
    }
}

RV_TEST(json_and_arrays_are_as_they_are_stored) {
    const rv_bytes none = {NULL, 0};
    const rv_bytes short_json = RV_LITERAL(" [1.50, 2.0 ]");
    const rv_bytes list = RV_LITERAL("\x03\x02\x02\x04"); /* {1,NULL,2} */
    RV_CHECK(bank_same(hash_of(none, short_json, list), expected(none, short_json, list)));
    const rv_bytes long_json = numbers(0, 2000, 2, false);
    RV_CHECK(bank_same(hash_of(none, long_json, none), expected(none, long_json, none)));
    memset(texts[1], 0x02, 5000);
    memcpy(texts[1], "\x90\x27", 2); /* 5008 elements */
    memset(texts[1] + 2, 0, 626);
    const rv_bytes long_list = rv_bytes_of(texts[1], 2 + 626 + 5008);
    memset(texts[1] + 628, 0x02, 5008);
    RV_CHECK(bank_same(hash_of(none, none, long_list), expected(none, none, long_list)));
}

int main(void) {
    rv_error err = {0};
    if (!bank_take(&schema_memory, 4u << 20) ||
        rv_schema_create(&schema, &schema_memory.arena, &err) != RV_OK ||
        rv_schema_apply(schema, rv_bytes_of_string(documents), &err) != RV_OK) {
        fprintf(stderr, "%s\n", err.detail);
        return 1;
    }
    RV_RUN(equal_jsonb_have_one_form_of_any_length);
    RV_RUN(many_zeros_wait_for_a_digit);
    RV_RUN(json_and_arrays_are_as_they_are_stored);
    free(state_memory.memory);
    free(schema_memory.memory);
    return rv_test_done();
}
