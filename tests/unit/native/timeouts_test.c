/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a connection that does nothing does not stay: a request that stops half-way gets a 408, one
 * that is idle between requests is closed without a word, and neither happens a moment too early.
 * With TLS a handshake has the time of a request's head.
 * Method: a real server on a real socket, whose loop is turned by hand; the time that a connection
 * is told in rv_connection_tick is made up.
 */
#include "core/engine/token.h"
#include "native/connection.h"
#include "tests/unit/native/certificates.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS_MAX 1000000

static uv_loop_t loop;
static rv_directory directory;
static rv_server *server;
static char path[] = "/tmp/rivulet-timeouts-XXXXXX";

RV_TEST(server_start) {
    rv_error err;
    RV_CHECK(mkdtemp(path) != NULL);
    RV_CHECK_EQ(uv_loop_init(&loop), 0);
    const rv_directory_options where = {.path = path,
                                        .create = true,
                                        .serving = true,
                                        .role = RV_ROLE_ROOT,
                                        .memory = RV_MEMORY_DEFAULT};
    RV_CHECK_STATUS(rv_directory_open(&directory, &where, &err), RV_OK);
    const rv_server_options options = {.instance = &directory.instance};
    RV_CHECK_STATUS(rv_server_create(&server, &loop, &options, &err), RV_OK);
    RV_CHECK_STATUS(rv_server_listen(server, "127.0.0.1:0", &err), RV_OK);
}

RV_TEST(server_end) {
    rv_error err;
    rv_server_stop(server);
    rv_server_abort(server);
    RV_CHECK_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
    rv_server_free(server);
    RV_CHECK_EQ(uv_loop_close(&loop), 0);
    RV_CHECK_STATUS(rv_directory_close(&directory, &err), RV_OK);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", path);
    RV_CHECK_EQ(system(command), 0);
}

/* Connects, and turns the loop until the server has the connection; -1 when it fails. */
static int client_open(void) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        return -1;
    }
    for (int i = 0; i < TURNS_MAX && server->open_count == 0; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    return fd;
}

