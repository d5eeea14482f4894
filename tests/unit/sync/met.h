/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events a member of a net (net.h) has, one by one: how often each, and whether they come in
 * the order of their positions; and events of some accounts to look for.
 */
#ifndef RV_TESTS_SYNC_MET_H
#define RV_TESTS_SYNC_MET_H

#include "tests/unit/sync/net.h"

#define EVENTS_MAX 4096

static uint8_t met[EVENTS_MAX]; /* by position: how often the member has the event, */
static uint64_t met_count;      /* how many that are, */
static bool met_in_order;       /* and whether their positions rise */

/* Appends events of as many accounts, which are opened as they come. */
static inline void met_feed(net *n, uint64_t *random, int count, int accounts) {
    for (int i = 0; i < count; i++) {
        char path[32];
        char data[64];
        const int id = 1 + (int)(rv_test_random(random) % (uint64_t)accounts);
        uint32_t stream = 0;
        (void)snprintf(path, sizeof path, "/accounts/%d", id);
        const bool known = rv_state_stream_find(rv_node_state(n->members[0].node),
                                                rv_bytes_of_string(path), &stream);
        (void)snprintf(data, sizeof data, known ? "{\"amount\":%d}" : "{\"name\":\"n%d\"}", id);
        RV_CHECK_STATUS(net_append(n, path, known ? "deposited" : "account_opened", data), RV_OK);
    }
}

static inline void slow_all(net *n) {
    for (int i = 0; i < n->count; i++) {
        net_slow(n, i, 30);
    }
}

/* Looks at the events of the pattern that the member has, but the schema's, which all have. */
static inline void meet_events(net *n, int index, const char *pattern) {
    rv_node *const node = n->members[index].node;
    rv_path_pattern parsed;
    rv_subscription all;
    rv_event event;
    rv_bytes path;
    uint64_t last = 0;
    rv_status status = rv_path_pattern_parse(rv_bytes_of_string(pattern), &parsed, NULL);
    memset(met, 0, sizeof met);
    met_count = 0;
    met_in_order = true;
    rv_subscription_open(&all, node, &parsed, 1, 1);
    for (int i = 0; i < NET_STEPS_MAX && status != RV_END; i++) {
        status = rv_subscription_next(&all, 1000, &event, &path, NULL);
        if (status == RV_OK && path.ptr[1] == 'a') {
            RV_CHECK(event.position < EVENTS_MAX);
            met[event.position % EVENTS_MAX] += 1;
            met_count += 1;
            met_in_order = met_in_order && event.position > last;
            last = event.position;
        }
        if (status == RV_PENDING) {
            rv_sim_disk_advance(n->members[index].disk, NET_STEP_US);
            fixture_poll(node);
        }
    }
    RV_CHECK_STATUS(status, RV_END);
}

#endif
