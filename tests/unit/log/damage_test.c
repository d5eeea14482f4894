/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no bit of what is known to be durable can change, and no byte of it be cut off, without the
 * log saying so and staying readable up to there; and whatever lies in its files, it never traps
 * and never gives a batch that was not appended. Method: every bit of a sealed log of several
 * segments is flipped; every bit of an unsealed one, with the last round told apart; the file is
 * cut at every length; files are removed, replaced and overwritten at random. Each time the log is
 * recovered and compared with the twin.
 */
#include "tests/unit/log/log_files.h"

#include <stdlib.h>

static const rv_log_options damage_options = {
    .write_buffer_size = 8 << 10,
    .batch_len_max = 800,
    .read_slot_count = 4,
    .segment_size = 6 << 10,
    .extent_size = 1024,
};

static uint8_t file_copy[64 << 10];

/* --- logs --- */

/* A log of `batches` batches, each in a round of its own. */
static void make_log(node *n, unsigned batches, bool sealed) {
    uint64_t random = 77;
    *n = (node){.options = damage_options};
    twin_clear(&the_twin, true);
    node_over_disk(n, 3, NULL);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_open(n, &the_twin), RV_END);
    while (the_twin.count < batches) {
        RV_CHECK_STATUS(node_append(n, &the_twin, 2, 60, &random), RV_OK);
        RV_CHECK_STATUS(node_drain(n), RV_OK);
    }
    if (sealed) {
        RV_CHECK_STATUS(node_seal(n), RV_END);
    }
    rv_sim_disk_crash(n->disk);
}

/* After recovery found damage: what is intact is there, and nothing can be appended. */
static void check_damaged(node *n, const char *name, uint64_t offset) {
    rv_error err = n->err;
    RV_CHECK_EQ(err.status, RV_DATA_DAMAGED);
    RV_CHECK(strstr(err.facts, name) != NULL);
    RV_CHECK(strstr(err.facts, "\"offset\":") != NULL);
    RV_CHECK((uint64_t)strtoull(strstr(err.facts, "\"offset\":") + 9, NULL, 10) <= offset);
    RV_CHECK_STATUS(rv_log_failed(n->log), RV_DATA_DAMAGED);
    rv_writer body;
    RV_CHECK_STATUS(rv_log_append_begin(n->log, &body, &n->err), RV_READ_ONLY);
    rv_log_cursor cursor = rv_log_cursor_at(1);
    uint32_t count = 0;
    rv_batch batch;
    while (rv_log_read(n->log, &cursor, &batch, &n->err) == RV_OK) {
        RV_CHECK(same_batch(&batch, &the_twin.batches[count].batch));
        count += 1;
    }
    RV_CHECK_EQ(count, n->recovered);
    RV_CHECK_STATUS(node_seal(n), RV_END);
}

RV_TEST(every_bit_of_a_sealed_log) {
    node n;
    make_log(&n, 16, true);
    RV_CHECK_PASSED();
    rv_file_name names[8];
    rv_io_result files;
    (void)n.host.ops->list(n.host.ctx, 1, names, 8, &files);
    RV_CHECK(files.count >= 2 && files.count <= 8);
    for (uint64_t f = 0; f < files.count; f += 1) {
        const uint64_t size = file_size(&n, names[f].text);
        for (uint64_t at = 0; at < size; at += 1) {
            /* The zeros that fill a segment's header are alike: some of them do. */
            const bool fill = at >= 128 && at < 4080 && at % 61 != 0;
            for (unsigned bit = 0; bit < 8 && !fill; bit += 1) {
                RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, names[f].text, at, bit), RV_OK);
                RV_CHECK_STATUS(node_open(&n, &the_twin), RV_DATA_DAMAGED);
                check_damaged(&n, names[f].text, at);
                RV_CHECK_PASSED();
                rv_sim_disk_crash(n.disk);
                RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, names[f].text, at, bit), RV_OK);
            }
        }
    }
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, the_twin.count);
}

