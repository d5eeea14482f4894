/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the differences of rows since a moment, applied to the rows of that moment, give the rows
 * of now: each key once, and nothing that is not a difference; whatever lies between, confirmed
 * batches, ones that were taken back, an overlay laid, lifted and laid anew. When they are not to
 * be had it is said. And they cost what was written to, not what there is. Method: random events of
 * every kind; at random moments all rows are copied cell by cell, and compared with what the next
 * moment's differences make of the last copy. Memory for snapshots from plenty to none. What is
 * looked at is counted by the copies of pages.
 */
#include "tests/unit/state/random_events.h"

#include "core/state/checkpoint.h"
#include "core/state/deltas.h"
#include "core/state/inside.h"
#include "core/state/revisions.h"

#define PAGES    ((size_t)6 << 20)
#define JOURNAL  ((size_t)1 << 20)
#define ROUNDS   300
#define EVENTS   6
#define INTERNED ((size_t)64 << 20)
#define SCRATCH  ((size_t)1 << 17)

static bank_memory schema_memory, state_memory, interned[2];
static rv_state *state;
static uint8_t scratch_memory[SCRATCH];
static uint8_t cell_memory[SCRATCH];
static naive copies[2]; /* rows at the last moment, and now */
static uint32_t which;
static uint32_t added, changed, removed, unknown_count, nets, overlays, overlay_nets;
static rv_held all_held;

static bool start(size_t snapshots) {
    const rv_state_options options = {schema, 77, PAGES, JOURNAL, snapshots};
    free(state_memory.memory);
    memset(versions, 0, sizeof versions);
    memset(all_held.complete, 0xff, sizeof all_held.complete);
    logged_count = 0;
    return bank_take(&state_memory, PAGES + PAGES / 32 + JOURNAL + snapshots + 65536) &&
           rv_state_create(&state, &options, &state_memory.arena, NULL) == RV_OK &&
           streams_add(state);
}

/* --- the naive way: every row, cell by cell --- */

static void copy_rows(naive *n, uint32_t nth) {
    interned[nth].arena.len = 0;
    naive_bytes = interned[nth].arena;
    memset(n, 0, sizeof *n);
    n->schema = schema;
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, a);
        for (rv_row at = rv_state_row_next(state, a, RV_ROW_NONE); at != RV_ROW_NONE;
             at = rv_state_row_next(state, a, at)) {
            naive_row *const row = &n->rows[n->count++];
            *row = (naive_row){.used = true, .aggregate = a};
            for (uint16_t c = 0; c < aggregate->column_count; c++) {
                rv_arena scratch = rv_arena_over(cell_memory, sizeof cell_memory);
                const rv_status status =
                    rv_state_row_cell(state, a, at, c, &scratch, &row->values[c], &row->unknown[c]);
                RV_CHECK_STATUS(status, RV_OK);
                row->values[c] = naive_intern(row->values[c]);
            }
        }
    }
}

/* A row as one side of a difference says it. */
static naive_row row_of(const rv_delta_walk *walk, const rv_delta *delta, bool before) {
    naive_row row = {.used = true, .aggregate = walk->aggregate};
    rv_arena scratch = rv_arena_over(cell_memory, sizeof cell_memory);
    const uint16_t count = rv_schema_aggregate(schema, walk->aggregate)->column_count;
    for (uint16_t c = 0; c < count; c++) {
        const rv_status status =
            before ? rv_delta_before(walk, delta, c, &scratch, &row.values[c], &row.unknown[c])
                   : rv_delta_after(walk, delta, c, &scratch, &row.values[c], &row.unknown[c]);
        if (status != RV_OK) {
            abort();
        }
    }
    return row;
}

static bool same_row(const naive_row *a, const naive_row *b) {
    const uint16_t count = rv_schema_aggregate(schema, a->aggregate)->column_count;
    bool same = a->aggregate == b->aggregate;
    for (uint16_t c = 0; c < count && same; c++) {
        same = a->unknown[c] == b->unknown[c] && naive_same(&a->values[c], &b->values[c]);
    }
    return same;
}

static naive_row *same_key(naive *n, const naive_row *row) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(schema, row->aggregate);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    return naive_gather(row, aggregate->keys, aggregate->key_count, key)
               ? naive_find(n, aggregate, key)
               : NULL;
}

