/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP response: its status line and headers, with those that browsers look at. */
#ifndef RV_NATIVE_RESPONSE_H
#define RV_NATIVE_RESPONSE_H

#include "face/face.h"

#define RV_RESPONSE_HEAD_MAX 2048u /* what one takes at most */

typedef struct rv_response {
    const rv_response_head *head;
    bool http_1_1; /* the request's version; without it keep-alive has to be said */
    bool chunked;
    bool keep_alive;
    const char *etag;      /* of a file; else NULL */
    rv_bytes allow_origin; /* empty: the request's origin is this server's, or nobody's */
    bool varies;           /* by origin */
    bool preflight;        /* it asked what a page of that origin may send */
} rv_response;

/* Writes it, with the empty line at its end. */
void rv_response_write(rv_writer *w, const rv_response *response);

/* The headers that a page of another origin needs to see the answer, each with its line end; none
 * when `allow_origin` is empty and nothing varies. */
void rv_response_write_origin(rv_writer *w, rv_bytes allow_origin, bool varies);

#endif
