/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoder of events messages: events are staged (copied) one by one as the log yields them,
 * until the message is full or there are no more; then the body is written column by column.
 * Staging costs a copy; all that looks at data happens in one pass at the end, when the modes of
 * the columns are known.
 */
#ifndef RV_SYNC_ENCODE_H
#define RV_SYNC_ENCODE_H

#include "sync/plan.h"
#include "sync/wire.h"

/* Bytes of staged events after which a message takes no more; one event may pass it. An event
 * counts with what its record in a log takes beside its data. */
#define RV_ENCODER_BYTES      (384u << 10)
#define RV_ENCODER_EVENT_COST 32u

typedef struct rv_encoder rv_encoder;

/* About 4 MiB. NULL: the arena is too small. */
rv_encoder *rv_encoder_create(rv_arena *arena);

/* Adds what is of use while a message is made only; none may be. */
void rv_encoder_unused(const rv_encoder *encoder, rv_unused *unused);

/* Starts a message of at most `events_max` (RV_COLUMNS_EVENTS_MAX at most) events and about
 * `bytes_max` of data. The schema must know every type that is added. */
void rv_encoder_begin(rv_encoder *encoder, const rv_schema *schema, uint32_t events_max,
                      size_t bytes_max);

/* Takes a copy of the event. `declaration` is its stream's (RV_NONE: the system's). False: the
 * message is full without it, or ends with the schema change before it. The first event is always
 * taken. */
RV_MUST_USE bool rv_encoder_add(rv_encoder *encoder, const rv_event *event, rv_bytes path,
                                uint16_t declaration);

uint32_t rv_encoder_count(const rv_encoder *encoder);

/* Writes the message's body with the first `count` events (1 or more). Data that is not what the
 * schema says, or not understood, goes as bytes. False: it would be larger than a message may be
 * (never for one event). */
RV_MUST_USE bool rv_encoder_end(rv_encoder *encoder, const rv_wire_events *head, uint32_t count,
                                rv_writer *body);

/* Memory that is free between rv_encoder_end and the next rv_encoder_begin. */
rv_writer rv_encoder_spare(rv_encoder *encoder);

#endif
