/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls while an expression is compiled: which one an operator is for the types of its operands,
 * the functions with the types of their parameters, and the syntax that only they have.
 *
 *     date + interval     MOMENT_ADD, a timestamp       real * integer      FLOAT_MULTIPLY, double
 *     timestamp - date    MOMENT_DIFFERENCE, interval   interval / 2        INTERVAL_DIVIDE
 */
#include "core/model/expr_measure.h"

#include "core/base/assert.h"
#include "core/model/expr_numeric.h"
#include "core/model/expr_parse.h"
#include "core/model/interval_sums.h"
#include "core/model/type.h"

/* Parameters of functions, a letter each. */
#define PARAMETERS_MAX 7u

/* Groups of types; more than one kind may stand for an operand. */
typedef enum operand_group {
    OPERAND_DATE,
    OPERAND_TIME,
    OPERAND_STAMP,  /* timestamp, timestamptz */
    OPERAND_MOMENT, /* a stamp, or a date: which then becomes a timestamp */
    OPERAND_INTERVAL,
    OPERAND_NUMBER
} operand_group;

static const struct {
    uint8_t op;
    uint8_t left;
    uint8_t right;
    uint8_t call;
    bool turned; /* the operands stand the other way round */
} operators[] = {
    {RV_EXPR_ADD, OPERAND_MOMENT, OPERAND_INTERVAL, RV_MEASURE_MOMENT_ADD, false},
    {RV_EXPR_ADD, OPERAND_INTERVAL, OPERAND_MOMENT, RV_MEASURE_MOMENT_ADD, true},
    {RV_EXPR_SUBTRACT, OPERAND_MOMENT, OPERAND_INTERVAL, RV_MEASURE_MOMENT_SUBTRACT, false},
    {RV_EXPR_SUBTRACT, OPERAND_STAMP, OPERAND_MOMENT, RV_MEASURE_MOMENT_DIFFERENCE, false},
    {RV_EXPR_SUBTRACT, OPERAND_DATE, OPERAND_STAMP, RV_MEASURE_MOMENT_DIFFERENCE, false},
    {RV_EXPR_ADD, OPERAND_DATE, OPERAND_TIME, RV_MEASURE_DATE_AND_TIME, false},
    {RV_EXPR_ADD, OPERAND_TIME, OPERAND_DATE, RV_MEASURE_DATE_AND_TIME, true},
    {RV_EXPR_ADD, OPERAND_STAMP, OPERAND_TIME, RV_MEASURE_MOMENT_ADD, false},
    {RV_EXPR_ADD, OPERAND_TIME, OPERAND_STAMP, RV_MEASURE_MOMENT_ADD, true},
    {RV_EXPR_SUBTRACT, OPERAND_MOMENT, OPERAND_TIME, RV_MEASURE_MOMENT_SUBTRACT, false},
    {RV_EXPR_ADD, OPERAND_TIME, OPERAND_INTERVAL, RV_MEASURE_TIME_ADD, false},
    {RV_EXPR_ADD, OPERAND_INTERVAL, OPERAND_TIME, RV_MEASURE_TIME_ADD, true},
    {RV_EXPR_SUBTRACT, OPERAND_TIME, OPERAND_INTERVAL, RV_MEASURE_TIME_SUBTRACT, false},
    {RV_EXPR_SUBTRACT, OPERAND_TIME, OPERAND_TIME, RV_MEASURE_TIME_DIFFERENCE, false},
    {RV_EXPR_ADD, OPERAND_INTERVAL, OPERAND_INTERVAL, RV_MEASURE_INTERVAL_ADD, false},
    {RV_EXPR_SUBTRACT, OPERAND_INTERVAL, OPERAND_INTERVAL, RV_MEASURE_INTERVAL_SUBTRACT, false},
    {RV_EXPR_SUBTRACT, OPERAND_INTERVAL, OPERAND_TIME, RV_MEASURE_INTERVAL_SUBTRACT, false},
    {RV_EXPR_MULTIPLY, OPERAND_INTERVAL, OPERAND_NUMBER, RV_MEASURE_INTERVAL_MULTIPLY, false},
    {RV_EXPR_MULTIPLY, OPERAND_NUMBER, OPERAND_INTERVAL, RV_MEASURE_INTERVAL_MULTIPLY, true},
    {RV_EXPR_DIVIDE, OPERAND_INTERVAL, OPERAND_NUMBER, RV_MEASURE_INTERVAL_DIVIDE, false},
    {RV_EXPR_MULTIPLY, OPERAND_TIME, OPERAND_NUMBER, RV_MEASURE_INTERVAL_MULTIPLY, false},
    {RV_EXPR_MULTIPLY, OPERAND_NUMBER, OPERAND_TIME, RV_MEASURE_INTERVAL_MULTIPLY, true},
    {RV_EXPR_DIVIDE, OPERAND_TIME, OPERAND_NUMBER, RV_MEASURE_INTERVAL_DIVIDE, false},
};

