/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregates as virtual tables: SQLite asks for rows, and their cells come straight out of the
 * state.
 *
 * Each aggregate is a module that needs no CREATE VIRTUAL TABLE (an eponymous one): SQLite makes
 * the table when a statement first names it, so an aggregate that nobody asks for costs a hundred
 * bytes. The table is declared WITHOUT ROWID, its primary key being the aggregate's:
 *
 *     CREATE TABLE x ("id" INTEGER(0,0) PRIMARY KEY, "state" TEXT(0,3), …) WITHOUT ROWID
 *
 * The numbers behind the types are those of aggregate and column. SQLite ignores them, but repeats
 * them as the declared type of a result column, which is how a result knows its type.
 *
 * A primary key of several columns is declared behind the columns. Plans are made in plan.c: a
 * look-up by the whole primary key, a walk over a part of a secondary index, or a scan of all rows
 * in the order of storage. SQLite compares names without regard to ASCII case; a name that differs
 * from an earlier one in nothing else gets its number behind it: `Name:3`.
 */
#include "sql/joined.h"
#include "sql/straight.h"
#include "sql/system.h"
#include "sql/walk.h"
#include "sql/wide.h"

#include "core/model/schema_filter.h"
#include "core/model/value_number.h"
#include "core/state/table.h"

/* A name of the schema with `:` and a number, and its NUL. */
#define NAME_SIZE (RV_NAME_LEN_MAX + 8)

/* Room for a column in the declaration: the name with every quote doubled, the type, punctuation.
 */
#define COLUMN_SIZE (2 * NAME_SIZE + 64)

/* Which aggregate a module shows. */
typedef struct table_source {
    rv_sql *sql;
    uint16_t aggregate;
} table_source;

typedef struct table {
    sqlite3_vtab base; /* SQLite's part, first */
    table_source source;
    rv_sql_spot spots[]; /* a column's */
} table;

typedef struct table_cursor {
    rv_sql_straight at; /* SQLite's part and the machine's, first */
    const rv_state *state;
    const rv_aggregate *aggregate;
    rv_reader reader;      /* of the rows as they are since the last filter */
    rv_row row;            /* RV_ROW_NONE: the end */
    bool single;           /* the row was looked up: there is no next one */
    bool walks;            /* over a secondary index */
    uint32_t *looked;      /* of the run that goes through it (upkeep.h); NULL: none does */
    bool narrowed;         /* to what a result is kept up with: */
    uint32_t nth;          /* the next of it, */
    rv_sql_sight sight;    /* and this one; or of a row that was looked up as it was: it */
    const rv_view *before; /* where rows as they were lie */
    rv_arena cell; /* for cells that are spread over pages; grows when the first one comes */
    rv_sql_walk walk;
} table_cursor;

static const rv_aggregate *aggregate_of(const table_source *source) {
    RV_ASSERT(source->sql != NULL);
    RV_ASSERT(source->aggregate < rv_schema_aggregate_count(source->sql->schema));
    return rv_schema_aggregate(source->sql->schema, source->aggregate);
}

/* --- names --- */

