/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on json and jsonb. What is inside one is a part of its text, so nothing is copied to get
 * it; of a json it is as it was written there, of a jsonb canonical as the whole is.
 */
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/array.h"
#include "core/model/expr_call.h"
#include "core/model/jsonb.h"
#include "core/model/value_text.h"

static const rv_type jsonb_type = {.kind = RV_TYPE_JSONB};
static const rv_type text_array = {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_TEXT};

/* Without white space around it, which a json can have. */
static rv_bytes trimmed(rv_bytes text) {
    while (text.len > 0 && (text.ptr[0] == ' ' || (text.ptr[0] >= '\t' && text.ptr[0] <= '\r'))) {
        text = rv_bytes_from(text, 1);
    }
    while (text.len > 0 && text.ptr[text.len - 1] <= ' ') {
        text.len -= 1;
    }
    RV_ASSERT(text.len > 0);
    return text;
}

/* A JSON value as text, as ->> gives it: a string without quotes, null as NULL. */
static rv_status as_text(rv_bytes json, rv_value *value, const rv_call_env *env) {
    RV_ASSERT(json.len > 0);
    if (json.ptr[0] == 'n') {
        *value = rv_value_null();
        return RV_OK;
    }
    if (json.ptr[0] != '"') {
        *value = rv_value_bytes(json);
        return RV_OK;
    }
    const rv_bytes raw = rv_bytes_of(json.ptr + 1, json.len - 2);
    rv_writer w = rv_call_writer(env);
    for (size_t at = 0; at < raw.len && !w.full;) {
        uint8_t bytes[4];
        rv_write(&w, rv_bytes_of(bytes, rv_utf8_encode(rv_json_char(raw, &at), bytes)));
    }
    return rv_call_written(env, &w, value);
}

/* The number that a part of a path is in an array: PostgreSQL reads it as strtol does. */
static bool index_of(rv_bytes text, int64_t *index) {
    const bool sign = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    int64_t number = 0;
    for (size_t i = sign; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || number > INT32_MAX) {
            return false;
        }
        number = number * 10 + (text.ptr[i] - '0');
    }
    *index = sign && text.ptr[0] == '-' ? -number : number;
    RV_ASSERT(number >= 0);
    return text.len > sign && number <= INT32_MAX;
}

/* What a path leads to; ptr is NULL when that is nothing. */
static rv_status walk(rv_bytes json, rv_bytes path, const rv_call_env *env, rv_bytes *found) {
    rv_array parts = rv_array_over(&text_array, path);
    rv_value part;
    *found = trimmed(json);
    while (found->ptr != NULL && rv_array_next(&parts, &part)) {
        const rv_status status = rv_call_charge(env, 2 * (uint64_t)found->len);
        int64_t index = 0;
        if (status != RV_OK) {
            return status;
        }
        if (rv_value_is_null(&part)) {
            *found = (rv_bytes){NULL, 0};
        } else if (found->ptr[0] == '{') {
            *found = rv_json_of_key(*found, part.as.bytes);
        } else if (found->ptr[0] == '[' && index_of(part.as.bytes, &index)) {
            *found = rv_json_of_index(*found, index);
        } else {
            *found = (rv_bytes){NULL, 0};
        }
    }
    RV_ASSERT(parts.next <= parts.count);
    return RV_OK;
}

