/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's part of an event (SEMANTICS 7): what the caller gave is read and brought together,
 * defaults are filled in, and what can be judged without rows is judged.
 *
 *     read       path -> stream, type -> event type; keys of the path and members of the data
 * become values of their fields; a key given in both must be equal (serials)  assigned by the
 * engine complete   omitted fields take their DEFAULT or NULL; NOT NULL, keys of the path, CHECKs
 *
 * `given` says what the caller gave or the engine assigned; a default does not set it, so
 * completing twice gives the same as completing once.
 */
#include "core/base/assert.h"
#include "core/model/event.h"
#include "core/model/schema_nearest.h"
#include "core/model/value_json.h"
#include "core/model/value_text.h"

/* Event types of a stream whose names are compared one by one, before the table of all is asked. */
#define TYPES_COMPARED 8u

static rv_status refuse_unknown(rv_error *err, rv_status status, const char *what, rv_bytes name,
                                const rv_nearest *nearest) {
    RV_ASSERT(status != RV_OK && nearest != NULL);
    if (nearest->best.len > 0) {
        (void)rv_error_set(err, status, "there is no %s `%b`; did you mean `%b`?", what, &name,
                           &nearest->best);
    } else {
        (void)rv_error_set(err, status, "there is no %s `%b`", what, &name);
    }
    rv_error_fact_text(err, "met", name);
    if (nearest->best.len > 0) {
        rv_error_fact_text(err, "nearest", nearest->best);
    }
    return status;
}

/* Why a concrete path belongs to no stream. */
static rv_status refuse_path(rv_bytes path, rv_error *err) {
    RV_ASSERT(path.len > 0 && path.ptr[0] == '/');
    bool malformed = path.len > RV_PATH_LEN_MAX || path.ptr[path.len - 1] == '/';
    for (size_t i = 1; i < path.len; i++) {
        malformed = malformed || (path.ptr[i] == '/' && path.ptr[i - 1] == '/');
    }
    const rv_bytes shown = rv_bytes_of(path.ptr, path.len < 200 ? path.len : 200);
    if (malformed) {
        (void)rv_error_set(err, RV_PATH_INVALID,
                           "the path `%b` is malformed: it is `/` and a segment, again and again, "
                           "of at most %u bytes, and no segment is empty",
                           &shown, (uint64_t)RV_PATH_LEN_MAX);
    } else {
        (void)rv_error_set(err, RV_UNKNOWN_STREAM,
                           "no stream's path matches `%b`: see the streams of the schema", &shown);
    }
    rv_error_fact_text(err, "path", shown);
    return malformed ? RV_PATH_INVALID : RV_UNKNOWN_STREAM;
}

/* The stream of a concrete path: that of the draft before, if it matches, since no path matches
 * two; none begins with a word of the node's own. NULL: there is none. */
static const rv_stream *stream_of_path(const rv_schema *schema, rv_bytes path, rv_bytes *variables,
                                       rv_event_draft *draft) {
    if (draft->guess_stream < rv_schema_stream_count(schema) && path.len <= RV_PATH_LEN_MAX) {
        const rv_stream *const likely = rv_schema_stream(schema, draft->guess_stream);
        if (!likely->path.segments[0].variable &&
            rv_path_template_match(&likely->path, path, variables)) {
            return likely;
        }
    }
    const rv_stream *const found = rv_schema_stream_of_path(schema, path, variables);
    if (found != NULL) {
        draft->guess_stream = found->number;
    }
    return found;
}

/* The stream of a concrete path, with the path's variables; or of a name, without. */
static rv_status find_stream(const rv_schema *schema, rv_bytes path, rv_bytes *variables,
                             rv_event_draft *draft, rv_error *err) {
    RV_ASSERT(schema != NULL && draft != NULL);
    if (path.len == 0) {
        return rv_error_set(err, RV_PATH_INVALID,
                            "the path is empty: give a path or a stream's "
                            "name");
    }
    if (path.ptr[0] == '/') {
        draft->stream = stream_of_path(schema, path, variables, draft);
        return draft->stream != NULL ? RV_OK : refuse_path(path, err);
    }
    draft->stream = rv_schema_stream_named(schema, path);
    if (draft->stream != NULL) {
        return RV_OK;
    }
    rv_nearest nearest = rv_nearest_to(path);
    for (uint16_t i = 0; i < rv_schema_stream_count(schema); i++) {
        rv_nearest_offer(&nearest, rv_schema_stream(schema, i)->name);
    }
    return refuse_unknown(err, RV_UNKNOWN_STREAM, "stream", path, &nearest);
}

