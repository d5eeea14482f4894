/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a live answer is told first as it is, then each time that it is another one and at no other
 * time, whole, whatever the pieces; what is followed shows what is pending, and ends with a problem
 * when it cannot be answered any more.
 * Method: exchanges driven by hand over a root and over an edge. The truth is the same request
 * without the feed, asked after every step of random appends, some of them refused.
 */
#include "core/engine/outbox.h"
#include "face/face_internal.h"
#include "tests/unit/face/edge_face.h"
#include "tests/unit/face/follower.h"

static bool is_body(const server *s, const char *text) {
    const size_t len = strlen(text);
    return s->body.len == len + 1 && memcmp(s->body.ptr, text, len) == 0 &&
           s->body.ptr[len] == '\n';
}

RV_TEST(a_query_is_told_when_it_changes) {
    static follower f;
    server s = server_create(1);
    static const char body[] = "{\"sql\":\"select name, balance from account where balance > ? "
                               "order by id\",\"params\":[9]}";
    follow(s.face, &f, "POST", "/query", body);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(f.head.status, 200);
    RV_CHECK(f.head.feed && strcmp(f.head.content_type, "text/event-stream") == 0);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK_EQ(f.frames, 1);
    RV_CHECK(strstr(f.text, "\"rows\":[]}") != NULL);
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK_EQ(f.frames, 1); /* the row is not in it */
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":10}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK_EQ(f.frames, 2);
    RV_CHECK(strstr(f.text, "\"rows\":[[\"ada\",10]]}") != NULL);
    /* two changes that nobody took in between are one; one that is taken back is none */
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK_EQ(f.frames, 3);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "withdrawn", "{\"amount\":13}"), 422);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "withdrawn", "{\"amount\":1}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK_EQ(f.frames, 3);
    /* who comes again with what it has is told only what is new */
    static follower again;
    follow_from(s.face, &again, "POST", "/query", body, f.id);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(take(&again, 4096), RV_PENDING);
    RV_CHECK_EQ(again.frames, 0);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    RV_CHECK_STATUS(take(&again, 4096), RV_PENDING);
    RV_CHECK_EQ(again.frames, 1);
    rv_face_end(again.x);
    rv_face_end(f.x);
    server_free(&s);
}

RV_TEST(what_it_did_not_read_runs_nothing) {
    static follower f[10];
    server_exchanges = 12;
    server s = server_create(1);
    server_exchanges = 4;
    for (unsigned i = 0; i < 10; i++) {
        RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    }
    for (unsigned i = 0; i < 10; i++) {
        char body[128];
        snprintf(body, sizeof body,
                 "{\"sql\":\"select balance from account where id = ?\",\"params\":[%u]}", i + 1);
        follow(s.face, &f[i], "POST", i < 5 ? "/query" : "/query?numbers=text", body);
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(take(&f[i], 4096), RV_PENDING);
    }
    RV_CHECK_EQ(s.face->answers, 0);
    for (unsigned round = 1; round <= 20; round++) {
        /* one batch, of two of them; and one of none of what they read */
        RV_CHECK_EQ(
            post(&s, "/events", "",
                 "[{\"path\":\"/accounts/2\",\"type\":\"deposited\",\"data\":{\"amount\":1}},"
                 "{\"path\":\"/accounts/7\",\"type\":\"deposited\",\"data\":{\"amount\":1}}]"),
            201);
        RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"bob\"}"), 201);
        for (unsigned i = 0; i < 10; i++) {
            RV_CHECK_STATUS(take(&f[i], 4096), RV_PENDING);
            RV_CHECK_EQ(f[i].frames, i == 1 || i == 6 ? 1 + round : 1);
        }
        RV_CHECK_EQ(s.face->answers, 2 * round);
    }
    RV_CHECK_EQ(get(&s, "/status"), 200);
    RV_CHECK(has(&s, "\"live\":{\"open\":10,\"answers\":40}"));
    for (unsigned i = 0; i < 10; i++) {
        rv_face_end(f[i].x);
    }
    RV_CHECK_EQ(s.face->touches.followers, 0);
    RV_CHECK(!rv_deltas_known(rv_node_state(s.f.node), &s.face->touches.moment));
    server_free(&s);
}

