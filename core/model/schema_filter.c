/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/schema_filter.h"

#include "core/model/schema_parts.h"

rv_status rv_schema_filter(const rv_schema *schema, const rv_aggregate *aggregate, rv_bytes text,
                           rv_arena *arena, rv_arena *scratch, rv_expr *filter, rv_error *err) {
    RV_ASSERT(aggregate->column_count <= RV_COLUMNS_MAX && text.len > 0);
    const rv_type boolean = {.kind = RV_TYPE_BOOLEAN};
    const size_t mark = rv_arena_mark(scratch);
    rv_expr_name *const names = rv_arena_take(scratch, aggregate->column_count * sizeof *names);
    if (names == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the filter of `%b` does not fit its memory",
                            &aggregate->name);
    }
    for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
        names[i] = (rv_expr_name){.qualifier = aggregate->name,
                                  .name = aggregate->columns[i].name,
                                  .type = aggregate->columns[i].type,
                                  .slot = i};
    }
    const rv_expr_scope scope = {names, aggregate->column_count, schema->enums,
                                 schema->enum_names.count};
    rv_lexer lexer;
    rv_error why = {.status = RV_OK};
    rv_status status = rv_lexer_start(&lexer, text, scratch, &why);
    status =
        status == RV_OK ? rv_expr_compile(&lexer, &scope, &boolean, arena, filter, &why) : status;
    if (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        status = rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "the end of the filter", &why);
    }
    if (status == RV_OK && filter->uses_now) {
        status = rv_error_set(&why, RV_EXPRESSION_TYPE, "a filter cannot ask for the time");
    }
    rv_arena_reset(scratch, mark);
    if (status == RV_OK) {
        return RV_OK;
    }
    const rv_bytes detail = rv_error_detail(&why);
    (void)rv_error_set(err, RV_SELECTION_INVALID, "the filter of `%b`: %b", &aggregate->name,
                       &detail);
    return RV_SELECTION_INVALID;
}

bool rv_schema_filter_passes(const rv_expr *filter, const rv_value *columns, rv_arena *scratch) {
    RV_ASSERT(filter->type.kind == RV_TYPE_BOOLEAN || filter->null_type);
    const size_t mark = rv_arena_mark(scratch);
    const rv_expr_env env = {.slots = columns, .scratch = scratch};
    rv_value value = rv_value_null();
    const rv_status status = rv_expr_eval(filter, &env, &value, NULL);
    rv_arena_reset(scratch, mark);
    return status == RV_OK && !rv_value_is_null(&value) && value.as.integer != 0;
}
