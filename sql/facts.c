/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System tables of what state and schema say: rv_streams, rv_aggregates, rv_event_types and
 * rv_status, which has one row. See system.h.
 */
#include "sql/system.h"

#include "core/engine/outbox.h"

/* Rows that are counted from 0. */
static bool move_in(rv_sql_system_cursor *c, bool first, uint64_t count) {
    c->at = first ? 0 : c->at + 1;
    RV_ASSERT(first || c->at > 0);
    return c->at < count;
}

/* --- rv_streams --- */

static const rv_sql_system_column streams_columns[] = {
    {"path", RV_SQL_SYSTEM_TEXT, false},
    {"stream", RV_SQL_SYSTEM_TEXT, false},
    {"version", RV_SQL_SYSTEM_BIGINT, false},
    {"first_sequence", RV_SQL_SYSTEM_BIGINT, false},
    {"last_sequence", RV_SQL_SYSTEM_BIGINT, false},
    {"last_position", RV_SQL_SYSTEM_BIGINT, false},
};

static bool streams_move(rv_sql_system_cursor *c, bool first) {
    return move_in(c, first, rv_state_stream_count(c->sql->state));
}

static bool streams_seek(rv_sql_system_cursor *c, rv_bytes path) {
    uint32_t number = 0;
    const bool found = path.len > 0 && rv_state_stream_find(c->sql->state, path, &number);
    c->at = number;
    RV_ASSERT(!found || number < rv_state_stream_count(c->sql->state));
    return found;
}

static void streams_show(const rv_sql_system_cursor *c, int column, sqlite3_context *out) {
    rv_stream_head head;
    RV_ASSERT(c->at < rv_state_stream_count(c->sql->state));
    rv_state_stream(c->sql->state, (uint32_t)c->at, &head);
    const uint64_t counts[] = {head.version, head.first_sequence, head.last_sequence,
                               head.last_position};
    if (column == 0) {
        rv_sql_show_text(out, head.path);
    } else if (column == 1) {
        rv_sql_show_text(out, head.declaration == RV_NONE
                                  ? rv_bytes_of(NULL, 0)
                                  : rv_schema_stream(c->sql->schema, head.declaration)->name);
    } else if (column == 2) {
        rv_sql_show_uint(out, head.version);
    } else {
        rv_sql_show_count(out, counts[column - 2]);
    }
}

const rv_sql_system_table rv_sql_streams_table = {
    .name = "rv_streams",
    .columns = streams_columns,
    .column_count = sizeof streams_columns / sizeof *streams_columns,
    .seeks = true,
    .move = streams_move,
    .seek = streams_seek,
    .show = streams_show,
    .rows = 1000.0,
};

/* --- rv_aggregates --- */

static const rv_sql_system_column aggregates_columns[] = {
    {"name", RV_SQL_SYSTEM_TEXT, false},      {"rows", RV_SQL_SYSTEM_BIGINT, false},
    {"shared", RV_SQL_SYSTEM_BOOLEAN, false}, {"key", RV_SQL_SYSTEM_JSON, false},
    {"columns", RV_SQL_SYSTEM_JSON, false},   {"stale_since", RV_SQL_SYSTEM_BIGINT, false},
};

static bool aggregates_move(rv_sql_system_cursor *c, bool first) {
    return move_in(c, first, rv_schema_aggregate_count(c->sql->schema));
}

static void write_member(rv_writer *w, const char *name, rv_bytes text) {
    rv_write_text(w, name);
    rv_write_json_string(w, text);
    RV_ASSERT(name[0] != '\0');
}

static void write_type(rv_writer *w, const rv_type *type) {
    uint8_t memory[2 * RV_NAME_LEN_MAX + 64];
    rv_writer text = rv_writer_over(memory, sizeof memory);
    rv_type_write(type, &text);
    RV_ASSERT(!text.full);
    write_member(w, ",\"type\":", rv_writer_bytes(&text));
}

static void write_key(const void *of, rv_writer *w) {
    const rv_aggregate *const a = of;
    RV_ASSERT(a->key_count > 0);
    for (uint16_t i = 0; i < a->key_count; i++) {
        rv_write_u8(w, i == 0 ? '[' : ',');
        rv_write_json_string(w, a->columns[a->keys[i]].name);
    }
    rv_write_u8(w, ']');
}

static void write_columns(const void *of, rv_writer *w) {
    const rv_aggregate *const a = of;
    RV_ASSERT(a->column_count > 0);
    for (uint16_t i = 0; i < a->column_count; i++) {
        rv_write_u8(w, i == 0 ? '[' : ',');
        write_member(w, "{\"name\":", a->columns[i].name);
        write_type(w, &a->columns[i].type);
        rv_write_u8(w, '}');
    }
    rv_write_u8(w, ']');
}

