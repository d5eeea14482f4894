/* SPDX-License-Identifier: Apache-2.0 */
/* Calls as one step: what they share. */
#include "core/model/expr_call.h"

#include "core/base/assert.h"
#include "core/model/value_text.h"

/* Bytes that are looked at for the price of one step. */
#define BYTES_A_STEP 512u

bool rv_call_strict(rv_call call) {
    switch (call) {
    case RV_CALL_CONCAT:
    case RV_CALL_CONCAT_WS:
    case RV_CALL_ARRAY:
    case RV_CALL_ARRAY_POSITION:
    case RV_CALL_ARRAY_CAT:
    case RV_CALL_ARRAY_APPEND:
    case RV_CALL_ARRAY_PREPEND:
    case RV_CALL_ARRAY_TO_STRING:
        return false;
    default:
        return call < RV_CALL_ANY_EQUAL || call > RV_CALL_ALL_GREATER_EQUAL;
    }
}

rv_status rv_call_charge(const rv_call_env *env, uint64_t len) {
    const uint64_t price = len / BYTES_A_STEP;
    RV_ASSERT(env->work != NULL);
    if (price > *env->work) {
        return rv_error_set(env->err, RV_EXPRESSION_LIMIT,
                            "the expression takes more than %u steps on values of this length",
                            (uint64_t)RV_EXPR_STEPS_MAX);
    }
    *env->work -= (uint32_t)price;
    RV_ASSERT(*env->work <= RV_EXPR_STEPS_MAX);
    return RV_OK;
}

rv_writer rv_call_writer(const rv_call_env *env) {
    uint8_t *const start = (uint8_t *)rv_arena_take_raw(env->scratch, 0);
    const size_t room = start == NULL ? 0 : env->scratch->cap - env->scratch->len;
    RV_ASSERT(env->scratch->len <= env->scratch->cap);
    return rv_writer_over(start, room);
}

rv_status rv_call_written(const rv_call_env *env, const rv_writer *w, rv_value *value) {
    if (w->full || w->ptr == NULL) {
        return rv_value_refuse_memory(env->err);
    }
    RV_ASSERT(w->len <= env->scratch->cap - env->scratch->len);
    env->scratch->len += w->len;
    *value = rv_value_bytes(rv_writer_bytes(w));
    return RV_OK;
}

rv_status rv_expr_call(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_call call = (rv_call)step->target;
    RV_ASSERT(step->op == RV_EXPR_CALL && call <= RV_CALL_TO_JSONB);
    RV_ASSERT(step->kind > 0);
    for (uint32_t i = 0; i < step->kind && rv_call_strict(call); i++) {
        if (rv_value_is_null(&values[i])) {
            values[0] = rv_value_null();
            return RV_OK;
        }
    }
    if (call < RV_CALL_LIKE_ESCAPE) {
        return rv_call_text(step, values, env);
    }
    if (call < RV_CALL_ARRAY) {
        return rv_call_text_make(step, values, env);
    }
    return call < RV_CALL_JSON_KEY ? rv_call_array(step, values, env)
                                   : rv_call_json(step, values, env);
}
