/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an event whose data is not understood is held, passed on and shown as bytes; its stream
 * counts it; the aggregates that it feeds are stale since its position, which goes away when it is
 * understood; a root takes no appends then, an edge leaves what it cannot know to the root.
 * Method: data that is cut or has more behind it, put into a root's log past the node, and handed
 * to an edge as received; opened again, with checkpoints asked for all the time.
 */
#include "tests/unit/core/forging.h"
#include "tests/unit/core/outbox_pair.h"

/* The JSON of the last event of all. */
static bool shows_last(fixture *f, const char *what) {
    static uint8_t text[4096];
    rv_path_pattern pattern;
    rv_subscription s;
    rv_event event;
    rv_bytes path;
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    rv_status status = rv_path_pattern_parse(RV_LITERAL("/**"), &pattern, &f->err);
    rv_subscription_open(&s, f->node, &pattern, 1, 1);
    for (unsigned i = 0; i < 1000 && (status == RV_OK || status == RV_PENDING); i += 1) {
        status = rv_subscription_next(&s, 10, &event, &path, &f->err);
        if (status == RV_OK) {
            w.len = 0;
            rv_event_to_json(rv_node_schema(f->node), &event, path, &w);
        }
        fixture_poll(f->node);
    }
    text[w.len] = 0;
    if (strstr((const char *)text, what) == NULL) {
        fprintf(stderr, "%s\n", (const char *)text);
    }
    return status == RV_END && strstr((const char *)text, what) != NULL;
}

RV_TEST(a_root_reads_what_it_does_not_understand_and_judges_nothing) {
    fixture_checkpoint_growth = UINT64_MAX;
    fixture f = forge_opaque();
    uint64_t since = 0;
    rv_hash128 hash = {0, 0};
    for (unsigned round = 0; round < 3; round++) {
        RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
        fixture_checkpoint_growth = 1; /* one after the other, if one may be written */
        RV_CHECK_EQ(rv_node_watermark(f.node), 5);
        RV_CHECK_EQ(rv_node_opaque_events(f.node), 1);
        RV_CHECK_EQ(rv_node_stale_count(f.node), 1);
        RV_CHECK(rv_node_stale(f.node, 0, &since));
        RV_CHECK_EQ(since, 5);
        RV_CHECK(!rv_node_stale(f.node, 1, &since));
        RV_CHECK_EQ(balance_of(&f, 1), 5);
        uint32_t stream = 0;
        rv_stream_head head;
        RV_CHECK(rv_state_stream_find(rv_node_state(f.node), RV_LITERAL("/accounts/1"), &stream));
        rv_state_stream(rv_node_state(f.node), stream, &head);
        RV_CHECK_EQ(head.version, 3);
        RV_CHECK(shows_last(&f, "\"data\":\"\\\\x00020a7f\",\"opaque\":true,\"metadata\":null"));
        RV_CHECK_STATUS(fixture_append(&f, "/accounts/2", "deposited", "{\"amount\":5}"),
                        RV_READ_ONLY);
        RV_CHECK(strstr(f.err.facts, "\"opaque_events\":1") != NULL);
        const rv_hash128 now = rv_node_state_hash(f.node);
        RV_CHECK(round == 0 || fixture_hashes_equal(hash, now));
        RV_CHECK(!fixture_hashes_equal(
            now, rv_state_hash(rv_node_state(f.node), rv_node_watermark(f.node))));
        hash = now;
        for (unsigned i = 0; i < 100; i++) {
            fixture_poll(f.node);
        }
        RV_CHECK_EQ(rv_node_checkpoint_of(f.node)->written, 0);
    }
    fixture_checkpoint_growth = 0;
    fixture_free(&f);
}

/* The checkpoint from before stays the one to begin from. */
RV_TEST(a_checkpoint_from_before_is_where_a_version_that_understands_begins) {
    fixture_checkpoint_growth = 1;
    fixture f = forge_opaque();
    RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
    const rv_node_checkpoint *const facts = rv_node_checkpoint_of(f.node);
    RV_CHECK_EQ(facts->opened_by, RV_OPENED_BY_CHECKPOINT);
    for (unsigned round = 0; round < 2; round++) {
        RV_CHECK(facts->position < 5);
        RV_CHECK_EQ(rv_node_stale_count(f.node), 1);
        RV_CHECK_STATUS(forge_open_again(&f), RV_OK);
    }
    fixture_checkpoint_growth = 0;
    fixture_free(&f);
}

