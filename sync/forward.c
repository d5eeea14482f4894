/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/forward.h"

#include "core/base/assert.h"

bool rv_forwards_create(rv_forwards *forwards, rv_arena *arena) {
    RV_ASSERT(forwards != NULL && arena != NULL);
    memset(forwards, 0, sizeof *forwards);
    forwards->heap = rv_arena_take_raw(arena, RV_FORWARD_HEAP);
    forwards->next_request = 1;
    return forwards->heap != NULL;
}

static rv_forward *find(rv_forwards *forwards, uint64_t request) {
    rv_forward *found = NULL;
    for (uint32_t i = 0; i < RV_FORWARDS_MAX; i++) {
        if (forwards->slots[i].state != RV_FORWARD_FREE && forwards->slots[i].request == request) {
            found = &forwards->slots[i];
        }
    }
    RV_ASSERT(found == NULL || found->request < forwards->next_request);
    return found;
}

/* Where the gap that begins at `at` ends. 0 when it begins inside of something. */
static size_t gap_end(const rv_forwards *forwards, size_t at) {
    size_t end = RV_FORWARD_HEAP;
    for (uint32_t i = 0; i < RV_FORWARDS_MAX; i++) {
        const rv_forward *const f = &forwards->slots[i];
        RV_ASSERT(f->at + f->len <= RV_FORWARD_HEAP);
        if (f->len > 0 && f->at <= at && at < f->at + f->len) {
            return 0;
        }
        if (f->len > 0 && f->at > at && f->at < end) {
            end = f->at;
        }
    }
    return end;
}

/* The largest gap: `*at`, and its length. Gaps begin at 0 and where something ends. */
static size_t largest_gap(const rv_forwards *forwards, size_t *at) {
    size_t best = gap_end(forwards, 0);
    *at = 0;
    for (uint32_t i = 0; i < RV_FORWARDS_MAX; i++) {
        const rv_forward *const f = &forwards->slots[i];
        const size_t begin = f->at + f->len;
        const size_t end = f->len > 0 && begin < RV_FORWARD_HEAP ? gap_end(forwards, begin) : 0;
        if (end > begin && end - begin > best) {
            best = end - begin;
            *at = begin;
        }
    }
    RV_ASSERT(*at + best <= RV_FORWARD_HEAP);
    return best;
}

rv_status rv_forwards_start(rv_forwards *forwards, const rv_append *events, size_t count,
                            uint64_t *request, rv_error *err) {
    rv_forward *slot = NULL;
    RV_ASSERT(count >= 1 && request != NULL);
    for (uint32_t i = 0; i < RV_FORWARDS_MAX && slot == NULL; i++) {
        slot = forwards->slots[i].state == RV_FORWARD_FREE ? &forwards->slots[i] : NULL;
    }
    if (slot == NULL) {
        return rv_error_set(err, RV_BUSY, "%u appends wait for the upstream; try again",
                            (uint64_t)RV_FORWARDS_MAX);
    }
    if (count > RV_WIRE_APPEND_EVENTS_MAX) {
        return rv_error_set(err, RV_REQUEST_TOO_LARGE,
                            "an edge forwards batches of at most %u events, not %u; append it at "
                            "the root",
                            (uint64_t)RV_WIRE_APPEND_EVENTS_MAX, (uint64_t)count);
    }
    size_t at = 0;
    const size_t room = largest_gap(forwards, &at);
    const size_t cap = room < RV_FORWARD_LEN_MAX ? room : RV_FORWARD_LEN_MAX;
    rv_writer w = rv_writer_over(forwards->heap + at, cap);
    rv_wire_write_append(&w, forwards->next_request, events, count);
    if (w.full && room < RV_FORWARD_LEN_MAX) {
        return rv_error_set(err, RV_BUSY,
                            "the appends that wait for the upstream take all the "
                            "memory there is for them; try again");
    }
    if (w.full) {
        return rv_error_set(err, RV_REQUEST_TOO_LARGE,
                            "an edge forwards batches of at most %u bytes; append it at the root",
                            (uint64_t)RV_FORWARD_LEN_MAX);
    }
    *slot = (rv_forward){RV_FORWARD_QUEUED, forwards->next_request, 0, at, w.len};
    *request = forwards->next_request;
    forwards->next_request += 1;
    return RV_OK;
}

bool rv_forwards_send(rv_forwards *forwards, rv_bytes *message) {
    rv_forward *first = NULL;
    RV_ASSERT(message != NULL);
    for (uint32_t i = 0; i < RV_FORWARDS_MAX; i++) {
        rv_forward *const f = &forwards->slots[i];
        if (f->state == RV_FORWARD_QUEUED && (first == NULL || f->request < first->request)) {
            first = f;
        }
    }
    if (first == NULL) {
        return false;
    }
    RV_ASSERT(first->len > 0);
    first->state = RV_FORWARD_SENT; /* its bytes stay until the answer takes their place */
    *message = rv_bytes_of(forwards->heap + first->at, first->len);
    return true;
}

