/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upstream's parts, shared by its files: upstream.c is the session (hello, messages, time),
 * upstream_feed.c makes events and progress messages, upstream_waiting.c keeps what waits for the
 * node, upstream_push.c takes what edges push, upstream_lease.c the keys that they ask for,
 * upstream_lineage.c compares histories. upstream_watch.c knows who has nothing to say,
 * upstream_watch_rows.c by what becomes of rows; upstream_share.c what several say.
 *
 *     new -> checking (lineage) -> live -> failed (its error is to be sent) -> over
 *
 * The node may be an edge itself, a gateway (upstream_gateway.c). It has the root's positions with
 * holes, and its own sequences: whatever goes through the log goes by sequence.
 */
#ifndef RV_SYNC_UPSTREAM_INTERNAL_H
#define RV_SYNC_UPSTREAM_INTERNAL_H

#include "core/base/ring.h"
#include "core/engine/epoch.h"
#include "core/engine/lease.h"
#include "core/engine/relay.h"
#include "core/engine/token.h"
#include "core/live/guide.h"
#include "core/live/interests.h"
#include "sync/encode.h"
#include "sync/relays.h"
#include "sync/timing.h"
#include "sync/upstream.h"
#include "sync/wire_base.h"
#include "sync/wire_lease.h"
#include "sync/wire_push.h"

#define SELECTION_MEMORY 8192u        /* patterns and their texts, of one session */
#define WAITING_MEMORY   (512u << 10) /* what waits for the node, of all sessions */
#define WAITING_MAX      64u
#define CHANGES_MEMORY   (256u << 10) /* the last changes of rows, for selected aggregates */
#define SNAPSHOTS_MAX    2u           /* for bases: the state has RV_SNAPSHOTS_MAX for all */

#define RV_UPSTREAM_PUSHES 64u          /* of one session that are undecided, or not told */
#define PUSH_BYTES         (256u << 10) /* of these, that an edge may send */
#define UNSETTLED_MAX      256u         /* decisions of one edge that are kept */
#define RELAY_SETTLED_MAX  2u    /* edges of a gateway of which something is to be forgotten */
#define TOLD_MAX           4096u /* decisions to be told, of all sessions */
#define TOLD_NONE          UINT32_MAX

#define RV_UPSTREAM_WATCHES   6u     /* places in the index of a session on its first page, */
#define RV_UPSTREAM_FURTHER   20u    /* and on its last, of who selects more */
#define RV_UPSTREAM_EVALUATED 65536u /* filters in one look: some milliseconds */
#define RV_UPSTREAM_GUIDES    32u    /* for sessions that have to catch up, at a time */
#define SHARED_MESSAGES       8u     /* events messages that are kept for who needs the same, */
#define SHARED_MESSAGE_MAX    (32u << 10) /* if they are no longer than this */
#define SHARED_PATTERNS_MAX   512u        /* and their patterns than this */

typedef enum rv_upstream_state {
    RV_UPSTREAM_NEW,
    RV_UPSTREAM_CHECKING,
    RV_UPSTREAM_LIVE,
    RV_UPSTREAM_FAILED,
    RV_UPSTREAM_OVER
} rv_upstream_state;

/* How far the base of a session has come:
 *
 *     none -> wanted -> catching (events up to its position) -> sending -> none
 *               ^----------- its snapshot expired ---------------/
 */
typedef enum rv_upstream_phase {
    RV_BASE_NONE,
    RV_BASE_WANTED,
    RV_BASE_CATCHING,
    RV_BASE_SENDING
} rv_upstream_phase;

typedef struct rv_upstream_base {
    rv_upstream_phase phase;
    uint32_t snapshot; /* CATCHING, SENDING: which of the shared ones */
    uint64_t position;
    uint64_t sequence; /* CATCHING, SENDING: of the last event up to there */
    uint64_t chain_hash;
    uint64_t cursor;
    uint64_t changes_next;  /* serial of the first change behind its snapshot */
    int64_t moved_at;       /* when something was sent last, since it has its snapshot */
    bool first;             /* nothing of it was sent */
    bool resumes;           /* the edge holds a part of one, at `position` up to `cursor` */
    bool everything;        /* the edge holds another selection: nothing that it has counts */
    bool notice_owed;       /* to an edge that was whole and is not any more */
    uint64_t lost;          /* the last W at which changes were gone that the edge needed next */
    uint64_t lean_position; /* the chain hash there was looked up: */
    uint64_t lean_chain;
} rv_upstream_base;

