/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed of a session: what the edge selected, from its W on, as events messages, each ending
 * where a batch of the root ends, or marked as continued where one batch is larger than a message.
 * Nothing is kept between two calls but the subscription: when the log has to be read or the
 * credit does not suffice, the subscription is opened again where it was and the work repeated.
 * Where that is may be far behind the W that was told last, as nothing in between was selected.
 *
 * A session that is far behind has a guide (core/live/guide.h) while there is one: it looks at the
 * batches that hold what the edge selected, and at the last one there is, and takes W and chain
 * hash from these. A message that ended in the middle of a batch is followed by an event of that
 * batch, so that the batch's end is come to as in a walk.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

#define SCAN_MAX      65536u /* events passed over in one call */
#define GUIDE_IDLE_US INT64_C(1000000)
#define DEFLATE_MIN   256u /* a shorter message gains nothing worth the time */

typedef struct rv_staging {
    rv_mark mark;  /* at the last batch that ended */
    uint64_t next; /* sequence after the last event staged or passed over */
    bool full;
    rv_status status; /* why it stopped, when not full */
} rv_staging;

/* True while rows that changed up to a later W were sent: that is where W goes next. */
static bool is_changing(const rv_upstream *s) {
    return s->changes_to > s->watermark;
}

/* A gateway's W may move behind its last event, by batches without any, which no subscription comes
 * to: where all events were looked at, it is at the end, or where the subscription is to end. */
static void move_mark_to_end(rv_upstream *s, rv_staging *g, uint32_t count) {
    rv_node *const node = s->shared->node;
    const rv_upstream_base *const b = &s->base;
    const uint64_t durable = rv_node_watermark_durable(node);
    rv_mark end = {count, durable, rv_log_chain_durable(rv_node_log(node)),
                   rv_node_sequence_durable(node) + 1};
    if (is_changing(s)) {
        end = (rv_mark){count, s->changes_to, s->changes_chain, s->changes_end + 1};
    } else if (b->phase == RV_BASE_CATCHING) {
        end = (rv_mark){count, b->position, b->chain_hash, b->sequence + 1};
    }
    if (rv_upstream_is_gateway(s->shared) && g->status == RV_END && !s->subscription.in_batch &&
        g->next >= end.next && end.watermark > s->watermark && end.watermark > g->mark.watermark &&
        end.watermark <= durable) {
        end.next = g->next;
        g->mark = end;
    }
    RV_ASSERT(g->mark.count <= count);
}

/* Remembers that a batch has ended before the next event. */
static void move_mark(rv_upstream *s, rv_staging *g, uint32_t count, uint64_t next) {
    const uint64_t watermark = rv_subscription_watermark(&s->subscription);
    if (watermark > g->mark.watermark && watermark > s->watermark &&
        (!is_changing(s) || watermark >= s->changes_to)) {
        g->mark = (rv_mark){count, watermark, rv_subscription_chain(&s->subscription), next};
    }
    RV_ASSERT(g->mark.count <= count);
}

/* Stages events until the message is full or there are no more. */
static void stage(rv_upstream *s, rv_staging *g, uint32_t events_max, rv_error *err) {
    rv_upstream_shared *const shared = s->shared;
    rv_event event;
    rv_bytes path;
    *g = (rv_staging){.next = rv_subscription_sequence(&s->subscription), .status = RV_OK};
    rv_encoder_begin(shared->encoder, rv_node_schema(shared->node), events_max, s->batch_bytes);
    while (!g->full && g->status == RV_OK) {
        g->status = rv_subscription_next(&s->subscription, SCAN_MAX, &event, &path, err);
        const uint32_t count = rv_encoder_count(shared->encoder);
        if (g->status != RV_OK) {
            g->next = rv_subscription_sequence(&s->subscription);
            move_mark(s, g, count, g->next);
            move_mark_to_end(s, g, count);
            return;
        }
        move_mark(s, g, count, event.sequence);
        rv_stream_head head;
        rv_state_stream(rv_node_state(shared->node), event.stream, &head);
        g->full = !rv_encoder_add(shared->encoder, &event, path, head.declaration);
        g->next = g->full ? event.sequence : event.sequence + 1;
    }
    RV_ASSERT(rv_encoder_count(shared->encoder) > 0);
}

/* --- guides --- */

