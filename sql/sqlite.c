/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one unit that SQLite is compiled in: its options, the amalgamation, and what it stands on
 * here: memory functions over the heap of the rv_sql that is being served, and a file system that
 * has no files, no clock and no entropy. What the other files call is in the table at the end; the
 * rest of SQLite is left out by the compiler.
 *
 * The build turns warnings off for this unit (the amalgamation has its own style), so only what
 * needs SQLite's static functions is here.
 */
#define SQLITE_API static
#define SQLITE_EXTERN

/* No files, no threads, no memory of its own. */
#define SQLITE_OS_OTHER           1
#define SQLITE_THREADSAFE         0
#define SQLITE_TEMP_STORE         3
#define SQLITE_ZERO_MALLOC        1
#define SQLITE_DEFAULT_MEMSTATUS  0
#define SQLITE_MAX_MMAP_SIZE      0
#define SQLITE_MAX_ATTACHED       0
#define SQLITE_MAX_WORKER_THREADS 0
#define SQLITE_OMIT_AUTOINIT      1
#define SQLITE_OMIT_LOOKASIDE     1 /* the heap is as fast, and nothing is held back */

/* "x" is a name, never a string; text compares bytewise, in LIKE too. */
#define SQLITE_DQS                     0
#define SQLITE_CASE_SENSITIVE_LIKE     1
#define SQLITE_LIKE_DOESNT_MATCH_BLOBS 1

/* What nothing here uses. */
#define SQLITE_OMIT_COMPILEOPTION_DIAGS 1
#define SQLITE_OMIT_COMPLETE            1
#define SQLITE_OMIT_DEPRECATED          1
#define SQLITE_OMIT_DESERIALIZE         1
#define SQLITE_OMIT_GET_TABLE           1
#define SQLITE_OMIT_INCRBLOB            1
#define SQLITE_OMIT_LOAD_EXTENSION      1
#define SQLITE_OMIT_LOCALTIME           1
#define SQLITE_OMIT_SHARED_CACHE        1
#define SQLITE_OMIT_TCL_VARIABLE        1
#define SQLITE_OMIT_TRACE               1
#define SQLITE_OMIT_UTF16               1
#define SQLITE_OMIT_WAL                 1
#define SQLITE_UNTESTABLE               1

/* In modules of WebAssembly, what carries out statements that are refused: sql/statements.h. */
#ifdef RV_SQL_QUERIES_ONLY
#define SQLITE_OMIT_ALTERTABLE        1
#define SQLITE_OMIT_ANALYZE           1
#define SQLITE_OMIT_AUTOINCREMENT     1
#define SQLITE_OMIT_AUTOVACUUM        1
#define SQLITE_OMIT_FOREIGN_KEY       1
#define SQLITE_OMIT_GENERATED_COLUMNS 1
#define SQLITE_OMIT_INTEGRITY_CHECK   1
#define SQLITE_OMIT_PRAGMA            1
#define SQLITE_OMIT_REINDEX           1
#define SQLITE_OMIT_TRIGGER           1
#define SQLITE_OMIT_VACUUM            1
#endif

/*
 * A query stops and goes on: sql/sqlite.sed puts these into the machine's loop. What the machine
 * knows is in its registers and cursors, so it needs only to return with SQLITE_BUSY, which leaves
 * a statement as it is; the next sqlite3_step goes on at the instruction that is noted here. SQLite
 * does the same where a database is locked.
 */
#define RV_WAIT(instructions)                                                                      \
    if (rc == SQLITE_BUSY) {                                                                       \
        p->pc = (int)(pOp - aOp) + (instructions);                                                 \
        p->rc = rc;                                                                                \
        goto vdbe_return;                                                                          \
    }
#define RV_WORK(db) ((db)->xProgress((db)->pProgressArg))

#include <sqlite3.c>

#include "sql/sqlite.h"

#include "core/base/assert.h"

#ifdef RV_SQL_QUERIES_ONLY
/* What would be a pragma as a table: refused, as all pragmas are. */
static Module *sqlite3PragmaVtabRegister(sqlite3 *db, const char *name) {
    RV_ASSERT(name != NULL);
    if (db->xAuth != NULL) {
        (void)db->xAuth(db->pAuthArg, SQLITE_PRAGMA, name, NULL, NULL, NULL);
    }
    return NULL;
}
#endif

rv_sql_context *rv_sql_enter(rv_sql_context *context) {
    RV_ASSERT(context != NULL);
    rv_sql_context *previous = current;
    current = context;
    return previous;
}

void rv_sql_leave(rv_sql_context *previous) {
    RV_ASSERT(current != NULL);
    current = previous;
}

void rv_sql_forgo_filters(sqlite3 *db) {
    RV_ASSERT(db != NULL);
    db->dbOptFlags |= SQLITE_BloomFilter;
}

/* --- memory --- */

static void *memory_take(int size) {
    return current == NULL ? NULL : rv_sql_heap_take(&current->heap, (size_t)size);
}

static void memory_give(void *taken) {
    RV_ASSERT(current != NULL);
    rv_sql_heap_give(&current->heap, taken);
}

static void *memory_resize(void *taken, int size) {
    RV_ASSERT(current != NULL);
    return rv_sql_heap_resize(&current->heap, taken, (size_t)size);
}

