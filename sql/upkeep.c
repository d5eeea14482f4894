/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping results up: see upkeep.h. */
#include "sql/upkeep.h"

#include "sql/arrange.h"
#include "sql/joined.h"

#include "core/state/inside.h"
#include "core/state/slots.h"

RV_STATIC_ASSERT(RV_SQL_SHAPE_TABLES <= RV_SQL_UPKEEP_TABLES, "any of them may be followed");

/* Rows that can be kept, and so shown. */
#define ROWS_MAX (RV_UPKEEP_LEN_MAX / (uint32_t)sizeof(uint32_t))

/* Bytes of a row's values that lie in several pages, which a copy may take. */
#define SPREAD_MAX 1024u

/* --- memory --- */

/* What is kept is nothing. */
static void clear(rv_sql_upkeep *u) {
    if (u->sql == NULL) {
        return;
    }
    for (uint32_t i = 0; u->list != NULL && i < u->count; i++) {
        sqlite3_free(u->list[i]);
    }
    sqlite3_free(u->list);
    sqlite3_free(u->rows);
    for (rv_sql_upkeep **at = &u->sql->upkeeps; *at != NULL; at = &(*at)->next) {
        if (*at == u) {
            *at = u->next;
            break;
        }
    }
    u->list = NULL;
    u->rows = NULL;
    u->count = 0;
    u->room = 0;
    u->memory = 0;
    u->whole = false;
    u->next = NULL;
    u->sql = NULL;
}

/* A query that is open has it; what it notes from now on is not all. */
static bool is_shown(rv_sql *sql, const rv_sql_upkeep *u) {
    bool shown = false;
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        rv_sql_query *const q = &sql->queries[i];
        if (q->open && q->upkeep == u) {
            q->run.over = q->run.over || q->mode == RV_SQL_BASE;
            shown = shown || q->mode == RV_SQL_KEPT;
        }
    }
    return shown;
}

bool rv_sql_upkeep_forget(rv_sql *sql) {
    bool some = false;
    rv_sql_upkeep *next = NULL;
    for (rv_sql_upkeep *u = sql->upkeeps; u != NULL; u = next) {
        next = u->next;
        if (!is_shown(sql, u)) {
            clear(u);
            some = true;
        }
    }
    return some;
}

void rv_sql_upkeep_end(rv_sql_upkeep *u) {
    if (u->sql != NULL) {
        rv_sql_context *const previous = rv_sql_enter(&u->sql->context);
        clear(u);
        rv_sql_leave(previous);
    }
    *u = (rv_sql_upkeep){.other = NULL};
}

/* Counts bytes that are to be taken; false: there may not be as many. */
static bool count_memory(rv_sql *sql, rv_sql_upkeep *u, size_t size) {
    size_t all = size;
    for (const rv_sql_upkeep *other = sql->upkeeps; other != NULL; other = other->next) {
        all += other->memory;
    }
    if (u->memory + size > RV_UPKEEP_LEN_MAX || all > sql->memory / RV_UPKEEP_PART) {
        return false;
    }
    if (u->sql == NULL) {
        u->sql = sql;
        u->next = sql->upkeeps;
        sql->upkeeps = u;
    }
    u->memory += size;
    return true;
}

/* Nothing is kept of this run, whose result is right all the same. */
static void give_up(rv_sql_query *query, const char *why) {
    if (!query->run.over) {
        query->upkeep->other = why;
    }
    query->run.over = true;
}

/* Room for one more row or group; false: there is none. */
static bool make_room(rv_sql_query *query) {
    rv_sql_upkeep *const u = query->upkeep;
    const size_t size = u->groups ? sizeof *u->list : sizeof *u->rows;
    if (u->count < u->room) {
        return true;
    }
    const uint32_t room = u->room == 0 ? 32 : 2 * u->room;
    if (!count_memory(query->sql, u, (room - u->room) * size)) {
        return false;
    }
    void *const was = u->groups ? (void *)u->list : (void *)u->rows;
    void *const is = sqlite3_malloc64(room * size);
    if (is == NULL) {
        return false;
    }
    if (was != NULL) {
        memcpy(is, was, u->count * size);
        sqlite3_free(was);
    }
    u->list = u->groups ? is : NULL;
    u->rows = u->groups ? NULL : is;
    u->room = room;
    return true;
}

