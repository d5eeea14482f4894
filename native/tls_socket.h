/* SPDX-License-Identifier: Apache-2.0 */
/* A client's TLS over a blocking socket, for the command line. */
#ifndef RV_NATIVE_TLS_SOCKET_H
#define RV_NATIVE_TLS_SOCKET_H

#include "native/tls.h"

#include <sys/types.h>

typedef struct rv_tls_socket {
    rv_tls *tls;     /* NULL: not open */
    int fd;          /* the caller's */
    rv_bytes sealed; /* what was read and not opened */
    uint8_t read[RV_TLS_PLAIN_LEN];
    uint8_t out[RV_TLS_SEALED_LEN];
} rv_tls_socket;

/* Shakes hands with the host over a socket that is connected, within RV_CONNECT_TIMEOUT_MS of
 * silence. Statuses of the configuration's files and of rv_tls_receive. */
RV_MUST_USE rv_status rv_tls_socket_open(rv_tls_socket *socket, int fd, rv_tls_config *config,
                                         const char *host, rv_error *err);

/* Sends all of it. False: the connection failed, as errno says. */
RV_MUST_USE bool rv_tls_socket_send(rv_tls_socket *socket, rv_bytes bytes);

/* As recv(2): 0 where the node has said that it sends no more. A connection that breaks off before
 * that is an error. */
RV_MUST_USE ssize_t rv_tls_socket_receive(rv_tls_socket *socket, uint8_t *bytes, size_t cap);

/* Says goodbye, and ends the session. Harmless when it is not open. */
void rv_tls_socket_close(rv_tls_socket *socket);

#endif
