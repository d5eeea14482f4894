/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever lies in a block of a run or in a footer, it is read or refused, keys never
 * descend, and what was read says the same when it is written again. Method: the input is a section
 * and level, and a block's entries, whose checksum is taken for right; or a footer, whose checksum
 * is made right.
 */
#include "core/base/hash.h"
#include "core/log/run.h"
#include "tests/fuzz/fuzz.h"

static uint8_t block[RV_RUN_BLOCK_SIZE];
static uint8_t again[RV_RUN_BLOCK_SIZE];

static void read_block(uint8_t section, uint8_t level, rv_bytes bytes) {
    const size_t len = bytes.len < RV_RUN_BLOCK_SIZE - RV_RUN_BLOCK_HEAD
                           ? bytes.len
                           : RV_RUN_BLOCK_SIZE - RV_RUN_BLOCK_HEAD;
    memset(block, 0, sizeof block);
    block[8] = section;
    block[9] = level;
    rv_store_u16(block + 10, (uint16_t)len);
    if (len > 0) {
        memcpy(block + RV_RUN_BLOCK_HEAD, bytes.ptr, len);
    }
    rv_run_reading r = rv_run_read_begin(block, 1);
    rv_run_filling f = {.block = again};
    rv_run_fill_begin(&f, (rv_run_section)section, level, 1);
    rv_run_key before = {0, 0};
    bool whole = true;
    while (rv_run_read(&r)) {
        FUZZ_CHECK(rv_run_key_compare(before, r.entry.key) <= 0);
        before = r.entry.key;
        whole = whole && rv_run_fits(&f, &r.entry) && rv_run_fill(&f, &r.entry);
    }
    if (!whole || f.count == 0) {
        return;
    }
    rv_run_fill_end(&f, 7, 9);
    const rv_run_expected expected = {9, 7, (rv_run_section)section, level};
    FUZZ_CHECK(rv_run_block_good(again, &expected));
    rv_run_reading first = rv_run_read_begin(block, 1);
    rv_run_reading second = rv_run_read_begin(again, 1);
    for (uint32_t i = 0; i < f.count; i += 1) {
        const bool both = rv_run_read(&first) && rv_run_read(&second);
        FUZZ_CHECK(both && rv_run_key_compare(first.entry.key, second.entry.key) == 0);
        FUZZ_CHECK(first.entry.c == second.entry.c && first.entry.d == second.entry.d);
    }
    FUZZ_CHECK(!rv_run_read(&second) && !second.bad);
}

static void read_footer(rv_bytes bytes) {
    memset(block, 0, sizeof block);
    const size_t len = bytes.len < sizeof block - 4 ? bytes.len : sizeof block - 4;
    memcpy(block, "RVIDX\r\n\x1a\x01", 9);
    if (len > 12) {
        memcpy(block + 12, bytes.ptr + 12, len - 12);
    }
    rv_store_u32(block + 4092, rv_crc32c(0, rv_bytes_of(block, 4092)));
    rv_run_footer footer;
    rv_run_footer second;
    if (rv_run_footer_decode(block, &footer) == RV_OK) {
        rv_run_footer_encode(again, &footer);
        FUZZ_CHECK(rv_run_footer_decode(again, &second) == RV_OK);
        FUZZ_CHECK(second.block_count == footer.block_count && second.level == footer.level);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    const uint16_t what = fuzz_take_u16(&input);
    const uint8_t section = (uint8_t)(what % 4);
    if (section == RV_RUN_SECTIONS) {
        read_footer(input);
    } else {
        read_block(section, (uint8_t)(what / 4 % (RV_RUN_DEPTH_MAX + 1)), input);
    }
    return 0;
}
