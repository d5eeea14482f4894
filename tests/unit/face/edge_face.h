/* SPDX-License-Identifier: Apache-2.0 */
/* The face of an edge that has one account, with a balance of 5, and lost its upstream then. */
#ifndef RV_TESTS_FACE_EDGE_FACE_H
#define RV_TESTS_FACE_EDGE_FACE_H

#include "face/face.h"
#include "tests/unit/sync/pair.h"

/* In `arena`, of an edge that was not connected yet. NULL: it cannot be had. */
static inline rv_face *edge_face_offline(pair *p, rv_arena *arena) {
    const rv_face_options options = {.node = p->leaf.node,
                                     .edge = p->edge,
                                     .exchanges_max = 4,
                                     .result_count = 2,
                                     .result_len_max = 64u << 10,
                                     .version = "test"};
    rv_face *face = NULL;
    bool good = rv_face_create(&face, &options, arena, &p->err) == RV_OK && pair_connect(p);
    pair_run(p);
    good = good &&
           fixture_append(&p->root, "accounts", "account_opened", "{\"name\":\"ada\"}") == RV_OK &&
           fixture_append(&p->root, "/accounts/1", "deposited", "{\"amount\":5}") == RV_OK;
    pair_run(p);
    pair_cut(p, RV_UPSTREAM_UNREACHABLE);
    return good ? face : NULL;
}

#endif
