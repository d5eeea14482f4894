/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement may be, and how much it may cost.
 *
 * SQLite asks while it compiles: each thing a statement would do is let through or refused here, so
 * nothing but reading is ever compiled, whatever new statement a new SQLite brings. A statement
 * that reads nothing and would do nothing that SQLite asks about (BEGIN, VACUUM) is refused because
 * it is no SELECT.
 *
 * Cost is bounded in three ways: memory by the heap, time by the steps of SQLite's machine, and the
 * rest by the limits below, which also keep the depth of SQLite's recursion within a small stack.
 * Whoever waits for a query can end it sooner, by closing it, or from elsewhere by interrupting it.
 */
#include "core/model/schema_nearest.h"
#include "sql/connection.h"

/* Steps between two looks at the limit: often enough to stop within microseconds. */
#define STEPS_STRIDE 1000u

/* Bytes that are compared with bytes in a step. */
#define SEARCH_STEP 128u

typedef struct limit {
    int what;
    int value;
} limit;

static const limit limits[] = {
    {SQLITE_LIMIT_LENGTH, 16 << 20}, /* bytes of a value, and of a row while it is sorted */
    {SQLITE_LIMIT_SQL_LENGTH, (int)RV_SQL_TEXT_MAX},
    {SQLITE_LIMIT_COLUMN, 512},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_PARSER_DEPTH, 300}, /* nested subqueries take about ten each */
    {SQLITE_LIMIT_COMPOUND_SELECT, 64},
    {SQLITE_LIMIT_VDBE_OP, 100000},
    {SQLITE_LIMIT_FUNCTION_ARG, 100},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000}, /* LIKE costs pattern times text */
    {SQLITE_LIMIT_VARIABLE_NUMBER, 32766},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

/* Functions whose answer is not a matter of the data: a query gives the same rows on every node. */
static const char *const functions_refused[] = {
    "current_date", "current_time", "current_timestamp", "random",
    "randomblob",   "changes",      "total_changes",     "last_insert_rowid",
};

static const char *refused_function(const char *name) {
    RV_ASSERT(name != NULL);
    for (size_t i = 0; i < sizeof functions_refused / sizeof functions_refused[0]; i++) {
        if (strcmp(functions_refused[i], name) == 0) {
            return functions_refused[i];
        }
    }
    return NULL;
}

/* True when a table's name begins so. SQLite gives the name of one of which no column is read as
 * the statement has it, in any case. */
static bool begins_with(const char *name, const char *prefix) {
    return sqlite3_strnicmp(name, prefix, (int)strlen(prefix)) == 0;
}

/* SQLite makes tables out of PRAGMAs under names that begin so, unless an aggregate has the name.
 */
static bool table_refused(const rv_sql *sql, const char *name) {
    return begins_with(name, "pragma_") &&
           rv_sql_tables_named(sql, rv_bytes_of_string(name)) == RV_NONE;
}

static void note_use(rv_sql *sql, const char *name) {
    const uint16_t aggregate = rv_sql_tables_named(sql, rv_bytes_of_string(name));
    if (aggregate != RV_NONE) {
        sql->uses[aggregate / 64u] |= UINT64_C(1) << (aggregate % 64u);
    } else if (begins_with(name, "rv_")) {
        sql->uses_system = true;
    }
}

/* SQLite's authorizer. */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger) {
    (void)database;
    (void)trigger;
    rv_sql *sql = context;
    RV_ASSERT(sql != NULL);
    switch (action) {
    case SQLITE_SELECT:
        sql->reads = true;
        return SQLITE_OK;
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_READ:
        if (first == NULL) {
            return SQLITE_OK; /* of no table */
        }
        if (table_refused(sql, first)) {
            break;
        }
        if (second != NULL && strcmp(second, RV_SQL_PLACE) == 0) {
            return SQLITE_DENY; /* it is nobody's but shape.h's */
        }
        note_use(sql, first);
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        RV_ASSERT(second != NULL);
        if (strncmp(second, "rv_", 3) == 0) {
            return SQLITE_DENY;
        }
        if (refused_function(second) == NULL) {
            return SQLITE_OK;
        }
        sql->function = refused_function(second);
        return SQLITE_DENY;
    default:
        break;
    }
    sql->refused = true;
    return SQLITE_DENY;
}

int rv_sql_guard_steps(rv_sql *sql, uint32_t steps) {
    rv_sql_query *const query = sql->running;
    if (query == NULL) {
        return SQLITE_OK; /* compiling: bounded by the length of the text */
    }
    query->steps += steps;
    query->slice += steps;
    const bool over = query->interrupts != rv_sql_interrupts(sql) ||
                      (sql->steps_max > 0 && query->steps >= sql->steps_max);
    return over ? SQLITE_INTERRUPT : SQLITE_OK;
}

bool rv_sql_guard_search(void *sql, uint64_t work) {
    RV_ASSERT(work <= RV_SQL_SEARCH_MAX);
    return rv_sql_guard_steps(sql, (uint32_t)(work / SEARCH_STEP)) == SQLITE_OK;
}

