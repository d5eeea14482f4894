/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/decoding.h"

#include "core/base/assert.h"
#include "core/model/value_number.h"
#include "core/model/value_time.h"

static rv_decoding within(int64_t min, int64_t max) {
    RV_ASSERT(min <= max);
    return (rv_decoding){.way = RV_DECODING_INT, .min = min, .span = (uint64_t)max - (uint64_t)min};
}

rv_decoding rv_decoding_of(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    switch (type->kind) {
    case RV_TYPE_SMALLINT:
        return within(INT16_MIN, INT16_MAX);
    case RV_TYPE_INTEGER:
        return within(INT32_MIN, INT32_MAX);
    case RV_TYPE_BIGINT:
        return within(INT64_MIN, INT64_MAX);
    case RV_TYPE_BOOLEAN:
        return within(0, 1);
    case RV_TYPE_ENUM:
        RV_ASSERT(type->labels->label_count > 0);
        return within(0, (int64_t)type->labels->label_count - 1);
    case RV_TYPE_DATE:
        return within(RV_DATE_MIN, RV_DATE_MAX);
    case RV_TYPE_TIME:
        return within(0, RV_DAY_US);
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_TIMESTAMPTZ:
        return within(RV_TIMESTAMP_MIN, RV_TIMESTAMP_MAX);
    case RV_TYPE_NUMERIC:
        if (!rv_type_is_wide(type)) {
            const int64_t limit = rv_number_power(type->size);
            return within(1 - limit, limit - 1);
        }
        break;
    case RV_TYPE_CHAR:
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
        return (rv_decoding){.way = RV_DECODING_TEXT,
                             .exact = type->kind == RV_TYPE_CHAR && type->size > 0,
                             .size = type->size};
    default:
        break;
    }
    return (rv_decoding){.way = RV_DECODING_OTHER};
}

bool rv_decoding_is_special(const rv_type *type, int64_t value) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    switch (type->kind) {
    case RV_TYPE_DATE:
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_TIMESTAMPTZ:
        return value == RV_TIME_INFINITY || value == RV_TIME_MINUS_INFINITY;
    case RV_TYPE_NUMERIC:
        RV_ASSERT(!rv_type_is_wide(type));
        return value == RV_NUMERIC_NAN;
    default:
        return false;
    }
}
