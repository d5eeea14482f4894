/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds: see bound.h. */
#include "sql/bound.h"

/* 2^63, the first REAL that no bigint equals. */
#define INTEGERS_END 9223372036854775808.0

#define FORMATTED_MAX 64u

bool rv_sql_bound_equal(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    return rv_sql_form_of(type) != RV_SQL_ARRAY;
}

static bool is_date(const rv_type *type) {
    return type->kind == RV_TYPE_DATE || type->kind == RV_TYPE_TIMESTAMP ||
           type->kind == RV_TYPE_TIMESTAMPTZ;
}

bool rv_sql_bound_range(const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    switch (rv_sql_form_of(type)) {
    case RV_SQL_INTEGER:
    case RV_SQL_DECIMAL:
    case RV_SQL_WIDE:
    case RV_SQL_REAL:
    case RV_SQL_BLOB:
        return true;
    case RV_SQL_TEXT:
        return type->kind == RV_TYPE_TEXT || type->kind == RV_TYPE_VARCHAR;
    case RV_SQL_FORMATTED:
        return is_date(type) || type->kind == RV_TYPE_TIME;
    default:
        return false;
    }
}

bool rv_sql_bound_sorted(const rv_type *type, bool first) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    if (type->kind == RV_TYPE_UUID) {
        return true;
    }
    if (rv_sql_form_of(type) == RV_SQL_REAL || (is_date(type) && !first)) {
        return false;
    }
    return rv_sql_bound_range(type);
}

bool rv_sql_bound_exact(const rv_type *type) {
    return rv_sql_form_of(type) == RV_SQL_INTEGER && type->kind != RV_TYPE_NUMERIC; /* NaN */
}

/* Reads a value of the type that is known to be one. */
static int64_t value_of(const rv_type *type, const char *text) {
    uint8_t memory[64];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_value value = rv_value_null();
    const rv_status status =
        rv_value_from_text(type, rv_bytes_of_string(text), RV_LITERAL(""), &scratch, &value, NULL);
    RV_ASSERT(status == RV_OK && value.class_ == RV_VALUE_INT);
    return value.as.integer;
}

bool rv_sql_bound_window(const rv_type *type, int64_t *first, int64_t *last) {
    if (!is_date(type)) {
        return false;
    }
    *first = value_of(type, "0001-01-01");
    *last =
        value_of(type, type->kind == RV_TYPE_DATE ? "9999-12-31" : "9999-12-31 23:59:59.999999");
    RV_ASSERT(*first < *last);
    return true;
}

/* Texts and bytes are above all integers. */
static rv_sql_match bound_integer(const rv_type *type, sqlite3_value *sought, rv_sql_bound *bound) {
    const int met = sqlite3_value_numeric_type(sought);
    if (met == SQLITE_INTEGER) {
        bound->value = rv_value_int(sqlite3_value_int64(sought));
        return RV_SQL_MATCH_KEY;
    }
    const double real = met == SQLITE_FLOAT ? sqlite3_value_double(sought) : INTEGERS_END;
    if (real >= -INTEGERS_END && real < INTEGERS_END) {
        const int64_t integer = (int64_t)real; /* towards 0: no other is between */
        const double met_by = (double)integer;
        if (met_by != real) {
            bound->inside = bound->low ? met_by > real : met_by < real;
        }
        bound->value = rv_value_int(integer);
        return RV_SQL_MATCH_KEY;
    }
    const bool any = bound->low == (real < 0) || !rv_sql_bound_exact(type);
    return any ? RV_SQL_MATCH_SCAN : RV_SQL_MATCH_NONE;
}

/* The number times 10^scale, when REAL can tell that to within a few. */
static bool bound_decimal(const rv_type *type, sqlite3_value *sought, bool low, rv_value *bound) {
    const int met = sqlite3_value_numeric_type(sought);
    double scaled =
        met == SQLITE_INTEGER || met == SQLITE_FLOAT ? sqlite3_value_double(sought) : 1e18;
    for (int32_t i = 0; i < type->scale; i += 1) {
        scaled *= 10.0;
    }
    if (!(scaled > -1e15 && scaled < 1e15)) {
        return false;
    }
    *bound = rv_value_int((int64_t)scaled + (low ? -4 : 4));
    return true;
}

static rv_bytes text_of(sqlite3_value *sought) {
    const void *const bytes = sqlite3_value_blob(sought);
    const size_t len = bytes == NULL ? 0 : (size_t)sqlite3_value_bytes(sought);
    return rv_bytes_of(bytes, len);
}

