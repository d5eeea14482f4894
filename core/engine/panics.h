/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node makes of the panics that were recorded in its directory (core/base/panic.h): the
 * positions at which it stopped RV_PANICS_MAX times are not gone to again. A log that holds such an
 * event is read up to the one before it; a node that would write it next takes no appends. Both say
 * so, and are so until the file is removed.
 */
#ifndef RV_CORE_ENGINE_PANICS_H
#define RV_CORE_ENGINE_PANICS_H

#include "core/base/error.h"
#include "core/base/panic.h"
#include "core/log/op.h"

typedef struct rv_node rv_node;

#define RV_PANICS_TICKETS UINT64_C(3) /* RV_CHECKPOINT_TICKETS is 2 */
#define RV_PANICS_READ    64u         /* records that are looked at: the last ones */

typedef struct rv_panics {
    rv_ops ops;
    rv_op op;
    rv_file file;
    uint64_t size;
    bool open;
    bool over;                                       /* all is read */
    rv_panic banned[RV_PANICS_READ / RV_PANICS_MAX]; /* positions, with their last place */
    uint32_t banned_count;
    uint8_t records[RV_PANICS_READ * RV_PANIC_SIZE];
} rv_panics;

/* Opening: reads the records. RV_PENDING, RV_OK. A file that cannot be read bans nothing. */
RV_MUST_USE rv_status rv_panics_read(rv_panics *panics);

/* Takes a completion, which is one of these. */
void rv_panics_completed(rv_panics *panics, const rv_io_completion *completion);

/* RV_OK, or RV_PANICKED with facts "position", "place", "panics": a position from `first` to `last`
 * is one that the node is not to go to. */
RV_MUST_USE rv_status rv_panics_check(const rv_panics *panics, uint64_t first, uint64_t last,
                                      rv_error *err);

#endif
