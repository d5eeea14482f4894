/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's second half: what was staged becomes columns. */
#include "sync/encode_internal.h"

#define INTERLEAVED_EVENTS 16u /* up to so many events there is one column */
#define MILLISECOND        1000

/* --- modes --- */

/* The variable of the path that carries the field's value, or RV_COLUMNS_KEYS_MAX. */
static uint32_t key_of(const rv_schema *schema, const rv_plan_type *type, uint16_t f) {
    const rv_stream *const stream = rv_schema_stream(schema, type->declaration);
    const uint32_t variables = stream->path.variable_count;
    RV_ASSERT(rv_plan_templated(stream));
    for (uint32_t a = 0; a < stream->event_type_count; a++) {
        if (stream->event_types[a] != type->number) {
            continue;
        }
        for (uint32_t v = 0; v < variables; v++) {
            const rv_type_kind kind = type->type->fields[f].type.kind;
            const bool text = kind == RV_TYPE_TEXT || kind == RV_TYPE_VARCHAR;
            const bool integer = rv_type_class(&type->type->fields[f].type) == RV_VALUE_INT &&
                                 kind <= RV_TYPE_BIGINT;
            const bool sent_as_integer = rv_plan_key_integer(schema, stream, v);
            if (stream->variables[a * variables + v] == f && (sent_as_integer ? integer : text)) {
                return v;
            }
        }
    }
    return RV_COLUMNS_KEYS_MAX;
}

static void choose_modes(rv_encoder *e) {
    rv_plan *const plan = &e->plan;
    for (uint32_t t = 0; t < plan->type_count; t++) {
        const rv_plan_type *const type = &plan->types[t];
        RV_ASSERT(type->first_field + type->field_count <= plan->field_count);
        for (uint16_t f = 0; f < type->field_count; f++) {
            rv_plan_field *const field = &plan->fields[type->first_field + f];
            const rv_type_kind kind = field->type == NULL ? RV_TYPE_TEXT : field->type->kind;
            const bool time = kind == RV_TYPE_TIMESTAMP || kind == RV_TYPE_TIMESTAMPTZ;
            const bool keyed = type->type != NULL && type->declaration != RV_NONE;
            const uint32_t key = keyed ? key_of(e->schema, type, f) : RV_COLUMNS_KEYS_MAX;
            field->mode = (uint8_t)(key < RV_COLUMNS_KEYS_MAX ? RV_COLUMN_KEY + key
                                    : time                    ? (uint32_t)RV_COLUMN_TIME
                                                              : (uint32_t)RV_COLUMN_RANK);
        }
    }
}

/* --- runs --- */

static void end_run(rv_chunks *chunks, uint32_t column, const rv_run *run) {
    RV_ASSERT(column < chunks->column_count);
    if (run->count > 0) {
        rv_chunks_varint(chunks, column, run->value);
        rv_chunks_varint(chunks, column, run->count - 1);
    }
}

static void put_run(rv_chunks *chunks, uint32_t column, rv_run *run, uint64_t value) {
    if (chunks->interleaved) {
        rv_chunks_varint(chunks, column, value);
        return;
    }
    if (run->count > 0 && run->value == value) {
        run->count += 1;
        return;
    }
    end_run(chunks, column, run);
    *run = (rv_run){value, 1};
    RV_ASSERT(run->count == 1);
}

static uint64_t zigzag_difference(uint64_t a, uint64_t b) {
    const int64_t difference = (int64_t)(a - b);
    return ((uint64_t)difference << 1) ^ (difference < 0 ? UINT64_MAX : 0);
}

/* --- the dictionary --- */

/* The id of a value, 0 when it is new: then it has been added if there is room, as `*added`. */
static uint16_t entry_id(rv_encoder *e, const rv_plan_entry *value, uint16_t *added) {
    const uint64_t seed = ((uint64_t)value->group << 1) + value->keyed;
    const uint64_t hash = value->bytes.ptr == NULL
                              ? (value->bits ^ (seed << 48)) * UINT64_C(0x9e3779b97f4a7c15)
                              : rv_hash64(seed, value->bytes);
    uint32_t i = (uint32_t)(hash >> 32) & e->entry_mask;
    for (uint32_t n = 0; n <= e->entry_mask && e->entry_slots[i] != 0; n++) {
        const rv_plan_entry *const entry = &e->plan.entries[e->entry_slots[i]];
        if (entry->group == value->group && entry->bits == value->bits &&
            entry->keyed == value->keyed && rv_bytes_equal(entry->bytes, value->bytes)) {
            return e->entry_slots[i];
        }
        i = (i + 1) & e->entry_mask;
    }
    *added = rv_plan_add_entry(&e->plan, value);
    if (*added != 0) {
        RV_ASSERT(e->entry_slots[i] == 0);
        e->entry_slots[i] = *added;
    }
    return 0;
}

