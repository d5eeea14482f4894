/* SPDX-License-Identifier: Apache-2.0 */
/* System tables: their modules, and how values of theirs are shown. See system.h. */
#include "sql/system.h"

/* Bytes that one shown value may have: SQLite refuses longer ones. */
#define WRITTEN_LEN_MAX ((size_t)32 << 20)

/* Room for a column in a declaration. */
#define COLUMN_SIZE 64u

#define PLAN_ALL  0
#define PLAN_SEEK 1

typedef struct system_vtab {
    sqlite3_vtab base; /* SQLite's part, first */
    rv_sql *sql;
    const rv_sql_system_table *table;
} system_vtab;

typedef struct system_source {
    rv_sql *sql;
    const rv_sql_system_table *table;
} system_source;

static const rv_type types[RV_SQL_SYSTEM_KINDS] = {
    [RV_SQL_SYSTEM_BIGINT] = {.kind = RV_TYPE_BIGINT},
    [RV_SQL_SYSTEM_BOOLEAN] = {.kind = RV_TYPE_BOOLEAN},
    [RV_SQL_SYSTEM_TEXT] = {.kind = RV_TYPE_TEXT},
    [RV_SQL_SYSTEM_TIME] = {.kind = RV_TYPE_TIMESTAMPTZ},
    [RV_SQL_SYSTEM_UUID] = {.kind = RV_TYPE_UUID},
    [RV_SQL_SYSTEM_JSON] = {.kind = RV_TYPE_JSON},
};

const rv_type *rv_sql_system_type(uint32_t kind) {
    return kind < RV_SQL_SYSTEM_KINDS ? &types[kind] : NULL;
}

int rv_sql_system_columns(sqlite3 *db, const rv_sql_system_column *columns, size_t count) {
    RV_ASSERT(columns != NULL && count > 0);
    const size_t size = 64 + count * COLUMN_SIZE;
    char *const text = sqlite3_malloc64(size);
    if (text == NULL) {
        return SQLITE_NOMEM;
    }
    rv_writer w = rv_writer_over(text, size);
    rv_write_text(&w, "CREATE TABLE x (");
    for (size_t i = 0; i < count; i++) {
        rv_write_text(&w, i == 0 ? "\"" : ", \"");
        rv_write_text(&w, columns[i].name);
        rv_write_text(&w, columns[i].hidden ? "\" HIDDEN " : "\" ");
        rv_write_text(&w, rv_sql_declaration_of(&types[columns[i].kind]));
        rv_write_u8(&w, '(');
        rv_write_uint(&w, RV_SQL_SYSTEM_NUMBER);
        rv_write_u8(&w, ',');
        rv_write_uint(&w, (uint64_t)columns[i].kind);
        rv_write_u8(&w, ')');
    }
    rv_write_u8(&w, ')');
    rv_write_u8(&w, 0);
    RV_ASSERT(!w.full);
    const int rc = sqlite3_declare_vtab(db, text);
    sqlite3_free(text);
    return rc == SQLITE_OK ? sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS) : rc;
}

/* --- tables of facts --- */

static int system_connect(sqlite3 *db, void *source, int argc, const char *const *argv,
                          sqlite3_vtab **out, char **error) {
    (void)argc;
    (void)argv;
    (void)error;
    const system_source *const from = source;
    RV_ASSERT(from != NULL && from->table != NULL);
    const int rc = rv_sql_system_columns(db, from->table->columns, from->table->column_count);
    if (rc != SQLITE_OK) {
        return rc;
    }
    system_vtab *const made = sqlite3_malloc64(sizeof *made);
    if (made == NULL) {
        return SQLITE_NOMEM;
    }
    *made = (system_vtab){.sql = from->sql, .table = from->table};
    *out = &made->base;
    return SQLITE_OK;
}

static int system_disconnect(sqlite3_vtab *base) {
    RV_ASSERT(base != NULL);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int system_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const rv_sql_system_table *const table = ((const system_vtab *)(const void *)base)->table;
    RV_ASSERT(table->rows >= 1.0);
    info->estimatedCost = 10.0 + table->rows;
    info->estimatedRows = (sqlite3_int64)table->rows;
    for (int i = 0; i < info->nConstraint && table->seeks; i++) {
        const struct sqlite3_index_constraint *const c = &info->aConstraint[i];
        if (c->usable && c->iColumn == 0 && c->op == SQLITE_INDEX_CONSTRAINT_EQ &&
            strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
            info->aConstraintUsage[i].argvIndex = 1;
            info->idxNum = PLAN_SEEK;
            info->estimatedCost = 2.0;
            info->estimatedRows = 1;
            info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
            break;
        }
    }
    return SQLITE_OK;
}

static int system_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    const system_vtab *const vtab = (const system_vtab *)(const void *)base;
    RV_ASSERT(vtab != NULL && out != NULL);
    rv_sql_system_cursor *const cursor = sqlite3_malloc64(sizeof *cursor);
    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    *cursor = (rv_sql_system_cursor){.sql = vtab->sql, .table = vtab->table, .over = true};
    if (vtab->sql->running != NULL) {
        vtab->sql->running->reads_rows = true;
    }
    *out = &cursor->base;
    return SQLITE_OK;
}