static rv_status find_type(const rv_schema *schema, rv_bytes name, rv_event_draft *draft,
                           rv_error *err) {
    RV_ASSERT(draft->stream != NULL);
    const uint16_t count = draft->stream->event_type_count;
    for (uint16_t i = 0; i < count && i < TYPES_COMPARED; i++) { /* a few names are soon compared */
        draft->type = rv_schema_event_type(schema, draft->stream->event_types[i]);
        if (rv_names_equal(draft->type->name, name)) {
            draft->admitted = i;
            return RV_OK;
        }
    }
    draft->type = rv_schema_event_type_named(schema, name);
    if (draft->type == NULL) {
        rv_nearest nearest = rv_nearest_to(name);
        for (uint16_t i = 0; i < draft->stream->event_type_count; i++) {
            rv_nearest_offer(&nearest,
                             rv_schema_event_type(schema, draft->stream->event_types[i])->name);
        }
        return refuse_unknown(err, RV_UNKNOWN_EVENT_TYPE, "event type", name, &nearest);
    }
    for (uint16_t i = 0; i < draft->stream->event_type_count; i++) {
        if (draft->stream->event_types[i] == draft->type->number) {
            draft->admitted = i;
            return RV_OK;
        }
    }
    (void)rv_error_set(err, RV_EVENT_TYPE_NOT_ADMITTED,
                       "stream `%b` does not admit events of type `%b`", &draft->stream->name,
                       &name);
    rv_error_fact_text(err, "stream", draft->stream->name);
    rv_error_fact_text(err, "event_type", name);
    return RV_EVENT_TYPE_NOT_ADMITTED;
}

/* The field that carries the path's v-th variable. */
static uint16_t variable_field(const rv_event_draft *draft, uint32_t v) {
    const rv_stream *stream = draft->stream;
    RV_ASSERT(v < stream->path.variable_count);
    const uint16_t f = stream->variables[(size_t)draft->admitted * stream->path.variable_count + v];
    RV_ASSERT(f < draft->type->field_count);
    return f;
}

static rv_status take_path(rv_event_draft *draft, const rv_bytes *variables, rv_arena *scratch,
                           rv_error *err) {
    RV_ASSERT(draft->stream->path.variable_count <= RV_PATH_SEGMENTS_MAX);
    for (uint32_t v = 0; v < draft->stream->path.variable_count; v++) {
        const uint16_t f = variable_field(draft, v);
        const rv_field *field = &draft->type->fields[f];
        rv_bytes text;
        rv_status status = rv_path_segment_decode(variables[v], scratch, &text, err);
        if (status == RV_OK) {
            status = rv_value_from_text(&field->type, text, field->name, scratch, &draft->values[f],
                                        err);
        }
        if (status != RV_OK) {
            return status;
        }
        draft->given[f] = true;
    }
    return RV_OK;
}

/* The field of a member, searched from where the last one left off: members mostly come in order.
 */
static uint16_t find_field(const rv_event_type *type, rv_bytes name, uint16_t expected) {
    RV_ASSERT(type->field_count > 0);
    uint16_t f = expected < type->field_count ? expected : 0;
    for (uint16_t tried = 0; tried < type->field_count; tried++) {
        if (rv_names_equal(type->fields[f].name, name)) {
            return f;
        }
        f = f + 1 < type->field_count ? (uint16_t)(f + 1) : 0;
    }
    return RV_NONE;
}

