/* SPDX-License-Identifier: Apache-2.0 */
/* What is not covered any more leaves the files: see engine/purge.h. */
#include "core/engine/purge.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

/* A failure is tried again after so many bytes of log, or so long, whichever comes first. */
#define RETRY_GROWTH (UINT64_C(1) << 20)
#define RETRY_US     (INT64_C(60) * 1000000)

static const rv_rewrite_ops ops = {.filter = rv_purge_filter};

/* The last segment has events: it can be ended. */
static bool can_roll(const rv_node *node) {
    const rv_log *const log = node->log;
    const uint32_t count = rv_log_segment_count(log);
    RV_ASSERT(count > 0);
    return rv_log_segment_first(log, count - 1) <= rv_log_appended(log) &&
           count < rv_log_segment_max(log);
}

/* Where it stands, for the selection that is held now: nothing is done with if that is another. */
static uint32_t done_with(const rv_node *node) {
    const rv_purging *const p = &node->purging;
    return p->swaps == node->held.swaps ? p->segment : 0;
}

/* What failed can be tried again: by the log's length, or by a clock that may jump. */
static bool is_patient(const rv_node *node) {
    const rv_purging *const p = &node->purging;
    RV_ASSERT(p->phase <= RV_PURGING_RECORD);
    const int64_t now = p->retry_at > 0 ? rv_node_now(node) : 0;
    return rv_log_bytes(node->log) < p->retry_at && now >= p->failed_at &&
           now - p->failed_at < RETRY_US;
}

static bool is_due(const rv_node *node) {
    const rv_node_held *const held = &node->held;
    RV_ASSERT(!held->past.narrowed || node->role == RV_ROLE_EDGE);
    if (!held->past.narrowed || held->state == RV_HELD_NONE || node->failure.status != RV_OK ||
        node->receiving.active || rv_state_base_progress(node->state).under_way ||
        rv_log_segment_count(node->log) == 0 || is_patient(node)) {
        return false;
    }
    return can_roll(node) || done_with(node) + 1 < rv_log_segment_count(node->log);
}

rv_node_purge rv_node_purge_of(const rv_node *node) {
    const rv_purging *const p = &node->purging;
    const bool there = node->phase >= RV_NODE_OPEN && node->held.past.narrowed;
    RV_ASSERT(p->phase <= RV_PURGING_RECORD);
    return (rv_node_purge){.due = there,
                           .segment = there ? done_with(node) : 0,
                           .segments = there ? rv_log_segment_count(node->log) : 0,
                           .rewritten = p->rewritten,
                           .freed = p->freed,
                           .failure = &p->failure};
}

bool rv_purge_is_clean(const rv_node *node) {
    const rv_purging *const p = &node->purging;
    RV_ASSERT(p->phase <= RV_PURGING_RECORD);
    return !node->held.past.narrowed || (p->phase == RV_PURGING_IDLE && !can_roll(node) &&
                                         done_with(node) + 1 == rv_log_segment_count(node->log));
}

/* --- steps: false: it has to wait --- */

static bool begin(rv_node *node) {
    rv_purging *const p = &node->purging;
    if (!is_due(node)) {
        return false;
    }
    p->segment = done_with(node);
    p->swaps = node->held.swaps;
    const bool rolls = can_roll(node);
    p->rolled = rolls || (p->batches > 0 && p->batches == rv_log_batches(node->log));
    p->until = rv_log_segment_count(node->log) - (rolls ? 0 : 1);
    p->under_way = p->shedding = false;
    p->phase = RV_PURGING_SEGMENTS;
    if (rolls) {
        p->phase = RV_PURGING_ROLL;
        rv_log_roll(node->log);
    } else if (rv_checkpoints_older(node)) { /* that are from before, as it may be */
        p->phase = RV_PURGING_SAVE;
        rv_checkpoints_want(node);
    }
    RV_ASSERT(p->segment < p->until);
    return true;
}

/* The selection once more: it is the first batch of the new segment. */
static bool say_selection(rv_node *node) {
    rv_error ignored;
    rv_writer body;
    if (rv_node_ledger_begin_edge(node, &body, &ignored) != RV_OK) {
        return false;
    }
    rv_node_write_selection(node, false, &body);
    rv_node_ledger_commit(node, &body, NULL);
    node->held.logged = true;
    return true;
}

static bool roll(rv_node *node) {
    rv_purging *const p = &node->purging;
    if (rv_log_segment_count(node->log) == p->until && !say_selection(node)) {
        return false;
    }
    RV_ASSERT(rv_log_segment_count(node->log) > p->until);
    p->batches = rv_log_batches(node->log);
    rv_checkpoints_want(node);
    p->phase = RV_PURGING_SAVE;
    return true;
}

