/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shape a SELECT has, for those that are to be kept up (sql/upkeep.h): seen where SQLite's own
 * parser and name resolution are through with it, so that nothing is parsed here, and what a name,
 * an alias or a `*` stands for is known.
 *
 *     of rows      SELECT expressions FROM tables WHERE … ORDER BY … LIMIT …
 *     of groups    SELECT expressions over groups and their aggregate functions FROM tables WHERE …
 *                  GROUP BY … HAVING … ORDER BY … LIMIT …
 *
 * What is said of a row of the one table that is gone through hangs on no other row of it, and so
 * changes with that row. Everything else has another shape, and why is told.
 *
 * One that has the shape is compiled with what keeping it up needs, out of the statement's own
 * tree, so that all else is as it was written: each row says which it is (the hidden column of
 * table.c), behind the other columns of the result, or as arguments of aggregate functions, whose
 * place those of tally.c take; and LIMIT asks for some rows more, or for all groups (upkeep.c).
 *
 *     sum(x)   rv_sum(site, x, place…, what is grouped by…)
 *     LIMIT n  LIMIT rv_limit(n)
 *
 * Of its joins it is noted which columns are equal, and for what else columns are used: from that
 * follows what a changed row of another table means (sql/joined.h).
 *
 * The build puts this file right before the parser of the amalgamation (cmake/sql.cmake): below,
 * sqlite3Select is what the parser calls for a statement, and nobody else.
 */
#ifndef RV_SQL_SHAPE_H
#define RV_SQL_SHAPE_H

#include "sql/sqlite.h"

/* Whom SQLite works for; see sql/sqlite.h. */
static rv_sql_context *current;

/* The names of the functions in whose place others come; `arguments` of them. */
typedef struct rv_shape_function {
    const char *name;
    int arguments;
    char *tally;
} rv_shape_function;

static const rv_shape_function rv_shape_functions[] = {
    {"count", 0, "rv_count"},
    {"count", 1, "rv_count"},
    {"sum", 1, "rv_sum"},
    {"total", 1, "rv_total"},
    {"avg", 1, "rv_avg"},
    {"min", 1, "rv_min"},
    {"max", 1, "rv_max"},
    {"numeric_sum", 1, "rv_numeric_sum"},
    {"numeric_avg", 1, "rv_numeric_avg"},
};

/* What is walked through, and what was found. */
typedef struct rv_shape_look {
    Walker walker; /* first */
    Select *select;
    rv_sql_shape *shape;
    bool indexed; /* it calls min or max of a column that an index has in order */
} rv_shape_look;

static const rv_shape_function *rv_shape_function_of(const Expr *call) {
    const ExprList *const list = call->x.pList;
    const int arguments = list == NULL ? 0 : list->nExpr;
    for (size_t i = 0; i < ArraySize(rv_shape_functions); i++) {
        const rv_shape_function *const f = &rv_shape_functions[i];
        if (f->arguments == arguments && sqlite3StrICmp(f->name, call->u.zToken) == 0) {
            return f;
        }
    }
    return NULL;
}

/* --- what columns are used for --- */

typedef struct rv_shape_use {
    Walker walker; /* first */
    const SrcList *from;
    rv_sql_shape *shape;
    unsigned tables; /* whose columns were met (bits) */
} rv_shape_use;

/* The table of FROM that a column is one of; RV_SQL_SHAPE_TABLES: it is no column. */
static unsigned rv_shape_table_of(const SrcList *from, const Expr *e) {
    unsigned nth = 0;
    while (nth < RV_SQL_SHAPE_TABLES &&
           (e->op != TK_COLUMN || (int)nth >= from->nSrc || from->a[nth].iCursor != e->iTable)) {
        nth++;
    }
    return nth;
}

static int rv_shape_visit_column(Walker *walker, Expr *e) {
    rv_shape_use *const use = (rv_shape_use *)walker;
    const unsigned nth = rv_shape_table_of(use->from, e);
    use->tables |= nth < RV_SQL_SHAPE_TABLES ? 1u << nth : 0;
    return WRC_Continue;
}

static rv_shape_use rv_shape_use_of(Parse *parse, const SrcList *from, rv_sql_shape *shape) {
    return (rv_shape_use){.walker = {.pParse = parse, .xExprCallback = rv_shape_visit_column},
                          .from = from,
                          .shape = shape};
}

/* The tables whose columns are in it. */
static uint8_t rv_shape_used(Parse *parse, const SrcList *from, Expr *e) {
    rv_shape_use use = rv_shape_use_of(parse, from, NULL);
    (void)sqlite3WalkExpr(&use.walker, e);
    return (uint8_t)use.tables;
}

