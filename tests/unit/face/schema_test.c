/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an application can send its whole schema at each start: what is there stays, what is new is
 * added, and what contradicts is told by its first difference and changes nothing. Method: texts
 * whose relation is known, against roots and edges; hash, version and sequence tell what changed.
 */
#include "tests/unit/face/server.h"

#define KIND    "CREATE TYPE kind AS ENUM ('a', 'b');"
#define ITEM    "CREATE AGGREGATE item (id SERIAL PRIMARY KEY, name text, kind kind);"
#define MADE    "CREATE EVENT_TYPE made (id creates item(id), name updates item(name));"
#define RENAMED "CREATE EVENT_TYPE renamed (id references item(id), name updates item(name));"
#define ITEMS   "CREATE STREAM items (path \"/items/{id}\", event_types (made));"
#define OTHERS  "CREATE STREAM others (path \"/others/{id}\", event_types (made, renamed));"

static server empty_root(void) {
    fixture f = fixture_create(3);
    if (fixture_open(&f, RV_ROLE_ROOT, NULL) != RV_OK) {
        abort();
    }
    return server_over(f);
}

static int send(server *s, const char *target, const char *text) {
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = rv_bytes_of_string(target),
                                .content_type = RV_LITERAL("text/plain"),
                                .body = rv_bytes_of_string(text)};
    return ask(s, &request);
}

static int whole(server *s, const char *text) {
    return send(s, "/schema?whole=true", text);
}

RV_TEST(the_same_text_at_each_start) {
    server s = empty_root();
    RV_CHECK_EQ(whole(&s, KIND ITEM MADE ITEMS), 201);
    RV_CHECK(has(&s, "{\"version\":1,\"position\":1,\"hash\":\""));
    const rv_hash128 hash = rv_schema_hash(rv_node_schema(s.f.node));
    static const char *const same[] = {
        KIND ITEM MADE ITEMS,
        "-- written otherwise\n" KIND "create aggregate item (id serial primary key, name text,"
        " kind kind,);" MADE ITEMS,
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        RV_CHECK_EQ(whole(&s, same[i]), 200);
        RV_CHECK(has(&s, "{\"version\":1,\"hash\":\""));
    }
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 1);
    RV_CHECK(fixture_hashes_equal(rv_schema_hash(rv_node_schema(s.f.node)), hash));
    server_free(&s);
}

RV_TEST(what_is_new_is_added_wherever_it_stands) {
    server s = empty_root();
    server twin = empty_root();
    RV_CHECK_EQ(whole(&s, KIND ITEM MADE ITEMS), 201);
    /* would it be taken? nothing happens */
    RV_CHECK_EQ(send(&s, "/schema?whole=true&check=1", KIND ITEM RENAMED MADE OTHERS ITEMS), 200);
    RV_CHECK(has(&s, "{\"version\":1,\"hash\""));
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 1);
    RV_CHECK_EQ(whole(&s, KIND ITEM RENAMED MADE OTHERS ITEMS), 201);
    RV_CHECK(has(&s, "{\"version\":2,\"position\":2,"));
    RV_CHECK_EQ(whole(&s, KIND ITEM RENAMED MADE OTHERS ITEMS), 200);
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 2);
    /* as if the new statements had been applied by themselves */
    RV_CHECK_EQ(send(&twin, "/schema", KIND ITEM MADE ITEMS), 201);
    RV_CHECK_EQ(send(&twin, "/schema", RENAMED OTHERS), 201);
    RV_CHECK(fixture_hashes_equal(rv_schema_hash(rv_node_schema(s.f.node)),
                                  rv_schema_hash(rv_node_schema(twin.f.node))));
    RV_CHECK_EQ(post(&s, "/streams/others", "made", "{\"name\":\"x\"}"), 201);
    server_free(&s);
    server_free(&twin);
}

typedef struct refused {
    const char *text;
    int status;
    const char *told[3];
} refused;

