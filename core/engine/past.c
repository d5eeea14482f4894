/* SPDX-License-Identifier: Apache-2.0 */
/* Which events of the past an edge's log has: see engine/past.h. */
#include "core/engine/past.h"

#include "core/base/assert.h"
#include "core/base/cursor.h"
#include "core/base/limits.h"
#include "core/model/event.h"

#define TEXTS_MAX   (RV_SELECTION_LEN_MAX + RV_SELECTION_ENTRIES_MAX * 16u)
#define PAST_ACTIVE 0x01u
#define PAST_FILLED 0x02u
#define PAST_NARROW 0x04u
#define PAST_LOST   0x08u
#define PAST_ORDER  0x10u
#define PAST_KNOWN  0x1fu

/* --- coverage --- */

static bool coverage_create(rv_coverage *c, rv_arena *arena) {
    c->texts = rv_arena_split(arena, TEXTS_MAX);
    c->patterns = rv_arena_take(arena, sizeof *c->patterns * RV_SELECTION_ENTRIES_MAX);
    c->selection.count = 0;
    RV_ASSERT(c->texts.len == 0);
    return c->texts.ptr != NULL && c->patterns != NULL;
}

/* False: there is no room. */
static bool coverage_add(rv_coverage *c, const rv_select *entry) {
    RV_ASSERT(entry->kind == RV_SELECT_STREAMS && entry->history != RV_HISTORY_NONE);
    const size_t at = c->selection.count;
    const rv_bytes name =
        at < RV_SELECTION_ENTRIES_MAX ? rv_arena_copy(&c->texts, entry->name) : (rv_bytes){NULL, 0};
    if (name.ptr == NULL || rv_path_pattern_parse(name, &c->patterns[at], NULL) != RV_OK) {
        return false;
    }
    c->selection.entries[at] = *entry;
    c->selection.entries[at].name = name;
    c->selection.entries[at].filter = (rv_bytes){NULL, 0};
    c->selection.count += 1;
    return true;
}

/* Becomes a selection of streams, whose texts lie elsewhere, and were checked. False: they are too
 * long. */
static bool coverage_set(rv_coverage *c, const rv_selection *selection) {
    rv_arena_reset(&c->texts, 0);
    c->selection.count = 0;
    bool fits = true;
    for (size_t i = 0; i < selection->count && fits; i++) {
        fits = coverage_add(c, &selection->entries[i]);
    }
    return fits;
}

static bool has(const rv_coverage *c, const rv_past_event *event) {
    bool met = false;
    for (size_t i = 0; i < c->selection.count && !met; i++) {
        const rv_select *const entry = &c->selection.entries[i];
        const bool recent =
            entry->history == RV_HISTORY_ALL ||
            (entry->history == RV_HISTORY_SINCE_TIME && event->recorded_at >= entry->since) ||
            (entry->history == RV_HISTORY_SINCE_POSITION &&
             event->position >= (uint64_t)entry->since);
        met = recent && rv_path_pattern_match(&c->patterns[i], event->path);
    }
    RV_ASSERT(c->selection.count <= RV_SELECTION_ENTRIES_MAX);
    return met;
}

/* The entries of streams with all of their history. */
static void take_whole(const rv_selection *from, rv_selection *to) {
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        const rv_select *const entry = &from->entries[i];
        if (entry->kind == RV_SELECT_STREAMS && entry->history == RV_HISTORY_ALL) {
            to->entries[to->count] = *entry;
            to->count += 1;
        }
    }
    RV_ASSERT(to->count <= from->count);
}

/* --- what is in order --- */

/* Where the entry begins among positions, as far as that is known. */
static uint64_t begin_of(const rv_select *entry) {
    RV_ASSERT(entry->kind == RV_SELECT_STREAMS && entry->history != RV_HISTORY_NONE);
    return entry->history == RV_HISTORY_SINCE_POSITION && entry->since > 1 ? (uint64_t)entry->since
                                                                           : 1;
}

