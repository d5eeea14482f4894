/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite of storage hosts: one set of cases, run over every host, that every result
 * which include/rivulet/host.h defines is given, and that bytes come back as they were written.
 *
 * A host comes from a factory. The cases start from an empty storage each, and use the host as a
 * node does (tests/storage/storage.h). Random operations run against a naive twin (a file is an
 * array of bytes).
 */
#ifndef RV_TESTS_STORAGE_CONFORMANCE_H
#define RV_TESTS_STORAGE_CONFORMANCE_H

#include "tests/storage/storage.h"

typedef struct storage_factory_ops {
    /* A host over an empty storage, once a case. */
    rv_host (*start)(void *ctx);
    /* Ends that host after everything was closed, and gives one over the same storage. */
    rv_host (*restart)(void *ctx);
    void (*stop)(void *ctx);
} storage_factory_ops;

static const storage_factory_ops *storage_factory;
static void *storage_factory_ctx;

static rv_host storage_start(void) {
    return storage_factory->start(storage_factory_ctx);
}

static rv_host storage_restart(void) {
    return storage_factory->restart(storage_factory_ctx);
}

static void storage_stop(void) {
    storage_factory->stop(storage_factory_ctx);
}

/* --- names --- */

RV_TEST(names_open_create_remove) {
    rv_host host = storage_start();
    RV_CHECK_STATUS(storage_open(host, "a").status, RV_DATA_NOT_FOUND);
    RV_CHECK_STATUS(storage_remove(host, "a").status, RV_DATA_NOT_FOUND);
    rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(made.status, RV_OK);
    RV_CHECK_EQ(made.count, 0);
    RV_CHECK(made.file >= 0);
    RV_CHECK_STATUS(storage_create(host, "a").status, RV_DATA_EXISTS);
    RV_CHECK_STATUS(storage_write(host, made.file, 0, "abc", 3), RV_OK);
    host.ops->close(host.ctx, made.file);
    RV_CHECK_STATUS(storage_create(host, "a").status, RV_DATA_EXISTS);
    const rv_io_result opened = storage_open(host, "a");
    RV_CHECK_STATUS(opened.status, RV_OK);
    RV_CHECK_EQ(opened.count, 3);
    RV_CHECK(storage_reads(host, opened.file, 0, "abc", 3));
    host.ops->close(host.ctx, opened.file);
    RV_CHECK_STATUS(storage_remove(host, "a").status, RV_OK);
    RV_CHECK_STATUS(storage_open(host, "a").status, RV_DATA_NOT_FOUND);
    RV_CHECK_STATUS(storage_remove(host, "a").status, RV_DATA_NOT_FOUND);
    made = storage_create(host, "a");
    RV_CHECK_STATUS(made.status, RV_OK);
    RV_CHECK_EQ(made.count, 0);
    uint8_t byte;
    RV_CHECK_EQ(storage_read(host, made.file, 0, &byte, 1).count, 0);
    host.ops->close(host.ctx, made.file);
    storage_stop();
}

RV_TEST(names_that_hosts_refuse) {
    static const char *const bad[] = {
        "",         ".",
        "..",       ".hidden",
        "A",        "a/b",
        "../a",     "a b",
        "a_b",      "a\n",
        "\xc3\xa4", "a*",
        "lock",     "01234567890123456789012345678901234567890123456789012345678901234", /* 65 */
    };
    rv_host host = storage_start();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        RV_CHECK_STATUS(storage_create(host, bad[i]).status, RV_STORAGE_FAILED);
        RV_CHECK_STATUS(storage_open(host, bad[i]).status, RV_DATA_NOT_FOUND);
        RV_CHECK_STATUS(storage_remove(host, bad[i]).status, RV_DATA_NOT_FOUND);
    }
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 0);
    storage_stop();
}

