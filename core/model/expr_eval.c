/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evaluator of compiled expressions: a loop over steps and a stack of values whose depth the
 * compiler has bounded. Truth has three values; NULL is the third. Operations other than the ones
 * on truth and NULL itself give NULL when an operand is NULL.
 */
#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/model/expr_bits.h"
#include "core/model/expr_call.h"
#include "core/model/expr_measure.h"
#include "core/model/expr_numeric.h"
#include "core/model/value_cast.h"

typedef struct machine {
    rv_value stack[RV_EXPR_DEPTH_MAX];
    uint32_t depth;
    uint32_t at;   /* the next step */
    uint32_t work; /* steps that may still be taken */
} machine;

static void push(machine *m, rv_value value) {
    RV_ASSERT(m->depth < RV_EXPR_DEPTH_MAX);
    m->stack[m->depth++] = value;
}

static bool is_true(const rv_value *value) {
    return !rv_value_is_null(value) && value->as.integer != 0;
}

static bool is_false(const rv_value *value) {
    return !rv_value_is_null(value) && value->as.integer == 0;
}

static rv_value both(const rv_value *a, const rv_value *b) {
    if (is_false(a) || is_false(b)) {
        return rv_value_int(0);
    }
    return is_true(a) && is_true(b) ? rv_value_int(1) : rv_value_null();
}

static rv_value either(const rv_value *a, const rv_value *b) {
    if (is_true(a) || is_true(b)) {
        return rv_value_int(1);
    }
    return is_false(a) && is_false(b) ? rv_value_int(0) : rv_value_null();
}

/* A comparison as a truth. */
static rv_value truth_of(rv_expr_op op, const rv_expr_step *step, const rv_value *a,
                         const rv_value *b) {
    if (rv_value_is_null(a) || rv_value_is_null(b)) {
        return rv_value_null();
    }
    const int order = rv_expr_compare(&step->left, a, &step->right, b);
    switch (op) {
    case RV_EXPR_EQUAL:
        return rv_value_int(order == 0);
    case RV_EXPR_NOT_EQUAL:
        return rv_value_int(order != 0);
    case RV_EXPR_LESS:
        return rv_value_int(order < 0);
    case RV_EXPR_LESS_EQUAL:
        return rv_value_int(order <= 0);
    case RV_EXPR_GREATER:
        return rv_value_int(order > 0);
    default:
        RV_ASSERT(op == RV_EXPR_GREATER_EQUAL);
        return rv_value_int(order >= 0);
    }
}

/* The steps that move values and decide what comes next. */
static void control(machine *m, const rv_expr_step *step, const rv_expr_env *env) {
    RV_ASSERT(step->op <= RV_EXPR_SKIP_IF_VALUE && step->op != RV_EXPR_CAST);
    rv_value *top = m->depth > 0 ? &m->stack[m->depth - 1] : NULL;
    bool jump = false;
    switch (step->op) {
    case RV_EXPR_NOTHING:
        break;
    case RV_EXPR_CONSTANT:
        push(m, step->constant);
        break;
    case RV_EXPR_SLOT:
        push(m, env->slots[step->target]);
        break;
    case RV_EXPR_NOW:
        push(m, rv_value_int(env->now_us));
        break;
    case RV_EXPR_JUMP:
        jump = true;
        break;
    default:
        RV_ASSERT(top != NULL);
        jump = (step->op == RV_EXPR_JUMP_UNLESS_TRUE && !is_true(top)) ||
               (step->op == RV_EXPR_SKIP_IF_FALSE && is_false(top)) ||
               (step->op == RV_EXPR_SKIP_IF_TRUE && is_true(top)) ||
               (step->op == RV_EXPR_SKIP_IF_VALUE && !rv_value_is_null(top));
        m->depth -= step->op == RV_EXPR_DROP || step->op == RV_EXPR_JUMP_UNLESS_TRUE ||
                    (step->op == RV_EXPR_SKIP_IF_VALUE && !jump);
        break;
    }
    if (jump) {
        RV_ASSERT(step->target >= m->at); /* forward only */
        m->at = step->target;
    }
}

