/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How links and machines come together, as native/link.c and native/connection_sync.c do it with
 * sockets: who wants a connection gets one, messages that have arrived are handed over, what ends
 * the one end is told to the other.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "sync/upstream_internal.h"
#include "sync/wire_base.h"
#include "tests/sim/gates.h"
#include "tests/sim/squeeze.h"

#include <stdlib.h>

#define MESSAGES_MAX     16 /* to one end before others have their turn */
#define GIVE_UP_US       INT64_C(10000000)
#define RESET_LATENCY_US INT64_C(1000)

static sim_member *upstream_of(sim_world *world, const sim_link *link) {
    RV_ASSERT(link->upstream < world->plan->member_count);
    return &world->members[link->upstream];
}

static sim_member *edge_of(sim_world *world, const sim_link *link) {
    RV_ASSERT(link->edge < world->plan->member_count);
    return &world->members[link->edge];
}

/* Gives the link back when neither end cares any more. */
static void settle(sim_link *link) {
    if (link->state != SIM_LINK_FREE && !link->edge_open && !link->upstream_open &&
        (link->state != SIM_LINK_CONNECTING)) {
        sim_link_free(link);
    }
}

sim_link *sim_wires_of_edge(sim_world *world, uint8_t edge) {
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        sim_link *const link = &world->network.links[i];
        if (link->state != SIM_LINK_FREE && link->edge == edge && link->edge_open) {
            return link;
        }
    }
    return NULL;
}

/* The edge's end is over, for this reason; the upstream hears of it. */
void sim_wires_edge_closed(sim_world *world, sim_link *link, const rv_error *reason) {
    sim_member *const edge = edge_of(world, link);
    RV_ASSERT(link->edge_open && edge->edge != NULL);
    link->edge_open = false;
    link->held = false;
    if (link->state == SIM_LINK_CONNECTING) {
        link->state = SIM_LINK_ANSWERING;
    }
    sim_link_end(&world->network, link, SIM_TO_UPSTREAM, world->now);
    sim_note(world, edge->index, "connection closed: %s: %.*s", rv_status_code(reason->status),
             (int)reason->detail_len, reason->detail);
    rv_edge_closed(edge->edge, reason, world->now);
    sim_gates_closed(world, edge, reason);
    sim_member_disconnected(edge);
    if (reason->status == RV_OUTBOX_FULL && edge->memory < SIM_NODE_MEMORY_MAX) {
        edge->memory_next = 2 * edge->memory;
    }
    settle(link);
}

static void edge_closed(sim_world *world, sim_link *link, rv_status status, const char *why) {
    rv_error err;
    (void)rv_error_set(&err, status, "%s", why);
    sim_wires_edge_closed(world, link, &err);
}

static void upstream_closed(sim_world *world, sim_link *link) {
    RV_ASSERT(link->upstream_open);
    rv_upstream_close(link->session);
    link->session = NULL;
    link->upstream_open = false;
    sim_link_end(&world->network, link, SIM_TO_EDGE, world->now);
    settle(link);
}

/* --- connecting --- */

/* The upstream's machine answers, or nobody does. */
static void connect_ready(sim_world *world, sim_link *link) {
    sim_member *const upstream = upstream_of(world, link);
    const int64_t blocked = world->network.blocked_until[link->edge][link->upstream] >
                                    world->network.blocked_until[link->upstream][link->edge]
                                ? world->network.blocked_until[link->edge][link->upstream]
                                : world->network.blocked_until[link->upstream][link->edge];
    rv_upstream *session = NULL;
    link->state = SIM_LINK_ANSWERING;
    link->ready_at = world->now + link->latency_us;
    if (blocked > world->now) {
        link->refused = true;
        link->ready_at = world->now + GIVE_UP_US;
        return;
    }
    link->refused = upstream->life != SIM_UP ||
                    rv_upstream_open(upstream->shared, world->now, &session, NULL) != RV_OK;
    link->session = session;
    link->upstream_open = !link->refused;
    upstream->wake_at = world->now;
    RV_ASSERT(link->refused == (link->session == NULL));
}

