/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world in which an edge writes: a root, the edge on a simulated disk, and a reference that
 * follows the root and writes nothing; steps that a random schedule takes; and a naive model of a
 * bank, which folds the root's events up to W and then, in order, what waits. The edge is compared
 * with the model, its hash with the reference's.
 */
#ifndef RV_TESTS_SIM_OUTBOX_WORLD_H
#define RV_TESTS_SIM_OUTBOX_WORLD_H

#include "core/engine/outbox.h"
#include "platform/sim/disk.h"
#include "tests/unit/node_fixture.h"

#define ACCOUNTS    5
#define ITEMS_MAX   3
#define COUNTED_MAX 64
#define WROTE_MAX   4000
#define LOGGED_MAX  20000
#define DISK_MEMORY ((size_t)64 << 20)
#define PRINCIPAL   "somebody"

typedef enum item_kind { OPENED, DEPOSITED, WITHDRAWN } item_kind;

typedef struct item {
    item_kind kind;
    unsigned account; /* from 1 */
    int64_t amount;
    rv_expected_kind expected;
    uint64_t number;
} item;

/* A batch that the edge wrote, and what the root made of it. */
typedef struct wrote {
    uint64_t sequence;
    item items[ITEMS_MAX];
    unsigned count;
    uint64_t counted[COUNTED_MAX]; /* batches that its numbers had in them */
    unsigned counted_count;
    bool durable; /* it was seen to be */
    bool decided; /* by the root */
    bool refused;
    bool acknowledged;
    uint64_t position;
    rv_error reason;
} wrote;

typedef struct account {
    bool there;
    int64_t balance;
    uint64_t version;
} account;

typedef struct world {
    fixture root;
    fixture reference;
    uint8_t *disk_memory;
    uint8_t *node_memory;
    rv_sim_disk *disk;
    rv_node *edge;
    const char *pattern;
    rv_error err;
    uint64_t seed;
    wrote wrote[WROTE_MAX]; /* in order of edge sequences */
    unsigned wrote_count;
    item logged[LOGGED_MAX];       /* at the root, by position */
    rv_hash128 hashes[LOGGED_MAX]; /* of the reference, by W */
    uint64_t settled;
    bool stopped;        /* the disk failed: the edge does nothing more in this life */
    unsigned counts[16]; /* of what happened */
} world;

enum {
    N_WRITTEN,
    N_REFUSED_HERE,
    N_SUSPENDED,
    N_REJECTED,
    N_CRASHED,
    N_COUNTED,
    N_ARRIVED,
    N_BLIND
};

static world w;

static inline uint32_t below(uint32_t limit) {
    return (uint32_t)(rv_test_random(&w.seed) % limit);
}

static inline bool covered(const item *i) {
    return strcmp(w.pattern, "/accounts/*") == 0 || i->account == 1;
}

static inline rv_status open_edge(void) {
    return fixture_open_on(rv_sim_disk_interface(w.disk), w.node_memory, FIXTURE_NODE_MEMORY,
                           RV_ROLE_EDGE, w.pattern, &w.edge, &w.err);
}

/* True when the disk has failed; then the call was in vain. */
static inline bool in_vain(rv_status status) {
    w.stopped = w.stopped || status == RV_READ_ONLY || status == RV_STORAGE_FAILED ||
                status == RV_STORAGE_FULL || rv_node_failed(w.edge, NULL) != RV_OK;
    return w.stopped;
}

/* --- the model --- */

static inline bool item_holds(const account *a, const item *i) {
    const bool expected = i->expected == RV_EXPECTED_ANY ||
                          (i->expected == RV_EXPECTED_NONE && a->version == 0) ||
                          (i->expected == RV_EXPECTED_EXISTS && a->version > 0) ||
                          (i->expected == RV_EXPECTED_NUMBER && a->version == i->number);
    return expected && (i->kind == OPENED ? !a->there : a->there) &&
           (i->kind != WITHDRAWN || a->balance >= i->amount);
}

