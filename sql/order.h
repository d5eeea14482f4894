/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which collation what is made of columns compares by, and how it does. Numerics that no REAL holds
 * are TEXT with a collation of their own (sql/wide.h), char(n) has RTRIM. To SQLite a collation is
 * a column's, and lost in `max(amount)` or `coalesce(amount, 0)`, which would then compare as text,
 * and never equal a number. Here
 *
 *  - an expression whose value is one of its operands compares by the collation that one of these
 *    has: CASE, coalesce, min, max, lag … of a column, subqueries; and what the numeric functions
 *    give as numerics do;
 *  - of two columns that are compared the one that has such a collation says how, on either side,
 *    and so does any part of a compound SELECT;
 *  - a number and a text meet as numbers under the collation of numerics, whatever columns they
 *    come from: the affinity of a column of numbers would make the text a REAL first.
 *
 *     coalesce(amount, 0) < 20      0 < 20, '2.50' < 20, '12.00' < 20: INTEGERs and TEXTs
 *
 * The build puts this file before vdbeaux.c of the amalgamation (cmake/sql.cmake), and calls its
 * functions where SQLite asks for collations and compares (sql/sqlite.sed).
 */
#ifndef RV_SQL_ORDER_H
#define RV_SQL_ORDER_H

#include "core/base/assert.h"
#include "sql/wide.h"

#include <stdbool.h>

#define RV_ORDER_NUMBER (MEM_Int | MEM_Real | MEM_IntReal)

static CollSeq *multiSelectCollSeq(Parse *, Select *, int);

/* --- comparing --- */

static bool rv_order_is_wide(const CollSeq *order) {
    return order != NULL && order->xCmp == rv_sql_wide_compare;
}

static bool rv_order_of_field(const KeyInfo *info, int field) {
    RV_ASSERT(field >= 0);
    return field < (int)info->nAllField && rv_order_is_wide(info->aColl[field]);
}

/* True for a number and a text, by the flags of the two, that meet as numbers. */
static bool rv_order_mixes(int a, int b, const CollSeq *order) {
    const bool numbers[2] = {(a & RV_ORDER_NUMBER) != 0, (b & RV_ORDER_NUMBER) != 0};
    const int other = numbers[0] ? b : a;
    return numbers[0] != numbers[1] && (other & MEM_Str) != 0 && rv_order_is_wide(order);
}

/* The affinity, with flags or without, that both sides are given before they are compared. */
static int rv_order_affinity(const CollSeq *order, int affinity) {
    const bool numbers = (affinity & SQLITE_AFF_MASK) >= SQLITE_AFF_NUMERIC;
    return numbers && rv_order_is_wide(order) ? (affinity & ~SQLITE_AFF_MASK) | SQLITE_AFF_BLOB
                                              : affinity;
}

/* The text of a value; a number's as SQLite writes it, in `memory`. */
static const char *rv_order_text(const Mem *value, char *memory, int size, int *len) {
    if ((value->flags & RV_ORDER_NUMBER) == 0) {
        RV_ASSERT((value->flags & MEM_Str) != 0);
        *len = value->n;
        return value->z;
    }
    Mem number = *value;
    vdbeMemRenderNum(size, memory, &number);
    RV_ASSERT(number.n > 0 && number.n < size);
    *len = number.n;
    return memory;
}

static int rv_order_compare(const Mem *a, const Mem *b) {
    char memory[2][64];
    int len[2];
    const char *const x = rv_order_text(a, memory[0], sizeof memory[0], &len[0]);
    const char *const y = rv_order_text(b, memory[1], sizeof memory[1], &len[1]);
    return rv_sql_wide_compare(NULL, len[0], x, len[1], y);
}

/* A field of a record and a value, of any types, under the collation of numerics. */
static int rv_order_record(const KeyInfo *info, int field, u32 type, const u8 *bytes,
                           const Mem *value) {
    Mem mem = {.db = info->db, .enc = info->enc};
    RV_ASSERT(rv_order_of_field(info, field));
    sqlite3VdbeSerialGet(bytes, type, &mem);
    return sqlite3MemCompare(&mem, value, info->aColl[field]);
}

/* Before what compares a field of a record otherwise. */
#define RV_ORDER_FIELD                                                                             \
    if (rv_order_of_field(pPKey2->pKeyInfo, i)) {                                                  \
        getVarint32NR(&aKey1[idx1], serial_type);                                                  \
        if (d1 + (u64)sqlite3VdbeSerialTypeLen(serial_type) > (u64)nKey1) {                        \
            pPKey2->errCode = (u8)SQLITE_CORRUPT_BKPT;                                             \
            return 0;                                                                              \
        }                                                                                          \
        rc = rv_order_record(pPKey2->pKeyInfo, i, serial_type, &aKey1[d1], pRhs);                  \
    } else

/* --- parameters --- */

/* True for `$2`, `:2`, `@2`. */
static bool rv_order_numbers(const char *name) {
    size_t at = 1;
    while (name[at] >= '0' && name[at] <= '9') {
        at++;
    }
    return at > 1 && name[at] == '\0';
}

/* --- whose collation --- */

/* One that anything else comes before: none, or the one of bytes. */
static bool rv_order_weak(const Parse *parse, const CollSeq *order) {
    return order == NULL || order == parse->db->pDfltColl;
}

/* The collation of what is compared with `right` and has `order` itself, if any. */
static CollSeq *rv_order_of_two(Parse *parse, CollSeq *order, const Expr *right) {
    CollSeq *const other = rv_order_weak(parse, order) ? sqlite3ExprCollSeq(parse, right) : NULL;
    return other == NULL ? order : other;
}

