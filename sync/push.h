/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge's outbox and its connection: pushes what the node holds, in order, as far as it is
 * durable and the upstream has granted it; takes decisions, which wait here until the node can take
 * them; tells what is settled; and takes a new incarnation when the directory turns out to be a
 * copy. Nothing that has to outlive the connection is kept here.
 *
 *     pushed -> decided (told by the upstream) -> taken by the node -> settled (durable, told)
 *       ^------ again: all that is undecided goes back, and after a while one push tries
 *
 *   invariant 1: `flights` are pushes of this connection in rising order, the first `decided` of
 *                them decided; none is settled.
 *   invariant 2: decisions are taken by the node in the order in which they came.
 */
#ifndef RV_SYNC_PUSH_H
#define RV_SYNC_PUSH_H

#include "core/base/arena.h"
#include "core/engine/decide.h"
#include "sync/wire_push.h"

#define RV_PUSH_FLIGHTS_MAX 64u /* undecided, or not settled */
#define RV_PUSH_DECISIONS_LEN                                                                      \
    (64u << 10) /* of decisions that wait: as many as there are flights                            \
                 */
#define RV_PUSH_AGAIN_MIN_US INT64_C(1000000)
#define RV_PUSH_AGAIN_MAX_US INT64_C(16000000)

typedef struct rv_flight {
    uint64_t edge_sequence;
    uint32_t len; /* bytes of the message */
} rv_flight;

typedef struct rv_pusher {
    rv_node *node;
    uint8_t *message;   /* RV_PUSH_LEN_MAX: the push being sent */
    uint64_t *counted;  /* RV_PUSH_COUNTED_MAX */
    uint8_t *decisions; /* RV_PUSH_DECISIONS_LEN: bodies, each with 4 bytes of length */
    size_t decisions_len;
    bool granted;         /* the upstream takes pushes */
    bool relays;          /* and of others than its principal */
    bool noted;           /* the node has that */
    bool held;            /* the next one is another's, and waits for that */
    size_t principal_len; /* as whom the upstream took the edge; 0: it has no tokens */
    uint8_t principal[RV_TOKEN_NAME_MAX];
    bool gateway;         /* it is one: it does not know what the root has decided */
    bool fork;            /* a new incarnation is to be taken */
    bool passed;          /* batches came back that others were pushed past: as after a fork */
    bool probing;         /* one push at a time: the last one was not decided */
    uint64_t again_at;    /* that one; until it is pushed again, or is told to be settled */
    uint64_t pushes_max;  /* granted, undecided at a time */
    uint64_t bytes_max;   /* likewise, but one may always be under way */
    uint64_t cursor;      /* edge sequence up to which all was pushed or is decided */
    uint64_t known;       /* edge sequence that the root is known to have decided */
    uint64_t settled;     /* told, by the hello first */
    uint64_t caught_up;   /* W from which on commands leave: that of the upstream at the welcome */
    uint64_t relayed;     /* edge sequence up to which all is flushed at a gateway, or decided */
    uint64_t hello_next;  /* that the hello named */
    uint64_t durable_at;  /* batches of the log that are to be durable before anything leaves */
    int64_t next_attempt; /* after `again`; INT64_MIN: at once */
    int64_t again_us;     /* how long the next one waits */
    int64_t last_settled; /* when it was told */
    uint32_t flight_count;
    uint32_t decided;
    uint64_t bytes;     /* of undecided ones */
    uint32_t came_back; /* rv_outbox_facts, when it was looked at */
    rv_flight flights[RV_PUSH_FLIGHTS_MAX];
} rv_pusher;

/* Takes 400 KiB. False: `arena` has not that much. */
RV_MUST_USE bool rv_pusher_create(rv_pusher *pusher, rv_node *node, rv_arena *arena);

/* What the hello says, when it is ready: else it would name an incarnation that is not durable
 * yet. Of the edge sequences it names the durable ones, so it waits for no writing to end. */
bool rv_pusher_ready(const rv_pusher *pusher);
void rv_pusher_hello(rv_pusher *pusher, rv_wire_hello *hello);

void rv_pusher_welcome(rv_pusher *pusher, const rv_wire_welcome *welcome, int64_t now);

/* The upstream takes the edge for this principal (empty: it has no tokens), and what others have
 * written too if it `relays`. */
void rv_pusher_named(rv_pusher *pusher, rv_bytes name, bool relays);

/* True for a batch that another principal wrote than that: it waits, and with it what is behind it.
 */
bool rv_pusher_holds(const rv_pusher *pusher, const rv_pending *batch);

/* The next one to push is such a batch. */
bool rv_pusher_held(const rv_pusher *pusher, rv_pending *batch);

/* Takes a decision's body. RV_PROTOCOL_ERROR: malformed, or of nothing that was pushed. */
RV_MUST_USE rv_status rv_pusher_take(rv_pusher *pusher, rv_bytes body, int64_t now, rv_error *err);

/* Takes a relayed message's body: a gateway keeps what was pushed. RV_PROTOCOL_ERROR: malformed, or
 * of what was not pushed. */
RV_MUST_USE rv_status rv_pusher_relayed(rv_pusher *pusher, rv_bytes body, rv_error *err);

/* Gives the node the decisions that wait, and takes the incarnation that is to be taken. RV_OK also
 * when the node is not ready for them. */
void rv_pusher_poll(rv_pusher *pusher);

/* The next message to send, borrowed until the next call: a push, or what is settled. */
bool rv_pusher_send(rv_pusher *pusher, int64_t now, rv_bytes *message);

/* When there is something to send by itself; INT64_MAX: never. */
int64_t rv_pusher_deadline(const rv_pusher *pusher);

/* The connection has ended. */
void rv_pusher_disconnect(rv_pusher *pusher);

#endif
