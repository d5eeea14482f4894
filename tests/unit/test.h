/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a unit test: a program per source file that runs its cases in order, names the first
 * check of each that fails, and exits with 1 if any did. No setjmp, no allocation, no clock: it
 * runs in every build, WASM included.
 *
 *     RV_TEST(a_short_read_is_told) { RV_CHECK_EQ(count, 3); }
 *     int main(void) { RV_RUN(a_short_read_is_told); return rv_test_done(); }
 */
#ifndef RV_TESTS_TEST_H
#define RV_TESTS_TEST_H

#include "core/base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Of a case that repeats itself with other numbers: how many times, and by how much it goes on from
 * one place to the next. A processor that is played by another takes fifteen times as long, and
 * shows what is of its own after fewer; all are gone through in the other builds.
 */
#ifdef RV_TEST_EMULATED
#define RV_TEST_ROUNDS(count) (((count) + 7) / 8)
#define RV_TEST_STRIDE        7
#else
#define RV_TEST_ROUNDS(count) (count)
#define RV_TEST_STRIDE        1
#endif

/* Of random cases beside a naive twin: how many, which `make twins` multiplies by RIVULET_ROUNDS.
 */
#define RV_TEST_SEEDS(count) ((count)*rv_test_times())

static inline uint64_t rv_test_times(void) {
    const char *const text = getenv("RIVULET_ROUNDS");
    uint64_t times = 0;
    for (size_t i = 0; text != NULL && text[i] >= '0' && text[i] <= '9' && times < 1000000; i++) {
        times = times * 10 + (uint64_t)(text[i] - '0');
    }
    return times == 0 ? 1 : times;
}

static int rv_test_failed_cases;
static int rv_test_passed_cases;
static bool rv_test_failed;

/* A case; a failed check returns from it. */
#define RV_TEST(name) static void name(void)

#define RV_RUN(name)                                                                               \
    do {                                                                                           \
        rv_test_failed = false;                                                                    \
        name();                                                                                    \
        rv_test_failed_cases += rv_test_failed;                                                    \
        rv_test_passed_cases += !rv_test_failed;                                                   \
    } while (0)

#define RV_FAIL_AT_(...)                                                                           \
    do {                                                                                           \
        rv_test_failed = true;                                                                     \
        fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, __func__);                              \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        return;                                                                                    \
    } while (0)

#define RV_CHECK(condition)                                                                        \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            RV_FAIL_AT_("failed: %s", #condition);                                                 \
        }                                                                                          \
    } while (0)

/* Integers. */
#define RV_CHECK_EQ(met, expected)                                                                 \
    do {                                                                                           \
        const int64_t met_ = (int64_t)(met), expected_ = (int64_t)(expected);                      \
        if (met_ != expected_) {                                                                   \
            RV_FAIL_AT_("%s is %" PRId64 ", expected %" PRId64, #met, met_, expected_);            \
        }                                                                                          \
    } while (0)

/* Statuses, shown by their codes. */
#define RV_CHECK_STATUS(met, expected)                                                             \
    do {                                                                                           \
        const rv_status met_ = (met), expected_ = (expected);                                      \
        if (met_ != expected_) {                                                                   \
            RV_FAIL_AT_("%s is %s, expected %s", #met, rv_status_code(met_),                       \
                        rv_status_code(expected_));                                                \
        }                                                                                          \
    } while (0)

/* Bytes that are text against a C string. */
#define RV_CHECK_TEXT(met, expected)                                                               \
    do {                                                                                           \
        const rv_bytes met_ = (met);                                                               \
        const char *const expected_ = (expected);                                                  \
        if (!rv_bytes_are(met_, expected_)) {                                                      \
            RV_FAIL_AT_("%s is `%.*s`, expected `%s`", #met, (int)met_.len,                        \
                        met_.ptr == NULL ? "" : (const char *)met_.ptr, expected_);                \
        }                                                                                          \
    } while (0)

/* Inside a helper's caller: leaves the case when a check in the helper failed. */
#define RV_CHECK_PASSED()                                                                          \
    do {                                                                                           \
        if (rv_test_failed) {                                                                      \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static inline int rv_test_done(void) {
    printf("%d passed, %d failed\n", rv_test_passed_cases, rv_test_failed_cases);
    return rv_test_failed_cases > 0;
}

/* Deterministic random numbers for random operations: splitmix64. */
static inline uint64_t rv_test_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
