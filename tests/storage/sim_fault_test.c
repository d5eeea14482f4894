/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every fault of the simulated disk does what platform/sim/disk.h says, no more and no less,
 * because the tests of the log can be no better than it is. Method: small scenes over many seeds,
 * where what may happen is checked in each and what must happen is seen in some; then random
 * operations with random crashes against a twin that knows, for each byte, which values are
 * allowed.
 */
#include "core/base/assert.h"
#include "platform/sim/disk.h"
#include "tests/storage/storage.h"

#define SEEDS 200

static _Alignas(16) uint8_t memory_block[8 << 20];
static rv_sim_disk *disk;

static rv_host disk_start(uint64_t seed, rv_sim_faults faults) {
    const rv_sim_disk_options options = {.seed = seed, .faults = faults};
    disk = rv_sim_disk_create(memory_block, sizeof memory_block, &options);
    return rv_sim_disk_interface(disk);
}

/* Sets a fault for the n-th operation from now; other settings are the default. */
static void fault_next(rv_sim_fault fault, uint64_t n, rv_sim_crash crash) {
    const rv_sim_faults faults = {
        .fault = fault, .fault_at = rv_sim_disk_operations(disk) + n, .crash = crash};
    rv_sim_disk_set_faults(disk, &faults);
}

static void crash_as(rv_sim_crash crash) {
    fault_next(RV_SIM_NO_FAULT, 0, crash);
    rv_sim_disk_crash(disk);
}

static rv_status write_filled(rv_host host, rv_file file, uint64_t offset, char c, size_t len) {
    static char bytes[20000];
    memset(bytes, c, len);
    return storage_write(host, file, offset, bytes, len);
}

/* How many of the `len` bytes at `offset` are `c`. */
static size_t count_filled(rv_host host, rv_file file, uint64_t offset, char c, size_t len) {
    static uint8_t bytes[20000];
    const rv_io_result result = storage_read(host, file, offset, bytes, len);
    size_t count = 0;
    for (size_t i = 0; i < result.count; i++) {
        count += bytes[i] == (uint8_t)c;
    }
    return count;
}

/* A file `a` of 8192 'a's, flushed. */
static rv_file file_start(rv_host host) {
    const rv_io_result made = storage_create(host, "a");
    const rv_status written = write_filled(host, made.file, 0, 'a', 8192);
    const rv_status flushed = storage_flush(host, made.file).status;
    RV_ASSERT(made.status == RV_OK && written == RV_OK && flushed == RV_OK);
    return made.file;
}

RV_TEST(the_nth_operation_fails_and_only_that) {
    const rv_host host = disk_start(1, (rv_sim_faults){0});
    const rv_file file = file_start(host);
    RV_CHECK_EQ(rv_sim_disk_operations(disk), 3);
    fault_next(RV_SIM_FAIL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_create(host, "b").status, RV_STORAGE_FAILED);
    RV_CHECK_STATUS(storage_open(host, "b").status, RV_DATA_NOT_FOUND);
    fault_next(RV_SIM_FAIL, 2, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_truncate(host, file, 8000).status, RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, file, 1).status, RV_STORAGE_FAILED);
    RV_CHECK_EQ(count_filled(host, file, 0, 'a', 8192), 8000);
    fault_next(RV_SIM_FAIL, 1, RV_SIM_CRASH_LOSE);
    uint8_t byte;
    RV_CHECK_STATUS(storage_read(host, file, 0, &byte, 1).status, RV_STORAGE_FAILED);
    RV_CHECK_STATUS(storage_read(host, file, 0, &byte, 1).status, RV_OK);
    fault_next(RV_SIM_FAIL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_list(host, NULL, 0).status, RV_STORAGE_FAILED);
    fault_next(RV_SIM_FAIL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_open(host, "a").status, RV_STORAGE_FAILED);
    host.ops->close(host.ctx, file);
    fault_next(RV_SIM_FAIL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_remove(host, "a").status, RV_STORAGE_FAILED);
    RV_CHECK_STATUS(storage_open(host, "a").status, RV_OK);
}