/* For each entry of `have` where it is straight, while the cover is what it was. */
static void straight_of_have(const rv_past *past, uint64_t *straight) {
    for (size_t i = 0; i < past->have.selection.count; i++) {
        const rv_select *const entry = &past->have.selection.entries[i];
        const rv_select *const there = rv_selection_find(&past->cover.selection, entry);
        straight[i] = there == NULL ? 0 : past->straight[there - past->cover.selection.entries];
    }
    RV_ASSERT(past->narrower <= past->cover.selection.count);
}

/* Of what the pattern matches of an entry that is covered since a time: if it was covered since
 * that time or a later one before, what was straight of that by itself, else what comes (`next`),
 * as all before may be less than it was. */
static uint64_t straight_since_time(const rv_past *past, const uint64_t *before,
                                    const rv_select *entry, const rv_path_pattern *pattern,
                                    uint64_t next) {
    uint64_t from = next;
    for (size_t i = 0; i < past->have.selection.count; i++) {
        const rv_select *const there = &past->have.selection.entries[i];
        const bool later = there->history == RV_HISTORY_SINCE_TIME && there->since >= entry->since;
        if (later && before[i] > 0 && before[i] < from &&
            rv_path_pattern_within(pattern, &past->have.patterns[i])) {
            from = before[i];
        }
    }
    RV_ASSERT(entry->history == RV_HISTORY_SINCE_TIME);
    return from;
}

/* From which position on what the pattern matches stays, of what `have` has. */
static uint64_t stays_from(const rv_past *past, const uint64_t *before,
                           const rv_path_pattern *pattern, uint64_t next) {
    uint64_t from = UINT64_MAX;
    for (size_t i = 0; i < past->cover.selection.count; i++) {
        const rv_select *const entry = &past->cover.selection.entries[i];
        if (!rv_path_pattern_within(pattern, &past->cover.patterns[i])) {
            continue;
        }
        const bool timed = entry->history == RV_HISTORY_SINCE_TIME;
        const uint64_t begin =
            timed ? straight_since_time(past, before, entry, pattern, next) : begin_of(entry);
        from = begin < from ? begin : from;
    }
    RV_ASSERT(from > 0);
    return from;
}

/* From which position on what the pattern matches is straight, if the entries of `have` were so as
 * `before` says, and all is from `next` on. UINT64_MAX: from nowhere. */
static uint64_t straight_from(const rv_past *past, const uint64_t *before,
                              const rv_path_pattern *pattern, uint64_t next) {
    uint64_t from = next;
    for (size_t i = 0; i < past->have.selection.count; i++) {
        const bool held = rv_path_pattern_within(pattern, &past->have.patterns[i]);
        from = held && before[i] > 0 && before[i] < from ? before[i] : from;
    }
    const uint64_t stays = stays_from(past, before, pattern, next);
    RV_ASSERT(from > 0);
    return from > stays ? from : stays;
}

/* What the pattern matches stays in the cover as a narrower entry, if by that it is in order from
 * further back. If it is there since a time, or there is no room, it is not served. */
static void add_narrower(rv_past *past, const uint64_t *before, const rv_path_pattern *pattern,
                         uint64_t next) {
    rv_coverage *const cover = &past->cover;
    const uint64_t now = rv_past_straight_from(past, pattern);
    const uint64_t from = straight_from(past, before, pattern, next);
    if (from >= next || (now > 0 && now <= from)) {
        return;
    }
    const rv_select entry = {.kind = RV_SELECT_STREAMS,
                             .history = from == 1 ? RV_HISTORY_ALL : RV_HISTORY_SINCE_POSITION,
                             .since = from == 1 ? 0 : (int64_t)from,
                             .name = pattern->text};
    if (rv_selection_find(&cover->selection, &entry) == NULL && coverage_add(cover, &entry)) {
        past->straight[cover->selection.count - 1] = from;
        past->narrower += 1;
    }
    RV_ASSERT(past->narrower <= cover->selection.count);
}