RV_TEST(every_bit_of_an_unsealed_log) {
    node n;
    make_log(&n, 5, false);
    RV_CHECK_PASSED();
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(rv_log_segment_count(n.log), 1);
    const uint64_t end = rv_log_bytes(n.log);
    const size_t last_len = (the_twin.batches[4].batch.body.len + 7) & ~(size_t)7;
    const uint64_t last = end - 64 - last_len;
    const uint64_t size = file_size(&n, name.text);
    RV_CHECK(size > end);
    rv_sim_disk_crash(n.disk);
    for (uint64_t at = 0; at < size; at += at < 128 || (at >= 4080 && at < end) ? 1 : 29) {
        for (unsigned bit = 0; bit < 8; bit += 1) {
            RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, at, bit), RV_OK);
            const rv_status status = node_open(&n, &the_twin);
            /* A length that leads out of the file is taken for a file that was cut short. */
            const bool length = at >= last + 4 && at < last + 8 && status == RV_DATA_DAMAGED;
            RV_CHECK_STATUS(status, at < last || length ? RV_DATA_DAMAGED : RV_END);
            if (at < last || length) {
                check_damaged(&n, name.text, at);
                RV_CHECK_PASSED();
                rv_sim_disk_crash(n.disk);
                RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, at, bit), RV_OK);
                continue;
            }
            /* In the last round, which nothing vouches for, or in the zeros: cut and kept. */
            RV_CHECK_EQ(n.recovered, at < end ? 4 : 5);
            rv_bytes kept;
            RV_CHECK(rv_log_cut(n.log, &kept) > 0);
            RV_CHECK_TEXT(kept, "cut-0000000000000001.bin");
            RV_CHECK_EQ(file_size(&n, "cut-0000000000000001.bin"), rv_log_cut(n.log, NULL));
            make_log(&n, 5, false);
            RV_CHECK_PASSED();
        }
    }
}

/* What is cut is kept, byte for byte. */
RV_TEST(what_is_cut_is_kept) {
    node n;
    make_log(&n, 5, false);
    RV_CHECK_PASSED();
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    const uint64_t size = file_size(&n, name.text);
    uint8_t garbage[300];
    for (size_t i = 0; i < sizeof garbage; i += 1) {
        garbage[i] = (uint8_t)(i * 7 + 1) | 1;
    }
    file_write(&n, name.text, size - 301, garbage, sizeof garbage);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, 5);
    const uint64_t cut = rv_log_cut(n.log, NULL);
    RV_CHECK(cut >= sizeof garbage);
    (void)file_read(&n, "cut-0000000000000001.bin", cut - 304, file_copy, 304);
    RV_CHECK(memcmp(file_copy + 3, garbage, 300) == 0 || memcmp(file_copy, garbage, 300) == 0);
    rv_sim_disk_crash(n.disk);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(rv_log_cut(n.log, NULL), 0);
}

/* Where there is no room to keep it nothing is cut, and no file is left behind, however often that
 * is tried (a supervisor starts a node over and over): many of them would stop the log for good. */
RV_TEST(a_full_storage_is_not_filled_with_files) {
    static rv_file_name names[FILES_MAX];
    static const uint8_t garbage[300] = {1, 2, 3};
    const rv_sim_faults full = {.capacity = 1, .pending_percent = 50, .latency_us_max = 50};
    const rv_sim_faults none = {.fault = RV_SIM_NO_FAULT};
    node n;
    make_log(&n, 5, false);
    RV_CHECK_PASSED();
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    const uint64_t size = file_size(&n, name.text);
    file_write(&n, name.text, size - 301, garbage, sizeof garbage);
    for (int i = 0; i < 5; i++) {
        rv_sim_disk_set_faults(n.disk, &full);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_STORAGE_FULL);
        rv_sim_disk_set_faults(n.disk, &none);
        rv_sim_disk_crash(n.disk);
        RV_CHECK_EQ(files_named(&n, "cut-", names, FILES_MAX), 0);
    }
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, 5);
    RV_CHECK(rv_log_cut(n.log, NULL) > 0);
    RV_CHECK_EQ(files_named(&n, "cut-", names, FILES_MAX), 1);
}

