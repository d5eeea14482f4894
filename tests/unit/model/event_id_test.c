/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: ids that a node makes are UUIDv7, carry tag, number and time, and are told from all others.
 * Method: a worked example, random round trips, every bit flipped.
 */
#include "core/model/event.h"

#include "tests/unit/test.h"

RV_TEST(the_example_of_the_specification_holds) {
    uint8_t id[16];
    rv_event_id_make(UINT64_C(0x2abcdef12), 42, INT64_C(1767225600000123), id);
    uint8_t text[36];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_uuid(&w, id);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "019b76da-a800-7aaf-8def-12000000002a");
}

RV_TEST(what_went_in_comes_out) {
    uint64_t random = 7;
    for (int i = 0; i < 100000; i++) {
        const uint64_t tag = rv_test_random(&random) >> (64 - RV_NODE_TAG_BITS);
        const uint64_t number = rv_test_random(&random) & RV_EVENT_NUMBER_MAX;
        const int64_t written_at = (int64_t)(rv_test_random(&random) >> 8);
        uint8_t id[16];
        rv_event_id_make(tag, number, written_at, id);
        RV_CHECK_EQ(id[6] >> 4, 7);
        RV_CHECK_EQ(id[8] >> 6, 2);
        uint64_t met = 0;
        int64_t ms = 0;
        RV_CHECK(rv_event_id_parse(id, tag, &met, &ms));
        RV_CHECK_EQ(met, number);
        RV_CHECK_EQ(ms, (written_at / 1000) & ((INT64_C(1) << 48) - 1));
        RV_CHECK(!rv_event_id_parse(id, tag ^ (UINT64_C(1) << (i % RV_NODE_TAG_BITS)), &met, &ms));
    }
}

RV_TEST(a_time_before_1970_is_taken) {
    uint8_t id[16];
    uint64_t number = 0;
    int64_t ms = 0;
    rv_event_id_make(1, 1, -1, id);
    RV_CHECK(rv_event_id_parse(id, 1, &number, &ms));
    RV_CHECK_EQ(ms, (INT64_C(1) << 48) - 1);
}

RV_TEST(another_version_or_variant_is_refused) {
    uint8_t id[16];
    uint64_t number = 0;
    int64_t ms = 0;
    rv_event_id_make(5, 6, 7000, id);
    for (unsigned bit = 48; bit < 88; bit++) {
        id[bit / 8] = (uint8_t)(id[bit / 8] ^ (0x80u >> (bit % 8)));
        RV_CHECK(!rv_event_id_parse(id, 5, &number, &ms));
        id[bit / 8] = (uint8_t)(id[bit / 8] ^ (0x80u >> (bit % 8)));
    }
    RV_CHECK(rv_event_id_parse(id, 5, &number, &ms));
    RV_CHECK_EQ(number, 6);
    RV_CHECK_EQ(ms, 7);
}

int main(void) {
    RV_RUN(the_example_of_the_specification_holds);
    RV_RUN(what_went_in_comes_out);
    RV_RUN(a_time_before_1970_is_taken);
    RV_RUN(another_version_or_variant_is_refused);
    return rv_test_done();
}
