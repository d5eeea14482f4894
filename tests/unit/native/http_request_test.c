/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: requests are read alike however their bytes are cut, in order when several come at once,
 * and what is malformed or too large is refused with the right status. Method: each request is fed
 * whole, and in two parts at every place; limits are met and passed.
 */
#include "native/http_request.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static uint8_t store[RV_REQUEST_LEN];
static uint8_t large[RV_REQUEST_BODY_MAX];

static const char sample[] = "POST /events?return=minimal HTTP/1.1\r\n"
                             "Host: a\r\n"
                             "XEvent-Type: opened\r\n"
                             "x-unknown-header-of-some-length-beyond-the-rest: 1\r\n"
                             "Accept: text/plain\r\n"
                             "ACCEPT: application/json\r\n"
                             "Content-Length: 11\r\n\r\n"
                             "hello world";

/* Feeds all of it, a head's event included; the last event, and how many bytes were used. */
static rv_http_event feed_all(rv_http_request *r, rv_bytes input, size_t *used) {
    size_t at = 0;
    rv_http_event event = RV_HTTP_HEAD;
    for (int i = 0; i < 4 && event == RV_HTTP_HEAD; i++) {
        size_t part = 0;
        event = rv_http_request_feed(r, rv_bytes_from(input, at), &part);
        at += part;
        if (event == RV_HTTP_HEAD && r->body_len_needed > 0) {
            rv_http_request_body_to(r, large, sizeof large);
        }
    }
    *used = at;
    return event;
}

static void check_sample(const rv_http_request *r) {
    RV_CHECK_TEXT(r->target, "/events?return=minimal");
    RV_CHECK_TEXT(r->headers.event_type_seed, "opened");
    RV_CHECK_TEXT(r->headers.accept, "text/plain, application/json");
    RV_CHECK_TEXT(rv_bytes_of(r->body, r->body_len), "hello world");
    RV_CHECK_TEXT(rv_bytes_of_string(rv_http_request_method(r)), "POST");
    RV_CHECK(r->keep_alive && !r->upgrade && !r->expects_continue);
}

RV_TEST(a_request_cut_anywhere_is_the_same) {
    for (size_t cut = 0; cut < sizeof sample - 1; cut++) {
        rv_http_request r;
        rv_http_request_init(&r, store);
        size_t used = 0;
        RV_CHECK_EQ(feed_all(&r, rv_bytes_of(sample, cut), &used), RV_HTTP_MORE);
        RV_CHECK_EQ(used, cut);
        RV_CHECK_EQ(feed_all(&r, rv_bytes_of(sample + cut, sizeof sample - 1 - cut), &used),
                    RV_HTTP_DONE);
        RV_CHECK_EQ(used, sizeof sample - 1 - cut);
        check_sample(&r);
        RV_CHECK_PASSED();
    }
}

RV_TEST(requests_that_come_together_are_read_one_by_one) {
    static uint8_t three[3 * (sizeof sample - 1)];
    for (size_t i = 0; i < 3; i++) {
        memcpy(three + i * (sizeof sample - 1), sample, sizeof sample - 1);
    }
    rv_http_request r;
    rv_http_request_init(&r, store);
    rv_bytes rest = rv_bytes_of(three, sizeof three);
    for (size_t i = 0; i < 3; i++) {
        size_t used = 0;
        RV_CHECK_EQ(feed_all(&r, rest, &used), RV_HTTP_DONE);
        RV_CHECK_EQ(used, sizeof sample - 1);
        check_sample(&r);
        RV_CHECK_PASSED();
        rv_http_request_reset(&r);
        rest = rv_bytes_from(rest, used);
    }
}

RV_TEST(chunks_are_joined) {
    const rv_bytes input = RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                                      "Expect: 100-Continue\r\n\r\n"
                                      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n");
    for (size_t cut = 0; cut < input.len; cut++) {
        rv_http_request r;
        rv_http_request_init(&r, store);
        size_t used = 0;
        RV_CHECK_EQ(feed_all(&r, rv_bytes_of(input.ptr, cut), &used), RV_HTTP_MORE);
        RV_CHECK_EQ(feed_all(&r, rv_bytes_from(input, cut), &used), RV_HTTP_DONE);
        RV_CHECK(r.expects_continue);
        RV_CHECK_TEXT(rv_bytes_of(r.body, r.body_len), "hello world");
    }
}

/* The status that the input is refused with; 0 when it is not. */
static int refused(rv_bytes input) {
    rv_http_request r;
    rv_http_request_init(&r, store);
    size_t used = 0;
    return feed_all(&r, input, &used) == RV_HTTP_REFUSED ? r.error_http : 0;
}

RV_TEST(what_is_malformed_is_refused) {
    RV_CHECK_EQ(refused(RV_LITERAL("nonsense\r\n\r\n")), 400);
    RV_CHECK_EQ(refused(RV_LITERAL("GET / HTTP/1.1\r\n\r\n")), 400);
    RV_CHECK_EQ(refused(RV_LITERAL("GET / HTTP/2.0\r\nHost: a\r\n\r\n")), 505);
    RV_CHECK_EQ(refused(RV_LITERAL("GET / HTTP/1.1\r\nHost: a\r\nBad header: x\r\n\r\n")), 400);
    RV_CHECK_EQ(refused(RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                                   "Content-Length: 2\r\n\r\n")),
                400);
    RV_CHECK_EQ(refused(RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n")),
                400);
    RV_CHECK_EQ(refused(RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n")), 417);
    RV_CHECK_EQ(refused(RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n\r\n")),
                415);
    RV_CHECK_EQ(
        refused(RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: IDENTITY\r\n\r\n")), 0);
    RV_CHECK_EQ(refused(RV_LITERAL("GET / HTTP/1.0\r\n\r\n")), 0);
}

RV_TEST(limits_are_met_and_passed) {
    static uint8_t bytes[2 * RV_HEAD_LEN_MAX];
    for (size_t extra = 0; extra < 2; extra++) {
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_write_text(&w, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
        const size_t counted = 1 + 4 + 4 + 1 + 1 + 4; /* target, names and values as they count */
        for (size_t i = 0; i + counted < RV_HEAD_LEN_MAX + extra; i++) {
            rv_write_u8(&w, 'y');
        }
        rv_write_text(&w, "\r\n\r\n");
        RV_CHECK_EQ(refused(rv_writer_bytes(&w)), extra == 0 ? 0 : 431);
    }
    RV_CHECK_EQ(
        refused(RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194305\r\n\r\n")), 413);
    RV_CHECK_EQ(
        refused(RV_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n")), 0);
}

RV_TEST(random_bytes_never_break_it) {
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[sizeof sample];
        memcpy(bytes, sample, sizeof sample);
        for (int i = 0; i < 3; i++) {
            bytes[rv_test_random(&seed) % (sizeof sample - 1)] = (uint8_t)rv_test_random(&seed);
        }
        rv_http_request r;
        rv_http_request_init(&r, store);
        size_t used = 0;
        const rv_http_event event = feed_all(&r, rv_bytes_of(bytes, sizeof sample - 1), &used);
        RV_CHECK(used <= sizeof sample - 1);
        RV_CHECK(event != RV_HTTP_REFUSED || r.error_http >= 400);
    }
}

int main(void) {
    RV_RUN(a_request_cut_anywhere_is_the_same);
    RV_RUN(requests_that_come_together_are_read_one_by_one);
    RV_RUN(chunks_are_joined);
    RV_RUN(what_is_malformed_is_refused);
    RV_RUN(limits_are_met_and_passed);
    RV_RUN(random_bytes_never_break_it);
    return rv_test_done();
}