/* Files are numbered behind those that there are; a name that leaves no number is not one of them.
 */
RV_TEST(what_is_cut_has_a_number) {
    static const uint8_t garbage[300] = {1, 2, 3};
    node n;
    make_log(&n, 5, false);
    RV_CHECK_PASSED();
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    file_write(&n, name.text, file_size(&n, name.text) - 301, garbage, sizeof garbage);
    file_make(&n, "cut-ffffffffffffffff.bin", garbage, 0, 1);
    file_make(&n, "cut-00000000000000ff.bin", garbage, 0, 1);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, 5);
    rv_bytes kept;
    RV_CHECK(rv_log_cut(n.log, &kept) > 0);
    RV_CHECK_TEXT(kept, "cut-0000000000000100.bin");
}

/* What may be a batch of a later round, and is larger than what is read at once, may say that the
 * bad place is durable: who has memory for it is to look. */
RV_TEST(a_batch_too_large_to_be_read_is_not_cut_off) {
    for (int bad = 0; bad < 2; bad++) { /* it is one; or it only looks so */
        node n = {.options = damage_options};
        uint64_t random = 80;
        n.options.write_buffer_size = 64 << 10;
        n.options.batch_len_max = 30 << 10;
        n.options.segment_size = 96 << 10;
        twin_clear(&the_twin, true);
        node_over_disk(&n, 6, NULL);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
        size_t ends[2];
        for (unsigned i = 0; i < 2; i++) {
            const uint32_t before = the_twin.count;
            while (the_twin.count == before) { /* some are cancelled */
                RV_CHECK_STATUS(node_append(&n, &the_twin, i == 0 ? 2 : 200, 120, &random), RV_OK);
            }
            RV_CHECK_STATUS(node_drain(&n), RV_OK);
            ends[i] = (size_t)rv_log_bytes(n.log);
        }
        RV_CHECK(ends[1] - ends[0] > damage_options.write_buffer_size);
        rv_sim_disk_crash(n.disk);
        rv_file_name name;
        rv_segment_name(0, 1, &name);
        RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, 4096 + 70, 3), RV_OK);
        if (bad == 1) {
            RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, ends[1] - 20, 3), RV_OK);
        }
        const rv_log_options large = n.options;
        n.options = damage_options;
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_MEMORY_EXHAUSTED);
        n.options = large;
        RV_CHECK_STATUS(node_open(&n, &the_twin), bad == 0 ? RV_DATA_DAMAGED : RV_END);
        RV_CHECK_EQ(n.recovered, 0);
    }
}

/* A batch whose checksum holds, and that has more events than its header says: a search that comes
 * to one of them says so. */
RV_TEST(a_batch_with_more_events_than_it_says) {
    node n;
    uint64_t random = 79;
    rv_writer body;
    make_log(&n, 5, false);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_STATUS(rv_log_append_begin(n.log, &body, &n.err), RV_OK);
    rv_batch batch = {.first_sequence = twin_sequence(&the_twin) + 1,
                      .first_position = twin_watermark(&the_twin) + 1};
    rv_record_context context = rv_batch_context(&batch, n.log);
    for (unsigned i = 0; i < 3; i += 1) {
        write_random_event(&body, &context, 0, 60, &random);
    }
    batch.watermark = context.previous_position;
    (void)rv_log_append_commit(n.log, &batch, &body, 1);
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    uint64_t sequence = 0;
    RV_CHECK_STATUS(rv_log_find_position(n.log, batch.first_position, &sequence, &n.err), RV_OK);
    RV_CHECK_EQ(sequence, batch.first_sequence);
    RV_CHECK_STATUS(rv_log_find_position(n.log, batch.watermark, &sequence, &n.err),
                    RV_DATA_DAMAGED);
    RV_CHECK(strstr(n.err.facts, "log-0000-") != NULL);
}

