/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: messages are the bytes that docs/format/wire.md says, and no bytes that a peer sends do
 * harm. Method: every message is compared with its vector in tests/vectors/wire.txt (name, then
 * hex), cut at every length, and changed at random; what still decodes must encode to the same
 * bytes.
 */
#include "tests/unit/sync/wire_reading.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static rv_wire_hello hello_example(void) {
    rv_wire_hello h = {.version_min = 1,
                       .version_max = 1,
                       .has_log = true,
                       .epoch = 2,
                       .watermark = 300,
                       .chain_hash = UINT64_C(0x1122334455667788),
                       .schema_version = 3,
                       .schema_hash = {UINT64_C(0x0102030405060708), UINT64_C(0x1112131415161718)},
                       .compression = RV_WIRE_COMPRESSION_DEFLATE,
                       .credit = 393216,
                       .batch_bytes = 393216,
                       .pattern_count = 2};
    memset(h.log_id, 0xaa, sizeof h.log_id);
    memset(h.node_id, 0xbb, sizeof h.node_id);
    h.patterns[0] = RV_LITERAL("/accounts/*");
    h.patterns[1] = RV_LITERAL("/orders/**");
    return h;
}

static rv_error error_example(void) {
    rv_error e;
    const rv_status set = rv_error_set(&e, RV_VERSION_CONFLICT, "at version 5, not 3");
    (void)set;
    rv_error_fact_uint(&e, "expected", 3);
    rv_error_fact_uint(&e, "actual", 5);
    return e;
}

static void build_welcome(rv_writer *w, bool grants, bool diverged, bool selects) {
    rv_wire_welcome m = {.version = 1,
                         .epoch = 2,
                         .root_tag = UINT64_C(0x123456789),
                         .position = 1000,
                         .schema_version = 4,
                         .schema_hash = {7, 8},
                         .compression = RV_WIRE_COMPRESSION_DEFLATE};
    m.selects = selects;
    m.fills = selects;
    memset(m.log_id, 0xaa, sizeof m.log_id);
    if (grants) {
        m.features = RV_WIRE_FEATURE_PUSH;
        m.grant = (rv_wire_grant){.decided = 41, .pushes = 32, .bytes = 300000};
    }
    m.diverged = diverged;
    m.common = (rv_wire_point){298, 9};
    rv_wire_write_welcome(w, &m);
}

static void build_push(rv_writer *w) {
    static const uint64_t counted[] = {3, 4, 300};
    static const uint8_t data[] = {0x00, 0x02, 0x0a};
    const rv_wire_push push = {.incarnation = 9,
                               .edge_sequence = 301,
                               .written_at = INT64_C(1700000000000000),
                               .schema_version = 2,
                               .principal = RV_LITERAL("ada"),
                               .counted_count = 3,
                               .count = 2};
    rv_append events[2] = {{.path = RV_LITERAL("/accounts/1"),
                            .type = RV_LITERAL("deposited"),
                            .metadata = RV_LITERAL("{\"actor\":\"ada\"}"),
                            .expected = RV_EXPECTED_NUMBER,
                            .expected_version = 7,
                            .has_event_id = true},
                           {.path = RV_LITERAL("/accounts/2"),
                            .type = RV_LITERAL("deposited"),
                            .expected = RV_EXPECTED_EXISTS,
                            .has_event_id = true}};
    memset(events[0].event_id, 0x77, 16);
    memset(events[1].event_id, 0x78, 16);
    events[0].data = rv_bytes_of(data, sizeof data);
    events[1].data = rv_bytes_of(data, sizeof data);
    rv_wire_write_push(w, &push, counted);
    rv_wire_write_pushed(w, &events[0]);
    rv_wire_write_pushed(w, &events[1]);
}

static void build_decision(rv_writer *w, rv_wire_decided outcome) {
    const rv_wire_decision d = {
        .edge_sequence = 301, .outcome = outcome, .position = 4000, .refusal = error_example()};
    rv_wire_write_decision(w, &d);
}

static bool build_lease(const char *name, rv_writer *w) {
    const rv_wire_lease lease = {.incarnation = 2,
                                 .aggregate = RV_LITERAL("account"),
                                 .known = 1257,
                                 .done = 1001,
                                 .count = 512};
    const rv_wire_leased leased = {.granted = strcmp(name, "leased") == 0,
                                   .first = 5000,
                                   .count = 300,
                                   .refusal = error_example()};
    if (strcmp(name, "lease") == 0) {
        rv_wire_write_lease(w, &lease);
    } else {
        rv_wire_write_leased(w, &leased);
    }
    return strcmp(name, "lease") == 0 || leased.granted || strcmp(name, "leased-refused") == 0;
}

