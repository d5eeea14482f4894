/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection and its queries, from text to rows. An rv_sql is an SQLite connection to an empty
 * database in memory, in a heap of its own; aggregates are tables in it (sql/table.c).
 *
 *     free --prepare--> open --step: RV_OK--> a row --step--> … --step: RV_END or an error--> ended
 *      ^                                                                                        |
 *      +------------------------------------- finish, at any time ------------------------------+
 *
 * Every call that reaches SQLite does so between rv_sql_enter and rv_sql_leave. Whatever fails, a
 * query gives back all its memory at finish but that of its statement (kept.c), so the next one
 * starts as the first did.
 */
#include "sql/connection.h"
#include "sql/numeric.h"
#include "sql/system.h"
#include "sql/wide.h"

#include "core/base/utf8.h"
#include "core/engine/outbox.h"
#include "core/engine/rewind.h"

/* What is kept for later goes, where memory is short; false: there was nothing. */
static bool forget(rv_sql *sql) {
    const bool statements = rv_sql_kept_forget(sql);
    return rv_sql_upkeep_forget(sql) || statements;
}

static int connect(rv_sql *sql) {
    RV_ASSERT(sql->db == NULL);
    sql->tables = 0;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    int rc = sqlite3_open_v2(":memory:", &sql->db, flags, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_create_collation_v2(sql->db, RV_SQL_WIDE_COLLATION, SQLITE_UTF8, NULL,
                                         rv_sql_wide_compare, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = rv_sql_numeric_declare(sql->db);
    }
    if (rc == SQLITE_OK) {
        rc = rv_sql_tally_declare(sql, sql->db);
    }
    if (rc == SQLITE_OK) {
        rc = rv_sql_upkeep_declare(sql, sql->db);
    }
    if (rc == SQLITE_OK) {
        rv_sql_guard_install(sql);
        rc = rv_sql_system_declare(sql);
    }
    if (rc == SQLITE_OK) {
        rc = rv_sql_tables_declare(sql);
    }
    return rc;
}

/* Closes the connection, if it came about; its queries are over. */
static void disconnect(rv_sql *sql) {
    const int rc = sqlite3_close(sql->db);
    RV_ASSERT(rc == SQLITE_OK);
    RV_ASSERT(sql->context.heap.used == 0);
    sql->db = NULL;
}

static rv_status memory_too_small(size_t memory, rv_error *err) {
    return rv_error_set(err, RV_MEMORY_EXHAUSTED, "%u bytes are too few for SQL", (uint64_t)memory);
}

bool rv_sql_present(void) {
    return true;
}

rv_status rv_sql_create(rv_sql **sql, const rv_sql_options *options, rv_arena *arena,
                        rv_error *err) {
    RV_ASSERT(sql != NULL && options != NULL && arena != NULL);
    RV_ASSERT(options->schema != NULL && options->state != NULL);
    const size_t mark = rv_arena_mark(arena);
    rv_sql *made = rv_arena_take(arena, sizeof *made);
    void *memory = rv_arena_take_raw(arena, options->memory);
    if (made == NULL || memory == NULL ||
        !rv_sql_heap_open(&made->context.heap, memory, options->memory)) {
        rv_arena_reset(arena, mark);
        return memory_too_small(options->memory, err);
    }
    made->schema = options->schema;
    made->state = options->state;
    made->node = options->node;
    made->memory = options->memory;
    made->steps_max = options->steps_max;
    made->steps_slice = options->steps_slice;
    made->interrupts = options->interrupts;
    made->narrowed = RV_NONE;
    made->rewinds = made->node == NULL ? 0 : rv_node_rewinds(made->node);
    rv_sql_context *previous = rv_sql_enter(&made->context);
    rv_sql_start();
    const int rc = connect(made);
    if (rc != SQLITE_OK) {
        disconnect(made);
        rv_arena_reset(arena, mark);
        rv_sql_leave(previous);
        return memory_too_small(options->memory, err);
    }
    rv_sql_leave(previous);
    *sql = made;
    return RV_OK;
}

/* --- preparing --- */

/* SQLite ends at a NUL and takes any bytes for UTF-8; here neither is SQL. */
static rv_status check_text(rv_bytes text, rv_error *err) {
    if (text.len > RV_SQL_TEXT_MAX) {
        rv_error_set(err, RV_SQL_LIMIT, "the statement has more than %u bytes",
                     (uint64_t)RV_SQL_TEXT_MAX);
        rv_error_fact_text(err, "limit", RV_LITERAL("statement"));
        rv_error_fact_uint(err, "length_max", RV_SQL_TEXT_MAX);
        return RV_SQL_LIMIT;
    }
    if (rv_utf8_valid(text, NULL)) {
        return RV_OK;
    }
    size_t offset = 0;
    while (offset < text.len && text.ptr[offset] != 0 &&
           rv_utf8_char_len(rv_bytes_from(text, offset)) > 0) {
        offset += rv_utf8_char_len(rv_bytes_from(text, offset));
    }
    rv_error_set(err, RV_SQL_INVALID, "the statement is not UTF-8 at byte %u", (uint64_t)offset);
    rv_error_fact_uint(err, "offset", (uint64_t)offset);
    return RV_SQL_INVALID;
}

/* Compiles the first statement of `text`; `*rest` gets what follows it. */
static rv_status compile(rv_sql *sql, rv_bytes text, sqlite3_stmt **statement, rv_bytes *rest,
                         rv_error *err) {
    RV_ASSERT(text.len <= RV_SQL_TEXT_MAX);
    const char *sql_text = text.ptr == NULL ? "" : (const char *)text.ptr;
    const char *tail = NULL;
    *statement = NULL;
    rv_sql_guard_reset(sql);
    const int rc = sqlite3_prepare_v3(sql->db, sql_text, (int)text.len, 0, statement, &tail);
    if (rc != SQLITE_OK) {
        RV_ASSERT(*statement == NULL);
        return rv_sql_guard_error(sql, rc, err);
    }
    *rest = rv_bytes_from(text, (size_t)(tail - sql_text));
    return RV_OK;
}

/* True when there is nothing but white space, comments and semicolons in `rest`. */
static bool nothing_follows(rv_sql *sql, rv_bytes rest, rv_status *status, rv_error *err) {
    size_t rounds = rest.len; /* each takes at least a byte */
    while (rest.len > 0) {
        RV_ASSERT(rounds > 0);
        rounds -= 1;
        sqlite3_stmt *next = NULL;
        *status = compile(sql, rest, &next, &rest, err);
        if (*status == RV_MEMORY_EXHAUSTED) {
            return false;
        }
        if (*status != RV_OK || next != NULL) {
            (void)sqlite3_finalize(next);
            *status = rv_error_set(err, RV_SQL_INVALID,
                                   "there is more than one statement; send them one at a time");
            return false;
        }
    }
    return true;
}

/* Compiles the one statement there must be. */
static rv_status compile_only(rv_sql *sql, rv_bytes text, sqlite3_stmt **statement, rv_error *err) {
    rv_bytes rest = {NULL, 0};
    memset(sql->uses, 0, sizeof sql->uses);
    sql->uses_system = false;
    rv_status status = compile(sql, text, statement, &rest, err);
    if (status != RV_OK) {
        return status;
    }
    while (*statement == NULL && rest.len > 0 && status == RV_OK) {
        status = compile(sql, rest, statement, &rest, err); /* past empty ones: `;;select 1` */
    }
    if (status == RV_OK && *statement == NULL) {
        return rv_error_set(err, RV_SQL_INVALID, "the text has no statement");
    }
    if (status == RV_OK) {
        status = rv_sql_guard_judge(sql, *statement, err);
    }
    if (status == RV_OK && !nothing_follows(sql, rest, &status, err)) {
        RV_ASSERT(status != RV_OK);
    }
    if (status != RV_OK) {
        (void)sqlite3_finalize(*statement);
        *statement = NULL;
    }
    return status;
}

/* The same for a mode; `*mode` becomes PLAIN if the statement is none that can be kept up. */
static rv_status compile_for(rv_sql *sql, rv_bytes text, rv_sql_mode *mode,
                             sqlite3_stmt **statement, rv_error *err) {
    rv_sql_shape *const shape = &sql->context.shape;
    *shape = (rv_sql_shape){.wanted = *mode != RV_SQL_PLAIN, .other = "it is no SELECT"};
    const rv_status status = compile_only(sql, text, statement, err);
    shape->wanted = false;
    *mode = shape->other != NULL ? RV_SQL_PLAIN : *mode;
    return status;
}

/* Columns of the result, without those that say which rows it is of. */
static int columns_of(const rv_sql_query *query) {
    const bool places = query->mode != RV_SQL_PLAIN && !query->shape.groups;
    return sqlite3_column_count(query->statement) - (places ? query->shape.table_count : 0);
}

static rv_status find_types(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    query->column_count = columns_of(query);
    memcpy(query->uses, sql->uses, sizeof query->uses);
    query->uses_system = sql->uses_system;
    RV_ASSERT(query->column_count > 0);
    query->types = sqlite3_malloc64((size_t)query->column_count * sizeof(query->types[0]));
    if (query->types == NULL) {
        return rv_sql_guard_error(sql, SQLITE_NOMEM, err);
    }
    const bool explain = sqlite3_stmt_isexplain(query->statement) != 0;
    for (int i = 0; i < query->column_count; i++) {
        query->types[i] =
            explain ? NULL : rv_sql_tables_type(sql, sqlite3_column_decltype(query->statement, i));
    }
    return RV_OK;
}

/* What EXPLAIN READS lists needs a place. */
static rv_status take_reads(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    RV_ASSERT(query->reads == NULL);
    query->reads = sqlite3_malloc64(sizeof *query->reads);
    if (query->reads == NULL) {
        return rv_sql_guard_error(sql, SQLITE_NOMEM, err);
    }
    rv_reads_clear(query->reads);
    query->explains = true;
    query->own_reads = true;
    return RV_OK;
}

/* Compiles into an empty place. */
static rv_status compile_query(rv_sql *sql, rv_bytes text, rv_sql_mode mode, rv_sql_query *query,
                               rv_error *err) {
    const uint32_t used = sql->context.heap.used;
    sqlite3_stmt *statement = NULL;
    rv_status status = compile_for(sql, text, &mode, &statement, err);
    if (status != RV_OK) {
        return status;
    }
    *query = (rv_sql_query){.sql = sql,
                            .statement = statement,
                            .open = true,
                            .mode = mode,
                            .narrowed = sql->narrowed,
                            .shape = sql->context.shape};
    status = find_types(sql, query, err);
    if (status != RV_OK) {
        query->ended = status;
        rv_sql_kept_put(query);
        return status;
    }
    const uint32_t now = sql->context.heap.used;
    rv_sql_kept_note(query, now > used ? now - used : 0);
    return RV_OK;
}

/* Has a place with the text's statement, kept or compiled. */
static rv_status find_query(rv_sql *sql, rv_bytes text, rv_sql_mode mode, rv_sql_query **query,
                            rv_error *err) {
    const int rc = rv_sql_tables_declare(sql);
    if (rc != SQLITE_OK) {
        return rv_sql_guard_error(sql, rc, err);
    }
    *query = rv_sql_kept_take(sql, text, mode);
    if (*query != NULL) {
        return RV_OK;
    }
    *query = rv_sql_kept_make_room(sql);
    return *query != NULL ? compile_query(sql, text, mode, *query, err)
                          : rv_error_set(err, RV_BUSY, "%u queries are open; finish one first",
                                         (uint64_t)RV_SQL_QUERIES_MAX);
}

/* True when the node has gone back since the connection was made: what its queries were compiled
 * for may be no more. */
static bool is_lost(const rv_sql *sql) {
    return sql->node != NULL && sql->rewinds != rv_node_rewinds(sql->node);
}

/* The connection is one to the schema that there is: an edge that goes back may lose a part of what
 * it was made for. RV_BUSY: it is going back, or has, while queries were open. */
static rv_status connect_anew(rv_sql *sql, rv_error *err) {
    const rv_node *const node = sql->node;
    if (node == NULL || (!is_lost(sql) && !rv_node_rewinding(node))) {
        return RV_OK;
    }
    bool open = rv_node_rewinding(node);
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX && !open; i++) {
        open = sql->queries[i].open;
    }
    if (open) {
        return rv_error_set(err, RV_BUSY, "the node goes back; finish the queries, and try again");
    }
    (void)forget(sql);
    disconnect(sql);
    if (connect(sql) != SQLITE_OK) {
        disconnect(sql);
        return memory_too_small(sql->memory, err); /* and the next query tries again */
    }
    sql->rewinds = rv_node_rewinds(node);
    return RV_OK;
}

