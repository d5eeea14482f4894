/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold when the root accepts an event, and how a refusal is told (SEMANTICS 13, 14). */
#include "core/state/fold.h"

/* Longest text of a key or value that is shown; a longer one is left out. */
#define SHOWN_MAX 200u

/* Texts of values live here while an error is set. */
typedef struct shown {
    uint8_t bytes[SHOWN_MAX];
} shown;

static void write_shown(rv_writer *w, const rv_type *type, const rv_value *value) {
    RV_ASSERT(value != NULL);
    if (rv_value_is_null(value)) {
        rv_write_text(w, "null");
    } else {
        rv_value_to_text(type, value, w);
    }
}

static rv_bytes show(shown *memory, const rv_type *type, const rv_value *value) {
    rv_writer w = rv_writer_over(memory->bytes, sizeof memory->bytes);
    write_shown(&w, type, value);
    return w.full ? RV_LITERAL("(too long to show)") : rv_writer_bytes(&w);
}

/* A key: as it is, or `(7, 2)` when it has several columns. */
static rv_bytes show_key(shown *memory, const rv_aggregate *aggregate, const rv_value *key) {
    rv_writer w = rv_writer_over(memory->bytes, sizeof memory->bytes);
    const bool several = aggregate->key_count > 1;
    RV_ASSERT(aggregate->key_count > 0);
    for (uint16_t i = 0; i < aggregate->key_count; i += 1) {
        rv_write_text(&w, i > 0 ? ", " : several ? "(" : "");
        write_shown(&w, &aggregate->columns[aggregate->keys[i]].type, &key[i]);
    }
    rv_write_text(&w, several ? ")" : "");
    return w.full ? RV_LITERAL("(too long to show)") : rv_writer_bytes(&w);
}

rv_status rv_fold_refuse_row(rv_fold *f, rv_status status, const rv_aggregate *aggregate,
                             uint16_t field, const rv_value *key) {
    shown memory;
    const rv_bytes text = show_key(&memory, aggregate, key);
    const rv_bytes *const name = &aggregate->name;
    RV_ASSERT(field < f->type->field_count);
    switch (status) {
    case RV_ROW_EXISTS:
        rv_error_set(f->err, status, "`%b` has a row with key %b already", name, &text);
        break;
    case RV_ROW_OF_OTHER_STREAM:
        rv_error_set(f->err, status,
                     "the row of `%b` with key %b belongs to the stream that created it; only "
                     "events of that stream can change it",
                     name, &text);
        break;
    case RV_NOT_NULL_VIOLATION:
        rv_error_set(f->err, status, "the key of a new row of `%b` is missing", name);
        break;
    default:
        RV_ASSERT(status == RV_UNKNOWN_REFERENCE);
        rv_error_set(f->err, status, "`%b` has no row with key %b", name, &text);
        break;
    }
    rv_error_fact_text(f->err, "aggregate", aggregate->name);
    if (aggregate->key_count > 1 || !rv_value_is_null(key)) {
        rv_error_fact_text(f->err, "key", text);
    }
    rv_error_fact_text(f->err, "field", f->type->fields[field].name);
    return status;
}

rv_status rv_fold_refuse_reference(rv_fold *f, const rv_aggregate *aggregate, uint16_t column,
                                   const rv_value *value) {
    shown memory;
    const rv_column *const referring = &aggregate->columns[column];
    RV_ASSERT(referring->references != RV_NONE);
    const rv_aggregate *const target = rv_schema_aggregate(f->schema, referring->references);
    const rv_bytes text = show(&memory, &referring->type, value);
    rv_error_set(f->err, RV_UNKNOWN_REFERENCE,
                 "`%b` of `%b` would refer to a row of `%b` with key %b, which does not exist",
                 &referring->name, &aggregate->name, &target->name, &text);
    rv_error_fact_text(f->err, "aggregate", target->name);
    rv_error_fact_text(f->err, "key", text);
    rv_error_fact_text(f->err, "column", referring->name);
    return RV_UNKNOWN_REFERENCE;
}

/* The text of a row's key. */
static rv_bytes show_key_of(rv_fold *f, const rv_fold_row *row, shown *memory) {
    const rv_aggregate *const aggregate = row->aggregate;
    rv_value key[RV_INDEX_COLUMNS_MAX];
    rv_status status = RV_OK;
    RV_ASSERT(aggregate->key_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < aggregate->key_count && status == RV_OK; i += 1) {
        status =
            rv_row_get(f->pages, row->table, row->bytes, aggregate->keys[i], f->scratch, &key[i]);
    }
    return status == RV_OK ? show_key(memory, aggregate, key) : RV_LITERAL("(too long to show)");
}

