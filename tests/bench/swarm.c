/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/swarm.h"

#include "sync/timing.h"
#include "sync/wire_base.h"
#include "tests/bench/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX    (RV_WIRE_MESSAGE_MAX + 16u)
#define REPORT_EVERY 0.1  /* seconds: as sync/timing.h */
#define PING_AFTER   10.0 /* the same */
#define AT_ONCE      256  /* handshakes under way: less than a backlog */

static const char upgrade[] = "GET /sync HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
                              "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                              "Sec-WebSocket-Protocol: rivulet.v1\r\n\r\n";

/* --- sending --- */

static void send_all(const swarm_edge *e, const uint8_t *bytes, size_t len) {
    size_t sent = 0;
    while (sent < len) { /* small messages: the socket's buffer has room */
        const ssize_t n = send(e->fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            bench_fail("an edge's connection is gone");
        }
        sent += n > 0 ? (size_t)n : 0;
    }
}

/* A frame of a client, masked with zeros. */
static void send_frame(const swarm_edge *e, unsigned opcode, rv_bytes payload) {
    uint8_t frame[2048];
    size_t at = 0;
    if (payload.len > sizeof frame - 8) {
        bench_fail("a message is larger than expected");
    }
    frame[at++] = (uint8_t)(0x80u | opcode);
    if (payload.len < 126) {
        frame[at++] = (uint8_t)(0x80u | payload.len);
    } else {
        frame[at++] = 0x80u | 126u;
        frame[at++] = (uint8_t)(payload.len >> 8);
        frame[at++] = (uint8_t)payload.len;
    }
    memset(frame + at, 0, 4);
    at += 4;
    memcpy(frame + at, payload.ptr, payload.len);
    send_all(e, frame, at + payload.len);
}

/* The text with the edge's number in it. */
static rv_bytes text_of(const swarm *s, const swarm_edge *e, const char *format) {
    static char text[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, (unsigned)(e - s->edges));
#pragma GCC diagnostic pop
    return rv_bytes_of_string(text);
}

static void send_hello(const swarm *s, const swarm_edge *e) {
    uint8_t bytes[1024];
    const unsigned index = (unsigned)(e - s->edges);
    const bool rows = s->selects.pattern == NULL;
    rv_wire_hello hello = {.version_min = RV_WIRE_VERSION_MIN,
                           .version_max = RV_WIRE_VERSION_MAX,
                           .schema_version = 0,
                           .credit = RV_SYNC_CREDIT,
                           .batch_bytes = RV_SYNC_BATCH_MAX,
                           .features = rows ? RV_WIRE_FEATURE_SELECTION : 0,
                           .pattern_count = rows ? 0 : 1};
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    memcpy(hello.node_id, &index, sizeof index);
    hello.node_id[15] = 1;
    if (!rows) {
        hello.patterns[0] = text_of(s, e, s->selects.pattern);
    }
    rv_wire_write_hello(&w, &hello);
    send_frame(e, 2, rv_writer_bytes(&w));
}

static void send_selection(const swarm *s, const swarm_edge *e) {
    uint8_t bytes[1024];
    static rv_wire_selection m = {.changed = true, .selection = {.count = 1}};
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    m.selection.entries[0] = (rv_select){.kind = RV_SELECT_AGGREGATE,
                                         .history = RV_HISTORY_NONE,
                                         .name = rv_bytes_of_string(s->selects.aggregate),
                                         .filter = text_of(s, e, s->selects.filter)};
    rv_wire_write_selection(&w, &m);
    send_frame(e, 2, rv_writer_bytes(&w));
}

static void send_progress(swarm_edge *e) {
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    const rv_wire_progress p = {e->watermark, 0, 0};
    rv_wire_write_progress(&w, &p);
    send_frame(e, 2, rv_writer_bytes(&w));
    e->reported = e->watermark;
}

static void send_credit(swarm_edge *e) {
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_credit(&w, e->credit_used);
    send_frame(e, 2, rv_writer_bytes(&w));
    e->credit_used = 0;
}

static void send_ping(const swarm_edge *e, rv_wire_kind kind, uint64_t nonce) {
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_ping(&w, kind, nonce);
    send_frame(e, 2, rv_writer_bytes(&w));
}