/* `failure` is why; it is tried again. */
static bool fail(rv_node *node) {
    rv_purging *const p = &node->purging;
    RV_ASSERT(p->failure.status != RV_OK);
    p->retry_at = rv_log_bytes(node->log) + RETRY_GROWTH;
    p->failed_at = rv_node_now(node);
    p->phase = RV_PURGING_IDLE;
    return false;
}

static bool save(rv_node *node) {
    rv_purging *const p = &node->purging;
    if (rv_checkpoints_wanted(node)) {
        return false;
    }
    const bool older = rv_checkpoints_shed(node);
    if (older && p->shedding) {
        p->batches = 0; /* with another segment, and another checkpoint */
        (void)rv_error_set(&p->failure, RV_STORAGE_FAILED,
                           "a checkpoint with rows that are not selected any more could not be "
                           "removed");
        return fail(node);
    }
    p->shedding = older;
    p->phase = older ? RV_PURGING_SAVE : RV_PURGING_SEGMENTS;
    return !older;
}

/* The segment that was under way is over. */
static void segment_over(rv_node *node, rv_status status) {
    rv_purging *const p = &node->purging;
    RV_ASSERT(p->under_way && status != RV_PENDING);
    p->under_way = false;
    if (status != RV_OK) {
        (void)rv_error_set(&p->failure, status,
                           "what is not selected any more could not be removed from segment %u "
                           "of the log: %s",
                           (uint64_t)p->segment + 1, rv_status_text(status));
        (void)fail(node);
        return;
    }
    uint64_t freed = 0;
    p->rewritten += rv_log_rewritten(node->log, &freed);
    p->freed += freed;
    p->segment += 1;
}

static bool segments(rv_node *node) {
    rv_purging *const p = &node->purging;
    if (p->under_way) {
        const rv_status status = rv_log_rewrite_status(node->log);
        if (status == RV_PENDING) {
            return false;
        }
        segment_over(node, status);
        return true;
    }
    if (p->segment == p->until) {
        p->phase = p->rolled ? RV_PURGING_RECORD : RV_PURGING_IDLE;
        return p->rolled;
    }
    p->under_way = rv_log_rewrite_begin(node->log, p->segment, &ops, node);
    return false;
}

/* Nothing is left. */
static bool record(rv_node *node) {
    rv_past *const past = &node->held.past;
    const rv_past before = *past;
    RV_ASSERT(past->narrowed);
    past->narrowed = false;
    past->base = 0;
    if (!say_selection(node)) {
        past->narrowed = before.narrowed;
        past->base = before.base;
        return false;
    }
    rv_checkpoints_overtake(node); /* its words would be of another length than they were */
    node->purging.failure = (rv_error){.status = RV_OK};
    node->purging.retry_at = 0;
    node->purging.phase = RV_PURGING_IDLE;
    return true;
}

static bool step(rv_node *node) {
    switch (node->purging.phase) {
    case RV_PURGING_ROLL:
        return roll(node);
    case RV_PURGING_SAVE:
        return save(node);
    case RV_PURGING_SEGMENTS:
        return segments(node);
    case RV_PURGING_RECORD:
        return record(node);
    default:
        return begin(node);
    }
}

void rv_purge_poll(rv_node *node) {
    rv_purging *const p = &node->purging;
    if (node->role != RV_ROLE_EDGE || node->failure.status != RV_OK || node->receiving.active) {
        return;
    }
    const bool other = p->phase != RV_PURGING_IDLE && p->swaps != node->held.swaps;
    if (other && rv_log_rewrite_status(node->log) == RV_PENDING) {
        return; /* it ends, by what is held now */
    }
    p->phase = other ? RV_PURGING_IDLE : p->phase;
    bool on = true;
    for (unsigned i = 0; i < 4 && on; i += 1) { /* more would be for nothing */
        on = step(node);
    }
    RV_ASSERT(p->segment <= p->until || p->phase == RV_PURGING_IDLE);
}

bool rv_purge_busy(const rv_node *node) {
    const rv_purging *const p = &node->purging;
    if (node->role != RV_ROLE_EDGE || node->failure.status != RV_OK || node->receiving.active) {
        return false;
    }
    switch (p->phase) {
    case RV_PURGING_IDLE:
        return is_due(node);
    case RV_PURGING_SAVE:
        return !rv_checkpoints_wanted(node);
    case RV_PURGING_SEGMENTS:
        return rv_log_rewrite_status(node->log) != RV_PENDING;
    default:
        return !rv_log_busy(node->log);
    }
}
