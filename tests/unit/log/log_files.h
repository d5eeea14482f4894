/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files behind the log's back, as decay, a hand or a stranger would change them: read, written,
 * cut, removed, made; and checksums made right again after a change, so that what is behind them is
 * met. Every change is flushed.
 */
#ifndef RV_TESTS_LOG_FILES_H
#define RV_TESTS_LOG_FILES_H

#include "core/base/hash.h"
#include "core/log/batch.h"
#include "core/log/run.h"
#include "core/log/segment.h"
#include "tests/unit/log/log_twin.h"

#define FILES_MAX 400

static inline rv_file file_open(const node *n, const char *name, uint64_t *size) {
    rv_io_result result;
    (void)n->host.ops->open(n->host.ctx, 1, name, &result);
    *size = result.status == RV_OK ? result.count : 0;
    return result.status == RV_OK ? result.file : -1;
}

static inline void file_close(const node *n, rv_file file) {
    rv_io_result result;
    (void)n->host.ops->flush(n->host.ctx, 1, file, &result);
    n->host.ops->close(n->host.ctx, file);
}

/* 0 when there is none. */
static inline uint64_t file_size(const node *n, const char *name) {
    uint64_t size = 0;
    const rv_file file = file_open(n, name, &size);
    if (file >= 0) {
        n->host.ops->close(n->host.ctx, file);
    }
    return size;
}

static inline void file_truncate(const node *n, const char *name, uint64_t size) {
    uint64_t before = 0;
    rv_io_result result;
    const rv_file file = file_open(n, name, &before);
    RV_CHECK(file >= 0);
    (void)n->host.ops->truncate(n->host.ctx, 1, file, size, &result);
    file_close(n, file);
    RV_CHECK_STATUS(result.status, RV_OK);
}

/* Up to `len` bytes: how many there were. */
static inline size_t file_read(const node *n, const char *name, uint64_t offset, uint8_t *to,
                               size_t len) {
    uint64_t size = 0;
    rv_io_result result = {.count = 0};
    const rv_file file = file_open(n, name, &size);
    if (file >= 0) {
        (void)n->host.ops->read(n->host.ctx, 1, file, offset, to, len, &result);
        n->host.ops->close(n->host.ctx, file);
    }
    return (size_t)result.count;
}

static inline void file_write(const node *n, const char *name, uint64_t offset, const uint8_t *from,
                              size_t len) {
    uint64_t size = 0;
    rv_io_result result;
    const rv_file file = file_open(n, name, &size);
    RV_CHECK(file >= 0);
    (void)n->host.ops->write(n->host.ctx, 1, file, offset, rv_bytes_of(from, len), &result);
    file_close(n, file);
    RV_CHECK_EQ(result.count, len);
}

static inline void file_remove(const node *n, const char *name) {
    rv_io_result result;
    (void)n->host.ops->remove(n->host.ctx, 1, name, &result);
    RV_CHECK_STATUS(result.status, RV_OK);
}

/* Makes a file, empty up to `from`, then with the bytes of `image` from there up to `to`. */
static inline void file_make(const node *n, const char *name, const uint8_t *image, size_t from,
                             size_t to) {
    rv_io_result made;
    rv_io_result result;
    (void)n->host.ops->create(n->host.ctx, 1, name, &made);
    RV_CHECK_STATUS(made.status, RV_OK);
    if (from < to) {
        (void)n->host.ops->write(n->host.ctx, 1, made.file, from,
                                 rv_bytes_of(image + from, to - from), &result);
    }
    file_close(n, made.file);
}

/* The names of the files that begin with a prefix, in ascending order: how many. */
static inline unsigned files_named(const node *n, const char *prefix, rv_file_name *names,
                                   unsigned cap) {
    static rv_file_name all[FILES_MAX];
    rv_io_result files;
    unsigned count = 0;
    (void)n->host.ops->list(n->host.ctx, 1, all, FILES_MAX, &files);
    for (uint64_t i = 0; i < files.count && i < FILES_MAX && count < cap; i += 1) {
        if (memcmp(all[i].text, prefix, strlen(prefix)) != 0) {
            continue;
        }
        unsigned at = count;
        for (; at > 0 && strcmp(names[at - 1].text, all[i].text) > 0; at -= 1) {
            names[at] = names[at - 1];
        }
        names[at] = all[i];
        count += 1;
    }
    return count;
}

/* --- checksums --- */

static inline void segment_header_seal(uint8_t *header) {
    rv_store_u32(header + RV_SEGMENT_HEADER_SIZE - 4,
                 rv_crc32c(0, rv_bytes_of(header, RV_SEGMENT_HEADER_SIZE - 4)));
}

/* The offsets of a segment's batches, up to `cap`. */
static inline unsigned segment_batches(const uint8_t *segment, size_t size, size_t *offsets,
                                       unsigned cap) {
    unsigned count = 0;
    size_t at = RV_SEGMENT_HEADER_SIZE;
    rv_batch_header header;
    while (at + RV_BATCH_HEADER_SIZE <= size && count < cap &&
           rv_batch_decode(segment + at, &header)) {
        offsets[count++] = at;
        at += rv_batch_size(header.len);
    }
    return count;
}

/* Chains the batches at these offsets to each other and to the header (of a later generation: to
 * the first one's), whatever they hold; one whose length leads out of the segment keeps its
 * checksum. */
static inline void segment_chain(uint8_t *segment, size_t size, const size_t *offsets,
                                 unsigned count) {
    const uint32_t salt = rv_load_u32(segment + 96);
    const bool later = rv_load_u32(segment + 60) > 0; /* the generation */
    uint32_t previous = rv_load_u32(segment + (later ? 132 : RV_SEGMENT_HEADER_SIZE - 4));
    for (unsigned i = 0; i < count; i += 1) {
        uint8_t *const batch = segment + offsets[i];
        const uint32_t len = rv_load_u32(batch + 4);
        rv_store_u32(batch + 8, previous ^ salt);
        if (len <= RV_BATCH_LEN_MAX && rv_batch_size(len) <= size - offsets[i]) {
            const rv_bytes rest = rv_bytes_of(batch + 4, rv_batch_size(len) - 4);
            rv_store_u32(batch, rv_crc32c(salt, rest));
        }
        previous = rv_load_u32(batch);
    }
}

static inline void run_footer_seal(uint8_t *footer) {
    rv_store_u32(footer + RV_RUN_BLOCK_SIZE - 4,
                 rv_crc32c(0, rv_bytes_of(footer, RV_RUN_BLOCK_SIZE - 4)));
}

static inline void run_block_seal(uint8_t *block, uint64_t fingerprint) {
    uint8_t seed[8];
    rv_store_u64(seed, fingerprint);
    rv_store_u32(block, rv_crc32c(rv_crc32c(0, rv_bytes_of(seed, sizeof seed)),
                                  rv_bytes_of(block + 4, RV_RUN_BLOCK_SIZE - 4)));
}

#endif