RV_TEST(names_of_every_length_up_to_the_maximum) {
    rv_host host = storage_start();
    char name[RV_FILE_NAME_MAX + 1] = "";
    for (size_t len = 1; len <= RV_FILE_NAME_MAX; len++) {
        name[len - 1] = "0az9-."[len % 6];
        if (len == 1) {
            name[0] = 'z';
        }
        const rv_io_result made = storage_create(host, name);
        RV_CHECK_STATUS(made.status, RV_OK);
        host.ops->close(host.ctx, made.file);
        rv_file_name listed;
        RV_CHECK_EQ(storage_list(host, &listed, 1).count, 1);
        RV_CHECK(strcmp(listed.text, name) == 0);
        RV_CHECK_STATUS(storage_remove(host, name).status, RV_OK);
    }
    RV_CHECK_STATUS(storage_create(host, "-").status, RV_OK);
    storage_stop();
}

/* The names listed, each once, are `made` files f0, f1, ... without f3. */
static void check_listing(rv_host host, unsigned made) {
    rv_file_name names[48];
    bool seen[48] = {false};
    memset(names, 0x7f, sizeof names);
    const rv_io_result result = storage_list(host, names, 48);
    RV_CHECK_STATUS(result.status, RV_OK);
    RV_CHECK_EQ(result.count, made - 1);
    for (unsigned i = 0; i < made - 1; i++) {
        unsigned number = 48;
        RV_CHECK(sscanf(names[i].text, "f%u", &number) == 1 && number < made && number != 3);
        RV_CHECK(!seen[number]);
        seen[number] = true;
    }
}

RV_TEST(a_list_of_many_files_with_any_cap) {
    rv_host host = storage_start();
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 0);
    for (unsigned i = 0; i < 40; i++) {
        char name[RV_FILE_NAME_MAX + 1];
        snprintf(name, sizeof name, "f%u", i);
        const rv_io_result made = storage_create(host, name);
        RV_CHECK_STATUS(made.status, RV_OK);
        RV_CHECK_STATUS(storage_write(host, made.file, 0, name, strlen(name)), RV_OK);
        host.ops->close(host.ctx, made.file);
    }
    RV_CHECK_STATUS(storage_remove(host, "f3").status, RV_OK);
    check_listing(host, 40);
    RV_CHECK_PASSED();
    rv_file_name names[5];
    for (size_t cap = 0; cap < 4; cap++) {
        memset(names, 0x7f, sizeof names);
        RV_CHECK_EQ(storage_list(host, names, cap).count, 39);
        RV_CHECK(cap == 0 || names[cap - 1].text[0] == 'f');
        RV_CHECK_EQ(names[cap].text[0], 0x7f);
    }
    for (unsigned i = 0; i < 40; i++) {
        char name[RV_FILE_NAME_MAX + 1];
        snprintf(name, sizeof name, "f%u", i);
        const rv_io_result opened = storage_open(host, name);
        RV_CHECK_STATUS(opened.status, i == 3 ? RV_DATA_NOT_FOUND : RV_OK);
        if (i != 3) {
            RV_CHECK(storage_reads(host, opened.file, 0, name, strlen(name)));
            host.ops->close(host.ctx, opened.file);
        }
    }
    storage_stop();
}

/* --- bytes --- */

