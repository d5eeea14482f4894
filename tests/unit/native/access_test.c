/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: only pages of the node's own origin and of those allowed get an answer, only under names
 * that nobody else can give it, and what is no browser is not held up.
 * Method: tables of Host and Origin, each judged by hand; options that are not what they should be.
 */
#include "native/access.h"
#include "tests/unit/test.h"

typedef struct fixture {
    rv_access access;
    rv_bytes origins[2];
    rv_bytes host;
} fixture;

static void allow(fixture *f, const char *origin, const char *host, bool loopback) {
    f->origins[0] = origin == NULL ? (rv_bytes){0} : rv_bytes_of_string(origin);
    f->origins[1] = RV_LITERAL("https://other.example");
    f->host = host == NULL ? (rv_bytes){0} : rv_bytes_of_string(host);
    const rv_access_options options = {f->origins, origin == NULL ? 0 : 2, &f->host,
                                       host == NULL ? 0 : 1};
    rv_error err;
    RV_CHECK_STATUS(rv_access_init(&f->access, &options, &err), RV_OK);
    f->access.loopback = loopback;
}

static rv_status check(const fixture *f, const char *host, const char *origin, rv_bytes *allowed) {
    rv_http_headers headers = {0};
    rv_error err;
    headers.host = host == NULL ? (rv_bytes){0} : rv_bytes_of_string(host);
    headers.origin = origin == NULL ? (rv_bytes){0} : rv_bytes_of_string(origin);
    return rv_access_check(&f->access, &headers, allowed, &err);
}

RV_TEST(hosts) {
    static const struct {
        const char *host;
        rv_status status;
    } cases[] = {
        {"127.0.0.1:5678", RV_OK},
        {"127.0.0.1", RV_OK},
        {"192.0.2.1:80", RV_OK}, /* no name server has a say in an address */
        {"[::1]:5678", RV_OK},
        {"[2001:db8::1]", RV_OK},
        {"localhost:5678", RV_OK},
        {"LocalHost", RV_OK},
        {"node.example", RV_OK}, /* allowed below */
        {"NODE.example:5678", RV_OK},
        {NULL, RV_OK},
        {"", RV_HOST_NOT_ALLOWED},
        {"evil.example", RV_HOST_NOT_ALLOWED},
        {"localhost.evil.example:5678", RV_HOST_NOT_ALLOWED},
        {"127.0.0.1.evil.example", RV_HOST_NOT_ALLOWED},
        {"localhost.", RV_HOST_NOT_ALLOWED},
        {"127.1", RV_HOST_NOT_ALLOWED},
        {"2130706433", RV_HOST_NOT_ALLOWED},
        {"[::1", RV_HOST_NOT_ALLOWED},
        {"[]", RV_HOST_NOT_ALLOWED},
        {"[::1]x", RV_HOST_NOT_ALLOWED},
        {"[evil.example]", RV_HOST_NOT_ALLOWED},
        {"::1", RV_HOST_NOT_ALLOWED},
        {":5678", RV_HOST_NOT_ALLOWED},
        {"localhost:", RV_HOST_NOT_ALLOWED},
        {"localhost:0", RV_HOST_NOT_ALLOWED},
        {"localhost:65536", RV_HOST_NOT_ALLOWED},
        {"localhost:x", RV_HOST_NOT_ALLOWED},
        {"localhost, evil.example", RV_HOST_NOT_ALLOWED},
        {"x@localhost", RV_HOST_NOT_ALLOWED},
        {"sub.node.example", RV_HOST_NOT_ALLOWED},
    };
    fixture loopback;
    allow(&loopback, NULL, "node.example", true);
    fixture named;
    allow(&named, NULL, "node.example", false);
    fixture all;
    allow(&all, NULL, "*", true);
    fixture open;
    allow(&open, NULL, NULL, false);
    rv_bytes allowed;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RV_CHECK_STATUS(check(&loopback, cases[i].host, NULL, &allowed), cases[i].status);
        RV_CHECK_STATUS(check(&named, cases[i].host, NULL, &allowed), cases[i].status);
        RV_CHECK_STATUS(check(&open, cases[i].host, NULL, &allowed), RV_OK);
    }
    RV_CHECK_STATUS(check(&all, "evil.example", NULL, &allowed), RV_OK);
    fixture strict;
    allow(&strict, NULL, NULL, true);
    RV_CHECK_STATUS(check(&strict, "node.example", NULL, &allowed), RV_HOST_NOT_ALLOWED);
    RV_CHECK_STATUS(check(&strict, "localhost", NULL, &allowed), RV_OK);
}

typedef struct origin_case {
    const char *host;
    const char *origin;
    const char *allowed; /* NULL: refused; "": its own, no header needed */
} origin_case;

static void check_origins(const fixture *f, const origin_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        rv_bytes allowed = {0};
        const rv_status status = check(f, cases[i].host, cases[i].origin, &allowed);
        RV_CHECK_STATUS(status, cases[i].allowed == NULL ? RV_ORIGIN_NOT_ALLOWED : RV_OK);
        RV_CHECK_TEXT(allowed, cases[i].allowed == NULL ? "" : cases[i].allowed);
        RV_CHECK_PASSED();
    }
}

