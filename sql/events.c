/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rv_events: the durable events that this node's log holds, those of the schema among them, a row
 * each. Nothing of the log is kept in memory for it: a cursor is a subscription (core/live), and
 * holds one event, its own copy, since other cursors read on.
 *
 * Where the log has to be read from the disk, the cursor waits: it answers SQLITE_BUSY, and SQLite
 * comes again to the same instruction when the node was polled (sql/sqlite.c).
 *
 * What is looked for comes as a plan, a letter for each argument in turn; EXPLAIN QUERY PLAN shows
 * it. SQLite tests every row again, so a bound is only a place to begin and to end.
 *
 *     p  the path, exactly: led by the log's index
 *     v  versions of that path      =  from < up to    as in `pv=`
 *     n  positions                  > from on
 *     s  sequences
 *     t  when it was recorded       (those with a time are looked through from the batch before it)
 *
 * All cursors of a query end with the event that was the last durable one when it began, or begin
 * with it, where the last is wanted first (sql/back.h).
 */
#include "sql/back.h"
#include "sql/bound.h"
#include "sql/system.h"

#include "core/live/subscription.h"

#define SCAN_MAX                                                                                   \
    4096u /* events that do not match are passed over before others have their turn                \
           */

typedef enum column {
    COLUMN_POSITION,
    COLUMN_SEQUENCE,
    COLUMN_PATH,
    COLUMN_STREAM,
    COLUMN_VERSION,
    COLUMN_TYPE,
    COLUMN_SCHEMA_VERSION,
    COLUMN_EVENT_ID,
    COLUMN_TIME,
    COLUMN_WRITTEN_AT,
    COLUMN_DATA,
    COLUMN_METADATA,
    COLUMN_RECORDED_AT,
    COLUMNS
} column;

static const rv_sql_system_column columns[COLUMNS] = {
    [COLUMN_POSITION] = {"position", RV_SQL_SYSTEM_BIGINT, false},
    [COLUMN_SEQUENCE] = {"sequence", RV_SQL_SYSTEM_BIGINT, false},
    [COLUMN_PATH] = {"path", RV_SQL_SYSTEM_TEXT, false},
    [COLUMN_STREAM] = {"stream", RV_SQL_SYSTEM_TEXT, false},
    [COLUMN_VERSION] = {"version", RV_SQL_SYSTEM_BIGINT, false},
    [COLUMN_TYPE] = {"type", RV_SQL_SYSTEM_TEXT, false},
    [COLUMN_SCHEMA_VERSION] = {"schema_version", RV_SQL_SYSTEM_BIGINT, false},
    [COLUMN_EVENT_ID] = {"event_id", RV_SQL_SYSTEM_UUID, false},
    [COLUMN_TIME] = {"time", RV_SQL_SYSTEM_TIME, false},
    [COLUMN_WRITTEN_AT] = {"written_at", RV_SQL_SYSTEM_TIME, false},
    [COLUMN_DATA] = {"data", RV_SQL_SYSTEM_JSON, false},
    [COLUMN_METADATA] = {"metadata", RV_SQL_SYSTEM_JSON, false},
    [COLUMN_RECORDED_AT] = {"recorded_at", RV_SQL_SYSTEM_TIME, true},
};

/* What can be bounded, and by which letter of a plan. */
enum { BY_POSITION, BY_SEQUENCE, BY_VERSION, BOUNDS };

static const struct {
    char letter;
    column column;
} bounded[BOUNDS] = {{'n', COLUMN_POSITION}, {'s', COLUMN_SEQUENCE}, {'v', COLUMN_VERSION}};

/* The number of a plan. */
enum { FORWARD, BACK };

/* Every usable constraint could be named. */
#define PLAN_SIZE 128u

typedef struct events_vtab {
    sqlite3_vtab base; /* SQLite's part, first */
    rv_sql *sql;
} events_vtab;

typedef struct bounds {
    uint64_t low;
    uint64_t high;
} bounds;

typedef struct events_cursor {
    sqlite3_vtab_cursor base; /* SQLite's part, first */
    rv_sql *sql;
    bool waiting;    /* it begins, and the log is being read */
    bool positioned; /* the subscription stands where it begins */
    bool of_path;
    bool back; /* from the last one */
    bool over;
    uint64_t until; /* the last sequence that the query sees */
    bounds bounds[BOUNDS];
    int64_t time_low; /* Unix microseconds */
    int64_t time_high;
    rv_path_pattern pattern;
    rv_subscription subscription;
    rv_back behind; /* in its place where they come from the last one */
    rv_event event; /* its bytes, and the path, in `memory`, or there */
    rv_bytes path;
    uint8_t *memory;
    size_t memory_size;
    uint8_t sought[RV_PATH_LEN_MAX]; /* the pattern's text */
} events_cursor;