RV_TEST(a_failed_write_is_there_in_any_part) {
    bool none = false;
    bool some = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const rv_host host = disk_start(seed, (rv_sim_faults){0});
        const rv_file file = file_start(host);
        fault_next(RV_SIM_FAIL, 1, RV_SIM_CRASH_LOSE);
        RV_CHECK_STATUS(write_filled(host, file, 0, 'b', 8), RV_STORAGE_FAILED);
        const size_t there = count_filled(host, file, 0, 'b', 8192);
        RV_CHECK(there <= 8);
        none = none || there == 0;
        some = some || there > 0;
    }
    RV_CHECK(none && some);
}

RV_TEST(the_nth_operation_finds_the_disk_full) {
    const rv_host host = disk_start(1, (rv_sim_faults){0});
    const rv_file file = file_start(host);
    fault_next(RV_SIM_FULL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(write_filled(host, file, 0, 'b', 10), RV_STORAGE_FULL);
    fault_next(RV_SIM_FULL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_truncate(host, file, 100000).status, RV_STORAGE_FULL);
    fault_next(RV_SIM_FULL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_create(host, "b").status, RV_STORAGE_FULL);
    fault_next(RV_SIM_FULL, 1, RV_SIM_CRASH_LOSE);
    RV_CHECK_STATUS(storage_flush(host, file).status, RV_OK);
    RV_CHECK_EQ(count_filled(host, file, 0, 'a', 20000), 8192);
    RV_CHECK_STATUS(storage_open(host, "b").status, RV_DATA_NOT_FOUND);
}

RV_TEST(a_capacity_gives_short_writes_then_full) {
    const rv_host host = disk_start(1, (rv_sim_faults){.capacity = 10000});
    const rv_file file = file_start(host);
    const rv_io_result b = storage_create(host, "b");
    uint8_t bytes[4000] = {0};
    rv_io_result result = storage_write_some(host, b.file, 0, rv_bytes_of(bytes, sizeof bytes));
    RV_CHECK_STATUS(result.status, RV_OK);
    RV_CHECK_EQ(result.count, 10000 - 8192);
    result = storage_write_some(host, b.file, result.count, rv_bytes_of(bytes, 1));
    RV_CHECK_STATUS(result.status, RV_STORAGE_FULL);
    RV_CHECK_STATUS(storage_truncate(host, b.file, 1809).status, RV_STORAGE_FULL);
    RV_CHECK_STATUS(write_filled(host, file, 0, 'b', 8192), RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, file, 0).status, RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, b.file, 10000).status, RV_OK);
    RV_CHECK_STATUS(write_filled(host, file, 0, 'b', 1), RV_STORAGE_FULL);
}

RV_TEST(a_crash_that_loses_all_goes_back_to_the_flush) {
    rv_host host = disk_start(1, (rv_sim_faults){0});
    rv_file file = file_start(host);
    RV_CHECK_STATUS(storage_create(host, "new").status, RV_OK);
    RV_CHECK_STATUS(write_filled(host, file, 100, 'b', 20000), RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, file, 50).status, RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, file, 5000).status, RV_OK);
    RV_CHECK_STATUS(write_filled(host, file, 4000, 'c', 2000), RV_OK);
    RV_CHECK_EQ(count_filled(host, file, 0, 'a', 20000), 50);
    crash_as(RV_SIM_CRASH_LOSE);
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 1);
    const rv_io_result opened = storage_open(host, "a");
    RV_CHECK_EQ(opened.count, 8192);
    RV_CHECK_EQ(count_filled(host, opened.file, 0, 'a', 20000), 8192);
}

