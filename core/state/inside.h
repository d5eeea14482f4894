/* SPDX-License-Identifier: Apache-2.0 */
/* What a state consists of, for the files of this floor only. */
#ifndef RV_STATE_INSIDE_H
#define RV_STATE_INSIDE_H

#include "core/state/rows.h"
#include "core/state/state.h"
#include "core/state/streams.h"

/* Everything that an event changes is in the pages; the rest is what they are read with. */
struct rv_state {
    rv_pages pages;
    const rv_schema *schema;
    uint64_t hash_key;
    rv_hash128 sum;                               /* of pages.sums */
    struct rv_check *check;                       /* of what is being loaded */
    struct rv_changes *changes;                   /* where they are noted; NULL: nowhere */
    uint64_t revision;                            /* revisions.h: the last one, */
    uint64_t revisions[RV_AGGREGATES_MAX];        /* and that of each aggregate, */
    uint32_t tables[RV_AGGREGATES_MAX];           /* whose table was in this page then */
    bool given_any;                               /* of aggregates, */
    uint64_t base_given[RV_AGGREGATES_MAX / 64u]; /* bits: those that the base under way gives */
    uint64_t given[RV_AGGREGATES_MAX / 64u]; /* bits: those whose rows are given, never folded */
};

#endif