rv_status rv_forwards_answer(rv_forwards *forwards, rv_bytes body, rv_error *err) {
    rv_wire_appended answer;
    const rv_status status = rv_wire_read_appended(body, &answer, err);
    if (status != RV_OK) {
        return status;
    }
    rv_forward *const f = find(forwards, answer.request);
    if (f != NULL && f->state == RV_FORWARD_ABANDONED) {
        f->state = RV_FORWARD_FREE;
        return RV_OK;
    }
    if (f == NULL || f->state != RV_FORWARD_SENT) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the peer answered request %u, which is not under way", answer.request);
    }
    f->len = 0;
    f->state = RV_FORWARD_ANSWERED;
    f->position = answer.position;
    size_t at = 0;
    if (largest_gap(forwards, &at) >= body.len) {
        memcpy(forwards->heap + at, body.ptr, body.len);
        f->at = at;
        f->len = body.len;
    }
    RV_ASSERT(f->at + f->len <= RV_FORWARD_HEAP);
    return RV_OK;
}

void rv_forwards_disconnect(rv_forwards *forwards) {
    RV_ASSERT(forwards->heap != NULL);
    for (uint32_t i = 0; i < RV_FORWARDS_MAX; i++) {
        rv_forward *const f = &forwards->slots[i];
        if (f->state == RV_FORWARD_QUEUED || f->state == RV_FORWARD_SENT) {
            f->state = f->state == RV_FORWARD_QUEUED ? RV_FORWARD_UNSENT : RV_FORWARD_LOST;
            f->len = 0;
        }
        f->state = f->state == RV_FORWARD_ABANDONED ? RV_FORWARD_FREE : f->state;
    }
}

/* What was answered. */
static rv_status tell(const rv_forwards *forwards, const rv_forward *f, rv_forwarded *events,
                      size_t cap, size_t *count, rv_error *err) {
    rv_wire_appended answer = {.outcome = RV_WIRE_ACCEPTED_BARE};
    RV_ASSERT(f->state == RV_FORWARD_ANSWERED && cap > 0);
    if (f->len > 0) {
        const rv_bytes body = rv_bytes_of(forwards->heap + f->at, f->len);
        const rv_status status = rv_wire_read_appended(body, &answer, err);
        RV_ASSERT(status == RV_OK); /* it was checked when it came */
    } else if (f->position == 0) {
        return rv_error_set(err, RV_OUTCOME_UNKNOWN, "there was no memory for the answer");
    }
    events[0] = (rv_forwarded){.position = f->position}; /* all that a bare answer says */
    if (answer.outcome == RV_WIRE_REFUSED) {
        if (err != NULL) {
            *err = answer.refusal;
        }
        return answer.refusal.status;
    }
    for (uint64_t i = 0; i < answer.count && i < cap; i++) {
        rv_wire_accepted e;
        const bool good = rv_wire_read_accepted(&answer.events, &e);
        RV_ASSERT(good);
        events[i] = (rv_forwarded){.position = e.position,
                                   .version = e.version,
                                   .path = e.path,
                                   .type = e.type,
                                   .recorded_at = e.recorded_at,
                                   .data = e.data};
        memcpy(events[i].event_id, e.event_id, sizeof e.event_id);
    }
    *count = (size_t)answer.count;
    return RV_OK;
}

rv_status rv_forwards_result(const rv_forwards *forwards, uint64_t request, uint64_t watermark,
                             rv_forwarded *events, size_t cap, size_t *count, rv_error *err) {
    const rv_forward *f = NULL;
    for (uint32_t i = 0; i < RV_FORWARDS_MAX; i++) {
        const rv_forward *const slot = &forwards->slots[i];
        f = slot->state != RV_FORWARD_FREE && slot->request == request ? slot : f;
    }
    RV_ASSERT(f != NULL && count != NULL);
    *count = 0;
    switch (f->state) {
    case RV_FORWARD_QUEUED:
    case RV_FORWARD_SENT:
        return RV_PENDING;
    case RV_FORWARD_UNSENT:
        return rv_error_set(err, RV_NOT_CONNECTED,
                            "the connection to the upstream ended before the append was sent");
    case RV_FORWARD_LOST:
        return rv_error_set(err, RV_OUTCOME_UNKNOWN,
                            "the connection to the upstream ended before its answer; retry with "
                            "the same event id");
    case RV_FORWARD_ANSWERED:
        return f->position > watermark ? RV_PENDING : tell(forwards, f, events, cap, count, err);
    case RV_FORWARD_ABANDONED:
    case RV_FORWARD_FREE:
        break;
    }
    RV_ASSERT(false);
    return RV_PENDING;
}

void rv_forwards_end(rv_forwards *forwards, uint64_t request) {
    rv_forward *const f = find(forwards, request);
    RV_ASSERT(f != NULL && f->state != RV_FORWARD_ABANDONED);
    const bool sent = f->state == RV_FORWARD_SENT;
    *f = (rv_forward){.state = sent ? RV_FORWARD_ABANDONED : RV_FORWARD_FREE, .request = request};
}
