/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the request handler, shared by the files of face/. */
#ifndef RV_FACE_FACE_INTERNAL_H
#define RV_FACE_FACE_INTERNAL_H

#include "core/base/ring.h"
#include "core/engine/as_of.h"
#include "core/engine/outbox.h"
#include "core/live/follower.h"
#include "core/live/interests.h"
#include "core/live/row_feed.h"
#include "face/face.h"
#include "face/url.h"

#define EXCHANGE_BUFFER_SIZE 2048

/* Blocks that requests are kept in which are followed and are longer than that. */
#define FACE_TEXT_BLOCK  2048u
#define FACE_TEXT_BLOCKS (RV_LIVE_TEXTS / FACE_TEXT_BLOCK)

/* How an answer's body comes about. */
typedef enum exchange_kind {
    EXCHANGE_TEXT,   /* it is in `text`, whole */
    EXCHANGE_EVENTS, /* events, read as they are asked for */
    EXCHANGE_LIVE,   /* the answer of each time that it is another one */
    EXCHANGE_CHANGES /* of rows, as they come about */
} exchange_kind;

/* What one feed waits for, at most: with more it waits for whole aggregates, or is asked always. */
#define EXCHANGE_INTERESTS 8u

/* A feed that waits (face/waiting.c). */
typedef struct exchange_wait {
    bool waits;
    bool rows;      /* for rows, */
    bool moment;    /* and goes on from a moment */
    int64_t until;  /* it is asked then, whatever moves */
    rv_ring ring;   /* of those that wait, or that were woken */
    void *owner;    /* who asks it; NULL: nobody wants to be told */
    uint32_t count; /* of interests */
    rv_interest interests[EXCHANGE_INTERESTS];
} exchange_wait;

/* How far a request is. */
typedef enum exchange_phase {
    EXCHANGE_STARTING, /* `start` is to be called until it does not answer RV_PENDING */
    EXCHANGE_DURABLE,  /* the answer stands, but its event is not durable yet */
    EXCHANGE_LOCAL,    /* the same, of an event that waits in the outbox */
    EXCHANGE_RELAYED,  /* the same, until a gateway has it, or the root has decided */
    EXCHANGE_DECISION, /* the root has not decided it, or what it decided is not here yet */
    EXCHANGE_ANSWERED
} exchange_phase;

typedef enum face_durability {
    FACE_MEMORY,
    FACE_LOCAL,
    FACE_RELAYED,
    FACE_UPSTREAM
} face_durability;

typedef enum event_format { FORMAT_ARRAY, FORMAT_LINES, FORMAT_FEED } event_format;

/* What a read of events is narrowed to (face/narrow.c). */
typedef struct event_narrow {
    bool by_type;
    uint64_t types[RV_EVENT_TYPES_MAX / 64]; /* bits */
    uint32_t where_len; /* of the condition, in the exchange's buffer; 0: none */
} event_narrow;

/* The condition, compiled; of one piece of an answer. */
typedef struct event_filters {
    rv_expr *compiled; /* by event type; without steps: not yet */
    rv_value *values;  /* of one event's fields */
    rv_arena arena;    /* of the compiled */
} event_filters;

/* A read of events: one stream's, or those a pattern selects. */
typedef struct event_read {
    rv_subscription subscription;
    rv_path_pattern pattern;
    char pattern_text[RV_PATH_LEN_MAX];
    event_format format;
    bool positioned; /* `subscription` stands where it should */
    bool by_version; /* a stream as it is: in the order of its versions */
    uint64_t from_position;
    int64_t from_time; /* Unix microseconds */
    bool from_now;
    uint64_t end_sequence; /* a read that is no feed ends before it */
    uint64_t from_version; /* of one stream */
    uint64_t until_version;
    uint64_t until_position;
    int64_t until_time;
    uint64_t left; /* events that may still be yielded */
    uint64_t yielded;
    bool over;
    bool narrowed;       /* not everything that is asked for may be read: the others are left out */
    int64_t last_piece;  /* of a feed */
    uint32_t cursor_tag; /* of this node's log, in a feed's ids */
} event_read;

/* What the answer of a request was made of, beside the schema: when one of these has moved, it may
 * be another one. */
typedef struct answer_source {
    bool rows; /* what `live.reads` has of them */
    bool outbox;
    bool node;     /* anything that a node knows */
    bool followed; /* it is one that can be followed, whatever it was made of */
} answer_source;

/* The rows of the last result that was told, by their hashes (face/differences.c). */
typedef struct kept_result {
    bool known;
    uint32_t count;
    rv_hash128 rest;                                        /* of what is beside the rows */
    uint16_t blocks[RV_LIVE_ROWS_MAX / RV_LIVE_BLOCK_ROWS]; /* of the face's pool */
} kept_result;

