/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes: how text and binary data travel through every interface. */
#ifndef RIVULET_BYTES_H
#define RIVULET_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed: valid as long as the call or structure that gave it says. `ptr` may be NULL only when
 * `len` is 0. Not NUL-terminated. */
typedef struct rv_bytes {
    const uint8_t *ptr;
    size_t len;
} rv_bytes;

#if defined(__GNUC__)
#define RV_MUST_USE __attribute__((warn_unused_result))
#else
#define RV_MUST_USE
#endif

#endif
