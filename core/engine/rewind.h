/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going back (SEMANTICS 5). The root was restored from a backup, and what this edge has confirmed
 * above some position is no part of the root's history any more. The edge drops it, and queues
 * again what it wrote itself, under the same ids. The node does so while it is open, polled like
 * everything else; nothing can be read or written meanwhile.
 *
 *     open -> DRAIN -> CLOSE -> SURVEY -> KEEP … -> CLOSE -> OPEN (-> CUT) -> PUT … -> open
 *                                                                     (-> MEET -> BACK)
 *
 * SURVEY reads the log once more, and makes the ledger that there will be: what waits, and what had
 * waited behind the position and was accepted, which now waits again. KEEP writes it to a file,
 * `rewind`, with the place where the log is to end. From then on the file says what is to be done,
 * also to a node that is opened after a crash: OPEN recovers the log up to the place, CUT keeps and
 * removes what is behind (core/log/back.c), PUT writes the ledger. Its last batch has the new
 * epoch, by which a file that comes back after a crash is known to be done with.
 *
 *   invariant 1: nothing is removed or overwritten before the file is durable.
 *   invariant 2: every step of OPEN and what follows can be done again.
 */
#ifndef RV_CORE_ENGINE_REWIND_H
#define RV_CORE_ENGINE_REWIND_H

#include "core/engine.h"
#include "core/log/ledger.h"
#include "core/log/op.h"

/* Where an edge goes back to: a position that its log and the root's have in common, with the
 * chain hash there, and the epoch in which it goes on. */
typedef struct rv_rewind {
    uint32_t epoch;
    uint64_t watermark;
    uint64_t chain_hash;
    bool adopts; /* to nothing: the log was the edge's own (engine/provisional.h), and another takes
                    its place, with this id, and the root's tag */
    uint8_t log_id[16];
    uint64_t root_tag;
    rv_bytes first; /* what that log begins with (rv_met_write), as far as it is known; borrowed
                       until this is over */
} rv_rewind;

/* Begins to go back; rv_node_poll goes on with it. RV_OK: it is under way, and who waits for the
 * node finds it busy. RV_BUSY, RV_CLOSING, RV_READ_ONLY; RV_OUTBOX_FULL: what waits again does not
 * fit the memory for it, as was found when this was tried before. If storage fails before anything
 * was written down, the node is as it was, and may try again. */
RV_MUST_USE rv_status rv_node_rewind(rv_node *node, const rv_rewind *to, rv_error *err);

/* True while it is under way. */
bool rv_node_rewinding(const rv_node *node);

/* Times that the node has gone back since it was created: what was read of its log before is gone.
 */
uint32_t rv_node_rewinds(const rv_node *node);

/* What going back has done, the last time. */
typedef struct rv_rewound {
    uint32_t epoch;    /* that was followed */
    uint64_t from;     /* W before, */
    uint64_t to;       /* and after */
    uint64_t dropped;  /* events that were confirmed; `cut-` files keep them */
    uint64_t requeued; /* own batches among them, which wait again */
    int64_t at;        /* microseconds from 1970 */
} rv_rewound;

/* False: it never has. */
RV_MUST_USE bool rv_node_rewound(const rv_node *node, rv_rewound *rewound);

/* --- for the engine's files --- */

#define RV_REWIND_TICKETS UINT64_C(4) /* RV_PANICS_TICKETS is 3 */
#define RV_REWIND_FILE    "rewind"
#define RV_REWIND_HEAD    88u /* bytes of the file before the ledger's records */
#define RV_REWOUND_SIZE   (4u + 8 + 8 + 8 + 8 + 8)

typedef enum rv_rewind_phase {
    RV_REWIND_NONE,
    RV_REWIND_DRAIN,
    RV_REWIND_CLOSE,
    RV_REWIND_SURVEY,
    RV_REWIND_CLEAR, /* a file of that name, which is of no use */
    RV_REWIND_CREATE,
    RV_REWIND_RECORDS,
    RV_REWIND_FIRST,
    RV_REWIND_HEADER,
    RV_REWIND_FLUSH,
    RV_REWIND_CLOSE_AGAIN,
    RV_REWIND_OPEN
} rv_rewind_phase;

