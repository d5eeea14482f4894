/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit that Rivulet has, with the reason for its value. A limit that is reached gives an
 * error that names it; docs/limits.md tells users.
 */
#ifndef RV_BASE_LIMITS_H
#define RV_BASE_LIMITS_H

#include "core/base/assert.h"

/* --- schema: what a person can still read, and a phone can still hold --- */
#define RV_NAME_LEN_MAX      63        /* PostgreSQL's NAMEDATALEN - 1 */
#define RV_AGGREGATES_MAX    256       /* an aggregate's number is one byte in bindings */
#define RV_COLUMNS_MAX       128       /* of one aggregate */
#define RV_INDEXES_MAX       16        /* of one aggregate: each is work for every row */
#define RV_INDEX_COLUMNS_MAX 8         /* of one UNIQUE or INDEX, and of a key: who needs more? */
#define RV_EVENT_TYPES_MAX   1024      /* of one schema */
#define RV_FIELDS_MAX        128       /* of one event type */
#define RV_BINDINGS_MAX      256       /* of one event type */
#define RV_TOUCHES_MAX       16        /* rows that one event can touch */
#define RV_STREAMS_MAX       256       /* stream declarations of one schema */
#define RV_ENUMS_MAX         256       /* enum types of one schema */
#define RV_LABELS_MAX        1024      /* labels of one enum */
#define RV_SCHEMA_TEXT_MAX   (1 << 20) /* bytes of one schema change */

/* --- numeric: what two declared ones (1,000 digits on either side, as in PostgreSQL) multiply to;
 * such a number has 3 KiB --- */
#define RV_DECIMAL_WHOLE_MAX 4096u /* digits before the point */
#define RV_DECIMAL_SCALE_MAX 2048u /* digits after it */

/* --- values --- */
#define RV_ARRAY_ELEMENTS_MAX 65536 /* an array is read whole, and of NULLs costs a bit each */

/* --- paths --- */
#define RV_PATH_LEN_MAX      1024 /* bytes of a concrete path: what all proxies take of a URL */
#define RV_PATH_SEGMENTS_MAX 16   /* of a path, template or pattern */

/* --- expressions --- */
#define RV_EXPR_TOKENS_MAX 1024  /* of one expression */
#define RV_EXPR_DEPTH_MAX  64    /* nesting, and the evaluator's stack */
#define RV_EXPR_STEPS_MAX  10000 /* of one evaluation: a bounded share of a millisecond */

/* --- json --- */
#define RV_JSON_DEPTH_MAX       128 /* nesting; one bit of a small stack each */
#define RV_JSON_VALUE_DEPTH_MAX 120 /* of a json or jsonb: what holds it may nest as well */

/* --- events and batches --- */
#define RV_EVENT_LEN_MAX    (1 << 20)  /* bytes of one event's encoded data and metadata */
#define RV_BATCH_EVENTS_MAX 10000      /* events of one atomic batch */
#define RV_BATCH_LEN_MAX    (4 << 20)  /* bytes of one batch in the log; less with a small budget */
#define RV_METADATA_LEN_MAX (16 << 10) /* bytes of an event's metadata, as JSON */

/* --- what an edge pushes to the root: a batch of its outbox, as one message --- */
#define RV_PUSH_EVENTS_MAX   1024 /* of one batch: the root keeps their results side by side */
#define RV_PUSH_COUNTED_MAX  1024 /* own pending batches that one expected version counts */
#define RV_PUSH_LEN_MAX      (320 << 10) /* bytes of the message: it may wait at the root */
#define RV_PRINCIPAL_LEN_MAX 255         /* bytes of who wrote it */

/* --- tokens --- */
#define RV_TOKEN_NAME_MAX   63u   /* bytes: it is typed, and stands in addresses */
#define RV_TOKEN_RIGHTS_MAX 64u   /* entries of what may be read, and of what may be written */
#define RV_TOKEN_LIST_MAX   4096u /* bytes of such a list: each is looked at for every path */
#define RV_TOKENS_SHARE     2u    /* they have one of so many parts of the ledger */

/* --- an edge's outbox --- */
#define RV_OUTBOX_BATCH_LEN_MAX (256 << 10) /* of one batch; a push has names besides */
#define RV_OUTBOX_RESERVE       64u /* bytes of the ledger kept free for each batch: its decision */

/* --- commands in it --- */
#define RV_COMMAND_NAME_MAX     63u         /* bytes */
#define RV_COMMAND_ARGS_MAX     (64u << 10) /* bytes of JSON */
#define RV_COMMAND_ATTEMPTS_MAX 8u  /* that the root may refuse: then no rerun will mend it */
#define RV_COMMAND_WINDOW       16u /* batches whose sending is noted with one flush */

