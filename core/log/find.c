/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches by position: from the last index entry before which the watermark was below what is
 * asked for, along the batches, to the first whose watermark is not. That relies on one thing that
 * the appender sees to: no event of a batch lies above the batch's watermark.
 *
 * A search may have to wait for several reads, and with a thinned index and few slots the first of
 * them may be gone before the last is there. So how far a search has come is remembered, and it
 * goes on from there when it is asked again.
 */
#include "core/log/internal.h"

/* --- where to begin --- */

/* How many segments begin at or before the sequence. */
static uint32_t segments_up_to(const rv_log *log, uint64_t sequence) {
    RV_ASSERT(sequence > 0);
    uint32_t low = 0, high = log->segment_count; /* those below `low` do */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (log->segments[middle].first_sequence <= sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    RV_ASSERT(low <= log->segment_count);
    return low;
}

uint32_t rv_log_segment_of(const rv_log *log, uint64_t sequence) {
    const uint32_t count = segments_up_to(log, sequence);
    RV_ASSERT(count > 0); /* the first one begins with sequence 1 */
    return count - 1;
}

/* How many segments there are before which the watermark was lower. */
static uint32_t segments_below(const rv_log *log, uint64_t watermark) {
    RV_ASSERT(watermark > 0);
    uint32_t low = 0, high = log->segment_count; /* before those below `low` it was */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (log->segments[middle].watermark < watermark) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    RV_ASSERT(low <= log->segment_count);
    return low;
}

/* The later of the place that the index gives, if it does, and the begin of segment `count - 1`. */
static rv_begin later_place(bool indexed, rv_place place, uint32_t count) {
    RV_ASSERT(count > 0);
    RV_ASSERT(!indexed || place.offset >= RV_SEGMENT_HEADER_SIZE);
    if (indexed && place.segment >= count - 1) {
        return (rv_begin){place, true};
    }
    return (rv_begin){{count - 1, RV_SEGMENT_HEADER_SIZE}, false};
}

rv_begin rv_log_place_by_sequence(const rv_log *log, uint64_t sequence) {
    const uint32_t count = segments_up_to(log, sequence);
    RV_ASSERT(count > 0); /* the first one begins with sequence 1 */
    rv_place place = {0, 0};
    const bool indexed = rv_index_by_sequence(&log->index, sequence, &place);
    return later_place(indexed, place, count);
}

bool rv_log_place_by_watermark(const rv_log *log, uint64_t watermark, rv_begin *begin) {
    const uint32_t count = segments_below(log, watermark);
    if (count == 0) {
        return false;
    }
    rv_place found = {0, 0};
    const bool indexed = rv_index_by_watermark(&log->index, watermark, &found);
    *begin = later_place(indexed, found, count);
    RV_ASSERT(begin->place.segment < log->segment_count);
    return true;
}

/* --- searches --- */

/* The search for this position (its chain hash, or its event): remembered, or begun. False: the log
 * holds nothing. */
static bool search_begin(rv_log *log, bool chain, uint64_t position, rv_search **search) {
    RV_ASSERT(position > 0);
    rv_search *oldest = &log->searches[0];
    for (unsigned i = 0; i < RV_LOG_SEARCHES; i += 1) {
        rv_search *const s = &log->searches[i];
        if (s->position == position && s->chain == chain) {
            s->used = ++log->clock;
            *search = s;
            return true;
        }
        oldest = s->used < oldest->used ? s : oldest;
    }
    rv_begin begin;
    if (!rv_log_place_by_watermark(log, position, &begin)) {
        return false;
    }
    *oldest = (rv_search){position, chain, begin.indexed, begin.place, ++log->clock};
    *search = oldest;
    RV_ASSERT(begin.place.segment < log->segment_count);
    return true;
}

static void search_end(rv_search *search) {
    RV_ASSERT(search->position > 0);
    search->position = 0;
    search->used = 0;
}

/* Walks to the first batch from the search's place on whose watermark is at least its position. The
 * place stays at that batch. RV_END: there is none yet. */
static rv_status search_walk(rv_log *log, rv_search *search, const uint8_t **at,
                             rv_batch_header *header, rv_error *err) {
    RV_ASSERT(search->position > 0);
    if (!search->placed) {
        const uint32_t segment = search->place.segment;
        if (rv_index_place_below(log, search->position, segment, &search->place) == RV_PENDING) {
            return RV_PENDING;
        }
        search->placed = true;
    }
    while (rv_place_settle(log, &search->place)) { /* every pass goes on by a batch */
        const rv_status status = rv_slots_batch(log, search->place, at, header, err);
        if (status != RV_OK) {
            return status;
        }
        if (header->watermark >= search->position) {
            return RV_OK;
        }
        search->place.offset += rv_batch_size(header->len);
    }
    return RV_END;
}

/* The first event of the batch at or above the position. False: it has none. */
static bool find_event(const rv_log *log, const rv_batch_header *header, const uint8_t *at,
                       uint64_t position, uint64_t *sequence) {
    RV_ASSERT(position > 0);
    if (header->event_count == 0) {
        return false;
    }
    rv_batch batch;
    rv_batch_of(header, at, &batch);
    rv_record_context context = rv_batch_context(&batch, log);
    rv_cursor c = rv_cursor_over(batch.body);
    rv_record record;
    while (rv_cursor_left(&c) > 0 && rv_record_read(&c, &context, &record)) {
        if (record.kind == RV_RECORD_EVENT && record.event.position >= position) {
            *sequence = record.event.sequence;
            return true;
        }
    }
    RV_ASSERT(context.next_sequence >= header->first_sequence);
    return false;
}

/* The batch has more events than its header says. */
static rv_status tell_surplus(const rv_log *log, rv_place place, uint64_t first_sequence,
                              rv_error *err) {
    rv_file_name name;
    RV_ASSERT(first_sequence > 0);
    rv_files_name(log, place.segment, &name);
    return rv_log_damage(log, err, name.text, place.offset, first_sequence - 1,
                         "a batch that contradicts itself");
}

rv_status rv_log_find_position(rv_log *log, uint64_t position, uint64_t *sequence, rv_error *err) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    const uint64_t wanted = position > 0 ? position : 1;
    rv_search *search = NULL;
    *sequence = log->durable.next_sequence;
    if (!search_begin(log, false, wanted, &search)) {
        return RV_END;
    }
    rv_status status = RV_OK;
    bool found = false;
    while (status == RV_OK && !found) { /* every pass goes on by a batch */
        const uint8_t *at = NULL;
        rv_batch_header header;
        status = search_walk(log, search, &at, &header, err);
        if (status == RV_OK) {
            found = find_event(log, &header, at, wanted, sequence);
            if (found && *sequence >= header.first_sequence + header.event_count) {
                status = tell_surplus(log, search->place, header.first_sequence, err);
            }
            search->place.offset += found ? 0 : rv_batch_size(header.len);
        }
    }
    if (status != RV_PENDING && status != RV_BUSY) {
        search_end(search);
    }
    RV_ASSERT(status != RV_OK || *sequence < log->durable.next_sequence);
    return status;
}

rv_status rv_log_chain_from(rv_log *log, uint64_t position, uint64_t *watermark,
                            uint64_t *chain_hash, rv_error *err) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    rv_search *search = NULL;
    if (position > log->durable.watermark || !search_begin(log, true, position, &search)) {
        return RV_END;
    }
    const uint8_t *at = NULL;
    rv_batch_header header;
    const rv_status status = search_walk(log, search, &at, &header, err);
    if (status == RV_OK) {
        *watermark = header.watermark;
        *chain_hash = header.chain_hash;
    }
    if (status != RV_PENDING && status != RV_BUSY) {
        search_end(search);
    }
    RV_ASSERT(status != RV_OK || *watermark >= position);
    return status;
}

rv_status rv_log_chain_at(rv_log *log, uint64_t position, uint64_t *chain_hash, rv_error *err) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    if (position == log->durable.watermark) {
        *chain_hash = log->durable.chain_hash; /* the empty log's included */
        return RV_OK;
    }
    if (position == 0) {
        *chain_hash = 0;
        return RV_OK;
    }
    uint64_t watermark = 0;
    const rv_status status = rv_log_chain_from(log, position, &watermark, chain_hash, err);
    return status == RV_OK && watermark != position ? RV_END : status; /* no batch ends there */
}
