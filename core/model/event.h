/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: how one is completed by its writer (SEMANTICS 7), encoded, decoded, and shown as JSON.
 *
 * The data of an event is: a null bitmap (bit i of byte i/8 set: field i is NULL), then the value
 * of each field that is not NULL, in order of fields (rv_value_encode). The path is not stored: it
 * follows from the data. docs/format/event.md is the specification.
 */
#ifndef RV_MODEL_EVENT_H
#define RV_MODEL_EVENT_H

#include "core/model/schema.h"

/* An event as the log holds it. Bytes are borrowed from whoever gave it. */
typedef struct rv_event {
    uint64_t sequence;
    uint64_t position;
    uint32_t stream;         /* this node's number of the stream instance */
    uint64_t version;        /* of the stream instance: 1, 2, 3 … */
    uint16_t type;           /* number of the event type, or RV_SYSTEM_SCHEMA_TYPE */
    uint32_t schema_version; /* it was written under */
    int64_t written_at;      /* microseconds from 1970-01-01 UTC */
    int64_t recorded_at;     /* the same */
    uint8_t event_id[16];
    bool foreign_id;      /* the id came from the caller; else it derives (rv_event_id_make) */
    bool new_stream;      /* the first event of its stream in this log */
    uint16_t declaration; /* of a new stream: number of its rv_stream, or RV_NONE (system) */
    bool batch_end;       /* the last of its atomic batch */
    bool filled;          /* of the past: filled in behind what came after it */
    rv_bytes data;        /* encoded; of a schema change: the text */
    rv_bytes metadata;    /* a JSON object as text, or empty */
} rv_event;

#define RV_DRAFT_GUESSES 256u

/* An event that is being completed. */
typedef struct rv_event_draft {
    const rv_stream *stream;
    const rv_event_type *type;
    uint16_t admitted;    /* index of the type among the stream's event types */
    uint8_t event_id[16]; /* of the event it becomes: its random values come from it */
    bool given[RV_FIELDS_MAX];
    rv_value values[RV_FIELDS_MAX]; /* in the input or in scratch */
    /* What came in the drafts before, to be tried first: the stream, and which field's member comes
     * after which, as writers keep their order. Whatever it holds, what is read is the same. */
    uint16_t guess_stream;
    uint8_t guesses[RV_DRAFT_GUESSES];
} rv_event_draft;

/*
 * Reads what the caller gave: `path` is a concrete path, or the bare name of a stream (no leading
 * slash) when its keys come from the data or are to be assigned; `data` is a JSON object. Path and
 * data are brought together.
 * RV_UNKNOWN_STREAM, RV_UNKNOWN_EVENT_TYPE, RV_EVENT_TYPE_NOT_ADMITTED, RV_UNKNOWN_FIELD (with the
 * nearest name there is), RV_KEY_MISMATCH, RV_JSON_INVALID (a duplicate key too), RV_PATH_INVALID,
 * RV_VALUE_*, RV_MEMORY_EXHAUSTED.
 */
RV_MUST_USE rv_status rv_event_draft_read(const rv_schema *schema, rv_bytes path, rv_bytes type,
                                          rv_bytes data, rv_arena *scratch, rv_event_draft *draft,
                                          rv_error *err);

/* The draft of an event that another writer has completed: `path` is concrete, `data` encoded, and
 * borrowed by the draft; all fields count as given. RV_UNKNOWN_STREAM, RV_UNKNOWN_EVENT_TYPE,
 * RV_EVENT_TYPE_NOT_ADMITTED, RV_PATH_INVALID, RV_VALUE_INVALID (the data does not decode),
 * RV_KEY_MISMATCH (it belongs to another path). */
RV_MUST_USE rv_status rv_event_draft_decode(const rv_schema *schema, rv_bytes path, rv_bytes type,
                                            rv_bytes data, rv_event_draft *draft, rv_error *err);

/* True when field `f` is the serial key of a row that the event creates, and was not given: the
 * writer assigns it before rv_event_draft_complete. `*aggregate` gets the aggregate's number. */
bool rv_event_draft_wants_serial(const rv_schema *schema, const rv_event_draft *draft, uint16_t f,
                                 uint16_t *aggregate);

/* True when `stored`, the decoded data of a complete event of the draft's type, is what completing
 * the draft may have come to: what is given is the same, and what is not is NULL, unless the writer
 * fills it in (a DEFAULT, a serial key). */
bool rv_event_draft_same(const rv_schema *schema, const rv_event_draft *draft,
                         const rv_value *stored);

/* The seed of random values in an event: of the DEFAULT of its nth field, or of a column of a row
 * that its nth touch creates. The same on every node, as the id is. */
#define RV_EVENT_SEED_OF_FIELD(field) ((uint64_t)(field))
#define RV_EVENT_SEED_OF_COLUMN(touch, column)                                                     \
    (UINT64_C(1) << 40 | (uint64_t)(touch) << 16 | (column))
void rv_event_seed(const uint8_t *event_id, uint64_t which, uint8_t *seed);

