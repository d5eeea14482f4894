/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits at an edge is shown over its rows (SEMANTICS 21 and 22): here it is folded over the
 * model of the edge, batch by batch, and compared: rows, versions of streams, and which batches are
 * suspended.
 *
 *   holds by all that the edge has   it is shown
 *   does not, and what it asks for   it is suspended
 *     the edge holds completely
 *   does not, and there may be more  as the node says: the rows must be those of that
 *
 * Where it may say no more than that: what waits for a command's function is not folded, nor what
 * counts a batch that was refused, nor that for which there was no memory.
 */
#include "tests/sim/laid.h"

#include "core/base/assert.h"
#include "core/engine/overlay.h"
#include "core/engine/rewind.h"
#include "tests/sim/world.h"

/* As rv_state_fold_pending, by the library's file; this one takes its place in the simulator's
 * programs. */
rv_status rv_state_fold_pending_as_is(rv_state *state, const rv_event *event,
                                      const rv_value *values, rv_held *held, rv_arena *scratch,
                                      rv_error *err);

#define rv_state_fold_pending rv_state_fold_pending_as_is
#include "core/state/fold.c" /* NOLINT(bugprone-suspicious-include) */
#undef rv_state_fold_pending

#define NTH_LESS 7u /* of the events that are folded this one is not */

static sim_canary planted;
static uint32_t folded;

rv_status rv_state_fold_pending(rv_state *state, const rv_event *event, const rv_value *values,
                                rv_held *held, rv_arena *scratch, rv_error *err) {
    folded += 1;
    if (planted == SIM_CANARY_LAID_LESS && folded % NTH_LESS == 0) {
        return RV_OK;
    }
    const rv_status status = rv_state_fold_pending_as_is(state, event, values, held, scratch, err);
    RV_ASSERT(status != RV_PENDING);
    return planted == SIM_CANARY_LAID_WRONG ? RV_OK : status;
}

void sim_laid_reset(const sim_world *world) {
    RV_ASSERT(world->canary < SIM_CANARY_COUNT);
    planted = world->canary;
    folded = 0;
}

/* --- what a batch asks for --- */

static bool refers(const rv_aggregate *from, uint16_t to) {
    bool found = false;
    RV_ASSERT(from->column_count > 0);
    for (uint16_t c = 0; c < from->column_count && !found; c++) {
        found = from->columns[c].references == to;
    }
    for (uint16_t k = 0; k < from->foreign_key_count && !found; k++) {
        found = from->foreign_keys[k].aggregate == to;
    }
    return found;
}

/* True when `holds` is so of all aggregates whose rows say whether the event can be. */
static bool of_all(const sim_model *model, const rv_schema *schema, const rv_event_type *type,
                   bool (*holds)(const sim_model *, uint16_t)) {
    bool all = true;
    RV_ASSERT(type->touch_count <= RV_TOUCHES_MAX);
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        const rv_aggregate *const one = rv_schema_aggregate(schema, a);
        bool asked = false;
        for (uint16_t t = 0; t < type->touch_count; t++) {
            const uint16_t touched = type->touches[t].aggregate;
            asked = asked || touched == a || refers(one, touched) ||
                    refers(rv_schema_aggregate(schema, touched), a);
        }
        all = all && (!asked || holds(model, a));
    }
    return all;
}

/* --- a batch --- */

typedef struct laid_batch {
    rv_pending pending;
    uint32_t count;                          /* events of streams that are held */
    sim_waiting waiting[RV_PUSH_EVENTS_MAX]; /* these */
    bool known;                              /* what it asks for is what the model has, */
    bool sure;                               /* and all that there is */
} laid_batch;

