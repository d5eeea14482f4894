/* SPDX-License-Identifier: Apache-2.0 */
#include "native/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PIECE_ROOM 16 /* before a piece, for a chunk's size line */

/* A connection's buffers, which are what the protocol in use needs. */
static size_t connection_len(const rv_server *server) {
    const size_t plain = RV_INPUT_LEN + RV_REQUEST_LEN + RV_OUTPUT_LEN;
    return rv_server_secure(server) ? plain - RV_OUTPUT_LEN + RV_TLS_SEALED_LEN + RV_TLS_PLAIN_LEN
                                    : plain;
}

/* Hands the mapped memory out: the shared buffers, then each connection's. */
static void buffers_divide(rv_server *server) {
    rv_arena arena = rv_arena_over(server->memory, server->memory_len);
    /* these first, on pages of their own */
    server->buffers = rv_arena_take_raw(&arena, server->connections_max * connection_len(server));
    RV_ASSERT(server->buffers != NULL);
    server->receive = rv_arena_take_raw(&arena, RV_OUTPUT_LEN);
    server->piece = rv_arena_take_raw(&arena, PIECE_ROOM + RV_PIECE_LEN_MAX);
    if (rv_server_secure(server)) {
        server->plain = rv_arena_take_raw(&arena, RV_TLS_PLAIN_LEN);
        server->sealed = rv_arena_take_raw(&arena, RV_TLS_SEALED_LEN);
    }
    for (unsigned i = 0; i < RV_LARGE_COUNT; i++) {
        server->large[i].bytes = rv_arena_take_raw(&arena, RV_REQUEST_BODY_MAX);
        RV_ASSERT(server->large[i].bytes != NULL);
    }
    for (unsigned i = 0; i < server->connections_max; i++) {
        server->order[i] = &server->connections[i]; /* which stay untouched until they are needed */
    }
}

static rv_status memory_take(rv_server *s, rv_error *err) {
    RV_ASSERT(s->memory == NULL);
    s->memory_len = RV_OUTPUT_LEN * 2 + RV_LARGE_COUNT * (size_t)RV_REQUEST_BODY_MAX +
                    s->connections_max * connection_len(s) +
                    (rv_server_secure(s) ? RV_TLS_PLAIN_LEN + RV_TLS_SEALED_LEN : 0);
    s->connections = calloc(s->connections_max, sizeof *s->connections);
    s->order = calloc(s->connections_max, sizeof(rv_connection *));
    void *const memory =
        mmap(NULL, s->memory_len, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); /* few of them are ever used */
    s->memory = memory == MAP_FAILED ? NULL : memory;
    if (s->connections == NULL || s->order == NULL || s->memory == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for connections");
    }
    buffers_divide(s);
    return RV_OK;
}

/* As many as there are to be, or as leave enough of the process's files to the log: where it cannot
 * open one it takes no more writes. The others wait to be accepted. */
static uint32_t connections_max(uint32_t edges) {
    const uint32_t wanted = RV_CONNECTIONS_BESIDE + edges;
    struct rlimit limit;
    RV_ASSERT(edges > 0 && edges <= RV_EDGES_MAX);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted + RV_FILES_BESIDE) {
        return wanted;
    }
    return limit.rlim_cur > RV_FILES_BESIDE + RV_CONNECTIONS_MIN
               ? (uint32_t)limit.rlim_cur - RV_FILES_BESIDE
               : RV_CONNECTIONS_MIN;
}

rv_status rv_server_create(rv_server **server, uv_loop_t *loop, const rv_server_options *options,
                           rv_error *err) {
    RV_ASSERT(server != NULL);
    RV_ASSERT(options->instance->face != NULL);
    *server = NULL;
    rv_server *const s = calloc(1, sizeof *s);
    if (s == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for the server");
    }
    s->loop = loop;
    s->instance = options->instance;
    s->connections_max =
        connections_max(options->edges_max > 0 ? options->edges_max : RV_EDGES_DEFAULT);
    rv_status status = rv_access_init(&s->access, &options->access, err);
    if (status == RV_OK) {
        status = rv_public_open(&s->shown, options->public_directory, err);
    }
    if (status == RV_OK) {
        status = rv_tls_identity_open(&s->identity, options->cert_file, options->key_file, err);
        s->access.secure = rv_server_secure(s);
    }
    if (status == RV_OK) {
        status = memory_take(s, err);
    }
    if (status != RV_OK) {
        rv_server_free(s);
        return status;
    }
    *server = s;
    return RV_OK;
}

/* --- listening --- */

