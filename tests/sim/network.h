/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that carry whole WebSocket messages, each way in order, with delay and a limited
 * rate, and that break in all the ways connections do:
 *
 *     cut          what is in flight from some message on is lost, both ends hear of the end
 *     half-open    one end hears of it, the other believes that the connection lives
 *     partition    nothing arrives from A at B (and back, if symmetric) for a while; then it does,
 *                  late, unless somebody gave up
 *     power off    an end is gone; whoever sends to it hears that only when it is back
 *
 * A cut inside a frame is a message that does not arrive: receivers see whole messages only. The
 * network knows nothing of what it carries; who holds a connection's ends is the caller's (`edge`
 * and `upstream` are indices).
 */
#ifndef RV_TESTS_SIM_NETWORK_H
#define RV_TESTS_SIM_NETWORK_H

#include "core/base/bytes.h"
#include "tests/sim/plan.h"

#define SIM_LINKS_MAX   32
#define SIM_QUEUE_MAX   256             /* messages in flight in one direction */
#define SIM_LINK_WINDOW INT64_C(250000) /* microseconds that a sender may be ahead of the wire */

typedef enum sim_way { SIM_TO_UPSTREAM, SIM_TO_EDGE } sim_way;

typedef struct sim_message {
    int64_t at;     /* when it arrives */
    uint8_t *bytes; /* of the message's own; NULL: the connection ends */
    size_t len;
} sim_message;

typedef struct sim_flow {
    sim_message queue[SIM_QUEUE_MAX]; /* a ring */
    uint32_t first;
    uint32_t count;
    int64_t free_at; /* when the wire can take the next byte */
    int64_t last_at; /* when the last message arrives: none overtakes another */
    bool lost;       /* nothing sent from now on arrives */
    bool ended;      /* its sender has ended it */
} sim_flow;

typedef enum sim_link_state {
    SIM_LINK_FREE,
    SIM_LINK_CONNECTING, /* `ready_at`: when the upstream is asked */
    SIM_LINK_ANSWERING,  /* the upstream's end is open (or refused); `ready_at`: the edge hears */
    SIM_LINK_OPEN        /* until both ends know that it is over */
} sim_link_state;

typedef struct sim_link {
    sim_link_state state;
    uint8_t edge;
    uint8_t upstream;
    bool edge_open; /* what each end believes */
    bool upstream_open;
    bool refused;
    bool held;  /* the edge's transport waits before it hands over the next message */
    bool heard; /* the upstream has not been asked for an answer since it got something */
    int64_t ready_at;
    int64_t latency_us;
    int64_t jitter_us;
    int64_t bytes_per_second;
    uint64_t random;
    void *session; /* of the upstream's end; the caller's */
    sim_flow flows[2];
} sim_link;

typedef struct sim_network {
    sim_link links[SIM_LINKS_MAX];
    uint64_t made;
    int64_t blocked_until[SIM_MEMBERS_MAX][SIM_MEMBERS_MAX]; /* from, to */
    uint64_t messages;
    uint64_t bytes;
    uint64_t lost;
} sim_network;

void sim_network_clear(sim_network *network);

/* A new connection from an edge, under way; NULL: there are too many. */
sim_link *sim_network_connect(sim_network *network, const sim_plan *plan, uint8_t edge,
                              uint8_t upstream, int64_t now);

/* True when the sender's end can take a message now; else `*when` is when to try again. */
bool sim_link_takes(const sim_link *link, sim_way way, int64_t now, int64_t *when);

/* Sends a copy. Whether it arrives, nobody knows. */
void sim_link_send(sim_network *network, sim_link *link, sim_way way, rv_bytes message,
                   int64_t now);

/* The sender's end is over: the other end hears of it behind what is in flight. */
void sim_link_end(sim_network *network, sim_link *link, sim_way way, int64_t now);

/* When the next message arrives, as far as partitions let it; INT64_MAX: none is in flight. */
int64_t sim_link_arrival(const sim_network *network, const sim_link *link, sim_way way);

/* Takes the message that has arrived (sim_link_arrival is not after now). The caller frees its
 * bytes. */
sim_message sim_link_take(sim_link *link, sim_way way);

/* Of what is in flight only the first `keep` messages arrive, and nothing that is sent later. */
void sim_link_lose(sim_network *network, sim_link *link, sim_way way, uint32_t keep);

/* As sim_link_lose, and then the receiving end hears that the connection is over. */
void sim_link_break(sim_network *network, sim_link *link, sim_way way, uint32_t keep, int64_t now);

/* Both ends are over: gives back what it holds. */
void sim_link_free(sim_link *link);

void sim_network_block(sim_network *network, uint8_t from, uint8_t to, int64_t until);

#endif
