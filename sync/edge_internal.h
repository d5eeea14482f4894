/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge's parts, shared by its files: edge.c is the connection (states, messages, time),
 * edge_ingest.c takes what the upstream sends into the node.
 *
 *     offline -> connecting -> connected -> offline …       error: from any, for good
 *       needs-auth: an offline that tries again at the back-off's longest
 *       error, refused: one that tries again, as the upstream does not serve what is selected, now
 *
 *   invariant 1: `current` is ingested before anything in the queue, the queue in order, `progress`
 *                last; events that come later take the place of a progress that waits.
 *   invariant 2: between `receiving` and commit or cancel the node holds an open batch.
 *   invariant 3: credit given to the upstream and not yet used covers what the queue can take.
 */
#ifndef RV_SYNC_EDGE_INTERNAL_H
#define RV_SYNC_EDGE_INTERNAL_H

#include "core/engine/rewind.h"
#include "sync/backoff.h"
#include "sync/decode.h"
#include "sync/edge.h"
#include "sync/edge_lineage.h"
#include "sync/edge_token.h"
#include "sync/leases.h"
#include "sync/push.h"
#include "sync/relays.h"
#include "sync/timing.h"
#include "sync/wire_base.h"

/* Each message takes its bytes and 4 of length; a few of progress, which cost no credit, go before
 * bases. */
#define QUEUE_SIZE (RV_SYNC_CREDIT + 256u)

/* What is still to be sent, beside pushes. */
typedef struct rv_edge_owed {
    bool hello;
    bool selection;
    bool ping;
    bool pong;
    uint64_t pong_nonce;
    uint64_t credit; /* bytes ingested and not given back */
} rv_edge_owed;

#define SELECTION_BYTES (RV_SELECTION_LEN_MAX + 4096) /* a selection's binary form */

/* The first contact of a node that has a schema of its own (edge_meet.c). */
typedef struct rv_edge_meet {
    bool active;      /* welcomed, and the root's schema is gathered, */
    bool over;        /* or as much of it as comes first: the node is to take it */
    uint64_t version; /* of the root's schema: gathered, */
    uint64_t wanted;  /* and as the welcome has it */
    size_t len;       /* bytes gathered, in `queue` */
    rv_rewind to;
} rv_edge_meet;

/* What was asked for of the past (edge_fill.c). */
typedef struct rv_edge_fill {
    bool agreed;      /* the upstream can be asked */
    uint64_t until;   /* of what was asked for in this connection; 0: nothing */
    rv_error refused; /* the last answer; status RV_OK: it was not refused */
} rv_edge_fill;

/* What the upstream was told that the node is to hold (edge_select.c). */
typedef struct rv_edge_select {
    bool agreed;      /* the upstream takes select messages */
    bool announced;   /* the hello said that a selection message comes */
    bool by_message;  /* what it was told last, it was told by a select message */
    bool back;        /* the last one was refused: the node is to want again what was told */
    uint64_t serial;  /* of the node's, that was told or asked for */
    uint64_t hello;   /* of the node's, when the connection began */
    uint32_t swaps;   /* of the node's, that the upstream knows of */
    uint64_t number;  /* of the last select message of the connection; 0: none */
    bool waits;       /* for the answer to it */
    rv_error refused; /* the last answer; status RV_OK: it was not refused */
    size_t told_len;
    size_t asked_at; /* where the selection begins in the message */
    size_t asked_len;
    uint8_t told[SELECTION_BYTES];
    uint8_t asked[SELECTION_BYTES + 16]; /* the select message */
} rv_edge_select;

struct rv_edge {
    rv_node *node;
    rv_compression compression;
    rv_decoder *decoder;
    rv_pusher pusher;
    rv_leaser leaser;
    rv_lineage lineage;
    rv_edge_select select;
    rv_edge_token token;
    rv_relayer *relayer; /* NULL: it is no gateway */
    rv_edge_fill fill;
    rv_edge_meet meet;
    bool met; /* the node was given what was gathered, once */
    rv_backoff backoff;
    rv_backoff refusals; /* of what is selected, since something came of it */
    rv_edge_status status;
    rv_error held;        /* why a gateway does not pass on what is pushed; status RV_OK */
    bool at_once;         /* the connection is to be made anew without waiting */
    uint64_t batch_bytes; /* asked for */
    bool fatal;           /* the reason to come is one that trying again does not mend */
    int64_t next_attempt; /* offline */
    int64_t last_received;
    int64_t last_ping;
    int64_t last_report;
    uint64_t ping_nonce;
    uint64_t pong_seen;
    int64_t proof_until; /* the network came up: the connection ends then, unless something comes */
    uint64_t proof_nonce; /* first, such as the answer to this ping; INT64_MAX: it did not */
    uint64_t durable_reported;
    uint64_t chain_reported;
    bool awaited;          /* somebody waits for what the node is to hold, */
    bool overdue;          /* and did for too long: nobody does any more */
    int64_t awaited_until; /* INT64_MAX: the next poll says until when */
    int64_t polled_at;
    rv_edge_owed owed;
    uint64_t credit_left; /* what the upstream may still send */
    /* ingesting */
    bool has_current; /* `current` waits for the node */
    bool receiving;   /* the node's batch is open */
    bool changed;     /* and its last message was one of changes: progress can end it */
    bool has_progress;
    bool has_before;           /* `before` comes before the current message */
    bool stalled;              /* W stands still: `status.stopped` */
    uint32_t stalled_pages;    /* that were in use then: with less it is tried again */
    rv_bytes current;          /* a body, in `inflated` when it waits */
    rv_wire_kind current_kind; /* events or a part of a base */
    size_t current_cost;
    rv_wire_progress progress;
    rv_wire_progress before;
    uint8_t *inflated; /* RV_WIRE_MESSAGE_MAX; hello is written here too */
    uint8_t *queue;
    size_t queue_begin;
    size_t queue_end;
    uint8_t small[64 + RV_WIRE_TOKEN_MAX]; /* messages to send */
    uint8_t fill_bytes[SELECTION_BYTES];
    uint8_t fill_message[2 * SELECTION_BYTES + 64];
};

