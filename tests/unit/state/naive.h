/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive twin of the state: rows in one array, found by walking, folded by the words of
 * SEMANTICS 12 to 15 and no more. Values of bytes are interned and never freed, so a copy of the
 * array is a copy of the twin, and taking back a transaction is copying back. References are
 * counted by looking.
 */
#ifndef RV_TESTS_STATE_NAIVE_H
#define RV_TESTS_STATE_NAIVE_H

#include "core/state/state.h"

#include <stdlib.h>

#ifndef NAIVE_ROWS
#define NAIVE_ROWS 600u
#endif
#define NAIVE_COLUMNS    16u
#define NAIVE_AGGREGATES 16u

typedef struct naive_row {
    bool used;
    uint16_t aggregate;
    uint32_t owner;
    rv_value values[NAIVE_COLUMNS];
    bool unknown[NAIVE_COLUMNS];
} naive_row;

typedef struct naive {
    const rv_schema *schema;
    uint32_t count;                   /* rows in use */
    int64_t serial[NAIVE_AGGREGATES]; /* the greatest key so far, where it is a serial */
    naive_row rows[NAIVE_ROWS];
} naive;

static rv_arena naive_bytes;   /* of all interned values, */
static rv_bytes naive_lasting; /* but those that lie in here, which stays as it is */

static inline bool naive_lasts(const uint8_t *ptr) {
    return naive_lasting.len > 0 && ptr >= naive_lasting.ptr &&
           ptr < naive_lasting.ptr + naive_lasting.len;
}

static inline rv_value naive_intern(rv_value value) {
    if (value.class_ == RV_VALUE_BYTES && !naive_lasts(value.as.bytes.ptr)) {
        value.as.bytes = rv_arena_copy(&naive_bytes, value.as.bytes);
        if (value.as.bytes.ptr == NULL) {
            abort();
        }
    }
    return value;
}

static inline bool naive_same(const rv_value *a, const rv_value *b) {
    if (a->class_ != b->class_) {
        return false;
    }
    if (a->class_ == RV_VALUE_BYTES) {
        return rv_bytes_equal(a->as.bytes, b->as.bytes);
    }
    return a->class_ == RV_VALUE_NULL || a->as.integer == b->as.integer;
}

/* The values of the row's columns, in the order of `columns`, are these; none is NULL. */
static inline bool naive_has(const naive_row *row, const uint16_t *columns, uint16_t count,
                             const rv_value *values) {
    bool has = true;
    for (uint16_t i = 0; i < count && has; i += 1) {
        has = !rv_value_is_null(&values[i]) && naive_same(&row->values[columns[i]], &values[i]);
    }
    return has;
}

/* `key` has a value for each column of the key. */
static inline naive_row *naive_find(naive *n, const rv_aggregate *aggregate, const rv_value *key) {
    for (uint32_t i = 0; i < NAIVE_ROWS; i += 1) {
        naive_row *const row = &n->rows[i];
        if (row->used && row->aggregate == aggregate->number &&
            naive_has(row, aggregate->keys, aggregate->key_count, key)) {
            return row;
        }
    }
    return NULL;
}

/* The values of some columns of a row; false when one is NULL. */
static inline bool naive_gather(const naive_row *row, const uint16_t *columns, uint16_t count,
                                rv_value *values) {
    bool whole = true;
    for (uint16_t i = 0; i < count; i += 1) {
        values[i] = row->values[columns[i]];
        whole = whole && !rv_value_is_null(&values[i]);
    }
    return whole;
}

static inline bool naive_referenced(naive *n, const naive_row *target) {
    const rv_aggregate *const to = rv_schema_aggregate(n->schema, target->aggregate);
    for (uint32_t i = 0; i < NAIVE_ROWS; i += 1) {
        const naive_row *const row = &n->rows[i];
        if (!row->used || row == target) {
            continue;
        }
        const rv_aggregate *const from = rv_schema_aggregate(n->schema, row->aggregate);
        for (uint16_t c = 0; c < from->column_count; c += 1) {
            if (from->columns[c].references == to->number &&
                naive_same(&row->values[c], &target->values[to->key])) {
                return true;
            }
        }
        for (uint16_t k = 0; k < from->foreign_key_count; k += 1) {
            const rv_foreign_key *const key = &from->foreign_keys[k];
            rv_value values[RV_INDEX_COLUMNS_MAX];
            if (key->aggregate == to->number &&
                naive_gather(row, key->columns, key->column_count, values) &&
                naive_has(target, to->keys, to->key_count, values)) {
                return true;
            }
        }
    }
    return false;
}

