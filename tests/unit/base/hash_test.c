/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: both implementations of CRC32C, and XXH3 as it is built here, give the published values.
 * Method: the vectors of RFC 3720 (appendix B.4) and of xxHash's own sanity check; then the two
 * CRC32Cs and a bitwise one against each other over all short lengths and alignments. The table
 * version is compiled here again under other names, whatever this processor has.
 */
#include "core/base/hash.h"
#include "tests/unit/test.h"

#undef __SSE4_2__
#define rv_crc32c           table_crc32c
#define rv_hash64           table_hash64
#define rv_hash64_of_number table_hash64_of_number
#define rv_hash128_of       table_hash128_of
#define rv_hash128_write    table_hash128_write
#include "core/base/hash.c"
#undef rv_crc32c
#undef rv_hash64
#undef rv_hash64_of_number
#undef rv_hash128_of
#undef rv_hash128_write

/* --- CRC32C --- */

static void check_crc(const uint8_t *ptr, size_t len, uint32_t expected) {
    RV_CHECK_EQ(rv_crc32c(0, rv_bytes_of(ptr, len)), expected);
    RV_CHECK_EQ(table_crc32c(0, rv_bytes_of(ptr, len)), expected);
}

RV_TEST(crc32c_of_rfc_3720) {
    static const uint8_t scsi_read[48] = {
        0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    check_crc(bytes, sizeof bytes, 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    check_crc(bytes, sizeof bytes, 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    check_crc(bytes, sizeof bytes, 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = (uint8_t)(31 - i);
    }
    check_crc(bytes, sizeof bytes, 0x113fdb5c);
    check_crc(scsi_read, sizeof scsi_read, 0xd9963a56);
    check_crc((const uint8_t *)"123456789", 9, 0xe3069283);
    check_crc(NULL, 0, 0);
}

/* By its definition, a bit at a time. */
static uint32_t bitwise_crc32c(const uint8_t *ptr, size_t len) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= ptr[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
        }
    }
    return ~crc;
}

RV_TEST(crc32c_at_every_length_alignment_and_cut) {
    uint8_t bytes[128];
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)rv_test_random(&random);
    }
    for (size_t start = 0; start < 8; start++) {
        for (size_t len = 0; len <= 80; len++) {
            const uint32_t expected = bitwise_crc32c(bytes + start, len);
            check_crc(bytes + start, len, expected);
            RV_CHECK_PASSED();
            const size_t cut = (size_t)(rv_test_random(&random) % (len + 1));
            const rv_bytes head = rv_bytes_of(bytes + start, cut);
            const rv_bytes tail = rv_bytes_of(bytes + start + cut, len - cut);
            RV_CHECK_EQ(rv_crc32c(rv_crc32c(0, head), tail), expected);
            RV_CHECK_EQ(table_crc32c(table_crc32c(0, head), tail), expected);
        }
    }
}

/* --- XXH3 --- */

#define PRIME32 UINT64_C(2654435761)
#define PRIME64 UINT64_C(11400714785074694797)

static uint8_t sanity[2400];

/* The buffer of xxHash's sanity check. */
static void sanity_fill(void) {
    uint64_t byte = PRIME32;
    for (size_t i = 0; i < sizeof sanity; i++) {
        sanity[i] = (uint8_t)(byte >> 56);
        byte *= PRIME64;
    }
}

/* Every branch of the algorithm: by length 0, 1-3, 4-8, 9-16, 17-128, 129-240, above. */
static const struct {
    size_t len;
    uint64_t seed;
    uint64_t hash;
} hash64_vectors[] = {
    {0, 0, UINT64_C(0x2d06800538d394c2)},    {0, PRIME64, UINT64_C(0xa8a6b918b2f0364a)},
    {1, 0, UINT64_C(0xc44bdff4074eecdb)},    {1, PRIME64, UINT64_C(0x032be332dd766ef8)},
    {6, 0, UINT64_C(0x27b56a84cd2d7325)},    {6, PRIME64, UINT64_C(0x84589c116ab59ab9)},
    {12, 0, UINT64_C(0xa713daf0dfbb77e7)},   {12, PRIME64, UINT64_C(0xe7303e1b2336de0e)},
    {24, 0, UINT64_C(0xa3fe70bf9d3510eb)},   {24, PRIME64, UINT64_C(0x850e80fc35bdd690)},
    {48, 0, UINT64_C(0x397da259ecba1f11)},   {48, PRIME64, UINT64_C(0xadc2cbaa44acc616)},
    {80, 0, UINT64_C(0xbcdefbbb2c47c90a)},   {80, PRIME64, UINT64_C(0xc6dd0cb699532e73)},
    {195, 0, UINT64_C(0xcd94217ee362ec3a)},  {195, PRIME64, UINT64_C(0xba68003d370cb3d9)},
    {403, 0, UINT64_C(0xcdeb804d65c6dea4)},  {512, 0, UINT64_C(0x617e49599013cb6b)},
    {2048, 0, UINT64_C(0xdd59e2c3a5f038e0)}, {2240, 0, UINT64_C(0x6e73a90539cf2948)},
    {2367, 0, UINT64_C(0xcb37aeb9e5d361ed)},
};

