/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runs that a log has, and looking things up in one. Runs cover intervals of sequences that do
 * not overlap; what none covers, and the tail does not know, is found by reading the log. A run is
 * known by its file's name at first; its footer is read when it is first needed.
 *
 * Blocks go through slots that all look-ups share; the one not used for longest gives way. A
 * look-up keeps nothing between two calls: it goes from the root again, through slots.
 *
 *   invariant: `runs` ascend and do not overlap. `spares` are files that no look-up uses: what a
 *              merge has made superfluous, what is covered by another, what is bad. They are
 *              removed once whatever covers them is known to be good.
 */
#ifndef RV_LOG_RUNS_H
#define RV_LOG_RUNS_H

#include "core/log/op.h"
#include "core/log/run.h"

#define RV_RUNS_MAX      64u /* 16 levels of three and some: the log would have exabytes */
#define RV_SPARES_MAX    64u
#define RV_RUNS_FAN      4u /* runs of a level that are merged */
#define RV_BLOCKS_MIN    8u /* slots: one look-up's way, and another's */
#define RV_BLOCKS_MAX    256u
#define RV_BLOCK_FOOTER  UINT32_MAX
#define RV_HANDLE_OF_RUN 0x80000000u /* keys of handles: the serial of a run, or a segment */

typedef struct rv_index_run {
    rv_run_span span;
    uint32_t serial; /* names it while the log is open */
    bool loaded;     /* `footer` is there, and right */
    rv_run_footer footer;
} rv_index_run;

typedef struct rv_spare {
    rv_run_span span;
    uint32_t serial; /* of the handle that may be open */
    bool bad;
} rv_spare;

typedef enum rv_block_phase { RV_BLOCK_FREE, RV_BLOCK_LOADING, RV_BLOCK_READY } rv_block_phase;

typedef struct rv_block {
    rv_op op;
    rv_block_phase phase;
    bool verified;
    uint8_t *buf;
    struct rv_handle *handle; /* while loading */
    uint64_t offset;
    uint32_t serial;
    uint32_t number; /* or RV_BLOCK_FOOTER */
    uint64_t used;
    size_t got;
    rv_status status;
} rv_block;

typedef struct rv_runs {
    rv_index_run runs[RV_RUNS_MAX];
    uint32_t count;
    rv_spare spares[RV_SPARES_MAX];
    uint32_t spare_count;
    uint32_t serial; /* the last one given */
    rv_block *blocks;
    uint32_t block_count;
    uint32_t damaged_count;    /* runs that were found to be bad, and are made again */
    rv_file_name damaged_name; /* the last of them */
} rv_runs;

typedef enum rv_seek_kind {
    RV_SEEK_FROM,    /* the first entries with this key or a higher one */
    RV_SEEK_UP_TO_A, /* the last entry whose first part is not above key.a */
    RV_SEEK_BELOW_B  /* the last entry whose second part is below key.b */
} rv_seek_kind;

typedef struct rv_seek {
    rv_seek_kind kind;
    rv_run_section section;
    rv_run_key key;
} rv_seek;

/* Takes note of a file's name. */
void rv_runs_meet(rv_runs *runs, const rv_run_span *span);

/* The run that holds the sequence, or else the first one behind it: its index, `count` for none. */
uint32_t rv_runs_at(const rv_runs *runs, uint64_t sequence);

/* The index of the run with this serial; `count`: it is gone. */
uint32_t rv_runs_of_serial(const rv_runs *runs, uint32_t serial);

/* Inserts; there is room, and nothing overlaps. */
void rv_runs_insert(rv_runs *runs, const rv_index_run *run);

/* Forgets the spare whose file has this name, if there is one. */
void rv_runs_forget(rv_runs *runs, const rv_run_span *span);

/* Takes all that overlap the span out of the table, and keeps spares of it from coming back: the
 * log is another there. */
void rv_runs_outdate(rv_runs *runs, const rv_run_span *span);

/* Takes a run out of the table; it becomes a spare. `bad`: it is to be made again. */
void rv_runs_drop(rv_runs *runs, uint32_t index, bool bad);

#endif
