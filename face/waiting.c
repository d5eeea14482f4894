/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds that wait. A feed that has told all there is leaves what it waits for in an index
 * (core/live/interests.h): the pattern of its events, or the rows that it was made of. What moves
 * is then looked at once for all of them, and only those that it concerns are asked.
 *
 *     asked --(it has nothing to say, and has looked at all there is)--> waits
 *     waits --(an event, a row, what all depend on, or time)----------> woken, and asked
 *
 * A feed that waits holds no place of its own in the log, and no moment of the rows (moments.h):
 * the place where it was looked for all is its place, and the moment of that its moment. It takes
 * them with it when it is woken, and goes on as if it had been asked at each step in between. So
 * asking it too often is never wrong, and where anything is not known (rows that were touched are
 * too many to be noted, a moment is gone, the log cannot be read) all are woken.
 *
 *     a feed of      waits for                                        and is woken by
 *     events         its pattern, and the event types that it wants   such an event, durable
 *     changes        the aggregate, or values in a column of it       such a row; pending batches
 *     live answers   the rows that were read (core/state/reads.h)     such a row
 *
 * All are woken when the schema, the tokens, the selection or the node's history are others.
 * Answers of the outbox or of system tables, which anything may change, do not wait.
 *
 *   invariant 1: every event before the router's place was compared with the patterns of all that
 *                wait, and every row that was touched up to `rows` with what they read.
 *   invariant 2: what a feed that waits would tell, were it asked at that place, is nothing.
 */
#include "core/base/assert.h"
#include "core/engine/rewind.h"
#include "core/engine/token.h"
#include "core/state/revisions.h"
#include "face/face_internal.h"

#define IDLE_US  INT64_C(15000000) /* of a heartbeat, as feeds have it */
#define TOKEN_US INT64_C(500000)   /* a token that has expired is noticed within that */
#define SCAN_MAX 65536u            /* events looked at in one call */
#define ENDS_MAX 64u               /* feeds that end before what is read is gathered anew */

rv_status face_waiting_create(rv_face *face, rv_arena *arena) {
    RV_ASSERT(face->options.exchanges_max > 0);
    rv_ring_make(&face->waiting.idle);
    rv_ring_make(&face->waiting.woken);
    return rv_interests_create(&face->waiting.interests, face->options.exchanges_max,
                               rv_state_hash_key(rv_node_state(face->options.node)), arena);
}

static rv_exchange *exchange_of(rv_ring *ring) {
    return (rv_exchange *)(void *)((uint8_t *)ring - offsetof(rv_exchange, wait.ring));
}

static feeds_stand stand_of(const rv_node *node) {
    return (feeds_stand){.schema = rv_node_schema_moves(node),
                         .tokens = rv_node_tokens_generation(node),
                         .rewinds = rv_node_rewinds(node),
                         .swaps = rv_node_selection_swaps(node),
                         .whole = rv_node_whole(node),
                         .provisional = rv_node_provisional(node)};
}

static bool is_same(const feeds_stand *a, const feeds_stand *b) {
    return a->schema == b->schema && a->tokens == b->tokens && a->rewinds == b->rewinds &&
           a->swaps == b->swaps && a->whole == b->whole && a->provisional == b->provisional;
}

/* --- waking --- */

/* What nobody needs any more is given back. */
static void settle(rv_face *face) {
    feeds_waiting *const w = &face->waiting;
    if (w->of_rows == 0) {
        rv_touches_leave(&face->touches, rv_node_state(face->options.node), &w->rows);
    }
    if (w->of_moment == 0) {
        rv_moment_release(&face->moments, w->moment);
        w->moment = 0;
    }
}

/* It goes on from where it was looked for all; of events from `from`, before which none concerns
 * it. */
static void wake(rv_exchange *x, uint64_t from) {
    rv_face *const face = x->face;
    feeds_waiting *const w = &face->waiting;
    rv_subscription *const log = &x->read.subscription;
    const rv_followers of = face_followers(face);
    RV_ASSERT(x->wait.waits);
    for (uint32_t i = 0; i < x->wait.count; i++) {
        rv_interests_remove(&w->interests, &x->wait.interests[i]);
    }
    x->wait.waits = false;
    rv_ring_leave(&x->wait.ring);
    if (x->wait.owner != NULL) {
        rv_ring_join(&w->woken, &x->wait.ring);
    }
    w->of_events -= x->kind == EXCHANGE_EVENTS;
    w->of_rows -= x->wait.rows;
    w->of_moment -= x->wait.moment;
    if (x->kind == EXCHANGE_EVENTS && log->rewinds == rv_node_rewinds(log->node) &&
        from > rv_subscription_sequence(log)) {
        rv_subscription_pass(log, from);
    } else if (x->kind == EXCHANGE_CHANGES) {
        rv_row_feed_resume(&x->changes.feed, w->moment);
    } else if (x->kind == EXCHANGE_LIVE && x->wait.rows) {
        rv_follower_resume(&x->live.follower, &of, &w->rows, x->wait.moment ? w->moment : 0);
    }
}

