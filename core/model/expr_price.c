/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comparisons and casts cost: as many steps as the length of their operands says, so that a
 * few of them on large values cannot take more time than many on small ones. Text is compared up to
 * the end of the shorter one; for a jsonb, both may have to be walked to their ends.
 */
#include "core/base/assert.h"
#include "core/model/expr_call.h"

static uint64_t len_of(const rv_value *value) {
    RV_ASSERT(value->class_ <= RV_VALUE_BYTES);
    return value->class_ == RV_VALUE_BYTES ? value->as.bytes.len : 0;
}

/* Each byte of JSON is looked at more closely. */
static uint64_t closely(const rv_type *type, uint64_t len) {
    RV_ASSERT(len < UINT64_MAX / 2);
    return type->kind == RV_TYPE_JSON || type->kind == RV_TYPE_JSONB ? 2 * len : len;
}

static uint64_t price_of_comparison(const rv_type *type, const rv_value *a, const rv_value *b) {
    const uint64_t x = len_of(a);
    const uint64_t y = len_of(b);
    RV_ASSERT(type->kind != RV_TYPE_JSON);
    switch (type->kind) {
    case RV_TYPE_JSONB:
    case RV_TYPE_ARRAY:
    case RV_TYPE_NUMERIC:
        return closely(type, x + y);
    default:
        return x < y ? x : y;
    }
}

static uint64_t price_of(const rv_expr_step *step, const rv_value *top) {
    const rv_type *const type = &step->left;
    RV_ASSERT(step->op != RV_EXPR_CALL);
    switch (step->op) {
    case RV_EXPR_CAST: {
        const uint64_t len = len_of(top - step->target);
        return closely(&step->right, closely(type, len));
    }
    case RV_EXPR_IN_ITEM:
    case RV_EXPR_BETWEEN_HIGH:
        return price_of_comparison(type, top - 2, top);
    case RV_EXPR_SYMMETRIC_HIGH:
        return 2 * price_of_comparison(type, top - 2, top - 1) +
               2 * price_of_comparison(type, top - 2, top);
    default:
        RV_ASSERT(step->op != RV_EXPR_IN_END && step->op != RV_EXPR_SYMMETRIC_LOW);
        return price_of_comparison(type, top - 1, top);
    }
}

static bool has_price(rv_expr_op op) {
    RV_ASSERT(op <= RV_EXPR_CALL);
    return op == RV_EXPR_CAST || op == RV_EXPR_IN_ITEM || op == RV_EXPR_BETWEEN_LOW ||
           op == RV_EXPR_BETWEEN_HIGH || op == RV_EXPR_SYMMETRIC_HIGH || op == RV_EXPR_CASE_EQUAL ||
           (op >= RV_EXPR_EQUAL && op <= RV_EXPR_LEAST);
}

rv_status rv_expr_pay(const rv_expr_step *step, const rv_value *top, uint32_t *work,
                      rv_error *err) {
    if (!has_price((rv_expr_op)step->op)) {
        return RV_OK;
    }
    const rv_call_env env = {.work = work, .err = err};
    RV_ASSERT(top != NULL);
    return rv_call_charge(&env, price_of(step, top));
}
