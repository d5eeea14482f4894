/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS by Mbed TLS, without a socket: sealed bytes (records) of the peer go in, plain bytes come
 * out, and the other way round. Who owns the socket brings the bytes; handshakes, answers to alerts
 * and the like are records too, which come out with what was asked for.
 *
 *     open -> receive … until rv_tls_established -> seal and receive … -> end -> free
 *
 * A session is either side. A server shows the certificate of its configuration; a client takes
 * nobody who has none that one of its roots vouches for, for the name that was asked for, and there
 * is nothing that switches this off. TLS 1.2, forward secret and authenticated ciphers alone, no
 * renegotiation (who wants one is told so, and it is over), no compression, no tickets.
 *
 * Memory: the library's, from the heap: two buffers for a record each, about 34 KB, and a few for
 * keys. rv_tls_rest gives back the pages of the buffers that a handshake or large records touched.
 */
#ifndef RV_NATIVE_TLS_H
#define RV_NATIVE_TLS_H

#include "native/limits.h"

typedef struct rv_tls_config rv_tls_config;
typedef struct rv_tls rv_tls;

typedef enum rv_tls_result {
    RV_TLS_MORE,  /* all was taken, and more is needed */
    RV_TLS_DATA,  /* plain bytes were written */
    RV_TLS_END,   /* the peer has said that it sends no more */
    RV_TLS_FAILED /* it cannot go on: what is left to send says so to the peer */
} rv_tls_result;

/* A server's: its certificate, and those that vouch for it up to a root, and its private key, in
 * PEM. RV_DATA_NOT_FOUND: a file cannot be read; RV_PARAMETER_INVALID: it holds no such thing, or
 * the key is another certificate's; RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_tls_config_server(rv_tls_config **config, const char *cert_file,
                                           const char *key_file, rv_error *err);

/* A client's: the certificates in the file are the roots that it trusts; NULL: the system's.
 * Statuses as above. */
RV_MUST_USE rv_status rv_tls_config_client(rv_tls_config **config, const char *ca_file,
                                           rv_error *err);

/* Whoever made it holds it, and each session does; the last that drops it frees it. NULL is
 * allowed. */
void rv_tls_config_drop(rv_tls_config *config);

/* Begins a session. `host`, a name or an IP address, is who a client wants to meet; NULL: a server.
 * RV_MEMORY_EXHAUSTED; RV_PARAMETER_INVALID: a name that TLS cannot ask for. */
RV_MUST_USE rv_status rv_tls_open(rv_tls **tls, rv_tls_config *config, const char *host,
                                  rv_error *err);
void rv_tls_free(rv_tls *tls); /* NULL is allowed */

/* Goes on with what came: takes bytes off `sealed`, appends to `plain` as much of one record as it
 * has room for (there must be some), and to `out` what is to be sent at once, whatever the result.
 * `out` NULL: nothing can be sent now; who makes an answer necessary then has failed. A client
 * begins by a call without any bytes.
 *
 * RV_TLS_DATA: come again, there may be more, also when `sealed` is empty. RV_TLS_FAILED: `err` has
 * RV_CERTIFICATE_UNTRUSTED (the certificate; its detail goes on after "its certificate"),
 * RV_UPSTREAM_NOT_RIVULET (what came is no TLS), or RV_UPSTREAM_UNREACHABLE. */
RV_MUST_USE rv_tls_result rv_tls_receive(rv_tls *tls, rv_bytes *sealed, rv_writer *plain,
                                         rv_writer *out, rv_error *err);

/* True when the peer is who it should be, and plain bytes can be sent. */
bool rv_tls_established(const rv_tls *tls);

/* Appends the records of `plain` to `out`: for each RV_TLS_RECORD_MAX bytes that many, and
 * RV_TLS_RECORD_COST. Established. False: out of order for good, or no room. */
RV_MUST_USE bool rv_tls_seal(rv_tls *tls, rv_bytes plain, rv_writer *out);

/* Appends the record that says that no more will be sent. Harmless when there is no one to tell. */
void rv_tls_end(rv_tls *tls, rv_writer *out);

/* Gives the pages of buffers that are large, and hold nothing now, back to the system. */
void rv_tls_rest(rv_tls *tls);

#endif