RV_TEST(origins) {
    static const origin_case own[] = {
        {"127.0.0.1:5678", NULL, ""},
        {"127.0.0.1:5678", "http://127.0.0.1:5678", ""},
        {"LOCALHOST:5678", "http://localhost:5678", ""},
        {"[::1]:5678", "http://[::1]:5678", ""},
        {"a.example", "http://a.example", ""},
        {"a.example", "https://a.example", ""}, /* behind a proxy that has TLS */
        {"a.example:443", "https://a.example", ""},
        {"a.example:80", "http://a.example", ""},
        {"a.example", "https://a.example:443", ""},
        {"127.0.0.1:5678", "http://127.0.0.1:5679", NULL},
        {"127.0.0.1:5678", "http://localhost:5678", NULL},
        {"127.0.0.1:5678", "http://127.0.0.1", NULL},
        {"a.example", "http://a.example:8080", NULL},
        {"a.example:80", "https://a.example", NULL},
        {"a.example", "http://b.a.example", NULL},
        {"a.example", "http://a.example.b", NULL},
        {"localhost", "capacitor://localhost", NULL},
        {"a.example", "null", NULL},
        {"a.example", "a.example", NULL},
        {"a.example", "http://", NULL},
        {"a.example", "http://a.example/", NULL},
        {"a.example", "http://a.example, http://a.example", NULL},
        {"a.example", "http://a.example@b.example", NULL},
        {NULL, "http://a.example", NULL},
        {"", "http://", NULL},
    };
    static const origin_case listed[] = {
        {"a.example", "https://page.example", "https://page.example"},
        {"a.example", "HTTPS://Page.example", "HTTPS://Page.example"},
        {"a.example", "https://other.example", "https://other.example"},
        {"a.example", "https://a.example", ""},
        {NULL, "https://page.example", "https://page.example"},
        {"a.example", "http://page.example", NULL},
        {"a.example", "https://page.example:444", NULL},
        {"a.example", "https://page.example.b", NULL},
        {"a.example", "null", NULL},
    };
    static const origin_case any[] = {
        {"a.example", "https://page.example", "*"},
        {"a.example", "null", "*"},
        {"a.example", "https://a.example", ""},
        {"a.example", NULL, ""},
    };
    static const origin_case null_only[] = {{"a.example", "null", "null"},
                                            {"a.example", "http://b", NULL}};
    fixture none;
    allow(&none, NULL, NULL, false);
    check_origins(&none, own, sizeof own / sizeof *own);
    fixture some;
    allow(&some, "https://page.example:443", NULL, false);
    check_origins(&some, listed, sizeof listed / sizeof *listed);
    fixture all;
    allow(&all, "*", NULL, false);
    check_origins(&all, any, sizeof any / sizeof *any);
    fixture null_origin;
    allow(&null_origin, "null", NULL, false);
    check_origins(&null_origin, null_only, sizeof null_only / sizeof *null_only);
    RV_CHECK(!rv_access_varies(&none.access) && rv_access_varies(&some.access) &&
             !rv_access_varies(&all.access));
}

RV_TEST(origins_of_a_node_with_tls) {
    static const origin_case secure[] = {
        {"a.example", "https://a.example", ""},
        {"a.example:443", "https://a.example", ""},
        {"a.example:8443", "https://a.example:8443", ""},
        {"a.example", "http://a.example", NULL}, /* another server, on port 80 */
        {"a.example:80", "http://a.example", NULL},
        {"a.example:8443", "http://a.example:8443", NULL},
        {"a.example:8443", "https://a.example", NULL},
    };
    fixture none;
    allow(&none, NULL, NULL, false);
    none.access.secure = true;
    check_origins(&none, secure, sizeof secure / sizeof *secure);
}

RV_TEST(options_that_are_none) {
    static const char *const bad_origins[] = {"",
                                              "example.com",
                                              "https://",
                                              "https://example.com/",
                                              "https://example.com/page",
                                              "https://a b",
                                              "https://a:x",
                                              "https://a?b",
                                              "://a",
                                              "*.example.com"};
    static const char *const bad_hosts[] = {"", "example.com:80", "http://example.com", "a b",
                                            "a/b"};
    rv_access access;
    rv_error err;
    for (size_t i = 0; i < sizeof bad_origins / sizeof *bad_origins; i++) {
        const rv_bytes text = rv_bytes_of_string(bad_origins[i]);
        const rv_access_options options = {.origins = &text, .origin_count = 1};
        RV_CHECK_STATUS(rv_access_init(&access, &options, &err), RV_PARAMETER_INVALID);
    }
    for (size_t i = 0; i < sizeof bad_hosts / sizeof *bad_hosts; i++) {
        const rv_bytes text = rv_bytes_of_string(bad_hosts[i]);
        const rv_access_options options = {.hosts = &text, .host_count = 1};
        RV_CHECK_STATUS(rv_access_init(&access, &options, &err), RV_PARAMETER_INVALID);
    }
    static rv_bytes many[RV_ACCESS_MAX + 1];
    static char long_one[RV_ACCESS_TEXT_LEN_MAX + 2];
    memset(long_one, 'a', sizeof long_one - 1);
    for (size_t i = 0; i < RV_ACCESS_MAX + 1; i++) {
        many[i] = RV_LITERAL("localhost");
    }
    const rv_access_options too_many = {.hosts = many, .host_count = RV_ACCESS_MAX + 1};
    RV_CHECK_STATUS(rv_access_init(&access, &too_many, &err), RV_PARAMETER_INVALID);
    const rv_bytes text = rv_bytes_of_string(long_one);
    const rv_access_options too_long = {.hosts = &text, .host_count = 1};
    RV_CHECK_STATUS(rv_access_init(&access, &too_long, &err), RV_PARAMETER_INVALID);
}

int main(void) {
    RV_RUN(hosts);
    RV_RUN(origins);
    RV_RUN(origins_of_a_node_with_tls);
    RV_RUN(options_that_are_none);
    return rv_test_done();
}
