/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token of an edge: who has it gives it (rv_edge_set_token), and is told when another one is
 * wanted: after a refusal, and ahead of the end of this one's time. It goes with the hello, and a
 * newer one in a token message, so that the session goes on.
 *
 *     given -> told (hello) -> admitted, until when -> wanted again -> given -> told (message) …
 *                 \-> refused: needs-auth, wanted at once
 *
 * An upstream that forbids an entry of the selection says which: the edge gives that entry up, so
 * that what it may not hold any more goes, as with any other selection (edge_select.c).
 */
#include "sync/edge_token.h"

#include "core/base/assert.h"
#include "core/engine/refusal.h"
#include "sync/edge_internal.h"

#define LEAD_US  INT64_C(60000000) /* ahead of the end, at most; of short ones a quarter */
#define AGAIN_US INT64_C(5000000)  /* between two times that one is wanted */

/* --- giving --- */

void rv_edge_set_token(rv_edge *e, rv_bytes token, int64_t now) {
    rv_edge_token *const t = &e->token;
    RV_ASSERT(token.len <= RV_WIRE_TOKEN_MAX);
    const bool same = rv_bytes_equal(token, rv_bytes_of(t->text, t->len));
    t->given = true;
    if (same) {
        return;
    }
    if (token.len > 0) {
        memcpy(t->text, token.ptr, token.len);
    }
    t->len = token.len;
    t->wanted_at = INT64_MAX;
    t->owed = token.len > 0 && (e->status.state == RV_EDGE_CONNECTING ||
                                (e->status.state == RV_EDGE_CONNECTED && t->admitted));
    if (e->status.state == RV_EDGE_NEEDS_AUTH && e->next_attempt > now) {
        e->next_attempt = now;
    }
}

bool rv_edge_wants_token(rv_edge *e, int64_t now) {
    RV_ASSERT(e->status.state <= RV_EDGE_NEEDS_AUTH);
    const bool stopped = e->status.state == RV_EDGE_ERROR && !rv_edge_is_refused(e);
    if (stopped || now < e->token.wanted_at) {
        return false;
    }
    e->token.wanted_at = now + AGAIN_US;
    return true;
}

int64_t rv_edge_token_deadline(const rv_edge *e) {
    RV_ASSERT(e->token.len <= RV_WIRE_TOKEN_MAX);
    const bool stopped = e->status.state == RV_EDGE_ERROR && !rv_edge_is_refused(e);
    return stopped || !e->token.given ? INT64_MAX : e->token.wanted_at;
}

/* --- telling --- */

void rv_edge_token_hello(rv_edge *e, rv_wire_hello *hello) {
    RV_ASSERT(e->status.state == RV_EDGE_CONNECTING);
    e->token.owed = false;
    e->token.admitted = false;
    hello->token = rv_bytes_of(e->token.text, e->token.len);
}

bool rv_edge_token_send(rv_edge *e, rv_writer *w) {
    rv_edge_token *const t = &e->token;
    if (!t->owed || t->waits) {
        return false;
    }
    RV_ASSERT(t->len > 0 && e->status.state == RV_EDGE_CONNECTED);
    t->owed = false;
    t->waits = true;
    rv_wire_write_token(w, rv_bytes_of(t->text, t->len));
    return true;
}

/* --- being told --- */

static void note_admitted(rv_edge *e, const rv_wire_admitted *m, int64_t now) {
    rv_edge_token *const t = &e->token;
    const int64_t most = INT64_MAX / 4000;
    const int64_t left_ms = m->expires_in_ms < (uint64_t)most ? (int64_t)m->expires_in_ms : most;
    const int64_t left = left_ms * 1000;
    t->admitted = true;
    t->waits = false;
    t->wanted_at = left == 0            ? INT64_MAX
                   : left / 4 < LEAD_US ? now + left - left / 4
                                        : now + left - LEAD_US;
    RV_ASSERT(m->principal.len > 0);
    rv_pusher_named(&e->pusher, m->principal, m->relay);
}

void rv_edge_token_welcome(rv_edge *e, const rv_wire_welcome *welcome, int64_t now) {
    RV_ASSERT(!e->token.admitted);
    e->token.waits = false;
    e->token.narrow = false;
    e->token.wanted_at = INT64_MAX;
    if (welcome->has_admitted) {
        note_admitted(e, &welcome->admitted, now);
    } else {
        e->token.owed = false; /* it has no tokens */
        rv_pusher_named(&e->pusher, (rv_bytes){NULL, 0}, true);
    }
}

rv_status rv_edge_token_take(rv_edge *e, rv_bytes body, int64_t now, rv_error *err) {
    rv_wire_admitted m;
    const rv_status status = rv_wire_read_admitted(body, &m, err);
    if (status != RV_OK) {
        return status;
    }
    if (!e->token.waits ||
        !rv_bytes_equal(m.principal, rv_bytes_of(e->pusher.principal, e->pusher.principal_len))) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream admitted what was not asked");
    }
    note_admitted(e, &m, now);
    RV_ASSERT(e->token.admitted);
    return RV_OK;
}

bool rv_edge_token_denied(const rv_error *reason) {
    RV_ASSERT(reason != NULL);
    return reason->status == RV_UPSTREAM_UNAUTHORIZED || reason->status == RV_UNAUTHENTICATED ||
           reason->status == RV_FORBIDDEN;
}

void rv_edge_token_closed(rv_edge *e, const rv_error *reason, int64_t now) {
    rv_edge_token *const t = &e->token;
    RV_ASSERT(!e->receiving);
    t->untold = t->owed || t->waits;
    t->owed = false;
    t->waits = false;
    t->admitted = false;
    t->narrow = reason->status == RV_FORBIDDEN && reason->facts_len > 0;
    t->wanted_at = rv_edge_token_denied(reason) ? now : INT64_MAX;
}

/* --- giving up what is forbidden --- */

void rv_edge_token_poll(rv_edge *e, int64_t now) {
    rv_edge_token *const t = &e->token;
    if (!t->narrow || e->status.state != RV_EDGE_NEEDS_AUTH) {
        return;
    }
    RV_ASSERT(!rv_edge_waits(e));
    if (e->select.hello != rv_node_selections(e->node)) {
        t->narrow =
            false; /* it was wanted since, perhaps by another right: it is asked for again */
        e->next_attempt = now;
        return;
    }
    rv_arena scratch = rv_arena_over(e->inflated, RV_WIRE_MESSAGE_MAX); /* nothing is in it now */
    rv_select entry = {.kind = RV_SELECT_STREAMS};
    entry.name = rv_refusal_fact(&e->status.reason, "pattern", &scratch);
    if (entry.name.len == 0) {
        entry.kind = RV_SELECT_AGGREGATE;
        entry.name = rv_refusal_fact(&e->status.reason, "aggregate", &scratch);
    }
    const rv_status status = rv_node_select_without(e->node, &entry, NULL);
    t->narrow = status == RV_PENDING || status == RV_BUSY;
    if (status == RV_OK) { /* else nothing would be left, or it is not wanted: another token is */
        e->select.refused = e->status.reason;
        e->next_attempt = now;
    }
}
