/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: what a transaction must be able to take back, as bytes that pages had before they
 * were changed. It is physical (page, offset, old bytes), so one mechanism undoes rows, values,
 * indexes, counters and the page pool alike; records are taken back last first.
 *
 * A record is its old bytes, padded to 8, then a head of 8 bytes. The head comes last because the
 * journal is only ever read from its end.
 *
 *     | old bytes … | page u32, offset u16, len u16 | old bytes … | page, offset, len |  <- len
 *
 * Writers never find the journal full in the middle of a change: each operation on the state asks
 * for room for the most it can note (rv_journal_has_room) before it changes anything.
 */
#ifndef RV_STATE_JOURNAL_H
#define RV_STATE_JOURNAL_H

#include "core/base/assert.h"
#include "core/base/bytes.h"

typedef struct rv_journal {
    uint8_t *memory;
    size_t cap;
    size_t len;
    size_t len_max; /* at the end of a transaction */
    bool active;    /* a transaction is open */
} rv_journal;

typedef struct rv_journal_record {
    uint32_t page;
    uint32_t offset;
    rv_bytes old;
} rv_journal_record;

#define RV_JOURNAL_HEAD 8u

/* The room that noting `len` bytes takes. */
static inline size_t rv_journal_cost(size_t len) {
    return RV_JOURNAL_HEAD + ((len + 7u) & ~(size_t)7);
}

/* True when `bytes` more fit, or when nothing is being noted. */
static inline bool rv_journal_has_room(const rv_journal *journal, size_t bytes) {
    return !journal->active || journal->cap - journal->len >= bytes;
}

/* Empties the journal and begins to note. */
void rv_journal_begin(rv_journal *journal);

/* Notes that `len` bytes at `offset` of `page` are now `old`. There is room, `len` is at most
 * 65535. */
static inline void rv_journal_note(rv_journal *journal, uint32_t page, uint32_t offset,
                                   const uint8_t *old, uint32_t len) {
    RV_ASSERT(journal->active && offset <= UINT16_MAX && len <= UINT16_MAX);
    const size_t cost = rv_journal_cost(len);
    RV_ASSERT(journal->cap - journal->len >= cost);
    uint8_t *const record = journal->memory + journal->len;
    memcpy(record, old, len);
    const uint64_t packed = page | ((uint64_t)offset << 32) | ((uint64_t)len << 48);
    memcpy(record + cost - RV_JOURNAL_HEAD, &packed, sizeof packed);
    journal->len += cost;
}

/* Notes the longest that it was. */
void rv_journal_measure(rv_journal *journal);

/* Takes the last record; its bytes lie in the journal. False: it is empty. */
bool rv_journal_pop(rv_journal *journal, rv_journal_record *record);

/* Forgets everything and stops noting. */
void rv_journal_end(rv_journal *journal);

#endif
