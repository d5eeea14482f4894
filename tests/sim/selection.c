/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/selection.h"

#include "core/base/assert.h"
#include "platform/memory/random.h"

#include <stdio.h>
#include <string.h>

/* Clocks begin on the 14th of November 2023, at 22:13:20. */
static int write_time(char *text, size_t size, int32_t seconds) {
    const int32_t at = 13 * 86400 + 22 * 3600 + 13 * 60 + 20 + seconds;
    const int32_t day = at / 86400, second = at % 86400;
    RV_ASSERT(at >= 0 && day < 61);
    return snprintf(text, size, " history since 2023-%02d-%02d %02d:%02d:%02d+00",
                    day < 30 ? 11 : 12, day % 30 + 1, second / 3600, second / 60 % 60, second % 60);
}

void sim_entry_text(const sim_entry *entry, char text[SIM_ENTRY_LEN]) {
    const char *const name = entry->pattern != NULL ? entry->pattern : entry->given->text;
    const bool none = entry->pattern != NULL && !entry->history;
    const bool timed = none && entry->timed;
    int len =
        none && entry->since > 0
            ? snprintf(text, SIM_ENTRY_LEN, "%s history since %u", name, entry->since)
            : snprintf(text, SIM_ENTRY_LEN, "%s%s", name, none && !timed ? " history none" : "");
    if (timed && len > 0 && len < SIM_ENTRY_LEN) {
        len += write_time(text + len, SIM_ENTRY_LEN - (size_t)len, entry->seconds);
    }
    RV_ASSERT(len > 0 && len < SIM_ENTRY_LEN);
}

bool sim_selection_feeds(const sim_selection *selection, bool whole, rv_bytes path) {
    bool feeds = false;
    RV_ASSERT(selection->count <= SIM_ENTRIES_MAX);
    for (uint8_t i = 0; i < selection->count && !feeds; i++) {
        const sim_entry *const entry = &selection->entries[i];
        feeds = entry->pattern != NULL && (whole || entry->history) &&
                sim_pattern_selects(entry->pattern, path);
    }
    return feeds;
}

const sim_given *sim_selection_given(const sim_selection *selection, rv_bytes aggregate) {
    for (uint8_t i = 0; i < selection->count; i++) {
        const sim_given *const given = selection->entries[i].given;
        if (given != NULL && rv_bytes_are(aggregate, given->aggregate)) {
            return given;
        }
    }
    return NULL;
}

bool sim_selection_is_all(const sim_selection *selection) {
    uint32_t streams = 0;
    bool all = false;
    for (uint8_t i = 0; i < selection->count; i++) {
        const char *const pattern = selection->entries[i].pattern;
        streams += pattern != NULL;
        all = all || (pattern != NULL && strcmp(pattern, "/**") == 0);
    }
    return all && streams == 1;
}

static bool has(const sim_selection *selection, const sim_entry *entry) {
    bool met = false;
    for (uint8_t i = 0; i < selection->count && !met; i++) {
        const sim_entry *const e = &selection->entries[i];
        met = e->pattern == entry->pattern && e->history == entry->history &&
              e->given == entry->given && e->since == entry->since && e->timed == entry->timed &&
              e->seconds == entry->seconds;
    }
    return met;
}

bool sim_selection_narrows(const sim_selection *before, const sim_selection *after) {
    bool within = true, less = false;
    for (uint8_t i = 0; i < after->count; i++) {
        within = within && has(before, &after->entries[i]);
    }
    for (uint8_t i = 0; i < before->count; i++) {
        const bool kept = has(after, &before->entries[i]);
        within = within && (kept || before->entries[i].pattern != NULL);
        less = less || !kept;
    }
    return within && less;
}

bool sim_selection_has_given(const sim_selection *selection) {
    bool has = false;
    for (uint8_t i = 0; i < selection->count && !has; i++) {
        has = selection->entries[i].given != NULL;
    }
    return has;
}

bool sim_selection_has_bases(const sim_selection *selection) {
    bool has = false;
    for (uint8_t i = 0; i < selection->count && !has; i++) {
        has = !selection->entries[i].history;
    }
    return has;
}

