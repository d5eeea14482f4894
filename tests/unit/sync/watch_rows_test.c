/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of many edges that select rows each holds, when all is said, the rows that it selects, as
 * they are at the root, and W; though an append asks only those whose rows it changes: those that
 * a row passes now or passed before. So it is while the schema changes, while rights may have
 * changed, while edges come and go and while changes come faster than they are kept. Method:
 * sessions with filters of every form, some with patterns beside, played by hand; random events;
 * what each is to hold is said by a condition in C over rows that the test keeps itself.
 */
#include "core/state/base_items.h"
#include "sync/upstream_internal.h"
#include "tests/unit/node_fixture.h"

#define SESSIONS      48u
#define OWNERS        12u
#define LOANS         30u
#define NOTE_MAX      8000u
#define SHARED_MEMORY ((size_t)12 << 20)

static const char schema_text[] =
    "CREATE AGGREGATE loan (id bigint PRIMARY KEY, owner varchar(10) NOT NULL,"
    " amount bigint NOT NULL DEFAULT 0, note text);"
    "CREATE AGGREGATE desk (id bigint PRIMARY KEY, owner varchar(10));"
    "CREATE EVENT_TYPE lent (id creates loan(id), owner NOT NULL updates loan(owner));"
    "CREATE EVENT_TYPE paid (id references loan(id), amount bigint NOT NULL increments"
    " loan(amount));"
    "CREATE EVENT_TYPE handed (id references loan(id), owner NOT NULL updates loan(owner));"
    "CREATE EVENT_TYPE noted (id references loan(id), note updates loan(note));"
    "CREATE EVENT_TYPE returned (id deletes loan(id));"
    "CREATE STREAM loans (path \"/loans/{id}\", event_types (lent, paid, handed, noted,"
    " returned));";

typedef struct loan {
    bool there;
    unsigned owner;
    int64_t amount;
} loan;

typedef struct player {
    rv_upstream *session;
    loan held[LOANS];
    uint64_t events;
    uint64_t watermark;
    bool shows; /* its rows are there, and whole */
    uint64_t bases;
} player;

typedef struct crowd {
    fixture root;
    uint8_t *memory;
    rv_upstream_shared *shared;
    int64_t now;
    loan loans[LOANS];
    player players[SESSIONS];
} crowd;

/* --- what is selected --- */

static bool is_mine(unsigned i) {
    return i < 2 * OWNERS;
}

/* The filter of session i; NULL: no aggregate. */
static const char *filter_of(unsigned i) {
    static char text[64];
    static const char *const others[] = {"",
                                         "amount > 50",
                                         "id = 3",
                                         "owner = 'o1' or owner = 'o2'",
                                         "not (owner = 'o3')",
                                         "id = 4 and amount > 10"};
    (void)snprintf(text, sizeof text,
                   i % 2 == 0 ? "owner = 'o%u'" : "amount >= 20 and 'o%u' = owner", i / 2 % OWNERS);
    return is_mine(i) ? text : others[i % 6];
}

static bool selects(unsigned i, unsigned id, const loan *l) {
    if (is_mine(i)) {
        return l->there && l->owner == i / 2 && (i % 2 == 0 || l->amount >= 20);
    }
    const bool passes[] = {true,          l->amount > 50,
                           id == 3,       l->owner == 1 || l->owner == 2,
                           l->owner != 3, id == 4 && l->amount > 10};
    return l->there && passes[i % 6];
}

/* The stream that session i selects beside; LOANS: none. */
static unsigned stream_of(unsigned i) {
    return i % 5 == 0 ? i % LOANS : LOANS;
}

/* --- messages --- */

static unsigned number_of(rv_bytes digits) {
    unsigned number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        number = number * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    return number;
}

