/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/panics.h"

#include "core/base/assert.h"

/* How often the position stands among the records, and the last of them. */
static uint32_t count_of(const rv_panic *panics, uint32_t count, uint64_t position,
                         rv_panic *last) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i += 1) {
        if (panics[i].position == position) {
            found += 1;
            *last = panics[i];
        }
    }
    RV_ASSERT(found <= count);
    return found;
}

/* Bans what has been met often enough, each position once. */
static void judge(rv_panics *p, const rv_panic *panics, uint32_t count) {
    RV_ASSERT(count <= RV_PANICS_READ && p->banned_count == 0);
    for (uint32_t i = 0; i < count; i += 1) {
        rv_panic last = panics[i];
        rv_panic first = last;
        const bool seen = count_of(panics, i, last.position, &first) > 0;
        if (last.position > 0 && !seen &&
            count_of(panics, count, last.position, &last) >= RV_PANICS_MAX) {
            p->banned[p->banned_count] = last;
            p->banned_count += 1;
        }
    }
}

/* Any of them may have been written in part, and those behind it lie anywhere. */
static void take_records(rv_panics *p, size_t got) {
    rv_panic panics[RV_PANICS_READ];
    uint32_t count = 0;
    for (size_t at = 0; at + RV_PANIC_SIZE <= got;) { /* goes on by a byte or a record */
        RV_ASSERT(count < RV_PANICS_READ);
        const bool good = rv_panic_decode(p->records + at, &panics[count]);
        count += good;
        at += good ? RV_PANIC_SIZE : 1;
    }
    judge(p, panics, count);
}

rv_status rv_panics_read(rv_panics *p) {
    RV_ASSERT(p != NULL && p->ops.host.ops != NULL);
    if (p->over) {
        return RV_OK;
    }
    rv_status status = RV_OK;
    if (!p->open) {
        status = rv_op_open(&p->ops, &p->op, RV_PANICS_FILE, &p->file, &p->size);
        p->open = status == RV_OK;
    }
    size_t got = 0;
    if (p->open) {
        const uint64_t from = p->size > sizeof p->records ? p->size - sizeof p->records : 0;
        if (p->size > 0) {
            status = rv_op_read(&p->ops, &p->op, p->file, from, p->records,
                                (size_t)(p->size - from), &got);
        }
    }
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (p->open) {
        p->ops.host.ops->close(p->ops.host.ctx, p->file);
        p->open = false;
    }
    if (status == RV_OK) {
        take_records(p, got);
    }
    p->over = true;
    return RV_OK;
}

void rv_panics_completed(rv_panics *p, const rv_io_completion *completion) {
    RV_ASSERT(completion->ticket >> 56 == RV_PANICS_TICKETS);
    const bool awaited = rv_op_complete(&p->op, completion);
    RV_ASSERT(awaited); /* the host finishes what was started, once */
}

rv_status rv_panics_check(const rv_panics *p, uint64_t first, uint64_t last, rv_error *err) {
    RV_ASSERT(p->banned_count <= sizeof p->banned / sizeof p->banned[0]);
    for (uint32_t i = 0; i < p->banned_count; i += 1) {
        const rv_panic *const panic = &p->banned[i];
        const uint64_t position = panic->position;
        if (position < first || position > last) {
            continue;
        }
        rv_error_set(err, RV_PANICKED,
                     "this version of Rivulet has stopped %u times at position %u (at +0x%x), and "
                     "does not go there again: open the data with another version, or remove the "
                     "file `" RV_PANICS_FILE "` to try once more",
                     (uint64_t)RV_PANICS_MAX, position, panic->place);
        rv_error_fact_uint(err, "position", position);
        rv_error_fact_uint(err, "place", panic->place);
        rv_error_fact_uint(err, "panics", RV_PANICS_MAX);
        return RV_PANICKED;
    }
    return RV_OK;
}
