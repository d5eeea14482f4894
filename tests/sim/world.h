/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world: all members of a plan, the network between them, one clock that jumps from event to
 * event, what applications do, and what is checked. One process, one thread, one seed.
 *
 *     sim_world_run: next moment = the earliest of the plan's next step, a message's arrival and
 *                    a member's wish to be woken; deliver, step, then let members have their turn
 *                    until nothing moves; until all has converged behind `quiet_at`
 *
 * The first check that fails ends the run: `failure` says which and why.
 */
#ifndef RV_TESTS_SIM_WORLD_H
#define RV_TESTS_SIM_WORLD_H

#include "core/engine/outbox.h"
#include "sync/wire.h"
#include "tests/sim/commands.h"
#include "tests/sim/copies.h"
#include "tests/sim/feeds.h"
#include "tests/sim/guided.h"
#include "tests/sim/history.h"
#include "tests/sim/laid.h"
#include "tests/sim/live.h"
#include "tests/sim/losses.h"
#include "tests/sim/member.h"
#include "tests/sim/model.h"
#include "tests/sim/network.h"
#include "tests/sim/older.h"
#include "tests/sim/operations.h"
#include "tests/sim/pasts.h"
#include "tests/sim/restored.h"
#include "tests/sim/rights.h"
#include "tests/sim/told.h"
#include "tests/sim/truth.h"
#include "tests/sim/twins.h"
#include "tests/sim/workload.h"

/* What can be found to be wrong. X(name, text) */
#define SIM_CHECKS(X)                                                                              \
    X(NONE, "none")                                                                                \
    X(LOST, "an acknowledgement was not kept")                                                     \
    X(TWICE, "something is there twice")                                                           \
    X(ORDER, "positions or versions are not as they must be")                                      \
    X(HISTORY, "durable history has changed")                                                      \
    X(CONTENT, "an event is not what was asked for")                                               \
    X(JUDGEMENT, "the rules say otherwise")                                                        \
    X(ROWS, "rows are not the fold of the events")                                                 \
    X(LAID, "what waits is not what is shown over the rows")                                       \
    X(FEED, "a subscription skipped, repeated or invented")                                        \
    X(COMMAND, "a command is not what its last run made of it")                                    \
    X(RIGHTS, "what is not allowed is done")                                                       \
    X(TOLD, "what waits or was refused is not told as it is")                                      \
    X(LIVE, "a live query was not run again, and has another answer")                              \
    X(STALE, "what is told to be stale is not what is")                                            \
    X(COPY, "a copy that is kept by changes is not the rows")                                      \
    X(PAST, "the past is not what was")                                                            \
    X(QUERY, "a query counts otherwise")                                                           \
    X(AHEAD, "a node is ahead of what is durable upstream")                                        \
    X(SCHEMA, "an edge has no schema, or does not show what it knows of what waits")               \
    X(HASH, "state hashes differ")                                                                 \
    X(CONVERGENCE, "no convergence after faults stopped")                                          \
    X(MEMORY, "more memory is used than there is")                                                 \
    X(STATUS, "an error that there is no reason for")                                              \
    X(DAMAGE, "damage was not told")

typedef enum sim_check {
#define SIM_CHECK_ENUM(name, text) SIM_CHECK_##name,
    SIM_CHECKS(SIM_CHECK_ENUM)
#undef SIM_CHECK_ENUM
        SIM_CHECK_COUNT
} sim_check;

