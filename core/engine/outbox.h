/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox of an edge: what was written here and the root has not decided yet (SEMANTICS 8 to 11,
 * 21 to 23). A batch is judged over what the node holds completely, given the next edge sequence,
 * folded into the overlay and remembered in the ledger, so in the log. Then it is
 *
 *     WAITING    pushed, when it is durable, until the root says what becomes of it
 *     SUSPENDED  the same, but not folded: after a later event of the root it would break a
 *                constraint here. The root decides all the same
 *     ACCEPTED   the root took it; its events have not arrived yet
 *     gone       its events are here (in the same step, also without a decision), or, when none of
 *                them is covered by the selection, W has passed them: until then it would be lost
 *                if the root is restored; or it is a rejection now, kept until the application
 *                acknowledges it
 *
 * Edge sequences are 1, 2, 3 … of an incarnation, in the order of writing; what was decided leaves
 * holes. An incarnation is a number that no other life of a copied directory has: after a fork the
 * node takes a new one, under which everything that waits counts as never pushed, with the same
 * edge sequences and event ids.
 *
 * A batch may be what a command's function made (core/engine/command.h): then it is made again on
 * the rebased state until it is sent, and after some refusals.
 *
 *   invariant 1: rows, streams and what SQL reads show the overlay; the state hash, checkpoints and
 *                subscriptions never do.
 *   invariant 2: a batch leaves the outbox in the batch of the log that holds its events, or the
 *                decision: after a crash no event is both pending and in the log.
 *   invariant 3: there is always room to note a decision, so none is ever lost for lack of it.
 */
#ifndef RV_CORE_ENGINE_OUTBOX_H
#define RV_CORE_ENGINE_OUTBOX_H

#include "core/engine.h"

/* --- writing --- */

typedef struct rv_written {
    uint64_t edge_sequence;
    bool blind;     /* an event's stream is not covered by the selection: it is not folded here */
    bool unchecked; /* something was left to the root to check */
    bool changed;   /* of a command that has run again: it is another batch than before, */
    bool rejected;  /* or none: it was refused here, and is a rejection now */
    uint8_t command_id[16];
} rv_written;

/* What a command is, beside its events. */
typedef struct rv_command {
    rv_bytes name; /* 1 to RV_COMMAND_NAME_MAX bytes */
    rv_bytes args; /* JSON, at most RV_COMMAND_ARGS_MAX bytes, or empty */
} rv_command;

/* Who writes, and what. */
typedef struct rv_writes {
    const rv_append *events;
    size_t count;              /* 1 to RV_PUSH_EVENTS_MAX */
    rv_bytes principal;        /* at most RV_PRINCIPAL_LEN_MAX bytes; empty: who the upstream takes
                                  the node for (engine/principal.h) */
    const rv_command *command; /* NULL: none. Whose function made the events, which have no ids */
} rv_writes;

/*
 * Writes a batch at an edge. `results[i]` is the event as it waits: position 0; version as the
 * overlay has it, 0 for a stream that is not covered; event_id as given, or made here; data and
 * metadata valid until the next call on the node. Paths are told by rv_node_pending_event. A batch
 * whose ids are known (pending, or in the log) answers the first results again; a position above 0
 * tells that it is in the log. One that was refused and is not acknowledged is refused again, with
 * what the root said. A batch for whose rows there is no memory waits suspended, with
 * RV_STATE_FULL, and version 0.
 *
 * RV_PENDING, RV_BUSY (also while a batch is being received): poll, then call again with the same.
 * On any error nothing has changed. Errors are those of rv_node_append, over what is held
 * completely (SEMANTICS 22), and RV_OUTBOX_FULL (what waits, or was refused and not acknowledged,
 * has used up the ledger, or the overlay the journal), RV_NO_KEYS (a serial key is to be assigned),
 * RV_NOT_CONNECTED (the upstream was never met: there is no schema).
 */
RV_MUST_USE rv_status rv_node_write(rv_node *node, const rv_writes *writes, rv_event *results,
                                    rv_written *written, rv_error *err);

/* --- what waits --- */

