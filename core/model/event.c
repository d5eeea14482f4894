/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of an event in binary, its path, and the event as JSON. docs/format/event.md specifies
 * the bytes:
 *
 *     null bitmap   (field_count + 7) / 8 bytes; bit i % 8 of byte i / 8 set: field i is NULL
 *     values        of the fields that are not NULL, in order
 *
 * One event has one form: bits beyond the last field are 0, numbers have their shortest form, and
 * nothing follows the last value. Decoding is on the path of replay: one pass, no copy.
 */
#include "core/model/event.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/value_time.h"

void rv_event_draft_encode(const rv_event_draft *draft, rv_writer *w) {
    const rv_event_type *type = draft->type;
    RV_ASSERT(type->field_count > 0 && type->field_count <= RV_FIELDS_MAX);
    uint8_t bitmap[(RV_FIELDS_MAX + 7) / 8] = {0};
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (rv_value_is_null(&draft->values[i])) {
            bitmap[i / 8] = (uint8_t)(bitmap[i / 8] | (1u << (i % 8)));
        }
    }
    rv_write(w, rv_bytes_of(bitmap, (type->field_count + 7u) / 8));
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (!rv_value_is_null(&draft->values[i])) {
            rv_value_encode(&type->fields[i].type, &draft->values[i], w);
        }
    }
}

/* Text that is not NULL, whose place goes behind it; false: malformed. */
static inline bool decode_text(const rv_decoding *how, rv_reading *r, rv_value *value) {
    uint64_t len = 0;
    if (!rv_varint_take(r, &len) || len > rv_reading_left(r)) {
        return false;
    }
    const rv_bytes text = {r->at, (size_t)len};
    size_t count = text.len;
    *value = rv_value_bytes(text);
    r->at += text.len;
    return (rv_utf8_ascii(text) || rv_utf8_valid(text, &count)) &&
           (how->size == 0 || (count <= how->size && (!how->exact || count == how->size)));
}

/* A value of another way at the start of `rest`: how long it is, 0 when it is malformed. Not
 * inlined, nor is rv_decoding_is_special: the frequent ways are to have the registers. */
__attribute__((noinline)) static size_t decode_other(const rv_type *type, rv_bytes rest,
                                                     rv_value *value) {
    rv_cursor c = rv_cursor_over(rest);
    rv_value_decode(type, &c, value);
    return c.bad ? 0 : (size_t)(c.ptr - rest.ptr);
}

bool rv_event_data_decode(const rv_event_type *type, rv_bytes data, rv_value *values) {
    const size_t field_count = type->field_count;
    const size_t bitmap_len = (field_count + 7) / 8;
    RV_ASSERT(field_count > 0 && field_count <= RV_FIELDS_MAX);
    if (data.len < bitmap_len) {
        return false;
    }
    const unsigned used = (unsigned)((field_count - 1) % 8) + 1;
    if ((data.ptr[bitmap_len - 1] >> used) != 0) {
        return false;
    }
    rv_reading r = rv_reading_over(data);
    r.at += bitmap_len;
    const rv_decoding *const decodings = type->decodings;
    unsigned nulls = 1; /* above the bits of the fields that follow is one more: the last */
    for (size_t f = 0; f < field_count; f++, nulls >>= 1) {
        rv_value *const value = &values[f];
        const rv_decoding *const how = &decodings[f];
        uint64_t number = 0;
        nulls = nulls == 1 ? data.ptr[f / 8] | 0x100u : nulls;
        if ((nulls & 1) != 0) {
            *value = rv_value_null();
        } else if (how->way == RV_DECODING_INT) {
            if (!rv_varint_take(&r, &number)) {
                return false;
            }
            const int64_t integer = rv_zigzag(number);
            *value = rv_value_int(integer);
            if ((uint64_t)integer - (uint64_t)how->min > how->span &&
                !rv_decoding_is_special(&type->fields[f].type, integer)) {
                return false;
            }
        } else if (how->way == RV_DECODING_TEXT) {
            if (!decode_text(how, &r, value)) {
                return false;
            }
        } else {
            const rv_bytes rest = {r.at, rv_reading_left(&r)};
            const size_t len = decode_other(&type->fields[f].type, rest, value);
            r.at += len;
            if (len == 0) {
                return false;
            }
        }
    }
    return rv_reading_left(&r) == 0;
}

static void write_values(const rv_event_type *type, const rv_value *values, rv_writer *w) {
    RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
    rv_write_u8(w, '{');
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (i > 0) {
            rv_write_u8(w, ',');
        }
        rv_write_json_string(w, type->fields[i].name);
        rv_write_u8(w, ':');
        rv_value_to_json(&type->fields[i].type, &values[i], w);
    }
    rv_write_u8(w, '}');
}

