/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of a module: which are due, and what their functions are to see (core/engine/command.h).
 * What they make comes in as requests.
 */
#include "core/base/assert.h"
#include "core/engine/command.h"
#include "wasi/reactor_internal.h"

#define SEQUENCE_MAX 9007199254740991.0 /* that a double holds exactly */

/* The node of an open edge; NULL: there is none. */
static rv_node *node_of(const rv_reactor *r) {
    RV_ASSERT(r->phase <= RV_REACTOR_CLOSING);
    return r->phase == RV_REACTOR_OPEN && rv_node_role(r->instance.node) == RV_ROLE_EDGE
               ? r->instance.node
               : NULL;
}

static bool is_sequence(double edge_sequence) {
    return edge_sequence >= 0 && edge_sequence <= SEQUENCE_MAX; /* NaN is neither */
}

/* `{"edge_sequence","id","name","args","attempt","written_at"}` */
static void write_due(const rv_pending *due, rv_writer *w) {
    rv_write_text(w, "{\"edge_sequence\":");
    rv_write_uint(w, due->edge_sequence);
    rv_write_u8(w, ',');
    rv_face_write_command(due, w);
    rv_write_text(w, ",\"written_at\":");
    rv_event_time_to_json(due->written_at, w);
    rv_write_u8(w, '}');
}

RV_STATIC_ASSERT(RV_REACTOR_OUT_LEN >= RV_COMMAND_ARGS_MAX + 1024, "a command fits out");

int32_t rv_module_command_due(double after) {
    rv_reactor *const r = rv_reactor_enter();
    rv_node *const node = node_of(r);
    rv_pending due;
    if (!is_sequence(after)) {
        return rv_reactor_misuse(r, "an edge sequence is a number from 0 on");
    }
    if (node == NULL || !rv_node_command_due(node, (uint64_t)after, &due)) {
        return RV_END;
    }
    rv_writer w = rv_writer_over(r->buffer, sizeof r->buffer);
    write_due(&due, &w);
    RV_ASSERT(!w.full);
    r->out = rv_writer_bytes(&w);
    return RV_OK;
}

int32_t rv_module_command_begin(double edge_sequence) {
    rv_reactor *const r = rv_reactor_enter();
    rv_node *const node = node_of(r);
    return node == NULL || !is_sequence(edge_sequence)
               ? rv_reactor_misuse(r, "no edge is open, or this is no edge sequence")
               : (int32_t)rv_node_command_begin(node, (uint64_t)edge_sequence, &r->error);
}

int32_t rv_module_command_end(void) {
    rv_reactor *const r = rv_reactor_enter();
    rv_node *const node = node_of(r);
    if (node != NULL) {
        rv_node_command_end(node);
    }
    return RV_OK;
}
