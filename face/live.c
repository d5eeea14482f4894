/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live answers: a request for what is read from the state (rows, a query, what waits in the outbox,
 * the schema) with `Accept: text/event-stream`. It is answered, and answered again when what the
 * answer was made of has moved, and each answer that is another one than the last is told:
 *
 *     id: 9f86d081884c7d65…       a hash of the answer: with Last-Event-ID, it is told only when
 *     event: result               it is another one
 *     data: {"columns":[…],"rows":[…]}
 *
 * Which rows it was made of is noted while it is made (core/state/reads.h): keys, parts of indexes,
 * whole aggregates. When rows have changed, they are compared with that (core/state/touches.h), and
 * only if one of them lies in it the request is answered again. An answer of system tables, or of
 * the outbox, is made again whenever anything has moved that it could tell of.
 *
 * Nothing is kept between two answers but the request, what it read and a hash, where it is told by
 * differences, hashes of its rows, and of a query that is kept up (sql/upkeep.h) what that needs:
 * from its second answer on, so that one that never changes costs nothing. An answer is made only
 * when the last one was taken, so a slow consumer misses some in between, never the last one. Each
 * is made whole between two atomic steps (SEMANTICS 29), and shows what is pending, too.
 */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/engine/decide.h"
#include "core/engine/rewind.h"
#include "core/state/revisions.h"
#include "face/problem.h"

#define IDLE_US INT64_C(15000000)

/* What an answer is given out with, beside its text. */
#define FRAME_MAX 128u

/* Takes blocks that lie side by side and hold `len` bytes. False: there are none. */
static bool take_blocks(rv_face *face, size_t len, block_run *run) {
    const uint32_t count = (uint32_t)((len + FACE_TEXT_BLOCK - 1) / FACE_TEXT_BLOCK);
    uint32_t free = 0;
    *run = (block_run){0};
    for (uint32_t i = 0; i < FACE_TEXT_BLOCKS && face->texts != NULL && free < count; i++) {
        free = face->texts_used[i] ? 0 : free + 1;
        run->first = i + 1 - free;
    }
    if (free < count) {
        return false;
    }
    run->count = count;
    for (uint32_t i = 0; i < count; i++) {
        face->texts_used[run->first + i] = true;
    }
    return true;
}

static void give_blocks(rv_face *face, block_run *run) {
    RV_ASSERT(run->first + run->count <= FACE_TEXT_BLOCKS);
    for (uint32_t i = 0; i < run->count; i++) {
        RV_ASSERT(face->texts_used[run->first + i]);
        face->texts_used[run->first + i] = false;
    }
    *run = (block_run){0};
}

/* The request's bytes are the caller's only until its head was answered: they go into the
 * exchange's buffer, or, if they are more than that, into the pool. */
static rv_status keep_request(rv_exchange *x, block_run *run, rv_error *err) {
    const size_t len = x->request.target.len + x->request.body.len;
    uint8_t *kept = x->buffer;
    *run = (block_run){0};
    if (len > RV_LIVE_TEXT_MAX) {
        return rv_error_set(err, RV_REQUEST_TOO_LARGE,
                            "what is followed live has at most %u bytes, address and body "
                            "together, not %u",
                            (uint64_t)RV_LIVE_TEXT_MAX, (uint64_t)len);
    }
    if (len > sizeof x->buffer) {
        if (!take_blocks(x->face, len, run)) {
            return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                                "what is followed live and has more than %u bytes has %u KiB "
                                "together, and others have them",
                                (uint64_t)sizeof x->buffer, (uint64_t)(RV_LIVE_TEXTS >> 10));
        }
        kept = x->face->texts + (size_t)run->first * FACE_TEXT_BLOCK;
    }
    rv_writer w = rv_writer_over(kept, len);
    rv_write(&w, x->request.target);
    rv_write(&w, x->request.body);
    RV_ASSERT(!w.full);
    const bool post = rv_bytes_are(x->request.method, "POST");
    x->request = (rv_request){
        .method = post ? RV_LITERAL("POST") : RV_LITERAL("GET"),
        .target = rv_bytes_of(kept, x->request.target.len),
        .accept = RV_LITERAL("text/event-stream"),
        .body = rv_bytes_of(kept + x->request.target.len, x->request.body.len),
        .guarded = x->request.guarded, /* and its token is known already */
    };
    return RV_OK;
}

/* Moves with what the log has, durable and not, and with what was decided. */
static uint64_t log_moves(const rv_node *node) {
    return rv_node_sequence(node) + rv_node_sequence_durable(node) + rv_node_watermark(node) +
           rv_node_watermark_durable(node);
}

