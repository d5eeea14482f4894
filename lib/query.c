/* SPDX-License-Identifier: Apache-2.0 */
/* SQL, as the C interface has it. */
#include "lib/db.h"

#include "core/base/assert.h"

static rv_db_query *free_query(rv_db *db) {
    for (size_t i = 0; i < RV_DB_QUERIES_MAX; i += 1) {
        if (db->queries[i].query == NULL) {
            return &db->queries[i];
        }
    }
    return NULL;
}

rv_status rv_db_query_open(rv_db *db, rv_bytes sql, rv_bytes parameters, rv_db_query **out,
                           rv_error *err) {
    RV_ASSERT(db != NULL && out != NULL);
    *out = NULL;
    return db->sql == NULL
               ? rv_error_set(err, RV_UNSUPPORTED, "this database was opened without SQL")
               : rv_db_query_over(db, db->sql, NULL, sql, parameters, out, err);
}

rv_status rv_db_query_over(rv_db *db, rv_sql *sql, const rv_db_past *past, rv_bytes text,
                           rv_bytes parameters, rv_db_query **out, rv_error *err) {
    RV_ASSERT(sql != NULL);
    rv_db_query *const query = free_query(db);
    if (query == NULL) {
        return rv_error_set(err, RV_BUSY, "at most %u queries are open at once; close one",
                            (uint64_t)RV_DB_QUERIES_MAX);
    }
    const rv_status status = rv_sql_prepare(sql, text, parameters, &query->query, err);
    if (status != RV_OK) {
        query->query = NULL;
        return status;
    }
    query->db = db;
    query->past = past;
    *out = query;
    return RV_OK;
}

rv_status rv_db_query_next(rv_db_query *query, rv_error *err) {
    RV_ASSERT(query != NULL && query->query != NULL);
    rv_status status;
    do {
        status = rv_sql_step(query->query, err);
    } while (rv_db_again(query->db, status));
    return status;
}

rv_status rv_db_query_columns_json(const rv_db_query *query, rv_buffer *out) {
    RV_ASSERT(query != NULL && query->query != NULL && out != NULL);
    rv_writer w = rv_db_writer(out);
    rv_sql_columns_to_json(query->query, &w);
    return rv_db_written(&w, out);
}

rv_status rv_db_query_row_json(const rv_db_query *query, rv_buffer *out) {
    RV_ASSERT(query != NULL && query->query != NULL && out != NULL);
    rv_writer w = rv_db_writer(out);
    rv_sql_row_to_json(query->query, &w);
    return rv_db_written(&w, out);
}

void rv_db_interrupt(rv_db *db) {
    RV_ASSERT(db != NULL);
    (void)__atomic_fetch_add(&db->interrupts, 1, __ATOMIC_RELAXED);
}

void rv_db_query_close(rv_db_query *query) {
    if (query != NULL && query->query != NULL) {
        rv_sql_finish(query->query);
        query->query = NULL;
    }
}