/* --- beginning --- */

rv_sql_mode rv_sql_upkeep_mode(const rv_sql *sql, rv_sql_upkeep *u) {
    /* an edge that has gone back may come to another schema of that version */
    const uint64_t version = (uint64_t)sql->rewinds << 32 | rv_schema_version(sql->schema);
    if (u->schema_version != version) {
        clear(u);
        u->schema_version = version;
        u->never = false;
    }
    return u->never ? RV_SQL_PLAIN : u->whole && !u->others ? RV_SQL_KEPT : RV_SQL_BASE;
}

/* Notes what has become of rows since; false: it is not known, or too much. */
static bool collect(rv_sql_query *query) {
    rv_sql_upkeep *const u = query->upkeep;
    rv_sql_run *const run = &query->run;
    uint8_t memory[SPREAD_MAX];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_delta_walk walk;
    run->changes = sqlite3_malloc64(RV_UPKEEP_CHANGES * sizeof *run->changes);
    if (run->changes == NULL || !rv_deltas_begin(query->sql->state, &(rv_deltas){u->since},
                                                 u->aggregate, &scratch, &walk)) {
        return false;
    }
    walk.moved = true;
    run->before[run->table] = walk.before;
    rv_delta delta;
    rv_status status = RV_OK;
    while ((status = rv_deltas_next(&walk, &delta)) == RV_OK) {
        if (run->change_count == RV_UPKEEP_CHANGES) {
            return false;
        }
        run->changes[run->change_count] =
            (rv_sql_change){.bytes = delta.before,
                            .before = (uint32_t)rv_delta_row_before(&walk, &delta),
                            .after = (uint32_t)rv_delta_row_after(&walk, &delta)};
        run->change_count++;
    }
    return status == RV_END && (!u->joined || rv_sql_joined_collect(query));
}

/* Sorts ascending. Shell's, with the gaps 1, 4, 13, …: short, and quick for some thousand. */
static void sort(uint32_t *list, uint32_t count) {
    uint32_t gap = 1;
    while (gap < count / 3) {
        gap = 3 * gap + 1;
    }
    for (; gap > 0; gap /= 3) {
        for (uint32_t i = gap; i < count; i++) {
            const uint32_t one = list[i];
            uint32_t at = i;
            for (; at >= gap && list[at - gap] > one; at -= gap) {
                list[at] = list[at - gap];
            }
            list[at] = one;
        }
    }
}

static bool has(const uint32_t *list, uint32_t count, uint32_t one) {
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) { /* halves */
        const uint32_t middle = low + (high - low) / 2;
        if (list[middle] < one) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && list[low] == one;
}

/* The rows that are shown: those that were kept and are as they were, and those that are not. */
static bool show_rows(rv_sql_query *query) {
    rv_sql_upkeep *const u = query->upkeep;
    rv_sql_run *const run = &query->run;
    uint32_t gone[RV_UPKEEP_CHANGES];
    uint32_t gone_count = 0;
    run->rows = sqlite3_malloc64((u->count + run->change_count + 1) * sizeof *run->rows);
    if (run->rows == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < run->change_count; i++) {
        gone[gone_count] = run->changes[i].before;
        gone_count += run->changes[i].before != RV_ROW_NONE;
        run->rows[run->row_count] = run->changes[i].after;
        run->row_count += run->changes[i].after != RV_ROW_NONE;
    }
    sort(gone, gone_count);
    for (uint32_t i = 0; i < u->count; i++) {
        if (!has(gone, gone_count, u->rows[i])) {
            run->boundary = u->rows[i];
            run->rows[run->row_count++] = u->rows[i];
        }
    }
    sort(run->rows, run->row_count);
    run->was_full = u->full;
    u->count = 0;
    const rv_sql_arrange by = {query->sql->state,
                               rv_schema_aggregate(query->sql->schema, u->aggregate),
                               u->order.index, u->order.descending};
    return !u->order.by_index || rv_sql_arrange_rows(&by, run->rows, run->row_count);
}

