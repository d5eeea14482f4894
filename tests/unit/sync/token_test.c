/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an upstream with tokens feeds, and takes from, an edge what the edge's token allows, and
 * nothing from who has none; a token is renewed within the session; one that is revoked, expires or
 * loses a right ends it at once; what was written is pushed under who wrote it only, which without
 * a name is whom the edge was taken for then, also after it was opened anew; an edge's directory is
 * one principal's. Method: a root and an edge joined by function calls (pair.h), with
 * clocks that move when the test says so.
 */
#include "core/engine/internal.h"
#include "core/engine/outbox.h"
#include "tests/unit/sync/pair.h"
#include "tests/unit/tokens.h"

#define START INT64_C(1700000000000000) /* of the root's clock */

static void give(pair *p, const char *secret) {
    rv_edge_set_token(p->edge, rv_bytes_of_string(secret), p->now);
}

/* Connects and runs; the state that this ends in. */
static rv_edge_state join(pair *p) {
    for (int i = 0; i < 40 && pair_status(p).state != RV_EDGE_CONNECTED; i++) {
        (void)rv_edge_wants_token(p->edge, p->now); /* there is no other */
        if (pair_connect(p)) {
            pair_run(p);
            break;
        }
    }
    return pair_status(p).state;
}

static rv_status reason(const pair *p) {
    return pair_status(p).reason.status;
}

static pair start(const char *pattern) {
    pair p = pair_create(pattern);
    for (int i = 0; i < 3; i++) {
        if (fixture_append(&p.root, "accounts", "account_opened", "{\"name\":\"x\"}") != RV_OK) {
            abort();
        }
    }
    if (tokens_put(p.root.node, "root", "admin", "", "", "a", 0) != RV_OK) {
        abort();
    }
    return p;
}

/* An event of account 1, by somebody. */
static rv_status deposit(pair *p, const char *path, const char *who, uint64_t *edge_sequence) {
    const rv_append append = fixture_event(path, "deposited", "{\"amount\":5}");
    const rv_writes writes = {.events = &append, .count = 1, .principal = rv_bytes_of_string(who)};
    rv_event result;
    rv_written written = {.edge_sequence = 0};
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(p->leaf.node, &writes, &result, &written, &p->leaf.err);
        fixture_poll(p->leaf.node);
    }
    *edge_sequence = written.edge_sequence;
    return status;
}

static rv_outcome_kind outcome(pair *p, uint64_t edge_sequence, rv_status *why) {
    rv_outcome o = {.kind = RV_OUTCOME_WAITING};
    if (!rv_node_outcome(p->leaf.node, edge_sequence, &o)) {
        abort();
    }
    *why = o.kind == RV_OUTCOME_REJECTED ? o.reason.status : RV_OK;
    return o.kind;
}

RV_TEST(who_has_no_token_gets_nothing) {
    pair p = start("/accounts/*");
    RV_CHECK_EQ(join(&p), RV_EDGE_NEEDS_AUTH);
    RV_CHECK_STATUS(reason(&p), RV_UNAUTHENTICATED);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), 0);
    give(&p, "wrong");
    RV_CHECK_EQ(join(&p), RV_EDGE_NEEDS_AUTH);
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "good", "/accounts/*", "", "", 0), RV_OK);
    RV_CHECK(rv_edge_wants_token(p.edge, p.now));
    RV_CHECK(rv_edge_deadline(p.edge) > p.now); /* it waits, */
    give(&p, "good");
    RV_CHECK(rv_edge_deadline(p.edge) <= p.now); /* and not any more */
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_TEXT(pair_status(&p).principal, "ada");
    RV_CHECK(pair_same(&p));
    /* at a node without tokens one does no harm */
    pair q = pair_create("/**");
    give(&q, "good");
    RV_CHECK_EQ(join(&q), RV_EDGE_CONNECTED);
    RV_CHECK_EQ(pair_status(&q).principal.len, 0);
    /* until it has some */
    RV_CHECK_STATUS(tokens_put(q.root.node, "root", "admin", "", "", "a", 0), RV_OK);
    pair_run(&q);
    RV_CHECK_EQ(pair_status(&q).state, RV_EDGE_NEEDS_AUTH);
    pair_free(&q);
    pair_free(&p);
}

