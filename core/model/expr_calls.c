/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which calls there are, and for which types. A shape has a letter for each argument:
 *
 *     t text   i integer, smallint   y bytea   x text or bytea   j json, jsonb   J jsonb
 *     a an array   e an element of the array that comes first   E of the one that comes second
 *     A an array of the same   C another array   p text[]
 *     o anything, as its text form (the last letter is for all that follow)   * anything
 *
 * and one for the result: t, i, y, j, J as above, b boolean, s the type of the first argument, S of
 * the second. Text arguments of char(n) lose the spaces at their end, as PostgreSQL's cast has it.
 */
#include "core/model/expr_calls.h"

#include "core/base/assert.h"
#include "core/model/expr_call.h"

struct rv_call_shape {
    const char *name;
    uint8_t call;
    uint8_t arguments_min;
    uint8_t arguments_max;
    const char *arguments;
    char result;
};

static const rv_call_shape shapes[] = {
    {"octet_length", RV_CALL_OCTET_LENGTH, 1, 1, "x", 'i'},
    {"bit_length", RV_CALL_BIT_LENGTH, 1, 1, "x", 'i'},
    {"left", RV_CALL_LEFT, 2, 2, "ti", 't'},
    {"right", RV_CALL_RIGHT, 2, 2, "ti", 't'},
    {"lpad", RV_CALL_LPAD, 2, 3, "tit", 't'},
    {"rpad", RV_CALL_RPAD, 2, 3, "tit", 't'},
    {"trim", RV_CALL_BTRIM, 1, 2, "tt", 't'},
    {"btrim", RV_CALL_BTRIM, 1, 2, "tt", 't'},
    {"ltrim", RV_CALL_LTRIM, 1, 2, "tt", 't'},
    {"rtrim", RV_CALL_RTRIM, 1, 2, "tt", 't'},
    {"replace", RV_CALL_REPLACE, 3, 3, "ttt", 't'},
    {"strpos", RV_CALL_STRPOS, 2, 2, "tt", 'i'},
    {"position", RV_CALL_POSITION, 2, 2, "tt", 'i'},
    {"repeat", RV_CALL_REPEAT, 2, 2, "ti", 't'},
    {"reverse", RV_CALL_REVERSE, 1, 1, "t", 't'},
    {"split_part", RV_CALL_SPLIT_PART, 3, 3, "tti", 't'},
    {"concat", RV_CALL_CONCAT, 1, RV_EXPR_DEPTH_MAX, "o", 't'},
    {"concat_ws", RV_CALL_CONCAT_WS, 2, RV_EXPR_DEPTH_MAX, "to", 't'},
    {"initcap", RV_CALL_INITCAP, 1, 1, "t", 't'},
    {"ascii", RV_CALL_ASCII, 1, 1, "t", 'i'},
    {"chr", RV_CALL_CHR, 1, 1, "i", 't'},
    {"starts_with", RV_CALL_STARTS_WITH, 2, 2, "tt", 'b'},
    {"translate", RV_CALL_TRANSLATE, 3, 3, "ttt", 't'},
    {"overlay", RV_CALL_OVERLAY, 3, 4, "ttii", 't'},
    {"encode", RV_CALL_ENCODE, 2, 2, "yt", 't'},
    {"decode", RV_CALL_DECODE, 2, 2, "tt", 'y'},
    {"array_length", RV_CALL_ARRAY_LENGTH, 2, 2, "ai", 'i'},
    {"cardinality", RV_CALL_CARDINALITY, 1, 1, "a", 'i'},
    {"array_position", RV_CALL_ARRAY_POSITION, 2, 2, "ae", 'i'},
    {"array_append", RV_CALL_ARRAY_APPEND, 2, 2, "ae", 's'},
    {"array_prepend", RV_CALL_ARRAY_PREPEND, 2, 2, "Ea", 'S'},
    {"array_to_string", RV_CALL_ARRAY_TO_STRING, 2, 3, "att", 't'},
    {"json_typeof", RV_CALL_JSON_TYPEOF, 1, 1, "j", 't'},
    {"jsonb_typeof", RV_CALL_JSON_TYPEOF, 1, 1, "J", 't'},
    {"json_array_length", RV_CALL_JSON_ARRAY_LENGTH, 1, 1, "j", 'i'},
    {"jsonb_array_length", RV_CALL_JSON_ARRAY_LENGTH, 1, 1, "J", 'i'},
    {"to_json", RV_CALL_TO_JSON, 1, 1, "*", 'j'},
    {"to_jsonb", RV_CALL_TO_JSONB, 1, 1, "*", 'J'},
};

