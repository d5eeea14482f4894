/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXPLAIN READS: what a query reads of the rows, in place of its result, and so what a live one is
 * run again for. The query runs to its end, its rows are passed over, and then its reads
 * (core/state/reads.h) are its rows:
 *
 *     aggregate | reads | index             | count | then      | why
 *     account   | keys  | NULL              | 3     | run again | NULL
 *     work_item | index | (application_id)  | 1     | run again | NULL
 *     note      | all   | NULL              | NULL  | keep up   | NULL
 *     loan      | value | NULL              | 1     | keep up   | NULL
 *     loan      | range | NULL              | 1     | keep up   | NULL
 *
 * It is no statement of SQLite's: the words before the query are taken off (rv_sql_guard_explains).
 */
#include "sql/connection.h"

/* Lines of an aggregate, by number: all, keys, values, ranges of them, and one for each index. */
#define ALL    0u
#define KEYS   1u
#define VALUES 2u
#define RANGES 3u
#define INDEX  4u

/* Why a result that is kept up is not by changes of what is joined. */
#define NOT_FOLLOWED "no index leads to the rows that are joined to it"

static uint32_t count_of(const rv_sql_query *query, const rv_sql_line *line) {
    const uint8_t index = line->part == KEYS     ? (uint8_t)RV_READS_KEY
                          : line->part == VALUES ? (uint8_t)RV_READS_VALUE
                          : line->part == RANGES ? (uint8_t)RV_READS_COLUMN
                                                 : (uint8_t)(line->part - INDEX);
    RV_ASSERT(line->part != ALL);
    return rv_reads_count(query->reads, line->aggregate, index);
}

/* True when there is something to say in the line. */
static bool is_there(const rv_sql_query *query, const rv_sql_line *line) {
    return line->part == ALL ? rv_reads_has_all(query->reads, line->aggregate)
                             : count_of(query, line) > 0;
}

bool rv_sql_explain_next(rv_sql_query *query) {
    rv_sql_line *const line = &query->line;
    const uint16_t count = rv_schema_aggregate_count(query->sql->schema);
    RV_ASSERT(query->explains && query->reads != NULL && line->aggregate <= count);
    while (line->aggregate < count) { /* each turn goes to the next part */
        const uint16_t indexes =
            rv_schema_aggregate(query->sql->schema, line->aggregate)->index_count;
        if (!line->begun) {
            line->begun = true;
        } else if (line->part < INDEX + indexes - 1) {
            line->part += 1;
        } else {
            line->aggregate += 1;
            line->part = ALL;
        }
        if (line->aggregate < count && is_there(query, line)) {
            return true;
        }
    }
    const bool system = query->uses_system && !line->system;
    line->system = true;
    return system;
}

/* `(state, submitted_at)`, as the schema has it. */
static void write_index(rv_writer *w, const rv_aggregate *a, const rv_aggregate_index *index) {
    rv_write_text(w, "\"(");
    for (uint16_t i = 0; i < index->column_count; i++) {
        rv_write_text(w, i == 0 ? "" : ", ");
        rv_write_json_chars(w, a->columns[index->columns[i]].name);
    }
    rv_write_text(w, ")\"");
}

/* `,"run again","DISTINCT"]`: what follows from a change of it, and why the result is not kept up.
 */
static void write_then(const rv_sql_query *query, uint16_t aggregate, rv_writer *w) {
    const char *const other = rv_sql_upkeep_other(query);
    bool kept = false;
    for (uint16_t i = 0; other == NULL && i < query->upkeep->followed_count; i++) {
        kept = kept || query->upkeep->followed[i] == aggregate;
    }
    rv_write_text(w, kept ? ",\"keep up\",null]" : ",\"run again\",");
    if (!kept) {
        rv_write_json_string(w, rv_bytes_of_string(other == NULL ? NOT_FOLLOWED : other));
        rv_write_u8(w, ']');
    }
}

void rv_sql_explain_row(const rv_sql_query *query, rv_writer *w) {
    const rv_sql_line *const line = &query->line;
    RV_ASSERT(line->begun);
    if (line->system) {
        rv_write_text(w, "[\"rv_*\",\"all\",null,null");
        write_then(query, RV_NONE, w);
        return;
    }
    const rv_aggregate *const a = rv_schema_aggregate(query->sql->schema, line->aggregate);
    rv_write_u8(w, '[');
    rv_write_json_string(w, a->name);
    if (line->part == ALL) {
        rv_write_text(w, ",\"all\",null,null");
    } else {
        rv_write_text(w, line->part == KEYS     ? ",\"keys\",null"
                         : line->part == VALUES ? ",\"value\",null"
                         : line->part == RANGES ? ",\"range\",null"
                                                : ",\"index\",");
        if (line->part >= INDEX) {
            write_index(w, a, &a->indexes[line->part - INDEX]);
        }
        rv_write_u8(w, ',');
        rv_write_uint(w, count_of(query, line));
    }
    write_then(query, line->aggregate, w);
}

void rv_sql_explain_columns(rv_writer *w) {
    rv_write_text(w, "[{\"name\":\"aggregate\",\"type\":\"text\"},"
                     "{\"name\":\"reads\",\"type\":\"text\"},"
                     "{\"name\":\"index\",\"type\":\"text\"},"
                     "{\"name\":\"count\",\"type\":\"integer\"},"
                     "{\"name\":\"then\",\"type\":\"text\"},"
                     "{\"name\":\"why\",\"type\":\"text\"}]");
}
