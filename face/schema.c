/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /schema. */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/model/json.h"
#include "core/model/schema_compare.h"

static void write_hash(rv_writer *w, rv_hash128 hash) {
    rv_write_u8(w, '"');
    rv_hash128_write(hash, w);
    rv_write_u8(w, '"');
}

/* Of an edge that has not met its upstream. */
static void write_provisional(const rv_exchange *x, rv_writer *w) {
    if (rv_node_provisional(x->face->options.node)) {
        rv_write_text(w, ",\"provisional\":true");
    }
    RV_ASSERT(w->len > 0);
}

rv_status face_schema_get(rv_exchange *x, rv_error *err) {
    x->source.followed = true;
    const rv_schema *schema = rv_node_schema(x->face->options.node);
    rv_writer w;
    const rv_status status = exchange_writer(x, true, &w);
    if (status != RV_OK) {
        return status;
    }
    const bool text = header_names(x->request.accept, "text/plain");
    if (!text) {
        rv_write_text(&w, "{\"version\":");
        rv_write_uint(&w, rv_schema_version(schema));
        rv_write_text(&w, ",\"hash\":");
        write_hash(&w, rv_schema_hash(schema));
        write_provisional(x, &w);
        rv_write_text(&w, ",\"text\":");
    }
    const size_t mark = w.len;
    rv_schema_print(schema, &w);
    if (!text) {
        /* The printed schema is turned into a JSON string behind itself, then moved over it. */
        const rv_bytes printed = rv_bytes_of(w.ptr + mark, w.len - mark);
        rv_write_json_string(&w, printed);
        const size_t len = w.len - mark - printed.len;
        memmove(w.ptr + mark, w.ptr + mark + printed.len, len);
        w.len = mark + len;
        rv_write_text(&w, "}\n");
    }
    if (w.full) {
        return rv_error_set(err, RV_SQL_LIMIT, "the schema is larger than an answer can be");
    }
    exchange_answer(x, 200, text ? "text/plain; charset=utf-8" : "application/json",
                    rv_writer_bytes(&w));
    return RV_OK;
}

/* The body is the text itself, or `{"text":"…"}`. */
static rv_status read_text(rv_exchange *x, rv_bytes *text, rv_error *err) {
    *text = x->request.body;
    if (!header_names(x->request.content_type, "json")) {
        return RV_OK;
    }
    rv_json json = rv_json_over(x->request.body, &x->face->scratch);
    static const rv_json_kind kinds[] = {RV_JSON_OBJECT_BEGIN, RV_JSON_KEY, RV_JSON_STRING,
                                         RV_JSON_OBJECT_END, RV_JSON_END};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        rv_json_token token;
        const rv_status status = rv_json_next(&json, &token, err);
        if (status != RV_OK) {
            return status;
        }
        if (token.kind != kinds[i] || (i == 1 && !rv_bytes_are(token.text, "text"))) {
            return rv_error_set(err, RV_REQUEST_INVALID,
                                "a schema is posted as text/plain, or as {\"text\": …}");
        }
        if (i == 2) {
            *text = token.text;
        }
    }
    return RV_OK;
}

static void answer_applied(rv_exchange *x, int status, const rv_event *event) {
    const rv_schema *schema = rv_node_schema(x->face->options.node);
    rv_writer w = rv_writer_over(x->buffer, sizeof x->buffer);
    rv_write_text(&w, "{\"version\":");
    rv_write_uint(&w, rv_schema_version(schema));
    if (event != NULL) {
        rv_write_text(&w, ",\"position\":");
        rv_write_uint(&w, event->position);
    }
    rv_write_text(&w, ",\"hash\":");
    write_hash(&w, rv_schema_hash(schema));
    write_provisional(x, &w);
    rv_write_text(&w, "}\n");
    exchange_answer(x, status, "application/json", rv_writer_bytes(&w));
}

/* --- ?whole=true: the text is the application's whole schema --- */

static rv_status conflict(const rv_schema_difference *d, const char *how, const char *detail,
                          rv_error *err) {
    const rv_bytes kind = rv_bytes_of_string(d->kind);
    RV_ASSERT(d->name.len > 0);
    const rv_status status =
        rv_error_set(err, RV_SCHEMA_CONFLICT, detail, &kind, &d->name, &d->ours, &d->theirs);
    rv_error_fact_text(err, "difference", rv_bytes_of_string(how));
    rv_error_fact_text(err, "kind", kind);
    rv_error_fact_text(err, "name", d->name);
    return status;
}

/* True when the node's schema is not made here. */
static bool is_given(const rv_node *node) {
    return rv_node_role(node) != RV_ROLE_ROOT && rv_node_identity(node) != NULL;
}

/* The first statement of the node's schema that the text declares otherwise, or does not have: at
 * an edge that is no matter, as a root may have more by now than an application was written for. */
