/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: many sessions at one root get each event that they select, once, and W with time, though
 * only those that an event concerns are asked; who has nothing to say is not asked; sessions with
 * equal patterns are sent equal bytes. Method: sessions with patterns of every form, played by
 * hand; random appends; who is to get what is said by a plain comparison of paths.
 */
#include "sync/upstream_internal.h"
#include "tests/unit/node_fixture.h"

#define SESSIONS      40
#define ACCOUNTS      12
#define SHARED_MEMORY ((size_t)12 << 20)

typedef struct player {
    rv_upstream *session;
    rv_path_pattern pattern;
    uint64_t events;
    uint64_t expected;
    uint64_t watermark;
    uint64_t last_hash; /* of its last events message */
} player;

typedef struct crowd {
    fixture root;
    uint8_t *memory;
    rv_upstream_shared *shared;
    int64_t now;
    player players[SESSIONS];
} crowd;

static const char *const forms[] = {"/accounts/1",    "/accounts/2",  "/accounts/*", "/**",
                                    "/accounts/{id}", "/accounts/10", "/*/3",        "/nothing/**"};

static void take_events(player *p, rv_bytes body) {
    rv_cursor c = rv_cursor_over(body);
    rv_wire_events head;
    RV_CHECK(rv_wire_read_events(&c, &head) && !head.continues);
    (void)rv_read_u8(&c);
    p->events += rv_read_varint(&c);
    RV_CHECK(head.watermark > p->watermark);
    p->watermark = head.watermark;
    p->last_hash = rv_hash64(head.watermark, body);
}

static void ask(crowd *c, player *p) {
    const rv_compression none = {0};
    const rv_writer inflated = {0};
    rv_bytes message, body;
    rv_wire_kind kind;
    rv_wire_progress progress;
    while (rv_upstream_send(p->session, c->now, &message)) {
        RV_CHECK_STATUS(rv_wire_open(message, &none, &inflated, &kind, &body, NULL), RV_OK);
        RV_CHECK(kind != RV_WIRE_ERROR);
        if (kind == RV_WIRE_EVENTS) {
            take_events(p, body);
        } else if (kind == RV_WIRE_PROGRESS) {
            RV_CHECK_STATUS(rv_wire_read_progress(body, &progress, NULL), RV_OK);
            RV_CHECK(progress.watermark > p->watermark && progress.chain_hash != 0);
            p->watermark = progress.watermark;
        }
    }
}

/* Asks those that want to be; returns how many they were. */
static uint32_t turn(crowd *c) {
    const uint32_t count = rv_upstream_look(c->shared, c->now);
    for (uint32_t i = 0; i < count; i++) {
        player *const p = rv_upstream_next_asked(c->shared);
        if (p == NULL) {
            abort();
        }
        ask(c, p);
    }
    return count;
}

static void join(crowd *c, player *p, const char *pattern) {
    uint8_t bytes[512];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_error err;
    rv_wire_hello hello = {.version_min = 1,
                           .version_max = 1,
                           .credit = 1000000,
                           .batch_bytes = 100000,
                           .pattern_count = 1};
    *p = (player){.watermark = 0};
    memset(hello.node_id, (int)(p - c->players) + 1, sizeof hello.node_id);
    hello.patterns[0] = rv_bytes_of_string(pattern);
    rv_wire_write_hello(&w, &hello);
    RV_CHECK_STATUS(rv_path_pattern_parse(hello.patterns[0], &p->pattern, &err), RV_OK);
    RV_CHECK_STATUS(rv_upstream_open(c->shared, c->now, &p->session, &err), RV_OK);
    rv_upstream_set_owner(p->session, p);
    RV_CHECK_STATUS(rv_upstream_receive(p->session, rv_writer_bytes(&w), c->now, &err), RV_OK);
}

static void append(crowd *c, unsigned account, bool open) {
    char path[32];
    snprintf(path, sizeof path, "/accounts/%u", account);
    RV_CHECK_STATUS(fixture_append(&c->root, path, open ? "account_opened" : "deposited",
                                   open ? "{\"name\":\"a\"}" : "{\"amount\":1}"),
                    RV_OK);
    for (unsigned i = 0; i < SESSIONS; i++) {
        player *const p = &c->players[i];
        p->expected +=
            p->session != NULL && rv_path_pattern_match(&p->pattern, rv_bytes_of_string(path));
    }
}

static void create(crowd *c) {
    rv_error err;
    *c = (crowd){.root = fixture_root(1), .memory = malloc(SHARED_MEMORY), .now = 1000000};
    rv_arena arena = rv_arena_over(c->memory, SHARED_MEMORY);
    const rv_upstream_options options = {.node = c->root.node, .connections_max = SESSIONS};
    RV_CHECK_STATUS(rv_upstream_shared_create(&c->shared, &options, &arena, &err), RV_OK);
    RV_CHECK(fixture_settle(c->root.node));
    for (unsigned i = 0; i < SESSIONS; i++) {
        join(c, &c->players[i], forms[i % (sizeof forms / sizeof *forms)]);
    }
    (void)turn(c);
    RV_CHECK_EQ(turn(c), 0); /* they have what there is */
    for (unsigned i = 0; i < SESSIONS; i++) {
        c->players[i].events = 0; /* the schema's change */
    }
}

static void destroy(crowd *c) {
    for (unsigned i = 0; i < SESSIONS; i++) {
        rv_upstream_close(c->players[i].session);
    }
    fixture_free(&c->root);
    free(c->memory);
}

