/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two schemas side by side, statement by statement: each statement is found by its kind and name,
 * and is the same when its canonical text is. The order of statements does not matter.
 */
#ifndef RV_MODEL_SCHEMA_COMPARE_H
#define RV_MODEL_SCHEMA_COMPARE_H

#include "core/model/schema.h"

/* The first statement of a schema that another lacks or declares otherwise. */
typedef struct rv_schema_difference {
    const char *kind; /* "type", "aggregate", "event_type", "stream"; NULL: there is none */
    rv_bytes name;
    bool changed;  /* the other declares it otherwise */
    rv_bytes ours; /* when changed: the first line that differs, in each; in the scratch. Empty:
                      the other declares more */
    rv_bytes theirs;
} rv_schema_difference;

/* Looks for one. RV_MEMORY_EXHAUSTED: `scratch` does not hold two statements. */
RV_MUST_USE rv_status rv_schema_compare(const rv_schema *schema, const rv_schema *other,
                                        rv_arena *scratch, rv_schema_difference *difference);

/* Where a walk over all differences is: zero starts. */
typedef struct rv_schema_walk {
    uint16_t kind;
    uint16_t number;
} rv_schema_walk;

/* The next one, in the order of the canonical text; as rv_schema_compare. */
RV_MUST_USE rv_status rv_schema_compare_next(const rv_schema *schema, const rv_schema *other,
                                             rv_schema_walk *walk, rv_arena *scratch,
                                             rv_schema_difference *difference);

/* Writes the statements of `schema` whose names `base` does not have, as text that applies to
 * `base` when it has all the others; nothing when there are none. */
void rv_schema_print_new(const rv_schema *schema, const rv_schema *base, rv_writer *w);

#endif