RV_TEST(a_selection_is_what_may_be_read) {
    pair p = start("/accounts/**");
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "good", "/accounts/1 /accounts/2", "", "", 0),
                    RV_OK);
    give(&p, "good");
    RV_CHECK_EQ(join(&p), RV_EDGE_NEEDS_AUTH);
    RV_CHECK_STATUS(reason(&p), RV_FORBIDDEN);
    const rv_edge_status status = pair_status(&p);
    RV_CHECK_TEXT(rv_bytes_of(status.reason.facts, status.reason.facts_len),
                  "\"pattern\":\"/accounts/**\"");
    RV_CHECK_EQ(rv_node_selection_wanted(p.leaf.node)->count, 1); /* nothing else would be left */
    const rv_bytes entries[] = {RV_LITERAL("/accounts/1"), RV_LITERAL("/accounts/2")};
    RV_CHECK_STATUS(rv_node_select(p.leaf.node, entries, 2, &p.err), RV_OK);
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    uint32_t stream = 0;
    const rv_state *const state = rv_node_state(p.leaf.node);
    RV_CHECK(rv_state_stream_find(state, RV_LITERAL("/accounts/2"), &stream));
    RV_CHECK(!rv_state_stream_find(state, RV_LITERAL("/accounts/3"), &stream));
    /* an aggregate is a right of its own */
    const rv_bytes rows[] = {RV_LITERAL("/accounts/1"), RV_LITERAL("aggregate account")};
    RV_CHECK_STATUS(rv_node_select(p.leaf.node, rows, 2, &p.err), RV_OK);
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
    RV_CHECK_STATUS(pair_status(&p).selection_refused.status, RV_FORBIDDEN);
    RV_CHECK_STATUS(
        tokens_put(p.root.node, "ada", "good", "/accounts/1 aggregate_account", "", "", 0), RV_OK);
    pair_run(&p); /* a right is lost: the session is over, and what it covered is given up */
    for (int i = 0; i < 8 && pair_status(&p).state != RV_EDGE_CONNECTED; i++) {
        (void)join(&p);
    }
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
    RV_CHECK_EQ(rv_node_selection(p.leaf.node)->count, 1);
    RV_CHECK(rv_node_whole(p.leaf.node));
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(p.leaf.node), 0), 1); /* account 2 has gone */
    RV_CHECK_STATUS(rv_node_select(p.leaf.node, rows, 2, &p.err), RV_OK);
    pair_run(&p);
    RV_CHECK_STATUS(pair_status(&p).selection_refused.status, RV_OK);
    RV_CHECK_EQ(rv_node_selection(p.leaf.node)->count, 2);
    pair_free(&p);
}

RV_TEST(a_token_is_renewed_within_the_session) {
    pair p = start("/accounts/*");
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "one", "/accounts/*", "", "", 40), RV_OK);
    give(&p, "one");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    const int64_t joined = p.now;
    RV_CHECK(!rv_edge_wants_token(p.edge, joined + 29000000));
    RV_CHECK(rv_edge_wants_token(p.edge, joined + 31000000)); /* a quarter ahead of its end */
    RV_CHECK(!rv_edge_wants_token(p.edge, joined + 31000001));
    RV_CHECK(rv_edge_wants_token(p.edge, joined + 37000000)); /* once more */
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "two", "/accounts/*", "", "", 100), RV_OK);
    const rv_upstream *const session = p.session;
    pair_run(&p);
    give(&p, "two"); /* while the secret before is good still */
    pair_run(&p);
    RV_CHECK(p.session == session && pair_status(&p).state == RV_EDGE_CONNECTED);
    rv_memory_host_set_clock(p.root.storage, START + 60000000);
    p.now += 60000000;
    RV_CHECK(!rv_upstream_finished(p.session));
    pair_run(&p); /* (silent for longer than either side bears: it comes again) */
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    pair_run(&p);
    RV_CHECK(pair_same(&p));
    /* another principal's token is none for this session */
    RV_CHECK_STATUS(tokens_put(p.root.node, "bob", "bobs", "/accounts/*", "", "", 0), RV_OK);
    pair_run(&p);
    give(&p, "bobs");
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_NEEDS_AUTH);
    RV_CHECK_STATUS(reason(&p), RV_FORBIDDEN);
    const int64_t refused = p.now;
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED); /* but for another one, at once */
    RV_CHECK(p.now < refused + 4000000);
    RV_CHECK_TEXT(pair_status(&p).principal, "bob");
    pair_free(&p);
}

