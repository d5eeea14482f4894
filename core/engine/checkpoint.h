/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints of a node, for the engine's files: when one is due, its steps, and beginning from one
 * at open. core/state/checkpoint.h and docs/format/checkpoint.md say what is in the file.
 *
 *     IDLE -> CREATE -> RESERVE -> PAGES -> SUMS -> WORDS -> MARK -> HEAD -> FLUSH -> REMOVE ->
 * IDLE
 *                  \------- what fails --------------------------------> DISCARD -----------/
 *
 * Files are named `ckp-NNNNNNNNNNNNNNNN.bin`, hexadecimal, from 1 up; the newest usable one wins.
 * Two are there to open from: the last one written and the one that it followed. A root keeps some
 * older ones, for time travel to begin from: engine/kept.h.
 *
 *   invariant 1: one operation at a time is under way, beside the log's.
 *   invariant 2: the header is written only when all that the pages show is durable in the log, and
 *                behind its mark the log has every entry of the ledger, durable.
 *   invariant 3: nothing here ever makes the node fail: what goes wrong is told in the facts.
 */
#ifndef RV_CORE_ENGINE_CHECKPOINT_H
#define RV_CORE_ENGINE_CHECKPOINT_H

#include "core/engine.h"
#include "core/engine/kept.h"
#include "core/engine/load.h"
#include "core/engine/selection.h"
#include "core/log/ledger.h"
#include "core/log/op.h"
#include "core/state/checkpoint.h"

#define RV_CHECKPOINT_TICKETS UINT64_C(2) /* RV_LOG_TICKETS is 1 */

/* A name with a greater number, which cannot be counted up, is not a checkpoint's. */
#define RV_CHECKPOINT_NUMBER_MAX (UINT64_MAX - 1)

typedef enum rv_saving_phase {
    RV_SAVING_IDLE,
    RV_SAVING_CREATE,
    RV_SAVING_RESERVE,
    RV_SAVING_PAGES,
    RV_SAVING_SUMS,
    RV_SAVING_WORDS,
    RV_SAVING_MARK,
    RV_SAVING_HEAD,
    RV_SAVING_FLUSH,
    RV_SAVING_REMOVE,
    RV_SAVING_DISCARD
} rv_saving_phase;

/* A checkpoint that is being written. */
typedef struct rv_saving {
    rv_saving_phase phase;
    bool open;
    bool made; /* the file is of this saving */
    rv_file file;
    uint64_t number;
    rv_snapshot snapshot;
    rv_checkpoint_head head;
    uint64_t position;
    uint32_t done;      /* pages, then sums, that are written */
    uint32_t tried;     /* REMOVE: bits of the files that were, or could not be, removed */
    uint32_t going;     /* and the one that is being removed */
    uint32_t under_way; /* and as many behind them that are being written */
    uint64_t offset;    /* of the write under way, or the next */
    size_t len;         /* bytes in the buffer */
    /* the words */
    bool begun;
    bool selection_logged;
    rv_held_state selection_state; /* at the snapshot */
    bool overtaken;             /* the selection is another one now, which the words would name */
    uint32_t text_count;        /* that are not begun */
    const rv_schema_text *text; /* the one that is being written; NULL: none yet */
    rv_bytes text_left;
    uint32_t words_left;
    /* the ledger, written behind the mark */
    bool carried;
    rv_ledger_place carry;
    uint64_t carry_batch; /* the last one of it */
} rv_saving;

typedef enum rv_restore_phase {
    RV_RESTORE_LIST,
    RV_RESTORE_NEXT,
    RV_RESTORE_OPEN,
    RV_RESTORE_READ,
    RV_RESTORE_MARK,
    RV_RESTORE_DONE
} rv_restore_phase;

/* A checkpoint that is being read, at open. */
typedef struct rv_restore {
    rv_restore_phase phase;
    bool open;
    bool used; /* DONE: the state is that of the checkpoint */
    rv_file file;
    uint64_t size;
    uint64_t number;       /* of the file; those below were not tried */
    rv_schema_mark schema; /* empty */
} rv_restore;

