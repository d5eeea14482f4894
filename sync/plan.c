/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/plan.h"

#define TEXT_FIELD_NAME "text"

RV_STATIC_ASSERT(RV_COLUMN_FIXED_COUNT + 4 * RV_COLUMNS_FIELDS_MAX + 2 <= RV_CHUNK_COLUMNS_MAX,
                 "every column of a message has a place");
RV_STATIC_ASSERT(RV_RANK_TABLE_FIELDS + RV_COLUMNS_FIELDS_MAX <= RV_RANK_TABLES_MAX,
                 "every field has a rank table");
RV_STATIC_ASSERT(RV_FIELDS_MAX <= RV_COLUMNS_FIELDS_MAX, "one type always fits");

bool rv_plan_create(rv_plan *plan, rv_arena *arena) {
    RV_ASSERT(plan != NULL && arena != NULL);
    memset(plan, 0, sizeof *plan);
    plan->types = rv_arena_take_raw(arena, sizeof(rv_plan_type) * RV_COLUMNS_TYPES_MAX);
    plan->fields = rv_arena_take_raw(arena, sizeof(rv_plan_field) * RV_COLUMNS_FIELDS_MAX);
    plan->groups = rv_arena_take_raw(arena, sizeof(rv_plan_group) * (RV_COLUMNS_FIELDS_MAX + 1));
    plan->streams = rv_arena_take_raw(arena, sizeof(rv_plan_stream) * RV_COLUMNS_EVENTS_MAX);
    plan->entries = rv_arena_take_raw(arena, sizeof(rv_plan_entry) * RV_COLUMNS_ENTRIES_MAX);
    plan->contexts = rv_arena_take_raw(arena, RV_COLUMNS_CONTEXTS_MAX);
    plan->paths = rv_arena_take_raw(arena, RV_COLUMNS_PATHS_MAX);
    plan->event_streams = rv_arena_take_raw(arena, sizeof(uint16_t) * RV_COLUMNS_EVENTS_MAX);
    const bool ranked = rv_ranks_create(&plan->ranks, arena);
    return ranked && plan->types != NULL && plan->fields != NULL && plan->groups != NULL &&
           plan->streams != NULL && plan->entries != NULL && plan->contexts != NULL &&
           plan->paths != NULL && plan->event_streams != NULL;
}

void rv_plan_reset(rv_plan *plan) {
    RV_ASSERT(plan->types != NULL && plan->streams != NULL);
    plan->type_count = 0;
    plan->field_count = 0;
    plan->group_count = 0;
    plan->stream_count = 0;
    plan->entry_count = 0;
    plan->paths_len = 0;
    plan->milliseconds = false;
}

bool rv_plan_add_type(rv_plan *plan, const rv_event_type *type, uint16_t number) {
    const uint16_t count = type == NULL ? 1 : type->field_count;
    RV_ASSERT((type == NULL) == (number == RV_SYSTEM_SCHEMA_TYPE));
    if (plan->type_count == RV_COLUMNS_TYPES_MAX ||
        plan->field_count + count > RV_COLUMNS_FIELDS_MAX) {
        return false;
    }
    plan->types[plan->type_count] =
        (rv_plan_type){type, number, RV_NONE, (uint16_t)plan->field_count, count};
    plan->type_count += 1;
    for (uint16_t f = 0; f < count; f++) {
        rv_plan_field *const field = &plan->fields[plan->field_count + f];
        memset(field, 0, sizeof *field);
        field->type = type == NULL ? NULL : &type->fields[f].type;
        field->name = type == NULL ? RV_LITERAL(TEXT_FIELD_NAME) : type->fields[f].name;
        field->class_ = (uint8_t)(type == NULL ? RV_VALUE_BYTES : rv_type_class(field->type));
        field->nullable = type != NULL && !type->fields[f].not_null;
    }
    plan->field_count += count;
    RV_ASSERT(plan->field_count <= RV_COLUMNS_FIELDS_MAX);
    return true;
}