/* Sends, and turns the loop until the connection has taken it. */
static bool client_send(int fd, const char *text) {
    rv_connection *const c = server->order[0];
    const uint64_t heard = c->heard_ms;
    const size_t len = strlen(text);
    const bool sent = write(fd, text, len) == (ssize_t)len;
    for (int i = 0; i < TURNS_MAX && c->heard_ms == heard && !c->request.started; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    return sent;
}

/* What comes until the server closes its side; how much of it. */
static size_t client_read(int fd, char *text, size_t cap) {
    size_t len = 0;
    for (int i = 0; i < TURNS_MAX && len < cap; i++) {
        rv_server_ask(server, true, (int64_t)(uv_hrtime() / 1000));
        uv_run(&loop, UV_RUN_NOWAIT);
        const ssize_t got = read(fd, text + len, cap - len);
        if (got == 0) {
            break;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    text[len] = '\0';
    return len;
}

static void client_close(int fd) {
    close(fd);
    for (int i = 0; i < TURNS_MAX && !rv_server_idle(server); i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

/* What is sent of a request, how long that may stay so, and the answer's first line. */
static const struct {
    const char *sent;
    uint64_t patience_ms;
    const char *answer; /* "": none, it is closed */
} cases[] = {
    {"", RV_IDLE_TIMEOUT_MS, ""},
    {"GET /hea", RV_HEAD_TIMEOUT_MS, "HTTP/1.1 408 Request Timeout\r\n"},
    {"GET /healthz HTTP/1.1\r\nHost: local", RV_HEAD_TIMEOUT_MS,
     "HTTP/1.1 408 Request Timeout\r\n"},
    {"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{", RV_BODY_TIMEOUT_MS,
     "HTTP/1.1 408 Request Timeout\r\n"},
};

RV_TEST(what_does_not_come) {
    char text[8192];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int fd = client_open();
        RV_CHECK(fd >= 0 && server->open_count == 1);
        RV_CHECK(cases[i].sent[0] == '\0' || client_send(fd, cases[i].sent));
        rv_connection *const c = server->order[0];
        rv_connection_tick(c, c->since_ms + cases[i].patience_ms);
        uv_run(&loop, UV_RUN_NOWAIT);
        RV_CHECK(c->state == RV_CONNECTION_HEAD || c->state == RV_CONNECTION_BODY);
        RV_CHECK(read(fd, text, sizeof text) < 0); /* nothing yet, nor the end */
        rv_connection_tick(c, c->since_ms + cases[i].patience_ms + 1);
        const size_t len = client_read(fd, text, sizeof text - 1);
        RV_CHECK(strncmp(text, cases[i].answer, strlen(cases[i].answer)) == 0);
        RV_CHECK((len == 0) == (cases[i].answer[0] == '\0'));
        client_close(fd);
        RV_CHECK(rv_server_idle(server));
    }
}

RV_TEST(a_connection_that_is_kept_is_idle_after_its_answer) {
    char text[8192];
    const int fd = client_open();
    RV_CHECK(fd >= 0);
    RV_CHECK(client_send(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    rv_connection *const c = server->order[0];
    for (int i = 0; i < TURNS_MAX && c->state != RV_CONNECTION_HEAD; i++) {
        rv_server_ask(server, true, (int64_t)(uv_hrtime() / 1000));
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    RV_CHECK_EQ(c->state, RV_CONNECTION_HEAD);
    RV_CHECK(read(fd, text, sizeof text) > 0);
    rv_connection_tick(c, c->since_ms + RV_HEAD_TIMEOUT_MS + 1);
    RV_CHECK_EQ(c->state, RV_CONNECTION_HEAD);
    rv_connection_tick(c, c->since_ms + RV_IDLE_TIMEOUT_MS + 1);
    RV_CHECK_EQ(client_read(fd, text, sizeof text - 1), 0);
    client_close(fd);
}

RV_TEST(a_peer_that_lingers_is_closed) {
    const int fd = client_open();
    RV_CHECK(fd >= 0);
    RV_CHECK(client_send(fd, "nonsense\r\n\r\n"));
    rv_connection *const c = server->order[0];
    for (int i = 0; i < TURNS_MAX && c->state != RV_CONNECTION_LINGER; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    RV_CHECK_EQ(c->state, RV_CONNECTION_LINGER);
    rv_connection_tick(c, c->since_ms + RV_BODY_TIMEOUT_MS);
    RV_CHECK_EQ(c->state, RV_CONNECTION_CLOSING);
    client_close(fd);
    RV_CHECK(rv_server_idle(server));
}

/* Sends so much that the peer does not read that some of it waits here; returns how much. */
static size_t fill(rv_connection *c) {
    static char junk[RV_OUTPUT_LEN];
    const uv_buf_t buf = uv_buf_init(junk, sizeof junk);
    size_t filled = 0;
    for (int i = 0; i < 100; i++) { /* what the peer's side takes later makes room here */
        while (!c->sender.busy && rv_connection_send(c, &buf, 1)) {
            filled += sizeof junk;
        }
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    return filled;
}

/* Where a 100, or what TLS has to say, is on its way to a peer that does not read, all that comes
 * after it waits, be it an answer, another 100, or what there is to say to nonsense. */
RV_TEST(what_waits_for_a_peer_that_does_not_read) {
    static const char *const held_back[][2] = {
        {"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
         "HTTP/1.1 200 OK\r\n"},
        {"GET /sync HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 426 Upgrade Required\r\n"},
        {"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
         "Expect: 100-continue\r\nConnection: close\r\n\r\n",
         "HTTP/1.1 100 Continue\r\n"},
    };
    static char text[32 << 20];
    for (size_t i = 0; i < sizeof held_back / sizeof *held_back; i++) {
        const int fd = client_open();
        RV_CHECK(fd >= 0);
        rv_connection *const c = server->order[0];
        const size_t unread = fill(c);
        const size_t len = strlen(held_back[i][0]);
        RV_CHECK(unread < sizeof text - 8192);
        RV_CHECK(write(fd, held_back[i][0], len) == (ssize_t)len);
        for (unsigned turn = 0; turn < 100; turn++) {
            uv_run(&loop, UV_RUN_NOWAIT);
        }
        RV_CHECK(c->state == RV_CONNECTION_HEAD && c->sender.busy);
        const size_t got = client_read(fd, text, unread + strlen(held_back[i][1]));
        RV_CHECK_EQ(got, unread + strlen(held_back[i][1]));
        RV_CHECK(strncmp(text + unread, held_back[i][1], strlen(held_back[i][1])) == 0);
        client_close(fd);
        RV_CHECK(rv_server_idle(server));
    }
}

static bool put_token(void) {
    static uint8_t empty[1];
    const rv_node *const node = directory.instance.node;
    const rv_access_token token = {.name = RV_LITERAL("ada"),
                                   .created_at = rv_node_now(node),
                                   .admin = true,
                                   .reads.bytes = {empty, 0},
                                   .writes.bytes = {empty, 0}};
    rv_status status = RV_PENDING;
    for (int i = 0; i < TURNS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_token_put(directory.instance.node, &token, token.created_at, NULL);
        rv_server_ask(server, true, (int64_t)(uv_hrtime() / 1000));
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    return status == RV_OK;
}

/* A large body is not waited for: the few buffers for such are not for who is not known. */
RV_TEST(who_has_no_token_is_told_so_by_its_head) {
    char text[8192];
    RV_CHECK(put_token());
    const int fd = client_open();
    RV_CHECK(client_send(fd, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                             "Content-Length: 1000000\r\n\r\n["));
    RV_CHECK(client_read(fd, text, sizeof text - 1) > 0);
    RV_CHECK(strncmp(text, "HTTP/1.1 401 ", 13) == 0);
    RV_CHECK(strstr(text, "WWW-Authenticate: Bearer\r\n") != NULL);
    client_close(fd);
    RV_CHECK(rv_server_idle(server));
}

static bool file_write(const char *name, const char *text) {
    FILE *const file = fopen(name, "w");
    const bool written = file != NULL && fputs(text, file) >= 0;
    return file != NULL && fclose(file) == 0 && written;
}

/* A server with TLS beside the other one: what stops before a handshake is over is closed. */
RV_TEST(a_handshake_that_does_not_come) {
    static const char *const sent[] = {"", "\x16", "\x16\x03\x01\x02", "\x16\x03\x01\x02\x01\x01"};
    rv_server *const other = server;
    char cert[64], key[64], text[64];
    rv_error err;
    snprintf(cert, sizeof cert, "%s/cert", path);
    snprintf(key, sizeof key, "%s/key", path);
    RV_CHECK(file_write(cert, pem_leaf) && file_write(key, pem_key));
    const rv_server_options options = {
        .instance = &directory.instance, .cert_file = cert, .key_file = key};
    RV_CHECK_STATUS(rv_server_create(&server, &loop, &options, &err), RV_OK);
    RV_CHECK_STATUS(rv_server_listen(server, "127.0.0.1:0", &err), RV_OK);
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        const int fd = client_open();
        RV_CHECK(fd >= 0 && server->open_count == 1);
        RV_CHECK(sent[i][0] == '\0' || client_send(fd, sent[i]));
        rv_connection *const c = server->order[0];
        rv_connection_tick(c, c->since_ms + RV_HEAD_TIMEOUT_MS);
        uv_run(&loop, UV_RUN_NOWAIT);
        RV_CHECK(c->state == RV_CONNECTION_HEAD);
        rv_connection_tick(c, c->since_ms + RV_HEAD_TIMEOUT_MS + 1);
        RV_CHECK(c->state == RV_CONNECTION_CLOSING);
        RV_CHECK_EQ(client_read(fd, text, sizeof text - 1), 0);
        client_close(fd);
        RV_CHECK(rv_server_idle(server));
    }
    rv_server_stop(server);
    uv_run(&loop, UV_RUN_NOWAIT);
    rv_server_free(server);
    server = other;
}

int main(void) {
    RV_RUN(server_start);
    RV_RUN(what_does_not_come);
    RV_RUN(a_connection_that_is_kept_is_idle_after_its_answer);
    RV_RUN(a_peer_that_lingers_is_closed);
    RV_RUN(what_waits_for_a_peer_that_does_not_read);
    RV_RUN(who_has_no_token_is_told_so_by_its_head);
    RV_RUN(a_handshake_that_does_not_come);
    RV_RUN(server_end);
    return rv_test_done();
}
