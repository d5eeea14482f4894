/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a subscription with a guide yields what one without yields, says the same of where it is,
 * and looks at little else where its patterns match few events.
 * Method: logs of random batches over many accounts, most of them rare, long enough that runs of
 * the index hold most of them. Random selections are read with a guide and without, also while the
 * log grows by new streams that they select; each (watermark, chain hash) that is said must be the
 * end of a batch before which all that matches was yielded. Each call looks at one event that does
 * not match, so that calls count these.
 */
#include "core/engine/checkpoint.h"
#include "core/engine/internal.h"
#include "core/live/guide.h"
#include "core/log/internal.h"
#include "tests/unit/node_fixture.h"

#define EVENTS_MAX   12000
#define PATTERNS_MAX 4
#define CALLS_MAX    100000

typedef struct world {
    fixture f;
    uint64_t random;
    uint64_t accounts;           /* that exist, from 1 on */
    uint64_t chains[EVENTS_MAX]; /* by watermark, where a batch ends there */
    bool ends[EVENTS_MAX];
} world;

/* A selection, and where it is read from and to. */
typedef struct selection {
    char texts[PATTERNS_MAX][48];
    rv_path_pattern patterns[PATTERNS_MAX];
    size_t count;
    bool system;
    uint64_t from;
    uint64_t until;
} selection;

typedef struct reading {
    rv_subscription s;
    uint64_t sequences[EVENTS_MAX];
    uint64_t count;
    uint64_t calls;
} reading;

static uint64_t below(world *w, uint64_t n) {
    return rv_test_random(&w->random) % n;
}

/* A batch of up to `max` events: new accounts now and then, few of the others often. */
static void append(world *w, uint64_t max) {
    rv_append events[16];
    rv_event results[16];
    char paths[16][32];
    const uint64_t count = 1 + below(w, max);
    for (uint64_t i = 0; i < count; i++) {
        const bool open = w->accounts < 8 || below(w, 60) == 0;
        const uint64_t often = 1 + below(w, 4);
        const uint64_t account = below(w, 10) > 0 ? often : 1 + below(w, w->accounts + 1);
        snprintf(paths[i], sizeof paths[i], "/accounts/%u", (unsigned)account);
        events[i] = open || account > w->accounts
                        ? fixture_event("accounts", "account_opened", "{\"name\":\"x\"}")
                        : fixture_event(paths[i], "deposited", "{\"amount\":1}");
        w->accounts += open || account > w->accounts;
    }
    RV_CHECK_STATUS(fixture_append_all(w->f.node, events, (size_t)count, results, &w->f.err),
                    RV_OK);
}

static void grow(world *w, uint64_t events) {
    const uint64_t end = rv_node_sequence(w->f.node) + events;
    const uint64_t max = 1 + below(w, 16);
    while (rv_node_sequence(w->f.node) < end && !rv_test_failed) {
        append(w, max);
        if (below(w, 20) == 0) {
            RV_CHECK(fixture_settle(w->f.node));
        }
    }
    RV_CHECK(fixture_settle(w->f.node));
    RV_CHECK(rv_node_sequence(w->f.node) < EVENTS_MAX);
}

/* Where batches end, by reading all. */
static void know_ends(world *w) {
    rv_log_walk walk = {0};
    rv_batch batch;
    rv_status status = RV_OK;
    while (status == RV_OK || status == RV_PENDING) {
        status = rv_log_walk_next(rv_node_log(w->f.node), &walk, &batch, &w->f.err);
        if (status == RV_OK) {
            w->ends[batch.watermark] = true;
            w->chains[batch.watermark] = batch.chain_hash;
        }
        fixture_poll(w->f.node);
    }
    RV_CHECK_STATUS(status, RV_END);
}

static void choose(world *w, selection *x) {
    static const char *const wide[] = {"/accounts/**", "/**", "/*/{id}", RV_SYSTEM_SCHEMA_PATH};
    const uint64_t last = rv_node_sequence_durable(w->f.node);
    x->count = 1 + (size_t)below(w, PATTERNS_MAX);
    for (size_t i = 0; i < x->count; i++) {
        if (below(w, 8) == 0) {
            snprintf(x->texts[i], sizeof x->texts[i], "%s", wide[below(w, 4)]);
        } else {
            snprintf(x->texts[i], sizeof x->texts[i], "/accounts/%u",
                     (unsigned)(1 + below(w, w->accounts + 10)));
        }
        RV_CHECK_STATUS(
            rv_path_pattern_parse(rv_bytes_of_string(x->texts[i]), &x->patterns[i], NULL), RV_OK);
    }
    x->system = x->count == 1 || below(w, 2) == 0; /* else one stream has a way of its own */
    x->from = below(w, 2) == 0 ? 1 : 1 + below(w, last + 2);
    x->until = UINT64_MAX;
    if (below(w, 2) == 0) {
        x->until = 1 + below(w, last);
        while (!w->ends[x->until]) { /* at the root, positions are sequences */
            x->until += 1;
        }
    }
}