/* The collation of a column of `(x, y) IN (SELECT a, b …)`, if it has one of its own. */
static CollSeq *rv_order_of_member(Parse *parse, const Expr *in, int column) {
    RV_ASSERT(in->op == TK_IN && column >= 0);
    if (!ExprUseXSelect(in)) {
        return NULL; /* in a list it is that of `x` */
    }
    CollSeq *const order =
        sqlite3BinaryCompareCollSeq(parse, sqlite3VectorFieldSubexpr(in->pLeft, column),
                                    in->x.pSelect->pEList->a[column].pExpr);
    return rv_order_weak(parse, order) ? NULL : order;
}

/* The first one of its columns that has one. */
static CollSeq *rv_order_of_in(Parse *parse, const Expr *in) {
    const int count = sqlite3ExprVectorSize(in->pLeft);
    CollSeq *order = NULL;
    for (int i = 0; i < count && order == NULL; i++) {
        order = rv_order_of_member(parse, in, i);
    }
    return order;
}

/* What a table was asked for by IN, to be tested by the collation of that. */
static Expr *rv_order_sought(Parse *parse, const Expr *in, int field, Expr *sought) {
    const CollSeq *const order = rv_order_of_member(parse, in, field > 0 ? field - 1 : 0);
    RV_ASSERT(sought != NULL);
    return order == NULL ? sought : sqlite3ExprAddCollateString(parse, sought, order->zName);
}

/* The collation of a column of a SELECT, which may be a compound one: `select` is its first. */
static CollSeq *rv_order_of_column(Parse *parse, const Select *select, int column) {
    CollSeq *order = NULL;
    for (; select != NULL; select = select->pNext) {
        RV_ASSERT(column < select->pEList->nExpr);
        order = rv_order_of_two(parse, order, select->pEList->a[column].pExpr);
    }
    return order;
}

/* Which operands of a function its value may be. */
typedef enum rv_order_operands {
    RV_ORDER_ALL,
    RV_ORDER_FIRST,
    RV_ORDER_CHOICE, /* when, then, when, then …, else */
    RV_ORDER_EVEN    /* value, offset, default */
} rv_order_operands;

static const struct {
    const char *name;
    rv_order_operands operands;
} rv_order_functions[] = {
    {"coalesce", RV_ORDER_ALL},     {"ifnull", RV_ORDER_ALL},        {"min", RV_ORDER_ALL},
    {"max", RV_ORDER_ALL},          {"nullif", RV_ORDER_FIRST},      {"iif", RV_ORDER_CHOICE},
    {"if", RV_ORDER_CHOICE},        {"likely", RV_ORDER_FIRST},      {"unlikely", RV_ORDER_FIRST},
    {"likelihood", RV_ORDER_FIRST}, {"first_value", RV_ORDER_FIRST}, {"last_value", RV_ORDER_FIRST},
    {"nth_value", RV_ORDER_FIRST},  {"lag", RV_ORDER_EVEN},          {"lead", RV_ORDER_EVEN},
};

static bool rv_order_takes(rv_order_operands operands, int nth, int count) {
    RV_ASSERT(nth < count);
    switch (operands) {
    case RV_ORDER_FIRST:
        return nth == 0;
    case RV_ORDER_CHOICE:
        return nth % 2 == 1 || nth == count - 1;
    case RV_ORDER_EVEN:
        return nth % 2 == 0;
    default:
        return true;
    }
}

/* The collation of one of the operands that has one of its own. */
static CollSeq *rv_order_of_operands(Parse *parse, const Expr *e, rv_order_operands operands) {
    const ExprList *const list = e->x.pList;
    CollSeq *order = NULL;
    for (int i = 0; list != NULL && i < list->nExpr; i++) {
        if (rv_order_takes(operands, i, list->nExpr)) {
            order = rv_order_of_two(parse, order, list->a[i].pExpr);
        }
    }
    return rv_order_weak(parse, order) ? NULL : order;
}

static CollSeq *rv_order_of_call(Parse *parse, const Expr *call) {
    sqlite3 *const db = parse->db;
    const char *const name = call->u.zToken;
    if (sqlite3StrNICmp(name, "numeric_", 8) == 0 || strncmp(name, "rv_numeric_", 11) == 0) {
        return sqlite3FindCollSeq(db, ENC(db), RV_SQL_WIDE_COLLATION, 0);
    }
    for (size_t i = 0; i < ArraySize(rv_order_functions); i++) {
        if (sqlite3StrICmp(name, rv_order_functions[i].name) == 0) {
            return rv_order_of_operands(parse, call, rv_order_functions[i].operands);
        }
    }
    return NULL;
}

/* The collation of an expression that is no column. */
static CollSeq *rv_order_of_expression(Parse *parse, const Expr *e) {
    const int op = e->op == TK_REGISTER ? e->op2 : e->op;
    if (ExprHasProperty(e, EP_TokenOnly | EP_Leaf)) {
        return NULL;
    }
    switch (op) {
    case TK_CASE:
        return rv_order_of_operands(parse, e, RV_ORDER_CHOICE);
    case TK_FUNCTION:
    case TK_AGG_FUNCTION:
        return rv_order_of_call(parse, e);
    case TK_IF_NULL_ROW:
        return sqlite3ExprCollSeq(parse, e->pLeft);
    case TK_SELECT:
        return multiSelectCollSeq(parse, e->x.pSelect, 0);
    case TK_SELECT_COLUMN:
        return multiSelectCollSeq(parse, e->pLeft->x.pSelect, e->iColumn);
    default:
        return NULL;
    }
}

#endif