/* `a, b`: the names of columns. */
static rv_bytes show_columns(shown *memory, const rv_aggregate *aggregate, const uint16_t *columns,
                             uint16_t count) {
    rv_writer w = rv_writer_over(memory->bytes, sizeof memory->bytes);
    RV_ASSERT(count > 0);
    for (uint16_t i = 0; i < count; i += 1) {
        rv_write_text(&w, i > 0 ? ", " : "");
        rv_write(&w, aggregate->columns[columns[i]].name);
    }
    return w.full ? RV_LITERAL("(too many to show)") : rv_writer_bytes(&w);
}

rv_status rv_fold_refuse_foreign(rv_fold *f, const rv_aggregate *aggregate,
                                 const rv_foreign_key *key, const rv_fold_parts *parts) {
    shown key_memory;
    shown column_memory;
    const rv_aggregate *const target = rv_schema_aggregate(f->schema, key->aggregate);
    RV_ASSERT(key->column_count == target->key_count);
    const rv_bytes text = show_key(&key_memory, target, parts->values);
    const rv_bytes columns =
        show_columns(&column_memory, aggregate, key->columns, key->column_count);
    rv_error_set(f->err, RV_UNKNOWN_REFERENCE,
                 "(%b) of `%b` would refer to a row of `%b` with key %b, which does not exist",
                 &columns, &aggregate->name, &target->name, &text);
    rv_error_fact_text(f->err, "aggregate", target->name);
    rv_error_fact_text(f->err, "key", text);
    rv_error_fact_text(f->err, "column", columns);
    return RV_UNKNOWN_REFERENCE;
}

/* Columns that refer to the rows of an aggregate, and a row that refers to one of them by these. */
typedef struct referring {
    const rv_aggregate *aggregate; /* NULL: not known which */
    const uint16_t *columns;
    uint16_t column_count;
    uint16_t column; /* what `columns` is of, when there is one */
    uint32_t place;  /* RV_SLOT_NONE: not known which */
} referring;

/* True when the key's values are such as the columns hold: a scaled numeric may refer to a wide
 * one, which is kept otherwise. */
static bool held_alike(const rv_aggregate *aggregate, const uint16_t *columns, uint16_t count,
                       const rv_value *key) {
    bool alike = true;
    for (uint16_t i = 0; i < count; i += 1) {
        RV_ASSERT(columns[i] < aggregate->column_count);
        alike = alike && key[i].class_ == rv_type_class(&aggregate->columns[columns[i]].type);
    }
    return alike;
}

/* Looks for a row that refers by these columns; an index that begins with them tells at once. */
static uint32_t find_referring_row(const rv_fold *f, const rv_aggregate *aggregate,
                                   const uint16_t *columns, uint16_t count, const rv_value *key,
                                   uint32_t except) {
    uint32_t found = RV_SLOT_NONE;
    RV_ASSERT(count > 0);
    if (!held_alike(aggregate, columns, count, key)) {
        return found;
    }
    for (uint16_t i = 0; i < aggregate->index_count && found == RV_SLOT_NONE; i += 1) {
        const rv_aggregate_index *const index = &aggregate->indexes[i];
        if (index->column_count >= count &&
            memcmp(index->columns, columns, count * sizeof columns[0]) == 0) {
            found = rv_sorted_holder(f->pages, aggregate, i, key, count, except);
        }
    }
    return found;
}

/* Takes what could refer to the row at `place`; false when it is known to. */
static bool consider(const rv_fold *f, const rv_aggregate *aggregate, const uint16_t *columns,
                     uint16_t count, const rv_value *key, uint32_t place, referring *by) {
    *by = (referring){aggregate, columns, count, columns[0],
                      find_referring_row(f, aggregate, columns, count, key, place)};
    RV_ASSERT(by->place != place);
    return by->place == RV_SLOT_NONE;
}

