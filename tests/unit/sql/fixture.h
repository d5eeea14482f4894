/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small node without a log for the tests of SQL: a schema, a state that events are folded into,
 * and an rv_sql over both. And a twin: an ordinary SQLite connection with ordinary tables, filled
 * from the aggregates, to compare answers with.
 */
#ifndef RV_TESTS_SQL_FIXTURE_H
#define RV_TESTS_SQL_FIXTURE_H

#include "core/model/json.h"
#include "sql/connection.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define FIXTURE_TEXT_MAX (1u << 20)

typedef struct fixture {
    void *memory;
    rv_arena arena;
    rv_arena scratch;
    rv_schema *schema;
    rv_state *state;
    rv_sql *sql;
    rv_error err;
    uint64_t sequence;
    char text[FIXTURE_TEXT_MAX]; /* of the last answer */
} fixture;

static inline void fixture_close(fixture *f) {
    if (f->sql != NULL) {
        rv_sql_destroy(f->sql);
    }
    free(f->memory);
    free(f);
}

/* Opens with the schema; NULL on a failure, which is printed. `size` bytes for the rows. */
static inline fixture *fixture_open_sized(const char *schema, size_t sql_memory, uint64_t steps_max,
                                          size_t size) {
    fixture *f = calloc(1, sizeof *f);
    const size_t cap = size + sql_memory + (16u << 20);
    f->memory = malloc(cap);
    f->arena = rv_arena_over(f->memory, cap);
    f->scratch = rv_arena_split(&f->arena, 4u << 20);
    rv_arena schema_arena = rv_arena_split(&f->arena, 4u << 20);
    rv_arena *kept = rv_arena_take(&f->arena, sizeof *kept);
    *kept = schema_arena;
    rv_status status = rv_schema_create(&f->schema, kept, &f->err);
    if (status == RV_OK) {
        status = rv_schema_apply(f->schema, rv_bytes_of_string(schema), &f->err);
    }
    const rv_state_options state = {.schema = f->schema,
                                    .hash_key = 1,
                                    .page_memory = size,
                                    .journal_memory = 1u << 20,
                                    .snapshot_memory = 1u << 20};
    if (status == RV_OK) {
        status = rv_state_create(&f->state, &state, &f->arena, &f->err);
    }
    const rv_sql_options options = {
        .schema = f->schema, .state = f->state, .memory = sql_memory, .steps_max = steps_max};
    if (status == RV_OK) {
        status = rv_sql_create(&f->sql, &options, &f->arena, &f->err);
    }
    if (status != RV_OK) {
        fprintf(stderr, "%s\n", f->err.detail);
        fixture_close(f);
        return NULL;
    }
    return f;
}

static inline fixture *fixture_open(const char *schema, size_t sql_memory, uint64_t steps_max) {
    return fixture_open_sized(schema, sql_memory, steps_max, 8u << 20);
}

/* The number of the stream instance, which is added when it is new. */
static inline rv_status fixture_stream(fixture *f, const rv_event_draft *draft, uint32_t *number) {
    uint8_t memory[RV_PATH_LEN_MAX];
    rv_writer path = rv_writer_over(memory, sizeof memory);
    rv_event_draft_path(draft, &path);
    if (rv_state_stream_find(f->state, rv_writer_bytes(&path), number)) {
        return RV_OK;
    }
    return rv_state_stream_add(f->state, draft->stream->number, rv_writer_bytes(&path), number,
                               &f->err);
}

/* Folds one event, as an append would. */
static inline rv_status fixture_append(fixture *f, const char *path, const char *type,
                                       const char *data) {
    static rv_event_draft draft;
    rv_arena_reset(&f->scratch, 0);
    rv_status status =
        rv_event_draft_read(f->schema, rv_bytes_of_string(path), rv_bytes_of_string(type),
                            rv_bytes_of_string(data), &f->scratch, &draft, &f->err);
    if (status == RV_OK) {
        status = rv_event_draft_complete(&draft, 0, &f->scratch, &f->err);
    }
    uint32_t stream = 0;
    if (status == RV_OK) {
        status = fixture_stream(f, &draft, &stream);
    }
    if (status == RV_OK) {
        rv_stream_head head;
        rv_state_stream(f->state, stream, &head);
        f->sequence += 1;
        const rv_event event = {.sequence = f->sequence,
                                .position = f->sequence,
                                .stream = stream,
                                .version = head.version + 1,
                                .type = draft.type->number,
                                .schema_version = 1,
                                .new_stream = head.version == 0,
                                .batch_end = true};
        status = rv_state_fold(f->state, &event, draft.values, RV_FOLD_APPLY, &f->scratch, &f->err);
    }
    if (status != RV_OK) {
        fprintf(stderr, "append %s: %s\n", data, f->err.detail);
    }
    return status;
}

/* Reads all rows of an open query into `text`: `[1,"a"][2,"b"]`. */
static inline rv_status fixture_rows(fixture *f, rv_sql_query *query) {
    rv_writer w = rv_writer_over(f->text, sizeof f->text - 1);
    rv_status status = rv_sql_step(query, &f->err);
    while (status == RV_OK) {
        rv_sql_row_to_json(query, &w);
        status = rv_sql_step(query, &f->err);
    }
    f->text[w.len] = '\0';
    return w.full ? RV_BUSY : status;
}

