/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the state as it was is the same from whichever kept checkpoint it is folded, whatever
 * happens to the files and to who asks; what is wrong with one is told, and never shown; they are
 * never in the way of anything; and those that are kept lie the denser the nearer they are to now.
 * Method: a node on the simulated disk that writes checkpoints all the time and keeps as many as it
 * may, and a root without any that takes the same events one by one, whose hash is noted after
 * each; crashes between; every class of bytes of every file damaged; files of another log and of
 * another place; every operation of a question failing; a disk that is full; and the choice of what
 * goes beside what is promised of it, over thousands of checkpoints.
 */
#include "core/engine/internal.h"
#include "core/log/internal.h"
#include "tests/unit/core/station.h"
#include "tests/unit/past_fixture.h"

#define EVENTS_MAX 6000u
#define CLOCK      INT64_C(1700000000000000)

static uint8_t *memory;

/* --- a node, and what it was --- */

typedef struct world {
    station s;
    fixture single; /* takes the same events, one by one */
    rv_hash128 hashes[EVENTS_MAX];
    int64_t times[EVENTS_MAX];
    int64_t clock;
    past_draws draws;
} world;

static void note(world *w, uint64_t position, int64_t recorded_at) {
    RV_ASSERT(position < EVENTS_MAX && position == rv_node_watermark(w->single.node));
    w->hashes[position] = rv_node_state_hash(w->single.node);
    w->times[position] = recorded_at;
}

static void set_clock(world *w) {
    const uint64_t r = rv_test_random(&w->draws.random);
    w->clock += r % 3 == 0 ? (int64_t)(r >> 8) % 1000 : 0;
    rv_sim_disk_set_clock(w->s.disk, w->clock);
    rv_memory_host_set_clock(w->single.storage, w->clock);
}

static bool open_world(world *w) {
    fixture_checkpoint_growth = 1500;
    fixture_kept_percent = UINT32_MAX;
    const bool good = station_open(&w->s, NODE_MEMORY, RV_ROLE_ROOT) == RV_OK;
    fixture_kept_percent = 0;
    return good;
}

static world *world_create(uint64_t seed) {
    world *const w = calloc(1, sizeof *w);
    rv_event event;
    w->s = station_create();
    w->single = fixture_root(seed);
    w->draws.random = seed;
    w->clock = CLOCK;
    const bool good = open_world(w) && fixture_apply_schema(w->s.node, &event, &w->s.err) == RV_OK;
    RV_ASSERT(good);
    note(w, 1, event.recorded_at);
    return w;
}

static void world_free(world *w) {
    fixture_checkpoint_growth = 0;
    station_free(&w->s);
    fixture_free(&w->single);
    free(w);
}

#define BATCH_MAX 20u

/* One batch here, and one by one there; durable. */
static bool grow(world *w) {
    drawn texts[BATCH_MAX];
    rv_append events[BATCH_MAX];
    rv_event results[BATCH_MAX], result;
    const size_t count = 1 + (size_t)(rv_test_random(&w->draws.random) % BATCH_MAX);
    set_clock(w);
    for (size_t i = 0; i < count; i++) {
        past_draw(&w->draws, &texts[i]);
        events[i] = fixture_event(texts[i].path, texts[i].type, texts[i].data);
    }
    if (fixture_append_all(w->s.node, events, count, results, &w->s.err) != RV_OK) {
        fprintf(stderr, "%s\n", w->s.err.detail);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (fixture_append_all(w->single.node, &events[i], 1, &result, &w->single.err) != RV_OK) {
            return false;
        }
        note(w, results[i].position, results[i].recorded_at);
    }
    return fixture_settle(w->s.node);
}

static void polls(world *w, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        fixture_poll(w->s.node);
    }
}

static bool grow_to(world *w, uint64_t position) {
    while (rv_node_watermark(w->s.node) < position) {
        if (!grow(w)) {
            return false;
        }
        polls(w, 20);
    }
    return true;
}

static bool change_schema(world *w, unsigned number) {
    char text[80];
    rv_event event;
    (void)snprintf(text, sizeof text, "CREATE AGGREGATE tag%u (id bigint PRIMARY KEY);", number);
    const bool done =
        rv_node_schema_apply(w->s.node, rv_bytes_of_string(text), &event, &w->s.err) == RV_OK &&
        rv_node_schema_apply(w->single.node, rv_bytes_of_string(text), &event, &w->single.err) ==
            RV_OK;
    note(w, event.position, event.recorded_at);
    return done && fixture_settle(w->s.node);
}

