/* SPDX-License-Identifier: Apache-2.0 */
/* What the data of an event is encoded by: see model/schema_shape.h. */
#include "core/model/schema_shape.h"

#include "core/base/assert.h"

static void write_type(const rv_type *type, rv_writer *w) {
    const uint32_t labels = type->labels == NULL ? 0 : type->labels->label_count;
    rv_write_u8(w, (uint8_t)type->kind);
    rv_write_u8(w, type->element);
    rv_write_varint(w, type->size);
    rv_write_u32(w, (uint32_t)type->scale);
    rv_write_varint(w, labels);
    for (uint32_t i = 0; i < labels; i++) {
        rv_write_blob(w, type->labels->labels[i]);
    }
}

void rv_schema_shape(const rv_event_type *type, rv_writer *w) {
    RV_ASSERT(type->field_count > 0);
    rv_write_varint(w, type->field_count);
    for (uint16_t i = 0; i < type->field_count; i++) {
        const rv_field *const field = &type->fields[i];
        rv_write_blob(w, field->name);
        rv_write_u8(w, field->not_null ? 1 : 0);
        write_type(&field->type, w);
    }
}