/* The same of what an entry of `have`, since a time, has in common with those of the cover: no
 * words but these say that it is there. */
static void add_common(rv_past *past, const uint64_t *before, size_t nth, uint64_t next) {
    const rv_coverage *const cover = &past->cover;
    const size_t own = cover->selection.count - past->narrower;
    for (size_t i = 0; i < own && cover->selection.count < RV_SELECTION_ENTRIES_MAX; i++) {
        uint8_t text[RV_PATH_LEN_MAX];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_path_pattern both;
        if (rv_path_pattern_intersect(&past->have.patterns[nth], &cover->patterns[i], &w) &&
            !w.full && rv_path_pattern_parse(rv_writer_bytes(&w), &both, NULL) == RV_OK) {
            add_narrower(past, before, &both, next);
        }
    }
    RV_ASSERT(nth < past->have.selection.count);
}

/* The cover has become another one, without narrower entries; what comes from `next` on is in
 * order. */
static void set_straight(rv_past *past, const uint64_t *before, uint64_t next) {
    rv_coverage *const cover = &past->cover;
    const size_t own = cover->selection.count;
    for (size_t i = 0; i < own; i++) {
        const rv_select *const entry = &cover->selection.entries[i];
        const rv_path_pattern *const pattern = &cover->patterns[i];
        const uint64_t from = entry->history == RV_HISTORY_SINCE_TIME
                                  ? straight_since_time(past, before, entry, pattern, next)
                                  : straight_from(past, before, pattern, next);
        past->straight[i] = from <= RV_POSITION_MAX + 1 ? from : 0;
    }
    past->narrower = 0;
    for (size_t i = 0; i < past->have.selection.count; i++) {
        if (before[i] > 0 && past->have.selection.entries[i].history == RV_HISTORY_SINCE_TIME) {
            add_common(past, before, i, next);
        } else if (before[i] > 0) {
            add_narrower(past, before, &past->have.patterns[i], next);
        }
    }
    RV_ASSERT(cover->selection.count == own + past->narrower);
}

/* Nothing was ever filled in: what is covered is in order. */
static void set_all_straight(rv_past *past) {
    for (size_t i = 0; i < past->cover.selection.count; i++) {
        const rv_select *const entry = &past->cover.selection.entries[i];
        const uint64_t begin = begin_of(entry);
        if (entry->history != RV_HISTORY_SINCE_TIME) {
            past->straight[i] = begin <= RV_POSITION_MAX + 1 ? begin : 0;
        }
    }
    RV_ASSERT(!past->filled && !past->filling);
}

uint64_t rv_past_straight_from(const rv_past *past, const rv_path_pattern *pattern) {
    uint64_t from = 0;
    for (size_t i = 0; i < past->cover.selection.count; i++) {
        const bool better = past->straight[i] > 0 && (from == 0 || past->straight[i] < from);
        if (better && rv_path_pattern_within(pattern, &past->cover.patterns[i])) {
            from = past->straight[i];
        }
    }
    RV_ASSERT(from <= RV_POSITION_MAX + 1);
    return from;
}

static bool is_straight(const rv_past *past, const rv_past_event *event) {
    bool met = false;
    for (size_t i = 0; i < past->cover.selection.count && !met; i++) {
        met = past->straight[i] > 0 && event->position >= past->straight[i] &&
              rv_path_pattern_match(&past->cover.patterns[i], event->path);
    }
    RV_ASSERT(event->path.len > 0);
    return met;
}

/* --- the past --- */

bool rv_past_create(rv_past *past, rv_arena *arena) {
    *past = (rv_past){.filling = false};
    const bool cover = coverage_create(&past->cover, arena);
    return cover && coverage_create(&past->have, arena);
}