/* What a function's name stands for. Parameters: i integer, d double precision, t text, z timestamp
 * or timestamptz (a date becomes the latter), v interval, x any of dates, times and intervals,
 * f any number, of which a numeric stays one. */
static const struct call {
    rv_expr_function function;
    uint8_t call;
    uint8_t result; /* rv_type_kind; RV_TYPE_KIND_COUNT: the last argument's type */
    char parameters[PARAMETERS_MAX + 1];
} calls[] = {
    {{"extract", RV_FUNCTION_MEASURE, 2, 2}, RV_MEASURE_EXTRACT, RV_TYPE_NUMERIC, "tx"},
    {{"date_part", RV_FUNCTION_MEASURE, 2, 2}, RV_MEASURE_DATE_PART, RV_TYPE_DOUBLE, "tx"},
    {{"date_trunc", RV_FUNCTION_MEASURE, 2, 2}, RV_MEASURE_DATE_TRUNC, RV_TYPE_KIND_COUNT, "tx"},
    {{"age", RV_FUNCTION_MEASURE, 2, 2}, RV_MEASURE_AGE, RV_TYPE_INTERVAL, "zz"},
    {{"justify_hours", RV_FUNCTION_MEASURE, 1, 1}, RV_MEASURE_JUSTIFY_HOURS, RV_TYPE_INTERVAL, "v"},
    {{"justify_days", RV_FUNCTION_MEASURE, 1, 1}, RV_MEASURE_JUSTIFY_DAYS, RV_TYPE_INTERVAL, "v"},
    {{"justify_interval", RV_FUNCTION_MEASURE, 1, 1},
     RV_MEASURE_JUSTIFY_INTERVAL,
     RV_TYPE_INTERVAL,
     "v"},
    {{"isfinite", RV_FUNCTION_MEASURE, 1, 1}, RV_MEASURE_IS_FINITE, RV_TYPE_BOOLEAN, "x"},
    {{"to_timestamp", RV_FUNCTION_MEASURE, 1, 1},
     RV_MEASURE_TO_TIMESTAMP,
     RV_TYPE_TIMESTAMPTZ,
     "d"},
    {{"make_date", RV_FUNCTION_MEASURE, 3, 3}, RV_MEASURE_MAKE_DATE, RV_TYPE_DATE, "iii"},
    {{"make_time", RV_FUNCTION_MEASURE, 3, 3}, RV_MEASURE_MAKE_TIME, RV_TYPE_TIME, "iid"},
    {{"make_timestamp", RV_FUNCTION_MEASURE, 6, 6},
     RV_MEASURE_MAKE_TIMESTAMP,
     RV_TYPE_TIMESTAMP,
     "iiiiid"},
    {{"make_timestamptz", RV_FUNCTION_MEASURE, 6, 6},
     RV_MEASURE_MAKE_TIMESTAMP,
     RV_TYPE_TIMESTAMPTZ,
     "iiiiid"},
    {{"make_interval", RV_FUNCTION_MEASURE, 1, 7},
     RV_MEASURE_MAKE_INTERVAL,
     RV_TYPE_INTERVAL,
     "iiiiiid"},
    {{"sqrt", RV_FUNCTION_MEASURE, 1, 1}, RV_MEASURE_FLOAT_SQRT, RV_TYPE_DOUBLE, "f"},
};

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

