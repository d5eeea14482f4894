/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first contact of a node that was given a schema before it (core/engine/provisional.h). It has
 * the root's log from then on, and must not be without a schema on the way; so it goes on with its
 * own until the root's is here, which is what every upstream sends first: schema changes, each the
 * last event of its message and of its batch.
 *
 *     welcome -> gather -- the version of the welcome, or what is no schema change --> the node
 *                ^    |                                    takes it, and the connection ends, for
 *                `----' a schema change: kept as it will   another one
 *                       stand in the file `rewind`
 *
 * Behind what is gathered here everything is sent again by the next connection. A root that had
 * events before its schema grew sends these in between, which the node cannot take before it has
 * the log: then what came before them is the schema that the edge begins with.
 */
#include "core/base/assert.h"
#include "core/engine/provisional.h"
#include "sync/edge_internal.h"

void rv_edge_meet_begin(rv_edge *edge, const rv_wire_welcome *welcome) {
    RV_ASSERT(edge->status.state == RV_EDGE_CONNECTING && !rv_edge_waits(edge));
    edge->meet = (rv_edge_meet){
        .active = true,
        .wanted = welcome->schema_version,
        .to = {.epoch = (uint32_t)welcome->epoch, .adopts = true, .root_tag = welcome->root_tag},
    };
    memcpy(edge->meet.to.log_id, welcome->log_id, sizeof edge->meet.to.log_id);
}

/* Keeps a schema change, if the message is one: the next. */
static bool gather(rv_edge *edge, rv_bytes body) {
    rv_edge_meet *const m = &edge->meet;
    rv_wire_events head;
    rv_met met = {.watermark = 0};
    rv_event none;
    rv_bytes path;
    const rv_schema *const schema = rv_node_schema(edge->node);
    RV_ASSERT(m->active && !m->over);
    if (rv_decoder_begin(edge->decoder, schema, body, &head, NULL) != RV_OK || head.continues ||
        rv_decoder_count(edge->decoder) != 1 ||
        rv_decoder_next(edge->decoder, &met.event, &path, NULL) != RV_OK ||
        met.event.type != RV_SYSTEM_SCHEMA_TYPE || !rv_bytes_are(path, RV_SYSTEM_SCHEMA_PATH) ||
        met.event.schema_version != m->version + 1 || met.event.position > head.watermark) {
        return false;
    }
    met.watermark = head.watermark;
    met.chain_hash = head.chain_hash;
    rv_writer w = rv_writer_over(edge->queue + m->len, QUEUE_SIZE - m->len);
    rv_met_write(&w, &met);
    if (w.full || rv_decoder_next(edge->decoder, &none, &path, NULL) != RV_END) {
        return false;
    }
    m->len += w.len;
    m->version += 1;
    return true;
}

rv_status rv_edge_meet_take(rv_edge *edge, rv_wire_kind kind, size_t len, rv_bytes body,
                            rv_error *err) {
    rv_edge_meet *const m = &edge->meet;
    const size_t cost = len + RV_SYNC_MESSAGE_COST;
    RV_ASSERT(m->active);
    switch ((uint32_t)kind) {
    case RV_WIRE_EVENTS:
        edge->owed.credit += cost < RV_SYNC_CREDIT ? cost : RV_SYNC_CREDIT;
        m->over = m->over || !gather(edge, body) || m->version >= m->wanted;
        break;
    case RV_WIRE_BASE:
    case RV_WIRE_CHANGES:
    case RV_WIRE_SELECTED:
    case RV_WIRE_PAST:
        m->over = true;
        break;
    case RV_WIRE_GOODBYE:
        return rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "the upstream is closing");
    default:
        return RV_OK; /* what it says of where it is, it says again */
    }
    return rv_edge_meet_poll(edge, err);
}

rv_status rv_edge_meet_poll(rv_edge *edge, rv_error *err) {
    rv_edge_meet *const m = &edge->meet;
    RV_ASSERT(m->active && m->len <= QUEUE_SIZE);
    if (!m->over) {
        return RV_OK;
    }
    if (edge->select.hello != rv_node_selections(edge->node)) { /* it was sent for another one */
        edge->at_once = true;
        return rv_error_set(err, RV_UPSTREAM_UNREACHABLE,
                            "another selection is asked for with another connection");
    }
    m->to.first = rv_bytes_of(edge->queue, m->len);
    const rv_status status = rv_node_meet(edge->node, &m->to, err);
    if (status == RV_PENDING || status == RV_BUSY || status == RV_STORAGE_FULL) {
        return RV_OK;
    }
    edge->fatal = status != RV_UPSTREAM_DIVERGED;
    edge->at_once = !edge->met; /* when the node has the log; if it fails, later and later */
    edge->met = true;
    return status;
}

bool rv_edge_meet_send(rv_edge *edge, rv_bytes *message) {
    RV_ASSERT(edge->meet.active);
    if (edge->owed.credit == 0 || edge->meet.over) {
        return false;
    }
    rv_writer w = rv_writer_over(edge->small, sizeof edge->small);
    rv_wire_write_credit(&w, edge->owed.credit);
    RV_ASSERT(!w.full);
    edge->owed.credit = 0;
    *message = rv_writer_bytes(&w);
    return true;
}