/* Who refers to a row: what an index tells; else the columns, if no other ones could. */
static referring find_referring(const rv_fold *f, const rv_aggregate *target, const rv_value *key,
                                uint32_t place) {
    referring by = {.aggregate = NULL};
    uint32_t candidates = 0;
    bool on = true;
    for (uint16_t a = 0; a < rv_schema_aggregate_count(f->schema) && on; a += 1) {
        const rv_aggregate *const other = rv_schema_aggregate(f->schema, a);
        for (uint16_t c = 0; c < other->column_count && on; c += 1) {
            if (other->columns[c].references == target->number) {
                on = consider(f, other, &c, 1, key, place, &by);
                candidates += 1;
            }
        }
        for (uint16_t i = 0; i < other->foreign_key_count && on; i += 1) {
            const rv_foreign_key *const foreign = &other->foreign_keys[i];
            if (foreign->aggregate == target->number) {
                on = consider(f, other, foreign->columns, foreign->column_count, key, place, &by);
                candidates += 1;
            }
        }
    }
    RV_ASSERT(on || by.place != RV_SLOT_NONE);
    return on && candidates != 1 ? (referring){.aggregate = NULL} : by;
}

/* What refers, for people: the columns, and which row if that is known. */
static void tell_referring(rv_fold *f, const rv_fold_row *row, rv_bytes key, const referring *by,
                           rv_bytes columns, rv_bytes other) {
    const rv_aggregate *const target = row->aggregate;
    const uint64_t refs = rv_row_head_of(row->bytes).refs;
    RV_ASSERT(refs > 0);
    if (by->aggregate == NULL) {
        rv_error_set(f->err, RV_ROW_REFERENCED,
                     "other rows refer to the row of `%b` with key %b (%u references)",
                     &target->name, &key, refs);
    } else if (by->place == RV_SLOT_NONE) {
        rv_error_set(f->err, RV_ROW_REFERENCED,
                     "rows of `%b` refer to the row of `%b` with key %b by `%b` (%u references)",
                     &by->aggregate->name, &target->name, &key, &columns, refs);
    } else {
        rv_error_set(f->err, RV_ROW_REFERENCED,
                     "the row of `%b` with key %b refers to the row of `%b` with key %b by `%b` "
                     "(one of %u references)",
                     &by->aggregate->name, &other, &target->name, &key, &columns, refs);
    }
}

rv_status rv_fold_refuse_referenced(rv_fold *f, const rv_fold_row *row, uint16_t field,
                                    const rv_value *key, uint32_t place) {
    shown memory[3];
    const rv_aggregate *const target = row->aggregate;
    const rv_bytes text = show_key(&memory[0], target, key);
    RV_ASSERT(place != RV_SLOT_NONE && field < f->type->field_count);
    referring by = find_referring(f, target, key, place);
    by.columns = by.column_count == 1 ? &by.column : by.columns;
    rv_bytes columns = {NULL, 0};
    rv_bytes other = {NULL, 0};
    if (by.aggregate != NULL) {
        columns = show_columns(&memory[1], by.aggregate, by.columns, by.column_count);
    }
    if (by.place != RV_SLOT_NONE) {
        const rv_table *const table = rv_table_of(f->pages, by.aggregate->number);
        const uint8_t *const bytes = rv_rows_read(f->pages, table, by.place);
        other = show_key_of(f, &(rv_fold_row){by.aggregate, table, (uint8_t *)bytes}, &memory[2]);
    }
    tell_referring(f, row, text, &by, columns, other);
    rv_error_fact_text(f->err, "aggregate", target->name);
    rv_error_fact_text(f->err, "key", text);
    rv_error_fact_text(f->err, "field", f->type->fields[field].name);
    rv_error_fact_uint(f->err, "references", rv_row_head_of(row->bytes).refs);
    if (by.aggregate != NULL) {
        rv_error_fact_text(f->err, "referring_aggregate", by.aggregate->name);
        rv_error_fact_text(f->err, "referring_columns", columns);
    }
    if (by.place != RV_SLOT_NONE) {
        rv_error_fact_text(f->err, "referring_key", other);
    }
    return RV_ROW_REFERENCED;
}

/* Adds which cell it was; the error itself is set. */
static void cell_facts(rv_fold *f, const rv_fold_row *row, uint16_t column) {
    const rv_aggregate *const aggregate = row->aggregate;
    RV_ASSERT(column < aggregate->column_count);
    shown memory;
    rv_value key[RV_INDEX_COLUMNS_MAX];
    rv_error_fact_text(f->err, "aggregate", aggregate->name);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < aggregate->key_count && status == RV_OK; i += 1) {
        status =
            rv_row_get(f->pages, row->table, row->bytes, aggregate->keys[i], f->scratch, &key[i]);
    }
    if (status == RV_OK) {
        rv_error_fact_text(f->err, "key", show_key(&memory, aggregate, key));
    }
    rv_error_fact_text(f->err, "column", aggregate->columns[column].name);
}