/* Operators: PostgreSQL's types of both sides. */
static const rv_call_shape operators[] = {
    {"->", RV_CALL_JSON_KEY, 2, 2, "jt", 's'},
    {"->", RV_CALL_JSON_INDEX, 2, 2, "ji", 's'},
    {"->>", RV_CALL_JSON_KEY_TEXT, 2, 2, "jt", 't'},
    {"->>", RV_CALL_JSON_INDEX_TEXT, 2, 2, "ji", 't'},
    {"#>", RV_CALL_JSON_PATH, 2, 2, "jp", 's'},
    {"#>>", RV_CALL_JSON_PATH_TEXT, 2, 2, "jp", 't'},
    {"@>", RV_CALL_JSON_CONTAINS, 2, 2, "JJ", 'b'},
    {"@>", RV_CALL_ARRAY_CONTAINS, 2, 2, "aA", 'b'},
    {"<@", RV_CALL_JSON_CONTAINED, 2, 2, "JJ", 'b'},
    {"<@", RV_CALL_ARRAY_CONTAINED, 2, 2, "aA", 'b'},
    {"&&", RV_CALL_ARRAY_OVERLAPS, 2, 2, "aA", 'b'},
    {"?", RV_CALL_JSON_EXISTS, 2, 2, "Jt", 'b'},
    {"?|", RV_CALL_JSON_EXISTS_ANY, 2, 2, "Jp", 'b'},
    {"?&", RV_CALL_JSON_EXISTS_ALL, 2, 2, "Jp", 'b'},
    {"||", RV_CALL_JSON_CONCATENATE, 2, 2, "JJ", 'J'},
    {"||", RV_CALL_ARRAY_CAT, 2, 2, "aC", 's'},
    {"||", RV_CALL_ARRAY_APPEND, 2, 2, "ae", 's'},
    {"||", RV_CALL_ARRAY_PREPEND, 2, 2, "Ea", 'S'},
    {"escape", RV_CALL_LIKE_ESCAPE, 2, 2, "tt", 't'},
};

static const rv_type text_type = {.kind = RV_TYPE_TEXT};
static const rv_type integer_type = {.kind = RV_TYPE_INTEGER};
static const rv_type boolean_type = {.kind = RV_TYPE_BOOLEAN};
static const rv_type bytea_type = {.kind = RV_TYPE_BYTEA};
static const rv_type json_type = {.kind = RV_TYPE_JSON};
static const rv_type jsonb_type = {.kind = RV_TYPE_JSONB};
static const rv_type texts_type = {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_TEXT};

static bool is_text(rv_type_kind kind) {
    return kind == RV_TYPE_CHAR || kind == RV_TYPE_VARCHAR || kind == RV_TYPE_TEXT;
}

const rv_call_shape *rv_call_find(rv_bytes name) {
    RV_ASSERT(name.len > 0);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (rv_bytes_are(name, shapes[i].name)) {
            return &shapes[i];
        }
    }
    return NULL;
}

static char letter_of(const rv_call_shape *shape, uint32_t argument) {
    const size_t letters = strlen(shape->arguments);
    RV_ASSERT(letters > 0);
    return shape->arguments[argument < letters ? argument : letters - 1];
}

/* What an argument without a type becomes; NULL: that depends on the other one. */
static const rv_type *type_of_letter(char letter) {
    switch (letter) {
    case 'i':
        return &integer_type;
    case 'y':
        return &bytea_type;
    case 'j':
        return &json_type;
    case 'J':
        return &jsonb_type;
    case 'p':
        return &texts_type;
    case 'a':
    case 'A':
    case 'C':
    case 'e':
    case 'E':
        return NULL;
    default:
        return &text_type;
    }
}

