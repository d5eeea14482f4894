/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/wire_append.h"

#include "core/base/assert.h"

#define HAS_EVENT_ID  0x04u /* beside the two bits of rv_expected_kind */
#define EXPECTED_BITS 0x03u

void rv_wire_write_append(rv_writer *w, uint64_t request, const rv_append *events, size_t count) {
    RV_ASSERT(count >= 1 && count <= RV_WIRE_APPEND_EVENTS_MAX);
    rv_wire_begin(w, RV_WIRE_APPEND);
    rv_write_varint(w, request);
    rv_write_varint(w, 0); /* length of the principal, which has none yet */
    rv_write_varint(w, count);
    for (size_t i = 0; i < count; i++) {
        const rv_append *const e = &events[i];
        RV_ASSERT((uint32_t)e->expected <= EXPECTED_BITS);
        rv_write_u8(w, (uint8_t)((uint32_t)e->expected | (e->has_event_id ? HAS_EVENT_ID : 0)));
        if (e->expected == RV_EXPECTED_NUMBER) {
            rv_write_varint(w, e->expected_version);
        }
        if (e->has_event_id) {
            rv_write(w, rv_bytes_of(e->event_id, sizeof e->event_id));
        }
        rv_write_blob(w, e->path);
        rv_write_blob(w, e->type);
        rv_write_blob(w, e->data);
        rv_write_blob(w, e->metadata);
    }
}

bool rv_wire_read_append_event(rv_cursor *c, rv_append *e) {
    const uint8_t flags = rv_read_u8(c);
    RV_ASSERT(e != NULL);
    memset(e, 0, sizeof *e);
    e->expected = (rv_expected_kind)(flags & EXPECTED_BITS);
    e->has_event_id = (flags & HAS_EVENT_ID) != 0;
    if (e->expected == RV_EXPECTED_NUMBER) {
        e->expected_version = rv_read_varint(c);
    }
    if (e->has_event_id) {
        const rv_bytes id = rv_read(c, sizeof e->event_id);
        if (id.len == sizeof e->event_id) {
            memcpy(e->event_id, id.ptr, id.len);
        }
    }
    e->path = rv_read_blob(c);
    e->type = rv_read_blob(c);
    e->data = rv_read_blob(c);
    e->metadata = rv_read_blob(c);
    RV_ASSERT(c->bad || c->ptr <= c->end);
    return !c->bad && (flags & ~(EXPECTED_BITS | HAS_EVENT_ID)) == 0;
}

rv_status rv_wire_read_append(rv_bytes body, rv_wire_append *append, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(append != NULL);
    append->request = rv_read_varint(&c);
    const rv_bytes principal = rv_read_blob(&c);
    append->count = rv_read_varint(&c);
    append->events = c;
    if (c.bad || principal.len > 0 || append->count < 1 ||
        append->count > RV_WIRE_APPEND_EVENTS_MAX) {
        return rv_wire_malformed(err, "append");
    }
    for (uint64_t i = 0; i < append->count; i++) {
        rv_append event;
        if (!rv_wire_read_append_event(&c, &event)) {
            return rv_wire_malformed(err, "append");
        }
    }
    return rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "append");
}

void rv_wire_write_appended(rv_writer *w, const rv_wire_appended *a) {
    RV_ASSERT(a->outcome <= RV_WIRE_ACCEPTED_BARE);
    rv_wire_begin(w, RV_WIRE_APPENDED);
    rv_write_varint(w, a->request);
    rv_write_u8(w, (uint8_t)a->outcome);
    if (a->outcome == RV_WIRE_REFUSED) {
        rv_wire_write_failure(w, &a->refusal);
        return;
    }
    rv_write_varint(w, a->position);
    rv_write_varint(w, a->outcome == RV_WIRE_ACCEPTED ? a->count : 0);
    RV_ASSERT(a->position > 0);
}

void rv_wire_write_accepted(rv_writer *w, const rv_wire_accepted *e) {
    RV_ASSERT(e->position > 0 && e->version > 0);
    rv_write_varint(w, e->position);
    rv_write_varint(w, e->version);
    rv_write_blob(w, e->path);
    rv_write_blob(w, e->type);
    rv_write(w, rv_bytes_of(e->event_id, sizeof e->event_id));
    rv_write_svarint(w, e->recorded_at);
    rv_write_blob(w, e->data);
}

bool rv_wire_read_accepted(rv_cursor *c, rv_wire_accepted *e) {
    RV_ASSERT(e != NULL);
    memset(e, 0, sizeof *e);
    e->position = rv_read_varint(c);
    e->version = rv_read_varint(c);
    e->path = rv_read_blob(c);
    e->type = rv_read_blob(c);
    const rv_bytes id = rv_read(c, sizeof e->event_id);
    if (id.len == sizeof e->event_id) {
        memcpy(e->event_id, id.ptr, id.len);
    }
    e->recorded_at = rv_read_svarint(c);
    e->data = rv_read_blob(c);
    RV_ASSERT(c->bad || c->ptr <= c->end);
    return !c->bad && e->position > 0 && e->version > 0 && rv_event_time_valid(e->recorded_at);
}

rv_status rv_wire_read_appended(rv_bytes body, rv_wire_appended *a, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(a != NULL);
    memset(a, 0, sizeof *a);
    a->request = rv_read_varint(&c);
    const uint8_t outcome = rv_read_u8(&c);
    a->outcome = (rv_wire_outcome)outcome;
    if (c.bad || outcome > RV_WIRE_ACCEPTED_BARE) {
        return rv_wire_malformed(err, "appended");
    }
    if (a->outcome == RV_WIRE_REFUSED) {
        const bool good = rv_wire_read_failure(&c, &a->refusal) && rv_cursor_done(&c);
        return good ? RV_OK : rv_wire_malformed(err, "appended");
    }
    a->position = rv_read_varint(&c);
    a->count = rv_read_varint(&c);
    a->events = c;
    const bool bare = a->outcome == RV_WIRE_ACCEPTED_BARE;
    if (c.bad || a->position == 0 || a->count > RV_WIRE_APPEND_EVENTS_MAX ||
        (a->count == 0) != bare) {
        return rv_wire_malformed(err, "appended");
    }
    for (uint64_t i = 0; i < a->count; i++) {
        rv_wire_accepted event;
        if (!rv_wire_read_accepted(&c, &event)) {
            return rv_wire_malformed(err, "appended");
        }
    }
    return rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "appended");
}
