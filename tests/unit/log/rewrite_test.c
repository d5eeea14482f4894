/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a segment that is written as a new generation is the same log, whatever goes wrong while
 * that is done, but for what a filter takes out: at every moment one generation is whole, and
 * recovery takes it; what is left over is removed. Method: appends, reads and rewriting at the same
 * time against the twin, in many lives; every operation fails in every way; files of generations
 * that are not whole, put there by hand.
 */
#include "core/log/internal.h"
#include "tests/unit/log/log_checks.h"
#include "tests/unit/log/log_files.h"

static const rv_log_options rewrite_options = {
    .write_buffer_size = 12 << 10,
    .batch_len_max = 1500,
    .read_slot_count = 5,
    .segment_size = 10 << 10,
    .extent_size = 2048,
};

/* Rewrites one segment to its end, appending and reading now and then; as it is, or filtered. */
static rv_status rewrite(node *n, twin *t, uint32_t segment, uint64_t *random) {
    const rv_rewrite_ops *const ops = *random % 3 == 0 ? NULL : &twin_rewrite;
    if (!rv_log_rewrite_begin(n->log, segment, ops, NULL)) {
        return RV_BUSY;
    }
    for (unsigned i = 0; i < PUMP_MAX && rv_log_rewrite_status(n->log) == RV_PENDING; i += 1) {
        const rv_status polled = rv_log_poll(n->log, &n->err);
        (void)node_pump(n);
        if (polled != RV_OK) {
            return polled;
        }
        if (i % 3 == 0) {
            (void)node_append_once(n, t, 2, 100, random);
        }
        if (i % 4 == 0) {
            rv_log_cursor cursor = rv_log_cursor_at(1 + rv_test_random(random) % 60);
            rv_batch batch;
            const rv_status status = rv_log_read(n->log, &cursor, &batch, &n->err);
            if (status != RV_OK && status != RV_PENDING && status != RV_BUSY && status != RV_END) {
                return status;
            }
        }
    }
    return rv_log_rewrite_status(n->log);
}

static void grow(node *n, twin *t, uint32_t segments, uint64_t *random) {
    while (rv_log_segment_count(n->log) < segments) {
        RV_CHECK_STATUS(node_append(n, t, 3, 150, random), RV_OK);
    }
    RV_CHECK_STATUS(node_drain(n), RV_OK);
}

/* Files of segments; the highest generation among them. */
static unsigned count_files(const node *n, uint32_t *highest) {
    static rv_file_name names[FILES_MAX];
    const unsigned count = files_named(n, "log-", names, FILES_MAX);
    *highest = 0;
    for (unsigned i = 0; i < count; i += 1) {
        uint32_t generation = 0;
        uint64_t first = 0;
        if (!rv_segment_name_parse(names[i].text, &generation, &first)) {
            return 0;
        }
        *highest = generation > *highest ? generation : *highest;
    }
    return count;
}

RV_TEST(a_rewritten_log_is_the_same) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(12); seed += 1) {
        const rv_sim_faults faults = {
            .pending_percent = seed % 2 == 0 ? 60 : 0, .short_percent = 20, .latency_us_max = 50};
        node n = {.options = rewrite_options};
        uint64_t random = seed;
        twin_clear(&the_twin, seed % 3 != 0);
        node_over_disk(&n, seed, &faults);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        for (unsigned life = 0; life < 4; life += 1) {
            grow(&n, &the_twin, 4 + 2 * life, &random);
            RV_CHECK_PASSED();
            for (unsigned i = 0; i < 3; i += 1) {
                const uint32_t last = rv_log_segment_count(n.log) - 1;
                RV_CHECK(!rv_log_rewrite_begin(n.log, last, NULL, NULL));
                RV_CHECK_STATUS(
                    rewrite(&n, &the_twin, (uint32_t)(rv_test_random(&random) % last), &random),
                    RV_OK);
            }
            RV_CHECK_STATUS(node_drain(&n), RV_OK);
            check_everything(&n, &the_twin);
            RV_CHECK_PASSED();
            rv_log_mark mark;
            rv_log_mark_begin(n.log);
            RV_CHECK_STATUS(rv_log_mark_get(n.log, &mark), RV_OK);
            const uint32_t batches = the_twin.count;
            if (seed % 2 == 0) {
                RV_CHECK_STATUS(node_seal(&n), RV_END);
            }
            rv_sim_disk_crash(n.disk);
            node_create(&n);
            rv_status status = RV_PENDING; /* sometimes from the mark */
            for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING && life % 2 == 0; i += 1) {
                status = rv_log_recover_from(n.log, &mark, &n.err);
                (void)(status == RV_PENDING && node_pump(&n));
            }
            RV_CHECK(status == (life % 2 == 0 ? RV_OK : RV_PENDING));
            RV_CHECK_STATUS(node_recover_on(&n, &the_twin, life % 2 == 0 ? batches : 0), RV_END);
            RV_CHECK_EQ(n.recovered, the_twin.count);
            check_everything(&n, &the_twin);
            RV_CHECK_PASSED();
        }
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        rv_sim_faults none = {.crash = RV_SIM_CRASH_KEEP};
        rv_sim_disk_crash(n.disk);
        rv_sim_disk_set_faults(n.disk, &none);
        uint32_t highest = 0;
        RV_CHECK_EQ(count_files(&n, &highest), rv_log_segment_count(n.log));
        RV_CHECK(highest > 0);
    }
}

