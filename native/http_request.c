/* SPDX-License-Identifier: Apache-2.0 */
#include "native/http_request.h"

#include <string.h>
#include <strings.h>

static rv_http_request *of_parser(llhttp_t *parser) {
    RV_ASSERT(parser->data != NULL);
    return parser->data;
}

static int refuse(rv_http_request *r, int http, rv_status status, const char *detail) {
    RV_ASSERT(http >= 400);
    r->error_http = http;
    rv_error_set(&r->error, status, "%s", detail);
    return HPE_USER;
}

/* Counts bytes of the head; HPE_OK or the refusal. */
static int head_count(rv_http_request *r, size_t len) {
    r->head_len += len;
    if (r->head_len > RV_HEAD_LEN_MAX) {
        return refuse(r, 431, RV_REQUEST_TOO_LARGE,
                      "the request's line and headers are longer than 16384 bytes");
    }
    return HPE_OK;
}

/* Appends to the text that ends the store. */
static void store_append(rv_http_request *r, rv_bytes *text, const void *at, size_t len) {
    RV_ASSERT(text->len == 0 || text->ptr + text->len == r->store + r->store_len);
    RV_ASSERT(len <= r->store_cap - r->store_len);
    if (text->len == 0) {
        text->ptr = r->store + r->store_len;
    }
    memcpy(r->store + r->store_len, at, len);
    r->store_len += len;
    text->len += len;
}

static int on_message_begin(llhttp_t *parser) {
    of_parser(parser)->started = true;
    return HPE_OK;
}

static int on_url(llhttp_t *parser, const char *at, size_t len) {
    rv_http_request *const r = of_parser(parser);
    const int refused = head_count(r, len);
    if (refused == HPE_OK) {
        store_append(r, &r->target, at, len);
    }
    return refused;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len) {
    rv_http_request *const r = of_parser(parser);
    if (r->in_value) {
        r->in_value = false;
        r->name_len = 0;
    }
    for (size_t i = 0; i < len && r->name_len + i < sizeof r->name; i++) {
        r->name[r->name_len + i] = at[i];
    }
    r->name_len += len;
    return head_count(r, len + 4); /* with colon, space and line end */
}

/* The member for the header whose name was read; NULL when it means nothing here. */
static rv_bytes *known_header(rv_http_request *r) {
    static const struct {
        const char *name;
        size_t offset;
    } known[] = {
#define KNOWN_HEADER(member, name) {name, offsetof(rv_http_headers, member)},
        RV_HTTP_HEADERS(KNOWN_HEADER)
#undef KNOWN_HEADER
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        RV_ASSERT(strlen(known[i].name) < sizeof r->name);
        if (strlen(known[i].name) == r->name_len &&
            strncasecmp(known[i].name, r->name, r->name_len) == 0) {
            return (rv_bytes *)(void *)((uint8_t *)&r->headers + known[i].offset);
        }
    }
    return NULL;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len) {
    rv_http_request *const r = of_parser(parser);
    if (!r->in_value) {
        r->in_value = true;
        r->value = known_header(r);
        if (r->value != NULL && r->value->len > 0) { /* again: a list, as RFC 9110 5.3 joins it */
            const rv_bytes before = *r->value;
            if (head_count(r, before.len + 2) != HPE_OK) {
                return HPE_USER;
            }
            *r->value = (rv_bytes){0};
            store_append(r, r->value, before.ptr, before.len);
            store_append(r, r->value, ", ", 2);
        }
    }
    const int refused = head_count(r, len);
    if (refused == HPE_OK && r->value != NULL) {
        store_append(r, r->value, at, len);
    }
    return refused;
}

static bool is_text(rv_bytes value, const char *text) {
    const size_t len = strlen(text);
    return value.len == len && strncasecmp((const char *)value.ptr, text, len) == 0;
}

/* What the request asks for that is not to be had; HPE_OK or the refusal. */
static int check_wishes(rv_http_request *r) {
    const rv_bytes expect = r->headers.expect;
    const rv_bytes encoding = r->headers.content_encoding;
    if (expect.len > 0 && !is_text(expect, "100-continue")) {
        return refuse(r, 417, RV_REQUEST_INVALID,
                      "the only expectation that is met is `100-continue`");
    }
    if (encoding.len > 0 && !is_text(encoding, "identity")) {
        return refuse(r, 415, RV_MEDIA_UNSUPPORTED,
                      "bodies are taken as they are, without a `Content-Encoding`");
    }
    return HPE_OK;
}