static rv_status refuse_field(const rv_event_type *type, rv_bytes name, rv_error *err) {
    RV_ASSERT(type->field_count > 0);
    rv_nearest nearest = rv_nearest_to(name);
    for (uint16_t i = 0; i < type->field_count; i++) {
        rv_nearest_offer(&nearest, type->fields[i].name);
    }
    const rv_bytes shown = rv_bytes_of(name.ptr, name.len < 100 ? name.len : 100);
    if (nearest.best.len > 0) {
        (void)rv_error_set(err, RV_UNKNOWN_FIELD,
                           "event type `%b` has no field `%b`; did you mean `%b`?", &type->name,
                           &shown, &nearest.best);
    } else {
        (void)rv_error_set(err, RV_UNKNOWN_FIELD, "event type `%b` has no field `%b`", &type->name,
                           &shown);
    }
    rv_error_fact_text(err, "event_type", type->name);
    rv_error_fact_text(err, "field", shown);
    if (nearest.best.len > 0) {
        rv_error_fact_text(err, "nearest", nearest.best);
    }
    return RV_UNKNOWN_FIELD;
}

static void add_value_fact(rv_error *err, const char *name, const rv_type *type,
                           const rv_value *value) {
    RV_ASSERT(name != NULL);
    uint8_t text[120];
    rv_writer w = rv_writer_over(text, sizeof text);
    if (value->class_ == RV_VALUE_BYTES && value->as.bytes.len > 60) {
        rv_write_text(&w, "(long)");
    } else if (rv_value_is_null(value)) {
        rv_write_text(&w, "null");
    } else {
        rv_value_to_text(type, value, &w);
    }
    rv_error_fact_text(err, name, rv_writer_bytes(&w));
}

/* A field that the path gave already: the data must say the same. */
static rv_status compare_key(const rv_field *field, const rv_value *of_path,
                             const rv_value *of_data, rv_error *err) {
    RV_ASSERT(!rv_value_is_null(of_path));
    if (rv_value_compare(&field->type, of_path, of_data) == 0) {
        return RV_OK;
    }
    (void)rv_error_set(err, RV_KEY_MISMATCH,
                       "field `%b` of the data differs from the path's: give one of them, or the "
                       "same",
                       &field->name);
    rv_error_fact_text(err, "field", field->name);
    add_value_fact(err, "path", &field->type, of_path);
    add_value_fact(err, "data", &field->type, of_data);
    return RV_KEY_MISMATCH;
}

/* The value of a member whose key was read. Integers and strings mostly come as they are stored. */
static inline rv_status take_value(const rv_event_type *type, rv_json *json, uint16_t f,
                                   rv_arena *scratch, rv_value *value, rv_error *err) {
    const rv_field *const field = &type->fields[f];
    const rv_decoding *const how = &type->decodings[f];
    const rv_type_kind kind = field->type.kind;
    int64_t integer = 0;
    rv_bytes text;
    if (kind <= RV_TYPE_BIGINT && rv_json_take_int(json, how->min, how->span, &integer)) {
        *value = rv_value_int(integer);
        return RV_OK;
    }
    if (kind < RV_TYPE_JSON && rv_json_take_string(json, &text)) {
        if (how->way == RV_DECODING_TEXT && kind != RV_TYPE_CHAR &&
            (how->size == 0 || text.len <= how->size)) {
            *value = rv_value_bytes(text);
            return RV_OK;
        }
        return rv_scalar_from_text(&field->type, text, field->name, scratch, value, err);
    }
    RV_STATIC_ASSERT(RV_TYPE_BIGINT < RV_TYPE_JSON && RV_TYPE_UUID < RV_TYPE_JSON,
                     "scalars that have a text form come before those that are JSON");
    rv_json_token token;
    const rv_status status = rv_json_next(json, &token, err);
    return status == RV_OK
               ? rv_value_from_json(&field->type, json, &token, field->name, scratch, value, err)
               : status;
}

/* One member of the data, whose key was read. */
static inline rv_status take_member(rv_event_draft *draft, rv_json *json, uint16_t f,
                                    rv_arena *scratch, rv_error *err) {
    rv_value value = rv_value_null();
    RV_ASSERT(f < draft->type->field_count);
    rv_status status = take_value(draft->type, json, f, scratch, &value, err);
    if (status == RV_OK && draft->given[f]) {
        status = compare_key(&draft->type->fields[f], &draft->values[f], &value, err);
    }
    if (status == RV_OK) {
        draft->values[f] = value;
        draft->given[f] = true;
    }
    return status;
}

