/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands (SEMANTICS 24): a name with JSON arguments, whose function reads the state and makes
 * events, or refuses. At an edge a command waits in the outbox as a batch (rv_writes.command) with
 * the events that its function made last. Functions are the caller's: the node says which are to
 * run, shows the state that each is to see, and takes what it made.
 *
 *     run by the caller, written (rv_node_write)
 *       -> waits --- the state below it has changed: due ---> run again, unchanged or another batch
 *       -> sent: stays what it is until the root has decided
 *            accepted                                      -> leaves as any batch
 *            refused, and a rerun can mend that            -> behind all others, under a new edge
 *                                                             sequence, with the next attempt: due
 *                                                             once W is where the root judged
 *            refused otherwise, or by its function, or too often -> a rejection
 *
 * It is due also when the node is opened, as its function may be another one by then. What is due
 * is not sent, nor is anything behind it, since edges push in order; without its function it waits.
 *
 *     uint64_t after = 0;
 *     while (rv_node_command_due(node, after, &command)) {
 *         after = command.edge_sequence;
 *         if (there is no function of command.command.name) continue;
 *         if (rv_node_command_begin(node, after, &err) != RV_OK) break;
 *         … read: the state is that before the command …
 *         if (rv_node_command_done(node, after, events, count, results, &written, &err) != RV_OK)
 *             break;                              (or rv_node_command_refuse)
 *     }
 *     rv_node_command_end(node);
 *
 * A function that makes the same events as before changes nothing: their ids, keys and times are
 * the same. After a refusal the ids are those of the next attempt, and keys are new.
 */
#ifndef RV_CORE_ENGINE_COMMAND_H
#define RV_CORE_ENGINE_COMMAND_H

#include "core/engine/outbox.h"

/* The first batch behind this edge sequence whose command is to be run now. False: there is none,
 * or half of a batch of the upstream is here. Borrowed as all that waits. */
RV_MUST_USE bool rv_node_command_due(rv_node *node, uint64_t after, rv_pending *command);

/* Shows, to all who read, the state that the command is to see: what was written before it, and
 * nothing after. It ends with _done, _refuse and _end, and with whatever else changes the node.
 * RV_NOT_FOUND: it is not due. RV_BUSY: half of a batch of the upstream is here. */
RV_MUST_USE rv_status rv_node_command_begin(rv_node *node, uint64_t edge_sequence, rv_error *err);

/*
 * Takes what the function made of the command that has begun: RV_OK, and `results` are the events
 * as they wait now, as rv_node_write gives them; `written->changed` tells whether anything is other
 * than before. Where the node refuses them it is a rejection, `written->rejected`, with the reason
 * in `err`. No events: there is nothing to do any more, and the command leaves the outbox as
 * accepted.
 *
 * RV_NOT_FOUND: it has not begun, or something else has changed the node since: begin again. Not
 * now, after which it is due as before: RV_PENDING, RV_BUSY (poll first), RV_OUTBOX_FULL,
 * RV_STATE_FULL, RV_NO_KEYS, RV_MEMORY_EXHAUSTED, RV_READ_ONLY, RV_STORAGE_FULL, RV_CLOSING.
 */
RV_MUST_USE rv_status rv_node_command_done(rv_node *node, uint64_t edge_sequence,
                                           const rv_append *events, size_t count, rv_event *results,
                                           rv_written *written, rv_error *err);

/* Its function refuses, for this reason: it is a rejection. RV_NOT_FOUND as above, RV_PENDING,
 * RV_BUSY, RV_READ_ONLY, RV_STORAGE_FULL, RV_CLOSING. */
RV_MUST_USE rv_status rv_node_command_refuse(rv_node *node, uint64_t edge_sequence,
                                             const rv_error *refusal, rv_error *err);

/* Why a batch whose command is due still waits, with the fact "command": RV_COMMAND_WAITING, its
 * function has not run; or what kept the node from taking what it came to last: RV_OUTBOX_FULL,
 * RV_STATE_FULL, RV_NO_KEYS, RV_MEMORY_EXHAUSTED, RV_STORAGE_FULL and others as above. */
rv_status rv_node_command_reason(const rv_node *node, const rv_pending *batch, rv_error *reason);

/* No more are run for now: the state is whole again. Harmless at any time. */
void rv_node_command_end(rv_node *node);

/* For who pushes a batch that is durable: false while it is a command that is due, or until the log
 * durably says that it may have been sent. Asking writes that. */
RV_MUST_USE bool rv_node_command_may_leave(rv_node *node, const rv_pending *batch);

#endif
