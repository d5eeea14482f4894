/* SPDX-License-Identifier: Apache-2.0 */
/* Whose request it is, and what it may ask for: see face/guard.h. */
#include "face/guard.h"

#include "core/base/assert.h"
#include "core/engine/refusal.h"
#include "core/engine/token.h"
#include "face/face_internal.h"

/* The token of "Bearer TOKEN"; empty: there is none. */
static rv_bytes bearer(rv_bytes header) {
    static const char scheme[] = "bearer ";
    const size_t len = sizeof scheme - 1;
    bool is = header.len > len;
    for (size_t i = 0; is && i < len; i++) {
        const uint8_t c = header.ptr[i];
        is = (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) == scheme[i];
    }
    RV_ASSERT(!is || header.ptr != NULL);
    return is ? rv_bytes_from(header, len) : (rv_bytes){NULL, 0};
}

rv_status rv_face_knows(const rv_face *face, rv_bytes authorization, rv_error *err) {
    uint8_t digest[RV_DIGEST_SIZE];
    rv_access_token token;
    RV_ASSERT(face->options.guard != NULL);
    const rv_status status = rv_node_token_admit(face->options.node, face->options.digest,
                                                 bearer(authorization), digest, &token, err);
    return status == RV_END ? RV_OK : status; /* there are no tokens */
}

static rv_status admit(rv_exchange *x, const rv_url *url, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    const rv_bytes place = url->segment_count > 0 ? url->segments[0] : (rv_bytes){NULL, 0};
    rv_access_token token;
    x->principal_len = 0;
    x->tokens_generation = rv_node_tokens_generation(node);
    x->judged_at = rv_node_now(node);
    if (rv_bytes_are(place, "healthz") || rv_bytes_are(place, "readyz")) {
        return RV_OK;
    }
    const rv_status status = rv_node_token_admit(
        node, x->face->options.digest, bearer(x->request.authorization), x->digest, &token, err);
    if (status == RV_END) {
        return RV_OK; /* there are no tokens: the node is open */
    }
    if (status == RV_OK) {
        x->guarded = true;
        x->principal_len = token.name.len;
        memcpy(x->principal, token.name.ptr, token.name.len);
    }
    RV_ASSERT(x->principal_len <= sizeof x->principal);
    return status;
}

/* The stream is named where its key is to be assigned, or is in the data. */
static bool may_write(const rv_exchange *x, const rv_access_token *token, rv_bytes what) {
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    uint8_t text[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_arena *const scratch = &x->face->scratch;
    RV_ASSERT(what.len > 0);
    if (what.ptr[0] != '/') {
        const rv_stream *const stream = rv_schema_stream_named(schema, what);
        return stream == NULL || /* there is none to be written */
               rv_token_may_write_all(token, &stream->path);
    }
    const size_t mark = rv_arena_mark(scratch);
    const rv_status status = rv_event_path_canonical(schema, what, scratch, &w);
    rv_arena_reset(scratch, mark);
    return status == RV_OK && !w.full && rv_token_may_write(token, rv_writer_bytes(&w));
}

static bool reads_log(const rv_access_token *token) {
    rv_path_pattern all;
    const rv_status status = rv_path_pattern_parse(RV_LITERAL("/**"), &all, NULL);
    RV_ASSERT(status == RV_OK);
    return rv_token_may_read_all(token, &all);
}

static rv_status require(const rv_exchange *x, face_right right, rv_bytes what, rv_error *err) {
    static const char *const texts[] = {
        "the token of `%b` is good",
        "`%b` is no administrator of this node",
        "the token of `%b` may not read %b",
        "the token of `%b` may not write %b",
        "the token of `%b` may not read rows of %b",
        "the token of `%b` may not read every stream, which this tells of"};
    static const char *const names[] = {"known", "admin", "read", "write", "rows", "log"};
    const rv_node *const node = x->face->options.node;
    rv_access_token token;
    RV_ASSERT(right <= FACE_LOG);
    if (!x->guarded) {
        return x->tokens_generation != rv_node_tokens_generation(node) &&
                       rv_node_token_count(node) > 0
                   ? rv_error_set(err, RV_UNAUTHENTICATED, "the node asks for tokens by now")
                   : RV_OK;
    }
    rv_status status = rv_node_token_find(node, x->digest, x->judged_at, &token, err);
    if (status != RV_OK) {
        return status;
    }
    const bool may = right == FACE_KNOWN   ? true
                     : right == FACE_ADMIN ? token.admin
                     : right == FACE_READ  ? rv_token_may_read(&token, what)
                     : right == FACE_WRITE ? may_write(x, &token, what)
                     : right == FACE_ROWS  ? rv_token_may_read_rows(&token, what)
                                           : reads_log(&token);
    if (may) {
        return RV_OK;
    }
    status = rv_error_set(err, RV_FORBIDDEN, texts[right], &token.name, &what);
    rv_error_fact_text(err, "right", rv_bytes_of_string(names[right]));
    if (right > FACE_ADMIN && right < FACE_LOG) {
        rv_error_fact_text(err, right == FACE_ROWS ? "aggregate" : "path", what);
    }
    return status;
}

static bool reads_all(const rv_exchange *x, const rv_path_pattern *pattern) {
    rv_access_token token;
    RV_ASSERT(pattern->text.len > 0);
    return !x->guarded || (rv_node_token_find(x->face->options.node, x->digest, x->judged_at,
                                              &token, NULL) == RV_OK &&
                           rv_token_may_read_all(&token, pattern));
}

static void narrow(const rv_exchange *x, rv_error *refusal) {
    const rv_node *const node = x->face->options.node;
    rv_access_token token;
    RV_ASSERT(refusal->status != RV_OK);
    if (x->guarded) {
        const bool found = rv_node_token_find(node, x->digest, x->judged_at, &token, NULL) == RV_OK;
        rv_refusal_narrow(node, found ? &token : NULL, refusal);
    }
}

const rv_guard rv_face_guard = {admit, require, reads_all, narrow, face_tokens};