void rv_past_start(rv_past *past, const rv_selection *selection) {
    rv_selection whole;
    take_whole(selection, &whole);
    past->filling = false;
    past->after = 0;
    past->until = 0;
    past->last = 0;
    past->filled = false;
    past->narrowed = false;
    past->base = 0;
    past->lost = false;
    past->lost_all = false;
    past->have.selection.count = 0;
    const bool fits = coverage_set(&past->cover, &whole);
    RV_ASSERT(fits); /* as the selection does */
    past->narrower = 0;
    set_all_straight(past);
}

/* From which position on the entry is covered when a base has ended: all that comes behind that is
 * there, be it from before `since`. As long as an entry stays what it is, that stays. */
static int64_t covered_since(const rv_past *past, const rv_select *entry, uint64_t position,
                             const rv_selection *before) {
    const rv_select *const there = rv_selection_find(&past->have.selection, entry);
    const rv_select *const held = rv_selection_find(before, entry);
    const bool none = entry->history == RV_HISTORY_NONE;
    const bool same = none || (held != NULL && rv_select_equal(held, entry));
    const bool keeps = same && there != NULL && there->history == RV_HISTORY_SINCE_POSITION;
    const int64_t behind = keeps ? there->since : (int64_t)position + 1;
    RV_ASSERT(none || entry->history == RV_HISTORY_SINCE_POSITION);
    return none || entry->since > behind ? behind : entry->since;
}

/* What will be covered, with texts of `selection` and `past->have`. */
static void cover_of(const rv_past *past, const rv_selection *selection, uint64_t position,
                     const rv_selection *before, rv_selection *cover) {
    cover->count = 0;
    for (size_t i = 0; i < selection->count; i++) {
        rv_select entry = selection->entries[i];
        if (entry.kind != RV_SELECT_STREAMS) {
            continue;
        }
        if (entry.history == RV_HISTORY_NONE || entry.history == RV_HISTORY_SINCE_POSITION) {
            entry.since = covered_since(past, &entry, position, before);
            entry.history = RV_HISTORY_SINCE_POSITION;
        }
        cover->entries[cover->count] = entry;
        cover->count += 1;
    }
    RV_ASSERT(cover->count <= selection->count);
}

/* True when what the one has of a stream's history, the other has as well. */
static bool is_as_long(const rv_select *there, const rv_select *entry) {
    RV_ASSERT(there->kind == RV_SELECT_STREAMS && entry->kind == RV_SELECT_STREAMS);
    return there->history == RV_HISTORY_ALL ||
           (there->history == entry->history && there->since <= entry->since);
}

/* True when the coverage has all events of the entry, as far as patterns say. */
static bool has_entry(const rv_coverage *c, const rv_select *entry) {
    rv_path_pattern pattern;
    bool met = false;
    const rv_status parsed = rv_path_pattern_parse(entry->name, &pattern, NULL);
    RV_ASSERT(parsed == RV_OK);
    for (size_t i = 0; i < c->selection.count && !met; i++) {
        met = is_as_long(&c->selection.entries[i], entry) &&
              rv_path_pattern_within(&pattern, &c->patterns[i]);
    }
    return met;
}

static bool is_short_of(const rv_coverage *here, const rv_selection *selection) {
    bool is_short = false;
    for (size_t i = 0; i < selection->count && !is_short; i++) {
        const rv_select *const entry = &selection->entries[i];
        is_short = entry->kind == RV_SELECT_STREAMS && entry->history != RV_HISTORY_NONE &&
                   !has_entry(here, entry);
    }
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    return is_short;
}

/* True when the log may have what is not covered any more of an entry of `have`, or, where that
 * says less than was in order (`from`), what would be filled in again. */
static bool is_more(const rv_past *past, size_t nth, uint64_t from, bool says_less) {
    const rv_coverage *const have = &past->have;
    RV_ASSERT(nth < have->selection.count);
    if (!has_entry(&past->cover, &have->selection.entries[nth])) {
        return true;
    }
    const uint64_t now = says_less ? rv_past_straight_from(past, &have->patterns[nth]) : 0;
    return says_less && (from == 0 || now == 0 || now > from);
}

