/* SPDX-License-Identifier: Apache-2.0 */
/* Who follows a live answer: an exchange driven by hand, its frames, and what the last one says. */
#ifndef RV_TESTS_FACE_FOLLOWER_H
#define RV_TESTS_FACE_FOLLOWER_H

#include "tests/unit/face/server.h"

typedef struct follower {
    rv_exchange *x;
    rv_response_head head;
    char text[65536]; /* of the last frame's data */
    char id[40];
    char event[16];
    unsigned frames;
} follower;

static inline void follow_from(rv_face *face, follower *f, const char *method, const char *target,
                               const char *body, const char *last_event_id) {
    rv_error err;
    *f = (follower){0};
    /* gone when the head is there */
    char *const copy = malloc(strlen(target) + strlen(body) + 1);
    memcpy(copy, target, strlen(target));
    memcpy(copy + strlen(target), body, strlen(body));
    const rv_request request = {.method = rv_bytes_of_string(method),
                                .target = rv_bytes_of(copy, strlen(target)),
                                .accept = RV_LITERAL("text/event-stream"),
                                .last_event_id = rv_bytes_of_string(last_event_id),
                                .body = rv_bytes_of(copy + strlen(target), strlen(body))};
    RV_CHECK_STATUS(rv_face_begin(face, &request, &f->x, &err), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(f->x, &f->head), RV_OK);
    memset(copy, 0xa5, strlen(target) + strlen(body));
    free(copy);
}

static inline void follow(rv_face *face, follower *f, const char *method, const char *target,
                          const char *body) {
    follow_from(face, f, method, target, body, "");
    RV_CHECK_PASSED();
}

/* The value of a line of the frame. */
static inline void take_line(const char *frame, const char *name, char *to, size_t cap) {
    const char *const at = strstr(frame, name);
    const size_t len = at == NULL ? 0 : strcspn(at + strlen(name), "\n");
    RV_CHECK(len < cap);
    memcpy(to, at == NULL ? "" : at + strlen(name), len < cap ? len : 0);
    to[len < cap ? len : 0] = '\0';
}

/* Takes what there is, in pieces; the frames that came. RV_PENDING, RV_END. */
static inline rv_status take(follower *f, size_t piece) {
    static char all[131072];
    static uint8_t part[65536];
    size_t len = 0;
    rv_status status = RV_OK;
    while (status == RV_OK) {
        rv_writer w = rv_writer_over(part, piece);
        status = rv_exchange_body(f->x, 0, &w);
        if (len + w.len >= sizeof all) {
            abort();
        }
        memcpy(all + len, part, w.len);
        len += w.len;
    }
    all[len] = '\0';
    const char *frame = all;
    for (char *end = strstr(all, "\n\n"); end != NULL; end = strstr(frame, "\n\n")) {
        *end = '\0';
        if (frame[0] != ':') {
            f->frames += 1;
            take_line(frame, "data: ", f->text, sizeof f->text);
            take_line(frame, "id: ", f->id, sizeof f->id);
            take_line(frame, "event: ", f->event, sizeof f->event);
        }
        frame = end + 2;
    }
    return *frame == '\0' ? status : RV_DATA_DAMAGED; /* nothing is cut off */
}

#endif
