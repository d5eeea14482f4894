/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the request handler of an edge answers what the root decided, whatever room there was for
 * the answer, holds nothing that others need while it waits, and shows only whole batches. Method:
 * the handler over the edge of tests/unit/sync/pair.h, exchanges driven by hand.
 */
#include "face/face.h"
#include "sync/edge_internal.h"
#include "sync/upstream_internal.h"
#include "tests/unit/sync/pair.h"

#define FACE_MEMORY ((size_t)16 << 20)
#define EXCHANGES   8

typedef struct edge_server {
    pair p;
    uint8_t *memory;
    rv_sql *sql;
    rv_face *face;
    rv_exchange *exchanges[EXCHANGES];
    rv_response_head head;
    const char *durability; /* of the requests */
    uint8_t body[4096];
    rv_bytes answer;
} edge_server;

static void server_start(edge_server *s, const char *pattern) {
    s->p = pair_create(pattern);
    s->durability = "upstream";
    s->memory = malloc(FACE_MEMORY);
    rv_arena arena = rv_arena_over(s->memory, FACE_MEMORY);
    const rv_sql_options sql = {.schema = rv_node_schema(s->p.leaf.node),
                                .state = rv_node_state(s->p.leaf.node),
                                .node = s->p.leaf.node,
                                .memory = 1u << 20};
    RV_CHECK_STATUS(rv_sql_create(&s->sql, &sql, &arena, &s->p.err), RV_OK);
    const rv_face_options options = {.node = s->p.leaf.node,
                                     .sql = s->sql,
                                     .edge = s->p.edge,
                                     .exchanges_max = EXCHANGES,
                                     .result_count = 2,
                                     .result_len_max = 256u << 10,
                                     .version = "test"};
    RV_CHECK_STATUS(rv_face_create(&s->face, &options, &arena, &s->p.err), RV_OK);
    RV_CHECK(pair_connect(&s->p));
    pair_run(&s->p);
    RV_CHECK_STATUS(fixture_append(&s->p.root, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    pair_run(&s->p);
}

static void server_free(edge_server *s) {
    rv_sql_destroy(s->sql);
    pair_free(&s->p);
    free(s->memory);
}

static void begin(edge_server *s, unsigned i, const char *method, const char *target,
                  const char *body) {
    const rv_request request = {.method = rv_bytes_of_string(method),
                                .target = rv_bytes_of_string(target),
                                .content_type = RV_LITERAL("application/json"),
                                .durability = rv_bytes_of_string(s->durability),
                                .body = rv_bytes_of_string(body)};
    RV_CHECK_STATUS(rv_face_begin(s->face, &request, &s->exchanges[i], &s->p.err), RV_OK);
}

/* The whole answer, which is short; ends the exchange. RV_PENDING: not there yet. */
static rv_status finish(edge_server *s, unsigned i) {
    const rv_status status = rv_exchange_head(s->exchanges[i], &s->head);
    if (status != RV_OK) {
        return status;
    }
    rv_writer w = rv_writer_over(s->body, sizeof s->body);
    while (rv_exchange_body(s->exchanges[i], 0, &w) == RV_OK && rv_writer_room(&w) > 0) {
    }
    s->answer = rv_writer_bytes(&w);
    rv_face_end(s->exchanges[i]);
    return RV_OK;
}

static bool answer_has(const edge_server *s, const char *text) {
    char copy[sizeof s->body + 1];
    memcpy(copy, s->answer.ptr, s->answer.len);
    copy[s->answer.len] = '\0';
    return strstr(copy, text) != NULL;
}

/* A batch of two notes, each of 3,000 bytes. */
static void large_batch(char *body, unsigned first) {
    size_t len = (size_t)sprintf(body, "[");
    for (unsigned k = 0; k < 2; k++) {
        len += (size_t)sprintf(body + len,
                               "{\"path\":\"/accounts/1\",\"type\":\"noted\",\"data\":"
                               "{\"note_id\":%u,\"body\":\"",
                               first + k);
        memset(body + len, 'x', 3000);
        len += 3000;
        len += (size_t)sprintf(body + len, "\"}}%s", k == 0 ? "," : "]");
    }
}

RV_TEST(an_answer_without_room_is_told_by_positions) {
    static edge_server s;
    static char bodies[4][8000];
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < 4; i++) {
        large_batch(bodies[i], 100 + 2 * i);
        begin(&s, i, "POST", "/events", bodies[i]);
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(rv_exchange_head(s.exchanges[i], &s.head), RV_PENDING);
    }
    /* four wait for the root, and none of them holds what others answer from */
    for (unsigned i = 4; i < 6; i++) {
        begin(&s, i, "GET", "/status", "");
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(rv_exchange_head(s.exchanges[i], &s.head), RV_OK);
        RV_CHECK_EQ(s.head.status, 200);
    }
    pair_run(&s.p);
    for (unsigned i = 0; i < 4; i++) {
        RV_CHECK_STATUS(finish(&s, i), RV_OK);
        RV_CHECK_EQ(s.head.status, 201);
        char expected[128];
        snprintf(expected, sizeof expected,
                 "{\"count\":2,\"first_position\":%u,\"last_position\":%u}", 3 + 2 * i, 4 + 2 * i);
        RV_CHECK(answer_has(&s, i == 0 ? expected : "{\"events\":[{\"position\":"));
        if (i < 2) { /* the next ones have room */
            RV_CHECK_STATUS(finish(&s, 4 + i), RV_OK);
        }
    }
    server_free(&s);
}

/* One request, answered at once; its HTTP status, or 0 when it waits (and is forgotten). */
static int ask(edge_server *s, const char *method, const char *target, const char *body) {
    begin(s, 0, method, target, body);
    if (finish(s, 0) != RV_OK) {
        rv_face_end(s->exchanges[0]);
        return 0;
    }
    return s->head.status;
}

static const char deposit[] = "{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"event_id\":"
                              "\"0193a5d0-0000-7000-8000-000000000001\",\"data\":{\"amount\":5}}";

RV_TEST(what_waits_is_answered_and_listed) {
    static edge_server s;
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    pair_cut(&s.p, RV_UPSTREAM_UNREACHABLE);
    s.durability = "memory";
    RV_CHECK_EQ(ask(&s, "POST", "/events", deposit), 202);
    RV_CHECK(answer_has(&s, "{\"position\":null,\"version\":2,\"path\":\"/accounts/1\""));
    RV_CHECK(answer_has(&s, "\"data\":{\"id\":1,\"amount\":5},\"edge_sequence\":1,"));
    RV_CHECK(answer_has(&s, "\"blind\":false,\"unchecked\":false}\n"));
    RV_CHECK_EQ(ask(&s, "GET", "/aggregates/account/1", ""), 200);
    RV_CHECK(answer_has(&s, "\"balance\":5"));
    RV_CHECK_EQ(ask(&s, "GET", "/events", ""), 200);
    RV_CHECK(!answer_has(&s, "deposited"));
    static const char *const levels[] = {"", "local", "upstream"};
    for (unsigned i = 0; i < 3; i++) { /* the same again, each time; offline, the last is local */
        s.durability = levels[i];
        begin(&s, 1, "POST", "/events", deposit);
        RV_CHECK_STATUS(finish(&s, 1), i == 0 ? RV_PENDING : RV_OK);
        if (i == 0) {
            RV_CHECK(fixture_settle(s.p.leaf.node));
            RV_CHECK_STATUS(finish(&s, 1), RV_OK);
        }
        RV_CHECK_EQ(s.head.status, 202);
        RV_CHECK(answer_has(&s, "\"edge_sequence\":1,"));
    }
    RV_CHECK_EQ(ask(&s, "POST", "/events?return=minimal", deposit), 202);
    RV_CHECK(answer_has(&s, "{\"count\":1,\"first_position\":null,\"last_position\":null,\"edge_"));
    RV_CHECK_EQ(ask(&s, "GET", "/pending", ""), 200);
    RV_CHECK(answer_has(&s, "\"durable\":true,\"state\":\"waiting\",\"position\":null"));
    RV_CHECK(answer_has(&s, "\"data\":{\"id\":1,\"amount\":5},\"metadata\":null}]}]\n"));
    RV_CHECK_EQ(ask(&s, "GET", "/pending?after=1", ""), 200);
    RV_CHECK(answer_has(&s, "[]\n"));
    RV_CHECK_EQ(ask(&s, "POST", "/query",
                    "{\"sql\":\"SELECT edge_sequence, nth, event_id, path, type, data, metadata,"
                    " principal, command, reason, state, position, durable, blind, unchecked"
                    " FROM rv_pending\"}"),
                200);
    RV_CHECK(answer_has(&s, "\"rows\":[[1,0,\"0193a5d0-0000-7000-8000-000000000001\","
                            "\"/accounts/1\",\"deposited\",{\"id\":1,\"amount\":5},null,null,null,"
                            "null,\"waiting\",null,true,false,false]]"));
    RV_CHECK_EQ(ask(&s, "POST", "/query",
                    "{\"sql\":\"SELECT (SELECT count(*) FROM rv_rejections), role, pending,"
                    " (SELECT count(*) FROM rv_events), (SELECT type FROM rv_events WHERE"
                    " position = 2), (SELECT version FROM rv_streams"
                    " WHERE path = '/accounts/1') FROM rv_status\"}"),
                200);
    RV_CHECK(answer_has(&s, "\"rows\":[[0,\"edge\",1,2,\"account_opened\",2]]"));
    RV_CHECK_EQ(ask(&s, "GET", "/status", ""), 200);
    RV_CHECK(answer_has(&s, "\"outbox\":{\"pending\":1,\"suspended\":0,\"rejected\":0,"));
    RV_CHECK(!answer_has(&s, "forked"));
    RV_CHECK_STATUS(rv_node_fork(s.p.leaf.node, &s.p.err), RV_OK);
    RV_CHECK_STATUS(rv_node_renew(s.p.leaf.node, &s.p.err), RV_OK); /* is none */
    RV_CHECK_EQ(ask(&s, "GET", "/status", ""), 200);
    RV_CHECK(answer_has(&s, "\"forked\":{\"count\":1,\"at\":\"20"));
    RV_CHECK(pair_connect(&s.p));
    pair_run(&s.p);
    RV_CHECK_EQ(ask(&s, "GET", "/pending?limit=9", ""), 200);
    RV_CHECK(answer_has(&s, "[]\n"));
    RV_CHECK_EQ(ask(&s, "POST", "/events", deposit), 201); /* and once more */
    RV_CHECK(answer_has(&s, "{\"position\":3,\"version\":2,"));
    RV_CHECK(pair_same(&s.p));
    server_free(&s);
}

RV_TEST(what_is_refused_is_told_and_kept) {
    static edge_server s;
    static const char take[] = "{\"path\":\"/accounts/1\",\"type\":\"withdrawn\",\"event_id\":"
                               "\"0193a5d0-0000-7000-8000-000000000002\",\"data\":{\"amount\":4}}";
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    RV_CHECK_EQ(ask(&s, "POST", "/events", deposit), 0); /* forgets who waits, not the event */
    pair_run(&s.p);
    RV_CHECK_EQ(ask(&s, "POST", "/events", deposit), 201);
    pair_cut(&s.p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(fixture_append(&s.p.root, "/accounts/1", "withdrawn", "{\"amount\":5}"), RV_OK);
    s.durability = "memory";
    RV_CHECK_EQ(ask(&s, "POST", "/events", take), 202);
    s.durability = "upstream";
    RV_CHECK(pair_connect(&s.p));
    begin(&s, 1, "POST", "/events", take);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[1], &s.head), RV_PENDING);
    pair_run(&s.p);
    RV_CHECK_STATUS(finish(&s, 1), RV_OK);
    RV_CHECK_EQ(s.head.status, rv_status_http(RV_CHECK_VIOLATION));
    RV_CHECK(answer_has(&s, "\"code\":\"check_violation\""));
    RV_CHECK_EQ(ask(&s, "GET", "/rejections", ""), 200);
    RV_CHECK(answer_has(&s, "\"reason\":{\"code\":\"check_violation\""));
    RV_CHECK(answer_has(&s, "\"event_id\":\"0193a5d0-0000-7000-8000-000000000002\""));
    RV_CHECK_EQ(ask(&s, "POST", "/query",
                    "{\"sql\":\"SELECT edge_sequence, nth, event_id, type, data ->> 'amount', code,"
                    " reason ->> 'code' FROM rv_rejections\"}"),
                200);
    RV_CHECK(answer_has(&s, "\"rows\":[[2,0,\"0193a5d0-0000-7000-8000-000000000002\",\"withdrawn\","
                            "4,\"check_violation\",\"check_violation\"]]"));
    static const char *const place = "/rejections/0193a5d0-0000-7000-8000-000000000002";
    RV_CHECK_EQ(ask(&s, "GET", place, ""), 405);
    RV_CHECK_EQ(ask(&s, "DELETE", "/rejections/7", ""), 400);
    static const char *const of_batch =
        "/rejections/0193a5d0-0000-7000-8000-000000000002?edge_sequence=2";
    static const char *const of_another[] = {
        "/rejections/0193a5d0-0000-7000-8000-000000000002?edge_sequence=1",
        "/rejections/0193a5d0-0000-7000-8000-000000000001?edge_sequence=2",
    };
    RV_CHECK_EQ(ask(&s, "DELETE", of_another[0], ""), 404);
    RV_CHECK_EQ(ask(&s, "DELETE", of_another[1], ""), 404);
    RV_CHECK_EQ(ask(&s, "DELETE", of_batch, ""), 200);
    RV_CHECK_EQ(ask(&s, "DELETE", of_batch, ""), 404);
    RV_CHECK_EQ(ask(&s, "DELETE", place, ""), 404);
    RV_CHECK_EQ(ask(&s, "GET", "/rejections", ""), 200);
    RV_CHECK(answer_has(&s, "[]\n"));
    RV_CHECK(pair_same(&s.p));
    server_free(&s);
}

