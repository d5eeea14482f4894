/* SPDX-License-Identifier: Apache-2.0 */
/* Walks: see walk.h. */
#include "sql/walk.h"

#include "sql/connection.h"

/* Room for a value that is made of an argument, beside twice the argument's own bytes. */
#define VALUE_SIZE 256u

/* An argument's bytes are SQLite's until the walk is open, so they are copied. */
static bool keep(rv_sql_walk *w, rv_value *value) {
    if (value->class_ != RV_VALUE_BYTES) {
        return true;
    }
    value->as.bytes = rv_arena_copy(&w->memory, value->as.bytes);
    return value->as.bytes.ptr != NULL;
}

/* Memory for copies of all arguments. */
static bool take_memory(rv_sql_walk *w, int argc, sqlite3_value **argv) {
    size_t size = 0;
    RV_ASSERT(argc >= 0);
    for (int i = 0; i < argc; i++) {
        size += 2 * (size_t)sqlite3_value_bytes(argv[i]) + VALUE_SIZE;
    }
    sqlite3_free(w->memory.ptr);
    void *const memory = size == 0 ? NULL : sqlite3_malloc64(size);
    w->memory = rv_arena_over(memory, memory == NULL ? 0 : size);
    return size == 0 || memory != NULL;
}

/* What a column is to be equal to. RV_SQL_MATCH_NONE: no row is. */
static rv_sql_match equal_value(rv_sql_walk *w, uint16_t nth, char kind, sqlite3_value *sought) {
    const rv_type *const type = &w->aggregate->columns[w->index->columns[nth]].type;
    rv_value *const value = &w->low[0][nth];
    *value = rv_value_null();
    if (kind == '0' || (kind == '.' && sqlite3_value_type(sought) == SQLITE_NULL)) {
        return RV_SQL_MATCH_KEY;
    }
    RV_ASSERT(sought != NULL);
    const rv_sql_match match = kind == '~'
                                   ? rv_sql_cell_key_of_digits(type, sought, &w->memory, value)
                                   : rv_sql_cell_key(type, sought, &w->memory, value);
    return match == RV_SQL_MATCH_KEY && !keep(w, value) ? RV_SQL_MATCH_SCAN : match;
}

/* Reads the equal columns of the plan. False: no row can be what is asked for. */
static bool read_equal(rv_sql_walk *w, const char **plan, sqlite3_value ***argv) {
    bool any = true;
    bool follows = true;
    for (; **plan != 0 && strchr("=~0.", **plan) != NULL; *plan += 1) {
        const char kind = **plan;
        RV_ASSERT(w->equal_count < w->index->column_count);
        const rv_sql_match match =
            equal_value(w, w->equal_count, kind, kind == '0' ? NULL : **argv);
        *argv += kind == '0' ? 0 : 1;
        any = any && match != RV_SQL_MATCH_NONE;
        follows = follows && match == RV_SQL_MATCH_KEY;
        w->equal_count++;
        w->prefix = follows ? w->equal_count : w->prefix;
    }
    return any;
}

/* The bounds of a column. */
typedef struct bounds {
    rv_sql_bound low;
    rv_sql_bound high;
    bool has_low;
    bool has_high;
    bool any; /* the plan has some, whether they can be followed or not */
} bounds;

/* Reads an end of the plan. False: no row is beyond it. */
static bool read_bound(rv_sql_walk *w, char kind, sqlite3_value *sought, bounds *b) {
    const rv_type *const type = &w->aggregate->columns[w->index->columns[w->equal_count]].type;
    const bool low = kind == '(' || kind == '[';
    rv_sql_bound *const bound = low ? &b->low : &b->high;
    *bound = (rv_sql_bound){.low = low, .inside = kind == '[' || kind == ']'};
    b->any = true;
    if (sqlite3_value_type(sought) == SQLITE_NULL) {
        return false;
    }
    const rv_sql_match match = rv_sql_bound_of(type, sought, &w->memory, bound);
    *(low ? &b->has_low : &b->has_high) = match == RV_SQL_MATCH_KEY && keep(w, &bound->value);
    return match != RV_SQL_MATCH_NONE;
}