bool rv_event_data_to_json(const rv_event_type *type, rv_bytes data, rv_writer *w) {
    rv_value values[RV_FIELDS_MAX];
    RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
    if (rv_event_data_decode(type, data, values)) {
        write_values(type, values, w);
        return true;
    }
    rv_write_text(w, "\"\\\\x");
    rv_write_hex(w, data);
    rv_write_u8(w, '"');
    return false;
}

void rv_event_bigints_to_json(const rv_event_type *type, rv_writer *w) {
    RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
    bool some = false;
    for (size_t i = 0; w->numbers_as_text && i < type->field_count; i++) {
        const rv_type *const field = &type->fields[i].type;
        if (field->kind == RV_TYPE_BIGINT ||
            (field->kind == RV_TYPE_ARRAY && field->element == RV_TYPE_BIGINT)) {
            rv_write_text(w, some ? "," : ",\"bigints\":[");
            rv_write_json_string(w, type->fields[i].name);
            some = true;
        }
    }
    rv_write_text(w, some ? "]" : "");
}

void rv_event_data_members_to_json(const rv_event_type *type, rv_bytes data, rv_writer *w) {
    RV_ASSERT(type != NULL);
    if (rv_event_data_to_json(type, data, w)) {
        rv_event_bigints_to_json(type, w);
    } else {
        rv_write_text(w, ",\"opaque\":true");
    }
}

/* A key as one segment. Text is itself; all else is short in its text form. */
static void write_key(const rv_type *type, const rv_value *value, rv_writer *w) {
    RV_ASSERT(!rv_value_is_null(value));
    if (type->kind <= RV_TYPE_BIGINT) {
        rv_write_int(w, value->as.integer);
        return;
    }
    if (type->kind == RV_TYPE_VARCHAR || type->kind == RV_TYPE_TEXT || type->kind == RV_TYPE_CHAR) {
        rv_path_segment_write(value->as.bytes, w);
        return;
    }
    uint8_t text[RV_NAME_LEN_MAX + 1]; /* an enum's label, a uuid, a number, a date */
    rv_writer t = rv_writer_over(text, sizeof text);
    rv_value_to_text(type, value, &t);
    RV_ASSERT(!t.full);
    rv_path_segment_write(rv_writer_bytes(&t), w);
}

/* The path of an event whose type is the `admitted`-th of the stream. */
static void write_path(const rv_stream *stream, size_t admitted, const rv_event_type *type,
                       const rv_value *values, rv_writer *w) {
    RV_ASSERT(admitted < stream->event_type_count);
    const uint16_t *fields = stream->variables + admitted * stream->path.variable_count;
    for (uint32_t s = 0; s < stream->path.segment_count; s++) {
        rv_write_u8(w, '/');
        if (stream->path.segments[s].variable) {
            const uint16_t f = *fields++;
            RV_ASSERT(f < type->field_count);
            write_key(&type->fields[f].type, &values[f], w);
        } else {
            rv_write(w, stream->path.segments[s].text);
        }
    }
}

void rv_event_draft_path(const rv_event_draft *draft, rv_writer *w) {
    RV_ASSERT(draft->stream != NULL && draft->type != NULL);
    write_path(draft->stream, draft->admitted, draft->type, draft->values, w);
}

bool rv_event_draft_path_given(const rv_event_draft *draft, rv_bytes path) {
    const rv_stream *const stream = draft->stream;
    const uint16_t *const fields =
        stream->variables + (size_t)draft->admitted * stream->path.variable_count;
    bool integers = path.len > 0 && path.ptr[0] == '/';
    for (uint32_t v = 0; v < stream->path.variable_count && integers; v++) {
        RV_ASSERT(fields[v] < draft->type->field_count);
        integers = draft->values[fields[v]].class_ == RV_VALUE_INT;
    }
    return integers;
}

bool rv_event_time_valid(int64_t unix_us) {
    int64_t value;
    return !__builtin_sub_overflow(unix_us, RV_EPOCH_DIFFERENCE_US, &value) &&
           value >= RV_TIMESTAMP_MIN && value <= RV_TIMESTAMP_MAX;
}

/* Index of the type among those that the stream admits; their number when it does not. */
static size_t find_admitted(const rv_stream *stream, const rv_event_type *type) {
    RV_ASSERT(stream != NULL && type != NULL);
    size_t admitted = 0;
    while (admitted < stream->event_type_count && stream->event_types[admitted] != type->number) {
        admitted++;
    }
    return admitted;
}