/* Bugs that are planted between the machines, to see that they are found. X(name, text) */
#define SIM_CANARIES(X)                                                                            \
    X(NONE, "none")                                                                                \
    X(FLUSH_LIES, "flushes are acknowledged and not done")                                         \
    X(EVENT_SKIPPED, "an edge is told that W moved, without the events")                           \
    X(DELIVERED_TWICE, "a subscription goes on one event too early")                               \
    X(W_TOO_HIGH, "an edge is told a W that is one too high")                                      \
    X(BATCH_DROPPED, "a crash takes the last durable batch with it")                               \
    X(ROW_WRONG, "a row misses what one event did to it")                                          \
    X(ROOT_FORGETS, "the root comes back from an older copy")                                      \
    X(CHANGES_SKIPPED, "an edge is not told what became of rows of a selected aggregate")          \
    X(GATEWAY_ROWS, "a gateway does not tell what became of rows")                                 \
    X(BASE_EMPTY, "a base comes without its rows")                                                 \
    X(REFUSAL_FORGED, "an edge is told that the root took what it refused")                        \
    X(LEASED_TWICE, "two edges lease the same keys")                                               \
    X(EXPECTED_LOST, "the root is not told which version an edge's event expects")                 \
    X(EPOCH_UNSAID, "a root is restored and nobody says so")                                       \
    X(BACK_TOO_LITTLE, "an edge keeps what a restored root has lost")                              \
    X(READ_MISSED, "a live query has forgotten what it read")                                      \
    X(CHANGE_LEFT_OUT, "a result that is kept up leaves out what has changed")                     \
    X(CHANGE_UNTOLD, "a reader of changes misses one")                                             \
    X(PAST_MISSED, "what is asked for as it was misses the last event")                            \
    X(KEPT_WRONG, "a checkpoint that was kept is of another place than it says")                   \
    X(COMMAND_OLD, "what a command made the last time is not taken")                               \
    X(COMMAND_ID, "an event of a command comes under another id")                                  \
    X(RIGHT_KEPT, "a right that was taken goes on")                                                \
    X(PURGE_KEPT, "what was purged stays in the files")                                            \
    X(REJECTION_KEPT, "a rejection that was acknowledged is told again")                           \
    X(PENDING_TWICE, "what waits is listed twice")                                                 \
    X(MEMORY_DENIED, "an edge that stands still gets no memory")                                   \
    X(PAST_LOST, "what is filled in comes without its events")                                     \
    X(OLDER_GUESSES, "an older version takes what it does not understand for something else")      \
    X(ID_CHANGED, "an event that is written at an edge comes under another id")                    \
    X(READ_LATE, "a read from a version on begins at the next one")                                \
    X(RELAY_KEPT, "a gateway does not pass on what a device wrote that was lost")                  \
    X(RETRY_REFUSED, "what is in the log already is refused when it comes again")                  \
    X(LAID_LESS, "an event that waits is not folded")                                              \
    X(LAID_WRONG, "what waits and does not hold any more is shown, as far as it goes")             \
    X(ORDER_GUESSED, "a gateway takes all that it covers for in order")                            \
    X(ROWS_UNSEEN, "who is told of changes when they concern him misses some")                     \
    X(GUIDED_FAR, "an edge is led past an event that it selects")                                  \
    X(COPY_ID, "what a copy of a directory queues again comes under another id")

typedef enum sim_canary {
#define SIM_CANARY_ENUM(name, text) SIM_CANARY_##name,
    SIM_CANARIES(SIM_CANARY_ENUM)
#undef SIM_CANARY_ENUM
        SIM_CANARY_COUNT
} sim_canary;

typedef struct sim_failure {
    sim_check check;
    int64_t at;
    char text[240];
} sim_failure;

