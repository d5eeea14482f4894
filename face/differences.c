/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a live query's result is beside the last one that was told, for whoever asks for that
 * (`differences`): which rows go, by their places in the last result, and which come, by their
 * places in this one. Rows are lines of a result: two that say the same are two, and their order is
 * the result's.
 *
 *     ann bob eve          {"removed":[1],"added":[[2,["joe"]]]}          ann eve joe
 *
 * To be applied: those that go are taken out, the last one first; those that come are put in, the
 * first one first. Of a result nothing is kept but a hash of each row, in blocks of a pool that all
 * such feeds share. Where there are more rows than that, or no blocks, where what is beside the
 * rows is another (columns, what is stale), and where it is not shorter, the result is told whole.
 *
 * Both results are gone through side by side; where they part, the nearest place at which they go
 * on alike is looked for, REACH rows ahead. So a row that moved is one that goes and
 * one that comes; results that have little in common are told whole.
 */
#include "face/face_internal.h"

#include "core/base/assert.h"

#define REACH 16u /* rows: a page of a list that goes by, and little enough for every row of it */

typedef struct row_differences {
    uint32_t removed_count;
    uint32_t added_count;
    uint16_t removed[RV_LIVE_ROWS_MAX]; /* places in the old result, */
    uint16_t added[RV_LIVE_ROWS_MAX];   /* and in the new one */
} row_differences;

RV_STATIC_ASSERT(RV_LIVE_ROWS_MAX <= UINT16_MAX, "a place is two bytes");

typedef struct result_rows {
    const uint64_t *hashes;
    uint32_t count;
} result_rows;

/* Where the text of a row, or of what stands in its place, ends. */
static size_t row_end(rv_bytes text, size_t at) {
    uint32_t depth = 0;
    bool quoted = false;
    for (; at < text.len; at++) {
        const uint8_t c = text.ptr[at];
        if (quoted) {
            at += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            depth += 1;
        } else if (c == ']' || c == '}') {
            RV_ASSERT(depth > 0);
            depth -= 1;
            if (depth == 0) {
                return at + 1;
            }
        }
    }
    return at;
}

/* Hashes rows into `hashes`, and what is beside them into `rest`; false: there are too many. */
static bool hash_rows(const rv_exchange *x, uint64_t *hashes, uint32_t *count, rv_hash128 *rest) {
    const rv_bytes text = x->text;
    size_t at = x->rows_at;
    *count = 0;
    while (at < text.len && text.ptr[at] == '[') { /* each turn takes a row */
        const size_t end = row_end(text, at);
        if (*count == RV_LIVE_ROWS_MAX) {
            return false;
        }
        hashes[*count] = rv_hash128_of(0, rv_bytes_of(text.ptr + at, end - at)).low;
        *count += 1;
        at = end + (end < text.len && text.ptr[end] == ',');
    }
    const rv_hash128 head = rv_hash128_of(0, rv_bytes_of(text.ptr, x->rows_at));
    *rest = rv_hash128_of(head.low, rv_bytes_from(text, at));
    return true;
}

/* --- the pool --- */

static uint64_t *block_of(rv_face *face, uint16_t number) {
    RV_ASSERT(number < RV_LIVE_BLOCKS);
    return face->kept + (size_t)number * RV_LIVE_BLOCK_ROWS;
}

static void give_back(rv_exchange *x) {
    kept_result *const k = &x->live.kept;
    for (uint32_t i = 0; i * RV_LIVE_BLOCK_ROWS < k->count; i++) {
        RV_ASSERT(x->face->kept_used[k->blocks[i]]);
        x->face->kept_used[k->blocks[i]] = false;
    }
    *k = (kept_result){.known = false};
}

/* Keeps a result in the place of the last one, if there is room. */
static void keep(rv_exchange *x, const uint64_t *hashes, uint32_t count, rv_hash128 rest) {
    rv_face *const face = x->face;
    kept_result *const k = &x->live.kept;
    const uint32_t wanted = (count + RV_LIVE_BLOCK_ROWS - 1) / RV_LIVE_BLOCK_ROWS;
    uint32_t found = 0;
    give_back(x);
    for (uint16_t i = 0; i < RV_LIVE_BLOCKS && found < wanted; i++) {
        if (!face->kept_used[i]) {
            k->blocks[found++] = i;
        }
    }
    if (found < wanted) {
        return;
    }
    for (uint32_t i = 0; i < wanted; i++) {
        const uint32_t from = i * RV_LIVE_BLOCK_ROWS;
        const uint32_t some = count - from < RV_LIVE_BLOCK_ROWS ? count - from : RV_LIVE_BLOCK_ROWS;
        memcpy(block_of(face, k->blocks[i]), hashes + from, some * sizeof *hashes);
        face->kept_used[k->blocks[i]] = true;
    }
    k->count = count;
    k->rest = rest;
    k->known = true;
}

