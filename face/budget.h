/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a database's memory is split: one table for daemon, command line and modules. The node has
 * what the others leave.
 */
#ifndef RV_FACE_BUDGET_H
#define RV_FACE_BUDGET_H

#include "face/face.h"

/* What a database has when nobody says more. */
#define RV_MEMORY_DEFAULT ((size_t)64 << 20)

typedef struct rv_budget {
    size_t total;
    size_t node;
    size_t sql;      /* that SQLite works in; 0 without SQL */
    size_t face;     /* results and requests */
    size_t upstream; /* serving edges; 0 when none are served */
    size_t edge;     /* following an upstream; 0 on a root */
    uint32_t exchanges_max;
    uint32_t result_count;
    size_t result_len_max;
} rv_budget;

typedef struct rv_budget_options {
    size_t total;
    bool edge;              /* follows an upstream */
    uint32_t exchanges_max; /* requests under way */
    uint32_t result_count;  /* results of queries held at once */
    uint32_t edges_max;     /* edges served at once; 0: none */
} rv_budget_options;

/* RV_MEMORY_EXHAUSTED: `total` is less than the least, which the error names. */
RV_MUST_USE rv_status rv_budget_split(rv_budget *budget, const rv_budget_options *options,
                                      rv_error *err);

/* Reads "64MiB", "1GiB", "65536KiB", "67108864". RV_PARAMETER_INVALID. */
RV_MUST_USE rv_status rv_budget_parse(const char *text, size_t *bytes, rv_error *err);

#endif
