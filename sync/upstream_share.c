/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events messages that several sessions can send: what edges with the same patterns get from the
 * same place of the log on is the same, so it is encoded, and deflated, once. The last few short
 * messages are kept; a long one is that of an edge that has to catch up, mostly alone. One is sent
 * again only if it says all that is durable: who is late is better served with one that is larger.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

/* True when what the session is sent depends on the place in the log and its patterns alone. */
static bool is_shareable(const rv_upstream *s) {
    return !s->in_batch && !s->subscription.in_batch && s->fed_count > 0 && s->given_count == 0 &&
           s->fed_given_count == 0 && !s->select.owed && s->base.phase == RV_BASE_NONE &&
           s->changes_to == 0 && !rv_upstream_is_gateway(s->shared);
}

/* True when the kept patterns, each with a zero behind it, are the session's. */
static bool same_patterns(const rv_shared_message *m, const rv_upstream *s) {
    size_t at = 0;
    RV_ASSERT(m->patterns_len <= sizeof m->patterns);
    for (size_t i = 0; i < s->fed_count; i++) {
        const rv_bytes text = s->fed[i].text;
        if (text.len >= m->patterns_len - at || memcmp(m->patterns + at, text.ptr, text.len) != 0 ||
            m->patterns[at + text.len] != 0) {
            return false;
        }
        at += text.len + 1;
    }
    return at == m->patterns_len;
}

static bool keep_patterns(rv_shared_message *m, const rv_upstream *s) {
    m->patterns_len = 0;
    for (size_t i = 0; i < s->fed_count; i++) {
        const rv_bytes text = s->fed[i].text;
        if (text.len >= sizeof m->patterns - m->patterns_len) {
            return false;
        }
        memcpy(m->patterns + m->patterns_len, text.ptr, text.len);
        m->patterns_len += text.len;
        m->patterns[m->patterns_len] = 0;
        m->patterns_len += 1;
    }
    RV_ASSERT(m->patterns_len <= sizeof m->patterns);
    return true;
}

const rv_shared_message *rv_upstream_shared_find(const rv_upstream *s, uint64_t start) {
    const uint64_t next = rv_node_sequence_durable(s->shared->node) + 1;
    RV_ASSERT(start > 0);
    for (uint32_t i = 0; i < s->shared->message_count && is_shareable(s); i++) {
        const rv_shared_message *const m = &s->shared->messages[i];
        if (m->start == start && m->batch_bytes == s->batch_bytes && m->deflate == s->deflate &&
            m->mark.watermark > s->watermark && m->mark.next == next && same_patterns(m, s)) {
            return m;
        }
    }
    return NULL;
}

void rv_upstream_shared_keep(const rv_upstream *s, uint64_t start, const rv_mark *mark,
                             rv_bytes message) {
    rv_upstream_shared *const shared = s->shared;
    rv_shared_message *const m = &shared->messages[shared->message_next];
    RV_ASSERT(start > 0 && mark->watermark > 0);
    if (message.len > SHARED_MESSAGE_MAX || shared->session_max < 2) {
        return;
    }
    m->start = 0;
    shared->message_count += shared->message_count == shared->message_next;
    if (!keep_patterns(m, s)) {
        return;
    }
    memcpy(m->bytes, message.ptr, message.len);
    m->len = message.len;
    m->batch_bytes = s->batch_bytes;
    m->deflate = s->deflate;
    m->mark = *mark;
    m->start = start;
    shared->message_next = (shared->message_next + 1) % SHARED_MESSAGES;
}