/* Connects, and the upstream has the hello, which it has not answered. */
static bool greet(pair *p) {
    rv_bytes hello;
    return pair_connect(p) && rv_edge_send(p->edge, p->now, &hello) &&
           rv_upstream_receive(p->session, hello, p->now, &p->err) == RV_OK;
}

RV_TEST(one_that_comes_behind_the_hello_is_told) {
    pair p = start("/accounts/*");
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "one", "/accounts/*", "", "", 40), RV_OK);
    give(&p, "wrong");
    rv_bytes hello;
    RV_CHECK(pair_connect(&p) && rv_edge_send(p.edge, p.now, &hello));
    give(&p, "one");
    (void)!rv_upstream_receive(p.session, hello, p.now, &p.err);
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_NEEDS_AUTH);
    const int64_t joined = p.now;
    RV_CHECK(greet(&p)); /* at once, not half a minute later */
    RV_CHECK_EQ(p.now, joined);
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "two", "/accounts/*", "", "", 100), RV_OK);
    give(&p, "two");
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_CONNECTED);
    RV_CHECK(!rv_edge_wants_token(p.edge, joined + 39000000)); /* it goes on under that */
    RV_CHECK(rv_edge_wants_token(p.edge, joined + 76000000));
    /* and when it was of no use either, trying again waits */
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    give(&p, "wrong");
    RV_CHECK_EQ(join(&p), RV_EDGE_NEEDS_AUTH);
    RV_CHECK(!rv_edge_wants_connection(p.edge, p.now + 1000000));
    pair_free(&p);
}

RV_TEST(expired_and_revoked_tokens_end_sessions) {
    pair p = start("/accounts/*");
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "one", "/accounts/*", "", "", 5), RV_OK);
    give(&p, "one");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK(rv_upstream_deadline(p.session) <= p.now + 5000000); /* it will be asked by then */
    rv_memory_host_set_clock(p.root.storage, START + 6000000);
    p.now += 6000000;
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_NEEDS_AUTH);
    RV_CHECK_STATUS(reason(&p), RV_UNAUTHENTICATED);
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "two", "/accounts/*", "", "", 0), RV_OK);
    give(&p, "two");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_STATUS(rv_node_token_revoke(p.root.node, RV_LITERAL("ada"), &p.root.err), RV_OK);
    const uint64_t before = rv_node_watermark(p.leaf.node);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_NEEDS_AUTH);
    RV_CHECK_EQ(rv_node_watermark(p.leaf.node), before);
    pair_free(&p);
}

/* A clock that goes on by a second whenever it is read. */
static int64_t ticking_now(void *ctx) {
    static int64_t read = 0;
    RV_ASSERT(ctx != NULL);
    read += 1000000;
    return START + read;
}

/* It is good when it is looked for, and is not when the session is to know how long it is good. */
RV_TEST(a_token_expires_between_two_looks_at_the_clock) {
    pair p = start("/accounts/*");
    rv_host_ops ticking = *p.root.node->host.ops;
    unsigned connected = 0, refused = 0;
    ticking.now = ticking_now;
    p.root.node->host.ops = &ticking;
    for (int seconds = 1; seconds < 30; seconds++) {
        pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
        RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "one", "/accounts/*", "", "", seconds),
                        RV_OK);
        give(&p, "one");
        bool met = false;
        (void)pair_connect(&p);
        for (int i = 0; i < 20 && p.session != NULL; i++) {
            (void)pair_step(&p);
            met = met || pair_status(&p).state == RV_EDGE_CONNECTED;
        }
        connected += met;
        refused += !met;
        p.now += 60000000;
    }
    RV_CHECK(connected > 5 && refused > 0);
    pair_free(&p);
}