/* --- receiving --- */

static void give_back(swarm_edge *e, size_t message_len) {
    e->credit_used += message_len + RV_SYNC_MESSAGE_COST;
    if (e->credit_used > RV_SYNC_CREDIT / 2) {
        send_credit(e);
    }
}

static void take_events(swarm *s, swarm_edge *e, rv_bytes body, size_t message_len) {
    rv_cursor c = rv_cursor_over(body);
    rv_wire_events head;
    if (!rv_wire_read_events(&c, &head)) {
        bench_fail("an events message is malformed");
    }
    (void)rv_read_u8(&c); /* its shape */
    const uint64_t count = rv_read_varint(&c);
    e->events += count;
    s->events += count;
    e->seen = e->heard;
    e->watermark = head.continues ? e->watermark : head.watermark;
    give_back(e, message_len);
}

/* Rows: those that there are, or some that changed. */
static void take_rows(swarm *s, swarm_edge *e, rv_wire_kind kind, rv_bytes body,
                      size_t message_len) {
    rv_wire_base base;
    if (kind == RV_WIRE_BASE && rv_wire_read_base(body, &base, NULL) != RV_OK) {
        bench_fail("a base is malformed");
    }
    if (kind == RV_WIRE_CHANGES) {
        e->events += 1;
        e->seen = e->heard;
    } else if (base.last) {
        s->live += !e->live;
        e->live = true;
    }
    give_back(e, message_len);
}

static void take_message(swarm *s, swarm_edge *e, rv_bytes message) {
    static const rv_compression none = {0};
    const rv_writer inflated = {0};
    rv_wire_kind kind = RV_WIRE_HELLO;
    rv_bytes body;
    rv_error err;
    rv_wire_progress p;
    uint64_t nonce = 0;
    s->messages += 1;
    if (rv_wire_open(message, &none, &inflated, &kind, &body, &err) != RV_OK) {
        bench_fail("a message is malformed");
    }
    if (kind == RV_WIRE_WELCOME) {
        e->live = s->selects.pattern != NULL;
        s->live += e->live;
        if (!e->live) {
            send_selection(s, e);
        }
    } else if (kind == RV_WIRE_EVENTS) {
        take_events(s, e, body, message.len);
    } else if (kind == RV_WIRE_BASE || kind == RV_WIRE_CHANGES) {
        take_rows(s, e, kind, body, message.len);
    } else if (kind == RV_WIRE_PROGRESS && rv_wire_read_progress(body, &p, NULL) == RV_OK) {
        e->watermark = p.watermark;
    } else if (kind == RV_WIRE_PING && rv_wire_read_ping(body, &nonce, NULL) == RV_OK) {
        send_ping(e, RV_WIRE_PONG, nonce);
    } else if (kind != RV_WIRE_PONG) {
        bench_fail("the upstream sent what is not expected");
    }
}

/* Takes one frame off the bytes; 0: it is not whole. */
static size_t take_frame(swarm *s, swarm_edge *e, const uint8_t *bytes, size_t len) {
    size_t at = 2;
    uint64_t size = len < 2 ? 0 : bytes[1];
    const size_t more = size < 126 ? 0 : size == 126 ? 2 : 8;
    if (len < at + more) {
        return 0;
    }
    size = more > 0 ? 0 : size;
    for (size_t i = 0; i < more; i++) {
        size = size << 8 | bytes[at++];
    }
    if (size > FRAME_MAX) {
        bench_fail("a frame is too large");
    }
    if (len - at < size) {
        return 0;
    }
    const rv_bytes payload = rv_bytes_of(bytes + at, (size_t)size);
    const unsigned opcode = bytes[0] & 0x0fu;
    if (opcode == 2) {
        take_message(s, e, payload);
    } else if (opcode == 9) {
        send_frame(e, 10, payload);
    } else if (opcode == 8) {
        bench_fail("the upstream closed a connection");
    }
    return at + (size_t)size;
}

/* The handshake's answer: its end, or 0. */
static size_t take_answer(const uint8_t *bytes, size_t len) {
    for (size_t i = 3; i < len; i++) {
        if (memcmp(bytes + i - 3, "\r\n\r\n", 4) == 0) {
            if (memcmp(bytes, "HTTP/1.1 101", 12) != 0) {
                fprintf(stderr, "%.*s\n", (int)len, (const char *)bytes);
                bench_fail("the upstream refused an edge");
            }
            return i + 1;
        }
    }
    return 0;
}