/* The edge hears the answer. */
static void connect_answered(sim_world *world, sim_link *link) {
    sim_member *const edge = edge_of(world, link);
    RV_ASSERT(link->edge_open && edge->life == SIM_UP);
    edge->wake_at = world->now;
    if (link->refused || !link->upstream_open) {
        edge_closed(world, link, RV_UPSTREAM_UNREACHABLE, "nobody answers");
        return;
    }
    link->state = SIM_LINK_OPEN;
    sim_note(world, edge->index, "connected");
    sim_restored_connected(world, edge, upstream_of(world, link)); /* may be moved by now */
    rv_edge_opened(edge->edge, world->now);
}

/* --- delivering --- */

/* Where the base is of which a part comes. */
static void meet_base(sim_world *world, const sim_link *link, const sim_message *message) {
    sim_member *const edge = edge_of(world, link);
    static uint8_t buffer[RV_WIRE_MESSAGE_MAX];
    const rv_compression squeeze = sim_squeeze();
    const rv_writer inflated = rv_writer_over(buffer, sizeof buffer);
    const rv_bytes bytes = rv_bytes_of(message->bytes, message->len);
    rv_wire_kind kind;
    rv_bytes body;
    rv_wire_base base;
    if (rv_wire_open(bytes, &squeeze, &inflated, &kind, &body, NULL) != RV_OK ||
        kind != RV_WIRE_BASE || rv_wire_read_base(body, &base, NULL) != RV_OK) {
        return;
    }
    sim_member_base(edge, base.position);
    world->figures.base_parts += 1;
    world->figures.gateway_bases += link->upstream > 0;
    world->figures.bases += base.last;
    sim_note(world, edge->index, "a part of a base at %llu, %zu bytes%s%s",
             (unsigned long long)base.position, base.items.len, base.first ? ", the first" : "",
             base.last ? ", the last" : "");
}

static void deliver_to_edge(sim_world *world, sim_link *link, sim_message message) {
    sim_member *const edge = edge_of(world, link);
    rv_error err;
    edge->wake_at = world->now;
    if (!link->edge_open || link->state != SIM_LINK_OPEN) {
        return; /* a process that is not there any more; its system resets the connection */
    }
    if (message.bytes == NULL) {
        edge_closed(world, link, RV_UPSTREAM_UNREACHABLE, "the connection has ended");
        return;
    }
    world->canary_gateway = link->upstream > 0;
    world->figures.gateway_changes +=
        link->upstream > 0 && message.len > 0 && message.bytes[0] == RV_WIRE_CHANGES;
    world->figures.gate_mixed += message.len > 0 && message.bytes[0] == RV_WIRE_EVENTS &&
                                 sim_gates_mixed(&world->members[link->upstream]);
    if (!sim_tamper_down(world, &message)) {
        return;
    }
    meet_base(world, link, &message);
    (void)sim_older_runs(world, edge);
    const rv_status status =
        rv_edge_receive(edge->edge, rv_bytes_of(message.bytes, message.len), world->now, &err);
    (void)sim_older_runs(world, NULL);
    if (status != RV_OK) {
        sim_wires_edge_closed(world, link, &err);
    }
    sim_member_holds(edge);
}

static void deliver_to_upstream(sim_world *world, sim_link *link, sim_message message) {
    sim_member *const upstream = upstream_of(world, link);
    upstream->wake_at = world->now;
    if (!link->upstream_open) {
        return;
    }
    if (message.bytes == NULL) {
        sim_note(world, upstream->index, "the connection of edge %u has ended",
                 (unsigned)link->edge);
        upstream_closed(world, link);
        return;
    }
    world->canary_copy = world->members[link->edge].copied_of != SIM_COPIED_NOT;
    if (!sim_tamper_up(world, &message)) {
        return;
    }
    sim_gates_forget(world, upstream);
    /* an error is told by the messages that follow it */
    (void)sim_older_runs(world, upstream);
    const rv_status status = rv_upstream_receive(
        link->session, rv_bytes_of(message.bytes, message.len), world->now, NULL);
    (void)sim_older_runs(world, NULL);
    link->heard = true;
    if (status != RV_OK) {
        sim_note(world, upstream->index, "refuses edge %u: %s", (unsigned)link->edge,
                 rv_status_code(status));
    }
}

/* A message reaches a machine. If the end that it is for is gone while the machine runs, the
 * machine's system answers with a reset. */
