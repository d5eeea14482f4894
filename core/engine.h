/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node: log, schema and state as one thing, opened, appended to, read and closed. It is the
 * public face of the core for sync, SQL, face and the platforms; include/rivulet/rivulet.h narrows
 * it for applications.
 *
 * Sans-I/O: the node starts operations on its host and is polled. Everything that may have to wait
 * answers RV_PENDING and is called again after rv_node_poll.
 */
#ifndef RV_CORE_ENGINE_H
#define RV_CORE_ENGINE_H

#include "core/log/log.h"
#include "core/model/selection.h"
#include "core/state/base.h"
#include "core/state/state.h"
#include "rivulet/append.h"

typedef struct rv_node rv_node;

typedef enum rv_role {
    RV_ROLE_ROOT,
    RV_ROLE_EDGE,
    RV_ROLE_STORED /* to open: whichever the data is of; a root when there is none */
} rv_role;

typedef struct rv_node_options {
    rv_host host;
    void *memory; /* at least RV_MEMORY_MIN bytes; the node never uses more */
    size_t memory_size;
    rv_role role;
    const rv_bytes *patterns; /* an edge's selection, each an entry as rv_selection_add reads it,
                                 copied; none: the one its log names */
    size_t pattern_count;
    uint64_t checkpoint_growth; /* bytes of log between checkpoints; 0: as fits log and state */
    uint32_t kept_percent;      /* of the log's bytes, that checkpoints kept for time travel may
                                   take, beside the two newest; 0: RV_KEPT_PERCENT */
    bool folds_only; /* it has no files: another node's log is folded into it (engine/as_of.h) */
} rv_node_options;

/* --- life --- */

/* Divides the memory and starts nothing. RV_MEMORY_EXHAUSTED, RV_PATH_INVALID (a pattern),
 * RV_SELECTION_INVALID. */
RV_MUST_USE rv_status rv_node_create(rv_node **node, const rv_node_options *options, rv_error *err);

/*
 * Opens: takes the newest checkpoint that is good, recovers the log and folds what is behind it, or
 * all of it when there is none (rv_node_checkpoint_of tells). RV_PENDING: poll, then call again;
 * RV_OK: open. A new root makes its log; a new edge has none until rv_node_adopt, or until it
 * writes under a schema that it was provided with. RV_DATA_DAMAGED:
 * the node is open for reading only, up to the damage; `err` says where. RV_PANICKED: the same,
 * before an event that has stopped this program again and again. RV_NOT_ROOT: the directory belongs
 * to a node of the other role. RV_STATE_FULL: the budget is too small for the rows. RV_DATA_NEWER,
 * RV_STORAGE_*.
 */
RV_MUST_USE rv_status rv_node_open(rv_node *node, rv_error *err);

/* Takes completions from the host and goes on with writing and flushing. Call it after each round
 * of calls, whenever an operation finished, and again when rv_node_busy says so. RV_OK, or the
 * failure that made the node read-only. */
RV_MUST_USE rv_status rv_node_poll(rv_node *node, rv_error *err);

/* True when polling would go on with something that no completion will announce: a checkpoint is
 * written, and the log's index made, piece by piece, some a poll. Not urgent: whatever waits comes
 * first. */
bool rv_node_busy(const rv_node *node);

/* Stops taking appends, flushes, writes a checkpoint if opening again would be the faster for it,
 * and seals: RV_PENDING until RV_END. */
RV_MUST_USE rv_status rv_node_close(rv_node *node, rv_error *err);

/* --- facts --- */

rv_role rv_node_role(const rv_node *node);
const rv_log_identity *
rv_node_identity(const rv_node *node); /* NULL before an edge's first contact */
/* The node's id, 16 bytes; before an edge's first contact the one that its log will get. */
const uint8_t *rv_node_id(rv_node *node);
const rv_schema *rv_node_schema(const rv_node *node);
rv_state *rv_node_state(rv_node *node);
rv_log *rv_node_log(rv_node *node);

/* What an edge holds, or is filled for, and what it is to hold: another one after it was opened
 * with another one, until the base for that has ended. */
const rv_selection *rv_node_selection(const rv_node *node);
const rv_selection *rv_node_selection_wanted(const rv_node *node);

