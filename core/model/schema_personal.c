/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PERSONAL fields (SEMANTICS 32). Erasing one puts a fixed placeholder in its place, in the log and
 * in the columns that it updates, and must change nothing else. So nothing is decided or computed
 * from it, neither directly nor from those columns:
 *
 *     a PERSONAL field has no CHECK, and no CHECK of its event reads it; it stands in no path, is
 * no key, is not counted with, and no computed update reads it;
 *
 *     a column that a PERSONAL field updates is in no key, refers to nothing, has no CHECK and no
 *     UNIQUE, no CHECK of a row and no computed update reads it.
 *
 * The second holds for all event types together: whichever comes later is refused.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

static rv_bytes field_name(const rv_event_type_draft *draft, uint16_t field) {
    RV_ASSERT(field < draft->field_count);
    return draft->fields[field]->name.text;
}

/* The CHECKs that read the field. */
static rv_status judge_checks(rv_schema_parser *p, const rv_event_type_draft *draft,
                              const rv_event_type *made, uint16_t field) {
    static const char why[] = "`%b` is PERSONAL: no CHECK can read it, as it would fail when the "
                              "field is erased";
    const rv_bytes names[3] = {field_name(draft, field)};
    for (uint16_t f = 0; f < made->field_count; f++) {
        if (made->fields[f].has_check && rv_expr_reads(&made->fields[f].check, field)) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->fields[f]->check.lexer.token, why,
                                  names);
        }
    }
    for (uint16_t i = 0; i < made->check_count; i++) {
        if (rv_expr_reads(&made->checks[i], field)) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->checks[i]->lexer.token, why, names);
        }
    }
    RV_ASSERT(made->fields[field].personal);
    return RV_OK;
}

/* True when a CHECK of the aggregate reads the column. */
static bool is_checked(const rv_aggregate *aggregate, uint16_t column) {
    RV_ASSERT(column < aggregate->column_count);
    bool read = aggregate->columns[column].has_check;
    for (uint16_t c = 0; c < aggregate->column_count && !read; c++) {
        read =
            aggregate->columns[c].has_check && rv_expr_reads(&aggregate->columns[c].check, column);
    }
    for (uint16_t i = 0; i < aggregate->check_count && !read; i++) {
        read = rv_expr_reads(&aggregate->checks[i], column);
    }
    return read;
}

/* True when rows are told apart, or found, by what the column holds. */
static bool is_unique(const rv_aggregate *aggregate, uint16_t column) {
    RV_ASSERT(column < aggregate->column_count);
    bool unique = false;
    for (uint16_t i = 0; i < aggregate->index_count; i++) {
        const rv_aggregate_index *const index = &aggregate->indexes[i];
        for (uint16_t c = 0; c < index->column_count; c++) {
            unique = unique || (index->unique && index->columns[c] == column);
        }
    }
    return unique;
}

static bool refers(const rv_aggregate *aggregate, uint16_t column) {
    RV_ASSERT(column < aggregate->column_count);
    bool does = aggregate->columns[column].references != RV_NONE;
    for (uint16_t i = 0; i < aggregate->foreign_key_count; i++) {
        const rv_foreign_key *const key = &aggregate->foreign_keys[i];
        for (uint16_t c = 0; c < key->column_count; c++) {
            does = does || key->columns[c] == column;
        }
    }
    return does;
}

static bool counts(rv_action_kind kind) {
    RV_ASSERT(kind <= RV_ACTION_DECREMENT);
    return kind == RV_ACTION_INCREMENT || kind == RV_ACTION_DECREMENT;
}

/* True when the event type computes something from the column: what it counts to, too. */
static bool computes_from(const rv_event_type *type, uint16_t aggregate, uint16_t column) {
    bool computes = false;
    RV_ASSERT(column != RV_NONE);
    for (uint16_t a = 0; a < type->action_count && !computes; a++) {
        const rv_action *const action = &type->actions[a];
        const bool reads = action->kind == RV_ACTION_COMPUTE
                               ? rv_expr_reads(&action->expr, (uint32_t)type->field_count + column)
                               : counts(action->kind) && action->column == column;
        computes = reads && type->touches[action->touch].aggregate == aggregate;
    }
    return computes;
}

/* The column that a PERSONAL field updates. */
static rv_status judge_column(rv_schema_parser *p, const rv_event_type_draft *draft,
                              const rv_event_type *made, const rv_binding_draft *binding) {
    const rv_aggregate *const aggregate = binding->aggregate;
    const uint16_t column = binding->column;
    const rv_bytes names[3] = {field_name(draft, binding->field), binding->column_name.text};
    const char *why = refers(aggregate, column)       ? "refers to a row"
                      : is_checked(aggregate, column) ? "is read by a CHECK"
                      : is_unique(aggregate, column)  ? "is UNIQUE"
                                                      : NULL;
    if (why != NULL) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                              "`%b` is PERSONAL, and cannot update column `%b`, which %b: erasing "
                              "it may change nothing else",
                              (rv_bytes[3]){names[0], names[1], rv_bytes_of_string(why)});
    }
    for (uint16_t i = 0; i <= p->schema->event_type_names.count; i++) {
        const rv_event_type *const type =
            i == p->schema->event_type_names.count ? made : &p->schema->event_types[i]->shape;
        if (computes_from(type, aggregate->number, column)) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                                  "`%b` is PERSONAL, and cannot update column `%b`, from which "
                                  "event type `%b` computes an update",
                                  (rv_bytes[3]){names[0], names[1], type->name});
        }
    }
    return RV_OK;
}

