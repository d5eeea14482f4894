/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: SEMANTICS 33, for a whole node. Whatever happens to the disk, what was acknowledged as
 * durable is there after recovery, what was not is whole or absent, and the state is that of the
 * events that are there.
 * Method: one fixed workload on the simulated disk. For every n, and for every kind of fault and
 * crash, the nth operation goes wrong, the node runs on until it stops, the power fails, and the
 * node is opened again. The model is the same workload run without faults: its state hash after
 * every batch. A recovered node must stand at the end of some batch, not before the last
 * acknowledged one, with the model's hash there; and it must take appends again. All of it once
 * more while one checkpoint after the other is written, so that faults and crashes meet each of
 * their operations too, and what is opened is opened by them.
 */
#include "platform/sim/disk.h"
#include "tests/unit/node_fixture.h"

#define BATCHES 12
#ifdef RV_TEST_EMULATED /* a processor that is played by another takes fifteen times as long */
#define SEEDS            1
#define CHECKPOINT_SEEDS 1
#else
#define SEEDS            8
#define CHECKPOINT_SEEDS 1
#endif
#define DISK_MEMORY ((size_t)24 << 20)

typedef struct run {
    uint8_t *disk_memory;
    uint8_t *node_memory;
    rv_sim_disk *disk;
    rv_node *node;
    rv_hash128 hashes[BATCHES + 2]; /* after i batches; 0 is the empty node */
    uint64_t watermarks[BATCHES + 2];
} run;

static uint32_t opened_by_checkpoint;

/* Batch `i` of the workload: the schema first, then accounts that come and are changed. */
static rv_status append_batch(rv_node *node, unsigned i, rv_error *err) {
    rv_event results[8];
    if (i == 0) {
        return fixture_apply_schema(node, results, err);
    }
    char open[64], path[32], amount[64];
    snprintf(open, sizeof open, "{\"name\":\"n%u\"}", i);
    snprintf(path, sizeof path, "/accounts/%u", i);
    snprintf(amount, sizeof amount, "{\"amount\":%u}", i * 10);
    const rv_append batch[3] = {
        fixture_event("accounts", "account_opened", open),
        fixture_event(path, "deposited", amount),
        fixture_event("/accounts/1", "deposited", amount),
    };
    return fixture_append_all(node, batch, 3, results, err);
}

static rv_status open_node(run *r) {
    rv_error err;
    return fixture_open_on(rv_sim_disk_interface(r->disk), r->node_memory, FIXTURE_NODE_MEMORY,
                           RV_ROLE_ROOT, NULL, &r->node, &err);
}

static void new_disk(run *r, uint64_t seed, const rv_sim_faults *faults) {
    const rv_sim_disk_options options = {
        .seed = seed, .now = INT64_C(1700000000000000), .faults = *faults};
    r->disk = rv_sim_disk_create(r->disk_memory, DISK_MEMORY, &options);
}

/* The model: hashes after every batch, on a disk without faults. */
static bool make_model(run *r) {
    const rv_sim_faults none = {.fault = RV_SIM_NO_FAULT};
    rv_error err;
    new_disk(r, 1, &none);
    if (open_node(r) != RV_OK) {
        return false;
    }
    for (unsigned i = 0; i <= BATCHES; i++) {
        r->hashes[i] = rv_node_state_hash(r->node);
        r->watermarks[i] = rv_node_watermark(r->node);
        if (append_batch(r->node, i, &err) != RV_OK || !fixture_settle(r->node)) {
            return false;
        }
    }
    r->hashes[BATCHES + 1] = rv_node_state_hash(r->node);
    r->watermarks[BATCHES + 1] = rv_node_watermark(r->node);
    return true;
}

/* Runs the workload until it ends or the node takes no more. Every third batch is not waited for.
 * Returns the number of batches that were acknowledged as durable. */