/* Notes that two columns are equal, where it says so; false: it says something else. */
static bool rv_shape_link(const rv_shape_use *use, const Expr *e) {
    rv_sql_shape *const shape = use->shape;
    if (e->op != TK_EQ || shape->link_count == RV_SQL_SHAPE_LINKS) {
        return false;
    }
    rv_sql_link link = {.outer = RV_SQL_SHAPE_TABLES};
    for (int side = 0; side < 2; side++) {
        const Expr *const operand = side == 0 ? e->pLeft : e->pRight;
        const unsigned nth = rv_shape_table_of(use->from, operand);
        if (nth == RV_SQL_SHAPE_TABLES || operand->iColumn < 0 || operand->iColumn > UINT8_MAX) {
            return false;
        }
        link.tables[side] = (uint8_t)nth;
        link.columns[side] = (uint8_t)operand->iColumn;
    }
    for (int i = 0; i < use->from->nSrc && ExprHasProperty(e, EP_OuterON); i++) {
        link.outer = use->from->a[i].iCursor == e->w.iJoin ? (uint8_t)i : link.outer;
    }
    shape->links[shape->link_count] = link;
    shape->link_count += link.tables[0] != link.tables[1];
    return link.tables[0] != link.tables[1];
}

/* One of the conditions that all have to be fulfilled. */
static int rv_shape_visit_term(Walker *walker, Expr *e) {
    rv_shape_use *const use = (rv_shape_use *)walker;
    if (e->op == TK_AND) {
        return WRC_Continue;
    }
    if (!rv_shape_link(use, e)) {
        use->shape->tested |= rv_shape_used(walker->pParse, use->from, e);
    }
    return WRC_Prune;
}

/* Notes what columns are used for, beside what functions are given. */
static void rv_shape_note_uses(Parse *parse, const Select *select, rv_sql_shape *shape) {
    const SrcList *const from = select->pSrc;
    const ExprList *const by = select->pGroupBy;
    const ExprList *const order = shape->groups || !shape->limited ? NULL : select->pOrderBy;
    rv_shape_use use = rv_shape_use_of(parse, from, shape);
    use.walker.xExprCallback = rv_shape_visit_term;
    (void)sqlite3WalkExpr(&use.walker, select->pWhere);
    for (int i = 0; order != NULL && i < order->nExpr; i++) {
        shape->tested |= rv_shape_used(parse, from, order->a[i].pExpr);
    }
    for (int i = 0; by != NULL && i < by->nExpr; i++) {
        const Expr *const e = by->a[i].pExpr;
        const unsigned nth = rv_shape_table_of(from, e);
        shape->grouping |= rv_shape_used(parse, from, by->a[i].pExpr);
        if (nth < RV_SQL_SHAPE_TABLES && e->iColumn >= 0 && e->iColumn < 64) {
            shape->grouped[nth] |= UINT64_C(1) << e->iColumn;
        }
    }
}

/* --- judging --- */

static int rv_shape_refuse(Walker *walker, const char *why) {
    ((rv_shape_look *)walker)->shape->other = why;
    return WRC_Abort;
}

static int rv_shape_subquery(Walker *walker, Select *select) {
    return rv_shape_refuse(walker, "a subquery");
}

/* A call of an aggregate function: one of those, of all rows of its group, by plain comparison. */
static int rv_shape_call(Walker *walker, Expr *call) {
    rv_shape_look *const look = (rv_shape_look *)walker;
    const rv_shape_function *const f = rv_shape_function_of(call);
    if (f == NULL || ExprHasProperty(call, EP_Distinct | EP_WinFunc) || call->pLeft != NULL) {
        return rv_shape_refuse(walker, "an aggregate function other than count, sum, total, avg, "
                                       "min, max, numeric_sum, numeric_avg, of all rows");
    }
    const bool compares =
        sqlite3StrICmp(f->name, "min") == 0 || sqlite3StrICmp(f->name, "max") == 0;
    if (compares &&
        !sqlite3IsBinary(sqlite3ExprNNCollSeq(walker->pParse, call->x.pList->a[0].pExpr))) {
        return rv_shape_refuse(walker, "values that compare by other rules");
    }
    const Expr *const of = compares ? call->x.pList->a[0].pExpr : NULL;
    look->indexed =
        look->indexed ||
        (of != NULL && of->op == TK_COLUMN && of->y.pTab != NULL &&
         rv_sql_table_sorts(sqlite3GetVTable(walker->pParse->db, of->y.pTab)->pVtab, of->iColumn));
    for (int i = 0; i < f->arguments; i++) {
        look->shape->tested |=
            rv_shape_used(walker->pParse, look->select->pSrc, call->x.pList->a[i].pExpr);
    }
    look->shape->sites++;
    return WRC_Continue;
}

