/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the tail's index knows the last events and their ids, whatever is added, cut, put in front
 * or begun anew. Method: random operations against an array of all events, with a small capacity,
 * over thousands of seeds.
 */
#include "core/log/tail.h"

#include "tests/unit/test.h"

#define CAP        32u
#define EVENTS_MAX 400
#define STREAMS    5

typedef struct event {
    uint64_t version;
    uint32_t stream;
    bool has_id;
    uint8_t id[16];
} event;

static event events[EVENTS_MAX]; /* that of sequence s at s - 1 */
static uint64_t count;
static rv_tail tail;
static uint8_t memory[16 << 10];

static void make(uint64_t *random) {
    event *const e = &events[count];
    e->stream = (uint32_t)(rv_test_random(random) % STREAMS);
    e->version = count + 1;
    e->has_id = rv_test_random(random) % 2 == 0;
    for (unsigned i = 0; i < 16; i += 1) {
        e->id[i] = (uint8_t)rv_test_random(random);
    }
    count += 1;
}

static void add(uint64_t sequence) {
    const event *const e = &events[sequence - 1];
    const rv_tail_event told = {sequence, e->version, e->stream, e->has_id ? e->id : NULL};
    rv_tail_add(&tail, &told);
}

static void check_finds(uint64_t from, uint64_t end) {
    const rv_tail_range range = {from, end};
    for (uint32_t stream = 0; stream < STREAMS; stream += 1) {
        const uint64_t version = from + stream;
        uint64_t first = 0;
        for (uint64_t s = from; s < end; s += 1) {
            const event *const e = &events[s - 1];
            if (e->stream == stream) {
                first = first == 0 && e->version >= version ? s : first;
            }
        }
        uint64_t met = 0;
        RV_CHECK(rv_tail_find(&tail, &range, stream, version, &met) == (first > 0));
        RV_CHECK(first == 0 || met == first);
    }
}

static void check_all(void) {
    RV_CHECK(tail.next <= count + 1 && tail.base <= tail.next);
    RV_CHECK(tail.next - tail.base <= CAP);
    check_finds(tail.base, tail.next);
    RV_CHECK_PASSED();
    for (uint64_t s = 1; s <= count; s += 1) {
        uint64_t met = 0;
        const event *const e = &events[s - 1];
        const bool found = rv_tail_find_id(&tail, e->id, &met);
        RV_CHECK(!found || (met == s && e->has_id && s < tail.next));
        RV_CHECK(found || !e->has_id || s < tail.base || s >= tail.next);
    }
}

static void prepend(uint64_t *random) {
    uint32_t streams[CAP];
    uint64_t versions[CAP];
    uint8_t ids[CAP * 16];
    uint32_t id_at[CAP];
    const uint64_t room = CAP / 2 > tail.next - tail.base ? CAP / 2 - (tail.next - tail.base) : 0;
    const uint64_t most = room < tail.base - 1 ? room : tail.base - 1;
    const uint32_t n = (uint32_t)(rv_test_random(random) % (most + 1));
    rv_tail_older older = {tail.base - n, streams, versions, n, ids, id_at, 0};
    for (uint32_t i = 0; i < n; i += 1) {
        const event *const e = &events[older.first - 1 + i];
        streams[i] = e->stream;
        versions[i] = e->version;
        if (e->has_id) {
            memcpy(ids + (size_t)older.id_count * 16, e->id, 16);
            id_at[older.id_count] = i;
            older.id_count += 1;
        }
    }
    uint64_t met = 0;
    const bool known = n > 0 && rv_tail_find_id(&tail, events[tail.base - 2].id, &met);
    if (n > 0 && !known) {
        RV_CHECK(rv_tail_prepend(&tail, &older));
        RV_CHECK_EQ(tail.base, older.first);
    }
}

RV_TEST(random_operations) {
    for (uint64_t seed = 1; seed <= 3000; seed += 1) {
        uint64_t random = seed;
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        RV_CHECK(rv_tail_create(&tail, CAP, &arena));
        tail.seed = seed;
        count = 0;
        for (unsigned i = 0; i < 120 && count < EVENTS_MAX - 40; i += 1) {
            const uint64_t what = rv_test_random(&random) % 20;
            if (what < 14) {
                make(&random);
                add(count);
            } else if (what < 16) {
                const uint64_t next = 1 + rv_test_random(&random) % (count + 1);
                const uint64_t least = next + 6 > count ? next : count;
                rv_tail_cut(&tail, least);
                count = least - 1 < count && least >= tail.base ? least - 1 : count;
                rv_tail_cut(&tail, count + 1);
            } else if (what == 16) {
                for (unsigned k = 0; k < 5; k += 1) {
                    make(&random);
                }
                rv_tail_reset(&tail, count + 1);
            } else if (what == 17) {
                make(&random); /* this one was left out */
                make(&random);
                add(count);
                RV_CHECK_EQ(tail.base, count);
            } else {
                prepend(&random);
                RV_CHECK_PASSED();
            }
            if (i % 4 == 0) {
                check_all();
                if (rv_test_failed) {
                    fprintf(stderr, "seed %u, step %u\n", (unsigned)seed, i);
                }
                RV_CHECK_PASSED();
            }
        }
    }
}

/* What does not come right before, or does not fit, is not taken. */
RV_TEST(what_cannot_come_in_front) {
    static const uint32_t streams[CAP], at[CAP];
    static const uint64_t versions[CAP];
    static const uint8_t ids[CAP * 16];
    uint64_t random = 7;
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    RV_CHECK(rv_tail_create(&tail, CAP, &arena));
    count = 0;
    for (unsigned i = 0; i < 60; i += 1) {
        make(&random);
    }
    rv_tail_reset(&tail, 41);
    for (uint64_t s = 41; s <= 60; s += 1) {
        events[s - 1].has_id = true;
        add(s);
    }
    const rv_tail_older wrongs[] = {
        {30, streams, versions, 10, ids, at, 0},        /* a gap */
        {30, streams, versions, 12, ids, at, 0},        /* over each other */
        {0, streams, versions, 41, ids, at, 0},         /* before the first */
        {28, streams, versions, 13, ids, at, 0},        /* more than fits */
        {31, streams, versions, 10, ids, at, CAP - 19}, /* more ids than fit */
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i += 1) {
        RV_CHECK(!rv_tail_prepend(&tail, &wrongs[i]));
        RV_CHECK_EQ(tail.base, 41);
        check_all();
        RV_CHECK_PASSED();
    }
    const rv_tail_older right = {29, streams, versions, 12, ids, at, 12};
    RV_CHECK(rv_tail_prepend(&tail, &right));
    RV_CHECK_EQ(tail.base, 29);
}

int main(void) {
    RV_RUN(random_operations);
    RV_RUN(what_cannot_come_in_front);
    return rv_test_done();
}
