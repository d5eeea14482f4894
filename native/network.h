/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When this machine's network comes up, so that an edge tries its upstream at once and does not
 * wait for its backoff. The kernel tells everybody who listens which addresses and routes are new
 * (rtnetlink(7)); there is one then, whoever brings networks up here. On Linux only; elsewhere, and
 * where a sandbox has no such sockets, there is nothing to listen to, and edges wait.
 *
 * New addresses and routes come in bursts, and on some machines all the time (containers, router
 * advertisements, which renew addresses): so at most once in RV_NETWORK_AGAIN_US it is taken that
 * the network has come up. What comes sooner is taken then.
 */
#ifndef RV_NATIVE_NETWORK_H
#define RV_NATIVE_NETWORK_H

#include "core/base/bytes.h"

#include <stdbool.h>
#include <uv.h>

#define RV_NETWORK_AGAIN_US INT64_C(1000000)

typedef struct rv_network {
    uv_poll_t poll;
    bool open;
    int socket;
    bool up;          /* it has come up, and that was not taken */
    int64_t taken_at; /* the last time; 0: never */
} rv_network;

/* Listens from now on, on this loop, whose turns end where there is something to take. 0, or
 * libuv's error: nothing will ever be there to take. */
int rv_network_open(rv_network *network, uv_loop_t *loop);

/* The loop has closed its handles: closes the socket. Harmless when nothing is open. */
void rv_network_close(rv_network *network);

/* True once when the network has come up; ask in each turn, and now and then. */
bool rv_network_take(rv_network *network, int64_t now);

/* --- what the kernel tells --- */

/* True when messages of rtnetlink(7) tell of an address that can be used, or a route to others,
 * that is new. What is cut off or malformed says nothing. */
bool rv_network_came_up(rv_bytes messages);

#endif