RV_TEST(a_row_comes_and_may_not_be_there) {
    static follower row, rows, list, schema;
    server s = server_create(2);
    follow(s.face, &row, "GET", "/aggregates/account/1", "");
    RV_CHECK_PASSED();
    follow(s.face, &rows, "GET", "/aggregates/account?limit=1", "");
    RV_CHECK_STATUS(take(&row, 300), RV_PENDING);
    RV_CHECK_TEXT(rv_bytes_of_string(row.text), "null");
    RV_CHECK_STATUS(take(&rows, 300), RV_PENDING);
    RV_CHECK_TEXT(rv_bytes_of_string(rows.text), "[]");
    RV_CHECK_EQ(
        post(&s, "/streams/accounts", "account_opened", "[{\"name\":\"ada\"},{\"name\":\"bob\"}]"),
        201);
    RV_CHECK_STATUS(take(&row, 300), RV_PENDING);
    RV_CHECK_TEXT(rv_bytes_of_string(row.text), "{\"id\":1,\"name\":\"ada\",\"balance\":0}");
    RV_CHECK_STATUS(take(&rows, 300), RV_PENDING);
    RV_CHECK_TEXT(rv_bytes_of_string(rows.text), "[{\"id\":1,\"name\":\"ada\",\"balance\":0}]");
    rv_face_end(row.x);
    rv_face_end(rows.x);
    follow(s.face, &list, "GET", "/aggregates", "");
    RV_CHECK_PASSED();
    follow(s.face, &schema, "GET", "/schema", "");
    RV_CHECK_STATUS(take(&list, 4096), RV_PENDING);
    RV_CHECK_STATUS(take(&schema, 4096), RV_PENDING);
    RV_CHECK_EQ(
        post(&s, "/schema", "", "{\"text\":\"CREATE AGGREGATE later (id bigint PRIMARY KEY);\"}"),
        201);
    RV_CHECK_STATUS(take(&list, 4096), RV_PENDING);
    RV_CHECK_STATUS(take(&schema, 4096), RV_PENDING);
    RV_CHECK(strstr(list.text, "\"later\"") != NULL && list.frames == 2);
    RV_CHECK(strstr(schema.text, "later") != NULL && schema.frames == 2);
    rv_face_end(list.x);
    rv_face_end(schema.x);
    server_free(&s);
}

static const char *const queries[] = {
    "select count(*), sum(balance), max(balance) from account",
    "select name from account where balance between 3 and 30 order by name, id limit 3",
    "select a.id, count(n.id) from account a left join note n on n.account_id = a.id group by a.id",
    "select id, body from note where id in (select max(id) from note)",
};

#define FOLLOWED (sizeof queries / sizeof queries[0])

/* One random request; many of them are refused. */
static void step(server *s, uint64_t *seed) {
    char path[64], data[64];
    const uint64_t r = rv_test_random(seed);
    const unsigned account = 1 + (unsigned)(r >> 8 & 7);
    const unsigned amount = 1 + (unsigned)(r >> 16 & 15);
    snprintf(path, sizeof path, "/streams/accounts/%u", account);
    snprintf(data, sizeof data, "{\"amount\":%u}", amount);
    switch (r & 3) {
    case 0:
        (void)post(s, "/streams/accounts", "account_opened", "{\"name\":\"eve\"}");
        break;
    case 1:
        (void)post(s, path, "deposited", data);
        break;
    case 2:
        (void)post(s, path, "withdrawn", data);
        break;
    default:
        snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"b%u\"}", amount, account);
        (void)post(s, path, "noted", data);
        break;
    }
}