/* True when a letter takes the type; `other` is the argument that it depends on. */
static bool takes(char letter, const rv_type *type, const rv_type *other) {
    RV_ASSERT(type != NULL && other != NULL);
    switch (letter) {
    case 't':
        return is_text(type->kind);
    case 'x':
        return is_text(type->kind) || type->kind == RV_TYPE_BYTEA;
    case 'i':
        return type->kind == RV_TYPE_INTEGER || type->kind == RV_TYPE_SMALLINT;
    case 'y':
        return type->kind == RV_TYPE_BYTEA;
    case 'j':
        return type->kind == RV_TYPE_JSON || type->kind == RV_TYPE_JSONB;
    case 'J':
        return type->kind == RV_TYPE_JSONB;
    case 'p':
        return rv_type_fits(type, &texts_type);
    case 'a':
    case 'C':
        return type->kind == RV_TYPE_ARRAY;
    case 'A':
        return type->kind == RV_TYPE_ARRAY && rv_expr_comparable(type, other);
    case 'e':
    case 'E': {
        if (other->kind != RV_TYPE_ARRAY || type->kind == RV_TYPE_ARRAY) {
            return false;
        }
        const rv_type element = rv_type_element(other);
        return rv_expr_comparable(type, &element);
    }
    default:
        return true;
    }
}

static rv_status refuse_arguments(rv_expr_parser *p, const rv_expr_frame *frame) {
    const rv_bytes name = rv_bytes_of_string(frame->shape->name);
    RV_ASSERT(name.len > 0);
    (void)rv_error_set(p->err, RV_EXPRESSION_TYPE,
                       "line %u, column %u: %b() takes %u to %u arguments", (uint64_t)frame->line,
                       (uint64_t)frame->column, &name, (uint64_t)frame->shape->arguments_min,
                       (uint64_t)frame->shape->arguments_max);
    rv_error_fact_uint(p->err, "line", frame->line);
    rv_error_fact_uint(p->err, "column", frame->column);
    return RV_EXPRESSION_TYPE;
}

/* Replaces the `count` items on top by the call's result. */
static rv_status emit(rv_expr_parser *p, rv_call call, uint32_t count, bool flag,
                      const rv_type *result) {
    rv_expr_item *const first = rv_expr_top(p, count - 1);
    rv_expr_step step = {.op = RV_EXPR_CALL,
                         .kind = (uint8_t)count,
                         .flag = flag,
                         .target = (uint32_t)call,
                         .left = first->type,
                         .right = text_type};
    RV_ASSERT(count > 0 && count <= RV_EXPR_DEPTH_MAX);
    if (count > 1) {
        step.right = rv_expr_top(p, count - 2)->type;
    }
    first->type = *result;
    first->type.serial = false;
    first->untyped = false;
    first->null = false;
    p->item_count -= count - 1;
    return rv_expr_emit(p, step);
}

rv_status rv_call_argument(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(frame->kind == RV_FRAME_CALL && frame->shape != NULL);
    const char letter = letter_of(frame->shape, frame->arguments);
    rv_expr_item *const item = rv_expr_top(p, 0);
    frame->arguments += 1;
    if (frame->arguments > frame->shape->arguments_max) {
        return refuse_arguments(p, frame);
    }
    const rv_type *const type = type_of_letter(letter);
    rv_status status = type == NULL ? RV_OK : rv_expr_adopt(p, item, type);
    if (status != RV_OK || item->untyped) {
        return status;
    }
    if (letter == 't' && item->type.kind == RV_TYPE_CHAR) {
        return rv_expr_cast(p, &text_type, true);
    }
    return letter == 'o' && !is_text(item->type.kind)
               ? emit(p, RV_CALL_OUTPUT, 1, false, &text_type)
               : RV_OK;
}

/* The result of a shape whose first argument is `count` - 1 below the top. */
static rv_type result_of(rv_expr_parser *p, const rv_call_shape *shape, uint32_t count) {
    switch (shape->result) {
    case 't':
        return text_type;
    case 'i':
        return integer_type;
    case 'b':
        return boolean_type;
    case 'y':
        return bytea_type;
    case 'j':
        return json_type;
    case 'J':
        return jsonb_type;
    case 'S': {
        /* Of text types the first decides, as among choices. */
        const rv_type *const element = &rv_expr_top(p, count - 1)->type;
        rv_type array = rv_expr_top(p, count - 2)->type;
        RV_ASSERT(array.kind == RV_TYPE_ARRAY);
        if (is_text((rv_type_kind)array.element) && array.element != (uint8_t)element->kind) {
            array.element = (uint8_t)element->kind;
            array.size = 0;
        }
        return array;
    }
    default:
        RV_ASSERT(shape->result == 's');
        return rv_expr_top(p, count - 1)->type;
    }
}

