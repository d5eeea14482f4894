/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be indexed next, and the making of a file of it: see indexer.h.
 *
 * The choice, whenever nothing is under way: read the footers of runs that were met by name; remove
 * what is superfluous or bad; index what no run covers, the oldest first; merge. A gap that is
 * small and reaches up to the tail (the end of the log's last life) goes into the tail's index, so
 * that opening and closing a node all day long makes no runs.
 */
#include "core/log/internal.h"

#define INDEX_STEPS 6 /* of one poll; the longest takes some 200 microseconds */

/* --- what is missing --- */

rv_run_span rv_index_gap(const rv_log *log, uint64_t from) {
    const rv_runs *const runs = &log->runs;
    uint64_t at = from;
    RV_ASSERT(from > 0);
    for (uint32_t i = 0; i < runs->count; i += 1) {
        const rv_run_span *const span = &runs->runs[i].span;
        if (span->next <= at) {
            continue;
        }
        if (span->first > at) {
            return (rv_run_span){at, span->first, 0};
        }
        at = span->next;
    }
    const uint64_t end = log->durable.next_sequence;
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
    return (rv_run_span){at, end > at ? end : at, 0};
}

/* The next interval to collect; false: there is none. */
static bool wanted(const rv_log *log, rv_run_span *span) {
    const rv_tail *const tail = &log->tail_index;
    const uint64_t cap = log->indexer.collected.cap;
    const rv_run_span gap = rv_index_gap(log, 1);
    RV_ASSERT(cap > 0);
    *span = gap;
    if (gap.first == gap.next) {
        return false;
    }
    const uint64_t count = gap.next - gap.first;
    if (count >= cap) {
        span->next = gap.first + cap;
        return true;
    }
    if (gap.next < log->durable.next_sequence) {
        return true; /* between two runs */
    }
    if (gap.first >= tail->base) {
        return false; /* it is known, and not enough for a run */
    }
    span->next = tail->base;
    return tail->base <= gap.next; /* else it will be, when it is flushed */
}

/* True when the collected interval is to be part of the tail, not a run. */
static bool belongs_to_tail(const rv_log *log) {
    const rv_collected *const c = &log->indexer.collected;
    const rv_tail *const tail = &log->tail_index;
    RV_ASSERT(c->first < c->end);
    return c->end == tail->base && tail->next - c->first < c->cap;
}

/* Four runs side by side, all of one level, the lowest there is. With the table nearly full: any
 * four. */
static bool wanted_merge(const rv_log *log, uint32_t *first) {
    const rv_runs *const runs = &log->runs;
    uint32_t best = UINT32_MAX;
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
    for (uint32_t i = 0; i + RV_RUNS_FAN <= runs->count; i += 1) {
        bool fits = true;
        uint32_t level = runs->runs[i].span.level;
        for (uint32_t k = 1; k < RV_RUNS_FAN; k += 1) {
            const rv_run_span *const span = &runs->runs[i + k].span;
            const bool equal = span->level == level || runs->count > RV_RUNS_MAX - 8;
            fits = fits && equal && span->first == runs->runs[i + k - 1].span.next;
            level = span->level > level ? span->level : level;
        }
        if (fits && level < best && level < RV_RUN_LEVEL_MAX) {
            best = level;
            *first = i;
        }
    }
    return best != UINT32_MAX;
}

/* --- beginning --- */

static void make_begin(rv_log *log, const rv_run_span *span) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->phase == RV_INDEX_IDLE || ix->phase == RV_INDEX_COLLECT);
    ix->span = *span;
    rv_run_name(span, &ix->name);
    rv_run_footer footer = {
        .fingerprint = rv_index_fingerprint(log, span->first, span->next),
        .level = span->level,
        .first_sequence = span->first,
        .next_sequence = span->next,
    };
    memcpy(footer.log_id, log->identity.log_id, sizeof footer.log_id);
    rv_run_writer_begin(&ix->writer, &footer);
    ix->written = 0;
    ix->phase = RV_INDEX_CREATE;
    RV_ASSERT(!ix->file_open && !ix->made);
}

