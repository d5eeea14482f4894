/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this floor know of each other: the connection and its queries.
 */
#ifndef RV_SQL_CONNECTION_H
#define RV_SQL_CONNECTION_H

#include "sql/sql.h"
#include "sql/sqlite.h"
#include "sql/tally.h"
#include "sql/upkeep.h"

/* Queries that can be open at once: live queries keep none open, so few are. */
#define RV_SQL_QUERIES_MAX 16u

/* How often a query begins again where rows change while it runs, and from which time on it lets
 * nobody else have a turn but where it waits for the disk. */
#define RV_SQL_AGAIN_MAX    16u
#define RV_SQL_AGAIN_SLICED 3u

/* Which part of the memory statements may take that are kept (1/32: some ten in the smallest). */
#define RV_SQL_KEPT_PART 32u

/* Bytes of one statement: what a person writes, with room for lists that a program fills in. */
#define RV_SQL_TEXT_MAX (1u << 20)

/* Where EXPLAIN READS is in what it lists (explain.c). */
typedef struct rv_sql_line {
    bool begun;
    bool system; /* system tables, last */
    uint16_t aggregate;
    uint16_t part;
} rv_sql_line;

/*
 * A place for a query. The statement of one that has ended well stays in it, reset and without
 * parameters, until its text comes again or the place is needed (kept.c).
 *
 *     empty --prepare--> open --finish--> kept --prepare of the same text--> open
 *       ^                 |                 |
 *       +--- finish of what failed ---------+--- what it was compiled for has changed, or room
 */
struct rv_sql_query {
    rv_sql *sql;
    sqlite3_stmt *statement; /* NULL: the place is empty */
    bool open;               /* a caller has it; false with a statement: that is kept */
    rv_status ended;         /* RV_OK while rows may come; then what rv_sql_step answers */
    uint64_t steps;          /* of SQLite's machine so far, */
    uint64_t slice;          /* and since others had their turn */
    bool sliced;             /* it was stopped for that; it would go on at once */
    uint32_t again;          /* how often it began again */
    bool begun;              /* a step was made since it began, */
    uint64_t rows;           /* and it has given so many */
    uint64_t rows_max;       /* it may give; 0: any number */
    uint32_t interrupts;     /* that there had been when it was opened */
    bool reads_rows;         /* a cursor stands in what rv_node_revision tells of */
    uint64_t revision;       /* of the node when it began, */
    uint64_t events_until;   /* and the last sequence that was durable */
    int column_count;
    uint64_t uses[RV_AGGREGATES_MAX / 64]; /* aggregates that it reads (bits) */
    bool uses_system;                      /* it reads a system table */
    bool explains;                         /* EXPLAIN READS: not its rows are shown, but reads, */
    bool lists;                            /* which it does by now: it has run */
    bool own_reads;                        /* they lie in SQLite's memory */
    rv_sql_line line;
    rv_sql_mode mode;
    rv_sql_mode compiled;     /* what the statement is; another one where a run is to follow */
    uint16_t narrowed;        /* of KEPT: the aggregate, else RV_NONE */
    rv_sql_shape shape;       /* unless the mode is PLAIN */
    rv_sql_upkeep *upkeep;    /* that it is run with; NULL: it is asked for once */
    rv_sql_upkeep own_upkeep; /* EXPLAIN READS has one */
    rv_sql_run run;
    rv_reads *reads;       /* where what it reads is noted; NULL: nowhere */
    const rv_type **types; /* of each result column; NULL: by each value */
    size_t text_len;       /* of the statement, as SQLite has it */
    uint32_t memory;       /* granules of the heap that it takes, about */
    uint32_t growth;       /* of what it reads, when it was compiled */
    uint64_t finished;     /* the how manieth it was to be kept */
};

struct rv_sql {
    rv_sql_context context;
    const rv_schema *schema;
    rv_state *state;
    rv_node *node; /* NULL: no system tables */
    sqlite3 *db;
    size_t memory;
    uint64_t steps_max;         /* 0: none */
    uint64_t steps_slice;       /* 0: none */
    const uint32_t *interrupts; /* NULL: there never are any */
    uint32_t rewinds;           /* of the node, when it was connected */
    uint32_t steps_stride;      /* steps between two looks at the limits */
    uint32_t upkeep_steps;      /* over a part of an index: with fewer it is not kept up */
    uint16_t tables;            /* aggregates that SQLite knows of */
    rv_sql_query *running;      /* counts the steps; NULL while compiling */
    bool reads;                 /* the statement that is being compiled is a SELECT */
    uint64_t uses[RV_AGGREGATES_MAX / 64]; /* aggregates (bits) that it reads */
    bool uses_system;                      /* it reads a system table */
    bool refused;                          /* it would do something else */
    size_t skipped;                        /* bytes before the text that SQLite has */
    const char *function;                  /* it calls this one, which queries may not */
    uint16_t narrowed;      /* compiled over few rows of this aggregate, or RV_NONE */
    rv_sql_upkeep *upkeeps; /* those that have memory */
    rv_sql_function functions[RV_SQL_TALLY_OPS];
    rv_error failure;  /* of the step under way, in the log */
    uint64_t finished; /* queries whose statements were kept */
    rv_sql_query queries[RV_SQL_QUERIES_MAX];
};

