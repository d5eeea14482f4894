/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements as they were read, before names are resolved: tokens with their places, and
 * expressions that are still text. In temporary memory; used by the schema_*.c files only.
 */
#ifndef RV_MODEL_SCHEMA_DRAFT_H
#define RV_MODEL_SCHEMA_DRAFT_H

#include "core/model/schema_parse.h"

#define RV_CONSTRAINTS_MAX 128

typedef struct rv_column_draft {
    rv_token name;
    bool typed;
    bool key;
    bool not_null;
    bool unique;
    bool refers;
    rv_type type; /* when typed; once settled always */
    rv_token type_at;
    rv_token key_at;
    rv_token unique_at;
    rv_token default_at;
    rv_token target; /* REFERENCES target(target_column) */
    rv_token target_column;
    rv_schema_later default_value;
    rv_schema_later check;
} rv_column_draft;

typedef enum rv_constraint_kind {
    RV_CONSTRAINT_KEY,
    RV_CONSTRAINT_FOREIGN_KEY,
    RV_CONSTRAINT_CHECK,
    RV_CONSTRAINT_UNIQUE,
    RV_CONSTRAINT_INDEX
} rv_constraint_kind;

typedef struct rv_constraint_draft {
    rv_constraint_kind kind;
    rv_token at;
    uint16_t column_count;
    rv_token columns[RV_INDEX_COLUMNS_MAX];
    rv_schema_later check;
    rv_token target; /* FOREIGN KEY (columns) REFERENCES target(target_columns) */
    uint16_t target_column_count;
    rv_token target_columns[RV_INDEX_COLUMNS_MAX];
} rv_constraint_draft;

typedef struct rv_aggregate_draft {
    rv_token name;
    bool shared;
    uint16_t column_count;
    uint16_t constraint_count;
    rv_column_draft *columns[RV_COLUMNS_MAX];
    rv_constraint_draft *constraints[RV_CONSTRAINTS_MAX];
    uint16_t key_count; /* the primary key, when it has been found */
    uint16_t keys[RV_INDEX_COLUMNS_MAX];
} rv_aggregate_draft;

/* The column of the draft with this token's name, or RV_SCHEMA_UNKNOWN_NAME. */
RV_MUST_USE rv_status rv_schema_find_own_column(rv_schema_parser *p,
                                                const rv_aggregate_draft *draft,
                                                const rv_token *name, uint16_t *column);

/* Settles what the columns refer to and are of: REFERENCES, and FOREIGN KEY of one column. */
RV_MUST_USE rv_status rv_schema_settle_references(rv_schema_parser *p, rv_aggregate_draft *draft,
                                                  rv_column *columns);

/* Makes the FOREIGN KEYs of several columns of an aggregate that has its columns. */
RV_MUST_USE rv_status rv_schema_make_foreign_keys(rv_schema_parser *p,
                                                  const rv_aggregate_draft *draft,
                                                  rv_aggregate *made);

/* Makes the UNIQUEs and INDEXes of an aggregate that has its columns. */
RV_MUST_USE rv_status rv_schema_make_indexes(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                             rv_aggregate *made);

/* Checks the draft and adds the aggregate to the schema. */
RV_MUST_USE rv_status rv_schema_make_aggregate(rv_schema_parser *p, rv_aggregate_draft *draft);

typedef enum rv_verb {
    RV_VERB_CREATES,
    RV_VERB_REFERENCES,
    RV_VERB_DELETES,
    RV_VERB_UPDATES,
    RV_VERB_INCREMENTS,
    RV_VERB_DECREMENTS,
    RV_VERB_COUNT
} rv_verb;

typedef struct rv_binding_draft {
    rv_verb verb;
    uint16_t field;
    bool via_given;
    rv_token at; /* the verb */
    rv_token aggregate_name;
    rv_token column_name;
    rv_token via;
    rv_schema_later computed; /* `updates A(c) = ( … )` */
    /* Resolved (schema_resolve.c): */
    const rv_aggregate *aggregate;
    uint16_t column;
    uint16_t key_index; /* of the column in the primary key, when it identifies a row */
    uint16_t via_field; /* that the canonical text says VIA of, or RV_NONE */
    uint16_t touch;     /* number of the touch that it is of, or that it goes through */
    uint16_t number;    /* of the touch or action that it became */
} rv_binding_draft;

typedef struct rv_field_draft {
    rv_token name;
    bool typed;
    bool not_null;
    bool personal;
    rv_type type; /* when typed; after resolution always */
    rv_token type_at;
    rv_token default_at;
    rv_schema_later default_value;
    rv_schema_later check;
} rv_field_draft;

#define RV_EVENT_CHECKS_MAX 64

typedef struct rv_event_type_draft {
    rv_token name;
    uint16_t field_count;
    uint16_t binding_count;
    uint16_t check_count;
    uint16_t touch_count;
    uint16_t action_count;
    rv_touch touches[RV_TOUCHES_MAX]; /* resolved */
    rv_field_draft *fields[RV_FIELDS_MAX];
    rv_binding_draft *bindings[RV_BINDINGS_MAX]; /* by field, then as written */
    rv_schema_later *checks[RV_EVENT_CHECKS_MAX];
} rv_event_type_draft;

static inline bool rv_verb_is_touch(rv_verb verb) {
    return verb <= RV_VERB_DELETES;
}

/* RV_SCHEMA_UNKNOWN_NAME: the event type has no field of the token's name. */
rv_status rv_schema_fail_no_field(rv_schema_parser *p, const rv_event_type_draft *draft,
                                  const rv_token *at);

/* The field of this name, or RV_NONE. */
uint16_t rv_schema_field_of(const rv_event_type_draft *draft, rv_bytes name);

/* The rows that the event identifies: the touches of a draft whose bindings have their columns. */
RV_MUST_USE rv_status rv_schema_find_touches(rv_schema_parser *p, rv_event_type_draft *draft);

/* The field that tells this touch from all others of its aggregate, or RV_NONE. */
uint16_t rv_schema_touch_name(const rv_event_type_draft *draft, uint16_t touch);

/* Resolves the bindings of a draft: aggregates and columns, touches, what each action goes through,
 * the types of fields that have none of their own; and refuses what contradicts itself. */
RV_MUST_USE rv_status rv_schema_resolve(rv_schema_parser *p, rv_event_type_draft *draft);

/* What PERSONAL fields may do, and what may be done with the columns that they update: refuses an
 * event type, made of the draft but not yet in the schema, that goes beyond. */
RV_MUST_USE rv_status rv_schema_judge_personal(rv_schema_parser *p,
                                               const rv_event_type_draft *draft,
                                               const rv_event_type *made);

/* Makes a resolved draft an event type and adds it to the schema. */
RV_MUST_USE rv_status rv_schema_make_event_type(rv_schema_parser *p, rv_event_type_draft *draft);

#endif