static void section_begin(rv_log *log, rv_run_section section) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(section < RV_RUN_SECTIONS);
    ix->section = section;
    ix->at = 0;
    rv_run_section_begin(&ix->writer, section);
    if (ix->merging) {
        rv_merge_section_begin(log);
    } else if (section != RV_RUN_PLACES) {
        rv_sort_begin(ix);
    }
    RV_ASSERT(ix->section == section);
}

static void merge_begin(rv_log *log, uint32_t first) {
    rv_indexer *const ix = &log->indexer;
    const rv_index_run *const runs = &log->runs.runs[first];
    RV_ASSERT(first + RV_RUNS_FAN <= log->runs.count);
    rv_run_span span = {runs[0].span.first, runs[RV_RUNS_FAN - 1].span.next, 0};
    for (unsigned i = 0; i < RV_RUNS_FAN; i += 1) {
        RV_ASSERT(runs[i].loaded);
        ix->merged[i].serial = runs[i].serial;
        span.level = runs[i].span.level >= span.level ? runs[i].span.level + 1 : span.level;
    }
    ix->merging = true;
    make_begin(log, &span);
}

/* --- spares --- */

/* A spare that can go: it is bad, or a good run covers part of it. `count`: there is none.
 * `*waits`: a bad one is still being read. It goes first, because what is made in its place has its
 * name. */
static uint32_t wanted_removal(rv_log *log, bool *waits) {
    rv_runs *const runs = &log->runs;
    *waits = false;
    for (uint32_t i = 0; i < runs->spare_count; i += 1) {
        const rv_spare *const spare = &runs->spares[i];
        const uint32_t at = rv_runs_at(runs, spare->span.first);
        const bool covered = at < runs->count && runs->runs[at].loaded &&
                             runs->runs[at].span.first < spare->span.next;
        if (!spare->bad && !covered) {
            continue;
        }
        if (spare->serial == 0 || rv_files_forget(log, RV_HANDLE_OF_RUN | spare->serial)) {
            return i;
        }
        *waits = *waits || spare->bad;
    }
    RV_ASSERT(runs->spare_count <= RV_SPARES_MAX);
    return runs->spare_count;
}

static rv_step remove_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->phase == RV_INDEX_REMOVE);
    const rv_status status = rv_op_remove(&log->ops, &ix->op, ix->name.text);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    ix->failures += status != RV_OK && status != RV_DATA_NOT_FOUND;
    ix->phase = RV_INDEX_IDLE;
    return RV_STEP_ON;
}

/* --- choosing --- */

static rv_step idle_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    rv_runs *const runs = &log->runs;
    RV_ASSERT(ix->phase == RV_INDEX_IDLE && !ix->file_open);
    for (uint32_t i = 0; i < runs->count; i += 1) {
        if (!runs->runs[i].loaded) {
            return rv_index_load(log, i) == RV_PENDING ? RV_STEP_WAIT : RV_STEP_ON;
        }
    }
    bool waits = false;
    const uint32_t spare = wanted_removal(log, &waits);
    if (spare < runs->spare_count) {
        rv_run_name(&runs->spares[spare].span, &ix->name);
        runs->spare_count -= 1;
        runs->spares[spare] = runs->spares[runs->spare_count];
        ix->phase = RV_INDEX_REMOVE;
        return RV_STEP_ON;
    }
    if (waits) {
        return RV_STEP_WAIT; /* the end of the reading polls */
    }
    if (log->durable.next_sequence < ix->wait_for || rv_rewrite_active(log)) {
        return RV_STEP_END; /* what is being written again would be indexed again */
    }
    ix->outdated = false;
    rv_run_span span;
    uint32_t first = 0;
    ix->merging = false;
    if (runs->count < RV_RUNS_MAX - 1 && wanted(log, &span)) {
        rv_collect_begin(log, span.first, span.next);
        ix->phase = RV_INDEX_COLLECT;
        return RV_STEP_ON;
    }
    if (wanted_merge(log, &first)) {
        merge_begin(log, first);
        return RV_STEP_ON;
    }
    return RV_STEP_END;
}

