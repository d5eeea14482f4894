/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the blocks of a run from sorted entries, in one pass. It holds one block for each level of
 * the tree; a block that is full goes to the output, and its first key and number to the level
 * above:
 *
 *     entry -> [level 0] -full-> out        [level 1] <- key, number        [level 2] <- …
 *
 * Whoever uses it begins a section, adds its entries while there is room, takes what is in the
 * output to the file, ends the section, and at last takes the footer.
 */
#ifndef RV_LOG_RUN_WRITER_H
#define RV_LOG_RUN_WRITER_H

#include "core/base/arena.h"
#include "core/log/run.h"

#define RV_RUN_LEVELS (RV_RUN_DEPTH_MAX + 1)

typedef struct rv_run_writer {
    uint8_t *out;
    size_t out_cap; /* at least RV_RUN_OUT_MIN */
    size_t out_len;
    rv_run_filling levels[RV_RUN_LEVELS];
    uint32_t depth; /* levels in use above 0 */
    rv_run_section section;
    rv_run_footer footer; /* grows; its parts are those of ended sections */
} rv_run_writer;

/* One call makes a block of each level at most, and a section's end two. */
#define RV_RUN_OUT_MIN (2 * RV_RUN_LEVELS * RV_RUN_BLOCK_SIZE)

/* Bytes that rv_run_writer_create takes. False: the arena is too small. */
RV_MUST_USE bool rv_run_writer_create(rv_run_writer *w, size_t out_cap, rv_arena *arena);

/* A new run. `footer` has everything but parts and block count. */
void rv_run_writer_begin(rv_run_writer *w, const rv_run_footer *footer);

void rv_run_section_begin(rv_run_writer *w, rv_run_section section);

/* True when an entry, or the section's end, can be taken before the output is taken away. */
static inline bool rv_run_writer_room(const rv_run_writer *w) {
    return w->out_cap - w->out_len >= RV_RUN_OUT_MIN / 2;
}

/* True when the entry may come next. */
RV_MUST_USE bool rv_run_writer_fits(const rv_run_writer *w, const rv_run_entry *entry);

void rv_run_writer_add(rv_run_writer *w, const rv_run_entry *entry);
void rv_run_section_end(rv_run_writer *w);

/* The output was taken. */
static inline void rv_run_writer_taken(rv_run_writer *w) {
    w->out_len = 0;
}

/* The footer, as the only block of the output. */
void rv_run_writer_end(rv_run_writer *w);

#endif
