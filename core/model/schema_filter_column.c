/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a filter says of a column, in all rows that pass: see schema_filter.h. The steps of a filter
 * (expr_step.h) end with their last operation, so `a and b and c` is looked at from the right, and
 * so is each side that is `x = 1 or x in (2, 3)`. Whatever else there is says nothing.
 */
#include "core/model/schema_filter.h"

#include "core/model/expr_step.h"

/* Types of one family have the same form for equal values. */
typedef enum filter_family {
    FAMILY_NONE,
    FAMILY_INTEGER,
    FAMILY_TEXT,
    FAMILY_KIND /* each kind by itself */
} filter_family;

static filter_family family_of(const rv_type *type) {
    switch ((uint32_t)type->kind) {
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
    case RV_TYPE_BIGINT:
        return FAMILY_INTEGER;
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
        return FAMILY_TEXT;
    case RV_TYPE_BOOLEAN:
    case RV_TYPE_DATE:
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_TIMESTAMPTZ:
    case RV_TYPE_UUID:
    case RV_TYPE_ENUM:
        return FAMILY_KIND;
    default:
        return FAMILY_NONE;
    }
}

bool rv_schema_filter_equates(const rv_type *type) {
    return family_of(type) != FAMILY_NONE;
}

static bool equate(const rv_type *a, const rv_type *b) {
    const filter_family family = family_of(a);
    return family != FAMILY_NONE && family == family_of(b) &&
           (family != FAMILY_KIND || a->kind == b->kind);
}

/* These steps are a column, a literal and `=`. */
static bool is_equality(const rv_expr_step *steps, uint32_t count, uint16_t *column,
                        rv_value *value) {
    if (count != 3 || steps[2].op != RV_EXPR_EQUAL || !equate(&steps[2].left, &steps[2].right)) {
        return false;
    }
    const bool first = steps[0].op == RV_EXPR_SLOT && steps[1].op == RV_EXPR_CONSTANT;
    const bool second = steps[1].op == RV_EXPR_SLOT && steps[0].op == RV_EXPR_CONSTANT;
    const rv_expr_step *const slot = &steps[first ? 0 : 1];
    const rv_expr_step *const literal = &steps[first ? 1 : 0];
    if ((!first && !second) || rv_value_is_null(&literal->constant)) {
        return false;
    }
    RV_ASSERT(slot->target < RV_COLUMNS_MAX);
    *column = (uint16_t)slot->target;
    *value = literal->constant;
    return true;
}

static bool is_jump(const rv_expr_step *step) {
    return step->op == RV_EXPR_JUMP || step->op == RV_EXPR_JUMP_UNLESS_TRUE ||
           step->op == RV_EXPR_SKIP_IF_FALSE || step->op == RV_EXPR_SKIP_IF_TRUE ||
           step->op == RV_EXPR_SKIP_IF_VALUE || step->op == RV_EXPR_IN_ITEM ||
           step->op == RV_EXPR_BETWEEN_LOW;
}

/* Steps of a filter, of one that ends where a condition does. */
typedef struct condition {
    const rv_expr_step *steps; /* of the filter */
    uint32_t begin;
    uint32_t end;
} condition;

/* Takes the right side off that is joined by `op`, AND or OR. False: the last step is none, or (a
 * CASE) one that is not all of them: then something else jumps behind it. */
static bool take_right(condition *all, rv_expr_op op, condition *right) {
    const rv_expr_op skip = op == RV_EXPR_AND ? RV_EXPR_SKIP_IF_FALSE : RV_EXPR_SKIP_IF_TRUE;
    uint32_t begin = 0;
    if (all->end == all->begin || all->steps[all->end - 1].op != op) {
        return false;
    }
    for (uint32_t i = all->begin; i < all->end; i += 1) {
        if (is_jump(&all->steps[i]) && all->steps[i].target == all->end) {
            if (begin > 0 || all->steps[i].op != skip) {
                return false;
            }
            begin = i + 1;
        }
    }
    *right = (condition){all->steps, begin, all->end - 1};
    all->end = begin > 0 ? begin - 1 : all->end;
    return begin > 0;
}

static const rv_expr_step *first_of(const condition *c) {
    return c->steps + c->begin;
}

/* `a and b and c` is (a and b) and c: the sides are looked at from the right. */
bool rv_schema_filter_equality(const rv_expr *filter, uint16_t *column, rv_value *value) {
    condition all = {filter->steps, 0, filter->step_count};
    condition right;
    RV_ASSERT(all.end > 0);
    while (take_right(&all, RV_EXPR_AND, &right)) { /* fewer each time */
        if (is_equality(first_of(&right), right.end - right.begin, column, value)) {
            return true;
        }
    }
    return is_equality(first_of(&all), all.end - all.begin, column, value);
}

/* --- values, and where they lie --- */

/* Of the column, or of the first one that is told of. */
static bool is_of(rv_filter_column *out, uint32_t column) {
    if (out->count == 0 && !out->has_low && !out->has_high) {
        out->column = (uint16_t)column;
    }
    return out->column == column;
}

/* `x in (1, 2, NULL)`, with as many values as there is room for. */
static bool add_list(const condition *c, rv_filter_column *out) {
    const rv_expr_step *const steps = first_of(c);
    const uint32_t count = c->end - c->begin;
    if (count < 5 || count % 2 == 0 || steps[0].op != RV_EXPR_SLOT ||
        steps[1].op != RV_EXPR_CONSTANT || steps[count - 1].op != RV_EXPR_IN_END ||
        !is_of(out, steps[0].target)) {
        return false;
    }
    for (uint32_t i = 2; i + 1 < count; i += 2) {
        if (steps[i].op != RV_EXPR_CONSTANT || steps[i + 1].op != RV_EXPR_IN_ITEM ||
            !equate(&steps[i + 1].left, &steps[i + 1].right) ||
            out->count == RV_FILTER_VALUES_MAX) {
            return false;
        }
        if (!rv_value_is_null(&steps[i].constant)) { /* to which nothing is equal */
            out->values[out->count] = steps[i].constant;
            out->count += 1;
        }
    }
    return out->count > 0;
}