static bool is_float(rv_type_kind kind) {
    return kind == RV_TYPE_REAL || kind == RV_TYPE_DOUBLE;
}

static bool is_number(rv_type_kind kind) {
    return is_integer(kind) || is_float(kind) || kind == RV_TYPE_NUMERIC;
}

static bool is_stamp(rv_type_kind kind) {
    return kind == RV_TYPE_TIMESTAMP || kind == RV_TYPE_TIMESTAMPTZ;
}

static bool stands_for(operand_group group, rv_type_kind kind) {
    switch (group) {
    case OPERAND_DATE:
        return kind == RV_TYPE_DATE;
    case OPERAND_TIME:
        return kind == RV_TYPE_TIME;
    case OPERAND_STAMP:
        return is_stamp(kind);
    case OPERAND_MOMENT:
        return is_stamp(kind) || kind == RV_TYPE_DATE;
    case OPERAND_INTERVAL:
        return kind == RV_TYPE_INTERVAL;
    default:
        RV_ASSERT(group == OPERAND_NUMBER);
        return is_number(kind);
    }
}

/* Emits a call over `count` items, which its result replaces. */
static rv_status emit_call(rv_expr_parser *p, rv_measure call, uint32_t count, bool flag,
                           rv_type_kind result) {
    rv_expr_item *first = rv_expr_top(p, count - 1);
    const rv_expr_item *second = count > 1 ? rv_expr_top(p, count - 2) : first;
    RV_ASSERT(count > 0 && count <= PARAMETERS_MAX);
    const rv_expr_step step = {.op = RV_EXPR_MEASURE,
                               .kind = (uint8_t)count,
                               .flag = flag,
                               .target = call,
                               .left = first->type,
                               .right = second->type};
    first->type = (rv_type){.kind = result};
    p->item_count -= count - 1;
    return rv_expr_emit(p, step);
}

/* --- operators --- */

rv_status rv_measure_adopt(rv_expr_parser *p, const rv_expr_frame *frame, rv_expr_item *a,
                           rv_expr_item *b) {
    static const rv_type interval = {.kind = RV_TYPE_INTERVAL};
    static const rv_type wide = {.kind = RV_TYPE_DOUBLE};
    rv_expr_item *literal = a->untyped ? a : b;
    const rv_expr_item *typed = a->untyped ? b : a;
    RV_ASSERT(a != b);
    if (!literal->untyped || typed->untyped) {
        return RV_OK;
    }
    if (frame->op == RV_EXPR_ADD &&
        (is_stamp(typed->type.kind) || typed->type.kind == RV_TYPE_TIME)) {
        return rv_expr_adopt(p, literal, &interval);
    }
    if (frame->op == RV_EXPR_POWER &&
        (is_integer(typed->type.kind) || is_float(typed->type.kind))) {
        return rv_expr_adopt(p, literal, &wide);
    }
    const bool scales =
        frame->op == RV_EXPR_MULTIPLY || (frame->op == RV_EXPR_DIVIDE && literal == b);
    return scales && typed->type.kind == RV_TYPE_INTERVAL ? rv_expr_adopt(p, literal, &wide)
                                                          : RV_OK;
}

