/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what goes in at one end of TLS comes out at the other, however the bytes are cut; who is
 * not who was asked for is not spoken with, and it is said why; nothing that was cut off, changed
 * or made up gets through. Method: a client and a server in one process, records carried by hand,
 * whole or a byte at a time, stopped at every place and with every byte changed; the plain bytes of
 * both ends are compared. Certificates are in tests/unit/native/certificates.h.
 */
#include "native/tls_identity.h"
#include "native/tls_internal.h"
#include "tests/unit/native/certificates.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLIGHT_MAX 8192u /* of a handshake's messages, one way */

typedef struct end {
    rv_tls *tls;
    rv_tls_result result;
    rv_error err;
    uint8_t out[RV_TLS_SEALED_LEN]; /* records that were not carried to the other one */
    size_t out_len;
    uint8_t plain[RV_OUTPUT_LEN + 1]; /* all that came, and room */
    size_t plain_len;
    size_t plain_cap; /* room for one call */
} end;

static end client;
static end server;
static char folder[] = "/tmp/rivulet-tls-XXXXXX";

static const char *file_of(const char *name) {
    static char paths[4][64];
    static unsigned next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static bool file_write(const char *name, const char *text) {
    FILE *const file = fopen(file_of(name), "w");
    const bool written = file != NULL && fputs(text, file) >= 0;
    return file != NULL && fclose(file) == 0 && written;
}

RV_TEST(files) {
    RV_CHECK(mkdtemp(folder) != NULL);
    RV_CHECK(file_write("ca", pem_ca) && file_write("other_ca", pem_other_ca));
    RV_CHECK(file_write("leaf", pem_leaf) && file_write("key", pem_key));
    RV_CHECK(file_write("expired", pem_expired) && file_write("future", pem_future));
    RV_CHECK(file_write("other_key", pem_other_key) && file_write("empty", ""));
}

/* --- the two --- */

static void ends_close(void) {
    rv_tls_free(client.tls);
    rv_tls_free(server.tls);
    client.tls = server.tls = NULL;
}

static void end_begin(end *e) {
    e->out_len = e->plain_len = 0;
    e->plain_cap = sizeof e->plain;
    e->result = RV_TLS_MORE;
}

static bool ends_open(const char *cert, const char *ca, const char *host) {
    rv_tls_config *shown, *trusted;
    rv_error err;
    end_begin(&client);
    end_begin(&server);
    if (rv_tls_config_server(&shown, file_of(cert), file_of("key"), &err) != RV_OK ||
        rv_tls_config_client(&trusted, file_of(ca), &err) != RV_OK) {
        return false;
    }
    const bool good = rv_tls_open(&server.tls, shown, NULL, &err) == RV_OK &&
                      rv_tls_open(&client.tls, trusted, host, &err) == RV_OK;
    rv_tls_config_drop(shown);
    rv_tls_config_drop(trusted);
    return good;
}

/* Gives the end bytes, and collects what comes of them. */
static void give(end *e, rv_bytes bytes) {
    do {
        const size_t room = sizeof e->plain - e->plain_len;
        rv_writer plain =
            rv_writer_over(e->plain + e->plain_len, e->plain_cap < room ? e->plain_cap : room);
        rv_writer out = rv_writer_over(e->out + e->out_len, sizeof e->out - e->out_len);
        e->result = rv_tls_receive(e->tls, &bytes, &plain, &out, &e->err);
        e->plain_len += plain.len;
        e->out_len += out.len;
    } while (e->result == RV_TLS_DATA);
}

/* Carries what one has to say to the other, `step` bytes at a time. */
static void carry(end *from, end *to, size_t step) {
    for (size_t at = 0; at < from->out_len && to->result == RV_TLS_MORE; at += step) {
        const size_t left = from->out_len - at;
        give(to, rv_bytes_of(from->out + at, left < step ? left : step));
    }
    from->out_len = 0;
}

static void shake_hands(size_t step) {
    give(&client, (rv_bytes){0});
    for (unsigned i = 0; i < 8; i++) { /* two round trips, and what refuses */
        carry(&client, &server, step);
        carry(&server, &client, step);
    }
}

/* Seals `len` bytes of a pattern; the other one must get these. */
static bool passes(end *from, end *to, size_t len, size_t step) {
    static uint8_t bytes[RV_OUTPUT_LEN];
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 31 + len);
    }
    rv_writer out = rv_writer_over(from->out, sizeof from->out);
    const bool sealed = rv_tls_seal(from->tls, rv_bytes_of(bytes, len), &out);
    from->out_len = out.len;
    const size_t records = (len + RV_TLS_RECORD_MAX - 1) / RV_TLS_RECORD_MAX;
    const bool short_enough = out.len <= len + records * RV_TLS_RECORD_COST;
    to->plain_len = 0;
    carry(from, to, step);
    return sealed && short_enough && to->plain_len == len && memcmp(to->plain, bytes, len) == 0;
}

