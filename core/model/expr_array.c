/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on arrays. `left` and `right` of the step are the types of the first two arguments, of
 * which one at least is an array. Elements are compared as the operators compare, so that an
 * integer can be looked for in a bigint[].
 */
#include "core/base/assert.h"
#include "core/model/array.h"
#include "core/model/expr_call.h"
#include "core/model/value_cast.h"
#include "core/model/value_text.h"

/* The parameters of making one array of parts. */
typedef struct parts {
    const rv_type *type; /* of the array */
    rv_array_maker maker;
    const rv_call_env *env;
} parts;

static rv_status parts_begin(parts *p, const rv_type *type, uint64_t count,
                             const rv_call_env *env) {
    const rv_type element = rv_type_element(type);
    p->type = type;
    p->env = env;
    if (count > RV_ARRAY_ELEMENTS_MAX) {
        return rv_error_set(env->err, RV_VALUE_TOO_LONG, "an array has at most %u elements",
                            (uint64_t)RV_ARRAY_ELEMENTS_MAX);
    }
    return rv_array_begin(&p->maker, &element, (uint32_t)count, env->scratch)
               ? RV_OK
               : rv_value_refuse_memory(env->err);
}

/* Adds an element of type `from`; `from` fits the array's elements, or is cast to them. */
static rv_status parts_add(parts *p, const rv_type *from, rv_value element) {
    rv_status status = RV_OK;
    if (!rv_value_is_null(&element) && !rv_type_same(from, &p->maker.element)) {
        status = rv_scalar_cast(from, &p->maker.element, false, (rv_bytes){NULL, 0},
                                &p->maker.elements, &element, p->env->err);
    }
    if (status == RV_OK) {
        rv_array_add(&p->maker, &element);
    }
    return status;
}

static rv_status parts_add_all(parts *p, const rv_type *from, rv_bytes bytes) {
    rv_array array = rv_array_over(from, bytes);
    rv_value element;
    rv_status status = RV_OK;
    while (status == RV_OK && rv_array_next(&array, &element)) {
        status = parts_add(p, &array.element, element);
    }
    RV_ASSERT(status != RV_OK || array.next == array.count);
    return status;
}

static rv_status parts_end(parts *p, rv_status status, rv_value *value) {
    if (status == RV_OK && !rv_array_end(&p->maker, value)) {
        status = rv_value_refuse_memory(p->env->err);
    }
    return status;
}

static rv_status make(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_type type = rv_type_array_of(&step->left);
    parts p;
    rv_status status = parts_begin(&p, &type, step->kind, env);
    for (uint32_t i = 0; i < step->kind && status == RV_OK; i++) {
        status = parts_add(&p, &step->left, values[i]);
    }
    return parts_end(&p, status, &values[0]);
}

/* array || array, array || element, element || array. NULL for an array is none. */
static rv_status join(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const bool a_array = step->target != RV_CALL_ARRAY_PREPEND;
    const bool b_array = step->target != RV_CALL_ARRAY_APPEND;
    const bool a_null = rv_value_is_null(&values[0]);
    const bool b_null = rv_value_is_null(&values[1]);
    RV_ASSERT(a_array || b_array);
    if (a_array && b_array && (a_null || b_null)) {
        values[0] = a_null ? values[1] : values[0];
        return RV_OK;
    }
    const rv_type type = a_array ? step->left : step->right; /* the other one fits it */
    uint64_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        const bool array = i == 0 ? a_array : b_array;
        const rv_type *const of = i == 0 ? &step->left : &step->right;
        if (!array) {
            count += 1;
        } else if (!rv_value_is_null(&values[i])) {
            count += rv_array_over(of, values[i].as.bytes).count;
        }
    }
    parts p;
    rv_status status = parts_begin(&p, &type, count, env);
    for (size_t i = 0; i < 2 && status == RV_OK; i++) {
        const bool array = i == 0 ? a_array : b_array;
        const rv_type *const of = i == 0 ? &step->left : &step->right;
        if (!array) {
            status = parts_add(&p, of, values[i]);
        } else if (!rv_value_is_null(&values[i])) {
            status = parts_add_all(&p, of, values[i].as.bytes);
        }
    }
    return parts_end(&p, status, &values[0]);
}