/* One difference is true of both copies; the older then has it, and the row is marked as told. */
static void check_delta(const rv_delta_walk *walk, const rv_delta *delta, naive *old, naive *now,
                        uint32_t *told) {
    const naive_row before = delta->before == NULL ? (naive_row){0} : row_of(walk, delta, true);
    naive_row *const had = before.used ? same_key(old, &before) : NULL;
    RV_CHECK(!before.used || (had != NULL && same_row(had, &before)));
    const naive_row after = delta->after == NULL ? (naive_row){0} : row_of(walk, delta, false);
    const naive_row *const has = after.used ? same_key(now, &after) : NULL;
    RV_CHECK(!after.used || (has != NULL && same_row(has, &after)));
    RV_CHECK(before.used || after.used);
    if (before.used && after.used) {
        RV_CHECK(same_key(old, has) == had && !same_row(had, has)); /* the same key, not the same */
    } else if (before.used) {
        RV_CHECK(same_key(now, had) == NULL);
    } else {
        RV_CHECK(same_key(old, has) == NULL);
    }
    added += !before.used;
    removed += !after.used;
    changed += before.used && after.used;
    *told += 1;
}

/* What the copies themselves differ in. */
static uint32_t count_naive(naive *old, naive *now, uint16_t aggregate) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < old->count; i++) {
        const naive_row *const other =
            old->rows[i].aggregate == aggregate ? same_key(now, &old->rows[i]) : &old->rows[i];
        count += other == NULL || !same_row(other, &old->rows[i]);
    }
    for (uint32_t i = 0; i < now->count; i++) {
        count += now->rows[i].aggregate == aggregate && same_key(old, &now->rows[i]) == NULL;
    }
    return count;
}

/* Between two moments, gone through bit by bit while the state goes on, from nothing too: the same
 * rows, as far as counts and truth say. */
static void between(const rv_deltas *from, const rv_deltas *to, naive *old, naive *now) {
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        rv_delta_place place = {0};
        rv_delta delta;
        uint32_t told = 0;
        rv_status status = RV_OK;
        while (status == RV_OK) {
            rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
            rv_delta_walk walk;
            RV_CHECK(rv_deltas_between(state, from, to, a, place, &scratch, &walk));
            status = rv_deltas_next(&walk, &delta);
            place = walk.place;
            if (status == RV_OK) {
                check_delta(&walk, &delta, old, now, &told);
                RV_CHECK_PASSED();
            }
        }
        RV_CHECK_STATUS(status, RV_END);
        RV_CHECK_EQ(told, count_naive(old, now, a));
    }
}

/* The differences since the last moment are those of the copies, each told once: as many, and
 * every one of them true. The moment is now. */
static void look(rv_deltas *deltas) {
    naive *const old = &copies[which];
    which = 1 - which;
    naive *const now = &copies[which];
    copy_rows(now, which);
    RV_CHECK_PASSED();
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        rv_delta_walk walk;
        if (!rv_deltas_begin(state, deltas, a, &scratch, &walk)) {
            unknown_count += 1;
            continue;
        }
        nets += 1;
        overlay_nets += rv_state_overlay_laid(state);
        uint32_t told = 0;
        rv_delta delta;
        rv_status status;
        while ((status = rv_deltas_next(&walk, &delta)) == RV_OK) {
            check_delta(&walk, &delta, old, now, &told);
            RV_CHECK_PASSED();
        }
        RV_CHECK_STATUS(status, RV_END);
        RV_CHECK_EQ(scratch.len, 0);
        RV_CHECK_EQ(told, count_naive(old, now, a));
    }
    rv_deltas_keep(state, deltas);
}

/* --- steps --- */

static rv_status fold(const logged *e, bool pending, rv_fold_mode mode) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_error err;
    logged copy = *e;
    if (!pending) {
        return rv_state_fold(state, &copy.event, copy.values, mode, &scratch, &err);
    }
    copy.event.position = 0;
    copy.event.sequence = 0;
    rv_held held = all_held;
    return rv_state_fold_pending(state, &copy.event, copy.values, &held, &scratch, &err);
}

