/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What applications are doing: requests on their way from an operation to its answer. A request
 * lives in the process that it was made to, and dies with it.
 */
#ifndef RV_TESTS_SIM_WORKLOAD_H
#define RV_TESTS_SIM_WORKLOAD_H

#include "core/model/event.h"
#include "tests/sim/operations.h"

#define SIM_REQUESTS_MAX 256

typedef enum sim_request_state {
    SIM_REQUEST_FREE,
    SIM_REQUEST_ASKING,   /* not taken yet */
    SIM_REQUEST_FLUSHING, /* accepted in memory; `sequence` is to become durable */
    SIM_REQUEST_WRITTEN   /* in the outbox */
} sim_request_state;

typedef struct sim_request {
    sim_request_state state;
    uint8_t member;
    uint32_t tries;
    uint64_t sequence;
    uint64_t edge_sequence; /* in the outbox */
    sim_operation *operation;
} sim_request;

typedef struct sim_workload {
    sim_request requests[SIM_REQUESTS_MAX];
    uint32_t extras; /* schema changes that were accepted, once at least */
    uint32_t extras_asked;
} sim_workload;

struct sim_world;
struct sim_member;

/* Begins what a step of the workload asks for. */
void sim_workload_step(struct sim_world *world, const sim_step *step);

/* An event that somebody asks for; `edge`: at an edge. */
void sim_workload_draw_event(struct sim_world *world, bool edge, uint64_t *random,
                             sim_asked *asked);

/* Goes on with the requests of a member that is up. True when something moved. */
bool sim_workload_turn(struct sim_world *world, struct sim_member *member);

/* The member's process is over. */
void sim_workload_drop(struct sim_world *world, const struct sim_member *member);

/* True when some request waits for anything; when one of the member is to be asked again. */
bool sim_workload_waits(const struct sim_world *world);
bool sim_workload_asks(const struct sim_world *world, const struct sim_member *member);

/* The least number of a schema change that was accepted once and is not in the truth; 0: none. */
uint32_t sim_workload_extra_missing(const struct sim_world *world);

/* True when a schema change is under way. */
bool sim_workload_schema_waits(const struct sim_world *world);

/* outbox.c: asks an edge to write; goes on with what it has written; takes note of rejections. */
bool sim_outbox_ask(struct sim_world *world, struct sim_member *member, sim_request *request);
bool sim_outbox_hear(struct sim_world *world, struct sim_member *member, sim_request *request);
bool sim_outbox_turn(struct sim_world *world, struct sim_member *member);

/* Its application hears of a rejection, perhaps once more. */
void sim_outbox_rejected(struct sim_world *world, const struct sim_member *member, sim_operation *o,
                         const rv_error *reason);

/* expected.c: sets the expected versions of what is asked, by what the node shows; hears what it
 * came to; judges it when all has converged. */
uint64_t sim_expected_shown(const struct sim_member *member, const char *path); /* version */
void sim_expected_ask(const struct sim_member *member, sim_operation *o);
void sim_expected_answered(struct sim_world *world, const struct sim_member *member,
                           const sim_operation *o, const rv_event *results, rv_status status);
void sim_expected_rejected(sim_operation *o, const rv_error *reason);
void sim_expected_check_end(struct sim_world *world, const sim_operation *o);

/* keys.c: looks at the keys that an edge gave; when all has converged, at what it was refused for.
 */
void sim_keys_written(struct sim_world *world, const struct sim_member *member, sim_operation *o,
                      uint64_t edge_sequence);
void sim_keys_check_end(struct sim_world *world, const sim_operation *o, rv_status rejected_for);

/* retries.c: in some worlds, what was written at an edge, given again by a caller who does not know
 * what became of it, at the step's member; NULL: something new is asked for. */
sim_operation *sim_retry_draw(struct sim_world *world, const sim_step *step);

/* How often the nth event is in the root's log, whoever gave it. */
uint32_t sim_retry_met(const struct sim_world *world, const sim_operation *o, uint8_t nth);

/* Has the writer of `o` given the same as `other` before? */
bool sim_retry_counts(const struct sim_world *world, const sim_operation *other,
                      const sim_operation *o);

/* Was it, or the same at the same directory, rejected? */
bool sim_retry_rejected(const struct sim_world *world, const sim_operation *o);

/* When all has converged: what was in the log when it came was not refused. */
void sim_retry_check_end(struct sim_world *world, const sim_operation *o);

/* The root was put back to before it decided that, or may have. `covered`: the edge has it in its
 * log; `behind`: that was behind the end of the root's history. */
void sim_outbox_taken_back(sim_operation *o, bool covered, bool behind);

/* At the end: what was local at an edge is in the log, or was rejected, and not both. */
void sim_outbox_check_end(struct sim_world *world);

/* The request was refused, at the root's `position` where that is known. */
void sim_workload_refused(struct sim_world *world, sim_request *request, rv_status status,
                          uint64_t position);

#endif
