/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/wire_push.h"

#include "core/base/assert.h"

#define EXPECTED_BITS 0x03u /* of the flags: rv_expected_kind */

/* --- push --- */

void rv_wire_write_push(rv_writer *w, const rv_wire_push *push, const uint64_t *counted) {
    RV_ASSERT(push->incarnation > 0 && push->edge_sequence > 0 && push->schema_version > 0);
    RV_ASSERT(push->count >= 1 && push->count <= RV_PUSH_EVENTS_MAX);
    RV_ASSERT(push->counted_count <= RV_PUSH_COUNTED_MAX);
    rv_wire_begin(w, RV_WIRE_PUSH);
    rv_write_varint(w, push->incarnation);
    rv_write_varint(w, push->edge_sequence);
    rv_write_svarint(w, push->written_at);
    rv_write_varint(w, push->schema_version);
    rv_write_blob(w, push->principal);
    rv_write_varint(w, push->counted_count);
    uint64_t previous = 0;
    for (uint64_t i = 0; i < push->counted_count; i++) {
        RV_ASSERT(counted[i] > previous && counted[i] <= push->edge_sequence);
        rv_write_varint(w, counted[i] - previous);
        previous = counted[i];
    }
    rv_write_varint(w, push->count);
}

void rv_wire_write_pushed(rv_writer *w, const rv_append *e) {
    RV_ASSERT((uint32_t)e->expected <= EXPECTED_BITS);
    RV_ASSERT(e->has_event_id);
    rv_write_u8(w, (uint8_t)e->expected);
    if (e->expected == RV_EXPECTED_NUMBER) {
        rv_write_varint(w, e->expected_version);
    }
    rv_write(w, rv_bytes_of(e->event_id, sizeof e->event_id));
    rv_write_blob(w, e->path);
    rv_write_blob(w, e->type);
    rv_write_blob(w, e->metadata);
    rv_write_blob(w, e->data);
}

bool rv_wire_read_pushed(rv_cursor *c, rv_append *e) {
    const uint8_t flags = rv_read_u8(c);
    RV_ASSERT(e != NULL);
    memset(e, 0, sizeof *e);
    e->expected = (rv_expected_kind)(flags & EXPECTED_BITS);
    if (e->expected == RV_EXPECTED_NUMBER) {
        e->expected_version = rv_read_varint(c);
    }
    e->has_event_id = true;
    const rv_bytes id = rv_read(c, sizeof e->event_id);
    if (id.len == sizeof e->event_id) {
        memcpy(e->event_id, id.ptr, id.len);
    }
    e->path = rv_read_blob(c);
    e->type = rv_read_blob(c);
    e->metadata = rv_read_blob(c);
    e->data = rv_read_blob(c);
    RV_ASSERT(c->bad || c->ptr <= c->end);
    return !c->bad && (flags & ~EXPECTED_BITS) == 0 && e->path.len > 0 && e->path.ptr[0] == '/';
}

uint64_t rv_wire_read_counted(rv_cursor *c, uint64_t previous) {
    const uint64_t step = rv_read_varint(c);
    RV_ASSERT(c->ptr <= c->end);
    return c->bad || step == 0 || step > UINT64_MAX - previous ? 0 : previous + step;
}

/* The head, its list of counted ones included. */
static bool read_head(rv_cursor *c, rv_wire_push *push) {
    const uint64_t incarnation = rv_read_varint(c);
    push->incarnation = (uint32_t)incarnation;
    push->edge_sequence = rv_read_varint(c);
    push->written_at = rv_read_svarint(c);
    push->schema_version = rv_read_varint(c);
    push->principal = rv_read_blob(c);
    push->counted_count = rv_read_varint(c);
    if (c->bad || incarnation == 0 || incarnation > UINT32_MAX || push->edge_sequence == 0 ||
        push->edge_sequence > RV_POSITION_MAX || !rv_event_time_valid(push->written_at) ||
        push->schema_version == 0 || push->principal.len > RV_PRINCIPAL_LEN_MAX ||
        push->counted_count > RV_PUSH_COUNTED_MAX) {
        return false;
    }
    push->counted = *c;
    uint64_t counted = 0;
    for (uint64_t i = 0; i < push->counted_count; i++) {
        counted = rv_wire_read_counted(c, counted);
        if (counted == 0 || counted > push->edge_sequence) {
            return false;
        }
    }
    push->count = rv_read_varint(c);
    push->events = *c;
    RV_ASSERT(push->counted.ptr <= push->events.ptr);
    return !c->bad && push->count >= 1 && push->count <= RV_PUSH_EVENTS_MAX;
}

rv_status rv_wire_read_push(rv_bytes body, rv_wire_push *push, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(push != NULL);
    memset(push, 0, sizeof *push);
    if (body.len + RV_WIRE_HEADER_LEN > RV_PUSH_LEN_MAX || !read_head(&c, push)) {
        return rv_wire_malformed(err, "push");
    }
    for (uint64_t i = 0; i < push->count; i++) {
        rv_append event;
        if (!rv_wire_read_pushed(&c, &event)) {
            return rv_wire_malformed(err, "push");
        }
    }
    return rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "push");
}

/* --- decision --- */

void rv_wire_write_decision(rv_writer *w, const rv_wire_decision *d) {
    RV_ASSERT(d->edge_sequence > 0 && d->outcome <= RV_WIRE_DECIDED_AGAIN);
    rv_wire_begin(w, RV_WIRE_DECISION);
    rv_write_varint(w, d->edge_sequence);
    rv_write_u8(w, (uint8_t)d->outcome);
    if (d->outcome == RV_WIRE_DECIDED_ACCEPTED) {
        RV_ASSERT(d->position > 0);
        rv_write_varint(w, d->position);
    } else if (d->outcome == RV_WIRE_DECIDED_REFUSED) {
        rv_wire_write_failure(w, &d->refusal);
    }
}

rv_status rv_wire_read_decision(rv_bytes body, rv_wire_decision *d, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(d != NULL);
    memset(d, 0, sizeof *d);
    d->edge_sequence = rv_read_varint(&c);
    const uint8_t outcome = rv_read_u8(&c);
    bool good = !c.bad && d->edge_sequence > 0 && outcome <= RV_WIRE_DECIDED_AGAIN;
    d->outcome = (rv_wire_decided)outcome;
    if (good && d->outcome == RV_WIRE_DECIDED_ACCEPTED) {
        d->position = rv_read_varint(&c);
        good = d->position > 0 && d->position <= RV_POSITION_MAX;
    } else if (good && d->outcome == RV_WIRE_DECIDED_REFUSED) {
        good = rv_wire_read_failure(&c, &d->refusal);
    }
    return good && rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "decision");
}

/* --- settled --- */

void rv_wire_write_settled(rv_writer *w, uint64_t edge_sequence) {
    RV_ASSERT(edge_sequence > 0);
    rv_wire_begin(w, RV_WIRE_SETTLED);
    rv_write_varint(w, edge_sequence);
}

rv_status rv_wire_read_settled(rv_bytes body, uint64_t *edge_sequence, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(edge_sequence != NULL);
    *edge_sequence = rv_read_varint(&c);
    return rv_cursor_done(&c) && *edge_sequence > 0 ? RV_OK : rv_wire_malformed(err, "settled");
}