/* --- table.c: aggregates as virtual tables --- */

/* Makes the aggregates known that were declared since the last call. SQLite's result code. */
int rv_sql_tables_declare(rv_sql *sql);

/* The number of the aggregate that SQLite shows under the name, in any case; RV_NONE: none. */
uint16_t rv_sql_tables_named(const rv_sql *sql, rv_bytes name);

/* The number of the aggregate that a table shows. */
uint16_t rv_sql_table_aggregate(const sqlite3_vtab *table);

/* The type of the column that a declared type (sqlite3_column_decltype; may be NULL) stands for;
 * NULL when it is none of ours. */
const rv_type *rv_sql_tables_type(const rv_sql *sql, const char *declared);

/* --- kept.c: statements of queries that have ended, for those that come --- */

/* The place of the text's statement of a mode, which is open now, with nothing but what it was
 * compiled to; NULL: there is none, or it would be compiled otherwise today. */
rv_sql_query *rv_sql_kept_take(rv_sql *sql, rv_bytes text, rv_sql_mode mode);

/* An empty place, for which the statement that was not used for longest may have to go; NULL: all
 * are open. */
rv_sql_query *rv_sql_kept_make_room(rv_sql *sql);

/* Notes what a statement that was just compiled needs to be kept. `memory`: of the heap that it
 * took. */
void rv_sql_kept_note(rv_sql_query *query, uint32_t memory);

/* The query is over: its place is empty, or keeps the statement. */
void rv_sql_kept_put(rv_sql_query *query);

/* Ends all statements that are kept; false: there were none. */
bool rv_sql_kept_forget(rv_sql *sql);

/* --- guard.c: what a statement may be, and how much it may cost --- */

/* Sets the limits of a new connection and what it lets through. */
void rv_sql_guard_install(rv_sql *sql);

/* Forgets the last statement before the next is compiled. */
void rv_sql_guard_reset(rv_sql *sql);

/* How often queries were interrupted. */
static inline uint32_t rv_sql_interrupts(const rv_sql *sql) {
    return sql->interrupts == NULL ? 0 : __atomic_load_n(sql->interrupts, __ATOMIC_RELAXED);
}

/* The running query has done so many steps in one go, outside of SQLite's machine. SQLITE_OK, or
 * SQLITE_INTERRUPT: it is to end. */
int rv_sql_guard_steps(rv_sql *sql, uint32_t steps);

/* True when the query has had its turn and others are to have theirs. */
bool rv_sql_guard_turn(const rv_sql_query *query);

/* Refuses by the first word what is clearly no query: RV_OK, RV_SQL_READ_ONLY. */
RV_MUST_USE rv_status rv_sql_guard_admit(rv_bytes text, rv_error *err);

/* Judges the statement that has just been compiled: RV_OK, RV_SQL_READ_ONLY. */
RV_MUST_USE rv_status rv_sql_guard_judge(const rv_sql *sql, sqlite3_stmt *statement, rv_error *err);

/* RV_OK, or RV_INTERRUPTED. */
RV_MUST_USE rv_status rv_sql_guard_interrupted(const rv_sql_query *query, rv_error *err);

/* Takes `EXPLAIN READS` off the text; false: it does not begin so. */
bool rv_sql_guard_explains(rv_bytes *text);

/* Turns SQLite's result code into a status, with its message. */
rv_status rv_sql_guard_error(const rv_sql *sql, int rc, rv_error *err);

/* --- explain.c: EXPLAIN READS --- */

/* Goes to the next line; false: there are no more. */
bool rv_sql_explain_next(rv_sql_query *query);

void rv_sql_explain_row(const rv_sql_query *query, rv_writer *w);
void rv_sql_explain_columns(rv_writer *w);

/* --- parameters.c --- */

/* Binds the elements of a JSON array. RV_JSON_INVALID, RV_PARAMETER_INVALID, RV_MEMORY_EXHAUSTED.
 */
RV_MUST_USE rv_status rv_sql_parameters_bind(rv_sql *sql, sqlite3_stmt *statement,
                                             rv_bytes parameters, rv_error *err);

#endif
