/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold, checked against the truth, the operations and the models; none of it asks the
 * code under test what is right.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/relay.h"
#include "core/engine/rewind.h"

#define FOLLOW_MAX 64 /* events of the root's log at a time */

/* --- the root's log --- */

/* Version and time of an event follow those before it. */
static void check_order(sim_world *world, const rv_event *event, rv_bytes path) {
    const sim_truth *const truth = &world->truth;
    const uint32_t before = truth->count + truth->staged;
    uint64_t version = 0;
    for (uint32_t i = 0; i < truth->stream_count; i++) {
        version =
            rv_bytes_equal(truth->streams[i].path, path) ? truth->streams[i].version : version;
    }
    if (event->position != (uint64_t)before + 1 || event->sequence != event->position) {
        sim_fail(world, SIM_CHECK_ORDER, "position %llu, sequence %llu after %u",
                 (unsigned long long)event->position, (unsigned long long)event->sequence, before);
    } else if (event->version != version + 1) {
        sim_fail(world, SIM_CHECK_ORDER, "version %llu of %.*s after %llu",
                 (unsigned long long)event->version, (int)path.len, (const char *)path.ptr,
                 (unsigned long long)version);
    } else if (before > 0 && event->recorded_at < sim_truth_at(truth, before)->event.recorded_at) {
        sim_fail(world, SIM_CHECK_ORDER, "position %llu is recorded before the one before it",
                 (unsigned long long)event->position);
    }
    for (uint64_t p = 1; p <= before; p++) {
        if (memcmp(sim_truth_at(truth, p)->event.event_id, event->event_id, 16) == 0) {
            sim_fail(world, SIM_CHECK_TWICE, "positions %llu and %llu have one id",
                     (unsigned long long)p, (unsigned long long)event->position);
        }
    }
}

/* The fields that the caller gave are what the event has. */
static bool same_fields(const sim_truth *truth, const sim_asked *asked, const rv_event *event) {
    static rv_event_draft draft;
    static uint8_t memory[1 << 18];
    rv_value values[RV_FIELDS_MAX];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    const rv_append append = sim_asked_append(asked);
    const rv_event_type *const type = rv_schema_event_type(truth->schema, event->type);
    if (!rv_bytes_are(type->name, asked->draft.type) ||
        !sim_event_decode(type, event->data, values) ||
        rv_event_draft_read(truth->schema, append.path, append.type, append.data, &scratch, &draft,
                            NULL) != RV_OK) {
        return false;
    }
    RV_ASSERT(draft.type == type);
    for (uint16_t f = 0; f < type->field_count; f++) {
        if (draft.given[f] &&
            rv_value_compare(&type->fields[f].type, &draft.values[f], &values[f]) != 0) {
            return false;
        }
    }
    return true;
}

/* A batch is there whole and in order. */
static bool whole_batch(const sim_world *world, const sim_operation *o, uint32_t index,
                        const rv_event *event) {
    const sim_truth *const truth = &world->truth;
    const uint32_t before = truth->count + truth->staged;
    uint32_t index_before = 0;
    RV_ASSERT(index < o->count);
    if (event->batch_end != (index + 1u == o->count) || (index == 0) != (truth->staged == 0)) {
        return false;
    }
    const sim_operation *const same =
        index == 0
            ? o
            : sim_operations_find(&world->operations, sim_truth_at(truth, before)->event.metadata,
                                  &index_before);
    return same == o && (index == 0 || index_before + 1 == index);
}