/* --- cases --- */

RV_TEST(what_goes_in_comes_out) {
    static const size_t steps[] = {1, 7, 1000, RV_TLS_SEALED_LEN};
    static const size_t lens[] = {1, 2, 100, 4095, 4096, 4097, 16384, 20000, RV_OUTPUT_LEN};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        RV_CHECK(ends_open("leaf", "ca", "node.test"));
        shake_hands(steps[i]);
        RV_CHECK(rv_tls_established(client.tls) && rv_tls_established(server.tls));
        for (size_t k = 0; k < sizeof lens / sizeof *lens; k++) {
            client.plain_cap = server.plain_cap = k % 2 == 0 ? sizeof client.plain : 1 + k * 100;
            RV_CHECK(passes(&client, &server, lens[k], steps[i]));
            rv_tls_rest(k % 3 == 0 ? server.tls : client.tls);
            RV_CHECK(passes(&server, &client, lens[k], steps[i]));
            rv_tls_rest(server.tls);
            rv_tls_rest(server.tls);
        }
        rv_writer out = rv_writer_over(server.out, sizeof server.out);
        rv_tls_end(server.tls, &out);
        server.out_len = out.len;
        carry(&server, &client, steps[i]);
        RV_CHECK_EQ(client.result, RV_TLS_END);
        RV_CHECK(passes(&client, &server, 100, steps[i])); /* the other half is open still */
        ends_close();
    }
}

RV_TEST(half_of_a_record_stays_when_buffers_rest) {
    RV_CHECK(ends_open("leaf", "ca", "node.test"));
    shake_hands(RV_TLS_SEALED_LEN);
    uint8_t bytes[4000];
    memset(bytes, 'x', sizeof bytes);
    rv_writer out = rv_writer_over(client.out, sizeof client.out);
    RV_CHECK(rv_tls_seal(client.tls, rv_bytes_of(bytes, sizeof bytes), &out));
    give(&server, rv_bytes_of(client.out, 3900));
    RV_CHECK_EQ(server.plain_len, 0);
    rv_tls_rest(server.tls);
    give(&server, rv_bytes_of(client.out + 3900, out.len - 3900));
    RV_CHECK(server.plain_len == sizeof bytes && memcmp(server.plain, bytes, sizeof bytes) == 0);
    ends_close();
}

RV_TEST(who_the_peer_must_be) {
    static const struct {
        const char *cert, *ca, *host, *why; /* NULL: all is well */
    } cases[] = {
        {"leaf", "ca", "node.test", NULL},
        {"leaf", "ca", "NODE.test", NULL},
        {"leaf", "ca", "any.wild.test", NULL},
        {"leaf", "ca", "127.0.0.1", NULL},
        {"leaf", "ca", "::1", NULL},
        {"leaf", "ca", "0:0:0:0:0:0:0:1", NULL},
        {"leaf", "ca", "wild.test", "is for another name"},
        {"leaf", "ca", "a.b.wild.test", "is for another name"},
        {"leaf", "ca", "node.test.example", "is for another name"},
        {"leaf", "ca", "127.0.0.2", "is for another name"},
        {"leaf", "ca", "::2", "is for another name"},
        {"leaf", "ca", "127.0.0.1.example", "is for another name"},
        {"leaf", "other_ca", "node.test", "is from an unknown issuer"},
        {"leaf", "other_ca", "127.0.0.2", "is from an unknown issuer, and is for another name"},
        {"expired", "ca", "node.test", "has expired"},
        {"future", "ca", "node.test", "is not valid yet (or this machine's clock is wrong)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RV_CHECK(ends_open(cases[i].cert, cases[i].ca, cases[i].host));
        shake_hands(RV_TLS_SEALED_LEN);
        RV_CHECK(rv_tls_established(client.tls) == (cases[i].why == NULL));
        RV_CHECK(rv_tls_established(server.tls) == (cases[i].why == NULL));
        if (cases[i].why != NULL) {
            RV_CHECK_EQ(client.result, RV_TLS_FAILED);
            RV_CHECK_STATUS(client.err.status, RV_CERTIFICATE_UNTRUSTED);
            RV_CHECK_TEXT(rv_error_detail(&client.err), cases[i].why);
            RV_CHECK_EQ(server.result, RV_TLS_FAILED); /* it was told */
        }
        ends_close();
    }
}

/* The client's side of a handshake up to the place, and then nothing: no end, and no harm. */
RV_TEST(a_handshake_that_stops_anywhere) {
    static uint8_t hello[FLIGHT_MAX], rest[FLIGHT_MAX];
    RV_CHECK(ends_open("leaf", "ca", "node.test"));
    give(&client, (rv_bytes){0});
    const size_t hello_len = client.out_len;
    memcpy(hello, client.out, hello_len);
    carry(&client, &server, RV_TLS_SEALED_LEN);
    carry(&server, &client, RV_TLS_SEALED_LEN);
    const size_t rest_len = client.out_len;
    RV_CHECK(hello_len > 100 && rest_len > 50 && rest_len < FLIGHT_MAX);
    memcpy(rest, client.out, rest_len);
    ends_close();
    for (size_t len = 0; len < hello_len; len++) {
        RV_CHECK(ends_open("leaf", "ca", "node.test"));
        give(&server, rv_bytes_of(hello, len));
        RV_CHECK(server.result == RV_TLS_MORE && server.out_len == 0);
        ends_close();
    }
    for (size_t len = 0; len <= rest_len; len += 7) { /* another session's: refused at the end */
        RV_CHECK(ends_open("leaf", "ca", "node.test"));
        give(&server, rv_bytes_of(hello, hello_len));
        give(&server, rv_bytes_of(rest, len));
        RV_CHECK(!rv_tls_established(server.tls) && server.plain_len == 0);
        ends_close();
    }
}

RV_TEST(what_is_no_tls_is_refused) {
    uint8_t bytes[600];
    for (unsigned first = 0; first < 256; first++) {
        RV_CHECK(ends_open("leaf", "ca", "node.test"));
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)(first + i * 7);
        }
        give(&server, rv_bytes_of(bytes, sizeof bytes));
        RV_CHECK(!rv_tls_established(server.tls) && server.plain_len == 0);
        RV_CHECK(server.result == RV_TLS_FAILED || first == 22); /* a handshake, and a length */
        give(&client, (rv_bytes){0});
        give(&client, rv_bytes_of(bytes, sizeof bytes));
        RV_CHECK_EQ(client.result, RV_TLS_FAILED);
        RV_CHECK(client.err.status == RV_UPSTREAM_NOT_RIVULET ||
                 client.err.status == RV_UPSTREAM_UNREACHABLE);
        give(&client, rv_bytes_of(bytes, sizeof bytes)); /* it does not come back */
        RV_CHECK_EQ(client.result, RV_TLS_FAILED);
        ends_close();
    }
}

