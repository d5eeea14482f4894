/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever happens, and in whatever order, each command that was durable at the edge comes to
 * one thing only: one batch in the root's log, a rejection, or nothing to do. What it made is what
 * the root's state allowed, and edge and root agree in the end.
 * Method: stories made from a seed (commands and plain writes at the edge, appends at the root;
 * cuts; crashes of either side, in which what was not flushed is lost; times without functions),
 * against a list of what was given. Functions take what they see there is, half of them naming the
 * stream's version; what they make tells its number in the metadata.
 */
#include "core/engine/command.h"
#include "tests/unit/sync/duo.h"

#define GIVEN_MAX 256
#define ACTS      160
#define SEEDS     30

typedef struct command_twin {
    uint64_t edge_sequence; /* under which it was written */
    bool local;             /* it was durable */
    bool lost;              /* it was not known to be, and the edge crashed: it may be gone */
    bool nothing;           /* it came to that, perhaps before a crash */
    unsigned at_root;
    bool rejected;
} command_twin;

typedef struct story {
    duo *d;
    uint64_t random;
    command_twin given[GIVEN_MAX];
    unsigned count;
    bool without; /* functions */
    unsigned reruns;
    unsigned changed;
    unsigned attempts; /* runs after a refusal */
} story;

static unsigned draw(story *s, unsigned below) {
    return (unsigned)(rv_test_random(&s->random) % below);
}

/* What a command makes. */
typedef struct made {
    char path[32];
    char data[64];
    char metadata[32];
    rv_append event;
    size_t count;
} made;

static int64_t balance_of(const rv_node *node, int64_t id) {
    rv_state *const state = rv_node_state((rv_node *)(uintptr_t)node);
    const rv_value key = rv_value_int(id);
    const rv_row row = rv_state_row_find(state, 0, &key);
    rv_value balance = rv_value_int(0);
    return row != RV_ROW_NONE && rv_state_row_cell(state, 0, row, 2, NULL, &balance, NULL) == RV_OK
               ? balance.as.integer
               : 0;
}

/* The function: of number `n` everything follows but what there is. */
static void function(const rv_node *node, unsigned n, made *m) {
    const unsigned account = 1 + n % 3;
    const int64_t balance = balance_of(node, account);
    const int64_t wanted = 1 + n % 9;
    const int64_t some = wanted < balance ? wanted : balance;
    uint32_t stream = 0;
    snprintf(m->path, sizeof m->path, "/accounts/%u", account);
    snprintf(m->data, sizeof m->data, "{\"amount\":%d}", (int)some);
    snprintf(m->metadata, sizeof m->metadata, "{\"n\":%u}", n);
    m->event = fixture_event(m->path, "withdrawn", m->data);
    m->event.metadata = rv_bytes_of_string(m->metadata);
    m->count = some > 0;
    rv_state *const state = rv_node_state((rv_node *)(uintptr_t)node);
    if (n % 2 == 0 && rv_state_stream_find(state, m->event.path, &stream)) {
        rv_stream_head head;
        rv_state_stream(state, stream, &head);
        m->event.expected = RV_EXPECTED_NUMBER;
        m->event.expected_version = head.version;
    }
}

static unsigned number_of(rv_bytes text) {
    unsigned n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9') {
            n = n * 10 + (unsigned)(text.ptr[i] - '0');
        }
    }
    return n;
}

static void note_local(story *s) {
    const uint64_t durable = rv_node_outbox(s->d->leaf.node).durable;
    for (unsigned i = 0; i < s->count; i++) {
        command_twin *const c = &s->given[i];
        c->local = c->local || (!c->lost && c->edge_sequence <= durable);
    }
}

/* Commands that are due, each as an application would. */
static void run_due(story *s) {
    rv_node *const node = s->d->leaf.node;
    rv_pending due;
    rv_error refusal;
    uint64_t after = 0;
    (void)rv_error_set(&refusal, RV_COMMAND_REFUSED, "there is nothing left");
    while (!s->without && rv_node_command_due(node, after, &due)) {
        made m;
        rv_event result;
        rv_written written;
        const unsigned n = number_of(due.command.args);
        after = due.edge_sequence;
        s->attempts += due.refused;
        RV_CHECK(n < s->count);
        if (rv_node_command_begin(node, after, &s->d->err) != RV_OK) {
            break;
        }
        function(node, n, &m);
        const bool refuses = n % 4 == 3 && m.count == 0;
        written = (rv_written){.changed = false};
        const rv_status status = refuses ? rv_node_command_refuse(node, after, &refusal, &s->d->err)
                                         : rv_node_command_done(node, after, &m.event, m.count,
                                                                &result, &written, &s->d->err);
        RV_CHECK(status == RV_OK || status == RV_PENDING || status == RV_BUSY ||
                 status == RV_OUTBOX_FULL);
        if (status != RV_OK) {
            break;
        }
        s->reruns += 1;
        s->changed += written.changed;
        s->given[n].nothing = s->given[n].nothing || (m.count == 0 && !refuses);
    }
    rv_node_command_end(node);
}

static void give(story *s) {
    made m;
    rv_written written;
    rv_event result;
    char args[16];
    run_due(s); /* those before it come first */
    function(s->d->leaf.node, s->count, &m);
    if (s->count == GIVEN_MAX || m.count == 0) {
        return;
    }
    snprintf(args, sizeof args, "%u", s->count);
    const rv_command command = {RV_LITERAL("take"), rv_bytes_of_string(args)};
    const rv_writes writes = {.events = &m.event, .count = 1, .command = &command};
    const rv_status status = rv_node_write(s->d->leaf.node, &writes, &result, &written, &s->d->err);
    if (status == RV_OK) {
        s->given[s->count] = (command_twin){.edge_sequence = written.edge_sequence};
        s->count += 1;
    }
    RV_CHECK(status == RV_OK || status == RV_OUTBOX_FULL || status == RV_PENDING ||
             status == RV_BUSY || status == RV_VERSION_CONFLICT);
}

