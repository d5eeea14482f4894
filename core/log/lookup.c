/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking things up in the whole log: the runs in the order of their sequences, the tail, and by
 * reading whatever neither knows.
 *
 *     sequences    1 [ run ][ run ][ run ]   gap: read   [ tail, in memory ] next
 *
 * A look-up that has to wait answers RV_PENDING, and has noted how far it came: in the caller's
 * cursor, or for an id in a small table of what is known not to be below some sequence. So it comes
 * to its end however few slots there are.
 */
#include "core/log/internal.h"

#define SCAN_BATCHES_MAX 32          /* of one call */
#define LEAP_MIN         UINT64_C(1) /* versions */
#define LEAP_MAX         (UINT64_C(1) << 40)

void rv_tail_seed(rv_log *log) {
    RV_ASSERT(log->indexer.collected.cap > 0);
    if (log->tail_index.seed == 0) {
        uint8_t seed[8];
        log->ops.host.ops->entropy(log->ops.host.ctx, seed, sizeof seed);
        log->tail_index.seed = rv_load_u64(seed) | 1;
    }
}

void rv_log_note(rv_log *log, const rv_event *event) {
    RV_ASSERT(event->sequence > 0);
    if (event->sequence < log->note_from || log->indexer.collected.cap == 0) {
        return;
    }
    if (event->foreign_id) {
        rv_tail_seed(log);
    }
    const rv_tail_event noted = {event->sequence, event->version, event->stream,
                                 event->foreign_id ? event->event_id : NULL};
    rv_tail_add(&log->tail_index, &noted);
}

void rv_log_note_gone(rv_log *log, const rv_event *event) {
    rv_event noted = *event;
    noted.stream = RV_TAIL_NONE;
    noted.foreign_id = false;
    RV_ASSERT(event->version > 0);
    rv_log_note(log, &noted);
}

void rv_log_lose(rv_log *log, const rv_event *event) {
    RV_ASSERT(event->sequence > 0);
    rv_tail_lose(&log->tail_index, event->sequence, event->foreign_id ? event->event_id : NULL);
}

size_t rv_log_notes_max(const rv_log *log) {
    RV_ASSERT(log->indexer.collected.cap <= log->tail_index.cap);
    return log->tail_index.cap;
}

/* Where the tail begins to be all there is to ask. */
static uint64_t tail_begin(const rv_log *log) {
    const uint64_t durable = log->durable.next_sequence;
    RV_ASSERT(durable > 0);
    return log->tail_index.base < durable ? log->tail_index.base : durable;
}

/* The end of the gap that begins at or before `at`. */
static uint64_t gap_end(const rv_log *log, uint64_t at) {
    const uint32_t index = rv_runs_at(&log->runs, at);
    const uint64_t begin = tail_begin(log);
    RV_ASSERT(at < begin);
    return index < log->runs.count && log->runs.runs[index].span.first < begin
               ? log->runs.runs[index].span.first
               : begin;
}

static bool covered(const rv_log *log, uint64_t at, uint32_t *index) {
    *index = rv_runs_at(&log->runs, at);
    RV_ASSERT(at > 0);
    return *index < log->runs.count && log->runs.runs[*index].span.first <= at;
}

/* --- streams --- */

rv_log_stream_cursor rv_log_stream_from(uint32_t stream, uint64_t version) {
    RV_ASSERT(version > 0);
    return (rv_log_stream_cursor){.stream = stream, .version = version, .sequence = 1};
}

static void stream_take(rv_log_stream_cursor *c, rv_log_sequences *found, uint64_t version,
                        uint64_t sequence) {
    RV_ASSERT(found->count < found->cap && sequence >= c->sequence);
    found->list[found->count++] = sequence;
    c->version = version + 1;
    c->sequence = sequence + 1;
}

