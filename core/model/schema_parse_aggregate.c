/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE [SHARED] AGGREGATE. In two steps: the text is read into drafts of columns and constraints,
 * then these are made into the aggregate (schema_make_aggregate.c), when all columns are known: a
 * CHECK, and a REFERENCES to the aggregate itself, may name columns that come later.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

/* A clause that may stand once in a column. */
static rv_status once(rv_schema_parser *p, bool *present, const char *others) {
    RV_ASSERT(others != NULL);
    if (*present) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_INVALID, others, p->err);
    }
    *present = true;
    return rv_schema_skip(p);
}

static rv_status parse_references(rv_schema_parser *p, rv_column_draft *column) {
    RV_ASSERT(rv_schema_at(p, "references"));
    rv_status status = once(p, &column->refers, "one REFERENCES in a column");
    if (status == RV_OK) {
        status = rv_schema_expect_name(p, "an aggregate's name", &column->target);
    }
    if (status == RV_OK) {
        status = rv_schema_expect_name_in_parentheses(p, "its primary key", &column->target_column);
    }
    return status;
}

/* One clause after a column's type. */
static rv_status parse_column_clause(rv_schema_parser *p, rv_column_draft *column) {
    RV_ASSERT(column != NULL);
    rv_status status = RV_OK;
    if (rv_schema_at(p, "primary")) {
        column->key_at = p->lexer.token;
        status = once(p, &column->key, "one PRIMARY KEY in a column");
        return status == RV_OK ? rv_schema_expect(p, "key", "KEY") : status;
    }
    if (rv_schema_at(p, "not")) {
        status = once(p, &column->not_null, "one NOT NULL in a column");
        return status == RV_OK ? rv_schema_expect(p, "null", "NULL") : status;
    }
    if (rv_schema_at(p, "default")) {
        column->default_at = p->lexer.token;
        bool present = column->default_value.present;
        status = once(p, &present, "one DEFAULT in a column");
        return status == RV_OK ? rv_schema_skip_default(p, &column->default_value) : status;
    }
    if (rv_schema_at(p, "check")) {
        bool present = column->check.present;
        status = once(p, &present, "one CHECK in a column (join conditions with AND)");
        return status == RV_OK ? rv_schema_skip_parentheses(p, &column->check) : status;
    }
    if (rv_schema_at(p, "unique")) {
        column->unique_at = p->lexer.token;
        return once(p, &column->unique, "one UNIQUE in a column");
    }
    if (rv_schema_at(p, "references")) {
        return parse_references(p, column);
    }
    return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX,
                          "PRIMARY KEY, NOT NULL, DEFAULT, CHECK, UNIQUE, REFERENCES, `,` or `)`",
                          p->err);
}

static rv_status parse_column(rv_schema_parser *p, rv_aggregate_draft *draft) {
    RV_ASSERT(draft->column_count <= RV_COLUMNS_MAX);
    rv_token name;
    rv_status status = rv_schema_expect_name(
        p, "a column, PRIMARY KEY, FOREIGN KEY, CHECK, UNIQUE or INDEX", &name);
    if (status != RV_OK) {
        return status;
    }
    for (uint16_t i = 0; i < draft->column_count; i++) {
        if (rv_bytes_equal(draft->columns[i]->name.text, name.text)) {
            return rv_schema_fail_duplicate(p, &name, "a column");
        }
    }
    if (draft->column_count == RV_COLUMNS_MAX) {
        return rv_schema_fail_limit(p, &name, "columns in an aggregate", RV_COLUMNS_MAX);
    }
    rv_column_draft *column = (rv_column_draft *)rv_schema_temp(p, sizeof *column);
    if (column == NULL) {
        return rv_schema_fail_memory(p);
    }
    column->name = name;
    draft->columns[draft->column_count++] = column;
    if (!rv_schema_at(p, "references")) {
        if (p->lexer.token.kind == RV_TOKEN_SYMBOL) {
            return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, "a type or REFERENCES", p->err);
        }
        column->typed = true;
        column->type_at = p->lexer.token;
        status = rv_schema_parse_type(p, &column->type);
    }
    while (status == RV_OK && !rv_schema_at(p, ",") && !rv_schema_at(p, ")")) {
        status = parse_column_clause(p, column);
    }
    return status;
}

/* `(column, …)` of a constraint, each column once. */
static rv_status parse_columns(rv_schema_parser *p, rv_token *columns, uint16_t *column_count) {
    rv_status status = rv_schema_expect(p, "(", "`(`");
    bool end = false;
    while (status == RV_OK && !end) { /* ends: each round reads a name */
        if (*column_count == RV_INDEX_COLUMNS_MAX) {
            return rv_schema_fail_limit(p, &p->lexer.token, "columns in a constraint",
                                        RV_INDEX_COLUMNS_MAX);
        }
        rv_token *const column = &columns[*column_count];
        status = rv_schema_expect_name(p, "a column's name", column);
        for (uint16_t i = 0; i < *column_count && status == RV_OK; i++) {
            if (rv_bytes_equal(columns[i].text, column->text)) {
                status = rv_schema_fail_listed(p, column);
            }
        }
        if (status == RV_OK) {
            *column_count += 1;
            status = rv_schema_expect_separator(p, "`,` or `)`", &end);
        }
    }
    RV_ASSERT(status != RV_OK || *column_count > 0);
    return status;
}

