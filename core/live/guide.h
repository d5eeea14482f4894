/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guide leads a subscription past what it does not select: where its patterns match few streams,
 * the log's index says where the next of their events lies, and what comes before it need not be
 * read. So who begins anew, or was away, costs what it gets, not what happened meanwhile.
 *
 * It is asked between two batches only, and answers with a sequence before which nothing matches:
 * batches are then read, looked through and left as in a walk over all, so that whatever the
 * subscription says of where it is (watermark, chain hash) is said of a batch that it looked at.
 * Not asked, or where it does not know, the subscription walks: never wrong, slower.
 *
 *     patterns --> streams (few, by number) --> the next event of each --> the least of these
 *
 * Which streams match is found once. Concrete patterns are looked up by their paths, others are
 * compared with the path of every stream of the node, which costs less than the walk that it saves;
 * and only if there are fewer streams to compare than events to pass. So many are compared in one
 * look, and the next goes on: who serves others has them wait no longer than for a look at events.
 */
#ifndef RV_LIVE_GUIDE_H
#define RV_LIVE_GUIDE_H

#include "core/live/subscription.h"

#define RV_GUIDE_STREAMS 64u    /* that match, at most: else it knows nothing */
#define RV_GUIDE_NEAR    64u    /* events: what is no farther is walked to, as that takes less */
#define RV_GUIDE_LOOK    16384u /* streams that are compared in one look, which takes some ms */

typedef struct rv_guide_options {
    uint32_t near; /* 0: RV_GUIDE_NEAR; else as a test wants it */
    uint32_t look; /* 0: RV_GUIDE_LOOK; so, too */
} rv_guide_options;

typedef struct rv_guide {
    rv_guide_options options; /* as they hold */
    bool compares;            /* the last look ended before all streams were compared: there is
                                 more to do, and nothing to wait for */
    uint32_t compared;        /* streams of the node that the patterns were compared with */
    uint32_t count;           /* of those that match */
    bool many;                /* more do than there is room for */
    uint64_t ask_at;          /* before this sequence there is nothing to be saved */
    uint32_t streams[RV_GUIDE_STREAMS];
    uint64_t versions[RV_GUIDE_STREAMS]; /* of the next event of each, at least */
    uint64_t next[RV_GUIDE_STREAMS];     /* its sequence, unless the subscription has passed it; */
    uint64_t passed[RV_GUIDE_STREAMS];   /* it is not before this one, as far as was looked */
} rv_guide;

/* Knows nothing: for a subscription that was just opened with other patterns. */
void rv_guide_begin(rv_guide *guide, const rv_guide_options *options);

/* Knows the streams, and not where the subscription is: for one that was opened again with the same
 * patterns. */
void rv_guide_again(rv_guide *guide);

/*
 * `*next`: what the subscription selects does not lie before it, from where the subscription is, up
 * to `end`, a durable sequence at which or behind which it is; `end` at most, so that somebody
 * looks at the batch that ends there. RV_OK; RV_PENDING: the index is being read, or `compares`;
 * RV_BUSY.
 */
RV_MUST_USE rv_status rv_guide_next(rv_guide *guide, const rv_subscription *subscription,
                                    uint64_t end, uint64_t *next, rv_error *err);

#endif
