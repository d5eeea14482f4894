/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that have all there is. Ten thousand edges may be connected of which one append concerns
 * one; so what becomes durable is looked at once, for all of them, and an index says whom it
 * concerns (core/live/interests.h): by patterns, and by the aggregates that are selected, with what
 * their filters want (upstream_watch_rows.c). Whoever is not concerned is not asked.
 *
 *     feeding --(all that is durable was looked at)--> watched --(an event or a row)--> feeding
 *
 * A session that is watched has no place in the log of its own, nor among the changes of rows: W
 * moves with everybody's, and is told now and then, a bounded number of times a second for all
 * sessions together. What else a session may have to say (answers, decisions, keys) keeps it among
 * those that are asked.
 *
 *   invariant 1: every event before `routed.next` was compared with the patterns of all that are
 *                watched. `routed.watermark` is where the last of these batches ends.
 *   invariant 2: so was every row that changed up to there with the aggregates that they select;
 *                `rows` is behind the last of these changes.
 *   invariant 3: a session is in one ring: of those that are asked; or, idle, of those that do
 *                (level) or do not (behind) know routed.watermark.
 *
 * Sessions that select more than the index has places for are asked always: nothing is wrong with
 * that but that it takes time. At a gateway W moves without events too, and rows with it.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/engine/rewind.h"

#define SCAN_MAX     65536u        /* events looked at in one call */
#define TELL_US      INT64_C(1000) /* of all sessions together, W is told one every so often, */
#define TELL_BURST   100           /* or so many at once when none was for a while */
#define TELL_AT_ONCE 16            /* but not more before others have their turn */

/* --- rings --- */

static rv_upstream *session_of(rv_ring *ring) {
    return (rv_upstream *)(void *)((uint8_t *)ring - offsetof(rv_upstream, ring));
}

static void set_asked(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    if (!s->asked) {
        rv_ring_leave(&s->ring);
        rv_ring_join(&shared->asked, &s->ring);
        s->asked = true;
        shared->asked_count += 1;
    }
    RV_ASSERT(shared->asked_count > 0);
}

static void set_idle(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(s->watched && shared->asked_count > 0);
    rv_ring_leave(&s->ring);
    rv_ring_join(s->watermark >= shared->routed.watermark ? &shared->level : &shared->behind,
                 &s->ring);
    s->asked = false;
    shared->asked_count -= 1;
}

/* --- the index --- */

static size_t watch_count(const rv_upstream *s) {
    return s->fed_count + s->fed_given_count;
}

static rv_interest *watch_at(rv_upstream *s, size_t entry) {
    RV_ASSERT(entry < RV_UPSTREAM_WATCHES + RV_UPSTREAM_FURTHER);
    return entry < RV_UPSTREAM_WATCHES ? &s->watches[entry]
                                       : &s->further[entry - RV_UPSTREAM_WATCHES];
}

size_t rv_upstream_watch_entry(const rv_upstream *s, const rv_interest *watch) {
    const size_t near = ((size_t)watch - (size_t)s->watches) / sizeof *watch;
    const size_t far = ((size_t)watch - (size_t)s->further) / sizeof *watch;
    RV_ASSERT(near < RV_UPSTREAM_WATCHES || far < RV_UPSTREAM_FURTHER);
    return near < RV_UPSTREAM_WATCHES ? near : RV_UPSTREAM_WATCHES + far;
}

static void watch_all(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(!s->watched);
    for (size_t i = 0; i < watch_count(s); i++) {
        const uint64_t hash =
            i < s->fed_count
                ? rv_interest_in_pattern(&shared->interests, &s->fed[i])
                : rv_upstream_rows_hash(&shared->interests, &s->fed_given[i - s->fed_count]);
        rv_interests_add(&shared->interests, watch_at(s, i), hash, s);
    }
    s->watched = true;
    shared->watched_count += 1;
    shared->watched_given += s->fed_given_count > 0;
}

