/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is answered `as_of` a position or a time is what was answered there, for rows, lists,
 * queries, streams and events; who asks while another's answer is made waits; one that goes away
 * leaves the place; what is refused says why. Method: every answer is noted when it is the present
 * one, and asked for again at the end, by position and by time, in any order; requests side by
 * side.
 */
#include "tests/unit/face/server.h"

#define ROUNDS 40
#define KINDS  6

static const char *const targets[KINDS] = {
    "/aggregates",
    "/aggregates/account",
    "/aggregates/account/1",
    "/query?sql=select%20*%20from%20account%20order%20by%20balance,id",
    "/query?sql=select%20sum(balance)%20from%20account%20where%20id%3C%3F&params=%5B4%5D",
    "/events",
};

typedef struct present {
    uint64_t position;
    int64_t time;
    char *texts[KINDS];
} present;

static int get_text(server *s, const char *target) {
    const rv_request request = {.method = RV_LITERAL("GET"), .target = rv_bytes_of_string(target)};
    return ask(s, &request);
}

static char *copy_body(const server *s) {
    char *const text = malloc(s->body.len + 1);
    memcpy(text, s->body.ptr, s->body.len);
    text[s->body.len] = 0;
    return text;
}

static void note(server *s, present *p) {
    p->position = rv_node_watermark(s->f.node);
    for (unsigned k = 0; k < KINDS; k++) {
        RV_CHECK_EQ(get_text(s, targets[k]), 200);
        RV_CHECK(!s->head.past);
        p->texts[k] = copy_body(s);
    }
}

/* A query says where it is of; all else is the same. */
static bool same(const char *was, const char *is, uint64_t position) {
    char with[64];
    const size_t len = strlen(was);
    (void)snprintf(with, sizeof with, ",\"as_of\":%llu}\n", (unsigned long long)position);
    return strcmp(was, is) == 0 ||
           (strncmp(was, is, len - 2) == 0 && strcmp(is + len - 2, with) == 0);
}

static void check(server *s, const present *p, const char *as_of) {
    for (unsigned k = 0; k < KINDS; k++) {
        char target[256];
        (void)snprintf(target, sizeof target, "%s%cas_of=%s", targets[k],
                       strchr(targets[k], '?') == NULL ? '?' : '&', as_of);
        RV_CHECK_EQ(get_text(s, target), 200);
        RV_CHECK_EQ(s->head.past, k != KINDS - 1);
        RV_CHECK(!s->head.past || s->head.as_of == p->position);
        char *const text = copy_body(s);
        RV_CHECK(same(p->texts[k], text, p->position));
        free(text);
    }
}

/* Opens an account or pays into one; the first round has one to show. */
static void grow(server *s, unsigned round) {
    char path[40], data[32];
    (void)snprintf(path, sizeof path, "/streams/accounts/%u", 1 + round * 7 % (1 + round / 2));
    (void)snprintf(data, sizeof data, "{\"amount\":%u}", 1 + round * 13 % 50);
    const bool opens = round % 2 == 0;
    RV_CHECK_EQ(post(s, opens ? "/streams/accounts" : path, opens ? "account_opened" : "deposited",
                     opens ? "{\"name\":\"a\"}" : data),
                201);
    RV_CHECK(fixture_settle(s->f.node));
}

RV_TEST(answers_as_they_were) {
    static present presents[ROUNDS];
    server s = server_create(1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        presents[i].time = INT64_C(1700000000000000) + i * INT64_C(1000000);
        rv_memory_host_set_clock(s.f.storage, presents[i].time);
        grow(&s, i);
        note(&s, &presents[i]);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[64];
        const present *const p = &presents[i * 17 % ROUNDS];
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)p->position);
        check(&s, p, text);
        (void)snprintf(text, sizeof text, "2023-11-14T22:13:%02u.5Z",
                       20 + (unsigned)(p - presents) % 40);
        if (p - presents < 40) {
            check(&s, p, text);
        }
        RV_CHECK_PASSED();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned k = 0; k < KINDS; k++) {
            free(presents[i].texts[k]);
        }
    }
    server_free(&s);
}

RV_TEST(a_body_says_it_too) {
    server s = server_create(2);
    grow(&s, 0);
    grow(&s, 1);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select balance from account\",\"as_of\":2}"),
                200);
    RV_CHECK_TEXT(s.body,
                  "{\"columns\":[{\"name\":\"balance\",\"type\":\"bigint\"}],\"rows\":[[0]],"
                  "\"as_of\":2}\n");
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"as_of\":\"2099-01-01T00:00:00Z\"}"),
                200);
    RV_CHECK(has(&s, "\"as_of\":3}"));
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"as_of\":true}"), 400);
    RV_CHECK_EQ(get_text(&s, "/streams/accounts/1?as_of=2"), 200);
    RV_CHECK(has(&s, "\"position\":2") && !has(&s, "\"position\":3"));
    server_free(&s);
}

