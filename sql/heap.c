/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory is counted in granules of 8 bytes; places are granule numbers, never pointers. A run is a
 * header of one granule and what follows it:
 *
 *     header   u32 length in granules, header included, shifted left by 1; lowest bit: taken
 *              u32 length of the run before it in memory; 0 for the first
 *     free     u32 next, u32 previous of the free list of its class; 0 ends the list
 *
 * The first run begins at granule 1, so 0 is no place. After the last run stands the end mark, a
 * taken run of length 0. Two free runs never lie side by side: giving joins them at once.
 *
 * A class is (row, column): lengths below 16 are row 0, column = length; others are row = log2 - 3,
 * column = the four bits below the highest. Taking rounds the length up to the next class, so that
 * any run of the class found fits.
 */
#include "sql/heap.h"

#include "core/base/assert.h"

#define GRANULE     8u
#define LENGTH_MIN  2u
#define LENGTH_MAX  (UINT32_C(1) << 30)
#define SMALL       RV_SQL_HEAP_COLUMNS
#define COLUMN_BITS 4u

RV_STATIC_ASSERT(SMALL == 1u << COLUMN_BITS, "columns are the four bits below the highest");

typedef struct run_class {
    uint32_t row;
    uint32_t column;
} run_class;

static uint32_t read_word(const rv_sql_heap *h, uint32_t place, uint32_t word) {
    uint32_t v;
    memcpy(&v, h->base + (size_t)place * GRANULE + (size_t)word * 4, sizeof v);
    return v;
}

static void write_word(rv_sql_heap *h, uint32_t place, uint32_t word, uint32_t v) {
    memcpy(h->base + (size_t)place * GRANULE + (size_t)word * 4, &v, sizeof v);
}

static uint32_t run_length(const rv_sql_heap *h, uint32_t run) {
    return read_word(h, run, 0) >> 1;
}

static bool run_taken(const rv_sql_heap *h, uint32_t run) {
    return (read_word(h, run, 0) & 1) != 0;
}

static uint32_t run_before(const rv_sql_heap *h, uint32_t run) {
    return read_word(h, run, 1);
}

/* Sets a run's header and tells the run after it. */
static void run_set(rv_sql_heap *h, uint32_t run, uint32_t length, bool taken) {
    RV_ASSERT(run >= 1 && length >= LENGTH_MIN);
    RV_ASSERT(run + length <= h->end);
    write_word(h, run, 0, length << 1 | (taken ? 1u : 0u));
    write_word(h, run + length, 1, length);
}

static uint32_t log2_of(uint32_t v) {
    RV_ASSERT(v > 0);
    return 31u - (uint32_t)__builtin_clz(v);
}

static run_class class_of(uint32_t length) {
    RV_ASSERT(length >= 1 && length <= LENGTH_MAX);
    if (length < SMALL) {
        return (run_class){0, length};
    }
    const uint32_t log = log2_of(length);
    return (run_class){log - COLUMN_BITS + 1, length >> (log - COLUMN_BITS) & (SMALL - 1)};
}

static void list_add(rv_sql_heap *h, uint32_t run) {
    const run_class c = class_of(run_length(h, run));
    const uint32_t next = h->first[c.row][c.column];
    RV_ASSERT(!run_taken(h, run));
    RV_ASSERT(next != run);
    write_word(h, run + 1, 0, next);
    write_word(h, run + 1, 1, 0);
    if (next != 0) {
        write_word(h, next + 1, 1, run);
    }
    h->first[c.row][c.column] = run;
    h->columns[c.row] |= 1u << c.column;
    h->rows |= 1u << c.row;
}

static void list_remove(rv_sql_heap *h, uint32_t run) {
    const run_class c = class_of(run_length(h, run));
    const uint32_t next = read_word(h, run + 1, 0);
    const uint32_t previous = read_word(h, run + 1, 1);
    RV_ASSERT(!run_taken(h, run));
    RV_ASSERT((previous == 0) == (h->first[c.row][c.column] == run));
    if (next != 0) {
        write_word(h, next + 1, 1, previous);
    }
    if (previous != 0) {
        write_word(h, previous + 1, 0, next);
        return;
    }
    h->first[c.row][c.column] = next;
    if (next == 0) {
        h->columns[c.row] &= ~(1u << c.column);
        if (h->columns[c.row] == 0) {
            h->rows &= ~(1u << c.row);
        }
    }
}

