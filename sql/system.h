/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System tables: what a node knows besides the rows of its aggregates, as read-only tables whose
 * names begin with `rv_`. docs/sql.md tells users. An aggregate of such a name hides the table.
 *
 *     rv_events                   the log: read as it is asked for (events.c)
 *     rv_streams, rv_aggregates,  what state and schema say (facts.c)
 *     rv_event_types, rv_status
 *     rv_pending, rv_rejections   the outbox of an edge, an event a row (outbox.c)
 *
 * Columns are declared as those of aggregates are, `TEXT(9000,4)`: the number of no aggregate, and
 * which of the types below, so that results show them in their types.
 */
#ifndef RV_SQL_SYSTEM_H
#define RV_SQL_SYSTEM_H

#include "sql/cell.h"
#include "sql/connection.h"

#define RV_SQL_SYSTEM_NUMBER 9000u

typedef enum rv_sql_system_kind {
    RV_SQL_SYSTEM_BIGINT,
    RV_SQL_SYSTEM_BOOLEAN,
    RV_SQL_SYSTEM_TEXT,
    RV_SQL_SYSTEM_TIME, /* timestamptz */
    RV_SQL_SYSTEM_UUID,
    RV_SQL_SYSTEM_JSON,
    RV_SQL_SYSTEM_KINDS
} rv_sql_system_kind;

typedef struct rv_sql_system_column {
    const char *name;
    rv_sql_system_kind kind;
    bool hidden; /* to be named; not in `SELECT *` */
} rv_sql_system_column;

/* The type of a kind; NULL: there is no such one. */
const rv_type *rv_sql_system_type(uint32_t kind);

/* Makes the system tables known, if there is a node. SQLite's result code. */
int rv_sql_system_declare(rv_sql *sql);

/* Declares the columns of a table that is being connected. SQLite's result code. */
int rv_sql_system_columns(sqlite3 *db, const rv_sql_system_column *columns, size_t count);

/* --- tables whose rows are facts at hand: nothing of them ever waits --- */

typedef struct rv_sql_system_table rv_sql_system_table;

typedef struct rv_sql_system_cursor {
    sqlite3_vtab_cursor base; /* SQLite's part, first */
    rv_sql *sql;
    const rv_sql_system_table *table;
    uint64_t at;    /* the row, as the table counts */
    uint64_t event; /* of a batch in the outbox: which of its events, from 0 */
    bool single;    /* it was looked up: there is no next one */
    bool over;
} rv_sql_system_cursor;

struct rv_sql_system_table {
    const char *name;
    const rv_sql_system_column *columns;
    size_t column_count;
    bool seeks; /* by the first column: seek is there */
    /* Goes to the first row, or from a row to the next. False: there is none. */
    bool (*move)(rv_sql_system_cursor *cursor, bool first);
    bool (*seek)(rv_sql_system_cursor *cursor, rv_bytes text);
    void (*show)(const rv_sql_system_cursor *cursor, int column, sqlite3_context *out);
    double rows; /* how many there are, roughly */
};

extern const rv_sql_system_table rv_sql_streams_table;
extern const rv_sql_system_table rv_sql_aggregates_table;
extern const rv_sql_system_table rv_sql_event_types_table;
extern const rv_sql_system_table rv_sql_status_table;
extern const rv_sql_system_table rv_sql_pending_table;
extern const rv_sql_system_table rv_sql_rejections_table;

/* rv_events. */
extern const sqlite3_module rv_sql_events_module;

/* --- showing values --- */

void rv_sql_show_uint(sqlite3_context *out, uint64_t value);
void rv_sql_show_count(sqlite3_context *out, uint64_t value); /* 0 is NULL */
void rv_sql_show_bool(sqlite3_context *out, bool value);
void rv_sql_show_text(sqlite3_context *out, rv_bytes text); /* empty is NULL */
void rv_sql_show_id(sqlite3_context *out, const uint8_t *id);
void rv_sql_show_time(sqlite3_context *out, int64_t unix_us);

/* Shows as JSON what `write` writes of `of`; NULL where it writes nothing. `len` is a guess. */
typedef void (*rv_sql_write)(const void *of, rv_writer *w);
void rv_sql_show_written(sqlite3_context *out, rv_sql_write write, const void *of, size_t len);

/* Shows the data of an event, encoded as the event type says. */
void rv_sql_show_data(sqlite3_context *out, const rv_event_type *type, rv_bytes data);

#endif