static void open_reading(world *w, const selection *x, reading *r) {
    rv_subscription_open(&r->s, w->f.node, x->patterns, x->count, x->from);
    r->s.system = x->system;
    rv_subscription_until(&r->s, x->until);
    r->count = 0;
    r->calls = 0;
}

/* Reads to the end, and checks what is said on the way. */
static void read_all(world *w, reading *r) {
    rv_status status = RV_PENDING;
    rv_event event;
    rv_bytes path;
    while (status != RV_END && r->calls < CALLS_MAX && !rv_test_failed) {
        status = rv_subscription_next(&r->s, 1, &event, &path, &w->f.err);
        RV_CHECK(status == RV_OK || status == RV_END || status == RV_PENDING || status == RV_BUSY);
        const uint64_t said = rv_subscription_watermark(&r->s);
        RV_CHECK(said == 0 || (w->ends[said] && w->chains[said] == rv_subscription_chain(&r->s)));
        r->calls += 1;
        if (status == RV_OK) {
            RV_CHECK(said < event.sequence);
            r->sequences[r->count++] = event.sequence;
        } else if (status != RV_END) {
            fixture_poll(w->f.node);
        }
    }
    RV_CHECK_STATUS(status, RV_END);
}

static void check_same(const reading *walked, const reading *guided) {
    RV_CHECK_EQ(guided->count, walked->count);
    for (uint64_t i = 0; i < walked->count && i < guided->count; i++) {
        RV_CHECK_EQ(guided->sequences[i], walked->sequences[i]);
    }
    RV_CHECK_EQ(rv_subscription_sequence(&guided->s), rv_subscription_sequence(&walked->s));
    RV_CHECK_EQ(rv_subscription_watermark(&guided->s), rv_subscription_watermark(&walked->s));
    RV_CHECK_EQ(rv_subscription_chain(&guided->s), rv_subscription_chain(&walked->s));
}

/* Some selections of one log, which grows. */
static void run(uint64_t seed) {
    static reading walked;
    static reading guided;
    static const uint32_t nears[] = {1, 3, 20, RV_GUIDE_NEAR};
    static const uint32_t looks[] = {1, 7, 100, RV_GUIDE_LOOK};
    world *const w = calloc(1, sizeof *w);
    selection x;
    rv_guide guide;
    w->f = fixture_root(seed);
    w->random = seed;
    grow(w, 300 + below(w, 4000));
    for (int i = 0; i < 12 && !rv_test_failed; i++) {
        know_ends(w);
        choose(w, &x);
        open_reading(w, &x, &guided);
        const rv_guide_options options = {.near = nears[below(w, 4)], .look = looks[below(w, 4)]};
        rv_guide_begin(&guide, &options);
        rv_subscription_guide(&guided.s, &guide);
        read_all(w, &guided);
        if (i % 3 == 0) { /* what comes is met, too */
            grow(w, 1 + below(w, 300));
            know_ends(w);
            read_all(w, &guided);
        }
        open_reading(w, &x, &walked);
        read_all(w, &walked);
        check_same(&walked, &guided);
    }
    fixture_free(&w->f);
    free(w);
}

RV_TEST(a_guide_leaves_out_nothing_and_says_the_same) {
    for (uint64_t seed = 1; seed <= RV_TEST_ROUNDS(60); seed++) {
        run(seed);
        if (rv_test_failed) {
            fprintf(stderr, "seed %u\n", (unsigned)seed);
            return;
        }
    }
}

/* What is not selected is not looked at: by one path, by several, and below one of which few are.
 */
