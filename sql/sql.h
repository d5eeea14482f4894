/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL over aggregates: SQLite compiles and runs SELECT statements; every aggregate is a read-only
 * virtual table over the state. Nothing is stored twice and nothing can be written.
 *
 * How types appear in SQL (docs/sql.md has the table): integers and serials as INTEGER; boolean as
 * 0 and 1; text types as TEXT; enum as its label; timestamps, dates, times and uuid as TEXT in
 * their JSON form (which sorts rightly); numeric(p, 0) as INTEGER, numeric(p<=15, s) as the nearest
 * REAL, wider as TEXT that compares as a number; bytea as BLOB; floats as REAL. A result column
 * that is a column of an aggregate is shown in that column's type.
 *
 * All rv_sql of a process must be used by one thread at a time: SQLite's own few variables are
 * shared (sql/sqlite.h).
 */
#ifndef RV_SQL_SQL_H
#define RV_SQL_SQL_H

#include "core/engine.h"
#include "core/state/reads.h"
#include "core/state/snapshots.h"

typedef struct rv_sql rv_sql;
typedef struct rv_sql_query rv_sql_query;
struct rv_sql_group;

/* In which order an aggregate is gone through: in that of storage, or of one of its indexes. */
typedef struct rv_sql_order {
    bool by_index;
    bool descending;
    uint16_t index;
} rv_sql_order;

/* Aggregates by whose changes a result is kept up. */
#define RV_SQL_UPKEEP_TABLES 4u

/*
 * What keeps a query's result up (upkeep.h), from one run to the next: the rows of the one
 * aggregate that is gone through that make it, or the groups and what is known of each. All zero
 * but for what its owner says, nothing is kept. It stays where it is until rv_sql_upkeep_end.
 */
typedef struct rv_sql_upkeep {
    rv_snapshot since; /* the owner's: a moment in which `whole` was so; none: there is none */
    bool others;       /* the owner's: something else that was read has changed since then, */
    bool joined;       /* or something that was read of what is joined */
    const char *other; /* why the query runs again; NULL: it is kept up */
    bool never;        /* and that will not change */
    bool whole;        /* what is kept is what the last run read */
    bool groups;
    bool full;          /* of rows: there may be more behind the last one */
    uint16_t aggregate; /* that is gone through, */
    uint16_t table;     /* in FROM */
    rv_sql_order order; /* in which it came */
    /* it is kept up by changes of these: this aggregate, and behind it those that are joined */
    uint16_t followed[RV_SQL_UPKEEP_TABLES];
    uint16_t followed_count;
    uint64_t schema_version; /* and how often the node had gone back */
    uint32_t count;          /* of rows or groups */
    uint32_t room;
    size_t memory; /* bytes that it has */
    uint32_t *rows;
    struct rv_sql_group **list;
    rv_sql *sql; /* whose they are; NULL: it has none */
    struct rv_sql_upkeep *next;
} rv_sql_upkeep;

/* Of a result that is kept up, for its owner: what it does not follow, which makes it run again,
 * and what is joined. */
static inline rv_reads_of rv_sql_upkeep_others(const rv_sql_upkeep *upkeep) {
    return (rv_reads_of){upkeep->followed, upkeep->followed_count, true};
}

static inline rv_reads_of rv_sql_upkeep_joined(const rv_sql_upkeep *upkeep) {
    RV_ASSERT(upkeep->followed_count > 0);
    return (rv_reads_of){upkeep->followed + 1, (uint16_t)(upkeep->followed_count - 1), false};
}

typedef struct rv_sql_options {
    const rv_schema *schema; /* may grow; new aggregates are seen by the next prepare */
    rv_state *state;
    rv_node *node;        /* theirs; NULL: there are no system tables */
    size_t memory;        /* bytes that SQLite works in, from the arena */
    uint64_t steps_max;   /* of SQLite's machine for one query: beyond is RV_SQL_LIMIT; 0: none */
    uint64_t steps_slice; /* after which rv_sql_step answers RV_PENDING; 0: none */
    /* Theirs, who may count it up on any thread, atomically: queries that are open then are
     * interrupted. NULL: nobody does. */
    const uint32_t *interrupts;
} rv_sql_options;

/* False in a build without SQL (sql/absent.c); of the functions below only rv_sql_create is then
 * called, which answers RV_UNSUPPORTED. */
bool rv_sql_present(void);

/* What SQLite is given to work in, of a budget: a 16th, 2 to 32 MiB; 0 in a build without SQL. */
static inline size_t rv_sql_memory_of(size_t budget) {
    const size_t least = (size_t)2 << 20;
    const size_t most = (size_t)32 << 20;
    const size_t share = budget / 16;
    return !rv_sql_present() ? 0 : share < least ? least : share > most ? most : share;
}

/* RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_sql_create(rv_sql **sql, const rv_sql_options *options, rv_arena *arena,
                                    rv_error *err);

/*
 * `EXPLAIN READS` before a query: in place of its rows, what it reads of which aggregate, and so
 * what a live query is run again for: columns aggregate, reads (all, keys or index), index, count
 * and then.
 *
 * Compiles one statement and binds `parameters` (a JSON array; empty for none; `?` and `?N`).
 * RV_SQL_INVALID (SQLite's message, fact "offset"), RV_SQL_READ_ONLY (anything but a SELECT, VALUES
 * or EXPLAIN), RV_SQL_LIMIT (the text is too long), RV_JSON_INVALID, RV_PARAMETER_INVALID (their
 * number, with facts "expected" and "actual"; an array or object, with fact "parameter"),
 * RV_MEMORY_EXHAUSTED, RV_BUSY (too many queries open; or an edge goes back, or has while queries
 * were open).
 */
RV_MUST_USE rv_status rv_sql_prepare(rv_sql *sql, rv_bytes text, rv_bytes parameters,
                                     rv_sql_query **query, rv_error *err);

/*
 * The same of a query that is asked for again and again, with the same text and parameters. If its
 * shape is one that can be kept up, it runs over nothing but what was kept and what has changed
 * since, where that is known. Answers are those of rv_sql_prepare, in an order that a plan may
 * have. When it has ended well, the moment in which it did is to be noted in `since` until the next
 * time.
 */
RV_MUST_USE rv_status rv_sql_prepare_live(rv_sql *sql, rv_sql_upkeep *upkeep, rv_bytes text,
                                          rv_bytes parameters, rv_sql_query **query, rv_error *err);

/* True when the query has run over what was kept, before it is finished. */
bool rv_sql_kept_up(const rv_sql_query *query);

/* Forgets it all. */
void rv_sql_upkeep_end(rv_sql_upkeep *upkeep);

/* The row behind so many (> 0) is refused, with RV_SQL_LIMIT. Before the first step. */
void rv_sql_limit_rows(rv_sql_query *query, uint64_t rows_max);

/* Writes `[{"name":…,"type":…},…]`; the type is "any" where a column is no column of an aggregate.
 */
void rv_sql_columns_to_json(const rv_sql_query *query, rv_writer *w);

/*
 * The next row: RV_OK; RV_END; RV_PENDING: it reads the log, which waits for the disk, or its slice
 * of steps is used up: poll the node, then call again. RV_SQL_LIMIT (facts "limit": `rows`,
 * `steps`, `value`, and how many may be), RV_SQL_INVALID (a run-time error), RV_MEMORY_EXHAUSTED,
 * RV_INTERRUPTED, and what reading the log may answer (rv_subscription_next): after these and
 * RV_END the query has ended.
 * Where the node's rows have changed since the last call, a query that reads them and has given no
 * row begins again by itself, as rv_sql_again; another one has ended with RV_SNAPSHOT_EXPIRED.
 * Without a node, the state must not change between the first step and finish.
 */
RV_MUST_USE rv_status rv_sql_step(rv_sql_query *query, rv_error *err);

/* True when a query was stopped only since its slice was used up: it would go on at once. */
bool rv_sql_runnable(const rv_sql *sql);

/* The next rv_sql_step begins from the start, over what there is then; the steps that were taken
 * count on. With the third time, those counted that it did so by itself, it runs without slices.
 * False, and nothing has changed: it has begun again 16 times, which is the most. */
RV_MUST_USE bool rv_sql_again(rv_sql_query *query);

/* Writes the row as a JSON array; after rv_sql_step gave RV_OK, before the node changes. */
void rv_sql_row_to_json(const rv_sql_query *query, rv_writer *w);

/* Before the first rv_sql_step: what it reads of the rows is noted in `reads`, which stays where it
 * is; with RV_END it is all that the answer is made of, beside system tables. An EXPLAIN reads all
 * of what it names: plans depend on how many rows there are. */
void rv_sql_note_reads(rv_sql_query *query, rv_reads *reads);

/* True when the query reads rows of the aggregate. */
bool rv_sql_uses(const rv_sql_query *query, uint16_t aggregate);

/* True when the query reads a system table. */
bool rv_sql_uses_system(const rv_sql_query *query);

void rv_sql_finish(rv_sql_query *query);

/* Ends everything; SQLite's memory is the arena's again. */
void rv_sql_destroy(rv_sql *sql);

#endif
