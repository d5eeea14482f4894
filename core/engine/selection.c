/* SPDX-License-Identifier: Apache-2.0 */
/* The selection of a node: see engine/selection.h. */
#include "core/engine/selection.h"

#include "core/base/assert.h"
#include "core/log/record.h"

#define TEXTS_MAX  RV_SELECTION_LEN_MAX
#define TEXT_ALIGN 16u /* of copies in an arena */

/* An entry read from the options may first take as much again. */
#define READING_MAX (2 * RV_PATH_LEN_MAX)

bool rv_selection_needs_base(const rv_selection *selection) {
    bool needs = false;
    for (size_t i = 0; i < selection->count && !needs; i++) {
        needs = selection->entries[i].history != RV_HISTORY_ALL;
    }
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    return needs;
}

/* Sets the patterns from the entries, which were checked. */
static void set_patterns(rv_node_held *held) {
    held->pattern_count = 0;
    for (size_t i = 0; i < held->selection.count; i++) {
        const rv_select *const entry = &held->selection.entries[i];
        const bool fed = held->state != RV_HELD_NONE || entry->history == RV_HISTORY_ALL;
        if (entry->kind == RV_SELECT_STREAMS && fed) {
            const rv_status status =
                rv_path_pattern_parse(entry->name, &held->patterns[held->pattern_count], NULL);
            RV_ASSERT(status == RV_OK);
            held->pattern_count += 1;
        }
    }
    RV_ASSERT(held->pattern_count <= RV_PATTERNS_MAX);
}

rv_status rv_held_create(rv_node_held *held, const rv_node_options *options, rv_arena *arena,
                         rv_error *err) {
    held->patterns = rv_arena_take(arena, RV_PATTERNS_MAX * sizeof *held->patterns);
    held->arena = rv_arena_split(arena, TEXTS_MAX + READING_MAX);
    held->texts = rv_arena_split(arena, TEXTS_MAX);
    const bool past = rv_past_create(&held->past, arena);
    if (held->patterns == NULL || held->arena.ptr == NULL || held->texts.ptr == NULL || !past) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the memory budget does not suffice for a selection");
    }
    rv_status status = RV_OK;
    for (size_t i = 0; i < options->pattern_count && status == RV_OK; i++) {
        status = rv_selection_add(&held->wanted, options->patterns[i], &held->arena, err);
    }
    held->given = options->pattern_count > 0;
    rv_held_take_back(held);
    return status;
}

const rv_selection *rv_held_wanted(const rv_node_held *held) {
    return held->wanted.count > 0 ? &held->wanted : &held->selection;
}

void rv_held_take_back(rv_node_held *held) {
    held->wanted.count = held->given ? held->wanted.count : 0;
    held->selection = held->wanted; /* an empty log is for what is wanted */
    held->own = false;
    held->state = rv_selection_needs_base(&held->selection) ? RV_HELD_NONE : RV_HELD_WHOLE;
    held->logged = false;
    rv_past_start(&held->past, &held->selection);
    set_patterns(held);
}

void rv_held_opened(rv_node_held *held) {
    if (held->past.lost && held->state == RV_HELD_WHOLE) {
        held->state = RV_HELD_STREAMS;
    }
    RV_ASSERT(held->state <= RV_HELD_STREAMS);
}

void rv_held_base_begins(rv_node_held *held) {
    if (held->state == RV_HELD_WHOLE && rv_selection_has_aggregates(&held->selection)) {
        held->state = RV_HELD_STREAMS;
    }
    RV_ASSERT(held->state <= RV_HELD_STREAMS);
}

bool rv_selection_has_aggregates(const rv_selection *selection) {
    bool has = false;
    for (size_t i = 0; i < selection->count && !has; i++) {
        has = selection->entries[i].kind == RV_SELECT_AGGREGATE;
    }
    return has;
}

size_t rv_selection_given(const rv_selection *selection, const rv_schema *schema,
                          uint16_t *aggregates) {
    size_t count = 0;
    for (size_t i = 0; i < selection->count; i++) {
        const rv_select *const entry = &selection->entries[i];
        const rv_aggregate *const aggregate = entry->kind == RV_SELECT_AGGREGATE
                                                  ? rv_schema_aggregate_named(schema, entry->name)
                                                  : NULL;
        if (aggregate != NULL) {
            aggregates[count] = aggregate->number;
            count += 1;
        }
    }
    RV_ASSERT(count <= RV_SELECTION_ENTRIES_MAX);
    return count;
}

void rv_held_lose_base(rv_node_held *held) {
    held->state = rv_selection_needs_base(&held->selection) ? RV_HELD_NONE : RV_HELD_WHOLE;
    set_patterns(held);
}

/* --- as the log has it --- */