/* Reads the ends of the plan. False: no row is between them. */
static bool read_bounds(rv_sql_walk *w, const char **plan, sqlite3_value ***argv, bounds *b) {
    *b = (bounds){.any = false};
    bool any = true;
    for (; **plan != 0 && strchr("([)]", **plan) != NULL; *plan += 1, *argv += 1) {
        any = read_bound(w, **plan, **argv, b) && any;
    }
    RV_ASSERT(any || b->any);
    return any;
}

/* Adds a range of the rows with the prefix; between two values of the next column if they are not
 * NULL. */
static void add_range(rv_sql_walk *w, const rv_value *low, bool low_inside, const rv_value *high,
                      bool high_inside) {
    const uint8_t n = w->range_count;
    RV_ASSERT(n < RV_SQL_WALK_RANGES);
    for (uint16_t i = 0; i < w->prefix; i++) {
        w->low[n][i] = w->low[0][i];
        w->high[n][i] = w->low[0][i];
    }
    rv_index_range *const range = &w->ranges[n];
    *range = (rv_index_range){.aggregate = w->aggregate->number,
                              .index = w->index_number,
                              .descending = w->descending,
                              .low = {w->low[n], w->prefix, true},
                              .high = {w->high[n], w->prefix, true}};
    if (low != NULL) {
        w->low[n][w->prefix] = *low;
        range->low = (rv_index_end){w->low[n], (uint16_t)(w->prefix + 1), low_inside};
    }
    if (high != NULL) {
        w->high[n][w->prefix] = *high;
        range->high = (rv_index_end){w->high[n], (uint16_t)(w->prefix + 1), high_inside};
    }
    w->range_count++;
}

/* Makes the ranges, in the order in which they are walked. */
static void make_ranges(rv_sql_walk *w, const bounds *b) {
    const rv_value null = rv_value_null();
    const bool follows = b->any && w->prefix == w->equal_count;
    const rv_value *const above = b->has_low ? &b->low.value : &null;
    const rv_value *const below = b->has_high ? &b->high.value : NULL;
    int64_t first = 0;
    int64_t last = 0;
    RV_ASSERT(!b->any || w->equal_count < w->index->column_count);
    if (!follows) {
        add_range(w, NULL, false, NULL, false);
        return;
    }
    const rv_type *const type = &w->aggregate->columns[w->index->columns[w->prefix]].type;
    if (!rv_sql_bound_window(type, &first, &last) || (!b->has_low && !b->has_high)) {
        add_range(w, above, b->has_low && b->low.inside, below, b->high.inside);
        return;
    }
    const rv_value begin = rv_value_int(first);
    const rv_value end = rv_value_int(last);
    const rv_value *const low = b->has_low ? above : &begin;
    const rv_value *const high = b->has_high ? below : &end;
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t part = w->descending ? 2 - i : i;
        if (part == 0) {
            add_range(w, &null, false, &begin, false);
        } else if (part == 1) {
            add_range(w, low, true, high, true);
        } else {
            add_range(w, &end, false, NULL, false);
        }
    }
}

/* A range of the rows with the prefix. */
typedef struct part {
    rv_value low[RV_INDEX_COLUMNS_MAX];
    rv_value high[RV_INDEX_COLUMNS_MAX];
    rv_index_range range; /* its ends are those */
} part;

