/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the rows of an aggregate changed last, for whoever has read them and is to read them again
 * then: a number that grows. What folds pays nothing for it: pages are marked when they are first
 * written to anyway (pages.h), and who asks looks through the marks, one byte a page.
 *
 *   invariant: rows of an aggregate lie in pages tagged with its number, and its count of rows in
 *              its table's page, so what changes a row, adds or removes one marks one of these; or,
 *              where the table itself comes or goes, the root page, which names it.
 *
 * It errs to one side: what was changed and taken back, or laid anew the same, counts as a change.
 */
#ifndef RV_STATE_REVISIONS_H
#define RV_STATE_REVISIONS_H

#include "core/state/state.h"

/* The revision of the state: grows when rows of any aggregate may have changed since the last call.
 * Between transactions, an overlay laid or not. */
uint64_t rv_state_revision(rv_state *state);

/* The revision of the state, as of the last call of the above, with which rows of the aggregate
 * last changed; 0: never. */
uint64_t rv_state_revision_of(const rv_state *state, uint16_t aggregate);

/* What a state goes on from that is made in the place of another one, so that nobody takes its
 * revisions and snapshots for those of the former. */
typedef struct rv_state_former {
    uint64_t revision;
    uint64_t snapshot;
} rv_state_former;

rv_state_former rv_state_former_of(const rv_state *state);

/* The state was made anew: everything in it is another one than before. */
void rv_state_follow(rv_state *state, rv_state_former former);

/* --- for the files of this floor --- */

/* Everything is another one. */
void rv_revisions_all(rv_state *state);

#endif