/* A snapshot that bases are written from; sessions that begin at about the same time share one. It
 * outlives its sessions for a while, so that an edge whose connection broke can go on. */
typedef struct rv_upstream_snapshot {
    rv_base_source source; /* serial 0: unused */
    uint64_t position;
    uint64_t sequence; /* of the last event up to there */
    uint64_t chain_hash;
    uint64_t changes_next; /* serial of the first change behind it; 0: they were not noted */
    uint32_t swaps;        /* gateway: of its selection */
    uint32_t salt;         /* in its cursors: no other has them */
    uint32_t users;
    int64_t taken_at;
    int64_t left_at; /* by the last user */
} rv_upstream_snapshot;

/* Why pushes are passed over. */
typedef enum rv_upstream_end {
    RV_UPSTREAM_PUSHING, /* they are not */
    RV_UPSTREAM_AGAIN,
    RV_UPSTREAM_FORKED
} rv_upstream_end;

/* A session's pushes. */
typedef struct rv_upstream_push {
    rv_edge_life life; /* incarnation 0: nothing was written there yet */
    bool agreed;       /* both sides know pushes */
    bool superseded;   /* the same edge has connected again */
    bool end_told;
    rv_upstream_end end;
    uint32_t waiting;    /* for the node */
    uint32_t told_count; /* decisions to be told: a list in the shared memory */
    uint32_t told_first;
    uint32_t told_last;
    uint64_t end_at;
    uint64_t last;    /* edge sequence that was taken */
    uint64_t decided; /* that the edge knows to be decided */
    uint64_t settle;  /* that it has settled and the node has not forgotten; 0: none */
} rv_upstream_push;

/* A request for keys that is under way. */
typedef struct rv_upstream_lease {
    bool wanted;
    bool known;   /* there is such an aggregate */
    bool granted; /* and told when `made` batches of the log are durable */
    uint64_t made;
    rv_lease_request request;
} rv_upstream_lease;

/* The past that the edge asked for (upstream_fill.c). */
typedef struct rv_upstream_fill {
    bool active;
    bool turn;    /* it goes before events that go on */
    bool refused; /* for what `failure` says: to be told */
    uint64_t after;
    uint64_t until;
    struct rv_upstream_past *all; /* in `selection` */
    struct rv_upstream_past *have;
    size_t all_count;
    size_t have_count;
} rv_upstream_fill;

/* Who the edge is, at a node with tokens (upstream_token.c). */
typedef struct rv_upstream_access {
    bool known;
    bool relay;          /* it may bring what others have written */
    bool owed;           /* an admitted message */
    uint64_t generation; /* of the node's tokens, when it was looked at */
    int64_t expires_at;  /* INT64_MAX: never */
    size_t principal_len;
    uint8_t digest[RV_DIGEST_SIZE];
    uint8_t principal[RV_TOKEN_NAME_MAX];
} rv_upstream_access;

/* A select message. */
typedef struct rv_upstream_select {
    uint64_t number; /* of the last one; 0: none */
    bool owed;       /* its answer */
    bool refused;    /* for what `failure` says */
} rv_upstream_select;

/* A part of the memory of a session's selections. */
typedef struct rv_upstream_part {
    size_t begin;
    size_t end;
} rv_upstream_part;
/* What a gateway relays over its session: pushes of others, what they have settled, their requests
 * for keys. */
typedef struct rv_upstream_relay {
    bool agreed;
    uint32_t waiting;    /* for the node */
    uint32_t told_count; /* answers to be told: a list in the shared memory */
    uint32_t told_first;
    uint32_t told_last;
    struct {
        rv_edge_life edge; /* incarnation 0: unused */
        uint64_t edge_sequence;
    } settled[RELAY_SETTLED_MAX];
    rv_upstream_lease leases[RV_RELAY_LEASES_SENT];
    rv_wire_point vouch; /* that is to be vouched for; watermark 0: none */
} rv_upstream_relay;

