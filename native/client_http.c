/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 over a blocking socket, kept alive between requests; answers are read with llhttp. */
#include "native/client_http.h"

#include "cli/buffer.h"
#include "native/address.h"
#include "native/tls_socket.h"

#include <errno.h>
#include <llhttp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct client_http {
    rv_client client;
    rv_address address;
    int fd;
    rv_tls_config *config; /* NULL: without TLS */
    rv_tls_socket *secure; /* the same */
    rv_bytes token;        /* empty: none */
    rv_cli_buffer head;    /* of the request */
    llhttp_t parser;
    bool fresh; /* connected, and nothing sent yet */
    bool head_done;
    bool done;
    rv_bytes piece;
    size_t input_start;
    size_t input_len;
    uint8_t input[128 * 1024];
} client_http;

static const char *scheme(const client_http *c) {
    return c->address.secure ? "https" : "http";
}

static rv_status unreachable(const client_http *c, const char *why, rv_error *err) {
    return rv_error_set(err, RV_NODE_UNREACHABLE, "cannot connect to %s://%s:%s: %s", scheme(c),
                        c->address.host, c->address.port, why);
}

static void disconnect(client_http *c) {
    if (c->fd >= 0) {
        if (c->secure != NULL) {
            rv_tls_socket_close(c->secure);
        }
        close(c->fd);
        c->fd = -1;
    }
}

/* The socket is connected: shakes hands. */
static rv_status tls_begin(client_http *c, rv_error *err) {
    rv_error why;
    RV_ASSERT(c->fd >= 0);
    const rv_status status = rv_tls_socket_open(c->secure, c->fd, c->config, c->address.host, &why);
    if (status == RV_OK) {
        return RV_OK;
    }
    const bool untrusted = status == RV_CERTIFICATE_UNTRUSTED;
    disconnect(c);
    return rv_error_set(err, untrusted ? status : RV_NODE_UNREACHABLE,
                        "cannot connect to https://%s:%s: %s%s", c->address.host, c->address.port,
                        untrusted ? "its certificate " : "", why.detail);
}

static rv_status connect_node(client_http *c, rv_error *err) {
    RV_ASSERT(c->fd < 0);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(c->address.host, c->address.port, &hints, &found);
    if (failed != 0) {
        return unreachable(c, gai_strerror(failed), err);
    }
    int error = 0;
    for (const struct addrinfo *a = found; a != NULL && c->fd < 0; a = a->ai_next) {
        const int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            c->fd = fd;
        } else {
            error = errno;
            if (fd >= 0) {
                close(fd);
            }
        }
    }
    freeaddrinfo(found);
    if (c->fd < 0) {
        return unreachable(c, strerror(error), err);
    }
    const int on = 1;
    const int delayed = setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    RV_ASSERT(delayed == 0);
    c->input_start = c->input_len = 0;
    c->fresh = true;
    return c->secure == NULL ? RV_OK : tls_begin(c, err);
}

/* --- sending --- */

static void add_header(rv_cli_buffer *head, const char *name, rv_bytes value) {
    if (value.len > 0) {
        rv_cli_buffer_add_text(head, name);
        rv_cli_buffer_add_text(head, ": ");
        rv_cli_buffer_add(head, value);
        rv_cli_buffer_add_text(head, "\r\n");
    }
}

static void write_head(client_http *c, const rv_request *request) {
    char length[32];
    rv_writer w = rv_writer_over(length, sizeof length);
    rv_write_uint(&w, request->body.len);
    rv_cli_buffer *const head = &c->head;
    head->len = 0;
    rv_cli_buffer_add(head, request->method);
    rv_cli_buffer_add_text(head, " ");
    rv_cli_buffer_add(head, request->target);
    const bool v6 = strchr(c->address.host, ':') != NULL;
    rv_cli_buffer_add_text(head, v6 ? " HTTP/1.1\r\nHost: [" : " HTTP/1.1\r\nHost: ");
    rv_cli_buffer_add_text(head, c->address.host);
    rv_cli_buffer_add_text(head, v6 ? "]:" : ":");
    rv_cli_buffer_add_text(head, c->address.port);
    rv_cli_buffer_add_text(head, "\r\n");
    add_header(head, "Content-Type", request->content_type);
    add_header(head, "Accept", request->accept);
    add_header(head, "X-Event-Type", request->event_type);
    add_header(head, "Expected-Version", request->expected_version);
    add_header(head, "Idempotency-Key", request->idempotency_key);
    add_header(head, "Durability", request->durability);
    add_header(head, "Last-Event-ID", request->last_event_id);
    add_header(head, "X-Event-Metadata", request->metadata);
    if (c->token.len > 0) {
        rv_cli_buffer_add_text(head, "Authorization: Bearer ");
        rv_cli_buffer_add(head, c->token);
        rv_cli_buffer_add_text(head, "\r\n");
    }
    if (request->body.len > 0 || rv_bytes_are(request->method, "POST")) {
        add_header(head, "Content-Length", rv_writer_bytes(&w));
    }
    rv_cli_buffer_add_text(head, "\r\n");
}

static bool send_request(const client_http *c, rv_bytes body) {
    if (c->secure != NULL) {
        return rv_tls_socket_send(c->secure, rv_bytes_of(c->head.ptr, c->head.len)) &&
               rv_tls_socket_send(c->secure, body);
    }
    struct iovec parts[2] = {{c->head.ptr, c->head.len}, {(void *)(uintptr_t)body.ptr, body.len}};
    unsigned first = 0;
    while (first < 2) {
        const struct msghdr message = {.msg_iov = parts + first, .msg_iovlen = 2 - first};
        const ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        size_t left = sent < 0 ? 0 : (size_t)sent;
        while (first < 2 && left >= parts[first].iov_len) {
            left -= parts[first].iov_len;
            first += 1;
        }
        if (first < 2) {
            parts[first].iov_base = (uint8_t *)parts[first].iov_base + left;
            parts[first].iov_len -= left;
        }
    }
    return true;
}

