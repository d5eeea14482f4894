/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the state as it was at any position, and at any time, is the one that the node had there,
 * in whatever order it is asked for and whatever happens meanwhile; what cannot be answered says
 * why, and the node's own state never moves. Method: a second root takes the same events one by
 * one, and its hash is noted after each; a node that took them in batches is asked for all of them,
 * forwards, backwards and at random, while it grows; on a disk whose operations fail, one after the
 * other; with too little memory, and with a limit.
 */

#include "core/engine/internal.h"
#include "platform/sim/disk.h"
#include "tests/unit/past_fixture.h"

#define EVENTS_MAX 700u
#define BATCH_MAX  7u
#define CLOCK      INT64_C(1700000000000000)

static uint8_t *memory;

static rv_as_of *as_of_create(rv_node *node) {
    return past_create(node, memory, 0);
}

static rv_status reach(rv_as_of *as_of, rv_node *node, uint64_t position, rv_error *err) {
    return past_reach(as_of, node, (rv_as_of_place){position, INT64_MAX}, err);
}

static rv_hash128 hash_of(const rv_as_of *as_of) {
    return rv_state_hash(rv_as_of_state(as_of), rv_as_of_position(as_of));
}

/* --- two roots with the same events --- */

typedef struct twins {
    fixture batched;
    fixture single;
    rv_hash128 hashes[EVENTS_MAX]; /* by position, of `single` */
    int64_t times[EVENTS_MAX];     /* of the events */
    int64_t clock;
    past_draws draws;
} twins;

static void note(twins *t, int64_t recorded_at) {
    const uint64_t at = rv_node_watermark(t->single.node);
    RV_ASSERT(at < EVENTS_MAX);
    t->hashes[at] = rv_node_state_hash(t->single.node);
    t->times[at] = recorded_at;
}

/* The clock stands, mostly, and goes back at times, which what is recorded does not. */
static void tick(twins *t) {
    const uint64_t r = rv_test_random(&t->draws.random);
    t->clock += r % 3 == 0 ? (int64_t)(r >> 8) % 1000 : 0;
    const int64_t shown = t->clock - (r % 7 == 0 ? 500 : 0);
    rv_memory_host_set_clock(t->batched.storage, shown);
    rv_memory_host_set_clock(t->single.storage, shown);
}

static twins *twins_create(uint64_t seed) {
    twins *const t = calloc(1, sizeof *t);
    t->batched = fixture_root(seed);
    t->single = fixture_root(seed + 1);
    t->draws.random = seed;
    t->clock = CLOCK;
    note(t, CLOCK);
    return t;
}

static void twins_free(twins *t) {
    fixture_free(&t->batched);
    fixture_free(&t->single);
    free(t);
}

/* One batch here, and one by one there. */
static bool grow(twins *t) {
    drawn texts[BATCH_MAX];
    rv_append events[BATCH_MAX];
    rv_event results[BATCH_MAX];
    const size_t count = 1 + (size_t)(rv_test_random(&t->draws.random) % BATCH_MAX);
    tick(t);
    for (size_t i = 0; i < count; i++) {
        past_draw(&t->draws, &texts[i]);
        events[i] = fixture_event(texts[i].path, texts[i].type, texts[i].data);
        if (fixture_append_all(t->single.node, &events[i], 1, results, &t->single.err) != RV_OK) {
            fprintf(stderr, "%s\n", t->single.err.detail);
            return false;
        }
        note(t, results[0].recorded_at);
    }
    return fixture_append_all(t->batched.node, events, count, results, &t->batched.err) == RV_OK;
}

static bool change_schema(twins *t) {
    const rv_bytes text = RV_LITERAL("CREATE AGGREGATE tag (id bigint PRIMARY KEY);");
    rv_event event;
    const bool done =
        rv_node_schema_apply(t->batched.node, text, &event, &t->batched.err) == RV_OK &&
        rv_node_schema_apply(t->single.node, text, &event, &t->single.err) == RV_OK;
    note(t, event.recorded_at);
    return done;
}

static void check_at(twins *t, rv_as_of *as_of, uint64_t position) {
    RV_CHECK_STATUS(reach(as_of, t->batched.node, position, &t->batched.err), RV_OK);
    RV_CHECK_EQ(rv_as_of_position(as_of), position);
    RV_CHECK(position == 0 || fixture_hashes_equal(hash_of(as_of), t->hashes[position]));
}

