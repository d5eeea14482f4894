/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a module follows an upstream through its exports alone, holds messages off while the disk
 * is behind, and neither a broken connection nor a wrong call loses or repeats an event. Method: a
 * root with its session in the same process, a wire that is a function call, and a clock that moves
 * when the test says so; counts and hashes are compared with the root's. A token that is handed
 * over is shown to a root that has some.
 */
#include "sync/upstream.h"
#include "sync/wire.h"
#include "tests/unit/tokens.h"
#include "tests/unit/wasi/module.h"

#define EDGE   "{\"memory\":16777216,\"role\":\"edge\",\"patterns\":[\"/**\"]}"
#define ROUNDS 20000

static struct {
    fixture root;
    uint8_t *memory;
    rv_upstream_shared *shared;
    rv_upstream *session;
    uint8_t held[RV_WIRE_MESSAGE_MAX]; /* a message that was not taken */
    size_t held_len;
    unsigned busy; /* how often one was not */
} up;

static void start(bool later) {
    const size_t size = (size_t)8 << 20;
    javascript_start(later);
    up.root = fixture_root(1);
    up.memory = malloc(size);
    up.session = NULL;
    up.held_len = 0;
    up.busy = 0;
    rv_arena arena = rv_arena_over(up.memory, size);
    const rv_upstream_options options = {
        .node = up.root.node, .connections_max = 1, .digest = &test_digest};
    RV_CHECK_STATUS(rv_upstream_shared_create(&up.shared, &options, &arena, &up.root.err), RV_OK);
    RV_CHECK_STATUS(fixture_append(&up.root, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    RV_CHECK(fixture_settle(up.root.node));
    RV_CHECK_EQ(module_open(EDGE), RV_OK);
}

static void stop(void) {
    fixture_free(&up.root);
    free(up.memory);
}

static void connect(void) {
    const double deadline = rv_module_deadline();
    module_now = deadline > module_now ? deadline : module_now;
    RV_CHECK_EQ(rv_module_edge_wants_connection(module_now), 1);
    RV_CHECK_EQ(rv_module_edge_wants_connection(module_now), 0);
    RV_CHECK_STATUS(rv_upstream_open(up.shared, (int64_t)module_now, &up.session, &up.root.err),
                    RV_OK);
    RV_CHECK_EQ(rv_module_edge_opened(module_now), RV_OK);
}

/* The connection goes at the root's end. */
static void hang_up(void) {
    rv_upstream_close(up.session);
    up.session = NULL;
    up.held_len = 0;
}

/* Hands a message over, or holds it; an error ends the connection. */
static int32_t hand_over(rv_bytes message) {
    const int32_t status = rv_module_edge_receive(message.ptr, (uint32_t)message.len, module_now);
    if (status == RV_BUSY) {
        up.busy += 1;
        memmove(up.held, message.ptr, message.len);
        up.held_len = message.len;
    } else {
        up.held_len = 0;
    }
    return status;
}

/* Four notes of 4,000 bytes. */
static bool feed_large(unsigned round) {
    static char data[4200];
    for (unsigned i = 0; i < 4; i++) {
        int len = snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"", round * 4 + i);
        memset(data + len, 'a' + (int)(round % 26), 4000);
        memcpy(data + len + 4000, "\"}", 3);
        if (fixture_append(&up.root, "/accounts/1", "noted", data) != RV_OK) {
            return false;
        }
    }
    return fixture_settle(up.root.node);
}

/* What the module has to say goes to the root. */
static bool send_all(void) {
    bool moved = false;
    while (rv_module_edge_send(module_now) == 1) {
        moved = true;
        const rv_bytes message = rv_bytes_of(rv_module_out_ptr(), rv_module_out_len());
        (void)!rv_upstream_receive(up.session, message, (int64_t)module_now, NULL);
    }
    return moved;
}

/* One message each way; true when there was one. */
static bool step(void) {
    rv_bytes message;
    bool moved = false;
    fixture_poll(up.root.node);
    (void)module_pump();
    if (up.session != NULL) {
        moved = send_all();
    }
    if (up.held_len > 0) {
        moved = hand_over(rv_bytes_of(up.held, up.held_len)) == RV_OK;
    } else if (up.session != NULL && rv_upstream_send(up.session, (int64_t)module_now, &message)) {
        moved = true;
        (void)hand_over(message);
    }
    return moved;
}

static void run(void) {
    int quiet = 0;
    for (int i = 0; i < ROUNDS && quiet < 8; i++) {
        quiet = step() ? 0 : quiet + 1;
        module_now += quiet > 0 ? 60000 : 100;
    }
}

static bool feed(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (fixture_append(&up.root, "/accounts/1", "deposited", "{\"amount\":3}") != RV_OK) {
            return false;
        }
    }
    return fixture_settle(up.root.node);
}

