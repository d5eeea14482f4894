/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical text of a schema: everything it has, in order of number, enums before aggregates
 * before event types before streams, each with what it was resolved to: types, NOT NULL, DEFAULT
 * and VIA are written where they were taken from elsewhere. So two texts that mean the same print
 * the same, and the print, applied to an empty schema, gives the same schema. The schema's hash is
 * made of it: this format changes only with the hash of every schema there is.
 */
#include "core/base/assert.h"
#include "core/model/schema_parts.h"

/* Words that mean something where a name may stand, in schemas or in expressions. */
static const char *const reserved[] = {
    "and",        "array",       "as",         "between",    "case",    "cast",     "check",
    "create",     "creates",     "decrements", "default",    "deletes", "distinct", "else",
    "end",        "event_types", "false",      "foreign",    "from",    "ilike",    "in",
    "increments", "index",       "is",         "like",       "not",     "null",     "or",
    "path",       "personal",    "primary",    "references", "then",    "true",     "unique",
    "updates",    "via",         "when",
};

static bool is_plain_name(rv_bytes name) {
    RV_ASSERT(name.len > 0);
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.ptr[i];
        const bool start = (c >= 'a' && c <= 'z') || c == '_';
        if (!start && (i == 0 || !((c >= '0' && c <= '9') || c == '$'))) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (rv_bytes_are(name, reserved[i])) {
            return false;
        }
    }
    return true;
}

/* Text between quotes, in which the quote stands twice for once. */
static void write_quoted(rv_writer *w, rv_bytes text, uint8_t quote) {
    RV_ASSERT(quote == '"' || quote == '\'');
    rv_write_u8(w, quote);
    for (size_t i = 0; i < text.len; i++) {
        rv_write_u8(w, text.ptr[i]);
        if (text.ptr[i] == quote) {
            rv_write_u8(w, quote);
        }
    }
    rv_write_u8(w, quote);
}

void rv_schema_write_name(rv_writer *w, rv_bytes name) {
    if (is_plain_name(name)) {
        rv_write(w, name);
    } else {
        write_quoted(w, name, '"');
    }
}

void rv_schema_write_type(rv_writer *w, const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    const bool array = type->kind == RV_TYPE_ARRAY;
    if ((array ? type->element : type->kind) == RV_TYPE_ENUM) {
        RV_ASSERT(type->labels != NULL);
        rv_schema_write_name(w, type->labels->name);
        rv_write_text(w, array ? "[]" : "");
    } else {
        rv_type_write(type, w);
    }
}

/* ` word name(column)` */
static void write_target(rv_writer *w, const char *word, const rv_aggregate *aggregate,
                         uint16_t column) {
    RV_ASSERT(column < aggregate->column_count);
    rv_write_text(w, word);
    rv_schema_write_name(w, aggregate->name);
    rv_write_u8(w, '(');
    rv_schema_write_name(w, aggregate->columns[column].name);
    rv_write_u8(w, ')');
}

static void write_check(rv_writer *w, const char *before, const rv_expr *check) {
    RV_ASSERT(check->source.len > 0);
    rv_write_text(w, before);
    rv_write_text(w, "CHECK (");
    rv_write(w, check->source);
    rv_write_u8(w, ')');
}

static void print_enum(const rv_enum *type, rv_writer *w) {
    RV_ASSERT(type->label_count > 0);
    rv_write_text(w, "CREATE TYPE ");
    rv_schema_write_name(w, type->name);
    rv_write_text(w, " AS ENUM (");
    for (uint32_t i = 0; i < type->label_count; i++) {
        rv_write_text(w, i == 0 ? "" : ", ");
        write_quoted(w, type->labels[i], '\'');
    }
    rv_write_text(w, ");\n");
}

static void print_column(const rv_schema *schema, const rv_aggregate *aggregate, uint16_t number,
                         rv_writer *w) {
    RV_ASSERT(number < aggregate->column_count);
    const rv_column *column = &aggregate->columns[number];
    rv_write_text(w, number == 0 ? "\n    " : ",\n    ");
    rv_schema_write_name(w, column->name);
    rv_write_u8(w, ' ');
    rv_schema_write_type(w, &column->type);
    if (column->key && aggregate->key_count == 1) {
        rv_write_text(w, " PRIMARY KEY");
    } else if (column->not_null && !column->key) {
        rv_write_text(w, " NOT NULL");
    }
    if (column->has_default) {
        rv_write_text(w, " DEFAULT ");
        rv_write(w, column->default_value.source);
    }
    if (column->has_check) {
        write_check(w, " ", &column->check);
    }
    if (column->references != RV_NONE) {
        const rv_aggregate *target = rv_schema_aggregate(schema, column->references);
        write_target(w, " REFERENCES ", target, target->key);
    }
}