/* Compiles for a mode; which aggregate is shown in part follows from what is kept. */
static rv_status find_for(rv_sql *sql, const rv_sql_upkeep *upkeep, rv_sql_mode mode, rv_bytes text,
                          rv_sql_query **query, rv_error *err) {
    sql->narrowed = mode == RV_SQL_KEPT ? upkeep->aggregate : RV_NONE;
    const rv_status status = find_query(sql, text, mode, query, err);
    sql->narrowed = RV_NONE;
    return status;
}

/* The query is run with it, if its shape allows. */
static void take_upkeep(rv_sql_query *query, rv_sql_upkeep *upkeep) {
    query->upkeep = upkeep;
    query->compiled = query->mode;
    query->run = (rv_sql_run){.table = -1};
    if (query->mode == RV_SQL_PLAIN && upkeep != NULL && !upkeep->never) {
        upkeep->other = query->shape.other;
        upkeep->never = true;
    }
}

static rv_status prepare(rv_sql *sql, rv_sql_upkeep *upkeep, rv_bytes text, rv_bytes parameters,
                         rv_sql_query **out, rv_error *err) {
    rv_sql_query *query = NULL;
    rv_status status = connect_anew(sql, err);
    const bool explains = sql->skipped > 0;
    const rv_sql_mode mode = explains         ? RV_SQL_BASE
                             : upkeep == NULL ? RV_SQL_PLAIN
                                              : rv_sql_upkeep_mode(sql, upkeep);
    status = status == RV_OK ? find_for(sql, upkeep, mode, text, &query, err) : status;
    if (status != RV_OK) {
        return status;
    }
    take_upkeep(query, explains ? &query->own_upkeep : upkeep);
    status = rv_sql_parameters_bind(sql, query->statement, parameters, err);
    if (status == RV_OK && explains) {
        status = take_reads(sql, query, err);
    }
    if (status != RV_OK) {
        query->ended = status;
        rv_sql_kept_put(query);
        return status;
    }
    query->interrupts = rv_sql_interrupts(sql);
    query->revision = sql->node == NULL ? 0 : rv_node_revision(sql->node);
    *out = query;
    return RV_OK;
}

