/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The overlay of an edge: what its outbox holds, folded over the confirmed state. It is laid while
 * something waits and nobody needs the confirmed state; who does (a batch that is received, a
 * checkpoint that begins, the state hash) lifts it and lays it again.
 *
 *     lift -> (pages are the confirmed state) -> lay: every batch in order, each in a savepoint
 *
 * Laying judges anew: a batch that does not hold any more is suspended, for the time being. While a
 * command runs (core/engine/command.h) only what was written before it is laid.
 *
 * A batch that is refused stays in it until the node is polled, so that a row of refusals lays it
 * anew once, not each time.
 *
 *   invariant 1: outside of the engine's files the overlay is laid whenever a batch waits; whole,
 *                but for while a command runs.
 *   invariant 2: streams with numbers below `streams_confirmed` are in the log, others are pending.
 *   invariant 3: `accepted` and `counting` are the batches that wait and are accepted, and that
 *                count others.
 */
#ifndef RV_CORE_ENGINE_OVERLAY_H
#define RV_CORE_ENGINE_OVERLAY_H

#include "core/engine/pending.h"
#include "core/engine/selection.h"
#include "core/engine/waiting.h"

/* Batches of the log that hold consecutive edge sequences, one each: they become durable one by
 * one. */
typedef struct rv_outbox_run {
    uint64_t sequence; /* of the first */
    uint64_t batch;    /* number of its batch (rv_log_batches) */
    uint64_t count;
} rv_outbox_run;

/* What was decided lately, for who waits. */
typedef struct rv_outbox_decided {
    uint64_t sequence; /* 0: unused */
    uint64_t position;
    uint64_t moved; /* not 0: a command that was refused, which waits under this sequence now */
} rv_outbox_decided;

#define RV_OUTBOX_RUNS    16u
#define RV_OUTBOX_DECIDED 256u

typedef struct rv_outbox {
    uint64_t tag;         /* of the ids that are made in this life of the node */
    uint64_t ids;         /* that were made */
    uint32_t incarnation; /* as SELF has them; 0: there is none */
    uint64_t next_sequence;
    uint32_t pending;
    uint32_t suspended;
    uint32_t rejections;
    uint32_t accepted; /* of those that wait, as are */
    uint32_t counting; /* those whose expected versions count others */
    uint32_t arrived;  /* notes of arrivals in the batch that is being received */
    uint32_t streams_confirmed;
    uint64_t revision;
    bool lay_due; /* a batch that was refused is still shown: until the next poll or write */
    rv_held held; /* what the selection holds completely, */
    uint32_t held_version;                    /* of the schema at this version, */
    uint32_t held_stale;                      /* with so many aggregates stale, */
    rv_held_state held_state;                 /* with this much of the selection there */
    uint64_t creates[RV_AGGREGATES_MAX / 64]; /* covered streams number rows of these (bits), */
    uint64_t wanted[RV_AGGREGATES_MAX / 64];  /* and of these a key was wanted */
    uint64_t starved[RV_AGGREGATES_MAX / 64]; /* and there was none, nor has a block come since */
    uint16_t keys_missed;                     /* the last of them */
    uint64_t keys_blocks;                     /* that have come since the node was opened */
    uint64_t keys_revision;
    uint64_t self_batch; /* batch of the log that holds the incarnation; 0: durable */
    rv_waiting_index waiting;
    uint64_t durable;                   /* edge sequences up to it are */
    rv_outbox_run runs[RV_OUTBOX_RUNS]; /* that are not, oldest first */
    uint32_t run_count;
    uint64_t decided_batch;     /* the last batch of the log that holds a decision */
    uint64_t own_first;         /* least edge sequence of those that this node decided itself and */
    uint64_t own_batch;         /* that may not be durable, 0: none; and the last of them */
    uint32_t unknown;           /* those that name a provisional schema, of the */
    uint32_t held_back;         /* entries that wait for the schema, */
    uint32_t came_back;         /* rv_outbox_facts */
    bool doubled;               /* some may wait twice (rv_waiting_again) */
    uint32_t held_back_version; /* which was looked at when it had this version */
    bool partial;               /* what is laid ends before a command that runs: */
    uint64_t running;           /* its edge sequence; 0: none */
    uint64_t laid_to;           /* the last that is laid */
    bool commands;              /* there were some in this life */
    bool commands_due;          /* some may have to run */
    uint64_t lacking;           /* the one (edge sequence) whose last run was not taken; 0: none */
    rv_status lacked;           /* for want of what */
    uint64_t sent;              /* commands up to this edge sequence may have been sent, */
    uint64_t sent_batch;        /* which the log says in this batch */
    bool settle_due;            /* since then: */
    uint64_t settled;           /* as of the last time that all were durable */
    rv_outbox_decided decided[RV_OUTBOX_DECIDED];
    uint32_t decided_at;
} rv_outbox;

/* Takes what it needs for a ledger of this size. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_outbox_create(rv_node *node, rv_arena *arena);

/* The ledger is replayed: what waits is counted, and laid. */
void rv_outbox_open(rv_node *node);

/* Lifts the overlay, and lays it, if there is something to lay. Neither fails. */
void rv_outbox_lift(rv_node *node);
void rv_outbox_lay(rv_node *node);

/* Lays what lies before a batch, and nothing else; what a command that runs has left out. */
void rv_outbox_lay_before(rv_node *node, uint64_t edge_sequence);
void rv_outbox_whole(rv_node *node);

