/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the log share: the struct behind rv_log, and the calls between its files.
 *
 *     log.c      made from options; facts about it
 *     recover.c  reading everything at the start, through window.c
 *     mark.c     marks, and recovery from one                cut.c      judging, cutting the tail
 *     back.c     ending before batches that there are
 *     writer.c   appending, the chain of writes and flushes  roll.c     a new segment
 *     seal.c     the clean end                               files.c    open handles of segments
 *     reader.c   slots, reading                              find.c     searches by position
 *     walk.c     reading everything, while it is open
 *     tail.c     the tail's index                            runs.c     the table of runs
 *     seek.c     looking up in a run                         lookup.c   looking up in all
 *     rewrite.c  new generations of segments
 *     indexer.c  making runs: index_collect.c, index_sort.c, run_writer.c; index_merge.c
 *
 * Life: RECOVERING -> OPEN -> SEALING -> CLOSED. A log whose `failed` is set takes nothing more;
 * what is durable can still be read.
 */
#ifndef RV_LOG_INTERNAL_H
#define RV_LOG_INTERNAL_H

#include "core/base/limits.h"
#include "core/log/batch.h"
#include "core/log/index.h"
#include "core/log/indexer.h"
#include "core/log/log.h"
#include "core/log/op.h"
#include "core/log/segment.h"

#define RV_LOG_HANDLES   24 /* open files at a time; one is the tail, one may be the next segment */
#define RV_LOG_SLOTS_MAX 128
#define RV_LOG_SEARCHES  8
#define RV_LOG_CHUNK                                                                               \
    ((size_t)(256 << 10)) /* read at a time: large for a disk, small for a cache                   \
                           */

#define RV_LOG_POINT                                                                               \
    ((size_t)(96 << 10)) /* read where nobody reads on: the index's spacing, and some */

/* Operations by the low bits of their tickets. */
#define RV_OP_MAIN    0
#define RV_OP_HANDLE  1
#define RV_OP_INDEX   (RV_OP_HANDLE + RV_LOG_HANDLES)
#define RV_OP_REWRITE (RV_OP_INDEX + 1)
#define RV_OP_BLOCK   (RV_OP_REWRITE + 1)
#define RV_OP_SLOT    (RV_OP_BLOCK + RV_BLOCKS_MAX)

/* What a state machine's step says to its loop. */
typedef enum rv_step {
    RV_STEP_ON,   /* the state has changed: go on */
    RV_STEP_WAIT, /* an operation is under way */
    RV_STEP_GIVE, /* recovery: a batch is there */
    RV_STEP_END,  /* nothing to do */
    RV_STEP_FAIL  /* the log's `failed` and `failure` say why */
} rv_step;

typedef enum rv_log_life {
    RV_LOG_RECOVERING,
    RV_LOG_OPEN,
    RV_LOG_SEALING,
    RV_LOG_CLOSED
} rv_log_life;

/* A segment, in order of number; the index in the table is number - 1. */
typedef struct rv_segment {
    uint64_t first_sequence;
    uint64_t end;       /* of its durable batches */
    uint64_t watermark; /* before it */
    uint32_t salt;
    uint32_t generation; /* of its file */
} rv_segment;

typedef enum rv_handle_phase { RV_HANDLE_FREE, RV_HANDLE_OPENING, RV_HANDLE_OPEN } rv_handle_phase;

/* An open file of a segment or a run. One that has users stays open. */
typedef struct rv_handle {
    rv_op op;
    rv_handle_phase phase;
    rv_file file;
    uint64_t size; /* when it was opened */
    uint32_t key;  /* segment, or RV_HANDLE_OF_RUN and a serial */
    uint32_t users;
    uint64_t used; /* when it was used last */
} rv_handle;

typedef enum rv_slot_phase {
    RV_SLOT_FREE,
    RV_SLOT_LOADING,
    RV_SLOT_READY,
    RV_SLOT_BAD
} rv_slot_phase;

