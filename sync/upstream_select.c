/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the edge of a session is to hold. It names in its hello what it holds (events are fed by
 * that), in a selection message what it is to hold, and in select messages what it is to hold
 * instead, as often as it likes. What is missing comes as a base (upstream_base.c); until that has
 * been sent, the session goes on with what the edge holds: patterns, and aggregates with their
 * filters.
 *
 *     the session's memory:   | live: what is fed and given now | next: what the base is for |   |
 *
 *   invariant: `next` never lies over `live`; it becomes `live` when the base has been sent.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"
#include "core/model/schema_filter.h"

static bool is_fed(const rv_upstream *s, rv_bytes pattern) {
    bool met = false;
    for (size_t i = 0; i < s->fed_count && !met; i++) {
        met = rv_bytes_equal(s->fed[i].text, pattern);
    }
    return met;
}

/* From now on changes of rows are noted, for as long as the node runs and holds what it does.
 * RV_BUSY: it is in the middle of a batch. */
static rv_status note_changes(rv_upstream_shared *shared, rv_error *err) {
    rv_node *const node = shared->node;
    const uint32_t swaps = rv_node_selection_swaps(node);
    if (shared->changes_noted && shared->changes_swaps == swaps) {
        return RV_OK;
    }
    if (rv_node_in_batch(node)) {
        return rv_error_set(err, RV_BUSY, "this gateway is being sent a batch: come again");
    }
    rv_state_watch(rv_node_state(node), &shared->changes, shared->changes_memory, CHANGES_MEMORY,
                   rv_node_watermark(node));
    shared->changes_noted = true;
    shared->changes_swaps = swaps;
    rv_upstream_rows_begin(shared);
    return RV_OK;
}

/* What of the selection can be served. */
static rv_status check_selection(rv_upstream *s, const rv_wire_selection *m, rv_error *err) {
    const rv_selection *const selection = &m->selection;
    const bool gateway = rv_upstream_is_gateway(s->shared);
    rv_status status = rv_upstream_token_selection(s, selection, err);
    size_t count = 0;
    bool given = false;
    for (size_t i = 0; i < selection->count && status == RV_OK; i++) {
        const rv_select *const entry = &selection->entries[i];
        const bool fed = entry->kind == RV_SELECT_STREAMS && is_fed(s, entry->name);
        count += fed;
        given = given || entry->kind == RV_SELECT_AGGREGATE;
        status = gateway ? rv_upstream_gateway_entry(s, selection, entry, m->changed || !fed, err)
                         : RV_OK;
    }
    if (status == RV_OK && !m->changed && count != s->fed_count) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the edge names patterns in its hello that it does not select");
    }
    return status == RV_OK && given ? note_changes(s->shared, err) : status;
}

/* A selection as it is used, in some memory. */
typedef struct rv_kept {
    rv_path_pattern *patterns;
    size_t pattern_count;
    rv_given *given;
    size_t given_count;
} rv_kept;

/* Keeps an aggregate and its filter, compiled. */
static rv_status keep_given(const rv_upstream *s, const rv_select *entry, rv_arena *arena,
                            rv_arena *scratch, rv_kept *kept, rv_error *err) {
    const rv_schema *const schema = rv_node_schema(s->shared->node);
    const rv_aggregate *const aggregate = rv_schema_aggregate_named(schema, entry->name);
    if (aggregate == NULL) {
        return rv_error_set(err, RV_SELECTION_INVALID, "there is no aggregate `%b`", &entry->name);
    }
    rv_given *const given = &kept->given[kept->given_count];
    *given = (rv_given){.aggregate = aggregate->number};
    kept->given_count += 1;
    if (entry->filter.len == 0) {
        return RV_OK;
    }
    rv_expr *const filter = rv_arena_take(arena, sizeof *filter);
    given->filter = filter;
    return filter == NULL
               ? RV_MEMORY_EXHAUSTED
               : rv_schema_filter(schema, aggregate, entry->filter, arena, scratch, filter, err);
}