static void take_items(const crowd *c, player *p, rv_bytes items) {
    static rv_base_reader reader;
    rv_base_reader_begin(&reader, rv_node_schema(c->root.node), items);
    while (rv_base_reader_next(&reader) == RV_OK) {
        if (reader.kind != RV_BASE_GIVEN && reader.kind != RV_BASE_GONE) {
            continue; /* a stream */
        }
        const int64_t id = reader.values[0].as.integer;
        RV_CHECK(reader.aggregate->number == 0 && id >= 0 && id < (int64_t)LOANS);
        loan *const l = &p->held[id];
        RV_CHECK(reader.kind == RV_BASE_GIVEN || l->there);
        *l = (loan){.there = reader.kind == RV_BASE_GIVEN};
        if (l->there) {
            l->owner = number_of(rv_bytes_from(reader.values[1].as.bytes, 1));
            l->amount = reader.values[2].as.integer;
        }
    }
}

static void take(crowd *c, player *p, rv_wire_kind kind, rv_bytes body) {
    rv_wire_progress progress;
    rv_wire_events head;
    rv_wire_base base;
    rv_cursor cursor = rv_cursor_over(body);
    RV_CHECK(kind != RV_WIRE_ERROR);
    if (kind == RV_WIRE_EVENTS) {
        RV_CHECK(rv_wire_read_events(&cursor, &head) && !head.continues);
        (void)rv_read_u8(&cursor);
        p->events += rv_read_varint(&cursor);
        RV_CHECK(head.watermark > p->watermark);
        p->watermark = head.watermark;
    } else if (kind == RV_WIRE_PROGRESS) {
        RV_CHECK_STATUS(rv_wire_read_progress(body, &progress, NULL), RV_OK);
        RV_CHECK(progress.watermark > p->watermark && progress.chain_hash != 0);
        p->watermark = progress.watermark;
    } else if (kind == RV_WIRE_CHANGES) {
        RV_CHECK(p->shows);
        take_items(c, p, body);
    } else if (kind == RV_WIRE_BASE) {
        RV_CHECK_STATUS(rv_wire_read_base(body, &base, NULL), RV_OK);
        if (base.first) {
            memset(p->held, 0, sizeof p->held);
            p->bases += 1;
        }
        RV_CHECK(base.position == p->watermark);
        take_items(c, p, base.items);
        p->shows = base.last;
    }
}

static void send_selection(player *p, unsigned i, int64_t now) {
    static rv_wire_selection m;
    uint8_t bytes[512];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    char path[32];
    m = (rv_wire_selection){.selection = {.count = 1}};
    m.selection.entries[0] = (rv_select){.kind = RV_SELECT_AGGREGATE,
                                         .history = RV_HISTORY_NONE,
                                         .name = RV_LITERAL("loan"),
                                         .filter = rv_bytes_of_string(filter_of(i))};
    if (stream_of(i) < LOANS) {
        (void)snprintf(path, sizeof path, "/loans/%u", stream_of(i));
        m.selection.entries[m.selection.count++] = (rv_select){
            .kind = RV_SELECT_STREAMS, .history = RV_HISTORY_ALL, .name = rv_bytes_of_string(path)};
    }
    rv_error err = {.status = RV_OK};
    rv_wire_write_selection(&w, &m);
    RV_CHECK_STATUS(rv_upstream_receive(p->session, rv_writer_bytes(&w), now, &err), RV_OK);
}