RV_TEST(a_crash_of_the_process_loses_nothing) {
    rv_host host = disk_start(1, (rv_sim_faults){0});
    const rv_file file = file_start(host);
    RV_CHECK_STATUS(storage_create(host, "new").status, RV_OK);
    RV_CHECK_STATUS(write_filled(host, file, 100, 'b', 10), RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, file, 105).status, RV_OK);
    crash_as(RV_SIM_CRASH_KEEP);
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 2);
    const rv_io_result opened = storage_open(host, "a");
    RV_CHECK_EQ(opened.count, 105);
    RV_CHECK_EQ(count_filled(host, opened.file, 0, 'b', 200), 5);
}

/* What the next process finds is no more on the disk than it was, until that flushes it. */
RV_TEST(the_power_takes_what_a_dead_process_did_not_flush) {
    for (int flushed = 0; flushed < 2; flushed++) {
        rv_host host = disk_start(1, (rv_sim_faults){0});
        const rv_file file = file_start(host);
        RV_CHECK_STATUS(storage_create(host, "new").status, RV_OK);
        RV_CHECK_STATUS(write_filled(host, file, 100, 'b', 20000), RV_OK);
        RV_CHECK_STATUS(storage_truncate(host, file, 50).status, RV_OK);
        crash_as(RV_SIM_CRASH_KEEP);
        const rv_io_result opened = storage_open(host, "a");
        RV_CHECK_EQ(opened.count, 50);
        RV_CHECK_STATUS(write_filled(host, opened.file, 10, 'c', 5), RV_OK);
        const rv_io_result other = storage_open(host, "new");
        RV_CHECK_STATUS(other.status, RV_OK);
        if (flushed == 1) {
            RV_CHECK_STATUS(storage_flush(host, opened.file).status, RV_OK);
            RV_CHECK_STATUS(storage_flush(host, other.file).status, RV_OK);
        }
        crash_as(RV_SIM_CRASH_LOSE);
        RV_CHECK_EQ(storage_list(host, NULL, 0).count, 1 + flushed);
        const rv_io_result again = storage_open(host, "a");
        RV_CHECK_EQ(again.count, flushed == 1 ? 50 : 8192);
        RV_CHECK_EQ(count_filled(host, again.file, 0, 'a', 10000), flushed == 1 ? 45 : 8192);
    }
}

/* What a torn write left: 'b's over 'a's, by prefix or by sectors. */
static void check_torn(rv_host host, rv_file file, bool *by_prefix, bool *by_sectors) {
    uint8_t bytes[8192];
    RV_CHECK_EQ(storage_read(host, file, 0, bytes, sizeof bytes).count, sizeof bytes);
    size_t there = 0;
    size_t prefix = 0;
    bool sectors_whole = true;
    for (size_t i = 0; i < sizeof bytes; i++) {
        const bool in_write = i >= 512 && i < 512 + 4096;
        RV_CHECK(bytes[i] == 'a' || (in_write && bytes[i] == 'b'));
        there += bytes[i] == 'b';
        prefix += in_write && bytes[i] == 'b' && prefix == i - 512;
        sectors_whole = sectors_whole && bytes[i] == bytes[i / 512 * 512];
    }
    RV_CHECK(prefix == there || sectors_whole);
    *by_prefix = *by_prefix || (there > 0 && prefix == there && !sectors_whole);
    *by_sectors = *by_sectors || (there > prefix && sectors_whole);
}

RV_TEST(a_torn_write_is_there_in_part_after_a_crash) {
    bool by_prefix = false;
    bool by_sectors = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const rv_host host = disk_start(seed, (rv_sim_faults){0});
        const rv_file file = file_start(host);
        fault_next(RV_SIM_TEAR, 1, RV_SIM_CRASH_KEEP);
        RV_CHECK_STATUS(write_filled(host, file, 512, 'b', 4096), RV_OK);
        RV_CHECK_EQ(count_filled(host, file, 0, 'b', 8192), 4096);
        if (seed % 10 == 0) {
            RV_CHECK_STATUS(storage_flush(host, file).status, RV_OK);
        }
        crash_as(RV_SIM_CRASH_KEEP);
        const rv_file again = storage_open(host, "a").file;
        if (seed % 10 == 0) {
            RV_CHECK_EQ(count_filled(host, again, 0, 'b', 8192), 4096);
        } else {
            check_torn(host, again, &by_prefix, &by_sectors);
            RV_CHECK_PASSED();
        }
    }
    RV_CHECK(by_prefix && by_sectors);
}