static void read_batch(const sim_member *m, const sim_model *model, laid_batch *b) {
    const rv_schema *const schema = rv_node_schema(m->node);
    const sim_selection *const held = &m->plan->selections[sim_member_selection(m)];
    rv_pending_cursor cursor = {0};
    rv_pending_event event;
    b->count = 0;
    b->known = true;
    b->sure = true;
    while (rv_node_pending_event(m->node, &b->pending, &cursor, &event)) {
        if (event.blind || !sim_selection_feeds(held, true, event.path) || /* it was given up */
            b->count == RV_PUSH_EVENTS_MAX || event.type >= rv_schema_event_type_count(schema)) {
            continue;
        }
        const rv_event_type *const type = rv_schema_event_type(schema, event.type);
        b->known = b->known && of_all(model, schema, type, sim_model_folds);
        b->sure = b->sure && of_all(model, schema, type, sim_model_complete);
        sim_waiting *const to = &b->waiting[b->count++];
        *to = (sim_waiting){.path = event.path,
                            .event = rv_outbox_event(&b->pending, &event),
                            .expected = event.expected,
                            .expected_version = event.expected_version};
    }
    RV_ASSERT(b->count <= b->pending.count);
}

/* Is the batch there under an earlier edge sequence, too, as its first id says? Its caller has
 * given it again while that stood aside for the schema: it is shown once. */
static bool is_again(const sim_world *world, const sim_member *m, const rv_pending *batch) {
    rv_pending_cursor cursor = {0};
    rv_pending_event first, event;
    rv_pending other;
    bool again = false;
    const bool may = world->plan->features.retries &&
                     world->restores.count + (uint32_t)world->plan->features.unmet > 0;
    const bool there = may && rv_node_pending_event(m->node, batch, &cursor, &first);
    for (uint64_t after = 0; there && !again && rv_node_pending(m->node, after, &other) &&
                             other.edge_sequence < batch->edge_sequence;
         after = other.edge_sequence) {
        cursor = (rv_pending_cursor){0};
        while (!again && rv_node_pending_event(m->node, &other, &cursor, &event)) {
            again = memcmp(event.event_id, first.event_id, sizeof first.event_id) == 0;
        }
    }
    RV_ASSERT(batch->count > 0);
    return again;
}

static void wrong(sim_world *world, const sim_member *m, const laid_batch *b, const char *what,
                  rv_status status) {
    RV_ASSERT(b->pending.edge_sequence > 0);
    sim_fail(world, SIM_CHECK_LAID, "member %u at %llu: edge sequence %llu %s: %s",
             (unsigned)m->index, (unsigned long long)rv_node_watermark(m->node),
             (unsigned long long)b->pending.edge_sequence, what, rv_status_code(status));
}

/* What the edge has in its log does not wait any more: it would be shown twice. (A command that
 * runs again may come to what its run at a copy of the directory has come to, under the same ids.)
 */
static void check_not_there(sim_world *world, const sim_member *m, const laid_batch *b) {
    const uint64_t w = rv_node_watermark(m->node);
    const sim_waiting *const first = &b->waiting[0];
    const bool compared = b->count > 0 && b->pending.command.name.len == 0;
    for (uint64_t p = 1; compared && p <= w && p <= world->truth.count; p++) {
        const rv_event *const event = &sim_truth_at(&world->truth, p)->event;
        if (memcmp(event->event_id, first->event.event_id, sizeof event->event_id) == 0 &&
            event->type == first->event.type && rv_bytes_equal(event->data, first->event.data) &&
            sim_member_kept(m, p, first->path)) {
            wrong(world, m, b, "waits, and is in the log", RV_OK);
        }
    }
    RV_ASSERT(b->count <= RV_PUSH_EVENTS_MAX);
}

/* True when the node may leave it out for a reason that rows do not tell. */
static bool is_left_out(const rv_pending *pending) {
    RV_ASSERT(pending->count > 0);
    switch (pending->reason) {
    case RV_COMMAND_WAITING:
        return pending->refused;
    case RV_DEPENDENCY_REJECTED:
        return pending->counted_count > 0;
    case RV_STATE_FULL:
    case RV_MEMORY_EXHAUSTED:
        return true;
    default:
        return false;
    }
}

