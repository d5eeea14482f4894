/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that says what no edge may say is answered with a coded error, and its session is
 * over; or it harms nobody but itself. Method: an edge that is played by hand against a root, which
 * has just been fed, attacks; another one on the same root is fed before and afterwards.
 */
#include "sync/upstream_internal.h"
#include "tests/unit/node_fixture.h"

#define SHARED_MEMORY ((size_t)8 << 20)
#define CREDIT        100000u
#define NOW           1000

typedef struct line {
    rv_upstream *session;
    uint64_t events; /* messages of these that came, */
    uint64_t cost;   /* and what they took of the credit */
    uint64_t watermark;
    uint64_t ping;
    rv_error error; /* told by the upstream */
} line;

typedef struct world {
    fixture root;
    uint8_t *memory;
    rv_upstream_shared *shared;
    int64_t now;
    line hostile;
    line other;
    rv_error err;
} world;

static void took(line *l, rv_bytes message) {
    const rv_compression none = {0};
    rv_writer inflated = rv_writer_over(NULL, 0);
    rv_wire_kind kind;
    rv_bytes body;
    rv_wire_progress progress = {0};
    RV_CHECK_STATUS(rv_wire_open(message, &none, &inflated, &kind, &body, NULL), RV_OK);
    if (kind == RV_WIRE_EVENTS) {
        rv_cursor c = rv_cursor_over(body);
        RV_CHECK_EQ(rv_read_u8(&c), 0);
        l->watermark = rv_read_varint(&c);
        l->events += 1;
        l->cost += message.len + 16;
    } else if (kind == RV_WIRE_PROGRESS) {
        RV_CHECK_STATUS(rv_wire_read_progress(body, &progress, NULL), RV_OK);
        l->watermark = progress.watermark;
    } else if (kind == RV_WIRE_PING) {
        RV_CHECK_STATUS(rv_wire_read_ping(body, &l->ping, NULL), RV_OK);
    } else if (kind == RV_WIRE_ERROR) {
        RV_CHECK_STATUS(rv_wire_read_error(body, &l->error, NULL), RV_OK);
    }
}

/* Lets the root work, and takes what it says to both. */
static void run(world *w) {
    line *const lines[] = {&w->hostile, &w->other};
    for (int i = 0; i < 5; i++) {
        fixture_poll(w->root.node);
        w->now += RV_SYNC_REPORT_US;
        for (int k = 0; k < 2; k++) {
            rv_bytes message;
            for (int n = 0; n < 100 && lines[k]->session != NULL &&
                            rv_upstream_send(lines[k]->session, w->now, &message);
                 n++) {
                took(lines[k], message);
            }
        }
    }
}

static void write_hello(rv_writer *w, uint64_t credit) {
    rv_wire_hello hello = {.version_min = 1,
                           .version_max = 1,
                           .credit = credit,
                           .batch_bytes = 100000,
                           .pattern_count = 1};
    memset(hello.node_id, 7, sizeof hello.node_id);
    hello.patterns[0] = RV_LITERAL("/accounts/*");
    rv_wire_write_hello(w, &hello);
}

static rv_status say(world *w, line *l, const rv_writer *writer) {
    return rv_upstream_receive(l->session, rv_writer_bytes(writer), w->now, &w->err);
}

static void connect(world *w, line *l, uint64_t credit) {
    uint8_t bytes[512];
    rv_writer writer = rv_writer_over(bytes, sizeof bytes);
    *l = (line){.session = NULL};
    write_hello(&writer, credit);
    RV_CHECK_STATUS(rv_upstream_open(w->shared, w->now, &l->session, &w->err), RV_OK);
    RV_CHECK_STATUS(say(w, l, &writer), RV_OK);
    run(w);
}

/* Both are there, and have been fed. */
static world world_create(uint64_t credit) {
    world w = {.root = fixture_root(1), .memory = malloc(SHARED_MEMORY), .now = NOW};
    rv_arena arena = rv_arena_over(w.memory, SHARED_MEMORY);
    const rv_upstream_options options = {.node = w.root.node, .connections_max = 4};
    if (rv_upstream_shared_create(&w.shared, &options, &arena, &w.err) != RV_OK ||
        fixture_append(&w.root, "/accounts/1", "account_opened", "{\"name\":\"a\"}") != RV_OK ||
        !fixture_settle(w.root.node)) {
        abort();
    }
    connect(&w, &w.other, CREDIT);
    connect(&w, &w.hostile, credit);
    return w;
}

