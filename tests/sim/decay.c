/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bit flips on a disk. What is opened then is looked at and put back: it either says that it is
 * damaged, or it holds what it must. Whatever it gives to read is right up to where it says that it
 * can be read; if less is there than was durable, the node says that it has cut something off.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"

#define POLLS_MAX 20000

/* Flips a bit of some file. False: there is nothing on the disk. */
static bool flip(sim_world *world, sim_member *m, const sim_directory *saved, uint64_t *random) {
    if (saved->count == 0) {
        return false;
    }
    const sim_copied_file *const file = &saved->files[rv_random_below(random, saved->count)];
    if (file->len == 0) {
        return false;
    }
    /* most of a log's file is reserved and not written yet: often enough where something is */
    size_t used = file->len;
    while (used > 0 && file->bytes[used - 1] == 0) {
        used -= 1;
    }
    const bool anywhere = used == 0 || rv_random_chance(random, 20);
    const uint64_t offset = rv_random_below(random, anywhere ? file->len : used);
    const unsigned bit = (unsigned)rv_random_below(random, 8);
    const rv_status status = rv_sim_disk_flip(m->disk, file->name, offset, bit);
    RV_ASSERT(status == RV_OK);
    sim_note(world, m->index, "bit %u of byte %llu of %s flips", bit, (unsigned long long)offset,
             file->name);
    return true;
}

/* Goes through the log of the open node; all that it gives must be true. */
static void read_all(sim_world *world, sim_member *m, bool told) {
    rv_subscription subscription;
    uint64_t position = 0;
    rv_subscription_open(&subscription, m->node, NULL, 0, 1);
    for (uint32_t i = 0; i < POLLS_MAX; i++) {
        rv_event event;
        rv_bytes path;
        const rv_status status = rv_subscription_next(&subscription, 100, &event, &path, NULL);
        if (status == RV_OK) {
            const uint64_t due = sim_truth_next(world, m->index, NULL, position, event.position);
            if (event.position > world->truth.count) {
                return; /* it was not read before the process ended */
            }
            const bool filled = m->plan->fills &&
                                sim_truth_has(world, m->index, NULL, event.position) != SIM_HAS_NOT;
            if ((due != event.position && !filled) ||
                sim_truth_at(&world->truth, event.position)->fingerprint !=
                    sim_fingerprint(&event, path)) {
                sim_fail(world, SIM_CHECK_DAMAGE, "member %u gives another event at position %llu",
                         (unsigned)m->index, (unsigned long long)event.position);
                return;
            }
            position = event.position;
        } else if (status == RV_PENDING || status == RV_BUSY) {
            (void)!rv_node_poll(m->node, NULL); /* it may be read-only */
        } else {
            const uint64_t due = sim_truth_next(world, m->index, NULL, position, 0);
            if (status == RV_END && !told && due > 0 && due <= m->durable && !m->plan->fills) {
                sim_fail(world, SIM_CHECK_DAMAGE, "member %u ends before position %llu",
                         (unsigned)m->index, (unsigned long long)due);
            }
            return;
        }
    }
    sim_fail(world, SIM_CHECK_DAMAGE, "member %u: reading its log does not end",
             (unsigned)m->index);
}

/* Opens what is on the disk and looks at it. */
static void look(sim_world *world, sim_member *m) {
    rv_error err;
    rv_bytes kept_in;
    rv_status status = RV_PENDING;
    sim_member_start(m);
    for (uint32_t i = 0; i < POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_open(m->node, &err);
        (void)!rv_node_poll(m->node, NULL); /* what fails is told by the open */
    }
    const uint64_t w = rv_node_watermark(m->node);
    const bool cut = rv_log_cut(rv_node_log(m->node), &kept_in) > 0;
    const bool told = status == RV_DATA_DAMAGED || status == RV_DATA_NEWER;
    sim_note(world, m->index, "opens with %s at %llu%s", rv_status_code(status),
             (unsigned long long)w, cut ? ", a tail cut off" : "");
    world->figures.damage_told += told;
    world->figures.damage_cut += !told && cut;
    if (status != RV_OK && !told) {
        sim_fail(world, SIM_CHECK_DAMAGE, "member %u opens with %s: %.*s", (unsigned)m->index,
                 rv_status_code(status), (int)err.detail_len, err.detail);
    } else if (!told && !cut && w < m->durable) {
        sim_fail(world, SIM_CHECK_DAMAGE, "member %u lost what is behind %llu and does not say so",
                 (unsigned)m->index, (unsigned long long)w);
    }
    if (status == RV_OK || status == RV_DATA_DAMAGED) {
        m->life = SIM_UP;
        (void)sim_check_rows(world, m);
        read_all(world, m, told || cut);
    }
}

void sim_decay(sim_world *world, sim_member *m, uint64_t *random) {
    sim_directory saved = {.count = 0};
    if (m->floor != SIM_FLOOR_NONE || (m->index == 0 && world->restores.replaced)) {
        return; /* what is there is not, or may not be, the truth */
    }
    const rv_sim_faults calm = {.fault = RV_SIM_NO_FAULT};
    if (m->life != SIM_DOWN) {
        sim_world_stop(world, m, RV_SIM_CRASH_KEEP, false, 0);
    }
    const uint64_t durable = m->durable;
    const uint32_t disk_life = m->disk_life;
    rv_sim_disk_set_faults(m->disk, &calm);
    sim_directory_take(&saved, rv_sim_disk_interface(m->disk));
    if (flip(world, m, &saved, random)) {
        look(world, m);
        sim_member_crash(m, RV_SIM_CRASH_KEEP);
        sim_member_disk_replace(m, &saved);
        m->durable = durable;
        m->disk_life = disk_life;
    }
    sim_directory_free(&saved);
    sim_member_faults_apply(m);
    m->restart_at = world->now + (int64_t)rv_random_below(random, 1000000);
    m->wake_at = m->restart_at;
    uint64_t refused = 0;
    const rv_status status = sim_model_fold(world->models[0], world->truth.count, &refused);
    RV_ASSERT(status == RV_OK); /* it has been there before */
}
