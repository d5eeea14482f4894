/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads that begin somewhere: at a version of a stream, in the order of versions or of sequences,
 * or at a time. When a world has ended each member is asked for some; nothing of a run depends on
 * it. What is due is what the truth has from there on, of what the member holds; each event comes
 * once.
 */
#include "tests/sim/world.h"

#include "core/base/assert.h"
#include "core/live/subscription.h"

#define READS     6 /* of each member */
#define CALLS_MAX 100000
#define SCAN_MAX  50

typedef struct sim_read {
    const char *path; /* NULL: all, from `time` on */
    uint64_t version;
    int64_t time;
    bool by_version;
    uint64_t last; /* version that came last */
    uint8_t seen[SIM_EVENTS_MAX];
} sim_read;

static bool is_due(const sim_read *read, const rv_event *event) {
    return read->path != NULL ? event->version >= read->version : event->recorded_at >= read->time;
}

/* Lower versions come too where the past was filled in, in the order of sequences. */
static bool is_too_low(const sim_member *m, const sim_read *read, uint64_t version) {
    const bool filled = m->plan->fills || m->helds.back > 0;
    return version < read->version && (read->by_version || !filled);
}

/* An event that was given. A batch that began before the time may come whole; and what an edge that
 * has gone back had purged may be in its log twice. */
static bool is_right(const sim_world *world, const sim_member *m, sim_read *read,
                     const rv_event *event, rv_bytes path) {
    const uint64_t p = event->position;
    if (p == 0 || p > world->truth.count || is_too_low(m, read, event->version) ||
        sim_truth_at(&world->truth, p)->fingerprint != sim_fingerprint(event, path) ||
        sim_truth_has(world, m->index, read->path, p) == SIM_HAS_NOT) {
        return false;
    }
    const bool ordered = !read->by_version || event->version > read->last;
    const bool once = read->seen[p - 1] == 0 || (p <= m->helds.back && !read->by_version);
    read->last = event->version;
    read->seen[p - 1] = 1;
    return ordered && once;
}

static void check_all(sim_world *world, const sim_member *m, const sim_read *read) {
    for (uint64_t p = 1; p <= world->truth.count; p++) {
        const rv_event *const event = &sim_truth_at(&world->truth, p)->event;
        if (read->seen[p - 1] == 0 && is_due(read, event) &&
            sim_truth_has(world, m->index, read->path, p) == SIM_HAS) {
            sim_fail(world, SIM_CHECK_FEED,
                     "member %u, read of `%s` from version %llu, time %lld: position %llu is "
                     "missing",
                     (unsigned)m->index, read->path != NULL ? read->path : "",
                     (unsigned long long)read->version, (long long)read->time,
                     (unsigned long long)p);
            return;
        }
    }
    RV_ASSERT(world->truth.staged == 0);
}

static void run(sim_world *world, const sim_member *m, sim_read *read) {
    rv_subscription s;
    rv_path_pattern pattern;
    rv_event event;
    rv_bytes path;
    rv_status status = RV_PENDING;
    if (read->path != NULL) {
        status = rv_path_pattern_parse(rv_bytes_of_string(read->path), &pattern, NULL);
        RV_ASSERT(status == RV_OK);
    }
    rv_subscription_open(&s, m->node, &pattern, read->path != NULL, 1);
    if (read->path == NULL) {
        rv_subscription_from_time(&s, read->time);
    } else {
        rv_subscription_from_version(&s, read->version + (world->canary == SIM_CANARY_READ_LATE));
    }
    if (read->by_version) {
        rv_subscription_by_version(&s);
    }
    for (unsigned i = 0; i < CALLS_MAX && world->failure.check == SIM_CHECK_NONE; i++) {
        status = rv_subscription_next(&s, SCAN_MAX, &event, &path, NULL);
        if (status == RV_OK && !is_right(world, m, read, &event, path)) {
            sim_fail(world, SIM_CHECK_FEED,
                     "member %u, read of `%s` from version %llu, time %lld: position %llu",
                     (unsigned)m->index, read->path != NULL ? read->path : "",
                     (unsigned long long)read->version, (long long)read->time,
                     (unsigned long long)event.position);
        } else if (status == RV_PENDING || status == RV_BUSY) {
            (void)!rv_node_poll(m->node, NULL); /* what failed is told by the next read */
        } else if (status != RV_OK) {
            break;
        }
        world->figures.reads += status == RV_OK;
    }
    if (status != RV_END) {
        sim_fail(world, SIM_CHECK_STATUS, "member %u, read: %s", (unsigned)m->index,
                 rv_status_code(status));
        return;
    }
    check_all(world, m, read);
}

void sim_reads_check(sim_world *world, const sim_member *m) {
    static sim_read read;
    static char text[SIM_PATH_LEN];
    uint64_t random = sim_plan_stream(world->plan->seed * 31 + m->index, "reads");
    RV_ASSERT(m->life == SIM_UP);
    for (unsigned i = 0; i < READS && world->truth.count > 0; i++) {
        const sim_fact *const fact =
            sim_truth_at(&world->truth, 1 + rv_random_below(&random, world->truth.count));
        const rv_bytes path = world->truth.streams[fact->event.stream].path;
        memset(&read, 0, sizeof read);
        if (fact->event.type == RV_SYSTEM_SCHEMA_TYPE || rv_random_chance(&random, 30)) {
            read.time = fact->event.recorded_at;
        } else {
            (void)snprintf(text, sizeof text, "%.*s", (int)path.len, (const char *)path.ptr);
            read.path = text;
            read.version = fact->event.version;
            read.by_version = rv_random_chance(&random, 50);
        }
        if (world->failure.check == SIM_CHECK_NONE) {
            run(world, m, &read);
        }
    }
}
