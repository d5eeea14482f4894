/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bindings of an event type mean (SEMANTICS 12):
 *
 *   1. each names an aggregate and a column that exist; creates, references and deletes name the
 *      primary key, or a column of it, the others another column;
 *   2. those to primary keys are put together to touches: rows that the event identifies
 *      (schema_touches.c);
 *   3. each of the others is an action, which goes through the one touch of its aggregate, or
 *      through the one that VIA says;
 *   4. a field without a type takes that of its first column, and all its columns must fit it;
 *   5. nothing sets one column of one row twice.
 *
 *     id      references account(id)                        touch 0
 *     amount  numeric(12,2) decrements account(balance)     action through touch 0
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

/* Step 1. */
static rv_status find_column(rv_schema_parser *p, rv_binding_draft *binding) {
    rv_status status = rv_schema_find_aggregate(p, &binding->aggregate_name, &binding->aggregate);
    if (status == RV_OK) {
        status =
            rv_schema_find_column(p, &binding->column_name, binding->aggregate, &binding->column);
    }
    if (status != RV_OK) {
        return status;
    }
    const rv_aggregate *aggregate = binding->aggregate;
    RV_ASSERT(aggregate->key_count > 0 && aggregate->key < aggregate->column_count);
    binding->key_index = 0;
    while (binding->key_index < aggregate->key_count &&
           aggregate->keys[binding->key_index] != binding->column) {
        binding->key_index++;
    }
    const rv_bytes names[3] = {binding->column_name.text, aggregate->name,
                               aggregate->columns[aggregate->key].name};
    const bool is_key = binding->key_index < aggregate->key_count;
    if (rv_verb_is_touch(binding->verb) && !is_key) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                              aggregate->key_count == 1
                                  ? "`%b` is not the primary key of `%b`; `%b` is"
                                  : "`%b` is not in the primary key of `%b`; `%b` is the first of "
                                    "its columns",
                              names);
    }
    if (!rv_verb_is_touch(binding->verb) && is_key) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                              aggregate->key_count == 1
                                  ? "`%b` is the primary key of `%b`, which cannot be changed"
                                  : "`%b` is in the primary key of `%b`, which cannot be changed",
                              names);
    }
    return RV_OK;
}

/* The fields that tell the rows of the aggregate apart, as "VIA a or VIA b". */
static rv_bytes list_candidates(const rv_event_type_draft *draft, uint16_t aggregate,
                                rv_writer *w) {
    RV_ASSERT(w->len == 0);
    for (uint16_t i = 0; i < draft->touch_count; i++) {
        const uint16_t field = rv_schema_touch_name(draft, i);
        if (draft->touches[i].aggregate == aggregate && field != RV_NONE) {
            rv_write_text(w, w->len == 0 ? "VIA " : " or VIA ");
            rv_schema_write_name(w, draft->fields[field]->name.text);
        }
    }
    return rv_writer_bytes(w);
}

/* Step 3, when there is no VIA, and not one touch that is meant. */
static rv_status refuse_unsaid(rv_schema_parser *p, const rv_binding_draft *binding,
                               uint16_t candidate_count, rv_bytes candidates) {
    const rv_bytes names[3] = {binding->aggregate->name, candidates};
    RV_ASSERT(!binding->via_given || candidate_count == 0);
    if (candidate_count == 0) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->aggregate_name,
                              "no field of the event creates or references a row of `%b`, so it is "
                              "not known which row is meant",
                              names);
    }
    (void)rv_schema_fail(p, RV_SCHEMA_AMBIGUOUS, &binding->at,
                         candidates.len > 0
                             ? "the event touches several rows of `%b`; say which one is meant: %b"
                             : "the event touches several rows of `%b`, and no field is in the key "
                               "of one of them alone, so VIA could not say which one is meant",
                         names);
    rv_error_fact_text(p->err, "expected", candidates);
    return RV_SCHEMA_AMBIGUOUS;
}