/* Splits "ADDRESS:PORT" and reads it as IPv4 or IPv6. */
static bool address_read(const char *text, struct sockaddr_storage *address) {
    RV_ASSERT(text != NULL);
    char host[64];
    const char *const colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        return false;
    }
    char *end;
    const long port = strtol(colon + 1, &end, 10);
    size_t len = (size_t)(colon - text);
    if (*end != '\0' || port < 0 || port > 65535 || len >= sizeof host) {
        return false;
    }
    const bool brackets = text[0] == '[' && text[len - 1] == ']';
    len = brackets ? len - 2 : len;
    memcpy(host, text + (brackets ? 1 : 0), len);
    host[len] = '\0';
    if (strcmp(host, "localhost") == 0) {
        memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
    }
    return brackets ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)address) == 0
                    : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)address) == 0;
}

/* 127.0.0.0/8, ::1, and the former written as IPv6. */
static bool is_loopback(const struct sockaddr_storage *name) {
    const struct sockaddr_in *const v4 = (const struct sockaddr_in *)name;
    const struct sockaddr_in6 *const v6 = (const struct sockaddr_in6 *)name;
    RV_ASSERT(name->ss_family == AF_INET || name->ss_family == AF_INET6);
    if (name->ss_family == AF_INET) {
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
}

/* Changes two places of the order. */
static void swap(rv_server *server, uint32_t a, uint32_t b) {
    rv_connection *const first = server->order[a];
    RV_ASSERT(a < server->connections_max && b < server->connections_max);
    server->order[a] = server->order[b];
    server->order[a]->order = a;
    server->order[b] = first;
    first->order = b;
}

static void accept_next(rv_server *server) {
    RV_ASSERT(server->open_count < server->connections_max);
    rv_connection *const c = server->order[server->open_count];
    rv_connection_init(
        c, server, server->buffers + (size_t)(c - server->connections) * connection_len(server));
    c->order = server->open_count;
    server->open_count += 1;
    swap(server, c->order, server->http_count);
    server->http_count += 1;
    rv_server_to_asked(server, c);
    rv_connection_accept(c);
}

void rv_server_to_waiting(rv_server *server, rv_connection *connection) {
    RV_ASSERT(connection->order < server->http_count);
    if (connection->order < server->asked_count) {
        server->asked_count -= 1;
        swap(server, connection->order, server->asked_count);
    }
}

void rv_server_to_asked(rv_server *server, rv_connection *connection) {
    RV_ASSERT(connection->order < server->http_count);
    if (connection->order >= server->asked_count) {
        swap(server, connection->order, server->asked_count);
        server->asked_count += 1;
    }
}

void rv_server_to_sync(rv_server *server, rv_connection *connection) {
    RV_ASSERT(connection->order < server->http_count);
    rv_server_to_waiting(server, connection); /* which lie beside them */
    server->http_count -= 1;
    swap(server, connection->order, server->http_count);
}

void rv_server_release(rv_server *server, rv_connection *connection) {
    RV_ASSERT(connection->order < server->open_count);
    if (connection->order < server->http_count) {
        rv_server_to_sync(server, connection);
    }
    server->open_count -= 1;
    swap(server, connection->order, server->open_count);
}

static void on_connection(uv_stream_t *listener, int failed) {
    rv_server *const server = listener->data;
    if (failed != 0 || server->stopping) {
        return;
    }
    if (server->open_count == server->connections_max) {
        server->accept_waits = true; /* it stays in the backlog until one is free */
        return;
    }
    accept_next(server);
}

static rv_status name_read(const char *address, struct sockaddr_storage *name, rv_error *err) {
    RV_ASSERT(address != NULL);
    return address_read(address, name)
               ? RV_OK
               : rv_error_set(err, RV_PARAMETER_INVALID,
                              "`%s` is not an address to listen on: write it as 127.0.0.1:5678 or "
                              "[::1]:5678",
                              address);
}

rv_status rv_server_address_check(const char *address, bool *loopback, rv_error *err) {
    struct sockaddr_storage name = {0};
    const rv_status status = name_read(address, &name, err);
    RV_ASSERT(loopback != NULL);
    *loopback = status == RV_OK && is_loopback(&name);
    return status;
}

rv_status rv_server_listen(rv_server *server, const char *address, rv_error *err) {
    RV_ASSERT(!server->listening);
    struct sockaddr_storage name = {0};
    const rv_status status = name_read(address, &name, err);
    if (status != RV_OK) {
        return status;
    }
    int failed = uv_tcp_init(server->loop, &server->listener);
    RV_ASSERT(failed == 0);
    server->listener.data = server;
    server->listening = true;
    failed = uv_tcp_bind(&server->listener, (const struct sockaddr *)&name, 0);
    if (failed == 0) {
        failed = uv_listen((uv_stream_t *)&server->listener, RV_BACKLOG, on_connection);
    }
    int len = sizeof name;
    if (failed == 0) {
        failed = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&name, &len);
    }
    if (failed != 0) {
        return rv_error_set(err, RV_BUSY, "cannot listen on %s: %s", address, uv_strerror(failed));
    }
    const struct sockaddr_in *const v4 = (const struct sockaddr_in *)&name;
    const struct sockaddr_in6 *const v6 = (const struct sockaddr_in6 *)&name;
    server->port = ntohs(name.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
    server->access.loopback = is_loopback(&name);
    return RV_OK;
}

/* --- running --- */

void rv_server_ask(rv_server *server, bool moved, int64_t now) {
    RV_ASSERT(server != NULL);
    server->again = server->starved = false;
    if (server->accept_waits && !server->stopping && server->open_count < server->connections_max) {
        server->accept_waits = false;
        accept_next(server);
    }
    rv_connection_wake(server);
    for (uint32_t i = server->asked_count; i > 0; i--) { /* one that leaves them was asked */
        rv_connection *const c = server->order[i - 1];
        if (c->state != RV_CONNECTION_CLOSING) {
            rv_connection_ask(c, moved, now);
        }
    }
    rv_upstream_shared *const upstream = server->instance->upstream;
    for (uint32_t i = rv_upstream_look(upstream, now); i > 0; i--) {
        rv_connection *const c = rv_upstream_next_asked(upstream);
        if (c == NULL) {
            break;
        }
        rv_connection_sync_ask(c, now);
    }
}

void rv_server_tick(rv_server *server, int64_t now) {
    RV_ASSERT(server != NULL);
    const uint64_t now_ms = uv_now(server->loop);
    for (unsigned i = 0; i < server->open_count; i++) {
        rv_connection *const c = server->order[i];
        if (c->state != RV_CONNECTION_CLOSING) {
            rv_connection_tick(c, now_ms);
        }
        if (c->state == RV_CONNECTION_SYNC && rv_upstream_deadline(c->session) <= now) {
            rv_connection_sync_ask(c, now);
        }
    }
    for (uint32_t i = server->http_count; i > server->asked_count; i--) { /* for heartbeats */
        rv_connection *const c = server->order[i - 1];
        if (c->state != RV_CONNECTION_CLOSING) {
            rv_connection_ask(c, true, now);
        }
    }
    rv_server_ask(server, true, now);
}

rv_status rv_server_renew(rv_server *server, rv_error *err) {
    RV_ASSERT(server != NULL);
    return rv_tls_identity_look(&server->identity, uv_now(server->loop), err);
}

int64_t rv_server_deadline(const rv_server *server) {
    RV_ASSERT(server != NULL);
    return rv_upstream_shared_deadline(server->instance->upstream);
}

/* --- stopping --- */

void rv_server_stop(rv_server *server) {
    RV_ASSERT(!server->stopping);
    server->stopping = true;
    if (server->listening) {
        uv_close((uv_handle_t *)&server->listener, NULL);
    }
    for (unsigned i = 0; i < server->open_count; i++) {
        rv_connection *const c = server->order[i];
        if (c->state != RV_CONNECTION_CLOSING) {
            rv_connection_stop(c);
        }
    }
}

void rv_server_abort(rv_server *server) {
    RV_ASSERT(server->stopping);
    for (unsigned i = 0; i < server->open_count; i++) {
        rv_connection *const c = server->order[i];
        if (c->state != RV_CONNECTION_CLOSING) {
            rv_connection_close(c);
        }
    }
}

bool rv_server_idle(const rv_server *server) {
    RV_ASSERT(server->open_count <= server->connections_max);
    return server->open_count == 0;
}

void rv_server_free(rv_server *server) {
    RV_ASSERT(rv_server_idle(server));
    if (server->memory != NULL) {
        const int failed = munmap(server->memory, server->memory_len);
        RV_ASSERT(failed == 0);
    }
    rv_public_close(&server->shown);
    rv_tls_identity_close(&server->identity);
    free(server->order);
    free(server->connections);
    free(server);
}

rv_large *rv_server_take_large(rv_server *server) {
    RV_ASSERT(server != NULL);
    for (unsigned i = 0; i < RV_LARGE_COUNT; i++) {
        if (!server->large[i].taken) {
            server->large[i].taken = true;
            return &server->large[i];
        }
    }
    return NULL;
}

void rv_server_give_large(rv_server *server, rv_large *large) {
    RV_ASSERT(large >= server->large && large < server->large + RV_LARGE_COUNT);
    RV_ASSERT(large->taken);
    large->taken = false;
}