static rv_status stream_in_tail(const rv_log *log, rv_log_stream_cursor *c,
                                rv_log_sequences *found) {
    const rv_tail *const tail = &log->tail_index;
    const uint64_t durable = log->durable.next_sequence;
    const uint64_t end = durable < tail->next ? durable : tail->next;
    uint64_t sequence = 0;
    while (found->count < found->cap && c->sequence < end) { /* goes through the tail once */
        const rv_tail_range range = {c->sequence, end};
        if (!rv_tail_find(tail, &range, c->stream, c->version, &sequence)) {
            c->sequence = end;
            break;
        }
        stream_take(c, found, tail->versions[rv_tail_at(tail, sequence)], sequence);
    }
    RV_ASSERT(c->sequence <= durable);
    return found->count > 0 ? RV_OK : RV_END;
}

/* The cursor's version lies before its sequence, and many after it may: goes on to where that ends,
 * or a few before, by steps that double and then halve. Versions of a stream rise with sequences.
 */
static rv_status stream_leap(rv_log *log, uint32_t index, rv_log_stream_cursor *c) {
    bool grows = true;
    for (uint64_t step = LEAP_MIN; step >= LEAP_MIN && step < LEAP_MAX;) {
        rv_run_entry entry;
        rv_found list = {.entries = &entry, .cap = 1};
        const rv_seek seek = {RV_SEEK_FROM, RV_RUN_STREAMS, {c->stream, c->version + step}};
        const rv_status status = rv_index_seek(log, index, &seek, &list);
        if (status != RV_OK && status != RV_END) {
            return status;
        }
        const bool before = status == RV_OK && list.count > 0 && entry.key.a == c->stream &&
                            entry.key.b < UINT64_MAX - LEAP_MAX && entry.c < c->sequence;
        RV_ASSERT(!before || entry.key.b >= c->version + step);
        c->version = before ? entry.key.b + 1 : c->version;
        grows = grows && before;
        step = grows ? step * 2 : step / 2;
    }
    return RV_OK;
}

/* RV_END: the run has nothing more of it, and the cursor is behind it. */
static rv_status stream_in_run(rv_log *log, uint32_t index, rv_log_stream_cursor *c,
                               rv_log_sequences *found) {
    rv_run_entry entries[RV_LOG_SEQUENCES_MAX];
    const uint64_t next = log->runs.runs[index].span.next;
    bool more = true;
    while (more && found->count == 0) { /* each round begins at a greater version */
        rv_found list = {.entries = entries,
                         .cap =
                             found->cap < RV_LOG_SEQUENCES_MAX ? found->cap : RV_LOG_SEQUENCES_MAX};
        const uint64_t version = c->version;
        const rv_seek seek = {RV_SEEK_FROM, RV_RUN_STREAMS, {c->stream, version}};
        const rv_status status = rv_index_seek(log, index, &seek, &list);
        if (status != RV_OK && status != RV_END) {
            return status;
        }
        uint32_t i = 0;
        for (; i < list.count && entries[i].key.a == c->stream; i += 1) {
            const uint64_t met = entries[i].key.b;
            const bool valid = met > 0 && met < UINT64_MAX && entries[i].c < next;
            if (valid && entries[i].c >= c->sequence) {
                stream_take(c, found, met, entries[i].c);
            } else if (valid && met >= c->version) {
                c->version = met + 1; /* before what is asked for */
            }
        }
        more = status == RV_OK && list.count > 0 && i == list.count && c->version > version;
        const rv_status leapt = more && found->count == 0 ? stream_leap(log, index, c) : RV_OK;
        if (leapt != RV_OK) {
            return leapt;
        }
    }
    if (found->count == 0) {
        c->sequence = next;
    }
    RV_ASSERT(c->sequence <= next);
    return found->count > 0 ? RV_OK : RV_END;
}

/* A record of a batch whose checksum holds cannot be read: what follows it is not known. */
static rv_status unreadable(const rv_batch *batch, rv_error *err) {
    RV_ASSERT(batch->first_sequence > 0);
    rv_error_set(err, RV_DATA_DAMAGED, "the batch from sequence %u on holds what is no event here",
                 batch->first_sequence);
    rv_error_fact_uint(err, "sequence", batch->first_sequence);
    return RV_DATA_DAMAGED;
}