/* The steps on truth and NULL, for which NULL is a value like others. */
static void logic(machine *m, const rv_expr_step *step) {
    RV_ASSERT(m->depth > 0);
    rv_value *top = &m->stack[m->depth - 1];
    rv_value *under = m->depth > 1 ? top - 1 : NULL;
    rv_value truth;
    switch (step->op) {
    case RV_EXPR_NOT:
        *top = rv_value_is_null(top) ? *top : rv_value_int(top->as.integer == 0);
        return;
    case RV_EXPR_IS_NULL:
        *top = rv_value_int(rv_value_is_null(top) != step->flag);
        return;
    case RV_EXPR_IS_TRUTH: {
        const bool same = step->target == 2   ? rv_value_is_null(top)
                          : step->target == 1 ? is_true(top)
                                              : is_false(top);
        *top = rv_value_int(same != step->flag);
        return;
    }
    case RV_EXPR_AND:
    case RV_EXPR_OR:
        RV_ASSERT(under != NULL);
        *under = step->op == RV_EXPR_AND ? both(under, top) : either(under, top);
        break;
    case RV_EXPR_DISTINCT: {
        RV_ASSERT(under != NULL);
        truth = truth_of(RV_EXPR_NOT_EQUAL, step, under, top);
        const bool distinct = rv_value_is_null(&truth)
                                  ? rv_value_is_null(under) != rv_value_is_null(top)
                                  : is_true(&truth);
        *under = rv_value_int(distinct != step->flag);
        break;
    }
    case RV_EXPR_NULLIF:
        RV_ASSERT(under != NULL);
        truth = truth_of(RV_EXPR_EQUAL, step, under, top);
        *under = is_true(&truth) ? rv_value_null() : *under;
        break;
    default:
        RV_ASSERT(step->op == RV_EXPR_GREATEST || step->op == RV_EXPR_LEAST);
        RV_ASSERT(under != NULL);
        truth = truth_of(step->op == RV_EXPR_GREATEST ? RV_EXPR_GREATER : RV_EXPR_LESS, step, top,
                         under);
        if (is_true(&truth) || rv_value_is_null(under)) {
            *under = *top;
        }
        break;
    }
    m->depth -= 1;
}

/* value, low, high: value is between them, whichever is the lower. */
static void between_symmetric(machine *m, const rv_expr_step *step, const rv_expr_step *low_step) {
    RV_ASSERT(m->depth >= 3 && low_step->op == RV_EXPR_SYMMETRIC_LOW);
    rv_value *value = &m->stack[m->depth - 3];
    const rv_value from_low = truth_of(RV_EXPR_GREATER_EQUAL, low_step, value, value + 1);
    const rv_value to_low = truth_of(RV_EXPR_LESS_EQUAL, low_step, value, value + 1);
    const rv_value from_high = truth_of(RV_EXPR_GREATER_EQUAL, step, value, value + 2);
    const rv_value to_high = truth_of(RV_EXPR_LESS_EQUAL, step, value, value + 2);
    const rv_value upward = both(&from_low, &to_high);
    const rv_value downward = both(&from_high, &to_low);
    *value = either(&upward, &downward);
    m->depth -= 2;
}

