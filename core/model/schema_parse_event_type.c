/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE EVENT_TYPE, as far as the text goes: fields with their clauses and bindings, and CHECKs
 * over all fields. What the bindings mean is schema_resolve.c's business.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

static const char *const verbs[RV_VERB_COUNT] = {
    [RV_VERB_CREATES] = "creates",       [RV_VERB_REFERENCES] = "references",
    [RV_VERB_DELETES] = "deletes",       [RV_VERB_UPDATES] = "updates",
    [RV_VERB_INCREMENTS] = "increments", [RV_VERB_DECREMENTS] = "decrements",
};

/* The verb that the current token is, or RV_VERB_COUNT. */
static rv_verb verb_at(const rv_schema_parser *p) {
    rv_verb verb = RV_VERB_CREATES;
    while (verb < RV_VERB_COUNT && !rv_schema_at(p, verbs[verb])) {
        verb = (rv_verb)(verb + 1);
    }
    RV_ASSERT(verb <= RV_VERB_COUNT);
    return verb;
}

uint16_t rv_schema_field_of(const rv_event_type_draft *draft, rv_bytes name) {
    RV_ASSERT(draft->field_count <= RV_FIELDS_MAX);
    for (uint16_t i = 0; i < draft->field_count; i++) {
        if (rv_bytes_equal(draft->fields[i]->name.text, name)) {
            return i;
        }
    }
    return RV_NONE;
}

rv_status rv_schema_fail_no_field(rv_schema_parser *p, const rv_event_type_draft *draft,
                                  const rv_token *at) {
    RV_ASSERT(rv_schema_field_of(draft, at->text) == RV_NONE);
    rv_nearest nearest = rv_nearest_to(at->text);
    for (uint16_t i = 0; i < draft->field_count; i++) {
        rv_nearest_offer(&nearest, draft->fields[i]->name.text);
    }
    return rv_schema_fail_unknown(p, at, "field", draft->name.text, &nearest);
}

/* `= (expr)` and `VIA field`, where they may follow. */
static rv_status parse_binding_rest(rv_schema_parser *p, rv_binding_draft *binding) {
    RV_ASSERT(binding->verb < RV_VERB_COUNT);
    rv_status status = RV_OK;
    bool met = false;
    if (binding->verb == RV_VERB_UPDATES) {
        status = rv_schema_accept(p, "=", &met);
        if (status == RV_OK && met) {
            status = rv_schema_skip_parentheses(p, &binding->computed);
        }
    }
    if (status == RV_OK) {
        status = rv_schema_accept(p, "via", &binding->via_given);
    }
    if (status == RV_OK && binding->via_given) {
        status = rv_schema_expect_name(p, "the field that tells the row", &binding->via);
    }
    return status;
}

static rv_status parse_binding(rv_schema_parser *p, rv_event_type_draft *draft, rv_verb verb) {
    const rv_token at = p->lexer.token;
    if (draft->binding_count == RV_BINDINGS_MAX) {
        return rv_schema_fail_limit(p, &at, "bindings in an event type", RV_BINDINGS_MAX);
    }
    rv_binding_draft *binding = (rv_binding_draft *)rv_schema_temp(p, sizeof *binding);
    if (binding == NULL) {
        return rv_schema_fail_memory(p);
    }
    RV_ASSERT(draft->field_count > 0);
    binding->verb = verb;
    binding->field = (uint16_t)(draft->field_count - 1);
    binding->at = at;
    draft->bindings[draft->binding_count++] = binding;
    rv_status status = rv_schema_skip(p);
    if (status == RV_OK) {
        status = rv_schema_expect_name(p, "an aggregate's name", &binding->aggregate_name);
    }
    if (status == RV_OK) {
        status = rv_schema_expect_name_in_parentheses(p, "a column's name", &binding->column_name);
    }
    return status == RV_OK ? parse_binding_rest(p, binding) : status;
}

static rv_status refuse_repeated(rv_schema_parser *p, bool present, const char *expected) {
    RV_ASSERT(expected != NULL);
    return present ? rv_lexer_error(&p->lexer, RV_SCHEMA_INVALID, expected, p->err)
                   : rv_schema_skip(p);
}

/* NOT NULL, DEFAULT, CHECK, PERSONAL or a binding. */
static rv_status parse_field_clause(rv_schema_parser *p, rv_event_type_draft *draft,
                                    rv_field_draft *field) {
    RV_ASSERT(field != NULL);
    rv_status status = RV_OK;
    if (rv_schema_at(p, "not")) {
        status = refuse_repeated(p, field->not_null, "one NOT NULL in a field");
        field->not_null = true;
        return status == RV_OK ? rv_schema_expect(p, "null", "NULL") : status;
    }
    if (rv_schema_at(p, "default")) {
        field->default_at = p->lexer.token;
        status = refuse_repeated(p, field->default_value.present, "one DEFAULT in a field");
        return status == RV_OK ? rv_schema_skip_default(p, &field->default_value) : status;
    }
    if (rv_schema_at(p, "check")) {
        status = refuse_repeated(p, field->check.present,
                                 "one CHECK in a field (join conditions with AND)");
        return status == RV_OK ? rv_schema_skip_parentheses(p, &field->check) : status;
    }
    if (rv_schema_at(p, "personal")) {
        status = refuse_repeated(p, field->personal, "one PERSONAL in a field");
        field->personal = true;
        return status;
    }
    const rv_verb verb = verb_at(p);
    if (verb < RV_VERB_COUNT) {
        return parse_binding(p, draft, verb);
    }
    return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX,
                          "NOT NULL, DEFAULT, CHECK, PERSONAL, creates, references, deletes, "
                          "updates, increments, decrements, `,` or `)`",
                          p->err);
}