/* Blocks of a pool; none, all zero. */
typedef struct block_run {
    uint32_t first;
    uint32_t count;
} block_run;

/* A request that is answered again (face/live.c). */
typedef struct live_answer {
    block_run text;       /* what it keeps of the pool for requests that are long */
    rv_follower follower; /* the rows that it was made of; its reads also while it is made */
    rv_sql_upkeep upkeep; /* what keeps a query's result up */
    uint64_t schema;      /* the schema, the outbox and the log when it was answered */
    uint64_t outbox_moves;
    uint64_t relayed;
    uint64_t log_moves;
    rv_hash128 hash; /* of the last answer that was given, */
    bool given;      /* if there was one */
    bool differs;    /* what is given out is the difference to the one before */
    kept_result kept;
    bool making; /* another one is being made */
    bool asked;  /* one was made that is to be given out */
    bool open;   /* an answer's end is still to be written */
    bool over;
    int64_t last_piece;
} live_answer;

/* A feed of changes (face/changes.c). */
typedef struct changes_feed {
    rv_row_feed feed;
    uint32_t where_len;   /* of the condition, in the exchange's buffer; 0: none */
    bool large;           /* compiled it has no room behind that; else it is there: */
    rv_expr compiled;     /* as it was, */
    uint64_t compiled_by; /* by this schema */
    rv_hash128 sum;       /* of the rows that were told, as they were told */
    bool known;           /* the reader says that it has rows, of this sum: */
    char sum_known[32];
    bool columns; /* rows are arrays, and what they are of is told before a reset, */
    bool headed;  /* which was done */
    bool over;
    int64_t last_piece;
    uint64_t schema; /* by which `reads` has the rows that it tells of, */
    uint32_t swaps;  /* and after how many selections */
    rv_reads reads;
} changes_feed;

struct rv_exchange {
    rv_face *face;
    bool used;
    exchange_kind kind;
    exchange_phase phase;
    rv_request request;
    rv_response_head head;
    bool numbers_as_text;    /* ?numbers=text */
    uint64_t wait_sequence;  /* EXCHANGE_DURABLE */
    bool keys_awaited;       /* it has waited for serial keys: */
    uint16_t keys_aggregate; /* of this aggregate, */
    uint64_t keys_blocks;    /* when the edge had got so many blocks */
    uint64_t edge_sequence;  /* of the batch that it wrote to the outbox, from then on; else 0 */
    uint32_t written_count;  /* its events */
    bool covered;            /* all of them come here */
    bool answer_minimal;
    uint64_t made; /* batches of the log that are to be durable; 0: none yet */
    bool admitted;
    bool guarded; /* it came with a token, whose rights apply: */
    uint8_t digest[RV_DIGEST_SIZE];
    uint64_t tokens_generation; /* when it was admitted */
    int64_t judged_at;    /* the time its token must not have expired by: when it was admitted;
                           * of a feed, when its last piece was asked for */
    size_t principal_len; /* 0: nobody knows who */
    char principal[RV_TOKEN_NAME_MAX];
    uint8_t first_id[16]; /* of its first event */
    int32_t result;       /* index of the result buffer, or -1 */
    int64_t given_at;     /* when it began to be given out; 0: it has not */
    rv_sql_query *query;  /* that fills it; NULL: none is open */
    size_t query_len;     /* so far */
    size_t rows_at;       /* where its rows begin */
    bool past_awaited;    /* it has waited for the state of the past */
    bool differences;     /* a live one is told by what differs from the last result */
    rv_bytes text;        /* the body, in `buffer` or the result buffer, */
    size_t text_sent;     /* and how much of it was given out */
    event_narrow narrow;  /* EXCHANGE_EVENTS */
    answer_source source; /* of the answer, as far as it can be followed */
    exchange_wait wait;   /* of a feed */
    union {
        event_read read;
        live_answer live;
        changes_feed changes;
    };
    uint8_t buffer[EXCHANGE_BUFFER_SIZE];
};

typedef struct result_buffer {
    uint8_t *ptr;
    bool used;
} result_buffer;

/* What a feed depends on, that waits, beside events, rows and what is pending. */
typedef struct feeds_stand {
    uint64_t schema;
    uint64_t tokens;
    uint32_t rewinds;
    uint32_t swaps; /* of the selection */
    bool whole;
    bool provisional;
} feeds_stand;