/* Rows that changed go on to be looked at where they are for all. */
static void unwatch_all(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(s->watched && shared->watched_count > 0);
    for (size_t i = 0; i < watch_count(s); i++) {
        rv_interests_remove(&shared->interests, watch_at(s, i));
    }
    if (s->fed_given_count > 0) {
        s->changes_next = shared->rows;
        RV_ASSERT(shared->watched_given > 0);
        shared->watched_given -= 1;
    }
    s->watched = false;
    shared->watched_count -= 1;
}

rv_upstream *rv_upstream_add_concerned(rv_upstream *s, rv_upstream *concerned) {
    RV_ASSERT(s->watched && !s->concerned);
    s->concerned = true;
    s->concerned_next = concerned;
    return s;
}

void rv_upstream_concern(rv_upstream *concerned, uint64_t next) {
    while (concerned != NULL) { /* as many as there are */
        rv_upstream *const s = concerned;
        concerned = s->concerned_next;
        s->concerned = false;
        unwatch_all(s);
        rv_upstream_subscribe(s, next);
        set_asked(s);
    }
}

/* Those feed again that the event concerns: from the beginning of its batch on. */
static void look(rv_upstream_shared *shared, rv_bytes path, uint64_t batch_first) {
    rv_interest_path walk = rv_interest_path_of(&shared->interests, path);
    rv_upstream *concerned = NULL;
    uint64_t hash;
    RV_ASSERT(batch_first > 0);
    while (rv_interest_path_next(&walk, &hash)) {
        for (const rv_interest *i = rv_interests_first(&shared->interests, hash); i != NULL;
             i = rv_interests_next(i)) {
            rv_upstream *const s = i->owner;
            const size_t entry = rv_upstream_watch_entry(s, i);
            if (!s->concerned && entry < s->fed_count &&
                rv_path_pattern_match(&s->fed[entry], path)) {
                concerned = rv_upstream_add_concerned(s, concerned);
            }
        }
    }
    rv_upstream_concern(concerned, batch_first);
}

/* --- what became durable --- */

/* All feed again, from where they are: a schema change, which all get, or an event that cannot be
 * read, which each is to meet. */
static void unwatch_everybody(rv_upstream_shared *shared) {
    for (uint32_t i = 0; i < shared->session_count && shared->watched_count > 0; i++) {
        rv_upstream *const s = shared->sessions[i];
        if (s->used && s->watched) {
            rv_upstream_unwatch(s);
        }
    }
    RV_ASSERT(shared->watched_count == 0);
}

/* Where everybody stands who has looked at all that is durable. */
static rv_mark durable_mark(const rv_upstream_shared *shared) {
    rv_node *const node = shared->node;
    return (rv_mark){.watermark = rv_node_watermark_durable(node),
                     .chain_hash = rv_log_chain_durable(rv_node_log(node)),
                     .next = rv_node_sequence_durable(node) + 1};
}

/* Looks at what became durable: events, and, at a gateway, W where it moved without any. */
static void route(rv_upstream_shared *shared) {
    const rv_mark mark = durable_mark(shared);
    rv_event event;
    rv_bytes path;
    rv_error err;
    rv_status status = RV_OK;
    while (status == RV_OK && shared->watched_count > 0 &&
           (shared->routed.next < mark.next || shared->routed.watermark < mark.watermark)) {
        status = rv_subscription_next(&shared->router, SCAN_MAX, &event, &path, &err);
        if (status == RV_OK && event.type != RV_SYSTEM_SCHEMA_TYPE) {
            look(shared, path, shared->router.batch.first_sequence);
        } else if (status != RV_END && status != RV_PENDING && status != RV_BUSY) {
            unwatch_everybody(shared);
        }
        if (status == RV_END && !shared->router.in_batch &&
            rv_subscription_sequence(&shared->router) == mark.next) {
            const bool moved = mark.watermark > shared->routed.watermark;
            rv_upstream_rows_look(shared, mark.watermark);
            shared->routed = mark;
            if (moved) { /* not by what a gateway filled in */
                rv_ring_splice(&shared->behind, &shared->level);
            }
        }
    }
}

void rv_upstream_ask_everybody(rv_upstream_shared *shared) {
    RV_ASSERT(shared->sessions != NULL);
    for (uint32_t i = 0; i < shared->session_count; i++) {
        if (shared->sessions[i]->used) {
            set_asked(shared->sessions[i]);
        }
    }
}

