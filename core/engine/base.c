/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases at an edge: their parts are logged, wait in the state (core/state/base.h), and become rows
 * with the last one. Receiving and replaying do the same, so an edge that is opened again stands
 * where it was, in the middle of a base too.
 *
 *     not whole --- first part ---> under way --- last part ---> whole
 *               <--- W moves ------/
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

/* A part with its record fits a batch, and as it waits the memory of one event. */
static size_t part_max(const rv_node *node) {
    return node->batch_len_max / 4 * 3;
}

void rv_node_write_selection(rv_node *node, bool narrows, rv_writer *body) {
    rv_arena_reset(&node->scratch, 0);
    rv_writer w = rv_writer_over(node->scratch.ptr, node->scratch.cap);
    uint8_t flags = 0;
    rv_held_write(&node->held, node->held.state, &flags, &w);
    flags = (uint8_t)(flags | (narrows ? RV_RECORD_SELECTION_NARROWS : 0));
    rv_record_write(body, RV_RECORD_SELECTION, flags, rv_writer_bytes(&w), (rv_bytes){NULL, 0});
    RV_ASSERT(!w.full && !body->full); /* whole selections fit into any batch */
}

rv_status rv_node_log_selection(rv_node *node, rv_error *err) {
    rv_writer body;
    node->read_generation += 1; /* it may write, and what was written is kept where reads are */
    const rv_status status = rv_log_append_begin(node->log, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_node_write_selection(node, false, &body);
    rv_node_ledger_commit(node, &body, NULL);
    node->held.logged = true;
    return RV_OK;
}

void rv_node_base_settle(rv_node *node, uint64_t watermark) {
    const rv_base_progress base = rv_state_base_progress(node->state);
    if (base.under_way && base.position != watermark) {
        rv_state_base_discard(node->state);
    }
}

/* The selection of the base under way; its texts lie in scratch. */
static rv_status base_selection(rv_node *node, rv_selection *selection, rv_error *err) {
    rv_bytes bytes;
    rv_arena_reset(&node->scratch, 0);
    rv_status status = rv_state_base_selection(node->state, &node->scratch, &bytes);
    if (status == RV_OK) { /* the pages may change */
        bytes = rv_arena_copy(&node->scratch, bytes);
        status = bytes.ptr == NULL ? RV_MEMORY_EXHAUSTED : RV_OK;
    }
    return status == RV_OK ? rv_selection_decode(bytes, selection, err)
                           : rv_error_set(err, status, "a selection does not fit the memory");
}

/* Which aggregates the base under way has. */
static void give_base(rv_node *node, const rv_selection *selection) {
    uint16_t given[RV_SELECTION_ENTRIES_MAX];
    const size_t count = rv_selection_given(selection, node->schema, given);
    rv_state_base_give(node->state, given, count);
}

rv_status rv_node_base_restored(rv_node *node, rv_error *err) {
    rv_selection selection;
    if (!rv_state_base_progress(node->state).under_way) {
        return RV_OK;
    }
    const rv_status status = base_selection(node, &selection, err);
    if (status == RV_OK) {
        give_base(node, &selection);
    }
    return status;
}

/* The parts become rows. A base of another selection takes the place of all that there is, as does
 * one that was taken because rows were missing. */
static rv_status end_base(rv_node *node, bool replaces, rv_error *err) {
    rv_selection selection;
    rv_status status = base_selection(node, &selection, err);
    rv_checkpoints_overtake(node); /* its words would be others */
    const bool all =
        status == RV_OK && (replaces || !rv_selection_equal(&selection, &node->held.selection));
    if (all) {
        status = rv_state_base_clear(node->state, &node->scratch, err);
        rv_opaque_reset(&node->opaque);
        node->held.past.narrowed = node->held.past.narrowed || node->held.past.lost_all;
        node->held.past.lost = false;
        node->held.past.lost_all = false;
    }
    const uint64_t position = rv_state_base_progress(node->state).position;
    status = status == RV_OK ? rv_held_become(&node->held, &selection, position, err) : status;
    if (status == RV_OK) {
        rv_node_give(node);
        rv_arena_reset(&node->scratch, 0); /* the selection's texts were copied */
        status = rv_state_base_apply(node->state, &node->scratch, err);
    }
    return status;
}

rv_status rv_node_base_end(rv_node *node, bool replaces, rv_error *err) {
    RV_ASSERT(rv_state_base_progress(node->state).under_way);
    rv_error local;
    rv_error *const e = err == NULL ? &local : err;
    const rv_status status = end_base(node, replaces, e);
    if (status != RV_OK) {
        node->hidden = true;
        return rv_node_fail(node, e);
    }
    node->outbox.held_version = 0; /* what is held is to be measured again */
    return RV_OK;
}

/* --- receiving --- */

static rv_status out_of_turn(rv_error *err, const rv_base_part *part) {
    const rv_status status =
        rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent a part of a base at %u out of turn",
                     part->position);
    rv_error_fact_uint(err, "position", part->position);
    return status;
}

