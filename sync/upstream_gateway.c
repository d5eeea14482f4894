/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upstream that is an edge itself: a gateway (SEMANTICS 26). It serves what it holds, confirmed
 * and durable, by the root's positions, so that who follows it can go on at the root or at another
 * gateway, and come back. What it cannot vouch for it does not serve:
 *
 *     streams that its selection does not cover       refused
 *     and those whose events it has not in order
 *     from the edge's W on (core/engine/past.h)       refused, from where it has them
 *     its own base has not come, or its log is empty  not yet: the edge comes again
 *     the edge is ahead of the gateway                nothing is fed until the gateway is there
 *     its selection becomes another one               the sessions end, and are checked again
 *
 * Which rows it has all of: upstream_gateway_rows.c.
 *
 * What edges push it keeps, durably, until the root has decided (core/engine/relay.h): it goes up
 * over the node's own connection (sync/relays.h), and the decision goes down when it has come.
 *
 * The edge's W is looked for in the gateway's log: its batches end where the upstream's messages
 * did, and have the root's chain hash there. Of a W between two of them the upstream is asked.
 */
#include "core/base/assert.h"
#include "core/engine/principal.h"
#include "core/engine/rewind.h"
#include "sync/upstream_internal.h"

rv_status rv_upstream_gateway_serves(const rv_node *node, const rv_path_pattern *pattern,
                                     uint64_t from, rv_error *err) {
    const rv_bytes text = pattern->text;
    const uint64_t straight = rv_node_straight_from(node, pattern);
    RV_ASSERT(text.len > 0 && from > 0);
    if (rv_bytes_are(text, RV_SYSTEM_SCHEMA_PATH) /* which every edge has */ ||
        (straight > 0 && straight <= from)) {
        return RV_OK;
    }
    if (straight == 0) {
        (void)rv_error_set(err, RV_SELECTION_INVALID,
                           "this node is a gateway that does not hold all of `%b`; select what it "
                           "holds, or connect to its upstream",
                           &text);
    } else {
        (void)rv_error_set(err, RV_SELECTION_INVALID,
                           "this node is a gateway that does not have all of `%b` from position "
                           "%u on, only from %u; begin with `history none`, or connect to its "
                           "upstream",
                           &text, from, straight);
        rv_error_fact_uint(err, "position", straight);
    }
    rv_error_fact_text(err, "pattern", text);
    return RV_SELECTION_INVALID;
}

rv_status rv_upstream_gateway_hello(rv_upstream *s, rv_error *err) {
    const rv_node *const node = s->shared->node;
    RV_ASSERT(rv_upstream_is_gateway(s->shared));
    if (rv_node_rewinding(node) || !rv_node_whole(node)) {
        return rv_error_set(err, RV_BUSY,
                            "this gateway does not have all of its own selection yet; come again "
                            "later");
    }
    s->swaps = rv_node_selection_swaps(node);
    s->schema = rv_schema_version(rv_node_schema(node));
    rv_status status = RV_OK;
    for (size_t i = 0; i < s->pattern_count && status == RV_OK; i++) {
        status = rv_upstream_gateway_serves(node, &s->patterns[i], s->watermark + 1, err);
    }
    return status;
}

/* True while this has to be asked again. */
static bool must_wait(rv_status status) {
    return status == RV_PENDING || status == RV_BUSY;
}

rv_status rv_upstream_vouch(rv_upstream_shared *shared, const rv_wire_point *point, rv_error *err) {
    rv_node *const node = shared->node;
    const bool gateway = rv_upstream_is_gateway(shared);
    uint64_t own = 0;
    RV_ASSERT(point->watermark > 0);
    if (point->watermark > rv_node_watermark_durable(node)) {
        return gateway ? RV_PENDING : RV_UPSTREAM_DIVERGED;
    }
    const rv_status status = rv_log_chain_at(rv_node_log(node), point->watermark, &own, err);
    if (status == RV_OK) {
        return own == point->chain_hash ? RV_OK : RV_UPSTREAM_DIVERGED;
    }
    if (status != RV_END) {
        return must_wait(status) ? RV_PENDING : status;
    }
    if (!gateway) {
        return RV_UPSTREAM_DIVERGED;
    }
    return shared->relayer != NULL ? rv_relayer_vouch(shared->relayer, point) : RV_PENDING;
}

