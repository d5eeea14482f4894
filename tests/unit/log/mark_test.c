/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a mark that was given leads to the same log as recovery from the start, whatever happened
 * after it was taken; one that does not fit the files changes nothing; and a log that lost what a
 * mark says it had is called damaged. Method: random lives with marks taken all the time, opened
 * from any of them, against the twin; every field of a mark wrong; files shortened, emptied and
 * removed; the nth operation fails in each way while marks are taken.
 */
#include "tests/unit/log/log_checks.h"
#include "tests/unit/log/log_files.h"

static const rv_log_options mark_options = {
    .write_buffer_size = 12 << 10,
    .batch_len_max = 1500,
    .read_slot_count = 4,
    .segment_size = 12 << 10,
    .extent_size = 2048,
};

#define MARKS_MAX 512

/* Marks, each with the number of batches before it. */
typedef struct marks {
    rv_log_mark marks[MARKS_MAX];
    uint32_t batches[MARKS_MAX];
    uint32_t count;
    uint32_t begun; /* the twin's count when the last one was begun */
    bool waiting;
} marks;

static marks the_marks;

static void marks_step(marks *m, const node *n, const twin *t, bool begin) {
    if (begin && !m->waiting) {
        rv_log_mark_begin(n->log);
        m->begun = t->count;
        m->waiting = true;
    }
    rv_log_mark mark;
    const rv_status status = rv_log_mark_get(n->log, &mark);
    if (!m->waiting || status == RV_PENDING) {
        return;
    }
    m->waiting = false;
    if (status == RV_OK && m->count < MARKS_MAX) {
        m->marks[m->count] = mark;
        m->batches[m->count] = m->begun;
        m->count += 1;
    }
}

static rv_status recover_from(node *n, const rv_log_mark *mark) {
    rv_status status = rv_log_recover_from(n->log, mark, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        if (!node_pump(n)) {
            return RV_STATUS_COUNT;
        }
        status = rv_log_recover_from(n->log, mark, &n->err);
    }
    return status;
}

/* Opens from the mark; what follows it must be the twin's. */
static rv_status open_from(node *n, const twin *t, const rv_log_mark *mark, uint32_t batches) {
    node_create(n);
    const rv_status status = recover_from(n, mark);
    return status == RV_OK ? node_recover_on(n, t, batches) : status;
}

static void grow(node *n, twin *t, marks *m, unsigned steps, uint64_t *random) {
    for (unsigned i = 0; i < steps; i += 1) {
        const uint64_t what = rv_test_random(random);
        if (what % 4 != 0) {
            const rv_status status = node_append_once(n, t, (unsigned)(what / 8 % 6), 150, random);
            RV_CHECK(status == RV_OK || status == RV_PENDING || status == RV_BUSY);
        } else {
            RV_CHECK_STATUS(rv_log_poll(n->log, &n->err), RV_OK);
            (void)node_pump(n);
        }
        marks_step(m, n, t, what / 64 % 5 == 0);
    }
    RV_CHECK_STATUS(node_drain(n), RV_OK);
    marks_step(m, n, t, true);
    RV_CHECK(!m->waiting);
}

static void life(node *n, twin *t, marks *m, bool clean, uint64_t *random) {
    grow(n, t, m, 150, random);
    RV_CHECK_PASSED();
    if (clean) {
        RV_CHECK_STATUS(node_seal(n), RV_END);
    }
    rv_sim_disk_crash(n->disk);
    RV_CHECK(m->count > 0);
    for (unsigned i = 0; i < 6; i += 1) {
        const uint32_t k = (uint32_t)(rv_test_random(random) % m->count);
        RV_CHECK_STATUS(open_from(n, t, &m->marks[k], m->batches[k]), RV_END);
        RV_CHECK_EQ(n->recovered, t->count);
        RV_CHECK_EQ(rv_log_durable(n->log), twin_sequence(t));
        check_everything(n, t);
        RV_CHECK_PASSED();
        rv_sim_disk_crash(n->disk);
    }
    const uint32_t k = (uint32_t)(rv_test_random(random) % m->count);
    RV_CHECK_STATUS(open_from(n, t, &m->marks[k], m->batches[k]), RV_END);
}

