/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the edge of a session is, at an upstream that has tokens, and what it may do (SEMANTICS 11,
 * 20). The session keeps the digest of its token and the principal's name; rights it asks for again
 * whenever one of the node's tokens has changed, or at its time, this one has expired: then a
 * session whose token is gone, or whose selection its token does not cover any more, ends.
 *
 *     hello (token) -> admitted -- token message -> admitted again, the same principal
 *                         |  ^---- tokens changed --'
 *                         '-> unauthenticated, forbidden: the session ends with the error
 *
 * At a node without tokens all of this does nothing, but that the session ends when the first one
 * is made.
 */
#include "core/base/assert.h"
#include "core/engine/principal.h"
#include "core/engine/refusal.h"
#include "core/engine/token.h"
#include "sync/upstream_internal.h"

/* --- what a session may read --- */

static rv_status forbid(rv_error *err, const rv_access_token *token, const char *fact,
                        rv_bytes what) {
    const rv_status status = rv_error_set(err, RV_FORBIDDEN, "the token of `%b` may not read %s%b",
                                          &token->name, fact[0] == 'a' ? "rows of " : "", &what);
    RV_ASSERT(token->name.len > 0);
    rv_error_fact_text(err, fact, what);
    return status;
}

static rv_status judge_patterns(const rv_access_token *token, const rv_path_pattern *patterns,
                                size_t count, rv_error *err) {
    rv_status status = RV_OK;
    RV_ASSERT(count <= RV_PATTERNS_MAX);
    for (size_t i = 0; i < count && status == RV_OK; i++) {
        if (!rv_token_may_read_all(token, &patterns[i])) {
            status = forbid(err, token, "pattern", patterns[i].text);
        }
    }
    return status;
}

static rv_status judge_given(const rv_upstream *s, const rv_access_token *token,
                             const rv_given *given, size_t count, rv_error *err) {
    const rv_schema *const schema = rv_node_schema(s->shared->node);
    rv_status status = RV_OK;
    for (size_t i = 0; i < count && status == RV_OK; i++) {
        const rv_bytes name = rv_schema_aggregate(schema, given[i].aggregate)->name;
        RV_ASSERT(name.len > 0);
        if (!rv_token_may_read_rows(token, name)) {
            status = forbid(err, token, "aggregate", name);
        }
    }
    return status;
}

/* Whether it relays was agreed on with the hello. */
static rv_status judge_relays(const rv_upstream *s, const rv_access_token *token, rv_error *err) {
    const bool may = token->relay || token->admin;
    RV_ASSERT(!s->relay.agreed || !s->would_relay);
    if (s->relay.agreed && !may) {
        return rv_error_set(err, RV_FORBIDDEN, "the token of `%b` may not relay any more",
                            &token->name);
    }
    return s->would_relay && may
               ? rv_error_set(err, RV_BUSY, "the token of `%b` may relay by now: connect again",
                              &token->name)
               : RV_OK;
}

/* What it holds, and is to hold; what it does. */
static rv_status judge_session(const rv_upstream *s, const rv_access_token *token, rv_error *err) {
    rv_status status = judge_patterns(token, s->patterns, s->pattern_count, err);
    status = status == RV_OK ? judge_patterns(token, s->fed, s->fed_count, err) : status;
    status = status == RV_OK ? judge_given(s, token, s->given, s->given_count, err) : status;
    status =
        status == RV_OK ? judge_given(s, token, s->fed_given, s->fed_given_count, err) : status;
    RV_ASSERT(s->used);
    return status == RV_OK ? judge_relays(s, token, err) : status;
}

