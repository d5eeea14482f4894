/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rv_pending and rv_rejections: what was written at an edge and the root has not decided, and what
 * it refused and nobody has acknowledged, an event a row. A cursor knows the batch by its edge
 * sequence, and finds it anew each time: nothing is borrowed across calls. A root has no rows here.
 */
#include "sql/system.h"

#include "core/engine/command.h"

/* The columns that both have, first. */
enum {
    BOTH_EDGE_SEQUENCE,
    BOTH_NTH,
    BOTH_EVENT_ID,
    BOTH_PATH,
    BOTH_TYPE,
    BOTH_WRITTEN_AT,
    BOTH_DATA,
    BOTH_METADATA,
    BOTH_PRINCIPAL,
    BOTH_COMMAND,
    BOTH_REASON,
    BOTH
};

#define BOTH_COLUMNS                                                                               \
    [BOTH_EDGE_SEQUENCE] = {"edge_sequence", RV_SQL_SYSTEM_BIGINT, false},                         \
    [BOTH_NTH] = {"nth", RV_SQL_SYSTEM_BIGINT, false},                                             \
    [BOTH_EVENT_ID] = {"event_id", RV_SQL_SYSTEM_UUID, false},                                     \
    [BOTH_PATH] = {"path", RV_SQL_SYSTEM_TEXT, false},                                             \
    [BOTH_TYPE] = {"type", RV_SQL_SYSTEM_TEXT, false},                                             \
    [BOTH_WRITTEN_AT] = {"written_at", RV_SQL_SYSTEM_TIME, false},                                 \
    [BOTH_DATA] = {"data", RV_SQL_SYSTEM_JSON, false},                                             \
    [BOTH_METADATA] = {"metadata", RV_SQL_SYSTEM_JSON, false},                                     \
    [BOTH_PRINCIPAL] = {"principal", RV_SQL_SYSTEM_TEXT, false},                                   \
    [BOTH_COMMAND] = {"command", RV_SQL_SYSTEM_TEXT, false},                                       \
    [BOTH_REASON] = {"reason", RV_SQL_SYSTEM_JSON, false}

static bool is_edge(const rv_sql_system_cursor *c) {
    RV_ASSERT(c->sql->node != NULL);
    return rv_node_role(c->sql->node) == RV_ROLE_EDGE;
}

/* The batch that the cursor stands in, and the event; false where it is gone. */
static bool find_event(const rv_sql_system_cursor *c, const rv_pending *batch,
                       rv_pending_event *event) {
    rv_pending_cursor at = {0};
    bool found = batch->edge_sequence == c->at;
    for (uint64_t i = 0; i <= c->event && found; i++) {
        found = rv_node_pending_event(c->sql->node, batch, &at, event);
    }
    return found;
}

static void write_reason(const void *of, rv_writer *w) {
    const rv_error *const reason = of;
    RV_ASSERT(reason->status != RV_OK);
    rv_write_u8(w, '{');
    rv_error_write_members(reason, w);
    rv_write_u8(w, '}');
}

static void show_reason(sqlite3_context *out, const rv_error *reason) {
    if (reason->status == RV_OK) {
        sqlite3_result_null(out);
    } else {
        rv_sql_show_written(out, write_reason, reason, 512);
    }
}

/* A column that both tables have, but the reason. */
static void show_both(const rv_sql_system_cursor *c, const rv_pending *batch,
                      const rv_pending_event *event, int column, sqlite3_context *out) {
    const rv_event_type *const type = rv_schema_event_type(c->sql->schema, event->type);
    RV_ASSERT(column >= 0 && column < BOTH);
    switch (column) {
    case BOTH_EDGE_SEQUENCE:
        rv_sql_show_uint(out, batch->edge_sequence);
        break;
    case BOTH_NTH:
        rv_sql_show_uint(out, c->event);
        break;
    case BOTH_EVENT_ID:
        rv_sql_show_id(out, event->event_id);
        break;
    case BOTH_PATH:
        rv_sql_show_text(out, event->path);
        break;
    case BOTH_TYPE:
        rv_sql_show_text(out, type->name);
        break;
    case BOTH_WRITTEN_AT:
        rv_sql_show_time(out, batch->written_at);
        break;
    case BOTH_DATA:
        rv_sql_show_data(out, type, event->data);
        break;
    case BOTH_METADATA:
        rv_sql_show_text(out, event->metadata);
        break;
    case BOTH_PRINCIPAL:
        rv_sql_show_text(out, batch->principal);
        break;
    default:
        rv_sql_show_text(out, batch->command.name);
        break;
    }
}

/* --- rv_pending --- */

