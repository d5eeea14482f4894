/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregate functions that can take a row back: see tally.h. */
#include "sql/tally.h"

#include "sql/connection.h"
#include "sql/numeric.h"

/* Values below this, and sums without signs below the other: no order of adding them overflows,
 * with as many changes as a step may have. */
#define VALUE_END     (INT64_C(1) << 53)
#define MAGNITUDE_END (INT64_C(1) << 62)

RV_STATIC_ASSERT(RV_UPKEEP_CHANGES < 512, "changes add less than 2^62");

#define SITE   0
#define VALUE  1
#define PLACES 2

/* A tally while rows come. */
typedef struct tallying {
    uint32_t site;
    rv_sql_tally tally;     /* its best is what the group had */
    rv_sql_extreme added;   /* the best of the rows that were added, */
    rv_sql_extreme removed; /* and taken away */
} tallying;

static rv_sql_query *query_of(sqlite3_context *out) {
    const rv_sql_function *const function = sqlite3_user_data(out);
    RV_ASSERT(function->sql->running != NULL);
    return function->sql->running;
}

static rv_sql_tally_op op_of(sqlite3_context *out) {
    return ((const rv_sql_function *)sqlite3_user_data(out))->op;
}

/* It cannot be kept up: the statement has to run as it was written. */
static void refuse(sqlite3_context *out, const char *why) {
    rv_sql_upkeep *const upkeep = query_of(out)->upkeep;
    upkeep->other = why;
    upkeep->never = true;
    sqlite3_result_error(out, why, -1);
}

/* --- values --- */

