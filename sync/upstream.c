/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/upstream.h"

#include "core/base/assert.h"
#include "sync/upstream_internal.h"

/* What an idle session needs lies on one page of memory: its parts, and a short selection. */
#define MEMORY_PAGE ((size_t)4096)
#define SESSION_LEN (3 * MEMORY_PAGE)

RV_STATIC_ASSERT(sizeof(rv_upstream) <= SESSION_LEN, "a session takes what sync/upstream.h says");
RV_STATIC_ASSERT(offsetof(rv_upstream, selection) + 640 <= MEMORY_PAGE, "a short one fits");

/* The sessions, each on pages of its own. False: they do not fit. */
static bool take_sessions(rv_upstream_shared *u, rv_arena *arena) {
    RV_ASSERT(u->session_max > 0);
    if (u->session_max > arena->cap / SESSION_LEN) {
        return false; /* nor would their length be a size_t, perhaps */
    }
    uint8_t *const memory = rv_arena_take_raw(arena, u->session_max * SESSION_LEN + MEMORY_PAGE);
    u->sessions = rv_arena_take(arena, sizeof(rv_upstream *) * u->session_max);
    if (memory == NULL || u->sessions == NULL) {
        return false;
    }
    uint8_t *const pages = memory + (-(uintptr_t)memory & (MEMORY_PAGE - 1));
    for (uint32_t i = 0; i < u->session_max; i++) {
        u->sessions[i] = (rv_upstream *)(void *)(pages + i * SESSION_LEN);
    }
    return true;
}

rv_status rv_upstream_shared_create(rv_upstream_shared **shared, const rv_upstream_options *options,
                                    rv_arena *arena, rv_error *err) {
    RV_ASSERT(options->node != NULL && options->connections_max > 0);
    rv_upstream_shared *const u = rv_arena_take(arena, sizeof *u);
    bool whole = u != NULL;
    if (whole) {
        u->node = options->node;
        u->compression = options->compression;
        u->digest = options->digest;
        u->tokens_generation = rv_node_tokens_generation(options->node);
        rv_state_unwatch(rv_node_state(u->node)); /* if another one did, in memory that is gone */
        u->session_max = options->connections_max;
        u->encoder = rv_encoder_create(arena);
        const rv_status parsed =
            rv_path_pattern_parse(RV_LITERAL(RV_SYSTEM_SCHEMA_PATH), &u->schema_pattern, NULL);
        RV_ASSERT(parsed == RV_OK);
        u->message = rv_arena_take_raw(arena, RV_WIRE_MESSAGE_MAX);
        u->appends = rv_arena_take_raw(arena, sizeof(rv_append) * RV_PUSH_EVENTS_MAX);
        u->results = rv_arena_take_raw(arena, sizeof(rv_event) * RV_PUSH_EVENTS_MAX);
        u->counted = rv_arena_take_raw(arena, sizeof(uint64_t) * RV_PUSH_COUNTED_MAX);
        u->told = rv_arena_take_raw(arena, sizeof(rv_told) * TOLD_MAX);
        u->waiting_memory = rv_arena_take_raw(arena, WAITING_MEMORY);
        u->changes_memory = rv_arena_take_raw(arena, CHANGES_MEMORY);
        whole = u->encoder != NULL && u->message != NULL && u->appends != NULL &&
                u->results != NULL && u->counted != NULL && u->told != NULL &&
                u->waiting_memory != NULL && u->changes_memory != NULL;
        u->messages = rv_arena_take_raw(arena, sizeof(rv_shared_message) * SHARED_MESSAGES);
        u->guides = rv_arena_take_raw(arena, sizeof(rv_upstream_guide) * RV_UPSTREAM_GUIDES);
        u->guiding = (rv_guide_options){
            .near = options->guide_near > 0 ? options->guide_near : RV_GUIDE_NEAR,
            .look = options->guide_look,
        };
        whole =
            whole && u->messages != NULL && u->guides != NULL && rv_upstream_watch_create(u, arena);
    }
    if (whole && options->edge != NULL) {
        u->relayer = rv_relayer_create(options->node, arena);
        whole = u->relayer != NULL;
    }
    if (!whole || !take_sessions(u, arena)) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "serving %u edges needs more memory than the %u KiB there are",
                            (uint64_t)options->connections_max, (uint64_t)(arena->cap / 1024));
    }
    if (u->relayer != NULL) {
        rv_edge_relay_for(options->edge, u->relayer);
    }
    *shared = u;
    return RV_OK;
}

