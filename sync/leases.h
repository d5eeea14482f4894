/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge's keys and its connection: asks for what the node wishes, a block at a time, and gives
 * the node what comes. Nothing that has to outlive the connection is kept here: what was granted
 * and did not arrive is told again.
 *
 *     idle -> asked -> answered -> (the node has it) -> idle
 *       ^----- refused: the next aggregate; that one after a while again
 *
 * Who has written and got RV_NO_KEYS may wait: until a block comes, or the upstream refuses, or has
 * not answered for a while, or the connection ends.
 */
#ifndef RV_SYNC_LEASES_H
#define RV_SYNC_LEASES_H

#include "core/engine/keys.h"
#include "sync/wire_lease.h"

#define RV_LEASES_AGAIN_US INT64_C(10000000)
#define RV_LEASES_WAIT_US  INT64_C(5000000) /* that somebody waits for a block */

typedef struct rv_leaser {
    rv_node *node;
    bool granted;  /* the upstream leases keys */
    bool asked;    /* a request is under way, */
    bool answered; /* and its answer waits for the node */
    bool idle;     /* there was no wish at `revision` */
    bool awaited;  /* somebody waits for a block, */
    bool overdue;  /* and none came for too long: nobody waits any more */
    uint64_t revision;
    uint64_t refused[RV_AGGREGATES_MAX / 64]; /* of these none was to be had (bits), */
    int64_t refused_until;                    /* which is asked again then; INT64_MAX: none are */
    int64_t next_attempt;                     /* INT64_MIN: at once */
    int64_t awaited_until;                    /* INT64_MAX: the next poll says until when */
    int64_t polled_at;
    rv_keys_wish wish; /* that is under way */
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

/* True when keys of this aggregate may come soon: ask again after each rv_leaser_poll. */
bool rv_leaser_awaits(rv_leaser *leaser, uint16_t aggregate);

/* When there is something to do by itself; INT64_MAX: never. */
int64_t rv_leaser_deadline(const rv_leaser *leaser);

#endif
