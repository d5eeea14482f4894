/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the ids that callers bring are unique for the life of the log (SEMANTICS 3), whether the
 * event is in memory, in an index run, or not durable yet: the same again gives the first result,
 * other content or other company is refused, an unknown id is taken. Method: a node of the smallest
 * budget on a disk that answers late, with many more ids than it keeps in memory, against an array
 * of what was accepted; in several lives. The same for one stream's events, read by its path. The
 * largest batches come to their end on a disk that answers one operation a poll, also side by side.
 */
#include "platform/sim/disk.h"
#include "tests/unit/node_fixture.h"

#define DISK_MEMORY ((size_t)48 << 20)
#define BATCHES_MAX 9000
#define BATCH_MAX   6
#define ACCOUNTS    40

typedef struct batch_twin {
    uint64_t first; /* sequence */
    uint32_t count;
    uint32_t seed; /* of its ids and contents */
} batch_twin;

typedef struct world {
    uint8_t *disk_memory;
    uint8_t *node_memory;
    rv_sim_disk *disk;
    rv_node *node;
    uint64_t random;
    batch_twin batches[BATCHES_MAX];
    uint32_t count;
    char paths[BATCH_MAX][32];
    char data[BATCH_MAX][32];
    rv_append events[BATCH_MAX];
} world;

static world the_world;

static void id_of(uint32_t seed, uint32_t index, uint8_t *id) {
    uint64_t random = (uint64_t)seed * 16 + index + 1;
    for (unsigned i = 0; i < 16; i += 1) {
        id[i] = (uint8_t)rv_test_random(&random);
    }
    id[6] = 0x40; /* a version of no node's ids */
}

/* The batch with this seed, as it is given to the node. */
static void make(world *w, uint32_t seed, uint32_t count) {
    for (uint32_t i = 0; i < count; i += 1) {
        const unsigned account = 1 + (seed + i * 7) % ACCOUNTS;
        snprintf(w->paths[i], sizeof w->paths[i], "/accounts/%u", account);
        snprintf(w->data[i], sizeof w->data[i], "{\"amount\":%u}", 1 + seed % 1000);
        w->events[i] = fixture_event(w->paths[i], "deposited", w->data[i]);
        w->events[i].has_event_id = true;
        id_of(seed, i, w->events[i].event_id);
    }
}

static rv_status give(world *w, uint32_t count, rv_event *results) {
    rv_error err;
    return fixture_append_all(w->node, w->events, count, results, &err);
}

static void check_new(world *w) {
    rv_event results[BATCH_MAX];
    batch_twin *const b = &w->batches[w->count];
    *b = (batch_twin){rv_node_sequence(w->node) + 1,
                      1 + (uint32_t)(rv_test_random(&w->random) % BATCH_MAX), w->count};
    make(w, b->seed, b->count);
    RV_CHECK_STATUS(give(w, b->count, results), RV_OK);
    RV_CHECK_EQ(results[0].sequence, b->first);
    w->count += 1;
}

static void check_again(world *w) {
    const batch_twin *const b = &w->batches[rv_test_random(&w->random) % w->count];
    rv_event results[BATCH_MAX];
    const uint64_t before = rv_node_sequence(w->node);
    make(w, b->seed, b->count);
    const uint64_t how = rv_test_random(&w->random) % 6;
    if (how == 0) {
        w->events[0].data = RV_LITERAL("{\"amount\":5000}");
    } else if (how == 1 && b->count > 1) {
        w->events[b->count - 1].has_event_id = false;
    } else if (how == 2 && b->count > 1) {
        const rv_append first = w->events[0];
        w->events[0] = w->events[1];
        w->events[1] = first;
    } else if (how == 3) {
        w->events[b->count - 1].event_id[9] ^= 1;
        w->events[0].has_event_id = b->count > 1;
    } else {
        RV_CHECK_STATUS(give(w, b->count, results), RV_OK);
        for (uint32_t i = 0; i < b->count; i += 1) {
            RV_CHECK_EQ(results[i].sequence, b->first + i);
        }
        RV_CHECK_EQ(rv_node_sequence(w->node), before);
        return;
    }
    const bool taken = (how == 1 || how == 2 || how == 3) && b->count == 1;
    if (!taken) {
        RV_CHECK_STATUS(give(w, b->count, results), RV_EVENT_ID_REUSED);
        RV_CHECK_EQ(rv_node_sequence(w->node), before);
    }
}