RV_TEST(what_does_not_come_here_is_told_by_its_position) {
    static edge_server s;
    static const char blind[] = "{\"path\":\"/accounts/2\",\"type\":\"account_opened\",\"data\":"
                                "{\"name\":\"eve\"}}";
    server_start(&s, "/accounts/1");
    RV_CHECK_PASSED();
    begin(&s, 1, "POST", "/events", blind);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[1], &s.head), RV_PENDING);
    pair_run(&s.p);
    RV_CHECK_STATUS(finish(&s, 1), RV_OK);
    RV_CHECK_EQ(s.head.status, 201);
    RV_CHECK(answer_has(&s, "{\"position\":3                   ,\"version\":null,"));
    RV_CHECK(answer_has(&s, "\"blind\":true,\"unchecked\":true}\n"));
    begin(&s, 1, "POST", "/events",
          "[{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":"
          "{\"amount\":1}},{\"path\":\"/accounts/2\",\"type\":"
          "\"deposited\",\"data\":{\"amount\":1}}]");
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[1], &s.head), RV_PENDING);
    pair_run(&s.p);
    RV_CHECK_STATUS(finish(&s, 1), RV_OK);
    RV_CHECK_EQ(s.head.status, 201);
    RV_CHECK(answer_has(&s, "{\"count\":2,\"first_position\":4,\"last_position\":5}\n"));
    server_free(&s);
}