/* --- comparing --- */

/* The nearest place ahead, `a` rows in the old and `b` in the new result, at which both go on
 * alike; their ends are one. False: there is none in reach. */
static bool meet(result_rows was, result_rows is, uint32_t *a, uint32_t *b) {
    for (uint32_t d = 1; d <= REACH; d++) {
        for (*a = 0; *a <= d; *a += 1) {
            *b = d - *a;
            const bool ends = *a == was.count && *b == is.count;
            if (ends || (*a < was.count && *b < is.count && was.hashes[*a] == is.hashes[*b])) {
                return true;
            }
        }
    }
    return false;
}

/* One more row that goes or comes. */
static void note(uint16_t *list, uint32_t *count, uint32_t row) {
    RV_ASSERT(row < RV_LIVE_ROWS_MAX && *count < RV_LIVE_ROWS_MAX);
    list[*count] = (uint16_t)row;
    *count += 1;
}

/* Which rows go, and which come. */
static void compare(result_rows was, result_rows is, row_differences *d) {
    uint32_t i = 0;
    uint32_t j = 0;
    d->removed_count = 0;
    d->added_count = 0;
    while (i < was.count || j < is.count) { /* each turn takes a row of one or of both */
        uint32_t a = 0;
        uint32_t b = 0;
        if (i < was.count && j < is.count && was.hashes[i] == is.hashes[j]) {
            i += 1;
            j += 1;
            continue;
        }
        const result_rows old = {was.hashes + i, was.count - i};
        const result_rows now = {is.hashes + j, is.count - j};
        if (!meet(old, now, &a, &b)) {
            a = i < was.count;
            b = j < is.count;
        }
        for (; a > 0; a--) {
            note(d->removed, &d->removed_count, i++);
        }
        for (; b > 0; b--) {
            note(d->added, &d->added_count, j++);
        }
    }
}

/* `{"removed":[…],"added":[[place,row],…]}` behind the result. False: it is not shorter. */
static bool write(rv_exchange *x, const row_differences *d) {
    const rv_bytes text = x->text;
    const size_t room = x->face->options.result_len_max - text.len;
    rv_writer w = rv_writer_over(x->face->results[x->result].ptr + text.len,
                                 room < text.len ? room : text.len);
    size_t at = x->rows_at;
    uint32_t row = 0;
    rv_write_text(&w, "{\"removed\":[");
    for (uint32_t i = 0; i < d->removed_count; i++) {
        rv_write_text(&w, i == 0 ? "" : ",");
        rv_write_uint(&w, d->removed[i]);
    }
    rv_write_text(&w, "],\"added\":[");
    for (uint32_t i = 0; i < d->added_count; row++) { /* goes through the rows up to the last */
        const size_t end = row_end(text, at);
        if (row == d->added[i]) {
            rv_write_text(&w, i == 0 ? "[" : ",[");
            rv_write_uint(&w, row);
            rv_write_u8(&w, ',');
            rv_write(&w, rv_bytes_of(text.ptr + at, end - at));
            rv_write_u8(&w, ']');
            i += 1;
        }
        at = end + 1;
    }
    rv_write_text(&w, "]}");
    x->text = w.full ? text : rv_writer_bytes(&w);
    return !w.full;
}

void face_differences_make(rv_exchange *x) {
    kept_result *const k = &x->live.kept;
    rv_arena *const scratch = &x->face->scratch;
    const size_t mark = rv_arena_mark(scratch);
    const size_t size = RV_LIVE_ROWS_MAX * sizeof(uint64_t);
    uint64_t *const was = rv_arena_take_raw(scratch, size);
    uint64_t *const is = rv_arena_take_raw(scratch, size);
    row_differences *const d = rv_arena_take_raw(scratch, sizeof *d);
    uint32_t count = 0;
    rv_hash128 rest = {0, 0};
    x->live.differs = false;
    if (d == NULL || was == NULL || is == NULL || !hash_rows(x, is, &count, &rest)) {
        give_back(x);
    } else {
        if (k->known && rest.low == k->rest.low && rest.high == k->rest.high) {
            for (uint32_t i = 0; i < k->count; i++) {
                was[i] =
                    block_of(x->face, k->blocks[i / RV_LIVE_BLOCK_ROWS])[i % RV_LIVE_BLOCK_ROWS];
            }
            compare((result_rows){was, k->count}, (result_rows){is, count}, d);
            x->live.differs = write(x, d);
        }
        keep(x, is, count, rest);
    }
    rv_arena_reset(scratch, mark);
}

void face_differences_end(rv_exchange *x) {
    if (x->live.kept.known) {
        give_back(x);
    }
    RV_ASSERT(!x->live.kept.known);
}
