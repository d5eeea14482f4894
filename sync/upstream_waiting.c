/* SPDX-License-Identifier: Apache-2.0 */
/* The queue for the node, in which what edges push and gateways relay waits, of all sessions. */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

bool rv_upstream_keep(rv_upstream *s, rv_bytes body, rv_waiting_kind kind) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(shared->waiting_count <= WAITING_MAX && shared->waiting_len <= WAITING_MEMORY);
    if (shared->waiting_count == WAITING_MAX || body.len > WAITING_MEMORY - shared->waiting_len) {
        return false;
    }
    memcpy(shared->waiting_memory + shared->waiting_len, body.ptr, body.len);
    shared->waiting[shared->waiting_count] = (rv_waiting){s, kind, shared->waiting_len, body.len};
    shared->waiting_count += 1;
    shared->waiting_len += body.len;
    s->push.waiting += kind == RV_WAITING_PUSH;
    s->relay.waiting += kind == RV_WAITING_RELAY;
    return true;
}

/* RV_OK: it waits no more. */
static rv_status judge_waiting(const rv_upstream_shared *shared, rv_waiting *w) {
    const rv_bytes body = rv_bytes_of(shared->waiting_memory + w->at, w->len);
    rv_upstream *const s = w->session;
    if (s == NULL) {
        return RV_OK;
    }
    const bool push = w->kind == RV_WAITING_PUSH;
    RV_ASSERT(push ? s->push.waiting > 0 : s->relay.waiting > 0);
    const rv_status status =
        push ? rv_upstream_judge_push(s, body) : rv_upstream_judge_relay(s, body);
    if (status == RV_OK && w->session != NULL) {
        s->push.waiting -= push;
        s->relay.waiting -= !push;
        w->session = NULL;
    }
    return status;
}

void rv_upstream_retry(rv_upstream_shared *shared) {
    uint32_t done = 0;
    bool ready = true;
    RV_ASSERT(shared->waiting_count <= WAITING_MAX);
    while (done < shared->waiting_count && ready) {
        ready = judge_waiting(shared, &shared->waiting[done]) == RV_OK;
        done += ready;
    }
    if (done == 0) {
        return;
    }
    const size_t len =
        done < shared->waiting_count ? shared->waiting[done].at : shared->waiting_len;
    memmove(shared->waiting_memory, shared->waiting_memory + len, shared->waiting_len - len);
    shared->waiting_len -= len;
    shared->waiting_count -= done;
    for (uint32_t i = 0; i < shared->waiting_count; i++) {
        shared->waiting[i] = shared->waiting[i + done];
        RV_ASSERT(shared->waiting[i].at >= len);
        shared->waiting[i].at -= len;
    }
}

void rv_upstream_forget(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(shared->waiting_count <= WAITING_MAX);
    for (uint32_t i = 0; i < shared->waiting_count; i++) {
        if (shared->waiting[i].session == s) {
            shared->waiting[i].session = NULL;
        }
    }
    s->push.waiting = 0;
    s->relay.waiting = 0;
}

void rv_upstream_forget_pushes(rv_upstream *s) {
    rv_upstream_shared *const shared = s->shared;
    RV_ASSERT(shared->waiting_count <= WAITING_MAX);
    for (uint32_t i = 0; i < shared->waiting_count; i++) {
        if (shared->waiting[i].session == s && shared->waiting[i].kind == RV_WAITING_PUSH) {
            shared->waiting[i].session = NULL;
            s->push.waiting -= 1;
        }
    }
    RV_ASSERT(s->push.waiting == 0);
}