/* in, between, case: they compare with a value that stays below. */
static void compare_kept(machine *m, const rv_expr *expr, const rv_expr_step *step) {
    RV_ASSERT(m->depth >= 2);
    rv_value *top = &m->stack[m->depth - 1];
    rv_value truth;
    switch (step->op) {
    case RV_EXPR_IN_ITEM:
        RV_ASSERT(m->depth >= 3);
        truth = truth_of(RV_EXPR_EQUAL, step, top - 2, top);
        top[-1] = either(top - 1, &truth);
        m->depth -= 1;
        m->at = is_true(top - 1) ? step->target : m->at;
        break;
    case RV_EXPR_IN_END:
        top[-1] = *top;
        m->depth -= 1;
        break;
    case RV_EXPR_BETWEEN_LOW:
        *top = truth_of(RV_EXPR_GREATER_EQUAL, step, top - 1, top);
        if (is_false(top)) {
            top[-1] = *top;
            m->depth -= 1;
            m->at = step->target;
        }
        break;
    case RV_EXPR_SYMMETRIC_LOW:
        break;
    case RV_EXPR_SYMMETRIC_HIGH:
        RV_ASSERT(step->target < m->at);
        between_symmetric(m, step, &expr->steps[step->target]);
        break;
    case RV_EXPR_BETWEEN_HIGH:
        RV_ASSERT(m->depth >= 3);
        truth = truth_of(RV_EXPR_LESS_EQUAL, step, top - 2, top);
        top[-2] = both(top - 1, &truth);
        m->depth -= 2;
        break;
    default:
        RV_ASSERT(step->op == RV_EXPR_CASE_EQUAL);
        *top = truth_of(RV_EXPR_EQUAL, step, top - 1, top);
        break;
    }
}

/* The operands of the steps that have no meaning for NULL. */
static uint32_t operand_count(const rv_expr_step *step) {
    const rv_expr_op op = (rv_expr_op)step->op;
    if (op == RV_EXPR_MEASURE) {
        return step->kind;
    }
    if (op == RV_EXPR_SUBSTRING_COUNT) {
        return 3;
    }
    RV_ASSERT(op == RV_EXPR_CAST || op >= RV_EXPR_BIT_NOT);
    return op == RV_EXPR_SUBSTRING || op >= RV_EXPR_EQUAL ? 2 : 1;
}

/* A uuid (RFC 9562) of version 4, or 7 with the time. What is random in it follows from the seed
 * and from where in the expression it is. */
static rv_status make_uuid(const machine *m, uint32_t version, const rv_expr_env *env,
                           rv_value *value, rv_error *err) {
    uint8_t *const uuid = rv_arena_take_raw(env->scratch, 16);
    const bool seeded = value->class_ == RV_VALUE_BYTES;
    RV_ASSERT(version == 4 || version == 7);
    if (uuid == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for a uuid");
    }
    const rv_hash128 random = rv_hash128_of(m->at, seeded ? value->as.bytes : RV_LITERAL(""));
    rv_store_u64(uuid, random.low);
    rv_store_u64(uuid + 8, random.high);
    if (version == 7) {
        const bool early = env->now_us < -RV_EPOCH_DIFFERENCE_US;
        const uint64_t ms =
            early ? 0 : ((uint64_t)env->now_us + (uint64_t)RV_EPOCH_DIFFERENCE_US) / 1000;
        for (size_t i = 0; i < 6; i++) {
            uuid[i] = (uint8_t)(ms >> (40 - 8 * i));
        }
    }
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | version << 4);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    *value = rv_value_bytes(rv_bytes_of(uuid, 16));
    return RV_OK;
}