RV_TEST(what_is_refused) {
    server s = server_create(3);
    grow(&s, 0);
    RV_CHECK_EQ(get_text(&s, "/aggregates/account?as_of=9"), 400);
    RV_CHECK(has(&s, "\"watermark\":2"));
    RV_CHECK_EQ(get_text(&s, "/aggregates/account?as_of=0"), 404);
    RV_CHECK(has(&s, "there was no aggregate `account` yet at position 0"));
    RV_CHECK_EQ(get_text(&s, "/aggregates/account/1?as_of=1"), 404);
    RV_CHECK(has(&s, "row_not_found"));
    RV_CHECK_EQ(get_text(&s, "/query?sql=select%201&as_of=999999999999999"), 400);
    RV_CHECK_EQ(get_text(&s, "/query?sql=select%201&as_of="), 400);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"as_of\":\"\"}"), 400);
    RV_CHECK_EQ(get_text(&s, "/events?as_of="), 400);
    RV_CHECK_EQ(get_text(&s, "/events?as_of=999"), 400); /* as rows are not answered */
    RV_CHECK(has(&s, "\"watermark\":2"));
    RV_CHECK_EQ(get_text(&s, "/streams/accounts/1?as_of=999"), 400);
    RV_CHECK_EQ(get_text(&s, "/events?until=999"), 200);
    RV_CHECK_EQ(get_text(&s, "/query?sql=select%20*%20from%20rv_events&as_of=2"), 400);
    RV_CHECK(has(&s, "no such table: rv_events (as of position 2: system tables are of now, and "
                     "take no `as_of`)\""));
    const rv_request live = {.method = RV_LITERAL("GET"),
                             .target = RV_LITERAL("/aggregates/account?as_of=2"),
                             .accept = RV_LITERAL("text/event-stream")};
    RV_CHECK_EQ(ask(&s, &live), 400);
    RV_CHECK(has(&s, "\"parameter\":\"as_of\""));
    RV_CHECK_EQ(get_text(&s, "/query?sql=select%20*%20from%20account&as_of=0"), 400);
    RV_CHECK(has(&s, "no such table: account (as of position 0: the schema had no such aggregate "
                     "then)\""));
    RV_CHECK_EQ(get_text(&s, "/aggregates/account?as_of=2"), 200);
    server_free(&s);
}

static rv_status begin(server *s, const char *target, rv_exchange **x) {
    const rv_request request = {.method = RV_LITERAL("GET"), .target = rv_bytes_of_string(target)};
    const rv_status status = rv_face_begin(s->face, &request, x, &s->f.err);
    RV_ASSERT(status == RV_OK);
    return rv_exchange_head(*x, &s->head);
}

/* A query that is stopped after each slice of steps has the past until it ends, or goes. */
RV_TEST(one_after_the_other) {
    static const char query[] = "/query?as_of=2&sql=with%20recursive%20c(i)%20as%20(select%201%20"
                                "union%20all%20select%20i%2B1%20from%20c%20where%20i%3C20000)%20"
                                "select%20count(*)%20from%20c";
    server s = server_create(4);
    rv_exchange *first = NULL, *second = NULL;
    grow(&s, 0);
    RV_CHECK_STATUS(begin(&s, query, &first), RV_PENDING);
    RV_CHECK(rv_exchange_is_query(first) && rv_face_busy(s.face));
    RV_CHECK_STATUS(begin(&s, "/aggregates/account?as_of=2", &second), RV_PENDING);
    RV_CHECK_STATUS(rv_exchange_head(second, &s.head), RV_PENDING);
    RV_CHECK(rv_exchange_is_query(second));                /* nor does it set out for nobody */
    RV_CHECK_EQ(get_text(&s, "/aggregates/account"), 200); /* the present is not in the way */
    rv_face_end(first);
    RV_CHECK(!rv_face_busy(s.face));
    RV_CHECK_STATUS(rv_exchange_head(second, &s.head), RV_OK);
    RV_CHECK_EQ(s.head.status, 200);
    RV_CHECK(!rv_exchange_is_query(second));
    RV_CHECK_STATUS(begin(&s, query, &first), RV_PENDING); /* that answer is made */
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && status == RV_PENDING; i++) {
        status = rv_exchange_head(first, &s.head);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_EQ(s.head.status, 200);
    rv_face_end(first);
    rv_face_end(second);
    RV_CHECK_STATUS(begin(&s, query, &first), RV_PENDING); /* and one that nobody ends */
    server_free(&s);
}

static void *nothing(void *ctx, size_t size) {
    RV_ASSERT(ctx == NULL && size == PAST_MEMORY);
    return NULL;
}

static const rv_face_memory_ops no_memory = {.take = nothing};

/* The system gives none; a node has none set apart. */
RV_TEST(no_memory_for_it) {
    for (unsigned i = 0; i < 2; i++) {
        fixture f = fixture_root(5);
        static uint8_t memory[FACE_MEMORY];
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        server s = {.f = f, .answer = malloc(ANSWER_MAX)};
        const rv_face_options options = {
            .node = f.node,
            .exchanges_max = 4,
            .result_count = 2,
            .result_len_max = 64u << 10,
            .version = "test",
            .past = {.memory = i == 0 ? &no_memory : NULL, .memory_size = PAST_MEMORY}};
        RV_CHECK_STATUS(rv_face_create(&s.face, &options, &arena, &s.f.err), RV_OK);
        RV_CHECK_EQ(get_text(&s, "/aggregates/account?as_of=1"), i == 0 ? 507 : 501);
        RV_CHECK_EQ(get_text(&s, "/aggregates/account"), 200);
        rv_face_close(s.face);
        fixture_free(&s.f);
        free(s.answer);
    }
}

int main(void) {
    server_steps_slice = 1000;
    RV_RUN(answers_as_they_were);
    RV_RUN(a_body_says_it_too);
    RV_RUN(what_is_refused);
    RV_RUN(one_after_the_other);
    RV_RUN(no_memory_for_it);
    return rv_test_done();
}