RV_TEST(random_lives_from_any_mark) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(24); seed += 1) {
        const rv_sim_faults faults = {
            .pending_percent = seed % 2 == 0 ? 60 : 0, .short_percent = 20, .latency_us_max = 100};
        node n = {.options = mark_options};
        uint64_t random = seed;
        twin_clear(&the_twin, seed % 3 != 0);
        the_marks.count = 0;
        the_marks.waiting = false;
        node_over_disk(&n, seed, &faults);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        for (unsigned i = 0; i < 5; i += 1) {
            life(&n, &the_twin, &the_marks, rv_test_random(&random) % 2 == 0, &random);
            if (rv_test_failed) {
                fprintf(stderr, "seed %u, life %u\n", (unsigned)seed, i);
            }
            RV_CHECK_PASSED();
        }
        check_everything(&n, &the_twin);
        RV_CHECK(rv_log_segment_count(n.log) > 2);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
}

/* --- marks that do not fit --- */

static void make(node *n, marks *m, uint64_t seed) {
    uint64_t random = seed;
    *n = (node){.options = mark_options};
    twin_clear(&the_twin, true);
    m->count = 0;
    m->waiting = false;
    node_over_disk(n, seed, NULL);
    RV_CHECK_STATUS(node_open(n, &the_twin), RV_END);
    grow(n, &the_twin, m, 250, &random);
    RV_CHECK(rv_log_segment_count(n->log) > 2);
    rv_sim_disk_crash(n->disk);
}

RV_TEST(a_mark_with_any_bit_wrong_changes_nothing) {
    node n;
    make(&n, &the_marks, 3);
    RV_CHECK_PASSED();
    const rv_log_mark good = the_marks.marks[the_marks.count / 2];
    uint8_t bytes[RV_LOG_MARK_SIZE];
    for (unsigned bit = 0; bit < 8 * RV_LOG_MARK_SIZE; bit += RV_TEST_STRIDE) {
        rv_log_mark wrong;
        rv_log_mark_encode(bytes, &good);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        const bool plausible = rv_log_mark_decode(bytes, &wrong);
        node_create(&n);
        if (plausible) {
            RV_CHECK_STATUS(recover_from(&n, &wrong), RV_END);
        }
        /* And then the right one, or from the start. */
        if (bit % 2 == 0) {
            RV_CHECK_STATUS(recover_from(&n, &good), RV_OK);
            continue;
        }
        RV_CHECK(!rv_log_has_identity(n.log));
        const rv_status status = node_recover(&n, &the_twin);
        RV_CHECK_EQ(n.recovered, the_twin.count);
        /* A mark beyond the log's end says that something is missing. */
        RV_CHECK(status == RV_END || (status == RV_DATA_DAMAGED && bit >= 8 * 32));
    }
}

static rv_status find(node *n, const rv_log_mark *mark, rv_log_walk *walk) {
    rv_status status = rv_log_mark_find(n->log, mark, walk, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        (void)node_pump(n);
        status = rv_log_mark_find(n->log, mark, walk, &n->err);
    }
    return status;
}

/* In a log that is open, a mark is found where its batch is, and one with any bit wrong is not; but
 * the epoch, which the log may have left behind. */
