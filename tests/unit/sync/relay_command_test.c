/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: commands at devices behind a gateway come to one thing only, as at the root: one batch in
 * its log, a rejection, or nothing to do; what the root refuses comes back through the gateway with
 * where it judged, and is run again on that. Method: stories from seeds in a net (net.h): two
 * devices behind a gateway take from the same accounts, the root takes too; wires are cut, and the
 * gateway, a device or the root ends at any moment. What is made tells its number in the metadata.
 */
#include "core/engine/command.h"
#include "tests/unit/sync/net.h"

#define GIVEN_MAX 256
#define ACTS      70
#define SEEDS     8

enum { ROOT, GATEWAY, FIRST, SECOND, MEMBERS };

typedef struct given {
    int device;
    bool lost; /* its device crashed meanwhile: it may be gone */
    bool nothing;
    bool rejected;
    unsigned at_root;
} given;

typedef struct story {
    net *n;
    uint64_t random;
    given list[GIVEN_MAX];
    unsigned count;
    unsigned attempts; /* runs after a refusal */
} story;

static unsigned draw(story *s, unsigned below) {
    return (unsigned)(rv_test_random(&s->random) % below);
}

typedef struct made {
    char path[32];
    char data[64];
    char metadata[32];
    rv_append event;
    size_t count;
} made;

/* The function: takes what it wants, or what there is. */
static void function(const net *n, int device, unsigned number, made *m) {
    const unsigned account = 1 + number % 2;
    const rv_value key = rv_value_int(account);
    rv_state *const state = rv_node_state(n->members[device].node);
    const rv_row row = rv_state_row_find(state, 0, &key);
    rv_value balance = rv_value_int(0);
    if (row != RV_ROW_NONE && rv_state_row_cell(state, 0, row, 2, NULL, &balance, NULL) != RV_OK) {
        balance = rv_value_int(0);
    }
    const int64_t wanted = 3 + number % 9;
    const int64_t some = wanted < balance.as.integer ? wanted : balance.as.integer;
    snprintf(m->path, sizeof m->path, "/accounts/%u", account);
    snprintf(m->data, sizeof m->data, "{\"amount\":%lld}", (long long)some);
    snprintf(m->metadata, sizeof m->metadata, "{\"n\":%u}", number);
    m->event = fixture_event(m->path, "withdrawn", m->data);
    m->event.metadata = rv_bytes_of_string(m->metadata);
    m->count = some > 0;
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

static void run_due(story *s, int device) {
    rv_node *const node = s->n->members[device].node;
    rv_pending due;
    uint64_t after = 0;
    while (rv_node_command_due(node, after, &due)) {
        made m;
        rv_event result;
        rv_written written = {.changed = false};
        const unsigned number = number_of(due.command.args);
        after = due.edge_sequence;
        RV_CHECK(number < s->count);
        s->attempts += due.refused;
        if (rv_node_command_begin(node, after, &s->n->err) != RV_OK) {
            break;
        }
        function(s->n, device, number, &m);
        if (rv_node_command_done(node, after, &m.event, m.count, &result, &written, &s->n->err) !=
            RV_OK) {
            break;
        }
        s->list[number].nothing = s->list[number].nothing || m.count == 0;
    }
    rv_node_command_end(node);
}

static void give(story *s, int device) {
    made m;
    rv_written written;
    rv_event result;
    char args[16];
    run_due(s, device);
    function(s->n, device, s->count, &m);
    if (s->count == GIVEN_MAX || m.count == 0) {
        return;
    }
    snprintf(args, sizeof args, "%u", s->count);
    const rv_command command = {RV_LITERAL("take"), rv_bytes_of_string(args)};
    const rv_writes writes = {.events = &m.event, .count = 1, .command = &command};
    if (rv_node_write(s->n->members[device].node, &writes, &result, &written, &s->n->err) ==
        RV_OK) {
        s->list[s->count] = (given){.device = device};
        s->count += 1;
    }
}

static void crash(story *s, int index) {
    net_crash(s->n, index);
    for (unsigned i = 0; i < s->count; i++) {
        s->list[i].lost = s->list[i].lost || s->list[i].device == index;
    }
}

static void steps(story *s, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        (void)net_step(s->n);
        if (draw(s, 3) == 0) {
            run_due(s, FIRST + (int)draw(s, 2));
        }
    }
}

