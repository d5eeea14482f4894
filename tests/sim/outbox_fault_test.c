/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: SEMANTICS 33 for an edge in which batches wait: whichever operation of the disk goes wrong,
 * what was durable in the outbox is there again, and is decided once.
 * Method: short lives in the world of outbox_world.h in which the nth operation fails, is torn, or
 * is the last before the power fails, for every n and every kind of crash; then the edge is opened
 * again, compared with the model, and everything comes to its end. Once more while one checkpoint
 * after the other is written.
 */
#include "tests/sim/outbox_world.h"

#ifdef RV_TEST_EMULATED
#define FAULT_STEPS 40
#define FAULT_EVERY 7
#else
#define FAULT_STEPS 150
#define FAULT_EVERY 1
#endif

static void faulty_step(void) {
    const uint32_t r = below(90);
    if (r < 38) {
        step_write();
    } else if (r < 46) {
        step_root();
    } else if (r < 56) {
        step_push(1 + below(4));
    } else if (r < 68) {
        step_decided();
    } else if (r < 76) {
        step_feed(r >= 75);
    } else if (r < 87) {
        RV_CHECK(fixture_settle(w.edge) || in_vain(RV_OK));
    } else {
        step_acknowledge();
    }
}

/* Steps until the disk fails, or all are done; then the power fails. */
static void faulty_life(uint64_t seed, const rv_sim_faults *faults, bool *over) {
    begin(seed, "/accounts/*");
    RV_CHECK_PASSED();
    rv_sim_faults set = *faults;
    set.fault_at += rv_sim_disk_operations(w.disk);
    rv_sim_disk_set_faults(w.disk, &set);
    for (unsigned i = 0; i < FAULT_STEPS && !w.stopped && !rv_test_failed; i++) {
        faulty_step();
        if (!rv_test_failed && !in_vain(RV_OK)) {
            check_all();
        }
    }
    RV_CHECK_PASSED();
    *over = rv_sim_disk_operations(w.disk) < set.fault_at;
    rv_sim_disk_crash(w.disk);
    const rv_sim_faults none = {.fault = RV_SIM_NO_FAULT};
    rv_sim_disk_set_faults(w.disk, &none);
    w.stopped = false;
    reopen();
    RV_CHECK_PASSED();
    check_all();
    RV_CHECK_PASSED();
    converge();
    end();
}

static void faults_everywhere(rv_sim_fault fault, uint64_t growth) {
    fixture_checkpoint_growth = growth;
    for (int crash = RV_SIM_CRASH_KEEP; crash <= RV_SIM_CRASH_REORDER; crash++) {
        bool over = false;
        for (uint64_t n = 1; n < 10000 && !over; n += FAULT_EVERY) {
            const rv_sim_faults faults = {.fault = fault,
                                          .fault_at = n,
                                          .crash = (rv_sim_crash)crash,
                                          .pending_percent = n % 2 == 0 ? 30 : 0,
                                          .short_percent = n % 3 == 0 ? 20 : 0};
            faulty_life(100 + (uint64_t)crash, &faults, &over);
            if (rv_test_failed) {
                fprintf(stderr, "fault %d, crash %d, operation %llu\n", (int)fault, crash,
                        (unsigned long long)n);
                return;
            }
        }
        RV_CHECK(over);
    }
    fixture_checkpoint_growth = 0;
}

RV_TEST(the_nth_operation_fails) {
    faults_everywhere(RV_SIM_FAIL, 0);
}

RV_TEST(the_nth_write_is_torn) {
    faults_everywhere(RV_SIM_TEAR, 0);
}

RV_TEST(the_power_fails_at_the_nth_operation) {
    faults_everywhere(RV_SIM_STOP, 0);
}

RV_TEST(the_power_fails_while_checkpoints_are_written) {
    faults_everywhere(RV_SIM_STOP, 1);
}

int main(void) {
    RV_RUN(the_nth_operation_fails);
    RV_RUN(the_nth_write_is_torn);
    RV_RUN(the_power_fails_at_the_nth_operation);
    RV_RUN(the_power_fails_while_checkpoints_are_written);
    return rv_test_done();
}