/* Feeds that wait, and how far it was looked for all of them (face/waiting.c). */
typedef struct feeds_waiting {
    rv_interests interests;
    rv_ring idle;
    rv_ring woken;
    uint32_t of_events;     /* that wait for events, */
    uint32_t of_rows;       /* for rows, */
    uint32_t of_moment;     /* and go on from a moment */
    rv_subscription router; /* of all events */
    rv_touched rows;
    uint64_t moment; /* of `rows`; 0: there is none */
    uint32_t pending;
    feeds_stand stand;
    uint32_t ended; /* feeds, since what is read was last gathered */
    uint64_t asked; /* times that a feed was asked */
} feeds_waiting;

struct rv_face {
    rv_face_options options;
    rv_exchange *exchanges;
    uint32_t exchange_count; /* those that ever were in use: the others' memory is untouched */
    result_buffer *results;
    bool result_wanted; /* somebody waits for one */
    rv_moments moments; /* of feeds of changes, and of queries that are kept up */
    rv_touches touches; /* of live answers, */
    feeds_waiting waiting;
    uint64_t *kept; /* hashes of rows that were told, in blocks, for those who ask for */
    bool kept_used[RV_LIVE_BLOCKS]; /* differences; NULL without SQL */
    uint8_t *texts;                 /* of long requests, in blocks; NULL without SQL */
    bool texts_used[FACE_TEXT_BLOCKS];
    uint64_t answers;     /* and how many were made after the first ones */
    uint8_t *past_memory; /* for answers from the past; NULL: there was none yet */
    rv_as_of *as_of;
    rv_exchange *past_of; /* whose answer is made from the state of the past; NULL: nobody's */
    rv_sql *past_sql;     /* over it, for this exchange */
    rv_arena scratch;     /* of one call: decoded text, parsed events */
    rv_append *appends;
    rv_event *events;
    size_t events_max; /* of one request */
};

/* --- answering --- */

/* The answer is `status` with this body, which lies in the exchange's or its result buffer. */
void exchange_answer(rv_exchange *x, int status, const char *content_type, rv_bytes body);

/* The answer is a problem (RFC 9457). */
void exchange_problem(rv_exchange *x, const rv_error *err);

/* RV_PENDING until the batches that `made` counts are durable; what made the node read-only. */
RV_MUST_USE rv_status exchange_wait_durable(const rv_exchange *x, rv_error *err);

/* A writer for the answer: over the exchange's own buffer, or, when `large`, over a result buffer.
 * RV_PENDING when none is free: nothing has happened yet, the request is started again later. */
rv_status exchange_writer(rv_exchange *x, bool large, rv_writer *w);

/* Gives the result buffer back, if there is one, and ends the query that fills it. */
void exchange_release(rv_exchange *x);

/* Answers the request anew, as its first time. RV_PENDING: not now; or the error to be told. */
rv_status exchange_run(rv_exchange *x, rv_error *err);

/* True when the request is for a live feed. */
bool exchange_is_live(const rv_exchange *x);

/* --- whole.c --- */

/* True when what the node holds at W is all that it is to hold, with a schema: as rv_node_whole,
 * but false at an edge that has not met its upstream. */
bool face_is_whole(const rv_node *node);

/* True while what a provided schema shows may be somebody else's in a moment. */
bool face_is_about_to_meet(const rv_exchange *x);

/* RV_PENDING while a schema may come, RV_NOT_CONNECTED when none has come for too long; RV_OK. */
rv_status face_await_schema(const rv_exchange *x, rv_error *err);

/* Of a node that is not whole, or is about to meet its upstream. RV_PENDING while that may come;
 * RV_OK: why it does not is the answer, a problem, RV_NOT_CONNECTED or RV_BUSY. */
rv_status face_await_whole(rv_exchange *x, rv_error *err);

/* The same at once: RV_OK. */
rv_status face_answer_not_whole(rv_exchange *x, rv_error *err);

/* --- as_of.c --- */

/* The answer is made of the state as it was at `text`, a position or a time, from RV_OK until
 * exchange_release or _leave_past. RV_PENDING: not yet; RV_PARAMETER_INVALID (also for a live
 * feed), RV_UNSUPPORTED (no memory is set apart), RV_MEMORY_EXHAUSTED; those of rv_as_of_reach. */
rv_status face_as_of(rv_exchange *x, rv_bytes text, rv_error *err);

/* The same for the parameter `as_of`; RV_OK and nothing, if there is none. */
rv_status face_as_of_parameter(rv_exchange *x, const rv_url *url, rv_error *err);

/* SQL over that state, of this exchange alone. RV_MEMORY_EXHAUSTED. */
rv_status face_past_sql(rv_exchange *x, rv_sql **sql, rv_error *err);

