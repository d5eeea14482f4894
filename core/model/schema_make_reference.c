/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the columns of an aggregate refer to. A reference is always to a whole primary key, of this
 * aggregate or of one declared before:
 *
 *     order_id REFERENCES orders(id)                              of one column, in the column
 *     FOREIGN KEY (order_id) REFERENCES orders(id)                the same
 *     FOREIGN KEY (order_id, line_no) REFERENCES line(order_id, no)   of several
 *
 * The columns of a key may be named in any order; what is made has the key's. Types are settled in
 * the order of the columns, so a column that takes its type from another of the same aggregate
 * needs that one to have its own.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

/* A primary key that is referred to: of an aggregate, or of the draft itself. */
typedef struct target {
    uint16_t number;
    uint16_t key_count;
    rv_bytes name;
    const rv_aggregate *aggregate; /* NULL: the draft's own */
} target;

static rv_bytes key_name(const rv_aggregate_draft *draft, const target *to, uint16_t nth) {
    RV_ASSERT(nth < to->key_count);
    return to->aggregate == NULL ? draft->columns[draft->keys[nth]]->name.text
                                 : to->aggregate->columns[to->aggregate->keys[nth]].name;
}

/* The type of the nth column of the key, as a reference to it has it. */
static rv_type key_type(const rv_aggregate_draft *draft, const target *to, uint16_t nth) {
    RV_ASSERT(nth < to->key_count);
    rv_type type = to->aggregate == NULL ? draft->columns[draft->keys[nth]]->type
                                         : to->aggregate->columns[to->aggregate->keys[nth]].type;
    type.serial = false; /* a reference to a serial key is of its integer type */
    return type;
}

/* `order_id, line_no`: the columns of the key, in temporary memory. */
static rv_bytes list_key(rv_schema_parser *p, const rv_aggregate_draft *draft, const target *to) {
    const size_t cap = to->key_count * (RV_NAME_LEN_MAX * 2u + 4u);
    uint8_t *const text = (uint8_t *)rv_schema_temp(p, cap);
    if (text == NULL) {
        return RV_LITERAL("its key");
    }
    rv_writer w = rv_writer_over(text, cap);
    for (uint16_t i = 0; i < to->key_count; i++) {
        rv_write_text(&w, i == 0 ? "" : ", ");
        rv_schema_write_name(&w, key_name(draft, to, i));
    }
    RV_ASSERT(!w.full);
    return rv_writer_bytes(&w);
}

static rv_status find_target(rv_schema_parser *p, const rv_aggregate_draft *draft,
                             const rv_token *name, target *to) {
    RV_ASSERT(draft->key_count > 0);
    if (rv_bytes_equal(name->text, draft->name.text)) {
        *to = (target){p->schema->aggregate_names.count, draft->key_count, draft->name.text, NULL};
        return RV_OK;
    }
    const rv_status status = rv_schema_find_aggregate(p, name, &to->aggregate);
    if (status == RV_OK) {
        to->number = to->aggregate->number;
        to->key_count = to->aggregate->key_count;
        to->name = to->aggregate->name;
    }
    return status;
}

/* The column of the key that the token names. */
static rv_status find_key_column(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                 const target *to, const rv_token *name, uint16_t *nth) {
    for (uint16_t i = 0; i < to->key_count; i++) {
        if (rv_bytes_equal(key_name(draft, to, i), name->text)) {
            *nth = i;
            return RV_OK;
        }
    }
    uint16_t column = 0;
    const rv_status status = to->aggregate == NULL
                                 ? rv_schema_find_own_column(p, draft, name, &column)
                                 : rv_schema_find_column(p, name, to->aggregate, &column);
    RV_ASSERT(status != RV_OK || column < RV_COLUMNS_MAX);
    return status != RV_OK
               ? status
               : rv_schema_fail(p, RV_SCHEMA_INVALID, name,
                                to->key_count == 1
                                    ? "`%b` is not the primary key of `%b`; `%b` is"
                                    : "`%b` is not in the primary key of `%b`, which is (%b)",
                                (rv_bytes[3]){name->text, to->name, list_key(p, draft, to)});
}

