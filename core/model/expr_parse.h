/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the parser of expressions share: its tools, and the parts for calls. */
#ifndef RV_MODEL_EXPR_PARSE_H
#define RV_MODEL_EXPR_PARSE_H

#include "core/model/expr_compile.h"

/* The precedence of || and of operators without one of their own. */
#define RV_EXPR_PRECEDENCE_OTHER 7u

/* --- expr_parse.c --- */

/* An error: `what` was expected at the current token. */
rv_status rv_expr_expected(rv_expr_parser *p, const char *what);

/* Goes to the next token; past `word`, of which `shown` tells when it is not there. */
RV_MUST_USE rv_status rv_expr_advance(rv_expr_parser *p);
RV_MUST_USE rv_status rv_expr_require(rv_expr_parser *p, const char *word, const char *shown);

/* Opens a frame at the current token; the innermost one, or NULL. */
RV_MUST_USE rv_status rv_expr_open_frame(rv_expr_parser *p, rv_expr_frame frame);
rv_expr_frame *rv_expr_top_frame(rv_expr_parser *p);

/* True for an operator that waits for its operand, not for a bracket. */
bool rv_expr_is_waiting(const rv_expr_frame *frame);

/* Emits the operators on top that bind at least as tightly as ||. */
RV_MUST_USE rv_status rv_expr_reduce_tight(rv_expr_parser *p);

/* --- expr_parse_calls.c --- */

/* The words that trim(…) may begin with: leading, trailing or both, and from. */
RV_MUST_USE rv_status rv_expr_trim(rv_expr_parser *p, rv_expr_frame *frame);

/* The end of a call: all arguments are there. */
RV_MUST_USE rv_status rv_expr_end_call(rv_expr_parser *p, rv_expr_frame *frame);

/* True at a word that stands between the arguments of the call that is open. */
bool rv_expr_at_separator(rv_expr_parser *p);

/* An argument is on top, at what ends it; the `last` ends the call. */
RV_MUST_USE rv_status rv_expr_argument(rv_expr_parser *p, rv_expr_frame *frame, bool last);

/* Why the operator of PostgreSQL at the current token is not here; NULL: it is none of these. */
const char *rv_expr_unsupported_operator(const rv_expr_parser *p);

/* `[`: opens a frame; `]`, or `,` in array[…]: what stands before it is on top. */
RV_MUST_USE rv_status rv_expr_open_square(rv_expr_parser *p, rv_frame_kind kind, bool *operand);
RV_MUST_USE rv_status rv_expr_square(rv_expr_parser *p, rv_expr_frame *frame, bool *operand);

/* any ( or all ( after a comparison, whose frame waits for the array instead of a value. */
RV_MUST_USE rv_status rv_expr_any(rv_expr_parser *p);

/* escape after the pattern of like: an operator that makes the pattern another. */
RV_MUST_USE rv_status rv_expr_escape(rv_expr_parser *p, bool *operand);

#endif