static void write_plain(story *s, bool edge) {
    char path[32], data[32];
    snprintf(path, sizeof path, "/accounts/%u", 1 + draw(s, 3));
    const bool out = draw(s, 3) == 0;
    snprintf(data, sizeof data, "{\"amount\":%u}", 1 + draw(s, out ? 12 : 6));
    const char *const type = out ? "withdrawn" : "deposited";
    const rv_status status =
        edge ? duo_write_one(s->d, path, type, data) : duo_append(s->d, path, type, data);
    RV_CHECK(status == RV_OK || status == RV_CHECK_VIOLATION || status == RV_OUTBOX_FULL ||
             status == RV_UNKNOWN_REFERENCE);
}

static void crash_leaf(story *s) {
    note_local(s);
    duo_crash(s->d, &s->d->leaf);
    for (unsigned i = 0; i < s->count; i++) {
        s->given[i].lost = s->given[i].lost || !s->given[i].local;
    }
}

static void steps(story *s, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (s->d->session == NULL && draw(s, 8) == 0) {
            duo_connect(s->d);
        }
        (void)duo_step(s->d);
        note_local(s);
        if (draw(s, 2) == 0) {
            run_due(s);
        }
    }
}

static void act(story *s) {
    const unsigned what = draw(s, 100);
    if (what < 30) {
        give(s);
    } else if (what < 36) {
        write_plain(s, true);
    } else if (what < 50) {
        write_plain(s, false);
    } else if (what < 55) {
        duo_cut(s->d);
    } else if (what < 58) {
        crash_leaf(s);
        s->without = draw(s, 3) == 0;
    } else if (what < 60) {
        duo_crash(s->d, &s->d->root);
    } else if (what < 62) {
        s->without = !s->without;
    } else {
        steps(s, draw(s, 30));
    }
}

/* Runs until all is decided. */
static bool finish(story *s) {
    s->without = false;
    for (int i = 0; i < DUO_STEPS_MAX; i++) {
        if (s->d->session == NULL) {
            duo_connect(s->d);
        }
        const bool moved = duo_step(s->d);
        note_local(s);
        run_due(s);
        if (!moved && duo_done(s->d)) {
            return true;
        }
    }
    return duo_run(s->d); /* tells where it stands */
}

static void count_at_root(story *s) {
    rv_subscription log;
    rv_event event;
    rv_bytes path;
    rv_status status = RV_OK;
    rv_subscription_open(&log, s->d->root.node, NULL, 0, 1);
    for (int i = 0; i < DUO_STEPS_MAX && status != RV_END; i++) {
        status = rv_subscription_next(&log, 100, &event, &path, &s->d->err);
        if (status == RV_OK && event.metadata.len > 0) {
            RV_CHECK(number_of(event.metadata) < s->count);
            s->given[number_of(event.metadata)].at_root += 1;
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
        after = r.batch.edge_sequence;
        if (r.batch.command.name.len > 0) {
            const unsigned n = number_of(r.batch.command.args);
            RV_CHECK(n < s->count && !s->given[n].rejected);
            s->given[n].rejected = true;
        }
    }
    for (unsigned i = 0; i < s->count; i++) {
        const command_twin *const c = &s->given[i];
        RV_CHECK(c->at_root <= 1);
        RV_CHECK(!(c->at_root == 1 && c->rejected));
        RV_CHECK(c->lost || c->at_root == 1 || c->rejected || c->nothing);
    }
    RV_CHECK_EQ(fixture_forks(s->d->edge->node), 0);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(s->d->root.node),
                                  rv_node_state_hash(s->d->leaf.node)));
}

RV_TEST(stories_from_seeds) {
    static story s;
    unsigned totals[6] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        memset(&s, 0, sizeof s);
        s.random = seed;
        s.d = duo_create();
        for (unsigned i = 1; i <= 3; i++) {
            RV_CHECK_STATUS(duo_append(s.d, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                            RV_OK);
            char path[32];
            snprintf(path, sizeof path, "/accounts/%u", i);
            RV_CHECK_STATUS(duo_append(s.d, path, "deposited", "{\"amount\":30}"), RV_OK);
        }
        RV_CHECK(duo_run(s.d));
        for (unsigned i = 0; i < ACTS && !rv_test_failed; i++) {
            act(&s);
        }
        RV_CHECK(rv_test_failed || finish(&s));
        if (!rv_test_failed) {
            check_end(&s);
        }
        if (rv_test_failed) {
            fprintf(stderr, "seed %u: %s\n", (unsigned)seed, s.d->err.detail);
        }
        RV_CHECK_PASSED();
        for (unsigned i = 0; i < s.count; i++) {
            totals[0] += s.given[i].at_root;
            totals[1] += s.given[i].rejected;
            totals[2] += s.given[i].lost;
        }
        totals[3] += s.reruns;
        totals[4] += s.changed;
        totals[5] += s.attempts;
        duo_free(s.d);
    }
    printf("%u accepted, %u rejected, %u lost; %u runs again, %u with other events, %u after a "
           "refusal\n",
           totals[0], totals[1], totals[2], totals[3], totals[4], totals[5]);
    /* the stories are worth something */
    RV_CHECK(totals[0] > 300 && totals[1] > 0 && totals[2] > 0 && totals[4] > 50 && totals[5] > 20);
}

int main(void) {
    RV_RUN(stories_from_seeds);
    return rv_test_done();
}
