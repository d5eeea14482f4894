/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root's history as anybody may rely on it: the events that its log gave as durable, in order.
 * It only grows, whatever the root goes through, until an administrator puts the root back to an
 * older copy. Everything else is compared with it.
 */
#ifndef RV_TESTS_SIM_TRUTH_H
#define RV_TESTS_SIM_TRUTH_H

#include "core/model/event.h"

#define SIM_EVENTS_MAX  8192
#define SIM_STREAMS_MAX 256

typedef struct sim_fact {
    rv_event event;       /* `stream` is the truth's number; bytes are the truth's own */
    uint64_t fingerprint; /* of all that a reader sees of it */
} sim_fact;

typedef struct sim_stream {
    rv_bytes path;
    uint64_t version;
} sim_stream;

typedef struct sim_truth {
    rv_arena bytes;
    uint32_t count;  /* facts; the nth, from 1, is at position n. Whole batches only. */
    uint32_t staged; /* facts behind them, of a batch whose end was not read yet */
    sim_fact *facts;
    uint32_t stream_count;
    sim_stream streams[SIM_STREAMS_MAX];
    rv_arena schema_arena;
    rv_schema *schema; /* as of `count + staged` */
} sim_truth;

void sim_truth_create(sim_truth *truth);
void sim_truth_free(sim_truth *truth);

/* The fact at a position that is known. */
const sim_fact *sim_truth_at(const sim_truth *truth, uint64_t position);

/* The truth's number of a path, which is added. */
uint32_t sim_truth_stream(sim_truth *truth, rv_bytes path);

/* What a reader sees of an event, as one number. */
uint64_t sim_fingerprint(const rv_event *event, rv_bytes path);

/* Adds the next event, staged; its batch's end makes it known. False: no room. */
bool sim_truth_add(sim_truth *truth, const rv_event *event, rv_bytes path);

/* Forgets what is staged, as when the reader begins again. The schema stays: a staged schema change
 * is a batch of its own and never stays staged. */
void sim_truth_unstage(sim_truth *truth);

/* It ends at the position, as an older copy of the root does. Nothing is staged. */
void sim_truth_cut(sim_truth *truth, uint64_t position);

#endif