static bool same(void) {
    uint8_t text[32];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_hash128_write(rv_node_state_hash(up.root.node), &w);
    return rv_module_state_hash() == RV_OK && rv_module_out_len() == 32 &&
           memcmp(rv_module_out_ptr(), text, 32) == 0;
}

RV_TEST(what_the_root_has_comes_and_appends_go_there) {
    for (int later = 0; later < 2; later++) {
        start(later == 1);
        RV_CHECK_PASSED();
        RV_CHECK_EQ(rv_module_facts()[RV_MODULE_EDGE_STATE], 0);
        connect();
        RV_CHECK_PASSED();
        RV_CHECK_EQ(rv_module_edge_opened(module_now), RV_REQUEST_INVALID);
        run();
        RV_CHECK(same());
        RV_CHECK(feed(500));
        run();
        RV_CHECK(same());
        const double *facts = rv_module_facts();
        RV_CHECK_EQ(facts[RV_MODULE_ROLE], 1);
        RV_CHECK_EQ(facts[RV_MODULE_WATERMARK], 502);
        RV_CHECK_EQ(facts[RV_MODULE_WATERMARK_DURABLE], 502);
        RV_CHECK_EQ(facts[RV_MODULE_EVENTS_RECEIVED], 502);
        RV_CHECK_EQ(facts[RV_MODULE_UPSTREAM_POSITION], 502);
        RV_CHECK_EQ(facts[RV_MODULE_EDGE_STATE], 2);
        static uint8_t memory[1024];
        const rv_bytes request = module_request(
            memory, sizeof memory, "POST", "/streams/accounts/1", "deposited", "{\"amount\":1000}");
        const int32_t exchange = rv_module_begin(request.ptr, (uint32_t)request.len);
        RV_CHECK_EQ(rv_module_head(exchange), RV_PENDING);
        run();
        RV_CHECK_EQ(module_answer(exchange), 202);
        RV_CHECK(strstr(module_text, "\"edge_sequence\":1") != NULL);
        facts = rv_module_facts();
        RV_CHECK_EQ(facts[RV_MODULE_OUTBOX_DURABLE], 1);
        RV_CHECK_EQ(facts[RV_MODULE_WATERMARK], 503);
        RV_CHECK_EQ(facts[RV_MODULE_PENDING], 0);
        RV_CHECK_EQ(facts[RV_MODULE_OUTBOX_SETTLED], 1);
        RV_CHECK_EQ(facts[RV_MODULE_REJECTIONS], 0);
        RV_CHECK_EQ(facts[RV_MODULE_LEASE_BLOCKS], 1);
        RV_CHECK_EQ(facts[RV_MODULE_LEASE_KEYS], RV_LEASE_KEYS_MIN);
        RV_CHECK_EQ(module_ask("GET", "/aggregates/account/1", "", ""), 200);
        RV_CHECK(strstr(module_text, "\"balance\":2500") != NULL);
        hang_up();
        RV_CHECK_EQ(module_close(), RV_END);
        RV_CHECK_EQ(module_open("{\"memory\":16777216}"), RV_OK); /* as it was stored */
        RV_CHECK(same() && rv_module_facts()[RV_MODULE_EDGE_STATE] == -1);
        RV_CHECK_EQ(module_close(), RV_END);
        stop();
    }
}