static unsigned run_workload(run *r) {
    rv_error err;
    unsigned acknowledged = 0;
    for (unsigned i = 0; i <= BATCHES; i++) {
        if (append_batch(r->node, i, &err) != RV_OK) {
            break;
        }
        if (i % 3 != 2 && !fixture_settle(r->node)) {
            break;
        }
        for (unsigned steps = 0; fixture_checkpoint_growth > 0 && steps < i % 8; steps++) {
            fixture_poll(r->node);
        }
        if (rv_node_watermark_durable(r->node) == r->watermarks[i + 1]) {
            acknowledged = i + 1;
        }
    }
    return acknowledged;
}

/* The number of batches whose end the recovered node stands at, or -1. */
static int batches_held(const run *r) {
    for (unsigned i = 0; i <= BATCHES + 1; i++) {
        if (r->watermarks[i] == rv_node_watermark(r->node)) {
            return (int)i;
        }
    }
    return -1;
}

static void check_recovered(run *r, unsigned acknowledged, const char *what, uint64_t n) {
    rv_error err;
    const rv_sim_faults none = {.fault = RV_SIM_NO_FAULT};
    rv_sim_disk_set_faults(r->disk, &none);
    const rv_status status = open_node(r);
    if (status != RV_OK) {
        (void)rv_node_failed(r->node, &err);
        fprintf(stderr, "%s at operation %llu: %s\n", what, (unsigned long long)n, err.detail);
    }
    RV_CHECK_STATUS(status, RV_OK);
    opened_by_checkpoint += rv_node_checkpoint_of(r->node)->opened_by == RV_OPENED_BY_CHECKPOINT;
    const int held = batches_held(r);
    if (held < (int)acknowledged) {
        fprintf(stderr, "%s at operation %llu: holds %d batches, acknowledged %u\n", what,
                (unsigned long long)n, held, acknowledged);
    }
    RV_CHECK(held >= (int)acknowledged);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(r->node), r->hashes[held]));
    for (unsigned i = (unsigned)held; i <= BATCHES; i++) {
        RV_CHECK_STATUS(append_batch(r->node, i, &err), RV_OK);
    }
    RV_CHECK(fixture_settle(r->node));
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(r->node), r->hashes[BATCHES + 1]));
    RV_CHECK_STATUS(fixture_close(r->node, &err), RV_END);
    rv_sim_disk_crash(r->disk);
    RV_CHECK_STATUS(open_node(r), RV_OK);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(r->node), r->hashes[BATCHES + 1]));
    RV_CHECK_EQ(rv_node_checkpoint_of(r->node)->opened_by,
                fixture_checkpoint_growth > 0 ? RV_OPENED_BY_CHECKPOINT : RV_OPENED_BY_REPLAY);
}

/* The nth operation goes wrong, for every n until the workload is over before it. */
static void fault_every_operation(run *r, rv_sim_faults faults, uint64_t seed, const char *what) {
    for (uint64_t n = 1; n < 100000; n++) {
        faults.fault_at = n;
        new_disk(r, seed * 1000000 + n, &faults);
        unsigned acknowledged = 0;
        if (open_node(r) == RV_OK) {
            acknowledged = run_workload(r);
        }
        const bool over = rv_sim_disk_operations(r->disk) < n;
        rv_sim_disk_crash(r->disk);
        check_recovered(r, acknowledged, what, n);
        RV_CHECK_PASSED();
        if (over) {
            return;
        }
    }
    RV_CHECK(false);
}

static run run_create(void) {
    return (run){.disk_memory = malloc(DISK_MEMORY), .node_memory = malloc(FIXTURE_NODE_MEMORY)};
}

static void run_free(run *r) {
    free(r->disk_memory);
    free(r->node_memory);
}