/* The strict steps: NULL when any operand is. */
static rv_status compute(machine *m, const rv_expr_step *step, const rv_expr_env *env,
                         rv_error *err) {
    const rv_expr_op op = (rv_expr_op)step->op;
    const uint32_t count = operand_count(step);
    RV_ASSERT(m->depth >= count && count > 0);
    const uint32_t below = op == RV_EXPR_CAST ? step->target : 0;
    RV_ASSERT(m->depth >= count + below);
    rv_value *values = &m->stack[m->depth - count - below];
    m->depth -= count - 1;
    for (uint32_t i = 0; i < count; i++) {
        if (rv_value_is_null(&values[i])) {
            values[0] = rv_value_null();
            return RV_OK;
        }
    }
    if (op == RV_EXPR_CAST) {
        return rv_value_cast(&step->left, &step->right, step->flag, (rv_bytes){NULL, 0},
                             env->scratch, &values[0], err);
    }
    if (rv_expr_is_bits(op)) {
        return rv_expr_bits(step, &values[0], &values[count - 1], err);
    }
    if (step->kind == RV_TYPE_NUMERIC && rv_expr_is_arithmetic(op)) {
        return rv_expr_numeric(step, values, &m->work, env->scratch, err);
    }
    if (op == RV_EXPR_NEGATE || op == RV_EXPR_ABSOLUTE) {
        return rv_expr_arithmetic_unary(step, &values[0], err);
    }
    if (op >= RV_EXPR_EQUAL && op <= RV_EXPR_GREATER_EQUAL) {
        values[0] = truth_of(op, step, &values[0], &values[1]);
        return RV_OK;
    }
    if (op >= RV_EXPR_ADD && op <= RV_EXPR_MODULO) {
        return rv_expr_arithmetic(step, &values[0], &values[1], err);
    }
    if (op == RV_EXPR_MEASURE) {
        return rv_expr_measure(step, values, env->scratch, err);
    }
    if (op == RV_EXPR_UUID) {
        return make_uuid(m, step->target, env, &values[0], err);
    }
    return rv_expr_text(step, values, &m->work, env->scratch, err);
}

static rv_status call(machine *m, const rv_expr_step *step, const rv_expr_env *env, rv_error *err) {
    const uint32_t count = step->kind;
    const rv_call_env call_env = {.work = &m->work, .scratch = env->scratch, .err = err};
    RV_ASSERT(count > 0 && m->depth >= count);
    m->depth -= count - 1;
    return rv_expr_call(step, &m->stack[m->depth - 1], &call_env);
}

rv_status rv_expr_eval(const rv_expr *expr, const rv_expr_env *env, rv_value *result,
                       rv_error *err) {
    RV_ASSERT(expr->step_count > 0 && expr->depth_max <= RV_EXPR_DEPTH_MAX);
    if (expr->step_count == 1 && expr->steps[0].op == RV_EXPR_CONSTANT) {
        *result = expr->steps[0].constant;
        return RV_OK;
    }
    machine m;
    m.depth = 0;
    m.at = 0;
    m.work = RV_EXPR_STEPS_MAX;
    while (m.at < expr->step_count) {
        const rv_expr_step *step = &expr->steps[m.at++];
        if (m.work == 0) {
            return rv_error_set(err, RV_EXPRESSION_LIMIT, "the expression takes more than %u steps",
                                (uint64_t)RV_EXPR_STEPS_MAX);
        }
        m.work -= 1;
        const rv_expr_op op = (rv_expr_op)step->op;
        const rv_value *const top = m.depth > 0 ? &m.stack[m.depth - 1] : NULL;
        rv_status status = rv_expr_pay(step, top, &m.work, err);
        if (status != RV_OK) {
            return status;
        }
        if (op != RV_EXPR_CAST && op <= RV_EXPR_SKIP_IF_VALUE) {
            control(&m, step, env);
        } else if (op >= RV_EXPR_IN_ITEM && op <= RV_EXPR_CASE_EQUAL) {
            compare_kept(&m, expr, step);
        } else if ((op >= RV_EXPR_NOT && op <= RV_EXPR_IS_TRUTH) || op == RV_EXPR_AND ||
                   op == RV_EXPR_OR || (op >= RV_EXPR_DISTINCT && op <= RV_EXPR_LEAST)) {
            logic(&m, step);
        } else {
            status = op == RV_EXPR_CALL ? call(&m, step, env, err) : compute(&m, step, env, err);
            if (status != RV_OK) {
                return status;
            }
        }
    }
    RV_ASSERT(m.depth == 1);
    *result = m.stack[0];
    return RV_OK;
}
