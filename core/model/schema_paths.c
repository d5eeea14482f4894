/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which stream declaration a concrete path belongs to. Asked on every append, so the streams are
 * chained by the number of segments and the first segment: `/accounts/42` looks only at templates
 * of two segments that begin with `/accounts/`, or with a variable. As no path can match two
 * templates, the order of a chain decides nothing.
 *
 * Paths under /rivulet/ are the node's own: none is found here, and no template may begin so.
 */
#include "core/base/assert.h"
#include "core/model/schema_parts.h"

static uint32_t literal_slot(uint32_t segment_count, rv_bytes first) {
    RV_ASSERT(segment_count <= RV_PATH_SEGMENTS_MAX);
    RV_STATIC_ASSERT((RV_SCHEMA_PATH_SLOTS & (RV_SCHEMA_PATH_SLOTS - 1)) == 0, "a power of two");
    return (uint32_t)rv_hash64(segment_count, first) & (RV_SCHEMA_PATH_SLOTS - 1);
}

void rv_schema_paths_add(rv_schema *schema, uint16_t number) {
    RV_ASSERT(number < RV_STREAMS_MAX && schema->streams[number] != NULL);
    const rv_path_template *path = &schema->streams[number]->path;
    RV_ASSERT(path->segment_count > 0);
    uint16_t *head =
        path->segments[0].variable
            ? &schema->paths.variable[path->segment_count]
            : &schema->paths.literal[literal_slot(path->segment_count, path->segments[0].text)];
    schema->paths.next[number] = *head;
    *head = (uint16_t)(number + 1);
}

void rv_schema_paths_cut(rv_schema *schema, uint16_t count) {
    RV_ASSERT(count <= RV_STREAMS_MAX);
    schema->paths = (rv_schema_paths){0};
    for (uint16_t i = 0; i < count; i++) {
        rv_schema_paths_add(schema, i);
    }
}

const rv_stream *rv_schema_paths_overlap(const rv_schema *schema, const rv_path_template *path) {
    RV_ASSERT(path->segment_count <= RV_PATH_SEGMENTS_MAX);
    for (uint16_t i = 0; i < schema->stream_names.count; i++) {
        const rv_path_template *other = &schema->streams[i]->path;
        bool overlap = other->segment_count == path->segment_count;
        for (uint32_t s = 0; overlap && s < path->segment_count; s++) {
            overlap = path->segments[s].variable || other->segments[s].variable ||
                      rv_bytes_equal(path->segments[s].text, other->segments[s].text);
        }
        if (overlap) {
            return schema->streams[i];
        }
    }
    return NULL;
}

static const rv_stream *find_in_chain(const rv_schema *schema, uint16_t head, rv_bytes path,
                                      rv_bytes *values) {
    for (uint16_t at = head; at != 0; at = schema->paths.next[at - 1]) {
        RV_ASSERT(at <= schema->stream_names.count);
        const rv_stream *stream = schema->streams[at - 1];
        if (rv_path_template_match(&stream->path, path, values)) {
            return stream;
        }
    }
    return NULL;
}

const rv_stream *rv_schema_stream_of_path(const rv_schema *schema, rv_bytes path,
                                          rv_bytes *values) {
    RV_ASSERT(schema != NULL && values != NULL);
    if (path.len < 2 || path.len > RV_PATH_LEN_MAX || path.ptr[0] != '/') {
        return NULL;
    }
    uint32_t segment_count = 0;
    size_t first_end = path.len;
    for (const uint8_t *slash = path.ptr; slash != NULL;) {
        segment_count += 1;
        const size_t next = (size_t)(slash - path.ptr) + 1;
        slash = next < path.len ? memchr(path.ptr + next, '/', path.len - next) : NULL;
        if (segment_count == 1 && slash != NULL) {
            first_end = (size_t)(slash - path.ptr);
        }
    }
    const rv_bytes first = rv_bytes_of(path.ptr + 1, first_end - 1);
    if (segment_count > RV_PATH_SEGMENTS_MAX || rv_bytes_are(first, "rivulet")) {
        return NULL;
    }
    const uint16_t head = schema->paths.literal[literal_slot(segment_count, first)];
    const rv_stream *found = find_in_chain(schema, head, path, values);
    return found != NULL
               ? found
               : find_in_chain(schema, schema->paths.variable[segment_count], path, values);
}