/* Step 3, when the touch is not plain: says why. `met` is the number of rows that VIA names. */
static rv_status refuse_via(rv_schema_parser *p, const rv_event_type_draft *draft,
                            const rv_binding_draft *binding, uint16_t candidate_count,
                            uint16_t met) {
    uint8_t list[RV_ERROR_DETAIL_MAX];
    rv_writer w = rv_writer_over(list, sizeof list);
    const rv_bytes candidates = list_candidates(draft, binding->aggregate->number, &w);
    if (candidate_count == 0 || !binding->via_given) {
        return refuse_unsaid(p, binding, candidate_count, candidates);
    }
    if (rv_schema_field_of(draft, binding->via.text) == RV_NONE) {
        return rv_schema_fail_no_field(p, draft, &binding->via);
    }
    RV_ASSERT(met != 1);
    const rv_status status = met == 0 ? RV_SCHEMA_INVALID : RV_SCHEMA_AMBIGUOUS;
    (void)rv_schema_fail(p, status, &binding->via,
                         met == 0 ? "field `%b` does not identify a row of `%b`; %b does"
                                  : "field `%b` is in the key of several rows of `%b`; say %b",
                         (rv_bytes[3]){binding->via.text, binding->aggregate->name, candidates});
    rv_error_fact_text(p->err, "expected", candidates);
    return status;
}

/* True when the field is one of those that identify the row of a touch of this aggregate. */
static bool identifies(const rv_touch *touch, const rv_aggregate *aggregate, uint16_t field) {
    RV_ASSERT(touch->aggregate == aggregate->number);
    bool met = false;
    for (uint16_t i = 0; i < aggregate->key_count; i++) {
        met = met || touch->fields[i] == field;
    }
    return met;
}

/* Step 3. */
static rv_status find_touch(rv_schema_parser *p, rv_event_type_draft *draft,
                            rv_binding_draft *binding) {
    RV_ASSERT(!rv_verb_is_touch(binding->verb));
    const uint16_t via =
        binding->via_given ? rv_schema_field_of(draft, binding->via.text) : RV_NONE;
    uint16_t candidate_count = 0;
    uint16_t met = 0;
    uint16_t found = RV_NONE;
    for (uint16_t i = 0; i < draft->touch_count; i++) {
        const rv_touch *touch = &draft->touches[i];
        if (touch->aggregate == binding->aggregate->number) {
            candidate_count++;
            if (!binding->via_given || identifies(touch, binding->aggregate, via)) {
                met++;
                found = i;
            }
        }
    }
    if (met != 1) {
        return refuse_via(p, draft, binding, candidate_count, met);
    }
    rv_touch *touch = &draft->touches[found];
    if (touch->kind == RV_TOUCH_DELETES) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->at,
                              "the event deletes the row of `%b` that this would change",
                              (rv_bytes[3]){binding->aggregate->name});
    }
    touch->acted_on = true;
    binding->touch = found;
    binding->via_field = candidate_count > 1 ? rv_schema_touch_name(draft, found) : RV_NONE;
    draft->action_count++;
    return RV_OK;
}

static bool is_numeric(rv_type_kind kind) {
    return kind <= RV_TYPE_NUMERIC;
}

static const rv_type *column_type(const rv_binding_draft *binding) {
    RV_ASSERT(binding->column < binding->aggregate->column_count);
    return &binding->aggregate->columns[binding->column].type;
}