typedef enum rv_pending_state {
    RV_PENDING_WAITING = 0,
    RV_PENDING_SUSPENDED = 1,
    RV_PENDING_ACCEPTED = 2
} rv_pending_state;

/* A batch of the outbox. Borrowed: until the next call that changes the node. */
typedef struct rv_pending {
    uint64_t edge_sequence;
    rv_pending_state state;
    bool durable; /* local: it may leave the node */
    bool blind;
    bool unchecked;
    rv_status reason;  /* why it is not folded, SUSPENDED, or ACCEPTED when it was; RV_OK: it is.
                          rv_node_pending_reason says more */
    uint64_t position; /* ACCEPTED: of the last event */
    int64_t written_at;
    uint64_t schema_version;
    rv_bytes principal;     /* who wrote it; empty: the upstream never named anybody */
    uint32_t counted_count; /* pending batches that an expected version counted when written */
    uint32_t count;         /* events */
    uint32_t covered;       /* of streams that the selection covers, */
    uint32_t arrived;       /* and of these, in the batch that is being received */
    rv_bytes counted;       /* for rv_node_pending_counted and _event */
    rv_bytes events;
    rv_command command;        /* whose function made it; no name: none */
    const uint8_t *command_id; /* 16 bytes */
    uint32_t attempt;          /* 0, and one more after each refusal */
    uint64_t after; /* W from which on it may be run again: the refusal was judged there */
    bool refused;   /* its events are those of the attempt before: not folded */
    bool due;       /* it is to run before it is sent; true if `refused` is */
} rv_pending;

/* The batch with the least edge sequence above `after`. False: there is none. */
RV_MUST_USE bool rv_node_pending(const rv_node *node, uint64_t after, rv_pending *pending);

/*
 * What the expected versions of the batch count now: the edge sequences, rising, of at most `cap`
 * own batches that are not known to be accepted. One that is not in the outbox any more, and that
 * the root has no decision of, was refused. The batch's own: it counts what a command made before
 * it ran again, and makes no more. Returns how many there are.
 */
uint32_t rv_node_pending_counted(const rv_node *node, const rv_pending *pending,
                                 uint64_t *sequences, uint32_t cap);

typedef struct rv_pending_event {
    rv_bytes path;
    uint16_t type; /* number in the node's schema, as are streams */
    uint8_t event_id[16];
    bool blind;
    rv_expected_kind expected;
    uint64_t expected_version; /* NUMBER: as the caller gave it, with what is counted above */
    rv_bytes metadata;
    rv_bytes data; /* encoded: docs/format/event.md */
    size_t id_at;  /* where its id lies in the batch's events */
} rv_pending_event;

/* Goes through the events of a batch. Start with all zero. */
typedef struct rv_pending_cursor {
    uint32_t index; /* of the next event */
    size_t offset;
} rv_pending_cursor;

/* False: there are no more. */
RV_MUST_USE bool rv_node_pending_event(const rv_node *node, const rv_pending *pending,
                                       rv_pending_cursor *cursor, rv_pending_event *event);

/* Why a batch is suspended: folds what waits again to find out. RV_OK: it is not. Otherwise that
 * status, with all that there is to say. */
RV_MUST_USE rv_status rv_node_pending_reason(rv_node *node, uint64_t edge_sequence, rv_error *err);

typedef struct rv_outbox_facts {
    uint32_t incarnation;   /* 0: nothing was written yet */
    uint64_t next_sequence; /* of the next batch that is written; 1 at first */
    uint64_t durable;       /* every batch up to it is local */
    uint64_t settled;       /* decisions of all up to it are durable here: the root may forget */
    uint32_t pending;       /* batches, of which */
    uint32_t suspended;
    uint32_t held_back;  /* batches that wait for a version of the schema that is lost */
    uint32_t unknown;    /* of these, written before the upstream was met, under a schema whose
                            event types the root's does not have */
    uint32_t came_back;  /* times that some of those became what they were: others that were written
                            later may have been pushed before them */
    uint32_t rejections; /* batches that wait for the application */
    size_t bytes;        /* of the ledger, and how many it has */
    size_t bytes_max;
} rv_outbox_facts;

