/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of an events message: which event types it has, which column carries which field and
 * how, and what encoder and decoder remember while they go through the events, the same on both
 * sides. docs/format/wire.md, "Events", specifies the bytes.
 *
 * A field's column has a mode:
 *
 *   RANK   values have ids in a dictionary, and an id is sent by its rank (sync/ranks.h). Columns
 * of the same name and class are a group: they share the dictionary, and what a stream had in the
 * group before is the context of the next. A new number is sent as the difference to the group's
 * new number before, so numbers that never come again cost no more than that. TIME   difference to
 * the message's timestamp before, in any column: timestamps KEY    nothing: the value is a variable
 * of the stream's path
 */
#ifndef RV_SYNC_PLAN_H
#define RV_SYNC_PLAN_H

#include "core/base/cursor.h"
#include "core/base/unused.h"
#include "core/model/event.h"
#include "sync/chunks.h"
#include "sync/ranks.h"

/* --- limits of one message; a decoder refuses more --- */
#define RV_COLUMNS_EVENTS_MAX 4096u /* enough for the dictionaries to pay */
#define RV_COLUMNS_TYPES_MAX  128u
#define RV_COLUMNS_FIELDS_MAX 512u /* of all types together */
#define RV_COLUMNS_ENTRIES_MAX                                                                     \
    6144u /* of the dictionary; later values are sent whole each time                              \
           */
#define RV_COLUMNS_PATHS_MAX    (128u << 10) /* bytes of all paths */
#define RV_COLUMNS_CONTEXTS_MAX (128u << 10) /* streams times groups */
#define RV_COLUMNS_KEYS_MAX     2u           /* variables of a path that are sent as such */

typedef enum rv_column_mode {
    RV_COLUMN_RANK,
    RV_COLUMN_TIME,
    RV_COLUMN_KEY, /* of variable 0; the next of variable 1 */
    RV_COLUMN_KEY_LAST = RV_COLUMN_KEY + RV_COLUMNS_KEYS_MAX - 1
} rv_column_mode;

/* The columns that every message has; then two for each group (lengths, bytes), and two for each
 * field (values, presence). */
typedef enum rv_column_number {
    RV_COLUMN_FLAGS,
    RV_COLUMN_GAPS,                           /* of position */
    RV_COLUMN_RECORDED,                       /* recorded_at, difference */
    RV_COLUMN_SCHEMA,                         /* schema versions, difference */
    RV_COLUMN_VERSIONS,                       /* of a stream met before: version - previous - 1 */
    RV_COLUMN_RUNS_COUNT,                     /* those above are sent as runs */
    RV_COLUMN_WRITTEN = RV_COLUMN_RUNS_COUNT, /* written_at - recorded_at, where flagged */
    RV_COLUMN_IDS,                            /* foreign ids */
    RV_COLUMN_DISTANCES,                      /* events since the stream's last; 0: a new stream */
    RV_COLUMN_STREAMS,                        /* paths of new streams, and their versions */
    RV_COLUMN_TYPES,
    RV_COLUMN_METADATA,
    RV_COLUMN_FIXED_COUNT
} rv_column_number;

/* How the columns of a message are sent. */
#define RV_EVENTS_INTERLEAVED  0x01u /* one column, all take turns; no runs */
#define RV_EVENTS_MILLISECONDS 0x02u /* columns of mode TIME count milliseconds */
#define RV_EVENTS_SHAPE_KNOWN  0x03u

/* Flags of an event. */
#define RV_EVENT_FLAG_BATCH_END 0x01u
#define RV_EVENT_FLAG_FOREIGN   0x02u
#define RV_EVENT_FLAG_WRITTEN   0x04u
#define RV_EVENT_FLAG_METADATA  0x08u
#define RV_EVENT_FLAG_OPAQUE    0x10u /* its data is not in fields, but as bytes beside metadata */
#define RV_EVENT_FLAGS_KNOWN    0x1fu

/* Rank tables: types, metadata, then fields. */
#define RV_RANK_TABLE_TYPES    0u
#define RV_RANK_TABLE_METADATA 1u
#define RV_RANK_TABLE_FIELDS   2u

/* A run of equal values, as it is written or read. */
typedef struct rv_run {
    uint64_t value;
    uint64_t count;
} rv_run;

typedef struct rv_plan_field {
    const rv_type *type; /* NULL: the text of a schema change */
    rv_bytes name;
    uint8_t mode;
    uint8_t class_;
    bool nullable;
    uint16_t group;  /* RANK */
    rv_run presence; /* TIME, when nullable */
} rv_plan_field;

