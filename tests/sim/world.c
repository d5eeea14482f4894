/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/engine/rewind.h"

#include <stdarg.h>
#include <stdlib.h>

#define TURN_US       INT64_C(20) /* what a turn takes at least */
#define BUSY_US       INT64_C(200)
#define COPY_STEP     25 /* of the canary of an older copy */
#define COMPARE_TURNS 61 /* one turn of so many ends with a look at the rows, */
#define LAID_TURNS    7  /* and one of so many while something waits with one at that */
#define ROUNDS_MAX    12 /* of a turn */
#define CONVERGE_US   (300 * SIM_US_OF_SECOND) /* that convergence may take at most */
#define RESTART_US    (SIM_US_OF_SECOND / 2)   /* of a supervisor after a failure */
#define TURNS_MAX     UINT64_C(3000000)        /* of a run: more is a loop without an end */

const char *sim_check_text(sim_check check) {
    static const char *const texts[] = {
#define SIM_CHECK_TEXT(name, text) text,
        SIM_CHECKS(SIM_CHECK_TEXT)
#undef SIM_CHECK_TEXT
    };
    RV_ASSERT(check < SIM_CHECK_COUNT);
    return texts[check];
}

const char *sim_canary_text(sim_canary canary) {
    static const char *const texts[] = {
#define SIM_CANARY_TEXT(name, text) text,
        SIM_CANARIES(SIM_CANARY_TEXT)
#undef SIM_CANARY_TEXT
    };
    RV_ASSERT(canary < SIM_CANARY_COUNT);
    return texts[canary];
}

void sim_fail(sim_world *world, sim_check check, const char *format, ...) {
    RV_ASSERT(check != SIM_CHECK_NONE);
    if (world->failure.check != SIM_CHECK_NONE) {
        return;
    }
    world->failure.check = check;
    world->failure.at = world->now;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(world->failure.text, sizeof world->failure.text, format, args);
    va_end(args);
    sim_note(world, -1, "FAILED: %s: %s", sim_check_text(check), world->failure.text);
}

void sim_note(sim_world *world, int who, const char *format, ...) {
    char text[SIM_HISTORY_LINE_LEN];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    RV_ASSERT(who < SIM_MEMBERS_MAX);
    sim_history_note(&world->history, world->now, who, "%s", text);
}

/* --- processes --- */

void sim_world_stop(sim_world *world, sim_member *member, rv_sim_crash crash, bool power,
                    int64_t restart_at) {
    RV_ASSERT(member->node != NULL && member->life != SIM_DOWN);
    sim_workload_drop(world, member);
    sim_wires_drop(world, member, power);
    sim_member_crash(member, crash);
    world->figures.crashes[crash] += 1;
    member->restart_at = restart_at;
    member->wake_at = restart_at;
}

/* The node does not work any more: its supervisor ends it and starts it again. */
static void node_failed(sim_world *world, sim_member *member, const rv_error *err) {
    const bool expected = err->status == RV_STORAGE_FAILED || err->status == RV_STORAGE_FULL;
    sim_note(world, member->index, "failed: %s: %.*s", rv_status_code(err->status),
             (int)err->detail_len, err->detail);
    if (!expected) {
        sim_fail(world, SIM_CHECK_STATUS, "member %u: %s: %.*s", (unsigned)member->index,
                 rv_status_code(err->status), (int)err->detail_len, err->detail);
    }
    sim_world_stop(world, member, RV_SIM_CRASH_KEEP, false, world->now + RESTART_US);
}

/* The canary of a lost batch: the last one that is whole is zeros after the crash. */
static void drop_last_batch(sim_member *member) {
    sim_directory directory = {.count = 0};
    rv_sim_faults calm = {.fault = RV_SIM_NO_FAULT};
    rv_sim_disk_set_faults(member->disk, &calm);
    sim_directory_take(&directory, rv_sim_disk_interface(member->disk));
    for (uint32_t i = 0; i < directory.count; i++) {
        sim_copied_file *const file = &directory.files[i];
        size_t at = 4096, last = 0;
        if (strncmp(file->name, "log-", 4) != 0) {
            continue;
        }
        while (at + 64 <= file->len && rv_load_u32(file->bytes + at) != 0) {
            last = at;
            at += (64 + (size_t)rv_load_u32(file->bytes + at + 4) + 7) / 8 * 8;
        }
        RV_ASSERT(at <= file->len + 8);
        if (last > 0) {
            memset(file->bytes + last, 0, file->len - last);
        }
    }
    const uint64_t durable = member->durable;
    const uint32_t disk_life = member->disk_life;
    sim_member_disk_replace(member, &directory);
    member->durable = durable; /* nobody knows */
    member->disk_life = disk_life;
    sim_directory_free(&directory);
}