/* --- leases of serial keys --- */
#define RV_LEASE_KEYS_MIN  256u   /* that an edge asks for at first; it doubles with each block */
#define RV_LEASE_KEYS_MAX  65536u /* of one block: a day of many writes */
#define RV_LEASES_HELD_MAX 4u     /* blocks of an aggregate that a life of an edge holds */
#define RV_EPOCH_KEYS      (16u * RV_LEASE_KEYS_MAX) /* passed over when a root was restored */

/* --- the log's index --- */
#define RV_INDEX_EVENTS_MIN 1024u /* events of a run when it is made; twice that are in memory */
#define RV_INDEX_EVENTS_MAX                                                                        \
    32768u                       /* 4 MiB; more would make fewer runs of a level, not less work    \
                                  */
#define RV_INDEX_BLOCKS_MAX 128u /* 4 KiB each, of runs, in memory: some hundred ways down */

/* --- selections and subscriptions --- */
#define RV_SELECTION_ENTRIES_MAX 64 /* of one selection; each has at most RV_PATH_LEN_MAX bytes */
#define RV_SELECTION_LEN_MAX     (16 << 10)               /* bytes of all entries of one */
#define RV_PATTERNS_MAX          RV_SELECTION_ENTRIES_MAX /* path patterns among them */

/* --- SQL --- */
#define RV_SQL_STEPS_MAX   30000000u  /* of one query, where others wait: about a second */
#define RV_SQL_STEPS_SLICE 100000u    /* of it at a time: a few milliseconds */
#define RV_SQL_SEARCH_MAX  (1u << 30) /* bytes times bytes that are compared: about a second */

/* --- live queries --- */
#define RV_READS_LEN_MAX    1024u /* of what one read: about 80 keys, or 30 parts of indexes */
#define RV_READS_END_MAX    40u   /* of an end of such a part: more of it tells few rows apart */
#define RV_TOUCHES_LEN      (16u << 10) /* rows that changed: some hundred, then more run again */
#define RV_UPKEEP_LEN_MAX   (64u << 10) /* of what is kept to keep a result up: rows, or groups */
#define RV_UPKEEP_PART      4u          /* of the memory for SQL, 1 in so many for all of them */
#define RV_UPKEEP_STEPS_MIN 5000u       /* over a part of an index: less is run again */
#define RV_UPKEEP_CHANGES   256u        /* rows of a step: with more of them a query runs again */
#define RV_UPKEEP_SLACK     32u   /* rows behind a LIMIT that may come up before it runs again */
#define RV_LIVE_ROWS_MAX    1024u /* of a result that is told by differences: what pages show */
#define RV_LIVE_BLOCK_ROWS  32u   /* whose hashes are kept together: most such results are small */
#define RV_LIVE_BLOCKS      256u  /* of all such feeds: 64 KiB, a hundred small ones or 8 large */
#define RV_LIVE_TEXT_MAX    (16u << 10)  /* of what is followed: address and body, a page of SQL */
#define RV_LIVE_TEXTS       (128u << 10) /* of all that are longer than 2 KiB: few ever are */

/* --- time travel --- */
#define RV_AS_OF_EVENTS_MAX     50000000u /* folded for one answer, where others wait: seconds */
#define RV_CHECKPOINTS_KEPT_MAX 24u       /* of 1,000, each lies 1.3 times as far back */
#define RV_KEPT_PERCENT         100u      /* of the log, that they may take: it is cache only */

/* --- memory --- */
#define RV_SNAPSHOTS_MAX 8          /* alive at a time: a checkpoint, and long reads */
#define RV_MEMORY_MIN    (4u << 20) /* smallest budget a node opens with */
#define RV_PAGE_SIZE     16384u     /* of the state: see core/state/pages.h */

RV_STATIC_ASSERT(RV_EVENT_LEN_MAX < RV_BATCH_LEN_MAX, "a batch holds at least one event");
RV_STATIC_ASSERT(RV_LIVE_ROWS_MAX / RV_LIVE_BLOCK_ROWS <= RV_LIVE_BLOCKS, "one finds room");
RV_STATIC_ASSERT(RV_METADATA_LEN_MAX < RV_EVENT_LEN_MAX, "metadata is part of an event");
RV_STATIC_ASSERT(RV_JSON_VALUE_DEPTH_MAX < RV_JSON_DEPTH_MAX, "a value is part of an answer");

#endif
