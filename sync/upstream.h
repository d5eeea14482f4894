/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upstream's side of one sync connection: answers the hello, checks version and lineage, sends
 * what the edge selects from its cursor on, within the credit it gave, and takes its pushes. The
 * same shape as sync/edge.h: messages in and out, time as an argument.
 */
#ifndef RV_SYNC_UPSTREAM_H
#define RV_SYNC_UPSTREAM_H

#include "core/base/digest.h"
#include "sync/edge.h"

typedef struct rv_upstream rv_upstream;

/* What all connections of a node share: buffers for encoding and decoding. */
typedef struct rv_upstream_shared rv_upstream_shared;

typedef struct rv_upstream_options {
    rv_node *node;
    rv_compression compression;
    uint32_t connections_max;
    rv_edge *edge; /* the node's own connection to its upstream, for which it relays; or NULL */
    const rv_digest_ops *digest; /* for tokens; NULL: none is taken */
    uint32_t guide_near; /* events that an edge is behind before the log's index leads to what it
                            selected; 0: as many as pay, for all but tests */
    uint32_t guide_look; /* streams that it compares with an edge's patterns in one look; so, too */
} rv_upstream_options;

/* Takes its memory from `arena`: 7.25 MiB and 12 KiB for each connection, and 0.8 MiB for a node
 * that has an upstream. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_upstream_shared_create(rv_upstream_shared **shared,
                                                const rv_upstream_options *options, rv_arena *arena,
                                                rv_error *err);

/* Starts a session for a connection whose WebSocket is open. RV_BUSY: too many. */
RV_MUST_USE rv_status rv_upstream_open(rv_upstream_shared *shared, int64_t now,
                                       rv_upstream **session, rv_error *err);
void rv_upstream_close(rv_upstream *session);

/*
 * Who serves many sessions need not ask each: only those that may have something to send. After
 * rv_node_poll, and whenever rv_upstream_shared_deadline has passed, rv_upstream_look says how many
 * these are, and rv_upstream_next_asked gives the owner of one after the other, all in turn (NULL:
 * there is none). A session is to be asked besides when a message has come for it, when its
 * connection takes more, and when its own deadline has passed.
 */
void rv_upstream_set_owner(rv_upstream *session, void *owner);
uint32_t rv_upstream_look(rv_upstream_shared *shared, int64_t now);
void *rv_upstream_next_asked(rv_upstream_shared *shared);
int64_t rv_upstream_shared_deadline(const rv_upstream_shared *shared);

/* One whole binary message. An error: send what rv_upstream_send still gives (the error message),
 * then close the connection. */
RV_MUST_USE rv_status rv_upstream_receive(rv_upstream *session, rv_bytes message, int64_t now,
                                          rv_error *err);

/* The next message to send, borrowed until the next call on any session of the node, or
 * rv_upstream_look: encoded when it is asked for, so ask only when the transport can take it.
 * False: nothing now; ask again after rv_node_poll has moved rv_node_sequence_durable, after a read
 * completed, or after a message came in. */
bool rv_upstream_send(rv_upstream *session, int64_t now, rv_bytes *message);

/* When something is to be sent by itself (heartbeat, progress); INT64_MAX: never. */
int64_t rv_upstream_deadline(const rv_upstream *session);

/* True when the session is over and its connection should be closed. */
bool rv_upstream_finished(const rv_upstream *session);

typedef struct rv_upstream_status {
    uint64_t watermark; /* that the edge reported durable */
    uint64_t bytes_sent;
    uint64_t bytes_received;
} rv_upstream_status;

/* Adds what holds nothing between two calls; a message that was sent is over. */
void rv_upstream_unused(const rv_upstream_shared *shared, rv_unused *unused);

/* Edges that are connected. */
uint32_t rv_upstream_count(const rv_upstream_shared *shared);

/* Why the node's own upstream does not take what edges have pushed here, or some of it; status
 * RV_OK: nothing is known to be in the way. */
void rv_upstream_held(const rv_upstream_shared *shared, rv_error *why);

void rv_upstream_status_of(const rv_upstream *session, rv_upstream_status *status);

#endif
