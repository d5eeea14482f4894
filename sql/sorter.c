/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting rows: see sorter.h. */
#include "sql/sorter.h"

#include "sql/bound.h"
#include "sql/connection.h"

/* Bytes of a cell that is spread over pages: first guess, and the most there can be. */
#define CELL_SIZE_MIN (64u << 10)
#define CELL_SIZE_MAX (2u * RV_EVENT_LEN_MAX)

#define FORMATTED_MAX 64u

/* Comparisons, each of a microsecond at most, between two questions whether to go on. */
#define COMPARED_STRIDE 1000u

bool rv_sql_cell_grow(rv_arena *cell) {
    const size_t size = cell->cap == 0 ? CELL_SIZE_MIN : cell->cap * 2;
    RV_ASSERT(size >= CELL_SIZE_MIN);
    if (size > CELL_SIZE_MAX) {
        return false;
    }
    sqlite3_free(cell->ptr);
    void *memory = sqlite3_malloc64(size);
    *cell = rv_arena_over(memory, memory == NULL ? 0 : size);
    return memory != NULL;
}

bool rv_sql_cell_fetch(const rv_state *state, uint16_t aggregate, rv_row row, uint16_t column,
                       rv_arena *scratch, rv_value *value, bool *unknown) {
    RV_ASSERT(row != RV_ROW_NONE);
    rv_arena_reset(scratch, 0);
    rv_status status = rv_state_row_cell(state, aggregate, row, column, scratch, value, unknown);
    while (status == RV_MEMORY_EXHAUSTED && rv_sql_cell_grow(scratch)) {
        status = rv_state_row_cell(state, aggregate, row, column, scratch, value, unknown);
    }
    return status == RV_OK;
}

/* The order of two values as SQL shows them, of a type that an index can sort by. */
static int compare_values(const rv_type *type, const rv_value *a, const rv_value *b) {
    const bool null = rv_value_is_null(a) || rv_value_is_null(b);
    if (null || rv_sql_form_of(type) != RV_SQL_FORMATTED) {
        return rv_value_compare(type, a, b);
    }
    uint8_t memory[2][FORMATTED_MAX];
    rv_writer text_a = rv_writer_over(memory[0], FORMATTED_MAX);
    rv_writer text_b = rv_writer_over(memory[1], FORMATTED_MAX);
    rv_value_to_json(type, a, &text_a);
    rv_value_to_json(type, b, &text_b);
    RV_ASSERT(!text_a.full && !text_b.full);
    /* without the quotes: the end of one text comes before whatever goes on in the other */
    return rv_bytes_compare(rv_bytes_of(memory[0] + 1, text_a.len - 2),
                            rv_bytes_of(memory[1] + 1, text_b.len - 2));
}

/* The order of two rows, where `*rc` is SQLITE_OK and stays it. */
static int compare_rows(rv_sql_sorter *s, rv_row a, rv_row b, int *rc) {
    int order = 0;
    s->compared++;
    for (uint16_t i = 0; i < s->column_count && order == 0 && *rc == SQLITE_OK; i++) {
        const uint16_t column = s->columns[i];
        const rv_type *const type = &s->aggregate->columns[column].type;
        if (!rv_sql_bound_sorted(type, true)) {
            break; /* what cannot be sorted by was not promised, nor what is behind it */
        }
        rv_value of_a;
        rv_value of_b;
        const uint16_t number = s->aggregate->number;
        const rv_state *const state = s->sql->state;
        const bool ok = rv_sql_cell_fetch(state, number, a, column, &s->cells[0], &of_a, NULL) &&
                        rv_sql_cell_fetch(state, number, b, column, &s->cells[1], &of_b, NULL);
        order = ok ? compare_values(type, &of_a, &of_b) : 0;
        *rc = ok ? SQLITE_OK : SQLITE_NOMEM;
    }
    RV_ASSERT(s->column_count > 0);
    return s->descending ? -order : order;
}

/* Lets the row at `at` of a heap of `count` sink to where it belongs. */
static int sink(rv_sql_sorter *s, size_t at, size_t count) {
    int rc = SQLITE_OK;
    RV_ASSERT(at < count && count <= s->count);
    while (2 * at + 1 < count && rc == SQLITE_OK) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && compare_rows(s, s->rows[child], s->rows[child + 1], &rc) < 0) {
            child++;
        }
        if (compare_rows(s, s->rows[at], s->rows[child], &rc) >= 0) {
            break;
        }
        const rv_row row = s->rows[at];
        s->rows[at] = s->rows[child];
        s->rows[child] = row;
        at = child;
    }
    if (rc == SQLITE_OK && s->compared >= COMPARED_STRIDE) {
        rc = rv_sql_guard_steps(s->sql, s->compared);
        s->compared = 0;
    }
    return rc;
}

int rv_sql_sorter_sort(rv_sql_sorter *s) {
    int rc = SQLITE_OK;
    RV_ASSERT(s->count == 0 || s->rows != NULL);
    for (size_t i = s->count / 2; i > 0 && rc == SQLITE_OK; i--) {
        rc = sink(s, i - 1, s->count);
    }
    for (size_t end = s->count; end > 1 && rc == SQLITE_OK; end--) {
        const rv_row greatest = s->rows[0];
        s->rows[0] = s->rows[end - 1];
        s->rows[end - 1] = greatest;
        rc = sink(s, 0, end - 1);
    }
    s->at = 0;
    return rc;
}

void rv_sql_sorter_close(rv_sql_sorter *s) {
    RV_ASSERT(s->at <= s->count);
    sqlite3_free(s->rows);
    sqlite3_free(s->cells[0].ptr);
    sqlite3_free(s->cells[1].ptr);
    *s = (rv_sql_sorter){0};
}
