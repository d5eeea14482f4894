/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever was appended is read back, in order, by whatever way one asks for it, however
 * slowly and piecemeal the host answers, over many segments and many lives. Method: random appends,
 * polls, reads, searches, seals and deaths of the process against the twin, on the memory host, on
 * a disk that answers at once, and on one that answers everything late, in any order, and in
 * pieces.
 */
#include "core/log/internal.h"
#include "tests/unit/log/log_checks.h"

/* Small, so that everything happens often. */
static const rv_log_options small_options = {
    .write_buffer_size = 12 << 10,
    .batch_len_max = 3000,
    .read_slot_count = 4,
    .segment_size = 20 << 10,
    .extent_size = 2048,
};

static void reopen(node *n, twin *t, bool clean) {
    if (clean) {
        RV_CHECK_STATUS(node_seal(n), RV_END);
    } else {
        RV_CHECK_STATUS(node_drain(n), RV_OK);
    }
    if (n->disk != NULL && !clean) {
        rv_sim_disk_crash(n->disk);
    } else if (n->memory != NULL) {
        rv_memory_host_reopen(n->memory);
    }
    RV_CHECK_STATUS(node_open(n, t), RV_END);
    RV_CHECK_EQ(n->recovered, t->count);
    RV_CHECK_EQ(rv_log_cut(n->log, NULL), 0);
    RV_CHECK_EQ(rv_log_durable(n->log), twin_sequence(t));
    check_everything(n, t);
}

/* One random step. */
static void step(node *n, twin *t, rv_log_cursor *cursors, uint64_t *random) {
    const uint64_t what = rv_test_random(random) % 1000;
    const uint64_t some = rv_test_random(random);
    if (what < 450) {
        const unsigned count = some % 10 == 0 ? 0 : (unsigned)(some / 16 % 12);
        const rv_status status = node_append_once(n, t, count, 200, random);
        RV_CHECK(status == RV_OK || status == RV_PENDING || status == RV_BUSY);
    } else if (what < 600) {
        RV_CHECK_STATUS(rv_log_poll(n->log, &n->err), RV_OK);
    } else if (what < 700) {
        (void)node_pump(n);
    } else if (what < 900) {
        rv_log_cursor *const cursor = &cursors[some % 4];
        if (cursor->sequence > rv_log_durable(n->log)) {
            *cursor = rv_log_cursor_at(1 + some / 4 % (twin_sequence(t) + 2));
        }
        check_read(n, t, cursor);
    } else if (what < 940) {
        check_find(n, t, some % (twin_watermark(t) + 3));
    } else if (what < 980) {
        check_chain(n, t, some % (twin_watermark(t) + 3));
    } else if (what < 985) {
        reopen(n, t, some % 2 == 0);
        for (unsigned i = 0; i < 4; i += 1) {
            cursors[i] = rv_log_cursor_at(1);
        }
    } else {
        check_facts(n, t);
    }
}

static void run(node *n, twin *t, uint64_t seed, unsigned steps) {
    uint64_t random = seed;
    rv_log_cursor cursors[4];
    for (unsigned i = 0; i < 4; i += 1) {
        cursors[i] = rv_log_cursor_at(1);
    }
    RV_CHECK_STATUS(node_open(n, t), RV_END);
    for (unsigned i = 0; i < steps; i += 1) {
        step(n, t, cursors, &random);
        RV_CHECK_PASSED();
    }
    reopen(n, t, true);
    RV_CHECK_PASSED();
    RV_CHECK(rv_log_segment_count(n->log) > 1);
    RV_CHECK_STATUS(node_seal(n), RV_END);
}

RV_TEST(random_lives_in_memory) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(6); seed += 1) {
        node n = {.options = small_options};
        twin_clear(&the_twin, seed % 2 == 0);
        node_over_memory(&n, seed);
        run(&n, &the_twin, seed, 1500);
        RV_CHECK_PASSED();
    }
}

RV_TEST(random_lives_on_a_slow_disk) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(12); seed += 1) {
        const rv_sim_faults faults = {
            .pending_percent = seed % 3 == 0   ? 0
                               : seed % 3 == 1 ? 50
                                               : 100,
            .short_percent = 40,
            .latency_us_max = 1000,
        };
        node n = {.options = small_options};
        n.options.write_buffer_size = seed % 2 == 0 ? 12 << 10 : 64 << 10;
        n.options.read_slot_count = seed % 2 == 0 ? 4 : 12;
        twin_clear(&the_twin, seed % 4 < 2);
        node_over_disk(&n, seed, &faults);
        RV_CHECK_PASSED();
        run(&n, &the_twin, 100 + seed, 2500);
        RV_CHECK_PASSED();
    }
}

