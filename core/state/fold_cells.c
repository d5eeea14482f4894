/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What folding does to one cell: set, compute, increment, default. When a value cannot be had (an
 * expression fails, a result is out of range), judging refuses; applying makes the cell unknown,
 * and so does a computation over a row with unknown cells.
 */
#include "core/state/fold.h"

#include "core/model/expr_step.h"
#include "core/model/value_numeric.h"

/* Ends a failed evaluation: a refusal, or an unknown cell. `err` is set if the fold judges. */
static rv_status cell_failed(rv_fold *f, rv_fold_row *row, uint16_t column, rv_status status) {
    RV_ASSERT(status != RV_OK);
    if (status == RV_MEMORY_EXHAUSTED) {
        return status;
    }
    if (f->judge) {
        return rv_fold_refuse_cell(f, status, row, column);
    }
    return row->table->cells[column].key
               ? RV_OK
               : rv_row_set_unknown(f->pages, row->table, row->bytes, column);
}

/* Sets a cell to a value of type `from`. */
static rv_status cell_set(rv_fold *f, rv_fold_row *row, uint16_t column, const rv_type *from,
                          rv_value value) {
    RV_ASSERT(column < row->aggregate->column_count && !row->table->cells[column].key);
    const rv_column *const to = &row->aggregate->columns[column];
    if (!rv_type_same(from, &to->type) && !rv_value_is_null(&value)) {
        const rv_status status = rv_value_coerce(from, &to->type, to->name, f->scratch, &value,
                                                 f->judge ? f->err : NULL);
        if (status != RV_OK) {
            return cell_failed(f, row, column, status);
        }
    }
    if (row->table->cells[column].refers) {
        const rv_status status = rv_fold_refer_instead(f, row, column, &value);
        if (status != RV_OK) {
            return status;
        }
    }
    return rv_row_set(f->pages, row->table, row->bytes, column, &value);
}

int64_t rv_fold_now(const rv_fold *f) {
    const int64_t written_at = f->event->written_at;
    int64_t now;
    const bool wraps = __builtin_sub_overflow(written_at, RV_EPOCH_DIFFERENCE_US, &now);
    RV_ASSERT(!wraps || written_at < 0);
    return wraps ? INT64_MIN : now;
}

/* Evaluates and sets. */
static rv_status cell_evaluate(rv_fold *f, rv_fold_row *row, uint16_t column, const rv_expr *expr,
                               const rv_value *slots) {
    const rv_expr_env env = {.slots = slots, .now_us = rv_fold_now(f), .scratch = f->scratch};
    rv_value value;
    const rv_status status = rv_expr_eval(expr, &env, &value, f->judge ? f->err : NULL);
    if (status != RV_OK) {
        return cell_failed(f, row, column, status);
    }
    return cell_set(f, row, column, &expr->type, value);
}

/* column = expr over the fields, then the row's columns. */
static rv_status cell_compute(rv_fold *f, rv_fold_row *row, const rv_action *action) {
    rv_value slots[RV_FIELDS_MAX + RV_COLUMNS_MAX];
    const uint16_t fields = f->type->field_count;
    RV_ASSERT(fields <= RV_FIELDS_MAX && row->table->column_count <= RV_COLUMNS_MAX);
    memcpy(slots, f->values, fields * sizeof slots[0]);
    for (uint16_t i = 0; i < row->table->column_count; i += 1) {
        const uint32_t slot = (uint32_t)fields + i;
        const bool unknown = rv_row_is_unknown(row->table, row->bytes, i);
        const bool costly = unknown || rv_row_is_long(row->table, row->bytes, i);
        if (costly && !rv_expr_reads(&action->expr, slot)) {
            slots[slot] = rv_value_null();
            continue;
        }
        if (unknown) {
            rv_error_set(f->judge ? f->err : NULL, RV_VALUE_INVALID,
                         "`%b` of `%b` is not known on this node", &row->aggregate->columns[i].name,
                         &row->aggregate->name);
            return cell_failed(f, row, action->column, RV_VALUE_INVALID);
        }
        const rv_status status =
            rv_row_get(f->pages, row->table, row->bytes, i, f->scratch, &slots[slot]);
        if (status != RV_OK) {
            return status;
        }
    }
    return cell_evaluate(f, row, action->column, &action->expr, slots);
}

/* The greatest value of an integer type. */
static int64_t integer_max(const rv_type *type) {
    switch (type->kind) {
    case RV_TYPE_SMALLINT:
        return INT16_MAX;
    case RV_TYPE_INTEGER:
        return INT32_MAX;
    default:
        return INT64_MAX;
    }
}

