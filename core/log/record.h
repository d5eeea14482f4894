/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: what a batch of the log consists of. Each is
 *
 *     varint  length of what follows
 *     u8      kind (rv_record_kind)
 *     u8      flags
 *     …       by kind
 *
 * An event record (docs/format/log.md) goes on with varints: position - previous position - 1 (the
 * previous of the batch; for the first: the header's first position - 1); stream; if
 * RECORD_NEW_STREAM: the declaration; version; event type; schema version; recorded_at - batch time
 * (zigzag); if RECORD_WRITTEN_AT: written_at - recorded_at (zigzag); if RECORD_FOREIGN_ID: 16
 * bytes; if RECORD_METADATA: length and bytes; then the data to the record's end. Flags that a
 * reader does not know make the record unreadable to it, so later versions can add key id and
 * nonce, partition, and per-stream chain.
 *
 * An event that was purged (core/log/rewrite.c) leaves a record of kind 17, which counts as one:
 * varints position - previous position - 1, stream, with RECORD_NEW_STREAM the declaration,
 * version; then, with that flag, the stream's path to the record's end.
 */
#ifndef RV_LOG_RECORD_H
#define RV_LOG_RECORD_H

#include "core/base/cursor.h"
#include "core/base/writer.h"
#include "core/model/event.h"

typedef enum rv_record_kind {
    RV_RECORD_EVENT = 1,
    RV_RECORD_SELECTION = 2,     /* an edge's selection: patterns, each with a varint length */
    RV_RECORD_LEDGER_PUT = 3,    /* core/log/ledger.h: u8 kind, key with a varint length, value */
    RV_RECORD_LEDGER_REMOVE = 4, /* u8 kind, key with a varint length */
    RV_RECORD_BASE_BEGIN = 5, /* a base begins, in place of one under way: varint position, then the
                                 selection in binary form, which is held when it has ended */
    RV_RECORD_BASE_PART = 6,  /* varint cursor, then items: core/state/base.h */
    RV_RECORD_BASE_END = 7,   /* all parts are there: no body */
    RV_RECORD_CHANGES = 8,    /* items: rows of selected aggregates, as they are at W */
    RV_RECORD_FILLED = 9,     /* varint position, u8 over: the past is filled in up to there */
    RV_RECORD_PATH = 16, /* of the stream that the next record, an event, begins, where its data
                            does not tell: it is not understood */
    RV_RECORD_GONE = 17  /* where an event was that was purged: its numbers, and the path of a
                            stream that it began */
} rv_record_kind;

#define RV_RECORD_SELECTION_FULL                                                                   \
    0x01u /* of a selection: u8: what is held (rv_held_state); then its                            \
             binary form (core/model/selection.h) */
#define RV_RECORD_SELECTION_WISH                                                                   \
    0x02u /* … before all that: u32 length and the binary form of what is to be held */
#define RV_RECORD_SELECTION_PAST                                                                   \
    0x04u /* … and before the rest: u32 length and bytes of rv_past_write: which                 \
             events of the past are here */
#define RV_RECORD_SELECTION_NARROWS                                                                \
    0x08u /* entries were given up at W: what was held for them only is removed */
#define RV_RECORD_SELECTION_KNOWN                                                                  \
    (RV_RECORD_SELECTION_FULL | RV_RECORD_SELECTION_WISH | RV_RECORD_SELECTION_PAST |              \
     RV_RECORD_SELECTION_NARROWS)
#define RV_RECORD_ITEMS_PURGED                                                                     \
    0x01u /* of a base's part, and of changes: rows were taken out that are not selected any more  \
           */
#define RV_RECORD_ITEMS_GIVEN                                                                      \
    0x02u /* with that: rows of selected aggregates too, not of streams only */
#define RV_RECORD_LEDGER_DROPPED                                                                   \
    0x01u /* of a removal: of what waited, and left otherwise than by being accepted */
#define RV_RECORD_BASE_KEEPS 0x01u /* of a base that begins: rows of aggregates stay true */
#define RV_RECORD_BASE_REPLACES                                                                    \
    0x01u /* of one that ends: rows were missing, and it took the place of all that there was */

#define RV_RECORD_WRITTEN_AT  0x01u
#define RV_RECORD_FOREIGN_ID  0x02u
#define RV_RECORD_METADATA    0x04u
#define RV_RECORD_NEW_STREAM  0x08u
#define RV_RECORD_BATCH_END   0x10u
#define RV_RECORD_FILLED_IN   0x20u /* of the past: its rows and its version came before it */
#define RV_RECORD_FLAGS_KNOWN 0x3fu
#define RV_RECORD_GONE_KNOWN  (RV_RECORD_NEW_STREAM | RV_RECORD_BATCH_END | RV_RECORD_FILLED_IN)

/* What the encodings of a batch's records depend on; starts from the batch header. */
typedef struct rv_record_context {
    uint64_t next_sequence;     /* of the next event record */
    uint64_t previous_position; /* of the last event record, or first position - 1 */
    int64_t time;               /* of the batch: microseconds from 1970 */
    uint64_t node_tag;          /* of the root whose ids derive from position */
} rv_record_context;

/* Appends an event record and moves the context on. `event->sequence` is not written. */
void rv_record_write_event(rv_writer *w, rv_record_context *context, const rv_event *event);

/* Appends the record that takes the place of an event, and moves the context on. `path`: of the
 * stream that it begins; else empty. */
void rv_record_write_gone(rv_writer *w, rv_record_context *context, const rv_event *event,
                          rv_bytes path);

/* One record of a batch. */
typedef struct rv_record {
    rv_record_kind kind;
    uint8_t flags;
    rv_event event; /* RV_RECORD_EVENT; event_id is derived when it is not foreign. RV_RECORD_GONE:
                       sequence, position, stream, declaration, version and what flags say */
    rv_bytes body;  /* other kinds: what follows the flags; RV_RECORD_GONE: the path */
} rv_record;

/* Appends a record of another kind than an event: `head`, then `rest`. */
void rv_record_write(rv_writer *w, rv_record_kind kind, uint8_t flags, rv_bytes head,
                     rv_bytes rest);

/* Reads the next record and moves the context on. False: malformed, or of an unknown kind or flag;
 * `*c` stands somewhere inside it. */
RV_MUST_USE bool rv_record_read(rv_cursor *c, rv_record_context *context, rv_record *record);

#endif
