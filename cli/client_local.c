/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_local.h"

#include <stdlib.h>

typedef struct client_local {
    rv_client client;
    const rv_cli_platform *platform;
    rv_instance *instance;
    rv_exchange *exchange;
    bool interruptible;
    uint8_t piece[128 * 1024];
} client_local;

/* Goes on with what the node has to write; `wait`: the exchange waits for the disk. */
static rv_status poll_node(client_local *c, bool wait, rv_error *err) {
    RV_ASSERT(c->instance->node != NULL);
    if (c->platform->directory_turn != NULL) {
        c->platform->directory_turn(c->instance, wait);
    }
    return rv_node_poll(c->instance->node, err);
}

static void exchange_end(client_local *c) {
    if (c->exchange != NULL) {
        rv_face_end(c->exchange);
        c->exchange = NULL;
    }
}

/* Ends the request when somebody has pressed Ctrl-C: RV_CLOSING. */
static rv_status give_way(client_local *c, rv_error *err) {
    if (!c->interruptible || c->platform->interrupted == NULL || !c->platform->interrupted()) {
        return RV_OK;
    }
    exchange_end(c);
    return rv_error_set(err, RV_CLOSING, "interrupted before it was done");
}

static rv_status local_begin(rv_client *client, const rv_request *request, int *http,
                             rv_error *err) {
    client_local *const c = (client_local *)client;
    RV_ASSERT(http != NULL);
    exchange_end(c);
    rv_status status = rv_face_begin(c->instance->face, request, &c->exchange, err);
    if (status != RV_OK) {
        c->exchange = NULL;
        return status;
    }
    rv_response_head head = {0};
    while (rv_exchange_head(c->exchange, &head) == RV_PENDING) {
        status = give_way(c, err);
        if (status != RV_OK) {
            return status;
        }
        rv_error failure; /* shows in the exchange's answer */
        const rv_status polled = poll_node(c, true, &failure);
        (void)polled;
    }
    *http = head.status;
    if (c->platform->directory_turn != NULL) {
        /* What was appended is on its way to the disk while the next request is made. A failure
         * shows in what waits for it. */
        const rv_status polled = poll_node(c, false, NULL);
        (void)polled;
    }
    return RV_OK;
}

static rv_status local_next(rv_client *client, rv_bytes *piece, rv_error *err) {
    client_local *const c = (client_local *)client;
    RV_ASSERT(piece != NULL);
    if (c->exchange == NULL) {
        return RV_END;
    }
    rv_writer w = rv_writer_over(c->piece, sizeof c->piece);
    rv_status status;
    while ((status = rv_exchange_body(c->exchange, 0, &w)) == RV_PENDING ||
           (status == RV_OK && w.len == 0)) {
        if (status == RV_PENDING &&
            (give_way(c, err) != RV_OK || poll_node(c, true, err) != RV_OK)) {
            return err->status;
        }
    }
    if (status != RV_OK) {
        exchange_end(c);
        return status == RV_END ? RV_END
                                : rv_error_set(err, status, "the answer was cut off: %s",
                                               rv_status_text(status));
    }
    *piece = rv_writer_bytes(&w);
    return RV_OK;
}

static rv_status local_close(rv_client *client, rv_error *err) {
    client_local *const c = (client_local *)client;
    RV_ASSERT(c->instance->node != NULL);
    exchange_end(c);
    const rv_status status = c->platform->directory_close(c->instance, err);
    free(c);
    return status;
}

rv_status rv_client_local_open(rv_client **client, const rv_cli_platform *platform,
                               const rv_cli_directory_options *options, rv_error *err) {
    static const rv_client_ops ops = {local_begin, local_next, local_close};
    RV_ASSERT(options->path != NULL);
    client_local *const c = calloc(1, sizeof *c);
    *client = NULL;
    if (c == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory");
    }
    const rv_status status = platform->directory_open(options, &c->instance, err);
    if (status != RV_OK) {
        free(c);
        return status;
    }
    c->client.ops = &ops;
    c->client.damage = c->instance->damage;
    c->platform = platform;
    c->interruptible = options->interruptible;
    *client = &c->client;
    return RV_OK;
}