/* Is the root's hash at the edge's W what the edge says? */
static rv_status check_chain(rv_upstream *s, rv_error *err) {
    const rv_wire_point point = {s->watermark, s->chain_hash};
    const rv_status status = s->watermark == 0 ? RV_OK : rv_upstream_vouch(s->shared, &point, err);
    if (status == RV_UPSTREAM_DIVERGED) {
        (void)rv_error_set(err, RV_UPSTREAM_DIVERGED,
                           "the histories of edge and gateway differ at position %u; give the "
                           "edge a new data directory",
                           s->watermark);
        rv_error_fact_uint(err, "edge_position", s->watermark);
    }
    RV_ASSERT(s->lineage_owed);
    return status;
}

bool rv_upstream_gateway_lineage(rv_upstream *s) {
    rv_error error = {.status = RV_OK};
    uint64_t next = 0;
    RV_ASSERT(s->lineage_owed && s->state == RV_UPSTREAM_LIVE);
    rv_status status = check_chain(s, &error);
    if (status == RV_OK) {
        status =
            rv_log_find_position(rv_node_log(s->shared->node), s->watermark + 1, &next, &error);
        status = status == RV_END ? RV_OK : status; /* nothing above: `next` is what comes */
    }
    if (must_wait(status)) {
        return false;
    }
    if (status != RV_OK) {
        (void)rv_upstream_fail(s, &error);
        return false;
    }
    s->lineage_owed = false;
    s->after = next;
    rv_upstream_subscribe(s, next);
    return true;
}

static void end(rv_upstream *s, const char *why) {
    rv_error error = {.status = RV_OK};
    (void)rv_error_set(&error, RV_BUSY, "%s", why);
    (void)rv_upstream_fail(s, &error);
}

void rv_upstream_gateway_watch(rv_upstream *s) {
    RV_ASSERT(s->used);
    const rv_node *const node = s->shared->node;
    const bool rows = s->given_count > 0 || s->fed_given_count > 0 || s->base.phase != RV_BASE_NONE;
    if (rv_node_rewinding(node)) {
        end(s, "this gateway follows its root, which was restored: connect again");
    } else if (s->state != RV_UPSTREAM_LIVE) {
        return;
    } else if (rv_node_selection_swaps(node) != s->swaps) {
        end(s, "what this gateway holds has changed: connect again");
    } else if (rows && !rv_node_whole(node)) {
        end(s, "this gateway awaits rows itself: come again later");
    } else if (s->folds && rv_upstream_gateway_strays(s)) {
        end(s, "rows that this gateway folds may not be complete any more: connect again");
    }
}

/* --- pushes --- */

/* True for a batch that this node wrote itself: it went around in a circle. */
static bool is_own(rv_node *node, const rv_edge_life *edge) {
    RV_ASSERT(rv_log_has_identity(rv_node_log(node)));
    return memcmp(edge->edge_id, rv_node_id(node), sizeof edge->edge_id) == 0;
}

/* Makes room: decisions that nobody here waits for are dropped, of one edge. The root has them. */
static bool make_room(rv_upstream_shared *shared) {
    rv_edge_life life = {.incarnation = 0};
    while (rv_node_relay_decided_life(shared->node, &life, &life)) { /* lives rise */
        if (!rv_upstream_knows(shared, &life)) {
            return rv_node_settle(shared->node, &life, RV_POSITION_MAX, NULL) == RV_OK;
        }
    }
    RV_ASSERT(shared->node != NULL);
    return false;
}

/* Decisions of another epoch, or of before this program was started, are forgotten before one is
 * told: a root that was restored does not know them any more. True: there are none. */
static bool has_forgotten(rv_upstream_shared *shared) {
    const uint32_t epoch = rv_node_identity(shared->node)->epoch;
    rv_edge_life life = {.incarnation = 0};
    RV_ASSERT(epoch > 0);
    while (shared->decisions_epoch != epoch &&
           rv_node_relay_decided_life(shared->node, &life, &life)) { /* lives rise */
        if (rv_node_settle(shared->node, &life, RV_POSITION_MAX, NULL) != RV_OK) {
            return false;
        }
        life.incarnation = 0; /* a batch may take not all of them */
    }
    shared->decisions_epoch = epoch;
    return true;
}

/* A device that nobody asked for a token has not said who wrote it: that is whom the gateway's own
 * upstream takes the gateway for now, whichever token it has when it relays it. */
static void name_writer(const rv_node *node, const rv_push *push, rv_relay *relay) {
    const rv_bytes name = rv_node_principals(node).last;
    const bool fits = relay->body.len + name.len + RV_WIRE_HEADER_LEN <= RV_PUSH_LEN_MAX;
    if (push->principal.len > 0 || name.len == 0 || !fits) {
        return;
    }
    const size_t behind = (size_t)(push->principal.ptr - relay->body.ptr);
    RV_ASSERT(behind >= 2 && behind < relay->body.len);
    if (relay->body.ptr[behind - 1] == 0 && (relay->body.ptr[behind - 2] & 0x80u) == 0) {
        relay->writer = name; /* (the length is one byte) */
        relay->writer_at = behind - 1;
    }
}

