/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever an upstream sends out of its order, an edge refuses the batch whole, says what was
 * wrong, and takes the right one afterwards; and a node is not adopted by an upstream that is not
 * its own. Method: an edge that has the schema and one account; each event of a good batch wrong in
 * one way, the batch cancelled, the state hash beside that before; then the good batch.
 */
#include "tests/unit/node_fixture.h"

static const uint8_t log_id[16] = {7};

/* The data of an event as a root writes it. */
static size_t data_of(const char *path, const char *type, const char *json, uint8_t *to) {
    fixture root = fixture_root(40);
    const rv_append first = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    const rv_append append = fixture_event(path, type, json);
    rv_event made = {.data = {NULL, 0}};
    if (fixture_append_all(root.node, &first, 1, &made, &root.err) != RV_OK ||
        fixture_append_all(root.node, &append, 1, &made, &root.err) != RV_OK) {
        abort();
    }
    memcpy(to, made.data.ptr, made.data.len);
    fixture_free(&root);
    return made.data.len;
}

static rv_status begin(fixture *edge) {
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY);
         i += 1) {
        status = rv_node_receive_begin(edge->node, &edge->err);
        fixture_poll(edge->node);
    }
    return status;
}

/* Receives the schema at position 1 and accounts 1 and 2, at 2 and 3. */
static fixture edge_create(uint64_t seed) {
    fixture edge = fixture_create(seed);
    uint8_t data[64];
    rv_event schema = {.position = 1,
                       .version = 1,
                       .type = RV_SYSTEM_SCHEMA_TYPE,
                       .schema_version = 1,
                       .batch_end = true,
                       .data = rv_bytes_of_string(fixture_schema)};
    bool good =
        fixture_open(&edge, RV_ROLE_EDGE, "/accounts/**") == RV_OK &&
        rv_node_adopt(edge.node, log_id, 3, 5, &edge.err) == RV_OK && begin(&edge) == RV_OK &&
        rv_node_receive_stream(edge.node, RV_LITERAL(RV_SYSTEM_SCHEMA_PATH), &schema.stream,
                               &edge.err) == RV_OK &&
        rv_node_receive_event(edge.node, &schema, &edge.err) == RV_OK &&
        rv_node_receive_commit(edge.node, 1, 11, &edge.err) == RV_OK && begin(&edge) == RV_OK;
    rv_event opened = {.position = 2, .version = 1, .schema_version = 1, .batch_end = true};
    opened.data =
        rv_bytes_of(data, data_of("accounts", "account_opened", "{\"name\":\"b\"}", data));
    good = good &&
           rv_node_receive_stream(edge.node, RV_LITERAL("/accounts/2"), &opened.stream,
                                  &edge.err) == RV_OK &&
           rv_node_receive_event(edge.node, &opened, &edge.err) == RV_OK &&
           rv_node_receive_commit(edge.node, 2, 12, &edge.err) == RV_OK &&
           fixture_settle(edge.node);
    if (!good) {
        fprintf(stderr, "%s\n", edge.err.detail);
        abort();
    }
    return edge;
}

typedef struct wrong {
    const char *path; /* of its stream */
    uint64_t position;
    uint64_t version;
    uint16_t type;
    uint16_t schema_version;
    uint32_t stream_more; /* added to the stream's number */
    size_t len;           /* of the data; 0: as it is */
    const char *what;     /* part of what is said */
} wrong;

static const wrong wrongs[] = {
    {"/accounts/2", 3, 2, 1, 1, 9, 0, "of no stream"},
    {"/accounts/2", 2, 2, 1, 1, 0, 0, "out of order"},
    {"/accounts/2", UINT64_MAX, 2, 1, 1, 0, 0, "out of order"},
    {"/accounts/2", 3, 3, 1, 1, 0, 0, "versions out of order"},
    {"/accounts/2", 3, 2, RV_SYSTEM_SCHEMA_TYPE, 2, 0, 0, "does not take it"},
    {RV_SYSTEM_SCHEMA_PATH, 3, 2, 1, 1, 0, 0, "does not take it"},
    {RV_SYSTEM_SCHEMA_PATH, 3, 2, RV_SYSTEM_SCHEMA_TYPE, 5, 0, 0, "schema change out of order"},
    {"/accounts/2", 3, 2, 99, 1, 0, 0, "unknown type"},
    {"/accounts/2", 3, 2, 1, 1, 0, RV_EVENT_LEN_MAX + 1, "too large"},
    {"/accounts/7", 3, 1, 1, 1, 0, 0, "another stream than its data names"},
};