/* What a run has done, to see that nothing is never exercised. */
typedef struct sim_figures {
    uint64_t runs;
    int64_t simulated_us;
    uint64_t turns;
    uint64_t steps[SIM_STEP_KIND_COUNT];
    uint64_t events; /* of the root's log at the end */
    uint64_t accepted[SIM_UPSTREAM + 1];
    uint64_t refused;
    uint64_t judged;                    /* of the refused, by the model */
    uint64_t statuses[RV_STATUS_COUNT]; /* that applications were answered */
    uint64_t written;                   /* at edges, */
    uint64_t written_local;             /* of which so many were seen to be durable, */
    uint64_t written_accepted;
    uint64_t written_rejected;
    uint64_t expected_judged;  /* of those: versions that counted what the edge showed, accepted, */
    uint64_t conflicts_judged; /* and refused */
    uint64_t keys;             /* that edges gave, of what was leased to them */
    uint64_t commands;         /* that were written, */
    uint64_t command_runs;     /* times that they ran again, */
    uint64_t command_changes;  /* and came to something else, */
    uint64_t command_attempts; /* or ran after a refusal; */
    uint64_t command_states;   /* what they saw was compared with the model so often */
    uint64_t command_waits;    /* turns in which one waited for its function */
    uint64_t commands_nothing; /* runs that came to nothing, */
    uint64_t commands_refused; /* or refused, */
    uint64_t commands_met;     /* and commands in the root's log */
    uint64_t rights;           /* worlds with them */
    uint64_t rights_changed;   /* in the root and gateways, */
    uint64_t rights_gated;     /* in gateways, */
    uint64_t rights_taken;     /* and wanted back, */
    uint64_t gate_taken;       /* also of who changes what it holds, */
    uint64_t tokens_revoked;   /* or all of them */
    uint64_t rights_sent;      /* events on the wire that were looked at, */
    uint64_t rights_judged;    /* and ones that edges had written, */
    uint64_t gate_forbidden;   /* by gateways alone */
    uint64_t rights_forbidden; /* or might not; */
    uint64_t rights_files;     /* and files of edges that had purged */
    uint64_t scant;            /* worlds in which memory is, */
    uint64_t stopped;          /* times that an edge stood still there, */
    uint64_t stopped_full;     /* of these because its pages were full */
    uint64_t older;            /* worlds in which some edge is, */
    uint64_t opaque;          /* events that it had and did not understand, when it was looked at */
    uint64_t stale;           /* aggregates that were stale then */
    uint64_t fills;           /* worlds in which the past is filled in, */
    uint64_t gate_fills;      /* from gateways, */
    uint64_t times;           /* or since a time, */
    uint64_t gate_changes;    /* worlds in which gateways change what they hold, */
    uint64_t gate_mixes;      /* also which aggregates, or with what other worlds have, */
    uint64_t gate_mixes_rows; /* where rows are given to them all the same, */
    uint64_t gate_mixes_rights; /* or there are tokens */
    uint64_t gate_refusals;     /* refusals of what they have not in order, */
    uint64_t gate_mixed; /* messages of events of ones that have filled in events among theirs */
    uint64_t filled;     /* events that feeds gave behind later ones */
    uint64_t told;       /* rejections, in a process, */
    uint64_t told_again; /* of these in another one before; */
    uint64_t told_forgotten;  /* that were acknowledged */
    uint64_t told_waiting;    /* batches that were listed as they waited */
    uint64_t losses;          /* worlds in which devices are lost with what a gateway has, */
    uint64_t relayed;         /* batches that one has, */
    uint64_t lost;            /* devices that were lost then, */
    uint64_t lost_met;        /* and batches of theirs that are in the root's log */
    uint64_t lost_refused;    /* or were refused */
    uint64_t retries;         /* worlds in which callers give again what was written, */
    uint64_t retried;         /* which they did, */
    uint64_t retries_known;   /* and an edge had it in its log, */
    uint64_t retries_met;     /* or the root had when it came */
    uint64_t twins;           /* worlds in which a directory is used twice, */
    uint64_t twin_copies;     /* copies that were made for that, */
    uint64_t twin_shared;     /* batches that waited at both, */
    uint64_t met;             /* schemas of edges' own that their root's took the place of */
    uint64_t twins_apart;     /* and pairs of which one was told that it is a copy */
    uint64_t laid;            /* times that what waits was folded over the model, */
    uint64_t laid_compared;   /* and rows were compared; */
    uint64_t laid_judged;     /* batches there that the model could judge, */
    uint64_t laid_failed;     /* and that do not hold; */
    uint64_t laid_again;      /* that wait twice */
    uint64_t guided;          /* times that an edge was led past what it does not select, */
    uint64_t guided_past;     /* and events that were passed */
    uint64_t unknown;         /* operations without an answer */
    uint64_t delivered;       /* by subscriptions */
    uint64_t copied;          /* changes of rows, by readers of them, */
    uint64_t copies_compared; /* whose copies were compared so often; */
    uint64_t copies_resumed;  /* after a crash they went on, */
    uint64_t copies_again;    /* or began again */
    uint64_t pasts;           /* states that were noted, as they were at the end, */
    uint64_t pasts_gone;      /* or gone; */
    uint64_t reads;           /* events of reads from a version or a time on */
    uint64_t pasts_from_kept; /* those that were folded from a checkpoint */
    uint64_t compared;        /* states with the model */
    uint64_t messages;
    uint64_t messages_lost;
    uint64_t connections;
    uint64_t crashes[RV_SIM_CRASH_REORDER + 1];
    uint64_t opens;
    uint64_t opened_by_checkpoint;
    uint64_t closes;
    uint64_t operations; /* of disks */
    uint64_t disk_failures;
    uint64_t rolled_back; /* positions that a root's crash took, as it may */
    uint64_t queries;
    uint64_t questions;   /* of these, of the schema's own, with joins and several conditions */
    uint64_t live_ran;    /* live queries that ran again, */
    uint64_t live_kept;   /* of them those that ran over what was kept, */
    uint64_t live_spared; /* and that did not, and were right */
    uint64_t damage_told; /* flipped bits that an open has told of, and that it has cut off */
    uint64_t damage_cut;
    uint64_t gateways;        /* worlds with one, */
    uint64_t chains;          /* or with one behind another */
    uint64_t gateway_bases;   /* parts of bases that gateways gave, */
    uint64_t gateway_changes; /* and messages of changes */
    uint64_t rows;            /* worlds with such */
    uint64_t moves;           /* of an edge, from a gateway to the root and back */
    uint64_t selections;      /* that were changed, */
    uint64_t selections_live; /* of these while the edge ran */
    uint64_t bases;           /* whose last part came */
    uint64_t base_parts;
    uint64_t restores;     /* of the root, to an older copy, */
    uint64_t epochs;       /* that were begun, also without one, */
    uint64_t rewinds;      /* of edges, into them, */
    uint64_t dropped;      /* events that they dropped then, */
    uint64_t requeued;     /* and own batches that wait again */
    uint64_t memory_given; /* times that one was started with more, to go back */
} sim_figures;

