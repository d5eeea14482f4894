/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a feed that waits is asked when something concerns it and at no other time, and tells what
 * it would tell if it were asked whenever anything moves; what it costs does not hang on how many
 * others wait.
 * Method: feeds of every kind over a root, and counts of how often one was asked, beside few and
 * beside many. Then two request handlers over one edge, with the same feeds: of one the feeds wait,
 * of the other every one is woken before it is asked; after each random step, of which some change
 * the schema or take the root back, both tell the same to the byte. That a missed wake-up would be
 * seen is shown by losing some. As a program, test_unit_face_waiting SEED COUNT (`make live`).
 */
#include "core/engine/epoch.h"
#include "core/engine/rewind.h"
#include "tests/unit/face/edge_world.h"

/* --- who is asked --- */

#define FEW  2u
#define MANY 40u

/* Of each kind, one that is about account `i`. */
static const char *const kinds[] = {
    "/events?path=/accounts/%u&from=now",
    "/events?path=/accounts/*&type=noted&from=now",
    "/changes/account?where=name%%20%%3D%%20'n%u'",
    "/query?sql=select%%20balance%%20from%%20account%%20where%%20id%%20=%%20%u",
    "/query?sql=select%%20count(*),sum(balance)%%20from%%20account%%20where%%20name='n%u'",
    "/changes/account?where=id%%20in%%20(%u,1000)",
    "/changes/account?where=name>%%3D'n%1$u'%%20and%%20name<'n%1$u~'",
    "/query?sql=select%%20sum(balance)%%20from%%20account%%20where%%20name%%20in%%20('n%u','x')",
    "/query?sql=select%%20sum(balance)%%20from%%20account%%20where%%20name='n%u'or%%20name='x'",
    "/query?sql=select%%20*%%20from%%20account%%20where%%20name%%20between'n%1$u'and'n%1$u~'",
    "/aggregates/account/%u",
    "/schema",
};

#define KINDS (sizeof kinds / sizeof *kinds)

static void open_feed(server *on, rv_exchange **x, const char *target) {
    rv_response_head head;
    rv_error err;
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = rv_bytes_of_string(target),
                                .accept = RV_LITERAL("text/event-stream")};
    RV_CHECK_STATUS(rv_face_begin(on->face, &request, x, &err), RV_OK);
    rv_exchange_set_owner(*x, x);
    RV_CHECK_STATUS(rv_exchange_head(*x, &head), RV_OK);
    if (head.status != 200) {
        fprintf(stderr, "%s: %d\n", target, head.status);
    }
    RV_CHECK_EQ(head.status, 200);
}

/* Takes all that there is; how many bytes. */
static size_t drain(rv_exchange *x) {
    static uint8_t bytes[70000];
    size_t len = 0;
    rv_status status = RV_OK;
    while (status == RV_OK) {
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        status = rv_exchange_body(x, 0, &w);
        len += w.len;
    }
    RV_ASSERT(status == RV_PENDING);
    return len;
}

/* How many feeds an append to account 1 wakes, asks, and has say something; of `count` of a kind.
 */
typedef struct cost {
    uint32_t woken;
    uint64_t asked;
    uint32_t told;
} cost;

