/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint as bytes: the pages of a state as they lie in memory, and what is needed to use them
 * again. docs/format/checkpoint.md is the specification.
 *
 *     header (4096) | sums of pages | words, filled up | page 1 | page 2 | …
 *
 * Pages are structs as they lie there, which nothing else that is stored is. That is allowed here
 * because a checkpoint is a cache: the header has a fingerprint of all layouts, and a node that has
 * others passes it over and replays its log (docs/decisions/0014-checkpoints.md). The header is
 * written last, so a file without one was not finished.
 *
 * This file knows header, sums and pages; the words (schema, selection) are the engine's, which
 * also does all reading and writing.
 */
#ifndef RV_STATE_CHECKPOINT_H
#define RV_STATE_CHECKPOINT_H

#include "core/base/writer.h"
#include "core/state/snapshots.h"
#include "core/state/state.h"

#define RV_CHECKPOINT_HEAD_SIZE 4096u
#define RV_CHECKPOINT_FORMAT    1u
#define RV_CHECKPOINT_MARK_SIZE 80u   /* RV_LOG_MARK_SIZE */
#define RV_CHECKPOINT_ALIGN     4096u /* pages begin at such a place */

typedef struct rv_checkpoint_head {
    uint8_t mark[RV_CHECKPOINT_MARK_SIZE]; /* the state is that of the log up to here: the log's */
    uint64_t last_sequence;                /* there */
    uint64_t log_bytes;                    /* of the log, at about that time */
    uint64_t hash_key;                     /* of the state's tables */
    int64_t recorded_at;                   /* of the last event */
    uint32_t page_count;                   /* pages 1 to this */
    uint32_t words_len;                    /* bytes of the words, which follow the sums */
    uint32_t front_crc;                    /* CRC32C of sums and words */
} rv_checkpoint_head;

typedef enum rv_checkpoint_kind {
    RV_CHECKPOINT_USABLE,
    RV_CHECKPOINT_UNFINISHED, /* its header was never written */
    RV_CHECKPOINT_FOREIGN,    /* of another format, layout or version of Rivulet */
    RV_CHECKPOINT_DAMAGED
} rv_checkpoint_kind;

/* Writes RV_CHECKPOINT_HEAD_SIZE bytes. */
void rv_checkpoint_head_encode(uint8_t *to, const rv_checkpoint_head *head);

/* Reads as many. Only what is usable fills `head`. */
RV_MUST_USE rv_checkpoint_kind rv_checkpoint_head_decode(const uint8_t *from,
                                                         rv_checkpoint_head *head);

/* Where things lie in the file; its size is rv_checkpoint_page_at of one page more than there are.
 */
uint64_t rv_checkpoint_words_at(const rv_checkpoint_head *head);
uint64_t rv_checkpoint_page_at(const rv_checkpoint_head *head, uint32_t page);

/* Stands for the layouts of all that lies in pages, and the rules by which it is made. */
uint64_t rv_checkpoint_fingerprint(void);

/* --- saving: in steps, while the state goes on changing --- */

/* Takes the state as it now is; not in a transaction. `head` gets page_count and hash_key.
 * RV_BUSY: no snapshot is to be had. */
RV_MUST_USE rv_status rv_state_save_begin(rv_state *state, rv_snapshot *snapshot,
                                          rv_checkpoint_head *head);

/* Copies `count` pages from `first` on to `to` and writes their sums to `sums` (by page - 1). Pages
 * are asked for in order. RV_SNAPSHOT_EXPIRED. */
RV_MUST_USE rv_status rv_state_save_pages(rv_state *state, rv_snapshot snapshot, uint32_t first,
                                          uint32_t count, uint8_t *to, uint64_t *sums);

/* Lets the snapshot go. */
void rv_state_save_end(rv_state *state, rv_snapshot snapshot);

/* --- loading: into a state that nobody uses yet --- */

/* Pages that the state has room for. */
uint32_t rv_state_page_max(const rv_state *state);

/* Where to read `count` pages from `first` on; all of them exist. The state is nothing that can be
 * used before rv_state_load_check was RV_OK, or rv_state_reset. */
uint8_t *rv_state_load_pages(rv_state *state, uint32_t first, uint32_t count);

/* The first of these pages whose sum is another; 0 when all agree. */
uint32_t rv_state_load_sums(const rv_state *state, uint32_t first, uint32_t count,
                            const uint64_t *sums);

/*
 * All pages are there and the schema is as it was: makes them the state, if they are one. That they
 * are is checked as for bytes of a stranger: kinds, links, places, counts, that everything is used
 * once, and every value by its type; `salt` is unpredictable, and what is checked by sums stays so
 * but for a chance of about 2^-60. Begin once, with a scratch for one value that stays; then a step
 * looks at some `work` rows, or other things. RV_PENDING: go on with another step; RV_OK: it is the
 * state; RV_DATA_DAMAGED, with what is wrong: reset the state.
 */
void rv_state_load_check_begin(rv_state *state, const rv_checkpoint_head *head, uint64_t salt,
                               rv_arena *scratch);
RV_MUST_USE rv_status rv_state_load_check(rv_state *state, uint32_t work, rv_error *err);

/* Makes the state empty, as rv_state_create does. */
void rv_state_reset(rv_state *state);

#endif
