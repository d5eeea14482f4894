/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: an append-only run of batches in segment files, over the ticketed host interface. It
 * never waits: calls that need the disk answer RV_PENDING and are made again after rv_log_poll has
 * seen the completion. docs/format/log.md is the specification of the bytes.
 *
 * A segment file is named `log-GGGG-NNNNNNNNNNNNNNNN.seg` (generation and first sequence,
 * hexadecimal), starts with a 4096-byte header (magic, format version, log id, epoch, node id, node
 * tag, segment number, generation, first sequence, salt, last batch checksum of the segment before,
 * checksum) and goes on with batches, each a 64-byte header and a body of records:
 *
 *     u32 crc32c of all that follows, header and body   u32 body length
 *     u32 previous batch's crc, mixed with the salt       u8 kind  u24 number of events
 *     u64 first sequence   u64 first position   u64 watermark after this batch
 *     u64 chain hash after this batch   i64 time   u64 offset known to be durable
 *
 * The space is reserved ahead in extents, so a full disk shows before a batch is taken, not after.
 * Zeros follow the last batch; a seal batch (kind 2, no body) ends a log that was closed cleanly,
 * and the file ends with it. Batches begin at multiples of 8.
 *
 * Order of life: rv_log_create; rv_log_recover until RV_END; then append, read and poll;
 * rv_log_seal until RV_END.
 *
 *   invariant 1: durable <= written <= appended (sequences, and offsets alike).
 *   invariant 2: bytes below the durable offset never change.
 *   invariant 3: at most one write-or-flush chain is under way; what is appended meanwhile goes out
 *                with the next one (group commit).
 *   invariant 4: after a failed flush or write nothing is written any more: rv_log_failed tells.
 */
#ifndef RV_LOG_LOG_H
#define RV_LOG_LOG_H

#include "core/base/arena.h"
#include "core/base/unused.h"
#include "core/log/record.h"
#include "rivulet/host.h"

typedef struct rv_log rv_log;

/* Who writes the log; kept in every segment's header. */
typedef struct rv_log_identity {
    uint8_t log_id[16]; /* the root's log; equal on all nodes that hold parts of it */
    uint8_t node_id[16];
    uint32_t epoch;
    uint64_t root_tag; /* RV_NODE_TAG_BITS bits: event ids of the root derive from it */
    bool root;         /* this node is the root */
} rv_log_identity;

typedef struct rv_log_options {
    rv_host host;
    size_t write_buffer_size; /* at least one largest batch and its header, twice */
    size_t batch_len_max;
    uint32_t read_slot_count; /* at least 4; each as large as the largest batch and its header */
    uint64_t segment_size;    /* a segment is closed when the next batch would pass it */
    uint64_t extent_size;     /* space is reserved in steps of this */
    uint32_t index_events;    /* a power of two: of a run when it is made, and half of those that
                                 are known in memory; 0: nothing is indexed */
    uint32_t index_blocks;    /* slots for blocks of runs, 4 KiB each; at least 8 */
} rv_log_options;

/* A verified batch. Borrowed from the log: until the next call that is not said to keep it. */
typedef struct rv_batch {
    uint64_t first_sequence; /* of the first event; the next one's when it holds none */
    uint64_t first_position;
    uint64_t watermark;  /* every position up to it is held, as far as it is selected */
    uint64_t chain_hash; /* the root's running hash at `watermark` */
    int64_t time;        /* microseconds from 1970 */
    rv_bytes body;
} rv_batch;

/* Takes all its memory from `arena`. RV_MEMORY_EXHAUSTED. Starts nothing. */
RV_MUST_USE rv_status rv_log_create(rv_log **log, const rv_log_options *options, rv_arena *arena,
                                    rv_error *err);

/*
 * Recovers what is stored, batch by batch: RV_OK with the next batch in order (valid until the next
 * call), RV_PENDING, RV_END when all is read and appending can begin. An empty storage ends at once
 * and has no identity (rv_log_has_identity).
 * A torn tail above what is known to be durable is cut: its bytes are first kept in a file
 * `cut-NNNNNNNNNNNNNNNN.bin` (numbered from 1), and rv_log_cut tells. RV_DATA_DAMAGED: bad bytes
 * below that, with facts "file", "offset", "sequence" (the last intact one); the log can then be
 * read up to there, not appended to. RV_DATA_NEWER, RV_STORAGE_*, RV_DATA_NOT_WRITABLE.
 */
RV_MUST_USE rv_status rv_log_recover(rv_log *log, rv_batch *batch, rv_error *err);

