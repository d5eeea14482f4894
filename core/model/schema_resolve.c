/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bindings of an event type mean (SEMANTICS 12):
 *
 *   1. each names an aggregate and a column that exist; creates, references and deletes name the
 *      primary key, the others another column;
 *   2. each creates, references and deletes is a touch: a row that the event identifies. Touches
 * are numbered creates first, then references, then deletes, so that folding finds the rows it
 *      makes before those that refer to them;
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
    RV_ASSERT(aggregate->key < aggregate->column_count);
    const rv_bytes names[3] = {binding->column_name.text, aggregate->name,
                               aggregate->columns[aggregate->key].name};
    const bool is_key = binding->column == aggregate->key;
    if (rv_verb_is_touch(binding->verb) && !is_key) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                              "`%b` is not the primary key of `%b`; `%b` is", names);
    }
    if (!rv_verb_is_touch(binding->verb) && is_key) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->column_name,
                              "`%b` is the primary key of `%b`, which cannot be changed", names);
    }
    return RV_OK;
}

static rv_status add_touch(rv_schema_parser *p, rv_event_type_draft *draft,
                           rv_binding_draft *binding) {
    static const rv_touch_kind kinds[] = {RV_TOUCH_CREATES, RV_TOUCH_REFERENCES, RV_TOUCH_DELETES};
    RV_ASSERT(rv_verb_is_touch(binding->verb));
    for (uint16_t i = 0; i < draft->touch_count; i++) {
        if (draft->touches[i].aggregate == binding->aggregate->number &&
            draft->touches[i].field == binding->field) {
            return rv_schema_fail(
                p, RV_SCHEMA_INVALID, &binding->at, "field `%b` identifies the row of `%b` already",
                (rv_bytes[3]){draft->fields[binding->field]->name.text, binding->aggregate->name});
        }
    }
    if (draft->touch_count == RV_TOUCHES_MAX) {
        return rv_schema_fail_limit(p, &binding->at, "rows that one event touches", RV_TOUCHES_MAX);
    }
    binding->touch = draft->touch_count;
    binding->number = draft->touch_count;
    draft->touches[draft->touch_count++] = (rv_touch){.kind = kinds[binding->verb],
                                                      .aggregate = binding->aggregate->number,
                                                      .field = binding->field};
    return RV_OK;
}

/* Step 2. */
static rv_status find_touches(rv_schema_parser *p, rv_event_type_draft *draft) {
    RV_ASSERT(draft->touch_count == 0);
    for (rv_verb verb = RV_VERB_CREATES; rv_verb_is_touch(verb); verb = (rv_verb)(verb + 1)) {
        for (uint16_t i = 0; i < draft->binding_count; i++) {
            if (draft->bindings[i]->verb == verb) {
                const rv_status status = add_touch(p, draft, draft->bindings[i]);
                if (status != RV_OK) {
                    return status;
                }
            }
        }
    }
    RV_ASSERT(draft->touch_count <= RV_TOUCHES_MAX);
    return RV_OK;
}

/* The fields that identify a row of the aggregate, as "VIA a or VIA b". */
static rv_bytes list_candidates(const rv_event_type_draft *draft, uint16_t aggregate,
                                rv_writer *w) {
    RV_ASSERT(w->len == 0);
    for (uint16_t i = 0; i < draft->touch_count; i++) {
        if (draft->touches[i].aggregate == aggregate) {
            rv_write_text(w, w->len == 0 ? "VIA " : " or VIA ");
            rv_schema_write_name(w, draft->fields[draft->touches[i].field]->name.text);
        }
    }
    return rv_writer_bytes(w);
}

/* Step 3, when the touch is not plain: says why. */
static rv_status refuse_via(rv_schema_parser *p, const rv_event_type_draft *draft,
                            const rv_binding_draft *binding, uint16_t candidate_count) {
    uint8_t list[300];
    rv_writer w = rv_writer_over(list, sizeof list);
    const rv_bytes candidates = list_candidates(draft, binding->aggregate->number, &w);
    const rv_bytes names[3] = {binding->aggregate->name, candidates, binding->via.text};
    if (candidate_count == 0) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->aggregate_name,
                              "no field of the event creates or references a row of `%b`, so it is "
                              "not known which row is meant",
                              names);
    }
    RV_ASSERT(candidates.len > 0);
    if (!binding->via_given) {
        (void)rv_schema_fail(p, RV_SCHEMA_AMBIGUOUS, &binding->at,
                             "the event touches several rows of `%b`; say which one is meant: %b",
                             names);
        rv_error_fact_text(p->err, "expected", candidates);
        return RV_SCHEMA_AMBIGUOUS;
    }
    if (rv_schema_field_of(draft, binding->via.text) == RV_NONE) {
        rv_nearest nearest = rv_nearest_to(binding->via.text);
        for (uint16_t i = 0; i < draft->field_count; i++) {
            rv_nearest_offer(&nearest, draft->fields[i]->name.text);
        }
        return rv_schema_fail_unknown(p, &binding->via, "field", draft->name.text, &nearest);
    }
    (void)rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->via,
                         "field `%b` does not identify a row of `%b`; %b does",
                         (rv_bytes[3]){binding->via.text, binding->aggregate->name, candidates});
    rv_error_fact_text(p->err, "expected", candidates);
    return RV_SCHEMA_INVALID;
}

/* Step 3. */
static rv_status find_touch(rv_schema_parser *p, rv_event_type_draft *draft,
                            rv_binding_draft *binding) {
    RV_ASSERT(!rv_verb_is_touch(binding->verb));
    uint16_t candidate_count = 0;
    uint16_t found = RV_NONE;
    for (uint16_t i = 0; i < draft->touch_count; i++) {
        const rv_touch *touch = &draft->touches[i];
        if (touch->aggregate == binding->aggregate->number) {
            const rv_bytes field = draft->fields[touch->field]->name.text;
            candidate_count++;
            if (!binding->via_given || rv_bytes_equal(field, binding->via.text)) {
                found = i;
            }
        }
    }
    if (found == RV_NONE || (candidate_count > 1 && !binding->via_given)) {
        return refuse_via(p, draft, binding, candidate_count);
    }
    rv_touch *touch = &draft->touches[found];
    if (touch->kind == RV_TOUCH_DELETES) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &binding->at,
                              "the event deletes the row of `%b` that this would change",
                              (rv_bytes[3]){binding->aggregate->name});
    }
    touch->acted_on = true;
    binding->touch = found;
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
        status = find_touches(p, draft);
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
