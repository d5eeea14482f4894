/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many edges in one process: each a plain WebSocket over loopback that says hello with one pattern,
 * or selects rows of one aggregate and has them sent, takes what comes without keeping it, gives
 * credit back, reports W as an edge does, and keeps the connection alive. What they cost a central
 * node is what real ones cost it; what real ones cost themselves is not here.
 */
#ifndef RV_TESTS_BENCH_SWARM_H
#define RV_TESTS_BENCH_SWARM_H

#include "core/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct swarm swarm;

typedef struct swarm_edge {
    int fd;
    bool open;       /* its WebSocket is */
    bool live;       /* it was welcomed, and has the rows that it selects */
    uint64_t events; /* or messages of rows that changed */
    uint64_t watermark;
    uint64_t reported;
    uint64_t credit_used;
    uint64_t bytes; /* that it received */
    double heard;   /* when it last received something, */
    double pinged;  /* and last asked for something */
    double seen;    /* and when events came last */
    uint64_t nonce;
    uint8_t *left; /* of a frame that is not whole */
    size_t left_len;
} swarm_edge;

/* What each edge selects; in the texts %u stands for its number. */
typedef struct swarm_selects {
    const char *pattern;   /* NULL: rows */
    const char *aggregate; /* of which */
    const char *filter;
} swarm_selects;

struct swarm {
    swarm_selects selects;
    int epoll;
    int port;
    size_t count;
    size_t live;
    size_t next; /* to be looked at: heartbeats, reports */
    double looked;
    uint64_t events; /* of all */
    uint64_t messages;
    swarm_edge *edges;
    uint8_t *received;
};

/* Connects `count` edges; returns when all are welcomed, and have the rows that they select. */
swarm *swarm_open(int port, size_t count, swarm_selects selects);

/* Takes what there is, waiting at most so long. */
void swarm_turn(swarm *s, int wait_ms);

/* Turns for so long. */
void swarm_rest(swarm *s, double how_long);

void swarm_close(swarm *s);

#endif