/* How far staging has come, or W is to move. */
typedef struct rv_mark {
    uint32_t count;     /* events before it */
    uint64_t watermark; /* 0: no batch has ended yet */
    uint64_t chain_hash;
    uint64_t next; /* sequence to go on at */
} rv_mark;

/* What leads a session that has to catch up past what it does not select. Where all are in use, one
 * walks. */
typedef struct rv_upstream_guide {
    rv_upstream *session; /* NULL: it is free */
    int64_t used_at;
    rv_guide guide;
} rv_upstream_guide;

/* An events message that was sent, for who is to be sent the same. */
typedef struct rv_shared_message {
    uint64_t start; /* sequence of the first event looked at; 0: unused */
    size_t batch_bytes;
    bool deflate;
    rv_mark mark; /* behind it */
    size_t len;
    size_t patterns_len;
    uint8_t patterns[SHARED_PATTERNS_MAX];
    uint8_t bytes[SHARED_MESSAGE_MAX];
} rv_shared_message;

struct rv_upstream {
    rv_upstream_shared *shared;
    void *owner; /* who asks it */
    rv_ring ring;
    bool asked;     /* it may have something to say: in the ring of those */
    bool watched;   /* it has all there is: the index tells when there is more */
    bool concerned; /* by the event that is looked at */
    rv_upstream *concerned_next;
    rv_upstream_state state;
    bool used;
    bool welcome_owed;
    bool pong_owed;
    bool ping_owed;
    bool deflate;
    bool in_batch; /* the last events message continues */
    bool wide;     /* its patterns match too many streams for a guide */
    uint64_t pong_nonce;
    uint64_t ping_nonce;
    uint64_t pong_seen;
    int64_t last_received;
    int64_t last_ping;
    int64_t last_progress;
    int64_t retry_at; /* a scan was cut short; INT64_MAX: none */
    uint64_t credit;
    uint64_t credit_window;
    size_t batch_bytes;     /* of one message's events, about */
    uint64_t credit_needed; /* by the next message, as far as known */
    uint64_t watermark;     /* told to the edge */
    uint64_t after;         /* sequence to go on at behind it */
    uint64_t chain_hash;    /* there, at the hello */
    uint64_t urgent; /* position that an answer waits for: progress up to it is not delayed */
    rv_subscription subscription;
    size_t pattern_count; /* of what the edge is to hold */
    size_t fed_count;     /* of what events are fed by, until the base has been sent */
    rv_path_pattern *patterns;
    rv_path_pattern *fed;
    rv_upstream_part live; /* of `selection`: what is fed and given now */
    rv_upstream_part next; /* … and what the base is for */
    bool selection_owed;   /* by the edge: nothing is fed before it has come */
    bool lineage_owed;     /* gateway: nothing is fed before the edge's W was found here */
    uint32_t swaps;        /* gateway: of its selection, at the hello */
    uint32_t schema;       /* gateway: version of its schema then */
    bool folds;            /* gateway: it folds aggregates that the edge selects */
    uint32_t epoch;        /* that the welcome named */
    rv_upstream_base base;
    rv_given *given; /* aggregates that the edge is to hold */
    size_t given_count;
    rv_given *fed_given; /* those that it holds, whose changes it gets */
    size_t fed_given_count;
    rv_upstream_select select;
    rv_upstream_fill fill;
    uint64_t changes_next;  /* serial of the first change that was not looked at */
    uint64_t changes_to;    /* the position up to which they were sent: W stops there */
    uint64_t changes_end;   /* sequence of the last event up to there */
    uint64_t changes_chain; /* the chain hash there */
    rv_wire_point lineage[RV_WIRE_LINEAGE_MAX]; /* until the welcome; positions fall */
    rv_upstream_access access;
    rv_upstream_push push;
    rv_upstream_lease lease;
    bool diverged;        /* the edge has gone on in an older epoch: it is told where to go back, */
    rv_wire_point common; /* here */
    uint32_t lineage_count; /* points of its history that it named */
    uint32_t lineage_at;    /* those before are none of ours */
    rv_upstream_relay relay;
    bool knows_relayed; /* the edge takes relayed messages, */
    bool knows_gates;   /* or is to be told of gateways at all */
    uint64_t relayed;   /* edge sequence that it was told of */
    bool knows_held;    /* the edge takes held messages */
    bool unsigned_met;  /* what it brings was written by somebody, and it shows no token */
    uint64_t held;      /* what it was told: 0, nothing */
    bool would_relay;   /* it would, if its token allowed it */
    rv_error failure;
    rv_upstream_status status;
    rv_interest watches[RV_UPSTREAM_WATCHES]; /* while it is watched: by entry of its `fed`, behind
                                                 these of its `fed_given` */
    uint8_t selection[SELECTION_MEMORY];
    rv_interest further[RV_UPSTREAM_FURTHER]; /* not touched by who selects little */
};

