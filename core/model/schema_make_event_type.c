/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the resolved draft of an event type to the event type: what its fields may leave out and
 * what they default to, its actions in the order in which they are folded, its compiled
 * expressions, and whether the rows it creates get all that they must have.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

/* What is made, while it is made. */
typedef struct making {
    rv_event_type_entry *entry;
    rv_field *fields;
    rv_decoding *decodings;
    rv_touch *touches;
    rv_action *actions;
    rv_expr *checks;
    rv_schema_binding *bindings;
    rv_expr_name *names; /* the fields, then room for the columns of one row */
    uint16_t action_count;
} making;

static rv_status take_memory(rv_schema_parser *p, const rv_event_type_draft *draft, making *m) {
    RV_ASSERT(draft->touch_count + draft->action_count <= draft->binding_count + RV_TOUCHES_MAX);
    m->action_count = draft->action_count;
    m->entry = (rv_event_type_entry *)rv_arena_take(p->arena, sizeof *m->entry);
    m->fields = (rv_field *)rv_arena_take(p->arena, draft->field_count * sizeof *m->fields);
    m->decodings =
        (rv_decoding *)rv_arena_take(p->arena, draft->field_count * sizeof *m->decodings);
    m->touches = (rv_touch *)rv_arena_take(p->arena, draft->touch_count * sizeof *m->touches);
    m->actions = (rv_action *)rv_arena_take(p->arena, m->action_count * sizeof *m->actions);
    m->checks = (rv_expr *)rv_arena_take(p->arena, draft->check_count * sizeof *m->checks);
    m->bindings =
        (rv_schema_binding *)rv_arena_take(p->arena, draft->binding_count * sizeof *m->bindings);
    m->names = (rv_expr_name *)rv_schema_temp(p, (draft->field_count + (size_t)RV_COLUMNS_MAX) *
                                                     sizeof *m->names);
    const bool made = m->entry != NULL && m->fields != NULL && m->decodings != NULL &&
                      m->touches != NULL && m->actions != NULL && m->checks != NULL &&
                      m->bindings != NULL && m->names != NULL;
    return made ? RV_OK : rv_schema_fail_memory(p);
}

/* The default of the first column that the field sets, when the field has none of its own. It is
 * compiled again for the field's type, as if it had been written there. */
static rv_status inherit_default(rv_schema_parser *p, const rv_event_type_draft *draft, uint16_t f,
                                 rv_field *field) {
    const rv_column *column = NULL;
    for (uint16_t i = 0; i < draft->binding_count && column == NULL; i++) {
        const rv_binding_draft *binding = draft->bindings[i];
        if (binding->field == f && binding->verb == RV_VERB_UPDATES && !binding->computed.present) {
            column = &binding->aggregate->columns[binding->column];
        }
    }
    if (column == NULL || !column->has_default) {
        return RV_OK;
    }
    RV_ASSERT(column->default_value.source.len > 0);
    rv_schema_later later = {.present = true, .end = column->default_value.source.len};
    rv_error why;
    rv_error *const err = p->err;
    p->err = &why;
    rv_status status = rv_lexer_start(&later.lexer, column->default_value.source, p->arena, &why);
    if (status == RV_OK) {
        status = rv_schema_compile_default(p, &later, &field->type, false, &draft->fields[f]->name,
                                           &field->default_value);
    }
    p->err = err;
    if (status != RV_OK) {
        return rv_schema_fail(p, status, &draft->fields[f]->name,
                              "field `%b` cannot take the DEFAULT of column `%b`: give it one of "
                              "its own",
                              (rv_bytes[3]){field->name, column->name});
    }
    field->has_default = true;
    return RV_OK;
}