/* Gives the two arguments that depend on each other types when either has none. */
static rv_status adopt_dependent(rv_expr_parser *p, const rv_call_shape *shape, rv_expr_item *a,
                                 rv_expr_item *b) {
    const char first = letter_of(shape, 0);
    const char second = letter_of(shape, 1);
    rv_expr_item *const array = first == 'a' ? a : b;
    rv_expr_item *const other = first == 'a' ? b : a;
    const char letter = first == 'a' ? second : first;
    RV_ASSERT(first == 'a' || second == 'a');
    const bool arrays = letter == 'A' || letter == 'C';
    if (array->untyped && !other->untyped && (arrays || other->type.kind < RV_TYPE_ARRAY)) {
        const rv_type type = arrays ? other->type : rv_type_array_of(&other->type);
        return rv_expr_adopt(p, array, &type);
    }
    if (!array->untyped && other->untyped && array->type.kind == RV_TYPE_ARRAY) {
        const rv_type type = arrays ? array->type : rv_type_element(&array->type);
        return rv_expr_adopt(p, other, &type);
    }
    return RV_OK;
}

/* Makes the two items on top, of which one at least is an array, agree about their elements. */
static rv_status unify(rv_expr_parser *p, const rv_expr_frame *frame) {
    rv_type common = {.kind = RV_TYPE_TEXT};
    for (uint32_t i = 0; i < 2; i++) {
        const rv_type *const type = &rv_expr_top(p, 1 - i)->type;
        const rv_type element = type->kind == RV_TYPE_ARRAY ? rv_type_element(type) : *type;
        if (i == 0) {
            common = element;
            common.serial = false;
        } else if (!rv_choice_widen(&common, &element)) {
            return rv_expr_fail_types(p, frame, "there is no such operation on",
                                      &rv_expr_top(p, 1)->type, type);
        }
    }
    rv_status status = RV_OK;
    for (uint32_t below = 0; below < 2 && status == RV_OK; below++) {
        rv_expr_item *const item = rv_expr_top(p, below);
        const rv_type type = item->type.kind == RV_TYPE_ARRAY ? rv_type_array_of(&common) : common;
        if (!rv_type_same(&item->type, &type)) {
            status = rv_expr_emit(
                p, (rv_expr_step){
                       .op = RV_EXPR_CAST, .target = below, .left = item->type, .right = type});
            item->type = type;
        }
    }
    RV_ASSERT(common.kind < RV_TYPE_ARRAY);
    return status;
}

/* Checks the items on top against the shape. */
static rv_status check(rv_expr_parser *p, const rv_expr_frame *frame, const rv_call_shape *shape,
                       uint32_t count) {
    rv_expr_item *const a = rv_expr_top(p, count - 1);
    rv_expr_item *const b = count > 1 ? rv_expr_top(p, count - 2) : a;
    const char first = letter_of(shape, 0);
    rv_status status = RV_OK;
    if (count > 1 && (first == 'a' || letter_of(shape, 1) == 'a')) {
        status = adopt_dependent(p, shape, a, b);
    }
    for (uint32_t i = 0; i < count && status == RV_OK; i++) {
        rv_expr_item *const item = rv_expr_top(p, count - 1 - i);
        const rv_type *const other = i == 0 ? &b->type : &a->type;
        if (item->untyped) {
            status = rv_expr_adopt(p, item, &text_type);
        }
        if (status == RV_OK && !takes(letter_of(shape, i), &item->type, other)) {
            status = count > 1 ? rv_expr_fail_types(p, frame, "there is no such operation on",
                                                    &a->type, &b->type)
                               : rv_expr_fail_types(p, frame, "there is no such operation on",
                                                    &a->type, NULL);
        }
    }
    RV_ASSERT(status != RV_OK || !a->untyped);
    const bool joins = shape->call >= RV_CALL_ARRAY_CAT && shape->call <= RV_CALL_ARRAY_PREPEND;
    if (status == RV_OK && joins) {
        return unify(p, frame);
    }
    const bool padded = rv_expr_top(p, 0)->type.kind == RV_TYPE_CHAR;
    return status == RV_OK && padded && count > 1 && letter_of(shape, count - 1) == 't'
               ? rv_expr_cast(p, &text_type, true) /* a key, without the spaces */
               : status;
}

