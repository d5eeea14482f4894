/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet doctor`: the records of a batch. Event data is decoded under the schema of its place,
 * which is made from the schema changes met so far; behind damage one may be missing, so there
 * records are read but data is not. */
#include "cli/doctor.h"
#include "core/log/ledger.h"
#include "core/model/event.h"

#include <stdlib.h>

#define SCHEMA_MEMORY ((size_t)32 << 20)

static bool schema_make(rv_doctor *d) {
    if (d->schema != NULL || d->schema_lost) {
        return d->schema != NULL;
    }
    rv_error err;
    d->schema_memory = malloc(SCHEMA_MEMORY);
    d->schema_lost = d->schema_memory == NULL;
    if (!d->schema_lost) {
        rv_arena all = rv_arena_over(d->schema_memory, SCHEMA_MEMORY);
        rv_arena *const arena = rv_arena_take(&all, sizeof *arena);
        RV_ASSERT(arena != NULL);
        *arena = rv_arena_split(&all, SCHEMA_MEMORY / 2);
        d->schema_lost = rv_schema_create(&d->schema, arena, &err) != RV_OK;
    }
    RV_ASSERT(d->schema_lost || d->schema != NULL);
    return !d->schema_lost;
}

static const char *schema_change(rv_doctor *d, const rv_event *event) {
    RV_ASSERT(event->type == RV_SYSTEM_SCHEMA_TYPE);
    rv_error err;
    if (event->schema_version != rv_schema_version(d->schema) + 1) {
        return "a schema change of another version than the next";
    }
    const rv_status status = rv_schema_apply(d->schema, event->data, &err);
    if (status == RV_MEMORY_EXHAUSTED) {
        d->schema_lost = true;
        return NULL;
    }
    return status == RV_OK ? NULL : "a schema change that cannot be applied";
}

static const char *check_event(rv_doctor *d, const rv_event *event) {
    static rv_value values[RV_FIELDS_MAX];
    if (!rv_event_time_valid(event->written_at) || !rv_event_time_valid(event->recorded_at)) {
        return "an event of a time that there is not";
    }
    if (d->broken || !schema_make(d)) {
        return NULL;
    }
    RV_ASSERT(d->schema != NULL);
    if (event->type == RV_SYSTEM_SCHEMA_TYPE) {
        return schema_change(d, event);
    }
    if (event->type >= rv_schema_event_type_count(d->schema)) {
        return "an event of no known type";
    }
    d->opaque_events +=
        !rv_event_data_decode(rv_schema_event_type(d->schema, event->type), event->data, values);
    return NULL;
}

static const char *check_record(rv_doctor *d, const rv_record *record) {
    rv_ledger_entry entry;
    if (record->kind == RV_RECORD_EVENT) {
        return check_event(d, &record->event);
    }
    const bool ledger =
        record->kind == RV_RECORD_LEDGER_PUT || record->kind == RV_RECORD_LEDGER_REMOVE;
    return ledger && !rv_ledger_record_read(record, &entry)
               ? "a record of what waits or was decided that is malformed"
               : NULL;
}

const char *rv_doctor_events(rv_doctor *d, const rv_batch_header *header, rv_bytes body,
                             const rv_log_identity *identity, bool *newer) {
    RV_ASSERT(header->len == body.len);
    rv_record_context context = {
        .next_sequence = header->first_sequence,
        .previous_position = header->first_position - 1,
        .time = header->time,
        .node_tag = identity->root_tag,
    };
    rv_cursor c = rv_cursor_over(body);
    *newer = false;
    while (rv_cursor_left(&c) > 0) {
        rv_record record;
        if (!rv_record_read(&c, &context, &record)) {
            *newer = true;
            return "a record that this version does not know";
        }
        const char *const wrong = check_record(d, &record);
        if (wrong != NULL) {
            return wrong;
        }
    }
    const uint64_t events = context.next_sequence - header->first_sequence;
    const bool fits = events == header->event_count &&
                      (events == 0 || context.previous_position <= header->watermark);
    return fits ? NULL : "a batch that holds other events than it says";
}