static rv_step collect_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    rv_collected *const c = &ix->collected;
    const rv_step step = rv_collect_step(log);
    if (step != RV_STEP_END) {
        return step;
    }
    if (belongs_to_tail(log) && !ix->outdated) {
        rv_tail_seed(log);
        const rv_tail_older older = {c->first, c->streams, c->versions, c->count,
                                     c->ids,   c->id_at,   c->id_count};
        if (rv_tail_prepend(&log->tail_index, &older)) {
            ix->phase = RV_INDEX_IDLE;
            return RV_STEP_ON;
        }
    }
    if (ix->outdated) {
        ix->phase = RV_INDEX_IDLE;
        return RV_STEP_ON;
    }
    const rv_run_span span = {c->first, c->end, 0};
    make_begin(log, &span);
    RV_ASSERT(ix->phase == RV_INDEX_CREATE);
    return RV_STEP_ON;
}

/* --- the file --- */

static rv_step fail(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    ix->failures += 1;
    ix->wait_for = log->durable.next_sequence + ix->collected.cap;
    ix->phase = RV_INDEX_ABANDON;
    RV_ASSERT(ix->failures > 0);
    return RV_STEP_ON;
}

/* What follows an operation. */
static rv_step file_on(rv_log *log, rv_status status, rv_index_phase next) {
    RV_ASSERT(log->indexer.phase != RV_INDEX_IDLE);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    if (status != RV_OK) {
        return fail(log);
    }
    log->indexer.phase = next;
    return RV_STEP_ON;
}

static rv_step create_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(!ix->file_open);
    const rv_status status = rv_op_create(&log->ops, &ix->op, ix->name.text, &ix->file);
    if (status == RV_DATA_EXISTS && !ix->made) {
        ix->made = true; /* so it is tried once */
        ix->phase = RV_INDEX_REPLACE;
        return RV_STEP_ON;
    }
    if (status == RV_OK) {
        ix->file_open = true;
        ix->made = true;
        section_begin(log, RV_RUN_PLACES);
    }
    return file_on(log, status, RV_INDEX_FILL);
}

/* Adds what was collected, as long as there is room. */
static rv_step fill_collected(rv_indexer *ix) {
    const rv_collected *const c = &ix->collected;
    const uint32_t count = ix->section == RV_RUN_PLACES    ? c->place_count
                           : ix->section == RV_RUN_STREAMS ? c->count
                                                           : c->id_count;
    RV_ASSERT(ix->at <= count);
    while (ix->at < count && rv_run_writer_room(&ix->writer)) {
        rv_run_entry entry = {{0, 0}, 0, 0};
        if (ix->section == RV_RUN_PLACES) {
            const rv_index_entry *const place = &c->places[ix->at];
            entry = (rv_run_entry){
                {place->sequence, place->before}, (uint64_t)place->segment + 1, place->offset};
        } else if (ix->section == RV_RUN_STREAMS) {
            const uint32_t event = c->order[ix->at];
            entry = (rv_run_entry){{c->streams[event], c->versions[event]}, c->first + event, 0};
        } else {
            const uint32_t id = c->order[ix->at];
            entry = (rv_run_entry){rv_run_key_of_id(c->ids + (size_t)id * 16),
                                   c->first + c->id_at[id], 0};
        }
        if (!rv_run_writer_fits(&ix->writer, &entry)) {
            return RV_STEP_FAIL;
        }
        rv_run_writer_add(&ix->writer, &entry);
        ix->at += 1;
    }
    return ix->at < count ? RV_STEP_ON : RV_STEP_END;
}

