/* SPDX-License-Identifier: Apache-2.0 */
/* An edge and its root, for tests of the outbox: events are handed over by hand, and what the edge
 * has written is decided as the test says. Both are on memory hosts. */
#ifndef RV_TESTS_CORE_OUTBOX_PAIR_H
#define RV_TESTS_CORE_OUTBOX_PAIR_H

#include "core/engine/internal.h"
#include "tests/unit/node_fixture.h"

#define EVERYTHING "/accounts/*"

typedef struct pair {
    fixture root;
    fixture edge;
    const char *pattern;
} pair;

/* All that the root has behind W. */
static inline bool feed(pair *p) {
    rv_path_pattern pattern;
    rv_subscription s;
    rv_error err;
    rv_node *const edge = p->edge.node;
    const rv_log_identity *const identity = rv_node_identity(p->root.node);
    if (!fixture_settle(p->root.node) ||
        rv_path_pattern_parse(rv_bytes_of_string(p->pattern), &pattern, &err) != RV_OK ||
        rv_node_adopt(edge, identity->log_id, identity->epoch, identity->root_tag, &err) != RV_OK) {
        return false;
    }
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_receive_begin(edge, &err);
        fixture_poll(edge);
    }
    rv_subscription_open(&s, p->root.node, &pattern, 1, rv_node_watermark(edge) + 1);
    s.system = true;
    rv_event event;
    rv_bytes path;
    while (status == RV_OK || status == RV_PENDING) {
        status = rv_subscription_next(&s, 100, &event, &path, &err);
        if (status == RV_OK) {
            status = rv_node_receive_stream(edge, path, &event.stream, &err);
            status = status == RV_OK ? rv_node_receive_event(edge, &event, &err) : status;
        }
    }
    return status == RV_END &&
           rv_node_receive_commit(edge, rv_subscription_watermark(&s), rv_subscription_chain(&s),
                                  &err) == RV_OK &&
           fixture_settle(edge);
}

static inline pair pair_of(const char *pattern) {
    pair p = {.root = fixture_root(1), .edge = fixture_create(2), .pattern = pattern};
    if (fixture_open(&p.edge, RV_ROLE_EDGE, pattern) != RV_OK || !feed(&p)) {
        fprintf(stderr, "pair: %s\n", p.edge.err.detail);
        abort();
    }
    return p;
}

static inline void pair_free(pair *p) {
    fixture_free(&p->root);
    fixture_free(&p->edge);
}

static inline rv_status write_all(fixture *f, const rv_append *events, size_t count,
                                  rv_event *results, rv_written *written) {
    const rv_writes writes = {.events = events, .count = count, .principal = RV_LITERAL("ada")};
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_write(f->node, &writes, results, written, &f->err);
        if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(f->node);
        }
    }
    return status;
}

static inline rv_status write_one(fixture *f, const char *path, const char *type,
                                  const char *data) {
    const rv_append append = fixture_event(path, type, data);
    rv_event result;
    rv_written written;
    return write_all(f, &append, 1, &result, &written);
}

static inline int64_t balance_of(fixture *f, int64_t id) {
    const rv_value key = rv_value_int(id);
    const rv_row row = rv_state_row_find(rv_node_state(f->node), 0, &key);
    rv_value balance = rv_value_int(-1);
    if (row == RV_ROW_NONE ||
        rv_state_row_cell(rv_node_state(f->node), 0, row, 2, NULL, &balance, NULL) != RV_OK) {
        return -1;
    }
    return balance.as.integer;
}

/* Decides, polling while the log is busy. */
static inline rv_status decided(fixture *f, uint64_t sequence, const rv_decision *decision) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_decided(f->node, sequence, decision, &f->err);
        fixture_poll(f->node);
    }
    return status;
}

static inline rv_status reopen(fixture *f) {
    rv_memory_host_reopen(f->storage);
    return fixture_open(f, RV_ROLE_EDGE, NULL);
}

#endif