/* The same of all of `have`, whose last entries are narrower ones. */
static bool has_more(const rv_past *past, const uint64_t *straight, size_t narrower) {
    bool more = false;
    const size_t count = past->have.selection.count;
    RV_ASSERT(narrower <= count);
    for (size_t i = 0; i < count && !more; i++) {
        const rv_select *const entry = &past->have.selection.entries[i];
        const bool later = straight[i] > 0 && straight[i] < begin_of(entry);
        const bool says_less =
            later || entry->history == RV_HISTORY_SINCE_TIME || i >= count - narrower;
        more = is_more(past, i, straight[i], says_less);
    }
    return more;
}

/* Of what there was before, what is not covered may be gone. True: so it is of something. */
static bool forget_uncovered(rv_past *past) {
    rv_coverage *const have = &past->have;
    size_t kept = 0;
    bool less = false;
    for (size_t i = 0; i < have->selection.count; i++) {
        rv_select entry = have->selection.entries[i];
        const bool covered = has_entry(&past->cover, &entry);
        const rv_select *const there = rv_selection_find(&past->cover.selection, &entry);
        const bool shorter = !covered && there != NULL && entry.history == RV_HISTORY_ALL;
        less = less || !covered;
        if (covered || shorter) {
            entry.history = shorter ? there->history : entry.history;
            entry.since = shorter ? there->since : entry.since;
            have->selection.entries[kept] = entry;
            have->patterns[kept] = have->patterns[i];
            kept += 1;
        }
    }
    RV_ASSERT(kept <= have->selection.count);
    have->selection.count = kept;
    return less;
}

/* Narrower entries of the cover say what is in order. What `have` does not say of that, it says
 * from now on. False: it cannot. */
static bool keep_narrower(rv_past *past) {
    const rv_selection *const cover = &past->cover.selection;
    bool fits = true;
    RV_ASSERT(past->narrower <= cover->count);
    for (size_t i = cover->count - past->narrower; i < cover->count; i++) {
        const rv_select *const entry = &cover->entries[i];
        if (!has_entry(&past->have, entry)) {
            fits = fits && rv_selection_find(&past->have.selection, entry) == NULL &&
                   coverage_add(&past->have, entry);
        }
    }
    return fits;
}

/* `have` becomes what is here of a past that was to be filled in: what there was before, and what
 * came in order, behind the base or by an entry that was there. What was filled in is not told
 * apart: it is purged, and filled in again. (That is where an entry was given up, or the selection
 * changed twice at once.) */
static void give_up(rv_past *past) {
    bool fits = !forget_uncovered(past) && past->after == 0;
    for (size_t i = 0; i < past->cover.selection.count - past->narrower; i++) {
        rv_select entry = past->cover.selection.entries[i];
        if (rv_selection_find(&past->have.selection, &entry) == NULL) {
            const uint64_t from = past->straight[i];
            entry.history = RV_HISTORY_SINCE_POSITION;
            entry.since = (int64_t)(from > 0 && from <= past->until ? from : past->until + 1);
            fits = coverage_add(&past->have, &entry) && fits;
        }
    }
    RV_ASSERT(past->filling);
    past->narrowed = past->narrowed || !keep_narrower(past) || !fits;
}

