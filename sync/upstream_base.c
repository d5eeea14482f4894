/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases of a session, for what its edge is to hold and does not (upstream_select.c): events are
 * fed, by what it holds, up to the position of a snapshot; then come the parts of the base, then
 * events by all patterns. So the edge is at one position, with all that it had and all that it
 * gets.
 *
 * A snapshot costs nothing but copies of pages that are written meanwhile, and ends when there is
 * no more room for those; then the base begins again. So a slow edge never holds up who writes. It
 * can hold up other bases: there are SNAPSHOTS_MAX, each until its last session has left it, and
 * who comes meanwhile joins one that is young, or waits.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

#define SCAN_MAX    65536u            /* events passed over in one call */
#define WORK_MAX    65536u            /* streams, or rows of pages, looked at in one call, about */
#define DEFLATE_MIN 256u              /* a shorter message gains nothing worth the time */
#define HEAD_MAX    32u               /* of a base message, before its items */
#define SHARE_US    INT64_C(10000000) /* sessions join a snapshot as young as this */
#define LINGER_US   INT64_C(60000000) /* and it waits for them as long */
#define STALL_US    INT64_C(20000000) /* without credit, before others may have it */

/* --- snapshots --- */

static rv_upstream_snapshot *snapshot_of(const rv_upstream *s) {
    RV_ASSERT(s->base.phase >= RV_BASE_CATCHING && s->base.snapshot < SNAPSHOTS_MAX);
    return &s->shared->snapshots[s->base.snapshot];
}

/* True when it is there, and of what the node holds: a gateway's selection may have become another
 * one at the same position. */
static bool is_alive(const rv_upstream_shared *shared, const rv_upstream_snapshot *p) {
    return p->source.snapshot.serial != 0 && p->swaps == rv_node_selection_swaps(shared->node) &&
           rv_state_base_alive(rv_node_state(shared->node), &p->source);
}

/* Cursors are places in one snapshot of one process, and edges come from others: as they are sent
 * they have a salt above what a place takes. */
#define CURSOR_BITS 33u

static uint64_t salted(const rv_upstream_snapshot *p, uint64_t cursor) {
    RV_ASSERT(cursor == RV_BASE_CURSOR_END || cursor >> CURSOR_BITS == 0);
    return cursor == RV_BASE_CURSOR_END ? cursor : cursor | (uint64_t)p->salt << CURSOR_BITS;
}

/* One that no other is likely to have. */
static uint32_t salt_of(rv_node *node, const rv_upstream_snapshot *p, int64_t now) {
    const rv_bytes id = rv_bytes_of(rv_node_id(node), sizeof rv_node_identity(node)->node_id);
    RV_ASSERT(p->source.snapshot.serial != 0);
    return (uint32_t)(rv_hash64((uint64_t)now * 31 + p->source.snapshot.serial, id) >>
                      (CURSOR_BITS + 1));
}

/* Lets go of a snapshot that nobody uses. */
static void let_go(rv_upstream_shared *shared, rv_upstream_snapshot *p) {
    RV_ASSERT(p->users == 0);
    if (p->source.snapshot.serial != 0) {
        rv_state_base_close(rv_node_state(shared->node), &p->source);
        memset(p, 0, sizeof *p);
    }
}

void rv_upstream_base_leave(rv_upstream *s, int64_t now) {
    if (s->base.phase >= RV_BASE_CATCHING) {
        rv_upstream_snapshot *const p = snapshot_of(s);
        RV_ASSERT(p->users > 0);
        p->users -= 1;
        p->left_at = now;
    }
    s->base.phase = RV_BASE_NONE;
}

/* True when nothing behind the snapshot's position was looked at for this session. */
static bool is_ahead(const rv_upstream *s, const rv_upstream_snapshot *p) {
    const uint64_t next = rv_subscription_sequence(&s->subscription);
    RV_ASSERT(!s->in_batch);
    return p->position >= s->watermark &&
           (next <= p->sequence || (next == p->sequence + 1 && !s->subscription.in_batch));
}

/* One that this session can go on with: that of its edge's part, or a young one at which the edge
 * has not arrived yet. What changed behind it must still be there, if the edge selects aggregates:
 * else it would have to begin again as soon as its base had come. */