static inline void item_apply(account *a, const item *i) {
    a->version += 1;
    a->there = a->there || i->kind == OPENED;
    a->balance += i->kind == DEPOSITED ? i->amount : i->kind == WITHDRAWN ? -i->amount : 0;
}

static inline void model_confirmed(account *accounts, uint64_t watermark) {
    memset(accounts, 0, (ACCOUNTS + 1) * sizeof *accounts);
    for (uint64_t p = 2; p <= watermark; p++) {
        if (covered(&w.logged[p])) {
            item_apply(&accounts[w.logged[p].account], &w.logged[p]);
        }
    }
}

/* A batch, whole or not at all. */
static inline bool model_fold(account *accounts, const item *items, unsigned count) {
    account before[ACCOUNTS + 1];
    memcpy(before, accounts, sizeof before);
    for (unsigned i = 0; i < count; i++) {
        account *const a = &accounts[items[i].account];
        if (covered(&items[i]) && !item_holds(a, &items[i])) {
            memcpy(accounts, before, sizeof before);
            return false;
        }
        if (covered(&items[i])) {
            item_apply(a, &items[i]);
        }
    }
    return true;
}

static inline wrote *wrote_of(uint64_t sequence) {
    for (unsigned i = w.wrote_count; i > 0; i--) {
        if (w.wrote[i - 1].sequence == sequence) {
            return &w.wrote[i - 1];
        }
    }
    return NULL;
}

/* --- comparing --- */

static inline void check_rows(const account *accounts) {
    for (unsigned n = 1; n <= ACCOUNTS; n++) {
        const rv_value key = rv_value_int(n);
        const rv_row row = rv_state_row_find(rv_node_state(w.edge), 0, &key);
        RV_CHECK((row != RV_ROW_NONE) == accounts[n].there);
        rv_value balance = rv_value_int(0);
        if (row != RV_ROW_NONE) {
            RV_CHECK_STATUS(
                rv_state_row_cell(rv_node_state(w.edge), 0, row, 2, NULL, &balance, NULL), RV_OK);
        }
        RV_CHECK_EQ(balance.as.integer, accounts[n].there ? accounts[n].balance : 0);
        char path[32];
        snprintf(path, sizeof path, "/accounts/%u", n);
        uint32_t stream = 0;
        rv_stream_head head = {.version = 0};
        if (rv_state_stream_find(rv_node_state(w.edge), rv_bytes_of_string(path), &stream)) {
            rv_state_stream(rv_node_state(w.edge), stream, &head);
        }
        RV_CHECK_EQ(head.version, accounts[n].version);
    }
}

static inline bool waits(uint64_t sequence, rv_pending *p) {
    return rv_node_pending(w.edge, sequence - 1, p) && p->edge_sequence == sequence;
}

/* What it counts was refused, and the edge has heard of it. */
static inline bool counts_refused(const wrote *b) {
    rv_pending p;
    bool refused = false;
    for (unsigned i = 0; i < b->counted_count && !refused; i++) {
        const wrote *const c = wrote_of(b->counted[i]);
        refused = c != NULL && c->refused && !waits(c->sequence, &p);
    }
    return refused;
}

/* Does a number that the batch expects have events of the other in it? */
static inline bool counts(const wrote *b, const wrote *other) {
    bool found = false;
    for (unsigned i = 0; i < b->count * other->count && !found; i++) {
        const item *const mine = &b->items[i / other->count];
        const item *const its = &other->items[i % other->count];
        found =
            mine->expected == RV_EXPECTED_NUMBER && covered(mine) && mine->account == its->account;
    }
    return found;
}

/* Notes what a batch counts that is to be written. */
static inline void note_counted(wrote *b) {
    rv_pending p;
    for (uint64_t at = 0; rv_node_pending(w.edge, at, &p); at = p.edge_sequence) {
        if (p.state == RV_PENDING_WAITING && counts(b, wrote_of(p.edge_sequence))) {
            RV_CHECK(b->counted_count < COUNTED_MAX);
            b->counted[b->counted_count++ % COUNTED_MAX] = p.edge_sequence;
        }
    }
}