void rv_upstream_unused(const rv_upstream_shared *shared, rv_unused *unused) {
    RV_ASSERT(shared->message != NULL);
    rv_encoder_unused(shared->encoder, unused);
    rv_unused_add(unused, shared->message, RV_WIRE_MESSAGE_MAX);
}

/* One that is over, or the next whose memory was never touched; NULL: all are in use. */
static rv_upstream *free_session(rv_upstream_shared *shared) {
    RV_ASSERT(shared->session_count <= shared->session_max);
    for (uint32_t i = 0; i < shared->session_count; i++) {
        if (!shared->sessions[i]->used) {
            return shared->sessions[i];
        }
    }
    if (shared->session_count == shared->session_max) {
        return NULL;
    }
    shared->session_count += 1;
    return shared->sessions[shared->session_count - 1];
}

rv_status rv_upstream_open(rv_upstream_shared *shared, int64_t now, rv_upstream **session,
                           rv_error *err) {
    RV_ASSERT(session != NULL);
    rv_upstream *const s = free_session(shared);
    if (s == NULL) {
        return rv_error_set(err, RV_BUSY, "this node serves %u edges already",
                            (uint64_t)shared->session_max);
    }
    const size_t head = offsetof(rv_upstream, selection);
    RV_ASSERT(head < sizeof *s);
    memset(s, 0, head);
    s->shared = shared;
    s->used = true;
    s->state = RV_UPSTREAM_NEW;
    s->last_received = now;
    s->last_ping = now;
    s->last_progress = now - RV_SYNC_REPORT_US;
    s->retry_at = INT64_MAX;
    s->credit_needed = 1;
    rv_upstream_watch_open(s);
    *session = s;
    return RV_OK;
}

void rv_upstream_close(rv_upstream *s) {
    RV_ASSERT(s->used);
    rv_upstream_close_push(s);
    rv_upstream_close_relay(s);
    rv_upstream_forget(s);
    rv_upstream_base_leave(s, s->last_received);
    rv_upstream_watch_close(s);
    rv_upstream_guide_leave(s);
    rv_upstream_fill_end(s);
    s->used = false;
}

rv_status rv_upstream_fail(rv_upstream *s, const rv_error *error) {
    RV_ASSERT(error->status > RV_END);
    if (s->state != RV_UPSTREAM_FAILED && s->state != RV_UPSTREAM_OVER) {
        s->failure = *error;
        s->state = RV_UPSTREAM_FAILED;
        rv_upstream_forget(s);
    }
    return error->status;
}

/* --- hello --- */

/* Keeps the selection. RV_SELECTION_INVALID. */
static rv_status take_selection(rv_upstream *s, const rv_wire_hello *hello, rv_error *err) {
    rv_arena arena = rv_arena_over(s->selection, sizeof s->selection);
    RV_ASSERT(hello->pattern_count <= RV_PATTERNS_MAX);
    s->pattern_count = (size_t)hello->pattern_count;
    s->patterns = rv_arena_take(&arena, sizeof(rv_path_pattern) * s->pattern_count);
    s->fed_count = s->pattern_count;
    s->fed = s->patterns;
    for (size_t i = 0; i < s->pattern_count && s->patterns != NULL; i++) {
        const rv_bytes text = rv_arena_copy(&arena, hello->patterns[i]);
        rv_error why = {.status = RV_OK};
        if (text.ptr == NULL) {
            s->patterns = NULL;
        } else if (rv_path_pattern_parse(text, &s->patterns[i], &why) != RV_OK) {
            const rv_bytes detail = rv_error_detail(&why);
            return rv_error_set(err, RV_SELECTION_INVALID, "pattern `%b`: %b", &text, &detail);
        }
    }
    s->live = (rv_upstream_part){0, arena.len};
    s->next = s->live;
    return s->patterns != NULL || s->pattern_count == 0
               ? RV_OK
               : rv_error_set(err, RV_SELECTION_INVALID,
                              "the selection's %u patterns take more than the %u bytes an upstream "
                              "has for them",
                              (uint64_t)s->pattern_count, (uint64_t)sizeof s->selection);
}

