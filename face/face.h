/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request handler: method, path, headers and body in; a response or a feed out. It knows no
 * socket: a daemon moves the bytes of HTTP connections through it, and the CLI calls it in process
 * when it works on a data directory, so every face of Rivulet answers alike.
 *
 *     rv_face_begin     a request that was received whole
 *     rv_exchange_head  RV_PENDING until status and headers are known
 *     rv_exchange_body  what there is of the body; RV_PENDING when a feed waits; RV_END
 *     rv_face_end       at any time; frees the exchange
 *
 * After RV_PENDING: poll the node (and edge), then ask again.
 */
#ifndef RV_FACE_FACE_H
#define RV_FACE_FACE_H

#include "core/base/digest.h"
#include "core/live/subscription.h"
#include "face/guard.h"
#include "sql/sql.h"
#include "sync/upstream.h"

typedef struct rv_pending rv_pending; /* core/engine/outbox.h */
typedef struct rv_face rv_face;
typedef struct rv_exchange rv_exchange;

/* Who gives the memory for answers from the past, when the first one is asked for. */
typedef struct rv_face_memory_ops {
    void *(*take)(void *ctx, size_t size); /* aligned, as long as the face lives; NULL: none */
} rv_face_memory_ops;

/* What `as_of` may take. */
typedef struct rv_face_past {
    const rv_face_memory_ops *memory; /* NULL: `as_of` answers RV_UNSUPPORTED */
    void *ctx;
    size_t memory_size;
    uint64_t events_max;    /* that are folded for one answer; 0: any number */
    uint64_t sql_steps_max; /* as rv_sql_options.steps_max */
} rv_face_past;

typedef struct rv_face_options {
    rv_node *node;
    rv_sql *sql;                        /* NULL: /query answers RV_UNSUPPORTED */
    rv_edge *edge;                      /* NULL on a root */
    const rv_upstream_shared *upstream; /* NULL when no edges are served */
    uint32_t exchanges_max;             /* requests under way, feeds included */
    uint32_t result_count;              /* how many results of queries can be held at once, */
    size_t result_len_max;              /* and how large one can be */
    const char *version;                /* shown by /status */
    const rv_guard *guard;              /* NULL: whoever asks may do everything */
    const rv_digest_ops *digest;        /* for tokens; NULL: none can be made */
    rv_face_past past;
} rv_face_options;

/* Takes all its memory from `arena`: result_count * result_len_max, 5 KiB for each exchange, 256
 * KiB for live queries, and about 2 * RV_BATCH_LEN_MAX for requests. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_face_create(rv_face **face, const rv_face_options *options,
                                     rv_arena *arena, rv_error *err);

/* A request. Header values are empty when the header was absent. */
typedef struct rv_request {
    rv_bytes method; /* "GET", "POST", … */
    rv_bytes target; /* path and query as sent: "/events?path=/a/%2A&from=1" */
    rv_bytes content_type;
    rv_bytes accept;
    rv_bytes event_type;       /* X-Event-Type or XEvent-Type */
    rv_bytes expected_version; /* any | none | exists | a number */
    rv_bytes idempotency_key;
    rv_bytes durability; /* memory | local | relayed | upstream */
    rv_bytes last_event_id;
    rv_bytes metadata; /* X-Event-Metadata: a JSON object */
    rv_bytes body;
    rv_bytes authorization; /* "Bearer " and a token, */
    bool guarded;           /* which it needs if the node has tokens: it came over a network */
    /* Of callers that run the functions of commands themselves (core/engine/command.h), with POST
     * /events: */
    rv_bytes command; /* the one whose function made the events that are the body, */
    rv_bytes args;    /* and its arguments, JSON; */
    rv_bytes run;     /* or the edge sequence of one that has begun to run again, whose function
                         made the body, an array of events, or, with an empty body, refuses with
                         `command` as its own code and `args` as the detail; without a code it
                         failed */
} rv_request;

/* A batch that is a command's, as members of a JSON object: "id", "name", "args", "attempt". */
void rv_face_write_command(const rv_pending *batch, rv_writer *w);

/* Largest body of a request. */
#define RV_REQUEST_BODY_MAX RV_BATCH_LEN_MAX

/*
 * Starts a request. Its bytes must stay valid until rv_exchange_head has answered RV_OK. A request
 * that is wrong is an exchange that answers with a problem; RV_BUSY (no exchange free) is the only
 * error.
 */
RV_MUST_USE rv_status rv_face_begin(rv_face *face, const rv_request *request,
                                    rv_exchange **exchange, rv_error *err);

typedef struct rv_response_head {
    int status;               /* HTTP */
    const char *content_type; /* application/json, application/problem+json, text/event-stream, … */
    bool length_known;
    uint64_t length;   /* of the body, when known; else it is chunked */
    bool feed;         /* a live feed: flush each piece, no time-out */
    const char *allow; /* value of Allow with 405, else NULL */
    uint64_t stale;    /* value of Rivulet-Stale: what was read is stale since there; 0: none */
    bool past;         /* it was asked for `as_of`: */
    uint64_t as_of;    /* value of Rivulet-As-Of: the position that it is of */
} rv_response_head;

/* RV_OK or RV_PENDING. */
RV_MUST_USE rv_status rv_exchange_head(rv_exchange *exchange, rv_response_head *head);

/* How long an answer may take to be read while others wait for the buffer that it lies in. */
#define RV_RESULT_PATIENCE_US (INT64_C(10) * 1000000)

/* True when it has been given out for longer than that, and others wait: close the connection. */
RV_MUST_USE bool rv_exchange_keeps_others(const rv_exchange *exchange, int64_t now);

/* Writes the next piece of the body, as much as there is and fits (`w` should have room for 64 KiB
 * and for the largest event). RV_OK: something was written, there may be more; RV_PENDING: nothing
 * for now; RV_END: over (nothing written); any other status: the body broke off, close the
 * connection. A feed writes a comment line when `now` (microseconds, monotonic) is 15 s after its
 * last piece: ask at least that often. */
RV_MUST_USE rv_status rv_exchange_body(rv_exchange *exchange, int64_t now, rv_writer *w);

/*
 * A feed that has told all there is waits, and is not asked whenever something has moved: what
 * moves is looked at once for all that wait, and those that it concerns are woken (face/waiting.c).
 * rv_exchange_body does so by itself: of a feed that waits, and that nothing concerns, it is
 * RV_PENDING at once. Who has many feeds need not even ask them:
 *
 *     rv_face_look         after the node was polled
 *     rv_face_next_woken   who is to ask again: each owner once, then NULL
 *     rv_exchange_waits    after RV_PENDING: ask when it is woken, and, for heartbeats and tokens
 *                          that expire, twice a second
 */
void rv_face_look(rv_face *face);
void *rv_face_next_woken(rv_face *face);
bool rv_exchange_waits(const rv_exchange *exchange);

/* Whom rv_face_next_woken is to name. */
void rv_exchange_set_owner(rv_exchange *exchange, void *owner);

/* True while it runs a query or waits to, or is on its way to the past, which takes several turns:
 * nothing but the answer is lost if it ends. */
bool rv_exchange_is_query(const rv_exchange *exchange);

void rv_face_end(rv_exchange *exchange);

/* Gives back what is not in its memory (SQLite's share of the process): no call follows. */
void rv_face_close(rv_face *face);

/* Adds what holds nothing between two calls. */
void rv_face_unused(const rv_face *face, rv_unused *unused);

/* True when a query has had its slice of steps and would go on at once: ask exchanges again soon,
 * after others have had their turn. */
bool rv_face_busy(const rv_face *face);

#endif
