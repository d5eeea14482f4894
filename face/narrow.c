/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a read of events is narrowed to, beside its streams: event types (`type`, which may be
 * repeated), and a condition over their fields (`where`), which every one of the types must have.
 *
 * Only the condition's text is kept, in the exchange's buffer. It is compiled for a type when the
 * first event of that type comes in a piece, and forgotten with the piece.
 */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/model/schema_filter.h"
#include "core/model/schema_nearest.h"

#define COMPILED_LEN ((size_t)64 << 10)

static rv_status add_type(rv_exchange *x, rv_bytes name, rv_error *err) {
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    const rv_event_type *const type = rv_schema_event_type_named(schema, name);
    if (exchange_is_live(x) && rv_node_provisional(x->face->options.node)) {
        return RV_PENDING; /* it is the root's schema that events will be of */
    }
    if (type != NULL) {
        x->narrow.types[type->number / 64u] |= UINT64_C(1) << (type->number % 64u);
        x->narrow.by_type = true;
        return RV_OK;
    }
    const rv_status awaited = face_await_schema(x, err);
    if (awaited != RV_OK) {
        return awaited;
    }
    rv_nearest nearest = rv_nearest_to(name);
    for (uint16_t i = 0; i < rv_schema_event_type_count(schema); i++) {
        rv_nearest_offer(&nearest, rv_schema_event_type(schema, i)->name);
    }
    const bool near = nearest.best.len > 0;
    (void)rv_error_set(err, RV_UNKNOWN_EVENT_TYPE,
                       near ? "there is no event type `%b`; did you mean `%b`?"
                            : "there is no event type `%b`",
                       &name, &nearest.best);
    rv_error_fact_text(err, "event_type", name);
    return RV_UNKNOWN_EVENT_TYPE;
}

static rv_status read_types(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes left = url->query;
    rv_status status = RV_OK;
    bool found = true;
    while (status == RV_OK && found) { /* ends: each round takes a parameter */
        rv_bytes name;
        status = rv_url_parameter_next(&left, "type", &x->face->scratch, &name, &found, err);
        status = status == RV_OK && found ? add_type(x, name, err) : status;
    }
    RV_ASSERT(status != RV_OK || !found);
    return status;
}

static bool admits(const event_narrow *narrow, uint16_t type) {
    return (narrow->types[type / 64u] >> (type % 64u) & 1u) != 0;
}

/* The filters of a piece; no room for them is an error of the request. */
static rv_status filters_begin(rv_exchange *x, event_filters *filters, rv_error *err) {
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    const size_t count = rv_schema_event_type_count(schema);
    rv_arena *const scratch = &x->face->scratch;
    *filters = (event_filters){0};
    if (x->narrow.where_len == 0) {
        return RV_OK;
    }
    filters->compiled = rv_arena_take(scratch, count * sizeof *filters->compiled);
    filters->values = rv_arena_take(scratch, RV_FIELDS_MAX * sizeof *filters->values);
    filters->arena = rv_arena_split(scratch, COMPILED_LEN);
    return filters->values == NULL || filters->compiled == NULL || filters->arena.cap == 0
               ? rv_error_set(err, RV_MEMORY_EXHAUSTED, "there is no memory for the filter")
               : RV_OK;
}

/* The filter of a type, compiled if it is not. */
static rv_status filter_of(rv_exchange *x, event_filters *filters, uint16_t number,
                           const rv_expr **filter, rv_error *err) {
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    rv_expr *const at = &filters->compiled[number];
    rv_status status = RV_OK;
    if (at->steps == NULL) {
        const rv_bytes text = rv_bytes_of(x->buffer, x->narrow.where_len);
        status = rv_schema_filter_events(schema, rv_schema_event_type(schema, number), text,
                                         &filters->arena, &x->face->scratch, at, err);
    }
    *filter = at;
    return status;
}

/* Compiles the condition for each type once, to see that it can be. */
static rv_status judge_where(rv_exchange *x, rv_error *err) {
    const uint16_t count = rv_schema_event_type_count(rv_node_schema(x->face->options.node));
    event_filters filters;
    rv_status status = filters_begin(x, &filters, err);
    for (uint16_t i = 0; i < count && status == RV_OK; i++) {
        const rv_expr *filter;
        const size_t mark = rv_arena_mark(&filters.arena);
        status = admits(&x->narrow, i) ? filter_of(x, &filters, i, &filter, err) : RV_OK;
        rv_arena_reset(&filters.arena, mark);
    }
    return status;
}

static rv_status read_where(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes text;
    bool found = false;
    const rv_status status = rv_url_parameter(url, "where", &x->face->scratch, &text, &found, err);
    if (status != RV_OK || !found) {
        return status;
    }
    if (!x->narrow.by_type) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "`where` is over the fields of event types: name them with `type`");
    }
    if (text.len == 0 || text.len > sizeof x->buffer) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`where` has 1 to %u bytes, not %u",
                            (uint64_t)sizeof x->buffer, (uint64_t)text.len);
    }
    memcpy(x->buffer, text.ptr, text.len);
    x->narrow.where_len = (uint32_t)text.len;
    return judge_where(x, err);
}

rv_status face_narrow_read(rv_exchange *x, const rv_url *url, rv_error *err) {
    x->narrow = (event_narrow){0};
    const rv_status status = read_types(x, url, err);
    return status == RV_OK ? read_where(x, url, err) : status;
}

rv_status face_narrow_begin(rv_exchange *x, event_filters *filters, rv_error *err) {
    rv_arena_reset(&x->face->scratch, 0);
    return filters_begin(x, filters, err);
}

rv_status face_narrow_admits(rv_exchange *x, event_filters *filters, const rv_event *event,
                             bool *passes, rv_error *err) {
    *passes = !x->narrow.by_type;
    if (*passes || event->type == RV_SYSTEM_SCHEMA_TYPE || !admits(&x->narrow, event->type)) {
        return RV_OK;
    }
    *passes = true;
    if (x->narrow.where_len == 0) {
        return RV_OK;
    }
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    const rv_expr *filter;
    const rv_status status = filter_of(x, filters, event->type, &filter, err);
    if (status == RV_OK) {
        const rv_event_type *const type = rv_schema_event_type(schema, event->type);
        *passes = rv_event_data_decode(type, event->data, filters->values) &&
                  rv_schema_filter_passes(filter, filters->values, &x->face->scratch);
    }
    return status;
}