/*
 * A time from text that is one exactly as it is shown, or the beginning of one up to the end of a
 * part: '2012', '2012-02-', '2012-02-01T12:30'. Such a beginning is before all texts that begin so,
 * and the earliest of these is what it bounds.
 */
static bool bound_time(const rv_type *type, rv_bytes text, rv_arena *scratch, rv_value *bound) {
    static const char dates[] = "0001-01-01T00:00:00";
    const uint32_t ends = 1u << 4 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 10 | 1u << 11 | 1u << 13 |
                          1u << 14 | 1u << 16 | 1u << 17 | 1u << 19;
    const size_t skip = type->kind == RV_TYPE_TIME ? 11 : 0; /* the template's time of day */
    const size_t whole = type->kind == RV_TYPE_DATE ? 10 : 19 - skip;
    char made[FORMATTED_MAX];
    char shown[FORMATTED_MAX];
    rv_writer w = rv_writer_over(made, sizeof made);
    rv_write(&w, text);
    if (text.len <= whole) {
        if ((ends >> (text.len + skip) & 1u) == 0) {
            return false;
        }
        rv_write(&w, rv_bytes_of(dates + skip + text.len, whole - text.len));
        rv_write_text(&w, type->kind == RV_TYPE_TIMESTAMPTZ ? "+00:00" : "");
    }
    if (w.full || rv_value_from_text(type, rv_writer_bytes(&w), RV_LITERAL(""), scratch, bound,
                                     NULL) != RV_OK) {
        return false;
    }
    int64_t first = 0;
    int64_t last = INT64_MAX;
    (void)rv_sql_bound_window(type, &first, &last);
    if (bound->as.integer < first || bound->as.integer > last) {
        return false;
    }
    rv_writer again = rv_writer_over(shown, sizeof shown);
    rv_value_to_json(type, bound, &again);
    RV_ASSERT(!again.full && again.len >= 2);
    return rv_bytes_equal(rv_writer_bytes(&w), rv_bytes_of(shown + 1, again.len - 2));
}

/* A number from text that the collation takes for one too: digits, signs, a point, an exponent.
 * Rounded to the scale of the column it is the nearest value there. */
static bool bound_wide(const rv_type *type, rv_bytes text, rv_arena *scratch, rv_value *bound) {
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC);
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && memchr(".-+eE", c, 5) == NULL) {
            return false;
        }
    }
    return rv_value_from_text(type, text, RV_LITERAL(""), scratch, bound, NULL) == RV_OK;
}

/* Of what is not an integer: a value that is inside. False: there is none. */
static bool bound_any(const rv_type *type, sqlite3_value *sought, bool low, rv_arena *scratch,
                      rv_value *bound) {
    const int met = sqlite3_value_type(sought);
    switch (rv_sql_form_of(type)) {
    case RV_SQL_DECIMAL:
        return bound_decimal(type, sought, low, bound);
    case RV_SQL_REAL: {
        const int number = sqlite3_value_numeric_type(sought);
        *bound = rv_value_float(sqlite3_value_double(sought));
        return number == SQLITE_INTEGER || number == SQLITE_FLOAT;
    }
    case RV_SQL_BLOB:
        *bound = rv_value_bytes(text_of(sought));
        return met == SQLITE_BLOB;
    case RV_SQL_TEXT: { /* no text in a row has a NUL: what stands before one bounds the same rows
                         */
        const rv_bytes text = text_of(sought);
        const uint8_t *const nul = text.len == 0 ? NULL : memchr(text.ptr, 0, text.len);
        *bound = rv_value_bytes(
            rv_bytes_of(text.ptr, nul == NULL ? text.len : (size_t)(nul - text.ptr)));
        return met == SQLITE_TEXT;
    }
    case RV_SQL_WIDE:
        return met == SQLITE_TEXT && bound_wide(type, text_of(sought), scratch, bound);
    default:
        RV_ASSERT(rv_sql_form_of(type) == RV_SQL_FORMATTED);
        return met == SQLITE_TEXT && bound_time(type, text_of(sought), scratch, bound);
    }
}

rv_sql_match rv_sql_bound_of(const rv_type *type, sqlite3_value *sought, rv_arena *scratch,
                             rv_sql_bound *bound) {
    RV_ASSERT(sqlite3_value_type(sought) != SQLITE_NULL && rv_sql_bound_range(type));
    if (rv_sql_form_of(type) == RV_SQL_INTEGER) {
        return bound_integer(type, sought, bound);
    }
    bound->inside = true;
    return bound_any(type, sought, bound->low, scratch, &bound->value) ? RV_SQL_MATCH_KEY
                                                                       : RV_SQL_MATCH_SCAN;
}
