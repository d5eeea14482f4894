/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema: aggregates, event types and streams as declared, checked and compiled so that folding
 * an event needs no name. It only grows: applying a text adds what the text creates, or changes
 * nothing. Numbers (of aggregates, event types, streams, columns, fields) are dense, given in order
 * of declaration, and never change, so records in the log refer to them.
 *
 *     CREATE TYPE name AS ENUM ('label', …);
 *     CREATE [SHARED] AGGREGATE name (
 *         column type [PRIMARY KEY] [NOT NULL] [DEFAULT expr] [CHECK (expr)] [UNIQUE]
 *                [REFERENCES aggregate(column)],
 *         column REFERENCES aggregate(column) …,          the type is the referenced column's
 *         PRIMARY KEY (column, …), CHECK (expr), UNIQUE (column, …), INDEX (column, …),
 *         FOREIGN KEY (column, …) REFERENCES aggregate(column, …)
 *     );
 *     CREATE EVENT_TYPE name (
 *         field [type] [NOT NULL] [DEFAULT expr] [CHECK (expr)] [PERSONAL] binding …,
 *         CHECK (expr)
 *     );
 *       binding: creates A(pk) | references A(pk) | deletes A(pk)              [VIA field]
 *              | updates A(c) [= (expr)] | increments A(c) | decrements A(c)   [VIA field]
 *     CREATE STREAM name ( path "/…/{field}" event_types (name, …) );
 *
 * This is the final grammar. Parsed but answered RV_UNSUPPORTED in this version, with the place:
 * the types that rv_type_supported() does not know.
 */
#ifndef RV_MODEL_SCHEMA_H
#define RV_MODEL_SCHEMA_H

#include "core/base/hash.h"
#include "core/model/decoding.h"
#include "core/model/expr.h"
#include "core/model/path.h"

/* No aggregate, column, field or touch. */
#define RV_NONE UINT16_MAX

typedef struct rv_column {
    rv_bytes name;
    rv_type type;
    bool key;              /* of the primary key */
    bool not_null;         /* the primary key's too */
    bool has_default;      /* `default_value` is set; a serial's next number is not one */
    rv_expr default_value; /* no names in scope */
    bool has_check;
    rv_expr check;       /* slots: the aggregate's columns */
    uint16_t references; /* aggregate whose primary key, of one column, it refers to, or RV_NONE */
} rv_column;

/* Columns that together refer to a primary key of several. NULL in one of them: to nothing. */
typedef struct rv_foreign_key {
    uint16_t aggregate;
    uint16_t column_count;   /* of the other's key */
    const uint16_t *columns; /* in the order of the other's key */
} rv_foreign_key;

/* UNIQUE (column, …) or INDEX (column, …). Every column has an order (rv_type_ordered); no two
 * indexes of an aggregate have the same columns in the same order, and none is the primary key. */
typedef struct rv_aggregate_index {
    const uint16_t *columns; /* at most RV_INDEX_COLUMNS_MAX, each once */
    uint16_t column_count;
    bool unique;
} rv_aggregate_index;

typedef struct rv_aggregate {
    rv_bytes name;
    uint16_t number;
    bool shared;
    uint16_t key;       /* first column of the primary key */
    uint16_t key_count; /* its columns: 1, or at most RV_INDEX_COLUMNS_MAX */
    uint16_t column_count;
    uint16_t check_count;
    uint16_t index_count;
    uint16_t foreign_key_count;
    const uint16_t *keys; /* the columns of the primary key, in its order */
    const rv_column *columns;
    const rv_foreign_key *foreign_keys;
    const rv_expr *checks;             /* over the row; slots: columns */
    const rv_aggregate_index *indexes; /* at most RV_INDEXES_MAX: of columns first, as declared */
} rv_aggregate;

typedef enum rv_touch_kind {
    RV_TOUCH_CREATES,
    RV_TOUCH_REFERENCES,
    RV_TOUCH_DELETES
} rv_touch_kind;

/* A row that an event of the type identifies: by `fields`, the primary key of `aggregate`. No two
 * touches of an aggregate have the same fields. */
typedef struct rv_touch {
    rv_touch_kind kind;
    uint16_t aggregate;
    uint16_t field;   /* of the key's first column */
    bool acted_on;    /* an action goes through it: ownership is asked for (SEMANTICS 13) */
    uint32_t indexes; /* bits: the aggregate's that it or its actions put a row into anew */
    uint64_t defaults[RV_COLUMNS_MAX / 64]; /* creates: bits: columns that get their DEFAULT */
    const uint16_t *fields;                 /* one for each column of the key, in the key's order */
} rv_touch;

typedef enum rv_action_kind {
    RV_ACTION_SET,       /* column = field */
    RV_ACTION_COMPUTE,   /* column = expr; slots: fields, then the row's columns */
    RV_ACTION_INCREMENT, /* column = column + field */
    RV_ACTION_DECREMENT
} rv_action_kind;

/* What an event does to a column of a row it touches. */
typedef struct rv_action {
    rv_action_kind kind;
    uint16_t touch;
    uint16_t field;
    uint16_t column;
    bool plain;   /* what the field holds is a value of the column, which refers to nothing */
    bool stores;  /* plain, RV_ACTION_SET, and the column is one of the first 64 */
    bool adds;    /* plain, adds to or takes from an integer or a bigint */
    rv_expr expr; /* RV_ACTION_COMPUTE */
} rv_action;

