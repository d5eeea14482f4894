/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of a module. An exchange's number names its place and how often that was used, so one
 * that has ended is not taken for the one that has its place now.
 */
#include "wasi/reactor_internal.h"

#include "core/base/assert.h"
#include "wasi/reactor_memory.h"

#define PLACE_BITS 8
#define USES_MAX   (INT32_MAX >> PLACE_BITS)

RV_STATIC_ASSERT(RV_REACTOR_EXCHANGES <= 1u << PLACE_BITS, "a number holds the place");

#define MEMBERS_MIN 11u /* behind them are those of commands, which may be left out */

/* The members of a request, one after the other. */
static bool parse_request(rv_bytes text, rv_request *request) {
    rv_bytes *const members[] = {&request->method,
                                 &request->target,
                                 &request->content_type,
                                 &request->accept,
                                 &request->event_type,
                                 &request->expected_version,
                                 &request->idempotency_key,
                                 &request->durability,
                                 &request->last_event_id,
                                 &request->metadata,
                                 &request->body,
                                 &request->command,
                                 &request->args,
                                 &request->run};
    size_t at = 0;
    memset(request, 0, sizeof *request);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (text.len - at < 4) {
            return i >= MEMBERS_MIN && at == text.len;
        }
        const uint32_t len = rv_load_u32(text.ptr + at);
        at += 4;
        if (len > text.len - at) {
            return false;
        }
        *members[i] = rv_bytes_of(text.ptr + at, len);
        at += len;
    }
    RV_ASSERT(at <= text.len);
    return at == text.len;
}

static rv_reactor_exchange *place_free(rv_reactor *r) {
    for (uint32_t i = 0; i < RV_REACTOR_EXCHANGES; i++) {
        rv_reactor_exchange *const e = &r->exchanges[i];
        if (e->exchange == NULL) {
            const int32_t uses = e->number >> PLACE_BITS;
            e->number = (int32_t)((uint32_t)(uses == USES_MAX ? 0 : uses + 1) << PLACE_BITS | i);
            e->answered = false;
            return e;
        }
    }
    return NULL;
}

static rv_reactor_exchange *exchange_of(rv_reactor *r, int32_t number) {
    const uint32_t place = (uint32_t)number & ((1u << PLACE_BITS) - 1);
    if (r->phase != RV_REACTOR_OPEN || number < 0 || place >= RV_REACTOR_EXCHANGES ||
        r->exchanges[place].exchange == NULL || r->exchanges[place].number != number) {
        return NULL;
    }
    return &r->exchanges[place];
}

int32_t rv_module_begin(const uint8_t *bytes, uint32_t len) {
    rv_reactor *const r = rv_reactor_enter();
    rv_request request;
    if (r->phase != RV_REACTOR_OPEN) {
        return -rv_reactor_misuse(r, "no database is open");
    }
    if (!rv_reactor_memory_holds(bytes, len) || !parse_request(rv_bytes_of(bytes, len), &request)) {
        return -rv_reactor_misuse(r, "a request is its members, each with its length before it");
    }
    if (request.body.len > RV_REQUEST_BODY_MAX) {
        return -(int32_t)rv_error_set(&r->error, RV_REQUEST_TOO_LARGE,
                                      "a request's body of %u bytes; the limit is %u",
                                      (uint64_t)request.body.len, (uint64_t)RV_REQUEST_BODY_MAX);
    }
    rv_reactor_exchange *const e = place_free(r);
    if (e == NULL) {
        return -(int32_t)rv_error_set(&r->error, RV_BUSY,
                                      "%u requests are under way, which is the limit; try again",
                                      (uint64_t)RV_REACTOR_EXCHANGES);
    }
    const rv_status status = rv_face_begin(r->instance.face, &request, &e->exchange, &r->error);
    RV_ASSERT(status == RV_OK); /* there are as many exchanges as places */
    return e->number;
}

int32_t rv_module_head(int32_t number) {
    rv_reactor *const r = rv_reactor_enter();
    rv_reactor_exchange *const e = exchange_of(r, number);
    if (e == NULL) {
        return -rv_reactor_misuse(r, "there is no such exchange");
    }
    rv_response_head head;
    if (rv_exchange_head(e->exchange, &head) == RV_PENDING) {
        return RV_PENDING;
    }
    RV_ASSERT(head.status >= 200 && head.status < 600);
    e->answered = true;
    return head.status;
}

int32_t rv_module_body(int32_t number, double now) {
    rv_reactor *const r = rv_reactor_enter();
    rv_reactor_exchange *const e = exchange_of(r, number);
    if (e == NULL || !e->answered) {
        return rv_reactor_misuse(r, "there is no such exchange, or its head was not asked for");
    }
    rv_writer w = rv_writer_over(r->buffer, sizeof r->buffer);
    const rv_status status = rv_exchange_body(e->exchange, rv_reactor_time(now), &w);
    if (status == RV_OK) {
        r->out = rv_writer_bytes(&w);
    } else if (status != RV_PENDING && status != RV_END) {
        (void)rv_error_set(&r->error, status, "the answer broke off: %s", rv_status_text(status));
    }
    return (int32_t)status;
}

int32_t rv_module_end(int32_t number) {
    rv_reactor *const r = rv_reactor_enter();
    rv_reactor_exchange *const e = exchange_of(r, number);
    if (e == NULL) {
        return rv_reactor_misuse(r, "there is no such exchange");
    }
    rv_face_end(e->exchange);
    e->exchange = NULL;
    return RV_OK;
}

void rv_reactor_requests_end(rv_reactor *r) {
    RV_ASSERT(r->phase == RV_REACTOR_OPEN);
    for (uint32_t i = 0; i < RV_REACTOR_EXCHANGES; i++) {
        if (r->exchanges[i].exchange != NULL) {
            rv_face_end(r->exchanges[i].exchange);
            r->exchanges[i].exchange = NULL;
        }
    }
}