/*
 * What an edge is to hold from now on becomes what these entries say, each as rv_selection_add
 * reads it: logged, and asked for by who syncs the node (rv_node_selections moves). What is held
 * stays, and is shown, until a base for the new selection has ended; but where entries of streams
 * are only given up, no past is being filled in and no SHARED aggregate folded, what is left is
 * held at once. RV_OK also when it is the same. RV_PENDING, RV_BUSY: poll, then again.
 * RV_SELECTION_INVALID, RV_PATH_INVALID; RV_UNSUPPORTED: the node is a root; RV_READ_ONLY,
 * RV_CLOSING, RV_STORAGE_FULL.
 */
RV_MUST_USE rv_status rv_node_select(rv_node *node, const rv_bytes *entries, size_t count,
                                     rv_error *err);

/* Gives up the entry of these streams, or of this aggregate, which may not be read any more: it is
 * not wanted from now on, and those streams are not held; rows of an aggregate are until a base has
 * ended. RV_NOT_FOUND: there is no such entry, or nothing would be left. The others of
 * rv_node_select. */
RV_MUST_USE rv_status rv_node_select_without(rv_node *node, const rv_select *like, rv_error *err);

/* The same for a selection in its binary form: the upstream refused another one. */
RV_MUST_USE rv_status rv_node_select_back(rv_node *node, rv_bytes selection, rv_error *err);

/* Moves with each selection that is wanted since the node was created. */
uint64_t rv_node_selections(const rv_node *node);

/* True when what the node holds at W is all that it is to hold: always at a root, and at an edge
 * once its base has come. */
bool rv_node_whole(const rv_node *node);

/* True when rows of what the node holds at W are missing, as it went back to before what they lay
 * in was purged: a base is to take the place of everything. */
bool rv_node_lost(const rv_node *node);

/* Moves when a base has ended or entries were given up, so that what an edge holds is another
 * selection, or begins at another position: what was found out about it before does not count. */
uint32_t rv_node_selection_swaps(const rv_node *node);

/* The streams whose events an edge holds at W, and is to be sent from W on. */
const rv_path_pattern *rv_node_patterns(const rv_node *node, size_t *count);
int64_t rv_node_now(const rv_node *node); /* the host's clock, microseconds from 1970 */

/* Position of the last event (root), or W (edge); in memory, and durable. */
uint64_t rv_node_watermark(const rv_node *node);
uint64_t rv_node_watermark_durable(const rv_node *node);
uint64_t rv_node_sequence(const rv_node *node);
uint64_t rv_node_sequence_durable(const rv_node *node);

/* Of the confirmed state, at W: rv_state_hash, rv_state_hash_selected. Where aggregates are stale,
 * it is one that no other node has. Costs another fold of what is pending. */
rv_hash128 rv_node_state_hash(rv_node *node);
rv_hash128 rv_node_state_hash_selected(rv_node *node, const rv_path_pattern *patterns,
                                       size_t pattern_count);

/* A snapshot of the confirmed state, at W: rv_state_base_open. Costs the same. Not while a batch is
 * received. */
RV_MUST_USE rv_status rv_node_base_open(rv_node *node, rv_base_source *source);

/* A class of the node's memory. All of them together are the budget it was created with. */
typedef struct rv_memory_class {
    const char *name;
    size_t bytes;
    size_t used;     /* now; `bytes` where that is not told apart */
    size_t used_max; /* since the node was created, as far as it is noted; not below `used` */
} rv_memory_class;

/* Class `index`, from 0 on. False: there are no more. */
bool rv_node_memory(const rv_node *node, uint32_t index, rv_memory_class *out);

/* Adds what holds nothing between two calls: what earlier calls lent (events appended, batches
 * read) is over. Nothing, while the node is opened or closed, goes back, or receives a batch. */
void rv_node_unused(const rv_node *node, rv_unused *unused);

typedef enum rv_opened {
    RV_OPENED_EMPTY, /* or not yet */
    RV_OPENED_BY_REPLAY,
    RV_OPENED_BY_CHECKPOINT
} rv_opened;

/* Checkpoints are a cache of what the log says: nothing about them makes a node fail. */
typedef struct rv_node_checkpoint {
    rv_opened opened_by;
    rv_error
        passed_over;   /* why the newest one was not used at open; RV_OK when it was, or none is */
    uint64_t number;   /* of the newest that is good; 0: there is none */
    uint64_t sequence; /* its place in the log */
    uint64_t position;
    uint64_t bytes;            /* of its file */
    bool writing;              /* one is being written */
    uint32_t written;          /* by this node since it was opened */
    rv_error failure;          /* of the last one that was begun; RV_OK when it is good */
    uint32_t kept;             /* older than the newest two, for time travel to begin from */
    rv_error kept_passed_over; /* why one was not used for that, the last time; RV_OK: none */
} rv_node_checkpoint;

