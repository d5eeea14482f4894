/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/edge.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"
#include "sync/edge_internal.h"

rv_status rv_edge_create(rv_edge **edge, const rv_edge_options *options, rv_arena *arena,
                         rv_error *err) {
    RV_ASSERT(edge != NULL && options->node != NULL);
    rv_edge *const e = rv_arena_take(arena, sizeof *e);
    if (e != NULL) {
        e->node = options->node;
        e->compression = options->compression;
        e->backoff = rv_backoff_start(options->seed);
        e->refusals = rv_backoff_start(options->seed + 1);
        e->decoder = rv_decoder_create(arena);
        e->inflated = rv_arena_take_raw(arena, RV_WIRE_MESSAGE_MAX);
        e->queue = rv_arena_take_raw(arena, QUEUE_SIZE);
        e->batch_bytes = RV_SYNC_BATCH_MAX;
        e->status.state = RV_EDGE_OFFLINE;
        e->token.wanted_at = INT64_MAX;
        e->awaited_until = INT64_MAX;
        e->proof_until = INT64_MAX;
    }
    if (e == NULL || e->decoder == NULL || e->inflated == NULL || e->queue == NULL ||
        !rv_pusher_create(&e->pusher, options->node, arena)) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "an edge needs 4 MiB of memory for sync");
    }
    rv_leaser_create(&e->leaser, options->node);
    *edge = e;
    return RV_OK;
}

void rv_edge_unused(const rv_edge *e, rv_unused *unused) {
    RV_ASSERT(e->queue_begin <= e->queue_end);
    if (!rv_edge_waits(e) && !e->receiving && e->meet.len == 0) {
        rv_decoder_unused(e->decoder, unused);
        rv_unused_add(unused, e->inflated, RV_WIRE_MESSAGE_MAX);
        rv_unused_add(unused, e->queue, QUEUE_SIZE);
    }
}

/* --- who waits for what the node is to hold --- */

/* It is here, or may be expected anew. */
static void await_anew(rv_edge *e) {
    RV_ASSERT(!e->overdue || e->awaited);
    e->awaited = false;
    e->overdue = false;
    e->awaited_until = INT64_MAX;
}

static void pass_time(rv_edge *e, int64_t now) {
    RV_ASSERT(!e->overdue || e->awaited);
    e->polled_at = now;
    if (e->awaited && e->awaited_until == INT64_MAX) {
        e->awaited_until = now + RV_EDGE_WAIT_US;
    }
    e->overdue = e->overdue || (e->awaited && now >= e->awaited_until);
    if (rv_node_whole(e->node) && !rv_node_provisional(e->node) &&
        rv_schema_version(rv_node_schema(e->node)) > 0) {
        await_anew(e);
    }
}

bool rv_edge_awaits_contents(rv_edge *e) {
    RV_ASSERT(e->status.state <= RV_EDGE_NEEDS_AUTH);
    if (e->overdue || e->status.state == RV_EDGE_ERROR || e->status.state == RV_EDGE_NEEDS_AUTH) {
        return false;
    }
    e->awaited = true;
    return true;
}

static int64_t awaited_deadline(const rv_edge *e) {
    RV_ASSERT(e->awaited || e->awaited_until == INT64_MAX);
    if (!e->awaited || e->overdue) {
        return INT64_MAX;
    }
    return e->awaited_until == INT64_MAX ? e->polled_at : e->awaited_until;
}

/* --- the connection's life --- */

/* No connection, and it will try again. */
static bool waits_to_connect(const rv_edge *e) {
    RV_ASSERT(e->status.state <= RV_EDGE_NEEDS_AUTH);
    return e->status.state == RV_EDGE_OFFLINE || e->status.state == RV_EDGE_NEEDS_AUTH ||
           rv_edge_is_refused(e);
}

bool rv_edge_wants_connection(rv_edge *e, int64_t now) {
    RV_ASSERT(e->status.state <= RV_EDGE_NEEDS_AUTH);
    if (e->status.state == RV_EDGE_ERROR && rv_edge_select_mends(e)) {
        e->status.state = RV_EDGE_OFFLINE;
        e->next_attempt = now;
        rv_backoff_reset(&e->refusals);
    }
    rv_edge_token_poll(e, now);
    if (!waits_to_connect(e) || now < e->next_attempt || rv_node_rewinding(e->node)) {
        return false;
    }
    e->status.state = RV_EDGE_CONNECTING;
    e->last_received = now;
    e->last_ping = now;
    return true;
}