/* Lets time pass until W is everywhere where it is at the root. */
static void settle(crowd *c) {
    RV_CHECK(fixture_settle(c->root.node));
    for (unsigned i = 0; i < 20; i++) {
        c->now += RV_SYNC_REPORT_US;
        (void)turn(c);
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        RV_CHECK_EQ(c->players[i].watermark, rv_node_watermark_durable(c->root.node));
        RV_CHECK_EQ(c->players[i].events, c->players[i].expected);
    }
    RV_CHECK_EQ(turn(c), 0);
}

RV_TEST(an_append_asks_only_whom_it_concerns) {
    crowd c;
    create(&c);
    append(&c, 11, true);
    settle(&c);
    append(&c, 11, false);
    RV_CHECK(fixture_settle(c.root.node));
    uint32_t concerned = 0;
    for (unsigned i = 0; i < SESSIONS; i++) {
        concerned += c.players[i].expected > c.players[i].events;
    }
    RV_CHECK(concerned > 0 && concerned < SESSIONS);
    const uint32_t asked = turn(&c); /* and a few whose W is due */
    RV_CHECK(asked >= concerned && asked <= concerned + 16);
    settle(&c);
    destroy(&c);
}

RV_TEST(random_appends_reach_whom_they_concern) {
    crowd c;
    uint64_t seed = 7;
    bool anew[SESSIONS] = {false};
    create(&c);
    for (unsigned i = 1; i <= ACCOUNTS; i++) {
        append(&c, i, true);
    }
    for (unsigned i = 0; i < 400; i++) {
        const uint64_t dice = rv_test_random(&seed);
        append(&c, 1 + (unsigned)(dice % ACCOUNTS), false);
        if (dice >> 60 < 4) {
            RV_CHECK(fixture_settle(c.root.node));
            c.now += (int64_t)(dice >> 40 & 0xffff);
            (void)turn(&c);
        }
        if (dice >> 58 == 5) { /* by itself, as when a message came */
            ask(&c, &c.players[dice >> 20 & 31]);
        }
        if (dice >> 57 == 3) { /* connects anew, and gets everything again */
            player *const p = &c.players[dice >> 30 & 31];
            const uint64_t expected = p->expected;
            rv_upstream_close(p->session);
            join(&c, p, forms[(p - c.players) % 8]);
            p->expected = expected + !anew[p - c.players]; /* the schema's change */
            anew[p - c.players] = true;
        }
    }
    settle(&c);
    destroy(&c);
}

RV_TEST(equal_sessions_get_equal_bytes) {
    crowd c;
    create(&c);
    append(&c, 1, true);
    append(&c, 2, true);
    RV_CHECK(fixture_settle(c.root.node));
    (void)turn(&c);
    for (unsigned i = 8; i < SESSIONS; i++) {
        if (c.players[i].events > 0) {
            RV_CHECK_EQ(c.players[i].last_hash, c.players[i % 8].last_hash);
        }
    }
    RV_CHECK(c.players[3].last_hash != c.players[0].last_hash);
    settle(&c);
    destroy(&c);
}

/* A session with patterns for the accounts from 1 to `count`, in the place of player 0. */
static void join_many(crowd *c, unsigned count) {
    static char paths[RV_PATTERNS_MAX][16];
    uint8_t bytes[2048];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_error err;
    player *const p = &c->players[0];
    rv_wire_hello hello = {.version_min = 1,
                           .version_max = 1,
                           .credit = 1000000,
                           .batch_bytes = 100000,
                           .pattern_count = count};
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "/accounts/%u", i + 1);
        hello.patterns[i] = rv_bytes_of_string(paths[i]);
    }
    rv_upstream_close(p->session);
    *p = (player){.watermark = 0};
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/nothing"), &p->pattern, &err), RV_OK);
    rv_wire_write_hello(&w, &hello);
    RV_CHECK_STATUS(rv_upstream_open(c->shared, c->now, &p->session, &err), RV_OK);
    rv_upstream_set_owner(p->session, p);
    RV_CHECK_STATUS(rv_upstream_receive(p->session, rv_writer_bytes(&w), c->now, &err), RV_OK);
}

/* As many as the index has places for; one with more is asked always, and gets them as well. */
RV_TEST(many_patterns_of_one_session_are_watched) {
    const unsigned most = RV_UPSTREAM_WATCHES + RV_UPSTREAM_FURTHER;
    for (unsigned count = most - 1; count <= most + 1; count++) {
        crowd c;
        create(&c);
        join_many(&c, count);
        for (unsigned i = 0; i < 3; i++) {
            c.now += RV_SYNC_REPORT_US;
            (void)turn(&c);
        }
        RV_CHECK_EQ(c.players[0].session->watched, count <= most);
        for (unsigned i = 1; i <= count + 1; i++) {
            append(&c, i, true);
            RV_CHECK(fixture_settle(c.root.node));
            RV_CHECK(turn(&c) > 0);
            append(&c, i, false);
            RV_CHECK(fixture_settle(c.root.node));
            (void)turn(&c);
        }
        RV_CHECK_EQ(c.players[0].events, 1 + 2 * count); /* with the schema's change */
        RV_CHECK_EQ(c.players[0].session->watched, count <= most);
        destroy(&c);
    }
}

int main(void) {
    RV_RUN(an_append_asks_only_whom_it_concerns);
    RV_RUN(random_appends_reach_whom_they_concern);
    RV_RUN(equal_sessions_get_equal_bytes);
    RV_RUN(many_patterns_of_one_session_are_watched);
    return rv_test_done();
}
