/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages push (a batch that an edge has written, for the root to decide), decision (what
 * became of it) and settled (decisions that the edge has made durable), and what hello and welcome
 * say about them.
 */
#ifndef RV_SYNC_WIRE_PUSH_H
#define RV_SYNC_WIRE_PUSH_H

#include "core/model/event.h"
#include "rivulet/append.h"
#include "sync/wire.h"

/* What goes before the events. */
typedef struct rv_wire_push {
    uint32_t incarnation; /* not 0 */
    uint64_t edge_sequence;
    int64_t written_at; /* microseconds from 1970 */
    uint64_t schema_version;
    rv_bytes principal;
    uint64_t counted_count; /* edge sequences that an expected version counts and that the edge
                               does not know to be accepted: rising, up to its own */
    rv_cursor counted;      /* read: stands on the first */
    uint64_t count;
    rv_cursor events; /* read: stands on the first */
} rv_wire_push;

/* Starts a push: its head, for `count` events, and `counted`, which has `counted_count`. Each event
 * follows by rv_wire_write_pushed. */
void rv_wire_write_push(rv_writer *w, const rv_wire_push *push, const uint64_t *counted);

/* One event, whose data is encoded (docs/format/event.md) and whose id is given. */
void rv_wire_write_pushed(rv_writer *w, const rv_append *event);

/* Checks the whole body but for the events' data. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_wire_read_push(rv_bytes body, rv_wire_push *push, rv_error *err);

/* The next event of a push; false: malformed. */
RV_MUST_USE bool rv_wire_read_pushed(rv_cursor *c, rv_append *event);

/* The next counted edge sequence, after `previous` (0: the first). 0: malformed. */
RV_MUST_USE uint64_t rv_wire_read_counted(rv_cursor *c, uint64_t previous);

typedef enum rv_wire_decided {
    RV_WIRE_DECIDED_ACCEPTED = 0,
    RV_WIRE_DECIDED_REFUSED = 1,
    RV_WIRE_DECIDED_FORKED = 2, /* the root knows another event under this number */
    RV_WIRE_DECIDED_AGAIN = 3   /* nothing is decided from this one on: push again from here */
} rv_wire_decided;

/* Largest decision: a refusal with everything that there is to say. */
#define RV_WIRE_DECISION_LEN_MAX (20u + RV_WIRE_CODE_MAX + RV_WIRE_DETAIL_MAX + RV_ERROR_FACTS_MAX)

typedef struct rv_wire_decision {
    uint64_t edge_sequence;
    rv_wire_decided outcome;
    uint64_t position; /* accepted: of the last event */
    rv_error refusal;  /* refused */
} rv_wire_decision;

void rv_wire_write_decision(rv_writer *w, const rv_wire_decision *decision);
RV_MUST_USE rv_status rv_wire_read_decision(rv_bytes body, rv_wire_decision *decision,
                                            rv_error *err);

void rv_wire_write_settled(rv_writer *w, uint64_t edge_sequence);
RV_MUST_USE rv_status rv_wire_read_settled(rv_bytes body, uint64_t *edge_sequence, rv_error *err);

#endif