RV_TEST(a_full_storage_refuses_and_goes_on_when_there_is_space) {
    for (uint32_t pending = 0; pending <= 100; pending += 50) {
        node n = {.options = small_options};
        uint64_t random = 5;
        rv_sim_faults faults = {
            .capacity = 50 << 10, .pending_percent = pending, .latency_us_max = 10};
        twin_clear(&the_twin, true);
        node_over_disk(&n, 5, &faults);
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        for (unsigned life = 0; life < 8; life += 1) {
            rv_status status = RV_OK;
            for (unsigned i = 0; i < 200 && status == RV_OK; i += 1) {
                status = node_append(&n, &the_twin, 5, 200, &random);
            }
            RV_CHECK_STATUS(status, RV_STORAGE_FULL);
            RV_CHECK_STATUS(node_append(&n, &the_twin, 5, 200, &random), RV_STORAGE_FULL);
            RV_CHECK_STATUS(rv_log_failed(n.log), RV_OK);
            RV_CHECK_STATUS(node_drain(&n), RV_OK);
            RV_CHECK_EQ(rv_log_durable(n.log), twin_sequence(&the_twin));
            check_everything(&n, &the_twin);
            RV_CHECK_PASSED();
            faults.capacity += 3000;
            rv_sim_disk_set_faults(n.disk, &faults);
            if (life % 2 == 0) {
                reopen(&n, &the_twin, life % 4 == 0);
                RV_CHECK_PASSED();
            }
        }
    }
}

RV_TEST(a_seal_after_a_seal_adds_nothing) {
    node n = {.options = small_options};
    uint64_t random = 9;
    twin_clear(&the_twin, true);
    node_over_disk(&n, 9, NULL);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_STATUS(node_seal(&n), RV_END); /* of a log that has nothing */
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(rv_log_segment_count(n.log), 0);
    RV_CHECK_STATUS(node_append(&n, &the_twin, 3, 100, &random), RV_OK);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    const uint64_t bytes = rv_log_bytes(n.log);
    for (unsigned i = 0; i < 3; i += 1) {
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        RV_CHECK_EQ(n.recovered, 1);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        RV_CHECK_EQ(rv_log_bytes(n.log), bytes);
    }
    rv_writer body;
    RV_CHECK_STATUS(rv_log_append_begin(n.log, &body, &n.err), RV_CLOSING);
}

RV_TEST(the_identity_is_kept) {
    node n = {.options = small_options};
    uint64_t random = 11;
    twin_clear(&the_twin, false);
    node_over_memory(&n, 11);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_STATUS(node_append(&n, &the_twin, 3, 100, &random), RV_OK);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    node_create(&n);
    RV_CHECK(!rv_log_has_identity(n.log));
    RV_CHECK_STATUS(node_recover(&n, &the_twin), RV_END);
    RV_CHECK(rv_log_has_identity(n.log));
    const rv_log_identity *const met = rv_log_identity_of(n.log);
    RV_CHECK(memcmp(met->log_id, twin_identity.log_id, 16) == 0);
    RV_CHECK(memcmp(met->node_id, twin_identity.node_id, 16) == 0);
    RV_CHECK_EQ(met->epoch, twin_identity.epoch);
    RV_CHECK_EQ(met->root_tag, twin_identity.root_tag);
    RV_CHECK(!met->root);
}

RV_TEST(too_little_memory_is_told) {
    node n = {.options = small_options};
    node_over_memory(&n, 1);
    n.options.host = n.host;
    for (size_t size = 0; size < 20000; size += 1000) {
        rv_arena arena = rv_arena_over(node_arena_memory, size);
        RV_CHECK_STATUS(rv_log_create(&n.log, &n.options, &arena, &n.err), RV_MEMORY_EXHAUSTED);
        RV_CHECK_EQ(arena.len, 0);
    }
}

/* Whatever is the first that does not fit, it is told, and nothing is taken. */
RV_TEST(memory_that_ends_anywhere_is_told) {
    node n = {.options = small_options};
    node_over_memory(&n, 1);
    n.options.host = n.host;
    n.options.index_events = 32;
    n.options.index_blocks = 8;
    rv_arena whole = rv_arena_over(node_arena_memory, sizeof node_arena_memory);
    RV_CHECK_STATUS(rv_log_create(&n.log, &n.options, &whole, &n.err), RV_OK);
    for (size_t size = 0; size < whole.len - 64; size += 96) {
        rv_arena arena = rv_arena_over(node_arena_memory, size);
        RV_CHECK_STATUS(rv_log_create(&n.log, &n.options, &arena, &n.err), RV_MEMORY_EXHAUSTED);
        RV_CHECK_EQ(arena.len, 0);
    }
    rv_arena enough = rv_arena_over(node_arena_memory, whole.len);
    RV_CHECK_STATUS(rv_log_create(&n.log, &n.options, &enough, &n.err), RV_OK);
}

