/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sessions that are watched (upstream_watch.c) it concerns that a row has changed: those that
 * select its aggregate with a filter that the row passes now or passed before; that is who is told
 * of it. The changes are those that are noted for all sessions (core/state/changes.h), each with
 * the row before and afterwards; here they are looked at once for everybody.
 *
 * Where each of ten thousand edges selects rows of its own, `loan where owner = 7`, not each of
 * their filters is to be evaluated: the index finds those who want a value by that value.
 *
 *     filter                          in the index by
 *     owner = 7, owner = 7 and open   the aggregate, `owner` and 7
 *     amount > 1000, or none          the aggregate; evaluated at each change of its rows
 *
 * A row is looked for by its aggregate and by the value of each of its columns, and who is found is
 * concerned if the whole filter passes. When changes are gone before they were looked at, all who
 * select aggregates feed again, and find that out. So they do when many filters would have to be
 * evaluated at once, each its own in its turn: others are not to wait for all of them.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/model/schema_filter.h"
#include "core/state/base_items.h"

/* Of those rows of an aggregate with a value that is not NULL in a column. */
static uint64_t hash_some(const rv_interests *interests, uint16_t aggregate, uint16_t column,
                          const rv_value *value) {
    const uint64_t seed = interests->key ^ ((uint64_t)aggregate << 16 | column);
    RV_ASSERT(value->class_ == RV_VALUE_INT || value->class_ == RV_VALUE_BYTES);
    return value->class_ == RV_VALUE_INT ? rv_hash64_of_number(seed, value->as.integer)
                                         : rv_hash64(seed, value->as.bytes);
}

uint64_t rv_upstream_rows_hash(const rv_interests *interests, const rv_given *given) {
    uint16_t column = 0;
    rv_value value = rv_value_null();
    const bool some =
        given->filter != NULL && rv_schema_filter_equality(given->filter, &column, &value);
    return some ? hash_some(interests, given->aggregate, column, &value)
                : rv_interest_in_aggregate(interests, given->aggregate);
}

/* Puts those with one hash that select the row before `concerned`; returns the first. */
static rv_upstream *find(const rv_upstream_shared *shared, uint64_t hash, const rv_base_reader *row,
                         rv_arena *scratch, rv_upstream *concerned) {
    for (const rv_interest *i = rv_interests_first(&shared->interests, hash); i != NULL;
         i = rv_interests_next(i)) {
        rv_upstream *const s = i->owner;
        const size_t entry = rv_upstream_watch_entry(s, i);
        if (s->concerned || entry < s->fed_count) {
            continue;
        }
        const rv_given *const given = &s->fed_given[entry - s->fed_count];
        s->shared->evaluated += 1;
        if (given->aggregate == row->aggregate->number &&
            (given->filter == NULL ||
             rv_schema_filter_passes(given->filter, row->values, scratch))) {
            concerned = rv_upstream_add_concerned(s, concerned);
        }
    }
    return concerned;
}

/* The same with the whole index, and the item's row, if there is one. */
static rv_upstream *find_all(const rv_upstream_shared *shared, rv_bytes item, rv_base_reader *row,
                             rv_upstream *concerned) {
    if (item.len == 0) {
        return concerned;
    }
    rv_base_reader_begin(row, rv_node_schema(shared->node), item);
    const rv_status status = rv_base_reader_next(row);
    RV_ASSERT(status == RV_OK); /* it was written here */
    const rv_aggregate *const a = row->aggregate;
    rv_arena scratch = rv_arena_over(shared->message, RV_WIRE_MESSAGE_MAX);
    concerned = find(shared, rv_interest_in_aggregate(&shared->interests, a->number), row, &scratch,
                     concerned);
    for (uint16_t i = 0; i < a->column_count; i++) {
        const rv_value *const value = &row->values[i];
        if (rv_schema_filter_equates(&a->columns[i].type) && !rv_value_is_null(value)) {
            const uint64_t hash = hash_some(&shared->interests, a->number, i, value);
            concerned = find(shared, hash, row, &scratch, concerned);
        }
    }
    return concerned;
}

/* Who selects aggregates feeds again, from where it is. */
static void unwatch_given(rv_upstream_shared *shared) {
    for (uint32_t i = 0; i < shared->session_count && shared->watched_given > 0; i++) {
        rv_upstream *const s = shared->sessions[i];
        if (s->used && s->watched && s->fed_given_count > 0) {
            rv_upstream_unwatch(s);
        }
    }
    RV_ASSERT(shared->watched_given == 0);
}

void rv_upstream_rows_begin(rv_upstream_shared *shared) {
    RV_ASSERT(shared->changes_noted);
    unwatch_given(shared); /* of a gateway that held something else */
    shared->rows = shared->changes.first;
}

void rv_upstream_rows_look(rv_upstream_shared *shared, uint64_t watermark) {
    const rv_changes *const changes = &shared->changes;
    rv_change_cursor cursor;
    rv_change change;
    rv_base_reader row;
    if (!shared->changes_noted) {
        RV_ASSERT(shared->watched_given == 0);
        return;
    }
    if (shared->rows < changes->first) {
        unwatch_given(shared);
    }
    cursor = rv_changes_from(changes, shared->rows);
    shared->rows = cursor.serial;
    shared->evaluated = 0;
    while (rv_changes_next(changes, &cursor, &change) && change.position <= watermark) {
        if (shared->watched_given > 0) {
            rv_upstream *const concerned = find_all(shared, change.before, &row, NULL);
            rv_upstream_concern(find_all(shared, change.after, &row, concerned),
                                shared->routed.next);
        }
        if (shared->evaluated > shared->evaluated_max) {
            unwatch_given(shared);
        }
        shared->rows = cursor.serial;
    }
}
