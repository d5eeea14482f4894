/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a request: its path's segments and its query's parameters (RFC 3986, and `+` for a
 * space in the query, as forms send it). */
#ifndef RV_FACE_URL_H
#define RV_FACE_URL_H

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/limits.h"

typedef struct rv_url {
    size_t segment_count;
    rv_bytes segments[RV_PATH_SEGMENTS_MAX + 2]; /* decoded */
    rv_bytes query;                              /* as sent */
} rv_url;

/* Decoded text lies in `scratch` or in `target`. RV_PATH_INVALID, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_url_parse(rv_bytes target, rv_arena *scratch, rv_url *url, rv_error *err);

/* The first parameter with this name, decoded; empty and `*found` false when there is none. */
RV_MUST_USE rv_status rv_url_parameter(const rv_url *url, const char *name, rv_arena *scratch,
                                       rv_bytes *value, bool *found, rv_error *err);

/* The same for one that may be repeated: `*left`, url->query before the first, is what has not been
 * looked at. */
RV_MUST_USE rv_status rv_url_parameter_next(rv_bytes *left, const char *name, rv_arena *scratch,
                                            rv_bytes *value, bool *found, rv_error *err);

/* A parameter that is a decimal number; `*value` stays when there is none. RV_PARAMETER_INVALID. */
RV_MUST_USE rv_status rv_url_number(const rv_url *url, const char *name, rv_arena *scratch,
                                    uint64_t *value, rv_error *err);

/* A decimal number without sign; false when `text` is none or too large. */
bool rv_number_parse(rv_bytes text, uint64_t *value);

#endif
