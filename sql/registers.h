/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's side of sql/straight.h: a cell of the row that a cursor stands on is put into a
 * register, as sqlite3_result_* would leave it there. Texts stay where they are, in the state's
 * pages, which do not change while the machine runs (SQLITE_STATIC); times are written into the
 * register's own memory.
 *
 * The build puts this file before vdbe.c of the amalgamation (cmake/sql.cmake), and calls its
 * function in the instruction VColumn (sql/sqlite.sed).
 */
#ifndef RV_SQL_REGISTERS_H
#define RV_SQL_REGISTERS_H

#include "core/model/value_numeric.h"
#include "core/model/value_time.h"
#include "sql/straight.h"

static inline bool rv_register_integer(Mem *to, int64_t integer) {
    to->u.i = integer;
    to->flags = MEM_Int;
    return true;
}

static inline bool rv_register_real(Mem *to, double real) {
    to->u.r = real;
    to->flags = real == real ? MEM_Real : MEM_Null;
    return true;
}

static inline bool rv_register_text(Mem *to, const uint8_t *text, uint32_t len) {
    to->z = (char *)text;
    to->n = (int)len;
    to->flags = MEM_Str | MEM_Static;
    to->enc = SQLITE_UTF8;
    to->xDel = SQLITE_STATIC;
    return true;
}

/* A text that lies in the heap; false: in pieces. */
static SQLITE_NOINLINE bool rv_register_heap(Mem *to, const rv_pages *pages, const uint8_t *cell) {
    rv_cell copy;
    memcpy(&copy, cell, offsetof(rv_cell, as) + sizeof copy.as.place);
    RV_ASSERT(copy.len > RV_CELL_INLINE);
    return rv_heap_is_run(&copy) && rv_register_text(to, rv_heap_run(pages, &copy).ptr, copy.len);
}

static inline uint32_t rv_register_len(const uint8_t *cell) {
    uint32_t len;
    memcpy(&len, cell, sizeof len);
    return len;
}

/* A time as text. False: there is no memory. */
static SQLITE_NOINLINE bool rv_register_time(Mem *to, uint8_t kind, int64_t value) {
    if (sqlite3VdbeMemClearAndResize(to, RV_TIME_TEXT_MAX) != SQLITE_OK) {
        return false;
    }
    to->n = (int)rv_time_put((rv_type_kind)kind, value, true, (uint8_t *)to->z);
    to->flags = MEM_Str;
    to->enc = SQLITE_UTF8;
    return true;
}

static inline int64_t rv_register_int64(const uint8_t *cell) {
    int64_t value;
    memcpy(&value, cell, sizeof value);
    return value;
}

/* Puts a cell into a register. False: the table is to be asked. What calls others is apart, so that
 * the frequent ways pay nothing for it. */
static SQLITE_NOINLINE bool rv_register_load(Mem *to, const sqlite3_vtab_cursor *cursor,
                                             int column) {
    const rv_sql_straight *const from = (const rv_sql_straight *)(const void *)cursor;
    if ((unsigned)column >= from->count || VdbeMemDynamic(to)) {
        return false;
    }
    if (rv_row_is_null(from->row, (uint16_t)column)) { /* unknown ones are too */
        to->flags = MEM_Null;
        return true;
    }
    const rv_sql_spot spot = from->spots[column];
    const uint8_t *const cell = from->row + spot.offset;
    switch ((rv_sql_way)spot.way) {
    case RV_SQL_WAY_INT8:
        return rv_register_integer(to, rv_cell_int(cell, RV_CELL_INT8));
    case RV_SQL_WAY_INT16:
        return rv_register_integer(to, rv_cell_int(cell, RV_CELL_INT16));
    case RV_SQL_WAY_INT32:
        return rv_register_integer(to, rv_cell_int(cell, RV_CELL_INT32));
    case RV_SQL_WAY_INT64: {
        const int64_t integer = rv_register_int64(cell);
        return integer != RV_NUMERIC_NAN && rv_register_integer(to, integer);
    }
    case RV_SQL_WAY_DECIMAL: {
        const int64_t scaled = rv_register_int64(cell);
        return scaled != RV_NUMERIC_NAN &&
               rv_register_real(to, rv_sql_decimal_real(scaled, spot.detail));
    }
    case RV_SQL_WAY_DOUBLE: {
        double real;
        memcpy(&real, cell, sizeof real);
        return rv_register_real(to, real);
    }
    case RV_SQL_WAY_TIME:
        return rv_register_time(to, spot.detail, rv_register_int64(cell));
    case RV_SQL_WAY_TEXT:
        return rv_register_len(cell) <= RV_CELL_INLINE
                   ? rv_register_text(to, cell + offsetof(rv_cell, as), rv_register_len(cell))
                   : rv_register_heap(to, from->pages, cell);
    case RV_SQL_WAY_KEY:
        return rv_register_len(cell) <= RV_KEY_INLINE
                   ? rv_register_text(to, cell + offsetof(rv_key_cell, as), rv_register_len(cell))
                   : rv_register_heap(to, from->pages, cell);
    default:
        return false;
    }
}

#endif