rv_status rv_sql_prepare(rv_sql *sql, rv_bytes text, rv_bytes parameters, rv_sql_query **query,
                         rv_error *err) {
    return rv_sql_prepare_live(sql, NULL, text, parameters, query, err);
}

rv_status rv_sql_prepare_live(rv_sql *sql, rv_sql_upkeep *upkeep, rv_bytes text,
                              rv_bytes parameters, rv_sql_query **query, rv_error *err) {
    RV_ASSERT(sql != NULL && query != NULL);
    RV_ASSERT(sql->running == NULL);
    rv_status status = check_text(text, err);
    const size_t len = text.len;
    sql->skipped = status == RV_OK && rv_sql_guard_explains(&text) ? len - text.len : 0;
    if (status == RV_OK) {
        status = rv_sql_guard_admit(text, err);
    }
    if (status != RV_OK) {
        return status;
    }
    rv_sql_context *previous = rv_sql_enter(&sql->context);
    status = prepare(sql, upkeep, text, parameters, query, err);
    if (status == RV_MEMORY_EXHAUSTED && forget(sql)) {
        status = prepare(sql, upkeep, text, parameters, query, err);
    }
    rv_sql_leave(previous);
    return status;
}

/* --- running --- */

void rv_sql_limit_rows(rv_sql_query *query, uint64_t rows_max) {
    RV_ASSERT(query != NULL && query->statement != NULL);
    RV_ASSERT(rows_max > 0 && !query->begun);
    query->rows_max = rows_max;
}