/* What a value of a field is in the dictionary. */
static rv_plan_entry entry_of(const rv_plan *plan, uint16_t group, const rv_value *value,
                              rv_bytes key) {
    rv_plan_entry entry = {.bytes = {NULL, 0}, .bits = 0, .group = group};
    RV_ASSERT(group < plan->group_count && !rv_value_is_null(value));
    if (value->class_ == RV_VALUE_INT) {
        entry.bits = (uint64_t)value->as.integer;
    } else if (value->class_ == RV_VALUE_FLOAT) {
        memcpy(&entry.bits, &value->as.real, sizeof entry.bits);
    } else {
        entry.bytes = value->as.bytes;
        entry.keyed = key.len >= 2 && entry.bytes.len > key.len &&
                      memcmp(entry.bytes.ptr, key.ptr, key.len) == 0;
        entry.bytes = rv_bytes_from(entry.bytes, entry.keyed ? key.len : 0);
        entry.bytes.ptr = entry.bytes.len == 0 ? (const uint8_t *)"" : entry.bytes.ptr;
    }
    return entry;
}

/* Writes a value that the dictionary did not have. */
static void put_new(rv_encoder *e, const rv_plan_entry *entry) {
    rv_plan_group *const group = &e->plan.groups[entry->group];
    const uint32_t column = rv_plan_group_column(entry->group);
    if (group->class_ == RV_VALUE_BYTES) {
        RV_ASSERT(entry->bytes.len < UINT32_MAX);
        rv_chunks_varint(&e->chunks, column, ((uint64_t)entry->bytes.len << 1) | entry->keyed);
        rv_chunks_write(&e->chunks, column + 1, entry->bytes);
    } else if (group->class_ == RV_VALUE_INT) {
        rv_chunks_varint(&e->chunks, column, zigzag_difference(entry->bits, (uint64_t)group->last));
        group->last = (int64_t)entry->bits;
    } else {
        uint8_t raw[8];
        RV_ASSERT(group->class_ == RV_VALUE_FLOAT);
        rv_store_u64(raw, entry->bits);
        rv_chunks_write(&e->chunks, column, rv_bytes_of(raw, sizeof raw));
    }
}

/* Writes a value to a column of mode RANK. */
static void put_rank(rv_encoder *e, uint32_t column, uint32_t table, uint16_t group,
                     uint32_t stream, const rv_value *value) {
    rv_plan *const plan = &e->plan;
    uint8_t *const context = rv_plan_context(plan, stream, group);
    RV_ASSERT(table < RV_RANK_TABLES_MAX);
    if (rv_value_is_null(value)) {
        const uint32_t place = rv_ranks_put(&plan->ranks, table, *context, 0);
        rv_chunks_varint(&e->chunks, column, place > 0 ? place : RV_RANK_KNOWN);
        *context = rv_plan_context_after(plan, 0);
        return;
    }
    const bool keyed = table >= RV_RANK_TABLE_FIELDS && value->class_ == RV_VALUE_BYTES;
    const rv_bytes key =
        keyed ? rv_plan_key_text(&plan->streams[stream], e->schema) : rv_bytes_of(NULL, 0);
    const rv_plan_entry entry = entry_of(plan, group, value, key);
    uint16_t added = 0;
    const uint16_t id = entry_id(e, &entry, &added);
    if (id == 0) {
        rv_chunks_varint(&e->chunks, column, RV_RANK_NEW);
        put_new(e, &entry);
        if (added != 0) {
            (void)rv_ranks_put(&plan->ranks, table, *context, added);
        }
        *context = added != 0 ? rv_plan_context_after(plan, added) : RV_RANK_CONTEXTS - 1;
        return;
    }
    const uint32_t place = rv_ranks_put(&plan->ranks, table, *context, id);
    rv_chunks_varint(&e->chunks, column, place > 0 ? place : RV_RANK_KNOWN + id);
    *context = rv_plan_context_after(plan, id);
}

