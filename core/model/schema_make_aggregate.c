/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the draft of an aggregate to the aggregate: the primary key is found, references are
 * followed and types settled (schema_make_reference.c), then expressions compiled over all columns,
 * then indexes made (schema_make_index.c).
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

rv_status rv_schema_find_own_column(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                    const rv_token *name, uint16_t *column) {
    RV_ASSERT(name != NULL && column != NULL);
    rv_nearest nearest = rv_nearest_to(name->text);
    for (uint16_t i = 0; i < draft->column_count; i++) {
        if (rv_bytes_equal(draft->columns[i]->name.text, name->text)) {
            *column = i;
            return RV_OK;
        }
        rv_nearest_offer(&nearest, draft->columns[i]->name.text);
    }
    return rv_schema_fail_unknown(p, name, "column", draft->name.text, &nearest);
}

static rv_status refuse_second_key(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                   const rv_token *at) {
    RV_ASSERT(draft->key_count > 0);
    return rv_schema_fail(p, RV_SCHEMA_INVALID, at,
                          "aggregate `%b` has more than one PRIMARY KEY; one of several columns is "
                          "PRIMARY KEY (a, b)",
                          (rv_bytes[3]){draft->name.text});
}

/* The columns that PRIMARY KEY (a, b) names. */
static rv_status take_key(rv_schema_parser *p, rv_aggregate_draft *draft,
                          const rv_constraint_draft *constraint) {
    RV_ASSERT(constraint->kind == RV_CONSTRAINT_KEY && constraint->column_count > 0);
    if (draft->key_count > 0) {
        return refuse_second_key(p, draft, &constraint->at);
    }
    for (uint16_t i = 0; i < constraint->column_count; i++) {
        const rv_status status =
            rv_schema_find_own_column(p, draft, &constraint->columns[i], &draft->keys[i]);
        if (status != RV_OK) {
            return status;
        }
        draft->columns[draft->keys[i]]->key = true;
        draft->columns[draft->keys[i]]->key_at = constraint->columns[i];
    }
    draft->key_count = constraint->column_count;
    return RV_OK;
}

static rv_status find_key(rv_schema_parser *p, rv_aggregate_draft *draft) {
    RV_ASSERT(draft->key_count == 0);
    for (uint16_t i = 0; i < draft->column_count; i++) {
        if (draft->columns[i]->key && draft->key_count > 0) {
            return refuse_second_key(p, draft, &draft->columns[i]->key_at);
        }
        if (draft->columns[i]->key) {
            draft->keys[draft->key_count++] = i;
        }
    }
    for (uint16_t i = 0; i < draft->constraint_count; i++) {
        if (draft->constraints[i]->kind == RV_CONSTRAINT_KEY) {
            const rv_status status = take_key(p, draft, draft->constraints[i]);
            if (status != RV_OK) {
                return status;
            }
        }
    }
    RV_ASSERT(draft->key_count <= RV_INDEX_COLUMNS_MAX);
    if (draft->key_count == 0) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->name,
                              "aggregate `%b` has no PRIMARY KEY: say which column tells its rows "
                              "apart",
                              (rv_bytes[3]){draft->name.text});
    }
    return RV_OK;
}

/* What only a primary key may be, and what it may not. */
static rv_status judge_key(rv_schema_parser *p, const rv_aggregate_draft *aggregate,
                           const rv_column_draft *draft) {
    RV_ASSERT(draft->type.kind < RV_TYPE_KIND_COUNT && aggregate->key_count > 0);
    const rv_bytes names[3] = {draft->name.text, rv_schema_type_text(p, &draft->type)};
    const rv_token *const at = draft->typed ? &draft->type_at : &draft->name;
    if (draft->type.serial && (!draft->key || aggregate->key_count > 1)) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, at,
                              draft->key ? "`%b` is %b, which only a primary key of one column can "
                                           "be: events bring the values of this one"
                                         : "`%b` is %b, which only a primary key can be",
                              names);
    }
    if (draft->key && !rv_type_can_be_key(&draft->type)) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, at,
                              rv_type_is_wide(&draft->type)
                                  ? "`%b` is %b, which cannot be in a primary key: a numeric key "
                                    "has at most 18 digits and a scale within them"
                                  : "`%b` is %b, which cannot be in a primary key",
                              names);
    }
    if (draft->key && draft->default_value.present) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->default_at,
                              "the primary key `%b` comes from the event that creates the row: "
                              "give the event's field a DEFAULT",
                              names);
    }
    return RV_OK;
}

/* Compiles the expressions of the columns. */
static rv_status compile_columns(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                 const rv_expr_scope *scope, rv_column *columns) {
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < draft->column_count && status == RV_OK; i++) {
        rv_column_draft *from = draft->columns[i];
        rv_column *column = &columns[i];
        column->name = from->name.text;
        column->key = from->key;
        column->not_null = from->not_null || from->key;
        column->has_default = from->default_value.present;
        column->has_check = from->check.present;
        if (column->has_default) {
            status =
                rv_schema_compile_default(p, &from->default_value, &column->type, column->not_null,
                                          &from->name, &column->default_value);
        }
        if (status == RV_OK && column->has_check) {
            status = rv_schema_compile_check(p, &from->check, scope, &column->check);
        }
    }
    RV_ASSERT(status != RV_OK || columns[draft->column_count - 1].name.len > 0);
    return status;
}

