/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of an append at the root, shared by the engine's files: engine/append.c has batches
 * that are given here, engine/decide.c those that an edge has written.
 *
 *     check -> ids known? -> judge (the batch is open then) -> commit or abandon
 */
#ifndef RV_CORE_ENGINE_APPEND_H
#define RV_CORE_ENGINE_APPEND_H

#include "core/engine/internal.h"

/* A batch as it is given. */
typedef struct rv_appends {
    const rv_append *events;
    size_t count;
    bool complete;           /* by another writer: all have ids, and data is encoded, not JSON */
    const uint8_t *edge_id;  /* complete: the writer's; else NULL */
    int64_t written_at;      /* complete: by the writer's clock */
    uint32_t schema_version; /* complete: that the writer had */
} rv_appends;

/* A batch whose events are judged and folded, and can still be taken back. */
typedef struct rv_appending {
    rv_batch batch;
    rv_writer body;
    rv_record_context context;
} rv_appending;

/* What needs no look at the events' data. RV_NOT_ROOT, RV_READ_ONLY, RV_CLOSING,
 * RV_REQUEST_INVALID (no events), RV_BATCH_TOO_LARGE. Makes room for results. */
RV_MUST_USE rv_status rv_node_append_check(rv_node *node, const rv_appends *given, rv_error *err);

/* RV_OK: none of the ids is known; RV_END: all are, and `results` has the first answers. If the
 * first event's id is known, the others must follow it in the log. RV_PENDING, RV_BUSY: again;
 * RV_EVENT_ID_REUSED, RV_DATA_DAMAGED, RV_STORAGE_FAILED, and those of rv_node_draft_read, with
 * `*index` of the event. */
RV_MUST_USE rv_status rv_node_ids_meet(rv_node *node, const rv_appends *given, rv_event *results,
                                       size_t *index, rv_error *err);

/* True for ids that only this node makes: a caller's new event cannot have one. */
bool rv_node_id_is_own(const rv_node *node, const uint8_t *id);

/* RV_EVENT_ID_REUSED: for other content; by two events of one batch. */
rv_status rv_node_id_reused(const uint8_t *id, rv_error *err);
rv_status rv_node_id_twice(const uint8_t *id, rv_error *err);

/* The canonical path of the node's completed draft, in the scratch memory. RV_EVENT_TOO_LARGE:
 * there is no room; RV_PATH_INVALID: it is too long. */
RV_MUST_USE rv_status rv_node_draft_path(rv_node *node, rv_bytes *path, rv_error *err);

/* Reads what is given of event `index` into the node's draft. As rv_event_draft_read and
 * rv_event_draft_decode. */
RV_MUST_USE rv_status rv_node_draft_read(rv_node *node, const rv_appends *given, size_t index,
                                         rv_error *err);

/* The serial key as a value of the draft's field `f`, which creates a row of the aggregate: one of
 * the key's type, and of the field's, which may be narrower. RV_VALUE_OUT_OF_RANGE. */
RV_MUST_USE rv_status rv_node_serial_value(rv_node *node, uint16_t f, uint16_t aggregate,
                                           int64_t key, rv_value *value, rv_error *err);

/* What the caller expects of a stream at version `actual`. RV_VERSION_CONFLICT. */
RV_MUST_USE rv_status rv_node_expected_check(const rv_append *append, uint64_t actual,
                                             rv_bytes path, rv_error *err);

/* Encodes the data of the node's draft, which is complete, into `results`. RV_EVENT_TOO_LARGE,
 * RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_node_data_encode(rv_node *node, rv_event *event, rv_error *err);

/* Checks what is given of metadata and takes it into `results`. RV_EVENT_TOO_LARGE,
 * RV_JSON_INVALID, RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_node_metadata_take(rv_node *node, const rv_append *append, rv_event *event,
                                            rv_error *err);

/* Judges and folds all of it, with the records in the log's buffer; after an error nothing has
 * changed. RV_OK: commit or abandon; until then what is written at the body's end becomes part of
 * the batch. Errors of rv_node_append, `*index` of the event. */
RV_MUST_USE rv_status rv_node_append_judge(rv_node *node, const rv_appends *given,
                                           rv_appending *appending, rv_event *results,
                                           size_t *index, rv_error *err);

/* RV_OK for a text that a log takes; RV_SCHEMA_TOO_LARGE. */
RV_MUST_USE rv_status rv_schema_text_check(rv_bytes text, rv_error *err);

/* A text of the schema as an event, which makes this version of it, or has made it before. As
 * rv_node_schema_apply. */
RV_MUST_USE rv_status rv_node_schema_append(rv_node *node, rv_bytes text, uint32_t version,
                                            rv_event *result, rv_error *err);

void rv_node_append_commit(rv_node *node, rv_appending *appending, size_t count);
void rv_node_append_abandon(rv_node *node);

#endif
