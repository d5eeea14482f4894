/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/ranks.h"

#include "core/base/assert.h"

bool rv_ranks_create(rv_ranks *ranks, rv_arena *arena) {
    RV_ASSERT(ranks != NULL && arena != NULL);
    ranks->heads = rv_arena_take_raw(arena, sizeof(*ranks->heads) * RV_RANK_TABLES_MAX);
    ranks->lists = rv_arena_take_raw(arena, sizeof(*ranks->lists) * RV_RANK_LISTS_MAX);
    ranks->list_count = 1;
    return ranks->heads != NULL && ranks->lists != NULL;
}

void rv_ranks_reset(rv_ranks *ranks, uint32_t table_count) {
    RV_ASSERT(table_count <= RV_RANK_TABLES_MAX);
    memset(ranks->heads, 0, sizeof(*ranks->heads) * table_count);
    ranks->list_count = 1;
    RV_ASSERT(table_count + 1 <
              RV_RANK_LISTS_MAX); /* each table finds a list for its first context */
}

/* The context's list, made when there is none and the pool has one. One list a table is kept back
 * for tables that have none yet, as far as the pool goes. */
static uint16_t *list_of(rv_ranks *ranks, uint32_t table, uint32_t context) {
    RV_ASSERT(table < RV_RANK_TABLES_MAX);
    const uint32_t c = context < RV_RANK_CONTEXTS ? context : RV_RANK_CONTEXTS - 1;
    uint16_t *const head = &ranks->heads[table][c];
    if (*head != 0) {
        return ranks->lists[*head];
    }
    const bool spare = ranks->list_count < RV_RANK_LISTS_MAX - RV_RANK_TABLES_MAX;
    uint16_t *const chosen = spare ? head : &ranks->heads[table][0];
    if (*chosen == 0) {
        RV_ASSERT(ranks->list_count < RV_RANK_LISTS_MAX);
        *chosen = (uint16_t)ranks->list_count;
        ranks->list_count += 1;
        ranks->lists[*chosen][0] = 0;
    }
    return ranks->lists[*chosen];
}

uint32_t rv_ranks_put(rv_ranks *ranks, uint32_t table, uint32_t context, uint16_t id) {
    uint16_t *const list = list_of(ranks, table, context);
    const uint32_t count = list[0];
    RV_ASSERT(count <= RV_RANK_LIST_LEN);
    uint32_t place = 1;
    while (place <= count && list[place] != id) {
        place += 1;
    }
    const bool found = place <= count;
    if (!found) {
        list[0] = (uint16_t)(count < RV_RANK_LIST_LEN ? count + 1 : count);
        place = list[0];
    }
    for (uint32_t i = place; i > 1; i--) {
        list[i] = list[i - 1];
    }
    list[1] = id;
    return found ? place : 0;
}

bool rv_ranks_take(rv_ranks *ranks, uint32_t table, uint32_t context, uint32_t place,
                   uint16_t *id) {
    RV_ASSERT(place >= 1 && place <= RV_RANK_LIST_LEN);
    uint16_t *const list = list_of(ranks, table, context);
    if (place > list[0]) {
        return false;
    }
    *id = list[place];
    for (uint32_t i = place; i > 1; i--) {
        list[i] = list[i - 1];
    }
    list[1] = *id;
    RV_ASSERT(list[0] <= RV_RANK_LIST_LEN);
    return true;
}
