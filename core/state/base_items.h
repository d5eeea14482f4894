/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a base's part, read one by one out of bytes that may be hostile: base.h. */
#ifndef RV_STATE_BASE_ITEMS_H
#define RV_STATE_BASE_ITEMS_H

#include "core/base/cursor.h"
#include "core/state/base.h"
#include "core/state/rows.h"

#define RV_BASE_BITS (RV_COLUMNS_MAX / 8)

typedef struct rv_base_reader {
    rv_cursor c;
    const rv_schema *schema;
    size_t path_len;
    uint8_t path[RV_PATH_LEN_MAX]; /* of the last stream or owner */
    bool owned;                    /* an owner has been named */
    /* the item that was read */
    rv_base_item kind;
    uint16_t declaration; /* of the path */
    uint64_t version;     /* RV_BASE_STREAM */
    const rv_aggregate *aggregate;
    rv_value values[RV_COLUMNS_MAX]; /* of RV_BASE_GONE: those of the key only */
    uint8_t unknown[RV_BASE_BITS];
} rv_base_reader;

void rv_base_reader_begin(rv_base_reader *reader, const rv_schema *schema, rv_bytes part);

/* The next item; its values lie in the part. RV_OK; RV_END; RV_DATA_DAMAGED: it is malformed, or
 * does not fit the schema. */
RV_MUST_USE rv_status rv_base_reader_next(rv_base_reader *reader);

/* Writes a row as it is now as a given one. RV_MEMORY_EXHAUSTED: a value does not fit `scratch`. */
RV_MUST_USE rv_status rv_base_row_write(const rv_pages *pages, const rv_schema *schema,
                                        uint16_t aggregate, uint32_t place, rv_arena *scratch,
                                        rv_writer *w);

#endif
