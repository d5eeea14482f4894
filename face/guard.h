/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask for what (core/engine/token.h), and the address /tokens. Builds whose requests all
 * come from the program that they are a part of (a page, a function, the command line over its own
 * directory) leave it out: they give no guard, and everybody may do everything.
 *
 * A request that came from elsewhere is `guarded` and carries its Authorization header. It is
 * admitted when it starts, and judged where a handler knows what it is about: handlers ask
 * face_require.
 */
#ifndef RV_FACE_GUARD_H
#define RV_FACE_GUARD_H

#include "core/model/path.h"
#include "face/url.h"

struct rv_exchange;

typedef enum face_right {
    FACE_KNOWN, /* a token that is still good: what a feed asks from time to time */
    FACE_ADMIN,
    FACE_READ,  /* of a stream: a concrete path */
    FACE_WRITE, /* the same, or a stream's name where the key is not known yet */
    FACE_ROWS,  /* of an aggregate: its name */
    FACE_LOG    /* everything there is to read */
} face_right;

typedef struct rv_guard {
    /* Whose request it is. RV_UNAUTHENTICATED. */
    rv_status (*admit)(struct rv_exchange *x, const rv_url *url, rv_error *err);
    /* RV_OK, RV_FORBIDDEN, and RV_UNAUTHENTICATED: the token is gone meanwhile. */
    rv_status (*require)(const struct rv_exchange *x, face_right right, rv_bytes what,
                         rv_error *err);
    /* May all streams of the pattern be read? */
    bool (*reads_all)(const struct rv_exchange *x, const rv_path_pattern *pattern);
    /* Leaves of a refusal what whose request it is may know (core/engine/refusal.h). */
    void (*narrow)(const struct rv_exchange *x, rv_error *refusal);
    /* /tokens: as a handler (face/face_internal.h). */
    rv_status (*tokens)(struct rv_exchange *x, const rv_url *url, rv_error *err);
} rv_guard;

/* The one that there is. */
extern const rv_guard rv_face_guard;

struct rv_face;

/* For who has only a request's head: whether its Authorization header lets it in. RV_OK;
 * RV_UNAUTHENTICATED. */
RV_MUST_USE rv_status rv_face_knows(const struct rv_face *face, rv_bytes authorization,
                                    rv_error *err);

#endif
