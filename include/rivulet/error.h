/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, as a value: the status, a sentence for people (what was met, what was expected,
 * what to do), and the facts behind it as JSON members for programs:
 *
 *     status   RV_VERSION_CONFLICT
 *     detail   "/accounts/1 is at version 5, not 3"
 *     facts    "expected":3,"actual":5
 *
 * Every function that takes an `rv_error *` sets all of it when it answers with an error; what it
 * holds after another answer means nothing. NULL is taken from callers who do not want to know.
 */
#ifndef RIVULET_ERROR_H
#define RIVULET_ERROR_H

#include "rivulet/bytes.h"
#include "rivulet/status.h"

#define RV_ERROR_DETAIL_MAX 400
#define RV_ERROR_FACTS_MAX  400

typedef struct rv_error {
    rv_status status;
    size_t detail_len;
    size_t facts_len;
    char detail[RV_ERROR_DETAIL_MAX]; /* UTF-8; cut at a character when too long; NUL-terminated */
    char facts[RV_ERROR_FACTS_MAX];   /* `"expected":3,"actual":5`, no braces; whole members only */
} rv_error;

#endif