/* A confirmed batch; half of the batches that are refused are folded nonetheless, unjudged. */
static void confirm(uint64_t *seed) {
    logged e;
    uint64_t before[STREAMS];
    memcpy(before, versions, sizeof before);
    const rv_fold_mode mode = rv_test_random(seed) % 2 == 0 ? RV_FOLD_JUDGE : RV_FOLD_APPLY;
    rv_status status = RV_OK;
    rv_state_begin(state);
    const uint32_t count = (uint32_t)(rv_test_random(seed) % EVENTS);
    for (uint32_t i = 0; i < count && status == RV_OK; i++) {
        rv_arena text = rv_arena_over(cell_memory, sizeof cell_memory);
        naive_bytes = text;
        random_event(seed, &e);
        status = fold(&e, false, mode);
        versions[e.event.stream] += status == RV_OK;
        logged_count += status == RV_OK;
    }
    if (status == RV_OK) {
        rv_state_commit(state);
    } else {
        rv_state_rollback(state);
        memcpy(versions, before, sizeof before);
    }
}

/* Events on the overlay; each goes or stays by itself. */
static void bear(uint64_t *seed) {
    const uint32_t count = (uint32_t)(rv_test_random(seed) % EVENTS);
    for (uint32_t i = 0; i < count; i++) {
        logged e;
        rv_arena text = rv_arena_over(cell_memory, sizeof cell_memory);
        naive_bytes = text;
        const rv_savepoint savepoint = rv_state_savepoint(state);
        random_event(seed, &e);
        const rv_status status = fold(&e, true, RV_FOLD_JUDGE);
        if (status != RV_OK || rv_test_random(seed) % 4 == 0) {
            rv_state_rollback_to(state, savepoint);
        } else {
            versions[e.event.stream] += 1;
        }
    }
}

static void round_of(uint64_t *seed, rv_deltas *deltas) {
    const uint64_t overlay_seed = rv_test_random(seed);
    const uint32_t steps = 1 + (uint32_t)(rv_test_random(seed) % 4);
    for (uint32_t i = 0; i < steps; i++) {
        confirm(seed);
        uint64_t confirmed[STREAMS];
        memcpy(confirmed, versions, sizeof confirmed);
        if (rv_test_random(seed) % 2 == 0) {
            uint64_t r = rv_test_random(seed) % 2 == 0 ? overlay_seed : *seed; /* often the same */
            rv_state_overlay_lay(state);
            bear(&r);
            overlays += 1;
            if (rv_test_random(seed) % 2 == 0) {
                look(deltas);
                RV_CHECK_PASSED();
                bear(&r);
            }
            if (rv_test_random(seed) % 4 == 0) {
                look(deltas);
                RV_CHECK_PASSED();
            }
            rv_state_overlay_lift(state);
            memcpy(versions, confirmed, sizeof confirmed);
        }
    }
    if (rv_test_random(seed) % 4 != 0) {
        look(deltas);
    }
}

/* What lies between two moments stays what it is. */
RV_TEST(between_two_moments_nothing_changes_any_more) {
    static naive nothing;
    rv_deltas moments[2] = {{{0}}, {{0}}};
    rv_deltas later = {0};
    nothing.schema = schema;
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(3); seed++) {
        uint64_t r = seed;
        RV_CHECK(start((size_t)2 << 20));
        which = 0;
        copy_rows(&copies[0], 0);
        rv_deltas_keep(state, &moments[0]);
        for (int i = 0; i < 20; i++) {
            const bool laid = i % 3 == 0;
            confirm(&r);
            if (laid) {
                rv_state_overlay_lay(state);
                bear(&r);
            }
            copy_rows(&copies[1], 1);
            rv_deltas_keep(state, &moments[1]);
            if (laid) {
                rv_state_overlay_lift(state);
                memset(versions, 0, sizeof versions);
            }
            confirm(&r);
            rv_deltas_keep(state, &later);
            confirm(&r);
            between(&moments[0], &moments[1], &copies[0], &copies[1]);
            RV_CHECK_PASSED();
            between(NULL, &moments[1], &nothing, &copies[1]);
            RV_CHECK_PASSED();
        }
        for (int i = 0; i < 2; i++) {
            rv_deltas_drop(state, &moments[i]);
        }
        rv_deltas_drop(state, &later);
    }
}

static void rounds(uint64_t seed, size_t snapshots) {
    rv_deltas deltas = {0};
    RV_CHECK(start(snapshots));
    copy_rows(&copies[which], which);
    rv_deltas_keep(state, &deltas);
    for (int i = 0; i < ROUNDS; i++) {
        round_of(&seed, &deltas);
        RV_CHECK_PASSED();
    }
    rv_deltas_drop(state, &deltas);
    RV_CHECK_EQ(rv_state_usage_of(state).copies, 0);
}

