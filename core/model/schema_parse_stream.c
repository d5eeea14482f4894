/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE STREAM name ( path "/…/{field}" event_types (name, …) ). Every admitted event type has,
 * for every variable of the path, a field of its name, so that the path follows from the data; and
 * no path may belong to two streams, so that the stream follows from the path.
 */
#include "core/base/assert.h"
#include "core/model/schema_draft.h"

typedef struct stream_draft {
    rv_token name;
    bool path_given;
    bool types_given;
    rv_token path;
    uint16_t type_count;
    rv_token *type_names; /* RV_EVENT_TYPES_MAX places */
} stream_draft;

static rv_status parse_path(rv_schema_parser *p, stream_draft *draft) {
    RV_ASSERT(rv_schema_at(p, "path"));
    if (draft->path_given) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_INVALID, "one path", p->err);
    }
    draft->path_given = true;
    const rv_status status = rv_schema_skip(p);
    draft->path = p->lexer.token;
    if (status == RV_OK && draft->path.kind != RV_TOKEN_QUOTED_NAME &&
        draft->path.kind != RV_TOKEN_STRING) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, "a path such as \"/accounts/{id}\"",
                              p->err);
    }
    return status == RV_OK ? rv_schema_skip(p) : status;
}

static rv_status parse_types(rv_schema_parser *p, stream_draft *draft) {
    RV_ASSERT(rv_schema_at(p, "event_types"));
    if (draft->types_given) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_INVALID, "one list of event types", p->err);
    }
    draft->types_given = true;
    rv_status status = rv_schema_skip(p);
    if (status == RV_OK) {
        status = rv_schema_expect(p, "(", "`(`");
    }
    bool end = false;
    while (status == RV_OK && !end) { /* ends: each round reads a name */
        rv_token name;
        status = rv_schema_expect_name(p, "an event type's name", &name);
        for (uint16_t i = 0; i < draft->type_count && status == RV_OK; i++) {
            if (rv_bytes_equal(draft->type_names[i].text, name.text)) {
                status = rv_schema_fail_listed(p, &name);
            }
        }
        if (status == RV_OK) {
            RV_ASSERT(draft->type_count <= RV_EVENT_TYPES_MAX);
            if (draft->type_count == RV_EVENT_TYPES_MAX) {
                return rv_schema_fail_limit(p, &name, "event types", RV_EVENT_TYPES_MAX);
            }
            draft->type_names[draft->type_count++] = name;
            status = rv_schema_expect_separator(p, "`,` or `)`", &end);
        }
    }
    return status;
}

/* The template, parsed and judged by itself and beside the other streams'. */
static rv_status make_template(rv_schema_parser *p, const stream_draft *draft,
                               rv_path_template *path) {
    RV_ASSERT(draft->path_given);
    rv_error why;
    if (rv_path_template_parse(draft->path.text, path, &why) != RV_OK) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->path, "%b",
                              (rv_bytes[3]){rv_error_detail(&why)});
    }
    RV_ASSERT(path->segment_count > 0 && path->segment_count <= RV_PATH_SEGMENTS_MAX);
    if (!path->segments[0].variable && rv_bytes_are(path->segments[0].text, "rivulet")) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, &draft->path,
                              "paths under /rivulet are the node's own", (rv_bytes[3]){{NULL, 0}});
    }
    const rv_stream *other = rv_schema_paths_overlap(p->schema, path);
    if (other != NULL) {
        return rv_schema_fail(p, RV_SCHEMA_AMBIGUOUS, &draft->path,
                              "a path could belong to stream `%b` (`%b`) as well as to `%b`",
                              (rv_bytes[3]){other->name, other->path.text, draft->name.text});
    }
    return RV_OK;
}

static rv_status find_type(rv_schema_parser *p, const rv_token *name, const rv_event_type **type) {
    RV_ASSERT(name != NULL && type != NULL);
    *type = rv_schema_event_type_named(p->schema, name->text);
    if (*type != NULL) {
        return RV_OK;
    }
    rv_nearest nearest = rv_nearest_to(name->text);
    for (uint16_t i = 0; i < p->schema->event_type_names.count; i++) {
        rv_nearest_offer(&nearest, p->schema->event_type_names.names[i]);
    }
    return rv_schema_fail_unknown(p, name, "event type", (rv_bytes){NULL, 0}, &nearest);
}

/* What has one short text form for each value. */
static bool can_be_in_path(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    switch (type->kind) {
    case RV_TYPE_NUMERIC:
        return !rv_type_is_wide(type);
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
    case RV_TYPE_BIGINT:
    case RV_TYPE_CHAR:
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
    case RV_TYPE_UUID:
    case RV_TYPE_ENUM:
    case RV_TYPE_BOOLEAN:
    case RV_TYPE_DATE:
    case RV_TYPE_TIME:
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_TIMESTAMPTZ:
        return true;
    default:
        return false;
    }
}

/* The field of `type` that carries a variable; it must be of the kind that the stream's first event
 * type has, so that one value is one path. */