bool rv_sql_upkeep_begin(rv_sql_query *query) {
    rv_sql_upkeep *const u = query->upkeep;
    const bool settled = query->run.settled;
    rv_sql_upkeep_leave(query);
    query->run = (rv_sql_run){.table = -1, .limit = UINT64_MAX, .settled = settled};
    if (query->mode == RV_SQL_BASE) {
        clear(u);
        u->groups = query->shape.groups;
        u->other = NULL;
        return true;
    }
    RV_ASSERT(query->mode == RV_SQL_KEPT && (u->whole || settled));
    query->run.table = u->table;
    query->run.group_count = u->groups ? u->count : 0;
    if (!settled && !collect(query)) {
        return false;
    }
    u->whole = false; /* until this run has ended */
    return u->groups || show_rows(query);
}

/* --- reading --- */

bool rv_sql_upkeep_filter(rv_sql_query *query, const sqlite3_vtab *table, uint16_t aggregate,
                          rv_sql_read how, rv_sql_order order) {
    rv_sql_run *const run = &query->run;
    const rv_sql_shape *const shape = &query->shape;
    int nth = 0;
    while (nth < shape->table_count && shape->tables[nth] != table) {
        nth++;
    }
    RV_ASSERT(nth < shape->table_count);
    if (how == RV_SQL_READ_KEY) {
        if ((run->looked >> nth & 1u) != 0) {
            give_up(query, "several rows are looked up by key for one");
        }
        run->looked |= UINT32_C(1) << nth;
        return false;
    }
    if (run->table >= 0) {
        give_up(query, "more is gone through than one aggregate, once");
    } else if (shape->outer && nth > 0) {
        give_up(query, "an outer join");
    } else if (!shape->groups && how == RV_SQL_READ_PART && !order.by_index) {
        give_up(query, "an index is read in another order");
    }
    run->part = !shape->groups && (how == RV_SQL_READ_ONE || how == RV_SQL_READ_PART);
    if (run->table < 0) {
        run->table = nth;
        query->upkeep->aggregate = aggregate;
        query->upkeep->order = order;
    }
    return run->table == nth;
}

int rv_sql_upkeep_table(rv_sql_query *query) {
    if (query->run.table < 0) {
        give_up(query, "rows are looked up by key");
    }
    return query->run.table < 0 ? 0 : query->run.table;
}

bool rv_sql_upkeep_narrows(const rv_sql_query *query, const sqlite3_vtab *table) {
    return query != NULL && query->mode == RV_SQL_KEPT &&
           query->shape.tables[query->upkeep->table] == table;
}

/* What is shown of a change: the row as it was, then as it is. */
static bool sight_of(const rv_sql_change *c, bool before, rv_sql_sight *sight) {
    const uint32_t row = before ? c->before : c->after;
    sight->kind = before && c->bytes != NULL ? RV_SQL_ROW_BEFORE : RV_SQL_ROW;
    sight->row = row;
    sight->bytes = c->bytes;
    sight->place = row + (before ? RV_SQL_PLACE_BEFORE : 0);
    return row != RV_ROW_NONE;
}

/* The nth of what is shown of groups, or the next one that there is. */
static bool sight_of_groups(rv_sql_query *query, uint32_t n, uint32_t *nth, rv_sql_sight *sight) {
    rv_sql_run *const run = &query->run;
    if (n < run->group_count) {
        run->at = RV_SQL_AT_COPY;
        run->copy = n;
        *sight = (rv_sql_sight){.kind = RV_SQL_COPY,
                                .values = query->upkeep->list[n]->values,
                                .place = -1 - (int64_t)n};
        return true;
    }
    for (uint32_t at = n - run->group_count; at < 2 * run->change_count; at++) {
        *nth = run->group_count + at + 1;
        run->at = at % 2 == 0 ? RV_SQL_AT_BEFORE : RV_SQL_AT_NOW;
        if (sight_of(&run->changes[at / 2], at % 2 == 0, sight)) {
            return true;
        }
    }
    run->at = RV_SQL_AT_NOTHING;
    return false;
}