/* `(a, b)` */
static void write_columns(rv_writer *w, const rv_aggregate *aggregate, const uint16_t *columns,
                          uint16_t column_count) {
    RV_ASSERT(column_count > 0);
    for (uint16_t i = 0; i < column_count; i++) {
        rv_write_text(w, i == 0 ? "(" : ", ");
        rv_schema_write_name(w, aggregate->columns[columns[i]].name);
    }
    rv_write_u8(w, ')');
}

static void print_aggregate(const rv_schema *schema, const rv_aggregate *aggregate, rv_writer *w) {
    RV_ASSERT(aggregate->column_count > 0);
    rv_write_text(w, aggregate->shared ? "CREATE SHARED AGGREGATE " : "CREATE AGGREGATE ");
    rv_schema_write_name(w, aggregate->name);
    rv_write_text(w, " (");
    for (uint16_t i = 0; i < aggregate->column_count; i++) {
        print_column(schema, aggregate, i, w);
    }
    if (aggregate->key_count > 1) {
        rv_write_text(w, ",\n    PRIMARY KEY ");
        write_columns(w, aggregate, aggregate->keys, aggregate->key_count);
    }
    for (uint16_t i = 0; i < aggregate->foreign_key_count; i++) {
        const rv_foreign_key *key = &aggregate->foreign_keys[i];
        const rv_aggregate *target = rv_schema_aggregate(schema, key->aggregate);
        rv_write_text(w, ",\n    FOREIGN KEY ");
        write_columns(w, aggregate, key->columns, key->column_count);
        rv_write_text(w, " REFERENCES ");
        rv_schema_write_name(w, target->name);
        write_columns(w, target, target->keys, target->key_count);
    }
    for (uint16_t i = 0; i < aggregate->check_count; i++) {
        write_check(w, ",\n    ", &aggregate->checks[i]);
    }
    for (uint16_t i = 0; i < aggregate->index_count; i++) {
        const rv_aggregate_index *index = &aggregate->indexes[i];
        rv_write_text(w, index->unique ? ",\n    UNIQUE " : ",\n    INDEX ");
        write_columns(w, aggregate, index->columns, index->column_count);
    }
    rv_write_text(w, "\n);\n");
}

static void print_action(const rv_schema *schema, const rv_event_type *type,
                         const rv_action *action, rv_writer *w) {
    static const char *const words[] = {[RV_ACTION_SET] = " updates ",
                                        [RV_ACTION_COMPUTE] = " updates ",
                                        [RV_ACTION_INCREMENT] = " increments ",
                                        [RV_ACTION_DECREMENT] = " decrements "};
    RV_ASSERT(action->touch < type->touch_count);
    const uint16_t number = type->touches[action->touch].aggregate;
    write_target(w, words[action->kind], rv_schema_aggregate(schema, number), action->column);
    if (action->kind == RV_ACTION_COMPUTE) {
        rv_write_text(w, " = (");
        rv_write(w, action->expr.source);
        rv_write_u8(w, ')');
    }
}

static void write_via(rv_writer *w, const rv_event_type *type, uint16_t field) {
    if (field != RV_NONE) {
        RV_ASSERT(field < type->field_count);
        rv_write_text(w, " VIA ");
        rv_schema_write_name(w, type->fields[field].name);
    }
}

static void print_binding(const rv_schema *schema, const rv_event_type *type,
                          const rv_schema_binding *binding, rv_writer *w) {
    static const char *const words[] = {[RV_TOUCH_CREATES] = " creates ",
                                        [RV_TOUCH_REFERENCES] = " references ",
                                        [RV_TOUCH_DELETES] = " deletes "};
    if (binding->touch) {
        RV_ASSERT(binding->number < type->touch_count);
        const rv_touch *touch = &type->touches[binding->number];
        const rv_aggregate *aggregate = rv_schema_aggregate(schema, touch->aggregate);
        write_target(w, words[touch->kind], aggregate, binding->column);
    } else {
        RV_ASSERT(binding->number < type->action_count);
        print_action(schema, type, &type->actions[binding->number], w);
    }
    write_via(w, type, binding->via);
}