static rv_status take_hello(rv_upstream *s, rv_bytes body, int64_t now, rv_error *err) {
    rv_wire_hello hello;
    rv_status status = rv_wire_read_hello(body, &hello, err);
    if (status == RV_OK && s->state != RV_UPSTREAM_NEW) {
        status = rv_error_set(err, RV_PROTOCOL_ERROR, "the edge said hello twice");
    }
    status = status == RV_OK ? rv_upstream_token_hello(s, &hello, now, err) : status;
    status = status == RV_OK ? rv_upstream_check_log(s, &hello, err) : status;
    status = status == RV_OK ? take_selection(s, &hello, err) : status;
    status = status == RV_OK ? rv_upstream_token_patterns(s, err) : status;
    if (status == RV_OK && rv_upstream_is_gateway(s->shared)) {
        s->watermark = hello.watermark;
        status = rv_upstream_gateway_hello(s, err);
    }
    if (status != RV_OK) {
        return status;
    }
    s->watermark = hello.watermark;
    s->chain_hash = hello.chain_hash;
    s->status.watermark = hello.watermark;
    s->credit = hello.credit;
    s->credit_window = hello.credit;
    s->batch_bytes =
        hello.batch_bytes < RV_ENCODER_BYTES ? (size_t)hello.batch_bytes : RV_ENCODER_BYTES;
    s->deflate = (hello.compression & RV_WIRE_COMPRESSION_DEFLATE) != 0 &&
                 s->shared->compression.ops != NULL;
    if ((hello.features & RV_WIRE_FEATURE_PUSH) != 0) {
        rv_upstream_hello_push(s, &hello);
    }
    s->knows_gates = hello.gate != 0;
    s->knows_relayed = (hello.gate & RV_WIRE_GATE_RELAYED) != 0;
    s->knows_held = (hello.gate & RV_WIRE_GATE_HELD) != 0;
    const bool relays = s->push.agreed && (hello.gate & RV_WIRE_GATE_RELAYS) != 0;
    s->relay.agreed = relays && s->access.relay;
    s->would_relay = relays && !s->access.relay;
    s->selection_owed = (hello.features & RV_WIRE_FEATURE_SELECTION) != 0;
    s->state = RV_UPSTREAM_CHECKING;
    RV_ASSERT(s->pattern_count <= RV_PATTERNS_MAX);
    return RV_OK;
}

/* Is the edge's history ours? To find out may take reading. */
static void check_lineage(rv_upstream *s) {
    rv_error error = {.status = RV_OK};
    rv_wire_point common;
    RV_ASSERT(s->state == RV_UPSTREAM_CHECKING);
    if (rv_upstream_is_gateway(s->shared) && !s->diverged) {
        s->lineage_owed = true; /* pushes need not wait for it */
        s->welcome_owed = true;
        s->state = RV_UPSTREAM_LIVE;
        return;
    }
    const rv_status status = rv_upstream_check_lineage(s, &common, &error);
    if (status == RV_PENDING) {
        return;
    }
    if (status == RV_END) {
        s->common = common;
        s->diverged = true;
        s->welcome_owed = true;
        s->state = RV_UPSTREAM_LIVE;
    } else if (status == RV_OK) {
        s->after = s->watermark + 1;
        rv_upstream_subscribe(s, s->after);
        s->welcome_owed = true;
        s->state = RV_UPSTREAM_LIVE;
    } else {
        (void)rv_upstream_fail(s, &error);
    }
}

/* --- receiving --- */