void rv_edge_opened(rv_edge *e, int64_t now) {
    RV_ASSERT(!e->receiving && !rv_edge_waits(e));
    e->status.state = RV_EDGE_CONNECTING;
    e->owed = (rv_edge_owed){.hello = true};
    e->meet = (rv_edge_meet){.active = false};
    e->credit_left = RV_SYNC_CREDIT;
    e->last_received = now;
    e->last_ping = now;
    e->last_report = now;
    e->ping_nonce = 0;
    e->pong_seen = 0;
    e->proof_until = INT64_MAX;
    e->durable_reported = 0;
    e->fatal = false;
    e->stalled = false;
    rv_edge_select_begin(e);
}

/* Reasons that trying again does not mend. */
static bool is_final(rv_status status) {
    return status == RV_UPSTREAM_OTHER_LOG || status == RV_UPSTREAM_VERSION ||
           status == RV_NOT_ROOT || status == RV_UNSUPPORTED;
}

/* How long to wait after this. An upstream with another history is told at once what this edge has
 * of it; when that did not help, somebody has to mend something first. */
static int64_t delay_after(rv_edge *e, rv_status status) {
    rv_lineage *const l = &e->lineage;
    RV_ASSERT(l->count <= RV_WIRE_LINEAGE_MAX);
    if (status == RV_UPSTREAM_UNAUTHORIZED || status == RV_UNAUTHENTICATED ||
        status == RV_FORBIDDEN) {
        return e->token.untold ? 0 : RV_BACKOFF_MAX_US; /* what was refused is not what there is */
    }
    if (rv_node_rewinding(e->node)) { /* if that fails, it is tried again, later and later */
        l->wanted = false;
        return e->at_once ? 0 : rv_backoff_next(&e->backoff);
    }
    if (l->told) {
        const bool at_once = !l->wanted;
        l->wanted = true;
        return at_once ? 0 : RV_BACKOFF_MAX_US;
    }
    return e->at_once ? 0 : rv_backoff_next(&e->backoff);
}

void rv_edge_closed(rv_edge *e, const rv_error *reason, int64_t now) {
    RV_ASSERT(reason != NULL);
    if (waits_to_connect(e) || e->status.state == RV_EDGE_ERROR) {
        return;
    }
    rv_edge_drop(e);
    rv_pusher_disconnect(&e->pusher);
    rv_leaser_disconnect(&e->leaser);
    if (e->relayer != NULL) {
        rv_relayer_disconnect(e->relayer);
    }
    if (e->status.state == RV_EDGE_CONNECTED) {
        await_anew(e);
    }
    e->meet.active = false; /* what was gathered stays for the node, until it has it */
    e->meet.len = rv_node_rewinding(e->node) ? e->meet.len : 0;
    e->owed = (rv_edge_owed){.hello = false};
    e->stalled = false;
    e->held = (rv_error){.status = RV_OK};
    e->status.reason = *reason;
    rv_edge_token_closed(e, reason, now);
    if (e->fatal || is_final(reason->status)) {
        e->status.state = RV_EDGE_ERROR;
        return;
    }
    /* what is not served now may be later: the schema, or what a gateway holds, can change */
    const bool refused = reason->status == RV_SELECTION_INVALID;
    e->status.state = refused                        ? RV_EDGE_ERROR
                      : rv_edge_token_denied(reason) ? RV_EDGE_NEEDS_AUTH
                                                     : RV_EDGE_OFFLINE;
    e->next_attempt =
        now + (refused ? rv_backoff_next(&e->refusals) : delay_after(e, reason->status));
    rv_lineage_disconnect(&e->lineage);
    e->at_once = false;
    RV_ASSERT(e->next_attempt >= now);
}