static void count_cost(const char *kind, uint32_t count, cost *c) {
    static rv_exchange *x[MANY];
    *c = (cost){0};
    server_exchanges = MANY + 2;
    server one = server_create(1);
    for (uint32_t i = 1; i <= MANY; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"name\":\"n%u\"}", i);
        RV_CHECK_EQ(post(&one, "/streams/accounts", "account_opened", body), 201);
    }
    for (uint32_t i = 0; i < count; i++) {
        char target[200];
        snprintf(target, sizeof target, kind, i + 1);
        open_feed(&one, &x[i], target);
        (void)drain(x[i]);
        RV_CHECK(rv_exchange_waits(x[i]));
    }
    for (uint32_t round = 0; round < 3; round++) { /* from the second answer on it is kept up */
        RV_CHECK_EQ(post(&one, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
        for (uint32_t i = 0; i < count; i++) {
            (void)drain(x[i]);
        }
    }
    RV_CHECK_EQ(post(&one, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    const uint64_t before = one.face->waiting.asked;
    rv_face_look(one.face);
    while (rv_face_next_woken(one.face) != NULL) {
        c->woken += 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        c->told += drain(x[i]) > 0;
        RV_CHECK(rv_exchange_waits(x[i]));
    }
    c->asked = one.face->waiting.asked - before;
    for (uint32_t i = 0; i < count; i++) {
        rv_face_end(x[i]);
    }
    RV_CHECK_EQ(one.face->waiting.interests.count, 0);
    RV_CHECK_EQ(one.face->waiting.of_events + one.face->waiting.of_rows, 0);
    RV_CHECK_EQ(one.face->touches.followers, 0);
    RV_CHECK_EQ(one.face->moments.all[0].holders, 0);
    server_free(&one);
}

RV_TEST(who_is_not_concerned_is_not_asked) {
    for (size_t k = 0; k < KINDS; k++) {
        cost few, many;
        count_cost(kinds[k], FEW, &few);
        RV_CHECK_PASSED();
        count_cost(kinds[k], MANY, &many);
        RV_CHECK_PASSED();
        const bool none = k == 1 || k == KINDS - 1; /* nothing that concerns one of them */
        if (few.woken != !none || many.woken != !none || few.told != !none || many.told != !none) {
            RV_FAIL_AT_("%s: %u and %u woken", kinds[k], few.woken, many.woken);
        }
        RV_CHECK(few.asked <= 2);
        RV_CHECK_EQ(few.asked, many.asked);
    }
}

/* A heartbeat is due though nothing has moved; and no sooner. */
RV_TEST(time_wakes_who_waits) {
    rv_exchange *x = NULL;
    uint8_t bytes[4096];
    server one = server_create(1);
    for (size_t k = 0; k < KINDS; k++) {
        int64_t now = 1000000;
        char target[200];
        snprintf(target, sizeof target, kinds[k], 1u);
        open_feed(&one, &x, target);
        for (uint32_t i = 0; i < 4; i++) {
            rv_writer w = rv_writer_over(bytes, sizeof bytes);
            while (rv_exchange_body(x, now, &w) == RV_OK) {
                w.len = 0;
            }
        }
        RV_CHECK(rv_exchange_waits(x));
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        const uint64_t asked = one.face->waiting.asked;
        RV_CHECK_STATUS(rv_exchange_body(x, now + 14999999, &w), RV_PENDING);
        RV_CHECK_EQ(one.face->waiting.asked, asked);
        RV_CHECK_STATUS(rv_exchange_body(x, now + 15000000, &w), RV_OK);
        RV_CHECK_TEXT(rv_writer_bytes(&w), ": idle\n\n");
        rv_face_end(x);
    }
    server_free(&one);
}

/* What was read by a feed that is over is not noted of rows for ever, though others go on; what
 * these read is. */
RV_TEST(what_nobody_reads_any_more_is_not_noted) {
    rv_exchange *stays[3], *goes = NULL;
    server_exchanges = 8;
    server one = server_create(1);
    const uint64_t *const valued = one.face->touches.valued[0]; /* of accounts, by column */
    RV_CHECK_EQ(post(&one, "/streams/accounts", "account_opened", "{\"name\":\"n1\"}"), 201);
    open_feed(&one, &stays[0], "/query?sql=select%20name%20from%20account%20where%20id=1");
    open_feed(&one, &stays[1], "/query?sql=select%20id%20from%20account%20where%20balance=1");
    open_feed(&one, &stays[2], "/changes/account?where=balance%20=%202");
    for (size_t i = 0; i < 3; i++) {
        (void)drain(stays[i]);
        RV_CHECK(rv_exchange_waits(stays[i]));
    }
    for (uint32_t i = 0; i < 64; i++) {
        open_feed(&one, &goes,
                  i % 2 == 0 ? "/query?sql=select%20id%20from%20account%20where%20name='n1'"
                             : "/changes/account?where=name%20=%20'n1'");
        (void)drain(goes);
        RV_CHECK(rv_exchange_waits(goes));
        RV_CHECK(i > 0 || valued[0] == 6); /* by name, and by balance */
        rv_face_end(goes);
    }
    RV_CHECK_EQ(valued[0], 4);
    for (int amount = 1; amount <= 2; amount++) {
        RV_CHECK_EQ(post(&one, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
        for (size_t i = 0; i < 3; i++) {
            const size_t len = drain(stays[i]);
            RV_CHECK((len > 0) == (i == 1 || (i == 2 && amount == 2)));
        }
    }
    server_free(&one);
}

/* Feeds that wait together began to wait with the same schema, or else the one before is woken: it
 * is no reason to wake the next. */
RV_TEST(what_is_other_for_one_is_not_so_for_the_next) {
    rv_exchange *before = NULL, *after = NULL;
    const rv_request grow = {.method = RV_LITERAL("POST"),
                             .target = RV_LITERAL("/schema"),
                             .body = RV_LITERAL("CREATE AGGREGATE more (id bigint PRIMARY KEY);")};
    server_exchanges = 8;
    server one = server_create(1);
    open_feed(&one, &before, "/query?sql=select%201");
    (void)drain(before);
    RV_CHECK(rv_exchange_waits(before));
    RV_CHECK_EQ(ask(&one, &grow), 201);
    open_feed(&one, &after, "/query?sql=select%202");
    (void)drain(after);
    RV_CHECK(rv_exchange_waits(after) && !rv_exchange_waits(before));
    rv_face_look(one.face);
    RV_CHECK(rv_exchange_waits(after));
    server_free(&one);
}

/* --- the same as if everybody was asked --- */

#define STEPS 150u

static const char *const targets[] = {
    "/events?path=/**",
    "/events?path=/accounts/*",
    "/events?path=/accounts/2",
    "/events?path=/accounts/9&from=now",
    "/events?path=/accounts/*&type=noted",
    "/events?path=/accounts/*&type=deposited&where=amount%20%3D%202",
    "/changes/account",
    "/changes/account?rows=first&columns=true",
    "/changes/account?where=name%20%3D%20'ada'",
    "/changes/account?where=balance%20%3E%203",
    "/changes/note?where=body%20%3D%20'b7'%20and%20id%20%3E%202",
    "/changes/note?where=account_id%20%3D%201",
    "/changes/account?where=balance%20between%202%20and%206",
    "/changes/account?where=id%20in%20(1,3)%20or%20id%20%3D%205",
    "/changes/note?where=id%20%3C%208%20and%20id%20%3E%3D%203",
    "/query?sql=select%20id,name,balance%20from%20account%20where%20id%3D1",
    "/query?sql=select%20count(*),sum(balance)%20from%20account%20where%20name%3D'ada'",
    "/query?sql=select%20id,body%20from%20note%20where%20body%3D'b7'%20order%20by%20id",
    "/query?sql=select%20*%20from%20note%20where%20account_id%3D2%20order%20by%20id",
    "/query?sql=select%20id,balance%20from%20account%20where%20balance%20%3E%205%20order%20by%20id",
    ("/query?sql=select%20count(*),sum(balance)%20from%20account%20where%20balance%20between%202"
     "%20and%208"),
    ("/query?sql=select%20id%20from%20note%20where%20body%20in%20('b1','b7')%20or%20body%3D'b3'"
     "%20order%20by%20id"),
    ("/query?sql=select%20count(*)%20from%20account%20where%20balance%20%3C%20(select%20max(id)"
     "%20from%20note)"),
    "/query?sql=select%20count(*)%20from%20account",
    "/query?sql=select%20count(*)%20from%20rv_pending",
    ("/query?sql=select%20a.name,n.id%20from%20note%20n%20join%20account%20a%20on%20a.id%3D"
     "n.account_id%20where%20n.id%20in%20(1,2,3,4,5,6,7,8,9)"),
    "/aggregates/account/2",
    "/aggregates/note",
    "/aggregates",
    "/schema",
    "/pending",
};

#define TARGETS  (sizeof targets / sizeof *targets)
#define TEXT_MAX ((size_t)1 << 20)

static uint64_t rewound, compared, differ, waited, woken_count;

/* What a feed tells, up to where it has nothing more to tell; true: it goes on. */
static bool tell(rv_exchange *x, bool wakes, uint8_t *text, size_t *len) {
    rv_status status = RV_OK;
    *len = 0;
    while (status == RV_OK) {
        rv_writer w = rv_writer_over(text + *len, 66000);
        if (wakes) {
            face_wake(x);
        }
        status = rv_exchange_body(x, 0, &w);
        *len += w.len;
        RV_ASSERT(*len + 66000 < TEXT_MAX);
    }
    return status == RV_PENDING;
}

/* Both tell the same. What ends is opened again. */
static void compare(server *other, rv_exchange **a, rv_exchange **b, size_t i) {
    static uint8_t text_a[TEXT_MAX], text_b[TEXT_MAX];
    size_t len_a = 0, len_b = 0;
    const bool on_a = tell(*a, false, text_a, &len_a);
    const bool on_b = tell(*b, true, text_b, &len_b);
    compared += 1;
    waited += rv_exchange_waits(*a);
    if (on_a != on_b || len_a != len_b || memcmp(text_a, text_b, len_a) != 0) {
        differ += 1;
        if (getenv("SHOW") != NULL) {
            fprintf(stderr, "%s\n-- waits\n%.*s\n-- asked\n%.*s\n", targets[i], (int)len_a,
                    (const char *)text_a, (int)len_b, (const char *)text_b);
        }
    }
    if (!on_a || !on_b) {
        rv_face_end(*a);
        rv_face_end(*b);
        open_feed(&s, a, targets[i]);
        open_feed(other, b, targets[i]);
    }
}

/* The root's schema goes on. */
static void schema_grows(uint32_t nth) {
    char text[300];
    rv_event event;
    rv_status status = RV_PENDING;
    snprintf(text, sizeof text,
             "CREATE AGGREGATE more%u (id bigint PRIMARY KEY);"
             "CREATE EVENT_TYPE more%u_made (id creates more%u(id));"
             "CREATE STREAM more%u (path \"/more%u/{id}\", event_types (more%u_made));",
             nth, nth, nth, nth, nth, nth);
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_apply(p.root.node, rv_bytes_of_string(text), &event, &p.err);
        fixture_poll(p.root.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
}

/* The root is put back to what its storage held before, and says so: the edge goes back, too. */
static void root_goes_back(const uint8_t *storage) {
    rv_arena arena = rv_arena_over(p.up_memory, PAIR_SYNC_MEMORY);
    rv_status status = RV_PENDING;
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    memcpy(p.root.host_memory, storage, FIXTURE_HOST_MEMORY);
    RV_CHECK_STATUS(fixture_open_on(rv_memory_host_interface(p.root.storage), p.root.node_memory,
                                    FIXTURE_NODE_MEMORY, RV_ROLE_ROOT, NULL, &p.root.node, &p.err),
                    RV_OK);
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_epoch_begin(p.root.node, &p.err);
        fixture_poll(p.root.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(fixture_settle(p.root.node));
    const rv_upstream_options options = {
        .node = p.root.node, .connections_max = 2, .digest = &test_digest, .guide_near = 4};
    RV_CHECK_STATUS(rv_upstream_shared_create(&p.shared, &options, &arena, &p.err), RV_OK);
}

/* A step that is not as frequent: what all feeds depend on. */
static void rare_step(uint32_t *schemas, uint8_t **storage) {
    if (below(2) == 0) {
        *schemas += 1;
        schema_grows(*schemas);
    } else if (*storage == NULL) {
        RV_CHECK(fixture_settle(p.root.node));
        *storage = malloc(FIXTURE_HOST_MEMORY);
        memcpy(*storage, p.root.host_memory, FIXTURE_HOST_MEMORY);
    } else {
        root_goes_back(*storage);
        free(*storage);
        *storage = NULL;
        *schemas += 100; /* none of those that may be gone */
    }
}

static void follow_all(uint64_t seed, bool planted) {
    static rv_exchange *a[TARGETS], *b[TARGETS];
    uint8_t *storage = NULL; /* of the root, as it was */
    uint32_t schemas = 0;
    random_state = seed;
    p = pair_create("/**");
    server_exchanges = TARGETS + 2;
    server_edge = p.edge;
    s = server_over(p.leaf);
    server other = server_over(p.leaf);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    for (unsigned i = 0; i < 4; i++) {
        RV_CHECK_STATUS(fixture_append(&p.root, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                        RV_OK);
    }
    pair_run(&p);
    for (size_t i = 0; i < TARGETS; i++) {
        open_feed(&s, &a[i], targets[i]);
        open_feed(&other, &b[i], targets[i]);
        RV_CHECK_PASSED();
        compare(&other, &a[i], &b[i], i);
    }
    for (unsigned n = 0; n < STEPS; n++) {
        if (below(20) == 0) {
            rare_step(&schemas, &storage);
        } else {
            step();
        }
        RV_CHECK_PASSED();
        if (rv_node_in_batch(p.leaf.node) || !rv_node_whole(p.leaf.node) || below(4) == 0) {
            continue;
        }
        rv_face_look(s.face);
        for (void *owner = rv_face_next_woken(s.face); owner != NULL;
             owner = rv_face_next_woken(s.face)) {
            woken_count += 1;
        }
        for (size_t i = 0; i < TARGETS; i++) {
            if (planted && below(8) == 0 && a[i]->wait.waits &&
                a[i]->wait.count > 0) { /* its interest is lost */
                rv_interests_remove(&s.face->waiting.interests,
                                    &a[i]->wait.interests[a[i]->wait.count - 1]);
                a[i]->wait.count -= 1;
            }
            compare(&other, &a[i], &b[i], i);
            RV_CHECK_PASSED();
        }
        if (differ > 0 && !planted) {
            RV_FAIL_AT_("seed %llu step %u", (unsigned long long)seed, n);
        }
    }
    for (size_t i = 0; i < TARGETS; i++) {
        rv_face_end(a[i]);
        rv_face_end(b[i]);
    }
    RV_CHECK_EQ(s.face->waiting.interests.count, 0);
    rewound += rv_node_rewinds(p.leaf.node);
    free(storage);
    rv_face_close(other.face);
    rv_sql_destroy(other.sql);
    free(other.memory);
    free(other.past);
    free(other.answer);
    server_free(&s); /* and the edge with it */
    fixture_free(&p.root);
    free(p.up_memory);
    free(p.edge_memory);
}

static uint64_t first_seed = 1;
static uint64_t seeds = 8;

RV_TEST(who_waits_tells_what_who_is_asked_tells) {
    rewound = compared = differ = waited = woken_count = 0;
    for (uint64_t seed = first_seed; seed < first_seed + RV_TEST_ROUNDS(seeds); seed++) {
        follow_all(seed, false);
        RV_CHECK_PASSED();
    }
    printf("%llu compared, of them %llu wait afterwards; %llu woken; %llu times back\n",
           (unsigned long long)compared, (unsigned long long)waited,
           (unsigned long long)woken_count, (unsigned long long)rewound);
    RV_CHECK(waited > compared / 2);
    RV_CHECK(woken_count < compared / 2);
}

RV_TEST(a_wake_up_that_is_missed_is_seen) {
    differ = 0;
    follow_all(first_seed, true);
    RV_CHECK_PASSED();
    RV_CHECK(differ > 5);
}

int main(int argc, char **argv) {
    if (argc == 3) {
        first_seed = strtoull(argv[1], NULL, 10);
        seeds = strtoull(argv[2], NULL, 10);
    }
    RV_RUN(who_is_not_concerned_is_not_asked);
    RV_RUN(time_wakes_who_waits);
    RV_RUN(what_nobody_reads_any_more_is_not_noted);
    RV_RUN(what_is_other_for_one_is_not_so_for_the_next);
    RV_RUN(who_waits_tells_what_who_is_asked_tells);
    RV_RUN(a_wake_up_that_is_missed_is_seen);
    return rv_test_done();
}