/* One event on its way. */
typedef struct naive_fold {
    naive *n;
    const rv_event *event;
    const rv_event_type *type;
    const rv_value *values;
    bool judge;
    rv_arena *scratch;
    naive_row *rows[RV_TOUCHES_MAX];
    bool made[RV_TOUCHES_MAX];
} naive_fold;

static inline rv_status naive_set(naive_fold *f, naive_row *row, uint16_t c, rv_value value) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->n->schema, row->aggregate);
    const uint16_t to = aggregate->columns[c].references;
    if (f->judge && to != RV_NONE && !rv_value_is_null(&value) &&
        !naive_same(&row->values[c], &value) &&
        naive_find(f->n, rv_schema_aggregate(f->n->schema, to), &value) == NULL) {
        return RV_UNKNOWN_REFERENCE;
    }
    row->values[c] = naive_intern(value);
    row->unknown[c] = false;
    return RV_OK;
}

static inline rv_status naive_fails(naive_fold *f, naive_row *row, uint16_t c, rv_status status) {
    if (f->judge) {
        return status;
    }
    row->values[c] = rv_value_null();
    row->unknown[c] = true;
    return RV_OK;
}

static inline rv_status naive_eval(naive_fold *f, naive_row *row, uint16_t c, const rv_expr *expr,
                                   const rv_value *slots) {
    const rv_column *const column = &rv_schema_aggregate(f->n->schema, row->aggregate)->columns[c];
    const rv_expr_env env = {slots, f->event->written_at - RV_EPOCH_DIFFERENCE_US, f->scratch};
    rv_value value;
    rv_status status = rv_expr_eval(expr, &env, &value, NULL);
    if (status == RV_OK) {
        status =
            rv_value_coerce(&expr->type, &column->type, column->name, f->scratch, &value, NULL);
    }
    return status == RV_OK ? naive_set(f, row, c, value) : naive_fails(f, row, c, status);
}

static inline int64_t naive_max(const rv_type *type) {
    if (type->kind == RV_TYPE_NUMERIC) {
        int64_t power = 1;
        for (uint32_t i = 0; i < type->size; i += 1) {
            power *= 10;
        }
        return power - 1;
    }
    return type->kind == RV_TYPE_SMALLINT  ? INT16_MAX
           : type->kind == RV_TYPE_INTEGER ? INT32_MAX
                                           : INT64_MAX;
}

/* True when the text of the expression has `aggregate . column`. */
static inline bool naive_reads(const rv_expr *expr, const rv_aggregate *aggregate,
                               const rv_column *column) {
    uint8_t name[RV_NAME_LEN_MAX + 16];
    rv_writer w = rv_writer_over(name, sizeof name);
    rv_write(&w, aggregate->name);
    rv_write_text(&w, " . ");
    rv_write(&w, column->name);
    for (size_t i = 0; i + w.len <= expr->source.len; i += 1) {
        const bool ends = i + w.len == expr->source.len || expr->source.ptr[i + w.len] < '0' ||
                          expr->source.ptr[i + w.len] > '9';
        if (ends && memcmp(expr->source.ptr + i, name, w.len) == 0) {
            return true;
        }
    }
    return false;
}

static inline rv_status naive_act(naive_fold *f, const rv_action *action) {
    naive_row *const row = f->rows[action->touch];
    if (row == NULL) {
        return RV_OK;
    }
    const uint16_t c = action->column;
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->n->schema, row->aggregate);
    const rv_type *const type = &aggregate->columns[c].type;
    if (action->kind == RV_ACTION_COMPUTE) {
        rv_value slots[RV_FIELDS_MAX + NAIVE_COLUMNS];
        bool unknown = false;
        memcpy(slots, f->values, f->type->field_count * sizeof slots[0]);
        for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
            slots[f->type->field_count + i] = row->values[i];
            unknown = unknown || (row->unknown[i] &&
                                  naive_reads(&action->expr, aggregate, &aggregate->columns[i]));
        }
        return unknown ? naive_fails(f, row, c, RV_OK)
                       : naive_eval(f, row, c, &action->expr, slots);
    }
    rv_value value = f->values[action->field];
    const rv_status status = rv_value_coerce(&f->type->fields[action->field].type, type,
                                             aggregate->columns[c].name, f->scratch, &value, NULL);
    if (action->kind == RV_ACTION_SET) {
        return status == RV_OK ? naive_set(f, row, c, value) : naive_fails(f, row, c, status);
    }
    if (rv_value_is_null(&value) || rv_value_is_null(&row->values[c])) {
        return RV_OK;
    }
    const int64_t now = row->values[c].as.integer;
    int64_t sum;
    const bool wide = action->kind == RV_ACTION_DECREMENT
                          ? __builtin_sub_overflow(now, value.as.integer, &sum)
                          : __builtin_add_overflow(now, value.as.integer, &sum);
    const int64_t max = naive_max(type);
    if (status != RV_OK || wide || sum > max || sum < -max - (type->kind != RV_TYPE_NUMERIC)) {
        return naive_fails(f, row, c, RV_VALUE_OUT_OF_RANGE);
    }
    return naive_set(f, row, c, rv_value_int(sum));
}