/*
 * A place in the log behind a durable batch, and enough about that batch to know it again: what a
 * checkpoint keeps, so that the next life begins there. Plain data.
 */
typedef struct rv_log_mark {
    uint8_t log_id[16];
    uint32_t epoch;
    uint32_t crc;           /* of the last batch, or of the segment's header when it has none */
    uint64_t segment;       /* number, from 1 */
    uint64_t segment_first; /* its first sequence */
    uint64_t last;          /* where that batch begins; `offset` when there is none */
    uint64_t offset;        /* where it ends */
    uint64_t next_sequence;
    uint64_t watermark;
    uint64_t chain_hash;
} rv_log_mark;

#define RV_LOG_MARK_SIZE 80 /* as it is stored */

void rv_log_mark_encode(uint8_t *to, const rv_log_mark *mark);

/* Reads RV_LOG_MARK_SIZE bytes. False: no mark says that. */
RV_MUST_USE bool rv_log_mark_decode(const uint8_t *from, rv_log_mark *mark);

/*
 * A mark of the log as it is appended now: begin, then get until it is not RV_PENDING. Get: RV_OK
 * when all up to there is durable; RV_PENDING before; RV_END: the log holds nothing yet, or begin
 * was not called; RV_READ_ONLY: it failed before. A later begin takes the place of the one before.
 */
void rv_log_mark_begin(rv_log *log);
RV_MUST_USE rv_status rv_log_mark_get(const rv_log *log, rv_log_mark *mark);

/*
 * Before the first rv_log_recover: begins recovery behind this mark. Segments before the mark's are
 * checked by name and header, not read; the batch that ends at the mark is. RV_OK: rv_log_recover
 * gives the batches behind it, to RV_END; all else works as after a full recovery (damage before
 * the mark is found when it is read). RV_PENDING: call again with the same mark. RV_END: the mark
 * does not fit the files, and nothing has changed: try another, or recover from the start, which
 * then takes a log of the mark's id and epoch that ends before it for damaged. Failures as
 * rv_log_recover.
 */
RV_MUST_USE rv_status rv_log_recover_from(rv_log *log, const rv_log_mark *mark, rv_error *err);

/* Before the first rv_log_recover or _recover_from: a log that was here is no more, and another is
 * begun, or was. That there are no segments is no damage, whatever was kept of the other one. */
void rv_log_recover_anew(rv_log *log);

/*
 * Going back (SEMANTICS 5): a log whose last batches are not to be any more. What they are is kept,
 * byte for byte: the rest of the segment in one `cut-` file, each later segment in another.
 *
 * Before the first rv_log_recover or _recover_from, one of these. _until: only notes where the
 * first batch begins whose watermark is above; recovery gives all batches. _back: the log is to end
 * at such a place, which was noted before. Recovery ends there, with RV_END, unless that was done
 * in an earlier life: then it goes on. Where it has ended there, rv_log_cut_back comes next.
 */
typedef struct rv_log_end_place {
    uint64_t segment_first; /* first sequence of the segment; 0: there is no such batch */
    uint64_t offset;
} rv_log_end_place;

void rv_log_recover_until(rv_log *log, uint64_t watermark);
void rv_log_recover_back(rv_log *log, const rv_log_end_place *place, uint64_t watermark);

/* Recovery has come to the place, or past it. */
bool rv_log_recover_passed(const rv_log *log, rv_log_end_place *place);

/* What keeps it from being cut: the log can be read up to there. Nothing, if it is open. */
void rv_log_recover_stop(rv_log *log, const rv_error *reason);

/* Cuts the log there. RV_PENDING; RV_END: appending can begin; failures as rv_log_recover. */
RV_MUST_USE rv_status rv_log_cut_back(rv_log *log, rv_error *err);

/* The batch that rv_log_recover has just given cannot be used, for this reason, which gets the
 * facts "file" and "offset". The log ends before it, as with damage: it can be read, not appended
 * to. */
void rv_log_recover_refuse(rv_log *log, rv_error *reason);

bool rv_log_has_identity(const rv_log *log);
const rv_log_identity *rv_log_identity_of(const rv_log *log);

/* Gives an empty log its identity, before the first append; the segment is made with it. */
void rv_log_set_identity(rv_log *log, const rv_log_identity *identity);

/* What recovery cut off: number of bytes, 0 for none, and the name of the file that keeps them. */
uint64_t rv_log_cut(const rv_log *log, rv_bytes *kept_in);

