/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an upstream decides pushes in order and once, tells decisions only when they are durable,
 * says `again` where it cannot decide and goes on from there, tells copies of an edge apart, and
 * ends the session of an edge that breaks the rules, no other. Method: an edge that is played by
 * hand, message by message, against a root; its disk stands still where it is not polled.
 */
#include "core/engine/internal.h"
#include "platform/sim/disk.h"
#include "sync/upstream_internal.h"
#include "tests/unit/node_fixture.h"

#define SHARED_MEMORY ((size_t)8 << 20)
#define TOLD_KEPT     512
#define DISK_MEMORY   ((size_t)32 << 20)

typedef struct world {
    fixture root;
    rv_sim_disk *disk; /* NULL: the fixture's memory */
    uint8_t *memory;
    rv_upstream_shared *shared;
    rv_error err;
} world;

/* A connection, and what came of it. */
typedef struct line {
    rv_upstream *session;
    rv_wire_grant grant;
    uint32_t incarnation;
    rv_wire_decision told[TOLD_KEPT];
    unsigned told_count;
    rv_error error; /* told by the upstream */
} line;

static world world_over(fixture root, rv_sim_disk *disk) {
    world w = {.root = root, .disk = disk, .memory = malloc(SHARED_MEMORY)};
    rv_arena arena = rv_arena_over(w.memory, SHARED_MEMORY);
    const rv_upstream_options options = {.node = w.root.node, .connections_max = 4};
    if (rv_upstream_shared_create(&w.shared, &options, &arena, &w.err) != RV_OK ||
        !fixture_settle(w.root.node)) {
        abort();
    }
    return w;
}

static world world_create(void) {
    return world_over(fixture_root(1), NULL);
}

/* With a disk that answers late, when run() lets time pass. */
static world world_slow(void) {
    fixture f = fixture_create(1);
    rv_event event;
    const rv_sim_disk_options options = {.seed = 3, .now = INT64_C(1700000000000000)};
    rv_sim_disk *const disk = rv_sim_disk_create(f.host_memory, DISK_MEMORY, &options);
    const rv_sim_faults faults = {.pending_percent = 100, .latency_us_max = 2000};
    if (fixture_open_on(rv_sim_disk_interface(disk), f.node_memory, FIXTURE_NODE_MEMORY,
                        RV_ROLE_ROOT, NULL, &f.node, &f.err) != RV_OK ||
        fixture_apply_schema(f.node, &event, &f.err) != RV_OK) {
        abort();
    }
    world w = world_over(f, disk);
    rv_sim_disk_set_faults(disk, &faults);
    return w;
}

static void world_free(world *w) {
    fixture_free(&w->root);
    free(w->memory);
}

static void line_message(line *l, rv_bytes message) {
    const rv_compression none = {0};
    rv_writer inflated = rv_writer_over(NULL, 0);
    rv_wire_kind kind;
    rv_bytes body;
    rv_wire_welcome welcome;
    if (rv_wire_open(message, &none, &inflated, &kind, &body, NULL) != RV_OK) {
        abort();
    }
    bool good = true;
    if (kind == RV_WIRE_WELCOME) {
        good = rv_wire_read_welcome(body, &welcome, NULL) == RV_OK;
        l->grant = welcome.grant;
    } else if (kind == RV_WIRE_DECISION) {
        good = l->told_count < TOLD_KEPT &&
               rv_wire_read_decision(body, &l->told[l->told_count], NULL) == RV_OK;
        l->told_count += 1;
    } else if (kind == RV_WIRE_ERROR) {
        good = rv_wire_read_error(body, &l->error, NULL) == RV_OK;
    }
    if (!good) {
        abort();
    }
}

/* Takes what the upstream sends now. */
static void take(line *l) {
    rv_bytes message;
    for (int i = 0; i < 1000 && rv_upstream_send(l->session, 1000, &message); i++) {
        line_message(l, message);
    }
}