/* --- what is left over --- */

static void make(node *n) {
    uint64_t random = 5;
    *n = (node){.options = rewrite_options};
    twin_clear(&the_twin, true);
    node_over_disk(n, 5, NULL);
    RV_CHECK_STATUS(node_open(n, &the_twin), RV_END);
    grow(n, &the_twin, 4, &random);
    RV_CHECK_STATUS(node_drain(n), RV_OK);
    rv_sim_disk_crash(n->disk);
}

static uint8_t copy[64 << 10];

RV_TEST(a_generation_that_is_not_whole_goes) {
    for (unsigned how = 0; how < 4; how += 1) {
        node n;
        rv_file_name name;
        make(&n);
        RV_CHECK_PASSED();
        rv_segment_name(0, 1, &name);
        const size_t size = file_read(&n, name.text, 0, copy, sizeof copy);
        rv_segment_name(1, 1, &name);
        file_make(&n, name.text, copy, how < 2 ? 4096 : 0,
                  how == 0   ? 4096
                  : how == 1 ? size
                  : how == 2 ? 3000
                             : size);
        /* The last one has a header, but of generation 0. */
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        RV_CHECK_EQ(n.recovered, the_twin.count);
        uint32_t highest = 0;
        RV_CHECK_EQ(count_files(&n, &highest), rv_log_segment_count(n.log));
        RV_CHECK_EQ(highest, 0);
        check_everything(&n, &the_twin);
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
}

RV_TEST(of_two_whole_ones_the_newer_stays) {
    node n;
    uint64_t random = 6;
    rv_file_name name;
    make(&n);
    RV_CHECK_PASSED();
    rv_segment_name(0, 1, &name);
    const size_t size = file_read(&n, name.text, 0, copy, sizeof copy);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_STATUS(rewrite(&n, &the_twin, 0, &random), RV_OK);
    RV_CHECK_STATUS(rewrite(&n, &the_twin, 0, &random), RV_OK);
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    rv_sim_disk_crash(n.disk);
    file_make(&n, name.text, copy, 0, size); /* generation 0 is back */
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, the_twin.count);
    uint32_t highest = 0;
    RV_CHECK_EQ(count_files(&n, &highest), rv_log_segment_count(n.log));
    RV_CHECK_EQ(highest, 2);
    /* A batch less, or damaged: it is damage. */
    rv_segment_name(2, 1, &name);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, 4096 + 80, 2), RV_OK);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_DATA_DAMAGED);
    RV_CHECK_EQ(n.recovered, 0);
}

/* Of three generations the highest that is whole stays, in whatever order they are listed. */
RV_TEST(of_three_the_highest_whole_one_stays) {
    static const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static uint8_t files[3][64 << 10];
    size_t sizes[3] = {0, 0, 0};
    node n;
    rv_file_name name;
    uint64_t random = 6;
    make(&n);
    RV_CHECK_PASSED();
    for (uint32_t g = 0; g < 3; g += 1) {
        rv_segment_name(g, 1, &name);
        sizes[g] = file_read(&n, name.text, 0, files[g], sizeof files[g]);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        RV_CHECK(g == 2 || rewrite(&n, &the_twin, 0, &random) == RV_OK);
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
        rv_sim_disk_crash(n.disk);
    }
    for (unsigned i = 0; i < 4 * 6; i += 1) {
        const uint32_t broken = i / 6; /* 0: none; 1: the newest; 2: two; 3: all that are newer */
        for (uint32_t g = 0; g < 3; g += 1) {
            rv_segment_name(g, 1, &name);
            if (file_size(&n, name.text) > 0) {
                file_remove(&n, name.text);
            }
        }
        for (unsigned k = 0; k < 3; k += 1) {
            const uint32_t g = orders[i % 6][k];
            const bool whole = g + broken < 3 || (g == 1 && broken == 3);
            rv_segment_name(g, 1, &name);
            file_make(&n, name.text, files[g], whole ? 0 : 4096, sizes[g]);
        }
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        RV_CHECK_EQ(n.recovered, the_twin.count);
        uint32_t highest = 0;
        RV_CHECK_EQ(count_files(&n, &highest), rv_log_segment_count(n.log));
        RV_CHECK_EQ(highest, broken == 0 ? 2 : broken == 2 ? 0 : 1);
        rv_sim_disk_crash(n.disk);
    }
}