/* The sum or difference. RV_VALUE_OUT_OF_RANGE: it is none of the type; RV_MEMORY_EXHAUSTED. */
static rv_status add(const rv_type *type, const rv_value *cell, const rv_value *by, bool down,
                     rv_arena *scratch, rv_value *result) {
    RV_ASSERT(cell->class_ == by->class_);
    if (type->kind == RV_TYPE_NUMERIC) {
        return rv_numeric_add(type, cell, by, down, scratch, result);
    }
    if (cell->class_ == RV_VALUE_FLOAT) {
        *result = rv_value_float(0);
        return rv_float_calculate(down ? RV_FLOAT_SUBTRACT : RV_FLOAT_ADD, cell->as.real,
                                  by->as.real, rv_float_width_of(type->kind), &result->as.real)
                   ? RV_OK
                   : RV_VALUE_OUT_OF_RANGE;
    }
    RV_ASSERT(cell->class_ == RV_VALUE_INT);
    int64_t sum;
    const bool wraps = down ? __builtin_sub_overflow(cell->as.integer, by->as.integer, &sum)
                            : __builtin_add_overflow(cell->as.integer, by->as.integer, &sum);
    const int64_t max = integer_max(type);
    *result = rv_value_int(sum);
    return !wraps && sum >= -max - 1 && sum <= max ? RV_OK : RV_VALUE_OUT_OF_RANGE;
}

/* column = column + field, or minus. NULL on either side: as in SQL, but a NULL field changes
 * nothing. */
static rv_status cell_add(rv_fold *f, rv_fold_row *row, const rv_action *action) {
    const rv_column *const column = &row->aggregate->columns[action->column];
    const rv_type *const from = &f->type->fields[action->field].type;
    rv_value by = f->values[action->field];
    if (rv_value_is_null(&by) || rv_row_is_null(row->bytes, action->column)) {
        return RV_OK;
    }
    rv_status status = RV_OK;
    if (!rv_type_same(from, &column->type)) {
        status = rv_value_coerce(from, &column->type, column->name, f->scratch, &by,
                                 f->judge ? f->err : NULL);
    }
    rv_value cell;
    if (status == RV_OK) {
        status = rv_row_get(f->pages, row->table, row->bytes, action->column, f->scratch, &cell);
    }
    if (status != RV_OK) {
        return cell_failed(f, row, action->column, status);
    }
    rv_value sum;
    status = add(&column->type, &cell, &by, action->kind == RV_ACTION_DECREMENT, f->scratch, &sum);
    if (status != RV_OK) {
        rv_error_set(f->judge ? f->err : NULL, status,
                     status == RV_MEMORY_EXHAUSTED
                         ? "the memory budget is too small for `%b` of `%b`"
                         : "`%b` of `%b` would be outside of its type's range",
                     &column->name, &row->aggregate->name);
        return cell_failed(f, row, action->column, status);
    }
    return cell_set(f, row, action->column, &column->type, sum);
}

/* Computes, adds, or sets what is not simply stored. */
static rv_status cell_act(rv_fold *f, rv_fold_row *row, const rv_action *action) {
    RV_ASSERT(action->column < row->aggregate->column_count);
    if (action->kind == RV_ACTION_SET) {
        RV_ASSERT(action->field < f->type->field_count);
        return cell_set(f, row, action->column, &f->type->fields[action->field].type,
                        f->values[action->field]);
    }
    return action->kind == RV_ACTION_COMPUTE ? cell_compute(f, row, action)
                                             : cell_add(f, row, action);
}

/* Clears the NULL and unknown bits of columns below 64 that were stored. */
static inline void bits_clear(const rv_table *table, uint8_t *bytes, uint64_t stored) {
    uint8_t *const nulls = bytes + RV_ROW_BITS;
    uint8_t *const unknown = bytes + table->unknown_offset;
    for (size_t i = 0; stored != 0; i += 1, stored >>= 8) {
        nulls[i] &= (uint8_t)~stored;
        unknown[i] &= (uint8_t)~stored;
    }
}

/* Stores the value of a field in a cell of its type, all but the bits; false: it is not one of the
 * frequent ones, and nothing was done. */
static inline bool cell_store(const rv_cell_layout *layout, uint8_t *cell, const rv_value *value) {
    if (value->class_ == RV_VALUE_INT) {
        if (layout->form == RV_CELL_INT64) {
            memcpy(cell, &value->as.integer, sizeof(int64_t));
            return true;
        }
        if (layout->form == RV_CELL_INT32) {
            const int32_t narrow = (int32_t)value->as.integer;
            RV_ASSERT(narrow == value->as.integer);
            memcpy(cell, &narrow, sizeof narrow);
            return true;
        }
        return false;
    }
    if (value->class_ == RV_VALUE_BYTES && layout->form == RV_CELL_BYTES &&
        value->as.bytes.len <= RV_CELL_INLINE && !rv_cell_has_slot(cell)) {
        rv_cell_put_short(cell, value->as.bytes);
        return true;
    }
    return false;
}