/* `KEY (column, …) REFERENCES aggregate(column, …)`, after FOREIGN. */
static rv_status parse_foreign_key(rv_schema_parser *p, rv_constraint_draft *constraint) {
    RV_ASSERT(constraint->kind == RV_CONSTRAINT_FOREIGN_KEY);
    rv_status status = rv_schema_expect(p, "key", "KEY");
    if (status == RV_OK) {
        status = parse_columns(p, constraint->columns, &constraint->column_count);
    }
    if (status == RV_OK) {
        status = rv_schema_expect(p, "references", "REFERENCES");
    }
    if (status == RV_OK) {
        status = rv_schema_expect_name(p, "an aggregate's name", &constraint->target);
    }
    return status == RV_OK
               ? parse_columns(p, constraint->target_columns, &constraint->target_column_count)
               : status;
}

static rv_status parse_constraint(rv_schema_parser *p, rv_aggregate_draft *draft,
                                  rv_constraint_kind kind) {
    const rv_token at = p->lexer.token;
    if (draft->constraint_count == RV_CONSTRAINTS_MAX) {
        return rv_schema_fail_limit(p, &at, "constraints in an aggregate", RV_CONSTRAINTS_MAX);
    }
    rv_constraint_draft *constraint = (rv_constraint_draft *)rv_schema_temp(p, sizeof *constraint);
    if (constraint == NULL) {
        return rv_schema_fail_memory(p);
    }
    constraint->kind = kind;
    constraint->at = at;
    draft->constraints[draft->constraint_count++] = constraint;
    rv_status status = rv_schema_skip(p);
    if (status == RV_OK && kind == RV_CONSTRAINT_KEY) {
        status = rv_schema_expect(p, "key", "KEY");
    }
    if (status == RV_OK && kind == RV_CONSTRAINT_FOREIGN_KEY) {
        status = parse_foreign_key(p, constraint);
    } else if (status == RV_OK) {
        status = kind == RV_CONSTRAINT_CHECK
                     ? rv_schema_skip_parentheses(p, &constraint->check)
                     : parse_columns(p, constraint->columns, &constraint->column_count);
    }
    RV_ASSERT(draft->constraint_count <= RV_CONSTRAINTS_MAX);
    return status;
}

static rv_status parse_item(rv_schema_parser *p, rv_aggregate_draft *draft) {
    static const char *const words[] = {"primary", "foreign", "check", "unique", "index"};
    static const rv_constraint_kind kinds[] = {RV_CONSTRAINT_KEY, RV_CONSTRAINT_FOREIGN_KEY,
                                               RV_CONSTRAINT_CHECK, RV_CONSTRAINT_UNIQUE,
                                               RV_CONSTRAINT_INDEX};
    RV_STATIC_ASSERT(sizeof words / sizeof words[0] == sizeof kinds / sizeof kinds[0], "a pair");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (rv_schema_at(p, words[i])) {
            return parse_constraint(p, draft, kinds[i]);
        }
    }
    return parse_column(p, draft);
}

rv_status rv_schema_parse_aggregate(rv_schema_parser *p, bool shared) {
    rv_aggregate_draft *draft = (rv_aggregate_draft *)rv_schema_temp(p, sizeof *draft);
    if (draft == NULL) {
        return rv_schema_fail_memory(p);
    }
    draft->shared = shared;
    rv_status status = rv_schema_expect_name(p, "the aggregate's name", &draft->name);
    if (status == RV_OK &&
        rv_schema_names_find(&p->schema->aggregate_names, draft->name.text) != RV_NONE) {
        status = rv_schema_fail_duplicate(p, &draft->name, "an aggregate");
    }
    if (status == RV_OK && p->schema->aggregate_names.count == RV_AGGREGATES_MAX) {
        status = rv_schema_fail_limit(p, &draft->name, "aggregates in a schema", RV_AGGREGATES_MAX);
    }
    if (status == RV_OK) {
        status = rv_schema_expect(p, "(", "`(`");
    }
    bool end = false;
    while (status == RV_OK && !end) { /* ends: each round reads an item */
        status = parse_item(p, draft);
        if (status == RV_OK) {
            status = rv_schema_expect_separator(p, "`,` or `)`", &end);
        }
    }
    RV_ASSERT(draft->column_count <= RV_COLUMNS_MAX);
    return status == RV_OK ? rv_schema_make_aggregate(p, draft) : status;
}
