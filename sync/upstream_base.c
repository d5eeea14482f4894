/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selections and bases of a session. An edge names in its hello what it holds, and in a selection
 * message what it is to hold. What is missing comes as a base: events are fed, by what it holds, up
 * to the position of a snapshot; then come the parts of the base, then events by all patterns. So
 * the edge is at one position, with all that it had and all that it gets.
 *
 * A snapshot costs nothing but copies of pages that are written meanwhile, and ends when there is
 * no more room for those; then the base begins again. So a slow edge never holds anybody up.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

#define SCAN_MAX    65536u            /* events passed over in one call */
#define WORK_MAX    65536u            /* streams, or rows of pages, looked at in one call, about */
#define DEFLATE_MIN 256u              /* a shorter message gains nothing worth the time */
#define HEAD_MAX    32u               /* of a base message, before its items */
#define SHARE_US    INT64_C(10000000) /* sessions join a snapshot as young as this */
#define LINGER_US   INT64_C(60000000) /* and it waits for them as long */

/* --- snapshots --- */

static rv_upstream_snapshot *snapshot_of(const rv_upstream *s) {
    RV_ASSERT(s->base.phase >= RV_BASE_CATCHING && s->base.snapshot < SNAPSHOTS_MAX);
    return &s->shared->snapshots[s->base.snapshot];
}

static bool is_alive(const rv_upstream_shared *shared, const rv_upstream_snapshot *p) {
    return p->source.snapshot.serial != 0 &&
           rv_state_base_alive(rv_node_state(shared->node), &p->source);
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
           (next <= p->position || (next == p->position + 1 && !s->subscription.in_batch));
}

/* One that this session can go on with: that of its edge's part, or a young one at which the edge
 * has not arrived yet. */
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
        const bool same =
            s->base.resumes && p->position == s->base.position && p->position == s->watermark;
        const bool young = !s->base.resumes && now - p->taken_at < SHARE_US && is_ahead(s, p);
        found = same || (young && found == NULL) ? p : found;
    }
    return found;
}

/* A new one; NULL when there is no place, or the node is in the middle of something. */
static rv_upstream_snapshot *take(rv_upstream *s, int64_t now) {
    rv_upstream_shared *const shared = s->shared;
    rv_node *const node = shared->node;
    rv_upstream_snapshot *oldest = NULL;
    for (uint32_t i = 0; i < SNAPSHOTS_MAX; i++) {
        rv_upstream_snapshot *const p = &shared->snapshots[i];
        oldest = p->users == 0 && (oldest == NULL || p->left_at < oldest->left_at) ? p : oldest;
    }
    if (oldest == NULL || rv_node_in_batch(node)) {
        return NULL;
    }
    let_go(shared, oldest);
    if (rv_state_base_open(rv_node_state(node), &oldest->source) != RV_OK) {
        return NULL;
    }
    oldest->position = rv_node_watermark(node);
    oldest->chain_hash = rv_log_chain(rv_node_log(node));
    oldest->taken_at = now;
    oldest->left_at = now;
    return oldest;
}

/* Gives the session a snapshot, if one is to be had. */
static void begin(rv_upstream *s, int64_t now) {
    RV_ASSERT(s->base.phase == RV_BASE_WANTED);
    rv_upstream_snapshot *p = find(s, now);
    if (p == NULL) {
        s->base.resumes = false;
        p = find(s, now);
        p = p == NULL ? take(s, now) : p;
    }
    if (p == NULL) {
        s->retry_at = now + RV_SYNC_REPORT_US;
        return;
    }
    p->users += 1;
    s->base.snapshot = (uint32_t)(p - s->shared->snapshots);
    s->base.first = !s->base.resumes;
    s->base.cursor = s->base.resumes ? s->base.cursor : RV_BASE_CURSOR_BEGIN;
    s->base.resumes = false;
    s->base.position = p->position;
    s->base.chain_hash = p->chain_hash;
    s->base.phase = RV_BASE_CATCHING;
    s->urgent = p->position > s->urgent ? p->position : s->urgent;
    rv_subscription_until(&s->subscription, p->position);
}

bool rv_upstream_base_turn(rv_upstream *s, int64_t now) {
    if (s->base.phase == RV_BASE_WANTED && !s->in_batch) {
        begin(s, now);
    }
    if (s->base.phase == RV_BASE_CATCHING && s->watermark == s->base.position) {
        s->base.phase = RV_BASE_SENDING;
    }
    RV_ASSERT(s->base.phase != RV_BASE_CATCHING || s->watermark < s->base.position);
    return s->base.phase == RV_BASE_SENDING;
}

