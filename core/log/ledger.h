/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what a node must remember beside events, as an ordered map from (kind, key) to a
 * value. An edge keeps in it what it wrote and the root has not decided yet, and what the root
 * refused; a root keeps what it decided, until the edge has acknowledged it.
 *
 * All of it is in memory, in one buffer: entries from the front, in the order in which they were
 * put, and their offsets from the back, in the order of kind and key. What is removed or replaced
 * leaves a hole; when an entry would not fit, the holes are closed. Room is counted without holes,
 * so it does not depend on the past.
 *
 *     | entry | entry | (hole) | entry |  …  | offset | offset | offset |
 *     0                                len                            cap
 *
 * An entry is: u8 kind, u8 key length, u32 value length, key, value.
 *
 * It is made durable by records of the log (docs/format/log.md), which are atomic with the events
 * of their batch. A change is written into the body of an open batch, where it finds out whether
 * there is room, and is applied to the map when the batch is committed; until then nothing has
 * changed, so cancelling needs no undo. What changes write lies at the end of a body, behind its
 * events. Replay applies the records as they come: putting the same again changes nothing, and what
 * is removed need not be there. So a checkpoint only has to be followed in the log by every entry
 * that lives, in any order (rv_ledger_carry), and whatever changes meanwhile may come in between.
 *
 *   invariant: kinds and keys rise strictly along the offsets.
 */
#ifndef RV_LOG_LEDGER_H
#define RV_LOG_LEDGER_H

#include "core/base/arena.h"
#include "core/log/record.h"
#include "rivulet/status.h"

#define RV_LEDGER_KEY_MAX 40u /* bytes */

/* What entries are. The numbers are those of the log. */
typedef enum rv_ledger_kind {
    RV_LEDGER_SELF = 1,       /* edge: its incarnation and next edge sequence; no key */
    RV_LEDGER_PENDING = 2,    /* edge: a batch that is not decided; edge sequence, big-endian */
    RV_LEDGER_REJECTION = 3,  /* edge: a batch that was refused, likewise */
    RV_LEDGER_EDGE = 4,       /* root: what it knows of an edge; edge id, incarnation */
    RV_LEDGER_DECISION = 5,   /* root: what became of a push; edge id, incarnation, sequence */
    RV_LEDGER_REFUSED = 6,    /* edge: a refused batch that pending ones count; edge sequence */
    RV_LEDGER_LEASE = 7,      /* root: a block of keys that an edge has; aggregate, first key */
    RV_LEDGER_KEYS = 8,       /* edge: a block of keys, and how far it is used; likewise */
    RV_LEDGER_EPOCH = 9,      /* the log's epoch, if it is not the first; no key */
    RV_LEDGER_REWOUND = 10,   /* edge: what going back did the last time; no key */
    RV_LEDGER_BACK = 11,      /* edge: what waits for the schema; kind, then its key */
    RV_LEDGER_SENT = 12,      /* edge: up to where commands may have been sent; no key */
    RV_LEDGER_SELECT = 13,    /* edge that goes back: what it is to hold (engine/rewind.h) */
    RV_LEDGER_PRINCIPAL = 14, /* edge: who the upstream takes it for; no key */
    RV_LEDGER_FORKED = 15,    /* edge: how often it was found to be a copy, and when; no key */
    RV_LEDGER_NAME = 16,      /* edge: an event type of a provisional schema; its number there */
    RV_LEDGER_RELAY = 20, /* gateway: a push that is not decided; edge id, incarnation, sequence */
    RV_LEDGER_TOKEN = 24  /* who may use the node; half of a digest */
} rv_ledger_kind;

#define RV_LEDGER_KINDS_MAX 64u /* of any version: higher ones are malformed */

typedef struct rv_ledger {
    uint8_t *buf;
    size_t cap;
    size_t len;  /* bytes of entries, with holes */
    size_t live; /* without */
    size_t live_max;
    uint32_t count;
} rv_ledger;

/* An entry. Borrowed: until the next change. */
typedef struct rv_ledger_entry {
    uint8_t kind;
    rv_bytes key; /* at most RV_LEDGER_KEY_MAX bytes */
    rv_bytes value;
} rv_ledger_entry;