RV_TEST(every_answer_is_the_one_asked_for_afresh) {
    static follower f[FOLLOWED];
    for (uint64_t seed = 1; seed <= 6; seed++) {
        uint64_t random = seed;
        char bodies[FOLLOWED][256];
        static char last[FOLLOWED][8192];
        unsigned told[FOLLOWED] = {0};
        server s = server_create(seed);
        for (size_t q = 0; q < FOLLOWED; q++) {
            snprintf(bodies[q], sizeof bodies[q], "{\"sql\":\"%s\"}", queries[q]);
            /* as many are followed as leave one exchange free */
            if (q < 3) {
                follow(s.face, &f[q], "POST", "/query", bodies[q]);
                RV_CHECK_PASSED();
                RV_CHECK_STATUS(take(&f[q], 4096), RV_PENDING);
                memcpy(last[q], f[q].text, sizeof last[q]);
            }
        }
        for (unsigned i = 0; i < 60; i++) {
            step(&s, &random);
            for (size_t q = 0; q < 3; q++) {
                const unsigned frames = f[q].frames;
                RV_CHECK_STATUS(take(&f[q], 256 + (size_t)(seed * 31 + i)), RV_PENDING);
                RV_CHECK_EQ(post(&s, "/query", "", bodies[q]), 200);
                RV_CHECK(is_body(&s, f[q].text));
                RV_CHECK(f[q].frames <= frames + 1);
                /* told when, and only when, it is another one */
                RV_CHECK_EQ(f[q].frames != frames, strcmp(f[q].text, last[q]) != 0);
                memcpy(last[q], f[q].text, sizeof last[q]);
                told[q] = f[q].frames;
            }
        }
        RV_CHECK(told[0] > 20 && told[1] > 3 && told[2] > 3);
        for (size_t q = 0; q < 3; q++) {
            rv_face_end(f[q].x);
        }
        server_free(&s);
    }
}

RV_TEST(what_cannot_be_followed_is_refused_and_what_fails_ends) {
    static follower f;
    static char body[4096];
    server s = server_create(3);
    follow(s.face, &f, "GET", "/status", "");
    RV_CHECK_PASSED();
    RV_CHECK_EQ(f.head.status, 400);
    rv_face_end(f.x);
    follow(s.face, &f, "POST", "/query", "{\"sql\":\"select x from account\"}");
    RV_CHECK_PASSED();
    RV_CHECK_EQ(f.head.status, 400);
    rv_face_end(f.x);
    snprintf(body, sizeof body, "{\"sql\":\"select %02000d\"}", 1);
    follow(s.face, &f, "POST", "/query", body);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(f.head.status, 200);
    rv_face_end(f.x);
    /* what has changed something is answered as ever, and did it once */
    const uint64_t sequence = rv_node_sequence(s.f.node);
    rv_request append = {.method = RV_LITERAL("POST"),
                         .target = RV_LITERAL("/streams/accounts"),
                         .content_type = RV_LITERAL("application/json"),
                         .accept = RV_LITERAL("text/event-stream"),
                         .event_type = RV_LITERAL("account_opened"),
                         .body = RV_LITERAL("{\"name\":\"eve\"}")};
    RV_CHECK_EQ(ask(&s, &append), 201);
    RV_CHECK(has(&s, "\"name\":\"eve\""));
    RV_CHECK_EQ(rv_node_sequence(s.f.node), sequence + 1);
    /* an answer that has become too large for its buffer */
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    follow(s.face, &f, "POST", "/query", "{\"sql\":\"select body from note\"}");
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    const size_t len =
        (size_t)snprintf(body, sizeof body, "{\"note_id\":0,\"body\":\"%02000d\"}", 1);
    RV_CHECK(len < sizeof body);
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < 40 && status == RV_PENDING; i++) {
        char *const digits = body + strlen("{\"note_id\":");
        *digits = (char)('0' + i % 10);
        if (i >= 10) {
            snprintf(body, sizeof body, "{\"note_id\":%u,\"body\":\"%02000d\"}", i, 1);
        }
        RV_CHECK_EQ(post(&s, "/streams/accounts/1", "noted", body), 201);
        status = RV_OK;
        while (status == RV_OK) {
            static uint8_t part[4096];
            rv_writer w = rv_writer_over(part, sizeof part);
            status = rv_exchange_body(f.x, 0, &w);
            if (w.len > 20 && memcmp(part, "event: problem\n", 15) == 0) {
                RV_CHECK(strstr((const char *)part, "\"code\":\"sql_limit\"") != NULL);
                f.frames = 1000;
            }
        }
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK_EQ(f.frames, 1000);
    rv_face_end(f.x);
    RV_CHECK_EQ(get(&s, "/aggregates"), 200);
    server_free(&s);
}

