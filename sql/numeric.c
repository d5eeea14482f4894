/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numerics in SQL are decimals (core/model/decimal.h) while they are calculated with.
 *
 * A sum is kept in two parts: a 64-bit integer times a power of ten, which takes nearly every value
 * of nearly every column at the cost of an addition, and a packed decimal that it is moved to when
 * it would overflow. What is taken out again when a window moves on is exact, so a window's sum is
 * that of its rows. NaN and infinities are counted, not added.
 */
#include "sql/numeric.h"

#include "core/model/decimal.h"
#include "core/model/float.h"
#include "sql/cell.h"
#include "sql/wide.h"

/* Enough for numbers of some hundred digits; with longer ones, more is taken from SQLite's heap. */
#define ROOM_SMALL 1024u
#define ROOM_LARGE ((size_t)96 * 1024)

/* Significant digits that a REAL and an INTEGER hold whatever they are. */
#define REAL_DIGITS    15u
#define INTEGER_DIGITS 18u

/* Digits after the point of an integer that stands for a number. */
#define SCALE_MAX RV_SQL_NUMERIC_SCALE

/* Digits that a REAL and what lies between two of them have at most more than there are in the
 * numbers that were divided: log10(2^54), and the rounding. */
#define NEAR_DIGITS 20

typedef enum numeric_op {
    NUMERIC_ADD,
    NUMERIC_SUB,
    NUMERIC_MUL,
    NUMERIC_DIV,
    NUMERIC_MOD,
    NUMERIC_CMP,
    NUMERIC_ROUND
} numeric_op;

typedef struct numeric_function {
    const char *name;
    numeric_op op;
    int arguments;
} numeric_function;

static const numeric_function functions[] = {
    {"numeric_add", NUMERIC_ADD, 2},     {"numeric_sub", NUMERIC_SUB, 2},
    {"numeric_mul", NUMERIC_MUL, 2},     {"numeric_div", NUMERIC_DIV, 2},
    {"numeric_div", NUMERIC_DIV, 3},     {"numeric_mod", NUMERIC_MOD, 2},
    {"numeric_cmp", NUMERIC_CMP, 2},     {"numeric_round", NUMERIC_ROUND, 1},
    {"numeric_round", NUMERIC_ROUND, 2},
};

/* --- arguments --- */

/* The integer, times 10^-scale, that a TEXT of few digits is, with as many after the point. False:
 * it has more, or another form. */
static bool small_of_text(const uint8_t *text, size_t len, int64_t *integer, uint32_t *scale) {
    const size_t begin = len > 0 && text[0] == '-' ? 1 : 0;
    size_t point = len;
    int64_t digits = 0;
    if (len > begin + INTEGER_DIGITS + 1 || begin == len || text[begin] == '.') {
        return false;
    }
    for (size_t i = begin; i < len; i++) {
        if (text[i] == '.' && point == len) {
            point = i;
        } else if (text[i] >= '0' && text[i] <= '9' && i - begin < INTEGER_DIGITS + (point < len)) {
            digits = 10 * digits + (text[i] - '0');
        } else {
            return false;
        }
    }
    *scale = point < len ? (uint32_t)(len - point - 1) : 0;
    *integer = begin == 1 ? -digits : digits;
    return point + 1 != len && *scale <= SCALE_MAX;
}

/* The integer, times 10^-scale, that an argument is; a REAL has a scale of 1 at least, the least
 * that does, or `scale`, if that does. False: it is none at hand. */
static bool small_of(sqlite3_value *value, int64_t *integer, uint32_t *scale) {
    const int type = sqlite3_value_type(value);
    const uint32_t tried = *scale;
    RV_ASSERT(tried <= SCALE_MAX);
    *scale = 0;
    if (type == SQLITE_INTEGER) {
        *integer = sqlite3_value_int64(value);
        return true;
    }
    if (type == SQLITE_TEXT) {
        const uint8_t *const text = sqlite3_value_blob(value);
        const size_t len = text == NULL ? 0 : (size_t)sqlite3_value_bytes(value);
        return small_of_text(text, len, integer, scale);
    }
    if (type != SQLITE_FLOAT) {
        return false;
    }
    const double real = sqlite3_value_double(value);
    if (tried > 0 && rv_sql_decimal_of(real, (int32_t)tried, integer)) {
        *scale = tried;
        return true;
    }
    for (uint32_t s = 1; s <= SCALE_MAX; s++) {
        if (s != tried && rv_sql_decimal_of(real, (int32_t)s, integer)) {
            *scale = s;
            return true;
        }
    }
    return false;
}