rv_status rv_call_end(rv_expr_parser *p, rv_expr_frame *frame) {
    const rv_call_shape *const shape = frame->shape;
    RV_ASSERT(shape != NULL);
    if (frame->arguments < shape->arguments_min) {
        return refuse_arguments(p, frame);
    }
    const uint32_t count = frame->arguments;
    const bool turned = frame->negated && count == 2; /* trim(characters from text) */
    const bool trims = frame->op != 0;
    const rv_call call = trims ? (rv_call)frame->op : (rv_call)shape->call;
    const rv_status status = check(p, frame, shape, count);
    if (status != RV_OK) {
        return status;
    }
    const rv_type result = result_of(p, shape, count);
    return emit(p, call, count, turned, &result);
}

bool rv_call_is_operator(rv_expr_parser *p, const rv_expr_frame *frame) {
    if (frame->op != RV_EXPR_CONCATENATE) {
        return frame->op == RV_EXPR_CALL;
    }
    const rv_expr_item *const a = rv_expr_top(p, 1);
    const rv_expr_item *const b = rv_expr_top(p, 0);
    const bool text =
        (!a->untyped && is_text(a->type.kind)) || (!b->untyped && is_text(b->type.kind));
    const bool array = (!a->untyped && a->type.kind == RV_TYPE_ARRAY) ||
                       (!b->untyped && b->type.kind == RV_TYPE_ARRAY);
    const bool jsonb = (!a->untyped && a->type.kind == RV_TYPE_JSONB) ||
                       (!b->untyped && b->type.kind == RV_TYPE_JSONB);
    return array || (jsonb && !text);
}

/* True when an item has, or can get, a type that the letter takes. */
static bool could_take(char letter, const rv_expr_item *item, const rv_expr_item *other) {
    RV_ASSERT(item != other);
    if (!item->untyped) {
        const bool arrays = letter == 'A' || letter == 'C';
        return other->untyped && (arrays || letter == 'e' || letter == 'E')
                   ? (item->type.kind == RV_TYPE_ARRAY) == arrays
                   : takes(letter, &item->type, &other->type);
    }
    return letter != 'i' && (letter != 'e' || !item->null) && (letter != 'E' || !item->null);
}

rv_status rv_call_operator(rv_expr_parser *p, const rv_expr_frame *frame) {
    rv_expr_item *const a = rv_expr_top(p, 1);
    rv_expr_item *const b = rv_expr_top(p, 0);
    const char *const symbol = frame->op == RV_EXPR_CALL ? frame->symbol : "||";
    const rv_call_shape *found = NULL;
    RV_ASSERT(symbol != NULL);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0] && found == NULL; i++) {
        const rv_call_shape *const shape = &operators[i];
        if (strcmp(shape->name, symbol) == 0 && could_take(shape->arguments[0], a, b) &&
            could_take(shape->arguments[1], b, a) && !(a->untyped && b->untyped)) {
            found = shape;
        }
    }
    if (found == NULL && !a->untyped && !b->untyped) {
        return rv_expr_fail_types(p, frame, "there is no such operation on", &a->type, &b->type);
    }
    if (found == NULL) {
        return rv_expr_fail(p, RV_EXPRESSION_TYPE, frame->line, frame->column,
                            "there is no such operation on these types; give literals a type, as "
                            "in '{}'::jsonb");
    }
    for (uint32_t i = 0; i < 2; i++) {
        rv_expr_item *const item = i == 0 ? a : b;
        const rv_type *const type = type_of_letter(found->arguments[i]);
        const rv_status status = type == NULL ? RV_OK : rv_expr_adopt(p, item, type);
        if (status != RV_OK) {
            return status;
        }
    }
    const rv_status status = check(p, frame, found, 2);
    if (status != RV_OK) {
        return status;
    }
    const rv_type result = result_of(p, found, 2);
    return emit(p, (rv_call)found->call, 2, false, &result);
}