bool rv_sql_guard_turn(const rv_sql_query *query) {
    const uint64_t slice = query->sql->steps_slice;
    return slice > 0 && query->again < RV_SQL_AGAIN_SLICED && query->mode != RV_SQL_KEPT &&
           query->slice >= slice;
}

/* SQLite's progress handler: SQLITE_INTERRUPT ends the query, SQLITE_BUSY lets others have their
 * turn (sql/sqlite.c). */
static int count_steps(void *context) {
    rv_sql *sql = context;
    RV_ASSERT(sql != NULL && sql->steps_stride > 0);
    const rv_sql_query *const query = sql->running;
    const int rc = rv_sql_guard_steps(sql, sql->steps_stride);
    if (query == NULL || rc != SQLITE_OK) {
        return rc;
    }
    return rv_sql_guard_turn(query) ? SQLITE_BUSY : SQLITE_OK;
}

/* The steps between two looks. */
static uint32_t stride_of(const rv_sql *sql) {
    uint64_t stride = STEPS_STRIDE;
    if (sql->steps_max > 0 && sql->steps_max < stride) {
        stride = sql->steps_max;
    }
    if (sql->steps_slice > 0 && sql->steps_slice < stride) {
        stride = sql->steps_slice;
    }
    RV_ASSERT(stride > 0);
    return (uint32_t)stride;
}

void rv_sql_guard_install(rv_sql *sql) {
    RV_ASSERT(sql != NULL && sql->db != NULL);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        (void)sqlite3_limit(sql->db, limits[i].what, limits[i].value);
        RV_ASSERT(sqlite3_limit(sql->db, limits[i].what, -1) <= limits[i].value);
    }
    (void)sqlite3_set_authorizer(sql->db, authorize, sql);
    sql->steps_stride = stride_of(sql);
    sql->upkeep_steps = RV_UPKEEP_STEPS_MIN;
    sqlite3_progress_handler(sql->db, (int)sql->steps_stride, count_steps, sql);
}

void rv_sql_guard_reset(rv_sql *sql) {
    RV_ASSERT(sql != NULL);
    sql->reads = false;
    sql->refused = false;
    sql->function = NULL;
    sql->failure.status = RV_OK;
}

static rv_status read_only(rv_error *err) {
    return rv_error_set(
        err, RV_SQL_READ_ONLY,
        "SQL can only read: a query is a SELECT, VALUES or EXPLAIN; data changes by "
        "appending events");
}

/* --- statements that are refused by their first word, before SQLite finds other fault with them
 * --- */

static const char *const words_refused[] = {
    "alter",   "analyze",  "attach",    "begin",  "commit", "create",  "delete",
    "detach",  "drop",     "end",       "insert", "pragma", "reindex", "release",
    "replace", "rollback", "savepoint", "update", "vacuum",
};

/* Goes past a comment; past nothing when none begins here. */
static size_t skip_comment(rv_bytes text, size_t at) {
    if (at + 1 >= text.len) {
        return at;
    }
    if (text.ptr[at] == '-' && text.ptr[at + 1] == '-') {
        while (at < text.len && text.ptr[at] != '\n') {
            at += 1;
        }
        return at;
    }
    if (text.ptr[at] == '/' && text.ptr[at + 1] == '*') {
        at += 2;
        while (at + 1 < text.len && !(text.ptr[at] == '*' && text.ptr[at + 1] == '/')) {
            at += 1;
        }
        return at + 1 < text.len ? at + 2 : text.len;
    }
    return at;
}

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == ';';
}