/* --- streams --- */

/* Writes a variable that is text: what it has in common with the one before, and the rest. */
static void put_text_key(rv_encoder *e, rv_bytes text, rv_bytes before) {
    size_t common = 0;
    const size_t common_max = text.len < before.len ? text.len : before.len;
    while (common < common_max && text.ptr[common] == before.ptr[common]) {
        common += 1;
    }
    rv_chunks_varint(&e->chunks, RV_COLUMN_STREAMS, common);
    rv_chunks_varint(&e->chunks, RV_COLUMN_STREAMS, text.len - common);
    RV_ASSERT(common <= text.len);
    rv_chunks_write(&e->chunks, RV_COLUMN_STREAMS, rv_bytes_from(text, common));
}

/* The text of variable `v`; of a stream that is sent whole, its path. */
static rv_bytes key_text(const rv_plan_stream *stream, uint32_t v) {
    RV_ASSERT(v < RV_COLUMNS_KEYS_MAX);
    return stream->declaration == RV_NONE
               ? stream->path
               : rv_bytes_of(stream->path.ptr + stream->key_starts[v], stream->key_lens[v]);
}

/* Writes a stream that the message has not had yet. The stream before it is what it is compared
 * with. */
static void put_stream(rv_encoder *e, uint32_t number) {
    const rv_plan_stream *const stream = &e->plan.streams[number];
    static const rv_plan_stream none = {.declaration = RV_NONE};
    const rv_plan_stream *before = number == 0 ? &none : stream - 1;
    RV_ASSERT(number == e->streams_written);
    e->streams_written += 1;
    before = before->declaration == stream->declaration ? before : &none;
    rv_chunks_varint(&e->chunks, RV_COLUMN_STREAMS, (uint16_t)(stream->declaration + 1));
    if (stream->declaration == RV_NONE) {
        put_text_key(e, stream->path, before->path);
        return;
    }
    const rv_stream *const declared = rv_schema_stream(e->schema, stream->declaration);
    for (uint32_t v = 0; v < declared->path.variable_count; v++) {
        RV_ASSERT(v < RV_COLUMNS_KEYS_MAX);
        if (rv_plan_key_integer(e->schema, declared, v)) {
            rv_chunks_varint(&e->chunks, RV_COLUMN_STREAMS,
                             zigzag_difference((uint64_t)stream->key_integers[v],
                                               (uint64_t)before->key_integers[v]));
        } else {
            put_text_key(e, key_text(stream, v), key_text(before, v));
        }
    }
}

/* --- events --- */

static void put_place(rv_encoder *e, uint32_t i, const rv_staged *before) {
    rv_chunks *const chunks = &e->chunks;
    const rv_staged *const s = &e->staged[i];
    rv_plan_stream *const stream = &e->plan.streams[s->stream];
    put_run(chunks, RV_COLUMN_FLAGS, &e->runs[RV_COLUMN_FLAGS], s->flags);
    put_run(chunks, RV_COLUMN_GAPS, &e->runs[RV_COLUMN_GAPS], s->position - before->position - 1);
    put_run(chunks, RV_COLUMN_RECORDED, &e->runs[RV_COLUMN_RECORDED],
            zigzag_difference((uint64_t)s->recorded_at, (uint64_t)before->recorded_at));
    put_run(chunks, RV_COLUMN_SCHEMA, &e->runs[RV_COLUMN_SCHEMA],
            zigzag_difference(s->schema_version, before->schema_version));
    if ((s->flags & RV_EVENT_FLAG_WRITTEN) != 0) {
        rv_chunks_varint(chunks, RV_COLUMN_WRITTEN,
                         zigzag_difference((uint64_t)s->written_at, (uint64_t)s->recorded_at));
    }
    if ((s->flags & RV_EVENT_FLAG_FOREIGN) != 0) {
        const uint8_t *const id = e->data + s->data_at + s->data_len + s->metadata_len;
        rv_chunks_write(chunks, RV_COLUMN_IDS, rv_bytes_of(id, 16));
    }
    if (s->stream == e->streams_written) {
        rv_chunks_varint(chunks, RV_COLUMN_DISTANCES, 0);
        put_stream(e, s->stream);
        rv_chunks_varint(chunks, RV_COLUMN_STREAMS, s->version);
        stream->last_type = 0;
    } else {
        RV_ASSERT(s->stream < e->streams_written && stream->last_event < i);
        rv_chunks_varint(chunks, RV_COLUMN_DISTANCES, i - stream->last_event);
        put_run(chunks, RV_COLUMN_VERSIONS, &e->runs[RV_COLUMN_VERSIONS],
                s->version - stream->version - 1);
    }
    const uint32_t place =
        rv_ranks_put(&e->plan.ranks, RV_RANK_TABLE_TYPES, stream->last_type, s->type);
    rv_chunks_varint(chunks, RV_COLUMN_TYPES, place > 0 ? place : RV_RANK_KNOWN + s->type);
    stream->last_type = (uint16_t)(s->type + 1);
    stream->last_event = (uint16_t)i;
    stream->version = s->version;
}

