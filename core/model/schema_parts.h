/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a schema, shared by the schema_*.c files and nobody else: the public shapes with
 * what only printing needs, and the tables they are found by. All of it lives in the schema's
 * arena, in order of arrival, so that cutting the counts and the arena back takes a change back.
 */
#ifndef RV_MODEL_SCHEMA_PARTS_H
#define RV_MODEL_SCHEMA_PARTS_H

#include "core/model/schema.h"
#include "core/model/schema_names.h"

/* A binding in the order in which it was written: a touch or an action by its number. */
typedef struct rv_schema_binding {
    uint16_t field;
    uint16_t number;
    uint16_t column;
    uint16_t via; /* field that is said VIA of, or RV_NONE */
    bool touch;
} rv_schema_binding;

typedef struct rv_event_type_entry {
    rv_event_type shape;
    const rv_schema_binding *bindings; /* by field, then as written */
    uint16_t binding_count;
} rv_event_type_entry;

#define RV_SCHEMA_PATH_SLOTS 512 /* twice RV_STREAMS_MAX */

/* Streams by what a path shows first: the number of its segments and the first one. Chains of
 * stream numbers + 1; 0 ends. */
typedef struct rv_schema_paths {
    uint16_t literal[RV_SCHEMA_PATH_SLOTS];      /* first segment is literal: by its hash */
    uint16_t variable[RV_PATH_SEGMENTS_MAX + 1]; /* is a variable: by the number of segments */
    uint16_t next[RV_STREAMS_MAX];
} rv_schema_paths;

/* A text that was applied, as it was given. */
struct rv_schema_text {
    rv_schema_text *next;
    rv_bytes text;
};

struct rv_schema {
    rv_arena *arena;
    rv_schema_text *text_first; /* one for each version, in order */
    rv_schema_text *text_last;
    uint32_t version;
    rv_hash128 hash;
    rv_schema_names enum_names;
    rv_schema_names aggregate_names;
    rv_schema_names event_type_names;
    rv_schema_names stream_names;
    const rv_enum *enums[RV_ENUMS_MAX];
    const rv_aggregate *aggregates[RV_AGGREGATES_MAX];
    const rv_event_type_entry *event_types[RV_EVENT_TYPES_MAX];
    const rv_stream *streams[RV_STREAMS_MAX];
    rv_schema_paths paths;
};

/* What a schema is made of, in the order in which it is printed. */
typedef enum rv_schema_kind {
    RV_SCHEMA_ENUM,
    RV_SCHEMA_AGGREGATE,
    RV_SCHEMA_EVENT_TYPE,
    RV_SCHEMA_STREAM,
    RV_SCHEMA_KINDS
} rv_schema_kind;

/* The names of one kind. */
const rv_schema_names *rv_schema_names_of(const rv_schema *schema, rv_schema_kind kind);

/* Writes one statement of the canonical text. */
void rv_schema_print_one(const rv_schema *schema, rv_schema_kind kind, uint16_t number,
                         rv_writer *w);

/* Enters stream `number`, whose template is set, into the paths. */
void rv_schema_paths_add(rv_schema *schema, uint16_t number);

/* Enters the first `count` streams again and nothing else. */
void rv_schema_paths_cut(rv_schema *schema, uint16_t count);

/* The first stream that some path could belong to as well as to `path`, or NULL. */
const rv_stream *rv_schema_paths_overlap(const rv_schema *schema, const rv_path_template *path);

/* The column's number in the aggregate, or RV_NONE. */
uint16_t rv_schema_column_of(const rv_aggregate *aggregate, rv_bytes name);

/* Writes a name, in double quotes where the language needs them. */
void rv_schema_write_name(rv_writer *w, rv_bytes name);

/* Writes a type as a schema spells it, serials as serials. */
void rv_schema_write_type(rv_writer *w, const rv_type *type);

#endif
