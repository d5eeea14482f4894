/* SPDX-License-Identifier: Apache-2.0 */
/* The messages append (a batch for the root to judge) and appended (its answer). */
#ifndef RV_SYNC_WIRE_APPEND_H
#define RV_SYNC_WIRE_APPEND_H

#include "core/engine.h"
#include "sync/wire.h"

#define RV_WIRE_APPEND_EVENTS_MAX 1024u /* of one forwarded batch */

typedef struct rv_wire_append {
    uint64_t request;
    uint64_t count;
    rv_cursor events; /* stands on the first */
} rv_wire_append;

void rv_wire_write_append(rv_writer *w, uint64_t request, const rv_append *events, size_t count);

/* Checks the whole body. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_wire_read_append(rv_bytes body, rv_wire_append *append, rv_error *err);

/* The next event of an append; false: malformed. */
RV_MUST_USE bool rv_wire_read_append_event(rv_cursor *c, rv_append *event);

typedef enum rv_wire_outcome {
    RV_WIRE_ACCEPTED = 0,
    RV_WIRE_REFUSED = 1,
    RV_WIRE_ACCEPTED_BARE = 2 /* accepted; the events would not fit into a message */
} rv_wire_outcome;

typedef struct rv_wire_appended {
    uint64_t request;
    rv_wire_outcome outcome;
    rv_error refusal;  /* RV_WIRE_REFUSED */
    uint64_t position; /* of the last event */
    uint64_t count;
    rv_cursor events;
} rv_wire_appended;

/* One accepted event as the answer tells it. */
typedef struct rv_wire_accepted {
    uint64_t position;
    uint64_t version;
    rv_bytes path;
    rv_bytes type;
    uint8_t event_id[16];
    int64_t recorded_at;
    rv_bytes data; /* JSON */
} rv_wire_accepted;

/* An answer is its head and, when accepted, `count` events. */
void rv_wire_write_appended(rv_writer *w, const rv_wire_appended *answer);
void rv_wire_write_accepted(rv_writer *w, const rv_wire_accepted *event);

RV_MUST_USE rv_status rv_wire_read_appended(rv_bytes body, rv_wire_appended *answer, rv_error *err);
RV_MUST_USE bool rv_wire_read_accepted(rv_cursor *c, rv_wire_accepted *event);

#endif