/* True where positions, times, and versions of a stream, rise with sequences: everywhere but in a
 * log whose past was filled in. */
static bool positions_rise(const rv_sql *sql) {
    RV_ASSERT(sql->node != NULL);
    return rv_node_fill_of(sql->node).straight;
}

static int events_connect(sqlite3 *db, void *sql, int argc, const char *const *argv,
                          sqlite3_vtab **out, char **error) {
    (void)argc;
    (void)argv;
    (void)error;
    RV_ASSERT(sql != NULL && out != NULL);
    const int rc = rv_sql_system_columns(db, columns, COLUMNS);
    if (rc != SQLITE_OK) {
        return rc;
    }
    events_vtab *const made = sqlite3_malloc64(sizeof *made);
    if (made == NULL) {
        return SQLITE_NOMEM;
    }
    *made = (events_vtab){.sql = sql};
    *out = &made->base;
    return SQLITE_OK;
}

static int events_disconnect(sqlite3_vtab *base) {
    RV_ASSERT(base != NULL);
    sqlite3_free(base);
    return SQLITE_OK;
}

/* --- plans --- */

static char letter_of(int op) {
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return '=';
    case SQLITE_INDEX_CONSTRAINT_GT:
    case SQLITE_INDEX_CONSTRAINT_GE:
        return '>';
    case SQLITE_INDEX_CONSTRAINT_LT:
    case SQLITE_INDEX_CONSTRAINT_LE:
        return '<';
    default:
        return 0;
    }
}

/* What a plan has taken so far. */
typedef struct planning {
    rv_writer w;
    int argument_count;
    bool path;
    bool equal;    /* one position, sequence or version */
    unsigned ends; /* of ranges */
} planning;

static void take(planning *p, sqlite3_index_info *info, int nth, const char *letters, size_t len) {
    rv_write(&p->w, rv_bytes_of(letters, len));
    p->argument_count += 1;
    RV_ASSERT(info->aConstraintUsage[nth].argvIndex == 0);
    info->aConstraintUsage[nth].argvIndex = p->argument_count;
}

static void take_path(planning *p, sqlite3_index_info *info) {
    for (int i = 0; i < info->nConstraint && !p->path; i++) {
        const struct sqlite3_index_constraint *const c = &info->aConstraint[i];
        if (c->usable && c->iColumn == COLUMN_PATH && c->op == SQLITE_INDEX_CONSTRAINT_EQ &&
            strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
            take(p, info, i, "p", 1);
            p->path = true;
        }
    }
}

static void take_bounds(planning *p, const rv_sql *sql, sqlite3_index_info *info) {
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *const c = &info->aConstraint[i];
        for (size_t b = 0; b < BOUNDS && c->usable; b++) {
            const char letters[2] = {bounded[b].letter, letter_of(c->op)};
            const bool leads = b == BY_SEQUENCE || (b == BY_VERSION && p->path) ||
                               (b == BY_POSITION && positions_rise(sql));
            if (c->iColumn == (int)bounded[b].column && letters[1] != 0 && leads &&
                rv_writer_room(&p->w) > sizeof letters) {
                take(p, info, i, letters, sizeof letters);
                p->equal = p->equal || letters[1] == '=';
                p->ends += letters[1] != '=';
            }
        }
    }
    RV_ASSERT(!p->w.full);
}

static void take_times(planning *p, const rv_sql *sql, sqlite3_index_info *info) {
    for (int i = 0; i < info->nConstraint && positions_rise(sql); i++) {
        const struct sqlite3_index_constraint *const c = &info->aConstraint[i];
        const char letters[2] = {'t', letter_of(c->op)};
        const bool recorded = c->iColumn == COLUMN_TIME || c->iColumn == COLUMN_RECORDED_AT;
        if (c->usable && recorded && letters[1] != 0 && rv_writer_room(&p->w) > sizeof letters &&
            strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
            take(p, info, i, letters, sizeof letters);
            p->ends += letters[1] == '=' ? 2 : 1;
        }
    }
    RV_ASSERT(!p->w.full);
}