/* True when nothing but an event that it selects, or time, gives the session something to say. */
static bool is_quiet(const rv_upstream *s) {
    const bool pushes = s->access.owed || s->push.told_count > 0 || s->push.waiting > 0 ||
                        s->push.settle > 0 ||
                        (s->push.end != RV_UPSTREAM_PUSHING && !s->push.end_told);
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE);
    return !pushes && rv_upstream_relay_is_quiet(s) && !s->lease.wanted && !s->welcome_owed &&
           !s->pong_owed && s->held == 0 && s->urgent <= s->watermark;
}

/* True when the feed of the session has looked at all that is durable, and can be watched. */
static bool is_level(const rv_upstream *s) {
    const rv_subscription *const log = &s->subscription;
    return !s->selection_owed && !s->lineage_owed && !s->select.owed && !s->fill.active &&
           !s->fill.refused && s->given_count == s->fed_given_count &&
           watch_count(s) <= RV_UPSTREAM_WATCHES + RV_UPSTREAM_FURTHER &&
           s->base.phase == RV_BASE_NONE && !s->base.notice_owed && s->changes_to == 0 &&
           !s->in_batch && (s->fed_count == 0 || !log->in_batch) &&
           rv_subscription_sequence(log) == rv_node_sequence_durable(s->shared->node) + 1;
}

static void start_watching(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    const rv_mark mark = durable_mark(shared);
    RV_ASSERT(rv_subscription_sequence(&s->subscription) == mark.next);
    if (shared->watched_count == 0) {
        rv_subscription_open(&shared->router, shared->node, NULL, 0, mark.next);
        shared->router.straight = true; /* as theirs are */
        rv_upstream_rows_look(shared, mark.watermark);
        shared->routed = mark;
    }
    if (shared->routed.next != mark.next || shared->routed.watermark != mark.watermark) {
        return; /* the log is being read: the next time */
    }
    if (s->fed_given_count > 0 && s->changes_next != shared->rows) {
        return; /* rows wait to be sent */
    }
    watch_all(s);
}

void rv_upstream_rest(rv_upstream *s) {
    RV_ASSERT(s->used);
    if (s->state != RV_UPSTREAM_LIVE) {
        set_asked(s);
        return;
    }
    if (!s->watched && is_level(s)) {
        route(s->shared);
        start_watching(s);
    }
    if (!s->watched || !is_quiet(s)) {
        set_asked(s);
    } else if (s->asked) {
        set_idle(s);
    }
}

void rv_upstream_unwatch(rv_upstream *s) {
    if (s->watched) { /* what was looked at for all is not again: invariant 1 */
        const rv_mark *const routed = &s->shared->routed;
        unwatch_all(s);
        rv_upstream_subscribe(s, routed->next);
        rv_subscription_stands(&s->subscription, routed->watermark, routed->chain_hash);
        set_asked(s);
    }
    RV_ASSERT(!s->watched);
}

/* Gives back how many times W may be told by now. */
static void refill(rv_upstream_shared *shared, int64_t now) {
    const int64_t passed = now - shared->tell_from;
    if (passed >= TELL_BURST * TELL_US || passed < 0) {
        shared->tell_from = now - TELL_BURST * TELL_US;
    }
    RV_ASSERT(now - shared->tell_from >= 0);
}

bool rv_upstream_watched_feed(rv_upstream *s, int64_t now, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(s->watched);
    route(shared);
    refill(shared, now);
    if (!s->watched || shared->routed.watermark <= s->watermark) {
        return false;
    }
    const bool urgent = s->urgent > s->watermark && shared->routed.watermark >= s->urgent;
    if (!urgent &&
        (now - s->last_progress < RV_SYNC_REPORT_US || now - shared->tell_from < TELL_US)) {
        return false;
    }
    const rv_wire_progress p = {shared->routed.watermark, shared->routed.chain_hash,
                                rv_node_watermark_durable(shared->node)};
    rv_writer w = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_progress(&w, &p);
    shared->tell_from += urgent ? 0 : TELL_US;
    s->watermark = p.watermark;
    s->after = shared->routed.next;
    s->last_progress = now;
    *message = rv_writer_bytes(&w);
    return true;
}

