/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/network.h"

#include "core/base/assert.h"

#include <stdlib.h>

static void flow_clear(sim_flow *flow) {
    RV_ASSERT(flow->count <= SIM_QUEUE_MAX);
    for (uint32_t i = 0; i < flow->count; i++) {
        free(flow->queue[(flow->first + i) % SIM_QUEUE_MAX].bytes);
    }
    flow->count = 0;
}

void sim_link_free(sim_link *link) {
    RV_ASSERT(link->state != SIM_LINK_FREE);
    flow_clear(&link->flows[SIM_TO_UPSTREAM]);
    flow_clear(&link->flows[SIM_TO_EDGE]);
    link->state = SIM_LINK_FREE;
}

void sim_network_clear(sim_network *network) {
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        if (network->links[i].state != SIM_LINK_FREE) {
            sim_link_free(&network->links[i]);
        }
    }
    network->made = 0;
    network->messages = network->bytes = network->lost = 0;
    memset(network->blocked_until, 0, sizeof network->blocked_until);
}

sim_link *sim_network_connect(sim_network *network, const sim_plan *plan, uint8_t edge,
                              uint8_t upstream, int64_t now) {
    RV_ASSERT(edge < SIM_MEMBERS_MAX && upstream < SIM_MEMBERS_MAX);
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        sim_link *const link = &network->links[i];
        if (link->state != SIM_LINK_FREE) {
            continue;
        }
        memset(link, 0, sizeof *link);
        network->made += 1;
        link->state = SIM_LINK_CONNECTING;
        link->edge = edge;
        link->upstream = upstream;
        link->edge_open = true;
        link->latency_us = plan->latency_us;
        link->jitter_us = plan->jitter_us;
        link->bytes_per_second = plan->bytes_per_second;
        link->random = plan->seed ^ (network->made << 20) ^ edge;
        link->ready_at = now + 2 * link->latency_us; /* of TCP and of the WebSocket */
        return link;
    }
    return NULL;
}

bool sim_link_takes(const sim_link *link, sim_way way, int64_t now, int64_t *when) {
    const sim_flow *const flow = &link->flows[way];
    RV_ASSERT(link->state == SIM_LINK_OPEN && !flow->ended);
    *when = flow->free_at - SIM_LINK_WINDOW;
    if (*when > now) {
        return false;
    }
    *when = flow->count > 0 ? flow->queue[flow->first].at : now;
    return flow->count < SIM_QUEUE_MAX - 1; /* one is for the end */
}

static void flow_push(sim_flow *flow, sim_message message) {
    RV_ASSERT(flow->count < SIM_QUEUE_MAX);
    flow->queue[(flow->first + flow->count) % SIM_QUEUE_MAX] = message;
    flow->count += 1;
    flow->last_at = message.at;
}

void sim_link_send(sim_network *network, sim_link *link, sim_way way, rv_bytes message,
                   int64_t now) {
    sim_flow *const flow = &link->flows[way];
    RV_ASSERT(message.len > 0 && !flow->ended);
    network->messages += 1;
    network->bytes += message.len;
    const int64_t takes = (int64_t)message.len * 1000000 / link->bytes_per_second;
    flow->free_at = (flow->free_at > now ? flow->free_at : now) + takes;
    if (flow->lost) {
        network->lost += 1;
        return;
    }
    int64_t at = flow->free_at + link->latency_us +
                 (int64_t)rv_random_below(&link->random, (uint64_t)link->jitter_us + 1);
    at = at > flow->last_at ? at : flow->last_at;
    uint8_t *const copy = malloc(message.len);
    RV_ASSERT(copy != NULL);
    memcpy(copy, message.ptr, message.len);
    flow_push(flow, (sim_message){at, copy, message.len});
}

void sim_link_end(sim_network *network, sim_link *link, sim_way way, int64_t now) {
    sim_flow *const flow = &link->flows[way];
    RV_ASSERT(network->made > 0);
    if (flow->ended) {
        return;
    }
    flow->ended = true;
    if (!flow->lost) {
        const int64_t at = now + link->latency_us;
        flow_push(flow, (sim_message){at > flow->last_at ? at : flow->last_at, NULL, 0});
    }
}

int64_t sim_link_arrival(const sim_network *network, const sim_link *link, sim_way way) {
    const sim_flow *const flow = &link->flows[way];
    const uint8_t from = way == SIM_TO_EDGE ? link->upstream : link->edge;
    const uint8_t to = way == SIM_TO_EDGE ? link->edge : link->upstream;
    RV_ASSERT(from < SIM_MEMBERS_MAX && to < SIM_MEMBERS_MAX);
    if (flow->count == 0 || (link->held && way == SIM_TO_EDGE)) {
        return INT64_MAX;
    }
    const int64_t at = flow->queue[flow->first].at;
    const int64_t until = network->blocked_until[from][to];
    return at < until ? until : at;
}

sim_message sim_link_take(sim_link *link, sim_way way) {
    sim_flow *const flow = &link->flows[way];
    RV_ASSERT(flow->count > 0);
    const sim_message message = flow->queue[flow->first];
    flow->first = (flow->first + 1) % SIM_QUEUE_MAX;
    flow->count -= 1;
    return message;
}

void sim_link_lose(sim_network *network, sim_link *link, sim_way way, uint32_t keep) {
    sim_flow *const flow = &link->flows[way];
    RV_ASSERT(link->state != SIM_LINK_FREE);
    while (flow->count > keep) {
        flow->count -= 1;
        network->lost += 1;
        free(flow->queue[(flow->first + flow->count) % SIM_QUEUE_MAX].bytes);
    }
    flow->lost = true;
}

void sim_link_break(sim_network *network, sim_link *link, sim_way way, uint32_t keep, int64_t now) {
    sim_flow *const flow = &link->flows[way];
    RV_ASSERT(keep < SIM_QUEUE_MAX);
    sim_link_lose(network, link, way, keep);
    const int64_t at = now + link->latency_us;
    flow_push(flow, (sim_message){at > flow->last_at ? at : flow->last_at, NULL, 0});
}

void sim_network_block(sim_network *network, uint8_t from, uint8_t to, int64_t until) {
    RV_ASSERT(from < SIM_MEMBERS_MAX && to < SIM_MEMBERS_MAX);
    int64_t *const blocked = &network->blocked_until[from][to];
    *blocked = until > *blocked ? until : *blocked;
}