void rv_edge_network_up(rv_edge *e, int64_t now) {
    RV_ASSERT(e->status.state <= RV_EDGE_NEEDS_AUTH);
    if (waits_to_connect(e)) {
        e->next_attempt = e->next_attempt < now ? e->next_attempt : now;
        rv_backoff_reset(&e->backoff);
        rv_backoff_reset(&e->refusals);
    } else if (e->status.state == RV_EDGE_CONNECTED && e->proof_until == INT64_MAX) {
        e->owed.ping = true;
        e->last_ping = now;
        e->proof_until = now + RV_SYNC_PROOF_US;
        e->proof_nonce = e->ping_nonce + 1;
    }
}

/* A message has come. */
static void prove(rv_edge *e, int64_t now) {
    RV_ASSERT(RV_SYNC_BUFFERED_US < RV_SYNC_PROOF_US);
    if (e->proof_until != INT64_MAX &&
        now >= e->proof_until - RV_SYNC_PROOF_US + RV_SYNC_BUFFERED_US) {
        e->proof_until = INT64_MAX;
    }
}

/* --- receiving --- */

/* The upstream was restored from a backup: the node is to go back. Ends the connection. */
static rv_status take_diverged(rv_edge *e, const rv_wire_welcome *welcome, rv_error *err) {
    const rv_log_identity *const own = rv_node_identity(e->node);
    if (!e->lineage.said || own == NULL || welcome->epoch <= own->epoch ||
        memcmp(own->log_id, welcome->log_id, sizeof own->log_id) != 0 ||
        own->root_tag != welcome->root_tag || !rv_lineage_has(&e->lineage, &welcome->common)) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream sent a common point that this edge did not name");
    }
    const rv_rewind to = {.epoch = (uint32_t)welcome->epoch,
                          .watermark = welcome->common.watermark,
                          .chain_hash = welcome->common.chain_hash};
    const rv_status status = rv_node_rewind(e->node, &to, err);
    return status != RV_OK
               ? status
               : rv_error_set(err, RV_UPSTREAM_DIVERGED,
                              "the upstream was restored from a backup; this edge goes back to "
                              "position %u, which both have, and pushes again what it wrote since",
                              to.watermark);
}

static rv_status take_welcome(rv_edge *e, rv_bytes body, int64_t now, rv_error *err) {
    rv_wire_welcome welcome;
    rv_status status = rv_wire_read_welcome(body, &welcome, err);
    if (status != RV_OK) {
        return status;
    }
    if (e->status.state != RV_EDGE_CONNECTING || e->owed.hello || e->meet.active) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent a welcome out of turn");
    }
    if (welcome.diverged) {
        return take_diverged(e, &welcome, err);
    }
    if (welcome.schema_version == 0 && rv_node_provisional(e->node)) {
        return rv_error_set(err, RV_BUSY,
                            "the upstream has no schema yet, and this edge goes on with its own");
    }
    if (rv_node_provisional(e->node)) {
        status = rv_edge_select_welcome(e, &welcome, err);
        if (status == RV_OK) {
            rv_edge_meet_begin(e, &welcome);
        }
        return status;
    }
    status = rv_node_adopt(e->node, welcome.log_id, (uint32_t)welcome.epoch, welcome.root_tag, err);
    if (status != RV_OK) { /* of an epoch that began since the hello, the next one will tell */
        e->fatal = status != RV_UPSTREAM_DIVERGED;
        return status;
    }
    status = rv_edge_select_welcome(e, &welcome, err);
    if (status != RV_OK) {
        return status;
    }
    e->status.state = RV_EDGE_CONNECTED;
    await_anew(e);
    e->status.reason = (rv_error){.status = RV_OK};
    e->status.upstream_position = welcome.position;
    e->lineage.wanted = false;
    rv_backoff_reset(&e->backoff);
    rv_edge_token_welcome(e, &welcome, now);
    rv_pusher_welcome(&e->pusher, &welcome, now);
    rv_leaser_welcome(&e->leaser, &welcome);
    if (e->relayer != NULL) {
        rv_relayer_welcome(e->relayer, &welcome);
    }
    e->status.gateway = welcome.has_gate && welcome.gate.gateway;
    RV_ASSERT(rv_node_identity(e->node) != NULL);
    return RV_OK;
}