/* Lays it anew if that is due. Not while a batch is being received. */
void rv_outbox_lay_due(rv_node *node);

/* Lays what is there of it so far, for a batch that is to be folded. */
void rv_outbox_ready(rv_node *node);

/* The i-th batch that waits; i below `pending`. */
rv_pending rv_outbox_at(const rv_node *node, uint32_t index);

/* What is held completely, and made, is what the schema says now. There is one. */
void rv_outbox_measure(rv_node *node);

/* True when the selection covers the path. */
bool rv_outbox_covers(const rv_node *node, rv_bytes path);

/* A pending event of a covered stream, complete: finds its stream, judges its expected version and
 * folds it; `values` are its data. Sets `event->stream`, `version` and `declaration`. The caller
 * rolls back. */
RV_MUST_USE rv_status rv_outbox_fold(rv_node *node, const rv_pending_event *pending,
                                     const rv_value *values, rv_event *event, rv_error *err);

/* What a rv_pending_event says as an event, for folding. */
rv_event rv_outbox_event(const rv_pending *batch, const rv_pending_event *pending);

/* The batch has an event of this id: `*event`. */
RV_MUST_USE bool rv_outbox_batch_has(const rv_pending *batch, const uint8_t *id,
                                     rv_pending_event *event);

/* The batch that waits with an event of this id. False: there is none. `*event` is that one. */
RV_MUST_USE bool rv_outbox_find_id(const rv_node *node, const uint8_t *id, rv_pending *batch,
                                   rv_pending_event *event);

/* As rv_node_rejection, with what is not told yet. */
RV_MUST_USE bool rv_outbox_rejection(const rv_node *node, uint64_t after, rv_rejection *rejection);

/* True when an expected version of the batch, which is no command, counts what is no more: a batch
 * that was refused, or what a command made before it ran again. */
RV_MUST_USE bool rv_outbox_counts_lost(const rv_node *node, const rv_pending *batch);

/* Notes, in the ledger, that a batch is refused, or can only be (rv_outbox_counts_lost): for those
 * that count it. As rv_ledger_put. */
RV_MUST_USE rv_status rv_outbox_write_lost(const rv_node *node, rv_ledger_changes *changes,
                                           uint64_t edge_sequence);

/* A batch was written into the batch of the log that was committed last. */
void rv_outbox_note_written(rv_node *node, uint64_t edge_sequence);

/* Writes up to where commands may have been sent. As rv_ledger_put. */
RV_MUST_USE rv_status rv_outbox_write_sent(const rv_node *node, rv_ledger_changes *changes,
                                           uint64_t sent);

/* A number that no life of this directory had, as far as chance goes; not 0. */
uint32_t rv_outbox_new_incarnation(rv_node *node, uint32_t old);

/* Writes SELF. As rv_ledger_put. */
RV_MUST_USE rv_status rv_outbox_write_self(rv_node *node, rv_ledger_changes *changes,
                                           uint32_t incarnation, uint64_t next_sequence);

/* For who waits: what became of a batch. */
void rv_outbox_note_decided(rv_node *node, uint64_t edge_sequence, uint64_t position);
void rv_outbox_note_moved(rv_node *node, uint64_t edge_sequence, uint64_t to);

/* The commands behind an edge sequence that were not sent are to run again. */
void rv_outbox_commands_due(rv_node *node, uint64_t after);

/* Writes a batch of a command anew, over what is laid now: `again` is what waits, of which it keeps
 * edge sequence, time, ids and, where types are the same, keys. RV_OK: it is folded; errors as
 * rv_node_write, after which nothing has changed. */
RV_MUST_USE rv_status rv_outbox_write_again(rv_node *node, const rv_pending *again,
                                            const rv_writes *writes, rv_event *results,
                                            rv_written *written, rv_error *err);

/* Decides a batch that waits, for good: a command is not run again. As rv_node_decided. */
RV_MUST_USE rv_status rv_outbox_decide(rv_node *node, uint64_t edge_sequence,
                                       const rv_decision *decision, rv_error *err);

/* The ledger has other entries that wait, or were refused: counts them again, and lays. */
void rv_outbox_recount(rv_node *node);

/* What waits for the schema joins what waits, as far as that is there now (engine/back.c). */
void rv_outbox_back_open(rv_node *node);
uint64_t rv_outbox_back_first(const rv_node *node); /* edge sequence; UINT64_MAX: none waits */
void rv_outbox_back_poll(rv_node *node);

/* The same before the node is open, without laying anything. RV_END: all that is known has joined;
 * RV_OK: some; RV_PENDING, RV_BUSY, and failures of the storage. */
RV_MUST_USE rv_status rv_outbox_back_write(rv_node *node, rv_error *err);

/* Takes note of what has become durable. */
void rv_outbox_poll(rv_node *node);

/* --- receiving --- */

/* An event has been folded that may be one that waits: notes its arrival. */
void rv_outbox_arrive(rv_node *node, const rv_event *event);

/* The received batch is to be committed with W there: writes that what has arrived leaves the
 * outbox. RV_OK, RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_outbox_leave(rv_node *node, rv_ledger_changes *changes,
                                      uint64_t watermark);

/* It is committed (then changes are applied), or cancelled: NULL. Lays the overlay, if it was
 * lifted or something has left. `rebased`: rows or streams may be other ones. */
void rv_outbox_received(rv_node *node, const rv_ledger_changes *changes, bool rebased);

#endif