RV_TEST(a_mark_is_found_in_an_open_log) {
    node n;
    make(&n, &the_marks, 6);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    for (uint32_t i = 0; i < the_marks.count; i += 1) {
        const rv_log_mark *const mark = &the_marks.marks[i];
        rv_log_walk walk;
        rv_batch batch;
        const rv_status status = find(&n, mark, &walk);
        RV_CHECK_STATUS(status, mark->last < mark->offset ? RV_OK : RV_END);
        if (status == RV_OK && mark->next_sequence <= rv_log_durable(n.log)) {
            RV_CHECK_STATUS(rv_log_walk_next(n.log, &walk, &batch, &n.err), RV_OK);
            RV_CHECK_EQ(batch.first_sequence, mark->next_sequence);
        }
    }
    uint8_t bytes[RV_LOG_MARK_SIZE];
    for (unsigned bit = 0; bit < 8 * RV_LOG_MARK_SIZE; bit += RV_TEST_STRIDE) {
        rv_log_mark wrong;
        rv_log_walk walk;
        rv_log_mark_encode(bytes, &the_marks.marks[the_marks.count / 2]);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (rv_log_mark_decode(bytes, &wrong)) {
            const bool epoch = bit >= 8 * 16 && bit < 8 * 20;
            RV_CHECK_STATUS(find(&n, &wrong, &walk), epoch ? RV_OK : RV_END);
        }
        RV_CHECK_PASSED();
    }
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

RV_TEST(a_mark_is_its_bytes) {
    node n;
    make(&n, &the_marks, 4);
    RV_CHECK_PASSED();
    for (uint32_t i = 0; i < the_marks.count; i += 1) {
        uint8_t bytes[RV_LOG_MARK_SIZE];
        uint8_t again[RV_LOG_MARK_SIZE];
        rv_log_mark back;
        rv_log_mark_encode(bytes, &the_marks.marks[i]);
        RV_CHECK(rv_log_mark_decode(bytes, &back));
        rv_log_mark_encode(again, &back);
        RV_CHECK(memcmp(bytes, again, sizeof bytes) == 0);
    }
}

/* The newest mark, then from the start: what a node does. */
static rv_status open_as_a_node_does(node *n, const marks *m) {
    const rv_log_mark *const last = &m->marks[m->count - 1];
    node_create(n);
    const rv_status status = recover_from(n, last);
    n->recovered = m->batches[m->count - 1];
    return status == RV_END ? node_recover(n, &the_twin) : status;
}

RV_TEST(a_log_shorter_than_its_mark_is_damaged) {
    for (unsigned how = 0; how < 4; how += 1) {
        node n;
        make(&n, &the_marks, 5);
        RV_CHECK_PASSED();
        rv_file_name name;
        rv_segment_name(0, the_marks.marks[the_marks.count - 1].segment_first, &name);
        if (how == 0) {
            file_remove(&n, name.text);
        } else {
            file_truncate(&n, name.text, how == 1 ? 0 : how == 2 ? 2000 : 4096);
        }
        RV_CHECK_STATUS(open_as_a_node_does(&n, &the_marks), RV_DATA_DAMAGED);
        RV_CHECK(n.recovered > 0);
        RV_CHECK_STATUS(rv_log_failed(n.log), RV_DATA_DAMAGED);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
}

RV_TEST(a_log_without_any_segment_is_damaged_when_a_mark_speaks_of_one) {
    for (unsigned how = 0; how < 2; how += 1) {
        node n = {.options = mark_options};
        uint64_t random = 8;
        twin_clear(&the_twin, true);
        the_marks.count = 0;
        the_marks.waiting = false;
        node_over_disk(&n, 8, NULL);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        RV_CHECK_STATUS(node_append(&n, &the_twin, 2, 100, &random), RV_OK);
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
        marks_step(&the_marks, &n, &the_twin, true);
        RV_CHECK_EQ(the_marks.count, 1);
        rv_sim_disk_crash(n.disk);
        rv_file_name name;
        rv_segment_name(0, 1, &name);
        if (how == 0) {
            file_remove(&n, name.text);
        } else {
            file_truncate(&n, name.text, 0);
        }
        RV_CHECK_STATUS(open_as_a_node_does(&n, &the_marks), RV_DATA_DAMAGED);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        /* Without a mark it is a log that was never begun, unless a checkpoint is there. */
        rv_io_result created;
        (void)n.host.ops->create(n.host.ctx, 1, "ckp-0000000000000001.bin", &created);
        n.host.ops->close(n.host.ctx, created.file);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_DATA_DAMAGED);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        file_remove(&n, "ckp-0000000000000001.bin");
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        RV_CHECK_EQ(rv_log_segment_count(n.log), 0);
    }
}

/* Damage before a mark: the log opens, and whoever reads it is told. */
RV_TEST(damage_before_the_mark_is_found_by_reading) {
    node n;
    make(&n, &the_marks, 6);
    RV_CHECK_PASSED();
    const uint32_t last = the_marks.count - 1;
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    RV_CHECK(the_marks.marks[last].segment > 1);
    RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, 4096 + 70, 3), RV_OK);
    RV_CHECK_STATUS(open_from(&n, &the_twin, &the_marks.marks[last], the_marks.batches[last]),
                    RV_END);
    rv_batch batch;
    rv_log_cursor cursor = rv_log_cursor_at(1);
    RV_CHECK_STATUS(read_at(&n, &cursor, &batch), RV_DATA_DAMAGED);
    RV_CHECK(strstr(n.err.facts, "\"offset\":4096") != NULL);
    cursor = rv_log_cursor_at(twin_sequence(&the_twin));
    RV_CHECK_STATUS(read_at(&n, &cursor, &batch), RV_OK);
    uint64_t random = 6;
    RV_CHECK_STATUS(node_append(&n, &the_twin, 2, 100, &random), RV_OK);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

