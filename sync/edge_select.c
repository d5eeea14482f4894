/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node is to hold, and how the upstream comes to know it: the hello's patterns when that
 * is all of it; else a selection message behind the welcome; and when the node is told to hold
 * something else while it is connected, a select message (docs/format/wire.md).
 *
 *     told A -- the node wants B --> asked for B -- selected --> told B
 *       |                                 \------- refused ----> told A, and the node wants A again
 *       \-- the node holds less than A --> another connection
 *
 * The answer comes in its place among the events and parts of bases: a base that begins before it
 * is for A, one that begins behind it for B. So it waits with them when they wait, and costs
 * credit. One select message is under way at a time.
 */
#include "sync/edge_internal.h"

#include "core/base/assert.h"

static bool has_aggregates(const rv_selection *selection) {
    bool has = false;
    for (size_t i = 0; i < selection->count && !has; i++) {
        has = selection->entries[i].kind == RV_SELECT_AGGREGATE;
    }
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    return has;
}

/* What the node is to hold next: nothing else before the past of what it holds is filled in. */
static const rv_selection *next_of(const rv_edge *e) {
    return rv_node_fill_of(e->node).active ? rv_node_selection(e->node)
                                           : rv_node_selection_wanted(e->node);
}

static bool has_changed(const rv_edge *e) {
    return !rv_selection_equal(rv_node_selection(e->node), next_of(e));
}

bool rv_edge_wants_selection(const rv_edge *e) {
    RV_ASSERT(e->node != NULL);
    return !rv_node_whole(e->node) || has_changed(e) || has_aggregates(rv_node_selection(e->node));
}

/* The upstream knows of this selection. */
static void note_told(rv_edge *e, const rv_selection *selection) {
    rv_edge_select *const s = &e->select;
    rv_writer w = rv_writer_over(s->told, sizeof s->told);
    rv_selection_encode(selection, &w);
    RV_ASSERT(!w.full);
    s->told_len = w.len;
}

void rv_edge_select_begin(rv_edge *e) {
    rv_edge_select *const s = &e->select;
    RV_ASSERT(e->status.state == RV_EDGE_CONNECTING);
    s->agreed = false;
    s->announced = false;
    s->by_message = false;
    s->number = 0;
    s->waits = false;
}

void rv_edge_select_hello(rv_edge *e, rv_wire_hello *hello) {
    rv_edge_select *const s = &e->select;
    s->announced = rv_edge_wants_selection(e);
    hello->features |= s->announced ? RV_WIRE_FEATURE_SELECTION : 0;
    note_told(e, rv_node_selection(e->node));
    s->back = s->back && s->serial == rv_node_selections(e->node); /* or it wants yet another one */
    s->serial = rv_node_selections(e->node);
    s->hello = s->serial;
    rv_edge_select_swapped(e);
    RV_ASSERT(s->number == 0);
}

/* The connection ends, and the next hello has the selection. */
static rv_status ask_anew(rv_edge *e, rv_error *err) {
    RV_ASSERT(e->status.state != RV_EDGE_ERROR);
    e->at_once = true;
    return rv_error_set(err, RV_UPSTREAM_UNREACHABLE,
                        "another selection is asked for with another connection");
}

void rv_edge_select_swapped(rv_edge *e) {
    RV_ASSERT(e->node != NULL);
    e->select.swaps = rv_node_selection_swaps(e->node);
}

rv_status rv_edge_select_check(rv_edge *e, rv_error *err) {
    RV_ASSERT(e->status.state == RV_EDGE_CONNECTED);
    return e->select.swaps == rv_node_selection_swaps(e->node) ? RV_OK : ask_anew(e, err);
}

rv_status rv_edge_select_welcome(rv_edge *e, const rv_wire_welcome *welcome, rv_error *err) {
    rv_edge_select *const s = &e->select;
    if (s->announced && (welcome->features & RV_WIRE_FEATURE_SELECTION) == 0) {
        return rv_error_set(err, RV_UNSUPPORTED,
                            "the upstream's version serves streams with their whole history only");
    }
    rv_selection told;
    RV_ASSERT(s->number == 0);
    if (rv_selection_decode(rv_bytes_of(s->told, s->told_len), &told, NULL) != RV_OK ||
        !rv_selection_equal(&told, rv_node_selection(e->node))) {
        /* a node takes another selection at once before its first contact, or if it is less */
        return ask_anew(e, err);
    }
    s->agreed = welcome->selects;
    rv_edge_fill_begin(e, welcome);
    e->owed.selection = s->announced;
    return RV_OK;
}