/* Reads an argument that is not NULL. RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED.
 */
static rv_status read_decimal(sqlite3_value *value, rv_arena *scratch, rv_decimal *d) {
    int64_t integer = 0;
    uint32_t scale = 0;
    RV_ASSERT(value != NULL && d != NULL);
    if (small_of(value, &integer, &scale)) {
        uint8_t *const room = rv_arena_take_raw(scratch, RV_DECIMAL_INT_PAIRS);
        if (room == NULL) {
            return RV_MEMORY_EXHAUSTED;
        }
        *d = rv_decimal_of_int(integer, scale, room);
        return RV_OK;
    }
    if (sqlite3_value_type(value) == SQLITE_FLOAT) {
        uint8_t text[64];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_float_write(sqlite3_value_double(value), RV_FLOAT_DOUBLE, &w);
        RV_ASSERT(!w.full);
        const rv_status status =
            rv_decimal_parse(rv_writer_bytes(&w), RV_DECIMAL_ANY_SCALE, scratch, d);
        if (status == RV_OK && d->kind == RV_DECIMAL_FINITE && d->scale == 0) {
            d->scale = 1; /* what comes of it is no INTEGER */
        }
        return status;
    }
    if (sqlite3_value_type(value) != SQLITE_TEXT) {
        return RV_VALUE_INVALID;
    }
    const void *const bytes = sqlite3_value_blob(value);
    const size_t len = bytes == NULL ? 0 : (size_t)sqlite3_value_bytes(value);
    return rv_decimal_parse(rv_bytes_of(bytes, len), RV_DECIMAL_ANY_SCALE, scratch, d);
}

/* --- results --- */

/* Digits from the first that is not 0 to the last. */
static uint32_t significant(const rv_decimal *d) {
    if (d->pairs.len == 0) {
        return 0;
    }
    const uint32_t count = 2 * (uint32_t)d->pairs.len;
    const uint8_t last = d->pairs.ptr[d->pairs.len - 1];
    const uint32_t zeros = (d->pairs.ptr[0] < 10 ? 1u : 0u) + (last % 10 == 0 ? 1u : 0u);
    RV_ASSERT(zeros <= count);
    return count - zeros;
}

/* True when a REAL says which decimal it is. */
static bool real_holds(const rv_decimal *d) {
    return d->kind == RV_DECIMAL_FINITE && significant(d) <= REAL_DIGITS && d->exponent < 100 &&
           d->exponent > -100;
}

/* Shows a result; `nearest`: as a REAL, even if that is not all of it. */
static void show(sqlite3_context *out, const rv_decimal *d, bool nearest) {
    int64_t integer = 0;
    double real = 0;
    RV_ASSERT(d != NULL);
    const bool whole = d->kind == RV_DECIMAL_FINITE && d->scale == 0 && !nearest;
    if (whole && d->exponent <= (int32_t)INTEGER_DIGITS / 2 && rv_decimal_to_int(d, 0, &integer)) {
        sqlite3_result_int64(out, integer);
        return;
    }
    char *const text = sqlite3_malloc64(RV_DECIMAL_TEXT_MAX);
    if (text == NULL) {
        sqlite3_result_error_nomem(out);
        return;
    }
    rv_writer w = rv_writer_over(text, RV_DECIMAL_TEXT_MAX);
    rv_decimal_write(d, &w);
    RV_ASSERT(!w.full && w.len > 0);
    const bool finite = d->kind == RV_DECIMAL_FINITE;
    if (finite && (real_holds(d) || nearest) && (!whole || nearest) &&
        rv_float_parse(rv_writer_bytes(&w), RV_FLOAT_DOUBLE, &real) == RV_FLOAT_OK) {
        sqlite3_result_double(out, real);
        sqlite3_free(text);
    } else {
        sqlite3_result_text64(out, text, w.len, sqlite3_free, SQLITE_UTF8);
    }
}