static void put_time(rv_encoder *e, uint32_t f, const rv_value *value) {
    rv_plan *const plan = &e->plan;
    rv_plan_field *const field = &plan->fields[f];
    const uint32_t column = rv_plan_field_column(plan, f);
    const bool null = rv_value_is_null(value);
    RV_ASSERT(field->mode == RV_COLUMN_TIME && (field->nullable || !null));
    if (field->nullable) {
        put_run(&e->chunks, column + 1, &field->presence, !null);
    }
    if (null) {
        return;
    }
    const int64_t unit = plan->milliseconds ? MILLISECOND : 1;
    const int64_t time = value->as.integer / unit;
    e->milliseconds_hold = e->milliseconds_hold && value->as.integer % unit == 0;
    rv_chunks_varint(&e->chunks, column, zigzag_difference((uint64_t)time, (uint64_t)e->last_time));
    e->last_time = time;
}

/* The fields of an event. What is not understood, or is not what the type says, is opaque. */
static void read_fields(const rv_encoder *e, rv_staged *s, rv_value *values) {
    const rv_plan_type *const type = &e->plan.types[s->type];
    const rv_bytes data = rv_bytes_of(e->data + s->data_at, s->data_len);
    RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
    if (type->type == NULL) {
        values[0] = rv_value_bytes(data);
        return;
    }
    bool good = rv_event_data_decode(type->type, data, values);
    for (uint16_t i = 0; i < type->field_count && good; i++) {
        good = e->plan.fields[type->first_field + i].nullable || !rv_value_is_null(&values[i]);
    }
    s->flags |= good ? 0 : RV_EVENT_FLAG_OPAQUE;
}

static void put_opaque(rv_encoder *e, const rv_staged *s) {
    RV_ASSERT((s->flags & RV_EVENT_FLAG_OPAQUE) != 0);
    rv_chunks_varint(&e->chunks, RV_COLUMN_METADATA, s->data_len);
    rv_chunks_write(&e->chunks, RV_COLUMN_METADATA, rv_bytes_of(e->data + s->data_at, s->data_len));
}

static void put_fields(rv_encoder *e, const rv_staged *s, const rv_value *values) {
    const rv_plan_type *const type = &e->plan.types[s->type];
    RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
    if ((s->flags & RV_EVENT_FLAG_METADATA) != 0) {
        const rv_value metadata = rv_value_bytes(rv_bytes_from(
            rv_bytes_of(e->data + s->data_at, (size_t)s->data_len + s->metadata_len), s->data_len));
        put_rank(e, RV_COLUMN_METADATA, RV_RANK_TABLE_METADATA, 0, s->stream, &metadata);
    }
    if ((s->flags & RV_EVENT_FLAG_OPAQUE) != 0) {
        put_opaque(e, s);
        return;
    }
    for (uint16_t i = 0; i < type->field_count; i++) {
        const uint32_t f = (uint32_t)type->first_field + i;
        const rv_plan_field *const field = &e->plan.fields[f];
        if (field->mode == RV_COLUMN_RANK) {
            put_rank(e, rv_plan_field_column(&e->plan, f), RV_RANK_TABLE_FIELDS + f, field->group,
                     s->stream, &values[i]);
        } else if (field->mode == RV_COLUMN_TIME) {
            put_time(e, f, &values[i]);
        }
    }
}

/* --- the message --- */