/* The query has one row more than it may give. */
static rv_status too_many_rows(const rv_sql_query *query, rv_error *err) {
    rv_error_set(err, RV_SQL_LIMIT, "the query has more than the %u rows that were asked for",
                 query->rows_max);
    rv_error_fact_text(err, "limit", RV_LITERAL("rows"));
    rv_error_fact_uint(err, "rows_max", query->rows_max);
    return RV_SQL_LIMIT;
}

/* What is read from now on makes the answer. */
static void begin_reads(rv_sql_query *query) {
    RV_ASSERT(query->reads != NULL);
    if (query->mode == RV_SQL_KEPT) {
        return; /* what was read before still counts */
    }
    rv_reads_clear(query->reads);
    const bool explain = sqlite3_stmt_isexplain(query->statement) != 0;
    for (uint16_t a = 0; a < RV_AGGREGATES_MAX && explain; a++) {
        if (rv_sql_uses(query, a)) {
            rv_reads_all(query->reads, a);
        }
    }
}

/* Has the statement of the mode that is to follow in the place of the one that there is. */
static rv_status turn(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    sqlite3_stmt *const was = query->statement;
    sqlite3_stmt *is = NULL;
    rv_sql_mode mode = query->mode;
    const uint32_t used = sql->context.heap.used;
    sql->running = NULL; /* no step of it */
    sql->narrowed = mode == RV_SQL_KEPT ? query->upkeep->aggregate : RV_NONE;
    const rv_status status =
        compile_for(sql, rv_bytes_of_string(sqlite3_sql(was)), &mode, &is, err);
    query->narrowed = sql->narrowed;
    sql->narrowed = RV_NONE;
    sql->running = query;
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(mode == query->mode);
    (void)sqlite3_transfer_bindings(was, is);
    (void)sqlite3_finalize(was);
    query->statement = is;
    query->compiled = mode;
    query->shape = sql->context.shape;
    RV_ASSERT(query->column_count == columns_of(query));
    rv_sql_kept_note(query, sql->context.heap.used > used ? sql->context.heap.used - used : 0);
    return RV_OK;
}

