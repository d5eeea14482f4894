/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the blocks of a run: see run_writer.h. */
#include "core/log/run_writer.h"

#include "core/base/assert.h"

bool rv_run_writer_create(rv_run_writer *w, size_t out_cap, rv_arena *arena) {
    RV_ASSERT(out_cap >= RV_RUN_OUT_MIN && out_cap % RV_RUN_BLOCK_SIZE == 0);
    RV_ASSERT(arena != NULL);
    uint8_t *const blocks = rv_arena_take_raw(arena, RV_RUN_LEVELS * RV_RUN_BLOCK_SIZE);
    w->out = rv_arena_take_raw(arena, out_cap);
    w->out_cap = out_cap;
    w->out_len = 0;
    for (unsigned i = 0; i < RV_RUN_LEVELS && blocks != NULL; i += 1) {
        w->levels[i].block = blocks + i * RV_RUN_BLOCK_SIZE;
    }
    return blocks != NULL && w->out != NULL;
}

void rv_run_writer_begin(rv_run_writer *w, const rv_run_footer *footer) {
    RV_ASSERT(footer->first_sequence < footer->next_sequence);
    w->footer = *footer;
    w->footer.block_count = 0;
    memset(w->footer.parts, 0, sizeof w->footer.parts);
    w->out_len = 0;
    RV_ASSERT(w->out != NULL);
}

void rv_run_section_begin(rv_run_writer *w, rv_run_section section) {
    RV_ASSERT(section < RV_RUN_SECTIONS);
    RV_ASSERT(w->footer.parts[section].count == 0);
    w->section = section;
    w->depth = 0;
    rv_run_fill_begin(&w->levels[0], section, 0, w->footer.first_sequence);
}

/* The block of this level goes to the output; what the level above keeps of it. */
static rv_run_entry put_out(rv_run_writer *w, uint32_t level) {
    rv_run_filling *const f = &w->levels[level];
    const uint32_t number = w->footer.block_count;
    RV_ASSERT(w->out_cap - w->out_len >= RV_RUN_BLOCK_SIZE && number < RV_RUN_BLOCKS_MAX);
    RV_ASSERT(level < RV_RUN_LEVELS);
    rv_run_fill_end(f, number, w->footer.fingerprint);
    memcpy(w->out + w->out_len, f->block, RV_RUN_BLOCK_SIZE);
    w->out_len += RV_RUN_BLOCK_SIZE;
    w->footer.block_count += 1;
    return (rv_run_entry){f->first, number, 0};
}

/* Adds at a level, and for each block that becomes full, at the one above. */
static void push(rv_run_writer *w, uint32_t level, rv_run_entry entry) {
    for (uint32_t at = level;; at += 1) {
        RV_ASSERT(at < RV_RUN_LEVELS); /* no number of blocks makes it deeper */
        rv_run_filling *const f = &w->levels[at];
        if (at > w->depth) {
            rv_run_fill_begin(f, w->section, at, w->footer.first_sequence);
            w->depth = at;
        }
        if (rv_run_fill(f, &entry)) {
            return;
        }
        const rv_run_entry above = put_out(w, at);
        rv_run_fill_begin(f, w->section, at, w->footer.first_sequence);
        const bool taken = rv_run_fill(f, &entry);
        RV_ASSERT(taken);
        entry = above;
    }
}

bool rv_run_writer_fits(const rv_run_writer *w, const rv_run_entry *entry) {
    RV_ASSERT(w->section < RV_RUN_SECTIONS);
    return rv_run_fits(&w->levels[0], entry) &&
           (w->footer.parts[w->section].count == 0 ||
            rv_run_key_compare(w->footer.parts[w->section].last, entry->key) <= 0);
}

void rv_run_writer_add(rv_run_writer *w, const rv_run_entry *entry) {
    rv_run_part *const part = &w->footer.parts[w->section];
    RV_ASSERT(rv_run_writer_room(w));
    part->first = part->count == 0 ? entry->key : part->first;
    part->last = entry->key;
    part->count += 1;
    push(w, 0, *entry);
    RV_ASSERT(w->levels[0].count > 0);
}

void rv_run_section_end(rv_run_writer *w) {
    rv_run_part *const part = &w->footer.parts[w->section];
    RV_ASSERT(rv_run_writer_room(w));
    if (part->count == 0) {
        return;
    }
    /* What is left on each level goes out, up to the one that is alone on its level. */
    for (uint32_t at = 0;; at += 1) {
        RV_ASSERT(at <= w->depth);
        const rv_run_entry above = put_out(w, at);
        if (at == w->depth) {
            part->root = (uint32_t)above.c;
            part->depth = at;
            break;
        }
        push(w, at + 1, above);
    }
    RV_ASSERT(part->root + 1 == w->footer.block_count);
}

void rv_run_writer_end(rv_run_writer *w) {
    RV_ASSERT(w->out_len == 0);
    rv_run_footer_encode(w->out, &w->footer);
    w->out_len = RV_RUN_BLOCK_SIZE;
    RV_ASSERT(w->out_len <= w->out_cap);
}