RV_TEST(what_has_become_of_rows_is_told_once) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(4); seed++) {
        rounds(seed, (size_t)2 << 20);
        RV_CHECK_PASSED();
    }
    RV_CHECK_EQ(unknown_count, 0);
    RV_CHECK(added > 500 && changed > 500 && removed > 500);
    RV_CHECK(nets > 1000 && overlays > 200 && overlay_nets > 200);
}

/* Other snapshots come and go meanwhile; room is short: then it is told, or it is right. */
RV_TEST(what_is_not_known_any_more_is_said) {
    unknown_count = 0;
    rounds(9, 0); /* copies lie in unused pages: enough */
    RV_CHECK_PASSED();
    RV_CHECK_EQ(unknown_count, 0);
    rv_deltas deltas = {0};
    rv_snapshot others[RV_SNAPSHOTS_MAX];
    uint64_t seed = 3;
    RV_CHECK(start(0));
    copy_rows(&copies[which], which);
    for (uint32_t i = 0; i < 200; i++) {
        rv_snapshot *const other = &others[i % RV_SNAPSHOTS_MAX];
        rv_snapshot_release(&state->pages, i < RV_SNAPSHOTS_MAX ? (rv_snapshot){0} : *other);
        const rv_status status = rv_snapshot_take(&state->pages, i % 3 == 0, other);
        RV_CHECK(status == RV_OK || status == RV_BUSY);
        round_of(&seed, &deltas);
        RV_CHECK_PASSED();
    }
    RV_CHECK(unknown_count > 0);
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i++) {
        rv_snapshot_release(&state->pages, others[i]);
    }
    rv_deltas_keep(state, &deltas);
    rv_state_reset(state);
    rv_delta_walk walk;
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    RV_CHECK(!rv_deltas_begin(state, &deltas, 0, &scratch, &walk));
    RV_CHECK_EQ(rv_state_usage_of(state).copies, 0);
}

static logged event_of(const char *type, uint64_t nth, rv_value key, rv_value second) {
    return (logged){
        .event = {.type = rv_schema_event_type_named(schema, rv_bytes_of_string(type))->number,
                  .sequence = nth,
                  .position = nth,
                  .version = nth},
        .values = {key, second}};
}

/* A value of the same length is written over the old one in the heap: the row is the same bytes. */
RV_TEST(a_value_that_is_written_over_is_a_difference) {
    static const char *const notes[] = {"twenty bytes of note", "TWENTY BYTES OF NOTE"};
    rv_deltas deltas = {0};
    rv_delta_walk walk;
    rv_delta delta;
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    RV_CHECK(start((size_t)2 << 20));
    logged e = event_of("opened", 1, rv_value_int(1), rv_value_null());
    RV_CHECK_STATUS(fold(&e, false, RV_FOLD_APPLY), RV_OK);
    for (uint64_t i = 0; i < 2; i++) {
        rv_deltas_keep(state, &deltas);
        e = event_of("noted", i + 2, rv_value_int(1), rv_value_bytes(rv_bytes_of_string(notes[i])));
        RV_CHECK_STATUS(fold(&e, false, RV_FOLD_APPLY), RV_OK);
    }
    RV_CHECK(rv_deltas_begin(state, &deltas, 0, &scratch, &walk));
    RV_CHECK_STATUS(rv_deltas_next(&walk, &delta), RV_OK);
    for (uint16_t i = 0; i < 2; i++) {
        rv_value note;
        const uint16_t column = 5;
        RV_CHECK_STATUS(i == 0 ? rv_delta_before(&walk, &delta, column, &scratch, &note, NULL)
                               : rv_delta_after(&walk, &delta, column, &scratch, &note, NULL),
                        RV_OK);
        RV_CHECK_TEXT(note.as.bytes, notes[i]);
    }
    RV_CHECK_STATUS(rv_deltas_next(&walk, &delta), RV_END);
}

/* An overlay fills pages, is seen, and is lifted, which writes nothing to them; then writes look
 * for room for copies: they do not lie where the moment's rows are. */
