/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading. A slot holds a run of verified batches of one segment; all readers share the slots, and
 * the one not used for longest gives way. Two things fill them:
 *
 *   - a load: from a place on, as much as one read gives (more if the batch is larger). Each batch
 * is checked once, when it is loaded; a run ends before the first that is not whole or not good,
 * and if that is what is asked for next, it is the first of its own load, and is told.
 *   - the feed: what the writer has just made durable is copied behind what it fed before, so
 *     subscriptions that are up to date never read from the disk.
 *
 *     FREE -> LOADING -> READY -> (another load or feed)
 *                    \-> BAD, until it was told -> FREE
 *
 *   invariant: a READY slot holds whole durable batches from `offset` to `offset + len`.
 */
#include "core/log/internal.h"

#define SPARE_HANDLES 2 /* for the tail, and for the segment after it */

/* --- slots --- */

static size_t chunk_of(const rv_log *log) {
    RV_ASSERT(log->slot_size >= RV_BATCH_HEADER_SIZE);
    return log->slot_size < RV_LOG_CHUNK ? log->slot_size : RV_LOG_CHUNK;
}

/* The slot for something new: free, or else the one not used for longest; NULL: all are loading. */
static rv_slot *slot_take(rv_log *log) {
    rv_slot *best = NULL;
    for (uint32_t i = 0; i < log->options.read_slot_count; i += 1) {
        rv_slot *const slot = &log->slots[i];
        if (slot->phase == RV_SLOT_LOADING || slot->pinned) {
            continue;
        }
        if (best == NULL || (slot->phase == RV_SLOT_FREE && best->phase != RV_SLOT_FREE) ||
            (slot->used < best->used && best->phase != RV_SLOT_FREE)) {
            best = slot;
        }
    }
    if (best != NULL) {
        RV_ASSERT(!rv_op_active(&best->op));
        log->feed = best == log->feed ? NULL : log->feed;
        best->phase = RV_SLOT_FREE;
        best->used = ++log->clock;
        best->len = 0;
        log->taken += 1;
    }
    RV_ASSERT(best == NULL || best->handle == NULL);
    return best;
}

/* Is it a batch that a node with more memory wrote, and that no slot holds? What is none lies
 * within the segment, and counts on in it, by chance only. */
static bool slot_outgrown(const rv_log *log, const rv_slot *slot, const rv_batch_header *header) {
    const rv_segment *const segment = &log->segments[slot->segment];
    const size_t size = rv_batch_size(header->len);
    RV_ASSERT(slot->offset < segment->end);
    return slot->len == 0 && size > log->slot_size && size <= segment->end - slot->offset &&
           header->first_sequence >= segment->first_sequence &&
           header->first_sequence < log->durable.next_sequence && header->durable <= slot->offset;
}

/* Checks what was loaded; true when the first batch needs more bytes (`want`). */
static bool slot_verify(rv_log *log, rv_slot *slot) {
    RV_ASSERT(slot->phase == RV_SLOT_LOADING && slot->segment < log->segment_count);
    const uint32_t salt = log->segments[slot->segment].salt;
    bool outgrown = false;
    slot->len = 0;
    while (slot->got - slot->len >= RV_BATCH_HEADER_SIZE) {
        const uint8_t *const at = slot->buf + slot->len;
        rv_batch_header header;
        if (!rv_batch_decode(at, &header)) {
            break;
        }
        const size_t size = rv_batch_size(header.len);
        if (size > slot->got - slot->len) {
            const bool more = slot->len == 0 && size > slot->want && size <= log->slot_size;
            slot->want = more ? size : slot->want;
            if (more) {
                return true;
            }
            outgrown = slot_outgrown(log, slot, &header);
            slot->want = outgrown ? size : slot->want;
            break;
        }
        if (!rv_batch_intact(at, &header, salt)) {
            break;
        }
        slot->len += size;
    }
    slot->phase = slot->len > 0 ? RV_SLOT_READY : RV_SLOT_BAD;
    slot->status = slot->len > 0 ? RV_OK : outgrown ? RV_MEMORY_EXHAUSTED : RV_DATA_DAMAGED;
    RV_ASSERT(slot->len <= slot->got);
    return false;
}

/* Goes on with a load; when it is over the slot is READY or BAD. */
static void slot_advance(rv_log *log, rv_slot *slot) {
    RV_ASSERT(slot->phase == RV_SLOT_LOADING && slot->handle != NULL);
    for (unsigned pass = 0; pass < 2 && slot->phase == RV_SLOT_LOADING; pass += 1) {
        size_t got = 0;
        const rv_status status =
            rv_op_read(&log->ops, &slot->op, slot->handle->file, slot->offset + slot->got,
                       slot->buf + slot->got, slot->want - slot->got, &got);
        if (status == RV_PENDING) {
            return;
        }
        slot->got += got;
        if (status != RV_OK) {
            slot->phase = RV_SLOT_BAD;
            slot->status = status;
        } else if (slot_verify(log, slot)) {
            continue;
        }
        rv_files_release(log, slot->handle);
        slot->handle = NULL;
    }
    RV_ASSERT(slot->phase != RV_SLOT_LOADING || slot->handle != NULL);
}

