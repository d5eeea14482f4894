/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway's own connection, as far as it is about other edges: relays what the node keeps of
 * their pushes (core/engine/relay.h), takes the root's decisions for the node, passes on what they
 * have settled and their requests for keys. Like sync/push.h, for many edges over one connection.
 *
 *     kept, durable -> under way -> answered -> (the node has the decision, or drops the push)
 *       ^--- again: after a while, alone; and what was under way behind it
 *
 * Edges have their turn one after the other, a push each time. A push names the one of its edge
 * that is under way before it: if that is not decided, it is not either, so one that is not decided
 * takes with it what comes after, without anything that the upstream has to remember.
 *
 * A push that is larger than what the node can keep is passed on from memory, one at a time, when
 * nothing of its edge is under way. It is told `again` here until the root has decided: then the
 * node has the decision, and the edge finds it. So is one that its writer may not write, with the
 * refusal: the node decides nothing, and the root may have decided it already.
 *
 *     taken -> under way -> (the node has the decision) -> gone; forked: until it is asked for
 *
 *   invariant 1: `flights` are pushes of this connection that the node has no decision of; of one
 *                edge they are in order.
 *   invariant 2: what an edge has settled is passed on when no push that counts on it is kept.
 *
 * Where the upstream takes no relays, or not those of an edge, these are `held`: they wait, and who
 * wrote them is told why.
 */
#ifndef RV_SYNC_RELAYS_H
#define RV_SYNC_RELAYS_H

#include "core/base/arena.h"
#include "core/engine/relay.h"
#include "sync/wire_relay.h"

#define RV_RELAY_FLIGHTS_MAX  64u
#define RV_RELAY_BYTES_MAX    (512u << 10) /* of these; one may always be under way */
#define RV_RELAY_DELAYS_MAX   32u          /* edges that wait after `again` */
#define RV_RELAY_SETTLED_MAX  64u          /* edges of which something settled is to be passed on */
#define RV_RELAY_LEASES_MAX   16u          /* requests for keys, of as many edges */
#define RV_RELAY_LEASES_SENT  4u           /* of these, under way */
#define RV_RELAY_VOUCHES_MAX  16u /* points that the upstream is asked for, one at a time */
#define RV_RELAY_AGAIN_MIN_US INT64_C(1000000)
#define RV_RELAY_AGAIN_MAX_US INT64_C(16000000)

typedef struct rv_relay_flight {
    rv_edge_life edge;
    uint64_t edge_sequence;
    uint8_t first_id[16];
    uint32_t len;  /* bytes of the message */
    bool passed;   /* it is `passing` */
    bool answered; /* the answer waits for the node, at this place among those that do: */
    uint32_t answer;
} rv_relay_flight;

/* An edge that is told `again`: nothing of it before `at`, then one push at a time. */
typedef struct rv_relay_delay {
    rv_edge_life edge; /* incarnation 0: unused */
    int64_t at;
    int64_t again_us;
} rv_relay_delay;

typedef struct rv_relay_settled {
    rv_edge_life edge; /* incarnation 0: unused */
    uint64_t edge_sequence;
    uint64_t told; /* so far, as what is kept counts on the rest; kept when it is all, so that it
                      can be told again */
} rv_relay_settled;

/* A request for keys of an edge that is connected here. */
typedef struct rv_relay_lease {
    rv_edge_life edge; /* incarnation 0: unused */
    bool sent;
    bool answered;
    bool orphan; /* its edge has gone, the answer is still to come */
    uint32_t len;
    uint8_t body[128]; /* of the lease message */
    rv_wire_leased leased;
} rv_relay_lease;

/* A point of an edge's history that this node's log does not have: its upstream is asked. */
typedef struct rv_relay_vouch {
    rv_wire_point point; /* watermark 0: unused */
    bool sent;
    bool answered;
    rv_wire_vouch outcome;
    uint32_t age; /* of the list: the oldest answered one goes first */
} rv_relay_vouch;

/* The push that is passed on and not kept. */
typedef struct rv_relay_passing {
    rv_relay push;    /* its body: in `memory`, RV_PUSH_LEN_MAX bytes; of length 0: there is none */
    rv_error refusal; /* status RV_OK: none */
    bool flies;
    bool forked;
    uint8_t *memory;
} rv_relay_passing;

typedef struct rv_relayer rv_relayer;

