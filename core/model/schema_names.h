/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of names, numbered in order of arrival: what aggregates, event types, streams and enums
 * of a schema are found by. Open addressing, at most half full, so a look-up is one hash and about
 * one comparison. It can be cut back to its first names, which is how a schema change is taken
 * back.
 *
 * Names come from an administrator's schema, not from those who append, so the hash needs no key.
 */
#ifndef RV_MODEL_SCHEMA_NAMES_H
#define RV_MODEL_SCHEMA_NAMES_H

#include "core/base/arena.h"
#include "core/base/bytes.h"

typedef struct rv_schema_names {
    rv_bytes *names; /* by number; borrowed */
    uint16_t *slots; /* number + 1, or 0 */
    uint32_t mask;
    uint16_t count;
    uint16_t capacity;
} rv_schema_names;

/* An empty table for at most `capacity` names. False: `arena` is too small. */
RV_MUST_USE bool rv_schema_names_create(rv_schema_names *table, rv_arena *arena, uint16_t capacity);

/* The number of a name, or UINT16_MAX. */
uint16_t rv_schema_names_find(const rv_schema_names *table, rv_bytes name);

/* Adds a name that is not there, to a table that is not full; returns its number. */
uint16_t rv_schema_names_add(rv_schema_names *table, rv_bytes name);

/* Forgets all names but the first `count`. */
void rv_schema_names_cut(rv_schema_names *table, uint16_t count);

#endif