/* The canary of a forgetful administrator: an older copy takes the disk's place. */
static void forget(sim_member *member) {
    const uint64_t durable = member->durable;
    const uint32_t disk_life = member->disk_life;
    RV_ASSERT(member->copied);
    sim_member_disk_replace(member, &member->copy);
    member->durable = durable;
    member->disk_life = disk_life;
}

static void start(sim_world *world, sim_member *member) {
    RV_ASSERT(member->life == SIM_DOWN);
    if (world->truth.count == 0 &&
        sim_selection_has_given(&member->plan->selections[member->selection])) {
        member->restart_at = world->now + RESTART_US; /* aggregates that are selected must exist */
        return;
    }
    if (world->canary == SIM_CANARY_ROOT_FORGETS && member->index == 0 && member->copied) {
        forget(member);
    }
    if (world->canary == SIM_CANARY_BATCH_DROPPED && member->process > 0 && !world->quiet) {
        drop_last_batch(member);
    }
    sim_member_advance(member, world->now);
    member->older = !world->quiet && world->now < member->plan->older_until;
    sim_member_start(member);
    sim_note(world, member->index, "starts%s", member->older ? ", an older version" : "");
}

/* Its application gives it the schema that it was written for, each time; its numbers are not the
 * root's. What a crash has left of it is in a log, and has to wait for the disk when it grows. */
static rv_status provide(const sim_world *world, sim_member *member, rv_error *err) {
    static const char own[] =
        "CREATE AGGREGATE own (id bigint PRIMARY KEY);"
        "CREATE EVENT_TYPE own_made (own_id creates own(id));"
        "CREATE STREAM owns (path \"/owns/{own_id}\", event_types (own_made));";
    const char *const texts[] = {own, sim_schema_of(world->plan->schema)->text};
    const bool unmet = world->plan->features.unmet && member->plan->role == SIM_EDGE &&
                       rv_node_identity(member->node) == NULL;
    rv_status status = RV_OK;
    for (unsigned i = 0; i < 2 && unmet && status == RV_OK; i++) {
        const bool has = rv_schema_version(rv_node_schema(member->node)) > i;
        const rv_bytes text = rv_bytes_of_string(texts[i]);
        status = has ? RV_OK : rv_node_schema_provide(member->node, text, err);
    }
    return status;
}

static void open_turn(sim_world *world, sim_member *member) {
    rv_error err;
    rv_status status =
        member->provides ? rv_node_poll(member->node, &err) : rv_node_open(member->node, &err);
    if (status == RV_OK) {
        member->provides = true;
        status = provide(world, member, &err);
    }
    if (status == RV_PENDING || status == RV_BUSY) {
        (void)!rv_node_poll(member->node, NULL); /* what failed is told by the next call */
        return;
    }
    if (status != RV_OK) {
        node_failed(world, member, &err);
        return;
    }
    const rv_node_checkpoint *const checkpoint = rv_node_checkpoint_of(member->node);
    world->figures.opens += 1;
    world->figures.opened_by_checkpoint += checkpoint->opened_by == RV_OPENED_BY_CHECKPOINT;
    sim_member_opened(member);
    sim_commands_started(world, member);
    member->wake_at = world->now;
    sim_note(world, member->index, "open at %llu",
             (unsigned long long)rv_node_watermark(member->node));
    if (member->plan->role == SIM_ROOT && world->plan->features.rights) {
        sim_rights_opened(world, member);
    }
    sim_restored_opened(world, member);
    sim_twins_opened(world, member);
    sim_member_holds(member);
    sim_check_opened(world, member);
}

