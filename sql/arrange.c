/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in the order of an index: see arrange.h. */
#include "sql/arrange.h"

#include "core/state/reader.h"
#include "core/state/sorted_key.h"

#define HEAD sizeof(uint64_t)

typedef struct ranked {
    uint64_t head; /* of its key, and zeros */
    uint32_t row;
} ranked;

typedef struct ranking {
    rv_sorted_source source;
    ranked *list;
    uint32_t count;
    bool short_keys; /* all are in their heads */
} ranking;

static void key_of(const ranking *r, uint32_t row, rv_sorted_key *key) {
    rv_sorted_source source = r->source;
    source.place = row;
    rv_sorted_key_make(&source, key);
}

/* Takes the rows. False: of one the key is cut. */
static bool rank(ranking *r, const uint32_t *rows) {
    bool cut = false;
    for (uint32_t i = 0; i < r->count && !cut; i++) {
        rv_sorted_key key;
        key_of(r, rows[i], &key);
        const size_t len = key.len < HEAD ? key.len : HEAD;
        r->list[i] = (ranked){.row = rows[i]};
        for (size_t b = 0; b < len; b++) {
            r->list[i].head |= (uint64_t)key.bytes[b] << (8 * (HEAD - 1 - b));
        }
        r->short_keys = r->short_keys && key.len <= HEAD;
        cut = key.cut;
    }
    return !cut;
}

/* True when a row comes behind another one. */
static bool is_behind(const ranking *r, const ranked *a, const ranked *b) {
    if (a->head != b->head) {
        return a->head > b->head;
    }
    int order = 0;
    if (!r->short_keys) {
        rv_sorted_key of_a;
        rv_sorted_key of_b;
        key_of(r, a->row, &of_a);
        key_of(r, b->row, &of_b);
        order = memcmp(of_a.bytes, of_b.bytes, of_a.len < of_b.len ? of_a.len : of_b.len);
    }
    return order != 0 ? order > 0 : a->row > b->row;
}

/* Sorts. Shell's, as in upkeep.c: what comes is often in order but for a few. */
static void sort(ranking *r) {
    uint32_t gap = 1;
    while (gap < r->count / 3) {
        gap = 3 * gap + 1;
    }
    for (; gap > 0; gap /= 3) {
        for (uint32_t i = gap; i < r->count; i++) {
            const ranked one = r->list[i];
            uint32_t at = i;
            for (; at >= gap && is_behind(r, &r->list[at - gap], &one); at -= gap) {
                r->list[at] = r->list[at - gap];
            }
            r->list[at] = one;
        }
    }
}

bool rv_sql_arrange_rows(const rv_sql_arrange *by, uint32_t *rows, uint32_t count) {
    RV_ASSERT(by->index < by->aggregate->index_count);
    if (count == 0) {
        return true;
    }
    const rv_reader reader = rv_reader_of(by->state, by->aggregate->number);
    const rv_aggregate_index *const index = &by->aggregate->indexes[by->index];
    ranking r = {.source = {.pages = reader.pages,
                            .table = reader.table,
                            .aggregate = by->aggregate,
                            .index = index,
                            .count = index->column_count},
                 .list = sqlite3_malloc64(count * sizeof *r.list),
                 .count = count,
                 .short_keys = true};
    const bool known = r.list != NULL && rank(&r, rows);
    if (known) {
        sort(&r);
    }
    for (uint32_t i = 0; i < count && known; i++) {
        rows[i] = r.list[by->descending ? count - 1 - i : i].row;
    }
    sqlite3_free(r.list);
    return known;
}
