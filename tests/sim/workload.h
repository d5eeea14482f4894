/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What applications are doing: requests on their way from an operation to its answer. A request
 * lives in the process that it was made to, and dies with it.
 */
#ifndef RV_TESTS_SIM_WORKLOAD_H
#define RV_TESTS_SIM_WORKLOAD_H

#include "tests/sim/operations.h"

#define SIM_REQUESTS_MAX 64

typedef enum sim_request_state {
    SIM_REQUEST_FREE,
    SIM_REQUEST_ASKING,   /* not taken yet */
    SIM_REQUEST_FLUSHING, /* accepted in memory; `sequence` is to become durable */
    SIM_REQUEST_FORWARDED
} sim_request_state;

typedef struct sim_request {
    sim_request_state state;
    uint8_t member;
    bool forwards;
    uint32_t tries;
    uint64_t handle; /* of the forwarded one */
    uint64_t sequence;
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

/* Goes on with the requests of a member that is up. True when something moved. */
bool sim_workload_turn(struct sim_world *world, struct sim_member *member);

/* The member's process is over. */
void sim_workload_drop(struct sim_world *world, const struct sim_member *member);

/* True when a request of the member waits. */
bool sim_workload_waits(const struct sim_world *world);

#endif