/* What waits is what was written and has not come back; its state is what the model says. */
static inline void check_pending(account *accounts) {
    rv_pending p;
    uint64_t at = 0;
    uint32_t count = 0, suspended = 0;
    model_confirmed(accounts, rv_node_watermark(w.edge));
    while (rv_node_pending(w.edge, at, &p)) {
        wrote *const b = wrote_of(p.edge_sequence);
        at = p.edge_sequence;
        count += 1;
        RV_CHECK(b != NULL && b->count == p.count);
        RV_CHECK(rv_bytes_are(p.principal, PRINCIPAL));
        b->durable = b->durable || p.durable;
        const bool fits = !counts_refused(b) && model_fold(accounts, b->items, b->count);
        if (p.state == RV_PENDING_ACCEPTED) {
            RV_CHECK(b->decided && !b->refused && p.position == b->position);
        } else {
            RV_CHECK_EQ(p.state, fits ? RV_PENDING_WAITING : RV_PENDING_SUSPENDED);
            suspended += !fits;
            w.counts[N_SUSPENDED] += !fits;
        }
        /* nothing twice */
        RV_CHECK(!(p.covered > 0 && b->decided && !b->refused &&
                   b->position <= rv_node_watermark(w.edge)));
    }
    const rv_outbox_facts facts = rv_node_outbox(w.edge);
    RV_CHECK_EQ(facts.pending, count);
    RV_CHECK_EQ(facts.suspended, suspended);
    RV_CHECK(facts.settled >= w.settled);
    w.settled = facts.settled;
}

/* What does not wait any more is accounted for. */
static inline void check_outcomes(void) {
    uint32_t rejections = 0;
    for (unsigned i = 0; i < w.wrote_count; i++) {
        const wrote *const b = &w.wrote[i];
        rv_outcome outcome;
        rv_pending p;
        rv_rejection r;
        const bool here = waits(b->sequence, &p);
        const bool rejected =
            rv_node_rejection(w.edge, b->sequence - 1, &r) && r.batch.edge_sequence == b->sequence;
        rejections += rejected;
        RV_CHECK(!here || !rejected);
        if (here) {
            continue;
        }
        RV_CHECK(b->decided);
        RV_CHECK_EQ(rejected, b->refused && !b->acknowledged);
        if (rejected) {
            RV_CHECK(rv_node_outcome(w.edge, b->sequence, &outcome));
            RV_CHECK_EQ(outcome.kind, RV_OUTCOME_REJECTED);
            /* a row that is missing may be one that a refused batch was to create */
            const bool traced = outcome.reason.status == RV_DEPENDENCY_REJECTED &&
                                b->reason.status == RV_UNKNOWN_REFERENCE;
            RV_CHECK(traced || outcome.reason.status == b->reason.status);
            RV_CHECK(traced ? outcome.reason.facts_len > b->reason.facts_len
                            : outcome.reason.facts_len == b->reason.facts_len);
        }
    }
    RV_CHECK_EQ(rv_node_outbox(w.edge).rejections, rejections);
}

static inline void check_all(void) {
    account accounts[ACCOUNTS + 1];
    check_pending(accounts);
    RV_CHECK_PASSED();
    check_rows(accounts);
    RV_CHECK_PASSED();
    if (below(8) == 0) {
        check_outcomes();
        RV_CHECK_PASSED();
        RV_CHECK(
            fixture_hashes_equal(rv_node_state_hash(w.edge), w.hashes[rv_node_watermark(w.edge)]));
        check_rows(accounts);
    }
}

/* --- writing --- */

static const char *const types[] = {"account_opened", "deposited", "withdrawn"};