/*
 * Appending: begin gives a writer over the log's own buffer, with room for `batch_len_max` bytes of
 * body; commit makes a batch of what was written, in memory at once, on disk when polled; cancel
 * forgets it.
 * begin: RV_BUSY when the buffer is full of what is not yet written (poll, then again);
 * RV_READ_ONLY after a failure; RV_STORAGE_FULL when the space for the largest batch could not be
 * reserved (it is tried again at the next begin, after poll); RV_PENDING while it is being
 * reserved; RV_CLOSING once the log is being sealed.
 */
RV_MUST_USE rv_status rv_log_append_begin(rv_log *log, rv_writer *body, rv_error *err);
void rv_log_append_cancel(rv_log *log);

/* `batch->body` is ignored; `event_count` event records were written, none of a position above
 * `batch->watermark`, which never falls. Returns the chain hash: of a root's log over previous
 * hash, time and body (unmoved by a batch without events, since it belongs to positions); of an
 * edge's, `batch->chain_hash`. */
uint64_t rv_log_append_commit(rv_log *log, const rv_batch *batch, const rv_writer *body,
                              uint64_t event_count);

/* Goes on with writing and flushing; takes completions that belong to the log (the node hands them
 * over). Writes gather whatever was appended; a flush follows each write. RV_OK, or the failure
 * that made the log read-only, each time. */
RV_MUST_USE rv_status rv_log_poll(rv_log *log, rv_error *err);

/* True when the ticket was the log's. Tickets of the log have `ticket >> 56 == RV_LOG_TICKETS`. */
bool rv_log_completed(rv_log *log, const rv_io_completion *completion);
#define RV_LOG_TICKETS UINT64_C(1)

/* Sequences: the last appended (in memory), and the last that is flushed; 0 for none. */
uint64_t rv_log_appended(const rv_log *log);
uint64_t rv_log_durable(const rv_log *log);

/* Batches appended since the log was opened, and how many of them are flushed: to be waited for by
 * what has no sequence. All that was there at opening is flushed. */
uint64_t rv_log_batches(const rv_log *log);
uint64_t rv_log_batches_durable(const rv_log *log);

/* As of the last durable batch, and of the last appended one. */
uint64_t rv_log_watermark_durable(const rv_log *log);
uint64_t rv_log_chain_durable(const rv_log *log);
uint64_t rv_log_watermark(const rv_log *log);
uint64_t rv_log_chain(const rv_log *log);

/* True when operations are under way or data waits to be written or flushed. */
bool rv_log_busy(const rv_log *log);

/* Adds the append buffer, when the log is open and nothing is in it. */
void rv_log_unused(const rv_log *log, rv_unused *unused);

/* Times that space for a batch was refused by the storage. */
uint64_t rv_log_refused(const rv_log *log);

/* Why the log is read-only: RV_OK when it is not. */
rv_status rv_log_failed(const rv_log *log);

/* A place to read from. Plain data, keeps nothing alive; survives everything but reopening. */
typedef struct rv_log_cursor {
    uint64_t sequence; /* the next event to be read */
    uint64_t segment;  /* hint: where its batch begins, in which generation of the segment (above 32
                          bits); UINT64_MAX when not known */
    uint64_t offset;
} rv_log_cursor;

/* A cursor before the event with this sequence (1 or more). */
rv_log_cursor rv_log_cursor_at(uint64_t sequence);

/*
 * The durable batch that holds `cursor->sequence`, and moves the cursor past it; the first such
 * batch may begin before the sequence asked for. Batches without events are passed over. A batch
 * stays valid until the next rv_log_read or rv_log_poll. RV_OK, RV_PENDING (read under way), RV_END
 * (not durable yet, or not there yet), RV_DATA_DAMAGED with the place, RV_STORAGE_FAILED, RV_BUSY
 * (all slots wait for reads). Cost: near the cursor's hint it is what the batch costs; without, at
 * most one index step (sparse, in memory, one entry each 64 KiB of log or so) and a scan to the
 * batch.
 */
RV_MUST_USE rv_status rv_log_read(rv_log *log, rv_log_cursor *cursor, rv_batch *batch,
                                  rv_error *err);

/* Where a walk over the log goes on; zeros: at its beginning. Plain data. */
typedef struct rv_log_walk {
    uint32_t segment;
    uint32_t generation; /* of it */
    uint64_t offset;
} rv_log_walk;

/* The next durable batch, with events or without, as recovery gave it; the walk goes on behind it.
 * The batch is valid as after rv_log_read, and so are the statuses; RV_SNAPSHOT_EXPIRED: the
 * segment was rewritten since the last one: begin at zeros again. */
