/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: see plan.h. */
#include "sql/plan.h"
#include "core/model/schema_filter.h"
#include "sql/wide.h"

#include <string.h>

/* What SQLite's sorting of a row costs, where reading one in order of storage costs 1. */
#define SORT_COST 3.0

/* What an index could do. */
typedef struct candidate {
    char text[RV_SQL_PLAN_SIZE];
    int constraints[RV_SQL_PLAN_SIZE]; /* by argument: which constraint it is of */
    int argument_count;
    int exact_count;      /* the first of them: what they say need not be tested again */
    uint16_t equal_count; /* leading columns */
    int len;
    bool sorts;
    double rows; /* expected */
    double cost;
} candidate;

static bool is_wide(sqlite3_index_info *info, int nth) {
    RV_ASSERT(nth < info->nConstraint);
    return strcmp(sqlite3_vtab_collation(info, nth), RV_SQL_WIDE_COLLATION) == 0;
}

/* An explicit COLLATE, or a column that this one meets, compares by other rules than the column.
 * Numbers do not care, but a wide numeric is compared digit by digit: '-Infinity' is less than
 * they are, and a REAL stands for more of them than one. */
static bool collates(const rv_type *type, sqlite3_index_info *info, int nth) {
    const rv_sql_form form = rv_sql_form_of(type);
    const uint8_t op = info->aConstraint[nth].op;
    const bool is = op == SQLITE_INDEX_CONSTRAINT_IS && form != RV_SQL_INTEGER;
    const bool follows = (op == SQLITE_INDEX_CONSTRAINT_EQ || is) && form != RV_SQL_REAL;
    return rv_sql_form_exact(form)
               ? follows || !is_wide(info, nth)
               : strcmp(sqlite3_vtab_collation(info, nth), rv_sql_collation_of(type)) == 0;
}

/* True for an integer that is equal to what may be a wide numeric: to all digits of that. */
static bool is_digits(const rv_type *type, sqlite3_index_info *info, int nth) {
    return rv_sql_form_of(type) == RV_SQL_INTEGER && is_wide(info, nth);
}

/* The first constraint on a column with one of two operators that an index can follow; -1: none. */
static int find(const rv_aggregate *a, sqlite3_index_info *info, uint16_t column, int op, int or) {
    const rv_type *const type = &a->columns[column].type;
    RV_ASSERT(column < a->column_count);
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *const c = &info->aConstraint[i];
        const bool fits = c->usable && c->iColumn == (int)column && (c->op == op || c->op == or);
        if (fits && (c->op == SQLITE_INDEX_CONSTRAINT_ISNULL || collates(type, info, i))) {
            return i;
        }
    }
    return -1;
}

/* Takes a constraint on a column of the type. */
static void take(const rv_type *type, int constraint, char kind, candidate *c) {
    RV_ASSERT(kind != 0);
    RV_ASSERT(c->len < RV_SQL_PLAN_SIZE - 1);
    c->text[c->len++] = kind;
    c->constraints[c->argument_count] = constraint;
    const bool exact =
        kind != '~' && c->exact_count == c->argument_count && rv_sql_bound_exact(type);
    c->exact_count += exact;
    c->argument_count++;
}

/* Takes one more column as equal to something; false when nothing says so. */
static bool take_equal(const rv_aggregate *a, sqlite3_index_info *info, uint16_t column,
                       candidate *c) {
    const rv_type *const type = &a->columns[column].type;
    if (!rv_sql_bound_equal(type)) {
        return false;
    }
    /* NaN is NULL in SQL, but not in an index */
    const bool nulls = rv_sql_form_of(type) != RV_SQL_REAL;
    const int equal = SQLITE_INDEX_CONSTRAINT_EQ;
    const int is = nulls ? SQLITE_INDEX_CONSTRAINT_IS : equal;
    const int found = find(a, info, column, equal, is);
    RV_ASSERT(c->len < RV_SQL_PLAN_SIZE - 1);
    if (found >= 0) {
        const char kind = is_digits(type, info, found)           ? '~'
                          : info->aConstraint[found].op == equal ? '='
                                                                 : '.';
        take(type, found, kind, c);
        return true;
    }
    const int null = SQLITE_INDEX_CONSTRAINT_ISNULL;
    if (nulls && find(a, info, column, null, null) >= 0) {
        c->text[c->len++] = '0';
        return true;
    }
    return false;
}

/* Takes the bounds of the column behind the equal ones. Returns how many there are. */
static int take_range(const rv_aggregate *a, sqlite3_index_info *info, uint16_t column,
                      candidate *c) {
    const rv_type *const type = &a->columns[column].type;
    const int above = SQLITE_INDEX_CONSTRAINT_GT;
    const int below = SQLITE_INDEX_CONSTRAINT_LT;
    RV_ASSERT(column < a->column_count);
    if (!rv_sql_bound_range(type)) {
        return 0;
    }
    const int low = find(a, info, column, above, SQLITE_INDEX_CONSTRAINT_GE);
    const int high = find(a, info, column, below, SQLITE_INDEX_CONSTRAINT_LE);
    if (low >= 0) {
        take(type, low, info->aConstraint[low].op == above ? '(' : '[', c);
    }
    if (high >= 0) {
        take(type, high, info->aConstraint[high].op == below ? ')' : ']', c);
    }
    return (low >= 0) + (high >= 0);
}

