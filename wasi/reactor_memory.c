/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages are asked for when what is left of the last ones does not suffice. Usually they follow
 * those and the run goes on; where somebody else grew the memory in between (a C library's heap) a
 * new run begins.
 */
#include "wasi/reactor_memory.h"

#include "core/base/assert.h"

#define PAGE  ((size_t)65536)
#define ALIGN ((size_t)16)

static struct {
    uint8_t *next;
    size_t left; /* bytes from `next` on */
} run;

#if defined(__wasm__)

static uint8_t *pages_more(size_t count) {
    const size_t before = __builtin_wasm_memory_grow(0, count);
    return before == SIZE_MAX ? NULL : (uint8_t *)(before * PAGE);
}

bool rv_reactor_memory_holds(const uint8_t *ptr, size_t len) {
    const uint64_t end = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
    return (uint64_t)(uintptr_t)ptr + len <= end && (ptr != NULL || len == 0);
}

#else

#include <sys/mman.h>

static uint8_t *pages_more(size_t count) {
    void *const pages =
        mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

bool rv_reactor_memory_holds(const uint8_t *ptr, size_t len) {
    return ptr != NULL || len == 0;
}

#endif

uint8_t *rv_reactor_memory_take(size_t len) {
    RV_ASSERT(run.left % ALIGN == 0);
    if (len > SIZE_MAX - 2 * PAGE) {
        return NULL;
    }
    const size_t size = len == 0 ? ALIGN : (len + ALIGN - 1) / ALIGN * ALIGN;
    if (size > run.left) {
        const bool some = run.left > 0;
        const size_t count = (size + PAGE - 1) / PAGE;
        uint8_t *const more = pages_more(count);
        if (more == NULL) {
            return NULL;
        }
        const bool follows = some && more == run.next + run.left;
        run.next = follows ? run.next : more;
        run.left = follows ? run.left + count * PAGE : count * PAGE;
    }
    uint8_t *const taken = run.next;
    run.next += size;
    run.left -= size;
    RV_ASSERT((uintptr_t)taken % ALIGN == 0);
    return taken;
}
