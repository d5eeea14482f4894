/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hands of canaries on messages: what a bug in one of the machines would have sent. Messages
 * are read, changed and written again in their place, where they are not larger then. And one on
 * what an upstream looks at for all of its sessions.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "sync/upstream_internal.h"
#include "sync/wire_lease.h"
#include "sync/wire_push.h"
#include "sync/wire_relay.h"

static rv_bytes body_of(const sim_message *message) {
    RV_ASSERT(message->len >= RV_WIRE_HEADER_LEN);
    return rv_bytes_of(message->bytes + RV_WIRE_HEADER_LEN, message->len - RV_WIRE_HEADER_LEN);
}

/* True when it is of this kind, and not deflated. */
static bool is_plain(const sim_message *message, rv_wire_kind kind) {
    return message->bytes[0] == kind && message->bytes[1] == 0;
}

/* What was written takes the message's place, if it fits. */
static void become(sim_message *message, const rv_writer *w) {
    RV_ASSERT(!w->full);
    if (w->len <= message->len) {
        memcpy(message->bytes, w->ptr, w->len);
        message->len = w->len;
    }
}

static void become_progress(sim_message *message, const rv_wire_progress *progress) {
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_progress(&w, progress);
    become(message, &w);
}

static void forge_decision(sim_world *world, sim_message *message) {
    static rv_wire_decision decision;
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    if (is_plain(message, RV_WIRE_DECISION) &&
        rv_wire_read_decision(body_of(message), &decision, NULL) == RV_OK &&
        decision.outcome == RV_WIRE_DECIDED_REFUSED) {
        decision.outcome = RV_WIRE_DECIDED_ACCEPTED;
        decision.position = world->truth.count > 0 ? world->truth.count : 1;
        rv_wire_write_decision(&w, &decision);
        become(message, &w);
    }
}

static void empty_base(sim_message *message) {
    rv_wire_base base;
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    if (is_plain(message, RV_WIRE_BASE) &&
        rv_wire_read_base(body_of(message), &base, NULL) == RV_OK) {
        base.items = rv_bytes_of(NULL, 0);
        rv_wire_write_base(&w, &base);
        become(message, &w);
    }
}

static void lease_again(sim_message *message) {
    static rv_wire_leased leased;
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    if (is_plain(message, RV_WIRE_LEASED) &&
        rv_wire_read_leased(body_of(message), &leased, NULL) == RV_OK && leased.granted) {
        leased.first = 1;
        rv_wire_write_leased(&w, &leased);
        become(message, &w);
    }
}

static void expect_nothing(sim_message *message) {
    static uint8_t bytes[RV_WIRE_MESSAGE_MAX];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_push push;
    if (!is_plain(message, RV_WIRE_PUSH) ||
        rv_wire_read_push(body_of(message), &push, NULL) != RV_OK) {
        return;
    }
    rv_append event;
    rv_cursor events = push.events;
    push.counted_count = 0;
    rv_wire_write_push(&w, &push, NULL);
    for (uint64_t i = 0; i < push.count && rv_wire_read_pushed(&events, &event); i++) {
        event.expected = RV_EXPECTED_ANY;
        event.expected_version = 0;
        rv_wire_write_pushed(&w, &event);
    }
    become(message, &w);
}

/* Events with ids of this version, that a node (7), a command (8) or a caller (4) has made, under
 * other ones.
 */
static void change_ids(sim_message *message, uint8_t version) {
    static uint8_t bytes[RV_WIRE_MESSAGE_MAX];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_push push;
    rv_append event;
    if (!is_plain(message, RV_WIRE_PUSH) ||
        rv_wire_read_push(body_of(message), &push, NULL) != RV_OK) {
        return;
    }
    rv_cursor events = push.events;
    push.counted_count = 0;
    rv_wire_write_push(&w, &push, NULL);
    for (uint64_t i = 0; i < push.count && rv_wire_read_pushed(&events, &event); i++) {
        event.event_id[15] ^= event.event_id[6] >> 4 == version;
        rv_wire_write_pushed(&w, &event);
    }
    become(message, &w);
}

static bool is_known(const sim_world *world, const uint8_t *id) {
    for (uint64_t p = 1; p <= world->truth.count; p++) {
        if (memcmp(sim_truth_at(&world->truth, p)->event.event_id, id, 16) == 0) {
            return true;
        }
    }
    return false;
}

