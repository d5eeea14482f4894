/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Showing is direct: integers and bytes go to SQLite as they lie in the state, without a copy. Only
 * times and uuids are formatted.
 *
 * A key look-up may find a row that SQLite then finds unequal (it compares again), but must never
 * miss one that SQLite would call equal. So what is compared under SQLite's affinity rules in a way
 * that no single key follows ('5' and '05' both equal 5 when a text key meets an integer column)
 * becomes a scan.
 */
#include "sql/cell.h"

#include "core/model/value_numeric.h"
#include "core/model/value_time.h"
#include "sql/declared.h"
#include "sql/wide.h"

/* The longest formatted text: an interval with all its parts. */
#define FORMATTED_MAX 128u
_Static_assert(FORMATTED_MAX >= RV_TIME_TEXT_MAX, "times are written without looking for room");

/* The longest array as JSON: an element of one byte is an enum's label, escaped. */
#define ARRAY_TEXT_MAX ((size_t)RV_EVENT_LEN_MAX * 512u)

const double rv_sql_powers_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

rv_sql_form rv_sql_form_of(const rv_type *type) {
    RV_ASSERT(type != NULL && type->kind < RV_TYPE_KIND_COUNT);
    switch (type->kind) {
    case RV_TYPE_NUMERIC:
        if (rv_type_is_wide(type)) {
            return RV_SQL_WIDE;
        }
        if (type->scale == 0) {
            return RV_SQL_INTEGER;
        }
        return type->size <= RV_SQL_REAL_DIGITS ? RV_SQL_DECIMAL : RV_SQL_WIDE;
    case RV_TYPE_REAL:
    case RV_TYPE_DOUBLE:
        return RV_SQL_REAL;
    case RV_TYPE_CHAR:
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
    case RV_TYPE_JSON:
    case RV_TYPE_JSONB:
        return RV_SQL_TEXT;
    case RV_TYPE_ENUM:
        return RV_SQL_LABEL;
    case RV_TYPE_BYTEA:
        return RV_SQL_BLOB;
    case RV_TYPE_DATE:
    case RV_TYPE_TIME:
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_TIMESTAMPTZ:
    case RV_TYPE_INTERVAL:
    case RV_TYPE_UUID:
        return RV_SQL_FORMATTED;
    case RV_TYPE_ARRAY:
        return RV_SQL_ARRAY;
    default:
        return RV_SQL_INTEGER;
    }
}

const char *rv_sql_declaration_of(const rv_type *type) {
    RV_ASSERT(type != NULL);
    const bool numeric = type->kind == RV_TYPE_NUMERIC;
    switch (rv_sql_form_of(type)) {
    case RV_SQL_INTEGER:
        return numeric ? RV_SQL_DECLARED_NUMERIC " INTEGER" : "INTEGER";
    case RV_SQL_REAL:
        return "REAL";
    case RV_SQL_DECIMAL:
        return RV_SQL_DECLARED_NUMERIC " REAL";
    case RV_SQL_WIDE:
        return RV_SQL_DECLARED_NUMERIC " TEXT";
    case RV_SQL_BLOB:
        return "BLOB";
    case RV_SQL_ARRAY:
        return RV_SQL_DECLARED_JSON " TEXT";
    default:
        return type->kind == RV_TYPE_JSON || type->kind == RV_TYPE_JSONB ? RV_SQL_DECLARED_JSON
                   " TEXT"
                                                                         : "TEXT";
    }
}

const char *rv_sql_collation_of(const rv_type *type) {
    RV_ASSERT(type != NULL);
    return type->kind == RV_TYPE_CHAR            ? "RTRIM"
           : rv_sql_form_of(type) == RV_SQL_WIDE ? RV_SQL_WIDE_COLLATION
                                                 : "BINARY";
}

bool rv_sql_form_exact(rv_sql_form form) {
    return form == RV_SQL_INTEGER || form == RV_SQL_REAL || form == RV_SQL_DECIMAL ||
           form == RV_SQL_BLOB;
}

/* --- showing --- */