bool rv_event_has_path(const rv_stream *stream, const rv_event_type *type, const rv_value *values) {
    const size_t admitted = find_admitted(stream, type);
    if (admitted == stream->event_type_count) {
        return false;
    }
    const uint16_t *fields = stream->variables + admitted * stream->path.variable_count;
    for (uint32_t v = 0; v < stream->path.variable_count; v++) {
        RV_ASSERT(fields[v] < type->field_count);
        const rv_value *const key = &values[fields[v]];
        if (rv_value_is_null(key) || (key->class_ == RV_VALUE_BYTES && key->as.bytes.len == 0)) {
            return false;
        }
    }
    return true;
}

void rv_event_path(const rv_stream *stream, const rv_event_type *type, const rv_value *values,
                   rv_writer *w) {
    const size_t admitted = find_admitted(stream, type);
    RV_ASSERT(admitted < stream->event_type_count);
    write_path(stream, admitted, type, values, w);
}

rv_status rv_event_path_canonical(const rv_schema *schema, rv_bytes path, rv_arena *scratch,
                                  rv_writer *w) {
    rv_bytes texts[RV_PATH_SEGMENTS_MAX];
    const rv_stream *const stream = rv_schema_stream_of_path(schema, path, texts);
    const size_t start = w->len;
    rv_status status = RV_OK;
    uint32_t v = 0;
    RV_ASSERT(scratch != NULL);
    for (uint32_t s = 0; stream != NULL && s < stream->path.segment_count; s++) {
        rv_write_u8(w, '/');
        if (!stream->path.segments[s].variable) {
            rv_write(w, stream->path.segments[s].text);
            continue;
        }
        /* a variable is of one type in all event types of the stream */
        const rv_event_type *const type = rv_schema_event_type(schema, stream->event_types[0]);
        const rv_field *const field = &type->fields[stream->variables[v]];
        rv_bytes text = texts[v];
        rv_value value = rv_value_null();
        status = rv_path_segment_decode(texts[v++], scratch, &text, NULL);
        if (status == RV_OK) {
            status = rv_value_from_text(&field->type, text, field->name, scratch, &value, NULL);
        }
        if (status != RV_OK) {
            break;
        }
        write_key(&field->type, &value, w);
    }
    if (stream == NULL || status != RV_OK) {
        w->len = start;
        rv_write(w, path);
    }
    return status == RV_MEMORY_EXHAUSTED ? status : RV_OK;
}

/* True when the stream has paths that the pattern matches, but for keys written otherwise. */
static bool may_match(const rv_stream *stream, const rv_path_pattern *pattern) {
    const rv_path_template *const path = &stream->path;
    RV_ASSERT(path->segment_count > 0);
    bool matches = pattern->rest ? path->segment_count > pattern->segment_count
                                 : path->segment_count == pattern->segment_count;
    for (uint32_t s = 0; matches && s < pattern->segment_count; s++) {
        matches = pattern->segments[s].len == 0 || path->segments[s].variable ||
                  rv_bytes_equal(path->segments[s].text, pattern->segments[s]);
    }
    return matches;
}

/* The pattern's segment as the stream has it. RV_VALUE_INVALID and the like: as no key of it. */
static rv_status segment_of_stream(const rv_stream *stream, const rv_event_type *type, uint32_t nth,
                                   rv_bytes segment, rv_arena *scratch, rv_bytes *out) {
    RV_ASSERT(nth < stream->path.segment_count && segment.len > 0);
    *out = segment;
    if (!stream->path.segments[nth].variable) {
        return RV_OK;
    }
    uint32_t v = 0;
    for (uint32_t s = 0; s < nth; s++) {
        v += stream->path.segments[s].variable;
    }
    const rv_field *const field = &type->fields[stream->variables[v]];
    rv_bytes text;
    rv_value value = rv_value_null();
    rv_status status = rv_path_segment_decode(segment, scratch, &text, NULL);
    if (status == RV_OK) {
        status = rv_value_from_text(&field->type, text, field->name, scratch, &value, NULL);
    }
    uint8_t *const room = (uint8_t *)rv_arena_take_raw(scratch, RV_PATH_LEN_MAX);
    if (status != RV_OK || room == NULL) {
        return room == NULL ? RV_MEMORY_EXHAUSTED : status;
    }
    rv_writer w = rv_writer_over(room, RV_PATH_LEN_MAX);
    write_key(&field->type, &value, &w);
    *out = w.full ? segment : rv_writer_bytes(&w);
    return RV_OK;
}