static bool crash(world *w) {
    rv_sim_disk_crash(w->s.disk);
    return open_world(w);
}

static void check_at(world *w, rv_as_of *as_of, uint64_t position) {
    const rv_as_of_place place = {position, INT64_MAX};
    RV_CHECK_STATUS(past_reach(as_of, w->s.node, place, &w->s.err), RV_OK);
    RV_CHECK_EQ(rv_as_of_position(as_of), position);
    RV_CHECK(rv_as_of_begun_at(as_of) <= position);
    RV_CHECK(position == 0 || fixture_hashes_equal(rv_state_hash(rv_as_of_state(as_of), position),
                                                   w->hashes[position]));
}

static void check_time(world *w, rv_as_of *as_of, int64_t time) {
    const rv_as_of_place place = {UINT64_MAX, time};
    const uint64_t watermark = rv_node_watermark(w->s.node);
    uint64_t position = 0;
    while (position < watermark && w->times[position + 1] <= time) {
        position += 1;
    }
    RV_CHECK_STATUS(past_reach(as_of, w->s.node, place, &w->s.err), RV_OK);
    RV_CHECK_EQ(rv_as_of_position(as_of), position);
    RV_CHECK(position == 0 || fixture_hashes_equal(rv_state_hash(rv_as_of_state(as_of), position),
                                                   w->hashes[position]));
}

/* --- every place, from whichever checkpoint --- */

static void story(uint64_t seed, unsigned *from_kept) {
    world *const w = world_create(seed);
    rv_as_of *as_of = past_create(w->s.node, memory, 0);
    for (unsigned round = 0; round < 60; round++) {
        RV_CHECK(grow(w) && (round % 20 != 10 || change_schema(w, round)));
        polls(w, (unsigned)(rv_test_random(&w->draws.random) % 40));
        RV_CHECK_PASSED();
        const uint64_t r = rv_test_random(&w->draws.random);
        if (r % 9 == 0) {
            RV_CHECK(crash(w));
            as_of = past_create(w->s.node, memory, 0);
        }
        const rv_hash128 before = rv_node_state_hash(w->s.node);
        const uint64_t watermark = rv_node_watermark(w->s.node);
        for (unsigned i = 0; i < 3; i++) {
            const uint64_t at = rv_test_random(&w->draws.random);
            check_at(w, as_of, i == 0 ? watermark : at % (watermark + 1));
            *from_kept += rv_as_of_begun_at(as_of) > 0;
            check_time(w, as_of, w->times[1 + (at >> 32) % watermark] + (int64_t)(at >> 62) - 1);
        }
        RV_CHECK(fixture_hashes_equal(before, rv_node_state_hash(w->s.node)));
        RV_CHECK_PASSED();
    }
    const rv_node_checkpoint *const facts = rv_node_checkpoint_of(w->s.node);
    RV_CHECK(facts->kept > 3 && facts->kept_passed_over.status == RV_OK);
    for (uint64_t at = rv_node_watermark(w->s.node) + 1; at > 0; at -= 1) { /* each begins anew */
        check_at(w, as_of, at - 1);
        *from_kept += rv_as_of_begun_at(as_of) > 0;
    }
    world_free(w);
}

RV_TEST(every_place_is_what_it_was) {
    unsigned from_kept = 0;
    for (uint64_t seed = 1; seed <= RV_TEST_ROUNDS(8); seed++) {
        story(seed, &from_kept);
        RV_CHECK_PASSED();
    }
    RV_CHECK(from_kept > RV_TEST_ROUNDS(8) * 400);
}

/* The events that one question may fold are counted from the checkpoint; and whoever goes forward
 * goes on from what is folded, unless a checkpoint is far nearer. */
