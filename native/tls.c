/* SPDX-License-Identifier: Apache-2.0 */
#include "native/tls_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uv.h>

#define LARGE_LEN 2048u /* bytes at a time that may reach beyond a buffer's first page */
#define COUNTER_LEN                                                                                \
    64u /* at a buffer's begin, where the library keeps the number of records between two */

struct rv_tls {
    mbedtls_ssl_context ssl;
    rv_tls_config *config;
    rv_bytes in;    /* of the call under way */
    rv_writer *out; /* the same; NULL: nothing can be sent */
    bool client;
    bool established;
    bool failed;
    bool large;          /* a buffer may have more pages than it needs */
    uint8_t address[16]; /* that the peer's certificate must name, */
    size_t address_len;  /* 0: a name, which the library compares */
};

/* --- the library's way in and out --- */

static int on_receive(void *ctx, unsigned char *bytes, size_t len) {
    rv_tls *const tls = ctx;
    const size_t part = len < tls->in.len ? len : tls->in.len;
    if (part == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(bytes, tls->in.ptr, part);
    tls->in = rv_bytes_from(tls->in, part);
    return (int)part;
}

static int on_send(void *ctx, const unsigned char *bytes, size_t len) {
    rv_tls *const tls = ctx;
    if (tls->out == NULL || rv_writer_room(tls->out) < len) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    rv_write(tls->out, rv_bytes_of(bytes, len));
    return (int)len;
}

/* --- who the peer is --- */

/* Whether the certificate names the address (a SAN of type iPAddress): the library compares names
 * only. */
static bool names_address(const mbedtls_x509_crt *certificate, const rv_tls *tls) {
    const mbedtls_x509_sequence *one = &certificate->subject_alt_names;
    for (; one != NULL; one = one->next) { /* as many as the certificate has */
        if ((one->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS &&
            one->buf.len == tls->address_len &&
            memcmp(one->buf.p, tls->address, tls->address_len) == 0) {
            return true;
        }
    }
    return false;
}

static int on_verify(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
    const rv_tls *const tls = ctx;
    RV_ASSERT(tls->address_len > 0);
    if (depth == 0 && !names_address(certificate, tls)) {
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    return 0;
}

static bool address_read(rv_tls *tls, const char *host) {
    if (uv_inet_pton(AF_INET, host, tls->address) == 0) {
        tls->address_len = 4;
    } else if (uv_inet_pton(AF_INET6, host, tls->address) == 0) {
        tls->address_len = 16;
    }
    return tls->address_len > 0;
}

rv_status rv_tls_open(rv_tls **tls, rv_tls_config *config, const char *host, rv_error *err) {
    RV_ASSERT(config != NULL);
    rv_tls *const t = calloc(1, sizeof *t);
    *tls = NULL;
    if (t == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for TLS");
    }
    mbedtls_ssl_init(&t->ssl);
    t->config = config;
    config->holders += 1;
    t->large = true; /* the handshake's messages are */
    t->client = host != NULL;
    const bool by_name = host != NULL && !address_read(t, host);
    int failed = mbedtls_ssl_setup(&t->ssl, &config->ssl);
    if (failed == 0 && by_name) {
        failed = mbedtls_ssl_set_hostname(&t->ssl, host);
    } else if (failed == 0 && host != NULL) {
        mbedtls_ssl_set_verify(&t->ssl, on_verify, t);
    }
    if (failed != 0) {
        rv_tls_free(t);
        return failed == MBEDTLS_ERR_SSL_BAD_INPUT_DATA
                   ? rv_error_set(err, RV_PARAMETER_INVALID, "`%s` is too long a name for TLS",
                                  host)
                   : rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for TLS");
    }
    mbedtls_ssl_set_bio(&t->ssl, t, on_send, on_receive, NULL);
    *tls = t;
    return RV_OK;
}

void rv_tls_free(rv_tls *tls) {
    if (tls != NULL) {
        mbedtls_ssl_free(&tls->ssl);
        rv_tls_config_drop(tls->config);
        free(tls);
    }
}

bool rv_tls_established(const rv_tls *tls) {
    return tls->established && !tls->failed;
}

/* --- failures --- */

/* What is wrong with the peer's certificate, all of it. */
static rv_status untrusted(uint32_t flags, rv_error *err) {
    static const struct {
        uint32_t flag;
        const char *text;
    } rows[] = {
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "is from an unknown issuer"},
        {MBEDTLS_X509_BADCERT_EXPIRED, "has expired"},
        {MBEDTLS_X509_BADCERT_FUTURE, "is not valid yet (or this machine's clock is wrong)"},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, "is for another name"},
        {MBEDTLS_X509_BADCERT_MISSING, "is missing"},
        {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
             MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
         "is not for servers"},
        {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
         "is signed in a way that is not secure, or not known here"},
    };
    char text[256];
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((flags & rows[i].flag) != 0) {
            rv_write_text(&w, w.len > 0 ? ", and " : "");
            rv_write_text(&w, rows[i].text);
        }
    }
    if (w.len == 0) {
        rv_write_text(&w, "does not hold");
    }
    RV_ASSERT(!w.full);
    text[w.len] = '\0';
    return rv_error_set(err, RV_CERTIFICATE_UNTRUSTED, "%s", text);
}