/* True when rows can come in the order that is asked for, forward or back. */
static bool in_order(const planning *p, const rv_sql *sql, const sqlite3_index_info *info) {
    if (info->nOrderBy != 1) {
        return false;
    }
    const int by = info->aOrderBy[0].iColumn;
    const bool rise = positions_rise(sql);
    return (by == COLUMN_SEQUENCE && (rise || !p->path || !info->aOrderBy[0].desc)) ||
           (by == COLUMN_POSITION && rise) || (by == COLUMN_VERSION && p->path && rise);
}

static int events_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const rv_sql *const sql = ((const events_vtab *)(const void *)base)->sql;
    RV_ASSERT(sql->node != NULL && info != NULL);
    char *const text = sqlite3_malloc64(PLAN_SIZE);
    if (text == NULL) {
        return SQLITE_NOMEM;
    }
    planning p = {.w = rv_writer_over(text, PLAN_SIZE - 1)};
    take_path(&p, info);
    take_bounds(&p, sql, info);
    take_times(&p, sql, info);
    text[p.w.len] = 0;
    const uint64_t all = rv_node_sequence_durable(sql->node) + 1;
    const uint32_t streams = rv_state_stream_count(sql->state) + 1;
    double rows = p.path ? (double)all / (double)streams + 1.0 : (double)all;
    for (unsigned i = 0; i < p.ends && i < 4; i++) {
        rows /= 4.0;
    }
    rows = p.equal || rows < 1.0 ? 1.0 : rows;
    info->idxStr = text;
    info->needToFreeIdxStr = 1;
    info->orderByConsumed = in_order(&p, sql, info);
    info->idxNum = info->orderByConsumed && info->aOrderBy[0].desc ? BACK : FORWARD;
    info->estimatedRows = (sqlite3_int64)rows;
    info->estimatedCost = 20.0 + rows * (p.path ? 8.0 : 4.0);
    return SQLITE_OK;
}

/* --- the cursor --- */

static int events_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    rv_sql *const sql = ((const events_vtab *)(const void *)base)->sql;
    RV_ASSERT(sql != NULL && out != NULL);
    events_cursor *const cursor = sqlite3_malloc64(sizeof *cursor);
    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    memset(cursor, 0, sizeof *cursor);
    cursor->sql = sql;
    cursor->over = true;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int events_close(sqlite3_vtab_cursor *base) {
    events_cursor *const cursor = (events_cursor *)(void *)base;
    RV_ASSERT(cursor != NULL);
    sqlite3_free(cursor->memory);
    rv_back_end(&cursor->behind);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

/* 2^63, the first REAL that no INTEGER reaches. */
#define INTEGERS_END 9223372036854775808.0

/* Narrows a range by a value that is compared with it; false when no row can be equal to it. What
 * is no number bounds nothing here. */
static bool narrow(bounds *b, char how, sqlite3_value *value) {
    const int type = sqlite3_value_numeric_type(value);
    if (type == SQLITE_NULL) {
        return false;
    }
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) {
        return true;
    }
    const double real = type == SQLITE_FLOAT ? sqlite3_value_double(value) : 0.0;
    const bool fits = type == SQLITE_INTEGER || (real > -INTEGERS_END && real < INTEGERS_END);
    if (!fits) {
        return real > 0.0 ? how == '<' : how == '>'; /* beyond all rows */
    }
    const int64_t least =
        type == SQLITE_INTEGER ? sqlite3_value_int64(value) : (int64_t)real - (real < 0.0);
    const uint64_t low = least < 0 ? 0 : (uint64_t)least; /* a fraction is tested by SQLite */
    const uint64_t high = least < 0 ? 0 : (uint64_t)least;
    if (how != '<') {
        b->low = low > b->low ? low : b->low;
    }
    if (how != '>') {
        b->high = high < b->high ? high : b->high;
    }
    RV_ASSERT(how == '=' || how == '<' || how == '>');
    return least >= 0 || how == '>';
}

/* The same by a time, as text. */
static bool narrow_time(events_cursor *c, char how, sqlite3_value *value) {
    const rv_type *const type = rv_sql_system_type(RV_SQL_SYSTEM_TIME);
    uint8_t memory[64];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_sql_bound bound = {.low = how != '<', .inside = true};
    if (sqlite3_value_type(value) == SQLITE_NULL) {
        return false;
    }
    if (rv_sql_bound_of(type, value, &scratch, &bound) == RV_SQL_MATCH_KEY) { /* years 1 to 9999 */
        const int64_t time = bound.value.as.integer + RV_EPOCH_DIFFERENCE_US;
        c->time_low = how != '<' && time > c->time_low ? time : c->time_low;
        c->time_high = how != '>' && time < c->time_high ? time : c->time_high;
    }
    RV_ASSERT(how == '=' || how == '<' || how == '>');
    return true;
}