/* What a gateway says of an edge; `relay` is a push behind another one. */
static void build_relay(rv_writer *w, rv_wire_kind kind) {
    static uint8_t bytes[1024];
    rv_writer nested = rv_writer_over(bytes, sizeof bytes);
    rv_wire_relay relay = {.kind = kind, .incarnation = 9, .edge_sequence = 301, .previous = 300};
    memset(relay.edge_id, 0xcc, sizeof relay.edge_id);
    memset(relay.previous_id, 0x76, sizeof relay.previous_id);
    if (kind == RV_WIRE_LEASE) {
        (void)build_lease("lease", &nested);
    } else {
        build_push(&nested);
    }
    (void)rv_error_set(&relay.refusal, RV_FORBIDDEN, "not here");
    rv_error_fact_text(&relay.refusal, "right", RV_LITERAL("write"));
    relay.body = rv_bytes_from(rv_writer_bytes(&nested), RV_WIRE_HEADER_LEN);
    rv_wire_write_relay(w, &relay);
}

static void build_relay_answer(rv_writer *w, rv_wire_kind kind, rv_wire_decided outcome) {
    rv_wire_relay_answer answer = {.kind = kind,
                                   .incarnation = 9,
                                   .decision = {.edge_sequence = 301,
                                                .outcome = outcome,
                                                .position = 4000,
                                                .refusal = error_example()},
                                   .leased = {.granted = true, .first = 5000, .count = 300}};
    memset(answer.edge_id, 0xcc, sizeof answer.edge_id);
    rv_wire_write_relay_answer(w, &answer);
}

/* Messages of gateways. False: it is none. */
static bool build_gate(const char *name, rv_writer *w) {
    rv_wire_hello h = hello_example();
    rv_error error = error_example();
    const rv_wire_point point = {300, UINT64_C(0x1122334455667788)};
    rv_wire_welcome m = {.version = 1, .epoch = 1, .has_gate = true, .gate = {true, 64, 524288}};
    if (strcmp(name, "hello-gate") == 0) {
        h.gate = RV_WIRE_GATE_RELAYED | RV_WIRE_GATE_RELAYS;
        rv_wire_write_hello(w, &h);
    } else if (strcmp(name, "welcome-gate") == 0) {
        rv_wire_write_welcome(w, &m);
    } else if (strcmp(name, "relay-push") == 0) {
        build_relay(w, RV_WIRE_PUSH);
    } else if (strcmp(name, "relay-settled") == 0) {
        build_relay(w, RV_WIRE_SETTLED);
    } else if (strcmp(name, "relay-lease") == 0) {
        build_relay(w, RV_WIRE_LEASE);
    } else if (strcmp(name, "relay-answer") == 0) {
        build_relay_answer(w, RV_WIRE_DECISION, RV_WIRE_DECIDED_ACCEPTED);
    } else if (strcmp(name, "relay-answer-refused") == 0) {
        build_relay_answer(w, RV_WIRE_DECISION, RV_WIRE_DECIDED_REFUSED);
    } else if (strcmp(name, "relay-answer-leased") == 0) {
        build_relay_answer(w, RV_WIRE_LEASED, RV_WIRE_DECIDED_ACCEPTED);
    } else if (strcmp(name, "relayed") == 0) {
        rv_wire_write_relayed(w, 301);
    } else if (strcmp(name, "relay-refused") == 0) {
        build_relay(w, RV_WIRE_REFUSED);
    } else if (strcmp(name, "welcome-refusals") == 0) {
        m.refusals = true;
        rv_wire_write_welcome(w, &m);
    } else if (strcmp(name, "held") == 0) {
        rv_wire_write_held(w, &error);
    } else if (strcmp(name, "held-no-more") == 0) {
        error.status = RV_OK;
        rv_wire_write_held(w, &error);
    } else if (strcmp(name, "vouch") == 0) {
        rv_wire_write_vouch(w, &point);
    } else if (strcmp(name, "vouched") == 0) {
        rv_wire_write_vouched(w, &point, RV_WIRE_VOUCH_NO);
    } else {
        return false;
    }
    return true;
}