void rv_past_forget(rv_past *past, uint64_t position) {
    rv_coverage *const have = &past->have;
    bool fits = true;
    if (past->filling) {
        give_up(past);
    } else {
        fits = coverage_set(have, &past->cover.selection);
    }
    uint64_t before[RV_SELECTION_ENTRIES_MAX];
    straight_of_have(past, before);
    rv_selection left = {.count = 0};
    for (size_t i = 0; i < have->selection.count; i++) {
        rv_select entry = have->selection.entries[i];
        if (entry.history == RV_HISTORY_SINCE_TIME) {
            continue; /* where that is among positions is not known */
        }
        const bool later =
            entry.history == RV_HISTORY_SINCE_POSITION && (uint64_t)entry.since > position;
        entry.history = RV_HISTORY_SINCE_POSITION;
        entry.since = later ? entry.since : (int64_t)position + 1;
        left.entries[left.count] = entry;
        left.count += 1;
    }
    fits = coverage_set(&past->cover, &left) && fits;
    RV_ASSERT(fits && position <= RV_POSITION_MAX);
    set_straight(past, before, UINT64_MAX);
    have->selection.count = 0;
    past->filling = false;
    past->after = 0;
    past->until = 0;
}

/* True when an entry of an aggregate is not there any more as it was. */
static bool loses_rows(const rv_selection *before, const rv_selection *selection) {
    bool loses = false;
    for (size_t i = 0; i < before->count && !loses; i++) {
        const rv_select *const entry = &before->entries[i];
        const rv_select *const there = rv_selection_find(selection, entry);
        loses = entry->kind == RV_SELECT_AGGREGATE &&
                (there == NULL || !rv_bytes_equal(there->filter, entry->filter));
    }
    RV_ASSERT(before->count <= RV_SELECTION_ENTRIES_MAX);
    return loses;
}