static void ask(crowd *c, player *p) {
    const rv_compression none = {0};
    const rv_writer inflated = {0};
    rv_bytes message, body;
    rv_wire_kind kind;
    while (rv_upstream_send(p->session, c->now, &message)) {
        RV_CHECK_STATUS(rv_wire_open(message, &none, &inflated, &kind, &body, NULL), RV_OK);
        take(c, p, kind, body);
        if (kind == RV_WIRE_WELCOME) {
            send_selection(p, (unsigned)(p - c->players), c->now);
        }
        RV_CHECK_PASSED();
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

static void join(crowd *c, unsigned i) {
    player *const p = &c->players[i];
    uint8_t bytes[512];
    char path[32];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_error err;
    rv_wire_hello hello = {.version_min = 1,
                           .version_max = 1,
                           .credit = 1u << 30,
                           .batch_bytes = 100000,
                           .features = RV_WIRE_FEATURE_SELECTION};
    *p = (player){.watermark = 0};
    memset(hello.node_id, (int)i + 1, sizeof hello.node_id);
    if (stream_of(i) < LOANS) {
        (void)snprintf(path, sizeof path, "/loans/%u", stream_of(i));
        hello.patterns[hello.pattern_count++] = rv_bytes_of_string(path);
    }
    rv_wire_write_hello(&w, &hello);
    RV_CHECK_STATUS(rv_upstream_open(c->shared, c->now, &p->session, &err), RV_OK);
    rv_upstream_set_owner(p->session, p);
    RV_CHECK_STATUS(rv_upstream_receive(p->session, rv_writer_bytes(&w), c->now, &err), RV_OK);
}

/* --- the crowd --- */

static void apply(crowd *c, const char *text) {
    rv_event event;
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_apply(c->root.node, rv_bytes_of_string(text), &event, &c->root.err);
        fixture_poll(c->root.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
}

/* They are there, and say so. */
static void report(crowd *c) {
    uint8_t bytes[64];
    rv_error err;
    for (unsigned i = 0; i < SESSIONS; i++) {
        const rv_wire_progress p = {.watermark = c->players[i].watermark};
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_wire_write_progress(&w, &p);
        RV_CHECK_STATUS(
            rv_upstream_receive(c->players[i].session, rv_writer_bytes(&w), c->now, &err), RV_OK);
    }
}

/* Lets time pass until W is everywhere where it is at the root, and everybody holds what it is to.
 */
static void settle(crowd *c) {
    RV_CHECK(fixture_settle(c->root.node));
    for (unsigned i = 0; i < 20; i++) {
        c->now += RV_SYNC_REPORT_US;
        (void)turn(c);
        RV_CHECK_PASSED();
    }
    report(c);
    for (unsigned i = 0; i < SESSIONS; i++) {
        const player *const p = &c->players[i];
        RV_CHECK_EQ(p->watermark, rv_node_watermark_durable(c->root.node));
        RV_CHECK(p->shows && p->session->watched);
        for (unsigned id = 0; id < LOANS; id++) {
            const loan *const l = &c->loans[id];
            RV_CHECK_EQ(p->held[id].there, selects(i, id, l));
            RV_CHECK(!p->held[id].there ||
                     (p->held[id].owner == l->owner && p->held[id].amount == l->amount));
        }
    }
    RV_CHECK_EQ(turn(c), 0);
}

static void create(crowd *c) {
    rv_error err;
    *c = (crowd){.root = fixture_create(1), .memory = malloc(SHARED_MEMORY), .now = 1000000};
    RV_CHECK_STATUS(fixture_open(&c->root, RV_ROLE_ROOT, NULL), RV_OK);
    apply(c, schema_text);
    memset(c->memory, 0xa5, SHARED_MEMORY); /* nothing may rely on what memory held */
    rv_arena arena = rv_arena_over(c->memory, SHARED_MEMORY);
    const rv_upstream_options options = {.node = c->root.node, .connections_max = 2 * SESSIONS};
    RV_CHECK_STATUS(rv_upstream_shared_create(&c->shared, &options, &arena, &err), RV_OK);
    RV_CHECK(fixture_settle(c->root.node));
    for (unsigned i = 0; i < SESSIONS; i++) {
        join(c, i);
    }
    settle(c);
}

static void destroy(crowd *c) {
    for (unsigned i = 0; i < SESSIONS; i++) {
        rv_upstream_close(c->players[i].session);
    }
    fixture_free(&c->root);
    free(c->memory);
}

static void append(crowd *c, unsigned id, const char *type, const char *data) {
    char path[32];
    (void)snprintf(path, sizeof path, "/loans/%u", id);
    RV_CHECK_STATUS(fixture_append(&c->root, path, type, data), RV_OK);
}

static void hand(crowd *c, unsigned id, unsigned owner) {
    char data[32];
    loan *const l = &c->loans[id];
    (void)snprintf(data, sizeof data, "{\"owner\":\"o%u\"}", owner);
    append(c, id, l->there ? "handed" : "lent", data);
    *l = (loan){.there = true, .owner = owner, .amount = l->there ? l->amount : 0};
}

static void pay(crowd *c, unsigned id, int64_t amount) {
    char data[32];
    (void)snprintf(data, sizeof data, "{\"amount\":%lld}", (long long)amount);
    append(c, id, "paid", data);
    c->loans[id].amount += amount;
}

static void give_back(crowd *c, unsigned id) {
    append(c, id, "returned", "{}");
    c->loans[id].there = false;
}

/* A step that changes one row or none. */
static void step(crowd *c, uint64_t dice) {
    const unsigned id = (unsigned)(dice % LOANS);
    const unsigned kind = (unsigned)(dice >> 20) % 8;
    if (!c->loans[id].there || kind < 2) {
        hand(c, id, (unsigned)(dice >> 30) % OWNERS);
    } else if (kind == 2) {
        give_back(c, id);
    } else {
        pay(c, id, (int64_t)(dice >> 40) % 40 - 10);
    }
}

/* The step asks whom it concerns, all of these are told at once, and all others stay watched. */
static void step_alone(crowd *c, uint64_t dice) {
    loan before[LOANS];
    const unsigned changed = (unsigned)(dice % LOANS);
    memcpy(before, c->loans, sizeof before);
    step(c, dice);
    RV_CHECK(fixture_settle(c->root.node));
    const uint32_t count = rv_upstream_look(c->shared, c->now);
    uint32_t concerned = 0;
    for (unsigned i = 0; i < SESSIONS; i++) {
        const bool told = stream_of(i) == changed || selects(i, changed, &before[changed]) ||
                          selects(i, changed, &c->loans[changed]);
        concerned += told;
        RV_CHECK_EQ(c->players[i].session->watched, !told);
    }
    RV_CHECK(count >= concerned && count <= concerned + 16); /* and a few whose W is due */
    (void)turn(c);
}

RV_TEST(a_change_of_a_row_asks_only_whom_it_concerns) {
    crowd c;
    uint64_t seed = 3;
    create(&c);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < 300; i++) {
        step_alone(&c, rv_test_random(&seed));
        RV_CHECK_PASSED();
        if (i % 10 == 0) {
            settle(&c);
            RV_CHECK_PASSED();
        }
    }
    settle(&c);
    destroy(&c);
}

/* The place in the log that session 0 reads from. */
static uint64_t place_of(const crowd *c) {
    return rv_subscription_sequence(&c->players[0].session->subscription);
}

/* Many events of others, and W is not told meanwhile; `*next`: the first sequence behind them. */
static void pass_others(crowd *c, uint64_t *next) {
    uint64_t told = 0;
    for (unsigned i = 0; i < 40; i++) {
        pay(c, 3, 1);
        RV_CHECK(fixture_settle(c->root.node));
        (void)turn(c); /* it may be told W once, and then not for a while */
        told = i < 2 ? c->players[0].watermark : told;
    }
    RV_CHECK(c->players[0].session->watched && c->players[0].watermark == told);
    *next = rv_node_sequence(c->root.node) + 1;
}

/* Whoever is concerned reads on from where everybody has looked, not from the W that was told last,
 * which may be far behind: neither when rows were sent (mended: then it began there), nor when all
 * are to look. */
RV_TEST(what_was_looked_at_is_not_read_again) {
    crowd c;
    create(&c);
    hand(&c, 3, 5);
    settle(&c);
    player *const p = &c.players[0];
    uint64_t looked = 0;
    pass_others(&c, &looked);
    hand(&c, 9, 0); /* its owner */
    RV_CHECK(fixture_settle(c.root.node));
    (void)rv_upstream_look(c.shared, c.now);
    const rv_compression none = {0};
    const rv_writer inflated = {0};
    rv_bytes message, body;
    rv_wire_kind kind;
    RV_CHECK(!p->session->watched && place_of(&c) >= looked);
    RV_CHECK(rv_upstream_send(p->session, c.now, &message));
    RV_CHECK_STATUS(rv_wire_open(message, &none, &inflated, &kind, &body, NULL), RV_OK);
    RV_CHECK(kind == RV_WIRE_CHANGES && place_of(&c) >= looked);
    take(&c, p, kind, body);
    ask(&c, p);
    RV_CHECK_EQ(p->watermark, rv_node_watermark_durable(c.root.node));
    settle(&c);
    pass_others(&c, &looked);
    apply(&c, "CREATE AGGREGATE chair (id bigint PRIMARY KEY);");
    RV_CHECK(fixture_settle(c.root.node));
    (void)rv_upstream_look(c.shared, c.now);
    RV_CHECK(!p->session->watched && place_of(&c) >= looked);
    settle(&c);
    destroy(&c);
}

/* Everybody is asked, and it is as before. */
RV_TEST(schemas_and_rights_change_in_between) {
    crowd c;
    uint64_t seed = 5;
    create(&c);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < 12; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "CREATE AGGREGATE more%u (id bigint PRIMARY KEY);", i);
        const uint64_t events = c.players[1].events;
        step_alone(&c, rv_test_random(&seed));
        RV_CHECK_PASSED();
        if (i % 2 == 0) {
            step(&c, rv_test_random(&seed));
            apply(&c, text);
            step(&c, rv_test_random(&seed));
            RV_CHECK(fixture_settle(c.root.node));
            RV_CHECK_EQ(turn(&c), SESSIONS);
        } else {
            rv_upstream_ask_everybody(c.shared);
            RV_CHECK_EQ(turn(&c), SESSIONS);
        }
        settle(&c);
        RV_CHECK_PASSED();
        RV_CHECK_EQ(c.players[1].events, events + (i % 2 == 0));
    }
    destroy(&c);
}