typedef struct sim_world {
    const sim_plan *plan;
    sim_canary canary;
    uint64_t canary_random;
    bool canary_gateway; /* the message is of one */
    bool canary_copy;    /* or of who has a copy of another one's directory */
    rv_hash128 hash;     /* of the root's state when all had converged */
    int64_t now;
    uint32_t step_next;
    bool quiet; /* faults have stopped */
    sim_failure failure;
    sim_history history;
    sim_figures figures;
    sim_member members[SIM_MEMBERS_MAX];
    sim_network network;
    sim_truth truth;
    sim_model *models[SIM_MEMBERS_MAX];
    sim_operations operations;
    sim_workload workload;
    sim_restores restores;
    sim_rights rights;
    sim_told told[SIM_MEMBERS_MAX];
    sim_losses losses;
    rv_wire_point canary_point;
    sim_feeds feeds;
    sim_copies copies;
    sim_pasts pasts;
    sim_live_queries live;
    /* the reader of the root's log */
    rv_subscription follow;
    uint32_t follow_process; /* of which process of the root; 0: none */
    uint64_t follow_position;
    uint64_t root_durable; /* the most that the root ever showed as durable */
} sim_world;

/* Runs the plan; `only` (NULL: all) says of each step whether it is done. The world is the caller's
 * memory, zeroed before its first use and used again for the next run. */
