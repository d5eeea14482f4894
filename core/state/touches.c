/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that were touched lately: see touches.h. */
#include "core/state/touches.h"

#include "core/state/inside.h"
#include "core/state/revisions.h"
#include "core/state/sorted_key.h"

#define STEP_MAX (RV_TOUCHES_LEN / 2u) /* of one step; earlier ones go to make room for it */
#define HEAD     8u

RV_STATIC_ASSERT(RV_INDEXES_MAX <= 32, "a bit for each");
RV_STATIC_ASSERT(HEAD + 2u * RV_INDEXES_MAX * (2 + RV_READS_END_MAX) +
                         2u * RV_COLUMNS_MAX * (2 + RV_READS_VALUE_LEN) +
                         2u * RV_COLUMNS_MAX * (2 + RV_READS_COLUMN_MAX) <=
                     STEP_MAX,
                 "any row fits");

static bool is_set(const uint64_t *bits, uint16_t nth) {
    return (bits[nth / 64u] >> (nth % 64u) & 1u) != 0;
}

/* What was noted is gone, and whoever has not come to now knows it by `start`. */
static void lose(rv_touches *t) {
    t->start += t->len + 1;
    t->len = 0;
}

/* Makes room for a step. */
static void shift(rv_touches *t) {
    uint32_t gone = 0;
    while (t->len - gone > RV_TOUCHES_LEN - STEP_MAX) {
        gone += rv_load_u16(t->bytes + gone);
        RV_ASSERT(gone <= t->len);
    }
    memmove(t->bytes, t->bytes + gone, t->len - gone);
    t->start += gone;
    t->len -= gone;
}

/* --- noting --- */

/* The keys of a row in the indexes that are watched. RV_MEMORY_EXHAUSTED. */
static rv_status note_keys(const rv_touches *t, const rv_delta_walk *walk, const rv_delta *delta,
                           bool before, rv_writer *w) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(walk->state->schema, walk->aggregate);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < aggregate->index_count && status == RV_OK; i += 1) {
        const rv_aggregate_index *const index = &aggregate->indexes[i];
        rv_value values[RV_INDEX_COLUMNS_MAX];
        if ((t->watched[walk->aggregate] >> i & 1u) == 0) {
            continue;
        }
        for (uint16_t c = 0; c < index->column_count && status == RV_OK; c += 1) {
            status = before ? rv_delta_before(walk, delta, index->columns[c], walk->scratch,
                                              &values[c], NULL)
                            : rv_delta_after(walk, delta, index->columns[c], walk->scratch,
                                             &values[c], NULL);
        }
        if (status == RV_OK) {
            const rv_sorted_source source = {.aggregate = aggregate,
                                             .index = index,
                                             .values = values,
                                             .count = index->column_count};
            rv_sorted_key key;
            rv_sorted_key_make(&source, &key);
            const uint8_t len = key.len < RV_READS_END_MAX ? key.len : RV_READS_END_MAX;
            rv_write_u8(w, (uint8_t)i);
            rv_write_u8(w, len);
            rv_write(w, rv_bytes_of(key.bytes, len));
        }
    }
    return status;
}

static void note_value(const rv_state *state, uint16_t column, const rv_value *value,
                       rv_writer *w) {
    uint8_t bytes[RV_READS_VALUE_LEN];
    rv_reads_value_write(state, column, value, bytes);
    rv_write_u8(w, RV_READS_VALUE);
    rv_write_u8(w, sizeof bytes);
    rv_write(w, rv_bytes_of(bytes, sizeof bytes));
}

static void note_place(const rv_aggregate *aggregate, uint16_t column, const rv_value *value,
                       rv_writer *w) {
    uint8_t bytes[RV_READS_COLUMN_MAX];
    const uint8_t len = rv_reads_column_write(aggregate, column, value, bytes);
    rv_write_u8(w, RV_READS_COLUMN);
    rv_write_u8(w, len);
    rv_write(w, rv_bytes_of(bytes, len));
}