typedef struct rv_checkpoints {
    rv_ops ops;
    rv_op op;
    uint8_t *buf;
    uint32_t buf_pages;
    uint64_t *sums;        /* by page */
    uint64_t log_growth;   /* between checkpoints, if the node was made with one; or 0 */
    uint32_t kept_percent; /* of the log's bytes that kept ones may take */
    rv_checkpoint_file files[RV_CHECKPOINT_FILES]; /* those that are known */
    uint64_t last_number;
    uint64_t current; /* the newest that is good, and the one before; 0: none */
    uint64_t previous;
    uint64_t log_base; /* bytes of the log at the current one */
    uint64_t retry_at; /* after a failure: bytes of the log at which to try again */
    bool last_try;     /* closing: no other is begun */
    bool wanted;       /* one is to be begun */
    uint64_t before;   /* so many were written when what was wanted was begun, or could not be */
    bool tight;        /* storage had no room: nothing is kept until the next one is written */
    uint64_t refused;  /* of rv_log_refused: as often it was made room */
    rv_saving saving;
    rv_restore restore;
    rv_load load;
    rv_kept_reader reader;
    rv_node_checkpoint facts;
} rv_checkpoints;

/* Takes buffers from `arena`, which has rv_checkpoints_memory left. After the state was created;
 * also in a node that only folds, which may be loaded. */
void rv_checkpoints_create(rv_node *node, size_t budget, rv_arena *arena);

/* The bytes that it takes for a node with this budget, roughly. */
size_t rv_checkpoints_memory(size_t budget);

/* Opening: looks for a checkpoint and makes it the state. RV_PENDING; RV_OK: the log is to be
 * recovered from where it stands (behind the checkpoint's mark, or from the start). Failures of
 * rv_log_recover_from. */
RV_MUST_USE rv_status rv_checkpoints_restore(rv_node *node, rv_error *err);

/* Says of the file with this number what is wrong with it; nothing, if there is nothing to be told.
 */
void rv_restore_tell(rv_error *told, uint64_t number, const rv_load_fault *fault);

/* Opening: removes those that were not used because what they show is not to be kept. RV_OK,
 * RV_PENDING, RV_STORAGE_FAILED. */
RV_MUST_USE rv_status rv_checkpoints_forget(rv_node *node, rv_error *err);

/* The one that is being written is given up. True: an operation of it is under way. */
bool rv_checkpoints_abandon(rv_node *node);

/* Takes a completion. False: it is not one of these. */
bool rv_checkpoints_completed(rv_node *node, const rv_io_completion *completion);

/* Goes on by one operation, or begins a checkpoint if one is due. */
void rv_checkpoints_poll(rv_node *node);

/* One is to be written soon, whatever the log's length; and is it still to be, or being written?
 * One that cannot be written, or must not, is not waited for. */
void rv_checkpoints_want(rv_node *node);
bool rv_checkpoints_wanted(const rv_node *node);

/* True when there are others than the newest. */
bool rv_checkpoints_older(const rv_node *node);

/* When it is not wanted any more: begins to remove all that were written before it, or all, if it
 * could not be written. False: there are none. */
bool rv_checkpoints_shed(rv_node *node);

/* Another selection is held from now on: a checkpoint whose words are not written is given up. */
void rv_checkpoints_overtake(rv_node *node);

/* True when polling would go on now, without any completion. */
bool rv_checkpoints_busy(const rv_node *node);

/* Closing: RV_PENDING until there is nothing more to do. */
RV_MUST_USE rv_status rv_checkpoints_close(rv_node *node);

/* `ckp-NNNNNNNNNNNNNNNN.bin`; numbers are 1 to RV_CHECKPOINT_NUMBER_MAX. */
void rv_checkpoint_name(uint64_t number, rv_file_name *name);

/* The number of a checkpoint's name; 0 when it is none. */
uint64_t rv_checkpoint_named(const char *text);

#endif