rv_outbox_facts rv_node_outbox(const rv_node *node);

/* Moves whenever rows may look different: a batch was taken, or the overlay changed. */
uint64_t rv_node_revision(const rv_node *node);

/* --- what becomes of it --- */

typedef enum rv_decided {
    RV_DECIDED_ACCEPTED = 0,
    RV_DECIDED_REFUSED = 1,
    RV_DECIDED_FORKED = 2 /* the root knows another event under this number: rv_node_fork */
} rv_decided;

/* What the root decided of a pushed batch. */
typedef struct rv_decision {
    rv_decided outcome;
    uint64_t position; /* ACCEPTED: of the last event */
    uint64_t sequence; /* at the root: of the last event in its log; 0 elsewhere */
    rv_error refusal;  /* REFUSED: with the fact "index" if there are several events */
} rv_decision;

/* Takes a decision, ACCEPTED or REFUSED; rows show a refusal from the next poll or write on. RV_OK,
 * also when it was known; RV_PENDING, RV_BUSY (poll, then again), RV_READ_ONLY, RV_STORAGE_FULL,
 * RV_CLOSING. Not while a batch is being received. */
RV_MUST_USE rv_status rv_node_decided(rv_node *node, uint64_t edge_sequence,
                                      const rv_decision *decision, rv_error *err);

/* Takes a new incarnation. Statuses as above. rv_node_fork: since the directory was found to be a
 * copy, which is noted; rv_node_renew: without that. */
RV_MUST_USE rv_status rv_node_fork(rv_node *node, rv_error *err);
RV_MUST_USE rv_status rv_node_renew(rv_node *node, rv_error *err);

/* How often this directory was found to be a copy of one that has gone on: an edge that was
 * restored from a backup, or copied. Durable with the incarnations that were taken for it; where
 * the ledger has no room for it, what waits goes before and it is not noted. */
typedef struct rv_forked {
    uint64_t count;
    int64_t at; /* the last time: microseconds from 1970 */
} rv_forked;

/* False: it never was. */
RV_MUST_USE bool rv_node_forked(const rv_node *node, rv_forked *forked);

#define RV_FORKED_SIZE (8u + 8) /* bytes of RV_LEDGER_FORKED's value */

/* What became of a batch that was written in this life of the node: for who waits for it. What the
 * node itself made of a command (refused as it ran again, or come to nothing) is told when that is
 * durable, and waits until then. */
typedef enum rv_outcome_kind {
    RV_OUTCOME_WAITING,
    RV_OUTCOME_ACCEPTED, /* at `position`, of the last event, where it is known; a command that
                            came to have no events at 0 */
    RV_OUTCOME_REJECTED  /* until the rejection is acknowledged; `reason` says why */
} rv_outcome_kind;

typedef struct rv_outcome {
    rv_outcome_kind kind;
    uint64_t position;
    rv_error reason;
    uint64_t edge_sequence; /* its own now: a command that was refused goes behind the others */
} rv_outcome;

/* False: it is not known: never written, or long ago. */
RV_MUST_USE bool rv_node_outcome(const rv_node *node, uint64_t edge_sequence, rv_outcome *outcome);

/* A batch that was refused. Borrowed as above. Its events are read as those of a pending one. */
typedef struct rv_rejection {
    rv_pending batch;
    rv_error reason;
} rv_rejection;

/* The rejection with the least edge sequence above `after`, of those that are told. False: there is
 * none. */
RV_MUST_USE bool rv_node_rejection(const rv_node *node, uint64_t after, rv_rejection *rejection);

/* The rejection of the batch that holds this event, also if it is not told yet. Where an edge has
 * gone back there may be several, of what was given again under its ids: then the first. False:
 * there is none. */
RV_MUST_USE bool rv_node_rejection_of(const rv_node *node, const uint8_t *event_id,
                                      rv_rejection *rejection);

/* The application has taken note of the rejection of this batch, by its edge sequence: forgets it.
 * RV_NOT_FOUND; the statuses of rv_node_decided. */
RV_MUST_USE rv_status rv_node_rejection_forget(rv_node *node, uint64_t edge_sequence,
                                               rv_error *err);

#endif