static rv_upstream_guide *guide_of(const rv_upstream *s) {
    rv_upstream_guide *found = NULL;
    for (uint32_t i = 0; s->subscription.guide != NULL && i < s->shared->guide_count; i++) {
        rv_upstream_guide *const g = &s->shared->guides[i];
        found = g->session == s ? g : found;
    }
    RV_ASSERT((found != NULL) == (s->subscription.guide != NULL));
    return found;
}

void rv_upstream_guide_leave(rv_upstream *s) {
    rv_upstream_guide *const g = guide_of(s);
    RV_ASSERT(s->used);
    if (g != NULL) {
        g->session = NULL;
        s->subscription.guide = NULL;
    }
}

/* One that is free, or whose session does nothing: it has what it needs, or gives no credit. */
static rv_upstream_guide *free_guide(rv_upstream_shared *shared, int64_t now) {
    for (uint32_t i = 0; i < shared->guide_count; i++) {
        rv_upstream_guide *const g = &shared->guides[i];
        if (g->session != NULL && now - g->used_at >= GUIDE_IDLE_US) {
            rv_upstream_guide_leave(g->session);
        }
        if (g->session == NULL) {
            return g;
        }
    }
    RV_ASSERT(shared->guide_count <= RV_UPSTREAM_GUIDES);
    if (shared->guide_count == RV_UPSTREAM_GUIDES) {
        return NULL;
    }
    shared->guide_count += 1;
    return &shared->guides[shared->guide_count - 1];
}

/* Gives the session a guide if it has far to go, and there is one. Not while W is to go to one
 * place only: what is staged until then is staged again whenever the log is being read, and each
 * time all would be looked up that leads there. */
static void take_guide(rv_upstream *s, int64_t now) {
    rv_upstream_shared *const shared = s->shared;
    const uint64_t durable = rv_node_sequence_durable(shared->node);
    const uint64_t next = rv_subscription_sequence(&s->subscription);
    rv_upstream_guide *g = guide_of(s);
    RV_ASSERT(s->fed_count > 0);
    s->wide = s->wide || (g != NULL && g->guide.many);
    if (s->wide || is_changing(s) || durable < next || durable - next < shared->guiding.near) {
        rv_upstream_guide_leave(s);
        return;
    }
    if (g == NULL) {
        g = free_guide(shared, now);
        if (g == NULL) {
            return;
        }
        g->session = s;
        rv_guide_begin(&g->guide, &shared->guiding);
        rv_subscription_guide(&s->subscription, &g->guide);
    }
    g->used_at = now;
}

/* The look ended before the guide had compared all streams. */
static bool is_comparing(const rv_upstream *s) {
    RV_ASSERT(s->used);
    return s->subscription.guide != NULL && s->subscription.guide->compares;
}

/* Where the session is in the log, with what was said there of the last batch that had ended. */
static rv_mark stand_of(const rv_upstream *s) {
    const rv_subscription *const log = &s->subscription;
    return (rv_mark){0, rv_subscription_watermark(log), rv_subscription_chain(log),
                     rv_subscription_sequence(log)};
}

/* Goes on there with the same patterns. */
static void go_on(rv_upstream *s, uint64_t next) {
    rv_upstream_shared *const shared = s->shared;
    const bool lean = s->fed_count == 0;
    const bool catching = s->base.phase == RV_BASE_CATCHING;
    rv_guide *const guide = s->subscription.guide;
    RV_ASSERT(next > 0);
    rv_subscription_open(&s->subscription, shared->node, lean ? &shared->schema_pattern : s->fed,
                         lean ? 1 : s->fed_count, next);
    s->subscription.system = !lean;
    s->subscription.straight = true; /* a gateway's past was filled in where it was */
    rv_subscription_until(&s->subscription, is_changing(s) ? s->changes_end
                                            : catching     ? s->base.sequence
                                                           : UINT64_MAX);
    if (guide != NULL) {
        rv_guide_again(guide);
        rv_subscription_guide(&s->subscription, guide);
    }
}

/* Is again where it was: what lies between W and there was looked at, and is not once more. */
static void go_back(rv_upstream *s, const rv_mark *stand) {
    go_on(s, stand->next);
    rv_subscription_stands(&s->subscription, stand->watermark, stand->chain_hash);
}

void rv_upstream_subscribe(rv_upstream *s, uint64_t next) {
    rv_guide *const guide = s->subscription.guide;
    if (guide != NULL) {
        rv_guide_begin(guide, &s->shared->guiding);
    }
    s->wide = false;
    go_on(s, next);
    RV_ASSERT(s->subscription.guide == guide);
}

