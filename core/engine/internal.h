/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a node, shared by the engine's files and by core/live; nobody else includes it. */
#ifndef RV_CORE_ENGINE_INTERNAL_H
#define RV_CORE_ENGINE_INTERNAL_H

#include "core/engine/checkpoint.h"
#include "core/engine/epoch.h"
#include "core/engine/opaque.h"
#include "core/engine/overlay.h"
#include "core/engine/panics.h"
#include "core/engine/principal.h"
#include "core/engine/provisional.h"
#include "core/engine/purge.h"
#include "core/engine/refusal.h"
#include "core/engine/selection.h"
#include "core/log/ledger.h"

typedef enum rv_node_phase {
    RV_NODE_CREATED,
    RV_NODE_RECOVERING,
    RV_NODE_OPEN,
    RV_NODE_CLOSING,
    RV_NODE_CLOSED
} rv_node_phase;

/* A batch that is being received (edge): between receive_begin and commit or cancel. */
typedef struct rv_receiving {
    bool active;
    bool folds; /* the overlay is lifted, and a transaction of the state is open */
    rv_writer body;
    rv_record_context context;
    uint64_t first_position;
    uint64_t event_count;
    rv_schema_mark schema;  /* before it */
    uint32_t streams_known; /* streams below this number have an event */
    bool base;              /* a part of a base is in it, */
    bool base_begins;       /* the first one, */
    bool base_keeps;        /* rows of aggregates stay true, */
    bool base_ends;         /* the last one */
    bool changed;           /* rows that are given */
    bool fills;             /* events of the past: nothing is folded */
    bool fill_over;         /* the last of them, */
    uint64_t fill_to;       /* up to there */
} rv_receiving;

/* What the budget is divided into: see rv_node_memory. */
typedef enum rv_memory_share {
    RV_MEMORY_NODE,    /* the node itself, and its selection */
    RV_MEMORY_SCHEMA,  /* what the schema is made of */
    RV_MEMORY_SCRATCH, /* one event being judged, folded or compared */
    RV_MEMORY_RESULTS, /* answers of one append */
    RV_MEMORY_LEDGER,  /* what is remembered beside events */
    RV_MEMORY_LOG,     /* batches not yet written, the read cache, the log's index */
    RV_MEMORY_PAGES,   /* rows, streams, indexes */
    RV_MEMORY_JOURNAL, /* what a batch may take back */
    RV_MEMORY_SNAPSHOTS,
    RV_MEMORY_CHECKPOINT,
    RV_MEMORY_SPARE, /* what the others leave */
    RV_MEMORY_SHARES
} rv_memory_share;

/* How far the ids of a batch were looked up: it goes on there when the batch is given again. One
 * batch has this at a time, until it is over, or was not given while others were for long. Batches
 * of several events wait for it: side by side they would take each other's blocks away for ever. */
typedef struct rv_ids_met {
    rv_hash128 ids;  /* of all of them */
    size_t count;    /* of the batch; 0: unused */
    size_t reached;  /* ids before this one are not below `since` */
    uint64_t since;  /* sequence */
    uint64_t below;  /* the id that is reached is not below this sequence; 1: nothing is known */
    uint32_t others; /* times that another batch was given since */
    uint32_t waits;  /* polls to come that are asked for because one of them waits */
} rv_ids_met;

/* A state that is made once more, up to before a batch that could not be folded. */
typedef struct rv_folding_again {
    bool active;
    uint64_t until; /* first sequence of that batch */
    rv_log_cursor cursor;
} rv_folding_again;

struct rv_node {
    /* what stays when the node begins again (rv_node_rebuild): */
    rv_host host;
    rv_role role;
    bool folds_only; /* no log or ledger: a schema, a state, and what folding and loading need */
    void *memory;    /* what it was created over, */
    size_t memory_size;
    uint64_t checkpoint_growth;
    uint32_t kept_percent;
    rv_node_held held; /* the selection */
    rv_panics panics;
    rv_stranger stranger;
    rv_log_identity identity; /* of the log, in the epoch that it is in */
    rv_rewinding rewinding;
    uint64_t tokens_generation; /* moves when a token was made, changed or revoked */
    uint64_t read_generation;   /* moves when a batch that was read may have become invalid, but for
                                   other reads, which the log counts: rv_node_reads */
    size_t shares[RV_MEMORY_SHARES]; /* bytes */
    /* and what does not: */
    rv_node_phase phase;
    bool recovered; /* opening: the log was recovered and folded */
    bool left;      /* opened damaged, or where it stops: what there is is left as it is */
    bool sealing;   /* closing: the log is being sealed */
    rv_log *log;
    rv_schema *schema;
    rv_state *state;
    rv_ledger ledger;
    rv_outbox outbox; /* edge */
    rv_arena schema_arena;
    rv_arena scratch; /* of one event being judged, folded or compared */
    rv_arena results; /* of one append: encoded data and paths of its events */
    size_t batch_len_max;
    size_t event_len_max;
    int64_t recorded_at; /* of the last event: the next is not earlier; at an edge the latest time
                            in its log, of batches too */
    rv_receiving receiving;
    rv_folding_again folding_again;
    rv_purging purging;
    rv_opaque opaque;
    rv_bytes named;        /* replay: the path of the stream that the next event begins */
    bool base_short;       /* replay: the base under way has parts from which rows were purged, */
    bool base_short_given; /* given ones too */
    bool hidden;           /* the state is good for nothing: nobody reads it */
    rv_checkpoints checkpoints;
    volatile uint64_t at_work;      /* position of the event being judged or folded; 0: none */
    rv_error failure;               /* why the node is read-only; status RV_OK when it is not */
    rv_value values[RV_FIELDS_MAX]; /* of the event being folded */
    rv_event_draft draft;           /* of the event being appended */
    rv_ids_met ids_met;
    uint8_t drawn_id[16]; /* the node's, as long as it has no log */
    bool drawn;
    bool relays_known; /* what is kept for others was looked at since the node was opened */
};

