/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schemas of the simulator's worlds, and how events of theirs are drawn: over few keys, so that
 * events meet and most rules are broken now and then.
 */
#ifndef RV_TESTS_SIM_SCHEMAS_H
#define RV_TESTS_SIM_SCHEMAS_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_SCHEMAS        3
#define SIM_PATH_LEN       96
#define SIM_TYPE_LEN       32
#define SIM_DATA_LEN       640
#define SIM_EXTRAS_MAX     3
#define SIM_EXTRA_TEXT_LEN 400

/* An event as a caller would give it. */
typedef struct sim_draft {
    char path[SIM_PATH_LEN];
    char type[SIM_TYPE_LEN];
    char data[SIM_DATA_LEN];
} sim_draft;

/* Rows of an aggregate that can be selected: those of which a column is a whole number (with its
 * scale; a label's number; 0 or 1) from `least` to `most`, or all. */
typedef struct sim_given {
    const char *text; /* as a node is told; NULL ends a list */
    const char *aggregate;
    const char *column; /* NULL: all rows */
    int64_t least;
    int64_t most;
} sim_given;

#define SIM_QUESTION_WHERES 2

/* A query that counts, and what it counts: rows of one aggregate that all of `where` has, of which
 * this column (NULL: it does not matter) is the key of a row that is there. */
typedef struct sim_question {
    const char *text; /* NULL ends a list */
    sim_given where[SIM_QUESTION_WHERES];
    const char *joined;
} sim_question;

typedef struct sim_schema {
    const char *name;
    const char *text;
    const char *const *patterns; /* that select something, ended by NULL; the first is all */
    const sim_question *queries;
    const sim_given *givens;
    const sim_given *narrower; /* each is one of these AND more; ended likewise */
    const char *shared;        /* the shared aggregate that it has, or NULL */
    void (*draw)(uint64_t *random, uint32_t keys, sim_draft *draft);
} sim_schema;

const sim_schema *sim_schema_of(uint8_t index);

/* How many patterns it has. */
uint32_t sim_schema_patterns(const sim_schema *schema);

/* What the nth schema change of a world declares, and an event of it. */
void sim_extra_text(uint32_t nth, char *text);
void sim_extra_draw(uint64_t *random, uint32_t nth, uint32_t keys, sim_draft *draft);

#endif