/* By reading, up to `end`. RV_END: there is none. */
static rv_status stream_in_gap(rv_log *log, uint64_t end, rv_log_stream_cursor *c,
                               rv_log_sequences *found, rv_error *err) {
    RV_ASSERT(c->sequence < end && end <= log->durable.next_sequence);
    for (unsigned i = 0; i < SCAN_BATCHES_MAX && c->sequence < end; i += 1) {
        if (c->scan.sequence != c->sequence) {
            c->scan = rv_log_cursor_at(c->sequence);
        }
        rv_batch batch;
        const rv_status status = rv_log_read(log, &c->scan, &batch, err);
        if (status != RV_OK) {
            return status;
        }
        rv_record_context context = rv_batch_context(&batch, log);
        rv_cursor cursor = rv_cursor_over(batch.body);
        rv_record record;
        while (found->count < found->cap && rv_cursor_left(&cursor) > 0) {
            if (!rv_record_read(&cursor, &context, &record)) {
                return unreadable(&batch, err);
            }
            const rv_event *const e = &record.event;
            if (record.kind == RV_RECORD_EVENT && e->stream == c->stream &&
                e->version >= c->version && e->sequence >= c->sequence && e->sequence < end) {
                stream_take(c, found, e->version, e->sequence);
            }
        }
        if (found->count < found->cap) {
            c->sequence = c->scan.sequence < end ? c->scan.sequence : end;
        }
        if (found->count > 0) {
            return RV_OK;
        }
    }
    return c->sequence < end ? RV_PENDING : RV_END;
}

rv_status rv_log_find_versions(rv_log *log, rv_log_stream_cursor *c, rv_log_sequences *found,
                               rv_error *err) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    RV_ASSERT(found->cap > 0 && c->sequence > 0);
    found->count = 0;
    /* Each pass goes on behind a run or a gap, or finds a run bad. */
    for (unsigned pass = 0; pass < 4 * RV_RUNS_MAX; pass += 1) {
        uint32_t index = 0;
        rv_status status = RV_END;
        if (c->sequence >= log->durable.next_sequence) {
            return RV_END;
        }
        if (c->sequence >= log->tail_index.base) {
            return stream_in_tail(log, c, found);
        }
        if (covered(log, c->sequence, &index)) {
            status = stream_in_run(log, index, c, found);
        } else {
            status = stream_in_gap(log, gap_end(log, c->sequence), c, found, err);
            if (status == RV_DATA_DAMAGED) {
                return status;
            }
        }
        if (status != RV_END && status != RV_DATA_DAMAGED) {
            return status;
        }
    }
    return RV_PENDING;
}

bool rv_log_indexed_from(const rv_log *log, uint64_t sequence) {
    RV_ASSERT(sequence > 0);
    return log->tail_index.next >= log->durable.next_sequence &&
           rv_index_gap(log, sequence).first >= tail_begin(log);
}

/* --- ids --- */

static uint32_t fact_at(const uint8_t *id) {
    RV_ASSERT(id != NULL);
    return (rv_load_u32(id) ^ rv_load_u32(id + 12)) % RV_ID_FACTS;
}

/* The id is not below this sequence. */
static uint64_t fact_known(const rv_log *log, const uint8_t *id) {
    const rv_id_fact *const fact = &log->id_facts[fact_at(id)];
    RV_ASSERT(fact->below <= log->durable.next_sequence);
    return fact->below > 0 && memcmp(fact->id, id, sizeof fact->id) == 0 ? fact->below : 1;
}

uint64_t rv_log_id_known(const rv_log *log, const uint8_t *id) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    return fact_known(log, id);
}

static void fact_note(rv_log *log, const uint8_t *id, uint64_t below) {
    rv_id_fact *const fact = &log->id_facts[fact_at(id)];
    RV_ASSERT(below > 0 && below <= log->durable.next_sequence);
    memcpy(fact->id, id, sizeof fact->id);
    fact->below = below;
}