static rv_status take_progress(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_progress p;
    const rv_status status = rv_wire_read_progress(body, &p, err);
    if (status != RV_OK) {
        return status;
    }
    if (p.watermark < s->status.watermark || p.watermark > s->watermark) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the edge reported position %u, after %u of %u",
                            p.watermark, s->status.watermark, s->watermark);
    }
    s->status.watermark = p.watermark;
    RV_ASSERT(s->status.watermark <= s->watermark);
    return RV_OK;
}

static rv_status take_credit(rv_upstream *s, rv_bytes body, rv_error *err) {
    uint64_t bytes = 0;
    const rv_status status = rv_wire_read_credit(body, &bytes, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(s->credit <= s->credit_window);
    if (bytes > s->credit_window - s->credit) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the edge gave back more credit than was used");
    }
    s->credit += bytes;
    return RV_OK;
}

static rv_status take_live(rv_upstream *s, rv_wire_kind kind, rv_bytes body, rv_error *err) {
    uint64_t nonce = 0;
    rv_status status = RV_OK;
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE || s->state == RV_UPSTREAM_CHECKING);
    switch ((uint32_t)kind) {
    case RV_WIRE_PROGRESS:
        return take_progress(s, body, err);
    case RV_WIRE_CREDIT:
        return take_credit(s, body, err);
    case RV_WIRE_PUSH:
        return rv_upstream_take_push(s, body, err);
    case RV_WIRE_SETTLED:
        return rv_upstream_take_settled(s, body, err);
    case RV_WIRE_LEASE:
        return rv_upstream_take_lease(s, body, err);
    case RV_WIRE_RELAY:
        return rv_upstream_take_relay(s, body, err);
    case RV_WIRE_VOUCH:
        return rv_upstream_take_vouch(s, body, err);
    case RV_WIRE_SELECTION:
        rv_upstream_unwatch(s);
        return rv_upstream_take_selection(s, body, err);
    case RV_WIRE_PAST:
        rv_upstream_unwatch(s);
        return rv_upstream_take_past(s, body, err);
    case RV_WIRE_SELECT:
        rv_upstream_unwatch(s);
        return rv_upstream_take_select(s, body, err);
    case RV_WIRE_TOKEN:
        return rv_upstream_take_token(s, body, s->last_received, err);
    case RV_WIRE_PING:
        status = rv_wire_read_ping(body, &s->pong_nonce, err);
        s->pong_owed = s->pong_owed || status == RV_OK;
        return status;
    case RV_WIRE_PONG:
        status = rv_wire_read_ping(body, &nonce, err);
        if (status == RV_OK && (nonce <= s->pong_seen || nonce > s->ping_nonce)) {
            return rv_error_set(err, RV_PROTOCOL_ERROR, "the edge sent a pong to no ping");
        }
        s->pong_seen = status == RV_OK ? nonce : s->pong_seen;
        return status;
    case RV_WIRE_GOODBYE:
        status = rv_wire_read_goodbye(body, err);
        s->state = status == RV_OK ? RV_UPSTREAM_OVER : s->state;
        return status;
    default:
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the edge sent a message of kind %u, which only upstreams send",
                            (uint64_t)kind);
    }
}

rv_status rv_upstream_receive(rv_upstream *s, rv_bytes message, int64_t now, rv_error *err) {
    rv_upstream_shared *const shared = s->shared;
    const rv_writer inflated = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_kind kind = RV_WIRE_HELLO;
    rv_bytes body = message;
    rv_error error = {.status = RV_OK};
    RV_ASSERT(s->used);
    s->status.bytes_received += message.len;
    s->last_received = now;
    if (s->state == RV_UPSTREAM_FAILED || s->state == RV_UPSTREAM_OVER) {
        return RV_OK; /* what was under way when it ended */
    }
    rv_upstream_token_watch(s, now);
    if (s->state == RV_UPSTREAM_FAILED) {
        if (err != NULL) {
            *err = s->failure;
        }
        return s->failure.status;
    }
    rv_status status = rv_wire_open(message, &shared->compression, &inflated, &kind, &body, &error);
    if (status == RV_OK && (uint32_t)kind >= RV_WIRE_IGNORED_FIRST) {
        return RV_OK;
    }
    if (status == RV_OK && kind == RV_WIRE_HELLO) {
        status = take_hello(s, body, now, &error);
    } else if (status == RV_OK && s->state == RV_UPSTREAM_NEW) {
        status = rv_error_set(&error, RV_PROTOCOL_ERROR, "the edge began without a hello");
    } else if (status == RV_OK && kind == RV_WIRE_ERROR) {
        rv_error told;
        status = rv_wire_read_error(body, &told, &error);
        s->state = status == RV_OK ? RV_UPSTREAM_OVER : s->state;
    } else if (status == RV_OK) {
        status = take_live(s, kind, body, &error);
    }
    if (status != RV_OK) {
        (void)rv_upstream_fail(s, &error);
        if (err != NULL) {
            *err = error;
        }
    }
    return status;
}