/* Its values in the columns that are read by value; NULL is nobody's. RV_MEMORY_EXHAUSTED. */
static rv_status note_values(const rv_touches *t, const rv_delta_walk *walk, const rv_delta *delta,
                             bool before, rv_writer *w) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(walk->state->schema, walk->aggregate);
    rv_status status = RV_OK;
    for (uint16_t c = 0; c < aggregate->column_count && status == RV_OK; c += 1) {
        const bool valued = is_set(t->valued[walk->aggregate], c);
        const bool ranged = is_set(t->ranged[walk->aggregate], c);
        rv_value value;
        if (!valued && !ranged) {
            continue;
        }
        status = before ? rv_delta_before(walk, delta, c, walk->scratch, &value, NULL)
                        : rv_delta_after(walk, delta, c, walk->scratch, &value, NULL);
        if (status == RV_OK && valued && !rv_value_is_null(&value)) {
            note_value(walk->state, c, &value, w);
        }
        if (status == RV_OK && ranged) {
            note_place(aggregate, c, &value, w);
        }
    }
    return status;
}

static rv_status note_side(const rv_touches *t, const rv_delta_walk *walk, const rv_delta *delta,
                           bool before, rv_writer *w) {
    const rv_status status = note_keys(t, walk, delta, before, w);
    return status == RV_OK ? note_values(t, walk, delta, before, w) : status;
}

/* Notes a row. RV_MEMORY_EXHAUSTED: it is not known which one it is; RV_END: there is no room. */
static rv_status note_row(rv_touches *t, const rv_delta_walk *walk, const rv_delta *delta,
                          uint32_t end) {
    uint8_t *const at = t->bytes + t->len;
    rv_writer w = rv_writer_over(at, end - t->len);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    static const uint8_t head[HEAD];
    const bool was = delta->before != NULL;
    const rv_view *const view = was ? &walk->before : &walk->after;
    const size_t mark = rv_arena_mark(walk->scratch);
    rv_write(&w, rv_bytes_of(head, sizeof head));
    rv_status status = rv_view_key(view, was ? delta->before : delta->after, walk->scratch, key);
    const uint32_t hash =
        status == RV_OK ? rv_rows_keys_hash(walk->state->hash_key, key, view->table->key_count) : 0;
    status = status == RV_OK && was ? note_side(t, walk, delta, true, &w) : status;
    status =
        status == RV_OK && delta->after != NULL ? note_side(t, walk, delta, false, &w) : status;
    rv_arena_reset(walk->scratch, mark);
    if (status == RV_OK && !w.full) {
        rv_store_u16(at, (uint16_t)w.len);
        rv_store_u16(at + 2, walk->aggregate);
        rv_store_u32(at + 4, hash);
        t->len += (uint32_t)w.len;
    }
    return w.full ? RV_END : status;
}

/* True when nothing has become of a row, though its bytes lie elsewhere. */
static bool is_same(const rv_delta_walk *walk, const rv_delta *delta) {
    return delta->before != NULL && delta->after != NULL &&
           rv_delta_row_before(walk, delta) == rv_delta_row_after(walk, delta) &&
           rv_view_same(&walk->before, delta->before, &walk->after, delta->after);
}

/* Notes what became of an aggregate since the moment; false: it cannot be had. */
static bool note_aggregate(rv_touches *t, const rv_state *state, uint16_t aggregate,
                           rv_arena *scratch, uint32_t end) {
    rv_delta_walk walk;
    rv_status status =
        rv_deltas_begin(state, &t->moment, aggregate, scratch, &walk) ? RV_OK : RV_SNAPSHOT_EXPIRED;
    bool over = false;
    walk.moved = true;
    while (status == RV_OK && !over) {
        rv_delta delta;
        status = rv_deltas_next(&walk, &delta);
        over = status == RV_END;
        status = over ? RV_OK : status;
        if (status == RV_OK && !over && !is_same(&walk, &delta)) {
            status = note_row(t, &walk, &delta, end);
        }
    }
    return status == RV_OK;
}