/* The frequent sums in place: of two integers, neither NULL, when the result is one of the type;
 * else nothing was done. */
static inline bool cell_add_in_place(const rv_action *action, const rv_cell_layout *layout,
                                     uint8_t *cell, const rv_value *by) {
    const bool down = action->kind == RV_ACTION_DECREMENT;
    if (by->class_ != RV_VALUE_INT) {
        return false;
    }
    if (layout->form == RV_CELL_INT32) {
        int32_t old;
        memcpy(&old, cell, sizeof old);
        const int64_t sum = down ? old - by->as.integer : old + by->as.integer; /* both narrow */
        const int32_t narrow = (int32_t)sum;
        memcpy(cell, narrow == sum ? &narrow : &old, sizeof narrow);
        return narrow == sum;
    }
    RV_ASSERT(layout->form == RV_CELL_INT64);
    int64_t old;
    memcpy(&old, cell, sizeof old);
    int64_t sum;
    const bool wraps = down ? __builtin_sub_overflow(old, by->as.integer, &sum)
                            : __builtin_add_overflow(old, by->as.integer, &sum);
    memcpy(cell, wraps ? &old : &sum, sizeof sum);
    return !wraps;
}

/* What is read of the fold and the row is kept in locals: stores to the row's bytes would have the
 * compiler read it again after each. For the same reason the bits of what was stored are gathered,
 * and cleared before somebody may look at them. */
rv_status rv_fold_actions(rv_fold *f, rv_fold_row *row, const rv_action **at) {
    const rv_action *action = *at;
    const rv_action *const end = f->type->actions + f->type->action_count;
    const rv_value *const values = f->values;
    const rv_table *const table = row->table;
    uint8_t *const bytes = row->bytes;
    const uint16_t touch = action->touch;
    uint64_t stored = 0;
    rv_status status = RV_OK;
    for (; action < end && action->touch == touch && status == RV_OK; action += 1) {
        const uint16_t column = action->column;
        RV_ASSERT(column < table->column_count);
        const rv_cell_layout *const layout = &table->cells[column];
        uint8_t *const cell = bytes + layout->offset;
        const rv_value *const value = &values[action->field];
        if (action->stores && cell_store(layout, cell, value)) {
            stored |= UINT64_C(1) << column;
            continue;
        }
        bits_clear(table, bytes, stored);
        stored = 0;
        if (action->adds && !rv_row_is_null(bytes, column) &&
            cell_add_in_place(action, layout, cell, value)) {
            continue;
        }
        status = action->kind == RV_ACTION_SET && action->plain
                     ? rv_row_set_any(f->pages, table, bytes, column, value)
                     : cell_act(f, row, action);
    }
    bits_clear(table, bytes, stored);
    RV_ASSERT(action > *at && action <= end);
    *at = action;
    return status;
}

/* Sets a column to its DEFAULT, whose random values come from the event's id. */
static rv_status cell_default(rv_fold *f, rv_fold_row *row, uint16_t touch, uint16_t column) {
    const rv_expr *const expr = &row->aggregate->columns[column].default_value;
    RV_ASSERT(row->aggregate->columns[column].has_default);
    if (!expr->uses_seed) {
        return cell_evaluate(f, row, column, expr, NULL);
    }
    uint8_t seed[RV_EXPR_SEED_SIZE];
    rv_event_seed(f->event->event_id, RV_EVENT_SEED_OF_COLUMN(touch, column), seed);
    const rv_value slots[] = {rv_value_bytes(rv_bytes_of(seed, sizeof seed))};
    return cell_evaluate(f, row, column, expr, slots);
}

rv_status rv_fold_defaults(rv_fold *f, rv_fold_row *row, uint16_t touch) {
    const rv_aggregate *const aggregate = row->aggregate;
    RV_ASSERT(touch < f->type->touch_count);
    const bool refers =
        aggregate->key_count > 1 || aggregate->columns[aggregate->key].references != RV_NONE;
    rv_status status = refers ? rv_fold_refer_keys(f, row) : RV_OK;
    for (size_t i = 0; i < RV_COLUMNS_MAX / 64; i += 1) {
        uint64_t left = f->type->touches[touch].defaults[i];
        for (; left != 0 && status == RV_OK; left &= left - 1) {
            const uint16_t column = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(left));
            RV_ASSERT(column < aggregate->column_count);
            status = cell_default(f, row, touch, column);
        }
    }
    return status;
}