rv_status rv_upstream_gateway_keep(rv_upstream_shared *shared, const rv_push *push, rv_bytes body) {
    rv_relay relay = {.edge = push->edge, .edge_sequence = push->edge_sequence, .body = body};
    memcpy(relay.first_id, push->events[0].event_id, sizeof relay.first_id);
    RV_ASSERT(push->count > 0);
    if (rv_node_rewinding(shared->node)) {
        return RV_PENDING; /* the session ends */
    }
    if (is_own(shared->node, &push->edge)) {
        return RV_OUTBOX_FULL;
    }
    if (!has_forgotten(shared)) {
        return RV_PENDING;
    }
    switch (rv_node_relay_state(shared->node, &relay.edge, relay.edge_sequence, relay.first_id)) {
    case RV_RELAY_OTHER:
        return RV_NOT_FOUND;
    case RV_RELAY_UNKNOWN:
        break;
    default:
        return RV_OK;
    }
    name_writer(shared->node, push, &relay);
    rv_status status =
        push->refusal != NULL ? RV_BATCH_TOO_LARGE : rv_node_relay_keep(shared->node, &relay, NULL);
    if (status == RV_OUTBOX_FULL && make_room(shared)) {
        status = RV_PENDING; /* once more */
    }
    if (status == RV_BATCH_TOO_LARGE && shared->relayer != NULL &&
        rv_relayer_pass(shared->relayer, &relay, push->refusal) == RV_NOT_FOUND) {
        return RV_NOT_FOUND;
    }
    return status == RV_BUSY                         ? RV_PENDING
           : status == RV_OK || status == RV_PENDING ? status
                                                     : RV_OUTBOX_FULL;
}

bool rv_upstream_gateway_relayed(rv_upstream *s, rv_bytes *message) {
    const rv_upstream_shared *const shared = s->shared;
    const uint64_t durable = rv_node_decisions_durable(shared->node);
    uint64_t reached = 0;
    uint32_t at = s->push.told_first;
    if (!s->knows_relayed || !rv_upstream_is_gateway(shared)) {
        return false;
    }
    for (uint32_t i = 0; i < s->push.told_count; i++, at = shared->told[at].next) {
        const rv_told *const told = &shared->told[at];
        if (!told->seen && told->made > durable) {
            break;
        }
        reached = told->edge_sequence;
    }
    if (reached <= s->relayed) {
        return false;
    }
    rv_writer w = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_relayed(&w, reached);
    RV_ASSERT(!w.full);
    s->relayed = reached;
    *message = rv_writer_bytes(&w);
    return true;
}

/* Who shows no token has brought what somebody else has written: that is said, and not by whom. */
static void say_unsigned(rv_error *why) {
    (void)rv_error_set(
        why, RV_FORBIDDEN,
        "this gateway asks for no tokens, and takes nothing of somebody that it does "
        "not know: connect to an upstream that does, with a token");
    RV_ASSERT(why->status == RV_FORBIDDEN);
}

bool rv_upstream_gateway_held(rv_upstream *s, rv_bytes *message) {
    const rv_relayer *const relayer = s->shared->relayer;
    const rv_edge_life *const edge = s->relay.agreed ? NULL : &s->push.life;
    const rv_error *const above = relayer != NULL ? rv_relayer_held(relayer, edge) : NULL;
    const uint64_t now = s->unsigned_met ? 1
                         : above != NULL ? 2 + (uint64_t)relayer->held_changes
                                         : 0;
    rv_error why = {.status = RV_OK};
    if (!s->knows_held || now == s->held) {
        return false;
    }
    if (s->unsigned_met) {
        say_unsigned(&why);
    } else if (above != NULL) {
        why = *above;
    }
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_held(&w, &why);
    RV_ASSERT(!w.full);
    s->held = now;
    *message = rv_writer_bytes(&w);
    return true;
}

void rv_upstream_held(const rv_upstream_shared *shared, rv_error *why) {
    const rv_error *const held =
        shared->relayer != NULL ? rv_relayer_held(shared->relayer, NULL) : NULL;
    RV_ASSERT(why != NULL);
    *why = held != NULL ? *held : (rv_error){.status = RV_OK};
}