static inline item random_item(void) {
    item i = {.kind = (item_kind)(below(8) == 0   ? OPENED
                                  : below(2) == 0 ? DEPOSITED
                                                  : WITHDRAWN),
              .account = 1 + below(ACCOUNTS),
              .amount = 1 + below(60)};
    return i;
}

/* The JSON of an event; texts lie in `text`. */
static inline rv_append item_append(const item *i, char *text, size_t size) {
    const int n = snprintf(text, size, "/accounts/%u", i->account);
    char *const data = text + n + 1;
    if (i->kind == OPENED) {
        snprintf(data, size - (size_t)n - 1, "{\"name\":\"n%u\"}", i->account);
    } else {
        snprintf(data, size - (size_t)n - 1, "{\"amount\":%lld}", (long long)i->amount);
    }
    rv_append append = fixture_event(text, types[i->kind], data);
    append.expected = i->expected;
    append.expected_version = i->number;
    return append;
}

static inline void random_expectation(item *i) {
    char path[32];
    uint32_t stream = 0;
    rv_stream_head head = {.version = 0};
    snprintf(path, sizeof path, "/accounts/%u", i->account);
    if (rv_state_stream_find(rv_node_state(w.edge), rv_bytes_of_string(path), &stream)) {
        rv_state_stream(rv_node_state(w.edge), stream, &head);
    }
    const uint32_t r = below(20);
    i->expected = r < 10   ? RV_EXPECTED_ANY
                  : r < 18 ? RV_EXPECTED_NUMBER
                  : r < 19 ? RV_EXPECTED_NONE
                           : RV_EXPECTED_EXISTS;
    i->number = head.version + (r == 17);
}

static inline void step_write(void) {
    wrote b = {.count = 1 + below(ITEMS_MAX)};
    char texts[ITEMS_MAX][128];
    rv_append events[ITEMS_MAX];
    rv_event results[ITEMS_MAX];
    bool blind = false;
    for (unsigned i = 0; i < b.count; i++) {
        b.items[i] = random_item();
        random_expectation(&b.items[i]);
        events[i] = item_append(&b.items[i], texts[i], sizeof texts[i]);
        blind = blind || !covered(&b.items[i]);
    }
    account accounts[ACCOUNTS + 1];
    check_pending(accounts);
    RV_CHECK_PASSED();
    note_counted(&b);
    RV_CHECK_PASSED();
    const bool fits = model_fold(accounts, b.items, b.count);
    const rv_writes writes = {
        .events = events, .count = b.count, .principal = RV_LITERAL(PRINCIPAL)};
    rv_written written;
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(w.edge, &writes, results, &written, &w.err);
        if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(w.edge);
        }
    }
    if (status != RV_OK && in_vain(status)) {
        return;
    }
    if (fits != (status == RV_OK)) {
        fprintf(stderr, "write: %s\n", status == RV_OK ? "taken" : w.err.detail);
    }
    RV_CHECK_EQ(fits, status == RV_OK);
    if (!fits) {
        RV_CHECK(status == RV_VERSION_CONFLICT || status == RV_ROW_EXISTS ||
                 status == RV_UNKNOWN_REFERENCE || status == RV_CHECK_VIOLATION);
        w.counts[N_REFUSED_HERE] += 1;
        return;
    }
    RV_CHECK_EQ(written.blind, blind);
    RV_CHECK(strcmp(w.pattern, "/accounts/*") != 0 || !written.unchecked);
    RV_CHECK_EQ(written.edge_sequence, rv_node_outbox(w.edge).next_sequence - 1);
    w.counts[N_WRITTEN] += 1;
    w.counts[N_BLIND] += blind;
    b.sequence = written.edge_sequence;
    w.wrote[w.wrote_count] = b;
    w.wrote_count += 1;
    /* the same ids again: the first answer, and nothing new */
    for (unsigned i = 0; i < b.count; i++) {
        events[i].has_event_id = true;
        memcpy(events[i].event_id, results[i].event_id, 16);
    }
    const rv_writes again = {
        .events = events, .count = b.count, .principal = RV_LITERAL(PRINCIPAL)};
    status = rv_node_write(w.edge, &again, results, &written, &w.err);
    RV_CHECK(status == RV_OK || in_vain(status));
    RV_CHECK(status != RV_OK || written.edge_sequence == b.sequence);
}

