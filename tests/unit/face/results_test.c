/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the few buffers that large answers lie in are there for everybody: a live answer that its
 * reader has already keeps none, and one that is read slowly while others wait is to be cut off.
 * Method: the request handler with its two buffers, and one request more than these.
 */
#include "tests/unit/face/server.h"

#define BEGUN    1000000 /* of the clock that pieces are asked with */
#define PATIENCE RV_RESULT_PATIENCE_US

static rv_exchange *begin(server *s, const char *sql, bool live, rv_bytes last_event_id) {
    static char body[256];
    rv_exchange *x = NULL;
    const int len = snprintf(body, sizeof body, "{\"sql\":\"%s\"}", sql);
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/query"),
                                .content_type = RV_LITERAL("application/json"),
                                .accept = live ? RV_LITERAL("text/event-stream")
                                               : RV_LITERAL("application/json"),
                                .last_event_id = last_event_id,
                                .body = rv_bytes_of((const uint8_t *)body, (size_t)len)};
    if (rv_face_begin(s->face, &request, &x, NULL) != RV_OK) {
        abort();
    }
    return x;
}

/* True when it is answered. */
static bool answered(server *s, rv_exchange *x) {
    rv_response_head head;
    rv_status status = RV_PENDING;
    for (int i = 0; i < 100 && status == RV_PENDING; i++) {
        status = rv_exchange_head(x, &head);
        fixture_poll(s->f.node);
    }
    return status == RV_OK && head.status == 200;
}

static rv_status read_piece(rv_exchange *x, int64_t now, uint8_t *bytes, size_t cap) {
    rv_writer w = rv_writer_over(bytes, cap);
    return rv_exchange_body(x, now, &w);
}

RV_TEST(what_is_known_keeps_no_buffer) {
    static const char sql[] = "select count(*) as n from account";
    server s = server_create(1);
    uint8_t bytes[2048] = {0};
    char id[33] = {0};
    rv_exchange *x = begin(&s, sql, true, (rv_bytes){NULL, 0});
    RV_CHECK(answered(&s, x));
    RV_CHECK_STATUS(read_piece(x, BEGUN, bytes, sizeof bytes - 1), RV_OK);
    RV_CHECK(memcmp(bytes, "id: ", 4) == 0);
    memcpy(id, bytes + 4, 32);
    rv_face_end(x);
    rv_exchange *feeds[2];
    for (int i = 0; i < 2; i++) {
        feeds[i] = begin(&s, sql, true, rv_bytes_of_string(id));
        RV_CHECK(answered(&s, feeds[i]));
        while (read_piece(feeds[i], BEGUN, bytes, sizeof bytes) == RV_OK) { /* a comment */
            RV_CHECK_EQ(bytes[0], ':');
        }
    }
    x = begin(&s, "select 1", false, (rv_bytes){NULL, 0});
    RV_CHECK(answered(&s, x));
    rv_face_end(x);
    /* and they go on */
    RV_CHECK_STATUS(fixture_append(&s.f, "accounts", "account_opened", "{\"name\":\"x\"}"), RV_OK);
    for (int i = 0; i < 2; i++) {
        rv_status status = RV_PENDING;
        for (int k = 0; k < 100 && status == RV_PENDING; k++) {
            status = read_piece(feeds[i], BEGUN + 2000000, bytes, sizeof bytes);
            fixture_poll(s.f.node);
        }
        RV_CHECK_STATUS(status, RV_OK);
        rv_face_end(feeds[i]);
    }
    server_free(&s);
}

RV_TEST(who_reads_slowly_gives_way) {
    server s = server_create(2);
    uint8_t bytes[16];
    rv_exchange *slow[2];
    for (int i = 0; i < 2; i++) {
        slow[i] = begin(&s, "select * from rv_event_types", false, (rv_bytes){NULL, 0});
        RV_CHECK(answered(&s, slow[i]));
        RV_CHECK_STATUS(read_piece(slow[i], BEGUN, bytes, sizeof bytes), RV_OK);
        RV_CHECK(!rv_exchange_keeps_others(slow[i], BEGUN + PATIENCE + 1)); /* nobody waits */
    }
    rv_exchange *const other = begin(&s, "select 1", false, (rv_bytes){NULL, 0});
    RV_CHECK(!answered(&s, other));
    RV_CHECK(!rv_exchange_keeps_others(slow[0], BEGUN + PATIENCE));
    RV_CHECK(rv_exchange_keeps_others(slow[0], BEGUN + PATIENCE + 1));
    RV_CHECK(!rv_exchange_keeps_others(other, BEGUN + PATIENCE + 1));
    rv_face_end(slow[0]);
    RV_CHECK(answered(&s, other));
    RV_CHECK(!rv_exchange_keeps_others(slow[1], BEGUN + PATIENCE + 1));
    rv_face_end(slow[1]);
    rv_face_end(other);
    server_free(&s);
}

/* A client that has gone while its query waited for a buffer is known by that: it would be run for
 * nobody. */
RV_TEST(who_waits_for_a_buffer_asks_a_query) {
    server s = server_create(1);
    rv_exchange *held[2];
    for (int i = 0; i < 2; i++) {
        held[i] = begin(&s, "select 1", false, (rv_bytes){NULL, 0});
        RV_CHECK(answered(&s, held[i]));
        RV_CHECK(!rv_exchange_is_query(held[i]));
    }
    rv_exchange *const waits = begin(&s, "select 2", false, (rv_bytes){NULL, 0});
    RV_CHECK(!answered(&s, waits));
    RV_CHECK(rv_exchange_is_query(waits));
    rv_exchange *other = NULL;
    const rv_request rows = {.method = RV_LITERAL("GET"),
                             .target = RV_LITERAL("/aggregates/account")};
    RV_CHECK_STATUS(rv_face_begin(s.face, &rows, &other, NULL), RV_OK);
    RV_CHECK(!answered(&s, other));
    RV_CHECK(!rv_exchange_is_query(other));
    rv_face_end(held[0]);
    RV_CHECK(answered(&s, waits));
    RV_CHECK(!rv_exchange_is_query(waits));
    rv_face_end(held[1]);
    rv_face_end(waits);
    rv_face_end(other);
    server_free(&s);
}

int main(void) {
    RV_RUN(what_is_known_keeps_no_buffer);
    RV_RUN(who_reads_slowly_gives_way);
    RV_RUN(who_waits_for_a_buffer_asks_a_query);
    return rv_test_done();
}