/* --- at an edge --- */

static rv_status receive(pair *p, const char *path, rv_event *event) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_receive_begin(p->edge.node, &p->edge.err);
        fixture_poll(p->edge.node);
    }
    status = status == RV_OK ? rv_node_receive_stream(p->edge.node, rv_bytes_of_string(path),
                                                      &event->stream, &p->edge.err)
                             : status;
    event->position = rv_node_watermark(p->edge.node) + 1;
    event->recorded_at = INT64_C(1700000000000000);
    event->written_at = event->recorded_at;
    event->schema_version = 1;
    event->batch_end = true;
    return status == RV_OK ? rv_node_receive_event(p->edge.node, event, &p->edge.err) : status;
}

static rv_status commit(pair *p) {
    return rv_node_receive_commit(p->edge.node, rv_node_watermark(p->edge.node) + 1, 77,
                                  &p->edge.err);
}

/* A stream that begins with what is not understood, events that are, and one of another aggregate.
 */
RV_TEST(an_edge_goes_on_with_what_it_understands) {
    pair p = pair_of(EVERYTHING);
    uint64_t since = 0;
    rv_event opened = {.type = 0, .version = 1, .data = RV_LITERAL("\x00\x0e\xff")};
    rv_event paid = {.type = 1, .version = 2, .data = RV_LITERAL("\x00\x0e\x0a")};
    rv_event other = {.type = 0,
                      .version = 1,
                      .data = RV_LITERAL("\x00\x06\x01"
                                         "b")};
    /* cancelled, there is nothing of it */
    RV_CHECK_STATUS(receive(&p, "/accounts/7", &opened), RV_OK);
    RV_CHECK_EQ(rv_node_stale_count(p.edge.node), 1);
    rv_node_receive_cancel(p.edge.node);
    RV_CHECK_EQ(rv_node_stale_count(p.edge.node), 0);
    RV_CHECK_EQ(rv_node_opaque_events(p.edge.node), 0);
    RV_CHECK_STATUS(receive(&p, "/accounts/7", &opened), RV_OK);
    RV_CHECK_STATUS(commit(&p), RV_OK);
    RV_CHECK_STATUS(receive(&p, "/accounts/7", &paid), RV_OK); /* of a row that is not there */
    RV_CHECK_STATUS(commit(&p), RV_OK);
    RV_CHECK_STATUS(receive(&p, "/accounts/3", &other), RV_OK);
    RV_CHECK_STATUS(commit(&p), RV_OK);
    RV_CHECK(fixture_settle(p.edge.node));
    const rv_hash128 hash = rv_node_state_hash(p.edge.node);
    for (unsigned round = 0; round < 3; round++) {
        RV_CHECK_EQ(rv_node_watermark(p.edge.node), 4);
        RV_CHECK_EQ(balance_of(&p.edge, 7), -1);
        RV_CHECK_EQ(balance_of(&p.edge, 3), round == 2 ? 5 : 0);
        RV_CHECK(rv_node_stale(p.edge.node, 0, &since));
        RV_CHECK_EQ(since, 2);
        RV_CHECK(!rv_node_stale(p.edge.node, 1, &since));
        RV_CHECK_EQ(rv_node_opaque_events(p.edge.node), 1);
        RV_CHECK(fixture_hashes_equal(rv_node_state_hash(p.edge.node), hash));
        if (round == 1) {
            /* a row that may be there is for the root to know; so is what this one's has */
            const rv_append append = fixture_event("/accounts/3", "deposited", "{\"amount\":5}");
            const rv_append noted =
                fixture_event("/accounts/9", "noted", "{\"note_id\":1,\"body\":\"x\"}");
            rv_event result;
            rv_written written;
            RV_CHECK_STATUS(write_all(&p.edge, &append, 1, &result, &written), RV_OK);
            RV_CHECK_STATUS(write_all(&p.edge, &noted, 1, &result, &written), RV_OK);
            RV_CHECK(written.unchecked);
        }
        RV_CHECK(fixture_settle(p.edge.node));
        RV_CHECK_STATUS(reopen(&p.edge), RV_OK);
    }
    pair_free(&p);
}

int main(void) {
    RV_RUN(a_root_reads_what_it_does_not_understand_and_judges_nothing);
    RV_RUN(a_checkpoint_from_before_is_where_a_version_that_understands_begins);
    RV_RUN(an_edge_goes_on_with_what_it_understands);
    return rv_test_done();
}
