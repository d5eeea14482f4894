/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever happens, and in whatever order, each batch that was durable at the edge ends up in
 * the root's log exactly once or among the rejections, never both, and edge and root agree. Method:
 * stories made from a seed (writes and appends, with and without expected versions; cuts; crashes
 * of either side, in which what was not flushed is lost), against a list of what was written.
 */
#include "tests/unit/sync/duo.h"

#define WRITES_MAX 256
#define ACTS       160
#define SEEDS      40

/* A batch of one event that the edge has taken. */
typedef struct write_twin {
    uint64_t edge_sequence;
    bool local; /* it was durable */
    bool lost;  /* it was not known to be, and the edge crashed: it may be gone */
    unsigned at_root;
    bool rejected;
} write_twin;

typedef struct story {
    duo *d;
    uint64_t random;
    write_twin writes[WRITES_MAX];
    unsigned count;
    unsigned cuts;
    unsigned crashes;
} story;

static unsigned draw(story *s, unsigned below) {
    return (unsigned)(rv_test_random(&s->random) % below);
}

static void id_of(unsigned index, uint8_t *id) {
    memset(id, 0x40, 16);
    memcpy(id, &index, sizeof index);
}

/* Which of the edge's writes are durable now. */
static void note_local(story *s) {
    const uint64_t durable = rv_node_outbox(s->d->leaf.node).durable;
    for (unsigned i = 0; i < s->count; i++) {
        write_twin *const w = &s->writes[i];
        w->local = w->local || (!w->lost && w->edge_sequence <= durable);
    }
}

/* An event of account 1, 2 or 3, expecting what is not always so. */
static rv_append make(story *s, bool edge, char *path, char *data) {
    const unsigned account = 1 + draw(s, 3);
    const bool out = draw(s, 3) == 0;
    snprintf(path, 32, "/accounts/%u", account);
    snprintf(data, 64, "{\"amount\":%u}", 1 + draw(s, out ? 12 : 4));
    rv_append e = fixture_event(path, out ? "withdrawn" : "deposited", data);
    uint32_t stream = 0;
    rv_state *const state = rv_node_state(edge ? s->d->leaf.node : s->d->root.node);
    if (draw(s, 2) == 0 && rv_state_stream_find(state, e.path, &stream)) {
        rv_stream_head head;
        rv_state_stream(state, stream, &head);
        e.expected = RV_EXPECTED_NUMBER;
        e.expected_version = head.version;
    }
    return e;
}

static void write_some(story *s) {
    char path[32];
    char data[64];
    fixture_poll(s->d->leaf.node); /* what it shows is what the decisions have left */
    rv_append e = make(s, true, path, data);
    rv_written written;
    if (s->count == WRITES_MAX) {
        return;
    }
    e.has_event_id = true;
    id_of(s->count, e.event_id);
    const rv_status status = duo_write(s->d, &e, 1, &written);
    if (status == RV_OK) {
        s->writes[s->count] = (write_twin){.edge_sequence = written.edge_sequence};
        s->count += 1;
    }
    /* after a crash the account may not have come again yet */
    RV_CHECK(status == RV_OK || status == RV_CHECK_VIOLATION || status == RV_OUTBOX_FULL ||
             status == RV_UNKNOWN_REFERENCE);
}

static void crash_leaf(story *s) {
    note_local(s);
    duo_crash(s->d, &s->d->leaf);
    /* what comes next may take the number of what was lost */
    for (unsigned i = 0; i < s->count; i++) {
        s->writes[i].lost = s->writes[i].lost || !s->writes[i].local;
    }
    s->crashes += 1;
}