static void deliver(sim_world *world, sim_link *link, sim_way way) {
    const sim_message message = sim_link_take(link, way);
    const bool to_edge = way == SIM_TO_EDGE;
    const bool open = to_edge ? link->edge_open : link->upstream_open;
    const bool sender_open = to_edge ? link->upstream_open : link->edge_open;
    if (to_edge) {
        deliver_to_edge(world, link, message);
    } else {
        deliver_to_upstream(world, link, message);
    }
    free(message.bytes);
    if (!open && sender_open && link->state != SIM_LINK_FREE) {
        const sim_way back = to_edge ? SIM_TO_UPSTREAM : SIM_TO_EDGE;
        link->flows[back].lost = false;
        sim_link_end(&world->network, link, back, world->now + RESET_LATENCY_US);
    }
    if (link->state != SIM_LINK_FREE) {
        settle(link);
    }
}

/* True when the edge's transport keeps the next message back (sync/edge.h, rv_edge_ready). */
static bool holds_back(sim_world *world, sim_link *link) {
    const sim_member *const edge = edge_of(world, link);
    const sim_flow *const flow = &link->flows[SIM_TO_EDGE];
    const uint8_t *const bytes = flow->queue[flow->first].bytes;
    RV_ASSERT(flow->count > 0);
    link->held = edge->plan->holds_back && link->edge_open && link->state == SIM_LINK_OPEN &&
                 bytes != NULL && (bytes[0] == RV_WIRE_EVENTS || bytes[0] == RV_WIRE_PROGRESS) &&
                 !rv_edge_ready(edge->edge);
    return link->held;
}

/* A machine without power takes nothing. */
static bool reachable(const sim_world *world, uint8_t member) {
    return world->members[member].life != SIM_DOWN;
}

static bool deliver_way(sim_world *world, sim_link *link, sim_way way) {
    const uint8_t to = way == SIM_TO_EDGE ? link->edge : link->upstream;
    bool moved = false;
    while (link->state != SIM_LINK_FREE && world->failure.check == SIM_CHECK_NONE &&
           sim_link_arrival(&world->network, link, way) <= world->now) {
        if (way == SIM_TO_EDGE && link->state != SIM_LINK_OPEN && link->edge_open) {
            return moved; /* what the upstream sent waits for the handshake's end */
        }
        if (way == SIM_TO_EDGE && holds_back(world, link)) {
            return moved;
        }
        if (reachable(world, to)) {
            deliver(world, link, way);
        } else {
            const sim_message message = sim_link_take(link, way);
            free(message.bytes);
            world->network.lost += 1;
        }
        moved = true;
    }
    return moved;
}

bool sim_wires_deliver(sim_world *world) {
    bool moved = false;
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        sim_link *const link = &world->network.links[i];
        if (link->state == SIM_LINK_CONNECTING && link->ready_at <= world->now) {
            connect_ready(world, link);
            moved = true;
        }
        if (link->state == SIM_LINK_ANSWERING && link->edge_open && link->ready_at <= world->now) {
            connect_answered(world, link);
            moved = true;
        }
        for (uint32_t way = SIM_TO_UPSTREAM; way <= SIM_TO_EDGE; way++) {
            if (link->state != SIM_LINK_FREE) {
                moved = deliver_way(world, link, (sim_way)way) || moved;
            }
        }
        RV_ASSERT(link->state <= SIM_LINK_OPEN);
    }
    return moved;
}

int64_t sim_wires_next(const sim_world *world) {
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        const sim_link *const link = &world->network.links[i];
        if (link->state == SIM_LINK_FREE) {
            continue;
        }
        const bool shaking = link->state != SIM_LINK_OPEN && link->edge_open;
        if (shaking && link->ready_at < next) {
            next = link->ready_at;
        }
        const int64_t up = sim_link_arrival(&world->network, link, SIM_TO_UPSTREAM);
        const int64_t down =
            shaking ? INT64_MAX : sim_link_arrival(&world->network, link, SIM_TO_EDGE);
        next = up < next ? up : next;
        next = down < next ? down : next;
        RV_ASSERT(next > 0);
    }
    return next;
}

/* --- sending --- */

static void wake(sim_member *member, int64_t at) {
    member->wake_at = at < member->wake_at ? at : member->wake_at;
}

