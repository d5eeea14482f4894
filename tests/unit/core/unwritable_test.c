/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whoever changes a node while nothing can be written is told why, and changes nothing: what
 * waits, what was refused, decided, leased or kept for others is as it was, and where the node can
 * be written again all of it goes on. Method: every call that changes the ledger or the log, of an
 * edge that has something of each kind and of a root that has, in every way in which a node cannot
 * be written: read-only, closed, going back, in the middle of a batch, before a disk that does not
 * answer and has filled the log's buffer.
 */
#include "tests/unit/core/edge_calls.h"

static rv_decision decision;

/* --- ways in which a node cannot be written --- */

typedef enum way { FAILED, CLOSED, GOING_BACK, IN_A_BATCH, NO_ANSWER, WAYS } way;

static rv_status expected(way w, const call *c) {
    switch (w) {
    case FAILED:
        return c->runs ? RV_NOT_FOUND : RV_READ_ONLY;
    case CLOSED:
        return RV_CLOSING;
    case IN_A_BATCH:
        return c->runs ? RV_NOT_FOUND : RV_BUSY;
    default:
        return RV_BUSY;
    }
}

/* Calls that are the caller's part not to make, or that wait for the disk by themselves. */
static bool is_made(way w, const call *c) {
    return !(w == IN_A_BATCH && c->make == receive) && !(w == NO_ANSWER && c->make == go_back);
}

/* Writes until the log's buffer has no room. */
static bool fill_buffer(fixture *f) {
    static char body[4096];
    rv_status status = RV_OK;
    memset(body, 'x', sizeof body);
    set_disk(100);
    for (uint64_t i = 0; i < 4000 && status == RV_OK; i += 1) {
        const rv_relay push = {.edge = life_of(EDGE + 1),
                               .edge_sequence = i + 1,
                               .body = rv_bytes_of(body, i % 2 == 0 ? sizeof body : 64)};
        status = rv_node_relay_keep(f->node, &push, &f->err);
        if (status == RV_OUTBOX_FULL) { /* the same again, in less room */
            const rv_edge_life life = life_of(EDGE + 1);
            status = rv_node_relay_drop(f->node, &life, &f->err);
        }
        fixture_poll(f->node);
    }
    return status == RV_BUSY || status == RV_PENDING;
}

static bool bring(fixture *f, way w) {
    const rv_error broken = {.status = RV_STORAGE_FAILED, .detail = "broken", .detail_len = 6};
    switch (w) {
    case FAILED:
        return rv_node_fail(f->node, &broken) == RV_STORAGE_FAILED;
    case CLOSED:
        return fixture_close(f->node, &f->err) == RV_END;
    case GOING_BACK:
        return go_back(f) == RV_OK;
    case IN_A_BATCH:
        return rv_node_receive_begin(f->node, &f->err) == RV_OK;
    default:
        return fill_buffer(f);
    }
}

/* True when the call fails with that status, and nothing is other than before. */
static bool is_refused(fixture *f, const char *name, rv_status (*make)(fixture *f),
                       rv_status wanted) {
    const facts before = facts_of(f->node);
    f->err.status = RV_OK;
    const rv_status status = make(f);
    const facts now = facts_of(f->node);
    if (status != wanted || !same(&now, &before)) {
        fprintf(stderr, "%s: %s, %s\n", name, rv_status_code(status), f->err.detail);
        return false;
    }
    return true;
}

RV_TEST(an_edge_that_cannot_be_written_is_as_it_was) {
    for (way w = FAILED; w < WAYS; w++) {
        pair p = edge_create();
        RV_CHECK(bring(&p.edge, w));
        for (size_t i = 0; i < CALLS; i += 1) {
            const call *const c = &calls[i];
            RV_CHECK(!is_made(w, c) || is_refused(&p.edge, c->name, c->make, expected(w, c)));
        }
        RV_CHECK(w != IN_A_BATCH || is_refused(&p.edge, "begin", command_begins, RV_BUSY));
        RV_CHECK(!is_made(w, &calls[CALLS - 1]) || rv_node_outbox(p.edge.node).pending == 2);
        edge_free(&p);
    }
}

/* Where the disk answers again, what was refused is done. */
RV_TEST(an_edge_whose_disk_answers_again_goes_on) {
    for (size_t i = 0; i < CALLS; i += 1) {
        pair p = edge_create();
        RV_CHECK(fill_buffer(&p.edge));
        rv_status status = calls[i].make(&p.edge);
        RV_CHECK_STATUS(status, is_made(NO_ANSWER, &calls[i]) ? RV_BUSY : RV_OK);
        set_disk(0);
        for (int n = 0; n < FIXTURE_POLLS_MAX && status == RV_BUSY; n++) {
            rv_sim_disk_advance(disk, UINT64_C(1) << 41);
            fixture_poll(p.edge.node);
            status = calls[i].make(&p.edge);
        }
        RV_CHECK_STATUS(status, RV_OK);
        edge_free(&p);
    }
}

/* A command that has begun when the node fails: nobody takes what it made. */
RV_TEST(a_command_that_has_begun) {
    for (int refuses = 0; refuses < 2; refuses++) {
        pair p = edge_create();
        rv_pending due;
        const rv_error no = {.status = RV_REQUEST_INVALID};
        const rv_append event = fixture_event("/accounts/1", "withdrawn", "{\"amount\":2}");
        RV_CHECK_STATUS(begin_command(&p.edge, &due), RV_OK);
        RV_CHECK(bring(&p.edge, FAILED));
        const facts before = facts_of(p.edge.node);
        RV_CHECK_STATUS(
            refuses ? rv_node_command_refuse(p.edge.node, 3, &no, NULL)
                    : rv_node_command_done(p.edge.node, 3, &event, 1, results, &written, NULL),
            refuses ? RV_READ_ONLY : RV_NOT_FOUND);
        const facts now = facts_of(p.edge.node);
        RV_CHECK(same(&now, &before));
        rv_node_command_end(p.edge.node);
        edge_free(&p);
    }
}