/* Its administrator was told that going back takes more memory than it has (docs/restore.md). */
static void give_memory(sim_world *world, sim_member *member) {
    RV_ASSERT(member->memory_next > member->memory && member->life == SIM_UP);
    sim_note(world, member->index, "is started again with %zu MiB", member->memory_next >> 20);
    sim_world_stop(world, member, RV_SIM_CRASH_KEEP, false, 0);
    member->restart_at = world->now;
    world->figures.memory_given += 1;
}

static void close_turn(sim_world *world, sim_member *member) {
    rv_error err;
    const rv_status status = rv_node_close(member->node, &err);
    if (status == RV_PENDING) {
        (void)!rv_node_poll(member->node, NULL); /* what failed is told by the next close */
        return;
    }
    if (status != RV_END) {
        node_failed(world, member, &err);
        return;
    }
    const uint64_t w = sim_member_w(member);
    sim_note(world, member->index, "closed at %llu", (unsigned long long)w);
    member->durable = w > member->durable ? w : member->durable;
    world->figures.closes += 1;
    sim_world_stop(world, member, RV_SIM_CRASH_LOSE, false, member->restart_at);
}

/* What the node shows as durable now is never taken back. */
static void note_durable(sim_world *world, sim_member *member) {
    if (rv_node_provisional(member->node)) {
        return; /* its positions are nobody's */
    }
    const uint64_t durable = rv_node_watermark_durable(member->node);
    member->durable = durable > member->durable ? durable : member->durable;
    if (member->plan->role == SIM_ROOT) {
        world->root_durable = durable > world->root_durable ? durable : world->root_durable;
    } else if (!sim_restored_beside(member) && !rv_node_rewinding(member->node) &&
               rv_node_watermark(member->node) > world->root_durable) {
        sim_fail(world, SIM_CHECK_AHEAD, "member %u is at %llu, the root at %llu",
                 (unsigned)member->index, (unsigned long long)rv_node_watermark(member->node),
                 (unsigned long long)world->root_durable);
    }
}

/* True when the power has failed in an operation of the disk, as a step wanted. */
static bool power_failed(sim_world *world, sim_member *member) {
    if (!member->power_due || rv_sim_disk_operations(member->disk) < member->faults.fault_at) {
        return false;
    }
    RV_ASSERT(member->faults.fault == RV_SIM_STOP);
    sim_note(world, member->index, "power failure in operation %llu of the disk",
             (unsigned long long)member->faults.fault_at);
    sim_world_stop(world, member, member->power_crash, true, world->now + member->power_restart_us);
    return true;
}

/* What the node is to hold is told to it, or is to be told later. */
static bool select_turn(sim_world *world, sim_member *member) {
    rv_status status = RV_OK;
    if (!member->selects || !sim_member_select(member, &status)) {
        return false;
    }
    sim_note(world, member->index, "selects: %s", rv_status_code(status));
    world->figures.selections_live += status == RV_OK;
    if (status != RV_OK && status != RV_READ_ONLY && status != RV_CLOSING) {
        sim_fail(world, SIM_CHECK_STATUS, "member %u cannot select otherwise: %s",
                 (unsigned)member->index, rv_status_code(status));
    }
    return true;
}

static void up_turn(sim_world *world, sim_member *member) {
    bool moved = true;
    for (unsigned i = 0; i < ROUNDS_MAX && moved; i++) {
        rv_error err;
        const rv_status status = rv_node_poll(member->node, &err);
        if (power_failed(world, member)) {
            return;
        }
        if (status != RV_OK) {
            node_failed(world, member, &err);
            return;
        }
        sim_restored_turn(world, member);
        sim_rights_turn(world, member);
        note_durable(world, member);
        sim_check_schema(world, member);
        moved = select_turn(world, member);
        moved = sim_commands_turn(world, member) || moved;
        moved = sim_wires_turn(world, member) || moved;
        moved = sim_workload_turn(world, member) || moved;
        moved = sim_feeds_turn(world, member) || moved;
        sim_copies_turn(world, member);
        sim_scant_turn(world, member);
        sim_older_turn(world, member);
        sim_pasts_turn(world, member);
        sim_live_turn(world, member);
        if (world->failure.check != SIM_CHECK_NONE || power_failed(world, member)) {
            return;
        }
    }
    if (world->figures.turns % COMPARE_TURNS == 0) {
        (void)sim_check_rows(world, member);
        sim_rights_files(world, member);
        sim_told_pending(world, member);
    } else if (world->figures.turns % LAID_TURNS == 0 && member->plan->role == SIM_EDGE &&
               rv_node_outbox(member->node).pending > 0) {
        sim_check_laid(world, member);
    }
    const bool pending = rv_sim_disk_deadline(member->disk) != UINT64_MAX;
    const bool busy = rv_node_busy(member->node) || rv_log_busy(rv_node_log(member->node));
    int64_t at = moved ? world->now : INT64_MAX;
    at = busy && !pending && !moved ? world->now + BUSY_US : at;
    at = (member->selects || sim_workload_asks(world, member)) && at > world->now + 1000
             ? world->now + 1000
             : at;
    member->wake_at = at < member->wake_at ? at : member->wake_at;
}

