/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: both ends of a WebSocket understand each other whatever the sizes and cuts; too large a
 * message, text, and a frame without its mask end it with the close code of RFC 6455. The
 * handshake's sums are the RFC's. Method: a client and a server joined by byte queues that take a
 * random number of bytes at a time.
 */
#include "native/handshake.h"
#include "native/websocket.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define PIPE_LEN (4u << 20)

/* One end, and the bytes on their way from it. */
typedef struct end {
    rv_websocket ws;
    uint8_t *pipe;
    size_t pipe_len;
    uint64_t *seed;
    size_t count; /* of messages that came */
    size_t len;   /* of the last one */
    uint8_t first;
} end;

static ssize_t take_some(void *ctx, const uv_buf_t *bufs, unsigned count) {
    end *const e = ctx;
    size_t taken = 0;
    const size_t most = 16 + rv_test_random(e->seed) % 5000; /* a frame's head fits */
    for (unsigned i = 0; i < count && taken < most; i++) {
        const size_t left = most - taken;
        const size_t part = bufs[i].len < left ? bufs[i].len : left;
        RV_ASSERT(e->pipe_len + part <= PIPE_LEN);
        memcpy(e->pipe + e->pipe_len, bufs[i].base, part);
        e->pipe_len += part;
        taken += part;
    }
    return (ssize_t)taken;
}

static void on_message(void *ctx, rv_bytes message) {
    end *const e = ctx;
    e->count += 1;
    e->len = message.len;
    e->first = message.len > 0 ? message.ptr[0] : 0;
}

static const rv_websocket_ops ops = {take_some, on_message};

/* Moves what `from` sent to `to`, cut at random. False: `to` says that it is over. */
static bool deliver(end *from, end *to) {
    bool good = true;
    size_t at = 0;
    while (at < from->pipe_len && good) {
        const size_t left = from->pipe_len - at;
        const size_t part = 1 + rv_test_random(from->seed) % left;
        good = rv_websocket_receive(&to->ws, rv_bytes_of(from->pipe + at, part));
        at += part;
    }
    from->pipe_len = 0;
    return good;
}

static void open_pair(end *client, end *server, uint64_t *seed) {
    rv_error err;
    *client = (end){.pipe = malloc(PIPE_LEN), .seed = seed};
    *server = (end){.pipe = malloc(PIPE_LEN), .seed = seed};
    RV_CHECK(client->pipe != NULL && server->pipe != NULL);
    RV_CHECK_STATUS(rv_websocket_open(&client->ws, true, &ops, client, &err), RV_OK);
    RV_CHECK_STATUS(rv_websocket_open(&server->ws, false, &ops, server, &err), RV_OK);
}

static void close_pair(end *client, end *server) {
    rv_websocket_free(&client->ws);
    rv_websocket_free(&server->ws);
    free(client->pipe);
    free(server->pipe);
}

RV_TEST(messages_of_every_size_pass_both_ways) {
    static uint8_t bytes[RV_WIRE_MESSAGE_MAX];
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, RV_WIRE_MESSAGE_MAX};
    uint64_t seed = 1;
    end a;
    end b;
    open_pair(&a, &b, &seed);
    RV_CHECK_PASSED();
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        end *const from = i % 2 == 0 ? &a : &b;
        end *const to = i % 2 == 0 ? &b : &a;
        const size_t before = to->count;
        bytes[0] = (uint8_t)(i + 1);
        rv_websocket_send(&from->ws, rv_bytes_of(bytes, sizes[i / 2]));
        for (int round = 0; round < 2000 && !rv_websocket_sent(&from->ws); round++) {
            RV_CHECK(rv_websocket_flush(&from->ws));
        }
        RV_CHECK(deliver(from, to));
        RV_CHECK_EQ(to->count, before + 1);
        RV_CHECK_EQ(to->len, sizes[i / 2]);
        RV_CHECK_EQ(to->first, sizes[i / 2] == 0 ? 0 : i + 1);
    }
    close_pair(&a, &b);
}

RV_TEST(a_ping_is_answered_and_a_close_is_returned) {
    uint64_t seed = 2;
    end a;
    end b;
    open_pair(&a, &b, &seed);
    RV_CHECK_PASSED();
    rv_websocket_ping(&a.ws);
    RV_CHECK(rv_websocket_flush(&a.ws));
    RV_CHECK(deliver(&a, &b));
    RV_CHECK(b.pipe_len > 0); /* the pong */
    RV_CHECK(deliver(&b, &a));
    uint8_t reason[300];
    for (size_t i = 0; i < sizeof reason; i++) {
        reason[i] = i % 2 == 0 ? 0xc3 : 0xa4; /* two bytes a character */
    }
    rv_websocket_close(&a.ws, RV_CLOSE_GOING_AWAY, rv_bytes_of(reason, sizeof reason));
    RV_CHECK_EQ(a.pipe_len, 2 + 4 + 2 + 122); /* head, mask, code, 61 characters */
    RV_CHECK(!deliver(&a, &b));
    RV_CHECK(rv_websocket_finished(&b.ws));
    RV_CHECK(rv_websocket_finished(&a.ws));
    close_pair(&a, &b);
}

