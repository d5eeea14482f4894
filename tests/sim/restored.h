/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots that are put back to an older copy (SEMANTICS 5). The truth ends where the copy does, then,
 * and goes on from there; an administrator says so, at once or after a while, now and then without
 * need. Edges that were further than the copy are beside the truth until they have gone back: what
 * they show meanwhile is not compared.
 *
 *     truth  1 2 3 4 5 6 7 8 9        1 2 3 4 5            1 2 3 4 5 6' 7' …
 *     root             copy at 5      restored             epoch begun
 *     edge             W = 8          beside (floor 5)     goes back to 5 or before: not beside
 *
 * What was acknowledged behind the end is not counted on any more; but what an edge wrote, and had
 * accepted in streams that it holds, comes back, or is rejected.
 */
#ifndef RV_TESTS_SIM_RESTORED_H
#define RV_TESTS_SIM_RESTORED_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_RESTORES_MAX 16
#define SIM_FLOOR_NONE   UINT64_MAX

typedef struct sim_restores {
    uint32_t count;
    uint64_t positions[SIM_RESTORES_MAX]; /* where the truth was cut */
    bool replaced;      /* the root's directory is an older one, and was not opened yet */
    bool says;          /* the administrator is to say so, */
    int64_t say_at;     /* then */
    uint32_t said_in;   /* process in which it was said, 0: none, */
    uint64_t said_made; /* and which must be durable for it */
    uint32_t epochs;    /* that were begun */
    uint32_t met_in;    /* process of the root in which */
    uint32_t met;       /* so many edges of another history were met */
} sim_restores;

struct sim_world;
struct sim_member;

/* The root's copy takes its directory's place; or one is made, or an epoch begun without need. */
void sim_restored_step(struct sim_world *world, struct sim_member *root, uint64_t *random);

/* The member was opened: the truth ends where a restored root does. */
void sim_restored_opened(struct sim_world *world, struct sim_member *member);

/* The member was polled: the administrator says what he has to; an edge has gone back. */
void sim_restored_turn(struct sim_world *world, struct sim_member *member);

/* The edge has a connection to the upstream's process, which is up. */
void sim_restored_connected(struct sim_world *world, struct sim_member *edge,
                            const struct sim_member *upstream);

/* The edge's directory was replaced: by its copy, or by nothing. */
void sim_restored_replaced(const struct sim_world *world, struct sim_member *edge, bool copy);

/* The same, by a copy of another one's. */
void sim_restored_twin(struct sim_member *edge, const struct sim_member *original);

/* True when the member's history is not, or may not be, the truth. */
bool sim_restored_beside(const struct sim_member *member);

/* True when nobody has anything to say any more, and no schema change is missing. */
bool sim_restored_done(const struct sim_world *world);

#endif