/* A free run of at least `length`, 0 for none. */
static uint32_t list_find(const rv_sql_heap *h, uint32_t length) {
    RV_ASSERT(length >= LENGTH_MIN);
    uint32_t rounded = length;
    if (length >= SMALL) {
        rounded += (1u << (log2_of(length) - COLUMN_BITS)) - 1;
    }
    if (rounded > LENGTH_MAX) {
        return 0;
    }
    const run_class c = class_of(rounded);
    uint32_t row = c.row;
    uint32_t columns = h->columns[row] & (~0u << c.column);
    if (columns == 0) {
        const uint32_t rows = h->rows & (uint32_t)(~UINT64_C(0) << (row + 1));
        if (rows == 0) {
            return 0;
        }
        row = (uint32_t)__builtin_ctz(rows);
        columns = h->columns[row];
    }
    const uint32_t run = h->first[row][__builtin_ctz(columns)];
    RV_ASSERT(run != 0 && run_length(h, run) >= length);
    return run;
}

bool rv_sql_heap_open(rv_sql_heap *heap, void *memory, size_t size) {
    RV_ASSERT(heap != NULL);
    RV_ASSERT(((uintptr_t)memory & (GRANULE - 1)) == 0);
    *heap = (rv_sql_heap){.base = memory};
    if (memory == NULL || size < 64) {
        return false;
    }
    const size_t granules = size / GRANULE;
    heap->end = granules > LENGTH_MAX ? LENGTH_MAX : (uint32_t)granules - 1;
    write_word(heap, heap->end, 0, 1);
    write_word(heap, 1, 1, 0);
    run_set(heap, 1, heap->end - 1, false);
    list_add(heap, 1);
    return true;
}

/* The granules that `size` bytes need, 0 when no heap has as many. */
static uint32_t length_for(size_t size) {
    if (size > (size_t)(LENGTH_MAX - 1) * GRANULE) {
        return 0;
    }
    const uint32_t length = (uint32_t)((size + GRANULE - 1) / GRANULE) + 1;
    return length < LENGTH_MIN ? LENGTH_MIN : length;
}

/* Cuts a taken run down to `length`; what is left over becomes free and joins what is free after
 * it. */
static void run_cut(rv_sql_heap *h, uint32_t run, uint32_t length) {
    const uint32_t had = run_length(h, run);
    RV_ASSERT(length <= had && run_taken(h, run));
    if (had - length < LENGTH_MIN) {
        return;
    }
    uint32_t rest = had - length;
    const uint32_t after = run + had;
    if (!run_taken(h, after)) {
        list_remove(h, after);
        rest += run_length(h, after);
    }
    run_set(h, run, length, true);
    run_set(h, run + length, rest, false);
    list_add(h, run + length);
    h->used -= had - length;
}

static void count_used(rv_sql_heap *h, uint32_t length) {
    h->used += length;
    RV_ASSERT(h->used < h->end);
    if (h->used > h->used_max) {
        h->used_max = h->used;
    }
}

/* The place of the run that `taken` lies in. */
static uint32_t run_of(const rv_sql_heap *h, const void *taken) {
    const size_t offset = (size_t)((const uint8_t *)taken - h->base);
    RV_ASSERT(offset % GRANULE == 0 && offset / GRANULE >= 2);
    const uint32_t run = (uint32_t)(offset / GRANULE) - 1;
    RV_ASSERT(run < h->end && run_taken(h, run));
    return run;
}

static bool told_to_fail(rv_sql_heap *h) {
    if (__builtin_expect(h->fail_in == 0, 1)) {
        return false;
    }
    h->fail_in -= 1;
    return h->fail_in == 0;
}

