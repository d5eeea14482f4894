/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/pasts.h"

#include "core/engine/as_of.h"
#include "core/engine/rewind.h"
#include "core/state/checkpoint.h"
#include "tests/sim/directory.h"
#include "tests/sim/world.h"

#include "core/base/assert.h"

#include <stdlib.h>

#define STRIDE_MAX 60 /* positions between two notes */
#define CALLS_MAX  100000

static uint8_t memory[RV_AS_OF_MEMORY_MIN + ((size_t)4 << 20)];

void sim_pasts_reset(sim_world *world) {
    for (uint8_t i = 0; i < SIM_MEMBERS_MAX; i++) {
        world->pasts.list[i] = (sim_past){.random = world->plan->seed * SIM_MEMBERS_MAX + i + 1};
    }
}

static sim_past_note note_of(const sim_member *m) {
    return (sim_past_note){.position = rv_node_watermark(m->node),
                           .hash = rv_node_state_hash(m->node),
                           .disk_life = m->disk_life,
                           .epoch = rv_node_identity(m->node)->epoch,
                           .helds = m->helds.count};
}

/* The same place and life: what is shown there has changed, by a base. */
static sim_past_note *last_at(sim_past *past, uint64_t position) {
    for (unsigned i = 0; i < SIM_PAST_NOTES; i++) {
        if (past->notes[i].position == position) {
            return &past->notes[i];
        }
    }
    return NULL;
}

/* A base has ended: what is shown at its position is another thing now. */
static void forget_before_base(sim_past *past, const sim_member *m) {
    const uint32_t swaps = rv_node_selection_swaps(m->node);
    sim_past_note *const note = last_at(past, m->helds.base);
    if (note != NULL && (past->process != m->process || past->swaps != swaps)) {
        note->position = 0;
    }
    past->process = m->process;
    past->swaps = swaps;
}

/* Only what a crash leaves: what it takes may come to be something else. */
void sim_pasts_turn(sim_world *world, sim_member *m) {
    sim_past *const past = &world->pasts.list[m->index];
    const rv_log_identity *const identity = rv_node_identity(m->node);
    RV_ASSERT(m->life == SIM_UP);
    if (rv_node_rewinding(m->node)) {
        return;
    }
    forget_before_base(past, m);
    if (identity == NULL || rv_node_in_batch(m->node) || rv_node_stale_count(m->node) > 0 ||
        !rv_node_whole(m->node)) {
        return;
    }
    const uint64_t w = rv_node_watermark(m->node);
    const rv_log *const log = rv_node_log(m->node);
    if (w == 0 || rv_log_batches_durable(log) != rv_log_batches(log)) {
        return;
    }
    sim_past_note *const same = last_at(past, w);
    if (same != NULL) {
        *same = note_of(m);
    } else if (w >= past->next_at || w + STRIDE_MAX < past->next_at) {
        past->notes[rv_random_below(&past->random, SIM_PAST_NOTES)] = note_of(m);
        past->next_at = w + 1 + rv_random_below(&past->random, STRIDE_MAX);
    }
}

/* Another selection was held there, later. */
static bool is_outdated(const sim_member *m, const sim_past_note *note) {
    bool found = false;
    for (uint32_t i = note->helds; i < m->helds.count; i++) {
        found = found || m->helds.list[i].from == note->position;
    }
    return found;
}

static rv_status reach(rv_as_of *as_of, sim_member *m, uint64_t position, rv_error *err) {
    const rv_as_of_place place = {position, INT64_MAX};
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < CALLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_as_of_reach(as_of, &place, err);
        const rv_status polled = rv_node_poll(m->node, NULL);
        (void)polled; /* it shows in what is asked */
    }
    return status;
}

static void check_note(sim_world *world, const sim_member *m, const rv_as_of *as_of,
                       const sim_past_note *note, rv_status status) {
    const bool changed = note->helds != m->helds.count || m->helds.gone != 0;
    if (status == RV_HISTORY_GONE && changed) {
        world->figures.pasts_gone += 1; /* purged since */
        return;
    }
    if ((status == RV_STATE_FULL || status == RV_MEMORY_EXHAUSTED) && m->memory > sizeof memory) {
        return; /* the node has more */
    }
    if (status != RV_OK) {
        sim_fail(world, SIM_CHECK_PAST, "member %u as of %llu: %s", (unsigned)m->index,
                 (unsigned long long)note->position, rv_status_code(status));
        return;
    }
    const rv_hash128 hash = rv_state_hash(rv_as_of_state(as_of), note->position);
    world->figures.pasts += 1;
    world->figures.pasts_from_kept += rv_as_of_begun_at(as_of) > 0;
    if (rv_as_of_position(as_of) != note->position || hash.low != note->hash.low ||
        hash.high != note->hash.high) {
        sim_fail(world, SIM_CHECK_PAST, "member %u as of %llu is not what it was",
                 (unsigned)m->index, (unsigned long long)note->position);
    }
}

