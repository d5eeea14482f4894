/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the draft of an aggregate to the aggregate: the primary key is found, references are
 * followed, types settled, then expressions compiled over all columns.
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

/* `PRIMARY KEY (column)` marks the column as `column … PRIMARY KEY` does. */
static rv_status mark_key(rv_schema_parser *p, rv_aggregate_draft *draft,
                          const rv_constraint_draft *constraint) {
    RV_ASSERT(constraint->kind == RV_CONSTRAINT_KEY && constraint->column_count > 0);
    if (constraint->column_count > 1) {
        return rv_schema_fail(p, RV_UNSUPPORTED, &constraint->at,
                              "a primary key of several columns is not in this version",
                              (rv_bytes[3]){{NULL, 0}});
    }
    uint16_t column = 0;
    const rv_status status = rv_schema_find_own_column(p, draft, &constraint->columns[0], &column);
    if (status != RV_OK) {
        return status;
    }
    if (draft->columns[column]->key) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &constraint->at,
                              "aggregate `%b` has more than one PRIMARY KEY",
                              (rv_bytes[3]){draft->name.text});
    }
    draft->columns[column]->key = true;
    draft->columns[column]->key_at = constraint->at;
    return RV_OK;
}

static rv_status find_key(rv_schema_parser *p, rv_aggregate_draft *draft, uint16_t *key) {
    for (uint16_t i = 0; i < draft->constraint_count; i++) {
        if (draft->constraints[i]->kind == RV_CONSTRAINT_KEY) {
            const rv_status status = mark_key(p, draft, draft->constraints[i]);
            if (status != RV_OK) {
                return status;
            }
        }
    }
    *key = RV_NONE;
    for (uint16_t i = 0; i < draft->column_count; i++) {
        if (draft->columns[i]->key && *key != RV_NONE) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->columns[i]->key_at,
                                  "aggregate `%b` has more than one PRIMARY KEY",
                                  (rv_bytes[3]){draft->name.text});
        }
        *key = draft->columns[i]->key ? i : *key;
    }
    RV_ASSERT(*key == RV_NONE || *key < draft->column_count);
    if (*key == RV_NONE) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->name,
                              "aggregate `%b` has no PRIMARY KEY: say which column tells its rows "
                              "apart",
                              (rv_bytes[3]){draft->name.text});
    }
    return RV_OK;
}

/* What a REFERENCES refers to: the aggregate's number and its key's type, the own aggregate's too.
 */
static rv_status find_target(rv_schema_parser *p, const rv_aggregate_draft *draft, uint16_t key,
                             const rv_column_draft *column, uint16_t *number, rv_type *type) {
    RV_ASSERT(column->refers && key < draft->column_count);
    rv_bytes key_name = draft->columns[key]->name.text;
    uint16_t target_column = 0;
    rv_status status = RV_OK;
    if (rv_bytes_equal(column->target.text, draft->name.text)) {
        *number = p->schema->aggregate_names.count;
        *type = draft->columns[key]->type;
        status = rv_schema_find_own_column(p, draft, &column->target_column, &target_column);
        if (status == RV_OK && !draft->columns[key]->typed) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->columns[key]->name,
                                  "the primary key `%b` needs a type of its own",
                                  (rv_bytes[3]){key_name});
        }
    } else {
        const rv_aggregate *target = NULL;
        status = rv_schema_find_aggregate(p, &column->target, &target);
        if (status == RV_OK) {
            *number = target->number;
            *type = target->columns[target->key].type;
            key_name = target->columns[target->key].name;
            status = rv_schema_find_column(p, &column->target_column, target, &target_column);
        }
    }
    if (status == RV_OK && !rv_bytes_equal(key_name, column->target_column.text)) {
        status = rv_schema_fail(
            p, RV_SCHEMA_INVALID, &column->target_column,
            "`%b` is not the primary key of `%b`; `%b` is",
            (rv_bytes[3]){column->target_column.text, column->target.text, key_name});
    }
    type->serial = false; /* a reference to a serial key is of its integer type */
    return status;
}

static rv_status settle_reference(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                  uint16_t key, rv_column_draft *draft_column, rv_column *column) {
    RV_ASSERT(draft_column->refers || draft_column->typed);
    column->references = RV_NONE;
    if (draft_column->refers) {
        rv_type type = {0};
        const rv_status status =
            find_target(p, draft, key, draft_column, &column->references, &type);
        if (status != RV_OK) {
            return status;
        }
        if (draft_column->typed && !rv_schema_keys_fit(&draft_column->type, &type)) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft_column->type_at,
                                  "`%b` is %b, but what it refers to is %b",
                                  (rv_bytes[3]){draft_column->name.text,
                                                rv_schema_type_text(p, &draft_column->type),
                                                rv_schema_type_text(p, &type)});
        }
        draft_column->type = draft_column->typed ? draft_column->type : type;
    }
    column->type = draft_column->type;
    RV_ASSERT(column->type.kind < RV_TYPE_KIND_COUNT);
    return RV_OK;
}

/* What only a primary key may be, and what it may not. */
static rv_status judge_key(rv_schema_parser *p, const rv_column_draft *draft,
                           const rv_column *column) {
    RV_ASSERT(draft != NULL && column != NULL);
    const rv_bytes names[3] = {draft->name.text, rv_schema_type_text(p, &column->type)};
    if (!draft->key) {
        if (column->type.serial) {
            return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->type_at,
                                  "`%b` is %b, which only a primary key can be", names);
        }
        return RV_OK;
    }
    const rv_type_kind kind = column->type.kind;
    if (kind == RV_TYPE_REAL || kind == RV_TYPE_DOUBLE || kind == RV_TYPE_JSON ||
        kind == RV_TYPE_JSONB || kind == RV_TYPE_INTERVAL || kind == RV_TYPE_ARRAY ||
        rv_type_is_wide(&column->type)) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->type_at,
                              rv_type_is_wide(&column->type)
                                  ? "`%b` is %b, which cannot be a primary key: a numeric key has "
                                    "at most 18 digits and a scale within them"
                                  : "`%b` is %b, which cannot be a primary key",
                              names);
    }
    if (draft->default_value.present) {
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

rv_status rv_schema_make_aggregate(rv_schema_parser *p, rv_aggregate_draft *draft) {
    RV_ASSERT(draft->column_count <= RV_COLUMNS_MAX);
    uint16_t key = RV_NONE;
    rv_status status = find_key(p, draft, &key);
    if (status != RV_OK) {
        return status;
    }
    rv_aggregate *made = (rv_aggregate *)rv_arena_take(p->arena, sizeof *made);
    rv_column *columns =
        (rv_column *)rv_arena_take(p->arena, draft->column_count * sizeof *columns);
    if (made == NULL || columns == NULL) {
        return rv_schema_fail_memory(p);
    }
    for (uint16_t i = 0; i < draft->column_count && status == RV_OK; i++) {
        status = settle_reference(p, draft, key, draft->columns[i], &columns[i]);
        if (status == RV_OK) {
            status = judge_key(p, draft->columns[i], &columns[i]);
        }
    }
    *made = (rv_aggregate){.name = draft->name.text,
                           .number = p->schema->aggregate_names.count,
                           .shared = draft->shared,
                           .key = key,
                           .column_count = draft->column_count,
                           .columns = columns};
    rv_expr_scope scope = {0};
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