rv_status rv_upstream_token_selection(const rv_upstream *s, const rv_selection *selection,
                                      rv_error *err) {
    rv_access_token token;
    if (!s->access.known) {
        return RV_OK;
    }
    rv_status status = rv_node_token_find(s->shared->node, s->access.digest,
                                          rv_node_now(s->shared->node), &token, err);
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    for (size_t i = 0; i < selection->count && status == RV_OK; i++) {
        const rv_select *const entry = &selection->entries[i];
        rv_path_pattern pattern;
        if (entry->kind == RV_SELECT_AGGREGATE) {
            status = rv_token_may_read_rows(&token, entry->name)
                         ? RV_OK
                         : forbid(err, &token, "aggregate", entry->name);
        } else {
            status = rv_path_pattern_parse(entry->name, &pattern, err);
            status = status == RV_OK ? judge_patterns(&token, &pattern, 1, err) : status;
        }
    }
    return status;
}

/* --- who it is --- */

/* Admits who has the token; the same principal as before, if there was one. */
static rv_status admit(rv_upstream *s, rv_bytes text, int64_t now, rv_error *err) {
    const rv_node *const node = s->shared->node;
    rv_upstream_access *const a = &s->access;
    uint8_t digest[RV_DIGEST_SIZE];
    rv_access_token token;
    rv_status status = rv_node_token_admit(node, s->shared->digest, text, digest, &token, err);
    if (status != RV_OK) {
        return status;
    }
    if (a->known && !rv_bytes_equal(token.name, rv_bytes_of(a->principal, a->principal_len))) {
        return rv_error_set(err, RV_FORBIDDEN,
                            "a session is renewed with a token of the same principal, not of `%b`",
                            &token.name);
    }
    status = judge_session(s, &token, err);
    if (status != RV_OK) {
        return status;
    }
    const int64_t left = token.expires_at - rv_node_now(node);
    if (token.expires_at != 0 && left <= 0) { /* it was good when it was looked for */
        return rv_error_set(err, RV_UNAUTHENTICATED, "the token of `%b` has just expired",
                            &token.name);
    }
    a->known = true;
    a->relay = token.relay || token.admin;
    a->generation = rv_node_tokens_generation(node);
    a->principal_len = token.name.len;
    memcpy(a->principal, token.name.ptr, token.name.len);
    memcpy(a->digest, digest, sizeof digest);
    a->expires_at = token.expires_at == 0    ? INT64_MAX
                    : now > INT64_MAX - left ? INT64_MAX
                                             : now + left;
    return RV_OK;
}

rv_status rv_upstream_token_pattern(const rv_upstream *s, const rv_path_pattern *pattern,
                                    rv_error *err) {
    rv_access_token token;
    RV_ASSERT(pattern->text.len > 0);
    if (!s->access.known) {
        return RV_OK;
    }
    const rv_status status = rv_node_token_find(s->shared->node, s->access.digest,
                                                rv_node_now(s->shared->node), &token, err);
    return status == RV_OK ? judge_patterns(&token, pattern, 1, err) : status;
}

rv_status rv_upstream_token_patterns(const rv_upstream *s, rv_error *err) {
    rv_access_token token;
    RV_ASSERT(s->patterns == s->fed && s->pattern_count == s->fed_count);
    if (!s->access.known) {
        return RV_OK;
    }
    const rv_status status = rv_node_token_find(s->shared->node, s->access.digest,
                                                rv_node_now(s->shared->node), &token, err);
    return status == RV_OK ? judge_patterns(&token, s->patterns, s->pattern_count, err) : status;
}

/* The node id is whose who brought something under it first. */
static rv_status judge_owner(const rv_upstream *s, const rv_wire_hello *hello, rv_error *err) {
    rv_bytes owner = {NULL, 0};
    const rv_bytes own = rv_bytes_of(s->access.principal, s->access.principal_len);
    RV_ASSERT(own.len > 0);
    return rv_node_edge_owner(s->shared->node, hello->node_id, &owner) &&
                   !rv_bytes_equal(owner, own)
               ? rv_error_set(err, RV_FORBIDDEN,
                              "this edge's directory belongs to another principal than `%b`: use "
                              "one directory for each",
                              &own)
               : RV_OK;
}