/* The upstream says why it is about to close. */
static rv_status take_error(rv_edge *e, rv_bytes body, rv_error *err) {
    rv_error told;
    const rv_status status = rv_wire_read_error(body, &told, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(told.status > RV_END);
    e->fatal = e->fatal || is_final(told.status);
    e->lineage.told = told.status == RV_UPSTREAM_DIVERGED;
    if (err != NULL) {
        *err = told;
    }
    return told.status;
}

static rv_status take_pong(rv_edge *e, rv_bytes body, rv_error *err) {
    uint64_t nonce = 0;
    const rv_status status = rv_wire_read_ping(body, &nonce, err);
    if (status != RV_OK) {
        return status;
    }
    if (nonce <= e->pong_seen || nonce > e->ping_nonce) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent a pong to no ping");
    }
    e->pong_seen = nonce;
    e->proof_until = nonce >= e->proof_nonce ? INT64_MAX : e->proof_until;
    RV_ASSERT(e->pong_seen <= e->ping_nonce);
    return RV_OK;
}

/* The gateway says why what is pushed does not go up. */
static rv_status take_held(rv_edge *e, rv_bytes body, rv_error *err) {
    const rv_status status = rv_wire_read_held(body, &e->held, err);
    RV_ASSERT(e->status.state == RV_EDGE_CONNECTED);
    if (status == RV_OK && e->relayer != NULL) {
        rv_relayer_hold(e->relayer, &e->held);
    }
    return status;
}

/* Messages that come only after the welcome. */
static rv_status take_connected(rv_edge *e, rv_wire_kind kind, rv_bytes message, rv_bytes body,
                                int64_t now, rv_error *err) {
    rv_wire_progress progress;
    rv_status status = RV_OK;
    RV_ASSERT(kind != RV_WIRE_WELCOME && kind != RV_WIRE_ERROR);
    switch ((uint32_t)kind) {
    case RV_WIRE_EVENTS:
    case RV_WIRE_BASE:
    case RV_WIRE_CHANGES:
    case RV_WIRE_SELECTED:
    case RV_WIRE_PAST:
        rv_backoff_reset(&e->refusals);
        return rv_edge_take_events(e, kind, message, body, err);
    case RV_WIRE_PROGRESS:
        rv_backoff_reset(&e->refusals);
        status = rv_wire_read_progress(body, &progress, err);
        return status == RV_OK ? rv_edge_take_progress(e, &progress, err) : status;
    case RV_WIRE_DECISION:
        return rv_pusher_take(&e->pusher, body, now, err);
    case RV_WIRE_LEASED:
        return rv_leaser_take(&e->leaser, body, now, err);
    case RV_WIRE_ADMITTED:
        return rv_edge_token_take(e, body, now, err);
    case RV_WIRE_RELAYED:
        return rv_pusher_relayed(&e->pusher, body, err);
    case RV_WIRE_HELD:
        return take_held(e, body, err);
    case RV_WIRE_VOUCHED:
        return e->relayer != NULL ? rv_relayer_vouched(e->relayer, body, err)
                                  : rv_error_set(err, RV_PROTOCOL_ERROR,
                                                 "the upstream vouched for what it was not asked");
    case RV_WIRE_RELAY_ANSWER:
        return e->relayer != NULL ? rv_relayer_take(e->relayer, body, now, err)
                                  : rv_error_set(err, RV_PROTOCOL_ERROR,
                                                 "the upstream answered what was not relayed");
    case RV_WIRE_PONG:
        return take_pong(e, body, err);
    case RV_WIRE_PING:
        status = rv_wire_read_ping(body, &e->owed.pong_nonce, err);
        e->owed.pong = e->owed.pong || status == RV_OK;
        return status;
    case RV_WIRE_GOODBYE:
        status = rv_wire_read_goodbye(body, err);
        return status == RV_OK
                   ? rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "the upstream is closing")
                   : status;
    default:
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream sent a message of kind %u, "
                            "which only edges send",
                            (uint64_t)kind);
    }
}

