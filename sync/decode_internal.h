/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder's parts, shared by its two files: decode.c reads the head and goes from event to
 * event, decode_columns.c takes streams and values out of their columns.
 */
#ifndef RV_SYNC_DECODE_INTERNAL_H
#define RV_SYNC_DECODE_INTERNAL_H

#include "sync/decode.h"

#define DATA_SIZE (RV_EVENT_LEN_MAX + 16u)

struct rv_decoder {
    rv_plan plan;
    const rv_schema *schema;
    rv_cursor *columns;   /* RV_CHUNK_COLUMNS_MAX; only the first when interleaved */
    uint8_t *data;        /* of the event being yielded */
    rv_unused_run arrays; /* all of them, the plan's as well */
    uint32_t count;
    uint32_t next;
    uint32_t streams_announced;
    uint32_t stream;   /* of the event just yielded */
    size_t data_total; /* of the message's events: bounded, or a small message could be huge */
    int64_t last_time;
    bool interleaved;
    rv_event before; /* the last event: position, times, schema version */
    rv_run runs[RV_COLUMN_RUNS_COUNT];
};

static inline rv_cursor *column_of(rv_decoder *d, uint32_t column) {
    RV_ASSERT(column < rv_plan_column_count(&d->plan));
    return &d->columns[d->interleaved ? 0 : column];
}

/* What a difference in zigzag form leads to. */
static inline int64_t add(int64_t a, uint64_t zigzag) {
    const uint64_t difference = (zigzag >> 1) ^ (~(zigzag & 1) + 1);
    return (int64_t)((uint64_t)a + difference);
}

/* The next value of a column that is sent as runs. */
uint64_t rv_decoder_run(rv_decoder *decoder, uint32_t column, rv_run *run);

/* The next new stream of the message, as its entry `number`. False: malformed. */
RV_MUST_USE bool rv_decoder_stream(rv_decoder *decoder, uint32_t number);

/* The metadata of an event, if the flags say that it has any. False: malformed. */
RV_MUST_USE bool rv_decoder_metadata(rv_decoder *decoder, uint8_t flags, rv_event *event);

/* The data of an opaque event, as bytes. False: malformed. */
RV_MUST_USE bool rv_decoder_opaque(rv_decoder *decoder, const rv_plan_type *type, rv_event *event);

/* The data of an event of this type and stream. False: malformed. */
RV_MUST_USE bool rv_decoder_data(rv_decoder *decoder, const rv_plan_type *type, uint32_t stream,
                                 rv_event *event);

#endif