/* The state that the answer is made of, its schema, and rv_node_stale of it. */
rv_state *exchange_state(const rv_exchange *x);
const rv_schema *exchange_schema(const rv_exchange *x);
bool exchange_stale(const rv_exchange *x, uint16_t aggregate, uint64_t *since);
bool exchange_is_past(const rv_exchange *x);

/* The answer is made: others may have that state. */
void exchange_leave_past(rv_exchange *x);

/* --- narrow.c --- */

/* Reads `type` and `where`. RV_UNKNOWN_EVENT_TYPE, RV_PARAMETER_INVALID, RV_SELECTION_INVALID (the
 * condition, with facts "line" and "column"), RV_MEMORY_EXHAUSTED. */
rv_status face_narrow_read(rv_exchange *x, const rv_url *url, rv_error *err);

/* A piece of the answer begins; takes the face's scratch. RV_MEMORY_EXHAUSTED. */
rv_status face_narrow_begin(rv_exchange *x, event_filters *filters, rv_error *err);

/* Whether the event is one that was asked for. RV_MEMORY_EXHAUSTED. */
rv_status face_narrow_admits(rv_exchange *x, event_filters *filters, const rv_event *event,
                             bool *passes, rv_error *err);

/* --- live.c --- */

/* The request was answered, in `text`: from now on it is a feed of its answers.
 * RV_REQUEST_TOO_LARGE: it is longer than can be kept. */
rv_status face_live_begin(rv_exchange *x, rv_error *err);

/* It is over, and held for no more. */
void face_live_end(rv_exchange *x);

/* What keeps the result of its query up, as it is to be used now. */
rv_sql_upkeep *face_live_upkeep(rv_exchange *x);

/* The next piece; as rv_exchange_body. */
rv_status face_live_body(rv_exchange *x, int64_t now, rv_writer *w);

/* Writes the problem as the last frame of a feed. */
void face_feed_problem(rv_error *err, rv_status status, rv_writer *w);

/* --- differences.c --- */

/* The result in `text` is to be told: in its place comes what differs from the last one, if that is
 * kept and it is shorter; `live.differs` says so. And this one is kept, if there is room. */
void face_differences_make(rv_exchange *x);

/* Nothing is kept any more. */
void face_differences_end(rv_exchange *x);

/* True when the answer is the one of now and nothing but rows or the schema makes it another one.
 */
bool face_live_rests(const rv_exchange *x);

/* The aggregate by whose rows the answer is kept up, or RV_NONE. */
uint16_t face_live_kept(const rv_exchange *x);

/* What the face's followers share. */
rv_followers face_followers(rv_face *face);

/* --- waiting.c --- */

rv_status face_waiting_create(rv_face *face, rv_arena *arena);

/* A feed had nothing to say: it waits from now on, if it has said all there is. */
void face_wait(rv_exchange *x, int64_t now);

/* It is to be asked again, or is over. */
void face_wake(rv_exchange *x);

/* A feed is over: what it alone has read is not noted of rows for ever. */
void face_unwatch(rv_face *face);

/* --- changes.c --- */

/* What the feed tells of, as what was read. RV_MEMORY_EXHAUSTED; those of its condition. */
rv_status face_changes_reads(rv_exchange *x, rv_error *err);

rv_status face_changes(rv_exchange *x, const rv_url *url, rv_error *err);

/* The next piece; as rv_exchange_body. */
rv_status face_changes_body(rv_exchange *x, int64_t now, rv_writer *w);

/* --- the handlers: RV_OK, RV_PENDING (start again later), or an error to be answered --- */

rv_status face_append(rv_exchange *x, const rv_url *url, rv_error *err);
/* `face->appends` into the outbox of an edge (face/write.c). */
rv_status face_write(rv_exchange *x, size_t count, face_durability durability, bool minimal,
                     rv_error *err);
