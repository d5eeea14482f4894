/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are joined by key, when they change: see joined.h. */
#include "sql/joined.h"

#include "core/model/schema_filter.h"
#include "core/state/inside.h"

/* Bytes of keys that lie in several pages. */
#define SPREAD_MAX 1024u

/* --- ways --- */

/* How rows of the table that is gone through are found that are equal to a key. */
typedef struct way {
    bool itself;    /* the result has them, while rows of the other table neither come nor go */
    bool by_key;    /* by the primary key, */
    uint16_t index; /* or by this index; RV_NONE: neither */
    uint16_t count; /* of its leading columns, */
    uint16_t keys[RV_INDEX_COLUMNS_MAX]; /* each equal to this one of the key's columns */
} way;

static const rv_aggregate *aggregate_of(const rv_sql_query *query, uint32_t nth) {
    RV_ASSERT(nth < query->shape.table_count);
    return rv_schema_aggregate(query->sql->schema,
                               rv_sql_table_aggregate(query->shape.tables[nth]));
}

static uint32_t nth_of(const rv_sql_query *query, const sqlite3_vtab *table) {
    uint32_t nth = 0;
    while (nth < query->shape.table_count && query->shape.tables[nth] != table) {
        nth++;
    }
    RV_ASSERT(nth < query->shape.table_count);
    return nth;
}

/* True when values of both that are equal in SQL are the same number or bytes, and no others. */
static bool are_alike(const rv_type *a, const rv_type *b) {
    return rv_schema_filter_equates(a) && rv_schema_filter_equates(b) && rv_type_fits(a, b) &&
           (a->kind != RV_TYPE_ENUM || rv_type_same(a, b));
}

/* True when the column of the table that is gone through is equal to the other table's. */
static bool is_linked(const rv_sql_query *query, uint32_t nth, uint16_t theirs, uint16_t own) {
    const rv_sql_shape *const shape = &query->shape;
    const uint32_t table = (uint32_t)query->run.table;
    bool linked = false;
    for (uint32_t i = 0; i < 2u * shape->link_count && !linked; i++) {
        const rv_sql_link *const link = &shape->links[i / 2];
        const uint32_t side = i % 2;
        linked = link->tables[side] == nth && link->columns[side] == theirs &&
                 link->tables[1 - side] == table && link->columns[1 - side] == own &&
                 (link->outer == RV_SQL_SHAPE_TABLES || link->outer == nth);
    }
    return linked && are_alike(&aggregate_of(query, nth)->columns[theirs].type,
                               &aggregate_of(query, table)->columns[own].type);
}

/* Which column of the other table's key the column is equal to: RV_NONE: none. */
static uint16_t linked_key(const rv_sql_query *query, uint32_t nth, uint16_t own) {
    const rv_aggregate *const other = aggregate_of(query, nth);
    uint16_t key = 0;
    while (key < other->key_count && !is_linked(query, nth, other->keys[key], own)) {
        key++;
    }
    return key < other->key_count ? key : RV_NONE;
}

/* The leading ones of these columns that are equal to columns of the other table's key. */
static uint16_t lead(const rv_sql_query *query, uint32_t nth, const uint16_t *columns,
                     uint16_t count, uint16_t *keys) {
    uint16_t led = 0;
    while (led < count && (keys[led] = linked_key(query, nth, columns[led])) != RV_NONE) {
        led++;
    }
    return led;
}

/* The best way by the primary key or an index. */
static void find_index(const rv_sql_query *query, uint32_t nth, way *w) {
    const rv_aggregate *const a = aggregate_of(query, (uint32_t)query->run.table);
    uint16_t keys[RV_INDEX_COLUMNS_MAX];
    w->by_key = lead(query, nth, a->keys, a->key_count, w->keys) == a->key_count;
    for (uint16_t i = 0; i < a->index_count && !w->by_key; i++) {
        const uint16_t led =
            lead(query, nth, a->indexes[i].columns, a->indexes[i].column_count, keys);
        if (led > w->count) {
            w->index = i;
            w->count = led;
            memcpy(w->keys, keys, sizeof keys);
        }
    }
}

