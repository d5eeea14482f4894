/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/truth.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

#include <stdlib.h>

#define BYTES_MAX  ((size_t)64 << 20)
#define SCHEMA_MAX ((size_t)4 << 20)

void sim_truth_create(sim_truth *truth) {
    uint8_t *const memory = malloc(BYTES_MAX + SCHEMA_MAX);
    *truth = (sim_truth){.facts = calloc(SIM_EVENTS_MAX, sizeof *truth->facts)};
    RV_ASSERT(memory != NULL && truth->facts != NULL);
    truth->bytes = rv_arena_over(memory, BYTES_MAX);
    truth->schema_arena = rv_arena_over(memory + BYTES_MAX, SCHEMA_MAX);
    const rv_status status = rv_schema_create(&truth->schema, &truth->schema_arena, NULL);
    RV_ASSERT(status == RV_OK);
}

void sim_truth_free(sim_truth *truth) {
    RV_ASSERT(truth->facts != NULL);
    free(truth->bytes.ptr);
    free(truth->facts);
}

const sim_fact *sim_truth_at(const sim_truth *truth, uint64_t position) {
    RV_ASSERT(position > 0 && position <= (uint64_t)truth->count + truth->staged);
    return &truth->facts[position - 1];
}

uint32_t sim_truth_stream(sim_truth *truth, rv_bytes path) {
    for (uint32_t i = 0; i < truth->stream_count; i++) {
        if (rv_bytes_equal(truth->streams[i].path, path)) {
            return i;
        }
    }
    RV_ASSERT(truth->stream_count < SIM_STREAMS_MAX);
    truth->streams[truth->stream_count].path = rv_arena_copy(&truth->bytes, path);
    return truth->stream_count++;
}

uint64_t sim_fingerprint(const rv_event *event, rv_bytes path) {
    uint8_t head[80];
    rv_writer w = rv_writer_over(head, sizeof head);
    rv_write_u64(&w, event->position);
    rv_write_u64(&w, event->version);
    rv_write_u64(&w, event->type);
    rv_write_u64(&w, event->schema_version);
    rv_write_u64(&w, (uint64_t)event->written_at);
    rv_write_u64(&w, (uint64_t)event->recorded_at);
    rv_write(&w, rv_bytes_of(event->event_id, sizeof event->event_id));
    RV_ASSERT(!w.full);
    uint64_t hash = rv_hash64(1, rv_writer_bytes(&w));
    hash = rv_hash64(hash, path);
    hash = rv_hash64(hash, event->data);
    return rv_hash64(hash, event->metadata);
}

bool sim_truth_add(sim_truth *truth, const rv_event *event, rv_bytes path) {
    const uint32_t at = truth->count + truth->staged;
    RV_ASSERT(event->position == (uint64_t)at + 1);
    if (at == SIM_EVENTS_MAX) {
        return false;
    }
    sim_fact *const fact = &truth->facts[at];
    fact->event = *event;
    fact->event.data = rv_arena_copy(&truth->bytes, event->data);
    fact->event.metadata = rv_arena_copy(&truth->bytes, event->metadata);
    fact->event.stream = sim_truth_stream(truth, path);
    fact->fingerprint = sim_fingerprint(event, path);
    truth->streams[fact->event.stream].version = event->version;
    truth->staged += 1;
    if (event->type == RV_SYSTEM_SCHEMA_TYPE) {
        const rv_status status = rv_schema_apply(truth->schema, fact->event.data, NULL);
        RV_ASSERT(status == RV_OK);
    }
    if (event->batch_end) {
        truth->count += truth->staged;
        truth->staged = 0;
    }
    return true;
}

void sim_truth_unstage(sim_truth *truth) {
    while (truth->staged > 0) {
        const rv_event *const event = &truth->facts[truth->count + truth->staged - 1].event;
        RV_ASSERT(event->type != RV_SYSTEM_SCHEMA_TYPE && event->version > 0);
        truth->streams[event->stream].version = event->version - 1;
        truth->staged -= 1;
    }
}

void sim_truth_cut(sim_truth *truth, uint64_t position) {
    RV_ASSERT(truth->staged == 0 && position <= truth->count);
    for (uint32_t i = 0; i < truth->stream_count; i++) {
        truth->streams[i].version = 0;
    }
    truth->count = (uint32_t)position;
    rv_arena_reset(&truth->schema_arena, 0);
    rv_status status = rv_schema_create(&truth->schema, &truth->schema_arena, NULL);
    for (uint32_t i = 0; i < truth->count && status == RV_OK; i++) {
        const rv_event *const event = &truth->facts[i].event;
        truth->streams[event->stream].version = event->version;
        status = event->type == RV_SYSTEM_SCHEMA_TYPE
                     ? rv_schema_apply(truth->schema, event->data, NULL)
                     : RV_OK;
    }
    RV_ASSERT(status == RV_OK); /* it was made of this before */
}