static void explain(const rv_tls *tls, int failed, rv_error *err) {
    char text[128];
    RV_ASSERT(failed != 0);
    switch (failed) {
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        (void)untrusted(mbedtls_ssl_get_verify_result(&tls->ssl), err);
        return;
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_UNEXPECTED_RECORD:
        (void)rv_error_set(err, RV_UPSTREAM_NOT_RIVULET, "what came is not TLS");
        return;
    case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
        (void)rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "it speaks another version of TLS");
        return;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        (void)rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "it has refused TLS (alert %u)",
                           (uint64_t)tls->ssl.in_msg[1]);
        return;
    default:
        rv_tls_error_text(failed, text, sizeof text);
        (void)rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "TLS failed: %s", text);
    }
}

/* --- records --- */

/* One step: the handshake as far as it goes, then bytes of a record. Mbed TLS's result. It refuses
 * who wants another handshake, and goes on: nobody who is to be spoken with wants that, and who
 * wants it again and again would have it say so as often. So it is over. */
static int step(rv_tls *tls, uint8_t *plain, size_t cap) {
    if (!tls->established) {
        const int failed = mbedtls_ssl_handshake(&tls->ssl);
        if (failed != 0) {
            return failed;
        }
        tls->established = true;
        if (tls->client && tls->config->holders == 1) {
            rv_tls_config_forget(tls->config);
        }
    }
    const size_t said = tls->out == NULL ? 0 : tls->out->len;
    const int got = mbedtls_ssl_read(&tls->ssl, plain, cap);
    const bool answered = tls->out != NULL && tls->out->len > said;
    return got == MBEDTLS_ERR_SSL_WANT_READ && answered ? MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE : got;
}

rv_tls_result rv_tls_receive(rv_tls *tls, rv_bytes *sealed, rv_writer *plain, rv_writer *out,
                             rv_error *err) {
    RV_ASSERT(rv_writer_room(plain) > 0);
    if (tls->failed) {
        rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "TLS failed before");
        return RV_TLS_FAILED;
    }
    tls->large = tls->large || sealed->len > LARGE_LEN;
    tls->in = *sealed;
    tls->out = out;
    int got;
    size_t left;
    do { /* each time with less to take */
        left = tls->in.len;
        got = step(tls, plain->ptr + plain->len, rv_writer_room(plain));
    } while (got == MBEDTLS_ERR_SSL_WANT_READ && tls->in.len > 0 && tls->in.len < left);
    *sealed = tls->in;
    tls->in = (rv_bytes){0};
    tls->out = NULL;
    if (got > 0) {
        plain->len += (size_t)got;
        return RV_TLS_DATA;
    }
    if (got == MBEDTLS_ERR_SSL_WANT_READ && sealed->len == 0) {
        return RV_TLS_MORE;
    }
    if (got == 0 || got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        return RV_TLS_END;
    }
    tls->failed = true;
    explain(tls, got, err);
    return RV_TLS_FAILED;
}

bool rv_tls_seal(rv_tls *tls, rv_bytes plain, rv_writer *out) {
    RV_ASSERT(tls->established);
    tls->large = tls->large || plain.len > LARGE_LEN;
    tls->out = out;
    while (plain.len > 0 && !tls->failed) {
        const size_t part = plain.len < RV_TLS_RECORD_MAX ? plain.len : RV_TLS_RECORD_MAX;
        const int sent = mbedtls_ssl_write(&tls->ssl, plain.ptr, part);
        tls->failed = sent <= 0;
        plain = rv_bytes_from(plain, sent <= 0 ? 0 : (size_t)sent);
    }
    tls->out = NULL;
    return !tls->failed;
}

void rv_tls_end(rv_tls *tls, rv_writer *out) {
    RV_ASSERT(tls != NULL && out != NULL);
    if (rv_tls_established(tls)) {
        tls->out = out;
        (void)mbedtls_ssl_close_notify(&tls->ssl); /* the connection ends either way */
        tls->out = NULL;
    }
}

/* --- memory --- */

/* The whole pages between. They read as zeros afterwards: what is in them is of no use any more. */
static void pages_give(uint8_t *start, uint8_t *end) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t first = ((uintptr_t)start + page - 1) / page * page;
    const uintptr_t last = (uintptr_t)end / page * page;
    if (first < last) {
        (void)madvise(start + (first - (uintptr_t)start), last - first, MADV_DONTNEED);
    }
}

/* Mbed TLS has its buffers at their full length always (unless it is built otherwise than
 * Debian's). Between two records nothing in them counts but the record's number at the begin of
 * each. */
void rv_tls_rest(rv_tls *tls) {
    const mbedtls_ssl_context *const ssl = &tls->ssl;
    RV_ASSERT(ssl->in_buf != NULL && ssl->out_buf != NULL);
    const bool empty = ssl->in_left == 0 && ssl->in_offt == NULL && ssl->in_hslen == 0 &&
                       ssl->keep_current_message == 0 && ssl->out_left == 0;
    if (tls->large && rv_tls_established(tls) && empty) {
        pages_give(ssl->in_buf + COUNTER_LEN, ssl->in_buf + MBEDTLS_SSL_MAX_CONTENT_LEN);
        pages_give(ssl->out_buf + COUNTER_LEN, ssl->out_buf + MBEDTLS_SSL_MAX_CONTENT_LEN);
        tls->large = false;
    }
}