/* Keeps the patterns and the aggregates in `arena`. */
static rv_status keep(const rv_upstream *s, const rv_selection *selection, rv_arena *arena,
                      rv_arena scratch, rv_kept *kept, rv_error *err) {
    size_t given = 0;
    for (size_t i = 0; i < selection->count; i++) {
        given += selection->entries[i].kind == RV_SELECT_AGGREGATE;
    }
    const size_t patterns = selection->count - given;
    *kept = (rv_kept){.pattern_count = 0};
    kept->given = rv_arena_take(arena, sizeof *kept->given * given);
    kept->patterns = rv_arena_take(arena, sizeof *kept->patterns * patterns);
    rv_status status =
        (given > 0 && kept->given == NULL) || (patterns > 0 && kept->patterns == NULL)
            ? RV_MEMORY_EXHAUSTED
            : RV_OK;
    for (size_t i = 0; i < selection->count && status == RV_OK; i++) {
        const rv_select *const entry = &selection->entries[i];
        if (entry->kind == RV_SELECT_AGGREGATE) {
            status = keep_given(s, entry, arena, &scratch, kept, err);
            continue;
        }
        const rv_bytes text = rv_arena_copy(arena, entry->name);
        status = text.ptr == NULL
                     ? RV_MEMORY_EXHAUSTED
                     : rv_path_pattern_parse(text, &kept->patterns[kept->pattern_count], err);
        kept->pattern_count += status == RV_OK;
    }
    return status == RV_MEMORY_EXHAUSTED
               ? rv_error_set(err, RV_SELECTION_INVALID,
                              "the selection takes more than the %u bytes an upstream has for it, "
                              "beside what is held now",
                              (uint64_t)sizeof s->selection)
               : status;
}

rv_upstream_part rv_upstream_room(const rv_upstream *s) {
    const size_t behind = sizeof s->selection - s->live.end;
    RV_ASSERT(s->live.begin <= s->live.end && s->live.end <= sizeof s->selection);
    return behind >= s->live.begin ? (rv_upstream_part){s->live.end, sizeof s->selection}
                                   : (rv_upstream_part){0, s->live.begin};
}

/* Keeps the selection where nothing lies that is used now; after an error nothing has changed. */
static rv_status keep_next(rv_upstream *s, const rv_selection *selection, rv_error *err) {
    const rv_upstream_part free = rv_upstream_room(s);
    const size_t at = free.begin;
    const size_t room = free.end - free.begin;
    const rv_writer spare = rv_encoder_spare(s->shared->encoder);
    RV_ASSERT(spare.cap > 2 * sizeof s->selection && s->live.begin <= s->live.end);
    /* once aside, aligned alike, to see whether it can be */
    const size_t shift = (size_t)((uintptr_t)(s->selection + at) & 15u);
    uint8_t *const aside = spare.ptr + (-(uintptr_t)spare.ptr & 15u) + shift;
    const size_t left = spare.cap - (size_t)(aside - spare.ptr) - sizeof s->selection;
    const rv_arena scratch = rv_arena_over(aside + sizeof s->selection, left);
    rv_arena trial = rv_arena_over(aside, room);
    rv_kept kept;
    rv_status status = keep(s, selection, &trial, scratch, &kept, err);
    if (status != RV_OK) {
        return status;
    }
    rv_arena arena = rv_arena_over(s->selection + at, room);
    status = keep(s, selection, &arena, scratch, &kept, err);
    RV_ASSERT(status == RV_OK && arena.len == trial.len);
    s->next = (rv_upstream_part){at, at + arena.len};
    rv_upstream_fill_end(s); /* its lists lay there */
    s->patterns = kept.patterns;
    s->pattern_count = kept.pattern_count;
    s->given = kept.given;
    s->given_count = kept.given_count;
    return RV_OK;
}

void rv_upstream_feed_all(rv_upstream *s) {
    s->live = s->next;
    s->fed = s->patterns;
    s->fed_count = s->pattern_count;
    s->fed_given = s->given;
    s->fed_given_count = s->given_count;
    RV_ASSERT(s->live.end <= sizeof s->selection);
}