/* What is in the log already comes as something else, under its id. */
static void change_known(const sim_world *world, sim_message *message) {
    static uint8_t bytes[RV_WIRE_MESSAGE_MAX];
    static uint8_t path[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_push push;
    rv_append event;
    if (!is_plain(message, RV_WIRE_PUSH) ||
        rv_wire_read_push(body_of(message), &push, NULL) != RV_OK || push.counted_count > 0) {
        return;
    }
    rv_cursor events = push.events;
    rv_wire_write_push(&w, &push, NULL);
    for (uint64_t i = 0; i < push.count && rv_wire_read_pushed(&events, &event); i++) {
        RV_ASSERT(event.path.len > 0 && event.path.len <= sizeof path);
        memcpy(path, event.path.ptr, event.path.len);
        path[event.path.len - 1] ^= is_known(world, event.event_id); /* another digit */
        event.path.ptr = path;
        rv_wire_write_pushed(&w, &event);
    }
    become(message, &w);
}

/* The hello's last point, which the edge is to go back to. */
static void keep_point(sim_world *world, const sim_message *message) {
    static rv_wire_hello hello;
    if (is_plain(message, RV_WIRE_HELLO) &&
        rv_wire_read_hello(body_of(message), &hello, NULL) == RV_OK && hello.has_lineage &&
        hello.lineage_count > 0) {
        world->canary_point = hello.lineage[0];
    }
    RV_ASSERT(world->canary == SIM_CANARY_BACK_TOO_LITTLE);
}

static void keep_all(const sim_world *world, sim_message *message) {
    static rv_wire_welcome welcome;
    uint8_t bytes[256];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    if (is_plain(message, RV_WIRE_WELCOME) &&
        rv_wire_read_welcome(body_of(message), &welcome, NULL) == RV_OK && welcome.diverged) {
        welcome.common = world->canary_point;
        rv_wire_write_welcome(&w, &welcome);
        become(message, &w);
    }
}

static void empty_past(sim_message *message) {
    static rv_wire_filled filled;
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    if (is_plain(message, RV_WIRE_PAST) &&
        rv_wire_read_filled(body_of(message), &filled, NULL) == RV_OK && !filled.refused) {
        filled.events = rv_bytes_of(NULL, 0);
        rv_wire_write_filled(&w, &filled, false);
        become(message, &w);
    }
}

/* A push that a gateway passes on for a device that is no more. */
static bool is_of_lost(const sim_world *world, const sim_message *message) {
    static rv_wire_relay relay;
    return is_plain(message, RV_WIRE_RELAY) &&
           rv_wire_read_relay(body_of(message), &relay, NULL) == RV_OK &&
           relay.kind == RV_WIRE_PUSH && sim_losses_is_lost(world, relay.edge_id);
}

bool sim_tamper_down(sim_world *world, sim_message *message) {
    const uint8_t kind = message->bytes[0];
    rv_wire_progress progress;
    rv_wire_events events;
    rv_cursor c = rv_cursor_over(body_of(message));
    switch ((uint32_t)world->canary) {
    case SIM_CANARY_EVENT_SKIPPED:
        if (kind == RV_WIRE_EVENTS && rv_random_chance(&world->canary_random, 10) &&
            rv_wire_read_events(&c, &events) && !events.continues) {
            progress = (rv_wire_progress){events.watermark, events.chain_hash, events.position};
            become_progress(message, &progress);
        }
        return true;
    case SIM_CANARY_W_TOO_HIGH:
        if (kind == RV_WIRE_PROGRESS &&
            rv_wire_read_progress(body_of(message), &progress, NULL) == RV_OK) {
            progress.watermark += 1;
            become_progress(message, &progress);
        }
        return true;
    case SIM_CANARY_CHANGES_SKIPPED:
        return kind != RV_WIRE_CHANGES || !rv_random_chance(&world->canary_random, 20);
    case SIM_CANARY_GATEWAY_ROWS:
        return kind != RV_WIRE_CHANGES || !world->canary_gateway ||
               !rv_random_chance(&world->canary_random, 20);
    case SIM_CANARY_BASE_EMPTY:
        empty_base(message);
        return true;
    case SIM_CANARY_PAST_LOST:
        empty_past(message);
        return true;
    case SIM_CANARY_REFUSAL_FORGED:
        forge_decision(world, message);
        return true;
    case SIM_CANARY_LEASED_TWICE:
        lease_again(message);
        return true;
    case SIM_CANARY_BACK_TOO_LITTLE:
        keep_all(world, message);
        return true;
    default:
        return true;
    }
}

bool sim_tamper_up(sim_world *world, sim_message *message) {
    RV_ASSERT(message->bytes != NULL);
    if (world->canary == SIM_CANARY_EXPECTED_LOST) {
        expect_nothing(message);
    } else if (world->canary == SIM_CANARY_COMMAND_ID) {
        change_ids(message, 8);
    } else if (world->canary == SIM_CANARY_ID_CHANGED) {
        change_ids(message, 4);
    } else if (world->canary == SIM_CANARY_COPY_ID && world->canary_copy) {
        change_ids(message, 7);
    } else if (world->canary == SIM_CANARY_RETRY_REFUSED) {
        change_known(world, message);
    } else if (world->canary == SIM_CANARY_BACK_TOO_LITTLE) {
        keep_point(world, message);
    } else if (world->canary == SIM_CANARY_RELAY_KEPT) {
        return !is_of_lost(world, message);
    }
    return true;
}

void sim_tamper_look(sim_world *world, sim_member *upstream) {
    rv_upstream_shared *const shared = upstream->shared;
    RV_ASSERT(shared != NULL);
    if (world->canary == SIM_CANARY_ROWS_UNSEEN && shared->changes_noted &&
        rv_random_chance(&world->canary_random, 20)) {
        shared->rows = shared->changes.next_committed;
    }
}