static rv_upstream_snapshot *find(rv_upstream *s, int64_t now) {
    rv_upstream_shared *const shared = s->shared;
    rv_upstream_snapshot *found = NULL;
    for (uint32_t i = 0; i < SNAPSHOTS_MAX; i++) {
        rv_upstream_snapshot *const p = &shared->snapshots[i];
        if (p->users == 0 && (!is_alive(shared, p) || now - p->left_at >= LINGER_US)) {
            let_go(shared, p);
        }
        if (!is_alive(shared, p)) {
            continue;
        }
        const bool noted = s->given_count == 0 ||
                           (p->changes_next >= shared->changes.first && p->position > s->base.lost);
        const bool same = noted && s->base.resumes && p->position == s->base.position &&
                          p->position == s->watermark && s->base.cursor >> CURSOR_BITS == p->salt;
        const bool young =
            noted && !s->base.resumes && now - p->taken_at < SHARE_US && is_ahead(s, p);
        found = same || (young && found == NULL) ? p : found;
    }
    return found;
}

/* A new one; NULL when there is no place, the node is in the middle of something, or some of its
 * rows are stale (SEMANTICS 15): who begins with them would take them for what they were to be. */
static rv_upstream_snapshot *take(rv_upstream *s, int64_t now) {
    rv_upstream_shared *const shared = s->shared;
    rv_node *const node = shared->node;
    rv_upstream_snapshot *oldest = NULL;
    for (uint32_t i = 0; i < SNAPSHOTS_MAX; i++) {
        rv_upstream_snapshot *const p = &shared->snapshots[i];
        oldest = p->users == 0 && (oldest == NULL || p->left_at < oldest->left_at) ? p : oldest;
    }
    if (oldest == NULL || rv_node_in_batch(node) || rv_node_stale_count(node) > 0 ||
        (rv_upstream_is_gateway(shared) && !rv_node_whole(node))) {
        return NULL;
    }
    let_go(shared, oldest);
    if (rv_node_base_open(node, &oldest->source) != RV_OK) {
        return NULL;
    }
    oldest->position = rv_node_watermark(node);
    oldest->sequence = rv_node_sequence(node);
    oldest->chain_hash = rv_log_chain(rv_node_log(node));
    oldest->changes_next = shared->changes_noted ? shared->changes.next : 0;
    oldest->swaps = rv_node_selection_swaps(node);
    oldest->salt = salt_of(node, oldest, now);
    oldest->taken_at = now;
    oldest->left_at = now;
    return oldest;
}

/* True when all who have the snapshot have sent nothing for a while: their edges give no credit. */
static bool is_stalled(const rv_upstream_shared *shared, uint32_t snapshot, int64_t now) {
    bool stalled = true;
    RV_ASSERT(snapshot < SNAPSHOTS_MAX);
    for (uint32_t i = 0; i < shared->session_count && stalled; i++) {
        const rv_upstream *const s = shared->sessions[i];
        stalled = !s->used || s->base.phase < RV_BASE_CATCHING || s->base.snapshot != snapshot ||
                  now - s->base.moved_at >= STALL_US;
    }
    return stalled;
}

/* Takes a snapshot away from those who do not get on, as another one waits for it: they begin
 * again, when there is credit. */
static void evict(rv_upstream_shared *shared, int64_t now) {
    uint32_t stalled = SNAPSHOTS_MAX;
    for (uint32_t i = 0; i < SNAPSHOTS_MAX; i++) {
        const rv_upstream_snapshot *const p = &shared->snapshots[i];
        if (p->users == 0) {
            return; /* there is one without */
        }
        stalled = is_stalled(shared, i, now) ? i : stalled;
    }
    for (uint32_t i = 0; i < shared->session_count && stalled < SNAPSHOTS_MAX; i++) {
        rv_upstream *const s = shared->sessions[i];
        if (s->used && s->base.phase >= RV_BASE_CATCHING && s->base.snapshot == stalled) {
            rv_upstream_base_leave(s, now);
            s->base.phase = RV_BASE_WANTED;
            s->base.resumes = false;
        }
    }
}

/* Gives the session a snapshot, if one is to be had. */
static void begin(rv_upstream *s, int64_t now) {
    RV_ASSERT(s->base.phase == RV_BASE_WANTED);
    rv_upstream_snapshot *p = find(s, now);
    if (p == NULL) {
        s->base.resumes = false;
        p = find(s, now);
    }
    if (p == NULL) {
        evict(s->shared, now);
        p = take(s, now);
    }
    if (p == NULL) {
        s->retry_at = now + RV_SYNC_REPORT_US;
        return;
    }
    p->users += 1;
    s->base.snapshot = (uint32_t)(p - s->shared->snapshots);
    s->base.first = !s->base.resumes;
    s->base.cursor = s->base.resumes ? s->base.cursor & ((UINT64_C(1) << CURSOR_BITS) - 1)
                                     : RV_BASE_CURSOR_BEGIN;
    s->base.resumes = false;
    s->base.position = p->position;
    s->base.sequence = p->sequence;
    s->base.chain_hash = p->chain_hash;
    s->base.changes_next = p->changes_next;
    s->base.moved_at = now;
    s->base.phase = RV_BASE_CATCHING;
    s->urgent = p->position > s->urgent ? p->position : s->urgent;
    rv_subscription_until(&s->subscription, p->sequence);
}