static uint8_t folded(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool same_name(rv_bytes a, rv_bytes b) {
    if (a.len != b.len) {
        return false;
    }
    size_t at = 0;
    while (at < a.len && folded(a.ptr[at]) == folded(b.ptr[at])) {
        at += 1;
    }
    return at == a.len;
}

/* Writes a name, with its number when an earlier one is taken for the same. */
static void write_name(rv_writer *w, rv_bytes name, bool taken, uint16_t number) {
    RV_ASSERT(name.len > 0 && name.len <= RV_NAME_LEN_MAX);
    rv_write(w, name);
    if (taken) {
        rv_write_u8(w, ':');
        rv_write_uint(w, number);
    }
    RV_ASSERT(!w->full);
}

static bool column_name_taken(const rv_aggregate *a, uint16_t column) {
    for (uint16_t c = 0; c < column; c++) {
        if (same_name(a->columns[c].name, a->columns[column].name)) {
            return true;
        }
    }
    return false;
}

/* A column's name, in quotes. */
static void write_column_name(rv_writer *w, const rv_aggregate *a, uint16_t column) {
    uint8_t memory[NAME_SIZE];
    rv_writer name = rv_writer_over(memory, sizeof memory);
    write_name(&name, a->columns[column].name, column_name_taken(a, column), column);
    rv_write_u8(w, '"');
    for (size_t i = 0; i < name.len; i++) {
        rv_write_u8(w, name.ptr[i]);
        if (name.ptr[i] == '"') {
            rv_write_u8(w, '"');
        }
    }
    rv_write_u8(w, '"');
    RV_ASSERT(name.len > 0);
}

static void write_column(rv_writer *w, const rv_aggregate *a, uint16_t column) {
    const rv_type *const type = &a->columns[column].type;
    RV_ASSERT(a->key_count > 0);
    write_column_name(w, a, column);
    rv_write_u8(w, ' ');
    rv_write_text(w, rv_sql_declaration_of(type));
    rv_write_u8(w, '(');
    rv_write_uint(w, a->number);
    rv_write_u8(w, ',');
    rv_write_uint(w, column);
    rv_write_u8(w, ')');
    if (column == a->key && a->key_count == 1) {
        rv_write_text(w, " PRIMARY KEY");
    }
    const char *const collation = rv_sql_collation_of(type);
    if (strcmp(collation, "BINARY") != 0) {
        rv_write_text(w, " COLLATE ");
        rv_write_text(w, collation);
    }
}

/* --- the table --- */

static int declare(sqlite3 *db, const rv_aggregate *a) {
    const size_t size = 96 + (size_t)(a->column_count + a->key_count) * COLUMN_SIZE;
    char *text = sqlite3_malloc64(size);
    if (text == NULL) {
        return SQLITE_NOMEM;
    }
    rv_writer w = rv_writer_over(text, size);
    rv_write_text(&w, "CREATE TABLE x (");
    for (uint16_t column = 0; column < a->column_count; column++) {
        rv_write_text(&w, column == 0 ? "" : ", ");
        write_column(&w, a, column);
    }
    rv_write_text(&w, ", \"" RV_SQL_PLACE "\" HIDDEN");
    for (uint16_t i = 0; i < a->key_count && a->key_count > 1; i++) {
        rv_write_text(&w, i == 0 ? ", PRIMARY KEY (" : ", ");
        write_column_name(&w, a, a->keys[i]);
    }
    rv_write_text(&w, a->key_count > 1 ? ")) WITHOUT ROWID" : ") WITHOUT ROWID");
    rv_write_u8(&w, 0);
    RV_ASSERT(!w.full);
    const int rc = sqlite3_declare_vtab(db, text);
    sqlite3_free(text);
    return rc;
}

/* How a column's cells go to the machine. */
static rv_sql_way way_of(const rv_type *type, const rv_cell_layout *cell) {
    static const rv_sql_way integers[] = {[RV_CELL_INT8] = RV_SQL_WAY_INT8,
                                          [RV_CELL_INT16] = RV_SQL_WAY_INT16,
                                          [RV_CELL_INT32] = RV_SQL_WAY_INT32,
                                          [RV_CELL_INT64] = RV_SQL_WAY_INT64};
    switch (rv_sql_form_of(type)) {
    case RV_SQL_INTEGER:
        return cell->form <= RV_CELL_INT64 ? integers[cell->form] : RV_SQL_WAY_ASK;
    case RV_SQL_DECIMAL:
        return cell->form == RV_CELL_INT64 ? RV_SQL_WAY_DECIMAL : RV_SQL_WAY_ASK;
    case RV_SQL_REAL:
        return cell->form == RV_CELL_FLOAT64 ? RV_SQL_WAY_DOUBLE : RV_SQL_WAY_ASK;
    case RV_SQL_FORMATTED:
        return cell->form == RV_CELL_INT64 ? RV_SQL_WAY_TIME : RV_SQL_WAY_ASK;
    case RV_SQL_TEXT:
        return cell->form == RV_CELL_KEY ? RV_SQL_WAY_KEY : RV_SQL_WAY_TEXT;
    default:
        return RV_SQL_WAY_ASK;
    }
}

static rv_sql_spot spot_of(const rv_type *type, const rv_cell_layout *cell) {
    const rv_sql_way way = way_of(type, cell);
    RV_ASSERT(way != RV_SQL_WAY_DECIMAL || type->scale > 0);
    return (rv_sql_spot){.offset = cell->offset,
                         .way = (uint8_t)way,
                         .detail = (uint8_t)(way == RV_SQL_WAY_TIME      ? (int32_t)type->kind
                                             : way == RV_SQL_WAY_DECIMAL ? type->scale
                                                                         : 0)};
}

static int table_connect(sqlite3 *db, void *source, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **error) {
    (void)argc;
    (void)argv;
    (void)error;
    RV_ASSERT(source != NULL && out != NULL);
    const table_source *from = source;
    int rc = declare(db, aggregate_of(from));
    if (rc == SQLITE_OK) {
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    }
    if (rc != SQLITE_OK) {
        return rc;
    }
    const rv_aggregate *const a = aggregate_of(from);
    table *t = sqlite3_malloc64(sizeof *t + a->column_count * sizeof(rv_sql_spot));
    if (t == NULL) {
        return SQLITE_NOMEM;
    }
    *t = (table){.source = *from};
    rv_cell_layout cells[RV_COLUMNS_MAX];
    rv_table_layout(a, cells);
    for (uint16_t column = 0; column < a->column_count; column++) {
        t->spots[column] = spot_of(&a->columns[column].type, &cells[column]);
        if (rv_sql_form_of(&a->columns[column].type) == RV_SQL_WIDE) {
            rv_sql_forgo_filters(db);
        }
    }
    *out = &t->base;
    return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *base) {
    RV_ASSERT(base != NULL);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    RV_ASSERT(base != NULL && info != NULL);
    const table_source *source = &((const table *)(const void *)base)->source;
    const rv_aggregate *const a = aggregate_of(source);
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn == (int)a->column_count) {
            base->zErrMsg = sqlite3_mprintf("an aggregate has no arguments");
            return SQLITE_ERROR;
        }
    }
    return source->sql->narrowed == source->aggregate
               ? rv_sql_plan_narrow(info)
               : rv_sql_plan_choose(a, rv_state_row_count(source->sql->state, source->aggregate),
                                    info);
}