/* The close code that the server answers bytes with; 0: it goes on. */
static unsigned closed_with(rv_bytes bytes) {
    uint64_t seed = 3;
    end a;
    end b;
    open_pair(&a, &b, &seed);
    const bool goes_on = rv_websocket_receive(&b.ws, bytes);
    const unsigned code = b.pipe_len >= 4 ? ((unsigned)b.pipe[2] << 8) | b.pipe[3] : 1;
    close_pair(&a, &b);
    return goes_on ? 0 : code;
}

RV_TEST(what_is_not_allowed_ends_it) {
    RV_CHECK_EQ(closed_with(RV_LITERAL("\x82\x80\x01\x02\x03\x04")), 0);
    RV_CHECK_EQ(closed_with(RV_LITERAL("\x82\x01"
                                       "a")),
                RV_CLOSE_PROTOCOL); /* no mask */
    RV_CHECK_EQ(closed_with(RV_LITERAL("\x81\x81\x00\x00\x00\x00"
                                       "a")),
                RV_CLOSE_UNSUPPORTED); /* text */
    uint8_t large[15] = {0x82, 0xff};  /* its length, no mask to speak of, its first byte */
    for (unsigned i = 0; i < 8; i++) {
        large[2 + i] = (uint8_t)((uint64_t)(RV_WIRE_MESSAGE_MAX + 1) >> (56 - 8 * i));
    }
    RV_CHECK_EQ(closed_with(rv_bytes_of(large, sizeof large)), RV_CLOSE_TOO_BIG);
    RV_CHECK_EQ(closed_with(RV_LITERAL("\xc2\x80\x00\x00\x00\x00")), RV_CLOSE_PROTOCOL); /* RSV1 */
}

RV_TEST(the_handshake_is_the_one_of_the_rfc) {
    const rv_bytes key = RV_LITERAL("dGhlIHNhbXBsZSBub25jZQ==");
    char accept[RV_HANDSHAKE_ACCEPT_LEN + 1];
    rv_handshake_accept(key, accept);
    RV_CHECK_TEXT(rv_bytes_of_string(accept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    RV_CHECK(rv_handshake_key_valid(key));
    RV_CHECK(!rv_handshake_key_valid(RV_LITERAL("dGhlIHNhbXBsZSBub25jZQ=")));
    RV_CHECK(!rv_handshake_key_valid(RV_LITERAL("dGhlIHNhbXBsZSBub25jZQ!!")));
    RV_CHECK(!rv_handshake_key_valid((rv_bytes){0}));
    uint8_t random[16] = "the sample nonce";
    char made[RV_HANDSHAKE_KEY_LEN + 1];
    rv_handshake_key(random, made);
    RV_CHECK_TEXT(key, made);
}

RV_TEST(tokens_are_found_in_lists) {
    RV_CHECK(rv_handshake_list_has(RV_LITERAL("a, rivulet.v1 ,b"), "rivulet.v1", false));
    RV_CHECK(rv_handshake_list_has(RV_LITERAL("WebSocket"), "websocket", true));
    RV_CHECK(!rv_handshake_list_has(RV_LITERAL("WebSocket"), "websocket", false));
    RV_CHECK(!rv_handshake_list_has(RV_LITERAL("rivulet.v10, xrivulet.v1"), "rivulet.v1", false));
    RV_CHECK(!rv_handshake_list_has((rv_bytes){0}, "a", false));
}

static ssize_t take_nothing(void *ctx, const uv_buf_t *bufs, unsigned count) {
    RV_ASSERT(ctx != NULL && bufs != NULL && count > 0);
    return 0;
}

/* A peer that pings and reads nothing: what would answer it does not wait without end. */
RV_TEST(pings_of_who_reads_nothing) {
    static const rv_websocket_ops deaf = {take_nothing, on_message};
    uint64_t seed = 1;
    end client, server;
    rv_error err;
    open_pair(&client, &server, &seed);
    rv_websocket_free(&server.ws);
    RV_CHECK_STATUS(rv_websocket_open(&server.ws, false, &deaf, &server, &err), RV_OK);
    int pings = 0;
    bool good = true;
    for (; pings < 1000 && good; pings++) {
        rv_websocket_ping(&client.ws);
        while (!rv_websocket_sent(&client.ws)) { /* it takes some bytes each time */
            RV_CHECK(rv_websocket_flush(&client.ws));
        }
        good = deliver(&client, &server);
    }
    RV_CHECK(!good && pings > 3 && pings < 100);
    close_pair(&client, &server);
}

int main(void) {
    RV_RUN(messages_of_every_size_pass_both_ways);
    RV_RUN(a_ping_is_answered_and_a_close_is_returned);
    RV_RUN(what_is_not_allowed_ends_it);
    RV_RUN(the_handshake_is_the_one_of_the_rfc);
    RV_RUN(tokens_are_found_in_lists);
    RV_RUN(pings_of_who_reads_nothing);
    return rv_test_done();
}