RV_TEST(events_that_are_wrong_in_one_way_each) {
    static uint8_t data[RV_EVENT_LEN_MAX + 1];
    const size_t len = data_of("/accounts/1", "deposited", "{\"amount\":5}", data);
    fixture edge = edge_create(41);
    const rv_hash128 before = rv_node_state_hash(edge.node);
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i += 1) {
        const wrong *const w = &wrongs[i];
        rv_event event = {.position = w->position,
                          .version = w->version,
                          .type = w->type,
                          .schema_version = w->schema_version,
                          .data = rv_bytes_of(data, w->len > 0 ? w->len : len)};
        RV_CHECK_STATUS(begin(&edge), RV_OK);
        RV_CHECK_STATUS(rv_node_receive_stream(edge.node, rv_bytes_of_string(w->path),
                                               &event.stream, &edge.err),
                        RV_OK);
        event.stream += w->stream_more;
        const rv_status status = rv_node_receive_event(edge.node, &event, &edge.err);
        if (strstr(edge.err.detail, w->what) == NULL) {
            fprintf(stderr, "case %u: %s\n", (unsigned)i, edge.err.detail);
        }
        RV_CHECK_STATUS(status, RV_PROTOCOL_ERROR);
        RV_CHECK(strstr(edge.err.detail, w->what) != NULL);
        rv_node_receive_cancel(edge.node);
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(edge.node), before));
    }
    fixture_free(&edge);
}

