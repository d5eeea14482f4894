/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging runs: each section's blocks of each run are read from the first to the last, those above
 * the entries passed over, and the lowest entry of all goes on. A section's blocks lie side by
 * side, its root last.
 *
 * A run that turns out to be bad on the way is dropped, and the merge with it.
 */
#include "core/log/internal.h"

#define MERGE_ENTRIES_MAX 8192 /* of one step: some 200 microseconds */

static const rv_index_run *run_of(const rv_log *log, const rv_merged *m) {
    const uint32_t index = rv_runs_of_serial(&log->runs, m->serial);
    RV_ASSERT(index <= log->runs.count);
    return index < log->runs.count ? &log->runs.runs[index] : NULL;
}

/* Where the blocks of a section begin: behind the root of the one before. */
static uint32_t section_begin(const rv_run_footer *footer, rv_run_section section) {
    RV_ASSERT(section < RV_RUN_SECTIONS);
    uint32_t begin = 0;
    for (unsigned i = 0; i < (unsigned)section; i += 1) {
        begin = footer->parts[i].count > 0 ? footer->parts[i].root + 1 : begin;
    }
    RV_ASSERT(begin <= footer->block_count);
    return begin;
}

void rv_merge_section_begin(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->merging);
    for (unsigned i = 0; i < RV_RUNS_FAN; i += 1) {
        rv_merged *const m = &ix->merged[i];
        const rv_index_run *const run = run_of(log, m);
        RV_ASSERT(m->handle == NULL);
        m->next = 0;
        m->end = 0;
        m->filled = false;
        m->any = false;
        if (run != NULL && run->footer.parts[ix->section].count > 0) {
            m->next = section_begin(&run->footer, ix->section);
            m->end = run->footer.parts[ix->section].root + 1;
        }
    }
}

static rv_step merged_bad(rv_log *log, const rv_merged *m) {
    const uint32_t index = rv_runs_of_serial(&log->runs, m->serial);
    if (index < log->runs.count) {
        rv_runs_drop(&log->runs, index, true);
    }
    RV_ASSERT(log->indexer.merging);
    return RV_STEP_FAIL;
}

/* Reads the next block of entries. */
static rv_step read_block(rv_log *log, rv_merged *m) {
    rv_indexer *const ix = &log->indexer;
    const rv_index_run *const run = run_of(log, m);
    RV_ASSERT(run != NULL && m->next < m->end);
    if (m->handle == NULL) {
        const rv_status status = rv_files_acquire(log, RV_HANDLE_OF_RUN | m->serial, 4, &m->handle);
        if (status == RV_PENDING || status == RV_BUSY) {
            return RV_STEP_WAIT;
        }
        if (status != RV_OK) {
            return merged_bad(log, m);
        }
    }
    size_t got = 0;
    const rv_status status =
        rv_op_read(&log->ops, &ix->op, m->handle->file, (uint64_t)m->next * RV_RUN_BLOCK_SIZE,
                   m->buf, RV_RUN_BLOCK_SIZE, &got);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    rv_files_release(log, m->handle);
    m->handle = NULL;
    const rv_run_expected expected = {run->footer.fingerprint, m->next, ix->section, m->buf[9]};
    if (status != RV_OK || got < RV_RUN_BLOCK_SIZE || !rv_run_block_good(m->buf, &expected)) {
        return merged_bad(log, m);
    }
    m->next += 1;
    if (m->buf[9] == 0) {
        m->reading = rv_run_read_begin(m->buf, run->span.first);
        m->filled = true;
    }
    return RV_STEP_ON;
}

/* Sees to it that the next entry is there, if there is one. RV_STEP_END: it is, or there is none.
 */
static rv_step next_entry(rv_log *log, rv_merged *m) {
    while (!m->any) { /* every pass goes on by a block, or by an entry */
        if (m->filled) {
            m->any = rv_run_read(&m->reading);
            if (m->reading.bad) {
                return merged_bad(log, m);
            }
            m->filled = m->any;
            continue;
        }
        if (m->next == m->end) {
            return RV_STEP_END;
        }
        const rv_step step = read_block(log, m);
        if (step != RV_STEP_ON) {
            return step;
        }
    }
    RV_ASSERT(m->filled);
    return RV_STEP_END;
}

static rv_merged *lowest(rv_indexer *ix) {
    rv_merged *best = NULL;
    for (unsigned i = 0; i < RV_RUNS_FAN; i += 1) {
        rv_merged *const m = &ix->merged[i];
        if (m->any && (best == NULL ||
                       rv_run_key_compare(m->reading.entry.key, best->reading.entry.key) < 0)) {
            best = m;
        }
    }
    RV_ASSERT(best == NULL || best->filled);
    return best;
}

rv_step rv_merge_fill(rv_log *log) {
    rv_indexer *const ix = &log->indexer;
    RV_ASSERT(ix->merging);
    for (unsigned i = 0; i < RV_RUNS_FAN; i += 1) {
        if (run_of(log, &ix->merged[i]) == NULL) {
            return RV_STEP_FAIL; /* a look-up found it bad */
        }
    }
    for (unsigned n = 0; n < MERGE_ENTRIES_MAX; n += 1) {
        if (!rv_run_writer_room(&ix->writer)) {
            return RV_STEP_ON;
        }
        for (unsigned i = 0; i < RV_RUNS_FAN; i += 1) {
            const rv_step step = next_entry(log, &ix->merged[i]);
            if (step != RV_STEP_END) {
                return step;
            }
        }
        rv_merged *const m = lowest(ix);
        if (m == NULL) {
            return RV_STEP_END;
        }
        if (!rv_run_writer_fits(&ix->writer, &m->reading.entry)) {
            return merged_bad(log, m);
        }
        rv_run_writer_add(&ix->writer, &m->reading.entry);
        m->any = false;
    }
    return RV_STEP_ON;
}
