/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An edge's outbox, and commands. A database that a daemon keeps in step with its upstream
 * (`rivulet serve --upstream`) can be opened while the daemon does not run: what is appended then
 * waits for the root and is shown at once, is pushed when the daemon runs again, and is accepted,
 * or refused with a reason that is kept until the application acknowledges it.
 *
 *     rv_db_append  ->  waits (rv_db_pending)  ->  accepted
 *                                             \->  rejected (rv_db_rejection) -> acknowledged
 *
 * A root decides at once: there nothing waits, and nothing below has anything to tell.
 *
 * A command is a name with JSON arguments, whose function the application has: it reads the rows
 * and makes events, or refuses. At an edge it is run again on what came since, until it has been
 * sent, and after refusals that this can mend (docs/decisions/0021-commands.md).
 */
#ifndef RIVULET_OUTBOX_H
#define RIVULET_OUTBOX_H

#include "rivulet/rivulet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- what waits, and what was refused --- */

typedef enum rv_db_batch_state {
    RV_DB_BATCH_WAITING,
    RV_DB_BATCH_SUSPENDED, /* the same, but not shown in rows: it breaks a constraint after what
                              came since, or is a command that is to run again. The root decides */
    RV_DB_BATCH_ACCEPTED   /* by the root, at `position`; its events have not come yet */
} rv_db_batch_state;

/* A batch of the outbox. Its bytes are borrowed until the next call that changes the database. */
typedef struct rv_db_batch {
    uint64_t edge_sequence; /* its place in the outbox: 1, 2, 3 …, with holes */
    rv_db_batch_state state;
    bool durable;      /* flushed here */
    bool blind;        /* an event's stream is not selected: it is not shown here */
    bool unchecked;    /* something was left to the root to check */
    bool due;          /* a command that waits to be run before it is sent */
    uint64_t position; /* ACCEPTED: of its last event */
    int64_t written_at;
    uint32_t count;         /* events */
    uint32_t attempt;       /* of a command: how often it was refused and goes on */
    uint8_t command_id[16]; /* of a command, */
    rv_bytes command;       /* its name; empty: it is none, */
    rv_bytes args;          /* and its arguments, JSON */
} rv_db_batch;

/* The batch that waits, and the one that was refused, with the least edge sequence above `after`.
 * False: there are no more. `reason` may be NULL; of one that was refused it is the root's. */
RV_API RV_MUST_USE bool rv_db_pending(const rv_db *db, uint64_t after, rv_db_batch *batch);
RV_API RV_MUST_USE bool rv_db_rejection(const rv_db *db, uint64_t after, rv_db_batch *batch,
                                        rv_error *reason);

/* Event `index` of a batch that one of these gave. False: there is none. Its position, sequence and
 * version are 0. */
RV_API RV_MUST_USE bool rv_db_batch_event(const rv_db *db, const rv_db_batch *batch, uint32_t index,
                                          rv_db_event *event);

/* Why a batch is suspended, or waits for its command's function (RV_COMMAND_WAITING), or for what
 * the node lacked for what that came to (RV_OUTBOX_FULL, RV_STATE_FULL, …); RV_OK: it is
 * not. Costs another fold of what waits. */
RV_API rv_status rv_db_pending_reason(rv_db *db, uint64_t edge_sequence, rv_error *reason);

/* Takes note of a rejection, which forgets it. Durable over a directory. RV_NOT_FOUND; RV_PENDING,
 * RV_BUSY: poll, then again; RV_READ_ONLY, RV_STORAGE_FULL, RV_CLOSING. */
RV_API RV_MUST_USE rv_status rv_db_acknowledge(rv_db *db, uint64_t edge_sequence, rv_error *err);

typedef struct rv_db_outbox {
    uint32_t pending;   /* batches, of which */
    uint32_t suspended; /* these are not shown */
    uint32_t rejections;
    uint64_t next;    /* edge sequence of the next batch */
    uint64_t durable; /* every batch up to it is flushed here, */
    uint64_t settled; /* and of these the root's decision is */
    uint64_t bytes;   /* of what waits and was refused, */
    uint64_t bytes_max;
    uint64_t forks;    /* times that the data was found to be a copy of an edge that has gone on, */
    int64_t forked_at; /* and the last one: microseconds from 1970 */
    uint64_t keys_left; /* serial keys that are leased: rows that can be created unconnected */
} rv_db_outbox;