rv_status rv_upstream_token_hello(rv_upstream *s, const rv_wire_hello *hello, int64_t now,
                                  rv_error *err) {
    const rv_status status = admit(s, hello->token, now, err);
    RV_ASSERT(s->state == RV_UPSTREAM_NEW);
    if (status == RV_END) { /* there are none: whoever comes may do everything */
        s->access.relay = true;
        s->access.expires_at = INT64_MAX;
        s->access.generation = rv_node_tokens_generation(s->shared->node);
        return RV_OK;
    }
    return status == RV_OK ? judge_owner(s, hello, err) : status;
}

void rv_upstream_token_admitted(const rv_upstream *s, int64_t now, rv_wire_admitted *admitted) {
    const rv_upstream_access *const a = &s->access;
    const int64_t left = a->expires_at - now;
    RV_ASSERT(a->known);
    admitted->relay = a->relay;
    admitted->principal = rv_bytes_of(a->principal, a->principal_len);
    admitted->expires_in_ms = a->expires_at == INT64_MAX ? 0
                              : left < 1000              ? 1
                                                         : (uint64_t)left / 1000;
}

rv_status rv_upstream_take_token(rv_upstream *s, rv_bytes body, int64_t now, rv_error *err) {
    rv_bytes text;
    rv_status status = rv_wire_read_token(body, &text, err);
    if (status == RV_OK &&
        (!s->access.known || s->welcome_owed || s->state != RV_UPSTREAM_LIVE || s->access.owed)) {
        status = rv_error_set(err, RV_PROTOCOL_ERROR, "the edge sent a token out of turn");
    }
    status = status == RV_OK ? admit(s, text, now, err) : status;
    if (status == RV_END) {
        status = rv_error_set(err, RV_UNAUTHENTICATED, "the node has no tokens any more");
    }
    RV_ASSERT(status != RV_PENDING);
    s->access.owed = status == RV_OK;
    return status;
}

bool rv_upstream_token_answer(rv_upstream *s, int64_t now, rv_writer *w) {
    rv_wire_admitted admitted;
    if (!s->access.owed) {
        return false;
    }
    RV_ASSERT(s->access.known);
    s->access.owed = false;
    rv_upstream_token_admitted(s, now, &admitted);
    rv_wire_write_admitted(w, &admitted);
    return true;
}

/* --- as time goes --- */

static rv_status look_again(rv_upstream *s, int64_t now, rv_error *err) {
    const rv_node *const node = s->shared->node;
    rv_upstream_access *const a = &s->access;
    rv_access_token token;
    if (!a->known) {
        return rv_node_token_count(node) == 0
                   ? RV_OK
                   : rv_error_set(err, RV_UNAUTHENTICATED, "the node asks for tokens by now");
    }
    rv_status status = rv_node_token_find(node, a->digest, rv_node_now(node), &token, err);
    status = status == RV_OK ? judge_session(s, &token, err) : status;
    status = status == RV_OK ? rv_upstream_fill_judge(s, err) : status;
    if (status == RV_OK) {
        const int64_t left = token.expires_at - rv_node_now(node);
        a->relay = token.relay || token.admin;
        a->expires_at = token.expires_at == 0    ? INT64_MAX
                        : now > INT64_MAX - left ? INT64_MAX
                                                 : now + left;
    }
    RV_ASSERT(status != RV_END);
    return status;
}

void rv_upstream_token_watch(rv_upstream *s, int64_t now) {
    rv_upstream_access *const a = &s->access;
    const uint64_t generation = rv_node_tokens_generation(s->shared->node);
    rv_error error;
    if (s->state != RV_UPSTREAM_LIVE && s->state != RV_UPSTREAM_CHECKING) {
        return;
    }
    if (a->generation == generation && now < a->expires_at) {
        return;
    }
    a->generation = generation;
    if (look_again(s, now, &error) != RV_OK) {
        RV_ASSERT(error.status == RV_UNAUTHENTICATED || error.status == RV_FORBIDDEN ||
                  error.status == RV_BUSY);
        (void)rv_upstream_fail(s, &error);
    }
}

/* --- what it writes --- */

