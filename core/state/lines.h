/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An array of lines (64 bytes, one cache line each) that grows at its end, one at a time, and never
 * moves: stream heads by number, and the buckets of an index. Line n is found through a directory:
 *
 *     rv_lines (in a page) -> directory page -> page of 255 lines -> line
 */
#ifndef RV_STATE_LINES_H
#define RV_STATE_LINES_H

#include "core/state/pages.h"

#define RV_LINE_SIZE      64u
#define RV_LINES_IN_PAGE  (RV_PAGE_ROOM / RV_LINE_SIZE)
#define RV_DIRECTORY_ROOM (RV_PAGE_ROOM / 4u)
#define RV_DIRECTORIES    64u
#define RV_LINES_MAX      (RV_DIRECTORIES * RV_DIRECTORY_ROOM * RV_LINES_IN_PAGE)

/* Lies in a page; all zero but for `kind`, it is empty. */
typedef struct rv_lines {
    uint32_t count;
    uint16_t kind; /* rv_page_kind of the pages with lines */
    uint16_t spare;
    uint32_t directories[RV_DIRECTORIES];
} rv_lines;

static inline const rv_lines *rv_lines_of(const rv_pages *pages, rv_at at) {
    return (const rv_lines *)(const void *)(rv_pages_read(pages, at.page) + at.offset);
}

/* Where line `n` is; n is below the count. */
static inline rv_at rv_lines_at(const rv_pages *pages, const rv_lines *lines, uint32_t n) {
    RV_ASSERT(n < lines->count);
    const uint32_t nth = n / RV_LINES_IN_PAGE;
    const uint32_t directory = lines->directories[nth / RV_DIRECTORY_ROOM];
    uint32_t page;
    memcpy(&page,
           rv_pages_read(pages, directory) + RV_PAGE_HEAD + (nth % RV_DIRECTORY_ROOM) * sizeof page,
           sizeof page);
    return (rv_at){page, RV_PAGE_HEAD + (n % RV_LINES_IN_PAGE) * RV_LINE_SIZE};
}

static inline const uint8_t *rv_lines_read(const rv_pages *pages, const rv_lines *lines,
                                           uint32_t n) {
    const rv_at line = rv_lines_at(pages, lines, n);
    return rv_pages_read(pages, line.page) + line.offset;
}

/* Adds a line of zeros and gives its place. RV_STATE_FULL, RV_BATCH_TOO_LARGE: nothing has changed.
 */
RV_MUST_USE rv_status rv_lines_add(rv_pages *pages, rv_at at, rv_at *line);

#endif