RV_TEST(reads_at_and_past_the_end) {
    rv_host host = storage_start();
    const rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(made.status, RV_OK);
    uint8_t buf[16];
    RV_CHECK_EQ(storage_read(host, made.file, 0, buf, sizeof buf).count, 0);
    RV_CHECK_STATUS(storage_write(host, made.file, 0, "hello", 5), RV_OK);
    RV_CHECK_EQ(storage_read(host, made.file, 0, buf, sizeof buf).count, 5);
    RV_CHECK(memcmp(buf, "hello", 5) == 0);
    RV_CHECK_EQ(storage_read(host, made.file, 4, buf, sizeof buf).count, 1);
    RV_CHECK_EQ(buf[0], 'o');
    RV_CHECK_EQ(storage_read(host, made.file, 5, buf, sizeof buf).count, 0);
    RV_CHECK_EQ(storage_read(host, made.file, 6, buf, sizeof buf).count, 0);
    const rv_io_result far = storage_read(host, made.file, UINT64_C(1) << 40, buf, sizeof buf);
    RV_CHECK_STATUS(far.status, RV_OK);
    RV_CHECK_EQ(far.count, 0);
    RV_CHECK_STATUS(storage_read(host, made.file, UINT64_MAX, buf, 1).status, RV_OK);
    rv_io_result none;
    const rv_io io = host.ops->read(host.ctx, ++storage_ticket, made.file, 0, NULL, 0, &none);
    none = storage_wait(host, io, &none);
    RV_CHECK_STATUS(none.status, RV_OK);
    RV_CHECK_EQ(none.count, 0);
    host.ops->close(host.ctx, made.file);
    storage_stop();
}

RV_TEST(writes_overwrite_and_gaps_are_zeros) {
    rv_host host = storage_start();
    const rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(made.status, RV_OK);
    static uint8_t expected[20000];
    memset(expected, 0, sizeof expected);
    RV_CHECK_STATUS(storage_write(host, made.file, 19990, "0123456789", 10), RV_OK);
    memcpy(expected + 19990, "0123456789", 10);
    RV_CHECK(storage_reads(host, made.file, 0, expected, sizeof expected));
    RV_CHECK_STATUS(storage_write(host, made.file, 4090, "abcdefghijkl", 12), RV_OK);
    memcpy(expected + 4090, "abcdefghijkl", 12);
    RV_CHECK_STATUS(storage_write(host, made.file, 4092, "XY", 2), RV_OK);
    memcpy(expected + 4092, "XY", 2);
    RV_CHECK(storage_reads(host, made.file, 0, expected, sizeof expected));
    const rv_io_result none = storage_write_some(host, made.file, 50000, (rv_bytes){NULL, 0});
    RV_CHECK_STATUS(none.status, RV_OK);
    RV_CHECK_EQ(none.count, 0);
    host.ops->close(host.ctx, made.file);
    RV_CHECK_EQ(storage_open(host, "a").count, 20000);
    storage_stop();
}

RV_TEST(a_write_beyond_all_sizes_is_full) {
    rv_host host = storage_start();
    const rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(made.status, RV_OK);
    const rv_bytes bytes = RV_LITERAL("abc");
    RV_CHECK_STATUS(storage_write_some(host, made.file, UINT64_MAX - 1, bytes).status,
                    RV_STORAGE_FULL);
    RV_CHECK_STATUS(storage_write_some(host, made.file, INT64_MAX, bytes).status, RV_STORAGE_FULL);
    RV_CHECK_STATUS(storage_truncate(host, made.file, UINT64_MAX).status, RV_STORAGE_FULL);
    RV_CHECK_STATUS(storage_write(host, made.file, 0, "ok", 2), RV_OK);
    host.ops->close(host.ctx, made.file);
    RV_CHECK_EQ(storage_open(host, "a").count, 2);
    storage_stop();
}