/* That says nothing about the batch: it is pushed again with the next token. */
RV_TEST(a_token_ends_while_a_push_is_on_its_way) {
    pair p = start("/accounts/*");
    uint64_t one;
    rv_status why;
    rv_bytes message = {NULL, 0};
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "first", "/accounts/*", "/accounts/1", "", 0),
                    RV_OK);
    give(&p, "first");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "ada", &one), RV_OK);
    RV_CHECK(fixture_settle(p.leaf.node));
    for (int i = 0; i < 100 && !(message.len > 0 && message.ptr[0] == RV_WIRE_PUSH); i++) {
        (void)!rv_edge_poll(p.edge, p.now, &p.err);
        message.len = rv_edge_send(p.edge, p.now, &message) ? message.len : 0;
    }
    RV_CHECK(message.len > 0 && message.ptr[0] == RV_WIRE_PUSH);
    RV_CHECK_STATUS(rv_node_token_revoke(p.root.node, RV_LITERAL("ada"), &p.root.err), RV_OK);
    (void)!rv_upstream_receive(p.session, message, p.now, NULL);
    pair_run(&p);
    RV_CHECK_EQ(pair_status(&p).state, RV_EDGE_NEEDS_AUTH);
    RV_CHECK_EQ(outcome(&p, one, &why), RV_OUTCOME_WAITING);
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "second", "/accounts/*", "/accounts/1", "", 0),
                    RV_OK);
    give(&p, "second");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_EQ(outcome(&p, one, &why), RV_OUTCOME_ACCEPTED);
    pair_free(&p);
}

RV_TEST(what_is_written_is_judged_by_who_wrote_it) {
    pair p = start("/accounts/*");
    rv_status why;
    uint64_t one, two, three;
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "adas", "/accounts/*", "/accounts/1", "", 0),
                    RV_OK);
    give(&p, "adas");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "", &one), RV_OK);
    RV_CHECK_STATUS(deposit(&p, "/accounts/2", "ada", &two), RV_OK);
    pair_run(&p);
    RV_CHECK_EQ(outcome(&p, one, &why), RV_OUTCOME_ACCEPTED);
    RV_CHECK_EQ(outcome(&p, two, &why), RV_OUTCOME_REJECTED);
    RV_CHECK_STATUS(why, RV_FORBIDDEN);
    /* what bob has written ada does not bring, */
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "bob", &three), RV_OK);
    pair_run(&p);
    RV_CHECK_EQ(outcome(&p, three, &why), RV_OUTCOME_WAITING);
    RV_CHECK(pair_status(&p).held_by_principal);
    /* unless she relays; then it is bob's rights that count */
    RV_CHECK_STATUS(tokens_put(p.root.node, "bob", "bobs", "", "/accounts/2", "", 0), RV_OK);
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "adas", "/accounts/*", "/accounts/1", "r", 0),
                    RV_OK);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_EQ(outcome(&p, three, &why), RV_OUTCOME_REJECTED);
    RV_CHECK_STATUS(why, RV_FORBIDDEN);
    RV_CHECK_STATUS(deposit(&p, "/accounts/2", "bob", &three), RV_OK);
    pair_run(&p);
    RV_CHECK_EQ(outcome(&p, three, &why), RV_OUTCOME_ACCEPTED);
    /* who is not known is judged by who brings it */
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "eve", &three), RV_OK);
    pair_run(&p);
    RV_CHECK_EQ(outcome(&p, three, &why), RV_OUTCOME_ACCEPTED);
    RV_CHECK(pair_same(&p));
    /* and the directory is ada's */
    RV_CHECK_STATUS(tokens_put(p.root.node, "eve", "eves", "/**", "/**", "", 0), RV_OK);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    give(&p, "eves");
    RV_CHECK_EQ(join(&p), RV_EDGE_NEEDS_AUTH);
    RV_CHECK_STATUS(reason(&p), RV_FORBIDDEN);
    give(&p, "adas");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    pair_free(&p);
}

/* The edge is opened anew, on what was durable. */
static void open_again(pair *p) {
    pair_cut(p, RV_UPSTREAM_UNREACHABLE);
    rv_memory_host_reopen(p->leaf.storage);
    if (fixture_open(&p->leaf, RV_ROLE_EDGE, NULL) != RV_OK) {
        abort();
    }
    pair_start(p);
}

