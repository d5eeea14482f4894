/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the items of a base: see base_items.h and docs/format/base.md. */
#include "core/state/base_items.h"

#include "core/base/utf8.h"

void rv_base_reader_begin(rv_base_reader *r, const rv_schema *schema, rv_bytes part) {
    RV_ASSERT(schema != NULL);
    r->c = rv_cursor_over(part);
    r->schema = schema;
    r->path_len = 0;
    r->owned = false;
}

/* A path, of which so many bytes are those of the path before. */
static bool read_path(rv_base_reader *r) {
    const uint64_t same = rv_read_varint(&r->c);
    const rv_bytes rest = rv_read_blob(&r->c);
    if (r->c.bad || same > r->path_len || rest.len > RV_PATH_LEN_MAX - same) {
        return false;
    }
    if (rest.len > 0) {
        memcpy(r->path + same, rest.ptr, rest.len);
    }
    r->path_len = (size_t)same + rest.len;
    const rv_bytes path = rv_bytes_of(r->path, r->path_len);
    rv_bytes variables[RV_PATH_SEGMENTS_MAX];
    if (r->path_len == 0 || !rv_utf8_valid(path, NULL)) {
        return false;
    }
    const rv_stream *const stream = rv_schema_stream_of_path(r->schema, path, variables);
    r->declaration = stream == NULL ? RV_NONE : stream->number;
    return stream != NULL;
}

static bool bit(const uint8_t *bits, uint16_t n) {
    return (bits[n / 8u] >> (n % 8u) & 1u) != 0;
}

static bool read_row(rv_base_reader *r, bool with_unknown) {
    const uint64_t number = rv_read_varint(&r->c);
    if (r->c.bad || number >= rv_schema_aggregate_count(r->schema)) {
        return false;
    }
    const rv_aggregate *const a = rv_schema_aggregate(r->schema, (uint16_t)number);
    const size_t bytes = (a->column_count + 7u) / 8u;
    RV_ASSERT(bytes <= RV_BASE_BITS);
    const rv_bytes nulls = rv_read(&r->c, bytes);
    const rv_bytes unknown = rv_read(&r->c, with_unknown ? bytes : 0);
    if (r->c.bad) {
        return false;
    }
    memset(r->unknown, 0, sizeof r->unknown);
    if (with_unknown) {
        memcpy(r->unknown, unknown.ptr, bytes);
    }
    for (uint16_t i = 0; i < a->column_count; i += 1) {
        const bool null = bit(nulls.ptr, i);
        if ((null && a->columns[i].key) || (!null && bit(r->unknown, i))) {
            return false;
        }
        r->values[i] = rv_value_null();
        if (!null) {
            rv_value_decode(&a->columns[i].type, &r->c, &r->values[i]);
        }
        if (r->c.bad) {
            return false;
        }
    }
    r->aggregate = a;
    return true;
}

/* Aggregate and key of a row that is gone. */
static bool read_gone(rv_base_reader *r) {
    const uint64_t number = rv_read_varint(&r->c);
    if (r->c.bad || number >= rv_schema_aggregate_count(r->schema)) {
        return false;
    }
    const rv_aggregate *const a = rv_schema_aggregate(r->schema, (uint16_t)number);
    RV_ASSERT(a->key_count > 0 && a->key_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < a->key_count; i += 1) {
        rv_value_decode(&a->columns[a->keys[i]].type, &r->c, &r->values[a->keys[i]]);
        if (r->c.bad) {
            return false;
        }
    }
    r->aggregate = a;
    return true;
}

rv_status rv_base_reader_next(rv_base_reader *r) {
    if (!r->c.bad && rv_cursor_left(&r->c) == 0) {
        return RV_END;
    }
    bool good = false;
    const uint8_t kind = rv_read_u8(&r->c);
    switch (kind) {
    case RV_BASE_STREAM:
        good = read_path(r);
        r->version = rv_read_varint(&r->c);
        good = good && !r->c.bad && r->version > 0 && r->version <= RV_POSITION_MAX;
        r->owned = false;
        break;
    case RV_BASE_OWNER:
        good = read_path(r);
        r->owned = good;
        break;
    case RV_BASE_ROW:
    case RV_BASE_ROW_UNKNOWN:
        good = r->owned && read_row(r, kind == RV_BASE_ROW_UNKNOWN);
        break;
    case RV_BASE_GIVEN:
    case RV_BASE_GIVEN_UNKNOWN:
        good = read_row(r, kind == RV_BASE_GIVEN_UNKNOWN);
        break;
    case RV_BASE_GONE:
        good = read_gone(r);
        break;
    default:
        break;
    }
    r->kind = good ? (rv_base_item)kind : RV_BASE_STREAM;
    r->c.bad = !good;
    RV_ASSERT(r->path_len <= RV_PATH_LEN_MAX);
    return good ? RV_OK : RV_DATA_DAMAGED;
}
