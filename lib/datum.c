/* SPDX-License-Identifier: Apache-2.0 */
/* Events and values as the C interface shows them. */
#include "lib/db.h"

#include "core/base/assert.h"

void rv_db_event_of(const rv_db *db, const rv_event *event, rv_bytes path, rv_db_event *out) {
    const rv_schema *const schema = rv_node_schema(db->node);
    const bool system = event->type == RV_SYSTEM_SCHEMA_TYPE;
    RV_ASSERT(system || event->type < rv_schema_event_type_count(schema));
    *out = (rv_db_event){
        .sequence = event->sequence,
        .position = event->position,
        .version = event->version,
        .schema_version = event->schema_version,
        .path = path,
        .type = system ? rv_text(RV_SYSTEM_SCHEMA_TYPE_NAME)
                       : rv_schema_event_type(schema, event->type)->name,
        .metadata = event->metadata,
        .written_at = event->written_at,
        .recorded_at = event->recorded_at,
        .batch_end = event->batch_end,
        .encoded = event->data,
        .type_number = event->type,
    };
    memcpy(out->event_id, event->event_id, sizeof out->event_id);
}

/* The core's view of an event that was given out. */
static rv_event core_event(const rv_db_event *event) {
    rv_event back = {
        .sequence = event->sequence,
        .position = event->position,
        .version = event->version,
        .type = event->type_number,
        .schema_version = event->schema_version,
        .written_at = event->written_at,
        .recorded_at = event->recorded_at,
        .batch_end = event->batch_end,
        .data = event->encoded,
        .metadata = event->metadata,
    };
    memcpy(back.event_id, event->event_id, sizeof back.event_id);
    return back;
}

rv_status rv_db_event_json(const rv_db *db, const rv_db_event *event, rv_buffer *out) {
    RV_ASSERT(db != NULL && event != NULL && out != NULL);
    rv_writer w = rv_db_writer(out);
    const rv_event back = core_event(event);
    rv_event_to_json(rv_node_schema(db->node), &back, event->path, &w);
    return rv_db_written(&w, out);
}

rv_status rv_db_event_data_json(const rv_db *db, const rv_db_event *event, rv_buffer *out) {
    RV_ASSERT(db != NULL && event != NULL && out != NULL);
    rv_writer w = rv_db_writer(out);
    if (event->type_number == RV_SYSTEM_SCHEMA_TYPE) {
        rv_write_text(&w, "{\"text\":");
        rv_write_json_string(&w, event->encoded);
        rv_write_u8(&w, '}');
    } else {
        rv_event_data_to_json(rv_schema_event_type(rv_node_schema(db->node), event->type_number),
                              event->encoded, &w);
    }
    return rv_db_written(&w, out);
}

/* The field of this name; the count when there is none. */
static uint16_t field_named(const rv_event_type *type, rv_bytes name) {
    uint16_t i = 0;
    while (i < type->field_count && !rv_bytes_equal(type->fields[i].name, name)) {
        i += 1;
    }
    return i;
}

rv_status rv_db_event_field(rv_db *db, const rv_db_event *event, rv_bytes name, rv_datum *datum,
                            rv_error *err) {
    RV_ASSERT(db != NULL && event != NULL && datum != NULL);
    const rv_schema *const schema = rv_node_schema(db->node);
    const bool system = event->type_number == RV_SYSTEM_SCHEMA_TYPE;
    const rv_event_type *const type =
        system ? NULL : rv_schema_event_type(schema, event->type_number);
    const uint16_t field = system ? 0 : field_named(type, name);
    if (system || field == type->field_count) {
        return rv_error_set(err, RV_UNKNOWN_FIELD, "%b has no field `%b`", &event->type, &name);
    }
    if (!rv_event_data_decode(type, event->encoded, db->values)) {
        return rv_error_set(err, RV_DATA_DAMAGED, "the data of the event is not of its type");
    }
    rv_arena_reset(&db->scratch, 0);
    return rv_db_datum_of(db, &type->fields[field].type, &db->values[field], datum, err);
}

static rv_datum_kind kind_of(const rv_type *type, rv_value_class class_) {
    switch (type->kind) {
    case RV_TYPE_BOOLEAN:
        return class_ == RV_VALUE_INT ? RV_DATUM_BOOLEAN : RV_DATUM_TEXT;
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
    case RV_TYPE_BIGINT:
        return class_ == RV_VALUE_INT ? RV_DATUM_INTEGER : RV_DATUM_TEXT;
    case RV_TYPE_BYTEA:
        return RV_DATUM_BYTES;
    default:
        return class_ == RV_VALUE_FLOAT ? RV_DATUM_REAL : RV_DATUM_TEXT;
    }
}

rv_status rv_db_datum_of(rv_db *db, const rv_type *type, const rv_value *value, rv_datum *datum,
                         rv_error *err) {
    *datum = (rv_datum){.kind = RV_DATUM_NULL};
    if (rv_value_is_null(value)) {
        return RV_OK;
    }
    datum->kind = kind_of(type, value->class_);
    if (value->class_ == RV_VALUE_INT) {
        datum->integer = value->as.integer;
    } else if (value->class_ == RV_VALUE_FLOAT) {
        datum->real = value->as.real;
    } else {
        datum->bytes = value->as.bytes;
    }
    if (datum->kind != RV_DATUM_TEXT) {
        return RV_OK;
    }
    rv_writer w =
        rv_writer_over(db->scratch.ptr + db->scratch.len, db->scratch.cap - db->scratch.len);
    rv_value_to_text(type, value, &w);
    datum->integer = 0;
    datum->bytes = rv_writer_bytes(&w);
    return w.full ? rv_error_set(err, RV_MEMORY_EXHAUSTED,
                                 "the value's text is longer than the %u bytes that there are",
                                 (uint64_t)w.cap)
                  : RV_OK;
}