bool sim_selection_is(const sim_selection *selection, const rv_selection *nodes) {
    static uint8_t memory[SIM_ENTRIES_MAX * SIM_ENTRY_LEN + 2 * RV_PATH_LEN_MAX + 65536];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_selection own = {.count = 0};
    for (uint8_t i = 0; i < selection->count; i++) {
        char text[SIM_ENTRY_LEN];
        sim_entry_text(&selection->entries[i], text);
        const rv_status status = rv_selection_add(&own, rv_bytes_of_string(text), &arena, NULL);
        RV_ASSERT(status == RV_OK);
    }
    return rv_selection_equal(&own, nodes);
}

/* --- patterns --- */

/* The segment of `text` that begins at `*at` (behind a slash), which moves to the next slash. */
static rv_bytes segment(rv_bytes text, size_t *at) {
    RV_ASSERT(*at < text.len && text.ptr[*at] == '/');
    size_t end = *at + 1;
    while (end < text.len && text.ptr[end] != '/') {
        end += 1;
    }
    const rv_bytes part = {text.ptr + *at + 1, end - *at - 1};
    *at = end;
    return part;
}

bool sim_pattern_selects(const char *pattern, rv_bytes path) {
    const rv_bytes text = rv_bytes_of_string(pattern);
    size_t p = 0, q = 0;
    RV_ASSERT(text.len > 0 && text.ptr[0] == '/');
    while (p < text.len && q < path.len) {
        const bool first = q == 0;
        const rv_bytes want = segment(text, &p);
        const rv_bytes have = segment(path, &q);
        const bool any = rv_bytes_are(want, "*") || rv_bytes_are(want, "**") ||
                         (want.len > 0 && want.ptr[0] == '{');
        if (any && first && rv_bytes_are(have, "rivulet")) {
            return false; /* what is the node's own must be named */
        }
        if (rv_bytes_are(want, "**")) {
            return true;
        }
        if (!any && !rv_bytes_equal(want, have)) {
            return false;
        }
    }
    return p == text.len && q == path.len;
}

/* --- drawing --- */

static const sim_entry *entry_of(const sim_selection *selection, const char *pattern) {
    for (uint8_t i = 0; selection != NULL && i < selection->count; i++) {
        const sim_entry *const entry = &selection->entries[i];
        if (entry->pattern != NULL && strcmp(entry->pattern, pattern) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void draw_streams(sim_selection *selection, const sim_schema *schema, uint64_t *random,
                         const sim_selection *before) {
    const uint64_t known = sim_schema_patterns(schema);
    const uint64_t count = rv_random_below(random, SIM_PATTERNS_MAX + 1);
    for (uint64_t i = 0; i < count; i++) {
        const char *const pattern = schema->patterns[rv_random_below(random, known)];
        const bool history = rv_random_chance(random, 40);
        const sim_entry *const old = entry_of(before, pattern);
        const bool may = before == NULL || (old != NULL && old->history);
        if (entry_of(selection, pattern) == NULL) {
            selection->entries[selection->count++] =
                (sim_entry){.pattern = pattern, .history = history && may};
        }
    }
    RV_ASSERT(selection->count <= SIM_PATTERNS_MAX);
}

void sim_selection_draw(sim_selection *selection, const sim_schema *schema, uint64_t *random,
                        const sim_selection *before) {
    *selection = (sim_selection){.count = 0};
    draw_streams(selection, schema, random, before);
    uint64_t known = 0;
    while (schema->givens[known].text != NULL) {
        known += 1;
    }
    const uint64_t most = selection->count == 0 ? 1 : 0;
    for (uint64_t i = most + rv_random_below(random, 2); i > 0; i--) {
        const sim_given *const given = &schema->givens[rv_random_below(random, known)];
        if (sim_selection_given(selection, rv_bytes_of_string(given->aggregate)) == NULL) {
            selection->entries[selection->count++] = (sim_entry){.given = given};
        }
    }
    RV_ASSERT(selection->count > 0 && selection->count <= SIM_ENTRIES_MAX);
}
