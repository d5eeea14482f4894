/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping a result up: the statement runs again, but its aggregate is shown to it with few rows
 * only, from which the same comes. So expressions, conditions, order and limit are SQLite's, as
 * ever, and nothing is calculated twice in two ways.
 *
 * Of rows (sql/shape.h): which rows came out of the last run is kept. What comes out now is among
 * these, but for those that are not what they were, and those that are now what they were not:
 *
 *     kept 4 9 17      9 has changed, 12 is new       shown 4 9 12 17      out 4 12 17, kept
 *
 * With a LIMIT, some more rows are asked for than are given. Rows that did not change keep their
 * order, so all that is not kept lies behind the last one of those that were kept and did not
 * change: up to it, and not further, what comes out is right.
 *
 * Of groups: of each a copy of one of its rows, and what each aggregate function has come to, as
 * integers that can be added to and taken from (tally.c). Shown are the copies, which bring all of
 * their groups; rows that changed as they were, which are taken away; and as they are.
 *
 *     PLAIN   the statement as it was written
 *     BASE    over all that there is: notes what is to be kept      --ends--> whole
 *     KEPT    over what was kept and what changed                   --ends--> whole
 *
 * What changes of other aggregates mean, which are joined by key, is in joined.h.
 *
 * Where KEPT cannot tell (a minimum has gone, too much has changed, memory is short) BASE follows;
 * where BASE cannot keep it, the result is right all the same, or, if a function is not its own
 * any more, PLAIN follows. Rows that were given by then are given again: RV_SNAPSHOT_EXPIRED, and
 * rv_sql_again.
 *
 *   invariant: what KEPT gives is what PLAIN would, but for the order of rows that SQL leaves open.
 */
#ifndef RV_SQL_UPKEEP_H
#define RV_SQL_UPKEEP_H

#include "core/base/limits.h"
#include "core/state/deltas.h"
#include "core/state/reader.h"
#include "sql/sql.h"
#include "sql/sqlite.h"
#include "sql/tally.h"

typedef enum rv_sql_mode { RV_SQL_PLAIN, RV_SQL_BASE, RV_SQL_KEPT } rv_sql_mode;

/* A row that has changed, or of which what is joined to it has. */
typedef struct rv_sql_change {
    const uint8_t *bytes; /* as it was; NULL: it was not there, or is what it was */
    uint32_t before;      /* where it lay, RV_ROW_NONE or not, */
    uint32_t after;       /* and lies */
} rv_sql_change;

/* A group: a copy of what the statement reads of one of its rows, and a tally for each site. */
typedef struct rv_sql_group {
    uint32_t row;     /* of the copy, while it is made: nobody else's in one run */
    bool gone;        /* it has no rows any more */
    bool stale;       /* what the copy leads to by key is not what it was */
    size_t size;      /* bytes */
    rv_value *values; /* by column; NULL where the statement does not read it */
    rv_sql_tally tallies[];
} rv_sql_group;

/* How a cursor reads. */
typedef enum rv_sql_read {
    RV_SQL_READ_KEY,  /* looks one row up, if there is one */
    RV_SQL_READ_ALL,  /* goes through all rows, */
    RV_SQL_READ_ONE,  /* those with one key of an index, */
    RV_SQL_READ_PART, /* those between two of them */
} rv_sql_read;

/* On what the cursor stands that goes through a table. */
typedef enum rv_sql_at {
    RV_SQL_AT_NOTHING,
    RV_SQL_AT_COPY,
    RV_SQL_AT_BEFORE,
    RV_SQL_AT_NOW
} rv_sql_at;

/* What one run of a statement knows. */
typedef struct rv_sql_run {
    int table;            /* of FROM, that is gone through; -1: not seen yet */
    uint32_t looked;      /* tables (bits) in which a row was looked up for the row that it is at */
    bool over;            /* nothing is to be kept of it */
    bool part;            /* what is gone through is a part of an index */
    bool lost;            /* KEPT cannot tell */
    bool vanished;        /* a group has no rows any more, but came out */
    bool settled;         /* groups are as they are to be: only they are shown */
    uint64_t limit;       /* rows that are given; UINT64_MAX: all */
    uint64_t given;       /* rows that came out */
    uint32_t boundary;    /* the last of the rows that were kept and did not change, RV_ROW_NONE or
                             not, */
    uint32_t boundary_at; /* and behind how many rows it came out again; 0: it did not */
    bool was_full;
    uint32_t group_count; /* that are shown, */
    uint32_t *rows;       /* or rows */
    uint32_t row_count;
    rv_sql_change *changes;
    uint32_t change_count;
    rv_sql_at at;
    uint32_t copy; /* which one */
    uint32_t then; /* tables (bits) of which rows are looked up as they were, unless it is NOW */
    rv_view before[RV_SQL_SHAPE_TABLES]; /* rows of each as they were, where there are changes */
} rv_sql_run;

/* What a cursor shows. */
typedef enum rv_sql_shown { RV_SQL_ROW, RV_SQL_ROW_BEFORE, RV_SQL_COPY } rv_sql_shown;

typedef struct rv_sql_sight {
    rv_sql_shown kind;
    uint32_t row;           /* RV_SQL_ROW */
    const uint8_t *bytes;   /* RV_SQL_ROW_BEFORE */
    const rv_value *values; /* RV_SQL_COPY */
    int64_t place;          /* what the hidden column has: see tally.h */
} rv_sql_sight;

/* Which mode a query that begins can have. */
rv_sql_mode rv_sql_upkeep_mode(const rv_sql *sql, rv_sql_upkeep *upkeep);

/* A run begins. False: KEPT cannot, and BASE is to run. */
bool rv_sql_upkeep_begin(rv_sql_query *query);

/* A cursor of a table begins to read, rows in this order. True when that is the table that is gone
 * through. */
bool rv_sql_upkeep_filter(rv_sql_query *query, const sqlite3_vtab *table, uint16_t aggregate,
                          rv_sql_read how, rv_sql_order order);

/* Which table of FROM is gone through; where none is, the first, and nothing is kept. */
int rv_sql_upkeep_table(rv_sql_query *query);

/* True when the table is to show only what is kept and changed. */
bool rv_sql_upkeep_narrows(const rv_sql_query *query, const sqlite3_vtab *table);

/* What is shown from the nth on, which becomes the next; false: there is no more. */
bool rv_sql_upkeep_sight(rv_sql_query *query, uint32_t *nth, rv_sql_sight *sight);

/* A row came out. False: it is not one of the result, but kept. */
bool rv_sql_upkeep_row(rv_sql_query *query);

/* True when the rows of a LIMIT are there and no more are to be read. */
bool rv_sql_upkeep_enough(rv_sql_query *query);

/* The run has ended, well or not: RV_END, or RV_SNAPSHOT_EXPIRED: another one has to follow. */
rv_status rv_sql_upkeep_finish(rv_sql_query *query, rv_status status, rv_error *err);

/* What a run had is given back. */
void rv_sql_upkeep_leave(rv_sql_query *query);

/* Why it runs again; NULL: it is kept up. After a run that ended well. */
const char *rv_sql_upkeep_other(const rv_sql_query *query);

/* What a site has come to in a group that is through. */
void rv_sql_upkeep_note(rv_sql_query *query, const rv_sql_tally *tally, uint32_t site);

/* Makes rv_limit known. SQLite's result code. */
int rv_sql_upkeep_declare(rv_sql *sql, sqlite3 *db);

/* Forgets what is kept for all queries; false: there was nothing. */
bool rv_sql_upkeep_forget(rv_sql *sql);

#endif
