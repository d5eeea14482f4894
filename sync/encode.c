/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/encode.h"

#include "sync/encode_internal.h"

rv_encoder *rv_encoder_create(rv_arena *arena) {
    RV_ASSERT(arena != NULL);
    rv_encoder *const e = rv_arena_take(arena, sizeof *e);
    const size_t mark = rv_arena_mark(arena);
    if (e == NULL || !rv_plan_create(&e->plan, arena) || !rv_chunks_create(&e->chunks, arena)) {
        return NULL;
    }
    e->staged = rv_arena_take_raw(arena, sizeof(rv_staged) * RV_COLUMNS_EVENTS_MAX);
    e->data = rv_arena_take_raw(arena, DATA_SIZE);
    e->stream_slots = rv_arena_take_raw(arena, sizeof(uint16_t) * STREAM_SLOTS);
    e->entry_slots = rv_arena_take_raw(arena, sizeof(uint16_t) * ENTRY_SLOTS);
    e->arrays = (rv_unused_run){arena->ptr + mark, arena->len - mark};
    const bool whole =
        e->staged != NULL && e->data != NULL && e->stream_slots != NULL && e->entry_slots != NULL;
    return whole ? e : NULL;
}

void rv_encoder_unused(const rv_encoder *e, rv_unused *unused) {
    RV_ASSERT(e->arrays.ptr != NULL);
    rv_unused_add(unused, e->arrays.ptr, e->arrays.len);
}

void rv_encoder_begin(rv_encoder *e, const rv_schema *schema, uint32_t events_max,
                      size_t bytes_max) {
    RV_ASSERT(events_max >= 1 && events_max <= RV_COLUMNS_EVENTS_MAX);
    RV_ASSERT(schema != NULL);
    rv_plan_reset(&e->plan);
    e->schema = schema;
    e->events_max = events_max;
    e->bytes_max = bytes_max < RV_ENCODER_BYTES ? bytes_max : RV_ENCODER_BYTES;
    e->count = 0;
    e->data_len = 0;
    e->ended = false;
    e->slot_mask = 63;
    while (e->slot_mask < 2 * events_max && e->slot_mask < STREAM_SLOTS - 1) {
        e->slot_mask = e->slot_mask * 2 + 1;
    }
    memset(e->type_used, 0, sizeof e->type_used);
    memset(e->stream_slots, 0xff, sizeof(uint16_t) * ((size_t)e->slot_mask + 1));
}

uint32_t rv_encoder_count(const rv_encoder *e) {
    RV_ASSERT(e->count <= RV_COLUMNS_EVENTS_MAX);
    return e->count;
}

rv_writer rv_encoder_spare(rv_encoder *e) {
    return rv_chunks_memory(&e->chunks);
}

