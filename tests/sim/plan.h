/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seed means: who there is, what their disks and connections are like, and a list of steps,
 * each a moment, a kind, a member and a seed of its own from which everything about it is drawn.
 * So a step that is left out changes nothing about the others, and a failing plan can be shrunk by
 * leaving steps out.
 *
 *     seed -> sim_plan -> sim_world: steps until `quiet_at`, then faults stop and all must converge
 */
#ifndef RV_TESTS_SIM_PLAN_H
#define RV_TESTS_SIM_PLAN_H

#include "platform/memory/random.h"
#include "tests/sim/selection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MEMBERS_MAX  6
#define SIM_STEPS_MAX    2048
#define SIM_US_OF_SECOND INT64_C(1000000)

typedef enum sim_role { SIM_ROOT, SIM_EDGE } sim_role;

/* X(name, text). Steps of the workload first, then those of faults; the last one is not drawn with
 * the others (tests/sim/twins.h). */
#define SIM_STEP_KINDS(X)                                                                          \
    X(APPEND, "append")                                                                            \
    X(BATCH, "batch")                                                                              \
    X(EXPECTED, "append with expected version")                                                    \
    X(AGAIN, "append again, with its id")                                                          \
    X(REUSED, "append other content under an id")                                                  \
    X(WRONG, "append that is malformed")                                                           \
    X(SCHEMA, "schema change")                                                                     \
    X(WRITE, "offline write")                                                                      \
    X(FEED, "subscription")                                                                        \
    X(READ, "read of a stream")                                                                    \
    X(QUERY, "query")                                                                              \
    X(LOOK, "look at rows, status and memory")                                                     \
    X(CLOSE, "close and open")                                                                     \
    X(KILL, "kill")                                                                                \
    X(POWER, "power failure")                                                                      \
    X(POWER_AT, "power failure in an operation of the disk")                                       \
    X(DISK_FAIL, "failed operation")                                                               \
    X(DISK_TEAR, "torn write")                                                                     \
    X(DISK_FULL, "full disk")                                                                      \
    X(DISK_SLOW, "slow disk")                                                                      \
    X(CUT, "cut connection")                                                                       \
    X(HALF_OPEN, "half-open connection")                                                           \
    X(PARTITION, "partition")                                                                      \
    X(PARTITION_ONE_WAY, "one-way partition")                                                      \
    X(SLOW_LINK, "slow connection")                                                                \
    X(CLOCK, "jump of a clock")                                                                    \
    X(SELECT, "another selection")                                                                 \
    X(BACKUP, "copy of a directory")                                                               \
    X(RESTORE, "older copy restored")                                                              \
    X(WIPE, "directory lost")                                                                      \
    X(DECAY, "flipped bit")                                                                        \
    X(RESTORE_ROOT, "older copy of the root restored")                                             \
    X(TWIN, "copy of another one's directory")

typedef enum sim_step_kind {
#define SIM_STEP_ENUM(name, text) SIM_STEP_##name,
    SIM_STEP_KINDS(SIM_STEP_ENUM)
#undef SIM_STEP_ENUM
        SIM_STEP_KIND_COUNT
} sim_step_kind;

typedef struct sim_step {
    int64_t at; /* simulated microseconds */
    sim_step_kind kind;
    uint8_t member;
    uint64_t seed;
} sim_step;

typedef struct sim_member_plan {
    sim_role role;
    uint8_t upstream;        /* index of the member that it connects to; its own for a root */
    bool serves;             /* it is one: the root, and edges that are gateways */
    uint8_t selection_count; /* of an edge: those that it can come to hold */
    uint8_t change_count;    /* the first, and those that steps change it to */
    sim_selection selections[SIM_SELECTIONS_MAX];
    uint8_t taken; /* entry of the first selection that the second is without, as the right to it
                      may be taken; UINT8_MAX: none */
    const char *takes; /* NULL: the right to none; to this pattern, of whoever changes at will: */
    uint8_t without[SIM_CHANGES_MAX]; /* of each selection the one that is without it */
    bool tokens;                      /* an upstream's, that it may have some */
    uint8_t twin;        /* index of the member that it comes to share a directory with; 0: none */
    int64_t starts_at;   /* the first time */
    int64_t meets_at;    /* nothing that it sends arrives before */
    bool fills;          /* a later selection has the history of streams that one before had not */
    int64_t older_until; /* its program is an older version, 0: never (tests/sim/older.h) */
    size_t memory;       /* of its node */
    uint64_t checkpoint_growth;
    bool holds_back; /* its transport keeps messages back while the edge is not ready */
    bool squeezes;   /* it compresses, if the other end does too */
    int64_t skew_us; /* of its clock */
    uint32_t pending_percent;
    uint32_t short_percent;
    int64_t latency_us_max; /* of its disk */
} sim_member_plan;