static int rv_shape_visit(Walker *walker, Expr *e) {
    if (ExprHasProperty(e, EP_WinFunc)) {
        return rv_shape_refuse(walker, "a window, or FILTER");
    }
    return e->op == TK_AGG_FUNCTION ? rv_shape_call(walker, e) : WRC_Continue;
}

/* Outside of aggregate functions there is nothing but what is grouped by: a column besides is one
 * of any row. */
static int rv_shape_visit_group(Walker *walker, Expr *e) {
    const ExprList *const by = ((rv_shape_look *)walker)->select->pGroupBy;
    for (int i = 0; by != NULL && i < by->nExpr; i++) {
        if (sqlite3ExprCompare(walker->pParse, e, by->a[i].pExpr, -1) == 0) {
            return WRC_Prune;
        }
    }
    if (e->op == TK_COLUMN || e->op == TK_AGG_COLUMN) {
        return rv_shape_refuse(walker, "a column that is not grouped by");
    }
    return e->op == TK_AGG_FUNCTION ? WRC_Prune : WRC_Continue;
}

/* True for a table of ours, which has a hidden column. */
static bool rv_shape_is_aggregate(const SrcItem *item) {
    const Table *const t = item->pSTab;
    return !item->fg.isSubquery && !item->fg.isTabFunc && t != NULL && IsVirtual(t) &&
           strcmp(t->aCol[t->nCol - 1].zCnName, RV_SQL_PLACE) == 0;
}

/* Why FROM is not one of a few tables, each once, of which one can be gone through. */
static const char *rv_shape_judge_from(Parse *parse, const SrcList *from, rv_sql_shape *shape) {
    if (from->nSrc == 0 || from->nSrc > (int)RV_SQL_SHAPE_TABLES) {
        return "FROM has no table, or many";
    }
    for (int i = 0; i < from->nSrc; i++) {
        const SrcItem *const item = &from->a[i];
        if (!rv_shape_is_aggregate(item)) {
            return "FROM has something that is no aggregate";
        }
        for (int k = 0; k < i; k++) {
            if (from->a[k].pSTab == item->pSTab) {
                return "an aggregate that is there twice";
            }
        }
        if ((item->fg.jointype & (JT_RIGHT | JT_LTORJ)) != 0) {
            return "a RIGHT or FULL JOIN";
        }
        shape->outer = shape->outer || (item->fg.jointype & JT_OUTER) != 0;
        shape->tables[i] = sqlite3GetVTable(parse->db, item->pSTab)->pVtab;
    }
    shape->table_count = (uint16_t)from->nSrc;
    return NULL;
}

static const char *rv_shape_judge_groups(rv_shape_look *look) {
    Select *const select = look->select;
    ExprList *const by = select->pGroupBy;
    Parse *const parse = look->walker.pParse;
    for (int i = 0; by != NULL && i < by->nExpr; i++) {
        if (!sqlite3IsBinary(sqlite3ExprNNCollSeq(parse, by->a[i].pExpr))) {
            return "values that compare by other rules";
        }
    }
    if (look->shape->sites == 0 || look->shape->sites > (int)RV_SQL_SHAPE_SITES) {
        return "no aggregate function, or many";
    }
    if (by == NULL && look->shape->sites == 1 && look->indexed) {
        return "a minimum or maximum that an index has";
    }
    look->walker.xExprCallback = rv_shape_visit_group;
    (void)(sqlite3WalkExprList(&look->walker, select->pEList) == WRC_Abort ||
           sqlite3WalkExpr(&look->walker, select->pHaving) == WRC_Abort ||
           sqlite3WalkExprList(&look->walker, select->pOrderBy));
    return look->shape->other;
}

/* NULL: the statement has the shape; else why it has not. */
static const char *rv_shape_judge(Parse *parse, Select *select, rv_sql_shape *shape) {
    if (select->pPrior != NULL || select->pNext != NULL) {
        return "UNION, EXCEPT or INTERSECT";
    }
    if ((select->selFlags & SF_Distinct) != 0) {
        return "DISTINCT";
    }
    if (select->pWith != NULL || select->pWin != NULL || select->pWinDefn != NULL) {
        return select->pWith != NULL ? "WITH" : "a window, or FILTER";
    }
    shape->groups = (select->selFlags & SF_Aggregate) != 0;
    shape->limited = select->pLimit != NULL;
    if (shape->limited && select->pLimit->pRight != NULL) {
        return "OFFSET";
    }
    const char *other = rv_shape_judge_from(parse, select->pSrc, shape);
    rv_shape_look look = {.select = select, .shape = shape};
    look.walker.pParse = parse;
    look.walker.xExprCallback = rv_shape_visit;
    look.walker.xSelectCallback = rv_shape_subquery;
    if (other == NULL) {
        (void)sqlite3WalkSelectExpr(&look.walker, select);
        other = shape->other;
    }
    if (other == NULL) {
        rv_shape_note_uses(parse, select, shape);
    }
    return other == NULL && shape->groups ? rv_shape_judge_groups(&look) : other;
}