/* A column that refers to the nth column of a key must have its type. */
static rv_status fit_type(rv_schema_parser *p, const rv_aggregate_draft *draft, const target *to,
                          uint16_t nth, const rv_column_draft *column) {
    const rv_type type = key_type(draft, to, nth);
    RV_ASSERT(type.kind < RV_TYPE_KIND_COUNT && column->type.kind < RV_TYPE_KIND_COUNT);
    if (rv_schema_keys_fit(&column->type, &type)) {
        return RV_OK;
    }
    return rv_schema_fail(p, RV_SCHEMA_INVALID, column->typed ? &column->type_at : &column->name,
                          "`%b` is %b, but what it refers to is %b",
                          (rv_bytes[3]){column->name.text, rv_schema_type_text(p, &column->type),
                                        rv_schema_type_text(p, &type)});
}

/* A column with REFERENCES takes the type of what it refers to, or has one that fits. */
static rv_status take_type(rv_schema_parser *p, const rv_aggregate_draft *draft, const target *to,
                           rv_column_draft *column) {
    RV_ASSERT(column->refers && to->key_count == 1);
    const rv_column_draft *const own = draft->columns[draft->keys[0]];
    if (to->aggregate == NULL && !own->typed) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &own->name,
                              "the primary key `%b` needs a type of its own",
                              (rv_bytes[3]){own->name.text});
    }
    if (!column->typed) {
        column->type = key_type(draft, to, 0);
    }
    return fit_type(p, draft, to, 0, column);
}

/* FOREIGN KEY (column) REFERENCES … is REFERENCES in the column. */
static rv_status mark_reference(rv_schema_parser *p, rv_aggregate_draft *draft,
                                const rv_constraint_draft *constraint) {
    RV_ASSERT(constraint->column_count == 1);
    uint16_t column = 0;
    const rv_status status = rv_schema_find_own_column(p, draft, &constraint->columns[0], &column);
    if (status != RV_OK) {
        return status;
    }
    rv_column_draft *const refers = draft->columns[column];
    if (refers->refers) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &constraint->at,
                              "`%b` refers to a row of `%b` already",
                              (rv_bytes[3]){refers->name.text, refers->target.text});
    }
    if (constraint->target_column_count != 1) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &constraint->target_columns[1],
                              "FOREIGN KEY names one column, and more than one of `%b`",
                              (rv_bytes[3]){constraint->target.text});
    }
    refers->refers = true;
    refers->target = constraint->target;
    refers->target_column = constraint->target_columns[0];
    return RV_OK;
}

static rv_status settle_reference(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                  rv_column_draft *from, rv_column *column) {
    RV_ASSERT(from->refers || from->typed);
    column->references = RV_NONE;
    if (from->refers) {
        target to = {0};
        uint16_t nth = 0;
        rv_status status = find_target(p, draft, &from->target, &to);
        if (status == RV_OK) {
            status = find_key_column(p, draft, &to, &from->target_column, &nth);
        }
        if (status == RV_OK && to.key_count > 1) {
            status = rv_schema_fail(p, RV_SCHEMA_INVALID, &from->target,
                                    "the primary key of `%b` is (%b): refer to all of it, by "
                                    "FOREIGN KEY (…) REFERENCES",
                                    (rv_bytes[3]){to.name, list_key(p, draft, &to)});
        }
        if (status == RV_OK) {
            status = take_type(p, draft, &to, from);
        }
        if (status != RV_OK) {
            return status;
        }
        column->references = to.number;
    }
    column->type = from->type;
    RV_ASSERT(column->type.kind < RV_TYPE_KIND_COUNT);
    return RV_OK;
}

rv_status rv_schema_settle_references(rv_schema_parser *p, rv_aggregate_draft *draft,
                                      rv_column *columns) {
    RV_ASSERT(columns != NULL && draft->key_count > 0);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < draft->constraint_count && status == RV_OK; i++) {
        const rv_constraint_draft *const constraint = draft->constraints[i];
        if (constraint->kind == RV_CONSTRAINT_FOREIGN_KEY && constraint->column_count == 1) {
            status = mark_reference(p, draft, constraint);
        }
    }
    for (uint16_t i = 0; i < draft->column_count && status == RV_OK; i++) {
        status = settle_reference(p, draft, draft->columns[i], &columns[i]);
    }
    return status;
}