/* Writes 'b' to eight slots of 512 bytes, crashes, and tells which slots (bits) are there whole,
 * and how many in part. */
static unsigned slots_after(uint64_t seed, rv_sim_crash crash, unsigned *parts) {
    const rv_host host = disk_start(seed, (rv_sim_faults){0});
    const rv_file file = file_start(host);
    for (unsigned i = 0; i < 8; i++) {
        const rv_status written = write_filled(host, file, i * 512, 'b', 512);
        RV_ASSERT(written == RV_OK);
    }
    crash_as(crash);
    const rv_file again = storage_open(host, "a").file;
    unsigned whole = 0;
    *parts = 0;
    for (unsigned i = 0; i < 8; i++) {
        const size_t there = count_filled(host, again, i * 512, 'b', 512);
        whole |= (unsigned)(there == 512) << i;
        *parts += there > 0 && there < 512;
    }
    return whole;
}

RV_TEST(a_tearing_crash_keeps_the_first_few) {
    unsigned seen = 0;
    bool part = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        unsigned parts;
        const unsigned whole = slots_after(seed, RV_SIM_CRASH_TEAR, &parts);
        RV_CHECK((whole & (whole + 1)) == 0); /* ones from the lowest bit */
        RV_CHECK(parts <= 1);
        seen |= whole + 1;
        part = part || parts == 1;
    }
    RV_CHECK_EQ(seen, 0x1ff); /* every number from none to all */
    RV_CHECK(part);
}

RV_TEST(a_reordering_crash_keeps_any_subset) {
    bool none = false;
    bool all = false;
    bool gap = false;
    bool part = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        unsigned parts;
        const unsigned whole = slots_after(seed, RV_SIM_CRASH_REORDER, &parts);
        none = none || (whole == 0 && parts == 0);
        all = all || whole == 0xff;
        gap = gap || (whole & (whole + 1)) != 0;
        part = part || parts > 0;
    }
    RV_CHECK(none && all && gap && part);
}

RV_TEST(a_failed_flush_leaves_its_changes_to_chance_for_ever) {
    bool there = false;
    bool gone = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const rv_host host = disk_start(seed, (rv_sim_faults){0});
        const rv_file file = file_start(host);
        RV_CHECK_STATUS(write_filled(host, file, 0, 'b', 100), RV_OK);
        fault_next(RV_SIM_FAIL, 1, RV_SIM_CRASH_KEEP);
        RV_CHECK_STATUS(storage_flush(host, file).status, RV_STORAGE_FAILED);
        RV_CHECK_EQ(count_filled(host, file, 0, 'b', 100), 100);
        RV_CHECK_STATUS(write_filled(host, file, 1000, 'c', 100), RV_OK);
        RV_CHECK_STATUS(storage_flush(host, file).status, RV_OK);
        crash_as(seed % 2 == 0 ? RV_SIM_CRASH_KEEP : RV_SIM_CRASH_LOSE);
        const rv_file again = storage_open(host, "a").file;
        RV_CHECK_EQ(count_filled(host, again, 1000, 'c', 100), 100);
        const size_t count = count_filled(host, again, 0, 'b', 100);
        there = there || count == 100;
        gone = gone || count == 0;
    }
    RV_CHECK(there && gone);
}

