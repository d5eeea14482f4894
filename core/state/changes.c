/* SPDX-License-Identifier: Apache-2.0 */
/* The last changes of rows: see changes.h. */
#include "core/state/changes.h"

#include "core/state/inside.h"

/* What an entry begins with. */
typedef struct entry_head {
    uint32_t len; /* with this head, a multiple of 8 */
    uint32_t before_len;
    uint32_t after_len;
    uint32_t previous; /* length of the entry before, which may be gone */
    uint64_t position;
} entry_head;

RV_STATIC_ASSERT(sizeof(entry_head) % 8 == 0, "entries stay at multiples of 8");

static entry_head head_at(const rv_changes *c, size_t at) {
    entry_head head;
    RV_ASSERT(at + sizeof head <= c->end);
    memcpy(&head, c->memory + at, sizeof head);
    return head;
}

void rv_state_watch(rv_state *state, rv_changes *changes, void *memory, size_t cap,
                    uint64_t watermark) {
    RV_ASSERT((!state->pages.journal.active || state->pages.overlay) && memory != NULL);
    *changes = (rv_changes){.memory = memory,
                            .cap = cap,
                            .first = 1,
                            .next = 1,
                            .next_committed = 1,
                            .since = watermark};
    state->changes = changes;
}

void rv_state_unwatch(rv_state *state) {
    RV_ASSERT(state->changes == NULL || !state->pages.journal.active || state->pages.overlay);
    state->changes = NULL;
}

/* The oldest entry goes. */
static void drop_first(rv_changes *c) {
    const entry_head head = head_at(c, c->begin);
    c->since = head.position > c->since ? head.position : c->since;
    c->begin += head.len;
    c->first += 1;
    RV_ASSERT(c->begin <= c->end && c->first <= c->next);
}

/* What happened at this position is not here, nor anything before it. */
static void drop_all(rv_changes *c, uint64_t position) {
    c->begin = 0;
    c->end = 0;
    c->committed = 0;
    c->next += 1; /* the entry that could not be kept: who waits for it sees that it is gone */
    c->first = c->next;
    c->since = position > c->since ? position : c->since;
}

void rv_changes_add(rv_changes *c, uint64_t position, rv_bytes before, rv_bytes after) {
    const bool kept = (before.ptr != NULL || before.len == 0) &&
                      (after.ptr != NULL || after.len == 0) && before.len <= c->cap / 4 &&
                      after.len <= c->cap / 4;
    const size_t len = (sizeof(entry_head) + before.len + after.len + 7) & ~(size_t)7;
    if (!kept || len > c->cap / 2) {
        drop_all(c, position);
        return;
    }
    while (c->cap - (c->end - c->begin) < len) {
        drop_first(c);
    }
    if (c->cap - c->end < len) {
        memmove(c->memory, c->memory + c->begin, c->end - c->begin);
        c->committed = c->committed > c->begin ? c->committed - c->begin : 0;
        c->end -= c->begin;
        c->begin = 0;
    }
    const entry_head head = {.len = (uint32_t)len,
                             .before_len = (uint32_t)before.len,
                             .after_len = (uint32_t)after.len,
                             .previous = c->last,
                             .position = position};
    uint8_t *const to = c->memory + c->end;
    memcpy(to, &head, sizeof head);
    if (before.len > 0) {
        memcpy(to + sizeof head, before.ptr, before.len);
    }
    if (after.len > 0) {
        memcpy(to + sizeof head + before.len, after.ptr, after.len);
    }
    c->end += len;
    c->last = head.len;
    c->next += 1;
    RV_ASSERT(c->end <= c->cap);
}

void rv_changes_commit(rv_changes *c) {
    c->committed = c->end;
    c->last_committed = c->last;
    c->next_committed = c->next;
    RV_ASSERT(c->begin <= c->committed);
}

/* Writes the position of the entry at `at`, and goes behind it. */
static size_t place(rv_changes *c, size_t at, uint64_t position) {
    entry_head head = head_at(c, at);
    head.position = position;
    memcpy(c->memory + at, &head, sizeof head);
    return at + head.len;
}

void rv_state_changed_at(rv_state *state, uint64_t watermark) {
    rv_changes *const c = state->changes;
    RV_ASSERT(state->pages.journal.active && !state->pages.overlay);
    if (c == NULL) {
        return;
    }
    if (c->first > c->next_committed && watermark > c->since) {
        c->since = watermark; /* some of them are gone already */
    }
    size_t at = c->committed > c->begin ? c->committed : c->begin;
    while (at < c->end) { /* goes on by an entry */
        at = place(c, at, watermark);
    }
}

void rv_changes_rollback(rv_changes *c) {
    /* entries that stayed may have gone to make room for those that now go */
    c->end = c->committed > c->begin ? c->committed : c->begin;
    c->next = c->next_committed > c->first ? c->next_committed : c->first;
    c->committed = c->end;
    c->last = c->last_committed;
    c->next_committed = c->next;
    RV_ASSERT(c->begin <= c->end && c->first <= c->next);
}

rv_change_cursor rv_changes_begin(const rv_changes *c) {
    return (rv_change_cursor){c->begin, c->first};
}

rv_change_cursor rv_changes_from(const rv_changes *c, uint64_t serial) {
    rv_change_cursor cursor = {c->committed, c->next_committed};
    size_t len = c->last_committed;
    if (c->first >= c->next_committed) { /* there are none that stay */
        return rv_changes_begin(c);
    }
    while (cursor.serial > serial && cursor.serial > c->first) { /* back by an entry */
        RV_ASSERT(len > 0 && cursor.at >= c->begin + len);
        cursor.at -= len;
        cursor.serial -= 1;
        len = head_at(c, cursor.at).previous;
    }
    RV_ASSERT(cursor.serial > c->first || cursor.at == c->begin);
    return cursor;
}

bool rv_changes_next(const rv_changes *c, rv_change_cursor *cursor, rv_change *change) {
    if (cursor->serial >= c->next_committed || cursor->at >= c->committed) {
        return false;
    }
    const entry_head head = head_at(c, cursor->at);
    const uint8_t *const bytes = c->memory + cursor->at + sizeof head;
    *change = (rv_change){.serial = cursor->serial,
                          .position = head.position,
                          .before = rv_bytes_of(bytes, head.before_len),
                          .after = rv_bytes_of(bytes + head.before_len, head.after_len)};
    cursor->at += head.len;
    cursor->serial += 1;
    RV_ASSERT(cursor->at <= c->committed);
    return true;
}

bool rv_changes_find(const rv_changes *c, uint64_t position, uint64_t *serial) {
    rv_change_cursor cursor = rv_changes_begin(c);
    rv_change change;
    *serial = c->first;
    while (rv_changes_next(c, &cursor, &change) && change.position <= position) {
        *serial = change.serial + 1;
    }
    return position >= c->since;
}
