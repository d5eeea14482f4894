/* SPDX-License-Identifier: Apache-2.0 */
/* The cell of a value of variable length: heap.h says what it leads to. */
#ifndef RV_STATE_CELL_H
#define RV_STATE_CELL_H

#include "core/base/assert.h"

#include <stdint.h>

#define RV_CELL_SIZE   16u
#define RV_CELL_INLINE 12u

typedef struct rv_cell {
    uint32_t len;
    union {
        uint8_t bytes[RV_CELL_INLINE];
        uint32_t place;
    } as;
} rv_cell;

RV_STATIC_ASSERT(sizeof(rv_cell) == RV_CELL_SIZE, "cells have 16 bytes");

#endif