void sim_world_run(sim_world *world, const sim_plan *plan, const bool *only, sim_canary canary);

/* Gives back what a run has left for the next one. */
void sim_world_free(sim_world *world);

const char *sim_check_text(sim_check check);
const char *sim_canary_text(sim_canary canary);

/* Adds a run's figures to a sum. */
void sim_figures_add(sim_figures *sum, const sim_figures *one);
void sim_figures_print(const sim_figures *figures, FILE *to);

/* --- for the files of the world --- */

/* A check has failed; the first one counts. */
void sim_fail(sim_world *world, sim_check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void sim_note(sim_world *world, int who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the member's process: connections, requests and subscriptions too. It starts again at
 * `restart_at`. `power`: nobody hears of it, and what is not flushed goes as `crash` says. */
void sim_world_stop(sim_world *world, sim_member *member, rv_sim_crash crash, bool power,
                    int64_t restart_at);

/* Has the member's log the event at a position that the truth knows, for who asks for `pattern`
 * (NULL: everything)? */
sim_has sim_truth_has(const sim_world *world, uint8_t member, const char *pattern,
                      uint64_t position);

/* The next position behind `position`, of those that the truth knows, that a member's log must give
 * to who asks for `pattern` (NULL: everything); 0: there is none. It has given `given` (0:
 * nothing), which it may do also where it needs not. */
uint64_t sim_truth_next(const sim_world *world, uint8_t member, const char *pattern,
                        uint64_t position, uint64_t given);

/* queries.c: asks something. decay.c: a bit flips, while the member is down. */
void sim_query(sim_world *world, sim_member *m, uint64_t *random);
void sim_decay(sim_world *world, sim_member *m, uint64_t *random);

/* reads.c: asks for what there is from a version or a time on, when all has converged. */
void sim_reads_check(sim_world *world, const sim_member *m);

/* scant.c: an edge that is up, and may stand still for lack of memory. */
void sim_scant_turn(sim_world *world, sim_member *m);

/* steps.c: does a step of the plan. */
void sim_world_step(sim_world *world, const sim_step *step);

/* wires.c: connects, delivers what has arrived, sends. True when something moved. */
bool sim_wires_deliver(sim_world *world);
bool sim_wires_turn(sim_world *world, sim_member *member);
void sim_wires_drop(sim_world *world, const sim_member *member, bool power);
/* tamper.c: the canaries' hands on messages, to an edge and to an upstream. False: it is lost. */
bool sim_tamper_down(sim_world *world, sim_message *message);
bool sim_tamper_up(sim_world *world, sim_message *message);
/* The same on what an upstream looks at before one of its sessions is asked. */
void sim_tamper_look(sim_world *world, sim_member *upstream);
int64_t sim_wires_next(const sim_world *world);
void sim_wires_edge_closed(sim_world *world, sim_link *link, const rv_error *reason);
sim_link *sim_wires_of_edge(sim_world *world, uint8_t edge);

/* checks.c */
void sim_check_follow(sim_world *world);                   /* reads on in the root's log, */
void sim_check_unstage(sim_world *world);                  /* or is to begin again */
void sim_check_opened(sim_world *world, sim_member *m);    /* after every open */
void sim_check_schema(sim_world *world, sim_member *m);    /* between two calls of its node */
bool sim_check_rows(sim_world *world, sim_member *m);      /* if it can be compared now */
bool sim_check_confirmed(sim_world *world, sim_member *m); /* while nothing that waits is shown */
bool sim_check_stand(sim_world *world, sim_member *m);     /* brings the model to where it is */
void sim_check_memory(sim_world *world, const sim_member *m);
void sim_check_hash(sim_world *world, sim_member *m); /* an edge with the root, if at one W */
bool sim_check_converged(sim_world *world);           /* nothing more is to come */
void sim_check_end(sim_world *world);                 /* all that must hold then */

#endif