/* What waits for the node. */
typedef enum rv_waiting_kind { RV_WAITING_PUSH, RV_WAITING_RELAY } rv_waiting_kind;

/* A push that the node was not ready for. Its body lies in the shared memory. */
typedef struct rv_waiting {
    rv_upstream *session; /* NULL: its connection has gone */
    rv_waiting_kind kind;
    size_t at;
    size_t len;
} rv_waiting;

/* A decision to be told, when the batches of the log that were made then are durable. A gateway has
 * the decision later: first the push is to be durable, then, when it is `seen`, the decision. */
typedef struct rv_told {
    uint64_t edge_sequence;
    uint64_t made;
    uint32_t next; /* of the session, or of those that are free */
    bool seen;
    rv_wire_decided end; /* of relays: AGAIN, FORKED, or ACCEPTED: as the node knows */
    rv_edge_life edge;   /* of relays */
} rv_told;

/* What can be told. */
typedef enum rv_told_state {
    RV_TOLD_NOT_YET,
    RV_TOLD_READY,
    RV_TOLD_GONE /* the node knows nothing of it any more */
} rv_told_state;

struct rv_upstream_shared {
    rv_node *node;
    rv_compression compression;
    const rv_digest_ops *digest;
    uint64_t tokens_generation; /* when all sessions were asked for it last */
    uint64_t stand;             /* gateway: likewise */
    uint32_t session_max;
    uint32_t session_count; /* those that were ever opened: no others are looked at */
    rv_upstream **sessions;
    rv_encoder *encoder;
    uint8_t *message; /* RV_WIRE_MESSAGE_MAX: the message being sent, or inflated */
    rv_append *appends;
    rv_event *results;
    uint64_t *counted;
    rv_told *told;
    uint32_t told_free;       /* TOLD_NONE: all are in use */
    uint32_t told_made;       /* those that ever were in use */
    uint32_t decisions_epoch; /* a gateway's decisions are of this one; 0: of who knows which */
    rv_relayer *relayer; /* of the node's own connection to its upstream; NULL: there is none */
    uint8_t *waiting_memory;
    rv_path_pattern schema_pattern;
    rv_subscription fill_subscription;
    const rv_upstream *fill_owner; /* whose it is; NULL: nobody's */
    uint64_t fill_next;            /* the position that it stands before */
    uint8_t *changes_memory;
    rv_changes changes; /* since an edge first selected an aggregate */
    bool changes_noted;
    uint32_t changes_swaps; /* gateway: of its selection, since then */
    rv_upstream_snapshot snapshots[SNAPSHOTS_MAX];
    rv_waiting waiting[WAITING_MAX];
    uint32_t waiting_count;
    size_t waiting_len;
    rv_ring asked;
    rv_ring level;
    rv_ring behind;
    uint32_t asked_count;
    uint32_t watched_count;
    uint32_t watched_given; /* those of them that select aggregates */
    rv_interests interests; /* of those that are watched */
    rv_upstream_guide *guides;
    uint32_t guide_count;     /* those that ever were in use */
    rv_guide_options guiding; /* as a session's guide is begun with */
    rv_subscription router;   /* of all events: what became durable, for those that are watched */
    rv_mark routed;           /* how far it has come, */
    uint64_t rows;            /* and with it what became of rows: serial of the next change */
    uint64_t evaluated;       /* filters, the last time that was looked at, */
    uint64_t evaluated_max;   /* and behind how many each session looks for itself */
    int64_t tell_from;        /* W may be told once for each TELL_US since then */
    rv_shared_message *messages;
    uint32_t message_count; /* those that ever were in use */
    uint32_t message_next;
};