/* --- sending --- */

static void write_welcome(rv_upstream *s, int64_t now, rv_writer *w) {
    const rv_node *const node = s->shared->node;
    const rv_log_identity *const identity = rv_node_identity(node);
    rv_wire_welcome welcome = {.version = RV_WIRE_VERSION_MAX,
                               .features = RV_WIRE_FEATURE_SELECTION,
                               .epoch = identity->epoch,
                               .root_tag = identity->root_tag,
                               .position = rv_node_watermark_durable(node),
                               .schema_version = rv_schema_version(rv_node_schema(node)),
                               .schema_hash = rv_schema_hash(rv_node_schema(node)),
                               .compression = s->deflate ? RV_WIRE_COMPRESSION_DEFLATE : 0,
                               .selects = true,
                               .fills = true};
    s->epoch = identity->epoch;
    memcpy(welcome.log_id, identity->log_id, sizeof welcome.log_id);
    if (s->push.agreed) {
        welcome.features |= RV_WIRE_FEATURE_PUSH | RV_WIRE_FEATURE_LEASE;
        welcome.grant = (rv_wire_grant){s->push.decided, RV_UPSTREAM_PUSHES, PUSH_BYTES};
    }
    welcome.has_admitted = s->access.known;
    if (s->access.known) {
        rv_upstream_token_admitted(s, now, &welcome.admitted);
    }
    welcome.diverged = s->diverged;
    welcome.common = s->common;
    if (s->knows_gates) {
        welcome.has_gate = true;
        welcome.gate.gateway = rv_upstream_is_gateway(s->shared);
        welcome.gate.pushes = s->relay.agreed ? RV_RELAY_FLIGHTS_MAX : 0;
        welcome.gate.bytes = s->relay.agreed ? RV_RELAY_BYTES_MAX : 0;
        welcome.refusals = s->relay.agreed && rv_upstream_refuses(s->shared);
    }
    rv_wire_write_welcome(w, &welcome);
    RV_ASSERT(!w->full);
}

/* The next small message; false: none. */
static bool write_small(rv_upstream *s, int64_t now, rv_writer *w) {
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE);
    if (s->welcome_owed) {
        s->welcome_owed = false;
        write_welcome(s, now, w);
        s->state = s->diverged ? RV_UPSTREAM_OVER : RV_UPSTREAM_LIVE; /* it comes again */
        return true;
    }
    if (s->pong_owed) {
        s->pong_owed = false;
        rv_wire_write_ping(w, RV_WIRE_PONG, s->pong_nonce);
        return true;
    }
    if (rv_upstream_token_answer(s, now, w)) {
        return true;
    }
    const int64_t quiet_since = s->last_received > s->last_ping ? s->last_received : s->last_ping;
    if (now - quiet_since >= RV_SYNC_PING_US) {
        s->last_ping = now;
        s->ping_nonce += 1;
        rv_wire_write_ping(w, RV_WIRE_PING, s->ping_nonce);
        return true;
    }
    return false;
}