RV_TEST(a_record_that_was_changed_does_not_get_through) {
    static const char text[] = "a message of some length";
    for (size_t at = 0;; at++) {
        RV_CHECK(ends_open("leaf", "ca", "node.test"));
        shake_hands(RV_TLS_SEALED_LEN);
        rv_writer out = rv_writer_over(client.out, sizeof client.out);
        RV_CHECK(rv_tls_seal(client.tls, rv_bytes_of_string(text), &out));
        const bool over = at == out.len;
        if (!over) {
            client.out[at] ^= 1;
            give(&server, rv_writer_bytes(&out));
            RV_CHECK_EQ(server.plain_len, 0);
            /* or of another length: then more is waited for */
            RV_CHECK(server.result == RV_TLS_FAILED || at == 3 || at == 4);
        }
        ends_close();
        if (over) {
            break;
        }
    }
}

/* A warning is all that this would be answered with: who provokes them and does not read is cut. */
RV_TEST(an_answer_that_cannot_be_sent_is_a_failure) {
    rv_error err;
    RV_CHECK(ends_open("leaf", "ca", "node.test"));
    give(&client, (rv_bytes){0});
    rv_bytes hello = rv_bytes_of(client.out, client.out_len);
    rv_writer plain = rv_writer_over(server.plain, sizeof server.plain);
    RV_CHECK_EQ(rv_tls_receive(server.tls, &hello, &plain, NULL, &err), RV_TLS_FAILED);
    ends_close();
}

/* Wants another handshake, in the session that the end has; Mbed TLS's context is its begin. */
static bool renegotiate(end *e) {
    mbedtls_ssl_context *const ssl = (mbedtls_ssl_context *)(void *)e->tls;
    mbedtls_ssl_conf_renegotiation((mbedtls_ssl_config *)(uintptr_t)ssl->conf,
                                   MBEDTLS_SSL_RENEGOTIATION_ENABLED);
    rv_writer out = rv_writer_over(e->out, sizeof e->out);
    const bool begun = mbedtls_ssl_renegotiate(ssl) == MBEDTLS_ERR_SSL_WANT_WRITE;
    const bool sealed = rv_tls_seal(e->tls, RV_LITERAL("x"), &out); /* sends what is left to send */
    e->out_len = out.len;
    return begun && sealed == (e == &server); /* which goes on meanwhile */
}

