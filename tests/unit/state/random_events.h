/* SPDX-License-Identifier: Apache-2.0 */
/* Random events of every type of the bank's schema, over few keys and streams, so that they meet,
 * and break rules often. */
#ifndef RV_TESTS_STATE_RANDOM_EVENTS_H
#define RV_TESTS_STATE_RANDOM_EVENTS_H

#include "tests/unit/state/bank.h"
#include "tests/unit/state/naive.h"

#define STREAMS  6u
#define TEXT_MAX 9000u

typedef struct logged {
    rv_event event;
    rv_value values[8];
} logged;

static const rv_schema *schema;
static uint32_t logged_count;
static uint64_t versions[STREAMS];

static rv_value random_text(uint64_t *seed, const rv_type *type) {
    static uint8_t text[TEXT_MAX];
    static const uint16_t lens[] = {0, 5, 12, 13, 20, 40};
    const uint64_t r = rv_test_random(seed);
    size_t len = lens[r % 6];
    if (type->kind == RV_TYPE_CHAR || type->kind == RV_TYPE_UUID) {
        len = type->kind == RV_TYPE_CHAR ? type->size : 16;
    } else if (type->size == 0 && r % 16 == 1) {
        len = (size_t)(r >> 16) % TEXT_MAX;
    }
    for (size_t i = 0; i < len; i += 1) {
        text[i] = (uint8_t)('a' + rv_test_random(seed) % 26);
    }
    if (len > 150 && r % 3 == 0) {
        memset(text, 'm', len - 4); /* longer than what an index shows of it, and nearly equal */
    }
    return rv_value_bytes((rv_bytes){text, len});
}

/* Keys are few, so that events meet. */
static rv_value random_key(uint64_t *seed, const rv_type *type) {
    static const char *const names[] = {
        "x",
        "a contact with a long name",
        "twelve bytes",
        "6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e",
        "a name one byte longer than that fits",
        "a name that is longer than sixty-four bytes, so that the hash takes its digest",
        "b",
        "thirteen byte",
    };
    const uint64_t r = rv_test_random(seed);
    if (rv_type_class(type) == RV_VALUE_BYTES) {
        return rv_value_bytes(rv_bytes_of_string(names[r % 8]));
    }
    return rv_value_int(1 + (int64_t)(r % 12));
}

static rv_value random_value(uint64_t *seed, const rv_field *field, bool key) {
    const uint64_t r = rv_test_random(seed);
    if (!field->not_null && r % 5 == 0) {
        return rv_value_null();
    }
    if (key) {
        return random_key(seed, &field->type);
    }
    if (rv_type_class(&field->type) == RV_VALUE_BYTES) {
        return naive_intern(random_text(seed, &field->type));
    }
    const int64_t v = (int64_t)(r >> 8);
    switch (field->type.kind) {
    case RV_TYPE_BOOLEAN:
        return rv_value_int(v % 2);
    case RV_TYPE_ENUM:
        return rv_value_int(v % 3);
    case RV_TYPE_DATE:
        return rv_value_int(v % 20000 - 10000);
    case RV_TYPE_SMALLINT:
        return rv_value_int(v % 65536 - 32768);
    case RV_TYPE_NUMERIC:
        return rv_value_int(v % (naive_max(&field->type) / (r % 3 == 0 ? 1 : 1000000)) *
                            (r % 8 == 1 ? -1 : 1));
    default:
        return rv_value_int(r % 7 == 0   ? (int64_t)INT32_MAX - v % 3
                            : r % 7 == 1 ? 0
                                         : v % 400 - 100);
    }
}

/* A field that names a row, or sets a column that does. */
static bool names_a_row(const rv_event_type *type, uint16_t f) {
    for (uint16_t t = 0; t < type->touch_count; t += 1) {
        if (type->touches[t].field == f) {
            return true;
        }
    }
    for (uint16_t a = 0; a < type->action_count; a += 1) {
        const rv_action *const action = &type->actions[a];
        const rv_aggregate *const aggregate =
            rv_schema_aggregate(schema, type->touches[action->touch].aggregate);
        if (action->field == f && aggregate->columns[action->column].references != RV_NONE) {
            return true;
        }
    }
    return false;
}

static void random_event(uint64_t *seed, logged *e) {
    const uint16_t number = (uint16_t)(rv_test_random(seed) % rv_schema_event_type_count(schema));
    const rv_event_type *const type = rv_schema_event_type(schema, number);
    for (uint16_t f = 0; f < type->field_count; f += 1) {
        e->values[f] = random_value(seed, &type->fields[f], names_a_row(type, f));
    }
    const rv_value *const key = &e->values[type->touches[0].field];
    const bool own = rv_test_random(seed) % 8 != 0 && !rv_value_is_null(key);
    const uint64_t home =
        key->class_ == RV_VALUE_INT ? (uint64_t)key->as.integer : key->as.bytes.len;
    e->event = (rv_event){.stream = (uint32_t)((own ? home : rv_test_random(seed)) % STREAMS),
                          .type = number,
                          .sequence = logged_count + 1,
                          .position = logged_count + 1,
                          .written_at = (int64_t)(rv_test_random(seed) >> 12)};
    e->event.version = versions[e->event.stream] + 1;
}

static bool streams_add(rv_state *s) {
    for (uint8_t i = 0; i < STREAMS; i += 1) {
        uint8_t path[] = "/streams/with/a/longer/path/0";
        path[sizeof path - 2] = (uint8_t)('0' + i);
        uint32_t number;
        if (rv_state_stream_add(s, 0, rv_bytes_of(path, sizeof path - 1), &number, NULL) != RV_OK) {
            return false;
        }
    }
    return true;
}

#endif