/* --- receiving --- */

static int on_head(llhttp_t *parser) {
    client_http *const c = parser->data;
    c->head_done = true;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
    client_http *const c = parser->data;
    c->piece = rv_bytes_of(at, len);
    return len > 0 ? HPE_PAUSED : HPE_OK; /* gone on without input, there is nothing of it */
}

static int on_complete(llhttp_t *parser) {
    client_http *const c = parser->data;
    c->done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* Reads until the head is there, a piece came, or the answer is over. */
static rv_status receive(client_http *c, rv_error *err) {
    RV_ASSERT(c->fd >= 0);
    c->piece = (rv_bytes){0};
    const bool had_head = c->head_done;
    while (!c->done && c->piece.len == 0 && c->head_done == had_head) {
        const bool paused = llhttp_get_errno(&c->parser) == HPE_PAUSED;
        if (c->input_start == c->input_len && !paused) { /* (a pause may hide the end) */
            const ssize_t count = c->secure != NULL
                                      ? rv_tls_socket_receive(c->secure, c->input, sizeof c->input)
                                      : recv(c->fd, c->input, sizeof c->input, 0);
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count == 0 && llhttp_message_needs_eof(&c->parser) && c->head_done) {
                c->done = true;
                return RV_OK;
            }
            if (count <= 0) {
                return rv_error_set(err, c->head_done ? RV_NODE_UNREACHABLE : RV_OUTCOME_UNKNOWN,
                                    "the connection to %s://%s:%s ended before the answer%s%s",
                                    scheme(c), c->address.host, c->address.port,
                                    count < 0 ? ": " : "", count < 0 ? strerror(errno) : "");
            }
            c->input_start = 0;
            c->input_len = (size_t)count;
        }
        const char *const start = (const char *)c->input + c->input_start;
        if (paused) {
            llhttp_resume(&c->parser);
        }
        const llhttp_errno_t error =
            llhttp_execute(&c->parser, start, c->input_len - c->input_start);
        if (error != HPE_OK && error != HPE_PAUSED) {
            return rv_error_set(err, RV_NODE_UNREACHABLE,
                                "%s://%s:%s does not answer as a node does: %s", scheme(c),
                                c->address.host, c->address.port, llhttp_errno_name(error));
        }
        c->input_start = error == HPE_OK
                             ? c->input_len
                             : (size_t)(llhttp_get_error_pos(&c->parser) - (char *)c->input);
    }
    return RV_OK;
}

static void parser_start(client_http *c) {
    llhttp_init(&c->parser, HTTP_RESPONSE, &settings);
    c->parser.data = c;
    c->head_done = c->done = false;
    c->piece = (rv_bytes){0};
}

static rv_status http_begin(rv_client *client, const rv_request *request, int *http,
                            rv_error *err) {
    client_http *const c = (client_http *)client;
    RV_ASSERT(http != NULL);
    if (c->fd >= 0 && !c->fresh && (!c->done || !llhttp_should_keep_alive(&c->parser))) {
        disconnect(c);
    }
    rv_status status = c->fd < 0 ? connect_node(c, err) : RV_OK;
    if (status != RV_OK) {
        return status;
    }
    c->fresh = false;
    parser_start(c);
    write_head(c, request);
    const bool sent = send_request(c, request->body);
    int sending = errno;
    status = receive(c, err); /* also after a failure: the node may have said why */
    if (status != RV_OK) {
        disconnect(c);
        return sent ? status : unreachable(c, strerror(sending), err);
    }
    *http = c->parser.status_code;
    return RV_OK;
}

static rv_status http_next(rv_client *client, rv_bytes *piece, rv_error *err) {
    client_http *const c = (client_http *)client;
    RV_ASSERT(piece != NULL);
    if (c->done) {
        return RV_END;
    }
    const rv_status status = receive(c, err);
    if (status != RV_OK) {
        disconnect(c);
        c->done = true;
        return status;
    }
    *piece = c->piece;
    return c->done && c->piece.len == 0 ? RV_END : RV_OK;
}

static void client_free(client_http *c) {
    rv_tls_config_drop(c->config);
    free(c->secure);
    free(c);
}

static rv_status http_close(rv_client *client, rv_error *err) {
    client_http *const c = (client_http *)client;
    (void)err;
    RV_ASSERT(c != NULL);
    disconnect(c);
    rv_cli_buffer_free(&c->head);
    client_free(c);
    return RV_OK;
}

static rv_status tls_prepare(client_http *c, const char *ca_file, rv_error *err) {
    RV_ASSERT(c->address.secure);
    c->secure = calloc(1, sizeof *c->secure);
    return c->secure == NULL ? rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory")
                             : rv_tls_config_client(&c->config, ca_file, err);
}

rv_status rv_client_http_open(rv_client **client, const rv_client_options *options, rv_error *err) {
    static const rv_client_ops ops = {http_begin, http_next, http_close};
    RV_ASSERT(options->url != NULL);
    client_http *const c = calloc(1, sizeof *c);
    *client = NULL;
    if (c == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory");
    }
    c->client.ops = &ops;
    c->fd = -1;
    c->token = options->token;
    rv_status status = rv_address_read(options->url, RV_ADDRESS_HTTP, &c->address, err);
    if (status == RV_OK && c->address.secure) {
        status = tls_prepare(c, options->ca_file, err);
    }
    if (status == RV_OK) {
        status = connect_node(c, err);
    }
    if (status != RV_OK) {
        client_free(c);
        return status;
    }
    *client = &c->client;
    return RV_OK;
}