/* One segment of a pattern as the streams have it that it may mean, if they agree. */
static rv_status write_pattern_segment(const rv_schema *schema, const rv_path_pattern *pattern,
                                       uint32_t nth, rv_arena *scratch, rv_writer *w) {
    const rv_bytes given = pattern->segments[nth];
    rv_bytes agreed = {NULL, 0};
    bool differ = false;
    RV_ASSERT(given.len > 0);
    for (uint16_t i = 0; i < rv_schema_stream_count(schema) && !differ; i++) {
        const rv_stream *const stream = rv_schema_stream(schema, i);
        if (!may_match(stream, pattern)) {
            continue;
        }
        const rv_event_type *const type = rv_schema_event_type(schema, stream->event_types[0]);
        const size_t mark = rv_arena_mark(scratch);
        rv_bytes met;
        const rv_status status = segment_of_stream(stream, type, nth, given, scratch, &met);
        if (status == RV_MEMORY_EXHAUSTED) {
            return status;
        }
        if (status == RV_OK && agreed.ptr == NULL) {
            agreed = met;
            continue;
        }
        differ = status == RV_OK && !rv_bytes_equal(agreed, met);
        rv_arena_reset(scratch, mark);
    }
    rv_write(w, differ || agreed.ptr == NULL ? given : agreed);
    return RV_OK;
}

rv_status rv_event_pattern_canonical(const rv_schema *schema, rv_bytes text, rv_arena *scratch,
                                     rv_writer *w) {
    rv_path_pattern pattern;
    size_t at = 1;
    RV_ASSERT(scratch != NULL);
    if (rv_path_pattern_parse(text, &pattern, NULL) != RV_OK) {
        rv_write(w, text); /* who parses it tells why */
        return RV_OK;
    }
    for (uint32_t s = 0; s < pattern.segment_count; s++) {
        size_t end = at;
        while (end < text.len && text.ptr[end] != '/') {
            end += 1;
        }
        rv_write_u8(w, '/');
        if (pattern.segments[s].len == 0) {
            rv_write(w, rv_bytes_of(text.ptr + at, end - at)); /* a wildcard */
        } else {
            const rv_status status = write_pattern_segment(schema, &pattern, s, scratch, w);
            if (status != RV_OK) {
                return status;
            }
        }
        at = end + 1;
    }
    rv_write_text(w, pattern.rest ? "/**" : "");
    RV_ASSERT(at <= text.len + 1);
    return RV_OK;
}

static void write_uint_member(rv_writer *w, const char *name, uint64_t value) {
    RV_ASSERT(name[0] != '\0');
    rv_write_text(w, name);
    if (value == 0) {
        rv_write_text(w, "null"); /* of a pending event: not decided yet */
    } else {
        rv_write_uint(w, value);
    }
}

static void write_data(const rv_schema *schema, const rv_event *event, rv_writer *w) {
    if (event->type == RV_SYSTEM_SCHEMA_TYPE) {
        write_uint_member(w, "{\"version\":", event->schema_version);
        rv_write_text(w, ",\"text\":");
        rv_write_json_string(w, event->data);
        rv_write_u8(w, '}');
    } else {
        RV_ASSERT(event->type < rv_schema_event_type_count(schema));
        const rv_event_type *type = rv_schema_event_type(schema, event->type);
        rv_event_data_members_to_json(type, event->data, w);
    }
}

void rv_event_time_to_json(int64_t unix_us, rv_writer *w) {
    static const rv_type timestamptz = {.kind = RV_TYPE_TIMESTAMPTZ};
    RV_ASSERT(w != NULL);
    const rv_value value = rv_value_int(unix_us - RV_EPOCH_DIFFERENCE_US);
    rv_value_to_json(&timestamptz, &value, w);
}

void rv_event_to_json(const rv_schema *schema, const rv_event *event, rv_bytes path, rv_writer *w) {
    RV_ASSERT(schema != NULL && event != NULL);
    const bool system = event->type == RV_SYSTEM_SCHEMA_TYPE;
    rv_write_u8(w, '{');
    write_uint_member(w, "\"position\":", event->position);
    rv_write_text(w, ",\"path\":");
    rv_write_json_string(w, path);
    write_uint_member(w, ",\"version\":", event->version);
    rv_write_text(w, ",\"type\":");
    rv_write_json_string(w, system ? RV_LITERAL(RV_SYSTEM_SCHEMA_TYPE_NAME)
                                   : rv_schema_event_type(schema, event->type)->name);
    write_uint_member(w, ",\"schema_version\":", event->schema_version);
    rv_write_text(w, ",\"event_id\":\"");
    rv_write_uuid(w, event->event_id);
    rv_write_text(w, "\",\"recorded_at\":");
    if (event->position == 0) {
        rv_write_text(w, "null");
    } else {
        rv_event_time_to_json(event->recorded_at, w);
    }
    rv_write_text(w, ",\"data\":");
    write_data(schema, event, w);
    rv_write_text(w, ",\"metadata\":");
    rv_write(w, event->metadata.len > 0 ? event->metadata : RV_LITERAL("null"));
    rv_write_u8(w, '}');
}