/* What can be said about an edge's log without reading ours. RV_UNSUPPORTED, RV_PROTOCOL_ERROR,
 * RV_UPSTREAM_OTHER_LOG, RV_UPSTREAM_DIVERGED. */
RV_MUST_USE rv_status rv_upstream_check_log(rv_upstream *session, const rv_wire_hello *hello,
                                            rv_error *err);

/* Compares the edge's history with our own. RV_OK: it is the same up to its W; RV_END: it has gone
 * on in an older epoch, and `*common` is the last point that is ours as well; RV_PENDING: our log
 * is being read, call again; RV_UPSTREAM_DIVERGED: it is another one, and nobody has said why;
 * failures of reading. */
RV_MUST_USE rv_status rv_upstream_check_lineage(rv_upstream *session, rv_wire_point *common,
                                                rv_error *err);

/* Ends the session with an error that is sent first. Returns its status. */
rv_status rv_upstream_fail(rv_upstream *session, const rv_error *error);

/* The next events or progress message, if there is one and the credit allows. */
bool rv_upstream_feed(rv_upstream *session, int64_t now, rv_bytes *message);

/* Goes on at the event `next`, with what events are fed by, up to where they are. */
void rv_upstream_subscribe(rv_upstream *session, uint64_t next);

/* Needs no guide any more. */
void rv_upstream_guide_leave(rv_upstream *session);

/* Encodes the first `count` staged events and deflates them when that pays. False: too large. */
bool rv_upstream_encode(rv_upstream *session, const rv_wire_events *head, uint32_t count,
                        rv_bytes *message);

/* True when the message is within the credit, which is then taken. */
bool rv_upstream_take_credit(rv_upstream *session, size_t len);

/* Before W moves to the mark: the next message of changes up to there. RV_OK; RV_END: there is
 * none; RV_BUSY: it is not the time, or the session has failed. */
RV_MUST_USE rv_status rv_upstream_changes(rv_upstream *session, const rv_mark *mark,
                                          rv_bytes *message);

/* Takes a selection message's body. RV_PROTOCOL_ERROR, RV_SELECTION_INVALID, RV_UNSUPPORTED;
 * RV_BUSY: a gateway cannot tell now. */
RV_MUST_USE rv_status rv_upstream_take_selection(rv_upstream *session, rv_bytes body,
                                                 rv_error *err);

/* Takes a select message's body. RV_PROTOCOL_ERROR; RV_BUSY: a gateway cannot tell now. */
RV_MUST_USE rv_status rv_upstream_take_select(rv_upstream *session, rv_bytes body, rv_error *err);

/* The answer to it, if it can be given. */
bool rv_upstream_select_answer(rv_upstream *session, rv_bytes *message);

/* The base has been sent: the edge holds all of what it was for. */
void rv_upstream_feed_all(rv_upstream *session);

/* Takes a past message's body. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_upstream_take_past(rv_upstream *session, rv_bytes body, rv_error *err);

/* Some of the past, if it can be sent now. */
bool rv_upstream_fill_past(rv_upstream *session, int64_t now, rv_bytes *message);

/* Nothing more of it is sent. */
void rv_upstream_fill_end(rv_upstream *session);

/* May all that is sent of the past be read? RV_FORBIDDEN. */
RV_MUST_USE rv_status rv_upstream_fill_judge(const rv_upstream *session, rv_error *err);

/* The memory that the session's selection leaves, outside of what is used now. */
rv_upstream_part rv_upstream_room(const rv_upstream *session);

/* Goes on with the base of the session: true when it is the base's turn, and no events are fed. */
bool rv_upstream_base_turn(rv_upstream *session, int64_t now);