/* The key of the next member: its field. RV_END: there is none, the object ends. `guess`: see
 * rv_event_draft.guesses. */
static inline rv_status take_key(const rv_event_type *type, rv_json *json, uint8_t *guess,
                                 uint16_t *f, rv_error *err) {
    const rv_field *const likely = &type->fields[*guess < type->field_count ? *guess : 0];
    RV_ASSERT(type->field_count > 0);
    if (likely->plain_name && rv_json_take_key(json, likely->name)) {
        *f = (uint16_t)(likely - type->fields);
        return RV_OK;
    }
    rv_json_token token;
    const rv_status status = rv_json_next(json, &token, err);
    if (status != RV_OK || token.kind == RV_JSON_OBJECT_END) {
        return status == RV_OK ? RV_END : status;
    }
    RV_ASSERT(token.kind == RV_JSON_KEY);
    *f = find_field(type, token.text, *guess);
    if (*f == RV_NONE) {
        return refuse_field(type, token.text, err);
    }
    *guess = (uint8_t)*f;
    return RV_OK;
}

static rv_status refuse_twice(rv_bytes name, rv_error *err) {
    RV_ASSERT(name.len > 0);
    (void)rv_error_set(err, RV_JSON_INVALID, "the data has field `%b` twice", &name);
    rv_error_fact_text(err, "field", name);
    return RV_JSON_INVALID;
}

static rv_status take_data(rv_event_draft *draft, rv_bytes data, rv_arena *scratch, rv_error *err) {
    const rv_event_type *const type = draft->type;
    rv_json json = rv_json_over(data, scratch);
    rv_json_token token;
    rv_status status = rv_json_next(&json, &token, err);
    if (status == RV_OK && token.kind != RV_JSON_OBJECT_BEGIN) {
        return rv_error_set(err, RV_JSON_INVALID, "an event's data is a JSON object");
    }
    uint8_t seen[(RV_FIELDS_MAX + 7) / 8] = {0};
    uint32_t place = type->number * 16u; /* of the guess: types of few fields share none */
    while (status == RV_OK) { /* ends: each round reads a member; the parser ends the object */
        uint16_t f = 0;
        status = take_key(type, &json, &draft->guesses[place % RV_DRAFT_GUESSES], &f, err);
        if (status != RV_OK) {
            break;
        }
        if (((seen[f / 8] >> (f % 8)) & 1) != 0) {
            return refuse_twice(type->fields[f].name, err);
        }
        seen[f / 8] = (uint8_t)(seen[f / 8] | (1u << (f % 8)));
        place = type->number * 16u + f + 1u;
        status = take_member(draft, &json, f, scratch, err);
    }
    if (status == RV_END) {
        status = rv_json_next(&json, &token, err);
        RV_ASSERT(status != RV_OK || token.kind == RV_JSON_END);
    }
    return status;
}

rv_status rv_event_draft_read(const rv_schema *schema, rv_bytes path, rv_bytes type, rv_bytes data,
                              rv_arena *scratch, rv_event_draft *draft, rv_error *err) {
    RV_ASSERT(schema != NULL && scratch != NULL && draft != NULL);
    rv_bytes variables[RV_PATH_SEGMENTS_MAX];
    rv_status status = find_stream(schema, path, variables, draft, err);
    if (status == RV_OK) {
        status = find_type(schema, type, draft, err);
    }
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(draft->type->field_count <= RV_FIELDS_MAX);
    memset(draft->given, 0, draft->type->field_count * sizeof draft->given[0]);
    if (path.ptr[0] == '/') {
        status = take_path(draft, variables, scratch, err);
    }
    return status == RV_OK ? take_data(draft, data, scratch, err) : status;
}