void face_wake(rv_exchange *x) {
    RV_ASSERT(x->used);
    if (x->wait.waits) {
        wake(x, rv_subscription_sequence(&x->face->waiting.router));
        settle(x->face);
    }
}

void face_unwatch(rv_face *face) {
    face->waiting.ended += 1;
    if (face->waiting.ended < ENDS_MAX) {
        return;
    }
    face->waiting.ended = 0;
    rv_touches_unwatch(&face->touches);
    for (uint32_t i = 0; i < face->exchange_count; i++) {
        const rv_exchange *const x = &face->exchanges[i];
        if (x->used && x->kind == EXCHANGE_LIVE && x->live.follower.touched.follows) {
            rv_touches_watch(&face->touches, &x->live.follower.reads);
        } else if (x->used && x->kind == EXCHANGE_CHANGES && x->wait.waits) {
            rv_touches_watch(&face->touches, &x->changes.reads);
        }
    }
}

/* Which of those that wait are to be woken together. */
typedef enum waiting_kind {
    WAITING_ALL,
    WAITING_EVENTS,
    WAITING_ROWS,
    WAITING_CHANGES
} waiting_kind;

static void wake_all(rv_face *face, waiting_kind kind) {
    rv_ring *const idle = &face->waiting.idle;
    const uint64_t from = rv_subscription_sequence(&face->waiting.router);
    rv_ring *next = NULL;
    for (rv_ring *ring = idle->next; ring != idle; ring = next) {
        rv_exchange *const x = exchange_of(ring);
        next = ring->next;
        if (kind == WAITING_ALL || (kind == WAITING_EVENTS && x->kind == EXCHANGE_EVENTS) ||
            (kind == WAITING_ROWS && x->wait.rows) ||
            (kind == WAITING_CHANGES && x->kind == EXCHANGE_CHANGES)) {
            wake(x, from);
        }
    }
    RV_ASSERT(kind != WAITING_ALL || rv_ring_is_empty(idle));
}

/* --- looking --- */

static bool wants(const rv_exchange *x, const rv_event *event, rv_bytes path) {
    const event_narrow *const narrow = &x->narrow;
    RV_ASSERT(x->kind == EXCHANGE_EVENTS);
    return rv_path_pattern_match(&x->read.pattern, path) &&
           (!narrow->by_type || event->type >= RV_EVENT_TYPES_MAX ||
            (narrow->types[event->type / 64] >> (event->type % 64) & 1u) != 0);
}

/* Wakes those whom the event concerns: from the beginning of its batch on. */
static void look_at_event(rv_face *face, const rv_event *event, rv_bytes path) {
    feeds_waiting *const w = &face->waiting;
    rv_interest_path walk = rv_interest_path_of(&w->interests, path);
    uint64_t hash;
    while (rv_interest_path_next(&walk, &hash)) {
        const rv_interest *next = NULL;
        for (const rv_interest *i = rv_interests_first(&w->interests, hash); i != NULL; i = next) {
            rv_exchange *const x = i->owner;
            next = rv_interests_next(i);
            if (x->kind == EXCHANGE_EVENTS && wants(x, event, path)) {
                wake(x, w->router.batch.first_sequence);
            }
        }
    }
}

/* Looks at the events that became durable. */
static void look_at_events(rv_face *face) {
    feeds_waiting *const w = &face->waiting;
    const uint64_t end = rv_node_sequence_durable(face->options.node) + 1;
    rv_event event;
    rv_bytes path;
    rv_error err;
    rv_status status = RV_OK;
    while (status == RV_OK && w->of_events > 0 && rv_subscription_sequence(&w->router) < end) {
        status = rv_subscription_next(&w->router, SCAN_MAX, &event, &path, &err);
        if (status == RV_OK) {
            look_at_event(face, &event, path);
        } else if (status != RV_END && status != RV_PENDING && status != RV_BUSY) {
            wake_all(face, WAITING_EVENTS); /* each is to meet it */
        }
    }
}

