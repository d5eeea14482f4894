/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What applications have asked for and what they were answered: the checkers' ground. Every event
 * carries its operation's number and its place in it as metadata, so it can be told again in the
 * log, however it got there.
 *
 *     asked -> (refused at the root's position P | accepted: memory, then local or upstream)
 *           -> unknown: the process or the connection ended before the answer
 */
#ifndef RV_TESTS_SIM_OPERATIONS_H
#define RV_TESTS_SIM_OPERATIONS_H

#include "core/base/error.h"
#include "core/engine/decide.h"
#include "rivulet/append.h"
#include "tests/sim/plan.h"
#include "tests/sim/schemas.h"
#include "tests/sim/told.h"

#define SIM_OPERATIONS_MAX 2048
#define SIM_BATCH_MAX      5

/* What an answer promised (SEMANTICS 4), as far as it goes today. */
typedef enum sim_level { SIM_UNANSWERED, SIM_MEMORY, SIM_LOCAL, SIM_UPSTREAM } sim_level;

/* Does the expected version count what the edge shows, pending events too? */
typedef enum sim_counting { SIM_COUNTS_NOT, SIM_COUNTS, SIM_COUNTS_WRONG } sim_counting;

typedef struct sim_asked {
    sim_draft draft;
    char *bulk; /* the data in full, where it has a large text; else NULL */
    char metadata[40];
    rv_expected_kind expected;
    uint64_t expected_version;
    bool has_id;
    uint8_t id[16];
    /* of an offline write */
    sim_counting counting;
    bool beside_suspended; /* something of the stream was suspended then */
    bool covered;          /* the edge holds the stream */
    uint64_t key;          /* that the edge gave; 0: none */
    /* answered */
    uint64_t position;
    uint64_t version;
    uint8_t event_id[16];
    /* met in the root's log */
    uint32_t met;
} sim_asked;

struct sim_command;

typedef struct sim_operation {
    uint32_t number;
    sim_step_kind kind;
    uint8_t count;
    bool schema; /* a schema change: draft.data is not used, `nth` is */
    uint32_t nth;
    sim_level level;     /* the best that was answered and may still be counted on */
    uint64_t refused_at; /* root's position when it was refused, and not judged yet by the model */
    rv_status refused_for; /* RV_OK: none waits to be judged */
    /* of an offline write */
    uint8_t writer;
    uint32_t writer_life; /* of the disk that it was written to */
    uint32_t writer_process;
    uint64_t written_w;     /* the edge's W then */
    int64_t written_at;     /* simulated time of the first run */
    uint64_t edge_sequence; /* 0: not written */
    bool rejected;          /* the application was told, */
    rv_status rejected_for; /* why, */
    bool conflict;          /* and, of a version conflict, what was there */
    uint64_t actual;
    bool voided;                 /* what it expected was of a history that is no more */
    bool both;                   /* the writer's directory was copied after that (twins.h), */
    bool shared;                 /* and it waited then */
    uint32_t incarnation;        /* of the writer, when it was written */
    sim_telling tellings[2];     /* at its writer, and at the twin of that */
    uint64_t judged_at;          /* by the root, which refused it; 0: it does not say */
    struct sim_command *command; /* NULL: it is none */
    bool relayed;                /* a gateway has it, which the edge was told, */
    rv_edge_life life;           /* under the edge's life then, */
    uint64_t relayed_as;         /* and this edge sequence */
    struct sim_operation *first; /* that asked for the same; NULL: itself */
    sim_asked asked[SIM_BATCH_MAX];
} sim_operation;

typedef struct sim_operations {
    uint32_t count;
    sim_operation *list[SIM_OPERATIONS_MAX];
} sim_operations;

/* A new operation of `count` events that are all empty; NULL when there are too many. */
sim_operation *sim_operations_add(sim_operations *operations, sim_step_kind kind, uint8_t count);

/* The operation and the event's place by an event's metadata; NULL: it is of none. */
sim_operation *sim_operations_find(const sim_operations *operations, rv_bytes metadata,
                                   uint32_t *index);

/* Gives the event a text of so many bytes in place of the field's, where its data has `@`. */
void sim_asked_fill(sim_asked *asked, uint32_t len, uint64_t seed);

/* As the caller gives it. */
rv_append sim_asked_append(const sim_asked *asked);

void sim_operations_free(sim_operations *operations);

#endif