RV_TEST(what_is_pending_is_told_and_what_becomes_of_it) {
    static follower row, waiting, refused;
    static pair p;
    static uint8_t *memory;
    p = pair_create("/**");
    memory = malloc(FACE_MEMORY);
    rv_arena arena = rv_arena_over(memory, FACE_MEMORY);
    rv_face *const face = edge_face_offline(&p, &arena);
    RV_CHECK(face != NULL);
    follower *const all[] = {&row, &waiting, &refused};
    static const char *const targets[] = {"/aggregates/account/1", "/pending", "/rejections"};
    for (unsigned i = 0; i < 3; i++) {
        follow(face, all[i], "GET", targets[i], "");
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(take(all[i], 4096), RV_PENDING);
        RV_CHECK_EQ(all[i]->frames, 1);
    }
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "withdrawn", "{\"amount\":3}"), RV_OK);
    const rv_append take_four = fixture_event("/accounts/1", "withdrawn", "{\"amount\":4}");
    const rv_writes writes = {.events = &take_four, .count = 1};
    rv_event result;
    rv_written written;
    RV_CHECK_STATUS(rv_node_write(p.leaf.node, &writes, &result, &written, &p.err), RV_OK);
    for (unsigned i = 0; i < 3; i++) {
        RV_CHECK_STATUS(take(all[i], 4096), RV_PENDING);
    }
    RV_CHECK(strstr(row.text, "\"balance\":1}") != NULL);
    RV_CHECK(strstr(waiting.text, "\"amount\":4") != NULL);
    RV_CHECK_EQ(refused.frames, 1);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    for (unsigned i = 0; i < 3; i++) {
        RV_CHECK_STATUS(take(all[i], 4096), RV_PENDING);
        rv_face_end(all[i]->x);
    }
    RV_CHECK(strstr(row.text, "\"balance\":2}") != NULL);
    RV_CHECK_TEXT(rv_bytes_of_string(waiting.text), "[]");
    RV_CHECK(strstr(refused.text, "check_violation") != NULL);
    pair_free(&p);
    free(memory);
}

RV_TEST(json_with_line_ends_stays_on_a_line) {
    server s = server_create(9);
    RV_CHECK_EQ(post(&s, "/schema", "",
                     "{\"text\":\"CREATE AGGREGATE doc (id bigint PRIMARY KEY, body json);"
                     "CREATE EVENT_TYPE filed (id creates doc(id), body updates doc(body));"
                     "CREATE STREAM docs (path \\\"/docs/{id}\\\", event_types (filed));\"}"),
                201);
    RV_CHECK_EQ(post(&s, "/streams/docs/1", "filed", "{\"body\":{\n\"a\":\r\n\n[1]}}"), 201);
    rv_request request = {.method = RV_LITERAL("GET"),
                          .target = RV_LITERAL("/events?path=/docs/1"),
                          .accept = RV_LITERAL("application/x-ndjson")};
    RV_CHECK_EQ(ask(&s, &request), 200);
    RV_CHECK_EQ(lines(&s), 1);
    RV_CHECK(has(&s, "\"body\":{ \"a\":   [1]}"));
    request.accept = RV_LITERAL("text/event-stream");
    RV_CHECK_EQ(ask(&s, &request), 200);
    RV_CHECK_EQ(times(&s, "\n\n"), 1);
    request.target = RV_LITERAL("/aggregates/doc");
    RV_CHECK_EQ(ask(&s, &request), 200);
    RV_CHECK_EQ(times(&s, "\n\n"), 1);
    RV_CHECK(has(&s, "data: [{\"id\":1,\"body\":{ \"a\":   [1]}}]\n\n"));
    server_free(&s);
}

