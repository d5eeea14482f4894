/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module's memory beyond its static data: taken from the front of what memory.grow gives, never
 * given back, never moved. Nothing else of a module allocates once it is open. Compiled natively,
 * for the tests, the pages come from mmap.
 */
#ifndef RV_WASI_REACTOR_MEMORY_H
#define RV_WASI_REACTOR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `len` bytes, zeroed, aligned to 16; NULL when the memory cannot grow. */
uint8_t *rv_reactor_memory_take(size_t len);

/* True when the bytes lie inside the memory. */
bool rv_reactor_memory_holds(const uint8_t *ptr, size_t len);

#endif
