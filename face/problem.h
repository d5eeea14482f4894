/* SPDX-License-Identifier: Apache-2.0 */
/* An error as an HTTP answer's body has it (RFC 9457, application/problem+json): the request
 * handler, the HTTP server and the command line write it alike. */
#ifndef RV_FACE_PROBLEM_H
#define RV_FACE_PROBLEM_H

#include "core/base/error.h"

/* `{"type","title","status","code","detail",…facts}` and the end of the line. `http`: 400 to 599.
 */
void rv_problem_write(rv_writer *w, int http, const rv_error *error);

#endif
