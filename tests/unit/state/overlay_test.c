/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the overlay shows what the pending events would make of the state, and is gone without a
 * trace when it is lifted; snapshots taken meanwhile show what they were taken of; and a pending
 * event is refused for what cannot be otherwise, and for nothing else.
 * Method: two states with the same confirmed events; one of them bears the overlay, with random
 * batches that are kept or rolled back to a savepoint, the other folds what was kept as the root
 * would and takes it back. Where everything is held both judge alike, and their hashes are equal;
 * lifted, rows lie in the same places and the confirmed events go on alike. What is held in part is
 * asked case by case.
 */
#include "tests/unit/state/random_events.h"

#include "core/state/inside.h"

#define PAGES     ((size_t)4 << 20)
#define JOURNAL   ((size_t)1 << 20)
#define SNAPSHOTS ((size_t)256 << 10)
#define ROUNDS    400
#define BATCHES   6
#define EVENTS    5
#define KEPT_MAX  (BATCHES * EVENTS)

static bank_memory schema_memory, bearer_memory, plain_memory;
static rv_state *bearer, *plain;
static uint8_t scratch_memory[1 << 17];
static logged kept[KEPT_MAX];
static uint32_t kept_count, refused_count, snapshot_count;
static rv_held all_held;

static rv_state *make(bank_memory *m, size_t pages, size_t journal) {
    free(m->memory);
    rv_state *state = NULL;
    const rv_state_options options = {schema, 77, pages, journal, SNAPSHOTS};
    if (!bank_take(m, pages + pages / 32 + journal + SNAPSHOTS + 65536) ||
        rv_state_create(&state, &options, &m->arena, NULL) != RV_OK || !streams_add(state)) {
        return NULL;
    }
    return state;
}

static bool start(size_t pages, size_t journal) {
    bearer = make(&bearer_memory, pages, journal);
    plain = make(&plain_memory, pages, journal);
    memset(versions, 0, sizeof versions);
    logged_count = 0;
    naive_bytes.len = 0;
    memset(all_held.complete, 0xff, sizeof all_held.complete);
    return bearer != NULL && plain != NULL;
}

static rv_status judge(rv_state *state, const logged *e) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_error err;
    return rv_state_fold(state, &e->event, e->values, RV_FOLD_JUDGE, &scratch, &err);
}

static rv_status judge_pending(const logged *e, rv_held *held) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_error err;
    logged pending = *e;
    pending.event.position = 0;
    pending.event.sequence = 0;
    return rv_state_fold_pending(bearer, &pending.event, pending.values, held, &scratch, &err);
}

/* Rows of both states lie in the same places and say the same. */
static void check_same_places(void) {
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        rv_row x = RV_ROW_NONE, y = RV_ROW_NONE;
        do {
            x = rv_state_row_next(bearer, a, x);
            y = rv_state_row_next(plain, a, y);
            RV_CHECK_EQ(x, y);
        } while (x != RV_ROW_NONE);
    }
    RV_CHECK_EQ(rv_state_usage_of(bearer).pages_used, rv_state_usage_of(plain).pages_used);
    RV_CHECK(memcmp(rv_pages_pool(&bearer->pages), rv_pages_pool(&plain->pages), sizeof(rv_pool)) ==
             0);
    RV_CHECK(bank_same(rv_state_hash(bearer, 1), rv_state_hash(plain, 1)));
    for (uint32_t i = 0; i < STREAMS; i++) {
        rv_stream_head x, y;
        rv_state_stream(bearer, i, &x);
        rv_state_stream(plain, i, &y);
        RV_CHECK_EQ(x.version, y.version);
        RV_CHECK_EQ(x.last_sequence, y.last_sequence);
        RV_CHECK_EQ(x.last_position, y.last_position);
        RV_CHECK_EQ(x.first_sequence, y.first_sequence);
    }
}

