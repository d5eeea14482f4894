/* SPDX-License-Identifier: Apache-2.0 */
/* GET and PUT /selection: what an edge holds, and what it is to hold. */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/engine/decide.h"
#include "core/model/json.h"
#include "sync/edge.h"

void face_write_selection(const rv_selection *selection, rv_writer *w) {
    uint8_t text[RV_PATH_LEN_MAX + 128];
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    rv_write_u8(w, '[');
    for (size_t i = 0; i < selection->count; i++) {
        rv_writer entry = rv_writer_over(text, sizeof text);
        rv_select_print(&selection->entries[i], &entry);
        RV_ASSERT(!entry.full);
        rv_write_text(w, i == 0 ? "" : ",");
        rv_write_json_string(w, rv_writer_bytes(&entry));
    }
    rv_write_u8(w, ']');
}

/* Why the upstream did not take what it was asked for. */
static void write_refused(const rv_error *refused, rv_writer *w) {
    RV_ASSERT(refused != NULL);
    if (refused->status == RV_OK) {
        rv_write_text(w, "null");
        return;
    }
    rv_write_u8(w, '{');
    rv_error_write_members(refused, w);
    rv_write_u8(w, '}');
}

void face_write_past(const rv_face *face, rv_writer *w) {
    const rv_node_fill fill = rv_node_fill_of(face->options.node);
    if (!fill.active) {
        rv_write_text(w, "null");
        return;
    }
    rv_edge_status status = {.past_refused.status = RV_OK};
    if (face->options.edge != NULL) {
        rv_edge_status_of(face->options.edge, &status);
    }
    rv_write_text(w, "{\"filled_to\":");
    rv_write_uint(w, fill.after);
    rv_write_text(w, ",\"until\":");
    rv_write_uint(w, fill.until);
    rv_write_text(w, ",\"refused\":");
    write_refused(&status.past_refused, w);
    rv_write_u8(w, '}');
    RV_ASSERT(fill.after <= fill.until);
}

void face_write_purge(const rv_face *face, rv_writer *w) {
    const rv_node_purge purge = rv_node_purge_of(face->options.node);
    if (!purge.due && purge.rewritten == 0) {
        rv_write_text(w, "null");
        return;
    }
    rv_write_text(w, purge.due ? "{\"due\":true" : "{\"due\":false");
    rv_write_text(w, ",\"segment\":");
    rv_write_uint(w, purge.segment);
    rv_write_text(w, ",\"segments\":");
    rv_write_uint(w, purge.segments);
    rv_write_text(w, ",\"rewritten\":");
    rv_write_uint(w, purge.rewritten);
    rv_write_text(w, ",\"freed\":");
    rv_write_uint(w, purge.freed);
    rv_write_text(w, ",\"failure\":");
    write_refused(purge.failure, w);
    rv_write_u8(w, '}');
    RV_ASSERT(purge.segment <= purge.segments);
}

rv_status face_selection_get(rv_exchange *x, rv_error *err) {
    rv_node *const node = x->face->options.node;
    rv_writer w;
    const rv_status status = exchange_writer(x, true, &w);
    if (status != RV_OK) {
        return status;
    }
    rv_write_text(&w, "{\"selection\":");
    face_write_selection(rv_node_selection(node), &w);
    rv_write_text(&w, ",\"wanted\":");
    face_write_selection(rv_node_selection_wanted(node), &w);
    rv_write_text(&w, face_is_whole(node) ? ",\"whole\":true" : ",\"whole\":false");
    rv_write_text(&w, ",\"position\":");
    rv_write_uint(&w, rv_node_watermark(node));
    rv_write_text(&w, ",\"past\":");
    face_write_past(x->face, &w);
    rv_write_text(&w, ",\"purge\":");
    face_write_purge(x->face, &w);
    rv_edge_status edge = {.selection_refused.status = RV_OK};
    if (x->face->options.edge != NULL) {
        rv_edge_status_of(x->face->options.edge, &edge);
    }
    rv_write_text(&w, ",\"refused\":");
    write_refused(&edge.selection_refused, &w);
    rv_write_text(&w, "}\n");
    if (w.full) {
        return rv_error_set(err, RV_SQL_LIMIT, "the selection is larger than an answer can be");
    }
    exchange_answer(x, 200, "application/json", rv_writer_bytes(&w));
    return RV_OK;
}

static rv_status no_entries(rv_error *err) {
    return rv_error_set(err, RV_REQUEST_INVALID,
                        "a selection is an array of 1 to %u texts, such as "
                        "[\"/accounts/42/**\", \"/orders/* history none\"]",
                        (uint64_t)RV_SELECTION_ENTRIES_MAX);
}

/* An array of texts, which stay in the body or in scratch. */
static rv_status read_entries(rv_exchange *x, rv_bytes *entries, size_t *count, rv_error *err) {
    rv_json json = rv_json_over(x->request.body, &x->face->scratch);
    rv_json_token token;
    rv_status status = rv_json_next(&json, &token, err);
    *count = 0;
    if (status == RV_OK && token.kind != RV_JSON_ARRAY_BEGIN) {
        return no_entries(err);
    }
    while (status == RV_OK && *count <= RV_SELECTION_ENTRIES_MAX) {
        status = rv_json_next(&json, &token, err);
        if (status != RV_OK || token.kind == RV_JSON_ARRAY_END) {
            break;
        }
        if (token.kind != RV_JSON_STRING || *count == RV_SELECTION_ENTRIES_MAX) {
            return no_entries(err);
        }
        entries[*count] = token.text;
        *count += 1;
    }
    status = status == RV_OK ? rv_json_next(&json, &token, err) : status;
    RV_ASSERT(*count <= RV_SELECTION_ENTRIES_MAX);
    return status == RV_OK && token.kind != RV_JSON_END ? no_entries(err) : status;
}

rv_status face_selection_put(rv_exchange *x, rv_error *err) {
    rv_bytes entries[RV_SELECTION_ENTRIES_MAX];
    size_t count = 0;
    rv_node *const node = x->face->options.node;
    rv_status status = RV_OK;
    if (x->made == 0) {
        status = face_require(x, FACE_ADMIN, (rv_bytes){NULL, 0}, err);
        if (status == RV_OK && rv_node_role(node) == RV_ROLE_ROOT) {
            status = rv_error_set(err, RV_REQUEST_INVALID,
                                  "a root holds everything, and selects nothing");
        }
        status = status == RV_OK ? read_entries(x, entries, &count, err) : status;
        status = status == RV_OK ? rv_node_select(node, entries, count, err) : status;
        x->made = status == RV_OK ? rv_node_decisions_made(node) : 0;
    }
    status = status == RV_OK ? exchange_wait_durable(x, err) : status;
    return status == RV_OK ? face_selection_get(x, err) : status;
}