/* More of it than is read or written at a time. */
RV_TEST(a_long_tail_is_cut_piece_by_piece) {
    static uint8_t garbage[30000];
    uint64_t random = 78;
    node n = {.options = damage_options};
    n.options.extent_size = 48 << 10;
    n.options.segment_size = 96 << 10;
    twin_clear(&the_twin, true);
    node_over_disk(&n, 4, NULL);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    while (the_twin.count < 4) {
        RV_CHECK_STATUS(node_append(&n, &the_twin, 2, 60, &random), RV_OK);
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
    }
    const uint64_t end = rv_log_bytes(n.log);
    rv_sim_disk_crash(n.disk);
    for (size_t i = 0; i < sizeof garbage; i += 1) {
        garbage[i] = (uint8_t)rv_test_random(&random) | 1;
    }
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    file_write(&n, name.text, end, garbage, sizeof garbage);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, 4);
    RV_CHECK_EQ(rv_log_cut(n.log, NULL), sizeof garbage);
    RV_CHECK_EQ(file_read(&n, "cut-0000000000000001.bin", 0, file_copy, sizeof file_copy),
                sizeof garbage);
    RV_CHECK(memcmp(file_copy, garbage, sizeof garbage) == 0);
    RV_CHECK_EQ(file_read(&n, name.text, end, file_copy, sizeof garbage), sizeof garbage);
    for (size_t i = 0; i < sizeof garbage; i += 1) {
        RV_CHECK_EQ(file_copy[i], 0);
    }
    RV_CHECK_STATUS(node_append(&n, &the_twin, 2, 60, &random), RV_OK);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, 5);
}

/* The only segment there is was begun behind others. */
RV_TEST(a_begun_segment_alone) {
    rv_file_name name;
    node n = {.options = damage_options};
    twin_clear(&the_twin, true);
    node_over_disk(&n, 5, NULL);
    rv_segment_name(0, 7, &name);
    file_make(&n, name.text, NULL, 0, 0);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_DATA_DAMAGED);
    RV_CHECK(strstr(n.err.detail, "segments before are missing") != NULL);
}

/* Cuts the file at every length but 0: a file that is empty is one that was never begun. */
static void truncate_everywhere(bool sealed) {
    node n;
    make_log(&n, 5, sealed);
    RV_CHECK_PASSED();
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    const uint64_t end = rv_log_bytes(n.log);
    rv_sim_disk_crash(n.disk);
    const uint64_t size = file_size(&n, name.text);
    (void)file_read(&n, name.text, 0, file_copy, (size_t)size);
    for (uint64_t len = size - 1; len > 0; len -= len > 200 && len < 4000 ? 100 : 1) {
        file_truncate(&n, name.text, len);
        RV_CHECK_PASSED();
        const rv_status status = node_open(&n, &the_twin);
        if (!sealed && len >= end + 128) { /* only reserve is gone */
            RV_CHECK_STATUS(status, RV_END);
            RV_CHECK_EQ(n.recovered, the_twin.count);
        } else {
            RV_CHECK_STATUS(status, RV_DATA_DAMAGED);
            check_damaged(&n, name.text, len);
            RV_CHECK_PASSED();
        }
        rv_sim_disk_crash(n.disk);
        file_write(&n, name.text, 0, file_copy, (size_t)size);
    }
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK_EQ(n.recovered, the_twin.count);
}

RV_TEST(a_sealed_file_cut_at_every_length) {
    truncate_everywhere(true);
}

RV_TEST(an_unsealed_file_cut_at_every_length) {
    truncate_everywhere(false);
}