/* Nothing is written while JavaScript has no turn: sooner or later events must wait outside. */
RV_TEST(events_wait_outside_while_the_disk_is_behind) {
    rv_bytes message;
    bool busy = false;
    start(true);
    RV_CHECK_PASSED();
    connect();
    RV_CHECK_PASSED();
    run();
    for (unsigned i = 0; i < 200 && !busy; i++) {
        RV_CHECK(feed_large(i));
        (void)rv_module_poll(module_now);
        (void)send_all();
        module_now += 200000;
        while (!busy && rv_upstream_send(up.session, (int64_t)module_now, &message)) {
            const bool ready = rv_module_edge_ready() == 1;
            const int32_t status = hand_over(message);
            busy = status == RV_BUSY;
            RV_CHECK(busy != ready || message.ptr[0] > RV_WIRE_PROGRESS);
            RV_CHECK(busy || status == RV_OK);
        }
    }
    RV_CHECK(busy);
    /* others need not wait */
    static const uint8_t ping[] = {RV_WIRE_PING, 0, 5};
    RV_CHECK_EQ(rv_module_edge_ready(), 0);
    RV_CHECK_EQ(rv_module_edge_receive(ping, sizeof ping, module_now), RV_OK);
    RV_CHECK_EQ(rv_module_edge_send(module_now), 1);
    RV_CHECK_EQ(rv_module_out_ptr()[0], RV_WIRE_PONG);
    run();
    RV_CHECK_EQ(rv_module_edge_ready(), 1);
    RV_CHECK(same());
    hang_up();
    RV_CHECK_EQ(module_close(), RV_END);
    stop();
}

/* As JavaScript has it, which sleeps when nothing is under way: an edge that has never written
 * needs a key, and for that an incarnation in its log first. It does not wait for a deadline. */
RV_TEST(what_a_poll_appends_is_under_way_when_it_returns) {
    static uint8_t memory[1024];
    start(true);
    RV_CHECK_PASSED();
    connect();
    run();
    const rv_bytes request = module_request(memory, sizeof memory, "POST", "/streams/accounts",
                                            "account_opened", "{\"name\":\"eve\"}");
    const int32_t exchange = rv_module_begin(request.ptr, (uint32_t)request.len);
    bool asked = false;
    bool awake = true;
    for (int i = 0; i < 100 && awake && !asked; i++) { /* in the order of its turns */
        (void)rv_module_poll(module_now);
        RV_CHECK_EQ(rv_module_head(exchange), RV_PENDING);
        while (rv_module_edge_send(module_now) == 1) {
            asked = asked || rv_module_out_ptr()[0] == RV_WIRE_LEASE;
        }
        awake = i == 0 || javascript.queued > 0 || rv_module_deadline() <= module_now;
        javascript_turn();
    }
    RV_CHECK(asked);
    hang_up();
    RV_CHECK_EQ(module_close(), RV_END);
    stop();
}