RV_TEST(a_system_table_is_followed) {
    static follower f;
    server s = server_create(7);
    follow(s.face, &f, "POST", "/query",
           "{\"sql\":\"select count(*) from rv_events where path = '/accounts/1'\"}");
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK(strstr(f.text, "[[0]]") != NULL);
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK(strstr(f.text, "[[1]]") != NULL && f.frames == 2);
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"bob\"}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK_EQ(f.frames, 2);
    rv_face_end(f.x);
    server_free(&s);
}

/* A query as long as a page of SQL is followed, by itself and beside others, until the memory for
 * such is taken; what ends gives it back. */
RV_TEST(long_queries_are_followed) {
    static follower all[RV_LIVE_TEXTS / RV_LIVE_TEXT_MAX + 2];
    static char body[RV_LIVE_TEXT_MAX + 64];
    static const char head[] = "{\"sql\":\"select balance from account where id = 1 /* ";
    const size_t count = RV_LIVE_TEXTS / RV_LIVE_TEXT_MAX;
    const size_t target_len = strlen("/query");
    server_exchanges = (uint32_t)count + 3;
    server s = server_create(1);
    server_exchanges = 4;
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    memset(body, 'x', sizeof body);
    memcpy(body, head, sizeof head - 1);
    memcpy(body + RV_LIVE_TEXT_MAX - target_len + 1 - 5, "*/\"}", 5);
    RV_CHECK_EQ(strlen(body), RV_LIVE_TEXT_MAX - target_len);
    for (size_t i = 0; i < count; i++) {
        follow(s.face, &all[i], "POST", "/query", body);
        RV_CHECK_PASSED();
        RV_CHECK_EQ(all[i].head.status, 200);
        RV_CHECK_STATUS(take(&all[i], 4096), RV_PENDING);
    }
    follow(s.face, &all[count], "POST", "/query", body);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(all[count].head.status, rv_status_http(RV_MEMORY_EXHAUSTED));
    rv_face_end(all[count].x);
    rv_face_end(all[1].x);
    follow(s.face, &all[1], "POST", "/query", body);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(all[1].head.status, 200);
    RV_CHECK_STATUS(take(&all[1], 4096), RV_PENDING);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":10}"), 201);
    for (size_t i = 0; i < count; i++) {
        RV_CHECK_STATUS(take(&all[i], 4096), RV_PENDING);
        RV_CHECK(strstr(all[i].text, "\"rows\":[[10]]}") != NULL);
        rv_face_end(all[i].x);
    }
    for (size_t i = 0; i < FACE_TEXT_BLOCKS; i++) {
        RV_CHECK(!s.face->texts_used[i]);
    }
    memcpy(body + RV_LIVE_TEXT_MAX - target_len - 5, "xxxx x*/\"}", 11);
    follow(s.face, &all[0], "POST", "/query", body);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(all[0].head.status, rv_status_http(RV_REQUEST_TOO_LARGE));
    rv_face_end(all[0].x);
    server_free(&s);
}

int main(void) {
    RV_RUN(a_system_table_is_followed);
    RV_RUN(json_with_line_ends_stays_on_a_line);
    RV_RUN(a_query_is_told_when_it_changes);
    RV_RUN(what_it_did_not_read_runs_nothing);
    RV_RUN(a_row_comes_and_may_not_be_there);
    RV_RUN(every_answer_is_the_one_asked_for_afresh);
    RV_RUN(what_cannot_be_followed_is_refused_and_what_fails_ends);
    RV_RUN(what_is_pending_is_told_and_what_becomes_of_it);
    RV_RUN(long_queries_are_followed);
    return rv_test_done();
}
