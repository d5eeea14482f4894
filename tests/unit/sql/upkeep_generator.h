/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements whose results can be kept up (sql/upkeep.h), and their neighbours that cannot, from a
 * seed, over the aggregates of generator.h: what is gone through is t or u, alone or with the other
 * one by its key, once for each row or several times; rows in any order with a LIMIT; groups by
 * columns of every form and expressions, by nothing, with HAVING, and by functions of every kind.
 * Of conditions an index helps with some.
 */
#ifndef RV_TESTS_SQL_UPKEEP_GENERATOR_H
#define RV_TESTS_SQL_UPKEEP_GENERATOR_H

#include "tests/unit/sql/generator.h"

/* What is gone through, and what can be said of it; `a` is it. */
typedef struct kept_source {
    const char *from;
    const char *columns[14];
    const char *conditions[22];
    const char *groups[12];
    const char *numbers[12]; /* that are summed */
} kept_source;

/* Of u, as a, and t by its key, as b. */
#define OF_U_AND_T                                                                                 \
    {"a.a", "a.z", "b.k", "b.s", "a.v", "b.e", "a.v + b.id", "b.n", "a.t_id"},                     \
        {"a.v + 0 > 0",       "a.a % 2 = 0",     "a.z || '' < 'q'", "b.k + 0 > 2",                 \
         "a.v + 0 < b.k + 0", "a.v + 0 IS NULL", "b.b + 0 = 1",     "b.s || '' > 'a'"},            \
        {"b.e", "b.k",      "a.z",    "a.a % 3",     "b.b",                                        \
         "a.v", "b.e, a.z", "a.t_id", "a.t_id, b.s", "b.id, b.e"},                                 \
    {                                                                                              \
        "a.v", "b.k", "a.v + b.id", "a.a", "b.c", "b.n", "coalesce(b.n, a.v)"                      \
    }

static const kept_source kept_sources[] = {
    {" FROM t a",
     {"a.id", "a.k", "a.b", "a.n", "a.w", "a.s", "a.e", "a.d", "a.ts", "a.f", "a.k % 3", "a.h",
      "a.c", "a.j"},
     {"a.k + 0 > 2",
      "a.k + 0 IS NULL",
      "a.j LIKE '%1%'",
      "a.s || '' < 'b'",
      "a.n + 0 > 0",
      "a.id % 3 = 1",
      "length(a.s) < 2",
      "a.e || '' = 'red'",
      "abs(a.k) IN (0, 2, 3, 8)",
      "a.d || '' > '2012'",
      "NOT a.b",
      "a.w || '' <> '2.0000'",
      "a.k = 3",
      "a.h = 'ab'",
      "a.c = 17",
      "a.d = '2012-01-31'",
      "a.k > 0",
      "a.n BETWEEN -1 AND 200",
      "a.d >= '2012'",
      "a.s < 'b'",
      "a.c IS NOT NULL",
      "a.f < 3"},
     {"a.k", "a.s", "a.e", "a.b", "a.k % 3", "substr(a.ts, 1, 7)", "a.c", "a.h", "a.n", "a.f",
      "a.k > 2, a.e", "a.w"},
     {"a.k", "a.c", "a.id", "a.k + a.id", "a.b", "a.k % 5", "a.n", "length(a.s)",
      "coalesce(a.n, a.k)", "a.w", "iif(abs(a.n) < 1000, a.w, -0.25)"}},
    {" FROM u a JOIN t b ON b.id = a.t_id", OF_U_AND_T},
    {" FROM u a JOIN t b ON b.id IN (a.t_id, a.v, a.a)", OF_U_AND_T},
    {" FROM u a JOIN t b ON (b.id = a.t_id OR b.id = a.v)", OF_U_AND_T},
    {" FROM u a JOIN t b ON ((b.id = a.t_id AND b.k + 0 > 2) OR (b.id = a.a AND a.v + 0 < 2))",
     OF_U_AND_T},
    {" FROM t a JOIN u b ON b.a = a.k AND b.z IN ('p', 'r', a.s)",
     {"a.id", "a.k", "a.s", "b.z", "b.v", "b.t_id", "a.k + b.v"},
     {"a.k + 0 > 2", "a.j LIKE '%1%'", "a.id % 3 = 1", "b.v + 0 > 0", "b.z || '' < 'q'",
      "a.s >= 'a'"},
     {"b.z", "b.v", "a.k", "a.s", "a.e"},
     {"b.v", "a.k", "a.id", "a.k + b.v"}},
    {" FROM u a LEFT JOIN t b ON b.id = a.t_id",
     {"a.a", "a.z", "b.k", "b.s", "a.v", "b.e", "b.id"},
     {"a.v + 0 > 0", "a.a % 2 = 0", "a.z || '' < 'q'", "b.k IS NULL", "a.v + 0 IS NULL", "a.v > 1"},
     {"b.e", "b.k", "a.z", "b.id IS NULL", "a.v", "a.t_id, b.e", "b.id, b.k"},
     {"a.v", "b.k", "a.a", "b.id"}},
};

static void put_kept_conditions(const kept_source *of) {
    for (uint32_t i = 0, count = below(3); i < count; i++) {
        put(i == 0 ? " WHERE " : chance(60) ? " AND " : " OR ");
        put(pick(of->conditions, 22));
    }
}

static bool make_kept_rows(const kept_source *of) {
    const uint32_t count = 1 + below(4);
    for (uint32_t i = 0; i < count; i++) {
        put(i == 0 ? "SELECT " : ", ");
        put(pick(of->columns, 14));
    }
    put(of->from);
    put_kept_conditions(of);
    if (chance(40)) {
        return false;
    }
    put_order(count);
    if (chance(70)) {
        put(" LIMIT ");
        rv_write_uint(&made, below(9));
    }
    return true;
}

static void put_kept_function(const kept_source *of) {
    static const char *const functions[] = {"sum(",   "sum(", "total(",       "avg(", "min(",
                                            "max(",   "min(", "max(",         "sum(", "count(",
                                            "count(", "avg(", "numeric_sum(", "max("};
    if (chance(20)) {
        put("count(*)");
        return;
    }
    const char *const function = ONE_OF(functions);
    put(function);
    put(function[0] == 'm' || function[0] == 'c' ? pick(of->columns, 14) : pick(of->numbers, 12));
    put(")");
}

static bool make_kept_groups(const kept_source *of) {
    const bool grouped = !chance(25);
    const char *const group = pick(of->groups, 12);
    put("SELECT ");
    put(grouped ? group : "7");
    for (uint32_t i = 1 + below(3); i > 0; i--) {
        put(", ");
        put_kept_function(of);
    }
    if (chance(20)) {
        put(", sum(");
        put(of->numbers[0]);
        put(") * 10 / count(*)");
    }
    put(of->from);
    put_kept_conditions(of);
    if (!grouped) {
        return true;
    }
    put(" GROUP BY ");
    put(group);
    if (chance(30)) {
        put(chance(50) ? " HAVING count(*) > 1" : " HAVING count(*) % 2 = 0");
    }
    if (chance(50)) {
        put(" ORDER BY 1");
        put(strchr(group, ',') != NULL ? ", 2" : "");
        put(chance(50) ? " LIMIT 3" : chance(50) ? " LIMIT 4 OFFSET 1" : "");
        return true;
    }
    return false;
}

/* Writes a statement; true when its rows come in an order that it says. */
static bool make_kept_statement(void) {
    const kept_source *const of = chance(50) ? &kept_sources[0] : &ONE_OF(kept_sources);
    return chance(50) ? make_kept_rows(of) : make_kept_groups(of);
}

#endif