rv_status rv_call_subscript(rv_expr_parser *p, const rv_expr_frame *frame) {
    rv_expr_item *const number = rv_expr_top(p, 0);
    rv_expr_item *const array = rv_expr_top(p, 1);
    RV_ASSERT(frame->kind == RV_FRAME_SUBSCRIPT);
    if (!array->untyped && array->type.kind == RV_TYPE_JSONB) {
        const rv_expr_frame get = {
            .op = RV_EXPR_CALL, .symbol = "->", .line = frame->line, .column = frame->column};
        return rv_call_operator(p, &get);
    }
    const rv_status status = rv_expr_adopt(p, number, &integer_type);
    if (status != RV_OK) {
        return status;
    }
    if (array->untyped || array->type.kind != RV_TYPE_ARRAY ||
        !takes('i', &number->type, &array->type)) {
        return rv_expr_fail_types(p, frame, "a subscript needs an array and an integer, and has",
                                  &array->type, &number->type);
    }
    const rv_type element = rv_type_element(&array->type);
    return emit(p, RV_CALL_SUBSCRIPT, 2, false, &element);
}

rv_status rv_call_slice(rv_expr_parser *p, const rv_expr_frame *frame) {
    rv_expr_item *const array = rv_expr_top(p, 2);
    const rv_type type = array->type;
    RV_ASSERT(frame->kind == RV_FRAME_SUBSCRIPT && frame->slice);
    for (uint32_t i = 0; i < 2; i++) {
        rv_expr_item *const bound = rv_expr_top(p, i);
        const rv_status status = rv_expr_adopt(p, bound, &integer_type);
        if (status != RV_OK) {
            return status;
        }
        if (array->untyped || type.kind != RV_TYPE_ARRAY || !takes('i', &bound->type, &type)) {
            return rv_expr_fail_types(p, frame, "a slice needs an array and integers, and has",
                                      &array->type, &bound->type);
        }
    }
    return emit(p, RV_CALL_SLICE, 3, false, &type);
}

rv_status rv_call_element(rv_expr_parser *p, rv_expr_frame *frame) {
    const rv_expr_item *const item = rv_expr_top(p, 0);
    RV_ASSERT(frame->kind == RV_FRAME_ARRAY);
    if (!item->untyped && item->type.kind == RV_TYPE_ARRAY) {
        return rv_expr_fail(p, RV_UNSUPPORTED, item->line, item->column,
                            "arrays of arrays are not in this version");
    }
    frame->arguments += 1;
    return rv_choice_branch(p, frame);
}

rv_status rv_call_array_end(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(frame->kind == RV_FRAME_ARRAY && frame->arguments > 0);
    const rv_status status = rv_choice_end(p, frame);
    if (status != RV_OK) {
        return status;
    }
    rv_type element = rv_expr_top(p, 0)->type;
    element.serial = false;
    rv_expr_top(p, frame->arguments - 1)->type = element; /* all of them have it now */
    const rv_type type = rv_type_array_of(&element);
    return emit(p, RV_CALL_ARRAY, frame->arguments, false, &type);
}

rv_status rv_call_any_end(rv_expr_parser *p, const rv_expr_frame *frame) {
    static const rv_call_shape shape = {"any", RV_CALL_ANY_EQUAL, 2, 2, "Ea", 'b'};
    rv_expr_item *const value = rv_expr_top(p, 1);
    rv_expr_item *const array = rv_expr_top(p, 0);
    RV_ASSERT(frame->op >= RV_EXPR_EQUAL && frame->op <= RV_EXPR_GREATER_EQUAL);
    const uint32_t first = frame->negated ? RV_CALL_ALL_EQUAL : RV_CALL_ANY_EQUAL;
    if (value->untyped && array->untyped) {
        const rv_status status = rv_expr_adopt(p, value, &text_type);
        if (status != RV_OK) {
            return status;
        }
    }
    const rv_status status = check(p, frame, &shape, 2);
    return status == RV_OK
               ? emit(p, (rv_call)(first + (frame->op - RV_EXPR_EQUAL)), 2, false, &boolean_type)
               : status;
}

rv_status rv_call_fold(rv_expr_parser *p, const rv_expr_frame *frame) {
    rv_expr_item *const item = rv_expr_top(p, 0);
    const rv_status status = rv_expr_adopt(p, item, &text_type);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(!item->untyped);
    return is_text(item->type.kind)
               ? emit(p, RV_CALL_FOLD, 1, false, &text_type)
               : rv_expr_fail_types(p, frame, "ilike needs text, and has", &item->type, NULL);
}
