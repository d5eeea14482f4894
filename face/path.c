/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request may write in place of a stream's path, the same in an address and in a body:
 *
 *     /accounts/7      a path: its keys percent-encoded where they need it
 *     accounts/7       the same, where no stream is called `accounts`
 *     account_events/7 a stream's name and its keys, in the order of its path
 *     account_events   a stream's name, its keys in the data or to be assigned
 *
 *   invariant: what begins with a slash is never read as a name, so every path can be written.
 *
 * An address, `/streams/account_events/7`, has no place for that slash: its first segment is a
 * stream's name where there is one.
 */
#include "face/face_internal.h"

#include "core/base/assert.h"

static rv_status too_large(rv_error *err) {
    return rv_error_set(err, RV_REQUEST_TOO_LARGE, "the request is too large");
}

/* The path of a stream with these keys, `7/x`, as paths have them; NULL: none. */
static rv_status path_of_keys(rv_face *face, const rv_stream *stream, rv_bytes keys, rv_bytes *path,
                              rv_error *err) {
    const rv_path_template *const template = &stream->path;
    const size_t cap = template->text.len + keys.len;
    size_t count = keys.ptr != NULL;
    for (size_t i = 0; i < keys.len; i++) {
        count += keys.ptr[i] == '/';
    }
    if (count != template->variable_count) {
        return rv_error_set(err, RV_PATH_INVALID, "the stream %b has %u keys, as in %b",
                            &stream->name, (uint64_t) template->variable_count, &template->text);
    }
    uint8_t *const text = rv_arena_take_raw(&face->scratch, cap);
    if (text == NULL) {
        return too_large(err);
    }
    rv_writer w = rv_writer_over(text, cap);
    for (uint32_t i = 0; i < template->segment_count; i++) {
        rv_write_u8(&w, '/');
        if (!template->segments[i].variable) {
            rv_write(&w, template->segments[i].text);
            continue;
        }
        const uint8_t *const slash = keys.len == 0 ? NULL : memchr(keys.ptr, '/', keys.len);
        const size_t len = slash == NULL ? keys.len : (size_t)(slash - keys.ptr);
        rv_write(&w, rv_bytes_of(keys.ptr, len));
        keys = rv_bytes_from(keys, slash == NULL ? len : len + 1);
    }
    RV_ASSERT(!w.full && keys.len == 0); /* `{x}` has room for the slash behind its key */
    *path = rv_writer_bytes(&w);
    return RV_OK;
}

rv_status face_path_of(rv_face *face, rv_bytes text, rv_bytes *path, rv_error *err) {
    const uint8_t *const slash = text.len == 0 ? NULL : memchr(text.ptr, '/', text.len);
    if (slash == NULL || slash == text.ptr) {
        *path = text;
        return RV_OK;
    }
    const size_t len = (size_t)(slash - text.ptr);
    const rv_stream *const stream =
        rv_schema_stream_named(rv_node_schema(face->options.node), rv_bytes_of(text.ptr, len));
    RV_ASSERT(len > 0 && len < text.len);
    if (stream != NULL) {
        return path_of_keys(face, stream, rv_bytes_from(text, len + 1), path, err);
    }
    uint8_t *const whole = rv_arena_take_raw(&face->scratch, text.len + 1);
    if (whole == NULL) {
        return too_large(err);
    }
    whole[0] = '/';
    memcpy(whole + 1, text.ptr, text.len);
    *path = rv_bytes_of(whole, text.len + 1);
    return RV_OK;
}

/* The segments of an address from this one on, as a path has them, each behind a slash. */
static void write_segments(const rv_url *url, size_t first, rv_writer *w) {
    RV_ASSERT(first <= url->segment_count);
    for (size_t i = first; i < url->segment_count; i++) {
        rv_write_u8(w, '/');
        rv_path_segment_write(url->segments[i], w);
    }
}

rv_status face_stream_path(rv_exchange *x, const rv_url *url, rv_bytes *path, rv_error *err) {
    rv_arena *const scratch = &x->face->scratch;
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    if (url->segment_count < 2) {
        return rv_error_set(err, RV_UNKNOWN_STREAM, "name a stream: /streams/{stream}/{key}");
    }
    const rv_stream *const stream = rv_schema_stream_named(schema, url->segments[1]);
    if (stream != NULL && url->segment_count == 2 && stream->path.variable_count > 0) {
        *path = stream->name;
        return RV_OK;
    }
    uint8_t *const text = rv_arena_take_raw(scratch, RV_PATH_LEN_MAX);
    uint8_t *const canonical = rv_arena_take_raw(scratch, RV_PATH_LEN_MAX);
    if (text == NULL || canonical == NULL) {
        return too_large(err);
    }
    rv_writer w = rv_writer_over(text, RV_PATH_LEN_MAX);
    rv_writer c = rv_writer_over(canonical, RV_PATH_LEN_MAX);
    write_segments(url, stream == NULL ? 1 : 2, &w);
    *path = rv_writer_bytes(&w);
    rv_status status = RV_OK;
    if (!w.full && stream != NULL) {
        const rv_bytes keys = w.len > 0 ? rv_bytes_from(*path, 1) : (rv_bytes){NULL, 0};
        status = path_of_keys(x->face, stream, keys, path, err);
    }
    if (status != RV_OK) {
        return status;
    }
    if (!w.full && rv_event_path_canonical(schema, *path, scratch, &c) != RV_OK) {
        return too_large(err);
    }
    *path = rv_writer_bytes(&c);
    return w.full || c.full ? rv_error_set(err, RV_PATH_INVALID, "a path has at most %u bytes",
                                           (uint64_t)RV_PATH_LEN_MAX)
                            : RV_OK;
}