typedef struct rv_field {
    rv_bytes name;
    rv_type type; /* its own, or its first bound column's */
    bool not_null;
    bool has_default;      /* its own, else the first bound column's */
    rv_expr default_value; /* no names in scope */
    bool has_check;
    bool personal;   /* it only updates columns, from which nothing is decided or computed */
    bool plain_name; /* JSON has the name as it is, without escapes */
    rv_expr check;   /* slots: the event type's fields */
} rv_field;

typedef struct rv_event_type {
    rv_bytes name;
    uint16_t number;
    uint16_t schema_version; /* that declared it */
    uint16_t field_count;
    uint16_t touch_count;
    uint16_t action_count;
    uint16_t check_count;
    bool indexed;  /* some touch has `indexes` */
    bool straight; /* every touch refers, by one field that is of the key column's type, to a row
                      without foreign keys, and no action changes a column with an index */
    const rv_field *fields;
    const rv_decoding *decodings; /* by field: apart, as replay reads nothing else of the fields */
    const rv_touch *touches;      /* creates first, then references, then deletes */
    const rv_action *actions;     /* in order of touches, then of declaration */
    const rv_expr *checks;        /* slots: fields */
} rv_event_type;

typedef struct rv_stream {
    rv_bytes name;
    uint16_t number;
    uint16_t event_type_count;
    rv_path_template path;
    const uint16_t *event_types;
    /* `variables[e * path.variable_count + v]`: the field of the e-th admitted event type that
     * carries the v-th variable. */
    const uint16_t *variables;
} rv_stream;

typedef struct rv_schema rv_schema;

/* The system event type of schema changes has this number; others count from 0. */
#define RV_SYSTEM_SCHEMA_TYPE      UINT16_C(0xfffe)
#define RV_SYSTEM_SCHEMA_PATH      "/rivulet/schema"
#define RV_SYSTEM_SCHEMA_TYPE_NAME "schema_changed"

/* An empty schema, version 0, that takes its memory from `arena` as it grows. RV_MEMORY_EXHAUSTED.
 */
RV_MUST_USE rv_status rv_schema_create(rv_schema **schema, rv_arena *arena, rv_error *err);

/*
 * Adds what `text` declares and increases the version; on an error nothing has changed. A text
 * without a statement is a syntax error. The arena must be used by nobody else meanwhile.
 * RV_SCHEMA_SYNTAX, RV_SCHEMA_INVALID, RV_SCHEMA_AMBIGUOUS, RV_SCHEMA_DUPLICATE,
 * RV_SCHEMA_UNKNOWN_NAME, RV_SCHEMA_TOO_LARGE, RV_EXPRESSION_TYPE, RV_UNSUPPORTED,
 * RV_VALUE_INVALID: each with facts "line", "column", "met", "expected" as far as they apply.
 */
RV_MUST_USE rv_status rv_schema_apply(rv_schema *schema, rv_bytes text, rv_error *err);

/* As rv_schema_apply, and takes everything back again: what would the text do? */
RV_MUST_USE rv_status rv_schema_check(rv_schema *schema, rv_bytes text, rv_error *err);

/* Where a schema stands, so that texts applied since can be taken back together. Plain data. */
typedef struct rv_schema_mark {
    size_t arena_len;
    struct rv_schema_text *text_last;
    rv_hash128 hash;
    uint32_t version;
    uint16_t enum_count;
    uint16_t aggregate_count;
    uint16_t event_type_count;
    uint16_t stream_count;
} rv_schema_mark;

rv_schema_mark rv_schema_mark_of(const rv_schema *schema);

/* Makes the schema what it was; what was declared since must not be used any more. */
void rv_schema_take_back(rv_schema *schema, const rv_schema_mark *mark);

/* Number of texts applied. */
uint32_t rv_schema_version(const rv_schema *schema);

/* The texts that were applied, one for each version: applying them one by one to an empty schema
 * makes the same schema, with the same numbers and versions. NULL begins, and NULL is after the
 * last; `text` is borrowed. */
typedef struct rv_schema_text rv_schema_text;
const rv_schema_text *rv_schema_text_next(const rv_schema *schema, const rv_schema_text *previous,
                                          rv_bytes *text);

/* XXH3-128 of the canonical text; the empty schema has one too. */
rv_hash128 rv_schema_hash(const rv_schema *schema);

/* The whole schema as text that applies to an empty schema and gives the same hash; nothing, which
 * is no text to apply, for an empty one. */
void rv_schema_print(const rv_schema *schema, rv_writer *w);

uint16_t rv_schema_aggregate_count(const rv_schema *schema);
uint16_t rv_schema_event_type_count(const rv_schema *schema);
uint16_t rv_schema_stream_count(const rv_schema *schema);

/* By number (in range), in constant time. */
const rv_aggregate *rv_schema_aggregate(const rv_schema *schema, uint16_t number);
const rv_event_type *rv_schema_event_type(const rv_schema *schema, uint16_t number);
const rv_stream *rv_schema_stream(const rv_schema *schema, uint16_t number);

/* By name (as folded by the lexer); NULL when there is none. */
const rv_aggregate *rv_schema_aggregate_named(const rv_schema *schema, rv_bytes name);
const rv_event_type *rv_schema_event_type_named(const rv_schema *schema, rv_bytes name);
const rv_stream *rv_schema_stream_named(const rv_schema *schema, rv_bytes name);

/* The stream declaration that a concrete path belongs to, with the path's variables as written
 * (`values` has RV_PATH_SEGMENTS_MAX places). NULL when none matches; no path can match two (that
 * is RV_SCHEMA_AMBIGUOUS at CREATE STREAM). */
const rv_stream *rv_schema_stream_of_path(const rv_schema *schema, rv_bytes path, rv_bytes *values);

#endif