/* The path of the draft is the one that was given. */
static rv_status match_path(const rv_event_draft *draft, rv_bytes path, rv_error *err) {
    uint8_t text[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    RV_ASSERT(path.len > 0);
    if (rv_event_has_path(draft->stream, draft->type, draft->values)) {
        rv_event_draft_path(draft, &w);
    }
    if (!w.full && rv_bytes_equal(rv_writer_bytes(&w), path)) {
        return RV_OK;
    }
    (void)rv_error_set(err, RV_KEY_MISMATCH, "the event's data belongs to another stream than %b",
                       &path);
    rv_error_fact_text(err, "path", path);
    return RV_KEY_MISMATCH;
}

rv_status rv_event_draft_decode(const rv_schema *schema, rv_bytes path, rv_bytes type,
                                rv_bytes data, rv_event_draft *draft, rv_error *err) {
    RV_ASSERT(schema != NULL && draft != NULL);
    rv_bytes variables[RV_PATH_SEGMENTS_MAX];
    rv_status status = find_stream(schema, path, variables, draft, err);
    status = status == RV_OK ? find_type(schema, type, draft, err) : status;
    if (status != RV_OK) {
        return status;
    }
    if (!rv_event_data_decode(draft->type, data, draft->values)) {
        (void)rv_error_set(err, RV_VALUE_INVALID, "the data of an event of type `%b` is malformed",
                           &type);
        rv_error_fact_text(err, "event_type", type);
        return RV_VALUE_INVALID;
    }
    RV_ASSERT(draft->type->field_count <= RV_FIELDS_MAX);
    memset(draft->given, true, draft->type->field_count * sizeof draft->given[0]);
    return match_path(draft, path, err);
}

bool rv_event_draft_wants_serial(const rv_schema *schema, const rv_event_draft *draft, uint16_t f,
                                 uint16_t *aggregate) {
    const rv_event_type *type = draft->type;
    RV_ASSERT(f < type->field_count);
    if (draft->given[f] || type->fields[f].has_default) {
        return false;
    }
    for (uint16_t t = 0; t < type->touch_count && type->touches[t].kind == RV_TOUCH_CREATES; t++) {
        if (type->touches[t].field == f) {
            const rv_aggregate *made = rv_schema_aggregate(schema, type->touches[t].aggregate);
            if (made->columns[made->key].type.serial) {
                *aggregate = made->number;
                return true;
            }
        }
    }
    return false;
}

bool rv_event_draft_same(const rv_schema *schema, const rv_event_draft *draft,
                         const rv_value *stored) {
    const rv_event_type *const type = draft->type;
    bool same = true;
    RV_ASSERT(stored != NULL && type->field_count <= RV_FIELDS_MAX);
    for (uint16_t f = 0; f < type->field_count && same; f++) {
        uint16_t aggregate = 0;
        if (draft->given[f]) {
            same = rv_value_compare(&type->fields[f].type, &draft->values[f], &stored[f]) == 0;
        } else if (!type->fields[f].has_default) {
            same = rv_value_is_null(&stored[f]) ||
                   rv_event_draft_wants_serial(schema, draft, f, &aggregate);
        }
    }
    return same;
}

static rv_status fill_default(const rv_event_draft *draft, uint16_t f, int64_t now_us,
                              rv_arena *scratch, rv_value *value, rv_error *err) {
    const rv_field *const field = &draft->type->fields[f];
    *value = rv_value_null();
    if (!field->has_default) {
        return RV_OK;
    }
    RV_ASSERT(field->default_value.step_count > 0);
    uint8_t seed[RV_EXPR_SEED_SIZE] = {0};
    if (field->default_value.uses_seed) {
        rv_event_seed(draft->event_id, RV_EVENT_SEED_OF_FIELD(f), seed);
    }
    const rv_value slots[] = {rv_value_bytes(rv_bytes_of(seed, sizeof seed))};
    const rv_expr_env env = {.slots = slots, .now_us = now_us, .scratch = scratch};
    const rv_status status = rv_expr_eval(&field->default_value, &env, value, err);
    if (status != RV_OK || field->default_value.null_type) {
        return status;
    }
    return rv_value_coerce(&field->default_value.type, &field->type, field->name, scratch, value,
                           err);
}

static rv_status refuse_null(const rv_event_draft *draft, uint16_t f, const char *why,
                             rv_error *err) {
    const rv_field *field = &draft->type->fields[f];
    RV_ASSERT(f < draft->type->field_count);
    (void)rv_error_set(err, RV_NOT_NULL_VIOLATION, "field `%b` of `%b` %s", &field->name,
                       &draft->type->name, why);
    rv_error_fact_text(err, "event_type", draft->type->name);
    rv_error_fact_text(err, "field", field->name);
    return RV_NOT_NULL_VIOLATION;
}

/* The keys of the path: given, not empty, not making a path of the node's own, nor one that clients
 * make another of (`.` and `..` as segments, written `%2E`, too: WHATWG URL). */
static rv_status judge_path(const rv_event_draft *draft, rv_error *err) {
    const rv_path_template *path = &draft->stream->path;
    RV_ASSERT(path->segment_count > 0);
    for (uint32_t v = 0; v < path->variable_count; v++) {
        const uint16_t f = variable_field(draft, v);
        const rv_value *value = &draft->values[f];
        if (rv_value_is_null(value)) {
            return refuse_null(draft, f, "is part of the stream's path and must be given", err);
        }
        const rv_type *type = &draft->type->fields[f].type;
        rv_bytes text = RV_LITERAL("-"); /* integers and dates: neither empty nor a word */
        if (type->kind == RV_TYPE_ENUM) {
            text = type->labels->labels[value->as.integer];
        } else if (value->class_ == RV_VALUE_BYTES) {
            text = value->as.bytes;
        }
        const bool own = v == 0 && path->segments[0].variable && rv_bytes_are(text, "rivulet");
        const bool dots = rv_bytes_are(text, ".") || rv_bytes_are(text, "..");
        if (text.len == 0 || own || dots) {
            (void)rv_error_set(
                err, RV_PATH_INVALID,
                own    ? "field `%b`: paths under /rivulet are the node's own"
                : dots ? "field `%b` is part of the stream's path and is neither `.` nor `..`, "
                         "which clients take out of addresses"
                       : "field `%b` is part of the stream's path and must not be empty",
                &draft->type->fields[f].name);
            rv_error_fact_text(err, "field", draft->type->fields[f].name);
            return RV_PATH_INVALID;
        }
    }
    return RV_OK;
}

/* A CHECK holds unless it is false: NULL passes. */
static rv_status judge_check(const rv_event_draft *draft, const rv_expr *check, rv_bytes field,
                             const rv_expr_env *env, rv_error *err) {
    RV_ASSERT(check->step_count > 0);
    rv_value result = rv_value_null();
    const rv_status status = rv_expr_eval(check, env, &result, err);
    if (status != RV_OK || rv_value_is_null(&result) || result.as.integer != 0) {
        return status;
    }
    (void)rv_error_set(err, RV_CHECK_VIOLATION, "an event of type `%b` must have %b",
                       &draft->type->name, &check->source);
    rv_error_fact_text(err, "event_type", draft->type->name);
    if (field.len > 0) {
        rv_error_fact_text(err, "field", field);
    }
    rv_error_fact_text(err, "check", check->source);
    return RV_CHECK_VIOLATION;
}

rv_status rv_event_draft_complete(rv_event_draft *draft, int64_t now_us, rv_arena *scratch,
                                  rv_error *err) {
    const rv_event_type *type = draft->type;
    RV_ASSERT(type != NULL && scratch != NULL);
    rv_status status = RV_OK;
    bool checks = false;
    for (uint16_t f = 0; f < type->field_count && status == RV_OK; f++) {
        checks |= type->fields[f].has_check;
        if (!draft->given[f]) {
            status = fill_default(draft, f, now_us, scratch, &draft->values[f], err);
        }
        if (status == RV_OK && type->fields[f].not_null && rv_value_is_null(&draft->values[f])) {
            status = refuse_null(draft, f, "is NOT NULL and must be given", err);
        }
    }
    if (status == RV_OK) {
        status = judge_path(draft, err);
    }
    const rv_expr_env env = {.slots = draft->values, .now_us = now_us, .scratch = scratch};
    for (uint16_t f = 0; checks && f < type->field_count && status == RV_OK; f++) {
        if (type->fields[f].has_check) {
            status = judge_check(draft, &type->fields[f].check, type->fields[f].name, &env, err);
        }
    }
    for (uint16_t i = 0; i < type->check_count && status == RV_OK; i++) {
        status = judge_check(draft, &type->checks[i], (rv_bytes){NULL, 0}, &env, err);
    }
    RV_ASSERT(status != RV_OK || type->field_count > 0);
    return status;
}