RV_TEST(rows_are_shown_when_a_batch_is_there_whole) {
    static edge_server s;
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    pair_cut(&s.p, RV_UPSTREAM_UNREACHABLE);
    s.p.edge->batch_bytes = 200; /* a few events a message */
    rv_append events[40];
    rv_event results[40];
    for (unsigned i = 0; i < 40; i++) {
        events[i] = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    }
    RV_CHECK_STATUS(fixture_append_all(s.p.root.node, events, 40, results, &s.p.err), RV_OK);
    RV_CHECK(fixture_settle(s.p.root.node));
    RV_CHECK(pair_connect(&s.p));
    bool waited = false;
    for (unsigned i = 0; i < 1000 && rv_node_watermark(s.p.leaf.node) < 42; i++) {
        (void)pair_step(&s.p);
        static const char *const targets[] = {"/aggregates/account/1", "/aggregates", "/status"};
        begin(&s, 0, "GET", targets[0], "");
        RV_CHECK_PASSED();
        if (finish(&s, 0) == RV_PENDING) {
            waited = true;
            rv_face_end(s.exchanges[0]);
            begin(&s, 0, "GET", targets[1 + i % 2], "");
            RV_CHECK_PASSED();
            RV_CHECK_STATUS(finish(&s, 0), RV_PENDING);
            rv_face_end(s.exchanges[0]);
            continue;
        }
        RV_CHECK(answer_has(&s, "\"balance\":0") || answer_has(&s, "\"balance\":40"));
    }
    RV_CHECK(waited);
    RV_CHECK(answer_has(&s, "\"balance\":40"));
    /* a connection that ends inside of a batch takes it back */
    RV_CHECK(pair_same(&s.p));
    server_free(&s);
}