/* ->, ->>, #>, #>> */
static rv_status get(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_call call = (rv_call)step->target;
    const bool text = call == RV_CALL_JSON_KEY_TEXT || call == RV_CALL_JSON_INDEX_TEXT ||
                      call == RV_CALL_JSON_PATH_TEXT;
    rv_bytes found = trimmed(values[0].as.bytes);
    RV_ASSERT(call >= RV_CALL_JSON_KEY && call <= RV_CALL_JSON_PATH_TEXT);
    if (call == RV_CALL_JSON_KEY || call == RV_CALL_JSON_KEY_TEXT) {
        found = rv_json_of_key(found, values[1].as.bytes);
    } else if (call == RV_CALL_JSON_INDEX || call == RV_CALL_JSON_INDEX_TEXT) {
        const int64_t index = values[1].as.integer;
        const bool alone = step->left.kind == RV_TYPE_JSONB && found.ptr[0] != '[' &&
                           found.ptr[0] != '{' && (index == 0 || index == -1);
        found = alone ? found : rv_json_of_index(found, index); /* as PostgreSQL has it */
    } else {
        const rv_status status = walk(found, values[1].as.bytes, env, &found);
        if (status != RV_OK) {
            return status;
        }
    }
    values[0] = found.ptr == NULL ? rv_value_null() : rv_value_bytes(found);
    return text && found.ptr != NULL ? as_text(found, &values[0], env) : RV_OK;
}

/* True when the text is a key of an object, a string in an array, or a string that is all. */
static bool exists(rv_bytes json, rv_bytes text) {
    rv_bytes key;
    rv_bytes child;
    size_t at = 0;
    if (json.ptr[0] == '"') {
        return rv_json_raw_is(rv_bytes_of(json.ptr + 1, json.len - 2), text);
    }
    while (rv_json_child(json, &at, &key, &child)) {
        const bool string = key.ptr == NULL && child.ptr[0] == '"';
        const rv_bytes raw = string ? rv_bytes_of(child.ptr + 1, child.len - 2) : key;
        if (raw.ptr != NULL && rv_json_raw_is(raw, text)) {
            return true;
        }
    }
    RV_ASSERT(at <= json.len);
    return false;
}

/* ?| and ?&: NULL elements do not count. */
static rv_status exists_some(rv_value *values, bool all, const rv_call_env *env) {
    const rv_bytes json = values[0].as.bytes;
    rv_array keys = rv_array_over(&text_array, values[1].as.bytes);
    rv_value key;
    bool result = all;
    const rv_status status = rv_call_charge(env, (uint64_t)json.len * keys.count);
    if (status != RV_OK) {
        return status;
    }
    while (result == all && rv_array_next(&keys, &key)) {
        if (!rv_value_is_null(&key)) {
            result = exists(json, key.as.bytes);
        }
    }
    RV_ASSERT(keys.next <= keys.count);
    values[0] = rv_value_int(result);
    return RV_OK;
}

/* What is between the brackets; a value that is no array, as the one element of one. */
static rv_bytes inside(rv_bytes json, bool object) {
    const bool bracketed = json.ptr[0] == (object ? '{' : '[');
    RV_ASSERT(bracketed || !object);
    return bracketed ? rv_bytes_of(json.ptr + 1, json.len - 2) : json;
}

/* || of objects: the right one's members win; else of arrays. */
static rv_status concatenate(rv_value *values, const rv_call_env *env) {
    const bool object = values[0].as.bytes.ptr[0] == '{' && values[1].as.bytes.ptr[0] == '{';
    const rv_bytes a = inside(values[0].as.bytes, object);
    const rv_bytes b = inside(values[1].as.bytes, object);
    rv_writer w = rv_call_writer(env);
    rv_write_u8(&w, object ? '{' : '[');
    rv_write(&w, a);
    rv_write_text(&w, a.len > 0 && b.len > 0 ? ", " : "");
    rv_write(&w, b);
    rv_write_u8(&w, object ? '}' : ']');
    rv_status status = rv_call_written(env, &w, &values[0]);
    if (status == RV_OK && object) {
        status = rv_jsonb_from_text(&jsonb_type, values[0].as.bytes, (rv_bytes){NULL, 0},
                                    env->scratch, &values[0], env->err);
    } else if (status == RV_OK && !rv_json_check(values[0].as.bytes)) {
        return rv_value_refuse(&jsonb_type, RV_VALUE_INVALID, values[0].as.bytes,
                               (rv_bytes){NULL, 0}, "it is nested more than 120 deep", env->err);
    }
    return status;
}

