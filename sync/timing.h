/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends of a sync connection agree on about time and credit (docs/format/wire.md). */
#ifndef RV_SYNC_TIMING_H
#define RV_SYNC_TIMING_H

#include <stdint.h>

/* Silence after which a ping is sent, and after which the peer counts as gone: microseconds. */
#define RV_SYNC_PING_US    INT64_C(10000000)
#define RV_SYNC_SILENCE_US INT64_C(30000000)

/* After the network has come up a connection has to prove that it lives, within: microseconds. What
 * comes sooner than the second may have lain in a buffer since before, and proves nothing, unless
 * it is the answer to the ping that was sent then. */
#define RV_SYNC_PROOF_US    INT64_C(5000000)
#define RV_SYNC_BUFFERED_US INT64_C(1000000)

/* How often an edge reports its durable W and gives back small credit, and how often an upstream
 * tells an edge that W moved without an event for it. */
#define RV_SYNC_REPORT_US INT64_C(100000)

/* Bytes of events messages that an edge lets come before it has folded them. */
#define RV_SYNC_CREDIT (384u << 10)

/* Size of the batches that an edge asks for, in its log: the first, and the smallest before it asks
 * for one batch of the root at a time, when its memory does not take them. */
#define RV_SYNC_BATCH_MAX (384u << 10)
#define RV_SYNC_BATCH_MIN (16u << 10)

/* What a message costs beside its bytes: the keeper's books. */
#define RV_SYNC_MESSAGE_COST 16u

#endif
