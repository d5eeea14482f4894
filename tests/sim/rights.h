/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds whose root has tokens, and its gateways (SEMANTICS 11, 20; docs/tokens.md). An
 * administrator makes one for each edge, wherever it connects to, takes the right to one entry of
 * what it selects and gives it back, limits what it may write, revokes tokens, and makes new
 * secrets, of which the edges hear a while later. A gateway's says that it relays; what is needed
 * by who is behind it it goes on to be allowed. Who uses a copy of a directory (tests/sim/twins.h)
 * has the token of the one that it was made of, as what waits there is pushed under no other: both
 * hear of a new secret, each when it does.
 *
 *     what is wanted --(the node is up)--> in force there, until its process ends
 *
 * What is in force is what the node has answered; whether it kept that is asked again whenever it
 * was opened. The rest is found out by looking from outside:
 *
 *   on the wire   nothing is sent of a stream that the edge's token does not cover
 *   in the files  when an edge has purged what it lost the right to, no event of that is in them
 *   in the log    what an edge wrote it was allowed to write; what is rejected as forbidden was not
 */
#ifndef RV_TESTS_SIM_RIGHTS_H
#define RV_TESTS_SIM_RIGHTS_H

#include "core/base/bytes.h"
#include "tests/sim/plan.h"

#define SIM_LIMITS_MAX 64 /* times that what an edge may write changes */

/* What it may write from then on: a pattern. */
typedef struct sim_limit {
    int64_t at;
    const char *pattern;
} sim_limit;

typedef struct sim_limits {
    uint32_t count;
    sim_limit list[SIM_LIMITS_MAX];
} sim_limits;

/* What a node, the root or a gateway, has done of what is wanted, and whether that is durable. */
typedef struct sim_in_force {
    uint32_t process; /* of the node, in which it was so; 0: none */
    bool has_token;
    bool has_taken;
    uint64_t made;
    bool kept; /* what is in force survives */
} sim_in_force;

typedef struct sim_edge_rights {
    /* wanted */
    bool token;
    bool taken; /* the right to one entry */
    const char *writes;
    uint32_t secret;
    int64_t grace_us; /* of the secret before */
    sim_in_force at[SIM_MEMBERS_MAX];
    sim_limits limits[SIM_MEMBERS_MAX]; /* of what it may write, as each node judges it */
    /* what the edge was told */
    uint32_t told;
    int64_t tell_at;
    uint32_t given_in; /* process of the edge that has the secret */
    uint32_t given;
    uint64_t looked; /* at what in its files; 0: nothing yet */
} sim_edge_rights;

typedef struct sim_rights {
    uint64_t random;
    int64_t next_at; /* when something changes */
    bool begun;
    sim_edge_rights edges[SIM_MEMBERS_MAX];
} sim_rights;

struct sim_world;
struct sim_member;
struct sim_operation;

void sim_rights_reset(struct sim_world *world);

/* What changes by now. */
void sim_rights_moment(struct sim_world *world);

/* At a member that is up: the root and gateways are told what is wanted, an edge what its secret
 * is.
 */
void sim_rights_turn(struct sim_world *world, struct sim_member *member);

/* The root was opened: what it kept. */
void sim_rights_opened(struct sim_world *world, struct sim_member *root);

/* Who writes at the edge. `text` has room for 8 bytes. */
void sim_rights_principal(const struct sim_world *world, uint8_t edge, char *text);

/* Of the edge's selections the one that it is to come to hold. */
uint8_t sim_rights_selection(const struct sim_world *world, const struct sim_member *edge);

/* The node sends this to the edge. */
void sim_rights_sent(struct sim_world *world, uint8_t from, uint8_t edge, rv_bytes message);

/* An event that an edge has written was accepted. */
void sim_rights_accepted(struct sim_world *world, const struct sim_operation *o, rv_bytes path);

/* What an edge has written was rejected as forbidden. */
void sim_rights_forbidden(struct sim_world *world, const struct sim_operation *o);

/* Looks through an edge's files, if it has purged them. */
void sim_rights_files(struct sim_world *world, struct sim_member *edge);

/* True when all that was wanted is in force, and nothing is being purged. */
bool sim_rights_done(const struct sim_world *world);

#endif