static rv_bytes writer(pair *p, uint64_t edge_sequence) {
    rv_pending batch;
    return rv_node_pending(p->leaf.node, edge_sequence - 1, &batch) &&
                   batch.edge_sequence == edge_sequence
               ? batch.principal
               : RV_LITERAL("?");
}

RV_TEST(what_nobody_signed_is_whose_the_edge_was_then) {
    pair p = start("/accounts/*");
    rv_status why;
    uint64_t one, two;
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "adas", "/accounts/*", "", "", 0), RV_OK);
    RV_CHECK_STATUS(tokens_put(p.root.node, "bob", "bobs", "/accounts/*", "/accounts/*", "", 0),
                    RV_OK);
    give(&p, "adas");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "", &one), RV_OK);
    open_again(&p);
    RV_CHECK_TEXT(writer(&p, one), "ada");
    /* bob, who may write it, does not push what she has written, nor what is behind it */
    give(&p, "bobs");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "", &two), RV_OK);
    pair_run(&p);
    RV_CHECK_EQ(outcome(&p, one, &why), RV_OUTCOME_WAITING);
    RV_CHECK_EQ(outcome(&p, two, &why), RV_OUTCOME_WAITING);
    RV_CHECK_TEXT(writer(&p, one), "ada");
    RV_CHECK_TEXT(writer(&p, two), "bob");
    const rv_edge_status held = pair_status(&p);
    RV_CHECK(held.held_by_principal);
    RV_CHECK_STATUS(held.reason.status, RV_OTHER_PRINCIPAL);
    RV_CHECK_TEXT(rv_bytes_of(held.reason.facts, held.reason.facts_len), "\"principal\":\"ada\"");
    /* hers are judged by her rights, whoever brings them: she may write nothing */
    RV_CHECK_STATUS(tokens_put(p.root.node, "bob", "bobs", "/accounts/*", "/accounts/*", "r", 0),
                    RV_OK);
    open_again(&p);
    give(&p, "bobs");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_EQ(outcome(&p, one, &why), RV_OUTCOME_REJECTED);
    RV_CHECK_STATUS(why, RV_FORBIDDEN);
    RV_CHECK_EQ(outcome(&p, two, &why), RV_OUTCOME_ACCEPTED);
    RV_CHECK_STATUS(pair_status(&p).reason.status, RV_OK);
    pair_free(&p);
}

RV_TEST(what_was_written_before_anybody_was_named_is_the_firsts) {
    pair p = pair_create("/accounts/*");
    rv_status why;
    uint64_t one, two;
    RV_CHECK_STATUS(fixture_append(&p.root, "accounts", "account_opened", "{\"name\":\"x\"}"),
                    RV_OK);
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "", &one), RV_OK);
    RV_CHECK_EQ(writer(&p, one).len, 0);
    RV_CHECK_STATUS(tokens_put(p.root.node, "root", "admin", "", "", "a", 0), RV_OK);
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "adas", "/accounts/*", "", "", 0), RV_OK);
    RV_CHECK_STATUS(tokens_put(p.root.node, "bob", "bobs", "/accounts/*", "/accounts/*", "", 0),
                    RV_OK);
    /* ada is named; the wire breaks as soon as something is pushed, which is hers by then */
    give(&p, "adas");
    RV_CHECK(pair_connect(&p));
    rv_bytes message;
    bool pushed = false;
    for (int i = 0; i < 1000 && !pushed; i++) {
        fixture_poll(p.root.node);
        fixture_poll(p.leaf.node);
        RV_CHECK_STATUS(rv_edge_poll(p.edge, p.now, &p.err), RV_OK);
        if (rv_edge_send(p.edge, p.now, &message)) {
            pushed = message.ptr[0] == RV_WIRE_PUSH;
            (void)!rv_upstream_receive(p.session, message, p.now, NULL);
        }
        if (rv_upstream_send(p.session, p.now, &message)) {
            RV_CHECK_STATUS(rv_edge_receive(p.edge, message, p.now, &p.err), RV_OK);
        }
    }
    RV_CHECK(pushed);
    open_again(&p);
    RV_CHECK_TEXT(writer(&p, one), "ada");
    give(&p, "bobs");
    (void)join(&p);
    RV_CHECK_STATUS(deposit(&p, "/accounts/1", "", &two), RV_OK);
    RV_CHECK_TEXT(writer(&p, one), "ada"); /* and the first one's for good */
    RV_CHECK(outcome(&p, one, &why) != RV_OUTCOME_ACCEPTED);
    pair_free(&p);
}

