/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, keys and roots out of their files, and what of TLS is spoken at all. */
#include "native/tls_internal.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <mbedtls/error.h>
#include <mbedtls/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define SYSTEM_ROOTS                                                                               \
    "/etc/ssl/certs/ca-certificates.crt" /* where Debian and its like have them                    \
                                          */

/* Forward secret, authenticated encryption; the server's order counts. */
static const int ciphers[] = {
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};

/* For keys that are agreed on and for keys of certificates; the first is the fastest here. */
static const mbedtls_ecp_group_id curves[] = {
    MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP384R1,
    MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE,
};

/* With which a side signs what it has agreed to; the library's own choice has SHA-224, too. */
static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                             MBEDTLS_MD_NONE};

void rv_tls_error_text(int failed, char *text, size_t cap) {
    RV_ASSERT(failed != 0 && cap >= 128);
    mbedtls_strerror(failed, text, cap);
}

/* The system's own generator, as the rest of the daemon uses it. */
static int random_bytes(void *ctx, unsigned char *bytes, size_t len) {
    (void)ctx;
    return uv_random(NULL, NULL, bytes, len, 0, NULL) == 0 ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static rv_status config_new(rv_tls_config **config, int side, rv_error *err) {
    rv_tls_config *const c = calloc(1, sizeof *c);
    *config = NULL;
    if (c == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for TLS");
    }
    c->holders = 1;
    mbedtls_ssl_config_init(&c->ssl);
    mbedtls_x509_crt_init(&c->certificates);
    mbedtls_pk_init(&c->key);
    const int failed = mbedtls_ssl_config_defaults(&c->ssl, side, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                   MBEDTLS_SSL_PRESET_DEFAULT);
    RV_ASSERT(failed == 0); /* it takes memory for what is not used here only */
    mbedtls_ssl_conf_rng(&c->ssl, random_bytes, NULL);
    mbedtls_ssl_conf_min_version(&c->ssl, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3); /* 1.2 is 3.3 */
    mbedtls_ssl_conf_ciphersuites(&c->ssl, ciphers);
    mbedtls_ssl_conf_curves(&c->ssl, curves);
    mbedtls_ssl_conf_sig_hashes(&c->ssl, hashes);
    mbedtls_ssl_conf_renegotiation(&c->ssl, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    *config = c;
    return RV_OK;
}

static void certificates_free(rv_tls_config *config) {
    mbedtls_x509_crt_free(&config->certificates);
    mbedtls_x509_crt_init(&config->certificates);
    free(config->der);
#ifdef __GLIBC__
    if (config->der != NULL) { /* roots were some hundred KB of small pieces, which it would keep */
        (void)malloc_trim(0);
    }
#endif
    config->der = NULL;
}

void rv_tls_config_drop(rv_tls_config *config) {
    if (config == NULL) {
        return;
    }
    RV_ASSERT(config->holders > 0);
    config->holders -= 1;
    if (config->holders == 0) {
        mbedtls_ssl_config_free(&config->ssl);
        mbedtls_pk_free(&config->key);
        certificates_free(config);
        free(config);
    }
}

void rv_tls_config_forget(rv_tls_config *config) {
    RV_ASSERT(config->holders == 1);
    mbedtls_ssl_conf_ca_chain(&config->ssl, NULL, NULL);
    certificates_free(config);
}

/* --- files --- */

static rv_status file_check(const char *file, rv_error *err) {
    RV_ASSERT(file != NULL);
    return access(file, R_OK) == 0
               ? RV_OK
               : rv_error_set(err, RV_DATA_NOT_FOUND, "cannot read %s: %s", file, strerror(errno));
}

static rv_status certificates_read(rv_tls_config *c, const char *file, rv_error *err) {
    char why[128];
    const rv_status status = file_check(file, err);
    if (status != RV_OK) {
        return status;
    }
    const int failed = mbedtls_x509_crt_parse_file(&c->certificates, file);
    if (failed == MBEDTLS_ERR_X509_ALLOC_FAILED || failed == MBEDTLS_ERR_PK_ALLOC_FAILED) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for the certificates in %s", file);
    }
    if (failed < 0 && failed != MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT) {
        rv_tls_error_text(failed, why, sizeof why);
        return rv_error_set(err, RV_PARAMETER_INVALID, "%s holds no certificate in PEM: %s", file,
                            why);
    }
    if (failed != 0 || c->certificates.version == 0) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            failed > 0 ? "not all certificates in %s can be read"
                                       : "%s holds no certificate in PEM",
                            file);
    }
    return RV_OK;
}