static void lifted_under(size_t pages, uint32_t *known) {
    rv_deltas deltas = {0};
    rv_delta_walk walk;
    rv_delta delta;
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_state_options options = {schema, 77, pages, JOURNAL, 0};
    free(state_memory.memory);
    memset(all_held.complete, 0xff, sizeof all_held.complete);
    RV_CHECK(bank_take(&state_memory, pages + pages / 32 + JOURNAL + 65536));
    RV_CHECK_STATUS(rv_state_create(&state, &options, &state_memory.arena, NULL), RV_OK);
    RV_CHECK(streams_add(state));
    const int64_t confirmed = 600;
    for (int64_t i = 1; i <= confirmed; i++) {
        const logged e = event_of("counted", (uint64_t)i, rv_value_int(i), rv_value_int(1));
        RV_CHECK_STATUS(fold(&e, false, RV_FOLD_APPLY), RV_OK);
    }
    rv_state_overlay_lay(state);
    int64_t pending = 0;
    for (rv_status status = RV_OK; status == RV_OK && pending < 2000; pending += status == RV_OK) {
        const logged e = event_of("counted", (uint64_t)(confirmed + pending + 1),
                                  rv_value_int(confirmed + pending + 1), rv_value_int(1));
        status = fold(&e, true, RV_FOLD_JUDGE);
    }
    rv_deltas_keep(state, &deltas);
    rv_state_overlay_lift(state);
    for (int64_t i = 1; i <= confirmed; i++) {
        const logged e =
            event_of("counted_on", (uint64_t)(confirmed + i), rv_value_int(i), rv_value_int(2));
        RV_CHECK_STATUS(fold(&e, false, RV_FOLD_APPLY), RV_OK);
    }
    if (!rv_deltas_begin(state, &deltas, 2, &scratch, &walk)) {
        return;
    }
    int64_t gone = 0;
    int64_t other = 0;
    rv_status status;
    while ((status = rv_deltas_next(&walk, &delta)) == RV_OK) {
        gone += delta.after == NULL;
        other += delta.before != NULL && delta.after != NULL;
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK_EQ(gone, pending);
    RV_CHECK_EQ(other, confirmed);
    *known += 1;
}

RV_TEST(what_is_lifted_is_gone) {
    uint32_t known = 0;
    uint32_t tried = 0;
    for (size_t pages = 14; pages < 60; pages++) {
        lifted_under(pages * RV_PAGE_SIZE, &known);
        RV_CHECK_PASSED();
        tried += 1;
    }
    RV_CHECK(known > 0 && known < tried);
}

/* A table that is there with an overlay only is gone with it, and its pages are another's at once:
 * the revision of its aggregate has moved. */
RV_TEST(a_table_that_goes_with_an_overlay_moves_its_revision) {
    const uint16_t account = 0;
    const uint16_t counter = 2;
    RV_CHECK(start((size_t)1 << 20));
    (void)rv_state_revision(state);
    rv_state_overlay_lay(state);
    logged e = event_of("counted", 1, rv_value_int(1), rv_value_int(1));
    RV_CHECK_STATUS(fold(&e, true, RV_FOLD_JUDGE), RV_OK);
    const uint64_t shown = rv_state_revision(state);
    RV_CHECK_EQ(rv_state_revision_of(state, counter), shown);
    rv_state_overlay_lift(state);
    e = event_of("opened", 1, rv_value_int(1), rv_value_bytes(RV_LITERAL("name")));
    RV_CHECK_STATUS(fold(&e, false, RV_FOLD_APPLY), RV_OK);
    RV_CHECK_EQ(rv_state_row_count(state, counter), 0);
    const uint64_t lifted = rv_state_revision(state);
    RV_CHECK(lifted > shown);
    RV_CHECK_EQ(rv_state_revision_of(state, counter), lifted);
    RV_CHECK_EQ(rv_state_revision_of(state, account), lifted);
}

/* Of many rows one is changed: one page of rows is walked. */
/* Rows without texts are compared many at once: whichever of them are others, in whichever column,
 * come or go, at the ends of pages too, are told, and no others. */
RV_TEST(rows_that_are_passed_over_are_the_same) {
    static const char plain[] =
        "CREATE AGGREGATE plain (id bigint PRIMARY KEY, a bigint, b smallint);"
        "CREATE EVENT_TYPE made (id creates plain(id), a updates plain(a), b updates plain(b));"
        "CREATE EVENT_TYPE set (id references plain(id), a updates plain(a), b updates plain(b));"
        "CREATE EVENT_TYPE gone (id deletes plain(id));"
        "CREATE STREAM plains (path \"/p/{id}\", event_types (made, set, gone));";
    const rv_schema *const usual = schema;
    bank_memory memory;
    rv_schema *other = NULL;
    rv_deltas deltas = {0};
    uint64_t seed = 11;
    RV_CHECK(bank_take(&memory, 1u << 20));
    RV_CHECK_STATUS(rv_schema_create(&other, &memory.arena, NULL), RV_OK);
    RV_CHECK_STATUS(rv_schema_apply(other, rv_bytes_of_string(plain), NULL), RV_OK);
    schema = other;
    RV_CHECK(start((size_t)2 << 20));
    for (int64_t i = 1; i <= 590; i++) { /* more than a page has */
        logged e = event_of("made", (uint64_t)i, rv_value_int(i), rv_value_int(1));
        e.values[2] = rv_value_int(1);
        RV_CHECK_STATUS(fold(&e, false, RV_FOLD_APPLY), RV_OK);
    }
    look(&deltas);
    RV_CHECK_PASSED();
    added = changed = removed = 0;
    for (uint64_t round = 0; round < 400; round++) {
        for (uint64_t n = rv_test_random(&seed) % 4; n > 0; n--) {
            static const char *const types[] = {"set", "set", "set", "gone", "made"};
            const int64_t key = 1 + (int64_t)(rv_test_random(&seed) % 590);
            logged e = event_of(types[rv_test_random(&seed) % 5], 591 + 4 * round + n,
                                rv_value_int(key), rv_value_int(1));
            e.values[1 + rv_test_random(&seed) % 2] = rv_value_int((int64_t)round);
            (void)fold(&e, false, RV_FOLD_APPLY);
        }
        look(&deltas);
        RV_CHECK_PASSED();
    }
    RV_CHECK(added > 4 && changed > 100 && removed > 20);
    rv_deltas_drop(state, &deltas);
    schema = usual;
    free(memory.memory);
}

RV_TEST(it_costs_what_was_written_to) {
    const rv_event_type *const type = rv_schema_event_type_named(schema, RV_LITERAL("counted"));
    rv_deltas deltas = {0};
    RV_CHECK(start((size_t)2 << 20));
    for (int64_t i = 1; i <= 20001; i++) {
        logged e = {.event = {.type = type->number,
                              .sequence = (uint64_t)i,
                              .position = (uint64_t)i,
                              .version = (uint64_t)i},
                    .values = {rv_value_int(i), rv_value_int(1), rv_value_null(), rv_value_null()}};
        if (i == 20001) {
            rv_deltas_keep(state, &deltas);
        }
        RV_CHECK_STATUS(fold(&e, false, RV_FOLD_APPLY), RV_OK);
    }
    uint32_t pages = 0;
    for (uint32_t p = rv_snapshot_changed(&state->pages, deltas.snapshot, RV_PAGE_FIRST, 0); p != 0;
         p = rv_snapshot_changed(&state->pages, deltas.snapshot, p + 1, 0)) {
        pages += rv_pages_head(&state->pages, p)->kind == RV_PAGE_ROWS;
    }
    RV_CHECK_EQ(pages, 1);
    rv_delta_walk walk;
    rv_delta delta;
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    RV_CHECK(rv_deltas_begin(state, &deltas, 2, &scratch, &walk));
    RV_CHECK_STATUS(rv_deltas_next(&walk, &delta), RV_OK);
    RV_CHECK(delta.before == NULL && delta.after != NULL);
    RV_CHECK_STATUS(rv_deltas_next(&walk, &delta), RV_END);
}

int main(void) {
    schema = bank_schema_make(&schema_memory);
    if (schema == NULL || !bank_take(&interned[0], INTERNED) ||
        !bank_take(&interned[1], INTERNED)) {
        return 1;
    }
    RV_RUN(what_has_become_of_rows_is_told_once);
    RV_RUN(between_two_moments_nothing_changes_any_more);
    RV_RUN(what_is_not_known_any_more_is_said);
    RV_RUN(a_value_that_is_written_over_is_a_difference);
    RV_RUN(what_is_lifted_is_gone);
    RV_RUN(a_table_that_goes_with_an_overlay_moves_its_revision);
    RV_RUN(rows_that_are_passed_over_are_the_same);
    RV_RUN(it_costs_what_was_written_to);
    free(schema_memory.memory);
    free(state_memory.memory);
    free(interned[0].memory);
    free(interned[1].memory);
    return rv_test_done();
}
