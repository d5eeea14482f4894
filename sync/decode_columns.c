/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's second half: streams and values out of their columns. */
#include "sync/decode_internal.h"

#define MILLISECOND 1000

/* --- runs --- */

uint64_t rv_decoder_run(rv_decoder *d, uint32_t column, rv_run *run) {
    rv_cursor *const c = column_of(d, column);
    RV_ASSERT(run != NULL);
    if (d->interleaved) {
        return rv_read_varint(c);
    }
    if (run->count == 0) {
        run->value = rv_read_varint(c);
        run->count = rv_read_varint(c);
        return run->value;
    }
    run->count -= 1;
    return run->value;
}

/* --- streams --- */

static bool take_bytes(rv_decoder *d, rv_bytes bytes) {
    rv_plan *const plan = &d->plan;
    if (bytes.len > RV_COLUMNS_PATHS_MAX - plan->paths_len) {
        return false;
    }
    if (bytes.len > 0) {
        memmove(plan->paths + plan->paths_len, bytes.ptr, bytes.len);
    }
    plan->paths_len += (uint32_t)bytes.len;
    RV_ASSERT(plan->paths_len <= RV_COLUMNS_PATHS_MAX);
    return true;
}

static bool take_text_key(rv_decoder *d, rv_bytes before) {
    rv_cursor *const c = column_of(d, RV_COLUMN_STREAMS);
    const uint64_t common = rv_read_varint(c);
    const rv_bytes rest = rv_read_blob(c);
    RV_ASSERT(before.len <= RV_PATH_LEN_MAX);
    return !c->bad && common <= before.len &&
           take_bytes(d, rv_bytes_of(before.ptr, (size_t)common)) && take_bytes(d, rest);
}

static rv_bytes key_text(const rv_plan_stream *stream, uint32_t v) {
    RV_ASSERT(v < RV_COLUMNS_KEYS_MAX);
    return stream->declaration == RV_NONE
               ? stream->path
               : rv_bytes_of(stream->path.ptr + stream->key_starts[v], stream->key_lens[v]);
}

/* A variable, written to the path. */
static bool take_key(rv_decoder *d, rv_plan_stream *stream, const rv_plan_stream *before,
                     const rv_stream *declared, uint32_t v, uint32_t path_start) {
    const uint32_t start = d->plan.paths_len;
    bool good;
    RV_ASSERT(v < RV_COLUMNS_KEYS_MAX && start >= path_start);
    if (rv_plan_key_integer(d->schema, declared, v)) {
        rv_cursor *const c = column_of(d, RV_COLUMN_STREAMS);
        uint8_t digits[24];
        rv_writer w = rv_writer_over(digits, sizeof digits);
        stream->key_integers[v] = add(before->key_integers[v], rv_read_varint(c));
        rv_write_int(&w, stream->key_integers[v]);
        good = !c->bad && take_bytes(d, rv_writer_bytes(&w));
    } else {
        good = take_text_key(d, key_text(before, v));
    }
    const uint32_t len = d->plan.paths_len - start;
    if (!good || len == 0 || d->plan.paths_len - path_start > RV_PATH_LEN_MAX ||
        memchr(d->plan.paths + start, '/', len) != NULL ||
        memchr(d->plan.paths + start, '%', len) != NULL) {
        return false;
    }
    stream->key_starts[v] = (uint16_t)(start - path_start);
    stream->key_lens[v] = (uint16_t)len;
    return true;
}

/* Composes the path of a template from its variables. */
static bool take_template(rv_decoder *d, rv_plan_stream *stream, const rv_plan_stream *before,
                          const rv_stream *declared) {
    const uint32_t path_start = d->plan.paths_len;
    uint32_t v = 0;
    RV_ASSERT(declared->path.segment_count <= RV_PATH_SEGMENTS_MAX);
    for (uint32_t s = 0; s < declared->path.segment_count; s++) {
        const rv_path_segment *const segment = &declared->path.segments[s];
        if (!take_bytes(d, RV_LITERAL("/"))) {
            return false;
        }
        const bool good = segment->variable ? take_key(d, stream, before, declared, v, path_start)
                                            : take_bytes(d, segment->text);
        if (!good) {
            return false;
        }
        v += segment->variable;
    }
    RV_ASSERT(v == declared->path.variable_count);
    return true;
}

bool rv_decoder_stream(rv_decoder *d, uint32_t number) {
    rv_plan *const plan = &d->plan;
    rv_cursor *const c = column_of(d, RV_COLUMN_STREAMS);
    static const rv_plan_stream none = {.declaration = RV_NONE};
    rv_plan_stream *const stream = &plan->streams[number];
    const uint64_t declaration = rv_read_varint(c);
    RV_ASSERT(number < plan->stream_count);
    if (c->bad || declaration > rv_schema_stream_count(d->schema)) {
        return false;
    }
    memset(stream, 0, sizeof *stream);
    stream->declaration = (uint16_t)(declaration - 1);
    const rv_plan_stream *before = number == 0 ? &none : stream - 1;
    before = before->declaration == stream->declaration ? before : &none;
    const uint32_t start = plan->paths_len;
    bool good;
    if (stream->declaration == RV_NONE) {
        good = take_text_key(d, before->path);
    } else {
        const rv_stream *const declared = rv_schema_stream(d->schema, stream->declaration);
        good = rv_plan_templated(declared) && take_template(d, stream, before, declared);
    }
    const uint32_t len = plan->paths_len - start;
    stream->path = rv_bytes_of(plan->paths + start, len);
    stream->version = rv_read_varint(c) - 1;
    return good && len > 0 && len <= RV_PATH_LEN_MAX && !c->bad && stream->version != UINT64_MAX;
}