/* Wakes those whom the row concerns. */
static void look_at_row(rv_face *face, const rv_touched_row *row) {
    feeds_waiting *const w = &face->waiting;
    rv_interest_row walk = rv_interest_row_of(&w->interests, row);
    uint64_t hash;
    while (rv_interest_row_next(&walk, &hash)) {
        const rv_interest *next = NULL;
        for (const rv_interest *i = rv_interests_first(&w->interests, hash); i != NULL; i = next) {
            rv_exchange *const x = i->owner;
            next = rv_interests_next(i);
            while (next != NULL && next->owner == x) { /* which goes with it */
                next = rv_interests_next(next);
            }
            if (x->wait.rows &&
                rv_touched_row_in(row, x->kind == EXCHANGE_LIVE ? &x->live.follower.reads
                                                                : &x->changes.reads)) {
                wake(x, 0);
            }
        }
    }
}

/* Those that go on from a moment, and were not woken, go on from the one of now. */
static void move_moment(rv_face *face) {
    feeds_waiting *const w = &face->waiting;
    const uint64_t was = w->moment;
    if (w->of_moment == 0) {
        return;
    }
    const rv_moment *const now = rv_moment_now(&face->moments, UINT64_MAX);
    if (now == NULL) {
        wake_all(face, WAITING_ROWS);
    }
    w->moment = now == NULL ? 0 : now->serial;
    rv_moment_release(&face->moments, was);
}

/* Wakes those whom a row concerns that was touched, up to this revision. */
static void look_at_touched(rv_face *face, uint64_t revision) {
    feeds_waiting *const w = &face->waiting;
    uint64_t place = w->rows.place;
    rv_touched_row row;
    rv_arena_reset(&face->scratch, 0);
    if (!rv_touches_look(&face->touches, rv_node_state(face->options.node), &face->scratch,
                         &w->rows)) {
        wake_all(face, WAITING_ROWS);
    }
    while (w->of_rows > 0 && rv_touches_next(&face->touches, &place, &row)) {
        look_at_row(face, &row);
    }
    if (w->of_rows > 0) {
        w->rows.revision = revision;
        w->rows.place = place;
    }
}

/* Looks at the rows that were touched, and at what is pending. Between two atomic steps. */
static void look_at_rows(rv_face *face) {
    feeds_waiting *const w = &face->waiting;
    const uint64_t revision = rv_state_revision(rv_node_state(face->options.node));
    const uint32_t pending = rv_moments_pending(&face->moments);
    const bool decided = w->pending != pending;
    const bool touched = w->rows.revision != revision;
    if (decided) {
        wake_all(face, WAITING_CHANGES);
        w->pending = pending;
    }
    if (touched && w->of_rows > 0) {
        look_at_touched(face, revision);
    }
    if (touched || decided) {
        move_moment(face);
    }
}

void rv_face_look(rv_face *face) {
    feeds_waiting *const w = &face->waiting;
    const rv_node *const node = face->options.node;
    if (rv_ring_is_empty(&w->idle) || rv_node_rewinding(node)) {
        return;
    }
    const feeds_stand stand = stand_of(node);
    if (!is_same(&stand, &w->stand)) {
        wake_all(face, WAITING_ALL);
    }
    look_at_events(face);
    if (w->of_rows > 0 && !rv_node_in_batch(node)) {
        look_at_rows(face);
    }
    settle(face);
}

void *rv_face_next_woken(rv_face *face) {
    rv_ring *const woken = &face->waiting.woken;
    if (rv_ring_is_empty(woken)) {
        return NULL;
    }
    rv_exchange *const x = exchange_of(woken->next);
    RV_ASSERT(x->used && x->wait.owner != NULL);
    rv_ring_leave(&x->wait.ring);
    return x->wait.owner;
}

bool rv_exchange_waits(const rv_exchange *x) {
    RV_ASSERT(x->used);
    return x->wait.waits;
}

void rv_exchange_set_owner(rv_exchange *x, void *owner) {
    RV_ASSERT(x->used && owner != NULL);
    x->wait.owner = owner;
}

/* --- beginning to wait --- */

/* For events of its pattern. False: it has not looked at all that is durable, or nobody has for
 * those that wait. */
static bool wait_for_events(rv_exchange *x) {
    rv_face *const face = x->face;
    feeds_waiting *const w = &face->waiting;
    const event_read *const r = &x->read;
    const uint64_t end = rv_node_sequence_durable(face->options.node) + 1;
    if (r->format != FORMAT_FEED || r->over || !r->positioned ||
        !rv_subscription_level(&r->subscription)) {
        return false;
    }
    if (w->of_events == 0) {
        rv_subscription_open(&w->router, face->options.node, NULL, 0, end);
    }
    if (rv_subscription_sequence(&w->router) != end) {
        return false; /* the log is being read: the next time */
    }
    rv_interests_add(&w->interests, &x->wait.interests[0],
                     rv_interest_in_pattern(&w->interests, &r->pattern), x);
    x->wait.count = 1;
    w->of_events += 1;
    return true;
}