/* The same, with a disk that works. */
static void run(world *w, line *l) {
    for (int i = 0; i < 20; i++) {
        take(l);
        if (w->disk != NULL) {
            rv_sim_disk_advance(w->disk, 1000);
        }
        fixture_poll(w->root.node);
    }
}

/* Connects an edge that selects nothing of interest; its life is (7, incarnation). */
static line connect(world *w, uint32_t incarnation, uint64_t next, uint64_t settled) {
    line l = {.incarnation = incarnation};
    uint8_t bytes[512];
    rv_writer writer = rv_writer_over(bytes, sizeof bytes);
    rv_wire_hello hello = {.version_min = 1,
                           .version_max = 1,
                           .features = RV_WIRE_FEATURE_PUSH,
                           .credit = 100000,
                           .batch_bytes = 100000,
                           .pattern_count = 1,
                           .outbox = {incarnation, next, settled}};
    memset(hello.node_id, 7, sizeof hello.node_id);
    hello.patterns[0] = RV_LITERAL("/nothing");
    rv_wire_write_hello(&writer, &hello);
    if (rv_upstream_open(w->shared, 1000, &l.session, &w->err) != RV_OK ||
        rv_upstream_receive(l.session, rv_writer_bytes(&writer), 1000, &w->err) != RV_OK) {
        abort();
    }
    run(w, &l);
    return l;
}

static rv_status send(world *w, line *l, const rv_writer *writer) {
    return rv_upstream_receive(l->session, rv_writer_bytes(writer), 1000, &w->err);
}

static void encode(world *w, rv_append *e, uint64_t id, uint8_t *data) {
    static uint8_t memory[1 << 20];
    static rv_event_draft draft;
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_writer out = rv_writer_over(data, 200000);
    e->has_event_id = true;
    memset(e->event_id, 0x40, sizeof e->event_id);
    memcpy(e->event_id, &id, sizeof id);
    memcpy(draft.event_id, e->event_id, sizeof e->event_id);
    if (rv_event_draft_read(rv_node_schema(w->root.node), e->path, e->type, e->data, &scratch,
                            &draft, &w->err) != RV_OK ||
        rv_event_draft_complete(&draft, 0, &scratch, &w->err) != RV_OK) {
        abort();
    }
    rv_event_draft_encode(&draft, &out);
    e->data = rv_writer_bytes(&out);
}

/* Pushes one event; `id` tells batches apart. */
static rv_status push_event(world *w, line *l, uint64_t edge_sequence, rv_append e, uint64_t id) {
    static uint8_t bytes[RV_PUSH_LEN_MAX];
    static uint8_t data[200000];
    rv_writer writer = rv_writer_over(bytes, sizeof bytes);
    const rv_wire_push push = {.incarnation = l->incarnation,
                               .edge_sequence = edge_sequence,
                               .written_at = INT64_C(1600000000000000),
                               .schema_version = 1,
                               .count = 1};
    encode(w, &e, id, data);
    rv_wire_write_push(&writer, &push, NULL);
    rv_wire_write_pushed(&writer, &e);
    return send(w, l, &writer);
}

static rv_status push(world *w, line *l, uint64_t edge_sequence) {
    return push_event(w, l, edge_sequence,
                      edge_sequence == 1
                          ? fixture_event("/accounts/5", "account_opened", "{\"name\":\"ada\"}")
                          : fixture_event("/accounts/5", "deposited", "{\"amount\":5}"),
                      (uint64_t)l->incarnation * 100000 + edge_sequence);
}

static rv_status settled(world *w, line *l, uint64_t edge_sequence) {
    uint8_t bytes[32];
    rv_writer writer = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_settled(&writer, edge_sequence);
    return send(w, l, &writer);
}

static uint32_t unsettled(const world *w, uint32_t incarnation) {
    rv_edge_life life = {.incarnation = incarnation};
    memset(life.edge_id, 7, sizeof life.edge_id);
    return rv_node_unsettled(w->root.node, &life);
}

