/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from the state, each answer whole and at one position: GET /aggregates, its rows,
 * and SQL by POST or GET /query. An answer larger than a result buffer is refused, never cut.
 */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/model/json.h"

static rv_status too_large(const rv_exchange *x, rv_error *err) {
    const uint64_t length_max = x->face->options.result_len_max;
    rv_error_set(err, RV_SQL_LIMIT,
                 "the answer is larger than %u bytes; ask for less, in SQL with LIMIT or WHERE",
                 length_max);
    rv_error_fact_text(err, "limit", RV_LITERAL("answer"));
    rv_error_fact_uint(err, "length_max", length_max);
    return RV_SQL_LIMIT;
}

static rv_status answer_json(rv_exchange *x, rv_writer *w, rv_error *err) {
    rv_write_u8(w, '\n');
    exchange_leave_past(x);
    if (w->full) {
        return too_large(x, err);
    }
    exchange_answer(x, 200, "application/json", rv_writer_bytes(w));
    return RV_OK;
}

/* The answer is made of rows. Where they are to be noted; NULL: nobody asks. */
static rv_reads *begin_reads(rv_exchange *x) {
    x->source.followed = true;
    x->source.rows = exchange_is_live(x);
    if (!x->source.rows) {
        return NULL;
    }
    rv_reads_clear(&x->live.follower.reads);
    return &x->live.follower.reads;
}

/* --- aggregates --- */

/* The name of the key's column, or an array of its columns' names. */
static void write_key_names(const rv_aggregate *aggregate, rv_writer *w) {
    const bool several = aggregate->key_count > 1;
    for (uint16_t i = 0; i < aggregate->key_count; i++) {
        rv_write_text(w, i > 0 ? "," : several ? "[" : "");
        rv_write_json_string(w, aggregate->columns[aggregate->keys[i]].name);
    }
    rv_write_text(w, several ? "]" : "");
}

rv_status face_list_aggregates(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_writer w;
    rv_status status = face_as_of_parameter(x, url, err);
    status = status == RV_OK ? exchange_writer(x, true, &w) : status;
    if (status != RV_OK) {
        return status;
    }
    const rv_schema *schema = exchange_schema(x);
    rv_write_u8(&w, '[');
    for (uint16_t i = 0; i < rv_schema_aggregate_count(schema); i++) {
        const rv_aggregate *aggregate = rv_schema_aggregate(schema, i);
        if (face_require(x, FACE_ROWS, aggregate->name, NULL) != RV_OK) {
            continue;
        }
        rv_write_text(&w, w.len == 1 ? "{\"name\":" : ",{\"name\":");
        rv_write_json_string(&w, aggregate->name);
        rv_write_text(&w, ",\"key\":");
        write_key_names(aggregate, &w);
        rv_write_text(&w, ",\"shared\":");
        rv_write_text(&w, aggregate->shared ? "true" : "false");
        rv_write_text(&w, ",\"rows\":");
        rv_write_uint(&w, rv_state_row_count(exchange_state(x), i));
        rv_write_u8(&w, '}');
    }
    rv_write_u8(&w, ']');
    rv_reads *const reads = begin_reads(x);
    for (uint16_t i = 0; i < rv_schema_aggregate_count(schema) && reads != NULL; i++) {
        rv_reads_all(reads, i);
    }
    return answer_json(x, &w, err);
}

static rv_status write_row(rv_exchange *x, const rv_aggregate *aggregate, rv_row row,
                           rv_writer *w) {
    const rv_state *state = exchange_state(x);
    rv_arena *scratch = &x->face->scratch;
    const size_t mark = rv_arena_mark(scratch);
    for (uint16_t c = 0; c < aggregate->column_count; c++) {
        rv_value value;
        const rv_status status =
            rv_state_row_cell(state, aggregate->number, row, c, scratch, &value, NULL);
        if (status != RV_OK) {
            return status;
        }
        rv_write_u8(w, c == 0 ? '{' : ',');
        rv_write_json_string(w, aggregate->columns[c].name);
        rv_write_u8(w, ':');
        rv_value_to_json(&aggregate->columns[c].type, &value, w);
    }
    rv_write_u8(w, '}');
    rv_arena_reset(scratch, mark);
    return RV_OK;
}