RV_TEST(what_is_far_away_is_begun_from_the_nearest) {
    world *const w = world_create(3);
    RV_CHECK(grow_to(w, 5000));
    const uint64_t watermark = rv_node_watermark(w->s.node);
    rv_as_of *as_of = past_create(w->s.node, memory, watermark / 2);
    check_at(w, as_of, watermark);
    RV_CHECK(rv_as_of_begun_at(as_of) > watermark / 2);
    check_at(w, as_of, 100);
    const uint64_t begun = rv_as_of_begun_at(as_of);
    check_at(w, as_of, 300); /* no checkpoint is worth it */
    RV_CHECK_EQ(rv_as_of_begun_at(as_of), begun);
    check_at(w, as_of, watermark - 1);
    RV_CHECK(rv_as_of_begun_at(as_of) > watermark / 2);
    world_free(w);
}

/* --- files --- */

typedef struct file {
    uint8_t *bytes;
    uint64_t size;
} file;

static file file_read(const world *w, const char *name) {
    const rv_host host = rv_sim_disk_interface(w->s.disk);
    rv_io_result opened, result;
    const rv_io io = host.ops->open(host.ctx, 1, name, &opened);
    RV_ASSERT(io == RV_IO_DONE && opened.status == RV_OK);
    file f = {.bytes = malloc((size_t)opened.count), .size = opened.count};
    (void)host.ops->read(host.ctx, 2, opened.file, 0, f.bytes, (size_t)f.size, &result);
    host.ops->close(host.ctx, opened.file);
    return f;
}

static void file_write(const world *w, const char *name, const file *f) {
    const rv_host host = rv_sim_disk_interface(w->s.disk);
    rv_io_result opened, result;
    RV_CHECK_EQ(host.ops->open(host.ctx, 1, name, &opened), RV_IO_DONE);
    (void)host.ops->truncate(host.ctx, 2, opened.file, f->size, &result);
    (void)host.ops->write(host.ctx, 3, opened.file, 0, rv_bytes_of(f->bytes, (size_t)f->size),
                          &result);
    (void)host.ops->flush(host.ctx, 4, opened.file, &result);
    host.ops->close(host.ctx, opened.file);
}

/* Names of those that are kept, the newest first, and what their headers say. */
static unsigned kept_of(const world *w, rv_file_name *names, rv_checkpoint_file *files) {
    const rv_checkpoints *const k = &w->s.node->checkpoints;
    unsigned count = 0;
    for (uint64_t below = k->previous; below > 0;) {
        const rv_checkpoint_file *best = NULL;
        for (unsigned i = 0; i < RV_CHECKPOINT_FILES; i++) {
            const bool next = k->files[i].number < below && k->files[i].number > 0;
            best =
                next && (best == NULL || k->files[i].number > best->number) ? &k->files[i] : best;
        }
        below = best == NULL ? 0 : best->number;
        if (best != NULL) {
            rv_checkpoint_name(best->number, &names[count]);
            files[count++] = *best;
        }
    }
    return count;
}

/* A world with many that are kept, in a fresh life; `names` and `files` as kept_of. */
static world *world_with_kept(uint64_t seed, rv_file_name *names, rv_checkpoint_file *files,
                              unsigned *count) {
    world *const w = world_create(seed);
    const bool grown = grow_to(w, 900);
    *count = kept_of(w, names, files);
    RV_ASSERT(grown && *count > 4);
    const bool opened = crash(w);
    RV_ASSERT(opened);
    return w;
}

static void check_told(const world *w, rv_status status, const char *name) {
    const rv_error *const told = &rv_node_checkpoint_of(w->s.node)->kept_passed_over;
    RV_CHECK_STATUS(told->status, status);
    RV_CHECK(strstr(told->detail, name) != NULL);
}

/* One file is damaged at a time, in each of its parts: what is asked for is right, what was damaged
 * is told and is gone with the next checkpoint. */