static void build_selection(rv_writer *w, bool under_way) {
    static uint8_t memory[8192];
    static const char *const texts[] = {"/accounts/3", "/accounts/* history none",
                                        "/a/** history since 2026-01-01", "/b history since 300",
                                        "aggregate account where plan = 'team'"};
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_wire_selection m = {.under_way = under_way, .position = 300, .cursor = 1000};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        RV_CHECK_STATUS(rv_selection_add(&m.selection, rv_bytes_of_string(texts[i]), &arena, NULL),
                        RV_OK);
    }
    rv_wire_write_selection(w, &m);
}

static bool build_select(const char *name, rv_writer *w) {
    static const uint8_t selection[] = {1, 1, 2, '/', 'a', 1}; /* `/a history none` */
    const rv_wire_selected m = {
        .number = 300, .refused = strcmp(name, "selected-refused") == 0, .error = error_example()};
    if (strcmp(name, "welcome-select") == 0) {
        build_welcome(w, true, false, true);
        return true;
    }
    if (strcmp(name, "select") == 0) {
        rv_wire_begin_select(w, 300);
        rv_write(w, rv_bytes_of(selection, sizeof selection));
        return true;
    }
    if (!m.refused && strcmp(name, "selected") != 0) {
        return false;
    }
    rv_wire_write_selected(w, &m);
    return true;
}

static bool build_past(const char *name, rv_writer *w) {
    static const uint8_t all[] = {1, 1, 2, '/', 'a', 0}; /* `/a` */
    static const uint8_t have[] = {0};
    const rv_wire_past past = {.after = 300,
                               .until = 4000,
                               .all = rv_bytes_of(all, sizeof all),
                               .have = rv_bytes_of(have, sizeof have)};
    const bool refused = strcmp(name, "past-refused") == 0;
    const rv_wire_filled m = {
        .over = !refused, .refused = refused, .to = 4000, .error = error_example()};
    if (strcmp(name, "past") == 0) {
        rv_wire_write_past(w, &past);
        return true;
    }
    if (!refused && strcmp(name, "past-over") != 0) {
        return build_select(name, w);
    }
    rv_wire_write_filled(w, &m, false);
    return true;
}

/* Two streams, and a row of the first: aggregate 1, eight columns, of which two are NULL. */
static void build_base(rv_writer *w) {
    static const uint8_t items[] = {1, 0, 4, '/', 'a', '/', '1',  2, 1, 3, 1, '2', 3,
                                    2, 3, 1, '1', 3,   1,   0xc0, 2, 4, 6, 8, 10,  12};
    const rv_wire_base m = {.first = true,
                            .position = 300,
                            .cursor = UINT64_MAX,
                            .last = true,
                            .items = rv_bytes_of(items, sizeof items)};
    rv_wire_write_base(w, &m);
}

static bool build_hello(const char *name, rv_writer *w) {
    rv_wire_hello h = hello_example();
    if (strcmp(name, "hello-push") == 0 || strcmp(name, "hello-lineage") == 0) {
        h.features = RV_WIRE_FEATURE_PUSH;
        h.outbox = (rv_wire_outbox){.incarnation = 2, .next = 302, .settled = 41};
    }
    if (strcmp(name, "hello-lineage") == 0) {
        h.has_lineage = true;
        h.lineage_count = 2;
        h.lineage[0] = (rv_wire_point){h.watermark, h.chain_hash};
        h.lineage[1] = (rv_wire_point){298, 9};
    } else if (strcmp(name, "hello-selection") == 0) {
        h.features = RV_WIRE_FEATURE_SELECTION;
        h.pattern_count = 0;
    }
    rv_wire_write_hello(w, &h);
    return true;
}

/* What goes over a connection about tokens. False: it is none. */
static bool build_token(const char *name, rv_writer *w) {
    rv_wire_hello h = hello_example();
    rv_wire_welcome m = {.version = 1,
                         .epoch = 1,
                         .has_admitted = true,
                         .admitted = {true, 90000, RV_LITERAL("till-7")}};
    if (strcmp(name, "hello-token") == 0) {
        h.token = RV_LITERAL("rvt_secret");
        rv_wire_write_hello(w, &h);
    } else if (strcmp(name, "welcome-admitted") == 0) {
        rv_wire_write_welcome(w, &m);
    } else if (strcmp(name, "token") == 0) {
        rv_wire_write_token(w, RV_LITERAL("rvt_secret"));
    } else if (strcmp(name, "admitted") == 0) {
        m.admitted = (rv_wire_admitted){false, 0, RV_LITERAL("ada")};
        rv_wire_write_admitted(w, &m.admitted);
    } else {
        return false;
    }
    return true;
}

