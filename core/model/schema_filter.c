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

/* --- equality --- */

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

/* Where the right side of the AND begins that the first `end` steps end with; 0: they end with no
 * AND, or (a CASE) with one that is not all of them: then something else jumps behind it. */
static uint32_t right_of_and(const rv_expr_step *steps, uint32_t end) {
    uint32_t begin = 0;
    if (end == 0 || steps[end - 1].op != RV_EXPR_AND) {
        return 0;
    }
    for (uint32_t i = 0; i < end; i += 1) {
        if (is_jump(&steps[i]) && steps[i].target == end) {
            if (begin > 0 || steps[i].op != RV_EXPR_SKIP_IF_FALSE) {
                return 0;
            }
            begin = i + 1;
        }
    }
    return begin;
}

/* `a and b and c` is (a and b) and c: the sides are looked at from the right. */
bool rv_schema_filter_equality(const rv_expr *filter, uint16_t *column, rv_value *value) {
    uint32_t end = filter->step_count;
    RV_ASSERT(end > 0);
    for (uint32_t begin = right_of_and(filter->steps, end); begin > 0;
         begin = right_of_and(filter->steps, end)) { /* fewer each time */
        if (is_equality(filter->steps + begin, end - 1 - begin, column, value)) {
            return true;
        }
        end = begin - 1;
    }
    return is_equality(filter->steps, end, column, value);
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
