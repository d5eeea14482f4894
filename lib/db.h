/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a database of the C interface (include/rivulet/rivulet.h), for the files of this
 * folder: a node, SQL beside it, and what the interface keeps of its own.
 *
 *     db.c         life and facts        append.c  schema and appends     feed.c   feeds
 *     datum.c      values, events        row.c     aggregates and rows    query.c  SQL
 *     changes.c    what becomes of rows       live.c    live queries
 *     past.c       rows and SQL of the past
 *     directory.c  over a directory: memory, host, and calls that do not return before they are
 * done
 */
#ifndef RV_LIB_DB_H
#define RV_LIB_DB_H

#include "core/engine/as_of.h"
#include "core/engine/outbox.h"
#include "core/live/follower.h"
#include "core/live/row_feed.h"
#include "core/live/subscription.h"
#include "rivulet/rivulet.h"
#include "sql/sql.h"

#define RV_DB_QUERIES_MAX 8

/* `query` is NULL when it is free. */
struct rv_db_query {
    rv_db *db;
    rv_sql_query *query;
    const rv_db_past *past; /* NULL: it is of now */
};

struct rv_db_past {
    rv_db *db;
    rv_as_of *as_of;
    rv_arena sql_arena; /* empty: SQL is made in it for each place */
    size_t sql_memory;
    rv_sql *sql; /* NULL: no place is reached */
};

/* `db` is NULL when it is free. */
struct rv_db_feed {
    rv_db *db;
    rv_subscription subscription;
    size_t pattern_count;
    rv_path_pattern patterns[RV_DB_FEED_PATTERNS_MAX];
    uint8_t text[RV_DB_FEED_TEXT_MAX]; /* of the patterns */
    int64_t time;                      /* what was recorded before is passed over */
    bool by_type;                      /* only these types: */
    uint64_t types[RV_EVENT_TYPES_MAX / 64u];
    size_t where_len;
    uint8_t where[RV_DB_FEED_WHERE_MAX];
};

/* `db` is NULL when it is free. */
struct rv_db_changes {
    rv_db *db;
    rv_row_feed feed;
    const rv_value *values[2]; /* of the last change: the row as it was, and as it is */
    size_t where_len;
    uint8_t where[RV_DB_CHANGES_TEXT_MAX];
};

/* `db` is NULL when it is free. */
struct rv_db_live {
    rv_db *db;
    rv_sql_query *query;  /* that runs, and waits; else NULL: */
    uint64_t rows;        /* so many were written */
    bool told;            /* a result was, */
    rv_hash128 hash;      /* this one; */
    bool given;           /* the last that was asked for stands: */
    bool system;          /* it was made of system tables, too, */
    uint64_t moves;       /* when all that has no rows stood here, */
    rv_follower follower; /* and of these rows */
    rv_sql_upkeep upkeep; /* what keeps it up */
    size_t sql_len;
    size_t parameters_len;
    uint32_t block; /* the first of those that its text has, side by side */
    uint32_t block_count;
};

#define RV_DB_LIVE_BLOCKS (RV_DB_LIVE_TEXTS / RV_DB_LIVE_TEXT_BLOCK)

struct rv_db {
    rv_node *node;
    rv_sql *sql;            /* NULL without */
    rv_arena rest;          /* what the node did not get: SQL and scratch, once it is open */
    rv_arena scratch;       /* the text of one answer; emptied when the next is asked for */
    size_t sql_memory;      /* 0 without */
    uint64_t sql_steps;     /* of one query */
    uint32_t interrupts;    /* of queries, counted by any thread, atomically */
    bool waits;             /* calls wait: the host answers all at once */
    struct rv_posix *posix; /* directory.c */
    void *mapped;           /* the same: the memory, */
    size_t mapped_size;     /* and how much of it */
    rv_db_query queries[RV_DB_QUERIES_MAX];
    rv_db_feed feeds[RV_DB_FEEDS_MAX];
    rv_moments moments; /* of feeds of changes, and of live queries that are kept up */
    rv_db_changes changes[RV_DB_CHANGES_MAX];
    rv_touches touches; /* what live queries are compared with */
    rv_db_live lives[RV_DB_LIVE_MAX];
    bool live_blocks[RV_DB_LIVE_BLOCKS]; /* which are somebody's */
    uint8_t live_texts[RV_DB_LIVE_TEXTS];
    rv_value values[RV_FIELDS_MAX]; /* of the event that is read */
};

/* Polls, where the call may wait and the answer was "not yet"; false: give the answer. */
bool rv_db_again(rv_db *db, rv_status status);

/* An append, or a command's, at an edge: `results` has room for the events. As rv_db_append. */
RV_MUST_USE rv_status rv_db_write(rv_db *db, const rv_command *command, const rv_append *appends,
                                  size_t count, rv_event *results, rv_db_event *events,
                                  rv_error *err);

/* rv_db_query_open, over this; `past`: which it is of. */
RV_MUST_USE rv_status rv_db_query_over(rv_db *db, rv_sql *sql, const rv_db_past *past,
                                       rv_bytes text, rv_bytes parameters, rv_db_query **query,
                                       rv_error *err);

/* A state that rows are read from, and its schema; `db` lends its scratch. */
typedef struct rv_db_rows {
    rv_db *db;
    const rv_schema *schema;
    rv_state *state;
} rv_db_rows;

/* As rv_db_row_find, and so on; the aggregate is one of the schema. */
RV_MUST_USE rv_status rv_db_rows_find(const rv_db_rows *of, uint16_t aggregate, const rv_bytes *key,
                                      size_t key_count, rv_db_row *row, rv_error *err);
RV_MUST_USE rv_status rv_db_rows_next(const rv_db_rows *of, rv_db_row *row);
RV_MUST_USE rv_status rv_db_rows_datum(const rv_db_rows *of, rv_db_row row, uint16_t column,
                                       rv_datum *datum, rv_error *err);
RV_MUST_USE rv_status rv_db_rows_json(const rv_db_rows *of, rv_db_row row, rv_buffer *out);

/* Describes an event of the node. */
void rv_db_event_of(const rv_db *db, const rv_event *event, rv_bytes path, rv_db_event *out);

/* A value of a type; its text form is written into scratch. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_db_datum_of(rv_db *db, const rv_type *type, const rv_value *value,
                                     rv_datum *datum, rv_error *err);

/* A writer over a caller's buffer, and what became of it: RV_OK or RV_MEMORY_EXHAUSTED. */
static inline rv_writer rv_db_writer(const rv_buffer *out) {
    return rv_writer_over(out->ptr, out->cap);
}
RV_MUST_USE static inline rv_status rv_db_written(const rv_writer *w, rv_buffer *out) {
    out->len = w->len;
    return w->full ? RV_MEMORY_EXHAUSTED : RV_OK;
}

#endif