static void world_free(world *w) {
    fixture_free(&w->root);
    free(w->memory);
}

/* An append comes to the other edge. */
static void others_are_fed(world *w) {
    const uint64_t before = w->other.events;
    RV_CHECK_STATUS(fixture_append(&w->root, "/accounts/1", "deposited", "{\"amount\":5}"), RV_OK);
    RV_CHECK(fixture_settle(w->root.node));
    run(w);
    RV_CHECK_EQ(w->other.events, before + 1);
    RV_CHECK_EQ(w->other.watermark, rv_node_watermark(w->root.node));
    RV_CHECK(w->other.error.status == RV_OK && !rv_upstream_finished(w->other.session));
}

typedef enum attack {
    CREDIT_TOO_MUCH,
    CREDIT_TWICE,
    CREDIT_ALL,
    PROGRESS_AHEAD,
    PROGRESS_ALL,
    PROGRESS_BACK,
    PONG_UNASKED,
    PONG_OF_LATER,
    PONG_TWICE,
    HELLO_AGAIN,
    WELCOME,
    DECISION,
    PUSH_NOT_AGREED,
    SETTLED_NOT_AGREED,
    ATTACKS
} attack;

/* Writes what is not to be said; what may be said before that is said. */
static void attack_write(world *w, attack kind, rv_writer *out) {
    line *const l = &w->hostile;
    const rv_wire_welcome welcome = {.version = 1, .epoch = 1};
    const rv_wire_decision decision = {.edge_sequence = 1, .position = 2};
    const rv_wire_push push = {
        .incarnation = 1, .edge_sequence = 1, .schema_version = 1, .count = 1};
    const rv_append event = {
        .path = RV_LITERAL("/accounts/1"), .type = RV_LITERAL("deposited"), .has_event_id = true};
    rv_wire_progress progress = {.watermark = l->watermark};
    switch (kind) {
    case CREDIT_TOO_MUCH:
        rv_wire_write_credit(out, l->cost + 1);
        return;
    case CREDIT_TWICE:
        rv_wire_write_credit(out, l->cost);
        RV_CHECK_STATUS(say(w, l, out), RV_OK);
        return;
    case CREDIT_ALL:
        rv_wire_write_credit(out, UINT64_MAX);
        return;
    case PROGRESS_AHEAD:
        progress.watermark += 1;
        rv_wire_write_progress(out, &progress);
        return;
    case PROGRESS_ALL:
        progress.watermark = RV_POSITION_MAX;
        rv_wire_write_progress(out, &progress);
        return;
    case PROGRESS_BACK:
        rv_wire_write_progress(out, &progress);
        RV_CHECK_STATUS(say(w, l, out), RV_OK);
        out->len = 0;
        progress.watermark -= 1;
        rv_wire_write_progress(out, &progress);
        return;
    case PONG_UNASKED:
        rv_wire_write_ping(out, RV_WIRE_PONG, 1);
        return;
    case PONG_OF_LATER:
        rv_wire_write_ping(out, RV_WIRE_PONG, UINT64_MAX);
        return;
    case PONG_TWICE:
        w->now += RV_SYNC_PING_US;
        run(w);
        RV_CHECK(l->ping > 0);
        rv_wire_write_ping(out, RV_WIRE_PONG, l->ping);
        RV_CHECK_STATUS(say(w, l, out), RV_OK);
        return;
    case HELLO_AGAIN:
        write_hello(out, CREDIT);
        return;
    case WELCOME:
        rv_wire_write_welcome(out, &welcome);
        return;
    case DECISION:
        rv_wire_write_decision(out, &decision);
        return;
    case PUSH_NOT_AGREED:
        rv_wire_write_push(out, &push, NULL);
        rv_wire_write_pushed(out, &event);
        return;
    case SETTLED_NOT_AGREED:
        rv_wire_write_settled(out, 1);
        return;
    case ATTACKS:
        break;
    }
}