void rv_held_write(const rv_node_held *held, rv_held_state state, uint8_t *flags, rv_writer *w) {
    const bool full = rv_selection_needs_base(&held->selection) || state != RV_HELD_WHOLE;
    const bool wish = !rv_selection_equal(rv_held_wanted(held), &held->selection);
    const bool past = !rv_past_is_plain(&held->past, &held->selection);
    *flags =
        (uint8_t)((full ? RV_RECORD_SELECTION_FULL : 0) | (wish ? RV_RECORD_SELECTION_WISH : 0) |
                  (past ? RV_RECORD_SELECTION_PAST : 0));
    if (past) {
        const size_t place = w->len;
        rv_write_u32(w, 0);
        rv_past_write(&held->past, w);
        RV_ASSERT(!w->full);
        rv_store_u32(w->ptr + place, (uint32_t)(w->len - place - sizeof(uint32_t)));
    }
    if (wish) {
        const size_t place = w->len;
        rv_write_u32(w, 0);
        rv_selection_encode(&held->wanted, w);
        RV_ASSERT(!w->full);
        rv_store_u32(w->ptr + place, (uint32_t)(w->len - place - sizeof(uint32_t)));
    }
    if (full) {
        rv_write_u8(w, (uint8_t)state);
        rv_selection_encode(&held->selection, w);
        return;
    }
    RV_ASSERT(state == RV_HELD_WHOLE);
    for (size_t i = 0; i < held->selection.count; i++) {
        rv_write_blob(w, held->selection.entries[i].name);
    }
}

static rv_status no_selection(rv_error *err) {
    return rv_error_set(err, RV_DATA_DAMAGED, "the log names no selection that there is");
}

/* Patterns alone: each with all of its history. */
static rv_status read_patterns(rv_bytes body, rv_selection *selection, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    selection->count = 0;
    while (rv_cursor_left(&c) > 0 && !c.bad) {
        const rv_bytes text = rv_read_blob(&c);
        rv_path_pattern pattern;
        if (c.bad || selection->count == RV_PATTERNS_MAX || text.len > RV_PATH_LEN_MAX ||
            rv_path_pattern_parse(text, &pattern, NULL) != RV_OK) {
            return no_selection(err);
        }
        const rv_select entry = {.kind = RV_SELECT_STREAMS, .name = text};
        if (rv_selection_find(selection, &entry) == NULL) {
            selection->entries[selection->count] = entry;
            selection->count += 1;
        }
    }
    return RV_OK;
}

/* Copies a selection with its texts, which lie elsewhere than in `texts`. */
static rv_status copy(const rv_selection *from, rv_arena *texts, rv_selection *to, rv_error *err) {
    rv_arena_reset(texts, 0);
    *to = *from;
    for (size_t i = 0; i < to->count; i++) {
        rv_select *const entry = &to->entries[i];
        const bool filtered = entry->filter.len > 0;
        entry->name = rv_arena_copy(texts, entry->name);
        entry->filter = filtered ? rv_arena_copy(texts, entry->filter) : entry->filter;
        if (entry->name.ptr == NULL || (filtered && entry->filter.ptr == NULL)) {
            to->count = 0;
            return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the selection does not fit its memory");
        }
    }
    return RV_OK;
}

static rv_status keep(rv_node_held *held, const rv_selection *selection, rv_error *err) {
    held->own = true;
    return copy(selection, &held->texts, &held->selection, err);
}

/* True when the copies of all texts, each aligned, fit into as much as `texts` has. */
static bool fits(const rv_selection *selection) {
    size_t len = 0;
    for (size_t i = 0; i < selection->count; i++) {
        const rv_select *const entry = &selection->entries[i];
        len += entry->name.len + entry->filter.len + 2 * (size_t)TEXT_ALIGN;
    }
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    return len <= TEXTS_MAX;
}

rv_status rv_held_wish(rv_node_held *held, const rv_selection *selection, rv_error *err) {
    if (!fits(selection)) {
        return rv_error_set(err, RV_SELECTION_INVALID,
                            "the selection's texts have more than the %u bytes there are for them",
                            (uint64_t)TEXTS_MAX);
    }
    if (!held->own) { /* they lie where the wish goes */
        const rv_selection now = held->selection;
        const rv_status kept = keep(held, &now, err);
        RV_ASSERT(kept == RV_OK);
        set_patterns(held);
    }
    const rv_status status = copy(selection, &held->arena, &held->wanted, err);
    RV_ASSERT(status == RV_OK);
    held->serial += 1;
    held->given = false;
    return status;
}

void rv_held_insist(rv_node_held *held) {
    const uint64_t serial = held->serial;
    if (held->wanted.count == 0 && held->selection.count > 0) {
        const rv_status status = rv_held_wish(held, &held->selection, NULL);
        RV_ASSERT(status == RV_OK && held->own); /* the log had it, so it fits */
    }
    held->serial = serial;
    held->given = held->wanted.count > 0;
}