/* What edges wait for beside decisions and events. */
static bool write_answers(rv_upstream *s, rv_bytes *message) {
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE);
    return rv_upstream_lease_answer(s, message) || rv_upstream_gateway_relayed(s, message) ||
           rv_upstream_gateway_held(s, message) || rv_upstream_relay_answer(s, message) ||
           rv_upstream_vouch_answer(s, message);
}

/* Another epoch has begun here: the edge is to follow it, and what it was leased is void. */
static void watch_epoch(rv_upstream *s) {
    if (s->state != RV_UPSTREAM_LIVE || s->welcome_owed) {
        return;
    }
    const uint32_t epoch = rv_node_identity(s->shared->node)->epoch;
    if (epoch != s->epoch) {
        rv_error error = {.status = RV_OK};
        (void)rv_error_set(&error, RV_BUSY,
                           "the root was restored from a backup, and is in epoch %u: connect again",
                           (uint64_t)epoch);
        (void)rv_upstream_fail(s, &error);
    }
}

static bool send_next(rv_upstream *s, int64_t now, rv_bytes *message) {
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    if (rv_upstream_is_gateway(s->shared)) {
        rv_upstream_gateway_watch(s); /* one that goes back has no identity then */
    }
    watch_epoch(s);
    rv_upstream_retry(s->shared);
    rv_upstream_token_watch(s, now);
    if (s->state == RV_UPSTREAM_CHECKING) {
        check_lineage(s);
    }
    if (s->state == RV_UPSTREAM_LIVE) {
        if (write_small(s, now, &w)) {
            *message = rv_writer_bytes(&w);
            return true;
        }
        if (rv_upstream_tell(s, message) ||
            (s->state == RV_UPSTREAM_LIVE && write_answers(s, message))) {
            return true;
        }
        if (s->state == RV_UPSTREAM_LIVE && rv_upstream_feed(s, now, message)) {
            return true;
        }
    }
    if (s->state == RV_UPSTREAM_FAILED) {
        rv_wire_write_error(&w, &s->failure);
        s->state = RV_UPSTREAM_OVER;
        *message = rv_writer_bytes(&w);
        RV_ASSERT(!w.full);
        return true;
    }
    return false;
}

bool rv_upstream_send(rv_upstream *s, int64_t now, rv_bytes *message) {
    RV_ASSERT(s->used && message != NULL);
    if (now - s->last_received >= RV_SYNC_SILENCE_US && s->state != RV_UPSTREAM_OVER) {
        s->state = RV_UPSTREAM_OVER;
        rv_upstream_forget(s);
    }
    const bool sent = send_next(s, now, message);
    s->status.bytes_sent += sent ? message->len : 0;
    if (!sent) {
        rv_upstream_rest(s);
    }
    return sent;
}

int64_t rv_upstream_deadline(const rv_upstream *s) {
    RV_ASSERT(s->used);
    const int64_t silence = s->last_received + RV_SYNC_SILENCE_US;
    if (s->state != RV_UPSTREAM_LIVE) {
        return s->state == RV_UPSTREAM_OVER ? INT64_MAX : silence;
    }
    const int64_t quiet_since = s->last_received > s->last_ping ? s->last_received : s->last_ping;
    const int64_t ping = quiet_since + RV_SYNC_PING_US;
    int64_t deadline = ping < silence ? ping : silence;
    deadline = s->access.expires_at < deadline ? s->access.expires_at : deadline;
    RV_ASSERT(deadline <= silence);
    return s->retry_at < deadline ? s->retry_at : deadline;
}

bool rv_upstream_finished(const rv_upstream *s) {
    RV_ASSERT(s->used);
    return s->state == RV_UPSTREAM_OVER;
}

void rv_upstream_status_of(const rv_upstream *s, rv_upstream_status *status) {
    RV_ASSERT(s->used && status != NULL);
    *status = s->status;
}

uint32_t rv_upstream_count(const rv_upstream_shared *shared) {
    uint32_t count = 0;
    RV_ASSERT(shared != NULL);
    for (uint32_t i = 0; i < shared->session_count; i++) {
        const rv_upstream *const s = shared->sessions[i];
        count += s->used && s->state == RV_UPSTREAM_LIVE;
    }
    return count;
}