static rv_step fill_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    if (!rv_run_writer_room(&ix->writer)) {
        ix->phase = RV_INDEX_WRITE;
        return RV_STEP_ON;
    }
    if (!ix->merging && ix->section != RV_RUN_PLACES && !ix->sorted &&
        (ix->section == RV_RUN_STREAMS || ix->collected.id_count > 0)) {
        (void)rv_sort_step(ix);
        return RV_STEP_ON;
    }
    const rv_step step = ix->merging ? rv_merge_fill(log) : fill_collected(ix);
    if (step == RV_STEP_FAIL) {
        return fail(log);
    }
    if (step != RV_STEP_END || !rv_run_writer_room(&ix->writer)) {
        return step == RV_STEP_WAIT ? step : RV_STEP_ON;
    }
    rv_run_section_end(&ix->writer);
    if (ix->section == RV_RUN_IDS) {
        ix->phase = ix->writer.out_len > 0 ? RV_INDEX_WRITE : RV_INDEX_FLUSH;
        ix->section = RV_RUN_SECTIONS;
    } else {
        section_begin(log, ix->section + 1);
    }
    RV_ASSERT(ix->writer.out_len <= ix->writer.out_cap);
    return RV_STEP_ON;
}

static rv_step write_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->file_open && ix->writer.out_len > 0);
    const rv_status status = rv_op_write(&log->ops, &ix->op, ix->file, ix->written,
                                         rv_bytes_of(ix->writer.out, ix->writer.out_len));
    if (status == RV_OK) {
        ix->written += ix->writer.out_len;
        rv_run_writer_taken(&ix->writer);
        RV_ASSERT(ix->written % RV_RUN_BLOCK_SIZE == 0);
    }
    const bool last = ix->section == RV_RUN_SECTIONS;
    const rv_index_phase next = ix->phase == RV_INDEX_FOOTER ? RV_INDEX_FLUSH_FOOTER
                                : last                       ? RV_INDEX_FLUSH
                                                             : RV_INDEX_FILL;
    return file_on(log, status, next);
}

/* True when a run overlaps the one that was made, other than what that was merged from: a look-up
 * found one to be bad, and what it had covered has returned to the table. */
static bool is_superfluous(const rv_log *log) {
    const rv_indexer *const ix = &log->indexer;
    const rv_runs *const runs = &log->runs;
    RV_ASSERT(ix->span.first < ix->span.next);
    for (uint32_t i = rv_runs_at(runs, ix->span.first);
         i < runs->count && runs->runs[i].span.first < ix->span.next; i += 1) {
        bool merged = false;
        for (unsigned k = 0; ix->merging && k < RV_RUNS_FAN; k += 1) {
            merged = merged || ix->merged[k].serial == runs->runs[i].serial;
        }
        if (!merged) {
            return true;
        }
    }
    return false;
}

/* The run is durable: it takes the place of what it was made from. */
static void adopt(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->file_open);
    if (is_superfluous(log) || ix->outdated) {
        ix->phase = RV_INDEX_ABANDON;
        return;
    }
    rv_runs_forget(&log->runs, &ix->span); /* its file was replaced */
    log->ops.host.ops->close(log->ops.host.ctx, ix->file);
    ix->file_open = false;
    ix->made = false;
    for (unsigned i = 0; ix->merging && i < RV_RUNS_FAN; i += 1) {
        const uint32_t index = rv_runs_of_serial(&log->runs, ix->merged[i].serial);
        if (index < log->runs.count) {
            rv_runs_drop(&log->runs, index, false);
        }
    }
    log->runs.serial += 1;
    const rv_index_run run = {ix->span, log->runs.serial, true, ix->writer.footer};
    rv_runs_insert(&log->runs, &run);
    ix->phase = RV_INDEX_IDLE;
    RV_ASSERT(log->runs.count <= RV_RUNS_MAX);
}

