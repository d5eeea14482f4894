/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module's connection to its upstream. What breaks it is kept until the transport has closed it:
 * meanwhile nothing is taken and nothing is sent.
 */
#include "wasi/reactor_internal.h"

#include "core/base/assert.h"
#include "wasi/reactor_memory.h"

/* The edge of an open database; NULL when there is none. */
static rv_edge *edge_of(const rv_reactor *r) {
    RV_ASSERT(r->phase <= RV_REACTOR_CLOSING);
    return r->phase == RV_REACTOR_OPEN ? r->instance.edge : NULL;
}

static void broken(rv_reactor *r, const rv_error *err) {
    RV_ASSERT(err->status > RV_END);
    r->link = RV_REACTOR_LINK_BROKEN;
    r->edge_error = *err;
    r->edge_failed = true;
    r->error = *err;
}

void rv_reactor_edge_poll(rv_reactor *r, int64_t now) {
    rv_edge *const edge = edge_of(r);
    rv_error err;
    if (edge != NULL && r->link != RV_REACTOR_LINK_BROKEN &&
        rv_edge_poll(edge, now, &err) != RV_OK) {
        broken(r, &err);
    }
}

void rv_reactor_edge_end(rv_reactor *r) {
    rv_edge *const edge = edge_of(r);
    rv_error err;
    if (edge != NULL) {
        (void)rv_error_set(&err, RV_CLOSING, "the node is closing");
        rv_edge_closed(edge, &err, 0);
    }
    r->link = RV_REACTOR_LINK_NONE;
    r->edge_failed = false;
}

int32_t rv_module_edge_failure(void) {
    rv_reactor *const r = rv_reactor_enter();
    if (!r->edge_failed) {
        return RV_OK;
    }
    r->edge_failed = false;
    r->error = r->edge_error;
    return (int32_t)r->edge_error.status;
}

double rv_module_deadline(void) {
    rv_reactor *const r = rv_reactor_enter();
    if (r->phase == RV_REACTOR_OPEN && rv_face_busy(r->instance.face)) {
        return -1; /* a query goes on with the next turn, which should be now */
    }
    if (r->phase == RV_REACTOR_OPEN && rv_node_busy(r->instance.node)) {
        return 0; /* a checkpoint or the log's index goes on with each poll */
    }
    const rv_edge *const edge = edge_of(r);
    const int64_t deadline = edge == NULL ? INT64_MAX : rv_edge_deadline(edge);
    return deadline == INT64_MAX || r->link == RV_REACTOR_LINK_BROKEN ? __builtin_inf()
                                                                      : (double)deadline;
}

void rv_module_edge_reason(void) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge_status status = {.reason = {.status = RV_OK}};
    if (edge_of(r) != NULL) {
        rv_edge_status_of(edge_of(r), &status);
    }
    if (status.reason.status == RV_OK) {
        (void)rv_error_set(&status.reason, RV_OK, "%s", rv_status_text(RV_OK));
    }
    rv_reactor_error_out(r, &status.reason);
}

int32_t rv_module_edge_wants_connection(double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    if (edge == NULL || r->link != RV_REACTOR_LINK_NONE ||
        !rv_edge_wants_connection(edge, rv_reactor_time(now))) {
        return 0;
    }
    r->link = RV_REACTOR_LINK_WANTED;
    return 1;
}

int32_t rv_module_edge_network_up(double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    if (edge != NULL) {
        rv_edge_network_up(edge, rv_reactor_time(now));
    }
    return RV_OK;
}

int32_t rv_module_edge_set_token(const uint8_t *token, uint32_t len, double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    if (edge == NULL || !rv_reactor_memory_holds(token, len) || len > RV_WIRE_TOKEN_MAX) {
        return rv_reactor_misuse(r, "no edge is open, or that is no token");
    }
    rv_edge_set_token(edge, rv_bytes_of(token, len), rv_reactor_time(now));
    return RV_OK;
}

int32_t rv_module_edge_wants_token(double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    return edge != NULL && rv_edge_wants_token(edge, rv_reactor_time(now));
}

int32_t rv_module_edge_opened(double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    if (edge == NULL || r->link != RV_REACTOR_LINK_WANTED) {
        return rv_reactor_misuse(r, "no connection was asked for");
    }
    rv_edge_opened(edge, rv_reactor_time(now));
    r->link = RV_REACTOR_LINK_OPEN;
    return RV_OK;
}

int32_t rv_module_edge_closed(int32_t status, const uint8_t *detail, uint32_t len, double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    rv_error err;
    if (edge == NULL) {
        return rv_reactor_misuse(r, "no edge is open");
    }
    if (!rv_reactor_memory_holds(detail, len) || status < -1 || status >= RV_STATUS_COUNT ||
        (status >= RV_OK && status <= RV_END)) {
        return rv_reactor_misuse(r, "a connection ends for an error");
    }
    const rv_bytes text = rv_bytes_of(detail, len);
    if (r->link == RV_REACTOR_LINK_BROKEN) {
        err = r->edge_error; /* whatever the transport met after it */
    } else if (status == -1) {
        (void)rv_error_set(&err, RV_UPSTREAM_UNREACHABLE, "the connection has ended");
    } else {
        (void)rv_error_set(&err, (rv_status)status, "%b", &text);
    }
    rv_edge_closed(edge, &err, rv_reactor_time(now));
    r->link = RV_REACTOR_LINK_NONE;
    r->edge_failed = false;
    return RV_OK;
}

int32_t rv_module_edge_ready(void) {
    rv_reactor *const r = rv_reactor_enter();
    const rv_edge *const edge = edge_of(r);
    return edge != NULL && r->link == RV_REACTOR_LINK_OPEN && rv_edge_ready(edge);
}

int32_t rv_module_edge_receive(const uint8_t *message, uint32_t len, double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    if (edge == NULL || !rv_reactor_memory_holds(message, len)) {
        return rv_reactor_misuse(r, "no edge is open, or the message lies outside of the memory");
    }
    if (r->link == RV_REACTOR_LINK_BROKEN) {
        r->error = r->edge_error;
        return (int32_t)r->edge_error.status;
    }
    if (r->link != RV_REACTOR_LINK_OPEN) {
        return rv_reactor_misuse(r, "no connection is open");
    }
    const bool ordered = len > 0 && (*message == RV_WIRE_EVENTS || *message == RV_WIRE_PROGRESS);
    if (ordered && !rv_edge_ready(edge)) {
        return (int32_t)rv_error_set(&r->error, RV_BUSY, "messages before it wait for the disk");
    }
    rv_error err;
    const rv_status status =
        rv_edge_receive(edge, rv_bytes_of(message, len), rv_reactor_time(now), &err);
    if (status != RV_OK) {
        broken(r, &err);
        r->edge_failed = false; /* told here */
    }
    return (int32_t)status;
}

int32_t rv_module_edge_send(double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_edge *const edge = edge_of(r);
    rv_bytes message;
    if (edge == NULL || r->link != RV_REACTOR_LINK_OPEN ||
        !rv_edge_send(edge, rv_reactor_time(now), &message)) {
        return 0;
    }
    r->out = message;
    return 1;
}
