/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/postgres.h"

#include "tests/bench/process.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VERSION     0x00030000u
#define PATIENCE_MS 60000
#define HEAD_LEN    5u /* of a message: its kind, and its length without the kind */

static size_t put_length(unsigned char *to, size_t value) {
    to[0] = (unsigned char)(value >> 24);
    to[1] = (unsigned char)(value >> 16);
    to[2] = (unsigned char)(value >> 8);
    to[3] = (unsigned char)value;
    return 4;
}

static size_t length_at(const unsigned char *from) {
    return (size_t)from[0] << 24 | (size_t)from[1] << 16 | (size_t)from[2] << 8 | from[3];
}

static void send_all(const postgres *p, const unsigned char *bytes, size_t len) {
    if (send(p->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
        bench_fail("cannot ask PostgreSQL");
    }
}

/* Adds what has come to what is there, waiting for it. */
static void take_more(postgres *p) {
    struct pollfd wait = {.fd = p->fd, .events = POLLIN};
    if (p->len == sizeof p->bytes) {
        bench_fail("a message of PostgreSQL is too long");
    }
    const ssize_t n = poll(&wait, 1, PATIENCE_MS) != 1
                          ? 0
                          : recv(p->fd, p->bytes + p->len, sizeof p->bytes - p->len, 0);
    if (n <= 0) {
        bench_fail("PostgreSQL says nothing");
    }
    p->len += (size_t)n;
}

/* The text of an error: fields of a letter and a text that ends with NUL; `M` is for people. */
static void fail_with(const unsigned char *fields, size_t len) {
    size_t at = 0;
    while (at < len && fields[at] != 0) {
        const char *const text = (const char *)fields + at + 1;
        const size_t size = strnlen(text, len - at - 1);
        if (fields[at] == 'M') {
            fprintf(stderr, "%.*s\n", (int)size, text);
        }
        at += size + 2;
    }
    bench_fail("PostgreSQL refused a statement");
}

/* Takes the next message, and gives its kind. */
static char take_message(postgres *p) {
    while (p->len < HEAD_LEN || p->len < length_at(p->bytes + 1) + 1) {
        take_more(p);
    }
    const char kind = (char)p->bytes[0];
    const size_t len = length_at(p->bytes + 1) + 1;
    if (kind == 'E') {
        fail_with(p->bytes + HEAD_LEN, len - HEAD_LEN);
    }
    p->rows += kind == 'D';
    p->notifications += kind == 'A';
    p->len -= len;
    memmove(p->bytes, p->bytes + len, p->len);
    return kind;
}

postgres *postgres_open(const char *folder) {
    static const char who[] = "user\0oracle\0database\0postgres\0"; /* and the NUL of its own */
    unsigned char message[64];
    postgres *const p = calloc(1, sizeof *p);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int len = snprintf(name.sun_path, sizeof name.sun_path, "%s/.s.PGSQL.5432", folder);
    if (p == NULL || len < 0 || (size_t)len >= sizeof name.sun_path) {
        bench_fail("the folder of PostgreSQL has too long a name");
    }
    p->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&name, sizeof name) != 0) {
        bench_fail("cannot connect to PostgreSQL");
    }
    size_t at = put_length(message, 8 + sizeof who);
    at += put_length(message + at, VERSION);
    memcpy(message + at, who, sizeof who);
    send_all(p, message, at + sizeof who);
    (void)postgres_done(p);
    return p;
}

void postgres_send(postgres *p, const char *sql) {
    unsigned char message[4096] = {'Q'};
    const size_t len = strlen(sql) + 1;
    if (len > sizeof message - HEAD_LEN) {
        bench_fail("a statement is too long");
    }
    (void)put_length(message + 1, 4 + len);
    memcpy(message + HEAD_LEN, sql, len);
    p->rows = 0;
    send_all(p, message, HEAD_LEN + len);
}

size_t postgres_done(postgres *p) {
    while (take_message(p) != 'Z') {
    }
    return p->rows;
}

size_t postgres_run(postgres *p, const char *sql) {
    postgres_send(p, sql);
    return postgres_done(p);
}

void postgres_told(postgres *p) {
    while (p->notifications == 0) {
        (void)take_message(p);
    }
    p->notifications -= 1;
}

void postgres_close(postgres *p) {
    close(p->fd);
    free(p);
}
