/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an edge says of its history to an upstream that has another one (SEMANTICS 5): points, each
 * a position where a batch ends and the root's chain hash there. They lie closer the nearer they
 * are to W, and again to the beginning, so forty of them find a common point that is at most about
 * twice as far back as it must be, or half as far from the beginning.
 *
 *     0 1  8    64         512                              W-64 W-16 W-4 W
 *
 * They are read from the log when an upstream has said that its history is another, so a hello
 * costs nothing more as long as all is well.
 */
#ifndef RV_SYNC_EDGE_LINEAGE_H
#define RV_SYNC_EDGE_LINEAGE_H

#include "core/engine.h"
#include "sync/wire.h"

typedef struct rv_lineage {
    bool told;   /* the upstream has said so, on this connection, */
    bool wanted; /* or on one before */
    bool begun;
    bool said; /* in the hello of this connection */
    uint64_t watermark;
    uint64_t below; /* the next point lies below */
    uint32_t count;
    rv_wire_point points[RV_WIRE_LINEAGE_MAX];
} rv_lineage;

/* Goes on with reading the points. True: they are all there, or none are wanted. */
RV_MUST_USE bool rv_lineage_ready(rv_lineage *lineage, rv_node *node);

/* Puts them into the hello. */
void rv_lineage_hello(rv_lineage *lineage, rv_wire_hello *hello);

/* Is this a point that the hello named? 0 always is one. */
RV_MUST_USE bool rv_lineage_has(const rv_lineage *lineage, const rv_wire_point *point);

/* The connection has ended: what was read is read again. */
void rv_lineage_disconnect(rv_lineage *lineage);

#endif