static int memory_size(void *taken) {
    RV_ASSERT(current != NULL);
    return (int)rv_sql_heap_size(&current->heap, taken);
}

static int memory_round(int size) {
    return (size + 7) & ~7;
}

static int memory_start(void *unused) {
    return SQLITE_OK;
}

static void memory_end(void *unused) {
}

static const sqlite3_mem_methods memory_methods = {
    .xMalloc = memory_take,
    .xFree = memory_give,
    .xRealloc = memory_resize,
    .xSize = memory_size,
    .xRoundup = memory_round,
    .xInit = memory_start,
    .xShutdown = memory_end,
};

/* --- a file system without files; databases in memory never ask for one --- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    return SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *there) {
    *there = 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    return SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *out) {
    memset(out, 0, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    return 0;
}

/* There is no clock: the query that asked fails (rv_sql_step looks at the mark). */
static int vfs_time(sqlite3_vfs *vfs, double *days) {
    RV_ASSERT(current != NULL);
    current->clock_asked = true;
    *days = 0;
    return SQLITE_ERROR;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out) {
    return 0;
}

static sqlite3_vfs vfs_none = {
    .iVersion = 1,
    .szOsFile = sizeof(sqlite3_file),
    .mxPathname = 64,
    .zName = "rivulet",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xRandomness = vfs_random,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
    .xGetLastError = vfs_last_error,
};

static int sqlite3_os_init(void) {
    return sqlite3_vfs_register(&vfs_none, 1);
}

static int sqlite3_os_end(void) {
    return SQLITE_OK;
}

void rv_sql_start(void) {
    RV_ASSERT(current != NULL);
    if (!sqlite3GlobalConfig.isInit) {
        int rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &memory_methods);
        RV_ASSERT(rc == SQLITE_OK);
        rc = sqlite3_initialize();
        RV_ASSERT(rc == SQLITE_OK);
        RV_ASSERT(current->heap.used == 0); /* nothing that would outlive this rv_sql */
    }
}

/* --- what the other files call --- */

const sqlite3_api_routines rv_sql_routines = {
    .aggregate_context = sqlite3_aggregate_context,
    .bind_blob64 = sqlite3_bind_blob64,
    .bind_double = sqlite3_bind_double,
    .bind_int64 = sqlite3_bind_int64,
    .bind_null = sqlite3_bind_null,
    .bind_parameter_count = sqlite3_bind_parameter_count,
    .bind_text64 = sqlite3_bind_text64,
    .clear_bindings = sqlite3_clear_bindings,
    .close = sqlite3_close,
    .column_blob = sqlite3_column_blob,
    .column_bytes = sqlite3_column_bytes,
    .column_count = sqlite3_column_count,
    .column_decltype = sqlite3_column_decltype,
    .column_double = sqlite3_column_double,
    .column_int64 = sqlite3_column_int64,
    .column_name = sqlite3_column_name,
    .column_type = sqlite3_column_type,
    .create_collation_v2 = sqlite3_create_collation_v2,
    .create_function_v2 = sqlite3_create_function_v2,
    .create_module_v2 = sqlite3_create_module_v2,
    .create_window_function = sqlite3_create_window_function,
    .declare_vtab = sqlite3_declare_vtab,
    .errmsg = sqlite3_errmsg,
    .error_offset = sqlite3_error_offset,
    .finalize = sqlite3_finalize,
    .free = sqlite3_free,
    .limit = sqlite3_limit,
    .malloc64 = sqlite3_malloc64,
    .mprintf = sqlite3_mprintf,
    .open_v2 = sqlite3_open_v2,
    .prepare_v3 = sqlite3_prepare_v3,
    .progress_handler = sqlite3_progress_handler,
    .reset = sqlite3_reset,
    .result_blob64 = sqlite3_result_blob64,
    .result_double = sqlite3_result_double,
    .result_error = sqlite3_result_error,
    .result_error_nomem = sqlite3_result_error_nomem,
    .result_int64 = sqlite3_result_int64,
    .result_null = sqlite3_result_null,
    .result_text64 = sqlite3_result_text64,
    .result_value = sqlite3_result_value,
    .set_authorizer = sqlite3_set_authorizer,
    .sql = sqlite3_sql,
    .step = sqlite3_step,
    .stmt_isexplain = sqlite3_stmt_isexplain,
    .stmt_readonly = sqlite3_stmt_readonly,
    .strnicmp = sqlite3_strnicmp,
    .transfer_bindings = sqlite3TransferBindings,
    .user_data = sqlite3_user_data,
    .value_blob = sqlite3_value_blob,
    .value_bytes = sqlite3_value_bytes,
    .value_double = sqlite3_value_double,
    .value_int64 = sqlite3_value_int64,
    .value_numeric_type = sqlite3_value_numeric_type,
    .value_type = sqlite3_value_type,
    .vtab_collation = sqlite3_vtab_collation,
    .vtab_config = sqlite3_vtab_config,
    .vtab_in = sqlite3_vtab_in,
    .vtab_in_first = sqlite3_vtab_in_first,
    .vtab_in_next = sqlite3_vtab_in_next,
    .xsnprintf = sqlite3_snprintf,
};