/* The type of an operator that is a call. */
static rv_type_kind result_of(rv_measure call, rv_type_kind left, rv_type_kind right) {
    switch (call) {
    case RV_MEASURE_MOMENT_ADD:
    case RV_MEASURE_MOMENT_SUBTRACT:
        RV_ASSERT(left != right);
        return left == RV_TYPE_TIMESTAMPTZ || right == RV_TYPE_TIMESTAMPTZ ? RV_TYPE_TIMESTAMPTZ
                                                                           : RV_TYPE_TIMESTAMP;
    case RV_MEASURE_DATE_AND_TIME:
        return RV_TYPE_TIMESTAMP;
    case RV_MEASURE_TIME_ADD:
    case RV_MEASURE_TIME_SUBTRACT:
        return RV_TYPE_TIME;
    default:
        return RV_TYPE_INTERVAL;
    }
}

rv_status rv_measure_binary(rv_expr_parser *p, const rv_expr_frame *frame, bool *found) {
    const rv_type_kind a = rv_expr_top(p, 1)->type.kind;
    const rv_type_kind b = rv_expr_top(p, 0)->type.kind;
    const bool floats = is_number(a) && is_number(b) && (is_float(a) || is_float(b));
    RV_ASSERT(found != NULL);
    if (floats && frame->op >= RV_EXPR_ADD && frame->op <= RV_EXPR_DIVIDE) {
        const bool single = a == RV_TYPE_REAL && b == RV_TYPE_REAL;
        *found = true;
        return emit_call(p, (rv_measure)(RV_MEASURE_FLOAT_ADD + (frame->op - RV_EXPR_ADD)), 2,
                         single, single ? RV_TYPE_REAL : RV_TYPE_DOUBLE);
    }
    if (frame->op == RV_EXPR_POWER && (floats || (is_integer(a) && is_integer(b)))) {
        *found = true;
        return emit_call(p, RV_MEASURE_FLOAT_POWER, 2, false, RV_TYPE_DOUBLE);
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (operators[i].op == frame->op && stands_for((operand_group)operators[i].left, a) &&
            stands_for((operand_group)operators[i].right, b)) {
            const rv_measure call = (rv_measure)operators[i].call;
            *found = true;
            return emit_call(p, call, 2, operators[i].turned, result_of(call, a, b));
        }
    }
    *found = false;
    return RV_OK;
}

rv_status rv_measure_unary(rv_expr_parser *p, rv_expr_op op, bool *found) {
    const rv_expr_item *item = rv_expr_top(p, 0);
    const rv_type_kind kind = item->type.kind;
    const bool negate = op == RV_EXPR_NEGATE;
    const bool interval = negate && kind == RV_TYPE_INTERVAL;
    RV_ASSERT(found != NULL);
    if (negate && kind == RV_TYPE_TIME) {
        *found = true;
        return emit_call(p, RV_MEASURE_INTERVAL_NEGATE, 1, false, RV_TYPE_INTERVAL);
    }
    *found = !item->untyped && (interval || ((negate || op == RV_EXPR_ABSOLUTE) && is_float(kind)));
    if (op == RV_EXPR_NOTHING && is_float(kind) && !item->untyped) { /* unary plus */
        *found = true;
        return RV_OK;
    }
    if (!*found) {
        return RV_OK;
    }
    const rv_measure call = interval ? RV_MEASURE_INTERVAL_NEGATE
                            : negate ? RV_MEASURE_FLOAT_NEGATE
                                     : RV_MEASURE_FLOAT_ABSOLUTE;
    return emit_call(p, call, 1, kind == RV_TYPE_REAL, kind);
}

/* --- functions --- */

static const struct call *call_of(const rv_expr_function *function) {
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (function == &calls[i].function) {
            return &calls[i];
        }
    }
    RV_ASSERT(false);
    return &calls[0];
}

const rv_expr_function *rv_measure_function(rv_bytes name) {
    RV_ASSERT(name.len > 0);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (rv_bytes_are(name, calls[i].function.name)) {
            return &calls[i].function;
        }
    }
    return NULL;
}