const rv_node_checkpoint *rv_node_checkpoint_of(const rv_node *node);

/* True when an event that this version does not understand would have changed rows of the
 * aggregate (SEMANTICS 15): they are stale since that position. How many aggregates are; and how
 * many events are held that are not understood, in what was folded since the last checkpoint. */
RV_MUST_USE bool rv_node_stale(const rv_node *node, uint16_t aggregate, uint64_t *since);
uint32_t rv_node_stale_count(const rv_node *node);

/* Moves with the schema, with what is stale, and when an edge goes back, as it may come to another
 * schema of the same version: what was made of one may be something else now. */
uint64_t rv_node_schema_moves(const rv_node *node);
uint64_t rv_node_opaque_events(const rv_node *node);

/* Where the position of the event that is being judged or folded stands, 0 between events: for who
 * records a panic (core/base/panic.h). As long as the node lives. */
const volatile uint64_t *rv_node_at_work(const rv_node *node);

/* Why the node is read-only; RV_OK when it is not. */
rv_status rv_node_failed(const rv_node *node, rv_error *err);

/* --- appending (root) --- */

/*
 * Appends the events as one atomic batch: judged in order, folded, in the log's memory; durable
 * when rv_node_sequence_durable reaches the last one's sequence. `results[i]` is the event as
 * accepted, its bytes valid until the next call on the node. A batch whose ids were all accepted
 * before answers the first results again (and has changed nothing).
 *
 * RV_PENDING, RV_BUSY: poll, then call again with the same. On any error nothing has changed, and
 * the error has the fact "index" when there are several events. Errors: those of
 * rv_event_draft_read and _complete, of rv_state_fold, RV_VERSION_CONFLICT ("expected", "actual"),
 * RV_EVENT_ID_REUSED, RV_EVENT_TOO_LARGE, RV_BATCH_TOO_LARGE, RV_NOT_ROOT, RV_READ_ONLY,
 * RV_CLOSING, RV_STORAGE_FULL.
 */
RV_MUST_USE rv_status rv_node_append(rv_node *node, const rv_append *events, size_t count,
                                     rv_event *results, rv_error *err);

/* Adds `text` to the schema, as an event with a position. Answers as rv_node_append, and the errors
 * of rv_schema_apply. */
RV_MUST_USE rv_status rv_node_schema_apply(rv_node *node, rv_bytes text, rv_event *result,
                                           rv_error *err);

/* What would rv_node_schema_apply say? Changes nothing. */
RV_MUST_USE rv_status rv_node_schema_check(rv_node *node, rv_bytes text, rv_error *err);

/* --- receiving (edge) --- */

/* Adds `text` to the schema of an edge that has not met its upstream yet, for as long as that lasts
 * (core/engine/provisional.h): it can be read and written by, and no version of it is anybody's.
 * RV_OK; RV_PENDING, RV_BUSY: poll, then call again. Errors of rv_schema_apply; RV_NOT_ROOT: the
 * upstream was met, and its schema is the root's. */
RV_MUST_USE rv_status rv_node_schema_provide(rv_node *node, rv_bytes text, rv_error *err);

/* True while the schema is a provided one. */
bool rv_node_provisional(const rv_node *node);

/* First contact: the log's identity from the upstream; keeps the selection in the log. The node
 * makes its own node id. Nothing to do when it is the same already; RV_UPSTREAM_OTHER_LOG. Where it
 * was provided with a schema, as rv_node_meet without anything that the log begins with. */
RV_MUST_USE rv_status rv_node_adopt(rv_node *node, const uint8_t *log_id, uint32_t epoch,
                                    uint64_t root_tag, rv_error *err);

/* One batch from the upstream, whole or not at all: begin, streams and events in order of position,
 * commit or cancel. begin: RV_PENDING or RV_BUSY (poll, then again), RV_READ_ONLY, RV_STORAGE_FULL.
 */
RV_MUST_USE rv_status rv_node_receive_begin(rv_node *node, rv_error *err);

/* The number of the stream with this path, which is added when it is new. The path must belong to a
 * declared stream, or be RV_SYSTEM_SCHEMA_PATH. RV_PROTOCOL_ERROR, RV_STATE_FULL. */
RV_MUST_USE rv_status rv_node_receive_stream(rv_node *node, rv_bytes path, uint32_t *stream,
                                             rv_error *err);