/* What one binding of a PERSONAL field does. */
static rv_status judge_binding(rv_schema_parser *p, const rv_event_type_draft *draft,
                               const rv_event_type *made, const rv_binding_draft *binding) {
    const rv_bytes names[3] = {field_name(draft, binding->field)};
    RV_ASSERT(draft->fields[binding->field]->personal);
    if (rv_verb_is_touch(binding->verb)) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->at,
                              "`%b` is PERSONAL, and cannot identify a row: a PERSONAL field only "
                              "updates columns",
                              names);
    }
    if (binding->verb != RV_VERB_UPDATES) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->at,
                              "`%b` is PERSONAL, and cannot be counted with: a PERSONAL field only "
                              "updates columns",
                              names);
    }
    return binding->computed.present
               ? rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->at,
                                "`%b` is PERSONAL, and updates columns as it is: a computed update "
                                "belongs to another field",
                                names)
               : judge_column(p, draft, made, binding);
}

/* The event type of the schema whose PERSONAL field updates the column, or NULL. */
static const rv_event_type *personal_source(const rv_schema_parser *p, uint16_t aggregate,
                                            uint16_t column) {
    for (uint16_t i = 0; i < p->schema->event_type_names.count; i++) {
        const rv_event_type *const type = &p->schema->event_types[i]->shape;
        for (uint16_t a = 0; a < type->action_count; a++) {
            const rv_action *const action = &type->actions[a];
            RV_ASSERT(action->field < type->field_count);
            if (action->column == column && type->fields[action->field].personal &&
                type->touches[action->touch].aggregate == aggregate) {
                return type;
            }
        }
    }
    return NULL;
}

/* What a computed update reads. */
static rv_status judge_computed(rv_schema_parser *p, const rv_event_type_draft *draft,
                                const rv_event_type *made, const rv_binding_draft *binding) {
    const rv_expr *const expr = &made->actions[binding->number].expr;
    RV_ASSERT(made->actions[binding->number].kind == RV_ACTION_COMPUTE);
    for (uint16_t f = 0; f < made->field_count; f++) {
        if (made->fields[f].personal && rv_expr_reads(expr, f)) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->computed.lexer.token,
                                  "`%b` is PERSONAL: nothing can be computed from it",
                                  (rv_bytes[3]){field_name(draft, f)});
        }
    }
    for (uint16_t c = 0; c < binding->aggregate->column_count; c++) {
        const rv_event_type *const source = rv_expr_reads(expr, (uint32_t)made->field_count + c)
                                                ? personal_source(p, binding->aggregate->number, c)
                                                : NULL;
        if (source != NULL) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->computed.lexer.token,
                                  "nothing can be computed from column `%b`, which a PERSONAL "
                                  "field of event type `%b` updates",
                                  (rv_bytes[3]){binding->aggregate->columns[c].name, source->name});
        }
    }
    return RV_OK;
}

/* A count goes on from what the column holds. */
static rv_status judge_count(rv_schema_parser *p, const rv_binding_draft *binding) {
    const rv_event_type *const source =
        personal_source(p, binding->aggregate->number, binding->column);
    RV_ASSERT(!binding->computed.present);
    return source == NULL
               ? RV_OK
               : rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                                "column `%b` cannot be counted in: a PERSONAL field of event type "
                                "`%b` updates it",
                                (rv_bytes[3]){binding->column_name.text, source->name});
}

rv_status rv_schema_judge_personal(rv_schema_parser *p, const rv_event_type_draft *draft,
                                   const rv_event_type *made) {
    RV_ASSERT(made->field_count == draft->field_count);
    rv_status status = RV_OK;
    for (uint16_t f = 0; f < made->field_count && status == RV_OK; f++) {
        status = made->fields[f].personal ? judge_checks(p, draft, made, f) : RV_OK;
    }
    for (uint16_t i = 0; i < draft->binding_count && status == RV_OK; i++) {
        const rv_binding_draft *const binding = draft->bindings[i];
        if (draft->fields[binding->field]->personal) {
            status = judge_binding(p, draft, made, binding);
        } else if (binding->computed.present) {
            status = judge_computed(p, draft, made, binding);
        } else if (binding->verb == RV_VERB_INCREMENTS || binding->verb == RV_VERB_DECREMENTS) {
            status = judge_count(p, binding);
        }
    }
    return status;
}
