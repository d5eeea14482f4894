/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: with `?numbers=text` no answer holds a number that a double cannot, wherever values are
 * written, and without it nothing changes. Method: one event and one row with every kind of number,
 * read through each address and form, and compared as text; on an edge the root's answer as well.
 */
#include "tests/unit/face/server.h"
#include "tests/unit/sync/pair.h"

static const char schema[] =
    "CREATE AGGREGATE wallet (id BIGSERIAL PRIMARY KEY, price numeric(12,2), units numeric(5,0),"
    " n integer, big bigint, t text, list bigint[], parts numeric(5,2)[], small integer[]);"
    "CREATE EVENT_TYPE put (id creates wallet(id), price updates wallet(price),"
    " units updates wallet(units), n updates wallet(n), big updates wallet(big),"
    " t updates wallet(t), list updates wallet(list), parts updates wallet(parts),"
    " small updates wallet(small));"
    "CREATE EVENT_TYPE plain (id references wallet(id), n integer);"
    "CREATE STREAM wallets (path \"/wallets/{id}\", event_types (put, plain));";

static const char put[] = "{\"price\":12.5,\"units\":7,\"n\":3,\"big\":-9223372036854775808,"
                          "\"t\":\"9.0\",\"list\":[1,null],\"parts\":[0.5],\"small\":[7]}";

#define AS_NUMBERS                                                                                 \
    "{\"id\":1,\"price\":12.50,\"units\":7,\"n\":3,\"big\":-9223372036854775808,\"t\":\"9.0\","    \
    "\"list\":[1,null],\"parts\":[0.50],\"small\":[7]}"
#define AS_TEXT                                                                                    \
    "{\"id\":\"1\",\"price\":\"12.50\",\"units\":\"7\",\"n\":3,\"big\":\"-9223372036854775808\","  \
    "\"t\":\"9.0\",\"list\":[\"1\",null],\"parts\":[\"0.50\"],\"small\":[7]}"
#define BIGINTS ",\"bigints\":[\"id\",\"big\",\"list\"]"

static server with_wallet(void) {
    server s = server_create(1);
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/schema"),
                                .body = rv_bytes_of(schema, sizeof schema - 1)};
    if (ask(&s, &request) != 201) {
        abort();
    }
    return s;
}

RV_TEST(an_append_answers_in_text) {
    server s = with_wallet();
    RV_CHECK_EQ(post(&s, "/streams/wallets?numbers=text", "put", put), 201);
    RV_CHECK(has(&s, "\"data\":" AS_TEXT BIGINTS "}\n"));
    RV_CHECK_EQ(post(&s, "/streams/wallets/1?numbers=text", "plain", "[{\"n\":4},{\"n\":5}]"), 201);
    RV_CHECK(has(&s, "{\"events\":[{\"position\":"));
    RV_CHECK(has(&s, "\"data\":{\"id\":\"1\",\"n\":4},\"bigints\":[\"id\"]},{"));
    RV_CHECK_EQ(post(&s, "/streams/wallets", "put", put), 201);
    RV_CHECK(has(&s, "\"data\":{\"id\":2,\"price\":12.50,"));
    RV_CHECK_EQ(times(&s, "bigints"), 0);
    server_free(&s);
}

RV_TEST(events_in_every_form) {
    static const struct {
        const char *target, *accept;
    } forms[] = {
        {"/events?path=/wallets/*", ""},
        {"/events?path=/wallets/*", "application/x-ndjson"},
        {"/events?path=/wallets/*", "text/event-stream"},
        {"/streams/wallets/1?from_version=1", ""},
        {"/streams/wallets/1?from_version=1", "text/event-stream"},
    };
    server s = with_wallet();
    RV_CHECK_EQ(post(&s, "/streams/wallets", "put", put), 201);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char target[100];
        snprintf(target, sizeof target, "%s&numbers=text", forms[i].target);
        rv_request request = {.method = RV_LITERAL("GET"),
                              .target = rv_bytes_of_string(target),
                              .accept = rv_bytes_of_string(forms[i].accept)};
        RV_CHECK_EQ(ask(&s, &request), 200);
        RV_CHECK(has(&s, "\"data\":" AS_TEXT BIGINTS ",\"metadata\":null}"));
        request.target = rv_bytes_of_string(forms[i].target);
        RV_CHECK_EQ(ask(&s, &request), 200);
        RV_CHECK(has(&s, "\"data\":" AS_NUMBERS ",\"metadata\":null}"));
    }
    server_free(&s);
}

/* An event larger than a piece goes another way. */
RV_TEST(a_large_event) {
    static char body[40000];
    server s = with_wallet();
    int len = snprintf(body, sizeof body, "{\"big\":5,\"t\":\"");
    memset(body + len, 'x', 30000);
    memcpy(body + len + 30000, "\"}", 3);
    RV_CHECK_EQ(post(&s, "/streams/wallets?return=minimal", "put", body), 201);
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = RV_LITERAL("/events?path=/wallets/*&numbers=text")};
    rv_exchange *x = NULL;
    RV_CHECK_STATUS(rv_face_begin(s.face, &request, &x, &s.f.err), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(x, &s.head), RV_OK);
    read_body(&s, x, 1000);
    rv_face_end(x);
    RV_CHECK(has(&s, "\"data\":{\"id\":\"1\",\"price\":null,\"units\":null,\"n\":null,"
                     "\"big\":\"5\",\"t\":\"xxx"));
    RV_CHECK(has(&s, "xxx\",\"list\":null,\"parts\":null,\"small\":null}" BIGINTS));
    server_free(&s);
}