/* What the coverage has of both patterns, with all of the history. False: it is too much. */
static bool cover_both(rv_coverage *c, const rv_path_pattern *a, const rv_path_pattern *b) {
    uint8_t text[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    if (!rv_path_pattern_intersect(a, b, &w)) {
        return true;
    }
    const rv_select both = {
        .kind = RV_SELECT_STREAMS, .history = RV_HISTORY_ALL, .name = rv_writer_bytes(&w)};
    if (w.full || has_entry(c, &both)) {
        return !w.full;
    }
    for (size_t i = 0; i < c->selection.count; i++) {
        rv_select *const entry = &c->selection.entries[i];
        if (rv_bytes_equal(entry->name, both.name)) {
            entry->history = RV_HISTORY_ALL;
            entry->since = 0;
            return true;
        }
    }
    return coverage_add(c, &both);
}

/* Where entries overlap, all of the history wins: rows of streams that stay were folded from events
 * that an entry brought which is given up. Those stay covered. False: they do not fit. */
static bool cover_overlaps(rv_past *past) {
    const size_t count = past->cover.selection.count;
    bool fits = true;
    for (size_t i = 0; i < past->have.selection.count; i++) {
        const bool whole = past->have.selection.entries[i].history == RV_HISTORY_ALL;
        for (size_t k = 0; k < count && whole && fits; k++) {
            fits = cover_both(&past->cover, &past->have.patterns[i], &past->cover.patterns[k]);
        }
    }
    RV_ASSERT(past->cover.selection.count >= count);
    return fits;
}

/* `narrows`: rows stay what they are. False: what they were folded from cannot all be covered. */
static bool become(rv_past *past, const rv_selection *selection, uint64_t position,
                   const rv_selection *before, bool narrows) {
    const bool same = rv_selection_equal(selection, before);
    const uint64_t base = same || narrows ? past->base : position;
    const size_t narrower = past->filling ? 0 : past->narrower;
    uint64_t straight[RV_SELECTION_ENTRIES_MAX];
    rv_selection cover;
    bool fits = true;
    RV_ASSERT(position <= RV_POSITION_MAX);
    if (past->filling) {
        give_up(past);
    } else {
        fits = coverage_set(&past->have, &past->cover.selection);
    }
    straight_of_have(past, straight);
    const bool is_short = is_short_of(&past->have, selection);
    cover_of(past, selection, position, before, &cover);
    fits = coverage_set(&past->cover, &cover) && fits;
    RV_ASSERT(fits);
    const bool whole = !narrows || cover_overlaps(past);
    set_straight(past, straight, position + 1);
    past->narrowed =
        past->narrowed || has_more(past, straight, narrower) || loses_rows(before, selection);
    past->have.selection.count -= narrower;
    past->base = past->narrowed ? base : 0;
    past->filling = is_short && position > 0;
    past->after = 0;
    past->until = past->filling ? position : 0;
    if (!past->filling) {
        past->have.selection.count = 0;
    }
    return whole;
}

void rv_past_become(rv_past *past, const rv_selection *selection, uint64_t position,
                    const rv_selection *before) {
    bool covers = !is_short_of(&past->cover, selection);
    for (size_t i = 0; i < selection->count && covers; i++) {
        covers = selection->entries[i].kind == RV_SELECT_AGGREGATE ||
                 rv_selection_find(&past->cover.selection, &selection->entries[i]) != NULL;
    }
    RV_ASSERT(position <= RV_POSITION_MAX);
    if (!rv_selection_equal(selection, before) || !(past->filling || covers)) {
        (void)become(past, selection, position, before, false);
    } /* else its rows came once more */
}

bool rv_past_narrow(rv_past *past, const rv_selection *selection, uint64_t position,
                    const rv_selection *before, bool based) {
    rv_selection whole;
    RV_ASSERT(selection->count < before->count);
    take_whole(selection, &whole);
    return become(past, based ? selection : &whole, position, before, true);
}

bool rv_past_asks_for(const rv_past *past, const rv_past_event *event) {
    RV_ASSERT(event->path.len > 0);
    return past->filling && event->position <= past->until && has(&past->cover, event) &&
           !has(&past->have, event);
}

bool rv_past_lacks(const rv_past *past, const rv_past_event *event) {
    return rv_past_asks_for(past, event) && !is_straight(past, event);
}

bool rv_past_lacks_some(const rv_past *past, rv_bytes path) {
    bool lacks = false;
    const size_t own = past->cover.selection.count - past->narrower;
    for (size_t i = 0; i < own && past->filling && !lacks; i++) {
        const rv_select *const entry = &past->cover.selection.entries[i];
        lacks =
            begin_of(entry) <= past->until && rv_path_pattern_match(&past->cover.patterns[i], path);
        for (size_t k = 0; k < past->have.selection.count && lacks; k++) {
            lacks = !is_as_long(&past->have.selection.entries[k], entry) ||
                    !rv_path_pattern_match(&past->have.patterns[k], path);
        }
    }
    RV_ASSERT(path.len > 0);
    return lacks;
}

bool rv_past_keeps(const rv_past *past, const rv_past_event *event) {
    RV_ASSERT(event->path.len > 0);
    const bool is_filled = past->filling && event->position <= past->after;
    return (has(&past->cover, event) && (is_filled || !rv_past_lacks(past, event))) ||
           is_straight(past, event);
}

void rv_past_advance(rv_past *past, uint64_t to, bool over) {
    RV_ASSERT(past->filling && to <= past->until);
    past->after = to;
    if (over) {
        past->filling = false;
        past->after = 0;
        past->until = 0;
        past->have.selection.count = 0;
    }
    if (over && !past->filled) {
        set_all_straight(past);
    }
}

bool rv_past_is_plain(const rv_past *past, const rv_selection *selection) {
    rv_selection whole;
    take_whole(selection, &whole);
    RV_ASSERT(whole.count <= RV_SELECTION_ENTRIES_MAX);
    bool straight = true;
    for (size_t i = 0; i < past->cover.selection.count; i++) {
        straight = straight && past->straight[i] == 1;
    }
    return straight && !past->filling && !past->filled && !past->narrowed && !past->lost &&
           rv_selection_equal(&whole, &past->cover.selection);
}

/* --- bytes --- */

static void write_selection(const rv_selection *selection, rv_writer *w) {
    const size_t place = w->len;
    rv_write_u32(w, 0);
    rv_selection_encode(selection, w);
    RV_ASSERT(!w->full);
    rv_store_u32(w->ptr + place, (uint32_t)(w->len - place - sizeof(uint32_t)));
}

void rv_past_write(const rv_past *past, rv_writer *w) {
    RV_ASSERT(!past->filling || past->until > 0);
    rv_write_u8(w, (uint8_t)((past->filling ? PAST_ACTIVE : 0) | (past->filled ? PAST_FILLED : 0) |
                             (past->narrowed ? PAST_NARROW : 0) | (past->lost ? PAST_LOST : 0) |
                             PAST_ORDER));
    rv_write_u64(w, past->after);
    rv_write_u64(w, past->until);
    rv_write_u64(w, past->base);
    write_selection(&past->cover.selection, w);
    write_selection(&past->have.selection, w);
    rv_write_u8(w, (uint8_t)past->narrower);
    for (size_t i = 0; i < past->cover.selection.count; i++) {
        rv_write_u64(w, past->straight[i]);
    }
}

static bool read_selection(rv_cursor *c, rv_coverage *coverage) {
    rv_selection met;
    const uint32_t len = rv_read_u32(c);
    const rv_bytes bytes = rv_read(c, len);
    if (c->bad || rv_selection_decode(bytes, &met, NULL) != RV_OK) {
        return false;
    }
    for (size_t i = 0; i < met.count; i++) {
        if (met.entries[i].kind != RV_SELECT_STREAMS || met.entries[i].history == RV_HISTORY_NONE) {
            return false;
        }
    }
    return coverage_set(coverage, &met);
}

/* Which entries are straight, and from where on. */
static bool read_straight(rv_cursor *c, rv_past *past) {
    past->narrower = rv_read_u8(c);
    bool good = past->narrower <= past->cover.selection.count;
    for (size_t i = 0; i < past->cover.selection.count; i++) {
        past->straight[i] = rv_read_u64(c);
        good = good && past->straight[i] <= RV_POSITION_MAX + 1;
    }
    RV_ASSERT(past->cover.selection.count <= RV_SELECTION_ENTRIES_MAX);
    return good && !c->bad;
}

/* As far as that is known of what an earlier version wrote. */
static void guess_straight(rv_past *past) {
    past->narrower = 0;
    for (size_t i = 0; i < past->cover.selection.count; i++) {
        past->straight[i] = past->filling ? past->until + 1 : 0;
    }
    if (!past->filled && !past->filling) {
        set_all_straight(past);
    }
    RV_ASSERT(past->until <= RV_POSITION_MAX);
}

bool rv_past_read(rv_past *past, rv_bytes bytes) {
    rv_cursor c = rv_cursor_over(bytes);
    const uint8_t flags = rv_read_u8(&c);
    const uint64_t after = rv_read_u64(&c);
    const uint64_t until = rv_read_u64(&c);
    const uint64_t base = rv_read_u64(&c);
    const bool filling = (flags & PAST_ACTIVE) != 0;
    if (c.bad || base > RV_POSITION_MAX || (flags & ~PAST_KNOWN) != 0 || until > RV_POSITION_MAX ||
        after > until || (until > 0) != filling || !read_selection(&c, &past->cover) ||
        !read_selection(&c, &past->have)) {
        return false;
    }
    past->filling = filling;
    past->after = after;
    past->until = until;
    past->filled = (flags & PAST_FILLED) != 0;
    past->narrowed = (flags & PAST_NARROW) != 0;
    past->base = base;
    past->lost = (flags & PAST_LOST) != 0;
    past->lost_all = past->lost; /* of which streams it was is not told */
    RV_ASSERT(past->after <= past->until);
    if ((flags & PAST_ORDER) == 0) {
        guess_straight(past);
        return rv_cursor_done(&c);
    }
    return read_straight(&c, past) && rv_cursor_done(&c);
}
