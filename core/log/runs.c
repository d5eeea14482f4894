/* SPDX-License-Identifier: Apache-2.0 */
/* The table of runs: see runs.h. */
#include "core/log/runs.h"

#include "core/base/assert.h"

static bool contains(const rv_run_span *outer, const rv_run_span *inner) {
    RV_ASSERT(outer->first < outer->next && inner->first < inner->next);
    return outer->first <= inner->first && inner->next <= outer->next;
}

static bool overlap(const rv_run_span *a, const rv_run_span *b) {
    RV_ASSERT(a->first < a->next && b->first < b->next);
    return a->first < b->next && b->first < a->next;
}

uint32_t rv_runs_at(const rv_runs *runs, uint64_t sequence) {
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
    uint32_t at = 0;
    while (at < runs->count && runs->runs[at].span.next <= sequence) {
        at += 1;
    }
    return at;
}

uint32_t rv_runs_of_serial(const rv_runs *runs, uint32_t serial) {
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
    uint32_t at = 0;
    while (at < runs->count && runs->runs[at].serial != serial) {
        at += 1;
    }
    return at;
}

void rv_runs_insert(rv_runs *runs, const rv_index_run *run) {
    RV_ASSERT(runs->count < RV_RUNS_MAX);
    const uint32_t at = rv_runs_at(runs, run->span.first);
    RV_ASSERT(at == runs->count || !overlap(&runs->runs[at].span, &run->span));
    memmove(&runs->runs[at + 1], &runs->runs[at], (runs->count - at) * sizeof runs->runs[0]);
    runs->runs[at] = *run;
    runs->count += 1;
}

/* Files beyond the table's size stay where they are: the next opening meets them again. */
static void spare_add(rv_runs *runs, const rv_spare *spare) {
    RV_ASSERT(runs->spare_count <= RV_SPARES_MAX);
    if (runs->spare_count < RV_SPARES_MAX) {
        runs->spares[runs->spare_count++] = *spare;
    }
}

static bool overlaps_any(const rv_runs *runs, const rv_run_span *span) {
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
    for (uint32_t i = 0; i < runs->count; i += 1) {
        if (overlap(&runs->runs[i].span, span)) {
            return true;
        }
    }
    return false;
}

/* A file that was known before keeps its serial, under which it may be open. */
static void insert_unknown(rv_runs *runs, const rv_run_span *span, uint32_t serial) {
    RV_ASSERT(runs->count < RV_RUNS_MAX);
    runs->serial += serial == 0;
    const rv_index_run run = {.span = *span, .serial = serial == 0 ? runs->serial : serial};
    rv_runs_insert(runs, &run);
    RV_ASSERT(runs->serial < RV_HANDLE_OF_RUN);
}

/* Takes those that lie inside the span out of the table, as spares. True when nothing of the table
 * overlaps it any more. */
static bool make_way(rv_runs *runs, const rv_run_span *span) {
    for (uint32_t i = runs->count; i > 0; i -= 1) {
        const rv_index_run *const run = &runs->runs[i - 1];
        if (contains(span, &run->span)) {
            spare_add(runs, &(rv_spare){run->span, run->serial, false});
            runs->count -= 1;
            memmove(&runs->runs[i - 1], &runs->runs[i],
                    (runs->count - (i - 1)) * sizeof runs->runs[0]);
        }
    }
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
    return !overlaps_any(runs, span);
}

void rv_runs_meet(rv_runs *runs, const rv_run_span *span) {
    RV_ASSERT(span->first > 0 && span->first < span->next);
    if (make_way(runs, span) && runs->count < RV_RUNS_MAX) {
        insert_unknown(runs, span, 0);
    } else {
        spare_add(runs, &(rv_spare){*span, 0, false});
    }
}

/* What a run that is gone had covered may serve again: the longest first. */
static void spares_return(rv_runs *runs) {
    while (runs->count < RV_RUNS_MAX) { /* each round takes a spare */
        uint32_t best = runs->spare_count;
        for (uint32_t i = 0; i < runs->spare_count; i += 1) {
            const rv_run_span *const span = &runs->spares[i].span;
            const bool better = best == runs->spare_count ||
                                span->next - span->first >
                                    runs->spares[best].span.next - runs->spares[best].span.first;
            if (!runs->spares[i].bad && better && !overlaps_any(runs, span)) {
                best = i;
            }
        }
        if (best == runs->spare_count) {
            return;
        }
        const rv_spare spare = runs->spares[best];
        runs->spare_count -= 1;
        runs->spares[best] = runs->spares[runs->spare_count];
        insert_unknown(runs, &spare.span, spare.serial);
    }
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
}

void rv_runs_forget(rv_runs *runs, const rv_run_span *span) {
    RV_ASSERT(runs->spare_count <= RV_SPARES_MAX);
    for (uint32_t i = runs->spare_count; i > 0; i -= 1) {
        const rv_run_span *const met = &runs->spares[i - 1].span;
        RV_ASSERT(met->first < met->next);
        if (met->first == span->first && met->next == span->next && met->level == span->level) {
            runs->spare_count -= 1;
            runs->spares[i - 1] = runs->spares[runs->spare_count];
        }
    }
}

void rv_runs_drop(rv_runs *runs, uint32_t index, bool bad) {
    RV_ASSERT(index < runs->count);
    const rv_index_run *const run = &runs->runs[index];
    spare_add(runs, &(rv_spare){run->span, run->serial, bad});
    if (bad) {
        runs->damaged_count += 1;
        rv_run_name(&run->span, &runs->damaged_name);
    }
    runs->count -= 1;
    memmove(&runs->runs[index], &runs->runs[index + 1],
            (runs->count - index) * sizeof runs->runs[0]);
    if (bad) {
        spares_return(runs);
    }
    RV_ASSERT(runs->count <= RV_RUNS_MAX);
}

void rv_runs_outdate(rv_runs *runs, const rv_run_span *span) {
    const rv_run_span met = *span; /* it may lie in the table */
    RV_ASSERT(met.first < met.next);
    for (uint32_t i = 0; i < runs->spare_count; i += 1) {
        runs->spares[i].bad = runs->spares[i].bad || overlap(&runs->spares[i].span, &met);
    }
    for (uint32_t i = runs->count; i > 0; i -= 1) {
        const rv_index_run *const run = &runs->runs[i - 1];
        if (overlap(&run->span, &met)) {
            spare_add(runs, &(rv_spare){run->span, run->serial, true});
            runs->count -= 1;
            memmove(&runs->runs[i - 1], &runs->runs[i],
                    (runs->count - (i - 1)) * sizeof runs->runs[0]);
        }
    }
    spares_return(runs);
    RV_ASSERT(!overlaps_any(runs, &met));
}
