/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes runs in the background, in bounded steps whenever the log is polled: a new one from what
 * the tail holds (or, where that does not reach, by reading the log again), and one from four that
 * lie side by side and are of one level.
 *
 *     IDLE -> COLLECT -> CREATE -> FILL <-> WRITE -> FLUSH -> FOOTER -> FLUSH_FOOTER -> IDLE
 *       \------ merge ----/          whatever fails: ABANDON -> IDLE
 *
 * The blocks are flushed before the footer is written, so a run with a footer is whole. The files
 * that a merge makes superfluous go when that is durable. Nothing depends on any of this: a failure
 * is counted, and it is tried again when there are more events.
 */
#ifndef RV_LOG_INDEXER_H
#define RV_LOG_INDEXER_H

#include "core/log/index.h"
#include "core/log/log.h"
#include "core/log/run_writer.h"
#include "core/log/runs.h"
#include "core/log/tail.h"

#define RV_COLLECTED_PLACES 512u

typedef enum rv_index_phase {
    RV_INDEX_IDLE,
    RV_INDEX_REMOVE, /* a spare */
    RV_INDEX_COLLECT,
    RV_INDEX_CREATE,
    RV_INDEX_REPLACE, /* there is a file of that name */
    RV_INDEX_FILL,
    RV_INDEX_WRITE,
    RV_INDEX_FLUSH,
    RV_INDEX_FOOTER,
    RV_INDEX_FLUSH_FOOTER,
    RV_INDEX_ABANDON
} rv_index_phase;

/* The events that a new run is made of; `cap` of them at most, and as many ids. */
typedef struct rv_collected {
    uint32_t cap;
    uint32_t count;
    uint32_t id_count;
    uint32_t place_count;
    uint64_t first; /* sequence */
    uint64_t end;   /* of what is to be collected */
    uint32_t *streams;
    uint64_t *versions;
    uint8_t *ids;        /* 16 bytes each */
    uint32_t *id_at;     /* sequence - first */
    uint32_t *order;     /* the sorted ones */
    uint32_t *other;     /* room to sort in */
    uint32_t sort_width; /* length of ascending stretches; or passes done */
    bool unordered;      /* versions do not ascend: streams are merged, too */
    rv_index_entry places[RV_COLLECTED_PLACES];
    rv_log_cursor cursor; /* of reading the log */
    uint64_t place_bytes; /* of batches since the last place */
} rv_collected;

/* One of the runs that are merged. */
typedef struct rv_merged {
    uint32_t serial;
    struct rv_handle *handle; /* while a block is read */
    uint8_t *buf;
    uint32_t next; /* block */
    uint32_t end;  /* of the section's blocks */
    bool filled;   /* `reading` goes through a block */
    bool any;      /* `reading.entry` is the next one */
    rv_run_reading reading;
} rv_merged;

typedef struct rv_indexer {
    rv_index_phase phase;
    bool merging;
    bool file_open;
    bool made; /* there may be a file of `name` that is not a run yet */
    rv_op op;
    rv_file file;
    rv_file_name name;
    rv_run_span span;
    rv_run_writer writer;
    rv_run_section section;
    uint32_t at;      /* the next entry of the section, of those collected */
    bool sorted;      /* `order` is the section's */
    uint64_t written; /* bytes of the file */
    rv_collected collected;
    rv_merged merged[RV_RUNS_FAN];
    bool outdated;     /* a segment has been written again of which a run is being made */
    bool idle;         /* nothing is to be done until there are more events */
    bool waits;        /* for an operation, whose end polls */
    uint64_t wait_for; /* nothing is begun before the log has this sequence: after a failure */
    uint32_t failures;
} rv_indexer;

#endif
