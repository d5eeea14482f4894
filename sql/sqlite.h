/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite, privately: the whole library is compiled into one unit (sql/sqlite.c) whose functions are
 * all static, so that a host program may link another SQLite. The other files of this floor call it
 * through one constant table, under the usual names: sqlite3ext.h has the macros, made for loadable
 * extensions, that turn sqlite3_step(…) into a call through the table.
 *
 * SQLite's memory functions belong to the process, not to a connection. Every rv_sql has a heap of
 * its own; rv_sql_enter says whose heap it is until rv_sql_leave. That pointer and SQLite's own few
 * variables are the only ones of this floor that change and are not in an rv_sql, so all rv_sql of
 * a process must be used by one thread at a time. SQLite itself takes no memory when it starts
 * (outside enter and leave there is none to be had), so nothing is shared between heaps.
 */
#ifndef RV_SQL_SQLITE_H
#define RV_SQL_SQLITE_H

#include "sql/heap.h"

#include <sqlite3.h>
#undef SQLITE_OMIT_LOAD_EXTENSION /* sqlite3.h has it under WASI; the macros go with it */
#include <sqlite3ext.h>

extern const sqlite3_api_routines rv_sql_routines;
#ifndef sqlite3_api
#define sqlite3_api (&rv_sql_routines)
#endif

/* The hidden column of an aggregate's table: which row it is, for those that keep results up. */
#define RV_SQL_PLACE " place"

/* Of a statement that is kept up: tables of FROM, and calls of aggregate functions. */
#define RV_SQL_SHAPE_TABLES 4u
#define RV_SQL_SHAPE_SITES  16u
#define RV_SQL_SHAPE_LINKS  8u /* equal columns of two of the tables */

/* `a.x = b.y`, which every row that comes out fulfils, or, of an outer join, every one that has a
 * row of `outer`. */
typedef struct rv_sql_link {
    uint8_t tables[2]; /* in FROM, */
    uint8_t columns[2];
    uint8_t outer; /* RV_SQL_SHAPE_TABLES: of none */
} rv_sql_link;

/* What shape a statement has (sql/shape.h). */
typedef struct rv_sql_shape {
    bool wanted;       /* by who compiles it: it is to be kept up, if it has one that can be */
    const char *other; /* why it has none; NULL: it has, and was compiled for it */
    bool groups;       /* it is one of groups, else of rows */
    bool limited;      /* and of those has a LIMIT */
    bool outer;        /* some tables but the first are those of outer joins */
    uint16_t table_count;
    int sites; /* calls of aggregate functions */
    const sqlite3_vtab *tables[RV_SQL_SHAPE_TABLES];
    uint64_t columns[RV_SQL_SHAPE_TABLES]; /* that it reads (bits; the last is all from 63 on) */
    uint8_t link_count;
    rv_sql_link links[RV_SQL_SHAPE_LINKS];
    uint8_t tested;   /* tables (bits) by whose columns, beside links, rows come out or count, and
                         with a LIMIT which of them do */
    uint8_t grouping; /* those by whose columns rows are grouped, */
    uint64_t grouped[RV_SQL_SHAPE_TABLES]; /* and columns that are grouped by as they are (bits;
                                              those below 64) */
} rv_sql_shape;

/* What one rv_sql lends to SQLite. */
typedef struct rv_sql_context {
    rv_sql_heap heap;
    bool clock_asked;   /* a query wanted to know the time, which there is none of */
    rv_sql_shape shape; /* of the statement that is compiled */
} rv_sql_context;

/* A function of the connection's running query is to look for a value in another, which takes so
 * much work at worst (sql/work.h). False: the query is to end. */
bool rv_sql_guard_search(void *sql, uint64_t work);

/* True when an index of the aggregate that the table shows may give a column in its order. */
bool rv_sql_table_sorts(const sqlite3_vtab *table, int column);

/* Joins make no Bloom filters from now on: these tell a number from the text that is equal to it
 * under the collation of numerics. */
void rv_sql_forgo_filters(sqlite3 *db);

/* Starts SQLite if nobody has yet; within enter and leave, on a fresh heap (it tries ten bytes). */
void rv_sql_start(void);

/* SQLite works for `context` now. Returns whom it worked for before, NULL for nobody. */
rv_sql_context *rv_sql_enter(rv_sql_context *context);

/* Back to what rv_sql_enter returned. */
void rv_sql_leave(rv_sql_context *previous);

#endif
