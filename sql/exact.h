/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sums are exact: `sum` and `avg` of numerics are numeric_sum and numeric_avg, which add
 * decimals, where SQLite's own add doubles. That an argument is a numeric no value says, as most of
 * them are REALs; it is known where names are resolved: here, right after those of the argument.
 *
 *     sum(amount)                          numeric_sum(amount)
 *     avg(coalesce(a.amount, 0))           numeric_avg(…)
 *     sum(x) FROM (SELECT amount AS x …)   numeric_sum(x)
 *     sum(amount * 2), sum(ratio)          as they are: REAL
 *
 * An expression is a numeric if one of those that its value may be is one (sql/order.h), and the
 * others are numerics, integers or constants, whose digits are theirs too. Columns of aggregates
 * say so in their declared types; those of subqueries are marked as soon as what they stand for is
 * resolved, which is before anybody can name them. A column of a recursion, inside it, is whatever
 * its other parts are.
 *
 * The build puts this file before resolve.c of the amalgamation (cmake/sql.cmake), and
 * sql/sqlite.sed calls its functions.
 */
#ifndef RV_SQL_EXACT_H
#define RV_SQL_EXACT_H

#include "sql/order.h"

/* Bits of Column.colFlags that SQLite has no use for: what a column of a subquery is. */
#define RV_EXACT_DECIMAL 0x1000u
#define RV_EXACT_OTHER   0x2000u

/* What an expression may be; neither: an integer, a constant, or nothing known against it. */
typedef struct rv_exact_look {
    Walker walker; /* first */
    bool decimal;
    bool other;
} rv_exact_look;

static bool rv_exact_take(rv_exact_look *look, unsigned what) {
    look->decimal = look->decimal || what == RV_EXACT_DECIMAL;
    look->other = look->other || what == RV_EXACT_OTHER;
    return look->other;
}

static unsigned rv_exact_of_column(const Expr *e) {
    const Table *const table = e->y.pTab;
    if (table == NULL || e->iColumn < 0 || e->iColumn >= table->nCol) {
        return RV_EXACT_OTHER;
    }
    Column *const column = &table->aCol[e->iColumn];
    if (!IsVirtual(table)) {
        return column->colFlags & (RV_EXACT_DECIMAL | RV_EXACT_OTHER);
    }
    const char *const type = sqlite3ColumnType(column, "");
    return strncmp(type, RV_SQL_NUMERIC_TYPE, sizeof RV_SQL_NUMERIC_TYPE - 1) == 0
               ? RV_EXACT_DECIMAL
           : column->affinity == SQLITE_AFF_INTEGER ? 0
                                                    : RV_EXACT_OTHER;
}

/* The functions for numerics give such; but one compares them, which gives an integer. */
static bool rv_exact_is_numeric(const char *name) {
    return sqlite3StrNICmp(name, "numeric_", 8) == 0;
}

/* Goes on to those of the operands of a function or a CASE that its value may be. */
static void rv_exact_of_operands(rv_exact_look *look, const Expr *e, rv_order_operands operands) {
    const ExprList *const list = e->x.pList;
    for (int i = 0; list != NULL && i < list->nExpr && !look->other; i++) {
        if (rv_order_takes(operands, i, list->nExpr)) {
            (void)sqlite3WalkExpr(&look->walker, list->a[i].pExpr);
        }
    }
}

static void rv_exact_of_call(rv_exact_look *look, const Expr *call) {
    const char *const name = call->u.zToken;
    if (rv_exact_is_numeric(name)) {
        (void)rv_exact_take(look, sqlite3StrICmp(name, "numeric_cmp") == 0 ? 0 : RV_EXACT_DECIMAL);
        return;
    }
    for (size_t i = 0; i < ArraySize(rv_order_functions); i++) {
        if (sqlite3StrICmp(name, rv_order_functions[i].name) == 0) {
            rv_exact_of_operands(look, call, rv_order_functions[i].operands);
            return;
        }
    }
    (void)rv_exact_take(look, RV_EXACT_OTHER);
}