RV_TEST(truncate_grows_with_zeros_and_shrinks) {
    static uint8_t expected[40000];
    memset(expected, 0, sizeof expected);
    rv_host host = storage_start();
    const rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(made.status, RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, made.file, sizeof expected).status, RV_OK);
    RV_CHECK(storage_reads(host, made.file, 0, expected, sizeof expected));
    uint8_t buf[8];
    RV_CHECK_EQ(storage_read(host, made.file, sizeof expected - 3, buf, sizeof buf).count, 3);
    memset(expected, 'x', 10000);
    RV_CHECK_STATUS(storage_write(host, made.file, 0, expected, 10000), RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, made.file, 5000).status, RV_OK);
    RV_CHECK(storage_reads(host, made.file, 0, expected, 5000));
    RV_CHECK_EQ(storage_read(host, made.file, 5000, buf, sizeof buf).count, 0);
    RV_CHECK_STATUS(storage_truncate(host, made.file, 5000).status, RV_OK);
    /* What was cut off does not come back. */
    RV_CHECK_STATUS(storage_truncate(host, made.file, 9000).status, RV_OK);
    memset(expected + 5000, 0, 5000);
    RV_CHECK(storage_reads(host, made.file, 0, expected, 9000));
    RV_CHECK_STATUS(storage_truncate(host, made.file, 0).status, RV_OK);
    RV_CHECK_EQ(storage_read(host, made.file, 0, buf, sizeof buf).count, 0);
    RV_CHECK_STATUS(storage_truncate(host, made.file, 7).status, RV_OK);
    RV_CHECK(storage_reads(host, made.file, 0, expected + 9000, 7));
    host.ops->close(host.ctx, made.file);
    RV_CHECK_EQ(storage_open(host, "a").count, 7);
    storage_stop();
}

RV_TEST(files_are_there_after_reopening) {
    rv_host host = storage_start();
    static uint8_t expected[9000];
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (uint8_t)(i * 7);
    }
    const rv_io_result a = storage_create(host, "a");
    const rv_io_result b = storage_create(host, "b.1");
    const rv_io_result c = storage_create(host, "c");
    RV_CHECK(a.file != b.file && b.file != c.file && a.file != c.file);
    RV_CHECK_STATUS(storage_write(host, a.file, 0, expected, sizeof expected), RV_OK);
    RV_CHECK_STATUS(storage_write(host, b.file, 3, "b", 1), RV_OK);
    RV_CHECK_STATUS(storage_flush(host, a.file).status, RV_OK);
    RV_CHECK_STATUS(storage_flush(host, b.file).status, RV_OK);
    RV_CHECK_STATUS(storage_flush(host, b.file).status, RV_OK);
    host.ops->close(host.ctx, a.file);
    host.ops->close(host.ctx, b.file);
    host.ops->close(host.ctx, c.file);
    RV_CHECK_STATUS(storage_remove(host, "c").status, RV_OK);
    host = storage_restart();
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 2);
    rv_io_result opened = storage_open(host, "a");
    RV_CHECK_STATUS(opened.status, RV_OK);
    RV_CHECK_EQ(opened.count, sizeof expected);
    RV_CHECK(storage_reads(host, opened.file, 0, expected, sizeof expected));
    opened = storage_open(host, "b.1");
    RV_CHECK_EQ(opened.count, 4);
    RV_CHECK(storage_reads(host, opened.file, 0, "\0\0\0b", 4));
    RV_CHECK_STATUS(storage_open(host, "c").status, RV_DATA_NOT_FOUND);
    storage_stop();
}

/* --- random operations against a twin --- */

#define TWIN_FILES    4
#define TWIN_SIZE_MAX 30000

typedef struct twin_file {
    bool exists;
    rv_file file;
    size_t size;
    uint8_t bytes[TWIN_SIZE_MAX];
} twin_file;

static twin_file twin_files[TWIN_FILES];

static void twin_write(rv_host host, twin_file *twin, uint64_t *random) {
    static uint8_t bytes[6000];
    const size_t offset = (size_t)(rv_test_random(random) % (TWIN_SIZE_MAX - sizeof bytes));
    const size_t len = (size_t)(rv_test_random(random) % sizeof bytes);
    memset(bytes, (int)(rv_test_random(random) & 255), len);
    RV_CHECK_STATUS(storage_write(host, twin->file, offset, bytes, len), RV_OK);
    if (len > 0) {
        memcpy(twin->bytes + offset, bytes, len);
        twin->size = offset + len > twin->size ? offset + len : twin->size;
    }
}