bool rv_sql_upkeep_sight(rv_sql_query *query, uint32_t *nth, rv_sql_sight *sight) {
    const rv_sql_run *const run = &query->run;
    const uint32_t n = *nth;
    *sight = (rv_sql_sight){.kind = RV_SQL_ROW};
    *nth += 1;
    if (query->upkeep->groups) {
        return sight_of_groups(query, n, nth, sight);
    }
    sight->row = n < run->row_count ? run->rows[n] : RV_ROW_NONE;
    sight->place = sight->row;
    return n < run->row_count;
}

/* --- rows that come out --- */

/* Running over a small part of an index takes no longer than what was kept of it. */
static void judge_part(rv_sql_query *query) {
    if (query->run.part && query->steps < query->sql->upkeep_steps) {
        give_up(query, "a small part of an index is read");
    }
}

bool rv_sql_upkeep_row(rv_sql_query *query) {
    rv_sql_run *const run = &query->run;
    rv_sql_upkeep *const u = query->upkeep;
    run->given += 1;
    if (query->shape.groups) {
        return run->given <= run->limit;
    }
    const int column = query->column_count + rv_sql_upkeep_table(query);
    const uint32_t row = (uint32_t)sqlite3_column_int64(query->statement, column);
    if (row == run->boundary && row != RV_ROW_NONE) {
        run->boundary_at = (uint32_t)run->given;
    }
    if (!run->over && !make_room(query)) {
        give_up(query, "more rows than are kept");
    }
    if (!run->over) {
        u->rows[u->count++] = row;
    }
    return run->given <= run->limit;
}

/* Of an index no more is read for what is kept in vain. */
bool rv_sql_upkeep_enough(rv_sql_query *query) {
    if (query->mode == RV_SQL_BASE && query->run.given == query->run.limit) {
        judge_part(query);
    }
    return query->mode != RV_SQL_PLAIN && query->run.over && query->run.given == query->run.limit;
}

/* LIMIT n: of rows some more, where they are to be kept up; of groups all. */
static void limit(sqlite3_context *out, int argc, sqlite3_value **argv) {
    const rv_sql_function *const function = sqlite3_user_data(out);
    rv_sql_query *const query = function->sql->running;
    RV_ASSERT(argc == 1 && query != NULL);
    const int64_t given = sqlite3_value_int64(argv[0]);
    const bool is_integer = sqlite3_value_type(argv[0]) == SQLITE_INTEGER;
    if (is_integer && given > 0 && given < ROWS_MAX - RV_UPKEEP_SLACK) {
        query->run.limit = (uint64_t)given;
        sqlite3_result_int64(out, query->shape.groups ? -1 : given + RV_UPKEEP_SLACK);
        return;
    }
    if (!is_integer || given >= 0) {
        give_up(query, "a LIMIT that is none, or large");
    }
    sqlite3_result_value(out, argv[0]);
}

int rv_sql_upkeep_declare(rv_sql *sql, sqlite3 *db) {
    return sqlite3_create_function_v2(db, "rv_limit", 1, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                                      &sql->functions[0], limit, NULL, NULL, NULL);
}

/* --- groups --- */

static bool is_read(const rv_sql_query *query, uint16_t column) {
    const uint64_t bits = query->shape.columns[query->run.table];
    return (bits >> (column < 63 ? column : 63) & 1u) != 0;
}

/* Reads the values of a row that the statement reads; false: one is too long. */
static bool read_values(const rv_sql_query *query, uint32_t row, rv_arena *scratch,
                        rv_value *values, uint16_t count, size_t *bytes) {
    const rv_reader reader = rv_reader_of(query->sql->state, query->upkeep->aggregate);
    const uint8_t *const at = rv_reader_row(&reader, row);
    rv_status status = RV_OK;
    *bytes = 0;
    for (uint16_t c = 0; c < count && status == RV_OK; c++) {
        values[c] = rv_value_null();
        status = is_read(query, c)
                     ? rv_row_get(reader.pages, reader.table, at, c, scratch, &values[c])
                     : RV_OK;
        *bytes +=
            status == RV_OK && values[c].class_ == RV_VALUE_BYTES ? values[c].as.bytes.len : 0;
    }
    return status == RV_OK;
}

