/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/copies.h"

#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/state/revisions.h"

#define IDLE_CHANCE    60 /* percent of the turns in which one does not read */
#define CHANGES_MAX    12 /* that it takes at a time */
#define COMPARE_CHANCE 10 /* percent of the turns in which all was told */

static uint8_t scratch_memory[256u << 10];

void sim_copies_reset(sim_world *world) {
    for (uint8_t i = 0; i < SIM_MEMBERS_MAX; i++) {
        world->copies.list[i] = (sim_copy){.used = (world->plan->seed + i) % 2 ==
                                                   0, /* of half the members, as it costs time */
                                           .random = world->plan->seed * SIM_MEMBERS_MAX + i};
    }
}

static uint64_t value_hash(uint64_t seed, const rv_value *value) {
    const rv_bytes bytes = value->class_ == RV_VALUE_BYTES ? value->as.bytes
                           : value->class_ == RV_VALUE_NULL
                               ? (rv_bytes){NULL, 0}
                               : rv_bytes_of(&value->as, sizeof(int64_t));
    return rv_hash64(seed + value->class_, bytes);
}

static sim_copied_row row_of(const rv_aggregate *aggregate, const rv_value *values) {
    sim_copied_row row = {.key = 1, .row = 2};
    for (uint16_t i = 0; i < aggregate->key_count; i++) {
        row.key = value_hash(row.key, &values[aggregate->keys[i]]);
    }
    for (uint16_t i = 0; i < aggregate->column_count; i++) {
        row.row = value_hash(row.row, &values[i]);
    }
    return row;
}

static uint32_t place_of(const sim_copy *copy, uint64_t key) {
    uint32_t i = 0;
    while (i < copy->count && copy->rows[i].key != key) {
        i += 1;
    }
    return i;
}

static void forget(sim_copy *copy) {
    copy->count = 0;
    copy->sum = 0;
}

/* The copy has, or has no more, the row: false when that cannot be. */
static bool put(sim_copy *copy, sim_copied_row row) {
    RV_ASSERT(copy->count < SIM_COPY_ROWS_MAX);
    if (place_of(copy, row.key) < copy->count) {
        return false;
    }
    copy->rows[copy->count++] = row;
    copy->sum += row.row;
    return true;
}

static bool take_out(sim_copy *copy, sim_copied_row row) {
    const uint32_t at = place_of(copy, row.key);
    if (at == copy->count || copy->rows[at].row != row.row) {
        return false;
    }
    copy->rows[at] = copy->rows[--copy->count];
    copy->sum -= row.row;
    return true;
}

static void open_copy(const sim_world *world, sim_copy *copy, const sim_member *member) {
    const rv_schema *const schema = rv_node_schema(member->node);
    const bool known = copy->opened; /* it has rows, which may be those that there are */
    RV_ASSERT(world->plan->member_count > member->index);
    if (!known) {
        copy->aggregate =
            (uint16_t)rv_random_below(&copy->random, rv_schema_aggregate_count(schema));
        forget(copy);
    }
    copy->opened = true;
    copy->process = member->process;
    copy->sum_untold = 0;
    copy->moments = (rv_moments){.node = member->node};
    rv_row_feed_open(&copy->feed, &copy->moments, copy->aggregate, !known);
}

/* The reader has heard of a row without being told: which there are says if it goes on. */
static void hear(sim_world *world, sim_copy *copy, rv_row_look *look, const rv_aggregate *aggregate,
                 const rv_row_change *change) {
    if (change->kind == RV_ROW_IS) {
        copy->sum_untold += row_of(aggregate, change->after).row;
        rv_row_look_take(look);
        return;
    }
    RV_ASSERT(change->kind == RV_ROW_STEP);
    const bool same = copy->sum == copy->sum_untold;
    world->figures.copies_resumed += same;
    world->figures.copies_again += !same;
    if (same) {
        rv_row_look_take(look);
    } else {
        rv_row_feed_again(&copy->feed);
        look->over = true;
    }
}