static void check_time(twins *t, rv_as_of *as_of, int64_t time) {
    const rv_as_of_place place = {UINT64_MAX, time};
    const uint64_t w = rv_node_watermark(t->batched.node);
    uint64_t position = 0;
    while (position < w && t->times[position + 1] <= time) {
        position += 1;
    }
    RV_CHECK_STATUS(past_reach(as_of, t->batched.node, place, &t->batched.err), RV_OK);
    RV_CHECK_EQ(rv_as_of_position(as_of), position);
    RV_CHECK(position == 0 || fixture_hashes_equal(hash_of(as_of), t->hashes[position]));
}

static void story(uint64_t seed) {
    twins *const t = twins_create(seed);
    rv_as_of *const as_of = as_of_create(t->batched.node);
    for (unsigned round = 0; round < 60; round++) {
        RV_CHECK(grow(t));
        RV_CHECK(round != 10 || change_schema(t));
        RV_CHECK_PASSED();
        const rv_hash128 before = rv_node_state_hash(t->batched.node);
        const uint64_t w = rv_node_watermark(t->batched.node);
        for (unsigned i = 0; i < 4; i++) {
            const uint64_t r = rv_test_random(&t->draws.random);
            check_at(t, as_of, i == 0 ? w : r % (w + 1));
            check_time(t, as_of, t->times[2 + (r >> 32) % (w - 1)] + (int64_t)(r >> 62) - 1);
        }
        RV_CHECK(fixture_hashes_equal(before, rv_node_state_hash(t->batched.node)));
        RV_CHECK_PASSED();
    }
    const uint64_t w = rv_node_watermark(t->batched.node);
    for (uint64_t at = 0; at <= w; at++) {
        check_at(t, as_of, at);
    }
    for (uint64_t at = w; at > 0; at -= at < 40 ? 1 : 37) {
        check_at(t, as_of, at);
    }
    twins_free(t);
}

RV_TEST(every_position_and_time_as_it_was) {
    for (uint64_t seed = 1; seed <= RV_TEST_ROUNDS(12); seed++) {
        story(seed);
        RV_CHECK_PASSED();
    }
}

RV_TEST(what_is_not_there_yet) {
    twins *const t = twins_create(3);
    rv_error err;
    rv_as_of *const as_of = as_of_create(t->batched.node);
    RV_CHECK_STATUS(reach(as_of, t->batched.node, 2, &err), RV_PARAMETER_INVALID);
    RV_CHECK(grow(t));
    check_at(t, as_of, 2);
    check_time(t, as_of, INT64_MAX - 1); /* a time that is still to come: all that there is */
    twins_free(t);
}

/* More than what one call folds; and a limit on it, which what was folded outlives. */
RV_TEST(a_long_way_takes_several_calls) {
    fixture f = fixture_root(5);
    rv_event results[500];
    rv_append events[500];
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    for (unsigned i = 0; i < 500; i++) {
        events[i] = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    }
    for (unsigned i = 0; i < 60; i++) {
        RV_CHECK_STATUS(fixture_append_all(f.node, events, 500, results, &f.err), RV_OK);
        RV_CHECK(fixture_settle(f.node));
    }
    const uint64_t w = rv_node_watermark(f.node);
    rv_as_of *as_of = as_of_create(f.node);
    rv_as_of_place place = {w, INT64_MAX};
    unsigned calls = 0, runnable = 0;
    rv_status status = RV_PENDING;
    for (; status == RV_PENDING && calls < 1000; calls++) {
        status = rv_as_of_reach(as_of, &place, &f.err);
        runnable += rv_as_of_runnable(as_of);
        fixture_poll(f.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(runnable >= 3 && !rv_as_of_runnable(as_of));
    RV_CHECK(fixture_hashes_equal(hash_of(as_of), rv_node_state_hash(f.node)));

    as_of = past_create(f.node, memory, 9000);
    for (unsigned i = 0; i < 3; i++) {
        RV_CHECK_STATUS(past_reach(as_of, f.node, place, &f.err), RV_SQL_LIMIT);
    }
    RV_CHECK_STATUS(past_reach(as_of, f.node, place, &f.err), RV_OK);
    RV_CHECK(fixture_hashes_equal(hash_of(as_of), rv_node_state_hash(f.node)));
    fixture_free(&f);
}

/* What does not fit is said, and what does still fits afterwards. */
RV_TEST(rows_that_do_not_fit) {
    const size_t size = (size_t)16 << 20;
    uint8_t *const node_memory = malloc(size);
    fixture f = fixture_create(9);
    rv_event results[100];
    rv_append events[100];
    char data[100][400];
    RV_CHECK_STATUS(fixture_open_on(rv_memory_host_interface(f.storage), node_memory, size,
                                    RV_ROLE_ROOT, NULL, &f.node, &f.err),
                    RV_OK);
    RV_CHECK_STATUS(fixture_apply_schema(f.node, &results[0], &f.err), RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"a\"}"), RV_OK);
    for (unsigned at = 0; at < 120; at++) {
        for (unsigned i = 0; i < 100; i++) {
            (void)snprintf(data[i], sizeof data[i], "{\"note_id\":%u,\"body\":\"%0300u\"}",
                           at * 100 + i, i);
            events[i] = fixture_event("/accounts/1", "noted", data[i]);
        }
        RV_CHECK_STATUS(fixture_append_all(f.node, events, 100, results, &f.err), RV_OK);
        RV_CHECK(fixture_settle(f.node));
    }
    rv_as_of *const as_of = as_of_create(f.node);
    const uint64_t w = rv_node_watermark(f.node);
    for (unsigned i = 0; i < 2; i++) {
        RV_CHECK_STATUS(reach(as_of, f.node, w, &f.err), RV_STATE_FULL);
        RV_CHECK_STATUS(reach(as_of, f.node, 200, &f.err), RV_OK);
        RV_CHECK_EQ(rv_state_row_count(rv_as_of_state(as_of), 1), 198);
    }
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(f.node), 1), 12000);
    RV_CHECK_STATUS(rv_as_of_create(&(rv_as_of *){NULL},
                                    &(rv_as_of_options){.node = f.node,
                                                        .memory = memory,
                                                        .memory_size = RV_AS_OF_MEMORY_MIN - 1},
                                    &f.err),
                    RV_MEMORY_EXHAUSTED);
    fixture_free(&f);
    free(node_memory);
}