/* RV_OK, or why the node takes nothing: not open, closing, read-only. */
rv_status rv_node_check_writable(const rv_node *node, rv_error *err);

/* Makes the node as it was created, at the same addresses, except for what it is to do: after
 * rv_log_seal has ended. */
void rv_node_rebuild(rv_node *node);

/* Makes the node read-only for this reason, unless it is already. Returns the status. */
rv_status rv_node_fail(rv_node *node, const rv_error *err);

/* Before the node is open: receives what the root's log begins with, if it is not there. RV_OK, or
 * as receiving, after which nothing has changed. */
RV_MUST_USE rv_status rv_node_receive_met(rv_node *node, const rv_met *met, rv_error *err);

/* The batch that is being received is about to change the state: opens that for it. */
void rv_node_receive_fold(rv_node *node);

/* A record of a base, in replay: the same that receiving it did. RV_DATA_DAMAGED, RV_STATE_FULL. */
RV_MUST_USE rv_status rv_node_replay_base(rv_node *node, const rv_record *record, rv_error *err);

/* The record of how far the past is filled in. RV_DATA_DAMAGED. */
RV_MUST_USE rv_status rv_node_replay_filled(rv_node *node, rv_bytes body, rv_error *err);

/* The batch has been committed in which the past was filled in. */
void rv_node_filled(rv_node *node);

/* The last part was taken, outside of a transaction: what waits becomes rows, and if it `replaces`,
 * or is for another selection, the only ones. After an error the node is read-only and shows
 * nothing. */
RV_MUST_USE rv_status rv_node_base_end(rv_node *node, bool replaces, rv_error *err);

/* A base may be under way in a state that came from a checkpoint. RV_DATA_DAMAGED. */
RV_MUST_USE rv_status rv_node_base_restored(rv_node *node, rv_error *err);

/* Tells the state which aggregates are given, by the schema as it is now. */
void rv_node_give(rv_node *node);

/* W is what it is now: a base under way that was for another one is given up. */
void rv_node_base_settle(rv_node *node, uint64_t watermark);

/* Writes the record of the selection as it is now; `narrows`: entries are given up with it. */
void rv_node_write_selection(rv_node *node, bool narrows, rv_writer *body);

/* That record, in replay: what was held for entries that were given up with it goes.
 * RV_DATA_DAMAGED, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_node_replay_selection(rv_node *node, const rv_record *record,
                                               rv_error *err);

/* Writes the record of the selection, at the beginning of an edge's log. RV_PENDING and the others
 * of rv_log_append_begin. */
RV_MUST_USE rv_status rv_node_log_selection(rv_node *node, rv_error *err);

/* A batch without events, for changes of the ledger. begin: as rv_log_append_begin, with a writer
 * over the body; end it with rv_node_ledger_commit, or rv_log_append_cancel. */
rv_status rv_node_ledger_begin(rv_node *node, rv_writer *body, rv_error *err);

/* The same at an edge, at any time: RV_BUSY while a batch of the upstream is being received, and
 * what keeps the node from writing, besides. */
rv_status rv_node_ledger_begin_edge(rv_node *node, rv_writer *body, rv_error *err);

/* Commits a batch of changes, or only of what rv_ledger_carry wrote (changes NULL). */
void rv_node_ledger_commit(rv_node *node, const rv_writer *body, const rv_ledger_changes *changes);

/* Something in an edge's log is of this time. A root's next event is not earlier than its last one:
 * there only these count. */
static inline void rv_node_note_time(rv_node *node, int64_t time) {
    if (node->role == RV_ROLE_EDGE && time > node->recorded_at) {
        node->recorded_at = time;
    }
}

/* Moves whenever a batch that was read may have become invalid. */
static inline uint64_t rv_node_reads(const rv_node *node) {
    return node->read_generation + rv_log_slots_taken(node->log);
}

/* rv_log_read, with account of what it does to batches read before. */
rv_status rv_node_read(rv_node *node, rv_log_cursor *cursor, rv_batch *batch, rv_error *err);

/* Replays what recovery gives: RV_END at the end of the log; RV_PENDING; or why the log ends before
 * there. A batch that cannot be folded is not in the state, not in part either. */
RV_MUST_USE rv_status rv_node_replay(rv_node *node, rv_error *err);

/* Begins again with an empty state, to fold what is before the batch that begins at `until`. */
void rv_node_fold_again_from(rv_node *node, uint64_t until);

/* Goes on with that until it is done: RV_OK, or RV_PENDING. What cannot be read or folded ends it,
 * too: the state stands at the end of the batch before. */
RV_MUST_USE rv_status rv_node_fold_again(rv_node *node);

/* Folds an event read from the log or received: the schema change of a system event, or its data,
 * which may be opaque. RV_DATA_DAMAGED: its type or stream is not there; RV_SCHEMA_UNSUPPORTED. */
rv_status rv_node_fold(rv_node *node, const rv_event *event, rv_error *err);

/* The same of an event that is gone, read from the log: its stream is there, and is where it was
 * with it. RV_DATA_DAMAGED. */
RV_MUST_USE rv_status rv_node_fold_gone(rv_node *node, const rv_record *record, rv_error *err);

/* Streams with numbers below are in the log; others are pending, and may get other numbers. */
uint32_t rv_node_streams_confirmed(const rv_node *node);

/* The path of an event that is the first of its stream; in `node->scratch`. */
rv_status rv_node_event_path(rv_node *node, const rv_event *event, rv_bytes *path, rv_error *err);

#endif
