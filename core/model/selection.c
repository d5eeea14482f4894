/* SPDX-License-Identifier: Apache-2.0 */
// Selections: see selection.h.
#include "core/model/selection.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/lexer.h"
#include "core/model/value.h"

#define HISTORY_CLAUSE " history "

static rv_status invalid(rv_error *err, size_t offset, const char *what) {
    const rv_status status = rv_error_set(err, RV_SELECTION_INVALID, "the selection: %s", what);
    rv_error_fact_uint(err, "offset", offset);
    return status;
}

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static rv_bytes trim(rv_bytes text) {
    while (text.len > 0 && is_space(text.ptr[0])) {
        text = rv_bytes_from(text, 1);
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) {
        text.len -= 1;
    }
    return text;
}

/* --- entries of any origin --- */

/* What must hold of an entry's parts, by whichever way they came. */
static rv_status check_entry(const rv_select *entry, rv_error *err) {
    RV_ASSERT(entry->kind == RV_SELECT_STREAMS || entry->kind == RV_SELECT_AGGREGATE);
    if (entry->name.len == 0 || entry->name.len + entry->filter.len > RV_PATH_LEN_MAX) {
        return rv_error_set(err, RV_SELECTION_INVALID,
                            "an entry of a selection has at most %u bytes and is not empty",
                            (uint64_t)RV_PATH_LEN_MAX);
    }
    if (entry->kind == RV_SELECT_STREAMS) {
        rv_path_pattern pattern;
        return rv_path_pattern_parse(entry->name, &pattern, err);
    }
    if (entry->name.len > RV_NAME_LEN_MAX || !rv_utf8_valid(entry->name, NULL) ||
        !rv_utf8_valid(entry->filter, NULL)) {
        return rv_error_set(err, RV_SELECTION_INVALID, "the name or filter of an aggregate");
    }
    return RV_OK;
}

bool rv_select_equal(const rv_select *a, const rv_select *b) {
    return a->kind == b->kind && a->history == b->history && a->since == b->since &&
           rv_bytes_equal(a->name, b->name) && rv_bytes_equal(a->filter, b->filter);
}

const rv_select *rv_selection_find(const rv_selection *selection, const rv_select *like) {
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    for (size_t i = 0; i < selection->count; i++) {
        const rv_select *const entry = &selection->entries[i];
        if (entry->kind == like->kind && rv_bytes_equal(entry->name, like->name)) {
            return entry;
        }
    }
    return NULL;
}

/* Puts in a checked entry. */
static rv_status put_entry(rv_selection *selection, const rv_select *entry, rv_error *err) {
    const rv_select *const there = rv_selection_find(selection, entry);
    if (there != NULL) {
        return rv_select_equal(there, entry)
                   ? RV_OK
                   : rv_error_set(err, RV_SELECTION_INVALID,
                                  "%b is selected twice, and not in the same way", &entry->name);
    }
    if (selection->count == RV_SELECTION_ENTRIES_MAX) {
        return rv_error_set(err, RV_SELECTION_INVALID, "a selection has at most %u entries",
                            (uint64_t)RV_SELECTION_ENTRIES_MAX);
    }
    selection->entries[selection->count] = *entry;
    selection->count += 1;
    return RV_OK;
}

bool rv_selection_equal(const rv_selection *a, const rv_selection *b) {
    bool equal = a->count == b->count;
    for (size_t i = 0; i < a->count && equal; i++) {
        const rv_select *const there = rv_selection_find(b, &a->entries[i]);
        equal = there != NULL && rv_select_equal(there, &a->entries[i]);
    }
    return equal;
}

/* --- text --- */

