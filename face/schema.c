/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /schema. */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/model/json.h"

static void write_hash(rv_writer *w, rv_hash128 hash) {
    rv_write_u8(w, '"');
    rv_hash128_write(hash, w);
    rv_write_u8(w, '"');
}

rv_status face_schema_get(rv_exchange *x, rv_error *err) {
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
    rv_write_text(&w, "}\n");
    exchange_answer(x, status, "application/json", rv_writer_bytes(&w));
}

rv_status face_schema_post(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_node *node = x->face->options.node;
    rv_bytes text;
    rv_bytes value;
    bool check = false;
    rv_status status = rv_url_parameter(url, "check", &x->face->scratch, &value, &check, err);
    status = status == RV_OK ? read_text(x, &text, err) : status;
    if (status != RV_OK) {
        return status;
    }
    if (check) {
        status = rv_node_schema_check(node, text, err);
        if (status == RV_OK) {
            answer_applied(x, 200, NULL);
        }
        return status;
    }
    rv_event event;
    status = rv_node_schema_apply(node, text, &event, err);
    if (status == RV_OK) {
        answer_applied(x, 201, &event);
        x->wait_sequence = event.sequence;
        x->phase = EXCHANGE_DURABLE;
    }
    return status;
}
