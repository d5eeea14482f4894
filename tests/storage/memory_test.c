/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory host: the conformance suite, then what is its own. Its promise is exact, so the test
 * of a full memory fills it in different ways and checks that nothing below a file's size ever
 * fails.
 */
#include "platform/memory/blocks.h"
#include "platform/memory/memory.h"
#include "tests/storage/conformance.h"

static _Alignas(16) uint8_t memory_block[4 << 20];
static rv_memory_host *memory_host;

static rv_host factory_start(void *ctx) {
    const rv_memory_host_options options = {.seed = 1, .now = 1000};
    (void)ctx;
    memory_host = rv_memory_host_create(memory_block, sizeof memory_block, &options);
    return rv_memory_host_interface(memory_host);
}

static rv_host factory_restart(void *ctx) {
    (void)ctx;
    rv_memory_host_reopen(memory_host);
    return rv_memory_host_interface(memory_host);
}

static void factory_stop(void *ctx) {
    (void)ctx;
}

static const storage_factory_ops factory = {factory_start, factory_restart, factory_stop};

RV_TEST(too_little_memory_is_refused) {
    RV_CHECK(rv_memory_host_create(NULL, 0, NULL) == NULL);
    RV_CHECK(rv_memory_host_create(memory_block, 1000, NULL) == NULL);
    const rv_memory_host_options options = {.files_max = 1};
    RV_CHECK(rv_memory_host_create(memory_block, 5000, &options) != NULL);
}

RV_TEST(the_same_seed_gives_the_same_entropy) {
    uint8_t a[32];
    uint8_t b[32];
    rv_host host = factory_start(NULL);
    host.ops->entropy(host.ctx, a, sizeof a);
    host = factory_start(NULL);
    host.ops->entropy(host.ctx, b, sizeof b);
    RV_CHECK(memcmp(a, b, sizeof a) == 0);
    RV_CHECK_EQ(host.ops->now(host.ctx), 1000);
    rv_memory_host_set_clock(memory_host, 2000);
    RV_CHECK_EQ(host.ops->now(host.ctx), 2000);
}

RV_TEST(a_full_table_of_files) {
    const rv_memory_host_options options = {.files_max = 2};
    rv_memory_host *small = rv_memory_host_create(memory_block, 65536, &options);
    const rv_host host = rv_memory_host_interface(small);
    RV_CHECK_STATUS(storage_create(host, "a").status, RV_OK);
    const rv_io_result b = storage_create(host, "b");
    RV_CHECK_STATUS(b.status, RV_OK);
    RV_CHECK_STATUS(storage_create(host, "c").status, RV_STORAGE_FULL);
    host.ops->close(host.ctx, b.file);
    RV_CHECK_STATUS(storage_remove(host, "b").status, RV_OK);
    RV_CHECK_STATUS(storage_create(host, "c").status, RV_OK);
}

RV_TEST(a_full_memory_and_what_was_promised) {
    static uint8_t bytes[100000];
    const rv_memory_host_options options = {.files_max = 4};
    rv_memory_host *small = rv_memory_host_create(memory_block, 65536, &options);
    const rv_host host = rv_memory_host_interface(small);
    const rv_io_result a = storage_create(host, "a");
    const rv_io_result b = storage_create(host, "b");
    RV_CHECK_STATUS(storage_truncate(host, a.file, 20000).status, RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, b.file, 60000).status, RV_STORAGE_FULL);
    /* A short result first, then full; what was promised to `a` is still there. */
    const rv_io_result some = storage_write_some(host, b.file, 0, rv_bytes_of(bytes, sizeof bytes));
    RV_CHECK_STATUS(some.status, RV_OK);
    RV_CHECK(some.count > 20000 && some.count < 60000 && some.count % RV_BLOCK_SIZE == 0);
    RV_CHECK_STATUS(storage_write_some(host, b.file, some.count, RV_LITERAL("x")).status,
                    RV_STORAGE_FULL);
    memset(bytes, 'a', 20000);
    RV_CHECK_STATUS(storage_write(host, a.file, 0, bytes, 20000), RV_OK);
    RV_CHECK(storage_reads(host, a.file, 0, bytes, 20000));
    RV_CHECK_STATUS(storage_truncate(host, a.file, 0).status, RV_OK);
    RV_CHECK_STATUS(storage_write(host, b.file, some.count, bytes, 10000), RV_OK);
    host.ops->close(host.ctx, a.file);
    host.ops->close(host.ctx, b.file);
    RV_CHECK_STATUS(storage_remove(host, "a").status, RV_OK);
    RV_CHECK_STATUS(storage_remove(host, "b").status, RV_OK);
    RV_CHECK_EQ(rv_memory_host_used(small), 0);
}

