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

/* What the leaf's disk has under the name, as it is now. */
static inline size_t read_file(const duo_side *side, const char *name, uint8_t *to, size_t cap) {
    rv_io_result result;
    const rv_host host = rv_sim_disk_interface(side->disk);
    if (host.ops->open(host.ctx, (rv_ticket)1 << 60, name, &result) != RV_IO_DONE ||
        result.status != RV_OK) {
        return 0;
    }
    const rv_file file = result.file;
    const bool read =
        host.ops->read(host.ctx, (rv_ticket)1 << 60, file, 0, to, cap, &result) == RV_IO_DONE &&
        result.status == RV_OK;
    host.ops->close(host.ctx, file);
    return read ? (size_t)result.count : 0;
}

/* Until the edge is about to go back: its disk, with the whole file on it. */
static inline uint8_t *noted_disk(duo *d, uint8_t *file, size_t cap, size_t *len) {
    const rv_sim_faults slow = {
        .crash = RV_SIM_CRASH_KEEP, .pending_percent = 50, .latency_us_max = 5 * DUO_STEP_US};
    rv_sim_disk_set_faults(d->leaf.disk, &slow);
    *len = 0;
    uint8_t *const copy = malloc(DUO_DISK_MEMORY);
    for (int i = 0; i < DUO_STEPS_MAX && (*len < RV_REWIND_HEAD || file[0] != 'R'); i++) {
        if (d->session == NULL) {
            duo_connect(d);
        }
        (void)duo_step(d);
        if (rv_node_rewinding(d->leaf.node)) { /* looked at as after a crash, which then was none */
            memcpy(copy, d->leaf.disk_memory, DUO_DISK_MEMORY);
            rv_sim_disk_crash(d->leaf.disk);
            duo_slow(&d->leaf, 0);
            *len = read_file(&d->leaf, "rewind", file, cap);
            memcpy(d->leaf.disk_memory, copy, DUO_DISK_MEMORY);
        }
    }
    return copy;
}

/* Changes the file so that its sums are right. */
static inline void forge(rv_sim_disk *disk, const uint8_t *file, size_t len, size_t at,
                         unsigned bit) {
    static uint8_t forged[1 << 16];
    memcpy(forged, file, len);
    forged[at] ^= (uint8_t)(1u << bit);
    const rv_bytes records = rv_bytes_of(forged + RV_REWIND_HEAD, len - RV_REWIND_HEAD);
    rv_store_u32(forged + 44, rv_crc32c(0, records));
    rv_store_u32(forged + 12, rv_crc32c(0, rv_bytes_of(forged + 16, RV_REWIND_HEAD - 16)));
    for (size_t i = 0; i < len; i++) {
        for (unsigned b = 0; b < 8; b++) {
            if (((forged[i] ^ file[i]) >> b & 1u) != 0) {
                RV_CHECK_STATUS(rv_sim_disk_flip(disk, "rewind", i, b), RV_OK);
            }
        }
    }
}

#endif