/* `since` what: a number is a position, anything else a time. */
static rv_status read_since(rv_bytes text, size_t offset, rv_arena *arena, rv_select *entry,
                            rv_error *err) {
    uint64_t position = 0;
    bool digits = text.len > 0 && text.len <= 15;
    for (size_t i = 0; i < text.len && digits; i++) {
        digits = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        position = position * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (digits && position > 0) {
        entry->history = RV_HISTORY_SINCE_POSITION;
        entry->since = (int64_t)position;
        return RV_OK;
    }
    const rv_type type = {.kind = RV_TYPE_TIMESTAMPTZ};
    rv_value value;
    if (digits ||
        rv_value_from_text(&type, text, RV_LITERAL("since"), arena, &value, NULL) != RV_OK) {
        return invalid(err, offset, "after `since` a position from 1 or a time is expected");
    }
    if (value.as.integer == INT64_MAX || value.as.integer == INT64_MIN ||
        value.as.integer > INT64_MAX - RV_EPOCH_DIFFERENCE_US) {
        return invalid(err, offset, "after `since` the time is out of range");
    }
    entry->history = RV_HISTORY_SINCE_TIME;
    entry->since = value.as.integer + RV_EPOCH_DIFFERENCE_US;
    return RV_OK;
}

/* True when the text begins with the word, in any case, and a space or the end follows. */
static bool begins_with(rv_bytes text, const char *word) {
    const size_t len = strlen(word);
    bool same = text.len >= len && (text.len == len || is_space(text.ptr[len]));
    for (size_t i = 0; i < len && same; i++) {
        same = (text.ptr[i] | 0x20) == (uint8_t)word[i];
    }
    return same;
}

/* The offset of the history clause; the text's length when there is none. */
static size_t find_clause(rv_bytes text) {
    const size_t len = sizeof HISTORY_CLAUSE - 1;
    for (size_t at = text.len; at >= len; at--) {
        const rv_bytes met = rv_bytes_of(text.ptr + at - len, len);
        if (is_space(met.ptr[0]) && begins_with(rv_bytes_from(met, 1), "history")) {
            return at - len;
        }
    }
    return text.len;
}

/* What begins neither as a pattern nor as an aggregate's entry. */
static rv_status no_entry(rv_bytes text, rv_error *err) {
    const rv_bytes shown = rv_bytes_of(text.ptr, text.len > 120 ? 120 : text.len);
    (void)rv_error_set(err, RV_PATH_INVALID,
                       "`%b` is no entry of a selection: one is a pattern, which begins with `/`, "
                       "or `aggregate` and its name",
                       &shown);
    rv_error_fact_uint(err, "offset", 0);
    return RV_PATH_INVALID;
}

static rv_status read_streams(rv_bytes text, rv_arena *arena, rv_select *entry, rv_error *err) {
    if (text.len > 0 && text.ptr[0] != '/') {
        return no_entry(text, err);
    }
    const size_t clause = find_clause(text);
    entry->kind = RV_SELECT_STREAMS;
    entry->history = RV_HISTORY_ALL;
    entry->name = trim(rv_bytes_of(text.ptr, clause));
    if (clause == text.len) {
        return RV_OK;
    }
    const rv_bytes what = trim(rv_bytes_from(text, clause + sizeof HISTORY_CLAUSE - 1));
    const size_t offset = (size_t)(what.ptr - text.ptr);
    RV_ASSERT(offset <= text.len);
    if (begins_with(what, "all") && what.len == 3) {
        return RV_OK;
    }
    if (begins_with(what, "none") && what.len == 4) {
        entry->history = RV_HISTORY_NONE;
        return RV_OK;
    }
    if (begins_with(what, "since")) {
        return read_since(trim(rv_bytes_from(what, 5)), offset, arena, entry, err);
    }
    return invalid(err, offset, "history is `all`, `none`, or `since` a time or position");
}

/* The tokens of a filter are read once, so that what is no expression at all is told at once; what
 * its names mean only a schema can tell. */
static rv_status read_aggregate(rv_bytes text, rv_arena *arena, rv_select *entry, rv_error *err) {
    rv_lexer lexer;
    rv_error local = {.status = RV_OK};
    rv_status status = rv_lexer_start(&lexer, text, arena, &local);
    status = status == RV_OK ? rv_lexer_next(&lexer, &local) : status; /* behind `aggregate` */
    if (status != RV_OK ||
        (lexer.token.kind != RV_TOKEN_NAME && lexer.token.kind != RV_TOKEN_QUOTED_NAME)) {
        return invalid(err, lexer.token.offset, "after `aggregate` its name is expected");
    }
    entry->kind = RV_SELECT_AGGREGATE;
    entry->history = RV_HISTORY_NONE;
    entry->name = lexer.token.text;
    status = rv_lexer_next(&lexer, &local);
    if (status == RV_OK && lexer.token.kind == RV_TOKEN_END) {
        return RV_OK;
    }
    if (status != RV_OK || !rv_lexer_is(&lexer, "where")) {
        return invalid(err, lexer.token.offset, "after the aggregate's name `where` is expected");
    }
    entry->filter = trim(rv_bytes_from(text, lexer.token.end));
    while (status == RV_OK && lexer.token.kind != RV_TOKEN_END) { /* each turn reads a token */
        status = rv_lexer_next(&lexer, &local);
    }
    if (status != RV_OK || entry->filter.len == 0) {
        return invalid(err, lexer.token.offset, "after `where` an expression is expected");
    }
    return RV_OK;
}

rv_status rv_selection_add(rv_selection *selection, rv_bytes text, rv_arena *arena, rv_error *err) {
    RV_ASSERT(selection != NULL && arena != NULL);
    rv_select entry = {.name = {NULL, 0}, .filter = {NULL, 0}};
    const size_t mark = rv_arena_mark(arena);
    text = trim(text);
    rv_status status = RV_OK;
    if (begins_with(text, "aggregate")) {
        status = read_aggregate(text, arena, &entry, err);
    } else {
        status = read_streams(text, arena, &entry, err);
    }
    status = status == RV_OK ? check_entry(&entry, err) : status;
    const rv_select *const there = status == RV_OK ? rv_selection_find(selection, &entry) : NULL;
    uint8_t texts[RV_PATH_LEN_MAX];
    rv_writer w = rv_writer_over(texts, sizeof texts);
    if (status == RV_OK) {
        rv_write(&w, entry.name);
        rv_write(&w, entry.filter);
        RV_ASSERT(!w.full);
    }
    rv_arena_reset(arena, mark); /* what reading took */
    if (status != RV_OK) {
        return status;
    }
    const size_t name_len = entry.name.len;
    if (there != NULL) {
        entry.name = there->name;
    } else {
        const rv_bytes copy = rv_arena_copy(arena, rv_writer_bytes(&w));
        if (copy.ptr == NULL) {
            return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the selection does not fit its memory");
        }
        entry.name = rv_bytes_of(copy.ptr, name_len);
        entry.filter = rv_bytes_from(copy, name_len);
    }
    return put_entry(selection, &entry, err);
}

void rv_select_print(const rv_select *entry, rv_writer *w) {
    RV_ASSERT(entry->name.len > 0);
    if (entry->kind == RV_SELECT_AGGREGATE) {
        rv_write_text(w, "aggregate \"");
        for (size_t i = 0; i < entry->name.len; i++) {
            rv_write(w, rv_bytes_of(entry->name.ptr + i, 1));
            if (entry->name.ptr[i] == '"') {
                rv_write_u8(w, '"');
            }
        }
        rv_write_text(w, "\"");
        if (entry->filter.len > 0) {
            rv_write_text(w, " where ");
            rv_write(w, entry->filter);
        }
        return;
    }
    rv_write(w, entry->name);
    if (entry->history == RV_HISTORY_NONE) {
        rv_write_text(w, " history none");
    } else if (entry->history == RV_HISTORY_SINCE_POSITION) {
        rv_write_text(w, " history since ");
        rv_write_uint(w, (uint64_t)entry->since);
    } else if (entry->history == RV_HISTORY_SINCE_TIME) {
        const rv_type type = {.kind = RV_TYPE_TIMESTAMPTZ};
        const rv_value value = rv_value_int(entry->since - RV_EPOCH_DIFFERENCE_US);
        rv_write_text(w, " history since ");
        rv_value_to_text(&type, &value, w);
    }
}

/* --- bytes --- */

void rv_selection_encode(const rv_selection *selection, rv_writer *w) {
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    rv_write_varint(w, selection->count);
    for (size_t i = 0; i < selection->count; i++) {
        const rv_select *const entry = &selection->entries[i];
        rv_write_u8(w, (uint8_t)entry->kind);
        rv_write_blob(w, entry->name);
        if (entry->kind == RV_SELECT_AGGREGATE) {
            rv_write_blob(w, entry->filter);
            continue;
        }
        rv_write_u8(w, (uint8_t)entry->history);
        if (entry->history >= RV_HISTORY_SINCE_TIME) {
            rv_write_svarint(w, entry->since);
        }
    }
}

static bool read_entry(rv_cursor *c, rv_select *entry) {
    *entry = (rv_select){.kind = RV_SELECT_STREAMS};
    const uint8_t kind = rv_read_u8(c);
    entry->name = rv_read_blob(c);
    if (c->bad || (kind != RV_SELECT_STREAMS && kind != RV_SELECT_AGGREGATE)) {
        return false;
    }
    entry->kind = (rv_select_kind)kind;
    if (entry->kind == RV_SELECT_AGGREGATE) {
        entry->history = RV_HISTORY_NONE;
        entry->filter = rv_read_blob(c);
        return !c->bad;
    }
    const uint8_t history = rv_read_u8(c);
    if (c->bad || history > RV_HISTORY_SINCE_POSITION) {
        return false;
    }
    entry->history = (rv_history)history;
    entry->since = history >= RV_HISTORY_SINCE_TIME ? rv_read_svarint(c) : 0;
    return !c->bad && (history != RV_HISTORY_SINCE_POSITION || entry->since > 0);
}

rv_status rv_selection_decode(rv_bytes bytes, rv_selection *selection, rv_error *err) {
    RV_ASSERT(selection != NULL);
    rv_cursor c = rv_cursor_over(bytes);
    const uint64_t count = rv_read_varint(&c);
    selection->count = 0;
    if (c.bad || count > RV_SELECTION_ENTRIES_MAX) {
        return rv_error_set(err, RV_SELECTION_INVALID, "a selection has at most %u entries",
                            (uint64_t)RV_SELECTION_ENTRIES_MAX);
    }
    for (uint64_t i = 0; i < count; i++) {
        rv_select entry;
        rv_status status = RV_OK;
        if (!read_entry(&c, &entry)) {
            status = rv_error_set(err, RV_SELECTION_INVALID, "an entry of the selection");
        }
        status = status == RV_OK ? check_entry(&entry, err) : status;
        status = status == RV_OK ? put_entry(selection, &entry, err) : status;
        if (status != RV_OK) {
            rv_error_fact_uint(err, "entry", i);
            return status == RV_PATH_INVALID && err != NULL ? (err->status = RV_SELECTION_INVALID)
                                                            : RV_SELECTION_INVALID;
        }
    }
    if (!rv_cursor_done(&c) || selection->count != count) {
        return rv_error_set(err, RV_SELECTION_INVALID,
                            "a selection ends early, goes on, or says something twice");
    }
    return RV_OK;
}
