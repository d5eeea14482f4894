/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting what was collected: numbers of events, in the order of (stream, version) or of ids, in
 * bounded steps.
 *
 * Streams: one pass over a byte of the stream's number after the other, lowest first. Each keeps
 * the order of what is equal, so the events of a stream stay in the order of sequences, in which
 * their versions ascend. Ids: merging pairs of ascending stretches, each pass twice as long.
 */
#include "core/log/internal.h"

void rv_sort_begin(rv_indexer *ix) {
    rv_collected *const c = &ix->collected;
    const uint32_t count = ix->section == RV_RUN_STREAMS ? c->count : c->id_count;
    RV_ASSERT(count <= c->cap);
    for (uint32_t i = 0; i < count; i += 1) {
        c->order[i] = i;
    }
    c->sort_width = ix->section == RV_RUN_STREAMS ? 0 : 1;
    c->unordered = false;
    ix->sorted = false;
    RV_ASSERT(ix->section != RV_RUN_PLACES);
}

static void swap_orders(rv_collected *c) {
    uint32_t *const order = c->order;
    c->order = c->other;
    c->other = order;
    RV_ASSERT(c->order != c->other);
}

/* --- streams --- */

/* One pass over byte `c->sort_width` of the streams' numbers. True: no number has more bytes. */
static bool radix_pass(rv_collected *c) {
    uint32_t starts[257] = {0};
    uint32_t highest = 0;
    const unsigned shift = 8 * c->sort_width;
    RV_ASSERT(c->sort_width < 4);
    for (uint32_t i = 0; i < c->count; i += 1) {
        highest = c->streams[i] > highest ? c->streams[i] : highest;
        starts[((c->streams[i] >> shift) & 255) + 1] += 1;
    }
    for (unsigned i = 1; i < 257; i += 1) {
        starts[i] += starts[i - 1];
    }
    for (uint32_t i = 0; i < c->count; i += 1) {
        const uint32_t event = c->order[i];
        const uint32_t digit = (c->streams[event] >> shift) & 255;
        c->other[starts[digit]] = event;
        starts[digit] += 1;
    }
    swap_orders(c);
    c->sort_width += 1;
    return c->sort_width == 4 || highest >> (shift + 8) == 0;
}

/* --- merging --- */

static bool comes_first(const rv_indexer *ix, uint32_t x, uint32_t y) {
    const rv_collected *const c = &ix->collected;
    RV_ASSERT(x != y);
    if (ix->section == RV_RUN_IDS) {
        return memcmp(c->ids + (size_t)x * 16, c->ids + (size_t)y * 16, 16) <= 0;
    }
    return c->streams[x] != c->streams[y] ? c->streams[x] < c->streams[y]
                                          : c->versions[x] <= c->versions[y];
}

/* One pass: stretches of `width` become stretches of twice that. True: it was the last. */
static bool merge_pass(rv_indexer *ix, uint32_t count) {
    rv_collected *const c = &ix->collected;
    const uint32_t width = c->sort_width;
    RV_ASSERT(width > 0);
    if (width >= count) {
        return true;
    }
    for (uint32_t at = 0; at < count;) {
        const uint32_t middle = count - at < width ? count : at + width;
        const uint32_t end = count - middle < width ? count : middle + width;
        uint32_t left = at;
        uint32_t right = middle;
        for (uint32_t to = at; to < end; to += 1) {
            const bool take_left =
                left < middle && (right == end || comes_first(ix, c->order[left], c->order[right]));
            c->other[to] = take_left ? c->order[left++] : c->order[right++];
        }
        at = end;
    }
    swap_orders(c);
    c->sort_width = width > count / 2 ? count : 2 * width;
    return c->sort_width >= count;
}

/* --- both --- */

/* True when versions ascend in each stream, as they do unless an upstream was wrong. */
static bool in_order(const rv_collected *c) {
    RV_ASSERT(c->count <= c->cap);
    for (uint32_t i = 1; i < c->count; i += 1) {
        const uint32_t x = c->order[i - 1];
        const uint32_t y = c->order[i];
        if (c->streams[x] == c->streams[y] && c->versions[x] > c->versions[y]) {
            return false;
        }
    }
    return true;
}

rv_step rv_sort_step(rv_indexer *ix) {
    rv_collected *const c = &ix->collected;
    RV_ASSERT(!ix->sorted);
    if (ix->section == RV_RUN_IDS) {
        ix->sorted = merge_pass(ix, c->id_count);
    } else if (!c->unordered) {
        ix->sorted = radix_pass(c);
        c->unordered = ix->sorted && !in_order(c);
        if (c->unordered) {
            ix->sorted = false;
            c->sort_width = 1;
        }
    } else {
        ix->sorted = merge_pass(ix, c->count);
    }
    RV_ASSERT(c->count > 0);
    return ix->sorted ? RV_STEP_END : RV_STEP_ON;
}