rv_status rv_edge_receive(rv_edge *e, rv_bytes message, int64_t now, rv_error *err) {
    /* while a body waits in the buffer, only messages that need none can be opened */
    const bool kept = rv_edge_waits(e);
    const bool events =
        message.len > 0 && (message.ptr[0] == RV_WIRE_EVENTS || message.ptr[0] == RV_WIRE_BASE ||
                            message.ptr[0] == RV_WIRE_CHANGES ||
                            message.ptr[0] == RV_WIRE_SELECTED || message.ptr[0] == RV_WIRE_PAST);
    const rv_writer inflated = rv_writer_over(e->inflated, kept ? 0 : RV_WIRE_MESSAGE_MAX);
    rv_wire_kind kind = RV_WIRE_EVENTS;
    rv_bytes body = message;
    RV_ASSERT(e->status.state != RV_EDGE_OFFLINE || !kept);
    e->status.bytes_received += message.len;
    e->last_received = now;
    prove(e, now);
    if (e->status.state != RV_EDGE_CONNECTING && e->status.state != RV_EDGE_CONNECTED) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "a message came outside of a connection");
    }
    if (events) {
        kind = (rv_wire_kind)message.ptr[0];
    }
    if (!(events && kept) || message.len > RV_WIRE_MESSAGE_MAX) {
        const rv_status status =
            rv_wire_open(message, &e->compression, &inflated, &kind, &body, err);
        if (status != RV_OK) {
            return status;
        }
    }
    if ((uint32_t)kind >= RV_WIRE_IGNORED_FIRST) {
        return RV_OK;
    }
    if (kind == RV_WIRE_ERROR) {
        return take_error(e, body, err);
    }
    if (kind == RV_WIRE_WELCOME) {
        return take_welcome(e, body, now, err);
    }
    if (e->meet.active) {
        return rv_edge_meet_take(e, kind, message.len, body, err);
    }
    if (e->status.state != RV_EDGE_CONNECTED) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream began without a welcome");
    }
    return take_connected(e, kind, message, body, now, err);
}

bool rv_edge_ready(const rv_edge *e) {
    RV_ASSERT(e->status.state <= RV_EDGE_NEEDS_AUTH);
    /* where W stands still nothing that waits will go on: what comes is for the queue */
    return e->stalled || !rv_edge_waits(e);
}

/* --- sending --- */

static void write_hello(rv_edge *e, rv_writer *w) {
    rv_wire_hello hello = {.version_min = RV_WIRE_VERSION_MIN,
                           .version_max = RV_WIRE_VERSION_MAX,
                           .credit = RV_SYNC_CREDIT,
                           .batch_bytes = e->batch_bytes};
    const rv_log_identity *const identity = rv_node_identity(e->node);
    if (identity != NULL) {
        hello.has_log = true;
        hello.epoch = identity->epoch;
        hello.watermark = rv_node_watermark(e->node);
        hello.schema_version = rv_schema_version(rv_node_schema(e->node));
        hello.schema_hash = rv_schema_hash(rv_node_schema(e->node));
        hello.chain_hash = rv_log_chain(rv_node_log(e->node));
        memcpy(hello.log_id, identity->log_id, sizeof hello.log_id);
    }
    memcpy(hello.node_id, rv_node_id(e->node), sizeof hello.node_id);
    rv_pusher_hello(&e->pusher, &hello);
    rv_edge_token_hello(e, &hello);
    rv_lineage_hello(&e->lineage, &hello);
    rv_edge_select_hello(e, &hello);
    hello.gate =
        RV_WIRE_GATE_RELAYED | RV_WIRE_GATE_HELD | (e->relayer != NULL ? RV_WIRE_GATE_RELAYS : 0);
    hello.compression = e->compression.ops != NULL ? RV_WIRE_COMPRESSION_DEFLATE : 0;
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(e->node, &count);
    RV_ASSERT(count <= RV_PATTERNS_MAX);
    for (size_t i = 0; i < count; i++) {
        hello.patterns[i] = patterns[i].text;
    }
    hello.pattern_count = count;
    rv_wire_write_hello(w, &hello);
    RV_ASSERT(!w->full);
}

/* True when something is to be done ten times a second: small credit to give back, a durable W to
 * tell, a storage without room to ask again. */
static bool report_wanted(const rv_edge *e) {
    return e->owed.credit > 0 || rv_node_watermark_durable(e->node) > e->durable_reported ||
           e->status.reason.status == RV_STORAGE_FULL;
}

static bool report_due(const rv_edge *e, int64_t now) {
    return report_wanted(e) && now - e->last_report >= RV_SYNC_REPORT_US;
}