static rv_status all_rows(rv_exchange *x, const rv_aggregate *aggregate, uint64_t limit,
                          rv_writer *w) {
    const rv_state *state = exchange_state(x);
    rv_reads *const reads = begin_reads(x);
    rv_row row = RV_ROW_NONE;
    rv_status status = RV_OK;
    if (reads != NULL) {
        rv_reads_all(reads, aggregate->number);
    }
    rv_write_u8(w, '[');
    for (uint64_t i = 0; i < limit && status == RV_OK && !w->full; i++) {
        row = rv_state_row_next(state, aggregate->number, row);
        if (row == RV_ROW_NONE) {
            break;
        }
        if (i > 0) {
            rv_write_u8(w, ',');
        }
        status = write_row(x, aggregate, row, w);
    }
    rv_write_u8(w, ']');
    return status;
}

/* There is no row with the key that the address names; of several columns, it is shown as (7, 2).
 */
static rv_status refuse_row(rv_exchange *x, const rv_aggregate *aggregate, const rv_bytes *keys,
                            rv_error *err) {
    rv_bytes key = keys[0];
    uint8_t *const text =
        aggregate->key_count > 1
            ? (uint8_t *)rv_arena_take_raw(&x->face->scratch, x->request.target.len * 2 + 16)
            : NULL;
    if (text != NULL) {
        rv_writer w = rv_writer_over(text, x->request.target.len * 2 + 16);
        for (uint16_t i = 0; i < aggregate->key_count; i++) {
            rv_write_text(&w, i > 0 ? ", " : "(");
            rv_write(&w, keys[i]);
        }
        rv_write_u8(&w, ')');
        key = rv_writer_bytes(&w);
    }
    (void)rv_error_set(err, RV_ROW_NOT_FOUND, "%b has no row with the key `%b`", &aggregate->name,
                       &key);
    rv_error_fact_text(err, "aggregate", aggregate->name);
    rv_error_fact_text(err, "key", key);
    return RV_ROW_NOT_FOUND;
}

void face_write_columns(const rv_aggregate *aggregate, rv_writer *w) {
    rv_write_u8(w, '[');
    for (uint16_t c = 0; c < aggregate->column_count; c++) {
        uint8_t type[2 * RV_NAME_LEN_MAX + 64];
        rv_writer text = rv_writer_over(type, sizeof type);
        rv_type_write(&aggregate->columns[c].type, &text);
        rv_write_text(w, c == 0 ? "{\"name\":" : ",{\"name\":");
        rv_write_json_string(w, aggregate->columns[c].name);
        rv_write_text(w, ",\"type\":");
        rv_write_json_string(w, rv_writer_bytes(&text));
        rv_write_u8(w, '}');
    }
    rv_write_u8(w, ']');
    RV_ASSERT(aggregate->column_count > 0);
}

/* The same as a query answers it: columns with their types, and an array of values. */
static rv_status write_columns_row(rv_exchange *x, const rv_aggregate *aggregate, rv_row row,
                                   rv_writer *w) {
    const rv_state *const state = exchange_state(x);
    rv_write_text(w, "{\"columns\":");
    face_write_columns(aggregate, w);
    rv_write_text(w, ",\"rows\":[[");
    for (uint16_t c = 0; c < aggregate->column_count; c++) {
        rv_value value;
        const size_t mark = rv_arena_mark(&x->face->scratch);
        const rv_status status =
            rv_state_row_cell(state, aggregate->number, row, c, &x->face->scratch, &value, NULL);
        if (status != RV_OK) {
            return status;
        }
        rv_write_text(w, c == 0 ? "" : ",");
        rv_value_to_json(&aggregate->columns[c].type, &value, w);
        rv_arena_reset(&x->face->scratch, mark);
    }
    RV_ASSERT(aggregate->column_count > 0);
    rv_write_text(w, "]]}");
    return RV_OK;
}