static int system_close(sqlite3_vtab_cursor *base) {
    RV_ASSERT(base != NULL);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int system_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                         sqlite3_value **argv) {
    (void)text;
    rv_sql_system_cursor *const cursor = (rv_sql_system_cursor *)(void *)base;
    cursor->single = plan == PLAN_SEEK;
    cursor->event = 0;
    if (!cursor->single) {
        cursor->over = !cursor->table->move(cursor, true);
        return SQLITE_OK;
    }
    RV_ASSERT(argc == 1);
    cursor->over = true; /* text equals text only */
    if (sqlite3_value_type(argv[0]) == SQLITE_TEXT) {
        const void *const bytes = sqlite3_value_blob(argv[0]);
        const size_t len = bytes == NULL ? 0 : (size_t)sqlite3_value_bytes(argv[0]);
        cursor->over = !cursor->table->seek(cursor, rv_bytes_of(bytes, len));
    }
    return SQLITE_OK;
}

static int system_next(sqlite3_vtab_cursor *base) {
    rv_sql_system_cursor *const cursor = (rv_sql_system_cursor *)(void *)base;
    RV_ASSERT(!cursor->over);
    cursor->over = cursor->single || !cursor->table->move(cursor, false);
    return SQLITE_OK;
}

static int system_eof(sqlite3_vtab_cursor *base) {
    return ((const rv_sql_system_cursor *)(const void *)base)->over;
}

static int system_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column) {
    const rv_sql_system_cursor *const cursor = (const rv_sql_system_cursor *)(const void *)base;
    RV_ASSERT(!cursor->over);
    RV_ASSERT(column >= 0 && (size_t)column < cursor->table->column_count);
    cursor->table->show(cursor, column, out);
    return SQLITE_OK;
}

static int system_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    const rv_sql_system_cursor *const cursor = (const rv_sql_system_cursor *)(const void *)base;
    RV_ASSERT(!cursor->over);
    *rowid = (sqlite3_int64)cursor->at;
    return SQLITE_OK;
}

static const sqlite3_module system_module = {
    .xConnect = system_connect,
    .xBestIndex = system_best_index,
    .xDisconnect = system_disconnect,
    .xOpen = system_open,
    .xClose = system_close,
    .xFilter = system_filter,
    .xNext = system_next,
    .xEof = system_eof,
    .xColumn = system_column,
    .xRowid = system_rowid,
};

static void free_source(void *source) {
    sqlite3_free(source);
}

int rv_sql_system_declare(rv_sql *sql) {
    static const rv_sql_system_table *const tables[] = {
        &rv_sql_streams_table, &rv_sql_aggregates_table, &rv_sql_event_types_table,
        &rv_sql_status_table,  &rv_sql_pending_table,    &rv_sql_rejections_table,
    };
    RV_ASSERT(sql != NULL && sql->db != NULL);
    if (sql->node == NULL) {
        return SQLITE_OK;
    }
    int rc = sqlite3_create_module_v2(sql->db, "rv_events", &rv_sql_events_module, sql, NULL);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && rc == SQLITE_OK; i++) {
        system_source *const source = sqlite3_malloc64(sizeof *source);
        if (source == NULL) {
            return SQLITE_NOMEM;
        }
        *source = (system_source){sql, tables[i]};
        rc =
            sqlite3_create_module_v2(sql->db, tables[i]->name, &system_module, source, free_source);
    }
    return rc;
}

/* --- showing --- */

void rv_sql_show_uint(sqlite3_context *out, uint64_t value) {
    RV_ASSERT(out != NULL);
    sqlite3_result_int64(out, value > INT64_MAX ? INT64_MAX : (sqlite3_int64)value);
}

void rv_sql_show_count(sqlite3_context *out, uint64_t value) {
    if (value == 0) {
        sqlite3_result_null(out);
    } else {
        rv_sql_show_uint(out, value);
    }
}

void rv_sql_show_bool(sqlite3_context *out, bool value) {
    sqlite3_result_int64(out, value ? 1 : 0);
}

void rv_sql_show_text(sqlite3_context *out, rv_bytes text) {
    if (text.len == 0) {
        sqlite3_result_null(out);
    } else {
        sqlite3_result_text64(out, (const char *)text.ptr, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    }
}

void rv_sql_show_id(sqlite3_context *out, const uint8_t *id) {
    const rv_value value = rv_value_bytes(rv_bytes_of(id, 16));
    rv_sql_cell_show(out, RV_SQL_FORMATTED, &types[RV_SQL_SYSTEM_UUID], &value, false);
}

void rv_sql_show_time(sqlite3_context *out, int64_t unix_us) {
    const rv_value value = rv_value_int(unix_us - RV_EPOCH_DIFFERENCE_US);
    rv_sql_cell_show(out, RV_SQL_FORMATTED, &types[RV_SQL_SYSTEM_TIME], &value, false);
}

void rv_sql_show_written(sqlite3_context *out, rv_sql_write write, const void *of, size_t len) {
    RV_ASSERT(write != NULL && len > 0);
    for (; len <= WRITTEN_LEN_MAX; len *= 2) {
        char *const text = sqlite3_malloc64(len);
        if (text == NULL) {
            break;
        }
        rv_writer w = rv_writer_over(text, len);
        write(of, &w);
        if (!w.full && w.len > 0) {
            sqlite3_result_text64(out, text, w.len, sqlite3_free, SQLITE_UTF8);
            return;
        }
        sqlite3_free(text);
        if (!w.full) {
            sqlite3_result_null(out);
            return;
        }
    }
    sqlite3_result_error_nomem(out);
}

typedef struct typed_data {
    const rv_event_type *type;
    rv_bytes data;
} typed_data;

static void write_data(const void *of, rv_writer *w) {
    const typed_data *const d = of;
    RV_ASSERT(d->type != NULL);
    (void)rv_event_data_to_json(d->type, d->data, w); /* what does not decode is shown as bytes */
}

void rv_sql_show_data(sqlite3_context *out, const rv_event_type *type, rv_bytes data) {
    const typed_data of = {type, data};
    rv_sql_show_written(out, write_data, &of, 256 + 4 * data.len);
}