rv_status rv_held_start_with(rv_node_held *held, const rv_selection *selection, rv_error *err) {
    RV_ASSERT(!held->logged);
    const rv_status status = rv_held_wish(held, selection, err);
    if (status == RV_OK) {
        held->given = true;
        rv_held_take_back(held);
    }
    return status;
}

bool rv_held_begin(rv_node_held *held) {
    if (held->wanted.count == 0 || rv_selection_equal(&held->wanted, &held->selection)) {
        return false;
    }
    held->given = true;
    rv_held_take_back(held);
    RV_ASSERT(!held->logged);
    return true;
}

rv_status rv_held_become(rv_node_held *held, const rv_selection *selection, uint64_t position,
                         rv_error *err) {
    if (!fits(selection)) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the selection does not fit its memory");
    }
    /* what is held is compared with it: so it is not overwritten yet */
    rv_past_become(&held->past, selection, position, &held->selection);
    const rv_status status = keep(held, selection, err);
    RV_ASSERT(status == RV_OK);
    if (status == RV_OK) {
        held->state = RV_HELD_WHOLE;
        held->swaps += 1;
        set_patterns(held);
    }
    return status;
}

bool rv_held_narrow(rv_node_held *held, const rv_selection *selection, uint64_t position) {
    const bool based = held->state != RV_HELD_NONE;
    const bool whole = rv_past_narrow(&held->past, selection, position, &held->selection, based);
    const rv_status status = keep(held, selection, NULL);
    RV_ASSERT(status == RV_OK); /* there was more */
    held->swaps += 1;
    set_patterns(held);
    return whole;
}

void rv_held_lose_rows(rv_node_held *held) {
    RV_ASSERT(held->state <= RV_HELD_STREAMS);
    held->past.lost = true;
    held->past.lost_all = true;
    rv_held_opened(held);
}

bool rv_selection_narrows(const rv_selection *before, const rv_selection *after) {
    bool within = after->count < before->count;
    for (size_t i = 0; i < after->count && within; i++) {
        const rv_select *const there = rv_selection_find(before, &after->entries[i]);
        within = there != NULL && rv_select_equal(there, &after->entries[i]);
    }
    for (size_t i = 0; i < before->count && within; i++) {
        within = before->entries[i].kind == RV_SELECT_STREAMS ||
                 rv_selection_find(after, &before->entries[i]) != NULL;
    }
    RV_ASSERT(before->count <= RV_SELECTION_ENTRIES_MAX);
    return within;
}

/* A part with its length, of the front of the body. */
static bool read_part(rv_bytes *body, rv_bytes *part) {
    rv_cursor c = rv_cursor_over(*body);
    const uint32_t len = rv_read_u32(&c);
    RV_ASSERT(part != body);
    *part = rv_read(&c, len);
    *body = rv_bytes_from(*body, body->len - rv_cursor_left(&c));
    return !c.bad;
}

rv_status rv_held_meet(rv_node_held *held, uint8_t flags, rv_bytes body, rv_error *err) {
    rv_selection met;
    rv_status status = RV_OK;
    rv_held_state state = RV_HELD_WHOLE;
    RV_ASSERT((flags & ~RV_RECORD_SELECTION_KNOWN) == 0);
    rv_selection wish = {.count = 0};
    rv_bytes past = {NULL, 0};
    if ((flags & RV_RECORD_SELECTION_PAST) != 0 && !read_part(&body, &past)) {
        return no_selection(err);
    }
    if ((flags & RV_RECORD_SELECTION_WISH) != 0) {
        rv_bytes bytes;
        if (!read_part(&body, &bytes) || rv_selection_decode(bytes, &wish, NULL) != RV_OK ||
            !fits(&wish)) {
            return no_selection(err);
        }
    }
    if ((flags & RV_RECORD_SELECTION_FULL) == 0) {
        status = read_patterns(body, &met, err);
    } else {
        state = body.len > 0 ? (rv_held_state)body.ptr[0] : RV_HELD_NONE;
        if (body.len == 0 || body.ptr[0] > RV_HELD_STREAMS ||
            rv_selection_decode(rv_bytes_from(body, 1), &met, NULL) != RV_OK) {
            status = no_selection(err);
        }
    }
    status = status == RV_OK ? keep(held, &met, err) : status;
    if (status == RV_OK && !held->given) {
        status = rv_held_wish(held, &wish, err);
    }
    if (status != RV_OK) {
        return status;
    }
    const bool lost = held->past.lost;
    const bool lost_all = held->past.lost_all;
    if ((flags & RV_RECORD_SELECTION_PAST) == 0) {
        rv_past_start(&held->past, &held->selection);
    } else if (!rv_past_read(&held->past, past)) {
        return no_selection(err);
    }
    held->past.lost = held->past.lost || lost; /* it was written when there was all before it */
    held->past.lost_all = held->past.lost_all || lost_all;
    held->logged = true;
    held->state = state;
    set_patterns(held);
    return RV_OK;
}
