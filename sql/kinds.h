/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of value an expression has, where no value says so: a numeric may be any REAL, INTEGER
 * or TEXT, and JSON is a TEXT. It is known where names are resolved, from the declared types of
 * columns (sql/declared.h), and two things come of it there, right after the names in the arguments
 * of a call are resolved. Sums of numerics are exact: they become numeric_sum and numeric_avg,
 * which add decimals, where SQLite's own add doubles. And JSON that goes into JSON is that, and no
 * string: SQLite's functions ask for a subtype, which a value loses wherever rows are put by, so it
 * is given to the argument.
 *
 *     sum(amount)                          numeric_sum(amount)
 *     avg(coalesce(a.amount, 0))           numeric_avg(…)
 *     sum(x) FROM (SELECT amount AS x …)   numeric_sum(x)
 *     sum(amount * 2), sum(ratio)          as they are: REAL
 *     json_group_array(data)               json_group_array(json(data))
 *
 * An expression has the kind of those that its value may be (sql/order.h). Beside a numeric,
 * integers, constants and parameters are numerics, too; JSON is only what is nothing else. Columns
 * of subqueries are marked as soon as what they stand for is resolved, which is before anybody can
 * name them. A column of a recursion, inside it, is whatever its other parts are.
 *
 * The build puts this file before resolve.c of the amalgamation (cmake/sql.cmake), and
 * sql/sqlite.sed calls its functions.
 */
#ifndef RV_SQL_KINDS_H
#define RV_SQL_KINDS_H

#include "sql/declared.h"
#include "sql/order.h"

/* Bits of Column.colFlags that SQLite has no use for: what the column of a subquery may be. NULL is
 * of no kind. */
#define RV_KIND_NUMERIC  0x1000u
#define RV_KIND_CONSTANT 0x2000u /* or an integer */
#define RV_KIND_JSON     0x4000u
#define RV_KIND_OTHER    0x8000u
#define RV_KINDS         0xf000u

typedef struct rv_kind_look {
    Walker walker;  /* first */
    unsigned kinds; /* that were met */
} rv_kind_look;

static bool rv_kind_is_numeric(unsigned kinds) {
    return (kinds & ~RV_KIND_CONSTANT) == RV_KIND_NUMERIC;
}

static bool rv_kind_declared(const char *type, const char *as) {
    return strncmp(type, as, strlen(as)) == 0;
}

static unsigned rv_kind_of_column(const Expr *e) {
    const Table *const table = e->y.pTab;
    if (table == NULL || e->iColumn < 0 || e->iColumn >= table->nCol) {
        return RV_KIND_OTHER;
    }
    Column *const column = &table->aCol[e->iColumn];
    if (!IsVirtual(table)) {
        return column->colFlags & RV_KINDS;
    }
    const char *const type = sqlite3ColumnType(column, "");
    return rv_kind_declared(type, RV_SQL_DECLARED_NUMERIC) ? RV_KIND_NUMERIC
           : rv_kind_declared(type, RV_SQL_DECLARED_JSON)  ? RV_KIND_JSON
           : column->affinity == SQLITE_AFF_INTEGER        ? RV_KIND_CONSTANT
                                                           : RV_KIND_OTHER;
}

/* Goes on to those of the operands of a function or a CASE that its value may be. */
static void rv_kind_of_operands(rv_kind_look *look, const Expr *e, rv_order_operands operands) {
    const ExprList *const list = e->x.pList;
    for (int i = 0; list != NULL && i < list->nExpr; i++) {
        if (rv_order_takes(operands, i, list->nExpr)) {
            (void)sqlite3WalkExpr(&look->walker, list->a[i].pExpr);
        }
    }
}

/* The functions for numerics give such; but the one that compares them gives an integer. */
static void rv_kind_of_call(rv_kind_look *look, const Expr *call) {
    const char *const name = call->u.zToken;
    if (sqlite3StrNICmp(name, "numeric_", 8) == 0) {
        const bool compares = sqlite3StrICmp(name, "numeric_cmp") == 0;
        look->kinds |= compares ? RV_KIND_CONSTANT : RV_KIND_NUMERIC;
        return;
    }
    for (size_t i = 0; i < ArraySize(rv_order_functions); i++) {
        if (sqlite3StrICmp(name, rv_order_functions[i].name) == 0) {
            rv_kind_of_operands(look, call, rv_order_functions[i].operands);
            return;
        }
    }
    look->kinds |= RV_KIND_OTHER;
}

/* The nth column of all parts of a SELECT. */
static void rv_kind_of_select(rv_kind_look *look, const Select *select, int nth) {
    for (; select != NULL; select = select->pPrior) {
        RV_ASSERT(nth < select->pEList->nExpr);
        (void)sqlite3WalkExpr(&look->walker, select->pEList->a[nth].pExpr);
    }
}

