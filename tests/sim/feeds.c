/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include "core/base/assert.h"

#define SCAN_MAX 16 /* small, so that passing over events is interrupted too */

static const char *pattern_of(const sim_feed *feed) {
    RV_ASSERT(feed->used);
    return feed->pattern_text[0] == '\0' ? NULL : feed->pattern_text;
}

/* Are events filled in behind others? */
static bool fills(const sim_world *world, const sim_feed *feed) {
    RV_ASSERT(feed->member < world->plan->member_count);
    return world->plan->members[feed->member].fills || world->members[feed->member].helds.back > 0;
}

static bool is_set(const uint8_t *bits, uint64_t position) {
    RV_ASSERT(position > 0 && position <= SIM_EVENTS_MAX);
    return (bits[(position - 1) / 8] >> ((position - 1) % 8) & 1u) != 0;
}

static void set(uint8_t *bits, uint64_t position, bool value) {
    uint8_t *const byte = &bits[(position - 1) / 8];
    const uint8_t bit = (uint8_t)(1u << ((position - 1) % 8));
    RV_ASSERT(position > 0 && position <= SIM_EVENTS_MAX);
    *byte = (uint8_t)(value ? *byte | bit : *byte & ~bit);
}

/* The first that the feed must have given, or will. */
static uint64_t next_due(const sim_world *world, const sim_feed *feed) {
    uint64_t p = 1;
    if (!fills(world, feed)) {
        return sim_truth_next(world, feed->member, pattern_of(feed), feed->verified, 0);
    }
    while (p <= world->truth.count &&
           (is_set(feed->seen, p) ||
            sim_truth_has(world, feed->member, pattern_of(feed), p) != SIM_HAS)) {
        p += 1;
    }
    return p <= world->truth.count ? p : 0;
}

static void forget(sim_feed *feed) {
    feed->cursor = 1;
    feed->sequence_last = 0;
    feed->verified = 0;
    memset(feed->seen, 0, sizeof feed->seen);
    memset(feed->again, 0, sizeof feed->again);
    feed->seen_helds = 0;
    memset(feed->twice, 0, sizeof feed->twice);
    feed->delivered_count = 0;
    feed->process = 0;
    feed->at_end = false;
    RV_ASSERT(feed->used);
}

void sim_feeds_forget(sim_world *world, uint8_t member) {
    RV_ASSERT(member < world->plan->member_count);
    for (uint32_t i = 0; i < SIM_FEEDS_MAX; i++) {
        sim_feed *const feed = &world->feeds.list[i];
        if (feed->used && feed->member == member) {
            forget(feed);
        }
    }
}

static void open_feed(sim_world *world, sim_feed *feed) {
    const sim_member *const member = &world->members[feed->member];
    RV_ASSERT(member->life == SIM_UP);
    if (feed->disk_life != member->disk_life) { /* what it remembers is of another disk */
        feed->disk_life = member->disk_life;
        forget(feed);
    }
    uint64_t from = feed->cursor;
    if (world->canary == SIM_CANARY_DELIVERED_TWICE && from > 1) {
        from -= 1;
    }
    const size_t patterns = feed->pattern_text[0] == '\0' ? 0 : 1;
    rv_subscription_open(&feed->subscription, member->node, &feed->pattern, patterns, from);
    feed->process = member->process;
}

void sim_feeds_step(sim_world *world, const sim_step *step) {
    uint64_t random = step->seed;
    const sim_schema *const schema = sim_schema_of(world->plan->schema);
    uint32_t slot = 0;
    while (slot < SIM_FEEDS_MAX && world->feeds.list[slot].used) {
        slot += 1;
    }
    if (slot == SIM_FEEDS_MAX) {
        return;
    }
    sim_feed *const feed = &world->feeds.list[slot];
    feed->used = true;
    feed->member = step->member;
    feed->once = step->kind == SIM_STEP_READ;
    feed->per_turn = (uint8_t)(1 + rv_random_below(&random, 20));
    feed->pattern_text[0] = '\0';
    feed->process = 0;
    feed->at_end = false;
    feed->disk_life = UINT32_MAX;
    const uint32_t count = sim_schema_patterns(schema);
    if (feed->once && world->truth.stream_count > 0) { /* of one stream that there is */
        const uint64_t nth = rv_random_below(&random, world->truth.stream_count);
        const rv_bytes path = world->truth.streams[nth].path;
        if (!rv_bytes_are(path, RV_SYSTEM_SCHEMA_PATH)) {
            (void)snprintf(feed->pattern_text, sizeof feed->pattern_text, "%.*s", (int)path.len,
                           (const char *)path.ptr);
        }
    } else if (rv_random_chance(&random, 70)) {
        (void)snprintf(feed->pattern_text, sizeof feed->pattern_text, "%s",
                       schema->patterns[rv_random_below(&random, count)]);
    }
    if (feed->pattern_text[0] != '\0') {
        const rv_status status =
            rv_path_pattern_parse(rv_bytes_of_string(feed->pattern_text), &feed->pattern, NULL);
        RV_ASSERT(status == RV_OK);
    }
    sim_note(world, step->member, "%s of `%s`", sim_step_text(step->kind), feed->pattern_text);
}