/* An events message, or a part of a base: ingested at once, or kept. Errors of rv_edge_receive. */
RV_MUST_USE rv_status rv_edge_take_events(rv_edge *edge, rv_wire_kind kind, rv_bytes message,
                                          rv_bytes body, rv_error *err);

/* A progress message: the same. */
RV_MUST_USE rv_status rv_edge_take_progress(rv_edge *edge, const rv_wire_progress *progress,
                                            rv_error *err);

/* Goes on with what waits. RV_OK also when it must wait longer. */
RV_MUST_USE rv_status rv_edge_ingest(rv_edge *edge, rv_error *err);

/* W stands still, and there is more room than when it stopped: an error, after which the connection
 * is made anew at once, and takes what comes. */
RV_MUST_USE rv_status rv_edge_try_again(rv_edge *edge, rv_error *err);

/* The connection ended: forgets what waits, takes back an open batch. */
void rv_edge_drop(rv_edge *edge);

/* --- edge_meet.c --- */

/* The welcome of the upstream that a provisional node meets. */
void rv_edge_meet_begin(rv_edge *edge, const rv_wire_welcome *welcome);

/* A message behind it. RV_OK: another one is awaited, or the node; else the connection ends:
 * RV_UPSTREAM_DIVERGED, as the node takes the upstream's log. */
RV_MUST_USE rv_status rv_edge_meet_take(rv_edge *edge, rv_wire_kind kind, size_t len, rv_bytes body,
                                        rv_error *err);

/* Goes on when the node was not ready. The same. */
RV_MUST_USE rv_status rv_edge_meet_poll(rv_edge *edge, rv_error *err);

/* Credit that is given back meanwhile. */
RV_MUST_USE bool rv_edge_meet_send(rv_edge *edge, rv_bytes *message);

/* --- edge_fill.c --- */

/* A connection begins; the upstream has welcomed. */
void rv_edge_fill_begin(rv_edge *edge, const rv_wire_welcome *welcome);

/* Asks for the past that the node lacks, once for each base. */
bool rv_edge_fill_send(rv_edge *edge, rv_bytes *message);

/* Some of it into the open batch, and commits it. Errors of rv_edge_receive. */
RV_MUST_USE rv_status rv_edge_fill_take(rv_edge *edge, rv_bytes body, rv_error *err);

/* --- edge_select.c --- */

/* True when the hello's patterns do not say all of what the node is to hold. */
bool rv_edge_wants_selection(const rv_edge *edge);

/* A connection begins. */
void rv_edge_select_begin(rv_edge *edge);

/* The hello is being written; the upstream has welcomed. RV_UNSUPPORTED: it does not know what the
 * node is to hold. */
void rv_edge_select_hello(rv_edge *edge, rv_wire_hello *hello);
RV_MUST_USE rv_status rv_edge_select_welcome(rv_edge *edge, const rv_wire_welcome *welcome,
                                             rv_error *err);

/* The selection message, into the whole of `w`. */
void rv_edge_write_selection(rv_edge *edge, rv_writer *w);

/* A select message, when the node wants something else than was told. */
bool rv_edge_select_send(rv_edge *edge, rv_bytes *message);

/* The answer to it. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_edge_select_take(rv_edge *edge, rv_bytes body, rv_error *err);

/* After a refusal: the node wants again what it wanted. RV_UPSTREAM_UNREACHABLE: another selection
 * needs another connection, since the upstream takes no select messages. */
RV_MUST_USE rv_status rv_edge_select_poll(rv_edge *edge, rv_error *err);

/* True when the edge has stopped because the upstream refused the selection, and it is another one
 * since. */
bool rv_edge_select_mends(const rv_edge *edge);

/* The last part of a base was taken: what is held is what the upstream has told. */
void rv_edge_select_swapped(rv_edge *edge);

/* RV_UPSTREAM_UNREACHABLE: what is held was narrowed, and is no more what the upstream feeds. */
RV_MUST_USE rv_status rv_edge_select_check(rv_edge *edge, rv_error *err);

/* For what a part of a base that comes now is. */
void rv_edge_select_part(const rv_edge *edge, rv_base_part *part);

/* True when the upstream does not serve what is selected: the edge comes again with it. */
static inline bool rv_edge_is_refused(const rv_edge *edge) {
    return edge->status.state == RV_EDGE_ERROR && !edge->fatal &&
           edge->status.reason.status == RV_SELECTION_INVALID;
}

static inline bool rv_edge_waits(const rv_edge *edge) {
    return edge->has_current || edge->queue_begin < edge->queue_end;
}

#endif
