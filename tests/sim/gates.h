/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gateways that change what they hold, in some worlds: several entries, with their history and
 * without, one selection after the other while edges behind them are fed, and change theirs. What a
 * gateway has not in order it refuses (core/engine/past.h); then an administrator moves the edge to
 * the root, and later, perhaps, back. What it has held all the time, with its history, it must not
 * refuse.
 */
#ifndef RV_TESTS_SIM_GATES_H
#define RV_TESTS_SIM_GATES_H

#include "tests/sim/plan.h"

#include "core/base/error.h"

struct sim_world;
struct sim_member;

/* Draws the selections of gateways and of who is behind them, if the world has some, and the
 * features (SIM_GATE_CHANGES, SIM_GATE_MIXES). */
void sim_gates_draw(sim_plan *plan, uint32_t features);

/* Whose right to a pattern an administrator may take, of gateways that change and of who is behind
 * them: behind that each can hold each of its selections without it. */
void sim_gates_draw_takes(sim_plan *plan, bool known);

/* The edge's connection has ended for this reason: its administrator may move it to the root. */
void sim_gates_closed(struct sim_world *world, struct sim_member *edge, const rv_error *reason);

/* The edge has had its turn: the same, where it is told in a connection that goes on. */
void sim_gates_turn(struct sim_world *world, struct sim_member *edge);

/* True when the edge may be refused what it selects. */
bool sim_gates_may_refuse(const struct sim_world *world, const struct sim_member *edge,
                          rv_status reason);

/* True of a gateway that has filled in events of the past among its own. */
bool sim_gates_mixed(const struct sim_member *gateway);

/* A canary: the gateway takes all that it covers for in order. */
void sim_gates_forget(const struct sim_world *world, struct sim_member *gateway);

#endif