void rv_slots_poll(rv_log *log) {
    RV_ASSERT(log->slots != NULL);
    for (uint32_t i = 0; i < log->options.read_slot_count; i += 1) {
        if (log->slots[i].phase == RV_SLOT_LOADING) {
            slot_advance(log, &log->slots[i]);
        }
    }
}

bool rv_slots_loading(const rv_log *log) {
    RV_ASSERT(log->slots != NULL);
    for (uint32_t i = 0; i < log->options.read_slot_count; i += 1) {
        if (log->slots[i].phase == RV_SLOT_LOADING) {
            return true;
        }
    }
    return false;
}

/* The slot that holds the place, or that loads or failed from exactly there. */
static rv_slot *slot_find(rv_log *log, rv_place place) {
    RV_ASSERT(place.offset >= RV_SEGMENT_HEADER_SIZE);
    for (uint32_t i = 0; i < log->options.read_slot_count; i += 1) {
        rv_slot *const slot = &log->slots[i];
        if (slot->phase == RV_SLOT_FREE || slot->segment != place.segment ||
            place.offset < slot->offset) {
            continue;
        }
        RV_ASSERT(slot->phase != RV_SLOT_READY || slot->len > 0);
        const bool holds = slot->phase == RV_SLOT_READY && place.offset - slot->offset < slot->len;
        if (holds || (slot->phase != RV_SLOT_READY && slot->offset == place.offset)) {
            return slot;
        }
    }
    return NULL;
}

/* How much to read at a place: where somebody reads on, twice what he read before; at any other,
 * about as far as the index leads astray. */
static size_t load_size(const rv_log *log, rv_place place) {
    const size_t chunk = chunk_of(log);
    size_t size = RV_LOG_POINT;
    for (uint32_t i = 0; i < log->options.read_slot_count; i += 1) {
        const rv_slot *const slot = &log->slots[i];
        if (slot->phase == RV_SLOT_READY && slot->segment == place.segment &&
            slot->offset + slot->len == place.offset && 2 * slot->len > size) {
            size = 2 * slot->len;
        }
    }
    RV_ASSERT(chunk > 0);
    return size < chunk ? size : chunk;
}

rv_slot *rv_slots_lend(rv_log *log) {
    rv_slot *const slot = slot_take(log);
    if (slot != NULL) {
        slot->pinned = true;
    }
    RV_ASSERT(slot == NULL || slot->phase == RV_SLOT_FREE);
    return slot;
}

uint8_t *rv_log_borrow(rv_log *log, size_t *len) {
    rv_slot *const slot = rv_slots_lend(log);
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    *len = slot == NULL ? 0 : log->slot_size;
    return slot == NULL ? NULL : slot->buf;
}

void rv_log_give_back(rv_log *log, const uint8_t *buf) {
    uint32_t index = 0;
    while (index < log->options.read_slot_count && log->slots[index].buf != buf) {
        index += 1;
    }
    RV_ASSERT(index < log->options.read_slot_count && log->slots[index].pinned);
    log->slots[index].pinned = false;
}

void rv_slots_forget(rv_log *log, uint32_t segment) {
    RV_ASSERT(segment < log->segment_count);
    for (uint32_t i = 0; i < log->options.read_slot_count; i += 1) {
        rv_slot *const slot = &log->slots[i];
        if (slot->phase != RV_SLOT_FREE && slot->segment == segment) {
            RV_ASSERT(slot->phase != RV_SLOT_LOADING);
            slot->phase = RV_SLOT_FREE;
            slot->len = 0;
            log->feed = slot == log->feed ? NULL : log->feed;
        }
    }
}

/* Starts a load: RV_OK, RV_PENDING (the file is being opened), RV_BUSY, errors of opening. */
static rv_status slot_load(rv_log *log, rv_place place, rv_slot **loading) {
    const uint64_t left = log->segments[place.segment].end - place.offset;
    RV_ASSERT(left >= RV_BATCH_HEADER_SIZE && left < UINT64_MAX / 2);
    rv_handle *handle = NULL;
    const rv_status status = rv_files_acquire(log, place.segment, SPARE_HANDLES, &handle);
    if (status != RV_OK) {
        return status;
    }
    rv_slot *const slot = slot_take(log);
    if (slot == NULL) {
        rv_files_release(log, handle);
        return RV_BUSY;
    }
    slot->phase = RV_SLOT_LOADING;
    slot->handle = handle;
    slot->segment = place.segment;
    slot->offset = place.offset;
    slot->got = 0;
    const size_t size = load_size(log, place);
    slot->want = left < size ? (size_t)left : size;
    slot->status = RV_OK;
    RV_ASSERT(slot->want <= log->slot_size);
    *loading = slot;
    return RV_OK;
}