/* Readies what is kept for a run, and the statement for what it is to run over. */
static rv_status begin_upkeep(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    if (query->mode == RV_SQL_KEPT && sql->node != NULL &&
        query->revision != rv_node_revision(sql->node)) {
        query->run.settled = false; /* what was said of it was said of other rows */
        query->mode = RV_SQL_BASE;
    }
    rv_status status = query->mode == query->compiled ? RV_OK : turn(sql, query, err);
    if (status == RV_OK && query->mode != RV_SQL_PLAIN && !rv_sql_upkeep_begin(query)) {
        query->mode = RV_SQL_BASE;
        status = turn(sql, query, err);
        if (status == RV_OK) {
            (void)rv_sql_upkeep_begin(query);
        }
    }
    return status;
}

/* Notes over what the query runs from now on. */
static rv_status begin(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    RV_ASSERT(!query->begun && query->rows == 0);
    const rv_status status = begin_upkeep(sql, query, err);
    if (status != RV_OK) {
        return status;
    }
    query->begun = true;
    query->reads_rows = false;
    if (query->reads != NULL) {
        begin_reads(query);
    }
    if (sql->node != NULL) {
        query->revision = rv_node_revision(sql->node);
        query->events_until = rv_node_sequence_durable(sql->node);
    }
    return RV_OK;
}