static bool is_key(const rv_aggregate *a, uint16_t column) {
    bool is = false;
    for (uint16_t i = 0; i < a->key_count && !is; i++) {
        is = a->keys[i] == column;
    }
    return is;
}

/* True when rows come out or count by what the table says beside its key. */
static bool is_tested(const rv_sql_query *query, uint32_t nth) {
    const rv_sql_shape *const shape = &query->shape;
    bool tested = (shape->tested >> nth & 1u) != 0;
    for (uint32_t i = 0; i < 2u * shape->link_count && !tested; i++) {
        const rv_sql_link *const link = &shape->links[i / 2];
        tested =
            link->tables[i % 2] == nth && !is_key(aggregate_of(query, nth), link->columns[i % 2]);
    }
    return tested;
}

static bool is_grouped(const rv_sql_query *query, uint32_t nth, uint16_t column) {
    return column < 64 && (query->shape.grouped[nth] >> column & 1u) != 0;
}

/* True when all rows of a group have the same row of the table. */
static bool is_one_each(const rv_sql_query *query, uint32_t nth) {
    const rv_aggregate *const other = aggregate_of(query, nth);
    const uint32_t table = (uint32_t)query->run.table;
    bool each = true;
    for (uint16_t i = 0; i < other->key_count && each; i++) {
        each = is_grouped(query, nth, other->keys[i]);
        for (uint16_t c = 0; c < aggregate_of(query, table)->column_count && !each; c++) {
            each = is_grouped(query, table, c) && is_linked(query, nth, other->keys[i], c);
        }
    }
    return each;
}

static way way_of(const rv_sql_query *query, uint32_t nth) {
    const rv_sql_shape *const shape = &query->shape;
    way w = {.index = RV_NONE};
    RV_ASSERT((int)nth != query->run.table && query->run.table >= 0);
    const bool shown = !shape->groups || (shape->grouping >> nth & 1u) == 0;
    w.itself = !is_tested(query, nth) && (shown || is_one_each(query, nth));
    find_index(query, nth, &w);
    return w;
}

static bool leads(const way *w) {
    return w->by_key || w->count > 0;
}

bool rv_sql_joined_follows(const rv_sql_query *query, uint32_t nth) {
    const way w = way_of(query, nth);
    return w.itself || leads(&w);
}

/* --- collecting --- */

/* The row is shown as if it had changed, if it has not; false: these are too many. */
static bool add(rv_sql_run *run, rv_row row) {
    bool known = row == RV_ROW_NONE;
    for (uint32_t i = 0; i < run->change_count && !known; i++) {
        known = run->changes[i].after == row;
    }
    if (known) {
        return true;
    }
    if (run->change_count == RV_UPKEEP_CHANGES) {
        return false;
    }
    const uint32_t place = (uint32_t)row;
    run->changes[run->change_count++] = (rv_sql_change){.before = place, .after = place};
    return true;
}

/* Adds the rows that are equal to a key of the other table. */
static bool add_equal(rv_sql_query *query, const way *w, const rv_value *key) {
    const rv_state *const state = query->sql->state;
    const uint16_t aggregate = query->upkeep->aggregate;
    rv_value values[RV_INDEX_COLUMNS_MAX];
    const uint16_t count =
        w->by_key ? aggregate_of(query, query->upkeep->table)->key_count : w->count;
    for (uint16_t i = 0; i < count; i++) {
        values[i] = key[w->keys[i]];
    }
    if (w->by_key) {
        return add(&query->run, rv_state_row_find(state, aggregate, values));
    }
    const rv_index_range range = {.aggregate = aggregate,
                                  .index = w->index,
                                  .low = {values, count, true},
                                  .high = {values, count, true}};
    rv_index_walk walk;
    rv_row row = rv_state_index_first(state, &range, &walk);
    bool fits = true;
    while (row != RV_ROW_NONE && fits) {
        fits = add(&query->run, row);
        row = rv_state_index_next(state, &walk);
    }
    return fits;
}