/* The type of a parameter that has one. */
static rv_type type_of(char parameter) {
    switch (parameter) {
    case 'i':
        return (rv_type){.kind = RV_TYPE_INTEGER};
    case 't':
        return (rv_type){.kind = RV_TYPE_TEXT};
    case 'z':
        return (rv_type){.kind = RV_TYPE_TIMESTAMPTZ};
    case 'v':
        return (rv_type){.kind = RV_TYPE_INTERVAL};
    default:
        RV_ASSERT(parameter == 'd' || parameter == 'f');
        return (rv_type){.kind = RV_TYPE_DOUBLE};
    }
}

/* True when an argument is taken as it is. */
static bool takes(char parameter, rv_type_kind kind) {
    switch (parameter) {
    case 'i':
        return kind == RV_TYPE_INTEGER || kind == RV_TYPE_SMALLINT;
    case 't':
        return kind == RV_TYPE_TEXT || kind == RV_TYPE_VARCHAR;
    case 'z':
        return is_stamp(kind);
    case 'v':
        return kind == RV_TYPE_INTERVAL;
    case 'x':
        return is_stamp(kind) || kind == RV_TYPE_DATE || kind == RV_TYPE_TIME ||
               kind == RV_TYPE_INTERVAL;
    default:
        RV_ASSERT(parameter == 'd' || parameter == 'f');
        return kind == RV_TYPE_DOUBLE || (parameter == 'f' && kind == RV_TYPE_NUMERIC);
    }
}

/* True when an argument is cast to the parameter's type. */
static bool is_cast(char parameter, rv_type_kind kind) {
    return (parameter == 'd' && is_number(kind)) || (parameter == 'z' && kind == RV_TYPE_DATE) ||
           (parameter == 'v' && kind == RV_TYPE_TIME) ||
           (parameter == 't' && kind == RV_TYPE_CHAR) || /* without the spaces at its end */
           (parameter == 'f' && is_number(kind) && kind != RV_TYPE_NUMERIC);
}

rv_status rv_measure_argument(rv_expr_parser *p, const rv_expr_frame *frame, uint32_t nth) {
    const struct call *call = call_of(frame->function);
    const char parameter = call->parameters[nth];
    rv_expr_item *item = rv_expr_top(p, 0);
    RV_ASSERT(nth < PARAMETERS_MAX && parameter != 0);
    if (parameter != 'x') {
        const rv_type type = type_of(parameter);
        const rv_status status = rv_expr_adopt(p, item, &type);
        if (status != RV_OK) {
            return status;
        }
        if (is_cast(parameter, item->type.kind)) {
            return rv_expr_cast(p, &type, true);
        }
    }
    /* The part of a date, other than by extract, is that of its midnight. */
    const bool midnight =
        parameter == 'x' && item->type.kind == RV_TYPE_DATE && call->call == RV_MEASURE_DATE_TRUNC;
    if (midnight && !item->untyped) {
        const rv_type zoned = {.kind = RV_TYPE_TIMESTAMPTZ};
        return rv_expr_cast(p, &zoned, true);
    }
    if (item->untyped || !takes(parameter, item->type.kind)) {
        return rv_expr_fail_types(p, frame, "the function cannot take", &item->type, NULL);
    }
    return RV_OK;
}

rv_status rv_measure_end(rv_expr_parser *p, const rv_expr_frame *frame) {
    const struct call *call = call_of(frame->function);
    rv_type_kind result = (rv_type_kind)call->result;
    RV_ASSERT(frame->arguments <= PARAMETERS_MAX);
    if (call->call == RV_MEASURE_FLOAT_SQRT && rv_expr_top(p, 0)->type.kind == RV_TYPE_NUMERIC) {
        return rv_numeric_unary(p, frame, RV_EXPR_ROOT);
    }
    if (result == RV_TYPE_KIND_COUNT) {
        const rv_type_kind last = rv_expr_top(p, 0)->type.kind;
        result = last == RV_TYPE_TIME ? RV_TYPE_INTERVAL : last;
    }
    return emit_call(p, (rv_measure)call->call, frame->arguments, false, result);
}

