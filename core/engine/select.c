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
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

uint64_t rv_node_selections(const rv_node *node) {
    RV_ASSERT(node != NULL);
    return node->held.serial;
}

/* Its texts may lie in scratch. */
static rv_status become_wanted(rv_node *node, const rv_selection *selection, rv_error *err) {
    if (rv_selection_equal(selection, rv_held_wanted(&node->held))) {
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
    rv_node_write_selection(node, &body);
    rv_node_ledger_commit(node, &body, NULL);
    node->held.logged = true;
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
    return status == RV_OK ? become_wanted(node, &selection, err) : status;
}

rv_status rv_node_select_back(rv_node *node, rv_bytes bytes, rv_error *err) {
    rv_selection selection;
    rv_status status = check(node, err);
    status = status == RV_OK ? rv_selection_decode(bytes, &selection, err) : status;
    RV_ASSERT(status != RV_OK || selection.count > 0);
    return status == RV_OK ? become_wanted(node, &selection, err) : status;
}