/* The copy that an administrator wants is made when nothing is under way. */
static void copy_turn(sim_world *world, sim_member *member) {
    if (!member->copy_wanted || rv_sim_disk_deadline(member->disk) != UINT64_MAX ||
        member->faults.fault != RV_SIM_NO_FAULT) {
        return;
    }
    const rv_sim_faults calm = {.fault = RV_SIM_NO_FAULT};
    rv_sim_disk_set_faults(member->disk, &calm);
    sim_directory_take(&member->copy, rv_sim_disk_interface(member->disk));
    member->copy_helds = member->helds;
    member->copy_knows = member->knows;
    member->copy_rewound_epoch = member->rewound_epoch;
    member->copy_rewound_at = member->rewound_at;
    sim_member_faults_apply(member);
    member->copied = true;
    member->copy_wanted = false;
    sim_note(world, member->index, "its directory is copied: %u files", member->copy.count);
}

static void timed_faults(sim_world *world, sim_member *member) {
    const bool full = member->full_until > world->now;
    const bool slow = member->slow_until > world->now;
    const uint64_t capacity = full ? 1 : 0; /* files keep what they have and do not grow */
    const uint64_t latency = (uint64_t)member->plan->latency_us_max * (slow ? 100 : 1);
    if (member->faults.capacity != capacity || member->faults.latency_us_max != latency) {
        member->faults.capacity = capacity;
        member->faults.latency_us_max = latency;
        sim_member_faults_apply(member);
    }
    RV_ASSERT(member->faults.pending_percent <= 100);
    if (full || slow) {
        const int64_t until = full ? member->full_until : member->slow_until;
        member->wake_at = until < member->wake_at ? until : member->wake_at;
    }
}

/* It is started again with the version of the program that there is. */
static void give_version(sim_world *world, sim_member *member) {
    RV_ASSERT(member->older && member->life == SIM_UP);
    sim_note(world, member->index, "is started again with the version that there is");
    sim_world_stop(world, member, RV_SIM_CRASH_KEEP, false, 0);
    member->restart_at = world->now;
}

static void member_turn(sim_world *world, sim_member *member) {
    world->figures.turns += 1;
    member->wake_at = INT64_MAX;
    if (member->life == SIM_UP && member->memory_next > member->memory) {
        give_memory(world, member);
    }
    if (member->life == SIM_UP && sim_older_ends(world, member)) {
        give_version(world, member);
    }
    if (member->life == SIM_DOWN && member->restart_at <= world->now) {
        start(world, member);
    }
    if (member->life == SIM_DOWN) {
        member->wake_at = member->restart_at;
        return;
    }
    sim_member_advance(member, world->now);
    timed_faults(world, member);
    copy_turn(world, member);
    if (member->life == SIM_OPENING) {
        open_turn(world, member);
    } else if (member->life == SIM_CLOSING) {
        close_turn(world, member);
    } else {
        up_turn(world, member);
    }
    if (member->life != SIM_DOWN && (member->life == SIM_UP || !power_failed(world, member))) {
        const uint64_t deadline = rv_sim_disk_deadline(member->disk);
        const int64_t idle = member->life == SIM_UP ? INT64_MAX : world->now + BUSY_US;
        const int64_t disk = deadline == UINT64_MAX ? idle : world->now + (int64_t)deadline;
        member->wake_at = disk < member->wake_at ? disk : member->wake_at;
    }
    if (member->wake_at < world->now + TURN_US) {
        member->wake_at = world->now + TURN_US;
    }
    RV_ASSERT(member->wake_at > world->now);
}