/* Notes what there is up to now. */
static void catch_up(rv_touches *t, rv_state *state, rv_arena *scratch) {
    const uint64_t revision = rv_state_revision(state);
    const uint16_t count = rv_schema_aggregate_count(state->schema);
    bool known = true;
    if (t->followers == 0 || revision == t->revision) {
        return;
    }
    shift(t);
    const uint32_t end = t->len + STEP_MAX;
    RV_ASSERT(end <= RV_TOUCHES_LEN);
    for (uint16_t a = 0; a < RV_AGGREGATES_MAX && known; a += 1) {
        if (is_set(t->read, a) && rv_state_revision_of(state, a) > t->revision) {
            /* one that is not there any more went with a history that is none */
            known = a < count && note_aggregate(t, state, a, scratch, end);
        }
    }
    if (!known) {
        lose(t);
    }
    rv_deltas_keep(state, &t->moment);
    t->revision = revision;
}

/* --- followers --- */

void rv_touches_watch(rv_touches *t, const rv_reads *reads) {
    uint32_t at = 0;
    rv_reads_part part;
    for (size_t i = 0; i < sizeof t->read / sizeof *t->read; i += 1) {
        t->read[i] |= reads->whole[i];
    }
    while (rv_reads_next(reads, &at, &part)) {
        t->read[part.aggregate / 64u] |= UINT64_C(1) << (part.aggregate % 64u);
        if (part.index == RV_READS_VALUE || part.index == RV_READS_COLUMN) {
            const uint8_t column = part.low.ptr[0];
            uint64_t *const bits = part.index == RV_READS_VALUE ? t->valued[part.aggregate]
                                                                : t->ranged[part.aggregate];
            bits[column / 64u] |= UINT64_C(1) << (column % 64u);
        } else if (part.index != RV_READS_KEY) {
            t->watched[part.aggregate] |= UINT32_C(1) << part.index;
        }
    }
}

void rv_touches_unwatch(rv_touches *t) {
    memset(t->watched, 0, sizeof t->watched);
    memset(t->valued, 0, sizeof t->valued);
    memset(t->ranged, 0, sizeof t->ranged);
    memset(t->read, 0, sizeof t->read);
}

void rv_touches_leave(rv_touches *t, rv_state *state, rv_touched *touched) {
    if (!touched->follows) {
        return;
    }
    RV_ASSERT(t->followers > 0);
    touched->follows = false;
    t->followers -= 1;
    if (t->followers == 0) {
        lose(t);
        rv_deltas_drop(state, &t->moment);
        rv_touches_unwatch(t);
    }
}

void rv_touches_follow(rv_touches *t, rv_state *state, const rv_reads *reads, rv_arena *scratch,
                       rv_touched *touched) {
    catch_up(t, state, scratch);
    if (rv_reads_none(reads)) {
        rv_touches_leave(t, state, touched);
    } else if (!touched->follows) {
        touched->follows = true;
        t->followers += 1;
        if (t->followers == 1) {
            rv_deltas_keep(state, &t->moment);
            t->revision = rv_state_revision(state);
        }
    }
    rv_touches_watch(t, reads);
    touched->revision = rv_state_revision(state);
    touched->place = t->start + t->len;
}

bool rv_touches_next(const rv_touches *t, uint64_t *place, rv_touched_row *row) {
    RV_ASSERT(*place >= t->start && *place <= t->start + t->len);
    const uint32_t at = (uint32_t)(*place - t->start);
    if (at == t->len) {
        return false;
    }
    const uint8_t *const bytes = t->bytes + at;
    const uint32_t size = rv_load_u16(bytes);
    RV_ASSERT(size >= HEAD && size <= t->len - at);
    row->aggregate = rv_load_u16(bytes + 2);
    row->key = rv_bytes_of(bytes + 4, sizeof(uint32_t));
    row->parts = rv_bytes_of(bytes + HEAD, size - HEAD);
    *place += size;
    return true;
}