/* Back to before its first step; false: too often, or what it was made for is lost. */
static bool rewind_query(rv_sql_query *query) {
    RV_ASSERT(query->statement != NULL);
    RV_ASSERT(query->again <= RV_SQL_AGAIN_MAX);
    if (query->again == RV_SQL_AGAIN_MAX || is_lost(query->sql)) {
        return false;
    }
    rv_sql *const sql = query->sql;
    rv_sql_query *const running = sql->running;
    sql->running = NULL; /* cursors and groups that are left stand on rows that may be gone */
    (void)sqlite3_reset(query->statement); /* repeats the error of the last step */
    sql->running = running;
    query->again += 1;
    if (query->mode == RV_SQL_KEPT && !query->run.settled) {
        query->mode = RV_SQL_BASE; /* it is not what it was any more */
    }
    query->begun = false;
    query->rows = 0;
    query->lists = false;
    query->line = (rv_sql_line){.begun = false};
    query->sliced = false;
    query->ended = RV_OK;
    return true;
}

/* What the query stands on is as it was: RV_OK; RV_PENDING: it cannot be looked at now;
 * RV_SNAPSHOT_EXPIRED. */
static rv_status ready(const rv_sql *sql, rv_sql_query *query, rv_error *err) {
    rv_node *const node = sql->node;
    if (node == NULL) {
        return RV_OK;
    }
    if (rv_node_in_batch(node) || rv_node_rewinding(node)) {
        return RV_PENDING;
    }
    const bool lost = is_lost(sql);
    if (!lost &&
        (!query->begun || !query->reads_rows || query->revision == rv_node_revision(node))) {
        return RV_OK;
    }
    query->run.settled = false; /* groups are not what they were */
    if (query->rows == 0 && rewind_query(query)) {
        return RV_OK;
    }
    return rv_error_set(err, RV_SNAPSHOT_EXPIRED,
                        "rows changed while the query was read; run it again");
}

/* SQLite's step, past rows that are only kept. */
static int step_row(rv_sql_query *query) {
    int rc = SQLITE_DONE;
    if (rv_sql_upkeep_enough(query)) {
        (void)sqlite3_reset(query->statement); /* what its cursors read is noted as they go */
        return rc;
    }
    rv_sql *const sql = query->sql; /* SQLite compiles again where a parameter decides the plan */
    sql->context.shape.wanted = query->mode != RV_SQL_PLAIN;
    sql->narrowed = query->narrowed;
    do {
        rc = sqlite3_step(query->statement);
    } while (rc == SQLITE_ROW && query->mode != RV_SQL_PLAIN && !rv_sql_upkeep_row(query));
    sql->context.shape.wanted = false;
    sql->narrowed = RV_NONE;
    return rc;
}

/* A row, or the end, or neither. */
static rv_status step_once(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    sql->context.clock_asked = false;
    rv_sql_guard_reset(sql);
    rv_status status = rv_sql_guard_interrupted(query, err);
    status = status == RV_OK ? ready(sql, query, err) : status;
    if (status != RV_OK) {
        return status;
    }
    status = query->begun ? RV_OK : begin(sql, query, err);
    if (status != RV_OK) {
        return status;
    }
    /* where a row came, the machine had to stop anyway and could not for that */
    const int rc = rv_sql_guard_turn(query) ? SQLITE_BUSY : step_row(query);
    query->sliced = rc == SQLITE_BUSY && rv_sql_guard_turn(query);
    if (sql->context.clock_asked) {
        return rv_error_set(err, RV_SQL_INVALID,
                            "there is no current time in a query; pass it as a parameter");
    }
    query->rows += rc == SQLITE_ROW;
    if (rc == SQLITE_ROW && query->rows_max > 0 && query->rows > query->rows_max) {
        return too_many_rows(query, err);
    }
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        return rc == SQLITE_ROW ? RV_OK : RV_END;
    }
    return rc == SQLITE_BUSY ? RV_PENDING : rv_sql_guard_error(sql, rc, err);
}

