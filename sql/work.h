/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SQLite does in one instruction of its machine and may take long: sorting, and looking for a
 * value in another one. Here it is counted in steps, as instructions are, so that the limit of
 * steps and interrupts end it.
 *
 * Sorting (ORDER BY, GROUP BY, DISTINCT, windows without an index) takes the place of SQLite's
 * vdbeSorterSort: the same merges of the same lists in the same order, but it can stop between any
 * two comparisons and go on, as the machine can between two instructions (sql/sqlite.c). So the
 * longest sort that fits into the memory is cut in slices as everything else is.
 *
 * Records come as a list, the newest first. One after the other is merged with the run in slot 0 if
 * there is one, what comes of it with the run in slot 1, and so on up to a slot that is empty,
 * which takes it; in the end all runs are merged, from slot 0 on.
 *
 *     left 7 5 4     slots 0: 8   1: 2 9       7 is taken: 7 8, then 2 7 8 9, which slot 2 takes
 *
 *   invariant: every record is in one of left, run, a, b, what is merged of these, and the slots.
 *
 * instr, replace, trim, LIKE and GLOB look for one value in another: what that takes at worst, the
 * product of their lengths, is counted before, and bounded, since it cannot stop.
 *
 * The build puts this file before sqlite3VdbeSorterReset of the amalgamation (cmake/sql.cmake), and
 * calls its functions there (sql/sqlite.sed). All records are in memory: there are no files.
 */
#ifndef RV_SQL_WORK_H
#define RV_SQL_WORK_H

#include "core/base/assert.h"
#include "core/base/limits.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

bool rv_sql_guard_search(void *sql, uint64_t work); /* see sql/sqlite.h */

/* Slot n has 2^n records, and a record takes more than a byte. */
#define RV_MERGE_SLOTS 32

struct rv_merge {
    SorterRecord *left; /* not taken yet */
    SorterRecord *run;  /* is to be merged with what is in the slot at `at`, or goes there */
    SorterRecord *a;    /* what is not merged yet of two runs; both or none */
    SorterRecord *b;
    SorterRecord *merged;
    SorterRecord **end; /* of that: where the next one goes */
    SorterRecord *slots[RV_MERGE_SLOTS];
    int at;
    int credit; /* comparisons before the progress handler is asked */
};

static int vdbeSortAllocUnpacked(SortSubtask *task);
static SorterCompare vdbeSorterGetCompare(VdbeSorter *sorter);

/* Comparisons up to the next time that the progress handler is asked, if there is one. */
static int rv_merge_credit(const sqlite3 *db) {
    return db->xProgress == NULL ? INT_MAX : (int)db->nProgressOps;
}

static struct rv_merge *rv_merge_begin(SortSubtask *task, SorterList *list) {
    sqlite3 *const db = task->pSorter->db;
    RV_ASSERT(list->aMemory == NULL);
    struct rv_merge *const m = sqlite3DbMallocZero(db, sizeof *m);
    if (m == NULL || vdbeSortAllocUnpacked(task) != SQLITE_OK) {
        sqlite3DbFree(db, m);
        return NULL;
    }
    task->xCompare = vdbeSorterGetCompare(task->pSorter);
    m->left = list->pList;
    m->credit = rv_merge_credit(db);
    return m;
}

/* Goes to the next two runs that are to be merged; false: there is one, with all records. */
static bool rv_merge_next(struct rv_merge *m) {
    while (m->a == NULL &&
           m->at < RV_MERGE_SLOTS) { /* each turn takes a record, or goes on a slot */
        if (m->run == NULL) {
            m->run = m->left;
            m->left = m->run->u.pNext;
            m->run->u.pNext = NULL;
            m->at = 0;
        }
        SorterRecord **const slot = &m->slots[m->at++];
        if (*slot != NULL) {
            m->a = m->run;
            m->b = *slot;
            m->end = &m->merged;
            m->run = NULL;
            *slot = NULL;
        } else if (m->left != NULL) {
            *slot = m->run;
            m->run = NULL;
        }
    }
    return m->a != NULL;
}

