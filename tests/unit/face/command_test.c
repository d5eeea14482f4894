/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a command comes to when it runs again, and is no batch that the handler could read, is
 * a rejection with the reason, so that nothing behind it waits. Method: the handler of an edge that
 * gives a command and an event without its root; the root's state has changed by the next contact;
 * then the test plays the caller that runs functions.
 */
#include "core/engine/command.h"
#include "tests/unit/face/edge_face.h"

#define FACE_MEMORY ((size_t)8 << 20)

#define EVENT "{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":{\"amount\":1}"

typedef struct caller {
    rv_face *face;
    uint8_t body[4096];
    char answer[4097];
} caller;

/* Asks, and has the whole answer as text; its HTTP status, 0: it is not there yet. */
static int ask(caller *c, const rv_request *request) {
    rv_exchange *exchange;
    rv_response_head head = {.status = 0};
    rv_error err;
    rv_writer w = rv_writer_over(c->body, sizeof c->body);
    if (rv_face_begin(c->face, request, &exchange, &err) != RV_OK) {
        return 0;
    }
    if (rv_exchange_head(exchange, &head) == RV_OK) {
        while (rv_exchange_body(exchange, 0, &w) == RV_OK && rv_writer_room(&w) > 0) {
        }
    }
    memcpy(c->answer, c->body, w.len);
    c->answer[w.len] = '\0';
    rv_face_end(exchange);
    return head.status;
}

static int post(caller *c, const char *command, const char *run, const char *body) {
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = RV_LITERAL("/events"),
                                .content_type = RV_LITERAL("application/json"),
                                .durability = RV_LITERAL("memory"),
                                .body = rv_bytes_of_string(body),
                                .command = rv_bytes_of_string(command),
                                .args = rv_bytes_of_string(command[0] != '\0' ? "{}" : ""),
                                .run = rv_bytes_of_string(run)};
    return ask(c, &request);
}

RV_TEST(what_is_no_batch_is_a_rejection) {
    static caller c;
    static const struct {
        const char *body;
        const char *code;
    } made[] = {
        {"[" EVENT ",\"expected_version\":\"odd\"}]", "parameter_invalid"},
        {"[{\"path\":7,\"type\":\"deposited\"}]", "request_invalid"},
        {"[{\"path\":\"/accounts/1\",\"type\":\"deposited\",\"data\":null}]", "request_invalid"},
        {"[7]", "request_invalid"},
        {"[" EVENT, "json_invalid"},
    };
    pair p = pair_create("/**");
    uint8_t *const memory = malloc(FACE_MEMORY);
    rv_arena arena = rv_arena_over(memory, FACE_MEMORY);
    c.face = edge_face_offline(&p, &arena);
    RV_CHECK(c.face != NULL);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        rv_pending due;
        char text[64];
        RV_CHECK_EQ(post(&c, "pay", "", EVENT "}"), 202);
        RV_CHECK_EQ(post(&c, "", "", EVENT "}"), 202);
        RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":5}"),
                        RV_OK);
        RV_CHECK(pair_connect(&p));
        pair_run(&p);
        RV_CHECK(rv_node_command_due(p.leaf.node, 0, &due));
        RV_CHECK_EQ(rv_node_outbox(p.leaf.node).pending, 2);
        RV_CHECK_STATUS(rv_node_command_begin(p.leaf.node, due.edge_sequence, &p.err), RV_OK);
        snprintf(text, sizeof text, "%u", (unsigned)due.edge_sequence);
        RV_CHECK_EQ(post(&c, "", text, made[i].body), 200);
        RV_CHECK(strstr(c.answer, "\"outcome\":\"rejected\"") != NULL);
        rv_node_command_end(p.leaf.node);
        pair_run(&p);
        RV_CHECK_EQ(rv_node_outbox(p.leaf.node).pending, 0); /* what was behind it is decided */
        RV_CHECK_EQ(rv_node_outbox(p.leaf.node).rejections, i + 1);
        const rv_request list = {.method = RV_LITERAL("GET"), .target = RV_LITERAL("/rejections")};
        RV_CHECK_EQ(ask(&c, &list), 200);
        snprintf(text, sizeof text, "\"code\":\"%s\"", made[i].code);
        RV_CHECK(strstr(c.answer, text) != NULL);
        pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    }
    pair_free(&p);
    free(memory);
}

int main(void) {
    RV_RUN(what_is_no_batch_is_a_rejection);
    return rv_test_done();
}
