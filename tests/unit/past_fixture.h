/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the state as it was share: a state of the past over a node, the way to a place in
 * it, and events of the fixture's schema, drawn one after the other.
 */
#ifndef RV_TESTS_PAST_FIXTURE_H
#define RV_TESTS_PAST_FIXTURE_H

#include "core/engine/as_of.h"
#include "tests/unit/node_fixture.h"

/* Over RV_AS_OF_MEMORY_MIN bytes of `memory`. */
static inline rv_as_of *past_create(rv_node *node, void *memory, uint64_t events_max) {
    const rv_as_of_options options = {.node = node,
                                      .memory = memory,
                                      .memory_size = RV_AS_OF_MEMORY_MIN,
                                      .events_max = events_max};
    rv_as_of *as_of = NULL;
    const rv_status status = rv_as_of_create(&as_of, &options, NULL);
    RV_ASSERT(status == RV_OK);
    return as_of;
}

static inline rv_status past_reach(rv_as_of *as_of, rv_node *node, rv_as_of_place place,
                                   rv_error *err) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_as_of_reach(as_of, &place, err);
        fixture_poll(node);
    }
    return status;
}

/* What was drawn so far. */
typedef struct past_draws {
    uint64_t random;
    unsigned accounts;
    unsigned notes;
} past_draws;

typedef struct drawn {
    char path[32];
    char type[24];
    char data[64];
} drawn;

/* The next event: an account that comes, a note of one, or a deposit. */
static inline void past_draw(past_draws *d, drawn *e) {
    const uint64_t r = rv_test_random(&d->random);
    const unsigned id = 1 + (unsigned)(r >> 16) % (d->accounts == 0 ? 1 : d->accounts);
    (void)snprintf(e->path, sizeof e->path, "/accounts/%u", id);
    if (d->accounts == 0 || r % 5 == 0) {
        d->accounts += 1;
        (void)snprintf(e->path, sizeof e->path, "accounts");
        (void)snprintf(e->type, sizeof e->type, "account_opened");
        (void)snprintf(e->data, sizeof e->data, "{\"name\":\"n%u\"}", d->accounts);
    } else if (r % 5 == 1) {
        d->notes += 1;
        (void)snprintf(e->type, sizeof e->type, "noted");
        (void)snprintf(e->data, sizeof e->data, "{\"note_id\":%u,\"body\":\"%u\"}", d->notes, id);
    } else {
        (void)snprintf(e->type, sizeof e->type, "deposited");
        (void)snprintf(e->data, sizeof e->data, "{\"amount\":%u}", 1 + (unsigned)(r >> 40) % 90);
    }
}

#endif
