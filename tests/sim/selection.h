/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the edges of a world select: streams with or without their history, and aggregates. Told to
 * the nodes as text, and to the checkers as what it is.
 */
#ifndef RV_TESTS_SIM_SELECTION_H
#define RV_TESTS_SIM_SELECTION_H

#include "core/model/selection.h"
#include "tests/sim/schemas.h"

#define SIM_PATTERNS_MAX   3
#define SIM_ENTRIES_MAX    (SIM_PATTERNS_MAX + 2)
#define SIM_CHANGES_MAX    4                     /* selections of a member, one after the other, */
#define SIM_SELECTIONS_MAX (2 * SIM_CHANGES_MAX) /* and each without what may be taken */
#define SIM_ENTRY_LEN      96

/* Streams by a pattern, or an aggregate by what is given of it. */
typedef struct sim_entry {
    const char *pattern; /* NULL: an aggregate */
    bool history;        /* all of it, or none */
    const sim_given *given;
    uint32_t since;  /* not all, but what is from this position on; 0: none */
    bool timed;      /* or from a time on: */
    int32_t seconds; /* from where clocks begin */
} sim_entry;

typedef struct sim_selection {
    uint8_t count;
    sim_entry entries[SIM_ENTRIES_MAX];
} sim_selection;

/* The entry as a node is told. */
void sim_entry_text(const sim_entry *entry, char text[SIM_ENTRY_LEN]);

/* True when the events of the path are fed to who holds the selection; before its base has come
 * (not `whole`) only those of entries with their history are. */
bool sim_selection_feeds(const sim_selection *selection, bool whole, rv_bytes path);

/* What is given of the aggregate with this name; NULL: it is folded. */
const sim_given *sim_selection_given(const sim_selection *selection, rv_bytes aggregate);

/* True when all streams are selected, by one entry. */
bool sim_selection_is_all(const sim_selection *selection);

/* True when `after` is `before` without some entries of streams. */
bool sim_selection_narrows(const sim_selection *before, const sim_selection *after);

bool sim_selection_has_given(const sim_selection *selection);
bool sim_selection_has_bases(const sim_selection *selection);

/* True when a node's is this one. */
bool sim_selection_is(const sim_selection *selection, const rv_selection *nodes);

/* Does the pattern select the path? Written by the words of docs, not by the code under test. */
bool sim_pattern_selects(const char *pattern, rv_bytes path);

/* Draws a selection of the schema's streams and aggregates; `before` (NULL: none) is the one whose
 * place it takes: nothing has its history that had not before. */
void sim_selection_draw(sim_selection *selection, const sim_schema *schema, uint64_t *random,
                        const sim_selection *before);

#endif