/* Folds a batch, and says when the node does otherwise. */
static void lay(sim_world *world, const sim_member *m, sim_model *model, const laid_batch *b) {
    const rv_pending *const p = &b->pending;
    const bool shown = p->reason == RV_OK;
    if (p->state != RV_PENDING_ACCEPTED && (p->state == RV_PENDING_SUSPENDED) == shown) {
        wrong(world, m, b, "is suspended, or not, for", p->reason);
    } else if (p->refused && shown) {
        wrong(world, m, b, "is of an attempt that was refused, and is shown", p->reason);
    }
    if (is_left_out(p)) {
        return;
    }
    rv_status status = sim_model_lay(model, b->waiting, b->count, true);
    world->figures.laid_judged += b->sure;
    world->figures.laid_failed += b->sure && status != RV_OK;
    if (status == RV_OK && !shown) {
        sim_model_unlay(model);
        if (b->known) {
            wrong(world, m, b, "holds, and is not shown", p->reason);
        }
    } else if (status != RV_OK && shown && b->sure) {
        wrong(world, m, b, "is shown, and does not hold", status);
    } else if (status != RV_OK && shown) {
        status = sim_model_lay(model, b->waiting, b->count, false);
        if (status != RV_OK) {
            wrong(world, m, b, "is shown, and does not hold", status);
        }
    }
}

/* The streams of the batch, with all that waits. */
static void check_versions(sim_world *world, const sim_member *m, const sim_model *model,
                           const laid_batch *b) {
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t stream = 0;
        rv_stream_head head = {.version = 0};
        if (rv_state_stream_find(rv_node_state(m->node), b->waiting[i].path, &stream)) {
            rv_state_stream(rv_node_state(m->node), stream, &head);
        }
        const uint64_t must = sim_model_laid_version(model, b->waiting[i].path);
        if (head.version != must) {
            sim_fail(world, SIM_CHECK_LAID, "member %u at %llu: %.*s has version %llu, not %llu",
                     (unsigned)m->index, (unsigned long long)rv_node_watermark(m->node),
                     (int)b->waiting[i].path.len, (const char *)b->waiting[i].path.ptr,
                     (unsigned long long)head.version, (unsigned long long)must);
        }
    }
    RV_ASSERT(b->count <= RV_PUSH_EVENTS_MAX);
}

/* Lays everything; false: the model has not room for all. */
static bool lay_all(sim_world *world, const sim_member *m, sim_model *model) {
    static laid_batch b;
    uint32_t suspended = 0;
    for (uint64_t after = 0; rv_node_pending(m->node, after, &b.pending);) {
        after = b.pending.edge_sequence;
        suspended += b.pending.state == RV_PENDING_SUSPENDED;
        if (is_again(world, m, &b.pending)) {
            world->figures.laid_again += 1;
            continue;
        }
        read_batch(m, model, &b);
        check_not_there(world, m, &b);
        if (!sim_model_lays(model, b.waiting, b.count)) {
            return false;
        }
        lay(world, m, model, &b);
    }
    for (uint64_t after = 0; rv_node_pending(m->node, after, &b.pending);) {
        after = b.pending.edge_sequence;
        read_batch(m, model, &b);
        check_versions(world, m, model, &b);
    }
    if (rv_node_outbox(m->node).suspended != suspended) {
        sim_fail(world, SIM_CHECK_LAID, "member %u counts %u that are suspended, and lists %u",
                 (unsigned)m->index, rv_node_outbox(m->node).suspended, suspended);
    }
    return world->failure.check == SIM_CHECK_NONE;
}

void sim_check_laid(sim_world *world, sim_member *m) {
    char difference[160];
    RV_ASSERT(m->plan->role == SIM_EDGE);
    if (m->life != SIM_UP || rv_node_rewinding(m->node) || !sim_check_stand(world, m)) {
        return;
    }
    sim_model *const model = world->models[m->index];
    rv_outbox_lay_due(m->node);
    world->figures.laid += 1;
    sim_model_lay_begin(model);
    if (lay_all(world, m, model)) {
        world->figures.laid_compared += 1;
        if (!sim_model_same(model, rv_node_state(m->node), rv_node_schema(m->node), difference,
                            sizeof difference)) {
            sim_fail(world, SIM_CHECK_LAID, "member %u at %llu: %s", (unsigned)m->index,
                     (unsigned long long)rv_node_watermark(m->node), difference);
        }
    }
    sim_model_lay_end(model);
}