static void run_faults(rv_sim_fault fault, uint32_t pending_percent, uint32_t short_percent,
                       uint64_t seeds) {
    static const char *const names[] = {"keep", "lose", "tear", "reorder"};
    run r = run_create();
    RV_CHECK(make_model(&r));
    for (int crash = RV_SIM_CRASH_KEEP; crash <= RV_SIM_CRASH_REORDER; crash++) {
        const rv_sim_faults faults = {.fault = fault,
                                      .crash = (rv_sim_crash)crash,
                                      .pending_percent = pending_percent,
                                      .short_percent = short_percent};
        for (uint64_t seed = 1; seed <= seeds; seed++) {
            fault_every_operation(&r, faults, seed, names[crash]);
            RV_CHECK_PASSED();
        }
    }
    run_free(&r);
}

static void fault_and_crash(rv_sim_fault fault, uint32_t pending_percent, uint32_t short_percent) {
    run_faults(fault, pending_percent, short_percent, SEEDS);
    RV_CHECK_PASSED();
    fixture_checkpoint_growth = 1;
    opened_by_checkpoint = 0;
    run_faults(fault, pending_percent, short_percent, CHECKPOINT_SEEDS);
    fixture_checkpoint_growth = 0;
    RV_CHECK(opened_by_checkpoint > 100);
}

RV_TEST(power_fails_at_the_nth_operation) {
    fault_and_crash(RV_SIM_STOP, 0, 0);
}

RV_TEST(power_fails_while_operations_are_under_way) {
    fault_and_crash(RV_SIM_STOP, 60, 30);
}

RV_TEST(the_nth_operation_fails) {
    fault_and_crash(RV_SIM_FAIL, 0, 0);
}

RV_TEST(the_nth_write_is_torn) {
    fault_and_crash(RV_SIM_TEAR, 30, 0);
}

RV_TEST(the_disk_is_full_at_the_nth_operation) {
    fault_and_crash(RV_SIM_FULL, 0, 0);
}

/* Damage is told, never cut: a bit that flips anywhere in a sealed log is found at open. */
RV_TEST(a_flipped_bit_in_a_sealed_log_is_damage) {
    run r = run_create();
    RV_CHECK(make_model(&r));
    rv_error err;
    const uint64_t bytes = rv_log_bytes(rv_node_log(r.node));
    RV_CHECK_STATUS(fixture_close(r.node, &err), RV_END);
    RV_CHECK(bytes > 1000);
    rv_file_name names[4];
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(r.disk);
    RV_CHECK_EQ(host.ops->list(host.ctx, 1, names, 4, &result), RV_IO_DONE);
    RV_CHECK_EQ(result.count, 1);
    uint64_t seed = 99;
    for (unsigned i = 0; i < 300; i++) {
        const uint64_t offset = 4096 + rv_test_random(&seed) % (bytes - 4096);
        const unsigned bit = (unsigned)(rv_test_random(&seed) % 8);
        RV_CHECK_STATUS(rv_sim_disk_flip(r.disk, names[0].text, offset, bit), RV_OK);
        rv_sim_disk_crash(r.disk);
        RV_CHECK_STATUS(open_node(&r), RV_DATA_DAMAGED);
        RV_CHECK_STATUS(rv_node_failed(r.node, &err), RV_DATA_DAMAGED);
        RV_CHECK(strstr(err.facts, "offset") != NULL);
        RV_CHECK_STATUS(append_batch(r.node, 1, &err), RV_READ_ONLY);
        rv_sim_disk_crash(r.disk);
        RV_CHECK_STATUS(rv_sim_disk_flip(r.disk, names[0].text, offset, bit), RV_OK);
    }
    RV_CHECK_STATUS(open_node(&r), RV_OK);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(r.node), r.hashes[BATCHES + 1]));
    run_free(&r);
}

int main(void) {
    RV_RUN(power_fails_at_the_nth_operation);
    RV_RUN(power_fails_while_operations_are_under_way);
    RV_RUN(the_nth_operation_fails);
    RV_RUN(the_nth_write_is_torn);
    RV_RUN(the_disk_is_full_at_the_nth_operation);
    RV_RUN(a_flipped_bit_in_a_sealed_log_is_damage);
    return rv_test_done();
}
