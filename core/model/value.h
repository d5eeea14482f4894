/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types and values. A type says what a value means; a value is one of four storage classes:
 *
 *   RV_VALUE_NULL
 *   RV_VALUE_INT    smallint, integer, bigint and serials; boolean (0, 1); date (days from
 *                   2000-01-01); time, timestamp, timestamptz (microseconds, from 2000-01-01 UTC);
 *                   numeric(p<=18, 0<=s<=p) (the number times 10^s); enum (ordinal of the label)
 *   RV_VALUE_FLOAT  real (already rounded to single), double precision
 *   RV_VALUE_BYTES  every other numeric (core/model/decimal.h); char, varchar, text, json, jsonb
 *                   (UTF-8); bytea; uuid, interval (16 bytes); arrays (core/model/array.h)
 *
 * Text input, ranges and JSON output are PostgreSQL 15's, with TimeZone UTC and DateStyle ISO.
 * What this version does not have yet answers RV_UNSUPPORTED when a schema names it.
 */
#ifndef RV_MODEL_VALUE_H
#define RV_MODEL_VALUE_H

#include "core/base/arena.h"
#include "core/base/cursor.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/model/float.h"

typedef enum rv_type_kind {
    RV_TYPE_SMALLINT,
    RV_TYPE_INTEGER,
    RV_TYPE_BIGINT,
    RV_TYPE_REAL,
    RV_TYPE_DOUBLE,
    RV_TYPE_NUMERIC,
    RV_TYPE_BOOLEAN,
    RV_TYPE_CHAR,
    RV_TYPE_VARCHAR,
    RV_TYPE_TEXT,
    RV_TYPE_BYTEA,
    RV_TYPE_DATE,
    RV_TYPE_TIME,
    RV_TYPE_TIMESTAMP,
    RV_TYPE_TIMESTAMPTZ,
    RV_TYPE_INTERVAL,
    RV_TYPE_UUID,
    RV_TYPE_JSON,
    RV_TYPE_JSONB,
    RV_TYPE_ENUM,
    RV_TYPE_ARRAY, /* of one dimension: `element` is the kind of what it holds */
    RV_TYPE_KIND_COUNT
} rv_type_kind;

/* Labels of an enum, in declared order. */
typedef struct rv_enum {
    rv_bytes name;
    const rv_bytes *labels;
    uint32_t label_count;
} rv_enum;

/* Of an array, size, scale and labels are its elements'. */
typedef struct rv_type {
    rv_type_kind kind;
    bool serial;           /* declared smallserial, serial or bigserial */
    uint8_t element;       /* array: rv_type_kind of the elements, never an array; else 0 */
    uint32_t size;         /* char(n), varchar(n): code points; numeric: precision; 0 = no limit */
    int32_t scale;         /* numeric: from -1000 to 1000 */
    const rv_enum *labels; /* enum */
} rv_type;

typedef enum rv_value_class {
    RV_VALUE_NULL,
    RV_VALUE_INT,
    RV_VALUE_FLOAT,
    RV_VALUE_BYTES
} rv_value_class;

typedef struct rv_value {
    rv_value_class class_;
    union {
        int64_t integer;
        double real;
        rv_bytes bytes; /* borrowed */
    } as;
} rv_value;

static inline rv_value rv_value_null(void) {
    return (rv_value){.class_ = RV_VALUE_NULL, .as = {.integer = 0}};
}

/* Member by member: an initializer of the union's short member is a copy through memory, and the
 * stall it ends in is most of the time of decoding. */
static inline rv_value rv_value_int(int64_t v) {
    rv_value value;
    value.class_ = RV_VALUE_INT;
    value.as.integer = v;
    return value;
}

static inline rv_value rv_value_float(double v) {
    rv_value value;
    value.class_ = RV_VALUE_FLOAT;
    value.as.real = v;
    return value;
}

static inline rv_value rv_value_bytes(rv_bytes v) {
    rv_value value;
    value.class_ = RV_VALUE_BYTES;
    value.as.bytes = v;
    return value;
}

static inline bool rv_value_is_null(const rv_value *v) {
    return v->class_ == RV_VALUE_NULL;
}

/* The type of an array's elements, and the array type of a type that is none. */
rv_type rv_type_element(const rv_type *array);
rv_type rv_type_array_of(const rv_type *element);

/* True for the types that this version has; the others are refused when a schema names them, and no
 * value of theirs ever reaches the functions below. */
bool rv_type_supported(const rv_type *type);

/* True when values of the type can be keys: what is equal has one form, in paths too. */
bool rv_type_can_be_key(const rv_type *type);

/* True when values of the type have an order, so that they can be in an index. */
bool rv_type_ordered(const rv_type *type);