static void show_formatted(sqlite3_context *out, const rv_type *type, const rv_value *value) {
    uint8_t text[FORMATTED_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    if (type->kind == RV_TYPE_UUID || type->kind == RV_TYPE_INTERVAL) {
        rv_value_to_text(type, value, &w);
    } else {
        w.len = rv_time_put(type->kind, value->as.integer, true, text);
    }
    RV_ASSERT(!w.full && w.len > 0);
    sqlite3_result_text64(out, (const char *)text, w.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void show_wide(sqlite3_context *out, const rv_type *type, const rv_value *value) {
    char text[FORMATTED_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC);
    rv_value_to_text(type, value, &w);
    if (!w.full) {
        RV_ASSERT(w.len > 0);
        sqlite3_result_text64(out, text, w.len, SQLITE_TRANSIENT, SQLITE_UTF8);
        return;
    }
    char *const memory = sqlite3_malloc64(RV_DECIMAL_TEXT_MAX);
    if (memory == NULL) {
        sqlite3_result_error_nomem(out);
        return;
    }
    w = rv_writer_over(memory, RV_DECIMAL_TEXT_MAX);
    rv_value_to_text(type, value, &w);
    RV_ASSERT(!w.full);
    sqlite3_result_text64(out, memory, w.len, sqlite3_free, SQLITE_UTF8);
}

/* NaN of a column whose other values are numbers: a text, which SQLite orders behind those. */
static bool is_nan(const rv_type *type, const rv_value *value) {
    return type->kind == RV_TYPE_NUMERIC && value->class_ == RV_VALUE_INT &&
           value->as.integer == RV_NUMERIC_NAN;
}

/* As JSON, in memory of SQLite's: how long that is shows when it is written. */
static void show_array(sqlite3_context *out, const rv_type *type, const rv_value *value) {
    const size_t len_min = 2 * value->as.bytes.len + 64;
    bool shown = false;
    RV_ASSERT(value->class_ == RV_VALUE_BYTES);
    for (size_t len = len_min; len <= ARRAY_TEXT_MAX && !shown; len *= 2) {
        char *const text = sqlite3_malloc64(len);
        if (text == NULL) {
            break;
        }
        rv_writer w = rv_writer_over(text, len);
        rv_value_to_json(type, value, &w);
        shown = !w.full;
        if (shown) {
            sqlite3_result_text64(out, text, w.len, sqlite3_free, SQLITE_UTF8);
        } else {
            sqlite3_free(text);
        }
    }
    if (!shown) {
        sqlite3_result_error_nomem(out);
    }
}

/* A pointer that is never NULL: NULL would become SQL's NULL. */
static const char *text_pointer(rv_bytes bytes) {
    return bytes.ptr == NULL ? "" : (const char *)bytes.ptr;
}

void rv_sql_cell_show(sqlite3_context *out, rv_sql_form form, const rv_type *type,
                      const rv_value *value, bool lasting) {
    RV_ASSERT(out != NULL && value != NULL);
    RV_VERIFY(form == rv_sql_form_of(type));
    if (rv_value_is_null(value)) {
        sqlite3_result_null(out);
        return;
    }
    const sqlite3_destructor_type keep = lasting ? SQLITE_STATIC : SQLITE_TRANSIENT;
    if (is_nan(type, value)) {
        sqlite3_result_text64(out, "NaN", 3, SQLITE_STATIC, SQLITE_UTF8);
        return;
    }
    switch (form) {
    case RV_SQL_INTEGER:
        sqlite3_result_int64(out, value->as.integer);
        break;
    case RV_SQL_REAL:
        sqlite3_result_double(out, value->as.real);
        break;
    case RV_SQL_DECIMAL:
        sqlite3_result_double(out, rv_sql_decimal_real(value->as.integer, (uint32_t)type->scale));
        break;
    case RV_SQL_WIDE:
        show_wide(out, type, value);
        break;
    case RV_SQL_TEXT:
        sqlite3_result_text64(out, text_pointer(value->as.bytes), value->as.bytes.len, keep,
                              SQLITE_UTF8);
        break;
    case RV_SQL_LABEL: {
        RV_ASSERT((uint64_t)value->as.integer < type->labels->label_count);
        const rv_bytes label = type->labels->labels[value->as.integer];
        sqlite3_result_text64(out, text_pointer(label), label.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    }
    case RV_SQL_FORMATTED:
        show_formatted(out, type, value);
        break;
    case RV_SQL_ARRAY:
        show_array(out, type, value);
        break;
    case RV_SQL_BLOB:
        sqlite3_result_blob64(out, text_pointer(value->as.bytes), value->as.bytes.len, keep);
        break;
    }
}

bool rv_sql_decimal_of(double real, int32_t scale, int64_t *scaled) {
    RV_ASSERT(scale > 0 && (uint32_t)scale <= RV_SQL_REAL_DIGITS);
    RV_ASSERT(scaled != NULL);
    const double times = real * rv_sql_powers_of_ten[scale];
    if (!(times > -1e15 && times < 1e15)) {
        return false; /* NaN too */
    }
    *scaled = (int64_t)(times < 0 ? times - 0.5 : times + 0.5);
    return (double)*scaled / rv_sql_powers_of_ten[scale] == real;
}

/* --- looking for --- */

/* 2^63, the first REAL that no bigint equals. */
#define INTEGERS_END 9223372036854775808.0

static rv_sql_match key_integer(sqlite3_value *sought, rv_value *key) {
    const int type = sqlite3_value_numeric_type(sought);
    if (type == SQLITE_INTEGER) {
        *key = rv_value_int(sqlite3_value_int64(sought));
        return RV_SQL_MATCH_KEY;
    }
    if (type == SQLITE_FLOAT) {
        const double real = sqlite3_value_double(sought);
        if (real >= -INTEGERS_END && real < INTEGERS_END && (double)(int64_t)real == real) {
            *key = rv_value_int((int64_t)real);
            return RV_SQL_MATCH_KEY;
        }
    }
    return RV_SQL_MATCH_NONE;
}

static rv_sql_match key_real(const rv_type *type, rv_sql_form form, sqlite3_value *sought,
                             rv_value *key) {
    const int met = sqlite3_value_numeric_type(sought);
    RV_ASSERT(form == RV_SQL_REAL || form == RV_SQL_DECIMAL);
    if (met != SQLITE_INTEGER && met != SQLITE_FLOAT) {
        return RV_SQL_MATCH_NONE;
    }
    const double real = sqlite3_value_double(sought);
    int64_t scaled = 0;
    if (form == RV_SQL_REAL) {
        *key = rv_value_float(real);
        return RV_SQL_MATCH_KEY;
    }
    if (!rv_sql_decimal_of(real, type->scale, &scaled)) {
        return RV_SQL_MATCH_NONE;
    }
    *key = rv_value_int(scaled);
    return RV_SQL_MATCH_KEY;
}

rv_sql_match rv_sql_cell_key(const rv_type *type, sqlite3_value *sought, rv_arena *scratch,
                             rv_value *key) {
    RV_ASSERT(type != NULL && sought != NULL);
    RV_ASSERT(scratch != NULL && key != NULL);
    const int met = sqlite3_value_type(sought);
    const rv_sql_form form = rv_sql_form_of(type);
    if (met == SQLITE_NULL) {
        return RV_SQL_MATCH_NONE;
    }
    if (form == RV_SQL_ARRAY) {
        return RV_SQL_MATCH_SCAN; /* one array has many texts */
    }
    if (type->kind == RV_TYPE_NUMERIC && !rv_type_is_wide(type) && met == SQLITE_TEXT &&
        rv_bytes_are(rv_bytes_of(sqlite3_value_blob(sought), (size_t)sqlite3_value_bytes(sought)),
                     "NaN")) {
        *key = rv_value_int(RV_NUMERIC_NAN);
        return RV_SQL_MATCH_KEY;
    }
    if (form == RV_SQL_INTEGER) {
        return key_integer(sought, key);
    }
    if (form == RV_SQL_REAL || form == RV_SQL_DECIMAL) {
        return key_real(type, form, sought, key);
    }
    if (met != (form == RV_SQL_BLOB ? SQLITE_BLOB : SQLITE_TEXT)) {
        const bool number = met == SQLITE_INTEGER || met == SQLITE_FLOAT;
        return number && form != RV_SQL_BLOB ? RV_SQL_MATCH_SCAN : RV_SQL_MATCH_NONE;
    }
    const void *bytes = sqlite3_value_blob(sought);
    const rv_bytes text =
        rv_bytes_of(bytes, bytes == NULL ? 0 : (size_t)sqlite3_value_bytes(sought));
    if ((form == RV_SQL_TEXT && type->kind != RV_TYPE_CHAR) || form == RV_SQL_BLOB) {
        *key = rv_value_bytes(text);
        return RV_SQL_MATCH_KEY;
    }
    const rv_status status = rv_value_from_text(type, text, RV_LITERAL("key"), scratch, key, NULL);
    if (status == RV_MEMORY_EXHAUSTED) {
        return RV_SQL_MATCH_SCAN;
    }
    return status == RV_OK ? RV_SQL_MATCH_KEY : RV_SQL_MATCH_NONE;
}

/* Where the digits from `at` on end. */
static size_t digits_end(rv_bytes text, size_t at) {
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
        at += 1;
    }
    return at;
}

rv_sql_match rv_sql_cell_key_of_digits(const rv_type *type, sqlite3_value *sought,
                                       rv_arena *scratch, rv_value *key) {
    static const rv_type bigint = {.kind = RV_TYPE_BIGINT};
    RV_ASSERT(rv_sql_form_of(type) == RV_SQL_INTEGER);
    if (sqlite3_value_type(sought) != SQLITE_TEXT) {
        return rv_sql_cell_key(type, sought, scratch, key);
    }
    const rv_bytes text =
        rv_bytes_of(sqlite3_value_blob(sought), (size_t)sqlite3_value_bytes(sought));
    const size_t begin = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
    const size_t point = digits_end(text, begin);
    const size_t end =
        point < text.len && text.ptr[point] == '.' ? digits_end(text, point + 1) : point;
    if (point == begin || end < text.len) {
        return RV_SQL_MATCH_SCAN; /* an exponent, NaN, or no number */
    }
    for (size_t i = point + 1; i < end; i++) {
        if (text.ptr[i] != '0') {
            return RV_SQL_MATCH_NONE; /* between two integers */
        }
    }
    return rv_value_from_text(&bigint, rv_bytes_of(text.ptr, point), RV_LITERAL("key"), scratch,
                              key, NULL) == RV_OK
               ? RV_SQL_MATCH_KEY
               : RV_SQL_MATCH_NONE;
}
