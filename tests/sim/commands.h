/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands (SEMANTICS 24): of some of what is written at edges the events are made by a function
 * that looks at the state. What it saw is a number, of which all that it makes follows; the number
 * stands in the metadata of what it makes. So of whatever is met in the root's log it is known what
 * run made it, and whether that was the last.
 *
 *     written by a first run -> runs again on what is below it, whenever the node says so
 *         -> in the log, as the last run made it, under the ids of its attempt | rejected | nothing
 *
 * An application registers its functions some while after it was started, in some processes not at
 * all until faults stop. While a command runs that is the first of what waits, the node must show
 * the fold of the truth and nothing else.
 */
#ifndef RV_TESTS_SIM_COMMANDS_H
#define RV_TESTS_SIM_COMMANDS_H

#include "core/model/event.h"
#include "tests/sim/operations.h"

#define SIM_ATTEMPTS_MAX 10u /* more than a command has (RV_COMMAND_ATTEMPTS_MAX) */

typedef struct sim_command {
    uint8_t pool_count; /* events that its function takes some of */
    sim_asked pool[SIM_BATCH_MAX];
    uint32_t saw;            /* of its last run that was taken, */
    bool nothing;            /* which came to nothing, or refused */
    uint32_t ran_process;    /* of its writer, in which it ran again and came to something else */
    uint64_t ran_batch;      /* (0: in none), which is in this batch of the log, */
    bool ran_kept;           /* and durable */
    bool moved;              /* it was refused once, and went behind the others */
    uint64_t sequence_first; /* its edge sequence before that */
    uint8_t id[16];
    uint8_t ids[SIM_ATTEMPTS_MAX][SIM_BATCH_MAX][16]; /* of its events */
    uint8_t known[SIM_ATTEMPTS_MAX];                  /* bits: which of them were seen */
} sim_command;

struct sim_world;
struct sim_member;
struct sim_step;
struct rv_written;

/* Some of what is to be written is a command: `o` becomes one, with more events to choose from. */
void sim_command_draw(struct sim_world *world, uint64_t seed, sim_operation *o);
void sim_command_free(sim_operation *o);

/* The process was started: when its functions will be there. Are they? */
void sim_commands_started(const struct sim_world *world, struct sim_member *member);
bool sim_commands_ready(const struct sim_world *world, const struct sim_member *member);

/* Its first run: what is to be written is in `o->asked`. False: there is nothing to write. */
bool sim_command_first(const struct sim_world *world, const struct sim_member *member,
                       sim_operation *o);

/* It was written, with these events. */
void sim_command_written(struct sim_world *world, sim_operation *o, const rv_event *results,
                         const uint8_t *command_id);

/* What it is called, and given. `args` has room for 24 bytes. */
#define SIM_COMMAND_NAME "some"
void sim_command_args(const sim_operation *o, char *args);

/* Runs what is due at a member that is up. True when something moved. */
bool sim_commands_turn(struct sim_world *world, struct sim_member *member);

/* An event of it is in the root's log: `o->asked` is from now on what the run made that made it. */
void sim_command_met(struct sim_world *world, sim_operation *o, uint32_t index,
                     const rv_event *event);

/* May it come to pass once more? A directory that was put back to before a refusal knows nothing of
 * the attempts behind that (docs/restore.md). */
bool sim_command_repeats(const struct sim_world *world, const sim_operation *o);

/* Is what its last run made there after a crash of this process of its writer, or still in it? */
bool sim_command_holds(const sim_operation *o, uint32_t process);

/* Could it have written to the stream? */
bool sim_command_touches(const sim_operation *o, const char *path);

#endif