/* --- a disk that fails --- */

#define DISK_MEMORY ((size_t)24 << 20)

static bool fill(rv_node *node, rv_error *err) {
    rv_event result;
    bool good = fixture_apply_schema(node, &result, err) == RV_OK;
    for (unsigned i = 0; i < 200 && good; i++) {
        const rv_append open = fixture_event("accounts", "account_opened", "{\"name\":\"a\"}");
        good = fixture_append_all(node, &open, 1, &result, err) == RV_OK && fixture_settle(node);
    }
    return good;
}

/* Every read of the way fails once; the question after it is answered. */
RV_TEST(reads_that_fail) {
    uint8_t *const disk_memory = malloc(DISK_MEMORY);
    uint8_t *const node_memory = malloc(FIXTURE_NODE_MEMORY);
    unsigned failures = 0;
    for (uint64_t nth = 1; nth < 100 && failures + 1 >= nth; nth++) {
        const rv_sim_disk_options options = {.seed = 7, .now = CLOCK};
        rv_sim_disk *const disk = rv_sim_disk_create(disk_memory, DISK_MEMORY, &options);
        rv_node *node = NULL;
        rv_error err;
        const rv_host host = rv_sim_disk_interface(disk);
        RV_CHECK_STATUS(fixture_open_on(host, node_memory, FIXTURE_NODE_MEMORY, RV_ROLE_ROOT, NULL,
                                        &node, &err),
                        RV_OK);
        RV_CHECK(fill(node, &err));
        RV_CHECK_STATUS(fixture_close(node, &err), RV_END);
        RV_CHECK_STATUS(fixture_open_on(host, node_memory, FIXTURE_NODE_MEMORY, RV_ROLE_ROOT, NULL,
                                        &node, &err),
                        RV_OK);
        const rv_hash128 hash = rv_node_state_hash(node);
        rv_as_of *const as_of = as_of_create(node);
        const rv_sim_faults faults = {.fault = RV_SIM_FAIL,
                                      .fault_at = rv_sim_disk_operations(disk) + nth};
        rv_sim_disk_set_faults(disk, &faults);
        const rv_status status = reach(as_of, node, 201, &err);
        failures += status == RV_STORAGE_FAILED;
        RV_CHECK(status == RV_OK || status == RV_STORAGE_FAILED);
        RV_CHECK_STATUS(reach(as_of, node, 201, &err), RV_OK);
        RV_CHECK(fixture_hashes_equal(hash_of(as_of), hash));
        RV_CHECK_PASSED();
    }
    RV_CHECK(failures > 0);
    free(disk_memory);
    free(node_memory);
}

int main(void) {
    memory = malloc(RV_AS_OF_MEMORY_MIN);
    memset(memory, 0xa5, RV_AS_OF_MEMORY_MIN);
    RV_RUN(every_position_and_time_as_it_was);
    RV_RUN(what_is_not_there_yet);
    RV_RUN(a_long_way_takes_several_calls);
    RV_RUN(rows_that_do_not_fit);
    RV_RUN(reads_that_fail);
    free(memory);
    return rv_test_done();
}