void *rv_sql_heap_take(rv_sql_heap *heap, size_t size) {
    RV_ASSERT(heap != NULL && heap->base != NULL);
    const uint32_t length = length_for(size);
    if (length == 0 || told_to_fail(heap)) {
        return NULL;
    }
    const uint32_t run = list_find(heap, length);
    if (run == 0) {
        return NULL;
    }
    list_remove(heap, run);
    const uint32_t had = run_length(heap, run);
    run_set(heap, run, had, true);
    count_used(heap, had);
    run_cut(heap, run, length);
    return heap->base + ((size_t)run + 1) * GRANULE;
}

void rv_sql_heap_give(rv_sql_heap *heap, void *taken) {
    RV_ASSERT(heap != NULL && heap->base != NULL);
    if (taken == NULL) {
        return;
    }
    uint32_t run = run_of(heap, taken);
    uint32_t length = run_length(heap, run);
    RV_ASSERT(heap->used >= length);
    heap->used -= length;
    const uint32_t after = run + length;
    if (!run_taken(heap, after)) {
        list_remove(heap, after);
        length += run_length(heap, after);
    }
    const uint32_t before = run_before(heap, run);
    if (before != 0 && !run_taken(heap, run - before)) {
        run -= before;
        list_remove(heap, run);
        length += before;
    }
    run_set(heap, run, length, false);
    list_add(heap, run);
}

size_t rv_sql_heap_size(const rv_sql_heap *heap, const void *taken) {
    RV_ASSERT(heap != NULL && taken != NULL);
    return ((size_t)run_length(heap, run_of(heap, taken)) - 1) * GRANULE;
}

/* Lengthens a run into the free run after it. */
static bool run_lengthen(rv_sql_heap *h, uint32_t run, uint32_t length) {
    const uint32_t had = run_length(h, run);
    const uint32_t after = run + had;
    RV_ASSERT(length > had && run_taken(h, run));
    if (run_taken(h, after) || had + run_length(h, after) < length) {
        return false;
    }
    const uint32_t more = run_length(h, after);
    list_remove(h, after);
    run_set(h, run, had + more, true);
    count_used(h, more);
    run_cut(h, run, length);
    return true;
}

void *rv_sql_heap_resize(rv_sql_heap *heap, void *taken, size_t size) {
    RV_ASSERT(heap != NULL && taken != NULL);
    const uint32_t run = run_of(heap, taken);
    const uint32_t length = length_for(size);
    if (length == 0 || told_to_fail(heap)) {
        return NULL;
    }
    if (length <= run_length(heap, run)) {
        run_cut(heap, run, length);
        return taken;
    }
    if (run_lengthen(heap, run, length)) {
        return taken;
    }
    const uint64_t fail_in = heap->fail_in; /* one call counts once */
    heap->fail_in = 0;
    void *moved = rv_sql_heap_take(heap, size);
    heap->fail_in = fail_in;
    if (moved != NULL) {
        memcpy(moved, taken, rv_sql_heap_size(heap, taken));
        rv_sql_heap_give(heap, taken);
    }
    return moved;
}

/* Runs that the free lists name. */
static uint64_t count_listed(const rv_sql_heap *h) {
    uint64_t count = 0;
    for (uint32_t row = 0; row < RV_SQL_HEAP_ROWS; row++) {
        for (uint32_t column = 0; column < RV_SQL_HEAP_COLUMNS; column++) {
            uint32_t run = h->first[row][column];
            while (run != 0 && count <= h->end) {
                count += 1;
                run = read_word(h, run + 1, 0);
            }
        }
    }
    return count;
}

bool rv_sql_heap_intact(const rv_sql_heap *heap) {
    RV_ASSERT(heap != NULL && heap->base != NULL);
    uint64_t used = 0;
    uint64_t free_runs = 0;
    uint32_t before = 0;
    bool before_taken = true;
    for (uint32_t run = 1; run != heap->end; run += before) {
        if (run_before(heap, run) != before || run_length(heap, run) < LENGTH_MIN ||
            run_length(heap, run) > heap->end - run) {
            return false;
        }
        const bool taken = run_taken(heap, run);
        if (!taken && !before_taken) {
            return false;
        }
        before = run_length(heap, run);
        before_taken = taken;
        used += taken ? before : 0;
        free_runs += !taken;
    }
    return used == heap->used && free_runs == count_listed(heap);
}