/* The message of each vector. False: there is no such name. */
static bool build(const char *name, rv_writer *w) {
    const rv_error error = error_example();
    const rv_wire_progress progress = {300, UINT64_C(0x1122334455667788), 1000};
    if (build_gate(name, w) || build_token(name, w)) {
        return true;
    }
    if (strncmp(name, "hello", 5) == 0) {
        return build_hello(name, w);
    }
    if (strcmp(name, "selection") == 0) {
        build_selection(w, false);
    } else if (strcmp(name, "selection-resumes") == 0) {
        build_selection(w, true);
    } else if (strcmp(name, "selection-whole") == 0) {
        build_selection(w, false);
        w->ptr[2] = 2;
    } else if (strcmp(name, "changes") == 0) {
        static const uint8_t items[] = {5, 2, 0, 6, 2, 7, 2, 6}; /* a row given, and it is gone */
        rv_wire_write_changes(w, rv_bytes_of(items, sizeof items));
    } else if (strcmp(name, "base") == 0) {
        build_base(w);
    } else if (strcmp(name, "welcome") == 0) {
        build_welcome(w, false, false, false);
    } else if (strcmp(name, "welcome-push") == 0) {
        build_welcome(w, true, false, false);
    } else if (strcmp(name, "welcome-diverged") == 0) {
        build_welcome(w, false, true, false);
    } else if (strcmp(name, "progress") == 0) {
        rv_wire_write_progress(w, &progress);
    } else if (strcmp(name, "credit") == 0) {
        rv_wire_write_credit(w, 49152);
    } else if (strcmp(name, "ping") == 0) {
        rv_wire_write_ping(w, RV_WIRE_PING, 1);
    } else if (strcmp(name, "pong") == 0) {
        rv_wire_write_ping(w, RV_WIRE_PONG, 300);
    } else if (strcmp(name, "error") == 0) {
        rv_wire_write_error(w, &error);
    } else if (strcmp(name, "goodbye") == 0) {
        rv_wire_write_goodbye(w);
    } else if (strcmp(name, "push") == 0) {
        build_push(w);
    } else if (strcmp(name, "decision") == 0) {
        build_decision(w, RV_WIRE_DECIDED_ACCEPTED);
    } else if (strcmp(name, "decision-refused") == 0) {
        build_decision(w, RV_WIRE_DECIDED_REFUSED);
    } else if (strcmp(name, "decision-forked") == 0) {
        build_decision(w, RV_WIRE_DECIDED_FORKED);
    } else if (strcmp(name, "decision-again") == 0) {
        build_decision(w, RV_WIRE_DECIDED_AGAIN);
    } else if (strcmp(name, "settled") == 0) {
        rv_wire_write_settled(w, 300);
    } else if (strncmp(name, "lease", 5) == 0) {
        return build_lease(name, w);
    } else {
        return build_past(name, w);
    }
    return true;
}

/* How a message that was cut to this length, or is longer than it was, is refused: what is wrong
 * with the entries of a selection is told as such, and items of a base are for the state to read.
 */
static bool refused(uint8_t kind, size_t len, rv_status status) {
    const size_t head = kind == RV_WIRE_BASE ? 13 : 0;
    if (kind == RV_WIRE_PAST) { /* what one side's is cut to may be the other's */
        return status == RV_OK || status == RV_PROTOCOL_ERROR;
    }
    if (kind == RV_WIRE_SELECT && len >= RV_WIRE_HEADER_LEN + 2) {
        return status == RV_OK; /* a selection is answered, whatever it is */
    }
    if ((kind == RV_WIRE_BASE || kind == RV_WIRE_CHANGES) && len >= RV_WIRE_HEADER_LEN + head) {
        return status == RV_OK;
    }
    return status == RV_PROTOCOL_ERROR ||
           (kind == RV_WIRE_SELECTION && status == RV_SELECTION_INVALID);
}

