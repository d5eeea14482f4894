/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a checkpoint's file become a state: of a node that opens (restore.c), or of the past
 * (kept.c). This says which bytes come next and where they belong; who has the file reads them.
 *
 *     HEAD -> SUMS … -> WORDS … -> PAGES … -> CHECK … -> OVER
 *       \------- what is wrong: the state is empty again -------/
 *
 * Everything is read into the state's own memory, which nobody uses yet: pages to where they will
 * lie, and what comes before them to where pages will lie. All is checked before any of it counts:
 * sums, then the schema that the words make, then the pages as a structure. Whether the log has the
 * place that the checkpoint is of is for the caller to find out.
 */
#ifndef RV_CORE_ENGINE_LOAD_H
#define RV_CORE_ENGINE_LOAD_H

#include "core/engine.h"
#include "core/state/checkpoint.h"

typedef enum rv_load_phase {
    RV_LOAD_NONE,
    RV_LOAD_HEAD,
    RV_LOAD_SUMS,
    RV_LOAD_WORDS,
    RV_LOAD_PAGES,
    RV_LOAD_CHECK, /* there is nothing more to be read: rv_load_check */
    RV_LOAD_OVER
} rv_load_phase;

typedef struct rv_load {
    rv_load_phase phase;
    uint64_t size;           /* of the file */
    rv_checkpoint_head head; /* from SUMS on */
    uint64_t done;           /* bytes of the phase that are there */
    uint32_t crc;            /* of sums and words */
    rv_schema_mark schema;   /* empty */
} rv_load;

typedef struct rv_load_piece {
    uint64_t offset; /* in the file */
    uint8_t *to;
    size_t len;
} rv_load_piece;

/* What is wrong with the file. */
typedef struct rv_load_fault {
    rv_status status; /* RV_OK: it was not finished, which is nothing to be told */
    uint64_t offset;  /* of the damage; UINT64_MAX: of no place */
    const char *what; /* as long as this struct stays where it is */
    rv_error err;
} rv_load_fault;

/* Begins with a file of this size, for a node whose state and schema are empty. */
void rv_load_begin(rv_node *node, uint64_t size);

/* The bytes that come next, at most `len_max`, which is at least RV_PAGE_SIZE. Before CHECK. */
rv_load_piece rv_load_next(const rv_node *node, size_t len_max);

/*
 * They were read, `got` of them, with this status. RV_OK: it goes on (load.phase).
 * RV_DATA_DAMAGED: there is something wrong, which `fault` says, and nothing was loaded: the node
 * is as before rv_load_begin.
 */
RV_MUST_USE rv_status rv_load_take(rv_node *node, const rv_load_piece *piece, rv_status read,
                                   size_t got, rv_load_fault *fault);

/* CHECK: goes on with it, by about `work` rows. RV_OK: it goes on, or is over; else as
 * rv_load_take.
 */
RV_MUST_USE rv_status rv_load_check(rv_node *node, uint32_t work, rv_load_fault *fault);

/* Nothing was loaded: the node's state, schema and selection are empty again. */
void rv_load_take_back(rv_node *node);

#endif
