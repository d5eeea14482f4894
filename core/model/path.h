/* SPDX-License-Identifier: Apache-2.0 */
// Paths. A template (`/accounts/{id}`) is declared with a stream; a concrete path (`/accounts/123`)
// names one stream instance; a pattern (`/accounts/*`, `/accounts/**`) selects streams.
//
// A concrete path is kept in one canonical form, so that equal streams have equal bytes: key values
// in their type's text form, where `/`, `%`, `*`, `{`, `}`, `?`, `#` and control characters stand
// as %XX (upper-case digits) and everything else as it is. An empty segment is not allowed.
#ifndef RV_MODEL_PATH_H
#define RV_MODEL_PATH_H

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/limits.h"

/* One segment of a template: literal text, or a variable. */
typedef struct rv_path_segment {
    rv_bytes text; /* the literal, or the variable's name */
    bool variable;
} rv_path_segment;

typedef struct rv_path_template {
    rv_bytes text;
    uint32_t segment_count;
    uint32_t variable_count;
    rv_path_segment segments[RV_PATH_SEGMENTS_MAX];
} rv_path_template;

/* Parses `/literal/{name}/…`. RV_PATH_INVALID with fact "offset". Text is borrowed. */
RV_MUST_USE rv_status rv_path_template_parse(rv_bytes text, rv_path_template *out, rv_error *err);

/* Matches a path against a template; `values[i]` gets the i-th variable's text as it stands in the
 * path (still encoded). False when it does not match. */
bool rv_path_template_match(const rv_path_template *t, rv_bytes path, rv_bytes *values);

/* Decodes %XX of a path segment into `arena` when there is any. RV_PATH_INVALID: a malformed
 * sequence, an empty segment, NUL, bytes that are not UTF-8. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_path_segment_decode(rv_bytes segment, rv_arena *arena, rv_bytes *out,
                                             rv_error *err);

/* Writes a key's text as one canonical segment. */
void rv_path_segment_write(rv_bytes text, rv_writer *w);

// A pattern, checked: `*` and `{name}` match one segment, `**` (last only) matches the rest, one
// segment or more. Text is written in canonical form. A wildcard in the first place (`/**`, `/*`)
// matches everything but `rivulet`: streams under /rivulet must be named.
typedef struct rv_path_pattern {
    rv_bytes text;
    uint32_t segment_count;
    bool rest;                               /* ends with ** */
    rv_bytes segments[RV_PATH_SEGMENTS_MAX]; /* empty: any */
} rv_path_pattern;

/* RV_PATH_INVALID with fact "offset". Text is borrowed. */
RV_MUST_USE rv_status rv_path_pattern_parse(rv_bytes text, rv_path_pattern *out, rv_error *err);

bool rv_path_pattern_match(const rv_path_pattern *pattern, rv_bytes path);

/* True for a pattern that only one path matches: its text. */
bool rv_path_pattern_is_concrete(const rv_path_pattern *pattern);

/* True when the pattern matches every path of the template that a stream can have. */
bool rv_path_pattern_covers(const rv_path_pattern *pattern, const rv_path_template *t);

/* True when the pattern matches some path of the template that a stream can have. */
bool rv_path_pattern_meets(const rv_path_pattern *pattern, const rv_path_template *t);

/* True when every path that `inner` matches `outer` matches, too. */
bool rv_path_pattern_within(const rv_path_pattern *inner, const rv_path_pattern *outer);

/* Writes the pattern of the paths that both match, which may be longer than either. False: there
 * are none, and what was written means nothing. */
bool rv_path_pattern_intersect(const rv_path_pattern *a, const rv_path_pattern *b, rv_writer *w);

#endif