RV_TEST(every_message_is_its_vector) {
    FILE *const file = open_vectors("wire.txt");
    RV_CHECK(file != NULL);
    static char line[8192];
    int count = 0;
    bool seen[256] = {0};
    while (fgets(line, sizeof line, file) != NULL) {
        char *const space = strchr(line, ' ');
        if (line[0] == '#' || space == NULL) {
            continue;
        }
        *space = 0;
        char *const hex = space + 1;
        hex[strcspn(hex, "\r\n")] = 0;
        static uint8_t first[2048];
        const rv_bytes met = from_hex(hex, first, sizeof first);
        RV_CHECK(met.len > 0);
        seen[met.ptr[0]] = true;
        static uint8_t made[2048];
        static uint8_t text[4096];
        rv_writer w = rv_writer_over(made, sizeof made);
        rv_writer t = rv_writer_over(text, sizeof text);
        if (!build(line, &w)) {
            continue; /* columns_test.c has the events messages */
        }
        rv_write_hex(&t, rv_writer_bytes(&w));
        RV_CHECK_TEXT(rv_writer_bytes(&t), hex);
        rv_error err;
        RV_CHECK_STATUS(read_any(rv_writer_bytes(&w), &err), RV_OK);
        count += 1;
        /* cut at every length */
        for (size_t len = 0; len < w.len; len++) {
            uint8_t *const cut = malloc(len + 1);
            memcpy(cut, made, len);
            const rv_status status = read_any(rv_bytes_of(cut, len), &err);
            free(cut);
            RV_CHECK(refused(made[0], len, status));
        }
        made[w.len] = 0; /* and with a byte too many */
        const rv_status longer = read_any(rv_bytes_of(made, w.len + 1), &err);
        RV_CHECK(refused(made[0], w.len + 1, longer));
        /* changed at random */
        uint64_t random = (uint64_t)count;
        for (int i = 0; i < 3000; i++) {
            uint8_t *const copy = malloc(w.len);
            memcpy(copy, made, w.len);
            for (int k = 0; k < 1 + i % 3; k++) {
                copy[rv_test_random(&random) % w.len] = (uint8_t)rv_test_random(&random);
            }
            const rv_status status = read_any(rv_bytes_of(copy, w.len), &err);
            free(copy);
            RV_CHECK(status == RV_OK || err.status == status);
        }
    }
    fclose(file);
    RV_CHECK_EQ(count, 53);
    RV_CHECK_EQ(kind_without_vector(seen), RV_WIRE_IGNORED_FIRST);
}

RV_TEST(there_is_no_epoch_0) {
    uint8_t bytes[256];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    const rv_wire_welcome m = {.version = 1, .epoch = 0};
    rv_wire_write_welcome(&w, &m);
    RV_CHECK_STATUS(read_any(rv_writer_bytes(&w), NULL), RV_PROTOCOL_ERROR);
}

RV_TEST(what_was_written_is_read) {
    static uint8_t made[2048];
    rv_writer w = rv_writer_over(made, sizeof made);
    const rv_wire_hello h = hello_example();
    static rv_wire_hello met;
    rv_wire_write_hello(&w, &h);
    const rv_bytes body = rv_bytes_from(rv_writer_bytes(&w), RV_WIRE_HEADER_LEN);
    RV_CHECK_STATUS(rv_wire_read_hello(body, &met, NULL), RV_OK);
    RV_CHECK_EQ(met.watermark, 300);
    RV_CHECK_EQ(met.pattern_count, 2);
    RV_CHECK_TEXT(met.patterns[1], "/orders/**");
    RV_CHECK(memcmp(met.log_id, h.log_id, 16) == 0 && memcmp(met.node_id, h.node_id, 16) == 0);
    RV_CHECK_EQ(met.schema_hash.high, h.schema_hash.high);
    const rv_error error = error_example();
    rv_error told;
    w = rv_writer_over(made, sizeof made);
    rv_wire_write_error(&w, &error);
    RV_CHECK_STATUS(rv_wire_read_error(rv_bytes_from(rv_writer_bytes(&w), 2), &told, NULL), RV_OK);
    RV_CHECK_STATUS(told.status, RV_VERSION_CONFLICT);
    RV_CHECK_TEXT(rv_error_detail(&told), error.detail);
    RV_CHECK_TEXT(rv_bytes_of(told.facts, told.facts_len), "\"expected\":3,\"actual\":5");
}