static const struct {
    size_t len;
    uint64_t seed;
    rv_hash128 hash;
} hash128_vectors[] = {
    {0, 0, {UINT64_C(0x6001c324468d497f), UINT64_C(0x99aa06d3014798d8)}},
    {0, PRIME32, {UINT64_C(0x5444f7869c671ab0), UINT64_C(0x92220ae55e14ab50)}},
    {1, 0, {UINT64_C(0xc44bdff4074eecdb), UINT64_C(0xa6cd5e9392000f6a)}},
    {1, PRIME32, {UINT64_C(0xb53d5557e7f76f8d), UINT64_C(0x89b99554ba22467c)}},
    {6, 0, {UINT64_C(0x3e7039bdda43cfc6), UINT64_C(0x082afe0b8162d12a)}},
    {6, PRIME32, {UINT64_C(0x269d8f70be98856e), UINT64_C(0x5a865b5389abd2b1)}},
    {12, 0, {UINT64_C(0x061a192713f69ad9), UINT64_C(0x6e3efd8fc7802b18)}},
    {12, PRIME32, {UINT64_C(0x9be9f9a67f3c7dfb), UINT64_C(0xd7e09d518a3405d3)}},
    {24, 0, {UINT64_C(0x1e7044d28b1b901d), UINT64_C(0x0ce966e4678d3761)}},
    {24, PRIME32, {UINT64_C(0xd7304c54ebad40a9), UINT64_C(0x3162026714a6a243)}},
    {48, 0, {UINT64_C(0xf942219aed80f67b), UINT64_C(0xa002ac4e5478227e)}},
    {48, PRIME32, {UINT64_C(0x7ba3c3e453a1934e), UINT64_C(0x163adde36c072295)}},
    {81, 0, {UINT64_C(0x5e8bafb9f95fb803), UINT64_C(0x4952f58181ab0042)}},
    {81, PRIME32, {UINT64_C(0x703fbb3d7a5f755c), UINT64_C(0x2724ec7adc750fb6)}},
    {222, 0, {UINT64_C(0xf1aebd597cec6b3a), UINT64_C(0x337e09641b948717)}},
    {403, 0, {UINT64_C(0xcdeb804d65c6dea4), UINT64_C(0x1b6de21e332dd73d)}},
    {512, 0, {UINT64_C(0x617e49599013cb6b), UINT64_C(0x18d2d110dcc9bca1)}},
    {2048, 0, {UINT64_C(0xdd59e2c3a5f038e0), UINT64_C(0xf736557fd47073a5)}},
};

RV_TEST(xxh3_of_the_sanity_check) {
    sanity_fill();
    for (size_t i = 0; i < sizeof hash64_vectors / sizeof hash64_vectors[0]; i++) {
        const rv_bytes bytes = rv_bytes_of(sanity, hash64_vectors[i].len);
        RV_CHECK_EQ(rv_hash64(hash64_vectors[i].seed, bytes), hash64_vectors[i].hash);
    }
    for (size_t i = 0; i < sizeof hash128_vectors / sizeof hash128_vectors[0]; i++) {
        const rv_bytes bytes = rv_bytes_of(sanity, hash128_vectors[i].len);
        const rv_hash128 hash = rv_hash128_of(hash128_vectors[i].seed, bytes);
        RV_CHECK_EQ(hash.low, hash128_vectors[i].hash.low);
        RV_CHECK_EQ(hash.high, hash128_vectors[i].hash.high);
    }
}

RV_TEST(no_bytes_hash_without_a_pointer) {
    const rv_bytes none = {NULL, 0};
    RV_CHECK_EQ(rv_hash64(0, none), hash64_vectors[0].hash);
    RV_CHECK_EQ(rv_hash128_of(0, none).high, hash128_vectors[0].hash.high);
}

RV_TEST(a_sum_of_hashes_carries_and_has_no_order) {
    const rv_hash128 a = {UINT64_MAX, 1};
    const rv_hash128 b = {2, UINT64_MAX};
    const rv_hash128 ab = rv_hash128_add(a, b);
    RV_CHECK_EQ(ab.low, 1);
    RV_CHECK_EQ(ab.high, 1);
    uint64_t random = 9;
    rv_hash128 forth = {0, 0};
    rv_hash128 terms[100];
    for (size_t i = 0; i < 100; i++) {
        terms[i] = (rv_hash128){rv_test_random(&random), rv_test_random(&random)};
        forth = rv_hash128_add(forth, terms[i]);
    }
    rv_hash128 back = {0, 0};
    for (size_t i = 100; i > 0; i--) {
        back = rv_hash128_add(back, terms[i - 1]);
    }
    RV_CHECK(forth.low == back.low && forth.high == back.high);
    for (size_t i = 0; i < 100; i++) {
        forth = rv_hash128_subtract(forth, terms[i]);
    }
    RV_CHECK(forth.low == 0 && forth.high == 0);
}

int main(void) {
    RV_RUN(crc32c_of_rfc_3720);
    RV_RUN(crc32c_at_every_length_alignment_and_cut);
    RV_RUN(xxh3_of_the_sanity_check);
    RV_RUN(no_bytes_hash_without_a_pointer);
    RV_RUN(a_sum_of_hashes_carries_and_has_no_order);
    return rv_test_done();
}