/* --- batches --- */

static rv_status tell_slot(rv_log *log, rv_slot *slot, rv_place place, rv_error *err) {
    RV_ASSERT(slot->phase == RV_SLOT_BAD);
    rv_file_name name;
    rv_files_name(log, place.segment, &name);
    const rv_status status = slot->status;
    RV_ASSERT(status != RV_OK);
    slot->phase = RV_SLOT_FREE; /* the next one to ask tries again */
    if (status == RV_DATA_DAMAGED) {
        return rv_log_damage(log, err, name.text, place.offset,
                             log->segments[place.segment].first_sequence - 1, "a damaged batch");
    }
    if (status == RV_MEMORY_EXHAUSTED) {
        (void)rv_error_set(err, status,
                           "the batch at byte %u of %s was written with a larger memory budget: it "
                           "has %u bytes, and batches are read up to %u with this one",
                           place.offset, name.text, (uint64_t)slot->want, (uint64_t)log->slot_size);
    } else {
        (void)rv_error_set(err, status, "reading at byte %u of %s failed", place.offset, name.text);
    }
    rv_error_fact_text(err, "file", rv_bytes_of_string(name.text));
    rv_error_fact_uint(err, "offset", place.offset);
    return status;
}

bool rv_place_settle(const rv_log *log, rv_place *place) {
    RV_ASSERT(log->segment_count <= log->segment_cap);
    while (place->segment < log->segment_count) {
        RV_ASSERT(place->offset >= RV_SEGMENT_HEADER_SIZE);
        if (place->offset < log->segments[place->segment].end) {
            return true;
        }
        if (place->segment + 1 >= log->segment_count) {
            return false;
        }
        *place = (rv_place){place->segment + 1, RV_SEGMENT_HEADER_SIZE};
    }
    return false;
}

rv_status rv_slots_batch(rv_log *log, rv_place place, const uint8_t **batch,
                         rv_batch_header *header, rv_error *err) {
    RV_ASSERT(place.segment < log->segment_count && log->life != RV_LOG_CLOSED);
    RV_ASSERT(place.offset < log->segments[place.segment].end);
    rv_slot *slot = slot_find(log, place);
    if (slot == NULL) {
        const rv_status status = slot_load(log, place, &slot);
        if (status != RV_OK) {
            if (status != RV_PENDING) {
                (void)rv_error_set(err, status, "the log cannot be read now: %s",
                                   rv_status_text(status));
            }
            return status;
        }
    }
    if (slot->phase == RV_SLOT_LOADING) {
        slot_advance(log, slot);
        if (slot->phase == RV_SLOT_LOADING) {
            return RV_PENDING;
        }
    }
    if (slot->phase == RV_SLOT_BAD) {
        return tell_slot(log, slot, place, err);
    }
    slot->used = ++log->clock;
    const size_t at = (size_t)(place.offset - slot->offset);
    *batch = slot->buf + at;
    if (slot->len - at < RV_BATCH_HEADER_SIZE || !rv_batch_decode(*batch, header) ||
        rv_batch_size(header->len) > slot->len - at) {
        return RV_DATA_DAMAGED; /* no batch begins here: a stale hint, which the caller drops */
    }
    return RV_OK;
}

/* Copies one piece of whole batches behind what was fed, or into a new slot. */
static void feed_piece(rv_log *log, rv_place place, rv_bytes piece) {
    RV_ASSERT(piece.len <= log->slot_size);
    RV_ASSERT(log->feed == NULL || log->feed->phase == RV_SLOT_READY);
    rv_slot *slot = log->feed;
    if (slot == NULL || slot->segment != place.segment ||
        slot->offset + slot->len != place.offset || slot->len + piece.len > chunk_of(log)) {
        slot = slot_take(log);
        log->feed = slot;
        if (slot == NULL) {
            return; /* all are loading: readers will find it on the disk */
        }
        slot->phase = RV_SLOT_READY;
        slot->segment = place.segment;
        slot->offset = place.offset;
    }
    memcpy(slot->buf + slot->len, piece.ptr, piece.len);
    slot->len += piece.len;
    slot->used = ++log->clock;
}