static void aggregates_show(const rv_sql_system_cursor *c, int column, sqlite3_context *out) {
    RV_ASSERT(c->at < rv_schema_aggregate_count(c->sql->schema));
    const rv_aggregate *const a = rv_schema_aggregate(c->sql->schema, (uint16_t)c->at);
    uint64_t since = 0;
    switch (column) {
    case 0:
        rv_sql_show_text(out, a->name);
        break;
    case 1:
        rv_sql_show_uint(out, rv_state_row_count(c->sql->state, a->number));
        break;
    case 2:
        rv_sql_show_bool(out, a->shared);
        break;
    case 3:
        rv_sql_show_written(out, write_key, a, 256);
        break;
    case 4:
        rv_sql_show_written(out, write_columns, a, 1024);
        break;
    default:
        rv_sql_show_count(out, rv_node_stale(c->sql->node, a->number, &since) ? since : 0);
        break;
    }
}

const rv_sql_system_table rv_sql_aggregates_table = {
    .name = "rv_aggregates",
    .columns = aggregates_columns,
    .column_count = sizeof aggregates_columns / sizeof *aggregates_columns,
    .move = aggregates_move,
    .show = aggregates_show,
    .rows = 10.0,
};

/* --- rv_event_types --- */

static const rv_sql_system_column event_types_columns[] = {
    {"name", RV_SQL_SYSTEM_TEXT, false},
    {"schema_version", RV_SQL_SYSTEM_BIGINT, false},
    {"fields", RV_SQL_SYSTEM_JSON, false},
    {"streams", RV_SQL_SYSTEM_JSON, false},
};

static bool event_types_move(rv_sql_system_cursor *c, bool first) {
    return move_in(c, first, rv_schema_event_type_count(c->sql->schema));
}

static void write_fields(const void *of, rv_writer *w) {
    const rv_event_type *const type = of;
    RV_ASSERT(type != NULL);
    rv_write_u8(w, '[');
    for (uint16_t f = 0; f < type->field_count; f++) {
        write_member(w, f == 0 ? "{\"name\":" : ",{\"name\":", type->fields[f].name);
        write_type(w, &type->fields[f].type);
        rv_write_text(w, type->fields[f].not_null ? ",\"not_null\":true" : ",\"not_null\":false");
        rv_write_text(w, type->fields[f].personal ? ",\"personal\":true}" : "}");
    }
    rv_write_u8(w, ']');
}

/* The streams that admit the event type of a cursor. */
static void write_streams(const void *of, rv_writer *w) {
    const rv_sql_system_cursor *const c = of;
    const rv_schema *const schema = c->sql->schema;
    bool some = false;
    rv_write_u8(w, '[');
    for (uint16_t s = 0; s < rv_schema_stream_count(schema); s++) {
        const rv_stream *const stream = rv_schema_stream(schema, s);
        for (uint16_t e = 0; e < stream->event_type_count; e++) {
            if (stream->event_types[e] == c->at) {
                rv_write_text(w, some ? "," : "");
                rv_write_json_string(w, stream->name);
                some = true;
            }
        }
    }
    rv_write_u8(w, ']');
}

static void event_types_show(const rv_sql_system_cursor *c, int column, sqlite3_context *out) {
    RV_ASSERT(c->at < rv_schema_event_type_count(c->sql->schema));
    const rv_event_type *const type = rv_schema_event_type(c->sql->schema, (uint16_t)c->at);
    switch (column) {
    case 0:
        rv_sql_show_text(out, type->name);
        break;
    case 1:
        rv_sql_show_uint(out, type->schema_version);
        break;
    case 2:
        rv_sql_show_written(out, write_fields, type, 1024);
        break;
    default:
        rv_sql_show_written(out, write_streams, c, 256);
        break;
    }
}

const rv_sql_system_table rv_sql_event_types_table = {
    .name = "rv_event_types",
    .columns = event_types_columns,
    .column_count = sizeof event_types_columns / sizeof *event_types_columns,
    .move = event_types_move,
    .show = event_types_show,
    .rows = 20.0,
};

/* --- rv_status --- */

typedef enum status_column {
    STATUS_ROLE,
    STATUS_LOG_ID,
    STATUS_NODE_ID,
    STATUS_READ_ONLY,
    STATUS_WHOLE,
    STATUS_SCHEMA_HASH,
    STATUS_COUNTS /* from here on */
} status_column;

