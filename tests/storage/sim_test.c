/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite over the simulated disk: benign; with every operation pending and most
 * transfers short; with so few entries that changes become durable by themselves; and with crashes
 * of a process (nothing is lost) in place of clean restarts.
 */
#include "platform/sim/disk.h"
#include "tests/storage/conformance.h"

static _Alignas(16) uint8_t memory_block[16 << 20];
static rv_sim_disk *disk;

static rv_host factory_start(void *ctx) {
    const rv_sim_disk_options *options = ctx;
    disk = rv_sim_disk_create(memory_block, sizeof memory_block, options);
    return rv_sim_disk_interface(disk);
}

static rv_host factory_restart(void *ctx) {
    (void)ctx;
    rv_sim_disk_crash(disk);
    return rv_sim_disk_interface(disk);
}

static void factory_stop(void *ctx) {
    (void)ctx;
}

static const storage_factory_ops factory = {factory_start, factory_restart, factory_stop};

int main(void) {
    rv_sim_disk_options options = {.seed = 1, .now = 1000};
    storage_run(&factory, &options);
    options.faults = (rv_sim_faults){.pending_percent = 100, .short_percent = 80};
    storage_run(&factory, &options);
    options.faults = (rv_sim_faults){.pending_percent = 50, .short_percent = 10};
    options.changes_max = 3;
    storage_run(&factory, &options);
    return rv_test_done();
}