/* The key that a touch has, as values of the key's columns. `*null`: a part of it is NULL, or no
 * value of its column, which when judging is refused. */
static inline rv_status naive_key(const naive_fold *f, uint16_t t, rv_value *key, bool *null) {
    const rv_touch *const touch = &f->type->touches[t];
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->n->schema, touch->aggregate);
    *null = false;
    for (uint16_t i = 0; i < aggregate->key_count; i += 1) {
        const rv_column *const column = &aggregate->columns[aggregate->keys[i]];
        key[i] = f->values[touch->fields[i]];
        const rv_status status =
            rv_value_coerce(&f->type->fields[touch->fields[i]].type, &column->type, column->name,
                            f->scratch, &key[i], NULL);
        if (status != RV_OK && f->judge) {
            return status;
        }
        *null = *null || status != RV_OK || rv_value_is_null(&key[i]);
    }
    return RV_OK;
}

static inline rv_status naive_touch(naive_fold *f, uint16_t t) {
    const rv_touch *const touch = &f->type->touches[t];
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->n->schema, touch->aggregate);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    bool null;
    const rv_status status = naive_key(f, t, key, &null);
    if (status != RV_OK) {
        return status;
    }
    naive_row *row = null ? NULL : naive_find(f->n, aggregate, key);
    if (touch->kind == RV_TOUCH_CREATES) {
        if (null || row != NULL) {
            return !f->judge ? RV_OK : null ? RV_NOT_NULL_VIOLATION : RV_ROW_EXISTS;
        }
        for (row = f->n->rows; row->used; row += 1) {
        }
        *row = (naive_row){.used = true, .aggregate = aggregate->number, .owner = f->event->stream};
        for (uint16_t i = 0; i < aggregate->key_count; i += 1) {
            row->values[aggregate->keys[i]] = naive_intern(key[i]);
        }
        f->n->count += 1;
        int64_t *const serial = &f->n->serial[aggregate->number];
        if (aggregate->columns[aggregate->key].type.serial && key[0].as.integer > *serial) {
            *serial = key[0].as.integer;
        }
        f->made[t] = true;
        f->rows[t] = row;
        return RV_OK;
    }
    f->rows[t] = row;
    if (!f->judge || null) {
        return RV_OK;
    }
    if (row == NULL) {
        return RV_UNKNOWN_REFERENCE;
    }
    const bool acts = touch->acted_on || touch->kind == RV_TOUCH_DELETES;
    return acts && !aggregate->shared && row->owner != f->event->stream ? RV_ROW_OF_OTHER_STREAM
                                                                        : RV_OK;
}

static inline rv_status naive_default(naive_fold *f, uint16_t t) {
    naive_row *const row = f->rows[t];
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->n->schema, row->aggregate);
    rv_status status = RV_OK;
    for (uint16_t k = 0; k < aggregate->key_count && f->judge; k += 1) {
        const uint16_t to = aggregate->columns[aggregate->keys[k]].references;
        if (to != RV_NONE && naive_find(f->n, rv_schema_aggregate(f->n->schema, to),
                                        &row->values[aggregate->keys[k]]) == NULL) {
            return RV_UNKNOWN_REFERENCE;
        }
    }
    for (uint16_t c = 0; c < aggregate->column_count && status == RV_OK; c += 1) {
        bool set = aggregate->columns[c].key || !aggregate->columns[c].has_default;
        for (uint16_t a = 0; a < f->type->action_count; a += 1) {
            const rv_action *const action = &f->type->actions[a];
            set =
                set || (action->touch == t && action->column == c && action->kind == RV_ACTION_SET);
        }
        if (!set) {
            uint8_t seed[RV_EXPR_SEED_SIZE];
            rv_event_seed(f->event->event_id, RV_EVENT_SEED_OF_COLUMN(t, c), seed);
            const rv_value slots[] = {rv_value_bytes(rv_bytes_of(seed, sizeof seed))};
            status = naive_eval(f, row, c, &aggregate->columns[c].default_value, slots);
        }
    }
    return status;
}