/* RV_OK: the run has it. */
static rv_status id_in_run(rv_log *log, uint32_t index, const uint8_t *id, uint64_t *sequence) {
    const rv_status loaded = rv_index_load(log, index);
    if (loaded != RV_OK) {
        return loaded;
    }
    const rv_index_run *const run = &log->runs.runs[index];
    const uint64_t first = run->span.first;
    const uint64_t next = run->span.next;
    const rv_run_part *const part = &run->footer.parts[RV_RUN_IDS];
    const rv_run_key key = rv_run_key_of_id(id);
    if (part->count == 0 || rv_run_key_compare(key, part->first) < 0) {
        return RV_END;
    }
    rv_run_entry entry;
    rv_found found = {.entries = &entry, .cap = 1};
    const rv_seek seek = {RV_SEEK_FROM, RV_RUN_IDS, key};
    const rv_status status = rv_index_seek(log, index, &seek, &found);
    if (status != RV_OK) {
        return status;
    }
    *sequence = entry.c;
    return rv_run_key_compare(entry.key, key) == 0 && entry.c >= first && entry.c < next ? RV_OK
                                                                                         : RV_END;
}

/* By reading, from `*at` on, which moves. */
static rv_status id_in_gap(rv_log *log, uint64_t end, const uint8_t *id, uint64_t *at,
                           uint64_t *sequence, rv_error *err) {
    RV_ASSERT(*at < end && end <= log->durable.next_sequence);
    rv_log_cursor scan = rv_log_cursor_at(*at);
    for (unsigned i = 0; i < SCAN_BATCHES_MAX && *at < end; i += 1) {
        rv_batch batch;
        const rv_status status = rv_log_read(log, &scan, &batch, err);
        if (status != RV_OK) {
            return status;
        }
        rv_record_context context = rv_batch_context(&batch, log);
        rv_cursor cursor = rv_cursor_over(batch.body);
        rv_record record;
        while (rv_cursor_left(&cursor) > 0) {
            if (!rv_record_read(&cursor, &context, &record)) {
                return unreadable(&batch, err);
            }
            if (record.kind == RV_RECORD_EVENT && record.event.foreign_id &&
                memcmp(record.event.event_id, id, 16) == 0) {
                *sequence = record.event.sequence;
                return RV_OK;
            }
        }
        *at = scan.sequence < end ? scan.sequence : end;
    }
    return *at < end ? RV_PENDING : RV_END;
}

/* True when the indexer will soon have closed the gap: better than reading it for each id. */
static bool gap_closes(const rv_log *log) {
    const rv_indexer *const ix = &log->indexer;
    RV_ASSERT(log->durable.next_sequence > 0);
    return ix->collected.cap > 0 && log->failed == RV_OK && log->life == RV_LOG_OPEN &&
           !rv_rewrite_active(log) && ix->wait_for <= log->durable.next_sequence;
}

rv_status rv_log_find_id(rv_log *log, const uint8_t *id, uint64_t since, uint64_t *sequence,
                         rv_error *err) {
    RV_ASSERT(since > 0);
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    if (rv_tail_find_id(&log->tail_index, id, sequence)) {
        return RV_OK;
    }
    if (since >= log->tail_index.base) {
        return RV_END;
    }
    if (log->tail_index.base > log->durable.next_sequence) {
        return RV_PENDING; /* what fell out of the tail can be read when it is flushed */
    }
    const uint64_t known = fact_known(log, id);
    uint64_t at = known > since ? known : since;
    for (unsigned pass = 0; pass < 4 * RV_RUNS_MAX && at < log->tail_index.base; pass += 1) {
        uint32_t index = 0;
        rv_status status = RV_END;
        const bool run = covered(log, at, &index);
        if (run) {
            const uint64_t next = log->runs.runs[index].span.next;
            status = id_in_run(log, index, id, sequence);
            at = status == RV_END ? next : at;
        } else if (gap_closes(log)) {
            log->indexer.idle = false;
            status = RV_PENDING;
        } else {
            status = id_in_gap(log, gap_end(log, at), id, &at, sequence, err);
        }
        fact_note(log, id, at < log->durable.next_sequence ? at : log->durable.next_sequence);
        if (status != RV_END && !(run && status == RV_DATA_DAMAGED)) {
            return status;
        }
    }
    return at < log->tail_index.base ? RV_PENDING : RV_END;
}

/* --- places --- */

