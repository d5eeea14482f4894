/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as a person reads them: `rivulet: CODE: detail`, and a hint at what to do where there is
 * one. With --json the problem object instead. Both on stderr. */
#ifndef RV_CLI_PROBLEM_TEXT_H
#define RV_CLI_PROBLEM_TEXT_H

#include "core/base/error.h"

void rv_problem_text_error(bool json, const rv_error *err);

/* A problem as a node answered it (application/problem+json); returns its status, RV_STATUS_COUNT
 * for a code that is not known here. */
rv_status rv_problem_text_body(bool json, rv_bytes body);

/* Shows where in a statement the problem is, if it says so: the line, and under it a caret. */
void rv_problem_text_place(rv_bytes body, rv_bytes statement);

#endif