RV_TEST(names_are_durable_by_the_first_flush) {
    bool there = false;
    bool gone = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const rv_host host = disk_start(seed, (rv_sim_faults){0});
        const rv_io_result a = storage_create(host, "a");
        RV_CHECK_STATUS(storage_create(host, "b").status, RV_OK);
        RV_CHECK_STATUS(storage_flush(host, a.file).status, RV_OK);
        crash_as(RV_SIM_CRASH_REORDER);
        RV_CHECK_STATUS(storage_open(host, "a").status, RV_OK);
        const rv_status b = storage_open(host, "b").status;
        there = there || b == RV_OK;
        gone = gone || b == RV_DATA_NOT_FOUND;
    }
    RV_CHECK(there && gone);
}

RV_TEST(a_removal_can_be_undone_until_a_name_is_made_durable) {
    const rv_host host = disk_start(1, (rv_sim_faults){0});
    for (int flushed = 0; flushed < 2; flushed++) {
        host.ops->close(host.ctx, file_start(host));
        RV_CHECK_STATUS(storage_remove(host, "a").status, RV_OK);
        RV_CHECK_STATUS(storage_open(host, "a").status, RV_DATA_NOT_FOUND);
        const rv_io_result b = storage_create(host, "b");
        RV_CHECK_STATUS(b.status, RV_OK);
        if (flushed == 1) {
            RV_CHECK_STATUS(storage_flush(host, b.file).status, RV_OK);
        }
        crash_as(RV_SIM_CRASH_KEEP);
        RV_CHECK_STATUS(storage_open(host, "a").status, RV_DATA_NOT_FOUND);
        crash_as(RV_SIM_CRASH_LOSE);
        const rv_io_result a = storage_open(host, "a");
        RV_CHECK_STATUS(a.status, flushed == 1 ? RV_DATA_NOT_FOUND : RV_OK);
        if (flushed == 0) {
            RV_CHECK_EQ(count_filled(host, a.file, 0, 'a', 10000), 8192);
            host.ops->close(host.ctx, a.file);
            RV_CHECK_STATUS(storage_remove(host, "a").status, RV_OK);
        }
    }
}

RV_TEST(a_flipped_bit) {
    const rv_host host = disk_start(1, (rv_sim_faults){0});
    const rv_file file = file_start(host);
    RV_CHECK_STATUS(rv_sim_disk_flip(disk, "b", 0, 0), RV_DATA_NOT_FOUND);
    RV_CHECK_STATUS(rv_sim_disk_flip(disk, "a", 8192, 0), RV_DATA_NOT_FOUND);
    RV_CHECK_STATUS(rv_sim_disk_flip(disk, "a", 5000, 1), RV_OK);
    uint8_t byte;
    RV_CHECK_EQ(storage_read(host, file, 5000, &byte, 1).count, 1);
    RV_CHECK_EQ(byte, 'a' ^ 2);
    RV_CHECK_EQ(count_filled(host, file, 0, 'a', 8192), 8191);
}

RV_TEST(pending_reads_complete_once_each_in_any_order) {
    bool in_other_order = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const rv_host host = disk_start(seed, (rv_sim_faults){0});
        const rv_file file = file_start(host);
        const rv_sim_faults late = {.pending_percent = 100, .latency_us_max = 100};
        rv_sim_disk_set_faults(disk, &late);
        RV_CHECK_EQ(rv_sim_disk_deadline(disk), -1);
        uint8_t bytes[8];
        for (unsigned i = 0; i < 8; i++) {
            rv_io_result result;
            RV_CHECK_EQ(host.ops->read(host.ctx, i, file, i, &bytes[i], 1, &result), RV_IO_PENDING);
        }
        unsigned seen = 0;
        for (unsigned i = 0; i < 8; i++) {
            rv_io_completion completion;
            const uint64_t left = rv_sim_disk_deadline(disk);
            RV_CHECK(left <= 100);
            RV_CHECK_EQ(host.ops->next_completion(host.ctx, &completion), left == 0);
            if (left > 0) {
                rv_sim_disk_advance(disk, left);
                RV_CHECK(host.ops->next_completion(host.ctx, &completion));
            }
            RV_CHECK_STATUS(completion.result.status, RV_OK);
            RV_CHECK_EQ(bytes[completion.ticket], 'a');
            in_other_order = in_other_order || completion.ticket != i;
            seen |= 1u << completion.ticket;
        }
        RV_CHECK_EQ(seen, 0xff);
        RV_CHECK_EQ(rv_sim_disk_deadline(disk), -1);
    }
    RV_CHECK(in_other_order);
}