static void show_error(sqlite3_context *out, rv_status status) {
    RV_ASSERT(status != RV_OK);
    if (status == RV_MEMORY_EXHAUSTED) {
        sqlite3_result_error_nomem(out);
    } else if (status == RV_DIVISION_BY_ZERO) {
        sqlite3_result_null(out); /* as SQLite divides */
    } else if (status == RV_VALUE_INVALID) {
        sqlite3_result_error(out, "an argument of a numeric function is no number", -1);
    } else if (status == RV_PARAMETER_INVALID) {
        sqlite3_result_error(out, "a result cannot have so many digits after the point", -1);
    } else {
        sqlite3_result_error(out, "a numeric has more digits than there may be", -1);
    }
}

/* A quotient with so many digits that the REAL nearest to it is the one nearest to all of it: no
 * number that lies in the middle between two REALs can be between the two. */
static rv_status divide_near(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                             rv_decimal *result) {
    const int64_t after = 2 * ((int64_t)a->pairs.len - a->exponent);
    const int64_t zeros = 2 * ((int64_t)b->exponent - a->exponent + 1);
    const int64_t digits =
        (after > 0 ? after : 0) + (zeros > 0 ? zeros : 0) + 2 * (int64_t)b->pairs.len + NEAR_DIGITS;
    const int64_t most = (int64_t)RV_DECIMAL_SCALE_MAX;
    RV_ASSERT(digits >= NEAR_DIGITS);
    return rv_decimal_divide_to(a, b, (int32_t)(digits < most ? digits : most), scratch, result);
}

/* --- functions of one row --- */

/* Reads how many digits a result is to have after the point. */
static rv_status read_digits(sqlite3_value *value, bool after_only, int32_t *digits) {
    if (sqlite3_value_type(value) != SQLITE_INTEGER) {
        return RV_VALUE_INVALID;
    }
    const int64_t wanted = sqlite3_value_int64(value);
    const int64_t least = after_only ? 0 : -(int64_t)RV_DECIMAL_WHOLE_MAX;
    if (wanted < least || wanted > (int64_t)RV_DECIMAL_SCALE_MAX) {
        return RV_PARAMETER_INVALID;
    }
    *digits = (int32_t)wanted;
    return RV_OK;
}

static rv_status calculate(numeric_op op, int argc, sqlite3_value **argv, rv_arena *scratch,
                           rv_decimal *result) {
    rv_decimal a;
    rv_decimal b = rv_decimal_zero();
    int32_t digits = 0;
    rv_status status = read_decimal(argv[0], scratch, &a);
    if (status == RV_OK && argc > 1 && op != NUMERIC_ROUND) {
        status = read_decimal(argv[1], scratch, &b);
    }
    if (status == RV_OK && (argc == 3 || (argc == 2 && op == NUMERIC_ROUND))) {
        status = read_digits(argv[argc - 1], op == NUMERIC_DIV, &digits);
    }
    if (status != RV_OK) {
        return status;
    }
    switch (op) {
    case NUMERIC_ADD:
        return rv_decimal_add(&a, &b, scratch, result);
    case NUMERIC_SUB:
        return rv_decimal_subtract(&a, &b, scratch, result);
    case NUMERIC_MUL:
        return rv_decimal_multiply(&a, &b, scratch, result);
    case NUMERIC_DIV:
        return argc == 3 ? rv_decimal_divide_to(&a, &b, digits, scratch, result)
                         : divide_near(&a, &b, scratch, result);
    case NUMERIC_MOD:
        return rv_decimal_modulo(&a, &b, scratch, result);
    default:
        RV_ASSERT(op == NUMERIC_ROUND);
        return rv_decimal_round(&a, RV_DECIMAL_HALF_AWAY, digits, scratch, result);
    }
}

static rv_status compare(sqlite3_value **argv, rv_arena *scratch, int *order) {
    rv_decimal a;
    rv_decimal b;
    rv_status status = read_decimal(argv[0], scratch, &a);
    status = status == RV_OK ? read_decimal(argv[1], scratch, &b) : status;
    const int compared = status == RV_OK ? rv_decimal_compare(&a, &b) : 0;
    RV_ASSERT(argv != NULL);
    *order = (compared > 0) - (compared < 0);
    return status;
}