/* All zero at a root. */
RV_API void rv_db_outbox_of(const rv_db *db, rv_db_outbox *outbox);

typedef enum rv_db_outcome {
    RV_DB_OUTCOME_UNKNOWN, /* never written, or decided long ago and not refused */
    RV_DB_OUTCOME_WAITING,
    RV_DB_OUTCOME_ACCEPTED, /* durable at the upstream */
    RV_DB_OUTCOME_REJECTED  /* until the rejection is acknowledged */
} rv_db_outcome;

/* What became of the batch that an append or a command has written in this life of the database.
 * What its function or this database made of a command is told when it is durable here.
 * `position` and `reason` may be NULL: where its last event is, 0 if that is not known; why it was
 * refused. */
RV_API rv_db_outcome rv_db_outcome_of(const rv_db *db, uint64_t edge_sequence, uint64_t *position,
                                      rv_error *reason);

/* --- commands --- */

typedef struct rv_db_command {
    rv_bytes name; /* 1 to 63 bytes */
    rv_bytes args; /* JSON of at most 64 KiB, or empty */
} rv_db_command;

/* Takes what the function of a command has made of the state as it is: `count` events without ids
 * of their own, as one batch. As rv_db_append; at a root it is that. Errors as there, and
 * RV_REQUEST_INVALID: it is no command. */
RV_API RV_MUST_USE rv_status rv_db_command_append(rv_db *db, const rv_db_command *command,
                                                  const rv_append *appends, size_t count,
                                                  rv_db_event *events, rv_error *err);

/*
 * Commands that are to run again, after opening and after each poll:
 *
 *     uint64_t after = 0;
 *     while (rv_db_command_due(db, after, &batch)) {
 *         after = batch.edge_sequence;
 *         if (… there is no function of batch.command …) continue;
 *         … copy what is needed of the batch …
 *         if (rv_db_command_begin(db, after, &err) != RV_OK) break;
 *         … read rows: they are those before the command …
 *         if (rv_db_command_done(db, after, appends, count, &err) != RV_OK) break;
 *     }
 *     rv_db_command_end(db);
 */

/* The first that is due behind this edge sequence. False: there is none. */
RV_API RV_MUST_USE bool rv_db_command_due(const rv_db *db, uint64_t after, rv_db_batch *batch);

/* From now until _done, _refuse or _end all rows and queries show what was before the command, and
 * nothing after it. RV_NOT_FOUND: it is not due. RV_BUSY. */
RV_API RV_MUST_USE rv_status rv_db_command_begin(rv_db *db, uint64_t edge_sequence, rv_error *err);

/* What its function made, of which nothing is written if it is what it made before; no events:
 * there is nothing to do any more. What cannot be accepted here makes it a rejection, which is
 * RV_OK, too. RV_NOT_FOUND: it has not begun, or something else has changed the database since.
 * Later, and as if it had not run: RV_PENDING, RV_BUSY, RV_OUTBOX_FULL, RV_STATE_FULL, RV_NO_KEYS,
 * RV_READ_ONLY, RV_STORAGE_FULL, RV_CLOSING. */
RV_API RV_MUST_USE rv_status rv_db_command_done(rv_db *db, uint64_t edge_sequence,
                                                const rv_append *appends, size_t count,
                                                rv_error *err);

/* Its function refuses: it is a rejection, RV_COMMAND_REFUSED with `detail` and the fact "refusal",
 * the application's own code. Statuses as above. */
RV_API RV_MUST_USE rv_status rv_db_command_refuse(rv_db *db, uint64_t edge_sequence, rv_bytes code,
                                                  rv_bytes detail, rv_error *err);

/* Everything is shown again. Harmless at any time. */
RV_API void rv_db_command_end(rv_db *db);

#ifdef __cplusplus
}
#endif

#endif