/* A batch of one that the root refuses, of somebody who may write everywhere. What is told of it.
 */
static rv_error refused(pair *p, const rv_append *append) {
    const rv_writes writes = {.events = append, .count = 1};
    rv_event result;
    rv_written written = {.edge_sequence = 0};
    rv_outcome o = {.kind = RV_OUTCOME_WAITING};
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(p->leaf.node, &writes, &result, &written, &p->leaf.err);
        fixture_poll(p->leaf.node);
    }
    (void)join(p);
    pair_run(p);
    if (status != RV_OK || !rv_node_outcome(p->leaf.node, written.edge_sequence, &o) ||
        o.kind != RV_OUTCOME_REJECTED) {
        fprintf(stderr, "%s\n", status != RV_OK ? p->leaf.err.detail : "not refused");
        abort();
    }
    return o.reason;
}

static rv_bytes facts(const rv_error *error) {
    return rv_bytes_of(error->facts, error->facts_len);
}

RV_TEST(a_refusal_tells_what_its_reader_may_read) {
    pair p = start("/accounts/1");
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/2", "deposited", "{\"amount\":70}"), RV_OK);
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "adas", "/accounts/1", "/accounts/*", "", 0),
                    RV_OK);
    give(&p, "adas");
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    /* of a stream that she may not read: neither its version nor the row's balance */
    rv_append append = fixture_event("/accounts/2", "deposited", "{\"amount\":1}");
    append.expected = RV_EXPECTED_NUMBER;
    append.expected_version = 7;
    rv_error reason = refused(&p, &append);
    RV_CHECK_STATUS(reason.status, RV_VERSION_CONFLICT);
    RV_CHECK_TEXT(facts(&reason), "\"path\":\"/accounts/2\",\"judged_at\":5");
    RV_CHECK_TEXT(rv_error_detail(&reason), rv_status_text(RV_VERSION_CONFLICT));
    append = fixture_event("/accounts/2", "withdrawn", "{\"amount\":100}");
    reason = refused(&p, &append);
    RV_CHECK_STATUS(reason.status, RV_CHECK_VIOLATION);
    RV_CHECK_TEXT(facts(&reason), "\"path\":\"/accounts/2\",\"judged_at\":5");
    RV_CHECK_TEXT(rv_error_detail(&reason), rv_status_text(RV_CHECK_VIOLATION));
    /* what her event names, she knows */
    append = fixture_event("/accounts/9", "deposited", "{\"amount\":1}");
    reason = refused(&p, &append);
    RV_CHECK_STATUS(reason.status, RV_UNKNOWN_REFERENCE);
    RV_CHECK_TEXT(facts(&reason), "\"aggregate\":\"account\",\"key\":\"9\",\"field\":\"id\","
                                  "\"path\":\"/accounts/9\",\"judged_at\":5");
    /* and of her own stream everything */
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "deposited", "{\"amount\":30}"), RV_OK);
    append = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    append.expected = RV_EXPECTED_NUMBER;
    append.expected_version = 1;
    reason = refused(&p, &append);
    RV_CHECK_TEXT(facts(&reason),
                  "\"expected\":1,\"actual\":2,\"path\":\"/accounts/1\",\"judged_at\":6");
    /* by a right that she has when it is told */
    RV_CHECK_STATUS(tokens_put(p.root.node, "ada", "adas", "/accounts/1 aggregate_account",
                               "/accounts/*", "", 0),
                    RV_OK);
    pair_run(&p);
    append = fixture_event("/accounts/2", "withdrawn", "{\"amount\":100}");
    reason = refused(&p, &append);
    RV_CHECK_TEXT(facts(&reason), "\"aggregate\":\"account\",\"key\":\"2\",\"column\":\"balance\","
                                  "\"value\":\"-30\",\"path\":\"/accounts/2\",\"judged_at\":6");
    pair_free(&p);
}