RV_TEST(a_broken_connection_is_made_again) {
    static const uint8_t garbage[] = {0xee};
    static const uint8_t unknown[] = {0x50, 0, 0};
    start(false);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(rv_module_edge_receive(garbage, 1, module_now), RV_REQUEST_INVALID);
    connect();
    RV_CHECK_PASSED();
    run();
    RV_CHECK(feed(50));
    RV_CHECK_EQ(rv_module_edge_receive(unknown, 3, module_now), RV_PROTOCOL_ERROR);
    RV_CHECK_EQ(rv_module_edge_failure(), RV_OK); /* it was told */
    RV_CHECK_EQ(rv_module_edge_receive(garbage, 1, module_now), RV_PROTOCOL_ERROR);
    RV_CHECK_EQ(rv_module_edge_send(module_now), 0);
    RV_CHECK_EQ(rv_module_edge_ready(), 0);
    RV_CHECK_EQ(rv_module_edge_wants_connection(module_now), 0);
    hang_up();
    RV_CHECK_EQ(rv_module_edge_closed(-1, NULL, 0, module_now), RV_OK);
    RV_CHECK_EQ(rv_module_facts()[RV_MODULE_EDGE_STATE], 0);
    RV_CHECK_EQ(rv_module_facts()[RV_MODULE_EDGE_REASON], RV_PROTOCOL_ERROR);
    rv_module_edge_reason();
    RV_CHECK(strstr(module_out(), "\"code\":\"protocol_error\"") != NULL);
    connect();
    RV_CHECK_PASSED();
    run();
    RV_CHECK(same());
    /* silence */
    module_now += 3600e6;
    (void)rv_module_poll(module_now);
    RV_CHECK_EQ(rv_module_edge_failure(), RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_EQ(rv_module_edge_failure(), RV_OK);
    hang_up();
    RV_CHECK_EQ(rv_module_edge_closed(-1, NULL, 0, module_now), RV_OK);
    rv_module_edge_reason();
    RV_CHECK(strstr(module_out(), "was silent") != NULL);
    RV_CHECK_EQ(module_close(), RV_END);
    stop();
}

RV_TEST(reasons_of_the_transport) {
    static const int32_t none[] = {RV_OK, RV_PENDING, RV_END, RV_STATUS_COUNT, -2, INT32_MIN};
    static const uint8_t text[] = "refused \x01";
    start(false);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(rv_module_edge_closed(-1, NULL, 0, module_now), RV_OK); /* there was none */
    RV_CHECK_EQ(rv_module_edge_wants_connection(module_now), 1);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        RV_CHECK_EQ(rv_module_edge_closed(none[i], text, 8, module_now), RV_REQUEST_INVALID);
    }
    RV_CHECK_EQ(rv_module_edge_closed(RV_UPSTREAM_UNREACHABLE, NULL, 8, module_now),
                RV_REQUEST_INVALID);
    RV_CHECK_EQ(rv_module_edge_closed(RV_UPSTREAM_UNREACHABLE, text, 9, module_now), RV_OK);
    rv_module_edge_reason();
    RV_CHECK(strstr(module_out(), "\"detail\":\"refused \\\\x01\"") != NULL);
    RV_CHECK(rv_module_deadline() > module_now);
    RV_CHECK_EQ(rv_module_edge_wants_connection(module_now), 0);
    /* told that the network is there, it does not wait */
    RV_CHECK_EQ(rv_module_edge_network_up(module_now), RV_OK);
    RV_CHECK_EQ(rv_module_edge_wants_connection(module_now), 1);
    RV_CHECK_EQ(rv_module_edge_closed(RV_UPSTREAM_UNREACHABLE, NULL, 0, module_now), RV_OK);
    /* one that trying again does not mend */
    module_now = rv_module_deadline();
    RV_CHECK_EQ(rv_module_edge_wants_connection(module_now), 1);
    RV_CHECK_EQ(rv_module_edge_closed(RV_UPSTREAM_VERSION, NULL, 0, module_now), RV_OK);
    RV_CHECK_EQ(rv_module_facts()[RV_MODULE_EDGE_STATE], 3);
    RV_CHECK(rv_module_deadline() == __builtin_inf());
    RV_CHECK_EQ(module_ask("POST", "/streams/accounts", "account_opened", "{\"name\":\"x\"}"), 503);
    RV_CHECK(strstr(module_text, "not_connected") != NULL);
    RV_CHECK_EQ(module_close(), RV_END);
    stop();
}

static int32_t set_token(const char *token) {
    return rv_module_edge_set_token((const uint8_t *)token, (uint32_t)strlen(token), module_now);
}