/* An event of the log against the operation that asked for it. */
static void check_asked(sim_world *world, const rv_event *event, rv_bytes path) {
    uint32_t index = 0;
    if (event->type == RV_SYSTEM_SCHEMA_TYPE) {
        return;
    }
    sim_operation *const o = sim_operations_find(&world->operations, event->metadata, &index);
    if (o == NULL) {
        sim_fail(world, SIM_CHECK_CONTENT, "nobody asked for the event at position %llu",
                 (unsigned long long)event->position);
        return;
    }
    if (o->command != NULL) {
        sim_command_met(world, o, index, event);
    }
    sim_asked *const asked = &o->asked[index];
    asked->met += 1;
    sim_rights_accepted(world, o, path);
    const bool named = asked->draft.path[0] != '/' || rv_bytes_are(path, asked->draft.path);
    const uint64_t before = event->version - 1;
    if (o->command != NULL && sim_command_repeats(world, o)) {
        return;
    }
    if (asked->met > 1) {
        sim_fail(world, SIM_CHECK_TWICE, "event %u of op %u is in the log again, at position %llu",
                 index, o->number, (unsigned long long)event->position);
    } else if (asked->has_id && memcmp(asked->id, event->event_id, sizeof asked->id) != 0) {
        sim_fail(world, SIM_CHECK_CONTENT, "op %u brought another id than position %llu has",
                 o->number, (unsigned long long)event->position);
    } else if (!named || !same_fields(&world->truth, asked, event)) {
        sim_fail(world, SIM_CHECK_CONTENT, "op %u asked for something else at position %llu",
                 o->number, (unsigned long long)event->position);
    } else if (!whole_batch(world, o, index, event)) {
        sim_fail(world, SIM_CHECK_CONTENT, "the batch of op %u is not whole at position %llu",
                 o->number, (unsigned long long)event->position);
    } else if (o->voided) {
        return;
    } else if ((asked->expected == RV_EXPECTED_NONE && before != 0) ||
               (asked->expected == RV_EXPECTED_EXISTS && before == 0) ||
               (asked->expected == RV_EXPECTED_NUMBER && before != asked->expected_version)) {
        sim_fail(world, SIM_CHECK_JUDGEMENT, "op %u expected version %llu and came after %llu",
                 o->number, (unsigned long long)asked->expected_version,
                 (unsigned long long)before);
    }
}

/* True when the root may have leased keys, or passed over some: not before an edge has tried to
 * write, or an epoch was begun. */
static bool keys_leased(const sim_world *world) {
    bool leased = world->restores.count > 0 || world->restores.says || world->restores.epochs > 0;
    for (uint32_t i = 0; i < world->operations.count && !leased; i++) {
        leased = world->operations.list[i]->kind == SIM_STEP_WRITE;
    }
    return leased;
}

/* True when the root numbers a row of the operation: with which key depends on the blocks that it
 * has leased to edges, which the model does not know. */
static bool takes_a_serial(const sim_operation *o) {
    bool takes = false;
    for (uint8_t i = 0; i < o->count && !takes; i++) {
        takes = o->asked[i].draft.path[0] != '/';
    }
    return takes;
}

/* What was refused where the truth now ends. */
static void judge_refused(sim_world *world) {
    const bool leased = keys_leased(world);
    for (uint32_t i = 0; i < world->operations.count; i++) {
        sim_operation *const o = world->operations.list[i];
        if (o->refused_for == RV_OK || o->refused_at > world->truth.count) {
            continue;
        }
        if (o->refused_at == world->truth.count && !(leased && takes_a_serial(o))) {
            RV_ASSERT(sim_model_position(world->models[0]) == world->truth.count);
            const rv_status status =
                sim_model_judge(world->models[0], o, SIM_EPOCH_US + world->now);
            world->figures.judged += 1;
            if (status != o->refused_for) {
                sim_fail(world, SIM_CHECK_JUDGEMENT,
                         "op %u was refused at position %llu for %s, by the rules it is %s",
                         o->number, (unsigned long long)o->refused_at,
                         rv_status_code(o->refused_for), rv_status_code(status));
            }
        }
        o->refused_for = RV_OK;
    }
}

/* Takes the next event of the root's log. */
static void take(sim_world *world, const rv_event *event, rv_bytes path) {
    world->follow_position += 1;
    if (event->position != world->follow_position) {
        sim_fail(world, SIM_CHECK_ORDER, "the root's log has position %llu where %llu must be",
                 (unsigned long long)event->position, (unsigned long long)world->follow_position);
        return;
    }
    if (event->position <= world->truth.count) { /* known from an earlier life */
        if (sim_truth_at(&world->truth, event->position)->fingerprint !=
            sim_fingerprint(event, path)) {
            sim_fail(world, SIM_CHECK_HISTORY, "the event at position %llu is another one",
                     (unsigned long long)event->position);
        }
        return;
    }
    check_order(world, event, path);
    check_asked(world, event, path);
    if (world->failure.check == SIM_CHECK_NONE && sim_truth_add(&world->truth, event, path) &&
        event->batch_end) {
        uint64_t refused_at = 0;
        const rv_status status = sim_model_fold(world->models[0], world->truth.count, &refused_at);
        if (status != RV_OK) {
            sim_fail(world, SIM_CHECK_JUDGEMENT,
                     "the event at position %llu was accepted, by the rules it is %s",
                     (unsigned long long)refused_at, rv_status_code(status));
        }
    }
}