/* Writes the next small message of a connected edge; false: none. */
static bool write_small(rv_edge *e, int64_t now, rv_writer *w) {
    const bool due = report_due(e, now);
    RV_ASSERT(e->status.state == RV_EDGE_CONNECTED);
    if (e->owed.pong) {
        e->owed.pong = false;
        rv_wire_write_ping(w, RV_WIRE_PONG, e->owed.pong_nonce);
        return true;
    }
    if (rv_edge_token_send(e, w)) {
        return true;
    }
    if (e->owed.ping) {
        e->owed.ping = false;
        e->ping_nonce += 1;
        rv_wire_write_ping(w, RV_WIRE_PING, e->ping_nonce);
        return true;
    }
    if (e->owed.credit >= RV_SYNC_CREDIT / 8 || (due && e->owed.credit > 0)) {
        rv_wire_write_credit(w, e->owed.credit);
        e->credit_left += e->owed.credit;
        e->owed.credit = 0;
        RV_ASSERT(e->credit_left <= RV_SYNC_CREDIT);
        return true;
    }
    if (due && rv_node_watermark_durable(e->node) > e->durable_reported) {
        const rv_log *const log = rv_node_log(e->node);
        const rv_wire_progress progress = {.watermark = rv_log_watermark_durable(log),
                                           .chain_hash = rv_log_chain_durable(log)};
        e->durable_reported = progress.watermark;
        e->last_report = now;
        rv_wire_write_progress(w, &progress);
        return true;
    }
    e->last_report = due ? now : e->last_report;
    return false;
}

bool rv_edge_send(rv_edge *e, int64_t now, rv_bytes *message) {
    RV_ASSERT(message != NULL);
    bool sent = false;
    /* the hello names W and the outbox: nothing leaves a node before it is durable there */
    const bool durable = rv_node_watermark_durable(e->node) == rv_node_watermark(e->node) &&
                         rv_pusher_ready(&e->pusher);
    if (e->owed.hello && e->status.state == RV_EDGE_CONNECTING && durable &&
        rv_lineage_ready(&e->lineage, e->node)) {
        rv_writer w = rv_writer_over(e->inflated, RV_WIRE_MESSAGE_MAX);
        write_hello(e, &w);
        e->owed.hello = false;
        *message = rv_writer_bytes(&w);
        sent = true;
    } else if ((e->status.state == RV_EDGE_CONNECTED || e->meet.active) && e->owed.selection &&
               !rv_edge_waits(e)) {
        rv_writer w = rv_writer_over(e->inflated, RV_WIRE_MESSAGE_MAX);
        rv_edge_write_selection(e, &w);
        e->owed.selection = false;
        *message = rv_writer_bytes(&w);
        sent = true;
    } else if (e->meet.active) {
        sent = rv_edge_meet_send(e, message);
    } else if (e->status.state == RV_EDGE_CONNECTED) {
        rv_writer w = rv_writer_over(e->small, sizeof e->small);
        sent = write_small(e, now, &w);
        RV_ASSERT(!w.full);
        *message = rv_writer_bytes(&w);
        sent = sent || rv_edge_select_send(e, message) || rv_edge_fill_send(e, message) ||
               rv_pusher_send(&e->pusher, now, message) ||
               (!e->pusher.fork && rv_leaser_send(&e->leaser, now, message)) ||
               (e->relayer != NULL && rv_relayer_send(e->relayer, now, message));
    }
    e->status.bytes_sent += sent ? message->len : 0;
    return sent;
}

/* --- time --- */

rv_status rv_edge_poll(rv_edge *e, int64_t now, rv_error *err) {
    const bool open = e->status.state == RV_EDGE_CONNECTED || e->status.state == RV_EDGE_CONNECTING;
    pass_time(e, now);
    if (!open) {
        return RV_OK;
    }
    RV_ASSERT(e->status.state != RV_EDGE_ERROR);
    if (now - e->last_received >= RV_SYNC_SILENCE_US) {
        return rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "the upstream was silent for %u seconds",
                            (uint64_t)(RV_SYNC_SILENCE_US / 1000000));
    }
    if (e->status.state != RV_EDGE_CONNECTED) {
        return e->meet.active ? rv_edge_meet_poll(e, err) : RV_OK;
    }
    if (now >= e->proof_until) {
        return rv_error_set(err, RV_UPSTREAM_UNREACHABLE,
                            "the network came up, and the upstream was silent for %u seconds",
                            (uint64_t)(RV_SYNC_PROOF_US / 1000000));
    }
    const int64_t quiet_since = e->last_received > e->last_ping ? e->last_received : e->last_ping;
    if (now - quiet_since >= RV_SYNC_PING_US) {
        e->owed.ping = true;
        e->last_ping = now;
    }
    rv_status status = rv_edge_try_again(e, err);
    status = status == RV_OK ? rv_edge_ingest(e, err) : status;
    status = status == RV_OK ? rv_edge_select_poll(e, err) : status;
    rv_pusher_poll(&e->pusher);
    rv_leaser_poll(&e->leaser, now);
    if (e->relayer != NULL) {
        rv_relayer_poll(e->relayer);
    }
    return status;
}