/* --- the root --- */

static inline void log_items(const item *items, unsigned count, const rv_event *results) {
    for (unsigned i = 0; i < count; i++) {
        w.logged[results[i].position] = items[i];
    }
}

static inline void step_root(void) {
    const item i = random_item();
    char text[128];
    rv_event result;
    const rv_append append = item_append(&i, text, sizeof text);
    if (fixture_append_all(w.root.node, &append, 1, &result, &w.err) == RV_OK) {
        log_items(&i, 1, &result);
    }
}

/* True when all that the expected versions count was accepted. */
static inline bool counted_accepted(const uint64_t *counted, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const wrote *const c = wrote_of(counted[i]);
        if (c == NULL || !c->decided || c->refused) {
            return false;
        }
    }
    return true;
}

/* The root judges what is pushed; only what was not decided before. */
static inline void decide(const rv_pending *p, wrote *b) {
    uint64_t counted[RV_PUSH_COUNTED_MAX];
    const uint32_t count = rv_node_pending_counted(w.edge, p, counted, RV_PUSH_COUNTED_MAX);
    RV_CHECK(count <= RV_PUSH_COUNTED_MAX && p->durable && !b->decided);
    w.counts[N_COUNTED] += count > 0;
    static uint8_t json[ITEMS_MAX][512];
    rv_append events[ITEMS_MAX];
    rv_event results[ITEMS_MAX];
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event e;
    const rv_schema *const schema = rv_node_schema(w.edge);
    bool accepted = true;
    unsigned n = 0;
    for (; rv_node_pending_event(w.edge, p, &cursor, &e); n++) {
        rv_writer data = rv_writer_over(json[n], sizeof json[n]);
        rv_event_data_to_json(rv_schema_event_type(schema, e.type), e.data, &data);
        events[n] = (rv_append){.path = e.path,
                                .type = rv_schema_event_type(schema, e.type)->name,
                                .data = rv_writer_bytes(&data),
                                .expected = e.expected,
                                .expected_version = e.expected_version,
                                .has_event_id = true};
        memcpy(events[n].event_id, e.event_id, 16);
        if (e.expected == RV_EXPECTED_NUMBER && !e.blind) {
            accepted = accepted && counted_accepted(counted, count);
        }
    }
    RV_CHECK_EQ(n, b->count);
    rv_status status =
        accepted ? RV_OK : rv_error_set(&b->reason, RV_VERSION_CONFLICT, "what it counts is not");
    if (accepted) {
        status = fixture_append_all(w.root.node, events, n, results, &b->reason);
    }
    b->decided = true;
    b->refused = status != RV_OK;
    w.counts[N_REJECTED] += b->refused;
    if (status == RV_OK) {
        b->position = results[n - 1].position;
        log_items(b->items, n, results);
        for (unsigned i = 0; i < n; i++) { /* rule 8 */
            RV_CHECK(b->items[i].expected != RV_EXPECTED_NUMBER ||
                     results[i].version == b->items[i].number + 1);
        }
    }
}

/* Pushes the first batches that are durable; the root decides in order. */
static inline void step_push(uint32_t count) {
    rv_pending p;
    uint64_t at = 0;
    while (count > 0 && rv_node_pending(w.edge, at, &p) && p.durable) {
        wrote *const b = wrote_of(p.edge_sequence);
        at = p.edge_sequence;
        if (!b->decided) {
            decide(&p, b);
            RV_CHECK_PASSED();
            count -= 1;
        }
    }
}