/* Moves with what waits at an edge, how far it has come, and what was refused and acknowledged. */
static uint64_t outbox_moves(const rv_node *node) {
    return rv_node_role(node) == RV_ROLE_EDGE
               ? rv_node_revision(node) + rv_node_decisions_made(node) +
                     rv_node_outbox(node).durable
               : 0;
}

/* The last batch that a gateway is known to keep. */
static uint64_t relayed(const rv_face *face) {
    rv_edge_status status = {.relayed = 0};
    if (face->options.edge != NULL) {
        rv_edge_status_of(face->options.edge, &status);
    }
    return status.relayed;
}

/* Remembers when the answer was made, but for its rows. Before it is made. */
static void look(rv_exchange *x) {
    rv_node *const node = x->face->options.node;
    live_answer *const l = &x->live;
    l->schema = rv_node_schema_moves(node);
    l->outbox_moves = outbox_moves(node);
    l->relayed = relayed(x->face);
    l->log_moves = log_moves(node);
}

rv_followers face_followers(rv_face *face) {
    RV_ASSERT(face->moments.node != NULL);
    return (rv_followers){&face->touches, &face->moments, &face->scratch};
}

/* The aggregate by whose rows the answer is kept up. */
static uint16_t kept_by(const live_answer *l) {
    return l->upkeep.whole ? l->upkeep.aggregate : RV_NONE;
}

uint16_t face_live_kept(const rv_exchange *x) {
    RV_ASSERT(x->kind == EXCHANGE_LIVE);
    return kept_by(&x->live);
}

bool face_live_rests(const rv_exchange *x) {
    const live_answer *const l = &x->live;
    RV_ASSERT(x->kind == EXCHANGE_LIVE);
    return !l->over && !l->open && !l->asked && !l->making && !x->source.outbox &&
           !x->source.node && rv_node_schema_moves(x->face->options.node) == l->schema;
}

rv_sql_upkeep *face_live_upkeep(rv_exchange *x) {
    const rv_followers of = face_followers(x->face);
    live_answer *const l = &x->live;
    rv_sql_upkeep *const u = &l->upkeep;
    u->since = rv_follower_since(&l->follower, &of);
    u->others = u->whole && rv_follower_moved_of(&l->follower, &of, rv_sql_upkeep_others(u));
    u->joined = u->whole && rv_follower_moved_of(&l->follower, &of, rv_sql_upkeep_joined(u));
    return u;
}

/* Remembers that its rows are those of now: whatever turns it took, none changed since the first
 * that counts. */
static void look_at_rows(rv_exchange *x) {
    const rv_followers of = face_followers(x->face);
    if (!x->source.rows) {
        rv_reads_clear(&x->live.follower.reads);
    }
    rv_follower_take(&x->live.follower, &of, kept_by(&x->live));
}

/* True when the last answer may be another one now. */
static bool moved(rv_exchange *x) {
    rv_face *const face = x->face;
    rv_node *const node = face->options.node;
    live_answer *const l = &x->live;
    const bool any_row = x->source.outbox || x->source.node; /* why a batch is suspended, too */
    if (rv_node_schema_moves(node) != l->schema ||
        (any_row && outbox_moves(node) != l->outbox_moves) ||
        (x->source.outbox && relayed(face) != l->relayed) ||
        (any_row && rv_state_revision(rv_node_state(node)) != l->follower.touched.revision) ||
        (x->source.node && log_moves(node) != l->log_moves)) {
        return true;
    }
    rv_arena_reset(&face->scratch, 0);
    const rv_followers of = face_followers(face);
    return rv_follower_moved(&l->follower, &of, kept_by(l));
}

/* The answer that was made is given out, unless it is the last one again. It is one line. */
static void offer(rv_exchange *x) {
    live_answer *const l = &x->live;
    RV_ASSERT(x->result >= 0 && x->text.ptr == x->face->results[x->result].ptr);
    rv_bytes text = x->text;
    while (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len -= 1;
    }
    const rv_hash128 hash = rv_hash128_of(0, text);
    l->asked = !l->given || hash.low != l->hash.low || hash.high != l->hash.high;
    l->given = true;
    l->hash = hash;
    x->text = text;
    l->differs = false;
    if (x->differences && l->asked) {
        face_differences_make(x);
    }
    x->text_sent = x->text.len;
}

/* True when the answer that is offered is the one that Last-Event-ID names. */
static bool is_known(const rv_exchange *x, rv_bytes last_event_id) {
    uint8_t text[32];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_hash128_write(x->live.hash, &w);
    return rv_bytes_equal(rv_writer_bytes(&w), last_event_id);
}

void face_live_end(rv_exchange *x) {
    const rv_followers of = face_followers(x->face);
    face_differences_end(x);
    give_blocks(x->face, &x->live.text);
    rv_sql_upkeep_end(&x->live.upkeep);
    rv_follower_leave(&x->live.follower, &of);
}