/* The next part of it. */
bool rv_upstream_base_part(rv_upstream *session, int64_t now, rv_bytes *message);

/* The feed of a session that has no pattern to feed events by: schema changes, which the log's
 * index leads to, so that it costs nothing of the log. */
bool rv_upstream_feed_lean(rv_upstream *session, int64_t now, rv_bytes *message);

/* The session ends. */
void rv_upstream_base_leave(rv_upstream *session, int64_t now);

/* Goes on with what waits for the node. */
void rv_upstream_retry(rv_upstream_shared *shared);

/* Forgets what waits for the session: all of it, or its pushes. */
void rv_upstream_forget(rv_upstream *session);
void rv_upstream_forget_pushes(rv_upstream *session);

/* Keeps a body until the node is ready. False: there is no room. */
RV_MUST_USE bool rv_upstream_keep(rv_upstream *session, rv_bytes body, rv_waiting_kind kind);

/* --- pushes --- */

/* A free place in the shared list of what is to be told; `told_free` says that there is one. */
uint32_t rv_upstream_told_take(rv_upstream_shared *shared);

/* The edge of a hello knows pushes. */
void rv_upstream_hello_push(rv_upstream *session, const rv_wire_hello *hello);

/* Takes a push or settled message's body. RV_PROTOCOL_ERROR; RV_BUSY: the edge has another
 * connection. */
RV_MUST_USE rv_status rv_upstream_take_push(rv_upstream *session, rv_bytes body, rv_error *err);
RV_MUST_USE rv_status rv_upstream_take_settled(rv_upstream *session, rv_bytes body, rv_error *err);

/* Gives a push's body to the node. RV_PENDING: it must be given again. */
RV_MUST_USE rv_status rv_upstream_judge_push(rv_upstream *session, rv_bytes body);

/* The next decision to be told, if one can be. */
bool rv_upstream_tell(rv_upstream *session, rv_bytes *message);

/* Something of this incarnation has come: may it? RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_upstream_take_incarnation(rv_upstream *session, uint32_t incarnation,
                                                   rv_error *err);

/* Takes a lease message's body. RV_PROTOCOL_ERROR; RV_BUSY: the edge has another connection. */
RV_MUST_USE rv_status rv_upstream_take_lease(rv_upstream *session, rv_bytes body, rv_error *err);

/* The answer to it, if it can be given. */
bool rv_upstream_lease_answer(rv_upstream *session, rv_bytes *message);

/* The session ends. */
void rv_upstream_close_push(rv_upstream *session);

/* Reads a push's body, which was checked, into the shared memory. */
void rv_upstream_read_push(rv_upstream_shared *shared, const rv_edge_life *edge, rv_bytes body,
                           rv_push *push);

/* Can this be told? READY: with the decision, if the node knows one. */
rv_told_state rv_upstream_told_state(rv_upstream_shared *shared, const rv_edge_life *edge,
                                     rv_told *told, rv_decision *decision);

/* How a lease is asked for. RV_PENDING, RV_BUSY: later. */
RV_MUST_USE rv_status rv_upstream_lease_ask(rv_upstream_shared *shared, rv_upstream_lease *lease,
                                            rv_wire_leased *leased);

/* A request for keys as the node keeps it while it is under way. */
void rv_upstream_lease_begin(const rv_upstream_shared *shared, const rv_edge_life *edge,
                             const rv_wire_lease *wire, rv_upstream_lease *lease);

/* --- sessions that have nothing to say --- */

RV_MUST_USE bool rv_upstream_watch_create(rv_upstream_shared *shared, rv_arena *arena);
void rv_upstream_watch_open(rv_upstream *session);
void rv_upstream_watch_close(rv_upstream *session);

/* The session has nothing to send: it need not be asked again if that is so until something
 * happens. */
void rv_upstream_rest(rv_upstream *session);

/* It feeds again by itself, from behind W on: its patterns are about to change. */
void rv_upstream_unwatch(rv_upstream *session);

/* The feed of a session that is watched. Not watched any more: it has something to feed. */
bool rv_upstream_watched_feed(rv_upstream *session, int64_t now, rv_bytes *message);