/* NOT NULL: said, or a key, or set into a column that is. */
static bool must_be_given(const rv_event_type_draft *draft, uint16_t f) {
    RV_ASSERT(f < draft->field_count);
    bool must = draft->fields[f]->not_null;
    for (uint16_t i = 0; i < draft->binding_count; i++) {
        const rv_binding_draft *binding = draft->bindings[i];
        if (binding->field == f && !binding->computed.present) {
            must = must || rv_verb_is_touch(binding->verb) ||
                   (binding->verb == RV_VERB_UPDATES &&
                    binding->aggregate->columns[binding->column].not_null);
        }
    }
    return must;
}

/* See rv_field.plain_name. */
static bool is_plain_name(rv_bytes name) {
    bool plain = name.len > 0;
    RV_ASSERT(name.len <= RV_NAME_LEN_MAX);
    for (size_t i = 0; i < name.len; i++) {
        plain = plain && name.ptr[i] >= 0x20 && name.ptr[i] != '"' && name.ptr[i] != '\\';
    }
    return plain;
}

static rv_status make_fields(rv_schema_parser *p, const rv_event_type_draft *draft, making *m) {
    RV_ASSERT(draft->field_count > 0);
    rv_status status = RV_OK;
    for (uint16_t f = 0; f < draft->field_count; f++) {
        const rv_field_draft *from = draft->fields[f];
        m->fields[f] = (rv_field){.name = from->name.text,
                                  .type = from->type,
                                  .not_null = must_be_given(draft, f),
                                  .has_default = from->default_value.present,
                                  .has_check = from->check.present,
                                  .personal = from->personal,
                                  .plain_name = is_plain_name(from->name.text)};
        m->decodings[f] = rv_decoding_of(&from->type);
        m->names[f] = (rv_expr_name){.name = from->name.text, .type = from->type, .slot = f};
    }
    const rv_expr_scope scope = {m->names, draft->field_count, p->schema->enums,
                                 p->schema->enum_names.count};
    for (uint16_t f = 0; f < draft->field_count && status == RV_OK; f++) {
        const rv_field_draft *from = draft->fields[f];
        rv_field *field = &m->fields[f];
        status = field->has_default ? rv_schema_compile_default(p, &from->default_value,
                                                                &field->type, field->not_null,
                                                                &from->name, &field->default_value)
                                    : inherit_default(p, draft, f, field);
        if (status == RV_OK && field->has_check) {
            status = rv_schema_compile_check(p, &from->check, &scope, &field->check);
        }
    }
    for (uint16_t i = 0; i < draft->check_count && status == RV_OK; i++) {
        status = rv_schema_compile_check(p, draft->checks[i], &scope, &m->checks[i]);
    }
    return status;
}

/* `updates A(c) = (expr)`: names are fields first, then columns of the row, or `a.c`. */
static rv_status compile_action(rv_schema_parser *p, const rv_event_type_draft *draft,
                                const rv_binding_draft *binding, const making *m,
                                rv_action *action) {
    RV_ASSERT(binding->computed.present);
    const rv_aggregate *aggregate = binding->aggregate;
    for (uint16_t c = 0; c < aggregate->column_count; c++) {
        m->names[draft->field_count + c] = (rv_expr_name){.qualifier = aggregate->name,
                                                          .name = aggregate->columns[c].name,
                                                          .type = aggregate->columns[c].type,
                                                          .slot = (uint32_t)draft->field_count + c};
    }
    const rv_expr_scope scope = {m->names, (size_t)draft->field_count + aggregate->column_count,
                                 p->schema->enums, p->schema->enum_names.count};
    return rv_schema_compile(p, &binding->computed, &scope,
                             &aggregate->columns[binding->column].type, &action->expr);
}