/* May this token write all events of the push? */
static rv_status judge_writes(const rv_access_token *token, const rv_push *push, rv_error *err) {
    for (size_t i = 0; i < push->count; i++) {
        const rv_bytes path = push->events[i].path;
        RV_ASSERT(path.len > 0);
        if (!rv_token_may_write(token, path)) {
            const rv_status status = rv_error_set(
                err, RV_FORBIDDEN, "the token of `%b` may not write %b", &token->name, &path);
            rv_error_fact_text(err, "right", RV_LITERAL("write"));
            rv_error_fact_text(err, "path", path);
            rv_error_fact_text(err, "principal", token->name);
            return status;
        }
    }
    return RV_OK;
}

/* Who shows no token cannot say that somebody has written this where the node is known by a name
 * at its own upstream, which would believe it. */
static rv_status judge_unknown(const rv_upstream *s, const rv_push *push, rv_error *err) {
    const rv_bytes name = rv_node_principals(s->shared->node).last;
    RV_ASSERT(!s->access.known);
    if (!rv_upstream_is_gateway(s->shared) || push->principal.len == 0 || name.len == 0 ||
        rv_bytes_equal(push->principal, name)) {
        return RV_OK;
    }
    return rv_error_set(err, RV_FORBIDDEN,
                        "`%b` has written this, says an edge that shows no token; give it one, or "
                        "connect it to an upstream that asks for tokens",
                        &push->principal);
}

/* Somebody else has written it. */
static bool is_others(const rv_upstream *s, const rv_push *push) {
    const rv_bytes own = rv_bytes_of(s->access.principal, s->access.principal_len);
    RV_ASSERT(s->access.known);
    return push->principal.len > 0 && !rv_bytes_equal(push->principal, own);
}

rv_status rv_upstream_token_brings(const rv_upstream *s, const rv_push *push, rv_error *err) {
    const rv_upstream_access *const a = &s->access;
    const rv_node *const node = s->shared->node;
    const rv_bytes own = rv_bytes_of(a->principal, a->principal_len);
    rv_access_token token;
    if (!a->known) {
        return judge_unknown(s, push, err);
    }
    if (push->principal.len == 0 && rv_upstream_is_gateway(s->shared)) {
        return rv_error_set(err, RV_FORBIDDEN, "the edge of `%b` does not say who has written this",
                            &own);
    }
    if (is_others(s, push) && !a->relay) {
        return rv_error_set(err, RV_FORBIDDEN,
                            "`%b` has written this, and is brought by `%b`, who may not relay",
                            &push->principal, &own);
    }
    RV_ASSERT(push->count > 0);
    return rv_node_token_find(node, a->digest, rv_node_now(node), &token, err);
}

rv_status rv_upstream_token_writes(const rv_upstream *s, const rv_push *push, rv_error *err) {
    const rv_node *const node = s->shared->node;
    rv_access_token token;
    rv_access_token writer;
    if (!s->access.known) {
        return RV_OK;
    }
    const rv_status status =
        rv_node_token_find(node, s->access.digest, rv_node_now(node), &token, err);
    RV_ASSERT(push->count > 0);
    if (status != RV_OK) {
        return status;
    }
    /* who relays brings what its own token may write, or what that of the writer may */
    const bool named = is_others(s, push) && rv_node_token_named(node, push->principal, &writer);
    return judge_writes(named ? &writer : &token, push, err);
}

void rv_upstream_token_narrow(const rv_upstream *s, rv_error *refusal) {
    const rv_node *const node = s->shared->node;
    rv_access_token token;
    RV_ASSERT(refusal->status != RV_OK);
    if (s->access.known) {
        const bool found =
            rv_node_token_find(node, s->access.digest, rv_node_now(node), &token, NULL) == RV_OK;
        rv_refusal_narrow(node, found ? &token : NULL, refusal);
    }
}

bool rv_upstream_token_leases(const rv_upstream *s) {
    rv_access_token token;
    RV_ASSERT(s->used);
    return !s->access.known ||
           (rv_node_token_find(s->shared->node, s->access.digest, rv_node_now(s->shared->node),
                               &token, NULL) == RV_OK &&
            (token.admin || token.relay || token.writes.count > 0));
}