/* A base is for who is not whole, has rows that are given and may have grown old, or is to hold
 * something else. */
static bool may_begin(const rv_node *node, const rv_selection *selection) {
    return !rv_held_is_whole(&node->held) || rv_selection_has_aggregates(&node->held.selection) ||
           !rv_selection_equal(&node->held.selection, selection);
}

/* For what the base that begins is. */
static rv_status selection_of(const rv_node *node, const rv_base_part *part,
                              rv_selection *selection, rv_error *err) {
    *selection = *rv_held_wanted(&node->held);
    return part->selection.len == 0 ? RV_OK : rv_selection_decode(part->selection, selection, err);
}

/* The record of a base that begins. */
static rv_status receive_begin(rv_node *node, const rv_base_part *part, rv_error *err) {
    rv_receiving *const r = &node->receiving;
    rv_selection wanted;
    rv_status status = selection_of(node, part, &wanted, err);
    if (status != RV_OK) {
        return status;
    }
    if (!may_begin(node, &wanted)) {
        return out_of_turn(err, part);
    }
    /* nothing is in this transaction yet, and a base may be too much for one to take back */
    rv_state_commit(node->state);
    rv_state_base_discard(node->state);
    rv_state_begin(node->state);
    uint8_t position[10];
    rv_writer head = rv_writer_over(position, sizeof position);
    rv_write_varint(&head, part->position);
    rv_arena_reset(&node->scratch, 0);
    rv_writer selection = rv_writer_over(node->scratch.ptr, node->scratch.cap);
    rv_selection_encode(&wanted, &selection);
    RV_ASSERT(!selection.full && !head.full);
    rv_record_write(&r->body, RV_RECORD_BASE_BEGIN, part->keeps ? RV_RECORD_BASE_KEEPS : 0,
                    rv_writer_bytes(&head), rv_writer_bytes(&selection));
    status = rv_state_base_begin(node->state, part->position, rv_writer_bytes(&selection), err);
    if (status == RV_OK) {
        give_base(node, &wanted);
        r->base_begins = true;
        r->base_keeps = part->keeps;
    }
    return status;
}

rv_status rv_node_receive_base(rv_node *node, const rv_base_part *part, rv_error *err) {
    rv_receiving *const r = &node->receiving;
    const rv_bytes nothing = {NULL, 0};
    rv_node_receive_fold(node);
    const rv_base_progress base = rv_state_base_progress(node->state);
    const bool goes_on = base.under_way && base.position == part->position;
    if (r->event_count > 0 || r->base || part->position != rv_log_watermark(node->log) ||
        (!part->first && !goes_on)) {
        return out_of_turn(err, part);
    }
    if (part->items.len > part_max(node)) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE,
                            "the upstream's part of a base is larger than this memory budget "
                            "takes: %u bytes",
                            (uint64_t)part_max(node));
    }
    rv_status status = part->first ? receive_begin(node, part, err) : RV_OK;
    uint8_t cursor[10];
    rv_writer head = rv_writer_over(cursor, sizeof cursor);
    rv_write_varint(&head, part->cursor);
    if (status == RV_OK) {
        rv_record_write(&r->body, RV_RECORD_BASE_PART, 0, rv_writer_bytes(&head), part->items);
        rv_arena_reset(&node->scratch, 0);
        status = rv_state_base_part(node->state, part->items, part->cursor, &node->scratch, err);
    }
    if (status == RV_OK && part->last) {
        rv_arena_reset(&node->scratch, 0);
        status = rv_state_base_room(node->state, &node->scratch, err);
    }
    if (status == RV_OK && part->last) {
        const uint8_t flags = node->held.past.lost ? RV_RECORD_BASE_REPLACES : 0;
        rv_record_write(&r->body, RV_RECORD_BASE_END, flags, nothing, nothing);
    }
    if (status == RV_OK && r->body.full) {
        status = rv_error_set(err, RV_BATCH_TOO_LARGE,
                              "the upstream's part of a base is too "
                              "large for this memory budget");
    }
    r->base = true;
    r->base_ends = part->last;
    return status == RV_DATA_DAMAGED
               ? rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent a malformed base")
               : status;
}