static rv_status make_actions(rv_schema_parser *p, rv_event_type_draft *draft, making *m) {
    RV_ASSERT(draft->touch_count <= RV_TOUCHES_MAX);
    uint16_t count = 0;
    for (uint16_t t = 0; t < draft->touch_count; t++) {
        for (uint16_t i = 0; i < draft->binding_count; i++) {
            rv_binding_draft *binding = draft->bindings[i];
            if (rv_verb_is_touch(binding->verb) || binding->touch != t) {
                continue;
            }
            rv_action *action = &m->actions[count];
            *action = (rv_action){.touch = t, .field = binding->field, .column = binding->column};
            action->kind = binding->computed.present             ? RV_ACTION_COMPUTE
                           : binding->verb == RV_VERB_UPDATES    ? RV_ACTION_SET
                           : binding->verb == RV_VERB_INCREMENTS ? RV_ACTION_INCREMENT
                                                                 : RV_ACTION_DECREMENT;
            const rv_column *column = &binding->aggregate->columns[binding->column];
            action->plain = !binding->computed.present && column->references == RV_NONE &&
                            rv_type_same(&m->fields[binding->field].type, &column->type);
            action->stores = action->plain && action->kind == RV_ACTION_SET && action->column < 64;
            action->adds =
                action->plain && action->kind != RV_ACTION_SET &&
                (column->type.kind == RV_TYPE_INTEGER || column->type.kind == RV_TYPE_BIGINT);
            binding->number = count++;
            if (binding->computed.present) {
                const rv_status status = compile_action(p, draft, binding, m, action);
                if (status != RV_OK) {
                    return status;
                }
            }
        }
    }
    RV_ASSERT(count == m->action_count);
    return RV_OK;
}

/* A row that is created must get every column that is NOT NULL from a field or a default. */
static rv_status judge_created(rv_schema_parser *p, const rv_event_type_draft *draft,
                               const making *m, uint16_t t) {
    const rv_aggregate *aggregate = rv_schema_aggregate(p->schema, draft->touches[t].aggregate);
    RV_ASSERT(draft->touches[t].kind == RV_TOUCH_CREATES);
    for (uint16_t c = 0; c < aggregate->column_count; c++) {
        const rv_column *column = &aggregate->columns[c];
        bool set = column->key || !column->not_null || column->has_default;
        for (uint16_t i = 0; i < m->action_count && !set; i++) {
            const rv_action *action = &m->actions[i];
            set = action->touch == t && action->column == c &&
                  (action->kind == RV_ACTION_SET || action->kind == RV_ACTION_COMPUTE);
        }
        if (!set) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID,
                                  &draft->fields[draft->touches[t].field]->name,
                                  "the event creates a row of `%b` without column `%b`, which is "
                                  "NOT NULL and has no DEFAULT",
                                  (rv_bytes[3]){aggregate->name, column->name});
        }
    }
    return RV_OK;
}

/* See rv_touch.defaults. */
static void find_defaults(const rv_schema_parser *p, const making *m, rv_touch *touch) {
    const rv_aggregate *aggregate = rv_schema_aggregate(p->schema, touch->aggregate);
    RV_ASSERT(touch->kind == RV_TOUCH_CREATES);
    for (uint16_t c = 0; c < aggregate->column_count; c++) {
        const uint64_t given = aggregate->columns[c].has_default && !aggregate->columns[c].key;
        touch->defaults[c / 64] |= given << (c % 64);
    }
    for (uint16_t i = 0; i < m->action_count; i++) {
        const rv_action *action = &m->actions[i];
        if (action->touch == touch - m->touches && action->kind == RV_ACTION_SET) {
            touch->defaults[action->column / 64] &= ~(UINT64_C(1) << (action->column % 64));
        }
    }
}

/* See rv_touch.indexes. */
static uint32_t indexes_changed(const rv_schema_parser *p, const making *m, uint16_t t) {
    const rv_aggregate *aggregate = rv_schema_aggregate(p->schema, m->touches[t].aggregate);
    RV_ASSERT(aggregate->index_count <= RV_INDEXES_MAX && RV_INDEXES_MAX < 32);
    if (m->touches[t].kind == RV_TOUCH_CREATES) {
        return (UINT32_C(1) << aggregate->index_count) - 1u;
    }
    uint32_t bits = 0;
    for (uint16_t a = 0; a < m->action_count; a++) {
        for (uint16_t i = 0; i < aggregate->index_count && m->actions[a].touch == t; i++) {
            const rv_aggregate_index *index = &aggregate->indexes[i];
            for (uint16_t c = 0; c < index->column_count; c++) {
                bits |= (uint32_t)(index->columns[c] == m->actions[a].column) << i;
            }
        }
    }
    RV_ASSERT(bits >> aggregate->index_count == 0);
    return bits;
}