/* --- the selection --- */

static bool is_fed(const rv_upstream *s, rv_bytes pattern) {
    bool met = false;
    for (size_t i = 0; i < s->fed_count && !met; i++) {
        met = rv_bytes_equal(s->patterns[i].text, pattern);
    }
    return met;
}

/* What of the selection can be served; `fed` tells of each entry whether events are fed by it
 * already. */
static rv_status check_selection(const rv_upstream *s, const rv_selection *selection, bool *fed,
                                 rv_error *err) {
    size_t count = 0;
    for (size_t i = 0; i < selection->count; i++) {
        const rv_select *const entry = &selection->entries[i];
        fed[i] = entry->kind == RV_SELECT_STREAMS && is_fed(s, entry->name);
        count += fed[i];
        if (!fed[i] && (entry->kind != RV_SELECT_STREAMS || entry->history != RV_HISTORY_NONE)) {
            return rv_error_set(err, RV_UNSUPPORTED,
                                "this version serves streams with all of their history or none, "
                                "and not what is selected of %b",
                                &entry->name);
        }
    }
    return count == s->fed_count ? RV_OK
                                 : rv_error_set(err, RV_UNSUPPORTED,
                                                "this version takes nothing away from a selection");
}

/* Keeps the patterns: those that events are fed by, then those that come as a base. */
static rv_status keep_selection(rv_upstream *s, const rv_selection *selection, const bool *fed,
                                rv_error *err) {
    rv_arena arena = rv_arena_over(s->selection, sizeof s->selection);
    rv_path_pattern *const all = rv_arena_take(&arena, sizeof *all * selection->count);
    bool kept = all != NULL || selection->count == 0;
    size_t count = 0;
    for (size_t i = 0; i < 2 * selection->count && kept; i++) { /* twice over the entries */
        const size_t nth = i % selection->count;
        if (fed[nth] == (i < selection->count)) {
            const rv_bytes text = rv_arena_copy(&arena, selection->entries[nth].name);
            kept = text.ptr != NULL && rv_path_pattern_parse(text, &all[count], NULL) == RV_OK;
            count += kept;
        }
    }
    s->patterns = all;
    s->pattern_count = count;
    return kept ? RV_OK
                : rv_error_set(err, RV_SELECTION_INVALID,
                               "the selection takes more than the %u bytes an upstream has for it",
                               (uint64_t)sizeof s->selection);
}

rv_status rv_upstream_take_selection(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_selection m;
    bool fed[RV_SELECTION_ENTRIES_MAX];
    rv_status status = rv_wire_read_selection(body, &m, err);
    if (status == RV_OK && (s->state != RV_UPSTREAM_LIVE || !s->selection_owed)) {
        status = rv_error_set(err, RV_PROTOCOL_ERROR, "the edge sent a selection out of turn");
    }
    status = status == RV_OK ? check_selection(s, &m.selection, fed, err) : status;
    status = status == RV_OK ? keep_selection(s, &m.selection, fed, err) : status;
    if (status != RV_OK) {
        return status;
    }
    s->selection_owed = false;
    rv_upstream_subscribe(s, s->watermark + 1); /* nothing was fed yet */
    if (s->pattern_count > s->fed_count) {
        s->base.phase = RV_BASE_WANTED;
        s->base.resumes = m.under_way;
        s->base.position = m.position;
        s->base.cursor = m.cursor;
    }
    return RV_OK;
}

/* --- parts --- */

/* The base is over: events are fed by all patterns from its position on. */
static void finish(rv_upstream *s, int64_t now) {
    RV_ASSERT(s->base.phase == RV_BASE_SENDING && s->watermark == s->base.position);
    rv_upstream_base_leave(s, now);
    s->fed_count = s->pattern_count;
    rv_upstream_subscribe(s, s->watermark + 1);
}

/* Writes items into the encoder's memory. */
static rv_status write_items(rv_upstream *s, uint64_t *cursor, rv_writer *items) {
    rv_upstream_shared *const shared = s->shared;
    rv_base_source source = snapshot_of(s)->source;
    source.patterns = s->patterns + s->fed_count;
    source.pattern_count = s->pattern_count - s->fed_count;
    source.held = s->patterns;
    source.held_count = s->fed_count;
    *items = rv_encoder_spare(shared->encoder);
    items->cap =
        items->cap < RV_WIRE_MESSAGE_MAX - HEAD_MAX ? items->cap : RV_WIRE_MESSAGE_MAX - HEAD_MAX;
    rv_arena scratch = rv_arena_over(shared->message, RV_WIRE_MESSAGE_MAX);
    return rv_state_base_write(rv_node_state(shared->node), &source, s->batch_bytes / 4 * 3 + 1,
                               WORK_MAX, &scratch, cursor, items);
}

