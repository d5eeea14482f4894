/* SPDX-License-Identifier: Apache-2.0 */
/* When rows changed last: see revisions.h. */
#include "core/state/revisions.h"

#include "core/state/inside.h"

/* Marks that are looked at together. */
#define AT_ONCE 8u

/* Tables that were made, or went with an overlay: their pages may be somebody else's by now. */
static void note_tables(rv_state *state) {
    const rv_root *const root = rv_root_of(&state->pages);
    for (uint16_t i = 0; i < RV_AGGREGATES_MAX; i += 1) {
        if (root->tables[i] != state->tables[i]) {
            state->tables[i] = root->tables[i];
            state->revisions[i] = state->revision + 1;
        }
    }
}

static void note(rv_state *state, uint32_t page) {
    const rv_page_head *const head = rv_pages_head(&state->pages, page);
    state->pages.marks[page] &= (uint8_t)~RV_MARK_CHANGED;
    if (page == RV_PAGE_FIRST) {
        note_tables(state);
    }
    if (head->kind == RV_PAGE_ROWS || head->kind == RV_PAGE_TABLE) {
        RV_ASSERT(head->tag < RV_AGGREGATES_MAX);
        state->revisions[head->tag] = state->revision + 1;
    }
}

uint64_t rv_state_revision(rv_state *state) {
    rv_pages *const pages = &state->pages;
    const uint32_t end = pages->total + 1;
    RV_ASSERT(pages->overlay || !pages->journal.active);
    if (!pages->changed) {
        return state->revision;
    }
    uint32_t page = RV_PAGE_FIRST;
    while (page < end) {
        const uint64_t marks =
            end - page >= AT_ONCE ? rv_load_u64(pages->marks + page) : UINT64_MAX;
        const uint32_t until = end - page >= AT_ONCE ? page + AT_ONCE : end;
        if ((marks & (RV_MARK_CHANGED * UINT64_C(0x0101010101010101))) == 0) {
            page = until;
            continue;
        }
        for (; page < until; page += 1) {
            if ((pages->marks[page] & RV_MARK_CHANGED) != 0) {
                note(state, page);
            }
        }
    }
    pages->changed = false;
    state->revision += 1;
    return state->revision;
}

uint64_t rv_state_revision_of(const rv_state *state, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    RV_ASSERT(state->revisions[aggregate] <= state->revision);
    return state->revisions[aggregate];
}

rv_state_former rv_state_former_of(const rv_state *state) {
    return (rv_state_former){state->revision, state->pages.snapshots.serial};
}

void rv_state_follow(rv_state *state, rv_state_former former) {
    RV_ASSERT(state->revision == 0 && state->pages.snapshots.alive == 0);
    state->revision = former.revision;
    state->pages.snapshots.serial = former.snapshot;
    rv_revisions_all(state);
}

void rv_revisions_all(rv_state *state) {
    RV_ASSERT(state->revision < UINT64_MAX);
    state->revision += 1;
    for (uint16_t i = 0; i < RV_AGGREGATES_MAX; i += 1) {
        state->revisions[i] = state->revision;
    }
}