RV_TEST(messages_about_tokens_have_their_turn) {
    pair p = start("/accounts/*");
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_error err;
    give(&p, "admin");
    RV_CHECK(pair_connect(&p));
    rv_wire_write_token(&w, RV_LITERAL("admin"));
    RV_CHECK_STATUS(rv_upstream_receive(p.session, rv_writer_bytes(&w), p.now, &err),
                    RV_PROTOCOL_ERROR); /* before the hello */
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    RV_CHECK_STATUS(rv_upstream_receive(p.session, rv_writer_bytes(&w), p.now, &err), RV_OK);
    RV_CHECK_STATUS(rv_upstream_receive(p.session, rv_writer_bytes(&w), p.now, &err),
                    RV_PROTOCOL_ERROR); /* before the answer */
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    RV_CHECK_EQ(join(&p), RV_EDGE_CONNECTED);
    w = rv_writer_over(bytes, sizeof bytes);
    const rv_wire_admitted admitted = {false, 0, RV_LITERAL("root")};
    rv_wire_write_admitted(&w, &admitted);
    RV_CHECK_STATUS(rv_edge_receive(p.edge, rv_writer_bytes(&w), p.now, &err), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(rv_upstream_receive(p.session, rv_writer_bytes(&w), p.now, &err),
                    RV_PROTOCOL_ERROR);
    pair_free(&p);
}

/* An edge's tokens take nothing of what its outbox needs to end: each batch that waits is decided,
 * and refused ones are told. */
RV_TEST(tokens_leave_room_for_what_waits) {
    pair p = pair_create("/accounts/1");
    uint64_t sequence = 0;
    uint32_t waiting = 0;
    RV_CHECK(pair_connect(&p));
    RV_CHECK_STATUS(fixture_append(&p.root, "accounts", "account_opened", "{\"name\":\"x\"}"),
                    RV_OK);
    pair_run(&p);
    pair_cut(&p, RV_UPSTREAM_UNREACHABLE);
    while (deposit(&p, "/accounts/900", "ada", &sequence) == RV_OK) {
        waiting += 1;
    }
    RV_CHECK_STATUS(p.leaf.err.status, RV_OUTBOX_FULL);
    RV_CHECK(waiting > 100);
    char name[32];
    rv_status status = RV_OK;
    for (uint32_t i = 0; status == RV_OK; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        status = tokens_put(p.leaf.node, name, name, "", "", "a", 0);
    }
    RV_CHECK_STATUS(status, RV_MEMORY_EXHAUSTED);
    for (int i = 0; i < 400 && rv_node_outbox(p.leaf.node).pending > 0; i++) {
        p.now += 30000000;
        if (p.session == NULL) {
            RV_CHECK(pair_connect(&p));
        }
        pair_run(&p);
    }
    RV_CHECK_EQ(rv_node_outbox(p.leaf.node).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(p.leaf.node).rejections, waiting);
    pair_free(&p);
}

int main(void) {
    RV_RUN(who_has_no_token_gets_nothing);
    RV_RUN(a_selection_is_what_may_be_read);
    RV_RUN(a_token_is_renewed_within_the_session);
    RV_RUN(one_that_comes_behind_the_hello_is_told);
    RV_RUN(expired_and_revoked_tokens_end_sessions);
    RV_RUN(a_token_expires_between_two_looks_at_the_clock);
    RV_RUN(a_token_ends_while_a_push_is_on_its_way);
    RV_RUN(what_is_written_is_judged_by_who_wrote_it);
    RV_RUN(what_nobody_signed_is_whose_the_edge_was_then);
    RV_RUN(what_was_written_before_anybody_was_named_is_the_firsts);
    RV_RUN(a_refusal_tells_what_its_reader_may_read);
    RV_RUN(messages_about_tokens_have_their_turn);
    RV_RUN(tokens_leave_room_for_what_waits);
    return rv_test_done();
}
