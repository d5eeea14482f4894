/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions guard against bugs, never against input. RV_ASSERT stays in release builds; RV_VERIFY
 * is for checks that cost more than they may there, and runs in debug, sanitizer and fuzz builds.
 */
#ifndef RV_BASE_ASSERT_H
#define RV_BASE_ASSERT_H

#ifdef RV_COVERAGE
/* Where branches are counted, assertions have none: no test can make one fail. */
#define RV_ASSERT(condition) ((void)sizeof(condition))
#else
/* Ends the program at once: the trap is the platform's (a signal natively, `unreachable` in WASM).
 */
#define RV_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)
#endif

#ifdef RV_SLOW_CHECKS
#define RV_VERIFY(condition) RV_ASSERT(condition)
#else
#define RV_VERIFY(condition) ((void)sizeof(condition))
#endif

#define RV_STATIC_ASSERT(condition, text) _Static_assert(condition, text)

#endif