/* The rows between two values of the column behind the prefix, both outside. */
static void between(const rv_sql_walk *w, int64_t low, int64_t high, part *p) {
    const uint16_t count = (uint16_t)(w->prefix + 1);
    RV_ASSERT(w->prefix < w->index->column_count);
    for (uint16_t i = 0; i < w->prefix; i++) {
        p->low[i] = w->low[0][i];
        p->high[i] = w->low[0][i];
    }
    p->low[w->prefix] = rv_value_int(low);
    p->high[w->prefix] = rv_value_int(high);
    p->range = (rv_index_range){.aggregate = w->aggregate->number,
                                .index = w->index_number,
                                .low = {p->low, count, false},
                                .high = {p->high, count, false}};
}

/* The rows that would come elsewhere than the plan promised, if there were some: before and behind
 * the years that sort. False: the column behind the prefix has no such years. */
static bool misplaced(const rv_sql_walk *w, part parts[2]) {
    int64_t first = 0;
    int64_t last = 0;
    const uint16_t column = w->index->columns[w->prefix];
    RV_ASSERT(w->promised && column < w->aggregate->column_count);
    if (!rv_sql_bound_window(&w->aggregate->columns[column].type, &first, &last)) {
        return false;
    }
    between(w, INT64_MIN, first, &parts[0]);
    between(w, last, INT64_MAX, &parts[1]);
    return true;
}

/* True when the rows do not come in the order that the plan promised. */
static bool out_of_order(const rv_sql_walk *w) {
    part parts[2];
    rv_index_walk walk;
    if (!w->promised || w->equal_count == w->index->column_count) {
        return false;
    }
    return w->prefix < w->equal_count ||
           (misplaced(w, parts) &&
            (rv_state_index_first(w->state, &parts[0].range, &walk) != RV_ROW_NONE ||
             rv_state_index_first(w->state, &parts[1].range, &walk) != RV_ROW_NONE));
}

/* The next row by the index, going on with the next range. */
static rv_row step(rv_sql_walk *w, bool start) {
    rv_row row = RV_ROW_NONE;
    if (!start) {
        row = rv_state_index_next(w->state, &w->at);
        w->range_at = (uint8_t)(w->range_at + (row == RV_ROW_NONE));
    }
    while (row == RV_ROW_NONE && w->range_at < w->range_count) {
        row = rv_state_index_first(w->state, &w->ranges[w->range_at], &w->at);
        w->range_at = (uint8_t)(w->range_at + (row == RV_ROW_NONE));
    }
    RV_ASSERT(w->range_at <= w->range_count);
    return row;
}

/* Takes all rows of the walk and sorts them. */
static int sort_rows(rv_sql_walk *w) {
    rv_sql_sorter *const s = &w->sorter;
    size_t count = 0;
    for (rv_row row = step(w, true); row != RV_ROW_NONE; row = step(w, false)) {
        count++;
    }
    s->rows = sqlite3_malloc64((count + 1) * sizeof *s->rows);
    if (s->rows == NULL) {
        return SQLITE_NOMEM;
    }
    w->range_at = 0;
    for (rv_row row = step(w, true); row != RV_ROW_NONE; row = step(w, false)) {
        RV_ASSERT(s->count < count);
        s->rows[s->count++] = row;
    }
    s->sql = w->sql;
    s->aggregate = w->aggregate;
    s->columns = w->index->columns + w->equal_count;
    s->column_count = (uint16_t)(w->index->column_count - w->equal_count);
    s->descending = w->descending;
    return rv_sql_sorter_sort(s);
}

static void begin(rv_sql_walk *w, rv_sql *sql, const rv_aggregate *aggregate) {
    rv_sql_sorter_close(&w->sorter);
    const rv_arena memory = w->memory;
    rv_sql_walk_clear(w);
    w->sql = sql;
    w->state = sql->state;
    w->aggregate = aggregate;
    w->memory = memory;
}

/* Makes the ranges that the plan says. False: no row is in one. */
static bool follow(rv_sql_walk *w, const char *plan, sqlite3_value **argv) {
    bounds b;
    bool any = read_equal(w, &plan, &argv);
    any = read_bounds(w, &plan, &argv, &b) && any;
    w->promised = *plan != 0;
    w->descending = *plan == 'd';
    if (any) {
        make_ranges(w, &b);
    }
    return any;
}