/* Looks for one path only; false when there are no events of it. */
static bool seek_path(events_cursor *c, sqlite3_value *value) {
    const void *const bytes = sqlite3_value_blob(value);
    const size_t len = bytes == NULL ? 0 : (size_t)sqlite3_value_bytes(value);
    uint32_t stream = 0;
    if (sqlite3_value_type(value) != SQLITE_TEXT || len == 0 || len > sizeof c->sought ||
        !rv_state_stream_find(c->sql->state, rv_bytes_of(bytes, len), &stream)) {
        return false;
    }
    memcpy(c->sought, bytes, len);
    const rv_bytes text = rv_bytes_of(c->sought, len);
    c->of_path = rv_path_pattern_parse(text, &c->pattern, NULL) == RV_OK;
    return true;
}

/* Reads the plan's arguments; false when no row fits them. */
static bool read_plan(events_cursor *c, const char *plan, int argc, sqlite3_value **argv) {
    bool some = true;
    const char *at = plan;
    RV_ASSERT(plan != NULL);
    for (int i = 0; i < argc; i++) {
        if (*at == 'p') {
            some = seek_path(c, argv[i]) && some;
            at += 1;
            continue;
        }
        if (*at == 't') {
            some = narrow_time(c, at[1], argv[i]) && some;
        }
        for (size_t b = 0; b < BOUNDS; b++) {
            if (bounded[b].letter == *at) {
                some = narrow(&c->bounds[b], at[1], argv[i]) && some;
            }
        }
        at += 2;
    }
    RV_ASSERT(*at == 0);
    return some;
}

static int fail(events_cursor *c, rv_status status, const rv_error *err) {
    RV_ASSERT(status != RV_OK);
    c->sql->failure = *err;
    if (err->status != status) {
        (void)rv_error_set(&c->sql->failure, status, "%s", rv_status_text(status));
    }
    return SQLITE_ERROR;
}

/* Opens the subscription where the bounds begin. */
static rv_status find_start(events_cursor *c, rv_error *err) {
    uint64_t from = c->bounds[BY_SEQUENCE].low;
    if (c->bounds[BY_POSITION].low > 0 && !c->of_path) {
        uint64_t sequence = 0;
        const rv_status status = rv_log_find_position(rv_node_log(c->sql->node),
                                                      c->bounds[BY_POSITION].low, &sequence, err);
        if (status != RV_OK && status != RV_END) {
            return status;
        }
        from = sequence > from ? sequence : from;
    }
    rv_subscription_open(&c->subscription, c->sql->node, &c->pattern, c->of_path ? 1 : 0,
                         from == 0 ? 1 : from);
    if (c->of_path) {
        rv_subscription_from_version(&c->subscription, c->bounds[BY_VERSION].low);
    }
    rv_subscription_from_time(&c->subscription, c->time_low);
    c->positioned = true;
    return RV_OK;
}

/* Copies the event: what it was read from is valid only until others read. */
static bool keep(events_cursor *c, const rv_event *event, rv_bytes path) {
    const size_t size = path.len + event->data.len + event->metadata.len;
    if (size > c->memory_size || c->memory == NULL) {
        sqlite3_free(c->memory);
        c->memory_size = 2 * size + 256;
        c->memory = sqlite3_malloc64(c->memory_size);
        if (c->memory == NULL) {
            c->memory_size = 0;
            return false;
        }
    }
    rv_writer w = rv_writer_over(c->memory, c->memory_size);
    rv_write(&w, path);
    rv_write(&w, event->data);
    rv_write(&w, event->metadata);
    RV_ASSERT(!w.full);
    c->event = *event;
    c->path = rv_bytes_of(c->memory, path.len);
    c->event.data = rv_bytes_of(c->memory + path.len, event->data.len);
    c->event.metadata = rv_bytes_of(c->memory + path.len + event->data.len, event->metadata.len);
    return true;
}