/* One decision that the root has made comes back, whichever; maybe one that did before. */
static inline void step_decided(void) {
    if (w.wrote_count == 0) {
        return;
    }
    rv_pending p;
    uint64_t at = below(4) == 0 ? w.wrote[below(w.wrote_count)].sequence : 1;
    for (uint32_t skip = below(3); skip > 0 && rv_node_pending(w.edge, at - 1, &p); skip--) {
        at = p.edge_sequence + 1;
    }
    const bool waits = below(8) > 0 && rv_node_pending(w.edge, at - 1, &p);
    const wrote *const b = waits ? wrote_of(p.edge_sequence) : &w.wrote[below(w.wrote_count)];
    if (!b->decided) {
        return;
    }
    rv_decision d = {.outcome = b->refused ? RV_DECIDED_REFUSED : RV_DECIDED_ACCEPTED,
                     .position = b->position,
                     .refusal = b->reason};
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_decided(w.edge, b->sequence, &d, &w.err);
        if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(w.edge);
        }
    }
    RV_CHECK(status == RV_OK || in_vain(status));
    fixture_poll(w.edge); /* rows show a refusal from here on */
}

/* --- feeding --- */

/* All that the root has behind the node's W, as one batch; `stop_after` events it is broken off. */
static inline bool feed(rv_node *to, uint32_t stop_after) {
    rv_path_pattern p;
    rv_subscription s;
    const rv_log_identity *const identity = rv_node_identity(w.root.node);
    if (!fixture_settle(w.root.node) ||
        rv_path_pattern_parse(rv_bytes_of_string(w.pattern), &p, &w.err) != RV_OK ||
        rv_node_adopt(to, identity->log_id, identity->epoch, identity->root_tag, &w.err) != RV_OK) {
        return false;
    }
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_receive_begin(to, &w.err);
        fixture_poll(to);
    }
    if (status != RV_OK) {
        return to == w.edge && in_vain(status);
    }
    rv_subscription_open(&s, w.root.node, &p, 1, rv_node_watermark(to) + 1);
    s.system = true;
    rv_event event;
    rv_bytes path;
    status = rv_subscription_next(&s, 100, &event, &path, &w.err);
    while (status == RV_OK || status == RV_PENDING) {
        if (status == RV_OK && stop_after == 0) {
            rv_node_receive_cancel(to);
            return true;
        }
        if (status == RV_OK) {
            stop_after -= 1;
            status = rv_node_receive_stream(to, path, &event.stream, &w.err);
            status = status == RV_OK ? rv_node_receive_event(to, &event, &w.err) : status;
            if (status != RV_OK) {
                fprintf(stderr, "feed: %s\n", w.err.detail);
                return false;
            }
        }
        status = rv_subscription_next(&s, 100, &event, &path, &w.err);
    }
    const uint64_t reached = rv_subscription_watermark(&s);
    if (status != RV_END || reached < rv_node_watermark(to)) {
        rv_node_receive_cancel(to);
        return status == RV_END;
    }
    return rv_node_receive_commit(to, reached, rv_subscription_chain(&s), &w.err) == RV_OK;
}

static inline void step_feed(bool break_off) {
    RV_CHECK(feed(w.reference.node, UINT32_MAX));
    RV_CHECK(fixture_settle(w.reference.node));
    w.hashes[rv_node_watermark(w.reference.node)] = rv_node_state_hash(w.reference.node);
    const uint32_t before = rv_node_outbox(w.edge).pending;
    RV_CHECK(feed(w.edge, break_off ? below(4) : UINT32_MAX));
    w.counts[N_ARRIVED] += before - rv_node_outbox(w.edge).pending;
}

/* --- lives --- */