/* A group with a copy of its row; NULL: there is no room for one. */
static rv_sql_group *make_group(rv_sql_query *query, uint32_t row) {
    rv_sql_upkeep *const u = query->upkeep;
    const uint16_t count = rv_schema_aggregate(query->sql->schema, u->aggregate)->column_count;
    const size_t tallies = (size_t)query->shape.sites * sizeof(rv_sql_tally);
    rv_value values[RV_COLUMNS_MAX];
    uint8_t memory[SPREAD_MAX];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    size_t bytes = 0;
    if (!read_values(query, row, &scratch, values, count, &bytes)) {
        return NULL;
    }
    const size_t size = sizeof(rv_sql_group) + tallies + count * sizeof *values + bytes;
    if (!make_room(query) || !count_memory(query->sql, u, size)) {
        return NULL;
    }
    rv_sql_group *const g = sqlite3_malloc64(size);
    if (g == NULL) {
        return NULL;
    }
    memset(g, 0, sizeof *g + tallies);
    g->row = row;
    g->size = size;
    g->values = (rv_value *)(void *)((uint8_t *)g->tallies + tallies);
    uint8_t *to = (uint8_t *)(g->values + count);
    memcpy(g->values, values, count * sizeof *values);
    for (uint16_t c = 0; c < count; c++) {
        if (values[c].class_ == RV_VALUE_BYTES) {
            const rv_bytes from = values[c].as.bytes;
            g->values[c].as.bytes = rv_bytes_of(to, from.len);
            if (from.len > 0) {
                memcpy(to, from.ptr, from.len);
            }
            to += from.len;
        }
    }
    u->list[u->count++] = g;
    return g;
}

/* The copy of a group, which leads to what is not what it was, becomes one of a row that came to
 * the group. NULL: none came, or there is no room. */
static rv_sql_group *renew_group(rv_sql_query *query, const rv_sql_tally *tally) {
    rv_sql_upkeep *const u = query->upkeep;
    rv_sql_group *const was = u->list[tally->group - 1];
    rv_sql_group *const is = tally->row == RV_ROW_NONE ? NULL : make_group(query, tally->row);
    if (is == NULL) {
        return NULL;
    }
    u->count -= 1; /* it is in the place of the other one */
    u->list[tally->group - 1] = is;
    memcpy(is->tallies, was->tallies, (size_t)query->shape.sites * sizeof *is->tallies);
    u->memory -= was->size;
    sqlite3_free(was);
    return is;
}

void rv_sql_upkeep_note(rv_sql_query *query, const rv_sql_tally *tally, uint32_t site) {
    rv_sql_upkeep *const u = query->upkeep;
    rv_sql_run *const run = &query->run;
    rv_sql_group *g = NULL;
    RV_ASSERT(tally->rows >= 0 && tally->count >= 0 && tally->count <= tally->rows);
    run->vanished = run->vanished || tally->rows == 0;
    if (run->over) {
        return;
    }
    if (tally->group != 0) {
        g = u->list[tally->group - 1];
        g = g->stale && tally->rows > 0 ? renew_group(query, tally) : g;
    } else if (u->count > run->group_count && u->list[u->count - 1]->row == tally->row) {
        g = u->list[u->count - 1];
    } else {
        RV_ASSERT(tally->row != RV_ROW_NONE);
        g = make_group(query, tally->row);
    }
    if (g == NULL) {
        give_up(query, "more groups than are kept");
        return;
    }
    g->tallies[site] = *tally;
    g->tallies[site].row = RV_ROW_NONE;
    g->tallies[site].group = 0;
    g->gone = tally->rows == 0;
}

/* Groups that have no rows any more go. */
static void remove_gone(rv_sql_upkeep *u) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < u->count; i++) {
        if (u->list[i]->gone) {
            u->memory -= u->list[i]->size;
            sqlite3_free(u->list[i]);
        } else {
            u->list[count++] = u->list[i];
        }
    }
    u->count = count;
}

