/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database as a WASM module: what the module exports to the program that moves its bytes. One
 * module instance holds one database. The same file makes the browser module (storage through the
 * imports of platform/browser) and the WASI reactor (storage through WASI's files).
 *
 * Conventions. Times are microseconds of any monotonic clock, as doubles. Results are statuses of
 * include/rivulet/status.h by number, unless said otherwise; after an error rv_module_error tells
 * more. Bytes that a call gives lie at rv_module_out_ptr(), rv_module_out_len() of them, until the
 * next call of the module. Bytes that are handed over lie in memory of rv_module_alloc. Everything
 * that may have to wait answers RV_PENDING and is called again after rv_module_poll.
 *
 *     abi -> alloc … -> open (until it is not RV_PENDING) -> poll, requests, edge … -> close
 *
 * A call that does not fit (before open or after close, an exchange that there is not, bytes that
 * lie outside of the memory) answers RV_REQUEST_INVALID and does nothing.
 *
 * A trap ends the instance: the database must be opened anew, as after a crash. The host leaves a
 * record of it (rv_module_at_work), so that an event that traps each time is not gone to for ever.
 */
#ifndef RV_WASI_REACTOR_H
#define RV_WASI_REACTOR_H

#include "rivulet/bytes.h"
#include "rivulet/export.h"
#include "rivulet/status.h"

/* Grows with every change of what is in this file or in platform/browser/browser.h; a program that
 * knows another number must not go on. */
#define RV_MODULE_ABI 4u

uint32_t RV_EXPORT(rv_module_abi)(void);

/* `len` bytes, aligned to 16, that stay the caller's for good; NULL when the memory cannot grow.
 * Memory grows in here and in rv_module_open only: what is handed out never moves. */
uint8_t *RV_EXPORT(rv_module_alloc)(uint32_t len);

/* What the last call gave. */
const uint8_t *RV_EXPORT(rv_module_out_ptr)(void);
uint32_t RV_EXPORT(rv_module_out_len)(void);

/* Writes the last error to out: `{"status":NUMBER,"code":…,"title":…,"detail":…, …facts}`. */
void RV_EXPORT(rv_module_error)(void);

/*
 * Opens the database. `options` is a JSON object:
 *
 *     {"memory":67108864,          bytes, all that the database ever takes
 *      "role":"root"|"edge"|"stored",
 *      "patterns":["/a/…", …],     of an edge; [] for the ones it has stored
 *      "inflate":true,             the host inflates deflated messages (import `inflate`)
 *      "directory":"/data"}        of the WASI reactor: below what is preopened
 *
 * All but the first may be left out: "stored", [] and false are meant then. The WASI reactor needs
 * the directory, and cannot inflate.
 * RV_PENDING: poll, call again with the same. RV_OK: open. RV_DATA_DAMAGED, RV_PANICKED: open for
 * reading up to the damage, or to an event that trapped again and again; reads go on.
 * RV_JSON_INVALID, RV_PARAMETER_INVALID: the options. Others as rv_node_create, rv_node_open and
 * the budget's. After an error the module is as before, and may be opened again; memory that was
 * taken for the database stays taken, for the next one.
 */
int32_t RV_EXPORT(rv_module_open)(const uint8_t *options, uint32_t len);

/* Ends all exchanges, flushes and seals: RV_PENDING until RV_END, or why what was not flushed may
 * be lost; either way the database is closed then. */
int32_t RV_EXPORT(rv_module_close)(void);

/* Goes on with what is under way. RV_OK, or why the node has become read-only. */
int32_t RV_EXPORT(rv_module_poll)(double now);

/* An error of the edge's that the last poll or receive met: the transport closes its connection and
 * calls rv_module_edge_closed with -1. RV_OK when there is none; asking takes it away. */
int32_t RV_EXPORT(rv_module_edge_failure)(void);

/* When rv_module_poll has something to do by itself; +infinity: never. */
double RV_EXPORT(rv_module_deadline)(void);

/* How it stands: RV_MODULE_FACTS doubles, in the order of rv_module_fact. */
typedef enum rv_module_fact {
    RV_MODULE_ROLE,              /* 0 root, 1 edge; -1: not open yet */
    RV_MODULE_WATERMARK,         /* position (root) or W (edge), in memory */
    RV_MODULE_WATERMARK_DURABLE, /* and flushed */
    RV_MODULE_SEQUENCE,
    RV_MODULE_SEQUENCE_DURABLE,
    RV_MODULE_EDGE_STATE,  /* rv_edge_state; -1 without an upstream */
    RV_MODULE_EDGE_REASON, /* status; 0 when there is none */
    RV_MODULE_UPSTREAM_POSITION,
    RV_MODULE_BYTES_RECEIVED,
    RV_MODULE_BYTES_SENT,
    RV_MODULE_EVENTS_RECEIVED,
    RV_MODULE_READ_ONLY, /* why the node is read-only; 0 when it is not */
    RV_MODULE_SCHEMA_VERSION,
    RV_MODULE_REVISION,       /* moves whenever rows may look different (edge) */
    RV_MODULE_OUTBOX_DURABLE, /* every batch up to this edge sequence is flushed, */
    RV_MODULE_OUTBOX_SETTLED, /* and these are decided, and that is flushed */
    RV_MODULE_PENDING,        /* batches that wait, of which */
    RV_MODULE_SUSPENDED,
    RV_MODULE_REJECTIONS, /* batches that were refused and not acknowledged */
    RV_MODULE_RELAYED,    /* every batch up to this edge sequence is flushed at a gateway */
    RV_MODULE_HELD_BACK,  /* batches that stand aside until the schema has their version again */
    RV_MODULE_DIVERGED_EPOCH, /* going back, the last time: the epoch that was followed; 0: never */
    RV_MODULE_DIVERGED_FROM,  /* W before, */
    RV_MODULE_DIVERGED_TO,    /* and after */
    RV_MODULE_DIVERGED_DROPPED,
    RV_MODULE_DIVERGED_REQUEUED,
    RV_MODULE_DIVERGED_AT,  /* microseconds from 1970 */
    RV_MODULE_LEASE_BLOCKS, /* blocks of serial keys that have some left, */
    RV_MODULE_LEASE_KEYS,   /* and how many: an edge can assign them without its upstream */
    RV_MODULE_FORKS,        /* times that the directory was found to be a copy, */
    RV_MODULE_FORKED_AT,    /* and the last one: microseconds from 1970 */
    RV_MODULE_PROVISIONAL,  /* 1: the schema is what the application gave (edge) */
    RV_MODULE_UNKNOWN,      /* held back, as the root has no such event types */
    RV_MODULE_FACTS
} rv_module_fact;
const double *RV_EXPORT(rv_module_facts)(void);

/* The state hash, as 32 hexadecimal digits in out: RV_OK, or RV_PENDING while half of a batch is
 * here. */
int32_t RV_EXPORT(rv_module_state_hash)(void);

/* Where the position of the event that is being judged or folded stands, a u64, 0 between events;
 * NULL when no database is open. To be read when the module has trapped, for the record that the
 * host then adds to the file `panics` (docs/format/log.md): this may still be called then. */
const volatile uint64_t *RV_EXPORT(rv_module_at_work)(void);

/* Writes the reason of RV_MODULE_EDGE_REASON to out, as rv_module_error does. */
void RV_EXPORT(rv_module_edge_reason)(void);

/* --- requests: the handler of face/face.h --- */

/*
 * Starts a request: the members of rv_request in their order, each a u32 length (little-endian) and
 * so many bytes; those behind the body may be left out. They must stay until rv_module_head is not
 * RV_PENDING. Answers the exchange's number, or a status as a negative number: RV_BUSY (too many
 * under way), RV_REQUEST_TOO_LARGE (the body), RV_REQUEST_INVALID.
 */
int32_t RV_EXPORT(rv_module_begin)(const uint8_t *request, uint32_t len);

/* The answer's HTTP status, or RV_PENDING; an error as a negative number. */
int32_t RV_EXPORT(rv_module_head)(int32_t exchange);

/* The next piece of the body, in out: RV_OK; RV_PENDING; RV_END; or why it broke off. */
int32_t RV_EXPORT(rv_module_body)(int32_t exchange, double now);

/* At any time; forgets the exchange. RV_OK. */
int32_t RV_EXPORT(rv_module_end)(int32_t exchange);

/* --- commands: core/engine/command.h --- */

/*
 * A command is first run by the caller: a request POST /events whose members `command` and `args`
 * name it, and whose body is what its function made of the state as it is. Then, after each poll:
 *
 *     for (after = 0; command_due(after) is RV_OK; after = its edge_sequence)
 *         if its function is known: command_begin(edge_sequence), requests that read, then POST
 *         /events with the member `run`, which is the edge sequence: the body is an array of what
 *         the function made, or empty, and `command` and `args` a code and a detail for the refusal
 *     command_end()
 *
 * The answer to that is the batch as by POST /events, or {"edge_sequence","outcome","events":[]}:
 * `unchanged`, `rejected`, or `accepted` of an empty array. What does not answer at once is to be
 * ended, and the function to be run again later.
 */

/* The first command that is due behind this edge sequence, in out: {"edge_sequence","id","name",
 * "args","attempt","written_at"}. RV_OK; RV_END: there is none. */
int32_t RV_EXPORT(rv_module_command_due)(double after);

/* All who read see what was before the command, and nothing after. RV_OK, RV_NOT_FOUND, RV_BUSY. */
int32_t RV_EXPORT(rv_module_command_begin)(double edge_sequence);

/* And the whole again. RV_OK. */
int32_t RV_EXPORT(rv_module_command_end)(void);

/* --- the connection to the upstream: sync/edge.h --- */

/* 1 once each time the transport should connect now, else 0. */
int32_t RV_EXPORT(rv_module_edge_wants_connection)(double now);

/* The network may be there again, or other credentials: an edge that waits to connect does so at
 * once, one that is connected finds out whether it still is. RV_OK. */
int32_t RV_EXPORT(rv_module_edge_network_up)(double now);

/* The token for the upstream, at most RV_WIRE_TOKEN_MAX bytes, which are copied; none: there will
 * be some, and the edge says when it wants one. A session that there is goes on with it, and one
 * that was refused is tried again at once. RV_OK; RV_REQUEST_INVALID, also: it is longer. */
int32_t RV_EXPORT(rv_module_edge_set_token)(const uint8_t *token, uint32_t len, double now);

/* 1 once each time another token is wanted: the last was refused, or will soon have expired. If
 * there is no other, it is wanted again a little later. */
int32_t RV_EXPORT(rv_module_edge_wants_token)(double now);

/* The WebSocket is open. RV_OK; RV_REQUEST_INVALID: no connection was wanted. */
int32_t RV_EXPORT(rv_module_edge_opened)(double now);

/* The connection could not be made or ended: `status` is why, or -1 for what the last failed call
 * or rv_module_edge_failure told. RV_OK. */
int32_t RV_EXPORT(rv_module_edge_closed)(int32_t status, const uint8_t *detail, uint32_t len,
                                         double now);

/* 1 when any message can be taken. 0 while those before it wait for the disk: then messages of
 * events and progress (kinds 3 and 4, their first byte) must be kept, in their order; the others
 * may be handed over at any time. */
int32_t RV_EXPORT(rv_module_edge_ready)(void);

/* One whole binary message. RV_OK; RV_BUSY: not taken, as rv_module_edge_ready says; or an error:
 * close the connection (code 1002, or 1009 for RV_MESSAGE_TOO_LARGE) and call
 * rv_module_edge_closed with -1. */
int32_t RV_EXPORT(rv_module_edge_receive)(const uint8_t *message, uint32_t len, double now);

/* 1: the next message to send is in out; 0: none. */
int32_t RV_EXPORT(rv_module_edge_send)(double now);

#endif
