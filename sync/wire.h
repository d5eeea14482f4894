/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of a sync connection, as bytes (docs/format/wire.md). Each is a WebSocket binary
 * message: a kind, flags, and a body by kind. A decoder checks a message completely, bounds
 * included, before anything comes of it; the events' columns, which are decoded one by one, are
 * folded in a transaction that is taken back.
 */
#ifndef RV_SYNC_WIRE_H
#define RV_SYNC_WIRE_H

#include "core/base/arena.h"
#include "core/base/cursor.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "rivulet/compression.h"
#include "sync/wire_token.h"

/* Largest message on /sync, either way: the largest event and what goes around it. */
#define RV_WIRE_MESSAGE_MAX ((1u << 20) + (64u << 10))
#define RV_WIRE_SUBPROTOCOL "rivulet.v1"

#define RV_WIRE_MAGIC          UINT32_C(0x594c5652) /* "RVLY" */
#define RV_WIRE_VERSION_MIN    1u
#define RV_WIRE_VERSION_MAX    1u
#define RV_WIRE_DETAIL_MAX     RV_ERROR_DETAIL_MAX
#define RV_WIRE_CODE_MAX       64u
#define RV_WIRE_EXTENSIONS_MAX 32u
#define RV_WIRE_LINEAGE_MAX    40u /* points of its history that an edge names */

typedef enum rv_wire_kind {
    RV_WIRE_HELLO = 1,
    RV_WIRE_WELCOME = 2,
    RV_WIRE_EVENTS = 3,
    RV_WIRE_PROGRESS = 4,
    RV_WIRE_CREDIT = 5,
    RV_WIRE_PING = 8, /* 6 and 7 were used, and are not used again */
    RV_WIRE_PONG = 9,
    RV_WIRE_ERROR = 10,
    RV_WIRE_GOODBYE = 11,
    RV_WIRE_PUSH = 12,
    RV_WIRE_DECISION = 13,
    RV_WIRE_SETTLED = 14,
    RV_WIRE_SELECTION = 15,
    RV_WIRE_BASE = 16,
    RV_WIRE_CHANGES = 17,
    RV_WIRE_VOUCH = 18,
    RV_WIRE_VOUCHED = 19,
    RV_WIRE_LEASE = 20,
    RV_WIRE_LEASED = 21,
    RV_WIRE_RELAY = 22,
    RV_WIRE_RELAY_ANSWER = 23,
    RV_WIRE_REFUSED = 24, /* within relays */
    RV_WIRE_RELAYED = 25,
    RV_WIRE_HELD = 26,
    RV_WIRE_SELECT = 27,
    RV_WIRE_SELECTED = 28,
    RV_WIRE_PAST = 29,
    RV_WIRE_TOKEN = 33,
    RV_WIRE_ADMITTED = 34,
    RV_WIRE_KIND_LAST = RV_WIRE_ADMITTED,
    RV_WIRE_IGNORED_FIRST = 192 /* from here on: kinds that a receiver may ignore */
} rv_wire_kind;

#define RV_WIRE_FLAG_DEFLATED 0x01u
#define RV_WIRE_HEADER_LEN    2u

#define RV_WIRE_COMPRESSION_DEFLATE 0x01u

#define RV_WIRE_FEATURE_PUSH 0x01u /* pushes and decisions; with it goes the extension of tag 1 */
#define RV_WIRE_FEATURE_SELECTION                                                                  \
    0x02u /* a selection message follows the welcome; the hello then may name no pattern */
#define RV_WIRE_FEATURE_LEASE 0x04u /* welcome, with pushes: keys may be asked for */

/* What an edge knows of gateways (hello; the extension of tag 4 is there when there is something).
 */
#define RV_WIRE_GATE_RELAYED 0x01u /* relayed messages */
#define RV_WIRE_GATE_RELAYS  0x02u /* it is one: it relays what its edges push */
#define RV_WIRE_GATE_HELD    0x04u /* held messages */

/* What the upstream is (welcome; the same). */
typedef struct rv_wire_gate {
    bool gateway;    /* it has an upstream itself */
    uint64_t pushes; /* that may be relayed and undecided at a time; 0: none */
    uint64_t bytes;  /* of these; one may always be */
} rv_wire_gate;

/* What an edge says about its outbox (hello). */
typedef struct rv_wire_outbox {
    uint64_t incarnation;
    uint64_t next; /* edge sequence: after the last that is durable there */
    uint64_t settled;
} rv_wire_outbox;

/* What the upstream grants (welcome). */
typedef struct rv_wire_grant {
    uint64_t
        decided;     /* the last edge sequence of this incarnation that the root decided; 0: none */
    uint64_t pushes; /* that may be undecided or unsettled at a time */
    uint64_t bytes;  /* of pushes that may be undecided at a time; one may always be */
} rv_wire_grant;

/* Where a batch of the root ends, and the root's chain hash there. */
typedef struct rv_wire_point {
    uint64_t watermark;
    uint64_t chain_hash;
} rv_wire_point;