typedef struct rv_plan_type {
    const rv_event_type *type; /* NULL: a schema change */
    uint16_t number;
    uint16_t declaration; /* encoder: of the streams it is in; RV_NONE: several */
    uint16_t first_field;
    uint16_t field_count;
} rv_plan_type;

typedef struct rv_plan_group {
    rv_bytes name;
    uint8_t class_;
    uint16_t ordinal; /* values it has in the dictionary */
    int64_t last;     /* integers: the last new one */
} rv_plan_group;

/* A stream instance in the message. */
typedef struct rv_plan_stream {
    rv_bytes path;
    uint64_t version; /* of its last event */
    int64_t key_integers[RV_COLUMNS_KEYS_MAX];
    uint16_t key_starts[RV_COLUMNS_KEYS_MAX]; /* in the path */
    uint16_t key_lens[RV_COLUMNS_KEYS_MAX];
    uint32_t number;      /* at this node */
    uint16_t declaration; /* whose template makes the path; RV_NONE: the path is sent whole */
    uint16_t last_event;
    uint16_t last_type; /* index + 1; 0: none */
} rv_plan_stream;

/* A value of the dictionary. Entry 0 is NULL. */
typedef struct rv_plan_entry {
    rv_bytes bytes; /* without the key */
    uint64_t bits;  /* of a number */
    uint16_t group;
    uint16_t ordinal; /* in its group, from 1 */
    bool keyed;       /* the last variable of the stream's path goes before the bytes */
} rv_plan_entry;

typedef struct rv_plan {
    rv_plan_type *types;
    rv_plan_field *fields;
    rv_plan_group *groups; /* group 0: metadata */
    rv_plan_stream *streams;
    rv_plan_entry *entries;
    uint8_t *contexts; /* per stream and group: the ordinal last seen */
    uint8_t *paths;
    uint16_t *event_streams; /* stream of each event */
    uint32_t type_count;
    uint32_t field_count;
    uint32_t group_count;
    uint32_t stream_count;
    uint32_t entry_count;
    uint32_t paths_len;
    bool milliseconds; /* TIME columns count them */
    rv_ranks ranks;
} rv_plan;

RV_MUST_USE bool rv_plan_create(rv_plan *plan, rv_arena *arena);

/* Forgets types, fields, streams. */
void rv_plan_reset(rv_plan *plan);

/* Appends a type and its fields, modes unset. `type` NULL: a schema change. False: too many. */
RV_MUST_USE bool rv_plan_add_type(rv_plan *plan, const rv_event_type *type, uint16_t number);

/* Modes are set: makes groups, clears dictionary, ranks and contexts for `stream_count` streams.
 * False: streams times groups are too many. */
RV_MUST_USE bool rv_plan_begin(rv_plan *plan, uint32_t stream_count);

/* Number of columns, and the first of a group or field. */
static inline uint32_t rv_plan_group_column(uint32_t group) {
    return RV_COLUMN_FIXED_COUNT + 2 * group;
}

static inline uint32_t rv_plan_field_column(const rv_plan *plan, uint32_t field) {
    return RV_COLUMN_FIXED_COUNT + 2 * (plan->group_count + field);
}

static inline uint32_t rv_plan_column_count(const rv_plan *plan) {
    return rv_plan_field_column(plan, plan->field_count);
}

/* Adds to the dictionary; 0 when it is full. */
uint16_t rv_plan_add_entry(rv_plan *plan, const rv_plan_entry *entry);

static inline uint8_t *rv_plan_context(const rv_plan *plan, uint32_t stream, uint32_t group) {
    return &plan->contexts[(size_t)stream * plan->group_count + group];
}

/* The context that follows an entry; RV_RANK_CONTEXTS - 1 for a value that has none. */
static inline uint8_t rv_plan_context_after(const rv_plan *plan, uint16_t id) {
    const uint16_t ordinal = plan->entries[id].ordinal;
    return ordinal < RV_RANK_CONTEXTS - 1 ? (uint8_t)(ordinal + 1) : RV_RANK_CONTEXTS - 1;
}

/* True when columns of this type (NULL: the text of a schema change) can have the mode. */
bool rv_plan_mode_fits(const rv_type *type, uint8_t mode);

/* True when paths of this stream are sent by their variables. */
bool rv_plan_templated(const rv_stream *stream);

/* True when variable `v` is sent as a number. */
bool rv_plan_key_integer(const rv_schema *schema, const rv_stream *stream, uint32_t v);

/* The stream's last variable as it stands in the path; empty when there is none. */
rv_bytes rv_plan_key_text(const rv_plan_stream *stream, const rv_schema *schema);

#endif