/* What of the session this is in the index: an entry of its `fed`, or, behind these, of its
 * `fed_given`. */
size_t rv_upstream_watch_entry(const rv_upstream *session, const rv_interest *watch);

/* The session is one of a list of those that are concerned; returns its first. */
rv_upstream *rv_upstream_add_concerned(rv_upstream *session, rv_upstream *concerned);

/* All of the list, which are watched, feed again from the batch on that begins with this event. */
void rv_upstream_concern(rv_upstream *concerned, uint64_t next);

/* The hash of an aggregate that is selected, for the index. */
uint64_t rv_upstream_rows_hash(const rv_interests *interests, const rv_given *given);

/* Changes of rows are noted from now on. */
void rv_upstream_rows_begin(rv_upstream_shared *shared);

/* Looks at rows that changed up to this W, which routed.watermark has not reached. */
void rv_upstream_rows_look(rv_upstream_shared *shared, uint64_t watermark);

/* A message that was sent to another session, from this sequence on, and is right for this one;
 * NULL: there is none. */
const rv_shared_message *rv_upstream_shared_find(const rv_upstream *session, uint64_t start);

/* Keeps one for others. */
void rv_upstream_shared_keep(const rv_upstream *session, uint64_t start, const rv_mark *mark,
                             rv_bytes message);

/* All sessions are asked: one of the node's tokens has changed. */
void rv_upstream_ask_everybody(rv_upstream_shared *shared);

/* --- tokens --- */

/* The token of a hello. RV_UNAUTHENTICATED; RV_FORBIDDEN: the edge's node id is another
 * principal's. */
RV_MUST_USE rv_status rv_upstream_token_hello(rv_upstream *session, const rv_wire_hello *hello,
                                              int64_t now, rv_error *err);

/* The patterns of the hello: what the edge holds, and would hold with a gap if it were not sent all
 * of it. RV_FORBIDDEN. */
RV_MUST_USE rv_status rv_upstream_token_patterns(const rv_upstream *session, rv_error *err);

/* May all of it be read? RV_FORBIDDEN with the fact "pattern" or "aggregate". */
RV_MUST_USE rv_status rv_upstream_token_selection(const rv_upstream *session,
                                                  const rv_selection *selection, rv_error *err);

/* May all of it be read? The same. */
RV_MUST_USE rv_status rv_upstream_token_pattern(const rv_upstream *session,
                                                const rv_path_pattern *pattern, rv_error *err);

/* What the welcome says of it, where the session's edge has a token. */
void rv_upstream_token_admitted(const rv_upstream *session, int64_t now,
                                rv_wire_admitted *admitted);

/* Takes a token message's body, and the answer to it. RV_PROTOCOL_ERROR, RV_UNAUTHENTICATED,
 * RV_FORBIDDEN; RV_BUSY: the edge may relay by now, and is to connect again. */
RV_MUST_USE rv_status rv_upstream_take_token(rv_upstream *session, rv_bytes body, int64_t now,
                                             rv_error *err);
bool rv_upstream_token_answer(rv_upstream *session, int64_t now, rv_writer *w);

/* Ends the session if its token is gone, or does not allow any more what it holds. */
void rv_upstream_token_watch(rv_upstream *session, int64_t now);

/* May the session bring what this one says to have written? RV_FORBIDDEN; RV_UNAUTHENTICATED: the
 * token has just ended. */
RV_MUST_USE rv_status rv_upstream_token_brings(const rv_upstream *session, const rv_push *push,
                                               rv_error *err);

/* If so: may it be written, by the token of who wrote it, or that of the session? RV_FORBIDDEN with
 * the facts "right", "path" and "principal", whose token that is; RV_UNAUTHENTICATED. */
RV_MUST_USE rv_status rv_upstream_token_writes(const rv_upstream *session, const rv_push *push,
                                               rv_error *err);

/* Leaves of a refusal what the session's token may know. */
void rv_upstream_token_narrow(const rv_upstream *session, rv_error *refusal);

/* May the edge lease keys? */
bool rv_upstream_token_leases(const rv_upstream *session);

/* --- relays --- */