/* Keeps an event that was delivered until the truth can be asked. */
static void deliver(sim_world *world, sim_feed *feed, const rv_event *event, rv_bytes path) {
    const bool purges = world->members[feed->member].plan->selection_count > 1;
    const bool all = feed->pattern_text[0] == '\0' && !purges;
    RV_ASSERT(feed->delivered_count < SIM_DELIVERED_MAX);
    if (event->sequence <= feed->sequence_last ||
        (all && event->sequence != feed->sequence_last + 1)) {
        sim_fail(world, SIM_CHECK_FEED, "member %u, feed of `%s`: sequence %llu after %llu",
                 (unsigned)feed->member, feed->pattern_text, (unsigned long long)event->sequence,
                 (unsigned long long)feed->sequence_last);
    }
    feed->sequence_last = event->sequence;
    feed->delivered[feed->delivered_count++] =
        (sim_delivered){event->position, sim_fingerprint(event, path)};
    feed->cursor = event->sequence + 1;
    world->figures.delivered += 1;
}

static bool feed_turn(sim_world *world, sim_feed *feed, sim_member *member) {
    bool moved = false;
    if (feed->process != member->process) {
        open_feed(world, feed);
    }
    feed->at_end = false;
    for (uint8_t i = 0; i < feed->per_turn && feed->delivered_count < SIM_DELIVERED_MAX; i++) {
        rv_event event;
        rv_bytes path;
        rv_error err;
        const rv_status status =
            rv_subscription_next(&feed->subscription, SCAN_MAX, &event, &path, &err);
        if (status == RV_OK) {
            deliver(world, feed, &event, path);
            moved = true;
            continue;
        }
        if (status == RV_END) {
            feed->at_end = true;
            const uint64_t cursor = rv_subscription_sequence(&feed->subscription);
            feed->cursor = cursor > feed->cursor ? cursor : feed->cursor;
        } else if (status != RV_PENDING && status != RV_BUSY && status != RV_STORAGE_FAILED) {
            sim_fail(world, SIM_CHECK_STATUS, "member %u, feed: %s: %.*s", (unsigned)feed->member,
                     rv_status_code(status), (int)err.detail_len, err.detail);
        }
        return moved;
    }
    return moved;
}

bool sim_feeds_turn(sim_world *world, sim_member *member) {
    bool moved = false;
    RV_ASSERT(member->life == SIM_UP);
    if (rv_node_in_batch(member->node)) {
        return false;
    }
    for (uint32_t i = 0; i < SIM_FEEDS_MAX; i++) {
        sim_feed *const feed = &world->feeds.list[i];
        if (feed->used && feed->member == member->index) {
            moved = feed_turn(world, feed, member) || moved;
        }
    }
    return moved;
}

/* Compares one delivered event with what was due. */
static void verify(sim_world *world, sim_feed *feed, const sim_delivered *d) {
    const uint64_t due =
        sim_truth_next(world, feed->member, pattern_of(feed), feed->verified, d->position);
    RV_ASSERT(d->position <= world->truth.count);
    if (due != d->position) {
        sim_fail(world, SIM_CHECK_FEED, "member %u, feed of `%s`: position %llu, due was %llu",
                 (unsigned)feed->member, feed->pattern_text, (unsigned long long)d->position,
                 (unsigned long long)due);
    } else if (sim_truth_at(&world->truth, due)->fingerprint != d->fingerprint) {
        sim_fail(world, SIM_CHECK_FEED, "member %u, feed of `%s`: position %llu has other content",
                 (unsigned)feed->member, feed->pattern_text, (unsigned long long)due);
    }
    feed->verified = d->position;
}