static rv_step flush_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->file_open);
    const rv_status status = rv_op_flush(&log->ops, &ix->op, ix->file);
    if (status != RV_OK) {
        return file_on(log, status, RV_INDEX_IDLE);
    }
    if (ix->phase == RV_INDEX_FLUSH) {
        rv_run_writer_end(&ix->writer);
        ix->phase = RV_INDEX_FOOTER;
    } else {
        adopt(log);
    }
    return RV_STEP_ON;
}

/* Leaves nothing behind, if it can. */
static rv_step abandon_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->phase == RV_INDEX_ABANDON);
    for (unsigned i = 0; i < RV_RUNS_FAN; i += 1) {
        if (ix->merged[i].handle != NULL) {
            rv_files_release(log, ix->merged[i].handle);
            ix->merged[i].handle = NULL;
        }
    }
    if (ix->file_open) {
        log->ops.host.ops->close(log->ops.host.ctx, ix->file);
        ix->file_open = false;
    }
    if (ix->made) {
        const rv_status status = rv_op_remove(&log->ops, &ix->op, ix->name.text);
        if (status == RV_PENDING) {
            return RV_STEP_WAIT;
        }
        ix->made = false;
    }
    ix->phase = RV_INDEX_IDLE;
    ix->merging = false;
    return RV_STEP_ON;
}

/* --- steps --- */

static rv_step index_step(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    rv_step step = RV_STEP_ON;
    switch (ix->phase) {
    case RV_INDEX_IDLE:
        return idle_step(log);
    case RV_INDEX_REMOVE:
        return remove_step(log);
    case RV_INDEX_COLLECT:
        step = collect_step(log);
        return step == RV_STEP_FAIL ? fail(log) : step;
    case RV_INDEX_CREATE:
        return create_step(log);
    case RV_INDEX_REPLACE:
        return file_on(log, rv_op_remove(&log->ops, &ix->op, ix->name.text), RV_INDEX_CREATE);
    case RV_INDEX_FILL:
        return fill_step(log);
    case RV_INDEX_WRITE:
    case RV_INDEX_FOOTER:
        return write_step(log);
    case RV_INDEX_FLUSH:
    case RV_INDEX_FLUSH_FOOTER:
        return flush_step(log);
    default:
        return abandon_step(log);
    }
}

void rv_indexer_poll(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(log->life == RV_LOG_OPEN);
    if (ix->collected.cap == 0 || log->failed != RV_OK || log->segment_count == 0) {
        return;
    }
    rv_step step = RV_STEP_ON;
    for (unsigned i = 0; i < INDEX_STEPS && step == RV_STEP_ON; i += 1) {
        step = index_step(log);
    }
    ix->idle = step == RV_STEP_END;
    ix->waits = step == RV_STEP_WAIT;
}

bool rv_indexer_works(const rv_log *log) {
    const rv_indexer *const ix = &log->indexer;
    return ix->collected.cap > 0 && log->failed == RV_OK && log->segment_count > 0 && !ix->idle &&
           !ix->waits;
}

rv_step rv_indexer_stop(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    if (ix->op.phase == RV_OP_UNDER_WAY) {
        return RV_STEP_WAIT;
    }
    if (ix->phase == RV_INDEX_ABANDON) {
        const rv_step step = abandon_step(log);
        return step == RV_STEP_WAIT ? step : RV_STEP_END;
    }
    if (ix->phase == RV_INDEX_CREATE && ix->op.phase == RV_OP_OVER &&
        ix->op.result.status == RV_OK) {
        ix->file = ix->op.result.file;
        ix->file_open = true;
        ix->made = true;
    }
    ix->op.phase = RV_OP_IDLE; /* its result is of no use any more */
    ix->op.progress = 0;
    const bool making = ix->phase > RV_INDEX_COLLECT;
    ix->phase = making ? RV_INDEX_ABANDON : RV_INDEX_IDLE;
    RV_ASSERT(making || !ix->file_open);
    return making ? RV_STEP_ON : RV_STEP_END;
}