bool rv_touched_row_next(const rv_touched_row *row, size_t *at, uint8_t *index, rv_bytes *key) {
    RV_ASSERT(*at <= row->parts.len);
    if (*at == row->parts.len) {
        return false;
    }
    const uint8_t *const part = row->parts.ptr + *at;
    *index = part[0];
    *key = rv_bytes_of(part + 2, part[1]);
    *at += 2u + part[1];
    return true;
}

/* True when the row lies in the part. */
static bool is_in(const rv_reads_part *part, const rv_touched_row *row) {
    size_t at = 0;
    uint8_t index;
    rv_bytes key;
    bool in = false;
    if (part->index == RV_READS_KEY) {
        return rv_reads_holds(part, row->key);
    }
    while (!in && rv_touched_row_next(row, &at, &index, &key)) {
        in = index == part->index && rv_reads_holds(part, key);
    }
    return in;
}

bool rv_touched_row_in(const rv_touched_row *row, const rv_reads *reads) {
    uint32_t at = 0;
    rv_reads_part part;
    bool in = rv_reads_has_all(reads, row->aggregate);
    while (!in && rv_reads_next(reads, &at, &part)) {
        in = part.aggregate == row->aggregate && is_in(&part, row);
    }
    return in;
}

/* True when one of the rows that are noted from `place` on lies in the part; NULL: in the
 * aggregate.
 */
static bool any_touched(const rv_touches *t, uint64_t place, uint16_t aggregate,
                        const rv_reads_part *part) {
    rv_touched_row row;
    bool in = false;
    while (!in && rv_touches_next(t, &place, &row)) {
        in = row.aggregate == aggregate && (part == NULL || is_in(part, &row));
    }
    return in;
}

bool rv_touches_look(rv_touches *t, rv_state *state, rv_arena *scratch, const rv_touched *touched) {
    catch_up(t, state, scratch);
    return touched->follows && touched->place >= t->start;
}

static bool is_of(const rv_reads_of *of, uint16_t aggregate) {
    bool listed = false;
    for (uint16_t i = 0; i < of->count && !listed; i += 1) {
        listed = of->aggregates[i] == aggregate;
    }
    return listed != of->others;
}

bool rv_touches_concern_of(rv_touches *t, rv_state *state, const rv_reads *reads, rv_reads_of of,
                           rv_arena *scratch, const rv_touched *touched) {
    catch_up(t, state, scratch);
    const bool known = touched->follows && touched->place >= t->start;
    bool some = false;
    for (uint16_t a = 0; a < RV_AGGREGATES_MAX && !some; a += 1) {
        a = reads->whole[a / 64u] == 0 ? (uint16_t)(a | 63u) : a; /* the next 64 */
        some = is_of(&of, a) && rv_reads_has_all(reads, a) &&
               rv_state_revision_of(state, a) > touched->revision &&
               (!known || any_touched(t, touched->place, a, NULL));
    }
    uint32_t at = 0;
    rv_reads_part part;
    while (!some && rv_reads_next(reads, &at, &part)) {
        some = is_of(&of, part.aggregate) &&
               rv_state_revision_of(state, part.aggregate) > touched->revision &&
               (!known || any_touched(t, touched->place, part.aggregate, &part));
    }
    return some;
}

bool rv_touches_concern(rv_touches *t, rv_state *state, const rv_reads *reads, rv_arena *scratch,
                        rv_touched *touched) {
    const uint64_t revision = rv_state_revision(state);
    if (revision == touched->revision) {
        return false;
    }
    const rv_reads_of all = {.others = true};
    const bool some = rv_touches_concern_of(t, state, reads, all, scratch, touched);
    if (!some) {
        touched->revision = revision;
        touched->place = t->start + t->len;
    }
    return some;
}