/* A confirmed batch, in both. */
static void confirm(uint64_t *seed) {
    RV_CHECK(!rv_state_overlay_laid(bearer));
    rv_state_begin(bearer);
    rv_state_begin(plain);
    uint64_t before[STREAMS];
    memcpy(before, versions, sizeof before);
    rv_status status = RV_OK;
    const uint32_t count = (uint32_t)(rv_test_random(seed) % EVENTS);
    for (uint32_t i = 0; i < count && status == RV_OK; i++) {
        logged e;
        random_event(seed, &e);
        status = judge(bearer, &e);
        RV_CHECK_STATUS(judge(plain, &e), status);
        versions[e.event.stream] += status == RV_OK;
        logged_count += status == RV_OK;
    }
    if (status == RV_OK) {
        rv_state_commit(bearer);
        rv_state_commit(plain);
    } else {
        rv_state_rollback(bearer);
        rv_state_rollback(plain);
        memcpy(versions, before, sizeof before);
    }
}

/* A batch on the overlay; what the root would say of it is asked of the other state. */
static void bear(uint64_t *seed) {
    const rv_savepoint savepoint = rv_state_savepoint(bearer);
    const uint32_t first = kept_count;
    uint64_t before[STREAMS];
    memcpy(before, versions, sizeof before);
    rv_status status = RV_OK;
    const uint32_t count = 1 + (uint32_t)(rv_test_random(seed) % EVENTS);
    for (uint32_t i = 0; i < count && status == RV_OK; i++) {
        logged *const e = &kept[kept_count];
        random_event(seed, e);
        rv_held held = all_held;
        status = judge_pending(e, &held);
        RV_CHECK(!held.unchecked);
        RV_CHECK_STATUS(judge(plain, e), status);
        kept_count += status == RV_OK;
        versions[e->event.stream] += status == RV_OK;
    }
    if (status == RV_OK && rv_test_random(seed) % 4 != 0) {
        return;
    }
    rv_state_rollback_to(bearer, savepoint);
    refused_count += status != RV_OK;
    kept_count = first;
    memcpy(versions, before, sizeof before);
    rv_state_rollback(plain); /* which has no savepoints */
    rv_state_begin(plain);
    for (uint32_t i = 0; i < kept_count; i++) {
        RV_CHECK_STATUS(judge(plain, &kept[i]), RV_OK);
    }
}

typedef struct copy {
    rv_snapshot snapshot;
    uint32_t end;
    uint8_t *pages;
} copy;

static void copy_take(copy *c) {
    c->pages = NULL;
    if (rv_snapshot_take(&bearer->pages, false, &c->snapshot) == RV_OK) {
        c->end = rv_snapshot_end(&bearer->pages, c->snapshot);
        c->pages = malloc((size_t)c->end * RV_PAGE_SIZE);
        for (uint32_t p = RV_PAGE_FIRST; p < c->end; p++) {
            memcpy(c->pages + (size_t)(p - 1) * RV_PAGE_SIZE, rv_pages_read(&bearer->pages, p),
                   RV_PAGE_SIZE);
        }
        snapshot_count += 1;
    }
}

static void copy_check(copy *c) {
    for (uint32_t p = RV_PAGE_FIRST; c->pages != NULL && p < c->end; p++) {
        const uint8_t *const bytes = rv_snapshot_read(&bearer->pages, c->snapshot, p);
        RV_CHECK(bytes == NULL ||
                 memcmp(bytes, c->pages + (size_t)(p - 1) * RV_PAGE_SIZE, RV_PAGE_SIZE) == 0);
    }
    rv_snapshot_release(&bearer->pages, c->snapshot);
    free(c->pages);
}

static void round_of(uint64_t *seed) {
    confirm(seed);
    RV_CHECK_PASSED();
    uint64_t confirmed[STREAMS];
    memcpy(confirmed, versions, sizeof confirmed);
    rv_state_overlay_lay(bearer);
    rv_state_begin(plain);
    kept_count = 0;
    const uint32_t batches = (uint32_t)(rv_test_random(seed) % BATCHES);
    const uint32_t when = (uint32_t)(rv_test_random(seed) % BATCHES);
    copy c = {.pages = NULL};
    for (uint32_t i = 0; i < batches; i++) {
        if (i == when) {
            copy_take(&c);
        }
        bear(seed);
        RV_CHECK_PASSED();
    }
    RV_CHECK(bank_same(rv_state_hash(bearer, 1), rv_state_hash(plain, 1)));
    rv_state_overlay_lift(bearer);
    rv_state_rollback(plain);
    memcpy(versions, confirmed, sizeof confirmed);
    copy_check(&c);
    RV_CHECK_PASSED();
    check_same_places();
}