/* Takes a relay message's body. RV_PROTOCOL_ERROR; RV_BUSY: no room. */
RV_MUST_USE rv_status rv_upstream_take_relay(rv_upstream *session, rv_bytes body, rv_error *err);

/* Gives a relay's body to the node. RV_PENDING: it must be given again. */
RV_MUST_USE rv_status rv_upstream_judge_relay(rv_upstream *session, rv_bytes body);

/* Takes a vouch message's body, and the answer, if it can be given. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_upstream_take_vouch(rv_upstream *session, rv_bytes body, rv_error *err);
bool rv_upstream_vouch_answer(rv_upstream *session, rv_bytes *message);

/* Is this point one of the root's, as far as this node can find out? RV_OK; RV_UPSTREAM_DIVERGED;
 * RV_PENDING: its own upstream is asked, or the log is read, or it is not that far yet; what
 * reading the log says. */
RV_MUST_USE rv_status rv_upstream_vouch(rv_upstream_shared *shared, const rv_wire_point *point,
                                        rv_error *err);

/* True when nothing of what is relayed is under way. */
bool rv_upstream_relay_is_quiet(const rv_upstream *session);

/* The next answer to a relay, if one can be given. */
bool rv_upstream_relay_answer(rv_upstream *session, rv_bytes *message);

/* The session ends. */
void rv_upstream_close_relay(rv_upstream *session);

/* True when decisions of this life wait to be told to somebody, or may soon. */
bool rv_upstream_knows(const rv_upstream_shared *shared, const rv_edge_life *edge);

/* --- a node that is an edge itself --- */

static inline bool rv_upstream_is_gateway(const rv_upstream_shared *shared) {
    return rv_node_role(shared->node) == RV_ROLE_EDGE;
}

/* May this node serve what the hello's patterns name? RV_SELECTION_INVALID: it does not hold one of
 * them; RV_BUSY: it does not know yet. */
RV_MUST_USE rv_status rv_upstream_gateway_hello(rv_upstream *session, rv_error *err);

/* The same for an entry of a selection, of which events are fed already, or a base is needed
 * (`based`). RV_SELECTION_INVALID; RV_BUSY. */
RV_MUST_USE rv_status rv_upstream_gateway_entry(rv_upstream *session, const rv_selection *selection,
                                                const rv_select *entry, bool based, rv_error *err);

/* Has the node all events that the pattern matches in order, from this position on?
 * RV_SELECTION_INVALID: it has not, with fact "pattern" and, where it has them from a later one on,
 * "position". */
RV_MUST_USE rv_status rv_upstream_gateway_serves(const rv_node *node,
                                                 const rv_path_pattern *pattern, uint64_t from,
                                                 rv_error *err);

/* True when rows that the node folds itself, and the edge selects, may not be all there are, or not
 * what they were to be: the schema is another one, or events came that are not understood here. */
bool rv_upstream_gateway_strays(const rv_upstream *session);

/* Looks for the edge's W in the node's log, and subscribes behind it. True: it was found. False: it
 * takes longer, or the node is not that far yet, or the session has failed. */
bool rv_upstream_gateway_lineage(rv_upstream *session);

/* False: the node's own upstream is of a version that takes no refused pushes. */
static inline bool rv_upstream_refuses(const rv_upstream_shared *shared) {
    return shared->relayer == NULL || rv_relayer_refuses(shared->relayer);
}

/* A gateway keeps a push, or passes it on, if it is refused. RV_OK; RV_PENDING: it must be given
 * again; RV_OUTBOX_FULL: it cannot be kept now; RV_NOT_FOUND: another batch has its number. */
RV_MUST_USE rv_status rv_upstream_gateway_keep(rv_upstream_shared *shared, const rv_push *push,
                                               rv_bytes body);

/* Tells the edge how much of what it pushed is kept, and why it does not go up. */
bool rv_upstream_gateway_relayed(rv_upstream *session, rv_bytes *message);
bool rv_upstream_gateway_held(rv_upstream *session, rv_bytes *message);

/* Ends the session if what the node holds is not what it was at the hello. */
void rv_upstream_gateway_watch(rv_upstream *session);

#endif