/* Writes the columns of an index, or what the row holds in them. */
static rv_bytes show_index(rv_fold *f, const rv_fold_row *row, const rv_aggregate_index *index,
                           bool values, shown *memory) {
    rv_writer w = rv_writer_over(memory->bytes, sizeof memory->bytes);
    for (uint16_t i = 0; i < index->column_count; i += 1) {
        const uint16_t nth = index->columns[i];
        rv_write_text(&w, i == 0 ? "" : ", ");
        if (!values) {
            rv_write(&w, row->aggregate->columns[nth].name);
            continue;
        }
        rv_value value;
        const rv_status status =
            rv_row_get(f->pages, row->table, row->bytes, nth, f->scratch, &value);
        if (status == RV_OK) {
            rv_value_to_text(&row->aggregate->columns[nth].type, &value, &w);
        }
        w.full = w.full || status != RV_OK;
    }
    RV_ASSERT(index->column_count > 0);
    return w.full ? RV_LITERAL("(too long to show)") : rv_writer_bytes(&w);
}

rv_status rv_fold_refuse_twin(rv_fold *f, const rv_fold_row *row, uint16_t index, uint32_t twin) {
    shown memory[4];
    const rv_aggregate *const aggregate = row->aggregate;
    const rv_aggregate_index *const broken = &aggregate->indexes[index];
    RV_ASSERT(broken->unique);
    const rv_bytes columns = show_index(f, row, broken, false, &memory[0]);
    const rv_bytes values = show_index(f, row, broken, true, &memory[1]);
    const rv_fold_row other = {aggregate, row->table,
                               (uint8_t *)rv_rows_read(f->pages, row->table, twin)};
    const rv_bytes key = show_key_of(f, row, &memory[2]);
    const rv_bytes other_key = show_key_of(f, &other, &memory[3]);
    rv_error_set(f->err, RV_UNIQUE_VIOLATION,
                 "`%b` with key %b would have %b in UNIQUE (%b), as the row with key %b has",
                 &aggregate->name, &key, &values, &columns, &other_key);
    rv_error_fact_text(f->err, "aggregate", aggregate->name);
    rv_error_fact_text(f->err, "key", key);
    rv_error_fact_text(f->err, "existing_key", other_key);
    rv_error_fact_text(f->err, "columns", columns);
    rv_error_fact_text(f->err, "value", values);
    return RV_UNIQUE_VIOLATION;
}

rv_status rv_fold_refuse_cell(rv_fold *f, rv_status status, const rv_fold_row *row,
                              uint16_t column) {
    RV_ASSERT(status != RV_OK);
    cell_facts(f, row, column);
    return status;
}

/* NOT NULL and the CHECK of one column. */
static rv_status judge_column(rv_fold *f, const rv_fold_row *row, uint16_t nth,
                              const rv_expr_env *env) {
    const rv_column *const column = &row->aggregate->columns[nth];
    const rv_value *const value = &env->slots[nth];
    if (column->not_null && rv_value_is_null(value)) {
        rv_error_set(f->err, RV_NOT_NULL_VIOLATION, "`%b` of `%b` must have a value", &column->name,
                     &row->aggregate->name);
        cell_facts(f, row, nth);
        return RV_NOT_NULL_VIOLATION;
    }
    if (!column->has_check) {
        return RV_OK;
    }
    rv_value holds;
    const rv_status status = rv_expr_eval(&column->check, env, &holds, f->err);
    if (status != RV_OK) {
        return rv_fold_refuse_cell(f, status, row, nth);
    }
    RV_ASSERT(rv_value_is_null(&holds) || holds.class_ == RV_VALUE_INT);
    if (rv_value_is_null(&holds) || holds.as.integer != 0) {
        return RV_OK;
    }
    shown memory;
    const rv_bytes text = show(&memory, &column->type, value);
    rv_error_set(f->err, RV_CHECK_VIOLATION, "`%b` of `%b` would be %b, but CHECK (%b)",
                 &column->name, &row->aggregate->name, &text, &column->check.source);
    cell_facts(f, row, nth);
    rv_error_fact_text(f->err, "value", text);
    return RV_CHECK_VIOLATION;
}

