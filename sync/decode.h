/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder of events messages. It trusts nothing: whatever the bytes are, it yields events
 * within the limits of sync/plan.h or says that they are malformed. What an event then means is the
 * node's to judge.
 */
#ifndef RV_SYNC_DECODE_H
#define RV_SYNC_DECODE_H

#include "sync/plan.h"
#include "sync/wire.h"

typedef struct rv_decoder rv_decoder;

/* About 3 MiB. NULL: the arena is too small. */
rv_decoder *rv_decoder_create(rv_arena *arena);

/* Adds what is of use while a message is decoded only; none may be. */
void rv_decoder_unused(const rv_decoder *decoder, rv_unused *unused);

/* Starts with a message's body, which must stay until the last event. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_decoder_begin(rv_decoder *decoder, const rv_schema *schema, rv_bytes body,
                                       rv_wire_events *head, rv_error *err);

uint32_t rv_decoder_count(const rv_decoder *decoder);

/*
 * The next event: RV_OK, RV_END after the last, RV_PROTOCOL_ERROR. Its bytes are valid until the
 * next call. `event->stream` is what rv_decoder_name_stream was told; when the stream is new in the
 * message, `*path` is its path (else empty) and the caller tells before it asks for the next.
 */
RV_MUST_USE rv_status rv_decoder_next(rv_decoder *decoder, rv_event *event, rv_bytes *path,
                                      rv_error *err);

/* The number at this node of the stream of the event just yielded. */
void rv_decoder_name_stream(rv_decoder *decoder, uint32_t number);

#endif
