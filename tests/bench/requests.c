/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/requests.h"

#include "tests/bench/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

requests *requests_open(int port) {
    const int yes = 1;
    requests *const r = calloc(1, sizeof *r);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    r->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (r->fd < 0 || connect(r->fd, (struct sockaddr *)&name, sizeof name) != 0) {
        bench_fail("cannot connect to the node");
    }
    (void)setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return r;
}

void requests_send(requests *r, const char *path, const char *type, const char *body, size_t len) {
    char text[32768];
    const int head = snprintf(text, sizeof text,
                              "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Event-Type: %s\r\n"
                              "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                              path, type, len);
    if (head < 0 || (size_t)head + len > sizeof text) {
        bench_fail("a request is too large");
    }
    memcpy(text + head, body, len);
    r->len = 0;
    if (send(r->fd, text, (size_t)head + len, MSG_NOSIGNAL) != head + (ssize_t)len) {
        bench_fail("cannot send a request");
    }
}

/* True when head and body are there. */
static bool is_whole(requests *r) {
    r->answer[r->len] = '\0';
    const char *const end = strstr(r->answer, "\r\n\r\n");
    const char *const length = strcasestr(r->answer, "\r\ncontent-length:");
    if (end == NULL || length == NULL || length > end) {
        return false;
    }
    return r->len >= (size_t)(end + 4 - r->answer) + strtoul(length + 17, NULL, 10);
}

bool requests_answered(requests *r) {
    const ssize_t n = recv(r->fd, r->answer + r->len, sizeof r->answer - 1 - r->len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        bench_fail("the node closed a connection");
    }
    r->len += n > 0 ? (size_t)n : 0;
    return is_whole(r);
}

void requests_answer(requests *r) {
    struct pollfd wait = {.fd = r->fd, .events = POLLIN};
    while (!is_whole(r) && !requests_answered(r)) {
        (void)poll(&wait, 1, 1000);
    }
    if (strncmp(r->answer, "HTTP/1.1 201", 12) != 0) {
        fprintf(stderr, "%s\n", r->answer);
        bench_fail("an append was refused");
    }
}

/* Adds what has come to what is there. */
static void take_more(requests *r) {
    struct pollfd wait = {.fd = r->fd, .events = POLLIN};
    (void)poll(&wait, 1, 10000);
    const size_t room = sizeof r->answer - 1 - r->len;
    const ssize_t n = recv(r->fd, r->answer + r->len, room, MSG_DONTWAIT);
    if (n <= 0) {
        bench_fail("a feed told nothing for ten seconds, or ended");
    }
    r->len += (size_t)n;
    r->answer[r->len] = '\0';
}

void requests_feed(requests *r, const char *target) {
    char text[1024];
    const int len = snprintf(text, sizeof text,
                             "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             "Accept: text/event-stream\r\n\r\n",
                             target);
    if (len < 0 || send(r->fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
        bench_fail("cannot ask for a feed");
    }
    while (strstr(r->answer, "\r\n\r\n") == NULL) {
        take_more(r);
    }
    if (strncmp(r->answer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "%s\n", r->answer);
        bench_fail("a feed was refused");
    }
    r->len = 0;
}

void requests_told(requests *r, const char *text) {
    r->answer[r->len] = '\0';
    while (strstr(r->answer, text) == NULL) {
        take_more(r);
    }
    const char *const behind = strstr(r->answer, text) + strlen(text);
    r->len -= (size_t)(behind - r->answer);
    memmove(r->answer, behind, r->len + 1);
}

void requests_close(requests *r) {
    close(r->fd);
    free(r);
}