/* Takes an event: position, stream, version, type, schema_version, times, foreign id, metadata,
 * data, batch_end are given; the rest is filled in. RV_PROTOCOL_ERROR: positions or versions out of
 * order, an unknown type. Data that does not decode is kept opaque. RV_STATE_FULL,
 * RV_BATCH_TOO_LARGE. After an error: cancel. */
RV_MUST_USE rv_status rv_node_receive_event(rv_node *node, rv_event *event, rv_error *err);

/* A part of a base (core/state/base.h), at the position W. The first one gives up a base that was
 * under way; with the last one, which may be empty, the node is whole. */
typedef struct rv_base_part {
    uint64_t position;
    uint64_t cursor; /* where the upstream goes on */
    bool first;
    bool last;
    bool keeps; /* the first part: rows of aggregates stay true until it has ended */
    rv_bytes items;
    rv_bytes selection; /* the first part: for which it is, in binary form; empty: what is wanted */
} rv_base_part;

/* Takes a part, alone in its batch; W stays. A base under way is given up when W moves.
 * RV_PROTOCOL_ERROR: it is malformed, or out of turn. RV_STATE_FULL, RV_BATCH_TOO_LARGE. After an
 * error: cancel. If with the last part the commit fails, the node is read-only. */
RV_MUST_USE rv_status rv_node_receive_base(rv_node *node, const rv_base_part *part, rv_error *err);

/* Takes changes of rows of selected aggregates (core/state/base.h), into the batch in which W
 * passes their positions. RV_PROTOCOL_ERROR: malformed, or of other aggregates. RV_STATE_FULL,
 * RV_BATCH_TOO_LARGE. After an error: cancel. */
RV_MUST_USE rv_status rv_node_receive_changes(rv_node *node, rv_bytes items, rv_error *err);

/* How the past of the streams that are held is filled in (core/engine/past.h). */
typedef struct rv_node_fill {
    bool active;
    bool waits;               /* for what is to be purged before */
    bool straight;            /* nothing ever was: events are in the order of their positions */
    uint64_t after;           /* all up to there is here */
    uint64_t until;           /* the position of the last one to come, about */
    const rv_selection *all;  /* what will be here, of streams, */
    size_t all_count;         /* in its first entries: the others are within those, */
    const rv_selection *have; /* but for what was */
} rv_node_fill;

rv_node_fill rv_node_fill_of(const rv_node *node);

/* The position from which on all events that the pattern matches are in the log, in order of
 * sequence as of position, but for those that were filled in, which are flagged; at most one behind
 * the last. 0: that is so from nowhere on. */
uint64_t rv_node_straight_from(const rv_node *node, const rv_path_pattern *pattern);

/* How what is not covered any more leaves the files (core/engine/purge.h). */
typedef struct rv_node_purge {
    bool due;                /* they may have some of it */
    uint32_t segment;        /* so many segments have none, */
    uint32_t segments;       /* of so many */
    uint32_t rewritten;      /* segments, since the node was opened, */
    uint64_t freed;          /* and the bytes by which they are shorter */
    const rv_error *failure; /* why the last one could not be; it is tried again; or RV_OK */
} rv_node_purge;

rv_node_purge rv_node_purge_of(const rv_node *node);

/* Why the events of this stream cannot all be read: RV_HISTORY_AWAITED, as long as its past is
 * filled in; RV_PENDING: the last of it is not durable yet. */
RV_MUST_USE rv_status rv_node_past_known(const rv_node *node, rv_bytes path, rv_error *err);

/* Takes an event of the past, alone with others of its kind in its batch; as rv_node_receive_event
 * does, but its stream is there, and nothing is folded. RV_PROTOCOL_ERROR: it is none that is to be
 * filled in, or not in the order of positions. RV_BATCH_TOO_LARGE. After an error: cancel. */
RV_MUST_USE rv_status rv_node_receive_filled(rv_node *node, rv_event *event, rv_error *err);

/* All up to `to` is there, when the batch is; `over`: all of the past. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_node_receive_filled_to(rv_node *node, uint64_t to, bool over,
                                                rv_error *err);

/* W becomes `watermark`, with the root's chain hash there. RV_PROTOCOL_ERROR: cancel. With the last
 * part of a base: RV_STATE_FULL, which ends the node. */
RV_MUST_USE rv_status rv_node_receive_commit(rv_node *node, uint64_t watermark, uint64_t chain_hash,
                                             rv_error *err);
void rv_node_receive_cancel(rv_node *node);

/* True between begin and commit or cancel: what the state shows then may be taken back, so nobody
 * else reads it. */
bool rv_node_in_batch(const rv_node *node);

#endif
