/* SPDX-License-Identifier: Apache-2.0 */
/* A pair (based.h) whose edge is told what to hold, and readers that count what it has of it. */
#ifndef RV_TESTS_SYNC_FOLLOWED_H
#define RV_TESTS_SYNC_FOLLOWED_H

#include "core/live/subscription.h"
#include "tests/unit/sync/based.h"

#define EVENTS_MAX 8000

static inline rv_status select_entries(pair *p, const char *const *entries, size_t count) {
    rv_bytes texts[4];
    for (size_t i = 0; i < count; i++) {
        texts[i] = rv_bytes_of_string(entries[i]);
    }
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_select(p->leaf.node, texts, count, &p->leaf.err);
        if (status == RV_PENDING || status == RV_BUSY) {
            (void)pair_step(p);
        }
    }
    return status;
}

/* What a reader by sequence saw of each position. */
static uint8_t seen[EVENTS_MAX];

/* Reads on, and counts. */
static inline void follow(pair *p, uint64_t *next) {
    rv_subscription all;
    rv_event event;
    rv_bytes path;
    rv_subscription_open(&all, p->leaf.node, NULL, 0, *next);
    rv_status status = RV_PENDING;
    for (int i = 0; i < 200000 && status != RV_END; i++) {
        status = rv_subscription_next(&all, 1000, &event, &path, NULL);
        if (status == RV_OK) {
            RV_CHECK(event.position < EVENTS_MAX);
            seen[event.position] += 1;
        } else if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(p->leaf.node);
        }
    }
    RV_CHECK_STATUS(status, RV_END);
    *next = rv_subscription_sequence(&all);
}

/* Each event of the root that the entry has was seen once; `since`: from that position on. */
static inline void check_seen(pair *p, const char *pattern, uint64_t since) {
    rv_path_pattern parsed;
    rv_subscription all;
    rv_event event;
    rv_bytes path;
    RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(pattern), &parsed, NULL), RV_OK);
    rv_subscription_open(&all, p->root.node, &parsed, 1, 1);
    rv_status status = RV_PENDING;
    for (int i = 0; i < 200000 && status != RV_END; i++) {
        status = rv_subscription_next(&all, 1000, &event, &path, NULL);
        if (status == RV_OK && event.position >= since) {
            RV_CHECK_EQ(seen[event.position], 1);
        } else if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(p->root.node);
        }
    }
    RV_CHECK_STATUS(status, RV_END);
}

/* A stream that is here as a whole, version by version, as the root has it. */
static inline void check_stream(pair *p, const char *path_text, uint64_t first) {
    rv_path_pattern parsed;
    rv_subscription here;
    rv_event event;
    rv_bytes path;
    uint32_t stream = 0;
    rv_stream_head head = {.version = 0};
    RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(path_text), &parsed, NULL), RV_OK);
    if (rv_state_stream_find(rv_node_state(p->root.node), parsed.text, &stream)) {
        rv_state_stream(rv_node_state(p->root.node), stream, &head);
    }
    rv_subscription_open(&here, p->leaf.node, &parsed, 1, 1);
    rv_subscription_by_version(&here);
    rv_status status = RV_PENDING;
    uint64_t version = first;
    for (int i = 0; i < 200000 && status != RV_END; i++) {
        status = rv_subscription_next(&here, 1000, &event, &path, NULL);
        if (status == RV_OK) {
            RV_CHECK(version == first || event.version == version);
            RV_CHECK_TEXT(path, path_text);
            version = event.version + 1;
        } else if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(p->leaf.node);
        }
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK(head.version == 0 || version == head.version + 1);
}

static inline bool is_done(const pair *p) {
    return rv_selection_equal(rv_node_selection(p->leaf.node),
                              rv_node_selection_wanted(p->leaf.node)) &&
           !rv_node_fill_of(p->leaf.node).active;
}

#endif