RV_TEST(damage_is_told_and_never_shown) {
    rv_file_name names[RV_CHECKPOINT_FILES];
    rv_checkpoint_file files[RV_CHECKPOINT_FILES];
    unsigned count = 0;
    world *const w = world_with_kept(5, names, files, &count);
    for (unsigned i = 0; i < RV_TEST_ROUNDS(64); i++) {
        const unsigned at = i % count;
        const file good = file_read(w, names[at].text);
        const uint64_t sums = RV_CHECKPOINT_HEAD_SIZE;
        const uint64_t words = sums + files[at].page_count * sizeof(uint64_t);
        const uint64_t pages = good.size - (uint64_t)files[at].page_count * RV_PAGE_SIZE;
        const uint64_t begins[] = {0, sums, words, pages, good.size};
        const uint64_t r = rv_test_random(&w->draws.random);
        const uint64_t from = begins[i / 2 % 4];
        const uint64_t offset = from + r % (begins[i / 2 % 4 + 1] - from);
        RV_CHECK_STATUS(
            rv_sim_disk_flip(w->s.disk, names[at].text, offset, (unsigned)(r >> 60) & 7), RV_OK);
        RV_CHECK(crash(w));
        rv_as_of *const as_of = past_create(w->s.node, memory, 0);
        check_at(w, as_of, files[at].position + 1);
        RV_CHECK(rv_as_of_begun_at(as_of) < files[at].position);
        RV_CHECK_EQ(rv_as_of_begun_at(as_of), at + 1 < count ? files[at + 1].position : 0);
        check_told(w, RV_DATA_DAMAGED, names[at].text);
        RV_CHECK_EQ(rv_node_checkpoint_of(w->s.node)->kept, count - 1);
        file_write(w, names[at].text, &good);
        free(good.bytes);
        RV_CHECK_PASSED();
    }
    RV_CHECK_STATUS(rv_sim_disk_flip(w->s.disk, names[0].text, 100, 1), RV_OK);
    RV_CHECK(crash(w));
    check_at(w, past_create(w->s.node, memory, 0), files[0].position);
    RV_CHECK(size_of(&w->s, names[0].text) > 0);
    RV_CHECK(grow_to(w, 1100));
    RV_CHECK_EQ(size_of(&w->s, names[0].text), 0);
    world_free(w);
}

/* The one to open from is used, too; if it is damaged, there is soon another one. */
RV_TEST(damage_of_the_newest_is_mended) {
    rv_file_name names[RV_CHECKPOINT_FILES], name;
    rv_checkpoint_file files[RV_CHECKPOINT_FILES];
    unsigned count = 0;
    world *const w = world_with_kept(6, names, files, &count);
    const rv_node_checkpoint *const facts = rv_node_checkpoint_of(w->s.node);
    const uint64_t number = facts->number;
    const uint32_t written = facts->written;
    rv_checkpoint_name(number, &name);
    RV_CHECK_STATUS(rv_sim_disk_flip(w->s.disk, name.text, facts->bytes - 5, 3), RV_OK);
    check_at(w, past_create(w->s.node, memory, 0), facts->position);
    check_told(w, RV_DATA_DAMAGED, name.text);
    polls(w, 40);
    RV_CHECK(facts->written == written + 1 && facts->number > number);
    world_free(w);
}

/* What is in a file counts, not its name; what is of another log, cut or gone is told. */
RV_TEST(files_that_are_others) {
    rv_file_name names[RV_CHECKPOINT_FILES];
    rv_checkpoint_file files[RV_CHECKPOINT_FILES];
    unsigned count = 0;
    world *const other = world_with_kept(8, names, files, &count);
    const file strange = file_read(other, names[1].text);
    world_free(other);
    world *const w = world_with_kept(7, names, files, &count);
    const file older = file_read(w, names[3].text);
    const file good = file_read(w, names[1].text);
    file_write(w, names[1].text, &older);
    rv_as_of *as_of = past_create(w->s.node, memory, 0);
    check_at(w, as_of, files[1].position);
    RV_CHECK_EQ(rv_as_of_begun_at(as_of), files[3].position); /* in a file of a greater number */
    RV_CHECK_STATUS(rv_node_checkpoint_of(w->s.node)->kept_passed_over.status, RV_OK);

    file_write(w, names[1].text, &strange);
    RV_CHECK(crash(w));
    as_of = past_create(w->s.node, memory, 0);
    check_at(w, as_of, rv_node_watermark(w->s.node) - 300); /* behind it, wherever it is of */
    for (uint64_t at = 0; at < rv_node_watermark(w->s.node); at += 19) {
        check_at(w, as_of, rv_node_watermark(w->s.node) - at);
    }
    check_told(w, RV_DATA_DAMAGED, names[1].text);
    RV_CHECK(strstr(rv_node_checkpoint_of(w->s.node)->kept_passed_over.detail, "another log"));

    const uint64_t lengths[] = {good.size - 1, 5000, 100, 0};
    for (unsigned i = 0; i < 4; i++) {
        file_write(w, names[1].text, &good);
        cut_file(&w->s, names[1].text, lengths[i]);
        RV_CHECK(crash(w));
        check_at(w, past_create(w->s.node, memory, 0), files[1].position);
        const rv_error *const told = &rv_node_checkpoint_of(w->s.node)->kept_passed_over;
        RV_CHECK_STATUS(told->status, lengths[i] == 0 ? RV_OK : RV_DATA_DAMAGED);
    }
    RV_CHECK(crash(w));
    remove_file(&w->s, names[1].text);
    check_at(w, past_create(w->s.node, memory, 0), files[1].position);
    check_told(w, RV_DATA_NOT_FOUND, names[1].text);
    free(strange.bytes);
    free(older.bytes);
    free(good.bytes);
    world_free(w);
}