/* Who wants that is told no, once, and not spoken with any more. */
RV_TEST(another_handshake_is_refused_for_good) {
    for (unsigned i = 0; i < 2; i++) {
        end *const wants = i == 0 ? &client : &server;
        end *const asked = i == 0 ? &server : &client;
        RV_CHECK(ends_open("leaf", "ca", "node.test"));
        shake_hands(RV_TLS_SEALED_LEN);
        RV_CHECK(rv_tls_established(asked->tls));
        RV_CHECK(renegotiate(wants));
        RV_CHECK(wants->out_len > 0 && asked->out_len == 0);
        carry(wants, asked, RV_TLS_SEALED_LEN);
        RV_CHECK(asked->result == RV_TLS_FAILED && !rv_tls_established(asked->tls));
        RV_CHECK(asked->out_len > 0 && asked->out_len < RV_TLS_RECORD_COST); /* one record */
        ends_close();
    }
}

RV_TEST(files_that_do_not_do) {
    rv_tls_config *config;
    rv_error err;
    RV_CHECK_STATUS(rv_tls_config_server(&config, file_of("absent"), file_of("key"), &err),
                    RV_DATA_NOT_FOUND);
    RV_CHECK_STATUS(rv_tls_config_server(&config, file_of("leaf"), file_of("absent"), &err),
                    RV_DATA_NOT_FOUND);
    static const char *const bad[][2] = {{"empty", "key"},
                                         {"key", "key"},
                                         {"leaf", "empty"},
                                         {"leaf", "leaf"},
                                         {"leaf", "other_key"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RV_CHECK_STATUS(rv_tls_config_server(&config, file_of(bad[i][0]), file_of(bad[i][1]), &err),
                        RV_PARAMETER_INVALID);
        RV_CHECK(config == NULL);
    }
    RV_CHECK_STATUS(rv_tls_config_client(&config, file_of("absent"), &err), RV_DATA_NOT_FOUND);
    RV_CHECK_STATUS(rv_tls_config_client(&config, file_of("key"), &err), RV_PARAMETER_INVALID);
}

/* A certificate that is renewed, in two steps of which the first fits nothing. */
RV_TEST(renewal) {
    rv_tls_identity identity;
    rv_error err;
    uint64_t now = 1000000;
    RV_CHECK(file_write("cert", pem_expired) && file_write("cert_key", pem_key));
    char cert[64], key[64];
    snprintf(cert, sizeof cert, "%s", file_of("cert"));
    snprintf(key, sizeof key, "%s", file_of("cert_key"));
    RV_CHECK_STATUS(rv_tls_identity_open(&identity, cert, key, &err), RV_OK);
    rv_tls_config *const first = identity.config;
    RV_CHECK_STATUS(rv_tls_identity_look(&identity, now, &err), RV_PENDING);
    RV_CHECK(file_write("new", pem_leaf) && rename(file_of("new"), cert) == 0);
    RV_CHECK(unlink(key) == 0);
    RV_CHECK_STATUS(rv_tls_identity_look(&identity, now + RV_TLS_LOOK_MS - 1, &err), RV_PENDING);
    now += RV_TLS_LOOK_MS;
    RV_CHECK_STATUS(rv_tls_identity_look(&identity, now, &err), RV_DATA_NOT_FOUND);
    RV_CHECK(identity.config == first);
    now += RV_TLS_LOOK_MS;
    RV_CHECK_STATUS(rv_tls_identity_look(&identity, now, &err), RV_PENDING); /* it was said */
    RV_CHECK(file_write("cert_key", pem_other_key));
    now += RV_TLS_LOOK_MS;
    RV_CHECK_STATUS(rv_tls_identity_look(&identity, now, &err), RV_PARAMETER_INVALID);
    RV_CHECK(identity.config == first);
    rv_tls *kept; /* a session that began before */
    RV_CHECK_STATUS(rv_tls_open(&kept, identity.config, NULL, &err), RV_OK);
    RV_CHECK(file_write("new", pem_key) && rename(file_of("new"), key) == 0);
    now += RV_TLS_LOOK_MS;
    RV_CHECK_STATUS(rv_tls_identity_look(&identity, now, &err), RV_OK);
    RV_CHECK(identity.config != first);
    rv_tls_identity_close(&identity);
    rv_tls_free(kept);
}

RV_TEST(files_end) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    RV_CHECK_EQ(system(command), 0);
}

int main(void) {
    RV_RUN(files);
    RV_RUN(what_goes_in_comes_out);
    RV_RUN(half_of_a_record_stays_when_buffers_rest);
    RV_RUN(who_the_peer_must_be);
    RV_RUN(a_handshake_that_stops_anywhere);
    RV_RUN(what_is_no_tls_is_refused);
    RV_RUN(a_record_that_was_changed_does_not_get_through);
    RV_RUN(an_answer_that_cannot_be_sent_is_a_failure);
    RV_RUN(another_handshake_is_refused_for_good);
    RV_RUN(files_that_do_not_do);
    RV_RUN(renewal);
    RV_RUN(files_end);
    return rv_test_done();
}