static void act(story *s) {
    char path[32];
    char data[64];
    const unsigned what = draw(s, 100);
    if (what < 35) {
        write_some(s);
    } else if (what < 50) {
        const rv_append e = make(s, false, path, data);
        rv_event result;
        const rv_status status = fixture_append_all(s->d->root.node, &e, 1, &result, &s->d->err);
        RV_CHECK(status == RV_OK || status == RV_CHECK_VIOLATION);
    } else if (what < 55) {
        duo_cut(s->d);
        s->cuts += 1;
    } else if (what < 58) {
        crash_leaf(s);
    } else if (what < 60) {
        /* what the root acknowledged to nobody may be lost */
        const uint64_t durable = rv_node_watermark_durable(s->d->root.node);
        duo_crash(s->d, &s->d->root);
        RV_CHECK(rv_node_watermark(s->d->root.node) >= durable);
        s->crashes += 1;
    } else {
        for (unsigned i = draw(s, 30); i > 0; i--) {
            if (s->d->session == NULL && draw(s, 8) == 0) {
                duo_connect(s->d);
            }
            (void)duo_step(s->d);
            note_local(s);
        }
    }
}

/* Counts what the root has of each write. */
static void count_at_root(story *s) {
    rv_subscription log;
    rv_event event;
    rv_bytes path;
    rv_status status = RV_OK;
    rv_subscription_open(&log, s->d->root.node, NULL, 0, 1);
    for (int i = 0; i < DUO_STEPS_MAX && status != RV_END; i++) {
        status = rv_subscription_next(&log, 100, &event, &path, &s->d->err);
        unsigned index = UINT32_MAX;
        memcpy(&index, event.event_id, sizeof index);
        if (status == RV_OK && event.foreign_id && index < s->count) {
            s->writes[index].at_root += 1;
        } else if (status == RV_PENDING) {
            rv_sim_disk_advance(s->d->root.disk, DUO_STEP_US);
            fixture_poll(s->d->root.node);
        }
    }
}

static void check_end(story *s) {
    uint64_t after = 0;
    rv_rejection r;
    count_at_root(s);
    while (rv_node_rejection(s->d->leaf.node, after, &r)) {
        rv_pending_cursor cursor = {0};
        rv_pending_event event;
        unsigned index = UINT32_MAX;
        RV_CHECK(rv_node_pending_event(s->d->leaf.node, &r.batch, &cursor, &event));
        memcpy(&index, event.event_id, sizeof index);
        RV_CHECK(index < s->count);
        s->writes[index].rejected = true;
        after = r.batch.edge_sequence;
    }
    for (unsigned i = 0; i < s->count; i++) {
        const write_twin *const w = &s->writes[i];
        RV_CHECK(w->at_root <= 1);
        RV_CHECK(!(w->at_root == 1 && w->rejected));
        RV_CHECK(w->lost || w->at_root == 1 || w->rejected);
    }
    RV_CHECK_EQ(fixture_forks(s->d->edge->node), 0);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s->d->root.node),
                                  rv_node_state_hash(s->d->leaf.node)));
}

RV_TEST(stories_from_seeds) {
    static story s;
    unsigned accepted = 0;
    unsigned rejected = 0;
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        memset(&s, 0, sizeof s);
        s.random = seed;
        s.d = duo_create();
        for (unsigned i = 1; i <= 3; i++) {
            RV_CHECK_STATUS(duo_append(s.d, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                            RV_OK);
        }
        RV_CHECK(duo_run(s.d));
        for (unsigned i = 0; i < ACTS; i++) {
            act(&s);
            RV_CHECK_PASSED();
        }
        RV_CHECK(duo_run(s.d));
        note_local(&s);
        check_end(&s);
        if (rv_test_failed) {
            fprintf(stderr, "seed %u\n", (unsigned)seed);
        }
        RV_CHECK_PASSED();
        for (unsigned i = 0; i < s.count; i++) {
            accepted += s.writes[i].at_root;
            rejected += s.writes[i].rejected;
            lost += s.writes[i].lost;
        }
        duo_free(s.d);
    }
    RV_CHECK(accepted > 500 && rejected > 50 && lost > 10); /* there is something to check */
}

int main(void) {
    RV_RUN(stories_from_seeds);
    return rv_test_done();
}
