/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever goes wrong at whatever moment, all that was reported durable is there afterwards,
 * each other batch is there whole or not at all, never with a gap before it, nothing is called
 * damaged, and the log goes on.
 * Method: a fixed workload of appends, a roll-over and a seal on the simulated disk; for every n
 * the nth operation stops the power, fails, tears, or finds the disk full; then the machine crashes
 * in each of four ways, the log is recovered and compared with the twin, appended to, and opened
 * again. For the power failing, recovery itself is then interrupted at each of its operations, too.
 */
#include "tests/unit/log/log_twin.h"

static const rv_log_options crash_options = {
    .write_buffer_size = 10 << 10,
    .batch_len_max = 1500,
    .read_slot_count = 4,
    .segment_size = 9 << 10,
    .extent_size = 2048,
};

#define WORK_BATCHES 40

/* Appends, polling now and then; notes what was durable at the end. Whatever fails ends it. */
static void work(node *n, twin *t, uint64_t seed, uint32_t *durable) {
    uint64_t random = seed;
    rv_status status = RV_OK;
    for (unsigned i = 0; i < WORK_BATCHES && status == RV_OK; i += 1) {
        status = node_append(n, t, 1 + i % 4, 150, &random);
        if (status == RV_OK && i % 3 != 0) {
            status = rv_log_poll(n->log, &n->err);
        }
        *durable = twin_durable(t, n->log);
    }
    (void)node_drain(n);
    *durable = twin_durable(t, n->log);
    if (seed % 2 == 0 && status == RV_OK) {
        (void)node_seal(n);
    }
}