static bool rv_kind_is_number(const Expr *e) {
    return e->op == TK_INTEGER || e->op == TK_FLOAT;
}

static int rv_kind_visit(Walker *walker, Expr *e) {
    rv_kind_look *const look = (rv_kind_look *)walker;
    double real = 0;
    switch (e->op) {
    case TK_COLLATE:
    case TK_UPLUS:
        return WRC_Continue;
    case TK_NULL:
        break;
    case TK_INTEGER:
    case TK_FLOAT:
    case TK_VARIABLE:
    case TK_TRUEFALSE:
        look->kinds |= RV_KIND_CONSTANT;
        break;
    case TK_STRING: /* a number of many digits is written so */
        look->kinds |= sqlite3AtoF(e->u.zToken, &real) > 0 ? RV_KIND_CONSTANT : RV_KIND_OTHER;
        break;
    case TK_UMINUS:
        look->kinds |= rv_kind_is_number(e->pLeft) ? RV_KIND_CONSTANT : RV_KIND_OTHER;
        break;
    case TK_COLUMN:
        look->kinds |= rv_kind_of_column(e);
        break;
    case TK_CASE:
        rv_kind_of_operands(look, e, RV_ORDER_CHOICE);
        break;
    case TK_FUNCTION:
    case TK_AGG_FUNCTION:
        rv_kind_of_call(look, e);
        break;
    case TK_SELECT:
        rv_kind_of_select(look, e->x.pSelect, 0);
        break;
    default:
        look->kinds |= RV_KIND_OTHER;
    }
    return (look->kinds & RV_KIND_OTHER) != 0 ? WRC_Abort : WRC_Prune;
}

static rv_kind_look rv_kind_look_of(Parse *parse) {
    return (rv_kind_look){.walker = {.pParse = parse, .xExprCallback = rv_kind_visit}};
}

static unsigned rv_kind_of(Parse *parse, Expr *e) {
    rv_kind_look look = rv_kind_look_of(parse);
    (void)sqlite3WalkExpr(&look.walker, e);
    return look.kinds;
}

/* The names in the subquery of FROM are resolved: what are its columns? */
static void rv_kind_columns(Parse *parse, const SrcItem *item) {
    const Table *const table = item->pSTab;
    const Select *const select = item->u4.pSubq->pSelect;
    RV_ASSERT(item->fg.isSubquery);
    for (int i = 0; table != NULL && i < table->nCol && i < select->pEList->nExpr; i++) {
        rv_kind_look look = rv_kind_look_of(parse);
        rv_kind_of_select(&look, select, i);
        table->aCol[i].colFlags |= look.kinds;
    }
}

/* The exact function in the place of a sum; NULL: it is none, or of no numerics. */
static FuncDef *rv_kind_exact(Parse *parse, Expr *call) {
    static char *const names[] = {"numeric_sum", "numeric_avg"};
    const ExprList *const list = call->x.pList;
    const bool avg = sqlite3StrICmp(call->u.zToken, "avg") == 0;
    if ((!avg && sqlite3StrICmp(call->u.zToken, "sum") != 0) || list->nExpr != 1 ||
        !rv_kind_is_numeric(rv_kind_of(parse, list->a[0].pExpr))) {
        return NULL;
    }
    FuncDef *const exact = sqlite3FindFunction(parse->db, names[avg], 1, ENC(parse->db), 0);
    call->u.zToken = exact == NULL ? call->u.zToken : names[avg];
    return exact;
}

/* Gives arguments that are JSON the subtype of such. */
static void rv_kind_embed(Parse *parse, ExprList *list) {
    for (int i = 0; i < list->nExpr; i++) {
        Expr *const given = list->a[i].pExpr;
        if (rv_kind_of(parse, given) != RV_KIND_JSON) {
            continue;
        }
        Expr *const call = sqlite3Expr(parse->db, TK_FUNCTION, "json");
        if (call != NULL) {
            ExprClearProperty(call, EP_Leaf);
            ExprSetProperty(call, EP_SubtArg);
            call->x.pList = sqlite3ExprListAppend(parse, NULL, given);
            list->a[i].pExpr = call;
        }
    }
}

/* The function that is called, of which the names in its arguments are resolved. */
static FuncDef *rv_kind_function(Parse *parse, Expr *call, FuncDef *found) {
    FuncDef *exact = NULL;
    if (found == NULL || call->x.pList == NULL || parse->nErr > 0) {
        return found;
    }
    if (found->xFinalize != NULL) {
        exact = rv_kind_exact(parse, call);
    }
    if ((found->funcFlags & SQLITE_SUBTYPE) != 0) {
        rv_kind_embed(parse, call->x.pList);
    }
    return exact == NULL ? found : exact;
}

#endif
