/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JavaScript's part of platform/browser, played by a memory host: operations end inside the import,
 * or when `javascript_turn` is called, in any order. It knows how to be wrong as well.
 */
#ifndef RV_TESTS_PLATFORM_JAVASCRIPT_H
#define RV_TESTS_PLATFORM_JAVASCRIPT_H

#include "platform/browser/browser.h"
#include "platform/memory/memory.h"

#include <string.h>

#define JAVASCRIPT_MEMORY ((size_t)32 << 20)

typedef struct javascript_ended {
    uint32_t slot;
    rv_io_result result;
} javascript_ended;

static struct {
    rv_memory_host *files;
    bool later;        /* operations are pending */
    bool silent;       /* they answer 0 and end nothing */
    rv_status opening; /* when not RV_OK: what open and list answer */
    uint32_t queued;
    javascript_ended queue[RV_BROWSER_SLOTS];
    uint64_t seed;
    uint32_t inflated; /* what `inflate` answers */
    _Alignas(16) uint8_t memory[JAVASCRIPT_MEMORY];
} javascript;

/* Ends what is pending, the last first now and then. */
static inline void javascript_turn(void) {
    while (javascript.queued > 0) {
        javascript.seed = javascript.seed * UINT64_C(6364136223846793005) + 1;
        const uint32_t i = (uint32_t)(javascript.seed >> 33) % javascript.queued;
        const javascript_ended ended = javascript.queue[i];
        javascript.queue[i] = javascript.queue[--javascript.queued];
        (void)rv_host_done(ended.slot, (int32_t)ended.result.status, (double)ended.result.count,
                           ended.result.file);
    }
}

/* An empty storage. */
static inline void javascript_start(bool later) {
    if (javascript.files != NULL) { /* what the case before left open is closed over there */
        javascript_turn();
        (void)rv_browser_interface();
    }
    const rv_memory_host_options options = {.seed = 5, .now = INT64_C(1700000000000000)};
    javascript.files = rv_memory_host_create(javascript.memory, JAVASCRIPT_MEMORY, &options);
    javascript.later = later;
    javascript.silent = false;
    javascript.opening = RV_OK;
    javascript.queued = 0;
    javascript.seed = 1;
}

static inline int32_t javascript_end(uint32_t slot, const rv_io_result *result) {
    if (javascript.silent) {
        return 0;
    }
    if (javascript.later) {
        javascript.queue[javascript.queued++] = (javascript_ended){slot, *result};
        return 1;
    }
    (void)rv_host_done(slot, (int32_t)result->status, (double)result->count, result->file);
    return 0;
}

static inline rv_host javascript_host(void) {
    return rv_memory_host_interface(javascript.files);
}

static inline const char *javascript_name(const char *name, uint32_t len) {
    static char copy[RV_FILE_NAME_MAX + 1];
    memcpy(copy, name, len);
    copy[len] = '\0';
    return copy;
}

int32_t rv_js_file_open(uint32_t slot, const char *name, uint32_t len) {
    const rv_host host = javascript_host();
    rv_io_result result = {javascript.opening, 0, -1};
    if (result.status == RV_OK && !javascript.silent) {
        (void)host.ops->open(host.ctx, 0, javascript_name(name, len), &result);
    }
    return javascript_end(slot, &result);
}

int32_t rv_js_file_create(uint32_t slot, const char *name, uint32_t len) {
    const rv_host host = javascript_host();
    rv_io_result result = {RV_STORAGE_FAILED, 0, -1};
    if (!javascript.silent) { /* a file that nobody hears of would stay open */
        (void)host.ops->create(host.ctx, 0, javascript_name(name, len), &result);
    }
    return javascript_end(slot, &result);
}

void rv_js_file_close(int32_t file) {
    const rv_host host = javascript_host();
    host.ops->close(host.ctx, file);
}

int32_t rv_js_file_read(uint32_t slot, int32_t file, double offset, uint8_t *buf, uint32_t len) {
    const rv_host host = javascript_host();
    rv_io_result result;
    (void)host.ops->read(host.ctx, 0, file, (uint64_t)offset, buf, len, &result);
    return javascript_end(slot, &result);
}

int32_t rv_js_file_write(uint32_t slot, int32_t file, double offset, const uint8_t *bytes,
                         uint32_t len) {
    const rv_host host = javascript_host();
    rv_io_result result;
    (void)host.ops->write(host.ctx, 0, file, (uint64_t)offset, (rv_bytes){bytes, len}, &result);
    return javascript_end(slot, &result);
}

int32_t rv_js_file_truncate(uint32_t slot, int32_t file, double size) {
    const rv_host host = javascript_host();
    rv_io_result result;
    (void)host.ops->truncate(host.ctx, 0, file, (uint64_t)size, &result);
    return javascript_end(slot, &result);
}

int32_t rv_js_file_remove(uint32_t slot, const char *name, uint32_t len) {
    const rv_host host = javascript_host();
    rv_io_result result;
    (void)host.ops->remove(host.ctx, 0, javascript_name(name, len), &result);
    return javascript_end(slot, &result);
}

int32_t rv_js_file_list(uint32_t slot, rv_file_name *names, uint32_t cap) {
    const rv_host host = javascript_host();
    rv_io_result result = {javascript.opening, 0, -1};
    if (result.status == RV_OK) {
        (void)host.ops->list(host.ctx, 0, names, cap, &result);
    }
    return javascript_end(slot, &result);
}

int32_t rv_js_file_flush(uint32_t slot, int32_t file) {
    const rv_host host = javascript_host();
    rv_io_result result;
    (void)host.ops->flush(host.ctx, 0, file, &result);
    return javascript_end(slot, &result);
}

double rv_js_now(void) {
    const rv_host host = javascript_host();
    return (double)host.ops->now(host.ctx);
}

void rv_js_entropy(uint8_t *buf, uint32_t len) {
    const rv_host host = javascript_host();
    host.ops->entropy(host.ctx, buf, len);
}

uint32_t rv_js_inflate(const uint8_t *in, uint32_t in_len, uint8_t *out, uint32_t cap) {
    if (in_len > 0 && cap > 0) {
        out[0] = in[0];
    }
    return javascript.inflated;
}

#endif