/* Connects and runs: it ends in this state. */
static void join(double state) {
    connect();
    run();
    if (rv_module_edge_failure() != RV_OK || rv_upstream_finished(up.session)) {
        RV_CHECK_EQ(rv_module_edge_closed(-1, NULL, 0, module_now), RV_OK);
        hang_up();
    }
    RV_CHECK_EQ(rv_module_facts()[RV_MODULE_EDGE_STATE], state);
}

RV_TEST(a_token_is_wanted_given_and_shown) {
    static uint8_t longest[RV_WIRE_TOKEN_MAX + 1];
    start(false);
    RV_CHECK_PASSED();
    memset(longest, 'x', sizeof longest);
    RV_CHECK_EQ(rv_module_edge_set_token(longest, RV_WIRE_TOKEN_MAX + 1, module_now),
                RV_REQUEST_INVALID);
    RV_CHECK_EQ(rv_module_edge_set_token(longest, UINT32_MAX, module_now), RV_REQUEST_INVALID);
    RV_CHECK_EQ(rv_module_edge_set_token(NULL, 1, module_now), RV_REQUEST_INVALID);
    RV_CHECK_STATUS(tokens_put(up.root.node, "ada", "good", "/**", "", "", 40), RV_OK);
    RV_CHECK_EQ(rv_module_edge_set_token(NULL, 0, module_now), RV_OK); /* there will be some */
    RV_CHECK_EQ(rv_module_edge_wants_token(module_now), 0);
    join(4);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(rv_module_facts()[RV_MODULE_EDGE_REASON], RV_UNAUTHENTICATED);
    RV_CHECK(rv_module_deadline() <= module_now);
    RV_CHECK_EQ(rv_module_edge_wants_token(module_now), 1);
    RV_CHECK_EQ(rv_module_edge_wants_token(module_now), 0);
    RV_CHECK(rv_module_deadline() > module_now);
    RV_CHECK_EQ(rv_module_edge_set_token(longest, RV_WIRE_TOKEN_MAX, module_now), RV_OK);
    join(4);
    RV_CHECK_PASSED(); /* at once, and it is wrong */
    RV_CHECK_EQ(rv_module_edge_wants_token(module_now), 1);
    RV_CHECK_EQ(set_token("good"), RV_OK);
    join(2);
    RV_CHECK_PASSED();
    RV_CHECK(same());
    const double joined = module_now;
    RV_CHECK_EQ(rv_module_edge_wants_token(joined), 0);
    module_now = joined + 31e6; /* a quarter ahead of its end */
    RV_CHECK_EQ(rv_module_edge_wants_token(module_now), 1);
    RV_CHECK_EQ(module_close(), RV_END);
    stop();
}

/* A database that is closed in the middle of a batch is the one before the batch. */
RV_TEST(closed_in_the_middle) {
    rv_bytes message;
    for (unsigned messages = 1; messages < 12; messages++) {
        start(false);
        RV_CHECK_PASSED();
        RV_CHECK(feed(300));
        connect();
        RV_CHECK_PASSED();
        for (unsigned i = 0; i < messages; i++) {
            (void)send_all();
            fixture_poll(up.root.node);
            if (rv_upstream_send(up.session, (int64_t)module_now, &message)) {
                (void)hand_over(message);
            }
        }
        hang_up();
        RV_CHECK_EQ(module_close(), RV_END);
        RV_CHECK_EQ(module_open(EDGE), RV_OK);
        connect();
        RV_CHECK_PASSED();
        run();
        RV_CHECK(same());
        hang_up();
        RV_CHECK_EQ(module_close(), RV_END);
        stop();
    }
}

int main(void) {
    RV_RUN(what_the_root_has_comes_and_appends_go_there);
    RV_RUN(events_wait_outside_while_the_disk_is_behind);
    RV_RUN(what_a_poll_appends_is_under_way_when_it_returns);
    RV_RUN(a_broken_connection_is_made_again);
    RV_RUN(reasons_of_the_transport);
    RV_RUN(a_token_is_wanted_given_and_shown);
    RV_RUN(closed_in_the_middle);
    return rv_test_done();
}