static uint64_t position_now(const rv_upstream *s) {
    return rv_node_watermark_durable(s->shared->node);
}

bool rv_upstream_encode(rv_upstream *s, const rv_wire_events *head, uint32_t count,
                        rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    rv_writer w = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    RV_ASSERT(count > 0);
    rv_wire_begin(&w, RV_WIRE_EVENTS);
    if (!rv_encoder_end(shared->encoder, head, count, &w)) {
        return false;
    }
    *message = rv_writer_bytes(&w);
    rv_writer packed = rv_encoder_spare(shared->encoder);
    if (s->deflate && message->len >= DEFLATE_MIN &&
        rv_wire_deflate(*message, &shared->compression, &packed)) {
        *message = rv_writer_bytes(&packed);
    }
    return true;
}

bool rv_upstream_take_credit(rv_upstream *s, size_t len) {
    const uint64_t cost = len + RV_SYNC_MESSAGE_COST;
    RV_ASSERT(s->credit <= s->credit_window);
    if (cost > s->credit && s->credit < s->credit_window) {
        s->credit_needed = cost < s->credit_window ? cost : s->credit_window;
        return false;
    }
    s->credit -= cost < s->credit ? cost : s->credit;
    s->credit_needed = 1;
    return true;
}

/* Progress without events: W moved, and it is time to say so. */
static bool progress(rv_upstream *s, const rv_mark *mark, int64_t now, rv_bytes *message) {
    const bool urgent = s->urgent > s->watermark && mark->watermark >= s->urgent;
    RV_ASSERT(mark->watermark > s->watermark && !s->in_batch);
    if (!urgent && now - s->last_progress < RV_SYNC_REPORT_US) {
        s->retry_at = s->last_progress + RV_SYNC_REPORT_US;
        return false;
    }
    const rv_wire_progress p = {mark->watermark, mark->chain_hash, position_now(s)};
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_progress(&w, &p);
    s->watermark = mark->watermark;
    s->after = mark->next;
    s->last_progress = now;
    *message = rv_writer_bytes(&w);
    return true;
}

/* What one staging gives. RV_OK with a message; RV_END: nothing; RV_MESSAGE_TOO_LARGE: fewer
 * events. */
static rv_status deliver(rv_upstream *s, const rv_staging *g, const rv_mark *stand, int64_t now,
                         rv_bytes *message) {
    const uint32_t staged = rv_encoder_count(s->shared->encoder);
    const bool batch_whole = g->mark.watermark > 0;
    if (batch_whole && (g->mark.count > 0 || (!g->full && !s->in_batch))) {
        /* W is to move: rows that changed up to there come first, then the same events again */
        const rv_status status = rv_upstream_changes(s, &g->mark, message);
        if (status != RV_END) {
            go_back(s, stand);
            return status == RV_OK ? RV_OK : RV_END;
        }
    }
    if (staged == 0 || (batch_whole && g->mark.count == 0 && !g->full)) {
        const bool moved = batch_whole && !s->in_batch;
        const bool told = moved && progress(s, &g->mark, now, message);
        if (told && staged > 0) {
            go_on(s, g->mark.next);
        }
        return told ? RV_OK : RV_END;
    }
    if (!batch_whole && !g->full) {
        return RV_END; /* the batch goes on behind a read that is under way */
    }
    const bool continues = !batch_whole || g->mark.count == 0;
    const uint32_t count = continues ? staged : g->mark.count;
    const rv_wire_events head = {.continues = continues,
                                 .watermark = continues ? 0 : g->mark.watermark,
                                 .chain_hash = continues ? 0 : g->mark.chain_hash,
                                 .position = position_now(s)};
    if (!rv_upstream_encode(s, &head, count, message)) {
        return RV_MESSAGE_TOO_LARGE;
    }
    if (!rv_upstream_take_credit(s, message->len)) {
        return RV_END;
    }
    if (!continues) {
        rv_upstream_shared_keep(s, stand->next, &g->mark, *message);
    }
    s->watermark = continues ? s->watermark : g->mark.watermark;
    s->after = continues ? s->after : g->mark.next;
    s->in_batch = continues;
    s->last_progress = now;
    if (g->full || count < staged) {
        go_on(s, continues ? g->next : g->mark.next);
    }
    return RV_OK;
}

