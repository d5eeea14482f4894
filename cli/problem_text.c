/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/problem_text.h"

#include "cli/json_text.h"
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/json.h"
#include "face/problem.h"

#include <stdio.h>
#include <string.h>

static const char *hint_of(rv_status status) {
    static const struct {
        rv_status status;
        const char *text;
    } hints[] = {
        {RV_DATA_DAMAGED, "what is intact can be read: read, query and status with --data"},
        {RV_DATA_NEWER, "use the version of rivulet that wrote it, or a newer one"},
        {RV_NODE_UNREACHABLE, "is it running? start it with `rivulet serve`"},
        {RV_CERTIFICATE_UNTRUSTED, "certificates that vouch for it: --ca FILE"},
        {RV_STATE_FULL, "give it more memory with --memory"},
        {RV_MEMORY_EXHAUSTED, "give it more memory with --memory"},
        {RV_UNAUTHENTICATED, "give one: --token-file FILE, or RIVULET_TOKEN"},
        {RV_SCHEMA_DUPLICATE,
         "if the node has it: `rivulet schema diff FILE` prints what is new, and `schema apply "
         "--whole` applies just that"},
        {RV_SCHEMA_CONFLICT, "`rivulet schema diff FILE` prints what is declared otherwise"},
        {RV_UNKNOWN_STREAM, "`rivulet schema show` lists the streams that are declared"},
        {RV_UNKNOWN_EVENT_TYPE, "`rivulet schema show` lists the event types"},
        {RV_UNKNOWN_FIELD, "`rivulet schema show` lists the event type's fields"},
        {RV_VERSION_CONFLICT, "read the stream again and decide anew"},
        {RV_SQL_READ_ONLY, "aggregates change by events only: `rivulet append`"},
        {RV_NOT_CONNECTED, "`rivulet status` says why the upstream is not connected"},
        {RV_OUTBOX_FULL, "`rivulet pending` and `rivulet rejections` list what fills it"},
        {RV_NO_KEYS, "give the new row's key in the data, or try again with a connection"},
        {RV_OUTCOME_UNKNOWN, "repeat it with the same --event-id"},
        {RV_STORAGE_FULL, "free some space on the disk: the node takes appends again by itself"},
        {RV_READ_ONLY, "`rivulet status` says why"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        if (hints[i].status == status) {
            return hints[i].text;
        }
    }
    return NULL;
}

static void print(const char *code, rv_bytes detail, rv_status status) {
    RV_ASSERT(code != NULL);
    fprintf(stderr, "rivulet: %s: %.*s\n", code, (int)detail.len, (const char *)detail.ptr);
    const char *const hint = status == RV_STATUS_COUNT ? NULL : hint_of(status);
    if (hint != NULL) {
        fprintf(stderr, "  hint: %s\n", hint);
    }
}

void rv_problem_text_error(bool json, const rv_error *err) {
    RV_ASSERT(err->status != RV_OK);
    if (!json) { /* that a node has no token it says itself */
        const bool own = err->status == RV_UNAUTHENTICATED;
        print(rv_status_code(err->status), rv_error_detail(err),
              own ? RV_STATUS_COUNT : err->status);
        return;
    }
    uint8_t bytes[8192];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_problem_write(&w, rv_status_http(err->status) < 400 ? 500 : rv_status_http(err->status),
                     err);
    RV_ASSERT(!w.full);
    fwrite(bytes, 1, w.len, stderr);
}

/* Copies a member's text without what could move a terminal's cursor. */
static void copy_text(rv_bytes text, char *out, size_t cap) {
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < cap; i++) {
        out[len++] = text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? '?' : (char)text.ptr[i];
    }
    out[len] = '\0';
}

rv_status rv_problem_text_body(bool json, rv_bytes body) {
    uint8_t memory[4096];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_json parser = rv_json_over(body, &scratch);
    char code[64] = "unknown";
    char detail[2048] = "the answer is not a problem that is known here";
    rv_json_token token;
    rv_error err;
    rv_status status = rv_json_next(&parser, &token, &err);
    while (status == RV_OK && token.kind != RV_JSON_END) {
        const bool key = token.kind == RV_JSON_KEY;
        const bool is_code = key && rv_bytes_are(token.text, "code");
        const bool is_detail = key && rv_bytes_are(token.text, "detail");
        status = rv_json_next(&parser, &token, &err);
        if (status == RV_OK && token.kind == RV_JSON_STRING && is_code) {
            copy_text(token.text, code, sizeof code);
        } else if (status == RV_OK && token.kind == RV_JSON_STRING && is_detail) {
            copy_text(token.text, detail, sizeof detail);
        }
    }
    if (json) {
        fwrite(body.ptr, 1, body.len, stderr);
    } else {
        print(code, rv_bytes_of_string(detail), rv_status_of_code(code));
    }
    return rv_status_of_code(code);
}

/* The member `offset` of a problem; false: it has none within the statement. */
static bool offset_of(rv_bytes body, size_t len, size_t *offset) {
    rv_bytes text;
    if (!rv_json_text_member(body, "offset", &text) || text.len == 0 || text.len > 9) {
        return false;
    }
    *offset = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        *offset = *offset * 10 + (text.ptr[i] - '0');
    }
    return *offset <= len;
}

void rv_problem_text_place(rv_bytes body, rv_bytes statement) {
    size_t offset = 0;
    if (!offset_of(body, statement.len, &offset)) {
        return;
    }
    size_t begin = 0;
    unsigned line = 1;
    for (size_t i = 0; i < offset; i++) {
        if (statement.ptr[i] == '\n') {
            begin = i + 1;
            line++;
        }
    }
    size_t end = offset;
    while (end < statement.len && statement.ptr[end] != '\n') {
        end++;
    }
    RV_ASSERT(begin <= offset && offset <= end);
    char shown[512];
    copy_text(rv_bytes_of(statement.ptr + begin, end - begin), shown, sizeof shown);
    size_t before = 0;
    if (!rv_utf8_valid(rv_bytes_of(statement.ptr + begin, offset - begin), &before)) {
        return;
    }
    fprintf(stderr, "  line %u, column %zu\n", line, before + 1);
    if (end - begin < sizeof shown) {
        fprintf(stderr, "    %s\n    %*s^\n", shown, (int)before, "");
    }
}