static bool place_possible(const rv_log *log, const rv_run_entry *entry, rv_place *place) {
    RV_ASSERT(log->segment_count > 0);
    if (entry->c == 0 || entry->c > log->segment_count || entry->d < RV_SEGMENT_HEADER_SIZE ||
        entry->d % RV_BATCH_ALIGN != 0 || entry->d >= log->segments[entry->c - 1].end) {
        return false;
    }
    *place = (rv_place){(uint32_t)(entry->c - 1), entry->d};
    return true;
}

/* Where no run has a place, or it has got lost, RV_END. */
static rv_status place_in_run(rv_log *log, uint32_t index, const rv_seek *seek, rv_place *place) {
    rv_run_entry entry;
    rv_found found = {.entries = &entry, .cap = 1};
    const rv_status status = rv_index_seek(log, index, seek, &found);
    RV_ASSERT(seek->section == RV_RUN_PLACES);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    return status == RV_OK && place_possible(log, &entry, place) ? RV_OK : RV_END;
}

rv_status rv_index_place(rv_log *log, uint64_t sequence, rv_place *place) {
    uint32_t index = 0;
    RV_ASSERT(sequence > 0);
    if (!covered(log, sequence, &index)) {
        if (index == 0) {
            return RV_END;
        }
        index -= 1; /* its last place is nearer than the begin of the segment, if it is in that */
    }
    const rv_seek seek = {RV_SEEK_UP_TO_A, RV_RUN_PLACES, {sequence, 0}};
    const rv_status status = place_in_run(log, index, &seek, place);
    return status == RV_OK && place->segment != rv_log_segment_of(log, sequence) ? RV_END : status;
}

rv_status rv_index_place_below(rv_log *log, uint64_t watermark, uint32_t segment, rv_place *place) {
    RV_ASSERT(segment < log->segment_count && watermark > 0);
    const uint64_t first = log->segments[segment].first_sequence;
    const uint64_t end = segment + 1 < log->segment_count
                             ? log->segments[segment + 1].first_sequence
                             : log->durable.next_sequence;
    const rv_seek seek = {RV_SEEK_BELOW_B, RV_RUN_PLACES, {0, watermark}};
    for (uint32_t i = log->runs.count; i > 0; i -= 1) {
        const rv_run_span span = log->runs.runs[i - 1].span;
        if (span.first >= end || span.next <= first) {
            continue;
        }
        const rv_status status = place_in_run(log, i - 1, &seek, place);
        if (status == RV_PENDING || (status == RV_OK && place->segment == segment)) {
            return status;
        }
        i = i <= log->runs.count ? i : log->runs.count; /* it may have been bad, and be gone */
        if (i == 0) {
            break;
        }
    }
    return RV_END;
}

void rv_log_index_doubt(rv_log *log, uint64_t sequence) {
    uint32_t index = 0;
    RV_ASSERT(sequence > 0);
    if (covered(log, sequence, &index)) {
        rv_runs_drop(&log->runs, index, true);
        log->indexer.idle = false;
    }
}

/* --- facts --- */

rv_log_index_facts rv_log_index_facts_of(const rv_log *log) {
    const rv_runs *const runs = &log->runs;
    rv_log_index_facts facts = {
        .runs = runs->count,
        .indexed = rv_index_gap(log, 1).first - 1,
        .damaged = runs->damaged_count,
        .failures = log->indexer.failures,
        .reads = log->index_reads,
    };
    for (uint32_t i = 0; i < runs->count; i += 1) {
        if (runs->runs[i].loaded) {
            facts.bytes += ((uint64_t)runs->runs[i].footer.block_count + 1) * RV_RUN_BLOCK_SIZE;
        }
    }
    if (runs->damaged_count > 0) {
        facts.damaged_file = rv_bytes_of_string(runs->damaged_name.text);
    }
    RV_ASSERT(facts.runs <= RV_RUNS_MAX);
    return facts;
}

bool rv_log_working(const rv_log *log) {
    RV_ASSERT(log->life != RV_LOG_RECOVERING);
    return log->life == RV_LOG_OPEN && (rv_indexer_works(log) || rv_rewrite_works(log));
}
