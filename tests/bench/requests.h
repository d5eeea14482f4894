/* SPDX-License-Identifier: Apache-2.0 */
/* A client that appends over one kept connection, one request at a time, or follows a feed. */
#ifndef RV_TESTS_BENCH_REQUESTS_H
#define RV_TESTS_BENCH_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct requests {
    int fd;
    size_t len; /* of the answer, so far */
    char answer[65536];
} requests;

requests *requests_open(int port);

/* Sends a POST with this event type. */
void requests_send(requests *r, const char *path, const char *type, const char *body, size_t len);

/* True when the whole answer is there. Does not wait. */
bool requests_answered(requests *r);

/* Waits for the answer; ends the program when it is not 201. */
void requests_answer(requests *r);

/* Begins a feed of server-sent events, and waits until the node has begun it. */
void requests_feed(requests *r, const char *target);

/* Waits until the feed has the text once more, which stands in it once for each event. */
void requests_told(requests *r, const char *text);

void requests_close(requests *r);

#endif