/* --- values --- */

/* A value that the dictionary does not have yet. */
static bool take_new(rv_decoder *d, uint16_t group, rv_plan_entry *entry) {
    rv_plan_group *const g = &d->plan.groups[group];
    const uint32_t column = rv_plan_group_column(group);
    rv_cursor *const c = column_of(d, column);
    *entry = (rv_plan_entry){.bytes = {NULL, 0}, .bits = 0, .group = group};
    RV_ASSERT(group < d->plan.group_count);
    if (g->class_ == RV_VALUE_BYTES) {
        const uint64_t len = rv_read_varint(c);
        entry->keyed = (len & 1) != 0;
        entry->bytes = rv_read(column_of(d, column + 1), len >> 1);
        return !c->bad && !column_of(d, column + 1)->bad;
    }
    if (g->class_ == RV_VALUE_INT) {
        g->last = add(g->last, rv_read_varint(c));
        entry->bits = (uint64_t)g->last;
    } else {
        RV_ASSERT(g->class_ == RV_VALUE_FLOAT);
        entry->bits = rv_read_u64(c);
    }
    return !c->bad;
}

/* A value of a column of mode RANK, as a dictionary entry. False: malformed. */
static bool take_rank(rv_decoder *d, uint32_t column, uint32_t table, uint16_t group,
                      uint32_t stream, rv_plan_entry *entry, bool *null) {
    rv_plan *const plan = &d->plan;
    rv_cursor *const c = column_of(d, column);
    uint8_t *const context = rv_plan_context(plan, stream, group);
    const uint64_t symbol = rv_read_varint(c);
    uint16_t id = 0;
    RV_ASSERT(table < RV_RANK_TABLES_MAX);
    *null = false;
    if (c->bad) {
        return false;
    }
    if (symbol == RV_RANK_NEW) {
        if (!take_new(d, group, entry)) {
            return false;
        }
        id = rv_plan_add_entry(plan, entry);
        if (id != 0) {
            (void)rv_ranks_put(&plan->ranks, table, *context, id);
        }
        *context = id != 0 ? rv_plan_context_after(plan, id) : RV_RANK_CONTEXTS - 1;
        return true;
    }
    if (symbol < RV_RANK_KNOWN) {
        if (!rv_ranks_take(&plan->ranks, table, *context, (uint32_t)symbol, &id)) {
            return false;
        }
    } else {
        if (symbol - RV_RANK_KNOWN >= plan->entry_count) {
            return false;
        }
        id = (uint16_t)(symbol - RV_RANK_KNOWN);
        (void)rv_ranks_put(&plan->ranks, table, *context, id);
    }
    *entry = plan->entries[id];
    *null = id == 0;
    *context = rv_plan_context_after(plan, id);
    return id == 0 || entry->group == group;
}

/* Writes an entry of the dictionary as a value of the type; a keyed string has the stream's key
 * before its bytes. */
static bool write_entry(rv_decoder *d, const rv_plan_entry *entry, const rv_plan_field *field,
                        uint32_t stream, rv_writer *w) {
    rv_value value = rv_value_int((int64_t)entry->bits);
    RV_ASSERT(field->type != NULL);
    if (entry->keyed) {
        const rv_bytes key = rv_plan_key_text(&d->plan.streams[stream], d->schema);
        const size_t len = key.len + entry->bytes.len;
        const size_t fixed = rv_type_bytes_len(field->type->kind);
        if (fixed == 0) {
            rv_write_varint(w, len);
        } else if (len != fixed) {
            return false;
        }
        rv_write(w, key);
        rv_write(w, entry->bytes);
        return !w->full;
    }
    if (field->class_ == RV_VALUE_FLOAT) {
        if (!rv_float_bits_valid(entry->bits, rv_float_width_of(field->type->kind))) {
            return false;
        }
        value = rv_value_float(rv_float_of_bits(entry->bits));
    } else if (field->class_ == RV_VALUE_BYTES) {
        value = rv_value_bytes(entry->bytes);
        const size_t fixed = rv_type_bytes_len(field->type->kind);
        if (fixed > 0 && entry->bytes.len != fixed) {
            return false;
        }
    }
    rv_value_encode(field->type, &value, w);
    return !w->full;
}