/* The element of a number from 1, NULL when there is none; it lies in the array. */
static void subscript(const rv_expr_step *step, rv_value *values) {
    rv_array array = rv_array_over(&step->left, values[0].as.bytes);
    const int64_t number = values[1].as.integer;
    rv_value element = rv_value_null();
    RV_ASSERT(values[1].class_ == RV_VALUE_INT);
    if (number >= 1 && number <= (int64_t)array.count) {
        while (array.next < (uint32_t)number) {
            const bool there = rv_array_next(&array, &element);
            RV_ASSERT(there);
        }
    }
    values[0] = element;
}

/* The elements from one number to another, as an array that begins at 1 again. */
static rv_status slice(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    rv_array array = rv_array_over(&step->left, values[0].as.bytes);
    const int64_t low = values[1].as.integer > 1 ? values[1].as.integer : 1;
    const int64_t count = (int64_t)array.count;
    const int64_t high = values[2].as.integer < count ? values[2].as.integer : count;
    parts p;
    rv_value element;
    RV_ASSERT(values[1].class_ == RV_VALUE_INT && values[2].class_ == RV_VALUE_INT);
    rv_status status =
        parts_begin(&p, &step->left, high < low ? 0 : (uint64_t)(high - low + 1), env);
    while (status == RV_OK && (int64_t)array.next < high && rv_array_next(&array, &element)) {
        if ((int64_t)array.next >= low) {
            status = parts_add(&p, &array.element, element);
        }
    }
    return parts_end(&p, status, &values[0]);
}

/* NULL when the array is empty, or of another dimension than the first. */
static void length(const rv_expr_step *step, rv_value *values) {
    const rv_array array = rv_array_over(&step->left, values[0].as.bytes);
    const bool any = step->target == RV_CALL_CARDINALITY;
    const bool none = !any && (array.count == 0 || values[1].as.integer != 1);
    RV_ASSERT(array.next == 0);
    values[0] = none ? rv_value_null() : rv_value_int(array.count);
}

/* The number of the first element that is not distinct from the value, or NULL. */
static void position(const rv_expr_step *step, rv_value *values) {
    rv_array array = rv_array_over(&step->left, values[0].as.bytes);
    rv_value element;
    const rv_value sought = values[1];
    RV_ASSERT(array.next == 0);
    values[0] = rv_value_null();
    while (rv_array_next(&array, &element)) {
        const bool null = rv_value_is_null(&element) || rv_value_is_null(&sought);
        const bool same =
            null ? rv_value_is_null(&element) && rv_value_is_null(&sought)
                 : rv_expr_compare(&array.element, &element, &step->right, &sought) == 0;
        if (same) {
            values[0] = rv_value_int(array.next);
            return;
        }
    }
}

/* True when `array` has an element that equals one that is not NULL. */
static bool has(const rv_type *type, rv_bytes bytes, const rv_type *of, const rv_value *sought) {
    rv_array array = rv_array_over(type, bytes);
    rv_value element;
    RV_ASSERT(!rv_value_is_null(sought));
    while (rv_array_next(&array, &element)) {
        if (!rv_value_is_null(&element) &&
            rv_expr_compare(&array.element, &element, of, sought) == 0) {
            return true;
        }
    }
    return false;
}

/* @>, <@ and &&: of all elements of one (for &&, of any) the other has an equal one. A NULL has
 * none. */
static rv_status contains(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const bool turned = step->target == RV_CALL_ARRAY_CONTAINED;
    const bool any = step->target == RV_CALL_ARRAY_OVERLAPS;
    const rv_type *const whole_type = turned ? &step->right : &step->left;
    const rv_type *const part_type = turned ? &step->left : &step->right;
    const rv_bytes whole = values[turned].as.bytes;
    rv_array part = rv_array_over(part_type, values[!turned].as.bytes);
    rv_value element;
    const rv_status status = rv_call_charge(env, (uint64_t)whole.len * part.count);
    if (status != RV_OK) {
        return status;
    }
    bool result = !any;
    while (result != any && rv_array_next(&part, &element)) {
        const bool found =
            !rv_value_is_null(&element) && has(whole_type, whole, &part.element, &element);
        result = any ? found : result && found;
    }
    RV_ASSERT(part.next <= part.count);
    values[0] = rv_value_int(result);
    return RV_OK;
}

static bool holds(uint32_t comparison, int order) {
    switch (comparison) {
    case 0:
        return order == 0;
    case 1:
        return order != 0;
    case 2:
        return order < 0;
    case 3:
        return order <= 0;
    case 4:
        return order > 0;
    default:
        RV_ASSERT(comparison == 5);
        return order >= 0;
    }
}

/* value = any (array) and its like: true or false as soon as an element says so; unknown when one
 * is NULL and none does. */