/* The moment of now for those that go on from one. False: it does, and there is none. */
static bool hold_moment(const rv_exchange *x) {
    rv_face *const face = x->face;
    feeds_waiting *const w = &face->waiting;
    if (x->kind == EXCHANGE_LIVE &&
        (face_live_kept(x) == RV_NONE ||
         rv_moment_find(&face->moments, x->live.follower.moment) == NULL)) {
        return true;
    }
    if (w->of_moment == 0 && w->moment == 0) {
        const rv_moment *const now = rv_moment_now(&face->moments, UINT64_MAX);
        w->moment = now == NULL ? 0 : now->serial;
    }
    const rv_moment *const held = rv_moment_find(&face->moments, w->moment);
    return held != NULL && held->revision == rv_state_revision(rv_node_state(face->options.node));
}

/* The feed holds nothing from now on, if it may; the rest is as it was. */
static bool rest(rv_exchange *x) {
    const rv_followers of = face_followers(x->face);
    x->wait.moment = x->kind == EXCHANGE_CHANGES;
    return x->kind == EXCHANGE_CHANGES
               ? rv_row_feed_rest(&x->changes.feed)
               : rv_follower_rest(&x->live.follower, &of, face_live_kept(x), &x->wait.moment);
}

/* For rows that it was made of. False: it has not looked at all of them. */
static bool wait_for_rows(rv_exchange *x) {
    rv_face *const face = x->face;
    feeds_waiting *const w = &face->waiting;
    rv_state *const state = rv_node_state(face->options.node);
    const bool live = x->kind == EXCHANGE_LIVE;
    const rv_reads *const reads = live ? &x->live.follower.reads : &x->changes.reads;
    rv_error err;
    if (rv_node_in_batch(face->options.node) ||
        (live ? !face_live_rests(x) : x->changes.over || face_changes_reads(x, &err) != RV_OK) ||
        (w->of_rows > 0 && w->rows.revision != rv_state_revision(state)) || !hold_moment(x)) {
        return false;
    }
    if (rv_reads_none(reads)) { /* for the schema only */
        x->wait.count = 0;
        return true;
    }
    const uint32_t count =
        rv_interests_add_reads(&w->interests, reads, x->wait.interests, EXCHANGE_INTERESTS, x);
    x->wait.count = count <= EXCHANGE_INTERESTS ? count : 0;
    if (count > EXCHANGE_INTERESTS || !rest(x)) {
        for (uint32_t i = 0; i < x->wait.count; i++) {
            rv_interests_remove(&w->interests, &x->wait.interests[i]);
        }
        return false;
    }
    rv_arena_reset(&face->scratch, 0);
    rv_touches_follow(&face->touches, state, reads, &face->scratch, &w->rows);
    w->pending = w->of_rows == 0 ? rv_moments_pending(&face->moments) : w->pending;
    w->of_rows += 1;
    w->of_moment += x->wait.moment;
    x->wait.rows = true;
    return true;
}

/* When it is to be asked again, whatever moves: for its heartbeat, and for its token. */
static int64_t until(const rv_exchange *x, int64_t now) {
    const int64_t last = x->kind == EXCHANGE_EVENTS    ? x->read.last_piece
                         : x->kind == EXCHANGE_CHANGES ? x->changes.last_piece
                                                       : x->live.last_piece;
    const int64_t heartbeat = last > now - IDLE_US ? last + IDLE_US : now;
    return x->guarded && now + TOKEN_US < heartbeat ? now + TOKEN_US : heartbeat;
}

void face_wait(rv_exchange *x, int64_t now) {
    rv_face *const face = x->face;
    const rv_node *const node = face->options.node;
    RV_ASSERT(!x->wait.waits && x->kind != EXCHANGE_TEXT);
    if (rv_node_rewinding(node)) {
        return;
    }
    rv_face_look(face);
    if (rv_ring_is_empty(&face->waiting.idle)) { /* nobody waits, or any more: it begins anew */
        face->waiting.stand = stand_of(node);
    }
    x->wait.rows = false;
    x->wait.moment = false;
    x->wait.waits = x->kind == EXCHANGE_EVENTS ? wait_for_events(x) : wait_for_rows(x);
    if (x->wait.waits) {
        x->wait.until = until(x, now);
        rv_ring_leave(&x->wait.ring);
        rv_ring_join(&face->waiting.idle, &x->wait.ring);
    }
    settle(face);
}