static void receive(swarm *s, swarm_edge *e) {
    memcpy(s->received, e->left, e->left_len);
    const ssize_t n = recv(e->fd, s->received + e->left_len, FRAME_MAX, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        bench_fail("the upstream closed a connection");
    }
    size_t len = e->left_len + (n > 0 ? (size_t)n : 0), at = 0, used = 1;
    e->bytes += n > 0 ? (uint64_t)n : 0;
    e->heard = now_seconds();
    while (at < len && used > 0) {
        used =
            e->open ? take_frame(s, e, s->received + at, len - at) : take_answer(s->received, len);
        e->open = e->open || used > 0;
        at += used;
    }
    len -= at;
    e->left = len > 0 ? realloc(e->left, len) : e->left;
    e->left_len = len;
    if (len > 0) {
        memcpy(e->left, s->received + at, len);
    }
}

/* Looks at as many edges as are due, so that each has its turn every REPORT_EVERY seconds. */
static void look(swarm *s) {
    const double now = now_seconds();
    size_t due = (size_t)((now - s->looked) / REPORT_EVERY * (double)s->count);
    due = due < s->count ? due : s->count;
    for (size_t i = 0; i < due; i++) {
        swarm_edge *const e = &s->edges[s->next];
        s->next = s->next + 1 < s->count ? s->next + 1 : 0;
        if (!e->live) {
            continue;
        }
        if (e->watermark > e->reported) {
            send_progress(e);
        }
        if (now - e->heard > PING_AFTER && now - e->pinged > PING_AFTER) {
            e->nonce += 1;
            e->pinged = now;
            send_ping(e, RV_WIRE_PING, e->nonce);
        }
    }
    s->looked = due > 0 ? now : s->looked;
}

void swarm_turn(swarm *s, int wait_ms) {
    struct epoll_event ready[256];
    const int count = epoll_wait(s->epoll, ready, 256, wait_ms);
    for (int i = 0; i < count; i++) {
        receive(s, ready[i].data.ptr);
    }
    look(s);
}

void swarm_rest(swarm *s, double how_long) {
    const double end = now_seconds() + how_long;
    while (now_seconds() < end) {
        swarm_turn(s, 10);
    }
}

/* --- opening --- */

static void connect_edge(swarm *s, swarm_edge *e) {
    const int one = 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = e};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    e->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (e->fd < 0 || connect(e->fd, (struct sockaddr *)&name, sizeof name) != 0) {
        bench_fail("cannot connect to the upstream");
    }
    (void)setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    send_all(e, (const uint8_t *)upgrade, sizeof upgrade - 1);
    send_hello(s, e); /* nobody has to wait for the answer */
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, e->fd, &event) != 0) {
        bench_fail("cannot watch a connection");
    }
    e->heard = e->pinged = now_seconds();
}

swarm *swarm_open(int port, size_t count, swarm_selects selects) {
    swarm *const s = calloc(1, sizeof *s);
    const double start = now_seconds();
    files_at_least((unsigned)count + 64);
    s->epoll = epoll_create1(0);
    s->port = port;
    s->selects = selects;
    s->count = count;
    s->edges = calloc(count, sizeof *s->edges);
    s->received = malloc(2 * (size_t)FRAME_MAX);
    s->looked = start;
    for (size_t i = 0; i < count; i++) {
        connect_edge(s, &s->edges[i]);
        while (i + 1 - s->live >= AT_ONCE && now_seconds() < start + 60) {
            swarm_turn(s, 10);
        }
    }
    while (s->live < count && now_seconds() < start + 60) {
        swarm_turn(s, 10);
    }
    if (s->live < count) {
        bench_fail("the upstream did not welcome all edges");
    }
    return s;
}

void swarm_close(swarm *s) {
    for (size_t i = 0; i < s->count; i++) {
        close(s->edges[i].fd);
        free(s->edges[i].left);
    }
    close(s->epoll);
    free(s->edges);
    free(s->received);
    free(s);
}
