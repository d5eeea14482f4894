/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subscription: events of the streams that patterns select, in order of sequence, history first
 * and then what comes, with no seam, because both are one read of the log. It yields durable events
 * only. It has no buffer of its own and keeps nothing alive: who holds one asks it again when
 * rv_node_sequence_durable has moved.
 *
 * With patterns it looks at every event of the log, unless it is given a guide (guide.h). If the
 * only pattern names one stream, it is led by the log's index, and costs what it yields. A time to
 * begin from is found by halving the log: the root's times rise with positions.
 */
#ifndef RV_LIVE_SUBSCRIPTION_H
#define RV_LIVE_SUBSCRIPTION_H

#include "core/engine.h"

#define RV_SUBSCRIPTION_AHEAD 8 /* sequences of one stream that are looked up at a time */

struct rv_guide;

typedef struct rv_subscription {
    rv_node *node;
    const rv_path_pattern *patterns; /* kept by the caller */
    size_t pattern_count;            /* 0: every stream, system's too */
    bool system;                     /* with patterns: schema changes as well */
    bool straight;                   /* without what was filled in: positions rise */
    bool in_batch;                   /* `batch` has records that were not looked at */
    uint64_t next_sequence;          /* of the next event to look at */
    bool led;                        /* by versions, the last time */
    struct rv_guide *guide;          /* kept by the caller; NULL: nothing is passed over */
    int64_t time;                    /* to begin from; INT64_MIN: found, or none */
    uint64_t time_low;               /* all before it is earlier, and the batch before it is not */
    uint64_t time_high;              /* from here on all is as late; 0: the search has not begun */
    uint64_t until;                  /* it ends behind this sequence, where a batch ends */
    uint64_t watermark;              /* of the last batch that was looked at to its end */
    uint64_t chain_hash;
    rv_log_cursor cursor;      /* of `batch` */
    rv_log_cursor next_cursor; /* of the batch after it */
    rv_batch batch;
    uint32_t rewinds;  /* of the node when it was opened: later ones end it, */
    bool provisional;  /* but for the one with which an edge's log is the root's, if it was opened
                          before: then it begins again */
    int64_t from_time; /* as it was asked for */
    uint64_t from_version;
    uint64_t generation; /* of the node's reads: `batch` is valid while it has not moved */
    size_t body_offset;  /* of the next record in `batch` */
    rv_record_context context;
    /* of one stream: */
    bool of_stream;
    bool found;      /* its number is known */
    bool by_version; /* where the past was filled in: in the order of versions */
    rv_log_version_search search;
    uint64_t version_next; /* behind the last one that was yielded */
    rv_log_stream_cursor stream;
    rv_log_cursor walk;                    /* on the way to the batch of its next event */
    uint64_t ahead[RV_SUBSCRIPTION_AHEAD]; /* sequences of its next events */
    uint32_t ahead_at;
    uint32_t ahead_count;
} rv_subscription;

/* Starts before the event with sequence `from` (1 or more). */
void rv_subscription_open(rv_subscription *subscription, rv_node *node,
                          const rv_path_pattern *patterns, size_t pattern_count, uint64_t from);

/* What is far from all that matches is passed over from now on, where the guide knows it (guide.h);
 * NULL: no more. The guide is of this subscription: it was begun for its patterns. Of one stream it
 * does nothing that the index does not do, unless schema changes come as well. */
void rv_subscription_guide(rv_subscription *subscription, struct rv_guide *guide);

/* True when it yields the events of this stream, by number, whose path is borrowed. */
bool rv_subscription_selects(const rv_subscription *subscription, uint32_t stream, rv_bytes *path);

/* It ends behind this sequence, with which a batch ends: RV_END there, whatever follows. */
void rv_subscription_until(rv_subscription *subscription, uint64_t sequence);

/* What was recorded before `time` (Unix microseconds) is passed over, nearly all of it without
 * being looked at: the first events that are yielded may be a batch's that began earlier. Where the
 * past was filled in, times do not rise with sequences, and nothing is passed over. Before the
 * first rv_subscription_next. */
void rv_subscription_from_time(rv_subscription *subscription, int64_t time);

/* Of one stream: events of lower versions are passed over, without looking at them; where the past
 * was filled in, only in the order of versions, else they come too. Before the first
 * rv_subscription_next. Of more than one stream it says nothing. */
void rv_subscription_from_version(rv_subscription *subscription, uint64_t version);

/* Of one stream: in the order of versions also where its past was filled in, so that this is not
 * the order of sequences. Before the first rv_subscription_next; not for who waits for more. */
void rv_subscription_by_version(rv_subscription *subscription);

/*
 * The next matching event and its stream's path; both are valid until the next call on the node.
 * RV_OK; RV_END: nothing more is durable yet; RV_PENDING: the log is being read; RV_BUSY;
 * RV_DATA_DAMAGED, RV_STORAGE_FAILED; RV_HISTORY_GONE: the node went back in its history, and what
 * the subscription has passed is not there any more. `scan_max` bounds how many events that do not
 * match are passed over in one call; RV_PENDING when it is reached.
 */
RV_MUST_USE rv_status rv_subscription_next(rv_subscription *subscription, uint32_t scan_max,
                                           rv_event *event, rv_bytes *path, rv_error *err);

/* Goes on from this sequence, which is not before where it is: somebody else has looked at what
 * lies between, and it does not match. Of one that has looked at all that was durable then
 * (RV_END), and whose node has not gone back since. */
void rv_subscription_pass(rv_subscription *subscription, uint64_t sequence);

/* True when it has looked at all that is durable, and so may be passed on. */
bool rv_subscription_level(const rv_subscription *subscription);

/* Every event with a lower sequence has been yielded or did not match. */
uint64_t rv_subscription_sequence(const rv_subscription *subscription);

/* The watermark of the last batch that was looked at to its end, and the root's chain hash there; 0
 * before the first. When the last event of a batch has been yielded, the batch ends with the next
 * call. */
uint64_t rv_subscription_watermark(const rv_subscription *subscription);
uint64_t rv_subscription_chain(const rv_subscription *subscription);

/* Of one that was just opened where another one was: says the same of the last batch before. */
void rv_subscription_stands(rv_subscription *subscription, uint64_t watermark, uint64_t chain_hash);

#endif