/* A run of verified batches in memory. */
typedef struct rv_slot {
    rv_op op;
    rv_slot_phase phase;
    bool pinned; /* it is lent */
    uint8_t *buf;
    rv_handle *handle; /* while loading */
    uint32_t segment;
    uint64_t offset; /* of the first batch */
    size_t len;      /* of whole, verified batches */
    size_t got;      /* while loading: bytes that are there */
    size_t want;     /* while loading: bytes to read */
    uint64_t used;
    rv_status status; /* RV_SLOT_BAD: why */
} rv_slot;

/* The state of the log after some batch. */
typedef struct rv_log_end {
    uint64_t next_sequence;
    uint64_t watermark;
    uint64_t chain_hash;
    uint64_t offset;  /* in the last segment */
    uint64_t batches; /* since opening */
} rv_log_end;

/* The last batch before some end of the log; a segment's header where there is none. */
typedef struct rv_last {
    uint64_t offset;
    uint32_t crc;
} rv_last;

typedef enum rv_chain {
    RV_CHAIN_IDLE,
    RV_CHAIN_RESERVE,
    RV_CHAIN_WRITE,
    RV_CHAIN_FLUSH,
    RV_CHAIN_ROLL_CREATE,
    RV_CHAIN_ROLL_RESERVE,
    RV_CHAIN_ROLL_RESERVE_FLUSH,
    RV_CHAIN_ROLL_HEADER,
    RV_CHAIN_ROLL_HEADER_FLUSH,
    RV_CHAIN_ROLL_TRIM
} rv_chain;

/* A run of the append buffer: whole batches that are not durable. */
typedef struct rv_run {
    size_t start;
    size_t len;
} rv_run;

/* The append buffer and the chain of operations that empties it: see writer.c. */
typedef struct rv_appender {
    uint8_t *buf;
    size_t cap;
    rv_run first;       /* oldest */
    rv_run second;      /* from the front of the buffer, once the end is reached */
    bool wrapped;       /* `second` is in use: appends go there */
    bool begun;         /* a body is being written, */
    size_t place;       /* in a batch that is to begin here */
    size_t group_len;   /* front of `first` that is being written and flushed */
    uint64_t written;   /* offset of the group in the segment */
    rv_log_end durable; /* after the group */
    rv_last durable_last;
    rv_chain chain;
    bool stalled;          /* a new segment had no room: waits for the next begin */
    bool space_wanted;     /* begin waits for room */
    bool space_full;       /* and was refused it, */
    uint64_t refused;      /* so often */
    bool ahead_off;        /* the last try to reserve ahead was refused */
    uint64_t size;         /* of the file */
    uint64_t size_durable; /* as flushed: batches go below it only */
    uint64_t size_target;
    rv_segment next; /* while rolling */
    rv_handle *next_handle;
} rv_appender;

typedef enum rv_recovery_state {
    RV_RECOVER_LIST,
    RV_RECOVER_GENERATIONS,      /* of segments that have two: is the newer one whole? */
    RV_RECOVER_GENERATION_AGAIN, /* it is: its header is written once more, */
    RV_RECOVER_GENERATION_FLUSH, /* and flushed */
    RV_RECOVER_LAST,             /* is the last segment's header there? */
    RV_RECOVER_LAST_TAIL,        /* it is not: is anything behind it? */
    RV_RECOVER_READY,            /* the segments are known: from the start, or from a mark */
    RV_RECOVER_MARK_HEADER,
    RV_RECOVER_MARK_BATCH,
    RV_RECOVER_SEGMENT,
    RV_RECOVER_BATCH,
    RV_RECOVER_TAIL,
    RV_RECOVER_CUT_CREATE,
    RV_RECOVER_CUT_READ,
    RV_RECOVER_CUT_WRITE,
    RV_RECOVER_CUT_FLUSH,
    RV_RECOVER_CUT_ZERO,
    RV_RECOVER_CUT_REMOVE,
    RV_RECOVER_BACK_LIST, /* going back: runs of what lies behind the place */
    RV_RECOVER_BACK_RUN,  /* go, one by one; */
    RV_RECOVER_BACK_OPEN, /* the last segment that there is, */
    RV_RECOVER_BACK_KEPT, /* whose end was kept, */
    RV_RECOVER_BACK_REMOVE,
    RV_RECOVER_BACK_EXTEND,
    RV_RECOVER_AGAIN, /* what nothing says is durable is written once more, */
    RV_RECOVER_FLUSH, /* and flushed */
    RV_RECOVER_REMOVE,
    RV_RECOVER_DONE
} rv_recovery_state;