/* The group of this name and class, made when it is new. */
static uint16_t group_of(rv_plan *plan, rv_bytes name, uint8_t class_) {
    RV_ASSERT(plan->group_count >= 1 && plan->group_count <= RV_COLUMNS_FIELDS_MAX);
    for (uint32_t g = 1; g < plan->group_count; g++) {
        if (plan->groups[g].class_ == class_ && rv_bytes_equal(plan->groups[g].name, name)) {
            return (uint16_t)g;
        }
    }
    plan->groups[plan->group_count] = (rv_plan_group){name, class_, 0, 0};
    plan->group_count += 1;
    RV_ASSERT(plan->group_count <= RV_COLUMNS_FIELDS_MAX + 1);
    return (uint16_t)(plan->group_count - 1);
}

bool rv_plan_begin(rv_plan *plan, uint32_t stream_count) {
    RV_ASSERT(stream_count <= RV_COLUMNS_EVENTS_MAX);
    plan->groups[0] = (rv_plan_group){RV_LITERAL(""), RV_VALUE_BYTES, 0, 0};
    plan->group_count = 1;
    for (uint32_t f = 0; f < plan->field_count; f++) {
        rv_plan_field *const field = &plan->fields[f];
        RV_ASSERT(field->mode <= RV_COLUMN_KEY_LAST);
        field->presence = (rv_run){0, 0};
        field->group =
            field->mode == RV_COLUMN_RANK ? group_of(plan, field->name, field->class_) : 0;
    }
    const size_t contexts = (size_t)stream_count * plan->group_count;
    if (contexts > RV_COLUMNS_CONTEXTS_MAX) {
        return false;
    }
    memset(plan->contexts, 0, contexts);
    memset(&plan->entries[0], 0, sizeof plan->entries[0]);
    plan->entry_count = 1;
    rv_ranks_reset(&plan->ranks, RV_RANK_TABLE_FIELDS + plan->field_count);
    return true;
}

uint16_t rv_plan_add_entry(rv_plan *plan, const rv_plan_entry *entry) {
    RV_ASSERT(entry->group < plan->group_count && plan->entry_count >= 1);
    if (plan->entry_count == RV_COLUMNS_ENTRIES_MAX) {
        return 0;
    }
    rv_plan_group *const group = &plan->groups[entry->group];
    group->ordinal += 1;
    plan->entries[plan->entry_count] = *entry;
    plan->entries[plan->entry_count].ordinal = group->ordinal;
    plan->entry_count += 1;
    RV_ASSERT(plan->entry_count <= RV_COLUMNS_ENTRIES_MAX);
    return (uint16_t)(plan->entry_count - 1);
}

bool rv_plan_mode_fits(const rv_type *type, uint8_t mode) {
    if (mode == RV_COLUMN_RANK || type == NULL) {
        return mode == RV_COLUMN_RANK;
    }
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    switch (type->kind) {
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_TIMESTAMPTZ:
        return mode == RV_COLUMN_TIME;
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
    case RV_TYPE_BIGINT:
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
        return mode >= RV_COLUMN_KEY && mode <= RV_COLUMN_KEY_LAST;
    default:
        return false;
    }
}

bool rv_plan_templated(const rv_stream *stream) {
    RV_ASSERT(stream != NULL);
    return stream->event_type_count > 0 && stream->path.variable_count >= 1 &&
           stream->path.variable_count <= RV_COLUMNS_KEYS_MAX;
}

bool rv_plan_key_integer(const rv_schema *schema, const rv_stream *stream, uint32_t v) {
    RV_ASSERT(stream->event_type_count > 0 && v < stream->path.variable_count);
    const rv_event_type *const type = rv_schema_event_type(schema, stream->event_types[0]);
    const uint16_t f = stream->variables[v];
    RV_ASSERT(f < type->field_count);
    const rv_type_kind kind = type->fields[f].type.kind;
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

rv_bytes rv_plan_key_text(const rv_plan_stream *stream, const rv_schema *schema) {
    if (stream->declaration == RV_NONE) {
        return RV_LITERAL("");
    }
    const uint32_t count = rv_schema_stream(schema, stream->declaration)->path.variable_count;
    RV_ASSERT(count >= 1 && count <= RV_COLUMNS_KEYS_MAX);
    const uint32_t v = count - 1;
    RV_ASSERT((size_t)stream->key_starts[v] + stream->key_lens[v] <= stream->path.len);
    return rv_bytes_of(stream->path.ptr + stream->key_starts[v], stream->key_lens[v]);
}