/* Merges the two, of which the first is the older one. SQLITE_BUSY: it is to go on later;
 * SQLITE_INTERRUPT. */
static int rv_merge_two(SortSubtask *task, struct rv_merge *m) {
    sqlite3 *const db = task->pSorter->db;
    int cached = 0; /* b's record is unpacked */
    while (m->a != NULL && m->b != NULL) {
        if (m->credit == 0) {
            m->credit = rv_merge_credit(db);
            const int rc = db->xProgress == NULL ? SQLITE_OK : RV_WORK(db);
            if (rc != SQLITE_OK) {
                return rc;
            }
        }
        m->credit--;
        SorterRecord *const a = m->a;
        SorterRecord *const b = m->b;
        const int order = task->xCompare(task, &cached, SRVAL(a), a->nVal, SRVAL(b), b->nVal);
        SorterRecord *const first = order <= 0 ? a : b;
        *m->end = first;
        m->end = &first->u.pNext;
        *(order <= 0 ? &m->a : &m->b) = first->u.pNext;
        cached = order <= 0 ? cached : 0;
    }
    *m->end = m->a != NULL ? m->a : m->b;
    m->run = m->merged;
    m->a = NULL;
    m->b = NULL;
    return SQLITE_OK;
}

/* Sorts the list, which is not empty, or goes on with it. SQLITE_OK, SQLITE_NOMEM, and what
 * rv_merge_two says. */
static int rv_merge_sort(SortSubtask *task, SorterList *list) {
    VdbeSorter *const sorter = task->pSorter;
    struct rv_merge *const m = sorter->merge != NULL ? sorter->merge : rv_merge_begin(task, list);
    int rc = SQLITE_OK;
    if (m == NULL) {
        return SQLITE_NOMEM;
    }
    sorter->merge = m;
    while (rc == SQLITE_OK && rv_merge_next(m)) {
        rc = rv_merge_two(task, m);
    }
    if (rc == SQLITE_OK) {
        list->pList = m->run;
        sqlite3DbFree(sorter->db, m);
        sorter->merge = NULL;
        rc = task->pUnpacked->errCode;
    }
    return rc;
}

/* Puts the records of a sort that is not to go on into one list again. */
static void rv_merge_leave(VdbeSorter *sorter) {
    struct rv_merge *const m = sorter->merge;
    if (m == NULL) {
        return;
    }
    if (m->a != NULL) {
        *m->end = NULL;
    } else {
        m->merged = NULL;
    }
    SorterRecord **end = &sorter->list.pList;
    SorterRecord *const lists[] = {m->left, m->run, m->a, m->b, m->merged};
    for (int i = 0; i < RV_MERGE_SLOTS + (int)ArraySize(lists); i++) {
        *end = i < RV_MERGE_SLOTS ? m->slots[i] : lists[i - RV_MERGE_SLOTS];
        while (*end != NULL) {
            end = &(*end)->u.pNext;
        }
    }
    sqlite3DbFree(sorter->db, m);
    sorter->merge = NULL;
}

/* --- looking for a value --- */

/* A function looks for one of two values in the other. False: it is not to, and has failed. */
static bool rv_search(sqlite3_context *context, sqlite3_value **values) {
    void *const sql = sqlite3_context_db_handle(context)->pProgressArg;
    const i64 len = sqlite3_value_bytes(values[0]);
    const uint64_t work = (uint64_t)(len * sqlite3_value_bytes(values[1]));
    if (work > RV_SQL_SEARCH_MAX) {
        sqlite3_result_error_toobig(context);
        return false;
    }
    if (sql != NULL && !rv_sql_guard_search(sql, work)) {
        sqlite3_result_error_code(context, SQLITE_INTERRUPT);
        return false;
    }
    return true;
}

#endif