/* The root ended before a batch was read to its end, which is read again. */
void sim_check_unstage(sim_world *world) {
    const sim_truth *const truth = &world->truth;
    for (uint32_t i = 1; i <= truth->staged; i++) {
        uint32_t index = 0;
        const rv_event *const event = &sim_truth_at(truth, truth->count + i)->event;
        sim_operation *const o = sim_operations_find(&world->operations, event->metadata, &index);
        if (o != NULL) {
            RV_ASSERT(o->asked[index].met > 0);
            o->asked[index].met -= 1;
        }
    }
    sim_truth_unstage(&world->truth);
}

void sim_check_follow(sim_world *world) {
    sim_member *const root = &world->members[0];
    if (root->life != SIM_UP) {
        return;
    }
    if (world->follow_process != root->process) {
        rv_subscription_open(&world->follow, root->node, NULL, 0, 1);
        world->follow_process = root->process;
        world->follow_position = 0;
        sim_check_unstage(world);
    }
    for (uint32_t i = 0; i < FOLLOW_MAX && world->failure.check == SIM_CHECK_NONE; i++) {
        rv_event event;
        rv_bytes path;
        rv_error err;
        judge_refused(world);
        const rv_status status = rv_subscription_next(&world->follow, 100, &event, &path, &err);
        if (status == RV_OK) {
            take(world, &event, path);
            continue;
        }
        if (status != RV_END && status != RV_PENDING && status != RV_BUSY &&
            status != RV_STORAGE_FAILED) {
            sim_fail(world, SIM_CHECK_STATUS, "the root's log cannot be read: %s",
                     rv_status_code(status));
        }
        return;
    }
}

/* --- after an open --- */

static void check_root_opened(sim_world *world, const sim_member *m) {
    const uint64_t w = rv_node_watermark(m->node);
    if (w < world->root_durable || w < world->truth.count) {
        sim_fail(world, SIM_CHECK_LOST, "the root has shown %llu as durable and is at %llu",
                 (unsigned long long)world->root_durable, (unsigned long long)w);
    }
    for (uint32_t i = 0; i < world->operations.count; i++) {
        sim_operation *const o = world->operations.list[i];
        if (o->refused_at > w) {
            o->refused_for = RV_OK; /* it was judged by what is not there any more */
        }
        const uint64_t position = o->asked[o->count - 1].position;
        if (o->level == SIM_UNANSWERED || position <= w) {
            continue;
        }
        if (o->level > SIM_MEMORY) {
            sim_fail(world, SIM_CHECK_LOST, "op %u was acknowledged at position %llu", o->number,
                     (unsigned long long)position);
        }
        o->level = SIM_UNANSWERED;
        world->figures.rolled_back += 1;
    }
}

void sim_check_opened(sim_world *world, sim_member *m) {
    RV_ASSERT(m->life == SIM_UP);
    const uint64_t w = sim_member_w(m);
    if (m->plan->role == SIM_ROOT) {
        check_root_opened(world, m);
    }
    if (w < m->durable) {
        sim_fail(world, SIM_CHECK_LOST, "member %u has shown %llu as durable and is at %llu",
                 (unsigned)m->index, (unsigned long long)m->durable, (unsigned long long)w);
    }
    (void)sim_check_rows(world, m);
    sim_check_memory(world, m);
}

/* --- states --- */

/* Has the member's log the event at a position, for who asks for `pattern`? */
sim_has sim_truth_has(const sim_world *world, uint8_t member, const char *pattern,
                      uint64_t position) {
    const rv_event *const event = &sim_truth_at(&world->truth, position)->event;
    const rv_bytes path = world->truth.streams[event->stream].path;
    RV_ASSERT(member < world->plan->member_count);
    if (event->type == RV_SYSTEM_SCHEMA_TYPE) {
        return pattern == NULL ? SIM_HAS : SIM_HAS_NOT;
    }
    return pattern == NULL || sim_pattern_selects(pattern, path)
               ? sim_member_has(&world->members[member], position, path)
               : SIM_HAS_NOT;
}

uint64_t sim_truth_next(const sim_world *world, uint8_t member, const char *pattern,
                        uint64_t position, uint64_t given) {
    RV_ASSERT(member < world->plan->member_count);
    for (uint64_t p = position + 1; p <= world->truth.count; p++) {
        const sim_has it = sim_truth_has(world, member, pattern, p);
        if (it == SIM_HAS || (it == SIM_HAS_MAYBE && p == given)) {
            return p;
        }
    }
    return 0;
}

/* An edge that was given a schema before it met anybody always has one: that, or the root's, which
 * knows all that was written by then. */