/* See rv_event_type.straight. */
static bool is_straight(const rv_schema_parser *p, const rv_event_type_draft *draft,
                        const making *m) {
    RV_ASSERT(draft->touch_count <= RV_TOUCHES_MAX);
    bool straight = true;
    for (uint16_t t = 0; t < draft->touch_count; t++) {
        const rv_touch *touch = &draft->touches[t];
        const rv_aggregate *aggregate = rv_schema_aggregate(p->schema, touch->aggregate);
        straight =
            straight && touch->kind == RV_TOUCH_REFERENCES && m->touches[t].indexes == 0 &&
            aggregate->key_count == 1 && aggregate->foreign_key_count == 0 &&
            rv_type_same(&m->fields[touch->field].type, &aggregate->columns[aggregate->key].type);
    }
    return straight;
}

static bool is_indexed(const rv_event_type_draft *draft, const making *m) {
    bool indexed = false;
    RV_ASSERT(draft->touch_count <= RV_TOUCHES_MAX);
    for (uint16_t t = 0; t < draft->touch_count; t++) {
        indexed = indexed || m->touches[t].indexes != 0;
    }
    return indexed;
}

static void make_bindings(const rv_event_type_draft *draft, making *m) {
    RV_ASSERT(draft->binding_count <= RV_BINDINGS_MAX);
    for (uint16_t i = 0; i < draft->binding_count; i++) {
        const rv_binding_draft *binding = draft->bindings[i];
        m->bindings[i] = (rv_schema_binding){.field = binding->field,
                                             .number = binding->number,
                                             .column = binding->column,
                                             .via = binding->via_field,
                                             .touch = rv_verb_is_touch(binding->verb)};
    }
}

rv_status rv_schema_make_event_type(rv_schema_parser *p, rv_event_type_draft *draft) {
    making m = {0};
    rv_status status = take_memory(p, draft, &m);
    if (status == RV_OK) {
        status = make_fields(p, draft, &m);
    }
    if (status == RV_OK) {
        status = make_actions(p, draft, &m);
    }
    for (uint16_t t = 0; t < draft->touch_count && status == RV_OK; t++) {
        m.touches[t] = draft->touches[t];
        m.touches[t].indexes = indexes_changed(p, &m, t);
        if (draft->touches[t].kind == RV_TOUCH_CREATES) {
            find_defaults(p, &m, &m.touches[t]);
            status = judge_created(p, draft, &m, t);
        }
    }
    if (status != RV_OK) {
        return status;
    }
    make_bindings(draft, &m);
    RV_ASSERT(p->schema->version < UINT16_MAX);
    m.entry->shape = (rv_event_type){.name = draft->name.text,
                                     .number = p->schema->event_type_names.count,
                                     .schema_version = (uint16_t)(p->schema->version + 1),
                                     .field_count = draft->field_count,
                                     .touch_count = draft->touch_count,
                                     .action_count = m.action_count,
                                     .check_count = draft->check_count,
                                     .indexed = is_indexed(draft, &m),
                                     .straight = is_straight(p, draft, &m),
                                     .fields = m.fields,
                                     .decodings = m.decodings,
                                     .touches = m.touches,
                                     .actions = m.actions,
                                     .checks = m.checks};
    m.entry->bindings = m.bindings;
    m.entry->binding_count = draft->binding_count;
    status = rv_schema_judge_personal(p, draft, &m.entry->shape);
    if (status == RV_OK) {
        const uint16_t number = rv_schema_names_add(&p->schema->event_type_names, draft->name.text);
        RV_ASSERT(number == m.entry->shape.number && number < RV_EVENT_TYPES_MAX);
        p->schema->event_types[number] = m.entry;
    }
    return status;
}