/* Puts the hidden column of each table behind a list. */
static ExprList *rv_shape_append_places(Parse *parse, SrcList *from, ExprList *list) {
    for (int i = 0; i < from->nSrc; i++) {
        Expr *const place = sqlite3CreateColumnExpr(parse->db, from, i, from->a[i].pSTab->nCol - 1);
        list = sqlite3ExprListAppend(parse, list, place);
    }
    return list;
}

/* A REAL may equal another number than it is, so groups by such are watched for. */
static ExprList *rv_shape_append_groups(Parse *parse, const ExprList *by, ExprList *list) {
    for (int i = 0; by != NULL && i < by->nExpr; i++) {
        const char affinity = sqlite3ExprAffinity(by->a[i].pExpr);
        if (by->a[i].pExpr->op != TK_COLUMN || affinity == SQLITE_AFF_REAL) {
            list = sqlite3ExprListAppend(parse, list, sqlite3ExprDup(parse->db, by->a[i].pExpr, 0));
        }
    }
    return list;
}

/* Another function takes the place of the one that is called. */
static int rv_shape_rewrite_call(Walker *walker, Expr *e) {
    rv_shape_look *const look = (rv_shape_look *)walker;
    Parse *const parse = walker->pParse;
    if (e->op != TK_AGG_FUNCTION) {
        return WRC_Continue;
    }
    const rv_shape_function *const f = rv_shape_function_of(e);
    Expr *const given = e->x.pList == NULL ? NULL : e->x.pList->a[0].pExpr;
    if (given != NULL) {
        e->x.pList->a[0].pExpr = NULL;
        sqlite3ExprListDelete(parse->db, e->x.pList);
    }
    ExprList *list =
        sqlite3ExprListAppend(parse, NULL, sqlite3ExprInt32(parse->db, look->shape->sites));
    list =
        sqlite3ExprListAppend(parse, list, given != NULL ? given : sqlite3ExprInt32(parse->db, 1));
    list = rv_shape_append_places(parse, look->select->pSrc, list);
    if (look->shape->sites == 0) {
        list = rv_shape_append_groups(parse, look->select->pGroupBy, list);
    }
    look->shape->sites++;
    e->x.pList = list;
    e->u.zToken = f->tally;
    ExprClearProperty(e, EP_Leaf);
    return WRC_Prune;
}

static void rv_shape_rewrite(Parse *parse, Select *select, rv_sql_shape *shape) {
    if (shape->groups) {
        rv_shape_look look = {.select = select, .shape = shape};
        look.walker.pParse = parse;
        look.walker.xExprCallback = rv_shape_rewrite_call;
        shape->sites = 0; /* counted again, as they are numbered */
        (void)sqlite3WalkSelectExpr(&look.walker, select);
    } else {
        select->pEList = rv_shape_append_places(parse, select->pSrc, select->pEList);
    }
    if (shape->limited) {
        Expr *const call = sqlite3Expr(parse->db, TK_FUNCTION, "rv_limit");
        if (call != NULL) {
            call->x.pList = sqlite3ExprListAppend(parse, NULL, select->pLimit->pLeft);
            select->pLimit->pLeft = call;
        }
    }
    for (int i = 0; i < select->pSrc->nSrc; i++) {
        shape->columns[i] = select->pSrc->a[i].colUsed;
    }
}

static int rv_shape_select(Parse *parse, Select *select, SelectDest *to) {
    rv_sql_shape *const shape = &current->shape;
    const bool own = parse->db->init.busy != 0 || parse->nested != 0; /* SQLite's */
    if (shape->wanted && !own && select != NULL && parse->nErr == 0) {
        sqlite3SelectPrep(parse, select, 0);
        if (parse->nErr == 0 && parse->explain == 0) {
            *shape = (rv_sql_shape){.wanted = true};
            shape->other = rv_shape_judge(parse, select, shape);
            if (shape->other == NULL) {
                rv_shape_rewrite(parse, select, shape);
            }
        }
    }
    return sqlite3Select(parse, select, to);
}

#define sqlite3Select(parse, select, to) rv_shape_select(parse, select, to)

#endif