bool rv_sql_table_sorts(const sqlite3_vtab *base, int column) {
    const rv_aggregate *const a = aggregate_of(&((const table *)(const void *)base)->source);
    bool sorts = false;
    for (uint16_t i = 0; i < a->index_count; i++) {
        for (uint16_t c = 0; c < a->indexes[i].column_count; c++) {
            sorts = sorts || (a->indexes[i].columns[c] == column &&
                              rv_sql_bound_sorted(&a->columns[column].type, true));
        }
    }
    return sorts;
}

uint16_t rv_sql_table_aggregate(const sqlite3_vtab *base) {
    return ((const table *)(const void *)base)->source.aggregate;
}

/* --- the cursor --- */

static int table_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    RV_ASSERT(base != NULL && out != NULL);
    const table_source *source = &((const table *)(const void *)base)->source;
    table_cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    memset(cursor, 0, offsetof(table_cursor, walk));
    rv_sql_walk_clear(&cursor->walk);
    cursor->at.spots = ((const table *)(const void *)base)->spots;
    cursor->state = source->sql->state;
    cursor->aggregate = aggregate_of(source);
    if (source->sql->running != NULL) {
        source->sql->running->reads_rows = true;
    }
    *out = &cursor->at.base;
    return SQLITE_OK;
}

static rv_sql *sql_of(const table_cursor *cursor) {
    return ((const table *)(const void *)cursor->at.base.pVtab)->source.sql;
}

/* Where what is read is noted; NULL: nowhere. */
static rv_reads *reads_of(const table_cursor *cursor) {
    const rv_sql *const sql = sql_of(cursor);
    return sql->running == NULL ? NULL : sql->running->reads;
}

/* The walk is over, at its end or where nobody wants to know more. */
static void leave_walk(table_cursor *cursor) {
    rv_reads *const reads = cursor->walks ? reads_of(cursor) : NULL;
    if (reads != NULL) {
        rv_sql_walk_note(&cursor->walk, cursor->row, reads);
    }
    cursor->walks = false;
}

