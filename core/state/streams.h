/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream heads: one line (64 bytes) an instance, numbered 0, 1, 2 … and never removed, with an
 * index by path. A head's path is a cell of the heap, in one run as paths are short.
 */
#ifndef RV_STATE_STREAMS_H
#define RV_STATE_STREAMS_H

#include "core/state/heap.h"
#include "core/state/index.h"

typedef struct rv_stream_line {
    uint64_t version;
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t last_position;
    rv_cell path;
    uint16_t declaration;
    uint16_t is_short; /* 1: rows are missing, as what they came of was purged before it was read */
    uint16_t spare[6];
} rv_stream_line;

RV_STATIC_ASSERT(sizeof(rv_stream_line) == RV_LINE_SIZE, "a head is a line");
RV_STATIC_ASSERT(RV_PATH_LEN_MAX <= RV_HEAP_SLOT_MAX, "a path is one run");

static inline uint32_t rv_streams_count(const rv_pages *pages) {
    return rv_root_of(pages)->streams.count;
}

static inline const rv_stream_line *rv_streams_read(const rv_pages *pages, uint32_t number) {
    const rv_lines *const lines = &rv_root_of(pages)->streams;
    return (const rv_stream_line *)(const void *)rv_lines_read(pages, lines, number);
}

static inline void rv_streams_prefetch(const rv_pages *pages, uint32_t number) {
    __builtin_prefetch(rv_streams_read(pages, number));
}

/* The numbers of a head, to be changed at once. The caller reserved the journal. */
static inline rv_stream_line *rv_streams_write(rv_pages *pages, uint32_t number) {
    const rv_at at = rv_lines_at(pages, &rv_root_of(pages)->streams, number);
    const uint32_t len = (uint32_t)offsetof(rv_stream_line, path);
    return (rv_stream_line *)(void *)rv_pages_write(pages, at.page, at.offset, len);
}

/* The caller reserved the journal. */
static inline void rv_streams_set_short(rv_pages *pages, uint32_t number, bool is_short) {
    const rv_at at = rv_lines_at(pages, &rv_root_of(pages)->streams, number);
    const uint32_t offset = at.offset + (uint32_t)offsetof(rv_stream_line, is_short);
    const uint16_t value = is_short ? 1 : 0;
    memcpy(rv_pages_write(pages, at.page, offset, sizeof value), &value, sizeof value);
}

uint32_t rv_streams_path_hash(uint64_t hash_key, rv_bytes path);

bool rv_streams_find(const rv_pages *pages, uint64_t hash_key, rv_bytes path, uint32_t *number);

/* Pages that one addition can take, and wants to find: a page of lines and its directory, one of
 * the heap, the index's. */
#define RV_STREAMS_PAGES_MAX (3u + RV_INDEX_PAGES_MAX)

/* Adds one, whose path is not there yet and has at most RV_PATH_LEN_MAX bytes. RV_STATE_FULL:
 * nothing has changed. RV_BATCH_TOO_LARGE: to be rolled back. */
RV_MUST_USE rv_status rv_streams_add(rv_pages *pages, uint64_t hash_key, uint16_t declaration,
                                     rv_bytes path, uint32_t *number);

#endif