static bool edge_turn(sim_world *world, sim_member *member) {
    bool moved = false;
    rv_error err;
    sim_link *link = sim_wires_of_edge(world, member->index);
    const rv_status status = rv_edge_poll(member->edge, world->now, &err);
    sim_member_holds(member);
    if (status != RV_OK && link != NULL) {
        sim_wires_edge_closed(world, link, &err);
        link = NULL;
        moved = true;
    }
    sim_gates_turn(world, member);
    if (link == NULL && rv_edge_wants_connection(member->edge, world->now)) {
        link = sim_network_connect(&world->network, world->plan, member->index, member->upstream,
                                   world->now);
        RV_ASSERT(link != NULL); /* links go with their timeouts */
        moved = true;
    }
    if (link != NULL && link->held && rv_edge_ready(member->edge)) {
        link->held = false;
        moved = true;
    }
    for (unsigned i = 0; i < MESSAGES_MAX && link != NULL && link->state == SIM_LINK_OPEN; i++) {
        rv_bytes message;
        int64_t when = 0;
        if (!sim_link_takes(link, SIM_TO_UPSTREAM, world->now, &when)) {
            wake(member, when);
            break;
        }
        if (!rv_edge_send(member->edge, world->now, &message)) {
            break;
        }
        sim_link_send(&world->network, link, SIM_TO_UPSTREAM, message, world->now);
        moved = true;
    }
    wake(member, rv_edge_deadline(member->edge));
    return moved;
}

/* In every other world a session is asked as native/server.c does it: when it wants to be, or its
 * time has come, or a message; in the others always. */
static bool is_asked(const sim_world *world, const sim_link *link) {
    const rv_upstream *const session = link->session;
    return world->plan->seed % 2 == 0 || link->heard || session->asked ||
           rv_upstream_deadline(session) <= world->now;
}

static bool session_turn(sim_world *world, sim_member *member, sim_link *link) {
    bool moved = false;
    link->heard = false;
    for (unsigned i = 0; i < MESSAGES_MAX; i++) {
        rv_bytes message;
        int64_t when = 0;
        if (link->state == SIM_LINK_OPEN && !sim_link_takes(link, SIM_TO_EDGE, world->now, &when)) {
            wake(member, when);
            link->heard = true; /* it is asked then */
            break;
        }
        if (!rv_upstream_send(link->session, world->now, &message)) {
            break;
        }
        sim_rights_sent(world, member->index, link->edge, message);
        sim_link_send(&world->network, link, SIM_TO_EDGE, message, world->now);
        moved = true;
    }
    if (rv_upstream_finished(link->session)) {
        upstream_closed(world, link);
        return true;
    }
    wake(member, rv_upstream_deadline(link->session));
    return moved;
}

bool sim_wires_turn(sim_world *world, sim_member *member) {
    RV_ASSERT(member->life == SIM_UP);
    bool moved = member->edge != NULL && edge_turn(world, member);
    if (member->shared != NULL) {
        sim_tamper_look(world, member);
        (void)rv_upstream_look(member->shared, world->now);
        wake(member, rv_upstream_shared_deadline(member->shared));
    }
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        sim_link *const link = &world->network.links[i];
        if (link->state == SIM_LINK_FREE || link->upstream != member->index ||
            !link->upstream_open) {
            continue;
        }
        if (is_asked(world, link)) {
            moved = session_turn(world, member, link) || moved;
        } else {
            wake(member, rv_upstream_deadline(link->session));
        }
    }
    return moved;
}

/* The member's process is over: its ends of connections are. After a power failure nobody is told,
 * until the machine is back and answers with resets. */
void sim_wires_drop(sim_world *world, const sim_member *member, bool power) {
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        sim_link *const link = &world->network.links[i];
        if (link->state == SIM_LINK_FREE) {
            continue;
        }
        const bool of_edge = link->edge == member->index && link->edge_open;
        const bool of_upstream = link->upstream == member->index && link->upstream_open;
        if (of_edge) {
            link->edge_open = false;
            link->held = false;
            link->state = link->state == SIM_LINK_CONNECTING ? SIM_LINK_ANSWERING : link->state;
            if (!power) {
                sim_link_end(&world->network, link, SIM_TO_UPSTREAM, world->now);
            }
        }
        if (of_upstream) {
            link->upstream_open = false;
            link->session = NULL;
            if (!power) {
                sim_link_end(&world->network, link, SIM_TO_EDGE, world->now);
            }
        }
        settle(link);
    }
    RV_ASSERT(sim_wires_of_edge(world, member->index) == NULL);
}