static int table_close(sqlite3_vtab_cursor *base) {
    RV_ASSERT(base != NULL);
    table_cursor *cursor = (table_cursor *)(void *)base;
    leave_walk(cursor);
    sqlite3_free(cursor->cell.ptr);
    rv_sql_walk_close(&cursor->walk);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

/* Which rows can have the key that is sought, column by column, as the plan says if it has a text.
 * `key` lies in `sought` or `scratch`.
 */
static rv_sql_match match_key(const rv_aggregate *a, const char *plan, sqlite3_value **sought,
                              rv_arena *scratch, rv_value *key) {
    rv_sql_match match = RV_SQL_MATCH_KEY;
    RV_ASSERT(a->key_count > 0 && a->key_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < a->key_count && match != RV_SQL_MATCH_NONE; i++) {
        const rv_type *type = &a->columns[a->keys[i]].type;
        const rv_sql_match one = plan != NULL && plan[i] == '~'
                                     ? rv_sql_cell_key_of_digits(type, sought[i], scratch, &key[i])
                                     : rv_sql_cell_key(type, sought[i], scratch, &key[i]);
        match = one == RV_SQL_MATCH_KEY ? match : one;
    }
    return match;
}

/* Has the cursor stand on a row, or at the end. Returns SQLITE_OK. */
static int stand_on(table_cursor *cursor, rv_row row) {
    cursor->row = row;
    if (row != RV_ROW_NONE) {
        cursor->at.row = rv_reader_row(&cursor->reader, row);
        cursor->at.count = cursor->aggregate->column_count;
    }
    return SQLITE_OK;
}

/* Notes a look-up, or that all rows are gone through. */
static void note_read(const table_cursor *cursor, rv_sql_match match, const rv_value *key) {
    rv_reads *const reads = reads_of(cursor);
    if (reads != NULL && match == RV_SQL_MATCH_KEY) {
        rv_reads_key(reads, cursor->state, cursor->aggregate->number, key);
    } else if (reads != NULL && match == RV_SQL_MATCH_SCAN) {
        rv_reads_all(reads, cursor->aggregate->number);
    }
}

/* The column that a scan's plan begins with, and what it says of it. */
static uint16_t column_of(const char **plan) {
    uint32_t column = 0;
    for (; **plan >= '0' && **plan <= '9'; *plan += 1) {
        column = column * 10 + (uint32_t)(**plan - '0');
    }
    RV_ASSERT(column < RV_COLUMNS_MAX && **plan == ':');
    *plan += 1;
    return (uint16_t)column;
}

/* Notes that those rows count whose column is equal to what is sought; to NULL none is. */
static void note_equal(table_cursor *cursor, uint16_t column, sqlite3_value *sought,
                       rv_arena *scratch, rv_reads *reads) {
    const rv_aggregate *const a = cursor->aggregate;
    const rv_type *const type = &a->columns[column].type;
    const size_t mark = rv_arena_mark(scratch);
    rv_value value = rv_value_null();
    if (sqlite3_value_type(sought) == SQLITE_NULL) {
        return;
    }
    if (rv_schema_filter_equates(type) &&
        rv_sql_cell_key(type, sought, scratch, &value) == RV_SQL_MATCH_KEY &&
        !rv_value_is_null(&value)) {
        rv_reads_value(reads, cursor->state, a->number, column, &value);
    } else {
        rv_sql_walk_note_column(&cursor->walk, sql_of(cursor), a, column, "=", 1, &sought, reads);
    }
    rv_arena_reset(scratch, mark);
}

/* Notes that rows are gone through of which those count whose column is as the plan says. SQLite's
 * result code. */
static int note_column(table_cursor *cursor, const char *plan, int argc, sqlite3_value **argv,
                       rv_arena *scratch) {
    rv_reads *const reads = reads_of(cursor);
    const rv_aggregate *const a = cursor->aggregate;
    const uint16_t column = column_of(&plan);
    if (reads == NULL || rv_reads_has_all(reads, a->number)) {
        return SQLITE_OK;
    }
    if (*plan == '=') {
        note_equal(cursor, column, argv[0], scratch, reads);
    } else if (*plan != '{') {
        rv_sql_walk_note_column(&cursor->walk, sql_of(cursor), a, column, plan, argc, argv, reads);
    } else {
        sqlite3_value *sought = NULL;
        int rc = sqlite3_vtab_in_first(argv[0], &sought);
        while (rc == SQLITE_OK && !rv_reads_has_all(reads, a->number)) {
            note_equal(cursor, column, sought, scratch, reads);
            rc = sqlite3_vtab_in_next(argv[0], &sought);
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    return SQLITE_OK;
}

/* Goes to what is shown next of what a result is kept up with. */
static int go_narrowed(table_cursor *cursor, rv_sql_query *query) {
    rv_sql_sight *const sight = &cursor->sight;
    if (!rv_sql_upkeep_sight(query, &cursor->nth, sight)) {
        return stand_on(cursor, RV_ROW_NONE);
    }
    if (sight->kind == RV_SQL_ROW) {
        return stand_on(cursor, sight->row);
    }
    cursor->row = UINT32_MAX; /* it is no row that is there */
    cursor->at.count = 0;
    return SQLITE_OK;
}

/* Stands on the row with the key as it was, or at the end. SQLite's result code. */
static int go_before(table_cursor *cursor, rv_sql_query *query, const rv_value *key,
                     rv_arena *scratch) {
    const uint8_t *const row =
        rv_sql_joined_find(query, cursor->at.base.pVtab, key, scratch, &cursor->before);
    if (query->run.lost) {
        return SQLITE_ERROR;
    }
    cursor->sight = (rv_sql_sight){.kind = RV_SQL_ROW_BEFORE, .bytes = row};
    cursor->row = row == NULL ? RV_ROW_NONE : UINT32_MAX; /* it is no row that is there */
    cursor->at.count = 0;
    return SQLITE_OK;
}

static int table_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                        sqlite3_value **argv) {
    table_cursor *cursor = (table_cursor *)(void *)base;
    const rv_aggregate *a = cursor->aggregate;
    rv_sql_match match = RV_SQL_MATCH_SCAN;
    rv_value key[RV_INDEX_COLUMNS_MAX];
    uint8_t memory[64 * RV_INDEX_COLUMNS_MAX];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_sql_query *const query = sql_of(cursor)->running;
    leave_walk(cursor);
    cursor->reader = rv_reader_of(cursor->state, a->number);
    cursor->at.pages = cursor->reader.pages;
    cursor->looked = NULL;
    cursor->narrowed = rv_sql_upkeep_narrows(query, base->pVtab);
    if (cursor->narrowed) {
        cursor->looked = &query->run.looked;
        cursor->before = &query->run.before[query->run.table];
        cursor->nth = 0;
        return go_narrowed(cursor, query);
    }
    if (plan == RV_SQL_PLAN_KEY) {
        RV_ASSERT(argc == (int)a->key_count);
        match = match_key(a, text, argv, &scratch, key);
    }
    cursor->single = match != RV_SQL_MATCH_SCAN;
    const bool notes = query != NULL && query->mode != RV_SQL_PLAIN;
    const rv_sql_seen seen =
        notes ? rv_sql_joined_seen(query, base->pVtab, cursor->single) : RV_SQL_SEEN_NOW;
    if (seen == RV_SQL_SEEN_LOST) {
        return SQLITE_ERROR;
    }
    cursor->walks = plan >= RV_SQL_PLAN_INDEX;
    if (cursor->walks) {
        rv_row first = RV_ROW_NONE;
        const int rc =
            rv_sql_walk_open(&cursor->walk, sql_of(cursor), a, (uint16_t)(plan - RV_SQL_PLAN_INDEX),
                             text, argc, argv, &first);
        (void)stand_on(cursor, first);
        if (notes && rv_sql_upkeep_filter(query, base->pVtab, a->number,
                                          rv_sql_walk_is_one(&cursor->walk) ? RV_SQL_READ_ONE
                                                                            : RV_SQL_READ_PART,
                                          rv_sql_walk_order(&cursor->walk))) {
            cursor->looked = &query->run.looked;
        }
        return rc;
    }
    if (notes && rv_sql_upkeep_filter(query, base->pVtab, a->number,
                                      cursor->single ? RV_SQL_READ_KEY : RV_SQL_READ_ALL,
                                      (rv_sql_order){.by_index = false})) {
        cursor->looked = &query->run.looked;
    }
    const bool tells = plan == RV_SQL_PLAN_SCAN && text != NULL;
    const int rc = tells ? note_column(cursor, text, argc, argv, &scratch) : SQLITE_OK;
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (!tells) {
        note_read(cursor, match, key);
    }
    if (seen == RV_SQL_SEEN_BEFORE && match == RV_SQL_MATCH_KEY) {
        return go_before(cursor, query, key, &scratch);
    }
    if (match == RV_SQL_MATCH_SCAN) {
        return stand_on(cursor, rv_state_row_next(cursor->state, a->number, RV_ROW_NONE));
    }
    return stand_on(cursor, match == RV_SQL_MATCH_KEY
                                ? rv_state_row_find(cursor->state, a->number, key)
                                : RV_ROW_NONE);
}

static int table_next(sqlite3_vtab_cursor *base) {
    table_cursor *cursor = (table_cursor *)(void *)base;
    const rv_row row = cursor->row;
    RV_ASSERT(row != RV_ROW_NONE);
    if (cursor->looked != NULL) {
        *cursor->looked = 0;
    }
    if (cursor->walks) {
        return stand_on(cursor, rv_sql_walk_next(&cursor->walk));
    }
    if (cursor->narrowed) {
        return go_narrowed(cursor, sql_of(cursor)->running);
    }
    if (cursor->single) {
        return stand_on(cursor, RV_ROW_NONE);
    }
    const rv_row near = rv_reader_next_near(&cursor->reader, row);
    return stand_on(cursor, near != RV_ROW_NONE
                                ? near
                                : rv_state_row_next(cursor->state, cursor->aggregate->number, row));
}

static int table_eof(sqlite3_vtab_cursor *base) {
    return ((const table_cursor *)(const void *)base)->row == RV_ROW_NONE;
}

/* A cell of the row. */
static int show_any(table_cursor *cursor, sqlite3_context *out, uint16_t column) {
    const rv_reader *const reader = &cursor->reader;
    const rv_type *const type = &cursor->aggregate->columns[column].type;
    rv_value value;
    rv_arena_reset(&cursor->cell, 0);
    while (rv_row_get(reader->pages, reader->table, cursor->at.row, column, &cursor->cell,
                      &value) != RV_OK) {
        if (!rv_sql_cell_grow(&cursor->cell)) {
            sqlite3_result_error_nomem(out);
            return SQLITE_NOMEM;
        }
    }
    rv_sql_cell_show(out, rv_sql_form_of(type), type, &value, cursor->cell.len == 0);
    return SQLITE_OK;
}

/* A cell of what is no row that is there: of one as it was, or a copy of one. */
static int show_narrowed(table_cursor *cursor, sqlite3_context *out, uint16_t column) {
    const rv_sql_sight *const sight = &cursor->sight;
    const rv_type *const type = &cursor->aggregate->columns[column].type;
    rv_value value = sight->kind == RV_SQL_COPY ? sight->values[column] : rv_value_null();
    rv_arena_reset(&cursor->cell, 0);
    while (sight->kind == RV_SQL_ROW_BEFORE &&
           rv_view_get(cursor->before, sight->bytes, column, &cursor->cell, &value) != RV_OK) {
        if (!rv_sql_cell_grow(&cursor->cell)) {
            sqlite3_result_error_nomem(out);
            return SQLITE_NOMEM;
        }
    }
    if (value.class_ == RV_VALUE_NULL) {
        sqlite3_result_null(out);
    } else {
        rv_sql_cell_show(out, rv_sql_form_of(type), type, &value, false);
    }
    return SQLITE_OK;
}

/* What does not lie in the row's bytes. The hidden column says which row it is, for who keeps a
 * result up, and else is NULL. */
static int show_apart(table_cursor *cursor, sqlite3_context *out, int column) {
    RV_ASSERT(cursor->row != RV_ROW_NONE && column >= 0);
    RV_ASSERT(column <= (int)cursor->aggregate->column_count);
    if (column < (int)cursor->aggregate->column_count) {
        return show_narrowed(cursor, out, (uint16_t)column);
    }
    if (sql_of(cursor)->running->mode != RV_SQL_PLAIN) {
        sqlite3_result_int64(out, cursor->narrowed ? cursor->sight.place : (int64_t)cursor->row);
    }
    return SQLITE_OK;
}

/* What the machine did not find itself (straight.h). */
static int table_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column) {
    table_cursor *const cursor = (table_cursor *)(void *)base;
    return column < (int)cursor->at.count ? show_any(cursor, out, (uint16_t)column)
                                          : show_apart(cursor, out, column);
}

/* Tables WITHOUT ROWID are never asked. */
static int table_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    (void)base;
    *rowid = 0;
    return SQLITE_ERROR;
}