RV_TEST(a_push_that_was_written_is_read) {
    static uint8_t made[2048];
    rv_writer w = rv_writer_over(made, sizeof made);
    rv_wire_push push;
    rv_append event;
    build_push(&w);
    const rv_bytes body = rv_bytes_from(rv_writer_bytes(&w), RV_WIRE_HEADER_LEN);
    RV_CHECK_STATUS(rv_wire_read_push(body, &push, NULL), RV_OK);
    RV_CHECK_EQ(push.incarnation, 9);
    RV_CHECK_EQ(push.edge_sequence, 301);
    RV_CHECK_EQ(push.written_at, INT64_C(1700000000000000));
    RV_CHECK_EQ(push.schema_version, 2);
    RV_CHECK_TEXT(push.principal, "ada");
    static const uint64_t counted[] = {3, 4, 300};
    uint64_t met = 0;
    RV_CHECK_EQ(push.counted_count, 3);
    for (size_t i = 0; i < 3; i++) {
        met = rv_wire_read_counted(&push.counted, met);
        RV_CHECK_EQ(met, counted[i]);
    }
    RV_CHECK_EQ(push.count, 2);
    RV_CHECK(rv_wire_read_pushed(&push.events, &event));
    RV_CHECK_EQ(event.expected, RV_EXPECTED_NUMBER);
    RV_CHECK_EQ(event.expected_version, 7);
    RV_CHECK_TEXT(event.path, "/accounts/1");
    RV_CHECK_TEXT(event.metadata, "{\"actor\":\"ada\"}");
    RV_CHECK(event.has_event_id && event.event_id[15] == 0x77);
    RV_CHECK(rv_wire_read_pushed(&push.events, &event));
    RV_CHECK_EQ(event.expected, RV_EXPECTED_EXISTS);
    RV_CHECK_EQ(event.data.len, 3);
}

/* A push of one event as it should not be. */
static rv_status read_push_of(rv_wire_push push, const uint64_t *counted, rv_bytes path) {
    static uint8_t made[RV_PUSH_LEN_MAX + 4096];
    rv_writer w = rv_writer_over(made, sizeof made);
    const rv_append event = {.path = path, .type = RV_LITERAL("noted"), .has_event_id = true};
    rv_wire_push met;
    rv_wire_write_push(&w, &push, counted);
    rv_wire_write_pushed(&w, &event);
    return rv_wire_read_push(rv_bytes_from(rv_writer_bytes(&w), RV_WIRE_HEADER_LEN), &met, NULL);
}

RV_TEST(pushes_have_bounds) {
    static char who[RV_PRINCIPAL_LEN_MAX + 2];
    memset(who, 'x', sizeof who - 1);
    const rv_bytes path = RV_LITERAL("/a");
    const rv_wire_push good = {
        .incarnation = 1, .edge_sequence = 5, .schema_version = 1, .count = 1};
    rv_wire_push push = good;
    RV_CHECK_STATUS(read_push_of(push, NULL, path), RV_OK);
    RV_CHECK_STATUS(read_push_of(push, NULL, RV_LITERAL("accounts")), RV_PROTOCOL_ERROR);
    push.principal = rv_bytes_of(who, RV_PRINCIPAL_LEN_MAX);
    RV_CHECK_STATUS(read_push_of(push, NULL, path), RV_OK);
    push.principal.len += 1;
    RV_CHECK_STATUS(read_push_of(push, NULL, path), RV_PROTOCOL_ERROR);
    push = good;
    push.edge_sequence = RV_POSITION_MAX + 1;
    RV_CHECK_STATUS(read_push_of(push, NULL, path), RV_PROTOCOL_ERROR);
    push = good;
    push.written_at = INT64_MIN;
    RV_CHECK_STATUS(read_push_of(push, NULL, path), RV_PROTOCOL_ERROR);
    push = good;
    push.count = 2;
    RV_CHECK_STATUS(read_push_of(push, NULL, path), RV_PROTOCOL_ERROR);
    /* counted ones are below the push itself, and rise */
    static const uint8_t lists[][3] = {{1, 1, 2}, {1, 5, 1}, {1, 1, 0}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        static uint8_t made[64];
        rv_writer w = rv_writer_over(made, sizeof made);
        rv_write_varint(&w, 1);
        rv_write_varint(&w, 5);
        rv_write_svarint(&w, 0);
        rv_write_varint(&w, 1);
        rv_write_varint(&w, 0);
        rv_write_varint(&w, 2);
        rv_write_varint(&w, lists[i][1]);
        rv_write_varint(&w, lists[i][2]);
        rv_write_varint(&w, 1);
        const rv_append event = {.path = path, .type = path, .has_event_id = true};
        rv_wire_write_pushed(&w, &event);
        rv_wire_push met;
        RV_CHECK_STATUS(rv_wire_read_push(rv_writer_bytes(&w), &met, NULL),
                        i == 0 ? RV_OK : RV_PROTOCOL_ERROR);
    }
    static uint8_t large[RV_PUSH_LEN_MAX];
    rv_wire_push met;
    RV_CHECK_STATUS(rv_wire_read_push(rv_bytes_of(large, sizeof large), &met, NULL),
                    RV_PROTOCOL_ERROR);
}