static inline rv_status naive_judge(naive_fold *f, const naive_row *row) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->n->schema, row->aggregate);
    const rv_expr_env env = {row->values, f->event->written_at - RV_EPOCH_DIFFERENCE_US,
                             f->scratch};
    for (uint16_t k = 0; k < aggregate->foreign_key_count; k += 1) {
        const rv_foreign_key *const key = &aggregate->foreign_keys[k];
        rv_value values[RV_INDEX_COLUMNS_MAX];
        if (naive_gather(row, key->columns, key->column_count, values) &&
            naive_find(f->n, rv_schema_aggregate(f->n->schema, key->aggregate), values) == NULL) {
            return RV_UNKNOWN_REFERENCE;
        }
    }
    for (uint16_t c = 0; c < aggregate->column_count + aggregate->check_count; c += 1) {
        const bool of_row = c >= aggregate->column_count;
        if (!of_row && aggregate->columns[c].not_null && rv_value_is_null(&row->values[c])) {
            return RV_NOT_NULL_VIOLATION;
        }
        if (!of_row && !aggregate->columns[c].has_check) {
            continue;
        }
        const rv_expr *const check =
            of_row ? &aggregate->checks[c - aggregate->column_count] : &aggregate->columns[c].check;
        rv_value holds;
        const rv_status status = rv_expr_eval(check, &env, &holds, NULL);
        if (status != RV_OK) {
            return status;
        }
        if (!rv_value_is_null(&holds) && holds.as.integer == 0) {
            return RV_CHECK_VIOLATION;
        }
    }
    return RV_OK;
}

/* True when no other row has the same in a unique index's columns. */
static inline bool naive_unique(naive_fold *f, const naive_row *row) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->n->schema, row->aggregate);
    for (uint32_t i = 0; i < NAIVE_ROWS * aggregate->index_count; i += 1) {
        const naive_row *const other = &f->n->rows[i / aggregate->index_count];
        const rv_aggregate_index *const index = &aggregate->indexes[i % aggregate->index_count];
        bool same =
            index->unique && other->used && other != row && other->aggregate == row->aggregate;
        for (uint16_t c = 0; c < index->column_count && same; c += 1) {
            const rv_value *const value = &row->values[index->columns[c]];
            same = !rv_value_is_null(value) && naive_same(value, &other->values[index->columns[c]]);
        }
        if (same) {
            return false;
        }
    }
    return true;
}

/* The order of two rows in an index. */
static inline int naive_order(const rv_aggregate *aggregate, const rv_aggregate_index *index,
                              const naive_row *a, const naive_row *b) {
    int order = 0;
    for (uint16_t c = 0; c < index->column_count && order == 0; c += 1) {
        const uint16_t column = index->columns[c];
        order = rv_value_compare(&aggregate->columns[column].type, &a->values[column],
                                 &b->values[column]);
    }
    return order;
}

/* Folds; on a refusal the twin is spoilt and must be copied back. */
static inline rv_status naive_state_fold(naive *n, const rv_event *event, const rv_value *values,
                                         bool judge, rv_arena *scratch) {
    const rv_event_type *const type = rv_schema_event_type(n->schema, event->type);
    naive_fold f = {n, event, type, values, judge, scratch, {0}, {0}};
    rv_status status = RV_OK;
    rv_value key[RV_INDEX_COLUMNS_MAX];
    bool null;
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK; t += 1) {
        status = naive_key(&f, t, key, &null);
    }
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK; t += 1) {
        status = naive_touch(&f, t);
    }
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK; t += 1) {
        status = f.made[t] ? naive_default(&f, t) : RV_OK;
    }
    for (uint16_t a = 0; a < type->action_count && status == RV_OK; a += 1) {
        status = naive_act(&f, &type->actions[a]);
    }
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK && judge; t += 1) {
        const bool acts = f.made[t] || type->touches[t].acted_on;
        status = acts && f.rows[t] != NULL ? naive_judge(&f, f.rows[t]) : RV_OK;
    }
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK; t += 1) {
        const rv_touch *const touch = &type->touches[t];
        status = naive_key(&f, t, key, &null);
        if (touch->kind != RV_TOUCH_DELETES || status != RV_OK || null) {
            continue;
        }
        naive_row *const row = naive_find(n, rv_schema_aggregate(n->schema, touch->aggregate), key);
        if (row == NULL || (judge && naive_referenced(n, row))) {
            status = !judge ? RV_OK : row == NULL ? RV_UNKNOWN_REFERENCE : RV_ROW_REFERENCED;
            continue;
        }
        row->used = false;
        n->count -= 1;
    }
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK && judge; t += 1) {
        const bool acts = f.made[t] || type->touches[t].acted_on;
        const bool stays = acts && f.rows[t] != NULL && f.rows[t]->used;
        status = !stays || naive_unique(&f, f.rows[t]) ? RV_OK : RV_UNIQUE_VIOLATION;
    }
    return status;
}

#endif