/* Brings the columns of a FOREIGN KEY into the order of the key that it names, whole. */
static rv_status order_columns(rv_schema_parser *p, const rv_aggregate_draft *draft,
                               const rv_constraint_draft *constraint, const target *to,
                               uint16_t *columns) {
    if (constraint->column_count != to->key_count ||
        constraint->target_column_count != to->key_count) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &constraint->at,
                              "the primary key of `%b` is (%b): FOREIGN KEY and REFERENCES each "
                              "name as many columns",
                              (rv_bytes[3]){to->name, list_key(p, draft, to)});
    }
    for (uint16_t i = 0; i < constraint->column_count; i++) {
        uint16_t nth = 0;
        uint16_t column = 0;
        rv_status status = find_key_column(p, draft, to, &constraint->target_columns[i], &nth);
        if (status == RV_OK) {
            status = rv_schema_find_own_column(p, draft, &constraint->columns[i], &column);
        }
        if (status == RV_OK) {
            status = fit_type(p, draft, to, nth, draft->columns[column]);
        }
        if (status != RV_OK) {
            return status;
        }
        RV_ASSERT(nth < to->key_count);
        columns[nth] = column;
    }
    return RV_OK;
}

/* The same columns to the same key are said once. */
static rv_status refuse_repeated(rv_schema_parser *p, const rv_aggregate *made, const rv_token *at,
                                 const rv_foreign_key *key) {
    for (uint16_t i = 0; i < made->foreign_key_count; i++) {
        const rv_foreign_key *const other = &made->foreign_keys[i];
        if (other->aggregate == key->aggregate &&
            memcmp(other->columns, key->columns, key->column_count * sizeof(uint16_t)) == 0) {
            return rv_schema_fail(p, RV_SCHEMA_DUPLICATE, at, "there is already this FOREIGN KEY",
                                  (rv_bytes[3]){{NULL, 0}});
        }
    }
    RV_ASSERT(made->foreign_key_count <= RV_CONSTRAINTS_MAX);
    return RV_OK;
}

rv_status rv_schema_make_foreign_keys(rv_schema_parser *p, const rv_aggregate_draft *draft,
                                      rv_aggregate *made) {
    RV_ASSERT(made->foreign_key_count == 0);
    size_t count = 0;
    for (uint16_t i = 0; i < draft->constraint_count; i++) {
        const rv_constraint_draft *const constraint = draft->constraints[i];
        count += constraint->kind == RV_CONSTRAINT_FOREIGN_KEY && constraint->column_count > 1;
    }
    rv_foreign_key *const keys = (rv_foreign_key *)rv_arena_take(p->arena, count * sizeof *keys);
    if (keys == NULL) {
        return rv_schema_fail_memory(p);
    }
    made->foreign_keys = keys;
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < draft->constraint_count && status == RV_OK; i++) {
        const rv_constraint_draft *const constraint = draft->constraints[i];
        if (constraint->kind != RV_CONSTRAINT_FOREIGN_KEY || constraint->column_count == 1) {
            continue;
        }
        target to = {0};
        uint16_t *const columns =
            (uint16_t *)rv_arena_take(p->arena, constraint->column_count * sizeof *columns);
        status = columns == NULL ? rv_schema_fail_memory(p)
                                 : find_target(p, draft, &constraint->target, &to);
        if (status == RV_OK) {
            status = order_columns(p, draft, constraint, &to, columns);
        }
        const rv_foreign_key key = {to.number, to.key_count, columns};
        if (status == RV_OK) {
            status = refuse_repeated(p, made, &constraint->at, &key);
        }
        if (status == RV_OK) {
            keys[made->foreign_key_count++] = key;
        }
    }
    RV_ASSERT(made->foreign_key_count <= count);
    return status;
}