RV_MUST_USE rv_status rv_log_walk_next(rv_log *log, rv_log_walk *walk, rv_batch *batch,
                                       rv_error *err);

/*
 * Looks in an open log for the batch that a mark was taken behind. RV_OK: it is there, with all
 * that the mark says of it, so that the mark is of this log; `walk` goes on behind it. RV_END: it
 * is not, or the mark is behind no batch, but at the begin of a segment; RV_PENDING, RV_BUSY,
 * RV_STORAGE_FAILED as rv_log_read.
 */
RV_MUST_USE rv_status rv_log_mark_find(rv_log *log, const rv_log_mark *mark, rv_log_walk *walk,
                                       rv_error *err);

/* Lends memory that batches are read into, for something else that is read: at least RV_PAGE_SIZE
 * bytes, `*len`, until they are given back. NULL: all of it is being read into now. */
RV_MUST_USE uint8_t *rv_log_borrow(rv_log *log, size_t *len);
void rv_log_give_back(rv_log *log, const uint8_t *buf);

/* Moves when a batch that was read before may not lie where it lay any more, since something else
 * was read, by whatever call. */
uint64_t rv_log_slots_taken(const rv_log *log);

/* Starts the records of a batch. */
rv_record_context rv_batch_context(const rv_batch *batch, const rv_log *log);

/* The sequence of the first event whose position is at least `position`: by the sparse index, then
 * batch headers. Same statuses as rv_log_read; RV_END: there is none yet, `*sequence` is the next.
 */
RV_MUST_USE rv_status rv_log_find_position(rv_log *log, uint64_t position, uint64_t *sequence,
                                           rv_error *err);

/* The chain hash that the log held at `position`, if a batch ended there: for lineage (SEMANTICS
 * 5). RV_OK; RV_END when no batch ends exactly there; RV_PENDING; failures as rv_log_read. */
RV_MUST_USE rv_status rv_log_chain_at(rv_log *log, uint64_t position, uint64_t *chain_hash,
                                      rv_error *err);

/* The first end of a batch at or above a position, at least 1, and the chain hash there. RV_OK;
 * RV_END: there is none yet; RV_PENDING; failures as rv_log_read. */
RV_MUST_USE rv_status rv_log_chain_from(rv_log *log, uint64_t position, uint64_t *watermark,
                                        uint64_t *chain_hash, rv_error *err);

/*
 * The index: which events a stream has, and which event has an id that a caller brought. The last
 * events are known in memory, the others from runs (core/log/run.h), which are made and merged
 * while the log is polled. What is missing there is read from the log: slower, never wrong.
 *
 * Whoever writes an event record, or reads one in recovery, tells of it at once: after
 * rv_record_write_event, or for each event of a batch that rv_log_recover gave. Cancelling takes it
 * back. If an event is left out, those before it are forgotten, and read again later.
 */
void rv_log_note(rv_log *log, const rv_event *event);

/* The same of an event that is gone (RV_RECORD_GONE). */
void rv_log_note_gone(rv_log *log, const rv_event *event);

/* How many events a batch can have if callers brought ids for some: more would not be known, the
 * first ones not any more, when the last ones are judged. */
size_t rv_log_notes_max(const rv_log *log);

/* Where in a stream to look. Plain data. */
typedef struct rv_log_stream_cursor {
    uint32_t stream;
    uint64_t version;  /* of the next event, at least */
    uint64_t sequence; /* it is not before this */
    rv_log_cursor scan;
} rv_log_stream_cursor;

rv_log_stream_cursor rv_log_stream_from(uint32_t stream, uint64_t version);

#define RV_LOG_SEQUENCES_MAX 64

typedef struct rv_log_sequences {
    uint64_t *list;
    uint32_t cap; /* no more than RV_LOG_SEQUENCES_MAX are found at a time */
    uint32_t count;
} rv_log_sequences;

/* The sequences of the next durable events of the stream, in order: one or more. Moves the cursor
 * behind them. RV_OK; RV_END: no more is durable; RV_PENDING: poll, call again; RV_BUSY, RV_DATA_…,
 * RV_STORAGE_FAILED as rv_log_read, where it has to read. */
RV_MUST_USE rv_status rv_log_find_versions(rv_log *log, rv_log_stream_cursor *cursor,
                                           rv_log_sequences *found, rv_error *err);