/* Adds what a changed row of the other table concerns. */
static bool add_concerned(rv_sql_query *query, const way *w, const rv_delta_walk *walk,
                          const rv_delta *delta) {
    uint8_t memory[SPREAD_MAX];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    const bool is = delta->after != NULL;
    return rv_view_key(is ? &walk->after : &walk->before, is ? delta->after : delta->before,
                       &scratch, key) == RV_OK &&
           add_equal(query, w, key);
}

/* Goes through what became of the table's rows: with a way, adds what they concern; without one, it
 * is enough that none came or went. */
static bool go_through(rv_sql_query *query, uint32_t nth, const way *w) {
    rv_sql_run *const run = &query->run;
    uint8_t memory[SPREAD_MAX];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_delta_walk walk;
    rv_delta delta;
    bool fits = true;
    if (!rv_deltas_begin(query->sql->state, &(rv_deltas){query->upkeep->since},
                         aggregate_of(query, nth)->number, &scratch, &walk)) {
        return false;
    }
    rv_status status = RV_OK;
    run->before[nth] = walk.before;
    while (fits && (status = rv_deltas_next(&walk, &delta)) == RV_OK) {
        fits = w == NULL ? delta.before != NULL && delta.after != NULL
                         : add_concerned(query, w, &walk, &delta);
        run->then |= w != NULL && query->upkeep->groups ? 1u << nth : 0;
    }
    return fits && status == RV_END;
}

bool rv_sql_joined_collect(rv_sql_query *query) {
    bool fits = true;
    for (uint32_t nth = 0; nth < query->shape.table_count && fits; nth++) {
        if ((int)nth == query->run.table) {
            continue;
        }
        const way w = way_of(query, nth);
        const bool follows = w.itself || leads(&w); /* else it has not changed */
        fits = !follows || (w.itself && go_through(query, nth, NULL)) ||
               (leads(&w) && go_through(query, nth, &w));
    }
    return fits;
}

/* --- looking up --- */

rv_sql_seen rv_sql_joined_seen(rv_sql_query *query, const sqlite3_vtab *table, bool by_key) {
    rv_sql_run *const run = &query->run;
    if (run->then == 0 || (run->then >> nth_of(query, table) & 1u) == 0) {
        return RV_SQL_SEEN_NOW;
    }
    if (!by_key || run->at == RV_SQL_AT_NOTHING) { /* for all rows at once */
        run->lost = true;
        return RV_SQL_SEEN_LOST;
    }
    return run->at == RV_SQL_AT_NOW ? RV_SQL_SEEN_NOW : RV_SQL_SEEN_BEFORE;
}

/* True when the row with the key is not what it was. */
static bool has_changed(const rv_sql_query *query, const rv_view *before, uint16_t aggregate,
                        const rv_value *key, const uint8_t *was) {
    const rv_state *const state = query->sql->state;
    const rv_row row = rv_state_row_find(state, aggregate, key);
    if (row == RV_ROW_NONE || was == NULL) {
        return (row == RV_ROW_NONE) != (was == NULL);
    }
    const rv_view now = rv_view_of(&state->pages, (rv_snapshot){0}, aggregate);
    const rv_reader reader = rv_reader_of(state, aggregate);
    return !rv_view_same(before, was, &now, rv_reader_row(&reader, row));
}

const uint8_t *rv_sql_joined_find(rv_sql_query *query, const sqlite3_vtab *table,
                                  const rv_value *key, rv_arena *scratch, const rv_view **before) {
    rv_sql_run *const run = &query->run;
    const uint32_t nth = nth_of(query, table);
    const uint8_t *row = NULL;
    *before = &run->before[nth];
    if (rv_view_find(*before, rv_state_hash_key(query->sql->state), key, scratch, &row) != RV_OK) {
        run->lost = true;
        return NULL;
    }
    if (run->at == RV_SQL_AT_COPY &&
        has_changed(query, *before, aggregate_of(query, nth)->number, key, row)) {
        query->upkeep->list[run->copy]->stale = true;
    }
    return row;
}