RV_TEST(a_contradiction_is_named_and_changes_nothing) {
    static const refused cases[] = {
        {"CREATE TYPE kind AS ENUM ('a', 'c');" ITEM MADE ITEMS,
         409,
         {"\"code\":\"schema_conflict\"", "\"difference\":\"changed\"",
          "\"kind\":\"type\",\"name\":\"kind\""}},
        {KIND
         "CREATE AGGREGATE item (id SERIAL PRIMARY KEY, name varchar(9), kind kind);" MADE ITEMS,
         409,
         {"there `name text`, here `name varchar(9)`", "\"difference\":\"changed\"",
          "\"kind\":\"aggregate\",\"name\":\"item\""}},
        {KIND ITEM "CREATE EVENT_TYPE made (id creates item(id));" ITEMS,
         409,
         {"which has `name text updates item(name)`, too",
          "\"kind\":\"event_type\",\"name\":\"made\"", "\"difference\":\"changed\""}},
        {KIND ITEM
         "CREATE EVENT_TYPE made (id creates item(id), name updates item(name), n int);" ITEMS,
         409,
         {"which has not `n integer`", "\"name\":\"made\"", "\"difference\":\"changed\""}},
        {KIND ITEM MADE "CREATE STREAM items (path \"/things/{id}\", event_types (made));",
         409,
         {"\"kind\":\"stream\"", "\"name\":\"items\"", "here `path \\\"/things/{id}\\\"`"}},
        /* the first one that is missing; what is new makes no difference */
        {KIND ITEM RENAMED, 409, {"\"name\":\"made\"", "\"difference\":\"missing\"", "has not"}},
        {KIND ITEM MADE "CREATE", 400, {"\"code\":\"schema_syntax\"", "\"line\":1", ""}},
        {"", 400, {"\"code\":\"schema_syntax\"", "", ""}},
        {KIND ITEM MADE ITEMS OTHERS, 400, {"\"code\":\"schema_unknown_name\"", "renamed", ""}},
    };
    server s = empty_root();
    RV_CHECK_EQ(whole(&s, KIND ITEM MADE ITEMS), 201);
    const rv_hash128 hash = rv_schema_hash(rv_node_schema(s.f.node));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RV_CHECK_EQ(whole(&s, cases[i].text), cases[i].status);
        for (size_t k = 0; k < 3; k++) {
            RV_CHECK(has(&s, cases[i].told[k]));
        }
    }
    RV_CHECK_EQ(send(&s, "/schema?whole=1", KIND ITEM MADE ITEMS), 400);
    RV_CHECK(has(&s, "parameter_invalid"));
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 1);
    RV_CHECK(fixture_hashes_equal(rv_schema_hash(rv_node_schema(s.f.node)), hash));
    server_free(&s);
}

/* Statements larger than the memory for the schema. */
RV_TEST(a_schema_without_room) {
    static char text[900000];
    server s = empty_root();
    int len = 0;
    for (unsigned i = 0; i < 4 * 1024; i++) {
        len += i % 1024 == 0 ? snprintf(text + len, 40, "CREATE TYPE t%u AS ENUM (", i) : 0;
        len += snprintf(text + len, 80, "'%060u'%s", i, i % 1024 == 1023 ? ");" : ",");
    }
    RV_CHECK_EQ(whole(&s, text), 413);
    RV_CHECK(has(&s, "\"code\":\"schema_too_large\""));
    RV_CHECK_EQ(rv_node_sequence(s.f.node), 0);
    RV_CHECK_EQ(whole(&s, KIND), 201);
    server_free(&s);
}

RV_TEST(an_edge_compares) {
    fixture f = fixture_create(4);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_EDGE, "/**"), RV_OK);
    server s = server_over(f);
    /* before it has met its upstream it takes what there is, and what is new in it */
    RV_CHECK_EQ(whole(&s, KIND ITEM), 200);
    RV_CHECK(has(&s, "{\"version\":1,\"hash\"") && has(&s, "\"provisional\":true"));
    RV_CHECK_EQ(whole(&s, "CREATE"), 400);
    RV_CHECK_EQ(whole(&s, KIND ITEM RENAMED), 200);
    RV_CHECK(has(&s, "{\"version\":2,\"hash\""));
    RV_CHECK_EQ(whole(&s, KIND ITEM), 200);
    RV_CHECK(has(&s, "{\"version\":2,\"hash\""));
    /* its root's schema comes as an event */
    const uint8_t log_id[16] = {1};
    rv_status met = RV_PENDING;
    for (int i = 0; i < 1000 && met != RV_OK; i++) { /* it puts its own log aside first */
        met = rv_node_adopt(f.node, log_id, 1, 1, &f.err);
        fixture_poll(f.node);
    }
    RV_CHECK_STATUS(met, RV_OK);
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_STATUS(rv_node_receive_begin(f.node, &f.err), RV_OK);
    rv_event event = {.position = 1,
                      .version = 1,
                      .type = RV_SYSTEM_SCHEMA_TYPE,
                      .schema_version = 1,
                      .batch_end = true,
                      .data = RV_LITERAL(KIND ITEM MADE)};
    RV_CHECK_STATUS(
        rv_node_receive_stream(f.node, RV_LITERAL(RV_SYSTEM_SCHEMA_PATH), &event.stream, &f.err),
        RV_OK);
    RV_CHECK_STATUS(rv_node_receive_event(f.node, &event, &f.err), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_commit(f.node, 1, 7, &f.err), RV_OK);
    RV_CHECK_EQ(whole(&s, KIND ITEM MADE), 200);
    RV_CHECK(has(&s, "{\"version\":1,\"hash\""));
    RV_CHECK_EQ(whole(&s, KIND ITEM MADE ITEMS), 409);
    RV_CHECK(has(&s, "\"difference\":\"unknown\",\"kind\":\"stream\",\"name\":\"items\""));
    /* the root has more by now than the application was written for */
    RV_CHECK_EQ(whole(&s, KIND ITEM), 200);
    RV_CHECK(!has(&s, "provisional"));
    server_free(&s);
}

int main(void) {
    RV_RUN(the_same_text_at_each_start);
    RV_RUN(what_is_new_is_added_wherever_it_stands);
    RV_RUN(a_contradiction_is_named_and_changes_nothing);
    RV_RUN(a_schema_without_room);
    RV_RUN(an_edge_compares);
    return rv_test_done();
}
