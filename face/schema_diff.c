/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /schema?diff=true: what applying a text would add to the node's schema, and what in it is
 * declared otherwise there. Nothing is changed.
 *
 *     {"version":3,"add":"CREATE …","changed":[{"kind":"aggregate","name":"account",
 *      "here":"name varchar(40) NOT NULL","there":"name text"}],"absent":[{"kind","name"}]}
 *
 * `here` and `there` are the first lines that differ, of the node and of the text, empty where the
 * other only has more; `absent` is what the node has and the text has not, which an apply leaves
 * alone. A text that does not stand alone is one of statements that build on what the node has, and
 * is read behind that.
 */
#include "core/base/assert.h"
#include "core/model/schema_compare.h"
#include "face/face_internal.h"

static rv_status too_large(rv_error *err) {
    return rv_error_set(err, RV_SCHEMA_TOO_LARGE, "the schema is too large to be compared");
}

/* Makes the text a schema of its own. */
static rv_status make_alone(rv_bytes text, rv_arena *arena, rv_schema **made, rv_error *err) {
    rv_arena_reset(arena, 0);
    const rv_status status = rv_schema_create(made, arena, err);
    RV_ASSERT(arena->len <= arena->cap);
    return status == RV_OK ? rv_schema_apply(*made, text, err) : status;
}

/* Makes a schema of what the node has and the text behind it. */
static rv_status make_behind(const rv_schema *schema, rv_bytes text, rv_arena *arena,
                             rv_arena *scratch, rv_schema **made, rv_error *err) {
    rv_writer w = rv_writer_over(scratch->ptr + rv_arena_mark(scratch),
                                 scratch->cap - rv_arena_mark(scratch));
    rv_schema_print(schema, &w);
    if (w.full) {
        return too_large(err);
    }
    const rv_status status =
        w.len == 0 ? RV_SCHEMA_UNKNOWN_NAME : make_alone(rv_writer_bytes(&w), arena, made, err);
    RV_ASSERT(w.len > 0 || rv_schema_version(schema) == 0);
    return status == RV_OK ? rv_schema_apply(*made, text, err) : status;
}

/* Writes the statements of `schema` that `other` lacks (`absent`), or declares otherwise. */
static rv_status write_differences(const rv_schema *schema, const rv_schema *other, bool absent,
                                   rv_arena *scratch, rv_writer *w) {
    rv_schema_walk walk = {0, 0};
    rv_schema_difference d;
    rv_status status = rv_schema_compare_next(schema, other, &walk, scratch, &d);
    bool first = true;
    while (status == RV_OK && d.kind != NULL) { /* ends with the schema's statements */
        RV_ASSERT(d.name.len > 0);
        if (d.changed != absent) {
            rv_write_text(w, first ? "{\"kind\":\"" : ",{\"kind\":\"");
            rv_write_text(w, d.kind);
            rv_write_text(w, "\",\"name\":");
            rv_write_json_string(w, d.name);
            if (d.changed) {
                rv_write_text(w, ",\"here\":");
                rv_write_json_string(w, d.ours);
                rv_write_text(w, ",\"there\":");
                rv_write_json_string(w, d.theirs);
            }
            rv_write_u8(w, '}');
            first = false;
        }
        status = rv_schema_compare_next(schema, other, &walk, scratch, &d);
    }
    return status;
}

static rv_status answer(rv_exchange *x, const rv_schema *given, rv_arena *scratch, rv_error *err) {
    const rv_schema *schema = rv_node_schema(x->face->options.node);
    rv_writer w;
    rv_status status = exchange_writer(x, true, &w);
    if (status != RV_OK) {
        return status;
    }
    rv_writer added = rv_writer_over(scratch->ptr + rv_arena_mark(scratch),
                                     scratch->cap - rv_arena_mark(scratch));
    rv_schema_print_new(given, schema, &added);
    rv_write_text(&w, "{\"version\":");
    rv_write_uint(&w, rv_schema_version(schema));
    rv_write_text(&w, ",\"add\":");
    rv_write_json_string(&w, rv_writer_bytes(&added));
    rv_write_text(&w, ",\"changed\":[");
    status = write_differences(schema, given, false, scratch, &w);
    rv_write_text(&w, "],\"absent\":[");
    status = status == RV_OK ? write_differences(schema, given, true, scratch, &w) : status;
    rv_write_text(&w, "]}\n");
    if (status != RV_OK || added.full || w.full) {
        return too_large(err);
    }
    RV_ASSERT(w.len > 0);
    exchange_answer(x, 200, "application/json", rv_writer_bytes(&w));
    return RV_OK;
}

rv_status face_schema_diff(rv_exchange *x, rv_bytes text, rv_error *err) {
    const rv_schema *schema = rv_node_schema(x->face->options.node);
    rv_arena *scratch = &x->face->scratch;
    rv_arena arena = rv_arena_split(scratch, (scratch->cap - rv_arena_mark(scratch)) / 2);
    rv_schema *given = NULL;
    rv_error alone;
    rv_status status = make_alone(text, &arena, &given, &alone);
    if (status == RV_SCHEMA_UNKNOWN_NAME) {
        status = make_behind(schema, text, &arena, scratch, &given, err);
    }
    if (status != RV_OK && (alone.status != RV_SCHEMA_UNKNOWN_NAME ||
                            status == RV_SCHEMA_DUPLICATE || rv_schema_version(schema) == 0)) {
        *err = alone; /* the node's statements are no part of the text */
        status = alone.status;
    }
    RV_ASSERT(status != RV_OK || given != NULL);
    return status == RV_OK ? answer(x, given, scratch, err) : status;
}