/* Streams are numbered by their first events; what a batch names, it has events of. */
RV_TEST(streams_without_events_and_in_another_order) {
    uint8_t data[64];
    const size_t len = data_of("/accounts/1", "deposited", "{\"amount\":5}", data);
    fixture edge = edge_create(42);
    const rv_hash128 before = rv_node_state_hash(edge.node);
    uint32_t first = 0, second = 0;
    RV_CHECK_STATUS(begin(&edge), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_stream(edge.node, RV_LITERAL("/accounts/5"), &first, &edge.err),
                    RV_OK);
    RV_CHECK_STATUS(
        rv_node_receive_stream(edge.node, RV_LITERAL("/accounts/1"), &second, &edge.err), RV_OK);
    rv_event event = {.position = 3, .version = 1, .type = 1, .schema_version = 1};
    event.stream = second;
    event.data = rv_bytes_of(data, len);
    RV_CHECK_STATUS(rv_node_receive_event(edge.node, &event, &edge.err), RV_PROTOCOL_ERROR);
    RV_CHECK(strstr(edge.err.detail, "streams out of order") != NULL);
    rv_node_receive_cancel(edge.node);
    rv_node_receive_cancel(edge.node); /* once more changes nothing */
    RV_CHECK_STATUS(begin(&edge), RV_OK);
    RV_CHECK_STATUS(
        rv_node_receive_stream(edge.node, RV_LITERAL("/accounts/1"), &second, &edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_commit(edge.node, 3, 5, &edge.err), RV_PROTOCOL_ERROR);
    event.stream = second;
    RV_CHECK_STATUS(rv_node_receive_event(edge.node, &event, &edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_commit(edge.node, 2, 5, &edge.err), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(rv_node_receive_commit(edge.node, UINT64_MAX, 5, &edge.err), RV_PROTOCOL_ERROR);
    rv_node_receive_cancel(edge.node);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(edge.node), before));
    RV_CHECK_STATUS(begin(&edge), RV_OK);
    RV_CHECK_STATUS(
        rv_node_receive_stream(edge.node, RV_LITERAL("/accounts/1"), &event.stream, &edge.err),
        RV_OK);
    RV_CHECK_STATUS(rv_node_receive_event(edge.node, &event, &edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_commit(edge.node, 9, 5, &edge.err), RV_OK);
    RV_CHECK_EQ(rv_node_watermark(edge.node), 9);
    fixture_free(&edge);
}

RV_TEST(an_upstream_that_is_not_its_own) {
    const uint8_t other[16] = {8};
    fixture edge = edge_create(43);
    fixture root = fixture_root(44);
    fixture fresh = fixture_create(45);
    RV_CHECK_STATUS(rv_node_adopt(edge.node, log_id, 3, 5, &edge.err), RV_OK);
    RV_CHECK_STATUS(rv_node_adopt(edge.node, log_id, 4, 5, &edge.err), RV_UPSTREAM_DIVERGED);
    RV_CHECK_STATUS(rv_node_adopt(edge.node, log_id, 3, 6, &edge.err), RV_UPSTREAM_DIVERGED);
    RV_CHECK_STATUS(rv_node_adopt(edge.node, other, 3, 5, &edge.err), RV_UPSTREAM_OTHER_LOG);
    RV_CHECK_STATUS(rv_node_adopt(root.node, log_id, 3, 5, &root.err), RV_NOT_ROOT);
    RV_CHECK(!rv_node_busy(root.node) || rv_log_working(rv_node_log(root.node)));
    RV_CHECK_STATUS(fixture_close(root.node, &root.err), RV_END);
    RV_CHECK(!rv_node_busy(root.node));
    rv_memory_host_reopen(root.storage);
    RV_CHECK_STATUS(fixture_open(&root, RV_ROLE_EDGE, "/**"), RV_NOT_ROOT);
    RV_CHECK(strstr(root.err.detail, "is a root's") != NULL);
    RV_CHECK_STATUS(fixture_open(&fresh, RV_ROLE_EDGE, "/**"), RV_OK);
    RV_CHECK_STATUS(rv_node_receive_begin(fresh.node, &fresh.err), RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(rv_node_adopt(fresh.node, log_id, 3, UINT64_MAX, &fresh.err),
                    RV_PROTOCOL_ERROR);
    RV_CHECK_STATUS(rv_node_adopt(fresh.node, log_id, 3, 5, &fresh.err), RV_OK);
    RV_CHECK_STATUS(fixture_close(fresh.node, &fresh.err), RV_END);
    RV_CHECK_STATUS(rv_node_adopt(fresh.node, log_id, 3, 5, &fresh.err), RV_CLOSING);
    RV_CHECK_STATUS(rv_node_receive_begin(fresh.node, &fresh.err), RV_CLOSING);
    RV_CHECK_STATUS(fixture_close(fresh.node, &fresh.err), RV_END);
    fixture_free(&edge);
    fixture_free(&root);
    fixture_free(&fresh);
}

/* A checkpoint is neither begun nor goes on in the middle of a batch. */
RV_TEST(no_checkpoint_in_a_batch) {
    fixture_checkpoint_growth = 1;
    fixture edge = edge_create(46);
    for (unsigned i = 0; i < 1000 && rv_node_busy(edge.node); i += 1) {
        fixture_poll(edge.node);
    }
    const uint32_t written = rv_node_checkpoint_of(edge.node)->written;
    RV_CHECK(written > 0);
    RV_CHECK_STATUS(begin(&edge), RV_OK);
    for (unsigned i = 0; i < 100; i += 1) {
        fixture_poll(edge.node);
        RV_CHECK(!rv_node_busy(edge.node) || rv_log_working(rv_node_log(edge.node)));
    }
    RV_CHECK_EQ(rv_node_checkpoint_of(edge.node)->written, written);
    RV_CHECK_STATUS(rv_node_receive_commit(edge.node, 5, 5, &edge.err), RV_OK);
    RV_CHECK(fixture_settle(edge.node));
    for (unsigned i = 0; i < 1000 && rv_node_busy(edge.node); i += 1) {
        fixture_poll(edge.node);
    }
    RV_CHECK_EQ(rv_node_checkpoint_of(edge.node)->written, written + 1);
    fixture_checkpoint_growth = 0;
    fixture_free(&edge);
}

int main(void) {
    RV_RUN(events_that_are_wrong_in_one_way_each);
    RV_RUN(streams_without_events_and_in_another_order);
    RV_RUN(an_upstream_that_is_not_its_own);
    RV_RUN(no_checkpoint_in_a_batch);
    return rv_test_done();
}