rv_status face_live_begin(rv_exchange *x, rv_error *err) {
    if (!x->source.followed) {
        return rv_error_set(err, RV_REQUEST_INVALID,
                            "there is no live feed of `%b`; ask again, or follow /events",
                            &x->request.target);
    }
    const rv_bytes last_event_id = x->request.last_event_id;
    block_run text;
    const rv_status status = keep_request(x, &text, err);
    if (status != RV_OK) {
        return status;
    }
    const rv_reads reads = x->live.follower.reads;
    x->live = (live_answer){.text = text, .follower.reads = reads, .last_piece = INT64_MIN};
    look(x);
    look_at_rows(x);
    x->live.log_moves -= x->source.node; /* a query that took several turns has read what was */
    offer(x);
    if (is_known(x, last_event_id)) {
        x->live.asked = false;
        exchange_release(x);
    }
    x->kind = EXCHANGE_LIVE;
    x->head = (rv_response_head){
        .status = 200, .content_type = "text/event-stream", .feed = true, .stale = x->head.stale};
    return RV_OK;
}

/* The answer begins to be given out: all of it, if it fits. */
static void write_frame(rv_exchange *x, rv_writer *w) {
    live_answer *const l = &x->live;
    rv_write_text(w, "id: ");
    rv_hash128_write(l->hash, w);
    rv_write_text(w, l->differs ? "\nevent: differences\ndata: " : "\nevent: result\ndata: ");
    const size_t room = rv_writer_room(w);
    const size_t len = x->text.len < room ? x->text.len : room;
    rv_write(w, rv_bytes_of(x->text.ptr, len));
    x->text_sent = len;
    l->asked = false;
    l->open = true;
    RV_ASSERT(!w->full);
}

void face_feed_problem(rv_error *err, rv_status status, rv_writer *w) {
    const size_t start = w->len;
    if (err->status != status) {
        (void)rv_error_set(err, status, "%s", rv_status_text(status));
    }
    rv_write_text(w, "event: problem\ndata: ");
    rv_problem_write(w, rv_status_http(status), err);
    while (w->len > start && w->ptr[w->len - 1] == '\n') {
        w->len -= 1;
    }
    rv_write_text(w, "\n\n");
    RV_ASSERT(!w->full);
}

/* It cannot be answered any more: the problem is told, and the feed is over. */
static rv_status write_problem(rv_exchange *x, rv_error *err, rv_status status, rv_writer *w) {
    exchange_release(x);
    face_live_end(x);
    x->live.over = true;
    face_feed_problem(err, status, w);
    return RV_OK;
}

/* Answers anew. RV_OK: something was written; RV_PENDING. */
static rv_status answer_again(rv_exchange *x, rv_writer *w) {
    rv_error err;
    if (!x->live.making) {
        look(x); /* before it is read: what moves meanwhile makes another one */
    }
    x->live.making = true;
    const rv_status status = exchange_run(x, &err);
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_PENDING;
    }
    x->live.making = false;
    if (status != RV_OK) {
        return write_problem(x, &err, status, w);
    }
    x->kind = EXCHANGE_LIVE;
    x->face->answers += 1;
    look_at_rows(x);
    offer(x);
    if (!x->live.asked) {
        exchange_release(x);
        return RV_PENDING;
    }
    return RV_OK;
}

rv_status face_live_body(rv_exchange *x, int64_t now, rv_writer *w) {
    live_answer *const l = &x->live;
    rv_status status = RV_OK;
    RV_ASSERT(rv_writer_room(w) >= 2 * FRAME_MAX);
    if (l->over) {
        return RV_END;
    }
    if (!l->open && !l->asked) {
        rv_error err;
        const rv_status known = face_require_still(x, &err);
        if (known != RV_OK) { /* the token was revoked, or has expired, meanwhile */
            return write_problem(x, &err, known, w);
        }
        const rv_node *const node = x->face->options.node;
        const bool still = !rv_node_rewinding(node) && !rv_node_in_batch(node);
        const bool due = still && (l->making || moved(x));
        status = due ? answer_again(x, w) : RV_PENDING;
    }
    if (l->asked) {
        write_frame(x, w);
    }
    if (l->open && x->text_sent == x->text.len && rv_writer_room(w) >= 2) {
        rv_write_text(w, "\n\n");
        l->open = false;
        exchange_release(x);
    }
    if (status == RV_PENDING && now - IDLE_US >= l->last_piece) {
        rv_write_text(w, ": idle\n\n");
        status = RV_OK;
    }
    l->last_piece = status == RV_OK ? now : l->last_piece;
    return status;
}
