/* SPDX-License-Identifier: Apache-2.0 */
#include "native/response.h"

#include "core/base/assert.h"
#include "native/problem.h"

static void write_line(rv_writer *w, const char *name, const char *value) {
    RV_ASSERT(name != NULL);
    RV_ASSERT(value != NULL);
    rv_write_text(w, name);
    rv_write_text(w, ": ");
    rv_write_text(w, value);
    rv_write_text(w, "\r\n");
}

void rv_response_write_origin(rv_writer *w, rv_bytes allow_origin, bool varies) {
    RV_ASSERT(w != NULL);
    if (varies) {
        write_line(w, "Vary", "Origin");
    }
    if (allow_origin.len > 0) {
        rv_write_text(w, "Access-Control-Allow-Origin: ");
        rv_write(w, allow_origin);
        rv_write_text(w, "\r\n");
        write_line(w, "Access-Control-Expose-Headers",
                   "Allow, ETag, Retry-After, Rivulet-As-Of, Rivulet-Stale");
    }
}

/* What the API takes; docs/http.md lists the same. */
static void write_preflight(rv_writer *w) {
    write_line(w, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE");
    write_line(w, "Access-Control-Allow-Headers",
               "Content-Type, X-Event-Type, XEvent-Type, Expected-Version, Idempotency-Key, "
               "Durability, Last-Event-ID, X-Event-Metadata, If-None-Match, Authorization");
    write_line(w, "Access-Control-Max-Age", "600");
}

/* How the body's end is found; 204 and 304 have none. */
static void write_framing(rv_writer *w, const rv_response *r) {
    const rv_response_head *const head = r->head;
    if (head->status == 204 || head->status == 304) {
        return;
    }
    if (head->content_type != NULL) {
        write_line(w, "Content-Type", head->content_type);
    }
    if (head->length_known) {
        rv_write_text(w, "Content-Length: ");
        rv_write_uint(w, head->length);
        rv_write_text(w, "\r\n");
    } else if (r->chunked) {
        write_line(w, "Transfer-Encoding", "chunked");
    }
}

void rv_response_write(rv_writer *w, const rv_response *r) {
    const rv_response_head *const head = r->head;
    RV_ASSERT(head->status >= 200);
    RV_ASSERT(!r->chunked || !head->length_known);
    rv_write_text(w, "HTTP/1.1 ");
    rv_write_uint(w, (uint64_t)head->status);
    rv_write_text(w, " ");
    rv_write_text(w, rv_http_reason(head->status));
    rv_write_text(w, "\r\n");
    write_framing(w, r);
    write_line(w, "X-Content-Type-Options", "nosniff");
    if (head->feed) {
        write_line(w, "Cache-Control", "no-store");
    }
    if (r->etag != NULL) {
        write_line(w, "Cache-Control", "no-cache");
        write_line(w, "ETag", r->etag);
    }
    if (head->allow != NULL) {
        write_line(w, "Allow", head->allow);
    }
    if (head->status == 401) {
        write_line(w, "WWW-Authenticate", "Bearer");
    }
    if (head->past) {
        rv_write_text(w, "Rivulet-As-Of: ");
        rv_write_uint(w, head->as_of);
        rv_write_text(w, "\r\n");
    }
    if (head->stale > 0) {
        rv_write_text(w, "Rivulet-Stale: ");
        rv_write_uint(w, head->stale);
        rv_write_text(w, "\r\n");
    }
    rv_response_write_origin(w, r->allow_origin, r->varies);
    if (r->preflight) {
        write_preflight(w);
    }
    if (!r->keep_alive) {
        write_line(w, "Connection", "close");
    } else if (!r->http_1_1) {
        write_line(w, "Connection", "keep-alive");
    }
    rv_write_text(w, "\r\n");
    RV_ASSERT(!w->full);
}
