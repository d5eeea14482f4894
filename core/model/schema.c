/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema as a container: creation, look-ups, and applying a text as one step that can be taken
 * back. Everything a text creates goes to the end of the tables and of the arena, so taking back is
 * cutting: the counts, the name tables and the arena's mark.
 *
 *     rv_schema_apply:  mark -> parse (schema_parse*.c, which adds as it goes)
 *                            -> print and hash (schema_print.c)
 *                            -> version + 1, or back to the mark
 *
 * Invariant: each name table has as many names as its array has entries, at the same numbers.
 */
#include "core/base/assert.h"
#include "core/model/schema_parse.h"
#include "core/model/schema_parts.h"

rv_schema_mark rv_schema_mark_of(const rv_schema *schema) {
    RV_ASSERT(schema->arena != NULL);
    return (rv_schema_mark){
        .arena_len = rv_arena_mark(schema->arena),
        .text_last = schema->text_last,
        .hash = schema->hash,
        .version = schema->version,
        .enum_count = schema->enum_names.count,
        .aggregate_count = schema->aggregate_names.count,
        .event_type_count = schema->event_type_names.count,
        .stream_count = schema->stream_names.count,
    };
}

void rv_schema_take_back(rv_schema *schema, const rv_schema_mark *mark) {
    RV_ASSERT(mark->arena_len <= schema->arena->len && mark->version <= schema->version);
    rv_schema_names_cut(&schema->enum_names, mark->enum_count);
    rv_schema_names_cut(&schema->aggregate_names, mark->aggregate_count);
    rv_schema_names_cut(&schema->event_type_names, mark->event_type_count);
    rv_schema_names_cut(&schema->stream_names, mark->stream_count);
    rv_schema_paths_cut(schema, mark->stream_count);
    rv_arena_reset(schema->arena, mark->arena_len);
    schema->text_last = mark->text_last;
    if (mark->text_last == NULL) {
        schema->text_first = NULL;
    } else {
        schema->text_last->next = NULL;
    }
    schema->hash = mark->hash;
    schema->version = mark->version;
}

/* The hash of the canonical text, which is printed into what the arena has left. False: too little.
 */
static bool hash_canonical(const rv_schema *schema, rv_hash128 *hash) {
    const size_t mark = rv_arena_mark(schema->arena);
    RV_ASSERT(mark <= schema->arena->cap);
    rv_writer w = rv_writer_over(schema->arena->ptr + mark, schema->arena->cap - mark);
    rv_schema_print(schema, &w);
    *hash = rv_hash128_of(0, rv_writer_bytes(&w));
    return !w.full;
}

static rv_status out_of_memory(rv_status status, rv_error *err) {
    return rv_error_set(err, status,
                        "the schema needs more memory than the node has for it: open "
                        "the node with a larger memory budget");
}

rv_status rv_schema_create(rv_schema **schema, rv_arena *arena, rv_error *err) {
    RV_ASSERT(schema != NULL && arena != NULL);
    const size_t mark = rv_arena_mark(arena);
    rv_schema *made = (rv_schema *)rv_arena_take(arena, sizeof *made);
    if (made == NULL || !rv_schema_names_create(&made->enum_names, arena, RV_ENUMS_MAX) ||
        !rv_schema_names_create(&made->aggregate_names, arena, RV_AGGREGATES_MAX) ||
        !rv_schema_names_create(&made->event_type_names, arena, RV_EVENT_TYPES_MAX) ||
        !rv_schema_names_create(&made->stream_names, arena, RV_STREAMS_MAX)) {
        rv_arena_reset(arena, mark);
        return out_of_memory(RV_MEMORY_EXHAUSTED, err);
    }
    made->arena = arena;
    made->hash = rv_hash128_of(0, rv_bytes_of("", 0));
    *schema = made;
    RV_ASSERT(made->version == 0);
    return RV_OK;
}

/* Notes the text as the last one. False: no memory. */
static bool text_add(rv_schema *schema, rv_bytes text) {
    rv_schema_text *const added = rv_arena_take(schema->arena, sizeof *added);
    if (added == NULL) {
        return false;
    }
    added->text = text;
    if (schema->text_last == NULL) {
        schema->text_first = added;
    } else {
        schema->text_last->next = added;
    }
    schema->text_last = added;
    RV_ASSERT(schema->text_first != NULL && added->next == NULL);
    return true;
}

const rv_schema_text *rv_schema_text_next(const rv_schema *schema, const rv_schema_text *previous,
                                          rv_bytes *text) {
    RV_ASSERT(schema->arena != NULL);
    const rv_schema_text *const next = previous == NULL ? schema->text_first : previous->next;
    if (next != NULL) {
        *text = next->text;
        RV_ASSERT(text->ptr != NULL);
    }
    return next;
}