void rv_edge_write_selection(rv_edge *e, rv_writer *w) {
    const rv_state *const state = rv_node_state(e->node);
    const rv_base_progress base = rv_state_base_progress(state);
    const bool changed = has_changed(e) || rv_node_lost(e->node);
    const bool whole = rv_node_whole(e->node);
    rv_wire_selection m = {.whole = whole && !changed,
                           .changed = changed,
                           .shows = whole && has_aggregates(rv_node_selection(e->node)),
                           .position = base.position,
                           .cursor = base.cursor};
    m.selection = *next_of(e);
    note_told(e, &m.selection);
    e->select.serial = rv_node_selections(e->node);
    rv_arena scratch = rv_arena_over(w->ptr, w->cap);
    rv_bytes begun = {NULL, 0};
    RV_ASSERT(w->len == 0);
    if (base.under_way && base.parts > 0 &&
        rv_state_base_selection(state, &scratch, &begun) == RV_OK) {
        m.under_way = rv_bytes_equal(begun, rv_bytes_of(e->select.told, e->select.told_len));
    }
    rv_wire_write_selection(w, &m);
    RV_ASSERT(!w->full);
}

/* Another selection is wanted than the upstream knows, or was asked for. */
static bool is_due(const rv_edge *e) {
    const rv_edge_select *const s = &e->select;
    return e->status.state == RV_EDGE_CONNECTED && !e->owed.selection && !s->waits && !s->back &&
           s->swaps == rv_node_selection_swaps(e->node) &&
           s->serial != rv_node_selections(e->node) && !rv_node_fill_of(e->node).active;
}

bool rv_edge_select_send(rv_edge *e, rv_bytes *message) {
    rv_edge_select *const s = &e->select;
    if (!is_due(e) || !s->agreed) {
        return false;
    }
    rv_writer w = rv_writer_over(s->asked, sizeof s->asked);
    rv_wire_begin_select(&w, s->number + 1);
    s->asked_at = w.len;
    rv_selection_encode(rv_node_selection_wanted(e->node), &w);
    RV_ASSERT(!w.full && w.len > s->asked_at);
    s->asked_len = w.len - s->asked_at;
    s->serial = rv_node_selections(e->node);
    const rv_bytes selection = rv_bytes_of(s->asked + s->asked_at, s->asked_len);
    if (rv_bytes_equal(selection, rv_bytes_of(s->told, s->told_len))) {
        return false;
    }
    s->number += 1;
    s->waits = true;
    *message = rv_writer_bytes(&w);
    return true;
}

rv_status rv_edge_select_take(rv_edge *e, rv_bytes body, rv_error *err) {
    rv_edge_select *const s = &e->select;
    rv_wire_selected m;
    const rv_status status = rv_wire_read_selected(body, &m, err);
    if (status != RV_OK) {
        return status;
    }
    if (!s->waits || m.number != s->number || e->receiving) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream answered a selection out of turn");
    }
    s->waits = false;
    s->refused = m.error;
    if (m.refused) {
        s->back = true;
        return RV_OK;
    }
    RV_ASSERT(s->asked_len <= sizeof s->told);
    memcpy(s->told, s->asked + s->asked_at, s->asked_len);
    s->told_len = s->asked_len;
    s->by_message = true;
    return RV_OK;
}

rv_status rv_edge_select_poll(rv_edge *e, rv_error *err) {
    rv_edge_select *const s = &e->select;
    const rv_status held = rv_edge_select_check(e, err);
    if (held != RV_OK) {
        return held;
    }
    if (s->back && s->serial != rv_node_selections(e->node)) {
        s->back = false; /* it wants yet another one */
    }
    if (s->back) {
        const rv_status status =
            rv_node_select_back(e->node, rv_bytes_of(s->told, s->told_len), err);
        s->back = status == RV_PENDING || status == RV_BUSY || status == RV_STORAGE_FULL;
        s->serial = s->back ? s->serial : rv_node_selections(e->node);
    }
    if (!is_due(e) || (s->agreed && !e->stalled)) {
        return RV_OK;
    }
    return ask_anew(e, err); /* it takes no select messages, or there is no credit to answer */
}

void rv_edge_select_part(const rv_edge *e, rv_base_part *part) {
    const rv_edge_select *const s = &e->select;
    rv_selection told;
    RV_ASSERT(part->first);
    part->selection = rv_bytes_of(s->told, s->told_len);
    if (s->by_message && rv_selection_decode(part->selection, &told, NULL) == RV_OK) {
        part->keeps = !rv_selection_equal(&told, rv_node_selection(e->node));
    }
}

bool rv_edge_select_mends(const rv_edge *e) {
    const rv_status reason = e->status.reason.status;
    RV_ASSERT(e->status.state == RV_EDGE_ERROR);
    return (reason == RV_SELECTION_INVALID || reason == RV_UNSUPPORTED) &&
           rv_node_failed(e->node, NULL) == RV_OK &&
           e->select.serial != rv_node_selections(e->node);
}