RV_TEST(lifted_it_leaves_no_trace) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(4); seed++) {
        RV_CHECK(start(PAGES, JOURNAL));
        uint64_t r = seed;
        for (int i = 0; i < ROUNDS; i++) {
            round_of(&r);
            RV_CHECK_PASSED();
        }
    }
    RV_CHECK(refused_count > 500);
    RV_CHECK(snapshot_count > 300);
}

/* Until the journal is full: the batch that does not fit goes, what was there stays. */
RV_TEST(a_full_journal_takes_back_one_batch) {
    RV_CHECK(start(PAGES, 16384));
    uint64_t seed = 5;
    for (int i = 0; i < 50; i++) {
        confirm(&seed);
        RV_CHECK_PASSED();
    }
    rv_state_overlay_lay(bearer);
    uint32_t full = 0;
    for (int i = 0; i < 2000; i++) {
        const rv_hash128 before = rv_state_hash(bearer, 1);
        const rv_savepoint savepoint = rv_state_savepoint(bearer);
        logged e;
        random_event(&seed, &e);
        rv_held held = all_held;
        const rv_status status = judge_pending(&e, &held);
        full += status == RV_BATCH_TOO_LARGE;
        if (status != RV_OK) {
            rv_state_rollback_to(bearer, savepoint);
            RV_CHECK(bank_same(rv_state_hash(bearer, 1), before));
        } else {
            versions[e.event.stream] += 1;
        }
    }
    RV_CHECK(full > 100);
    rv_state_overlay_lift(bearer);
    check_same_places();
}

/* --- held in part --- */

typedef struct part_case {
    const char *type;
    int64_t key, other; /* of the first two fields that are integers */
    uint32_t stream;
    const char *complete; /* names of aggregates */
    rv_status status;
    bool unchecked;
} part_case;

/* Confirmed: accounts 1 (stream 0) and 2 (stream 1), counter 1 at 10 (stream 0). */
static const part_case parts[] = {
    {"noted", 1, 0, 0, "", RV_OK, false},                  /* own row, held: nothing is open */
    {"noted", 9, 0, 0, "", RV_UNKNOWN_REFERENCE, false},   /* nor is it elsewhere */
    {"noted", 2, 0, 0, "", RV_ROW_OF_OTHER_STREAM, false}, /* seen */
    {"opened", 1, 0, 0, "", RV_ROW_EXISTS, false},         /* seen */
    {"opened", 9, 0, 0, "", RV_OK, true},                  /* another stream may have made it */
    {"opened", 9, 0, 0, "account", RV_OK, false},          /* no */
    {"closed", 1, 0, 0, "account", RV_OK, true},           /* contacts may refer to it */
    {"closed", 1, 0, 0, "account contact", RV_OK, false},  /* no */
    {"counted_on", 7, 0, 0, "", RV_OK, true},              /* shared: made elsewhere */
    {"counted_on", 7, 0, 0, "counter", RV_UNKNOWN_REFERENCE, false},
    {"counted", 1, 0, 0, "", RV_OK, true}, /* shared: deleted elsewhere */
    {"counted", 1, 0, 0, "counter", RV_ROW_EXISTS, false},
    {"counted_on", 1, INT32_MAX, 0, "", RV_OK, true}, /* shared: less elsewhere */
    {"counted_on", 1, INT32_MAX, 0, "counter", RV_VALUE_OUT_OF_RANGE, false},
    {"counter_dropped", 1, 0, 0, "", RV_OK, true},
    {"counter_dropped", 7, 0, 0, "", RV_OK, true},
    {"counter_dropped", 7, 0, 0, "counter", RV_UNKNOWN_REFERENCE, false},
};

static uint16_t number_of_type(const char *name) {
    for (uint16_t i = 0; i < rv_schema_event_type_count(schema); i++) {
        if (rv_bytes_are(rv_schema_event_type(schema, i)->name, name)) {
            return i;
        }
    }
    return RV_NONE;
}