static int on_headers_complete(llhttp_t *parser) {
    rv_http_request *const r = of_parser(parser);
    r->body = r->store + r->store_len;
    r->body_cap = r->store_cap - r->store_len;
    r->upgrade = parser->upgrade != 0;
    r->keep_alive = llhttp_should_keep_alive(parser) != 0 && parser->method != HTTP_CONNECT;
    const bool http_1_1 = parser->http_minor >= 1;
    if (parser->http_major != 1) {
        return refuse(r, 505, RV_REQUEST_INVALID, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    }
    if (http_1_1 && r->headers.host.ptr == NULL && r->headers.host.len == 0) {
        return refuse(r, 400, RV_REQUEST_INVALID, "an HTTP/1.1 request needs a Host header");
    }
    const int refused = check_wishes(r);
    if (refused != HPE_OK) {
        return refused;
    }
    r->expects_continue = r->headers.expect.len > 0 && http_1_1;
    const bool chunked = (parser->flags & F_CHUNKED) != 0;
    const uint64_t length = (parser->flags & F_CONTENT_LENGTH) != 0 ? parser->content_length : 0;
    if (length > RV_REQUEST_BODY_MAX) {
        return refuse(r, 413, RV_REQUEST_TOO_LARGE, "the body is longer than 4194304 bytes");
    }
    r->body_len_needed = chunked ? RV_REQUEST_BODY_MAX : length > r->body_cap ? (size_t)length : 0;
    r->expects_continue = r->expects_continue && (chunked || length > 0);
    r->paused = RV_HTTP_HEAD;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
    rv_http_request *const r = of_parser(parser);
    RV_ASSERT(r->body != NULL);
    if (len > r->body_cap - r->body_len) {
        return refuse(r, 413, RV_REQUEST_TOO_LARGE, "the body is longer than 4194304 bytes");
    }
    memcpy(r->body + r->body_len, at, len);
    r->body_len += len;
    return HPE_OK;
}

static int on_message_complete(llhttp_t *parser) {
    of_parser(parser)->paused = RV_HTTP_DONE;
    return HPE_PAUSED;
}

static const llhttp_settings_t request_settings = {
    .on_message_begin = on_message_begin,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void rv_http_request_init(rv_http_request *request, uint8_t *store) {
    RV_ASSERT(request != NULL);
    RV_ASSERT(store != NULL);
    *request = (rv_http_request){.store = store, .store_cap = RV_REQUEST_LEN};
    llhttp_init(&request->parser, HTTP_REQUEST, &request_settings);
    request->parser.data = request;
}

void rv_http_request_reset(rv_http_request *request) {
    RV_ASSERT(request->store != NULL);
    request->store_len = request->head_len = request->name_len = 0;
    request->value = NULL;
    request->in_value = request->started = false;
    request->headers = (rv_http_headers){0};
    request->target = (rv_bytes){0};
    request->body = NULL;
    request->body_len = request->body_cap = request->body_len_needed = 0;
    request->expects_continue = request->upgrade = request->keep_alive = false;
}

void rv_http_request_body_to(rv_http_request *request, uint8_t *body, size_t cap) {
    RV_ASSERT(request->body_len == 0);
    RV_ASSERT(cap >= request->body_len_needed);
    request->body = body;
    request->body_cap = request->body_len_needed;
}

rv_http_event rv_http_request_feed(rv_http_request *request, rv_bytes input, size_t *used) {
    RV_ASSERT(request->store != NULL);
    RV_ASSERT(used != NULL);
    llhttp_t *const parser = &request->parser;
    const char *const start = (const char *)input.ptr;
    size_t at = 0;
    if (llhttp_get_errno(parser) == HPE_PAUSED) {
        llhttp_resume(parser);
    }
    request->paused = RV_HTTP_MORE;
    llhttp_errno_t error = llhttp_execute(parser, start, input.len);
    if (error == HPE_PAUSED_UPGRADE) { /* after the request whose upgrade was not taken */
        at = (size_t)(llhttp_get_error_pos(parser) - start);
        llhttp_resume_after_upgrade(parser);
        error = llhttp_execute(parser, start + at, input.len - at);
    }
    if (error == HPE_OK) {
        *used = input.len;
        return RV_HTTP_MORE;
    }
    if (error == HPE_PAUSED) {
        RV_ASSERT(request->paused != RV_HTTP_MORE);
        *used = (size_t)(llhttp_get_error_pos(parser) - start);
        return request->paused;
    }
    if (request->error_http == 0) { /* not refused here: llhttp's own finding */
        const char *const reason = llhttp_get_error_reason(parser);
        request->error_http = 400;
        rv_error_set(&request->error, RV_REQUEST_INVALID, "malformed HTTP request: %s",
                     reason == NULL ? llhttp_errno_name(error) : reason);
    }
    *used = input.len;
    return RV_HTTP_REFUSED;
}

const char *rv_http_request_method(const rv_http_request *request) {
    RV_ASSERT(request != NULL);
    return llhttp_method_name((llhttp_method_t)request->parser.method);
}