/* --- between the sessions and who owns them --- */

bool rv_upstream_watch_create(rv_upstream_shared *shared, rv_arena *arena) {
    shared->evaluated_max = RV_UPSTREAM_EVALUATED;
    rv_ring_make(&shared->asked);
    rv_ring_make(&shared->level);
    rv_ring_make(&shared->behind);
    const uint64_t key = rv_state_hash_key(rv_node_state(shared->node));
    return rv_interests_create(&shared->interests, shared->session_max, key, arena) == RV_OK;
}

void rv_upstream_watch_open(rv_upstream *s) {
    RV_ASSERT(!s->asked && !s->watched);
    rv_ring_make(&s->ring);
    set_asked(s);
}

void rv_upstream_watch_close(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    if (s->watched) {
        unwatch_all(s);
    }
    rv_ring_leave(&s->ring);
    RV_ASSERT(!s->asked || shared->asked_count > 0);
    shared->asked_count -= s->asked;
}

/* What sessions at a gateway depend on that nobody tells them (upstream_gateway.c), as a number. */
static uint64_t stand_of(const rv_upstream_shared *shared) {
    const rv_node *const node = shared->node;
    const rv_relayer *const relayer = shared->relayer;
    if (rv_node_rewinding(node)) {
        return 1;
    }
    uint64_t stand = rv_hash64_of_number(0, rv_node_whole(node));
    stand = rv_hash64_of_number(stand, rv_node_selection_swaps(node));
    stand = rv_hash64_of_number(stand, (int64_t)rv_node_schema_moves(node));
    stand = rv_hash64_of_number(stand, relayer != NULL ? relayer->held_changes : 0);
    return rv_hash64_of_number(stand, relayer != NULL && rv_relayer_held(relayer, NULL) != NULL);
}

uint32_t rv_upstream_look(rv_upstream_shared *shared, int64_t now) {
    const uint64_t generation = rv_node_tokens_generation(shared->node);
    const uint64_t stand = rv_upstream_is_gateway(shared) ? stand_of(shared) : 0;
    if (shared->tokens_generation != generation || shared->stand != stand) {
        shared->tokens_generation = generation;
        shared->stand = stand;
        rv_upstream_ask_everybody(shared); /* its rights may be others, or none; or its rows */
    }
    route(shared);
    refill(shared, now);
    int64_t told = 0;
    while (!rv_ring_is_empty(&shared->behind) && told < TELL_AT_ONCE &&
           now - shared->tell_from >= (told + 1) * TELL_US) {
        rv_upstream *const s = session_of(shared->behind.next);
        if (now - s->last_progress < RV_SYNC_REPORT_US) {
            break;
        }
        set_asked(s);
        told += 1;
    }
    RV_ASSERT(told <= TELL_BURST);
    return shared->asked_count;
}

void *rv_upstream_next_asked(rv_upstream_shared *shared) {
    if (rv_ring_is_empty(&shared->asked)) {
        return NULL;
    }
    rv_upstream *const s = session_of(shared->asked.next);
    RV_ASSERT(s->used && s->asked);
    rv_ring_leave(&s->ring);
    rv_ring_join(&shared->asked, &s->ring);
    return s->owner;
}

void rv_upstream_set_owner(rv_upstream *s, void *owner) {
    RV_ASSERT(s->used && owner != NULL);
    s->owner = owner;
}

int64_t rv_upstream_shared_deadline(const rv_upstream_shared *shared) {
    int64_t least = INT64_MAX;
    RV_ASSERT(shared != NULL);
    for (rv_ring *ring = shared->asked.next; ring != &shared->asked; ring = ring->next) {
        const int64_t deadline = rv_upstream_deadline(session_of(ring));
        least = deadline < least ? deadline : least;
    }
    if (!rv_ring_is_empty(&shared->behind)) {
        const int64_t due = session_of(shared->behind.next)->last_progress + RV_SYNC_REPORT_US;
        const int64_t turn = shared->tell_from + TELL_AT_ONCE * TELL_US;
        const int64_t told = due > turn ? due : turn;
        least = told < least ? told : least;
    }
    return least;
}