/* Goal: what a later version adds to hello is passed over, and what goes with a feature must be
 * there once. */
RV_TEST(extensions_are_passed_over_or_needed) {
    static uint8_t made[2048];
    static rv_wire_hello met;
    for (int i = 0; i < 4; i++) { /* none, one, two of tag 1, and one of another tag */
        rv_writer w = rv_writer_over(made, sizeof made);
        const rv_wire_hello h = hello_example();
        rv_wire_write_hello(&w, &h);
        w.len -= 1;
        made[2 + 4 + 2] = RV_WIRE_FEATURE_PUSH; /* behind magic and two versions */
        rv_write_varint(&w, (uint64_t)i);
        for (int k = 0; k < i; k++) {
            rv_write_varint(&w, i == 3 ? 5u + (unsigned)k : 1u);
            rv_write_blob(&w, RV_LITERAL("\1\7\2"));
        }
        const rv_bytes body = rv_bytes_from(rv_writer_bytes(&w), RV_WIRE_HEADER_LEN);
        RV_CHECK_STATUS(rv_wire_read_hello(body, &met, NULL), i == 1 ? RV_OK : RV_PROTOCOL_ERROR);
        RV_CHECK(i != 1 || (met.outbox.incarnation == 1 && met.outbox.next == 7));
        made[2 + 4 + 2] = 0; /* without the feature all of them are unknown */
        RV_CHECK_STATUS(rv_wire_read_hello(body, &met, NULL), RV_OK);
        RV_CHECK_EQ(met.outbox.next, 0);
    }
}

RV_TEST(facts_that_are_no_members_are_refused) {
    static const char *const bad[] = {"}", "\"a\":1}", "\"a\":1,",
                                      "{", "\"a\"",    "\"a\":1}{\"b\":2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rv_error error = error_example();
        rv_error told;
        uint8_t made[1024];
        error.facts_len = strlen(bad[i]);
        memcpy(error.facts, bad[i], error.facts_len);
        rv_writer w = rv_writer_over(made, sizeof made);
        rv_wire_write_error(&w, &error);
        RV_CHECK_STATUS(rv_wire_read_error(rv_bytes_from(rv_writer_bytes(&w), 2), &told, NULL),
                        RV_PROTOCOL_ERROR);
    }
}

RV_TEST(kinds_from_192_on_are_ignored_and_others_are_not) {
    rv_error err;
    for (unsigned kind = 0; kind < 256; kind++) {
        const uint8_t message[3] = {(uint8_t)kind, 0xff, 0xff};
        const rv_status status = read_any(rv_bytes_of(message, sizeof message), &err);
        RV_CHECK_STATUS(status, kind >= RV_WIRE_IGNORED_FIRST ? RV_OK : RV_PROTOCOL_ERROR);
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        static uint8_t made[2048];
        static uint8_t text[4097];
        rv_writer w = rv_writer_over(made, sizeof made);
        rv_writer t = rv_writer_over(text, sizeof text - 1);
        if (build(argv[2], &w)) {
            rv_write_hex(&t, rv_writer_bytes(&w));
            printf("%s %s\n", argv[2], (const char *)text);
        }
        return 0;
    }
    RV_RUN(every_message_is_its_vector);
    RV_RUN(there_is_no_epoch_0);
    RV_RUN(what_was_written_is_read);
    RV_RUN(a_push_that_was_written_is_read);
    RV_RUN(pushes_have_bounds);
    RV_RUN(extensions_are_passed_over_or_needed);
    RV_RUN(facts_that_are_no_members_are_refused);
    RV_RUN(kinds_from_192_on_are_ignored_and_others_are_not);
    return rv_test_done();
}