/* --- while it is asked --- */

/* Every operation of a question fails; what is asked next is right, and so is the node. */
RV_TEST(operations_that_fail) {
    rv_file_name names[RV_CHECKPOINT_FILES];
    rv_checkpoint_file files[RV_CHECKPOINT_FILES];
    unsigned count = 0, failed = 0, passed_over = 0;
    world *const w = world_with_kept(9, names, files, &count);
    for (unsigned n = 1; n < 50; n += RV_TEST_STRIDE) {
        RV_CHECK(crash(w));
        polls(w, 100);
        rv_slots_forget(w->s.node->log, 0); /* so the log is asked, too */
        rv_as_of *const as_of = past_create(w->s.node, memory, 0);
        const rv_sim_faults bad = {.fault = RV_SIM_FAIL,
                                   .fault_at = rv_sim_disk_operations(w->s.disk) + n,
                                   .pending_percent = n % 2 == 0 ? 60 : 0,
                                   .short_percent = 20};
        rv_sim_disk_set_faults(w->s.disk, &bad);
        const uint64_t at = files[n % count].position + 3;
        const rv_as_of_place place = {at, INT64_MAX};
        const rv_status status = past_reach(as_of, w->s.node, place, &w->s.err);
        rv_sim_disk_set_faults(w->s.disk, &(rv_sim_faults){.fault = RV_SIM_NO_FAULT});
        failed += status == RV_STORAGE_FAILED;
        passed_over += rv_node_checkpoint_of(w->s.node)->kept_passed_over.status != RV_OK;
        RV_CHECK(status == RV_OK || status == RV_STORAGE_FAILED);
        check_at(w, as_of, at);
        RV_CHECK_STATUS(rv_node_failed(w->s.node, NULL), RV_OK);
        RV_CHECK_PASSED();
    }
    RV_CHECK(passed_over > 0 && (failed > 0 || RV_TEST_STRIDE > 1));
    world_free(w);
}

/* Whoever leaves in the middle leaves nothing behind: the next one is answered, what was lent comes
 * back, checkpoints go on, and the node closes. */
RV_TEST(questions_that_are_given_up) {
    world *const w = world_create(11);
    RV_CHECK(grow_to(w, 900));
    const rv_sim_faults slow = {.pending_percent = 70, .short_percent = 20};
    rv_sim_disk_set_faults(w->s.disk, &slow);
    for (unsigned i = 0; i < RV_TEST_ROUNDS(200); i++) {
        const uint64_t r = rv_test_random(&w->draws.random);
        const uint64_t watermark = rv_node_watermark(w->s.node);
        rv_as_of *as_of = past_create(w->s.node, memory, 0);
        for (unsigned calls = 0; calls < r % 30; calls++) {
            rv_error err;
            const rv_as_of_place place = {(r >> 16) % watermark, INT64_MAX};
            const rv_status status = rv_as_of_reach(as_of, &place, &err);
            RV_CHECK(status == RV_OK || status == RV_PENDING || status == RV_BUSY);
            fixture_poll(w->s.node);
        }
        memset(memory, 0xa5, RV_AS_OF_MEMORY_MIN); /* it is gone */
        as_of = past_create(w->s.node, memory, 0);
        if (r % 3 == 0) {
            check_at(w, as_of, (r >> 40) % watermark);
        }
        RV_CHECK(r % 5 != 0 || grow(w));
        if (r % 11 == 0) {
            RV_CHECK_STATUS(fixture_close(w->s.node, &w->s.err), RV_END);
            RV_CHECK(open_world(w));
        }
        RV_CHECK_PASSED();
    }
    const rv_kept_reader *const reader = &w->s.node->checkpoints.reader;
    rv_as_of *const last = past_create(w->s.node, memory, 0);
    for (unsigned calls = 0; calls < 1000 && reader->buf == NULL; calls++) {
        const rv_as_of_place place = {500, INT64_MAX};
        RV_CHECK_STATUS(rv_as_of_reach(last, &place, &w->s.err), RV_PENDING);
        fixture_poll(w->s.node);
    }
    RV_CHECK(reader->number != 0 && reader->buf != NULL && reader->open);
    rv_sim_disk_set_faults(w->s.disk, &(rv_sim_faults){.fault = RV_SIM_NO_FAULT});
    polls(w, 3000);
    RV_CHECK(reader->number == 0 && reader->buf == NULL && !reader->open);
    world_free(w);
}