RV_TEST(rows_and_queries) {
    server s = with_wallet();
    RV_CHECK_EQ(post(&s, "/streams/wallets", "put", put), 201);
    RV_CHECK_EQ(get(&s, "/aggregates/wallet?numbers=text"), 200);
    RV_CHECK_TEXT(s.body, "[" AS_TEXT "]\n");
    RV_CHECK_EQ(get(&s, "/aggregates/wallet/1?numbers=text"), 200);
    RV_CHECK_TEXT(s.body, AS_TEXT "\n");
    RV_CHECK_EQ(get(&s, "/aggregates/wallet/1"), 200);
    RV_CHECK_TEXT(s.body, AS_NUMBERS "\n");
    RV_CHECK_EQ(post(&s, "/query?numbers=text", "",
                     "{\"sql\":\"select id, price, units, n, big, t, big + 0 a, n + 0 b,"
                     " 9007199254740991 c, 9007199254740992 d, -9007199254740992 e, 1.5 f,"
                     " price * 2 g from wallet\"}"),
                200);
    RV_CHECK(has(&s, "\"rows\":[[\"1\",\"12.50\",\"7\",3,\"-9223372036854775808\",\"9.0\","
                     "{\"bigint\":\"-9223372036854775808\"},3,9007199254740991,"
                     "{\"bigint\":\"9007199254740992\"},{\"bigint\":\"-9007199254740992\"},1.5,"));
    RV_CHECK_EQ(post(&s, "/query", "",
                     "{\"sql\":\"select big, price, 9007199254740992 from "
                     "wallet\"}"),
                200);
    RV_CHECK(has(&s, "\"rows\":[[-9223372036854775808,12.50,9007199254740992]]"));
    server_free(&s);
}

RV_TEST(other_values_are_refused_everywhere) {
    static const char *const targets[] = {
        "/events?numbers=json",     "/streams/accounts/1?numbers=",
        "/aggregates?numbers=TEXT", "/schema?numbers=texts",
        "/status?numbers=1",        "/query?sql=select+1&numbers=no"};
    server s = with_wallet();
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        RV_CHECK_EQ(get(&s, targets[i]), 400);
        RV_CHECK(has(&s, "\"code\":\"parameter_invalid\""));
    }
    RV_CHECK_EQ(post(&s, "/streams/wallets?numbers=x", "put", put), 400);
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 2);
    RV_CHECK_EQ(get(&s, "/status?numbers=text"), 200);
    server_free(&s);
}

/* Where the root gives the key, and decides. */
RV_TEST(an_edge_answers_the_same) {
    static uint8_t answer[4096];
    pair p = pair_create("/**");
    const size_t memory_size = (size_t)16 << 20;
    uint8_t *memory = malloc(memory_size);
    rv_arena arena = rv_arena_over(memory, memory_size);
    const rv_face_options options = {.node = p.leaf.node,
                                     .edge = p.edge,
                                     .exchanges_max = 2,
                                     .result_count = 1,
                                     .result_len_max = 256u << 10,
                                     .version = "test"};
    rv_face *face = NULL;
    rv_event event;
    RV_CHECK_STATUS(rv_face_create(&face, &options, &arena, &p.err), RV_OK);
    RV_CHECK_STATUS(
        rv_node_schema_apply(p.root.node, rv_bytes_of(schema, sizeof schema - 1), &event, &p.err),
        RV_OK);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/streams/wallets?numbers=text"),
                                .event_type = RV_LITERAL("put"),
                                .durability = RV_LITERAL("upstream"),
                                .body = rv_bytes_of(put, sizeof put - 1)};
    rv_exchange *x = NULL;
    rv_response_head head;
    RV_CHECK_STATUS(rv_face_begin(face, &request, &x, &p.err), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(x, &head), RV_PENDING);
    pair_run(&p); /* a key comes */
    RV_CHECK_STATUS(rv_exchange_head(x, &head), RV_PENDING);
    pair_run(&p); /* the decision comes */
    RV_CHECK_STATUS(rv_exchange_head(x, &head), RV_OK);
    RV_CHECK_EQ(head.status, 201);
    rv_writer w = rv_writer_over(answer, sizeof answer - 1);
    RV_CHECK_STATUS(rv_exchange_body(x, 0, &w), RV_OK);
    answer[w.len] = '\0';
    RV_CHECK(strstr((const char *)answer, "\"data\":" AS_TEXT BIGINTS "}\n") != NULL);
    rv_face_end(x);
    pair_free(&p);
    free(memory);
}

int main(void) {
    RV_RUN(an_append_answers_in_text);
    RV_RUN(events_in_every_form);
    RV_RUN(a_large_event);
    RV_RUN(rows_and_queries);
    RV_RUN(other_values_are_refused_everywhere);
    RV_RUN(an_edge_answers_the_same);
    return rv_test_done();
}