static void apply(sim_world *world, sim_copy *copy, const sim_member *member,
                  const rv_aggregate *aggregate, const rv_row_change *change) {
    bool good = true;
    if (change->kind == RV_ROW_RESET) {
        forget(copy);
    }
    if (world->canary == SIM_CANARY_CHANGE_UNTOLD && change->kind > RV_ROW_IS &&
        change->kind < RV_ROW_STEP && rv_random_chance(&world->canary_random, 10)) {
        return;
    }
    if (change->before != NULL) {
        good = take_out(copy, row_of(aggregate, change->before));
    }
    if (good && change->after != NULL) {
        good = put(copy, row_of(aggregate, change->after));
    }
    world->figures.copied += change->before != NULL || change->after != NULL;
    if (!good) {
        sim_fail(world, SIM_CHECK_COPY, "member %u, %.*s: `%s` at %llu is not true of the copy",
                 (unsigned)member->index, (int)aggregate->name.len,
                 (const char *)aggregate->name.ptr, rv_row_change_text(change->kind),
                 (unsigned long long)change->position);
    }
}

/* Reads some. RV_END: there is no more. */
static rv_status read_some(sim_world *world, sim_copy *copy, const sim_member *member) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_row_look look;
    rv_status status = rv_row_feed_look(&copy->feed, NULL, &scratch, &look);
    if (status == RV_END) {
        return RV_END;
    }
    copy->aggregate = copy->feed.aggregate; /* another number, where the schema is another */
    const rv_aggregate *const aggregate =
        rv_schema_aggregate(rv_node_schema(member->node), copy->aggregate);
    const uint64_t count = rv_random_below(&copy->random, CHANGES_MAX);
    for (uint64_t i = 0; status == RV_OK && i <= count; i++) {
        const rv_row_change *change;
        status = rv_row_look_next(&look, &change);
        if (status == RV_OK && copy->feed.phase == RV_ROWS_UNTOLD) {
            hear(world, copy, &look, aggregate, change);
        } else if (status == RV_OK) {
            apply(world, copy, member, aggregate, change);
            rv_row_look_take(&look);
        }
    }
    RV_ASSERT(status != RV_MEMORY_EXHAUSTED);
    return status;
}

/* Every row of the node is in the copy, and nothing else. */
static void compare(sim_world *world, const sim_copy *copy, const sim_member *member) {
    rv_state *const state = rv_node_state(member->node);
    const rv_aggregate *const aggregate =
        rv_schema_aggregate(rv_node_schema(member->node), copy->aggregate);
    uint64_t sum = 0;
    uint32_t count = 0;
    for (rv_row at = rv_state_row_next(state, copy->aggregate, RV_ROW_NONE); at != RV_ROW_NONE;
         at = rv_state_row_next(state, copy->aggregate, at)) {
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        rv_value values[RV_COLUMNS_MAX];
        for (uint16_t c = 0; c < aggregate->column_count; c++) {
            const rv_status status =
                rv_state_row_cell(state, copy->aggregate, at, c, &scratch, &values[c], NULL);
            RV_ASSERT(status == RV_OK);
        }
        sum += row_of(aggregate, values).row;
        count += 1;
    }
    world->figures.copies_compared += 1;
    if (count != copy->count || sum != copy->sum) {
        sim_fail(world, SIM_CHECK_COPY, "member %u, %.*s: the copy has %u rows, the node %u",
                 (unsigned)member->index, (int)aggregate->name.len,
                 (const char *)aggregate->name.ptr, copy->count, count);
    }
}

void sim_copies_turn(sim_world *world, sim_member *member) {
    sim_copy *const copy = &world->copies.list[member->index];
    RV_ASSERT(member->life == SIM_UP);
    if (!copy->used || rv_node_in_batch(member->node) ||
        rv_schema_aggregate_count(rv_node_schema(member->node)) <= copy->aggregate ||
        rv_random_chance(&copy->random, IDLE_CHANCE)) {
        return;
    }
    if (copy->process != member->process) {
        open_copy(world, copy, member);
    }
    const rv_status status = read_some(world, copy, member);
    const rv_moment *const told = rv_moment_find(&copy->moments, copy->feed.from);
    if (status == RV_END && told != NULL && copy->feed.to == 0 &&
        told->revision == rv_state_revision(rv_node_state(member->node)) &&
        rv_random_chance(&copy->random, COMPARE_CHANCE)) {
        compare(world, copy, member);
    }
}