RV_TEST(a_missing_segment) {
    for (unsigned missing = 0; missing < 2; missing += 1) {
        node n;
        make_log(&n, 20, true);
        RV_CHECK_PASSED();
        rv_file_name names[8];
        rv_io_result files;
        (void)n.host.ops->list(n.host.ctx, 1, names, 8, &files);
        RV_CHECK(files.count >= 3 && files.count <= 8);
        /* The first one, or one from the middle. */
        uint64_t lowest = 0;
        uint64_t highest = 0;
        for (uint64_t i = 0; i < files.count; i += 1) {
            lowest = strcmp(names[i].text, names[lowest].text) < 0 ? i : lowest;
            highest = strcmp(names[i].text, names[highest].text) > 0 ? i : highest;
        }
        uint64_t victim = lowest;
        for (uint64_t i = 0; missing == 1 && i < files.count; i += 1) {
            victim = i != lowest && i != highest ? i : victim;
        }
        rv_io_result result;
        (void)n.host.ops->remove(n.host.ctx, 1, names[victim].text, &result);
        RV_CHECK_STATUS(result.status, RV_OK);
        RV_CHECK_STATUS(node_open(&n, &the_twin), RV_DATA_DAMAGED);
        RV_CHECK(missing == 0 ? n.recovered == 0 : n.recovered > 0);
    }
}

RV_TEST(files_of_a_newer_version) {
    node n;
    make_log(&n, 3, true);
    RV_CHECK_PASSED();
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    (void)file_read(&n, name.text, 0, file_copy, RV_SEGMENT_HEADER_SIZE);
    rv_store_u32(file_copy + 8, 2);
    rv_store_u32(file_copy + 4092, rv_crc32c(0, rv_bytes_of(file_copy, 4092)));
    file_write(&n, name.text, 0, file_copy, RV_SEGMENT_HEADER_SIZE);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_DATA_NEWER);
    RV_CHECK_STATUS(rv_log_failed(n.log), RV_DATA_NEWER);

    /* As a newer generation of the segment. */
    make_log(&n, 3, true);
    rv_io_result result;
    rv_segment_name(1, 1, &name);
    (void)n.host.ops->create(n.host.ctx, 1, name.text, &result);
    n.host.ops->close(n.host.ctx, result.file);
    file_write(&n, name.text, 0, file_copy, RV_SEGMENT_HEADER_SIZE);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_DATA_NEWER);
}

/* Decay after opening: a reader is told, and goes on elsewhere. */
RV_TEST(damage_that_comes_while_the_log_is_open) {
    node n;
    make_log(&n, 12, true);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    RV_CHECK(rv_log_segment_count(n.log) >= 2);
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, 4096 + 70, 3), RV_OK);
    rv_batch batch;
    rv_log_cursor cursor = rv_log_cursor_at(1);
    RV_CHECK_STATUS(rv_log_read(n.log, &cursor, &batch, &n.err), RV_DATA_DAMAGED);
    RV_CHECK(strstr(n.err.facts, name.text) != NULL);
    RV_CHECK(strstr(n.err.facts, "\"offset\":4096") != NULL);
    cursor = rv_log_cursor_at(twin_sequence(&the_twin));
    RV_CHECK_STATUS(rv_log_read(n.log, &cursor, &batch, &n.err), RV_OK);
    RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, name.text, 4096 + 70, 3), RV_OK);
    cursor = rv_log_cursor_at(1);
    RV_CHECK_STATUS(rv_log_read(n.log, &cursor, &batch, &n.err), RV_OK);
}