static void check_twice_in_a_batch(world *w) {
    rv_event results[2];
    const uint64_t before = rv_node_sequence(w->node);
    make(w, 1000000 + w->count, 2);
    memcpy(w->events[1].event_id, w->events[0].event_id, 16);
    RV_CHECK_STATUS(give(w, 2, results), RV_EVENT_ID_REUSED);
    RV_CHECK_EQ(rv_node_sequence(w->node), before);
}

/* One stream, by a pattern that names it, from a version on: the events are those of the twin. */
static void check_stream(world *w) {
    const unsigned account = 1 + (unsigned)(rv_test_random(&w->random) % ACCOUNTS);
    char path[32];
    snprintf(path, sizeof path, "/accounts/%u", account);
    rv_path_pattern pattern;
    rv_error err;
    RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(path), &pattern, &err), RV_OK);
    rv_subscription s;
    const uint64_t from = rv_test_random(&w->random) % 300;
    rv_subscription_open(&s, w->node, &pattern, 1, 1);
    rv_subscription_from_version(&s, from);
    uint64_t version = 1; /* 1 is its opening */
    for (uint32_t b = 0; b < w->count; b += 1) {
        for (uint32_t i = 0; i < w->batches[b].count; i += 1) {
            const batch_twin *const batch = &w->batches[b];
            version += 1 + (batch->seed + i * 7) % ACCOUNTS == account;
            if (1 + (batch->seed + i * 7) % ACCOUNTS != account || version < from || version == 1 ||
                batch->first + i > rv_node_sequence_durable(w->node)) {
                continue;
            }
            rv_event event;
            rv_bytes met;
            rv_status status = RV_PENDING;
            do {
                status = rv_subscription_next(&s, 100, &event, &met, &err);
                if (status == RV_OK && event.version == 1) {
                    status = RV_PENDING; /* its opening */
                }
                fixture_poll(w->node);
            } while (status == RV_PENDING || status == RV_BUSY);
            RV_CHECK_STATUS(status, RV_OK);
            RV_CHECK_EQ(event.sequence, batch->first + i);
            RV_CHECK_EQ(event.version, version);
            RV_CHECK_TEXT(met, path);
        }
    }
}

static bool open_world(world *w) {
    rv_error err;
    return fixture_open_on(rv_sim_disk_interface(w->disk), w->node_memory, FIXTURE_NODE_MEMORY,
                           RV_ROLE_ROOT, NULL, &w->node, &err) == RV_OK;
}

static void life(world *w, unsigned steps) {
    for (unsigned i = 0; i < steps; i += 1) {
        const uint64_t what = rv_test_random(&w->random) % 100;
        if (what < 75 && w->count < BATCHES_MAX) {
            check_new(w);
        } else if (what < 95 && w->count > 0) {
            check_again(w);
        } else if (what < 97) {
            check_twice_in_a_batch(w);
        } else if (i % 5 == 0) {
            check_stream(w);
        }
        RV_CHECK_PASSED();
        if (what % 4 == 0) {
            fixture_poll(w->node);
        }
    }
}

static void begin(world *w, uint64_t seed, uint32_t pending) {
    rv_event event;
    rv_error err;
    const rv_sim_disk_options options = {
        .seed = seed,
        .now = INT64_C(1700000000000000),
        .files_max = 200,
        .faults = {.pending_percent = pending, .short_percent = 10}};
    w->count = 0;
    w->random = seed;
    w->disk = rv_sim_disk_create(w->disk_memory, DISK_MEMORY, &options);
    RV_CHECK(open_world(w));
    RV_CHECK_STATUS(fixture_apply_schema(w->node, &event, &err), RV_OK);
    for (unsigned i = 0; i < ACCOUNTS; i += 1) {
        const rv_append opened = fixture_event("accounts", "account_opened", "{\"name\":\"x\"}");
        RV_CHECK_STATUS(fixture_append_all(w->node, &opened, 1, &event, &err), RV_OK);
    }
}

RV_TEST(ids_of_callers_are_known_for_ever) {
    world *const w = &the_world;
    w->disk_memory = malloc(DISK_MEMORY);
    w->node_memory = malloc(FIXTURE_NODE_MEMORY);
    for (uint64_t seed = 1; seed <= 2 && !rv_test_failed; seed += 1) {
        begin(w, seed, seed == 1 ? 0 : 50);
        rv_error err;
        for (unsigned i = 0; i < 3 && !rv_test_failed; i += 1) {
            life(w, 1500);
            RV_CHECK_PASSED();
            RV_CHECK_STATUS(fixture_close(w->node, &err), RV_END);
            RV_CHECK(open_world(w));
        }
        RV_CHECK(rv_log_index_facts_of(rv_node_log(w->node)).runs > 1);
        RV_CHECK(rv_node_sequence(w->node) > 8000);
        RV_CHECK_STATUS(fixture_close(w->node, &err), RV_END);
    }
    free(w->disk_memory);
    free(w->node_memory);
}