/* The same of a command that has run again, or refuses, or came to what is no batch: `reason`. */
rv_status face_write_again(rv_exchange *x, size_t count, rv_error *err);
rv_status face_refuse(rv_exchange *x, rv_error *err);
rv_status face_reject(rv_exchange *x, const rv_error *reason, rv_error *err);
rv_status face_pending(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_outcome(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_rejections(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_rejection_forget(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_read_stream(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_read_events(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_list_aggregates(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_rows(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_query(rv_exchange *x, const rv_url *url, rv_error *err);
/* The aggregate of this name. RV_UNKNOWN_AGGREGATE; NULL then. */
rv_status face_aggregate(const rv_exchange *x, rv_bytes name, const rv_aggregate **aggregate,
                         rv_error *err);
/* `[{"name":…,"type":…},…]` of an aggregate's columns. */
void face_write_columns(const rv_aggregate *aggregate, rv_writer *w);
/* Rows of the aggregate are read: the answer says if they are stale (SEMANTICS 15), which they are
 * when it is true. */
bool face_note_stale(rv_exchange *x, uint16_t aggregate);
rv_status face_schema_get(rv_exchange *x, rv_error *err);
rv_status face_schema_post(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_epoch_post(rv_exchange *x, rv_error *err);
rv_status face_tokens(rv_exchange *x, const rv_url *url, rv_error *err);
rv_status face_selection_get(rv_exchange *x, rv_error *err);
rv_status face_selection_put(rv_exchange *x, rv_error *err);
/* How far the past of what is held is filled in, as an object; null: all of it is here. */
void face_write_purge(const rv_face *face, rv_writer *w);
void face_write_past(const rv_face *face, rv_writer *w);
/* The entries, as an array of texts. */
void face_write_selection(const rv_selection *selection, rv_writer *w);
/* RV_PARAMETER_INVALID: the address has no parameter of a name in the query. */
rv_status face_judge_parameters(const rv_exchange *x, const rv_url *url, rv_error *err);

/* Answers `face->events` as appended. */
void face_answer_events(rv_exchange *x, rv_writer *w, size_t count, bool minimal);

/* EXCHANGE_LOCAL and EXCHANGE_DECISION: goes on when that has come to pass. */
void face_write_check(rv_exchange *x);

/* The members "edge_sequence", "written_at", "blind", "unchecked" of a batch, and the array of its
 * events. */
void face_write_pending_facts(const rv_pending *batch, rv_writer *w);

/* True when a gateway is known to keep the edge's batches up to this one. */
bool face_is_relayed(const rv_face *face, uint64_t edge_sequence);
void face_write_pending_events(const rv_face *face, const rv_pending *batch, rv_writer *w);

/* RV_PARAMETER_INVALID: `text` is no UUID. */
rv_status face_parse_id(rv_bytes text, uint8_t *id, rv_error *err);

/* What a text declares beside what the node has; `text` is a whole schema, or statements that build
 * on the node's. */
rv_status face_schema_diff(rv_exchange *x, rv_bytes text, rv_error *err);

/* May whoever asks do this? RV_FORBIDDEN, RV_UNAUTHENTICATED. */
rv_status face_require(const rv_exchange *x, face_right right, rv_bytes what, rv_error *err);

/* Is the token of a feed that goes on good by now? RV_UNAUTHENTICATED. Any other answer is told
 * whole once its request was admitted, unless the token is revoked meanwhile. */
rv_status face_require_still(rv_exchange *x, rv_error *err);

/* Leaves of a refusal what whoever asks may know of what it is about. */
void face_narrow(const rv_exchange *x, rv_error *refusal);

/* What is written in place of a path (face/path.c) as a path, or a bare stream name: borrowed from
 * `text`, or in scratch. RV_PATH_INVALID, RV_REQUEST_TOO_LARGE. */
rv_status face_path_of(rv_face *face, rv_bytes text, rv_bytes *path, rv_error *err);

/* The same of what `/streams/…` addresses, canonical; in scratch. RV_UNKNOWN_STREAM: nothing. */
rv_status face_stream_path(rv_exchange *x, const rv_url *url, rv_bytes *path, rv_error *err);

/* A time, as Unix microseconds. RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE. */
rv_status face_parse_time(rv_exchange *x, rv_bytes text, int64_t *unix_us, rv_error *err);

/* The next piece of a read of events; as rv_exchange_body. */
rv_status face_read_body(rv_exchange *x, int64_t now, rv_writer *w);

/* A parameter that is true or not there. RV_PARAMETER_INVALID. */
rv_status face_read_flag(rv_exchange *x, const rv_url *url, const char *name, bool *set,
                         rv_error *err);

/* Which hashes are asked for: they cost what has changed since the last time. */
typedef struct rv_face_hashes {
    bool state;
    const rv_path_pattern *patterns; /* of a selection */
    size_t pattern_count;
} rv_face_hashes;

/* Writes what a node says of itself, as a JSON object: role, log_id, epoch, node_id, position,
 * sequence, durable_sequence, synced_to, selection and whole (edge), state_hash and selection_hash
 * (when asked for), schema_version, schema_hash, aggregates that may be read with their rows,
 * streams, log, index, memory, checkpoint, read_only, queries, outbox and upstream (edge). */
void face_write_status(const rv_exchange *x, const rv_face_hashes *hashes, rv_writer *w);

/* True when the header's value names the media type, whatever parameters follow. */
bool header_names(rv_bytes value, const char *media_type);

#endif
