/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of rows, for edges that select aggregates (SEMANTICS 17): of every row that an event
 * touches, what it was before and what it was afterwards, as items of a base (base.h); at a gateway
 * also of those that it is given. A bounded run of the last ones, in memory only: who needs older
 * ones begins with a base.
 *
 *     memory:  | unused | entry first … | entry next_committed … entry next - 1 | unused |
 *                       ^ begin           of the transaction that is open        ^ end
 *
 * Entries have serial numbers. When there is no room the oldest go. What a transaction adds goes
 * when it is rolled back. At the root an entry's position is that of its event; what a gateway
 * takes in at a time happened up to the W that it ends at, and has that (rv_state_changed_at).
 *
 *   invariant: every change of a row at a position above `since` is in an entry from `first` on.
 */
#ifndef RV_STATE_CHANGES_H
#define RV_STATE_CHANGES_H

#include "core/state/state.h"

typedef struct rv_changes {
    uint8_t *memory;
    size_t cap;
    size_t begin;
    size_t end;
    size_t committed; /* where entries end that stay */
    uint32_t last;    /* length of the last entry, */
    uint32_t last_committed;
    uint64_t first; /* serial of the entry at `begin` */
    uint64_t next;  /* of the next one */
    uint64_t next_committed;
    uint64_t since;
} rv_changes;

/* One entry; its bytes lie in the changes' memory until the state changes. */
typedef struct rv_change {
    uint64_t serial;
    uint64_t position; /* of the event */
    rv_bytes before;   /* an item; empty: there was no such row */
    rv_bytes after;    /* the same; empty: there is none now */
} rv_change;

/* From now on all changes are kept in this memory, which must last; the state is at `watermark`.
 * Not in a transaction but the overlay. */
void rv_state_watch(rv_state *state, rv_changes *changes, void *memory, size_t cap,
                    uint64_t watermark);

/* From now on none are. */
void rv_state_unwatch(rv_state *state);

/* The open transaction is about to be committed, with which W moves here: that is the position of
 * all that changed in it. */
void rv_state_changed_at(rv_state *state, uint64_t watermark);

/* Where to look from. Plain data: after the state has changed, made anew. */
typedef struct rv_change_cursor {
    size_t at;
    uint64_t serial;
} rv_change_cursor;

rv_change_cursor rv_changes_begin(const rv_changes *changes);

/* Before the entry with this serial, or the first that there is behind it. It is looked for from
 * the end: who keeps up finds it at once. */
rv_change_cursor rv_changes_from(const rv_changes *changes, uint64_t serial);

/* The next committed entry; false: there are no more. */
bool rv_changes_next(const rv_changes *changes, rv_change_cursor *cursor, rv_change *change);

/* The serial of the first entry of a position above this one; false: some of those are gone. */
bool rv_changes_find(const rv_changes *changes, uint64_t position, uint64_t *serial);

/* --- for the files of this floor --- */

/* Adds an entry. `before` and `after` may be too long to be kept (`ptr` NULL, `len` not 0): then
 * all that is here goes. */
void rv_changes_add(rv_changes *changes, uint64_t position, rv_bytes before, rv_bytes after);

void rv_changes_commit(rv_changes *changes);
void rv_changes_rollback(rv_changes *changes);

#endif