/* A file of a segment beside the one in the table. */
#define RV_LOG_GENERATIONS                                                                         \
    8 /* what crashes may have left behind; more are left for the next time */
typedef struct rv_generation {
    uint64_t first_sequence;
    uint32_t generation;
} rv_generation;

/* Going back: see back.c. */
typedef struct rv_back {
    bool noting; /* the place is looked for */
    bool wanted; /* the log is to end at `place` */
    bool passed; /* it was met */
    bool cut;    /* and what is behind is being cut, or was */
    uint64_t watermark;
    rv_log_end_place place;
    uint32_t segment; /* index; the others are of the log before the place */
    rv_log_end end;
    rv_last last;
    uint32_t last_crc;
} rv_back;

/* Recovery: see recover.c. The window lies over the append buffer. */
typedef struct rv_recovery {
    rv_recovery_state state;
    rv_handle *handle;
    uint32_t segment;
    uint64_t offset;      /* of the next batch */
    uint64_t vouched;     /* below that all is durable, as the last batch says */
    rv_log_end given;     /* the log before the batch that was given last; sequence 0: none was */
    uint64_t window_base; /* offset in the file of the window's first byte */
    size_t window_len;
    size_t window_want; /* bytes being read to its end; 0 for none */
    uint64_t promised;  /* sequence up to which a begun segment's name says all is durable; or 0 */
    rv_file_name begun; /* its name */
    rv_generation others[RV_LOG_GENERATIONS]; /* first older ones, then those to be removed */
    uint32_t other_count;
    uint32_t other_at;
    uint64_t own_end; /* of a segment of a generation above 0: as in its header */
    uint64_t origin_end;
    uint32_t origin_crc;
    bool rewritten;      /* the segment before ends as its own header says, so that the next one may
                            speak of its generation 0 */
    bool evidence;       /* there are files that are made only when a segment is */
    bool anew;           /* which are of a log that is no more: another is begun */
    bool marked;         /* `mark` was given, */
    rv_log_mark mark;    /* the furthest of those that did not fit, or the one that does */
    uint64_t scan;       /* while judging the tail: how far it was looked at */
    size_t scan_need;    /* bytes wanted there */
    uint64_t scan_work;  /* bytes of what looked like batches */
    bool overruns;       /* the bad batch is longer than the file, and else as it should be */
    bool claimed;        /* a later batch says that more is durable */
    uint64_t tail_end;   /* behind the last byte that is not zero */
    uint64_t cut_number; /* of the last file kept by an earlier cut */
    uint64_t cut_at;     /* while cutting: how far */
    size_t cut_len;
    bool cut_open;
    rv_file cut_file;
    uint64_t cut_bytes;
    rv_file_name cut_name;
    rv_status cut_failure; /* why the file could not be made: it is removed again */
    bool cut_unread;       /* it was the segment that failed */
    rv_back back;
} rv_recovery;

typedef enum rv_marking_phase {
    RV_MARK_NONE,
    RV_MARK_WAITS,   /* for the batches up to `mark.offset` to be written, */
    RV_MARK_WRITTEN, /* to be flushed */
    RV_MARK_DURABLE
} rv_marking_phase;

typedef enum rv_rewrite_phase {
    RV_REWRITE_NONE,
    RV_REWRITE_READ, /* the header, */
    RV_REWRITE_NEXT, /* and that of the segment behind */
    RV_REWRITE_SCAN, /* is there anything to be changed? */
    RV_REWRITE_CREATE,
    RV_REWRITE_REPLACE, /* there is a file of that name */
    RV_REWRITE_COPY,
    RV_REWRITE_FLUSH,
    RV_REWRITE_HEADER,
    RV_REWRITE_FLUSH_HEADER,
    RV_REWRITE_SWAP,
    RV_REWRITE_REMOVE, /* the older generation, or, after a failure, the newer */
    RV_REWRITE_OVER
} rv_rewrite_phase;

