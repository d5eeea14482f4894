/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/schema_filter.h"

#include "core/model/expr_step.h"
#include "core/model/schema_parts.h"

/* What a filter is over: an aggregate's columns or an event type's fields. */
typedef struct filter_scope {
    const rv_schema *schema;
    rv_bytes name;
    rv_expr_name *names;
    uint16_t count;
} filter_scope;

static rv_status compile(const filter_scope *over, rv_bytes text, rv_arena *arena,
                         rv_arena *scratch, rv_expr *filter, rv_error *err) {
    const rv_type boolean = {.kind = RV_TYPE_BOOLEAN};
    const rv_expr_scope scope = {over->names, over->count, over->schema->enums,
                                 over->schema->enum_names.count};
    rv_lexer lexer;
    rv_error why = {.status = RV_OK};
    RV_ASSERT(text.len > 0);
    rv_status status = rv_lexer_start(&lexer, text, scratch, &why);
    status =
        status == RV_OK ? rv_expr_compile(&lexer, &scope, &boolean, arena, filter, &why) : status;
    if (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        status = rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "the end of the filter", &why);
    }
    if (status == RV_OK && filter->uses_now) {
        status = rv_error_set(&why, RV_EXPRESSION_TYPE, "a filter cannot ask for the time");
    }
    if (status == RV_OK) {
        return RV_OK;
    }
    const rv_bytes detail = rv_error_detail(&why);
    return rv_error_set(err, RV_SELECTION_INVALID, "the filter of `%b`: %b", &over->name, &detail);
}

/* Room for the names of a scope, which the caller gives back. */
static rv_status names_take(filter_scope *over, rv_arena *scratch, rv_error *err) {
    over->names = rv_arena_take(scratch, over->count * sizeof *over->names);
    return over->names == NULL && over->count > 0
               ? rv_error_set(err, RV_MEMORY_EXHAUSTED,
                              "the filter of `%b` does not fit its memory", &over->name)
               : RV_OK;
}

rv_status rv_schema_filter(const rv_schema *schema, const rv_aggregate *aggregate, rv_bytes text,
                           rv_arena *arena, rv_arena *scratch, rv_expr *filter, rv_error *err) {
    RV_ASSERT(aggregate->column_count <= RV_COLUMNS_MAX);
    const size_t mark = rv_arena_mark(scratch);
    filter_scope over = {schema, aggregate->name, NULL, aggregate->column_count};
    rv_status status = names_take(&over, scratch, err);
    for (uint16_t i = 0; i < over.count && status == RV_OK; i += 1) {
        over.names[i] = (rv_expr_name){.qualifier = aggregate->name,
                                       .name = aggregate->columns[i].name,
                                       .type = aggregate->columns[i].type,
                                       .slot = i};
    }
    status = status == RV_OK ? compile(&over, text, arena, scratch, filter, err) : status;
    rv_arena_reset(scratch, mark);
    return status;
}

rv_status rv_schema_filter_events(const rv_schema *schema, const rv_event_type *type, rv_bytes text,
                                  rv_arena *arena, rv_arena *scratch, rv_expr *filter,
                                  rv_error *err) {
    RV_ASSERT(type->field_count <= RV_FIELDS_MAX);
    const size_t mark = rv_arena_mark(scratch);
    filter_scope over = {schema, type->name, NULL, type->field_count};
    rv_status status = names_take(&over, scratch, err);
    for (uint16_t i = 0; i < over.count && status == RV_OK; i += 1) {
        over.names[i] = (rv_expr_name){.qualifier = type->name,
                                       .name = type->fields[i].name,
                                       .type = type->fields[i].type,
                                       .slot = i};
    }
    status = status == RV_OK ? compile(&over, text, arena, scratch, filter, err) : status;
    rv_arena_reset(scratch, mark);
    return status;
}

/* Moves behind what the text goes on with, if it does. */
static bool goes_on(rv_bytes *text, rv_bytes with) {
    const bool begins = text->len >= with.len && memcmp(text->ptr, with.ptr, with.len) == 0;
    *text = begins ? rv_bytes_from(*text, with.len) : *text;
    return begins;
}

/* `a and b` is one condition, then another, if AND is what is done last: `a and b or c` is not. A
 * condition that can be read by itself ends at none of the other ANDs: BETWEEN has one. */
bool rv_schema_filter_within(const rv_expr *inner, const rv_expr *outer) {
    rv_bytes plain = inner->source;
    rv_bytes enclosed = inner->source;
    RV_ASSERT(inner->step_count > 0 && outer->source.len > 0);
    if (rv_bytes_equal(inner->source, outer->source)) {
        return true;
    }
    const bool begins =
        (goes_on(&plain, outer->source) && goes_on(&plain, RV_LITERAL(" and "))) ||
        (goes_on(&enclosed, RV_LITERAL("( ")) && goes_on(&enclosed, outer->source) &&
         goes_on(&enclosed, RV_LITERAL(" ) and ")));
    return begins && inner->steps[inner->step_count - 1].op == RV_EXPR_AND;
}

bool rv_schema_filter_passes(const rv_expr *filter, const rv_value *values, rv_arena *scratch) {
    RV_ASSERT(filter->type.kind == RV_TYPE_BOOLEAN || filter->null_type);
    const size_t mark = rv_arena_mark(scratch);
    const rv_expr_env env = {.slots = values, .scratch = scratch};
    rv_value value = rv_value_null();
    const rv_status status = rv_expr_eval(filter, &env, &value, NULL);
    rv_arena_reset(scratch, mark);
    return status == RV_OK && !rv_value_is_null(&value) && value.as.integer != 0;
}
