/* SPDX-License-Identifier: Apache-2.0 */
#include "native/tls_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static bool send_all(int fd, rv_bytes bytes) {
    while (bytes.len > 0) {
        const ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        bytes = rv_bytes_from(bytes, sent < 0 ? 0 : (size_t)sent);
    }
    return true;
}

/* Reads what has come, when there is nothing left of before. 0 at the end, -1 with errno. */
static ssize_t fill(rv_tls_socket *s) {
    ssize_t count;
    do {
        count = recv(s->fd, s->read, sizeof s->read, 0);
    } while (count < 0 && errno == EINTR);
    s->sealed = rv_bytes_of(s->read, count > 0 ? (size_t)count : 0);
    return count;
}

/* Takes what was read; what TLS has to say to it is sent. */
static rv_tls_result take(rv_tls_socket *s, rv_writer *plain, rv_error *err) {
    rv_writer out = rv_writer_over(s->out, sizeof s->out);
    const rv_tls_result result = rv_tls_receive(s->tls, &s->sealed, plain, &out, err);
    if (!send_all(s->fd, rv_writer_bytes(&out)) && result != RV_TLS_FAILED) {
        rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "%s", strerror(errno));
        return RV_TLS_FAILED;
    }
    return result;
}

static bool patience_set(int fd, unsigned ms) {
    const struct timeval bound = {.tv_sec = ms / 1000};
    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound) == 0;
}

static rv_status shake_hands(rv_tls_socket *s, rv_error *err) {
    uint8_t byte;
    while (!rv_tls_established(s->tls)) { /* the peer speaks last; of HTTP we speak first */
        rv_writer plain = rv_writer_over(&byte, sizeof byte);
        const rv_tls_result result = take(s, &plain, err);
        if (result == RV_TLS_FAILED) {
            return err->status;
        }
        if (result == RV_TLS_DATA) {
            return rv_error_set(err, RV_UPSTREAM_NOT_RIVULET, "it speaks before it was asked");
        }
        if (!rv_tls_established(s->tls)) {
            const ssize_t count = result == RV_TLS_END ? 0 : fill(s);
            if (count <= 0) {
                return rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "TLS did not come about: %s",
                                    count == 0        ? "the connection was closed"
                                    : errno == EAGAIN ? "no answer within ten seconds"
                                                      : strerror(errno));
            }
        }
    }
    return RV_OK;
}

rv_status rv_tls_socket_open(rv_tls_socket *s, int fd, rv_tls_config *config, const char *host,
                             rv_error *err) {
    RV_ASSERT(s->tls == NULL);
    s->fd = fd;
    s->sealed = (rv_bytes){0};
    RV_STATIC_ASSERT(RV_CONNECT_TIMEOUT_MS == 10000, "the message above says so");
    const bool bounded = patience_set(fd, RV_CONNECT_TIMEOUT_MS);
    RV_ASSERT(bounded);
    rv_status status = rv_tls_open(&s->tls, config, host, err);
    if (status == RV_OK) {
        status = shake_hands(s, err);
    }
    const bool unbounded = patience_set(fd, 0);
    RV_ASSERT(unbounded);
    if (status != RV_OK) {
        rv_tls_free(s->tls);
        s->tls = NULL;
    }
    return status;
}

bool rv_tls_socket_send(rv_tls_socket *s, rv_bytes bytes) {
    RV_ASSERT(s->tls != NULL);
    while (bytes.len > 0) {
        const size_t part = bytes.len < RV_OUTPUT_LEN ? bytes.len : RV_OUTPUT_LEN;
        rv_writer out = rv_writer_over(s->out, sizeof s->out);
        errno = EPROTO;
        if (!rv_tls_seal(s->tls, rv_bytes_of(bytes.ptr, part), &out) ||
            !send_all(s->fd, rv_writer_bytes(&out))) {
            return false;
        }
        bytes = rv_bytes_from(bytes, part);
    }
    return true;
}

ssize_t rv_tls_socket_receive(rv_tls_socket *s, uint8_t *bytes, size_t cap) {
    RV_ASSERT(s->tls != NULL && cap > 0);
    for (;;) { /* until a record is whole, or the connection ends */
        rv_error err;
        rv_writer plain = rv_writer_over(bytes, cap);
        const rv_tls_result result = take(s, &plain, &err);
        if (result == RV_TLS_DATA) {
            return (ssize_t)plain.len;
        }
        if (result == RV_TLS_END) {
            return 0;
        }
        if (result == RV_TLS_FAILED) {
            errno = EPROTO;
            return -1;
        }
        const ssize_t count = fill(s);
        if (count <= 0) {
            errno = count == 0 ? ECONNRESET : errno;
            return -1;
        }
    }
}

void rv_tls_socket_close(rv_tls_socket *s) {
    if (s->tls != NULL) {
        rv_writer out = rv_writer_over(s->out, sizeof s->out);
        rv_tls_end(s->tls, &out);
        const bool sent = send_all(s->fd, rv_writer_bytes(&out));
        (void)sent; /* then the node is gone */
        rv_tls_free(s->tls);
        s->tls = NULL;
    }
}