int rv_sql_walk_open(rv_sql_walk *w, rv_sql *sql, const rv_aggregate *aggregate, uint16_t index,
                     const char *plan, int argc, sqlite3_value **argv, rv_row *row) {
    RV_ASSERT(index < aggregate->index_count && plan != NULL);
    begin(w, sql, aggregate);
    w->index = &aggregate->indexes[index];
    w->index_number = index;
    *row = RV_ROW_NONE;
    if (!take_memory(w, argc, argv)) {
        return SQLITE_NOMEM;
    }
    if (!follow(w, plan, argv)) {
        return SQLITE_OK;
    }
    if (!out_of_order(w)) {
        *row = step(w, true);
        return SQLITE_OK;
    }
    const int rc = sort_rows(w);
    if (rc == SQLITE_OK && w->sorter.count > 0) {
        *row = w->sorter.rows[w->sorter.at++];
    }
    return rc;
}

rv_row rv_sql_walk_next(rv_sql_walk *w) {
    rv_sql_sorter *const s = &w->sorter;
    if (s->rows == NULL) {
        return step(w, false);
    }
    RV_ASSERT(s->at <= s->count);
    return s->at < s->count ? s->rows[s->at++] : RV_ROW_NONE;
}

bool rv_sql_walk_is_one(const rv_sql_walk *w) {
    return w->range_count == 1 && w->prefix == w->index->column_count;
}

rv_sql_order rv_sql_walk_order(const rv_sql_walk *w) {
    const bool by_index = w->range_count > 0 && w->sorter.rows == NULL && !rv_sql_walk_is_one(w);
    return (rv_sql_order){by_index, by_index && w->descending, w->index_number};
}

/* A range that is left before its end was read up to there, if it is the only one: of several, it
 * was asked whether there are rows in the others. So it was of those that would be misplaced. */
void rv_sql_walk_note(const rv_sql_walk *w, rv_row row, rv_reads *reads) {
    const bool left = w->range_count == 1 && w->sorter.rows == NULL;
    part parts[2];
    if (left && row != RV_ROW_NONE && w->promised && w->equal_count < w->index->column_count &&
        misplaced(w, parts)) {
        rv_reads_range(reads, w->state, &parts[0].range, RV_ROW_NONE);
        rv_reads_range(reads, w->state, &parts[1].range, RV_ROW_NONE);
    }
    RV_ASSERT(w->range_count <= RV_SQL_WALK_RANGES);
    for (uint8_t i = 0; i < w->range_count; i++) {
        rv_reads_range(reads, w->state, &w->ranges[i], left ? row : RV_ROW_NONE);
    }
}

void rv_sql_walk_note_column(rv_sql_walk *w, rv_sql *sql, const rv_aggregate *aggregate,
                             uint16_t column, const char *plan, int argc, sqlite3_value **argv,
                             rv_reads *reads) {
    RV_ASSERT(column < aggregate->column_count && plan != NULL);
    begin(w, sql, aggregate);
    w->column = column;
    w->alone = (rv_aggregate_index){.columns = &w->column, .column_count = 1};
    w->index = &w->alone;
    w->index_number = RV_NONE;
    if (!take_memory(w, argc, argv)) {
        rv_reads_all(reads, aggregate->number);
    } else if (follow(w, plan, argv)) {
        for (uint8_t i = 0; i < w->range_count; i++) {
            rv_reads_column(reads, w->state, &w->ranges[i], column);
        }
    }
}

void rv_sql_walk_close(rv_sql_walk *w) {
    rv_sql_sorter_close(&w->sorter);
    sqlite3_free(w->memory.ptr);
    RV_ASSERT(w->sorter.rows == NULL);
    w->memory = (rv_arena){0};
}