/* Adds what the text declares; the caller takes back on failure. */
static rv_status add_text(rv_schema *schema, rv_bytes text, rv_hash128 *hash, rv_error *err) {
    if (text.len > RV_SCHEMA_TEXT_MAX) {
        return rv_error_set(
            err, RV_SCHEMA_TOO_LARGE,
            "the text has %u bytes; at most %u are taken at once: apply it in parts",
            (uint64_t)text.len, (uint64_t)RV_SCHEMA_TEXT_MAX);
    }
    if (schema->version >= UINT16_MAX) {
        return rv_error_set(err, RV_SCHEMA_TOO_LARGE,
                            "the schema was changed %u times, which is "
                            "the most there can be",
                            (uint64_t)schema->version);
    }
    /* Names and literals of what is made are borrowed from this copy. */
    const rv_bytes copy = rv_arena_copy(schema->arena, text);
    if (copy.ptr == NULL || !text_add(schema, copy)) {
        return out_of_memory(RV_SCHEMA_TOO_LARGE, err);
    }
    const size_t cap = schema->arena->cap;
    const rv_status status = rv_schema_parse(schema, copy, err);
    RV_ASSERT(schema->arena->cap == cap);
    if (status == RV_MEMORY_EXHAUSTED) {
        return out_of_memory(RV_SCHEMA_TOO_LARGE, err);
    }
    if (status == RV_OK && !hash_canonical(schema, hash)) {
        return out_of_memory(RV_SCHEMA_TOO_LARGE, err);
    }
    return status;
}

rv_status rv_schema_apply(rv_schema *schema, rv_bytes text, rv_error *err) {
    RV_ASSERT(schema != NULL);
    const rv_schema_mark mark = rv_schema_mark_of(schema);
    rv_hash128 hash = {0, 0};
    const rv_status status = add_text(schema, text, &hash, err);
    if (status != RV_OK) {
        rv_schema_take_back(schema, &mark);
        return status;
    }
    schema->version++;
    schema->hash = hash;
    RV_ASSERT(schema->version <= UINT16_MAX);
    return RV_OK;
}

rv_status rv_schema_check(rv_schema *schema, rv_bytes text, rv_error *err) {
    RV_ASSERT(schema != NULL);
    const rv_schema_mark mark = rv_schema_mark_of(schema);
    rv_hash128 hash = {0, 0};
    const rv_status status = add_text(schema, text, &hash, err);
    rv_schema_take_back(schema, &mark);
    RV_ASSERT(rv_arena_mark(schema->arena) == mark.arena_len);
    return status;
}

uint32_t rv_schema_version(const rv_schema *schema) {
    RV_ASSERT(schema != NULL);
    return schema->version;
}

rv_hash128 rv_schema_hash(const rv_schema *schema) {
    RV_ASSERT(schema != NULL);
    return schema->hash;
}

uint16_t rv_schema_aggregate_count(const rv_schema *schema) {
    RV_ASSERT(schema != NULL);
    return schema->aggregate_names.count;
}

uint16_t rv_schema_event_type_count(const rv_schema *schema) {
    RV_ASSERT(schema != NULL);
    return schema->event_type_names.count;
}

uint16_t rv_schema_stream_count(const rv_schema *schema) {
    RV_ASSERT(schema != NULL);
    return schema->stream_names.count;
}

const rv_aggregate *rv_schema_aggregate(const rv_schema *schema, uint16_t number) {
    RV_ASSERT(number < schema->aggregate_names.count);
    return schema->aggregates[number];
}

const rv_event_type *rv_schema_event_type(const rv_schema *schema, uint16_t number) {
    RV_ASSERT(number < schema->event_type_names.count);
    return &schema->event_types[number]->shape;
}

const rv_stream *rv_schema_stream(const rv_schema *schema, uint16_t number) {
    RV_ASSERT(number < schema->stream_names.count);
    return schema->streams[number];
}

const rv_aggregate *rv_schema_aggregate_named(const rv_schema *schema, rv_bytes name) {
    const uint16_t number = rv_schema_names_find(&schema->aggregate_names, name);
    return number == RV_NONE ? NULL : rv_schema_aggregate(schema, number);
}

const rv_event_type *rv_schema_event_type_named(const rv_schema *schema, rv_bytes name) {
    const uint16_t number = rv_schema_names_find(&schema->event_type_names, name);
    return number == RV_NONE ? NULL : rv_schema_event_type(schema, number);
}

const rv_stream *rv_schema_stream_named(const rv_schema *schema, rv_bytes name) {
    const uint16_t number = rv_schema_names_find(&schema->stream_names, name);
    return number == RV_NONE ? NULL : rv_schema_stream(schema, number);
}

uint16_t rv_schema_column_of(const rv_aggregate *aggregate, rv_bytes name) {
    RV_ASSERT(aggregate->column_count <= RV_COLUMNS_MAX);
    for (uint16_t i = 0; i < aggregate->column_count; i++) {
        if (rv_bytes_equal(aggregate->columns[i].name, name)) {
            return i;
        }
    }
    return RV_NONE;
}
