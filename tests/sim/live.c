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
static uint8_t kept_memory[SIM_MEMBERS_MAX][SQL_MEMORY + (64u << 10)]; /* of each process */
static uint8_t scratch_memory[64u << 10];

void sim_live_reset(sim_world *world) {
    for (uint8_t i = 0; i < SIM_MEMBERS_MAX; i++) {
        /* of those members whose rows nobody copies, as both hold moments */
        world->live.list[i] =
            (sim_live_query){.used = (world->plan->seed + i) % 2 == 1,
                             .random = world->plan->seed * SIM_MEMBERS_MAX + i + 1000000};
    }
}

/* One that may be kept up: a filter that no index has, groups, or the first rows of an order. */
static void draw_kept(const rv_aggregate *a, sim_live_query *q) {
    const rv_bytes key = a->columns[a->keys[0]].name;
    const rv_bytes one = a->columns[rv_random_below(&q->random, a->column_count)].name;
    const rv_bytes other = a->columns[rv_random_below(&q->random, a->column_count)].name;
    switch (rv_random_below(&q->random, 4)) {
    case 0:
        snprintf(q->text, sizeof q->text, "select * from \"%.*s\" where \"%.*s\" || '' < '3'",
                 (int)a->name.len, (const char *)a->name.ptr, (int)one.len, (const char *)one.ptr);
        break;
    case 1:
        snprintf(q->text, sizeof q->text,
                 "select \"%.*s\", count(*), max(\"%.*s\") from \"%.*s\" group by 1", (int)one.len,
                 (const char *)one.ptr, (int)other.len, (const char *)other.ptr, (int)a->name.len,
                 (const char *)a->name.ptr);
        break;
    case 2:
        snprintf(q->text, sizeof q->text,
                 "select count(*), sum(length(\"%.*s\")), min(\"%.*s\") from \"%.*s\"",
                 (int)one.len, (const char *)one.ptr, (int)other.len, (const char *)other.ptr,
                 (int)a->name.len, (const char *)a->name.ptr);
        break;
    default:
        snprintf(q->text, sizeof q->text,
                 "select * from \"%.*s\" order by \"%.*s\" || '', \"%.*s\" limit 3",
                 (int)a->name.len, (const char *)a->name.ptr, (int)one.len, (const char *)one.ptr,
                 (int)key.len, (const char *)key.ptr);
        break;
    }
}