/* A segment that is being written as a new generation: see rewrite.c. */
typedef struct rv_rewriting {
    rv_rewrite_phase phase;
    rv_op op;
    uint32_t segment;
    uint32_t generation; /* the new one */
    bool file_open;
    bool replaced;
    rv_file file;
    const rv_rewrite_ops *ops; /* NULL: every batch is copied as it is */
    void *ctx;
    uint64_t offset;     /* of the next batch, */
    uint64_t out;        /* and where it goes */
    rv_slot *slot;       /* lent: the batch that is being written is put together in it */
    size_t ready;        /* bytes of it; 0: it is not */
    size_t size;         /* of it in the older generation */
    uint32_t crc;        /* of it in the newer one, */
    uint32_t last_crc;   /* and of the batch before */
    rv_handle *handle;   /* while a header is read */
    bool changed;        /* some batch is another */
    uint64_t freed;      /* bytes by which it is shorter */
    bool waits;          /* for an operation, whose end polls */
    rv_file_name remove; /* name of the file to go */
    rv_status status;
    rv_segment_header header; /* of the newer generation, as far as it is known */
    uint8_t bytes[RV_SEGMENT_HEADER_SIZE];
} rv_rewriting;

/* A mark that was asked for. */
typedef struct rv_marking {
    rv_marking_phase phase;
    rv_log_mark mark;
} rv_marking;

/* An id that is known not to be below a sequence: how far a look-up has come. */
#define RV_ID_FACTS 256
typedef struct rv_id_fact {
    uint8_t id[16];
    uint64_t below; /* 0: unused */
} rv_id_fact;

/* Where a search that takes several calls has come to. */
typedef struct rv_search {
    uint64_t position; /* 0: unused */
    bool chain;        /* for its chain hash; else for its event */
    bool placed;       /* `place` is as near as the index leads */
    rv_place place;
    uint64_t used;
} rv_search;

struct rv_log {
    rv_log_options options;
    size_t slot_size;
    rv_ops ops;
    rv_op main; /* recovery, chain and seal: one at a time */
    rv_log_life life;
    rv_status failed;
    rv_error failure;
    bool has_identity;
    rv_log_identity identity;
    rv_log_end appended;
    rv_log_end durable;
    rv_last durable_last;
    uint32_t last_crc; /* of the last batch written or recovered */
    bool sealed;       /* that batch is a seal, and nothing was appended since */
    rv_segment *segments;
    uint32_t segment_count;
    uint32_t segment_cap;
    rv_handle *tail; /* of the last segment, for writing */
    rv_handle handles[RV_LOG_HANDLES];
    rv_slot *slots;
    rv_slot *feed;  /* the slot that takes what becomes durable, or NULL */
    uint64_t clock; /* counts uses, for the oldest */
    uint64_t taken; /* times that a slot was taken for something new */
    rv_index index;
    rv_tail tail_index;
    uint64_t note_from; /* events below are in runs, it seems: recovery need not note them */
    rv_runs runs;
    rv_indexer indexer;
    uint64_t index_reads; /* blocks that were asked of the host */
    rv_id_fact id_facts[RV_ID_FACTS];
    rv_search searches[RV_LOG_SEARCHES];
    rv_appender appender;
    rv_recovery recovery;
    rv_marking marking;
    bool roll_wanted;
    rv_rewriting rewriting;
    unsigned seal_state;
    bool left;                              /* it gets no seal */
    uint8_t header[RV_SEGMENT_HEADER_SIZE]; /* of a segment that is being made */
};

/* Makes the log read-only, for good, and keeps the reason; returns `status`. The first one counts.
 */
rv_status rv_log_fail(rv_log *log, rv_status status, const char *what, const char *file);

/* Gives the reason to a caller. */
rv_status rv_log_tell_failure(const rv_log *log, rv_error *err);

/* Damage at a place: the error and its facts. Does not make the log read-only. */
rv_status rv_log_damage(const rv_log *log, rv_error *err, const char *file, uint64_t offset,
                        uint64_t sequence, const char *what);

/* files.c */

void rv_files_name(const rv_log *log, uint32_t segment, rv_file_name *name);