static const char open_one[] =
    "{\"path\":\"accounts\",\"type\":\"account_opened\",\"data\":{\"name\":\"eve\"}}";

/* A row that needs a key is an ordinary batch of the outbox once there are keys. */
RV_TEST(a_key_that_is_missing_is_waited_for) {
    static edge_server s;
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    static const char *const levels[] = {"local", "memory", "upstream"};
    for (unsigned i = 0; i < 3; i++) {
        s.durability = levels[i];
        begin(&s, i, "POST", "/events", open_one);
        RV_CHECK_STATUS(rv_exchange_head(s.exchanges[i], &s.head), RV_PENDING);
    }
    RV_CHECK_EQ(rv_node_outbox(s.p.leaf.node).pending, 0);
    pair_run(&s.p);
    for (unsigned i = 0; i < 3; i++) { /* the keys are there, */
        RV_CHECK_STATUS(rv_exchange_head(s.exchanges[i], &s.head), i == 1 ? RV_OK : RV_PENDING);
    }
    RV_CHECK_EQ(rv_node_outbox(s.p.leaf.node).pending, 3);
    RV_CHECK(fixture_settle(s.p.leaf.node));
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[2], &s.head), RV_PENDING);
    pair_run(&s.p); /* and the decision */
    for (unsigned i = 0; i < 3; i++) {
        char path[32];
        RV_CHECK_STATUS(finish(&s, i), RV_OK);
        RV_CHECK_EQ(s.head.status, i == 2 ? 201 : 202);
        snprintf(path, sizeof path, "\"path\":\"/accounts/%u\"", 2 + i);
        RV_CHECK(answer_has(&s, path));
        RV_CHECK(answer_has(&s, i == 2 ? "{\"position\":5," : "{\"position\":null"));
    }
    RV_CHECK_EQ(rv_node_outbox(s.p.leaf.node).rejections, 0);
    RV_CHECK(pair_same(&s.p));
    server_free(&s);
}