void rv_slots_feed(rv_log *log, uint32_t segment, uint64_t offset, rv_bytes batches) {
    RV_ASSERT(segment < log->segment_count);
    RV_ASSERT(offset + batches.len <= log->segments[segment].end);
    const size_t chunk = chunk_of(log);
    size_t from = 0;
    for (size_t at = 0; at < batches.len;) { /* pieces of a chunk, or of one batch */
        const size_t size = rv_batch_size(rv_load_u32(batches.ptr + at + 4));
        if (at > from && at + size - from > chunk) {
            feed_piece(log, (rv_place){segment, offset + from},
                       rv_bytes_of(batches.ptr + from, at - from));
            from = at;
        }
        at += size;
    }
    feed_piece(log, (rv_place){segment, offset + from},
               rv_bytes_of(batches.ptr + from, batches.len - from));
}

uint64_t rv_log_slots_taken(const rv_log *log) {
    return log->taken;
}

/* --- rv_log_read --- */

rv_log_cursor rv_log_cursor_at(uint64_t sequence) {
    RV_ASSERT(sequence > 0);
    return (rv_log_cursor){.sequence = sequence, .segment = UINT64_MAX};
}

/* A segment as a cursor names it: batches of another generation lie elsewhere. */
static uint64_t hint_of(const rv_log *log, uint32_t segment) {
    RV_ASSERT(segment < log->segment_count);
    return (uint64_t)log->segments[segment].generation << 32 | segment;
}

/* Ways to find where to begin to look, the nearest first. */
enum { BY_HINT, BY_RUN, BY_SEGMENT, WAYS };

/* RV_OK, RV_PENDING, RV_END: there is nothing this way. */
static rv_status read_start(rv_log *log, const rv_log_cursor *cursor, unsigned way,
                            rv_place *place) {
    RV_ASSERT(cursor->sequence > 0 && cursor->sequence <= rv_log_durable(log));
    RV_ASSERT(way < WAYS);
    if (way == BY_HINT) {
        const uint32_t segment = (uint32_t)cursor->segment;
        const bool possible =
            segment < log->segment_count && cursor->segment == hint_of(log, segment) &&
            cursor->offset >= RV_SEGMENT_HEADER_SIZE &&
            cursor->offset <= log->segments[segment].end && cursor->offset % RV_BATCH_ALIGN == 0;
        *place = (rv_place){segment, cursor->offset};
        return possible ? RV_OK : RV_END;
    }
    const rv_begin begin = rv_log_place_by_sequence(log, cursor->sequence);
    *place = begin.place;
    if (way == BY_SEGMENT) {
        return RV_OK;
    }
    return begin.indexed ? RV_END : rv_index_place(log, cursor->sequence, place);
}

/* Walks from `place` to the batch with the cursor's sequence. RV_END: it is not on this way. */
static rv_status read_walk(rv_log *log, rv_log_cursor *cursor, rv_place place, rv_batch *batch,
                           rv_error *err) {
    RV_ASSERT(place.segment < log->segment_count);
    while (rv_place_settle(log, &place)) { /* every pass goes on by a batch */
        const uint8_t *at = NULL;
        rv_batch_header header;
        const rv_status status = rv_slots_batch(log, place, &at, &header, err);
        if (status != RV_OK) {
            return status;
        }
        if (header.first_sequence > cursor->sequence) {
            return RV_END;
        }
        place.offset += rv_batch_size(header.len);
        const bool holds = cursor->sequence - header.first_sequence < header.event_count;
        if (holds) {
            rv_batch_of(&header, at, batch);
            cursor->sequence = header.first_sequence + header.event_count;
        }
        cursor->segment = hint_of(log, place.segment); /* what was walked is not walked again */
        cursor->offset = place.offset;
        if (holds) {
            return RV_OK;
        }
    }
    return RV_END;
}

rv_status rv_log_read(rv_log *log, rv_log_cursor *cursor, rv_batch *batch, rv_error *err) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    RV_ASSERT(cursor->sequence > 0);
    if (cursor->sequence > rv_log_durable(log)) {
        return RV_END;
    }
    for (unsigned way = BY_HINT; way < WAYS; way += 1) {
        rv_place place = {0, 0};
        const rv_status found = read_start(log, cursor, way, &place);
        if (found == RV_PENDING) {
            return RV_PENDING;
        }
        if (found != RV_OK) {
            continue;
        }
        cursor->segment = hint_of(log, place.segment);
        cursor->offset = place.offset;
        const rv_status status = read_walk(log, cursor, place, batch, err);
        const bool stale = way != BY_SEGMENT && status == RV_DATA_DAMAGED;
        if (status != RV_END && !stale) {
            return status;
        }
        cursor->segment = UINT64_MAX; /* what does not hold: the next way */
    }
    return rv_error_set(err, RV_DATA_DAMAGED, "the log does not hold the event with sequence %u",
                        cursor->sequence);
}