void sim_check_schema(sim_world *world, sim_member *m) {
    rv_rewound rewound = {.to = UINT64_MAX};
    if (!world->plan->features.unmet || m->plan->role != SIM_EDGE || m->life != SIM_UP ||
        rv_node_in_batch(m->node) || rv_node_failed(m->node, NULL) != RV_OK ||
        (rv_node_rewound(m->node, &rewound) && rewound.to == 0)) {
        return;
    }
    const rv_outbox_facts outbox = rv_node_outbox(m->node);
    world->figures.met += m->provisional && !rv_node_provisional(m->node);
    m->provisional = rv_node_provisional(m->node);
    if (rv_schema_version(rv_node_schema(m->node)) == 0 || outbox.unknown > 0) {
        sim_fail(world, SIM_CHECK_SCHEMA, "member %u has version %u, and %u batches of another",
                 (unsigned)m->index, (unsigned)rv_schema_version(rv_node_schema(m->node)),
                 (unsigned)outbox.unknown);
    }
}

bool sim_check_rows(sim_world *world, sim_member *m) {
    if (m->node != NULL && m->plan->role == SIM_EDGE && rv_node_outbox(m->node).pending > 0) {
        sim_check_laid(world, m);
        return false; /* what waits is shown too */
    }
    return sim_check_confirmed(world, m);
}

bool sim_check_stand(sim_world *world, sim_member *m) {
    uint64_t refused = 0;
    if (m->node == NULL || m->life != SIM_UP || rv_node_in_batch(m->node) ||
        !rv_node_whole(m->node) || sim_restored_beside(m) || rv_node_provisional(m->node)) {
        return false;
    }
    const uint64_t w = rv_node_watermark(m->node);
    sim_model *const model = world->models[m->index];
    const bool root = m->plan->role == SIM_ROOT;
    if (!root) {
        sim_model_select(model, sim_member_selection(m));
    }
    if (w > world->truth.count || (root && w != world->truth.count)) {
        return false; /* what the root has not shown as durable is not known yet */
    }
    const rv_status status = sim_model_fold(model, w, &refused);
    RV_ASSERT(status == RV_OK); /* applying is total, and the root's has judged already */
    sim_model_stale(model, m->node);
    return true;
}

bool sim_check_confirmed(sim_world *world, sim_member *m) {
    char difference[160];
    if (!sim_check_stand(world, m)) {
        return false;
    }
    world->figures.compared += 1;
    if (!sim_model_same(world->models[m->index], rv_node_state(m->node), rv_node_schema(m->node),
                        difference, sizeof difference)) {
        sim_fail(world, SIM_CHECK_ROWS, "member %u at %llu: %s", (unsigned)m->index,
                 (unsigned long long)rv_node_watermark(m->node), difference);
    }
    return world->failure.check == SIM_CHECK_NONE;
}

void sim_check_memory(sim_world *world, const sim_member *m) {
    size_t sum = 0;
    rv_memory_class class_;
    RV_ASSERT(m->node != NULL);
    if (rv_node_rewinding(m->node)) {
        return; /* a checkpoint may be on its way into the pages */
    }
    for (uint32_t i = 0; rv_node_memory(m->node, i, &class_); i++) {
        sum += class_.bytes;
        if (class_.used > class_.bytes || class_.used_max < class_.used) {
            sim_fail(world, SIM_CHECK_MEMORY, "member %u uses %zu bytes of the %zu of `%s`",
                     (unsigned)m->index, class_.used, class_.bytes, class_.name);
        }
    }
    if (sum > m->memory) {
        sim_fail(world, SIM_CHECK_MEMORY, "member %u has %zu bytes and divides %zu",
                 (unsigned)m->index, m->memory, sum);
    }
}

/* --- the end --- */

/* All of the past is here; or what is to be purged before could not be, which is tried again when
 * the log has grown (core/engine/purge.h). */
static bool is_filled(const sim_member *m) {
    RV_ASSERT(m->life == SIM_UP);
    return !rv_node_fill_of(m->node).active || rv_node_purge_of(m->node).failure->status != RV_OK;
}