static const rv_sql_system_column pending_columns[] = {
    BOTH_COLUMNS,
    [BOTH] = {"state", RV_SQL_SYSTEM_TEXT, false},
    {"position", RV_SQL_SYSTEM_BIGINT, false},
    {"durable", RV_SQL_SYSTEM_BOOLEAN, false},
    {"blind", RV_SQL_SYSTEM_BOOLEAN, false},
    {"unchecked", RV_SQL_SYSTEM_BOOLEAN, false},
};

static bool pending_move(rv_sql_system_cursor *c, bool first) {
    rv_pending batch;
    rv_pending_event event;
    if (!is_edge(c)) {
        return false;
    }
    c->at = first ? 0 : c->at;
    c->event = first ? 0 : c->event + 1;
    if (!first && rv_node_pending(c->sql->node, c->at - 1, &batch) &&
        find_event(c, &batch, &event)) {
        return true;
    }
    const bool found = rv_node_pending(c->sql->node, c->at, &batch);
    RV_ASSERT(!found || batch.edge_sequence > c->at);
    c->at = found ? batch.edge_sequence : c->at;
    c->event = 0;
    return found;
}

static void pending_show(const rv_sql_system_cursor *c, int column, sqlite3_context *out) {
    static const char *const states[] = {"waiting", "suspended", "accepted"};
    rv_pending batch;
    rv_pending_event event;
    rv_error reason = {.status = RV_OK};
    if (!rv_node_pending(c->sql->node, c->at - 1, &batch) || !find_event(c, &batch, &event)) {
        sqlite3_result_null(out);
        return;
    }
    RV_ASSERT(batch.state <= RV_PENDING_ACCEPTED);
    switch (column) {
    case BOTH_REASON:
        if (batch.due) {
            (void)rv_node_command_reason(c->sql->node, &batch, &reason);
        } else if (batch.state == RV_PENDING_SUSPENDED) {
            (void)rv_error_set(&reason, batch.reason, "%s", rv_status_text(batch.reason));
        }
        show_reason(out, &reason);
        break;
    case BOTH:
        rv_sql_show_text(out, rv_bytes_of_string(states[batch.state]));
        break;
    case BOTH + 1:
        rv_sql_show_count(out, batch.state == RV_PENDING_ACCEPTED ? batch.position : 0);
        break;
    case BOTH + 2:
        rv_sql_show_bool(out, batch.durable);
        break;
    case BOTH + 3:
        rv_sql_show_bool(out, event.blind);
        break;
    case BOTH + 4:
        rv_sql_show_bool(out, batch.unchecked);
        break;
    default:
        show_both(c, &batch, &event, column, out);
        break;
    }
}

const rv_sql_system_table rv_sql_pending_table = {
    .name = "rv_pending",
    .columns = pending_columns,
    .column_count = sizeof pending_columns / sizeof *pending_columns,
    .move = pending_move,
    .show = pending_show,
    .rows = 20.0,
};

/* --- rv_rejections --- */

static const rv_sql_system_column rejections_columns[] = {
    BOTH_COLUMNS,
    [BOTH] = {"code", RV_SQL_SYSTEM_TEXT, false},
};

static bool rejections_move(rv_sql_system_cursor *c, bool first) {
    rv_rejection rejection;
    rv_pending_event event;
    if (!is_edge(c)) {
        return false;
    }
    c->at = first ? 0 : c->at;
    c->event = first ? 0 : c->event + 1;
    if (!first && rv_node_rejection(c->sql->node, c->at - 1, &rejection) &&
        find_event(c, &rejection.batch, &event)) {
        return true;
    }
    const bool found = rv_node_rejection(c->sql->node, c->at, &rejection);
    RV_ASSERT(!found || rejection.batch.edge_sequence > c->at);
    c->at = found ? rejection.batch.edge_sequence : c->at;
    c->event = 0;
    return found;
}

static void rejections_show(const rv_sql_system_cursor *c, int column, sqlite3_context *out) {
    rv_rejection rejection;
    rv_pending_event event;
    if (!rv_node_rejection(c->sql->node, c->at - 1, &rejection) ||
        !find_event(c, &rejection.batch, &event)) {
        sqlite3_result_null(out);
        return;
    }
    RV_ASSERT(rejection.reason.status != RV_OK);
    if (column == BOTH_REASON) {
        show_reason(out, &rejection.reason);
    } else if (column == BOTH) {
        rv_sql_show_text(out, rv_bytes_of_string(rv_status_code(rejection.reason.status)));
    } else {
        show_both(c, &rejection.batch, &event, column, out);
    }
}

const rv_sql_system_table rv_sql_rejections_table = {
    .name = "rv_rejections",
    .columns = rejections_columns,
    .column_count = sizeof rejections_columns / sizeof *rejections_columns,
    .move = rejections_move,
    .show = rejections_show,
    .rows = 20.0,
};
