/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the sparse index never leads past what is asked for, finds an entry for everything, and
 * keeps its distance between entries as even as its memory allows. Method: random batches are
 * offered to indexes of several sizes and kept in an array; look-ups are compared with it.
 */
#include "core/log/index.h"
#include "tests/unit/test.h"

#define BATCHES 20000

static rv_index_entry batches[BATCHES];
static uint8_t memory[1 << 20];

static void fill(rv_index *index, uint64_t *random) {
    rv_index_entry next = {.sequence = 1, .offset = 4096};
    for (unsigned i = 0; i < BATCHES; i += 1) {
        const uint64_t size = 64 + 8 * (rv_test_random(random) % 2000);
        batches[i] = next;
        rv_index_offer(index, &next, size);
        next.sequence += rv_test_random(random) % 4;
        next.before += rv_test_random(random) % 5;
        next.offset += size;
        if (rv_test_random(random) % 500 == 0) {
            next.segment += 1;
            next.offset = 4096;
        }
    }
}

/* The batch at a place. */
static unsigned batch_at(rv_place place) {
    for (unsigned i = 0; i < BATCHES; i += 1) {
        if (batches[i].segment == place.segment && batches[i].offset == place.offset) {
            return i;
        }
    }
    return BATCHES;
}

RV_TEST(lookups_lead_to_the_last_entry_before) {
    uint64_t random = 8;
    for (uint32_t cap = 2; cap <= 4096; cap *= 3) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_index index;
        RV_CHECK(rv_index_create(&index, cap, &arena));
        fill(&index, &random);
        for (unsigned round = 0; round < 300; round += 1) {
            const unsigned i = (unsigned)(rv_test_random(&random) % BATCHES);
            rv_place place;
            RV_CHECK(rv_index_by_sequence(&index, batches[i].sequence, &place));
            const unsigned by_sequence = batch_at(place);
            RV_CHECK(by_sequence < BATCHES);
            RV_CHECK(batches[by_sequence].sequence <= batches[i].sequence);
            RV_CHECK(rv_index_by_watermark(&index, batches[i].before + 1, &place));
            const unsigned by_watermark = batch_at(place);
            RV_CHECK(by_watermark < BATCHES);
            RV_CHECK(batches[by_watermark].before <= batches[i].before);
            /* No entry lies between what was found and what was asked for. */
            for (uint32_t e = 0; e < index.count; e += 1) {
                const rv_index_entry *const entry = &index.entries[e];
                RV_CHECK(entry->sequence <= batches[by_sequence].sequence ||
                         entry->sequence > batches[i].sequence);
                RV_CHECK(entry->before <= batches[by_watermark].before ||
                         entry->before > batches[i].before);
            }
        }
    }
}

RV_TEST(memory_is_used) {
    uint64_t random = 9;
    for (uint32_t cap = 4; cap <= 1024; cap *= 4) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_index index;
        RV_CHECK(rv_index_create(&index, cap, &arena));
        fill(&index, &random);
        RV_CHECK(index.count <= cap);
        RV_CHECK(index.count >= cap / 2);
        RV_CHECK_EQ(index.entries[0].sequence, 1);
    }
}

RV_TEST(an_empty_index_finds_nothing) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_index index;
    rv_place place;
    RV_CHECK(rv_index_create(&index, 2, &arena));
    RV_CHECK(!rv_index_by_sequence(&index, 1, &place));
    RV_CHECK(!rv_index_by_watermark(&index, 1, &place));
    arena = rv_arena_over(memory, 8);
    RV_CHECK(!rv_index_create(&index, 2, &arena));
}

int main(void) {
    RV_RUN(lookups_lead_to_the_last_entry_before);
    RV_RUN(memory_is_used);
    RV_RUN(an_empty_index_finds_nothing);
    return rv_test_done();
}