/* True when a check of the aggregate reads the column. */
static bool is_checked(const rv_aggregate *aggregate, uint16_t column) {
    RV_ASSERT(column < aggregate->column_count);
    bool read = false;
    for (uint16_t i = 0; i < aggregate->column_count && !read; i += 1) {
        read =
            aggregate->columns[i].has_check && rv_expr_reads(&aggregate->columns[i].check, column);
    }
    for (uint16_t i = 0; i < aggregate->check_count && !read; i += 1) {
        read = rv_expr_reads(&aggregate->checks[i], column);
    }
    return read;
}

/* True when a look at the NULL bits says that everything holds: most aggregates have no checks, and
 * need not be read. */
static bool holds_plainly(const rv_fold_row *row) {
    const rv_aggregate *const aggregate = row->aggregate;
    RV_ASSERT(aggregate->column_count <= RV_COLUMNS_MAX);
    bool holds = aggregate->check_count == 0;
    for (uint16_t i = 0; i < aggregate->column_count && holds; i += 1) {
        const rv_column *const column = &aggregate->columns[i];
        holds = !column->has_check && !(column->not_null && rv_row_is_null(row->bytes, i));
    }
    return holds;
}

/* Everything that must hold for one row. */
static rv_status judge_row(rv_fold *f, const rv_fold_row *row) {
    rv_value slots[RV_COLUMNS_MAX];
    const rv_aggregate *const aggregate = row->aggregate;
    RV_ASSERT(aggregate->column_count <= RV_COLUMNS_MAX);
    if (holds_plainly(row)) {
        return RV_OK;
    }
    for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
        if (rv_row_is_long(row->table, row->bytes, i) && !is_checked(aggregate, i)) {
            slots[i] = rv_value_bytes(RV_LITERAL("")); /* not NULL is all that is asked */
            continue;
        }
        const rv_status status =
            rv_row_get(f->pages, row->table, row->bytes, i, f->scratch, &slots[i]);
        if (status != RV_OK) {
            return status;
        }
    }
    const rv_expr_env env = {.slots = slots, .now_us = rv_fold_now(f), .scratch = f->scratch};
    for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
        const rv_status status = judge_column(f, row, i, &env);
        if (status != RV_OK) {
            return status;
        }
    }
    for (uint16_t i = 0; i < aggregate->check_count; i += 1) {
        rv_value holds;
        const rv_status status = rv_expr_eval(&aggregate->checks[i], &env, &holds, f->err);
        if (status != RV_OK) {
            return rv_fold_refuse_cell(f, status, row, aggregate->key);
        }
        if (!rv_value_is_null(&holds) && holds.as.integer == 0) {
            rv_error_set(f->err, RV_CHECK_VIOLATION, "a row of `%b` would break CHECK (%b)",
                         &aggregate->name, &aggregate->checks[i].source);
            cell_facts(f, row, aggregate->key);
            return RV_CHECK_VIOLATION;
        }
    }
    return RV_OK;
}

rv_status rv_fold_judge_rows(rv_fold *f) {
    RV_ASSERT(f->judge);
    for (uint16_t i = 0; i < f->type->touch_count; i += 1) {
        const rv_touch *const touch = &f->type->touches[i];
        bool skip = f->rows[i] == RV_SLOT_NONE || !(f->made[i] || touch->acted_on);
        for (uint16_t j = 0; j < i && !skip; j += 1) {
            const rv_touch *const before = &f->type->touches[j];
            skip = f->rows[j] == f->rows[i] && (f->made[j] || before->acted_on);
        }
        if (skip) {
            continue;
        }
        const rv_aggregate *const aggregate = rv_schema_aggregate(f->schema, touch->aggregate);
        if (!rv_fold_whole(f, aggregate)) {
            continue;
        }
        const rv_table *const table = rv_table_of(f->pages, aggregate->number);
        RV_ASSERT(table != NULL);
        const uint8_t *const bytes = rv_rows_read(f->pages, table, f->rows[i]);
        const rv_fold_row row = {aggregate, table, (uint8_t *)bytes};
        rv_status status =
            aggregate->foreign_key_count > 0 ? rv_fold_judge_foreign(f, &row) : RV_OK;
        if (status == RV_OK) {
            status = judge_row(f, &row);
        }
        if (status != RV_OK) {
            return status;
        }
    }
    return RV_OK;
}