/* A durable command that may be sent says so in the log first, and cannot. */
RV_TEST(a_command_does_not_leave) {
    for (way w = FAILED; w < WAYS; w++) {
        pair p = edge_create();
        rv_pending batch;
        RV_CHECK_STATUS(command_changed(&p.edge), RV_OK);
        rv_node_command_end(p.edge.node);
        RV_CHECK(fixture_settle(p.edge.node) && bring(&p.edge, w));
        RV_CHECK(rv_node_pending(p.edge.node, 2, &batch) && !batch.due && batch.durable);
        const facts before = facts_of(p.edge.node);
        RV_CHECK(!rv_node_command_may_leave(p.edge.node, &batch));
        const facts now = facts_of(p.edge.node);
        RV_CHECK(same(&now, &before));
        edge_free(&p);
    }
}

/* --- the root --- */

static rv_status append_one(fixture *f) {
    const rv_append event = fixture_event("/accounts/1", "deposited", "{\"amount\":1}");
    return rv_node_append(f->node, &event, 1, results, &f->err);
}

static rv_status apply_more(fixture *f) {
    return rv_node_schema_apply(f->node, RV_LITERAL("CREATE TYPE t AS ENUM ('a')"), results,
                                &f->err);
}

static rv_status decide_push(fixture *f) {
    rv_append event = fixture_event("/accounts/1", "nothing", "");
    event.has_event_id = true;
    const rv_edge_life life = life_of(EDGE);
    const rv_push push = {.edge = life,
                          .edge_sequence = rv_node_last_decided(f->node, &life) + 1,
                          .written_at = 1,
                          .schema_version = 1,
                          .events = &event,
                          .count = 1};
    return rv_node_decide(f->node, &push, results, &decision, &f->err);
}

static rv_status lease_keys(fixture *f) {
    const rv_lease_request request = {.edge = life_of(EDGE), .count = 256};
    rv_lease lease;
    return rv_node_lease(f->node, &request, &lease, &f->err);
}

static rv_status begin_epoch(fixture *f) {
    return rv_node_epoch_begin(f->node, &f->err);
}

static const call root_calls[] = {
    {"append", append_one, false},     {"apply", apply_more, false}, {"decide", decide_push, false},
    {"settle", settle_decided, false}, {"lease", lease_keys, false}, {"epoch", begin_epoch, false},
};

static fixture root_create(void) {
    fixture f = {.node_memory = malloc(FIXTURE_NODE_MEMORY)};
    const rv_sim_disk_options options = {.seed = 3, .now = INT64_C(1700000000000000)};
    rv_event event;
    disk = rv_sim_disk_create(disk_memory, DISK_MEMORY, &options);
    if (fixture_open_on(rv_sim_disk_interface(disk), f.node_memory, FIXTURE_NODE_MEMORY,
                        RV_ROLE_ROOT, NULL, &f.node, &f.err) != RV_OK ||
        fixture_apply_schema(f.node, &event, &f.err) != RV_OK ||
        fixture_append(&f, "/accounts/1", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        decide_push(&f) != RV_OK || !fixture_settle(f.node)) {
        fprintf(stderr, "root: %s\n", f.err.detail);
        abort();
    }
    return f;
}

/* Appends until the log's buffer has no room. */
static bool fill_root(fixture *f) {
    static char data[6000];
    rv_status status = RV_OK;
    const int len = snprintf(data, sizeof data, "{\"note_id\":1,\"body\":\"%5000d\"}", 1);
    RV_ASSERT(len < (int)sizeof data);
    set_disk(100);
    for (int i = 0; i < 4000 && status == RV_OK; i += 1) {
        snprintf(data, sizeof data, "{\"note_id\":%d,\"body\":\"%*d\"}", i + 1,
                 i % 2 == 0 ? 5000 : 10, 1);
        const rv_append event = fixture_event("/accounts/1", "noted", data);
        status = rv_node_append(f->node, &event, 1, results, &f->err);
        fixture_poll(f->node);
    }
    return status == RV_BUSY || status == RV_PENDING;
}

RV_TEST(a_root_that_cannot_be_written_is_as_it_was) {
    static const way ways[] = {FAILED, CLOSED, NO_ANSWER};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i += 1) {
        fixture f = root_create();
        RV_CHECK(ways[i] == NO_ANSWER ? fill_root(&f) : bring(&f, ways[i]));
        for (size_t k = 0; k < sizeof root_calls / sizeof root_calls[0]; k += 1) {
            const call *const c = &root_calls[k];
            RV_CHECK(is_refused(&f, c->name, c->make, expected(ways[i], c)));
        }
        free(f.node_memory);
    }
    fixture f = root_create();
    for (size_t k = 0; k < sizeof root_calls / sizeof root_calls[0]; k += 1) {
        RV_CHECK_STATUS(root_calls[k].make(&f), RV_OK);
    }
    free(f.node_memory);
}

int main(void) {
    disk_memory = malloc(DISK_MEMORY);
    RV_RUN(an_edge_that_cannot_be_written_is_as_it_was);
    RV_RUN(an_edge_whose_disk_answers_again_goes_on);
    RV_RUN(a_command_that_has_begun);
    RV_RUN(a_command_does_not_leave);
    RV_RUN(a_root_that_cannot_be_written_is_as_it_was);
    free(disk_memory);
    return rv_test_done();
}