static uint8_t letter_of(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Takes a word and the white space around it off the text. */
static bool take_word(rv_bytes *text, const char *word) {
    const size_t len = strlen(word);
    size_t at = 0;
    size_t same = 0;
    while (at < text->len && is_space(text->ptr[at])) {
        at += 1;
    }
    while (same < len && at + same < text->len &&
           letter_of(text->ptr[at + same]) == (uint8_t)word[same]) {
        same += 1;
    }
    if (same < len || at + len == text->len || !is_space(text->ptr[at + len])) {
        return false;
    }
    *text = rv_bytes_from(*text, at + len);
    return true;
}

bool rv_sql_guard_explains(rv_bytes *text) {
    rv_bytes rest = *text;
    if (!take_word(&rest, "explain") || !take_word(&rest, "reads")) {
        return false;
    }
    *text = rest;
    return true;
}

rv_status rv_sql_guard_admit(rv_bytes text, rv_error *err) {
    size_t at = 0;
    size_t before = SIZE_MAX;
    while (at != before) {
        before = at;
        while (at < text.len && is_space(text.ptr[at])) {
            at += 1;
        }
        at = skip_comment(text, at);
        RV_ASSERT(at <= text.len);
    }
    char word[16];
    size_t len = 0;
    while (at + len < text.len && len < sizeof word - 1 && letter_of(text.ptr[at + len]) >= 'a' &&
           letter_of(text.ptr[at + len]) <= 'z') {
        word[len] = (char)letter_of(text.ptr[at + len]);
        len += 1;
    }
    word[len] = '\0';
    for (size_t i = 0; i < sizeof words_refused / sizeof words_refused[0]; i++) {
        if (strcmp(word, words_refused[i]) == 0) {
            return read_only(err);
        }
    }
    return RV_OK;
}

/* --- judging, and what SQLite says --- */

rv_status rv_sql_guard_judge(const rv_sql *sql, sqlite3_stmt *statement, rv_error *err) {
    RV_ASSERT(sql != NULL && statement != NULL);
    RV_ASSERT(!sql->refused);
    if (!sql->reads || !sqlite3_stmt_readonly(statement)) {
        return read_only(err);
    }
    return RV_OK;
}

/* What follows `begin`; false: the text begins otherwise. */
static bool take_begin(rv_bytes *text, rv_bytes begin) {
    const bool begins =
        text->len >= begin.len && rv_bytes_equal(rv_bytes_of(text->ptr, begin.len), begin);
    *text = begins ? rv_bytes_from(*text, begin.len) : *text;
    return begins;
}

/* The aggregate that a table's name may mean; empty: none is near. */
static rv_bytes nearest_table(const rv_sql *sql, rv_bytes name) {
    rv_nearest nearest = rv_nearest_to(name);
    RV_ASSERT(sql->schema != NULL);
    for (uint16_t i = 0; i < rv_schema_aggregate_count(sql->schema); i++) {
        rv_nearest_offer(&nearest, rv_schema_aggregate(sql->schema, i)->name);
    }
    return nearest.best;
}

static bool ends_with(rv_bytes text, rv_bytes end) {
    return text.len >= end.len && rv_bytes_equal(rv_bytes_from(text, text.len - end.len), end);
}

/* SQLite's own words, and where in the text if it says so. */
static rv_status invalid(const rv_sql *sql, rv_error *err) {
    const rv_bytes message = rv_bytes_of_string(sqlite3_errmsg(sql->db));
    const bool now = rv_bytes_are(message, "no such function: now"); /* as expressions have it */
    if (sql->function != NULL || now) {
        return rv_error_set(
            err, RV_SQL_INVALID,
            "%s is not available: a query depends on nothing but the data; pass the "
            "value as a parameter",
            now ? "now" : sql->function);
    }
    if (ends_with(message, RV_LITERAL(" may not be modified"))) {
        return read_only(err); /* an INSERT behind EXPLAIN or WITH */
    }
    const int offset = sqlite3_error_offset(sql->db);
    rv_bytes name = message;
    const rv_bytes nearest = take_begin(&name, RV_LITERAL("no such table: "))
                                 ? nearest_table(sql, name)
                                 : (rv_bytes){NULL, 0};
    rv_error_set(err, RV_SQL_INVALID, nearest.len > 0 ? "%b; did you mean `%b`?" : "%b", &message,
                 &nearest);
    if (offset >= 0) {
        rv_error_fact_uint(err, "offset", (uint64_t)offset + sql->skipped);
    }
    return RV_SQL_INVALID;
}

rv_status rv_sql_guard_interrupted(const rv_sql_query *query, rv_error *err) {
    RV_ASSERT(query != NULL);
    return query->interrupts == rv_sql_interrupts(query->sql)
               ? RV_OK
               : rv_error_set(err, RV_INTERRUPTED, "the program stopped the query");
}

/* The query whose step is under way was ended by the progress handler. */
static rv_status stopped(const rv_sql *sql, rv_error *err) {
    RV_ASSERT(sql->running != NULL);
    const rv_status status = rv_sql_guard_interrupted(sql->running, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(sql->steps_max > 0);
    rv_error_set(err, RV_SQL_LIMIT,
                 "the query takes more than %u steps; let it look at fewer rows, joined by their "
                 "keys",
                 sql->steps_max);
    rv_error_fact_text(err, "limit", RV_LITERAL("steps"));
    rv_error_fact_uint(err, "steps_max", sql->steps_max);
    return RV_SQL_LIMIT;
}

rv_status rv_sql_guard_error(const rv_sql *sql, int rc, rv_error *err) {
    RV_ASSERT(sql != NULL);
    RV_ASSERT(rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE);
    if (sql->failure.status != RV_OK) {
        if (err != NULL) {
            *err = sql->failure;
        }
        return sql->failure.status;
    }
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
    case SQLITE_FULL:
        rv_error_set(err, RV_MEMORY_EXHAUSTED,
                     "the query needs more than the %u bytes that SQL has; let it sort and group "
                     "fewer rows, or give the node more memory",
                     (uint64_t)sql->memory);
        rv_error_fact_uint(err, "memory", (uint64_t)sql->memory);
        return RV_MEMORY_EXHAUSTED;
    case SQLITE_INTERRUPT:
        return stopped(sql, err);
    case SQLITE_TOOBIG:
        rv_error_set(err, RV_SQL_LIMIT, "a value, or a row that is sorted, is too long");
        rv_error_fact_text(err, "limit", RV_LITERAL("value"));
        return RV_SQL_LIMIT;
    default:
        return sql->refused ? read_only(err) : invalid(sql, err);
    }
}