static logged part_event(const char *name, int64_t key, int64_t other, uint32_t stream) {
    logged e = {.event = {.type = number_of_type(name), .stream = stream}};
    const rv_event_type *const type = rv_schema_event_type(schema, e.event.type);
    bool first = true;
    for (uint16_t f = 0; f < type->field_count; f++) {
        const rv_field *const field = &type->fields[f];
        e.values[f] = rv_value_null();
        if (rv_bytes_are(field->name, "id")) {
            e.values[f] = rv_value_int(key);
        } else if (rv_bytes_are(field->name, "name")) {
            e.values[f] = rv_value_bytes(RV_LITERAL("someone"));
        } else if (rv_bytes_are(field->name, "plan")) {
            e.values[f] = rv_value_int(0);
        } else if (rv_bytes_are(field->name, "n") && first) {
            e.values[f] = rv_value_int(other);
            first = false;
        }
    }
    e.event.version = versions[stream] + 1;
    e.event.position = logged_count + 1;
    e.event.sequence = logged_count + 1;
    return e;
}

RV_TEST(what_is_held_in_part_is_judged_in_part) {
    RV_CHECK(start(PAGES, JOURNAL));
    const logged confirmed[] = {part_event("opened", 1, 0, 0), part_event("opened", 2, 0, 1),
                                part_event("counted", 1, 10, 0)};
    rv_state_begin(bearer);
    for (size_t i = 0; i < sizeof confirmed / sizeof *confirmed; i++) {
        logged e = confirmed[i];
        e.event.version = versions[e.event.stream] + 1;
        RV_CHECK_STATUS(judge(bearer, &e), RV_OK);
        versions[e.event.stream] += 1;
    }
    rv_state_commit(bearer);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const part_case *const p = &parts[i];
        rv_held held = {.unchecked = false};
        for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
            char name[64] = {0};
            memcpy(name, rv_schema_aggregate(schema, a)->name.ptr,
                   rv_schema_aggregate(schema, a)->name.len);
            held.complete[0] |= strstr(p->complete, name) != NULL ? UINT64_C(1) << a : 0;
        }
        const rv_hash128 before = rv_state_hash(bearer, 1);
        rv_state_overlay_lay(bearer);
        const logged e = part_event(p->type, p->key, p->other, p->stream);
        const rv_status status = judge_pending(&e, &held);
        rv_state_overlay_lift(bearer);
        if (status != p->status || (status == RV_OK && held.unchecked != p->unchecked)) {
            fprintf(stderr, "case %zu, %s %s: %s, %d\n", i, p->type, p->complete,
                    rv_status_code(status), held.unchecked);
        }
        RV_CHECK_STATUS(status, p->status);
        RV_CHECK(status != RV_OK || held.unchecked == p->unchecked);
        RV_CHECK(bank_same(rv_state_hash(bearer, 1), before));
    }
}

/* Rows that are given are as the root says: what waits does nothing to them, and is unchecked. */
RV_TEST(given_rows_are_left_alone) {
    RV_CHECK(start(PAGES, JOURNAL));
    const uint16_t counter = 2;
    rv_state_give(bearer, &counter, 1);
    const char *const types[] = {"counted", "counted_on", "counter_dropped"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        rv_held held = all_held;
        const logged e = part_event(types[i], 1, 5, 0);
        rv_state_overlay_lay(bearer);
        RV_CHECK_STATUS(judge_pending(&e, &held), RV_OK);
        RV_CHECK(held.unchecked);
        RV_CHECK_EQ(rv_state_row_count(bearer, counter), 0);
        rv_state_overlay_lift(bearer);
    }
    check_same_places();
}

int main(void) {
    static uint8_t interned[8u << 20];
    naive_bytes = rv_arena_over(interned, sizeof interned);
    schema = bank_schema_make(&schema_memory);
    if (schema == NULL) {
        return 1;
    }
    RV_RUN(lifted_it_leaves_no_trace);
    RV_RUN(a_full_journal_takes_back_one_batch);
    RV_RUN(what_is_held_in_part_is_judged_in_part);
    RV_RUN(given_rows_are_left_alone);
    free(schema_memory.memory);
    free(bearer_memory.memory);
    free(plain_memory.memory);
    return rv_test_done();
}
