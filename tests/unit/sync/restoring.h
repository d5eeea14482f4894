/* SPDX-License-Identifier: Apache-2.0 */
/* A root that is put back to an older copy of its disk, and an edge (duo.h). */
#ifndef RV_TESTS_SYNC_RESTORING_H
#define RV_TESTS_SYNC_RESTORING_H

#include "core/engine/epoch.h"
#include "core/engine/rewind.h"
#include "tests/unit/sync/duo.h"

static inline uint8_t *copy_disk(duo *d, duo_side *side) {
    for (int i = 0; i < 200; i++) {
        (void)duo_step(d);
    }
    uint8_t *const copy = malloc(DUO_DISK_MEMORY);
    memcpy(copy, side->disk_memory, DUO_DISK_MEMORY);
    return copy;
}

static inline void restore_disk(duo *d, duo_side *side, const uint8_t *copy) {
    duo_cut(d);
    memcpy(side->disk_memory, copy, DUO_DISK_MEMORY);
    duo_crash(d, side);
}

/* The root says that it was restored. */
static inline bool restored(duo *d) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_epoch_begin(d->root.node, &d->err);
        rv_sim_disk_advance(d->root.disk, DUO_STEP_US);
        fixture_poll(d->root.node);
    }
    return status == RV_OK;
}

/* The root's schema goes on by this. */
static inline rv_status apply(duo *d, const char *text) {
    rv_event event;
    rv_status status = RV_PENDING;
    for (int i = 0; i < DUO_STEPS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_apply(d->root.node, rv_bytes_of_string(text), &event, &d->err);
        (void)duo_step(d);
    }
    return status;
}

static inline bool same_rows(const duo *d) {
    return fixture_hashes_equal(rv_node_state_hash(d->root.node), rv_node_state_hash(d->leaf.node));
}

static inline int64_t balance_of(rv_node *node, int64_t id) {
    uint8_t memory[64];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    const rv_value key = rv_value_int(id);
    rv_value value = rv_value_int(-1);
    const rv_row row = rv_state_row_find(rv_node_state(node), 0, &key);
    return row != RV_ROW_NONE && rv_state_row_cell(rv_node_state(node), 0, row, 2, &scratch, &value,
                                                   NULL) == RV_OK
               ? value.as.integer
               : -1;
}

static inline int64_t balance(rv_node *node) {
    return balance_of(node, 1);
}

static inline bool deposit(duo *d, const char *amount) {
    return duo_write_one(d, "/accounts/1", "deposited", amount) == RV_OK;
}

/* An account that the edge has opened, at both. */
static inline duo *begin(void) {
    duo *const d = duo_create();
    if (duo_append(d, "accounts", "account_opened", "{\"name\":\"a\"}") != RV_OK || !duo_run(d)) {
        duo_fail("begin", &d->err);
    }
    return d;
}

#endif
