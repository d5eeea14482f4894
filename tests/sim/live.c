/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/live.h"

#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"
#include "sql/sql.h"

#define SQL_MEMORY   ((size_t)1 << 20)
#define IDLE_CHANCE  92 /* percent of the turns in which one does not look */
#define OTHER_CHANCE 10 /* percent of those in which one does, and asks for something else */

static uint8_t sql_memory[SQL_MEMORY + (64u << 10)];
static uint8_t scratch_memory[64u << 10];

void sim_live_reset(sim_world *world) {
    for (uint8_t i = 0; i < SIM_MEMBERS_MAX; i++) {
        /* of those members whose rows nobody copies, as both hold moments */
        world->live.list[i] =
            (sim_live_query){.used = (world->plan->seed + i) % 2 == 1,
                             .random = world->plan->seed * SIM_MEMBERS_MAX + i + 1000000};
    }
}

/* By key, by a part of an index or of a column, or all that there is. */
static void draw_text(const rv_schema *schema, sim_live_query *q) {
    const uint16_t number =
        (uint16_t)rv_random_below(&q->random, rv_schema_aggregate_count(schema));
    const rv_aggregate *const a = rv_schema_aggregate(schema, number);
    const uint16_t nth = (uint16_t)rv_random_below(&q->random, a->column_count);
    const bool by_key = rv_random_chance(&q->random, 60);
    const rv_bytes name = a->columns[by_key ? a->keys[0] : nth].name;
    const unsigned value = (unsigned)rv_random_below(&q->random, by_key ? 40 : 400);
    static const char *const comparisons[] = {"=", "in (1, 2, 3,", ">=", "<", "is not"};
    const uint64_t kind = by_key ? rv_random_below(&q->random, 2) : rv_random_below(&q->random, 5);
    snprintf(q->text, sizeof q->text, "select * from \"%.*s\" where \"%.*s\" %s %u%s",
             (int)a->name.len, (const char *)a->name.ptr, (int)name.len, (const char *)name.ptr,
             comparisons[kind], value, kind == 1 ? ")" : "");
}

/* The rows, whatever their order, as one hash; `reads` NULL: what is read is not noted. */
static bool ask(const sim_member *m, const sim_live_query *q, rv_reads *reads, rv_hash128 *answer) {
    static char row[64u << 10];
    rv_arena arena = rv_arena_over(sql_memory, sizeof sql_memory);
    rv_sql *sql = NULL;
    rv_sql_query *query = NULL;
    rv_error err;
    const rv_sql_options options = {
        .schema = rv_node_schema(m->node), .state = rv_node_state(m->node), .memory = SQL_MEMORY};
    rv_status status = rv_sql_create(&sql, &options, &arena, &err);
    if (status != RV_OK) {
        return false;
    }
    *answer = (rv_hash128){0, 0};
    status = rv_sql_prepare(sql, rv_bytes_of_string(q->text), (rv_bytes){NULL, 0}, &query, &err);
    if (status == RV_OK && reads != NULL) {
        rv_sql_note_reads(query, reads);
    }
    while (status == RV_OK && (status = rv_sql_step(query, &err)) == RV_OK) {
        rv_writer w = rv_writer_over((uint8_t *)row, sizeof row);
        rv_sql_row_to_json(query, &w);
        if (w.full) {
            status = RV_MEMORY_EXHAUSTED; /* a row of worlds that want of memory */
            break;
        }
        *answer = rv_hash128_add(*answer, rv_hash128_of(1, rv_writer_bytes(&w)));
    }
    if (query != NULL) {
        rv_sql_finish(query);
    }
    rv_sql_destroy(sql);
    return status == RV_END;
}

static void run(const sim_member *m, sim_live_query *q) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    if (!ask(m, q, &q->reads, &q->answer)) {
        rv_touches_leave(&q->touches, rv_node_state(m->node), &q->touched);
        q->process = 0; /* it begins again */
        return;
    }
    rv_touches_follow(&q->touches, rv_node_state(m->node), &q->reads, &scratch, &q->touched);
}

static void compare(sim_world *world, const sim_member *m, sim_live_query *q) {
    rv_hash128 answer;
    if (!ask(m, q, NULL, &answer)) {
        return;
    }
    world->figures.live_spared += 1;
    if (answer.low != q->answer.low || answer.high != q->answer.high) {
        sim_fail(world, SIM_CHECK_LIVE, "member %u: `%s` has another answer, and was not run again",
                 (unsigned)m->index, q->text);
    }
}

void sim_live_turn(sim_world *world, sim_member *m) {
    sim_live_query *const q = &world->live.list[m->index];
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    RV_ASSERT(m->life == SIM_UP);
    if (!q->used || rv_node_in_batch(m->node) || rv_node_rewinding(m->node) ||
        !rv_node_whole(m->node) || rv_schema_aggregate_count(rv_node_schema(m->node)) == 0 ||
        rv_random_chance(&q->random, IDLE_CHANCE)) {
        return;
    }
    if (q->process != m->process) { /* what the one before held went with it */
        memset(&q->touches, 0, sizeof q->touches);
        q->touched = (rv_touched){.revision = 0};
        q->process = m->process;
        draw_text(rv_node_schema(m->node), q);
        run(m, q);
        return;
    }
    if (world->canary == SIM_CANARY_READ_MISSED) {
        rv_reads_clear(&q->reads);
    }
    if (rv_touches_concern(&q->touches, rv_node_state(m->node), &q->reads, &scratch, &q->touched)) {
        world->figures.live_ran += 1;
        run(m, q);
    } else {
        compare(world, m, q);
    }
    if (rv_random_chance(&q->random, OTHER_CHANCE) && q->process != 0) {
        draw_text(rv_node_schema(m->node), q);
        run(m, q);
    }
}