/* --- a disk that finishes one operation a poll --- */

#define LARGE_MAX 1024
#define TURNS_MAX 400000

static rv_host slow_over; /* the disk itself */
static rv_host_ops slow_ops;
static unsigned slow_left; /* completions that may be taken */

static bool slow_completion(void *ctx, rv_io_completion *completion) {
    if (slow_left == 0 || !slow_over.ops->next_completion(ctx, completion)) {
        return false;
    }
    slow_left -= 1;
    return true;
}

static void slow_poll(rv_node *node) {
    slow_left = 1;
    fixture_poll(node);
    slow_left = 0;
}

static rv_append large[2][LARGE_MAX];
static char large_data[LARGE_MAX][32];
static rv_event large_results[LARGE_MAX];

static void make_large(unsigned which, uint32_t count, bool first_has_id) {
    for (uint32_t i = 0; i < count; i += 1) {
        snprintf(large_data[i], sizeof large_data[i], "{\"amount\":%u}", 1 + i);
        large[which][i] = fixture_event("/accounts/1", "deposited", large_data[i]);
        large[which][i].has_event_id = i > 0 || first_has_id;
        id_of(5000000 + which * 100000 + i, 0, large[which][i].event_id);
    }
}

/* Gives all of `batches` batches again and again until each was taken. */
static void give_large(world *w, unsigned batches, uint32_t count) {
    bool taken[2] = {batches < 1, batches < 2};
    rv_error err;
    for (uint32_t turn = 0; turn < TURNS_MAX && !(taken[0] && taken[1]); turn += 1) {
        const unsigned which = taken[0] ? 1 : taken[1] ? 0 : turn % 2;
        const rv_status status = rv_node_append(w->node, large[which], count, large_results, &err);
        if (status == RV_OK) {
            taken[which] = true;
            continue;
        }
        RV_CHECK(status == RV_PENDING || status == RV_BUSY);
        slow_poll(w->node);
    }
    RV_CHECK(taken[0] && taken[1]);
}

RV_TEST(the_largest_batches_come_to_their_end_on_a_slow_disk) {
    world *const w = &the_world;
    rv_error err;
    w->disk_memory = malloc(DISK_MEMORY);
    w->node_memory = malloc(FIXTURE_NODE_MEMORY);
    begin(w, 3, 0);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < 2500; i += 1) {
        check_new(w);
        RV_CHECK_PASSED();
        fixture_poll(w->node);
    }
    RV_CHECK_STATUS(fixture_close(w->node, &err), RV_END);
    slow_over = rv_sim_disk_interface(w->disk);
    slow_ops = *slow_over.ops;
    slow_ops.next_completion = slow_completion;
    slow_left = UINT32_MAX;
    RV_CHECK_STATUS(fixture_open_on((rv_host){&slow_ops, slow_over.ctx}, w->node_memory,
                                    FIXTURE_NODE_MEMORY, RV_ROLE_ROOT, NULL, &w->node, &err),
                    RV_OK);
    RV_CHECK(fixture_settle(w->node));
    const rv_sim_faults faults = {.pending_percent = 100};
    rv_sim_disk_set_faults(w->disk, &faults);
    const size_t most = rv_log_notes_max(rv_node_log(w->node));
    const uint32_t count = most < LARGE_MAX ? (uint32_t)most : LARGE_MAX;
    RV_CHECK(count > 256);
    for (unsigned round = 0; round < 4; round += 1) {
        make_large(0, count, round % 2 == 0);
        make_large(1, count, round % 2 == 0);
        for (uint32_t i = 0; i < count; i += 1) {
            large[0][i].event_id[8] ^= (uint8_t)round;
            large[1][i].event_id[8] ^= (uint8_t)round;
        }
        give_large(w, 1 + round / 2, count);
        RV_CHECK_PASSED();
    }
    slow_left = UINT32_MAX;
    RV_CHECK_STATUS(fixture_close(w->node, &err), RV_END);
    free(w->disk_memory);
    free(w->node_memory);
}

int main(void) {
    RV_RUN(the_largest_batches_come_to_their_end_on_a_slow_disk);
    RV_RUN(ids_of_callers_are_known_for_ever);
    return rv_test_done();
}