/* --- crashes --- */

static void fault_at(uint64_t at, rv_sim_fault fault, rv_sim_crash crash, bool *beyond) {
    const rv_sim_faults faults = {.fault = fault,
                                  .fault_at = at,
                                  .crash = crash,
                                  .pending_percent = at % 2 == 0 ? 50 : 0,
                                  .latency_us_max = 50};
    node n = {.options = mark_options};
    uint64_t random = 9;
    twin_clear(&the_twin, true);
    the_marks.count = 0;
    the_marks.waiting = false;
    node_over_disk(&n, at, &faults);
    rv_status status = node_open(&n, &the_twin);
    for (unsigned i = 0; i < 60 && status == RV_END; i += 1) {
        if (node_append(&n, &the_twin, 3, 150, &random) != RV_OK ||
            (i % 3 == 0 && rv_log_poll(n.log, &n.err) != RV_OK)) {
            break;
        }
        marks_step(&the_marks, &n, &the_twin, true);
    }
    *beyond = rv_sim_disk_operations(n.disk) < at;
    rv_sim_disk_crash(n.disk);
    const rv_sim_faults none = {.crash = crash};
    rv_sim_disk_set_faults(n.disk, &none);
    if (the_marks.count == 0) {
        return;
    }
    const uint32_t last = the_marks.count - 1;
    RV_CHECK_STATUS(open_from(&n, &the_twin, &the_marks.marks[last], the_marks.batches[last]),
                    RV_END);
    twin_keep(&the_twin, n.recovered);
    check_everything(&n, &the_twin);
    RV_CHECK_STATUS(node_append(&n, &the_twin, 2, 100, &random), RV_OK);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, the_twin.count);
}

RV_TEST(a_durable_mark_fits_after_every_crash) {
    for (int fault = RV_SIM_FAIL; fault <= (int)RV_SIM_STOP; fault += 1) {
        for (int crash = RV_SIM_CRASH_KEEP; crash <= (int)RV_SIM_CRASH_REORDER; crash += 1) {
            bool beyond = false;
            for (uint64_t at = 1; !beyond && at < 2000; at += RV_TEST_STRIDE) {
                fault_at(at, (rv_sim_fault)fault, (rv_sim_crash)crash, &beyond);
                if (rv_test_failed) {
                    fprintf(stderr, "fault %d at %u, crash %d\n", fault, (unsigned)at, crash);
                }
                RV_CHECK_PASSED();
            }
            RV_CHECK(beyond);
        }
    }
}

int main(void) {
    RV_RUN(random_lives_from_any_mark);
    RV_RUN(a_mark_with_any_bit_wrong_changes_nothing);
    RV_RUN(a_mark_is_found_in_an_open_log);
    RV_RUN(a_mark_is_its_bytes);
    RV_RUN(a_log_shorter_than_its_mark_is_damaged);
    RV_RUN(a_log_without_any_segment_is_damaged_when_a_mark_speaks_of_one);
    RV_RUN(damage_before_the_mark_is_found_by_reading);
    RV_RUN(a_durable_mark_fits_after_every_crash);
    return rv_test_done();
}
