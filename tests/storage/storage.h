/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A storage host as a node uses it: one operation at a time, which may be pending and is then
 * waited for, and whole reads and writes made of short ones.
 */
#ifndef RV_TESTS_STORAGE_STORAGE_H
#define RV_TESTS_STORAGE_STORAGE_H

#include "rivulet/host.h"
#include "tests/unit/test.h"

#include <string.h>

#define STORAGE_POLLS_MAX 100000 /* of one pending operation */

static rv_ticket storage_ticket;

/* The result of an operation that answered `io`, when it is the only one under way. */
static inline rv_io_result storage_wait(rv_host host, rv_io io, const rv_io_result *result) {
    if (io == RV_IO_DONE) {
        return *result;
    }
    rv_io_completion completion;
    for (int i = 0; i < STORAGE_POLLS_MAX; i++) {
        if (host.ops->next_completion(host.ctx, &completion)) {
            if (completion.ticket != storage_ticket) {
                fprintf(stderr, "completion of ticket %" PRIu64 ", expected %" PRIu64 "\n",
                        completion.ticket, storage_ticket);
                rv_test_failed = true;
            }
            return completion.result;
        }
    }
    fprintf(stderr, "ticket %" PRIu64 " never completed\n", storage_ticket);
    rv_test_failed = true;
    return (rv_io_result){RV_PENDING, 0, -1};
}

static inline rv_io_result storage_open(rv_host host, const char *name) {
    rv_io_result result;
    return storage_wait(host, host.ops->open(host.ctx, ++storage_ticket, name, &result), &result);
}

static inline rv_io_result storage_create(rv_host host, const char *name) {
    rv_io_result result;
    return storage_wait(host, host.ops->create(host.ctx, ++storage_ticket, name, &result), &result);
}

static inline rv_io_result storage_remove(rv_host host, const char *name) {
    rv_io_result result;
    return storage_wait(host, host.ops->remove(host.ctx, ++storage_ticket, name, &result), &result);
}

static inline rv_io_result storage_truncate(rv_host host, rv_file file, uint64_t size) {
    rv_io_result result;
    const rv_io io = host.ops->truncate(host.ctx, ++storage_ticket, file, size, &result);
    return storage_wait(host, io, &result);
}

static inline rv_io_result storage_flush(rv_host host, rv_file file) {
    rv_io_result result;
    return storage_wait(host, host.ops->flush(host.ctx, ++storage_ticket, file, &result), &result);
}

static inline rv_io_result storage_list(rv_host host, rv_file_name *names, size_t cap) {
    rv_io_result result;
    const rv_io io = host.ops->list(host.ctx, ++storage_ticket, names, cap, &result);
    return storage_wait(host, io, &result);
}

/* One write, which may be short. */
static inline rv_io_result storage_write_some(rv_host host, rv_file file, uint64_t offset,
                                              rv_bytes bytes) {
    rv_io_result result;
    const rv_io io = host.ops->write(host.ctx, ++storage_ticket, file, offset, bytes, &result);
    return storage_wait(host, io, &result);
}

/* Writes all of it, or says why not. */
static inline rv_status storage_write(rv_host host, rv_file file, uint64_t offset, const void *ptr,
                                      size_t len) {
    for (size_t done = 0; done < len;) {
        const rv_bytes left = rv_bytes_of((const uint8_t *)ptr + done, len - done);
        const rv_io_result result = storage_write_some(host, file, offset + done, left);
        if (result.status != RV_OK) {
            return result.status;
        }
        if (result.count == 0 || result.count > left.len) {
            return RV_STORAGE_FULL;
        }
        done += (size_t)result.count;
    }
    return RV_OK;
}

/* Reads until `len` bytes or the end of the file; the count is what there was. */
static inline rv_io_result storage_read(rv_host host, rv_file file, uint64_t offset, uint8_t *buf,
                                        size_t len) {
    size_t done = 0;
    while (done < len) {
        rv_io_result result;
        const rv_io io = host.ops->read(host.ctx, ++storage_ticket, file, offset + done, buf + done,
                                        len - done, &result);
        result = storage_wait(host, io, &result);
        if (result.status != RV_OK) {
            return result;
        }
        if (result.count == 0 || result.count > len - done) {
            break;
        }
        done += (size_t)result.count;
    }
    return (rv_io_result){RV_OK, done, file};
}

static inline bool storage_reads(rv_host host, rv_file file, uint64_t offset, const void *expected,
                                 size_t len) {
    static uint8_t buf[1 << 16];
    if (len > sizeof buf) {
        return false;
    }
    memset(buf, 0x5a, sizeof buf);
    const rv_io_result result = storage_read(host, file, offset, buf, len);
    return result.status == RV_OK && result.count == len && memcmp(buf, expected, len) == 0;
}

#endif