/* Whose keys are whose is told at both sides. */
RV_TEST(leases_are_told) {
    static edge_server s;
    static const char none[] = "\"leases\":{\"aggregates\":{},\"blocks\":0,\"keys_left\":0}";
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    RV_CHECK_EQ(ask(&s, "GET", "/status", ""), 200);
    RV_CHECK(answer_has(&s, none));
    s.durability = "memory";
    begin(&s, 1, "POST", "/events", open_one);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[1], &s.head), RV_PENDING);
    pair_run(&s.p);
    RV_CHECK_STATUS(finish(&s, 1), RV_OK);
    RV_CHECK_EQ(ask(&s, "GET", "/status", ""), 200);
    RV_CHECK(answer_has(&s, "\"leases\":{\"aggregates\":{\"account\":{\"keys_left\":255,"
                            "\"held\":[{\"first\":2,\"last\":257,\"next\":3}]}},"
                            "\"blocks\":1,\"keys_left\":255}"));
    rv_keys_facts facts = rv_node_keys_facts(s.p.leaf.node);
    RV_CHECK_EQ(facts.blocks, 1);
    RV_CHECK_EQ(facts.left, 255);
    pair_cut(&s.p, RV_UPSTREAM_UNREACHABLE);
    for (uint64_t left = 255; left > 0; left--) {
        RV_CHECK_EQ(rv_node_keys_left(s.p.leaf.node, 0), left);
        RV_CHECK_EQ(ask(&s, "POST", "/events", open_one), 202);
    }
    RV_CHECK_EQ(ask(&s, "POST", "/events", open_one), 503);
    RV_CHECK_EQ(ask(&s, "GET", "/status", ""), 200); /* what is spent is nobody's hope */
    RV_CHECK(answer_has(&s, none));
    facts = rv_node_keys_facts(s.p.leaf.node);
    RV_CHECK_EQ(facts.blocks, 0);
    RV_CHECK_EQ(facts.left, 0);
    server_free(&s);
}

