/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries: rows of an aggregate are counted by SQL, all or those with a column at least so great,
 * or what one of the schema's queries asks for, and counted again in the model.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "sql/sql.h"

#define SQL_MEMORY ((size_t)1 << 20)

static uint8_t sql_memory[SQL_MEMORY + (64u << 10)];

/* Some integer column of the aggregate; RV_NONE when none is met. */
static uint16_t draw_column(const rv_aggregate *aggregate, uint64_t *random) {
    RV_ASSERT(aggregate->column_count > 0);
    const uint16_t column = (uint16_t)rv_random_below(random, aggregate->column_count);
    const rv_type_kind kind = aggregate->columns[column].type.kind;
    const bool integer =
        kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
    return integer ? column : RV_NONE;
}

/* The one number of the one row that the query gives, as JSON in brackets. */
static rv_status ask(sim_member *m, const char *text, char *answer, size_t cap, rv_error *err) {
    rv_arena arena = rv_arena_over(sql_memory, sizeof sql_memory);
    rv_sql *sql = NULL;
    rv_sql_query *query = NULL;
    const rv_sql_options options = {
        .schema = rv_node_schema(m->node), .state = rv_node_state(m->node), .memory = SQL_MEMORY};
    rv_status status = rv_sql_create(&sql, &options, &arena, err);
    if (status != RV_OK) {
        return status;
    }
    status = rv_sql_prepare(sql, rv_bytes_of_string(text), (rv_bytes){NULL, 0}, &query, err);
    if (status == RV_OK) {
        rv_writer w = rv_writer_over((uint8_t *)answer, cap - 1);
        status = rv_sql_step(query, err);
        if (status == RV_OK) {
            rv_sql_row_to_json(query, &w);
        }
        RV_ASSERT(!w.full);
        answer[w.len] = '\0';
        rv_sql_finish(query);
    }
    rv_sql_destroy(sql);
    return status;
}

/* Writes a query about some aggregate. False: the model does not know its answer. */
static bool draw(const sim_world *world, const sim_member *m, uint64_t *random, char *text,
                 size_t cap, uint64_t *count) {
    const rv_schema *const schema = rv_node_schema(m->node);
    const uint16_t number = (uint16_t)rv_random_below(random, rv_schema_aggregate_count(schema));
    const rv_aggregate *const aggregate = rv_schema_aggregate(schema, number);
    const uint16_t column = draw_column(aggregate, random);
    const int64_t least = (int64_t)rv_random_below(random, 1000) - 200;
    RV_ASSERT(column == RV_NONE || column < aggregate->column_count);
    int len = snprintf(text, cap, "select count(*) from %.*s", (int)aggregate->name.len,
                       (const char *)aggregate->name.ptr);
    if (column != RV_NONE) {
        const rv_bytes name = aggregate->columns[column].name;
        len += snprintf(text + len, cap - (size_t)len, " where %.*s >= %lld", (int)name.len,
                        (const char *)name.ptr, (long long)least);
    }
    return sim_model_count(world->models[m->index], number, column, least, count);
}

/* The same of the schema's queries. */
static bool choose(const sim_world *world, const sim_member *m, uint64_t *random, char *text,
                   size_t cap, uint64_t *count) {
    const sim_question *const all = sim_schema_of(world->plan->schema)->queries;
    uint32_t questions = 0;
    while (all[questions].text != NULL) {
        questions += 1;
    }
    RV_ASSERT(questions > 0);
    const sim_question *const question = &all[rv_random_below(random, questions)];
    (void)snprintf(text, cap, "%s", question->text);
    return sim_model_answer(world->models[m->index], question, count);
}

void sim_query(sim_world *world, sim_member *m, uint64_t *random) {
    char text[160], answer[64] = "", expected[64];
    uint64_t count = 0;
    rv_error err;
    if (!sim_check_rows(world, m) || rv_schema_aggregate_count(rv_node_schema(m->node)) == 0) {
        return;
    }
    RV_ASSERT(m->life == SIM_UP);
    const bool chosen = rv_random_chance(random, 50);
    if (chosen ? !choose(world, m, random, text, sizeof text, &count)
               : !draw(world, m, random, text, sizeof text, &count)) {
        return;
    }
    (void)snprintf(expected, sizeof expected, "[%llu]", (unsigned long long)count);
    const rv_status status = ask(m, text, answer, sizeof answer, &err);
    world->figures.queries += 1;
    world->figures.questions += chosen;
    if (status != RV_OK) {
        sim_fail(world, SIM_CHECK_STATUS, "member %u: %s: %s", (unsigned)m->index, text,
                 rv_status_code(status));
    } else if (strcmp(answer, expected) != 0) {
        sim_fail(world, SIM_CHECK_QUERY, "member %u: %s: %s, must be %s", (unsigned)m->index, text,
                 answer, expected);
    }
}