const sqlite3_module rv_sql_table_module = {
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xOpen = table_open,
    .xClose = table_close,
    .xFilter = table_filter,
    .xNext = table_next,
    .xEof = table_eof,
    .xColumn = table_column,
    .xRowid = table_rowid,
};

/* --- for the other files --- */

static bool aggregate_name_taken(const rv_schema *schema, uint16_t number) {
    const rv_bytes name = rv_schema_aggregate(schema, number)->name;
    for (uint16_t n = 0; n < number; n++) {
        if (same_name(rv_schema_aggregate(schema, n)->name, name)) {
            return true;
        }
    }
    return false;
}

static void free_source(void *source) {
    sqlite3_free(source);
}

int rv_sql_tables_declare(rv_sql *sql) {
    RV_ASSERT(sql != NULL && sql->db != NULL);
    const uint16_t count = rv_schema_aggregate_count(sql->schema);
    RV_ASSERT(sql->tables <= count);
    if (sql->tables < count) {
        (void)rv_sql_kept_forget(sql); /* a name may mean another table now */
    }
    while (sql->tables < count) {
        char name[NAME_SIZE + 1];
        rv_writer w = rv_writer_over(name, sizeof name);
        write_name(&w, rv_schema_aggregate(sql->schema, sql->tables)->name,
                   aggregate_name_taken(sql->schema, sql->tables), sql->tables);
        rv_write_u8(&w, 0);
        table_source *source = sqlite3_malloc64(sizeof *source);
        if (source == NULL) {
            return SQLITE_NOMEM;
        }
        *source = (table_source){sql, sql->tables};
        const int rc =
            sqlite3_create_module_v2(sql->db, name, &rv_sql_table_module, source, free_source);
        if (rc != SQLITE_OK) {
            return rc; /* SQLite has freed the source */
        }
        sql->tables += 1;
    }
    return SQLITE_OK;
}

