/* SPDX-License-Identifier: Apache-2.0 */
/* Moments of a node's rows: see moments.h. */
#include "core/live/moments.h"

#include "core/engine/outbox.h"
#include "core/state/revisions.h"

const rv_moment *rv_moment_find(const rv_moments *moments, uint64_t serial) {
    const rv_state *const state = rv_node_state(moments->node);
    RV_ASSERT(serial <= moments->serial);
    for (uint32_t i = 0; i < RV_MOMENTS_MAX; i += 1) {
        const rv_moment *const m = &moments->all[i];
        if (serial != 0 && m->serial == serial && rv_deltas_known(state, &m->deltas)) {
            return m;
        }
    }
    return NULL;
}

static void drop(rv_moments *moments, rv_moment *moment) {
    rv_deltas_drop(rv_node_state(moments->node), &moment->deltas);
    *moment = (rv_moment){0};
}

static uint32_t pending_of(const rv_node *node) {
    return rv_node_role(node) == RV_ROLE_EDGE ? rv_node_outbox(node).pending : 0;
}

/* The newest and the oldest that are known still; NULL: there is none. */
static rv_moment *outermost(rv_moments *moments, bool newest) {
    rv_moment *found = NULL;
    for (uint32_t i = 0; i < RV_MOMENTS_MAX; i += 1) {
        rv_moment *const m = &moments->all[i];
        if (m->serial != 0 && !rv_deltas_known(rv_node_state(moments->node), &m->deltas)) {
            drop(moments, m);
        }
        if (m->serial != 0 && (found == NULL || (m->serial > found->serial) == newest)) {
            found = m;
        }
    }
    return found;
}

static rv_moment *unused(rv_moments *moments) {
    for (uint32_t i = 0; i < RV_MOMENTS_MAX; i += 1) {
        if (moments->all[i].serial == 0) {
            return &moments->all[i];
        }
    }
    return NULL;
}

const rv_moment *rv_moment_now(rv_moments *moments, uint64_t behind) {
    rv_state *const state = rv_node_state(moments->node);
    const uint64_t revision = rv_state_revision(state);
    const uint32_t pending = pending_of(moments->node);
    rv_moment *const newest = outermost(moments, true);
    rv_moment *free = unused(moments);
    if (newest != NULL && ((newest->revision == revision && newest->pending == pending) ||
                           (free == NULL && newest->serial > behind))) {
        newest->holders += 1;
        return newest;
    }
    if (free == NULL) {
        free = outermost(moments, false);
        drop(moments, free);
    }
    rv_deltas_keep(state, &free->deltas);
    if (!rv_deltas_known(state, &free->deltas)) {
        return NULL; /* others have all snapshots */
    }
    moments->serial += 1;
    free->serial = moments->serial;
    free->revision = revision;
    free->position = rv_node_watermark(moments->node);
    free->pending = pending;
    free->holders = 1;
    return free;
}

bool rv_moment_hold(rv_moments *moments, uint64_t serial) {
    const bool known = rv_moment_find(moments, serial) != NULL;
    for (uint32_t i = 0; i < RV_MOMENTS_MAX; i += 1) {
        moments->all[i].holders += known && moments->all[i].serial == serial;
    }
    RV_ASSERT(!known || serial != 0);
    return known;
}

uint32_t rv_moments_pending(const rv_moments *moments) {
    return pending_of(moments->node);
}

void rv_moment_release(rv_moments *moments, uint64_t serial) {
    for (uint32_t i = 0; i < RV_MOMENTS_MAX; i += 1) {
        rv_moment *const m = &moments->all[i];
        if (serial != 0 && m->serial == serial) {
            RV_ASSERT(m->holders > 0);
            m->holders -= 1;
            if (m->holders == 0) {
                drop(moments, m);
            }
        }
    }
}