RV_TEST(a_tree_of_every_height_comes_back_whole) {
    rv_blocks pool = rv_blocks_over(memory_block, sizeof memory_block);
    rv_block_file file = {0, 0, 0};
    static const uint64_t offsets[] = {
        0, 4095, 4096, UINT64_C(4) << 20, UINT64_C(5) << 30, RV_BLOCKS_FILE_MAX - 1};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        const uint8_t byte = (uint8_t)(i + 1);
        RV_CHECK_EQ(rv_blocks_write(&pool, &file, offsets[i], rv_bytes_of(&byte, 1)), 1);
        RV_CHECK_EQ(file.size, offsets[i] + 1);
        RV_CHECK(pool.used <= rv_blocks_needed(file.size));
    }
    RV_CHECK_EQ(rv_blocks_write(&pool, &file, RV_BLOCKS_FILE_MAX, RV_LITERAL("x")), 0);
    for (size_t i = sizeof offsets / sizeof offsets[0]; i > 0; i--) {
        uint8_t byte = 0;
        RV_CHECK_EQ(rv_blocks_read(&pool, &file, offsets[i - 1], &byte, 1), 1);
        RV_CHECK_EQ(byte, i);
        rv_blocks_truncate(&pool, &file, offsets[i - 1]);
        RV_CHECK(pool.used <= rv_blocks_needed(file.size));
    }
    RV_CHECK_EQ(pool.used, 0);
}

RV_TEST(punching_and_copying_keep_holes) {
    rv_blocks pool = rv_blocks_over(memory_block, sizeof memory_block);
    rv_block_file from = {0, 0, 0};
    rv_block_file to = {0, 0, 0};
    RV_CHECK_EQ(rv_blocks_write(&pool, &from, 0, RV_LITERAL("head")), 4);
    RV_CHECK_EQ(rv_blocks_write(&pool, &from, 3 << 20, RV_LITERAL("tail")), 4);
    const uint32_t used = pool.used;
    RV_CHECK(rv_blocks_copy(&pool, &to, 100, &from, 0, from.size));
    RV_CHECK_EQ(to.size, from.size + 100);
    RV_CHECK(pool.used - used <= 2 * used);
    uint8_t buf[4];
    RV_CHECK_EQ(rv_blocks_read(&pool, &to, 100 + (3 << 20), buf, 4), 4);
    RV_CHECK(memcmp(buf, "tail", 4) == 0);
    rv_blocks_punch(&pool, &to, 3 << 20);
    RV_CHECK_EQ(rv_blocks_read(&pool, &to, 100, buf, 4), 4);
    RV_CHECK(memcmp(buf, "\0\0\0\0", 4) == 0);
    RV_CHECK_EQ(rv_blocks_read(&pool, &to, 100 + (3 << 20), buf, 4), 4);
    RV_CHECK(memcmp(buf, "tail", 4) == 0);
    rv_blocks_truncate(&pool, &to, 0);
    rv_blocks_truncate(&pool, &from, 0);
    RV_CHECK_EQ(pool.used, 0);
}

int main(void) {
    storage_run(&factory, NULL);
    RV_RUN(too_little_memory_is_refused);
    RV_RUN(the_same_seed_gives_the_same_entropy);
    RV_RUN(a_full_table_of_files);
    RV_RUN(a_full_memory_and_what_was_promised);
    RV_RUN(a_tree_of_every_height_comes_back_whole);
    RV_RUN(punching_and_copying_keep_holes);
    return rv_test_done();
}