static void type_of(rv_value *values) {
    const rv_bytes json = trimmed(values[0].as.bytes);
    rv_bytes name = RV_LITERAL("number");
    switch (json.ptr[0]) {
    case '{':
        name = RV_LITERAL("object");
        break;
    case '[':
        name = RV_LITERAL("array");
        break;
    case '"':
        name = RV_LITERAL("string");
        break;
    case 't':
    case 'f':
        name = RV_LITERAL("boolean");
        break;
    case 'n':
        name = RV_LITERAL("null");
        break;
    default:
        RV_ASSERT(json.ptr[0] == '-' || (json.ptr[0] >= '0' && json.ptr[0] <= '9'));
        break;
    }
    values[0] = rv_value_bytes(name);
}

static rv_status array_length(rv_value *values, const rv_call_env *env) {
    const rv_bytes json = trimmed(values[0].as.bytes);
    rv_bytes key;
    rv_bytes child;
    size_t at = 0;
    int64_t count = 0;
    if (json.ptr[0] != '[') {
        return rv_error_set(env->err, RV_VALUE_INVALID, "the length of JSON that is no array");
    }
    while (rv_json_child(json, &at, &key, &child)) {
        count += 1;
    }
    RV_ASSERT(at < json.len);
    values[0] = rv_value_int(count);
    return RV_OK;
}

static rv_status to_json(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const bool binary = step->target == RV_CALL_TO_JSONB;
    rv_writer w = rv_call_writer(env);
    rv_value_to_json(&step->left, &values[0], &w);
    RV_ASSERT(binary || step->target == RV_CALL_TO_JSON);
    const rv_status status = rv_call_written(env, &w, &values[0]);
    return status == RV_OK && binary
               ? rv_jsonb_from_text(&jsonb_type, values[0].as.bytes, (rv_bytes){NULL, 0},
                                    env->scratch, &values[0], env->err)
               : status;
}

static rv_status contains(rv_value *values, bool turned, const rv_call_env *env) {
    bool result = false;
    const rv_status status =
        rv_jsonb_contains(values[turned].as.bytes, values[!turned].as.bytes, env, &result);
    RV_ASSERT(status != RV_OK || values[0].class_ == RV_VALUE_BYTES);
    if (status == RV_OK) {
        values[0] = rv_value_int(result);
    }
    return status;
}

rv_status rv_call_json(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const rv_call call = (rv_call)step->target;
    RV_ASSERT(call >= RV_CALL_JSON_KEY && call <= RV_CALL_TO_JSONB);
    uint64_t len = 1;
    for (uint32_t i = 0; i < step->kind; i++) {
        len += values[i].class_ == RV_VALUE_BYTES ? 2 * (uint64_t)values[i].as.bytes.len : 0;
    }
    const rv_status status = rv_call_charge(env, len);
    if (status != RV_OK) {
        return status;
    }
    switch (call) {
    case RV_CALL_JSON_CONTAINS:
    case RV_CALL_JSON_CONTAINED:
        return contains(values, call == RV_CALL_JSON_CONTAINED, env);
    case RV_CALL_JSON_EXISTS:
        values[0] = rv_value_int(exists(values[0].as.bytes, values[1].as.bytes));
        return RV_OK;
    case RV_CALL_JSON_EXISTS_ANY:
    case RV_CALL_JSON_EXISTS_ALL:
        return exists_some(values, call == RV_CALL_JSON_EXISTS_ALL, env);
    case RV_CALL_JSON_CONCATENATE:
        return concatenate(values, env);
    case RV_CALL_JSON_TYPEOF:
        type_of(values);
        return RV_OK;
    case RV_CALL_JSON_ARRAY_LENGTH:
        return array_length(values, env);
    case RV_CALL_TO_JSON:
    case RV_CALL_TO_JSONB:
        return to_json(step, values, env);
    default:
        return get(step, values, env);
    }
}
