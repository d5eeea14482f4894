/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/schema_compare.h"

#include "core/base/assert.h"
#include "core/model/schema_parts.h"

/* Takes a line off a statement's text: what it declares, without the blanks before it and the comma
 * behind it, which only says that another follows. Empty: there is none any more. */
static rv_bytes take_line(rv_bytes *text) {
    size_t start = 0;
    size_t end = 0;
    while (end < text->len && text->ptr[end] != '\n') {
        end += 1;
    }
    const size_t next = end < text->len ? end + 1 : end;
    while (start < end && text->ptr[start] == ' ') {
        start += 1;
    }
    end -= end > start && text->ptr[end - 1] == ',' ? 1u : 0u;
    const rv_bytes line = rv_bytes_of(text->ptr + start, end - start);
    RV_ASSERT(next <= text->len);
    *text = rv_bytes_from(*text, next);
    return rv_bytes_are(line, ");") ? (rv_bytes){NULL, 0} : line;
}

/* True when two statements are the same; else the first lines that differ are set. */
static bool same_text(rv_bytes ours, rv_bytes theirs, rv_schema_difference *difference) {
    const bool same = rv_bytes_equal(ours, theirs);
    RV_ASSERT(ours.len > 0 && theirs.len > 0);
    do {
        difference->ours = take_line(&ours);
        difference->theirs = take_line(&theirs);
    } while (rv_bytes_equal(difference->ours, difference->theirs) && ours.len + theirs.len > 0);
    return same;
}

/* Compares one statement that both have. */
static rv_status compare_one(const rv_schema *schema, const rv_schema *other, rv_schema_kind kind,
                             const uint16_t numbers[2], rv_arena *scratch,
                             rv_schema_difference *difference) {
    const size_t half = (scratch->cap - rv_arena_mark(scratch)) / 2;
    uint8_t *const memory = scratch->ptr + rv_arena_mark(scratch);
    rv_writer ours = rv_writer_over(memory, half);
    rv_writer theirs = rv_writer_over(memory + half, half);
    RV_ASSERT(kind < RV_SCHEMA_KINDS);
    rv_schema_print_one(schema, kind, numbers[0], &ours);
    rv_schema_print_one(other, kind, numbers[1], &theirs);
    if (ours.full || theirs.full) {
        return RV_MEMORY_EXHAUSTED;
    }
    difference->changed = !same_text(rv_writer_bytes(&ours), rv_writer_bytes(&theirs), difference);
    return RV_OK;
}

rv_status rv_schema_compare_next(const rv_schema *schema, const rv_schema *other,
                                 rv_schema_walk *walk, rv_arena *scratch,
                                 rv_schema_difference *difference) {
    static const char *const kinds[RV_SCHEMA_KINDS] = {"type", "aggregate", "event_type", "stream"};
    RV_ASSERT(schema != NULL && other != NULL && scratch != NULL);
    *difference = (rv_schema_difference){.kind = NULL};
    while (walk->kind < RV_SCHEMA_KINDS) { /* ends: each round moves the walk */
        const rv_schema_kind kind = (rv_schema_kind)walk->kind;
        const rv_schema_names *const names = rv_schema_names_of(schema, kind);
        if (walk->number >= names->count) {
            walk->kind++;
            walk->number = 0;
            continue;
        }
        const uint16_t here = walk->number++;
        const uint16_t there =
            rv_schema_names_find(rv_schema_names_of(other, kind), names->names[here]);
        const uint16_t numbers[2] = {here, there};
        const rv_status status =
            there == RV_NONE ? RV_OK
                             : compare_one(schema, other, kind, numbers, scratch, difference);
        if (status != RV_OK) {
            return status;
        }
        if (there == RV_NONE || difference->changed) {
            difference->kind = kinds[kind];
            difference->name = names->names[here];
            return RV_OK;
        }
    }
    return RV_OK;
}

rv_status rv_schema_compare(const rv_schema *schema, const rv_schema *other, rv_arena *scratch,
                            rv_schema_difference *difference) {
    rv_schema_walk walk = {0, 0};
    RV_ASSERT(difference != NULL);
    return rv_schema_compare_next(schema, other, &walk, scratch, difference);
}

void rv_schema_print_new(const rv_schema *schema, const rv_schema *base, rv_writer *w) {
    RV_ASSERT(schema != NULL && base != NULL);
    const size_t start = w->len;
    for (rv_schema_kind kind = RV_SCHEMA_ENUM; kind < RV_SCHEMA_KINDS; kind++) {
        const rv_schema_names *const names = rv_schema_names_of(schema, kind);
        for (uint16_t i = 0; i < names->count; i++) {
            if (rv_schema_names_find(rv_schema_names_of(base, kind), names->names[i]) == RV_NONE) {
                rv_write_text(w, w->len == start ? "" : "\n");
                rv_schema_print_one(schema, kind, i, w);
            }
        }
    }
}
