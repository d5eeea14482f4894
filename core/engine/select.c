/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another selection for a node that is open (SEMANTICS 19; docs/selections.md): a record of the log
 * names it beside what is held, so it is still wanted when the node is opened again. Nothing else
 * happens here: who syncs the node sees that rv_node_selections has moved and asks for it, and what
 * is held becomes another thing when the base for it has ended (engine/base.c).
 *
 *     held A -- select B --> held A, wanted B -- base of B ends --> held B
 *                  ^              |
 *                  \-- select C --/  a base of B that is under way may still end: then held B
 *
 * Where entries of streams are only given up, nothing has to come: what is left is held at once, at
 * W, and the rows of the others go (decision 33). Who syncs the node sees it by
 * rv_node_selection_swaps, and connects again. So nothing is held that is not fed, whatever becomes
 * of rights meanwhile. Rows of SHARED aggregates that are folded here have in them what several
 * streams wrote: for what is wanted a base is waited for then, and for what is forbidden the node
 * is not whole until it has come.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

uint64_t rv_node_selections(const rv_node *node) {
    RV_ASSERT(node != NULL);
    return node->held.serial;
}

/* What is held for the entries that are not there any more goes. Outside of a transaction. */
static rv_status drop_rest(rv_node *node, rv_error *err) {
    const rv_node_held *const held = &node->held;
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    rv_node_give(node);
    rv_state_base_discard(node->state);
    rv_arena_reset(&node->scratch, 0);
    return rv_state_base_narrow(node->state, held->patterns, held->pattern_count, &node->scratch,
                                err);
}

/* True when rows are folded here that several streams may have written. */
static bool folds_shared(const rv_node *node) {
    const uint16_t count = rv_schema_aggregate_count(node->schema);
    bool folds = false;
    for (uint16_t i = 0; i < count && !folds; i += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(node->schema, i);
        const rv_select like = {.kind = RV_SELECT_AGGREGATE, .name = aggregate->name};
        folds = aggregate->shared && rv_selection_find(&node->held.selection, &like) == NULL;
    }
    return folds;
}

/* `rest`, whose texts may lie in scratch, is what is held from now on. */
static rv_status narrow(rv_node *node, const rv_selection *rest, rv_error *err) {
    rv_error local;
    rv_error *const e = err == NULL ? &local : err;
    rv_outbox_lift(node);
    const bool whole = rv_held_narrow(&node->held, rest, rv_log_watermark(node->log));
    if (!whole || folds_shared(node)) { /* what others made of the rows cannot be taken out */
        rv_held_lose_rows(&node->held);
    }
    rv_status status = drop_rest(node, e);
    if (status != RV_OK) {
        node->hidden = true;
        status = rv_node_fail(node, e);
    }
    node->outbox.held_version = 0; /* what is held is to be measured again */
    return status;
}

rv_status rv_node_replay_selection(rv_node *node, const rv_record *record, rv_error *err) {
    const rv_status status = rv_held_meet(&node->held, record->flags, record->body, err);
    RV_ASSERT(record->kind == RV_RECORD_SELECTION);
    if (status != RV_OK || (record->flags & RV_RECORD_SELECTION_NARROWS) == 0) {
        return status;
    }
    if (node->role != RV_ROLE_EDGE) {
        return rv_error_set(err, RV_DATA_DAMAGED, "the log of a root gives up what it holds");
    }
    rv_past *const past = &node->held.past;
    const rv_status dropped = drop_rest(node, err);
    past->lost = past->lost_all || (past->lost && rv_state_is_short(node->state));
    return dropped;
}

/* Texts may lie in scratch. `rest`: what is held from now on; NULL: what is held now. */
static rv_status become_wanted(rv_node *node, const rv_selection *selection,
                               const rv_selection *rest, rv_error *err) {
    if (rest == NULL && rv_selection_equal(selection, rv_held_wanted(&node->held))) {
        return RV_OK;
    }
    if (!rv_log_has_identity(node->log)) {
        return rv_held_start_with(&node->held, selection, err);
    }
    rv_writer body;
    rv_status status = rv_node_ledger_begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    status = rv_held_wish(&node->held, selection, err);
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return status;
    }
    rv_checkpoints_overtake(node); /* its words would be of another length than they were */
    const bool begins = rv_node_provisional(node);
    if (begins) {
        rv_outbox_lift(node);
        (void)rv_held_begin(&node->held);
        rest = NULL;
    }
    status = rest != NULL ? narrow(node, rest, err) : RV_OK;
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return status;
    }
    rv_node_write_selection(node, rest != NULL, &body);
    rv_node_ledger_commit(node, &body, NULL);
    node->held.logged = true;
    if (rest != NULL || begins) {
        rv_outbox_received(node, NULL, true);
    }
    return RV_OK;
}