RV_TEST(random_bytes_never_become_batches) {
    uint64_t random = 4711;
    unsigned met[3] = {0, 0, 0};
    for (unsigned round = 0; round < RV_TEST_ROUNDS(1500); round += 1) {
        node n;
        make_log(&n, 6, rv_test_random(&random) % 2 == 0);
        RV_CHECK_PASSED();
        rv_file_name name;
        rv_segment_name(0, 1, &name);
        const uint64_t size = file_size(&n, name.text);
        (void)file_read(&n, name.text, 0, file_copy, (size_t)size);
        for (unsigned i = 0; i < 1 + round % 3; i += 1) {
            uint8_t *const to = file_copy + 4096 + rv_test_random(&random) % (size - 4096);
            const size_t room = (size_t)(file_copy + size - to);
            const size_t len = 1 + (size_t)(rv_test_random(&random) % 200) % room;
            const uint8_t *const from = file_copy + 4096 + rv_test_random(&random) % (size - 4296);
            if (round % 2 == 0) {
                memmove(to, from, len < 200 ? len : 200);
            } else {
                for (size_t k = 0; k < len; k += 1) {
                    to[k] = (uint8_t)rv_test_random(&random);
                }
            }
        }
        file_write(&n, name.text, 0, file_copy, (size_t)size);
        const rv_status status = node_open(&n, &the_twin); /* compares with the twin */
        RV_CHECK(status == RV_END || status == RV_DATA_DAMAGED);
        met[status == RV_DATA_DAMAGED ? 0 : rv_log_cut(n.log, NULL) > 0 ? 1 : 2] += 1;
    }
    RV_CHECK(met[0] > RV_TEST_ROUNDS(1500) / 15 && met[1] > RV_TEST_ROUNDS(1500) / 15);
}

/* With less memory than a batch takes it is not read, and nobody calls it damaged. */
RV_TEST(a_batch_of_a_larger_budget) {
    node n = {.options = damage_options};
    uint64_t random = 78;
    n.options.batch_len_max = 2000;
    twin_clear(&the_twin, true);
    node_over_disk(&n, 3, NULL);
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    for (unsigned i = 0; i < 3; i += 1) {
        RV_CHECK_STATUS(node_append(&n, &the_twin, i == 1 ? 30 : 2, 60, &random), RV_OK);
    }
    RV_CHECK(the_twin.batches[1].batch.body.len > 900);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    rv_sim_disk_crash(n.disk);
    n.options.batch_len_max = damage_options.batch_len_max;
    RV_CHECK_STATUS(node_open(&n, &the_twin), RV_END);
    for (uint32_t i = 0; i < 3; i += 1) {
        const uint64_t sequence = the_twin.batches[i].batch.first_sequence;
        rv_log_cursor cursor = rv_log_cursor_at(sequence);
        rv_batch batch;
        rv_status status = RV_PENDING;
        while (status == RV_PENDING) {
            status = rv_log_read(n.log, &cursor, &batch, &n.err);
            (void)node_pump(&n);
        }
        RV_CHECK_STATUS(status, i == 1 ? RV_MEMORY_EXHAUSTED : RV_OK);
        RV_CHECK(i == 1 || same_batch(&batch, &the_twin.batches[i].batch));
        RV_CHECK(i != 1 || strstr(n.err.facts, "log-") != NULL);
    }
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

int main(void) {
    RV_RUN(a_batch_of_a_larger_budget);
    RV_RUN(every_bit_of_a_sealed_log);
    RV_RUN(every_bit_of_an_unsealed_log);
    RV_RUN(what_is_cut_is_kept);
    RV_RUN(a_full_storage_is_not_filled_with_files);
    RV_RUN(what_is_cut_has_a_number);
    RV_RUN(a_batch_too_large_to_be_read_is_not_cut_off);
    RV_RUN(a_batch_with_more_events_than_it_says);
    RV_RUN(a_long_tail_is_cut_piece_by_piece);
    RV_RUN(a_begun_segment_alone);
    RV_RUN(a_sealed_file_cut_at_every_length);
    RV_RUN(an_unsealed_file_cut_at_every_length);
    RV_RUN(a_missing_segment);
    RV_RUN(files_of_a_newer_version);
    RV_RUN(damage_that_comes_while_the_log_is_open);
    RV_RUN(random_bytes_never_become_batches);
    return rv_test_done();
}