/*
 * Fills in defaults, then judges what needs no rows: NOT NULL, and the CHECKs of fields and event.
 * `now_us` counts from 2000-01-01. RV_NOT_NULL_VIOLATION (also for a missing key of the path),
 * RV_CHECK_VIOLATION, RV_PATH_INVALID (a key of the path that is empty, or makes a path of the
 * node's own), errors of expressions. `given` stays as it is: completing again gives the same.
 */
RV_MUST_USE rv_status rv_event_draft_complete(rv_event_draft *draft, int64_t now_us,
                                              rv_arena *scratch, rv_error *err);

/* Writes the encoded data of a complete draft. */
void rv_event_draft_encode(const rv_event_draft *draft, rv_writer *w);

/* True when a path that the draft was read by, if any stream has it, is what rv_event_draft_path
 * writes: all keys in it are stored as integers, so equal ones are one and the same. */
bool rv_event_draft_path_given(const rv_event_draft *draft, rv_bytes path);

/* Writes the canonical path of a complete draft. */
void rv_event_draft_path(const rv_event_draft *draft, rv_writer *w);

/* Decodes data into `values` (field_count places; bytes borrowed from `data`). False: malformed. */
RV_MUST_USE bool rv_event_data_decode(const rv_event_type *type, rv_bytes data, rv_value *values);

/* Writes the data as a JSON object, fields in declared order. False: it does not decode (SEMANTICS
 * 15), and was written as bytea is: a string, `\\x` and hexadecimal digits. */
bool rv_event_data_to_json(const rv_event_type *type, rv_bytes data, rv_writer *w);

/* Where the writer has numbers as text and the type has bigint (or bigint[]) fields:
 * `,"bigints":["field",…]`. It follows the data, whose numeric and bigint fields (and elements) are
 * strings then. */
void rv_event_bigints_to_json(const rv_event_type *type, rv_writer *w);

/* The data, and what follows it as members of its event: the above, or where it does not decode
 * `,"opaque":true`. */
void rv_event_data_members_to_json(const rv_event_type *type, rv_bytes data, rv_writer *w);

/* True for a time (microseconds from 1970) that a timestamp can be: every event's are. */
bool rv_event_time_valid(int64_t unix_us);

/* An event's time, microseconds from 1970, as a timestamptz. */
void rv_event_time_to_json(int64_t unix_us, rv_writer *w);

/* True when the stream admits the type and no key of the path is NULL or empty, as with every event
 * that a writer completed. */
bool rv_event_has_path(const rv_stream *stream, const rv_event_type *type, const rv_value *values);

/* The canonical path of an event that has one, from its decoded values. */
void rv_event_path(const rv_stream *stream, const rv_event_type *type, const rv_value *values,
                   rv_writer *w);

/* Writes a concrete path as a person may have written it, `/orders/007` or with a UUID in capitals,
 * in its canonical form; as it is where no stream has such paths or a key is no value of its type.
 * RV_MEMORY_EXHAUSTED: `scratch` is too small. */
RV_MUST_USE rv_status rv_event_path_canonical(const rv_schema *schema, rv_bytes path,
                                              rv_arena *scratch, rv_writer *w);

/* Writes a pattern with wildcards, whose other segments a person may have written likewise, in the
 * form that the paths have which it may match. A segment that is a key of several types there
 * (a uuid in one stream, text in another) stays as it is, and so does a pattern that is none.
 * RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_event_pattern_canonical(const rv_schema *schema, rv_bytes text,
                                                 rv_arena *scratch, rv_writer *w);

/*
 * The whole event as JSON, in PRODUCT's shape:
 * {"position","path","version","type","schema_version","event_id","recorded_at","data","metadata"}.
 * Behind data that is kept opaque stands "opaque": true.
 * `path` is the stream's concrete path. The data of a schema change is {"version","text"}. A
 * position or version of 0 (pending: not decided yet) is null, and then so is recorded_at.
 * What follows "data" rv_event_data_members_to_json says.
 */
void rv_event_to_json(const rv_schema *schema, const rv_event *event, rv_bytes path, rv_writer *w);

/*
 * Ids that a node makes (SEMANTICS 3) are UUIDv7 (RFC 9562): 48 bits of unix milliseconds of
 * `written_at`, version and variant, and 74 bits of which the high 34 are the node's tag and the
 * low 40 the number the event has at the node that made it. Nothing of it needs to be stored.
 */
void rv_event_id_make(uint64_t tag, uint64_t number, int64_t written_at, uint8_t *id);

/* If `id` has the form above with this tag: its number and milliseconds. */
bool rv_event_id_parse(const uint8_t *id, uint64_t tag, uint64_t *number, int64_t *unix_ms);

#define RV_NODE_TAG_BITS    34
#define RV_EVENT_NUMBER_MAX ((UINT64_C(1) << 40) - 1)

/* No log gets there (at a million events a second it takes 17 years): a larger position is damage
 * or a peer's mistake, and whatever is appended to a log below it still has a number. */
#define RV_POSITION_MAX ((UINT64_C(1) << 39) - 1)

#endif