/* The nth column of all parts of a SELECT. */
static void rv_exact_of_select(rv_exact_look *look, const Select *select, int nth) {
    for (; select != NULL && !look->other; select = select->pPrior) {
        RV_ASSERT(nth < select->pEList->nExpr);
        (void)sqlite3WalkExpr(&look->walker, select->pEList->a[nth].pExpr);
    }
}

static int rv_exact_visit(Walker *walker, Expr *e) {
    rv_exact_look *const look = (rv_exact_look *)walker;
    double real = 0;
    switch (e->op) {
    case TK_COLLATE:
    case TK_UPLUS:
        return WRC_Continue;
    case TK_INTEGER:
    case TK_FLOAT:
    case TK_NULL:
    case TK_VARIABLE:
    case TK_TRUEFALSE:
        break;
    case TK_STRING: /* one of many digits is written so */
        (void)rv_exact_take(look, sqlite3AtoF(e->u.zToken, &real) > 0 ? 0 : RV_EXACT_OTHER);
        break;
    case TK_UMINUS:
        (void)rv_exact_take(
            look, e->pLeft->op == TK_INTEGER || e->pLeft->op == TK_FLOAT ? 0 : RV_EXACT_OTHER);
        break;
    case TK_COLUMN:
        (void)rv_exact_take(look, rv_exact_of_column(e));
        break;
    case TK_CASE:
        rv_exact_of_operands(look, e, RV_ORDER_CHOICE);
        break;
    case TK_FUNCTION:
    case TK_AGG_FUNCTION:
        rv_exact_of_call(look, e);
        break;
    case TK_SELECT:
        rv_exact_of_select(look, e->x.pSelect, 0);
        break;
    default:
        (void)rv_exact_take(look, RV_EXACT_OTHER);
    }
    return look->other ? WRC_Abort : WRC_Prune;
}

static rv_exact_look rv_exact_look_of(Parse *parse) {
    return (rv_exact_look){
        .walker = {.pParse = parse, .xExprCallback = rv_exact_visit, .xSelectCallback = NULL}};
}

/* The names in the subquery of FROM are resolved: what are its columns? */
static void rv_exact_columns(Parse *parse, const SrcItem *item) {
    const Table *const table = item->pSTab;
    const Select *const select = item->u4.pSubq->pSelect;
    RV_ASSERT(item->fg.isSubquery);
    for (int i = 0; table != NULL && i < table->nCol && i < select->pEList->nExpr; i++) {
        rv_exact_look look = rv_exact_look_of(parse);
        rv_exact_of_select(&look, select, i);
        table->aCol[i].colFlags |= look.other     ? RV_EXACT_OTHER
                                   : look.decimal ? RV_EXACT_DECIMAL
                                                  : 0;
    }
}

/* The function that is called, of which the names in its arguments are resolved. */
static FuncDef *rv_exact_function(Parse *parse, Expr *call, FuncDef *found) {
    const ExprList *const list = call->x.pList;
    const bool sums = found != NULL && found->xFinalize != NULL && list != NULL &&
                      list->nExpr == 1 && parse->nErr == 0;
    const bool sum = sums && sqlite3StrICmp(call->u.zToken, "sum") == 0;
    const bool avg = sums && sqlite3StrICmp(call->u.zToken, "avg") == 0;
    if (!sum && !avg) {
        return found;
    }
    static char *const names[] = {"numeric_sum", "numeric_avg"};
    rv_exact_look look = rv_exact_look_of(parse);
    (void)sqlite3WalkExpr(&look.walker, list->a[0].pExpr);
    FuncDef *const exact = look.decimal && !look.other
                               ? sqlite3FindFunction(parse->db, names[avg], 1, ENC(parse->db), 0)
                               : NULL;
    if (exact == NULL) {
        return found;
    }
    call->u.zToken = names[avg];
    return exact;
}

#endif