rv_status rv_node_receive_changes(rv_node *node, rv_bytes items, rv_error *err) {
    rv_receiving *const r = &node->receiving;
    rv_node_receive_fold(node);
    if (r->base) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent changes with a base");
    }
    rv_arena_reset(&node->scratch, 0);
    const rv_status status = rv_state_base_change(node->state, items, &node->scratch, err);
    if (status == RV_OK) {
        rv_record_write(&r->body, RV_RECORD_CHANGES, 0, items, (rv_bytes){NULL, 0});
        r->changed = true;
    }
    if (status == RV_OK && r->body.full) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE,
                            "the upstream's changes are larger than this memory budget takes: %u "
                            "bytes",
                            (uint64_t)node->batch_len_max);
    }
    return status == RV_DATA_DAMAGED
               ? rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent malformed changes")
               : status;
}

void rv_node_give(rv_node *node) {
    uint16_t given[RV_SELECTION_ENTRIES_MAX];
    const size_t count = rv_selection_given(&node->held.selection, node->schema, given);
    rv_state_give(node->state, given, count);
}

/* --- replaying --- */

static rv_status damaged(rv_error *err) {
    return rv_error_set(err, RV_DATA_DAMAGED, "the log holds a part of a base that is none");
}

/* A base begins, in place of one that was under way. */
static rv_status replay_begin(rv_node *node, const rv_record *record, rv_error *err) {
    rv_cursor c = rv_cursor_over(record->body);
    const uint64_t position = rv_read_varint(&c);
    rv_selection selection;
    if (c.bad || position > RV_POSITION_MAX) {
        return damaged(err);
    }
    const rv_bytes bytes = rv_read(&c, rv_cursor_left(&c));
    if (rv_selection_decode(bytes, &selection, NULL) != RV_OK) {
        return damaged(err);
    }
    rv_state_base_discard(node->state);
    node->base_short = false;
    node->base_short_given = false;
    if ((record->flags & RV_RECORD_BASE_KEEPS) == 0) {
        rv_held_base_begins(&node->held);
    }
    give_base(node, &selection);
    return rv_state_base_begin(node->state, position, bytes, err);
}

/* In a transaction, which the rows' functions ask for; nothing is taken back. */
static rv_status replay_changes(rv_node *node, rv_bytes items, rv_error *err) {
    rv_state_begin(node->state);
    const rv_status status = rv_state_base_change(node->state, items, &node->scratch, err);
    rv_state_commit(node->state);
    return status == RV_DATA_DAMAGED ? damaged(err) : status;
}

rv_status rv_node_replay_base(rv_node *node, const rv_record *record, rv_error *err) {
    const bool under_way = rv_state_base_progress(node->state).under_way;
    rv_arena_reset(&node->scratch, 0);
    if (record->kind != RV_RECORD_BASE_BEGIN && (record->flags & RV_RECORD_ITEMS_PURGED) != 0) {
        const bool given = (record->flags & RV_RECORD_ITEMS_GIVEN) != 0;
        node->held.past.lost = true;
        node->held.past.lost_all = node->held.past.lost_all || given;
        node->base_short = record->kind == RV_RECORD_BASE_PART || node->base_short;
        node->base_short_given =
            (record->kind == RV_RECORD_BASE_PART && given) || node->base_short_given;
    }
    if (record->kind == RV_RECORD_BASE_BEGIN) {
        return replay_begin(node, record, err);
    }
    if (record->kind == RV_RECORD_CHANGES) {
        return replay_changes(node, record->body, err);
    }
    if (!under_way) {
        return damaged(err);
    }
    if (record->kind == RV_RECORD_BASE_END) {
        const bool replaces = (record->flags & RV_RECORD_BASE_REPLACES) != 0;
        const rv_status status =
            record->body.len == 0 ? rv_node_base_end(node, replaces, err) : damaged(err);
        rv_past *const past = &node->held.past; /* it may be short of its own rows */
        past->lost = past->lost || node->base_short;
        past->lost_all = past->lost_all || node->base_short_given;
        return status;
    }
    RV_ASSERT(record->kind == RV_RECORD_BASE_PART);
    rv_cursor c = rv_cursor_over(record->body);
    const uint64_t cursor = rv_read_varint(&c);
    if (c.bad) {
        return damaged(err);
    }
    const rv_bytes items = rv_read(&c, rv_cursor_left(&c));
    return rv_state_base_part(node->state, items, cursor, &node->scratch, err);
}