static rv_status find_variable(rv_schema_parser *p, const rv_token *at, const rv_event_type *type,
                               rv_bytes variable, const rv_type *first, uint16_t *field) {
    RV_ASSERT(type->field_count > 0);
    uint16_t found = 0;
    rv_nearest nearest = rv_nearest_to(variable);
    while (found < type->field_count && !rv_bytes_equal(type->fields[found].name, variable)) {
        rv_nearest_offer(&nearest, type->fields[found].name);
        found++;
    }
    if (found == type->field_count) {
        (void)rv_schema_fail(p, RV_SCHEMA_INVALID, at,
                             nearest.best.len > 0
                                 ? "event type `%b` has no field `%b`, which the path needs; its "
                                   "nearest is `%b`"
                                 : "event type `%b` has no field `%b`, which the path needs",
                             (rv_bytes[3]){type->name, variable, nearest.best});
        rv_error_fact_text(p->err, "expected", variable);
        return RV_SCHEMA_INVALID;
    }
    const rv_type *met = &type->fields[found].type;
    if (!can_be_in_path(met)) {
        return rv_schema_fail(
            p, RV_SCHEMA_INVALID, at,
            "field `%b` of `%b` is %b, which cannot stand in a path: integers, "
            "numerics of at most 18 digits, text, uuid, enums, boolean, dates and "
            "times can",
            (rv_bytes[3]){variable, type->name, rv_schema_type_text(p, met)});
    }
    if (type->fields[found].personal) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, at,
                              "field `%b` of `%b` is PERSONAL, and cannot stand in a path: what is "
                              "erased would still be in it",
                              (rv_bytes[3]){variable, type->name});
    }
    if (first != NULL && !rv_schema_keys_fit(met, first)) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, at,
                              "field `%b` of `%b` is %b, which is another type than the other "
                              "event types of the stream have there",
                              (rv_bytes[3]){variable, type->name, rv_schema_type_text(p, met)});
    }
    *field = found;
    return RV_OK;
}

static rv_status make_stream(rv_schema_parser *p, const stream_draft *draft) {
    RV_ASSERT(draft->type_count > 0 && draft->path_given);
    rv_stream *made = (rv_stream *)rv_arena_take(p->arena, sizeof *made);
    if (made == NULL) {
        return rv_schema_fail_memory(p);
    }
    rv_status status = make_template(p, draft, &made->path);
    if (status != RV_OK) {
        return status;
    }
    const size_t variable_count = made->path.variable_count;
    uint16_t *types = (uint16_t *)rv_arena_take(p->arena, draft->type_count * sizeof *types);
    uint16_t *fields =
        (uint16_t *)rv_arena_take(p->arena, draft->type_count * variable_count * sizeof *fields);
    if (types == NULL || fields == NULL) {
        return rv_schema_fail_memory(p);
    }
    const rv_event_type *first = NULL;
    for (uint16_t e = 0; e < draft->type_count; e++) {
        const rv_event_type *type = NULL;
        status = find_type(p, &draft->type_names[e], &type);
        size_t v = 0;
        for (uint32_t s = 0; s < made->path.segment_count && status == RV_OK; s++) {
            if (made->path.segments[s].variable) {
                status = find_variable(p, &draft->type_names[e], type, made->path.segments[s].text,
                                       first == NULL ? NULL : &first->fields[fields[v]].type,
                                       &fields[e * variable_count + v]);
                v++;
            }
        }
        if (status != RV_OK) {
            return status;
        }
        RV_ASSERT(v == variable_count);
        types[e] = type->number;
        first = first == NULL ? type : first;
    }
    made->name = draft->name.text;
    made->event_type_count = draft->type_count;
    made->event_types = types;
    made->variables = fields;
    made->number = rv_schema_names_add(&p->schema->stream_names, made->name);
    p->schema->streams[made->number] = made;
    rv_schema_paths_add(p->schema, made->number);
    return RV_OK;
}

/* The name, and whether there may be another stream of it. */
static rv_status parse_name(rv_schema_parser *p, stream_draft *draft) {
    RV_ASSERT(!draft->path_given && !draft->types_given);
    rv_status status = rv_schema_expect_name(p, "the stream's name", &draft->name);
    if (status != RV_OK) {
        return status;
    }
    if (rv_schema_names_find(&p->schema->stream_names, draft->name.text) != RV_NONE) {
        return rv_schema_fail_duplicate(p, &draft->name, "a stream");
    }
    if (p->schema->stream_names.count == RV_STREAMS_MAX) {
        return rv_schema_fail_limit(p, &draft->name, "streams in a schema", RV_STREAMS_MAX);
    }
    return rv_schema_expect(p, "(", "`(`");
}

rv_status rv_schema_parse_stream(rv_schema_parser *p) {
    stream_draft draft = {0};
    draft.type_names = (rv_token *)rv_schema_temp(p, RV_EVENT_TYPES_MAX * sizeof(rv_token));
    if (draft.type_names == NULL) {
        return rv_schema_fail_memory(p);
    }
    rv_status status = parse_name(p, &draft);
    while (status == RV_OK && !rv_schema_at(p, ")")) { /* ends: each round reads a clause */
        if (rv_schema_at(p, "path")) {
            status = parse_path(p, &draft);
        } else if (rv_schema_at(p, "event_types")) {
            status = parse_types(p, &draft);
        } else {
            status =
                rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, "path, event_types or `)`", p->err);
        }
        bool comma = false;
        if (status == RV_OK) {
            status = rv_schema_accept(p, ",", &comma);
        }
    }
    if (status == RV_OK && (!draft.path_given || !draft.types_given)) {
        status = rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX,
                                draft.path_given ? "event_types" : "path", p->err);
    }
    if (status == RV_OK) {
        status = rv_schema_skip(p);
    }
    RV_ASSERT(draft.type_count <= RV_EVENT_TYPES_MAX);
    return status == RV_OK ? make_stream(p, &draft) : status;
}