RV_TEST(a_crash_forgets_what_is_pending) {
    bool there = false;
    bool gone = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const rv_host host = disk_start(seed, (rv_sim_faults){0});
        const rv_file file = file_start(host);
        const rv_sim_faults late = {.pending_percent = 100, .crash = RV_SIM_CRASH_KEEP};
        rv_sim_disk_set_faults(disk, &late);
        rv_io_result result;
        const rv_bytes bytes = RV_LITERAL("bbbb");
        RV_CHECK_EQ(host.ops->write(host.ctx, 1, file, 0, bytes, &result), RV_IO_PENDING);
        rv_sim_disk_crash(disk);
        rv_io_completion completion;
        RV_CHECK(!host.ops->next_completion(host.ctx, &completion));
        crash_as(RV_SIM_CRASH_KEEP);
        const size_t count = count_filled(host, storage_open(host, "a").file, 0, 'b', 4);
        RV_CHECK(count == 0 || count == 4);
        there = there || count == 4;
        gone = gone || count == 0;
    }
    RV_CHECK(there && gone);
}

RV_TEST(too_little_memory_is_a_full_disk) {
    const rv_sim_disk_options options = {.seed = 3, .files_max = 4, .changes_max = 8};
    disk = rv_sim_disk_create(memory_block, 128 << 10, &options);
    const rv_host host = rv_sim_disk_interface(disk);
    const rv_file file = file_start(host);
    uint64_t size = 8192;
    while (write_filled(host, file, size, 'b', 4096) == RV_OK) {
        size += 4096;
        RV_CHECK(size < 128 << 10);
    }
    RV_CHECK(size > 64 << 10);
    RV_CHECK_STATUS(storage_truncate(host, file, 8192).status, RV_OK);
    crash_as(RV_SIM_CRASH_REORDER);
    const rv_io_result again = storage_open(host, "a");
    RV_CHECK(again.count >= 8192 && again.count <= size);
    RV_CHECK_EQ(count_filled(host, again.file, 0, 'a', 8192), 8192);
    disk = rv_sim_disk_create(memory_block, 1 << 10, &options);
    RV_CHECK(disk == NULL);
}

/* --- every operation of a workload is the last one, in every kind of crash --- */

/* Appends numbered records of 700 bytes, each flushed; returns how many were acknowledged. */
static unsigned append_records(rv_host host, unsigned count) {
    const rv_io_result made = storage_create(host, "log");
    if (made.status != RV_OK || storage_truncate(host, made.file, 50000).status != RV_OK) {
        return 0;
    }
    for (unsigned i = 0; i < count; i++) {
        if (write_filled(host, made.file, i * 700, (char)('A' + i), 700) != RV_OK ||
            storage_flush(host, made.file).status != RV_OK) {
            return i;
        }
    }
    return count;
}

