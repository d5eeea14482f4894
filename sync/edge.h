/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge's side of a sync connection: a polled state machine that says hello, asks for the node's
 * selection from its durable cursor on, folds what comes, reports progress, grants credit, pushes
 * the node's outbox (core/engine/outbox.h) and asks for serial keys. It outlives connections. It
 * never calls the operating system: whole WebSocket messages go in and out, time is an argument
 * (microseconds, of any monotonic clock). docs/format/wire.md has the messages.
 */
#ifndef RV_SYNC_EDGE_H
#define RV_SYNC_EDGE_H

#include "core/engine.h"
#include "sync/wire.h"

typedef struct rv_edge rv_edge;

typedef enum rv_edge_state {
    RV_EDGE_OFFLINE,    /* no connection; `deadline` says when to try again */
    RV_EDGE_CONNECTING, /* the transport is up or coming up, hello not answered */
    RV_EDGE_CONNECTED,
    RV_EDGE_ERROR, /* stopped for a reason that trying again does not mend; RV_SELECTION_INVALID:
                      offline, and trying again with the back-off of refusals */
    RV_EDGE_NEEDS_AUTH /* offline, and trying again seldom: another token is needed */
} rv_edge_state;

typedef struct rv_edge_options {
    rv_node *node;
    rv_compression compression;
    uint64_t seed; /* of the back-off's jitter */
} rv_edge_options;

/* Takes its memory from `arena` (4 MiB). RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_edge_create(rv_edge **edge, const rv_edge_options *options,
                                     rv_arena *arena, rv_error *err);

/* True once each time the transport should connect now; the transport answers with one of the next
 * two. */
bool rv_edge_wants_connection(rv_edge *edge, int64_t now);

/* The WebSocket is open, with the subprotocol agreed. */
void rv_edge_opened(rv_edge *edge, int64_t now);

/* The connection could not be made or has ended; `reason` is why (RV_UPSTREAM_UNREACHABLE,
 * RV_UPSTREAM_NOT_RIVULET, …), its detail is kept for status. Harmless when there is none. */
void rv_edge_closed(rv_edge *edge, const rv_error *reason, int64_t now);

/* The network is there again, or there are other credentials: tries at once where it waited; a
 * connection that there is has to prove within 5 s that it lives, or is closed: rv_edge_poll. */
void rv_edge_network_up(rv_edge *edge, int64_t now);

/* The token for the upstream, at most RV_WIRE_TOKEN_MAX bytes, copied; empty: none. A session that
 * there is goes on with it, and one that was refused is tried again at once. */
void rv_edge_set_token(rv_edge *edge, rv_bytes token, int64_t now);

/* True once each time another token is wanted: the last was refused, or will soon have expired.
 * Whoever has tokens then gives one; if there is no other, it is wanted again a little later. */
bool rv_edge_wants_token(rv_edge *edge, int64_t now);

/* One whole binary message. An error: the transport closes the connection (close code 1002, or 1009
 * when too large) and calls rv_edge_closed with it. Messages that wait for the disk are kept
 * inside. */
RV_MUST_USE rv_status rv_edge_receive(rv_edge *edge, rv_bytes message, int64_t now, rv_error *err);

/* False while messages wait inside for the disk: a transport that can hold messages back hands over
 * those of events and progress, in their order, only when it is true, and none is copied then. */
bool rv_edge_ready(const rv_edge *edge);

/* The next message to send, borrowed until the next call on the edge; false when there is none. */
bool rv_edge_send(rv_edge *edge, int64_t now, rv_bytes *message);

/* Goes on with what waited for the node or for time. Call it after rv_node_poll and at the
 * deadline. An error is answered as one of rv_edge_receive. */
RV_MUST_USE rv_status rv_edge_poll(rv_edge *edge, int64_t now, rv_error *err);

/* When rv_edge_poll or rv_edge_wants_connection has something to do by itself; INT64_MAX: never. */
int64_t rv_edge_deadline(const rv_edge *edge);

typedef struct rv_edge_status {
    rv_edge_state state;
    /* Of offline and error, why W stands still, or for whom or what the outbox waits; status
     * RV_OK: there is none. */
    rv_error reason;
    /* Connected, but W stands still: this node has not the memory for what comes next, or does not
     * understand its schema. What is held can be read, and what is written is pushed. */
    bool stopped;
    uint64_t upstream_position; /* the root's last position that the upstream told */
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t events_received;
    rv_error past_refused;      /* why the past of what is held cannot be filled in; RV_OK */
    rv_error selection_refused; /* why the last selection that was asked for is not taken; RV_OK */
    bool pushes;                /* connected to an upstream that takes pushes */
    bool gateway;               /* connected to an upstream that has one itself */
    uint64_t relayed;           /* own batches up to this one are flushed at a gateway */
    rv_bytes principal;     /* whom the upstream took the token for, the last time; empty: nobody */
    bool held_by_principal; /* what waits was written by somebody else, who has to push it */
} rv_edge_status;

void rv_edge_status_of(const rv_edge *edge, rv_edge_status *status);

struct rv_pending; /* core/engine/outbox.h */

/* True for a batch of the outbox that waits because another principal wrote it than the one that
 * the upstream took this edge for, the last time: `reason`, RV_OTHER_PRINCIPAL, says who. Or since
 * a gateway may not pass it on: `reason` is that. */
bool rv_edge_held(const rv_edge *edge, const struct rv_pending *batch, rv_error *reason);

/* Adds what holds nothing while no message waits to be taken in. */
void rv_edge_unused(const rv_edge *edge, rv_unused *unused);

/* --- an edge that is a gateway --- */

struct rv_relayer;

/* From now on it relays what this has (sync/relays.h), at its next connection first. */
void rv_edge_relay_for(rv_edge *edge, struct rv_relayer *relayer);

/* --- keys for rows that are created here --- */

/* True when serial keys of this aggregate, of which rv_node_write had none (rv_node_keys_missed),
 * may come soon: write again when there is another block (rv_node_keys_blocks). False: the edge is
 * not connected, or the upstream refused, or has not answered for some seconds. */
bool rv_edge_awaits_keys(rv_edge *edge, uint16_t aggregate);

/* --- what is to be held, while it is not here --- */

#define RV_EDGE_WAIT_US INT64_C(5000000) /* that somebody waits for it */

/* True when a schema and all that a node that lacks some of it is to hold may soon be here: ask
 * again after each rv_edge_poll. False: nothing comes before somebody has mended something
 * (RV_EDGE_ERROR, RV_EDGE_NEEDS_AUTH), or somebody has waited for RV_EDGE_WAIT_US since the
 * connection began, or without one. */
bool rv_edge_awaits_contents(rv_edge *edge);

#endif