static void act(story *s) {
    const unsigned what = draw(s, 100);
    const int device = FIRST + (int)draw(s, 2);
    if (what < 40) {
        give(s, device);
    } else if (what < 55) {
        const char *const path = draw(s, 2) == 0 ? "/accounts/1" : "/accounts/2";
        const bool out = draw(s, 2) == 0;
        const rv_status status = net_append(s->n, path, out ? "withdrawn" : "deposited",
                                            out ? "{\"amount\":9}" : "{\"amount\":6}");
        RV_CHECK(status == RV_OK || status == RV_CHECK_VIOLATION);
    } else if (what < 61) {
        net_move(s->n, device, draw(s, 2) == 0 ? NET_NONE : GATEWAY);
    } else if (what < 64) {
        net_move(s->n, GATEWAY, draw(s, 2) == 0 ? NET_NONE : ROOT);
    } else if (what < 67) {
        crash(s, (int)draw(s, MEMBERS));
    } else {
        steps(s, draw(s, 60));
    }
}

static bool finish(story *s) {
    net_move(s->n, GATEWAY, ROOT);
    net_move(s->n, FIRST, GATEWAY);
    net_move(s->n, SECOND, GATEWAY);
    for (int i = 0, quiet = 0; i < NET_STEPS_MAX && quiet < 400; i++) {
        const bool moved = net_step(s->n);
        run_due(s, FIRST);
        run_due(s, SECOND);
        quiet = !moved && net_done(s->n, FIRST) && net_done(s->n, SECOND) ? quiet + 1 : 0;
    }
    return net_run(s->n);
}

static void count_at_root(story *s) {
    rv_subscription log;
    rv_event event;
    rv_bytes path;
    rv_status status = RV_OK;
    rv_subscription_open(&log, s->n->members[ROOT].node, NULL, 0, 1);
    for (int i = 0; i < NET_STEPS_MAX && status != RV_END; i++) {
        status = rv_subscription_next(&log, 100, &event, &path, &s->n->err);
        if (status == RV_OK && event.metadata.len > 0) {
            RV_CHECK(number_of(event.metadata) < s->count);
            s->list[number_of(event.metadata)].at_root += 1;
        } else if (status == RV_PENDING) {
            rv_sim_disk_advance(s->n->members[ROOT].disk, NET_STEP_US);
            fixture_poll(s->n->members[ROOT].node);
        }
    }
}

static void check_end(story *s) {
    count_at_root(s);
    for (int device = FIRST; device <= SECOND; device++) {
        uint64_t after = 0;
        rv_rejection r;
        while (rv_node_rejection(s->n->members[device].node, after, &r)) {
            after = r.batch.edge_sequence;
            const unsigned n = number_of(r.batch.command.args);
            RV_CHECK(n < s->count && !s->list[n].rejected);
            s->list[n].rejected = true;
        }
        RV_CHECK(net_same(s->n, device));
    }
    for (unsigned i = 0; i < s->count; i++) {
        const given *const g = &s->list[i];
        RV_CHECK(g->at_root <= 1);
        RV_CHECK(!(g->at_root == 1 && g->rejected));
        RV_CHECK(g->lost || g->at_root == 1 || g->rejected || g->nothing);
    }
    RV_CHECK_EQ(rv_node_relay_facts(s->n->members[GATEWAY].node).pushes, 0);
}

RV_TEST(commands_behind_a_gateway) {
    static story s;
    unsigned attempts = 0, at_root = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        memset(&s, 0, sizeof s);
        s.random = seed;
        s.n = net_create();
        RV_CHECK_EQ(net_add(s.n, "/**", ROOT), GATEWAY);
        RV_CHECK_EQ(net_add(s.n, "/accounts/*", GATEWAY), FIRST);
        RV_CHECK_EQ(net_add(s.n, "/accounts/*", GATEWAY), SECOND);
        for (int i = 0; i < 2; i++) {
            const char *const path = i == 0 ? "/accounts/1" : "/accounts/2";
            RV_CHECK_STATUS(net_append(s.n, path, "account_opened", "{\"name\":\"a\"}"), RV_OK);
            RV_CHECK_STATUS(net_append(s.n, path, "deposited", "{\"amount\":60}"), RV_OK);
        }
        RV_CHECK(net_run(s.n));
        for (int i = 0; i < MEMBERS; i++) {
            net_slow(s.n, i, 30);
        }
        for (unsigned i = 0; i < ACTS && !rv_test_failed; i++) {
            act(&s);
        }
        RV_CHECK(rv_test_failed || finish(&s));
        if (!rv_test_failed) {
            check_end(&s);
        }
        if (rv_test_failed) {
            fprintf(stderr, "seed %u: %s\n", (unsigned)seed, s.n->err.detail);
        }
        RV_CHECK_PASSED();
        for (unsigned i = 0; i < s.count; i++) {
            at_root += s.list[i].at_root;
        }
        attempts += s.attempts;
        net_free(s.n);
    }
    printf("%u at the root, %u runs after a refusal\n", at_root, attempts);
    RV_CHECK(at_root > 60 && attempts > 5);
}

int main(void) {
    RV_RUN(commands_behind_a_gateway);
    return rv_test_done();
}