/* Runs a statement: its rows, or its error's code. */
static inline rv_bytes fixture_query(fixture *f, const char *sql, const char *parameters) {
    rv_sql_query *query = NULL;
    rv_status status = rv_sql_prepare(f->sql, rv_bytes_of_string(sql),
                                      rv_bytes_of_string(parameters), &query, &f->err);
    if (status == RV_OK) {
        status = fixture_rows(f, query);
        rv_sql_finish(query);
    }
    return rv_bytes_of_string(status == RV_END ? f->text : rv_status_code(status));
}

/* Ends the statements that are kept for queries to come. */
static inline void fixture_forget(fixture *f) {
    rv_sql_context *const previous = rv_sql_enter(&f->sql->context);
    (void)rv_sql_kept_forget(f->sql);
    rv_sql_leave(previous);
}

/* The columns of a statement as JSON, or its error's code. */
static inline rv_bytes fixture_columns(fixture *f, const char *sql) {
    rv_sql_query *query = NULL;
    const rv_status status =
        rv_sql_prepare(f->sql, rv_bytes_of_string(sql), RV_LITERAL(""), &query, &f->err);
    if (status != RV_OK) {
        return rv_bytes_of_string(rv_status_code(status));
    }
    rv_writer w = rv_writer_over(f->text, sizeof f->text);
    rv_sql_columns_to_json(query, &w);
    rv_sql_finish(query);
    return rv_writer_bytes(&w);
}

/* The plan of a statement, its lines joined by `; `. */
static inline rv_bytes fixture_plan(fixture *f, const char *sql) {
    char text[4096];
    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    rv_sql_query *query = NULL;
    rv_status status =
        rv_sql_prepare(f->sql, rv_bytes_of_string(text), RV_LITERAL(""), &query, &f->err);
    if (status != RV_OK) {
        return rv_bytes_of_string(rv_status_code(status));
    }
    rv_writer w = rv_writer_over(f->text, sizeof f->text);
    while (rv_sql_step(query, &f->err) == RV_OK) {
        rv_sql_context *previous = rv_sql_enter(&f->sql->context);
        rv_write_text(&w, w.len == 0 ? "" : "; ");
        rv_write(&w, rv_bytes_of(sqlite3_column_blob(query->statement, 3),
                                 (size_t)sqlite3_column_bytes(query->statement, 3)));
        rv_sql_leave(previous);
    }
    rv_sql_finish(query);
    return rv_writer_bytes(&w);
}

#define LOANS_SCHEMA                                                                               \
    "CREATE AGGREGATE application ("                                                               \
    " id bigint PRIMARY KEY, amount_requested integer NOT NULL,"                                   \
    " submitted_at timestamptz NOT NULL, state varchar(20) NOT NULL DEFAULT 'submitted',"          \
    " state_changes integer NOT NULL DEFAULT 0, offer_state varchar(20), last_resource integer,"   \
    " last_change_at timestamptz);"                                                                \
    "CREATE AGGREGATE work_item ("                                                                 \
    " id text PRIMARY KEY, application_id references application(id), name text NOT NULL,"         \
    " status varchar(20) NOT NULL, steps integer NOT NULL DEFAULT 1, last_resource integer);"      \
    "CREATE EVENT_TYPE application_submitted ("                                                    \
    " application_id creates application(id),"                                                     \
    " amount_requested updates application(amount_requested),"                                     \
    " submitted_at updates application(submitted_at),"                                             \
    " resource updates application(last_resource));"                                               \
    "CREATE EVENT_TYPE state_changed (application_id references application(id),"                  \
    " state updates application(state),"                                                           \
    " changes integer NOT NULL DEFAULT 1 increments application(state_changes));"                  \
    "CREATE EVENT_TYPE work_item_opened (work_item_id creates work_item(id),"                      \
    " application_id references application(id) updates work_item(application_id),"                \
    " name updates work_item(name), status updates work_item(status),"                             \
    " resource updates work_item(last_resource));"                                                 \
    "CREATE STREAM application_events (path \"/applications/{application_id}\""                    \
    " event_types (application_submitted, state_changed, work_item_opened));"

/* Applications `first` … `last`, each with `number % 4` work items; all values follow from the
 * number. */
static inline rv_status fixture_loans_from(fixture *f, int first, int last) {
    static const char *const states[] = {"declined", "accepted", "cancelled"};
    rv_status status = RV_OK;
    for (int i = first; i <= last && status == RV_OK; i++) {
        char path[64];
        char data[256];
        snprintf(path, sizeof path, "/applications/%d", i);
        snprintf(data, sizeof data,
                 "{\"amount_requested\":%d,\"submitted_at\":\"2012-01-%02dT%02d:00:00Z\","
                 "\"resource\":%s}",
                 (i * 7919) % 50000, 1 + i % 28, i % 24, i % 5 == 0 ? "null" : "112");
        status = fixture_append(f, path, "application_submitted", data);
        if (status == RV_OK && i % 3 != 0) {
            snprintf(data, sizeof data, "{\"state\":\"%s\"}", states[i % 7 % 3]);
            status = fixture_append(f, path, "state_changed", data);
        }
        for (int item = 0; item < i % 4 && status == RV_OK; item++) {
            snprintf(data, sizeof data,
                     "{\"work_item_id\":\"%d-%d\",\"name\":\"Call %d\",\"status\":\"%s\","
                     "\"resource\":%d}",
                     i, item, item, item % 2 ? "open" : "done", 100 + i % 9);
            status = fixture_append(f, path, "work_item_opened", data);
        }
    }
    return status;
}

/* The first `count`. */
static inline rv_status fixture_loans(fixture *f, int count) {
    return fixture_loans_from(f, 1, count);
}

#endif
