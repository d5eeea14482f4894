/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How errors (include/rivulet/error.h) are made.
 *
 *     return rv_error_set(err, RV_VERSION_CONFLICT, "%b is at version %u, not %u", &path, a, e);
 *     rv_error_fact_uint(err, "expected", e);
 */
#ifndef RV_BASE_ERROR_H
#define RV_BASE_ERROR_H

#include "core/base/writer.h"
#include "rivulet/error.h"

/* Sets the error, without facts, and returns `status`. `err` may be NULL.
 * The format knows %s (const char *), %b (const rv_bytes *), %u (uint64_t), %d (int64_t), %x
 * (uint64_t, hexadecimal) and %%; bytes that are not printable UTF-8 come out as `\xNN`. Integers
 * must be passed as the exact 64-bit type. */
rv_status rv_error_set(rv_error *err, rv_status status, const char *format, ...);

/* Adds a fact; one that does not fit is left out. `err` may be NULL. The name is none of "type",
 * "title", "status", "code" and "detail": those are the problem's own. */
void rv_error_fact_uint(rv_error *err, const char *name, uint64_t value);
void rv_error_fact_int(rv_error *err, const char *name, int64_t value);
void rv_error_fact_text(rv_error *err, const char *name, rv_bytes value);

/* The error as the members of a JSON object, without braces: "code", "detail", then the facts. */
void rv_error_write_members(const rv_error *err, rv_writer *w);

static inline rv_bytes rv_error_detail(const rv_error *err) {
    return rv_bytes_of(err->detail, err->detail_len);
}

#endif
