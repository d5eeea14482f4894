/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an edge behind a gateway may begin with a base of, or be told the changes of: rows that the
 * gateway has, all of them, as they are at the root.
 *
 *     an aggregate that the gateway selects       its filter, or that AND more
 *     one that it folds itself                    all streams that act on it are selected here, and
 *                                                 it is not SHARED
 *     streams without their history               their rows, unless some come as given ones: of
 *                                                 those nobody here knows whose they are
 *
 * Rows are noted as they change, by events and as they are given (core/state/changes.h). What the
 * gateway takes in at a time it passes on at a time: its own W is the only one that it knows.
 */
#include "core/base/assert.h"
#include "core/engine/rewind.h"
#include "core/model/schema_filter.h"
#include "sync/upstream_internal.h"

/* The node's own entry of an aggregate; NULL: it is folded, or not here at all. */
static const rv_select *own_of(const rv_node *node, rv_bytes aggregate) {
    const rv_select like = {
        .kind = RV_SELECT_AGGREGATE, .history = RV_HISTORY_NONE, .name = aggregate};
    RV_ASSERT(aggregate.len > 0);
    return rv_selection_find(rv_node_selection(node), &like);
}

/* True when events of the stream can change rows of the aggregate. */
static bool acts_on(const rv_schema *schema, const rv_stream *stream,
                    const rv_aggregate *aggregate) {
    bool acts = false;
    for (uint16_t e = 0; e < stream->event_type_count && !acts; e++) {
        const rv_event_type *const type = rv_schema_event_type(schema, stream->event_types[e]);
        RV_ASSERT(type != NULL);
        for (uint16_t t = 0; t < type->touch_count && !acts; t++) {
            const rv_touch *const touch = &type->touches[t];
            acts = touch->aggregate == aggregate->number &&
                   (touch->kind != RV_TOUCH_REFERENCES || touch->acted_on);
        }
    }
    return acts;
}

/* True when all events that change its rows, and have changed them, are folded here. */
static bool folds_all(const rv_node *node, const rv_aggregate *aggregate) {
    const rv_schema *const schema = rv_node_schema(node);
    size_t count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(node, &count);
    bool all = !aggregate->shared;
    for (uint16_t i = 0; i < rv_schema_stream_count(schema) && all; i++) {
        const rv_stream *const stream = rv_schema_stream(schema, i);
        bool covered = !acts_on(schema, stream, aggregate);
        for (size_t k = 0; k < count && !covered; k++) {
            covered = rv_path_pattern_covers(&patterns[k], &stream->path);
        }
        all = covered;
    }
    RV_ASSERT(count <= RV_SELECTION_ENTRIES_MAX);
    return all;
}

/* Is what the edge selects of an aggregate within what the node does? RV_OK; RV_END: it is not, or
 * that cannot be seen; RV_SELECTION_INVALID: the edge's filter is none. */
static rv_status compare(const rv_upstream *s, const rv_aggregate *aggregate, rv_bytes filter,
                         rv_bytes own, rv_error *err) {
    const rv_schema *const schema = rv_node_schema(s->shared->node);
    const rv_writer spare = rv_encoder_spare(s->shared->encoder);
    const size_t aligned = -(uintptr_t)spare.ptr & 15u;
    rv_expr inner, outer;
    RV_ASSERT(spare.cap > 2 * sizeof s->selection);
    if (own.len == 0 || filter.len == 0) {
        return own.len == 0 ? RV_OK : RV_END;
    }
    rv_arena arena = rv_arena_over(spare.ptr + aligned, spare.cap / 2 - aligned);
    rv_arena scratch = rv_arena_over(spare.ptr + spare.cap / 2, spare.cap - spare.cap / 2);
    const rv_status status =
        rv_schema_filter(schema, aggregate, filter, &arena, &scratch, &inner, err);
    if (status != RV_OK) {
        return status == RV_MEMORY_EXHAUSTED ? RV_END : status;
    }
    return rv_schema_filter(schema, aggregate, own, &arena, &scratch, &outer, NULL) == RV_OK &&
                   rv_schema_filter_within(&inner, &outer)
               ? RV_OK
               : RV_END;
}

static rv_status refuse_aggregate(rv_bytes name, const char *why, rv_error *err) {
    (void)rv_error_set(err, RV_SELECTION_INVALID, "this node is a gateway that %s `%b`%s", why,
                       &name, "; select what it holds, or connect to its upstream");
    rv_error_fact_text(err, "aggregate", name);
    return RV_SELECTION_INVALID;
}

