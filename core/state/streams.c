/* SPDX-License-Identifier: Apache-2.0 */
/* Stream heads: see streams.h. */
#include "core/state/streams.h"

uint32_t rv_streams_path_hash(uint64_t hash_key, rv_bytes path) {
    return (uint32_t)rv_hash64(hash_key, path);
}

bool rv_streams_find(const rv_pages *pages, uint64_t hash_key, rv_bytes path, uint32_t *number) {
    rv_index_probe probe;
    const uint32_t hash = rv_streams_path_hash(hash_key, path);
    const rv_bucket *const bucket = rv_index_bucket(pages, &rv_root_of(pages)->stream_index, hash);
    uint32_t place = rv_index_first(pages, bucket, hash, &probe);
    while (place != 0) {
        RV_ASSERT(place - 1 < rv_streams_count(pages));
        if (rv_heap_equals(pages, &rv_streams_read(pages, place - 1)->path, path)) {
            *number = place - 1;
            return true;
        }
        place = rv_index_next(pages, &probe);
    }
    return false;
}

rv_status rv_streams_add(rv_pages *pages, uint64_t hash_key, uint16_t declaration, rv_bytes path,
                         uint32_t *number) {
    RV_ASSERT(path.len > 0 && path.len <= RV_PATH_LEN_MAX);
    uint32_t there;
    RV_VERIFY(!rv_streams_find(pages, hash_key, path, &there));
    (void)there;
    if (rv_pages_left(pages) < RV_STREAMS_PAGES_MAX || rv_streams_count(pages) >= RV_LINES_MAX) {
        return RV_STATE_FULL;
    }
    const uint32_t added = rv_streams_count(pages);
    rv_cell cell = {0};
    rv_status status = rv_heap_set(pages, &cell, path);
    rv_at at = {0};
    if (status == RV_OK) {
        status = rv_lines_add(pages, RV_ROOT_AT(streams), &at);
    }
    if (status == RV_OK) {
        rv_stream_line *const line =
            (rv_stream_line *)(void *)rv_pages_write_new(pages, at.page, at.offset);
        line->path = cell;
        line->declaration = declaration;
        const uint32_t hash = rv_streams_path_hash(hash_key, path);
        status = rv_index_insert(pages, RV_ROOT_AT(stream_index), hash, added + 1);
    }
    if (status == RV_OK) {
        RV_ASSERT(rv_streams_count(pages) == added + 1);
        *number = added;
    }
    return status;
}