rv_status rv_measure_rounding(rv_expr_parser *p, const rv_expr_frame *frame, bool *found) {
    static const struct {
        const char *name;
        uint8_t call;
    } roundings[] = {{"round", RV_MEASURE_FLOAT_ROUND},    {"floor", RV_MEASURE_FLOAT_FLOOR},
                     {"ceil", RV_MEASURE_FLOAT_CEILING},   {"ceiling", RV_MEASURE_FLOAT_CEILING},
                     {"trunc", RV_MEASURE_FLOAT_TRUNCATE}, {"sign", RV_MEASURE_FLOAT_SIGN}};
    const rv_expr_item *item = p->item_count > 0 ? rv_expr_top(p, 0) : NULL;
    *found = false;
    RV_ASSERT(frame->function != NULL);
    if (frame->arguments != 1 || item == NULL || item->untyped) {
        return RV_OK;
    }
    const rv_type_kind kind = item->type.kind;
    for (size_t i = 0; i < sizeof roundings / sizeof roundings[0]; i++) {
        if (strcmp(frame->function->name, roundings[i].name) == 0 &&
            (is_float(kind) || is_integer(kind))) {
            *found = true;
            return emit_call(p, (rv_measure)roundings[i].call, 1, false, RV_TYPE_DOUBLE);
        }
    }
    return RV_OK;
}

/* --- syntax --- */

/* Moves the parser to where `ahead` stands, `tokens` further. */
static void move_to(rv_expr_parser *p, const rv_lexer *ahead, uint32_t tokens) {
    RV_ASSERT(tokens > 0);
    *p->lexer = *ahead;
    p->token_count += tokens;
}

/* `current_date` and its like; a name that is one of a column otherwise is none of them. */
static rv_status parse_current(rv_expr_parser *p, const rv_lexer *after, bool *found) {
    static const struct {
        const char *name;
        rv_type_kind kind;
    } words[] = {{"current_date", RV_TYPE_DATE},
                 {"current_timestamp", RV_TYPE_TIMESTAMPTZ},
                 {"localtimestamp", RV_TYPE_TIMESTAMP},
                 {"localtime", RV_TYPE_TIME}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!rv_lexer_is(p->lexer, words[i].name)) {
            continue;
        }
        const rv_type zoned = {.kind = RV_TYPE_TIMESTAMPTZ};
        const rv_type type = {.kind = words[i].kind};
        const rv_expr_item item = {
            .type = zoned, .line = p->lexer->token.line, .column = p->lexer->token.column};
        *found = true;
        p->uses_now = true;
        rv_status status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_NOW});
        status = status == RV_OK ? rv_expr_push(p, item) : status;
        if (status == RV_OK && type.kind != RV_TYPE_TIMESTAMPTZ) {
            status = rv_expr_cast(p, &type, true);
        }
        move_to(p, after, 1);
        return status;
    }
    RV_ASSERT(!*found);
    return RV_OK;
}

/* A type and a string: `date '2020-01-01'`, `timestamp with time zone '…'`. */
static rv_status parse_typed(rv_expr_parser *p, bool *found) {
    rv_lexer ahead = *p->lexer;
    const size_t mark = rv_arena_mark(p->lexer->arena);
    const rv_enum_list enums = {p->scope->enums, p->scope->enum_count};
    rv_type type = {.kind = RV_TYPE_TEXT};
    RV_ASSERT(!*found);
    const bool typed = rv_type_parse(&ahead, enums, &type, NULL) == RV_OK &&
                       ahead.token.kind == RV_TOKEN_STRING && !type.serial;
    if (!typed) {
        rv_arena_reset(p->lexer->arena, mark);
        return RV_OK;
    }
    *found = true;
    const uint32_t before = p->token_count;
    const rv_bytes copy = rv_arena_copy(p->arena, ahead.token.text);
    if (copy.ptr == NULL) {
        return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE, "a larger memory budget", p->err);
    }
    rv_status status = rv_expr_untyped(p, rv_value_bytes(copy));
    if (status == RV_OK) {
        status = rv_expr_cast(p, &type, true);
    }
    if (status == RV_OK) {
        status = rv_lexer_next(&ahead, p->err);
    }
    if (status == RV_OK) {
        move_to(p, &ahead, 2);
    }
    RV_ASSERT(p->token_count >= before);
    return status;
}