static void compare_all(const rv_expr_step *step, rv_value *values) {
    const bool all = step->target >= RV_CALL_ALL_EQUAL;
    const uint32_t comparison = step->target - (all ? RV_CALL_ALL_EQUAL : RV_CALL_ANY_EQUAL);
    const rv_value value = values[0];
    RV_ASSERT(comparison < 6);
    if (rv_value_is_null(&values[1])) {
        values[0] = values[1];
        return;
    }
    rv_array array = rv_array_over(&step->right, values[1].as.bytes);
    rv_value element;
    bool unknown = false;
    while (rv_array_next(&array, &element)) {
        if (rv_value_is_null(&value) || rv_value_is_null(&element)) {
            unknown = true;
        } else if (holds(comparison,
                         rv_expr_compare(&step->left, &value, &array.element, &element)) != all) {
            values[0] = rv_value_int(!all);
            return;
        }
    }
    values[0] = unknown ? rv_value_null() : rv_value_int(all);
}

static rv_status to_string(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    if (rv_value_is_null(&values[0]) || rv_value_is_null(&values[1])) {
        values[0] = rv_value_null();
        return RV_OK;
    }
    rv_array array = rv_array_over(&step->left, values[0].as.bytes);
    const rv_value null = step->kind > 2 ? values[2] : rv_value_null();
    rv_value element;
    bool some = false;
    rv_writer w = rv_call_writer(env);
    while (rv_array_next(&array, &element)) {
        if (rv_value_is_null(&element) && rv_value_is_null(&null)) {
            continue;
        }
        rv_write(&w, some ? values[1].as.bytes : (rv_bytes){NULL, 0});
        some = true;
        if (rv_value_is_null(&element)) {
            rv_write(&w, null.as.bytes);
        } else {
            rv_scalar_to_text(&array.element, &element, &w);
        }
    }
    const rv_status status = rv_call_charge(env, w.len);
    RV_ASSERT(array.next == array.count);
    return status == RV_OK ? rv_call_written(env, &w, &values[0]) : status;
}

/* What is sought may be looked at once for each element. */
static uint64_t price_of_search(const rv_expr_step *step, const rv_value *values, bool first) {
    const rv_value *const array = &values[first ? 0 : 1];
    const rv_value *const sought = &values[first ? 1 : 0];
    if (array->class_ != RV_VALUE_BYTES || sought->class_ != RV_VALUE_BYTES) {
        return 0;
    }
    const rv_array over = rv_array_over(first ? &step->left : &step->right, array->as.bytes);
    RV_ASSERT(over.next == 0);
    return (uint64_t)over.count * sought->as.bytes.len;
}

rv_status rv_call_array(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_call call = (rv_call)step->target;
    uint64_t len = 0;
    RV_ASSERT(call >= RV_CALL_ARRAY && call <= RV_CALL_ALL_GREATER_EQUAL);
    for (uint32_t i = 0; i < step->kind; i++) {
        len += values[i].class_ == RV_VALUE_BYTES ? values[i].as.bytes.len : 1;
    }
    if (call == RV_CALL_ARRAY_POSITION || call >= RV_CALL_ANY_EQUAL) {
        len += price_of_search(step, values, call == RV_CALL_ARRAY_POSITION);
    }
    const rv_status status = rv_call_charge(env, len);
    if (status != RV_OK) {
        return status;
    }
    switch (call) {
    case RV_CALL_ARRAY:
        return make(step, values, env);
    case RV_CALL_ARRAY_CAT:
    case RV_CALL_ARRAY_APPEND:
    case RV_CALL_ARRAY_PREPEND:
        return join(step, values, env);
    case RV_CALL_ARRAY_CONTAINS:
    case RV_CALL_ARRAY_CONTAINED:
    case RV_CALL_ARRAY_OVERLAPS:
        return contains(step, values, env);
    case RV_CALL_ARRAY_TO_STRING:
        return to_string(step, values, env);
    case RV_CALL_SLICE:
        return slice(step, values, env);
    case RV_CALL_SUBSCRIPT:
        subscript(step, values);
        return RV_OK;
    case RV_CALL_ARRAY_LENGTH:
    case RV_CALL_CARDINALITY:
        length(step, values);
        return RV_OK;
    case RV_CALL_ARRAY_POSITION:
        if (!rv_value_is_null(&values[0])) {
            position(step, values);
        }
        return RV_OK;
    default:
        compare_all(step, values);
        return RV_OK;
    }
}
