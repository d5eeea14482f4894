/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-written alternative: SQLite, tuned. For each loan event: insert it, and upsert the row
 * it changes, with prepared statements and 1,000 events a transaction. Values are parsed
 * beforehand.
 *
 *     bench_baseline DATA FILE      FILE `:memory:`, or a path (WAL, synchronous=FULL)
 */
#include "tests/bench/loans.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 1000

static const char *const schema =
    "create table event (position integer primary key, stream text, type integer, data text);"
    "create table application (id integer primary key, amount_requested integer, submitted_at text,"
    " state text default 'submitted', state_changes integer default 0, offer_state text,"
    " last_resource integer, last_change_at text);"
    "create table work_item (id text primary key, application_id integer, name text, status text,"
    " steps integer default 1, last_resource integer, last_change_at text) without rowid;";

static const char *const statements[] = {
    "insert into application (id, amount_requested, submitted_at, last_resource)"
    " values (?1, ?2, ?4, ?3)",
    "update application set last_change_at = ?4, state = ?5, state_changes = state_changes + 1,"
    " last_resource = ?3 where id = ?1",
    "update application set last_change_at = ?4, offer_state = ?5, last_resource = ?3 where id = "
    "?1",
    "insert into work_item (id, application_id, name, status, last_change_at, last_resource)"
    " values (?6, ?1, ?7, ?5, ?4, ?3)",
    "update work_item set status = ?5, steps = steps + 1, last_change_at = ?4, last_resource = ?3"
    " where id = ?6",
};

static sqlite3 *db;

static void check(int code, int expected) {
    if (code != expected) {
        fprintf(stderr, "bench: sqlite: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static sqlite3_stmt *prepare(const char *text) {
    sqlite3_stmt *statement = NULL;
    check(sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK);
    return statement;
}

static void run(sqlite3_stmt *statement) {
    check(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_reset(statement);
}

static void bind_text(sqlite3_stmt *statement, int index, rv_bytes text) {
    if (index <= sqlite3_bind_parameter_count(statement)) {
        sqlite3_bind_text(statement, index, (const char *)text.ptr, (int)text.len, SQLITE_STATIC);
    }
}

static void fold(sqlite3_stmt *statement, const loan_event *event) {
    sqlite3_bind_int64(statement, 1, event->application_id);
    sqlite3_bind_int64(statement, 2, event->amount_or_resource[0]);
    if (event->has_resource) {
        sqlite3_bind_int64(statement, 3, event->amount_or_resource[1]);
    } else {
        sqlite3_bind_null(statement, 3);
    }
    bind_text(statement, 4, event->time);
    bind_text(statement, 5, event->state);
    bind_text(statement, 6, event->item_id);
    bind_text(statement, 7, event->name);
    run(statement);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench_baseline DATA FILE\n");
        return 2;
    }
    const loans log = loans_read(argv[1]);
    sqlite3_initialize();
    check(sqlite3_open(argv[2], &db), SQLITE_OK);
    sqlite3_exec(db, "pragma journal_mode=wal; pragma synchronous=full; pragma cache_size=-65536",
                 NULL, NULL, NULL);
    check(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *begin = prepare("begin");
    sqlite3_stmt *commit = prepare("commit");
    sqlite3_stmt *insert = prepare("insert into event (stream, type, data) values (?1, ?2, ?3)");
    sqlite3_stmt *folds[5];
    for (unsigned i = 0; i < 5; i++) {
        folds[i] = prepare(statements[i]);
    }
    const double start = seconds();
    for (size_t at = 0; at < log.count; at += BATCH) {
        run(begin);
        for (size_t i = at; i < log.count && i < at + BATCH; i++) {
            const loan_event *event = &log.events[i];
            bind_text(insert, 1, event->path);
            sqlite3_bind_int(insert, 2, event->kind);
            bind_text(insert, 3, event->data);
            run(insert);
            fold(folds[event->kind], event);
        }
        run(commit);
    }
    printf("events_per_second %.0f\n", (double)log.count / (seconds() - start));
    return 0;
}