RV_TEST(decisions_are_told_in_order_when_they_are_durable) {
    world w = world_create();
    line l = connect(&w, 1, 1, 0);
    RV_CHECK_EQ(l.grant.decided, 0);
    RV_CHECK_EQ(l.grant.pushes, RV_UPSTREAM_PUSHES);
    for (uint64_t i = 1; i <= 4; i++) {
        if (i == 3) {
            RV_CHECK_STATUS(push_event(&w, &l, i,
                                       fixture_event("/accounts/5", "withdrawn", "{\"amount\":50}"),
                                       3),
                            RV_OK);
        } else {
            RV_CHECK_STATUS(push(&w, &l, i), RV_OK);
        }
    }
    RV_CHECK_EQ(rv_node_watermark(w.root.node), 4); /* judged at once */
    take(&l);
    RV_CHECK_EQ(l.told_count, 0);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        RV_CHECK_EQ(l.told[i].edge_sequence, i + 1);
        RV_CHECK_EQ(l.told[i].outcome, i == 2 ? RV_WIRE_DECIDED_REFUSED : RV_WIRE_DECIDED_ACCEPTED);
    }
    RV_CHECK_STATUS(l.told[2].refusal.status, RV_CHECK_VIOLATION);
    RV_CHECK_EQ(l.told[3].position, 4);
    RV_CHECK_EQ(unsettled(&w, 1), 4);
    RV_CHECK_STATUS(settled(&w, &l, 3), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(unsettled(&w, 1), 1);
    rv_upstream_close(l.session);
    /* whoever asks again gets the same */
    l = connect(&w, 1, 5, 3);
    RV_CHECK_EQ(l.grant.decided, 4);
    RV_CHECK_STATUS(push(&w, &l, 4), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 1);
    RV_CHECK(l.told[0].outcome == RV_WIRE_DECIDED_ACCEPTED && l.told[0].position == 4);
    RV_CHECK_EQ(rv_node_watermark(w.root.node), 4);
    rv_upstream_close(l.session);
    l = connect(&w, 1, 5, 4);
    RV_CHECK_EQ(unsettled(&w, 1), 0);
    world_free(&w);
}

RV_TEST(an_edge_that_breaks_the_rules_is_closed_and_no_other) {
    for (int i = 0; i < 9; i++) {
        world w = world_create();
        line l = connect(&w, 1, 1, 0);
        line other = connect(&w, 2, 1, 0);
        rv_status status = RV_OK;
        RV_CHECK_STATUS(push(&w, &l, 1), RV_OK);
        RV_CHECK_STATUS(push(&w, &l, 5), RV_OK); /* holes are allowed */
        switch (i) {
        case 0: /* again, unasked */
            status = push(&w, &l, 5);
            break;
        case 1: /* back */
            status = push(&w, &l, 2);
            break;
        case 2: /* before it was told */
            status = settled(&w, &l, 5);
            break;
        case 3: /* never decided */
            run(&w, &l);
            status = settled(&w, &l, 6);
            break;
        case 4: /* another life, while some are under way */
            l.incarnation = 3;
            status = push(&w, &l, 6);
            break;
        case 5: /* more than granted */
            for (uint64_t k = 6; k < 6 + RV_UPSTREAM_PUSHES && status == RV_OK; k++) {
                status = push(&w, &l, k);
            }
            break;
        case 6: { /* an upstream's message */
            uint8_t bytes[64];
            rv_writer writer = rv_writer_over(bytes, sizeof bytes);
            const rv_wire_decision d = {.edge_sequence = 5, .outcome = RV_WIRE_DECIDED_AGAIN};
            rv_wire_write_decision(&writer, &d);
            status = send(&w, &l, &writer);
            break;
        }
        case 7: { /* malformed */
            uint8_t bytes[4] = {RV_WIRE_PUSH, 0, 1, 1};
            rv_writer writer = rv_writer_over(bytes, sizeof bytes);
            writer.len = sizeof bytes;
            status = send(&w, &l, &writer);
            break;
        }
        default: /* not agreed */
            l.session->push.agreed = false;
            status = push(&w, &l, 6);
            break;
        }
        RV_CHECK_STATUS(status, RV_PROTOCOL_ERROR);
        run(&w, &l);
        RV_CHECK_STATUS(l.error.status, RV_PROTOCOL_ERROR);
        RV_CHECK(rv_upstream_finished(l.session));
        rv_upstream_close(l.session);
        RV_CHECK_STATUS(push(&w, &other, 1), RV_OK);
        run(&w, &other);
        RV_CHECK_EQ(other.told_count, 1);
        RV_CHECK_EQ(other.told[0].outcome, RV_WIRE_DECIDED_REFUSED); /* the account is there */
        world_free(&w);
    }
}