struct rv_relayer {
    rv_node *node;
    uint8_t *message;              /* RV_RELAY_LEN_MAX */
    rv_wire_relay_answer *answers; /* RV_RELAY_FLIGHTS_MAX, by `answer` of a flight */
    bool granted;
    bool refusals; /* pushes may be passed on that are refused */
    rv_error
        held; /* why the upstream takes no relays, or not all; status RV_OK: nothing is known */
    uint32_t held_changes;
    uint64_t pushes_max;
    uint64_t bytes_max;
    uint32_t flight_count;
    uint64_t bytes;
    rv_edge_life turn; /* that had its turn last */
    uint64_t idle_at;  /* what the log was when nothing was found to send; 0: look */
    int64_t deadline;  /* of delays, when nothing was found */
    rv_relay_flight flights[RV_RELAY_FLIGHTS_MAX];
    rv_relay_passing passing;
    rv_relay_delay delays[RV_RELAY_DELAYS_MAX];
    rv_relay_settled settled[RV_RELAY_SETTLED_MAX];
    rv_relay_lease leases[RV_RELAY_LEASES_MAX];
    rv_relay_vouch vouches[RV_RELAY_VOUCHES_MAX];
    uint32_t vouch_count; /* that were ever asked */
};

/* Takes 782 KiB. NULL: `arena` has not that much. */
RV_MUST_USE rv_relayer *rv_relayer_create(rv_node *node, rv_arena *arena);

/* --- what the node's edges say --- */

/* An edge has settled everything up to there. */
void rv_relayer_settle(rv_relayer *relayer, const rv_edge_life *edge, uint64_t edge_sequence);

/* Takes a push that the node cannot keep, or that is refused for `refusal` (else NULL): RV_PENDING,
 * also when another one is passed on, or nobody is connected: the edge pushes it again.
 * RV_NOT_FOUND, once: the root says that it is a copy's. */
RV_MUST_USE rv_status rv_relayer_pass(rv_relayer *relayer, const rv_relay *push,
                                      const rv_error *refusal);

/* False: the upstream is of a version that takes no refusals. */
bool rv_relayer_refuses(const rv_relayer *relayer);

/* Why what this edge (NULL: any) has pushed does not go up, as far as the upstream has said. NULL:
 * nothing is known to be in the way. */
const rv_error *rv_relayer_held(const rv_relayer *relayer, const rv_edge_life *edge);

/* Asks for keys for an edge: `body` is that of its lease message, which was checked. It is not
 * asked twice: RV_PENDING until there is the answer, RV_OK with it, once. RV_BUSY: too many ask;
 * RV_NOT_CONNECTED: nobody can be asked now. */
RV_MUST_USE rv_status rv_relayer_lease(rv_relayer *relayer, const rv_edge_life *edge, rv_bytes body,
                                       rv_wire_leased *leased);

/* Is this point, which the node's log does not have, one of the root's? RV_OK: it is;
 * RV_UPSTREAM_DIVERGED: it is not; RV_PENDING: the upstream is asked, or cannot be. */
RV_MUST_USE rv_status rv_relayer_vouch(rv_relayer *relayer, const rv_wire_point *point);

/* The edge does not wait any more. */
void rv_relayer_lease_forget(rv_relayer *relayer, const rv_edge_life *edge);

/* --- the connection --- */

void rv_relayer_welcome(rv_relayer *relayer, const rv_wire_welcome *welcome);
void rv_relayer_disconnect(rv_relayer *relayer);

/* Takes a vouched message's body. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_relayer_vouched(rv_relayer *relayer, rv_bytes body, rv_error *err);

/* The upstream says why it does not take something; status RV_OK: nothing is in the way. */
void rv_relayer_hold(rv_relayer *relayer, const rv_error *why);

/* Takes an answer's body. RV_PROTOCOL_ERROR: malformed, or to nothing that is under way. */
RV_MUST_USE rv_status rv_relayer_take(rv_relayer *relayer, rv_bytes body, int64_t now,
                                      rv_error *err);

/* Gives the node the decisions that wait. */
void rv_relayer_poll(rv_relayer *relayer);

/* The next message to send, borrowed until the next call. */
bool rv_relayer_send(rv_relayer *relayer, int64_t now, rv_bytes *message);

/* When there is something to send by itself; INT64_MAX: never. */
int64_t rv_relayer_deadline(const rv_relayer *relayer);

#endif
