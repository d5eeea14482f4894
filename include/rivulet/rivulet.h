/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rivulet: an event-sourcing database as a library. An append-only log of typed events, aggregates
 * that are folded from them, SQL over the aggregates, and subscriptions.
 *
 *     #include <rivulet/directory.h>
 *
 *     rv_db *db;
 *     rv_error err;
 *     if (rv_db_open_directory("bank.rv", NULL, &db, &err) != RV_OK) { puts(err.detail); … }
 *     rv_db_event event;
 *     rv_append append = {.path = rv_text("/accounts/1"), .type = rv_text("money_deposited"),
 *                         .data = rv_text("{\"amount\": 100}")};
 *     if (rv_db_append(db, &append, 1, &event, &err) == RV_OK) …
 *     rv_db_close_directory(db, &err);
 *
 * Two ways to use it
 *
 * - Over a directory (rivulet/directory.h). Every call does its work before it returns; RV_PENDING
 *   below does not occur, and RV_BUSY only where too much is open at once.
 * - Over a host of your own (rivulet/host.h): storage, clock and entropy are functions that you
 *   give, and the library never waits. A call that needs the storage answers RV_PENDING; poll
 *   (rv_db_poll) until your host's operation has finished, and make the same call again: what was
 *   not done changed nothing.
 *
 * What holds for all of it
 *
 * - Memory. A database works in the block of memory that it is given, and takes none from the
 *   system after it is open (SQLite's few words of process-wide variables aside). What is full
 *   is an error with a name, and nothing has changed.
 * - Threads. A database belongs to one thread at a time, but for rv_db_interrupt. Databases with
 *   SQL share variables of SQLite: in one process all of them belong to one thread at a time.
 * - Borrowed bytes. An rv_bytes that a call gives is valid until the next call with the same
 *   database, unless its comment says longer.
 * - Text is UTF-8 without NUL. Times are microseconds since 1970-01-01 UTC.
 * - Errors are values: rivulet/status.h has all of them, rivulet/error.h what comes with one.
 *   After any error the database is as it was before the call, but for a write that the storage
 *   failed over a directory (RV_STORAGE_FAILED, RV_STORAGE_FULL where it shows only then): whether
 *   it counts is known when the database has been opened again. With event ids it can be made
 *   again safely: what counted is answered with its first result.
 * - A pointer that is NULL where its comment does not allow it, a database that is not open, and
 *   a handle that was closed are bugs of the caller: an assertion ends the process.
 */
#ifndef RIVULET_RIVULET_H
#define RIVULET_RIVULET_H

#include "rivulet/append.h"
#include "rivulet/error.h"
#include "rivulet/export.h"
#include "rivulet/host.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; rv_db_version() is that of the library. */
#define RV_VERSION_TEXT "0.1.0"

/* "0.1.0". Never NULL. */
RV_API const char *rv_db_version(void);

/* A C string as bytes, without its NUL; borrowed. */
static inline rv_bytes rv_text(const char *text) {
    rv_bytes bytes;
    bytes.ptr = (const uint8_t *)text;
    bytes.len = strlen(text);
    return bytes;
}

/* Where a call writes text of any length: `cap` bytes at `ptr`, of which it fills `len`. There is
 * no NUL at the end. */
typedef struct rv_buffer {
    uint8_t *ptr;
    size_t cap;
    size_t len;
} rv_buffer;

/* --- life --- */

typedef struct rv_db rv_db;

typedef struct rv_db_options {
    rv_host host;
    void *memory;             /* aligned for any object; the database's until it is closed */
    size_t memory_size;       /* bytes: at least RV_DB_MEMORY_MIN */
    bool without_sql;         /* no memory for queries: rv_db_query answers RV_UNSUPPORTED */
    uint64_t query_steps_max; /* of SQLite's machine, for one query; 0: no limit */
} rv_db_options;

/* The least memory, with SQL and without. */
#define RV_DB_MEMORY_MIN             ((size_t)29 << 18) /* 7.25 MiB */
#define RV_DB_MEMORY_WITHOUT_SQL_MIN ((size_t)5 << 20)

/* Divides the memory and starts nothing. RV_MEMORY_EXHAUSTED: it is too little. */
RV_API RV_MUST_USE rv_status rv_db_create(rv_db **db, const rv_db_options *options, rv_error *err);

/*
 * Opens what the host's storage holds, or makes a new log where it holds nothing.
 * RV_PENDING: poll, call again. RV_OK: open.
 * RV_DATA_DAMAGED: open for reading, up to the damage, which `err` names ("file", "offset",
 * "sequence"); every append answers RV_READ_ONLY.
 * RV_PANICKED: the same, before an event that has stopped this program again and again.
 * Not open, and to be forgotten: RV_STATE_FULL (the memory is too little for the rows),
 * RV_DATA_NEWER (a later version wrote it), RV_DATA_NOT_WRITABLE, RV_STORAGE_FULL,
 * RV_STORAGE_FAILED.
 */
RV_API RV_MUST_USE rv_status rv_db_open(rv_db *db, rv_error *err);

/* Takes what the host has finished, and goes on with writing and flushing. To be called when an
 * operation of the host has finished, and after appends. RV_OK; or why the database is read-only
 * since a write or a flush failed, each time: RV_STORAGE_FAILED, RV_STORAGE_FULL,
 * RV_DATA_NOT_WRITABLE, RV_DATA_EXISTS. */
RV_API RV_MUST_USE rv_status rv_db_poll(rv_db *db, rv_error *err);

/* Flushes, seals the log and lets go of the host. RV_PENDING: poll, call again. RV_END: closed; the
 * memory is the caller's again. RV_STORAGE_FAILED: closed as well, and what was not durable may be
 * lost. Feeds and queries are closed with it. */
RV_API RV_MUST_USE rv_status rv_db_close(rv_db *db, rv_error *err);

/* --- facts --- */

typedef struct rv_db_facts {
    bool root;         /* accepts and numbers events itself; else it holds a part of a log */
    bool read_only;    /* damaged, or a write or flush has failed */
    uint64_t position; /* of the last event, in memory; of a part: up to which it is whole */
    uint64_t position_durable; /* the same, flushed */
    uint64_t sequence;         /* of this log's last event, in memory */
    uint64_t sequence_durable; /* the same, flushed */
    uint32_t schema_version;   /* number of schema changes */
    uint64_t log_bytes;        /* on disk */
    uint32_t log_segments;
    uint64_t memory_rows;      /* bytes that rows and indexes can take, */
    uint64_t memory_rows_used; /* and take */
} rv_db_facts;

RV_API void rv_db_facts_of(const rv_db *db, rv_db_facts *facts);

/* Why the database is read-only; RV_OK when it is not. */
RV_API rv_status rv_db_failed(const rv_db *db, rv_error *err);

/* 16 bytes that are equal in two databases exactly when they hold the same confirmed state, on all
 * platforms (docs/format/state-hash.md). Costs what has changed since it was last asked for. */
RV_API void rv_db_state_hash(rv_db *db, uint8_t *hash);

/* --- events --- */

/* An event of the log. Its bytes are borrowed until the next call with the database, except those
 * that read this event (rv_db_event_…). */
typedef struct rv_db_event {
    uint64_t sequence;       /* in this database's own log: the cursor of feeds */
    uint64_t position;       /* in the root's log */
    uint64_t version;        /* in its stream: 1, 2, 3 … */
    uint32_t schema_version; /* that it was written under */
    rv_bytes path;
    rv_bytes type;
    rv_bytes metadata; /* a JSON object, or empty */
    uint8_t event_id[16];
    int64_t written_at;
    int64_t recorded_at;
    bool batch_end;   /* the last of its atomic batch */
    rv_bytes encoded; /* the data, as docs/format/event.md has it */
    uint64_t
        edge_sequence; /* at an edge, of an event that waits: its batch in the outbox; else 0 */
    uint16_t type_number;
} rv_db_event;

/* --- schema --- */

/* Adds what `text` declares, as an event with a position, in `event` if that is not NULL. At an
 * edge that has not met its upstream yet, for as long as that lasts: what is written under it
 * waits, and is pushed when the root's schema has its event types; `event` is all zeros.
 * RV_PENDING, RV_BUSY; RV_SCHEMA_SYNTAX, RV_SCHEMA_INVALID, RV_SCHEMA_AMBIGUOUS,
 * RV_SCHEMA_DUPLICATE, RV_SCHEMA_UNKNOWN_NAME, RV_SCHEMA_TOO_LARGE, RV_EXPRESSION_TYPE,
 * RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE, RV_VALUE_TOO_LONG, RV_UNSUPPORTED: with facts "line",
 * "column", "met" and, where there is one, "expected". RV_READ_ONLY, RV_NOT_ROOT, RV_CLOSING,
 * RV_STATE_FULL, RV_STORAGE_FULL. */
RV_API RV_MUST_USE rv_status rv_db_schema_apply(rv_db *db, rv_bytes text, rv_db_event *event,
                                                rv_error *err);

/* What would rv_db_schema_apply say of `text`? Changes nothing. */
RV_API RV_MUST_USE rv_status rv_db_schema_check(rv_db *db, rv_bytes text, rv_error *err);

/* Writes the whole schema as text that, applied to an empty database, makes the same schema.
 * RV_MEMORY_EXHAUSTED: the buffer is too small. */
RV_API RV_MUST_USE rv_status rv_db_schema_print(const rv_db *db, rv_buffer *out);

/* --- appending --- */

/*
 * Appends `count` events as one atomic batch: each is completed (defaults, keys, times), then
 * judged in order; one refusal refuses all of them, with the fact "index". `events`, if not NULL,
 * gets the events as accepted.
 *
 * At an edge they are written to its outbox (rivulet/outbox.h): position 0, durable once
 * rv_db_outbox.durable has reached their edge sequence, decided by the root later. Then there are
 * also RV_OUTBOX_FULL, RV_NO_KEYS, RV_NOT_CONNECTED (it never met its upstream).
 *
 * RV_OK: in memory, and folded; durable once rv_db_facts.sequence_durable has reached the last
 * one's sequence, which over a directory it has. The same event ids with the same content again
 * give the first result.
 *
 * RV_PENDING, RV_BUSY: poll, call again with the same.
 * The request: RV_JSON_INVALID, RV_PATH_INVALID, RV_UNKNOWN_STREAM, RV_UNKNOWN_EVENT_TYPE,
 * RV_EVENT_TYPE_NOT_ADMITTED, RV_UNKNOWN_FIELD, RV_KEY_MISMATCH, RV_VALUE_INVALID,
 * RV_VALUE_OUT_OF_RANGE, RV_VALUE_TOO_LONG, RV_EVENT_TOO_LARGE, RV_BATCH_TOO_LARGE.
 * What the rows say: RV_NOT_NULL_VIOLATION, RV_CHECK_VIOLATION, RV_ROW_EXISTS,
 * RV_UNKNOWN_REFERENCE, RV_ROW_OF_OTHER_STREAM, RV_ROW_REFERENCED, RV_DIVISION_BY_ZERO,
 * RV_EXPRESSION_LIMIT; with facts "aggregate", "key", "column", "value", "field" as they apply.
 * RV_VERSION_CONFLICT ("expected", "actual"), RV_EVENT_ID_REUSED.
 * The node: RV_NOT_ROOT, RV_READ_ONLY, RV_CLOSING, RV_STATE_FULL, RV_MEMORY_EXHAUSTED,
 * RV_STORAGE_FULL; over a directory also RV_STORAGE_FAILED, RV_DATA_NOT_WRITABLE, RV_DATA_EXISTS.
 */
RV_API RV_MUST_USE rv_status rv_db_append(rv_db *db, const rv_append *appends, size_t count,
                                          rv_db_event *events, rv_error *err);

/* Writes the event as a JSON object: position, path, version, type, schema_version, event_id,
 * recorded_at, data, metadata. RV_MEMORY_EXHAUSTED: the buffer is too small. */
RV_API RV_MUST_USE rv_status rv_db_event_json(const rv_db *db, const rv_db_event *event,
                                              rv_buffer *out);

/* Writes only its data. */
RV_API RV_MUST_USE rv_status rv_db_event_data_json(const rv_db *db, const rv_db_event *event,
                                                   rv_buffer *out);

/* The version of the stream with this concrete path: that of its last event; 0 if it has none. */
RV_API uint64_t rv_db_stream_version(const rv_db *db, rv_bytes path);

/* --- values --- */

typedef enum rv_datum_kind {
    RV_DATUM_NULL,
    RV_DATUM_BOOLEAN, /* `integer` is 0 or 1 */
    RV_DATUM_INTEGER, /* smallint, integer, bigint and serials: `integer` */
    RV_DATUM_REAL,    /* real, double precision: `real` */
    RV_DATUM_BYTES,   /* bytea: `bytes` */
    RV_DATUM_TEXT     /* all other types, in the text form that PostgreSQL gives them: `bytes` */
} rv_datum_kind;

typedef struct rv_datum {
    rv_datum_kind kind;
    int64_t integer;
    double real;
    rv_bytes bytes;
} rv_datum;

/* A field of an event by its name. RV_UNKNOWN_FIELD; RV_MEMORY_EXHAUSTED: its text form is longer
 * than the database's memory for one. */
RV_API RV_MUST_USE rv_status rv_db_event_field(rv_db *db, const rv_db_event *event, rv_bytes name,
                                               rv_datum *datum, rv_error *err);

/* --- feeds: history, then what comes --- */

/*
 * A feed yields the durable events of the streams that its patterns match, each once, in order of
 * sequence, from a sequence on; then, as they become durable, those that are appended. It has no
 * buffer: nothing is lost and nothing is kept back by a reader that is slow.
 *
 *     rv_db_feed *feed;
 *     rv_bytes pattern = rv_text("/accounts/1");
 *     rv_db_feed_open(db, &pattern, 1, 1, &feed, &err);
 *     while (rv_db_feed_next(feed, &event, &err) == RV_OK) { … }
 */
typedef struct rv_db_feed rv_db_feed;

/* Feeds that can be open at once. */
#define RV_DB_FEEDS_MAX 64

/* Opens a feed of what matches one of the patterns (`*` one segment, `**` the rest; without
 * patterns: everything that was declared), from the event with sequence `from` on (1 is the first;
 * the cursor that a reader keeps is the last event's sequence + 1). The patterns are copied.
 * RV_PATH_INVALID; RV_BUSY: RV_DB_FEEDS_MAX are open; RV_SELECTION_INVALID: more patterns than
 * RV_DB_FEED_PATTERNS_MAX; RV_MEMORY_EXHAUSTED: longer than RV_DB_FEED_TEXT_MAX bytes together. */
RV_API RV_MUST_USE rv_status rv_db_feed_open(rv_db *db, const rv_bytes *patterns,
                                             size_t pattern_count, uint64_t from, rv_db_feed **feed,
                                             rv_error *err);
#define RV_DB_FEED_PATTERNS_MAX 8
#define RV_DB_FEED_TEXT_MAX     2048

/*
 * Narrows a feed, before its first event, to event types, and, where `where` is not empty, to those
 * events whose fields meet the condition, which every one of the types must have. Copied.
 * RV_UNKNOWN_EVENT_TYPE; RV_SELECTION_INVALID: it is no condition over the fields of a type, with
 * facts "line" and "column"; RV_PARAMETER_INVALID: longer than RV_DB_FEED_WHERE_MAX, or without
 * types; RV_NOT_CONNECTED: an edge that has not met its upstream yet, whose events will be of its
 * root's types; RV_MEMORY_EXHAUSTED. A feed that could not be narrowed is as it was.
 */
RV_API RV_MUST_USE rv_status rv_db_feed_narrow(rv_db_feed *feed, const rv_bytes *types,
                                               size_t type_count, rv_bytes where, rv_error *err);
#define RV_DB_FEED_WHERE_MAX 512

/* Has a feed, before its first event, pass over what was recorded before the time (microseconds
 * from 1970, by the root's clock). The log is searched for it, not gone through. What is to come
 * only begins behind rv_db_facts.sequence. */
RV_API void rv_db_feed_from_time(rv_db_feed *feed, int64_t time);

/* The next event: RV_OK. RV_END: no more for now; call again after an append is durable.
 * RV_PENDING: the log is being read; poll, call again. RV_DATA_DAMAGED (with the place),
 * RV_STORAGE_FAILED, RV_BUSY. */
RV_API RV_MUST_USE rv_status rv_db_feed_next(rv_db_feed *feed, rv_db_event *event, rv_error *err);

/* The sequence to open a feed from that goes on where this one is. */
RV_API uint64_t rv_db_feed_cursor(const rv_db_feed *feed);

/* NULL is allowed. */
RV_API void rv_db_feed_close(rv_db_feed *feed);

/* --- rows --- */

typedef struct rv_db_aggregate {
    rv_bytes name;
    uint16_t number;
    uint16_t column_count;
    uint64_t row_count;
    bool shared;
} rv_db_aggregate;

typedef struct rv_db_column {
    rv_bytes name;
    rv_bytes type; /* as the schema language spells it */
    bool not_null;
    bool key; /* of the primary key */
} rv_db_column;

/* A row; a small value to be copied. Valid until the next append. */
typedef struct rv_db_row {
    uint16_t aggregate;
    uint64_t place;
} rv_db_row;

/* Aggregates are numbered 0, 1, 2 … in order of declaration. */
RV_API uint16_t rv_db_aggregate_count(const rv_db *db);

/* By number, below the count. */
RV_API void rv_db_aggregate_at(const rv_db *db, uint16_t number, rv_db_aggregate *aggregate);

/* By name. RV_UNKNOWN_AGGREGATE. */
RV_API RV_MUST_USE rv_status rv_db_aggregate_named(const rv_db *db, rv_bytes name,
                                                   rv_db_aggregate *aggregate, rv_error *err);

/* A column, by number below the aggregate's count; in order of declaration. */
RV_API void rv_db_column_at(rv_db *db, uint16_t aggregate, uint16_t column, rv_db_column *out);

/* The row with this primary key, as text, one for each column of the key. RV_ROW_NOT_FOUND;
 * RV_PARAMETER_INVALID: another number of columns; RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE,
 * RV_VALUE_TOO_LONG: a text is none of the column's type. */
RV_API RV_MUST_USE rv_status rv_db_row_find(rv_db *db, uint16_t aggregate, const rv_bytes *key,
                                            size_t key_count, rv_db_row *row, rv_error *err);

/* Goes through the rows of an aggregate, in no order that means anything: RV_OK with the first row
 * after rv_db_row_start, then the one after `row`; RV_END after the last. */
RV_API rv_db_row rv_db_row_start(uint16_t aggregate);
RV_API RV_MUST_USE rv_status rv_db_row_next(const rv_db *db, rv_db_row *row);

/* A column of a row. RV_MEMORY_EXHAUSTED: as rv_db_event_field. */
RV_API RV_MUST_USE rv_status rv_db_row_datum(rv_db *db, rv_db_row row, uint16_t column,
                                             rv_datum *datum, rv_error *err);

/* Writes the row as a JSON object. RV_MEMORY_EXHAUSTED: the buffer is too small. */
RV_API RV_MUST_USE rv_status rv_db_row_json(rv_db *db, rv_db_row row, rv_buffer *out);

/* --- changes of rows --- */

/*
 * A feed of what becomes of the rows of an aggregate: first, if they are asked for, the rows that
 * there are, then, with no seam, each change. What is told up to RV_DB_CHANGE_STEP, applied to what
 * was told before, gives the rows of the database between two batches, at an edge with what is
 * pending. It has no buffer: a reader that is slow gets the net of several steps, or, when pages of
 * that time are not kept any more, RV_DB_CHANGE_RESET and the rows again.
 */
typedef struct rv_db_changes rv_db_changes;

/* Feeds of changes that can be open at once, and bytes of a condition. */
#define RV_DB_CHANGES_MAX      8
#define RV_DB_CHANGES_TEXT_MAX 512

typedef enum rv_db_change_kind {
    RV_DB_CHANGE_RESET,  /* what was told before counts no more; the rows follow */
    RV_DB_CHANGE_ROW,    /* a row that there is */
    RV_DB_CHANGE_INSERT, /* a row is there now */
    RV_DB_CHANGE_UPDATE, /* it says something else */
    RV_DB_CHANGE_DELETE, /* it is gone */
    RV_DB_CHANGE_ENTER,  /* the condition holds for it by now */
    RV_DB_CHANGE_LEAVE,  /* it does not any more */
    RV_DB_CHANGE_STEP    /* all that belongs together was told */
} rv_db_change_kind;

typedef struct rv_db_change {
    rv_db_change_kind kind;
    bool has_old;      /* the row as it was is there, */
    bool has_row;      /* and as it is */
    uint32_t pending;  /* batches at an edge that were not decided then, and that rows show */
    uint64_t position; /* that the rows have reached: of one step the one that caused it */
} rv_db_change;

/* Opens a feed. `where`: a condition over the columns, or empty; it is copied. `rows`: the rows
 * that there are come first, after RV_DB_CHANGE_RESET. RV_SELECTION_INVALID: it is no condition;
 * RV_BUSY: RV_DB_CHANGES_MAX are open; RV_PARAMETER_INVALID: it has more than
 * RV_DB_CHANGES_TEXT_MAX bytes; RV_MEMORY_EXHAUSTED: compiled it does not fit the memory for one
 * answer. */
RV_API RV_MUST_USE rv_status rv_db_changes_open(rv_db *db, uint16_t aggregate, rv_bytes where,
                                                bool rows, rv_db_changes **changes, rv_error *err);

/* The next change: RV_OK. RV_END: no more for now; call again after an append, or a poll of an
 * edge. RV_MEMORY_EXHAUSTED: a row is longer than the memory for one answer. */
RV_API RV_MUST_USE rv_status rv_db_changes_next(rv_db_changes *changes, rv_db_change *change,
                                                rv_error *err);

/* A column of the row of the last change, as it is, or with `old` as it was, which is there. Before
 * any other call on the database but these two. RV_MEMORY_EXHAUSTED: as rv_db_event_field. */
RV_API RV_MUST_USE rv_status rv_db_changes_datum(rv_db_changes *changes, bool old, uint16_t column,
                                                 rv_datum *datum, rv_error *err);

/* Writes that row as a JSON object. RV_MEMORY_EXHAUSTED: the buffer is too small. */
RV_API RV_MUST_USE rv_status rv_db_changes_json(rv_db_changes *changes, bool old, rv_buffer *out);

/* NULL is allowed. */
RV_API void rv_db_changes_close(rv_db_changes *changes);

/* --- SQL --- */

typedef struct rv_db_query rv_db_query;

/*
 * Compiles one SELECT and binds `parameters` (a JSON array for `?`, or empty). Its rows are those
 * of one position: what is appended after the first of them ends it with RV_SNAPSHOT_EXPIRED.
 * RV_SQL_INVALID (fact "offset"), RV_SQL_READ_ONLY, RV_SQL_LIMIT, RV_JSON_INVALID,
 * RV_PARAMETER_INVALID, RV_MEMORY_EXHAUSTED, RV_BUSY (too many are open), RV_UNSUPPORTED (the
 * database is without SQL).
 */
RV_API RV_MUST_USE rv_status rv_db_query_open(rv_db *db, rv_bytes sql, rv_bytes parameters,
                                              rv_db_query **query, rv_error *err);

/* The next row: RV_OK; RV_END after the last; RV_PENDING where it reads rv_events.
 * RV_SQL_LIMIT, RV_SQL_INVALID, RV_MEMORY_EXHAUSTED, RV_SNAPSHOT_EXPIRED, RV_INTERRUPTED,
 * RV_DATA_DAMAGED and RV_STORAGE_FAILED end the query. */
RV_API RV_MUST_USE rv_status rv_db_query_next(rv_db_query *query, rv_error *err);

/* Writes the columns, `[{"name":…,"type":…},…]`, or after RV_OK the row, as a JSON array.
 * RV_MEMORY_EXHAUSTED: the buffer is too small. */
RV_API RV_MUST_USE rv_status rv_db_query_columns_json(const rv_db_query *query, rv_buffer *out);
RV_API RV_MUST_USE rv_status rv_db_query_row_json(const rv_db_query *query, rv_buffer *out);

/*
 * Ends the queries that are open: a rv_db_query_next that is under way, and the next one of each
 * other, answer RV_INTERRUPTED. What is opened later is not concerned. The one call that another
 * thread, or a handler of a signal, may make at any time between rv_db_create and rv_db_close.
 */
RV_API void rv_db_interrupt(rv_db *db);

/* NULL is allowed. */
RV_API void rv_db_query_close(rv_db_query *query);

/* --- live queries --- */

/*
 * A query whose result is given again when it has become another one: by appends, and at an edge by
 * what is decided or taken back. A result is of one moment, between two batches, with what is
 * pending; a reader that is slow misses some in between, never the last one. Asking costs next to
 * nothing while no row that the result was made of has changed; else the query is kept up by what
 * has changed or runs again, as `EXPLAIN READS` before it says.
 *
 *     rv_db_live *live;
 *     rv_db_live_open(db, rv_text("SELECT count(*) FROM account"), rv_text(""), &live, &err);
 *     for (;;) {
 *         if (rv_db_live_next(live, &out, &err) == RV_OK) { … the result is another one … }
 *         …
 */
typedef struct rv_db_live rv_db_live;

/* Live queries that can be open at once, and bytes of one with its parameters: of all together so
 * many, of which each takes whole RV_DB_LIVE_TEXT_BLOCK. There is room for one that is as long as
 * can be beside short ones, at least. */
#define RV_DB_LIVE_MAX        16
#define RV_DB_LIVE_TEXT_MAX   16384
#define RV_DB_LIVE_TEXT_BLOCK 2048
#define RV_DB_LIVE_TEXTS      49152

/* Opens one, and compiles it once to see that it is right. The texts are copied. The statuses of
 * rv_db_query_open; RV_BUSY: RV_DB_LIVE_MAX are open; RV_SQL_LIMIT: longer than
 * RV_DB_LIVE_TEXT_MAX; RV_MEMORY_EXHAUSTED, too: others have taken RV_DB_LIVE_TEXTS. */
RV_API RV_MUST_USE rv_status rv_db_live_open(rv_db *db, rv_bytes sql, rv_bytes parameters,
                                             rv_db_live **live, rv_error *err);

/*
 * The result, if it is another one than that which was given last: RV_OK, and `out` has it,
 * `{"columns":[{"name":…,"type":…},…],"rows":[[…],…]}`. RV_END: it is as it was; ask again after an
 * append. RV_PENDING: it reads rv_events, which waits for the disk: poll, and call again with the
 * same buffer as it is. RV_MEMORY_EXHAUSTED: the buffer is too small; the next call tells it. The
 * failures of rv_db_query_next, after which it may be asked again.
 */
RV_API RV_MUST_USE rv_status rv_db_live_next(rv_db_live *live, rv_buffer *out, rv_error *err);

/* NULL is allowed. */
RV_API void rv_db_live_close(rv_db_live *live);

/* --- the past: rows, and SQL over them --- */

/* The state as it was, folded from the log up to a place, in memory of its own. A database may have
 * several; all are to be closed before it is. */
typedef struct rv_db_past rv_db_past;

#define RV_DB_PAST_MEMORY_MIN ((size_t)8 << 20)

/* Starts nothing. `memory`, aligned for any object, is the past's until it is closed; it takes rows
 * as the database's own memory does. RV_MEMORY_EXHAUSTED: it is less than the least;
 * RV_UNSUPPORTED: the database is without SQL. */
RV_API RV_MUST_USE rv_status rv_db_past_open(rv_db *db, void *memory, size_t memory_size,
                                             rv_db_past **past, rv_error *err);

/* A position: behind its event; or a time: behind the last event that the root had recorded by
 * then. */
typedef struct rv_db_place {
    uint64_t position;
    bool by_time;
    int64_t time; /* microseconds from 1970 */
} rv_db_place;

/*
 * Goes there, and closes its queries over the place where it was. A later place goes on from an
 * earlier one. RV_PENDING: poll, then again with the same.
 * RV_PARAMETER_INVALID: the database has no such position yet (facts "position", "watermark").
 * RV_HISTORY_GONE: an edge did not hold its selection then, or has purged what it held.
 * RV_STATE_FULL, RV_MEMORY_EXHAUSTED: the rows, or the schema, of then do not fit the memory.
 * RV_DATA_DAMAGED, RV_STORAGE_FAILED, RV_READ_ONLY (the database failed before that was durable).
 */
RV_API RV_MUST_USE rv_status rv_db_past_reach(rv_db_past *past, const rv_db_place *place,
                                              rv_error *err);

/* The position that was reached. */
RV_API uint64_t rv_db_past_position(const rv_db_past *past);

/*
 * The confirmed rows of then: as rv_db_row_find, rv_db_row_next after rv_db_row_start, and so on,
 * once a place was reached; a row is valid until another place is asked for. Aggregates have the
 * numbers that they have now; RV_UNKNOWN_AGGREGATE: it was not declared yet, and has no rows.
 */
RV_API RV_MUST_USE rv_status rv_db_past_row_find(rv_db_past *past, uint16_t aggregate,
                                                 const rv_bytes *key, size_t key_count,
                                                 rv_db_row *row, rv_error *err);
RV_API RV_MUST_USE rv_status rv_db_past_row_next(const rv_db_past *past, rv_db_row *row);
RV_API RV_MUST_USE rv_status rv_db_past_row_datum(rv_db_past *past, rv_db_row row, uint16_t column,
                                                  rv_datum *datum, rv_error *err);
RV_API RV_MUST_USE rv_status rv_db_past_row_json(rv_db_past *past, rv_db_row row, rv_buffer *out);

/* As rv_db_query_open, over the confirmed rows of then, without system tables. RV_PARAMETER_INVALID
 * also when no place is reached. */
RV_API RV_MUST_USE rv_status rv_db_past_query_open(rv_db_past *past, rv_bytes sql,
                                                   rv_bytes parameters, rv_db_query **query,
                                                   rv_error *err);

/* Its queries are closed. NULL is allowed. */
RV_API void rv_db_past_close(rv_db_past *past);

#ifdef __cplusplus
}
#endif

#endif
