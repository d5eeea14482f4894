/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: see journal.h. */
#include "core/state/journal.h"

void rv_journal_begin(rv_journal *journal) {
    RV_ASSERT(!journal->active);
    RV_ASSERT(journal->len == 0);
    journal->active = true;
}

void rv_journal_measure(rv_journal *journal) {
    RV_ASSERT(journal->len <= journal->cap);
    journal->len_max = journal->len > journal->len_max ? journal->len : journal->len_max;
}

bool rv_journal_pop(rv_journal *journal, rv_journal_record *record) {
    RV_ASSERT(journal->active);
    if (journal->len == 0) {
        return false;
    }
    RV_ASSERT(journal->len >= RV_JOURNAL_HEAD);
    uint64_t packed;
    memcpy(&packed, journal->memory + journal->len - RV_JOURNAL_HEAD, sizeof packed);
    const size_t len = (size_t)(packed >> 48);
    const size_t cost = rv_journal_cost(len);
    RV_ASSERT(cost <= journal->len);
    journal->len -= cost;
    *record = (rv_journal_record){.page = (uint32_t)packed,
                                  .offset = (uint32_t)(packed >> 32) & UINT16_MAX,
                                  .old = {journal->memory + journal->len, len}};
    return true;
}

void rv_journal_end(rv_journal *journal) {
    RV_ASSERT(journal->active);
    rv_journal_measure(journal);
    journal->len = 0;
    journal->active = false;
    RV_ASSERT(journal->len <= journal->cap);
}