/* `extract (field from`, whose field becomes the first argument. */
static rv_status parse_extract(rv_expr_parser *p, rv_lexer ahead, bool *found) {
    static const rv_type text = {.kind = RV_TYPE_TEXT};
    const rv_lexer start = *p->lexer;
    rv_status status = rv_lexer_next(&ahead, p->err);
    const rv_token field = ahead.token;
    *found = true;
    RV_ASSERT(rv_lexer_is(&start, "extract"));
    if (status == RV_OK && field.kind != RV_TOKEN_NAME && field.kind != RV_TOKEN_QUOTED_NAME &&
        field.kind != RV_TOKEN_STRING) {
        status = rv_lexer_error(&ahead, RV_SCHEMA_SYNTAX, "a field, as in `extract (year from …)`",
                                p->err);
    }
    if (status == RV_OK && rv_unit_find(field.text, true) == RV_UNIT_NONE) {
        status =
            rv_lexer_error(&ahead, RV_EXPRESSION_TYPE, "a field, as year, month, epoch", p->err);
    }
    if (status == RV_OK) {
        status = rv_lexer_next(&ahead, p->err);
    }
    if (status == RV_OK && !rv_lexer_is(&ahead, "from")) {
        status = rv_lexer_error(&ahead, RV_SCHEMA_SYNTAX, "`from`", p->err);
    }
    if (status == RV_OK) {
        status = rv_lexer_next(&ahead, p->err);
    }
    const rv_bytes copy = rv_arena_copy(p->arena, field.text);
    if (status == RV_OK && copy.ptr == NULL) {
        status = rv_lexer_error(&ahead, RV_SCHEMA_TOO_LARGE, "a larger memory budget", p->err);
    }
    if (status == RV_OK) {
        status = rv_expr_constant(p, &text, rv_value_bytes(copy));
    }
    if (status == RV_OK) {
        status = rv_expr_open_frame(
            p, (rv_expr_frame){.kind = RV_FRAME_CALL,
                               .name = RV_LITERAL("extract"),
                               .function = rv_measure_function(RV_LITERAL("extract")),
                               .arguments = 1});
    }
    if (status == RV_OK) {
        move_to(p, &ahead, 4);
    }
    return status;
}

rv_status rv_measure_parse(rv_expr_parser *p, bool *found, bool *operand) {
    rv_lexer ahead = *p->lexer;
    const size_t mark = rv_arena_mark(p->lexer->arena);
    *found = false;
    if (p->lexer->token.kind != RV_TOKEN_NAME || rv_lexer_next(&ahead, NULL) != RV_OK) {
        rv_arena_reset(p->lexer->arena, mark);
        return RV_OK; /* what follows is wrong, and will be told */
    }
    RV_ASSERT(!*operand);
    if (rv_lexer_is(&ahead, "(")) {
        if (!rv_lexer_is(p->lexer, "extract")) {
            return RV_OK;
        }
        *operand = true;
        return parse_extract(p, ahead, found);
    }
    if (rv_lexer_is(&ahead, ".")) {
        return RV_OK;
    }
    const rv_status status = parse_current(p, &ahead, found);
    if (*found || (ahead.token.kind != RV_TOKEN_STRING && ahead.token.kind != RV_TOKEN_NAME)) {
        return status;
    }
    return parse_typed(p, found);
}
