/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages by which a gateway passes on what its edges say about their outboxes, over its own
 * one connection (docs/format/wire.md, "Relays"), and the one that tells an edge what is kept.
 */
#ifndef RV_SYNC_WIRE_RELAY_H
#define RV_SYNC_WIRE_RELAY_H

#include "sync/wire_lease.h"
#include "sync/wire_push.h"

/* Gateway to upstream: a message of one of its edges. */
typedef struct rv_wire_relay {
    uint8_t edge_id[16];
    rv_wire_kind kind;       /* PUSH, REFUSED, SETTLED or LEASE */
    uint64_t previous;       /* PUSH: that edge's push that is under way before it; 0: none */
    uint8_t previous_id[16]; /* and the id of its first event */
    uint32_t incarnation;    /* not 0 */
    uint64_t edge_sequence;  /* PUSH, REFUSED, SETTLED */
    rv_bytes body;           /* of that message; REFUSED: of the push, */
    rv_error refusal;        /* which is not to be accepted any more, for this: RV_FORBIDDEN */
} rv_wire_relay;

/* The largest one. */
#define RV_RELAY_LEN_MAX (RV_PUSH_LEN_MAX + 64u + RV_WIRE_FAILURE_MAX)

/* `incarnation` and `edge_sequence` are those of the body, but for SETTLED, which is written from
 * them. */
void rv_wire_write_relay(rv_writer *w, const rv_wire_relay *relay);

/* Checks the body, too, as far as that is done for one that comes by itself. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_wire_read_relay(rv_bytes body, rv_wire_relay *relay, rv_error *err);

/* Upstream to gateway: the answer to one of its edges, a decision or leased message. */
typedef struct rv_wire_relay_answer {
    uint8_t edge_id[16];
    uint32_t incarnation; /* not 0 */
    rv_wire_kind kind;    /* DECISION or LEASED */
    rv_wire_decision decision;
    rv_wire_leased leased;
} rv_wire_relay_answer;

#define RV_RELAY_ANSWER_LEN_MAX (RV_WIRE_DECISION_LEN_MAX + 64u)

void rv_wire_write_relay_answer(rv_writer *w, const rv_wire_relay_answer *answer);
RV_MUST_USE rv_status rv_wire_read_relay_answer(rv_bytes body, rv_wire_relay_answer *answer,
                                                rv_error *err);

/* Gateway to upstream: is this point one of the log's? And the answer. */
typedef enum rv_wire_vouch {
    RV_WIRE_VOUCH_YES = 0,
    RV_WIRE_VOUCH_NO = 1,
    RV_WIRE_VOUCH_UNKNOWN = 2 /* for now */
} rv_wire_vouch;

void rv_wire_write_vouch(rv_writer *w, const rv_wire_point *point);
RV_MUST_USE rv_status rv_wire_read_vouch(rv_bytes body, rv_wire_point *point, rv_error *err);
void rv_wire_write_vouched(rv_writer *w, const rv_wire_point *point, rv_wire_vouch outcome);
RV_MUST_USE rv_status rv_wire_read_vouched(rv_bytes body, rv_wire_point *point,
                                           rv_wire_vouch *outcome, rv_error *err);

/* Gateway to edge: pushes up to this one are durable at the gateway. */
void rv_wire_write_relayed(rv_writer *w, uint64_t edge_sequence);
RV_MUST_USE rv_status rv_wire_read_relayed(rv_bytes body, uint64_t *edge_sequence, rv_error *err);

/* Gateway to edge: why what it pushes does not go up, though it might; status RV_OK: nothing is
 * known to be in the way any more. */
void rv_wire_write_held(rv_writer *w, const rv_error *why);
RV_MUST_USE rv_status rv_wire_read_held(rv_bytes body, rv_error *why, rv_error *err);

#endif
