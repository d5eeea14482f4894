/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums and averages of numerics as they are to be, for a twin (twin.h), whose own add doubles:
 * every number is an integer of 10^-4 in 128 bits, taken from its digits, so nothing here is shared
 * with what is tested. A statement calls them `sum ` and `avg `, with a space, which says nothing
 * in SQL; of what the twin is asked, the names of these functions take the place of that.
 *
 *     SELECT sum (a.n), sum(a.k) FROM t a          asked
 *     SELECT rv_truth_sum(a.n), sum(a.k) FROM t a  of the twin
 */
#ifndef RV_TESTS_SQL_TRUTH_H
#define RV_TESTS_SQL_TRUTH_H

#include "tests/unit/sql/fixture.h"

#include <stdlib.h>

#define TRUTH_SCALE 4

/* As SQLite's memory is aligned. */
__extension__ typedef __int128 truth_integer __attribute__((aligned(8)));

typedef struct truth {
    truth_integer sum;
    int64_t count;
    int64_t nans;
    int64_t scales[TRUTH_SCALE + 1]; /* how many have so many digits after the point */
} truth;

static const int64_t truth_unit = 10000;

/* Reads digits; a NaN is counted. */
static void truth_take(truth *t, sqlite3_value *value, int64_t sign) {
    char digits[64] = {0};
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) {
        return;
    }
    if (type == SQLITE_INTEGER) {
        snprintf(digits, sizeof digits, "%lld", (long long)sqlite3_value_int64(value));
    } else if (type == SQLITE_FLOAT) {
        snprintf(digits, sizeof digits, "%.15g", sqlite3_value_double(value));
        snprintf(digits + strlen(digits), 3, "%s", strchr(digits, '.') == NULL ? ".0" : "");
    } else {
        snprintf(digits, sizeof digits, "%.*s", sqlite3_value_bytes(value),
                 (const char *)sqlite3_value_blob(value));
    }
    t->count += sign;
    if (strcmp(digits, "NaN") == 0) {
        t->nans += sign;
        return;
    }
    truth_integer integer = 0;
    int scale = -1;
    for (const char *at = digits + (digits[0] == '-'); *at != 0; at++) {
        RV_ASSERT((*at >= '0' && *at <= '9') || (*at == '.' && scale < 0));
        integer = *at == '.' ? integer : 10 * integer + (*at - '0');
        scale = *at == '.' ? 0 : scale + (scale >= 0);
    }
    scale = scale < 0 ? 0 : scale;
    RV_ASSERT(scale <= TRUTH_SCALE);
    for (int i = scale; i < TRUTH_SCALE; i++) {
        integer *= 10;
    }
    t->scales[scale] += sign;
    t->sum += (digits[0] == '-' ? -integer : integer) * sign;
}

/* Writes a number above 0, and returns the end. */
static char *truth_write(char *out, truth_integer integer) {
    char digits[48];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + (int)(integer % 10));
        integer /= 10;
    } while (integer > 0);
    while (count > 0) {
        *out++ = digits[--count];
    }
    *out = 0;
    return out;
}

/* numerator / denominator, with so many digits after the point, and one more for what is left. */
static void truth_divide(char *out, truth_integer numerator, truth_integer denominator, int scale) {
    *out = '-';
    out += numerator < 0;
    numerator = numerator < 0 ? -numerator : numerator;
    out = truth_write(out, numerator / denominator);
    truth_integer rest = numerator % denominator;
    *out = '.';
    out += scale > 0;
    for (int i = 0; i < scale; i++) {
        *out++ = (char)('0' + (int)(rest * 10 / denominator));
        rest = rest * 10 % denominator;
    }
    *out = '1';
    out[rest > 0] = 0;
}

/* From the first digit that is not 0 to the last. */
static int truth_significant(const char *text) {
    int seen = 0;
    int count = 0;
    for (; *text != 0; text++) {
        seen += *text >= '0' && *text <= '9' && (seen > 0 || *text != '0');
        count = *text >= '1' && *text <= '9' ? seen : count;
    }
    return count;
}

static void truth_show_sum(sqlite3_context *out, const truth *t) {
    char text[128];
    int scale = TRUTH_SCALE;
    while (scale > 0 && t->scales[scale] == 0) {
        scale--;
    }
    truth_divide(text, t->sum, truth_unit, scale);
    if (scale == 0) {
        RV_ASSERT(truth_significant(text) <= 18);
        sqlite3_result_int64(out, strtoll(text, NULL, 10));
    } else if (truth_significant(text) <= 15) {
        sqlite3_result_double(out, strtod(text, NULL));
    } else {
        sqlite3_result_text64(out, text, strlen(text), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
}

static void truth_value(sqlite3_context *out) {
    const truth *const t = sqlite3_aggregate_context(out, 0);
    char text[128];
    if (t == NULL || t->count == 0) {
        return;
    }
    if (t->nans > 0) {
        sqlite3_result_text64(out, "NaN", 3, SQLITE_TRANSIENT, SQLITE_UTF8);
    } else if (sqlite3_user_data(out) == NULL) {
        truth_show_sum(out, t);
    } else {
        truth_divide(text, t->sum, (truth_integer)truth_unit * t->count, 60);
        sqlite3_result_double(out, strtod(text, NULL));
    }
}

static void truth_step(sqlite3_context *out, int argc, sqlite3_value **argv) {
    RV_ASSERT(argc == 1);
    truth_take(sqlite3_aggregate_context(out, sizeof(truth)), argv[0], 1);
}

static void truth_inverse(sqlite3_context *out, int argc, sqlite3_value **argv) {
    RV_ASSERT(argc == 1);
    truth_take(sqlite3_aggregate_context(out, sizeof(truth)), argv[0], -1);
}

/* Makes the functions known. */
static inline bool truth_declare(sqlite3 *db) {
    static const char average[] = "average";
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    return sqlite3_create_window_function(db, "rv_truth_sum", 1, flags, NULL, truth_step,
                                          truth_value, truth_value, truth_inverse,
                                          NULL) == SQLITE_OK &&
           sqlite3_create_window_function(db, "rv_truth_avg", 1, flags, (void *)(uintptr_t)average,
                                          truth_step, truth_value, truth_value, truth_inverse,
                                          NULL) == SQLITE_OK;
}

/* What a twin is asked for a statement. */
static inline void truth_text(const char *text, char *out, size_t size) {
    rv_writer w = rv_writer_over(out, size - 1);
    while (*text != 0) {
        const bool sum = strncmp(text, "sum (", 5) == 0;
        if (sum || strncmp(text, "avg (", 5) == 0) {
            rv_write_text(&w, sum ? "rv_truth_sum(" : "rv_truth_avg(");
            text += 5;
        } else {
            rv_write_u8(&w, (uint8_t)*text++);
        }
    }
    RV_ASSERT(!w.full);
    out[w.len] = 0;
}

#endif
