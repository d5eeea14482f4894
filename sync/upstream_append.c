/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarded appends at the upstream: judged when they come, or when the node is ready; answered
 * when they are durable, from the log, so that nothing of an answer is kept meanwhile. And the
 * queue for the node, in which appends and pushes of all sessions wait.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

static rv_answer *answer_of(rv_upstream *s, uint64_t request, bool used) {
    rv_answer *found = NULL;
    for (uint32_t i = 0; i < ANSWERS_MAX && found == NULL; i++) {
        rv_answer *const a = &s->answers[i];
        found = a->used == used && (!used || a->request == request) ? a : NULL;
    }
    RV_ASSERT(found == NULL || found->used == used);
    return found;
}

/* Keeps a refusal to be sent; where the whole of it has no room, its code has: as many short ones
 * as there can be appends under way always fit. */
static void refuse(rv_upstream *s, uint64_t request, const rv_error *error) {
    rv_wire_appended answer = {.request = request, .outcome = RV_WIRE_REFUSED, .refusal = *error};
    const size_t reserve = (size_t)ANSWERS_MAX * REFUSAL_SHORT;
    const size_t room = sizeof s->refusals - s->refusals_len - 4;
    RV_ASSERT(s->refusal_count < ANSWERS_MAX && s->refusals_len + 4 <= sizeof s->refusals);
    rv_writer w = rv_writer_over(s->refusals + s->refusals_len + 4, room);
    rv_wire_write_appended(&w, &answer);
    if (w.full || w.len + reserve > room) {
        answer.refusal.detail_len = 0;
        answer.refusal.facts_len = 0;
        w = rv_writer_over(s->refusals + s->refusals_len + 4, room);
        rv_wire_write_appended(&w, &answer);
    }
    RV_ASSERT(!w.full);
    rv_store_u32(s->refusals + s->refusals_len, (uint32_t)w.len);
    s->refusals_len += 4 + w.len;
    s->refusal_count += 1;
}

/* Gives the body to the node. RV_PENDING: it must be given again. */
static rv_status judge(rv_upstream *s, rv_bytes body) {
    rv_upstream_shared *const shared = s->shared;
    rv_wire_append append;
    rv_error error = {.status = RV_OK};
    rv_status status = rv_wire_read_append(body, &append, &error);
    RV_ASSERT(status == RV_OK && append.count <= RV_WIRE_APPEND_EVENTS_MAX);
    for (uint64_t i = 0; i < append.count; i++) {
        const bool good = rv_wire_read_append_event(&append.events, &shared->appends[i]);
        RV_ASSERT(good);
    }
    rv_answer *const answer = answer_of(s, append.request, true);
    RV_ASSERT(answer != NULL && !answer->accepted);
    status = rv_upstream_is_gateway(shared)
                 ? rv_error_set(&error, RV_UNSUPPORTED, "a gateway forwards no appends")
                 : rv_node_append(shared->node, shared->appends, (size_t)append.count,
                                  shared->results, &error);
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_PENDING;
    }
    if (status != RV_OK) {
        answer->used = false;
        refuse(s, append.request, &error);
        return RV_OK;
    }
    const rv_event *const last = &shared->results[append.count - 1];
    answer->accepted = true;
    answer->first_sequence = shared->results[0].sequence;
    answer->last_sequence = last->sequence;
    answer->last_position = last->position;
    answer->count = (uint32_t)append.count;
    s->urgent = last->position > s->urgent ? last->position : s->urgent;
    return RV_OK;
}

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

/* Appends of the session that the edge has no answer to. */
static uint32_t under_way(const rv_upstream *s) {
    uint32_t count = s->refusal_count;
    for (uint32_t i = 0; i < ANSWERS_MAX; i++) {
        count += s->answers[i].used;
    }
    RV_ASSERT(count <= ANSWERS_MAX);
    return count;
}

rv_status rv_upstream_take_append(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_append append;
    const rv_status status = rv_wire_read_append(body, &append, err);
    if (status != RV_OK) {
        return status;
    }
    rv_answer *const answer = answer_of(s, 0, false);
    if (answer == NULL || answer_of(s, append.request, true) != NULL ||
        under_way(s) == ANSWERS_MAX) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the edge has more than %u appends under way, or one twice",
                            (uint64_t)ANSWERS_MAX);
    }
    *answer = (rv_answer){.request = append.request, .used = true};
    rv_upstream_retry_appends(s->shared);
    const bool first = s->shared->waiting_count == 0;
    if (first && judge(s, body) == RV_OK) {
        return RV_OK;
    }
    if (!rv_upstream_keep(s, body, RV_WAITING_APPEND)) {
        rv_error busy;
        (void)rv_error_set(&busy, RV_BUSY, "too many appends wait at the upstream; try again");
        answer->used = false;
        refuse(s, append.request, &busy);
    }
    RV_ASSERT(s->refusals_len <= sizeof s->refusals);
    return RV_OK;
}