/* Step 4, for one binding. */
static rv_status judge_types(rv_schema_parser *p, const rv_field_draft *field,
                             const rv_binding_draft *binding) {
    RV_STATIC_ASSERT(RV_TYPE_SMALLINT == 0 && RV_TYPE_NUMERIC == 5, "numeric kinds come first");
    const rv_type *column = column_type(binding);
    const bool counts = binding->verb == RV_VERB_INCREMENTS || binding->verb == RV_VERB_DECREMENTS;
    if (counts && !is_numeric(column->kind)) {
        return rv_schema_fail(
            p, RV_SCHEMA_INVALID, &binding->column_name,
            "`%b` is %b; only a number can be counted up or down",
            (rv_bytes[3]){binding->column_name.text, rv_schema_type_text(p, column)});
    }
    RV_ASSERT(field->type.kind < RV_TYPE_KIND_COUNT);
    const bool fits = binding->computed.present ||
                      (rv_verb_is_touch(binding->verb) ? rv_schema_keys_fit(&field->type, column)
                                                       : rv_type_fits(&field->type, column));
    if (!fits) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                              "field `%b` is %b, which does not fit the column's type %b",
                              (rv_bytes[3]){field->name.text, rv_schema_type_text(p, &field->type),
                                            rv_schema_type_text(p, column)});
    }
    return RV_OK;
}

/* Step 4. */
static rv_status settle_types(rv_schema_parser *p, rv_event_type_draft *draft) {
    RV_ASSERT(draft->field_count > 0);
    uint16_t next = 0; /* bindings are by field */
    for (uint16_t f = 0; f < draft->field_count; f++) {
        rv_field_draft *field = draft->fields[f];
        const bool bound = next < draft->binding_count && draft->bindings[next]->field == f;
        if (!field->typed && !bound) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &field->name,
                                  "field `%b` has neither a type nor a binding to take it from",
                                  (rv_bytes[3]){field->name.text});
        }
        if (!field->typed) {
            field->type = *column_type(draft->bindings[next]);
            field->type.serial = false; /* a number that the writer assigns, but a plain one */
        }
        while (next < draft->binding_count && draft->bindings[next]->field == f) {
            const rv_status status = judge_types(p, field, draft->bindings[next]);
            if (status != RV_OK) {
                return status;
            }
            next++;
        }
    }
    RV_ASSERT(next == draft->binding_count);
    return RV_OK;
}

static bool counts(const rv_binding_draft *binding) {
    return binding->verb == RV_VERB_INCREMENTS || binding->verb == RV_VERB_DECREMENTS;
}

/* Step 5. Several increments of one column are one sum; anything else depends on an order. */
static rv_status refuse_conflicts(rv_schema_parser *p, const rv_event_type_draft *draft) {
    RV_ASSERT(draft->binding_count <= RV_BINDINGS_MAX);
    for (uint16_t i = 0; i < draft->binding_count; i++) {
        const rv_binding_draft *b = draft->bindings[i];
        for (uint16_t j = 0; j < i && !rv_verb_is_touch(b->verb); j++) {
            const rv_binding_draft *a = draft->bindings[j];
            if (!rv_verb_is_touch(a->verb) && a->touch == b->touch && a->column == b->column &&
                !(counts(a) && counts(b))) {
                return rv_schema_fail(p, RV_SCHEMA_AMBIGUOUS, &b->column_name,
                                      "`%b(%b)` is changed by field `%b` already",
                                      (rv_bytes[3]){b->aggregate->name, b->column_name.text,
                                                    draft->fields[a->field]->name.text});
            }
        }
    }
    return RV_OK;
}

rv_status rv_schema_resolve(rv_schema_parser *p, rv_event_type_draft *draft) {
    RV_ASSERT(draft->field_count > 0);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < draft->binding_count && status == RV_OK; i++) {
        status = find_column(p, draft->bindings[i]);
    }
    if (status == RV_OK) {
        status = rv_schema_find_touches(p, draft);
    }
    for (uint16_t i = 0; i < draft->binding_count && status == RV_OK; i++) {
        if (!rv_verb_is_touch(draft->bindings[i]->verb)) {
            status = find_touch(p, draft, draft->bindings[i]);
        }
    }
    if (status == RV_OK) {
        status = settle_types(p, draft);
    }
    if (status == RV_OK) {
        status = refuse_conflicts(p, draft);
    }
    RV_ASSERT(draft->touch_count <= RV_TOUCHES_MAX);
    return status;
}