/* What changes at a time is more than what is kept: everybody begins with a base again. */
RV_TEST(changes_come_faster_than_they_are_kept) {
    static char data[NOTE_MAX + 32];
    crowd c;
    uint64_t seed = 7;
    create(&c);
    for (unsigned i = 0; i < LOANS; i++) {
        hand(&c, i, i % OWNERS);
    }
    settle(&c);
    RV_CHECK_PASSED();
    const size_t len = (size_t)snprintf(data, sizeof data, "{\"note\":\"");
    memset(data + len, 'x', NOTE_MAX);
    memcpy(data + len + NOTE_MAX, "\"}", 3);
    for (unsigned i = 0; i < 2 * LOANS; i++) {
        step(&c, rv_test_random(&seed));
        hand(&c, i % LOANS, i % OWNERS);
        append(&c, i % LOANS, "noted", data);
    }
    settle(&c);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < SESSIONS; i++) {
        RV_CHECK(c.players[i].bases > 1);
    }
    step_alone(&c, rv_test_random(&seed));
    settle(&c);
    destroy(&c);
}

RV_TEST(random_changes_reach_whom_they_concern) {
    for (uint64_t k = 1; k <= RV_TEST_SEEDS(4); k++) {
        crowd c;
        uint64_t seed = k;
        create(&c);
        c.shared->evaluated_max = k % 2 == 0 ? 3 : c.shared->evaluated_max; /* it is too much */
        RV_CHECK_PASSED();
        for (unsigned i = 0; i < 400; i++) {
            const uint64_t dice = rv_test_random(&seed);
            const unsigned other = (unsigned)(rv_test_random(&seed) % SESSIONS);
            step(&c, dice);
            if (dice >> 60 < 4) {
                RV_CHECK(fixture_settle(c.root.node));
                c.now += (int64_t)(dice >> 8 & 0xffff);
                (void)turn(&c);
            } else if (dice >> 60 == 5) { /* by itself, as when a message came */
                ask(&c, &c.players[other]);
            } else if (dice >> 59 == 13) { /* connects anew */
                rv_upstream_close(c.players[other].session);
                join(&c, other);
            }
            RV_CHECK_PASSED();
        }
        settle(&c);
        RV_CHECK_PASSED();
        destroy(&c);
    }
}

int main(void) {
    RV_RUN(a_change_of_a_row_asks_only_whom_it_concerns);
    RV_RUN(what_was_looked_at_is_not_read_again);
    RV_RUN(schemas_and_rights_change_in_between);
    RV_RUN(changes_come_faster_than_they_are_kept);
    RV_RUN(random_changes_reach_whom_they_concern);
    return rv_test_done();
}
