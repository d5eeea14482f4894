/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request handler over a root on a memory host, with SQL, asked in process: a request in, the
 * whole answer out.
 */
#ifndef RV_TESTS_FACE_SERVER_H
#define RV_TESTS_FACE_SERVER_H

#include "face/face.h"
#include "tests/unit/digest.h"
#include "tests/unit/node_fixture.h"

#define ANSWER_MAX  ((size_t)1 << 20)
#define FACE_MEMORY ((size_t)16 << 20)

/* Of every server: 0, queries run in one piece. */
static uint64_t server_steps_slice;
static uint32_t server_exchanges = 4;
static rv_edge *server_edge; /* NULL: it is a root's */

#define PAST_MEMORY ((size_t)8 << 20)

typedef struct server {
    fixture f;
    uint8_t *memory;
    uint8_t *past; /* memory for answers from the past */
    uint8_t *answer;
    rv_sql *sql;
    rv_face *face;
    rv_response_head head;
    rv_bytes body;
} server;

/* There is none when the server has none. */
static inline void *server_past(void *ctx, size_t size) {
    RV_ASSERT(size == PAST_MEMORY);
    return ctx;
}

static const rv_face_memory_ops server_memory = {.take = server_past};

/* Over an open node, which becomes the server's. */
static inline server server_over(fixture f) {
    server s = {.f = f,
                .memory = malloc(FACE_MEMORY),
                .past = malloc(PAST_MEMORY),
                .answer = malloc(ANSWER_MAX)};
    rv_arena arena = rv_arena_over(s.memory, FACE_MEMORY);
    const rv_sql_options sql = {.schema = rv_node_schema(s.f.node),
                                .state = rv_node_state(s.f.node),
                                .node = s.f.node,
                                .memory = 4u << 20,
                                .steps_max = 1000000,
                                .steps_slice = server_steps_slice};
    rv_error err;
    if (rv_sql_create(&s.sql, &sql, &arena, &err) != RV_OK) {
        abort();
    }
    const rv_face_options options = {.node = s.f.node,
                                     .sql = s.sql,
                                     .edge = server_edge,
                                     .exchanges_max = server_exchanges,
                                     .result_count = 2,
                                     .result_len_max = 64u << 10,
                                     .version = "test",
                                     .guard = &rv_face_guard,
                                     .digest = &test_digest,
                                     .past = {.memory = &server_memory,
                                              .ctx = s.past,
                                              .memory_size = PAST_MEMORY,
                                              .sql_steps_max = 1000000}};
    if (rv_face_create(&s.face, &options, &arena, &err) != RV_OK) {
        abort();
    }
    return s;
}

static inline server server_create(uint64_t seed) {
    return server_over(fixture_root(seed));
}

static inline void server_free(server *s) {
    rv_face_close(s->face);
    rv_sql_destroy(s->sql);
    fixture_free(&s->f);
    free(s->memory);
    free(s->past);
    free(s->answer);
}

/* What holds nothing between two calls may be anything. */
static inline void spoil(server *s) {
    rv_unused unused = {.count = 0};
    rv_node_unused(s->f.node, &unused);
    rv_face_unused(s->face, &unused);
    fixture_spoil(&unused, false);
}

/* Reads the body in pieces of `piece` bytes until it ends or, of a feed, waits. */
static inline void read_body(server *s, rv_exchange *x, size_t piece) {
    static uint8_t part[70000];
    size_t len = 0;
    rv_status status = RV_OK;
    while (status == RV_OK) {
        rv_writer w = rv_writer_over(part, piece);
        status = rv_exchange_body(x, 0, &w);
        if (len + w.len > ANSWER_MAX) {
            abort();
        }
        memcpy(s->answer + len, part, w.len);
        len += w.len;
        spoil(s);
        if (status == RV_PENDING && !s->head.feed) {
            fixture_poll(s->f.node);
            status = RV_OK;
        }
    }
    s->body = rv_bytes_of(s->answer, len);
}

static inline int ask(server *s, const rv_request *request) {
    rv_exchange *x = NULL;
    rv_error err;
    if (rv_face_begin(s->face, request, &x, &err) != RV_OK) {
        return 0;
    }
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_exchange_head(x, &s->head);
        fixture_poll(s->f.node);
        spoil(s);
    }
    read_body(s, x, 66000);
    rv_face_end(x);
    return s->head.status;
}

static inline int get(server *s, const char *target) {
    const rv_request request = {.method = RV_LITERAL("GET"), .target = rv_bytes_of_string(target)};
    return ask(s, &request);
}

static inline int post(server *s, const char *target, const char *type, const char *body) {
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = rv_bytes_of_string(target),
                                .content_type = RV_LITERAL("application/json"),
                                .event_type = rv_bytes_of_string(type),
                                .body = rv_bytes_of_string(body)};
    return ask(s, &request);
}

static inline bool has(const server *s, const char *text) {
    const size_t len = strlen(text);
    for (size_t i = 0; i + len <= s->body.len; i++) {
        if (memcmp(s->body.ptr + i, text, len) == 0) {
            return true;
        }
    }
    fprintf(stderr, "no `%s` in: %.*s\n", text, (int)s->body.len, (const char *)s->body.ptr);
    return false;
}

/* How often `text` stands in the body. */
static inline size_t times(const server *s, const char *text) {
    const size_t len = strlen(text);
    size_t count = 0;
    for (size_t i = 0; i + len <= s->body.len; i++) {
        count += memcmp(s->body.ptr + i, text, len) == 0;
    }
    return count;
}

static inline size_t lines(const server *s) {
    size_t count = 0;
    for (size_t i = 0; i < s->body.len; i++) {
        count += s->body.ptr[i] == '\n';
    }
    return count;
}

#endif