static rv_status check_aggregate(rv_upstream *s, const rv_select *entry, rv_error *err) {
    const rv_node *const node = s->shared->node;
    const rv_aggregate *const aggregate =
        rv_schema_aggregate_named(rv_node_schema(node), entry->name);
    const rv_select *const own = own_of(node, entry->name);
    uint64_t since = 0;
    if (aggregate == NULL) {
        return RV_OK; /* whoever compiles its filter says so */
    }
    if (own != NULL) {
        const rv_status status = compare(s, aggregate, entry->filter, own->filter, err);
        return status == RV_END ? refuse_aggregate(entry->name, "selects less of", err) : status;
    }
    if (!folds_all(node, aggregate)) {
        return refuse_aggregate(entry->name, "does not hold all rows of", err);
    }
    s->folds = true;
    return rv_node_stale(node, aggregate->number, &since)
               ? rv_error_set(err, RV_BUSY,
                              "this gateway's version does not understand all events of `%b`; come "
                              "again later",
                              &entry->name)
               : RV_OK;
}

/* The events behind the base, which will be at this node's W or a later one, and what the edge may
 * want of those before (what it has it says only when it asks for that). */
static rv_status check_past(const rv_node *node, const rv_select *entry,
                            const rv_path_pattern *pattern, rv_error *err) {
    const uint64_t next = rv_node_watermark(node) + 1;
    const bool late =
        entry->history == RV_HISTORY_NONE || (entry->history == RV_HISTORY_SINCE_POSITION &&
                                              entry->since > 0 && (uint64_t)entry->since >= next);
    const uint64_t from = late ? next
                          : entry->history == RV_HISTORY_SINCE_POSITION && entry->since > 0
                              ? (uint64_t)entry->since
                              : 1;
    RV_ASSERT(entry->kind == RV_SELECT_STREAMS);
    return rv_upstream_gateway_serves(node, pattern, from, err);
}

/* Rows of streams, as far as none are given: or the edge takes those as given ones, too. */
static rv_status check_rows(const rv_node *node, const rv_selection *selection,
                            const rv_path_pattern *pattern, rv_error *err) {
    const rv_schema *const schema = rv_node_schema(node);
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, a);
        const rv_select *const own = own_of(node, aggregate->name);
        if (own == NULL || rv_selection_find(selection, own) != NULL) {
            continue;
        }
        for (uint16_t i = 0; i < rv_schema_stream_count(schema); i++) {
            const rv_stream *const stream = rv_schema_stream(schema, i);
            if (rv_path_pattern_meets(pattern, &stream->path) &&
                acts_on(schema, stream, aggregate)) {
                return refuse_aggregate(aggregate->name,
                                        "has no rows of these streams by themselves, as it selects",
                                        err);
            }
        }
    }
    RV_ASSERT(selection->count <= RV_SELECTION_ENTRIES_MAX);
    return RV_OK;
}

rv_status rv_upstream_gateway_entry(rv_upstream *s, const rv_selection *selection,
                                    const rv_select *entry, bool based, rv_error *err) {
    const rv_node *const node = s->shared->node;
    rv_path_pattern pattern;
    RV_ASSERT(rv_upstream_is_gateway(s->shared));
    if (rv_node_rewinding(node) || !rv_node_whole(node)) {
        return rv_error_set(err, RV_BUSY, "this gateway awaits rows itself: come again later");
    }
    if (rv_schema_version(rv_node_schema(node)) == 0) {
        return rv_error_set(err, RV_BUSY, "this gateway has no schema yet: come again later");
    }
    if (entry->kind == RV_SELECT_AGGREGATE) {
        return check_aggregate(s, entry, err);
    }
    rv_status status = rv_path_pattern_parse(entry->name, &pattern, err);
    if (status == RV_OK && !based) {
        return rv_upstream_gateway_serves(node, &pattern, s->watermark + 1, err);
    }
    status = status == RV_OK ? check_past(node, entry, &pattern, err) : status;
    return status == RV_OK ? check_rows(node, selection, &pattern, err) : status;
}

/* One of these is stale. */
static bool has_stale(const rv_node *node, const rv_given *given, size_t count) {
    uint64_t since = 0;
    bool stale = false;
    for (size_t i = 0; i < count && !stale; i++) {
        stale = rv_node_stale(node, given[i].aggregate, &since);
    }
    RV_ASSERT(count <= RV_SELECTION_ENTRIES_MAX);
    return stale;
}

bool rv_upstream_gateway_strays(const rv_upstream *s) {
    const rv_node *const node = s->shared->node;
    RV_ASSERT(s->folds);
    return rv_schema_version(rv_node_schema(node)) != s->schema ||
           has_stale(node, s->given, s->given_count) ||
           has_stale(node, s->fed_given, s->fed_given_count);
}