/* True when neither this event nor any behind it is wanted. */
static bool is_behind(const events_cursor *c, const rv_event *event) {
    const bool rise = positions_rise(c->sql);
    return event->sequence > c->until || event->sequence > c->bounds[BY_SEQUENCE].high ||
           (rise && event->position > c->bounds[BY_POSITION].high) ||
           (rise && event->recorded_at > c->time_high) ||
           (rise && c->of_path && event->version > c->bounds[BY_VERSION].high);
}

/* True when the subscription stopped only since it had passed over many events. */
static bool next_is_at_hand(const events_cursor *c, rv_status *status, uint64_t looked_from) {
    const bool moved =
        c->positioned && rv_subscription_sequence(&c->subscription) >= looked_from + SCAN_MAX;
    RV_ASSERT(status != NULL);
    if (*status != RV_PENDING || !moved) {
        return false;
    }
    *status = RV_OK;
    return true;
}

/* Begins with the last event within the bounds. */
static rv_status find_end(events_cursor *c, rv_error *err) {
    const bounds *const by = &c->bounds[c->of_path ? BY_VERSION : BY_SEQUENCE];
    uint64_t high = by->high;
    if (c->of_path) {
        uint32_t stream = 0;
        rv_stream_head head = {.version = 0};
        if (rv_state_stream_find(c->sql->state, c->pattern.text, &stream)) {
            rv_state_stream(c->sql->state, stream, &head);
        }
        high = high < head.version ? high : head.version;
    } else if (c->bounds[BY_POSITION].high < UINT64_MAX) {
        uint64_t behind = 0;
        const rv_status status = rv_log_find_position(
            rv_node_log(c->sql->node), c->bounds[BY_POSITION].high + 1, &behind, err);
        if (status != RV_OK && status != RV_END) {
            return status;
        }
        high = high < behind ? high : behind - 1;
    }
    if (!c->of_path) {
        high = high < c->until ? high : c->until;
    }
    rv_back_begin(&c->behind, c->sql->node, c->of_path ? &c->pattern : NULL, by->low, high,
                  c->until);
    c->positioned = true;
    return RV_OK;
}

/* True when neither this event nor any before it is wanted. */
static bool is_before(const events_cursor *c) {
    return positions_rise(c->sql) &&
           (c->event.position < c->bounds[BY_POSITION].low || c->event.recorded_at < c->time_low);
}

/* Goes to the event before, as `advance`. */
static int go_back(events_cursor *c) {
    rv_error err = {.status = RV_OK};
    rv_status status = c->positioned ? RV_OK : find_end(c, &err);
    if (status == RV_OK) {
        status = rv_back_next(&c->behind, &c->event, &c->path, &err);
    }
    if (status == RV_PENDING || status == RV_BUSY) {
        return SQLITE_BUSY;
    }
    c->waiting = false;
    c->over = status != RV_OK || is_before(c);
    if (status == RV_MEMORY_EXHAUSTED) {
        return SQLITE_NOMEM;
    }
    return status == RV_OK || status == RV_END ? SQLITE_OK : fail(c, status, &err);
}

/* Goes to the next event: SQLITE_OK, also at the end; SQLITE_BUSY: it has to wait. */
static int advance(events_cursor *c) {
    if (c->back) {
        return go_back(c);
    }
    rv_error err = {.status = RV_OK};
    rv_event event;
    rv_bytes path;
    rv_status status = c->positioned ? RV_OK : find_start(c, &err);
    uint64_t looked_from = 0;
    do { /* as long as there is something to look through without the disk */
        looked_from = c->positioned ? rv_subscription_sequence(&c->subscription) : 0;
        if (status == RV_OK && looked_from > c->until) {
            status = RV_END;
        } else if (status == RV_OK) {
            status = rv_subscription_next(&c->subscription, SCAN_MAX, &event, &path, &err);
        }
    } while (next_is_at_hand(c, &status, looked_from));
    if (status == RV_PENDING || status == RV_BUSY) {
        return SQLITE_BUSY;
    }
    c->waiting = false;
    c->over = status != RV_OK || is_behind(c, &event);
    if (status != RV_OK && status != RV_END) {
        return fail(c, status, &err);
    }
    return c->over || keep(c, &event, path) ? SQLITE_OK : SQLITE_NOMEM;
}