static bool take_time(rv_decoder *d, uint32_t f, rv_value *value) {
    rv_plan_field *const field = &d->plan.fields[f];
    const uint32_t column = rv_plan_field_column(&d->plan, f);
    RV_ASSERT(field->mode == RV_COLUMN_TIME);
    if (field->nullable) {
        const uint64_t present = rv_decoder_run(d, column + 1, &field->presence);
        if (present > 1 || column_of(d, column + 1)->bad) {
            return false;
        }
        if (present == 0) {
            *value = rv_value_null();
            return true;
        }
    }
    rv_cursor *const c = column_of(d, column);
    d->last_time = add(d->last_time, rv_read_varint(c));
    const uint64_t unit = d->plan.milliseconds ? MILLISECOND : 1;
    *value = rv_value_int((int64_t)((uint64_t)d->last_time * unit));
    return !c->bad;
}

static bool take_path_key(const rv_decoder *d, const rv_plan_field *field, uint32_t stream,
                          rv_value *value) {
    const rv_plan_stream *const s = &d->plan.streams[stream];
    const uint32_t v = (uint32_t)field->mode - RV_COLUMN_KEY;
    RV_ASSERT(v < RV_COLUMNS_KEYS_MAX);
    if (s->declaration == RV_NONE) {
        return false;
    }
    const rv_stream *const declared = rv_schema_stream(d->schema, s->declaration);
    if (v >= declared->path.variable_count ||
        rv_plan_key_integer(d->schema, declared, v) != (field->class_ == RV_VALUE_INT)) {
        return false;
    }
    *value = field->class_ == RV_VALUE_INT ? rv_value_int(s->key_integers[v])
                                           : rv_value_bytes(key_text(s, v));
    return true;
}

/* Writes field `f` of the plan to the event's data. False: malformed. */
static bool take_field(rv_decoder *d, uint32_t f, uint32_t stream, bool *null, rv_writer *w) {
    const rv_plan_field *const field = &d->plan.fields[f];
    rv_value value = rv_value_null();
    rv_plan_entry entry;
    *null = false;
    RV_ASSERT(field->mode <= RV_COLUMN_KEY_LAST);
    if (field->mode == RV_COLUMN_RANK) {
        const bool good = take_rank(d, rv_plan_field_column(&d->plan, f), RV_RANK_TABLE_FIELDS + f,
                                    field->group, stream, &entry, null);
        return good && (*null ? field->nullable : write_entry(d, &entry, field, stream, w));
    }
    const bool good = field->mode == RV_COLUMN_TIME ? take_time(d, f, &value)
                                                    : take_path_key(d, field, stream, &value);
    *null = rv_value_is_null(&value);
    if (good && !*null) {
        rv_value_encode(field->type, &value, w);
    }
    return good && !w->full;
}

bool rv_decoder_data(rv_decoder *d, const rv_plan_type *type, uint32_t stream, rv_event *event) {
    static const uint8_t no_nulls[RV_FIELDS_MAX / 8] = {0};
    rv_writer w = rv_writer_over(d->data, DATA_SIZE);
    RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
    if (type->type == NULL) {
        rv_plan_entry entry;
        bool null = false;
        const uint32_t f = type->first_field;
        const bool good = take_rank(d, rv_plan_field_column(&d->plan, f), RV_RANK_TABLE_FIELDS + f,
                                    d->plan.fields[f].group, stream, &entry, &null);
        event->data = good ? entry.bytes : RV_LITERAL("");
        return good && !null && !entry.keyed && entry.bytes.len <= RV_SCHEMA_TEXT_MAX;
    }
    rv_write(&w, rv_bytes_of(no_nulls, (size_t)(type->field_count + 7) / 8));
    for (uint16_t i = 0; i < type->field_count; i++) {
        bool null = false;
        if (!take_field(d, (uint32_t)type->first_field + i, stream, &null, &w)) {
            return false;
        }
        d->data[i / 8] |= (uint8_t)(null << (i % 8));
    }
    event->data = rv_writer_bytes(&w);
    return true;
}

bool rv_decoder_opaque(rv_decoder *d, const rv_plan_type *type, rv_event *event) {
    rv_cursor *const c = column_of(d, RV_COLUMN_METADATA);
    RV_ASSERT(event->data.len == 0);
    event->data = rv_read_blob(c);
    return !c->bad && type->type != NULL && event->data.len <= RV_EVENT_LEN_MAX;
}

bool rv_decoder_metadata(rv_decoder *d, uint8_t flags, rv_event *event) {
    rv_plan_entry entry = {.bytes = {NULL, 0}, .bits = 0};
    bool null = false;
    RV_ASSERT((flags & ~RV_EVENT_FLAGS_KNOWN) == 0);
    event->metadata = entry.bytes;
    if ((flags & RV_EVENT_FLAG_METADATA) == 0) {
        return true;
    }
    const bool good =
        take_rank(d, RV_COLUMN_METADATA, RV_RANK_TABLE_METADATA, 0, d->stream, &entry, &null);
    event->metadata = entry.bytes;
    return good && !null && !entry.keyed && entry.bytes.len > 0 &&
           entry.bytes.len <= RV_METADATA_LEN_MAX;
}