/* True when nothing has to be read to know which streams the durable events from this sequence on
 * are of: runs and the tail cover them. */
bool rv_log_indexed_from(const rv_log *log, uint64_t sequence);

/* A look-up of one version, which may take several calls. Plain data; zeros begin one. */
typedef struct rv_log_version_search {
    uint64_t at; /* sequences below were looked at */
    rv_log_cursor scan;
    uint64_t version; /* the least one met, 0: none */
    uint64_t sequence;
} rv_log_version_search;

/* The durable event of the stream with the least version that is not below `version`, wherever it
 * lies: in a log whose past was filled in, versions are not in the order of sequences. RV_OK;
 * RV_END: there is none; RV_PENDING, RV_BUSY and failures as rv_log_find_versions. */
RV_MUST_USE rv_status rv_log_find_version(rv_log *log, uint32_t stream, uint64_t version,
                                          rv_log_version_search *search, rv_error *err);

/* The sequence of the event with this foreign id, durable or not, if it is not known to be below
 * `since`. RV_OK, RV_END: there is none; the others as above. */
RV_MUST_USE rv_status rv_log_find_id(rv_log *log, const uint8_t *id, uint64_t since,
                                     uint64_t *sequence, rv_error *err);

/* The id is not below this sequence: how far an earlier look-up of it came, as long as that is
 * remembered; 1: nothing is known. */
uint64_t rv_log_id_known(const rv_log *log, const uint8_t *id);

/* What the index said of this sequence is not so: the run that did is dropped, and made again. */
void rv_log_index_doubt(rv_log *log, uint64_t sequence);

/* True when the index has work to do that needs no event of the outside: poll soon. */
bool rv_log_working(const rv_log *log);

typedef struct rv_log_index_facts {
    uint32_t runs;
    uint64_t bytes;   /* of their files */
    uint64_t indexed; /* the last sequence before which runs cover all */
    uint32_t damaged; /* runs found bad since opening; the last one: */
    rv_bytes damaged_file;
    uint32_t failures; /* runs that could not be made since opening */
    uint64_t reads;    /* blocks asked of the host since opening */
} rv_log_index_facts;

rv_log_index_facts rv_log_index_facts_of(const rv_log *log);

/*
 * Writing segments again (SEMANTICS 19): what is not to be kept leaves the files when its segment
 * is written as a new generation, beside the old one, batch by batch, while the log goes on.
 */
typedef struct rv_rewrite_ops {
    /* Writes what the batch is to hold from now on: as many events, those that are gone counted
     * (RV_RECORD_GONE). False: it stays as it is, whatever was written. It is asked twice for each
     * batch, and may answer another thing the second time. */
    bool (*filter)(void *ctx, const rv_batch *batch, rv_writer *body);
} rv_rewrite_ops;

/* Begins to go over a segment (0, 1 …) that another follows, in rv_log_poll; nothing is written
 * when the filter changes nothing. `ops` NULL: every batch is copied as it is. False: another one
 * is under way, or the log takes nothing more. */
RV_MUST_USE bool rv_log_rewrite_begin(rv_log *log, uint32_t segment, const rv_rewrite_ops *ops,
                                      void *ctx);

/* RV_PENDING; RV_OK: the last one is done, or none was begun; or why it failed: the older
 * generation is still there. */
rv_status rv_log_rewrite_status(const rv_log *log);

/* True when the last one that is done was written, `*freed` being the bytes by which it is shorter;
 * false: nothing was to be changed. */
bool rv_log_rewritten(const rv_log *log, uint64_t *freed);

/* An event that a filter lets go is not found any more. */
void rv_log_lose(rv_log *log, const rv_event *event);

/* The last segment ends where it does, if it has events: what is appended from now on goes to the
 * next one. */
void rv_log_roll(rv_log *log);

/* Flushes everything, writes the seal and closes the files: RV_PENDING until RV_END. */
RV_MUST_USE rv_status rv_log_seal(rv_log *log, rv_error *err);

/* The same of a log to which nothing was appended, and nothing shall be: only closes the files. */
RV_MUST_USE rv_status rv_log_leave(rv_log *log, rv_error *err);

/* Bytes on disk that hold batches and headers, and number of segments. */
uint64_t rv_log_bytes(const rv_log *log);
uint32_t rv_log_segment_count(const rv_log *log);

/* How many there can be. */
uint32_t rv_log_segment_max(const rv_log *log);

/* The sequence with which a segment (0, 1 …) begins. */
uint64_t rv_log_segment_first(const rv_log *log, uint32_t segment);

#endif