static void put_head(rv_encoder *e, const rv_wire_events *head, uint32_t count, uint32_t streams,
                     rv_writer *w) {
    const rv_plan *const plan = &e->plan;
    rv_wire_write_events(w, head);
    rv_write_u8(w, (uint8_t)((e->chunks.interleaved ? RV_EVENTS_INTERLEAVED : 0) |
                             (plan->milliseconds ? RV_EVENTS_MILLISECONDS : 0)));
    rv_write_varint(w, count);
    rv_write_varint(w, streams);
    const uint64_t first = e->staged[0].position;
    RV_ASSERT(head->continues || head->watermark >= first);
    rv_write_varint(w, head->continues ? first : head->watermark - first);
    rv_write_svarint(w, e->staged[0].recorded_at);
    rv_write_varint(w, e->staged[0].schema_version);
    rv_write_varint(w, plan->type_count);
    for (uint32_t t = 0; t < plan->type_count; t++) {
        const rv_plan_type *const type = &plan->types[t];
        RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
        rv_write_varint(w, type->number);
        for (uint16_t f = 0; f < type->field_count; f++) {
            rv_write_u8(w, plan->fields[type->first_field + f].mode);
        }
    }
}

static bool put_events(rv_encoder *e, uint32_t count) {
    const rv_staged *const first = &e->staged[0];
    rv_staged before = {.position = first->position - 1,
                        .recorded_at = first->recorded_at,
                        .schema_version = first->schema_version};
    const rv_staged *previous = &before;
    e->streams_written = 0;
    e->last_time = 0;
    e->milliseconds_hold = true;
    memset(e->runs, 0, sizeof e->runs);
    for (uint32_t i = 0; i < count && !e->chunks.full && e->milliseconds_hold; i++) {
        rv_value values[RV_FIELDS_MAX];
        read_fields(e, &e->staged[i], values);
        put_place(e, i, previous);
        put_fields(e, &e->staged[i], values);
        previous = &e->staged[i];
    }
    for (uint32_t c = 0; c < RV_COLUMN_RUNS_COUNT; c++) {
        end_run(&e->chunks, c, &e->runs[c]);
    }
    for (uint32_t f = 0; f < e->plan.field_count; f++) {
        end_run(&e->chunks, rv_plan_field_column(&e->plan, f) + 1, &e->plan.fields[f].presence);
    }
    RV_ASSERT(e->streams_written <= e->plan.stream_count);
    return !e->chunks.full;
}

/* One attempt, with timestamps in milliseconds or microseconds. */
static bool put_columns(rv_encoder *e, uint32_t count, uint32_t streams, bool milliseconds) {
    rv_plan *const plan = &e->plan;
    uint32_t fields = 1; /* metadata, and the fields of the widest type */
    for (uint32_t t = 0; t < plan->type_count; t++) {
        fields = fields > plan->types[t].field_count ? fields : plan->types[t].field_count + 1u;
    }
    e->entry_mask = 63;
    while (e->entry_mask < 2 * count * fields && e->entry_mask < ENTRY_SLOTS - 1) {
        e->entry_mask = e->entry_mask * 2 + 1;
    }
    memset(e->entry_slots, 0, sizeof(uint16_t) * ((size_t)e->entry_mask + 1));
    plan->milliseconds = milliseconds;
    const bool fits = rv_plan_begin(plan, streams);
    RV_ASSERT(fits); /* staging saw to it */
    rv_chunks_reset(&e->chunks, rv_plan_column_count(plan), count <= INTERLEAVED_EVENTS);
    return put_events(e, count);
}

bool rv_encoder_end(rv_encoder *e, const rv_wire_events *head, uint32_t count, rv_writer *body) {
    RV_ASSERT(count >= 1 && count <= e->count);
    uint32_t streams = 0;
    for (uint32_t i = 0; i < count; i++) {
        streams += e->staged[i].stream == streams;
    }
    RV_ASSERT(streams >= 1 && streams <= e->plan.stream_count);
    choose_modes(e);
    bool written = put_columns(e, count, streams, true);
    if (!e->milliseconds_hold) {
        written = put_columns(e, count, streams, false);
    }
    if (!written) {
        return false;
    }
    put_head(e, head, count, streams, body);
    rv_chunks_join(&e->chunks, body);
    return !body->full;
}