static int events_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                         sqlite3_value **argv) {
    events_cursor *const c = (events_cursor *)(void *)base;
    if (!c->waiting) { /* else this is the same call again */
        RV_ASSERT(c->sql->node != NULL);
        c->positioned = false;
        c->of_path = false;
        c->back = plan == BACK;
        c->over = true;
        c->until = c->sql->running == NULL ? rv_node_sequence_durable(c->sql->node)
                                           : c->sql->running->events_until;
        for (size_t b = 0; b < BOUNDS; b++) {
            c->bounds[b] = (bounds){0, UINT64_MAX};
        }
        c->time_low = INT64_MIN;
        c->time_high = INT64_MAX;
        if (!read_plan(c, text, argc, argv)) {
            return SQLITE_OK;
        }
        c->waiting = true;
    }
    return advance(c);
}

static int events_next(sqlite3_vtab_cursor *base) {
    events_cursor *const c = (events_cursor *)(void *)base;
    RV_ASSERT(!c->over && !c->waiting);
    return advance(c);
}

static int events_eof(sqlite3_vtab_cursor *base) {
    return ((const events_cursor *)(const void *)base)->over;
}

/* --- columns --- */

/* A change of the schema. */
static void write_change(const void *of, rv_writer *w) {
    const rv_event *const event = of;
    RV_ASSERT(event->type == RV_SYSTEM_SCHEMA_TYPE);
    rv_write_text(w, "{\"version\":");
    rv_write_uint(w, event->schema_version);
    rv_write_text(w, ",\"text\":");
    rv_write_json_string(w, event->data);
    rv_write_u8(w, '}');
}

static void show_data(const events_cursor *c, sqlite3_context *out) {
    if (c->event.type == RV_SYSTEM_SCHEMA_TYPE) {
        rv_sql_show_written(out, write_change, &c->event, 256 + 2 * c->event.data.len);
    } else {
        rv_sql_show_data(out, rv_schema_event_type(c->sql->schema, c->event.type), c->event.data);
    }
}

static void show_stream(const events_cursor *c, sqlite3_context *out) {
    rv_bytes values[RV_PATH_SEGMENTS_MAX];
    const rv_stream *const stream = rv_schema_stream_of_path(c->sql->schema, c->path, values);
    rv_sql_show_text(out, stream == NULL ? rv_bytes_of(NULL, 0) : stream->name);
}

static void show_type(const events_cursor *c, sqlite3_context *out) {
    rv_sql_show_text(out, c->event.type == RV_SYSTEM_SCHEMA_TYPE
                              ? RV_LITERAL(RV_SYSTEM_SCHEMA_TYPE_NAME)
                              : rv_schema_event_type(c->sql->schema, c->event.type)->name);
}

static int events_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int nth) {
    const events_cursor *const c = (const events_cursor *)(const void *)base;
    RV_ASSERT(!c->over && nth >= 0 && nth < COLUMNS);
    switch ((column)nth) {
    case COLUMN_POSITION:
        rv_sql_show_uint(out, c->event.position);
        break;
    case COLUMN_SEQUENCE:
        rv_sql_show_uint(out, c->event.sequence);
        break;
    case COLUMN_PATH:
        rv_sql_show_text(out, c->path);
        break;
    case COLUMN_STREAM:
        show_stream(c, out);
        break;
    case COLUMN_VERSION:
        rv_sql_show_uint(out, c->event.version);
        break;
    case COLUMN_TYPE:
        show_type(c, out);
        break;
    case COLUMN_SCHEMA_VERSION:
        rv_sql_show_uint(out, c->event.schema_version);
        break;
    case COLUMN_EVENT_ID:
        rv_sql_show_id(out, c->event.event_id);
        break;
    case COLUMN_WRITTEN_AT:
        rv_sql_show_time(out, c->event.written_at);
        break;
    case COLUMN_DATA:
        show_data(c, out);
        break;
    case COLUMN_METADATA:
        rv_sql_show_text(out, c->event.metadata);
        break;
    default:
        rv_sql_show_time(out, c->event.recorded_at);
        break;
    }
    return SQLITE_OK;
}

static int events_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    const events_cursor *const c = (const events_cursor *)(const void *)base;
    RV_ASSERT(!c->over);
    *rowid = (sqlite3_int64)c->event.sequence;
    return SQLITE_OK;
}

const sqlite3_module rv_sql_events_module = {
    .xConnect = events_connect,
    .xBestIndex = events_best_index,
    .xDisconnect = events_disconnect,
    .xOpen = events_open,
    .xClose = events_close,
    .xFilter = events_filter,
    .xNext = events_next,
    .xEof = events_eof,
    .xColumn = events_column,
    .xRowid = events_rowid,
};