/* Steps of rv_node_open. */
typedef enum rv_rewind_step {
    RV_REWIND_LOOK,        /* for the file, */
    RV_REWIND_READ,        /* its header, */
    RV_REWIND_SUM,         /* and the sum of the rest; */
    RV_REWIND_FLUSH_AGAIN, /* a good one is made durable */
    RV_REWIND_RECOVER,
    RV_REWIND_DISCARD, /* all files of a log that was the edge's own, and begin anew */
    RV_REWIND_FORGET,  /* checkpoints of what is to be cut off */
    RV_REWIND_CUT,
    RV_REWIND_STALE,  /* entries that are not to be, or not so, leave the ledger */
    RV_REWIND_PUT,    /* and the file's are put */
    RV_REWIND_SELECT, /* what is to be held, in a batch of its own, */
    RV_REWIND_MEET,   /* another log: what it begins with, the root's schema, is received, */
    RV_REWIND_BACK,   /* and what it knows of what waits is translated; */
    RV_REWIND_LAST,   /* the epoch, */
    RV_REWIND_WAIT,   /* durably */
    RV_REWIND_REMOVE,
    RV_REWIND_OVER
} rv_rewind_step;

typedef struct rv_rewinding {
    rv_rewind_phase phase;
    rv_rewind_step step;
    rv_ops ops;
    rv_op op;
    bool open;
    bool good; /* the file is one, of this log */
    rv_file file;
    uint64_t size;   /* of the file */
    uint64_t offset; /* in it: of the next record */
    uint32_t crc;    /* of the records that were read or written, */
    uint32_t sum;    /* and as the header has it */
    uint8_t log_id[16];
    rv_rewind to;
    uint32_t schema_version; /* SURVEY: at the place */
    bool selects;    /* SURVEY: behind the place it was told what to hold, or came to hold it */
    bool swaps;      /* SURVEY: behind the place it came to hold something else */
    uint64_t gone;   /* OPEN: up to where the log has events that were purged */
    size_t base_len; /* SURVEY: of the selection of the base under way, in `results`, */
    uint64_t base_position; /* and where that is */
    rv_log_end_place place;
    uint64_t records_len;
    uint64_t first_len;      /* of `to.first`, behind the records */
    rv_ledger_place written; /* in the ledger: up to where its records are in the file */
    rv_ledger_place behind;  /* in STALE: up to where the ledger was compared */
    rv_rewound rewound;
    size_t chunk_len; /* of what is in `results` */
    bool chunk_last;
    bool chunk_read;
    rv_error kept; /* DISCARD: why the log is still the edge's own; the next opening tries again */
    rv_file_name discards; /* DISCARD: the file that is removed; empty: the next is looked for */
    uint32_t count;        /* rv_node_rewinds */
    rv_error failure;      /* why it could not be begun */
} rv_rewinding;

/* The key of RV_LEDGER_SELECT where the node came to hold something else behind the place;
 * elsewhere there is none. */
#define RV_REWIND_SWAPPED RV_LITERAL("s")

/* Writes the header of the file, RV_REWIND_HEAD bytes. */
void rv_rewind_head_encode(const rv_node *node, uint8_t *to);

/* Opening, before checkpoints: reads what is to be done. RV_OK, RV_PENDING; RV_STORAGE_…: the file
 * is there, or may be, and cannot be read. */
RV_MUST_USE rv_status rv_rewind_read(rv_node *node, rv_error *err);

/* Opening, when the log was recovered: goes on with it. RV_OK when there is nothing more to do,
 * RV_PENDING, or failures of the storage. */
RV_MUST_USE rv_status rv_rewind_finish(rv_node *node, rv_error *err);

/* True when the log is to end ahead of where it does: no checkpoint is of what is to be kept. Where
 * the state in one is, the ledger that the log has behind it may not be. */
bool rv_rewind_cuts(const rv_node *node);

/* Goes on, in rv_node_poll. */
void rv_rewind_poll(rv_node *node);

/* Takes a completion. False: it is not one of these. */
bool rv_rewind_completed(rv_node *node, const rv_io_completion *completion);

/* The survey: reads the log, which is fresh, and makes the node's ledger what it is to be. RV_END;
 * RV_PENDING; RV_OUTBOX_FULL, failures of rv_log_recover. */
RV_MUST_USE rv_status rv_rewind_survey(rv_node *node, rv_error *err);

#endif