/* The slot of a stream number: its entry, or the free one where it belongs. */
static uint16_t *stream_slot(rv_encoder *e, uint32_t number) {
    uint32_t i = (uint32_t)(((uint64_t)number * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & e->slot_mask;
    for (uint32_t n = 0; n <= e->slot_mask; n++) {
        const uint16_t s = e->stream_slots[i];
        if (s == NO_STREAM || e->plan.streams[s].number == number) {
            break;
        }
        i = (i + 1) & e->slot_mask;
    }
    RV_ASSERT(e->stream_slots[i] == NO_STREAM || e->stream_slots[i] < e->plan.stream_count);
    return &e->stream_slots[i];
}

/* The number that this text is, if it is the text of that number. */
static bool canonical_integer(rv_bytes text, int64_t *value) {
    const bool negative = text.len > 0 && text.ptr[0] == '-';
    const size_t begin = negative ? 1 : 0;
    const size_t digits = text.len - begin;
    RV_ASSERT(begin <= text.len);
    if (digits == 0 || digits > 18 || (text.ptr[begin] == '0' && (digits > 1 || negative))) {
        return false;
    }
    int64_t v = 0;
    for (size_t i = begin; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        v = v * 10 + (text.ptr[i] - '0');
    }
    *value = negative ? -v : v;
    return true;
}

/* Finds the variables in the path. False: it must be sent whole. */
static bool find_keys(const rv_encoder *e, rv_plan_stream *stream, uint16_t declaration) {
    const rv_stream *const declared = rv_schema_stream(e->schema, declaration);
    rv_bytes values[RV_PATH_SEGMENTS_MAX];
    if (!rv_plan_templated(declared) ||
        !rv_path_template_match(&declared->path, stream->path, values)) {
        return false;
    }
    for (uint32_t v = 0; v < declared->path.variable_count; v++) {
        RV_ASSERT(v < RV_COLUMNS_KEYS_MAX);
        if (values[v].len == 0 || memchr(values[v].ptr, '%', values[v].len) != NULL) {
            return false;
        }
        stream->key_starts[v] = (uint16_t)(values[v].ptr - stream->path.ptr);
        stream->key_lens[v] = (uint16_t)values[v].len;
        if (rv_plan_key_integer(e->schema, declared, v) &&
            !canonical_integer(values[v], &stream->key_integers[v])) {
            return false;
        }
    }
    return true;
}

/* Adds the stream; false when there is no room. */
static bool add_stream(rv_encoder *e, uint16_t *slot, uint32_t number, rv_bytes path,
                       uint16_t declaration) {
    rv_plan *const plan = &e->plan;
    RV_ASSERT(plan->stream_count < RV_COLUMNS_EVENTS_MAX);
    const size_t contexts = ((size_t)plan->stream_count + 1) * (plan->field_count + 1);
    const bool first = plan->stream_count == 0;
    if (path.len > RV_COLUMNS_PATHS_MAX - plan->paths_len ||
        (contexts > RV_COLUMNS_CONTEXTS_MAX && !first)) {
        return false;
    }
    uint8_t *const copy = plan->paths + plan->paths_len;
    memcpy(copy, path.ptr, path.len);
    plan->paths_len += (uint32_t)path.len;
    rv_plan_stream *const stream = &plan->streams[plan->stream_count];
    memset(stream, 0, sizeof *stream);
    stream->path = rv_bytes_of(copy, path.len);
    stream->number = number;
    stream->declaration = RV_NONE;
    if (declaration != RV_NONE && find_keys(e, stream, declaration)) {
        stream->declaration = declaration;
    }
    *slot = (uint16_t)plan->stream_count;
    plan->stream_count += 1;
    return true;
}

/* The index of the type in the message, added when it is new; type_count when it does not fit. */
static uint32_t type_index(rv_encoder *e, uint16_t number) {
    rv_plan *const plan = &e->plan;
    for (uint32_t t = 0; t < plan->type_count; t++) {
        if (plan->types[t].number == number) {
            return t;
        }
    }
    const uint32_t t = plan->type_count;
    const bool system = number == RV_SYSTEM_SCHEMA_TYPE;
    const rv_event_type *const type = system ? NULL : rv_schema_event_type(e->schema, number);
    const uint32_t fields = plan->field_count + (system ? 1 : type->field_count);
    const size_t contexts = (size_t)plan->stream_count * (fields + 1);
    RV_ASSERT(e->count > 0 || plan->stream_count == 1);
    if (contexts > RV_COLUMNS_CONTEXTS_MAX || !rv_plan_add_type(plan, type, number)) {
        return plan->type_count;
    }
    return t;
}

static void stage(rv_encoder *e, const rv_event *event, uint16_t stream, uint16_t type) {
    rv_staged *const s = &e->staged[e->count];
    *s = (rv_staged){.position = event->position,
                     .version = event->version,
                     .recorded_at = event->recorded_at,
                     .written_at = event->written_at,
                     .schema_version = event->schema_version,
                     .data_at = (uint32_t)e->data_len,
                     .data_len = (uint32_t)event->data.len,
                     .metadata_len = (uint32_t)event->metadata.len,
                     .stream = stream,
                     .type = type};
    uint8_t *const to = e->data + e->data_len;
    if (event->data.len > 0) {
        memcpy(to, event->data.ptr, event->data.len);
    }
    if (event->metadata.len > 0) {
        memcpy(to + event->data.len, event->metadata.ptr, event->metadata.len);
        s->flags |= RV_EVENT_FLAG_METADATA;
    }
    e->data_len += event->data.len + event->metadata.len;
    if (event->foreign_id) {
        memcpy(e->data + e->data_len, event->event_id, sizeof event->event_id);
        e->data_len += sizeof event->event_id;
        s->flags |= RV_EVENT_FLAG_FOREIGN;
    }
    s->flags |= event->batch_end ? RV_EVENT_FLAG_BATCH_END : 0;
    s->flags |= event->written_at != event->recorded_at ? RV_EVENT_FLAG_WRITTEN : 0;
    e->count += 1;
    RV_ASSERT(e->data_len <= DATA_SIZE && e->count <= RV_COLUMNS_EVENTS_MAX);
}

bool rv_encoder_add(rv_encoder *e, const rv_event *event, rv_bytes path, uint16_t declaration) {
    RV_ASSERT(path.len > 0 && path.len <= RV_PATH_LEN_MAX);
    const size_t len = event->data.len + event->metadata.len + sizeof event->event_id;
    RV_ASSERT(len <= DATA_SIZE);
    rv_plan *const plan = &e->plan;
    if (e->count > 0 &&
        (e->ended || e->count == e->events_max ||
         e->data_len + len + (size_t)e->count * RV_ENCODER_EVENT_COST > e->bytes_max)) {
        return false;
    }
    uint16_t *const slot = stream_slot(e, event->stream);
    const bool added = *slot == NO_STREAM;
    const uint32_t paths_len = plan->paths_len;
    if (added && !add_stream(e, slot, event->stream, path, declaration)) {
        return false;
    }
    const uint32_t t = type_index(e, event->type);
    if (t == plan->type_count) {
        if (added) {
            plan->stream_count -= 1;
            plan->paths_len = paths_len;
            *slot = NO_STREAM;
        }
        return false;
    }
    rv_plan_type *const type = &plan->types[t];
    const uint16_t met = plan->streams[*slot].declaration;
    const bool same = !e->type_used[t] || type->declaration == met;
    type->declaration = same ? met : RV_NONE;
    e->type_used[t] = true;
    stage(e, event, *slot, (uint16_t)t);
    e->ended = event->type == RV_SYSTEM_SCHEMA_TYPE;
    return true;
}