/* True when a clause begins here, so that the field has no type of its own. */
static bool at_clause(const rv_schema_parser *p) {
    static const char *const words[] = {"not", "default", "check", "personal"};
    bool clause = verb_at(p) < RV_VERB_COUNT;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        clause = clause || rv_schema_at(p, words[i]);
    }
    RV_ASSERT(!clause || p->lexer.token.kind == RV_TOKEN_NAME);
    return clause;
}

static rv_status parse_field(rv_schema_parser *p, rv_event_type_draft *draft) {
    rv_token name;
    rv_status status = rv_schema_expect_name(p, "a field's name or CHECK", &name);
    if (status != RV_OK) {
        return status;
    }
    if (rv_schema_field_of(draft, name.text) != RV_NONE) {
        return rv_schema_fail_duplicate(p, &name, "a field");
    }
    if (draft->field_count == RV_FIELDS_MAX) {
        return rv_schema_fail_limit(p, &name, "fields in an event type", RV_FIELDS_MAX);
    }
    rv_field_draft *field = (rv_field_draft *)rv_schema_temp(p, sizeof *field);
    if (field == NULL) {
        return rv_schema_fail_memory(p);
    }
    field->name = name;
    draft->fields[draft->field_count++] = field;
    if (!at_clause(p)) {
        if (p->lexer.token.kind == RV_TOKEN_SYMBOL) {
            return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, "a type or a binding", p->err);
        }
        field->typed = true;
        field->type_at = p->lexer.token;
        status = rv_schema_parse_type(p, &field->type);
        if (status == RV_OK && field->type.serial) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &field->type_at,
                                  "`%b`: only the primary key of an aggregate can be %b; a field "
                                  "that creates such a row gets its number without saying so",
                                  (rv_bytes[3]){name.text, field->type_at.text});
        }
    }
    while (status == RV_OK && !rv_schema_at(p, ",") && !rv_schema_at(p, ")")) {
        status = parse_field_clause(p, draft, field); /* reads a token, or fails */
    }
    RV_ASSERT(draft->field_count <= RV_FIELDS_MAX);
    return status;
}

static rv_status parse_check(rv_schema_parser *p, rv_event_type_draft *draft) {
    RV_ASSERT(rv_schema_at(p, "check"));
    if (draft->check_count == RV_EVENT_CHECKS_MAX) {
        return rv_schema_fail_limit(p, &p->lexer.token, "CHECKs in an event type",
                                    RV_EVENT_CHECKS_MAX);
    }
    rv_schema_later *check = (rv_schema_later *)rv_schema_temp(p, sizeof *check);
    if (check == NULL) {
        return rv_schema_fail_memory(p);
    }
    draft->checks[draft->check_count++] = check;
    const rv_status status = rv_schema_skip(p);
    return status == RV_OK ? rv_schema_skip_parentheses(p, check) : status;
}

static rv_status parse_name(rv_schema_parser *p, rv_event_type_draft *draft) {
    RV_ASSERT(draft->field_count == 0);
    rv_status status = rv_schema_expect_name(p, "the event type's name", &draft->name);
    if (status != RV_OK) {
        return status;
    }
    if (rv_schema_names_find(&p->schema->event_type_names, draft->name.text) != RV_NONE) {
        return rv_schema_fail_duplicate(p, &draft->name, "an event type");
    }
    if (rv_bytes_are(draft->name.text, RV_SYSTEM_SCHEMA_TYPE_NAME)) {
        return rv_schema_fail_duplicate(p, &draft->name, "the node's own event type");
    }
    if (p->schema->event_type_names.count == RV_EVENT_TYPES_MAX) {
        return rv_schema_fail_limit(p, &draft->name, "event types in a schema", RV_EVENT_TYPES_MAX);
    }
    return rv_schema_expect(p, "(", "`(`");
}

rv_status rv_schema_parse_event_type(rv_schema_parser *p) {
    rv_event_type_draft *draft = (rv_event_type_draft *)rv_schema_temp(p, sizeof *draft);
    if (draft == NULL) {
        return rv_schema_fail_memory(p);
    }
    rv_status status = parse_name(p, draft);
    bool end = false;
    while (status == RV_OK && !end) { /* ends: each round reads an item */
        status = rv_schema_at(p, "check") ? parse_check(p, draft) : parse_field(p, draft);
        if (status == RV_OK) {
            status = rv_schema_expect_separator(p, "`,` or `)`", &end);
        }
    }
    if (status == RV_OK && draft->field_count == 0) {
        status = rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->name, "event type `%b` has no field",
                                (rv_bytes[3]){draft->name.text});
    }
    if (status == RV_OK) {
        status = rv_schema_resolve(p, draft);
    }
    RV_ASSERT(draft->touch_count <= RV_TOUCHES_MAX);
    return status == RV_OK ? rv_schema_make_event_type(p, draft) : status;
}