RV_TEST(who_breaks_the_rules_is_told_so_and_nobody_else_is_harmed) {
    for (attack kind = 0; kind < ATTACKS; kind++) {
        uint8_t bytes[512];
        rv_writer out = rv_writer_over(bytes, sizeof bytes);
        world w = world_create(CREDIT);
        const uint64_t at = rv_node_watermark(w.root.node);
        RV_CHECK(w.hostile.events > 0 && w.hostile.watermark == at);
        attack_write(&w, kind, &out);
        RV_CHECK_PASSED();
        const rv_status status = say(&w, &w.hostile, &out);
        if (status != RV_PROTOCOL_ERROR) {
            RV_FAIL_AT_("attack %d: %s", (int)kind, rv_status_code(status));
        }
        RV_CHECK_STATUS(w.err.status, RV_PROTOCOL_ERROR);
        RV_CHECK(!rv_upstream_finished(w.hostile.session)); /* it is to be told first */
        run(&w);
        RV_CHECK_STATUS(w.hostile.error.status, RV_PROTOCOL_ERROR);
        RV_CHECK(rv_upstream_finished(w.hostile.session));
        RV_CHECK_STATUS(say(&w, &w.hostile, &out), RV_OK); /* and nothing more is heard */
        const uint64_t events = w.hostile.events;
        others_are_fed(&w);
        RV_CHECK_PASSED();
        RV_CHECK_EQ(w.hostile.events, events);
        RV_CHECK_EQ(rv_node_watermark(w.root.node), at + 1);
        rv_upstream_close(w.hostile.session);
        w.hostile.session = NULL;
        others_are_fed(&w);
        RV_CHECK_PASSED();
        world_free(&w);
    }
}

RV_TEST(who_does_not_say_hello_is_told_so) {
    uint8_t bytes[64];
    world w = world_create(CREDIT);
    rv_upstream_close(w.hostile.session);
    w.hostile = (line){.session = NULL};
    RV_CHECK_STATUS(rv_upstream_open(w.shared, w.now, &w.hostile.session, &w.err), RV_OK);
    rv_writer out = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_credit(&out, 1);
    RV_CHECK_STATUS(say(&w, &w.hostile, &out), RV_PROTOCOL_ERROR);
    run(&w);
    RV_CHECK_STATUS(w.hostile.error.status, RV_PROTOCOL_ERROR);
    RV_CHECK(rv_upstream_finished(w.hostile.session));
    others_are_fed(&w);
    world_free(&w);
}

/* It is sent no events, and has nothing to give back. */
RV_TEST(a_hello_without_credit_harms_nobody) {
    uint8_t bytes[64];
    world w = world_create(0);
    others_are_fed(&w);
    RV_CHECK_PASSED();
    RV_CHECK(w.hostile.error.status == RV_OK && w.hostile.events == 0);
    rv_writer out = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_credit(&out, 1);
    RV_CHECK_STATUS(say(&w, &w.hostile, &out), RV_PROTOCOL_ERROR);
    others_are_fed(&w);
    world_free(&w);
}

RV_TEST(a_hello_with_all_the_credit_that_there_can_be_harms_nobody) {
    uint8_t bytes[64];
    world w = world_create(UINT64_MAX);
    others_are_fed(&w);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(w.hostile.watermark, rv_node_watermark(w.root.node));
    rv_writer out = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_credit(&out, w.hostile.cost);
    RV_CHECK_STATUS(say(&w, &w.hostile, &out), RV_OK);
    others_are_fed(&w);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(w.hostile.watermark, rv_node_watermark(w.root.node));
    out.len = 0;
    rv_wire_write_credit(&out, UINT64_MAX);
    RV_CHECK_STATUS(say(&w, &w.hostile, &out), RV_PROTOCOL_ERROR);
    others_are_fed(&w);
    world_free(&w);
}

int main(void) {
    RV_RUN(who_breaks_the_rules_is_told_so_and_nobody_else_is_harmed);
    RV_RUN(who_does_not_say_hello_is_told_so);
    RV_RUN(a_hello_without_credit_harms_nobody);
    RV_RUN(a_hello_with_all_the_credit_that_there_can_be_harms_nobody);
    return rv_test_done();
}