/* A handle of the segment or run, with one user more: RV_OK, RV_PENDING, RV_BUSY, errors of
 * opening. `spare`: how many handles must be left for others. */
RV_MUST_USE rv_status rv_files_acquire(rv_log *log, uint32_t key, unsigned spare,
                                       rv_handle **handle);

/* Closes the file, so that it can be removed. False: it is in use. */
RV_MUST_USE bool rv_files_forget(rv_log *log, uint32_t key);
void rv_files_release(rv_log *log, rv_handle *handle);

/* A handle that is free, or was open and unused, with one user; NULL when there is none. */
rv_handle *rv_files_take(rv_log *log);
void rv_files_close(rv_log *log, rv_handle *handle);

/* Takes note of finished openings; true when one is under way. */
void rv_files_poll(rv_log *log);
bool rv_files_opening(const rv_log *log);

/* writer.c, roll.c */

/* Goes on with the chain as far as it can: RV_STEP_WAIT, RV_STEP_END or RV_STEP_FAIL. */
rv_step rv_chain_run(rv_log *log);

/* Steps of the states ROLL_…; the first one is begun by rv_roll_begin. */
bool rv_roll_due(const rv_log *log);
rv_step rv_roll_begin(rv_log *log);
rv_step rv_roll_step(rv_log *log);

/* Bytes of file that must be reserved beyond the appended ones: the largest batch, a seal, and room
 * for two headers, by whose absence recovery knows a file that was cut short. */
uint64_t rv_space_needed(const rv_log *log);

/* recover.c: lets go of a recovery that is to end early; false while an operation is under way. */
RV_MUST_USE bool rv_recover_abandon(rv_log *log);

/* A segment's header against its name and what came before. */
RV_MUST_USE bool rv_recover_header_fits(const rv_log *log, const rv_segment_header *header);

/* LIST, LAST and LAST_TAIL, for recover_from. */
rv_step rv_recover_prepare(rv_log *log);

/* mark.c: takes note of an end that the group has; true when the log is shorter than a mark says.
 */
void rv_mark_written(rv_log *log, const rv_log_end *end, const rv_last *last);
RV_MUST_USE bool rv_mark_missing(const rv_log *log);

/* cut.c: the states from RV_RECOVER_TAIL to RV_RECOVER_CUT_REMOVE, and RV_RECOVER_AGAIN. */
rv_step rv_cut_step(rv_log *log);

/* back.c: a batch is about to be taken, or there is none at the recovery's place. True: the log is
 * to end here. */
RV_MUST_USE bool rv_back_ends(rv_log *log);

/* Notes the place of a batch that is about to be taken, if it is the first above the watermark. */
void rv_back_note(rv_log *log, uint64_t watermark);

/* The states RV_RECOVER_BACK_…. */
rv_step rv_back_step(rv_log *log);

/* recover.c: one step of recovery. */
rv_step rv_recover_step(rv_log *log, rv_batch *batch);

/* window.c: bytes of the segment that is being recovered; `*have` of them, fewer than `need` only
 * at the file's end. RV_OK, RV_PENDING, RV_STORAGE_FAILED. Valid until the next call. */
RV_MUST_USE rv_status rv_window_get(rv_log *log, uint64_t offset, size_t need, const uint8_t **ptr,
                                    size_t *have);
void rv_window_reset(rv_recovery *r);

rv_step rv_recover_damaged(rv_log *log, uint32_t segment, uint64_t offset, const char *what);
rv_step rv_recover_failed(rv_log *log, rv_status status, const char *what, const char *file);

/* reader.c */

/* The verified batch at a place that holds one: RV_OK, RV_PENDING, RV_BUSY, RV_DATA_DAMAGED, errors
 * of reading. */
RV_MUST_USE rv_status rv_slots_batch(rv_log *log, rv_place place, const uint8_t **batch,
                                     rv_batch_header *header, rv_error *err);

/* The last segment that begins at or before the sequence. */
uint32_t rv_log_segment_of(const rv_log *log, uint64_t sequence);

/* Where to begin to look for the event with this sequence, or for the first batch with this
 * watermark or more: by the index, or the begin of a segment where that is nearer (so damage in one
 * segment does not keep readers from the next). */