bool rv_upstream_base_turn(rv_upstream *s, int64_t now) {
    if (s->base.notice_owed) {
        return true;
    }
    if (s->base.phase == RV_BASE_WANTED && !s->in_batch && s->changes_to <= s->watermark &&
        s->credit >= s->credit_needed) {
        begin(s, now);
    }
    if (s->base.phase == RV_BASE_CATCHING && s->watermark == s->base.position) {
        s->base.phase = RV_BASE_SENDING;
    }
    RV_ASSERT(s->base.phase != RV_BASE_CATCHING || s->watermark < s->base.position);
    return s->base.phase == RV_BASE_SENDING;
}

/* --- parts --- */

/* The base is over: events are fed by all patterns from its position on. */
static void finish(rv_upstream *s, int64_t now) {
    RV_ASSERT(s->base.phase == RV_BASE_SENDING && s->watermark == s->base.position);
    rv_upstream_base_leave(s, now);
    rv_upstream_feed_all(s);
    s->changes_next = s->base.changes_next;
    s->base.everything = false;
    s->changes_to = 0;
    s->after = s->base.sequence + 1;
    rv_upstream_subscribe(s, s->after);
}

/* What the edge is to get that it does not hold; rows of which it gets changes. */
static rv_base_source source_of(const rv_upstream *s) {
    RV_ASSERT(s->fed != NULL || s->fed_count == 0);
    return (rv_base_source){.patterns = s->patterns,
                            .pattern_count = s->pattern_count,
                            .held = s->fed,
                            .held_count = s->base.everything ? 0 : s->fed_count,
                            .given = s->given,
                            .given_count = s->given_count};
}

/* The encoder's memory, for items. */
static rv_writer items_of(const rv_upstream *s) {
    rv_writer items = rv_encoder_spare(s->shared->encoder);
    const size_t most = RV_WIRE_MESSAGE_MAX - HEAD_MAX;
    items.cap = items.cap < most ? items.cap : most;
    return items;
}

/* Writes items into the encoder's memory. */
static rv_status write_items(rv_upstream *s, uint64_t *cursor, rv_writer *items) {
    rv_upstream_shared *const shared = s->shared;
    rv_base_source source = source_of(s);
    source.snapshot = snapshot_of(s)->source.snapshot;
    source.stream_count = snapshot_of(s)->source.stream_count;
    *items = items_of(s);
    rv_arena scratch = rv_arena_over(shared->message, RV_WIRE_MESSAGE_MAX);
    return rv_state_base_write(rv_node_state(shared->node), &source, s->batch_bytes / 4 * 3 + 1,
                               WORK_MAX, &scratch, cursor, items);
}

/* Deflates a message when that pays. */
static void pack(rv_upstream *s, const rv_writer *w, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(!w->full);
    *message = rv_writer_bytes(w);
    rv_writer packed = rv_encoder_spare(shared->encoder);
    if (s->deflate && message->len >= DEFLATE_MIN &&
        rv_wire_deflate(*message, &shared->compression, &packed)) {
        *message = rv_writer_bytes(&packed);
    }
}

/* Tells an edge that was whole that it is not any more: changes that it needs are gone. */
static bool send_notice(rv_upstream *s, rv_bytes *message) {
    const rv_wire_base notice = {
        .first = true, .position = s->watermark, .cursor = RV_BASE_CURSOR_BEGIN};
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_base(&w, &notice);
    pack(s, &w, message);
    if (!rv_upstream_take_credit(s, message->len)) {
        return false;
    }
    s->base.notice_owed = false;
    return true;
}

/* What writing items came to, when there are none to send. */
static void part_failed(rv_upstream *s, rv_status status, int64_t now) {
    if (status == RV_SNAPSHOT_EXPIRED) { /* once more, from the beginning, at a later position */
        rv_upstream_base_leave(s, now);
        s->base.phase = RV_BASE_WANTED;
        s->base.resumes = false;
        s->retry_at = now;
        return;
    }
    rv_error error = {.status = RV_OK};
    (void)rv_error_set(&error, status == RV_DATA_DAMAGED ? RV_PROTOCOL_ERROR : status,
                       status == RV_DATA_DAMAGED
                           ? "the edge goes on with a base at a place that it does not have"
                           : "a row of the base is larger than a message");
    (void)rv_upstream_fail(s, &error);
}