/* --- the run --- */

/* Faults stop: everything is mended, everybody is there. */
static void become_quiet(sim_world *world) {
    RV_ASSERT(!world->quiet);
    world->quiet = true;
    sim_note(world, -1, "faults stop");
    memset(world->network.blocked_until, 0, sizeof world->network.blocked_until);
    for (uint8_t i = 0; i < world->plan->member_count; i++) {
        sim_member *const m = &world->members[i];
        m->full_until = m->slow_until = 0;
        m->copy_wanted = false;
        m->power_due = false;
        m->faults.fault = RV_SIM_NO_FAULT;
        sim_member_faults_apply(m);
        if (m->life == SIM_DOWN && m->restart_at > world->now) {
            m->restart_at = world->now;
        }
        m->wake_at = world->now;
    }
}

/* The schema is the root's first event, and asked for again if a crash takes it; so is in the end
 * whatever else of it is missing. */
static void see_to_schema(sim_world *world) {
    const sim_member *const root = &world->members[0];
    const sim_step extra = {.kind = SIM_STEP_SCHEMA, .member = 0};
    if (world->quiet && root->life == SIM_UP && sim_workload_extra_missing(world) > 0 &&
        !sim_workload_schema_waits(world)) {
        sim_workload_step(world, &extra);
        return;
    }
    if (root->life != SIM_UP || world->truth.count > 0 ||
        rv_schema_version(rv_node_schema(root->node)) > 0 || sim_workload_waits(world)) {
        return;
    }
    RV_ASSERT(rv_node_watermark(root->node) == 0);
    world->workload.extras_asked = 0;
    const sim_step step = {.kind = SIM_STEP_SCHEMA, .member = 0};
    sim_workload_step(world, &step);
}

static int64_t next_moment(const sim_world *world) {
    const sim_plan *const plan = world->plan;
    int64_t next = sim_wires_next(world);
    if (world->step_next < plan->step_count && plan->steps[world->step_next].at < next) {
        next = plan->steps[world->step_next].at;
    }
    if (!world->quiet && plan->quiet_at < next) {
        next = plan->quiet_at;
    }
    for (uint8_t i = 0; i < plan->member_count; i++) {
        next = world->members[i].wake_at < next ? world->members[i].wake_at : next;
    }
    RV_ASSERT(next < INT64_MAX);
    return next > world->now ? next : world->now;
}

static void create(sim_world *world, const sim_plan *plan, sim_canary canary) {
    world->plan = plan;
    world->canary = canary;
    world->canary_random = plan->seed;
    world->now = 0;
    world->step_next = 0;
    world->quiet = false;
    world->failure.check = SIM_CHECK_NONE;
    world->hash = (rv_hash128){0, 0};
    world->follow_process = 0;
    world->follow_position = 0;
    world->root_durable = 0;
    sim_history_clear(&world->history);
    memset(&world->figures, 0, sizeof world->figures);
    memset(&world->workload, 0, sizeof world->workload);
    memset(&world->feeds, 0, sizeof world->feeds);
    sim_copies_reset(world);
    sim_pasts_reset(world);
    sim_live_reset(world);
    memset(&world->restores, 0, sizeof world->restores);
    sim_rights_reset(world);
    sim_laid_reset(world);
    sim_guided_reset(world);
    memset(world->told, 0, sizeof world->told);
    memset(&world->losses, 0, sizeof world->losses);
    sim_network_clear(&world->network);
    for (uint8_t i = 1; i < plan->member_count; i++) {
        const sim_member_plan *const edge = &plan->members[i];
        sim_network_block(&world->network, i, edge->upstream, edge->meets_at);
        sim_network_block(&world->network, i, 0, edge->meets_at);
    }
    sim_operations_free(&world->operations);
    sim_truth_create(&world->truth);
    sim_models_reset();
    for (uint8_t i = 0; i < plan->member_count; i++) {
        sim_member_create(&world->members[i], plan, i);
        world->members[i].tap.flush_lies = canary == SIM_CANARY_FLUSH_LIES;
        world->members[i].tap.keeps_files = canary == SIM_CANARY_PURGE_KEPT;
        world->models[i] = sim_model_create(&world->truth, &plan->members[i]);
        if (canary == SIM_CANARY_ROW_WRONG && i > 0) {
            sim_model_corrupt(world->models[i], 20);
        }
    }
}