/* By key, by a part of an index or of a column, or all that there is. */
static void draw_text(const rv_schema *schema, sim_live_query *q) {
    const uint16_t number =
        (uint16_t)rv_random_below(&q->random, rv_schema_aggregate_count(schema));
    const rv_aggregate *const a = rv_schema_aggregate(schema, number);
    if (rv_random_chance(&q->random, 40)) {
        draw_kept(a, q);
        return;
    }
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

static rv_sql *open_sql(const sim_member *m, uint8_t *memory, rv_node *node) {
    rv_arena arena = rv_arena_over(memory, sizeof sql_memory);
    rv_sql *sql = NULL;
    rv_error err;
    const rv_sql_options options = {.schema = rv_node_schema(m->node),
                                    .state = rv_node_state(m->node),
                                    .memory = SQL_MEMORY,
                                    .node = node};
    return rv_sql_create(&sql, &options, &arena, &err) == RV_OK ? sql : NULL;
}

/* The rows, whatever their order, as one hash; `live`: what is read is noted, and kept up. */
static bool ask(rv_sql *sql, sim_live_query *q, bool live, rv_hash128 *answer) {
    static char row[64u << 10];
    rv_sql_query *query = NULL;
    rv_error err;
    *answer = (rv_hash128){0, 0};
    rv_status status =
        rv_sql_prepare_live(sql, live ? &q->upkeep : NULL, rv_bytes_of_string(q->text),
                            (rv_bytes){NULL, 0}, &query, &err);
    if (status == RV_OK && live) {
        rv_sql_note_reads(query, &q->reads);
    }
    while (status == RV_OK &&
           ((status = rv_sql_step(query, &err)) == RV_OK || status == RV_SNAPSHOT_EXPIRED)) {
        if (status == RV_SNAPSHOT_EXPIRED) {
            status = rv_sql_again(query) ? RV_OK : status;
            *answer = (rv_hash128){0, 0};
            continue;
        }
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
    return status == RV_END;
}

/* The same by a connection of its own. */
static bool ask_afresh(const sim_member *m, sim_live_query *q, rv_hash128 *answer) {
    rv_sql *const sql = open_sql(m, sql_memory, NULL);
    const bool asked = sql != NULL && ask(sql, q, false, answer);
    if (sql != NULL) {
        rv_sql_destroy(sql);
    }
    return asked;
}

/* It begins again, with nothing. */
static void forget(const sim_member *m, sim_live_query *q) {
    rv_sql_upkeep_end(&q->upkeep);
    rv_deltas_drop(rv_node_state(m->node), &q->moment);
    rv_touches_leave(&q->touches, rv_node_state(m->node), &q->touched);
    q->process = 0;
}

static void run(sim_world *world, const sim_member *m, sim_live_query *q) {
    rv_state *const state = rv_node_state(m->node);
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_sql_upkeep *const u = &q->upkeep;
    u->since = q->moment.snapshot;
    u->others = u->whole && rv_touches_concern_of(&q->touches, state, &q->reads,
                                                  rv_sql_upkeep_others(u), &scratch, &q->touched);
    u->joined = u->whole && rv_touches_concern_of(&q->touches, state, &q->reads,
                                                  rv_sql_upkeep_joined(u), &scratch, &q->touched);
    if (world->canary == SIM_CANARY_CHANGE_LEFT_OUT) {
        rv_deltas_keep(state, &q->moment);
        u->since = q->moment.snapshot;
    }
    const bool kept = u->whole && !u->others;
    rv_hash128 truth;
    if (!ask(q->sql, q, true, &q->answer)) {
        forget(m, q);
        return;
    }
    world->figures.live_kept += kept;
    if (kept && ask_afresh(m, q, &truth) &&
        (truth.low != q->answer.low || truth.high != q->answer.high)) {
        sim_fail(world, SIM_CHECK_LIVE, "member %u: `%s` is kept up as another answer",
                 (unsigned)m->index, q->text);
    }
    if (u->whole) {
        rv_deltas_keep(state, &q->moment);
    }
    rv_touches_follow(&q->touches, state, &q->reads, &scratch, &q->touched);
}

static void compare(sim_world *world, const sim_member *m, sim_live_query *q) {
    rv_hash128 answer;
    if (!ask_afresh(m, q, &answer)) {
        return;
    }
    world->figures.live_spared += 1;
    if (answer.low != q->answer.low || answer.high != q->answer.high) {
        sim_fail(world, SIM_CHECK_LIVE, "member %u: `%s` has another answer, and was not run again",
                 (unsigned)m->index, q->text);
    }
}

/* Asks for something else. */
static void draw(sim_world *world, const sim_member *m, sim_live_query *q) {
    rv_sql_upkeep_end(&q->upkeep);
    rv_deltas_drop(rv_node_state(m->node), &q->moment);
    draw_text(rv_node_schema(m->node), q);
    run(world, m, q);
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
        q->upkeep = (rv_sql_upkeep){.other = NULL};
        q->moment = (rv_deltas){.snapshot = {0}};
        q->sql = open_sql(m, kept_memory[m->index], m->node);
        if (q->sql == NULL) {
            return;
        }
        q->process = m->process;
        q->rewinds = rv_node_rewinds(m->node);
        draw(world, m, q);
        return;
    }
    if (q->rewinds != rv_node_rewinds(m->node)) {
        q->rewinds = rv_node_rewinds(m->node);
        draw(world, m, q);
        return;
    }
    if (world->canary == SIM_CANARY_READ_MISSED) {
        rv_reads_clear(&q->reads);
    }
    if (rv_touches_concern(&q->touches, rv_node_state(m->node), &q->reads, &scratch, &q->touched)) {
        world->figures.live_ran += 1;
        run(world, m, q);
    } else {
        compare(world, m, q);
    }
    if (rv_random_chance(&q->random, OTHER_CHANCE) && q->process != 0) {
        draw(world, m, q);
    }
}
