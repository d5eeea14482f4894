/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over the whole log, batch by batch as recovery gives them, while it is open: for who folds
 * it once more (engine/as_of.h). A read (reader.c) looks for events, and passes over batches that
 * have none; what an edge began with, and rows that it is given, are in such batches.
 */
#include "core/log/internal.h"

/* Where the walk goes on. False: it stands in a file that is not there any more. */
static bool place_of(const rv_log *log, const rv_log_walk *walk, rv_place *place) {
    *place = (rv_place){walk->segment, walk->offset};
    if (walk->offset == 0) {
        *place = (rv_place){0, RV_SEGMENT_HEADER_SIZE};
        return true;
    }
    RV_ASSERT(walk->offset >= RV_SEGMENT_HEADER_SIZE);
    return walk->segment < log->segment_count && walk->offset <= log->segments[walk->segment].end &&
           walk->generation == log->segments[walk->segment].generation;
}

rv_status rv_log_walk_next(rv_log *log, rv_log_walk *walk, rv_batch *batch, rv_error *err) {
    rv_place place;
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    if (!place_of(log, walk, &place)) {
        return rv_error_set(err, RV_SNAPSHOT_EXPIRED, "what is read was written anew meanwhile");
    }
    while (rv_place_settle(log, &place)) { /* a turn for each seal that is passed */
        const uint8_t *at = NULL;
        rv_batch_header header;
        const rv_status status = rv_slots_batch(log, place, &at, &header, err);
        if (status != RV_OK) {
            return status;
        }
        place.offset += rv_batch_size(header.len);
        *walk = (rv_log_walk){place.segment, log->segments[place.segment].generation, place.offset};
        if (header.kind == RV_BATCH_RECORDS) {
            rv_batch_of(&header, at, batch);
            return RV_OK;
        }
    }
    return RV_END;
}
