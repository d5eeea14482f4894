/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications that subscribe, and keep their cursor with what they were given: across crashes they
 * go on where they were, and must see each event once, in order.
 */
#ifndef RV_TESTS_SIM_FEEDS_H
#define RV_TESTS_SIM_FEEDS_H

#include "core/live/subscription.h"
#include "tests/sim/plan.h"
#include "tests/sim/truth.h"

#define SIM_FEEDS_MAX     16
#define SIM_DELIVERED_MAX 512 /* that wait for the truth to be read */

typedef struct sim_delivered {
    uint64_t position;
    uint64_t fingerprint;
} sim_delivered;

typedef struct sim_feed {
    bool used;
    uint8_t member;
    bool once;             /* it ends where it finds nothing more */
    uint8_t per_turn;      /* events that the consumer takes at a time */
    char pattern_text[96]; /* empty: everything */
    rv_path_pattern pattern;
    /* kept by the application */
    uint64_t cursor;        /* sequence to go on at */
    uint64_t sequence_last; /* of the last event that was delivered */
    uint64_t verified;      /* position up to which all was compared */
    /* where the past is filled in, which comes behind later events: by position - 1, those that */
    uint8_t seen[SIM_EVENTS_MAX / 8];  /* were given, */
    uint8_t again[SIM_EVENTS_MAX / 8]; /* and may be once more, as they may be purged since */
    uint8_t twice[SIM_EVENTS_MAX / 8]; /* or were, as the member has gone back */
    uint32_t seen_helds;               /* as of what the member held then */
    uint32_t disk_life;                /* that the cursor belongs to */
    /* of the process */
    uint32_t process;
    rv_subscription subscription;
    bool at_end; /* all that was durable was seen */
    uint32_t delivered_count;
    sim_delivered delivered[SIM_DELIVERED_MAX];
} sim_feed;

typedef struct sim_feeds {
    sim_feed list[SIM_FEEDS_MAX];
} sim_feeds;

struct sim_world;
struct sim_member;

/* Opens one on the step's member: a live one (SIM_STEP_FEED), or a read (SIM_STEP_READ). */
void sim_feeds_step(struct sim_world *world, const sim_step *step);

/* Takes what there is on a member that is up. True when something moved. */
bool sim_feeds_turn(struct sim_world *world, struct sim_member *member);

/* Compares what was delivered with the truth, as far as that is known. */
void sim_feeds_check(struct sim_world *world);

/* What the feeds of a member have given is of another history than what comes. */
void sim_feeds_forget(struct sim_world *world, uint8_t member);

/* Notes the feeds that have something left to do. */
void sim_feeds_note(struct sim_world *world);

/* True when every feed has delivered all that it must. */
bool sim_feeds_done(struct sim_world *world);

#endif