/* There is nothing to look at. */
static bool is_up_to_date(const rv_upstream *s) {
    rv_node *const node = s->shared->node;
    RV_ASSERT(s->after > 0);
    return rv_subscription_sequence(&s->subscription) > rv_node_sequence_durable(node) &&
           rv_subscription_watermark(&s->subscription) <= s->watermark &&
           (!rv_upstream_is_gateway(s->shared) ||
            rv_node_watermark_durable(node) <= s->watermark) &&
           !s->subscription.in_batch;
}

/* What another session was sent, if the credit allows. */
static bool send_made(rv_upstream *s, const rv_shared_message *made, int64_t now,
                      rv_bytes *message) {
    RV_ASSERT(made->mark.watermark > s->watermark && !s->in_batch);
    if (!rv_upstream_take_credit(s, made->len)) {
        return false;
    }
    *message = rv_bytes_of(made->bytes, made->len);
    s->watermark = made->mark.watermark;
    s->after = made->mark.next;
    s->last_progress = now;
    go_on(s, made->mark.next);
    return true;
}

/* The next message. */
static bool feed(rv_upstream *s, int64_t now, rv_bytes *message) {
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE && !s->selection_owed);
    if (s->select.owed && rv_upstream_select_answer(s, message)) {
        return true;
    }
    if (s->select.owed && !s->in_batch && s->changes_to <= s->watermark) {
        return false; /* for want of credit */
    }
    if (rv_upstream_base_turn(s, now)) {
        return rv_upstream_base_part(s, now, message);
    }
    if (s->changes_to > 0 && s->watermark >= s->changes_to) {
        s->changes_to = 0; /* W is there: events go on */
        rv_subscription_until(&s->subscription,
                              s->base.phase == RV_BASE_CATCHING ? s->base.sequence : UINT64_MAX);
    }
    if (s->fed_count == 0) {
        return rv_upstream_feed_lean(s, now, message);
    }
    take_guide(s, now);
    if (s->credit < s->credit_needed || is_up_to_date(s)) {
        return false;
    }
    const rv_mark stand = stand_of(s);
    const rv_shared_message *const made = rv_upstream_shared_find(s, stand.next);
    if (made != NULL) {
        return send_made(s, made, now, message);
    }
    rv_error error = {.status = RV_OK};
    for (uint32_t events_max = RV_COLUMNS_EVENTS_MAX; events_max >= 1; events_max /= 8) {
        rv_staging g;
        stage(s, &g, events_max, &error);
        if (!g.full && g.status != RV_END && g.status != RV_PENDING && g.status != RV_BUSY) {
            (void)rv_upstream_fail(s, &error);
            return false;
        }
        const uint32_t staged = rv_encoder_count(s->shared->encoder);
        const bool cut_short =
            g.status == RV_PENDING && (is_comparing(s) || (staged == 0 && g.next > stand.next));
        const rv_status status = deliver(s, &g, &stand, now, message);
        if (status == RV_OK) {
            return true;
        }
        if (status == RV_END) {
            if (staged > 0) {
                go_back(s, &stand); /* staged and not sent: once more, later */
            }
            s->retry_at = cut_short ? now : s->retry_at;
            return false;
        }
        RV_ASSERT(status == RV_MESSAGE_TOO_LARGE);
        go_back(s, &stand);
    }
    (void)rv_error_set(&error, RV_DATA_DAMAGED, "an event after sequence %u cannot be sent",
                       stand.next);
    (void)rv_upstream_fail(s, &error);
    return false;
}

bool rv_upstream_feed(rv_upstream *s, int64_t now, rv_bytes *message) {
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE);
    s->retry_at = INT64_MAX;
    if (s->watched && rv_upstream_watched_feed(s, now, message)) {
        return true;
    }
    if (s->watched) {
        return false;
    }
    const bool ready = !s->selection_owed && (!s->lineage_owed || rv_upstream_gateway_lineage(s));
    const bool fills = s->fill.active || s->fill.refused;
    bool sent = ready && fills && s->fill.turn && rv_upstream_fill_past(s, now, message);
    if (sent) {
        s->fill.turn = false;
        return true;
    }
    sent = ready && feed(s, now, message);
    s->fill.turn = sent;
    s->base.moved_at = sent ? now : s->base.moved_at;
    return sent || (ready && fills && s->state == RV_UPSTREAM_LIVE &&
                    rv_upstream_fill_past(s, now, message));
}