/* What was not durable may be gone, from its first on; the rest is as the root says. */
static inline void forget_lost(void) {
    const uint64_t next = rv_node_outbox(w.edge).next_sequence;
    while (w.wrote_count > 0 && w.wrote[w.wrote_count - 1].sequence >= next) {
        const wrote *const b = &w.wrote[w.wrote_count - 1];
        RV_CHECK(!b->durable && !b->decided);
        w.wrote_count -= 1;
    }
    RV_CHECK(w.wrote_count == 0 || w.wrote[w.wrote_count - 1].sequence < next);
    for (unsigned i = 0; i < w.wrote_count; i++) {
        wrote *const b = &w.wrote[i];
        rv_rejection r;
        const bool rejected =
            rv_node_rejection(w.edge, b->sequence - 1, &r) && r.batch.edge_sequence == b->sequence;
        rv_pending p;
        const bool waits =
            rv_node_pending(w.edge, b->sequence - 1, &p) && p.edge_sequence == b->sequence;
        /* that, or the decision before it, was not durable either */
        b->acknowledged = b->acknowledged && !rejected && !waits;
    }
}

static inline void reopen(void) {
    const rv_status status = open_edge();
    if (status != RV_OK) {
        fprintf(stderr, "open: %s\n", w.err.detail);
    }
    RV_CHECK_STATUS(status, RV_OK);
    forget_lost();
}

static inline void step_acknowledge(void) {
    rv_rejection r;
    if (!rv_node_rejection(w.edge, 0, &r)) {
        return;
    }
    const uint64_t sequence = r.batch.edge_sequence;
    wrote *const b = wrote_of(sequence);
    RV_CHECK(b != NULL);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_rejection_forget(w.edge, sequence, &w.err);
        fixture_poll(w.edge);
    }
    if (status != RV_OK && in_vain(status)) {
        return;
    }
    RV_CHECK_STATUS(status, RV_OK);
    b->acknowledged = true; /* if it is not durable, it is told again after the crash */
}

/* --- whole lives --- */

static inline void begin(uint64_t seed, const char *pattern) {
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.pattern = pattern;
    w.root = fixture_root(seed);
    w.reference = fixture_create(seed + 1);
    w.disk_memory = malloc(DISK_MEMORY);
    w.node_memory = malloc(FIXTURE_NODE_MEMORY);
    const rv_sim_disk_options options = {.seed = seed, .now = INT64_C(1700000000000000)};
    w.disk = rv_sim_disk_create(w.disk_memory, DISK_MEMORY, &options);
    RV_CHECK_STATUS(open_edge(), RV_OK);
    RV_CHECK_STATUS(fixture_open(&w.reference, RV_ROLE_EDGE, pattern), RV_OK);
    step_feed(false);
    RV_CHECK(fixture_settle(w.edge));
}

static inline void end(void) {
    fixture_free(&w.root);
    fixture_free(&w.reference);
    free(w.disk_memory);
    free(w.node_memory);
}

/* Nothing fails any more: everything is decided and comes back. */
static inline void converge(void) {
    for (int i = 0; i < 2 * WROTE_MAX && rv_node_outbox(w.edge).pending > 0; i++) {
        RV_CHECK(fixture_settle(w.edge));
        step_push(UINT32_MAX);
        RV_CHECK_PASSED();
        for (unsigned k = 0; k < w.wrote_count; k++) {
            const wrote *const b = &w.wrote[k];
            const rv_decision d = {.outcome = b->refused ? RV_DECIDED_REFUSED : RV_DECIDED_ACCEPTED,
                                   .position = b->position,
                                   .refusal = b->reason};
            rv_status status = RV_BUSY;
            for (int n = 0; n < FIXTURE_POLLS_MAX && b->decided && status != RV_OK; n++) {
                status = rv_node_decided(w.edge, b->sequence, &d, &w.err);
                fixture_poll(w.edge);
            }
        }
        step_feed(false);
        RV_CHECK_PASSED();
    }
    check_all();
    RV_CHECK_PASSED();
    check_outcomes();
    RV_CHECK_PASSED();
    RV_CHECK(fixture_settle(w.edge));
    RV_CHECK_EQ(rv_node_outbox(w.edge).pending, 0);
    RV_CHECK_EQ(rv_node_outbox(w.edge).settled, rv_node_outbox(w.edge).next_sequence - 1);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(w.edge), w.hashes[rv_node_watermark(w.edge)]));
}

#endif