/* True for numerics that are no scaled 64-bit integer: they are packed decimals. */
static inline bool rv_type_is_wide(const rv_type *type) {
    return type->kind == RV_TYPE_NUMERIC &&
           (type->size - 1u > 17u || type->scale < 0 || (uint32_t)type->scale > type->size);
}

/* The storage class that non-null values of a kind have; of numeric, those that are not wide. */
extern const uint8_t rv_type_classes[RV_TYPE_KIND_COUNT];

/* The storage class that non-null values of a type have. */
static inline rv_value_class rv_type_class(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    return rv_type_is_wide(type) ? RV_VALUE_BYTES : (rv_value_class)rv_type_classes[type->kind];
}

/* Writes the type as the schema language spells it: `varchar(40)`, `timestamptz`, `plan`. */
void rv_type_write(const rv_type *type, rv_writer *w);

/* How wide the floats of a kind are. */
static inline rv_float_width rv_float_width_of(rv_type_kind kind) {
    return kind == RV_TYPE_REAL ? RV_FLOAT_SINGLE : RV_FLOAT_DOUBLE;
}

/* The length that all values of a kind of bytes have, which is therefore not stored; or 0. */
static inline size_t rv_type_bytes_len(rv_type_kind kind) {
    return kind == RV_TYPE_UUID || kind == RV_TYPE_INTERVAL ? 16 : 0;
}

/* True when a value of one type is one of the other as it is. */
static inline bool rv_type_same(const rv_type *from, const rv_type *to) {
    return from->kind == to->kind && from->size == to->size && from->scale == to->scale &&
           from->element == to->element;
}

/* True when values of both can be compared and assigned without a cast: same kind (sizes, scales
 * and serial aside), two integer kinds, or two text kinds; arrays of such. */
bool rv_type_fits(const rv_type *from, const rv_type *to);

/*
 * A value from its text form. What the value keeps lies in `text` or in `scratch`, until those go.
 * `what` names the field or column for the error.
 * RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE, RV_VALUE_TOO_LONG: with facts "field", "value_type",
 * "met". RV_MEMORY_EXHAUSTED: `scratch` is too small.
 */
RV_MUST_USE rv_status rv_value_from_text(const rv_type *type, rv_bytes text, rv_bytes what,
                                         rv_arena *scratch, rv_value *value, rv_error *err);

/* Checks and, where the type rounds or pads, adapts a value that came from another source (an
 * expression, a value of a fitting type): integer ranges, varchar length, numeric scale; also what
 * PostgreSQL casts by assignment (integer to numeric, date to timestamp). Same errors as
 * rv_value_from_text; RV_VALUE_INVALID for types that do not fit. NULL passes. */
RV_MUST_USE rv_status rv_value_coerce(const rv_type *from, const rv_type *to, rv_bytes what,
                                      rv_arena *scratch, rv_value *value, rv_error *err);

/* The value as JSON, as PostgreSQL's to_json gives it; numeric and bigint in quotes where the
 * writer says so. */
void rv_value_to_json(const rv_type *type, const rv_value *value, rv_writer *w);

/* The value's text form, without quotes; nothing for NULL. */
void rv_value_to_text(const rv_type *type, const rv_value *value, rv_writer *w);

/*
 * The binary form in events (docs/format/event.md): integers as zigzag varints, floats as 4 or 8
 * bytes, uuid as 16 bytes, other bytes with a varint length. NULL has no form here: the null bitmap
 * before the values tells it.
 */
void rv_value_encode(const rv_type *type, const rv_value *value, rv_writer *w);

/* Reads what rv_value_encode wrote; bytes are borrowed from the cursor's. Sets `c->bad` when the
 * bytes are malformed or the value is not one of the type (range, length, UTF-8, enum label). */
void rv_value_decode(const rv_type *type, rv_cursor *c, rv_value *value);

/* The order of two values of one type, NULL first; text bytewise; NaN after all numbers, equal to
 * itself; -0 equal to 0. Negative, 0 or positive. */
int rv_value_compare(const rv_type *type, const rv_value *a, const rv_value *b);

/* The canonical form that hashes are made of (docs/format/state-hash.md): class byte, then 8 bytes
 * of integer, 8 bytes of float (-0 as 0, one NaN), or length and bytes; enums by label; numeric
 * without trailing zeros of the scale. Equal values of one type, and only they, have equal forms.
 */
void rv_value_canonical(const rv_type *type, const rv_value *value, rv_writer *w);

/* Microseconds between 1970-01-01 (the host's clock) and 2000-01-01 (timestamps). */
#define RV_EPOCH_DIFFERENCE_US INT64_C(946684800000000)

#endif