RV_TEST(what_was_acknowledged_is_there_wherever_the_power_fails) {
    for (uint64_t n = 1; n < 200; n++) {
        const rv_sim_faults faults = {.fault = RV_SIM_STOP,
                                      .fault_at = n,
                                      .crash = (rv_sim_crash)(n % 4),
                                      .pending_percent = 50,
                                      .short_percent = 30};
        const rv_host host = disk_start(n, faults);
        const unsigned acknowledged = append_records(host, 20);
        const bool stopped = rv_sim_disk_operations(disk) >= n;
        rv_sim_disk_crash(disk);
        rv_sim_disk_set_faults(disk, &(rv_sim_faults){0});
        const rv_io_result log = storage_open(host, "log");
        RV_CHECK(log.status == RV_OK || acknowledged == 0);
        for (unsigned i = 0; i < acknowledged; i++) {
            RV_CHECK_EQ(count_filled(host, log.file, i * 700, (char)('A' + i), 700), 700);
        }
        if (!stopped) {
            RV_CHECK_EQ(acknowledged, 20);
            return;
        }
    }
    RV_CHECK(false); /* the workload must end within the operations tried */
}

/* --- random operations and crashes against a twin that knows what is allowed --- */

#define TWIN_LEN 12000

typedef struct twin_disk {
    rv_file file;
    size_t size;
    size_t size_durable;
    size_t size_most;
    size_t size_least;
    uint8_t bytes[TWIN_LEN];
    uint8_t durable[TWIN_LEN];
    uint64_t allowed[TWIN_LEN]; /* bit v: the byte may be v (0 to 63) after a crash */
} twin_disk;

static twin_disk twin;

static void twin_flushed(void) {
    twin.size_durable = twin.size_most = twin.size_least = twin.size;
    memcpy(twin.durable, twin.bytes, TWIN_LEN);
    for (size_t i = 0; i < TWIN_LEN; i++) {
        twin.allowed[i] = UINT64_C(1) << twin.bytes[i];
    }
}

static void twin_set(size_t from, size_t to, uint8_t value) {
    for (size_t i = from; i < to; i++) {
        twin.bytes[i] = value;
        twin.allowed[i] |= UINT64_C(1) << value;
    }
}

static void twin_sized(size_t size) {
    twin.size = size;
    twin.size_most = size > twin.size_most ? size : twin.size_most;
    twin.size_least = size < twin.size_least ? size : twin.size_least;
}

static void twin_change(rv_host host, uint64_t *random) {
    const size_t offset = (size_t)(rv_test_random(random) % (TWIN_LEN - 4000));
    const size_t len = (size_t)(rv_test_random(random) % 4000);
    const unsigned what = (unsigned)(rv_test_random(random) % 8);
    if (what == 0) {
        RV_CHECK_STATUS(storage_flush(host, twin.file).status, RV_OK);
        twin_flushed();
    } else if (what == 1) {
        RV_CHECK_STATUS(storage_truncate(host, twin.file, offset).status, RV_OK);
        if (offset < twin.size) {
            twin_set(offset, twin.size, 0);
        }
        twin_sized(offset);
    } else if (len > 0) {
        const uint8_t value = (uint8_t)(1 + rv_test_random(random) % 63);
        RV_CHECK_STATUS(write_filled(host, twin.file, offset, (char)value, len), RV_OK);
        twin_set(offset, offset + len, value);
        twin_sized(offset + len > twin.size ? offset + len : twin.size);
    }
}

/* Crashes, and checks what is left against what is allowed. */
static void twin_crash(rv_host host, rv_sim_crash crash, bool exact) {
    static uint8_t bytes[TWIN_LEN];
    rv_sim_faults faults = {.crash = crash, .pending_percent = 30, .short_percent = 30};
    rv_sim_disk_set_faults(disk, &faults);
    rv_sim_disk_crash(disk);
    const rv_io_result opened = storage_open(host, "a");
    RV_CHECK_STATUS(opened.status, RV_OK);
    const size_t size = (size_t)opened.count;
    RV_CHECK(size >= twin.size_least && size <= twin.size_most);
    RV_CHECK_EQ(storage_read(host, opened.file, 0, bytes, TWIN_LEN).count, size);
    memset(bytes + size, 0, sizeof bytes - size);
    for (size_t i = 0; i < size; i++) {
        /* A gap that a lost write left reads as zeros. */
        const uint64_t allowed = twin.allowed[i] | (i >= twin.size_durable);
        RV_CHECK(bytes[i] < 64 && (allowed >> bytes[i] & 1) != 0);
    }
    if (crash == RV_SIM_CRASH_KEEP) {
        RV_CHECK(size == twin.size && memcmp(bytes, twin.bytes, size) == 0);
        twin.file = opened.file;
        return; /* nothing of it is durable by that */
    }
    if (crash == RV_SIM_CRASH_LOSE && exact) {
        RV_CHECK(size == twin.size_durable && memcmp(bytes, twin.durable, size) == 0);
    }
    memcpy(twin.bytes, bytes, TWIN_LEN);
    twin.size = size;
    twin.file = opened.file;
    twin_flushed();
}