/* Reads a decimal number of at most four digits; false when there is none. */
static bool read_number(const char **at, uint32_t *number) {
    const char *p = *at;
    *number = 0;
    while (*p >= '0' && *p <= '9' && p - *at < 4) {
        *number = *number * 10 + (uint32_t)(*p - '0');
        p += 1;
    }
    const bool any = p != *at;
    *at = p;
    return any;
}

uint16_t rv_sql_tables_named(const rv_sql *sql, rv_bytes name) {
    uint16_t found = RV_NONE;
    RV_ASSERT(sql->tables <= RV_AGGREGATES_MAX);
    for (uint16_t n = 0; n < sql->tables; n++) {
        uint8_t memory[NAME_SIZE];
        rv_writer w = rv_writer_over(memory, sizeof memory);
        const rv_bytes own = rv_schema_aggregate(sql->schema, n)->name;
        if (own.len > name.len || !same_name(own, rv_bytes_of(name.ptr, own.len))) {
            continue; /* nor has it that name with its number behind it */
        }
        write_name(&w, own, aggregate_name_taken(sql->schema, n), n);
        found = same_name(rv_writer_bytes(&w), name) ? n : found; /* the last one has the name */
    }
    return found;
}

const rv_type *rv_sql_tables_type(const rv_sql *sql, const char *declared) {
    RV_ASSERT(sql != NULL);
    const char *at = declared == NULL ? NULL : strchr(declared, '(');
    uint32_t number = 0;
    uint32_t column = 0;
    if (at == NULL) {
        return NULL;
    }
    at += 1;
    if (!read_number(&at, &number) || *at != ',') {
        return NULL;
    }
    at += 1;
    if (!read_number(&at, &column) || *at != ')') {
        return NULL;
    }
    if (number == RV_SQL_SYSTEM_NUMBER) {
        return rv_sql_system_type(column);
    }
    if (number >= sql->tables) {
        return NULL;
    }
    const rv_aggregate *a = rv_schema_aggregate(sql->schema, (uint16_t)number);
    return column < a->column_count ? &a->columns[column].type : NULL;
}