static void twin_truncate(rv_host host, twin_file *twin, uint64_t *random) {
    const size_t size = (size_t)(rv_test_random(random) % TWIN_SIZE_MAX);
    RV_CHECK_STATUS(storage_truncate(host, twin->file, size).status, RV_OK);
    if (size < twin->size) {
        memset(twin->bytes + size, 0, twin->size - size);
    }
    twin->size = size;
}

static void twin_exchange(rv_host host, twin_file *twin, const char *name) {
    if (!twin->exists) {
        const rv_io_result made = storage_create(host, name);
        RV_CHECK_STATUS(made.status, RV_OK);
        memset(twin, 0, sizeof *twin);
        twin->exists = true;
        twin->file = made.file;
    } else {
        host.ops->close(host.ctx, twin->file);
        RV_CHECK_STATUS(storage_remove(host, name).status, RV_OK);
        twin->exists = false;
    }
}

static void twin_step(rv_host host, twin_file *twin, const char *name, uint64_t *random) {
    const unsigned what = (unsigned)(rv_test_random(random) % 16);
    if (!twin->exists || what == 0) {
        twin_exchange(host, twin, name);
    } else if (what < 6) {
        twin_write(host, twin, random);
    } else if (what < 8) {
        twin_truncate(host, twin, random);
    } else if (what < 10) {
        RV_CHECK_STATUS(storage_flush(host, twin->file).status, RV_OK);
    } else if (what < 12) {
        host.ops->close(host.ctx, twin->file);
        const rv_io_result opened = storage_open(host, name);
        RV_CHECK_STATUS(opened.status, RV_OK);
        RV_CHECK_EQ(opened.count, twin->size);
        twin->file = opened.file;
    } else {
        RV_CHECK(storage_reads(host, twin->file, 0, twin->bytes, twin->size));
        uint8_t byte;
        RV_CHECK_EQ(storage_read(host, twin->file, twin->size, &byte, 1).count, 0);
    }
}

RV_TEST(random_operations_against_a_twin) {
    rv_host host = storage_start();
    uint64_t random = 7;
    memset(twin_files, 0, sizeof twin_files);
    for (int i = 0; i < 3000; i++) {
        const unsigned number = (unsigned)(rv_test_random(&random) % TWIN_FILES);
        const char name[] = {'t', (char)('0' + number), '\0'};
        twin_step(host, &twin_files[number], name, &random);
        RV_CHECK_PASSED();
    }
    storage_stop();
}

/* --- the rest --- */

RV_TEST(clock_and_entropy) {
    rv_host host = storage_start();
    RV_CHECK(host.ops->now(host.ctx) > 0);
    uint8_t a[600];
    uint8_t b[600];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    host.ops->entropy(host.ctx, a, sizeof a);
    host.ops->entropy(host.ctx, b, sizeof b);
    RV_CHECK(memcmp(a, b, sizeof a) != 0);
    RV_CHECK(memcmp(a + 580, b + 580, 20) != 0);
    host.ops->entropy(host.ctx, NULL, 0);
    rv_io_completion completion;
    RV_CHECK(!host.ops->next_completion(host.ctx, &completion));
    storage_stop();
}

static void storage_run(const storage_factory_ops *factory, void *ctx) {
    storage_factory = factory;
    storage_factory_ctx = ctx;
    RV_RUN(names_open_create_remove);
    RV_RUN(names_that_hosts_refuse);
    RV_RUN(names_of_every_length_up_to_the_maximum);
    RV_RUN(a_list_of_many_files_with_any_cap);
    RV_RUN(reads_at_and_past_the_end);
    RV_RUN(writes_overwrite_and_gaps_are_zeros);
    RV_RUN(a_write_beyond_all_sizes_is_full);
    RV_RUN(truncate_grows_with_zeros_and_shrinks);
    RV_RUN(files_are_there_after_reopening);
    RV_RUN(random_operations_against_a_twin);
    RV_RUN(clock_and_entropy);
}

#endif