bool sim_check_converged(sim_world *world) {
    const uint64_t w = world->truth.count;
    bool same = world->quiet && !sim_workload_waits(world) && world->follow_position == w &&
                sim_restored_done(world) && sim_workload_extra_missing(world) == 0;
    for (uint8_t i = 0; i < world->plan->member_count && same; i++) {
        const sim_member *const m = &world->members[i];
        same = m->life == SIM_UP && rv_node_watermark(m->node) == w &&
               rv_node_watermark_durable(m->node) == w && /* and so is what was filled in */
               rv_node_sequence_durable(m->node) == rv_log_appended(rv_node_log(m->node));
        if (same && m->plan->role == SIM_EDGE) {
            const rv_outbox_facts outbox = rv_node_outbox(m->node);
            same = outbox.pending == 0 && outbox.rejections == 0 && outbox.held_back == 0 &&
                   rv_node_whole(m->node) && is_filled(m) &&
                   rv_node_relay_facts(m->node).pushes == 0 &&
                   sim_selection_is(&m->plan->selections[sim_rights_selection(world, m)],
                                    rv_node_selection(m->node));
        }
    }
    RV_ASSERT(w <= SIM_EVENTS_MAX);
    return same && sim_rights_done(world) && sim_feeds_done(world);
}

/* An edge's state hash is the root's, for the edge's selection. Rows of shared aggregates that a
 * part of the streams has written are another matter. */
void sim_check_hash(sim_world *world, sim_member *m) {
    size_t count = 0;
    sim_member *const root = &world->members[0];
    RV_ASSERT(m->plan->role == SIM_EDGE);
    if (root->life != SIM_UP || m->life != SIM_UP || rv_node_in_batch(m->node) ||
        sim_restored_beside(m) || rv_node_provisional(m->node) ||
        rv_node_watermark(m->node) != rv_node_watermark(root->node)) {
        return;
    }
    const rv_path_pattern *const patterns = rv_node_patterns(m->node, &count);
    const sim_selection *const selection = &m->plan->selections[sim_member_selection(m)];
    if ((sim_schema_of(world->plan->schema)->shared != NULL && !sim_selection_is_all(selection)) ||
        sim_selection_has_given(selection) || !rv_node_whole(m->node)) {
        return;
    }
    const uint64_t w = rv_node_watermark(m->node);
    const rv_hash128 mine = rv_node_state_hash(m->node);
    const bool stale = rv_node_stale_count(m->node) > 0;
    const rv_hash128 roots = rv_state_hash_selected(rv_node_state(root->node), w, patterns, count);
    if ((mine.low == roots.low && mine.high == roots.high) == stale) {
        sim_fail(world, SIM_CHECK_HASH, "member %u at %llu has%s the root's hash",
                 (unsigned)m->index, (unsigned long long)w, stale ? ", with stale rows," : " not");
    }
}

/* The event is what the operation asked for, under its id: its own, or that of another caller who
 * asked for the same under the same id. */
static bool is_answer(const sim_world *world, const sim_operation *o, uint32_t k,
                      const rv_event *event) {
    uint32_t index = 0;
    const sim_asked *const asked = &o->asked[k];
    const sim_operation *const other =
        sim_operations_find(&world->operations, event->metadata, &index);
    const bool own = other == o && index == k;
    const bool same = other != NULL && asked->has_id &&
                      strcmp(other->asked[index].draft.path, asked->draft.path) == 0 &&
                      strcmp(other->asked[index].draft.type, asked->draft.type) == 0 &&
                      strcmp(other->asked[index].draft.data, asked->draft.data) == 0;
    return event->version == asked->version && (own || same) &&
           memcmp(event->event_id, asked->event_id, sizeof asked->event_id) == 0;
}

void sim_check_end(sim_world *world) {
    for (uint8_t i = 0; i < world->plan->member_count; i++) {
        sim_member *const m = &world->members[i];
        (void)sim_check_rows(world, m);
        sim_check_memory(world, m);
        if (m->plan->role == SIM_EDGE) {
            sim_check_hash(world, m);
            sim_rights_files(world, m);
        }
    }
    for (uint32_t i = 0; i < world->operations.count; i++) {
        const sim_operation *const o = world->operations.list[i];
        const bool answered = o->level > SIM_UNANSWERED && !o->schema && o->kind != SIM_STEP_WRITE;
        for (uint8_t k = 0; k < o->count && answered; k++) {
            const sim_asked *const asked = &o->asked[k];
            const bool there = asked->position <= world->truth.count;
            const rv_event *const event =
                there ? &sim_truth_at(&world->truth, asked->position)->event : NULL;
            if (!there || !is_answer(world, o, k, event)) {
                sim_fail(world, SIM_CHECK_LOST, "op %u was acknowledged at position %llu",
                         o->number, (unsigned long long)asked->position);
            }
        }
    }
    sim_outbox_check_end(world);
    sim_losses_check_end(world);
    sim_twins_check_end(world);
    RV_ASSERT(world->truth.staged == 0);
}