typedef struct rv_begin {
    rv_place place;
    bool indexed; /* it is near; else a run may know better */
} rv_begin;

RV_MUST_USE rv_begin rv_log_place_by_sequence(const rv_log *log, uint64_t sequence);

/* False: the log holds nothing. */
RV_MUST_USE bool rv_log_place_by_watermark(const rv_log *log, uint64_t watermark, rv_begin *begin);

/* lookup.c: before the first id is put into the tail: its hashes begin with the host's entropy. */
void rv_tail_seed(rv_log *log);

/* The same by a run, of that sequence or the last one before it. RV_OK, RV_END: none knows;
 * RV_PENDING. */
RV_MUST_USE rv_status rv_index_place(rv_log *log, uint64_t sequence, rv_place *place);
RV_MUST_USE rv_status rv_index_place_below(rv_log *log, uint64_t watermark, uint32_t segment,
                                           rv_place *place);

/* Moves a place that is at the end of a segment to the next one. False: at the end of the log. */
RV_MUST_USE bool rv_place_settle(const rv_log *log, rv_place *place);

/* Takes batches that have become durable. */
void rv_slots_feed(rv_log *log, uint32_t segment, uint64_t offset, rv_bytes batches);

/* Takes note of finished reads. */
void rv_slots_poll(rv_log *log);
bool rv_slots_loading(const rv_log *log);

/* Lends a slot's buffer until it is let go (`pinned`): no batch is found in it. NULL: all load. */
rv_slot *rv_slots_lend(rv_log *log);

/* Forgets what slots have of the segment, of which none is being loaded. */
void rv_slots_forget(rv_log *log, uint32_t segment);

/* rewrite.c */

/* True while a segment is being written again. */
bool rv_rewrite_active(const rv_log *log);

/* True when steps are left that can be done now. */
bool rv_rewrite_works(const rv_log *log);

/* Some bounded steps; and lets go of it, RV_STEP_WAIT while an operation is under way. */
void rv_rewrite_poll(rv_log *log);
rv_step rv_rewrite_stop(rv_log *log);

/* seek.c */

/* Entries that were looked up; one, unless it was RV_SEEK_FROM. */
typedef struct rv_found {
    rv_run_entry *entries;
    uint32_t cap;
    uint32_t count;
} rv_found;

/* Looks up in a run: RV_OK, RV_END (it has none), RV_PENDING, RV_DATA_DAMAGED: the run was bad and
 * is gone from the table. */
RV_MUST_USE rv_status rv_index_seek(rv_log *log, uint32_t index, const rv_seek *seek,
                                    rv_found *found);

/* Reads and checks the footer, unless that was done: as above. */
RV_MUST_USE rv_status rv_index_load(rv_log *log, uint32_t index);

/* Stands for the segments that hold these events: a run of others does not have it. */
uint64_t rv_index_fingerprint(const rv_log *log, uint64_t first, uint64_t next);

/* Takes note of finished reads. */
void rv_blocks_poll(rv_log *log);
bool rv_blocks_loading(const rv_log *log);

/* indexer.c */

/* Some bounded steps. */
void rv_indexer_poll(rv_log *log);

/* Lets go of what is being made: RV_STEP_WAIT while an operation is under way. */
rv_step rv_indexer_stop(rv_log *log);

/* True when steps are left that can be done now. */
bool rv_indexer_works(const rv_log *log);

/* The first interval from `from` on that no run covers. */
rv_run_span rv_index_gap(const rv_log *log, uint64_t from);

/* index_collect.c, index_sort.c, index_merge.c: RV_STEP_ON: call again; RV_STEP_END: done;
 * RV_STEP_WAIT, RV_STEP_FAIL. */
void rv_collect_begin(rv_log *log, uint64_t first, uint64_t end);
rv_step rv_collect_step(rv_log *log);
void rv_sort_begin(rv_indexer *ix);
rv_step rv_sort_step(rv_indexer *ix);
void rv_merge_section_begin(rv_log *log);
rv_step rv_merge_fill(rv_log *log);

void rv_batch_of(const rv_batch_header *header, const uint8_t *at, rv_batch *batch);

#endif