/* Names the columns for CHECKs: bare, or qualified by the aggregate. */
static rv_status make_scope(rv_schema_parser *p, const rv_aggregate_draft *draft,
                            const rv_column *columns, rv_expr_scope *scope) {
    rv_expr_name *names = (rv_expr_name *)rv_schema_temp(p, draft->column_count * sizeof *names);
    if (names == NULL) {
        return rv_schema_fail_memory(p);
    }
    for (uint16_t i = 0; i < draft->column_count; i++) {
        names[i] = (rv_expr_name){.qualifier = draft->name.text,
                                  .name = draft->columns[i]->name.text,
                                  .type = columns[i].type,
                                  .slot = i};
    }
    *scope =
        (rv_expr_scope){names, draft->column_count, p->schema->enums, p->schema->enum_names.count};
    RV_ASSERT(scope->count > 0);
    return RV_OK;
}

/* Makes the CHECKs of the aggregate. */
static rv_status make_checks(rv_schema_parser *p, const rv_aggregate_draft *draft,
                             const rv_expr_scope *scope, rv_aggregate *made) {
    size_t count = 0;
    for (uint16_t i = 0; i < draft->constraint_count; i++) {
        count += draft->constraints[i]->kind == RV_CONSTRAINT_CHECK;
    }
    rv_expr *checks = (rv_expr *)rv_arena_take(p->arena, count * sizeof *checks);
    if (checks == NULL) {
        return rv_schema_fail_memory(p);
    }
    rv_status status = RV_OK;
    made->checks = checks;
    for (uint16_t i = 0; i < draft->constraint_count && status == RV_OK; i++) {
        if (draft->constraints[i]->kind == RV_CONSTRAINT_CHECK) {
            status = rv_schema_compile_check(p, &draft->constraints[i]->check, scope,
                                             &checks[made->check_count++]);
        }
    }
    RV_ASSERT(made->check_count <= count);
    return status;
}

/* The aggregate's columns, and what refers, without expressions. */
static rv_status make_columns(rv_schema_parser *p, rv_aggregate_draft *draft, rv_aggregate *made,
                              rv_column **columns) {
    RV_ASSERT(draft->column_count > 0);
    *columns = (rv_column *)rv_arena_take(p->arena, draft->column_count * sizeof **columns);
    uint16_t *const keys = (uint16_t *)rv_arena_take(p->arena, draft->key_count * sizeof *keys);
    if (*columns == NULL || keys == NULL) {
        return rv_schema_fail_memory(p);
    }
    rv_status status = rv_schema_settle_references(p, draft, *columns);
    for (uint16_t i = 0; i < draft->column_count && status == RV_OK; i++) {
        status = judge_key(p, draft, draft->columns[i]);
    }
    memcpy(keys, draft->keys, draft->key_count * sizeof *keys);
    made->key = keys[0];
    made->key_count = draft->key_count;
    made->column_count = draft->column_count;
    made->keys = keys;
    made->columns = *columns;
    return status == RV_OK ? rv_schema_make_foreign_keys(p, draft, made) : status;
}

/* SQLite has such names for itself, in any case. */
static rv_status judge_name(rv_schema_parser *p, const rv_token *name) {
    static const char own[] = "sqlite_";
    size_t at = 0;
    RV_ASSERT(name->text.len > 0);
    while (
        at < name->text.len && own[at] != '\0' &&
        (name->text.ptr[at] == (uint8_t)own[at] || name->text.ptr[at] + ('a' - 'A') == own[at])) {
        at++;
    }
    return own[at] != '\0' ? RV_OK
                           : rv_schema_fail(p, RV_SCHEMA_INVALID, name,
                                            "`%b` could not be read in SQL: names that begin with "
                                            "sqlite_ are SQLite's own",
                                            (rv_bytes[3]){name->text});
}

rv_status rv_schema_make_aggregate(rv_schema_parser *p, rv_aggregate_draft *draft) {
    RV_ASSERT(draft->column_count <= RV_COLUMNS_MAX);
    rv_status status = judge_name(p, &draft->name);
    if (status == RV_OK) {
        status = find_key(p, draft);
    }
    if (status != RV_OK) {
        return status;
    }
    rv_aggregate *made = (rv_aggregate *)rv_arena_take(p->arena, sizeof *made);
    if (made == NULL) {
        return rv_schema_fail_memory(p);
    }
    made->name = draft->name.text;
    made->number = p->schema->aggregate_names.count;
    made->shared = draft->shared;
    rv_column *columns = NULL;
    rv_expr_scope scope = {0};
    status = make_columns(p, draft, made, &columns);
    if (status == RV_OK) {
        status = make_scope(p, draft, columns, &scope);
    }
    if (status == RV_OK) {
        status = compile_columns(p, draft, &scope, columns);
    }
    if (status == RV_OK) {
        status = make_checks(p, draft, &scope, made);
    }
    if (status == RV_OK) {
        status = rv_schema_make_indexes(p, draft, made);
    }
    if (status == RV_OK) {
        const uint16_t number = rv_schema_names_add(&p->schema->aggregate_names, draft->name.text);
        RV_ASSERT(number == made->number);
        p->schema->aggregates[number] = made;
    }
    return status;
}