static void print_event_type(const rv_schema *schema, const rv_event_type_entry *entry,
                             rv_writer *w) {
    const rv_event_type *type = &entry->shape;
    RV_ASSERT(type->field_count > 0);
    rv_write_text(w, "CREATE EVENT_TYPE ");
    rv_schema_write_name(w, type->name);
    rv_write_text(w, " (");
    uint16_t next = 0; /* bindings are by field */
    for (uint16_t f = 0; f < type->field_count; f++) {
        const rv_field *field = &type->fields[f];
        rv_write_text(w, f == 0 ? "\n    " : ",\n    ");
        rv_schema_write_name(w, field->name);
        rv_write_u8(w, ' ');
        rv_schema_write_type(w, &field->type);
        rv_write_text(w, field->not_null ? " NOT NULL" : "");
        if (field->has_default) {
            rv_write_text(w, " DEFAULT ");
            rv_write(w, field->default_value.source);
        }
        if (field->has_check) {
            write_check(w, " ", &field->check);
        }
        rv_write_text(w, field->personal ? " PERSONAL" : "");
        while (next < entry->binding_count && entry->bindings[next].field == f) {
            print_binding(schema, type, &entry->bindings[next++], w);
        }
    }
    RV_ASSERT(next == entry->binding_count);
    for (uint16_t i = 0; i < type->check_count; i++) {
        write_check(w, ",\n    ", &type->checks[i]);
    }
    rv_write_text(w, "\n);\n");
}

static void print_stream(const rv_schema *schema, const rv_stream *stream, rv_writer *w) {
    RV_ASSERT(stream->event_type_count > 0);
    rv_write_text(w, "CREATE STREAM ");
    rv_schema_write_name(w, stream->name);
    rv_write_text(w, " (\n    path ");
    write_quoted(w, stream->path.text, '"');
    rv_write_text(w, ",\n    event_types (");
    for (uint16_t i = 0; i < stream->event_type_count; i++) {
        rv_write_text(w, i == 0 ? "" : ", ");
        rv_schema_write_name(w, rv_schema_event_type(schema, stream->event_types[i])->name);
    }
    rv_write_text(w, ")\n);\n");
}

const rv_schema_names *rv_schema_names_of(const rv_schema *schema, rv_schema_kind kind) {
    const rv_schema_names *const names[RV_SCHEMA_KINDS] = {
        [RV_SCHEMA_ENUM] = &schema->enum_names,
        [RV_SCHEMA_AGGREGATE] = &schema->aggregate_names,
        [RV_SCHEMA_EVENT_TYPE] = &schema->event_type_names,
        [RV_SCHEMA_STREAM] = &schema->stream_names};
    RV_ASSERT(kind < RV_SCHEMA_KINDS);
    return names[kind];
}

void rv_schema_print_one(const rv_schema *schema, rv_schema_kind kind, uint16_t number,
                         rv_writer *w) {
    RV_ASSERT(number < rv_schema_names_of(schema, kind)->count);
    if (kind == RV_SCHEMA_ENUM) {
        print_enum(schema->enums[number], w);
    } else if (kind == RV_SCHEMA_AGGREGATE) {
        print_aggregate(schema, schema->aggregates[number], w);
    } else if (kind == RV_SCHEMA_EVENT_TYPE) {
        print_event_type(schema, schema->event_types[number], w);
    } else {
        print_stream(schema, schema->streams[number], w);
    }
}

void rv_schema_print(const rv_schema *schema, rv_writer *w) {
    RV_ASSERT(schema != NULL && w != NULL);
    const size_t start = w->len;
    for (rv_schema_kind kind = RV_SCHEMA_ENUM; kind < RV_SCHEMA_KINDS; kind++) {
        for (uint16_t i = 0; i < rv_schema_names_of(schema, kind)->count; i++) {
            rv_write_text(w, w->len == start ? "" : "\n");
            rv_schema_print_one(schema, kind, i, w);
        }
    }
}