/* Edge to upstream, first. */
typedef struct rv_wire_hello {
    uint64_t version_min;
    uint64_t version_max;
    uint64_t features;
    bool has_log;
    uint8_t log_id[16];
    uint8_t node_id[16];
    uint64_t epoch;
    uint64_t watermark;
    uint64_t chain_hash;
    uint64_t schema_version;
    rv_hash128 schema_hash;
    uint64_t compression;
    uint64_t credit;      /* bytes */
    uint64_t batch_bytes; /* that the edge's log takes as one batch, about */
    uint64_t pattern_count;
    rv_bytes patterns[RV_PATTERNS_MAX];
    rv_wire_outbox outbox;  /* RV_WIRE_FEATURE_PUSH */
    bool has_lineage;       /* it was told that its history is another one: what it has of it, */
    uint64_t lineage_count; /* positions fall */
    rv_wire_point lineage[RV_WIRE_LINEAGE_MAX];
    uint64_t gate;  /* RV_WIRE_GATE_… */
    rv_bytes token; /* at most RV_WIRE_TOKEN_MAX bytes; empty: none */
} rv_wire_hello;

/* Upstream to edge, in answer. */
typedef struct rv_wire_welcome {
    uint64_t version;
    uint64_t features;
    uint8_t log_id[16];
    uint64_t epoch;
    uint64_t root_tag;
    uint64_t position; /* the root's last durable */
    uint64_t schema_version;
    rv_hash128 schema_hash;
    uint64_t compression;
    rv_wire_grant grant; /* RV_WIRE_FEATURE_PUSH */
    bool diverged;       /* the edge is to go back to this point, into this epoch, and come again */
    rv_wire_point common;
    bool fills;   /* the past of streams can be asked for */
    bool selects; /* another selection may be asked for at any time */
    bool has_gate;
    rv_wire_gate gate;
    bool refusals;     /* pushes that a gateway refuses can be relayed */
    bool has_admitted; /* the upstream has tokens, and says of the hello's: */
    rv_wire_admitted admitted;
} rv_wire_welcome;

/* What an events message says beside its events. */
typedef struct rv_wire_events {
    bool continues; /* the batch goes on in the next message: no watermark yet */
    uint64_t watermark;
    uint64_t chain_hash;
    uint64_t position; /* the root's last durable */
} rv_wire_events;

typedef struct rv_wire_progress {
    uint64_t watermark;
    uint64_t chain_hash;
    uint64_t position; /* the root's last durable; from an edge 0 */
} rv_wire_progress;

/* Starts a message. */
void rv_wire_begin(rv_writer *w, rv_wire_kind kind);

void rv_wire_write_hello(rv_writer *w, const rv_wire_hello *hello);
void rv_wire_write_welcome(rv_writer *w, const rv_wire_welcome *welcome);
void rv_wire_write_progress(rv_writer *w, const rv_wire_progress *progress);
void rv_wire_write_credit(rv_writer *w, uint64_t bytes);
void rv_wire_write_ping(rv_writer *w, rv_wire_kind ping_or_pong, uint64_t nonce);
void rv_wire_write_error(rv_writer *w, const rv_error *error);
void rv_wire_write_goodbye(rv_writer *w);

/* An error's code, detail and facts, as in messages that carry one. */
#define RV_WIRE_FAILURE_MAX (6u + RV_WIRE_CODE_MAX + RV_WIRE_DETAIL_MAX + RV_ERROR_FACTS_MAX)
void rv_wire_write_failure(rv_writer *w, const rv_error *error);

/* Splits a message into kind and body; the body is inflated into `inflated` when it is deflated.
 * RV_PROTOCOL_ERROR, RV_MESSAGE_TOO_LARGE. */
RV_MUST_USE rv_status rv_wire_open(rv_bytes message, const rv_compression *compression,
                                   const rv_writer *inflated, rv_wire_kind *kind, rv_bytes *body,
                                   rv_error *err);

/* Deflates a finished message's body into `out` as a message; false when that is not smaller. */
RV_MUST_USE bool rv_wire_deflate(rv_bytes message, const rv_compression *compression,
                                 rv_writer *out);

/* RV_PROTOCOL_ERROR: a message of this name is not what it must be. */
RV_MUST_USE rv_status rv_wire_malformed(rv_error *err, const char *what);

/* Bodies. RV_PROTOCOL_ERROR names what is wrong. */
RV_MUST_USE rv_status rv_wire_read_hello(rv_bytes body, rv_wire_hello *hello, rv_error *err);
RV_MUST_USE rv_status rv_wire_read_welcome(rv_bytes body, rv_wire_welcome *welcome, rv_error *err);
RV_MUST_USE rv_status rv_wire_read_progress(rv_bytes body, rv_wire_progress *progress,
                                            rv_error *err);
RV_MUST_USE rv_status rv_wire_read_credit(rv_bytes body, uint64_t *bytes, rv_error *err);
RV_MUST_USE rv_status rv_wire_read_ping(rv_bytes body, uint64_t *nonce, rv_error *err);
RV_MUST_USE rv_status rv_wire_read_goodbye(rv_bytes body, rv_error *err);

/* Sets `told` to the peer's error; an unknown code becomes RV_PROTOCOL_ERROR, the detail kept. */
RV_MUST_USE rv_status rv_wire_read_error(rv_bytes body, rv_error *told, rv_error *err);

/* Reads what rv_wire_write_failure wrote, with checks of text and facts. False: malformed. */
RV_MUST_USE bool rv_wire_read_failure(rv_cursor *c, rv_error *told);

/* The beginning of an events body; the cursor then stands on the columns. */
void rv_wire_write_events(rv_writer *w, const rv_wire_events *events);
RV_MUST_USE bool rv_wire_read_events(rv_cursor *c, rv_wire_events *events);

#endif