bool rv_upstream_base_part(rv_upstream *s, int64_t now, rv_bytes *message) {
    RV_ASSERT(s->base.phase >= RV_BASE_WANTED && !s->in_batch);
    if (s->credit < s->credit_needed) {
        return false;
    }
    if (s->base.notice_owed) {
        return send_notice(s, message);
    }
    uint64_t cursor = s->base.cursor;
    rv_writer items = {0};
    const rv_status status = write_items(s, &cursor, &items);
    if (status != RV_OK) {
        part_failed(s, status, now);
        return false;
    }
    if (items.len == 0 && cursor != RV_BASE_CURSOR_END) {
        s->base.cursor = cursor;
        s->retry_at = now;
        return false;
    }
    const rv_wire_base part = {.first = s->base.first,
                               .last = cursor == RV_BASE_CURSOR_END,
                               .position = s->base.position,
                               .cursor = salted(snapshot_of(s), cursor),
                               .items = rv_writer_bytes(&items)};
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_base(&w, &part);
    pack(s, &w, message);
    if (!rv_upstream_take_credit(s, message->len)) {
        return false;
    }
    s->base.cursor = cursor;
    s->base.first = false;
    if (part.last) {
        finish(s, now);
    }
    return true;
}

/* --- changes --- */

/* Changes that the edge needs are gone: it begins with a base again, when nothing of a batch is
 * under way; else it connects again, which takes that back. */
static rv_status lose_changes(rv_upstream *s) {
    if (s->in_batch || s->changes_to > s->watermark || s->base.phase != RV_BASE_NONE) {
        rv_error error = {.status = RV_OK};
        (void)rv_error_set(&error, RV_BUSY, "the edge is too slow for the changes that it selects");
        (void)rv_upstream_fail(s, &error);
        return RV_BUSY;
    }
    s->base.phase = RV_BASE_WANTED;
    s->base.notice_owed = true;
    s->base.resumes = false;
    s->base.lost = s->watermark;
    s->fed_given_count = 0;
    return RV_BUSY;
}

rv_status rv_upstream_changes(rv_upstream *s, const rv_mark *mark, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    const uint64_t watermark = mark->watermark;
    RV_ASSERT(mark->next > 0);
    if (s->fed_given_count == 0) {
        return RV_END;
    }
    if (s->changes_next < shared->changes.first) {
        return lose_changes(s);
    }
    const rv_base_source source = {.given = s->fed_given, .given_count = s->fed_given_count};
    rv_writer items = items_of(s);
    rv_arena scratch = rv_arena_over(shared->message, RV_WIRE_MESSAGE_MAX);
    uint64_t serial = s->changes_next;
    const rv_status status =
        rv_state_base_changes(rv_node_state(shared->node), &source, &shared->changes, watermark,
                              s->batch_bytes / 4 + 1, &scratch, &serial, &items);
    RV_ASSERT(status == RV_OK || status == RV_END || status == RV_MESSAGE_TOO_LARGE);
    if (items.len == 0) {
        s->changes_next = serial;
        return status == RV_END ? RV_END : lose_changes(s);
    }
    rv_writer w = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_changes(&w, rv_writer_bytes(&items));
    pack(s, &w, message);
    if (!rv_upstream_take_credit(s, message->len)) {
        return RV_BUSY;
    }
    s->changes_next = serial;
    s->changes_to = watermark;
    s->changes_end = mark->next - 1;
    s->changes_chain = mark->chain_hash;
    s->urgent = watermark > s->urgent ? watermark : s->urgent;
    return RV_OK;
}

/* --- without patterns --- */

/* W moves, as there was no schema change before: to the base's position, or to where the log is
 * durable, after the rows that changed up to there. */
