/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the HTTP server itself, where no request reached the request handler: problems in the
 * shape that face/ gives its own (RFC 9457), and the lines of a response's head. */
#ifndef RV_NATIVE_PROBLEM_H
#define RV_NATIVE_PROBLEM_H

#include "face/problem.h"

/* "Not Found" for 404, …; "" for a status that has none here. */
const char *rv_http_reason(int http);

/* Status line, Content-Type, Content-Length, `extra` (whole header lines, or none), Connection:
 * close, and the problem as body. */
void rv_problem_response(rv_writer *w, int http, const rv_error *error, rv_bytes extra);

#endif