/* In a room; RV_MEMORY_EXHAUSTED: it is too small. */
static rv_status answer_in(sqlite3_context *out, numeric_op op, int argc, sqlite3_value **argv,
                           rv_arena *scratch) {
    rv_decimal result = rv_decimal_zero();
    int order = 0;
    rv_status status = RV_OK;
    if (op == NUMERIC_CMP) {
        status = compare(argv, scratch, &order);
        if (status == RV_OK) {
            sqlite3_result_int64(out, order);
        }
    } else {
        status = calculate(op, argc, argv, scratch, &result);
        if (status == RV_OK) {
            show(out, &result, op == NUMERIC_DIV && argc == 2);
        }
    }
    RV_ASSERT(status != RV_PENDING);
    return status;
}

static void answer(sqlite3_context *out, int argc, sqlite3_value **argv) {
    const numeric_function *const function = sqlite3_user_data(out);
    RV_ASSERT(function != NULL && argc == function->arguments);
    for (int i = 0; i < argc; i++) {
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
            return; /* the result is NULL */
        }
    }
    uint8_t room[ROOM_SMALL];
    rv_arena scratch = rv_arena_over(room, sizeof room);
    rv_status status = answer_in(out, function->op, argc, argv, &scratch);
    if (status == RV_MEMORY_EXHAUSTED) {
        void *const large = sqlite3_malloc64(ROOM_LARGE);
        scratch = rv_arena_over(large, large == NULL ? 0 : ROOM_LARGE);
        status = answer_in(out, function->op, argc, argv, &scratch);
        sqlite3_free(large);
    }
    if (status != RV_OK) {
        show_error(out, status);
    }
}

/* --- sums --- */

typedef struct numeric_sum {
    int64_t part; /* times 10^-scale, and */
    uint32_t scale;
    uint32_t wide_len; /* a packed decimal; 0: none */
    uint8_t *wide;     /* RV_DECIMAL_PACKED_MAX bytes */
    int64_t count;     /* values that are not NULL */
    int64_t nans;
    int64_t infinities;
    int64_t minus_infinities;
    rv_status failed;
} numeric_sum;

static const int64_t powers[SCALE_MAX + 1] = {
    INT64_C(1),      INT64_C(10),      INT64_C(100),      INT64_C(1000),      INT64_C(10000),
    INT64_C(100000), INT64_C(1000000), INT64_C(10000000), INT64_C(100000000), INT64_C(1000000000),
};

/* Adds to the part; false: it does not fit. */
static bool add_small(numeric_sum *sum, int64_t integer, uint32_t scale) {
    int64_t part = sum->part;
    RV_ASSERT(scale <= SCALE_MAX && sum->scale <= SCALE_MAX);
    const bool wider = scale > sum->scale;
    const int64_t power = powers[wider ? scale - sum->scale : sum->scale - scale];
    if (__builtin_mul_overflow(wider ? part : integer, power, wider ? &part : &integer) ||
        __builtin_add_overflow(part, integer, &part)) {
        return false;
    }
    sum->part = part;
    sum->scale = wider ? scale : sum->scale;
    return true;
}

