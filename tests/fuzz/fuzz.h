/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every fuzz target is made of. A target is one file that defines LLVMFuzzerTestOneInput: the
 * bytes come in, and whatever they are, nothing traps and every FUZZ_CHECK holds. Linked with
 * libFuzzer it searches for inputs that break this; linked with tests/fuzz/replay.c it runs the
 * committed ones. docs/fuzzing.md says how to use both.
 *
 * A target keeps nothing from one input to the next, so that a crash's input is all of its cause.
 */
#ifndef RV_TESTS_FUZZ_H
#define RV_TESTS_FUZZ_H

#include "core/base/error.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input; the trap is what fuzzer and replay see. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

/* Input is taken from the front: settings first, text last, so that what reads past the end of the
 * text reads past the end of the input. Missing bytes are zeros. */
static inline uint8_t fuzz_take_u8(rv_bytes *input) {
    if (input->len == 0) {
        return 0;
    }
    const uint8_t value = input->ptr[0];
    *input = rv_bytes_from(*input, 1);
    return value;
}

static inline uint16_t fuzz_take_u16(rv_bytes *input) {
    const unsigned low = fuzz_take_u8(input);
    return (uint16_t)(low | ((unsigned)fuzz_take_u8(input) << 8));
}

static inline uint64_t fuzz_take_u64(rv_bytes *input) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)fuzz_take_u8(input) << (8 * i);
    }
    return value;
}

static inline rv_bytes fuzz_take(rv_bytes *input, size_t len) {
    const rv_bytes taken = {input->ptr, len < input->len ? len : input->len};
    *input = rv_bytes_from(*input, taken.len);
    return taken;
}

/* Up to and without the first `end`, which is passed over too. */
static inline rv_bytes fuzz_take_until(rv_bytes *input, uint8_t end) {
    const uint8_t *found = input->len == 0 ? NULL : memchr(input->ptr, end, input->len);
    const rv_bytes taken = {input->ptr, found == NULL ? input->len : (size_t)(found - input->ptr)};
    *input = rv_bytes_from(*input, found == NULL ? taken.len : taken.len + 1);
    return taken;
}

#endif
