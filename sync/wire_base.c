/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/wire_base.h"

#include "core/base/assert.h"
#include "core/model/event.h"

#define SELECTION_UNDER_WAY 0x01u
#define SELECTION_WHOLE     0x02u
#define SELECTION_CHANGED   0x04u
#define SELECTION_SHOWS     0x08u
#define SELECTION_KNOWN     0x0fu
#define BASE_FIRST          0x01u
#define BASE_LAST           0x02u
#define FILLED_EVENTS       0x01u
#define FILLED_OVER         0x02u
#define FILLED_REFUSED      0x04u
#define FILLED_KNOWN        0x07u

void rv_wire_write_selection(rv_writer *w, const rv_wire_selection *m) {
    RV_ASSERT(m->position <= RV_POSITION_MAX);
    rv_wire_begin(w, RV_WIRE_SELECTION);
    rv_write_u8(
        w, (uint8_t)((m->under_way ? SELECTION_UNDER_WAY : 0) | (m->whole ? SELECTION_WHOLE : 0) |
                     (m->changed ? SELECTION_CHANGED : 0) | (m->shows ? SELECTION_SHOWS : 0)));
    if (m->under_way) {
        rv_write_varint(w, m->position);
        rv_write_varint(w, m->cursor);
    }
    rv_selection_encode(&m->selection, w);
}

rv_status rv_wire_read_selection(rv_bytes body, rv_wire_selection *m, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    const uint8_t flags = rv_read_u8(&c);
    m->under_way = (flags & SELECTION_UNDER_WAY) != 0;
    m->whole = (flags & SELECTION_WHOLE) != 0;
    m->changed = (flags & SELECTION_CHANGED) != 0;
    m->shows = (flags & SELECTION_SHOWS) != 0;
    m->position = m->under_way ? rv_read_varint(&c) : 0;
    m->cursor = m->under_way ? rv_read_varint(&c) : 0;
    if (c.bad || (flags & ~SELECTION_KNOWN) != 0 || (m->changed && m->whole) ||
        m->position > RV_POSITION_MAX) {
        return rv_wire_malformed(err, "selection");
    }
    return rv_selection_decode(rv_read(&c, rv_cursor_left(&c)), &m->selection, err);
}

void rv_wire_write_changes(rv_writer *w, rv_bytes items) {
    RV_ASSERT(items.len > 0);
    rv_wire_begin(w, RV_WIRE_CHANGES);
    rv_write(w, items);
}

void rv_wire_write_base(rv_writer *w, const rv_wire_base *m) {
    RV_ASSERT(m->position <= RV_POSITION_MAX);
    rv_wire_begin(w, RV_WIRE_BASE);
    rv_write_u8(w, (uint8_t)((m->first ? BASE_FIRST : 0) | (m->last ? BASE_LAST : 0)));
    rv_write_varint(w, m->position);
    rv_write_varint(w, m->cursor);
    rv_write(w, m->items);
}

rv_status rv_wire_read_base(rv_bytes body, rv_wire_base *m, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    const uint8_t flags = rv_read_u8(&c);
    m->first = (flags & BASE_FIRST) != 0;
    m->last = (flags & BASE_LAST) != 0;
    m->position = rv_read_varint(&c);
    m->cursor = rv_read_varint(&c);
    if (c.bad || flags > (BASE_FIRST | BASE_LAST) || m->position > RV_POSITION_MAX) {
        return rv_wire_malformed(err, "base");
    }
    m->items = rv_read(&c, rv_cursor_left(&c));
    return RV_OK;
}

void rv_wire_begin_select(rv_writer *w, uint64_t number) {
    RV_ASSERT(number > 0);
    rv_wire_begin(w, RV_WIRE_SELECT);
    rv_write_varint(w, number);
}

rv_status rv_wire_read_select(rv_bytes body, uint64_t *number, rv_bytes *selection, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(number != NULL && selection != NULL);
    *number = rv_read_varint(&c);
    if (c.bad || *number == 0) {
        return rv_wire_malformed(err, "select");
    }
    *selection = rv_read(&c, rv_cursor_left(&c));
    return RV_OK;
}

void rv_wire_write_selected(rv_writer *w, const rv_wire_selected *m) {
    RV_ASSERT(m->number > 0);
    rv_wire_begin(w, RV_WIRE_SELECTED);
    rv_write_varint(w, m->number);
    rv_write_u8(w, m->refused ? 1 : 0);
    if (m->refused) {
        rv_wire_write_failure(w, &m->error);
    }
}

rv_status rv_wire_read_selected(rv_bytes body, rv_wire_selected *m, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    memset(m, 0, sizeof *m);
    m->number = rv_read_varint(&c);
    const uint8_t outcome = rv_read_u8(&c);
    m->refused = outcome == 1;
    const bool told = !m->refused || rv_wire_read_failure(&c, &m->error);
    return told && rv_cursor_done(&c) && outcome <= 1 && m->number > 0
               ? RV_OK
               : rv_wire_malformed(err, "selected");
}

void rv_wire_write_past(rv_writer *w, const rv_wire_past *m) {
    RV_ASSERT(m->after <= m->until && m->until <= RV_POSITION_MAX);
    rv_wire_begin(w, RV_WIRE_PAST);
    rv_write_varint(w, m->after);
    rv_write_varint(w, m->until);
    rv_write_blob(w, m->all);
    rv_write_blob(w, m->have);
}

rv_status rv_wire_read_past(rv_bytes body, rv_wire_past *m, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    m->after = rv_read_varint(&c);
    m->until = rv_read_varint(&c);
    m->all = rv_read_blob(&c);
    m->have = rv_read_blob(&c);
    return rv_cursor_done(&c) && m->after <= m->until && m->until <= RV_POSITION_MAX
               ? RV_OK
               : rv_wire_malformed(err, "past");
}

void rv_wire_write_filled(rv_writer *w, const rv_wire_filled *m, bool events_follow) {
    RV_ASSERT(m->to <= RV_POSITION_MAX && !(m->refused && events_follow));
    rv_wire_begin(w, RV_WIRE_PAST);
    rv_write_u8(w, (uint8_t)((events_follow ? FILLED_EVENTS : 0) | (m->over ? FILLED_OVER : 0) |
                             (m->refused ? FILLED_REFUSED : 0)));
    rv_write_varint(w, m->to);
    if (m->refused) {
        rv_wire_write_failure(w, &m->error);
    }
}

rv_status rv_wire_read_filled(rv_bytes body, rv_wire_filled *m, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    memset(m, 0, sizeof *m);
    const uint8_t flags = rv_read_u8(&c);
    m->over = (flags & FILLED_OVER) != 0;
    m->refused = (flags & FILLED_REFUSED) != 0;
    m->to = rv_read_varint(&c);
    const bool told = !m->refused || rv_wire_read_failure(&c, &m->error);
    const bool events = (flags & FILLED_EVENTS) != 0;
    m->events = rv_read(&c, rv_cursor_left(&c));
    return told && !c.bad && (flags & ~FILLED_KNOWN) == 0 && m->to <= RV_POSITION_MAX &&
                   events == (m->events.len > 0) && !(m->refused && (events || m->over))
               ? RV_OK
               : rv_wire_malformed(err, "past");
}