/* Makes the message of a part. */
static void encode_part(rv_upstream *s, const rv_wire_base *part, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    rv_writer w = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_base(&w, part);
    RV_ASSERT(!w.full);
    *message = rv_writer_bytes(&w);
    rv_writer packed = rv_encoder_spare(shared->encoder);
    if (s->deflate && message->len >= DEFLATE_MIN &&
        rv_wire_deflate(*message, &shared->compression, &packed)) {
        *message = rv_writer_bytes(&packed);
    }
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
    RV_ASSERT(s->base.phase == RV_BASE_SENDING && !s->in_batch);
    if (s->credit < s->credit_needed) {
        return false;
    }
    uint64_t cursor = s->base.cursor;
    rv_writer items = {0};
    const bool resumed_at_end = cursor == RV_BASE_CURSOR_END;
    const rv_status status = resumed_at_end ? RV_OK : write_items(s, &cursor, &items);
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
                               .cursor = cursor,
                               .items = rv_writer_bytes(&items)};
    encode_part(s, &part, message);
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

/* --- without patterns --- */

/* W becomes the base's position: there was no more schema change before it. */
static bool arrive(rv_upstream *s, int64_t now, rv_bytes *message) {
    rv_node *const node = s->shared->node;
    if (s->base.phase != RV_BASE_CATCHING || rv_node_watermark_durable(node) < s->base.position) {
        return false;
    }
    RV_ASSERT(s->watermark < s->base.position);
    const rv_wire_progress p = {s->base.position, s->base.chain_hash,
                                rv_node_watermark_durable(node)};
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_progress(&w, &p);
    s->watermark = p.watermark;
    s->last_progress = now;
    *message = rv_writer_bytes(&w);
    return true;
}

/* Sends a schema change, which is a batch of its own. RV_PENDING: its chain hash is looked up. */
static rv_status send_change(rv_upstream *s, const rv_event *event, rv_bytes path,
                             rv_bytes *message, rv_error *err) {
    rv_upstream_shared *const shared = s->shared;
    rv_upstream_base *const b = &s->base;
    if (b->lean_position != event->position) {
        const uint64_t position = event->position;
        const rv_status status =
            rv_log_chain_at(rv_node_log(shared->node), position, &b->lean_chain, err);
        b->lean_position = status == RV_OK ? position : 0;
        return status == RV_OK || status == RV_BUSY ? RV_PENDING : status;
    }
    rv_encoder_begin(shared->encoder, rv_node_schema(shared->node), 1, s->batch_bytes);
    const bool staged = rv_encoder_add(shared->encoder, event, path, RV_NONE);
    const rv_wire_events head = {.watermark = event->position,
                                 .chain_hash = b->lean_chain,
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
    s->watermark = position;
    return RV_OK;
}

bool rv_upstream_feed_lean(rv_upstream *s, int64_t now, rv_bytes *message) {
    RV_ASSERT(s->fed_count == 0 && !s->in_batch);
    if (s->credit < s->credit_needed || s->base.phase != RV_BASE_CATCHING) {
        return false;
    }
    const uint64_t start = rv_subscription_sequence(&s->subscription);
    rv_event event;
    rv_bytes path;
    rv_error error = {.status = RV_OK};
    rv_status status = rv_subscription_next(&s->subscription, SCAN_MAX, &event, &path, &error);
    if (status == RV_END) {
        return arrive(s, now, message);
    }
    if (status == RV_OK) {
        status = send_change(s, &event, path, message, &error);
        if (status == RV_OK) {
            return true;
        }
        rv_upstream_subscribe(s, start);
        s->retry_at = status == RV_PENDING ? now : s->retry_at;
    }
    if (status == RV_END) {
        (void)rv_error_set(&error, RV_DATA_DAMAGED, "no batch ends with a schema change");
        status = RV_DATA_DAMAGED;
    }
    if (status != RV_PENDING && status != RV_BUSY) {
        (void)rv_upstream_fail(s, &error);
    }
    return false;
}