/* --- room --- */

static unsigned count_of(const world *w) {
    rv_file_name names[64];
    return names_of(&w->s, names);
}

/* A checkpoint that finds no room: what is kept goes, and the next one is written. */
RV_TEST(a_checkpoint_without_room_makes_some) {
    unsigned made = 0;
    for (unsigned n = 1; n < 16; n += RV_TEST_STRIDE) {
        world *const w = world_create(13);
        RV_CHECK(grow_to(w, 600));
        polls(w, 50);
        rv_checkpoints *const k = &w->s.node->checkpoints;
        k->log_growth = UINT64_MAX;
        RV_CHECK(k->facts.kept > 4 && grow(w));
        const rv_sim_faults full = {.fault = RV_SIM_FULL,
                                    .fault_at = rv_sim_disk_operations(w->s.disk) + n};
        rv_sim_disk_set_faults(w->s.disk, &full);
        k->log_growth = 1;
        polls(w, 100);
        rv_sim_disk_set_faults(w->s.disk, &(rv_sim_faults){.fault = RV_SIM_NO_FAULT});
        if (k->facts.failure.status == RV_STORAGE_FULL) {
            made += 1;
            RV_CHECK_EQ(k->facts.kept, 0);
            RV_CHECK(count_of(w) <= 2);
            RV_CHECK(grow_to(w, rv_node_watermark(w->s.node) + 200));
            polls(w, 50);
            RV_CHECK(k->facts.failure.status == RV_OK && k->facts.kept > 0);
        }
        RV_CHECK_STATUS(rv_node_failed(w->s.node, NULL), RV_OK);
        world_free(w);
        RV_CHECK_PASSED();
    }
    RV_CHECK(made > 0);
}

/* An append that finds no room: what is kept goes. */
RV_TEST(an_append_without_room_makes_some) {
    world *const w = world_create(14);
    RV_CHECK(grow_to(w, 600));
    polls(w, 50);
    rv_node *const node = w->s.node;
    RV_CHECK(rv_node_checkpoint_of(node)->kept > 4);
    node->checkpoints.log_growth = UINT64_MAX;
    node->log->appender.refused += 1; /* as where the storage says so */
    polls(w, 60);
    RV_CHECK_EQ(rv_node_checkpoint_of(node)->kept, 0);
    RV_CHECK_EQ(count_of(w), 2);
    check_at(w, past_create(node, memory, 0), 300);
    world_free(w);
}

/* --- which are kept --- */

static uint32_t removed_for(rv_node *node, uint64_t number) {
    rv_checkpoints *const k = &node->checkpoints;
    uint32_t removed = 0;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i++) {
        if (k->files[i].number == 0) {
            k->files[i] = (rv_checkpoint_file){.number = number};
            break;
        }
    }
    k->previous = k->current;
    k->current = number;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i++) {
        const uint32_t index = rv_kept_next_to_go(node, 0);
        if (index == RV_CHECKPOINT_FILES) {
            break;
        }
        RV_ASSERT(k->files[index].number != k->current && k->files[index].number != k->previous);
        k->files[index] = (rv_checkpoint_file){.number = 0};
        removed += 1;
    }
    return removed;
}