/* The same where events are filled in behind others: each once. */
static void verify_any(sim_world *world, sim_feed *feed, const sim_delivered *d) {
    const sim_fact *const fact = sim_truth_at(&world->truth, d->position);
    const bool met = is_set(feed->seen, d->position);
    const bool seen = met && !is_set(feed->again, d->position);
    const bool may = d->position <= world->members[feed->member].helds.back;
    const bool again = seen && (!may || is_set(feed->twice, d->position));
    if (sim_truth_has(world, feed->member, pattern_of(feed), d->position) == SIM_HAS_NOT || again) {
        sim_fail(world, SIM_CHECK_FEED, "member %u, feed of `%s`: position %llu%s",
                 (unsigned)feed->member, feed->pattern_text, (unsigned long long)d->position,
                 again ? " again" : "");
    } else if (fact->fingerprint != d->fingerprint) {
        sim_fail(world, SIM_CHECK_FEED, "member %u, feed of `%s`: position %llu has other content",
                 (unsigned)feed->member, feed->pattern_text, (unsigned long long)d->position);
    }
    world->figures.filled += d->position < feed->verified;
    feed->verified = d->position > feed->verified ? d->position : feed->verified;
    set(feed->seen, d->position, true);
    if (met) { /* else it may be one that is to be purged, and is filled in behind that */
        set(feed->again, d->position, false);
    }
    if (seen) {
        set(feed->twice, d->position, true);
    }
}

/* The member holds something else: what may have been purged may come once more. */
static void see_anew(sim_world *world, sim_feed *feed) {
    const uint32_t helds = world->members[feed->member].helds.times;
    for (uint64_t p = 1; p <= world->truth.count && helds != feed->seen_helds; p++) {
        const rv_event *const event = &sim_truth_at(&world->truth, p)->event;
        const rv_bytes path = world->truth.streams[event->stream].path;
        if (!sim_member_kept(&world->members[feed->member], p, path)) {
            set(feed->again, p, true); /* also if it is there by now: all of it may have come */
        }
    }
    feed->seen_helds = helds;
    RV_ASSERT(fills(world, feed));
}

void sim_feeds_check(sim_world *world) {
    for (uint32_t i = 0; i < SIM_FEEDS_MAX; i++) {
        sim_feed *const feed = &world->feeds.list[i];
        uint32_t done = 0;
        const bool compared = feed->used && !sim_restored_beside(&world->members[feed->member]);
        if (compared && fills(world, feed)) {
            see_anew(world, feed);
        }
        while (compared && done < feed->delivered_count &&
               feed->delivered[done].position <= world->truth.count) {
            if (fills(world, feed)) {
                verify_any(world, feed, &feed->delivered[done]);
            } else {
                verify(world, feed, &feed->delivered[done]);
            }
            done += 1;
        }
        RV_ASSERT(done <= feed->delivered_count);
        feed->delivered_count -= done;
        memmove(feed->delivered, feed->delivered + done,
                feed->delivered_count * sizeof feed->delivered[0]);
        if (compared && feed->once && feed->at_end && feed->delivered_count == 0) {
            feed->used = false;
        }
    }
}

void sim_feeds_note(sim_world *world) {
    for (uint32_t i = 0; i < SIM_FEEDS_MAX; i++) {
        const sim_feed *const feed = &world->feeds.list[i];
        const uint64_t due = feed->used ? next_due(world, feed) : 0;
        if (feed->used && (due > 0 || feed->delivered_count > 0 || !feed->at_end)) {
            sim_note(
                world, feed->member,
                "feed %u of `%s`: goes on at sequence %llu, position %llu is due, %u delivered "
                "and not known, %s",
                i, feed->pattern_text, (unsigned long long)feed->cursor, (unsigned long long)due,
                feed->delivered_count, feed->at_end ? "at the end" : "not at the end");
        }
    }
    RV_ASSERT(world->truth.count <= SIM_EVENTS_MAX);
}

bool sim_feeds_done(sim_world *world) {
    bool done = true;
    sim_feeds_check(world);
    for (uint32_t i = 0; i < SIM_FEEDS_MAX; i++) {
        const sim_feed *const feed = &world->feeds.list[i];
        if (feed->used) {
            done = done && feed->at_end && feed->delivered_count == 0 && next_due(world, feed) == 0;
        }
    }
    RV_ASSERT(world->truth.count <= SIM_EVENTS_MAX);
    return done;
}
