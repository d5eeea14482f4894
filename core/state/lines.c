/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of lines: see lines.h. */
#include "core/state/lines.h"

static rv_lines *lines_change(rv_pages *pages, rv_at at, uint32_t offset, uint32_t len) {
    (void)rv_pages_write(pages, at.page, at.offset + offset, len);
    return (rv_lines *)(void *)rv_pages_write_new(pages, at.page, at.offset);
}

/* Adds the page for lines from `first` on, and its directory when that is the first in it. */
static rv_status page_add(rv_pages *pages, rv_at at, uint32_t first) {
    const rv_lines *const lines = rv_lines_of(pages, at);
    RV_ASSERT(first % RV_LINES_IN_PAGE == 0);
    const uint32_t nth = first / RV_LINES_IN_PAGE;
    const uint32_t slot = nth / RV_DIRECTORY_ROOM;
    RV_ASSERT(slot < RV_DIRECTORIES);
    const bool opens = nth % RV_DIRECTORY_ROOM == 0;
    if (rv_pages_left(pages) < (opens ? 2u : 1u)) {
        return RV_STATE_FULL;
    }
    rv_status status;
    if (opens) {
        uint32_t directory;
        status = rv_pages_alloc(pages, RV_PAGE_DIRECTORY, 0, &directory);
        if (status != RV_OK) {
            return status;
        }
        const uint32_t offset = (uint32_t)offsetof(rv_lines, directories) + slot * 4u;
        lines_change(pages, at, offset, 4)->directories[slot] = directory;
    }
    uint32_t page;
    status = rv_pages_alloc(pages, (rv_page_kind)lines->kind, 0, &page);
    if (status != RV_OK) {
        return status;
    }
    ((rv_page_head *)(void *)rv_pages_write_new(pages, page, 0))->first = first;
    /* entries at or beyond the count are nobody's, so they are not noted */
    memcpy(rv_pages_write_new(pages, lines->directories[slot],
                              RV_PAGE_HEAD + (nth % RV_DIRECTORY_ROOM) * 4u),
           &page, sizeof page);
    return RV_OK;
}

rv_status rv_lines_add(rv_pages *pages, rv_at at, rv_at *line) {
    rv_status status = rv_pages_reserve(pages, 0);
    if (status != RV_OK) {
        return status;
    }
    const uint32_t n = rv_lines_of(pages, at)->count;
    if (n >= RV_LINES_MAX) {
        return RV_STATE_FULL;
    }
    if (n % RV_LINES_IN_PAGE == 0) {
        status = page_add(pages, at, n);
        if (status != RV_OK) {
            return status;
        }
    }
    lines_change(pages, at, (uint32_t)offsetof(rv_lines, count), 4)->count = n + 1;
    *line = rv_lines_at(pages, rv_lines_of(pages, at), n);
    memset(rv_pages_write_new(pages, line->page, line->offset), 0, RV_LINE_SIZE);
    RV_ASSERT(line->offset % RV_LINE_SIZE == 0);
    return RV_OK;
}