/* One that was asked for with an id, and again after its answer was lost, is the same one. */
RV_TEST(a_key_that_was_waited_for_is_kept) {
    static edge_server s;
    static const char with_id[] =
        "{\"path\":\"accounts\",\"type\":\"account_opened\",\"event_id\":"
        "\"0193a5d0-0000-7000-8000-000000000003\",\"data\":{\"name\":\"eve\"}}";
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    begin(&s, 1, "POST", "/events", with_id);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[1], &s.head), RV_PENDING);
    pair_run(&s.p);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[1], &s.head), RV_PENDING); /* it is written, */
    RV_CHECK(fixture_settle(s.p.leaf.node));
    pair_cut(&s.p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(finish(&s, 1), RV_OK); /* and answered as local */
    RV_CHECK_EQ(s.head.status, 202);
    RV_CHECK(answer_has(&s, "\"path\":\"/accounts/2\""));
    RV_CHECK(pair_connect(&s.p));
    pair_run(&s.p);
    RV_CHECK_EQ(ask(&s, "POST", "/events", with_id), 201);
    RV_CHECK(answer_has(&s, "\"path\":\"/accounts/2\""));
    RV_CHECK_EQ(rv_node_outbox(s.p.leaf.node).rejections, 0);
    server_free(&s);
}

RV_TEST(a_key_is_not_waited_for_in_vain) {
    static edge_server s;
    server_start(&s, "/**");
    RV_CHECK_PASSED();
    s.durability = "local";
    /* the root does not answer */
    begin(&s, 0, "POST", "/events", open_one);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[0], &s.head), RV_PENDING);
    fixture_poll(s.p.leaf.node);
    RV_CHECK_STATUS(rv_edge_poll(s.p.edge, s.p.now, &s.p.err), RV_OK);
    RV_CHECK_EQ(rv_edge_deadline(s.p.edge), s.p.now + RV_LEASES_WAIT_US);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[0], &s.head), RV_PENDING);
    s.p.now += RV_LEASES_WAIT_US;
    RV_CHECK_STATUS(rv_edge_poll(s.p.edge, s.p.now, &s.p.err), RV_OK);
    RV_CHECK(rv_edge_deadline(s.p.edge) > s.p.now);
    RV_CHECK_STATUS(finish(&s, 0), RV_OK);
    RV_CHECK_EQ(s.head.status, rv_status_http(RV_NO_KEYS));
    RV_CHECK(answer_has(&s, "\"code\":\"no_keys\""));
    RV_CHECK_EQ(ask(&s, "POST", "/events", open_one), 503); /* nor is it waited for again */
    /* what comes late is there for the next one */
    pair_run(&s.p);
    s.durability = "memory";
    RV_CHECK_EQ(ask(&s, "POST", "/events", open_one), 202);
    /* the connection ends while one waits for more than there are */
    static char many[300 * sizeof open_one + 2];
    size_t len = 0;
    for (unsigned i = 0; i < 300; i++) {
        many[len++] = i == 0 ? '[' : ',';
        memcpy(many + len, open_one, sizeof open_one - 1);
        len += sizeof open_one - 1;
    }
    memcpy(many + len, "]", 2);
    begin(&s, 0, "POST", "/events", many);
    RV_CHECK_STATUS(rv_exchange_head(s.exchanges[0], &s.head), RV_PENDING);
    pair_cut(&s.p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(finish(&s, 0), RV_OK);
    RV_CHECK_EQ(s.head.status, 503);
    RV_CHECK_EQ(ask(&s, "POST", "/events", many), 503);
    RV_CHECK(pair_connect(&s.p));
    pair_run(&s.p);
    RV_CHECK_EQ(ask(&s, "POST", "/events", many), 202);
    server_free(&s);
}

int main(void) {
    RV_RUN(an_answer_without_room_is_told_by_positions);
    RV_RUN(what_waits_is_answered_and_listed);
    RV_RUN(what_is_refused_is_told_and_kept);
    RV_RUN(what_does_not_come_here_is_told_by_its_position);
    RV_RUN(rows_are_shown_when_a_batch_is_there_whole);
    RV_RUN(a_key_that_is_missing_is_waited_for);
    RV_RUN(leases_are_told);
    RV_RUN(a_key_that_was_waited_for_is_kept);
    RV_RUN(a_key_is_not_waited_for_in_vain);
    return rv_test_done();
}