/* Opens after a crash: nothing durable is missing, nothing else is wrong. */
static void check_recovery(node *n, twin *t, uint32_t durable) {
    const rv_status status = node_open(n, t);
    if (status != RV_END) {
        fprintf(stderr, "%s: %s\n", rv_status_code(status), n->err.detail);
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK(n->recovered >= durable);
    twin_keep(t, n->recovered);
    RV_CHECK_EQ(rv_log_durable(n->log), twin_sequence(t));
    RV_CHECK_EQ(rv_log_watermark(n->log), twin_watermark(t));
}

/* The log goes on, and what follows a cut is not what was cut. */
static void check_going_on(node *n, twin *t, uint64_t seed) {
    uint64_t random = seed;
    for (unsigned i = 0; i < 3; i += 1) {
        RV_CHECK_STATUS(node_append(n, t, 2, 100, &random), RV_OK);
    }
    RV_CHECK_STATUS(node_drain(n), RV_OK);
    rv_sim_disk_crash(n->disk);
    RV_CHECK_STATUS(node_open(n, t), RV_END);
    RV_CHECK_EQ(n->recovered, t->count);
    RV_CHECK_EQ(rv_log_cut(n->log, NULL), 0);
    RV_CHECK_STATUS(node_seal(n), RV_END);
    RV_CHECK_STATUS(node_open(n, t), RV_END);
    RV_CHECK_EQ(n->recovered, t->count);
}

/* The workload up to its crash. */
static void live(node *n, twin *t, uint64_t seed, const rv_sim_faults *faults, uint32_t *durable) {
    *durable = 0;
    twin_clear(t, seed != 3); /* or an edge */
    node_over_disk(n, seed, faults);
    RV_CHECK_PASSED();
    const rv_status status = node_open(n, t);
    if (status == RV_END) {
        work(n, t, seed, durable);
    }
    rv_sim_disk_crash(n->disk);
}

static void fault_and_recover(uint64_t n_operation, rv_sim_fault fault, rv_sim_crash crash,
                              uint64_t seed, uint32_t pending, bool *beyond) {
    const rv_sim_faults faults = {
        .fault = fault,
        .fault_at = n_operation,
        .crash = crash,
        .pending_percent = pending,
        .short_percent = pending / 4,
        .latency_us_max = 50,
    };
    node n = {.options = crash_options};
    uint32_t durable = 0;
    live(&n, &the_twin, seed, &faults, &durable);
    *beyond = rv_sim_disk_operations(n.disk) < n_operation;
    const rv_sim_faults none = {.pending_percent = pending, .latency_us_max = 50, .crash = crash};
    rv_sim_disk_set_faults(n.disk, &none);
    check_recovery(&n, &the_twin, durable);
    RV_CHECK_PASSED();
    check_going_on(&n, &the_twin, seed + 1);
    if (rv_test_failed) {
        fprintf(stderr, "fault %d at %u, crash %d, seed %u, pending %u\n", (int)fault,
                (unsigned)n_operation, (int)crash, (unsigned)seed, (unsigned)pending);
    }
}

RV_TEST(every_operation_goes_wrong_in_every_way) {
    for (uint64_t seed = 1; seed <= 4; seed += 1) {
        for (int fault = RV_SIM_FAIL; fault <= (int)RV_SIM_STOP; fault += 1) {
            for (int crash = RV_SIM_CRASH_KEEP; crash <= (int)RV_SIM_CRASH_REORDER; crash += 1) {
                bool beyond = false;
                for (uint64_t n = 1; !beyond && n < 2000; n += RV_TEST_STRIDE) {
                    fault_and_recover(n, (rv_sim_fault)fault, (rv_sim_crash)crash, seed,
                                      seed > 2 ? 60 : 0, &beyond);
                    RV_CHECK_PASSED();
                }
                RV_CHECK(beyond);
            }
        }
    }
}

RV_TEST(the_power_fails_again_during_recovery) {
    for (uint64_t first = 1; first <= 90; first += RV_TEST_STRIDE) {
        bool beyond = false;
        for (uint64_t second = 1; !beyond && second < 200; second += 1) {
            const rv_sim_crash crash = second % 2 == 0 ? RV_SIM_CRASH_REORDER : RV_SIM_CRASH_TEAR;
            rv_sim_faults faults = {.fault = RV_SIM_STOP, .fault_at = first, .crash = crash};
            node n = {.options = crash_options};
            uint32_t durable = 0;
            live(&n, &the_twin, first, &faults, &durable);
            RV_CHECK_PASSED();
            faults.fault_at = rv_sim_disk_operations(n.disk) + second;
            rv_sim_disk_set_faults(n.disk, &faults);
            const rv_status status = node_open(&n, &the_twin);
            RV_CHECK(status == RV_END || status == RV_STORAGE_FAILED);
            beyond = rv_sim_disk_operations(n.disk) < faults.fault_at;
            rv_sim_disk_crash(n.disk);
            const rv_sim_faults none = {.crash = crash};
            rv_sim_disk_set_faults(n.disk, &none);
            check_recovery(&n, &the_twin, durable);
            RV_CHECK_PASSED();
            check_going_on(&n, &the_twin, second);
            RV_CHECK_PASSED();
        }
    }
}

/* What recovery did must not be undone by a crash that comes soon after it. */
RV_TEST(the_power_fails_again_right_after_recovery) {
    for (uint64_t first = 1; first <= 90; first += RV_TEST_STRIDE) {
        for (unsigned second = 1; second <= 40; second += 1) {
            rv_sim_faults faults = {
                .fault = RV_SIM_STOP, .fault_at = first, .crash = RV_SIM_CRASH_KEEP};
            node n = {.options = crash_options};
            uint32_t durable = 0;
            live(&n, &the_twin, first, &faults, &durable);
            RV_CHECK_PASSED();
            faults = (rv_sim_faults){.crash = second % 2 == 0 ? RV_SIM_CRASH_LOSE
                                                              : RV_SIM_CRASH_REORDER};
            rv_sim_disk_set_faults(n.disk, &faults);
            n.options.segment_size *= 2; /* so a segment that was begun need not be begun again */
            check_recovery(&n, &the_twin, durable);
            RV_CHECK_PASSED();
            faults.fault = RV_SIM_STOP;
            faults.fault_at = rv_sim_disk_operations(n.disk) + (second + 1) / 2;
            rv_sim_disk_set_faults(n.disk, &faults);
            work(&n, &the_twin, 2 * second + 1, &durable);
            rv_sim_disk_crash(n.disk);
            faults = (rv_sim_faults){.crash = RV_SIM_CRASH_LOSE};
            rv_sim_disk_set_faults(n.disk, &faults);
            check_recovery(&n, &the_twin, durable);
            RV_CHECK_PASSED();
            check_going_on(&n, &the_twin, second);
            if (rv_test_failed) {
                fprintf(stderr, "first %u, second %u\n", (unsigned)first, second);
            }
            RV_CHECK_PASSED();
        }
    }
}

RV_TEST(after_a_failed_flush_nothing_is_written) {
    unsigned failed = 0;
    for (uint64_t at = 1; at < 60; at += 1) {
        const rv_sim_faults faults = {.fault = RV_SIM_FAIL, .fault_at = at};
        node n = {.options = crash_options};
        twin_clear(&the_twin, true);
        node_over_disk(&n, at, &faults);
        if (node_open(&n, &the_twin) != RV_END) {
            continue;
        }
        uint32_t durable = 0;
        work(&n, &the_twin, 1, &durable);
        if (rv_log_failed(n.log) == RV_OK) {
            continue;
        }
        failed += 1;
        const uint64_t operations = rv_sim_disk_operations(n.disk);
        rv_writer body;
        RV_CHECK_STATUS(rv_log_append_begin(n.log, &body, &n.err), RV_READ_ONLY);
        RV_CHECK_STATUS(rv_log_poll(n.log, &n.err), RV_STORAGE_FAILED);
        RV_CHECK_STATUS(rv_log_poll(n.log, NULL), RV_STORAGE_FAILED);
        RV_CHECK_STATUS(node_seal(&n), RV_STORAGE_FAILED);
        RV_CHECK_EQ(rv_sim_disk_operations(n.disk), operations);
    }
    RV_CHECK(failed > 20);
}

/* Sealing fails, and the process opens the log again: what a failed flush was to cover can be read,
 * and is not durable. It becomes so before anything is said to be behind it (seed 2327 of the
 * simulator). */
RV_TEST(what_a_failed_flush_left_is_made_durable) {
    unsigned failed = 0;
    for (uint64_t at = 1; at < 8; at += 1) {
        for (int crash = RV_SIM_CRASH_LOSE; crash <= (int)RV_SIM_CRASH_REORDER; crash += 1) {
            rv_sim_faults faults = {.crash = (rv_sim_crash)crash};
            node n = {.options = crash_options};
            uint32_t durable = 0;
            twin_clear(&the_twin, true);
            node_over_disk(&n, at, &faults);
            RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
            work(&n, &the_twin, 1, &durable);
            faults.fault = RV_SIM_FAIL;
            faults.fault_at = rv_sim_disk_operations(n.disk) + at;
            rv_sim_disk_set_faults(n.disk, &faults);
            failed += node_seal(&n) != RV_END;
            faults.fault = RV_SIM_NO_FAULT;
            rv_sim_disk_set_faults(n.disk, &faults);
            check_recovery(&n, &the_twin, durable);
            RV_CHECK_PASSED();
            work(&n, &the_twin, 3, &durable);
            RV_CHECK_EQ(durable, the_twin.count);
            rv_sim_disk_crash(n.disk);
            check_recovery(&n, &the_twin, durable);
            RV_CHECK_PASSED();
        }
    }
    RV_CHECK(failed > 0);
}

int main(void) {
    RV_RUN(every_operation_goes_wrong_in_every_way);
    RV_RUN(the_power_fails_again_during_recovery);
    RV_RUN(the_power_fails_again_right_after_recovery);
    RV_RUN(after_a_failed_flush_nothing_is_written);
    RV_RUN(what_a_failed_flush_left_is_made_durable);
    return rv_test_done();
}