/* A cursor that leads nowhere is no worse than none; polling, marks and notes are harmless in every
 * part of a life. */
RV_TEST(hints_that_lead_nowhere) {
    node n = {.options = small_options};
    uint64_t random = 15;
    rv_batch batch;
    rv_log_mark mark;
    twin_clear(&the_twin, true);
    node_over_disk(&n, 15, NULL);
    node_create(&n);
    RV_CHECK_STATUS(rv_log_poll(n.log, &n.err), RV_OK); /* before it is recovered */
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    rv_log_mark_begin(n.log);
    RV_CHECK_STATUS(rv_log_mark_get(n.log, &mark), RV_END);
    for (unsigned i = 0; i < 40; i += 1) {
        RV_CHECK_STATUS(node_append(&n, &the_twin, 4, 200, &random), RV_OK);
    }
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    const rv_event event = {.sequence = twin_sequence(&the_twin) + 1, .version = 1};
    rv_log_note(n.log, &event); /* nothing is indexed here */
    const uint64_t end = n.log->segments[0].end;
    const rv_log_cursor hints[] = {{5, 0, 100}, {5, 0, 4097}, {5, 0, end + 8}, {5, 99, 4096},
                                   {5, 0, end}, {5, 1, 4096}, {120, 0, 4096},  {5, UINT64_MAX, 0}};
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i += 1) {
        rv_log_cursor cursor = hints[i];
        check_read(&n, &the_twin, &cursor);
        RV_CHECK_PASSED();
        check_read(&n, &the_twin, &cursor);
        RV_CHECK_PASSED();
    }
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(rv_log_poll(n.log, &n.err), RV_OK); /* and after it is closed */
    RV_CHECK(!rv_log_working(n.log));
    node_create(&n); /* a life that ends before it has begun */
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_STATUS(read_at(&n, &(rv_log_cursor){1, UINT64_MAX, 0}, &batch), RV_OK);
}

/* A mark that waits for what is never written. */
RV_TEST(a_mark_of_a_log_that_fails) {
    node n = {.options = small_options};
    uint64_t random = 16;
    rv_log_mark mark;
    twin_clear(&the_twin, true);
    node_over_disk(&n, 16, NULL);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_STATUS(node_append(&n, &the_twin, 4, 200, &random), RV_OK);
    const rv_sim_faults faults = {.fault = RV_SIM_FAIL,
                                  .fault_at = rv_sim_disk_operations(n.disk) + 1,
                                  .pending_percent = 100};
    rv_sim_disk_set_faults(n.disk, &faults);
    rv_log_mark_begin(n.log);
    RV_CHECK_STATUS(rv_log_mark_get(n.log, &mark), RV_PENDING);
    RV_CHECK_STATUS(node_drain(&n), RV_STORAGE_FAILED);
    RV_CHECK_STATUS(rv_log_mark_get(n.log, &mark), RV_READ_ONLY);
}

/* Random places of a log, each from nothing but its sequence. */
static void check_random_reads(node *n, const twin *t, unsigned count, uint64_t *random) {
    for (unsigned i = 0; i < count; i += 1) {
        rv_log_cursor cursor = rv_log_cursor_at(1 + rv_test_random(random) % twin_sequence(t));
        check_read(n, t, &cursor);
        RV_CHECK_PASSED();
        check_read(n, t, &cursor); /* and on from there */
        RV_CHECK_PASSED();
    }
}