RV_TEST(a_root_that_cannot_decide_says_again_once) {
    world w = world_create();
    line l = connect(&w, 1, 1, 0);
    RV_CHECK_STATUS(push(&w, &l, 1), RV_OK);
    run(&w, &l);
    w.root.node->failure.status = RV_STORAGE_FAILED; /* read-only */
    for (uint64_t i = 2; i < 6; i++) {
        RV_CHECK_STATUS(push(&w, &l, i), RV_OK);
    }
    RV_CHECK_STATUS(rv_upstream_receive(l.session, rv_bytes_of("\x0c\x00", 2), 1000, NULL),
                    RV_PROTOCOL_ERROR);
    rv_upstream_close(l.session);
    l = connect(&w, 1, 7, 0);
    for (uint64_t i = 2; i < 6; i++) {
        RV_CHECK_STATUS(push(&w, &l, i), RV_OK);
    }
    take(&l);
    RV_CHECK_EQ(l.told_count, 1);
    RV_CHECK_EQ(l.told[0].outcome, RV_WIRE_DECIDED_AGAIN);
    RV_CHECK_EQ(l.told[0].edge_sequence, 2);
    RV_CHECK_STATUS(push(&w, &l, 6), RV_OK); /* it was under way */
    w.root.node->failure.status = RV_OK;
    RV_CHECK_STATUS(push(&w, &l, 2), RV_OK);
    RV_CHECK_STATUS(push(&w, &l, 3), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 3);
    RV_CHECK(l.told[1].edge_sequence == 2 && l.told[1].outcome == RV_WIRE_DECIDED_ACCEPTED);
    RV_CHECK(l.told[2].edge_sequence == 3 && l.told[2].outcome == RV_WIRE_DECIDED_ACCEPTED);
    RV_CHECK_EQ(rv_node_watermark(w.root.node), 4);
    world_free(&w);
}

/* Pushes all that may be under way, from where it has been told to; false at the end. */
static bool push_on(world *w, line *l, uint64_t last) {
    static char note[16000];
    static char json[sizeof note + 64];
    rv_append e = fixture_event("/accounts/5", "deposited", "{\"amount\":5}");
    memset(note, 'x', sizeof note - 1);
    snprintf(json, sizeof json, "{\"x\":\"%s\"}", note);
    e.metadata = rv_bytes_of_string(json);
    uint64_t next = l->session->push.last + 1;
    const uint64_t first = next;
    for (; next <= last && l->session->push.told_count + l->session->push.waiting < 60 &&
           (l->session->push.end == RV_UPSTREAM_PUSHING || next == first);
         next++) {
        if (push_event(w, l, next, e, l->incarnation * 1000 + next) != RV_OK) {
            return false;
        }
    }
    return true;
}