static bool add_values(const condition *c, rv_filter_column *out) {
    uint16_t column = 0;
    rv_value value;
    if (!is_equality(first_of(c), c->end - c->begin, &column, &value)) {
        return add_list(c, out);
    }
    if (!is_of(out, column) || out->count == RV_FILTER_VALUES_MAX) {
        return false;
    }
    out->values[out->count] = value;
    out->count += 1;
    return true;
}

/* One value, or one of several: `x = 1 or x = 2 or x in (3, 4)`. */
static bool is_list(const condition *c, rv_filter_column *out) {
    condition all = *c;
    condition right;
    bool is = true;
    while (is && take_right(&all, RV_EXPR_OR, &right)) { /* fewer each time */
        is = add_values(&right, out);
    }
    return is && add_values(&all, out);
}

/* True for types of one order, of which the values are compared as the column's are. */
static bool order(const rv_type *column, const rv_type *other) {
    const uint32_t kind = column->kind;
    return equate(column, other) && (family_of(column) != FAMILY_KIND || kind == RV_TYPE_DATE ||
                                     kind == RV_TYPE_TIMESTAMP || kind == RV_TYPE_TIMESTAMPTZ);
}

static void add_end(rv_filter_column *out, bool low, const rv_value *value, bool inside) {
    if (low) {
        out->has_low = true;
        out->low_inside = inside;
        out->low = *value;
    } else {
        out->has_high = true;
        out->high_inside = inside;
        out->high = *value;
    }
}

/* `x between 1 and 2` */
static bool is_between(const condition *c, rv_filter_column *out) {
    const rv_expr_step *const steps = first_of(c);
    if (c->end - c->begin != 5 || steps[0].op != RV_EXPR_SLOT || steps[1].op != RV_EXPR_CONSTANT ||
        steps[2].op != RV_EXPR_BETWEEN_LOW || steps[3].op != RV_EXPR_CONSTANT ||
        steps[4].op != RV_EXPR_BETWEEN_HIGH || !order(&steps[2].left, &steps[2].right) ||
        !order(&steps[4].left, &steps[4].right) || rv_value_is_null(&steps[1].constant) ||
        rv_value_is_null(&steps[3].constant)) {
        return false;
    }
    out->column = (uint16_t)steps[0].target;
    add_end(out, true, &steps[1].constant, true);
    add_end(out, false, &steps[3].constant, true);
    return true;
}

/* `x < 1`, or `1 > x` */
static bool is_end(const condition *c, rv_filter_column *out) {
    const rv_expr_step *const steps = first_of(c);
    if (c->end - c->begin != 3 || steps[2].op < RV_EXPR_LESS ||
        steps[2].op > RV_EXPR_GREATER_EQUAL || !order(&steps[2].left, &steps[2].right)) {
        return false;
    }
    const bool first = steps[0].op == RV_EXPR_SLOT && steps[1].op == RV_EXPR_CONSTANT;
    const bool second = steps[1].op == RV_EXPR_SLOT && steps[0].op == RV_EXPR_CONSTANT;
    const rv_expr_step *const literal = &steps[first ? 1 : 0];
    if ((!first && !second) || rv_value_is_null(&literal->constant)) {
        return false;
    }
    const bool greater = steps[2].op == RV_EXPR_GREATER || steps[2].op == RV_EXPR_GREATER_EQUAL;
    const bool inside = steps[2].op == RV_EXPR_LESS_EQUAL || steps[2].op == RV_EXPR_GREATER_EQUAL;
    out->column = (uint16_t)steps[first ? 0 : 1].target;
    add_end(out, greater == first, &literal->constant, inside);
    return true;
}

/* How well it tells rows that pass from others. */
static uint32_t telling(const rv_filter_column *c) {
    return c->count == 1 ? 4 : c->count > 1 ? 3 : (uint32_t)c->has_low + (uint32_t)c->has_high;
}

/* Takes what the condition says if it is more than what is known, and the other end if it is that.
 */
static void look(const condition *c, rv_filter_column *best) {
    rv_filter_column one = {.count = 0};
    if (!is_list(c, &one)) {
        one = (rv_filter_column){.count = 0};
        if (!is_between(c, &one) && !is_end(c, &one)) {
            return;
        }
    }
    const bool ends = best->count == 0 && one.count == 0 && best->column == one.column;
    if (ends && best->has_low && !best->has_high && one.has_high && !one.has_low) {
        add_end(best, false, &one.high, one.high_inside);
    } else if (ends && best->has_high && !best->has_low && one.has_low && !one.has_high) {
        add_end(best, true, &one.low, one.low_inside);
    } else if (telling(&one) > telling(best)) {
        *best = one;
    }
}

bool rv_schema_filter_column(const rv_expr *filter, rv_filter_column *out) {
    condition all = {filter->steps, 0, filter->step_count};
    condition right;
    RV_ASSERT(all.end > 0);
    *out = (rv_filter_column){.count = 0};
    while (take_right(&all, RV_EXPR_AND, &right)) { /* fewer each time */
        look(&right, out);
    }
    look(&all, out);
    return telling(out) > 0;
}
