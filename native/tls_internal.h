/* SPDX-License-Identifier: Apache-2.0 */
/* What native/tls.c and native/tls_config.c share: Mbed TLS's own types. */
#ifndef RV_NATIVE_TLS_INTERNAL_H
#define RV_NATIVE_TLS_INTERNAL_H

#include "native/tls.h"

#include <mbedtls/ssl.h>

struct rv_tls_config {
    unsigned holders;
    mbedtls_ssl_config ssl;
    mbedtls_x509_crt certificates; /* a server's chain, or a client's roots */
    unsigned char *der;            /* of roots: their bytes, which lie here together */
    mbedtls_pk_context key;        /* a server's */
};

/* The one session that holds it has its peer: a client's roots are not needed any more. */
void rv_tls_config_forget(rv_tls_config *config);

/* What Mbed TLS says of a failure, for people; `text` is at least 128 bytes. */
void rv_tls_error_text(int failed, char *text, size_t cap);

#endif