/* What some worlds have beside the rest. Each is drawn from a stream of its own, so a seed that has
 * none of them is what it was before they were thought of. */
typedef struct sim_features {
    uint32_t command_percent; /* of what is written at edges; 0: there are no commands */
    bool rights;              /* the root has tokens */
    bool scant;               /* edges have less memory than what there is takes, at a time */
    bool full;                /* or altogether */
    bool fills;               /* the past of streams is filled in */
    bool gate_fills;          /* that by gateways */
    bool gate_changes;        /* gateways change what they hold, */
    bool gate_mixes;          /* also which aggregates, and with what other worlds have */
    bool gate_limits;         /* gateways limit what edges may write, too */
    bool older;   /* edges run an older version, and events come that it does not know */
    bool tells;   /* applications follow what waits and what was refused */
    bool rows;    /* gateways select aggregates, or edges behind them do */
    bool unmet;   /* edges are given the schema before they meet anybody, and work with it */
    bool losses;  /* devices are lost when a gateway has what they wrote */
    bool times;   /* edges take streams since a time, of some clock */
    bool retries; /* what was written is given again, also elsewhere */
    bool twins;   /* a directory is copied, and both are used */
} sim_features;

typedef struct sim_plan {
    uint64_t seed;
    sim_features features;
    uint8_t schema; /* index of a sim_schema */
    uint8_t member_count;
    sim_member_plan members[SIM_MEMBERS_MAX];
    int64_t latency_us; /* of connections, one way */
    int64_t jitter_us;
    int64_t bytes_per_second;
    uint32_t keys;     /* how many streams of a kind the workload knows: few, so that events meet */
    uint32_t bulk_max; /* bytes of the largest texts; 0: none is large */
    uint32_t step_count;
    sim_step steps[SIM_STEPS_MAX];
    int64_t quiet_at;
} sim_plan;

const char *sim_step_text(sim_step_kind kind);

/* Bits of what a world may have. A seed that failed is kept with those that there were then. */
#define SIM_COMMANDS     0x1u
#define SIM_RIGHTS       0x2u
#define SIM_TELLS        0x4u
#define SIM_SCANT        0x8u
#define SIM_FULL         0x10u
#define SIM_OLDER        0x20u
#define SIM_GATED        0x40u /* rights in worlds with gateways, too */
#define SIM_FILLS        0x80u
#define SIM_ROWS         0x100u
#define SIM_RETRIES      0x200u
#define SIM_LOSSES       0x400u
#define SIM_GATE_FILLS   0x800u
#define SIM_GATE_LIMITS  0x1000u
#define SIM_GATE_CHANGES 0x2000u
#define SIM_UNMET        0x4000u
#define SIM_TIMES        0x8000u
#define SIM_TWINS        0x10000u
#define SIM_GATE_MIXES   0x20000u /* gateways that change with rows, rights and fills, too */
#define SIM_TWIN_RIGHTS  0x40000u /* directories that are used twice where there are tokens, too */
#define SIM_GATE_TAKES   0x80000u /* rights are taken from gateways that change, and behind them */
#define SIM_FEATURES_ALL UINT32_MAX

/* The plan of a seed, which has none but these features. */
void sim_plan_make(sim_plan *plan, uint64_t seed, uint32_t features);

/* The state of the stream of randomness that a feature has for itself, in a world or a step. */
uint64_t sim_plan_stream(uint64_t seed, const char *feature);

#endif