/* Takes `memory` bytes from `arena`. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_ledger_create(rv_ledger *ledger, size_t memory, rv_arena *arena);

/* --- reading: entries have indexes 0, 1, 2 … in their order --- */

static inline uint32_t rv_ledger_count(const rv_ledger *ledger) {
    return ledger->count;
}

/* The index of the first entry that is not before (kind, key). */
uint32_t rv_ledger_seek(const rv_ledger *ledger, uint8_t kind, rv_bytes key);

/* The entry with this index, below the count. */
rv_ledger_entry rv_ledger_at(const rv_ledger *ledger, uint32_t index);

/* False: there is none. */
RV_MUST_USE bool rv_ledger_get(const rv_ledger *ledger, uint8_t kind, rv_bytes key,
                               rv_bytes *value);

/* The value of an entry, for notes of the running node in places that mean nothing in the log: they
 * are written there only when the entry is carried. NULL: there is none. Until the next change. */
uint8_t *rv_ledger_notes(rv_ledger *ledger, uint8_t kind, rv_bytes key);

/* Bytes that an entry takes; how many are taken, and how many there are. */
size_t rv_ledger_cost(size_t key_len, size_t value_len);
size_t rv_ledger_used(const rv_ledger *ledger);

/* --- changing --- */

/* The changes of one batch. Plain data. */
typedef struct rv_ledger_changes {
    rv_writer *body; /* of the batch */
    size_t from;     /* where in it they begin */
    int64_t cost;    /* of what they put, less what they free */
} rv_ledger_changes;

/* Begins at what the body now holds; nothing but changes is written into it behind that. A key is
 * changed once in a batch; what is to make room is removed first. */
rv_ledger_changes rv_ledger_begin(rv_writer *body);

/* Writes that the entry is put, or replaces the one with its key. RV_OK; RV_BUSY: the ledger has no
 * room for it, after what the batch changes before; RV_BATCH_TOO_LARGE: the body has none. Then
 * nothing was written. */
RV_MUST_USE rv_status rv_ledger_put(const rv_ledger *ledger, rv_ledger_changes *changes,
                                    const rv_ledger_entry *entry);

/* Writes that there is no entry with this key. RV_OK, RV_BATCH_TOO_LARGE. _drop: and that it did
 * not leave because the root has accepted it, for who goes back behind that (engine/survey.c). */
RV_MUST_USE rv_status rv_ledger_drop(const rv_ledger *ledger, rv_ledger_changes *changes,
                                     uint8_t kind, rv_bytes key);
RV_MUST_USE rv_status rv_ledger_remove(const rv_ledger *ledger, rv_ledger_changes *changes,
                                       uint8_t kind, rv_bytes key);

/* The batch is committed, its body still where it was: they become so. */
void rv_ledger_apply(rv_ledger *ledger, const rv_ledger_changes *changes);

/* Replay: applies a record of the log. RV_OK; RV_DATA_DAMAGED: it is malformed;
 * RV_MEMORY_EXHAUSTED: the ledger has no room, which it had when the record was written. */
RV_MUST_USE rv_status rv_ledger_replay(rv_ledger *ledger, const rv_record *record);

/* Puts and removes without a log: for who makes a ledger that is to be written whole. False: there
 * is no room, and what had this key is gone. */
RV_MUST_USE bool rv_ledger_set(rv_ledger *ledger, const rv_ledger_entry *entry);
void rv_ledger_unset(rv_ledger *ledger, uint8_t kind, rv_bytes key);

/* The body of a ledger record. False: malformed. */
RV_MUST_USE bool rv_ledger_record_read(const rv_record *record, rv_ledger_entry *entry);

/* A key to go on behind. All zero: before the first entry. */
typedef struct rv_ledger_place {
    uint8_t kind;
    uint8_t key_len;
    uint8_t key[RV_LEDGER_KEY_MAX];
} rv_ledger_place;

/* Writes the entries behind `*place` again, as many as the body has room for, and moves it on. They
 * are no changes: there is nothing to apply. True: that was all. An entry fits into an empty body,
 * as it was in one. */
RV_MUST_USE bool rv_ledger_carry(const rv_ledger *ledger, rv_writer *body, rv_ledger_place *place);

#endif