/* -1, 0 or 1, by SQLite's order; both have one type. */
static int compare(const rv_sql_extreme *a, const rv_sql_extreme *b) {
    RV_ASSERT(a->type == b->type);
    if (a->type == SQLITE_INTEGER) {
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    }
    if (a->type == SQLITE_FLOAT) {
        return (a->as.real > b->as.real) - (a->as.real < b->as.real);
    }
    const uint8_t both = a->len < b->len ? a->len : b->len;
    const int order = both == 0 ? 0 : memcmp(a->as.text, b->as.text, both);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* True when `a` would be the result rather than `b`, which may be none. */
static bool is_better(rv_sql_tally_op op, const rv_sql_extreme *a, const rv_sql_extreme *b) {
    const int order = b->type == 0 ? 0 : compare(a, b);
    return b->type == 0 || (op == RV_SQL_TALLY_MIN ? order < 0 : order > 0);
}

/* Reads a value. NULL, or why it cannot be a minimum or maximum here. */
static const char *read_extreme(sqlite3_value *value, rv_sql_extreme *e) {
    *e = (rv_sql_extreme){.type = (uint8_t)sqlite3_value_type(value)};
    if (e->type == SQLITE_INTEGER) {
        e->as.integer = sqlite3_value_int64(value);
        return NULL;
    }
    if (e->type == SQLITE_FLOAT) {
        e->as.real = sqlite3_value_double(value);
        return e->as.real == 0.0 && __builtin_signbit(e->as.real) ? "a minimum or maximum of -0.0"
                                                                  : NULL;
    }
    if (e->type != SQLITE_TEXT) {
        return "a minimum or maximum of BLOBs";
    }
    const void *const bytes = sqlite3_value_blob(value);
    const int len = sqlite3_value_bytes(value);
    if (len > (int)RV_SQL_TALLY_TEXT) {
        return "a minimum or maximum of long texts";
    }
    e->len = (uint8_t)len;
    if (len > 0) {
        memcpy(e->as.text, bytes, (size_t)len);
    }
    return NULL;
}

/* A value comes to the best of its kind, or is the first. */
static const char *take_extreme(tallying *t, rv_sql_tally_op op, sqlite3_value *value, bool adds) {
    rv_sql_extreme e;
    const char *const why = read_extreme(value, &e);
    rv_sql_extreme *const best = adds ? &t->added : &t->removed;
    const rv_sql_extreme *const others[] = {&t->tally.of.best, &t->added, &t->removed};
    for (size_t i = 0; i < sizeof others / sizeof *others && why == NULL; i++) {
        if (others[i]->type != 0 && others[i]->type != e.type) {
            return "a minimum or maximum of several types";
        }
    }
    if (why == NULL && is_better(op, &e, best)) {
        *best = e;
    }
    return why;
}

/* Adds an integer, or takes it away. */
static const char *take_integer(tallying *t, int64_t integer, int64_t sign) {
    if (integer >= VALUE_END || integer <= -VALUE_END) {
        return "a sum of numbers as large as that";
    }
    t->tally.sum += sign * integer;
    t->tally.magnitude += sign * (integer < 0 ? -integer : integer);
    return t->tally.magnitude >= MAGNITUDE_END ? "a sum as large as that" : NULL;
}

/* A numeric comes, or goes. All fractions together are less than 2^32 rows can have. */
static const char *take_numeric(tallying *t, sqlite3_value *value, int64_t sign) {
    rv_sql_numeric_parts parts;
    if (!rv_sql_numeric_split(value, &parts)) {
        return "a sum of numbers as long as that";
    }
    t->tally.fraction += sign * parts.fraction;
    t->tally.of.scales[parts.scale] += (uint32_t)sign;
    return take_integer(t, parts.whole, sign);
}

static const char *take_value(tallying *t, rv_sql_tally_op op, sqlite3_value *value, int64_t sign) {
    if (sqlite3_value_type(value) == SQLITE_NULL) {
        return NULL;
    }
    t->tally.count += sign;
    switch (op) {
    case RV_SQL_TALLY_COUNT:
        return NULL;
    case RV_SQL_TALLY_MIN:
    case RV_SQL_TALLY_MAX:
        return take_extreme(t, op, value, sign > 0);
    case RV_SQL_TALLY_NUMERIC_SUM:
    case RV_SQL_TALLY_NUMERIC_AVG:
        return take_numeric(t, value, sign);
    default:
        return sqlite3_value_numeric_type(value) == SQLITE_INTEGER
                   ? take_integer(t, sqlite3_value_int64(value), sign)
                   : "a sum of REAL, which hangs on the order of rows: numeric_sum does not";
    }
}

/* A group comes, with all that it has come to. */
static void take_group(tallying *t, rv_sql_tally_op op, const rv_sql_group *group, uint32_t nth) {
    const rv_sql_tally *const of = &group->tallies[t->site];
    t->tally.group = nth + 1;
    t->tally.rows += of->rows;
    t->tally.count += of->count;
    t->tally.sum += of->sum;
    t->tally.fraction += of->fraction;
    t->tally.magnitude += of->magnitude;
    if (op == RV_SQL_TALLY_MIN || op == RV_SQL_TALLY_MAX) {
        t->tally.of.best = of->of.best;
        return;
    }
    for (size_t i = 0; i <= RV_SQL_NUMERIC_SCALE; i++) {
        t->tally.of.scales[i] += of->of.scales[i];
    }
}

/* --- the functions --- */

static void take(sqlite3_context *out, int argc, sqlite3_value **argv) {
    tallying *const t = sqlite3_aggregate_context(out, sizeof *t);
    rv_sql_query *const query = query_of(out);
    const rv_sql_shape *const shape = &query->shape;
    if (t == NULL) {
        return; /* SQLite tells of the memory that there was not */
    }
    RV_ASSERT(argc >= PLACES + (int)shape->table_count);
    const int64_t place = sqlite3_value_int64(argv[PLACES + rv_sql_upkeep_table(query)]);
    const char *why = NULL;
    t->site = (uint32_t)sqlite3_value_int64(argv[SITE]);
    RV_ASSERT(t->site < (uint32_t)shape->sites);
    if (place < 0) {
        const uint32_t nth = (uint32_t)(-1 - place);
        RV_ASSERT(nth < query->upkeep->count);
        take_group(t, op_of(out), query->upkeep->list[nth], nth);
        return;
    }
    RV_ASSERT(place != 0 || query->run.over);
    const bool adds = place < RV_SQL_PLACE_BEFORE;
    t->tally.rows += adds ? 1 : -1;
    t->tally.row = adds && t->tally.row == 0 ? (uint32_t)place : t->tally.row;
    for (int i = PLACES + shape->table_count; i < argc && why == NULL; i++) {
        why = sqlite3_value_type(argv[i]) == SQLITE_FLOAT ? "groups of REAL" : NULL;
    }
    why = why == NULL ? take_value(t, op_of(out), argv[VALUE], adds ? 1 : -1) : why;
    if (why != NULL) {
        refuse(out, why);
    }
}

/* The best of what is there; false: it went, and which is now is not known. */
static bool settle_best(tallying *t, rv_sql_tally_op op) {
    const rv_sql_extreme had = t->tally.of.best;
    RV_ASSERT(t->tally.count >= 0);
    if (t->tally.count == 0) {
        t->tally.of.best = (rv_sql_extreme){.type = 0};
        return true;
    }
    const bool went = had.type != 0 && t->removed.type != 0 && !is_better(op, &had, &t->removed);
    const bool better = t->added.type != 0 && is_better(op, &t->added, &had);
    const bool as_good = t->added.type != 0 && had.type != 0 && compare(&t->added, &had) == 0;
    if (better || as_good) {
        t->tally.of.best = t->added;
        return true;
    }
    return !went;
}

static void show_best(sqlite3_context *out, const rv_sql_extreme *best) {
    if (best->type == SQLITE_INTEGER) {
        sqlite3_result_int64(out, best->as.integer);
    } else if (best->type == SQLITE_FLOAT) {
        sqlite3_result_double(out, best->as.real);
    } else if (best->type == SQLITE_TEXT) {
        sqlite3_result_text64(out, (const char *)best->as.text, best->len, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
    }
}

static void show_numeric(sqlite3_context *out, const rv_sql_tally *t, bool average) {
    rv_sql_numeric_parts parts = {.whole = t->sum, .fraction = t->fraction};
    for (uint32_t scale = 0; scale <= RV_SQL_NUMERIC_SCALE; scale++) {
        parts.scale = t->of.scales[scale] > 0 ? scale : parts.scale;
    }
    rv_sql_numeric_show(out, &parts, average ? t->count : 0);
}

/* The result; without any row, that of none. */
static void show(sqlite3_context *out, rv_sql_tally_op op, const rv_sql_tally *t) {
    if (op == RV_SQL_TALLY_COUNT) {
        sqlite3_result_int64(out, t->count);
    } else if (op == RV_SQL_TALLY_TOTAL) {
        sqlite3_result_double(out, (double)t->sum);
    } else if (t->count == 0) {
        sqlite3_result_null(out);
    } else if (op == RV_SQL_TALLY_SUM) {
        sqlite3_result_int64(out, t->sum);
    } else if (op == RV_SQL_TALLY_AVG) {
        sqlite3_result_double(out, (double)t->sum / (double)t->count);
    } else if (op == RV_SQL_TALLY_NUMERIC_SUM || op == RV_SQL_TALLY_NUMERIC_AVG) {
        show_numeric(out, t, op == RV_SQL_TALLY_NUMERIC_AVG);
    } else {
        show_best(out, &t->of.best);
    }
}

/* SQLite has it end what is left before its rows are through, too, and uses no result of that. */
static void end(sqlite3_context *out) {
    if (((const rv_sql_function *)sqlite3_user_data(out))->sql->running == NULL) {
        return;
    }
    tallying *const t = sqlite3_aggregate_context(out, 0);
    const rv_sql_tally_op op = op_of(out);
    rv_sql_query *const query = query_of(out);
    if (t == NULL) {
        show(out, op, &(rv_sql_tally){.row = 0});
        return;
    }
    if ((op == RV_SQL_TALLY_MIN || op == RV_SQL_TALLY_MAX) && !settle_best(t, op)) {
        query->run.lost = true;
        sqlite3_result_error(out, "a minimum or maximum went", -1);
        return;
    }
    rv_sql_upkeep_note(query, &t->tally, t->site);
    show(out, op, &t->tally);
}

int rv_sql_tally_declare(rv_sql *sql, sqlite3 *db) {
    static const char *const names[RV_SQL_TALLY_OPS] = {
        "rv_count", "rv_sum", "rv_total",       "rv_avg",
        "rv_min",   "rv_max", "rv_numeric_sum", "rv_numeric_avg"};
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < RV_SQL_TALLY_OPS && rc == SQLITE_OK; i++) {
        sql->functions[i] = (rv_sql_function){sql, (rv_sql_tally_op)i};
        rc = sqlite3_create_function_v2(db, names[i], -1, flags, &sql->functions[i], NULL, take,
                                        end, NULL);
    }
    return rc;
}