/* The longest way from a kept one to a place, beside how long ago the place is. */
static double farthest(const rv_checkpoints *k, uint64_t step) {
    double most = 0;
    for (uint32_t i = 0; i < RV_CHECKPOINT_FILES; i++) {
        uint64_t older = 0;
        const uint64_t number = k->files[i].number;
        for (uint32_t j = 0; j < RV_CHECKPOINT_FILES; j++) {
            const uint64_t other = k->files[j].number;
            older = other < number && other > older ? other : older;
        }
        if (number > 0 && number - older > 3 * step) {
            const double far = (double)(number - older) / (double)(k->current - older);
            most = far > most ? far : most;
        }
    }
    return most;
}

/* As many as there may be, at distances that grow with age: of a thousand times as many, none is
 * farther from a place than a third of what is between the place and now. */
RV_TEST(what_is_kept_is_the_denser_the_nearer) {
    for (unsigned way = 0; way < 3; way++) {
        fixture f = fixture_root(1);
        rv_checkpoints *const k = &f.node->checkpoints;
        uint64_t random = way + 1, number = 0;
        RV_CHECK(fixture_settle(f.node));
        k->kept_percent = UINT32_MAX;
        k->facts.bytes = 1;
        for (unsigned i = 0; i < 5000; i++) {
            const uint64_t step = way == 0 ? 1 : 250 + rv_test_random(&random) % 20;
            number += way < 2 ? step : 1 + (i / 500 % 2) * 999; /* now dense, now not */
            const uint32_t removed = removed_for(f.node, number);
            RV_CHECK(removed <= 1 && k->facts.kept <= RV_CHECKPOINTS_KEPT_MAX);
            RV_CHECK(i < 26 || k->facts.kept == RV_CHECKPOINTS_KEPT_MAX);
            const double far = way == 2 ? 0 : farthest(k, step);
            if (far > 0.5) {
                RV_FAIL_AT_("after %u: %f", i, far);
            }
            RV_CHECK_PASSED();
        }
        fixture_free(&f);
    }
}

/* They take no more than their share of the log's bytes. */
RV_TEST(what_is_kept_takes_its_share) {
    fixture f = fixture_root(2);
    rv_checkpoints *const k = &f.node->checkpoints;
    RV_CHECK(fixture_settle(f.node));
    for (uint32_t may = 0; may < 30; may++) {
        const uint64_t bytes = rv_log_bytes(f.node->log);
        k->kept_percent = 50;
        k->facts.bytes = may == 0 ? bytes : bytes / 2 / may;
        for (uint64_t i = 0; i < 40; i++) {
            (void)removed_for(f.node, k->current + 1);
        }
        RV_CHECK(k->facts.kept <= may && k->facts.kept * k->facts.bytes <= bytes / 2);
        RV_CHECK(k->facts.kept + 1 >= may || k->facts.kept == RV_CHECKPOINTS_KEPT_MAX);
    }
    f.node->role = RV_ROLE_EDGE;
    (void)removed_for(f.node, k->current + 1);
    RV_CHECK_EQ(k->facts.kept, RV_CHECKPOINTS_KEPT_MAX);
    k->tight = true; /* as before a purge */
    (void)removed_for(f.node, k->current + 1);
    RV_CHECK_EQ(k->facts.kept, 0);
    fixture_free(&f);
}

int main(void) {
    memory = malloc(RV_AS_OF_MEMORY_MIN);
    memset(memory, 0xa5, RV_AS_OF_MEMORY_MIN);
    RV_RUN(every_place_is_what_it_was);
    RV_RUN(what_is_far_away_is_begun_from_the_nearest);
    RV_RUN(damage_is_told_and_never_shown);
    RV_RUN(damage_of_the_newest_is_mended);
    RV_RUN(files_that_are_others);
    RV_RUN(operations_that_fail);
    RV_RUN(questions_that_are_given_up);
    RV_RUN(a_checkpoint_without_room_makes_some);
    RV_RUN(an_append_without_room_makes_some);
    RV_RUN(what_is_kept_is_the_denser_the_nearer);
    RV_RUN(what_is_kept_takes_its_share);
    free(memory);
    return rv_test_done();
}