RV_TEST(more_segments_than_open_files) {
    for (uint32_t pending = 0; pending <= 100; pending += 50) {
        node n = {.options = small_options};
        uint64_t random = 21;
        const rv_sim_faults faults = {
            .pending_percent = pending, .short_percent = 10, .latency_us_max = 100};
        n.options.segment_size = 9 << 10;
        n.options.read_slot_count = 32;
        twin_clear(&the_twin, true);
        node_over_disk(&n, 21, &faults);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        while (rv_log_segment_count(n.log) < 50) {
            RV_CHECK_STATUS(node_append(&n, &the_twin, 9, 200, &random), RV_OK);
        }
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
        check_random_reads(&n, &the_twin, 300, &random);
        RV_CHECK_PASSED();
        reopen(&n, &the_twin, pending == 0);
        RV_CHECK_PASSED();
        check_random_reads(&n, &the_twin, 300, &random);
        RV_CHECK_PASSED();
        /* Many readers at once: all slots and handles are wanted, and each comes to its end. */
        for (unsigned i = 0; i < 500; i += 1) {
            rv_log_cursor cursor = rv_log_cursor_at(1 + rv_test_random(&random) % 500);
            rv_batch batch;
            const rv_status status = rv_log_read(n.log, &cursor, &batch, &n.err);
            RV_CHECK(status == RV_OK || status == RV_PENDING || status == RV_BUSY);
            if (i % 8 == 0) {
                (void)node_pump(&n);
            }
            if (i % 20 == 0) {
                RV_CHECK_STATUS(node_append(&n, &the_twin, 9, 200, &random), RV_OK);
            }
        }
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
}

RV_TEST(batches_larger_than_one_read) {
    node n = {.options = small_options};
    uint64_t random = 31;
    const rv_sim_faults faults = {
        .pending_percent = 50, .short_percent = 30, .latency_us_max = 100};
    n.options.batch_len_max = 700 << 10;
    n.options.write_buffer_size = 1500 << 10;
    n.options.segment_size = 2 << 20;
    n.options.extent_size = 300 << 10;
    twin_clear(&the_twin, true);
    node_over_disk(&n, 31, &faults);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    for (unsigned i = 0; i < 12; i += 1) {
        RV_CHECK_STATUS(node_append(&n, &the_twin, i % 3 == 0 ? 30 : 1800, 500, &random), RV_OK);
    }
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    check_everything(&n, &the_twin);
    RV_CHECK_PASSED();
    reopen(&n, &the_twin, false);
    RV_CHECK_PASSED();
    check_random_reads(&n, &the_twin, 30, &random);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

/* A subscription that is up to date reads what was just flushed from memory. */
RV_TEST(live_reads_do_not_touch_the_disk) {
    node n = {.options = small_options};
    uint64_t random = 41;
    twin_clear(&the_twin, true);
    node_over_disk(&n, 41, NULL);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    rv_log_cursor cursor = rv_log_cursor_at(1);
    for (unsigned i = 0; i < 200; i += 1) {
        RV_CHECK_STATUS(node_append(&n, &the_twin, 3, 100, &random), RV_OK);
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
        const uint64_t before = rv_sim_disk_operations(n.disk);
        while (cursor.sequence <= rv_log_durable(n.log)) {
            check_read(&n, &the_twin, &cursor);
            RV_CHECK_PASSED();
        }
        RV_CHECK_EQ(rv_sim_disk_operations(n.disk), before);
    }
}

/* A host that counts flushes. */
static struct {
    const rv_host_ops *ops;
    unsigned flushes;
} counted;

static rv_io counted_flush(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result) {
    counted.flushes += 1;
    return counted.ops->flush(ctx, ticket, file, result);
}

RV_TEST(appends_that_wait_share_a_flush) {
    node n = {.options = small_options};
    uint64_t random = 51;
    const rv_sim_faults faults = {.pending_percent = 100, .latency_us_max = 100};
    twin_clear(&the_twin, true);
    n.options.write_buffer_size = 64 << 10;
    n.options.segment_size = 1 << 20;
    node_over_disk(&n, 51, &faults);
    rv_host_ops ops = *n.host.ops;
    counted.ops = n.host.ops;
    ops.flush = counted_flush;
    n.host.ops = &ops;
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_STATUS(node_append(&n, &the_twin, 1, 100, &random), RV_OK);
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    for (unsigned round = 0; round < 20; round += 1) {
        counted.flushes = 0;
        const uint32_t before = the_twin.count;
        for (unsigned i = 0; i < 12; i += 1) { /* from as many writers */
            RV_CHECK_STATUS(node_append_once(&n, &the_twin, 1, 50, &random), RV_OK);
            RV_CHECK_STATUS(rv_log_poll(n.log, &n.err), RV_OK);
        }
        RV_CHECK(the_twin.count > before + 6);
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
        RV_CHECK_EQ(rv_log_durable(n.log), twin_sequence(&the_twin));
        /* The first one's, what came while it was under way, and one for space. */
        RV_CHECK(counted.flushes <= 3);
    }
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

int main(void) {
    RV_RUN(random_lives_in_memory);
    RV_RUN(random_lives_on_a_slow_disk);
    RV_RUN(hints_that_lead_nowhere);
    RV_RUN(a_mark_of_a_log_that_fails);
    RV_RUN(more_segments_than_open_files);
    RV_RUN(batches_larger_than_one_read);
    RV_RUN(live_reads_do_not_touch_the_disk);
    RV_RUN(appends_that_wait_share_a_flush);
    RV_RUN(a_full_storage_refuses_and_goes_on_when_there_is_space);
    RV_RUN(a_seal_after_a_seal_adds_nothing);
    RV_RUN(the_identity_is_kept);
    RV_RUN(too_little_memory_is_told);
    RV_RUN(memory_that_ends_anywhere_is_told);
    return rv_test_done();
}