/* True for a column that is equal to one thing only, and equal in every way that SQL can tell. */
static bool is_constant(const rv_aggregate *a, const rv_aggregate_index *index,
                        uint16_t equal_count, int column) {
    bool found = false;
    RV_ASSERT(equal_count <= index->column_count);
    for (uint16_t i = 0; i < equal_count && !found; i++) {
        found = index->columns[i] == column &&
                rv_sql_form_exact(rv_sql_form_of(&a->columns[column].type));
    }
    return found;
}

/* True when the index, behind its equal columns, gives the order that SQLite asks for. */
static bool sorts(const rv_aggregate *a, const rv_aggregate_index *index, uint16_t equal_count,
                  const sqlite3_index_info *info, bool *descending) {
    uint16_t at = equal_count;
    *descending = false;
    for (int i = 0; i < info->nOrderBy; i++) {
        const struct sqlite3_index_orderby *const term = &info->aOrderBy[i];
        if (is_constant(a, index, equal_count, term->iColumn)) {
            continue;
        }
        const bool first = at == equal_count;
        const bool turns = !first && (term->desc != 0) != *descending;
        if (at == index->column_count || turns || term->iColumn != (int)index->columns[at] ||
            !rv_sql_bound_sorted(&a->columns[index->columns[at]].type, first)) {
            return false;
        }
        *descending = term->desc != 0;
        at++;
    }
    return info->nOrderBy > 0;
}

/* The square root of a count of rows, roughly: how many of them are equal in one column. */
static double equal_share(uint64_t rows) {
    uint64_t root = 1;
    while (root * root < rows && root < UINT32_MAX) {
        root *= 2;
    }
    RV_ASSERT(root > 0);
    return (double)root;
}

/* What the index could do. */
static candidate consider(const rv_aggregate *a, uint16_t nth, uint64_t rows,
                          sqlite3_index_info *info) {
    const rv_aggregate_index *const index = &a->indexes[nth];
    candidate c = {.rows = (double)rows};
    while (c.equal_count < index->column_count &&
           take_equal(a, info, index->columns[c.equal_count], &c)) {
        c.equal_count++;
        c.rows = c.equal_count == 1 ? equal_share(rows) : c.rows / 4.0;
    }
    if (c.equal_count == index->column_count) {
        c.rows = index->unique ? 1.0 : c.rows;
    } else {
        const int ends = take_range(a, info, index->columns[c.equal_count], &c);
        c.rows = ends == 0 ? c.rows : c.rows / (ends == 1 ? 3.0 : 9.0);
    }
    bool descending;
    c.sorts = sorts(a, index, c.equal_count, info, &descending);
    if (c.sorts) {
        c.text[c.len++] = descending ? 'd' : 'a';
    }
    RV_ASSERT(c.len < RV_SQL_PLAN_SIZE);
    c.rows = c.rows < 1.0 ? 1.0 : c.rows;
    c.cost = 3.0 + 1.5 * c.rows;
    return c;
}

/* Takes the constraints that together are a look-up by the primary key; false when one is missing.
 */
static bool take_key(const rv_aggregate *a, sqlite3_index_info *info, candidate *c) {
    const int equal = SQLITE_INDEX_CONSTRAINT_EQ;
    RV_ASSERT(a->key_count > 0 && a->key_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < a->key_count; i++) {
        const rv_type *const type = &a->columns[a->keys[i]].type;
        const int found = find(a, info, a->keys[i], equal, equal);
        if (found < 0) {
            return false;
        }
        take(type, found, is_digits(type, info, found) ? '~' : '=', c);
    }
    return true;
}