/* What is missing at the edge, which holds all of it at its W, or not. */
static void want_base(rv_upstream *s, const rv_wire_selection *m) {
    rv_upstream_shared *const shared = s->shared;
    bool wanted = !m->whole;
    if (s->given_count > 0) {
        const bool covered = rv_changes_find(&shared->changes, s->watermark, &s->changes_next);
        wanted = wanted || !covered;
    }
    if (!wanted) { /* its patterns are those of the hello */
        s->fed_given = s->given;
        s->fed_given_count = s->given_count;
    } else {
        s->base.phase = RV_BASE_WANTED;
        s->base.everything = m->changed;
        s->base.notice_owed = m->shows;
        s->base.resumes = m->under_way && !m->shows; /* the notice begins it anew */
        s->base.position = m->position;
        s->base.cursor = m->cursor;
    }
    if (m->whole) { /* a base is of the same, and a past may be asked for beside it */
        s->live.end = s->next.end;
        s->next = s->live;
    }
}

rv_status rv_upstream_take_selection(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_selection m;
    rv_status status = rv_wire_read_selection(body, &m, err);
    if (status == RV_OK && (s->state != RV_UPSTREAM_LIVE || !s->selection_owed)) {
        status = rv_error_set(err, RV_PROTOCOL_ERROR, "the edge sent a selection out of turn");
    }
    status = status == RV_OK ? check_selection(s, &m, err) : status;
    status = status == RV_OK ? keep_next(s, &m.selection, err) : status;
    if (status != RV_OK) {
        return status;
    }
    s->selection_owed = false;
    want_base(s, &m);
    if (!s->lineage_owed) {
        rv_upstream_subscribe(s, s->after); /* nothing was fed yet */
    }
    return RV_OK;
}

/* --- another one --- */

/* RV_OK: it is taken, and a base for it wanted. Else nothing has changed. */
static rv_status select_other(rv_upstream *s, rv_bytes bytes, rv_error *err) {
    rv_wire_selection m = {.changed = true};
    rv_status status = rv_selection_decode(bytes, &m.selection, err);
    status = status == RV_OK ? check_selection(s, &m, err) : status;
    status = status == RV_OK ? keep_next(s, &m.selection, err) : status;
    if (status != RV_OK) {
        return status;
    }
    rv_upstream_base_leave(s, s->last_received);
    s->base.phase = RV_BASE_WANTED;
    s->base.everything = true;
    s->base.notice_owed = false;
    s->base.resumes = false;
    /* as far as a snapshot of the base before let it, and on */
    if (!s->lineage_owed) {
        const uint64_t next = rv_subscription_sequence(&s->subscription);
        rv_upstream_subscribe(s, s->in_batch ? next : s->after);
    }
    return RV_OK;
}

rv_status rv_upstream_take_select(rv_upstream *s, rv_bytes body, rv_error *err) {
    uint64_t number = 0;
    rv_bytes bytes;
    const rv_status status = rv_wire_read_select(body, &number, &bytes, err);
    if (status != RV_OK) {
        return status;
    }
    if (s->state != RV_UPSTREAM_LIVE || s->welcome_owed || s->selection_owed || s->select.owed ||
        number != s->select.number + 1) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the edge sent a selection out of turn");
    }
    rv_error why = {.status = RV_OK};
    const rv_status taken = select_other(s, bytes, &why);
    if (taken == RV_BUSY) { /* that is no refusal: it is asked for again in another connection */
        *err = why;
        return RV_BUSY;
    }
    s->select.number = number;
    s->select.owed = true;
    s->select.refused = taken != RV_OK;
    s->failure = why;
    RV_ASSERT(!s->select.refused || s->failure.status > RV_END);
    return RV_OK;
}

bool rv_upstream_select_answer(rv_upstream *s, rv_bytes *message) {
    RV_ASSERT(s->state == RV_UPSTREAM_LIVE && s->select.owed);
    if (s->in_batch || s->changes_to > s->watermark) {
        return false;
    }
    rv_wire_selected m = {.number = s->select.number, .refused = s->select.refused};
    m.error = s->failure;
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    rv_wire_write_selected(&w, &m);
    if (!rv_upstream_take_credit(s, w.len)) {
        return false;
    }
    s->select.owed = false;
    *message = rv_writer_bytes(&w);
    return true;
}