static rv_status check(rv_node *node, rv_error *err) {
    const rv_status status = rv_node_check_writable(node, err);
    if (status != RV_OK) {
        return status;
    }
    if (node->role != RV_ROLE_EDGE) {
        return rv_error_set(err, RV_UNSUPPORTED, "a root holds everything, and selects nothing");
    }
    return node->receiving.active ? RV_BUSY : RV_OK;
}

rv_status rv_node_select(rv_node *node, const rv_bytes *entries, size_t count, rv_error *err) {
    rv_status status = check(node, err);
    rv_selection selection = {.count = 0};
    RV_ASSERT(entries != NULL || count == 0);
    if (status == RV_OK && (count == 0 || count > RV_SELECTION_ENTRIES_MAX)) {
        return rv_error_set(err, RV_SELECTION_INVALID, "a selection has 1 to %u entries",
                            (uint64_t)RV_SELECTION_ENTRIES_MAX);
    }
    rv_arena_reset(&node->scratch, 0);
    for (size_t i = 0; i < count && status == RV_OK; i += 1) {
        status = rv_selection_add(&selection, entries[i], &node->scratch, err);
    }
    const rv_node_held *const held = &node->held;
    if (status == RV_OK && rv_selection_equal(&selection, rv_held_wanted(held))) {
        node->held.serial += 1; /* a refusal that is under way was of what was wanted before */
    }
    const bool narrows = status == RV_OK && rv_log_has_identity(node->log) && !held->past.filling &&
                         !folds_shared(node) && rv_selection_narrows(&held->selection, &selection);
    return status == RV_OK ? become_wanted(node, &selection, narrows ? &selection : NULL, err)
                           : status;
}

/* The entries but those like this one, in scratch. */
static rv_status without(rv_node *node, const rv_selection *selection, const rv_select *like,
                         rv_selection *rest) {
    bool fits = true;
    rest->count = 0;
    for (size_t i = 0; i < selection->count && fits; i += 1) {
        rv_select entry = selection->entries[i];
        if (entry.kind == like->kind && rv_bytes_equal(entry.name, like->name)) {
            continue;
        }
        entry.name = rv_arena_copy(&node->scratch, entry.name);
        fits = entry.name.ptr != NULL;
        if (entry.filter.len > 0) {
            entry.filter = rv_arena_copy(&node->scratch, entry.filter);
            fits = fits && entry.filter.ptr != NULL;
        }
        rest->entries[rest->count] = entry;
        rest->count += 1;
    }
    RV_ASSERT(rest->count <= selection->count);
    return fits ? RV_OK : RV_MEMORY_EXHAUSTED;
}

rv_status rv_node_select_without(rv_node *node, const rv_select *like, rv_error *err) {
    const rv_node_held *const held = &node->held;
    rv_selection wanted, rest;
    rv_status status = check(node, err);
    rv_arena_reset(&node->scratch, 0);
    status = status == RV_OK ? without(node, rv_held_wanted(held), like, &wanted) : status;
    status = status == RV_OK ? without(node, &held->selection, like, &rest) : status;
    if (status != RV_OK) {
        return status;
    }
    const bool narrows =
        rv_log_has_identity(node->log) && rv_selection_narrows(&held->selection, &rest);
    if (wanted.count == 0 || (!narrows && wanted.count == rv_held_wanted(held)->count)) {
        return RV_NOT_FOUND;
    }
    return become_wanted(node, &wanted, narrows ? &rest : NULL, err);
}

rv_status rv_node_select_back(rv_node *node, rv_bytes bytes, rv_error *err) {
    rv_selection selection;
    rv_status status = check(node, err);
    status = status == RV_OK ? rv_selection_decode(bytes, &selection, err) : status;
    RV_ASSERT(status != RV_OK || selection.count > 0);
    return status == RV_OK ? become_wanted(node, &selection, NULL, err) : status;
}