/* Looks up by the primary key. The plan's text is there if it says more than that: `~`. */
static int use_key(const rv_aggregate *a, const candidate *c, sqlite3_index_info *info) {
    bool unique = true;
    RV_ASSERT(c->argument_count == (int)a->key_count);
    for (uint16_t i = 0; i < a->key_count; i++) {
        unique = unique && rv_sql_form_exact(rv_sql_form_of(&a->columns[a->keys[i]].type));
        info->aConstraintUsage[c->constraints[i]].argvIndex = i + 1;
        info->aConstraintUsage[c->constraints[i]].omit = c->exact_count == c->argument_count;
    }
    if (strchr(c->text, '~') != NULL) {
        info->idxStr = sqlite3_mprintf("%s", c->text);
        info->needToFreeIdxStr = 1;
    }
    info->idxNum = RV_SQL_PLAN_KEY;
    info->estimatedRows = 1;
    info->estimatedCost = 2.0;
    info->idxFlags = unique ? SQLITE_INDEX_SCAN_UNIQUE : 0;
    return strchr(c->text, '~') != NULL && info->idxStr == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

static int use_index(uint16_t nth, const candidate *c, sqlite3_index_info *info) {
    char *const text = sqlite3_malloc64(RV_SQL_PLAN_SIZE);
    if (text == NULL) {
        return SQLITE_NOMEM;
    }
    memcpy(text, c->text, RV_SQL_PLAN_SIZE);
    RV_ASSERT(text[RV_SQL_PLAN_SIZE - 1] == 0);
    for (int i = 0; i < c->argument_count; i++) {
        info->aConstraintUsage[c->constraints[i]].argvIndex = i + 1;
        info->aConstraintUsage[c->constraints[i]].omit = i < c->exact_count;
    }
    info->idxNum = RV_SQL_PLAN_INDEX + nth;
    info->idxStr = text;
    info->needToFreeIdxStr = 1;
    info->orderByConsumed = c->sorts;
    info->estimatedRows = (sqlite3_int64)c->rows;
    info->estimatedCost = c->cost;
    return SQLITE_OK;
}

/* Constraints of which sqlite3_vtab_in knows; it says of no other that it is one of a list. */
#define LISTS_KNOWN 32

/* How well it tells rows that count from others: from not at all on. */
typedef enum telling {
    TELLS_NOTHING,
    TELLS_NULL, /* which is often there */
    TELLS_ONE_END,
    TELLS_TWO_ENDS,
    TELLS_LIST,
    TELLS_VALUE
} telling;

/* Constraints on a column that all rows have to fulfil that count. */
static telling tell(const rv_aggregate *a, sqlite3_index_info *info, uint16_t column,
                    candidate *c) {
    if (take_equal(a, info, column, c)) {
        const int found = c->constraints[0];
        if (c->argument_count == 0) {
            return TELLS_NULL;
        }
        if (found < LISTS_KNOWN && sqlite3_vtab_in(info, found, -1) == 0) {
            return TELLS_VALUE;
        }
        /* at once: else SQLite goes through all rows for each of it; no part of rows is given so */
        if (c->text[0] == '=' && sqlite3_vtab_in(info, found, 1) != 0) {
            c->text[0] = '{';
            return TELLS_LIST;
        }
        *c = (candidate){.cost = 0};
    }
    const int ends = take_range(a, info, column, c);
    return ends == 0 ? TELLS_NOTHING : ends == 1 ? TELLS_ONE_END : TELLS_TWO_ENDS;
}

/* The column of which constraints tell best which rows count. */
static telling find_column(const rv_aggregate *a, sqlite3_index_info *info, uint16_t *column,
                           candidate *best) {
    telling tells = TELLS_NOTHING;
    for (uint16_t i = 0; i < a->column_count && tells < TELLS_VALUE; i++) {
        candidate c = {.cost = 0};
        const telling one = tell(a, info, i, &c);
        if (one > tells) {
            tells = one;
            *column = i;
            *best = c;
        }
    }
    return tells;
}

/* Goes through all rows. */
static int use_scan(const rv_aggregate *a, uint64_t rows, sqlite3_index_info *info) {
    uint16_t column = 0;
    candidate c = {.cost = 0};
    const telling tells = find_column(a, info, &column, &c);
    info->idxNum = RV_SQL_PLAN_SCAN;
    info->estimatedRows = (sqlite3_int64)(rows > 0 ? rows : 1);
    info->estimatedCost = 4.0 + (double)rows;
    if (tells == TELLS_NOTHING) {
        return SQLITE_OK;
    }
    for (int i = 0; i < c.argument_count; i++) {
        info->aConstraintUsage[c.constraints[i]].argvIndex = i + 1;
    }
    info->idxStr = sqlite3_mprintf("%u:%s", (unsigned)column, c.text);
    info->needToFreeIdxStr = 1;
    return info->idxStr == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

int rv_sql_plan_choose(const rv_aggregate *a, uint64_t rows, sqlite3_index_info *info) {
    RV_ASSERT(a->index_count <= RV_INDEXES_MAX);
    candidate key = {.cost = 0};
    if (take_key(a, info, &key)) {
        return use_key(a, &key, info);
    }
    const uint64_t some = rows > 0 ? rows : 1;
    const double scan = 4.0 + (double)rows;
    const bool sorted = info->nOrderBy > 0;
    double best_total = scan + (sorted ? SORT_COST * (double)some : 0.0);
    candidate best = {.cost = 0};
    uint16_t best_nth = RV_NONE;
    for (uint16_t i = 0; i < a->index_count; i++) {
        const candidate c = consider(a, i, some, info);
        const double total = c.cost + (sorted && !c.sorts ? SORT_COST * c.rows : 0.0);
        if (c.len > 0 && total < best_total) {
            best = c;
            best_nth = i;
            best_total = total;
        }
    }
    if (best_nth != RV_NONE) {
        return use_index(best_nth, &best, info);
    }
    return use_scan(a, rows, info);
}

int rv_sql_plan_narrow(sqlite3_index_info *info) {
    info->idxNum = RV_SQL_PLAN_SCAN;
    info->estimatedRows = 8;
    info->estimatedCost = 8.0;
    return SQLITE_OK;
}