/* The same of a query whose result is kept up. */
static rv_status step_kept(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    const rv_status status = step_once(sql, query, err);
    return query->mode == RV_SQL_PLAIN ? status : rv_sql_upkeep_finish(query, status, err);
}

/* The same of EXPLAIN READS: its rows come when the query has ended. */
static rv_status step(rv_sql *sql, rv_sql_query *query, rv_error *err) {
    rv_status status = query->lists && !is_lost(sql) ? RV_END : step_kept(sql, query, err);
    while (query->explains &&
           (status == RV_OK || (status == RV_SNAPSHOT_EXPIRED && rewind_query(query)))) {
        query->rows = 0; /* none is shown, so it may begin again by itself */
        status = step_kept(sql, query, err);
    }
    if (query->explains && status == RV_END) {
        query->lists = true;
        status = rv_sql_explain_next(query) ? RV_OK : RV_END;
    }
    return status;
}

rv_status rv_sql_step(rv_sql_query *query, rv_error *err) {
    RV_ASSERT(query != NULL && query->statement != NULL);
    rv_sql *sql = query->sql;
    RV_ASSERT(sql->running == NULL);
    if (query->ended != RV_OK) {
        return query->ended == RV_END
                   ? RV_END
                   : rv_error_set(err, query->ended, "the query has ended with an error");
    }
    rv_sql_context *previous = rv_sql_enter(&sql->context);
    sql->running = query;
    rv_status status = step(sql, query, err);
    if (status == RV_MEMORY_EXHAUSTED && forget(sql) && query->rows == 0 && rewind_query(query)) {
        status = step(sql, query, err);
    }
    query->ended = status == RV_PENDING ? RV_OK : status;
    query->slice = status == RV_PENDING ? 0 : query->slice;
    sql->running = NULL;
    rv_sql_leave(previous);
    return status;
}

bool rv_sql_runnable(const rv_sql *sql) {
    bool some = false;
    RV_ASSERT(sql != NULL);
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX && !some; i++) {
        some = sql->queries[i].open && sql->queries[i].sliced;
    }
    return some;
}

bool rv_sql_again(rv_sql_query *query) {
    RV_ASSERT(query != NULL && query->statement != NULL);
    RV_ASSERT(query->sql->running == NULL);
    rv_sql_context *previous = rv_sql_enter(&query->sql->context);
    const bool begins = rewind_query(query);
    rv_sql_leave(previous);
    return begins;
}

void rv_sql_note_reads(rv_sql_query *query, rv_reads *reads) {
    RV_ASSERT(query != NULL && reads != NULL);
    RV_ASSERT(!query->begun);
    if (query->own_reads) {
        rv_sql_context *previous = rv_sql_enter(&query->sql->context);
        sqlite3_free(query->reads);
        rv_sql_leave(previous);
        query->own_reads = false;
    }
    query->reads = reads;
}

bool rv_sql_kept_up(const rv_sql_query *query) {
    RV_ASSERT(query != NULL && query->open);
    return query->mode == RV_SQL_KEPT;
}

bool rv_sql_uses_system(const rv_sql_query *query) {
    RV_ASSERT(query != NULL);
    return query->uses_system;
}

bool rv_sql_uses(const rv_sql_query *query, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    return (query->uses[aggregate / 64u] >> (aggregate % 64u) & 1u) != 0;
}

void rv_sql_finish(rv_sql_query *query) {
    RV_ASSERT(query != NULL && query->open);
    RV_ASSERT(query->sql->running == NULL);
    rv_sql_context *previous = rv_sql_enter(&query->sql->context);
    rv_sql_kept_put(query);
    rv_sql_leave(previous);
}

void rv_sql_destroy(rv_sql *sql) {
    RV_ASSERT(sql != NULL && sql->running == NULL);
    rv_sql_context *previous = rv_sql_enter(&sql->context);
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        if (sql->queries[i].open) {
            rv_sql_kept_put(&sql->queries[i]);
        }
    }
    (void)forget(sql);
    disconnect(sql);
    rv_sql_leave(previous);
}
