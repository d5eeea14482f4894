/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge's keys and its connection: asks for what the node wishes, a block at a time, and gives
 * the node what comes. Nothing that has to outlive the connection is kept here: what was granted
 * and did not arrive is told again.
 *
 *     idle -> asked -> answered -> (the node has it) -> idle
 *       ^----- refused: the next aggregate; when all were asked, after a while again
 */
#ifndef RV_SYNC_LEASES_H
#define RV_SYNC_LEASES_H

#include "core/engine_keys.h"
#include "sync/wire_lease.h"

#define RV_LEASES_AGAIN_US INT64_C(10000000)

typedef struct rv_leaser {
    rv_node *node;
    bool granted;  /* the upstream leases keys */
    bool asked;    /* a request is under way, */
    bool answered; /* and its answer waits for the node */
    bool refused;  /* since the last time that all were asked */
    bool idle;     /* there was no wish at `revision` */
    uint16_t from; /* aggregates below were refused */
    uint64_t revision;
    int64_t next_attempt; /* INT64_MIN: at once */
    rv_keys_wish wish;    /* that is under way */
    rv_lease lease;
    uint8_t message[128];
} rv_leaser;

void rv_leaser_create(rv_leaser *leaser, rv_node *node);

void rv_leaser_welcome(rv_leaser *leaser, const rv_wire_welcome *welcome);
void rv_leaser_disconnect(rv_leaser *leaser);

/* Takes an answer's body. RV_PROTOCOL_ERROR: malformed, or to nothing that was asked. */
RV_MUST_USE rv_status rv_leaser_take(rv_leaser *leaser, rv_bytes body, int64_t now, rv_error *err);

/* Gives the node the block that waits, when it can take it, and prepares it if a key was wanted. */
void rv_leaser_poll(rv_leaser *leaser, int64_t now);

/* The next request to send, borrowed until the next call. */
bool rv_leaser_send(rv_leaser *leaser, int64_t now, rv_bytes *message);

/* When there is something to send by itself; INT64_MAX: never. */
int64_t rv_leaser_deadline(const rv_leaser *leaser);

#endif
