/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger of an edge holds for a batch that waits, or was refused: entries of the kinds
 * PENDING and REJECTION, and of SELF. Little-endian; a blob is a varint length and bytes.
 *
 *      0  u8   state (rv_pending_state)       1  u8  flags
 *      2  u16  reason, if suspended           4  u16 events of streams that are covered
 *      6  u16  how many of them have arrived  8  u64 position, if accepted
 *     16  i64  written at
 *     24  varint schema version, blob principal
 *         varint number of events, then each:
 *             u8 flags (bits 0-1 rv_expected_kind, bit 2 blind), 16 bytes id, varint type,
 *             varint expected version (NUMBER only; the version that the caller gave),
 *             blob path, blob metadata, blob data
 *         varint number of counted batches, their edge sequences: varint differences, the first to
 *         0; then of a command (flag 2):
 *             16 bytes command id, u8 attempt, u64 W from which on it is run again, blob name,
 *             blob args
 *
 * Flags: 0 blind, 1 unchecked, 2 command, 3 its events are those of an attempt that was refused,
 * with the ids of the next one, 4 it is due. State SUSPENDED, due, reason and arrivals are notes of
 * the running node, made in the entry as it lies in memory; what the log has there means nothing. A
 * rejection begins with the error (blob code, blob detail, blob facts) and goes on with the batch
 * as above. SELF is u32 incarnation, u64 next edge sequence. Keys are edge sequences, u64
 * big-endian; SELF has none. REFUSED is the next edge sequence when the batch was refused: what was
 * written later does not count it. A batch that waits has one too when it counts what a command
 * made, and does not make any more since it has run again: it will be refused.
 */
#ifndef RV_CORE_ENGINE_PENDING_H
#define RV_CORE_ENGINE_PENDING_H

#include "core/engine/epoch.h"
#include "core/engine/outbox.h"
#include "core/engine/rewind.h"
#include "core/log/ledger.h"

#define RV_PENDING_HEAD 24u
#define RV_PENDING_KEY  8u
#define RV_SELF_SIZE    12u

#define RV_PENDING_BLIND     0x01u /* some stream is not covered */
#define RV_PENDING_UNCHECKED 0x02u
#define RV_PENDING_COMMAND   0x04u
#define RV_PENDING_REFUSED   0x08u /* a command: the attempt that made the events */
#define RV_PENDING_DUE       0x10u /* a note */
#define RV_PENDING_FLAGS     0x1fu

/* Where the notes are. */
#define RV_PENDING_AT_STATE    0u
#define RV_PENDING_AT_FLAGS    1u
#define RV_PENDING_AT_REASON   2u
#define RV_PENDING_AT_COVERED  4u
#define RV_PENDING_AT_ARRIVED  6u
#define RV_PENDING_AT_POSITION 8u

/* A batch as it is written: its head, `count` events, what they count, and at last what came of
 * writing them. */
typedef struct rv_pending_head {
    int64_t written_at;
    uint64_t schema_version;
    rv_bytes principal;
    uint32_t count;
} rv_pending_head;

void rv_pending_write_head(rv_writer *w, const rv_pending_head *head);
/* Notes that a batch, whose head this is, is suspended, and why. */
void rv_pending_suspend(uint8_t *head, rv_status reason);
void rv_pending_write_event(rv_writer *w, const rv_pending_event *event);
void rv_pending_write_counted(rv_writer *w, const uint64_t *counted, uint32_t count); /* rising */
void rv_pending_write_command(rv_writer *w, const rv_command *command, const uint8_t *id,
                              uint32_t attempt); /* behind what is counted; sets its flag */
void rv_pending_write_flags(rv_writer *w, uint8_t flags, uint16_t covered); /* adds flags */

/* Reads a batch, events and all, which checks them. False: malformed. `pending->durable` and
 * `edge_sequence` are not touched. */
RV_MUST_USE bool rv_pending_read(rv_bytes value, rv_pending *pending);

/* The next of the counted sequences, behind `previous` (0: the first). 0: malformed. */
RV_MUST_USE uint64_t rv_pending_counted_next(rv_cursor *c, uint64_t previous);

/* True when this batch counts that one. */
RV_MUST_USE bool rv_pending_counts(const rv_pending *batch, uint64_t edge_sequence);

/* The next event of a batch that was read. False: there are no more, or it is malformed. */
RV_MUST_USE bool rv_pending_event_next(const rv_pending *pending, rv_pending_cursor *cursor,
                                       rv_pending_event *event);

/* The id of an event of a command: bits 0 to 47 are the command's, as of any UUIDv7, then version
 * 8, and the others follow from command, attempt and index. */
void rv_command_event_id(const uint8_t *command_id, uint32_t attempt, uint32_t index, uint8_t *id);

/* Makes of a batch in `value`, whose command was refused, what is to run again as the next attempt
 * once W is `after`. */
void rv_pending_refuse(uint8_t *value, size_t len, uint64_t after);

/* The same place, of what is to run again. */
void rv_pending_run_after(uint8_t *value, size_t len, uint64_t after);

/* A rejection: its error before the batch. */
void rv_rejection_write(rv_writer *w, const rv_error *reason, rv_bytes batch);
RV_MUST_USE bool rv_rejection_read(rv_bytes value, rv_error *reason, rv_bytes *batch);

void rv_pending_key(uint64_t edge_sequence, uint8_t *key);
uint64_t rv_pending_key_read(rv_bytes key);

/* True for an entry of the ledger that a node can have written. */
RV_MUST_USE bool rv_pending_entry_valid(const rv_ledger_entry *entry);

#endif
