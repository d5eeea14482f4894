/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages lease (an edge asks for a block of serial keys) and leased (what it gets). An edge
 * has one request under way, so an answer needs not say to which it is.
 */
#ifndef RV_SYNC_WIRE_LEASE_H
#define RV_SYNC_WIRE_LEASE_H

#include "sync/wire.h"

typedef struct rv_wire_lease {
    uint32_t incarnation; /* not 0 */
    rv_bytes aggregate;   /* name, 1 to RV_NAME_LEN_MAX bytes */
    uint64_t known;       /* first key of the newest block that it has; 0: none */
    uint64_t done;        /* at most that: its blocks that begin below are not used any more */
    uint64_t count;       /* of keys: 1 to RV_LEASE_KEYS_MAX */
} rv_wire_lease;

typedef struct rv_wire_leased {
    bool granted;
    uint64_t first; /* granted: the keys first to first + count - 1, all of them 64-bit positive */
    uint64_t count; /* 1 to RV_LEASE_KEYS_MAX */
    rv_error refusal;
} rv_wire_leased;

void rv_wire_write_lease(rv_writer *w, const rv_wire_lease *lease);
RV_MUST_USE rv_status rv_wire_read_lease(rv_bytes body, rv_wire_lease *lease, rv_error *err);

void rv_wire_write_leased(rv_writer *w, const rv_wire_leased *leased);
RV_MUST_USE rv_status rv_wire_read_leased(rv_bytes body, rv_wire_leased *leased, rv_error *err);

#endif