static bool move_on(rv_upstream *s, int64_t now, rv_bytes *message) {
    rv_node *const node = s->shared->node;
    const uint64_t durable = rv_node_watermark_durable(node);
    rv_mark mark = {0, durable, rv_log_chain_durable(rv_node_log(node)),
                    rv_node_sequence_durable(node) + 1};
    if (s->changes_to > s->watermark) {
        mark = (rv_mark){0, s->changes_to, s->changes_chain, s->changes_end + 1};
    } else if (s->base.phase == RV_BASE_CATCHING) {
        mark = (rv_mark){0, s->base.position, s->base.chain_hash, s->base.sequence + 1};
    }
    if (mark.watermark > durable || mark.watermark <= s->watermark) {
        return false;
    }
    const rv_status status = rv_upstream_changes(s, &mark, message);
    if (status != RV_END) {
        return status == RV_OK;
    }
    if (s->urgent < mark.watermark && now - s->last_progress < RV_SYNC_REPORT_US) {
        s->retry_at = s->last_progress + RV_SYNC_REPORT_US;
        return false;
    }
    const rv_wire_progress p = {mark.watermark, mark.chain_hash, durable};
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_progress(&w, &p);
    s->watermark = mark.watermark;
    s->after = mark.next;
    s->last_progress = now;
    *message = rv_writer_bytes(&w);
    return true;
}

/* Where the batch ends that a schema change is the last event of: at the root it has no other, and
 * a gateway's may end at a later W. RV_PENDING: its chain hash is looked up. */
static rv_status mark_change(rv_upstream *s, const rv_event *event, rv_mark *mark, rv_error *err) {
    rv_upstream_base *const b = &s->base;
    *mark = (rv_mark){1, event->position, b->lean_chain, event->sequence + 1};
    if (rv_upstream_is_gateway(s->shared)) {
        mark->watermark = s->subscription.batch.watermark;
        mark->chain_hash = s->subscription.batch.chain_hash;
        return RV_OK;
    }
    if (b->lean_position == event->position) {
        return RV_OK;
    }
    const uint64_t position = event->position;
    const rv_status status =
        rv_log_chain_at(rv_node_log(s->shared->node), position, &b->lean_chain, err);
    b->lean_position = status == RV_OK ? position : 0;
    return status == RV_OK || status == RV_BUSY ? RV_PENDING
           : status == RV_END
               ? rv_error_set(err, RV_DATA_DAMAGED, "no batch ends at position %u", position)
               : status;
}

/* Sends a schema change. RV_PENDING: its chain hash is looked up; RV_END: rows that changed before
 * it are sent. */
static rv_status send_change(rv_upstream *s, const rv_event *event, rv_bytes path,
                             rv_bytes *message, rv_error *err) {
    rv_upstream_shared *const shared = s->shared;
    rv_mark mark;
    const rv_status marked = mark_change(s, event, &mark, err);
    if (marked != RV_OK) {
        return marked;
    }
    const rv_status changes = rv_upstream_changes(s, &mark, message);
    if (changes != RV_END) {
        return changes == RV_OK ? RV_END : RV_BUSY; /* then the event again */
    }
    rv_encoder_begin(shared->encoder, rv_node_schema(shared->node), 1, s->batch_bytes);
    const bool staged = rv_encoder_add(shared->encoder, event, path, RV_NONE);
    const rv_wire_events head = {.watermark = mark.watermark,
                                 .chain_hash = mark.chain_hash,
                                 .position = rv_node_watermark_durable(shared->node)};
    const uint64_t position = event->position;
    if (!staged && rv_encoder_count(shared->encoder) == 0) {
        return rv_error_set(err, RV_DATA_DAMAGED, "the event at position %u cannot be sent",
                            position);
    }
    if (!rv_upstream_encode(s, &head, 1, message)) {
        return rv_error_set(err, RV_DATA_DAMAGED, "the event at position %u cannot be sent",
                            position);
    }
    if (!rv_upstream_take_credit(s, message->len)) {
        return RV_BUSY;
    }
    s->watermark = mark.watermark;
    s->after = mark.next;
    return RV_OK;
}

bool rv_upstream_feed_lean(rv_upstream *s, int64_t now, rv_bytes *message) {
    RV_ASSERT(s->fed_count == 0 && !s->in_batch);
    if (s->credit < s->credit_needed ||
        (s->base.phase == RV_BASE_WANTED && s->fed_given_count == 0)) {
        return false;
    }
    const uint64_t start = rv_subscription_sequence(&s->subscription);
    rv_event event;
    rv_bytes path;
    rv_error error = {.status = RV_OK};
    rv_status status = rv_subscription_next(&s->subscription, SCAN_MAX, &event, &path, &error);
    if (status == RV_END) {
        return move_on(s, now, message);
    }
    if (status == RV_OK) {
        status = send_change(s, &event, path, message, &error);
        if (status == RV_OK) {
            return true;
        }
        rv_upstream_subscribe(s, start);
        s->retry_at = status == RV_PENDING ? now : s->retry_at;
        if (status == RV_END) {
            return true;
        }
    }
    if (status != RV_PENDING && status != RV_BUSY) {
        (void)rv_upstream_fail(s, &error);
    }
    return false;
}