static void destroy(sim_world *world) {
    world->figures.runs = 1;
    world->figures.gateways = world->plan->members[1].serves;
    world->figures.chains = world->plan->member_count > 2 && world->plan->members[2].serves;
    world->figures.scant = world->plan->features.scant || world->plan->features.full;
    world->figures.older = world->plan->features.older;
    world->figures.fills = world->plan->features.fills;
    world->figures.gate_fills = world->plan->features.gate_fills;
    world->figures.times = world->plan->features.times;
    world->figures.gate_changes = world->plan->features.gate_changes;
    world->figures.gate_mixes = world->plan->features.gate_mixes;
    world->figures.gate_mixes_rows = world->plan->features.gate_mixes && world->plan->features.rows;
    world->figures.gate_mixes_rights =
        world->plan->features.gate_mixes && world->plan->features.rights;
    world->figures.rows = world->plan->features.rows;
    world->figures.retries = world->plan->features.retries;
    world->figures.losses = world->plan->features.losses;
    world->figures.twins = world->plan->features.twins;
    world->figures.rights = world->plan->features.rights;
    world->figures.simulated_us = world->now;
    world->figures.events = world->truth.count;
    world->figures.messages = world->network.messages;
    world->figures.messages_lost = world->network.lost;
    world->figures.connections = world->network.made;
    for (uint8_t i = 0; i < world->plan->member_count; i++) {
        sim_member *const m = &world->members[i];
        world->figures.operations += m->tap.operations;
        world->figures.disk_failures += m->tap.failures;
        sim_model_free(world->models[i]);
        sim_member_free(m);
    }
    sim_truth_free(&world->truth);
    RV_ASSERT(world->figures.turns <= TURNS_MAX + 1);
}

/* One moment: what is due is done, and who has something to do has a turn. */
static void moment(sim_world *world, const bool *only) {
    const sim_plan *const plan = world->plan;
    while (world->step_next < plan->step_count && plan->steps[world->step_next].at <= world->now) {
        if (only == NULL || only[world->step_next]) {
            sim_world_step(world, &plan->steps[world->step_next]);
        }
        world->step_next += 1;
        if (world->canary == SIM_CANARY_ROOT_FORGETS && world->step_next == COPY_STEP) {
            world->members[0].copy_wanted = true;
        }
    }
    if (!world->quiet && plan->quiet_at <= world->now) {
        become_quiet(world);
    }
    sim_rights_moment(world);
    (void)sim_wires_deliver(world);
    see_to_schema(world);
    for (uint8_t i = 0; i < plan->member_count && world->failure.check == SIM_CHECK_NONE; i++) {
        if (world->members[i].wake_at <= world->now) {
            (void)sim_older_runs(world, &world->members[i]);
            member_turn(world, &world->members[i]);
            (void)sim_older_runs(world, NULL);
        }
    }
    if (world->failure.check == SIM_CHECK_NONE) {
        sim_check_follow(world);
        sim_feeds_check(world);
        sim_losses_moment(world);
    }
}

/* What waits at an edge. */
static void note_pending(sim_world *world, const sim_member *m) {
    rv_pending batch;
    uint64_t after = 0;
    RV_ASSERT(m->plan->role == SIM_EDGE);
    while (rv_node_pending(m->node, after, &batch)) {
        after = batch.edge_sequence;
        sim_note(world, m->index,
                 "batch %llu waits, state %d, position %llu, %u of %u covered, %u here",
                 (unsigned long long)after, (int)batch.state, (unsigned long long)batch.position,
                 batch.covered, batch.count, batch.arrived);
    }
}