RV_TEST(a_guide_costs_what_it_leads_to) {
    static const char *const patterns[] = {"/accounts/7", "/accounts/400", "/rivulet/*"};
    static reading guided;
    world *const w = calloc(1, sizeof *w);
    w->f = fixture_root(5);
    w->random = 5;
    grow(w, 9000);
    know_ends(w);
    for (size_t i = 0; i < 3; i++) {
        selection x = {.count = 1, .system = true, .from = 1, .until = UINT64_MAX};
        rv_guide guide;
        RV_CHECK_STATUS(
            rv_path_pattern_parse(rv_bytes_of_string(patterns[i]), &x.patterns[0], NULL), RV_OK);
        open_reading(w, &x, &guided);
        const rv_guide_options options = {.near = 16};
        rv_guide_begin(&guide, &options);
        rv_subscription_guide(&guided.s, &guide);
        read_all(w, &guided);
        RV_CHECK(guided.count >= 1 && guided.count < 100);
        RV_CHECK(guided.calls < 60 * (guided.count + 2)); /* of 9,000 */
        RV_CHECK(guided.calls < 3000);
    }
    fixture_free(&w->f);
    free(w);
}

/* One look compares no more streams than it may, and the next goes on: (mended) a call compared
 * them all, some between each two batches. What is yielded is the same. */
RV_TEST(a_look_compares_so_many_streams) {
    enum { LOOK = 10 };
    static reading walked;
    static reading guided;
    const rv_guide_options options = {.near = 16, .look = LOOK};
    selection x = {.count = 1, .system = true, .from = 1, .until = UINT64_MAX};
    world *const w = calloc(1, sizeof *w);
    w->f = fixture_root(9);
    w->random = 9;
    grow(w, 9000);
    know_ends(w);
    const uint32_t streams = rv_node_streams_confirmed(w->f.node);
    RV_CHECK(streams > 8 * LOOK);
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/rivulet/*"), &x.patterns[0], NULL), RV_OK);
    open_reading(w, &x, &guided);
    rv_guide guide;
    rv_guide_begin(&guide, &options);
    rv_subscription_guide(&guided.s, &guide);
    for (uint32_t looks = 1; guide.compared < streams; looks++) {
        rv_event event;
        rv_bytes path;
        const rv_status status = rv_subscription_next(&guided.s, 65536, &event, &path, NULL);
        RV_CHECK(guide.compared <= looks * LOOK);
        RV_CHECK_STATUS(status, guide.compared < streams ? RV_PENDING : RV_OK);
        RV_CHECK(guide.compared == streams || guide.compares);
        RV_CHECK_PASSED();
    }
    open_reading(w, &x, &guided);
    rv_guide_again(&guide);
    rv_subscription_guide(&guided.s, &guide);
    read_all(w, &guided);
    open_reading(w, &x, &walked);
    read_all(w, &walked);
    check_same(&walked, &guided);
    fixture_free(&w->f);
    free(w);
}

/* Where the log ends, behind the last run of the index, is found from that run, also when the node
 * was opened by a checkpoint and has read nothing. (Mended: the whole segment was read.) */
RV_TEST(the_last_batch_is_near_after_a_start) {
    world *const w = calloc(1, sizeof *w);
    w->f = fixture_root(7);
    w->random = 7;
    grow(w, 11000);
    RV_CHECK_STATUS(fixture_close(w->f.node, &w->f.err), RV_END);
    RV_CHECK_STATUS(fixture_open(&w->f, RV_ROLE_ROOT, NULL), RV_OK);
    RV_CHECK_EQ(rv_node_checkpoint_of(w->f.node)->opened_by, RV_OPENED_BY_CHECKPOINT);
    rv_log *const log = rv_node_log(w->f.node);
    const uint64_t before = log->clock; /* moves with each batch that is gone over */
    rv_log_cursor cursor = rv_log_cursor_at(rv_node_sequence(w->f.node));
    rv_batch batch;
    rv_status status = RV_PENDING;
    while (status == RV_PENDING || status == RV_BUSY) {
        status = rv_log_read(log, &cursor, &batch, &w->f.err);
        fixture_poll(w->f.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(log->clock - before < 1000); /* of some 2,500 */
    fixture_free(&w->f);
    free(w);
}

int main(void) {
    RV_RUN(the_last_batch_is_near_after_a_start);
    RV_RUN(a_guide_costs_what_it_leads_to);
    RV_RUN(a_look_compares_so_many_streams);
    RV_RUN(a_guide_leaves_out_nothing_and_says_the_same);
    return rv_test_done();
}