/* Adds a decimal to the packed one. */
static rv_status add_wide(numeric_sum *sum, const rv_decimal *d, bool minus, rv_arena *scratch) {
    rv_decimal before = rv_decimal_zero();
    rv_decimal after;
    if (sum->wide == NULL) {
        sum->wide = sqlite3_malloc64(RV_DECIMAL_PACKED_MAX);
        sum->wide_len = 0;
    }
    if (sum->wide == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    const bool read =
        sum->wide_len == 0 || rv_decimal_unpack(rv_bytes_of(sum->wide, sum->wide_len), &before);
    RV_ASSERT(read);
    const rv_status status = minus ? rv_decimal_subtract(&before, d, scratch, &after)
                                   : rv_decimal_add(&before, d, scratch, &after);
    const rv_bytes packed =
        status == RV_OK ? rv_decimal_pack(&after, scratch) : rv_bytes_of(NULL, 0);
    if (status != RV_OK || packed.ptr == NULL) {
        return status != RV_OK ? status : RV_MEMORY_EXHAUSTED;
    }
    RV_ASSERT(packed.len <= RV_DECIMAL_PACKED_MAX);
    memcpy(sum->wide, packed.ptr, packed.len);
    sum->wide_len = (uint32_t)packed.len;
    return RV_OK;
}

/* Moves the part into the packed decimal. */
static rv_status move_part(numeric_sum *sum, rv_arena *scratch) {
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    const rv_decimal d = rv_decimal_of_int(sum->part, sum->scale, room);
    const rv_status status = add_wide(sum, &d, false, scratch);
    if (status == RV_OK) {
        sum->part = 0;
    }
    return status;
}

/* Takes a value in, or one that was in, out. */
static rv_status sum_change(numeric_sum *sum, sqlite3_value *value, bool out, rv_arena *scratch) {
    int64_t integer = 0;
    uint32_t scale = sum->scale; /* likely that of the next one, too */
    rv_decimal d;
    RV_ASSERT(sum->failed == RV_OK);
    if (small_of(value, &integer, &scale) && integer > INT64_MIN) {
        if (add_small(sum, out ? -integer : integer, scale)) {
            return RV_OK;
        }
        const rv_status moved = move_part(sum, scratch);
        if (moved != RV_OK || add_small(sum, out ? -integer : integer, scale)) {
            return moved;
        }
    }
    const rv_status status = read_decimal(value, scratch, &d);
    if (status != RV_OK) {
        return status;
    }
    const int64_t one = out ? -1 : 1;
    switch (d.kind) {
    case RV_DECIMAL_NAN:
        sum->nans += one;
        return RV_OK;
    case RV_DECIMAL_INFINITY:
        sum->infinities += one;
        return RV_OK;
    case RV_DECIMAL_MINUS_INFINITY:
        sum->minus_infinities += one;
        return RV_OK;
    default:
        return add_wide(sum, &d, out, scratch);
    }
}

static void change(sqlite3_context *out, sqlite3_value *value, bool takes_out) {
    numeric_sum *const sum = sqlite3_aggregate_context(out, sizeof *sum);
    if (sum == NULL || sum->failed != RV_OK || sqlite3_value_type(value) == SQLITE_NULL) {
        return; /* SQLite tells of the memory that there was not */
    }
    uint8_t room[ROOM_SMALL];
    rv_arena scratch = rv_arena_over(room, sizeof room);
    rv_status status = sum_change(sum, value, takes_out, &scratch);
    if (status == RV_MEMORY_EXHAUSTED) {
        void *const large = sqlite3_malloc64(ROOM_LARGE);
        scratch = rv_arena_over(large, large == NULL ? 0 : ROOM_LARGE);
        status = sum_change(sum, value, takes_out, &scratch);
        sqlite3_free(large);
    }
    sum->count += takes_out ? -1 : 1;
    if (status != RV_OK) {
        sum->failed = status;
        show_error(out, status);
    }
}

static void sum_step(sqlite3_context *out, int argc, sqlite3_value **argv) {
    RV_ASSERT(argc == 1);
    change(out, argv[0], false);
}

static void sum_inverse(sqlite3_context *out, int argc, sqlite3_value **argv) {
    RV_ASSERT(argc == 1);
    change(out, argv[0], true);
}

/* What the sum is. */
static rv_status sum_value(numeric_sum *sum, rv_arena *scratch, rv_decimal *d) {
    *d = rv_decimal_zero();
    if (sum->nans > 0 || (sum->infinities > 0 && sum->minus_infinities > 0)) {
        d->kind = RV_DECIMAL_NAN;
        return RV_OK;
    }
    if (sum->infinities > 0 || sum->minus_infinities > 0) {
        d->kind = sum->infinities > 0 ? RV_DECIMAL_INFINITY : RV_DECIMAL_MINUS_INFINITY;
        return RV_OK;
    }
    uint8_t *const room = rv_arena_take_raw(scratch, RV_DECIMAL_INT_PAIRS);
    if (room == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    const rv_decimal part = rv_decimal_of_int(sum->part, sum->scale, room);
    rv_decimal wide;
    if (sum->wide_len == 0) {
        *d = part;
        return RV_OK;
    }
    const bool read = rv_decimal_unpack(rv_bytes_of(sum->wide, sum->wide_len), &wide);
    RV_ASSERT(read);
    return rv_decimal_add(&wide, &part, scratch, d);
}

/* Shows a sum; `count` is not 0: the average of as many. */
static rv_status show_sum(sqlite3_context *out, const rv_decimal *sum, int64_t count,
                          rv_arena *scratch) {
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    rv_decimal average;
    if (count == 0) {
        show(out, sum, false);
        return RV_OK;
    }
    const rv_decimal divisor = rv_decimal_of_int(count, 0, room);
    const rv_status status = divide_near(sum, &divisor, scratch, &average);
    if (status == RV_OK) {
        show(out, &average, true);
    }
    return status;
}

static void sum_show_all(sqlite3_context *out, numeric_sum *sum) {
    const int64_t count = sqlite3_user_data(out) == NULL ? 0 : sum->count;
    uint8_t room[ROOM_SMALL];
    rv_arena scratch = rv_arena_over(room, sizeof room);
    rv_decimal d;
    rv_status status = sum_value(sum, &scratch, &d);
    status = status == RV_OK ? show_sum(out, &d, count, &scratch) : status;
    if (status == RV_MEMORY_EXHAUSTED) {
        void *const large = sqlite3_malloc64(ROOM_LARGE);
        scratch = rv_arena_over(large, large == NULL ? 0 : ROOM_LARGE);
        status = sum_value(sum, &scratch, &d);
        status = status == RV_OK ? show_sum(out, &d, count, &scratch) : status;
        sqlite3_free(large);
    }
    if (status != RV_OK) {
        show_error(out, status);
    }
}

static void sum_show(sqlite3_context *out) {
    numeric_sum *const sum = sqlite3_aggregate_context(out, 0);
    if (sum != NULL && sum->failed != RV_OK) {
        show_error(out, sum->failed);
    } else if (sum != NULL && sum->count > 0) {
        sum_show_all(out, sum);
    }
}

static void sum_final(sqlite3_context *out) {
    sum_show(out);
    numeric_sum *const sum = sqlite3_aggregate_context(out, 0);
    if (sum != NULL) {
        sqlite3_free(sum->wide);
        sum->wide = NULL;
    }
}

/* --- for tally.c --- */

bool rv_sql_numeric_split(sqlite3_value *value, rv_sql_numeric_parts *parts) {
    int64_t integer = 0;
    parts->scale = 0;
    if (!small_of(value, &integer, &parts->scale)) {
        return false;
    }
    const int64_t power = powers[parts->scale];
    parts->whole = integer / power;
    parts->fraction = integer % power * powers[SCALE_MAX - parts->scale];
    return true;
}

void rv_sql_numeric_show(sqlite3_context *out, const rv_sql_numeric_parts *parts, int64_t count) {
    uint8_t room[ROOM_SMALL];
    uint8_t pairs[2][RV_DECIMAL_INT_PAIRS];
    rv_arena scratch = rv_arena_over(room, sizeof room);
    rv_decimal d;
    RV_ASSERT(count >= 0 && parts->scale <= SCALE_MAX);
    RV_ASSERT(parts->fraction % powers[SCALE_MAX - parts->scale] == 0);
    const rv_decimal whole = rv_decimal_of_int(parts->whole, 0, pairs[0]);
    const rv_decimal fraction = rv_decimal_of_int(parts->fraction, SCALE_MAX, pairs[1]);
    rv_status status = rv_decimal_add(&whole, &fraction, &scratch, &d);
    d.scale = parts->scale;
    status = status == RV_OK ? show_sum(out, &d, count, &scratch) : status;
    if (status != RV_OK) {
        show_error(out, status);
    }
}

/* --- --- */

int rv_sql_numeric_declare(sqlite3 *db) {
    static const char average[] = "average";
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_collation_v2(db, RV_SQL_NUMERIC_COLLATION, SQLITE_UTF8, NULL,
                                         rv_sql_wide_compare, NULL);
    for (size_t i = 0; i < sizeof functions / sizeof *functions && rc == SQLITE_OK; i++) {
        const numeric_function *const f = &functions[i];
        rc = sqlite3_create_function_v2(db, f->name, f->arguments, flags, (void *)(uintptr_t)f,
                                        answer, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_create_window_function(db, "numeric_sum", 1, flags, NULL, sum_step, sum_final,
                                            sum_show, sum_inverse, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_create_window_function(db, "numeric_avg", 1, flags, (void *)(uintptr_t)average,
                                            sum_step, sum_final, sum_show, sum_inverse, NULL);
    }
    RV_ASSERT(rc == SQLITE_OK || rc == SQLITE_NOMEM);
    return rc;
}