/* How far the past of an edge is. */
static void note_past(sim_world *world, const sim_member *m) {
    const rv_node_fill fill = rv_node_fill_of(m->node);
    const rv_node_purge purge = rv_node_purge_of(m->node);
    RV_ASSERT(m->plan->role == SIM_EDGE);
    if (fill.active || purge.due) {
        sim_note(world, m->index, "past: %s%s to %llu of %llu; purge: %s, segment %u of %u, %s",
                 fill.active ? "filled in" : "none", fill.waits ? ", waits," : "",
                 (unsigned long long)fill.after, (unsigned long long)fill.until,
                 purge.due ? "due" : "done", purge.segment, purge.segments,
                 rv_status_code(purge.failure->status));
    }
}

/* Who is where; wrong rows would say more. */
static void not_converged(sim_world *world) {
    char text[160];
    int len = snprintf(text, sizeof text, "the root's log was read up to %u", world->truth.count);
    RV_ASSERT(len > 0);
    for (uint8_t i = 0; i < world->plan->member_count; i++) {
        sim_member *const m = &world->members[i];
        if (m->life == SIM_UP) {
            (void)sim_check_rows(world, m);
        }
        len += snprintf(text + len, sizeof text - (size_t)len, ", member %u at %llu%s", (unsigned)i,
                        (unsigned long long)(m->node != NULL ? rv_node_watermark(m->node) : 0),
                        m->life == SIM_UP ? "" : " (not up)");
        if (m->life == SIM_UP && m->plan->role == SIM_EDGE) {
            const rv_outbox_facts outbox = rv_node_outbox(m->node);
            sim_note(world, i, "%u wait, %u for the schema, %u rejections, %s%s", outbox.pending,
                     outbox.held_back, outbox.rejections,
                     rv_node_whole(m->node) ? "whole" : "not whole",
                     sim_restored_beside(m) ? ", beside the truth" : "");
            sim_note(world, i, "holds its selection %u, and is to hold %u",
                     (unsigned)sim_member_selection(m), (unsigned)sim_rights_selection(world, m));
            note_pending(world, m);
            note_past(world, m);
        }
    }
    sim_feeds_note(world);
    for (uint32_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        const sim_request *const request = &world->workload.requests[i];
        if (request->state != SIM_REQUEST_FREE) {
            sim_note(world, request->member, "op %u waits, state %d, edge sequence %llu",
                     request->operation->number, (int)request->state,
                     (unsigned long long)request->operation->edge_sequence);
        }
    }
    sim_note(world, 0, "something is to be said: %d, schema change %u is missing",
             world->restores.says, sim_workload_extra_missing(world));
    sim_fail(world, SIM_CHECK_CONVERGENCE, "%s; requests wait: %d; subscriptions are done: %d",
             text, sim_workload_waits(world), sim_feeds_done(world));
}

void sim_world_run(sim_world *world, const sim_plan *plan, const bool *only, sim_canary canary) {
    RV_ASSERT(plan->member_count > 1);
    create(world, plan, canary);
    bool done = false;
    while (!done && world->failure.check == SIM_CHECK_NONE) {
        world->now = next_moment(world);
        moment(world, only);
        done = world->quiet && world->failure.check == SIM_CHECK_NONE && sim_check_converged(world);
        if (!done && world->now > plan->quiet_at + CONVERGE_US) {
            not_converged(world);
        }
        if (world->figures.turns > TURNS_MAX) {
            sim_fail(world, SIM_CHECK_CONVERGENCE, "members have turn after turn without end");
        }
    }
    if (done) {
        sim_check_end(world);
        world->hash = rv_node_state_hash(world->members[0].node);
        for (uint8_t i = 0; i < plan->member_count; i++) {
            sim_pasts_check(world, &world->members[i]);
            sim_reads_check(world, &world->members[i]);
        }
        sim_note(world, -1, "converged at %u", world->truth.count);
    }
    destroy(world);
}

void sim_world_free(sim_world *world) {
    sim_network_clear(&world->network);
    sim_operations_free(&world->operations);
    for (uint8_t i = 0; i < SIM_MEMBERS_MAX; i++) {
        free(world->members[i].disk_memory);
        world->members[i].disk_memory = NULL;
    }
    RV_ASSERT(world->operations.count == 0);
}
