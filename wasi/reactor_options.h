/* SPDX-License-Identifier: Apache-2.0 */
/* The options of rv_module_open, read from JSON: wasi/reactor.h says what they are. */
#ifndef RV_WASI_REACTOR_OPTIONS_H
#define RV_WASI_REACTOR_OPTIONS_H

#include "core/base/arena.h"
#include "core/engine.h"

typedef struct rv_reactor_options {
    size_t memory;
    rv_role role;
    bool inflate;
    rv_bytes directory;
    size_t pattern_count;
    rv_bytes patterns[RV_PATTERNS_MAX];
} rv_reactor_options;

/* Texts lie in `text` or in `scratch`. RV_JSON_INVALID; RV_PARAMETER_INVALID, with the option in
 * fact "parameter"; RV_SELECTION_INVALID: too many patterns; RV_MEMORY_EXHAUSTED: `scratch`. */
RV_MUST_USE rv_status rv_reactor_options_read(rv_bytes text, rv_arena *scratch,
                                              rv_reactor_options *options, rv_error *err);

#endif