/* What cannot be written again stays as it is. */
RV_TEST(segments_that_cannot_be_rewritten) {
    node n;
    rv_file_name name;
    uint64_t random = 8;
    uint32_t highest = 0;
    make(&n);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    n.log->segments[0].generation = UINT16_MAX; /* names have no greater one */
    RV_CHECK(!rv_log_rewrite_begin(n.log, 0, NULL, NULL));
    n.log->segments[0].generation = 0;
    for (unsigned part = 0; part < 2; part += 1) { /* decay of the header, of a batch */
        make(&n);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        rv_segment_name(0, 1, &name);
        RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, part == 0 ? 20 : 4096 + 80, 1), RV_OK);
        RV_CHECK_STATUS(rewrite(&n, &the_twin, 0, &random), RV_DATA_DAMAGED);
    }
    make(&n);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    rv_segment_name(1, 1, &name); /* a file of the new name is replaced */
    file_make(&n, name.text, NULL, 0, 0);
    RV_CHECK_STATUS(rewrite(&n, &the_twin, 0, &random), RV_OK);
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    RV_CHECK_EQ(count_files(&n, &highest), rv_log_segment_count(n.log));
    RV_CHECK_EQ(highest, 1);
    check_everything(&n, &the_twin);
}

/* --- the nth operation goes wrong --- */

static void fault_at(uint64_t at, rv_sim_fault fault, rv_sim_crash crash, bool *beyond) {
    const rv_sim_faults faults = {.fault = fault,
                                  .fault_at = at,
                                  .crash = crash,
                                  .pending_percent = at % 2 == 0 ? 50 : 0,
                                  .latency_us_max = 50};
    node n = {.options = rewrite_options};
    uint64_t random = 9;
    uint32_t durable = 0;
    twin_clear(&the_twin, true);
    node_over_disk(&n, at, &faults);
    if (node_open(&n, &the_twin) == RV_END) {
        for (unsigned i = 0; i < 60 && rv_log_segment_count(n.log) < 3; i += 1) {
            if (node_append(&n, &the_twin, 3, 150, &random) != RV_OK) {
                break;
            }
        }
        for (uint32_t i = 0; i < 3 && rv_log_segment_count(n.log) == 3; i += 1) {
            const rv_status status = rewrite(&n, &the_twin, i % 2, &random);
            RV_CHECK(status != RV_DATA_DAMAGED && status != RV_PENDING);
        }
        (void)node_drain(&n);
        durable = twin_durable(&the_twin, n.log);
    }
    *beyond = rv_sim_disk_operations(n.disk) < at;
    rv_sim_disk_crash(n.disk);
    const rv_sim_faults none = {.crash = crash};
    rv_sim_disk_set_faults(n.disk, &none);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK(n.recovered >= durable);
    twin_keep(&the_twin, n.recovered);
    check_everything(&n, &the_twin);
    RV_CHECK_PASSED();
    uint32_t highest = 0;
    RV_CHECK_EQ(count_files(&n, &highest), rv_log_segment_count(n.log));
    /* What it believed then is durable when the power fails later. */
    const rv_sim_faults power = {.crash = at % 2 == 0 ? RV_SIM_CRASH_LOSE : RV_SIM_CRASH_REORDER};
    rv_sim_disk_set_faults(n.disk, &power);
    grow(&n, &the_twin, rv_log_segment_count(n.log) + 1, &random);
    RV_CHECK_PASSED();
    rv_sim_disk_crash(n.disk);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, the_twin.count);
    RV_CHECK_STATUS(node_append(&n, &the_twin, 2, 100, &random), RV_OK);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, the_twin.count);
}

RV_TEST(every_operation_goes_wrong_in_every_way) {
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
    RV_RUN(a_rewritten_log_is_the_same);
    RV_RUN(a_generation_that_is_not_whole_goes);
    RV_RUN(of_two_whole_ones_the_newer_stays);
    RV_RUN(of_three_the_highest_whole_one_stays);
    RV_RUN(segments_that_cannot_be_rewritten);
    RV_RUN(every_operation_goes_wrong_in_every_way);
    return rv_test_done();
}