/* RV_OK: it waits no more. */
static rv_status judge_waiting(const rv_upstream_shared *shared, rv_waiting *w) {
    const rv_bytes body = rv_bytes_of(shared->waiting_memory + w->at, w->len);
    rv_upstream *const s = w->session;
    if (s == NULL) {
        return RV_OK;
    }
    if (w->kind == RV_WAITING_APPEND) {
        return judge(s, body);
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

void rv_upstream_retry_appends(rv_upstream_shared *shared) {
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

void rv_upstream_forget_appends(rv_upstream *s) {
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

/* Writes one accepted event from the log. */
static void write_event(rv_writer *w, rv_writer *data, const rv_schema *schema,
                        const rv_event *event, rv_bytes path) {
    const bool system = event->type == RV_SYSTEM_SCHEMA_TYPE;
    rv_wire_accepted e = {.position = event->position,
                          .version = event->version,
                          .path = path,
                          .type = RV_LITERAL(RV_SYSTEM_SCHEMA_TYPE_NAME),
                          .recorded_at = event->recorded_at};
    memcpy(e.event_id, event->event_id, sizeof e.event_id);
    data->len = 0;
    if (!system) {
        const rv_event_type *const type = rv_schema_event_type(schema, event->type);
        RV_ASSERT(type != NULL);
        e.type = type->name;
        rv_event_data_to_json(type, event->data, data);
    }
    e.data = rv_writer_bytes(data);
    w->full = w->full || data->full;
    rv_wire_write_accepted(w, &e);
}

/* Writes the answer with its events. RV_PENDING: the log is being read. */
static rv_status write_events(rv_upstream *s, const rv_answer *a, rv_writer *w) {
    rv_upstream_shared *const shared = s->shared;
    rv_subscription log;
    rv_event event;
    rv_bytes path;
    rv_writer data = rv_encoder_spare(shared->encoder);
    RV_ASSERT(a->accepted && a->first_sequence > 0);
    rv_subscription_open(&log, shared->node, NULL, 0, a->first_sequence);
    for (uint32_t i = 0; i < a->count && !w->full; i++) {
        const rv_status status = rv_subscription_next(&log, a->count, &event, &path, NULL);
        if (status != RV_OK) {
            return status;
        }
        write_event(w, &data, rv_node_schema(shared->node), &event, path);
    }
    return w->full ? RV_MESSAGE_TOO_LARGE : RV_OK;
}

/* Takes the first refusal out. */
static bool next_refusal(rv_upstream *s, rv_bytes *message) {
    if (s->refusals_len == 0) {
        return false;
    }
    const size_t len = rv_load_u32(s->refusals);
    RV_ASSERT(len + 4 <= s->refusals_len);
    memcpy(s->shared->message, s->refusals + 4, len);
    *message = rv_bytes_of(s->shared->message, len);
    s->refusals_len -= len + 4;
    s->refusal_count -= 1;
    memmove(s->refusals, s->refusals + len + 4, s->refusals_len);
    return true;
}

bool rv_upstream_answer(rv_upstream *s, rv_bytes *message) {
    const uint64_t durable = rv_node_sequence_durable(s->shared->node);
    RV_ASSERT(message != NULL);
    if (next_refusal(s, message)) {
        return true;
    }
    for (uint32_t i = 0; i < ANSWERS_MAX; i++) {
        rv_answer *const a = &s->answers[i];
        if (!a->used || !a->accepted || a->last_sequence > durable) {
            continue;
        }
        rv_wire_appended answer = {.request = a->request,
                                   .outcome = RV_WIRE_ACCEPTED,
                                   .position = a->last_position,
                                   .count = a->count};
        rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
        rv_wire_write_appended(&w, &answer);
        const bool in_a_row = a->last_sequence - a->first_sequence == a->count - 1;
        const rv_status status = in_a_row ? write_events(s, a, &w) : RV_MESSAGE_TOO_LARGE;
        if (status == RV_PENDING || status == RV_BUSY) {
            continue;
        }
        if (status != RV_OK) {
            answer.outcome = RV_WIRE_ACCEPTED_BARE;
            w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
            rv_wire_write_appended(&w, &answer);
        }
        RV_ASSERT(!w.full);
        a->used = false;
        *message = rv_writer_bytes(&w);
        return true;
    }
    return false;
}