static void twin_run(uint64_t seed, uint32_t changes_max) {
    const rv_sim_disk_options options = {
        .seed = seed, .files_max = 4, .changes_max = changes_max, .faults = {.short_percent = 20}};
    disk = rv_sim_disk_create(memory_block, sizeof memory_block, &options);
    const rv_host host = rv_sim_disk_interface(disk);
    uint64_t random = seed;
    memset(&twin, 0, sizeof twin);
    twin.file = storage_create(host, "a").file;
    RV_CHECK_STATUS(storage_flush(host, twin.file).status, RV_OK);
    twin_flushed();
    for (int i = 0; i < 200; i++) {
        if (rv_test_random(&random) % 12 == 0) {
            twin_crash(host, (rv_sim_crash)(rv_test_random(&random) % 4), changes_max == 0);
        } else {
            twin_change(host, &random);
        }
        RV_CHECK_PASSED();
    }
}

RV_TEST(random_crashes_leave_only_what_is_allowed) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        twin_run(seed, 0);
        RV_CHECK_PASSED();
        twin_run(seed, 4);
        RV_CHECK_PASSED();
    }
}

RV_TEST(the_same_seed_gives_the_same_disk) {
    static twin_disk first;
    twin_run(5, 0);
    RV_CHECK_PASSED();
    first = twin;
    twin_run(5, 0);
    RV_CHECK_PASSED();
    RV_CHECK(first.size == twin.size && memcmp(first.bytes, twin.bytes, TWIN_LEN) == 0);
    RV_CHECK(memcmp(first.allowed, twin.allowed, sizeof first.allowed) == 0);
}

int main(void) {
    RV_RUN(the_nth_operation_fails_and_only_that);
    RV_RUN(a_failed_write_is_there_in_any_part);
    RV_RUN(the_nth_operation_finds_the_disk_full);
    RV_RUN(a_capacity_gives_short_writes_then_full);
    RV_RUN(a_crash_that_loses_all_goes_back_to_the_flush);
    RV_RUN(a_crash_of_the_process_loses_nothing);
    RV_RUN(the_power_takes_what_a_dead_process_did_not_flush);
    RV_RUN(a_torn_write_is_there_in_part_after_a_crash);
    RV_RUN(a_tearing_crash_keeps_the_first_few);
    RV_RUN(a_reordering_crash_keeps_any_subset);
    RV_RUN(a_failed_flush_leaves_its_changes_to_chance_for_ever);
    RV_RUN(names_are_durable_by_the_first_flush);
    RV_RUN(a_removal_can_be_undone_until_a_name_is_made_durable);
    RV_RUN(a_flipped_bit);
    RV_RUN(pending_reads_complete_once_each_in_any_order);
    RV_RUN(a_crash_forgets_what_is_pending);
    RV_RUN(too_little_memory_is_a_full_disk);
    RV_RUN(what_was_acknowledged_is_there_wherever_the_power_fails);
    RV_RUN(random_crashes_leave_only_what_is_allowed);
    RV_RUN(the_same_seed_gives_the_same_disk);
    return rv_test_done();
}