RV_TEST(pushes_wait_for_a_slow_disk_in_order_or_come_again) {
    world w = world_slow();
    static line lines[4];
    uint32_t waited = 0;
    RV_CHECK_STATUS(fixture_append(&w.root, "/accounts/5", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    for (uint32_t i = 0; i < 4; i++) {
        lines[i] = connect(&w, i + 1, 1, 0);
    }
    for (int round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 4; i++) { /* the disk stands still meanwhile */
            RV_CHECK(push_on(&w, &lines[i], 60));
            waited += lines[i].session->push.waiting;
        }
        for (unsigned i = 0; i < 4; i++) {
            run(&w, &lines[i]);
            RV_CHECK(lines[i].told_count < TOLD_KEPT - 64);
            const uint64_t up_to = lines[i].session->push.decided;
            RV_CHECK(up_to == 0 || settled(&w, &lines[i], up_to) == RV_OK);
        }
    }
    RV_CHECK(waited > 0);
    unsigned again = 0;
    for (unsigned k = 0; k < 4; k++) {
        const line *const l = &lines[k];
        uint64_t last = 0;
        for (unsigned i = 0; i < l->told_count; i++) {
            if (l->told[i].outcome == RV_WIRE_DECIDED_AGAIN) {
                again += 1;
                RV_CHECK_EQ(l->told[i].edge_sequence, last + 1);
                continue;
            }
            RV_CHECK_EQ(l->told[i].edge_sequence, last + 1);
            RV_CHECK_EQ(l->told[i].outcome, RV_WIRE_DECIDED_ACCEPTED);
            last += 1;
        }
        RV_CHECK_EQ(last, 60);
    }
    RV_CHECK(again > 0);
    RV_CHECK_EQ(rv_node_watermark(w.root.node), 2 + 4 * 60);
    world_free(&w);
}

RV_TEST(a_copy_takes_another_incarnation_and_goes_on) {
    world w = world_create();
    line l = connect(&w, 1, 1, 0);
    RV_CHECK_STATUS(push(&w, &l, 1), RV_OK);
    RV_CHECK_STATUS(push(&w, &l, 2), RV_OK);
    run(&w, &l);
    rv_upstream_close(l.session);
    /* one that is behind is told by the welcome; what it pushes all the same is passed over */
    l = connect(&w, 1, 2, 1);
    RV_CHECK_EQ(l.grant.decided, 2);
    RV_CHECK_STATUS(push(&w, &l, 2), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 0);
    l.incarnation = 8;
    RV_CHECK_STATUS(push(&w, &l, 3), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 1);
    RV_CHECK(l.told[0].outcome == RV_WIRE_DECIDED_ACCEPTED && l.told[0].position == 4);
    rv_upstream_close(l.session);
    /* one that has gone on by itself by the decision */
    l = connect(&w, 1, 3, 1);
    RV_CHECK_STATUS(
        push_event(&w, &l, 2, fixture_event("/accounts/5", "deposited", "{\"amount\":6}"), 777),
        RV_OK);
    RV_CHECK_STATUS(push(&w, &l, 3), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 1);
    RV_CHECK(l.told[0].outcome == RV_WIRE_DECIDED_FORKED && l.told[0].edge_sequence == 2);
    RV_CHECK_EQ(rv_node_watermark(w.root.node), 4);
    l.incarnation = 9;
    RV_CHECK_STATUS(
        push_event(&w, &l, 2, fixture_event("/accounts/5", "deposited", "{\"amount\":6}"), 777),
        RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 2);
    RV_CHECK(l.told[1].outcome == RV_WIRE_DECIDED_ACCEPTED && l.told[1].position == 5);
    RV_CHECK_EQ(unsettled(&w, 9), 1);
    RV_CHECK_STATUS(settled(&w, &l, 2), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(unsettled(&w, 9), 0);
    /* by itself, when nothing is under way: batches came back that these were pushed past */
    l.incarnation = 10;
    RV_CHECK_STATUS(push(&w, &l, 2), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 3);
    RV_CHECK(l.told[2].outcome == RV_WIRE_DECIDED_ACCEPTED && l.told[2].position == 6);
    world_free(&w);
}

RV_TEST(an_edge_that_connects_again_ends_its_connection_before) {
    world w = world_create();
    line l = connect(&w, 1, 1, 0);
    RV_CHECK_STATUS(push(&w, &l, 1), RV_OK);
    line again = connect(&w, 1, 2, 0);
    RV_CHECK_STATUS(push(&w, &again, 1), RV_OK);
    run(&w, &again);
    RV_CHECK_EQ(again.told_count, 1);
    RV_CHECK_STATUS(push(&w, &l, 2), RV_BUSY);
    run(&w, &l);
    RV_CHECK_STATUS(l.error.status, RV_BUSY);
    RV_CHECK(rv_upstream_finished(l.session));
    RV_CHECK_STATUS(push(&w, &again, 2), RV_OK);
    run(&w, &again);
    RV_CHECK_EQ(again.told_count, 2);
    RV_CHECK_EQ(rv_node_watermark(w.root.node), 3);
    world_free(&w);
}

/* Goal: the pushes of a copy that wait when the other one connects are not forgotten in silence. */
RV_TEST(a_session_with_pushes_that_wait_ends_when_its_edge_connects_again) {
    world w = world_slow();
    static line lines[3];
    unsigned waits = 0;
    RV_CHECK_STATUS(fixture_append(&w.root, "/accounts/5", "account_opened", "{\"name\":\"ada\"}"),
                    RV_OK);
    for (uint32_t i = 0; i < 3; i++) {
        lines[i] = connect(&w, i + 1, 1, 0);
    }
    for (unsigned i = 0; i < 3 && lines[waits].session->push.waiting == 0; i++) {
        waits = i;
        RV_CHECK(push_on(&w, &lines[i], 1000));
    }
    line *const l = &lines[waits];
    RV_CHECK(l->session->push.waiting > 0);
    line again = connect(&w, waits + 1, 1, 0);
    take(l);
    RV_CHECK_STATUS(l->error.status, RV_BUSY);
    RV_CHECK(rv_upstream_finished(l->session));
    RV_CHECK_EQ(l->session->push.waiting, 0);
    rv_upstream_close(l->session);
    rv_upstream_close(again.session);
    world_free(&w);
}

RV_TEST(an_edge_that_had_written_nothing_begins_with_its_first_push) {
    world w = world_create();
    line l = connect(&w, 0, 1, 0);
    RV_CHECK_EQ(l.grant.pushes, RV_UPSTREAM_PUSHES);
    RV_CHECK_STATUS(settled(&w, &l, 1), RV_PROTOCOL_ERROR);
    rv_upstream_close(l.session);
    l = connect(&w, 0, 1, 0);
    l.incarnation = 5;
    RV_CHECK_STATUS(push(&w, &l, 1), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(l.told_count, 1);
    RV_CHECK_EQ(unsettled(&w, 5), 1);
    RV_CHECK_STATUS(settled(&w, &l, 1), RV_OK);
    run(&w, &l);
    RV_CHECK_EQ(unsettled(&w, 5), 0);
    world_free(&w);
}

int main(void) {
    RV_RUN(decisions_are_told_in_order_when_they_are_durable);
    RV_RUN(an_edge_that_breaks_the_rules_is_closed_and_no_other);
    RV_RUN(a_root_that_cannot_decide_says_again_once);
    RV_RUN(pushes_wait_for_a_slow_disk_in_order_or_come_again);
    RV_RUN(a_copy_takes_another_incarnation_and_goes_on);
    RV_RUN(an_edge_that_connects_again_ends_its_connection_before);
    RV_RUN(a_session_with_pushes_that_wait_ends_when_its_edge_connects_again);
    RV_RUN(an_edge_that_had_written_nothing_begins_with_its_first_push);
    return rv_test_done();
}