static rv_status find_missing(const rv_node *node, const rv_schema *given, rv_arena *scratch,
                              rv_schema_difference *d) {
    rv_schema_walk walk = {0, 0};
    rv_status status;
    do {
        status = rv_schema_compare_next(rv_node_schema(node), given, &walk, scratch, d);
    } while (status == RV_OK && d->kind != NULL && !d->changed &&
             rv_node_role(node) != RV_ROLE_ROOT);
    RV_ASSERT(status == RV_OK || status == RV_MEMORY_EXHAUSTED);
    return status;
}

/* What keeps the node's schema from being, or becoming, the `given` one. Only a root can take what
 * it does not have yet, and an edge that has not met its upstream. */
static rv_status find_conflict(rv_exchange *x, const rv_schema *given, rv_arena *scratch,
                               rv_error *err) {
    rv_node *node = x->face->options.node;
    const rv_schema *schema = rv_node_schema(node);
    rv_schema_difference d;
    rv_status status = find_missing(node, given, scratch, &d);
    if (status == RV_OK && d.kind == NULL && is_given(node) && rv_schema_version(schema) > 0) {
        status = rv_schema_compare(given, schema, scratch, &d);
        if (status == RV_OK && d.kind != NULL) {
            return conflict(&d, "unknown",
                            "the %b %b is not in the schema of this edge, which is its root's",
                            err);
        }
    }
    if (status != RV_OK) {
        return rv_error_set(err, RV_SCHEMA_TOO_LARGE, "the schema is too large to be compared");
    }
    if (d.kind == NULL) {
        return RV_OK;
    }
    if (!d.changed) {
        return conflict(&d, "missing", "the node's schema has the %b %b, the text has not", err);
    }
    return conflict(&d, "changed",
                    d.ours.len == 0
                        ? "the %b %b is another one in the node's schema, which has not%b `%b`"
                    : d.theirs.len == 0
                        ? "the %b %b is another one in the node's schema, which has `%b`, too%b"
                        : "the %b %b is another one in the node's schema: there `%b`, here `%b`",
                    err);
}

static rv_status apply(rv_exchange *x, rv_bytes text, bool check, rv_error *err) {
    rv_node *node = x->face->options.node;
    const bool provides = rv_node_role(node) != RV_ROLE_ROOT && !is_given(node);
    rv_event event;
    rv_status status = RV_OK;
    if (check) {
        status = rv_node_schema_check(node, text, err);
    } else {
        status = face_require(x, FACE_ADMIN, (rv_bytes){NULL, 0}, err);
        status = status != RV_OK ? status
                 : provides      ? rv_node_schema_provide(node, text, err)
                                 : rv_node_schema_apply(node, text, &event, err);
    }
    if (status == RV_OK && (check || provides)) {
        answer_applied(x, 200, NULL);
    } else if (status == RV_OK) {
        answer_applied(x, 201, &event);
        x->wait_sequence = event.sequence;
        x->phase = EXCHANGE_DURABLE;
    }
    return status;
}

/* The text alone is made a schema in one half of the scratch, and compared with the node's in the
 * other; what is new in it is applied. */
static rv_status apply_whole(rv_exchange *x, rv_bytes text, bool check, rv_error *err) {
    rv_node *node = x->face->options.node;
    rv_arena *scratch = &x->face->scratch;
    rv_arena arena = rv_arena_split(scratch, (scratch->cap - rv_arena_mark(scratch)) / 2);
    rv_schema *given = NULL;
    rv_status status = rv_schema_create(&given, &arena, err);
    status = status == RV_OK ? rv_schema_apply(given, text, err) : status;
    status = status == RV_OK ? find_conflict(x, given, scratch, err) : status;
    if (status != RV_OK) {
        return status;
    }
    rv_writer w = rv_writer_over(scratch->ptr + rv_arena_mark(scratch),
                                 scratch->cap - rv_arena_mark(scratch));
    rv_schema_print_new(given, rv_node_schema(node), &w);
    if (w.full) {
        return rv_error_set(err, RV_SCHEMA_TOO_LARGE, "the schema is too large to be compared");
    }
    if (w.len == 0 || is_given(node)) {
        answer_applied(x, 200, NULL);
        return RV_OK;
    }
    return apply(x, rv_writer_bytes(&w), check, err);
}

rv_status face_schema_post(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes text;
    rv_bytes value;
    bool check = false;
    bool whole = false;
    bool diff = false;
    rv_status status = rv_url_parameter(url, "check", &x->face->scratch, &value, &check, err);
    status = status == RV_OK ? face_read_flag(x, url, "whole", &whole, err) : status;
    status = status == RV_OK ? face_read_flag(x, url, "diff", &diff, err) : status;
    status = status == RV_OK ? read_text(x, &text, err) : status;
    if (status != RV_OK) {
        return status;
    }
    if (diff) {
        return face_schema_diff(x, text, err);
    }
    return whole ? apply_whole(x, text, check, err) : apply(x, text, check, err);
}