int64_t rv_edge_deadline(const rv_edge *e) {
    if (e->status.state == RV_EDGE_ERROR && !rv_edge_is_refused(e)) {
        return INT64_MAX;
    }
    const int64_t token = rv_edge_token_deadline(e);
    int64_t deadline = awaited_deadline(e);
    if (waits_to_connect(e)) {
        deadline = token < deadline ? token : deadline;
        return e->next_attempt < deadline ? e->next_attempt : deadline;
    }
    const int64_t silence = e->last_received + RV_SYNC_SILENCE_US;
    deadline = silence < deadline ? silence : deadline;
    if (e->status.state == RV_EDGE_CONNECTING) {
        return deadline;
    }
    const int64_t quiet_since = e->last_received > e->last_ping ? e->last_received : e->last_ping;
    const int64_t ping = quiet_since + RV_SYNC_PING_US;
    deadline = ping < deadline ? ping : deadline;
    deadline = e->proof_until < deadline ? e->proof_until : deadline;
    const int64_t due = e->last_report + RV_SYNC_REPORT_US;
    deadline = report_wanted(e) && due < deadline ? due : deadline;
    const int64_t push = rv_pusher_deadline(&e->pusher);
    deadline = push < deadline ? push : deadline;
    const int64_t lease = rv_leaser_deadline(&e->leaser);
    deadline = lease < deadline ? lease : deadline;
    deadline = token < deadline ? token : deadline;
    const int64_t relay = e->relayer != NULL ? rv_relayer_deadline(e->relayer) : INT64_MAX;
    deadline = relay < deadline ? relay : deadline;
    RV_ASSERT(deadline <= silence);
    return deadline;
}

void rv_edge_status_of(const rv_edge *e, rv_edge_status *status) {
    rv_pending batch;
    RV_ASSERT(status != NULL);
    *status = e->status;
    status->stopped = e->stalled;
    status->pushes = e->pusher.granted;
    status->selection_refused = e->select.refused;
    status->past_refused = e->fill.refused;
    status->relayed = e->pusher.relayed;
    status->principal = rv_bytes_of(e->pusher.principal, e->pusher.principal_len);
    status->held_by_principal = rv_pusher_held(&e->pusher, &batch);
    if (status->held_by_principal && status->reason.status == RV_OK) {
        (void)rv_edge_held(e, &batch, &status->reason);
    } else if (status->reason.status == RV_OK && rv_node_outbox(e->node).pending > 0) {
        status->reason = e->held;
    }
}

bool rv_edge_held(const rv_edge *e, const rv_pending *batch, rv_error *reason) {
    if (!rv_pusher_holds(&e->pusher, batch)) {
        *reason = e->held;
        return e->held.status != RV_OK;
    }
    (void)rv_error_set(reason, RV_OTHER_PRINCIPAL,
                       "`%b` has written this: it waits for a token of that name, or one that may "
                       "relay",
                       &batch->principal);
    rv_error_fact_text(reason, "principal", batch->principal);
    return true;
}

void rv_edge_relay_for(rv_edge *e, rv_relayer *relayer) {
    RV_ASSERT(relayer != NULL && e->status.state != RV_EDGE_CONNECTED);
    e->relayer = relayer;
}

/* --- keys --- */

bool rv_edge_awaits_keys(rv_edge *e, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    return e->status.state == RV_EDGE_CONNECTED && !e->pusher.fork &&
           rv_leaser_awaits(&e->leaser, aggregate);
}