/* --- a canary --- */

static void overwrite(const rv_host *host, const char *name, rv_bytes bytes) {
    rv_io_result opened, result;
    rv_io io = host->ops->open(host->ctx, 1, name, &opened);
    RV_ASSERT(io == RV_IO_DONE && opened.status == RV_OK);
    io = host->ops->truncate(host->ctx, 2, opened.file, bytes.len, &result);
    RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK);
    for (size_t done = 0; done < bytes.len; done += (size_t)result.count) {
        io = host->ops->write(host->ctx, 3, opened.file, done, rv_bytes_from(bytes, done), &result);
        RV_ASSERT(io == RV_IO_DONE && result.status == RV_OK && result.count > 0);
    }
    host->ops->close(host->ctx, opened.file);
}

/* The oldest checkpoint's pages, under the places of all the others. */
static void mix_up(const sim_member *m) {
    static sim_directory directory;
    const rv_host host = rv_sim_disk_interface(m->disk);
    const sim_copied_file *oldest = NULL;
    rv_checkpoint_head head, other;
    sim_directory_take(&directory, host);
    for (uint32_t i = 0; i < directory.count; i++) {
        const sim_copied_file *const file = &directory.files[i];
        const bool is_one =
            strncmp(file->name, "ckp-", 4) == 0 && file->len > RV_CHECKPOINT_HEAD_SIZE;
        const bool older = is_one && (oldest == NULL || strcmp(file->name, oldest->name) < 0);
        oldest = older ? file : oldest;
    }
    for (uint32_t i = 0; i < directory.count && oldest != NULL; i++) {
        const sim_copied_file *const file = &directory.files[i];
        if (file == oldest || strncmp(file->name, "ckp-", 4) != 0 ||
            file->len < RV_CHECKPOINT_HEAD_SIZE ||
            rv_checkpoint_head_decode(oldest->bytes, &head) != RV_CHECKPOINT_USABLE ||
            rv_checkpoint_head_decode(file->bytes, &other) != RV_CHECKPOINT_USABLE) {
            continue;
        }
        memcpy(head.mark, other.mark, sizeof head.mark);
        head.last_sequence = other.last_sequence;
        head.recorded_at = other.recorded_at;
        uint8_t *const bytes = malloc(oldest->len);
        RV_ASSERT(bytes != NULL);
        memcpy(bytes, oldest->bytes, oldest->len);
        rv_checkpoint_head_encode(bytes, &head);
        overwrite(&host, file->name, rv_bytes_of(bytes, oldest->len));
        free(bytes);
    }
    sim_directory_free(&directory);
}

void sim_pasts_check(sim_world *world, sim_member *m) {
    sim_past *const past = &world->pasts.list[m->index];
    const rv_sim_faults none = {.fault = RV_SIM_NO_FAULT};
    const rv_as_of_options options = {
        .node = m->node, .memory = memory, .memory_size = sizeof memory};
    rv_as_of *as_of = NULL;
    rv_error err;
    const rv_status made = rv_as_of_create(&as_of, &options, &err);
    RV_ASSERT(made == RV_OK && m->life == SIM_UP);
    rv_sim_disk_advance(m->disk, UINT32_MAX);
    rv_sim_disk_set_faults(m->disk, &none);
    if (world->canary == SIM_CANARY_KEPT_WRONG) {
        mix_up(m);
    }
    for (unsigned i = 0; i < SIM_PAST_NOTES && world->failure.check == SIM_CHECK_NONE; i++) {
        const sim_past_note *const note = &past->notes[i];
        if (note->position > 0 && !is_outdated(m, note) && note->disk_life == m->disk_life &&
            note->epoch == rv_node_identity(m->node)->epoch) {
            const uint64_t less = world->canary == SIM_CANARY_PAST_MISSED;
            const rv_status status = reach(as_of, m, note->position - less, &err);
            check_note(world, m, as_of, note, status);
        }
    }
}
