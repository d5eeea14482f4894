/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that are lost, with their directories, when a gateway has what they wrote and has said so
 * (SEMANTICS 4, docs/gateways.md): it comes to the root, and is judged there, all the same.
 *
 *     written -> local -> relayed -> the device is lost -> in the root's log, or refused by it
 *
 * Where the gateway, or the root, was put back to an older copy meanwhile nothing is said; nor of
 * what was decided before the device was lost, which the root may have forgotten.
 */
#ifndef RV_TESTS_SIM_LOSSES_H
#define RV_TESTS_SIM_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_LOSSES_MAX 2 /* in a world */

struct sim_world;

typedef struct sim_losses {
    uint64_t random;
    uint32_t count;
    uint8_t ids[SIM_LOSSES_MAX][16]; /* of the nodes that were lost */
} sim_losses;

/* Looks at what gateways have; a device may be lost for that. */
void sim_losses_moment(struct sim_world *world);

/* Is the node one that was lost? */
bool sim_losses_is_lost(const struct sim_world *world, const uint8_t *id);

/* When all has converged. */
void sim_losses_check_end(struct sim_world *world);

#endif