/* --- the end --- */

/* Of a LIMIT: what came out is right up to a place. False: that is not far enough. */
static bool is_right(rv_sql_query *query) {
    rv_sql_upkeep *const u = query->upkeep;
    const rv_sql_run *const run = &query->run;
    const uint64_t most = run->limit + RV_UPKEEP_SLACK;
    if (query->mode == RV_SQL_KEPT && run->was_full) {
        const bool beyond = run->boundary != RV_ROW_NONE && run->boundary_at == 0;
        u->count = beyond ? u->count : run->boundary_at;
        u->full = true;
        return u->count >= run->limit;
    }
    u->full = run->limit != UINT64_MAX && run->given == most;
    return true;
}

/* Notes by changes of which aggregates the result is kept up from now on. */
static void note_followed(rv_sql_query *query) {
    rv_sql_upkeep *const u = query->upkeep;
    u->followed[0] = u->aggregate;
    u->followed_count = 1;
    for (uint32_t nth = 0; nth < query->shape.table_count; nth++) {
        if (nth != u->table && rv_sql_joined_follows(query, nth)) {
            u->followed[u->followed_count++] = rv_sql_table_aggregate(query->shape.tables[nth]);
        }
    }
}

/* Another run has to follow, in this mode. */
static rv_status follow(rv_sql_query *query, rv_sql_mode mode, rv_error *err) {
    query->mode = mode;
    query->steps = 0;
    return rv_error_set(err, RV_SNAPSHOT_EXPIRED, "what was kept of the result does not do");
}

/* The run has failed. Where that is for what keeping up needs besides, another one follows. */
static rv_status run_other(rv_sql_query *query, rv_status status, rv_error *err) {
    rv_sql_upkeep *const u = query->upkeep;
    const bool lost = query->run.lost;
    const bool memory = status == RV_MEMORY_EXHAUSTED && query->run.table >= 0;
    const bool steps = status == RV_SQL_LIMIT && query->sql->steps_max > 0 &&
                       query->steps >= query->sql->steps_max;
    clear(u);
    if (memory || steps) {
        u->other = memory ? "memory is short" : "more steps than there may be";
        u->never = query->mode == RV_SQL_BASE;
    }
    return lost                          ? follow(query, RV_SQL_BASE, err)
           : u->never || memory || steps ? follow(query, RV_SQL_PLAIN, err)
                                         : status;
}

rv_status rv_sql_upkeep_finish(rv_sql_query *query, rv_status status, rv_error *err) {
    rv_sql_upkeep *const u = query->upkeep;
    rv_sql_run *const run = &query->run;
    if (status == RV_OK || status == RV_PENDING || status == RV_SNAPSHOT_EXPIRED) {
        return status;
    }
    if (status != RV_END) {
        return run_other(query, status, err);
    }
    (void)rv_sql_upkeep_table(query);
    judge_part(query);
    if (run->vanished && !run->over) {
        remove_gone(u);
        run->settled = true;
        return follow(query, RV_SQL_KEPT, err);
    }
    if ((run->vanished && run->over) || (!run->over && !u->groups && !is_right(query))) {
        return follow(query, RV_SQL_BASE, err);
    }
    if (run->over) {
        clear(u);
        return RV_END;
    }
    if (u->sql == NULL) { /* nothing came: it is kept all the same, as nothing */
        (void)count_memory(query->sql, u, 0);
    }
    RV_ASSERT(run->table >= 0);
    u->table = (uint16_t)run->table;
    u->whole = u->sql != NULL;
    note_followed(query);
    return RV_END;
}

void rv_sql_upkeep_leave(rv_sql_query *query) {
    sqlite3_free(query->run.rows);
    sqlite3_free(query->run.changes);
    query->run.rows = NULL;
    query->run.changes = NULL;
    query->run.row_count = 0;
    query->run.change_count = 0;
}

const char *rv_sql_upkeep_other(const rv_sql_query *query) {
    const rv_sql_upkeep *const u = query->upkeep;
    return u == NULL ? "it was asked for once" : u->whole ? NULL : u->other;
}