/* The row whose key the address names, segment by segment. */
static rv_status one_row(rv_exchange *x, const rv_aggregate *aggregate, const rv_bytes *keys,
                         bool columns, rv_writer *w, rv_error *err) {
    rv_value values[RV_INDEX_COLUMNS_MAX];
    RV_ASSERT(aggregate->key_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < aggregate->key_count; i++) {
        const rv_column *column = &aggregate->columns[aggregate->keys[i]];
        const rv_status status = rv_value_from_text(&column->type, keys[i], column->name,
                                                    &x->face->scratch, &values[i], err);
        if (status != RV_OK) {
            return status;
        }
    }
    const rv_state *const state = exchange_state(x);
    rv_reads *const reads = begin_reads(x);
    if (reads != NULL) {
        rv_reads_key(reads, state, aggregate->number, values);
    }
    const rv_row row = rv_state_row_find(state, aggregate->number, values);
    if (row == RV_ROW_NONE && exchange_is_live(x)) {
        rv_write_text(w, "null"); /* it may come, or come again */
        return RV_OK;
    }
    return row == RV_ROW_NONE ? refuse_row(x, aggregate, keys, err)
           : columns          ? write_columns_row(x, aggregate, row, w)
                              : write_row(x, aggregate, row, w);
}

/* An address with more or fewer segments than the aggregate's key has columns. */
static rv_status refuse_address(const rv_aggregate *aggregate, rv_error *err) {
    uint8_t text[RV_ERROR_DETAIL_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    for (uint16_t i = 0; i < aggregate->key_count; i++) {
        rv_write_text(&w, "/{");
        rv_write(&w, aggregate->columns[aggregate->keys[i]].name);
        rv_write_u8(&w, '}');
    }
    const rv_bytes keys = w.full ? RV_LITERAL("/{key}…") : rv_writer_bytes(&w);
    return rv_error_set(err, RV_NOT_FOUND,
                        "a row's address is /aggregates/%b%b, with a slash in a key as %%2F",
                        &aggregate->name, &keys);
}

bool face_note_stale(rv_exchange *x, uint16_t aggregate) {
    uint64_t since = 0;
    if (!exchange_stale(x, aggregate, &since)) {
        return false;
    }
    RV_ASSERT(since > 0);
    x->head.stale = x->head.stale == 0 || since < x->head.stale ? since : x->head.stale;
    return true;
}

rv_status face_aggregate(const rv_exchange *x, rv_bytes name, const rv_aggregate **aggregate,
                         rv_error *err) {
    *aggregate = rv_schema_aggregate_named(exchange_schema(x), name);
    if (*aggregate != NULL) {
        return RV_OK;
    }
    return x->head.past ? rv_error_set(err, RV_UNKNOWN_AGGREGATE,
                                       "there was no aggregate `%b` yet at position %u", &name,
                                       x->head.as_of)
                        : rv_error_set(err, RV_UNKNOWN_AGGREGATE,
                                       "there is no aggregate `%b`; /aggregates lists them", &name);
}

rv_status face_rows(rv_exchange *x, const rv_url *url, rv_error *err) {
    const rv_aggregate *aggregate;
    rv_status status = face_as_of_parameter(x, url, err);
    status = status == RV_OK ? face_aggregate(x, url->segments[1], &aggregate, err) : status;
    if (status != RV_OK) {
        return status;
    }
    if (url->segment_count > 2 && url->segment_count != 2u + aggregate->key_count) {
        return refuse_address(aggregate, err);
    }
    uint64_t limit = UINT64_MAX;
    bool columns = false;
    rv_writer w;
    status = face_require(x, FACE_ROWS, aggregate->name, err);
    status = status == RV_OK ? rv_url_number(url, "limit", &x->face->scratch, &limit, err) : status;
    status = status == RV_OK ? face_read_flag(x, url, "columns", &columns, err) : status;
    status = status == RV_OK ? exchange_writer(x, true, &w) : status;
    if (status == RV_OK) {
        (void)face_note_stale(x, aggregate->number);
        status = url->segment_count > 2 ? one_row(x, aggregate, &url->segments[2], columns, &w, err)
                                        : all_rows(x, aggregate, limit, &w);
    }
    return status == RV_OK ? answer_json(x, &w, err) : status;
}

/* --- SQL --- */

/* What is asked. */
typedef struct query_request {
    rv_bytes sql;
    rv_bytes params; /* a JSON array, or empty */
    uint64_t rows;   /* the most there may be; UINT64_MAX: any number */
    rv_bytes as_of;  /* if `past`, else now */
    bool past;
    bool differences;
} query_request;

/* Takes a member of the body that asks; `whole` is its value's text. False: it is none. */
static bool take_member(query_request *q, rv_bytes name, const rv_json_token *value,
                        rv_bytes whole) {
    if (rv_bytes_are(name, "sql") && value->kind == RV_JSON_STRING) {
        q->sql = value->text;
        return true;
    }
    if (rv_bytes_are(name, "params") && value->kind == RV_JSON_ARRAY_BEGIN) {
        q->params = whole;
        return true;
    }
    if (rv_bytes_are(name, "as_of") &&
        (value->kind == RV_JSON_STRING || value->kind == RV_JSON_NUMBER)) {
        q->as_of = value->text;
        q->past = true;
        return true;
    }
    if (rv_bytes_are(name, "differences") &&
        (value->kind == RV_JSON_TRUE || value->kind == RV_JSON_FALSE)) {
        q->differences = value->kind == RV_JSON_TRUE;
        return true;
    }
    return rv_bytes_are(name, "rows") && value->kind == RV_JSON_NUMBER &&
           rv_number_parse(value->text, &q->rows);
}

/* Reads `{"sql":"…","params":[…],"rows":1000,"as_of":7}`. */
static rv_status read_query(rv_exchange *x, query_request *q, rv_error *err) {
    rv_json json = rv_json_over(x->request.body, &x->face->scratch);
    rv_json_token key;
    rv_status status = rv_json_next(&json, &key, err);
    if (status == RV_OK && key.kind != RV_JSON_OBJECT_BEGIN) {
        return rv_error_set(err, RV_REQUEST_INVALID, "a query is {\"sql\": …, \"params\": […]}");
    }
    status = status == RV_OK ? rv_json_next(&json, &key, err) : status;
    while (status == RV_OK && key.kind == RV_JSON_KEY) {
        rv_json_token value;
        rv_bytes whole;
        status = rv_json_next(&json, &value, err);
        status = status == RV_OK ? rv_json_skip(&json, &value, &whole, err) : status;
        if (status != RV_OK) {
            return status;
        }
        if (!take_member(q, key.text, &value, whole)) {
            return rv_error_set(err, RV_REQUEST_INVALID,
                                "a query has \"sql\" (a string), \"params\" (an array), \"rows\" "
                                "(the most there may be), \"as_of\" (a position or a time) and "
                                "\"differences\" (true), not `%b`",
                                &key.text);
        }
        status = rv_json_next(&json, &key, err);
    }
    return status == RV_OK ? rv_json_next(&json, &key, err) : status;
}

/* The same from the address. */
static rv_status read_query_address(rv_exchange *x, const rv_url *url, query_request *q,
                                    rv_error *err) {
    rv_arena *const scratch = &x->face->scratch;
    bool found = false;
    rv_status status = rv_url_parameter(url, "sql", scratch, &q->sql, &found, err);
    status = status == RV_OK ? rv_url_parameter(url, "params", scratch, &q->params, &found, err)
                             : status;
    status = status == RV_OK ? rv_url_parameter(url, "as_of", scratch, &q->as_of, &q->past, err)
                             : status;
    status = status == RV_OK ? rv_url_number(url, "rows", scratch, &q->rows, err) : status;
    return status == RV_OK ? face_read_flag(x, url, "differences", &q->differences, err) : status;
}

/* `,"stale":["account",…]`: what the query reads and is stale. */
static void write_stale(rv_exchange *x, const rv_sql_query *query, rv_writer *w) {
    const rv_schema *const schema = exchange_schema(x);
    const uint16_t count = rv_schema_aggregate_count(schema);
    bool some = false;
    RV_ASSERT(query != NULL);
    for (uint16_t a = 0; a < count; a++) {
        if (rv_sql_uses(query, a) && face_note_stale(x, a)) {
            rv_write_text(w, some ? "," : ",\"stale\":[");
            rv_write_json_string(w, rv_schema_aggregate(schema, a)->name);
            some = true;
        }
    }
    rv_write_text(w, some ? "]" : "");
}

/* Begins, or begins again, an answer. */
static void write_head(rv_exchange *x, rv_writer *w) {
    RV_ASSERT(x->query != NULL);
    w->len = 0;
    rv_write_text(w, "{\"columns\":");
    rv_sql_columns_to_json(x->query, w);
    rv_write_text(w, ",\"rows\":[");
    x->query_len = w->len;
    x->rows_at = w->len;
}

/* Rows changed under a query that had given some: its answer begins again. */
static bool run_again(rv_exchange *x, rv_writer *w) {
    if (!rv_sql_again(x->query)) {
        return false;
    }
    write_head(x, w);
    return true;
}

/* Writes rows until the query has ended or is to go on later: RV_PENDING. */
static rv_status run_query(rv_exchange *x, rv_writer *w, rv_error *err) {
    rv_status status = RV_OK;
    RV_ASSERT(x->query_len > 0 && x->query_len <= w->cap);
    w->len = x->query_len;
    while (status == RV_OK && !w->full) {
        status = rv_sql_step(x->query, err);
        if (status == RV_OK) {
            if (w->len > 0 && w->ptr[w->len - 1] != '[') {
                rv_write_u8(w, ',');
            }
            rv_sql_row_to_json(x->query, w);
        } else if (status == RV_SNAPSHOT_EXPIRED && run_again(x, w)) {
            status = RV_OK;
        }
    }
    x->query_len = w->len;
    if (status == RV_PENDING && !w->full) {
        return RV_PENDING;
    }
    rv_write_u8(w, ']');
    write_stale(x, x->query, w);
    if (x->head.past) {
        rv_write_text(w, ",\"as_of\":");
        rv_write_uint(w, x->head.as_of);
    }
    rv_write_u8(w, '}');
    return w->full ? too_large(x, err) : status == RV_END ? RV_OK : status;
}

/* May all that it reads be read? */
static rv_status judge_query(const rv_exchange *x, rv_error *err) {
    const rv_schema *const schema = exchange_schema(x);
    const uint16_t count = x->guarded ? rv_schema_aggregate_count(schema) : 0;
    rv_status status = RV_OK;
    RV_ASSERT(x->query != NULL);
    for (uint16_t a = 0; a < count && status == RV_OK; a++) {
        if (rv_sql_uses(x->query, a)) {
            status = face_require(x, FACE_ROWS, rv_schema_aggregate(schema, a)->name, err);
        }
    }
    return status == RV_OK && x->guarded && rv_sql_uses_system(x->query)
               ? face_require(x, FACE_LOG, (rv_bytes){NULL, 0}, err)
               : status;
}

/* RV_PARAMETER_INVALID: it asks for what cannot be. */
static rv_status judge_request(const rv_exchange *x, const query_request *q, rv_error *err) {
    if (q->rows == 0) {
        rv_error_set(err, RV_PARAMETER_INVALID, "rows is a number from 1 on");
        rv_error_fact_text(err, "parameter", RV_LITERAL("rows"));
        return RV_PARAMETER_INVALID;
    }
    if (q->differences && !exchange_is_live(x)) {
        rv_error_set(err, RV_PARAMETER_INVALID,
                     "differences are told of a live answer: ask with Accept: text/event-stream");
        rv_error_fact_text(err, "parameter", RV_LITERAL("differences"));
        return RV_PARAMETER_INVALID;
    }
    return RV_OK;
}

/* The query is wrong: where it asks for the past, that may be as it was too early for a table, or
 * as one of the system's is of now only. */
static rv_status tell_past(const rv_exchange *x, rv_error *err) {
    static const char begin[] = "no such table: ";
    char detail[RV_ERROR_DETAIL_MAX];
    const size_t len = err->detail_len;
    RV_ASSERT(err->status == RV_SQL_INVALID && len < sizeof detail);
    if (!exchange_is_past(x) || len < sizeof begin - 1 ||
        memcmp(err->detail, begin, sizeof begin - 1) != 0) {
        return RV_SQL_INVALID;
    }
    memcpy(detail, err->detail, len);
    detail[len] = '\0';
    const char *const name = detail + sizeof begin - 1;
    const bool system = (name[0] | 0x20) == 'r' && (name[1] | 0x20) == 'v' && name[2] == '_';
    return rv_error_set(err, RV_SQL_INVALID, "%s (as of position %u: %s)", detail, x->head.as_of,
                        system ? "system tables are of now, and take no `as_of`"
                               : "the schema had no such aggregate then");
}

/* Reads the request and opens its query, which the result buffer is taken for. */
static rv_status open_query(rv_exchange *x, const rv_url *url, rv_writer *w, rv_error *err) {
    query_request q = {.sql = {NULL, 0}, .rows = UINT64_MAX};
    rv_sql *sql = x->face->options.sql;
    RV_ASSERT(x->query == NULL);
    rv_status status = rv_bytes_are(x->request.method, "POST")
                           ? read_query(x, &q, err)
                           : read_query_address(x, url, &q, err);
    status = status == RV_OK ? judge_request(x, &q, err) : status;
    if (status == RV_OK && q.past) {
        status = face_as_of(x, q.as_of, err);
        status = status == RV_OK ? face_past_sql(x, &sql, err) : status;
    }
    x->differences = q.differences;
    status = status == RV_OK ? exchange_writer(x, true, w) : status;
    if (status == RV_OK) {
        rv_sql_upkeep *const upkeep =
            x->kind == EXCHANGE_LIVE && !q.past ? face_live_upkeep(x) : NULL;
        status = rv_sql_prepare_live(sql, upkeep, q.sql, q.params, &x->query, err);
        status = status == RV_SQL_INVALID ? tell_past(x, err) : status;
    }
    if (status == RV_OK) {
        rv_sql_limit_rows(x->query, q.rows);
        if (exchange_is_live(x)) {
            rv_sql_note_reads(x->query, &x->live.follower.reads);
        }
        write_head(x, w);
    }
    return status;
}

rv_status face_query(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_status status = RV_OK;
    if (x->face->options.sql == NULL) {
        status = rv_error_set(err, RV_UNSUPPORTED, "this build has no SQL");
    }
    rv_writer w = rv_writer_over(NULL, 0);
    if (status == RV_OK) {
        status = x->query == NULL ? open_query(x, url, &w, err) : exchange_writer(x, true, &w);
    }
    status = status == RV_OK ? judge_query(x, err) : status;
    status = status == RV_OK ? run_query(x, &w, err) : status;
    if (status != RV_OK) {
        return status;
    }
    x->source.node = rv_sql_uses_system(x->query);
    x->source.followed = true;
    x->source.rows = exchange_is_live(x);
    rv_sql_finish(x->query);
    x->query = NULL;
    return answer_json(x, &w, err);
}