static const rv_sql_system_column status_columns[] = {
    [STATUS_ROLE] = {"role", RV_SQL_SYSTEM_TEXT, false},
    [STATUS_LOG_ID] = {"log_id", RV_SQL_SYSTEM_UUID, false},
    [STATUS_NODE_ID] = {"node_id", RV_SQL_SYSTEM_UUID, false},
    [STATUS_READ_ONLY] = {"read_only", RV_SQL_SYSTEM_TEXT, false},
    [STATUS_WHOLE] = {"whole", RV_SQL_SYSTEM_BOOLEAN, false},
    [STATUS_SCHEMA_HASH] = {"schema_hash", RV_SQL_SYSTEM_TEXT, false},
    [STATUS_COUNTS] = {"schema_version", RV_SQL_SYSTEM_BIGINT, false},
    {"epoch", RV_SQL_SYSTEM_BIGINT, false},
    {"position", RV_SQL_SYSTEM_BIGINT, false},
    {"position_durable", RV_SQL_SYSTEM_BIGINT, false},
    {"sequence", RV_SQL_SYSTEM_BIGINT, false},
    {"sequence_durable", RV_SQL_SYSTEM_BIGINT, false},
    {"streams", RV_SQL_SYSTEM_BIGINT, false},
    {"pending", RV_SQL_SYSTEM_BIGINT, false},
    {"suspended", RV_SQL_SYSTEM_BIGINT, false},
    {"rejections", RV_SQL_SYSTEM_BIGINT, false},
    {"opaque_events", RV_SQL_SYSTEM_BIGINT, false},
    {"log_bytes", RV_SQL_SYSTEM_BIGINT, false},
    {"log_segments", RV_SQL_SYSTEM_BIGINT, false},
    {"row_bytes", RV_SQL_SYSTEM_BIGINT, false},
    {"row_bytes_max", RV_SQL_SYSTEM_BIGINT, false},
};

static bool status_move(rv_sql_system_cursor *c, bool first) {
    return move_in(c, first, 1);
}

static uint64_t status_count(const rv_sql *sql, int nth) {
    rv_node *const node = sql->node;
    const rv_log_identity *const identity = rv_node_identity(node);
    const rv_state_usage usage = rv_state_usage_of(sql->state);
    const rv_log *const log = rv_node_log(node);
    rv_outbox_facts outbox = {.pending = 0};
    if (rv_node_role(node) == RV_ROLE_EDGE) {
        outbox = rv_node_outbox(node);
    }
    const uint64_t counts[] = {
        rv_schema_version(sql->schema),
        identity == NULL ? 0 : identity->epoch,
        rv_node_watermark(node),
        rv_node_watermark_durable(node),
        rv_node_sequence(node),
        rv_node_sequence_durable(node),
        rv_state_stream_count(sql->state),
        outbox.pending,
        outbox.suspended,
        outbox.rejections,
        rv_node_opaque_events(node),
        rv_log_bytes(log),
        rv_log_segment_count(log),
        (uint64_t)usage.pages_used * RV_PAGE_SIZE,
        (uint64_t)usage.pages_total * RV_PAGE_SIZE,
    };
    RV_STATIC_ASSERT(sizeof counts / sizeof *counts ==
                         sizeof status_columns / sizeof *status_columns - STATUS_COUNTS,
                     "a count for each column");
    RV_ASSERT(nth >= 0 && (size_t)nth < sizeof counts / sizeof *counts);
    return counts[nth];
}

static void show_hash(sqlite3_context *out, rv_hash128 hash) {
    uint8_t memory[64];
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_hash128_write(hash, &w);
    RV_ASSERT(!w.full && w.len > 0);
    rv_sql_show_text(out, rv_writer_bytes(&w));
}

static void status_show(const rv_sql_system_cursor *c, int column, sqlite3_context *out) {
    rv_node *const node = c->sql->node;
    const rv_log_identity *const identity = rv_node_identity(node);
    const rv_status failed = rv_node_failed(node, NULL);
    RV_ASSERT(c->at == 0);
    if (column >= STATUS_COUNTS) {
        rv_sql_show_uint(out, status_count(c->sql, column - STATUS_COUNTS));
    } else if (column == STATUS_ROLE) {
        rv_sql_show_text(out, rv_node_role(node) == RV_ROLE_ROOT ? RV_LITERAL("root")
                                                                 : RV_LITERAL("edge"));
    } else if (column == STATUS_WHOLE) {
        rv_sql_show_bool(out, rv_node_whole(node));
    } else if (column == STATUS_SCHEMA_HASH) {
        show_hash(out, rv_schema_hash(c->sql->schema));
    } else if (column == STATUS_READ_ONLY) {
        rv_sql_show_text(out, failed == RV_OK ? rv_bytes_of(NULL, 0)
                                              : rv_bytes_of_string(rv_status_code(failed)));
    } else if (identity == NULL) {
        sqlite3_result_null(out);
    } else {
        rv_sql_show_id(out, column == STATUS_LOG_ID ? identity->log_id : identity->node_id);
    }
}

const rv_sql_system_table rv_sql_status_table = {
    .name = "rv_status",
    .columns = status_columns,
    .column_count = sizeof status_columns / sizeof *status_columns,
    .move = status_move,
    .show = status_show,
    .rows = 1.0,
};