/* Roots, one by one. A file of a system's has more than a hundred, and some may be of a kind that
 * is not known here: these vouch for nobody. Their bytes lie in one piece, not in as many of the
 * heap: those would keep their pages long after they were given back. */
static rv_status roots_read(rv_tls_config *c, const char *file, rv_error *err) {
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    static const char end[] = "-----END CERTIFICATE-----";
    unsigned char *text = NULL;
    size_t len = 0, used = 0;
    rv_status status = file_check(file, err);
    if (status == RV_OK && mbedtls_pk_load_file(file, &text, &len) != 0) {
        status = rv_error_set(err, RV_DATA_NOT_FOUND, "cannot read %s", file);
    }
    if (status != RV_OK) {
        return status;
    }
    c->der = malloc(len + 1); /* of which base64 leaves three quarters */
    const unsigned char *at = c->der == NULL ? NULL : text;
    while (at != NULL && (at = (const unsigned char *)strstr((const char *)at, begin)) != NULL) {
        mbedtls_pem_context pem;
        size_t taken = 0;
        mbedtls_pem_init(&pem);
        if (mbedtls_pem_read_buffer(&pem, begin, end, at, NULL, 0, &taken) == 0) {
            RV_ASSERT(pem.buflen <= len - used);
            memcpy(c->der + used, pem.buf, pem.buflen);
            const int failed =
                mbedtls_x509_crt_parse_der_nocopy(&c->certificates, c->der + used, pem.buflen);
            used += failed == 0 ? pem.buflen : 0;
        }
        mbedtls_pem_free(&pem);
        at += taken > 0 ? taken : sizeof begin - 1;
    }
    free(text);
    return used > 0
               ? RV_OK
               : rv_error_set(err, RV_PARAMETER_INVALID, "%s holds no certificate in PEM", file);
}

static rv_status key_read(rv_tls_config *c, const char *file, rv_error *err) {
    char why[128];
    const rv_status status = file_check(file, err);
    if (status != RV_OK) {
        return status;
    }
    const int failed = mbedtls_pk_parse_keyfile(&c->key, file, NULL);
    if (failed == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || failed == MBEDTLS_ERR_PK_PASSWORD_MISMATCH) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "the key in %s is encrypted: give one that needs no password", file);
    }
    if (failed != 0) {
        rv_tls_error_text(failed, why, sizeof why);
        return rv_error_set(err, RV_PARAMETER_INVALID, "%s holds no private key in PEM: %s", file,
                            why);
    }
    return RV_OK;
}

rv_status rv_tls_config_server(rv_tls_config **config, const char *cert_file, const char *key_file,
                               rv_error *err) {
    rv_tls_config *c;
    rv_status status = config_new(&c, MBEDTLS_SSL_IS_SERVER, err);
    *config = NULL;
    if (status == RV_OK) {
        status = certificates_read(c, cert_file, err);
    }
    if (status == RV_OK) {
        status = key_read(c, key_file, err);
    }
    if (status == RV_OK && mbedtls_pk_check_pair(&c->certificates.pk, &c->key) != 0) {
        status = rv_error_set(err, RV_PARAMETER_INVALID,
                              "the key in %s is not that of the first certificate in %s", key_file,
                              cert_file);
    }
    if (status == RV_OK && mbedtls_ssl_conf_own_cert(&c->ssl, &c->certificates, &c->key) != 0) {
        status = rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for the certificate");
    }
    if (status != RV_OK) {
        rv_tls_config_drop(c);
        return status;
    }
    *config = c;
    return RV_OK;
}

rv_status rv_tls_config_client(rv_tls_config **config, const char *ca_file, rv_error *err) {
    rv_tls_config *c;
    rv_status status = config_new(&c, MBEDTLS_SSL_IS_CLIENT, err);
    *config = NULL;
    if (status == RV_OK) {
        status = roots_read(c, ca_file == NULL ? SYSTEM_ROOTS : ca_file, err);
    }
    if (status != RV_OK) {
        rv_tls_config_drop(c);
        return status;
    }
    mbedtls_ssl_conf_authmode(&c->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&c->ssl, &c->certificates, NULL);
    mbedtls_ssl_conf_session_tickets(&c->ssl, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    *config = c;
    return RV_OK;
}
