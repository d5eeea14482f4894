/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from the state is shown by a node that has a schema and holds all that it is to
 * hold. Before, at an edge, a live feed waits for as long as it takes, and any other answer for a
 * few seconds, as a connection takes only milliseconds (rv_edge_awaits_contents):
 *
 *     no schema yet      not_connected
 *     not whole yet      busy            both with the upstream's reason, as detail and fact
 *
 * An edge that was given a schema before it has met its upstream shows what it has: everybody waits
 * for the first attempt to connect, a feed too, and no longer.
 */
#include "face/face_internal.h"

#include "core/base/assert.h"

static bool has_schema(const rv_node *node) {
    return rv_node_role(node) == RV_ROLE_ROOT || rv_schema_version(rv_node_schema(node)) > 0;
}

bool face_is_whole(const rv_node *node) {
    RV_ASSERT(node != NULL);
    return has_schema(node) && rv_node_whole(node);
}

static bool may_come(const rv_exchange *x) {
    rv_edge *const edge = x->face->options.edge;
    RV_ASSERT(rv_node_role(x->face->options.node) == RV_ROLE_EDGE);
    return exchange_is_live(x) || (edge != NULL && rv_edge_awaits_contents(edge));
}

/* `what`, and why the upstream has not mended it. */
static rv_status tell(const rv_exchange *x, rv_status status, const char *what, rv_error *err) {
    rv_edge_status edge = {.reason = {.status = RV_OK}};
    if (x->face->options.edge != NULL) {
        rv_edge_status_of(x->face->options.edge, &edge);
    }
    const rv_error *const reason =
        edge.reason.status == RV_OK ? &edge.selection_refused : &edge.reason;
    RV_ASSERT(status != RV_OK);
    if (reason->status == RV_OK) {
        return rv_error_set(err, status, "%s", what);
    }
    const char *const code = rv_status_code(reason->status);
    const rv_bytes detail = rv_error_detail(reason);
    (void)rv_error_set(err, status, "%s: %s: %b", what, code, &detail);
    rv_error_fact_text(err, "reason", rv_bytes_of_string(code));
    return status;
}

static rv_status tell_schema(const rv_exchange *x, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    const char *const what = rv_node_identity(node) == NULL
                                 ? "this edge has not met its upstream yet, and has no schema"
                                 : "this edge's upstream has sent no schema yet";
    RV_ASSERT(!has_schema(node));
    return tell(x, RV_NOT_CONNECTED, what, err);
}

bool face_is_about_to_meet(const rv_exchange *x) {
    rv_edge *const edge = x->face->options.edge;
    RV_ASSERT(x->used);
    if (edge == NULL || !rv_node_provisional(x->face->options.node)) {
        return false;
    }
    rv_edge_status status;
    rv_edge_status_of(edge, &status);
    return status.reason.status == RV_OK && rv_edge_awaits_contents(edge);
}

rv_status face_await_schema(const rv_exchange *x, rv_error *err) {
    if (has_schema(x->face->options.node)) {
        return face_is_about_to_meet(x) ? RV_PENDING : RV_OK;
    }
    RV_ASSERT(x->used);
    return may_come(x) ? RV_PENDING : tell_schema(x, err);
}

rv_status face_answer_not_whole(rv_exchange *x, rv_error *err) {
    RV_ASSERT(!face_is_whole(x->face->options.node));
    if (has_schema(x->face->options.node)) {
        (void)tell(x, RV_BUSY, "this edge does not hold its selection yet; its base is on the way",
                   err);
    } else {
        (void)tell_schema(x, err);
    }
    exchange_release(x);
    exchange_problem(x, err); /* as an error, busy would be started again */
    return RV_OK;
}

rv_status face_await_whole(rv_exchange *x, rv_error *err) {
    if (face_is_whole(x->face->options.node)) {
        RV_ASSERT(face_is_about_to_meet(x));
        return RV_PENDING;
    }
    return may_come(x) ? RV_PENDING : face_answer_not_whole(x, err);
}
