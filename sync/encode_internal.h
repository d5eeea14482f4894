/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's parts, shared by its two files: encode.c stages events, encode_columns.c writes
 * them. */
#ifndef RV_SYNC_ENCODE_INTERNAL_H
#define RV_SYNC_ENCODE_INTERNAL_H

#include "sync/encode.h"

#define NO_STREAM    UINT16_MAX
#define STREAM_SLOTS 8192u /* twice the streams of a message */
#define ENTRY_SLOTS  16384u
#define DATA_SIZE    (RV_EVENT_LEN_MAX + 16u)

RV_STATIC_ASSERT(STREAM_SLOTS >= 2 * RV_COLUMNS_EVENTS_MAX, "streams are found in few steps");
RV_STATIC_ASSERT(ENTRY_SLOTS >= 2 * RV_COLUMNS_ENTRIES_MAX, "entries are found in few steps");
RV_STATIC_ASSERT(RV_COLUMNS_EVENTS_MAX < NO_STREAM, "a stream's number fits into 16 bits");

/* An event that waits to be written. */
typedef struct rv_staged {
    uint64_t position;
    uint64_t version;
    int64_t recorded_at;
    int64_t written_at;
    uint32_t schema_version;
    uint32_t data_at; /* data, metadata, foreign id: one after the other */
    uint32_t data_len;
    uint32_t metadata_len;
    uint16_t stream; /* of the message */
    uint16_t type;   /* of the message */
    uint8_t flags;
} rv_staged;

struct rv_encoder {
    rv_plan plan;
    rv_chunks chunks;
    const rv_schema *schema;
    rv_staged *staged;
    uint8_t *data;
    rv_unused_run arrays;   /* all of them, the plan's and the chunks' as well */
    uint16_t *stream_slots; /* from this node's stream number to the message's */
    uint16_t *entry_slots;  /* from value to dictionary entry */
    size_t data_len;
    size_t bytes_max;
    uint32_t events_max;
    uint32_t count;
    uint32_t slot_mask;
    uint32_t entry_mask;
    bool ended; /* a schema change was taken: nothing may follow it */
    bool type_used[RV_COLUMNS_TYPES_MAX];
    /* while writing */
    uint32_t streams_written;
    int64_t last_time;
    rv_run runs[RV_COLUMN_RUNS_COUNT];
    bool milliseconds_hold; /* every timestamp so far fits the plan's unit */
};

#endif
